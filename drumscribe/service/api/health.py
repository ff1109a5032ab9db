"""Whether the service is alive, can work, and how each part of it does.

`/livez` asks nothing. `/readyz` asks what no request can do without. `/api/v1/health` asks everything, and remembers the answers
for a few seconds: probes come often, and from several places at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any, Literal

import anyio.to_thread
import structlog
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection

from drumscribe.errors import DrumScribeError
from drumscribe.service.errors import Unavailable
from drumscribe.service.jobs.probing import SideProcess
from drumscribe.service.malware import scanner_version
from drumscribe.service.observability.gauges import read_rows
from drumscribe.service.parts import PARTS, State
from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

#: Answers are this old at most.
_FRESH_S = 3.0
#: Models lie on a disk and are read whole; workers are asked through the broker.
_PARTS_FRESH_S = 60.0
#: Somebody must have taken a waiting step within this time.
_IDLE_S = 60.0
_TIMEOUT_S = 20.0
_BADNESS: dict[State, int] = {"ok": 0, "degraded": 1, "error": 2}


class Check(BaseModel):
    """How one part does."""

    status: State
    detail: Annotated[str | None, Field(description="One sentence for a person.")] = None


class HealthResponse(BaseModel):
    """How all of it does."""

    status: State = Field(description="`error`: nothing can be done; `degraded`: something is missing.")
    version: str
    mode: Literal["embedded", "distributed"]
    checks: dict[str, Check] = Field(description="By part: database, redis, storage, model, pdf_engine, worker, malware_scanner.")


class Alive(BaseModel):
    """A sign of life."""

    status: Literal["ok", "error"] = "ok"
    detail: str | None = None


class Health:
    """Asks, and remembers for a while."""

    def __init__(self, services: Services, side_process: SideProcess) -> None:
        self._services, self._side_process = services, side_process
        self._known: dict[str, tuple[float, Check]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._head: str | None = None

    async def report(self) -> HealthResponse:
        """Ask everything at once."""
        parts: dict[str, Callable[[], Check]] = {
            "database": self._database,
            "storage": self._storage,
            "worker": self._worker,
        }
        if not self._services.settings.is_embedded:
            parts["redis"] = self._redis
        if self._services.settings.CLAMD_HOST:
            parts["malware_scanner"] = self._scanner
        asked = [self._recall(name, partial(anyio.to_thread.run_sync, ask), _FRESH_S) for name, ask in parts.items()]
        look = self._look_aside if self._services.settings.is_embedded else self._ask_workers
        asked += [self._recall(name, partial(look, name), _PARTS_FRESH_S) for name in PARTS]
        checks = dict(zip((*parts, *PARTS), await asyncio.gather(*asked), strict=True))
        status: State = "ok"
        if any(check.status != "ok" for check in checks.values()):
            status = "degraded"
        if any(checks[name].status == "error" for name in ("database", "storage")):
            status = "error"
        mode = "embedded" if self._services.settings.is_embedded else "distributed"
        return HealthResponse(status=status, version=version("drumscribe"), mode=mode, checks=checks)

    async def ready(self) -> Check:
        """Whether requests can be answered."""
        for name, ask in (("database", self._database), ("tables", self._tables), ("storage", self._storage)):
            found = await self._recall(name, partial(anyio.to_thread.run_sync, ask), _FRESH_S)
            if found.status != "ok":
                return found
        return Check(status="ok")

    async def _recall(self, name: str, ask: Callable[[], Awaitable[Check]], fresh_s: float) -> Check:
        async with self._locks.setdefault(name, asyncio.Lock()):
            at, check = self._known.get(name, (0.0, None))
            if check is None or time.monotonic() - at > (fresh_s if check.status == "ok" else _FRESH_S):
                check = await ask()
                self._known[name] = time.monotonic(), check
                if check.status != "ok":
                    log.warning("health", part=name, status=check.status, detail=check.detail)
            return check

    async def _look_aside(self, part: str) -> Check:
        try:
            look = PARTS[part][1]
            status, detail = await self._side_process.call(look, self._services.settings, timeout_s=_TIMEOUT_S)
        except Unavailable as error:
            return Check(status="error", detail=error.message)
        return Check(status=status, detail=detail)

    async def _ask_workers(self, part: str) -> Check:
        """What the workers say of a part that they need: the worst of it."""
        queue = PARTS[part][0]
        try:
            answers = await anyio.to_thread.run_sync(self._services.queue.ask, part)
        except DrumScribeError as error:
            return Check(status="degraded", detail=error.message)
        if not answers:
            return Check(status="degraded", detail=f"No worker of {queue} answers.")
        status, detail = max(answers, key=lambda finding: _BADNESS[finding[0]])
        return Check(status=status, detail=detail)

    def _database(self) -> Check:
        try:
            with self._services.sessions.read() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return Check(status="error", detail="The database cannot be reached.")
        return Check(status="ok")

    def _tables(self) -> Check:
        from drumscribe.service import migrations

        self._head = self._head or migrations.newest()
        try:
            found = migrations.current(self._services.sessions)
        except SQLAlchemyError:
            return Check(status="error", detail="The database cannot be reached.")
        if found != self._head:
            return Check(
                status="error", detail=f"The tables are at {found or 'nothing'}, not at {self._head}: run `drumscribe migrate`."
            )
        return Check(status="ok")

    def _storage(self) -> Check:
        try:
            self._services.storage.check()
        except DrumScribeError as error:
            return Check(status="error", detail=error.message)
        return Check(status="ok")

    def _redis(self) -> Check:
        try:
            depth = self._services.queue.depth()
        except DrumScribeError as error:
            return Check(status="error", detail=f"{error.message} Jobs are accepted and wait.")
        return Check(status="ok", detail=", ".join(f"{queue}: {count}" for queue, count in depth.items()))

    def _scanner(self) -> Check:
        try:
            return Check(status="ok", detail=scanner_version(self._services.settings))
        except Unavailable as error:
            return Check(status="error", detail=f"{error.message} Nothing new is accepted.")

    def _worker(self) -> Check:
        try:
            rows = read_rows(self._services.sessions)
        except SQLAlchemyError:
            return Check(status="error", detail="The database cannot be reached.")
        for queue, waited in rows.oldest_s.items():
            if waited > _IDLE_S and not rows.running[queue]:
                return Check(
                    status="error", detail=f"Nobody takes work from {queue}: {rows.waiting[queue]} wait for {waited:.0f} s."
                )
        return Check(status="ok", detail=f"{sum(rows.running.values())} run, {sum(rows.waiting.values())} wait.")


async def get_health(connection: HTTPConnection) -> Health:
    """What the application was made with."""
    return connection.app.state.health


WithHealth = Annotated[Health, Depends(get_health)]

router = APIRouter(tags=["health"])
probes = APIRouter(tags=["health"])

_DOWN: dict[int | str, dict[str, Any]] = {503: {"model": HealthResponse, "description": "The database or the storage is down."}}


@router.get("/health", responses=_DOWN)
async def get_health_report(health: WithHealth, response: Response) -> HealthResponse:
    """How each part of the service does."""
    report = await health.report()
    response.status_code = 503 if report.status == "error" else 200
    response.headers["Cache-Control"] = "no-store"
    return report


probes.add_api_route("/health", get_health_report, include_in_schema=False)


@probes.get("/livez")
async def get_alive() -> Alive:
    """Whether the process answers."""
    return Alive()


@probes.get("/readyz", responses={503: {"model": Alive, "description": "It cannot work."}})
async def get_ready(health: WithHealth, response: Response) -> Alive:
    """Whether requests can be worked on."""
    found = await health.ready()
    response.status_code = 200 if found.status == "ok" else 503
    return Alive(status="ok" if found.status == "ok" else "error", detail=found.detail)
