"""Jobs over HTTP, in both ways to run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from api_server import RunningApi, running_api, wav_bytes
from sqlalchemy import func, select

from drumscribe.service.settings import Settings
from drumscribe.service.tables import Artifact, Event, Job, Revision, Status
from drumscribe.service.wiring import Services, build

SONG = wav_bytes()


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Without limits: those have tests of their own."""
    built = build(settings.model_copy(update={"MAX_CONCURRENT_JOBS_PER_USER": 0}))
    built.queue.purge()
    yield built
    built.close()


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


def test_the_same_request_under_the_same_key_makes_one_job(client: httpx.Client, services: Services) -> None:
    client.headers["Idempotency-Key"] = "abc-1"
    first, second = upload(client, title="a"), upload(client, title="a")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["job_id"] == second.json()["job_id"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    other = upload(client, title="b")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    other = upload(client, title="a", content=wav_bytes(7.0))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert list(services.storage.iter_job_ids()) == [first.json()["job_id"]]


def test_a_key_used_by_many_at_once_makes_one_job(api: RunningApi, services: Services) -> None:
    def send(_: int) -> httpx.Response:
        with api.client(headers={"Idempotency-Key": "race"}) as client:
            return upload(client)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {202}, [answer.text for answer in answers]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert len(list(services.storage.iter_job_ids())) == 1


def test_jobs_beyond_the_limit_wait_outside_and_leave_nothing(settings: Settings) -> None:
    services = build(settings.model_copy(update={"MAX_CONCURRENT_JOBS_PER_USER": 2}))
    with running_api(services) as api, api.client() as client:
        assert [upload(client).status_code for _ in range(2)] == [202, 202]
        refused = upload(client)
        assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (429, "too_many_jobs", True)
        assert int(refused.headers["retry-after"]) >= 1
        assert "concurrent" in refused.headers["ratelimit"]
        assert len(list(services.storage.iter_job_ids())) == 2
    services.close()


def test_a_link_becomes_a_job_without_being_fetched(client: httpx.Client) -> None:
    answer = client.post("jobs", json={"youtube_url": "https://youtu.be/dQw4w9WgXcQ?t=3", "title": "T", "bpm": 99})
    assert answer.status_code == 202, answer.text
    status = client.get(f"jobs/{answer.json()['job_id']}").json()
    assert status["input_type"] == "youtube"
    assert status["youtube_url"] == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def test_an_unchanged_job_is_answered_with_304_until_it_changes(client: httpx.Client) -> None:
    job_id = upload(client).json()["job_id"]
    first = client.get(f"jobs/{job_id}")
    again = client.get(f"jobs/{job_id}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    client.patch(f"jobs/{job_id}", json={"title": "New"})
    changed = client.get(f"jobs/{job_id}", headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["title"]) == (200, "New")


def test_a_cancelled_job_stays_and_says_so(client: httpx.Client, services: Services) -> None:
    job_id = upload(client).json()["job_id"]
    answer = client.post(f"jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["finished_at"] is not None
    again = client.post(f"jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_already_ended")
    result = client.get(f"jobs/{job_id}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_cancelled")
    assert services.storage.file_exists(job_id, 1, "original.wav")


def test_a_deleted_job_is_forgotten_but_for_its_end(client: httpx.Client, services: Services) -> None:
    job_id = upload(client, title="Secret").json()["job_id"]
    kept = upload(client).json()["job_id"]
    for _ in range(2):
        answer = client.delete(f"jobs/{job_id}")
        assert (answer.status_code, answer.content) == (204, b"")
    status = client.get(f"jobs/{job_id}").json()
    assert (status["status"], status["title"], status["original_filename"]) == ("cancelled", "", None)
    assert [item["id"] for item in client.get("jobs").json()["items"]] == [kept]
    assert list(services.storage.iter_job_ids()) == [kept]
    assert client.get(f"jobs/{job_id}/download/original").status_code == 410
    assert client.delete(f"jobs/{uuid4()}").status_code == 404


def test_a_list_is_read_page_by_page_without_gap_or_repetition(client: httpx.Client) -> None:
    made = [upload(client, title=f"song {number}%_").json()["job_id"] for number in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get("jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert [item["title"] for item in client.get("jobs", params={"q": "3%_"}).json()["items"]] == ["song 3%_"]
    assert client.get("jobs", params={"q": "%%"}).json()["items"] == []
    client.post(f"jobs/{made[0]}/cancel")
    assert [item["id"] for item in client.get("jobs", params={"status": "cancelled"}).json()["items"]] == [made[0]]


@pytest.mark.parametrize("cursor", ["x", "!!!", "MjAyNnxh", "é", "A" * 200])
def test_a_cursor_that_is_none_is_refused(client: httpx.Client, cursor: str) -> None:
    answer = client.get("jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


def finish(services: Services, job_id: str, *, revision: int = 1, **values: object) -> None:
    """Let a job be done, as the steps would."""
    result = {
        "duration_seconds": 6.0,
        "bpm": 120.0,
        "hits": [{"time": 0.5, "instrument": "kick", "velocity": 0.8, "confidence": 0.9}],
    }
    files = {
        "result.json": (json.dumps(result).encode(), "internal", None, "application/json"),
        "sheet_music.musicxml": (b"<score/>" * 1000, "result", "musicxml", "application/vnd.recordare.musicxml+xml"),
        "page-1.svg": (b"<svg/>", "result", None, "image/svg+xml"),
    }
    if revision == 1:
        files["audio.flac"] = (bytes(range(256)) * 40, "input", "audio", "audio/flac")
    with services.sessions.write() as session:
        for name, (content, kind, form, mime) in files.items():
            services.storage.save_file(job_id, revision, name, content, content_type=mime)
            session.add(
                Artifact(
                    job_id=job_id, revision=revision, name=name, kind=kind, format=form, content_type=mime, size=len(content)
                )
            )
        row = session.get_one(Revision, (job_id, revision))
        row.status = Status.COMPLETED
        job = session.get_one(Job, job_id)
        job.status, job.progress, job.revision, job.step = Status.COMPLETED, 100, revision, None
        job.version += 1
        job.finished_at = datetime.now(UTC)
        for name, value in values.items():
            setattr(job, name, value)


def test_a_result_comes_with_links_that_work(api: RunningApi, client: httpx.Client, services: Services) -> None:
    job_id = upload(client, title="Für Elise").json()["job_id"]
    early = client.get(f"jobs/{job_id}/result")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_completed")
    finish(services, job_id, model_version="drums@1.0.0", compute_time_ms=5)
    result = client.get(f"jobs/{job_id}/result").json()
    assert (result["job_id"], result["revision"], result["title"], result["bpm"]) == (job_id, 1, "Für Elise", 120.0)
    assert result["hits"][0]["instrument"] == "kick"
    assert set(result["downloads"]) == {"musicxml"}
    assert set(result["stems"]) == {"audio"}
    for link in (*result["downloads"].values(), *result["stems"].values()):
        assert httpx.get(f"{api.base_url}{link}").status_code == 200
    file = client.get(f"jobs/{job_id}/download/musicxml")
    assert file.content == b"<score/>" * 1000
    assert file.headers["content-encoding"] == "gzip"
    assert file.headers["etag"].startswith("W/")
    assert "filename=\"Fur Elise.musicxml\"; filename*=UTF-8''F%C3%BCr%20Elise.musicxml" in file.headers["content-disposition"]
    assert client.get(f"jobs/{job_id}/download/svg", params={"page": 1}).content == b"<svg/>"
    missing = client.get(f"jobs/{job_id}/download/pdf")
    assert (missing.status_code, missing.json()["code"]) == (404, "artifact_missing")
    unknown = client.get(f"jobs/{job_id}/download/docx")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_format")
    client.delete(f"jobs/{job_id}")
    gone = client.get(f"jobs/{job_id}/result")
    assert (gone.status_code, gone.json()["code"]) == (410, "result_expired")
    assert client.get(f"jobs/{job_id}").json()["status"] == "expired"


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10230-", 206, 10230, 10240),
        ("bytes=-5", 206, 10235, 10240),
        ("bytes=-999999", 206, 0, 10240),
        ("bytes=5-999999", 206, 5, 10240),
        ("bytes=10240-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-5", 200, 0, 10240),
        ("bytes=0-1,4-5", 200, 0, 10240),
        ("pages=1-2", 200, 0, 10240),
        ("bytes=-", 200, 0, 10240),
        ("bytes=٣-٤", 200, 0, 10240),
    ],
)
def test_a_download_gives_the_part_that_is_asked_for(
    client: httpx.Client, services: Services, asked: str, status: int, begin: int, end: int
) -> None:
    job_id = upload(client).json()["job_id"]
    finish(services, job_id)
    content = bytes(range(256)) * 40
    answer = client.get(f"jobs/{job_id}/download/audio", headers={"Range": asked.encode()})  # type: ignore[dict-item]
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == "bytes */10240"
        return
    assert answer.content == content[begin:end]
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in answer.headers
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/10240"
    assert client.get(f"jobs/{job_id}/download/audio", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    stale = client.get(f"jobs/{job_id}/download/audio", headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (stale.status_code, len(stale.content)) == (200, 10240)
    head = client.head(f"jobs/{job_id}/download/audio")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "10240", b"")


def test_a_score_is_written_anew_from_the_newest_revision_only(client: httpx.Client, services: Services) -> None:
    job_id = upload(client, bpm="100", voices="1").json()["job_id"]
    early = client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1})
    assert (early.status_code, early.json()["code"]) == (409, "job_not_completed")
    finish(services, job_id)
    answer = client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1, "time_signature": "6/8", "title": "Anew"})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["number"], answer.json()["base"], answer.json()["status"]) == (2, 1, "queued")
    options = answer.json()["options"]
    assert (options["bpm"], options["voices"], options["time_signature"], options["title"]) == (100, 1, "6/8", "Anew")
    status = client.get(f"jobs/{job_id}").json()
    assert (status["status"], status["revision"], status["title"]) == ("queued", 1, "Anew")
    assert client.get(f"jobs/{job_id}/result").json()["revision"] == 1  # what is there goes on being served
    busy = client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1})
    assert (busy.status_code, busy.json()["code"]) == (409, "job_not_completed")
    finish(services, job_id, revision=2)
    stale = client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "revision_conflict")
    assert client.get(f"jobs/{job_id}/download/audio", params={"revision": 2}).status_code == 200
    numbers = [item["number"] for item in client.get(f"jobs/{job_id}/revisions").json()["items"]]
    assert numbers == [1, 2]
    assert client.get(f"jobs/{job_id}/revisions/2").json()["options"] == options
    absent = client.get(f"jobs/{job_id}/revisions/9")
    assert (absent.status_code, absent.json()["code"]) == (404, "revision_not_found")


def test_the_database_being_away_is_a_problem_that_passes(settings: Settings) -> None:
    broken = settings.model_copy(update={"DATABASE_URL": "postgresql+psycopg://nobody:x@127.0.0.1:9/none"})
    services = build(broken)
    with running_api(services) as api, api.client() as client:
        for answer in (client.get("jobs"), client.get(f"jobs/{uuid4()}"), upload(client)):
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["retryable"] is True
        assert client.get("health").status_code == 503
        assert httpx.get(f"{api.base_url}/readyz").status_code == 503
        assert httpx.get(f"{api.base_url}/livez").status_code == 200
    services.close()
