"""`drumscribe worker` and `drumscribe beat`: the processes of a distributed service beside its API."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from drumscribe.errors import OptionError

if TYPE_CHECKING:
    from drumscribe.service.settings import Settings

Queue = Annotated[Literal["default", "heavy-compute"], typer.Option(help="Which steps it takes.", show_default=False)]


def worker(
    queue: Queue,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes. [default: 1 for heavy-compute, else WORKER_DEFAULT_CONCURRENCY]")
    ] = None,
    until_idle: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="End when there has been nothing to do for so long.")
    ] = None,
    at_most: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Take no more steps after so long, and end.")
    ] = None,
) -> None:
    """Run a worker of one queue until SIGTERM; a step that is running is finished first."""
    settings = _distributed_settings("worker")
    from drumscribe.service.observability.exposition import serve_worker_metrics, share_metrics

    share_metrics(settings)
    from drumscribe.service.jobs.plan import HEAVY
    from drumscribe.service.observability.logs import leave_logging_to_us, setup_logging
    from drumscribe.service.observability.tracking import setup_error_tracking
    from drumscribe.service.worker import NAMES, make_worker_app, prepare_processes

    setup_logging(settings.LOG_LEVEL)
    setup_error_tracking(settings)
    leave_logging_to_us()
    is_heavy = queue == HEAVY
    app = make_worker_app(settings)
    prepare_processes(settings, queue)
    serve_worker_metrics(settings)
    if until_idle is not None or at_most is not None:
        from drumscribe.service.draining import Limits, end_by_itself

        end_by_itself(settings, queue, Limits(idle_s=until_idle, at_most_s=at_most))
    arguments = {
        "queues": queue,
        "hostname": f"{NAMES[queue]}@%h",
        "concurrency": concurrency or (1 if is_heavy else settings.WORKER_DEFAULT_CONCURRENCY),
        "max-memory-per-child": settings.WORKER_HEAVY_MAX_MEMORY_KB if is_heavy else settings.WORKER_DEFAULT_MAX_MEMORY_KB,
        "loglevel": settings.LOG_LEVEL,
    }
    flags = ("--pool=prefork", "--without-gossip", "--without-mingle")
    sys.argv[:] = ["drumscribe"]  # Celery looks there for arguments of its own
    app.worker_main(["--quiet", "worker", *flags, *(f"--{name}={value}" for name, value in arguments.items())])


def beat(
    state: Annotated[
        Path | None, typer.Option(help="Folder of its schedule and its pid file, beat.pid. [default: a fresh temporary one]")
    ] = None,
) -> None:
    """Ask the workers from time to time to send lost messages again, deliver webhooks and clean up. One is enough."""
    settings = _distributed_settings("beat")
    from drumscribe.service.observability.logs import leave_logging_to_us, setup_logging
    from drumscribe.service.observability.tracking import setup_error_tracking
    from drumscribe.service.worker import make_worker_app, quieten

    setup_logging(settings.LOG_LEVEL)
    setup_error_tracking(settings)
    leave_logging_to_us()
    quieten(settings)
    app = make_worker_app(settings)
    with tempfile.TemporaryDirectory(prefix="drumscribe-beat-") as fresh:
        folder = state or Path(fresh)
        folder.mkdir(parents=True, exist_ok=True)
        app.start(
            [
                "--quiet",
                "beat",
                f"--schedule={folder / 'schedule'}",
                f"--pidfile={folder / 'beat.pid'}",
                f"--loglevel={settings.LOG_LEVEL}",
            ]
        )


def _distributed_settings(command: str) -> Settings:
    from drumscribe.cli.environment import read_settings

    settings = read_settings()
    if settings.is_embedded:
        raise OptionError(f"`drumscribe {command}` needs a REDIS_URL; without one `drumscribe serve` does all the work.")
    return settings
