"""The product as it runs: real processes of `drumscribe`, in either mode, that tests may ask, stop, kill and start again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from servers import PostgresServer, RedisServer, S3Server, free_port, wait_until

PROGRAM = str(Path(sys.executable).with_name("drumscribe"))
EMBEDDED, DISTRIBUTED = "embedded", "distributed"
MODES = (EMBEDDED, DISTRIBUTED)
FINAL = frozenset({"completed", "failed", "cancelled", "expired"})


@dataclass
class Backing:
    """The servers that a distributed deployment stands on."""

    postgres: PostgresServer = field(default_factory=PostgresServer)
    redis: RedisServer = field(default_factory=RedisServer)
    s3: S3Server = field(default_factory=S3Server)
    databases: int = 0

    def start(self) -> Backing:
        """Start all three."""
        for server in (self.postgres, self.redis, self.s3):
            server.start()
        return self

    def close(self) -> None:
        """End them and remove their data."""
        for server in (self.postgres, self.redis, self.s3):
            server.close()

    def new_database(self, *, template: str = "template0") -> str:
        """Make a database that nobody else has."""
        self.databases += 1
        return self.postgres.create_database(f"test_{os.getpid()}_{self.databases}", template=template)

    def environment(self, database_url: str, *, prefix: str = "artifacts") -> dict[str, str]:
        """Settings of a deployment that uses these servers: like the database made last, a place in Redis of its own.

        Workers of another deployment on the same place would take its messages and find no such job.
        """
        return {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url.removesuffix("/0") + f"/{self.databases}",
            "STORAGE_BACKEND": "s3",
            "S3_BUCKET": self.s3.bucket,
            "S3_PREFIX": prefix,
            "S3_REGION": self.s3.region,
            "S3_ENDPOINT_URL": self.s3.url,
            "S3_ACCESS_KEY_ID": self.s3.access_key_id,
            "S3_SECRET_ACCESS_KEY": self.s3.secret_access_key,
        }


class Deployment:
    """API and workers as processes.

    Parameters
    ----------
    mode : str
        "embedded" (SQLite, one folder) or "distributed" (needs `backing`).
    folder : Path
        Data and logs; survives `stop`, `kill` and `start`.
    settings : mapping
        Environment variables on top of the mode's own.
    parts : sequence of str
        Which processes a distributed deployment has: api, default, heavy, beat.
    """

    def __init__(
        self,
        mode: str,
        folder: Path,
        backing: Backing | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        parts: tuple[str, ...] = ("api", "default", "heavy", "beat"),
    ) -> None:
        self.mode, self.folder = mode, folder
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.parts = ("api",) if mode == EMBEDDED else parts
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.environment = keep | {
            "DATA_DIR": str(folder / "data"),
            "JOB_LEASE_SECONDS": "5",
            "SWEEP_INTERVAL_SECONDS": "1",
            "JOB_RETRY_BASE_SECONDS": "0.5",
            "MAX_CONCURRENT_JOBS_PER_USER": "0",
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "2",
        }
        folder.mkdir(parents=True, exist_ok=True)
        if mode == DISTRIBUTED:
            assert backing is not None, "a distributed deployment stands on servers"
            self.environment |= backing.environment(backing.new_database(), prefix=f"t{self.port}")
            self.environment["WORKER_DEFAULT_CONCURRENCY"] = "2"
        self.environment |= settings or {}

    # ------------------------------------------------------------------ processes
    def start(self, *, ready_s: float = 60.0) -> Deployment:
        """Start whatever does not run, and return when the API answers."""
        if self.mode == DISTRIBUTED and not self.processes:
            subprocess.run([PROGRAM, "migrate"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        for part in self.parts:
            self.start_part(part)
        wait_until(self.is_ready, seconds=ready_s, what=f"the API answers ({self.folder})")
        return self

    def start_part(self, part: str) -> None:
        """Start one process, unless it runs."""
        process = self.processes.get(part)
        if process is not None and process.poll() is None:
            return
        commands = {
            "api": ["serve", "--host", "127.0.0.1", "--port", str(self.port)],
            "default": ["worker", "--queue", "default"],
            "heavy": ["worker", "--queue", "heavy-compute"],
            "beat": ["beat"],
        }
        environment = dict(self.environment)
        if part in ("default", "heavy"):
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(self.folder / f"metrics-{part}")
        with (self.folder / f"{part}.log").open("ab") as log:
            self.processes[part] = subprocess.Popen(
                [PROGRAM, *commands[part]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether the API says that it can work; raises if its process has ended."""
        if self.processes["api"].poll() is not None:
            raise RuntimeError(f"the API ended at its start:\n{self.log('api')[-3000:]}")
        try:
            return httpx.get(f"{self.base_url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def family(self, part: str) -> list[psutil.Process]:
        """A process and all its children, the parent first."""
        process = self.processes.get(part)
        if process is None or process.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def kill_part(self, part: str) -> None:
        """SIGKILL to a process and all its children."""
        for process in self.family(part):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if part in self.processes:
            self.processes[part].wait(10)

    def kill(self) -> None:
        """SIGKILL to everything."""
        for part in self.processes:
            self.kill_part(part)

    def stop(self, *, seconds: float = 30.0) -> dict[str, int]:
        """SIGTERM to everything, as an operator would; exit statuses by part. What does not end in time is killed and fails."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        late = []
        for part, process in self.processes.items():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                late.append(part)
        self.kill()
        assert not late, f"{late} did not end within {seconds} s:\n" + "\n".join(self.log(part)[-1500:] for part in late)
        return {part: process.returncode for part, process in self.processes.items()}

    def log(self, part: str) -> str:
        """What a process has written."""
        path = self.folder / f"{part}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def __enter__(self) -> Deployment:
        return self.start()

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.kill()

    # ------------------------------------------------------------------ what tests ask
    def client(self, **kwargs: Any) -> httpx.Client:
        """A client of the API."""
        return httpx.Client(base_url=f"{self.base_url}/api/v1/", timeout=30, **kwargs)

    def upload(self, path: Path, **fields: str) -> str:
        """Start a job; returns its id."""
        with self.client() as client, path.open("rb") as file:
            answer = client.post("jobs", files={"file": (path.name, file)}, data=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def status(self, job_id: str) -> dict[str, Any]:
        """A job as the API sees it."""
        with self.client() as client:
            answer = client.get(f"jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait(self, job_id: str, *, seconds: float = 120.0) -> dict[str, Any]:
        """Wait until a job has ended."""
        for status in self.follow(job_id, seconds=seconds):
            if status["status"] in FINAL:
                return status
        ends = "\n".join(f"--- {part}\n{self.log(part)[-3000:]}" for part in self.processes)
        raise TimeoutError(f"{job_id} did not end within {seconds} s: {self.status(job_id)}\n{ends}")

    def follow(self, job_id: str, *, seconds: float = 120.0) -> Iterator[dict[str, Any]]:
        """A job's states, a few times a second."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            yield self.status(job_id)
            time.sleep(0.1)
