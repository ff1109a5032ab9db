"""The embedded worker: one process beside the API, with a thread for each queue and one that keeps house.

`python -m drumscribe.service.embedded`, started and watched by `supervisor.Supervisor`. The rows of the jobs are its queue: each
thread asks for the most urgent step that is due. It ends when it is told to (SIGTERM), when its parent does, and when its
memory has grown too large: then between two jobs, to be replaced.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

import psutil
import structlog

from drumscribe.service.lifeline import die_with_parent
from drumscribe.service.settings import Settings

#: Exit status of a worker that wants to be replaced.
REPLACE_ME = 75
#: How often a thread without work looks for some. One indexed SELECT.
POLL_S = 0.2
#: Steps that are running have so long to come to a place where they can stop.
STOP_S = 6.0
#: Wait after the database did not answer.
_PAUSE_S = 1.0

log = structlog.get_logger(__name__)


class Worker:
    """The threads, and what they have in common."""

    def __init__(self, settings: Settings) -> None:
        from drumscribe.service.jobs.plan import QUEUES
        from drumscribe.service.wiring import build

        self.services = build(settings)
        self.stopping = threading.Event()  # stop what runs
        self._leaving = threading.Event()  # take no more
        self._calls = {queue: threading.Event() for queue in QUEUES}
        self._queues = [threading.Thread(target=self._serve, args=(queue,), name=queue, daemon=True) for queue in QUEUES]
        self._house = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)

    def run(self) -> int:
        """Work until told to stop; the exit status."""
        from drumscribe.service.models import preload

        self._house.start()
        for thread in self._queues:
            thread.start()
        threading.Thread(target=preload, args=(self.services.settings,), name="preload", daemon=True).start()
        log.info("worker_started", pid=os.getpid())
        while any(thread.is_alive() for thread in self._queues) and not self.stopping.wait(0.5):
            pass
        if not self.stopping.is_set():
            log.info("worker_leaves", rss_kb=_resident_kb())
            return REPLACE_ME
        self._call_all()
        for thread in self._queues:
            thread.join(STOP_S)
        return 0

    def _serve(self, queue: str) -> None:
        from drumscribe.service.jobs import lifecycle
        from drumscribe.service.jobs.plan import BY_QUEUE
        from drumscribe.service.steps import run_step

        def work() -> bool:
            with self.services.sessions.read() as session:
                found = lifecycle.due(session, BY_QUEUE[queue], 1)
            return any(run_step(name, job_id, self.services, stopping=self.stopping.is_set) for name, job_id in found)

        while not (self._leaving.is_set() or self.stopping.is_set()):
            if self._try(work):
                self._call_all()
                if _resident_kb() > self.services.settings.WORKER_HEAVY_MAX_MEMORY_KB:
                    self._leaving.set()
            else:
                self._calls[queue].wait(POLL_S)
            self._calls[queue].clear()

    def _keep_house(self) -> None:
        from drumscribe.service.housekeeping import Duties

        duties = Duties(self.services, self.stopping)
        while not self.stopping.wait(duties.next_in()):
            self._try(duties.do_what_is_due)

    def _try(self, work: Callable[[], bool]) -> bool:
        """Do it; what goes wrong is logged, and tried again after a pause: a worker's thread must not end by itself."""
        from sqlalchemy.exc import DBAPIError

        try:
            return work()
        except DBAPIError as error:
            log.warning("database_away", error=str(error.orig))
        except Exception as error:
            log.error("worker_thread_failed", exc_info=error)
        self.stopping.wait(_PAUSE_S)
        return False

    def _call_all(self) -> None:
        for call in self._calls.values():
            call.set()


def _resident_kb() -> int:
    return psutil.Process().memory_info().rss // 1024


def main() -> None:
    """Run the worker of the settings in the environment."""
    die_with_parent()
    settings = Settings.model_validate({})
    from drumscribe.service.observability.exposition import share_metrics

    share_metrics(settings)
    from drumscribe.service.observability.logs import setup_logging
    from drumscribe.service.observability.traces import setup_tracing, shutdown_tracing
    from drumscribe.service.observability.tracking import flush_reports, setup_error_tracking

    setup_logging(settings.LOG_LEVEL, file_descriptor=2)
    setup_error_tracking(settings)
    worker = Worker(settings)
    setup_tracing(settings, "drumscribe-worker", engine=worker.services.sessions.engine)
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent, who passes it on

    def follow_parent() -> None:
        sys.stdin.buffer.read()  # ends when the parent does
        worker.stopping.set()

    threading.Thread(target=follow_parent, name="parent", daemon=True).start()
    status = worker.run()
    for child in psutil.Process().children(recursive=True):  # engravers of steps that did not stop in time
        child.kill()
    shutdown_tracing(patience_s=1.0)
    flush_reports()
    sys.stderr.flush()
    os._exit(status)  # not by way of threads that native code may hold


if __name__ == "__main__":
    main()
