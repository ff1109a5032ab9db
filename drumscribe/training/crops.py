"""Training examples for the drum network: crops of the pool, mixed anew, labelled, and made unlike one another.

A hit that cannot be heard is neither demanded nor punished: a network that is asked for inaudible strokes learns to
invent plausible ones, and over-detects on records (`docs/model/drums.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from drumscribe.detection.picking import LOUDNESS_RANGE_DB
from drumscribe.features import BANDS, FLOOR, FRAME_RATE
from drumscribe.training.material import OUTPUTS
from drumscribe.training.pool import FRAMES, Pool
from drumscribe.types import Drum, FloatArray

SHARPNESS = 0.6  #: target at a distance of d frames from an onset is exp(-0.6 d²), so the instant lies between frames …
REACH = 1.6  #: … up to this many frames away
PROFILE_STRIDE = 10  #: every tenth frame of an item tells the mean spectrum of its "song"
AUDIBLE = -2.0  #: a stroke counts where its own power is at least exp(-2), 14 %, of what sounds there …
AUDIBLE_BANDS = 4  #: … in this many bands
FALSE_HAT = 3.0  #: what a hat invented on a side stick or small percussion costs, against any other invention
_HATS = [OUTPUTS.index(drum) for drum in (Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN)]
_NO_HATS = [OUTPUTS.index(drum) for drum in (Drum.CROSS_STICK, Drum.OTHER)]


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One training example; arrays are (frames, …)."""

    spectrum: FloatArray  #: (frames, 2 * BANDS), as `features.with_profile` gives it
    onsets: FloatArray  #: (frames, outputs) 0 to 1
    weights: FloatArray  #: (frames, outputs) 0 where a stroke cannot be heard, else 1
    loudness: FloatArray  #: (frames, outputs) in [0, 1], NaN away from onsets
    mask: FloatArray  #: (frames, BANDS) share of the power that is drums, 0-1


def draw_crop(pool: Pool, frames: int, rng: np.random.Generator, *, augmented: bool = True) -> Crop:
    """Cut `frames` frames at a random place of a random item."""
    item = int(rng.integers(len(pool)))
    start = int(rng.integers(0, FRAMES - frames + 1))
    mix, drums, backing = _excerpt(pool.mel(item), start, frames)
    spectrum, shift = mix, gain_of(mix[:frames], drums[:frames])
    if augmented and rng.random() < 0.45:
        if rng.random() < 0.4:  # another song's backing
            other = pool.mel(int(rng.integers(len(pool))))
            backing = _excerpt(other, int(rng.integers(0, FRAMES - frames + 1)), frames)[2]
        shift = float(np.clip(rng.normal(0, 5.5), -10, 14)) * np.log(10) / 20
        spectrum = np.log(np.exp(drums + 2 * shift) + np.exp(backing) + FLOOR)
        shift *= 2
        level = np.log(np.mean(np.exp(spectrum)) + FLOOR) - np.log(np.mean(np.exp(mix)) + FLOOR)
        spectrum, shift = spectrum - level, shift - level
    labels = _labels(pool, item, start, frames, spectrum[:frames], shift)
    mask = np.exp(np.minimum(0, drums[:frames] + shift - spectrum[:frames]))
    heard = augment(spectrum, rng) if augmented else spectrum
    profile = heard[frames:].mean(axis=0)
    return Crop(np.concatenate([heard[:frames], heard[:frames] - profile], axis=1), *labels, mask.astype(np.float32))


def _excerpt(mels: NDArray[np.float16], start: int, frames: int) -> FloatArray:
    """(3, frames + a tenth of all, BANDS): the crop, and behind it what the mean spectrum is taken from."""
    return np.concatenate([mels[:, start : start + frames], mels[:, ::PROFILE_STRIDE]], axis=1).astype(np.float32)


def gain_of(mix: FloatArray, drums: FloatArray) -> float:
    """Log power by which the finished mix holds the drums louder than `drums`: low where both sound, never below."""
    loud = drums > np.quantile(drums, 0.85)
    return float(np.quantile((mix - drums)[loud], 0.1)) if loud.any() else 0.0


def is_audible(pool: Pool, row: int, spectrum: FloatArray, frame: int, shift: float) -> bool:
    """Whether the stroke in `row` of the events can be heard at `frame` of a mix that holds the drums `shift` louder."""
    around = spectrum[max(0, frame - 1) : frame + 3].max(axis=0)
    share = np.sort(pool.spectra[row].astype(np.float32) + shift - around)[-AUDIBLE_BANDS]
    return bool(share >= AUDIBLE)


def _labels(
    pool: Pool, item: int, start: int, frames: int, spectrum: FloatArray, shift: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    shape = (frames, len(OUTPUTS))
    onsets, weights, loudness = np.zeros(shape, np.float32), np.ones(shape, np.float32), np.full(shape, np.nan, np.float32)
    first, last = np.searchsorted(pool.events[:, 0], [item, item + 1])
    for row in range(int(first), int(last)):
        _, time, output, _, decibels = pool.events[row]
        place, column = float(time) * FRAME_RATE - start, int(output)
        frame = round(place)
        if not 0 <= frame < frames:
            continue
        near = slice(max(0, frame - 2), frame + 3)
        if not is_audible(pool, row, spectrum, frame, shift):
            weights[near, column] = np.where(onsets[near, column] > 0, weights[near, column], 0)
            continue
        weights[near, column] = 1
        distance = np.abs(np.arange(*near.indices(frames)) - place)
        target = np.where(distance <= REACH, np.exp(-SHARPNESS * distance**2), 0)
        onsets[near, column] = np.maximum(onsets[near, column], target)
        loudness[frame, column] = np.clip(1 + decibels / LOUDNESS_RANGE_DB, 0.02, 1)
    lures = ndimage.maximum_filter1d(onsets[:, _NO_HATS].max(axis=1), 5, mode="constant") > 0
    hats = weights[:, _HATS]
    weights[:, _HATS] = np.where(lures[:, None] & (onsets[:, _HATS] == 0), hats * FALSE_HAT, hats)
    return onsets, weights, loudness


def augment(spectrum: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Change gain, colour, pitch, bandwidth and noise of a log-mel spectrum."""
    band = np.linspace(0, 1, BANDS, dtype=np.float32)
    curve = np.full(BANDS, rng.uniform(-1.8, 1.8)) + rng.normal(0, 0.7) * (band - 0.5) * 2
    for k in range(1, 5):
        curve += rng.normal(0, 0.45 / k**0.5) * np.cos(np.pi * (k * band + rng.uniform(0, 2)))
    result = spectrum + curve.astype(np.float32)
    step = int(rng.integers(-3, 4)) if rng.random() < 0.5 else 0
    if step:
        result = np.roll(result, step, axis=1)
        edge = slice(0, step) if step > 0 else slice(step, None)
        result[:, edge] = result[:, step : step + 1] if step > 0 else result[:, step - 1 : step]
    if rng.random() < 0.2:  # a low-pass, as of a poor codec
        cut = int(rng.integers(BANDS * 6 // 10, BANDS))
        result[:, cut:] -= np.minimum(12, 0.8 * np.arange(BANDS - cut, dtype=np.float32))
    for _ in range(int(rng.integers(0, 3))):
        low, width = int(rng.integers(0, BANDS)), int(rng.integers(1, 9))
        result[:, low : low + width] = result[:, low : low + width].mean()
    if rng.random() < 0.3:
        result = np.logaddexp(result, np.float32(rng.uniform(-8, -3)))
    if rng.random() < 0.3:
        result = result + rng.normal(0, rng.uniform(0.05, 0.3), result.shape).astype(np.float32)
    return np.maximum(result, np.log(FLOOR)).astype(np.float32)
