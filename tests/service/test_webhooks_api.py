"""Owners see their secret, and what became of their messages; nobody else does. In both databases."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from datetime import datetime

import httpx
import pytest
from api_server import RunningApi, running_api, wav_bytes
from pydantic import SecretStr
from receivers import Receiver, announce, make_due, message_of, receiving, status, with_settings
from sqlalchemy import select, update
from standardwebhooks import Webhook

from drumscribe.service.database import db_now
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Job, WebhookSecret
from drumscribe.service.users import actions as users
from drumscribe.service.webhooks.delivery import deliver_webhooks
from drumscribe.service.wiring import Services

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" * 2


def allowed(services: Services, receiver: Receiver) -> Services:
    """Services that may call that receiver."""
    return with_settings(services, WEBHOOK_ALLOWED_ENDPOINTS=(receiver.endpoint,))


def _key(services: Services, *scopes: str) -> str:
    with services.sessions.write() as session:
        return users.create_key(session, user_id=None, name="test", scopes=frozenset(scopes))[1]


class Apis:
    """The API of given services; somebody who asks comes from an address behind a proxy, with or without a key."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[int, tuple[Services, RunningApi]] = {}

    def __call__(self, services: Services, *, address: str = "192.0.2.1", key: str = "") -> httpx.Client:
        if id(services) not in self._running:
            behind = with_settings(services, TRUSTED_PROXIES=("127.0.0.1",))
            self._running[id(services)] = (services, self._stack.enter_context(running_api(behind)))
        headers = {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {key}"} if key else {})
        return self._stack.enter_context(self._running[id(services)][1].client(headers=headers))


@pytest.fixture
def client_of() -> Generator[Apis]:
    with ExitStack() as stack:
        yield Apis(stack)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as running:
        yield running


def test_what_the_secret_route_shows_verifies_what_arrives(client_of: Apis, services: Services, receiver: Receiver) -> None:
    sender = allowed(services, receiver)
    client = client_of(sender)
    answer = client.get("/webhooks/secret")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["previous_until"] is None
    assert client.get("/webhooks/secret").json() == answer.json()
    announce(sender, receiver.url)
    deliver_webhooks(sender)
    Webhook(answer.json()["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)


def test_a_rotation_gives_a_new_secret_and_a_day_to_change_over(client_of: Apis, services: Services, receiver: Receiver) -> None:
    sender = allowed(services, receiver)
    client = client_of(sender)
    old = client.get("/webhooks/secret").json()["secret"]
    rotated = client.post("/webhooks/secret/rotate")
    assert rotated.status_code == 200
    new = rotated.json()["secret"]
    assert new != old
    assert datetime.fromisoformat(rotated.json()["previous_until"]).tzinfo is not None
    assert client.get("/webhooks/secret").json() == rotated.json()
    announce(sender, receiver.url)
    deliver_webhooks(sender)
    for secret in (old, new):
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)


def test_every_owner_has_a_secret_of_their_own(client_of: Apis, services: Services) -> None:
    one, other = (client_of(services, address=address).get("/webhooks/secret").json() for address in ("192.0.2.1", "192.0.2.2"))
    assert one["secret"] != other["secret"]


def test_the_operators_secret_is_shown_to_nobody(client_of: Apis, services: Services) -> None:
    shared = with_settings(services, WEBHOOK_SECRET=SecretStr(SECRET))
    client = client_of(shared)
    answer = client.get("/webhooks/secret")
    assert answer.json() == {"secret": None, "previous_until": None}
    with shared.sessions.read() as session:
        assert session.scalars(select(WebhookSecret)).all() == []
    rotated = client.post("/webhooks/secret/rotate")
    assert SECRET not in rotated.text
    assert rotated.json()["secret"].startswith("whsec_")
    assert client.get("/webhooks/secret").json() == rotated.json()


def test_the_log_tells_every_try(client_of: Apis, services: Services) -> None:
    with receiving(lambda handler, number: status(500 if number == 1 else 200)(handler, number)) as receiver:
        sender = allowed(services, receiver)
        client = client_of(sender)
        job_id = announce(sender, receiver.url)
        (waiting,) = client.get(f"/jobs/{job_id}/webhooks").json()["items"]
        assert (waiting["status"], waiting["attempts"], waiting["log"]) == ("pending", 0, [])
        assert waiting["next_attempt_at"] == waiting["created_at"]
        deliver_webhooks(sender)
        (failed,) = client.get(f"/jobs/{job_id}/webhooks").json()["items"]
        assert (failed["status"], failed["attempts"]) == ("pending", 1)
        assert datetime.fromisoformat(failed["next_attempt_at"]) > datetime.fromisoformat(failed["log"][0]["at"])
        make_due(sender, job_id)
        deliver_webhooks(sender)
        (delivered,) = client.get(f"/jobs/{job_id}/webhooks").json()["items"]
    assert (delivered["status"], delivered["next_attempt_at"], delivered["job_id"]) == ("delivered", None, job_id)
    assert (delivered["type"], delivered["url"]) == ("job.cancelled", receiver.url)
    assert [(one["status_code"], one["error"]) for one in delivered["log"]] == [(500, "The receiver answered 500."), (200, None)]
    assert delivered["delivered_at"] is not None


def test_a_job_without_messages_has_an_empty_log(client_of: Apis, services: Services) -> None:
    job_id = announce(services, None)
    assert client_of(services).get(f"/jobs/{job_id}/webhooks").json() == {"items": []}


@pytest.mark.parametrize("how", [200, 410])
def test_what_has_ended_can_be_sent_again(client_of: Apis, services: Services, how: int) -> None:
    with receiving(status(how)) as receiver:
        sender = allowed(services, receiver)
        client = client_of(sender)
        job_id = announce(sender, receiver.url)
        deliver_webhooks(sender)
        message_id = message_of(sender, job_id).id
        answer = client.post(f"/webhooks/{message_id}/resend")
        assert answer.status_code == 202
        assert (answer.json()["status"], answer.json()["attempts"], len(answer.json()["log"])) == ("pending", 0, 1)
        receiver.respond = status(200)
        assert deliver_webhooks(sender) == 1
        assert [request.headers["webhook-id"] for request in receiver.received] == [message_id] * 2
        assert message_of(sender, job_id).status == "delivered"


def test_what_waits_can_be_sent_at_once(client_of: Apis, services: Services) -> None:
    with receiving(status(503, Retry_After="3600")) as receiver:
        sender = allowed(services, receiver)
        job_id = announce(sender, receiver.url)
        deliver_webhooks(sender)
        assert deliver_webhooks(sender) == 0
        client_of(sender).post(f"/webhooks/{message_of(sender, job_id).id}/resend").raise_for_status()
        assert deliver_webhooks(sender) == 1
        assert message_of(sender, job_id).attempts == 2  # its tries go on where they were


def test_other_peoples_messages_do_not_exist(client_of: Apis, services: Services, receiver: Receiver) -> None:
    job_id = announce(services, receiver.url, owner="ip:192.0.2.1")
    message = message_of(services, job_id)
    for message_id in (message.id, "msg_nothing"):
        answer = client_of(services, address="192.0.2.2").post(f"/webhooks/{message_id}/resend")
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_message_not_found")
    with_keys = with_settings(services, AUTH_MODE="keys")
    stranger, admin = (_key(services, *scopes) for scopes in (("jobs:read", "jobs:write"), ("admin",)))
    asking = client_of(with_keys, key=stranger)
    assert asking.post(f"/webhooks/{message.id}/resend").json()["code"] == "webhook_message_not_found"
    assert asking.get(f"/jobs/{job_id}/webhooks").json()["code"] == "job_not_found"
    assert client_of(with_keys, key=admin).post(f"/webhooks/{message.id}/resend").status_code == 202


def test_messages_about_a_deleted_job_are_not_sent_again(client_of: Apis, services: Services, receiver: Receiver) -> None:
    job_id = announce(services, receiver.url)
    with services.sessions.write() as session:
        session.execute(update(Job).values(deleted_at=db_now()))
    assert client_of(services).post(f"/webhooks/{message_of(services, job_id).id}/resend").status_code == 404


def test_a_key_that_may_only_read_sees_no_secret(client_of: Apis, services: Services, receiver: Receiver) -> None:
    with_keys = with_settings(services, AUTH_MODE="keys")
    job_id = announce(services, receiver.url)
    reader = client_of(with_keys, key=_key(services, "jobs:read"))
    asked = [
        reader.get("/webhooks/secret"),
        reader.post("/webhooks/secret/rotate"),
        reader.post(f"/webhooks/{message_of(services, job_id).id}/resend"),
    ]
    assert [answer.status_code for answer in asked] == [403, 403, 403]
    nobody = client_of(with_keys)
    assert nobody.get("/webhooks/secret").status_code == 401
    assert nobody.get(f"/jobs/{job_id}/webhooks").status_code == 401


@pytest.mark.parametrize("secret", ["hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_!", SECRET.removeprefix("whsec_")])
def test_a_secret_that_cannot_sign_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and 24 to 64 random bytes"):
        Settings.model_validate({"WEBHOOK_SECRET": secret})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "https://a:b@example.org/", "http://169.254.169.254/", "ftp://example.org/"]
)
def test_a_job_that_would_call_inward_is_not_made(client_of: Apis, services: Services, url: str) -> None:
    client = client_of(services)
    sent = client.post("/jobs", files={"file": ("song.wav", wav_bytes(), "audio/wav")}, data={"webhook_url": url})
    linked = client.post("/jobs", json={"youtube_url": "https://youtu.be/dQw4w9WgXcQ", "webhook_url": url})
    for answer in (sent, linked):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_webhook_url")
    assert client.get("/jobs").json()["items"] == []


def test_a_job_that_is_cancelled_over_http_is_told_of(client_of: Apis, services: Services, receiver: Receiver) -> None:
    sender = allowed(services, receiver)
    client = client_of(sender)
    made = client.post("/jobs", files={"file": ("song.wav", wav_bytes(), "audio/wav")}, data={"webhook_url": receiver.url})
    assert made.status_code == 202
    client.post(f"/jobs/{made.json()['job_id']}/cancel").raise_for_status()
    assert deliver_webhooks(sender) == 1
    secret = client.get("/webhooks/secret").json()["secret"]
    said = Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    assert (said["type"], said["data"]["job_id"]) == ("job.cancelled", made.json()["job_id"])
