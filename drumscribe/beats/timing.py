"""From frames to seconds: beats drawn onto the hits, and a grid that covers the recording."""

from __future__ import annotations

import numpy as np

from drumscribe.beats.evidence import Floats, HitArrays
from drumscribe.beats.parameters import DecoderParameters


def smooth_beats(beats: Floats) -> Floats:
    """Take the frame grid out of beat times: a quadratic through five beats (Savitzky and Golay 1964)."""
    if len(beats) < 7:
        return beats
    inner = np.convolve(beats, np.array([-3, 12, 17, 12, -3]) / 35, mode="valid")
    return np.concatenate((beats[:2], inner, beats[-2:]))


def _offsets(beats: Floats, hits: HitArrays, reach: float) -> tuple[Floats, Floats]:
    """Beat index (fractional part 0) and offset in seconds of every hit that lies close to a beat."""
    nearest = np.clip(np.searchsorted(beats, hits.times), 1, len(beats) - 1)
    nearest -= hits.times - beats[nearest - 1] < beats[nearest] - hits.times
    offset = hits.times - beats[nearest]
    length = np.gradient(beats)[nearest]
    close = np.abs(offset) <= np.minimum(reach, 0.2 * length)
    return nearest[close].astype(np.float64), offset[close]


def retime_beats(beats: Floats, hits: HitArrays, *, parameters: DecoderParameters) -> Floats:
    """Move beats onto the hits that are played on them.

    First the median lag of all hits, then the median of the hits on the four beats around each beat; both are
    bounded, so that hits cannot carry a beat away, and medians, so that flams and wrong hits do not count.
    """
    if len(beats) < 3 or hits.count == 0:
        return beats
    _, offset = _offsets(beats, hits, parameters.retime_reach)
    if len(offset) < 4:
        return beats
    lag = float(np.clip(np.median(offset), -parameters.largest_lag, parameters.largest_lag))
    moved = smooth_beats(beats + lag)
    place, offset = _offsets(moved, hits, parameters.retime_reach)
    order = np.argsort(place, kind="stable")
    place, offset = place[order], offset[order]
    low = np.searchsorted(place, np.arange(len(beats)) - parameters.retime_beats, side="left")
    high = np.searchsorted(place, np.arange(len(beats)) + parameters.retime_beats, side="right")
    local = np.array([np.median(offset[a:b]) if b - a >= 3 else 0.0 for a, b in zip(low, high, strict=True)])
    return keep_rising(moved + np.clip(local, -parameters.largest_shift, parameters.largest_shift), beats)


def keep_rising(moved: Floats, beats: Floats) -> Floats:
    """Keep at least half of every interval."""
    if np.all(np.diff(moved) >= 0.5 * np.diff(beats)):
        return moved
    out = moved.copy()
    for i in range(1, len(out)):
        out[i] = max(out[i], out[i - 1] + 0.5 * (beats[i] - beats[i - 1]))
    return out


def cover(beats: Floats, duration: float) -> tuple[Floats, int]:
    """Continue a grid at its own tempo to both ends of the recording.

    Returns
    -------
    beats : array
        Beats in [0, duration], beats before and after dropped.
    added : int
        Beats gained (positive) or lost (negative) at the front, by which bar numbers must be shifted.
    """
    front, back = float(np.median(np.diff(beats[:9]))), float(np.median(np.diff(beats[-9:])))
    before = int(max(0.0, np.floor(beats[0] / front)))
    after = int(max(0.0, np.floor((duration - beats[-1]) / back)))
    whole = np.concatenate((beats[0] - front * np.arange(before, 0, -1), beats, beats[-1] + back * np.arange(1, after + 1)))
    inside = (whole >= 0) & (whole <= duration)
    return whole[inside], before - int(np.argmax(inside))
