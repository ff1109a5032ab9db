"""Everything that is changed about webhooks, each inside its caller's transaction.

A message belongs to whoever claimed it last: a claim raises `attempts`, and a failure counts only if it names the
newest one. That a receiver has taken a message counts whoever says so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from drumscribe.service.database import db_now, db_seconds, hold
from drumscribe.service.settings import Settings
from drumscribe.service.tables import WebhookAttempt, WebhookMessage, WebhookSecret
from drumscribe.service.webhooks import queries
from drumscribe.service.webhooks.sending import Answer
from drumscribe.service.webhooks.signing import new_secret

#: Waits after the first, second, … attempt, at a scale of 5 s; the last one repeats. Ten attempts span 30.6 hours.
WAITS_S = (5, 60, 300, 1800, 3600, 7200, 18000, 36000, 43200)
_SCALE_S = 5
#: No receiver can put a message off for longer.
LONGEST_PAUSE_S = 86400.0
#: Both secrets sign for so long after a rotation.
ROTATION = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Held:
    """A message that is being sent by the holder of this."""

    id: str
    job_id: str
    owner: str
    url: str
    payload: dict[str, Any]
    attempt: int


# ---------------------------------------------------------------------------------------------- delivery


def claim(session: Session, *, lease_s: float) -> Held | None:
    """Take the message that has been due for longest. None: there is none."""
    due = queries.next_due().cte("due")
    row = session.scalars(
        update(WebhookMessage)
        .where(WebhookMessage.id == due.c.id)
        .values(attempts=WebhookMessage.attempts + 1, leased_until=db_seconds() + lease_s)
        .returning(WebhookMessage),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).one_or_none()
    return None if row is None else Held(row.id, row.job_id, row.owner, row.url, row.payload, row.attempts)


def record(session: Session, held: Held, answer: Answer, *, elapsed_ms: int, settings: Settings) -> str:
    """Write an attempt into the log, and decide how the message goes on.

    Returns
    -------
    str
        "delivered", "failed" (to be tried again, by whoever holds it now) or "given_up".
    """
    message = queries.hold_message(session, held.id)
    outcome = "delivered" if answer.error is None else "failed"
    if message is None:  # the job is gone, and its messages with it
        return outcome
    session.add(WebhookAttempt(message_id=held.id, status_code=answer.status_code, error=answer.error, elapsed_ms=elapsed_ms))
    if message.status != "pending":
        return outcome
    if outcome == "delivered":
        message.status, message.delivered_at, message.leased_until = "delivered", db_now(), None
        return outcome
    if message.attempts != held.attempt:
        return outcome
    message.leased_until = None
    if answer.status_code == 410 or held.attempt >= settings.WEBHOOK_MAX_ATTEMPTS:
        message.status = "given_up"
        return "given_up"
    message.next_attempt_at = db_seconds() + _wait(held.attempt, answer, settings)
    return outcome


def _wait(attempt: int, answer: Answer, settings: Settings) -> float:
    planned = WAITS_S[min(attempt, len(WAITS_S)) - 1] * settings.WEBHOOK_RETRY_BASE_SECONDS / _SCALE_S
    return max(planned * random.uniform(0.8, 1.2), min(answer.retry_after_s or 0.0, LONGEST_PAUSE_S))


def resend(message: WebhookMessage) -> None:
    """Make a message due now. One that had been delivered or given up starts over with all its attempts."""
    message.next_attempt_at = 0.0
    if message.status != "pending":
        message.status, message.attempts, message.leased_until = "pending", 0, None


# ---------------------------------------------------------------------------------------------- secrets


def ensure_secret(session: Session, owner: str) -> WebhookSecret:
    """An owner's secret, made at the first need."""
    hold(session, f"webhook-secret:{owner}")
    secret = queries.secret_of(session, owner)
    if secret is None:
        secret = WebhookSecret(owner=owner, secret=new_secret())
        session.add(secret)
    return secret


def rotate_secret(session: Session, owner: str, settings: Settings) -> WebhookSecret:
    """Give an owner a new secret. The one that signed until now goes on signing too for `ROTATION`."""
    hold(session, f"webhook-secret:{owner}")
    secret = queries.secret_of(session, owner)
    if secret is None:
        secret = WebhookSecret(owner=owner, secret=settings.WEBHOOK_SECRET.get_secret_value() or new_secret())
        session.add(secret)
    secret.previous, secret.previous_until = secret.secret, datetime.now(UTC) + ROTATION
    secret.secret = new_secret()
    return secret


def secret_to_show(session: Session, owner: str, settings: Settings) -> WebhookSecret | None:
    """What an owner may see of the secret that signs for it. None: the operator's, which others share."""
    if settings.WEBHOOK_SECRET.get_secret_value() and queries.secret_of(session, owner) is None:
        return None
    return ensure_secret(session, owner)


def secrets_in_force(session: Session, owner: str, settings: Settings) -> list[str]:
    """What signs an owner's messages: its own secrets; without one the operator's; without that one made now."""
    secret = secret_to_show(session, owner, settings)
    if secret is None:
        return [settings.WEBHOOK_SECRET.get_secret_value()]
    if secret.previous and secret.previous_until and secret.previous_until > datetime.now(UTC):
        return [secret.secret, secret.previous]
    return [secret.secret]
