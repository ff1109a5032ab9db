"""MIDI files say what was played, when it was played, and where it is written."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import accumulate

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.export.midi import DRUM_OF_KEY, TICKS_PER_QUARTER, write_midi, write_score_midi
from drumscribe.types import Anchor, Bar, Beat, BeatGrid, Drum, Hit, Note, Performance, Score, TempoMap, TempoMark, TimeSignature

Q = TICKS_PER_QUARTER
COMMON = TimeSignature(4, 4)
DRUMS = [d for d in Drum if d is not Drum.OTHER]


def grid(intervals: list[float], *, start: float, per_bar: int = 4, first: int = 1, unit: Fraction = Fraction(1)) -> BeatGrid:
    times = list(accumulate(intervals, initial=start))
    return BeatGrid(tuple(Beat(t, (first - 1 + i) % per_bar + 1) for i, t in enumerate(times)), unit)


def performance(hits: list[Hit], beats: BeatGrid | None = None) -> Performance:
    return Performance(tuple(sorted(hits)), beats or BeatGrid(), max([h.time for h in hits], default=0.0) + 1.0)


def read(data: bytes) -> tuple[mido.MidiFile, list[tuple[int, float, int, int]]]:
    """The file, and (tick, second, key, velocity) of every stroke, by our own reading of the tempo track."""
    file = mido.MidiFile(file=io.BytesIO(data), charset="utf-8")
    tick, second, tempo, strokes = 0, 0.0, 500_000, []
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        second += message.time * tempo * 1e-6 / file.ticks_per_beat
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type == "note_on" and message.velocity:
            assert message.channel == 9
            strokes.append((tick, second, message.note, message.velocity))
    return file, strokes


def signatures(file: mido.MidiFile) -> list[tuple[int, str]]:
    found, tick = [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "time_signature":
            found.append((tick, f"{message.numerator}/{message.denominator}"))
    return found


@st.composite
def performances(draw: st.DrawFn) -> Performance:
    unit = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(1, 2)]))
    intervals = draw(st.lists(st.floats(0.28, 1.2), min_size=1, max_size=40))
    per_bar = draw(st.integers(1, 7))
    beats = grid(intervals, start=draw(st.floats(-0.3, 5)), per_bar=per_bar, first=draw(st.integers(1, per_bar)), unit=unit)
    times = draw(st.lists(st.integers(0, 300), max_size=30, unique=True))
    hits = [Hit(t * 0.1 + draw(st.floats(0, 0.05)), draw(st.sampled_from(DRUMS)), draw(st.integers(1, 127))) for t in times]
    return performance(hits, beats)


@given(performances())
@settings(max_examples=30)
def test_every_stroke_sounds_within_a_millisecond_of_its_hit(played: Performance) -> None:
    _, strokes = read(write_midi(played))
    assert len(strokes) == len(played.hits)
    for hit, (_, second, key, velocity) in zip(played.hits, sorted(strokes, key=lambda s: (s[1], s[2])), strict=True):
        assert second == pytest.approx(hit.time, abs=1e-3)
        assert (DRUM_OF_KEY[key], velocity) == (hit.drum, hit.velocity)


@given(performances())
@settings(max_examples=10)
def test_another_reader_hears_the_same(played: Performance) -> None:
    midi = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(played)))
    notes = sorted((n.start, n.pitch) for i in midi.instruments for n in i.notes)
    assert all(i.is_drum for i in midi.instruments)
    assert np.allclose([t for t, _ in notes], [h.time for h in played.hits], atol=1e-3)


def test_beats_fall_on_ticks_even_when_the_tempo_drifts_for_a_quarter_of_an_hour() -> None:
    rng = np.random.default_rng(0)
    beats = grid(list(rng.uniform(0.4, 0.6, 1800)), start=0.37)
    hits = [Hit(b.time, Drum.KICK, 100) for b in beats.beats]
    _, strokes = read(write_midi(performance(hits, beats)))
    assert all(tick % Q == 0 for tick, *_ in strokes)
    assert max(abs(s[1] - h.time) for s, h in zip(strokes, hits, strict=True)) < 1e-4


def test_a_steady_song_needs_one_tempo() -> None:
    file, _ = read(write_midi(performance([Hit(1.0, Drum.SNARE, 90)], grid([0.5] * 600, start=0.0))))
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [500_000]


@pytest.mark.parametrize(
    ("start", "first", "per_bar", "unit", "expected"),
    [
        (0.0, 1, 4, Fraction(1), [(0, "4/4")]),
        (0.0, 4, 4, Fraction(1), [(0, "1/4"), (Q, "4/4")]),
        (1.0, 1, 3, Fraction(1), [(0, "2/4"), (2 * Q, "3/4")]),
        (2.0, 1, 4, Fraction(1), [(0, "4/4")]),
        (0.0, 1, 2, Fraction(3, 2), [(0, "6/8")]),
        (0.0, 1, 7, Fraction(1, 2), [(0, "7/8")]),
    ],
)
def test_bars_start_on_downbeats(start: float, first: int, per_bar: int, unit: Fraction, expected: list[tuple[int, str]]) -> None:
    beats = grid([0.5] * 28, start=start, per_bar=per_bar, first=first, unit=unit)
    file, _ = read(write_midi(performance([], beats)))
    assert signatures(file) == expected


def test_without_a_pulse_the_seconds_still_hold() -> None:
    file, strokes = read(write_midi(performance([Hit(0.123, Drum.RIDE, 64), Hit(7.7, Drum.CRASH, 127)]), title="雨 – Étude"))
    assert [s[1] for s in strokes] == pytest.approx([0.123, 7.7], abs=1e-3)
    assert file.tracks[0].name == "雨 – Étude"
    assert (file.type, file.tracks[1].name) == (1, "Drums")


def test_what_has_no_key_is_left_out_and_empty_is_ordinary() -> None:
    assert read(write_midi(performance([Hit(1.0, Drum.OTHER, 64)])))[1] == []
    assert read(write_midi(performance([])))[1] == []
    assert read(write_score_midi(Score()))[1] == []


def score(notes: list[Note], signature: TimeSignature = COMMON, **kwargs: object) -> Score:
    return Score((Bar(1, signature, tuple(notes)), Bar(2, signature)), **kwargs)  # type: ignore[arg-type]


def note(onset: Fraction, drum: Drum = Drum.SNARE, velocity: int = 80, **kwargs: object) -> Note:
    return Note(onset, Fraction(1, 4), drum, velocity, 1, **kwargs)  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.fractions(0, Fraction(95, 24), max_denominator=24), st.sampled_from(DRUMS)), unique=True, max_size=20)
)
def test_written_positions_are_exact(places: list[tuple[Fraction, Drum]]) -> None:
    file, strokes = read(write_score_midi(score([note(p, d) for p, d in sorted(places)])))
    found = {(Fraction(tick, file.ticks_per_beat), DRUM_OF_KEY[key]) for tick, _, key, _ in strokes}
    assert found == set(places) or file.ticks_per_beat == Q  # only absurd mixtures of tuplets do not fit a MIDI file
    assert len(strokes) == len(places)


def test_the_written_file_follows_the_tempo_map() -> None:
    anchors = tuple(Anchor(Fraction(p), t) for p, t in ((0, 2.0), (2, 3.0), (4, 5.0)))
    notes = [note(Fraction(0)), note(Fraction(1)), note(Fraction(3))]
    _, strokes = read(write_score_midi(score(notes, tempo_map=TempoMap(anchors))))
    assert [s[1] for s in strokes] == pytest.approx([0.0, 0.5, 2.0], abs=1e-4)


def test_a_metronome_mark_serves_where_there_is_no_map() -> None:
    _, strokes = read(
        write_score_midi(score([note(Fraction(3))], TimeSignature(6, 8), tempo_marks=(TempoMark(0, 60, Fraction(3, 2)),)))
    )
    assert strokes[0][1] == pytest.approx(2.0, abs=1e-4)


def test_velocities_stay_and_flams_are_two_strokes() -> None:
    notes = [
        note(Fraction(1), velocity=25, ghost=True),
        note(Fraction(2), velocity=120, accent=True, grace=1),
        note(Fraction(3), grace=2),
    ]
    _, strokes = read(write_score_midi(score(notes)))
    assert [s[3] for s in strokes] == [25, 72, 120, 48, 48, 80]
    assert strokes[2][1] - strokes[1][1] == pytest.approx(0.03, abs=1e-3)
    assert [s[0] for s in strokes if s[3] in (25, 120, 80)] == [Q, 2 * Q, 3 * Q]


def test_a_roll_is_played_out() -> None:
    roll = Note(Fraction(0), Fraction(1), Drum.SNARE, 70, 1, tremolo=3)
    _, strokes = read(write_score_midi(score([roll])))
    assert [s[0] for s in strokes] == [i * Q // 8 for i in range(8)]


def test_a_short_first_bar_is_a_short_bar() -> None:
    bars = (
        Bar(0, TimeSignature(4, 4), (note(Fraction(0)),), length=Fraction(3, 2)),
        Bar(1, TimeSignature(4, 4), (note(Fraction(0)),)),
    )
    file, strokes = read(write_score_midi(Score(bars)))
    assert signatures(file) == [(0, "3/8"), (Q * 3 // 2, "4/4")]
    assert [s[0] for s in strokes] == [0, Q * 3 // 2]
