"""How a job moves: once, whatever happens to messages, workers and clocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from drumscribe.errors import DrumScribeError, UnreadableAudio
from drumscribe.service.database import db_seconds
from drumscribe.service.errors import StorageUnavailable
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.lifecycle import Claim, Ended, NewArtifact
from drumscribe.service.jobs.plan import BY_QUEUE, DEFAULT, HEAVY, INGEST, PREDICT, SEPARATE, STEPS, TRANSCRIBE, Step
from drumscribe.service.tables import Artifact, Event, Job, Revision, Status, WebhookMessage
from drumscribe.service.wiring import Services


def new_job(services: Services, **columns: Any) -> str:
    job = Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1", **columns)
    with services.sessions.write() as session:
        lifecycle.enter(session, job, {})
    return job.id


def claim(services: Services, job_id: str, step: Step = INGEST, *, lease_s: float = 30, max_attempts: int = 6) -> Claim | None:
    with services.sessions.write() as session:
        return lifecycle.claim(session, step, job_id, worker="w:1", lease_s=lease_s, max_attempts=max_attempts)


def taken(services: Services, job_id: str, step: Step = INGEST, **options: Any) -> Claim:
    held = claim(services, job_id, step, **options)
    assert held is not None
    return held


def finish(services: Services, held: Claim, *artifacts: NewArtifact, **values: Any) -> Ended | None:
    with services.sessions.write() as session:
        return lifecycle.finish(session, held, values=values, artifacts=artifacts, elapsed_ms=7)


def fail(
    services: Services, held: Claim, error: DrumScribeError, *, max_attempts: int = 6, retry_base_s: float = 0
) -> Ended | None:
    with services.sessions.write() as session:
        return lifecycle.fail(session, held, error, max_attempts=max_attempts, retry_base_s=retry_base_s)


def read(services: Services, job_id: str) -> Job:
    with services.sessions.read() as session:
        return session.get_one(Job, job_id)


def events(services: Services, job_id: str) -> list[Event]:
    with services.sessions.read() as session:
        return list(session.scalars(select(Event).where(Event.job_id == job_id).order_by(Event.seq)))


def completed(services: Services, **columns: Any) -> str:
    job_id = new_job(services, **columns)
    for step in STEPS:
        finish(services, taken(services, job_id, step))
    return job_id


def change(services: Services, job_id: str, **values: Any) -> None:
    with services.sessions.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def lost(services: Services, queue: str = DEFAULT, *, in_broker: int = 0, grace_s: float = 0) -> list[str]:
    with services.sessions.write() as session:
        return [job for _, job, _ in lifecycle.lost(session, BY_QUEUE[queue], in_broker=in_broker, grace_s=grace_s)]


# ---------------------------------------------------------------------------------------------- the way through


def test_a_job_goes_through_its_four_steps_and_tells_each(services: Services) -> None:
    job_id = new_job(services, webhook_url="https://example.org/hook")
    seen = []
    for step in STEPS:
        held = taken(services, job_id, step)
        seen.append(read(services, job_id).status)
        ended = finish(services, held, NewArtifact(f"{step.stage}.json", "result", "application/json", 3, step.stage))
        assert ended is not None
    job = read(services, job_id)
    assert seen == ["processing", "separating_drums", "predicting", "transcribing"]
    assert (job.status, job.progress, job.revision, job.step, job.compute_time_ms) == ("completed", 100, 1, None, 28)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.started_at <= job.finished_at
    log = events(services, job_id)
    assert [event.seq for event in log] == list(range(1, job.version + 1))
    assert [event.data["progress"] for event in log] == sorted(event.data["progress"] for event in log)
    assert log[-1].data["status"] == "completed"
    with services.sessions.read() as session:
        assert len(session.scalars(select(Artifact).where(Artifact.job_id == job_id)).all()) == 4
        assert session.get_one(Revision, (job_id, 1)).status == "completed"
        message = session.scalars(select(WebhookMessage).where(WebhookMessage.job_id == job_id)).one()
        assert message.type == "job.completed"
        assert message.payload["data"]["job_id"] == job_id


def test_a_step_cannot_be_claimed_before_its_turn(services: Services) -> None:
    job_id = new_job(services)
    assert [claim(services, job_id, step) for step in (SEPARATE, PREDICT, TRANSCRIBE)] == [None] * 3


def test_of_many_deliveries_of_one_message_one_is_worked_on(services: Services) -> None:
    job_id = new_job(services)
    got: list[Claim | None] = []
    threads = [threading.Thread(target=lambda: got.append(claim(services, job_id))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(held is not None for held in got) == 1
    assert read(services, job_id).tries == 1


def test_a_message_that_comes_after_the_step_was_done_changes_nothing(services: Services) -> None:
    job_id = new_job(services)
    finish(services, taken(services, job_id))
    before = read(services, job_id).version
    assert claim(services, job_id) is None
    assert read(services, job_id).version == before


# ---------------------------------------------------------------------------------------------- dead and late workers


def test_a_dead_workers_step_is_taken_over_and_its_late_word_counts_for_nothing(services: Services) -> None:
    job_id = new_job(services, webhook_url="https://example.org/hook")
    dead = taken(services, job_id, lease_s=0.25)
    assert claim(services, job_id) is None
    time.sleep(0.3)
    heir = taken(services, job_id)
    assert heir.attempt > dead.attempt
    with services.sessions.write() as session:
        assert not lifecycle.renew(session, dead, lease_s=30)
        assert not lifecycle.report(session, dead, progress=99, stage="x")
        lifecycle.release(session, dead)
    assert finish(services, dead, duration_seconds=1.0) is None
    assert fail(services, dead, UnreadableAudio("no")) is None
    job = read(services, job_id)
    assert (job.status, job.duration_seconds, job.leased_by) == ("processing", None, "w:1")
    assert finish(services, heir, duration_seconds=2.0) == Ended(Status.PROCESSING, SEPARATE)


def test_a_lease_that_is_renewed_is_not_taken_over(services: Services) -> None:
    job_id = new_job(services)
    held = taken(services, job_id, lease_s=0.4)
    for _ in range(4):
        time.sleep(0.2)
        with services.sessions.write() as session:
            assert lifecycle.renew(session, held, lease_s=0.4)
        assert claim(services, job_id) is None


@pytest.mark.parametrize("skew_s", [-7200, 7200])
def test_a_worker_whose_clock_is_wrong_neither_steals_nor_loses_a_lease(
    services: Services, skew_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = new_job(services)
    held = taken(services, job_id, lease_s=30)
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + skew_s)
    assert claim(services, job_id) is None
    with services.sessions.write() as session:
        assert lifecycle.renew(session, held, lease_s=30)
        left = session.scalar(select(Job.leased_until - db_seconds()).where(Job.id == job_id))
    assert left is not None
    assert 25 < left <= 30


def test_work_that_kills_its_worker_every_time_ends_as_failed(services: Services) -> None:
    job_id = new_job(services, webhook_url="https://example.org/hook")
    for _ in range(3):
        taken(services, job_id, max_attempts=3)
        change(services, job_id, leased_until=0.0)
    assert claim(services, job_id, max_attempts=3) is None
    job = read(services, job_id)
    assert (job.status, job.error_code, job.error_stage, job.step) == ("failed", "worker_lost", "ingest", None)
    with services.sessions.read() as session:
        assert session.scalars(select(WebhookMessage).where(WebhookMessage.job_id == job_id)).one().type == "job.failed"


def test_leases_of_workers_known_to_be_dead_are_freed_at_once(services: Services) -> None:
    job_id = new_job(services)
    taken(services, job_id, lease_s=3600)
    with services.sessions.write() as session:
        assert lifecycle.free_leases(session, worker="w:2") == 0
        assert lifecycle.free_leases(session, worker="w:1") == 1
    assert taken(services, job_id).tries == 2


# ---------------------------------------------------------------------------------------------- failures


def test_a_failure_that_may_pass_is_tried_again_after_a_growing_wait_and_in_the_end_fails(services: Services) -> None:
    job_id, waits = new_job(services), []
    for _ in range(3):
        ended = fail(
            services, taken(services, job_id, max_attempts=4), StorageUnavailable("away"), max_attempts=4, retry_base_s=100
        )
        assert ended is not None
        assert ended.retry
        with services.sessions.read() as session:
            waits.append(session.scalar(select(Job.available_at - db_seconds()).where(Job.id == job_id)))
        assert claim(services, job_id) is None
        change(services, job_id, available_at=0.0)
    assert 70 < waits[0] < 130 < waits[1] < 255
    assert 220 < waits[2] <= 375
    fail(services, taken(services, job_id, max_attempts=4), StorageUnavailable("away"), max_attempts=4)
    job = read(services, job_id)
    assert (job.status, job.error_code, job.error_message, job.error_retryable) == ("failed", "storage_unavailable", "away", True)


def test_a_failure_that_is_the_inputs_fault_ends_the_job_at_once(services: Services) -> None:
    job_id = new_job(services)
    ended = fail(services, taken(services, job_id), UnreadableAudio("Not audio."))
    assert ended == Ended(Status.FAILED)
    assert events(services, job_id)[-1].data["error"] == {
        "code": "unreadable_audio", "message": "Not audio.", "retryable": False
    }  # fmt: skip


def test_a_step_given_back_is_not_counted_as_tried(services: Services) -> None:
    job_id = new_job(services)
    for _ in range(9):
        held = taken(services, job_id, max_attempts=2)
        with services.sessions.write() as session:
            lifecycle.release(session, held)
    assert read(services, job_id).tries == 0


def test_stuck_jobs_can_be_failed_by_hand_and_waiting_ones_are_left_alone(services: Services) -> None:
    stuck, running, fresh, waiting = new_job(services), new_job(services), new_job(services), new_job(services)
    long_ago = read(services, waiting).created_at.replace(year=2020)
    change(services, waiting, created_at=long_ago, updated_at=long_ago)
    taken(services, stuck)
    change(services, stuck, leased_until=1.0, updated_at=read(services, stuck).created_at.replace(year=2020))
    taken(services, running)
    change(services, running, updated_at=read(services, stuck).created_at.replace(year=2020))
    with services.sessions.write() as session:
        assert lifecycle.fail_stuck(session, older_than_s=1800, message="Manual reset: worker lost") == [stuck]
    assert read(services, stuck).error_message == "Manual reset: worker lost"
    assert [read(services, job).status for job in (running, fresh, waiting)] == ["processing", "queued", "queued"]


# ---------------------------------------------------------------------------------------------- cancelling


@pytest.mark.parametrize("while_running", [True, False])
def test_a_cancelled_job_stays_cancelled_whatever_its_worker_says(services: Services, while_running: bool) -> None:
    job_id = new_job(services, webhook_url="https://example.org/hook")
    held = taken(services, job_id) if while_running else None
    with services.sessions.write() as session:
        assert lifecycle.cancel(session, session.get_one(Job, job_id))
    with services.sessions.write() as session:
        assert not lifecycle.cancel(session, session.get_one(Job, job_id))
    if held is not None:
        with services.sessions.write() as session:
            assert not lifecycle.renew(session, held, lease_s=30)
        assert finish(services, held) is None
    assert claim(services, job_id) is None
    assert read(services, job_id).status == "cancelled"
    with services.sessions.read() as session:
        assert session.scalars(select(WebhookMessage).where(WebhookMessage.job_id == job_id)).one().type == "job.cancelled"


# ---------------------------------------------------------------------------------------------- re-engraving


def start_revision(services: Services, job_id: str, base: int = 1) -> int:
    with services.sessions.write() as session:
        return lifecycle.start_revision(session, session.get_one(Job, job_id), {"voices": 1}, base=base).number


def test_a_re_engraving_runs_the_last_step_alone_and_becomes_the_newest_revision(services: Services) -> None:
    job_id = completed(services, webhook_url="https://example.org/hook")
    assert start_revision(services, job_id) == 2
    assert read(services, job_id).status == "queued"
    assert claim(services, job_id, PREDICT) is None
    finish(services, taken(services, job_id, TRANSCRIBE), NewArtifact("score.json", "result", "application/json", 3))
    job = read(services, job_id)
    assert (job.status, job.revision) == ("completed", 2)
    with services.sessions.read() as session:
        assert session.get(Artifact, (job_id, 2, "score.json")) is not None
        assert len(session.scalars(select(WebhookMessage).where(WebhookMessage.job_id == job_id)).all()) == 1


def test_an_end_said_twice_ends_only_the_work_that_it_is_about(services: Services) -> None:
    job_id = new_job(services)
    for step in STEPS[:-1]:
        finish(services, taken(services, job_id, step))
    held = taken(services, job_id, TRANSCRIBE)
    finish(services, held)
    start_revision(services, job_id)
    assert finish(services, held, title="late") is None  # the answer to the first commit was lost, and the worker tries again
    assert fail(services, held, UnreadableAudio("No.")) is None
    job = read(services, job_id)
    assert (job.status, job.revision, job.working_on, job.step, job.title) == ("queued", 1, 2, TRANSCRIBE.name, "")


def give_up_by_failing(services: Services, job_id: str) -> None:
    fail(services, taken(services, job_id, TRANSCRIBE), UnreadableAudio("No."))


def give_up_by_cancelling(services: Services, job_id: str) -> None:
    with services.sessions.write() as session:
        lifecycle.cancel(session, session.get_one(Job, job_id))


@pytest.mark.parametrize("give_up", [give_up_by_failing, give_up_by_cancelling])
def test_a_re_engraving_that_comes_to_nothing_leaves_the_job_completed_as_it_was(
    services: Services, give_up: Callable[[Services, str], None]
) -> None:
    job_id = completed(services)
    start_revision(services, job_id)
    give_up(services, job_id)
    job = read(services, job_id)
    assert (job.status, job.revision, job.progress, job.error_code) == ("completed", 1, 100, None)
    with services.sessions.read() as session:
        assert session.get_one(Revision, (job_id, 2)).status == "failed"
    assert start_revision(services, job_id) == 3


# ---------------------------------------------------------------------------------------------- lost messages


def test_a_message_under_way_is_not_sent_again_and_a_lost_one_is(services: Services) -> None:
    job_id = new_job(services)
    assert lost(services, in_broker=1) == []
    assert lost(services, in_broker=0, grace_s=60) == []
    time.sleep(0.01)
    assert lost(services, in_broker=0) == [job_id]
    assert lost(services, in_broker=0, grace_s=60) == []


def test_a_step_whose_wait_is_over_or_whose_worker_died_is_sent_again_however_full_the_broker_is(services: Services) -> None:
    waited, orphaned, running = new_job(services), new_job(services), new_job(services)
    fail(services, taken(services, waited), StorageUnavailable("away"), retry_base_s=0.05)
    taken(services, orphaned, lease_s=0.25)
    taken(services, running, lease_s=60)
    time.sleep(0.4)
    assert set(lost(services, in_broker=1000, grace_s=60)) == {waited, orphaned}
    assert lost(services, in_broker=1000, grace_s=60) == []


def test_ten_thousand_waiting_steps_are_not_sent_twice_while_the_broker_holds_them(services: Services) -> None:
    jobs = [new_job(services) for _ in range(20)]
    time.sleep(0.01)
    assert lost(services, in_broker=20) == []
    assert len(lost(services, in_broker=15)) == 5
    assert lost(services, HEAVY) == []
    assert set(lost(services, in_broker=0)) <= set(jobs)


def test_urgent_jobs_come_first_and_equals_in_the_order_of_their_coming(services: Services) -> None:
    first, second, urgent = new_job(services), new_job(services), new_job(services, priority=5)
    with services.sessions.read() as session:
        assert [job for _, job in lifecycle.due(session, BY_QUEUE[DEFAULT], 10)] == [urgent, first, second]
