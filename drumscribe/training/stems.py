"""A bank of stems, drums and backing apart, from which `remix` mixes examples for the separator.

`NAME.npy` holds (items, 2, LENGTH) int16: the drums and the backing of a rendered mix, each at RMS `LEVEL`, zeros where
an item has none. `clips.npy` holds the recorded drum-free clips of the material (speech, vocal phrases, loops) end to
end: voices leak first, so they are laid over the backing more often than the mixes themselves hold them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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

    parts: tuple[NDArray[np.int16], ...]  #: one memory map per part, (items, 2, LENGTH)
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
    nothing = np.zeros(0, np.int64)
    bank = reopen_bank(Bank((), np.load(folder / CLIPS, mmap_mode="r"), (nothing, nothing)), folder, pattern, songs)
    if not bank.parts:
        raise FileNotFoundError(f"no stems named {pattern} in {folder}")
    return bank


def reopen_bank(bank: Bank, folder: Path, pattern: str = "train-*", songs: Path | None = None) -> Bank:
    """The bank with all parts and songs that are in their folders by now; parts that were opened before are not read again."""
    opened = [_open_part(path) for path in sorted(folder.glob(f"{pattern}.npy"))]
    parts = tuple(part for part, _ in opened)
    probes = np.concatenate([np.zeros((0, 2), bool), *(probe for _, probe in opened)])  # (items, 2)
    having = (np.flatnonzero(probes[:, DRUMS]), np.flatnonzero(probes[:, BACKING]))
    backing = tuple(song.samples for song in load_songs(songs)) if songs is not None else ()
    return replace(bank, parts=parts, having=having, songs=backing)


@cache
def _open_part(path: Path) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """A part, which never changes once it is whole, and which stems of its items are not silent, (items, 2)."""
    part = np.load(path, mmap_mode="r")
    return part, part[:, :, ::4410].any(axis=2)
