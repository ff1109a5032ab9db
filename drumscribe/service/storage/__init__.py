"""Where artifacts are kept: immutable files of a job, by revision and name.

A key is `{job_id}/{revision}/{name}`, such as `8d6f…/1/hits.json`. A file appears whole or not at all, and the first writer wins:
saving again changes nothing and returns what is there. So every step may be repeated, and readers never wait.
An empty file counts as not there; it is what a lost disk leaves behind.

Two backends keep the same contract: `local.LocalStorageBackend` and `s3.S3StorageBackend`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

#: Size of the pieces in which files are read and written.
BLOCK = 256 * 1024

_JOB_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Readable(Protocol):
    """Anything to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


#: What can be saved.
Content = bytes | Readable | Path


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that lies in the storage whole."""

    job_id: str
    revision: int
    name: str
    size: int  #: bytes
    created: bool = False  #: whether this very call brought it there
    modified: float | None = field(default=None, compare=False)  #: in lists: when it was written, seconds since 1970

    @property
    def key(self) -> str:
        """Its place in the storage."""
        return f"{self.job_id}/{self.revision}/{self.name}"


def key_of(job_id: str, revision: int, name: str) -> str:
    """Return the key of a file.

    Raises
    ------
    ValueError
        If the job id is no UUID in lower case, the revision is negative, or the name holds anything but letters, digits,
        `.`, `_` and `-`, begins with a dot or is longer than 200 characters: no key leads out of its folder.
    """
    if not is_job_id(job_id):
        raise ValueError(f"{job_id!r} is not the id of a job")
    if isinstance(revision, bool) or not isinstance(revision, int) or revision < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"{revision!r} is not a revision")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an artifact")
    return f"{job_id}/{revision}/{name}"


def is_job_id(text: str) -> bool:
    """Whether it is a UUID as jobs have them."""
    return bool(_JOB_ID.fullmatch(text))


def parse_key(key: str) -> tuple[str, int, str] | None:
    """The parts of a key; None for what is none of ours."""
    parts = key.split("/")
    if len(parts) != 3 or not is_job_id(parts[0]) or not re.fullmatch(r"[0-9]{1,9}", parts[1]) or not _NAME.fullmatch(parts[2]):
        return None
    return parts[0], int(parts[1]), parts[2]


class StorageBackend(ABC):
    """What the service asks of a storage. Keys out of order raise ValueError, everywhere.

    Whatever hinders is `StorageUnavailable` or `StorageFull`, both worth a retry; a file that is not there is `ArtifactMissing`.
    """

    @abstractmethod
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
        """Bring a file into the storage, unless it is there already.

        Parameters
        ----------
        content : bytes, Readable or Path
            Read in blocks; memory does not grow with its size.
        content_type : str
            What a download from the store itself says it is.
        move : bool
            `content` is a path of `incoming`, or another, that is gone afterwards. It stays if saving failed.

        Returns
        -------
        StoredFile
            `created` is False if an earlier writer was first; then `size` is that of its file.
        """

    @abstractmethod
    def open_file(self, job_id: str, revision: int, name: str) -> BinaryIO:
        """Open for reading and seeking; stays readable when the file is deleted meanwhile."""

    @abstractmethod
    def read_file(self, job_id: str, revision: int, name: str) -> bytes:
        """Return its content."""

    @abstractmethod
    def stream_file(self, job_id: str, revision: int, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, in blocks; opened with the first: ask `file_size` before."""

    @abstractmethod
    def file_size(self, job_id: str, revision: int, name: str) -> int:
        """Return its size in bytes."""

    @abstractmethod
    def file_exists(self, job_id: str, revision: int, name: str) -> bool:
        """Whether it is there."""

    @abstractmethod
    def list_job_files(self, job_id: str) -> list[StoredFile]:
        """All files of a job, by revision and name; empty if there are none."""

    @abstractmethod
    def delete_job_artifacts(self, job_id: str, *, names: Collection[str] | None = None) -> int:
        """Delete the files of these names in every revision, or all of them; return how many there were.

        Deleting again is no error. Uploads and stems go by name when their time has come, the rest with the job.
        """

    @abstractmethod
    def get_file_path(self, job_id: str, revision: int, name: str) -> AbstractContextManager[Path]:
        """Give a path on this machine that can be read while the context lasts. Not to be written to."""

    @abstractmethod
    def presigned_url(
        self, job_id: str, revision: int, name: str, *, expires_s: int, filename: str, content_type: str
    ) -> str | None:
        """A link that anyone can download from for a while; None where files have no address of their own."""

    @abstractmethod
    def incoming(self, job_id: str) -> Path:
        """A fresh path, not made yet, to stream an upload into; `save_file(…, move=True)` takes it from there."""

    @abstractmethod
    def iter_job_ids(self) -> Iterator[str]:
        """Every job that has files, in no order."""

    @abstractmethod
    def purge_incoming(self, older_than_s: float) -> int:
        """Remove what interrupted uploads left, and copies not used for so long; return how many there were."""

    @abstractmethod
    def check(self) -> None:
        """Raise StorageUnavailable or StorageFull unless it works just now. Leaves nothing behind."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Room that is left; None where there is no telling."""
