"""The demo song, heard by the networks that ship and compared at each depth, so that a break shows where it is.

`make golden` writes `tests/golden/demo/` anew: what was heard and what was written. The diff is read in review. Floors
below hold against the generator's own truth and are far under what was measured; they catch breakage, not drift.
"""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from conftest import Demo
from lxml import etree

from drumscribe import Transcription, transcribe
from drumscribe.evaluation import read_beats, read_hits, score_beats, score_hits
from drumscribe.export import write_midi, write_musicxml
from drumscribe.export.documents import read_performance_json, write_performance_json

EXPECTED = Path(__file__).parent / "demo"

#: Least F-measures against the truth: hits of nine classes within 50 ms, beats within 70 ms, downbeats.
HITS_FLOOR, BEATS_FLOOR, DOWNBEATS_FLOOR = 0.85, 0.9, 0.6


@pytest.fixture(scope="module")
def heard(demo: Demo) -> Transcription:
    return transcribe(demo.audio)


@pytest.fixture(scope="module", autouse=True)
def expected(heard: Transcription) -> Path:
    """Folder of what is expected; written anew on request, and an empty one fails."""
    if os.environ.get("DRUMSCRIBE_GOLDEN") == "write":
        EXPECTED.mkdir(exist_ok=True)
        (EXPECTED / "performance.json").write_bytes(write_performance_json(heard.performance))
        (EXPECTED / "score.musicxml").write_bytes(write_musicxml(heard.score))
        (EXPECTED / "drums.mid").write_bytes(write_midi(heard.performance))
    assert (EXPECTED / "performance.json").is_file(), "there is nothing to compare with: `make golden` writes it"
    return EXPECTED


def test_hits_are_true(demo: Demo, heard: Transcription) -> None:
    truth = read_hits(demo.hits).hits
    assert score_hits({"demo": truth}, {"demo": heard.hits}, vocabulary=9).pooled.f_measure >= HITS_FLOOR


def test_beats_are_true(demo: Demo, heard: Transcription, tmp_path: Path) -> None:
    from drumscribe.export import write_beats_json

    (tmp_path / "demo.beats.json").write_bytes(write_beats_json(heard.performance))
    scores = score_beats(read_beats(demo.beats), read_beats(tmp_path / "demo.beats.json"))
    assert scores.f_measure >= BEATS_FLOOR
    assert scores.downbeat_f is not None
    assert scores.downbeat_f >= DOWNBEATS_FLOOR


def test_hits_are_those_of_last_time(heard: Transcription, expected: Path) -> None:
    """Another CPU rounds otherwise, so that a hit at the threshold may come or go; no more than 2 % may."""
    former = read_performance_json((expected / "performance.json").read_bytes())
    same = score_hits({"demo": former.hits}, {"demo": heard.hits}, vocabulary=9, tolerance=0.005).pooled
    assert same.f_measure >= 0.98


def test_the_score_is_that_of_last_time(heard: Transcription, expected: Path) -> None:
    """From the same performance, exactly: writing is arithmetic."""
    from drumscribe import Options, engrave

    former = read_performance_json((expected / "performance.json").read_bytes())
    score = engrave(former, options=heard.options or Options())
    assert write_musicxml(score) == (expected / "score.musicxml").read_bytes()
    assert write_midi(former) == (expected / "drums.mid").read_bytes()


def test_every_bar_is_full(heard: Transcription) -> None:
    assert heard.score.bars
    for bar in heard.score.bars:
        for voice in bar.voices:
            assert sum((event.duration for event in voice), Fraction(0)) == bar.quarters


def test_the_musicxml_is_valid(heard: Transcription, schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.fromstring(heard.to_musicxml()))


def test_nothing_is_doubtful(heard: Transcription) -> None:
    assert heard.warnings == ()


def test_the_networks_are_those_that_ship(heard: Transcription) -> None:
    from drumscribe.weights import Manifest

    assert heard.models == tuple(sorted((str(entry.ref) for entry in Manifest.read().find("default")), reverse=True))


def test_the_truth_is_in_the_published_form(demo: Demo) -> None:
    from drumscribe.types import INSTRUMENTS

    hits = json.loads(demo.hits.read_text())
    assert hits
    assert {hit["instrument"] for hit in hits} <= set(INSTRUMENTS)
