"""Artifacts in a folder: `<root>/<job id>/<revision>/<name>`.

A file is written aside in `<root>/.incoming`, brought to the disk, and then linked under its name: linking fails if the name is
taken, so that of two writers one wins and neither sees half a file. A job is deleted by moving its folder aside first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

from drumscribe.service.errors import ArtifactMissing, StorageUnavailable
from drumscribe.service.storage import BLOCK, Content, StorageBackend, StoredFile, is_job_id, key_of, parse_key
from drumscribe.service.storage.files import blocks_of, fresh, purge, remove, sentences, sync, write_whole

# A clean-up may remove the folder just before the link is made
_TRIES = 50


class LocalStorageBackend(StorageBackend):
    """A folder on one machine, or on a volume that all of them share.

    Parameters
    ----------
    root : Path
        Made when missing. Its file system must know hard links.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / ".incoming"

    @override
    def save_file(
        self,
        job_id: str,
        revision: int,
        name: str,
        content: Content,
        *,
        content_type: str = "",
        move: bool = False,
    ) -> StoredFile:
        place = self._place(job_id, revision, name)
        there = _size(place)
        if there:
            stored = StoredFile(job_id, revision, name, there)
        else:
            stored = self._save(place, StoredFile(job_id, revision, name, 0), content, move)
        if move and isinstance(content, Path):
            with sentences():
                content.unlink(missing_ok=True)
        return stored

    @override
    def open_file(self, job_id: str, revision: int, name: str) -> BinaryIO:
        place = self._place(job_id, revision, name)
        with _missing(place), sentences():
            return place.open("rb")

    @override
    def read_file(self, job_id: str, revision: int, name: str) -> bytes:
        with self.open_file(job_id, revision, name) as file, sentences():
            return file.read()

    @override
    def stream_file(self, job_id: str, revision: int, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with self.open_file(job_id, revision, name) as file:
            file.seek(start)
            left = (os.fstat(file.fileno()).st_size if end is None else end) - start
            while left > 0:
                with sentences():
                    block = file.read(min(BLOCK, left))
                if not block:
                    return
                left -= len(block)
                yield block

    @override
    def file_size(self, job_id: str, revision: int, name: str) -> int:
        place = self._place(job_id, revision, name)
        size = _size(place)
        if not size:
            raise _absent(place)
        return size

    @override
    def file_exists(self, job_id: str, revision: int, name: str) -> bool:
        return bool(_size(self._place(job_id, revision, name)))

    @override
    def list_job_files(self, job_id: str) -> list[StoredFile]:
        folder = self._folder(job_id)
        found: list[StoredFile] = []
        with sentences(), suppress(FileNotFoundError, NotADirectoryError):
            for path in folder.glob("*/*"):
                parts = parse_key(f"{job_id}/{path.parent.name}/{path.name}")
                try:
                    status = path.stat()
                except FileNotFoundError:  # just deleted
                    continue
                if parts and status.st_size:
                    found.append(StoredFile(*parts, status.st_size, modified=status.st_mtime))
        return sorted(found, key=lambda file: (file.revision, file.name))

    @override
    def delete_job_artifacts(self, job_id: str, *, names: Collection[str] | None = None) -> int:
        folder = self._folder(job_id)
        gone = [file for file in self.list_job_files(job_id) if names is None or file.name in names]
        with sentences():
            if names is not None:
                for file in gone:
                    (self._root / file.key).unlink(missing_ok=True)
            else:
                aside = fresh(self._incoming)
                with suppress(FileNotFoundError):
                    folder.rename(aside)
                    remove(aside)
        return len(gone)

    @override
    @contextmanager
    def get_file_path(self, job_id: str, revision: int, name: str) -> Generator[Path]:
        self.file_size(job_id, revision, name)
        yield self._place(job_id, revision, name)

    @override
    def presigned_url(
        self, job_id: str, revision: int, name: str, *, expires_s: int, filename: str, content_type: str
    ) -> str | None:
        key_of(job_id, revision, name)
        return None

    @override
    def incoming(self, job_id: str) -> Path:
        self._folder(job_id)
        with sentences():
            return fresh(self._incoming)

    @override
    def iter_job_ids(self) -> Iterator[str]:
        with sentences():
            entries = [entry.name for entry in os.scandir(self._root) if entry.is_dir()] if self._root.is_dir() else []
        yield from filter(is_job_id, entries)

    @override
    def purge_incoming(self, older_than_s: float) -> int:
        with sentences():
            return purge(self._incoming, older_than_s)

    @override
    def check(self) -> None:
        with sentences():
            aside = fresh(self._incoming)
        linked = aside.with_suffix(".link")
        try:
            write_whole(aside, [b"drumscribe"])
            with sentences():
                linked.hardlink_to(aside)
        finally:
            for path in (aside, linked):
                with sentences():
                    path.unlink(missing_ok=True)

    @override
    def free_bytes(self) -> int | None:
        with sentences():
            self._root.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self._root).free

    def _folder(self, job_id: str) -> Path:
        if not is_job_id(job_id):
            raise ValueError(f"{job_id!r} is not the id of a job")
        return self._root / job_id

    def _place(self, job_id: str, revision: int, name: str) -> Path:
        return self._root / key_of(job_id, revision, name)

    def _save(self, place: Path, file: StoredFile, content: Content, move: bool) -> StoredFile:
        # An upload lies on the right disk already: it gets its name without being copied
        ours = move and isinstance(content, Path) and content.parent == self._incoming
        if ours and isinstance(content, Path):
            written = content
            with sentences():
                sync(written)
                size = written.stat().st_size
        else:
            with sentences():
                written = fresh(self._incoming)
            size = write_whole(written, blocks_of(content))
        try:
            created = _publish(written, place)
        finally:
            if not ours:
                written.unlink(missing_ok=True)
        return StoredFile(file.job_id, file.revision, file.name, size if created else _size(place), created)


def _publish(written: Path, place: Path) -> bool:
    """Give a whole file its name; False if another was faster."""
    with sentences():
        for _ in range(_TRIES):
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.hardlink_to(written)
            except FileExistsError:
                if _size(place):
                    return False
                place.unlink(missing_ok=True)  # empty: as good as not there
            except FileNotFoundError:
                written.stat()  # gone itself: no use in trying again
            else:
                with suppress(FileNotFoundError):  # published, and deleted since
                    sync(place.parent)
                    sync(place.parent.parent)
                return True
    raise StorageUnavailable("The file's folder is being deleted.", path=str(place))


def _size(place: Path) -> int:
    with sentences():
        try:
            return place.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0


def _absent(place: Path) -> ArtifactMissing:
    return ArtifactMissing(f"{place.name} is not in the storage.", path=str(place))


@contextmanager
def _missing(place: Path) -> Generator[None]:
    try:
        yield
    except StorageUnavailable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise _absent(place) from error
        raise
