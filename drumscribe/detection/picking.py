"""Turn frame-wise activations into hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from drumscribe.options import PickingOptions
from drumscribe.types import Activations, Drum, FloatArray, Hit

#: Drums of which one stroke can be only one: within `RIVAL_GAP` the most probable wins.
RIVALS: tuple[frozenset[Drum], ...] = (
    frozenset({Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN}),
    frozenset({Drum.RIDE, Drum.CRASH}),
    frozenset({Drum.TOM_HIGH, Drum.TOM_MID, Drum.TOM_LOW}),
    frozenset({Drum.SNARE, Drum.CROSS_STICK}),
)
_HATS = (Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN)
RIVAL_GAP = 0.03  #: seconds
RIDE_SPAN = 4.0  #: seconds around a ride in which it must not be alone among hats …
RIDE_SHARE = 1 / 3  #: … that is, at most this share of them
STICK_SPAN = 4.0  #: seconds around a side stick in which it must not be alone among snares
HAT_SPAN = 4.0  #: seconds around a hat in which hats must be surer than other percussion …
HAT_ODDS = 2.0  #: … so many times the odds, in the geometric mean

LOUDNESS_RANGE_DB = 40.0  #: the network's loudness output spans this much below a piece's full stroke
VELOCITY_RANGE_DB = 24.0  #: a stroke this far below counts as velocity 0: the middle of the range used in training


def pick_hits(activations: Activations, picking: Mapping[str, Any], *, options: PickingOptions | None = None) -> tuple[Hit, ...]:
    """Turn frame-wise activations into separate hits, one drum at a time.

    A frame is a hit when it reaches the drum's threshold and nothing within `min_gap` is higher; on a plateau the
    first frame wins. Among rivals (open and closed hat, ride and crash, the toms, snare and side stick) only the most
    probable survives within 30 ms. A ride among many hats is a hat, and a side stick among more snares than side sticks is
    a snare: drummers change to the ride, or turn the stick, for a passage, not for a stroke. Hats of a passage in
    which other percussion is nearly as likely at the same instants are that percussion, which is heard, and not reported.

    Parameters
    ----------
    activations : Activations
        Calibrated probabilities.
    picking : mapping
        The model's `thresholds`, one per drum in the order of `activations.drums`, and `time_offset` in seconds.
    options : PickingOptions
        `sensitivity` is added to every logit; `min_gap` in seconds.

    Returns
    -------
    tuple of Hit
        Sorted by (time, drum); two hits of one drum are more than `min_gap` apart.

    Raises
    ------
    ValueError
        If the number of thresholds is not the number of drums.

    Notes
    -----
    Peak picking after Böck, Krebs and Schedl (ISMIR 2012) without their moving-mean term: the output is calibrated per
    drum. The time is the vertex of the parabola through the peak and its neighbours.
    """
    options = options or PickingOptions()
    thresholds = [float(t) for t in picking["thresholds"]]
    if len(thresholds) != len(activations.drums):
        raise ValueError(f"{len(thresholds)} thresholds for {len(activations.drums)} drums")
    offset = float(picking.get("time_offset", 0.0))
    found: list[Hit] = []
    for column, drum in enumerate(activations.drums):
        if drum is Drum.OTHER:
            continue
        values = _shift(activations.values[:, column], options.sensitivity)
        for frame in find_peaks(values, thresholds[column], int(options.min_gap * activations.frame_rate)):
            time = max(0.0, (frame + _vertex(values, frame)) / activations.frame_rate + offset)
            velocity = to_velocity(float(activations.velocities[frame, column]))
            found.append(Hit(time, drum, velocity, min(1.0, float(values[frame]))))
    settled = _settle_sticks(_settle_rides(_settle_rivals(found)))
    return tuple(_leave_out_percussion(sorted(settled), activations, picking))


def find_peaks(values: FloatArray, threshold: float, gap: int) -> list[int]:
    """Frames that reach `threshold` and are the first highest within `gap` frames on both sides."""
    candidates = np.flatnonzero(values >= threshold)
    peaks: list[int] = []
    for frame in candidates.tolist():
        start = max(0, frame - gap)
        around = values[start : frame + gap + 1]
        if frame - start == int(np.argmax(around)):
            peaks.append(frame)
    return peaks


def to_velocity(loudness: float) -> int:
    """MIDI velocity of the network's loudness output in [0, 1]."""
    decibels = (loudness - 1) * LOUDNESS_RANGE_DB
    return int(np.clip(round(127 * (1 + decibels / VELOCITY_RANGE_DB)), 1, 127))


def _shift(values: FloatArray, logits: float) -> FloatArray:
    if not logits:
        return values
    odds = np.exp(np.float32(logits))
    return values * odds / (1 - values + values * odds)


def _vertex(values: FloatArray, frame: int) -> float:
    """Offset in frames, within ±0.5, of the parabola's top through a peak and its neighbours."""
    if not 0 < frame < len(values) - 1:
        return 0.0
    left, top, right = (float(v) for v in values[frame - 1 : frame + 2])
    bend = left - 2 * top + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < -1e-9 else 0.0


def _settle_rivals(hits: list[Hit]) -> list[Hit]:
    kept = [h for h in hits if not any(h.drum in group for group in RIVALS)]
    for group in RIVALS:
        winners: list[Hit] = []
        for hit in sorted((h for h in hits if h.drum in group), key=lambda h: -h.confidence):
            if all(abs(hit.time - other.time) > RIVAL_GAP for other in winners):
                winners.append(hit)
        kept += winners
    return kept


def _near(times: NDArray[np.float64], time: float, span: float) -> int:
    """How many of the sorted times lie within `span` of one."""
    first, last = np.searchsorted(times, (time - span, time + span))
    return int(last - first)


def _settle_rides(hits: list[Hit]) -> list[Hit]:
    """A ride among many hats is a hat: hands keep time on one of the two for a passage."""
    rides = np.sort([h.time for h in hits if h.drum is Drum.RIDE])
    hats = np.sort([h.time for h in hits if h.drum in _HATS])

    settled: list[Hit] = []
    for hit in hits:
        is_ride = hit.drum is Drum.RIDE
        if is_ride and _near(rides, hit.time, RIDE_SPAN) <= RIDE_SHARE * _near(hats, hit.time, RIDE_SPAN):
            if _near(hats, hit.time, RIVAL_GAP):
                continue
            hit = replace(hit, drum=Drum.HIHAT_CLOSED)
        settled.append(hit)
    return settled


def _settle_sticks(hits: list[Hit]) -> list[Hit]:
    times = {drum: np.sort([h.time for h in hits if h.drum is drum]) for drum in (Drum.SNARE, Drum.CROSS_STICK)}

    def near(drum: Drum, time: float) -> int:
        return _near(times[drum], time, STICK_SPAN)

    def settle(hit: Hit) -> Hit:
        is_lone = hit.drum is Drum.CROSS_STICK and near(Drum.SNARE, hit.time) > near(Drum.CROSS_STICK, hit.time)
        return replace(hit, drum=Drum.SNARE) if is_lone else hit

    return [settle(hit) for hit in hits]


def _leave_out_percussion(hits: list[Hit], activations: Activations, picking: Mapping[str, Any]) -> list[Hit]:
    """Drop the hats of passages in which a shaker or tambourine is nearly as likely as they are.

    Stroke by stroke the two are hard to tell apart; whoever plays one, though, plays it for a passage. Hats that only more
    sensitivity finds have no voice in what the passage is, and a passage without any other speaks for itself stroke by stroke.
    """
    hats = [hit for hit in hits if hit.drum in _HATS]
    if Drum.OTHER not in activations.drums or not hats:
        return hits
    lowest = min(t for t, drum in zip(picking["thresholds"], activations.drums, strict=True) if drum in _HATS)
    times = np.array([hit.time for hit in hats])
    frames = np.rint((times - float(picking.get("time_offset", 0.0))) * activations.frame_rate).astype(int)
    odds = _log_odds(_highest(activations, _HATS, frames))
    margins = odds - _log_odds(_highest(activations, (Drum.OTHER,), frames))
    voices = (odds >= _log_odds(np.array([lowest]))).astype(np.float64)
    sums, counts = (np.concatenate([[0.0], np.cumsum(x)]) for x in (voices * margins, voices))
    first, last = np.searchsorted(times, times - HAT_SPAN), np.searchsorted(times, times + HAT_SPAN, side="right")
    heard = counts[last] - counts[first]
    means = np.where(heard > 0, (sums[last] - sums[first]) / np.maximum(heard, 1), margins)
    doubtful = {hit for hit, mean in zip(hats, means.tolist(), strict=True) if mean < np.log(HAT_ODDS)}
    return [hit for hit in hits if hit not in doubtful]


def _highest(activations: Activations, drums: tuple[Drum, ...], frames: NDArray[np.int_]) -> NDArray[np.float64]:
    """The highest probability of some drums within two frames of each of `frames`."""
    columns = [k for k, drum in enumerate(activations.drums) if drum in drums]
    rows = (frames[:, None] + np.arange(-2, 3)).clip(0, len(activations.values) - 1)
    return activations.values[rows][:, :, columns].max(axis=(1, 2)).astype(np.float64)


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    return logit(probability.clip(1e-5, 1 - 1e-5))
