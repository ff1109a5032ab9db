"""How much memory a part of the service takes, with all its processes, and how much it may take.

What pages processes share (a worker's children have its code and networks in common) is counted once: the proportional
size, which the sum of resident sets would overstate several times. The limit is the container's; on a bare machine there
is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

#: Where a container sees its own limit: control groups of version 2, and of version 1.
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
GROUPS = Path("/sys/fs/cgroup")


class Memory:
    """Collects it when a scrape comes."""

    def __init__(self, groups: Path = GROUPS) -> None:
        self._groups = groups

    def collect(self) -> Iterable[Metric]:
        """The size of this process and its children, and the container's limit if it has one."""
        yield GaugeMetricFamily("drumscribe_memory_bytes", "Memory of this process and its children.", value=family_bytes())
        limit = container_limit(self._groups)
        if limit is not None:
            yield GaugeMetricFamily("drumscribe_memory_limit_bytes", "What the container may take.", value=limit)


def family_bytes() -> int:
    """Proportional size of this process and all its children."""
    me = psutil.Process()
    return sum(_size(process) for process in (me, *me.children(recursive=True)))


def container_limit(groups: Path = GROUPS) -> int | None:
    """The limit in bytes; None if there is none, or it is more than the machine has."""
    for name in _LIMITS:
        with suppress(OSError, ValueError):
            limit = int((groups / name).read_text())
            return limit if limit < psutil.virtual_memory().total else None
    return None


def _size(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):  # it has just ended
        try:
            full = process.memory_full_info()
        except psutil.AccessDenied:
            return process.memory_info().rss
        return getattr(full, "pss", full.uss)  # only Linux tells what is shared
    return 0
