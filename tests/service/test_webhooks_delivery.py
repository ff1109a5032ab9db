"""A message is delivered once it can be, at least once, signed, and never to where it should not go. In both databases."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme
from prometheus_client import REGISTRY
from receivers import Receiver, announce, attempts_of, make_due, message_of, receiving, status, wait_of, with_settings
from servers import wait_until
from sqlalchemy import delete, update
from standardwebhooks import Webhook

from drumscribe.service.database import db_seconds
from drumscribe.service.tables import Job, WebhookMessage
from drumscribe.service.webhooks import actions
from drumscribe.service.webhooks.delivery import deliver_webhooks
from drumscribe.service.webhooks.sending import Answer
from drumscribe.service.wiring import Services, build

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" * 2


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def sender(services: Services, receiver: Receiver) -> Services:
    """Services that may call the receiver."""
    return allowed(services, receiver)


def allowed(services: Services, receiver: Receiver, **changes: Any) -> Services:
    """Services that may call that receiver, under other settings."""
    return with_settings(
        services, **{"WEBHOOK_ALLOWED_ENDPOINTS": (receiver.endpoint,), "WEBHOOK_TIMEOUT_SECONDS": 5.0, **changes}
    )


# ---------------------------------------------------------------------------------------------- what arrives


def test_the_end_of_a_job_reaches_its_receiver_signed(sender: Services, receiver: Receiver) -> None:
    job_id = announce(sender, receiver.url)
    assert deliver_webhooks(sender) == 1
    assert deliver_webhooks(sender) == 0
    (request,) = receiver.received
    assert request.path == "/hook?token=abc"
    assert request.headers["host"] == receiver.endpoint
    assert request.headers["content-type"] == "application/json"
    with sender.sessions.write() as session:
        secret = actions.ensure_secret(session, "ip:192.0.2.1").secret
    said = Webhook(secret).verify(request.body, request.headers)
    assert said["type"] == "job.cancelled"
    assert (said["data"]["job_id"], said["data"]["status"], said["data"]["title"]) == (job_id, "cancelled", "Ein Lied – ü")
    message = message_of(sender, job_id)
    assert request.headers["webhook-id"] == message.id
    assert (message.status, message.attempts, message.leased_until) == ("delivered", 1, None)
    assert message.delivered_at is not None
    (attempt,) = attempts_of(sender, job_id)
    assert (attempt.status_code, attempt.error) == (204, None)


def test_a_job_without_an_address_sends_nothing(sender: Services, receiver: Receiver) -> None:
    announce(sender, None)
    assert deliver_webhooks(sender) == 0
    assert receiver.received == []


def test_links_are_whole_once_the_public_address_is_known(sender: Services, receiver: Receiver) -> None:
    job_id = announce(sender, receiver.url)
    with sender.sessions.write() as session:
        payload = message_of(sender, job_id).payload
        payload = {**payload, "data": {**payload["data"], "result_url": f"/api/v1/jobs/{job_id}/result"}}
        session.execute(update(WebhookMessage).values(payload=payload))
    deliver_webhooks(with_settings(sender, PUBLIC_URL="https://drums.example/"))
    said = json.loads(receiver.received[0].body)
    assert said["data"]["result_url"] == f"https://drums.example/api/v1/jobs/{job_id}/result"


# ---------------------------------------------------------------------------------------------- secrets


def test_both_secrets_sign_for_a_day_after_a_rotation(sender: Services, receiver: Receiver) -> None:
    with sender.sessions.write() as session:
        old = actions.ensure_secret(session, "user:1").secret
    with sender.sessions.write() as session:
        new = actions.rotate_secret(session, "user:1", sender.settings).secret
    announce(sender, receiver.url, owner="user:1")
    deliver_webhooks(sender)
    for secret in (old, new):
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    with sender.sessions.write() as session:
        row = actions.ensure_secret(session, "user:1")
        assert row.previous_until is not None
        assert abs(row.previous_until - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
        row.previous_until = datetime.now(UTC) - timedelta(seconds=1)
    announce(sender, receiver.url, owner="user:1")
    deliver_webhooks(sender)
    assert len(receiver.received[1].headers["webhook-signature"].split()) == 1
    Webhook(new).verify(receiver.received[1].body, receiver.received[1].headers)


def test_the_operators_secret_signs_for_owners_without_their_own(sender: Services, receiver: Receiver) -> None:
    from pydantic import SecretStr

    shared = with_settings(sender, WEBHOOK_SECRET=SecretStr(SECRET))
    announce(shared, receiver.url, owner="user:2")
    deliver_webhooks(shared)
    Webhook(SECRET).verify(receiver.received[0].body, receiver.received[0].headers)
    with shared.sessions.write() as session:
        own = actions.rotate_secret(session, "user:2", shared.settings).secret
    announce(shared, receiver.url, owner="user:2")
    deliver_webhooks(shared)
    for secret in (own, SECRET):  # the operator's goes on for a day: the receiver still knows that one
        Webhook(secret).verify(receiver.received[1].body, receiver.received[1].headers)


def test_an_owner_has_one_secret_however_many_ask_at_once(services: Services) -> None:
    def ask(_: int) -> str:
        with services.sessions.write() as session:
            return actions.ensure_secret(session, "user:3").secret

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1


# ---------------------------------------------------------------------------------------------- when it fails


def test_a_receiver_that_fails_is_tried_again_under_the_same_id(services: Services) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        status(500 if number == 1 else 200, b"Out of\x00\r\n order")(handler, number)

    with receiving(respond) as receiver:
        sender = allowed(services, receiver)
        job_id = announce(sender, receiver.url)
        assert deliver_webhooks(sender) == 1
        assert message_of(sender, job_id).status == "pending"
        assert 2 < wait_of(sender, job_id) < 7
        assert deliver_webhooks(sender) == 0
        make_due(sender, job_id)
        assert deliver_webhooks(sender) == 1
        assert message_of(sender, job_id).status == "delivered"
        first, second = receiver.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert [(a.status_code, a.error) for a in attempts_of(sender, job_id)] == [
            (500, "The receiver answered 500: Out of order"),
            (200, None),
        ]


def test_ten_attempts_span_about_thirty_hours(services: Services) -> None:
    job_id = announce(services, "http://127.0.0.1:9/")
    waits = list[float]()
    while message_of(services, job_id).status == "pending":
        make_due(services, job_id)
        assert deliver_webhooks(services) == 1
        waits.append(wait_of(services, job_id))
    assert len(attempts_of(services, job_id)) == 10
    assert message_of(services, job_id).status == "given_up"
    for waited, planned in zip(waits[:-1], actions.WAITS_S, strict=True):
        assert 0.8 * planned - 2 < waited < 1.2 * planned
    assert 29 < sum(actions.WAITS_S) / 3600 < 32


@pytest.mark.parametrize("code", [429, 503])
def test_a_receiver_may_ask_for_a_pause(services: Services, code: int) -> None:
    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
        pause = {1: "300", 2: later, 3: "soon", 4: "9" * 400}[number]
        status(code, Retry_After=pause)(handler, number)

    with receiving(respond) as receiver:
        sender = allowed(services, receiver)
        job_id = announce(sender, receiver.url)
        for least, most in ((290, 310), (590, 610), (200, 370), (86000, 87000)):
            make_due(sender, job_id)
            deliver_webhooks(sender)
            assert least < wait_of(sender, job_id) < most


def test_a_receiver_that_is_gone_is_not_asked_again(services: Services) -> None:
    with receiving(status(410)) as receiver:
        sender = allowed(services, receiver)
        job_id = announce(sender, receiver.url)
        deliver_webhooks(sender)
        assert message_of(sender, job_id).status == "given_up"
        make_due(sender, job_id)
        assert deliver_webhooks(sender) == 0


def test_a_redirect_is_a_failure_and_is_not_followed(services: Services, receiver: Receiver) -> None:
    with receiving(status(302, Location=receiver.url)) as first:
        sender = with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(first.endpoint, receiver.endpoint))
        job_id = announce(sender, first.url)
        deliver_webhooks(sender)
    assert receiver.received == []
    (attempt,) = attempts_of(sender, job_id)
    assert attempt.status_code == 302
    assert attempt.error == "The receiver answered 302, a redirect; redirects are not followed."


def test_proxies_of_the_environment_are_not_asked(sender: Services, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(status(502)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.endpoint}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        announce(sender, receiver.url)
        deliver_webhooks(sender)
        assert len(receiver.received) == 1
        assert proxy.received == []


def _silent(handler: BaseHTTPRequestHandler, release: threading.Event) -> None:
    release.wait(20)


def _slow_headers(handler: BaseHTTPRequestHandler, release: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not release.wait(0.05):
        handler.wfile.write(b"a")


def _informational(handler: BaseHTTPRequestHandler, release: threading.Event) -> None:
    while not release.wait(0.02):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("trickle", [_silent, _slow_headers, _informational])
def test_a_receiver_cannot_hold_a_worker_longer_than_the_time_limit(services: Services, trickle: Any) -> None:
    with receiving() as receiver:
        receiver.respond = lambda handler, _: trickle(handler, receiver.release)
        sender = allowed(services, receiver, WEBHOOK_TIMEOUT_SECONDS=0.6)
        job_id = announce(sender, receiver.url)
        started = time.monotonic()
        deliver_webhooks(sender)
        assert time.monotonic() - started < 3
        (attempt,) = attempts_of(sender, job_id)
        assert attempt.error == "No answer within 0.6 s."
        assert 500 <= attempt.elapsed_ms < 3000


def test_an_answer_counts_although_its_body_never_ends(services: Services) -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not receiver.release.wait(0.05):
            handler.wfile.write(b"1\r\na\r\n")

    with receiving(respond) as receiver:
        sender = allowed(services, receiver, WEBHOOK_TIMEOUT_SECONDS=0.6)
        job_id = announce(sender, receiver.url)
        started = time.monotonic()
        deliver_webhooks(sender)
        assert time.monotonic() - started < 3
        assert message_of(sender, job_id).status == "delivered"


def test_of_an_endless_answer_only_the_beginning_is_read(services: Services) -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.wfile.write(b"HTTP/1.1 500 Broken\r\n\r\n")
        while not receiver.release.is_set():
            handler.wfile.write(b"x" * 65536)

    with receiving(respond) as receiver:
        sender = allowed(services, receiver, WEBHOOK_TIMEOUT_SECONDS=20.0)
        job_id = announce(sender, receiver.url)
        started = time.monotonic()
        deliver_webhooks(sender)
        assert time.monotonic() - started < 5
        (attempt,) = attempts_of(sender, job_id)
        assert attempt.error == "The receiver answered 500: " + "x" * 500


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "The connection failed"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "did not answer in HTTP"),
        (b"HTTP/1.1 200 " + b"a" * 70000, "did not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "did not answer in HTTP"),
    ],
)
def test_what_is_not_http_is_a_failure(services: Services, answer: bytes, says: str) -> None:
    with receiving(lambda handler, _: handler.wfile.write(answer) and None) as receiver:
        sender = allowed(services, receiver)
        job_id = announce(sender, receiver.url)
        deliver_webhooks(sender)
    assert says in (attempts_of(sender, job_id)[0].error or "")
    assert message_of(sender, job_id).status == "pending"


def test_nobody_listening_is_a_failure(services: Services) -> None:
    with receiving() as receiver:
        sender = allowed(services, receiver)
    job_id = announce(sender, receiver.url)
    deliver_webhooks(sender)
    assert attempts_of(sender, job_id)[0].error == "The connection failed: Connection refused."


# ---------------------------------------------------------------------------------------------- where it may go


def test_the_address_is_judged_at_every_attempt(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["8.8.8.8"]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, port, *a, **k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[-1], port))]
    )
    from drumscribe.service.webhooks.addresses import check_webhook_url

    with receiving() as receiver:
        url = f"http://rebind.example:{receiver.port}/"
        check_webhook_url(url, services.settings)  # public when the job was made
        answers.append("127.0.0.1")
        job_id = announce(services, url)
        deliver_webhooks(services)
        assert receiver.received == []
    assert attempts_of(services, job_id)[0].error == "rebind.example does not lead to a public address."
    assert message_of(services, job_id).status == "pending"


def test_the_name_is_resolved_once_and_the_result_connected_to(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = socket.getaddrinfo, list[str]()

    def resolver(host: str, port: int, *a: Any, **k: Any) -> Any:
        if host != "rebind.example":
            return real(host, port, *a, **k)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *a, **k)

    with receiving() as receiver:
        sender = with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(f"rebind.example:{receiver.port}",))
        announce(sender, f"http://rebind.example:{receiver.port}/")
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        deliver_webhooks(sender)
        assert asked == ["rebind.example"]
        assert receiver.received[0].headers["host"] == f"rebind.example:{receiver.port}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("names", "trusted", "says"),
    [
        (("hooks.example",), True, None),
        (("other.example",), True, "Hostname mismatch"),
        (("127.0.0.1",), True, "Hostname mismatch"),  # the certificate must be that of the name, not of the address
        (("hooks.example",), False, "unable to get local issuer certificate"),
    ],
)
def test_the_certificate_must_belong_to_the_name(
    services: Services,
    authority: trustme.CA,
    names: tuple[str, ...],
    trusted: bool,
    says: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (trusted_ca := tmp_path / "ca.pem").write_bytes((authority if trusted else trustme.CA()).cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted_ca))
    real = socket.getaddrinfo
    context, asked_for = _tls(authority, *names), list[str | None]()
    context.sni_callback = lambda _, name, __: asked_for.append(name)  # type: ignore[assignment]
    with receiving(tls=context) as receiver:
        sender = with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(f"hooks.example:{receiver.port}",))
        job_id = announce(sender, f"https://hooks.example:{receiver.port}/")
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1" if host == "hooks.example" else host, *a, **k)
        )
        deliver_webhooks(sender)
        assert asked_for == ["hooks.example"]
        assert len(receiver.received) == (0 if says else 1)
    (attempt,) = attempts_of(sender, job_id)
    assert (says or "") in (attempt.error or "")
    assert message_of(sender, job_id).status == ("pending" if says else "delivered")


def test_a_handshake_that_never_ends_is_cut_off(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        sender = with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(endpoint,), WEBHOOK_TIMEOUT_SECONDS=0.6)
        job_id = announce(sender, f"https://{endpoint}/")
        started = time.monotonic()
        deliver_webhooks(sender)
        assert time.monotonic() - started < 3
    assert attempts_of(sender, job_id)[0].error == "No answer within 0.6 s."


# ---------------------------------------------------------------------------------------------- many workers


def test_many_workers_send_each_message_once(sender: Services, receiver: Receiver) -> None:
    jobs = [announce(sender, receiver.url) for _ in range(40)]
    others = [build(sender.settings) for _ in range(4)]
    start = threading.Barrier(len(others))

    def work(services: Services) -> int:
        start.wait()
        return sum(deliver_webhooks(services) for _ in range(4))

    with ThreadPoolExecutor(len(others)) as pool:
        assert sum(pool.map(work, others)) == 40
    for services in others:
        services.close()
    assert len(receiver.received) == 40
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 40
    assert {message_of(sender, job_id).status for job_id in jobs} == {"delivered"}


def test_a_message_is_claimed_by_one_worker(services: Services) -> None:
    for _ in range(30):
        announce(services, "https://192.0.2.1/")
    start = threading.Barrier(6)

    def work(_: int) -> list[str]:
        start.wait()
        mine = list[str]()
        while True:
            with services.sessions.write() as session:
                held = actions.claim(session, lease_s=60)
            if held is None:
                return mine
            mine.append(held.id)

    with ThreadPoolExecutor(6) as pool:
        claimed = [message_id for mine in pool.map(work, range(6)) for message_id in mine]
    assert len(claimed) == len(set(claimed)) == 30


def test_nobody_begins_while_others_have_their_hands_full(sender: Services, receiver: Receiver) -> None:
    for _ in range(10):
        announce(sender, receiver.url)
    for _ in range(8):
        with sender.sessions.write() as session:
            assert actions.claim(session, lease_s=60)
    assert deliver_webhooks(sender) == 0
    with sender.sessions.write() as session:
        session.execute(update(WebhookMessage).values(leased_until=None))
    assert deliver_webhooks(sender) == 10


def test_a_message_over_which_workers_die_is_given_up(sender: Services, receiver: Receiver) -> None:
    job_id = announce(sender, receiver.url)
    with sender.sessions.write() as session:
        session.execute(update(WebhookMessage).values(attempts=10, leased_until=db_seconds() - 1))
    assert deliver_webhooks(sender) == 1
    assert receiver.received == []
    assert message_of(sender, job_id).status == "given_up"


def test_slow_receivers_do_not_keep_the_others_waiting(services: Services) -> None:
    with receiving() as slow, receiving() as quick:
        slow.respond = lambda handler, _: _silent(handler, slow.release)
        sender = with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(slow.endpoint, quick.endpoint), WEBHOOK_TIMEOUT_SECONDS=2.0)
        for _ in range(4):
            announce(sender, slow.url)
        for _ in range(8):
            announce(sender, quick.url)
        worker = threading.Thread(target=deliver_webhooks, args=(sender,))
        worker.start()
        wait_until(lambda: len(quick.received) == 8, seconds=1.8, what="the quick ones are served")
        worker.join()


DYING = """
import os, sys
from drumscribe.service.settings import Settings
from drumscribe.service.webhooks.delivery import deliver_webhooks
from drumscribe.service.wiring import build
deliver_webhooks(build(Settings()))
"""


def test_what_a_killed_worker_was_sending_is_sent_again(services: Services) -> None:
    with receiving() as receiver:
        receiver.respond = lambda handler, _: _silent(handler, receiver.release)
        sender = allowed(services, receiver, WEBHOOK_TIMEOUT_SECONDS=20.0)
        job_id = announce(sender, receiver.url)
        values = sender.settings.model_dump(exclude_none=True)
        environment = {
            name: ",".join(value) if isinstance(value, tuple) else getattr(value, "get_secret_value", lambda v=value: str(v))()
            for name, value in values.items()
        }
        worker = subprocess.Popen([sys.executable, "-c", DYING], env={"PATH": os.environ["PATH"], **environment})
        try:
            wait_until(lambda: len(receiver.received) == 1, seconds=30, what="the worker sends")
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert deliver_webhooks(sender) == 0  # its lease goes on
        assert attempts_of(sender, job_id) == []
        with sender.sessions.write() as session:
            session.execute(update(WebhookMessage).values(leased_until=db_seconds() - 1))
        receiver.respond = status(200)
        assert deliver_webhooks(sender) == 1
        assert message_of(sender, job_id).status == "delivered"
        assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


def test_a_late_worker_changes_nothing_unless_it_delivered(services: Services) -> None:
    job_id = announce(services, "http://192.0.2.1/")
    settings = services.settings
    held = list[actions.Held]()
    for _ in range(2):
        with services.sessions.write() as session:
            one = actions.claim(session, lease_s=-1)
            assert one is not None
            held.append(one)
    late, present = held

    def say(who: actions.Held, answer: Answer) -> str:
        with services.sessions.write() as session:
            return actions.record(session, who, answer, elapsed_ms=1, settings=settings)

    assert say(late, Answer(500, "Broken.")) == "failed"
    assert wait_of(services, job_id) < 0
    assert message_of(services, job_id).leased_until is not None  # the one who holds it now still does
    assert say(late, Answer(200)) == "delivered"
    assert say(present, Answer(410, "Gone.")) == "failed"
    assert message_of(services, job_id).status == "delivered"
    assert len(attempts_of(services, job_id)) == 3


def test_a_job_that_is_removed_while_its_message_is_sent_does_no_harm(services: Services) -> None:
    job_id = announce(services, "http://192.0.2.1/")
    with services.sessions.write() as session:
        held = actions.claim(session, lease_s=30)
        assert held is not None
    with services.sessions.write() as session:
        session.execute(delete(Job).where(Job.id == job_id))
    with services.sessions.write() as session:
        assert actions.record(session, held, Answer(200), elapsed_ms=1, settings=services.settings) == "delivered"


def test_no_new_message_is_taken_when_the_worker_is_told_to_stop(sender: Services, receiver: Receiver) -> None:
    announce(sender, receiver.url)
    stopping = threading.Event()
    stopping.set()
    assert deliver_webhooks(sender, stopping=stopping) == 0
    assert receiver.received == []


# ---------------------------------------------------------------------------------------------- what is told of it


def test_every_attempt_is_logged_and_counted(services: Services) -> None:
    def count(outcome: str) -> float:
        return REGISTRY.get_sample_value("drumscribe_webhook_attempts_total", {"outcome": outcome}) or 0.0

    before = {outcome: count(outcome) for outcome in ("delivered", "failed", "given_up")}

    def respond(handler: BaseHTTPRequestHandler, number: int) -> None:
        status((500, 200, 410)[number - 1])(handler, number)

    with receiving(respond) as receiver, structlog.testing.capture_logs() as logs:
        sender = allowed(services, receiver)
        first = announce(sender, receiver.url)
        deliver_webhooks(sender)
        make_due(sender, first)
        deliver_webhooks(sender)
        second = announce(sender, receiver.url)
        deliver_webhooks(sender)
    assert [(log["event"], log["job_id"], log["status_code"]) for log in logs] == [
        ("webhook_failed", first, 500),
        ("webhook_delivered", first, 200),
        ("webhook_given_up", second, 410),
    ]
    assert all(isinstance(log["elapsed_ms"], int) and "token" not in json.dumps(log) for log in logs)
    assert {outcome: count(outcome) - before[outcome] for outcome in before} == {"delivered": 1, "failed": 1, "given_up": 1}
