"""The shapes of jobs over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drumscribe.service.jobs.edits import MAX_EDITS, EditBody
from drumscribe.service.jobs.options import PRINTABLE, EngraveOptions, JobOptions, Whole, whole
from drumscribe.service.tables import Status

JobTitle = Annotated[str, Field(max_length=200, pattern=PRINTABLE, description="What the job is called.")]


class JobFields(JobOptions):
    """What can be said about a job, whatever its recording is."""

    webhook_url: str | None = Field(
        None, max_length=2000, description="Told when the job ends, as Standard Webhooks.", examples=["https://example.org/hook"]
    )


class JobForm(JobFields):
    """The fields of a form: all of them text."""

    model_config = ConfigDict(strict=False)


class JobCreate(JobFields):
    """A job whose recording is the sound of a video."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"youtube_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "title": "My song"}}
    )

    youtube_url: str = Field(max_length=2000, description="Link to one video on YouTube.")


class JobLinks(BaseModel):
    """Where the rest of a job is."""

    self: str
    events: str
    result: str
    cancel: str


class JobCreateResponse(BaseModel):
    """A job that has been accepted; it will not be lost."""

    job_id: UUID
    status: Status
    links: JobLinks


class JobError(BaseModel):
    """Why a job failed."""

    code: str = Field(description="For a program.", examples=["silent_audio"])
    message: str = Field(description="For a person.")
    retryable: bool = Field(description="Whether the same job may succeed if sent again.")
    stage: str | None = Field(None, description="ingest, separation, prediction or transcription.")


class WarningDetail(BaseModel):
    """Something that did not stop the job."""

    code: str
    message: str


class JobStatusResponse(BaseModel):
    """A job as it is now."""

    id: UUID
    job_id: UUID = Field(description="The same as `id`.")
    status: Status
    progress: int = Field(ge=0, le=100, description="In percent.")
    stage: str | None = Field(None, description="What is being done: ingest, separate, listen, beats, engrave, …")
    queue_position: int | None = Field(None, ge=1, description="While it waits: 1 is next.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = Field(None, description="When what it made is deleted.")
    input_type: Literal["upload", "youtube"]
    youtube_url: str | None = None
    original_filename: str | None = None
    title: str
    bpm: float | None = Field(None, description="As asked for; null: as detected.")
    detected_bpm: float | None = None
    bpm_unreliable: bool = False
    duration_seconds: float | None = None
    sample_rate: int | None = None
    hit_summary: dict[str, int] | None = Field(None, description="Number of hits by drum.", examples=[{"kick": 45, "snare": 40}])
    confidence_score: float | None = Field(None, ge=0, le=1)
    warnings: list[str] = Field([], description="Codes, such as `low_confidence` and `bpm_unreliable`.")
    warning_details: list[WarningDetail] = []
    compute_time_ms: int = 0
    model: str
    model_version: str | None = None
    revision: int = Field(description="Newest finished revision; 0: none yet.")
    webhook_url: str | None = None
    error: JobError | None = None
    error_message: str | None = None


class JobListResponse(BaseModel):
    """Jobs, newest first."""

    items: list[JobStatusResponse]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for what follows; null: nothing does.")


class JobRename(BaseModel):
    """A new name."""

    model_config = ConfigDict(extra="forbid")

    title: JobTitle


class HitData(BaseModel):
    """One stroke heard on one drum."""

    model_config = ConfigDict(extra="allow")

    time: float = Field(description="Seconds from the start of the recording.")
    instrument: str = Field(examples=["snare"])
    velocity: float = Field(ge=0, le=1)
    confidence: float | None = Field(None, ge=0, le=1)


class BeatData(BaseModel):
    """One pulse of the metre."""

    time: float = Field(description="Seconds from the start of the recording.")
    number: int = Field(ge=1, description="Place in the bar; 1 is the downbeat.")


class DoubtfulHit(BaseModel):
    """A hit that may be wrong; `drum` and `time` name it in a correction."""

    time: float
    drum: str = Field(examples=["snare"])
    confidence: float = Field(ge=0, le=1)


class DoubtfulBar(BaseModel):
    """A bar that is worth a second look."""

    bar: int = Field(ge=0, description="Index into `bars` of `score.json`.")
    number: int = Field(ge=0, description="As printed.")
    start: float = Field(description="Seconds from the start of the recording.")
    end: float
    doubt: float = Field(ge=0, description="How many of its notes may be wrong: what the confidence of each lacks to 1, summed.")
    hits: list[DoubtfulHit] = Field(description="The least certain first.")


class HeardResponse(BaseModel):
    """What was heard, and where it is written down: what the owner of a job and whoever has a link to it both see."""

    model_config = ConfigDict(extra="allow")

    revision: int
    title: str
    duration_seconds: float | None = None
    bpm: float | None = None
    detected_bpm: float | None = None
    bpm_unreliable: bool = False
    time_signature: str | None = None
    hits: list[HitData] = []
    hit_summary: dict[str, int] = {}
    confidence_score: float | None = None
    vocabulary: list[str] = Field([], description="Every drum that the model can tell apart.")
    beats: list[BeatData] = []
    downbeats: list[float] = Field([], description="In seconds.")
    tempo_map: list[Any] = []
    downloads: dict[str, str] = Field({}, description="Path of each file, by format.")


class JobResultResponse(HeardResponse):
    """What was heard, and where it is written down."""

    job_id: UUID
    warnings: list[str] = []
    review: list[DoubtfulBar] = Field([], description="Where to look for mistakes: at most 20 bars, the least certain first.")
    pages: int = Field(0, description="Number of pages of `svg`.")
    model_version: str | None = None
    compute_time_ms: int = 0
    stems: dict[str, str] = Field({}, description="Paths of `audio`, `drums` and `drumless`, where there are any.")


class RevisionCreate(EngraveOptions):
    """A job to be written anew: what is not named stays as it was in `base_revision`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "base_revision": 1,
                "time_signature": "4/4",
                "edits": [
                    {"op": "add", "bar": 3, "onset": "3/2", "drum": "snare", "velocity": 0.8},
                    {"op": "delete", "time": 12.345, "drum": "kick"},
                ],
            }
        }
    )

    base_revision: Whole = Field(ge=1, le=1_000_000, description="The newest finished revision, as the caller knows it.")
    edits: list[EditBody] = Field(
        [], max_length=MAX_EDITS, description="Corrections of `base_revision`, done in order before anything else is changed."
    )
    restore: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)] | None = Field(
        None, description="An earlier finished revision, to be written anew with its options; nothing else may be asked for."
    )

    @model_validator(mode="after")
    def _restores_alone(self) -> RevisionCreate:
        if self.restore is not None and self.model_fields_set - {"base_revision", "restore"}:
            raise ValueError("An earlier revision comes back as it was: leave edits and options out.")
        return self


class RevisionResponse(BaseModel):
    """One version of a job's score."""

    job_id: UUID
    number: int
    base: int | None = None
    status: Status
    options: dict[str, Any] = Field(description="All its options.")
    edits: int = Field(0, description="How many corrections were made in its base.")
    created_at: datetime
    finished_at: datetime | None = None
    error: WarningDetail | None = Field(None, description="Why it was given up.")


class RevisionListResponse(BaseModel):
    """All versions of a job's score."""

    items: list[RevisionResponse]
