"""Jobs over HTTP: made, followed, cancelled. What comes out of them is in `results`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID, uuid4

import anyio
import anyio.to_thread
import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from drumscribe.service import malware
from drumscribe.service.api.deps import Reader, WithServices, WithSideProcess, Writer
from drumscribe.service.api.problems import declared, invalid_fields
from drumscribe.service.errors import StorageUnavailable, UnsupportedMediaType, YoutubeDisabled
from drumscribe.service.jobs import actions, downloads, probing, queries, uploads
from drumscribe.service.jobs.options import PRINTABLE
from drumscribe.service.jobs.plan import INGEST
from drumscribe.service.jobs.schemas import (
    JobCreate,
    JobCreateResponse,
    JobFields,
    JobForm,
    JobLinks,
    JobListResponse,
    JobRename,
    JobStatusResponse,
)
from drumscribe.service.jobs.statuses import etag_of, status_response
from drumscribe.service.models import DEFAULT_MODEL, check_model
from drumscribe.service.tables import Status
from drumscribe.service.users.identity import Caller
from drumscribe.service.users.limits import rate_headers
from drumscribe.service.webhooks.addresses import check_webhook_url
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

router = APIRouter(tags=["jobs"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller: the same request sent again under the same key makes no second job.",
    ),
]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/JobUpload"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/JobCreate"}},
        },
    }
}


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobCreateResponse,
    responses=declared(400, 401, 403, 408, 413, 415, 429),
    openapi_extra=_BODY,
)
async def create_job(
    request: Request,
    services: WithServices,
    side_process: WithSideProcess,
    caller: Writer,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send a recording as a form with the field `file`, or a link as JSON with `youtube_url`. All else is optional."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    job_id = str(uuid4())
    if kind == "application/json":
        fields, source = await _from_link(request, services, side_process)
    elif kind == "multipart/form-data":
        fields, source = await _from_upload(request, services, side_process, job_id)
    else:
        raise UnsupportedMediaType("Send a recording as multipart/form-data, or a link as application/json.")
    enter = partial(_enter, services, caller, job_id, fields, source, idempotency_key)
    # A thread is waited for even if this task is cancelled: whoever has sent everything gets a job, or nothing is left of it
    accepted = await anyio.to_thread.run_sync(enter, limiter=_threads(request))
    path = f"/api/v1/jobs/{accepted.job.id}"
    body = JobCreateResponse(
        job_id=UUID(accepted.job.id),
        status=Status(accepted.job.status),
        links=JobLinks(self=path, events=f"{path}/events", result=f"{path}/result", cancel=f"{path}/cancel"),
    )
    headers = {"Location": path} | (rate_headers(accepted.rate) if accepted.rate else {})
    if not accepted.is_new:
        headers["Idempotency-Replayed"] = "true"
    return Response(body.model_dump_json(), 202, headers=headers, media_type="application/json")


async def _from_link(request: Request, services: Services, side_process: probing.SideProcess) -> tuple[JobFields, str]:
    settings = services.settings
    try:
        fields = JobCreate.model_validate_json(await uploads.receive_json(request))
    except ValidationError as error:
        raise invalid_fields(error, where="body") from error
    if not settings.YOUTUBE_ENABLED:
        raise YoutubeDisabled("Links are switched off on this server; upload the recording instead.")
    await _check_model(fields, services, side_process)

    def check() -> str:
        from drumscribe.youtube import check_url  # loads numpy, which only those need who send links

        _check_webhook(fields, services)
        return check_url(
            fields.youtube_url, any_site=settings.YOUTUBE_ANY_SITE, allowed_endpoints=settings.YOUTUBE_ALLOWED_ENDPOINTS
        )

    return fields, await anyio.to_thread.run_sync(check, limiter=request.app.state.lookup_threads)


async def _from_upload(
    request: Request, services: Services, side_process: probing.SideProcess, job_id: str
) -> tuple[JobFields, actions.StoredUpload]:
    settings, storage, threads = services.settings, services.storage, _threads(request)
    form, file = await uploads.receive_form(request, settings.max_file_bytes, partial(storage.incoming, job_id), limiter=threads)
    try:
        try:  # an empty field of a form is one that was left out
            fields = JobForm.model_validate({name: value for name, value in form.items() if value})
        except ValidationError as error:
            raise invalid_fields(error, where="body") from error
        if fields.webhook_url:
            await anyio.to_thread.run_sync(_check_webhook, fields, services, limiter=request.app.state.lookup_threads)
        await _check_model(fields, services, side_process)
        look = partial(malware.scan, settings, file.path, name=file.filename, source="upload", job_id=job_id)
        await anyio.to_thread.run_sync(look, limiter=request.app.state.scan_threads)
        await probing.probe(side_process, file.path, name=file.filename, max_duration_s=settings.MAX_DURATION_SECONDS)
        content_type = uploads.EXTENSIONS[file.extension]
        source = actions.StoredUpload(
            f"original.{file.extension}", file.filename, content_type, file.size, file.sha256
        )  # fmt: skip
        save = partial(storage.save_file, job_id, 1, source.name, file.path, content_type=content_type, move=True)
        await anyio.to_thread.run_sync(save, limiter=threads)
    finally:
        file.path.unlink(missing_ok=True)
    return fields, source


def _threads(request: Request) -> anyio.CapacityLimiter:
    return request.app.state.upload_threads


async def _check_model(fields: JobFields, services: Services, side_process: probing.SideProcess) -> None:
    if fields.model != DEFAULT_MODEL:  # that one is the operator's to look after, and health tells
        await side_process.call(check_model, services.settings, fields.model, timeout_s=probing.PROBE_TIMEOUT_S)


def _check_webhook(fields: JobFields, services: Services) -> None:
    if fields.webhook_url:
        check_webhook_url(fields.webhook_url, services.settings)


def _enter(
    services: Services,
    caller: Caller,
    job_id: str,
    fields: JobFields,
    source: actions.StoredUpload | str,
    key: str | None,
) -> actions.Accepted:
    try:
        with services.sessions.write() as session:
            accepted = actions.create(session, services.settings, caller, job_id, fields, source, key=key)
    except BaseException:
        _delete_unless_entered(services, job_id)
        raise
    if accepted.is_new:
        services.nudge(INGEST, job_id, priority=caller.priority)
        log.info("job_accepted", job_id=job_id, input_type=accepted.job.input_type, size=accepted.job.input_size)
    else:
        _delete_files(services, job_id)
    return accepted


def _delete_unless_entered(services: Services, job_id: str) -> None:
    try:
        with services.sessions.read() as session:
            is_entered = queries.exists(session, job_id)  # the database may go away just after it has committed
    except SQLAlchemyError:
        return  # the clean-up compares files and rows
    if not is_entered:
        _delete_files(services, job_id)


def _delete_files(services: Services, job_id: str) -> None:
    try:
        services.storage.delete_job_artifacts(job_id)
    except StorageUnavailable as error:  # the clean-up will
        log.warning("files_not_deleted", job_id=job_id, error=error.message)


@router.get("/jobs", response_model=JobListResponse, responses=declared(401, 403))
def list_jobs(
    services: WithServices,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    status: Annotated[Status | None, Query(description="Only jobs in this state.")] = None,
    q: Annotated[
        str, Query(max_length=100, pattern=PRINTABLE, description="Only jobs whose title, file name or link contains this.")
    ] = "",
) -> JobListResponse:
    """Your jobs, newest first."""
    with services.sessions.read() as session:
        rows, following = queries.page(session, caller, limit=limit, cursor=cursor, status=status, q=q)
    return JobListResponse(items=[status_response(row, services.settings) for row in rows], next_cursor=following)


@router.get(
    "/jobs/{job_id}",
    response_model=JobStatusResponse,
    responses={304: {"description": "It is as `If-None-Match` says."}} | declared(401, 403, 404),
)
async def get_job(
    request: Request,
    job_id: UUID,
    services: WithServices,
    caller: Reader,
    if_none_match: Annotated[str | None, Header(description="The `ETag` of the answer before.")] = None,
) -> Response:
    """How far a job is."""
    poll = partial(_poll, services, caller, job_id, if_none_match)
    return await anyio.to_thread.run_sync(poll, limiter=request.app.state.poll_threads)


def _poll(services: Services, caller: Caller, job_id: UUID, if_none_match: str | None) -> Response:
    with services.sessions.glance() as connection:
        if if_none_match is not None:
            etag = etag_of(queries.version_of(connection, caller, job_id))
            if downloads.matches(if_none_match, etag):
                return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
        row = queries.status_of(connection, caller, job_id)
    return _as_response(row, services)


def _as_response(row: Row[Any], services: Services) -> Response:
    headers = {"ETag": etag_of(row), "Cache-Control": "private, no-cache"}
    return Response(status_response(row, services.settings).model_dump_json(), headers=headers, media_type="application/json")


@router.post("/jobs/{job_id}/cancel", response_model=JobStatusResponse, responses=declared(401, 403, 404, 409))
def cancel_job(job_id: UUID, services: WithServices, caller: Writer) -> Response:
    """Stop a job that has not ended."""
    with services.sessions.write() as session:
        actions.cancel(session, queries.find_for_change(session, caller, job_id))
        session.flush()
        row = queries.status_of(session, caller, job_id)
    return _as_response(row, services)


@router.delete("/jobs/{job_id}", status_code=204, responses=declared(401, 403, 404))
def delete_job(job_id: UUID, services: WithServices, caller: Writer) -> None:
    """Cancel a job and delete its files. Doing it again changes nothing."""
    with services.sessions.write() as session:
        actions.remove(session, queries.find_for_change(session, caller, job_id))
    _delete_files(services, str(job_id))


@router.patch("/jobs/{job_id}", response_model=JobStatusResponse, responses=declared(401, 403, 404))
def rename_job(job_id: UUID, changes: JobRename, services: WithServices, caller: Writer) -> Response:
    """Call a job something else. What is printed above its score changes with a new revision."""
    with services.sessions.write() as session:
        actions.rename(session, queries.find_for_change(session, caller, job_id), changes.title)
        session.flush()
        row = queries.status_of(session, caller, job_id)
    return _as_response(row, services)
