"""What the API promises under attack and to whoever builds on it: nobody holds up others, and nothing is told wrongly."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import RunningApi, running_api, wav_bytes
from servers import wait_until
from sqlalchemy import update

from drumscribe.service.errors import Unavailable
from drumscribe.service.events import streams
from drumscribe.service.jobs import uploads
from drumscribe.service.jobs.probing import SideProcess
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Artifact, Job, Revision, Status
from drumscribe.service.users import actions as users
from drumscribe.service.webhooks import addresses
from drumscribe.service.wiring import Services, build


def die_the_first_time(marker: str) -> str:
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "read"


def doze(seconds: float) -> str:
    time.sleep(seconds)
    return "read"


def test_a_side_process_that_is_killed_costs_no_upload_its_success(tmp_path: Path) -> None:
    side = SideProcess()
    try:
        assert asyncio.run(side.run(die_the_first_time, str(tmp_path / "marker"), timeout_s=20)) == "read"
    finally:
        side.close()


def test_a_file_that_keeps_its_decoder_busy_does_not_hold_up_the_next() -> None:
    side = SideProcess()

    async def both() -> float:
        await asyncio.gather(*(side.run(doze, 0.1, timeout_s=20) for _ in range(2)))
        slow = asyncio.create_task(side.run(doze, 8.0, timeout_s=20))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await side.run(doze, 0.0, timeout_s=20)
        took = time.monotonic() - began
        await slow
        return took

    try:
        assert asyncio.run(both()) < 5
    finally:
        side.close()


def test_who_waits_too_long_for_a_turn_is_told_to_come_back() -> None:
    side = SideProcess(patience_s=1.0)

    async def crowd() -> list[object]:
        await side.run(doze, 0.0, timeout_s=20)
        return await asyncio.gather(*(side.run(doze, 1.5, timeout_s=6.0) for _ in range(16)), return_exceptions=True)

    try:
        found = asyncio.run(crowd())
        assert "read" in found
        refused = [one for one in found if isinstance(one, Exception)]
        assert refused
        assert all(isinstance(one, Unavailable) and one.retryable for one in refused), found
    finally:
        side.close()


def test_several_uploads_get_over_the_same_death() -> None:
    side = SideProcess()

    async def crowd() -> list[str]:
        await side.run(doze, 0.0, timeout_s=20)
        pool = side._open()  # pyright: ignore[reportPrivateUsage]
        for process in pool._pool_manager.worker_manager.workers.values():  # pyright: ignore[reportPrivateUsage,reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownVariableType]
            process.kill()  # pyright: ignore[reportUnknownMemberType]
        return await asyncio.gather(*(side.run(doze, 0.05, timeout_s=20) for _ in range(6)))

    try:
        assert asyncio.run(crowd()) == ["read"] * 6
    finally:
        side.close()


# ---------------------------------------------------------------------------------------------- over HTTP


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    built = build(settings.model_copy(update={"MAX_CONCURRENT_JOBS_PER_USER": 0}))
    built.queue.purge()
    yield built
    built.close()


def send(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("jobs", files={"file": ("a.wav", wav_bytes())}, data=fields)


def completed(client: httpx.Client, services: Services) -> str:
    job_id: str = send(client).json()["job_id"]
    services.storage.save_file(job_id, 1, "hits.json", b"[" + b" " * 5000 + b"]")
    with services.sessions.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(status=Status.COMPLETED, revision=1))
        session.execute(update(Revision).where(Revision.job_id == job_id).values(status=Status.COMPLETED))
        session.add(
            Artifact(
                job_id=job_id, revision=1, name="hits.json", kind="result", format="hits",
                content_type="application/json", size=5002,
            )
        )  # fmt: skip
    return job_id


def test_only_a_file_of_a_named_revision_is_kept_by_caches(client: httpx.Client, services: Services) -> None:
    job_id = completed(client, services)
    newest = client.get(f"jobs/{job_id}/download/hits")
    assert newest.headers["cache-control"] == "private, no-cache"  # tomorrow there may be a revision 2
    assert "immutable" in client.get(f"jobs/{job_id}/download/hits?revision=1").headers["cache-control"]
    assert client.get(f"jobs/{job_id}/download/hits", headers={"If-None-Match": newest.headers["etag"]}).status_code == 304


def test_a_part_behind_the_end_is_a_problem_and_says_how_long_the_file_is(client: httpx.Client, services: Services) -> None:
    answer = client.get(f"jobs/{completed(client, services)}/download/hits", headers={"Range": "bytes=9000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */5002")
    assert answer.json()["code"] == "range_not_satisfiable"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
def test_a_cursor_at_the_end_of_time_is_refused(client: httpx.Client, instant: str) -> None:
    cursor = base64.urlsafe_b64encode(f"{instant}|00000000-0000-0000-0000-000000000000".encode()).decode()
    answer = client.get("jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize("origin", ["http://evil.example", "http://["])
def test_a_page_that_may_not_listen_gets_a_problem(api: RunningApi, origin: str) -> None:
    request = (
        f"GET /api/v1/jobs/{'0' * 32}/ws HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 403"), answer
    assert b"application/problem+json" in answer
    assert b'"code": "forbidden"' in answer


def test_pages_may_name_their_requests(client: httpx.Client) -> None:
    wanted = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "GET"}
    assert client.options("jobs", headers=wanted | {"Access-Control-Request-Headers": "x-request-id"}).status_code == 200


def test_an_upload_that_comes_drop_by_drop_is_given_up(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "GRACE_S", 0.5)
    head = (
        "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
    )
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", api.port), timeout=0.1) as connection:
        connection.sendall((head + part).encode())
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() - began < 15:
            connection.sendall(b"x")
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408"), answer
    assert b"upload_stalled" in answer
    assert list(api.services.storage.iter_job_ids()) == []


def test_slow_name_servers_hold_up_only_those_who_name_them(
    api: RunningApi, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    asked = threading.Semaphore(0)

    def slow(host: str, port: int) -> str:
        asked.release()
        free.wait(30)
        return "93.184.216.34"

    monkeypatch.setattr(addresses, "public_address", slow)  # what a name server does, nobody here can make it do
    with api.client() as other:
        waiting = [
            threading.Thread(target=send, args=(other,), kwargs={"webhook_url": "https://slow.example/x"}) for _ in range(10)
        ]
        for thread in waiting:
            thread.start()
        try:
            for _ in range(8):
                assert asked.acquire(timeout=20)
            began = time.monotonic()
            assert send(client).status_code == 202
            assert time.monotonic() - began < 10
            assert not free.is_set()
        finally:
            free.set()
            for thread in waiting:
                thread.join()


def test_a_stream_ends_when_its_key_is_revoked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RECHECK_S", 0.3)
    services = build(settings.model_copy(update={"AUTH_MODE": "keys"}))
    try:
        with services.sessions.write() as session:
            key, secret = users.create_key(
                session, user_id=None, name="x", scopes=frozenset({"jobs:read", "jobs:write"})
            )  # fmt: skip
        with running_api(services) as api, api.client(headers={"X-API-Key": secret}) as client:
            job_id = send(client).json()["job_id"]
            with client.stream("GET", f"jobs/{job_id}/events", headers={"Accept": "text/event-stream"}) as stream:
                assert stream.status_code == 200
                lines = stream.iter_lines()
                assert next(lines) == "retry: 2000"
                time.sleep(1.0)
                hub = api.app.state.hub
                assert hub.count == 1  # it is asked again, and may stay
                with services.sessions.write() as session:
                    users.revoke_key(session, session.merge(key))
                wait_until(lambda: hub.count == 0, seconds=10, what="the stream has ended")
                list(lines)
            assert client.get(f"jobs/{job_id}/events").status_code == 401
    finally:
        services.close()
