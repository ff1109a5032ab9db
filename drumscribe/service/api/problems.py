"""How errors are told over HTTP: RFC 9457 problems, from one table.

Every error of ours has a status here, by its class or that of its nearest ancestor. What the framework refuses by itself (no
such path, wrong method, a field out of range) and what nobody foresaw look the same to a client. A person finds the sentence in
`detail`, a program the cause in `code`; traces go to the log alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import anyio
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Receive, Scope, Send

from drumscribe import errors as library
from drumscribe.errors import DrumScribeError
from drumscribe.service import errors as service

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: Seconds after which it is worth trying again, where nothing better is known.
RETRY_AFTER_S = 5

#: Of an upload that is refused so much is thrown away, for so long, so that its sender gets to hear why.
_LINGER_S = 2.0
_LINGER_BYTES = 64_000_000
#: Set in the scope of a request once nothing of its body is left to read.
BODY_IS_READ = "drumscribe.body_is_read"

#: Error class → status and title. A class that is not here has the row of its nearest ancestor.
TABLE: dict[type[DrumScribeError], tuple[int, str]] = {
    DrumScribeError: (500, "Something went wrong"),
    library.InputError: (422, "The recording cannot be used"),
    library.UnsupportedUrl: (422, "Not a link that can be used"),
    library.ForbiddenAddress: (422, "Not a link that can be used"),
    library.DownloadFailed: (422, "The link leads nowhere"),
    library.OptionError: (422, "An option is out of range"),
    library.EditError: (422, "A correction does not fit"),
    library.WeightsNotFound: (422, "There is no such model"),
    library.ModelMismatch: (422, "There is no such model"),
    service.Unavailable: (503, "Not available at the moment"),
    service.ArtifactMissing: (404, "There is no such file"),
    service.Unauthenticated: (401, "Credentials are needed"),
    service.Forbidden: (403, "Not allowed"),
    service.AccountsDisabled: (404, "There are no accounts here"),
    service.KeyNotFound: (404, "There is no such key"),
    service.UserNotFound: (404, "There is no such account"),
    service.EmailTaken: (409, "There is such an account already"),
    service.TooManyKeys: (409, "There are too many keys"),
    service.TooManyShares: (409, "There are too many links"),
    service.LimitReached: (429, "Too much for now"),
    service.InvalidWebhookUrl: (422, "Not an address for a webhook"),
    service.MalformedRequest: (400, "The request cannot be read"),
    service.InvalidRequest: (422, "The request is not valid"),
    service.UnsupportedMediaType: (415, "Not a type that is accepted"),
    service.FileTooLarge: (413, "The file is too large"),
    service.MalwareFound: (422, "The file holds malware"),
    service.RangeNotSatisfiable: (416, "There is no such part"),
    service.UploadStalled: (408, "The upload has stalled"),
    service.YoutubeDisabled: (422, "Links are not accepted"),
    service.IdempotencyKeyReused: (422, "The key stands for another request"),
    service.NotFound: (404, "There is no such thing"),
    service.JobNotCompleted: (409, "There is no result yet"),
    service.JobHasFailed: (409, "The job has failed"),
    service.JobCancelled: (409, "The job was cancelled"),
    service.JobHasEnded: (409, "The job has ended already"),
    service.ResultExpired: (410, "The result has been deleted"),
    service.RevisionConflict: (409, "The job has a newer revision"),
    service.UnknownFormat: (422, "There is no such format"),
}

#: What the framework refuses by itself.
_CODES = {400: "malformed_request", 404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where it is: `body.bpm`, `query.limit`, …", examples=["body.bpm"])
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:drumscribe:problem:job_not_found",
                "title": "There is no such thing",
                "status": 404,
                "detail": "There is no job 1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a10.",
                "instance": "/api/v1/jobs/1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a10",
                "code": "job_not_found",
                "retryable": False,
            }
        }
    )

    type: str = Field(description="`urn:drumscribe:problem:` and the code.")
    title: str = Field(description="The kind of problem, for a person.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="This very problem, in one sentence for a person.")
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="The kind of problem, for a program. It never changes.")
    retryable: bool = Field(description="Whether the same request may succeed later.")
    errors: list[FieldProblem] | None = Field(None, description="The fields that are not valid.")
    newest: int | None = Field(None, description="With `revision_conflict`: the newest revision there is.")


class ProblemResponse(Response):
    """A problem as a response. If the request has a body that was not read, a little of it is thrown away meanwhile:
    closing the connection at once would take the answer from the sender's hands.
    """

    media_type = MEDIA_TYPE
    lingers = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if not self.lingers or scope.get(BODY_IS_READ, False):
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with anyio.move_on_after(_LINGER_S):
            thrown_away = 0
            while thrown_away < _LINGER_BYTES:
                message = await receive()
                thrown_away += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def problem(
    request: HTTPConnection,
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    retryable: bool = False,
    errors: Iterable[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> ProblemResponse:
    """Put a problem together."""
    body: dict[str, Any] = {
        "type": f"urn:drumscribe:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": code,
        "retryable": retryable,
    }
    if errors is not None:
        body["errors"] = [dict(error) for error in errors]
    body |= more
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return ProblemResponse(content, status, headers={"Cache-Control": "no-store"} | dict(headers or {}))


def row_of(error: DrumScribeError) -> tuple[int, str]:
    """Status and title of an error, by its class or nearest ancestor."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def of_ours(request: HTTPConnection, error: DrumScribeError) -> ProblemResponse:
    """An error of our own tree."""
    status, title = row_of(error)
    headers: dict[str, str] = dict(error.facts.get("headers", {}))
    wait = error.facts.get("retry_after_s")
    if wait is None and status in (408, 503):
        wait = RETRY_AFTER_S
    if wait is not None:
        headers["Retry-After"] = str(max(1, int(-(-float(wait) // 1))))
    if "challenge" in error.facts:
        headers["WWW-Authenticate"] = str(error.facts["challenge"])
    if status >= 500:
        log.error("request_failed", code=error.code, path=request.url.path, exc_info=error)
    if status >= 500 and status != 503:
        return internal(request)
    response = problem(
        request, status, error.code, title, error.message,
        retryable=error.retryable or wait is not None, errors=error.facts.get("errors"), headers=headers,
        **({"newest": error.facts["newest"]} if isinstance(error, service.RevisionConflict) else {}),
    )  # fmt: skip
    if isinstance(error, service.FileTooLarge | service.UnsupportedMediaType | service.UploadStalled | service.MalformedRequest):
        response.headers["Connection"] = "close"
        response.lingers = True
    return response


def internal(request: HTTPConnection) -> ProblemResponse:
    """What nobody foresaw; the log has the trace."""
    detail = "Something went wrong inside DrumScribe; it has been logged."
    return problem(request, 500, "internal_error", "Something went wrong", detail, retryable=True)


def _of_validation(request: Request, error: RequestValidationError) -> ProblemResponse:
    return of_ours(request, invalid(error.errors()))


def invalid(found: Iterable[Mapping[str, Any]]) -> service.InvalidRequest:
    """What pydantic found, as an error of ours."""
    fields = [
        {"field": ".".join(str(part) for part in one["loc"]) or "body", "message": str(one["msg"])} for one in found
    ]  # fmt: skip
    first = fields[0] if fields else {"field": "body", "message": "It is not valid."}
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return service.InvalidRequest(f"{first['field']}: {first['message']}{more}", errors=fields[:50])


def invalid_fields(error: ValidationError, *, where: str) -> service.InvalidRequest:
    """The same for a model that was validated by hand; `where` is put before the names of its fields."""
    return invalid([one | {"loc": (where, *one["loc"])} for one in error.errors(include_url=False, include_input=False)])


def _of_framework(request: Request, error: HTTPException, allowed: Callable[[FastAPI, str], str | None]) -> ProblemResponse:
    status = error.status_code
    title = HTTPStatus(status).phrase
    detail = _sentence(request, status) if error.detail == title else str(error.detail)
    headers = dict(error.headers or {})
    if status == 405 and (methods := allowed(request.app, request.url.path)):
        headers["Allow"] = methods  # the framework names those of one route, and a path may have several
    return problem(request, status, _CODES.get(status, f"http_{status}"), title, detail, headers=headers)


def _sentence(request: Request, status: int) -> str:
    if status == 404:
        return f"There is nothing at {request.url.path}."
    if status == 405:
        return f"{request.method} is not possible here."
    return f"{HTTPStatus(status).description or HTTPStatus(status).phrase}."


def _of_database(request: Request, error: Exception) -> ProblemResponse:
    away = isinstance(error, OperationalError | InterfaceError | PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if not away:
        log.error("request_failed", code="internal_error", path=request.url.path, exc_info=error)
        return internal(request)
    unavailable = service.DatabaseUnavailable("The database cannot be reached at the moment.")
    unavailable.__cause__ = error
    return of_ours(request, unavailable)


def _of_disconnect(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=400)  # nobody hears it


def install(app: FastAPI, allowed: Callable[[FastAPI, str], str | None]) -> None:
    """Let the application answer errors with problems; `allowed` says which methods a path has."""

    def of_framework(request: Request, error: HTTPException) -> Response:
        return _of_framework(request, error, allowed)

    app.add_exception_handler(DrumScribeError, of_ours)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(RequestValidationError, _of_validation)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(HTTPException, of_framework)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(DBAPIError, _of_database)
    app.add_exception_handler(PoolTimeout, _of_database)
    app.add_exception_handler(ClientDisconnect, _of_disconnect)  # pyright: ignore[reportArgumentType]


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems of a route, for its description."""
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem, "content": {MEDIA_TYPE: {}}}
        for status in sorted({*statuses, 422, 500, 503})
    }
