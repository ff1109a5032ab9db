"""Keeps the embedded worker running: starts it, watches it, starts it again when it dies.

Native code that crashes takes the worker with it, and nothing else: its steps are freed at once, and the next worker takes
them up. How often one step may do that is limited by its tries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import psutil
import structlog
from sqlalchemy.exc import SQLAlchemyError

from drumscribe.service.database import Sessions, described
from drumscribe.service.embedded import REPLACE_ME, STOP_S
from drumscribe.service.jobs import lifecycle

log = structlog.get_logger(__name__)

#: Waits before a worker that keeps dying is started again.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 5.0
#: A worker that lived so long was well.
_WELL_S = 5.0


class Supervisor:
    """One worker process and the thread that watches it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends the worker when the thread that started it ends: this one lives as long as it should
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    @property
    def is_working(self) -> bool:
        """Whether the worker lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Take every step from workers of former times, and start one."""
        with self._sessions.write() as session:
            freed = lifecycle.free_leases(session)
        if freed:
            log.info("leases_freed", count=freed)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Tell the worker to end; returns at once."""
        self._stopping.set()

    def stop(self) -> None:
        """End the worker, if need be by force, and wait for it."""
        self.ask_to_stop()
        self._thread.join(STOP_S + 4.0)

    def _watch(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                process = self._process = self._start()
            except OSError as error:
                log.error("worker_not_started", error=str(error))
                status = None
            else:
                with process:
                    status = self._wait(process)
                self._free(process.pid)
            if self._stopping.is_set():
                return
            if status == REPLACE_ME:
                continue
            if time.monotonic() - started > _WELL_S:
                wait_s = _FIRST_WAIT_S
            log.error("worker_died", status=status, wait_s=round(wait_s, 1))
            self._stopping.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _start(self) -> subprocess.Popen[bytes]:
        # stdin ends with this process, which the worker notices; its own session, so that Ctrl-C reaches it through us alone
        command = [sys.executable, "-P", "-m", "drumscribe.service.embedded"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while not self._stopping.is_set():
            try:
                return process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        process.terminate()
        try:
            return process.wait(STOP_S + 1.0)
        except subprocess.TimeoutExpired:
            log.warning("worker_killed", pid=process.pid)
            _kill_family(process)
            return process.wait()

    def _free(self, pid: int) -> None:
        try:
            with self._sessions.write() as session:
                lifecycle.free_leases(session, worker=f"{os.uname().nodename}:{pid}")
        except SQLAlchemyError as error:  # they run out by themselves; but a worker must be started
            log.warning("leases_not_freed", error=described(error))


def _kill_family(process: subprocess.Popen[bytes]) -> None:
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.kill()
    for child in family:
        if child.is_running():
            child.kill()
