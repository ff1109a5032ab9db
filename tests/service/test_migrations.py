"""The schema: made, taken back and made again on both databases, always the same as the tables in the code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from deployment import DISTRIBUTED
from sqlalchemy import inspect, select, text, update

from drumscribe.service import migrations
from drumscribe.service.database import Sessions, db_now, db_seconds, open_database
from drumscribe.service.tables import Base, Revision, User


@pytest.fixture
def sessions(mode: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Sessions]:
    """An empty database."""
    in_folder = f"sqlite:///{tmp_path / 'empty.db'}"
    opened = open_database(request.getfixturevalue("backing").new_database() if mode == DISTRIBUTED else in_folder)
    yield opened
    opened.close()


def tables(sessions: Sessions) -> set[str]:
    return set(inspect(sessions.engine).get_table_names()) - {"alembic_version"}


def test_migrations_lead_to_the_tables_of_the_code(sessions: Sessions) -> None:
    assert migrations.current(sessions) is None
    migrations.upgrade(sessions)
    assert migrations.current(sessions) == migrations.newest()
    with sessions.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_migration_can_be_taken_back_and_made_again(sessions: Sessions) -> None:
    migrations.upgrade(sessions)
    made = tables(sessions)
    migrations.downgrade(sessions, "base")
    assert tables(sessions) == set()
    migrations.upgrade(sessions)
    assert tables(sessions) == made


def test_revisions_outlive_the_columns_of_corrections(sessions: Sessions) -> None:
    migrations.upgrade(sessions, "0001")
    job = {
        "id": "1", "status": "completed", "progress": 100, "input_type": "upload", "title": "", "model": "default",
        "options": "{}", "priority": 0, "user_identifier": "ip:1", "bpm_unreliable": False, "compute_time_ms": 0,
        "revision": 1, "working_on": 1, "attempt": 1, "tries": 1, "available_at": 0.0, "version": 1,
    }  # fmt: skip
    names = ", ".join(job)
    values = ", ".join(f":{name}" for name in job)
    with sessions.engine.begin() as connection:
        now = "CURRENT_TIMESTAMP"
        connection.execute(text(f"INSERT INTO jobs ({names}, created_at, updated_at) VALUES ({values}, {now}, {now})"), job)
        connection.execute(
            text(
                f"INSERT INTO revisions (job_id, number, status, options, created_at) VALUES ('1', 1, 'completed', '{{}}', {now})"
            )
        )
    migrations.upgrade(sessions)
    with sessions.write() as session:
        assert session.execute(select(Revision.edit_count, Revision.edits)).one() == (0, None)
        session.execute(update(Revision).values(edit_count=1, edits=[{"op": "confirm"}]))
    with sessions.read() as session:
        assert session.scalars(select(Revision.edits)).one() == [{"op": "confirm"}]
    migrations.downgrade(sessions, "0001")
    with sessions.engine.connect() as connection:
        assert connection.execute(text("SELECT number, status FROM revisions")).one() == (1, "completed")


def test_replicas_that_start_together_migrate_once(sessions: Sessions) -> None:
    wrong: list[BaseException] = []

    def migrate() -> None:
        try:
            migrations.upgrade(sessions)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert migrations.current(sessions) == migrations.newest()


def test_a_migration_that_breaks_off_leaves_nothing(sessions: Sessions) -> None:
    with sessions.engine.begin() as connection:
        connection.execute(text("CREATE TABLE webhook_attempts (id INTEGER)"))  # in the way of one that is made late
    with pytest.raises(Exception, match="webhook_attempts"):
        migrations.upgrade(sessions)
    assert tables(sessions) == {"webhook_attempts"}


def test_instants_come_back_as_they_were_whatever_their_zone(sessions: Sessions) -> None:
    migrations.upgrade(sessions)
    there = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=-5)))
    with sessions.write() as session:
        session.add(User(id="1", created_at=there))
    with sessions.read() as session:
        found = session.get_one(User, "1").created_at
    assert found == there
    assert found.tzinfo == UTC


def test_the_databases_clock_tells_the_time(sessions: Sessions) -> None:
    with sessions.read() as session:
        instant, seconds = session.execute(select(db_now(), db_seconds())).one()
    assert abs((instant - datetime.now(UTC)).total_seconds()) < 5
    assert abs(instant.timestamp() - seconds) < 1


def test_a_naive_instant_is_refused(sessions: Sessions) -> None:
    migrations.upgrade(sessions)
    naive = select(User).where(User.created_at < datetime(2026, 3, 1))
    with sessions.read() as session, pytest.raises(Exception, match="time zone"):
        session.execute(naive)
