"""What the stack test looks at, in its order. Each check takes the stack as the last one left it, up and idle."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stack import CHECKOUT, HERE, Stack, say, wait_until

DEMO = CHECKOUT / "demo" / "demo.flac"
#: Checklist 306: image, megabytes at most.
LIMITS = {"drumscribe-api:dev": 500, "drumscribe-worker:dev-cpu": 3000, "drumscribe-frontend:dev": 200}
TORCH = "torch==2.13.0+cpu"


def build(stack: Stack) -> None:
    """Every image builds from the repository's own files, and is small enough."""
    wheels = CHECKOUT / "backend" / "wheels"
    if "BUILD_NETWORK" in stack.environment and not wheels.exists():
        # PyTorch's index is not reached either: a CPU build that pip finds on this machine is taken along
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), TORCH]
        subprocess.run(command, check=True)
    for service in ("api", "worker-default", "frontend"):
        begun = time.monotonic()
        stack.compose("build", service)
        stack.note(f"build of {service}", f"{time.monotonic() - begun:.0f} s")
    for image, limit in LIMITS.items():
        size = int(stack.docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6
        stack.note(f"size of {image}", f"{size:.0f} MB (limit {limit})")
        assert size < limit, f"{image} has {size:.0f} MB"


def up(stack: Stack) -> None:
    """All parts become healthy, hardened as the file says."""
    begun = time.monotonic()
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")
    stack.note("start until all parts are healthy", f"{time.monotonic() - begun:.0f} s")
    health = stack.ask(f"{stack.api}/api/v1/health")
    assert health["status"] == "ok", f"health says {health}"
    for container in stack.compose("ps", "--quiet").split():
        about = json.loads(stack.docker("inspect", container))[0]
        name, host = about["Config"]["Labels"]["com.docker.compose.service"], about["HostConfig"]
        assert host["ReadonlyRootfs"], f"{name} may write its root file system"
        assert host["CapDrop"] == ["ALL"], f"{name} has capabilities"
        assert "no-new-privileges:true" in host["SecurityOpt"], f"{name} may gain privileges"
        assert host["Memory"] > 0, f"{name} has no memory limit"
        assert about["Config"]["User"] not in ("", "0", "root"), f"{name} runs as root"
    for program in (("yt-dlp", "--version"), ("deno", "eval", "console.log(1 + 1)")):
        stack.compose("exec", "-T", "worker-default", *program)


def song(stack: Stack) -> None:
    """The demo song through the public port: a PDF, a score, a page."""
    begun = time.monotonic()
    job_id = stack.upload(DEMO, title="Stack test")
    stack.wait_for(job_id, "completed", seconds=180)
    stack.note("demo song, 20 s of music, from upload to score", f"{time.monotonic() - begun:.1f} s")
    pdf = stack.get(f"{stack.web}/api/v1/jobs/{job_id}/download/pdf")
    assert pdf.startswith(b"%PDF-"), f"that is no PDF: {pdf[:20]!r}"
    assert b"LilyPond" in pdf, "the PDF is not LilyPond's"
    assert b"<score-partwise" in stack.get(f"{stack.web}/api/v1/jobs/{job_id}/download/musicxml")
    assert "Stack test" in stack.get(f"{stack.web}/jobs/{job_id}").decode()


def watch(stack: Stack) -> None:
    """Prometheus sees API, workers and databases; an alert fires when a worker is stopped, and ends; traces go through."""
    stack.docker("rm", "--force", "drumscribe-otlp", check=False)
    network = json.loads(stack.compose("config", "--format", "json"))["networks"]["inside"]["name"]
    mount = f"{HERE / 'otlp_receiver.py'}:/otlp_receiver.py:ro"
    where = ("--name", "drumscribe-otlp", "--network", network, "--network-alias", "jaeger", "--volume", mount)
    stack.docker("run", "--detach", *where, "--entrypoint", "python", "drumscribe-worker:dev-cpu", "/otlp_receiver.py")
    watchers = ("prometheus", "alertmanager", "redis-exporter", "postgres-exporter")
    stack.compose("--profile", "observability", "up", "--detach", "--no-deps", *watchers)

    def targets() -> dict[str, str]:
        active = stack.ask(f"{stack.prometheus}/api/v1/targets")["data"]["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    wanted = {"api", "worker-default", "worker-heavy", "redis", "postgres", "alertmanager", "prometheus"}
    wait_until(
        lambda: {job for job, health in _try(targets).items() if health == "up"} >= wanted, seconds=120, what=f"{wanted} are up"
    )
    job_id = stack.upload(DEMO)
    stack.wait_for(job_id, "completed", seconds=180)

    def count(query: str) -> float:
        found = stack.ask(f"{stack.prometheus}/api/v1/query?query={query}")["data"]["result"]
        return sum(float(each["value"][1]) for each in found)

    wait_until(
        lambda: count('drumscribe_jobs_total{status="completed"}') >= 1, seconds=60, what="a finished job moves the counter"
    )

    def spans() -> list[dict[str, str]]:
        return [json.loads(line) for line in stack.docker("logs", "drumscribe-otlp").splitlines() if line.startswith("{")]

    def through() -> set[str]:
        services: dict[str, set[str]] = {}
        for span in spans():
            services.setdefault(span["trace"], set()).add(span["service"])
        return max(services.values(), key=len, default=set())

    wait_until(lambda: len(through()) >= 2, seconds=60, what="one trace goes through API and workers")
    stack.note("a trace goes through", ", ".join(sorted(through())))

    def alerts() -> set[str]:
        return {alert["labels"]["alertname"] for alert in stack.ask(f"{stack.alertmanager}/api/v2/alerts?inhibited=false")}

    begun = time.monotonic()
    stack.compose("stop", "worker-heavy")
    wait_until(lambda: "WorkerDown" in alerts(), seconds=300, what="the alert WorkerDown reaches Alertmanager")
    stack.note("alert after a worker was stopped", f"WorkerDown after {time.monotonic() - begun:.0f} s")
    stack.compose("start", "worker-heavy")
    wait_until(lambda: "WorkerDown" not in alerts(), seconds=420, what="the alert ends")
    stack.compose("--profile", "observability", "stop", *watchers)


def stop(stack: Stack) -> None:
    """A graceful stop in the middle of a job lets the step end, and a restart of everything finds everything."""
    done = stack.upload(DEMO)
    stack.wait_for(done, "completed", seconds=180)
    pdf = stack.get(f"{stack.api}/api/v1/jobs/{done}/download/pdf")
    job_id = stack.upload(_long_song(stack.folder, 120))
    stack.wait_for(job_id, "predicting", seconds=120)
    begun = time.monotonic()
    stack.compose("stop", "worker-heavy")
    stack.note("graceful stop of worker-heavy in its step", f"{time.monotonic() - begun:.0f} s (grace 300)")
    job = stack.job(job_id)
    assert job["progress"] >= 80, f"the step was given up: {job['status']}, {job['progress']} %"
    stack.compose("down", "--timeout", "60")
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")
    stack.wait_for(job_id, "completed", seconds=180)
    assert stack.get(f"{stack.api}/api/v1/jobs/{done}/download/pdf") == pdf, "a score is not what it was before the restart"


def restore(stack: Stack) -> None:
    """All volumes are lost; a copy that was made while the service ran brings rows and files back."""
    done = stack.upload(DEMO)
    stack.wait_for(done, "completed", seconds=180)
    pdf = stack.get(f"{stack.api}/api/v1/jobs/{done}/download/pdf")
    begun = time.monotonic()
    copy = stack.backup("save", str(stack.folder / "copies")).strip()
    stack.note("backup of a song", f"{time.monotonic() - begun:.1f} s")
    stack.compose("down", "--volumes", "--timeout", "60")
    stack.compose("up", "--detach", "--wait", "postgres", "redis")
    begun = time.monotonic()
    stack.backup("restore", copy)
    stack.note("its restoring", f"{time.monotonic() - begun:.1f} s")
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")
    assert stack.get(f"{stack.api}/api/v1/jobs/{done}/download/pdf") == pdf, "a score is not what it was before"


def kill(stack: Stack) -> None:
    """A container too small for its job: the kernel kills, the job is tried again and then fails with a reason."""
    tight = {
        "WORKER_HEAVY_MEMORY": "330M",
        "WORKER_HEAVY_RESERVED": "64M",
        "JOB_MAX_ATTEMPTS": "2",
        "JOB_RETRY_BASE_SECONDS": "1",
    }
    usual = dict(stack.environment)
    stack.environment |= tight
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")
    job_id = stack.upload(_long_song(stack.folder, 895))
    job = stack.wait_for(job_id, "failed", seconds=600)
    stack.note("a job in a container of 330 MB", f"{job['status']}: {job['error']}")
    assert job["error"]["code"] == "worker_lost", f"the reason is {job['error']}"
    stack.environment = usual
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")


def limits(stack: Stack) -> None:
    """The longest song: in 1.5 GB with the default chain, in 4 GB with htdemucs' own size of network (random weights)."""
    longest = _long_song(stack.folder, 895)
    weights = (HERE / "demucs_weights.py").read_text()
    for name, memory, fields in (
        ("the default chain", "1500M", {"separation": "none"}),
        ("htdemucs", "4G", {"separation": "demucs"}),
    ):
        stack.environment |= {"WORKER_HEAVY_MEMORY": memory, "WORKER_HEAVY_RESERVED": "256M"}
        if "demucs" in fields.values():
            run = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "python", "worker-heavy", "-", "/data/models/random")
            say(f"random weights: {stack.compose(*run, stdin=weights).strip()} parameters")
            found = stack.compose("exec", "-T", "worker-heavy", "sh", "-c", "ls /data/models/random/*.th").strip()
            stack.environment["SEPARATION_MODEL"] = found
        stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")
        stack.peaks.pop("worker-heavy", None)
        begun = time.monotonic()
        job_id = stack.upload(longest, **fields)
        stack.wait_for(job_id, "completed", seconds=3600)
        stack.note(
            f"895 s of music in {memory} with {name}",
            f"{time.monotonic() - begun:.0f} s, peak {stack.peaks['worker-heavy'] / 1e6:.0f} MB",
        )


def _long_song(folder: Path, seconds: int) -> Path:
    """The demo song again and again."""
    path = folder / f"song-{seconds}.mp3"
    if not path.exists():
        import av

        samples: list[av.AudioFrame] = []
        with av.open(str(DEMO)) as source:
            samples = list(source.decode(audio=0))
        rate, layout = samples[0].sample_rate, samples[0].layout.name
        with av.open(str(path), "w") as sink:
            stream = sink.add_stream("libmp3lame", rate=rate, layout=layout)
            position = 0
            for frame in itertools.cycle(samples):
                if position >= seconds * rate:
                    break
                frame.pts = position
                position += frame.samples
                sink.mux(stream.encode(frame))
            sink.mux(stream.encode(None))
    return path


def _try(ask: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What is not there yet says nothing."""
    try:
        return ask()
    except (OSError, AssertionError):
        return {}


ALL: dict[str, Callable[[Stack], None]] = {
    "build": build, "up": up, "song": song, "watch": watch, "stop": stop, "restore": restore, "kill": kill, "limits": limits,
}  # fmt: skip
