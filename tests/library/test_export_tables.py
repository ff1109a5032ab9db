"""Hits, beats and documents as data: the promised keys, and the same values back."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.errors import InputError
from drumscribe.export.documents import read_performance_json, read_score_json, write_performance_json, write_score_json
from drumscribe.export.tables import read_hits_json, write_beats_json, write_hits_csv, write_hits_json
from drumscribe.types import (
    INSTRUMENTS,
    Anchor,
    Bar,
    Beat,
    BeatGrid,
    Drum,
    Event,
    Hit,
    Note,
    Performance,
    Score,
    TempoMap,
    TempoMark,
    TimeSignature,
    Tuplet,
)


def perform(hits: list[Hit], grid: BeatGrid | None = None) -> Performance:
    return Performance(tuple(sorted(hits, key=lambda h: (h.time, h.drum))), grid or BeatGrid(), 20.0)


hits = st.builds(Hit, st.floats(0, 900), st.sampled_from(list(Drum)), st.integers(1, 127), st.floats(0, 1))
MIXED = [Hit(0.12345678, Drum.KICK, 127, 0.98765), Hit(0.5, Drum.CROSS_STICK, 64, 0.5), Hit(0.75, Drum.OTHER, 90, 0.9)]


@given(st.lists(hits, max_size=30))
def test_hits_come_back_and_only_the_nine_names_are_published(played: list[Hit]) -> None:
    data = write_hits_json(perform(played))
    assert all(row["instrument"] in INSTRUMENTS for row in json.loads(data))
    expected = [(round(h.time, 4), h.drum, h.velocity, round(h.confidence, 4)) for h in played if h.drum is not Drum.OTHER]
    assert sorted((h.time, h.drum, h.velocity, h.confidence) for h in read_hits_json(data)) == sorted(expected)


def test_hits_json_has_the_promised_keys() -> None:
    assert json.loads(write_hits_json(perform(MIXED))) == [
        {"time": 0.1235, "instrument": "kick", "velocity": 1.0, "confidence": 0.9877},
        {"time": 0.5, "instrument": "snare", "velocity": 0.5039, "confidence": 0.5, "articulation": "cross_stick"},
    ]


def test_csv_has_a_header_and_the_same_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(write_hits_csv(perform(MIXED)).decode())))
    assert [(r["time"], r["instrument"], r["articulation"]) for r in rows] == [
        ("0.1235", "kick", ""),
        ("0.5", "snare", "cross_stick"),
    ]


def test_empty_is_ordinary() -> None:
    assert json.loads(write_hits_json(perform([]))) == []
    assert read_hits_json(b"[]") == ()
    assert write_hits_csv(perform([])).decode().splitlines() == ["time,instrument,velocity,confidence,articulation"]
    beats = json.loads(write_beats_json(perform([])))
    assert (beats["bpm"], beats["beats"], beats["tempo_map"], beats["time_signatures"]) == (None, [], [], [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\x00", "not a JSON"),
        (b'{"time": 1}', "JSON list"),
        (b"[1]", "Entry 0"),
        (b'[{"time": 1, "instrument": "kick"}, {"time": 1, "instrument": "gong"}]', "Entry 1.*gong"),
        (b'[{"time": 1, "instrument": "other"}]', "Entry 0.*nine"),
        (b'[{"time": -1, "instrument": "kick"}]', "Entry 0.*not negative"),
        (b'[{"time": 1, "instrument": "kick", "velocity": 90}]', "Entry 0.*0-1"),
    ],
)
def test_what_is_not_a_list_of_hits_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_hits_json(data)


def test_beats_json_tells_tempo_and_metre() -> None:
    times = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0]
    numbers = [4, 1, 2, 3, 1, 2, 3, 1]
    grid = BeatGrid(tuple(Beat(t, n) for t, n in zip(times, numbers, strict=True)), Fraction(1), 0.75, reliable=False)
    document = json.loads(write_beats_json(perform([], grid)))
    assert document["downbeats"] == [1.5, 3.0, 6.0]
    assert document["tempo_map"] == [{"time": 1.0, "bpm": 120.0}, {"time": 3.0, "bpm": 60.0}]
    assert document["time_signatures"] == [{"time": 1.5, "time_signature": "3/4"}]
    assert (document["unit"], document["reliable"], document["confidence"]) == ("1", False, 0.75)
    assert document["beats"][0] == {"time": 1.0, "number": 4}


@pytest.mark.parametrize(
    ("unit", "per_bar", "name"), [(Fraction(3, 2), 2, "6/8"), (Fraction(1, 2), 7, "7/8"), (Fraction(1), 5, "5/4")]
)
def test_a_bar_is_named_as_it_is_counted(unit: Fraction, per_bar: int, name: str) -> None:
    grid = BeatGrid(tuple(Beat(i * 0.5, i % per_bar + 1) for i in range(per_bar * 3)), unit)
    assert [e["time_signature"] for e in json.loads(write_beats_json(perform([], grid)))["time_signatures"]] == [name]


@given(st.lists(hits, max_size=10), st.lists(st.floats(0.1, 2), max_size=10), st.sampled_from([Fraction(1), Fraction(3, 2)]))
@settings(max_examples=25)
def test_a_performance_comes_back_equal(played: list[Hit], gaps: list[float], unit: Fraction) -> None:
    times = [sum(gaps[: i + 1]) for i in range(len(gaps))]
    performance = perform(played, BeatGrid(tuple(Beat(t, i % 4 + 1) for i, t in enumerate(times)), unit, 0.5, reliable=False))
    assert read_performance_json(write_performance_json(performance)) == performance


def full_score() -> Score:
    note = Note(Fraction(1, 3), Fraction(1, 3), Drum.SNARE, 30, 1, 0.7, ghost=True, grace=1, time=1.25)
    event = Event(Fraction(1, 3), Fraction(1, 3), "eighth", 0, (note,), Tuplet(3, 2), "start", ("begin",))
    bars = (
        Bar(0, TimeSignature(3, 4), length=Fraction(1)),
        Bar(1, TimeSignature(3, 4), (note,), ((event,), ()), "A", simile=1, simile_count=2),
    )
    anchors = (Anchor(Fraction(0), 0.5), Anchor(Fraction(1), 1.0))
    return Score(bars, (TempoMark(0, 120.0, Fraction(3, 2)),), TempoMap(anchors), "Title", "Subtitle", Fraction(1, 2), 0.66)


def test_a_score_comes_back_equal_and_says_where_bars_start() -> None:
    data = write_score_json(full_score())
    assert read_score_json(data) == full_score()
    bars = json.loads(data)["bars"]
    assert [(b["start"], b["time"]) for b in bars] == [("0", 0.5), ("1", 1.0)]
    assert bars[1]["notes"][0]["time"] == 1.25
    assert read_score_json(write_score_json(Score())) == Score()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"kind": "performance"}, "not a score"),
        ({"bars": 3}, "damaged"),
        ({"bars": [{"number": 1}]}, "damaged"),
        ({"swing": "1/0"}, "damaged"),
    ],
)
def test_a_strange_document_is_refused(change: dict[str, Any], message: str) -> None:
    document = json.loads(write_score_json(full_score())) | change
    with pytest.raises(InputError, match=message):
        read_score_json(json.dumps(document).encode())
    with pytest.raises(InputError, match="not a DrumScribe"):
        read_performance_json(b"[]")
