"""What a step is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services
from drumscribe.types import OnProgress


@dataclass(frozen=True, slots=True)
class Work:
    """One step of one job, claimed."""

    job: Job  #: the row as it was claimed; detached, for reading only
    services: Services
    scratch: Path  #: an empty folder, deleted afterwards
    on_progress: OnProgress  #: tells the world; raises `Cancelled` when the step should stop
    check: Callable[[], None]  #: raises `Cancelled` when the step should stop


@dataclass(frozen=True, slots=True)
class Done:
    """What a step leads to: columns of the job, and files that lie in the storage whole."""

    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    artifacts: tuple[NewArtifact, ...] = ()
