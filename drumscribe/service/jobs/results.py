"""What comes out of a job, over HTTP: the result, the files, the revisions."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any
from uuid import UUID

import pydantic_core
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.orm import Session

from drumscribe.service.api.deps import Reader, WithServices, Writer
from drumscribe.service.api.problems import declared
from drumscribe.service.errors import ArtifactMissing, ResultExpired, RevisionNotFound, UnknownFormat
from drumscribe.service.jobs import actions, downloads, edits, queries
from drumscribe.service.jobs.plan import TRANSCRIBE
from drumscribe.service.jobs.schemas import (
    JobResultResponse,
    RevisionCreate,
    RevisionListResponse,
    RevisionResponse,
    WarningDetail,
)
from drumscribe.service.tables import Artifact, Job, Revision, Status
from drumscribe.service.users.identity import Caller
from drumscribe.service.wiring import Services

router = APIRouter(tags=["results"])

RevisionNumber = Annotated[
    int | None, Query(alias="revision", ge=1, le=1_000_000, description="Which version of the score; by default the newest.")
]

#: What a file can be answered with.
FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The part that `Range` asks for."},
    302: {"description": "Where the file can be fetched, if the storage serves it itself."},
    304: {"description": "It is as `If-None-Match` says."},
}
#: What every revision is made from: `result.json`, written by the step that engraves.
RESULT = "result.json"
#: What corrections are made in.
_BASE = ("performance.json", "score.json")


@router.get("/jobs/{job_id}/result", response_model=JobResultResponse, responses=declared(401, 403, 404, 409, 410))
def get_job_result(job_id: UUID, services: WithServices, caller: Reader, number: RevisionNumber = None) -> Response:
    """What was heard, and where it is written down."""
    with services.sessions.read() as session:
        job = queries.find(session, caller, job_id)
        number = _finished(job, queries.revision(session, job.id, number) if number else None, number)
        files = queries.artifacts(session, job.id, number)
    content: dict[str, Any] = pydantic_core.from_json(services.storage.read_file(job.id, number, RESULT))
    path = f"/api/v1/jobs/{job.id}/download"
    links = {file.format or "": f"{path}/{file.format}?revision={number}" for file in files}
    if job.inputs_purged_at is not None:
        links = {form: link for form, link in links.items() if form not in downloads.SOUNDS}
    content |= {
        "job_id": job.id,
        "revision": number,
        "title": job.title,
        "model_version": job.model_version,
        "compute_time_ms": job.compute_time_ms,
        "downloads": {form: link for form, link in links.items() if form not in downloads.SOUNDS},
        "stems": {form: link for form, link in links.items() if form in ("audio", "drums", "drumless")},
    }
    return Response(pydantic_core.to_json(content), media_type="application/json", headers={"Cache-Control": "private, no-cache"})


def _finished(job: Job, revision: Revision | None, number: int | None) -> int:
    """The revision that is asked for, if it is finished."""
    actions.demand_result(job)
    if number is None:
        return job.revision
    if revision is None or revision.status != Status.COMPLETED:
        raise RevisionNotFound(f"The job has no finished revision {number}.")
    return number


@router.get(
    "/jobs/{job_id}/download/{format}",
    response_class=Response,
    responses=FILE_ANSWERS | declared(401, 403, 404, 409, 410, 416),
)
@router.head("/jobs/{job_id}/download/{format}", include_in_schema=False)
def download_file(
    request: Request,
    job_id: UUID,
    format: Annotated[str, Path(json_schema_extra={"enum": list(downloads.FORMATS)})],
    services: WithServices,
    caller: Reader,
    number: RevisionNumber = None,
    page: Annotated[int | None, Query(ge=1, le=1000, description="One page of `svg` or `png` instead of all as a zip.")] = None,
) -> Response:
    """One file: a format of the score, `audio`, `drums`, `drumless`, or the `original`."""
    if format not in downloads.FORMATS:
        raise UnknownFormat(f"There is no format {format[:40]!r}; there are {', '.join(downloads.FORMATS)}.")
    is_named = number is not None or format == "original"
    with services.sessions.read() as session:
        job = queries.find(session, caller, job_id)
        if format == "original" and job.deleted_at is None:
            number = number or 1  # there from the beginning, whatever becomes of the job
        else:
            number = _finished(job, queries.revision(session, job.id, number) if number else None, number)
        artifact = find_file(session, job, number, format, page)
    return downloads.answer(
        request,
        services.storage,
        artifact,
        filename=_name_of(job, artifact),
        # Without a number there may be a newer revision tomorrow
        cache_control="private, max-age=86400, immutable" if is_named else "private, no-cache",
        presign=services.settings.S3_PRESIGN,
    )


def find_file(session: Session, job: Job, number: int, format: str, page: int | None) -> Artifact:
    """The file of a finished revision.

    Raises
    ------
    ResultExpired, ArtifactMissing
        If it has been deleted, or was never made.
    """
    if job.inputs_purged_at is not None and format in downloads.SOUNDS:
        raise ResultExpired("The recording has been deleted; what was written is kept longer.")
    if page is None:
        artifact = queries.artifact(session, job.id, number, form=format)
    else:
        artifact = queries.artifact(session, job.id, number, name=f"page-{page}.{format}")
    if artifact is None:
        raise ArtifactMissing(f"Revision {number} of this job has no {format}{f' of page {page}' if page else ''}.")
    return artifact


def _name_of(job: Job, artifact: Artifact) -> str:
    if artifact.format == "original" and job.original_filename and not job.title:
        return job.original_filename
    return downloads.name_of(job.title or PurePosixPath(job.original_filename or "").stem or "drumscribe", artifact)


@router.post(
    "/jobs/{job_id}/revisions", status_code=202, response_model=RevisionResponse, responses=declared(401, 403, 404, 409, 410, 429)
)
def create_revision(
    job_id: UUID, changes: RevisionCreate, services: WithServices, caller: Writer, response: Response
) -> RevisionResponse:
    """Have the score written anew, with corrections or other options; nothing is listened to again."""
    if changes.edits:
        _check_edits(services, caller, job_id, changes)
    with services.sessions.write() as session:
        job = queries.find_for_change(session, caller, job_id)
        revision = actions.start_revision(session, services.settings, caller, job, changes)
        session.flush()
        session.refresh(revision)
    services.nudge(TRANSCRIBE, job.id, priority=job.priority)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}/revisions/{revision.number}"
    return _shown(revision)


def _check_edits(services: Services, caller: Caller, job_id: UUID, changes: RevisionCreate) -> None:
    """Raise unless all corrections fit. What they start from never changes, so no lock is held meanwhile."""
    with services.sessions.read() as session:
        job = queries.find(session, caller, job_id)
        actions.check_base(job, changes)
    performance, score = (services.storage.read_file(job.id, job.revision, name) for name in _BASE)
    edits.corrected(performance, score, changes.edits)


@router.get("/jobs/{job_id}/revisions", response_model=RevisionListResponse, responses=declared(401, 403, 404))
def list_revisions(job_id: UUID, services: WithServices, caller: Reader) -> RevisionListResponse:
    """All versions of a job's score."""
    with services.sessions.read() as session:
        job = queries.find(session, caller, job_id)
        return RevisionListResponse(items=[_shown(revision) for revision in queries.revisions(session, job.id)])


@router.get("/jobs/{job_id}/revisions/{number}", response_model=RevisionResponse, responses=declared(401, 403, 404))
def get_revision(
    job_id: UUID, number: Annotated[int, Path(ge=1, le=1_000_000)], services: WithServices, caller: Reader
) -> RevisionResponse:
    """One version of a job's score."""
    with services.sessions.read() as session:
        job = queries.find(session, caller, job_id)
        revision = queries.revision(session, job.id, number)
    if revision is None:
        raise RevisionNotFound(f"The job has no revision {number}.")
    return _shown(revision)


def _shown(revision: Revision) -> RevisionResponse:
    error = None
    if revision.error_code is not None:
        error = WarningDetail(code=revision.error_code, message=revision.error_message or "")
    return RevisionResponse(
        job_id=UUID(revision.job_id),
        number=revision.number,
        base=revision.base,
        status=Status(revision.status),
        options=revision.options,
        edits=revision.edit_count,
        created_at=revision.created_at,
        finished_at=revision.finished_at,
        error=error,
    )
