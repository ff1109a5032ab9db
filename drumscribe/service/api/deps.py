"""What routes are given: the services, and who calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import anyio.to_thread
import structlog
from fastapi import Depends
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import HTTPConnection

from drumscribe.service.jobs.probing import SideProcess
from drumscribe.service.users.authenticate import authenticate
from drumscribe.service.users.identity import JOBS_READ, JOBS_WRITE, Caller, logged_as
from drumscribe.service.wiring import Services

#: For the description only; `authenticate` reads the headers.
BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key or an access token.")
API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="apiKey", description="An API key.")


async def get_services(connection: HTTPConnection) -> Services:
    """What the application was made with."""
    return connection.app.state.services


async def get_side_process(connection: HTTPConnection) -> SideProcess:
    """The process that opens files and loads heavy packages, so that this one does not."""
    return connection.app.state.side_process


async def get_caller(connection: HTTPConnection) -> Caller:
    """Whoever asks, by the request's credentials or address.

    Raises
    ------
    Unauthenticated
        If credentials are needed and not good.
    """
    services: Services = connection.app.state.services
    client = connection.client
    host = client.host if client else None
    ask = partial(authenticate, services.sessions, services.settings, connection.headers, host)
    # without credentials it asks no database, and needs no thread
    caller = ask() if services.settings.AUTH_MODE == "none" else await anyio.to_thread.run_sync(ask)
    structlog.contextvars.bind_contextvars(user_id=logged_as(caller.identifier))  # of this request's task, to its end
    return caller


def caller_with(scope: str) -> Callable[[Caller], Caller]:
    """A dependency: the caller, if that is allowed to them."""

    async def demand(caller: Annotated[Caller, Depends(get_caller)]) -> Caller:
        caller.demand(scope)
        return caller

    return demand  # pyright: ignore[reportReturnType]


WithServices = Annotated[Services, Depends(get_services)]
WithSideProcess = Annotated[SideProcess, Depends(get_side_process)]
Reader = Annotated[Caller, Depends(caller_with(JOBS_READ))]
Writer = Annotated[Caller, Depends(caller_with(JOBS_WRITE))]
