"""What is done from time to time: messages sent again, webhooks delivered, what has had its time deleted.

The embedded worker does it in a thread of its own, Celery Beat asks for it in messages. Everything may be done twice, or by
two at once, without harm.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.plan import BY_QUEUE, QUEUES
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

DELIVER_INTERVAL_S = 5.0
CLEANUP_INTERVAL_S = 3600.0

#: A message sent so long ago and not in the broker is on its way to a worker, or lost.
_GRACE_S = 10.0


def sweep(services: Services) -> int:
    """Send messages again whose steps wait although no message is on its way; returns how many."""
    try:
        depth = services.queue.depth()
    except BrokerUnavailable as error:
        log.warning("sweep_skipped", error=error.message)
        return 0
    sent = 0
    for queue in QUEUES:
        with services.sessions.write() as session:
            found = lifecycle.lost(session, BY_QUEUE[queue], in_broker=depth[queue], grace_s=_GRACE_S)
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


@dataclass
class Duties:
    """Which of it is due, for a process that does it by itself."""

    services: Services
    stopping: threading.Event
    _due: dict[str, float] = field(default_factory=dict[str, float])

    def next_in(self) -> float:
        """Seconds until something is due."""
        return max(0.0, min(self._due.get(name, 0.0) for name in self._duties()) - time.monotonic())

    def do_what_is_due(self) -> bool:
        """Do it. What fails is due again after its time."""
        for name, (interval, act) in self._duties().items():
            if time.monotonic() >= self._due.get(name, 0.0) and not self.stopping.is_set():
                self._due[name] = time.monotonic() + interval
                act()
        return True

    def _duties(self) -> dict[str, tuple[float, Callable[[], object]]]:
        return {
            "deliver": (1.0, lambda: deliver_webhooks(self.services, self.stopping)),
        }
