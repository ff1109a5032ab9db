"""The Celery worker of a distributed service: every task is one line, what it does stands elsewhere.

`drumscribe worker` runs it; `celery -A drumscribe.service.worker inspect ping` finds the same application. Each process of a
worker makes its own services when it starts: no connection is shared over a fork.

A task that cannot reach the database fails and its message is acknowledged: the row still says that the step waits, and the
sweep sends a message again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from drumscribe.service import housekeeping
from drumscribe.service.celery_app import CLEANUP, DELIVER, SWEEP, make_app
from drumscribe.service.jobs.plan import DEFAULT, HEAVY, STEPS, Step
from drumscribe.service.parts import PARTS
from drumscribe.service.queueing import ASK
from drumscribe.service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery, Task

    from drumscribe.service.parts import Finding
    from drumscribe.service.wiring import Services

#: What a worker of each queue is called, before its machine's name.
NAMES = {DEFAULT: "default", HEAVY: "heavy"}

_services: dict[str, Services] = {}  # of this process, by the one name "services"


def make_worker_app(settings: Settings) -> Celery:
    """The application with its tasks and its timetable."""
    app = make_app(settings.REDIS_URL)
    app.conf.update(
        worker_proc_alive_timeout=60.0,  # a process that starts on a busy machine reads its networks first
        beat_schedule={
            SWEEP: _every(SWEEP, settings.SWEEP_INTERVAL_SECONDS),
            DELIVER: _every(DELIVER, housekeeping.DELIVER_INTERVAL_S),
            CLEANUP: _every(CLEANUP, housekeeping.CLEANUP_INTERVAL_S),
        },
    )
    for step in STEPS:
        app.task(bind=True, name=step.name)(_task_of(step))
    for name, duty in {SWEEP: _sweep, DELIVER: _deliver, CLEANUP: _clean_up}.items():
        app.task(name=name)(duty)
    return app


def _sweep() -> int:
    with housekeeping.counted("sweep"):
        return housekeeping.sweep(_of_this_process())


def _deliver() -> int:
    with housekeeping.counted("deliver"):
        return housekeeping.deliver_webhooks(_of_this_process())


def _clean_up() -> int:
    with housekeeping.counted("clean_up"):
        return housekeeping.cleanup_old_artifacts(_of_this_process()).total


def _every(name: str, seconds: float) -> dict[str, Any]:
    # a message that nobody took in time is not worth doing late: the next one is there
    return {"task": name, "schedule": seconds, "options": {"expires": max(seconds, 2.0)}}


def _task_of(step: Step) -> Callable[[Task, str], bool]:
    def task(self: Task, job_id: str) -> bool:
        from drumscribe.service.steps import run_step

        return run_step(step.name, job_id, _of_this_process(), message_id=self.request.id)

    task.__name__ = task.__qualname__ = step.name
    return task


def _of_this_process() -> Services:
    return _services["services"]


def prepare_processes(settings: Settings, queue: str) -> None:
    """Say what each process of a worker does when it starts and when it ends."""
    from celery.signals import worker_process_init, worker_process_shutdown

    def start(**_: object) -> None:
        from drumscribe.service.observability.logs import setup_logging
        from drumscribe.service.observability.traces import setup_tracing
        from drumscribe.service.observability.tracking import setup_error_tracking
        from drumscribe.service.scratch import purge_scratch
        from drumscribe.service.wiring import build

        setup_logging(settings.LOG_LEVEL)
        setup_error_tracking(settings)
        services = _services["services"] = build(settings)
        purge_scratch(settings)  # of this machine; the hourly clean-up may run on another
        setup_tracing(settings, "drumscribe-worker", engine=services.sessions.engine)
        if queue == HEAVY:
            from drumscribe.service.models import preload

            preload(settings)

    def end(**_: object) -> None:
        from drumscribe.service.observability.traces import shutdown_tracing
        from drumscribe.service.observability.tracking import flush_reports

        flush_reports()
        _services.pop("services").close()
        shutdown_tracing(patience_s=2.0)

    quieten(settings)
    _answer_for_parts(settings, queue)
    worker_process_init.connect(start, weak=False)
    worker_process_shutdown.connect(end, weak=False)


def _answer_for_parts(settings: Settings, queue: str) -> None:
    """Let whoever asks for the parts that this queue needs have an answer, from the main process, which is never busy long."""
    from celery.worker.control import control_command  # pyright: ignore[reportUnknownVariableType]

    def answer(_: object, part: str) -> Finding | None:
        needed_by, look = PARTS[part]
        return look(settings) if needed_by == queue else None

    control_command(name=ASK, args=[("part", str)])(answer)


def quieten(settings: Settings) -> None:
    """Keep Celery from telling of every message and every tick; its warnings are heard."""
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(name).setLevel(logging.DEBUG if settings.LOG_LEVEL == "DEBUG" else logging.WARNING)


def __getattr__(name: str) -> Any:
    """`app`, for `celery -A drumscribe.service.worker`: made when asked for, from the environment."""
    if name == "app":
        return make_worker_app(Settings.model_validate({}))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
