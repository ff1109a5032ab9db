"""A pool of rendered mixes as log-mel spectra: what the training loops read.

`NAME.npy` holds (items, 3, frames, SPECTRUM) float16: the mix, the drums, the backing (floor where absent). `NAME.npz`
holds the events and beats of all items as flat arrays with an `item` column. Drums and backing apart let the loop mix
them anew at other levels in the power domain, which multiplies the pool for free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drumscribe.features import BANDS, FLOOR, FRAME_RATE, SPECTRUM, log_spectrum
from drumscribe.training.drummer import SECONDS
from drumscribe.training.generator import Generator, Item
from drumscribe.types import FloatArray

PART_ITEMS = 60  #: items of one part of a pool: what a killed run loses at most
FRAMES = int(SECONDS * FRAME_RATE)

_EVENT_FIELDS = ("item", "time", "output", "velocity", "loudness")


@dataclass(frozen=True, eq=False)
class Pool:
    """One or several rendered parts."""

    mels: list[NDArray[np.float16]]  #: one memory map per part, (items, 3, FRAMES, SPECTRUM)
    events: NDArray[np.float32]  #: (events, 5): item, time, output, velocity, loudness; sorted by item and time
    spectra: NDArray[np.float16]  #: (events, BANDS)
    beats: NDArray[np.float32]  #: (beats, 3): item, time, number; sorted by item
    units: NDArray[np.float32]  #: (items,) quarter notes per beat
    beats_known: NDArray[np.bool_]  #: (items,)

    def __len__(self) -> int:
        return len(self.units)

    def mel(self, item: int) -> NDArray[np.float16]:
        """(3, FRAMES, SPECTRUM) of one item."""
        for part in self.mels:
            if item < len(part):
                return part[item]
            item -= len(part)
        raise IndexError(item)

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        return np.searchsorted(self.events[:, 0], np.arange(len(self) + 1, dtype=np.float32))

    def strokes(self, item: int) -> slice:
        """Rows of `events` and `spectra` that belong to an item."""
        return slice(int(self._firsts[item]), int(self._firsts[item + 1]))

    def strokes_between(self, item: int, begin: float, end: float) -> slice:
        """Those of them from `begin` seconds on and before `end`."""
        rows = self.strokes(item)
        first, last = np.searchsorted(self.events[rows, 1], np.array([begin, end], np.float32))
        return slice(rows.start + int(first), rows.start + int(last))


def render_pool(generator: Generator, folder: Path, name: str, seeds: range) -> None:
    """Render `seeds` into `folder/name.npy` and `.npz`; a pool that is already whole is left alone."""
    if not (folder / f"{name}.npz").exists():
        write_pool(folder, name, map(generator.item, seeds), len(seeds))


def write_pool(folder: Path, name: str, items: Iterable[Item], count: int) -> None:
    """Write `count` items as `folder/name.npy` and `.npz`, each beside, then renamed: a killed run leaves no half."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{name}.tmp.npy"
    mels = np.lib.format.open_memmap(temporary, "w+", np.float16, (count, 3, FRAMES, SPECTRUM))
    rows: list[dict[str, NDArray[Any]]] = []
    for index, item in enumerate(items):
        mels[index] = _spectra(item)
        rows.append(_rows(item, index))
    mels.flush()
    del mels
    temporary.replace(folder / f"{name}.npy")
    np.savez(
        folder / f"{name}.tmp.npz", allow_pickle=False, **{key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
    )
    (folder / f"{name}.tmp.npz").replace(folder / f"{name}.npz")


def render_parts(generator: Generator, folder: Path, *, items: int, seed: int, say: Callable[[str], None]) -> None:
    """Render a pool in parts, `KIND-SEED-NNN` for KIND train, valid or natural; a part that is whole already is left alone."""
    kind = "natural" if generator.natural else "valid" if generator.validation else "train"
    for number, start in enumerate(range(0, items, PART_ITEMS)):
        end = min(items, start + PART_ITEMS)
        first = seed * 1_000_000
        render_pool(generator, folder, f"{kind}-{seed}-{number:03d}", range(first + start, first + end))
        say(f"{end} of {items} mixes")


def pool_of(item: Item) -> Pool:
    """A pool of one item, in memory."""
    rows = _rows(item, 0)
    mels = _spectra(item)[None].astype(np.float16)
    return Pool([mels], rows["events"], rows["spectra"], rows["beats"], rows["units"], rows["known"])


def _rows(item: Item, index: int) -> dict[str, NDArray[Any]]:
    """The tables of a pool, as far as they belong to one item."""
    events = [(index, e.time, e.output, e.velocity, e.loudness) for e in item.events]
    beats = [(index, t, n) for t, n in item.beats]
    return {
        "events": np.array(events, np.float32).reshape(-1, len(_EVENT_FIELDS)),
        "spectra": np.array([e.spectrum for e in item.events], np.float16).reshape(-1, BANDS),
        "beats": np.array(beats, np.float32).reshape(-1, 3),
        "units": np.array([float(item.unit)], np.float32),
        "known": np.array([item.beats_known], np.bool_),
    }


def _spectra(item: Item) -> FloatArray:
    empty = np.full((FRAMES, SPECTRUM), np.log(FLOOR), np.float32)
    parts = [empty if part is None else log_spectrum(part) for part in (item.mix, item.drums, item.backing)]
    return np.stack(parts)


def open_pool(folder: Path, pattern: str) -> Pool:
    """Open every part in `folder` whose name fits the glob `pattern`."""
    mels: list[NDArray[np.float16]] = []
    tables: dict[str, list[NDArray[Any]]] = {"events": [], "spectra": [], "beats": [], "units": [], "known": []}
    count = 0
    for path in sorted(folder.glob(f"{pattern}.npz")):
        mels.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
        with np.load(path) as stored:
            for key, parts in tables.items():
                part = stored[key]
                if key in ("events", "beats") and len(part):
                    part[:, 0] += count
                parts.append(part)
        count += len(mels[-1])
    if not mels:
        raise FileNotFoundError(f"no pool named {pattern} in {folder}")
    joined = {key: np.concatenate(parts) for key, parts in tables.items()}
    return Pool(mels, joined["events"], joined["spectra"], joined["beats"], joined["units"], joined["known"])
