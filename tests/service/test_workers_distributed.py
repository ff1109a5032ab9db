"""Celery's workers as they run: a warm end, a cold one, a database that is away, and commands that look at the queues."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deployment import DISTRIBUTED, PROGRAM, Backing, Deployment
from servers import PostgresServer, wait_until
from songs import DEMO, enter, look

from drumscribe.service.api.health import Check, Health, HealthResponse
from drumscribe.service.jobs.probing import SideProcess
from drumscribe.service.settings import Settings
from drumscribe.service.wiring import Services, build

WORKERS = ("default", "heavy", "beat")


class Workers(Deployment):
    """The processes beside the API; tests enter jobs themselves."""

    def is_ready(self) -> bool:
        """Whether both workers answer Celery's ping."""
        celery = str(Path(PROGRAM).with_name("celery"))
        command = [celery, "-A", "drumscribe.service.worker", "inspect", "ping", "--json", "--timeout", "5"]
        answer = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return answer.returncode == 0 and {node.split("@")[0] for node in json.loads(answer.stdout)} == {"default", "heavy"}


@pytest.fixture(scope="module")
def own_backing() -> Iterator[Backing]:
    """Servers that these tests may stop."""
    backing = Backing(postgres=PostgresServer(durable=True)).start()
    yield backing
    backing.close()


@pytest.fixture(scope="module")
def workers(own_backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    running = Workers(DISTRIBUTED, tmp_path_factory.mktemp("workers"), own_backing, parts=WORKERS)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def services(workers: Workers) -> Iterator[Services]:
    for part in workers.parts:
        workers.start_part(part)
    built = build(Settings.model_validate(workers.environment))
    yield built
    built.close()


def ends(services: Services, job_id: str, *, seconds: float = 90.0) -> str:
    wait_until(lambda: look(services, job_id).status in ("completed", "failed"), seconds=seconds, what="the job ends")
    return look(services, job_id).status


def test_a_message_that_was_lost_is_sent_again(services: Services) -> None:
    assert ends(services, enter(services)) == "completed"


def test_a_message_that_came_twice_does_its_work_once(services: Services) -> None:
    job_id = enter(services)
    for _ in range(3):
        services.nudge("ingest_audio", job_id)
    assert ends(services, job_id) == "completed"
    assert look(services, job_id).attempt == 4


def test_sigterm_lets_a_worker_finish_its_step(services: Services, workers: Workers) -> None:
    job_id = enter(services)
    services.nudge("ingest_audio", job_id)
    wait_until(lambda: look(services, job_id).status == "predicting", seconds=60, what="the networks listen")
    workers.processes["heavy"].terminate()
    assert workers.processes["heavy"].wait(30) == 0
    job = look(services, job_id)
    assert job.progress >= 80  # the step was not given up
    assert ends(services, job_id) == "completed"


def test_a_worker_killed_in_its_step_loses_nothing(services: Services, workers: Workers) -> None:
    job_id = enter(services)
    services.nudge("ingest_audio", job_id)
    wait_until(lambda: look(services, job_id).status == "transcribing", seconds=60, what="the score is written")
    workers.kill_part("default")
    workers.start_part("default")
    assert ends(services, job_id) == "completed"
    assert look(services, job_id).attempt >= 5


def test_a_child_that_is_killed_is_replaced_by_its_parent(services: Services, workers: Workers) -> None:
    job_id = enter(services)
    services.nudge("ingest_audio", job_id)
    wait_until(lambda: look(services, job_id).status == "predicting", seconds=60, what="the networks listen")
    parent = workers.processes["heavy"].pid
    for child in psutil.Process(parent).children():
        child.kill()
    assert ends(services, job_id) == "completed"
    assert workers.processes["heavy"].poll() is None


def test_a_job_survives_a_restart_of_the_database(services: Services, own_backing: Backing) -> None:
    job_id = enter(services)
    services.nudge("ingest_audio", job_id)
    wait_until(lambda: look(services, job_id).status != "queued", seconds=60, what="the job is taken")
    own_backing.postgres.kill()
    time.sleep(2)
    own_backing.postgres.start()
    assert ends(services, job_id) == "completed"


def test_health_names_what_the_workers_lack(services: Services, workers: Workers) -> None:
    def ask() -> HealthResponse:
        return asyncio.run(Health(services, SideProcess()).report())

    wait_until(workers.is_ready, seconds=60, what="both workers answer")
    report = ask()
    assert report.checks["pdf_engine"] == Check(status="ok", detail="lilypond")
    assert report.checks["model"].status == "ok"
    workers.kill_part("heavy")
    assert ask().checks["model"] == Check(status="degraded", detail="No worker of heavy-compute answers.")
    workers.environment["LILYPOND_BIN"] = "/no/such/lilypond"
    workers.kill_part("default")
    try:
        workers.start_part("default")
        lacks = "/no/such/lilypond"
        wait_until(lambda: lacks in (ask().checks["pdf_engine"].detail or ""), seconds=60, what="the worker says what it lacks")
    finally:
        del workers.environment["LILYPOND_BIN"]
        workers.kill_part("default")


def test_an_operator_sees_the_queues_and_empties_them(services: Services, workers: Workers) -> None:
    for part in workers.parts:
        workers.kill_part(part)
    services.queue.purge()
    jobs = [enter(services, DEMO) for _ in range(2)]
    for job_id in jobs:
        services.nudge("ingest_audio", job_id)

    def run(*arguments: str) -> str:
        return subprocess.run([PROGRAM, *arguments], env=workers.environment, check=True, capture_output=True, text=True).stdout

    assert json.loads(run("queues", "depth", "--json"))["default"] == {"messages": 2, "steps": 2}
    assert run("jobs", "fail-stuck", "--older-than", "30m") == ""
    assert set(json.loads(run("queues", "purge", "--json"))["failed"]) == set(jobs)
    assert json.loads(run("queues", "depth", "--json"))["default"] == {"messages": 0, "steps": 0}
    job = look(services, jobs[0])
    assert (job.status, job.error_message) == ("failed", "Manual reset: the queue was emptied")
