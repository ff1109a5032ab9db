"""Files over HTTP: whole or in part (RFC 9110, section 14), under a name that a person can use.

Artifacts never change, so an ETag is what they are and a cache may keep them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from anyio import CancelScope, to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from drumscribe.outputs import OUTPUTS
from drumscribe.service.errors import RangeNotSatisfiable
from drumscribe.service.storage import StorageBackend
from drumscribe.service.tables import Artifact

#: Sound that can be downloaded beside what is written.
SOUNDS = ("audio", "drums", "drumless", "original")
#: Everything that `/download/` knows.
FORMATS = (*OUTPUTS, *SOUNDS)

#: How long a link to the store itself is good.
_LINK_S = 600
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def answer(
    request: Request,
    storage: StorageBackend,
    artifact: Artifact,
    *,
    filename: str,
    cache_control: str,
    presign: bool,
    link_s: int = _LINK_S,
) -> Response:
    """Send a file, or the part of it that is asked for.

    Parameters
    ----------
    filename : str
        What the file is called on the disk of whoever asked.
    cache_control : str
        How long a copy may be used.
    presign : bool
        Whether to send the client to the storage instead, if that has links.
    link_s : int
        How long such a link is good, in seconds.

    Raises
    ------
    ArtifactMissing, StorageUnavailable
        If it is not in the storage, or that cannot be reached.
    RangeNotSatisfiable
        If nothing lies where `Range` says.
    """
    size = storage.file_size(artifact.job_id, artifact.revision, artifact.name)
    if presign and request.method == "GET":  # a link is good for one method
        link = storage.presigned_url(
            artifact.job_id, artifact.revision, artifact.name,
            expires_s=link_s, filename=filename, content_type=artifact.content_type,
        )  # fmt: skip
        if link is not None:
            return RedirectResponse(link, 302, headers={"Cache-Control": "no-store"})
    etag = f'"{artifact.revision}-{artifact.name}-{size}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "Content-Disposition": disposition(filename),
    }
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    start, end, status = 0, size, 200
    asked = request.headers.get("range")
    if asked is not None and request.method == "GET" and request.headers.get("if-range", etag) == etag:
        part = _part(asked, size)
        if part == (0, 0):
            raise RangeNotSatisfiable(f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
        if part is not None:
            (start, end), status = part, 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=artifact.content_type)
    content: Iterator[bytes] = storage.stream_file(artifact.job_id, artifact.revision, artifact.name, start, end)
    return _Blocks(content, status, headers=headers, media_type=artifact.content_type)


class _Blocks(StreamingResponse):
    """A file that is read as it is sent; what it is read from is closed at the end, also when the client has gone before."""

    def __init__(self, content: Iterator[bytes], *args: Any, **kwargs: Any) -> None:
        self._content = content
        super().__init__(content, *args, **kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if isinstance(self._content, Generator):
                with CancelScope(shield=True):
                    await to_thread.run_sync(self._content.close)


def matches(header: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names this ETag; weak comparison, as it is meant there."""
    if header is None:
        return False
    return header.strip() == "*" or any(part.strip().removeprefix("W/") == etag for part in header.split(","))


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """Begin and end of what is asked for; None: the whole (several parts, or nonsense); (0, 0): nothing lies there."""
    match = _RANGE.fullmatch(asked.strip().replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size) if count else (0, 0)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return 0, 0
    return int(first), min(int(last) + 1, size) if last else size


def name_of(stem: str, artifact: Artifact) -> str:
    """What a file of a song is called on the disk of whoever asked."""
    if artifact.format == "original":
        return stem + PurePosixPath(artifact.name).suffix
    if artifact.name.startswith("sheet_music."):
        return stem + artifact.name.removeprefix("sheet_music")
    return f"{stem}.{artifact.name}"


def disposition(filename: str) -> str:
    """`Content-Disposition` for any name (RFC 6266): in ASCII for old programs, in full (RFC 5987) for the rest."""
    filename = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', "_", filename).strip(". ") or "drumscribe"
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode().strip() or "drumscribe"
    if plain.startswith("."):
        plain = f"drumscribe{plain}"
    header = f'attachment; filename="{plain}"'
    return header if plain == filename else f"{header}; filename*=UTF-8''{quote(filename, safe='')}"
