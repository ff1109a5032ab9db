"""The bridge from seconds to beats: a pulse that follows the drummer and reaches every hit.

Trackers place beats early or late as a whole, and players lean on the beat for bars at a time. Both are taken out
before anything is quantised: first the median lag between hits and beats, then what remains locally. The pulse is
continued at both ends, so that every hit has a place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from drumscribe.types import BeatGrid, Hit, TempoMark

FloatVector = NDArray[np.float64]

MAX_LAG = 0.040  #: s, the largest lag that is taken for one: beyond it, the beats mean something else
MAX_LOCAL_LAG = 0.030  #: s
LOCAL_BEATS = 4  #: beats on either side that share a local lag
EARLY = 0.030  #: s, a hit this early still belongs to the beat it anticipates
EARLY_SHARE = 0.07  #: the same in beats; the smaller holds
MAX_BAR_BEATS = 15  #: a longer run of beats without a downbeat is cut into bars of the usual length
FALLBACK_PERIOD = 0.5  #: s, 120 bpm where nothing says otherwise
TEMPO_STEP = 0.06  #: share by which the tempo must move before a new mark is printed
TEMPO_WINDOW = 4  #: bars for which it must stay there


@dataclass(frozen=True, slots=True, eq=False)
class Pulse:
    """Beats without gaps at the ends: beat `i` sounds at `times[i]` and is number `numbers[i]` of its bar."""

    times: FloatVector  #: (beats,) seconds, increasing
    numbers: tuple[int, ...]  #: 1 = downbeat
    unit: Fraction  #: quarter notes per beat

    def places(self, seconds: FloatVector) -> FloatVector:
        """Beat coordinates of moments: 3.5 is half-way between beats 3 and 4."""
        return np.interp(seconds, self.times, np.arange(len(self.times), dtype=np.float64))

    @property
    def periods(self) -> FloatVector:
        """(beats,) seconds from each beat to the next; the last repeats its neighbour."""
        steps = np.diff(self.times)
        return np.append(steps, steps[-1])


def follow(grid: BeatGrid, hits: tuple[Hit, ...]) -> Pulse:
    """Make the pulse of a performance.

    Parameters
    ----------
    grid : BeatGrid
        May be empty: the pulse then starts with the first hit at 120 bpm in bars of four.
    hits : tuple of Hit
        Sorted by time.

    Returns
    -------
    Pulse
        Re-timed to the hits; it starts at or before the first hit and ends with a whole bar after the last.
    """
    seconds = np.array([h.time for h in hits], dtype=np.float64)
    if not grid.beats:
        start = float(seconds[0]) if len(seconds) else 0.0
        return _cover(np.array([start, start + FALLBACK_PERIOD]), [1, 2], 4, grid.unit, seconds)
    numbers = bar_numbers([b.number for b in grid.beats])
    length = usual_bar(numbers, grid.unit)
    times = np.array([b.time for b in grid.beats], dtype=np.float64)
    if len(times) == 1:
        times, numbers = np.append(times, times[0] + FALLBACK_PERIOD), [*numbers, numbers[0] % length + 1]
    return _cover(_retime(times, seconds), numbers, length, grid.unit, seconds)


def bar_numbers(numbers: list[int]) -> list[int]:
    """Number beats so that every bar starts with 1 and none is longer than `MAX_BAR_BEATS`; the first may begin later."""
    starts = [i for i, n in enumerate(numbers) if n == 1 or (i > 0 and n <= numbers[i - 1])]
    runs = Counter(b - a for a, b in pairwise(starts) if b - a <= MAX_BAR_BEATS)
    usual = max(runs, key=lambda n: (runs[n], n)) if runs else 4
    fresh: list[int] = []
    begins = set(starts)
    for i, number in enumerate(numbers):
        if i in begins:
            fresh.append(1)
        elif i == 0:
            fresh.append(min(number, MAX_BAR_BEATS))
        elif fresh[-1] >= (usual if number > MAX_BAR_BEATS else MAX_BAR_BEATS):
            fresh.append(1)
        else:
            fresh.append(fresh[-1] + 1)
    return fresh


def usual_bar(numbers: list[int], unit: Fraction) -> int:
    """Most frequent number of beats in a bar; without a whole bar, the highest number heard and at least a plain metre's."""
    starts = [i for i, n in enumerate(numbers) if n == 1]
    runs = Counter(b - a for a, b in pairwise(starts))
    return max(runs, key=lambda n: (runs[n], n)) if runs else max(2 if unit == Fraction(3, 2) else 4, *numbers)


def _retime(times: FloatVector, seconds: FloatVector) -> FloatVector:
    """Shift beats to where the drummer puts them: the global lag, then the local one."""
    if not len(seconds):
        return times
    period = float(np.median(np.diff(times)))
    reach = min(0.06, 0.15 * period)
    beats, lags = _lags(times, seconds, reach)
    if not len(lags):
        return times
    times = times + float(np.clip(np.median(lags), -MAX_LAG, MAX_LAG))
    beats, lags = _lags(times, seconds, reach)
    local = np.zeros(len(times))
    for i in range(len(times)):
        near = lags[np.searchsorted(beats, i - LOCAL_BEATS) : np.searchsorted(beats, i + LOCAL_BEATS, side="right")]
        if len(near) >= LOCAL_BEATS:
            local[i] = np.clip(np.median(near), -MAX_LOCAL_LAG, MAX_LOCAL_LAG)
    shifted = times + local
    return shifted if bool(np.all(np.diff(shifted) > 0.5 * np.diff(times))) else times


def _lags(times: FloatVector, seconds: FloatVector, reach: float) -> tuple[NDArray[np.int64], FloatVector]:
    """Index of the nearest beat and signed distance to it, of every hit within `reach` of a beat."""
    right = np.clip(np.searchsorted(times, seconds), 1, len(times) - 1)
    nearest = np.where(seconds - times[right - 1] < times[right] - seconds, right - 1, right)
    lags = seconds - times[nearest]
    close = np.abs(lags) < reach
    return nearest[close], lags[close]


def _cover(times: FloatVector, numbers: list[int], length: int, unit: Fraction, seconds: FloatVector) -> Pulse:
    """Continue beats at the tempo of either end, back to the first hit and on to the end of the bar of the last."""
    steps = np.diff(times)
    # a tracker's stray double beat must not become the tempo of a whole intro
    before, after = (float(np.clip(np.median(s), 0.15, 2.0)) for s in (steps[:4], steps[-4:]))
    early = min(EARLY, EARLY_SHARE * before)
    first, last = (float(seconds[0]), float(seconds[-1])) if len(seconds) else (float(times[0]), float(times[-1]))
    head = max(0, int(np.ceil((times[0] - early - first) / before)))
    lead = times[0] - before * np.arange(head, 0, -1)
    lead_numbers: list[int] = []
    number = numbers[0]
    for _ in range(head):
        number = number - 1 if number > 1 else length
        lead_numbers.insert(0, number)
    tail = max(1, int(np.ceil((last - times[-1]) / after)) + 1)
    number, tail_numbers = numbers[-1], list[int]()
    while len(tail_numbers) < tail or tail_numbers[-1] != 1:
        number = number + 1 if number < length else 1
        tail_numbers.append(number)
    trail = times[-1] + after * np.arange(1, len(tail_numbers) + 1)
    return Pulse(np.concatenate([lead, times, trail]), (*lead_numbers, *numbers, *tail_numbers), unit)


def tempo_marks(durations: list[float], quarters: list[Fraction], unit: Fraction) -> tuple[TempoMark, ...]:
    """Print the tempo at the start, and again where it moves by more than 6 % and stays.

    Parameters
    ----------
    durations : list of float
        Seconds of every bar.
    quarters : list of Fraction
        Length of every bar in quarter notes.
    unit : Fraction
        Quarter notes per beat of the metre. In n/8 with eighth-note beats the mark still counts quarters, as players do.
    """
    if not durations:
        return ()
    counted = max(unit, Fraction(1)) if unit != Fraction(1, 2) else Fraction(1)
    bpm = np.array([60.0 * float(q / counted) / d for d, q in zip(durations, quarters, strict=True)])
    changes, reference = [0], float(np.median(bpm[:TEMPO_WINDOW]))
    for i in range(1, len(bpm) - TEMPO_WINDOW + 1):
        ahead = bpm[i : i + TEMPO_WINDOW] / reference - 1
        if i - changes[-1] >= TEMPO_WINDOW and (np.all(ahead > TEMPO_STEP) or np.all(ahead < -TEMPO_STEP)):
            changes.append(i)
            reference = float(np.median(bpm[i : i + TEMPO_WINDOW]))
    ends = [*changes[1:], len(bpm)]
    return tuple(TempoMark(a, float(round(float(np.median(bpm[a:b])))), counted) for a, b in zip(changes, ends, strict=True))
