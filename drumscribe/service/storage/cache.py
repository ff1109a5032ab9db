"""Copies of remote files on this machine: bounded, shared by all processes, and never taken from under a reader.

A reader holds a shared lock on the file it uses. Who makes room takes the file that was not used for longest and that nobody
holds. When all are held, the cache is larger than its bound for a while.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from drumscribe.service.storage.files import fresh, purge, remove, sentences


class DownloadCache:
    """A folder of copies.

    Parameters
    ----------
    folder : Path
        Made when missing; for this cache alone.
    limit_bytes : int
        What the copies may take together.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    @contextmanager
    def hold(self, key: str, fetch: Callable[[Path], object]) -> Generator[Path]:
        """Give the path of a copy that stays while the context lasts; `fetch` writes one if there is none."""
        place = self._folder / "files" / key
        with self.open(key, fetch):
            yield place

    def open(self, key: str, fetch: Callable[[Path], object]) -> BinaryIO:
        """Open a copy; it stays until it is closed."""
        place = self._folder / "files" / key
        while True:
            with sentences():
                held = _hold(place)
            if held:
                return held
            with sentences():
                aside = fresh(self._folder / "incoming")
            fetch(aside)
            with sentences():
                try:
                    held = _published(aside, place)
                finally:
                    aside.unlink(missing_ok=True)
                if held:
                    self._make_room()
                    return held

    def forget(self, folder: str) -> None:
        """Remove all copies under one folder."""
        remove(self._folder / "files" / folder)

    def purge(self, older_than_s: float) -> int:
        """Remove broken downloads, and copies not used for so long; return how many."""
        limit = time.time() - older_than_s
        with sentences():
            count = purge(self._folder / "incoming", older_than_s)
            return count + sum(used < limit and _drop(path) for path, used, _ in self._copies())

    def _make_room(self) -> None:
        copies = sorted(self._copies(), key=lambda copy: copy[1])
        total = sum(size for _, _, size in copies)
        for path, _, size in copies:
            if total <= self._limit_bytes:
                return
            if _drop(path):
                total -= size

    def _copies(self) -> Iterator[tuple[Path, float, int]]:
        for path in (self._folder / "files").glob("*/*/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield path, status.st_mtime, status.st_size


def _hold(place: Path) -> BinaryIO | None:
    try:
        file = place.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if not os.fstat(file.fileno()).st_nlink:  # dropped while we waited
        file.close()
        return None
    os.utime(file.fileno())
    return file


def _published(aside: Path, place: Path) -> BinaryIO | None:
    """Held before it can be seen, so that nobody drops it first; None if another was faster."""
    place.parent.mkdir(parents=True, exist_ok=True)
    held = aside.open("rb")
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        place.hardlink_to(aside)
    except FileExistsError:
        held.close()
        return None
    except BaseException:
        held.close()
        raise
    return held


def _drop(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True
