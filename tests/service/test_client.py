"""The client does what its methods say, over good connections and bad ones."""

from __future__ import annotations

import http.server
import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from api_server import RunningApi, running_api, wav_bytes
from deployment import DISTRIBUTED, Backing, Deployment
from faulty_proxy import FaultyProxy, faulty_proxy
from servers import free_port
from sqlalchemy import func, select

from drumscribe.client import ApiError, ClientError, DrumScribeClient, Event, JobFailed, ServerUnreachable, WaitTimedOut
from drumscribe.client.types import read_job
from drumscribe.errors import AudioTooLong, ExportFailed, FileNotReadable, OptionError, UnreadableAudio
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.lifecycle import NewArtifact
from drumscribe.service.jobs.plan import INGEST, STEPS
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build

SONG = wav_bytes()


@pytest.fixture
def client(api: RunningApi) -> Iterator[DrumScribeClient]:
    with DrumScribeClient(api.base_url) as client:
        yield client


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "Größer & schöner.wav"
    path.write_bytes(SONG)
    return path


def new_job(services: Services, title: str = "") -> str:
    job = Job(id=str(uuid4()), input_type="upload", user_identifier="ip:127.0.0.1", title=title)
    with services.sessions.write() as session:
        lifecycle.enter(session, job, {})
    return job.id


def work_through(services: Services, job_id: str, *, pause_s: float = 0.0, steps: Any = STEPS, **files: bytes) -> None:
    """Do the work of all steps; the last makes a file of each format."""
    for step in steps:
        with services.sessions.write() as session:
            held = lifecycle.claim(session, step, job_id, worker="w:1", lease_s=30, max_attempts=6)
        assert held is not None
        for number in range(3):
            time.sleep(pause_s)
            with services.sessions.write() as session:
                assert lifecycle.report(session, held, progress=step.begin + number, stage="listen")
        made = [NewArtifact(f"x.{form}", "result", "application/pdf", len(content), form) for form, content in files.items()]
        for artifact in made if step is STEPS[-1] else ():
            services.storage.save_file(job_id, 1, artifact.name, files[artifact.format or ""], content_type="application/pdf")
        with services.sessions.write() as session:
            entered = made if step is STEPS[-1] else ()
            assert lifecycle.finish(session, held, values={}, artifacts=entered, elapsed_ms=1)


LAST = 1 + len(STEPS) * 5


def in_thread(act: Callable[..., None], *args: Any, **kwargs: Any) -> threading.Thread:
    thread = threading.Thread(target=act, args=args, kwargs=kwargs)
    thread.start()
    return thread


def fail(services: Services, job_id: str) -> None:
    with services.sessions.write() as session:
        held = lifecycle.claim(session, INGEST, job_id, worker="w:1", lease_s=30, max_attempts=6)
        assert held is not None
        lifecycle.fail(session, held, UnreadableAudio("It is not audio."), max_attempts=6, retry_base_s=0)


def jobs_in(services: Services) -> int:
    with services.sessions.read() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


# ---------------------------------------------------------------------------------------------- handing in


def test_options_arrive_as_they_were_given(client: DrumScribeClient, services: Services, song: Path) -> None:
    made = client.create_job(song, title="Mine", bpm=120.5, similes=True, sections=False, voices=1, separation=None)
    job = client.job(made.id)
    assert (made.status, made.replayed) == ("queued", False)
    assert (job.title, job.bpm, job.original_filename, job.status) == ("Mine", 120.5, song.name, "queued")
    with services.sessions.read() as session:
        options = session.get_one(Job, made.id).options
    assert (options["similes"], options["sections"], options["voices"]) == (True, False, 1)


class Pipe(io.RawIOBase):
    """Bytes that can be read once."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


def test_open_files_and_pipes_can_be_sent(client: DrumScribeClient, song: Path) -> None:
    with song.open("rb") as file:
        assert client.job(client.create_job(file).id).original_filename == song.name
    with io.BufferedReader(Pipe(SONG)) as pipe:
        assert client.job(client.create_job(pipe, filename="piped.wav").id).original_filename == "piped.wav"


def test_the_same_key_makes_no_second_job(client: DrumScribeClient, song: Path) -> None:
    first, second = (client.create_job(song, idempotency_key="one") for _ in range(2))
    assert (first.id, first.replayed, second.replayed) == (second.id, False, True)
    with pytest.raises(ApiError) as refusal:
        client.create_job(song, idempotency_key="one", title="Another")
    assert refusal.value.code == "idempotency_key_reused"


def test_an_upload_whose_answer_is_lost_makes_one_job(api: RunningApi, services: Services, song: Path) -> None:
    with faulty_proxy(api.port, 0, 0, only="POST") as proxy, DrumScribeClient(proxy.base_url) as client:
        made = client.create_job(song)
        assert [request.split()[0] for request in proxy.requests] == ["POST"] * 3
        assert made.replayed
        assert jobs_in(services) == 1


def test_what_cannot_be_sent_is_refused_before(client: DrumScribeClient, tmp_path: Path) -> None:
    with pytest.raises(FileNotReadable, match="cannot be read"):
        client.create_job(tmp_path / "missing.wav")
    with pytest.raises(OptionError, match="Either"):
        client.create_job()
    with pytest.raises(OptionError, match="not the id"):
        client.job("../../readyz")
    with pytest.raises(OptionError, match="no address"):
        DrumScribeClient("ftp://example.org")


# ---------------------------------------------------------------------------------------------- errors


def test_refusals_are_errors_of_the_tree(client: DrumScribeClient, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    long.write_bytes(wav_bytes(6.0, stated_seconds=50_000))
    with pytest.raises(ApiError) as refusal:
        client.create_job(long)
    error = refusal.value
    assert (error.code, error.status, error.exit_code) == ("audio_too_long", 422, AudioTooLong.exit_code)
    assert not error.retryable
    with pytest.raises(ApiError) as unknown:
        client.job(str(uuid4()))
    assert (unknown.value.code, unknown.value.status, unknown.value.exit_code) == ("job_not_found", 404, 8)
    assert unknown.value.problem["title"]
    with pytest.raises(ApiError) as invalid:
        client.create_job(long, bpm=7)
    assert [field for field, _ in invalid.value.errors] == ["body.bpm"]
    assert issubclass(ApiError, ClientError)


def test_a_wait_that_is_longer_than_our_patience_is_passed_on(settings: Settings, song: Path) -> None:
    services = build(settings.model_copy(update={"MAX_JOBS_PER_USER_PER_HOUR": 1, "MAX_CONCURRENT_JOBS_PER_USER": 0}))
    with running_api(services) as api, DrumScribeClient(api.base_url) as client:
        client.create_job(song)
        begun = time.monotonic()
        with pytest.raises(ApiError) as refusal:
            client.create_job(song)
        assert time.monotonic() - begun < 10
        error = refusal.value
        assert (error.code, error.status, error.retryable) == ("rate_limited", 429, True)
        assert error.retry_after_s is not None
        assert error.retry_after_s > 3000
    services.close()


class Busy(http.server.BaseHTTPRequestHandler):
    """A server that has no time for its first two requests."""

    asked: ClassVar[list[float]] = []

    def do_GET(self) -> None:
        self.asked.append(time.monotonic())
        is_busy = len(self.asked) < 3
        body = b"{}" if is_busy else b'{"status": "ok"}'
        self.send_response(429 if is_busy else 200)
        if is_busy:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_short_wait_is_waited_for() -> None:
    with served(Busy) as port, DrumScribeClient(f"http://127.0.0.1:{port}") as client:
        assert client.health().status == "ok"
    first, second, third = Busy.asked
    assert second - first >= 1
    assert third - second >= 1


@contextmanager
def served(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = in_thread(server.serve_forever)
        yield server.server_port
        server.shutdown()
        thread.join()


def test_nobody_there_is_said_when_patience_ends() -> None:
    with DrumScribeClient(f"http://127.0.0.1:{free_port()}", patience_s=1.0) as client:
        begun = time.monotonic()
        with pytest.raises(ServerUnreachable, match="cannot be reached"):
            client.health()
        assert 0.3 < time.monotonic() - begun < 3


class Page(http.server.BaseHTTPRequestHandler):
    """Some other web server."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: Any) -> None:
        pass


def test_another_kind_of_server_is_not_taken_for_drumscribe() -> None:
    with (
        served(Page) as port,
        DrumScribeClient(f"http://127.0.0.1:{port}") as client,
        pytest.raises(ServerUnreachable, match="does not answer as DrumScribe does"),
    ):
        client.health()


# ---------------------------------------------------------------------------------------------- waiting


def test_waiting_tells_every_step_and_returns_the_job(client: DrumScribeClient, services: Services) -> None:
    job = new_job(services)
    worker = in_thread(work_through, services, job, pause_s=0.05)
    seen: list[Event] = []
    done = client.wait(job, on_progress=seen.append, timeout_s=60)
    worker.join()
    assert (done.status, done.progress, done.revision) == ("completed", 100, 1)
    told = [event.seq for event in seen]
    assert told == list(range(told[0], LAST + 1))
    assert {event.status for event in seen} >= {"processing", "predicting", "completed"}
    assert client.wait(job).status == "completed"  # and again, at once


def test_a_job_that_fails_raises_its_own_error(client: DrumScribeClient, services: Services) -> None:
    job = new_job(services)
    failing = threading.Timer(0.3, fail, [services, job])
    failing.start()
    with pytest.raises(JobFailed, match="It is not audio") as failure:
        client.wait(job, timeout_s=30)
    failing.join()
    assert (failure.value.code, failure.value.exit_code) == ("unreadable_audio", UnreadableAudio.exit_code)
    cancelled = new_job(services)
    client.cancel(cancelled)
    with pytest.raises(JobFailed, match="was cancelled") as end:
        client.wait(cancelled)
    assert end.value.code == "job_cancelled"


def test_waiting_ends_in_time(client: DrumScribeClient, services: Services) -> None:
    begun = time.monotonic()
    with pytest.raises(WaitTimedOut):
        client.wait(new_job(services), timeout_s=1.0)
    assert 0.9 < time.monotonic() - begun < 4


def test_an_error_in_the_callback_ends_the_wait(client: DrumScribeClient, services: Services) -> None:
    def stop(event: Event) -> None:
        raise KeyError(event.seq)

    with pytest.raises(KeyError):
        client.wait(new_job(services), on_progress=stop, timeout_s=10)


def test_streams_that_break_again_and_again_lose_nothing(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    cuts = [700, 900, 1100, 1300, 1500, 1700]
    with faulty_proxy(api.port, *cuts, only="/events") as proxy, DrumScribeClient(proxy.base_url) as client:
        worker = in_thread(work_through, services, job, pause_s=0.1)
        told = [event.seq for event in client.events(job, timeout_s=60)]
        worker.join()
        assert told == list(range(1, LAST + 1))
        assert len([request for request in proxy.requests if "/events" in request]) > 3


def test_where_no_stream_gets_through_the_job_is_asked_for(api: RunningApi, services: Services) -> None:
    job = new_job(services)
    with faulty_proxy(api.port, *[0] * 1000, only="/events") as proxy, DrumScribeClient(proxy.base_url) as client:
        worker = in_thread(work_through, services, job, pause_s=0.3)
        seen: list[Event] = []
        assert client.wait(job, on_progress=seen.append, timeout_s=60).status == "completed"
        worker.join()
        told = [event.seq for event in seen]
        assert told == sorted(set(told))
        assert seen[-1].status == "completed"
        assert len(told) > 3
        assert len([request for request in proxy.requests if "/events" in request]) == 2


@pytest.fixture(scope="module")
def process(backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The API alone, as a process, over PostgreSQL; no worker takes the jobs away."""
    with Deployment(DISTRIBUTED, tmp_path_factory.mktemp("api"), backing, parts=("api",)) as running:
        yield running


@pytest.mark.parametrize("crash", [True, False], ids=["killed", "told to stop"])
def test_events_go_on_when_the_server_ends_and_comes_back(process: Deployment, crash: bool) -> None:
    names = Settings.model_fields.keys() & process.environment.keys()
    services = build(Settings.model_validate({name: process.environment[name] for name in names}))
    process.start()
    job = new_job(services)
    told: list[int] = []
    with DrumScribeClient(process.base_url) as client:
        worker = in_thread(work_through, services, job, pause_s=0.4)
        for event in client.events(job, timeout_s=120):
            told.append(event.seq)
            if event.seq in (5, 12):
                if crash:
                    process.kill_part("api")
                else:
                    process.processes["api"].terminate()
                    process.processes["api"].wait(10)
                threading.Timer(1.0, process.start_part, ["api"]).start()
        worker.join()
    services.close()
    assert told == list(range(1, LAST + 1))


# ---------------------------------------------------------------------------------------------- results

PDF = bytes(range(256)) * 8000


def test_files_arrive_whole_under_the_servers_name(client: DrumScribeClient, services: Services, tmp_path: Path) -> None:
    job = new_job(services, title="Größer / schöner")
    work_through(services, job, pdf=PDF)
    there = client.download(job, "pdf", to=tmp_path / "mine.pdf")
    assert (there, there.read_bytes()) == (tmp_path / "mine.pdf", PDF)
    assert there.stat().st_mode & 0o044
    named = client.download(job, "pdf", to=tmp_path)
    assert named.parent == tmp_path
    assert named.name.startswith("Größer")
    assert named.read_bytes() == PDF
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(["mine.pdf", named.name])


def test_a_download_goes_on_where_it_broke(api: RunningApi, services: Services, tmp_path: Path) -> None:
    job = new_job(services)
    work_through(services, job, pdf=PDF)
    with faulty_proxy(api.port, 700_000, 0, 500_000) as proxy, DrumScribeClient(proxy.base_url) as client:
        assert client.download(job, "pdf", to=tmp_path / "song.pdf").read_bytes() == PDF
        ranges = [header(request, "range") for request in proxy.requests]
    assert ranges[0] == ""
    starts = [int(one.removeprefix("bytes=").rstrip("-")) for one in ranges[1:]]
    assert starts == sorted(starts)
    assert starts[0] > 600_000
    assert starts[-1] > 1_000_000


def header(request: str, name: str) -> str:
    for line in request.splitlines()[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


def test_what_cannot_be_fetched_leaves_nothing_behind(api: RunningApi, services: Services, tmp_path: Path) -> None:
    job = new_job(services)
    work_through(services, job, pdf=PDF)
    with faulty_proxy(api.port, *[600] * 1000) as proxy, DrumScribeClient(proxy.base_url, patience_s=1.5) as client:
        with pytest.raises(ServerUnreachable):
            client.download(job, "pdf", to=tmp_path / "song.pdf")
        proxy.faults.clear()
        with pytest.raises(ApiError) as missing:
            client.download(job, "mxl", to=tmp_path / "song.mxl")
        assert missing.value.code == "artifact_missing"
        with pytest.raises(ExportFailed, match="cannot be written"):
            client.download(job, "pdf", to=tmp_path / "missing" / "song.pdf")
    assert not any(path.is_file() for path in tmp_path.iterdir())


def test_a_result_that_is_not_there_yet_says_so(client: DrumScribeClient, services: Services) -> None:
    with pytest.raises(ApiError) as early:
        client.result(new_job(services))
    assert (early.value.code, early.value.status) == ("job_not_completed", 409)


# ---------------------------------------------------------------------------------------------- the rest


def test_all_jobs_are_listed_page_by_page(client: DrumScribeClient, services: Services) -> None:
    ids = [new_job(services, title=f"song {number}") for number in range(7)]
    assert [job.id for job in client.jobs(page_size=3)] == ids[::-1]
    assert [job.title for job in client.jobs(q="song 4")] == ["song 4"]
    client.cancel(ids[0])
    assert [job.id for job in client.jobs(status="cancelled")] == [ids[0]]


def test_a_job_can_be_renamed_cancelled_and_deleted(client: DrumScribeClient, services: Services) -> None:
    job = new_job(services)
    assert client.rename(job, "New").title == "New"
    assert client.cancel(job).status == "cancelled"
    with pytest.raises(ApiError) as ended:
        client.cancel(job)
    assert ended.value.status == 409
    client.delete(job)
    client.delete(job)
    assert [one.id for one in client.jobs()] == []


def test_a_re_engraving_is_a_new_revision_that_can_be_waited_for(client: DrumScribeClient, services: Services) -> None:
    job = new_job(services)
    services.storage.save_file(job, 1, "performance.json", b"{}", content_type="application/json")
    work_through(services, job)
    revision = client.re_engrave(job, time_signature="6/8")
    assert (revision.number, revision.base, revision.status) == (2, 1, "queued")
    worker = in_thread(work_through, services, job, pause_s=0.1, steps=STEPS[-1:])
    seen: list[int] = []
    assert client.wait(job, on_progress=lambda event: seen.append(event.seq), timeout_s=30).revision == 2
    worker.join()
    assert seen[0] > LAST
    assert [one.number for one in client.revisions(job)] == [1, 2]
    with pytest.raises(ApiError) as conflict:
        client.re_engrave(job, base_revision=1)
    assert conflict.value.code == "revision_conflict"


def test_a_score_is_shared_read_and_taken_back(
    api: RunningApi, client: DrumScribeClient, services: Services, tmp_path: Path
) -> None:
    job_id = new_job(services, title="My song")
    work_through(services, job_id, pdf=b"%PDF")
    services.storage.save_file(job_id, 1, "result.json", b'{"revision": 1, "bpm": 90, "hits": []}')
    made = client.share(job_id)
    heard = client.share(job_id, with_audio=True)
    assert (made.path, made.with_audio, heard.with_audio) == (f"/s/{made.token}", False, True)
    assert client.shares(job_id) == (made, heard)
    with DrumScribeClient(api.base_url) as other:
        assert (other.shared(made.token).title, other.shared(made.token).revision) == ("My song", 1)
        assert (other.shared_result(made.token).bpm, other.shared_result(made.token).job_id) == (90, "")
        assert other.download_shared(made.token, "pdf", to=tmp_path).read_bytes() == b"%PDF"
        client.revoke_share(job_id, made.id)
        with pytest.raises(ApiError) as caught:
            other.shared(made.token)
    assert caught.value.code == "share_not_found"
    assert client.shares(job_id) == (heard,)
    with pytest.raises(OptionError, match="id of a link"):
        client.revoke_share(job_id, "x")


def test_the_server_says_how_it_is_and_what_it_takes(client: DrumScribeClient) -> None:
    health = client.health()
    assert health.status in ("ok", "degraded")
    assert health.checks["database"]
    assert client.limits()["max_file_size_mb"] == 50


def test_a_key_is_sent(settings: Settings, tmp_path: Path) -> None:
    services = build(settings.model_copy(update={"AUTH_MODE": "keys"}))
    from drumscribe.service.users import actions

    with services.sessions.write() as session:
        _, secret = actions.create_key(session, user_id=None, name="test", scopes=frozenset({"jobs:read"}))
    with running_api(services) as api:
        with DrumScribeClient(api.base_url, secret) as client:
            assert list(client.jobs()) == []
        with DrumScribeClient(f"{api.base_url}/api/v1/") as client, pytest.raises(ApiError) as refusal:
            list(client.jobs())
        assert refusal.value.code == "unauthenticated"
    services.close()


def test_answers_of_newer_and_older_servers_are_understood() -> None:
    job = read_job({"id": "x", "status": "polishing", "progress": None, "hit_summary": None, "warnings": ["no_hits"], "new": [1]})
    assert (job.status, job.progress, job.is_final, job.raw["new"]) == ("polishing", 0, False, [1])
    assert job.warnings[0].code == "no_hits"
    error = {"code": "silent_audio", "message": "It is silent.", "hint": "louder"}
    assert read_job({"job_id": "x", "status": "failed", "error": error}).error is not None


def test_the_client_loads_nothing_of_the_service() -> None:
    heavy = ("drumscribe.service", "numpy", "fastapi")
    code = f"import sys, drumscribe.client; print([name for name in sys.modules if name.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_proxy_of_these_tests_passes_on_what_it_is_given(api: RunningApi) -> None:
    with faulty_proxy(api.port) as proxy, DrumScribeClient(proxy.base_url) as client:
        assert isinstance(proxy, FaultyProxy)
        assert client.health().status in ("ok", "degraded")
