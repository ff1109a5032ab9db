"""The sound of a video on YouTube, through yt-dlp.

yt-dlp runs in a process of its own: it can be killed when its time is up, whatever it is doing, and a guard inside
it looks at every connection just before it is made, so that neither a redirect nor a name that resolves
differently the second time can lead to an address that is not public. Title and length are asked for first; the
sound is downloaded only if they are acceptable. The file appears under its final name complete or not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drumscribe import errors
from drumscribe.addresses import public_address
from drumscribe.errors import DownloadFailed, DrumScribeError, FileNotReadable, UnsupportedUrl
from drumscribe.types import OnProgress, Progress, ignore_progress

#: One video on YouTube: watch, short (youtu.be), embed, shorts and live addresses; the group is its id.
YOUTUBE_URL = re.compile(
    r"(?:https?://)?"
    r"(?:(?:(?:www|m|music)\.)?youtube\.com/(?:watch/?\?(?:[^#\s]*&)?v=|(?:embed|shorts|live|v)/)"
    r"|(?:www\.)?youtube-nocookie\.com/embed/"
    r"|youtu\.be/)"
    r"([A-Za-z0-9_-]{11})(?:[/?&#]\S*)?",
    re.IGNORECASE | re.ASCII,
)

ExtractorArgs = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class DownloadedAudio:
    """A sound file, and what the site says of it."""

    path: Path
    video_id: str
    title: str
    duration: float | None  #: seconds, by the site's word
    url: str


def check_url(url: str, *, any_site: bool = False, allowed_endpoints: Sequence[str] = ()) -> str:
    """Return the address to ask for, if it may be.

    Parameters
    ----------
    url : str
        What a user typed.
    any_site : bool
        Also accept other sites that yt-dlp knows. Their host must resolve to public addresses.
    allowed_endpoints : sequence of str
        `host:port` pairs that are exempt from that.

    Raises
    ------
    UnsupportedUrl
        If it is not the address of one video on YouTube (or, with `any_site`, of a web page).
    ForbiddenAddress, DownloadFailed
        With `any_site`, if the host leads to an address that is not public, or nowhere.
    """
    text = url.strip()
    if match := YOUTUBE_URL.fullmatch(text):
        return f"https://www.youtube.com/watch?v={match.group(1)}"
    shown = text if len(text) <= 100 else text[:100] + "…"
    if not any_site:
        raise UnsupportedUrl(f"{shown!r} is not a link to one video on YouTube.", url=url)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError as error:
        raise UnsupportedUrl(f"{shown!r} is not a link.", url=url) from error
    if parts.scheme not in ("http", "https") or not host:
        raise UnsupportedUrl(f"{shown!r} is not a link to a web page.", url=url)
    if "@" in parts.netloc or "\\" in text or not text.isprintable():  # programs disagree about whom these lead to
        raise UnsupportedUrl(f"{shown!r} holds credentials or characters that do not belong into a link.", url=url)
    if f"{host}:{port}" not in allowed_endpoints:
        public_address(host, port)
    return text


def download_youtube_audio(
    url: str,
    folder: str | Path,
    *,
    timeout_s: float = 120.0,
    max_duration_s: float = 900.0,
    max_file_size_mb: float = 200.0,
    cookies_file: str | Path | None = None,
    proxy: str | None = None,
    extractor_args: ExtractorArgs | None = None,
    any_site: bool = False,
    allowed_endpoints: Sequence[str] = (),
    on_progress: OnProgress = ignore_progress,
) -> DownloadedAudio:
    """Download the best sound of one video as it is stored on the site; nothing is converted.

    Parameters
    ----------
    url : str
        See `YOUTUBE_URL`; other sites only with `any_site`.
    folder : path
        Where the file is put, as `<video id>.<extension>`; made if missing.
    timeout_s : float
        For everything together. The process is killed when it is over.
    max_duration_s, max_file_size_mb : float
        Limits. The first is checked before anything is downloaded.
    cookies_file : path, optional
        Cookies in Netscape format, for videos that ask for a login. It is read, never written.
    proxy : str, optional
        Address of a proxy. It is trusted: it may lie in a private network, and the names of sites are then resolved
        by it. Proxies named in the environment are ignored.
    extractor_args : mapping, optional
        Settings for yt-dlp's extractors: `{"youtube": {"player_client": ["web"]}}`.
    any_site : bool
        Also accept other sites that yt-dlp knows.
    allowed_endpoints : sequence of str
        `address:port` pairs that may be reached although they are not public.
    on_progress : callable
        Told about the stage `ingest`.

    Raises
    ------
    UnsupportedUrl
        If the address is not that of one recorded video.
    ForbiddenAddress
        If it leads to an address that is not public.
    AudioTooLong
        If the site says that it lasts longer than `max_duration_s`.
    FileNotReadable
        If there is no such cookies file.
    DownloadFailed
        If the site refuses, does not answer in time or has changed; `facts["reason"]` says which.
    """
    address = check_url(url, any_site=any_site, allowed_endpoints=allowed_endpoints)
    folder = Path(folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
    try:
        (work / "media").mkdir()
        order = {
            "url": address,
            "folder": str(work / "media"),
            "timeout_s": timeout_s,
            "max_duration_s": max_duration_s,
            "max_bytes": int(max_file_size_mb * 2**20),
            "cookies_file": _copy_of_cookies(cookies_file, work),
            "proxy": proxy,
            "extractor_args": {site: {k: list(v) for k, v in args.items()} for site, args in (extractor_args or {}).items()},
            "any_site": any_site,
            "allowed_endpoints": list(allowed_endpoints),
        }
        result = _run(order, timeout_s, on_progress)
        found = sorted((work / "media").iterdir())
        if len(found) != 1 or not found[0].is_file() or found[0].stat().st_size == 0:
            raise DownloadFailed("The site sent no sound.", url=url, reason="nothing_sent")
        path = folder / found[0].name
        found[0].replace(path)
        on_progress(Progress("ingest", 1.0))
        return DownloadedAudio(path, result["id"], result["title"], result["duration"], address)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if is_new:
            with contextlib.suppress(OSError):  # it stays if anything is in it
                folder.rmdir()


def _copy_of_cookies(cookies_file: str | Path | None, work: Path) -> str | None:
    """Give yt-dlp a copy: it writes back what the site sends."""
    if cookies_file is None:
        return None
    copy = work / "cookies.txt"
    try:
        copy.touch(mode=0o600)
        copy.write_bytes(Path(cookies_file).read_bytes())
    except OSError as error:
        raise FileNotReadable(f"The cookies file {str(cookies_file)!r} cannot be read.", path=str(cookies_file)) from error
    return str(copy)


def _run(order: dict[str, Any], timeout_s: float, on_progress: OnProgress) -> dict[str, Any]:
    """Let the child process do the work; kill it, and what it started, when its time is up."""
    # -P: the current folder is no place to import modules from
    command = [sys.executable, "-P", "-m", "drumscribe.youtube.child"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timed_out = threading.Event()

        def end_it() -> None:
            timed_out.set()
            _kill(process)

        timer = threading.Timer(timeout_s, end_it)
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(order))
                process.stdin.close()
            for line in process.stdout:
                message: dict[str, Any] = json.loads(line)
                if message["event"] == "progress":
                    on_progress(Progress("ingest", min(max(float(message["fraction"]), 0.0), 1.0)))
                elif message["event"] == "done":
                    return message
                elif message["event"] == "error":
                    raise _error(message)
        finally:
            timer.cancel()
            _kill(process)
        if timed_out.is_set():
            raise DownloadFailed(f"The download took longer than {timeout_s:g} s.", url=order["url"], reason="timeout")
        raise DownloadFailed("The download ended unexpectedly.", url=order["url"], reason="crashed", exit_status=process.wait())


def _kill(process: subprocess.Popen[str]) -> None:
    """End the child and all that it started; harmless if it has ended."""
    if process.poll() is not None and os.name != "posix":
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _error(message: dict[str, Any]) -> DrumScribeError:
    """Rebuild the error that the child met."""
    kind: type[DrumScribeError] = getattr(errors, message["kind"])
    return kind(message["message"], **message["facts"])
