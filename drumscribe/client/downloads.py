"""Files from the server: whole or not at all, and taken up where a connection broke."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote
from uuid import uuid4

from drumscribe.client.errors import ServerUnreachable
from drumscribe.client.transport import Transport, problem_of, translated
from drumscribe.errors import ExportFailed

_WRONG_PART = frozenset({206, 416})


@dataclass
class _Partial:
    """What has arrived of a file."""

    file: BinaryIO
    etag: str = ""
    name: str = ""
    size: int = 0


def download(transport: Transport, path: str, to: Path, *, otherwise: str) -> Path:
    """Fetch a file to a path, or into a folder under the name that the server gives it (else `otherwise`).

    It is written beside its place and renamed when it is whole; a connection that breaks is taken up where it broke, unless
    the file has changed meanwhile.
    """
    folder = to if to.is_dir() else to.parent
    part = folder / f".drumscribe-{uuid4().hex}"
    try:
        with part.open("xb") as file:
            name = _fetch(transport, path, _Partial(file))
        return part.replace(to / (name or otherwise) if to.is_dir() else to)
    except OSError as error:
        raise ExportFailed(f"{to} cannot be written: {error.strerror or error}.", path=str(to)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _fetch(transport: Transport, path: str, partial: _Partial) -> str:
    arrived = 0
    while True:
        try:
            transport.insist(lambda: _continue(transport, path, partial), safe=True)
            return partial.name
        except ServerUnreachable:
            if partial.size <= arrived:  # patience has run out, and nothing came of it
                raise
            arrived = partial.size


def _continue(transport: Transport, path: str, partial: _Partial) -> None:
    headers = {"Accept-Encoding": "identity"}
    if partial.size and partial.etag:
        headers |= {"Range": f"bytes={partial.size}-", "If-Range": partial.etag}
    with translated(transport.address), transport.http.stream("GET", path, headers=headers) as response:
        begins = response.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
        is_rest = response.status_code == 206 and begins == str(partial.size)
        if not is_rest:
            partial.file.seek(0)
            partial.file.truncate()
            partial.size = 0
        if partial.etag and not is_rest and response.status_code in _WRONG_PART:
            partial.etag = ""
            raise ServerUnreachable(f"{transport.address} sent another part of the file than was asked for.")
        if not response.is_success:
            response.read()
            raise problem_of(response)
        etag = response.headers.get("etag", "")
        partial.etag = "" if etag.startswith("W/") else etag
        partial.name = _name(response.headers.get("content-disposition", ""))
        for chunk in response.iter_raw():
            partial.file.write(chunk)
            partial.size += len(chunk)


def _name(disposition: str) -> str:
    extended = re.search(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", disposition, re.IGNORECASE)
    if extended:
        name = unquote(extended[1])
    else:
        message = Message()
        message["content-disposition"] = disposition
        name = message.get_filename() or ""
    return Path(name.replace("\\", "/")).name.strip(". ")  # only the last part may name a file
