"""Seconds become fractions of a beat: one grid per beat, chosen for the whole song at once.

Each beat may be divided in several ways. A fine grid always fits better, so it has its price; what a song does often is
cheap in that song (two rounds of expectation maximisation); changing between duple and triple inside a bar costs extra.
The best sequence of grids is found by the Viterbi algorithm.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from drumscribe.notation.swing import Swing
from drumscribe.notation.tempo import EARLY, EARLY_SHARE, Pulse

FloatVector = NDArray[np.float64]

FIRST_SIGMA = 0.020  #: s, spread of strokes round their place before it is known
SIGMA_RANGE = (0.016, 0.030)  #: s
MAX_MISFIT = 6.0  #: nats, an outlier costs no more than this
MIN_SLOT = 0.090  #: s, playing faster than this between slots is rare
SLOT_SIGMA = 0.015  #: s
TWICE = 4.0  #: nats for two strokes of one drum in one slot
CHANGE = 1.5  #: nats for duple against triple inside a bar
CHANGE_OVER_BAR = 0.75  #: nats for the same across the bar line
SWING_SLACK = 0.08  #: of a beat: how far a swung off-beat may wander without cost
TOLD_FAMILY = 0.010  #: s by which a triplet must fit better to become none, or the other way round
TOLD_PARTS = 0.004  #: s by which a place must fit better than one as fine as the one that was named
ROUNDS = 3  #: passes over the song; the prior and the spread are learnt in between


@dataclass(frozen=True, slots=True)
class Grid:
    """One way to divide a beat."""

    parts: int
    family: int  #: 0 = says nothing, 2 = duple, 3 = triple (in compound metres: 3 = plain, 2 = duplet)
    cost: float  #: nats before the song has been heard
    written: tuple[Fraction, ...]  #: place of each slot in the beat on paper, the next beat included
    sounding: tuple[float, ...]  #: the same as played
    slack: float = 0.0  #: of a beat: free play around every inner slot


def _even(parts: int, family: int, cost: float) -> Grid:
    written = tuple(Fraction(k, parts) for k in range(parts + 1))
    return Grid(parts, family, cost, written, tuple(map(float, written)))


def grids_for(unit: Fraction, swing: Swing | None, plain: bool = True) -> tuple[Grid, ...]:
    """Ways to divide one beat of `unit` quarter notes, simplest first.

    With `plain`, swung eighths are written as equal notes; without, as the triplets they resemble. Sixteenths that lean
    all the way to a triplet are always written as one: few players, and fewer programs, read swung sixteenths from a word.
    """
    if unit == Fraction(3, 2):
        return (_even(1, 0, 0.0), _even(3, 3, 0.0), _even(6, 3, 0.7), _even(2, 2, 4.0), _even(12, 3, 6.0))
    if unit == Fraction(1, 2):
        return (_even(1, 0, 0.0), _even(2, 2, 0.3), _even(4, 2, 5.0), _even(3, 3, 6.0))
    eighths, sixteenths = _even(2, 2, 0.0), _even(4, 2, 0.7)
    if swing is not None and swing.value == Fraction(1, 2):
        written = (Fraction(0), Fraction(1, 2) if plain else Fraction(2, 3), Fraction(1))
        eighths = Grid(2, 3, 0.0, written, (0.0, swing.ratio, 1.0), SWING_SLACK)
    elif swing is not None:
        r, third = swing.ratio / 2, Fraction(1, 3)
        shuffled = (Fraction(0), third, Fraction(1, 2), Fraction(1, 2) + third, Fraction(1))
        sixteenths = Grid(4, 2, 0.7, shuffled if swing.is_shuffle else sixteenths.written, (0.0, r, 0.5, 0.5 + r, 1.0))
    return (_even(1, 0, 0.0), eighths, sixteenths, _even(3, 3, 2.5), _even(8, 2, 6.0), _even(6, 3, 6.0))


@dataclass(frozen=True, slots=True)
class Onset:
    """Strokes that sound together."""

    place: float  #: beat coordinate
    strokes: tuple[int, ...]  #: indices of the hits
    weight: float = 1.0  #: what it counts for when grids are compared


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hit is written."""

    beat: int  #: index into the pulse
    share: Fraction  #: of that beat, in [0, 1)


def quantise(onsets: Sequence[Onset], kinds: Sequence[frozenset[str]], pulse: Pulse, grids: tuple[Grid, ...]) -> list[Place]:
    """Give every onset its place.

    Parameters
    ----------
    onsets : sequence of Onset
        Sorted by place, which lies inside the pulse.
    kinds : sequence of frozenset
        Names of the drums of each onset; two onsets that share one should not share a slot.
    pulse : Pulse
        Beats that cover all onsets.
    grids : tuple of Grid
        From `grids_for`.

    Returns
    -------
    list of Place
        One for each onset, not decreasing.

    Notes
    -----
    The misfit of a stroke is Gaussian, cut off at six nats; the spread is re-estimated from the song's own residuals.
    """
    if not onsets:
        return []
    periods = pulse.periods
    beats = _by_beat(onsets, periods)
    prior = np.array([g.cost for g in grids])
    sigma = FIRST_SIGMA
    path: list[int] = []
    fits: list[list[_Fit]] = []
    for _ in range(ROUNDS):
        fits = [
            [_fit(g, [onsets[j] for j in js], [kinds[j] for j in js], b, float(periods[b]), sigma) for g in grids]
            for b, js in beats
        ]
        path = _viterbi([b for b, _ in beats], [[f.cost for f in row] for row in fits], grids, prior, pulse)
        chosen = [fits[n][k] for n, k in enumerate(path)]
        prior = _learn(grids, path, chosen)
        misfits = np.concatenate([f.misfits for f in chosen])
        sigma = float(np.clip(1.48 * np.median(np.abs(misfits)), *SIGMA_RANGE))
    places: list[Place] = []
    for n, (beat, _) in enumerate(beats):
        grid = grids[path[n]]
        for slot in fits[n][path[n]].slots:
            places.append(Place(beat + 1, Fraction(0)) if slot == grid.parts else Place(beat, grid.written[slot]))
    return places


def nearest_told(time: float, parts: int, pulse: Pulse, grids: tuple[Grid, ...]) -> Place:
    """The place of one stroke that a person has put somewhere, under a pulse that may be another now.

    Parameters
    ----------
    time : float
        Seconds, inside the pulse.
    parts : int
        Denominator of the place that was named, in quarter notes. Places of its kind are preferred, twice and half as
        fine ones with them: another tempo may count the same music in other values.
    pulse : Pulse
        Beats that cover the stroke.
    grids : tuple of Grid
        From `grids_for`; what swings is taken from there.
    """
    place = float(pulse.places(np.array([time]))[0])
    beat = int(place)
    period = float(pulse.periods[beat])
    slots = {(written, sounding) for grid in grids for written, sounding in zip(grid.written, grid.sounding, strict=True)}
    for division in (8, 12):
        count = int(division * pulse.unit)
        slots |= {(Fraction(k, count), k / count) for k in range(count + 1)}

    def misfit(slot: tuple[Fraction, float]) -> tuple[float, int]:
        fine = (slot[0] * pulse.unit).denominator
        cost = abs(slot[1] - (place - beat)) * period
        cost += TOLD_FAMILY * ((fine % 3 == 0) != (parts % 3 == 0)) + TOLD_PARTS * (fine not in (parts, 2 * parts, parts / 2))
        return cost, fine

    share = min(slots, key=misfit)[0]
    return Place(beat + 1, Fraction(0)) if share == 1 else Place(beat, share)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """How one grid suits one beat."""

    cost: float  #: nats, without the prior
    slots: tuple[int, ...]  #: for each onset
    misfits: FloatVector  #: s


def _by_beat(onsets: Sequence[Onset], periods: FloatVector) -> list[tuple[int, list[int]]]:
    """Group onsets by the beat they belong to; one just before a beat anticipates it."""
    groups: list[tuple[int, list[int]]] = []
    for j, onset in enumerate(onsets):
        beat = int(onset.place)
        rest = beat + 1 - onset.place
        if beat + 1 < len(periods) and rest < EARLY_SHARE and rest * periods[beat] < EARLY:
            beat += 1
        if not groups or groups[-1][0] != beat:
            groups.append((beat, []))
        groups[-1][1].append(j)
    return groups


def _fit(grid: Grid, onsets: list[Onset], kinds: list[frozenset[str]], beat: int, period: float, sigma: float) -> _Fit:
    slots: list[int] = []
    misfits: list[float] = []
    cost = (max(0.0, MIN_SLOT - period / grid.parts) / SLOT_SIGMA) ** 2 if grid.parts > 1 else 0.0
    for j, onset in enumerate(onsets):
        share = onset.place - beat
        slot = min(range(grid.parts + 1), key=lambda k: abs(grid.sounding[k] - share))
        misfit = share - grid.sounding[slot]
        if 0 < slot < grid.parts:
            misfit = math.copysign(max(0.0, abs(misfit) - grid.slack), misfit)
        misfit *= period
        cost += onset.weight * min((misfit / sigma) ** 2 / 2, MAX_MISFIT)
        if slots and slots[-1] == slot:
            cost += TWICE if kinds[j] & kinds[j - 1] else TWICE / 2
        slots.append(slot)
        misfits.append(misfit)
    return _Fit(cost, tuple(slots), np.array(misfits))


def _viterbi(beats: list[int], costs: list[list[float]], grids: tuple[Grid, ...], prior: FloatVector, pulse: Pulse) -> list[int]:
    """Cheapest sequence of grids: own cost, prior, and the price of changing family from one beat to the next."""
    families = np.array([g.family for g in grids])
    clash = (families[:, None] * families[None, :] == 6).astype(np.float64)
    total = np.array(costs[0]) + prior
    back: list[NDArray[np.int64]] = []
    for n in range(1, len(beats)):
        same_bar = beats[n] - beats[n - 1] < pulse.numbers[beats[n]]
        step = total[:, None] + clash * (CHANGE if same_bar else CHANGE_OVER_BAR)
        back.append(np.argmin(step, axis=0))
        total = np.min(step, axis=0) + np.array(costs[n]) + prior
    path = [int(np.argmin(total))]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def _learn(grids: tuple[Grid, ...], path: list[int], chosen: list[_Fit]) -> FloatVector:
    """Prices after a pass: what is common in this song becomes cheap, what is rare stays dear.

    Only beats that need more than the cheapest division vote; the start costs act as three beats that have voted before.
    """
    votes = Counter(k for k, fit in zip(path, chosen, strict=True) if _needs(grids[k], fit))
    start = np.exp(-np.array([g.cost for g in grids]))
    total = sum(votes.values()) + 3.0
    shares = np.array([(votes[k] + 3.0 * start[k] / float(start.sum())) / total for k in range(len(grids))])
    floors = np.minimum([g.cost for g in grids], [0.0 if g.cost == 0 else 2.0 if g.cost > 3 else 0.2 for g in grids])
    return np.array([0.0 if g.cost == 0 else max(f, -math.log(s)) for g, f, s in zip(grids, floors, shares, strict=True)])


def _needs(grid: Grid, fit: _Fit) -> bool:
    """Whether a beat's onsets use what its grid offers beyond the free ones."""
    return grid.cost > 0 and any(slot % grid.parts for slot in fit.slots)
