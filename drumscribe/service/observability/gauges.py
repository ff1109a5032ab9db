"""Gauges: what the rows, the disk and the connections say at the moment Prometheus asks.

The rows are asked by a thread that is waited for a moment only, and at most every `FRESH_S` seconds: a database that does
not answer takes its gauges away and shows as `drumscribe_up{component="database"} 0`, but the scrape is answered.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import structlog
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from sqlalchemy import and_, case, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from drumscribe.service.database import Sessions, db_now, db_seconds
from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.jobs.plan import BY_NAME, QUEUES
from drumscribe.service.tables import Job, WebhookMessage
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

FRESH_S = 2.0
_PATIENCE_S = 3.0

T = TypeVar("T")


@dataclass(slots=True)
class Rows:
    """What the rows say."""

    waiting: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0))
    running: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0))
    oldest_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0.0))
    active: int = 0
    webhooks: int = 0


def read_rows(sessions: Sessions) -> Rows:
    """Count what waits and runs; both queries touch only rows that are not done."""
    now = db_seconds()
    leased = and_(Job.leased_until.is_not(None), Job.leased_until >= now)
    due = and_(~func.coalesce(leased, False), Job.available_at <= now)
    rows = Rows()
    with sessions.read() as session:
        counted = session.execute(
            select(
                Job.step,
                func.count(),
                func.sum(case((due, 1), else_=0)),
                func.sum(case((leased, 1), else_=0)),
                func.min(case((due, Job.updated_at))),
                db_now(),
            )
            .where(Job.step.is_not(None))
            .group_by(Job.step)
        )
        for step, active, waiting, running, since, at in counted:
            queue = BY_NAME[step or ""].queue
            rows.active += active
            rows.waiting[queue] += waiting
            rows.running[queue] += running
            if since is not None:
                rows.oldest_s[queue] = max(rows.oldest_s[queue], (at - since).total_seconds())
        rows.webhooks = (
            session.scalar(select(func.count()).select_from(WebhookMessage).where(WebhookMessage.status == "pending")) or 0
        )
    return rows


class _Asked(Generic[T]):
    """The last answer to a question that may take long or fail: never older than `FRESH_S`, never waited for long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._answer: T | None = None
        self._asking: threading.Thread | None = None

    def get(self, ask: Callable[[], T]) -> T | None:
        """What `ask` says, or said a moment ago; None while it says nothing."""
        with self._lock:
            if time.monotonic() - self._at <= FRESH_S:
                return self._answer
            if self._asking is None or not self._asking.is_alive():
                self._asking = threading.Thread(target=self._run, args=(ask,), name="gauges", daemon=True)
                self._asking.start()
            asking = self._asking
        asking.join(_PATIENCE_S)
        return None if asking.is_alive() else self._answer

    def _run(self, ask: Callable[[], T]) -> None:
        answer = None
        try:
            answer = ask()
        except (SQLAlchemyError, BrokerUnavailable) as error:
            log.warning("gauges_not_read", error=str(error).splitlines()[0])
        self._answer, self._at = answer, time.monotonic()


_rows: WeakKeyDictionary[Sessions, _Asked[Rows]] = WeakKeyDictionary()
_messages: WeakKeyDictionary[Sessions, _Asked[dict[str, int]]] = WeakKeyDictionary()


class Gauges:
    """Collects them when a scrape comes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """Every gauge that can be told now."""
        services = self._services
        rows = _rows.setdefault(services.sessions, _Asked()).get(lambda: read_rows(services.sessions))
        up = GaugeMetricFamily("drumscribe_up", "1 if the part answers.", labels=["component"])
        up.add_metric(["database"], float(rows is not None))
        if rows is not None:
            yield from _of_rows(rows)
        if not services.settings.is_embedded:
            messages = _messages.setdefault(services.sessions, _Asked()).get(services.queue.depth)
            up.add_metric(["broker"], float(messages is not None))
            if messages is not None:
                yield _by_queue("drumscribe_broker_messages", "Messages in the broker; the rows are the truth.", messages)
        yield up
        yield from self._of_this_process()
        yield _build_info(services.settings.is_embedded)
        yield _models()

    def _of_this_process(self) -> Iterable[Metric]:
        services = self._services
        pool = services.sessions.engine.pool
        if isinstance(pool, QueuePool):
            connections = GaugeMetricFamily(
                "drumscribe_database_pool_connections", "Connections of this process, by what they do.", labels=["state"]
            )
            connections.add_metric(["in_use"], pool.checkedout())
            connections.add_metric(["idle"], pool.checkedin())
            yield connections
        if services.settings.STORAGE_BACKEND == "local":
            folder = services.settings.artifacts_dir
            while not folder.exists():
                folder = folder.parent
            yield GaugeMetricFamily(
                "drumscribe_storage_free_bytes", "Room left where artifacts are kept.", value=shutil.disk_usage(folder).free
            )


def _of_rows(rows: Rows) -> Iterable[Metric]:
    yield GaugeMetricFamily("drumscribe_active_jobs", "Jobs that have not ended.", value=rows.active)
    yield _by_queue("drumscribe_queue_depth", "Steps that are due and wait for a worker.", rows.waiting)
    yield _by_queue("drumscribe_running_steps", "Steps that a worker holds a lease on.", rows.running)
    yield _by_queue("drumscribe_oldest_job_age_seconds", "How long the step that waits longest has waited.", rows.oldest_s)
    yield GaugeMetricFamily("drumscribe_webhooks_pending", "Webhooks not yet delivered nor given up.", value=rows.webhooks)


def _by_queue(name: str, says: str, values: dict[str, int] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=["queue"])
    for queue, value in values.items():
        family.add_metric([queue], value)
    return family


def _build_info(embedded: bool) -> Metric:
    mode = "embedded" if embedded else "distributed"
    return InfoMetricFamily("drumscribe_build", "Version and mode.", value={"version": version("drumscribe"), "mode": mode})


def _models() -> Metric:
    family = GaugeMetricFamily(
        "drumscribe_model_info", "Networks that ship with this version.", labels=["kind", "model", "version"]
    )
    for kind, name, number in _shipped():
        family.add_metric([kind, name, number], 1)
    return family


@cache
def _shipped() -> tuple[tuple[str, str, str], ...]:
    from drumscribe.weights.manifest import Manifest

    return tuple((entry.kind, entry.ref.name, entry.ref.version) for entry in Manifest.read().entries)
