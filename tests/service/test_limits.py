"""Nobody gets past a limit, however many ask at once and wherever; and everybody is told when to come back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from people import changed
from sqlalchemy import func, select, update

from drumscribe.service.errors import RateLimited, TooManyJobs
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.plan import STEPS
from drumscribe.service.tables import Job, Status
from drumscribe.service.users.identity import ANONYMOUS_SCOPES, Caller
from drumscribe.service.users.limits import LONGEST_WAIT_S, RateState, admit, rate_headers
from drumscribe.service.wiring import Services

PROGRAM = Path(__file__).with_name("admissions.py")


def somebody(address: str = "198.51.100.7") -> Caller:
    return Caller(f"ip:{address}", None, ANONYMOUS_SCOPES, False, 0, True)


def ask(services: Services, caller: Caller, **columns: Any) -> tuple[str, RateState]:
    job = Job(id=str(uuid4()), input_type="upload", user_identifier=caller.identifier, **columns)
    with services.sessions.write() as session:
        state = admit(session, services.settings, caller)
        lifecycle.enter(session, job, {})
    return job.id, state


def complete(services: Services, job_id: str, *, elapsed_ms: int = 10) -> None:
    for step in STEPS:
        with services.sessions.write() as session:
            held = lifecycle.claim(session, step, job_id, worker="w", lease_s=30, max_attempts=6)
            assert held is not None
            lifecycle.finish(session, held, values={}, artifacts=(), elapsed_ms=elapsed_ms)


def change(services: Services, job_id: str, **values: Any) -> None:
    with services.sessions.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def limited(services: Services, *, at_once: int = 0, hourly: int = 0) -> Services:
    return changed(services, MAX_CONCURRENT_JOBS_PER_USER=at_once, MAX_JOBS_PER_USER_PER_HOUR=hourly)


# ---------------------------------------------------------------------------------------------- at once


def test_only_so_many_jobs_are_unfinished_and_each_that_ends_makes_room(services: Services) -> None:
    strict = limited(services, at_once=2)
    first, state = ask(strict, somebody())
    assert (state.concurrent_used, state.concurrent_limit) == (1, 2)
    second, _ = ask(strict, somebody())
    with pytest.raises(TooManyJobs, match="2 unfinished jobs, and 2 are allowed"):
        ask(strict, somebody())
    ask(strict, somebody("203.0.113.5"))
    complete(strict, first)
    third, _ = ask(strict, somebody())
    for job_id in (second, third):
        with strict.sessions.write() as session:
            lifecycle.cancel(session, session.get_one(Job, job_id))
        ask(strict, somebody())
    with pytest.raises(TooManyJobs):
        ask(strict, somebody())


def test_a_deleted_job_takes_no_room(services: Services) -> None:
    strict = limited(services, at_once=1)
    job_id, _ = ask(strict, somebody())
    change(strict, job_id, deleted_at=datetime.now(UTC))
    ask(strict, somebody())


def test_a_song_that_is_written_anew_takes_room_but_is_no_job_of_the_hour(services: Services) -> None:
    strict = limited(services, at_once=1, hourly=2)
    job_id, _ = ask(strict, somebody())
    complete(strict, job_id)
    with strict.sessions.write() as session:
        state = admit(session, strict.settings, somebody(), new_job=False)
        assert (state.concurrent_used, state.hourly_used) == (1, 1)
        lifecycle.start_revision(session, session.get_one(Job, job_id), {}, base=1)
    with pytest.raises(TooManyJobs):
        ask(strict, somebody())
    with strict.sessions.write() as session, pytest.raises(TooManyJobs):
        admit(session, strict.settings, somebody(), new_job=False)


def test_the_wait_for_a_job_is_what_is_left_of_it_at_the_usual_pace(services: Services) -> None:
    strict = limited(services, at_once=2)
    done, _ = ask(strict, somebody("203.0.113.5"))
    complete(strict, done)
    change(strict, done, compute_time_ms=50_000, duration_seconds=100.0)  # half as long as the music
    slow, _ = ask(strict, somebody(), duration_seconds=400.0)
    quick, _ = ask(strict, somebody(), duration_seconds=200.0)
    change(strict, slow, progress=50)
    change(strict, quick, progress=40)
    assert wait(strict) == pytest.approx(60)
    change(strict, quick, progress=99)
    assert wait(strict) == pytest.approx(1)
    change(strict, quick, progress=0, duration_seconds=36_000.0)
    change(strict, slow, progress=0, duration_seconds=36_000.0)
    assert wait(strict) == LONGEST_WAIT_S
    stricter = limited(services, at_once=1)  # both must end
    change(strict, quick, progress=90, duration_seconds=100.0)
    change(strict, slow, progress=90, duration_seconds=200.0)
    assert wait(stricter) == pytest.approx(10)


def test_before_anything_has_ended_here_the_wait_goes_by_the_jobs_own_pace(services: Services) -> None:
    strict = limited(services, at_once=1)
    job_id, _ = ask(strict, somebody())
    assert wait(strict) == pytest.approx(60)
    change(strict, job_id, progress=25, started_at=datetime.now(UTC) - timedelta(seconds=30))
    assert wait(strict) == pytest.approx(90, abs=5)


def wait(services: Services) -> float:
    with pytest.raises(TooManyJobs) as refused:
        ask(services, somebody())
    return refused.value.facts["retry_after_s"]


# ---------------------------------------------------------------------------------------------- within an hour


def test_only_so_many_jobs_start_within_an_hour_and_the_oldest_says_when_the_next_may(services: Services) -> None:
    strict = limited(services, hourly=3)
    jobs = [ask(strict, somebody())[0] for _ in range(3)]
    now = datetime.now(UTC)
    for job_id, minutes in zip(jobs, (55, 40, 10), strict=True):
        change(strict, job_id, created_at=now - timedelta(minutes=minutes))
    with pytest.raises(RateLimited, match="3 jobs within an hour, and 3 are allowed") as refused:
        ask(strict, somebody())
    assert refused.value.facts["retry_after_s"] == pytest.approx(300, abs=10)
    ask(strict, somebody("203.0.113.5"))
    change(strict, jobs[0], created_at=now - timedelta(minutes=61))
    _, state = ask(strict, somebody())
    assert state.hourly_used == 3
    assert state.hourly_reset_s == pytest.approx(1200, abs=10)
    with pytest.raises(RateLimited) as refused:
        ask(limited(services, hourly=1), somebody())  # stricter than it was: the newest must leave
    assert refused.value.facts["retry_after_s"] == pytest.approx(3600, abs=10)


def test_neither_deleting_nor_cancelling_gives_a_job_of_the_hour_back(services: Services) -> None:
    strict = limited(services, at_once=1, hourly=2)
    for _ in range(2):
        job_id, _ = ask(strict, somebody())
        with strict.sessions.write() as session:
            lifecycle.cancel(session, session.get_one(Job, job_id))
        change(strict, job_id, deleted_at=datetime.now(UTC))
    with pytest.raises(RateLimited):
        ask(strict, somebody())


def test_without_limits_nobody_is_counted(services: Services) -> None:
    free = limited(services)
    for _ in range(5):
        _, state = ask(free, somebody())
    assert rate_headers(state) == {}


def test_the_hour_is_limited_by_default_in_production_alone(services: Services) -> None:
    assert changed(services, ENV="production").settings.jobs_per_hour == 10
    assert services.settings.jobs_per_hour == 0
    assert changed(services, ENV="production", MAX_JOBS_PER_USER_PER_HOUR=0).settings.jobs_per_hour == 0


# ---------------------------------------------------------------------------------------------- telling


def test_headers_say_what_is_left_as_the_draft_writes_it(services: Services) -> None:
    strict = limited(services, at_once=2, hourly=10)
    _, state = ask(strict, somebody())
    headers = rate_headers(state)
    assert headers["RateLimit-Policy"] == '"hourly";q=10;w=3600, "concurrent";q=2;qu="concurrent-requests"'
    assert headers["RateLimit"] == '"hourly";r=9;t=3600, "concurrent";r=1'
    ask(strict, somebody())
    with pytest.raises(TooManyJobs) as refused:
        ask(strict, somebody())
    told = refused.value.facts["headers"]
    assert told["RateLimit"].startswith('"hourly";r=8;t=')
    assert told["RateLimit"].endswith('"concurrent";r=0;t=60')


# ---------------------------------------------------------------------------------------------- at once, everywhere


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"MAX_CONCURRENT_JOBS_PER_USER": 3}, "too_many_jobs"), ({"MAX_JOBS_PER_USER_PER_HOUR": 7}, "rate_limited")],
)
def test_of_forty_who_ask_four_processes_at_once_no_more_get_in_than_allowed(
    services: Services, limits: dict[str, int], code: str
) -> None:
    allowed = next(iter(limits.values()))
    settings = {
        "DATA_DIR": str(services.settings.DATA_DIR),
        "DATABASE_URL": services.settings.DATABASE_URL,
        "MAX_CONCURRENT_JOBS_PER_USER": 0,
        "MAX_JOBS_PER_USER_PER_HOUR": 0,
        **limits,
    }
    processes = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), "10", "ip:198.51.100.7"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = Counter[str]()
        for process in processes:
            said, _ = process.communicate(timeout=60)
            answers.update(json.loads(said))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert answers == {"admitted": allowed, code: 40 - allowed}
    with services.sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(Job).where(Job.status == Status.QUEUED)) == allowed


def test_one_caller_does_not_wait_for_another(services: Services) -> None:
    if services.settings.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with services.sessions.write() as session:
        admit(session, services.settings, somebody())
        begin = time.monotonic()
        ask(services, somebody("203.0.113.5"))
        assert time.monotonic() - begin < 2
