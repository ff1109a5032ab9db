"""Effects on a batch of sounds at once, (batch, samples) on any device: what `effects` does to one sound on the host."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from drumscribe.features import SAMPLE_RATE

BLOCK = 64  #: samples over which a level is taken
_QUIET = 1e-3  #: RMS below which nothing is made louder: silence is not made into noise


class Dice:
    """The random numbers of a batch, (batch, count) in [0, 1), in the order in which they are asked for."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers, self._used = numbers, 0

    def uniform(self, low: float, high: float, count: int = 1) -> Tensor:
        """(batch, count) from `low` to `high`.

        Raises
        ------
        IndexError
            If there are no numbers left.
        """
        self._used += count
        if self._used > self._numbers.shape[1]:
            raise IndexError(f"{self._numbers.shape[1]} numbers are too few")
        return low + (high - low) * self._numbers[:, self._used - count : self._used]

    def power(self, low: float, high: float, count: int = 1) -> Tensor:
        """Ten to the power of a uniform number, (batch, count)."""
        return 10 ** self.uniform(low, high, count)

    def decibels(self, low: float, high: float) -> Tensor:
        """A gain, (batch, 1)."""
        return self.power(low / 20, high / 20)

    def normal(self, deviation: float, count: int = 1) -> Tensor:
        """(batch, count) around zero."""
        return deviation * math.sqrt(2) * torch.erfinv(self.uniform(-1 + 1e-6, 1 - 1e-6, count))

    def chance(self, share: float) -> Tensor:
        """(batch, 1) bool, true for `share` of the batch."""
        return self.uniform(0, 1) < share


def gain_to(samples: Tensor, level: float) -> Tensor:
    """The gain, (batch, 1), that brings each sound to an RMS; silence stays silent."""
    return level / torch.sqrt(samples.square().mean(1, keepdim=True)).clamp(min=_QUIET)


def normalise(samples: Tensor, level: float) -> Tensor:
    """Scale each sound to an RMS."""
    return samples * gain_to(samples, level)


def resample(samples: Tensor, ratios: Tensor, length: int) -> Tensor:
    """Play each sound of (..., samples) int16 `ratios` (...) times as fast, (..., length) in [-1, 1].

    Cubic interpolation (Catmull and Rom, 1974). What lies above half the rate is folded, not filtered: three semitones up, it
    comes from above 18.5 kHz. There must be `length` times the ratio, and four, samples.
    """
    places = torch.arange(length, device=samples.device, dtype=torch.float64) * ratios[..., None]
    index = places.to(torch.int64)
    t = (places - index).float()
    before, at, after, later = (
        torch.gather(samples, -1, index + offset if offset >= 0 else (index - 1).clamp(min=0)).float() / 32767
        for offset in (-1, 0, 1, 2)
    )
    slope, next_slope = (after - before) / 2, (later - at) / 2
    cubic = 2 * (at - after) + slope + next_slope
    return at + t * (slope + t * (3 * (after - at) - 2 * slope - next_slope + t * cubic))


def block_power(samples: Tensor) -> Tensor:
    """Mean square of each `BLOCK` samples, (batch, blocks)."""
    return samples.unflatten(1, (-1, BLOCK)).square().mean(2)


def smooth(levels: Tensor, seconds: Tensor) -> Tensor:
    """What a one-pole low-pass of a time constant, (batch, 1) in s, makes of (batch, blocks), silent before.

    The recursion is worked out as the convolution that it is, so that nothing waits for the block before.
    """
    blocks = levels.shape[1]
    step = BLOCK / SAMPLE_RATE / seconds
    kernel = torch.exp(-step * torch.arange(blocks, device=levels.device)) * (1 - torch.exp(-step))
    spectrum = torch.fft.rfft(levels, 2 * blocks) * torch.fft.rfft(kernel, 2 * blocks)
    return torch.fft.irfft(spectrum, 2 * blocks)[:, :blocks].clamp(min=0)


def stretch(levels: Tensor) -> Tensor:
    """A line through levels at the middles of blocks, (batch, blocks * `BLOCK`)."""
    return functional.interpolate(levels[:, None], scale_factor=float(BLOCK), mode="linear", align_corners=False)[:, 0]


def compression(samples: Tensor, dice: Dice) -> Tensor:
    """The gain at each sample of a compressor like `effects.compress`, on sound at RMS 0.1."""
    envelope = smooth(block_power(samples), dice.power(-2.8, -1.6))
    envelope = torch.maximum(envelope, smooth(envelope, dice.power(-1.4, -0.5)))
    level = 10 * torch.log10(envelope + 1e-9)
    rank = (dice.uniform(0.3, 0.8) * (level.shape[1] - 1)).to(torch.int64)
    threshold = torch.gather(level.sort(1).values, 1, rank)
    reduction = (level - threshold).clamp(min=0) * (1 - 1 / dice.uniform(1.5, 8))
    gain = stretch(10 ** (-reduction / 20))
    return torch.where(dice.chance(0.7), gain, 0.5 + 0.8 * gain)


def saturation(samples: Tensor, drive: Tensor) -> Tensor:
    """The gain at each sample of soft clipping, on sound at RMS 0.1; a `drive` (batch, 1) of 1 is gentle, 8 is fuzz."""
    safe = torch.where(samples.abs() < 1e-6, 1e-6, samples)
    return torch.tanh(safe * drive) / safe
