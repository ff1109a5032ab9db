"""Examples for the separator, mixed from a bank of stems anew each time.

A thread of the host cuts excerpts out of the bank (`Cutter`); all that is done to sound is done on the device that trains, to
a whole batch at once (`Mixer`). What is drawn depends on a seed alone: the mixer's random numbers are drawn with the excerpts.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumscribe.features import SAMPLE_RATE
from drumscribe.training import effects
from drumscribe.training.batch_effects import (
    Dice,
    block_power,
    compression,
    gain_to,
    normalise,
    resample,
    saturation,
    smooth,
    stretch,
)
from drumscribe.training.stems import BACKING, DRUMS, LEVEL, Bank

#: What an example is mixed from: drums, the backing that belongs to them, any backing, one to play low, a voice.
SLOTS = ("drums", "paired", "other", "low", "clip")
SEMITONES = 3.0  #: by which an excerpt is played faster at most
NUMBERS = 160  #: random numbers of an example that the mixer may use


class Cutter:
    """Cuts what examples of `length` samples are mixed from out of a bank."""

    def __init__(self, bank: Bank, length: int) -> None:
        self.bank, self.length = bank, length
        self._room = math.ceil(length * 2 ** (SEMITONES / 12)) + 4

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Excerpts (batch, `SLOTS`, samples) int16, how many times as fast each is played, and (batch, `NUMBERS`) in [0, 1).

        One example in twelve has no drums, one in twenty nothing else. A slot that is not used is silent.
        """
        excerpts = np.zeros((batch, len(SLOTS), self._room), np.int16)
        ratios = np.ones((batch, len(SLOTS)))
        for excerpt, ratio in zip(excerpts, ratios, strict=True):
            self._fill(excerpt, ratio, rng)
        numbers = rng.random((batch, NUMBERS), np.float32)
        return torch.from_numpy(excerpts), torch.from_numpy(ratios), torch.from_numpy(numbers)

    def _fill(self, excerpt: NDArray[np.int16], ratio: NDArray[np.float64], rng: np.random.Generator) -> None:
        bank, kind = self.bank, rng.random()
        item, place = int(rng.choice(bank.having[DRUMS])), float(rng.random())
        used = {"drums": kind >= 0.08}
        if not 0.08 <= kind < 0.13:
            used["paired"] = rng.random() < 0.55 and item in bank.having[BACKING]
            used["other"] = not used["paired"] or rng.random() < 0.4
            used["low"] = rng.random() < 0.3
            used["clip"] = rng.random() < 0.35
        for slot, name in enumerate(SLOTS):
            if not used.get(name):
                continue
            if name == "paired":
                source, at = bank.stem(item, BACKING), place
            elif name == "drums":
                source, at = bank.stem(item, DRUMS), place
                ratio[slot] = _speed(rng, -SEMITONES, 2.0)
            elif name == "clip":
                source, at = bank.clips, float(rng.random())
                ratio[slot] = _speed(rng, -SEMITONES, SEMITONES)
            else:
                source, at = self._any_backing(rng), float(rng.random())
                ratio[slot] = _speed(rng, *((-12.0, 0.0) if name == "low" else (-SEMITONES, SEMITONES)))
            wanted = math.ceil(self.length * ratio[slot]) + 4
            start = int(at * max(0, len(source) - wanted))
            cut = source[start : start + wanted]
            excerpt[slot, : len(cut)] = cut

    def _any_backing(self, rng: np.random.Generator) -> NDArray[np.int16]:
        """Of an item, or a song where there are songs."""
        items = self.bank.having[BACKING]
        if not self.bank.songs or (len(items) and rng.random() < 0.5):
            return self.bank.stem(int(rng.choice(items)), BACKING)
        return self.bank.songs[int(rng.integers(len(self.bank.songs)))]


def _speed(rng: np.random.Generator, low: float, high: float) -> float:
    """Half of the excerpts are transposed by `low` to `high` semitones, with their speed."""
    return float(2 ** (rng.uniform(low, high) / 12)) if rng.random() < 0.5 else 1.0


class Mixer:
    """Mixes examples of `length` samples, a multiple of 64, on a device.

    Every effect is computed for the whole batch and kept where the dice say so: no example is waited for, and a silent
    stem stays silent.
    """

    def __init__(self, length: int, device: str = "cpu") -> None:
        self.length = length
        self._count = effects.transform_size(length + SAMPLE_RATE // 2)
        at = effects.bins(self._count)
        self._hertz = torch.from_numpy(at.hertz).to(device)
        self._points = int(at.point.max()) + 2
        self._point = torch.from_numpy(at.point).to(device, torch.int64)
        self._share = torch.from_numpy(at.share).to(device)
        self._time = torch.arange(length, device=device) / SAMPLE_RATE

    @torch.no_grad()
    def mix(self, excerpts: Tensor, ratios: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The mix and the drums as they sound in it, (batch, length) each; the mix is at about RMS 0.1.

        Parameters are what `Cutter.draw` gives. What the master does to the mix, it does to the drums: they are scaled by the
        gain that the whole received at each instant, so that drums and the rest add up to the mix.
        """
        dice = Dice(numbers)
        signs = torch.where(dice.uniform(0, 1, len(SLOTS)) < 0.5, -1.0, 1.0)
        drums, paired, other, low, clip = (resample(excerpts, ratios, self.length) * signs[..., None]).unbind(1)
        drums = self._drums(drums, dice)
        ratio = 10 ** ((dice.normal(4.5) - 2.5) / 20)  # drums against the rest, as records have them
        return self._master(drums, self._backing(paired, other, low, clip, dice) / ratio, dice)

    def _drums(self, samples: Tensor, dice: Dice) -> Tensor:
        samples = torch.where(dice.chance(0.25), self._deepen(samples, dice), samples)
        samples = torch.where(dice.chance(0.3), self._ring(samples, dice), samples)
        return self._equalise(samples, dice, 3.0, boom=0.3, edges=(45, 110))

    def _deepen(self, samples: Tensor, dice: Dice) -> Tensor:
        """Let a low tone sound with every kick, as engineers and large shells do: few recorded kicks reach below 60 Hz."""
        low = self._filter(samples, 1 / (1 + (self._hertz / 110) ** 6))
        level = torch.sqrt(smooth(block_power(low), dice.power(-1.6, -0.7)))
        tone = torch.sin(2 * math.pi * dice.uniform(36, 65) * self._time) * stretch(level)
        return samples + tone * dice.decibels(0, 12)

    def _ring(self, samples: Tensor, dice: Dice) -> Tensor:
        """Let one to three tones ring after every stroke, as snares, timbales and rims do; music is not all that has pitch."""
        pitches, decays = dice.power(1.9, 3.25, 3), dice.power(-1.6, -0.6, 3)  # Hz, s
        wanted = torch.cat([torch.ones_like(pitches[:, :1]), (dice.uniform(0, 1, 2) < 0.5).float()], 1)
        response = torch.zeros((len(samples), len(self._hertz)), dtype=torch.complex64, device=samples.device)
        for pitch, decay, weight in zip(*(part.split(1, 1) for part in (pitches, decays, wanted)), strict=True):
            quality = math.pi * pitch * decay  # of a resonator that falls to 1/e in `decay`
            response += weight / torch.complex(
                torch.ones_like(response.real), quality * (self._hertz / pitch - pitch / self._hertz)
            )
        ring = normalise(self._filter(samples, response), LEVEL) * dice.decibels(-14, 2)
        return normalise(samples + ring, LEVEL)

    def _backing(self, paired: Tensor, other: Tensor, low: Tensor, clip: Tensor, dice: Dice) -> Tensor:
        """All but the drums, at one level; sometimes driven, sometimes with a bass of its own, with a voice."""
        other = normalise(other, LEVEL)
        other = torch.where(dice.chance(0.35), self._wall(other, dice), other)
        music = paired + other * dice.decibels(-8, 4)
        music = torch.where(dice.chance(0.2), self._wall(music, dice), music)
        music = music + self._bass(low, dice) * dice.decibels(-8, 4)
        music = self._equalise(music, dice, 4.0, boom=0.25, low_cut=0.45)
        music = music + self._equalise(clip, dice, 2.0) * dice.decibels(-8, 6)
        return normalise(music, LEVEL)

    def _picks(self, dice: Dice) -> Tensor:
        """How loud a string is that is struck again and again and damped, (batch, length): in time, with accents."""
        period, attack = dice.uniform(0.08, 0.4), dice.power(-3, -2.2)  # s
        decay, floor = period * dice.uniform(0.15, 1), dice.uniform(0, 0.2)
        turns = self._time / period + dice.uniform(0, 1)
        since = (turns % 1) * period
        accents = dice.uniform(0.2, 1.4, 8).clamp(max=1.0)
        accent = torch.gather(accents, 1, turns.to(torch.int64) % 8)
        return accent * (floor + (1 - floor) * (since / attack).clamp(max=1.0) * torch.exp(-since / decay))

    def _wall(self, samples: Tensor, dice: Dice) -> Tensor:
        """Drive a backing through an amplifier until it is dense, as distorted guitars are; sometimes picked and damped."""
        samples = torch.where(dice.chance(0.35), samples * self._picks(dice), samples)
        driven = torch.tanh(normalise(samples, 0.1) * dice.power(0.3, 1.6))
        low, high, presence = dice.uniform(70, 120), dice.uniform(3800, 6500), dice.uniform(2000, 3200)
        shape = torch.rsqrt((1 + (low / self._hertz) ** 4) * (1 + (self._hertz / high) ** 8))
        shape = shape * (1 + dice.uniform(0.3, 1.5) * torch.exp(-((torch.log2(self._hertz / presence) / 0.5) ** 2)))
        return normalise(self._filter(driven, shape), LEVEL)

    def _bass(self, samples: Tensor, dice: Dice) -> Tensor:
        """Make a bass of any music, played down to an octave lower: its low end alone, driven a little, sometimes plucked."""
        edge = dice.uniform(90, 350)
        samples = self._filter(normalise(samples, 0.1), 1 / (1 + (self._hertz / edge) ** 6))
        samples = torch.where(dice.chance(0.5), samples * self._picks(dice), samples)
        driven = torch.tanh(normalise(samples, 0.1) * dice.power(-0.3, 0.8))
        return normalise(self._filter(driven, torch.rsqrt(1 + (self._hertz / (3 * edge)) ** 4)), LEVEL)

    def _equalise(
        self,
        samples: Tensor,
        dice: Dice,
        sigma_db: float,
        *,
        boom: float = 0.0,
        edges: tuple[float, float] = (90, 250),
        low_cut: float = 0.2,
    ) -> Tensor:
        """Colour a stem; with the chance `boom` lift all below an edge (Hz), else with `low_cut` cut its low end.

        Basses and kicks share it, and either may be the one that is heard there.
        """
        points = dice.normal(sigma_db * math.log(10) / 20, self._points)
        points = points - points.mean(1, keepdim=True)
        shape = torch.exp(points[:, self._point] * (1 - self._share) + points[:, self._point + 1] * self._share)
        is_booming, is_cut = dice.chance(boom), dice.chance(low_cut)
        lift, edge = dice.decibels(2, 11), dice.uniform(*edges)
        shape = torch.where(is_booming, shape * (1 + (lift - 1) / (1 + (self._hertz / edge) ** 4)), shape)
        cut = torch.rsqrt(1 + (dice.uniform(20, 110) / self._hertz) ** 6)
        shape = torch.where(is_cut & ~is_booming, shape * cut, shape)
        return torch.where(dice.chance(0.25), samples, self._filter(samples, shape))

    def _master(self, drums: Tensor, backing: Tensor, dice: Dice) -> tuple[Tensor, Tensor]:
        both, batch = torch.cat([drums, backing]), len(drums)
        order = torch.where(dice.chance(0.5), 8.0, 16.0)
        codec = torch.rsqrt(1 + (self._hertz / dice.uniform(9000, 16000)) ** order)  # a poor one is dull
        both = torch.where(dice.chance(0.2).repeat(2, 1), self._filter(both, codec.repeat(2, 1)), both)
        drums, mix = both[:batch], both[:batch] + both[batch:]
        scale = gain_to(mix, 0.1)
        mix, drums = mix * scale, drums * scale
        pressed = torch.where(dice.chance(0.35), compression(mix, dice), 1.0)
        mix, drums = mix * pressed, drums * pressed
        clipped = torch.where(dice.chance(0.5), saturation(mix, dice.power(-0.2, 0.8)), 1.0)
        mix, drums = mix * clipped, drums * clipped
        level = gain_to(mix, 0.1) * 10 ** (dice.normal(2.5) / 20)
        return mix * level, drums * level

    def _filter(self, samples: Tensor, response: Tensor) -> Tensor:
        """Samples whose spectrum is multiplied by a response, (bins,) or (batch, bins)."""
        return torch.fft.irfft(torch.fft.rfft(samples, self._count) * response, self._count)[:, : self.length]
