"""docs/DEVOPS.md as something to execute: an installation of plain processes, and the blocks of the page run in its folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from servers import S3Server, free_port, wait_until
from sqlalchemy import select

from drumscribe.service.settings import Settings
from drumscribe.service.tables import Base
from drumscribe.service.wiring import Services, build

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "DEVOPS.md").read_text("utf-8")
#: What is executed, by its name.
BLOCKS: dict[str, str] = dict(re.findall(r"^```sh test=(\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
#: What the page says to do first in a shell.
(PRELUDE,) = re.findall(r"^    (PATH=.* set \+a)$", PAGE, re.MULTILINE)
#: What rclone is told of every store.
_STORE = {"TYPE": "s3", "PROVIDER": "Other", "FORCE_PATH_STYLE": "true"}
FINAL = frozenset({"completed", "failed", "cancelled", "expired"})


class Installation:
    """A folder with an `.env`, as an operator has it.

    Parameters
    ----------
    folder : Path
        Where the commands run.
    settings : dict
        What `.env` says.
    programs : Path
        Folder of PostgreSQL's programs.
    """

    def __init__(self, folder: Path, settings: dict[str, str], programs: Path) -> None:
        self.folder, self.programs = folder, programs
        folder.mkdir(parents=True)
        (folder / "scripts").symlink_to(ROOT / "scripts")
        (folder / ".venv").symlink_to(sys.prefix)
        lines = (f"{name}={shlex.quote(value) if value else ''}" for name, value in settings.items())
        (folder / ".env").write_text("\n".join(lines) + "\n")
        self.key = ""

    @property
    def settings(self) -> dict[str, str]:
        """What `.env` says now."""
        lines = (self.folder / ".env").read_text().splitlines()
        return {name: "".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)}

    # ------------------------------------------------------------------ commands
    def run(self, name: str, **variables: str) -> str:
        """Execute a block of the page; returns what it printed."""
        return self.shell(BLOCKS[name], **variables)

    def shell(self, script: str, **variables: str) -> str:
        """Execute commands as the page says; returns what they printed."""
        done = self.attempt(script, **variables)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done.stdout

    def attempt(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Execute commands that may fail."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        environment = kept | {"PATH": f"{self.programs}:{os.environ['PATH']}"} | variables
        command = ["bash", "-euo", "pipefail", "-c", f"{PRELUDE}\n{script}"]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=180)

    # ------------------------------------------------------------------ processes
    def pid(self, part: str) -> int:
        """The process of a part."""
        return int((self.folder / "run" / f"{part}.pid").read_text())

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in (self.folder / "run").glob("*.log"))

    def close(self) -> None:
        """Kill everything."""
        for path in (self.folder / "run").glob("*.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(path.read_text()), signal.SIGKILL)

    # ------------------------------------------------------------------ what tests ask
    @contextmanager
    def services(self) -> Generator[Services]:
        """Rows, storage and queues, for a look."""
        built = build(Settings.model_validate(self.settings))
        try:
            yield built
        finally:
            built.close()

    def client(self, token: str = "") -> httpx.Client:
        """A client of the API, with the first key unless told otherwise."""
        port = self.settings["API_PORT"]
        headers = {"Authorization": f"Bearer {token or self.key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{port}/", headers=headers, timeout=30)

    def wait_until_ready(self) -> None:
        """Until the API can work."""
        with self.client() as client:

            def is_ready() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return client.get("readyz").status_code == 200
                return False

            wait_until(_seldom(is_ready), seconds=60, what="the API is ready")

    def upload(self, song: Path, **fields: str) -> str:
        """Start a job."""
        with self.client() as client, song.open("rb") as file:
            answer = client.post("api/v1/jobs", files={"file": (song.name, file)}, data=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def job(self, job_id: str, client: httpx.Client | None = None) -> dict[str, Any]:
        """How a job stands."""
        with contextlib.nullcontext(client) if client else self.client() as asking:
            return dict(asking.get(f"api/v1/jobs/{job_id}").raise_for_status().json())

    def wait(self, *job_ids: str) -> None:
        """Until jobs are completed."""
        with self.client() as client:

            def have_ended() -> bool:
                return all(self.job(job_id, client)["status"] in FINAL for job_id in job_ids)

            try:
                wait_until(_seldom(have_ended), seconds=120, what="the jobs end")
            except TimeoutError as error:
                raise AssertionError(f"{error}: {[self.job(job_id) for job_id in job_ids]}\n{self.logs()}") from error
            assert {self.job(job_id, client)["status"] for job_id in job_ids} == {"completed"}


def _seldom(ask: Callable[[], bool]) -> Callable[[], bool]:
    """Asked more often, the API would have no time for its work."""

    def asked() -> bool:
        time.sleep(0.1)
        return ask()

    return asked


def lives(process: psutil.Process) -> bool:
    """Whether a process runs; one whose end nobody has asked about does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def family(pid: int) -> list[psutil.Process]:
    """A process and its children, as far as they live."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [process for process in (parent, *parent.children(recursive=True)) if lives(process)]
    return []


def production(folder: Path, database_url: str, redis_url: str, store: S3Server) -> dict[str, str]:
    """What `.env` says of an installation with accounts, whose own model lies in a bucket; quicker to give up than usual."""
    return {
        "ENV": "production",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder / "data"),
        "MODEL_CACHE_DIR": str(folder / "models"),
        "S3_ENDPOINT_URL": store.url,
        "S3_ACCESS_KEY_ID": store.access_key_id,
        "S3_SECRET_ACCESS_KEY": store.secret_access_key,
        "AUTH_MODE": "jwt",
        "JWT_SECRET": "the first secret of this installation",
        "WEBHOOK_SECRET": "whsec_" + "QUJD" * 8,
        "WEBHOOK_ALLOWED_ENDPOINTS": "",
        "API_PORT": str(free_port()),
        "MAX_CONCURRENT_JOBS_PER_USER": "0",
        "MAX_JOBS_PER_USER_PER_HOUR": "0",
        "JOB_LEASE_SECONDS": "5",
        "SWEEP_INTERVAL_SECONDS": "1",
        "JOB_RETRY_BASE_SECONDS": "0.5",
        "WORKER_DEFAULT_CONCURRENCY": "1",
        "OMP_NUM_THREADS": "2",
        "PDF_BACKEND": "verovio",
    }


def remote(name: str, s3: S3Server) -> dict[str, str]:
    """How rclone is told of a store."""
    keys = {"ACCESS_KEY_ID": s3.access_key_id, "SECRET_ACCESS_KEY": s3.secret_access_key, "ENDPOINT": s3.url}
    told = {f"RCLONE_CONFIG_{name.upper()}_{key}": value for key, value in (_STORE | keys).items()}
    return told | {"RCLONE_CONFIG": "/dev/null"}


def everything(services: Services) -> dict[str, object]:
    """Every row of every table, and the hash of every file."""
    found: dict[str, object] = {}
    with services.sessions.read() as session:
        for table in Base.metadata.sorted_tables:
            found[table.name] = sorted(map(repr, session.execute(select(table)).all()))
    for job_id in services.storage.iter_job_ids():
        for file in services.storage.list_job_files(job_id):
            content = services.storage.read_file(job_id, file.revision, file.name)
            found[f"{job_id}/{file.revision}/{file.name}"] = hashlib.sha256(content).hexdigest()
    return found
