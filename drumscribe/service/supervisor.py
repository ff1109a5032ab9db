"""Keeps processes running beside the API: starts them, watches them, starts them again when they die.

Native code that crashes takes the embedded worker with it, and nothing else: its steps are freed at once, and the next worker
takes them up. How often one step may do that is limited by its tries. The web app is watched in the same way.
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

#: Waits before a process that keeps dying is started again.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 5.0
#: A process that lived so long was well.
_WELL_S = 5.0


class Watcher:
    """One process and the thread that watches it. What is special about a process is in the methods that may be replaced."""

    #: What the process is called in the log.
    name = "process"
    #: So long it may take to end when it is told to.
    stop_s = STOP_S
    #: Exit status of a process that wants to be started again; None: there is none.
    replace_me: int | None = None

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends the process when the thread that started it ends: this one lives as long as it should
        self._thread = threading.Thread(target=self._watch, name=f"{self.name}-watcher", daemon=True)

    @property
    def is_working(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process, and watch it from now on."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Tell the process to end; returns at once."""
        self._stopping.set()

    def stop(self) -> None:
        """End the process, if need be by force, and wait for it."""
        self.ask_to_stop()
        self._thread.join(self.stop_s + 4.0)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process once."""
        raise NotImplementedError

    def has_ended(self, pid: int) -> None:
        """Do what must be done each time the process has ended."""

    def _watch(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                process = self._process = self.launch()
            except OSError as error:
                log.error("process_not_started", process=self.name, error=str(error))
                status = None
            else:
                with process:
                    status = self._wait(process)
                self.has_ended(process.pid)
            if self._stopping.is_set():
                return
            if status is not None and status == self.replace_me:
                continue
            if time.monotonic() - started > _WELL_S:
                wait_s = _FIRST_WAIT_S
            log.error("process_died", process=self.name, status=status, wait_s=round(wait_s, 1))
            self._stopping.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while not self._stopping.is_set():
            try:
                return process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        process.terminate()
        try:
            return process.wait(self.stop_s + 1.0)
        except subprocess.TimeoutExpired:
            log.warning("process_killed", process=self.name, pid=process.pid)
            _kill_family(process)
            return process.wait()


class Supervisor(Watcher):
    """The embedded worker."""

    name = "worker"
    replace_me = REPLACE_ME

    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self._sessions = sessions

    def start(self) -> None:
        """Take every step from workers of former times, and start one."""
        with self._sessions.write() as session:
            freed = lifecycle.free_leases(session)
        if freed:
            log.info("leases_freed", count=freed)
        super().start()

    def launch(self) -> subprocess.Popen[bytes]:
        """Start a worker."""
        # stdin ends with this process, which the worker notices; its own session, so that Ctrl-C reaches it through us alone
        command = [sys.executable, "-P", "-m", "drumscribe.service.embedded"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def has_ended(self, pid: int) -> None:
        """Take its steps from a dead worker."""
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
