"""What has had its time is deleted: recordings first, results later, at last the jobs themselves.

Everything is done in small batches, each in a transaction of its own, and in an order that may break off anywhere: files go
before the row that says where they are. So it may run twice, or in two places at once, and goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from drumscribe.service.jobs import lifecycle
from drumscribe.service.scratch import purge_scratch
from drumscribe.service.settings import Settings
from drumscribe.service.tables import FINAL, Artifact, Job, Status, WebhookMessage
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

#: Rows of one transaction.
BATCH = 50
#: Files of no job, and pieces of uploads that broke off, are looked at no earlier: their job may just be coming into being.
ORPHANED_S = 3600.0

_SHORT_LIVED = ("input", "stem")
_ALWAYS = ("audio.flac", "drums.wav", "drumless.flac")
_NOT_RUNNING = and_(Job.status.in_(FINAL), Job.step.is_(None))


@dataclass
class Cleaned:
    """How much of what went."""

    inputs: int = 0  #: jobs whose recording and stems were deleted
    results: int = 0  #: jobs whose results were deleted
    jobs: int = 0  #: rows
    orphans: int = 0  #: folders of no job
    incoming: int = 0  #: what interrupted uploads left
    scratch: int = 0  #: folders of steps that were killed

    @property
    def total(self) -> int:
        """All together."""
        return self.inputs + self.results + self.jobs + self.orphans + self.incoming + self.scratch


def clean_up(services: Services) -> Cleaned:
    """Delete what has had its time.

    Raises
    ------
    StorageUnavailable
        If the storage is away. What was done until then is done.
    """
    started = time.perf_counter()
    _in_batches(services, _expire)
    cleaned = Cleaned(
        inputs=_in_batches(services, _purge_inputs),
        results=_in_batches(services, _purge_results),
        jobs=_in_batches(services, _remove),
        orphans=_remove_orphans(services),
        incoming=services.storage.purge_incoming(ORPHANED_S),
        scratch=purge_scratch(services.settings),
    )
    if cleaned.total:
        log.info("cleaned_up", **vars(cleaned), elapsed_ms=round((time.perf_counter() - started) * 1000))
    return cleaned


def _in_batches(services: Services, act: Callable[[Services], int]) -> int:
    total = 0
    while done := act(services):
        total += done
    return total


def _purge_inputs(services: Services) -> int:
    """Recordings and stems, some hours after the job ended."""
    due = and_(_NOT_RUNNING, Job.inputs_purged_at.is_(None), Job.finished_at < _ago(services.settings.ARTIFACT_TTL_HOURS))
    jobs = _pick(services, due)
    for job in jobs:
        # attempts that never came to their end may each have left a download
        originals = (file.name for file in services.storage.list_job_files(job.id) if file.name.startswith("original."))
        names = {*_ALWAYS, *originals}
        services.storage.delete_job_artifacts(job.id, names=names)
    with services.sessions.write() as session:
        ids = [job.id for job in jobs]
        session.execute(delete(Artifact).where(Artifact.job_id.in_(ids), Artifact.kind.in_(_SHORT_LIVED)))
        _mark(session, Job.id.in_(ids), inputs_purged_at=datetime.now(UTC))
    return len(jobs)


def _expire(services: Services) -> int:
    """Completed jobs whose results have had their time say so, before anything is deleted."""
    due = and_(_NOT_RUNNING, Job.status == Status.COMPLETED, _outlived(services.settings))
    with services.sessions.write() as session:
        jobs = session.scalars(select(Job).where(due).limit(BATCH).with_for_update(skip_locked=True)).all()
        for job in jobs:
            lifecycle.expire(session, job)
    return len(jobs)


def _purge_results(services: Services) -> int:
    """Everything that is left of jobs that have expired, and what workers saved of deleted ones before they heard of it."""
    last_word = ORPHANED_S + services.settings.STEP_TIMEOUT_SECONDS
    forgotten = Job.deleted_at < _ago(last_word / 3600)
    expired = and_(Job.status == Status.EXPIRED, Job.deleted_at.is_(None))
    jobs = _pick(services, and_(_NOT_RUNNING, or_(expired, forgotten), Job.results_purged_at.is_(None)))
    for job in jobs:
        services.storage.delete_job_artifacts(job.id)
    with services.sessions.write() as session:
        ids = [job.id for job in jobs]
        session.execute(delete(Artifact).where(Artifact.job_id.in_(ids)))
        now = datetime.now(UTC)
        _mark(session, Job.id.in_(ids), results_purged_at=now, result_musicxml_path=None, result_pdf_path=None)
        _mark(session, and_(Job.id.in_(ids), Job.inputs_purged_at.is_(None)), inputs_purged_at=now)
    return len(jobs)


def _remove(services: Services) -> int:
    """Rows that nobody needs any more, with all that hangs on them; not while a message about one is under way."""
    gone = or_(Job.deleted_at.is_not(None), Job.status.in_((Status.FAILED, Status.CANCELLED)))
    long_gone = and_(Job.status == Status.EXPIRED, _outlived(services.settings, twice=True))
    message = exists().where(WebhookMessage.job_id == Job.id, WebhookMessage.status == "pending")
    due = and_(_NOT_RUNNING, or_(and_(gone, _outlived(services.settings)), long_gone), ~message)
    jobs = _pick(services, due)
    for job in jobs:
        services.storage.delete_job_artifacts(job.id)
    with services.sessions.write() as session:
        session.execute(delete(Job).where(Job.id.in_([job.id for job in jobs])))
    return len(jobs)


def _remove_orphans(services: Services) -> int:
    """Files without a row: their upload was never finished, or their row went first."""
    batch: list[str] = []
    count = 0
    for job_id in services.storage.iter_job_ids():
        batch.append(job_id)
        if len(batch) == BATCH:
            count += _remove_unknown(services, batch)
            batch.clear()
    return count + _remove_unknown(services, batch)


def _remove_unknown(services: Services, job_ids: list[str]) -> int:
    with services.sessions.read() as session:
        known = set(session.scalars(select(Job.id).where(Job.id.in_(job_ids))))
    count = 0
    for job_id in set(job_ids) - known:
        newest = max((file.modified or 0.0 for file in services.storage.list_job_files(job_id)), default=0.0)
        if newest < time.time() - ORPHANED_S:
            services.storage.delete_job_artifacts(job_id)
            count += 1
    return count


# ---------------------------------------------------------------------------------------------- the parts


def _pick(services: Services, condition: ColumnElement[bool]) -> list[Job]:
    with services.sessions.read() as session:
        return list(session.scalars(select(Job).where(condition).order_by(Job.finished_at).limit(BATCH)))


def _mark(session: Session, condition: ColumnElement[bool], **values: datetime | None) -> None:
    session.execute(update(Job).where(condition).values(**values), execution_options={"synchronize_session": False})


def _outlived(settings: Settings, *, twice: bool = False) -> ColumnElement[bool]:
    """Whether the time of a job's results is over; twice: as long again."""
    times = 2 if twice else 1
    is_anonymous = Job.user_identifier.startswith("ip:")
    return or_(
        and_(is_anonymous, Job.finished_at < _ago(times * settings.RESULT_TTL_HOURS)),
        and_(~is_anonymous, Job.finished_at < _ago(times * settings.ACCOUNT_RESULT_TTL_HOURS)),
    )


def _ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)
