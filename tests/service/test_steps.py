"""What the four steps make of a song, in both modes."""

from __future__ import annotations

import io
import json
import time
import wave
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from songs import DEMO, engrave_again, enter, look, take_through
from sqlalchemy import create_engine, select

from drumscribe.audio import load_audio, save_lossless
from drumscribe.outputs import OUTPUTS
from drumscribe.pipeline import transcribe
from drumscribe.service.database import Sessions, db_seconds
from drumscribe.service.jobs import actions
from drumscribe.service.jobs.schemas import RevisionCreate
from drumscribe.service.settings import Settings
from drumscribe.service.steps import run_step
from drumscribe.service.steps.transcribe import NAMES
from drumscribe.service.tables import Artifact, Event, Job, Revision
from drumscribe.service.users.identity import Caller
from drumscribe.service.wiring import Services, build
from drumscribe.types import Audio


def wav(seconds: float, level: float = 0.3) -> bytes:
    samples = level * np.random.default_rng(1).normal(0, 1, int(seconds * 44_100))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def result(services: Services, job_id: str, revision: int = 1) -> dict[str, Any]:
    return json.loads(services.storage.read_file(job_id, revision, "result.json"))


def entered(services: Services, job_id: str, revision: int = 1) -> dict[str, Artifact]:
    with services.sessions.read() as session:
        rows = session.scalars(select(Artifact).where(Artifact.job_id == job_id, Artifact.revision == revision))
        return {row.name: row for row in rows}


def test_a_song_goes_from_upload_to_score_as_on_the_command_line(services: Services) -> None:
    job_id = enter(services)
    job = take_through(services, job_id)
    assert (job.status, job.progress, job.revision, job.error_code) == ("completed", 100, 1, None)
    alone = transcribe(DEMO)
    heard = result(services, job_id)
    assert [(hit["time"], hit["instrument"]) for hit in heard["hits"]] == [(round(h.time, 4), str(h.drum)) for h in alone.hits]
    assert (job.title, job.duration_seconds, job.sample_rate) == ("Demo Song", 30.0, 44_100)
    assert job.detected_bpm == pytest.approx(alone.bpm, abs=0.01)
    assert job.model_version == ", ".join(alone.models)
    assert job.hit_summary == heard["hit_summary"]
    assert sum(heard["hit_summary"].values()) == len(heard["hits"])
    assert 0 < heard["confidence_score"] <= 1
    assert heard["time_signature"] == "4/4"
    assert all(0 <= hit["velocity"] <= 1 and 0 <= hit["confidence"] <= 1 for hit in heard["hits"])
    assert {hit["instrument"] for hit in heard["hits"]} <= set(heard["vocabulary"])


def test_every_format_lies_in_the_storage_and_is_entered(services: Services) -> None:
    job_id = enter(services)
    take_through(services, job_id)
    rows = entered(services, job_id)
    stored = {file.name: file.size for file in services.storage.list_job_files(job_id)}
    assert {name: row.size for name, row in rows.items()} == stored
    assert {row.format for row in rows.values()} == {*OUTPUTS, "original", "audio", None}
    assert set(NAMES.values()) <= set(rows)
    assert {row.kind for name, row in rows.items() if name in ("original.flac", "audio.flac")} == {"input"}
    with zipfile.ZipFile(io.BytesIO(services.storage.read_file(job_id, 1, "pages.svg.zip"))) as pages:
        assert pages.namelist()[0] == "page-1.svg"
        assert pages.read("page-1.svg") == services.storage.read_file(job_id, 1, "page-1.svg")


def test_the_same_song_gives_the_same_bytes(services: Services) -> None:
    first, second = (enter(services) for _ in range(2))
    for job_id in (first, second):
        take_through(services, job_id)
    for name in entered(services, first):
        assert services.storage.read_file(first, 1, name) == services.storage.read_file(second, 1, name), name


def test_the_sound_is_kept_as_it_was_decoded(tmp_path: Path) -> None:
    loud = Audio(1.7 * load_audio(DEMO).samples / np.abs(load_audio(DEMO).samples).max(), 44_100)
    save_lossless(loud, tmp_path / "kept.flac", gain=1 / 1.7)
    kept = load_audio(tmp_path / "kept.flac")
    assert np.abs(kept.samples * np.float32(1.7) - loud.samples).max() < 1.7 * 2**-23
    direct, again = transcribe(loud), transcribe(tmp_path / "kept.flac")
    assert [(round(h.time, 4), h.drum, h.velocity) for h in direct.hits] == [
        (round(h.time, 4), h.drum, h.velocity) for h in again.hits
    ]


def test_a_score_is_written_anew_without_sound_or_network(services: Services) -> None:
    job_id = enter(services)
    take_through(services, job_id)
    services.storage.delete_job_artifacts(job_id, names={"original.flac", "audio.flac"})
    before = look(services, job_id)
    job = engrave_again(services, job_id, title="Another", bpm=before.detected_bpm and round(before.detected_bpm / 2), voices=1)
    assert (job.status, job.revision, job.title) == ("completed", 2, "Another")
    first, second = result(services, job_id), result(services, job_id, 2)
    assert second["hits"] == first["hits"]
    assert second["bpm"] == pytest.approx(first["bpm"] / 2, rel=0.02)
    assert (job.bpm, job.detected_bpm) == (round(first["bpm"] / 2), before.detected_bpm)
    assert second["title"] == "Another"
    assert "performance.json" in entered(services, job_id, 2)
    assert "picture.png" in entered(services, job_id, 2)


def test_a_revision_starts_from_the_one_it_names(services: Services) -> None:
    job_id = enter(services)
    take_through(services, job_id)
    engrave_again(services, job_id, octave="half")
    engrave_again(services, job_id, base=2, octave="half", title="As before")
    assert result(services, job_id, 3)["beats"] == result(services, job_id, 2)["beats"]
    engrave_again(services, job_id, base=3, octave="")
    assert result(services, job_id, 4)["beats"] == result(services, job_id)["beats"]


def rename(services: Services, job_id: str, title: str) -> None:
    with services.sessions.write() as session:
        actions.rename(session, session.get_one(Job, job_id), title)


def test_a_name_given_while_the_song_is_read_is_kept(services: Services) -> None:
    job_id = enter(services)
    run_step("ingest_audio", job_id, services, stopping=lambda: rename(services, job_id, "Mine") is not None)
    job = look(services, job_id)
    assert (job.step, job.title) == ("separate_drums", "Mine")


def test_a_re_engraving_prints_what_the_job_is_called_and_does_not_rename_it(services: Services) -> None:
    job_id = enter(services, title="As sent")
    take_through(services, job_id)
    rename(services, job_id, "Mine")
    caller = Caller("ip:127.0.0.1", None, frozenset(), False, 0, True)
    with services.sessions.write() as session:
        wanted = RevisionCreate.model_validate({"base_revision": 1, "voices": 1})
        actions.start_revision(session, services.settings, caller, session.get_one(Job, job_id), wanted)
    run_step("transcribe_and_export", job_id, services, stopping=lambda: rename(services, job_id, "Later") is not None)
    job = look(services, job_id)
    assert (job.status, job.revision, job.title) == ("completed", 2, "Later")
    assert result(services, job_id, 2)["title"] == "Mine"


def test_a_lease_is_kept_although_no_connection_was_free_for_a_while(settings: Settings) -> None:
    hasty = settings.model_copy(update={"JOB_LEASE_SECONDS": 0.9})
    sessions = Sessions(create_engine(hasty.database_url, pool_size=2, max_overflow=0, pool_timeout=0.1))
    services = replace(build(hasty), sessions=sessions)
    job_id = enter(services)
    left: list[float] = []

    def use_up_all_connections() -> bool:
        if not left:
            with sessions.engine.connect(), sessions.engine.connect():
                time.sleep(1.2)
            time.sleep(0.8)
            with sessions.read() as session:
                left.append(session.scalar(select(Job.leased_until - db_seconds()).where(Job.id == job_id)) or 0.0)
        return False

    run_step("ingest_audio", job_id, services, stopping=use_up_all_connections)
    assert left[0] > 0
    assert look(services, job_id).step == "separate_drums"
    services.close()


def test_what_was_asked_for_is_told_apart_from_what_was_found(services: Services) -> None:
    plain, told = enter(services), enter(services, bpm=56, title="Slow")
    found = take_through(services, plain)
    job = take_through(services, told)
    assert (job.bpm, job.title, job.detected_bpm) == (56, "Slow", found.detected_bpm)
    assert result(services, told)["bpm"] == pytest.approx(56, rel=0.05)


@pytest.mark.parametrize(
    ("song", "filename", "code"),
    [
        (b"this is no song, " * 400, "notes.mp3", "unreadable_audio"),
        (wav(2.0), "short.wav", "audio_too_short"),
        (wav(6.0, level=0.0), "quiet.wav", "silent_audio"),
    ],
)
def test_a_file_that_cannot_be_used_ends_its_job_with_the_reason(
    services: Services, song: bytes, filename: str, code: str
) -> None:
    job = take_through(services, enter(services, song, filename=filename))
    assert (job.status, job.error_code, job.error_stage, job.error_retryable) == ("failed", code, "ingest", False)
    assert job.error_message is not None
    assert filename in job.error_message


def test_a_step_that_was_done_is_not_done_again(services: Services) -> None:
    job_id = enter(services)
    take_through(services, job_id)
    seen = look(services, job_id).version
    for step in ("ingest_audio", "separate_drums", "predict_hits", "transcribe_and_export"):
        assert run_step(step, job_id, services) is False
    assert look(services, job_id).version == seen


@pytest.mark.parametrize("step", ["ingest_audio", "predict_hits", "transcribe_and_export"])
def test_an_attempt_that_died_after_saving_is_carried_on(services: Services, step: str) -> None:
    whole = enter(services)
    take_through(services, whole)
    job_id = enter(services)
    take_through(services, job_id, until=step)
    kept = {
        "ingest_audio": ["audio.flac"],
        "predict_hits": ["listening.npz"],
        "transcribe_and_export": ["hits.json", "sheet_music.pdf"],
    }
    for name in kept[step]:
        services.storage.save_file(job_id, 1, name, services.storage.read_file(whole, 1, name))
    job = take_through(services, job_id)
    assert job.status == "completed"
    assert result(services, job_id) == result(services, whole)
    assert set(entered(services, job_id)) == set(entered(services, whole))


def test_events_are_numbered_without_a_gap_and_progress_only_grows(services: Services) -> None:
    job_id = enter(services)
    job = take_through(services, job_id)
    with services.sessions.read() as session:
        events = session.scalars(select(Event).where(Event.job_id == job_id).order_by(Event.seq)).all()
    assert [event.seq for event in events] == list(range(1, job.version + 1))
    progress = [event.data["progress"] for event in events]
    assert progress == sorted(progress)


def test_without_a_pdf_the_rest_is_there_and_says_so(services: Services, settings: Settings) -> None:
    crippled = replace(services, settings=settings.model_copy(update={"PDF_BACKEND": "none"}))
    job = take_through(crippled, enter(services))
    assert job.status == "completed"
    assert [warning["code"] for warning in job.warnings or []] == ["pdf_not_written"]
    assert "sheet_music.pdf" not in entered(services, job.id)
    assert "sheet_music.musicxml" in entered(services, job.id)


def test_a_job_cancelled_while_it_runs_leaves_no_result(services: Services) -> None:
    from drumscribe.service.jobs import lifecycle
    from drumscribe.service.tables import Job

    job_id = enter(services)
    take_through(services, job_id, until="transcribe_and_export")
    with services.sessions.write() as session:
        lifecycle.cancel(session, session.get_one(Job, job_id))
    job = take_through(services, job_id)
    assert job.status == "cancelled"
    with services.sessions.read() as session:
        assert session.get_one(Revision, (job_id, 1)).finished_at is None
