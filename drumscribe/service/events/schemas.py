"""The shapes of events over HTTP."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from drumscribe.service.tables import Status


class EventError(BaseModel):
    """Why a job, or a re-engraving, failed."""

    code: str
    message: str
    retryable: bool | None = None


class EventRevision(BaseModel):
    """A re-engraving that was given up; the job goes back to its last good revision."""

    number: int
    status: str
    error: EventError | None = None


class EventData(BaseModel):
    """The job after the event."""

    model_config = ConfigDict(extra="allow")

    status: Status
    progress: int = Field(ge=0, le=100, description="Of the whole job, in percent.")
    stage: str | None = Field(None, description="What is being done: ingest, separate, listen, beats, engrave, …")
    revision: int = Field(description="Newest finished revision; 0: none yet.")
    error: EventError | None = Field(None, description="Only of a job that failed.")


class EventMessage(BaseModel):
    """One event; the same JSON in the history, as `data:` of a server-sent event and as a WebSocket message."""

    seq: int = Field(ge=1, description="1, 2, 3, … of one job, without gaps: the `id:` of a server-sent event.")
    type: str = Field(description="`status` or `progress`; others may come.", examples=["progress"])
    data: EventData
    created_at: datetime
