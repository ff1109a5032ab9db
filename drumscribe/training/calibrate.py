"""Fix a drum network's operating point on validation mixes: kits, songs and players that training never heard.

Per drum, the logits at activation peaks are mapped to the probability that the peak is a true hit (Platt, 1999), and
the threshold is the one with the best F-measure. Then one constant shifts all of them: synthetic validation asks for
too many hits on records (`docs/model/drums.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from scipy.optimize import minimize

from drumscribe.detection.infer import network_inputs
from drumscribe.detection.picking import find_peaks
from drumscribe.features import FRAME_RATE
from drumscribe.training.inspection import heard_in
from drumscribe.training.material import OUTPUTS
from drumscribe.training.pool import Pool

WINDOW_FRAMES = 4  #: a peak within 40 ms of a stroke is that stroke
GAP_FRAMES = 3
LOWEST_LOGIT = -5.0


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """All activation peaks of one drum over the validation mixes."""

    logits: NDArray[np.float64]
    is_hit: NDArray[np.bool_]
    strokes: int  #: audible strokes, found or not


def calibrate(session: InferenceSession, features: Mapping[str, Any], pool: Pool, *, shift: float) -> dict[str, Any]:
    """Calibration and thresholds of a network, ready for its configuration.

    Parameters
    ----------
    features : mapping
        What the network reads, as in its configuration.
    shift : float
        Logits taken off everywhere before the probability is read.

    Returns
    -------
    dict
        `calibration` (`scale`, `offset`), `thresholds`, and the validation figures behind them per drum.
    """
    peaks = collect_peaks(session, features, pool)
    scales, offsets, thresholds, figures = [], [], [], {}
    for drum, found in zip(OUTPUTS, peaks, strict=True):
        scale, offset = _platt(found)
        cut, f_measure = _best_cut(found)
        scales.append(round(scale, 4))
        offsets.append(round(offset - scale * shift, 4))
        thresholds.append(round(float(1 / (1 + np.exp(-(scale * cut + offset)))), 4))
        probability = 1 / (1 + np.exp(-(scale * found.logits + offset)))
        figures[str(drum)] = {
            "f_measure": round(f_measure, 4),
            "strokes": found.strokes,
            "calibration_error": round(_error(probability, found.is_hit), 4),
        }
    return {"calibration": {"scale": scales, "offset": offsets}, "thresholds": thresholds, "validation": figures}


def collect_peaks(session: InferenceSession, features: Mapping[str, Any], pool: Pool) -> list[Peaks]:
    """Peaks of every drum; those on strokes that cannot be heard are left out."""
    logits: list[list[float]] = [[] for _ in OUTPUTS]
    is_hit: list[list[bool]] = [[] for _ in OUTPUTS]
    strokes = [0] * len(OUTPUTS)
    for item in range(len(pool)):
        mix = pool.mel(item)[0].astype(np.float32)
        audible = np.array(heard_in(pool, item), np.bool_)
        output = np.asarray(session.run(None, {"log_mel": network_inputs(mix, features)[None]})[0])[0]
        for column in range(len(OUTPUTS)):
            heard, unheard = _strokes(pool, item, column, audible)
            strokes[column] += len(heard)
            for frame in find_peaks(output[:, column], LOWEST_LOGIT, GAP_FRAMES):
                near = [h for h in heard if abs(h - frame) <= WINDOW_FRAMES]
                if near:
                    heard.remove(min(near, key=lambda h: abs(h - frame)))
                elif any(abs(u - frame) <= WINDOW_FRAMES for u in unheard):
                    continue
                logits[column].append(float(output[frame, column]))
                is_hit[column].append(bool(near))
    return [Peaks(np.array(x), np.array(y, np.bool_), n) for x, y, n in zip(logits, is_hit, strokes, strict=True)]


def _strokes(pool: Pool, item: int, column: int, heard: NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    """Frames of the strokes of one drum that can and that cannot be heard."""
    events = pool.events[pool.strokes(item)]
    places = [
        [float(row[1]) * FRAME_RATE for row in events[(events[:, 2] == column) & (heard == wanted)]] for wanted in (True, False)
    ]
    return places[0], places[1]


def _platt(peaks: Peaks) -> tuple[float, float]:
    if not peaks.is_hit.any() or peaks.is_hit.all():
        return 1.0, 0.0

    def cost(parameters: NDArray[np.float64]) -> float:
        z = parameters[0] * peaks.logits + parameters[1]
        return float(np.mean(np.logaddexp(0, z) - peaks.is_hit * z)) + 1e-4 * float(parameters @ parameters)

    scale, offset = minimize(cost, np.array([1.0, 0.0]), method="BFGS").x
    return float(max(scale, 0.2)), float(offset)


def _best_cut(peaks: Peaks) -> tuple[float, float]:
    """The logit with the best F-measure, and that F-measure."""
    if not len(peaks.logits) or not peaks.strokes:
        return 0.0, 0.0
    order = np.argsort(-peaks.logits)
    hits = np.cumsum(peaks.is_hit[order])
    f_measure = 2 * hits / (np.arange(1, len(order) + 1) + peaks.strokes)
    best = int(np.argmax(f_measure))
    return float(peaks.logits[order][best]), float(f_measure[best])


def _error(probability: NDArray[np.float64], is_hit: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Naeini et al., 2015)."""
    index = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(float(probability[index == b].mean()) - float(is_hit[index == b].mean())) * float(np.mean(index == b))
        for b in range(bins)
        if (index == b).any()
    ]
    return float(np.sum(gaps))
