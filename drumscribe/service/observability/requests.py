"""One line in the log and one count per request, and the identifier that both the caller and the log know it by."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from drumscribe.service.observability import metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("drumscribe.access")

#: An identifier that a caller chose; anything else is replaced.
_IDENTIFIER = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What machines ask all day long: logged at DEBUG only.
_PROBES = frozenset({"/livez", "/readyz", "/health", "/api/v1/health", "/metrics"})


class RequestLog:
    """Pure ASGI middleware; the outermost of ours, so that what the others answer is counted too.

    A request whose client went away before the answer began has status 499, one that raised has 500. A WebSocket has
    method `WS` and status 101 once accepted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and tell what became of it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status: int = 499
        answered_at: float | None = None

        async def told(message: Message) -> None:
            nonlocal status, answered_at
            kind = message["type"]
            if kind in {"http.response.start", "websocket.http.response.start"}:
                status, answered_at = message["status"], time.perf_counter()
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            elif kind == "websocket.accept":
                status = 101
            elif kind == "websocket.close" and answered_at is None and status != 101:
                status = 403
            await send(message)

        tokens = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, told)
        except Exception:
            status = 500 if status == 499 else status
            raise
        finally:
            _tell(scope, status, started, answered_at)
            structlog.contextvars.reset_contextvars(**tokens)


def _tell(scope: Scope, status: int, started: float, answered_at: float | None) -> None:
    route = _route(scope)
    method = "WS" if scope["type"] == "websocket" else scope["method"] if scope["method"] in _METHODS else "(other)"
    metrics.request_answered(method, route, status, None if answered_at is None else answered_at - started)
    say = log.debug if route in _PROBES else log.info
    say("request", method=method, route=route, status=status, elapsed_ms=round((time.perf_counter() - started) * 1000, 1))


def _route(scope: Scope) -> str:
    """The template of the path, never the path itself: labels must stay few."""
    with_prefix = scope.get("fastapi", {}).get("effective_route_context")  # FastAPI's, for routers that were included
    return getattr(with_prefix, "path", "") or getattr(scope.get("route"), "path", "") or "(none)"


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if _IDENTIFIER.fullmatch(value) else uuid4().hex
    return uuid4().hex
