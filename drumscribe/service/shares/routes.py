"""Share links over HTTP: made and revoked by whoever may change the job; read by whoever has one, without credentials.

What is read tells neither whose the job is nor its id, its link, its file's name or its receiver, and only the newest
finished revision. Caches keep it for a minute at most, because it may be revoked.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import pydantic_core
from fastapi import APIRouter, Path, Query, Request, Response

from drumscribe.service.api.deps import Reader, WithServices, Writer
from drumscribe.service.api.problems import declared
from drumscribe.service.errors import ArtifactMissing, UnknownFormat
from drumscribe.service.jobs import downloads, results
from drumscribe.service.jobs import queries as jobs
from drumscribe.service.shares import actions, queries
from drumscribe.service.shares.schemas import (
    ShareCreate,
    SharedJobResponse,
    SharedResultResponse,
    ShareListResponse,
    ShareResponse,
)
from drumscribe.service.tables import Job, Share, Status

router = APIRouter(tags=["shares"])

#: Formats that a link can show. The upload itself is not among them: its tags may tell more than its sound.
FORMATS = tuple(form for form in downloads.FORMATS if form != "original")
#: So long a copy may live on after a link was revoked.
KEPT_S = 60
_CACHE = f"public, max-age={KEPT_S}, must-revalidate"
#: Of a result, what is musical; what else it may say is for the owner.
_SHOWN = (
    "schema_version", "revision", "duration_seconds", "bpm", "detected_bpm", "bpm_unreliable", "time_signature", "bars", "hits",
    "hit_summary", "confidence_score", "vocabulary", "beats", "downbeats", "tempo_map", "time_signatures", "pages",
)  # fmt: skip

Token = Annotated[str, Path(description="The `token` of a share.")]


# ---------------------------------------------------------------------------------------------- for owners


@router.post("/jobs/{job_id}/shares", status_code=201, response_model=ShareResponse, responses=declared(401, 403, 404, 409, 410))
def create_share(job_id: UUID, wanted: ShareCreate, services: WithServices, caller: Writer, response: Response) -> ShareResponse:
    """Make a link through which anybody who has it can read the score."""
    response.headers["Cache-Control"] = "no-store"
    with services.sessions.write() as session:
        job = jobs.find_for_change(session, caller, job_id)
        return ShareResponse.of(actions.create(session, job, with_audio=wanted.with_audio))


@router.get("/jobs/{job_id}/shares", response_model=ShareListResponse, responses=declared(401, 403, 404))
def list_shares(job_id: UUID, services: WithServices, caller: Reader, response: Response) -> ShareListResponse:
    """The links of a job, oldest first."""
    response.headers["Cache-Control"] = "no-store"
    with services.sessions.read() as session:
        job = jobs.find(session, caller, job_id)
        return ShareListResponse(items=[ShareResponse.of(share) for share in queries.shares_of(session, job.id)])


@router.delete("/jobs/{job_id}/shares/{share_id}", status_code=204, responses=declared(401, 403, 404))
def revoke_share(job_id: UUID, share_id: UUID, services: WithServices, caller: Writer) -> None:
    """Let a link show nothing from now on. Doing it again changes nothing."""
    with services.sessions.write() as session:
        job = jobs.find_for_change(session, caller, job_id)
        share = queries.share(session, job.id, share_id)
        if share is not None:
            actions.revoke(session, share)


# ---------------------------------------------------------------------------------------------- for everybody


@router.get("/shared/{token}", response_model=SharedJobResponse, responses=declared(404))
def get_shared(token: Token, services: WithServices, response: Response) -> SharedJobResponse:
    """What a link shows. No credentials are needed."""
    response.headers["Cache-Control"] = _CACHE
    with services.sessions.read() as session:
        job, share = queries.find_shared(session, token)
    return SharedJobResponse(
        title=job.title,
        status=Status(job.status),
        revision=job.revision,
        duration_seconds=job.duration_seconds,
        bpm=job.detected_bpm if job.bpm is None else job.bpm,
        with_audio=_is_heard(job, share),
    )


@router.get("/shared/{token}/result", response_model=SharedResultResponse, responses=declared(404))
def get_shared_result(token: Token, services: WithServices) -> Response:
    """What was heard in the job that a link shows, and where it is written down."""
    with services.sessions.read() as session:
        job, share = queries.find_shared(session, token)
        files = jobs.artifacts(session, job.id, job.revision)
    content: dict[str, Any] = pydantic_core.from_json(services.storage.read_file(job.id, job.revision, results.RESULT))
    links = {file.format or "": f"/api/v1/shared/{token}/download/{file.format}" for file in files}
    sounds = ("audio", "drums", "drumless") if _is_heard(job, share) else ()
    shown = {name: content[name] for name in _SHOWN if name in content} | {
        "title": job.title,
        "downloads": {form: link for form, link in links.items() if form not in downloads.SOUNDS},
        "stems": {form: link for form, link in links.items() if form in sounds},
    }
    return Response(pydantic_core.to_json(shown), media_type="application/json", headers={"Cache-Control": _CACHE})


@router.get(
    "/shared/{token}/download/{format}",
    response_class=Response,
    responses=results.FILE_ANSWERS | declared(404, 410, 416),
)
@router.head("/shared/{token}/download/{format}", include_in_schema=False)
def download_shared_file(
    request: Request,
    token: Token,
    format: Annotated[str, Path(json_schema_extra={"enum": list(FORMATS)})],
    services: WithServices,
    page: Annotated[int | None, Query(ge=1, le=1000, description="One page of `svg` or `png` instead of all as a zip.")] = None,
) -> Response:
    """One file of the job that a link shows: a format of the score, or `audio`, `drums`, `drumless` if it shares them."""
    with services.sessions.read() as session:
        job, share = queries.find_shared(session, token)
        if format not in FORMATS:
            raise UnknownFormat(f"There is no format {format[:40]!r}; there are {', '.join(FORMATS)}.")
        if format in downloads.SOUNDS and not share.with_audio:
            raise ArtifactMissing("The recording is not shared through this link.")
        artifact = results.find_file(session, job, job.revision, format, page)
    return downloads.answer(
        request,
        services.storage,
        artifact,
        filename=downloads.name_of(job.title or "drumscribe", artifact),
        cache_control=_CACHE,
        presign=services.settings.S3_PRESIGN,
        link_s=KEPT_S,
    )


def _is_heard(job: Job, share: Share) -> bool:
    return share.with_audio and job.inputs_purged_at is None
