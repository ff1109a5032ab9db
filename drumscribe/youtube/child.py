"""The process that runs yt-dlp: an order (JSON) comes in on stdin, events (a JSON object each line) go out on stdout.

Nothing here is called by the rest of the package; `download_youtube_audio` starts it and kills it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from drumscribe.addresses import is_public
from drumscribe.errors import AudioTooLong, DependencyMissing, DownloadFailed, DrumScribeError, ForbiddenAddress, UnsupportedUrl

#: Direct downloads before segmented ones, and only what yt-dlp fetches by itself: no other program gets an address.
FORMAT = "/".join(f"{which}[protocol{how}]" for which in ("bestaudio", "best") for how in ("^=http", "=m3u8_native"))

#: Programs that yt-dlp may start: they solve YouTube's JavaScript challenges, without access to the network.
_PROGRAMS = ("deno", "node", "bun", "qjs", "quickjs")

#: What sites answer, by pattern, the reason as a word, and the reason as a sentence.
_REFUSALS = (
    (
        r"not a bot|confirm you.re not|captcha",
        "bot_check",
        "YouTube asks for proof that this is no robot; a cookies file may help",
    ),
    (r"private video|video is private", "private", "This video is private"),
    (
        r"confirm your age|age.restricted|inappropriate for some",
        "age",
        "This video is restricted by age; a cookies file may help",
    ),
    (r"members.only|join this channel|requires payment|premium", "members", "This video is for members or buyers only"),
    (r"\bcountry\b|geo.?restrict|your location", "region", "This video is not available in the region of this computer"),
    (r"copyright", "copyright", "This video was blocked by its rights holder"),
    (r"premieres? in|will begin in|live event", "upcoming", "This video has not been shown yet"),
    (r"requested format is not available|no video formats", "changed", ""),
    (
        r"removed|terminated|unavailable|not available|no longer|does not exist|HTTP Error 4(04|10)",
        "removed",
        "This video is not available",
    ),
    (
        r"too many requests|HTTP Error 429|rate.?limit",
        "rate_limited",
        "The site has had too many requests from here; try again later",
    ),
    (r"\blog ?in\b|sign in|\baccount\b", "login", "This video asks for a login; a cookies file may help"),
    (r"HTTP Error 403|forbidden", "forbidden", "The site refused the download; updating yt-dlp may help"),
    (
        r"timed out|errno|resolve|unreachable|refused|reset by|getaddrinfo|\bssl\b|HTTP Error 5",
        "network",
        "The site could not be reached",
    ),
    (r"unsupported url", "unsupported", "No video was found at this address"),
)
_CHANGED = "The site answered in an unexpected way; it may have changed, and updating yt-dlp may help"
_INSTEAD = "; a sound file can always be used instead."


def main() -> None:
    """Run one order."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed must not mix with the events
    order: dict[str, Any] = json.load(sys.stdin)
    if hasattr(signal, "alarm"):  # should the parent die, this process does not live on
        signal.alarm(int(order["timeout_s"]) + 10)
    try:
        _send(events, "done", **fetch(order, events))
    except DrumScribeError as error:
        _send(events, "error", kind=type(error).__name__, message=error.message, facts=error.facts)


def fetch(order: dict[str, Any], events: TextIO) -> dict[str, Any]:
    """Ask for the metadata, then for the sound; returns id, title and duration."""
    refused = guard_connections([*order["allowed_endpoints"], *_endpoints(order["proxy"])])
    sys.modules["curl_cffi"] = None  # type: ignore[assignment]  # it connects in native code, past the guard
    try:
        from yt_dlp import YoutubeDL
        from yt_dlp.utils import YoutubeDLError
    except ImportError as error:
        raise DependencyMissing("Downloads need yt-dlp: pip install 'yt-dlp[default]'.", package="yt-dlp") from error
    log = _Log()
    try:
        with YoutubeDL(_settings(order, events, log)) as downloader:  # pyright: ignore[reportArgumentType]
            found: Any = downloader.extract_info(order["url"], download=False)
            if found is None:
                raise DownloadFailed(_CHANGED + _INSTEAD, url=order["url"], reason="changed")
            _accept(found, order)
            downloader.process_ie_result(found, download=True)
    except YoutubeDLError as error:
        raise explain(str(error), order["url"], refused=refused, warnings=log.warnings) from error
    except OSError as error:
        raise DownloadFailed(f"The download failed: {error}.", url=order["url"], reason="network") from error
    return {"id": str(found["id"]), "title": str(found.get("title") or ""), "duration": found.get("duration")}


def guard_connections(allowed_endpoints: Iterable[str]) -> list[str]:
    """Forbid this process, for good, to connect to addresses that are not public or to start programs.

    The interpreter calls an audit hook with the very address that is about to be connected to, after every name
    has been resolved and every redirect followed, for all Python code alike.

    Parameters
    ----------
    allowed_endpoints : iterable of str
        `address:port` pairs that are exempt.

    Returns
    -------
    list of str
        Grows by every address that was refused.
    """
    allowed, refused = frozenset(allowed_endpoints), list[str]()

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = args[1]
            host, port = (address[0], address[1]) if isinstance(address, tuple) else (address, None)
            if f"{host}:{port}" not in allowed and not is_public(str(host)):
                refused.append(str(host))
                raise ForbiddenAddress(f"{host} is not a public address.", address=str(host))
        elif event == "subprocess.Popen":
            if Path(str(args[0])).stem not in _PROGRAMS:
                raise FileNotFoundError(f"{args[0]} may not be started")
        elif event in ("os.system", "os.exec", "os.posix_spawn"):
            raise PermissionError("no program may be started")

    sys.addaudithook(hook)
    return refused


def _endpoints(proxy: str | None) -> list[str]:
    """The addresses of the proxy, which its owner trusts."""
    from urllib.parse import urlsplit

    if not proxy:
        return []
    parts = urlsplit(proxy)
    if not parts.hostname or not parts.port:
        raise DownloadFailed("The address of the proxy needs a host and a port.", reason="proxy")
    try:
        answers = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise DownloadFailed("The proxy could not be found.", reason="proxy") from error
    return [f"{answer[4][0]}:{parts.port}" for answer in answers]


class _Log:
    """Keeps what yt-dlp warns of, for the facts of an error."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        """Progress and chatter: dropped."""

    info = debug

    def warning(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message[:300])

    error = debug  # the same text comes as an exception


def _settings(order: dict[str, Any], events: TextIO, log: _Log) -> dict[str, Any]:
    def progress(state: dict[str, Any]) -> None:
        done, whole = state.get("downloaded_bytes") or 0, state.get("total_bytes") or state.get("total_bytes_estimate") or 0
        if max(done, state.get("total_bytes") or 0) > order["max_bytes"]:
            megabytes = order["max_bytes"] / 2**20
            raise DownloadFailed(
                f"The sound of this video is larger than {megabytes:g} MB.", url=order["url"], reason="too_large"
            )
        if whole:
            _send(events, "progress", fraction=done / whole)

    return {
        "format": FORMAT,
        "outtmpl": {"default": "%(id)s.%(ext)s"},
        "paths": {"home": order["folder"]},
        "restrictfilenames": True,
        "noplaylist": True,
        "playlist_items": "1",
        "allowed_extractors": ["default"] if order["any_site"] else ["youtube", r"youtube\+.*"],
        "quiet": True,
        "noprogress": True,
        "logger": log,
        "progress_hooks": [progress],
        "cachedir": False,
        "socket_timeout": 20,
        "retries": 2,
        "fragment_retries": 2,
        "extractor_retries": 1,
        "nopart": True,
        "updatetime": False,
        "fixup": "never",
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
        "cookiefile": order["cookies_file"],
        "proxy": order["proxy"] or "",
        "extractor_args": order["extractor_args"],
        "color": "never",
    }


def _accept(found: dict[str, Any], order: dict[str, Any]) -> None:
    """Refuse by what the site says, before anything is downloaded."""
    if found.get("_type", "video") != "video":
        raise UnsupportedUrl("This link leads to a list, not to one video.", url=order["url"])
    if found.get("is_live") or found.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise UnsupportedUrl("This is a live stream; only finished recordings can be transcribed.", url=order["url"])
    duration, limit = found.get("duration"), order["max_duration_s"]
    if duration is not None and duration > limit:
        message = f"At most {limit / 60:g} minutes can be transcribed; this video lasts {duration / 60:.1f} minutes."
        raise AudioTooLong(message, duration=duration, maximum=limit)


def explain(text: str, url: str, *, refused: Sequence[str] = (), warnings: Sequence[str] = ()) -> DrumScribeError:
    """Turn yt-dlp's message, or an address that the guard refused, into an error with a sentence for a person."""
    if refused:
        return ForbiddenAddress(f"The link leads to {refused[0]}, which is not a public address.", address=refused[0], url=url)
    facts = {"url": url, "detail": text[:500], "warnings": list(warnings[-3:])}
    said = re.sub(r"^(ERROR: )?\[[^]]*\] (\S+: )?", "", text)  # the id of a video is no part of the message
    for pattern, reason, sentence in _REFUSALS:
        if re.search(pattern, said, re.IGNORECASE):
            return DownloadFailed((sentence or _CHANGED) + _INSTEAD, reason=reason, **facts)
    return DownloadFailed(_CHANGED + _INSTEAD, reason="changed", **facts)


def _send(events: TextIO, event: str, **values: Any) -> None:
    events.write(json.dumps({"event": event, **values}, default=str) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
