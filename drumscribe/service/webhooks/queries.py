"""Everything that is read about webhooks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from drumscribe.service.database import db_seconds
from drumscribe.service.errors import WebhookMessageNotFound
from drumscribe.service.tables import Job, WebhookAttempt, WebhookMessage, WebhookSecret
from drumscribe.service.users.identity import Caller


def is_due() -> ColumnElement[bool]:
    """Whether a message should be sent now: its time has come, and nobody is about it, or whoever was is gone."""
    free = or_(WebhookMessage.leased_until.is_(None), WebhookMessage.leased_until < db_seconds())
    return and_(WebhookMessage.status == "pending", WebhookMessage.next_attempt_at <= db_seconds(), free)


def next_due() -> Select[tuple[str]]:
    """The id of the message that has been due for longest, passing over those that another transaction holds."""
    return (
        select(WebhookMessage.id)
        .where(is_due())
        .order_by(WebhookMessage.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def count_due(session: Session, limit: int) -> int:
    """How many messages should be sent now, counted up to a limit."""
    some = select(WebhookMessage.id).where(is_due()).limit(limit).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def count_in_flight(session: Session) -> int:
    """How many messages are being sent at this moment."""
    held = and_(WebhookMessage.status == "pending", WebhookMessage.leased_until >= db_seconds())
    return session.scalar(select(func.count()).select_from(WebhookMessage).where(held)) or 0


def secret_of(session: Session, owner: str) -> WebhookSecret | None:
    """An owner's own secret."""
    return session.get(WebhookSecret, owner)


def hold_message(session: Session, message_id: str) -> WebhookMessage | None:
    """One message, held until the transaction ends."""
    return session.get(WebhookMessage, message_id, with_for_update=True)


def find_for_change(session: Session, caller: Caller, message_id: str) -> WebhookMessage:
    """One of the caller's messages, held until the transaction ends.

    Raises
    ------
    WebhookMessageNotFound
        If there is none, if it is somebody else's, or if its job has been deleted.
    """
    wanted = select(WebhookMessage).join(Job).where(WebhookMessage.id == message_id, Job.deleted_at.is_(None))
    if not caller.is_admin:
        wanted = wanted.where(WebhookMessage.owner == caller.identifier)
    found = session.scalars(wanted.with_for_update(of=WebhookMessage)).one_or_none()
    if found is None:
        raise WebhookMessageNotFound(f"There is no message {message_id}.")
    return found


def messages_of(session: Session, job_id: str) -> Sequence[WebhookMessage]:
    """The messages about a job, oldest first."""
    asked = select(WebhookMessage).where(WebhookMessage.job_id == job_id)
    return session.scalars(asked.order_by(WebhookMessage.created_at, WebhookMessage.id)).all()


def attempts_of(session: Session, messages: Sequence[WebhookMessage]) -> dict[str, list[WebhookAttempt]]:
    """The delivery log of some messages, oldest first, by message."""
    found: dict[str, list[WebhookAttempt]] = {each.id: [] for each in messages}
    asked = select(WebhookAttempt).where(WebhookAttempt.message_id.in_(found))
    for attempt in session.scalars(asked.order_by(WebhookAttempt.id)):
        found[attempt.message_id].append(attempt)
    return found
