"""Load the running product and say what it takes: polls, event streams, uploads, a long queue. `make load` runs it.

    scripts/load.py [--only polls,streams,uploads,queue]

PostgreSQL with 2,000 finished jobs; one API process. The load generator shares the machine's cores with what it loads, so the
figures are a floor. Writes nothing; docs/benchmarks.md keeps the table of a run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
from sqlalchemy import func, insert, select, text

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "tests" / "service")]

from deployment import DISTRIBUTED, Backing, Deployment  # noqa: E402

from drumscribe.service.database import Sessions, open_database  # noqa: E402
from drumscribe.service.jobs import lifecycle  # noqa: E402
from drumscribe.service.queueing import CeleryQueue  # noqa: E402
from drumscribe.service.tables import Event, Job, Status  # noqa: E402

FINISHED_JOBS = 2_000
QUEUED_JOBS = 10_000


class Report:
    """Rows of the table: what was asked, what was reached."""

    def __init__(self) -> None:
        self.missed = 0

    def add(self, what: str, asked: str, reached: str, ok: bool) -> None:
        """Print one row."""
        self.missed += not ok
        print(f"| {what} | {asked} | {reached} | {'yes' if ok else 'NO'} |", flush=True)


def seed(sessions: Sessions, count: int) -> list[str]:
    """Enter jobs that have ended; returns their ids."""
    ids = [str(uuid4()) for _ in range(count)]
    with sessions.write() as session:
        session.execute(
            insert(Job),
            [
                {
                    "id": job_id,
                    "status": Status.COMPLETED,
                    "progress": 100,
                    "input_type": "upload",
                    "user_identifier": f"ip:10.0.{number % 250}.1",
                    "original_filename": f"song {number}.mp3",
                    "title": f"Song {number}",
                    "duration_seconds": 180.0,
                    "detected_bpm": 120.0,
                    "hit_summary": {"kick": 300, "snare": 200, "hihat_closed": 800},
                    "confidence_score": 0.9,
                    "warnings": [],
                    "model_version": "drums@1.0.0, beats@1.0.0",
                    "compute_time_ms": 6000,
                    "revision": 1,
                    "version": 1,
                }
                for number, job_id in enumerate(ids)
            ],
        )
        data = {"status": "completed", "progress": 100, "stage": None, "revision": 1}
        session.execute(insert(Event), [{"job_id": job_id, "seq": 1, "type": "status", "data": data} for job_id in ids])
    return ids


# ---------------------------------------------------------------------------------------------- polls


async def ask(port: int, job_ids: list[str], times: list[float], until: float, pause_s: float, late_s: float) -> None:
    """One client that polls over one connection; clients do not start at the same moment."""
    await asyncio.sleep(late_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.perf_counter() < until:
        job_id = job_ids[number % len(job_ids)]
        number += 1
        began = time.perf_counter()
        writer.write(f"GET /api/v1/jobs/{job_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
        if pause_s:
            await asyncio.sleep(max(0.0, pause_s - (time.perf_counter() - began)))
    writer.close()


async def poll(port: int, job_ids: list[str], *, clients: int, seconds: float, pause_s: float) -> list[float]:
    """Many clients at once; returns the time that each answer took."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    share = max(1, len(job_ids) // clients)
    await asyncio.gather(
        *(ask(port, job_ids[i * share : (i + 1) * share], times, until, pause_s, pause_s * i / clients) for i in range(clients))
    )
    return times


def polls(deployment: Deployment, job_ids: list[str], report: Report) -> None:
    """Status polls: as many as it takes, then 300 a second."""
    seconds = 15.0
    asyncio.run(poll(deployment.port, job_ids, clients=8, seconds=3, pause_s=0))
    flat_out = asyncio.run(poll(deployment.port, job_ids, clients=16, seconds=seconds, pause_s=0))
    rate, p99 = len(flat_out) / seconds, percentile(flat_out, 0.99)
    report.add(
        "status polls, 16 clients flat out",
        ">= 300/s, p99 < 100 ms",
        f"{rate:.0f}/s, p99 {p99 * 1000:.0f} ms",
        rate >= 300 and p99 < 0.1,
    )
    paced = asyncio.run(poll(deployment.port, job_ids, clients=150, seconds=seconds, pause_s=0.5))
    rate, p99 = len(paced) / seconds, percentile(paced, 0.99)
    report.add("status polls, 150 clients twice a second", "p99 < 100 ms", f"{rate:.0f}/s, p99 {p99 * 1000:.0f} ms", p99 < 0.1)


def percentile(values: list[float], share: float) -> float:
    """The value that this share does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# ---------------------------------------------------------------------------------------------- event streams


def streams(deployment: Deployment, sessions: Sessions, report: Report, count: int = 500) -> None:
    """Open streams of jobs that run, tell each of them something, see that all hear it."""
    jobs = [Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1", available_at=4e9) for _ in range(50)]
    with sessions.write() as session:
        for job in jobs:
            lifecycle.enter(session, job, {})
            job.available_at = 4e9  # nobody works on it
    api = psutil.Process(deployment.processes["api"].pid)
    before = api.memory_info().rss

    async def listen(job_id: str, heard: list[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", deployment.port)
        writer.write(f"GET /api/v1/jobs/{job_id}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
        while True:
            line = await reader.readline()
            if line.startswith(b"id:"):
                heard.append(int(line[3:]))
            if not line or b'"cancelled"' in line:
                break
        writer.close()

    async def everybody() -> tuple[float, int, float]:
        heard: list[list[int]] = [[] for _ in range(count)]
        tasks = [asyncio.create_task(listen(jobs[i % len(jobs)].id, heard[i])) for i in range(count)]
        deadline = time.monotonic() + 60
        while sum(map(bool, heard)) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        api.cpu_percent()
        await asyncio.sleep(10)
        idle, peak = api.cpu_percent(), api.memory_info().rss
        await asyncio.to_thread(cancel_all)
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        return peak, sum(len(one) >= 2 for one in heard), idle

    def cancel_all() -> None:
        with sessions.write() as session:
            for job in jobs:
                lifecycle.cancel(session, session.get_one(Job, job.id))

    peak, told, idle = asyncio.run(everybody())
    what = f"{peak / 1e6:.0f} MB ({before / 1e6:.0f} before), {idle:.0f} % of a core idle, {told} of {count} heard the end"
    report.add(f"{count} open event streams", "< 400 MB", what, peak < 400e6 and told == count)


# ---------------------------------------------------------------------------------------------- uploads


class Peak:
    """The largest resident set of a process while the block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._over = process, threading.Event()
        self.bytes = process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.bytes = max(self.bytes, self._process.memory_info().rss)


def uploads(deployment: Deployment, folder: Path, report: Report) -> None:
    """Four uploads of 50 MB at once; how much the API process grows."""
    import av
    import numpy as np

    from drumscribe.audio import save_wav
    from drumscribe.types import Audio

    _ = av
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 44_100 * 70)).astype(np.float32)
    song = folder / "big.wav"
    content = save_wav(Audio(noise, 44_100))
    song.write_bytes(content[: 49_900_000 // 8 * 8])
    api = psutil.Process(deployment.processes["api"].pid)
    before = api.memory_info().rss
    answers: list[int] = []

    def send() -> None:
        with song.open("rb") as file, deployment.client() as client:
            answers.append(client.post("jobs", files={"file": ("big.wav", file)}, timeout=120).status_code)

    with Peak(api) as peak:
        threads = [threading.Thread(target=send) for _ in range(4)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
    grown = peak.bytes - before
    what = f"peak {peak.bytes / 1e6:.0f} MB, {grown / 1e6:+.0f} MB, {took:.1f} s, answers {sorted(answers)}"
    report.add("4 uploads of 50 MB at once", "<= 100 MB", what, peak.bytes <= 100e6 or grown <= 100e6)


# ---------------------------------------------------------------------------------------------- a long queue


def stub_worker(queue: str) -> None:
    """A worker whose steps do nothing: only for this measure, and only here."""
    from drumscribe.cli.worker import worker
    from drumscribe.service.steps import run
    from drumscribe.service.steps.work import Done

    def nothing(_: object) -> Done:
        return Done()

    run._work_of = lambda step: nothing  # type: ignore[assignment]  # pyright: ignore[reportPrivateUsage]
    worker(queue, concurrency=1)  # type: ignore[arg-type]


def queue(deployment: Deployment, sessions: Sessions, report: Report) -> None:
    """Ten thousand jobs through Celery, with steps that do nothing; memory at the start and at the end."""
    broker = CeleryQueue(deployment.environment["REDIS_URL"])
    for start in range(0, QUEUED_JOBS, 500):
        with sessions.write() as session:
            for _ in range(start, start + 500):
                lifecycle.enter(session, Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.9"), {})
    with sessions.read() as session:
        waiting = list(session.scalars(select(Job.id).where(Job.step.is_not(None))))
    for job_id in waiting:
        broker.send("ingest_audio", job_id)
    began = time.monotonic()
    logs = [(deployment.folder / f"stub-{name}.log").open("wb") for name in ("default", "heavy-compute")]
    quiet = deployment.environment | {"LOG_LEVEL": "ERROR"}
    workers = [
        subprocess.Popen([sys.executable, __file__, "--stub-worker", name], env=quiet, stdout=log, stderr=log)
        for name, log in zip(("default", "heavy-compute"), logs, strict=True)
    ]
    samples: list[tuple[int, float]] = []
    left = len(waiting)
    while left and time.monotonic() - began < 1500:
        time.sleep(2)
        with sessions.read() as session:
            left = session.scalar(select(func.count()).select_from(Job).where(Job.step.is_not(None))) or 0
        samples.append((left, sum(memory_of(worker.pid) for worker in workers)))
        if any(worker.poll() is not None for worker in workers):
            break
    took = time.monotonic() - began
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.wait(30)
    quarter = [memory for waiting_now, memory in samples if waiting_now < len(waiting) * 0.85][:3]
    last = [memory for waiting_now, memory in samples if waiting_now > 0][-3:]
    first_mb, last_mb = (sum(part) / max(1, len(part)) / 1e6 for part in (quarter, last))
    pace = len(waiting) * 4 / took
    what = f"{left} left after {took:.0f} s ({pace:.0f} steps/s), workers {first_mb:.0f} MB early, {last_mb:.0f} MB at the end"
    constant = left == 0 and last_mb < first_mb * 1.1
    report.add(f"{len(waiting)} jobs in the queue, steps that do nothing", "drains, constant memory", what, constant)


def memory_of(pid: int) -> float:
    """Proportional memory of a process and its children, in bytes."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(float(process.memory_full_info().pss) for process in family)
    except psutil.NoSuchProcess:
        return 0.0


def main() -> int:
    """Start the product, load it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="polls,streams,uploads,queue")
    parser.add_argument("--stub-worker", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stub_worker:
        stub_worker(arguments.stub_worker)
        return 0
    wanted = set(arguments.only.split(","))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    report = Report()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n| what | asked | reached | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        backing = Backing().start()
        deployment = Deployment(DISTRIBUTED, Path(folder) / "run", backing, parts=("api",), settings={"LOG_LEVEL": "WARNING"})
        try:
            deployment.start()
            sessions = open_database(deployment.environment["DATABASE_URL"])
            job_ids = seed(sessions, FINISHED_JOBS)
            with sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE"))
            measures: dict[str, Callable[[], None]] = {
                "polls": lambda: polls(deployment, job_ids, report),
                "streams": lambda: streams(deployment, sessions, report),
                "uploads": lambda: uploads(deployment, Path(folder), report),
                "queue": lambda: queue(deployment, sessions, report),
            }
            for name, measure in measures.items():
                if name in wanted:
                    measure()
            sessions.close()
        finally:
            deployment.kill()
            backing.close()
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
