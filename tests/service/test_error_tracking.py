"""Errors reach a collector that speaks Sentry's protocol, and nothing personal or secret goes with them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deployment import EMBEDDED, Deployment
from pydantic import ValidationError
from receivers import Received, Receiver, receiving, status
from servers import free_port, wait_until

from drumscribe.service.settings import Settings

_HEAD = """
import logging, os, sys
import structlog
from drumscribe.service.observability.logs import setup_logging
from drumscribe.service.observability.tracking import flush_reports, setup_error_tracking
from drumscribe.service.settings import Settings
settings = Settings()
setup_logging(settings.LOG_LEVEL)
print(setup_error_tracking(settings), file=sys.stderr)
log = structlog.get_logger("test")
"""


def opened(received: Received) -> list[tuple[dict[str, Any], bytes]]:
    """The items of an envelope: a line for it, then for each item its header and as many bytes as that says."""
    body = received.body
    if received.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    elif received.headers.get("content-encoding") == "br":  # where that package happens to be
        import brotli

        body = brotli.decompress(body)
    _, _, rest = body.partition(b"\n")
    items: list[tuple[dict[str, Any], bytes]] = []
    while rest.strip():
        head, _, rest = rest.partition(b"\n")
        header = json.loads(head)
        items.append((header, rest[: header["length"]]))
        rest = rest[header["length"] :].lstrip(b"\n")
    return items


def events(receiver: Receiver) -> list[dict[str, Any]]:
    """Every report that came in."""
    return [json.loads(body) for got in receiver.received for header, body in opened(got) if header["type"] == "event"]


def run(program: str, dsn: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _HEAD + program],
        env=os.environ | {"SENTRY_DSN": dsn, "DATA_DIR": str(folder), "ENV": "development"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_an_error_is_reported_with_its_trace_and_without_what_nobody_else_should_know(tmp_path: Path) -> None:
    with receiving(status(200, b"{}")) as collector:
        done = run(
            """
def work(email, token):
    raise ValueError("cannot reach postgresql://drum:hunter2secret@db/drum for ds_live_k3yF0rT3st1ng9Zq8Wv7")
log.info("fine")
log.warning("so so")
structlog.contextvars.bind_contextvars(job_id="j-1", stage="prediction", user_id="user:1f0c", request_id="r-1")
try:
    work("somebody@example.org", "local-value-of-a-variable")
except ValueError as error:
    log.error("step_crashed", exc_info=error, code="internal_error", api_key="k3yF0rT3st1ng9Zq8Wv7")
logging.getLogger("uvicorn.error").critical("worker %s died", 7)
""",
            f"http://public@127.0.0.1:{collector.port}/42",
            tmp_path,
        )
        assert done.stderr.strip() == "True"
        crash, library = events(collector)
        assert {got.path for got in collector.received} == {"/api/42/envelope/"}
        whole = json.dumps([crash, library])
    assert (crash["logentry"]["formatted"], crash["level"]) == ("step_crashed", "error")
    assert crash["tags"] == {"stage": "prediction", "code": "internal_error"}
    assert crash["extra"]["job_id"] == "j-1"
    assert crash["user"] == {"id": "user:1f0c"}
    assert crash["environment"] == "development"
    assert crash["release"].startswith("drumscribe@")
    (raised,) = crash["exception"]["values"]
    assert raised["type"] == "ValueError"
    assert raised["value"].startswith("cannot reach postgresql://[redacted]@db/drum")
    assert [frame["function"] for frame in raised["stacktrace"]["frames"]] == ["<module>", "work"]
    assert (library["logentry"]["formatted"], library["level"]) == ("worker 7 died", "fatal")
    for secret in ("hunter2secret", "k3yF0rT3st1ng9Zq8Wv7", "somebody@example.org", "local-value-of-a-variable", "public@"):
        assert secret not in whole, secret
    assert not {"request", "modules"} & (set(crash) | set(library))
    # and the log is what it would have been
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["fine", "so so", "step_crashed", "worker 7 died"]
    assert "ValueError" in json.loads(done.stdout.splitlines()[2])["exception"]


def test_an_error_that_nobody_caught_is_reported_and_so_is_that_of_a_forked_child(tmp_path: Path) -> None:
    with receiving(status(200, b"{}")) as collector:
        program = """
log.error("before")
child = os.fork()
if not child:
    log.error("told by nobody: this process has not begun")
    setup_error_tracking(settings)
    log.error("of the child")
    flush_reports()
    os._exit(0)
os.waitpid(child, 0)
def last():
    raise KeyError("gone")
sys.excepthook(*(lambda error: (type(error), error, None))(KeyError("gone")))
"""
        run(program, f"http://public@127.0.0.1:{collector.port}/1", tmp_path)
        told = [event["logentry"]["formatted"] for event in events(collector)]
    assert sorted(told) == ["before", "of the child", "uncaught_error"]


def test_a_collector_that_is_away_costs_nothing(tmp_path: Path) -> None:
    done = run("for _ in range(200): log.error('again')", f"http://public@127.0.0.1:{free_port()}/1", tmp_path)
    assert len(done.stdout.splitlines()) == 200


def test_without_an_address_the_package_is_not_imported(tmp_path: Path) -> None:
    done = run("log.error('kept to ourselves')\nprint('sentry_sdk' in sys.modules, file=sys.stderr)", "", tmp_path)
    assert done.stderr.split() == ["False", "False"]


@pytest.mark.parametrize("dsn", ["sentry.example", "https://sentry.example/1", "https://key@sentry.example", "ftp://key@host/1"])
def test_an_address_of_another_form_is_refused_at_start(dsn: str) -> None:
    with pytest.raises(ValidationError, match="https://key@host/project"):
        Settings.model_validate({"SENTRY_DSN": dsn})


def test_the_service_reports_a_worker_that_dies(tmp_path: Path) -> None:
    with receiving(status(200, b"{}")) as collector:
        settings = {"SENTRY_DSN": f"http://public@127.0.0.1:{collector.port}/7"}
        with Deployment(EMBEDDED, tmp_path, settings=settings) as running:
            (worker,) = [one for one in running.family("api") if "drumscribe.service.embedded" in one.cmdline()]
            worker.kill()
            wait_until(lambda: bool(events(collector)), seconds=20, what="the report arrives")
            (told, *_) = events(collector)
    assert told["logentry"]["formatted"] == "process_died"
    assert told["tags"]["process"] == "worker"
