"""Does the drummer swing? Answered from off-beats that stand alone, before anything is quantised.

A swung pair is played long-short but read as two equal notes, so a chart says "Swing" once and stays plain. Only lone
off-beats tell: a full triplet has two of them, a run of sixteenths three.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

FloatVector = NDArray[np.float64]

EDGE = 0.07  #: of a pair: nearer to its ends than this is on the beat
SPREAD = 0.10  #: of a pair: strokes this close together are one lone off-beat
SWUNG = (0.57, 0.80)  #: where the short note of a swung pair falls
LONE = (0.40, 0.85)  #: where any lone off-beat is counted
MIN_LONE = 12  #: off-beats before anything is claimed
MIN_SHARE = 0.60  #: of the lone off-beats that must be swung
STEADY = 0.07  #: of a pair: half the width within which steady swing falls
MIN_STEADY = 0.55  #: share of the lone off-beats that must fall there; stray strokes would spread evenly
DOTTED = (0.725, 0.80)  #: a median here may be a dotted figure played straight
SHUFFLE = 7 / 12
EARLY = (0.25, 0.40)  #: where the middle of a triplet falls
MAX_EARLY = 0.25  #: share of off-beats there that speaks for triplets instead


@dataclass(frozen=True, slots=True)
class Swing:
    """Which value swings, and how far."""

    value: Fraction  #: 1/2 = eighths, 1/4 = sixteenths
    ratio: float  #: place of the short note inside its pair; 2/3 = triplet feel

    @property
    def is_shuffle(self) -> bool:
        """Whether the pair is nearer to a triplet than to two equal notes."""
        return self.ratio > SHUFFLE


def sounding(onset: Fraction, value: Fraction | None, ratio: float, is_finer: bool) -> Fraction:
    """Where a place sounds, in quarter notes from the bar line, in a song in which `value` swings.

    Where eighths swing, a beat that `is_finer` than eighths is played straight.
    """
    if value is None or (onset / value).denominator != 1 or (onset / value) % 2 == 0:
        return onset
    if value == Fraction(1, 2) and is_finer:  # sixteenths are played straight, those between them too
        return onset
    return onset - value + 2 * value * Fraction(ratio)


def find_swing(places: FloatVector) -> Swing | None:
    """Judge a whole song.

    Parameters
    ----------
    places : ndarray, shape (n,)
        Beat coordinates of the hits; a beat is a quarter note.

    Returns
    -------
    Swing or None
        Eighths are tried first; sixteenths need a straight eighth pulse.
    """
    lone, every = _off_beats(places)
    eighths = _swung(lone)
    if eighths is not None:
        straight = np.abs(every * 4 - np.round(every * 4)) < 0.16
        early_sixteenths = float(np.mean(straight & (every > 0.15) & (every < 0.4)))
        dotted = DOTTED[0] < eighths <= DOTTED[1] and early_sixteenths > 0.05
        if not dotted and float(np.mean((every > EARLY[0]) & (every < EARLY[1]))) < MAX_EARLY:
            return Swing(Fraction(1, 2), eighths)
    lone, _ = _off_beats(places * 2)
    early = float(np.mean((lone > EARLY[0]) & (lone < EARLY[1]))) if len(lone) else 0.0
    sixteenths_at = _swung(lone)
    if eighths is None and sixteenths_at is not None and early < MAX_EARLY and sixteenths_at <= DOTTED[0]:
        return Swing(Fraction(1, 4), sixteenths_at)
    return None


def _off_beats(places: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Lone off-beats, one for each pair that has just one, and all off-beats; both as shares of the pair."""
    pairs: dict[int, list[float]] = defaultdict(list)
    for place in places:
        share = float(place % 1.0)
        if EDGE < share < 1 - EDGE:
            pairs[int(place // 1.0)].append(share)
    lone = [float(np.mean(s)) for s in pairs.values() if max(s) - min(s) < SPREAD]
    return np.array(lone), np.array([s for shares in pairs.values() for s in shares])


def _swung(lone: FloatVector) -> float | None:
    """Median place of the swung ones among lone off-beats, if they are many and alike enough."""
    counted = lone[(lone > LONE[0]) & (lone < LONE[1])]
    swung = counted[(counted > SWUNG[0]) & (counted < SWUNG[1])]
    if len(swung) < MIN_LONE or len(swung) < MIN_SHARE * len(counted):
        return None
    middle = float(np.median(swung))
    return middle if float(np.mean(np.abs(counted - middle) < STEADY)) >= MIN_STEADY else None
