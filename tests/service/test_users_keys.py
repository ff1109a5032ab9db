"""API keys open what they say, for as long as they say, and nothing is kept that could open it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from people import ACCOUNTS, api, bearer, changed, register
from sqlalchemy import event, select, update
from starlette.datastructures import Headers

from drumscribe.service.errors import Unauthenticated
from drumscribe.service.tables import ApiKey, User
from drumscribe.service.users import actions
from drumscribe.service.users.authenticate import authenticate
from drumscribe.service.users.identity import Caller
from drumscribe.service.wiring import Services


@pytest.fixture
def client(services: Services) -> Iterator[httpx.Client]:
    """Asks an installation that has accounts."""
    with api(changed(services, **ACCOUNTS)) as asking:
        yield asking


@pytest.fixture(params=["keys", "jwt"])
def guarded(services: Services, request: pytest.FixtureRequest) -> Services:
    return changed(services, **ACCOUNTS) if request.param == "jwt" else changed(services, AUTH_MODE="keys")


def make_key(services: Services, *scopes: str, user: User | None = None, **more: object) -> tuple[str, str]:
    with services.sessions.write() as session:
        key, secret = actions.create_key(
            session,
            user_id=user.id if user else None,
            name="test",
            scopes=frozenset(scopes or ("jobs:read",)),
            **more,  # type: ignore[arg-type]
        )
    return key.id, secret


def make_user(services: Services, *, email: str = "ada@example.com", is_admin: bool = False, priority: int = 0) -> User:
    with services.sessions.write() as session:
        return actions.create_user(session, email=email, password_hash=None, is_admin=is_admin, priority=priority)


def caller(services: Services, headers: dict[str, str], address: str = "198.51.100.7") -> Caller:
    return authenticate(services.sessions, services.settings, Headers(headers), address)


def test_a_key_opens_by_either_header(guarded: Services) -> None:
    key_id, secret = make_key(guarded, "jobs:read", "jobs:write", priority=4)
    expected = Caller(f"key:{key_id}", None, frozenset({"jobs:read", "jobs:write"}), False, 4, False)
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"authorization": f"bearer   {secret} "},
        {"X-API-Key": secret},
        {"x-api-key": f" {secret}"},
    ):
        assert caller(guarded, headers) == expected


def test_a_key_of_an_account_acts_for_the_account(guarded: Services) -> None:
    user = make_user(guarded, priority=3)
    _, one = make_key(guarded, "jobs:read", user=user, priority=1)
    _, other = make_key(guarded, "jobs:write", user=user, priority=5)
    assert caller(guarded, bearer(one)) == Caller(f"user:{user.id}", user.id, frozenset({"jobs:read"}), False, 3, False)
    assert caller(guarded, bearer(other)) == Caller(f"user:{user.id}", user.id, frozenset({"jobs:write"}), False, 5, False)


def test_only_an_administrators_key_can_be_an_administrator(guarded: Services) -> None:
    _, of_user = make_key(guarded, "admin", "jobs:read", user=make_user(guarded))
    _, of_admin = make_key(guarded, "admin", user=make_user(guarded, email="root@example.com", is_admin=True))
    _, of_nobody = make_key(guarded, "admin")
    assert not caller(guarded, bearer(of_user)).may("admin")
    assert caller(guarded, bearer(of_admin)).is_admin
    assert caller(guarded, bearer(of_nobody)).is_admin


def test_every_wrong_credential_is_refused_with_a_challenge(guarded: Services) -> None:
    _, secret = make_key(guarded)
    missing: list[dict[str, str]] = [{}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {secret}"}, {"X-API-Key": ""}]
    wrong: list[dict[str, str]] = [
        bearer(secret[:-1]),
        bearer(secret + "x"),
        bearer(secret.swapcase()),
        bearer("ds_live_"),
        bearer("x" * 10_000),
        bearer("a.b.c"),
        {"X-API-Key": "ds_live_\xe4\xf6"},
        {"Authorization": "Bearer wrong", "X-API-Key": secret},
    ]
    with api(guarded) as client:
        for headers in missing + wrong:
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            answer = client.get("/auth/me", headers=raw)
            assert answer.status_code == 401, headers
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "unauthenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert ("invalid_token" in answer.headers["www-authenticate"]) == (headers in wrong)


def test_a_revoked_or_expired_key_or_one_of_a_closed_account_opens_nothing(guarded: Services) -> None:
    revoked_id, revoked = make_key(guarded)
    _, expired = make_key(guarded, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    _, lasting = make_key(guarded, expires_at=datetime.now(UTC) + timedelta(hours=1))
    user = make_user(guarded)
    _, orphaned = make_key(guarded, user=user)
    assert caller(guarded, bearer(revoked)).identifier == f"key:{revoked_id}"
    assert caller(guarded, bearer(orphaned)).user_id == user.id
    with guarded.sessions.write() as session:
        actions.revoke_key(session, session.get_one(ApiKey, revoked_id))
        session.execute(update(User).values(is_active=False))
    for secret in (revoked, expired, orphaned):
        with pytest.raises(Unauthenticated, match="not valid"):
            caller(guarded, bearer(secret))
    caller(guarded, bearer(lasting))


def test_nothing_that_is_kept_opens_anything(guarded: Services) -> None:
    _, secret = make_key(guarded)
    assert re.fullmatch(r"ds_live_[0-9A-Za-z]{43}", secret)
    with guarded.sessions.read() as session:
        kept = [str(value) for value in session.execute(select(ApiKey.__table__)).one()]
    assert not any(secret in value for value in kept)
    for value in kept:
        with pytest.raises(Unauthenticated):
            caller(guarded, bearer(value))


def test_use_is_noted_at_most_once_a_minute(guarded: Services) -> None:
    key_id, secret = make_key(guarded)
    written: list[str] = []

    def watch(*arguments: object) -> None:
        if str(arguments[2]).startswith("UPDATE"):
            written.append(str(arguments[2]))

    event.listen(guarded.sessions.engine, "before_cursor_execute", watch)
    for _ in range(5):
        caller(guarded, bearer(secret))
    assert len(written) == 1
    with guarded.sessions.read() as session:
        first = session.get_one(ApiKey, key_id).last_used_at
    assert first is not None
    assert abs((datetime.now(UTC) - first).total_seconds()) < 30
    with guarded.sessions.write() as session:
        session.execute(update(ApiKey).values(last_used_at=first - timedelta(seconds=61)))
    written.clear()
    time.sleep(0.01)
    caller(guarded, bearer(secret))
    assert len(written) == 1
    with guarded.sessions.read() as session:
        second = session.get_one(ApiKey, key_id).last_used_at
    assert second is not None
    assert second > first


def test_without_authentication_credentials_are_ignored(services: Services) -> None:
    _, secret = make_key(services, "admin")
    for headers in ({}, bearer(secret), bearer("nonsense"), {"X-API-Key": secret}):
        assert caller(services, headers) == Caller(
            "ip:198.51.100.7", None, frozenset({"jobs:read", "jobs:write"}), False, 0, True
        )
    with api(changed(services, TRUSTED_PROXIES=("127.0.0.1",))) as client:
        assert client.get("/auth/me").json()["identifier"] == "ip:127.0.0.1"
        answer = client.get("/auth/me", headers={"X-Forwarded-For": "2001:db8::1"})
        assert answer.json()["identifier"] == "ip:2001:db8::/64"
        assert client.get("/keys").status_code == 403


def test_an_account_makes_lists_and_revokes_its_own_keys(client: httpx.Client) -> None:
    ada, eve = register(client), register(client, "eve@example.com")
    made = client.post("/keys", json={"name": " Band site ", "scopes": ["jobs:read", "keys:write"]}, headers=ada.headers)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json()
    assert key["name"] == "Band site"
    assert key["key"].startswith(key["prefix"])
    [listed] = client.get("/keys", headers=bearer(key["key"])).json()["items"]
    assert listed["last_used_at"] is not None
    assert {name: value for name, value in listed.items() if name != "last_used_at"} == {
        name: value for name, value in key.items() if name not in ("key", "last_used_at")
    }
    assert client.get("/keys", headers=eve.headers).json() == {"items": []}
    assert client.delete(f"/keys/{key['id']}", headers=eve.headers).json()["code"] == "key_not_found"
    for unknown in ("nothing", "%00", "%ff", "%F0%9F%A5%81"):
        assert client.delete(f"/keys/{unknown}", headers=ada.headers).status_code == 404
    assert client.get("/auth/me", headers=bearer(key["key"])).json()["user"]["email"] == ada.email
    assert client.delete(f"/keys/{key['id']}", headers=ada.headers).status_code == 204
    assert client.delete(f"/keys/{key['id']}", headers=ada.headers).status_code == 204
    assert client.get("/auth/me", headers=bearer(key["key"])).status_code == 401
    assert client.get("/keys", headers=ada.headers).json() == {"items": []}


def test_a_key_gives_away_no_more_than_it_has(client: httpx.Client) -> None:
    ada = register(client)

    def make(scopes: list[str], token: str) -> tuple[int, str]:
        answer = client.post("/keys", json={"name": "x", "scopes": scopes}, headers=bearer(token))
        return answer.status_code, answer.json().get("key", "")

    status, narrow = make(["keys:write"], ada.access)
    assert status == 201
    assert make(["keys:write"], narrow)[0] == 201
    for scopes in (["jobs:read"], ["admin"], ["keys:write", "jobs:write"]):
        assert make(scopes, narrow)[0] == 403
    assert make(["admin"], ada.access)[0] == 403
    _, reader = make(["jobs:read"], ada.access)
    answer = client.post("/keys", json={"name": "x", "scopes": ["jobs:read"]}, headers=bearer(reader))
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"
    assert client.get("/keys", headers=bearer(reader)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": []},
        {"name": "x" * 201},
        {"name": "a\0b"},
        {"name": "x", "expires_at": "2030-01-01T00:00:00"},
        {"name": "x", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "priority": 9},
        {},
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(client: httpx.Client, body: dict[str, object]) -> None:
    answer = client.post("/keys", json=body, headers=register(client).headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_error"


def test_an_account_has_only_so_many_keys(client: httpx.Client, services: Services) -> None:
    ada = register(client)
    with services.sessions.write() as session:
        for _ in range(actions.KEYS_PER_USER):
            key, _ = actions.create_key(session, user_id=ada.user_id, name="", scopes=frozenset({"jobs:read"}))
    answer = client.post("/keys", json={"name": "one more"}, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_keys")
    assert client.delete(f"/keys/{key.id}", headers=ada.headers).status_code == 204
    assert client.post("/keys", json={"name": "one more"}, headers=ada.headers).status_code == 201
