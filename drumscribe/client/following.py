"""A job's events as they come, over connections that break."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx

from drumscribe.client.errors import ApiError, ServerUnreachable, WaitTimedOut
from drumscribe.client.transport import Transport, problem_of, translated
from drumscribe.client.types import Event, read_event, read_job

#: The server gives a sign of life every 15 s; a connection without one for so long is dead.
SILENCE_S = 35.0
#: So many streams that never say anything, and there will be none.
_TRIES = 2
#: Between two questions where there is no stream.
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0
_NOT_MODIFIED = frozenset({304})


class Deadline:
    """A moment in time, or none."""

    def __init__(self, timeout_s: float | None) -> None:
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def left(self, most: float) -> float:
        """Seconds until then, `most` at most."""
        return most if self._at is None else max(0.0, min(most, self._at - time.monotonic()))

    def check(self, job_id: str) -> None:
        """Raise `WaitTimedOut` if it has passed."""
        if self._at is not None and time.monotonic() >= self._at:
            raise WaitTimedOut(f"Job {job_id} has not ended in time.", job_id=job_id)


def stream(transport: Transport, job_id: str, after: int, deadline: Deadline) -> Iterator[Event | None]:
    """The events of one connection, from the one after `after` on; None for a sign of life.

    It ends when the job has ended or the server wants the client to come back.

    Raises
    ------
    ServerUnreachable
        If the connection cannot be made, or breaks.
    ApiError
        If the server refuses.
    """
    silence = httpx.Timeout(transport.http.timeout.connect, read=max(0.05, deadline.left(SILENCE_S)))
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after), "Cache-Control": "no-store"}
    with (
        translated(transport.address),
        transport.http.stream("GET", f"jobs/{job_id}/events", headers=headers, timeout=silence) as response,
    ):
        if not response.is_success:
            response.read()
            raise problem_of(response)
        if response.status_code == 204:
            return
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise ServerUnreachable(f"{transport.address} does not send events.")
        lines: list[str] = []
        for line in response.iter_lines():
            if line.startswith(":"):
                yield None
            elif line.startswith("data:"):
                lines.append(line[5:].removeprefix(" "))
            elif not line and lines:
                yield read_event(_parsed("\n".join(lines), transport))
                lines = []


def _parsed(text: str, transport: Transport) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ServerUnreachable(f"{transport.address} sent an event that is not JSON.") from error


def follow(transport: Transport, job_id: str, after: int, deadline: Deadline) -> Iterator[Event]:
    """The events after `after` until the job has ended, over as many connections as it takes; none is lost or repeated.

    Where no stream gets through (a proxy that holds answers back), the job is asked for instead, and what it is then comes
    as an event; those in between are missed.

    Raises
    ------
    ServerUnreachable
        If the server stays away for longer than the transport's patience.
    WaitTimedOut
        When the deadline has passed.
    """
    mute, pause, etag = 0, _SHORTEST_PAUSE_S, ""
    while True:
        heard = False
        if mute < _TRIES:
            try:
                for event in stream(transport, job_id, after, deadline):
                    heard = True
                    if event is not None and event.seq > after:
                        after = event.seq
                        yield event
                    deadline.check(job_id)
            except ServerUnreachable:
                pass  # whether the server is there at all shows in a moment
            except ApiError as error:
                if not error.retryable and error.status not in (405, 406):
                    raise
            mute = 0 if heard else mute + 1
        deadline.check(job_id)
        # How a stream ended says nothing: what the job is now does
        headers = {"If-None-Match": etag} if etag and mute >= _TRIES else {}
        response = transport.send("GET", f"jobs/{job_id}", expect=_NOT_MODIFIED, headers=headers)
        if response.status_code != 304:
            etag = response.headers.get("etag", "")
            job, version = read_job(transport.read(response)), version_of(etag, after)
            if version > after and mute >= _TRIES:
                after, pause = version, _SHORTEST_PAUSE_S
                yield Event(version, "status", job.status, job.progress, job.stage, job.revision, job.updated_at)
            if job.is_final and version <= after:
                return
        time.sleep(deadline.left(0.05 if heard else pause))
        pause = _SHORTEST_PAUSE_S if heard else min(pause * 1.5, _LONGEST_PAUSE_S)


def version_of(etag: str, otherwise: int) -> int:
    """How far a job's log goes, which its ETag begins with."""
    found = re.match(r'(?:W/)?"(\d+)', etag)
    return int(found[1]) if found else otherwise
