"""Is a confidence of 0.8 right four times in five? Expected calibration error (Guo et al., ICML 2017) of the hits.

A hit is right when it is matched with an annotated one of its class. Bins are of equal width; the error is the mean
distance between confidence and share of right ones, weighted by the hits in a bin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumscribe.evaluation.hits import TOLERANCE, VOCABULARIES, match
from drumscribe.types import Hit

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits of like confidence."""

    hits: int
    confidence: float  #: mean, 0-1
    right: float  #: share, 0-1


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence can be trusted."""

    error: float  #: expected calibration error, 0-1
    bins: tuple[Bin, ...]  #: from the least confident on, without empty ones


def calibration(
    references: Mapping[str, Iterable[Hit]],
    estimates: Mapping[str, Iterable[Hit]],
    *,
    vocabulary: int = 5,
    tolerance: float = TOLERANCE,
) -> Calibration | None:
    """Compare the confidence of hits with how often they are right; None if the estimate says none (or only 1).

    Parameters
    ----------
    references, estimates : mapping of song to hits
        Songs that both sides have are compared.
    vocabulary : int
        3, 5 or 9 classes.
    tolerance : float
        Seconds to either side.
    """
    table = VOCABULARIES[vocabulary]
    confidences: list[float] = []
    right: list[bool] = []
    for song in references.keys() & estimates.keys():
        for name in dict.fromkeys(table.values()):
            true, found = (
                sorted((h for h in side[song] if table.get(h.drum) == name), key=lambda h: h.time)
                for side in (references, estimates)
            )
            matched = {j for _, j in match([h.time for h in true], [h.time for h in found], tolerance)}
            confidences += [h.confidence for h in found]
            right += [j in matched for j in range(len(found))]
    if all(c == 1 for c in confidences):
        return None
    return _binned(np.array(confidences), np.array(right))


def _binned(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    groups = [place == i for i in range(BINS) if np.any(place == i)]
    bins = tuple(Bin(int(g.sum()), float(confidences[g].mean()), float(right[g].mean())) for g in groups)
    return Calibration(sum(b.hits * abs(b.confidence - b.right) for b in bins) / len(confidences), bins)
