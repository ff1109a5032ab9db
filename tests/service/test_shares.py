"""Links that show a score: who makes them, what they show and to whom, and when they stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from api_server import RunningApi
from deployment import DISTRIBUTED
from people import ACCOUNTS, Person, api, bearer, changed, register
from songs import enter
from sqlalchemy import func, select, update

from drumscribe.service.cleanup import clean_up
from drumscribe.service.jobs import lifecycle
from drumscribe.service.shares import actions
from drumscribe.service.tables import Artifact, Job, Revision, Share, Status
from drumscribe.service.users import actions as users
from drumscribe.service.wiring import Services

SOUND = b"fLaC" + bytes(range(256)) * 8
FILES = {"sheet_music.pdf": "pdf", "sheet_music.musicxml": "musicxml", "hits.json": "hits", "page-1.svg": None}
SOUNDS = {"original.flac": "original", "audio.flac": "audio", "drums.wav": "drums", "drumless.flac": "drumless"}
SECRET_NAME = "take 7 for Ada.flac"


def completed(services: Services, *, owner: str = "ip:127.0.0.1", user_id: str | None = None, title: str = "My song") -> str:
    """A finished job with a file of every kind."""
    job_id = enter(services, SOUND, filename=SECRET_NAME, user_identifier=owner, user_id=user_id, title=title)
    with services.sessions.write() as session:
        for name, form in (FILES | SOUNDS).items():
            if form != "original":
                services.storage.save_file(job_id, 1, name, SOUND if name in SOUNDS else f"{name} of 1".encode())
            kind = "result" if name in FILES else "stem" if form in ("drums", "drumless") else "input"
            session.add(
                Artifact(job_id=job_id, revision=1, name=name, kind=kind, format=form, content_type="text/plain", size=9)
            )  # fmt: skip
        job = session.get_one(Job, job_id)
        job.status, job.step, job.revision, job.finished_at = Status.COMPLETED, None, 1, datetime.now(UTC)
        job.webhook_url, job.youtube_url, job.duration_seconds = "https://example.org/hook", "https://youtu.be/x", 12.5
        job.detected_bpm = 97.0
        session.get_one(Revision, (job_id, 1)).status = Status.COMPLETED
    save_result(services, job_id, 1)
    return job_id


def save_result(services: Services, job_id: str, number: int) -> None:
    document = {
        "schema_version": 1, "revision": number, "title": "as it was", "duration_seconds": 12.5, "bpm": 97.0, "beats": [0.5],
        "hits": [{"time": 0.5, "instrument": "kick", "velocity": 0.8, "confidence": 0.9}], "bars": 4,
        "options": {"title": "a title of before"}, "warnings": [{"code": "x", "message": SECRET_NAME}],
    }  # fmt: skip
    services.storage.save_file(job_id, number, "result.json", json.dumps(document).encode())


def share(client: httpx.Client, job_id: str, **body: object) -> dict[str, str]:
    answer = client.post(f"jobs/{job_id}/shares", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def shown(client: httpx.Client, token: str) -> list[tuple[int, str]]:
    """What a link answers to everything that can be asked of it."""
    paths = ("", "/result", "/download/pdf", "/download/audio", "/download/svg?page=1", "/download/nonsense")
    answers = [client.get(f"shared/{token}{path}") for path in paths]
    return [(answer.status_code, "" if answer.is_success else answer.json()["code"]) for answer in answers]


NOTHING = [(404, "share_not_found")] * 6
SCORE_ONLY = [
    (200, ""), (200, ""), (200, ""), (404, "artifact_missing"), (200, ""), (422, "unknown_format"),
]  # fmt: skip


# ---------------------------------------------------------------------------------------------- what a link shows


def test_a_link_shows_the_score_and_nothing_of_its_owner(client: httpx.Client, services: Services) -> None:
    job_id = completed(services)
    made = share(client, job_id)
    assert made["path"] == f"/s/{made['token']}"
    about = client.get(f"shared/{made['token']}")
    assert about.json() == {
        "title": "My song", "status": "completed", "revision": 1, "duration_seconds": 12.5, "bpm": 97.0, "with_audio": False,
    }  # fmt: skip
    result = client.get(f"shared/{made['token']}/result")
    assert result.json() == {
        "schema_version": 1, "revision": 1, "title": "My song", "duration_seconds": 12.5, "bpm": 97.0, "beats": [0.5],
        "hits": [{"time": 0.5, "instrument": "kick", "velocity": 0.8, "confidence": 0.9}], "bars": 4, "stems": {},
        "downloads": {form: f"/api/v1/shared/{made['token']}/download/{form}" for form in ("pdf", "musicxml", "hits")},
    }  # fmt: skip
    told = about.text + result.text
    for secret in (job_id, "127.0.0.1", "example.org", "youtu", "take 7", "a title of before"):
        assert secret not in told
    file = client.get(f"shared/{made['token']}/download/pdf")
    assert (file.content, file.headers["content-disposition"]) == (
        b"sheet_music.pdf of 1",
        'attachment; filename="My song.pdf"',
    )
    assert client.get(f"shared/{made['token']}/download/svg?page=1").content == b"page-1.svg of 1"
    assert client.get(f"shared/{made['token']}/download/svg?page=2").json()["code"] == "artifact_missing"


def test_a_song_without_a_title_is_not_called_by_its_file(client: httpx.Client, services: Services) -> None:
    token = share(client, completed(services, title=""))["token"]
    assert client.get(f"shared/{token}").json()["title"] == ""
    assert "drumscribe.pdf" in client.get(f"shared/{token}/download/pdf").headers["content-disposition"]


def test_the_recording_is_heard_only_through_a_link_that_shares_it(client: httpx.Client, services: Services) -> None:
    job_id = completed(services)
    silent, sounding = share(client, job_id)["token"], share(client, job_id, with_audio=True)["token"]
    assert client.get(f"shared/{sounding}").json()["with_audio"] is True
    stems = client.get(f"shared/{sounding}/result").json()["stems"]
    assert set(stems) == {"audio", "drums", "drumless"}
    for form, path in stems.items():
        assert client.get(f"shared/{silent}/download/{form}").json()["code"] == "artifact_missing"
        assert client.get(path.removeprefix("/api/v1/")).content == SOUND
    for token in (silent, sounding):  # the upload itself may tell more than its sound
        assert client.get(f"shared/{token}/download/original").json()["code"] == "unknown_format"


def test_parts_of_the_recording_can_be_asked_for(client: httpx.Client, services: Services) -> None:
    token = share(client, completed(services), with_audio=True)["token"]
    head = client.head(f"shared/{token}/download/audio")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SOUND)))
    part = client.get(f"shared/{token}/download/audio", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, SOUND[4:8])
    assert client.get(f"shared/{token}/download/audio", headers={"Range": "bytes=99999-"}).status_code == 416
    known = {"If-None-Match": head.headers["etag"]}
    assert client.get(f"shared/{token}/download/audio", headers=known).status_code == 304


def test_what_may_be_revoked_is_kept_for_a_minute_at_most_and_by_no_search_engine(
    client: httpx.Client, services: Services
) -> None:
    token = share(client, completed(services), with_audio=True)["token"]
    for path in ("", "/result", "/download/pdf", "/download/audio"):
        headers = client.get(f"shared/{token}{path}").headers
        assert headers["cache-control"] == "public, max-age=60, must-revalidate", path
        assert (headers["x-robots-tag"], headers["referrer-policy"]) == ("noindex", "no-referrer")
    refused = client.get("shared/unknown").headers
    assert (refused["cache-control"], refused["x-robots-tag"]) == ("no-store", "noindex")


@pytest.mark.parametrize("mode", [DISTRIBUTED], indirect=True)
def test_a_store_that_serves_files_itself_gives_links_that_end_as_soon(services: Services) -> None:
    with api(changed(services, S3_PRESIGN=True)) as client:
        token = share(client, completed(services), with_audio=True)["token"]
        answer = client.get(f"shared/{token}/download/audio", follow_redirects=False)
        assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
        assert "X-Amz-Expires=60" in answer.headers["location"]
        assert httpx.get(answer.headers["location"]).content == SOUND


def test_a_link_shows_the_newest_finished_revision(client: httpx.Client, services: Services) -> None:
    job_id = completed(services)
    token = share(client, job_id)["token"]
    assert client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1, "title": "New name"}).status_code == 202
    about = client.get(f"shared/{token}").json()
    assert (about["status"], about["revision"], shown(client, token)) == ("queued", 1, SCORE_ONLY)
    services.storage.save_file(job_id, 2, "sheet_music.pdf", b"the second")
    save_result(services, job_id, 2)
    with services.sessions.write() as session:
        session.add(
            Artifact(
                job_id=job_id, revision=2, name="sheet_music.pdf", kind="result", format="pdf",
                content_type="application/pdf", size=10,
            )
        )  # fmt: skip
        session.execute(update(Job).where(Job.id == job_id).values(status=Status.COMPLETED, step=None, revision=2))
    assert client.get(f"shared/{token}").json()["revision"] == 2
    assert client.get(f"shared/{token}/result").json()["revision"] == 2
    assert client.get(f"shared/{token}/download/pdf").content == b"the second"
    assert client.get(f"shared/{token}/download/pdf?revision=1").content == b"the second"


# ---------------------------------------------------------------------------------------------- making and revoking


def test_links_are_listed_and_revoked_one_by_one(client: httpx.Client, services: Services) -> None:
    job_id = completed(services)
    one, other = share(client, job_id), share(client, job_id, with_audio=True)
    assert client.get(f"jobs/{job_id}/shares").json()["items"] == [one, other]
    for _ in range(2):
        assert client.delete(f"jobs/{job_id}/shares/{one['id']}").status_code == 204
    assert shown(client, one["token"]) == NOTHING
    assert client.get(f"jobs/{job_id}/shares").json()["items"] == [other]
    assert client.get(f"shared/{other['token']}").status_code == 200


def test_a_link_is_revoked_through_its_own_job_only(client: httpx.Client, services: Services) -> None:
    mine, theirs = completed(services), completed(services)
    link = share(client, theirs)
    assert client.delete(f"jobs/{mine}/shares/{link['id']}").status_code == 204
    assert client.get(f"shared/{link['token']}").status_code == 200


def test_tokens_are_long_and_never_the_same(client: httpx.Client, services: Services) -> None:
    job_id = completed(services)
    tokens = {share(client, job_id)["token"] for _ in range(actions.SHARES_PER_JOB)}
    assert len(tokens) == actions.SHARES_PER_JOB
    assert all(len(token) == 22 and token.isalnum() and token.isascii() for token in tokens)
    assert 62**22 > 2**128


def test_a_song_has_a_limited_number_of_links(client: httpx.Client, services: Services) -> None:
    job_id = completed(services)
    made = [share(client, job_id) for _ in range(actions.SHARES_PER_JOB)]
    refused = client.post(f"jobs/{job_id}/shares", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_shares")
    client.delete(f"jobs/{job_id}/shares/{made[0]['id']}")
    share(client, job_id)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"status": Status.QUEUED, "revision": 0}, 409, "job_not_completed"),
        ({"status": Status.FAILED, "revision": 0}, 409, "job_failed"),
        ({"status": Status.CANCELLED, "revision": 0}, 409, "job_cancelled"),
        ({"status": Status.EXPIRED}, 410, "result_expired"),
        ({"inputs_purged_at": datetime(2026, 1, 1, tzinfo=UTC)}, 410, "result_expired"),
    ],
)
def test_only_what_is_there_can_be_shared(
    client: httpx.Client, services: Services, changes: dict[str, object], status: int, code: str
) -> None:
    job_id = completed(services)
    with services.sessions.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**changes))
    refused = client.post(f"jobs/{job_id}/shares", json={"with_audio": True})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


@pytest.mark.parametrize("body", [{"with_audio": "yes"}, {"with_audio": None}, {"forever": True}, [], None])
def test_a_wish_that_is_not_understood_is_refused(client: httpx.Client, services: Services, body: object) -> None:
    refused = client.post(f"jobs/{completed(services)}/shares", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_error")


# ---------------------------------------------------------------------------------------------- when it ends


def test_every_link_that_shows_nothing_answers_the_same(client: httpx.Client, services: Services) -> None:
    revoked = share(client, job_id := completed(services))
    client.delete(f"jobs/{job_id}/shares/{revoked['id']}")
    gone = share(client, deleted := completed(services))
    assert client.delete(f"jobs/{deleted}").status_code == 204
    answers = {}
    for token in (revoked["token"], gone["token"], "a" * 22, "a" * 23, "short", "x" * 3000, "%00" * 22, "ü" * 22, deleted):
        assert shown(client, token) == NOTHING, token
        answer = client.get(f"shared/{token}")
        body = answer.json() | {"instance": ""}
        answers[json.dumps(body)] = {name for name in answer.headers if name != "x-request-id"}
    assert len(answers) == 1


def test_links_end_with_their_job_while_it_is_written_anew(client: httpx.Client, services: Services) -> None:
    token = share(client, job_id := completed(services))["token"]
    assert client.post(f"jobs/{job_id}/revisions", json={"base_revision": 1}).status_code == 202
    assert client.delete(f"jobs/{job_id}").status_code == 204
    assert shown(client, token) == NOTHING
    assert rows(services) == 0


def test_links_end_when_results_expire_and_fall_silent_when_recordings_go(client: httpx.Client, services: Services) -> None:
    recording = services.settings.ARTIFACT_TTL_HOURS
    job_id = completed(services, owner="key:42")
    token = share(client, job_id, with_audio=True)["token"]
    for hours, expected in ((recording + 1, [(200, ""), (200, ""), (200, ""), (410, "result_expired")]), (10_000, NOTHING[:4])):
        with services.sessions.write() as session:
            ended = datetime.now(UTC) - timedelta(hours=hours)
            session.execute(update(Job).where(Job.id == job_id).values(finished_at=ended))
        clean_up(services)
        assert shown(client, token)[:4] == expected
        if expected != NOTHING[:4]:
            assert client.get(f"shared/{token}").json()["with_audio"] is False
            assert client.get(f"shared/{token}/result").json()["stems"] == {}
    assert rows(services) == 0


def test_links_of_an_expired_job_are_gone_even_before_anything_is_deleted(client: httpx.Client, services: Services) -> None:
    token = share(client, job_id := completed(services))["token"]
    with services.sessions.write() as session:
        lifecycle.expire(session, session.get_one(Job, job_id))
    assert (shown(client, token), rows(services)) == (NOTHING, 0)


def rows(services: Services) -> int:
    with services.sessions.read() as session:
        return session.scalar(select(func.count()).select_from(Share)) or 0


# ---------------------------------------------------------------------------------------------- who may


@pytest.fixture
def accounts(services: Services) -> Services:
    return changed(services, **ACCOUNTS)


@pytest.fixture
def asking(accounts: Services) -> Iterator[httpx.Client]:
    with api(accounts) as client:
        yield client


def test_with_accounts_a_song_is_shared_by_its_owner_and_read_by_anybody(asking: httpx.Client, accounts: Services) -> None:
    ada, eve = register(asking), register(asking, "eve@example.com")
    job_id = completed(accounts, owner=f"user:{ada.user_id}", user_id=ada.user_id)
    path = f"jobs/{job_id}/shares"
    assert asking.post(path, json={}).status_code == 401
    made = asking.post(path, json={}, headers=ada.headers).json()
    for refused in (
        asking.post(path, json={}, headers=eve.headers),
        asking.get(path, headers=eve.headers),
        asking.delete(f"{path}/{made['id']}", headers=eve.headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (404, "job_not_found")
    for headers in ({}, eve.headers, bearer("nonsense")):  # credentials are not looked at
        assert asking.get(f"shared/{made['token']}", headers=headers).status_code == 200
    assert shown(asking, made["token"]) == SCORE_ONLY
    assert asking.get(path).status_code == 401


def test_links_end_with_the_account_of_their_owner(asking: httpx.Client, accounts: Services) -> None:
    ada: Person = register(asking)
    job_id = completed(accounts, owner=f"user:{ada.user_id}", user_id=ada.user_id)
    token = asking.post(f"jobs/{job_id}/shares", json={}, headers=ada.headers).json()["token"]
    with accounts.sessions.write() as session:
        users.close_account(session, ada.user_id)
    assert (shown(asking, token), rows(accounts)) == (NOTHING, 0)


def test_keys_need_their_scopes(services: Services) -> None:
    guarded = changed(services, AUTH_MODE="keys")
    with guarded.sessions.write() as session:
        reader, reads = users.create_key(session, user_id=None, name="", scopes=frozenset({"jobs:read"}))
        _, writes = users.create_key(session, user_id=None, name="", scopes=frozenset({"jobs:write"}))
    job_id = completed(guarded, owner=f"key:{reader.id}")
    with api(guarded) as client:
        path = f"jobs/{job_id}/shares"
        assert client.get(path, headers=bearer(reads)).json() == {"items": []}
        assert client.get(path, headers=bearer(writes)).json()["code"] == "forbidden"
        assert client.post(path, json={}, headers=bearer(reads)).json()["code"] == "forbidden"
        assert client.delete(f"{path}/{uuid4()}", headers=bearer(reads)).json()["code"] == "forbidden"
        assert client.post(path, json={}, headers=bearer(writes)).json()["code"] == "job_not_found"


def test_reading_counts_under_nobodys_limits(services: Services) -> None:
    limited = changed(services, MAX_CONCURRENT_JOBS_PER_USER=1, MAX_JOBS_PER_USER_PER_HOUR=1)
    with api(limited) as client:
        token = share(client, completed(limited))["token"]
        assert [client.get(f"shared/{token}").status_code for _ in range(30)] == [200] * 30


def test_a_link_costs_the_database_one_question(api: RunningApi, client: httpx.Client, services: Services) -> None:
    from sqlalchemy import event

    token = share(client, completed(services))["token"]
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(services.sessions.engine, "before_cursor_execute", note)
    client.get(f"shared/{token}")
    seen = [statement for statement in asked if "shares" in statement]
    assert len(seen) == 1
    client.get("shared/nonsense")
    assert [statement for statement in asked if "shares" in statement] == seen
