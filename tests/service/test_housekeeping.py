"""What is deleted when, and what stays; in both modes."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from deployment import DISTRIBUTED
from songs import enter, look
from sqlalchemy import func, select

from drumscribe.service import cleanup
from drumscribe.service.cleanup import clean_up
from drumscribe.service.housekeeping import cleanup_old_artifacts, sweep
from drumscribe.service.jobs.actions import remove
from drumscribe.service.steps import run_step
from drumscribe.service.tables import Artifact, Event, IdempotencyKey, Job, Revision, WebhookMessage
from drumscribe.service.wiring import Services

INPUTS = {"original.flac": "input", "audio.flac": "input", "drums.wav": "stem"}
RESULTS = {"hits.json": "result", "result.json": "internal", "listening.npz": "internal"}


def ended(services: Services, *, hours: float, status: str = "completed", **changes: Any) -> str:
    """A job that ended so many hours ago, with files and rows of every kind."""
    job_id = enter(services, b"fLaC", **changes)
    for name in (INPUTS | RESULTS).keys() - {"original.flac"}:
        services.storage.save_file(job_id, 1, name, b"content")
    with services.sessions.write() as session:
        job = session.get_one(Job, job_id)
        job.status, job.step, job.revision, job.finished_at = status, None, 1, datetime.now(UTC) - timedelta(hours=hours)
        for name, kind in (INPUTS | RESULTS).items():
            session.add(Artifact(job_id=job_id, revision=1, name=name, kind=kind, content_type="text/plain", size=7))
        session.add(IdempotencyKey(owner=job.user_identifier, key=job_id, fingerprint="0" * 64, job_id=job_id))
    return job_id


def files(services: Services, job_id: str) -> set[str]:
    return {file.name for file in services.storage.list_job_files(job_id)}


def entered(services: Services, job_id: str) -> set[str]:
    with services.sessions.read() as session:
        return set(session.scalars(select(Artifact.name).where(Artifact.job_id == job_id)))


def exists(services: Services, job_id: str) -> bool:
    with services.sessions.read() as session:
        return session.get(Job, job_id) is not None


def test_recordings_go_first_and_results_stay_as_long_as_their_owner_may_keep_them(services: Services) -> None:
    young = ended(services, hours=23)
    account = ended(services, hours=25)
    with services.sessions.write() as session:
        session.get_one(Job, account).user_identifier = "key:42"
    cleaned = clean_up(services)
    assert (cleaned.inputs, cleaned.results, cleaned.jobs) == (1, 0, 0)
    assert files(services, young) == entered(services, young) == set(INPUTS | RESULTS)
    assert files(services, account) == entered(services, account) == set(RESULTS)
    assert look(services, account).status == "completed"
    assert look(services, account).inputs_purged_at is not None


def test_a_result_that_has_had_its_time_expires_and_says_so(services: Services) -> None:
    job_id = ended(services, hours=25)
    assert clean_up(services).results == 1
    job = look(services, job_id)
    assert (job.status, files(services, job_id), entered(services, job_id)) == ("expired", set(), set())
    assert job.results_purged_at is not None
    with services.sessions.read() as session:
        last = session.scalars(select(Event).where(Event.job_id == job_id).order_by(Event.seq.desc()).limit(1)).one()
    assert (last.seq, last.type, last.data["status"]) == (job.version, "status", "expired")


def test_every_download_of_a_link_goes_with_the_recordings_even_if_none_was_entered(services: Services) -> None:
    job_id = ended(services, hours=25, status="failed")
    for name in ("original.webm", "original.m4a"):  # of attempts that ended before they were closed
        services.storage.save_file(job_id, 1, name, b"sound")
    with services.sessions.write() as session:
        job = session.get_one(Job, job_id)
        job.user_identifier, job.input_name = "key:42", None
    assert clean_up(services).inputs == 1
    assert files(services, job_id) == set(RESULTS)


@pytest.mark.parametrize("status", ["queued", "completed", "failed"])
def test_what_a_worker_saved_of_a_deleted_job_goes_long_before_its_row(services: Services, status: str) -> None:
    job_id = ended(services, hours=0, status=status)
    with services.sessions.write() as session:
        remove(session, session.get_one(Job, job_id))
    services.storage.delete_job_artifacts(job_id)
    services.storage.save_file(job_id, 1, "audio.flac", b"a worker that has not heard of it yet")
    assert clean_up(services).total == 0
    with services.sessions.write() as session:
        job = session.get_one(Job, job_id)
        job.user_identifier, job.deleted_at = "user:42", datetime.now(UTC) - timedelta(hours=2)
    clean_up(services)
    assert files(services, job_id) == set()
    assert exists(services, job_id)
    assert clean_up(services).total == 0


def test_scratch_folders_of_steps_that_were_killed_go_once_no_step_can_still_use_them(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: set[str] = set()

    def look_around() -> bool:
        seen.update(path.name for path in tmp_path.iterdir() if path.name.startswith("drumscribe-step-"))
        return False

    run_step("ingest_audio", enter(services), services, stopping=look_around)
    assert len(seen) == 1
    killed, young, other = (tmp_path / name for name in (*seen, "drumscribe-step-young", "drumscribe-other"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "drumscribe-step-link").symlink_to(tmp_path / "elsewhere")
    for folder in (killed, young, other):
        folder.mkdir()
        (folder / "audio.flac").write_bytes(b"fLaC")
    old = time.time() - services.settings.STEP_TIMEOUT_SECONDS - 3700
    for folder in (killed, other, tmp_path / "elsewhere"):
        os.utime(folder, (old, old))
    assert cleanup_old_artifacts(services).scratch == 1
    left = {path.name for path in tmp_path.iterdir()} - {"data"}
    assert left == {"drumscribe-step-young", "drumscribe-other", "drumscribe-step-link", "elsewhere"}


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_the_row_goes_last_with_all_that_hangs_on_it(services: Services, status: str) -> None:
    job_id = ended(services, hours=49, status=status)
    clean_up(services)
    assert not exists(services, job_id)
    assert files(services, job_id) == set()
    with services.sessions.read() as session:
        for table in (Event, Revision, Artifact, IdempotencyKey):
            assert session.scalar(select(func.count()).select_from(table).where(table.job_id == job_id)) == 0


def test_a_row_waits_for_the_message_about_it(services: Services) -> None:
    job_id = ended(services, hours=49, status="failed")
    with services.sessions.write() as session:
        session.add(
            WebhookMessage(id="msg_1", job_id=job_id, owner="ip:127.0.0.1", type="job.failed", url="https://x.test/", payload={})
        )
    clean_up(services)
    assert exists(services, job_id)
    with services.sessions.write() as session:
        session.get_one(WebhookMessage, "msg_1").status = "given_up"
    clean_up(services)
    assert not exists(services, job_id)


def test_a_job_that_runs_is_left_alone_however_old_it_is(services: Services) -> None:
    job_id = ended(services, hours=1000)
    with services.sessions.write() as session:
        job = session.get_one(Job, job_id)
        job.status, job.step = "queued", "transcribe_and_export"
    assert clean_up(services).total == 0
    assert files(services, job_id) == set(INPUTS | RESULTS)


def test_files_of_no_job_go_once_they_are_old(services: Services, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan, job_id = str(uuid4()), enter(services, b"fLaC")
    services.storage.save_file(orphan, 1, "original.wav", b"RIFF")
    assert clean_up(services).orphans == 0
    if mode == DISTRIBUTED:
        monkeypatch.setattr(cleanup, "ORPHANED_S", -60.0)  # the store's clock cannot be set back
    else:
        old = time.time() - 3700
        for path in (Path(services.settings.artifacts_dir) / orphan).rglob("*"):
            os.utime(path, (old, old))
    assert clean_up(services).orphans == 1
    assert files(services, orphan) == set()
    assert files(services, job_id) == {"original.flac"}


def test_more_than_a_batch_and_twice_at_once_leave_the_same(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(cleanup, "BATCH", 3)
    old = [ended(services, hours=25) for _ in range(8)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: cleanup_old_artifacts(services), range(2)))
    for job_id in old:
        job = look(services, job_id)
        assert (job.status, files(services, job_id)) == ("expired", set())
        with services.sessions.read() as session:
            seqs = session.scalars(select(Event.seq).where(Event.job_id == job_id).order_by(Event.seq)).all()
        assert list(seqs) == list(range(1, job.version + 1))
    assert clean_up(services).total == 0


def test_the_sweep_sends_what_was_never_sent(services: Services, mode: str) -> None:
    job_id = enter(services, b"fLaC")
    with services.sessions.write() as session:
        session.get_one(Job, job_id).sent_at = None
    assert sweep(services) == 1
    assert sum(services.queue.depth().values()) == (1 if mode == DISTRIBUTED else 0)
    assert sweep(services) == 0
