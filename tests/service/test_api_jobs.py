"""Jobs over HTTP, in both ways to run."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from api_server import RunningApi, running_api, wav_bytes
from drumscribe.service.tables import Event, Job
from drumscribe.service.wiring import Services

SONG = wav_bytes()


@pytest.fixture
def api(services: Services) -> Iterator[RunningApi]:
    with running_api(services) as running:
        yield running


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


def upload(client: httpx.Client, name: str = "Song.wav", content: bytes = SONG, **more: str) -> httpx.Response:
    return client.post("jobs", files={"file": (name, content, "audio/wav")}, data=more)


def test_an_upload_becomes_a_queued_job_whose_recording_is_kept(client: httpx.Client, services: Services) -> None:
    answer = upload(client, title="Mine", bpm="120.5", voices="1", similes="true", model="default")
    assert answer.status_code == 202, answer.text
    job_id = answer.json()["job_id"]
    assert answer.json()["status"] == "queued"
    assert answer.headers["location"] == f"/api/v1/jobs/{job_id}"
    assert services.storage.read_file(job_id, 1, "original.wav") == SONG
    status = client.get(f"jobs/{job_id}").json()
    assert status["id"] == status["job_id"] == job_id
    assert (status["title"], status["bpm"], status["original_filename"]) == ("Mine", 120.5, "Song.wav")
    assert (status["status"], status["progress"], status["queue_position"]) == ("queued", 0, 1)
    with services.sessions.read() as session:
        job = session.scalars(select(Job)).one()
        assert (job.step, job.options["voices"], job.options["similes"], job.input_size) == ("ingest_audio", 1, True, len(SONG))
        assert session.scalar(select(func.count()).select_from(Event)) == 1


def test_an_unknown_job_is_a_problem(client: httpx.Client) -> None:
    answer = client.get(f"jobs/{uuid4()}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "job_not_found"
    assert problem["status"] == 404
    assert problem["retryable"] is False
    assert problem["instance"].startswith("/api/v1/jobs/")
