"""A worker that ends by itself: when nothing is left to do, or after a time. For machines that are paid by the second.

It ends as SIGTERM ends it: a step that runs is finished first, and what it had been sent goes back to the broker.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.jobs.plan import BY_QUEUE
from drumscribe.service.observability.gauges import read_rows
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker lives."""

    idle_s: float | None = None  #: it ends when there has been nothing to do for so long
    at_most_s: float | None = None  #: it takes no more steps after so long


def end_by_itself(settings: Settings, queue: str, limits: Limits) -> None:
    """End this process, the parent of a worker's, when its time has come. Returns at once."""
    from celery.signals import worker_ready

    began = time.monotonic()

    def watch(**_: object) -> None:
        threading.Thread(target=_watch, args=(settings, queue, limits, began), name="draining", daemon=True).start()

    worker_ready.connect(watch, weak=False)


def _watch(settings: Settings, queue: str, limits: Limits, began: float) -> None:
    from drumscribe.service.wiring import build

    services = build(settings)
    last_seen = time.monotonic()
    reason = None
    while reason is None:
        time.sleep(_LOOK_S)
        now = time.monotonic()
        if limits.idle_s is not None and has_work(services, queue):
            last_seen = now
        if limits.at_most_s is not None and now - began >= limits.at_most_s:
            reason = "time"
        elif limits.idle_s is not None and now - last_seen >= limits.idle_s:
            reason = "idle"
    services.close()
    log.info("worker_ends", queue=queue, reason=reason, elapsed_ms=round((time.monotonic() - began) * 1000))
    os.kill(os.getpid(), signal.SIGTERM)


def has_work(services: Services, queue: str) -> bool:
    """Whether a step of the queue waits, a message lies in the broker, or a process of this machine works on a step.

    What others work on is no reason to stay; what cannot be asked is no reason to go.
    """
    try:
        if read_rows(services.sessions).waiting[queue] or services.queue.depth()[queue]:
            return True
        here = Job.leased_by.startswith(f"{os.uname().nodename}:", autoescape=True)
        mine = select(func.count()).where(
            Job.step.in_([step.name for step in BY_QUEUE[queue]]), Job.leased_until.is_not(None), here
        )
        with services.sessions.read() as session:
            return bool(session.scalar(mine))
    except (SQLAlchemyError, BrokerUnavailable) as error:
        log.warning("work_not_counted", error=str(error).splitlines()[0])
        return True
