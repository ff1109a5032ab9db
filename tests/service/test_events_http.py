"""Events over real connections: streams, WebSockets and lists tell the same, and end when they should."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from api_server import RunningApi, running_api
from deployment import DISTRIBUTED, Backing, Deployment
from servers import wait_until
from sqlalchemy import delete
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from drumscribe.service.events.hub import Hub
from drumscribe.service.events.queries import look
from drumscribe.service.events.streams import EventStream
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.plan import STEPS
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build


def new_job(services: Services, owner: str = "ip:127.0.0.1") -> str:
    job = Job(id=str(uuid4()), input_type="upload", user_identifier=owner)
    with services.sessions.write() as session:
        lifecycle.enter(session, job, {})
    return job.id


def work_through(services: Services, job_id: str, *, reports: int = 2, pause_s: float = 0.0) -> None:
    """Three events and the reports for each of the four steps, the last of them `completed`."""
    for step in STEPS:
        with services.sessions.write() as session:
            held = lifecycle.claim(session, step, job_id, worker="w:1", lease_s=30, max_attempts=6)
        assert held is not None
        for number in range(reports):
            time.sleep(pause_s)
            with services.sessions.write() as session:
                assert lifecycle.report(session, held, progress=step.begin + number, stage="listen")
        with services.sessions.write() as session:
            assert lifecycle.finish(session, held, values={}, artifacts=(), elapsed_ms=1)


LAST = 1 + len(STEPS) * 4


def cancel(services: Services, job_id: str) -> None:
    with services.sessions.write() as session:
        job = session.get(Job, job_id, with_for_update=True)
        assert job is not None
        lifecycle.cancel(session, job)


def read_stream(api: RunningApi | Deployment, job_id: str, **request: Any) -> tuple[list[dict[str, Any]], bool]:
    """All events until the server ends the stream, and whether it ended in good order."""
    events: list[dict[str, Any]] = []
    with api.client() as client, client.stream("GET", f"jobs/{job_id}/events", **request) as response:
        assert response.status_code == 200, response.read()
        fields: dict[str, str] = {}
        try:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = value
                elif not line and "data" in fields:
                    event = json.loads(fields["data"])
                    assert (fields["id"], fields["event"]) == (str(event["seq"]), event["type"])
                    events.append(event)
                    fields = {}
        except httpx.RemoteProtocolError:
            return events, False
    return events, True


def ask(api: RunningApi, path: str, **request: Any) -> httpx.Response:
    with api.client() as client:
        return client.get(path, **request)


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]


# ---------------------------------------------------------------------------------------------- streams


def test_a_stream_tells_the_past_then_the_present_and_ends(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    with ThreadPoolExecutor() as pool:
        streams = [pool.submit(read_stream, api, job) for _ in range(3)]
        wait_until(lambda: api.app.state.hub.count == 3, seconds=10, what="all follow")
        work_through(services, job, pause_s=0.05)
        for stream in streams:
            events, in_order = stream.result(20)
            assert in_order
            assert numbers(events) == list(range(1, LAST + 1))
            assert events[0]["data"] == {"status": "queued", "progress": 0, "stage": None, "revision": 0}
            assert events[-1]["type"] == "status"
            assert events[-1]["data"]["status"] == "completed"
            assert [event["data"]["progress"] for event in events] == sorted(event["data"]["progress"] for event in events)
    assert api.app.state.hub.count == 0
    history = ask(api, f"jobs/{job}/events", params={"format": "json"})
    assert history.json() == events
    assert history.headers["cache-control"] == "no-store"


def test_a_stream_is_neither_stored_nor_held_back_by_proxies(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    with api.client() as client, client.stream("GET", f"jobs/{job}/events", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        assert "content-length" not in response.headers
        assert next(response.iter_lines()) == "retry: 2000"


@pytest.mark.parametrize("how", [{"headers": {"Last-Event-ID": "5"}}, {"params": {"last_event_id": 5}}])
def test_a_stream_goes_on_after_the_last_event_that_is_known(api: RunningApi, services: Services, how: Any) -> None:
    job = new_job(services)
    work_through(services, job)
    events, _ = read_stream(api, job, **how)
    assert numbers(events) == list(range(6, LAST + 1))
    listed = ask(api, f"jobs/{job}/events", params={"last_event_id": 5}, headers={"Accept": "application/json"})
    assert listed.json() == events


def test_browsers_are_told_not_to_come_back_after_the_end(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    work_through(services, job)
    for known in (LAST, LAST + 100):
        answer = ask(api, f"jobs/{job}/events", headers={"Last-Event-ID": str(known)})
        assert answer.status_code == 204


@pytest.mark.parametrize("nonsense", ["-1", "x", "1e3", "٣", "9" * 5000])
def test_a_last_event_that_is_no_number_means_from_the_start(api: RunningApi, services: Services, nonsense: str) -> None:
    job = new_job(services)
    work_through(services, job)
    headers = {"Last-Event-ID": nonsense.encode()}
    assert len(read_stream(api, job, headers=headers)[0]) == LAST


def test_an_unknown_job_is_a_problem(api: RunningApi) -> None:
    with api.client() as client:
        assert client.get(f"jobs/{uuid4()}/events").json()["code"] == "job_not_found"
        assert client.get("jobs/nonsense/events").status_code == 422
        assert client.get(f"jobs/{uuid4()}/events", params={"last_event_id": -1}).status_code == 422


def test_clients_that_leave_are_noticed(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    hub: Hub = api.app.state.hub
    with api.client() as client, client.stream("GET", f"jobs/{job}/events") as response:
        lines = response.iter_lines()
        next(lines)
        with websocket(api, job) as socket:
            socket.recv()
            assert hub.count == 2
    wait_until(lambda: hub.count == 0, seconds=5, what="both are gone")


# ---------------------------------------------------------------------------------------------- websocket


@contextmanager
def websocket(api: RunningApi, job_id: str, *, after: int = 0, **options: Any) -> Iterator[Any]:
    url = f"ws://127.0.0.1:{api.port}/api/v1/jobs/{job_id}/ws?last_event_id={after}"
    with connect(url, open_timeout=10, close_timeout=5, **options) as socket:
        yield socket


def closing(socket: Any) -> tuple[list[dict[str, Any]], int, str]:
    """All messages until the server closes, with its code and reason."""
    messages: list[dict[str, Any]] = []
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
        while True:
            messages.append(json.loads(socket.recv(timeout=20)))
    assert closed.value.rcvd is not None
    return messages, closed.value.rcvd.code, closed.value.rcvd.reason


def test_a_websocket_says_what_the_stream_says(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    with websocket(api, job, after=0) as socket, websocket(api, job, after=9) as late:
        wait_until(lambda: api.app.state.hub.count == 2, seconds=10, what="both follow")
        writer = threading.Thread(target=work_through, args=(services, job), kwargs={"pause_s": 0.02})
        writer.start()
        messages, code, _ = closing(socket)
        writer.join()
        assert (numbers(messages), code) == (list(range(1, LAST + 1)), 1000)
        # A number that lies ahead means: from here on
        assert numbers(closing(late)[0]) == list(range(2, LAST + 1))
    assert messages == ask(api, f"jobs/{job}/events", params={"format": "json"}).json()
    with websocket(api, job, after=LAST) as again:
        assert closing(again)[:2] == ([], 1000)


def test_a_websocket_about_nothing_says_why_it_closes(api: RunningApi, services: Services) -> None:
    for nothing in (str(uuid4()), "nonsense"):
        with websocket(api, nothing) as socket:
            assert closing(socket)[1] == 4404
    job = new_job(services)
    with websocket(api, job) as socket:
        socket.recv()
        with services.sessions.write() as session:
            session.execute(delete(Job).where(Job.id == job))
        assert closing(socket)[1] == 4404


def test_pages_of_strange_origins_get_no_websocket(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    for origin in ("https://evil.example", "null", "http://localhost:3000.evil.example"):
        with pytest.raises(InvalidStatus, match="403"), websocket(api, job, origin=origin):
            pass
    for origin in ("http://localhost:3000", f"http://127.0.0.1:{api.port}"):
        with websocket(api, job, origin=origin) as socket:
            assert json.loads(socket.recv())["seq"] == 1


# ---------------------------------------------------------------------------------------------- who may


@pytest.fixture
def guarded(settings: Settings) -> Iterator[RunningApi]:
    services = build(settings.model_copy(update={"AUTH_MODE": "keys"}))
    with running_api(services) as running:
        yield running
    services.close()


def new_key(services: Services, *scopes: str) -> tuple[str, str]:
    from drumscribe.service.users import actions

    with services.sessions.write() as session:
        key, secret = actions.create_key(session, user_id=None, name="test", scopes=frozenset(scopes))
        return secret, f"key:{key.id}"


def test_other_peoples_jobs_cannot_be_followed(guarded: RunningApi) -> None:
    mine, owner = new_key(guarded.services, "jobs:read")
    theirs, _ = new_key(guarded.services, "jobs:read")
    writes, _ = new_key(guarded.services, "jobs:write")
    job = new_job(guarded.services, owner)
    cancel(guarded.services, job)
    answers = {
        secret: ask(guarded, f"jobs/{job}/events?format=json", headers={"Authorization": f"Bearer {secret}"}).status_code
        for secret in (mine, theirs, writes, "nonsense")
    }
    assert answers == {mine: 200, theirs: 404, writes: 403, "nonsense": 401}
    codes = {}
    for secret in answers:
        with websocket(guarded, job, additional_headers={"Authorization": f"Bearer {secret}"}) as socket:
            codes[secret] = closing(socket)[1]
    assert codes == {mine: 1000, theirs: 4404, writes: 4403, "nonsense": 4401}


def test_a_page_names_its_token_as_a_subprotocol(guarded: RunningApi) -> None:
    secret, owner = new_key(guarded.services, "jobs:read")
    job = new_job(guarded.services, owner)
    cancel(guarded.services, job)
    with websocket(guarded, job, subprotocols=["drumscribe.v1", f"bearer.{secret}"]) as socket:
        assert socket.subprotocol == "drumscribe.v1"
        assert closing(socket)[1] == 1000


# ---------------------------------------------------------------------------------------------- below HTTP


def test_an_idle_stream_sends_heartbeats_and_a_stalled_one_is_given_up(services: Services) -> None:
    job = new_job(services)
    with services.sessions.read() as session:
        seen = look(session, job, after=0)
    assert seen is not None

    async def main() -> list[bytes]:
        hub = Hub(services.sessions, heartbeat_s=0.05, stalled_s=0.3)
        bodies: list[bytes] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(60)
            raise AssertionError("cancelled before")

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                bodies.append(message["body"])
            if len(bodies) > 4:
                await asyncio.sleep(60)  # the receiver reads no more

        async with asyncio.timeout(10):
            await EventStream(hub, job, seen, after=0)({"type": "http"}, receive, send)
        assert hub.count == 0
        await hub.aclose()
        assert len(asyncio.all_tasks()) == 1
        return bodies

    bodies = asyncio.run(main())
    assert bodies[0] == b"retry: 2000\n\n"
    assert bodies[1].startswith(b"id: 1\nevent: status\ndata: {")
    assert bodies[2:] == [b": heartbeat\n\n"] * 3


# ---------------------------------------------------------------------------------------------- the process


@pytest.fixture(scope="module")
def process(backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The API alone, as a process, over PostgreSQL; no worker takes the jobs away."""
    with Deployment(DISTRIBUTED, tmp_path_factory.mktemp("api"), backing, parts=("api",)) as running:
        yield running


@pytest.fixture
def beside(process: Deployment) -> Iterator[Services]:
    """What the test moves jobs with in the database of that process."""
    names = Settings.model_fields.keys() & process.environment.keys()
    services = build(Settings.model_validate({name: process.environment[name] for name in names}))
    process.start()
    yield services
    services.close()


def test_being_told_to_stop_ends_open_streams_and_then_the_process(process: Deployment, beside: Services) -> None:
    job = new_job(beside)
    api = process.processes["api"]
    with ThreadPoolExecutor(12) as pool:
        streams = [pool.submit(read_stream, process, job) for _ in range(10)]
        with connect(f"ws://127.0.0.1:{process.port}/api/v1/jobs/{job}/ws") as socket:
            socket.recv()
            wait_until(lambda: len(connections(api.pid)) >= 11, seconds=10, what="all are connected")
            time.sleep(0.5)
            begun = time.monotonic()
            api.terminate()
            api.wait(10)
            assert time.monotonic() - begun < 5
            assert closing(socket)[1] == 1012
        for stream in streams:
            events, in_order = stream.result(5)
            assert in_order
            assert numbers(events) == [1]
    assert "Traceback" not in process.log("api")


def connections(pid: int) -> list[Any]:
    return [one for one in psutil.Process(pid).net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED and one.raddr]


def test_five_hundred_streams_cost_little(process: Deployment, beside: Services) -> None:
    jobs = [new_job(beside) for _ in range(100)]
    api = psutil.Process(process.processes["api"].pid)

    async def follow(job: str, counts: list[int], index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        writer.write(f"GET /api/v1/jobs/{job}/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        async for line in reader:
            counts[index] += line.startswith(b"data: ")
        writer.close()

    async def main() -> tuple[float, float, list[int]]:
        counts = [0] * 500
        tasks = [asyncio.create_task(follow(jobs[index % 100], counts, index)) for index in range(500)]
        async with asyncio.timeout(60):
            while sum(counts) < 500:
                await asyncio.sleep(0.1)
            cpu, begun = cpu_of(api), time.monotonic()
            await asyncio.sleep(5)
            load = (cpu_of(api) - cpu) / (time.monotonic() - begun)
            for job in jobs:
                await asyncio.to_thread(cancel, beside, job)
            megabytes = api.memory_info().rss / 1e6
            await asyncio.gather(*tasks)
        return load, megabytes, counts

    load, megabytes, counts = asyncio.run(main())
    print(f"500 streams: {megabytes:.0f} MB, {load:.1%} of a core")
    assert counts == [2] * 500
    assert megabytes < 400
    assert load < 0.25


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
