"""Break the running product on purpose, and count what becomes of the jobs. `make chaos` runs it.

    scripts/chaos.py [--kills 25] [--modes embedded,distributed] [--only NAME,NAME]

Real processes, real servers, the real model, a clip of the demo song. After every fault the same questions are asked of every
accepted job: has it ended, has it ended once, is everything it made whole. The exit status is 1 if any answer is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
from sqlalchemy import func, select

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "tests" / "service")]

from deployment import DISTRIBUTED, EMBEDDED, FINAL, MODES, Backing, Deployment  # noqa: E402
from servers import PostgresServer  # noqa: E402

from drumscribe.audio import load_audio, save_wav  # noqa: E402
from drumscribe.service.database import Sessions  # noqa: E402
from drumscribe.service.jobs.plan import STEPS, Step  # noqa: E402
from drumscribe.service.settings import Settings  # noqa: E402
from drumscribe.service.storage import StorageBackend  # noqa: E402
from drumscribe.service.tables import Artifact, Event, Job, WebhookMessage  # noqa: E402
from drumscribe.service.wiring import Services, build  # noqa: E402
from drumscribe.types import Audio  # noqa: E402

CLIP_S = 6.0
#: Bytes of an upload that is meant to be interrupted.
_BIG = 20_000_000
#: A webhook receiver that nobody listens on: only the outbox is looked at.
HOOK = "http://127.0.0.1:9/hook"

WORKERS = {EMBEDDED: {"default": "api", "heavy-compute": "api"}, DISTRIBUTED: {"default": "default", "heavy-compute": "heavy"}}


@dataclass
class Ground:
    """One deployment to break, and what has been asked of it."""

    mode: str
    deployment: Deployment
    backing: Backing | None
    clip: Path
    random: random.Random
    accepted: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.services: Services = build(Settings.model_validate(self.deployment.environment))

    @property
    def sessions(self) -> Sessions:
        """The deployment's database, seen from outside."""
        return self.services.sessions

    @property
    def storage(self) -> StorageBackend:
        """The deployment's storage, seen from outside."""
        return self.services.storage

    def submit(self, count: int = 1) -> list[str]:
        """Start jobs and remember them."""
        started = [self.deployment.upload(self.clip, webhook_url=HOOK) for _ in range(count)]
        self.accepted += started
        return started

    def settle(self, jobs: list[str], *, seconds: float) -> list[str]:
        """Wait until jobs have ended; returns those that have not."""
        deadline = time.monotonic() + seconds
        waiting = list(jobs)
        while waiting and time.monotonic() < deadline:
            with contextlib.suppress(Exception), self.sessions.read() as session:
                ended = set(session.scalars(select(Job.id).where(Job.id.in_(waiting), Job.status.in_(FINAL))))
                waiting = [job for job in waiting if job not in ended]
            time.sleep(0.1)
        return waiting

    def worker_of(self, step: Step) -> str:
        """Which part of the deployment works on a step."""
        return WORKERS[self.mode][step.queue]

    def worker_processes(self, part: str) -> list[psutil.Process]:
        """The processes that work for a part; in the embedded mode the watched child and what it has started."""
        family = self.deployment.family(part)
        if self.mode == DISTRIBUTED:
            return family
        worker = next((process for process in family if "drumscribe.service.embedded" in process.cmdline()), None)
        return [] if worker is None else [worker, *worker.children(recursive=True)]


@dataclass(frozen=True)
class Verdict:
    """What became of the jobs of one scenario."""

    name: str
    faults: int
    jobs: int
    statuses: Counter[str]
    wrong: list[str]
    seconds: float

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        what = f"{self.name:<46} {self.faults:>4} faults {self.jobs:>4} jobs: {ends or '-'}"
        return f"{what}; {len(self.wrong)} wrong; {self.seconds:.0f} s"


def inspect(ground: Ground, jobs: list[str]) -> tuple[Counter[str], list[str]]:
    """Ask every job whether all is well with it."""
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    with ground.sessions.read() as session:
        for job_id in jobs:
            job = session.get(Job, job_id)
            if job is None:
                wrong.append(f"{job_id} is lost")
                continue
            statuses[job.status] += 1
            events = session.scalars(select(Event).where(Event.job_id == job_id).order_by(Event.seq)).all()
            if job.status not in FINAL or job.step is not None:
                wrong.append(f"{job_id} has not ended: {job.status} {job.step} tries {job.tries}")
            if [event.seq for event in events] != list(range(1, job.version + 1)):
                wrong.append(f"{job_id} has gaps or doubles in its events")
            if sum(event.type == "status" and event.data["status"] in FINAL for event in events) != 1:
                wrong.append(f"{job_id} did not end once")
            messages = session.scalars(select(WebhookMessage).where(WebhookMessage.job_id == job_id)).all()
            if len(messages) != 1:
                wrong.append(f"{job_id} has {len(messages)} messages about its end")
            if job.status == "failed" and not (job.error_code and job.error_message):
                wrong.append(f"{job_id} failed without a reason")
            if job.status == "completed":
                made = session.scalars(select(Artifact).where(Artifact.job_id == job_id)).all()
                wrong += [f"{job_id}: {problem}" for problem in damage(ground.storage, list(made))]
    return statuses, wrong


def damage(storage: StorageBackend, made: list[Artifact]) -> Iterator[str]:
    """What is wrong with the files of a completed job."""
    names = {artifact.name for artifact in made}
    for name in ("hits.json", "performance.json", "sheet_music.musicxml", "sheet_music.mid", "sheet_music.pdf", "result.json"):
        if name not in names:
            yield f"{name} is missing"
    for artifact in made:
        content = storage.read_file(artifact.job_id, artifact.revision, artifact.name)
        if len(content) != artifact.size:
            yield f"{artifact.name} has {len(content)} bytes instead of {artifact.size}"
        elif artifact.name.endswith(".json"):
            json.loads(content)
        elif any(not (content.startswith(start) and end in content[-64:]) for start, end in _WHOLE.get(artifact.format, ())):
            yield f"{artifact.name} is not whole"


#: How files of a format begin and end.
_WHOLE: dict[str | None, tuple[tuple[bytes, bytes], ...]] = {
    "pdf": ((b"%PDF", b"%%EOF"),),
    "musicxml": ((b"<?xml", b"</score-partwise>"),),
}


# ---------------------------------------------------------------------------------------------- faults


def kill_workers_in(step: Step) -> Callable[[Ground, int], int]:
    """SIGKILL to the worker while it is in one step."""

    def scenario(ground: Ground, kills: int) -> int:
        part, hits, tried = ground.worker_of(step), 0, 0
        while hits < kills and tried < kills * 8:
            tried += 1
            (job_id,) = ground.submit()
            hits += kill_when_in(ground, job_id, step, part)
        return hits

    return scenario


def kill_when_in(ground: Ground, job_id: str, step: Step, part: str) -> bool:
    """Wait until a job is in a step, wait a random moment, stop the worker, see whether it was in time, and kill it."""
    moment = ground.random.uniform(0, {"ingest": 0.15, "separation": 0.0, "prediction": 0.25, "transcription": 1.2}[step.stage])
    deadline = time.monotonic() + 60
    while True:
        row = glance(ground, job_id)
        if row.step == step.name and row.leased_by:
            break
        if row.status in FINAL or time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    time.sleep(moment)
    victims = ground.worker_processes(part)
    if ground.mode == DISTRIBUTED and ground.random.random() < 0.5:
        pid = int((row.leased_by or ":0").rpartition(":")[2])
        victims = [process for process in victims if process.pid == pid]  # the process of the pool alone
    for process in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    row = glance(ground, job_id)
    hit = row.step == step.name and bool(row.leased_by)
    for process in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill() if hit else process.resume()
    if hit and ground.mode == DISTRIBUTED and ground.deployment.processes[part].poll() is not None:
        ground.deployment.start_part(part)
    elif hit and ground.mode == DISTRIBUTED:
        time.sleep(0.2)
        if ground.deployment.processes[part].poll() is not None:
            ground.deployment.start_part(part)
    return hit


def kill_everything(ground: Ground, kills: int) -> int:
    """SIGKILL to every process, then a new start."""
    times = max(1, kills // 5)
    for _ in range(times):
        ground.submit(3)
        time.sleep(ground.random.uniform(0, 2.5))
        ground.deployment.kill()
        ground.deployment.start()
    return times


def kill_api_during_upload(ground: Ground, kills: int) -> int:
    """SIGKILL to the API while an upload arrives: it is not accepted, and leaves nothing."""
    times = max(1, kills // 3)
    for _ in range(times):
        stop_at = ground.random.randrange(_BIG)

        def body(stop_at: int = stop_at) -> Iterator[bytes]:
            yield b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
            sent = 0
            while sent < _BIG:
                if sent <= stop_at < sent + 65536:
                    ground.deployment.kill_part("api")
                yield bytes(65536)
                sent += 65536
            yield b"\r\n--X--\r\n"

        before = count_jobs(ground)
        with contextlib.suppress(httpx.HTTPError), ground.deployment.client() as client:
            answer = client.post("jobs", content=body(), headers={"Content-Type": "multipart/form-data; boundary=X"})
            raise AssertionError(f"an upload to a dead API was answered with {answer.status_code}")
        ground.deployment.start()
        assert count_jobs(ground) == before, "half an upload became a job"
    ground.submit(2)
    return times


def restart_redis(ground: Ground, kills: int) -> int:
    """Redis restarted, then emptied, while jobs wait in it."""
    assert ground.backing is not None
    for flush in (False, True, True):
        ground.submit(6)
        time.sleep(ground.random.uniform(0, 1))
        if flush:
            ground.services.queue.redis.flushall()  # type: ignore[attr-defined]
        else:
            ground.backing.redis.kill()
            time.sleep(2)
            ground.backing.redis.start()
    return 3


def restart_postgres(ground: Ground, kills: int) -> int:
    """PostgreSQL restarted in good order, and killed, while jobs run."""
    assert ground.backing is not None
    for crash in (False, True, False, True):
        ground.submit(3)
        time.sleep(ground.random.uniform(0, 2))
        ground.backing.postgres.kill() if crash else ground.backing.postgres.stop()
        time.sleep(ground.random.uniform(0.5, 4))
        ground.backing.postgres.start()
        ground.deployment.start()
    return 4


def s3_away(ground: Ground, kills: int) -> int:
    """The S3 store away for a minute while jobs run."""
    assert ground.backing is not None
    ground.submit(5)
    time.sleep(0.5)
    ground.backing.s3.kill()
    time.sleep(60)
    ground.backing.s3.start()
    ground.submit(1)
    return 1


def duplicate_messages(ground: Ground, kills: int) -> int:
    """Every message delivered four times, by several senders at once."""
    jobs = ground.submit(8)
    sent = 0
    for _ in range(3):
        for step in STEPS:
            for job_id in jobs:
                ground.services.queue.send(step.name, job_id)
                sent += 1
        time.sleep(0.5)
    return sent


def two_workers_at_once(ground: Ground, kills: int) -> int:
    """A second worker process over the same rows, as when an old one was thought dead."""
    environment = ground.deployment.environment | {"PROMETHEUS_MULTIPROC_DIR": str(ground.deployment.folder / "second")}
    (ground.deployment.folder / "second").mkdir(exist_ok=True)
    with (ground.deployment.folder / "second.log").open("ab") as log:
        command = [sys.executable, "-m", "drumscribe.service.embedded"]
        second = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
    jobs = ground.submit(12)
    ground.settle(jobs, seconds=120)
    second.send_signal(signal.SIGTERM)
    second.wait(30)
    return 1


def disk_full(ground: Ground, kills: int) -> int:
    """No room left in the folder of the artifacts while a job exports; there is again a few seconds later."""
    root = Path(ground.deployment.environment["ARTIFACTS_DIR"])
    times = max(1, kills // 8)
    for _ in range(times):
        (job_id,) = ground.submit()
        for state in ground.deployment.follow(job_id):
            if state["status"] in ("predicting", "transcribing", *FINAL):
                break
        ballast = root / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
        time.sleep(ground.random.uniform(1, 3))
        ballast.unlink()
    return times


# ---------------------------------------------------------------------------------------------- running them


class Glance(NamedTuple):
    """Where a job is."""

    step: str | None
    leased_by: str | None
    status: str


def glance(ground: Ground, job_id: str) -> Glance:
    """Where a job is, read without getting in anybody's way."""
    with ground.sessions.read() as session:
        return Glance(*session.execute(select(Job.step, Job.leased_by, Job.status).where(Job.id == job_id)).one())


def count_jobs(ground: Ground) -> int:
    """Rows in the table of jobs."""
    with ground.sessions.read() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def scenarios(mode: str) -> dict[str, Callable[[Ground, int], int]]:
    """Every fault that a mode can meet."""
    found: dict[str, Callable[[Ground, int], int]] = {f"worker killed in {step.name}": kill_workers_in(step) for step in STEPS}
    found |= {"everything killed": kill_everything, "API killed during an upload": kill_api_during_upload}
    if mode == EMBEDDED:
        return found | {"two workers at once": two_workers_at_once, "disk full during an export": disk_full}
    return found | {
        "Redis restarted and emptied": restart_redis,
        "PostgreSQL restarted and killed": restart_postgres,
        "S3 away for a minute": s3_away,
        "every message delivered four times": duplicate_messages,
    }


@contextlib.contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path | None]:
    """A file system with little room; None where it cannot be had."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def run(mode: str, kills: int, only: set[str], seed: int, clip: Path, folder: Path) -> list[Verdict]:
    """Break one mode in every way; returns the verdicts."""
    verdicts: list[Verdict] = []
    with contextlib.ExitStack() as stack:
        backing = None
        settings = {"WEBHOOK_ALLOWED_ENDPOINTS": "127.0.0.1:9", "JOB_LEASE_SECONDS": "3", "JOB_MAX_ATTEMPTS": "12"}
        if mode == DISTRIBUTED:
            backing = Backing(postgres=PostgresServer(durable=True)).start()
            stack.callback(backing.close)
        else:
            disk = stack.enter_context(small_disk(folder / "disk", 400))
            if disk is not None:
                settings["ARTIFACTS_DIR"] = str(disk)
            else:
                print("disk full during an export: not tried, no small file system can be mounted here")
        deployment = Deployment(mode, folder / "run", backing, settings=settings)
        stack.callback(deployment.kill)
        deployment.start()
        for name, scenario in scenarios(mode).items():
            if (only and name not in only) or (scenario is disk_full and "ARTIFACTS_DIR" not in settings):
                continue
            ground = Ground(mode, deployment, backing, clip, random.Random(seed))
            began = time.monotonic()
            faults = scenario(ground, kills)
            late = ground.settle(ground.accepted, seconds=240)
            statuses, wrong = inspect(ground, ground.accepted)
            wrong += [f"{job} was late" for job in late]
            verdicts.append(Verdict(f"{mode}: {name}", faults, len(ground.accepted), statuses, wrong, time.monotonic() - began))
            print(verdicts[-1], flush=True)
            for line in wrong[:10]:
                print(f"    {line}", flush=True)
            ground.services.close()
        statuses = deployment.stop()
        print(f"{mode}: stopped in good order, exit statuses {statuses}")
    return verdicts


def main() -> int:
    """Run what was asked for, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=25, help="kills per step and mode")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--only", default="", help="names of scenarios, with commas between them")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    clip = folder / "clip.wav"
    demo = load_audio(CHECKOUT / "demo" / "demo.flac")
    clip.write_bytes(save_wav(Audio(demo.samples[:, : int(CLIP_S * demo.sample_rate)].copy(), demo.sample_rate)))
    only = {name.strip() for name in arguments.only.split(",") if name.strip()}
    verdicts = [
        verdict
        for mode in arguments.modes.split(",")
        for verdict in run(mode, arguments.kills, only, arguments.seed, clip, folder / mode)
    ]
    wrong = sum(len(verdict.wrong) for verdict in verdicts)
    jobs, faults = sum(verdict.jobs for verdict in verdicts), sum(verdict.faults for verdict in verdicts)
    print(f"\n{faults} faults, {jobs} accepted jobs, {wrong} wrong")
    if wrong:
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
