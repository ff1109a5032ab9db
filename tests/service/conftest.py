"""Both ways to run, for every test that asks: SQLite and a folder, or PostgreSQL, Redis and an S3 store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import structlog
from api_server import RunningApi, running_api
from deployment import DISTRIBUTED, MODES, Backing, Deployment

from drumscribe.service import migrations
from drumscribe.service.database import open_database
from drumscribe.service.settings import Settings
from drumscribe.service.wiring import Services, build


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Logs for people, without the pictures of every variable that structlog draws unasked: they take seconds."""
    processors = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
    structlog.configure(processors=processors)


@pytest.fixture(scope="session", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """The way to run; every test that asks for it runs once in each."""
    return str(request.param)


@pytest.fixture(scope="session")
def _backing_when_needed() -> Iterator[list[Backing]]:
    started: list[Backing] = []
    yield started
    for backing in started:
        backing.close()


@pytest.fixture(scope="session")
def backing(_backing_when_needed: list[Backing]) -> Backing:
    """PostgreSQL, Redis and S3, started once."""
    if not _backing_when_needed:
        _backing_when_needed.append(Backing().start())
    return _backing_when_needed[0]


@pytest.fixture(scope="session")
def template_database(backing: Backing) -> str:
    """Name of a PostgreSQL database with all tables and no rows, to be copied."""
    name = f"template_{os.getpid()}"
    sessions = open_database(backing.postgres.create_database(name))
    migrations.upgrade(sessions)
    sessions.close()
    return name


@pytest.fixture
def settings(mode: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of a fresh, empty installation in this mode, its tables made."""
    changes: dict[str, str] = {"DATA_DIR": str(tmp_path / "data")}
    if mode == DISTRIBUTED:
        backing: Backing = request.getfixturevalue("backing")
        template = request.getfixturevalue("template_database")
        backing.databases += 1
        url = backing.postgres.create_database(f"test_{os.getpid()}_{backing.databases}", template=template)
        changes |= backing.environment(url, prefix=f"d{backing.databases}")
    else:
        sessions = open_database(f"sqlite:///{tmp_path / 'data' / 'drumscribe.db'}")
        migrations.upgrade(sessions)
        sessions.close()
    return Settings.model_validate(changes)


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """What API and workers work with, over a fresh database, empty storage and, if distributed, empty queues."""
    built = build(settings)
    built.queue.purge()
    yield built
    built.close()


@pytest.fixture
def api(services: Services) -> Iterator[RunningApi]:
    """The API over these services, in a thread of the test, without workers."""
    with running_api(services) as running:
        yield running


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    """Somebody who asks it."""
    with api.client() as client:
        yield client


@pytest.fixture(scope="session")
def deployment(mode: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """The whole product in this mode, started once and shared: tests leave it running."""
    backing = request.getfixturevalue("backing") if mode == DISTRIBUTED else None
    with Deployment(mode, tmp_path_factory.mktemp(mode), backing) as running:
        yield running


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the host:port where it is served."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
