"""What Prometheus is told: the counts of all processes of this machine, and what the database says now.

Counts lie in files of a shared folder, one set per process. A dead process's files are folded into one under a lock, so
nothing it counted is lost and the folder does not grow with every worker that is replaced. The folder must not be
emptied while processes live: they would go on counting into files that nobody can find; nothing here ever does it.

This module must be imported before `prometheus_client`, which decides at import whether it shares its counts.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import structlog
from filelock import FileLock

from drumscribe.service.settings import Settings

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import Metric
    from starlette.responses import Response

    from drumscribe.service.wiring import Services

log = structlog.get_logger(__name__)

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_COUNTS = re.compile(r"(counter|histogram)_(\d+)\.db")
_UNREADABLE = (struct.error, RuntimeError, UnicodeDecodeError, ValueError)


def share_metrics(settings: Settings, *, folder: Path | None = None) -> None:
    """Choose the folder in which this process and its children count. The first thing an entry point does.

    Parameters
    ----------
    settings : Settings
        `PROMETHEUS_MULTIPROC_DIR` wins. Embedded, it is `DATA_DIR`/metrics otherwise; a distributed worker with a
        `PROMETHEUS_PORT` takes a fresh temporary folder; a process that is alone counts in memory.
    folder : Path, optional
        Overrides the default, not the setting.

    Raises
    ------
    RuntimeError
        If `prometheus_client` has been imported already and counts in memory: what is counted would never be seen.
    """
    chosen = settings.PROMETHEUS_MULTIPROC_DIR or folder
    if chosen is None and settings.is_embedded:
        chosen = settings.DATA_DIR / "metrics"
    if chosen is None and settings.PROMETHEUS_PORT:
        chosen = Path(tempfile.mkdtemp(prefix="drumscribe-metrics-"))
    if chosen is None:
        os.environ.pop(_VARIABLE, None)  # an empty one would mean the working directory
        return
    chosen.mkdir(parents=True, exist_ok=True)
    os.environ[_VARIABLE] = str(chosen)
    values = sys.modules.get("prometheus_client.values")
    if values is not None and not values.ValueClass._multiprocess:
        raise RuntimeError("Metrics were imported before their folder was chosen: call share_metrics first.")
    with _lock(chosen):
        _fold(chosen)


def shared_folder() -> Path | None:
    """The folder in which this process counts; None: in memory."""
    name = os.environ.get(_VARIABLE)
    return Path(name) if name else None


def metrics_response(services: Services) -> Response:
    """The answer to `GET /metrics`: this machine's counts and the gauges. Answers also when the database is away."""
    from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
    from starlette.responses import Response

    from drumscribe.service.observability.gauges import Gauges
    from drumscribe.service.observability.memory import Memory

    registry = CollectorRegistry()
    registry.register(_Counts())
    registry.register(Gauges(services))
    registry.register(Memory())
    ProcessCollector(registry=registry)
    headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
    return Response(generate_latest(registry), headers=headers)


def serve_worker_metrics(settings: Settings) -> WSGIServer | None:
    """Show the counts of a distributed worker and its children on `PROMETHEUS_PORT`; None if that is 0.

    To be called by the worker's parent process, once. The server is a daemon thread; `shutdown()` ends it earlier.
    """
    if not settings.PROMETHEUS_PORT:
        return None
    from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

    from drumscribe.service.observability.memory import Memory

    registry = CollectorRegistry()
    registry.register(_Counts())
    registry.register(Memory())
    ProcessCollector(registry=registry)
    server, _ = start_http_server(settings.PROMETHEUS_PORT, registry=registry)
    log.info("metrics_served", port=server.server_port)
    return server


class _Counts:
    """The counts of all processes that share this one's folder; only its own if there is none."""

    def collect(self) -> Iterable[Metric]:
        from prometheus_client import REGISTRY
        from prometheus_client.multiprocess import MultiProcessCollector

        folder = shared_folder()
        if folder is None:
            return [metric for metric in REGISTRY.collect() if metric.name.startswith("drumscribe_")]
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            _fold(folder)
            # a process that is just starting has made its file and not yet filled it
            files = [str(file) for file in folder.glob("*.db") if file.stat().st_size > 0]
            return list(MultiProcessCollector.merge(files))


def _lock(folder: Path) -> FileLock:
    """Held while files are read or folded: a count must never be seen twice, or not at all."""
    return FileLock(folder / ".lock", timeout=5)


def _fold(folder: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    for file in folder.glob("*.db"):
        of_process = _COUNTS.fullmatch(file.name)
        if of_process is None or psutil.pid_exists(int(of_process[2])):
            continue
        whole = folder / f"{of_process[1]}_gone.db"
        totals: dict[str, float] = {}
        for part in (whole, file):
            try:
                if part.exists() and part.stat().st_size > 0:
                    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(part)):
                        totals[key] = totals.get(key, 0.0) + value
            except _UNREADABLE as error:
                log.warning("metrics_file_unreadable", file=part.name, error=str(error))
        new = folder / f"{whole.name}.new"
        new.unlink(missing_ok=True)
        written = MmapedDict(str(new))
        for key, value in totals.items():
            written.write_value(key, value, 0.0)
        written.close()
        file.unlink()  # before the new sum: a crash between the two loses counts, the other way round it would double them
        new.replace(whole)
