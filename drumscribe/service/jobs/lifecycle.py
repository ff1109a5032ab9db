"""How a job moves: every change of a job that runs is one of these functions, each inside its caller's transaction.

A step belongs to whoever claimed it last. A claim raises `attempt`, and every later change of that worker names it: one
that lost its lease changes nothing any more. So messages may be delivered twice, late, or to two workers at once, and
each step still takes effect once. All comparisons of time use the database's clock.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from drumscribe.errors import DrumScribeError
from drumscribe.service.database import after_commit, db_now, db_seconds
from drumscribe.service.jobs.plan import BY_NAME, INGEST, TRANSCRIBE, Step, after
from drumscribe.service.observability import metrics
from drumscribe.service.tables import ACTIVE, Artifact, Event, Job, Revision, Share, Status, WebhookMessage

#: Waits between tries grow up to this.
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one step of one job."""

    job_id: str
    step: Step
    attempt: int
    tries: int


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """A file that lies in the storage and is about to be entered."""

    name: str
    kind: str
    content_type: str
    size: int
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a change led to, for logs and metrics; `next_step` must be sent once the change is committed."""

    status: Status
    next_step: Step | None = None
    retry: bool = False


# ---------------------------------------------------------------------------------------------- taking a step


def claim(session: Session, step: Step, job_id: str, *, worker: str, lease_s: float, max_attempts: int) -> Claim | None:
    """Take a step that waits, or whose worker is gone. None: nothing to do, the message was late or a duplicate.

    A step that has used up its attempts (workers died over it) ends its job instead.
    """
    job = session.scalars(
        update(Job)
        .where(Job.id == job_id, Job.step == step.name, _is_due(), Job.status.in_(ACTIVE))
        .values(
            attempt=Job.attempt + 1,
            tries=Job.tries + 1,
            leased_by=worker[:120],
            leased_until=db_seconds() + lease_s,
            status=step.status,
            progress=step.begin,
            started_at=func.coalesce(Job.started_at, db_now()),
            updated_at=db_now(),
            version=Job.version + 1,
        )
        .returning(Job),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).one_or_none()
    if job is None:
        return None
    taken = Claim(job.id, step, job.attempt, job.tries)
    if job.tries > max_attempts:
        _fail(session, job, step, "worker_lost", f"The work was given up after {max_attempts} attempts that never ended.", False)
        return None
    _record(session, job, "status")
    return taken


def due(session: Session, steps: Sequence[Step], limit: int) -> list[tuple[str, str]]:
    """Steps that wait for a worker, most urgent first: (step name, job id)."""
    rows = session.execute(
        select(Job.step, Job.id)
        .where(Job.step.in_([step.name for step in steps]), _is_due())
        .order_by(Job.priority.desc(), Job.created_at)
        .limit(limit)
    )
    return [(name, job_id) for name, job_id in rows if name is not None]


def _is_due() -> ColumnElement[bool]:
    return and_(Job.available_at <= db_seconds(), or_(Job.leased_until.is_(None), Job.leased_until < db_seconds()))


# ---------------------------------------------------------------------------------------------- while it runs


def renew(session: Session, held: Claim, *, lease_s: float) -> bool:
    """Say that the worker is alive. False: the step is no longer its own, and it should stop."""
    return _change(session, held, leased_until=db_seconds() + lease_s) is not None


def report(session: Session, held: Claim, *, progress: int, stage: str) -> bool:
    """Tell how far the work is (0-100 of the whole job). False: the step is no longer the caller's."""
    job = _change(session, held, progress=progress, stage=stage, updated_at=db_now(), version=Job.version + 1)
    if job is None:
        return False
    _record(session, job, "progress")
    return True


# ---------------------------------------------------------------------------------------------- how it ends


def finish(
    session: Session, held: Claim, *, values: Mapping[str, Any], artifacts: Iterable[NewArtifact], elapsed_ms: int
) -> Ended | None:
    """Close a step that succeeded, and hand the job to the next. None: it was no longer the caller's, nothing is changed."""
    following = after(held.step)
    job = _change(
        session,
        held,
        **values,
        **_waiting_for(following),
        progress=held.step.end,
        compute_time_ms=Job.compute_time_ms + elapsed_ms,
        updated_at=db_now(),
        version=Job.version + 1,
    )
    if job is None:
        return None
    for made in artifacts:
        session.add(Artifact(job_id=job.id, revision=job.working_on, **asdict(made)))
    if following is not None:
        _record(session, job, "progress")
        return Ended(Status(job.status), following)
    job.status, job.revision, job.stage, job.finished_at = Status.COMPLETED, job.working_on, None, db_now()
    revision = session.get_one(Revision, (job.id, job.working_on))
    revision.status, revision.finished_at = Status.COMPLETED, db_now()
    _record(session, job, "status")
    if job.revision == 1:
        _count(session, job)
        announce(session, job)
    else:
        after_commit(session, partial(metrics.revision_ended, "completed"))
    return Ended(Status.COMPLETED)


def fail(session: Session, held: Claim, error: DrumScribeError, *, max_attempts: int, retry_base_s: float) -> Ended | None:
    """Close a step that failed: wait and try again if that can help, else end the job. None: it was no longer the caller's."""
    if error.retryable and held.tries < max_attempts:
        wait = min(LONGEST_WAIT_S, retry_base_s * 2 ** (held.tries - 1)) * random.uniform(0.75, 1.25)
        job = _change(
            session, held, leased_by=None, leased_until=None, available_at=db_seconds() + wait, sent_at=None, updated_at=db_now()
        )
        return None if job is None else Ended(Status(job.status), retry=True)
    job = _change(session, held, updated_at=db_now(), version=Job.version + 1)
    if job is None:
        return None
    return Ended(_fail(session, job, held.step, error.code, error.message, error.retryable))


def release(session: Session, held: Claim) -> None:
    """Give a step back untried: the worker is told to stop."""
    _change(
        session, held, leased_by=None, leased_until=None, available_at=0.0, sent_at=None, tries=Job.tries - 1, updated_at=db_now()
    )


def cancel(session: Session, job: Job) -> bool:
    """Stop a job that has not ended; a re-engraving is given up and the job stays completed. False: it had ended."""
    if Status(job.status).is_final:
        return False
    job.attempt += 1  # whoever works on it finds out at its next word
    _end(session, job)
    job.version += 1
    if job.working_on > 1:
        _give_up_revision(session, job, "cancelled", "It was cancelled.")
        return True
    job.status = Status.CANCELLED
    _record(session, job, "status")
    _count(session, job)
    announce(session, job)
    return True


def start_revision(
    session: Session, job: Job, options: dict[str, Any], *, base: int, edits: list[dict[str, Any]] | None = None
) -> Revision:
    """Send a completed job back to its last step to be written anew with other options, or with corrections."""
    newest = session.scalar(select(func.max(Revision.number)).where(Revision.job_id == job.id)) or 1
    revision = Revision(
        job_id=job.id, number=newest + 1, base=base, options=options, edits=edits or None, edit_count=len(edits or ())
    )
    session.add(revision)
    job.attempt += 1  # the worker of the last revision may not know yet that its end was committed, and say it again
    if options.get("title"):
        job.title = options["title"]
    job.status, job.progress, job.stage, job.working_on = Status.QUEUED, TRANSCRIBE.begin, None, newest + 1
    job.updated_at = db_now()
    job.version += 1
    for column, value in _waiting_for(TRANSCRIBE).items():
        setattr(job, column, value)
    _record(session, job, "status")
    return revision


def expire(session: Session, job: Job) -> None:
    """Say of a completed job that what it made is deleted. Nobody sees it through a link any more."""
    session.execute(delete(Share).where(Share.job_id == job.id))
    job.status, job.updated_at = Status.EXPIRED, db_now()
    job.version += 1
    _record(session, job, "status")


def note(session: Session, job: Job) -> None:
    """Tell a job's followers that something about it has changed which is not its status."""
    job.updated_at = db_now()
    job.version += 1
    _record(session, job, "status")


def free_leases(session: Session, *, worker: str | None = None) -> int:
    """Take their steps from workers that are known to be dead: one of that name, or (None) all there are."""
    condition = Job.leased_until.is_not(None) if worker is None else Job.leased_by == worker
    freed = session.execute(
        update(Job).where(condition, Job.step.is_not(None)).values(leased_by=None, leased_until=None).returning(Job.id),
        execution_options={"synchronize_session": False},
    )
    return len(freed.all())


def fail_stuck(session: Session, *, older_than_s: float, message: str) -> list[str]:
    """End jobs that were begun, that nobody holds and that nothing has been heard of for long; returns their ids.

    Those that still wait for their first worker are left alone: a long queue is no fault.
    """
    now = session.scalars(select(db_now())).one()
    silent = Job.updated_at < now - timedelta(seconds=older_than_s)
    return _give_up(session, Job.status != Status.QUEUED, silent, message=message)


def fail_waiting(session: Session, *, message: str) -> list[str]:
    """End every job that nobody holds; returns their ids."""
    return _give_up(session, message=message)


def _give_up(session: Session, *which: ColumnElement[bool], message: str) -> list[str]:
    rows = session.scalars(select(Job).where(Job.step.is_not(None), _is_due(), *which).with_for_update()).all()
    for job in rows:
        job.attempt += 1
        job.version += 1
        _fail(session, job, BY_NAME[job.step or ""], "worker_lost", message, True)
    return [job.id for job in rows]


# ---------------------------------------------------------------------------------------------- lost messages


def lost(
    session: Session, steps: Sequence[Step], *, in_broker: int, grace_s: float, limit: int = 1000
) -> list[tuple[str, str, int]]:
    """Steps that wait although no message about them is on its way: (step name, job id, priority). Marks them as sent.

    Certainly lost are those that fell due after their message was sent: a wait or a dead worker's lease has run out. Of
    the others, as many may be lost as the broker holds fewer messages than steps wait; the oldest are sent again.
    """
    due_since = func.coalesce(Job.leased_until, Job.available_at)
    waiting = (Job.step.in_([step.name for step in steps]), _is_due())
    overdue = or_(Job.sent_at.is_(None), Job.sent_at < due_since)
    pick = select(Job).with_for_update(skip_locked=True).order_by(Job.priority.desc(), Job.created_at)
    rows = list(session.scalars(pick.where(*waiting, overdue).limit(limit)))
    sent = session.scalar(select(func.count()).select_from(Job).where(*waiting, ~overdue)) or 0
    if sent > in_broker:
        stale = Job.sent_at < db_seconds() - grace_s
        rows += list(session.scalars(pick.where(*waiting, ~overdue, stale).limit(min(sent - in_broker, limit))))
    if rows:
        session.execute(
            update(Job).where(Job.id.in_([job.id for job in rows])).values(sent_at=db_seconds()),
            execution_options={"synchronize_session": False},
        )
    return [(job.step or "", job.id, job.priority) for job in rows]


# ---------------------------------------------------------------------------------------------- the parts


def enter(session: Session, job: Job, engraving: dict[str, Any]) -> None:
    """Enter a new job with its first event and first revision. Its message must be sent once this is committed."""
    for column, value in _waiting_for(INGEST).items():
        setattr(job, column, value)
    job.version = 1
    session.add(job)
    session.flush()
    session.add(Revision(job_id=job.id, number=1, options=engraving))
    _record(session, job, "status")


def announce(session: Session, job: Job) -> None:
    """Put the message about a job's end into the outbox, if its owner asked for one."""
    if not job.webhook_url:
        return
    session.flush()
    session.refresh(job)
    error = {"code": job.error_code, "message": job.error_message, "retryable": job.error_retryable} if job.error_code else None
    data = {
        "job_id": job.id,
        "status": job.status,
        "title": job.title,
        "duration_seconds": job.duration_seconds,
        "bpm": job.bpm if job.bpm is not None else job.detected_bpm,
        "hit_summary": job.hit_summary,
        "confidence_score": job.confidence_score,
        "warnings": job.warnings or [],
        "error": error,
        "result_url": f"/api/v1/jobs/{job.id}/result" if job.status == Status.COMPLETED else None,
    }
    finished = job.finished_at.isoformat().replace("+00:00", "Z") if job.finished_at else None
    kind = f"job.{job.status}"
    session.add(
        WebhookMessage(
            id=f"msg_{uuid4().hex[:28]}",
            job_id=job.id,
            owner=job.user_identifier,
            type=kind,
            url=job.webhook_url,
            payload={"type": kind, "timestamp": finished, "data": data},
        )
    )


def _change(session: Session, held: Claim, **values: Any) -> Job | None:
    return session.scalars(
        update(Job)
        .where(Job.id == held.job_id, Job.attempt == held.attempt, Job.step == held.step.name, Job.status.in_(ACTIVE))
        .values(**values)
        .returning(Job),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).one_or_none()


def _waiting_for(step: Step | None) -> dict[str, Any]:
    sent = None if step is None else db_seconds()
    return {
        "step": None if step is None else step.name,
        "tries": 0,
        "leased_by": None,
        "leased_until": None,
        "available_at": 0.0,
        "sent_at": sent,
    }


def _end(session: Session, job: Job) -> None:
    for column, value in _waiting_for(None).items():
        setattr(job, column, value)
    job.stage, job.finished_at, job.updated_at = None, db_now(), db_now()


def _fail(session: Session, job: Job, step: Step, code: str, message: str, retryable: bool) -> Status:
    _end(session, job)
    if job.working_on > 1:
        _give_up_revision(session, job, code, message)
        return Status.COMPLETED
    job.status = Status.FAILED
    job.error_code, job.error_message, job.error_retryable, job.error_stage = code, message, retryable, step.stage
    revision = session.get_one(Revision, (job.id, 1))
    revision.status, revision.error_code, revision.error_message, revision.finished_at = Status.FAILED, code, message, db_now()
    _record(session, job, "status")
    _count(session, job)
    announce(session, job)
    return Status.FAILED


def _give_up_revision(session: Session, job: Job, code: str, message: str) -> None:
    revision = session.get_one(Revision, (job.id, job.working_on))
    revision.status, revision.error_code, revision.error_message, revision.finished_at = Status.FAILED, code, message, db_now()
    job.status, job.progress = Status.COMPLETED, 100
    _record(
        session,
        job,
        "status",
        revision={"number": revision.number, "status": "failed", "error": {"code": code, "message": message}},
    )
    after_commit(session, partial(metrics.revision_ended, "failed"))


def _count(session: Session, job: Job) -> None:
    """Each end of a job is counted once, where it happens, whoever brought it about."""
    ended = partial(metrics.job_ended, str(job.status), stage=job.error_stage, code=job.error_code)
    after_commit(session, partial(ended, audio_seconds=job.duration_seconds))


def _record(session: Session, job: Job, kind: str, **more: Any) -> None:
    data: dict[str, Any] = {"status": str(job.status), "progress": job.progress, "stage": job.stage, "revision": job.revision}
    if job.status == Status.FAILED:
        data["error"] = {"code": job.error_code, "message": job.error_message, "retryable": job.error_retryable}
    session.add(Event(job_id=job.id, seq=job.version, type=kind, data=data | more))
