"""What the API does with requests that are wrong, by accident or on purpose: a problem, nothing kept, nothing broken."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil
import pytest
from api_server import RunningApi, wav_bytes
from servers import wait_until
from sqlalchemy import func, select

from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job
from drumscribe.service.wiring import Services, build

SONG = wav_bytes()
BOUNDARY = "xyz"


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    built = build(settings.model_copy(update={"MAX_CONCURRENT_JOBS_PER_USER": 0, "MAX_FILE_SIZE_MB": 1}))
    built.queue.purge()
    yield built
    built.close()


def part(name: str, content: bytes | str = b"", filename: str | None = None, kind: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += f"\r\nContent-Type: {kind}" if kind else ""
    return head.encode() + b"\r\n\r\n" + (content.encode() if isinstance(content, str) else content) + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
GOOD = part("file", SONG, "a.wav")


def post_form(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post("jobs", content=body, headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} | headers)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def nothing_is_kept(services: Services) -> None:
    assert list(services.storage.iter_job_ids()) == []
    assert services.storage.purge_incoming(-1) == 0
    with services.sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0


BAD_FORMS = {
    "no file": (part("title", "x") + END, 422, "validation_error"),
    "no part": (END, 422, "validation_error"),
    "nothing": (b"", 400, "malformed_request"),
    "no form at all": (b"hello", 400, "malformed_request"),
    "no end": (GOOD, 400, "malformed_request"),
    "cut within the file": (GOOD[:5000], 400, "malformed_request"),
    "two files": (GOOD + GOOD + END, 422, "validation_error"),
    "a file elsewhere": (part("cover", b"x", "a.wav") + END, 422, "validation_error"),
    "an empty file": (part("file", b"", "a.wav") + END, 422, "validation_error"),
    "an empty file name": (part("file", SONG, "") + END, 422, "validation_error"),
    "a name of dots": (part("file", SONG, "..") + END, 422, "validation_error"),
    "a name of control characters": (part("file", SONG, "\x01\x02") + END, 422, "validation_error"),
    "a field twice": (GOOD + part("title", "a") + part("title", "b") + END, 422, "validation_error"),
    "an unknown field": (GOOD + part("colour", "red") + END, 422, "validation_error"),
    "a tempo that is no number": (GOOD + part("bpm", "nan") + END, 422, "validation_error"),
    "an endless tempo": (GOOD + part("bpm", "inf") + END, 422, "validation_error"),
    "a tempo out of range": (GOOD + part("bpm", "39.9") + END, 422, "validation_error"),
    "a title with a NUL": (GOOD + part("title", "a\x00b") + END, 422, "validation_error"),
    "a title that is not UTF-8": (GOOD + part("title", b"\xff\xfe") + END, 422, "validation_error"),
    "a long title": (GOOD + part("title", "a" * 201) + END, 422, "validation_error"),
    "an unknown model": (GOOD + part("model", "nosuch") + END, 422, "weights_not_found"),
    "a webhook to this machine": (GOOD + part("webhook_url", "http://127.0.0.1/x") + END, 422, "invalid_webhook_url"),
    "a huge field": (part("title", "a" * 9000) + GOOD + END, 400, "malformed_request"),
    "10,000 fields": (b"".join(part(f"f{n}", "x") for n in range(10_000)) + GOOD + END, 400, "malformed_request"),
    "100 fields": (b"".join(part(f"f{n}", "x") for n in range(100)) + GOOD + END, 400, "malformed_request"),
    "a part without a name": (f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n".encode() + END, 400, "malformed_request"),
    "a hundred headers": (f"--{BOUNDARY}\r\n".encode() + b"X: y\r\n" * 100 + b"\r\nz\r\n" + END, 400, "malformed_request"),
    "text": (part("file", "hello", "a.txt") + END, 415, "unsupported_media_type"),
    "no extension": (part("file", SONG, "song") + END, 415, "unsupported_media_type"),
    "a picture by its type": (part("file", SONG, "a.wav", "image/png") + END, 415, "unsupported_media_type"),
    "a picture by its content": (part("file", b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "a.wav") + END, 422, "unreadable_audio"),
    "text that is called wav": (part("file", "hello" * 100, "a.wav") + END, 422, "unreadable_audio"),
    "half a header": (part("file", SONG[:20], "a.wav") + END, 422, "unreadable_audio"),
    "a playlist": (part("file", "#EXTM3U\nfile:///etc/passwd\n", "a.mp3") + END, 422, "unreadable_audio"),
    "an hour": (part("file", wav_bytes(6, stated_seconds=3600), "a.flac") + END, 422, None),
    "more than a megabyte": (part("file", b"\0" * 1_000_001, "a.wav") + END, 413, "file_too_large"),
}


def test_a_bad_form_that_has_arrived_whole_is_answered_at_once(client: httpx.Client) -> None:
    post_form(client, END)  # the first request loads what is needed
    started = time.monotonic()
    refused(post_form(client, GOOD[:5000]), 400, "malformed_request")
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("case", BAD_FORMS)
def test_a_bad_form_is_refused_and_leaves_nothing(client: httpx.Client, services: Services, case: str) -> None:
    body, status, code = BAD_FORMS[case]
    answer = post_form(client, body)
    refused(answer, status, answer.json()["code"] if code is None else code)
    nothing_is_kept(services)
    assert post_form(client, GOOD + END).status_code == 202  # and the next is taken


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.wav", "passwd.wav"),
        ("C:\\songs\\a.wav", "a.wav"),
        ("/abs/ü 🥁.wav", "ü 🥁.wav"),
        ("a\x07b\u202e.wav", "ab.wav"),
        ("x" * 300 + ".wav", "x" * 196 + ".wav"),
        ("CON.WAV", "CON.WAV"),
    ],
)
def test_a_file_name_is_kept_without_its_dangers(client: httpx.Client, services: Services, sent: str, kept: str) -> None:
    answer = post_form(client, part("file", SONG, sent) + END)
    assert answer.status_code == 202, answer.text
    job_id = answer.json()["job_id"]
    assert client.get(f"jobs/{job_id}").json()["original_filename"] == kept
    assert [file.name for file in services.storage.list_job_files(job_id)] == ["original.wav"]
    assert client.get(f"jobs/{job_id}/download/original").content == SONG


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{}", "application/json", 422, "validation_error"),
        (b"", "application/json", 422, "validation_error"),
        (b"[1]", "application/json", 422, "validation_error"),
        (b'{"youtube_url": 5}', "application/json", 422, "validation_error"),
        (b'{"youtube_url": "https://youtu.be/dQw4w9WgXcQ", "bpm": NaN}', "application/json", 422, "validation_error"),
        (b'{"youtube_url": "https://youtu.be/dQw4w9WgXcQ", "x": 1}', "application/json", 422, "validation_error"),
        (b'{"youtube_url": "https://youtu.be/dQw4w9WgXcQ", "title": "\\u0000"}', "application/json", 422, "validation_error"),
        (b'{"youtube_url": "https://youtu.be/dQw4w9WgXcQ", "title": "\\ud800"}', "application/json", 422, "validation_error"),
        (b'{"youtube_url": "http://169.254.169.254/latest"}', "application/json", 422, "unsupported_url"),
        (b'{"youtube_url": "file:///etc/passwd"}', "application/json", 422, "unsupported_url"),
        (b"[" * 30_000, "application/json", 422, "validation_error"),
        (b'{"a":' * 10_000, "application/json", 422, "validation_error"),
        (b"\xff\xfe{}", "application/json", 422, "validation_error"),
        (b" " * 70_000, "application/json", 413, "file_too_large"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"x", "audio/wav", 415, "unsupported_media_type"),
        (b"x", "", 415, "unsupported_media_type"),
        (GOOD + END, "multipart/form-data", 400, "malformed_request"),
        (GOOD + END, "multipart/form-data; boundary=" + "b" * 300, 400, "malformed_request"),
    ],
)
def test_a_bad_body_is_refused(client: httpx.Client, services: Services, body: bytes, kind: str, status: int, code: str) -> None:
    refused(client.post("jobs", content=body, headers={"Content-Type": kind}), status, code)
    nothing_is_kept(services)


def test_whatever_is_asked_wrongly_is_a_problem(client: httpx.Client) -> None:
    refused(client.get("nowhere"), 404, "not_found")
    refused(client.put("jobs"), 405, "method_not_allowed")
    assert client.put("jobs").headers["allow"] == "GET, POST"
    refused(client.options("jobs"), 405, "method_not_allowed")
    assert client.head("jobs").status_code == 405
    refused(client.get("jobs/not-a-uuid"), 422, "validation_error")
    refused(client.get("jobs/%00"), 422, "validation_error")
    refused(client.get("jobs", params={"limit": "0"}), 422, "validation_error")
    refused(client.get("jobs", params={"status": "eaten"}), 422, "validation_error")
    refused(client.get("jobs", params={"q": "a\x00b"}), 422, "validation_error")
    json_type = {"Content-Type": "application/json"}
    refused(client.patch("jobs/" + "0" * 32, content=b"\xff", headers=json_type), 400, "malformed_request")
    refused(client.post("jobs", json={}, headers={"Idempotency-Key": "a b"}), 422, "validation_error")
    big = client.patch("jobs/" + "0" * 32, content=b" " * 300_000, headers=json_type)
    refused(big, 413, "request_too_large")


def test_browsers_of_listed_origins_may_ask_and_read(client: httpx.Client) -> None:
    wanted = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    allowed = client.options("jobs", headers=wanted | {"Access-Control-Request-Headers": "idempotency-key"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "http://localhost:3000")
    answer = client.get("nowhere", headers={"Origin": "http://localhost:3000"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"etag", "location", "retry-after", "x-request-id"} <= {name.strip() for name in exposed.split(",")}
    other = client.get("nowhere", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert other.headers["x-content-type-options"] == "nosniff"
    assert client.get("jobs", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"


def raw(api: RunningApi, head: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", api.port), timeout=20)
    connection.sendall(head.replace("\n", "\r\n").encode() + body)
    return connection


HEAD = f"POST /api/v1/jobs HTTP/1.1\nHost: x\nContent-Type: multipart/form-data; boundary={BOUNDARY}\n"


def test_a_length_that_is_too_large_is_refused_before_anything_is_sent(api: RunningApi, services: Services) -> None:
    with raw(api, HEAD + "Content-Length: 5000000000\n\n") as connection:
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413"), answer
        assert b"file_too_large" in answer
    nothing_is_kept(services)


def test_a_stream_without_end_is_cut_off_at_the_limit(api: RunningApi, services: Services) -> None:
    sent = 0
    with raw(api, HEAD + "Transfer-Encoding: chunked\n\n") as connection, suppress(ConnectionError):
        opening = part("file", b"", "a.wav")[:-2]
        connection.sendall(b"%x\r\n%s\r\n" % (len(opening), opening))
        while sent < 2_000_000_000:
            connection.sendall(b"10000\r\n" + b"\0" * 65536 + b"\r\n")
            sent += 65536
    assert sent < 2_000_000_000
    nothing_is_kept(services)


def test_a_sender_that_goes_away_leaves_nothing(api: RunningApi, services: Services) -> None:
    connection = raw(api, HEAD + f"Content-Length: {len(GOOD + END)}\n\n", GOOD[:100_000])
    time.sleep(0.5)
    connection.close()
    time.sleep(0.5)
    nothing_is_kept(services)


def test_a_length_that_lies_does_not_make_a_job(api: RunningApi, services: Services) -> None:
    with raw(api, HEAD + "Content-Length: 1000\n\n", GOOD + END) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")
    nothing_is_kept(services)


def test_many_uploads_at_once_do_not_hold_up_the_rest(api: RunningApi) -> None:
    stalled = [raw(api, HEAD + f"Content-Length: {len(GOOD + END)}\n\n", GOOD[:70_000]) for _ in range(60)]
    try:
        with api.client() as client:
            began = time.monotonic()
            assert client.get("jobs").status_code == 200
            assert post_form(client, GOOD + END).status_code == 202
            assert time.monotonic() - began < 10
    finally:
        for connection in stalled:
            connection.close()


def test_a_decoder_that_crashes_is_the_files_fault_and_the_next_file_is_read(api: RunningApi, client: httpx.Client) -> None:
    assert post_form(client, GOOD + END).status_code == 202  # the process runs
    children = [child for child in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
    assert children
    for child in children:
        child.kill()
    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), seconds=5, what="killed")
    assert post_form(client, GOOD + END).status_code in (202, 422)
    assert post_form(client, GOOD + END).status_code == 202


def test_the_api_starts_light() -> None:
    heavy = ["torch", "onnxruntime", "scipy", "numpy", "av", "celery", "boto3", "drumscribe.pipeline", "drumscribe.service.steps"]
    code = f"import sys, json, drumscribe.service.api.app; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
