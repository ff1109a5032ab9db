"""Every request is told once, by the template of its path, and known by one identifier to caller and log."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from drumscribe.service.observability.logs import setup_logging
from drumscribe.service.observability.requests import RequestLog


def make_app() -> FastAPI:
    router = APIRouter(prefix="/jobs")

    @router.get("/{job_id}")
    def job(job_id: str) -> dict[str, str]:
        structlog.get_logger("route").info("looked", job_id=job_id)
        return {"id": job_id}

    @router.get("/{job_id}/broken")
    def broken(job_id: str) -> None:
        raise RuntimeError(job_id)

    @router.get("/{job_id}/slow")
    def slow(job_id: str) -> StreamingResponse:
        def content() -> Generator[str]:
            yield job_id
            time.sleep(0.3)
            yield job_id

        return StreamingResponse(content())

    @router.websocket("/{job_id}/ws")
    async def talk(socket: WebSocket, job_id: str) -> None:
        if job_id == "no":
            await socket.close()
            return
        await socket.accept()
        await socket.close()

    app = FastAPI()
    app.include_router(router, prefix="/api/v1")
    app.add_api_route("/livez", lambda: None)
    app.add_middleware(RequestLog)
    return app


class Asked:
    """The application, and what it logs."""

    def __init__(self, app: FastAPI, log: Path) -> None:
        self.app, self.log = app, log

    def get(self, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with self._client() as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())

    def lines(self, event: str = "request") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


@pytest.fixture
def asked(tmp_path: Path) -> Generator[Asked]:
    before = structlog.get_config()
    log = tmp_path / "log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    setup_logging("INFO", file_descriptor=descriptor)
    yield Asked(make_app(), log)
    setup_logging("WARNING", file_descriptor=2)
    structlog.configure(**before)
    os.close(descriptor)


def counted(route: str, status: int, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("drumscribe_http_requests_total", labels) or 0.0


def test_a_request_is_told_by_the_template_of_its_path(asked: Asked) -> None:
    before = counted("/api/v1/jobs/{job_id}", 200)
    answer = asked.get("/api/v1/jobs/7?token=secret")
    (line,) = asked.lines()
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/jobs/{job_id}", 200)
    assert line["elapsed_ms"] >= 0
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert asked.lines("looked")[0]["request_id"] == line["request_id"]
    assert "secret" not in asked.log.read_text()
    assert counted("/api/v1/jobs/{job_id}", 200) == before + 1


def test_an_identifier_of_the_caller_is_kept_if_it_is_one(asked: Asked) -> None:
    assert asked.get("/api/v1/jobs/7", **{"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
    for bad in ("two words", "x" * 200, 'quote"'):
        assert asked.get("/api/v1/jobs/7", **{"X-Request-ID": bad}).headers["X-Request-ID"] != bad


def test_paths_that_nobody_knows_share_one_label(asked: Asked) -> None:
    before = counted("(none)", 404)
    for number in range(3):
        asked.get(f"/admin/{number}.php")
    assert counted("(none)", 404) == before + 3
    asked.get("/api/v1/jobs/7", method="BREW")
    assert asked.lines()[-1]["method"] == "(other)"


def test_what_breaks_is_told_as_500_and_a_wrong_method_as_405(asked: Asked) -> None:
    asked.get("/api/v1/jobs/7/broken")
    asked.get("/api/v1/jobs/7", method="DELETE")
    assert [(line["route"], line["status"]) for line in asked.lines()] == [
        ("/api/v1/jobs/{job_id}/broken", 500),
        ("/api/v1/jobs/{job_id}", 405),
    ]


def test_probes_are_counted_but_fill_no_log(asked: Asked) -> None:
    before = counted("/livez", 200)
    asked.get("/livez")
    assert counted("/livez", 200) == before + 1
    assert not asked.lines()


def test_a_long_answer_is_as_fast_as_its_beginning(asked: Asked) -> None:
    name, labels = "drumscribe_http_request_duration_seconds", {"method": "GET", "route": "/api/v1/jobs/{job_id}/slow"}
    asked.get("/api/v1/jobs/7/slow")
    assert (REGISTRY.get_sample_value(f"{name}_sum", labels) or 0) < 0.25
    assert asked.lines()[0]["elapsed_ms"] > 250


@pytest.mark.parametrize(("job_id", "status"), [("7", 101), ("no", 403)])
def test_a_websocket_is_told_when_it_ends(asked: Asked, job_id: str, status: int) -> None:
    async def talk() -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(_: Message) -> None:
            pass

        scope: Scope = {
            "type": "websocket",
            "path": f"/api/v1/jobs/{job_id}/ws",
            "headers": [],
            "query_string": b"",
            "subprotocols": [],
        }
        await asked.app(scope, receive, send)

    asyncio.run(talk())
    (line,) = asked.lines()
    assert (line["method"], line["route"], line["status"]) == ("WS", "/api/v1/jobs/{job_id}/ws", status)


def test_a_client_that_leaves_before_the_answer_is_told_as_499(asked: Asked) -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        return

    async def ask() -> None:
        scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await RequestLog(nothing)(scope, None, None)  # type: ignore[arg-type]

    asyncio.run(ask())
    assert asked.lines()[0]["status"] == 499


def test_telling_costs_less_than_half_a_millisecond(asked: Asked) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(_: Message) -> None:
        pass

    async def best_of(app: Any) -> float:
        best = float("inf")
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(200):
                await app({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send)
            best = min(best, (time.perf_counter() - started) / 200)
        return best

    assert asyncio.run(best_of(RequestLog(answer))) - asyncio.run(best_of(answer)) < 0.0005
