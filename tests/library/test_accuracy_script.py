"""One command measures everything and writes every page."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_datasets import TIMES, generated, mdb, record
from tiny_networks import thump_and_hiss

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The part of a checkout that the script reads and writes, without figures."""
    for name in ("docs/model", "scripts"):
        (tmp_path / name).mkdir(parents=True)
    for path in (*ROOT.glob("scripts/accuracy*"), ROOT / "README.md"):
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    return tmp_path


def test_what_is_at_hand_is_measured_and_put_into_the_pages(copy: Path) -> None:
    studio = copy / "studio"
    studio.mkdir()
    thump_and_hiss(studio / "song.wav", 8.0)
    mdb(studio, copy / "mdb")
    shutil.rmtree(copy / "mdb" / "MDBDrums-master" / "MDB Drums" / "audio" / "drum_only")
    home = copy / "mdb" / "MDBDrums-master" / "MDB Drums"
    record(studio, home / "audio" / "drum_only" / "MusicDelta_80sRock_Drum.wav")
    generated(studio, copy / "set")

    def run(*arguments: object) -> None:
        subprocess.run([sys.executable, copy / "scripts" / "accuracy.py", *map(str, arguments)], check=True, capture_output=True)

    run("measure", "--mdb", copy / "mdb")
    first = json.loads((copy / "docs" / "accuracy.json").read_text())
    own = first["recordings"]
    assert (own["songs"], own["strokes"]) == (1, len(TIMES))
    for way in ("drums_alone", "full_mix"):
        assert own[way]["hits_9"]["found"] + own[way]["hits_9"]["missed"] == len(TIMES)
        assert sum(counts["found"] for counts in own[way]["drums"].values()) == own[way]["hits_9"]["found"]
    assert own["drums_alone"]["hits_9"] == own["full_mix"]["hits_9"]  # the two are one file here
    run("measure", "--generated", copy / "set", "--written", 0.91, 0.89)
    second = json.loads((copy / "docs" / "accuracy.json").read_text())
    assert second["recordings"] == own
    assert list(second["generated"]) == ["a", "b", "all, drums", "all, mix"]
    assert second["generated"]["all, drums"] | {"pieces": 1} == second["generated"]["a"]
    assert second["written_total"] == {"networks": first["networks"], "drums_alone": 0.91, "full_mix": 0.89}
    page = (copy / "docs" / "accuracy.md").read_text()
    assert "**0.910** | **0.890**" in page
    assert {f"accuracy/{bar['file']}" for bar in second["worst_bars"]} == {
        str(path.relative_to(copy / "docs")) for path in (copy / "docs" / "accuracy").iterdir()
    }
    stems = copy / "stems"
    for part in ("mix", "ref"):
        (stems / part).mkdir(parents=True)
        shutil.copy(studio / "song.wav", stems / part / "song.wav")
    run("measure", "--mdb", copy / "mdb", "--stems", stems / "mix", stems / "ref")
    third = json.loads((copy / "docs" / "accuracy.json").read_text())
    separation = third["separation"]
    assert list(separation["songs"]) == ["song"]
    assert separation["songs"]["song"]["best_mask"]["si_sdr"] > separation["songs"]["song"]["drums"]["si_sdr"]
    assert separation["hearing"]["mix"] == third["recordings"]["full_mix"]["hits_5"]["f"]
    page = (copy / "docs" / "accuracy.md").read_text()
    assert separation["networks"][0] in page.split("## Isolated drums")[1]
    run("--check")
