"""What is done from time to time: messages sent again, webhooks delivered, what has had its time deleted.

The embedded worker does it in a thread of its own, Celery Beat asks for it in messages. Everything may be done twice, or by
two at once, without harm.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.plan import BY_QUEUE, QUEUES
from drumscribe.service.observability import metrics
from drumscribe.service.wiring import Services

if TYPE_CHECKING:
    from drumscribe.service.cleanup import Cleaned

log = structlog.get_logger(__name__)

DELIVER_INTERVAL_S = 5.0
CLEANUP_INTERVAL_S = 3600.0
#: Not at once: a service that starts has jobs to carry on.
_CLEANUP_AFTER_S = 60.0

#: A message is not thought lost before it can have arrived.
_LEAST_GRACE_S = 2.0


@contextmanager
def counted(duty: str) -> Generator[None]:
    """Count the block as one sweep, delivery or clean-up, also if it fails."""
    try:
        yield
    except Exception:
        metrics.duty_done(duty, failed=True)
        raise
    metrics.duty_done(duty)


def sweep(services: Services) -> int:
    """Send messages again whose steps wait although no message is on its way; returns how many."""
    try:
        depth = services.queue.depth()
    except BrokerUnavailable as error:
        log.warning("sweep_skipped", error=error.message)
        return 0
    sent = 0
    grace_s = max(_LEAST_GRACE_S, services.settings.SWEEP_INTERVAL_SECONDS)
    for queue in QUEUES:
        with services.sessions.write() as session:
            found = lifecycle.lost(session, BY_QUEUE[queue], in_broker=depth[queue], grace_s=grace_s)
        for step, job_id, priority in found:
            services.nudge(step, job_id, priority=priority)
        sent += len(found)
    if sent:
        log.info("messages_sent_again", count=sent)
    return sent


def deliver_webhooks(services: Services, stopping: threading.Event | None = None) -> int:
    """Try every webhook message that is due; returns how many were tried."""
    from drumscribe.service.webhooks.delivery import deliver_webhooks

    return deliver_webhooks(services, stopping=stopping)


def cleanup_old_artifacts(services: Services) -> Cleaned:
    """Delete what has had its time, and what people of former times left behind when they signed in."""
    from drumscribe.service.cleanup import clean_up
    from drumscribe.service.users.actions import forget_old

    with services.sessions.write() as session:
        forget_old(session)
    return clean_up(services)


@dataclass
class Duties:
    """Which of it is due, for a process that does it by itself."""

    services: Services
    stopping: threading.Event
    _due: dict[str, float] = field(default_factory=lambda: {"clean_up": time.monotonic() + _CLEANUP_AFTER_S})

    def next_in(self) -> float:
        """Seconds until something is due."""
        return max(0.0, min(self._due.get(name, 0.0) for name in self._duties()) - time.monotonic())

    def do_what_is_due(self) -> bool:
        """Do it. What fails is due again after its time."""
        for name, (interval, act) in self._duties().items():
            if time.monotonic() >= self._due.get(name, 0.0) and not self.stopping.is_set():
                self._due[name] = time.monotonic() + interval
                with counted(name):
                    act()
        return True

    def _duties(self) -> dict[str, tuple[float, Callable[[], object]]]:
        return {
            # the rarer one first: the other could fail each time and keep it from its turn
            "clean_up": (CLEANUP_INTERVAL_S, lambda: cleanup_old_artifacts(self.services)),
            "deliver": (1.0, lambda: deliver_webhooks(self.services, self.stopping)),
        }
