"""How far a grid can be trusted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from drumscribe.beats.evidence import Floats
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.beats.pulse import COMPOUND_PLACES, SIMPLE_PLACES, kernel
from drumscribe.beats.readings import Evidence, Reading, at_beats


def hit_support(reading: Reading, evidence: Evidence, parameters: DecoderParameters) -> float:
    """Mean log-likelihood ratio of a hit where the grid expects it, against a hit anywhere; 0 without hits."""
    beats, hits = reading.beats, evidence.hits
    index = np.searchsorted(beats, hits.times, side="right") - 1
    inside = (index >= 0) & (index < len(beats) - 1)
    if not inside.any():
        return 0.0
    index = index[inside]
    length = beats[index + 1] - beats[index]
    phase = (hits.times[inside] - beats[index]) / length
    frames = max(8, round(float(np.median(length)) * parameters.frame_rate))
    places = COMPOUND_PLACES if reading.bars.metre.unit == Fraction(3, 2) else SIMPLE_PLACES
    table = kernel(frames, places, parameters) + np.log(frames)
    return float(table[hits.groups[inside], np.minimum((phase * frames).astype(np.int64), frames - 1)].mean())


def activation_support(reading: Reading, evidence: Evidence, parameters: DecoderParameters) -> float:
    """Mean log-likelihood ratio of the activations at the beats."""
    values: Floats = at_beats(evidence.frames.beat, reading.beats, evidence, parameters)
    return float(values.mean())


def judge(reading: Reading, evidence: Evidence, parameters: DecoderParameters) -> tuple[float, bool]:
    """Confidence (0-1) and whether it suffices. One source that supports the grid is enough."""
    hits = _logistic(hit_support(reading, evidence, parameters), parameters.hit_confidence)
    activations = _logistic(activation_support(reading, evidence, parameters), parameters.activation_confidence)
    confidence = 1 - (1 - hits) * (1 - activations)
    return confidence, confidence >= parameters.reliable_from


def _logistic(value: float, shape: tuple[float, float]) -> float:
    middle, slope = shape
    return float(1 / (1 + np.exp(-slope * (value - middle))))
