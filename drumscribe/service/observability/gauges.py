"""Gauges: what the rows, the disk and the connections say at the moment Prometheus asks.

The rows are asked by a thread that is waited for a moment only, and at most every `FRESH_S` seconds: a database that does
not answer takes its gauges away and shows as `drumscribe_up{component="database"} 0`, but the scrape is answered.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping
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
from drumscribe.service.errors import Unavailable
from drumscribe.service.jobs.plan import BY_NAME, QUEUES
from drumscribe.service.tables import Artifact, Job, WebhookMessage
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

FRESH_S = 2.0
#: Asking the storage writes to it.
STORAGE_FRESH_S = 10.0
#: The sum goes over all files.
SIZES_FRESH_S = 300.0
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


def read_sizes(sessions: Sessions) -> dict[str, int]:
    """Bytes of all files, by kind. Looks at every row that there is, so not to be asked often."""
    sizes: dict[str, int] = dict.fromkeys(("input", "stem", "result", "internal"), 0)
    with sessions.read() as session:
        for kind, size in session.execute(select(Artifact.kind, func.sum(Artifact.size)).group_by(Artifact.kind)):
            sizes[kind] = int(size)
    return sizes


def _storage_answers(services: Services) -> bool:
    services.storage.check()
    return True


class _Asked(Generic[T]):
    """The last answer to a question that may take long or fail: never older than `fresh_s`, never waited for long."""

    def __init__(self, fresh_s: float = FRESH_S) -> None:
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._answer: T | None = None
        self._asking: threading.Thread | None = None

    def begin(self, ask: Callable[[], T]) -> None:
        """Ask, unless the last answer is fresh or still being waited for."""
        with self._lock:
            waiting = self._asking is not None and self._asking.is_alive()
            if not waiting and time.monotonic() - self._at > self._fresh_s:
                self._asking = threading.Thread(target=self._run, args=(ask,), name="gauges", daemon=True)
                self._asking.start()

    def answer(self, until: float) -> T | None:
        """What was said, or None while nothing is."""
        asking = self._asking
        if asking is not None:
            asking.join(max(0.0, until - time.monotonic()))
        return None if asking is None or asking.is_alive() else self._answer

    def _run(self, ask: Callable[[], T]) -> None:
        answer = None
        try:
            answer = ask()
        except (SQLAlchemyError, Unavailable) as error:
            log.warning("gauges_not_read", error=str(error).splitlines()[0])
        self._answer, self._at = answer, time.monotonic()


@dataclass
class _Questions:
    """What is asked about one installation."""

    rows: _Asked[Rows] = field(default_factory=_Asked[Rows])
    messages: _Asked[dict[str, int]] = field(default_factory=_Asked[dict[str, int]])
    storage: _Asked[bool] = field(default_factory=lambda: _Asked[bool](STORAGE_FRESH_S))
    sizes: _Asked[dict[str, int]] = field(default_factory=lambda: _Asked[dict[str, int]](SIZES_FRESH_S))


_questions: WeakKeyDictionary[Sessions, _Questions] = WeakKeyDictionary()


class Gauges:
    """Collects them when a scrape comes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """Every gauge that can be told now."""
        services = self._services
        asked = _questions.setdefault(services.sessions, _Questions())
        asked.rows.begin(lambda: read_rows(services.sessions))
        asked.sizes.begin(lambda: read_sizes(services.sessions))
        asked.storage.begin(lambda: _storage_answers(services))
        if not services.settings.is_embedded:
            asked.messages.begin(services.queue.depth)
        until = time.monotonic() + _PATIENCE_S  # for all together: Prometheus waits 10 s
        rows, sizes, messages = asked.rows.answer(until), asked.sizes.answer(until), asked.messages.answer(until)
        up = GaugeMetricFamily("drumscribe_up", "1 if the part answers.", labels=["component"])
        up.add_metric(["database"], float(rows is not None))
        up.add_metric(["storage"], float(asked.storage.answer(until) is not None))
        if not services.settings.is_embedded:
            up.add_metric(["broker"], float(messages is not None))
        yield up
        if rows is not None:
            yield from _of_rows(rows)
        if sizes is not None:
            yield _by("kind", "drumscribe_artifact_bytes", "Size of all files that the rows know, by kind.", sizes)
        if messages is not None:
            yield _by("queue", "drumscribe_broker_messages", "Messages in the broker; the rows are the truth.", messages)
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
            disk = shutil.disk_usage(folder)
            yield GaugeMetricFamily("drumscribe_storage_free_bytes", "Room left where artifacts are kept.", value=disk.free)
            yield GaugeMetricFamily("drumscribe_storage_total_bytes", "All the room there.", value=disk.total)


def _of_rows(rows: Rows) -> Iterable[Metric]:
    yield GaugeMetricFamily("drumscribe_active_jobs", "Jobs that have not ended.", value=rows.active)
    yield _by("queue", "drumscribe_queue_depth", "Steps that are due and wait for a worker.", rows.waiting)
    yield _by("queue", "drumscribe_running_steps", "Steps that a worker holds a lease on.", rows.running)
    age = "How long the step that waits longest has waited."
    yield _by("queue", "drumscribe_oldest_job_age_seconds", age, rows.oldest_s)
    yield GaugeMetricFamily("drumscribe_webhooks_pending", "Webhooks not yet delivered nor given up.", value=rows.webhooks)


def _by(label: str, name: str, says: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for one, value in values.items():
        family.add_metric([one], value)
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
