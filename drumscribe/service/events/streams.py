"""A followed job as an answer of HTTP (server-sent events) and over a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import anyio.to_thread
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from drumscribe.service.errors import Forbidden, Unauthenticated, Unavailable
from drumscribe.service.events.hub import End, Follower, Hub
from drumscribe.service.events.queries import Look

log = structlog.get_logger(__name__)

#: How long browsers wait before they come back.
RETRY_MS = 2000
HEARTBEAT = b": heartbeat\n\n"
#: Whoever listens is asked again so often whether they still may: keys are revoked, and tokens expire.
RECHECK_S = 60.0

#: What a WebSocket is closed with; 1012 is "service restart", 1013 "try again later".
_CLOSE_CODES = {End.FINAL: 1000, End.GONE: 4404, End.SLOW: 1013, End.CLOSING: 1012, End.REFUSED: 4401}


class EventStream(Response):
    """Server-sent events: what the first look saw, then what happens, until the job has ended or the client has left."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, job_id: str, seen: Look, *, after: int, recheck: Callable[[], object] | None = None) -> None:
        # An answer without a body would be given a length of 0
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._job_id = job_id
        self._seen: Look | None = seen
        self._after = after
        self._recheck = recheck

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI wants it."""
        seen, self._seen = self._seen, None  # the history is not kept for as long as the stream is open
        assert seen is not None
        with self._hub.follow(self._job_id, seen, after=self._after) as follower:
            del seen
            aside = [asyncio.create_task(_wait_for_leave(receive, follower))]
            if self._recheck is not None:
                aside.append(asyncio.create_task(_ask_again(self._recheck, follower)))
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await self._send(send, f"retry: {RETRY_MS}\n\n".encode())
                async for messages in follower:
                    await self._send(send, b"".join(message.frame for message in messages) or HEARTBEAT)
                await self._send(send, b"", more=False)
            except TimeoutError:  # the server drops the connection of an answer that was not finished
                log.info("event_stream_stalled", job_id=self._job_id)
            finally:
                for task in aside:
                    task.cancel()

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._hub.stalled_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _wait_for_leave(receive: Receive, follower: Follower) -> None:
    message: AsgiMessage = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    follower.stop(End.LEFT)


async def talk(
    websocket: WebSocket, hub: Hub, job_id: str, seen: Look, *, after: int, recheck: Callable[[], object] | None = None
) -> None:
    """Send a job's events over an accepted WebSocket, and close it when the job has ended."""
    with hub.follow(job_id, seen, after=after) as follower:
        aside = [asyncio.create_task(_wait_for_close(websocket, follower))]
        if recheck is not None:
            aside.append(asyncio.create_task(_ask_again(recheck, follower)))
        try:
            async for messages in follower:
                async with asyncio.timeout(hub.stalled_s):
                    for message in messages:
                        await websocket.send_text(message.text)
                    if not messages:
                        await websocket.send_text(json.dumps({"type": "ping"}))
            if follower.end is not None and follower.end is not End.LEFT:
                await websocket.close(_CLOSE_CODES[follower.end], follower.end.value)
        except TimeoutError:
            log.info("event_stream_stalled", job_id=job_id)
        except WebSocketDisconnect:
            pass
        finally:
            for task in aside:
                task.cancel()


async def _ask_again(recheck: Callable[[], object], follower: Follower) -> None:
    while True:
        await asyncio.sleep(RECHECK_S)
        try:
            await anyio.to_thread.run_sync(recheck, abandon_on_cancel=True)
        except (Unauthenticated, Forbidden):
            follower.stop(End.REFUSED)
            return
        except (Unavailable, SQLAlchemyError):
            continue  # nobody knows just now


async def _wait_for_close(websocket: WebSocket, follower: Follower) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass  # there is nothing to say to us
    follower.stop(End.LEFT)
