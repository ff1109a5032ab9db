"""Measures of hits: one-to-one matching within a tolerance, F by class, velocity, false hats.

Conventions of the field: an estimate counts when it lies within `tolerance` of a reference of its class that no other
estimate has taken; the matching is as large as possible, as `mir_eval.util.match_events` finds it. Pooled F sums hits
of all classes and songs. Strokes of one class closer than 5 ms (two crashes struck together) count once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumscribe.types import Drum, Hit

TOLERANCE = 0.05  #: seconds
TIGHT = 0.02  #: seconds: the second window that is always reported
MERGE_SECONDS = 0.005
EPSILON = 1e-6  #: annotations often sit on a grid of 10 ms: a distance of exactly the tolerance is inside

_THREE: dict[Drum, str] = {
    Drum.KICK: "kick",
    Drum.SNARE: "snare",
    Drum.CROSS_STICK: "snare",
    Drum.HIHAT_CLOSED: "hihat",
    Drum.HIHAT_OPEN: "hihat",
}
_FIVE = (
    _THREE
    | dict.fromkeys((Drum.CRASH, Drum.RIDE), "cymbals")
    | dict.fromkeys((Drum.TOM_HIGH, Drum.TOM_MID, Drum.TOM_LOW), "toms")
)
_NINE = {drum: str(drum) for drum in Drum if drum not in (Drum.CROSS_STICK, Drum.OTHER)} | {Drum.CROSS_STICK: "snare"}

#: Class of each drum in the vocabularies of 3, 5 and 9 classes; drums without one are left out of the comparison.
VOCABULARIES: dict[int, dict[Drum, str]] = {3: _THREE, 5: _FIVE, 9: _NINE}


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits found, invented and missed."""

    found: int = 0
    invented: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.found + other.found, self.invented + other.invented, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of the estimate that is right; 1 for silence against silence."""
        return self.found / (self.found + self.invented) if self.found + self.invented else float(not self.missed)

    @property
    def recall(self) -> float:
        """Share of the reference that was found; 1 if there was nothing to find."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def f_measure(self) -> float:
        """Harmonic mean of precision and recall; 1 for silence against silence."""
        total = 2 * self.found + self.invented + self.missed
        return 2 * self.found / total if total else 1.0


@dataclass(frozen=True, slots=True)
class HitScores:
    """Scores of a set of songs in one vocabulary."""

    pooled: Counts  #: all classes and songs together: the number to quote
    classes: Mapping[str, Counts]  #: per class, songs pooled
    songs: Mapping[str, Counts]  #: per song, classes pooled

    @property
    def mean_f(self) -> float:
        """F averaged over songs."""
        return float(np.mean([c.f_measure for c in self.songs.values()])) if self.songs else 0.0

    @property
    def macro_f(self) -> float:
        """F averaged over the classes that occur in the reference."""
        present = [c.f_measure for c in self.classes.values() if c.found + c.missed]
        return float(np.mean(present)) if present else 0.0


def match(reference: Sequence[float], estimate: Sequence[float], tolerance: float = TOLERANCE) -> list[tuple[int, int]]:
    """Pair two increasing lists of times one to one, as many pairs as possible.

    Going through both lists and pairing the earliest that fit is optimal here, since all windows are equally wide.

    Returns
    -------
    list of (int, int)
        Indices into `reference` and `estimate`, both increasing.
    """
    i = j = 0
    pairs: list[tuple[int, int]] = []
    while i < len(reference) and j < len(estimate):
        distance = estimate[j] - reference[i]
        if distance < -tolerance - EPSILON:
            j += 1
        elif distance > tolerance + EPSILON:
            i += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def score_hits(
    references: Mapping[str, Iterable[Hit]],
    estimates: Mapping[str, Iterable[Hit]],
    *,
    vocabulary: int = 5,
    tolerance: float = TOLERANCE,
) -> HitScores:
    """Compare the hits of songs.

    Parameters
    ----------
    references, estimates : mapping of song to hits
        A song missing from `estimates` counts as silence.
    vocabulary : int
        3, 5 or 9 classes.
    tolerance : float
        Seconds to either side.
    """
    table = VOCABULARIES[vocabulary]
    classes = {name: Counts() for name in table.values()}
    songs: dict[str, Counts] = {}
    for song in sorted(references):
        reference = _times_by_class(references[song], table)
        estimate = _times_by_class(estimates.get(song, ()), table)
        songs[song] = Counts()
        for name in classes:
            true, found = reference.get(name, []), estimate.get(name, [])
            hits = len(match(true, found, tolerance))
            counts = Counts(hits, len(found) - hits, len(true) - hits)
            classes[name] += counts
            songs[song] += counts
    return HitScores(sum(songs.values(), Counts()), classes, songs)


def _times_by_class(hits: Iterable[Hit], table: Mapping[Drum, str]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    for hit in sorted(hits, key=lambda h: h.time):
        if hit.drum in table:
            own = times.setdefault(table[hit.drum], [])
            if not own or hit.time - own[-1] >= MERGE_SECONDS:
                own.append(hit.time)
    return times


def velocity_correlation(
    reference: Iterable[Hit], estimate: Iterable[Hit], *, tolerance: float = TOLERANCE, minimum: int = 8
) -> dict[str, float]:
    """Spearman's rank correlation of velocity over matched hits, one number per drum.

    Ranks, because the scale of a velocity is anyone's choice. A drum with fewer than `minimum` matched hits, or whose
    reference or estimate is constant, has none.

    Returns
    -------
    dict of str to float
        From -1 to 1 by instrument (cross sticks with the snare).
    """
    scores: dict[str, float] = {}
    for name, a, b in _velocities(reference, estimate, tolerance):
        if len(a) >= minimum and np.ptp(a) > 0 and np.ptp(b) > 0:
            scores[name] = float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])
    return scores


def velocity_error(reference: Iterable[Hit], estimate: Iterable[Hit], *, tolerance: float = TOLERANCE) -> dict[str, float]:
    """Mean absolute difference of velocity over matched hits, one number per drum.

    Returns
    -------
    dict of str to float
        0-1, in parts of the full MIDI range, by instrument; drums without a matched hit are left out.
    """
    pairs = _velocities(reference, estimate, tolerance)
    return {name: float(np.mean(np.abs(a - b))) / 127 for name, a, b in pairs if len(a)}


def _velocities(
    reference: Iterable[Hit], estimate: Iterable[Hit], tolerance: float
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Velocities of matched hits, true and estimated, by instrument."""
    true, found = _by_name(reference), _by_name(estimate)
    result: list[tuple[str, NDArray[np.float64], NDArray[np.float64]]] = []
    for name in (n for n in dict.fromkeys(_NINE.values()) if n in true and n in found):
        pairs = match([h.time for h in true[name]], [h.time for h in found[name]], tolerance)
        a = np.array([true[name][i].velocity for i, _ in pairs], float)
        b = np.array([found[name][j].velocity for _, j in pairs], float)
        result.append((name, a, b))
    return result


@dataclass(frozen=True, slots=True)
class FalseHats:
    """Strokes that are no hat, and those of them where a hat was heard."""

    strokes: int = 0  #: annotated side sticks and percussion outside the kit: tambourine, clap, shaker, …
    hats: int = 0  #: those with an estimated hat within the tolerance that no annotated hat accounts for

    def __add__(self, other: FalseHats) -> FalseHats:
        return FalseHats(self.strokes + other.strokes, self.hats + other.hats)

    @property
    def share(self) -> float | None:
        """Part of them, 0-1; None without such strokes."""
        return self.hats / self.strokes if self.strokes else None


def count_false_hats(reference: Iterable[Hit], estimate: Iterable[Hit], *, tolerance: float = TOLERANCE) -> FalseHats:
    """Count annotated side sticks and other percussion at which a hat was heard that nobody played."""
    reference = list(reference)
    true, found = (_times_by_class(hits, _THREE).get("hihat", []) for hits in (reference, estimate))
    matched = {j for _, j in match(true, found, tolerance)}
    lone = np.array([time for j, time in enumerate(found) if j not in matched])
    others = [h.time for h in reference if h.drum in (Drum.CROSS_STICK, Drum.OTHER)]
    near = sum(bool(len(lone)) and float(np.min(np.abs(lone - time))) <= tolerance + EPSILON for time in others)
    return FalseHats(len(others), near)


def _by_name(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    groups: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=lambda h: h.time):
        if hit.drum in _NINE:
            groups.setdefault(_NINE[hit.drum], []).append(hit)
    return groups


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[inverse]
