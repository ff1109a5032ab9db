"""How loud each stroke was: the energy of its attack in the bands that belong to its drum.

The network hears loudness through whatever else sounds. Within one recording a drum keeps its own spectrum, so the
bands in which it stands out can be learnt from the song itself, and the energy there tells soft strokes from loud ones.
Networks that were taught the order of strokes know as much by themselves, and err elsewhere: of theirs a share stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drumscribe.detection.picking import LOUDNESS_RANGE_DB
from drumscribe.types import Drum, FloatArray

LOUD_STROKES = 0.91  #: where a drum's loud strokes land on the loudness scale: MIDI velocity 108
TYPICAL_LOUD = 0.8  #: the quantile of a drum's confident strokes that counts as its loud ones
CYMBALS = frozenset({Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN, Drum.RIDE, Drum.CRASH})  #: their attacks tell less
FEWEST = 8  #: with fewer confident strokes a drum's spectrum is not known, and the network's loudness stands

_STRETCH = 1.5  # a fit by least squares draws in what it is unsure of; this restores the spread of played strokes
_NEAR = 4  # frames within which two strokes share an attack
_FAINT = 1e-4  # power below which nothing is heard, that of the spectrum's own floor
_DECIBELS = 10 / np.log(10.0)

# Weight of (network, bands louder than the song, bands louder than other drums, power in those), fitted by least squares
# to the known loudness of generated validation mixes, medians removed.
_SKIN_BLEND = (0.281, 0.075, 0.314, 0.439)
_CYMBAL_BLEND = (0.307, 0.309, 0.171, 0.041)


def refine_loudness(
    spectrum: FloatArray,
    loudness: FloatArray,
    strokes: Sequence[Sequence[int]],
    drums: Sequence[Drum],
    shares: Sequence[float] | None = None,
) -> FloatArray:
    """Replace the network's loudness by one that also follows the energy of the attack.

    Parameters
    ----------
    spectrum : (frames, BANDS) float32
        Log-mel spectrum of the whole recording.
    loudness : (frames, drums) float32
        The network's loudness in [0, 1].
    strokes : sequence of sequences of int
        Per drum, the frames of its confident strokes.
    drums : sequence of Drum
        What the columns stand for.
    shares : sequence of float
        Per drum, from 0 to 1, how much of the network's loudness stands as it is, beside what is found here. None: nothing of it.

    Returns
    -------
    (frames, drums) float32
        Loudness in [0, 1], `LOUDNESS_RANGE_DB` wide; the loud strokes of each drum lie at `LOUD_STROKES`, or by its share from
        there towards where the network has them. Other percussion, and drums with fewer than `FEWEST` strokes, are as given.

    Notes
    -----
    The rise is the highest power of three frames from the stroke on less the lowest just before. Each drum weighs the
    bands of the log rise by how far its own strokes stand out, once against the song between its strokes, and once
    against the strokes of the other drums, so that what sounds together is told apart.
    """
    refined = loudness.copy()
    if not any(len(s) >= FEWEST for s in strokes):
        return refined
    power = np.exp(spectrum)
    rise = _rise(power)
    level = np.log(rise + 0.1 * power.mean(axis=0) + _FAINT)
    for column, (drum, share) in enumerate(zip(drums, shares or [0.0] * len(drums), strict=True)):
        own = np.asarray(strokes[column], np.int64)
        if drum is Drum.OTHER or len(own) < FEWEST:
            continue
        usual = level[own].mean(axis=0)
        between = _away(np.arange(0, len(level), 5), own)
        others = _away(np.unique(np.concatenate([np.asarray(s, np.int64) for s in strokes])), own)
        song = _standing_out(usual, level, between, 4)
        rivals = _standing_out(usual, level, others if len(others) >= FEWEST else between, 2)
        cues = (
            loudness[:, column] * np.float32(LOUDNESS_RANGE_DB / _DECIBELS),
            level @ song,
            level @ rivals,
            np.log(rise.sum(axis=1) + np.float32(1e-3)),
        )
        blend = _CYMBAL_BLEND if drum in CYMBALS else _SKIN_BLEND
        total = np.zeros(len(level), np.float32)
        for weight, cue in zip(blend, cues, strict=True):
            total += np.float32(weight) * cue
        above = (total - np.quantile(total[own], TYPICAL_LOUD)) * (_STRETCH * _DECIBELS / LOUDNESS_RANGE_DB)
        # Half the slope above the loud strokes: room for accents, without every chance overlap becoming one.
        found = np.clip(LOUD_STROKES + np.where(above > 0, 0.5 * above, above), 0, 1)
        refined[:, column] = found + share * (loudness[:, column] - found)
    return refined


def _rise(power: FloatArray) -> FloatArray:
    """Power gained at each frame, shape and unit of `power`; the ends repeat their last frame."""
    after = np.concatenate([power, power[-1:], power[-1:]])
    top = np.maximum(np.maximum(after[:-2], after[1:-1]), after[2:])
    before = np.concatenate([np.repeat(power[:1], 4, axis=0), power[:-3]])
    return np.maximum(top - np.minimum(before[:-1], before[1:]), 0)


def _away(frames: np.ndarray[tuple[int], np.dtype[np.int64]], own: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    """Those of `frames` that lie more than `_NEAR` from every one of `own` (both sorted)."""
    index = np.searchsorted(own, frames)
    left = frames - own[np.maximum(index - 1, 0)]
    right = own[np.minimum(index, len(own) - 1)] - frames
    return frames[np.minimum(np.abs(left), np.abs(right)) > _NEAR].tolist()


def _standing_out(usual: FloatArray, level: FloatArray, against: list[int], sharpness: int) -> FloatArray:
    """Weights (BANDS,) that sum to one, on the bands in which a drum's usual rise exceeds that at other frames."""
    contrast = usual - level[against].mean(axis=0) if against else np.ones_like(usual)
    weights = np.maximum(contrast, 0) ** sharpness
    total = float(weights.sum())
    return (weights / np.float32(total) if total > 1e-9 else np.full_like(usual, 1 / len(usual))).astype(np.float32)
