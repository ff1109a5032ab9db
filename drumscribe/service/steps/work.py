"""What a step is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from drumscribe.options import IngestOptions, Options
from drumscribe.service.jobs.edits import EditBody, read_stored
from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.jobs.options import EngraveOptions, JobOptions, library_options
from drumscribe.service.tables import Job, Revision
from drumscribe.service.wiring import Services
from drumscribe.types import Audio, OnProgress

#: The sound as it was decoded from the original: what every later step reads.
AUDIO = "audio.flac"
DRUMS = "drums.wav"
DRUMLESS = "drumless.flac"
LISTENING = "listening.npz"
PERFORMANCE = "performance.json"
RESULT = "result.json"
SCORE = "score.json"

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".flac": "audio/flac",
    ".jams": "application/json",
    ".json": "application/json",
    ".mid": "audio/midi",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".mxl": "application/vnd.recordare.musicxml",
    ".npz": "application/zip",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wav": "audio/wav",
    ".zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Work:
    """One step of one job, claimed."""

    job: Job  #: the row as it was claimed; detached, for reading only
    services: Services
    scratch: Path  #: an empty folder, deleted afterwards
    on_progress: OnProgress  #: tells the world; raises `Cancelled` when the step should stop
    check: Callable[[], None]  #: raises `Cancelled` when the step should stop

    @property
    def listening(self) -> JobOptions:
        """What was asked of the job."""
        return JobOptions.model_validate(self.job.options)

    def engraving(self, revision: int) -> tuple[EngraveOptions, int]:
        """What was asked of a revision, and the revision that it starts from."""
        with self.services.sessions.read() as session:
            row = session.get_one(Revision, (self.job.id, revision))
            return EngraveOptions.model_validate(row.options), row.base or 1

    def edits(self) -> list[EditBody]:
        """What a person has corrected in the base of the revision that is worked on."""
        asked = select(Revision.edits).where(Revision.job_id == self.job.id, Revision.number == self.job.working_on)
        with self.services.sessions.read() as session:
            return read_stored(session.scalars(asked).one() or [])

    def options(self, engraving: EngraveOptions | None = None) -> Options:
        """What the library is told; by default with the engraving of the job's first revision."""
        return library_options(self.services.settings, self.listening, engraving or self.engraving(1)[0])

    def load(self, name: str) -> Audio:
        """Read sound that an earlier step left. It was checked when it came in, whatever the limits are today."""
        from drumscribe.audio import load_audio

        limits = IngestOptions(min_duration_s=0.0, max_duration_s=(self.job.duration_seconds or 0.0) + 1.0, silence_dbfs=-1000.0)
        with self.services.storage.get_file_path(self.job.id, 1, name) as path:
            return load_audio(path, options=limits)

    def save(self, name: str, content: bytes | Path, kind: str, form: str | None = None) -> NewArtifact:
        """Bring a file into the storage, to be entered when the step is closed. What an earlier attempt saved stays."""
        kind_of_content = content_type(name)
        stored = self.services.storage.save_file(
            self.job.id, self.job.working_on, name, content, content_type=kind_of_content, move=isinstance(content, Path)
        )
        return NewArtifact(name, kind, kind_of_content, stored.size, form)


@dataclass(frozen=True, slots=True)
class Done:
    """What a step leads to: columns of the job, and files that lie in the storage whole."""

    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    artifacts: tuple[NewArtifact, ...] = ()


def content_type(name: str) -> str:
    """What a file is, by its name."""
    return _TYPES.get(name[name.rfind(".") :], "application/octet-stream")
