"""Measures of beats, from mir_eval: F within 70 ms, continuity, downbeats, tempo. The whole song counts, nothing is trimmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumscribe.evaluation.annotations import Beats

TEMPO_TOLERANCE = 0.04  #: relative, as in the tempo task of MIREX


@dataclass(frozen=True, slots=True)
class BeatScores:
    """Scores of one song; each 0-1."""

    f_measure: float
    cmlt: float  #: share of beats in correct continuity at the annotated level
    amlt: float  #: the same allowing double, half, and off-beat
    downbeat_f: float | None  #: None where a file tells no places in the bar
    tempo: float  #: 1 if within 4 %
    tempo_any: float  #: 1 if within 4 % of the tempo, its half, double, third or triple


def score_beats(reference: Beats, estimate: Beats) -> BeatScores:
    """Compare the beats of one song.

    Fewer than two estimated beats score 0 in all but the downbeats; an empty reference raises.

    Raises
    ------
    ValueError
        If the reference has fewer than two beats: nothing could be right or wrong.
    """
    import mir_eval.beat  # heavy, and needed here alone

    if len(reference.times) < 2:
        raise ValueError("a reference needs at least two beats")
    downbeat_f: float | None = None
    if reference.downbeats is not None and estimate.downbeats is not None:
        downbeat_f = 0.0
        if len(estimate.downbeats) and len(reference.downbeats):
            downbeat_f = float(mir_eval.beat.f_measure(reference.downbeats, estimate.downbeats))
    if len(estimate.times) < 2:
        return BeatScores(0.0, 0.0, 0.0, downbeat_f, 0.0, 0.0)
    _, cmlt, _, amlt = mir_eval.beat.continuity(reference.times, estimate.times)
    true, found = _tempo(reference.times), _tempo(estimate.times)
    near = [abs(found / (true * factor) - 1) <= TEMPO_TOLERANCE for factor in (1, 2, 1 / 2, 3, 1 / 3)]
    f_measure = float(mir_eval.beat.f_measure(reference.times, estimate.times))
    return BeatScores(f_measure, float(cmlt), float(amlt), downbeat_f, float(near[0]), float(any(near)))


def _tempo(times: NDArray[np.float64]) -> float:
    return 60.0 / float(np.median(np.diff(times)))
