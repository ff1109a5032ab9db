"""`drumscribe models`: cards are shown, others' networks are kept only with the right hash, and offline means offline."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from tiny_networks import publish_thump_and_hiss
from typer.testing import CliRunner, Result

from drumscribe.cli.app import app
from drumscribe.errors import OptionError, WeightsCorrupt, WeightsNotFound

FILE = b"weights that nobody unpickles here"
DIGEST = hashlib.sha256(FILE).hexdigest()


def models(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)], env=environment)


def test_a_card_holds_what_one_must_know_and_no_machinery() -> None:
    cards = json.loads(models("show", "--json").output)["models"]
    assert {card["kind"] for card in cards} >= {"drums", "beats"}
    for card in cards:
        assert card["licence"] == "MIT"
        assert len(card["sha256"]) == 64
        assert card["data"]["tiers"] == ["permissive"]
        assert not {"picking", "calibration"} & set(card)
    drums = next(card for card in cards if card["kind"] == "drums")
    text = models("show", drums["model"]).output
    assert text.startswith(f"{drums['model']} (drums)")
    for fact in (drums["sha256"], "kick: f_measure 0.", "permissive"):
        assert fact in text


def test_a_card_of_a_damaged_or_unknown_network_is_not_shown(tmp_path: Path) -> None:
    manifest = publish_thump_and_hiss(tmp_path)
    assert isinstance(models("show", "nonsense").exception, WeightsNotFound)
    description = next(tmp_path.glob("drums-*.json"))
    description.write_text("{}")
    assert isinstance(models("show", "--manifest", manifest).exception, WeightsCorrupt)


def test_weights_of_demucs_are_kept_with_the_right_hash_only(tmp_path: Path) -> None:
    source, cache = tmp_path / "955717e8.th", tmp_path / "cache"
    source.write_bytes(FILE)
    place = ("--from", source, "--cache-dir", cache)
    assert isinstance(models("pull", "demucs", *place).exception, OptionError)
    assert isinstance(models("pull", "demucs", *place, "--sha256", "0" * 64).exception, WeightsCorrupt)
    assert not cache.exists()
    kept = Path(models("pull", "demucs", *place, "--sha256", DIGEST).output.strip())
    assert kept == cache / "demucs" / "955717e8.th"
    assert kept.read_bytes() == FILE
    wrong = models("pull", "demucs", "--from", tmp_path / "song.wav", "--sha256", DIGEST)
    assert isinstance(wrong.exception, OptionError)


@pytest.mark.parametrize("name", ["demucs", "annoteator"])
def test_offline_can_be_said_once_for_all(tmp_path: Path, name: str) -> None:
    arguments = ("pull", name, "--from", "https://example.org/weights.th", "--sha256", DIGEST, "--cache-dir", tmp_path)
    refused = models(*arguments, DRUMSCRIBE_OFFLINE="1")
    assert isinstance(refused.exception, OptionError)
    assert "--offline" in str(refused.exception)
