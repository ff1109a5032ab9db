"""Following a job: its history, server-sent events, and a WebSocket that says the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import anyio
from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from drumscribe.service.api.deps import Reader, WithServices
from drumscribe.service.api.problems import declared, of_ours
from drumscribe.service.errors import Forbidden, JobNotFound, Unauthenticated, Unavailable
from drumscribe.service.events.hub import Hub
from drumscribe.service.events.queries import Look, look
from drumscribe.service.events.schemas import EventMessage
from drumscribe.service.events.streams import EventStream, talk
from drumscribe.service.jobs.queries import find
from drumscribe.service.users.authenticate import authenticate
from drumscribe.service.users.identity import JOBS_READ, Caller
from drumscribe.service.wiring import Services

router = APIRouter(tags=["events"])

#: What a WebSocket may name as its subprotocol. A second name, `bearer.<key or token>`, says who calls: browsers let a page
#: set no header there.
SUBPROTOCOL = "drumscribe.v1"
_BEARER = "bearer."

_STREAM = {
    "schema": {
        "type": "string",
        "description": "Server-sent events. `id:` is the event's `seq`, `event:` its `type`, `data:` the whole `EventMessage` "
        "in one line. Lines that begin with a colon are heartbeats.",
    },
    "example": 'retry: 2000\n\nid: 3\nevent: progress\ndata: {"seq": 3, "type": "progress", "data": {"status": "predicting", '
    '"progress": 61, "stage": "listen", "revision": 0}, "created_at": "2026-11-21T12:00:00.000000Z"}\n\n: heartbeat\n\n',
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": list[EventMessage],
        "description": "The events, as a stream or as a list.",
        "content": {"text/event-stream": _STREAM},
    },
    204: {"description": "The job has ended and there is nothing new: do not come back (a browser's EventSource does not)."},
    **declared(401, 403, 404),
}


@router.get("/jobs/{job_id}/events", responses=_ANSWERS, response_class=Response, summary="Follow a job")
def read_events(
    request: Request,
    job_id: UUID,
    services: WithServices,
    caller: Reader,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_seen: Annotated[
        str, Header(alias="Last-Event-ID", description="Number of the last event that is known; browsers send it by themselves.")
    ] = "",
    last_event_id: Annotated[int | None, Query(ge=0, description="The same, for a first request.")] = None,
    format: Annotated[Literal["sse", "json"] | None, Query(description="Instead of `Accept`.")] = None,
) -> Response:
    """What happened to the job after the last event known, then what happens.

    A stream ends when the job has ended, or with a problem of the connection; come back with `Last-Event-ID`. As JSON
    (`Accept: application/json`) it is the history so far, at most 1000 events at a time.
    """
    after = last_event_id or 0
    if last_seen.isascii() and last_seen.isdigit() and len(last_seen) < 18:  # a header wins: it is newer than the address
        after = int(last_seen)
    seen = _first_look(services, caller, job_id, after)
    if format == "json" or (format is None and "application/json" in accept and "text/event-stream" not in accept):
        messages = [message.json for message in seen.messages]
        return JSONResponse(messages, headers={"cache-control": "no-store"})
    after = min(after, seen.version)
    if not seen.messages and seen.ends_at(after):
        return Response(status_code=204, headers={"cache-control": "no-store"})
    recheck = _recheck(services, partial(_authenticated, services, request, request.headers))
    return EventStream(request.app.state.hub, str(job_id), seen, after=after, recheck=recheck)


@router.websocket("/jobs/{job_id}/ws")
async def talk_about_job(
    websocket: WebSocket, job_id: str, services: WithServices, last_event_id: Annotated[int, Query(ge=0)] = 0
) -> None:
    """The same messages as those of the event stream; `{"type": "ping"}` is a sign of life.

    Closed with 1000 when the job has ended, 4401 without good credentials, 4403 without permission, 4404 if there is no such
    job, 1012 when the server stops and 1013 when trying again later helps.
    """
    if not _origin_is_allowed(websocket, services):
        refused = Forbidden("Pages of this origin may not listen here; CORS_ORIGINS names those that may.")
        await websocket.send_denial_response(of_ours(websocket, refused))
        return
    offered: list[str] = websocket.scope.get("subprotocols", [])
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    authenticated = partial(_authenticated, services, websocket, _with_subprotocol(websocket.headers, offered))
    try:
        seen = await anyio.to_thread.run_sync(_look_of_websocket, services, authenticated, job_id, last_event_id)
    except Unauthenticated as error:
        await websocket.close(4401, error.message[:120])
    except Forbidden as error:
        await websocket.close(4403, error.message[:120])
    except JobNotFound as error:
        await websocket.close(4404, error.message[:120])
    except (Unavailable, SQLAlchemyError):
        await websocket.close(1013, "not available at the moment")
    else:
        hub: Hub = websocket.app.state.hub
        recheck = _recheck(services, authenticated)
        await talk(websocket, hub, job_id, seen, after=min(last_event_id, seen.version), recheck=recheck)


def _with_subprotocol(headers: Headers, offered: list[str]) -> Headers:
    secret = next((name.removeprefix(_BEARER) for name in offered if name.startswith(_BEARER)), None)
    return headers if secret is None else Headers(raw=[*headers.raw, (b"authorization", f"Bearer {secret}".encode())])


def _authenticated(services: Services, connection: HTTPConnection, headers: Headers) -> Caller:
    client = connection.client
    caller = authenticate(services.sessions, services.settings, headers, client.host if client else None)
    caller.demand(JOBS_READ)
    return caller


def _recheck(services: Services, authenticated: Callable[[], Caller]) -> Callable[[], Caller] | None:
    return None if services.settings.AUTH_MODE == "none" else authenticated


def _look_of_websocket(services: Services, authenticated: Callable[[], Caller], job_id: str, after: int) -> Look:
    caller = authenticated()
    try:
        return _first_look(services, caller, UUID(job_id), after)
    except ValueError as error:
        raise JobNotFound("There is no such job.") from error


def _first_look(services: Services, caller: Caller, job_id: UUID, after: int) -> Look:
    with services.sessions.read() as session:
        seen = look(session, find(session, caller, job_id).id, after=after)
    if seen is None:
        raise JobNotFound(f"There is no job {job_id}.")
    return seen


def _origin_is_allowed(websocket: WebSocket, services: Services) -> bool:
    """Programs send no origin; pages do, and browsers open WebSockets for any page without asking the server first."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    allowed = services.settings.CORS_ORIGINS
    own = {websocket.headers.get("host", ""), urlsplit(services.settings.PUBLIC_URL).netloc} - {""}
    try:
        place = urlsplit(origin).netloc
    except ValueError:  # no address at all
        return False
    return "*" in allowed or origin.rstrip("/") in {one.rstrip("/") for one in allowed} or place in own
