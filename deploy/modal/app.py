"""Listening on Modal: GPU workers that are started for the steps that wait, and end when there are none.

    pip install modal && modal deploy deploy/modal/app.py

Database, Redis and bucket are those of the rest of the service and must be reachable from the internet, over TLS. Nothing is
told to Modal but where they are: the workers are ordinary workers of `heavy-compute`, which claim steps by their rows. One that
Modal takes away loses its lease, and its step is done again. README.md beside this file says what to set up.
"""

from __future__ import annotations

import math
import os
import subprocess

import modal

#: The worker's image with CUDA, built with VARIANT=cuda and pushed to a registry of your own: none is released.
IMAGE = os.environ.get("DRUMSCRIBE_WORKER_IMAGE", "registry.example.com/drumscribe-worker:0.1.0-cuda")
GPU = "A10G"
#: Modal ends a container after so long.
TIMEOUT_S = 600
#: A worker takes no more steps after so long, and a step may take so long: together less than the above.
AT_MOST_S = 240
STEP_TIMEOUT_S = 330
#: A worker waits so long for more, before the card is given back: a start costs 10 to 20 s.
IDLE_S = 60
#: So many steps wait for each worker, and so many workers there are at most.
STEPS_PER_WORKER = 4
MOST_WORKERS = 20

app = modal.App("drumscribe")
image = modal.Image.from_registry(IMAGE).entrypoint([])
models = modal.Volume.from_name("drumscribe-models", create_if_missing=True)
secrets = [
    modal.Secret.from_name(
        "drumscribe", required_keys=["DATABASE_URL", "REDIS_URL", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"]
    )
]
settings = {
    "ENV": "production",
    "STORAGE_BACKEND": "s3",
    "MODEL_CACHE_DIR": "/data/models",
    "TORCH_HOME": "/data/models/torch",
    "HF_HOME": "/data/models/huggingface",
    "SEPARATION_BACKEND": "demucs",
    "STEP_TIMEOUT_SECONDS": str(STEP_TIMEOUT_S),
}


@app.function(
    image=image,
    gpu=GPU,
    cpu=2.0,
    memory=4096,
    timeout=TIMEOUT_S,
    volumes={"/data/models": models},
    secrets=secrets,
    env=dict(settings),
    max_containers=MOST_WORKERS,
    scaledown_window=2,
)
def listen() -> int:
    """One worker, until nothing is left to do; its exit status."""
    return run_worker()


@app.function(
    image=image,
    cpu=0.25,
    memory=512,
    timeout=60,
    secrets=secrets,
    env=dict(settings),
    max_containers=1,
    schedule=modal.Period(seconds=30),
)
def start_workers() -> int:
    """Start as many workers as the rows call for; returns how many."""
    stats = listen.get_current_stats()
    missing = workers_missing(work_that_waits(), stats.num_total_runners + stats.backlog)
    for _ in range(missing):
        listen.spawn()
    return missing


def run_worker() -> int:
    """An ordinary worker, with its limits."""
    limits = ["--until-idle", str(IDLE_S), "--at-most", str(AT_MOST_S)]
    return subprocess.run(["drumscribe", "worker", "--queue", "heavy-compute", *limits], check=False).returncode


def work_that_waits() -> int:
    """Steps that wait for a worker of heavy-compute or are being worked on."""
    from drumscribe.service.jobs.plan import HEAVY
    from drumscribe.service.observability.gauges import read_rows
    from drumscribe.service.settings import Settings
    from drumscribe.service.wiring import build

    services = build(Settings.model_validate({}))
    try:
        rows = read_rows(services.sessions)
    finally:
        services.close()
    return rows.waiting[HEAVY] + rows.running[HEAVY]


def workers_missing(work: int, workers: int) -> int:
    """How many workers to start beside those that there are."""
    return max(0, min(MOST_WORKERS, math.ceil(work / STEPS_PER_WORKER)) - workers)
