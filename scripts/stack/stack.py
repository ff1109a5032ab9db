"""The production stack as containers, for tests: an engine, images, Compose, and what is measured of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROJECT = "drumscribe-stack-test"
_UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class NoEngine(Exception):
    """No container engine answers, and none could be started."""


def say(text: str) -> None:
    """Tell what is being done."""
    print(text, file=sys.stderr, flush=True)


def wait_until(ready: Callable[[], object], *, seconds: float, what: str) -> None:
    """Ask again and again; TimeoutError if it never says yes."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(1)


class Stack:
    """`docker-compose.yml` as in production.

    Parameters
    ----------
    folder : Path
        Of the engine, if it has to be started, and of stand-ins and logs.
    environment : mapping
        What `.env` would hold.
    """

    web, api, prometheus, alertmanager = (f"http://127.0.0.1:{port}" for port in (25300, 25800, 25909, 25930))

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.figures: list[tuple[str, str]] = []
        self.peaks: dict[str, float] = {}
        self.environment = os.environ | {
            "DOCKER_HOST": _start_engine(folder),
            "FRONTEND_PORT": "25300",
            "API_PORT": "25800",
            "PROMETHEUS_WEB_PORT": "25909",
            "ALERTMANAGER_WEB_PORT": "25930",
            "EDGE_SUBNET": "10.213.58.0/24",
            "EDGE_RANGE": "10.213.58.128/25",
            "FRONTEND_ADDRESS": "10.213.58.10",
            "COMPOSE_PROGRESS": "plain",
            "MAX_JOBS_PER_USER_PER_HOUR": "0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://jaeger:4318",
        }
        self.environment |= environment
        self._ended = threading.Event()
        threading.Thread(target=self._watch_memory, daemon=True).start()

    # ------------------------------------------------------------------ engine
    def docker(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """Run docker; returns what it printed."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environment, input=stdin, text=True, capture_output=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(arguments)[:200]}: {(done.stderr or done.stdout)[-3000:]}")
        return done.stdout

    def compose(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """Run docker compose on the production file."""
        # a developer's own .env is not meant
        meant = ("--env-file", os.devnull, "-p", PROJECT, "-f", str(CHECKOUT / "docker-compose.yml"))
        return self.docker("compose", *meant, *arguments, check=check, stdin=stdin)

    def backup(self, *arguments: str) -> str:
        """Run scripts/backup.sh on this stack; returns what it printed."""
        named = {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_FILE": str(CHECKOUT / "docker-compose.yml"),
            "COMPOSE_ENV_FILES": os.devnull,
        }
        command = [str(CHECKOUT / "scripts" / "backup.sh"), "--compose", *arguments]
        done = subprocess.run(command, env=self.environment | named, cwd=self.folder, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"backup.sh {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout

    def prepare_images(self) -> None:
        """Let public images come from their registries; where none is reached, make stand-ins."""
        pinned = json.loads(self.compose("config", "--format", "json"))["x-images"]
        if self._pull(pinned["redis"]):
            return
        say("no image registry is reached: stand-ins are made of Debian's packages")
        made = subprocess.run(
            [HERE / "stand_ins.sh", self.folder / "stand-ins"],
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.environment |= dict(line.split("=", 1) for line in made.stdout.splitlines())
        # Who has no registry may have a proxy: builds believe the authorities that this machine believes
        for variable, name, text in (
            ("PIP_CONF", "pip.conf", "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n"),
            ("NPMRC", "npmrc", "cafile=/etc/ssl/certs/ca-certificates.crt\n"),
        ):
            (self.folder / name).write_text(text)
            self.environment[variable] = str(self.folder / name)
        self.environment["BUILD_NETWORK"] = "host"

    def _pull(self, image: str) -> bool:
        command = ["docker", "pull", "--quiet", image]
        try:
            return subprocess.run(command, env=self.environment, capture_output=True, timeout=120, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    # ------------------------------------------------------------------ requests
    def get(self, url: str) -> bytes:
        """The body of an answer; AssertionError unless it is 200."""
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"GET {url}: {error.code} {error.read()[:500]!r}") from error

    def ask(self, url: str) -> Any:
        """A JSON answer."""
        return json.loads(self.get(url))

    def upload(self, path: Path, **fields: str) -> str:
        """Send a song through the web app, as a browser does; returns the job's id."""
        form = [part for name, value in {"file": f"@{path}", **fields}.items() for part in ("-F", f"{name}={value}")]
        command = ["curl", "--silent", "--show-error", "--max-time", "300", *form, f"{self.web}/api/v1/jobs"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        if "job_id" not in answer:
            raise AssertionError(f"the upload was refused: {answer}")
        return answer["job_id"]

    def job(self, job_id: str) -> dict[str, Any]:
        """What is known of a job."""
        return self.ask(f"{self.api}/api/v1/jobs/{job_id}")

    def wait_for(self, job_id: str, *statuses: str, seconds: float) -> dict[str, Any]:
        """Wait for one of the statuses; AssertionError if the job ends otherwise."""
        wait_until(
            lambda: self.job(job_id)["status"] in (*statuses, "completed", "failed"), seconds=seconds, what=f"a job is {statuses}"
        )
        job = self.job(job_id)
        assert job["status"] in statuses, f"the job is {job['status']}: {job}"
        return job

    # ------------------------------------------------------------------ figures
    def note(self, what: str, figure: str) -> None:
        """Enter a line of the table."""
        say(f"{what}: {figure}")
        self.figures.append((what, figure))

    def table(self) -> str:
        """What was measured, as a table in Markdown."""
        peaks = [(f"peak memory of {name}", f"{peak / 1e6:.0f} MB") for name, peak in sorted(self.peaks.items())]
        rows = [*self.figures, *peaks]
        return "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])

    def _watch_memory(self) -> None:
        while not self._ended.wait(2):
            lines = self.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", check=False).splitlines()
            for line in lines:
                if found := re.match(rf"{PROJECT}-(\S+)-\d+ ([\d.]+)(\w+)", line):
                    name, size = found[1], float(found[2]) * _UNITS[found[3]]
                    self.peaks[name] = max(self.peaks.get(name, 0), size)

    def keep_logs(self, name: str) -> None:
        """Put what the containers said beside the engine."""
        path = self.folder / f"{name}.log"
        path.write_text(self.compose("ps", "--all", check=False) + self.compose("logs", "--no-color", check=False))
        say(f"the containers' logs are in {path}")

    def close(self) -> None:
        """Take the stack and its data down, and the engine, if it is ours."""
        self._ended.set()
        self.docker("rm", "--force", "drumscribe-otlp", check=False)
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "20", check=False)
        subprocess.run([HERE / "engine.sh", "stop", self.folder / "engine"], check=False)


def _start_engine(folder: Path) -> str:
    done = subprocess.run([HERE / "engine.sh", "start", folder / "engine"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NoEngine("No container engine can be started here; the lines above say why, and how to get one.")
    return done.stdout.strip().splitlines()[-1]
