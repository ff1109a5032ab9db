"""What is read about share links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from drumscribe.service.errors import ShareNotFound
from drumscribe.service.tables import FINAL, Job, Share, Status

#: What a token looks like; nothing else is looked for.
_TOKEN = re.compile(r"[0-9A-Za-z]{22}")
_HAS_RESULT = and_(
    Job.revision >= 1,
    Job.deleted_at.is_(None),
    Job.results_purged_at.is_(None),
    Job.status.not_in([status for status in FINAL if status != Status.COMPLETED]),
)


def shares_of(session: Session, job_id: str) -> Sequence[Share]:
    """The links of a job, oldest first."""
    return session.scalars(select(Share).where(Share.job_id == job_id).order_by(Share.created_at, Share.id)).all()


def count(session: Session, job_id: str) -> int:
    """How many links a job has."""
    return session.scalar(select(func.count()).select_from(Share).where(Share.job_id == job_id)) or 0


def share(session: Session, job_id: str, share_id: UUID) -> Share | None:
    """One link of a job."""
    return session.scalars(select(Share).where(Share.id == str(share_id), Share.job_id == job_id)).one_or_none()


def find_shared(session: Session, token: str) -> tuple[Job, Share]:
    """The job that a link shows.

    Raises
    ------
    ShareNotFound
        If there never was such a link, it was revoked, or its job has nothing to show any more: always the same.
    """
    row = None
    if _TOKEN.fullmatch(token):
        row = session.execute(select(Job, Share).join(Share).where(Share.token == token, _HAS_RESULT)).one_or_none()
    if row is None:
        raise ShareNotFound("There is nothing to see through this link, or no longer.")
    return row[0], row[1]
