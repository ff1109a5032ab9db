"""What a user says about the pulse is followed, and nothing that is fed to the decoder breaks it."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.beats import track_beats
from drumscribe.options import BeatOptions
from drumscribe.types import BeatActivations, BeatGrid, Drum, Hit

NOTHING = BeatActivations(np.zeros(0, np.float32), np.zeros(0, np.float32), 50.0)


def groove(bpm: float, bars: int, *, start: float = 1.0, beats: int = 4, stretch: float = 0.0) -> tuple[Hit, ...]:
    """Kick on one, snare on two and four, eighths on the hat, a crash every fourth bar."""
    period, hits, time = 60.0 / bpm, [], start
    for i in range(bars * beats):
        place = i % beats
        hits.append(Hit(time, Drum.SNARE if place % 2 else Drum.KICK, 100))
        hits.append(Hit(time, Drum.CRASH if i % (4 * beats) == 0 else Drum.HIHAT_CLOSED, 70))
        hits.append(Hit(time + period / 2, Drum.HIHAT_CLOSED, 55))
        if place == 2:
            hits.append(Hit(time + period / 2, Drum.KICK, 80))
        time += period
        period *= 1 + stretch / (bars * beats)
    return tuple(sorted(hits))


SONG = groove(100.0, 7)
LENGTH = 19.0


@cache
def plain() -> BeatGrid:
    return track()


def track(hits: tuple[Hit, ...] = SONG, duration: float = LENGTH, **options: object) -> BeatGrid:
    return track_beats(NOTHING, hits, duration=duration, options=BeatOptions(**options))  # type: ignore[arg-type]


def times(grid: BeatGrid) -> np.ndarray:
    return np.array([b.time for b in grid.beats])


def test_the_groove_itself_is_read_right():
    grid = plain()
    assert grid.bpm == pytest.approx(100, rel=0.01)
    ones = [b.time for b in grid.beats if b.number == 1]
    assert min(abs(t - 1.0) for t in ones) < 0.03


@pytest.mark.parametrize("bpm", [40, 50, 66.7, 100, 133, 200, 300])
def test_a_given_tempo_is_kept_within_six_per_cent(bpm):
    assert track(bpm=bpm).bpm == pytest.approx(bpm, rel=0.065)


def test_a_given_tempo_follows_the_drift():
    hits = groove(100.0, 12, stretch=0.05)
    grid = track(hits, 31.0, bpm=100)
    found = times(grid)
    on_beat = [h.time for h in hits if h.drum in (Drum.KICK, Drum.SNARE) and h.velocity == 100]
    assert np.median([np.abs(found - t).min() for t in on_beat]) < 0.01
    assert np.diff(found)[-8:].mean() > np.diff(found)[:8].mean() * 1.03


def test_half_and_double_are_of_what_is_found():
    assert track(octave="half").bpm == pytest.approx(50, rel=0.01)
    assert track(octave="double").bpm == pytest.approx(200, rel=0.01)


def test_half_keeps_beats_that_were_there():
    found = times(plain())
    assert all(np.abs(found - t).min() < 0.02 for t in times(track(octave="half")))


@pytest.mark.parametrize("shift", [-5, -1, 1, 2, 7])
def test_bar_lines_move_by_so_many_beats(shift):
    moved = track(downbeat=shift)
    assert np.array_equal(times(plain()), times(moved))
    before, after = [b.number for b in plain().beats], [b.number for b in moved.beats]
    if shift > 0:
        assert after[shift:] == before[:-shift]
    else:
        assert after[:shift] == before[-shift:]
    assert all(b == a % 4 + 1 for a, b in pairwise(after))


@pytest.mark.parametrize(
    ("metre", "beats", "unit"),
    [
        ("3/4", 3, Fraction(1)),
        ("2/4", 2, Fraction(1)),
        ("7/4", 7, Fraction(1)),
        ("11/4", 11, Fraction(1)),
        ("6/8", 2, Fraction(3, 2)),
        ("12/8", 4, Fraction(3, 2)),
        ("7/8", 7, Fraction(1, 2)),
        ("3/8", 3, Fraction(1, 2)),
        ("13/8", 13, Fraction(1, 2)),
    ],
)
def test_a_given_metre_is_kept(metre, beats, unit):
    grid = track(time_signature=metre)
    assert grid.unit == unit
    ones = [i for i, b in enumerate(grid.beats) if b.number == 1]
    assert np.median(np.diff(ones)) == beats
    free = track_beats(NOTHING, (), duration=20.0, options=BeatOptions(time_signature=metre))
    assert max(b.number for b in free.beats) == beats


def test_without_evidence_the_grid_is_constant_from_the_first_hit():
    hits = (Hit(3.2, Drum.KICK, 90), Hit(7.7, Drum.SNARE, 90))
    grid = track(hits, 12.0)
    assert not grid.reliable
    assert grid.confidence == 0
    assert np.diff(times(grid)) == pytest.approx(0.5)
    assert min((abs(b.time - 3.2), b.number) for b in grid.beats) == (pytest.approx(0.0, abs=1e-9), 1)
    assert np.diff(times(track(hits, 12.0, bpm=150))) == pytest.approx(0.4)


def test_empty_input_is_ordinary():
    assert track((), 0.0).beats[0].number == 1
    assert len(track((), 10.0).beats) == 21
    assert not track((), 10.0).reliable


def test_the_same_input_gives_the_same_grid():
    assert track() == plain()


HITS = st.lists(st.builds(Hit, st.floats(0, 12), st.sampled_from(list(Drum)), st.integers(1, 127), st.floats(0, 1)), max_size=60)
VALUES = st.lists(st.floats(0, 1, width=32), max_size=400)
OPTIONS = st.builds(
    BeatOptions,
    bpm=st.one_of(st.none(), st.floats(40, 300)),
    octave=st.sampled_from(["", "half", "double"]),
    downbeat=st.integers(-11, 11),
    time_signature=st.sampled_from(["", "4/4", "3/4", "6/8", "7/8", "15/8", "2/4"]),
)


@settings(max_examples=25)
@given(hits=HITS, values=VALUES, options=OPTIONS, duration=st.floats(0, 12))
def test_anything_gives_a_grid_that_rises_within_the_recording(hits, values, options, duration):
    beats = np.array(values, np.float32)
    activations = BeatActivations(beats, beats * np.float32(0.5), 50.0)
    grid = track_beats(activations, tuple(sorted(hits)), duration=duration, options=options)
    found = [b.time for b in grid.beats]
    assert all(a < b for a, b in pairwise(found))
    assert all(0 <= t <= duration for t in found)
    assert 0 <= grid.confidence <= 1
    # a number follows the one before it, or starts a bar
    assert all(b.number in (1, a.number + 1) for a, b in pairwise(grid.beats))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 2.0])
def test_broken_activations_do_not_break_the_grid(bad):
    values = np.full(1500, bad, np.float32)
    grid = track_beats(BeatActivations(values, values, 50.0), SONG, duration=LENGTH, options=BeatOptions())
    assert grid.bpm == pytest.approx(100, rel=0.01)
