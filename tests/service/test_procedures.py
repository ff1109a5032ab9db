"""Every procedure of docs/DEVOPS.md, by the very commands that stand there, against real processes and servers."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import soundfile
from deployment import Backing
from manual import BLOCKS, Installation, everything, family, lives, production, remote
from receivers import announce, receiving
from servers import S3Server, wait_until
from songs import DEMO, enter, look, take_through
from sqlalchemy import select, text, update
from standardwebhooks import Webhook, WebhookVerificationError

from drumscribe.service import migrations
from drumscribe.service.database import open_database
from drumscribe.service.jobs.plan import HEAVY
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build

for _program in ("bash", "curl", "openssl", "setsid", "flock", "ps"):
    if shutil.which(_program) is None:
        pytest.skip(f"the commands of the manual use {_program}, which is not installed", allow_module_level=True)

WEIGHTS = Path(migrations.__file__).parents[2] / "weights"
PASSWORD = "the password of the first account"
KEY = r"\bds_live_[A-Za-z0-9]{43}\b"


@pytest.fixture(scope="module")
def store() -> Iterator[S3Server]:
    """A store of its own: these tests change its keys."""
    with S3Server() as server:
        yield server


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of the demo song."""
    samples, rate = soundfile.read(DEMO, frames=6 * 44_100, dtype="int16")
    path = tmp_path_factory.mktemp("song") / "clip.flac"
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def installation(backing: Backing, store: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Installed by the manual: its own role and database, files in a folder, a model of the operator's in a bucket."""
    backing.databases += 1
    role, folder = f"manual_{os.getpid()}", tmp_path_factory.mktemp("manual")
    backing.postgres.run("psql", "-qc", f"CREATE ROLE {role} LOGIN PASSWORD 'first-password'")
    backing.postgres.run("createdb", "--template", "template0", "--owner", role, role)
    url = f"postgresql+psycopg://{role}:first-password@127.0.0.1:{backing.postgres.port}/{role}"
    redis = backing.redis.url.removesuffix("/0") + f"/{backing.databases}"
    settings = production(folder, url, redis, store)
    made = Installation(folder / "drumscribe", settings, backing.postgres.programs)
    for kind in ("onnx", "json"):
        shutil.copy(WEIGHTS / f"drums-1.0.0.{kind}", made.folder / f"drums.{kind}")
    (made.folder / "password.txt").write_text(PASSWORD + "\n")
    try:
        made.run("publish-model", BUCKET=store.bucket, **remote("models", store))
        made.run("start")
        (made.key,) = set(re.findall(KEY, made.run("first-key")))
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def done(installation: Installation, song: Path) -> str:
    """A job that is completed."""
    job_id = installation.upload(song, title="Kept")
    installation.wait(job_id)
    return job_id


def attempts(services: Services, *jobs: str) -> set[int]:
    """How many steps were begun for each job; four, if every one was done once."""
    return {look(services, job_id).attempt for job_id in jobs}


# ---------------------------------------------------------------------------------------------- the page


def test_every_block_of_the_page_is_executed_here() -> None:
    used = set(re.findall(r'\.run\(\s*"([a-z0-9-]+)"', Path(__file__).read_text("utf-8")))
    assert set(BLOCKS) <= used


# ---------------------------------------------------------------------------------------------- queues and jobs


def test_queues_are_emptied_and_stuck_jobs_are_ended(installation: Installation, song: Path) -> None:
    installation.shell("scripts/part.sh stop celery-beat worker-default worker-heavy")
    with installation.services() as services:
        stuck, waits = (enter(services) for _ in range(2))
        with services.sessions.write() as session:
            old = datetime.now(UTC) - timedelta(minutes=31)
            session.execute(update(Job).where(Job.id.in_([stuck, waits])).values(updated_at=old))
            session.execute(update(Job).where(Job.id == stuck).values(status="predicting", step="predict_hits"))
        assert installation.run("stuck-job").split() == [stuck]
        job = look(services, stuck)
        assert (job.status, job.error_message) == ("failed", "Manual reset: worker lost")
        assert look(services, waits).status == "queued"

        unwanted = installation.upload(song)
        assert set(installation.run("stalled-queue-drop").split()) == {waits, unwanted}
        job = look(services, unwanted)
        assert (job.status, job.error_message) == ("failed", "Manual reset: the queue was emptied")

        jobs = [installation.upload(song) for _ in range(2)]
        for _ in range(5):  # of another installation, of jobs that are gone
            services.nudge("ingest_audio", str(uuid4()))
        assert services.queue.depth()["default"] == 7
        assert "default             0 messages      2 steps" in installation.run("stalled-queue")
        installation.shell("scripts/part.sh start celery-beat")
        installation.wait(*jobs)
        assert attempts(services, *jobs) == {4}


def test_files_without_a_job_disappear_and_others_stay(installation: Installation, done: str) -> None:
    artifacts = Path(installation.settings["DATA_DIR"]) / "artifacts"
    orphan = artifacts / str(uuid4()) / "1" / "original.wav"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(bytes(5000))
    hours_ago = time.time() - 2 * 3600
    os.utime(orphan, (hours_ago, hours_ago))
    kept = sorted(artifacts.glob(f"{done}/*/*"))
    assert str(artifacts) in installation.run("orphaned-artifacts")
    wait_until(lambda: not orphan.parent.parent.exists(), seconds=30, what="the folder of no job is deleted")
    assert sorted(artifacts.glob(f"{done}/*/*")) == kept != []


# ---------------------------------------------------------------------------------------------- models


def test_a_damaged_model_is_fetched_anew(installation: Installation) -> None:
    (cached,) = Path(installation.settings["MODEL_CACHE_DIR"]).glob("drums/v1.0.0/drums.onnx")
    good = (WEIGHTS / "drums-1.0.0.onnx").read_bytes()
    assert cached.read_bytes() == good, "the first worker has fetched it"
    cached.write_bytes(good[:-1000] + bytes(1000))
    installation.run("model-cache")
    assert cached.read_bytes() == good


def test_a_worker_without_a_cache_fetches_and_starts(installation: Installation, song: Path) -> None:
    (cached,) = Path(installation.settings["MODEL_CACHE_DIR"]).glob("drums/v1.0.0/drums.onnx")
    installation.run("cold-start")
    job_id = installation.upload(song)
    installation.wait(job_id)
    assert cached.exists()


# ---------------------------------------------------------------------------------------------- workers


def test_more_workers_and_fewer_again_lose_nothing(installation: Installation, song: Path) -> None:
    installation.run("scale-up")
    second = installation.folder / "run" / "worker-heavy-2.log"
    wait_until(lambda: "model_preloaded" in second.read_text(), seconds=60, what="the second worker has its networks")
    jobs = [installation.upload(song) for _ in range(3)]
    installation.wait(jobs[0])
    pids = [installation.pid(part) for part in ("worker-default-2", "worker-heavy-2")]
    installation.run("scale-down")
    assert not any(map(family, pids))
    installation.wait(*jobs)
    with installation.services() as services:
        assert attempts(services, *jobs) == {4}
    assert '"step_completed"' in second.read_text()


def test_a_drained_worker_finishes_its_step_and_takes_no_more(installation: Installation) -> None:
    with installation.services() as services:
        jobs = [enter(services) for _ in range(2)]
        for job_id in jobs:
            services.nudge("ingest_audio", job_id)

        def listening() -> list[str]:
            rows = select(Job.id).where(Job.status == "predicting", Job.leased_by.is_not(None))
            with services.sessions.read() as session:
                return list(session.scalars(rows))

        wait_until(lambda: bool(listening()), seconds=60, what="a worker listens")
        pid = installation.pid("worker-heavy")
        assert "worker-heavy stopped" in installation.run("drain")
        assert family(pid) == []
        assert listening() == []
        installation.shell("scripts/part.sh start worker-heavy")
        wait_until(lambda: {look(services, j).status for j in jobs} == {"completed"}, seconds=90, what="all are completed")
        assert attempts(services, *jobs) == {4}  # no step was broken off


def test_a_worker_pauses_and_goes_on(installation: Installation, song: Path) -> None:
    assert "- empty -" in installation.run("pause")
    job_id = installation.upload(song)
    with installation.services() as services:
        wait_until(lambda: services.queue.depth()[HEAVY] > 0, seconds=30, what="a message waits for a worker of heavy-compute")
        assert look(services, job_id).leased_by is None
        installation.run("go-on")
        installation.wait(job_id)


@pytest.mark.parametrize("part", ["worker-heavy", "api"])
def test_what_does_not_answer_is_replaced(installation: Installation, song: Path, part: str) -> None:
    job_id = installation.upload(song)
    old = family(installation.pid(part))
    for process in old:
        process.suspend()
    if part == "api":
        installation.run("incident-api")
    else:
        installation.run("incident-worker")
    wait_until(lambda: not any(map(lives, old)), seconds=20, what="the old one and its children are dead")
    installation.wait_until_ready()
    installation.wait(job_id)


# ---------------------------------------------------------------------------------------------- copies, versions


def test_all_that_was_lost_comes_back_bit_for_bit(installation: Installation, done: str, tmp_path: Path) -> None:
    with installation.client() as client:
        pdf = client.get(f"api/v1/jobs/{done}/download/pdf").raise_for_status().content
    old = tmp_path / "20200101T000000Z"
    old.mkdir()
    os.utime(old, (0, 0))
    copy = Path(installation.run("backup", BACKUPS=str(tmp_path)).strip())
    assert [path.name for path in tmp_path.iterdir()] == [copy.name], "copies older than a week are gone"
    installation.shell("scripts/part.sh stop worker-default worker-heavy celery-beat api")
    with installation.services() as services:
        before = everything(services)

    refused = installation.attempt(f"scripts/backup.sh restore {copy}")
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    shutil.rmtree(Path(installation.settings["DATA_DIR"]) / "artifacts")
    with installation.services() as services:
        with services.sessions.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        services.queue.purge()

    installation.run("restore", COPY=str(copy))
    with installation.services() as services:
        after = everything(services)
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert after.keys() == before.keys()
    installation.wait_until_ready()
    with installation.client() as client:
        assert client.get(f"api/v1/jobs/{done}/download/pdf").raise_for_status().content == pdf
        assert client.get(f"api/v1/jobs/{done}").json()["title"] == "Kept"
    running = installation.attempt(f"scripts/backup.sh restore --replace {copy}")
    assert (running.returncode, "still runs" in running.stderr) == (1, True)


def test_a_copy_that_is_not_whole_is_none(installation: Installation, done: str, tmp_path: Path) -> None:
    score = next((Path(installation.settings["DATA_DIR"]) / "artifacts").glob(f"{done}/1/sheet_music.pdf"))
    score.rename(tmp_path / "elsewhere.pdf")
    copies = tmp_path / "copies"
    failed = installation.attempt(f"scripts/backup.sh save {copies}")
    assert (failed.returncode, "1 files that the rows name are not there" in failed.stderr) == (1, True), failed.stderr
    assert list(copies.iterdir()) == []
    (tmp_path / "elsewhere.pdf").rename(score)
    elsewhere = f"sed s/first-password/wrong/ .env >{tmp_path}/.env; scripts=$PWD/scripts; cd {tmp_path}"
    away = installation.attempt(f"{elsewhere}; $scripts/backup.sh save {copies}")
    assert away.returncode == 1
    assert list(copies.iterdir()) == []
    copy = Path(installation.shell(f"scripts/backup.sh save {copies}").strip())
    installation.shell(f"scripts/backup.sh check {copy}")
    with (copy / "files.tar").open("r+b") as file:
        file.seek(600)
        file.write(b"damage")
    assert installation.attempt(f"scripts/backup.sh check {copy}").returncode == 1
    assert installation.attempt(f"scripts/backup.sh restore --replace {copy}").returncode == 1
    assert installation.attempt("scripts/backup.sh restore").returncode == 2


def test_a_version_goes_and_comes(installation: Installation, done: str, tmp_path: Path) -> None:
    installation.run("rollback", REVISION="0002")
    with installation.services() as services:
        assert migrations.current(services.sessions) == "0002"
    installation.run("upgrade", BACKUPS=str(tmp_path))
    installation.wait_until_ready()
    with installation.services() as services:
        assert migrations.current(services.sessions) == migrations.newest()
    with installation.client() as client:
        assert client.get(f"api/v1/jobs/{done}/download/musicxml").status_code == 200


# ---------------------------------------------------------------------------------------------- secrets


def test_an_old_key_opens_nothing(installation: Installation) -> None:
    old = json.loads(installation.shell("drumscribe admin create-key --name importer --json"))
    with installation.client(old["key"]) as client:
        assert client.get("api/v1/jobs").status_code == 200
        said = installation.run("rotate-key", OLD=old["id"])
        assert client.get("api/v1/jobs").status_code == 401
    (new,) = set(re.findall(KEY, said))
    with installation.client(new) as client:
        assert client.get("api/v1/jobs").status_code == 200


def test_old_secrets_are_refused_and_new_ones_work(installation: Installation, store: S3Server, song: Path) -> None:
    """Of tokens, webhooks, the store and the database, one after the other, without waiting for the restarts between."""
    old = installation.settings
    with installation.client("none") as client:
        account = {"email": "you@example.org", "password": PASSWORD}
        session = client.post("api/v1/auth/login", json=account).raise_for_status().json()
    with installation.client(session["access_token"]) as client:
        assert client.get("api/v1/jobs").status_code == 200
    store.access_key_id, store.secret_access_key = "NEW" + "A" * 13, "b" * 32
    store.restart()
    refused = installation.attempt("find $MODEL_CACHE_DIR -mindepth 1 -delete; scripts/download_models.sh")
    assert "refused" in refused.stderr, "the old keys still open the store"

    with receiving() as receiver:
        installation.shell(f"sed -i 's|^WEBHOOK_ALLOWED_ENDPOINTS=.*|WEBHOOK_ALLOWED_ENDPOINTS={receiver.endpoint}|' .env")
        installation.run("rotate-jwt")
        installation.run("rotate-webhook")
        installation.run("rotate-s3", NEW_ID=store.access_key_id, NEW_SECRET=store.secret_access_key)
        installation.run("rotate-database")
        new = installation.settings
        changed = {"JWT_SECRET", "WEBHOOK_SECRET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "DATABASE_URL"}
        assert {name for name in new if new[name] != old[name]} == {*changed, "WEBHOOK_ALLOWED_ENDPOINTS"}
        installation.wait_until_ready()
        with installation.services() as services:
            announce(services, receiver.url, owner="ip:192.0.2.7")
        wait_until(lambda: bool(receiver.received), seconds=60, what="the message arrives")

    (request,) = receiver.received
    Webhook(new["WEBHOOK_SECRET"]).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old["WEBHOOK_SECRET"]).verify(request.body, request.headers)
    with installation.client(session["access_token"]) as client:
        assert client.get("api/v1/jobs").status_code == 401
        said = {"refresh_token": session["refresh_token"]}
        renewed = client.post("api/v1/auth/refresh", json=said).raise_for_status().json()
    with installation.client(renewed["access_token"]) as client:
        assert client.get("api/v1/jobs").status_code == 200
    refused = installation.attempt(f"psql -c 'SELECT 1' '{old['DATABASE_URL'].replace('+psycopg', '')}'")
    assert "password authentication failed" in refused.stderr
    installation.wait(installation.upload(song))
    assert list(Path(new["MODEL_CACHE_DIR"]).glob("drums/v1.0.0/drums.onnx"))


# ---------------------------------------------------------------------------------------------- other places of rows and files


def test_files_in_a_bucket_come_back_with_their_rows(backing: Backing, store: S3Server, tmp_path: Path) -> None:
    settings = backing.environment(backing.new_database(), prefix="artifacts") | {
        "S3_BUCKET": store.bucket,
        "S3_ENDPOINT_URL": store.url,
        "S3_ACCESS_KEY_ID": store.access_key_id,
        "S3_SECRET_ACCESS_KEY": store.secret_access_key,
        "DATA_DIR": str(tmp_path / "data"),
    }
    made = Installation(tmp_path / "drumscribe", settings, backing.postgres.programs)
    made.shell("drumscribe migrate")
    with made.services() as services:
        take_through(services, enter(services), until="separate_drums")
        before = everything(services)
    copy = made.run("backup-bucket", BACKUPS=str(tmp_path / "copies"), **remote("files", store)).split()[0]
    with made.services() as services:
        for job_id in list(services.storage.iter_job_ids()):
            services.storage.delete_job_artifacts(job_id)
        with services.sessions.engine.begin() as connection:
            connection.execute(text("TRUNCATE jobs CASCADE"))
    made.run("restore-bucket", BACKUPS=str(tmp_path / "copies"), COPY=copy, **remote("files", store))
    with made.services() as services:
        assert everything(services) == before


def test_an_embedded_installation_is_backed_up_while_it_is_used(backing: Backing, tmp_path: Path) -> None:
    made = Installation(tmp_path / "drumscribe", {"DATA_DIR": str(tmp_path / "data")}, backing.postgres.programs)
    sessions = open_database(f"sqlite:///{tmp_path / 'data' / 'drumscribe.db'}")
    migrations.upgrade(sessions)
    sessions.close()
    services = build(Settings.model_validate(made.settings))
    take_through(services, enter(services), until="separate_drums")
    before = everything(services)
    copy = made.shell(f"scripts/backup.sh save {tmp_path / 'copies'}").strip()
    services.close()
    shutil.rmtree(tmp_path / "data")
    made.shell(f"scripts/backup.sh restore {copy}")
    with made.services() as services:
        assert everything(services) == before
    assert made.attempt(f"scripts/backup.sh restore {copy}").returncode == 1
    made.shell(f"scripts/backup.sh restore --replace {copy}")
