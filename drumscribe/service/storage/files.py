"""What both backends do with files on this machine."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from drumscribe.service.errors import StorageFull, StorageUnavailable
from drumscribe.service.storage import BLOCK, Content

# What the system says when there is no room: the disk, the quota, the largest size of a file
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def sentences() -> Generator[None]:
    """Say what the disk reports as StorageFull or StorageUnavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull("There is no room left to store files.", reason=str(error)) from error
        raise StorageUnavailable(f"The file storage failed: {error.strerror or error}.", reason=str(error)) from error


def fresh(folder: Path) -> Path:
    """A path in a folder for our eyes only that nobody else uses; the file is not made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / uuid4().hex


def blocks_of(content: Content) -> Iterator[bytes]:
    """Read in blocks."""
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Path):
        with content.open("rb") as file:
            yield from blocks_of(file)
    else:
        while block := content.read(BLOCK):
            yield block


def write_whole(path: Path, blocks: Iterable[bytes]) -> int:
    """Write a new file and wait until the disk has it; remove it if that fails. Return its size."""
    size = 0
    with sentences():
        file = path.open("xb", buffering=0)
    try:
        with file:
            for block in blocks:  # what fails here is the source, not the storage
                rest = memoryview(block)
                with sentences():
                    while rest:
                        rest = rest[file.write(rest) :]
                size += len(block)
            with sentences():
                os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size


def sync(path: Path) -> None:
    """Wait until the disk has a file's content, or a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def purge(folder: Path, older_than_s: float) -> int:
    """Remove what lies in a folder and has not been touched for so long."""
    limit = time.time() - older_than_s
    old = [path for path in (folder.iterdir() if folder.is_dir() else ()) if _touched(path) < limit]
    for path in old:
        remove(path)
    return len(old)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
