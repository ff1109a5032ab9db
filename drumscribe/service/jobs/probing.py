"""A process beside the API for what must not happen inside it: opening files of unknown origin, and loading heavy packages.

Native decoders can crash on a damaged file. Here that ends a process which is started anew, and the file is refused.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import structlog
from pebble import ProcessExpired, ProcessPool

from drumscribe.errors import AudioTooLong, UnreadableAudio
from drumscribe.service.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Reading the headers of a file takes milliseconds; on a busy machine, or from a slow disk, more.
PROBE_TIMEOUT_S = 10.0

#: Nobody waits longer than this for others to be done.
PATIENCE_S = 20.0

#: One file that keeps its decoder busy until its time is up must not hold up all others.
_PROCESSES = 2

#: Address space of the process. Decoders allocate by what a header says.
_MEMORY_LIMIT = 4 << 30

_STARTS = 3

#: The process is replaced after so many tasks, whatever the decoders may have leaked.
_TASKS = 500


class SideProcess:
    """Started when it is first needed: a process, and another for when the first is busy. More tasks wait for their turn."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._pool: ProcessPool | None = None
        self._lock = threading.Lock()

    async def run(self, function: Callable[..., T], *args: Any, timeout_s: float) -> T:
        """Call a function of a module there; the event loop goes on meanwhile.

        Raises
        ------
        concurrent.futures.TimeoutError
            If it takes longer; the process is ended.
        pebble.ProcessExpired
            If the process ends over it, and another that is started for it does too.
        Unavailable
            If no process can be started, or there are too many tasks.
        """
        has_expired = False
        for _ in range(_STARTS):
            pool = self._open()
            try:
                return await self._turn(asyncio.wrap_future(pool.schedule(function, args=args, timeout=timeout_s)), timeout_s)
            except BrokenProcessPool as error:  # it died while nobody used it
                log.warning("side_process_restarted", error=str(error))
                await anyio.to_thread.run_sync(self._end, pool)
            except ProcessExpired as error:  # this task may have killed it, or the system, or an operator
                if has_expired:
                    raise
                has_expired = True
                log.warning("side_process_expired", error=repr(error))
        raise Unavailable("Files cannot be looked at for the moment.")

    async def call(self, function: Callable[..., T], *args: Any, timeout_s: float) -> T:
        """The same for what should never fail: raises `Unavailable` also where `run` says that it did."""
        try:
            return await self.run(function, *args, timeout_s=timeout_s)
        except (TookTooLong, ProcessExpired) as error:
            raise Unavailable("This cannot be looked up for the moment.") from error

    async def _turn(self, future: asyncio.Future[T], timeout_s: float) -> T:
        try:
            await asyncio.wait({future}, timeout=self._patience_s + timeout_s)
            if not future.done() or future.cancelled():  # the latter when the service stops
                raise Unavailable("Too many files are being looked at; try again shortly.")
            return future.result()
        finally:
            future.cancel()

    def _open(self) -> ProcessPool:
        with self._lock:
            if self._pool is None or not self._pool.active:
                self._pool = ProcessPool(
                    max_workers=_PROCESSES, max_tasks=_TASKS, initializer=_prepare, context=multiprocessing.get_context("spawn")
                )
            return self._pool

    def _end(self, pool: ProcessPool) -> None:
        with self._lock:
            if self._pool is not pool:  # another task has ended it
                return
            self._pool = None
        pool.stop()
        pool.join()

    def close(self) -> None:
        """End the processes."""
        pool = self._pool
        if pool is not None:
            self._end(pool)


async def probe(side_process: SideProcess, path: Path, *, name: str, max_duration_s: float) -> dict[str, Any]:
    """Look at the headers of an upload.

    Parameters
    ----------
    name : str
        What the sender calls the file.
    max_duration_s : float
        A file that states to be longer is refused.

    Returns
    -------
    dict
        What the file says of itself: format, duration, title, … A claim: the sound is checked when it is decoded.

    Raises
    ------
    UnreadableAudio, AudioTooLong
        If it is refused.
    """
    try:
        return await side_process.run(read_headers, str(path), name, max_duration_s, timeout_s=PROBE_TIMEOUT_S)
    except (TookTooLong, ProcessExpired) as error:
        log.warning("probe_failed", error=repr(error))
        raise UnreadableAudio(f"{name} is not audio that can be read: its decoder gave up.") from error


def read_headers(path: str, name: str, max_duration_s: float) -> dict[str, Any]:
    """The part of `probe` that runs in the other process."""
    from dataclasses import asdict

    from drumscribe import audio

    try:
        found = audio.probe(path)
    except UnreadableAudio as error:
        raise UnreadableAudio(error.message.replace(Path(path).name, name), **_plain(error.facts)) from None
    except MemoryError:
        raise UnreadableAudio(f"{name} is not audio that can be read.") from None
    if found.duration is not None and found.duration > max_duration_s + 0.5:
        raise AudioTooLong(
            f"{name} lasts {found.duration:.0f} s; at most {max_duration_s:g} s are accepted.",
            duration=found.duration,
            maximum=max_duration_s,
        )
    return asdict(found)


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != "path"}


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    import drumscribe.audio  # noqa: F401  # pyright: ignore[reportUnusedImport] - not while the time of a task runs
