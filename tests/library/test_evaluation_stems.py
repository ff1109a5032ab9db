"""Isolated drums are judged as the field does it, and the command tells stems from mixes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_networks import publish_thump_and_hiss, thump_and_hiss

from drumscribe.audio import save_wav
from drumscribe.cli import main
from drumscribe.errors import FileNotReadable
from drumscribe.evaluation import read_hits
from drumscribe.evaluation.layouts import Piece
from drumscribe.evaluation.stems import best_mask, find_pairs, hear_ways, score_stem
from drumscribe.options import SeparationOptions
from drumscribe.types import Audio
from drumscribe.weights import load_models

RATE = 44_100


def bursts(seconds: float, channels: int = 1) -> np.ndarray:
    """Noise that decays twice a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).standard_normal((channels, len(time)))
    return (0.3 * noise * np.exp(-12 * (time % 0.5))).astype(np.float32)


def tone(seconds: float, hertz: float = 330.0) -> np.ndarray:
    return (0.2 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE))[None].astype(np.float32)


@given(share=st.floats(0.01, 1.0), gain=st.floats(0.1, 4.0))
def test_figures_are_ratios_of_energy(share: float, gain: float) -> None:
    """Orthogonal parts at a known share: every figure can be reckoned."""
    drums, rest = np.zeros((1, 3 * RATE), np.float32), np.zeros((1, 3 * RATE), np.float32)
    drums[0, 0::2], rest[0, 1::2] = 0.1, 0.1
    scores = score_stem(drums, drums + np.float32(share) * rest, rest, RATE)
    expected = -20 * np.log10(share)
    assert scores.sdr == pytest.approx(expected, abs=1e-3)
    assert scores.sdr_median == pytest.approx(expected, abs=1e-3)
    assert scores.si_sdr == pytest.approx(expected, abs=1e-3)
    assert scores.sir == pytest.approx(expected, abs=1e-3)
    scaled = score_stem(drums, np.float32(gain) * (drums + np.float32(share) * rest), rest, RATE)
    assert (scaled.si_sdr, scaled.sir) == pytest.approx((expected, expected), abs=1e-3)
    assert scaled.sdr == pytest.approx(-10 * np.log10((1 - gain) ** 2 + (gain * share) ** 2), abs=1e-2)


def test_the_median_leaves_out_seconds_without_drums() -> None:
    drums = bursts(6.0)
    drums[:, 2 * RATE :] = 0
    estimate = drums + np.float32(0.1) * tone(6.0)
    scores = score_stem(drums, estimate, tone(6.0), RATE)
    assert scores.sdr < scores.sdr_median  # the four silent seconds hold errors only
    first = score_stem(drums[:, : 2 * RATE], estimate[:, : 2 * RATE], tone(2.0), RATE)
    assert scores.sdr_median == pytest.approx(first.sdr_median, abs=1e-6)
    silent = score_stem(np.zeros_like(drums), estimate, tone(6.0), RATE)
    assert silent.sdr < -60
    assert np.isnan(silent.sdr_median)


def test_the_best_mask_separates_what_lies_in_other_bands() -> None:
    drums, rest = tone(3.0, 5000.0)[0], tone(3.0, 200.0)[0]
    best = best_mask(drums + rest, drums)
    assert best.shape == drums.shape
    assert score_stem(drums[None], best[None], rest[None], RATE).si_sdr > 30
    hidden = best_mask(drums + tone(3.0, 5000.0)[0], drums)  # nothing tells the two apart
    assert score_stem(drums[None], hidden[None], drums[None], RATE).sdr > 30


def chords(seconds: float) -> np.ndarray:
    return np.add.reduce([tone(seconds, pitch * k) / (4 * k) for pitch in (220.0, 277.2, 329.6) for k in range(1, 8)])


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two mixes with their drums, and one without."""
    mixes, stems = tmp_path / "mix", tmp_path / "ref"
    for folder in (mixes, stems):
        folder.mkdir()
    drums, rest = bursts(4.0), chords(4.0)
    for name, loud in (("loud", 1.0), ("soft", 0.4)):
        (stems / f"{name}.wav").write_bytes(save_wav(Audio(drums * np.float32(loud), RATE)))
        (mixes / f"{name}.wav").write_bytes(save_wav(Audio(np.repeat(drums * np.float32(loud) + rest, 2, axis=0), RATE)))
    (mixes / "alone.wav").write_bytes(save_wav(Audio(rest, RATE)))
    return mixes, stems


def test_mixes_and_stems_belong_together_by_name(folders: tuple[Path, Path], tmp_path: Path) -> None:
    mixes, stems = folders
    assert [pair.name for pair in find_pairs(mixes, stems)] == ["loud", "soft"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotReadable, match="same name"):
        find_pairs(mixes, tmp_path / "empty")
    with pytest.raises(FileNotReadable, match="not a folder"):
        find_pairs(mixes / "loud.wav", stems)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`drumscribe evaluate`: exit status, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["drumscribe", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return run


def test_the_command_judges_separation(folders: tuple[Path, Path], program: Callable[..., tuple[int, str, str]]) -> None:
    def scores(backend: str) -> dict[str, dict[str, dict[str, float]]]:
        status, out, _ = program(*folders, "--separation", backend, "--json", "--quiet")
        document = json.loads(out)
        assert (status, document["separation"], document["means"]["songs"]) == (0, backend, 2)
        assert document["means"]["real_time_factor"] > 0
        return document["songs"]

    plain, light = scores("none"), scores("light")
    drums, rest = bursts(4.0), chords(4.0)
    expected = 10 * np.log10(float(np.sum(drums**2) / np.sum(rest**2)))
    assert plain["loud"]["drums"]["sdr"] == pytest.approx(expected, abs=0.1)  # 16 bits a sample
    for name in ("loud", "soft"):
        assert light[name]["drums"]["si_sdr"] > plain[name]["drums"]["si_sdr"] + 3
        assert light[name]["drumless"]["sdr"] > plain[name]["drumless"]["sdr"] + 3
    status, table, _ = program(*folders, "--separation", "light", "--quiet")
    assert status == 0
    assert f"{light['soft']['drums']['si_sdr']:8.2f}" in table
    assert "CPU seconds a minute" in table


def test_what_cannot_be_judged_is_named(folders: tuple[Path, Path], program: Callable[..., tuple[int, str, str]]) -> None:
    mixes, stems = folders
    (stems / "soft.wav").write_bytes(b"RIFF")
    status, out, err = program(mixes, stems, "--separation", "none", "--quiet")
    assert status == 1
    assert "Error: soft:" in err
    assert "loud" in out
    for arguments, why in (
        ((mixes, "--separation", "light"), "needs REFERENCES"),
        ((mixes, stems, "--separation", "light", "--transcribe"), "exclude each other"),
        ((mixes, stems, "--separation", "guess"), "must be one of"),
    ):
        status, _, err = program(*arguments)
        assert status not in (0, 1)
        assert why in " ".join(err.split())


def test_mix_stem_and_both_are_heard(tmp_path: Path) -> None:
    publish_thump_and_hiss(tmp_path)
    thump_and_hiss(tmp_path / "song.wav", 4.0)
    times = [round(float(t), 3) for t in np.arange(0.5, 3.8, 0.25)]
    (tmp_path / "song.txt").write_text("".join(f"{t:.3f}\t{'HH' if n % 2 else 'KD'}\n" for n, t in enumerate(times)))
    piece = Piece("song", ((tmp_path / "song.wav", 1.0),), (tmp_path / "song.txt",))
    assert len(read_hits(tmp_path / "song.txt").hits) == len(times)
    models = load_models(manifest=tmp_path / "manifest.toml")
    ways = hear_ways([piece], models, SeparationOptions(backend="none"))
    assert {way: scores.pooled.found for way, scores in ways.items()} == dict.fromkeys(("mix", "stem", "mean"), len(times))
    split = hear_ways([piece], models, SeparationOptions(backend="light", threads=1))
    assert split["mix"] == ways["mix"]
    assert all(scores.pooled.found + scores.pooled.missed == len(times) for scores in split.values())
