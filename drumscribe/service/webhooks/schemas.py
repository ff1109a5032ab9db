"""The shapes of webhooks over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from drumscribe.service.tables import WebhookAttempt, WebhookMessage, WebhookSecret


class WebhookSecretResponse(BaseModel):
    """What the caller's webhooks are signed with."""

    secret: str | None = Field(
        description="Null: the operator's secret signs, which the operator hands out; rotate to get one of your own.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )
    previous_until: datetime | None = Field(description="Until then the secret before it signs as well.")

    @staticmethod
    def of(secret: WebhookSecret | None) -> WebhookSecretResponse:
        """From its row; None is the operator's."""
        if secret is None:
            return WebhookSecretResponse(secret=None, previous_until=None)
        return WebhookSecretResponse(secret=secret.secret, previous_until=secret.previous_until)


class WebhookAttemptResponse(BaseModel):
    """One try to deliver a message."""

    at: datetime
    status_code: int | None = Field(description="What the receiver answered; null: nothing.")
    error: str | None = Field(description="Why it failed, in a sentence; null: it did not.")
    elapsed_ms: int


class WebhookMessageResponse(BaseModel):
    """A message, and what came of it so far."""

    id: str = Field(description="The `webhook-id`, the same at every attempt.", examples=["msg_5f0c1f0fd2d54a5e8d8d2b9a7c31"])
    job_id: UUID
    type: Literal["job.completed", "job.failed", "job.cancelled"]
    url: str
    status: Literal["pending", "delivered", "given_up"]
    attempts: int = Field(description="Tries of this round; a message that is sent again starts a new one.")
    next_attempt_at: datetime | None = Field(description="Not before this; null: not any more.")
    created_at: datetime
    delivered_at: datetime | None
    log: list[WebhookAttemptResponse] = Field(description="All tries, oldest first.")

    @staticmethod
    def of(message: WebhookMessage, log: list[WebhookAttempt]) -> WebhookMessageResponse:
        """From its rows."""
        due = max(message.next_attempt_at, message.created_at.timestamp())
        return WebhookMessageResponse.model_validate(
            {
                "id": message.id,
                "job_id": message.job_id,
                "type": message.type,
                "url": message.url,
                "status": message.status,
                "attempts": message.attempts,
                "next_attempt_at": datetime.fromtimestamp(due, UTC) if message.status == "pending" else None,
                "created_at": message.created_at,
                "delivered_at": message.delivered_at,
                "log": [
                    WebhookAttemptResponse(at=one.at, status_code=one.status_code, error=one.error, elapsed_ms=one.elapsed_ms)
                    for one in log
                ],
            }
        )


class WebhookListResponse(BaseModel):
    """The messages about one job."""

    items: list[WebhookMessageResponse]
