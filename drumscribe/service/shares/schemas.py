"""The shapes of share links over HTTP, and of what they show."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from drumscribe.service.jobs.schemas import HeardResponse
from drumscribe.service.tables import Share, Status


class ShareCreate(BaseModel):
    """A link to be made."""

    model_config = ConfigDict(extra="forbid")

    with_audio: StrictBool = Field(False, description="Whether the recording and its stems can be heard through it.")


class ShareResponse(BaseModel):
    """A link that shows a job's score, read-only, to whoever has it."""

    id: UUID
    token: str = Field(description="Whoever knows it may read the score.")
    with_audio: bool
    created_at: datetime
    path: str = Field(description="Where the web app shows it.", examples=["/s/4fT0c9Zq1bYx7LrWm2Kd8P"])

    @classmethod
    def of(cls, share: Share) -> ShareResponse:
        """A row as its owner sees it."""
        return cls(
            id=UUID(share.id),
            token=share.token,
            with_audio=share.with_audio,
            created_at=share.created_at,
            path=f"/s/{share.token}",
        )


class ShareListResponse(BaseModel):
    """All links of a job, oldest first."""

    items: list[ShareResponse]


class SharedJobResponse(BaseModel):
    """What a link tells about its job."""

    title: str
    status: Status = Field(description="Not `completed` while the score is written anew; the finished one is shown meanwhile.")
    revision: int = Field(description="The newest finished one.")
    duration_seconds: float | None = None
    bpm: float | None = Field(None, description="As written.")
    with_audio: bool = Field(description="Whether the recording can be heard.")


class SharedResultResponse(HeardResponse):
    """What was heard, and where it is written down, as a link shows it."""

    stems: dict[str, str] = Field({}, description="Paths of `audio`, `drums` and `drumless`, where the link shares them.")
