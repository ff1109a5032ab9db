"""`drumscribe serve` as an operator meets it: one command, one line, and an end in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from deployment import EMBEDDED, PROGRAM, Deployment
from servers import wait_until
from songs import DEMO

from drumscribe.service import migrations

NEWEST = migrations.newest()


def environment(**more: str) -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | more


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, *arguments]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Deployment]:
    """A service of its own over an empty folder."""
    deployment = Deployment(EMBEDDED, tmp_path)
    deployment.start()
    yield deployment
    deployment.kill()


def the_worker(deployment: Deployment) -> psutil.Process | None:
    found = [p for p in deployment.family("api") if "drumscribe.service.embedded" in p.cmdline()]
    return found[0] if found else None


def test_it_says_where_it_runs_on_stdout_and_logs_on_stderr(tmp_path: Path) -> None:
    command = [PROGRAM, "serve", "--port", "0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("DrumScribe runs at http://127.0.0.1:")
        assert str(tmp_path / "data") in line
        address = line.split()[3]
        assert httpx.get(f"{address}/readyz").status_code == 200
        process.terminate()
        rest, log = process.communicate(timeout=15)
    assert (process.returncode, rest) == (0, "")
    assert all(line.startswith("{") for line in log.splitlines() if line != "Stopped.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_api_and_worker_and_gives_the_step_back(served: Deployment, number: signal.Signals) -> None:
    job_id = served.upload(DEMO)
    wait_until(lambda: served.status(job_id)["status"] != "queued", seconds=30, what="the job is taken")
    family = served.family("api")
    started = time.monotonic()
    served.processes["api"].send_signal(number)
    assert served.processes["api"].wait(12) == 0
    assert time.monotonic() - started < 10
    assert psutil.wait_procs(family, timeout=2)[1] == []
    served.start()
    assert served.wait(job_id)["status"] == "completed"


def test_after_a_kill_of_everything_the_next_start_carries_on(served: Deployment) -> None:
    jobs = [served.upload(DEMO) for _ in range(3)]
    wait_until(lambda: served.status(jobs[0])["progress"] >= 15, seconds=30, what="the first is under way")
    served.kill()
    served.start()
    for job_id in jobs:
        assert served.wait(job_id)["status"] == "completed"


def test_a_worker_that_dies_is_replaced_and_its_step_done_again(served: Deployment) -> None:
    job_id = served.upload(DEMO)
    wait_until(lambda: served.status(job_id)["status"] != "queued", seconds=30, what="the job is taken")
    worker = the_worker(served)
    assert worker is not None
    worker.kill()
    assert served.wait(job_id)["status"] == "completed"
    replaced = the_worker(served)
    assert replaced is not None
    assert replaced.pid != worker.pid


def test_the_worker_ends_when_the_api_is_killed(served: Deployment) -> None:
    wait_until(lambda: the_worker(served) is not None, seconds=20, what="the worker runs")
    worker = the_worker(served)
    assert worker is not None
    served.processes["api"].kill()
    served.processes["api"].wait(5)
    assert psutil.wait_procs([worker], timeout=5)[1] == []


def test_a_worker_grown_too_large_is_replaced_between_jobs(tmp_path: Path) -> None:
    deployment = Deployment(EMBEDDED, tmp_path, settings={"WORKER_HEAVY_MAX_MEMORY_KB": "100000"})
    try:
        deployment.start()
        for _ in range(2):
            assert deployment.wait(deployment.upload(DEMO))["status"] == "completed"
        wait_until(lambda: '"worker_leaves"' in deployment.log("api"), seconds=20, what="a worker leaves")
        assert '"process_died"' not in deployment.log("api")
    finally:
        deployment.kill()


def test_a_folder_in_use_is_refused(served: Deployment) -> None:
    second = run("serve", "--port", "0", DATA_DIR=served.environment["DATA_DIR"])
    assert second.returncode == 1
    assert "Another DrumScribe runs with the data in" in second.stderr


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("serve", "--port", str(port), "--data", str(tmp_path))
    assert refused.returncode == 1
    assert (
        refused.stderr.strip()
        == f"Error: Port {port} of 127.0.0.1 cannot be used: Address already in use. --port chooses another."
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"AUTH_MODE": "jwt"}, "JWT_SECRET"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "PostgreSQL"),
        ({"JOB_MAX_ATTEMPTS": "many"}, "JOB_MAX_ATTEMPTS: Input should be a valid integer"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, str], says: str) -> None:
    refused = run("serve", **settings)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_without_a_broker_there_is_nothing_for_a_worker_to_do(tmp_path: Path) -> None:
    for command in (["worker", "--queue", "default"], ["beat"]):
        refused = run(*command, DATA_DIR=str(tmp_path))
        assert refused.returncode == 2
        assert "needs a REDIS_URL" in refused.stderr


def test_without_any_address_the_data_lie_where_the_system_keeps_them(tmp_path: Path) -> None:
    made = run("migrate", XDG_DATA_HOME=str(tmp_path))
    assert (made.returncode, made.stdout.strip()) == (0, NEWEST)
    assert (tmp_path / "drumscribe" / "drumscribe.db").is_file()


def test_the_tables_go_up_and_down_by_name(tmp_path: Path) -> None:
    there = {"DATA_DIR": str(tmp_path)}
    assert run("migrate", **there).stdout == f"{NEWEST}\n"
    assert run("migrate", "--to", "base", **there).stdout == "base\n"
    assert run("migrate", "--to", "0001", **there).stdout == "0001\n"
    unknown = run("migrate", "--to", "nonsense", **there)
    assert (unknown.returncode, "There is no revision 'nonsense'" in unknown.stderr) == (2, True)
