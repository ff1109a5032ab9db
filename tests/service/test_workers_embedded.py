"""The embedded worker and who watches it: a process of its own that takes jobs to their end, whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from servers import wait_until
from songs import enter, look
from sqlalchemy import create_engine

from drumscribe.service import migrations
from drumscribe.service.database import Sessions
from drumscribe.service.settings import Settings
from drumscribe.service.supervisor import Supervisor
from drumscribe.service.wiring import Services, build

Start = Callable[..., tuple[Services, Supervisor]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a supervised worker over an empty installation."""
    running: list[tuple[Services, Supervisor]] = []

    def begin(**settings: str) -> tuple[Services, Supervisor]:
        for name, value in {"DATA_DIR": str(tmp_path), "JOB_LEASE_SECONDS": "5", **settings}.items():
            monkeypatch.setenv(name, value)
        services = build(Settings())
        migrations.upgrade(services.sessions)
        supervisor = Supervisor(services.sessions)
        running.append((services, supervisor))
        supervisor.start()
        return running[0]

    yield begin
    for services, supervisor in running:
        supervisor.stop()
        services.close()


def worker_of(seconds: float = 20.0) -> psutil.Process:
    """The worker's process, once it runs."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = [c for c in psutil.Process().children() if "drumscribe.service.embedded" in c.cmdline()]
        return bool(found)

    wait_until(is_there, seconds=seconds, what="a worker runs")
    return found[0]


def test_a_job_goes_from_upload_to_completed(start: Start) -> None:
    services, _ = start()
    job_id = enter(services)
    wait_until(lambda: look(services, job_id).status == "completed", seconds=60, what="the job is completed")
    assert look(services, job_id).compute_time_ms > 0


def test_a_dead_worker_is_replaced_even_if_no_connection_is_free_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = Settings.model_validate({})
    services = build(settings)
    migrations.upgrade(services.sessions)
    sessions = Sessions(create_engine(settings.database_url, pool_size=1, max_overflow=0, pool_timeout=0.1))
    supervisor = Supervisor(sessions)
    supervisor.start()
    try:
        first = worker_of()
        with sessions.engine.connect():
            first.kill()
            wait_until(lambda: not first.is_running(), seconds=10, what="it is gone")
            assert worker_of().pid != first.pid
    finally:
        supervisor.stop()
        sessions.close()
        services.close()
