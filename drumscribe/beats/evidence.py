"""What activations and hits say about beats, as log-likelihood ratios on one clock.

The clock of the search runs at `DecoderParameters.frame_rate` and starts `lead` frames before the recording, so
that the first beats may lie before its start. Hits are gathered in six groups that behave alike in a groove.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumscribe.types import BeatActivations, Drum, Hit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUPS = ("kick", "snare", "cymbal", "crash", "tom", "other")
_GROUP_OF = {
    Drum.KICK: 0,
    Drum.SNARE: 1,
    Drum.CROSS_STICK: 1,
    Drum.HIHAT_CLOSED: 2,
    Drum.HIHAT_OPEN: 2,
    Drum.RIDE: 2,
    Drum.CRASH: 3,
    Drum.TOM_HIGH: 4,
    Drum.TOM_MID: 4,
    Drum.TOM_LOW: 4,
    Drum.OTHER: 5,
}

SPARSE_RATE = 1.5  #: hits a second; fewer mean that most were not heard, for the slowest ballad has more
LONGEST_GAP = 4.0  #: seconds; a longer gap between hits is a part without drums


@dataclass(frozen=True, slots=True, eq=False)
class HitArrays:
    """Hits as columns, sorted by time."""

    times: Floats  #: seconds
    groups: Ints  #: index into `GROUPS`
    weights: Floats  #: confidence, 0-1

    found: float = 1.0  #: share of the strokes that seem to have been heard, 0-1: expectations are lowered by it

    @property
    def count(self) -> int:
        """Number of hits."""
        return len(self.times)


def gather_hits(hits: tuple[Hit, ...], duration: float) -> HitArrays:
    """Columns of the hits that lie inside the recording."""
    inside = sorted((h for h in hits if h.time <= duration), key=lambda h: h.time)
    times = np.array([h.time for h in inside], dtype=np.float64)
    weights = np.array([h.confidence for h in inside], dtype=np.float64)
    gaps = np.diff(times, prepend=0.0, append=duration)
    playing = float(np.minimum(gaps, LONGEST_GAP).sum())
    found = float(np.clip(weights.sum() / max(playing, 1.0) / SPARSE_RATE, 0.02, 1.0))
    return HitArrays(times, np.array([_GROUP_OF[h.drum] for h in inside], dtype=np.int64), weights, found)


@dataclass(frozen=True, slots=True, eq=False)
class FrameEvidence:
    """Log-likelihood ratios of the activations, one value a frame of the search clock; 0 where nothing is known."""

    beat: Floats  #: of a beat here, against a frame like any other
    between: Floats  #: of no beat here
    downbeat: Floats  #: of a beat being a downbeat, against a beat like any other
    informative: bool  #: whether the beat activations rise anywhere


def _at_rate(values: NDArray[np.float32], rate: float, frame_rate: float, frames: int) -> Floats:
    if len(values) == 0:
        return np.zeros(0)
    clean = np.clip(np.nan_to_num(values.astype(np.float64)), 0.0, 1.0)
    seconds = np.arange(min(frames, int(len(values) / rate * frame_rate))) / frame_rate
    return np.interp(seconds, np.arange(len(values)) / rate, clean)


def read_activations(activations: BeatActivations, *, frames: int, frame_rate: float, lead: int) -> FrameEvidence:
    """Bring activations to the search clock and compare them with their own mean.

    The mean is what a frame is worth when nothing is known about the pulse: activations that are flat, at any
    height, then say nothing.

    Parameters
    ----------
    frames : int
        Frames of the recording; the result has `lead` more at either end.
    """
    total = frames + 2 * lead
    beat, between, downbeat = np.zeros(total), np.zeros(total), np.zeros(total)
    p = _at_rate(activations.beats, activations.frame_rate, frame_rate, frames)
    q = _at_rate(activations.downbeats, activations.frame_rate, frame_rate, frames)
    if len(p) == 0:
        return FrameEvidence(beat, between, downbeat, informative=False)
    floor = 0.02
    mean = float(p.mean())
    inside = slice(lead, lead + len(p))
    beat[inside] = np.log((p + floor) / (mean + floor))
    between[inside] = np.log((1 - p + floor) / (1 - mean + floor))
    # on beats, the share of downbeat in beat probability; its own mean over likely beats again means "nothing known"
    share = np.clip((q + floor) / (np.maximum(p, q) + 2 * floor), 0.0, 1.0)
    usual = float(np.average(share, weights=p + 1e-6))
    downbeat[inside] = np.log((share + floor) / (usual + floor)) - np.log((1 - share + floor) / (1 - usual + floor))
    downbeat[inside] *= np.minimum(1.0, np.maximum(p, q) / 0.3)
    informative = float(np.quantile(p, 0.98) - np.median(p)) > 0.1
    return FrameEvidence(beat, between, downbeat, informative)
