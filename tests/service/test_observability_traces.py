"""Traces: one per job, from the request through every try of every step, told to a real OTLP receiver."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from collector import Arrived, collecting
from servers import free_port

HERE = Path(__file__).parent

_PROCESS = """
import time
from drumscribe.service import migrations
from drumscribe.service.observability.exposition import share_metrics
from drumscribe.service.observability.traces import current_context, setup_tracing, shutdown_tracing, span
from drumscribe.service.settings import Settings
settings = Settings()
share_metrics(settings)
from sqlalchemy import update
from songs import enter, look, take_through
from drumscribe.service.steps import run_step
from drumscribe.service.tables import Job
from drumscribe.service.wiring import build
services = build(settings)
migrations.upgrade(services.sessions)
began = time.monotonic()
assert setup_tracing(settings, "test", engine=services.sessions.engine)

def change(job_id, **values):
    with services.sessions.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))
"""


def run(program: str, folder: Path, endpoint: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS + program],
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "PYTHONPATH": str(HERE),
            "JOB_RETRY_BASE_SECONDS": "0",
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def steps_of(spans: list[Arrived]) -> list[Arrived]:
    return [span for span in spans if "job.stage" in span.attributes]


def is_within(span: Arrived, root: Arrived, spans: list[Arrived]) -> bool:
    by_id = {each.span_id: each for each in spans}
    while span.parent_id in by_id and span.span_id != root.span_id:
        span = by_id[span.parent_id]
    return span.span_id == root.span_id


def test_every_try_of_every_step_is_part_of_the_trace_of_its_request(tmp_path: Path) -> None:
    with collecting() as collector:
        job_id = run(
            """
with span("POST /api/v1/jobs"):
    job_id = enter(services, trace_context=current_context())
good = look(services, job_id).options
change(job_id, options={"voices": "none of these"})
run_step("ingest_audio", job_id, services)
run_step("predict_hits", job_id, services)  # not its turn: no span
change(job_id, options=good)
job = take_through(services, job_id)
assert job.status == "completed", (job.status, job.error_message)
print(job_id)
""",
            tmp_path,
            collector.url,
        )
        trace = collector.trace_of(job_id)
        everything = collector.spans
    assert len({span.trace_id for span in trace}) == 1
    (root,) = [span for span in trace if not span.parent_id]
    assert root.name == "POST /api/v1/jobs"
    steps = steps_of(trace)
    names = [span.name for span in steps]
    assert set(names) == {"ingest_audio", "separate_drums", "predict_hits", "transcribe_and_export"}
    assert len(names) >= 4
    assert all(is_within(span, root, trace) for span in trace)
    statements = [span for span in trace if span.attributes.get("db.system") == "sqlite"]
    assert statements, "statements belong to the step that makes them"
    assert all("VALUES" not in str(span.attributes) or "Demo Song" not in str(span.attributes) for span in statements)
    last = steps[-1]
    assert last.attributes["job.id"] == job_id
    assert last.attributes["job.stage"] == "transcription"
    assert last.attributes["job.try"] == 1
    assert last.attributes["job.duration_seconds"] > 10
    assert last.attributes["job.model_version"]
    assert next(span for span in steps if span.name == "predict_hits").events, "the library's stages are told"
    assert {span.trace_id for span in everything} == {root.trace_id}, "statements outside of steps are no traces"


def test_a_step_that_fails_says_why_and_its_next_try_follows(tmp_path: Path) -> None:
    with collecting() as collector:
        job_id = run(
            """
from pathlib import Path
with span("POST /api/v1/jobs"):
    job_id = enter(services, trace_context=current_context())
upload = next(Path(settings.artifacts_dir).rglob("original.flac"))
upload.rename(upload.with_name("away"))
run_step("ingest_audio", job_id, services)
print(job_id)
""",
            tmp_path,
            collector.url,
        )
        (failed,) = steps_of(collector.trace_of(job_id))
    assert failed.failed
    assert failed.attributes["error.type"] == "artifact_missing"
    said = failed.events["exception"]
    assert "Traceback" in said["exception.stacktrace"]


def test_tries_of_a_step_are_siblings(tmp_path: Path) -> None:
    with collecting() as collector:
        job_id = run(
            """
with span("POST /api/v1/jobs"):
    job_id = enter(services, trace_context=current_context())
change(job_id, options={"bpm": "not a number"})
for _ in range(2):
    run_step("ingest_audio", job_id, services)
    run_step("separate_drums", job_id, services)
    run_step("predict_hits", job_id, services)
print(job_id)
""",
            tmp_path,
            collector.url,
        )
        steps = steps_of(collector.trace_of(job_id))
    tries = [span for span in steps if span.failed]
    assert [span.attributes["job.try"] for span in tries] == [1, 2]
    assert len({span.parent_id for span in tries}) == 1
    assert len({span.trace_id for span in tries}) == 1


def test_a_collector_that_is_away_costs_no_time(tmp_path: Path) -> None:
    spent = run(
        """
with span("POST /api/v1/jobs"):
    job_id = enter(services, trace_context=current_context())
for number in range(3000):
    with span("step"):
        pass
working = time.monotonic() - began
shutdown_tracing()
print(working, time.monotonic() - began - working)
""",
        tmp_path,
        f"http://127.0.0.1:{free_port()}",
    )
    working, ending = map(float, spent.split())
    assert working < 5
    assert ending < 4


def test_a_collector_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        spent = run(
            """
with span("step"):
    pass
time.sleep(2.5)
with span("step"):
    pass
before = time.monotonic()
shutdown_tracing()
print(time.monotonic() - before)
""",
            tmp_path,
            f"http://127.0.0.1:{silent.getsockname()[1]}",
        )
        assert float(spent) < 4
        assert time.monotonic() - started < 60


def test_nothing_is_traced_without_an_address(tmp_path: Path) -> None:
    program = """
import sys
from drumscribe.service.observability.traces import current_context, setup_tracing, span
from drumscribe.service.settings import Settings
assert not setup_tracing(Settings(), "test")
with span("step"):
    assert current_context() is None
assert "opentelemetry.sdk" not in sys.modules
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, timeout=60, check=True)
