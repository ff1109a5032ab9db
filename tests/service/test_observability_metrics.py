"""Metrics: each end of a job is counted once, by every process, and seen where Prometheus asks."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from servers import free_port, wait_until
from sqlalchemy import select, update
from test_lifecycle import claim, completed, fail, finish, new_job, taken

from drumscribe.errors import DownloadFailed, UnreadableAudio
from drumscribe.service.database import db_seconds, open_database
from drumscribe.service.errors import StorageUnavailable
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.plan import STEPS, TRANSCRIBE
from drumscribe.service.observability.exposition import metrics_response
from drumscribe.service.observability.gauges import FRESH_S
from drumscribe.service.observability.memory import container_limit
from drumscribe.service.queueing import LocalQueue
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Artifact, Job
from drumscribe.service.wiring import Services, build


def parsed(text: str) -> dict[str, float]:
    """`name{label="value"}` to its value."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(services: Services) -> dict[str, float]:
    return parsed(bytes(metrics_response(services).body).decode())


@contextlib.contextmanager
def counting(**expected: float) -> Iterator[None]:
    """The block must change these of `drumscribe_jobs_total{status}` and friends by so much, and no other."""

    def now() -> dict[str, float]:
        return {
            name: REGISTRY.get_sample_value(f"drumscribe_{metric}_total", {label: name.partition("_")[2]} if label else {}) or 0.0
            for name, metric, label in [
                ("job_completed", "jobs", "status"),
                ("job_failed", "jobs", "status"),
                ("job_cancelled", "jobs", "status"),
                ("stage_ingest", "jobs_failed", "stage"),
                ("stage_separation", "jobs_failed", "stage"),
                ("stage_prediction", "jobs_failed", "stage"),
                ("stage_transcription", "jobs_failed", "stage"),
                ("revision_completed", "revisions", "status"),
                ("revision_failed", "revisions", "status"),
                ("audio", "audio_duration_processed_seconds", ""),
                ("fault_caller", "job_faults", "fault"),
                ("fault_download", "job_faults", "fault"),
                ("fault_service", "job_faults", "fault"),
            ]
        }

    before = now()
    yield
    assert {name: value - before[name] for name, value in now().items() if value != before[name]} == expected


# ---------------------------------------------------------------------------------------------- once each


def test_a_completed_job_counts_once_with_its_length(services: Services) -> None:
    with counting(job_completed=1, audio=12.5):
        job_id = new_job(services, duration_seconds=12.5)
        for step in STEPS:
            held = taken(services, job_id, step)
            assert finish(services, held) is not None
            assert finish(services, held) is None  # a late word of the same worker


def test_a_failed_job_counts_once_at_its_stage_and_a_retry_does_not(services: Services) -> None:
    with counting(job_failed=1, stage_ingest=1, fault_caller=1):
        job_id = new_job(services)
        held = taken(services, job_id)
        fail(services, held, StorageUnavailable("away"))
        held = taken(services, job_id)
        fail(services, held, UnreadableAudio("bad"))
        fail(services, held, UnreadableAudio("bad"))


def test_a_job_that_killed_all_its_workers_counts_as_failed(services: Services) -> None:
    with counting(job_failed=1, stage_ingest=1, fault_service=1):
        job_id = new_job(services)
        for _ in range(3):
            claim(services, job_id, lease_s=-1, max_attempts=2)


def test_a_job_that_the_sweep_gives_up_counts_as_failed(services: Services) -> None:
    with counting(job_failed=1, stage_ingest=1, fault_service=1):
        claim(services, new_job(services), lease_s=-1)
        time.sleep(0.02)
        for _ in range(2):
            with services.sessions.write() as session:
                lifecycle.fail_stuck(session, older_than_s=0.01, message="Given up.")


def test_a_download_that_fails_is_nobodys_recording(services: Services) -> None:
    with counting(job_failed=1, stage_ingest=1, fault_download=1):
        fail(services, taken(services, new_job(services)), DownloadFailed("the site changed"), max_attempts=1)


def test_a_cancelled_job_counts_once(services: Services) -> None:
    with counting(job_cancelled=1):
        job_id = new_job(services)
        for _ in range(2):
            with services.sessions.write() as session:
                lifecycle.cancel(session, session.get_one(Job, job_id))


def test_a_re_engraving_is_no_job(services: Services) -> None:
    job_id = completed(services)
    with counting(revision_completed=1, revision_failed=1):
        for ending in ("finish", "cancel"):
            with services.sessions.write() as session:
                lifecycle.start_revision(session, session.get_one(Job, job_id), {}, base=1)
            if ending == "finish":
                finish(services, taken(services, job_id, TRANSCRIBE))
            else:
                with services.sessions.write() as session:
                    lifecycle.cancel(session, session.get_one(Job, job_id))


def test_what_is_rolled_back_is_not_counted(services: Services) -> None:
    with counting():
        job_id = new_job(services)
        with contextlib.suppress(RuntimeError), services.sessions.write() as session:
            lifecycle.cancel(session, session.get_one(Job, job_id))
            raise RuntimeError("on second thoughts")


# ---------------------------------------------------------------------------------------------- gauges


def test_gauges_say_what_waits_and_runs(services: Services) -> None:
    waiting = [new_job(services) for _ in range(3)]
    taken(services, new_job(services))  # runs
    held = taken(services, new_job(services))
    finish(services, held)  # waits in heavy-compute
    fail(services, taken(services, new_job(services)), StorageUnavailable("away"), retry_base_s=100)  # waits for its time
    with services.sessions.write() as session:
        session.execute(update(Job).where(Job.id == waiting[0]).values(leased_by="dead", leased_until=db_seconds() - 5))
    completed(services, webhook_url="https://example.org/hook")
    said = scraped(services)
    assert said["drumscribe_active_jobs"] == 6
    assert said["drumscribe_queue_depth{queue=default}"] == 3
    assert said["drumscribe_queue_depth{queue=heavy-compute}"] == 1
    assert said["drumscribe_running_steps{queue=default}"] == 1
    assert said["drumscribe_running_steps{queue=heavy-compute}"] == 0
    assert said["drumscribe_webhooks_pending"] == 1
    assert 0 < said["drumscribe_oldest_job_age_seconds{queue=default}"] < 120
    assert said["drumscribe_up{component=database}"] == said["drumscribe_up{component=storage}"] == 1
    assert any(name.startswith("drumscribe_build_info") for name in said)
    assert any(name.startswith("drumscribe_model_info") for name in said)
    if services.settings.is_embedded:
        assert 0 < said["drumscribe_storage_free_bytes"] < said["drumscribe_storage_total_bytes"]
    else:
        assert said["drumscribe_up{component=broker}"] == 1
        assert said["drumscribe_broker_messages{queue=default}"] == 0


def test_the_oldest_waits_longer_and_longer(services: Services) -> None:
    new_job(services)
    before = scraped(services)["drumscribe_oldest_job_age_seconds{queue=default}"]
    time.sleep(FRESH_S + 0.2)
    assert scraped(services)["drumscribe_oldest_job_age_seconds{queue=default}"] >= before + FRESH_S


def test_sizes_are_those_of_the_rows(services: Services) -> None:
    completed(services)
    with services.sessions.write() as session:
        (job_id,) = session.scalars(select(Job.id))
        for name, kind, size in [("a.flac", "input", 700), ("b.pdf", "result", 20), ("c.pdf", "result", 3)]:
            session.add(Artifact(job_id=job_id, revision=9, name=name, kind=kind, content_type="x/y", size=size))
    said = scraped(services)
    assert said["drumscribe_artifact_bytes{kind=input}"] == 700
    assert said["drumscribe_artifact_bytes{kind=result}"] == 23
    assert said["drumscribe_artifact_bytes{kind=stem}"] == 0


def test_a_storage_that_is_away_is_down_and_the_rest_is_told(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(services.storage, "check", away)
    said = scraped(services)
    assert said["drumscribe_up{component=storage}"] == 0
    assert said["drumscribe_up{component=database}"] == 1


def test_memory_is_that_of_all_processes_and_shared_pages_count_once(tmp_path: Path) -> None:
    # a child that only inherits adds little; one that takes 60 MB adds 60 MB
    program = """
import os, sys, time
from drumscribe.service.observability.memory import family_bytes
block = os.urandom(100_000_000)
alone = family_bytes()
children = []
def child(own):
    read, write = os.pipe()
    if not (pid := os.fork()):
        kept = os.urandom(own)
        os.write(write, b"1")
        time.sleep(60)
    os.read(read, 1)
    children.append(pid)
    return family_bytes()
inherits, takes = child(1), child(60_000_000)
for pid in children:
    os.kill(pid, 9)
print(alone, inherits - alone, takes - inherits)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    alone, inherited, taken_too = map(int, done.stdout.split())
    assert alone > 100_000_000
    assert inherited < 30_000_000
    assert 50_000_000 < taken_too < 90_000_000


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("memory.max", "4294967296\n", 4 * 1024**3),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "1610612736\n", 1_610_612_736),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
    ],
)
def test_the_limit_is_the_containers(tmp_path: Path, file: str, text: str, expected: int | None) -> None:
    assert container_limit(tmp_path) is None
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert container_limit(tmp_path) == expected


def test_many_scrapes_ask_the_rows_once(services: Services) -> None:
    asked: list[str] = []
    from sqlalchemy import event

    event.listen(services.sessions.engine, "before_cursor_execute", lambda *what: asked.append(what[2]))
    scraped(services)
    once, began = len(asked), time.monotonic()
    for _ in range(20):
        scraped(services)
    assert len(asked) <= once * (1 + int(time.monotonic() - began))  # each answer is good for two seconds


def without_a_database(port: int) -> Services:
    settings = Settings.model_validate({"DATABASE_URL": f"postgresql+psycopg://drum:secret@127.0.0.1:{port}/drum"})
    built = build(settings)
    return Services(settings, open_database(settings.database_url), built.storage, LocalQueue())


def test_a_scrape_is_answered_while_the_database_is_away() -> None:
    said = scraped(without_a_database(free_port()))
    assert said["drumscribe_up{component=database}"] == 0
    assert "drumscribe_queue_depth{queue=default}" not in said
    assert "drumscribe_jobs_total{status=completed}" in said


def test_a_scrape_is_answered_while_the_database_is_frozen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        services = without_a_database(silent.getsockname()[1])
        started = time.monotonic()
        said = scraped(services)
        assert time.monotonic() - started < 4.5
        assert said["drumscribe_up{component=database}"] == 0


# ---------------------------------------------------------------------------------------------- many processes

_PROCESS = """
import os, signal, sys, time
from pathlib import Path
from drumscribe.service.settings import Settings
from drumscribe.service.observability.exposition import serve_worker_metrics, share_metrics, _Counts
settings = Settings()
share_metrics(settings)
from drumscribe.service.observability import metrics

def count(jobs, *, die=False):
    child = os.fork()
    if not child:
        for _ in range(jobs):
            metrics.job_ended("completed", audio_seconds=2.0)
            metrics.step_ended("ingest", "completed", 0.2)
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)
    os.waitpid(child, 0)

def seen():
    return {(s.name, *s.labels.values()): s.value for m in _Counts().collect() for s in m.samples}

def completed():
    return seen()[("drumscribe_jobs_total", "completed")]
"""


def run(program: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS + program],
        env={**os.environ, "DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_counts_of_all_processes_add_up_and_outlive_them(tmp_path: Path) -> None:
    assert (
        run("count(3); count(4, die=True); metrics.job_ended('completed', audio_seconds=1); print(completed())", tmp_path)
        == "8.0"
    )
    assert (
        run("count(2); print(completed(), seen()[('drumscribe_audio_duration_processed_seconds_total',)])", tmp_path)
        == "10.0 19.0"
    )
    assert run("print(seen()[('drumscribe_inference_latency_seconds_count', 'ingest')])", tmp_path) == "9.0"


def test_a_hundred_replaced_workers_leave_two_files(tmp_path: Path) -> None:
    said = run(
        "for _ in range(100): count(1)\nprint(completed(), len(list(Path(settings.DATA_DIR, 'metrics').glob('*.db'))))", tmp_path
    )
    assert said == "100.0 4"  # what is gone, and what the living process counts: counters and histograms each


def test_folding_counts_nothing_twice_while_others_ask(tmp_path: Path) -> None:
    said = run(
        """
import threading
worst, before, over = [0.0], [0.0], threading.Event()
def ask():
    while not over.is_set():
        now = completed()
        worst[0] = min(worst[0], now - before[0])
        before[0] = now
asking = threading.Thread(target=ask)
asking.start()
for _ in range(40): count(1)
over.set(); asking.join()
print(worst[0], completed())
""",
        tmp_path,
    )
    assert said == "0.0 40.0"


def test_a_file_that_cannot_be_read_costs_its_counts_only(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_999999999.db").write_bytes(b"\xff\xff\xff\x7f" + b"\xfe" * 100)
    said = run("count(2); print(completed())", tmp_path)
    assert said.splitlines()[-1] == "2.0"


def test_an_emptied_folder_costs_counts_but_no_work(tmp_path: Path) -> None:
    said = run(
        """
import shutil
metrics.job_ended("completed")
shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"])
metrics.job_ended("completed")  # goes to a file that nobody finds any more
child = os.fork()
if not child:
    metrics.job_ended("completed")  # cannot make its file
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(("drumscribe_jobs_total", "completed") in seen())
count(2)
print(completed())
""",
        tmp_path,
    )
    assert said.splitlines()[-2:] == ["False", "2.0"]


def test_a_worker_shows_the_counts_of_its_children_on_its_port(tmp_path: Path) -> None:
    port = free_port()
    program = _PROCESS + "count(3, die=True)\nserve_worker_metrics(settings)\ncount(2)\ntime.sleep(60)"
    environment = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0", "DATABASE_URL": "postgresql+psycopg://127.0.0.1/none"}
    environment |= {"PROMETHEUS_PORT": str(port), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.DEVNULL) as worker:
        try:
            address = f"http://127.0.0.1:{port}/metrics"

            def counted() -> float:
                try:
                    return parsed(httpx.get(address).text).get("drumscribe_jobs_total{status=completed}", 0.0)
                except httpx.TransportError:
                    return 0.0

            wait_until(lambda: counted() == 5, seconds=30, what="all five are seen")
        finally:
            worker.send_signal(signal.SIGTERM)


def test_an_empty_folder_setting_does_not_mean_the_working_directory(tmp_path: Path) -> None:
    said = run(
        "count(1); print(sorted(os.listdir('.')), 'PROMETHEUS_MULTIPROC_DIR' in os.environ)",
        tmp_path,
        PROMETHEUS_MULTIPROC_DIR="",
        REDIS_URL="redis://127.0.0.1:1/0",
        DATABASE_URL="postgresql+psycopg://127.0.0.1/none",
    )
    assert ".db" not in said
    assert said.endswith("False")


def test_choosing_the_folder_too_late_is_an_error(tmp_path: Path) -> None:
    program = """
from pathlib import Path
from drumscribe.service.observability import metrics
from drumscribe.service.observability.exposition import share_metrics
from drumscribe.service.settings import Settings
try:
    share_metrics(Settings())
except RuntimeError as error:
    print(error)
"""
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "before their folder was chosen" in done.stdout


def test_threads_that_count_lose_nothing(tmp_path: Path) -> None:
    said = run(
        """
import threading
def many():
    for _ in range(500): metrics.job_ended("completed")
threads = [threading.Thread(target=many) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(completed())
""",
        tmp_path,
    )
    assert said == "4000.0"
