"""Whoever follows a job gets every event once and in order, whenever they come and however many write."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from servers import PostgresServer
from sqlalchemy import delete, event, select

from drumscribe.service import migrations
from drumscribe.service.database import Sessions
from drumscribe.service.events.hub import End, Hub
from drumscribe.service.events.queries import Look, look, look_at
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.lifecycle import Claim
from drumscribe.service.jobs.plan import INGEST, STEPS
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build


def new_job(services: Services) -> str:
    job = Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1")
    with services.sessions.write() as session:
        lifecycle.enter(session, job, {})
    return job.id


def claim(services: Services, job_id: str, step: Any = INGEST) -> Claim:
    with services.sessions.write() as session:
        held = lifecycle.claim(session, step, job_id, worker="w:1", lease_s=30, max_attempts=6)
    assert held is not None
    return held


def report(services: Services, held: Claim, progress: int) -> None:
    with services.sessions.write() as session:
        assert lifecycle.report(session, held, progress=progress, stage="listen")


def finish(services: Services, held: Claim) -> None:
    with services.sessions.write() as session:
        assert lifecycle.finish(session, held, values={}, artifacts=(), elapsed_ms=1)


def cancel(services: Services, job_id: str) -> None:
    with services.sessions.write() as session:
        job = session.scalars(select(Job).where(Job.id == job_id).with_for_update()).one()
        lifecycle.cancel(session, job)


def work_through(services: Services, job_id: str, *, reports: int = 3) -> None:
    for step in STEPS:
        held = claim(services, job_id, step)
        for number in range(reports):
            report(services, held, step.begin + number)
        finish(services, held)


def engrave_again(services: Services, job_id: str) -> None:
    with services.sessions.write() as session:
        job = session.scalars(select(Job).where(Job.id == job_id).with_for_update()).one()
        lifecycle.start_revision(session, job, {}, base=1)


def first_look(services: Services, job_id: str, *, after: int = 0) -> Look:
    with services.sessions.read() as session:
        found = look(session, job_id, after=after)
    assert found is not None
    return found


async def gather(hub: Hub, services: Services, job_id: str, *, after: int = 0) -> tuple[list[int], End | None]:
    """Follow to the end; the numbers in the order in which they came."""
    seen = await asyncio.to_thread(first_look, services, job_id, after=after)
    with hub.follow(job_id, seen, after=after) as follower:
        numbers = [message.seq async for messages in follower for message in messages]
        return numbers, follower.end


@asynccontextmanager
async def open_hub(services: Services, **options: Any) -> AsyncIterator[Hub]:
    hub = Hub(services.sessions, **{"interval_s": 0.02, "heartbeat_s": 5.0} | options)
    yield hub
    await hub.aclose()


async def until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


# ---------------------------------------------------------------------------------------------- order


def test_followers_who_come_at_any_time_get_all_events_once_while_many_write(services: Services) -> None:
    jobs = [new_job(services) for _ in range(4)]
    chance = random.Random(7)

    async def main() -> list[tuple[str, int, tuple[list[int], End | None]]]:
        async with open_hub(services) as hub, asyncio.timeout(60):
            writers = [asyncio.create_task(asyncio.to_thread(work_through, services, job, reports=12)) for job in jobs]
            asked: list[tuple[str, int, asyncio.Task[tuple[list[int], End | None]]]] = []
            while not all(writer.done() for writer in writers):
                job, after = chance.choice(jobs), chance.choice([0, 0, 1, 5, 20])
                asked.append((job, after, asyncio.create_task(gather(hub, services, job, after=after))))
                await asyncio.sleep(chance.uniform(0, 0.03))
            await asyncio.gather(*writers)
            asked += [(job, 0, asyncio.create_task(gather(hub, services, job))) for job in jobs]
            return [(job, after, await task) for job, after, task in asked]

    answers = asyncio.run(main())
    last = 1 + len(STEPS) * 14
    assert len(answers) > 10
    for _, after, (numbers, end) in answers:
        # A number that the log had not reached yet means: from here on
        assert numbers == list(range(numbers[0], last + 1)), after
        assert numbers[0] <= after + 1
        assert end is End.FINAL


def test_a_finished_job_is_told_and_ends(services: Services) -> None:
    job = new_job(services)
    work_through(services, job)

    async def main() -> None:
        async with open_hub(services) as hub, asyncio.timeout(10):
            numbers, end = await gather(hub, services, job)
            assert (numbers, end) == (list(range(1, 22)), End.FINAL)
            assert await gather(hub, services, job, after=21) == ([], End.FINAL)
            assert hub.count == 0

    asyncio.run(main())


def test_a_re_engraving_goes_on_where_the_transcription_ended(services: Services) -> None:
    job = new_job(services)
    work_through(services, job)
    engrave_again(services, job)

    async def main() -> tuple[list[int], list[int]]:
        async with open_hub(services) as hub, asyncio.timeout(10):
            going_on = asyncio.create_task(gather(hub, services, job, after=21))
            from_the_start = asyncio.create_task(gather(hub, services, job))
            await until(lambda: hub.count == 2)
            await asyncio.sleep(0.1)
            assert not going_on.done()
            assert not from_the_start.done()  # it has read a `completed`, and yet the job is at work
            held = await asyncio.to_thread(claim, services, job, STEPS[-1])
            await asyncio.to_thread(finish, services, held)
            return (await going_on)[0], (await from_the_start)[0]

    assert asyncio.run(main()) == ([22, 23, 24], list(range(1, 25)))


def test_a_log_that_grew_after_its_job_was_read_is_not_taken_for_ended() -> None:
    stale = Look(version=3, is_final=True)
    assert stale.ends_at(3)
    assert not stale.ends_at(5)


def test_long_histories_come_in_parts(services: Services) -> None:
    job, other = new_job(services), new_job(services)
    held = claim(services, job)
    for progress in range(8):
        report(services, held, progress)
    with services.sessions.read() as session:
        parts: list[int] = []
        while len(found := look_at(session, {job: parts[-1] if parts else 0, other: 1}, limit=3)[job].messages):
            assert len(found) <= 3
            parts += [message.seq for message in found]
    assert parts == list(range(1, 11))


# ---------------------------------------------------------------------------------------------- ends


def test_cancelling_and_deleting_end_the_stream(services: Services) -> None:
    cancelled, deleted = new_job(services), new_job(services)

    async def main() -> None:
        async with open_hub(services) as hub, asyncio.timeout(10):
            tasks = [asyncio.create_task(gather(hub, services, job)) for job in (cancelled, deleted)]
            await until(lambda: hub.count == 2)
            await asyncio.to_thread(cancel, services, cancelled)
            await asyncio.to_thread(remove, services, deleted)
            assert await tasks[0] == ([1, 2], End.FINAL)
            assert await tasks[1] == ([1], End.GONE)
            assert hub.count == 0

    asyncio.run(main())


def remove(services: Services, job_id: str) -> None:
    with services.sessions.write() as session:
        session.execute(delete(Job).where(Job.id == job_id))


def test_who_does_not_keep_up_is_sent_away_and_can_come_back(services: Services) -> None:
    job = new_job(services)
    held = claim(services, job)

    async def main() -> list[int]:
        async with open_hub(services, backlog=4) as hub, asyncio.timeout(20):
            seen = await asyncio.to_thread(first_look, services, job)
            with hub.follow(job, seen, after=0) as slow, hub.follow(job, seen, after=0) as quick:
                got = [message.seq for message in await anext(quick)]
                for progress in range(1, 8):
                    await asyncio.to_thread(report, services, held, progress)
                    while got[-1] != progress + 2:
                        got += [message.seq for message in await anext(quick)]
                assert got == list(range(1, 10))
                assert slow.end is End.SLOW
                with pytest.raises(StopAsyncIteration):
                    await anext(slow)
            await asyncio.to_thread(cancel, services, job)
            numbers, _ = await gather(hub, services, job, after=7)
            return numbers

    assert asyncio.run(main()) == [8, 9, 10]


def test_closing_ends_streams_and_refuses_new_ones(services: Services) -> None:
    job = new_job(services)

    async def main() -> None:
        async with open_hub(services) as hub, asyncio.timeout(5):
            task = asyncio.create_task(gather(hub, services, job))
            await until(lambda: hub.count == 1)
            hub.close()
            assert await task == ([1], End.CLOSING)
            assert await gather(hub, services, job) == ([1], End.CLOSING)

    asyncio.run(main())


def test_a_quiet_stream_gives_signs_of_life(services: Services) -> None:
    job = new_job(services)

    async def main() -> int:
        async with open_hub(services, heartbeat_s=0.1) as hub, asyncio.timeout(10):
            seen = await asyncio.to_thread(first_look, services, job)
            with hub.follow(job, seen, after=0) as follower:
                assert len(await anext(follower)) == 1
                begun = time.monotonic()
                assert [await anext(follower) for _ in range(3)] == [[], [], []]
                assert 0.25 < time.monotonic() - begun < 3
            return hub.count

    assert asyncio.run(main()) == 0


# ---------------------------------------------------------------------------------------------- the database


@contextmanager
def counted(sessions: Sessions) -> Any:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(sessions.engine, "before_cursor_execute", note)
    yield statements
    event.remove(sessions.engine, "before_cursor_execute", note)


def test_all_followers_share_one_question(services: Services) -> None:
    jobs = [new_job(services) for _ in range(5)]

    async def main() -> list[str]:
        async with open_hub(services, interval_s=0.1) as hub, asyncio.timeout(20):
            tasks = [asyncio.create_task(gather(hub, services, job)) for job in jobs * 20]
            await until(lambda: hub.count == 100)
            await asyncio.sleep(0.2)
            with counted(services.sessions) as statements:
                await asyncio.sleep(1.0)
                asked = [one for one in statements if one.startswith("SELECT")]
            hub.close()
            await asyncio.gather(*tasks)
            with counted(services.sessions) as statements:
                await asyncio.sleep(0.3)
                assert statements == []  # nobody follows, nobody asks
            return asked

    asked = asyncio.run(main())
    assert 3 <= len(asked) <= 11
    assert all("FROM jobs" in one for one in asked)


def test_streams_outlive_a_database_that_is_away(tmp_path: Path) -> None:
    with PostgresServer() as postgres:
        url = postgres.create_database("away")
        services = build(Settings.model_validate({"DATA_DIR": str(tmp_path), "DATABASE_URL": url}))
        migrations.upgrade(services.sessions)
        job = new_job(services)

        async def main() -> tuple[list[int], End | None]:
            async with open_hub(services) as hub, asyncio.timeout(60):
                task = asyncio.create_task(gather(hub, services, job))
                await until(lambda: hub.count == 1)
                await asyncio.to_thread(postgres.stop)
                await asyncio.sleep(0.5)
                assert not task.done()
                await asyncio.to_thread(postgres.start)
                await asyncio.to_thread(cancel, services, job)
                return await task

        assert asyncio.run(main()) == ([1, 2], End.FINAL)
        services.close()
