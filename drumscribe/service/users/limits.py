"""How many jobs one caller may have unfinished, and start within an hour.

Counting and creating happen in one transaction, and one caller's transactions go one after the other, so that no number of
replicas or of requests at once gets past a limit. What is counted are the jobs themselves: there is no counter that could
drift, and deleting a job gives nothing back. All times are by the database's clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from drumscribe.service.database import hold
from drumscribe.service.errors import RateLimited, TooManyJobs
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.users import queries
from drumscribe.service.users.identity import Caller

HOUR = timedelta(hours=1)
#: Nobody is asked to wait longer for a job of their own to end, nor shorter.
LONGEST_WAIT_S = 600.0
SHORTEST_WAIT_S = 1.0
#: What a job is taken to need before any has ended here: a song of four minutes at a quarter of its length.
_TYPICAL_SONG_S = 240.0
_TYPICAL_PACE = 0.25


@dataclass(frozen=True, slots=True)
class RateState:
    """What a caller may still do. A limit of 0 is none."""

    hourly_limit: int
    hourly_used: int
    hourly_reset_s: float  #: until the oldest job leaves the hour
    concurrent_limit: int
    concurrent_used: int
    concurrent_reset_s: float  #: until a job probably ends; 0: unknown


def admit(session: Session, settings: Settings, caller: Caller, *, new_job: bool = True) -> RateState:
    """Let a caller start a job, inside the transaction that enters it. The state counts it already.

    Parameters
    ----------
    new_job : bool
        False for a re-engraving: it counts as unfinished work, not as a job of the hour.

    Raises
    ------
    TooManyJobs
        If as many jobs as allowed are unfinished. `retry_after_s` is when one of them should be done.
    RateLimited
        If as many as allowed were started within the hour. `retry_after_s` is when the oldest leaves it.
    """
    hold(session, f"limits:{caller.identifier}")
    state = _state(session, settings, caller.identifier)
    if state.concurrent_limit and state.concurrent_used >= state.concurrent_limit:
        raise TooManyJobs(
            f"You have {state.concurrent_used} unfinished jobs, and {state.concurrent_limit} are allowed; wait for one to end.",
            retry_after_s=state.concurrent_reset_s,
            headers=rate_headers(state),
        )
    if new_job and state.hourly_limit and state.hourly_used >= state.hourly_limit:
        raise RateLimited(
            f"You have started {state.hourly_used} jobs within an hour, and {state.hourly_limit} are allowed.",
            retry_after_s=state.hourly_reset_s,
            headers=rate_headers(state),
        )
    return RateState(
        state.hourly_limit,
        state.hourly_used + new_job,
        state.hourly_reset_s or HOUR.total_seconds(),
        state.concurrent_limit,
        state.concurrent_used + 1,
        state.concurrent_reset_s,
    )


def rate_headers(state: RateState) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` as the IETF draft (draft-ietf-httpapi-ratelimit-headers-10) writes them."""
    policies: list[str] = []
    left: list[str] = []
    if state.hourly_limit:
        policies.append(f'"hourly";q={state.hourly_limit};w={HOUR.seconds}')
        left.append(f'"hourly";r={max(0, state.hourly_limit - state.hourly_used)};t={math.ceil(state.hourly_reset_s)}')
    if state.concurrent_limit:
        policies.append(f'"concurrent";q={state.concurrent_limit};qu="concurrent-requests"')
        remaining = f'"concurrent";r={max(0, state.concurrent_limit - state.concurrent_used)}'
        left.append(f"{remaining};t={math.ceil(state.concurrent_reset_s)}" if state.concurrent_reset_s else remaining)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)} if policies else {}


def _state(session: Session, settings: Settings, identifier: str) -> RateState:
    now = queries.now(session)
    concurrent, hourly = settings.MAX_CONCURRENT_JOBS_PER_USER, settings.jobs_per_hour
    unfinished: Sequence[Job] = queries.unfinished_jobs(session, identifier) if concurrent else ()
    recent: Sequence[datetime] = queries.jobs_since(session, identifier, now - HOUR) if hourly else ()
    ends_in = 0.0
    if unfinished:
        waits = sorted(_remaining(unfinished, now, queries.usual_pace(session)))
        # As many must end as are too many, and one more to make room
        ends_in = waits[max(0, len(waits) - concurrent)]
    leaves_in = 0.0
    if recent:
        leaving = recent[min(hourly, len(recent)) - 1]
        leaves_in = max(SHORTEST_WAIT_S, (leaving + HOUR - now).total_seconds())
    return RateState(hourly, len(recent), leaves_in, concurrent, len(unfinished), ends_in)


def _remaining(jobs: Sequence[Job], now: datetime, pace: float | None) -> list[float]:
    """How long each job will probably take from now: what others took per second of music, for what is left of it."""
    waits: list[float] = []
    for job in jobs:
        left = 1 - job.progress / 100
        if pace is None and job.working_on == 1 and job.started_at is not None and job.progress > 0:
            wait = (now - job.started_at).total_seconds() / job.progress * (100 - job.progress)
        else:
            wait = left * (job.duration_seconds or _TYPICAL_SONG_S) * (pace or _TYPICAL_PACE)
        waits.append(min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, wait)))
    return waits
