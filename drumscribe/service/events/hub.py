"""Tells those who follow a job what happens to it, with one look at the database for all of them.

The log is read, never listened to: every `interval_s` one statement asks for the versions of the followed jobs, and only
of those that changed the new events are read. A follower remembers the last event it was given. A look starts where the
hindmost follower of a job stands, and each gets what it does not have yet; so nobody misses an event or gets one twice,
whenever they came. Everything but the look itself happens on the event loop.

A follower that cannot keep up is sent away with a clean end; it comes back with the number of its last event. While the
database is away the streams stay open.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from types import FrameType
from typing import Any, Self

import anyio
import structlog
from sqlalchemy.exc import SQLAlchemyError

from drumscribe.service.database import Sessions
from drumscribe.service.events.queries import Look, Message, look_at

log = structlog.get_logger(__name__)

#: Between two looks while the database is away, at most.
LONGEST_WAIT_S = 5.0


class End(Enum):
    """Why a stream ends."""

    FINAL = "the job has ended"
    GONE = "the job was deleted"
    SLOW = "too far behind"
    CLOSING = "the server stops"
    LEFT = "the client has left"
    REFUSED = "the credentials are not valid any more"


class Follower:
    """One stream: iterate over it to get lists of messages; an empty list means that nothing happened for `heartbeat_s`.

    Iteration ends when the job has ended or is gone, the follower is too slow, or the server stops: `end` says which.
    """

    __slots__ = ("_backlog", "_heartbeat_s", "_waiting", "_woken", "cursor", "end")

    def __init__(self, cursor: int, *, backlog: int, heartbeat_s: float) -> None:
        self.cursor = cursor  #: number of the last event it was given
        self.end: End | None = None
        self._backlog = backlog
        self._heartbeat_s = heartbeat_s
        self._waiting: list[Message] = []
        self._woken = asyncio.Event()

    def give(self, messages: tuple[Message, ...]) -> None:
        """Hand over what is new to this follower."""
        new = [message for message in messages if message.seq > self.cursor]
        if not new or self.end is not None:
            return
        if len(self._waiting) + len(new) > self._backlog:
            self.stop(End.SLOW)
            return
        self._waiting += new
        self.cursor = new[-1].seq
        self._woken.set()

    def stop(self, why: End) -> None:
        """End the iteration: at once for one that is too slow, has left or may listen no more, else after what is waiting."""
        if self.end is None:
            self.end = why
            if why in (End.SLOW, End.LEFT, End.REFUSED):
                self._waiting = []
            self._woken.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Message]:
        if not self._waiting:
            if self.end is not None:
                raise StopAsyncIteration
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    await self._woken.wait()
            except TimeoutError:
                return []
        self._woken.clear()
        if not self._waiting:
            raise StopAsyncIteration
        new, self._waiting = self._waiting, []
        return new


class Hub:
    """All followers of one process.

    Parameters
    ----------
    sessions : Sessions
        Where the log is.
    interval_s : float
        Between two looks. The delay of an event is half of it on average.
    heartbeat_s : float
        A quiet stream gives a sign of life so often.
    backlog : int
        Messages that may wait for one follower.
    stalled_s : float
        A connection that takes nothing for so long is given up.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        interval_s: float = 0.3,
        heartbeat_s: float = 15.0,
        backlog: int = 2000,
        stalled_s: float = 60.0,
    ) -> None:
        self.stalled_s = stalled_s
        self._sessions = sessions
        self._interval_s = interval_s
        self._heartbeat_s = heartbeat_s
        self._backlog = backlog
        self._followers: dict[str, set[Follower]] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def count(self) -> int:
        """Streams that are open."""
        return sum(map(len, self._followers.values()))

    @contextmanager
    def follow(self, job_id: str, seen: Look, *, after: int) -> Generator[Follower]:
        """Follow a job from the first look at it on; what that look saw is given first.

        Parameters
        ----------
        job_id : str
            The job.
        seen : Look
            The first look, with the events after `after`.
        after : int
            Number of the last event that the follower knows.
        """
        follower = Follower(after, backlog=self._backlog, heartbeat_s=self._heartbeat_s)
        follower.give(seen.messages)
        if self._closed:
            follower.stop(End.CLOSING)
        elif seen.ends_at(follower.cursor):
            follower.stop(End.FINAL)
        else:
            self._followers.setdefault(job_id, set()).add(follower)
            if self._watcher is None:
                self._watcher = asyncio.create_task(self._watch(), name="events")
        try:
            yield follower
        finally:
            self._leave(job_id, follower)

    def close(self) -> None:
        """End all streams, and refuse new ones. To be called on the event loop."""
        self._closed = True
        self._stop_all()

    async def aclose(self) -> None:
        """Close, and wait for the watcher."""
        self.close()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])

    def _stop_all(self) -> None:
        for followers in self._followers.values():
            for follower in followers:
                follower.stop(End.CLOSING)
        self._followers = {}

    def _leave(self, job_id: str, follower: Follower) -> None:
        followers = self._followers.get(job_id, set())
        followers.discard(follower)
        if not followers:
            self._followers.pop(job_id, None)

    async def _watch(self) -> None:
        wait_s = self._interval_s
        limiter = anyio.CapacityLimiter(1)
        try:
            while self._followers:
                since = {job_id: min(one.cursor for one in followers) for job_id, followers in self._followers.items()}
                try:
                    # A connection that hangs must not keep the process from leaving
                    seen = await anyio.to_thread.run_sync(self._look, since, abandon_on_cancel=True, limiter=limiter)
                except SQLAlchemyError as error:
                    if wait_s == self._interval_s:
                        log.warning("events_not_read", error=str(error).splitlines()[0])
                    wait_s = min(LONGEST_WAIT_S, wait_s * 2)
                else:
                    if wait_s != self._interval_s:
                        log.info("events_read_again")
                    wait_s = self._interval_s
                    self._deliver(since, seen)
                await asyncio.sleep(wait_s)
        finally:
            self._watcher = None
            self._stop_all()  # there are some after a fault of ours: better that they come back than wait for ever

    def _look(self, since: Mapping[str, int]) -> dict[str, Look]:
        with self._sessions.read() as session:
            return look_at(session, since)

    def _deliver(self, since: Mapping[str, int], seen: Mapping[str, Look]) -> None:
        for job_id, base in since.items():
            found = seen.get(job_id)
            for follower in list(self._followers.get(job_id, ())):
                if found is None:
                    follower.stop(End.GONE)
                elif follower.cursor >= base:  # else it came while we looked, and what it lacks was not read
                    follower.give(found.messages)
                    if found.ends_at(follower.cursor):
                        follower.stop(End.FINAL)
                if follower.end is not None:
                    self._leave(job_id, follower)


@asynccontextmanager
async def following(sessions: Sessions, **options: Any) -> AsyncGenerator[Hub]:
    """A hub for as long as an app lives, whose streams end as soon as the process is told to stop.

    A server waits for its open connections before it tells the app that it stops, and streams stay open. So the first
    signal ends them, and then does what it did before.
    """
    hub = Hub(sessions, **options)
    loop = asyncio.get_running_loop()
    with _on_signal(lambda: loop.call_soon_threadsafe(hub.close)):
        try:
            yield hub
        finally:
            await hub.aclose()


@contextmanager
def _on_signal(act: Any) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # whoever runs a server in a thread stops it without signals
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        act()
        before = former[signal.Signals(number)]
        if callable(before):
            before(number, frame)

    ours = {number: stop for number, before in former.items() if callable(before)}
    for number, handler in ours.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            if signal.getsignal(number) is stop:
                signal.signal(number, former[number])
