"""What a user may say about the pulse, applied to what was found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from drumscribe.beats.bars import Metre
from drumscribe.beats.evidence import Floats, Ints

DEFAULT_METRE = Metre(4, Fraction(1))


def metre_of(time_signature: str) -> Metre:
    """Beats and unit of a time signature: 6/8, 9/8, 12/8, 15/8 count dotted quarters, other eighths count eighths."""
    top, bottom = (int(part) for part in time_signature.split("/"))
    if bottom == 4:
        return Metre(top, Fraction(1))
    return Metre(top // 3, Fraction(3, 2)) if top % 3 == 0 and top > 3 else Metre(top, Fraction(1, 2))


def halved(beats: Floats) -> list[Floats]:
    """Both ways to keep every second beat."""
    return [beats[0::2], beats[1::2]]


def doubled(beats: Floats, duration: float) -> Floats:
    """A beat between every two, and at the ends where the recording has room."""
    if len(beats) < 2:
        return beats
    between = (beats[:-1] + beats[1:]) / 2
    ends = np.array([beats[0] - (between[0] - beats[0]), beats[-1] + (beats[-1] - between[-1])])
    return np.sort(np.concatenate((beats, between, ends[(ends >= 0) & (ends <= duration)])))


def shift_downbeats(numbers: Ints, beats_later: int, metre: Metre) -> Ints:
    """Move all bar lines; what comes in at the end that is left open continues the metre."""
    size, shift = metre.beats, beats_later
    if shift == 0 or len(numbers) == 0:
        return numbers
    if shift > 0:
        front = (numbers[0] - 1 - np.arange(shift, 0, -1)) % size + 1
        return np.concatenate((front, numbers))[: len(numbers)]
    tail = (numbers[-1] - 1 + np.arange(1, -shift + 1)) % size + 1
    return np.concatenate((numbers, tail))[-shift:]


def constant_grid(bpm: float, first: float, duration: float, metre: Metre) -> tuple[Floats, Ints]:
    """Evenly spaced beats over the recording; `first` (seconds) is a downbeat."""
    period = 60.0 / bpm
    before, after = int(np.floor(first / period + 1e-9)), int(np.floor(max(0.0, duration - first) / period + 1e-9))
    index = np.arange(-before, after + 1, dtype=np.int64)
    beats = np.float64(first) + period * index.astype(np.float64)
    inside = (beats >= 0) & (beats <= duration)
    return beats[inside], index[inside] % metre.beats + 1
