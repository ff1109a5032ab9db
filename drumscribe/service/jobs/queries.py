"""What the API asks the database about jobs. Every question names the caller: other people's jobs do not exist."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Connection, Row, and_, bindparam, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from drumscribe.service.errors import InvalidRequest, JobNotFound
from drumscribe.service.jobs.plan import BY_QUEUE
from drumscribe.service.tables import Artifact, IdempotencyKey, Job, Revision, Status
from drumscribe.service.users.identity import Caller

T = TypeVar("T")

_waiting = aliased(Job, name="waiting")
_QUEUE_OF = case(*((Job.step.in_([step.name for step in steps]), queue) for queue, steps in BY_QUEUE.items()))
_WAITING_QUEUE = case(*((_waiting.step.in_([step.name for step in steps]), queue) for queue, steps in BY_QUEUE.items()))
#: 1 for the job that is next in its queue; asked for queued jobs only.
_POSITION = case(
    (
        Job.status == Status.QUEUED,
        select(func.count() + 1)
        .where(
            _waiting.step.is_not(None),
            _waiting.status == Status.QUEUED,
            _WAITING_QUEUE == _QUEUE_OF,
            or_(
                _waiting.priority > Job.priority,
                and_(_waiting.priority == Job.priority, _waiting.created_at < Job.created_at),
            ),
        )
        .correlate(Job)
        .scalar_subquery(),
    ),
    else_=None,
)

#: What a job's status is made of.
STATUS_COLUMNS = (
    Job.id,
    Job.version,
    Job.status,
    Job.progress,
    Job.stage,
    Job.created_at,
    Job.updated_at,
    Job.started_at,
    Job.finished_at,
    Job.input_type,
    Job.youtube_url,
    Job.original_filename,
    Job.title,
    Job.bpm,
    Job.detected_bpm,
    Job.bpm_unreliable,
    Job.duration_seconds,
    Job.sample_rate,
    Job.hit_summary,
    Job.confidence_score,
    Job.warnings,
    Job.compute_time_ms,
    Job.model,
    Job.model_version,
    Job.revision,
    Job.webhook_url,
    Job.user_identifier,
    Job.error_code,
    Job.error_message,
    Job.error_retryable,
    Job.error_stage,
)
_STATUS = select(*STATUS_COLUMNS, _POSITION.label("queue_position"))
# Put together once: for statements that are asked hundreds of times a second that is most of the work
_OF_CALLER = and_(
    Job.id == bindparam("job_id"), or_(bindparam("sees_all", type_=Boolean), Job.user_identifier == bindparam("owner"))
)
_STATUS_OF = _STATUS.where(_OF_CALLER)
_VERSION_OF = select(Job.version, _POSITION.label("queue_position")).where(_OF_CALLER)


def _named(caller: Caller, job_id: UUID) -> dict[str, Any]:
    return {"job_id": str(job_id), "sees_all": caller.anonymous or caller.is_admin, "owner": caller.identifier}


def belongs_to(caller: Caller) -> ColumnElement[bool]:
    """Which jobs a caller may see: without credentials, whoever knows an id may; admins may; else their owner."""
    if caller.anonymous or caller.is_admin:
        return literal(True)
    return Job.user_identifier == caller.identifier


def status_of(session: Session | Connection, caller: Caller, job_id: UUID) -> Row[Any]:
    """One job's status. Raises `JobNotFound`."""
    return _one(session.execute(_STATUS_OF, _named(caller, job_id)).one_or_none(), job_id)


def version_of(session: Session | Connection, caller: Caller, job_id: UUID) -> Row[Any]:
    """Just what the ETag is made of. Raises `JobNotFound`."""
    return _one(session.execute(_VERSION_OF, _named(caller, job_id)).one_or_none(), job_id)


def find(session: Session, caller: Caller, job_id: UUID) -> Job:
    """One job, to be read. Raises `JobNotFound`."""
    return _one(session.scalars(select(Job).where(Job.id == str(job_id), belongs_to(caller))).one_or_none(), job_id)


def find_for_change(session: Session, caller: Caller, job_id: UUID) -> Job:
    """One job, held until the transaction ends. Raises `JobNotFound`."""
    question = select(Job).where(Job.id == str(job_id), belongs_to(caller)).with_for_update()
    return _one(session.scalars(question).one_or_none(), job_id)


def exists(session: Session, job_id: str) -> bool:
    """Whether there is such a job, whoever asks."""
    return session.scalar(select(Job.id).where(Job.id == job_id)) is not None


def _one(found: T | None, job_id: UUID) -> T:
    if found is None:
        raise JobNotFound(f"There is no job {job_id}.")
    return found


def page(
    session: Session, caller: Caller, *, limit: int, cursor: str | None, status: Status | None, q: str
) -> tuple[Sequence[Row[Any]], str | None]:
    """The caller's jobs, newest first, and where the next page starts."""
    question = _STATUS.where(Job.user_identifier == caller.identifier, Job.deleted_at.is_(None))
    if cursor is not None:
        created_at, job_id = _read_cursor(cursor)
        question = question.where(or_(Job.created_at < created_at, and_(Job.created_at == created_at, Job.id < job_id)))
    if status is not None:
        question = question.where(Job.status == status)
    if q:
        pattern = f"%{q.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        question = question.where(
            or_(*(column.ilike(pattern, escape="!") for column in (Job.title, Job.original_filename, Job.youtube_url)))
        )
    rows = session.execute(question.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], base64.urlsafe_b64encode(f"{last.created_at.isoformat()}|{last.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        instant, _, job_id = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode().partition("|")
        created_at = datetime.fromisoformat(instant)
        if created_at.tzinfo is None:
            raise ValueError("no time zone")
        return created_at.astimezone(UTC), str(UUID(job_id))
    except (ValueError, OverflowError, binascii.Error) as error:
        wrong = {"field": "query.cursor", "message": "It is not a cursor of a list of jobs."}
        raise InvalidRequest("query.cursor: It is not a cursor of a list of jobs.", errors=[wrong]) from error


def entry_of_key(session: Session, owner: str, key: str) -> IdempotencyKey | None:
    """What a caller has made under a key of theirs."""
    return session.get(IdempotencyKey, (owner, key))


def revisions(session: Session, job_id: str) -> Sequence[Revision]:
    """All revisions of a job."""
    return session.scalars(select(Revision).where(Revision.job_id == job_id).order_by(Revision.number)).all()


def revision(session: Session, job_id: str, number: int) -> Revision | None:
    """One revision of a job."""
    return session.get(Revision, (job_id, number))


def artifacts(session: Session, job_id: str, number: int) -> Sequence[Artifact]:
    """The files of one revision that have a format, and those that all revisions share."""
    return session.scalars(
        select(Artifact)
        .where(Artifact.job_id == job_id, Artifact.format.is_not(None), _serves(number))
        .order_by(Artifact.revision, Artifact.name)
    ).all()


def artifact(session: Session, job_id: str, number: int, *, form: str | None = None, name: str = "") -> Artifact | None:
    """One file, by format or by name."""
    which = Artifact.name == name if form is None else Artifact.format == form
    return session.scalars(
        select(Artifact).where(Artifact.job_id == job_id, which, _serves(number)).order_by(Artifact.revision.desc()).limit(1)
    ).one_or_none()


def _serves(number: int) -> ColumnElement[bool]:
    # Sound and what was heard are made once, with the first revision
    shared = and_(Artifact.revision == 1, or_(Artifact.kind.in_(("input", "stem")), Artifact.format == "performance"))
    return or_(Artifact.revision == number, shared)
