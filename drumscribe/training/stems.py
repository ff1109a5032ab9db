"""A bank of stems, drums and backing apart, and examples for the separator mixed from it anew each time.

`NAME.npy` holds (items, 2, LENGTH) int16: the drums and the backing of a rendered mix, each at RMS `LEVEL`, zeros where
an item has none. `clips.npy` holds the recorded drum-free clips of the material (speech, vocal phrases, loops) end to
end: voices leak first, so they are laid over the backing more often than the mixes themselves hold them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumscribe.features import SAMPLE_RATE
from drumscribe.training import effects
from drumscribe.training.drummer import LENGTH
from drumscribe.training.generator import Generator, Item
from drumscribe.training.songs import load_songs
from drumscribe.types import FloatArray

PART_ITEMS = 60  #: items of one part: what a killed run loses at most
LEVEL = 0.05  #: RMS of a stored stem: 26 dB of headroom, beyond which it is clipped
DRUMS, BACKING = 0, 1
CLIPS = "clips.npy"


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """The stems that were rendered."""

    parts: list[NDArray[np.int16]]  #: one memory map per part, (items, 2, LENGTH)
    clips: NDArray[np.int16]  #: (samples,)
    having: tuple[NDArray[np.int64], NDArray[np.int64]]  #: items that have drums, and those that have a backing
    songs: tuple[NDArray[np.int16], ...] = ()  #: whole songs without drums, more backing

    def stem(self, item: int, which: int) -> NDArray[np.int16]:
        """(LENGTH,) of one item; `which` is `DRUMS` or `BACKING`."""
        for part in self.parts:
            if item < len(part):
                return part[item, which]
            item -= len(part)
        raise IndexError(item)


def render_stems(generator: Generator, folder: Path, name: str, seeds: range) -> None:
    """Render `seeds` into `folder/name.npy`; a part that is whole already is left alone."""
    if (folder / f"{name}.npy").exists():
        return
    write_clips(folder, generator)
    _put_part(folder, name, len(seeds), (generator.item(seed) for seed in seeds))


def write_part(folder: Path, name: str, items: Sequence[Item]) -> None:
    """Keep the stems of `items` as `folder/name.npy`, written beside and renamed when whole: who looks sees no half part."""
    _put_part(folder, name, len(items), items)


def write_clips(folder: Path, generator: Generator) -> None:
    """Keep the clips of the generator's material as `folder/clips.npy`, unless they are there."""
    if not (folder / CLIPS).exists():
        clips = np.concatenate([_to_int16(clip) for clip in generator.clips])
        _put(folder / CLIPS, clips.shape, lambda stored: np.copyto(stored, clips))


def render_parts(generator: Generator, folder: Path, *, items: int, seed: int, say: Callable[[str], None]) -> None:
    """Render `items` items in parts; what is whole already is left alone."""
    for number, start in enumerate(range(0, items, PART_ITEMS)):
        end = min(items, start + PART_ITEMS)
        render_stems(generator, folder, f"train-{seed}-{number:03d}", range(seed * 1_000_000 + start, seed * 1_000_000 + end))
        say(f"{end} of {items} items")


def _put_part(folder: Path, name: str, count: int, items: Iterable[Item]) -> None:
    def fill(stored: NDArray[np.int16]) -> None:
        for index, item in enumerate(items):
            for which, stem in ((DRUMS, item.drums), (BACKING, item.backing)):
                if stem is not None:
                    stored[index, which] = _to_int16(stem)

    _put(folder / f"{name}.npy", (count, 2, LENGTH), fill)


def _put(target: Path, shape: tuple[int, ...], fill: Callable[[NDArray[np.int16]], None]) -> None:
    """Write an array beside its place and rename it when whole, so that a killed run starts it again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    stored = np.lib.format.open_memmap(temporary, "w+", np.int16, shape)
    fill(stored)
    stored.flush()
    temporary.replace(target)


def _to_int16(samples: FloatArray) -> NDArray[np.int16]:
    return np.round(np.clip(effects.normalise(samples, LEVEL), -1, 1) * 32767).astype(np.int16)


def open_bank(folder: Path, pattern: str = "train-*", songs: Path | None = None) -> Bank:
    """Open every part in `folder` whose name fits the glob `pattern`, and the songs of a cache (`training.songs`) beside them.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    parts = [np.load(path, mmap_mode="r") for path in sorted(folder.glob(f"{pattern}.npy"))]
    if not parts:
        raise FileNotFoundError(f"no stems named {pattern} in {folder}")
    probes = np.concatenate([part[:, :, ::4410].any(axis=2) for part in parts])  # (items, 2)
    clips = np.load(folder / CLIPS, mmap_mode="r")
    backing = tuple(song.samples for song in load_songs(songs)) if songs is not None else ()
    return Bank(parts, clips, (np.flatnonzero(probes[:, DRUMS]), np.flatnonzero(probes[:, BACKING])), backing)


class Remixer:
    """Mixes examples of a fixed length from a bank."""

    def __init__(self, bank: Bank, length: int) -> None:
        self.bank, self.length = bank, length
        self._count = effects.transform_size(length + SAMPLE_RATE // 2)
        self._bins = effects.bins(self._count)

    def draw(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """One example: the mix and the drums as they sound in it, (length,) each; the mix is at about RMS 0.1.

        One in twelve has no drums, one in twenty nothing else. What the master does to the mix, it does to the drums: they
        are scaled by the gain that the whole received at each instant, so that drums and the rest add up to the mix.
        """
        kind = rng.random()
        item = int(rng.choice(self.bank.having[DRUMS]))
        place = float(rng.random())
        drums = self._drums(item, place, rng)
        if kind < 0.08:
            drums = np.zeros(self.length, np.float32)
            backing = self._backing(item, place, rng)
        elif kind < 0.13:
            backing = np.zeros(self.length, np.float32)
        else:
            backing = self._backing(item, place, rng) * np.float32(10 ** (-rng.uniform(-12, 6) / 20))
        return self._master(drums, backing, rng)

    def _cut(self, samples: NDArray[np.int16], place: float, rng: np.random.Generator, semitones: float) -> FloatArray:
        """`length` samples from `place` (0-1) on, sometimes transposed with their speed, at the stored level."""
        ratio = 2 ** (float(rng.uniform(-semitones, semitones)) / 12) if semitones and rng.random() < 0.5 else 1.0
        wanted = int(self.length * ratio) + 4
        start = int(place * max(0, len(samples) - wanted))
        cut = np.zeros(self.length, np.float32)
        effects.add_at(
            cut, effects.resample_by(samples[start : start + wanted].astype(np.float32) * np.float32(1 / 32767), ratio), 0
        )
        return cut if rng.random() < 0.5 else -cut

    def _drums(self, item: int, place: float, rng: np.random.Generator) -> FloatArray:
        cut = self._cut(self.bank.stem(item, DRUMS), place, rng, 2.0)
        if rng.random() < 0.3:
            cut = self._ring(cut, rng)
        return self._equalise(cut, rng, 3.0, boom=0.25, edges=(45, 110))

    def _ring(self, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Let one to three tones ring after every stroke, as snares, timbales and rims do; music is not all that has pitch."""
        spectrum = effects.forward(samples, self._count)
        tones = np.zeros_like(spectrum)
        for _ in range(int(rng.integers(1, 4))):
            pitch, decay = np.float32(10 ** rng.uniform(2.25, 3.25)), np.float32(10 ** rng.uniform(-1.6, -0.6))  # Hz, s
            quality = np.float32(np.pi) * pitch * decay  # of a resonator that falls to 1/e in `decay`
            tones += spectrum / (1 + 1j * quality * (self._bins.hertz / pitch - pitch / self._bins.hertz))
        ring = effects.inverse(tones, self._count, self.length)
        share = np.float32(10 ** (rng.uniform(-14, 2) / 20))
        return effects.normalise((samples + effects.normalise(ring, LEVEL) * share).astype(np.float32), LEVEL)

    def _backing(self, item: int, place: float, rng: np.random.Generator) -> FloatArray:
        """The backing that was rendered with the drums of `item`, in time with them, or any; sometimes two, or with a voice."""
        paired = rng.random() < 0.55 and bool(self.bank.stem(item, BACKING)[::4410].any())
        result = np.zeros(self.length, np.float32)
        if paired:
            result += self._cut(self.bank.stem(item, BACKING), place, rng, 0.0)
        if not paired or rng.random() < 0.35:
            other = self._other(rng)
            if rng.random() < 0.25:
                other = self._wall(other, rng)
            result += other * np.float32(10 ** (rng.uniform(-8, 4) / 20))
        elif rng.random() < 0.2:
            result = self._wall(result, rng)
        result = self._equalise(result, rng, 4.0, boom=0.3, low_cut=0.35)
        if rng.random() < 0.4:
            clip = self._equalise(self._cut(self.bank.clips, float(rng.random()), rng, 4.0), rng, 2.0)
            result += clip * np.float32(10 ** (rng.uniform(-8, 6) / 20))
        return effects.normalise(result, LEVEL) if result.any() else result

    def _other(self, rng: np.random.Generator) -> FloatArray:
        """Any backing: of an item, or of a song where there are songs."""
        items = self.bank.having[BACKING]
        if not self.bank.songs or (len(items) and rng.random() < 0.4):
            source = self.bank.stem(int(rng.choice(items)), BACKING)
        else:
            source = self.bank.songs[int(rng.integers(len(self.bank.songs)))]
        cut = self._cut(source, float(rng.random()), rng, 3.0)
        return effects.normalise(cut, LEVEL) if cut.any() else cut

    def _wall(self, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Drive a backing through an amplifier until it is dense, as distorted guitars are."""
        driven = effects.saturate(effects.normalise(samples), 10 ** rng.uniform(0.3, 1.6))
        spectrum = effects.forward(driven, self._count) * effects.amplifier(self._bins, rng)
        return effects.normalise(effects.inverse(spectrum, self._count, self.length), LEVEL)

    def _equalise(
        self,
        samples: FloatArray,
        rng: np.random.Generator,
        sigma_db: float,
        *,
        boom: float = 0.0,
        edges: tuple[float, float] = (90, 250),
        low_cut: float = 0.2,
    ) -> FloatArray:
        """Colour a stem; with the chance `boom` lift all below an edge (Hz), else with `low_cut` cut its low end.

        Basses and kicks share it, and either may be the one that is heard there.
        """
        if rng.random() < 0.25:
            return samples
        is_booming = rng.random() < boom
        low = float(rng.uniform(20, 110)) if not is_booming and rng.random() < low_cut else 0.0
        shape = effects.equaliser(self._bins, rng, sigma_db, low_cut=low)
        if is_booming:
            lift, edge = 10 ** (rng.uniform(2, 11) / 20), rng.uniform(*edges)
            shape *= (1 + (lift - 1) / (1 + (self._bins.hertz / edge) ** 4)).astype(np.float32)
        return effects.inverse(effects.forward(samples, self._count) * shape, self._count, self.length)

    def _master(self, drums: FloatArray, backing: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        dull = float(rng.uniform(9000, 16000)) if rng.random() < 0.2 else 0.0
        if dull:  # a poor codec
            shape = effects.equaliser(self._bins, rng, 0.0, high_cut=dull)
            drums, backing = (
                effects.inverse(effects.forward(part, self._count) * shape, self._count, self.length) for part in (drums, backing)
            )
        mix = drums + backing
        rms = float(np.sqrt(np.mean(mix**2)))
        if rms < 1e-5:
            return mix, drums
        scale = np.float32(0.1 / rms)
        mix, drums = mix * scale, drums * scale
        if rng.random() < 0.35:
            mix, drums = _follow(mix, drums, effects.compress(mix, rng))
        if rng.random() < 0.5:
            mix, drums = _follow(mix, drums, effects.saturate(mix, 10 ** rng.uniform(-0.2, 0.8)))
        gain = np.float32(0.1 / (float(np.sqrt(np.mean(mix**2))) + 1e-7) * 10 ** (rng.normal(0, 2.5) / 20))
        return mix * gain, drums * gain


def _follow(before: FloatArray, drums: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mix after an effect without memory for phase, and the drums under the same gain at each sample."""
    quiet = np.abs(before) < 1e-6
    gain = np.where(quiet, np.float32(1), after / np.where(quiet, np.float32(1), before))
    return after, (drums * gain).astype(np.float32)
