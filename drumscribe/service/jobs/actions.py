"""What the API changes about jobs. Nothing here commits: the caller's transaction does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from drumscribe.service.database import db_now, hold
from drumscribe.service.errors import (
    IdempotencyKeyReused,
    JobCancelled,
    JobHasEnded,
    JobHasFailed,
    JobNotCompleted,
    ResultExpired,
    RevisionConflict,
    RevisionNotFound,
)
from drumscribe.service.jobs import lifecycle, queries
from drumscribe.service.jobs.options import EngraveOptions, JobOptions, stored
from drumscribe.service.jobs.schemas import JobFields, RevisionCreate
from drumscribe.service.observability import traces
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Artifact, IdempotencyKey, Job, Revision, Status
from drumscribe.service.users.identity import Caller
from drumscribe.service.users.limits import RateState, admit


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A recording that lies in the storage."""

    name: str
    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job, new or made earlier under the same key."""

    job: Job
    is_new: bool
    rate: RateState | None = None


def create(
    session: Session,
    settings: Settings,
    caller: Caller,
    job_id: str,
    fields: JobFields,
    source: StoredUpload | str,
    *,
    key: str | None,
) -> Accepted:
    """Enter a job, if the caller may have one more. Its first step must be announced once this is committed.

    Parameters
    ----------
    source : StoredUpload or str
        The recording, or the link to it.
    key : str or None
        The caller's idempotency key.

    Raises
    ------
    IdempotencyKeyReused
        If the key stands for a request of other content.
    TooManyJobs, RateLimited
        If the caller has reached a limit.
    """
    hold(session, f"limits:{caller.identifier}")  # one request of a caller at a time, from here to the commit
    fingerprint = _fingerprint(fields, source)
    if key is not None:
        earlier = _made_earlier(session, caller, key, fingerprint)
        if earlier is not None:
            return Accepted(earlier, is_new=False)
    rate = admit(session, settings, caller)
    job = Job(
        id=job_id,
        input_type="youtube" if isinstance(source, str) else "upload",
        youtube_url=source if isinstance(source, str) else None,
        title=fields.title,
        bpm=fields.bpm,
        model=fields.model,
        options=stored(JobOptions(**{name: getattr(fields, name) for name in JobOptions.model_fields})),
        priority=caller.priority,
        webhook_url=fields.webhook_url or None,
        user_identifier=caller.identifier,
        user_id=caller.user_id,
        trace_context=traces.current_context(),
    )
    if not isinstance(source, str):
        job.original_filename, job.input_name, job.input_size = source.filename, source.name, source.size
    lifecycle.enter(session, job, stored(fields.engraving()))
    if not isinstance(source, str):
        session.add(
            Artifact(
                job_id=job_id, revision=1, name=source.name, kind="input", format="original",
                content_type=source.content_type, size=source.size,
            )
        )  # fmt: skip
    if key is not None:
        session.add(IdempotencyKey(owner=caller.identifier, key=key, fingerprint=fingerprint, job_id=job_id))
    session.flush()
    return Accepted(job, is_new=True, rate=rate)


def _fingerprint(fields: JobFields, source: StoredUpload | str) -> str:
    recording = source if isinstance(source, str) else [source.filename, source.sha256]
    asked = [fields.model_dump(mode="json"), recording]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _made_earlier(session: Session, caller: Caller, key: str, fingerprint: str) -> Job | None:
    entry = queries.entry_of_key(session, caller.identifier, key)
    if entry is None:
        return None
    if entry.fingerprint != fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request; choose a new one.")
    return session.get_one(Job, entry.job_id)


def cancel(session: Session, job: Job) -> None:
    """Stop a job. Raises `JobHasEnded`."""
    if not lifecycle.cancel(session, job):
        raise JobHasEnded(f"The job is {job.status} already.")


def remove(session: Session, job: Job) -> None:
    """Cancel a job and forget what was personal in it; its files must be deleted once this is committed.

    The row stays for a while and says `cancelled` or `expired` to those who know its id.
    """
    if job.deleted_at is not None:
        return
    lifecycle.cancel(session, job)
    if job.status == Status.COMPLETED:
        lifecycle.expire(session, job)
    elif job.status == Status.FAILED:
        lifecycle.note(session, job)
    job.deleted_at = db_now()
    job.title, job.original_filename, job.youtube_url, job.webhook_url = "", None, None, None
    job.result_musicxml_path = job.result_pdf_path = None
    session.execute(delete(Artifact).where(Artifact.job_id == job.id))
    session.execute(update(Revision).where(Revision.job_id == job.id).values(edits=None))


def rename(session: Session, job: Job, title: str) -> None:
    """Change what a job is called."""
    if job.title != title:
        job.title = title
        lifecycle.note(session, job)


def start_revision(session: Session, settings: Settings, caller: Caller, job: Job, changes: RevisionCreate) -> Revision:
    """Have a completed job written anew. Its last step must be announced once this is committed.

    Raises
    ------
    RevisionConflict
        If the changes start from an older revision than the newest.
    JobNotCompleted, JobHasFailed, JobCancelled, ResultExpired
        If there is nothing that could be written anew.
    RevisionNotFound
        If there is no such revision to go back to.
    TooManyJobs
        If the caller has reached a limit.
    """
    check_base(job, changes)
    base = session.get(Revision, (job.id, changes.restore or job.revision))
    if base is None or base.status != Status.COMPLETED:
        raise RevisionNotFound(f"The job has no finished revision {changes.restore}.")
    admit(session, settings, caller, new_job=False)
    wanted = changes.model_dump(mode="json", exclude_unset=True, exclude={"base_revision", "edits", "restore"})
    options = stored(EngraveOptions.model_validate(base.options | {"title": job.title} | wanted))
    edits = [edit.model_dump(mode="json", exclude_unset=True) | {"op": edit.op} for edit in changes.edits]
    return lifecycle.start_revision(session, job, options, base=base.number, edits=edits)


def check_base(job: Job, changes: RevisionCreate) -> None:
    """Raise unless a job can be written anew from the revision that the changes start from."""
    demand_result(job)
    if job.status != Status.COMPLETED:
        raise JobNotCompleted("Another revision is being made; wait until it is done.")
    if changes.base_revision != job.revision:
        raise RevisionConflict(
            f"The newest revision is {job.revision}, not {changes.base_revision}.", newest=job.revision
        )  # fmt: skip


def demand_result(job: Any) -> None:
    """Raise unless a job has a finished revision; `job` needs `status`, `revision` and what says why not."""
    if job.status == Status.EXPIRED or job.results_purged_at is not None or job.deleted_at is not None:
        raise ResultExpired("The result has been deleted.")
    if job.status == Status.FAILED:
        raise JobHasFailed(f"The job has failed: {job.error_message}", error_code=job.error_code)
    if job.status == Status.CANCELLED:
        raise JobCancelled("The job was cancelled.")
    if job.revision < 1:
        raise JobNotCompleted(f"The job is not completed yet: it is {job.status}.")
