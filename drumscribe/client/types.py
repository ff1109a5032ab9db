"""What the server answers, as values. Fields that this version does not know are kept in `raw`, and those that an older
server does not send have their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

#: A job in one of these does nothing more by itself.
FINAL = frozenset({"completed", "failed", "cancelled", "expired"})

Raw = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that the server has taken."""

    id: str
    status: str
    replayed: bool = False  #: the server knew it already, by its idempotency key


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that did not go as wished."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job, or one revision of it, has no result."""

    code: str
    message: str
    retryable: bool = False
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now."""

    id: str
    status: str
    progress: int = 0  #: percent
    stage: str | None = None
    revision: int = 0  #: newest finished revision; 0: none yet
    title: str = ""
    input_type: str = "upload"
    original_filename: str | None = None
    youtube_url: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    duration_seconds: float | None = None
    bpm: float | None = None
    detected_bpm: float | None = None
    bpm_unreliable: bool = False
    confidence_score: float | None = None
    hit_summary: Mapping[str, int] = field(default_factory=dict[str, int])
    model_version: str | None = None
    compute_time_ms: int = 0
    queue_position: int | None = None
    warnings: tuple[Warned, ...] = ()
    error: Failure | None = None
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job."""

    seq: int
    type: str
    status: str
    progress: int = 0
    stage: str | None = None
    revision: int = 0
    created_at: datetime | None = None
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)

    @property
    def is_final(self) -> bool:
        """Whether the job did nothing more after it, unless somebody asked."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a job's score."""

    number: int
    status: str
    base: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    edits: int = 0  #: how many corrections were made in its base
    created_at: datetime | None = None
    finished_at: datetime | None = None
    error: Failure | None = None
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ResultHit:
    """One stroke, as the service tells it."""

    time: float  #: seconds from the start of the recording
    instrument: str
    velocity: float  #: 0-1
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class ResultBeat:
    """One pulse of the metre."""

    time: float  #: seconds from the start of the recording
    number: int  #: place in the bar; 1 is the downbeat


@dataclass(frozen=True, slots=True)
class DoubtfulHit:
    """A hit that may be wrong; `drum` and `time` name it in a correction."""

    time: float
    drum: str
    confidence: float


@dataclass(frozen=True, slots=True)
class DoubtfulBar:
    """A bar that is worth a second look."""

    bar: int  #: index into `bars` of `score.json`
    number: int  #: as printed
    start: float  #: seconds from the start of the recording
    end: float
    doubt: float  #: how many of its notes may be wrong: what the confidence of each lacks to 1, summed
    hits: tuple[DoubtfulHit, ...] = ()  #: the least certain first


@dataclass(frozen=True, slots=True)
class Result:
    """What was heard in a song, and where its files are."""

    job_id: str  #: empty if it was read through a link
    revision: int = 1
    title: str = ""
    duration_seconds: float | None = None
    bpm: float | None = None
    detected_bpm: float | None = None
    bpm_unreliable: bool = False
    time_signature: str | None = None
    hits: tuple[ResultHit, ...] = ()
    hit_summary: Mapping[str, int] = field(default_factory=dict[str, int])
    confidence_score: float | None = None
    beats: tuple[ResultBeat, ...] = ()
    downbeats: tuple[float, ...] = ()
    review: tuple[DoubtfulBar, ...] = ()  #: where to look for mistakes, the least certain first
    pages: int = 0
    model_version: str | None = None
    compute_time_ms: int = 0
    warnings: tuple[Warned, ...] = ()
    downloads: Mapping[str, str] = field(default_factory=dict[str, str])  #: format → address
    stems: Mapping[str, str] = field(default_factory=dict[str, str])
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Share:
    """A link that shows a job's score, read-only, to whoever has it."""

    id: str
    token: str
    path: str  #: where the web app shows it
    with_audio: bool = False
    created_at: datetime | None = None
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows."""

    title: str
    status: str
    revision: int
    duration_seconds: float | None = None
    bpm: float | None = None
    with_audio: bool = False
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Health:
    """How the server is: `ok`, `degraded` or `error`."""

    status: str
    version: str = ""
    mode: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict[str, Any])
    raw: Raw = field(default_factory=dict[str, Any], repr=False, compare=False)


# ---------------------------------------------------------------------------------------------- reading


def read_job(raw: Raw) -> Job:
    """A `JobStatusResponse`."""
    special = {
        "id": str(raw.get("id") or raw["job_id"]),
        "warnings": _warnings(raw.get("warning_details") or raw.get("warnings")),
        "error": _failure(raw.get("error")),
        "hit_summary": raw.get("hit_summary") or {},
    }
    return _fill(Job, raw, special)


def read_event(raw: Raw) -> Event:
    """An `EventMessage`; what lies in its `data` comes up."""
    return _fill(Event, {**raw.get("data", {}), **raw}, {})


def read_revision(raw: Raw) -> Revision:
    """A `RevisionResponse`."""
    return _fill(Revision, raw, {"number": raw.get("number", raw.get("revision")), "error": _failure(raw.get("error"))})


def read_result(raw: Raw) -> Result:
    """A `JobResultResponse`."""
    special = {
        "job_id": str(raw.get("job_id", "")),
        "hits": tuple(_fill(ResultHit, hit, {}) for hit in raw.get("hits") or ()),
        "beats": tuple(_fill(ResultBeat, beat, {}) for beat in raw.get("beats") or ()),
        "review": tuple(
            _fill(DoubtfulBar, bar, {"hits": tuple(_fill(DoubtfulHit, hit, {}) for hit in bar.get("hits") or ())})
            for bar in raw.get("review") or ()
        ),
        "downbeats": tuple(raw.get("downbeats") or ()),
        "warnings": _warnings(raw.get("warning_details") or raw.get("warnings")),
    }
    return _fill(Result, raw, special)


def read_share(raw: Raw) -> Share:
    """A `ShareResponse`."""
    return _fill(Share, raw, {})


def read_shared(raw: Raw) -> Shared:
    """A `SharedJobResponse`."""
    return _fill(Shared, raw, {})


def read_health(raw: Raw) -> Health:
    """A health report."""
    return _fill(Health, raw, {})


def _fill(kind: type[T], raw: Raw, special: Mapping[str, Any]) -> T:
    names: Mapping[str, Any] = kind.__dataclass_fields__  # pyright: ignore[reportAttributeAccessIssue]
    known = {name: value for name, value in raw.items() if name in names and value is not None}
    instants = {name: _instant(value) for name, value in known.items() if name.endswith("_at")}
    given: dict[str, Any] = {**known, **instants, **special}
    return kind(**given, **({"raw": raw} if "raw" in names else {}))


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _failure(raw: Any) -> Failure | None:
    return _fill(Failure, raw, {"message": str(raw.get("message", ""))}) if isinstance(raw, Mapping) else None


def _warnings(raw: Any) -> tuple[Warned, ...]:
    return tuple(Warned(one) if isinstance(one, str) else _fill(Warned, one, {}) for one in raw or ())
