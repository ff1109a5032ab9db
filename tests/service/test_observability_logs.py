"""Logs: one JSON object per line, whoever speaks, and no secret in any."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from drumscribe.service.observability.logs import REDACTED, redact, redact_text

_HEAD = """
import logging, sys, threading, warnings
import structlog
from drumscribe.service.observability.logs import leave_logging_to_us, setup_logging
setup_logging("{level}")
log = structlog.get_logger("test")
"""


def lines_of(program: str, *, level: str = "INFO", status: int = 0) -> list[dict[str, Any]]:
    """What a process of its own writes to standard output: every line must be an object."""
    done = subprocess.run(
        [sys.executable, "-c", _HEAD.replace("{level}", level) + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all({"timestamp", "level", "event"} <= set(line) for line in lines)
    return lines


def test_our_events_and_those_of_libraries_take_one_form() -> None:
    ours, uvicorn, celery, warning = lines_of("""
log.info("step_completed", job_id="j", stage="ingest", elapsed_ms=12)
logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
logging.getLogger("celery.worker").error("went %s", "wrong", extra={"task": "ingest_audio"})
warnings.warn("old", DeprecationWarning)
""")
    assert (ours["event"], ours["job_id"], ours["elapsed_ms"], ours["level"]) == ("step_completed", "j", 12, "info")
    assert ours["timestamp"].endswith("Z")
    assert "T" in ours["timestamp"]
    assert (uvicorn["event"], uvicorn["logger"], uvicorn["level"]) == ("Started server process [7]", "uvicorn.error", "info")
    assert (celery["event"], celery["task"], celery["level"]) == ("went wrong", "ingest_audio", "error")
    assert (warning["logger"], warning["level"]) == ("py.warnings", "warning")


def test_every_line_within_a_step_says_job_stage_and_time() -> None:
    within, library, outside = lines_of("""
import time
with structlog.contextvars.bound_contextvars(job_id="j", stage="prediction", step_started=time.perf_counter() - 1):
    log.warning("progress_not_written")
    logging.getLogger("onnxruntime").warning("slow")
log.info("worker_idle")
""")
    for line in (within, library):
        assert (line["job_id"], line["stage"]) == ("j", "prediction")
        assert 1000 <= line["elapsed_ms"] < 30_000
        assert "step_started" not in line
    assert "elapsed_ms" not in outside


def test_an_exception_is_a_field_of_its_line() -> None:
    ours, library = lines_of("""
try:
    raise ValueError("first\\nsecond")
except ValueError:
    log.exception("step_crashed")
    logging.getLogger("sqlalchemy.pool").exception("lost")
""")
    for line in (ours, library):
        assert line["exception"].startswith("Traceback (most recent call last)")
        assert "ValueError: first\nsecond" in line["exception"]


def test_what_nobody_caught_is_logged_too() -> None:
    (in_thread, in_main) = lines_of(
        """
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise KeyError("gone")
""",
        status=1,
    )
    assert in_thread["event"] == in_main["event"] == "uncaught_error"
    assert "ZeroDivisionError" in in_thread["exception"]
    assert "KeyError: 'gone'" in in_main["exception"]


@pytest.mark.parametrize(("level", "expected"), [("DEBUG", 6), ("INFO", 4), ("WARNING", 2), ("ERROR", 0)])
def test_log_level_holds_for_us_and_for_libraries(level: str, expected: int) -> None:
    program = "\n".join(
        f"log.{name}('ours'); logging.getLogger('uvicorn').{name}('theirs')" for name in ("debug", "info", "warning")
    )
    assert len(lines_of(program, level=level)) == expected


def test_celery_adds_no_form_of_its_own() -> None:
    lines = lines_of("""
leave_logging_to_us()
from drumscribe.service.celery_app import make_app
make_app("redis://127.0.0.1:1/0").log.setup(loglevel="INFO")
from celery.utils.log import get_task_logger
get_task_logger("t").info("from a task")
logging.getLogger("celery.worker").info("from the worker")
""")
    assert [line["event"] for line in lines] == ["from a task", "from the worker"]


def test_work_goes_on_when_nobody_reads_the_log() -> None:
    program = _HEAD.replace("{level}", "INFO") + "\nfor _ in range(20000): log.info('x' * 100)\nsys.stderr.write('done')"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "done"
        assert process.wait(timeout=60) == 0


def test_lines_of_several_processes_do_not_run_into_each_other() -> None:
    lines = lines_of("""
import os
children = []
for number in range(4):
    child = os.fork()
    if not child:
        for _ in range(500):
            log.info("line", number=number, text="x" * 300)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
""")
    assert len(lines) == 2000


SECRETS = [
    "postgresql+psycopg://drum:{}@db:5432/drumscribe",
    "redis://:{}@redis:6379/0",
    "https://user:{}@proxy.example:8080",
    "https://bucket.example/a.pdf?X-Amz-Algorithm=AWS4&X-Amz-Signature={}&X-Amz-Date=1",
    "https://bucket.example/a.pdf?X-Amz-Credential={}",
    "https://bucket.example/a.pdf?X-Amz-Security-Token={}",
    "https://hooks.example/in?token={}",
    "GET /api/v1/jobs/1/ws?access_token={} HTTP/1.1",
    "Authorization: Bearer {}",
    "sent 'authorization': 'Basic {}'",
    "Cookie: session={}; theme=dark",
    "ds_live_{}",
    "/api/v1/shared/{}/result",
    "the refresh token ds_refresh_{} is not known",
    "signed with whsec_{}",
    "JWT_SECRET={} in the environment",
    '{{"password": "{}"}}',
    "S3_SECRET_ACCESS_KEY: {}",
]
SECRET = "k3yF0rT3st1ng9Zq8Wv7"


@pytest.mark.parametrize("text", SECRETS)
def test_no_secret_is_logged_inside_text(text: str) -> None:
    shown = redact_text(text.format(SECRET))
    assert SECRET not in shown
    assert REDACTED in shown


def test_a_signed_token_is_told_by_its_form() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    assert redact_text(f"refused {token}!") == f"refused {REDACTED}!"


@pytest.mark.parametrize(
    "name", ["password", "token", "access_token", "refresh_token", "api_key", "authorization", "cookie", "secret", "jwt"]
)
def test_no_field_that_is_a_secret_is_logged(name: str) -> None:
    event = redact(None, "info", {"event": "x", name: SECRET, "more": {name: [SECRET], "and": [{name: SECRET}]}})
    assert SECRET not in json.dumps(event)


@pytest.mark.parametrize(
    "text",
    [
        "The recording is longer than 900 seconds.",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=12",
        "/api/v1/jobs/1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a10/result?revision=2",
        "basic transcription of the keys",
        "ingest/separation: 3 of 4",
        "drums@1.0.0",
        "2026-11-21T12:00:00Z",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text
    assert redact(None, "info", {"event": "x", "stage": text, "key": 3, "elapsed_ms": 4}) == {
        "event": "x",
        "stage": text,
        "key": 3,
        "elapsed_ms": 4,
    }


def test_a_line_costs_little() -> None:
    cost_us, = lines_of("""
import os, timeit
setup_logging("INFO", file_descriptor=os.open(os.devnull, os.O_WRONLY))
say = lambda: log.info("request", method="GET", route="/api/v1/jobs/{job_id}", status=200, elapsed_ms=1.2)
best = min(timeit.repeat(say, number=500, repeat=5)) / 500 * 1e6
setup_logging("INFO")
log.info("cost", us=best)
""")  # fmt: skip
    assert cost_us["us"] < 500, "a line per request must not be what the API is busy with"
