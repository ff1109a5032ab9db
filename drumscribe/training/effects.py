"""What rooms, consoles and masters do to sound. Pure functions of arrays and a seeded generator.

Randomising these is worth more than any other choice in the recipe: a network trained without them is lost on records.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import lfilter

from drumscribe.features import SAMPLE_RATE, mel_centres
from drumscribe.types import FloatArray

_EQ_POINTS = np.log2(np.array([30, 80, 200, 500, 1200, 3000, 7000, 14000]))


def normalise(samples: FloatArray, level: float = 0.1) -> FloatArray:
    """Scale to an RMS."""
    return samples * np.float32(level / (float(np.sqrt(np.dot(samples, samples) / len(samples))) + 1e-7))


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The frequencies of a long transform, with what every equaliser needs of them worked out once."""

    hertz: FloatArray  #: (bins,), 0 Hz counted as 1
    point: NDArray[np.int32]  #: (bins,) equaliser point below each bin
    segments: tuple[int, ...]  #: the first bin of each stretch between two equaliser points, and the number of bins
    share: FloatArray  #: (bins,) how far each bin lies towards the next point, 0-1


def bins(count: int) -> Bins:
    """The bins of a real transform of `count` samples."""
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 1)
    octaves = np.log2(hertz)
    point = np.clip(np.searchsorted(_EQ_POINTS, octaves, side="right") - 1, 0, len(_EQ_POINTS) - 2)
    share = np.clip((octaves - _EQ_POINTS[point]) / np.diff(_EQ_POINTS)[point], 0, 1)
    segments = np.searchsorted(point, np.arange(len(_EQ_POINTS)))
    return Bins(hertz.astype(np.float32), point.astype(np.int32), tuple(segments.tolist()), share.astype(np.float32))


def forward(samples: FloatArray, count: int) -> NDArray[np.complex64]:
    """Real transform of `samples`, padded or cut to `count`."""
    return cast("NDArray[np.complex64]", fft.rfft(samples, count))


def inverse(spectrum: NDArray[np.complexfloating[Any, Any]], count: int, length: int) -> FloatArray:
    """The first `length` samples of the signal behind `spectrum`."""
    return cast("NDArray[np.float32]", fft.irfft(spectrum, count))[:length].astype(np.float32)


def transform_size(length: int) -> int:
    """A fast size for a real transform of `length` samples."""
    return cast(int, fft.next_fast_len(length, real=True))


def equaliser(at: Bins, rng: np.random.Generator, sigma_db: float, low_cut: float = 0.0, high_cut: float = 0.0) -> FloatArray:
    """Random smooth gain over frequency, zero dB on average, with optional third- and higher-order cuts (Hz, 0 = none)."""
    points = rng.normal(0, sigma_db, len(_EQ_POINTS))
    log_gain = ((points - points.mean()) * np.log(10) / 20).astype(np.float32)
    gain = np.empty(len(at.share), np.float32)
    for left, right, (start, end) in zip(log_gain[:-1], log_gain[1:], itertools.pairwise(at.segments), strict=True):
        np.multiply(at.share[start:end], right - left, out=gain[start:end])
        gain[start:end] += left
    np.exp(gain, out=gain)
    if low_cut:
        cut = np.square(np.float32(low_cut) / at.hertz)
        cut *= np.square(cut)
        gain /= np.sqrt(cut + 1)
    if high_cut:
        cut = at.hertz * np.float32(1 / high_cut)
        for _ in range(int(np.log2(rng.choice([8, 16])))):
            np.square(cut, out=cut)
        gain /= np.sqrt(cut + 1)
    return gain


def room(rng: np.random.Generator) -> FloatArray:
    """Impulse response of a room: exponential noise of RT60 0.11-1.4 s, a few early reflections, gated one time in four."""
    rt60 = 10 ** rng.uniform(-0.95, 0.15)
    count = int(min(1.6, rt60 * 1.2) * SAMPLE_RATE)
    time = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    response = rng.standard_normal(count, dtype=np.float32) * np.exp(-6.9 * time / rt60)
    response = np.concatenate([np.zeros(int(rng.uniform(0.001, 0.02) * SAMPLE_RATE), np.float32), response])
    for _ in range(6):
        response[int(rng.uniform(0, 0.04) * SAMPLE_RATE)] += rng.uniform(-3, 3)
    if rng.random() < 0.25:
        response = response[: int(rng.uniform(0.08, 0.3) * SAMPLE_RATE)]
    return (response / np.sqrt(np.sum(response**2))).astype(np.float32)


def dull(samples: FloatArray, keep: float) -> FloatArray:
    """One-pole low-pass; `keep` 1 leaves the sound alone."""
    return np.asarray(lfilter([keep], [1, keep - 1], samples), np.float32)


def dull_power(keep: float) -> FloatArray:
    """What `dull` leaves of the power in each mel band, (BANDS,)."""
    turn = np.exp(-2j * np.pi * mel_centres() / SAMPLE_RATE)
    return (np.abs(keep / (1 + (keep - 1) * turn)) ** 2).astype(np.float32)


def compress(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Feed-forward compressor with random threshold, ratio 1.5-8 and ballistics; sometimes blended with the dry sound."""
    block = 64
    count = len(samples) // block
    power = np.mean(samples[: count * block].reshape(count, block) ** 2, axis=1)
    attack = np.exp(-block / (SAMPLE_RATE * 10 ** rng.uniform(-2.8, -1.6)))
    release = np.exp(-block / (SAMPLE_RATE * 10 ** rng.uniform(-1.4, -0.5)))
    envelope = lfilter([1 - attack], [1, -attack], power)
    envelope = np.maximum(envelope, lfilter([1 - release], [1, -release], envelope))
    level = 10 * np.log10(envelope + 1e-9)
    threshold = np.percentile(level, rng.uniform(30, 80))
    reduction = -np.maximum(0, level - threshold) * (1 - 1 / rng.uniform(1.5, 8))
    squeezed = samples * _between(10 ** (reduction / 20), block, len(samples))
    return squeezed if rng.random() < 0.7 else 0.5 * samples + 0.8 * squeezed


def _between(levels: NDArray[np.float64], block: int, length: int) -> FloatArray:
    """(length,) by linear interpolation of the levels in the middle of each block, held before the first and after the last."""
    held = np.concatenate([levels[:1], levels, levels[-1:]]).astype(np.float32)
    ramp = np.arange(block, dtype=np.float32) / np.float32(block)
    ramped = (held[:-1, None] + ramp * np.diff(held)[:, None]).ravel()[block // 2 :]
    return np.concatenate([ramped, np.full(max(0, length - len(ramped)), held[-1])])[:length]


def saturate(samples: FloatArray, drive: float) -> FloatArray:
    """Soft clipping of sound at RMS 0.1; `drive` 1 is gentle, 8 is fuzz."""
    return np.tanh(samples * np.float32(drive))


def rattle(buses: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
    """Snare wires that buzz along with kick and toms: noise under their envelope, 8 to 30 dB below them."""
    struck = [bus for group, bus in buses.items() if group in ("kick", "tom")]
    if not struck:
        return np.zeros(1, np.float32)
    source = np.add.reduce(struck)
    block = 64
    levels = np.sqrt(np.mean(source[: len(source) // block * block].reshape(-1, block) ** 2, axis=1))
    decay = float(np.exp(-block / (SAMPLE_RATE * rng.uniform(0.02, 0.12))))
    envelope = np.repeat(np.asarray(lfilter([1 - decay], [1, -decay], levels), np.float32), block)
    noise = rng.standard_normal(len(envelope), dtype=np.float32)
    buzz = np.asarray(lfilter([1.0, -rng.uniform(0.5, 0.95)], [1.0], noise), np.float32) * envelope
    result = np.zeros(len(source), np.float32)
    result[: len(buzz)] = buzz * np.float32(10 ** (rng.uniform(-30, -8) / 20))
    return result


def jingles(kind: int, turn: int, *, metal: bool) -> tuple[int, FloatArray]:
    """A stroke of a shaker, or with `metal` of a tambourine, made of noise and partials: onset in samples, and its sound.

    Few of them were recorded, and a network that knows every one by heart takes all others for hats. `kind` draws the
    instrument, `turn` the stroke.
    """
    rng = np.random.default_rng([kind, int(metal)])
    centre, octaves = rng.uniform(4000, 11000), rng.uniform(0.25, 1.0)
    attack, decay = 10 ** rng.uniform(-2.6, -1.4), 10 ** rng.uniform(-1.7, -0.8)
    partials = rng.uniform(4000, 14000, int(rng.integers(8, 21)))
    tails, levels = 10 ** rng.uniform(-1.6, -0.6, len(partials)), 10 ** rng.normal(0, 0.3, len(partials))
    strikes = int(rng.integers(1, 5)) if metal else 1
    rng = np.random.default_rng([kind, int(metal), turn])
    count = int(0.5 * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 1)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * np.exp(-((np.log2(hertz / centre) / octaves) ** 2)), count)
    sound = noise / (np.abs(noise).max() + 1e-9) * np.minimum(time / attack, 1) * np.exp(-np.maximum(time - attack, 0) / decay)
    if metal:
        phases = rng.uniform(0, 2 * np.pi, len(partials))
        rings = levels * rng.uniform(0.6, 1.4, len(partials))
        ringing = (rings * np.exp(-time[:, None] / tails) * np.sin(2 * np.pi * partials * time[:, None] + phases)).sum(axis=1)
        sound = 0.5 * sound + ringing / (np.abs(ringing).max() + 1e-9)
        once = sound.copy()
        for _ in range(strikes - 1):
            late = int(rng.uniform(0.005, 0.06) * SAMPLE_RATE)
            sound[late:] += rng.uniform(0.3, 0.9) * once[: count - late]
    head = sound[: int(0.08 * SAMPLE_RATE)]
    onset = 0 if metal else int(0.4 * min(attack, 0.03) * SAMPLE_RATE)
    return onset, (sound * 0.1 / np.sqrt(np.mean(head**2))).astype(np.float32)


def click(rng: np.random.Generator) -> FloatArray:
    """A beater's or a trigger's click: filtered noise or one impulse, gone in 1 to 6 ms, of the energy of 80 ms at RMS 0.1."""
    count = int(0.012 * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    source = rng.standard_normal(count) * np.exp(-time / rng.uniform(0.0003, 0.002))
    if rng.random() < 0.4:
        source = (time == 0).astype(float)
    hertz = np.maximum(np.fft.rfftfreq(2 * count, 1 / SAMPLE_RATE), 1)
    centre, octaves = rng.uniform(2000, 8000), rng.uniform(0.25, 1.0)
    sound = np.fft.irfft(np.fft.rfft(source, 2 * count) * np.exp(-((np.log2(hertz / centre) / octaves) ** 2)))[:count]
    sound *= np.exp(-time / rng.uniform(0.001, 0.004))
    return (sound * np.sqrt(0.1**2 * 0.08 * SAMPLE_RATE / np.sum(sound**2))).astype(np.float32)


def amplifier(at: Bins, rng: np.random.Generator) -> FloatArray:
    """Magnitude response of a guitar loudspeaker: 90 Hz to about 4.5 kHz with a presence peak near 2.6 kHz."""
    low, high, presence = rng.uniform(70, 120), rng.uniform(3800, 6000), rng.uniform(2000, 3200)
    shape = 1 / np.sqrt((1 + (np.float32(low) / at.hertz) ** 4) * (1 + (at.hertz / np.float32(high)) ** 8))
    peak = np.exp(-((np.log2(at.hertz / np.float32(presence)) / 0.5) ** 2))
    return (shape * (1 + rng.uniform(0.3, 1.5) * peak)).astype(np.float32)


def resample_by(samples: FloatArray, ratio: float) -> FloatArray:
    """Play `ratio` times as fast (pitch and length change) with linear interpolation, which is dull enough for samples."""
    if abs(ratio - 1) < 1e-3:
        return samples
    positions = np.arange(0, len(samples) - 1, ratio)
    below = positions.astype(np.intp)
    left, share = samples[below], np.asarray(positions - below, np.float32)
    return np.asarray(left + share * (samples[below + 1] - left), np.float32)


def add_at(target: FloatArray, samples: FloatArray, start: int) -> None:
    """Add `samples` into `target` from index `start`, cut at both ends."""
    if start < 0:
        samples, start = samples[-start:], 0
    end = min(len(target), start + len(samples))
    if end > start:
        target[start:end] += samples[: end - start]
