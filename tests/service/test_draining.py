"""A worker that is started for the work that waits ends when it is done, and leaves nothing half done."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import PROGRAM, Backing
from songs import enter, look, take_through
from sqlalchemy import update

from drumscribe.service import draining
from drumscribe.service.database import db_seconds
from drumscribe.service.jobs.plan import HEAVY, SEPARATE
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build


@pytest.fixture
def environment(backing: Backing, template_database: str, tmp_path: Path) -> dict[str, str]:
    url = backing.new_database(template=template_database)
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return (
        keep | backing.environment(url, prefix=f"drain{backing.databases}") | {"DATA_DIR": str(tmp_path), "OMP_NUM_THREADS": "2"}
    )


@pytest.fixture
def services(environment: dict[str, str]) -> Iterator[Services]:
    built = build(Settings.model_validate(environment))
    built.queue.purge()
    yield built
    built.close()


def waiting(services: Services) -> str:
    """A job that waits for a worker of heavy-compute; the broker knows nothing of it."""
    job_id = enter(services)
    take_through(services, job_id, until="separate_drums")
    services.queue.purge()
    return job_id


def run(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "worker", "--queue", HEAVY, *options]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=240)


def test_it_does_what_waits_and_ends(services: Services, environment: dict[str, str]) -> None:
    jobs = [waiting(services) for _ in range(2)]
    for job_id in jobs:
        services.nudge("separate_drums", job_id)
    done = run(environment, "--until-idle", "2")
    assert done.returncode == 0, done.stderr
    assert [look(services, job_id).step for job_id in jobs] == ["transcribe_and_export"] * 2
    assert services.queue.depth()[HEAVY] == 0
    assert '"worker_ends"' in done.stderr + done.stdout
    assert '"reason": "idle"' in done.stderr + done.stdout


def test_it_ends_when_its_time_is_over_though_work_waits(services: Services, environment: dict[str, str]) -> None:
    job_id = waiting(services)  # without a message: nothing comes to the worker
    done = run(environment, "--until-idle", "60", "--at-most", "0")
    assert done.returncode == 0, done.stderr
    assert '"reason": "time"' in done.stderr + done.stdout
    assert look(services, job_id).step == "separate_drums"


def test_what_counts_as_work(services: Services) -> None:
    def has_work() -> bool:
        return draining.has_work(services, HEAVY)

    def set_job(job_id: str, **columns: object) -> None:
        with services.sessions.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(**columns))

    assert not has_work()
    job_id = waiting(services)
    assert has_work(), "a step waits"
    set_job(job_id, available_at=db_seconds() + 60)
    assert not has_work(), "its next try is later: somebody else's"
    set_job(job_id, available_at=0.0, leased_by="elsewhere:7", leased_until=db_seconds() + 60)
    assert not has_work(), "another machine is at it"
    set_job(job_id, leased_by=f"{os.uname().nodename}:7")
    assert has_work(), "this machine is at it"
    set_job(job_id, step=None, leased_by=None, leased_until=None)
    assert not has_work()
    services.queue.send(SEPARATE.name, job_id)
    assert has_work(), "a message that is worth nothing has to be taken too"


def test_who_cannot_ask_stays() -> None:
    services = build(
        Settings.model_validate(
            {"DATABASE_URL": "postgresql+psycopg://nobody:x@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}
        )
    )
    assert draining.has_work(services, HEAVY)
    services.close()
