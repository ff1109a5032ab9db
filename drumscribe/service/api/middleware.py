"""What is done to every answer: headers that protect browsers, and a problem where the code broke.

Plain ASGI: a wrapper that reads a whole answer would hold up event streams and downloads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drumscribe.service.api import problems

log = structlog.get_logger(__name__)

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),  # links that show a score are for those who were given them
    (b"cross-origin-resource-policy", b"cross-origin"),  # who may read it is what CORS says
)
#: Answers are data: a browser that shows one runs and loads nothing.
_NOTHING = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")


class Protect:
    """Outside of compression: adds the headers, and weakens the ETag of what was compressed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                names = {name for name, _ in headers}
                headers += _HEADERS
                if b"content-security-policy" not in names:
                    headers.append(_NOTHING)
                message["headers"] = headers
                if b"content-encoding" in names and b"etag" in names:
                    changed = MutableHeaders(raw=headers)
                    if not changed["etag"].startswith("W/"):  # the bytes are not those that a range would be cut from
                        changed["etag"] = f"W/{changed['etag']}"
            await send(message)

        await self._app(scope, receive, protected)


class Catch:
    """Innermost: what nobody foresaw is logged with its trace, and the client gets a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("request_crashed", method=scope["method"], path=scope["path"])
            if has_begun:
                raise  # the connection is cut: the client must not take half an answer for a whole one
            await problems.internal(Request(scope))(scope, receive, send)


class LimitBody:
    """Refuses large bodies, except where they are read block by block, with a limit of their own; notes which are read whole.

    Some paths, given as patterns, may have `larger` ones.
    """

    def __init__(self, app: ASGIApp, *, limit: int, free: tuple[str, str], larger: Mapping[str, int]) -> None:
        self._app, self._limit, self._free = app, limit, free
        self._larger = [(re.compile(path), most) for path, most in larger.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_free = (scope["method"], scope["path"]) == self._free
        limit = next((most for path, most in self._larger if path.fullmatch(scope["path"])), self._limit)
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit and not is_free:
                raise HTTPException(413)
            if message["type"] == "http.request" and not message.get("more_body", False):
                scope[problems.BODY_IS_READ] = True
            return message

        await self._app(scope, limited, send)
