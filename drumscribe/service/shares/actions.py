"""Changes of share links. Nothing here commits."""

from __future__ import annotations

import secrets
import string
from uuid import uuid4

from sqlalchemy.orm import Session

from drumscribe.service.errors import ResultExpired, TooManyShares
from drumscribe.service.jobs.actions import demand_result
from drumscribe.service.shares import queries
from drumscribe.service.tables import Job, Share

#: Links that one job may have at a time.
SHARES_PER_JOB = 20
_ALPHABET = string.digits + string.ascii_letters
#: 22 digits of base 62 hold 131 bits.
_DIGITS = 22


def create(session: Session, job: Job, *, with_audio: bool) -> Share:
    """Make a link to a job that has a result; the job's row must be held.

    Raises
    ------
    JobNotCompleted, JobHasFailed, JobCancelled, ResultExpired
        If there is nothing to share, or the recording is wanted and has been deleted.
    TooManyShares
        If the job has as many links as it may.
    """
    demand_result(job)
    if with_audio and job.inputs_purged_at is not None:
        raise ResultExpired("The recording has been deleted; the score can be shared without it.")
    if queries.count(session, job.id) >= SHARES_PER_JOB:
        raise TooManyShares(
            f"A song has at most {SHARES_PER_JOB} links; revoke one that is not used.", limit=SHARES_PER_JOB
        )  # fmt: skip
    token = "".join(secrets.choice(_ALPHABET) for _ in range(_DIGITS))
    share = Share(id=str(uuid4()), job_id=job.id, token=token, with_audio=with_audio)
    session.add(share)
    session.flush()
    session.refresh(share)
    return share


def revoke(session: Session, share: Share) -> None:
    """Let a link show nothing from now on."""
    session.delete(share)
