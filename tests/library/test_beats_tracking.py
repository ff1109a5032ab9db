"""The beat decoder: found beats against known ones, condition by condition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import mir_eval
import numpy as np
import pytest

from drumscribe.beats import track_beats
from drumscribe.beats.bars import Metre
from drumscribe.beats.decode import collect_evidence
from drumscribe.beats.infer import TEMPI
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.beats.pulse import beat_lengths
from drumscribe.beats.readings import find_pulses, read_pulse
from drumscribe.options import BeatOptions
from drumscribe.training.bar_patterns import damage
from drumscribe.training.material import CLASS_TO_DRUM
from drumscribe.training.patterns import PatternSong, make_pattern_song
from drumscribe.types import BeatActivations, BeatGrid, Drum, Hit

RATE = 50.0
NOTHING = BeatActivations(np.zeros(0, np.float32), np.zeros(0, np.float32), RATE)


@dataclass(frozen=True)
class Performed:
    song: PatternSong
    hits: tuple[Hit, ...]


@cache
def perform(seed: int, metre: str, feel: str, bpm: float, curve: str = "constant", pickup: int = 0) -> Performed:
    """A 40 s song as a transcriber would hear it: 15 % of the hits lost, 15 % added, 5 % mistaken, 10 ms jitter."""
    rng = np.random.default_rng(seed)
    song = make_pattern_song(rng, duration=40.0, metre=metre, feel=feel, bpm=bpm, tempo_curve=curve, pickup=pickup)
    return Performed(song, damage([(t, CLASS_TO_DRUM[c], v) for t, c, v in song.hits], song.duration, rng))


def heard(song: PatternSong, seed: int, *, missing: float = 0.1, downbeats: float = 0.6) -> BeatActivations:
    """What a fair beat network would say: bumps of varying height, some missing, some at half beats, over noise."""
    rng = np.random.default_rng(seed)
    frames = int(song.duration * RATE) + 1
    time = np.arange(frames) / RATE
    beat, down = rng.exponential(0.015, frames), rng.exponential(0.008, frames)
    for (t, number), (after, _) in pairwise(song.beats):
        for target, place, height in (
            (beat, t, 0.05 if rng.random() < missing else rng.uniform(0.3, 0.95)),
            (down, t, rng.uniform(0.3, 1.0) * downbeats if number == 1 else rng.uniform(0.0, 0.15)),
            (beat, (t + after) / 2, rng.uniform(0.1, 0.5) if rng.random() < 0.15 else 0.0),
        ):
            np.maximum(target, height * np.exp(-0.5 * ((time - place) / 0.022) ** 2), out=target)
    return BeatActivations(np.clip(np.maximum(beat, down), 0, 1).astype(np.float32), np.clip(down, 0, 1).astype(np.float32), RATE)


def flat(duration: float) -> BeatActivations:
    values = np.full(int(duration * RATE) + 1, 0.07, np.float32)
    return BeatActivations(values, values * 0.4, RATE)


def f_measure(grid: BeatGrid, song: PatternSong, *, downbeats: bool = False) -> float:
    reference = np.array([t for t, n in song.beats if n == 1 or not downbeats])
    estimate = np.array([b.time for b in grid.beats if b.number == 1 or not downbeats])
    return float(mir_eval.beat.f_measure(reference, estimate))


def beats_per_bar(grid: BeatGrid) -> int:
    return max(b.number for b in grid.beats)


CONDITIONS = [
    ("4/4", "rock", 72.0, "constant", 0, 1),
    ("4/4", "rock", 176.0, "constant", 0, 1),
    ("4/4", "funk", 104.0, "drift", 0, 1),
    ("4/4", "shuffle", 118.0, "constant", 0, 1),
    ("4/4", "rock", 120.0, "ramp", 0, 1),
    ("4/4", "rock", 100.0, "step", 0, 1),
    ("4/4", "rock", 126.0, "constant", 2, 1),
    ("3/4", "waltz", 132.0, "constant", 0, 1),
    ("5/4", "rock", 124.0, "constant", 0, 1),
    ("6/8", "compound", 84.0, "constant", 0, Fraction(3, 2)),
    ("12/8", "compound", 72.0, "constant", 0, Fraction(3, 2)),
    ("7/8", "odd_eighths", 170.0, "constant", 0, Fraction(1, 2)),
]


@pytest.mark.parametrize(("metre", "feel", "bpm", "curve", "pickup", "unit"), CONDITIONS)
def test_activations_and_hits_together_give_beats_bars_and_metre(metre, feel, bpm, curve, pickup, unit):
    played = perform(11, metre, feel, bpm, curve, pickup)
    grid = track_beats(heard(played.song, 5), played.hits, duration=40.0, options=BeatOptions())
    assert f_measure(grid, played.song) > 0.95
    assert f_measure(grid, played.song, downbeats=True) > 0.9
    assert grid.unit == unit
    assert grid.reliable


@pytest.mark.parametrize(("metre", "feel", "bpm", "curve", "pickup", "unit"), CONDITIONS[1:8])
def test_hits_alone_give_the_pulse(metre, feel, bpm, curve, pickup, unit):
    played = perform(11, metre, feel, bpm, curve, pickup)
    grid = track_beats(flat(40.0), played.hits, duration=40.0, options=BeatOptions())
    assert f_measure(grid, played.song) > 0.93
    assert grid.unit == unit
    assert grid.reliable


def join(first: PatternSong, second: PatternSong, seam: float) -> PatternSong:
    """The first song up to its first bar line from `seam` seconds on, then the second from its first bar line."""
    early = 0.03  #: hands are not exact
    seam = next(t for t, n in first.beats if n == 1 and t >= seam)
    shift = seam - next(t for t, n in second.beats if n == 1)
    hits = [h for h in first.hits if h[0] < seam - early]
    hits += [(t + shift, c, v) for t, c, v in second.hits if seam - early < t + shift < first.duration]
    beats = [b for b in first.beats if b[0] < seam - early]
    beats += [(t + shift, n) for t, n in second.beats if seam - early < t + shift < first.duration]
    return replace(first, hits=tuple(hits), beats=tuple(beats))


@pytest.mark.parametrize(("before", "after"), [("4/4", "3/4"), ("3/4", "4/4")])
def test_a_metre_that_changes_is_followed(before, after):
    first, second = (perform(21, metre, "rock", 120.0).song for metre in (before, after))
    song = join(first, second, 18.0)
    hits = damage([(t, CLASS_TO_DRUM[c], v) for t, c, v in song.hits], song.duration, np.random.default_rng(4))
    grid = track_beats(heard(song, 5), hits, duration=song.duration, options=BeatOptions())
    lines = [i for i, b in enumerate(grid.beats) if b.number == 1]
    lengths = [b - a for a, b in pairwise(lines)]
    assert lengths[:3] == [int(before[0])] * 3
    assert lengths[-3:] == [int(after[0])] * 3
    assert f_measure(grid, song, downbeats=True) > 0.9


@pytest.mark.parametrize("bpm", [75.0, 150.0])
def test_the_word_of_the_network_decides_between_tempi_that_all_else_leaves_open(bpm):
    times = np.arange(0.25, 30, 0.4)
    beats = np.zeros(1500, np.float32)
    beats[np.round(times * RATE).astype(int)] = 0.7
    tempi = np.full((30, len(TEMPI)), -6.0, np.float32)
    tempi[:, round(4 * np.log2(bpm / TEMPI[0]))] = 0.0
    activations = BeatActivations(beats, np.zeros_like(beats), RATE, tempi=tempi)
    hits = tuple(Hit(float(t), Drum.HIHAT_CLOSED, 80) for t in times)
    grid = track_beats(activations, hits, duration=30.0, options=BeatOptions())
    assert grid.bpm == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_activations_alone_give_beats_and_bars(share):
    played = perform(12, "4/4", "rock", 96.0)
    few = tuple(h for i, h in enumerate(played.hits) if share and i % round(1 / share) == 0)
    grid = track_beats(heard(played.song, 6), few, duration=40.0, options=BeatOptions())
    assert f_measure(grid, played.song) > 0.95
    assert f_measure(grid, played.song, downbeats=True) > 0.9
    assert grid.reliable


def test_beats_lie_on_the_hits_even_when_the_activations_lag():
    played = perform(13, "4/4", "rock", 110.0)
    song = played.song
    late = heard(song, 7)
    late = BeatActivations(np.roll(late.beats, 1), np.roll(late.downbeats, 1), RATE)
    grid = track_beats(late, played.hits, duration=40.0, options=BeatOptions())
    found = np.array([b.time for b in grid.beats])
    distance = [np.abs(found - t).min() for t, _ in song.beats]
    assert np.median(distance) < 0.008


def test_the_grid_goes_on_through_silence_and_to_both_ends():
    hits = tuple(Hit(4.0 + 0.5 * i, Drum.SNARE if i % 2 else Drum.KICK, 90) for i in range(80) if not 30 <= i < 46)
    grid = track_beats(NOTHING, hits, duration=50.0, options=BeatOptions())
    times = np.array([b.time for b in grid.beats])
    assert times[0] < 0.6
    assert times[-1] > 49.3
    assert np.abs(np.diff(times) - 0.5).max() < 0.03


def test_random_hits_are_not_trusted():
    rng = np.random.default_rng(3)
    for _ in range(4):
        times = np.sort(rng.uniform(0, 30, 180))
        hits = tuple(Hit(float(t), tuple(Drum)[int(rng.integers(4))], 80) for t in times)
        assert not track_beats(flat(30.0), hits, duration=30.0, options=BeatOptions()).reliable


def test_a_long_recording_with_a_wandering_tempo_stays_on_the_beat():
    rng = np.random.default_rng(8)
    period = 0.5 * (1 + 0.03 * np.sin(np.arange(620) / 90))
    beats = 0.3 + np.concatenate(([0.0], np.cumsum(period)))
    hits = [Hit(float(t + rng.normal(0, 0.006)), Drum.SNARE if i % 2 else Drum.KICK, 90) for i, t in enumerate(beats) if t < 299]
    hits += [Hit(float(t), Drum.HIHAT_CLOSED, 60) for t in (beats[:-1] + beats[1:]) / 2 if t < 299]
    grid = track_beats(NOTHING, tuple(sorted(hits)), duration=300.0, options=BeatOptions())
    found = np.array([b.time for b in grid.beats])
    assert float(mir_eval.beat.f_measure(beats[beats < 299], found)) > 0.98


def test_both_phases_at_half_tempo_are_read_and_every_bar_line_is_paid() -> None:
    one, parameters = perform(3, "4/4", "rock", 150.0), DecoderParameters()
    evidence = collect_evidence(heard(one.song, 3), one.hits, 40.0, BeatOptions(), parameters)
    lengths = beat_lengths(parameters.slowest, parameters.fastest, parameters.frame_rate)
    pulses = find_pulses(evidence, lengths, related=True, parameters=parameters)
    true = np.array([t for t, _ in one.song.beats])
    slow = [p for p in pulses if 60 / np.median(np.diff(p)) == pytest.approx(75, abs=3)]
    phases = {int(np.median([np.abs(true - t).argmin() % 2 for t in pulse[4:-4]])) for pulse in slow}
    assert phases == {0, 1}
    metres = (Metre(2, Fraction(1)), Metre(4, Fraction(1)))
    short, long = read_pulse(pulses[0], evidence, metres, parameters=parameters)
    assert short.features[-1] == pytest.approx(2 * long.features[-1], abs=1.0)
    assert long.features[-1] == pytest.approx(-20 / 40 * len(long.beats) / 4, abs=1.0)
