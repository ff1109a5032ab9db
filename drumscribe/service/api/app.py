"""Puts the API together: the rooms' routes, what is done to every request, and what lives as long as the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request, Response
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from drumscribe.service.api import documentation, health, offers, problems
from drumscribe.service.api.middleware import Catch, LimitBody, Protect
from drumscribe.service.events import routes as events
from drumscribe.service.events.hub import following
from drumscribe.service.jobs import results
from drumscribe.service.jobs import routes as jobs
from drumscribe.service.jobs.probing import SideProcess
from drumscribe.service.observability.exposition import metrics_response
from drumscribe.service.observability.requests import RequestLog
from drumscribe.service.observability.traces import setup_tracing
from drumscribe.service.shares import routes as shares
from drumscribe.service.users import routes as users
from drumscribe.service.webhooks import routes as webhooks
from drumscribe.service.wiring import Services

PREFIX = "/api/v1"

#: Headers that pages of other origins may read.
_EXPOSED = (
    "Content-Disposition", "Content-Range", "ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy",
    "Retry-After", "X-Request-ID",
)  # fmt: skip
#: Packed already: doing it again costs time and gains nothing.
_PACKED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf", "application/vnd.recordare.musicxml")
_WORTH_PACKING = 2048
#: Of everything but uploads.
_MAX_BODY = 256 * 1024
#: Thousands of corrections come at once.
_LARGER = {rf"{PREFIX}/jobs/[^/]+/revisions": 2 * 1024 * 1024}
#: Threads that write uploads and enter jobs: apart from those that answer everybody else.
_UPLOAD_THREADS = 8
#: Threads that answer polls. More of them only take the interpreter from each other: four answer 1.6 times as many as forty.
_POLL_THREADS = 4
#: Threads that wait for name servers, which a caller may have chosen: slow ones hold up nobody but those who name such.
_LOOKUP_THREADS = 8
#: Threads that wait for the malware scanner, which has 10 of its own unless told otherwise.
_SCAN_THREADS = 8
#: What pages of other origins may send.
_ACCEPTED = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Range", "X-API-Key", "X-Request-ID",
)  # fmt: skip


def create_app(services: Services) -> FastAPI:
    """Make the application. It owns nothing of `services`: whoever made them closes them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        side_process = SideProcess()
        app.state.side_process = side_process
        app.state.poll_threads = anyio.CapacityLimiter(_POLL_THREADS)
        app.state.upload_threads = anyio.CapacityLimiter(_UPLOAD_THREADS)
        app.state.lookup_threads = anyio.CapacityLimiter(_LOOKUP_THREADS)
        app.state.scan_threads = anyio.CapacityLimiter(_SCAN_THREADS)
        app.state.metrics_thread = anyio.CapacityLimiter(1)
        app.state.health = health.Health(services, side_process)
        app.state.catalogue = offers.Catalogue(services.settings, side_process)
        try:
            async with following(services.sessions) as hub:
                app.state.hub = hub
                yield
        finally:
            side_process.close()

    app = FastAPI(
        title="DrumScribe",
        version=version("drumscribe"),
        description="Turns songs into drum sheet music.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=documentation.operation_id,
        redirect_slashes=False,
    )
    app.state.services = services
    problems.install(app, documentation.allowed_methods)
    for router in (
        jobs.router, results.router, shares.router, events.router, webhooks.router, users.router, offers.router, health.router,
    ):  # fmt: skip
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.probes)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    documentation.install(app)
    # The last is outermost
    app.add_middleware(LimitBody, limit=_MAX_BODY, free=("POST", f"{PREFIX}/jobs"), larger=_LARGER)
    app.add_middleware(Catch)
    app.add_middleware(GZipMiddleware, minimum_size=_WORTH_PACKING, compresslevel=5, exclude_content_types=_PACKED)
    app.add_middleware(Protect)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=services.settings.CORS_ORIGINS,
        allow_methods=("GET", "HEAD", "POST", "PATCH", "DELETE"),
        allow_headers=_ACCEPTED,
        expose_headers=_EXPOSED,
        max_age=3600,
    )
    app.add_middleware(RequestLog)
    setup_tracing(services.settings, "drumscribe-api", engine=services.sessions.engine, app=app)
    return app


async def _metrics(request: Request) -> Response:
    # Anyone may ask, and it takes a while: it must not take the threads of all others
    state = request.app.state
    return await anyio.to_thread.run_sync(metrics_response, state.services, limiter=state.metrics_thread)
