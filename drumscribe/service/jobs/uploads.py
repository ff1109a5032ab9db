"""A form with a recording, read as it arrives: the file goes to the disk block by block and is never whole in memory.

Size, number of fields and time are limited while the body comes in, so that nothing needs to be believed: neither
`Content-Length` nor that a sender will stop. The parser is that of python-multipart.
"""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import anyio
import anyio.to_thread
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from drumscribe.service.errors import (
    FileTooLarge,
    InvalidRequest,
    MalformedRequest,
    UnsupportedMediaType,
    UploadStalled,
)
from drumscribe.service.storage.files import sentences

#: Extensions of recordings, and what they are; what is inside is another question, and asked next.
EXTENSIONS = {
    "wav": "audio/wav", "wave": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "oga": "audio/ogg",
    "opus": "audio/ogg", "m4a": "audio/mp4", "m4b": "audio/mp4", "aac": "audio/aac", "aif": "audio/aiff", "aiff": "audio/aiff",
    "aifc": "audio/aiff", "webm": "video/webm", "mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska",
    "mka": "audio/x-matroska", "wv": "audio/x-wavpack", "au": "audio/basic", "mp2": "audio/mpeg", "3gp": "video/3gpp",
    "ts": "video/mp2t", "avi": "video/x-msvideo", "flv": "video/x-flv",
}  # fmt: skip

#: What browsers and programs call recordings, besides audio/… and video/….
_MIME_TYPES = frozenset({"", "application/octet-stream", "application/ogg", "application/mp4", "binary/octet-stream"})

MAX_FIELDS = 40
MAX_FIELD_BYTES = 8_192
#: Everything in the body but the file.
_OVERHEAD = 256 * 1024
_BLOCK = 512 * 1024
#: Nothing arrives for so long: the sender is gone.
STALLED_S = 30.0
#: After this time more than so many bytes per second must have arrived on average: nobody keeps a file open drop by drop.
GRACE_S, SLOWEST = 60.0, 8_000

_JSON_LIMIT = 64 * 1024


class Digest(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytearray, /) -> None:
        """Take more bytes in."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A recording that lies on the disk whole."""

    path: Path
    filename: str  #: cleaned: no folders, no control characters
    extension: str  #: one of `EXTENSIONS`
    content_type: str
    size: int
    sha256: str


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    name: str = ""
    is_file: bool = False


class _Form:
    """Takes the pieces that the parser finds."""

    def __init__(self, boundary: bytes, max_file_bytes: int) -> None:
        self.fields: dict[str, str] = {}
        self.filename = self.content_type = ""
        self.extension = ""
        self.size = 0
        self.has_file = self.is_whole = False
        self.waiting = bytearray()  #: bytes of the file that are to be written
        self._max_file_bytes = max_file_bytes
        self._part = _Part()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedRequest("The form cannot be taken apart.") from error

    def _begin(self) -> None:
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[bytes(self._part.header).lower()] = bytes(self._part.value)
        self._part.header.clear()
        self._part.value.clear()

    def _headers_finished(self) -> None:
        part = self._part
        kind, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise MalformedRequest("A part of the form has no name.")
        part.name = options[b"name"].decode("utf-8", "replace")
        if b"filename" not in options:
            if part.name in self.fields:
                raise _invalid(part.name, "It is given twice.")
            if len(self.fields) >= MAX_FIELDS:
                raise MalformedRequest(f"The form has more than {MAX_FIELDS} fields.")
            return
        filename = clean_filename(options[b"filename"].decode("utf-8", "replace"))
        if part.name != "file":
            raise _invalid(part.name, "A file is expected in the field `file` only.")
        if self.has_file:
            raise _invalid("file", "Exactly one file is expected.")
        if not filename:
            raise _invalid("file", "The file has no name.")
        part.is_file = self.has_file = True
        self.filename = filename
        self.content_type = parse_options_header(part.headers.get(b"content-type", b""))[0].decode("latin-1")
        self.extension = _extension(filename, self.content_type)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self.size += end - start
            if self.size > self._max_file_bytes:
                raise too_large(self._max_file_bytes)
            self.waiting += memoryview(data)[start:end]
            return
        self._part.value += data[start:end]
        if len(self._part.value) > MAX_FIELD_BYTES:
            raise MalformedRequest(f"A field of the form is longer than {MAX_FIELD_BYTES} bytes.")

    def _end(self) -> None:
        if not self._part.is_file:
            try:
                self.fields[self._part.name] = self._part.value.decode()
            except UnicodeDecodeError as error:
                raise _invalid(self._part.name, "It is not UTF-8.") from error

    def _finish(self) -> None:
        self.is_whole = True


async def receive_form(
    request: Request, max_file_bytes: int, place: Callable[[], Path], limiter: anyio.CapacityLimiter
) -> tuple[dict[str, str], UploadedFile]:
    """Read a form with one file.

    Parameters
    ----------
    place : callable
        Says where the file is to be written; asked once there is one.
    limiter : CapacityLimiter
        How many threads may write files.

    Returns
    -------
    tuple of (dict, UploadedFile)
        The fields, and the file. It is the caller's to remove. If anything is raised, nothing is left behind.

    Raises
    ------
    MalformedRequest, UnsupportedMediaType, FileTooLarge, InvalidRequest, UploadStalled
        If it is refused; the rest of the body has not been read then.
    starlette.requests.ClientDisconnect
        If the sender is gone.
    """
    boundary = parse_options_header(request.headers.get("content-type"))[1].get(b"boundary", b"")
    if not boundary:
        raise MalformedRequest("The form's `Content-Type` states no boundary.")
    limit = max_file_bytes + _OVERHEAD
    _refuse_by_length(request, limit, max_file_bytes)
    try:
        form = _Form(boundary, max_file_bytes)
    except FormParserError as error:
        raise MalformedRequest("The form's boundary is too long.") from error
    path: Path | None = None
    file: BinaryIO | None = None
    digest = hashlib.sha256()
    try:
        received = 0
        async for chunk in _chunks(request):
            received += len(chunk)
            if received > limit:
                raise too_large(max_file_bytes)
            form.feed(chunk)
            if form.has_file and file is None:
                path, file = await anyio.to_thread.run_sync(_create, place, limiter=limiter)
            if file is not None and len(form.waiting) >= _BLOCK:
                block, form.waiting = form.waiting, bytearray()
                await anyio.to_thread.run_sync(_write, file, digest, block, limiter=limiter)
        if not form.is_whole:
            raise MalformedRequest("The form ends before its last boundary.")
        if file is None or path is None:
            raise _invalid("file", "A recording is needed.")
        await anyio.to_thread.run_sync(_write, file, digest, form.waiting, limiter=limiter)
        file.close()
        if form.size == 0:
            raise _invalid("file", "The file is empty.")
    except BaseException:
        if file is not None:
            with suppress(OSError):  # a full disk: what could not be written is not wanted any more
                file.close()
        if path is not None:
            path.unlink(missing_ok=True)
        raise
    return form.fields, UploadedFile(path, form.filename, form.extension, form.content_type, form.size, digest.hexdigest())


async def receive_json(request: Request) -> bytes:
    """Read a small body."""
    _refuse_by_length(request, _JSON_LIMIT, _JSON_LIMIT)
    body = bytearray()
    async for chunk in _chunks(request):
        body += chunk
        if len(body) > _JSON_LIMIT:
            raise too_large(_JSON_LIMIT)
    return bytes(body)


def clean_filename(name: str) -> str:
    """What is left of a sender's name for a file: no folders, no control characters, at most 200 characters."""
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char)[0] != "C").strip()
    if name.strip(".") == "":
        return ""
    if len(name) > 200:
        stem, dot, extension = name.rpartition(".")
        name = stem[: 199 - len(extension)] + dot + extension if dot and len(extension) < 10 else name[:200]
    return name


def too_large(limit: int) -> FileTooLarge:
    """What to say of too many bytes."""
    return FileTooLarge(f"At most {limit / 1e6:g} MB are accepted.", maximum=limit)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    stream = aiter(request.stream())
    began, received = time.monotonic(), 0
    while True:
        try:
            with anyio.fail_after(STALLED_S):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadStalled(f"Nothing has arrived for {STALLED_S:g} s.") from error
        received += len(chunk)
        if received < (time.monotonic() - began - GRACE_S) * SLOWEST:
            raise UploadStalled(f"Less than {SLOWEST / 1000:g} kB have arrived per second.")
        yield chunk


def _refuse_by_length(request: Request, limit: int, stated: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > limit:
        raise too_large(stated)


def _create(place: Callable[[], Path]) -> tuple[Path, BinaryIO]:
    path = place()
    with sentences():
        return path, path.open("xb", buffering=0)


def _write(file: BinaryIO, digest: Digest, block: bytearray) -> None:
    digest.update(block)
    rest = memoryview(block)
    with sentences():
        while rest:
            rest = rest[file.write(rest) :]


def _extension(filename: str, content_type: str) -> str:
    extension = filename.rpartition(".")[2].lower() if "." in filename else ""
    if extension not in EXTENSIONS:
        raise UnsupportedMediaType(f"Only recordings are accepted: {', '.join(EXTENSIONS)}.", extension=extension)
    if content_type not in _MIME_TYPES and not content_type.startswith(("audio/", "video/")):
        raise UnsupportedMediaType(
            f"The file is called {content_type[:100]}, which is not a recording.", content_type=content_type
        )
    return extension


def _invalid(name: str, message: str) -> InvalidRequest:
    where = f"body.{name[:100]}"
    return InvalidRequest(f"{where}: {message}", errors=[{"field": where, "message": message}])
