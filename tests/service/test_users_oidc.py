"""An OpenID provider opens the door to its users, and only with tokens it made for us."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oidc import AUDIENCE, OpenIdProvider, forged, open_id_provider
from people import ACCOUNTS, api, bearer, changed, register
from pydantic import ValidationError
from sqlalchemy import func, select, update

from drumscribe.service.settings import Settings
from drumscribe.service.tables import User
from drumscribe.service.users import oidc
from drumscribe.service.wiring import Services


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    with open_id_provider() as running:
        yield running


@pytest.fixture
def federated(services: Services, provider: OpenIdProvider) -> Services:
    return changed(services, **ACCOUNTS, OIDC_ISSUER=provider.issuer, OIDC_AUDIENCE=AUDIENCE)


@pytest.fixture
def client(federated: Services) -> Iterator[httpx.Client]:
    with api(federated) as asking:
        yield asking


def me(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/auth/me", headers=bearer(token))


def test_first_sight_makes_an_account_and_later_ones_find_it(
    client: httpx.Client, federated: Services, provider: OpenIdProvider
) -> None:
    claims = {"email": "Ada@Example.com", "email_verified": True, "name": "Ada\x00 L."}
    first = me(client, provider.token(**claims)).json()
    assert first["scopes"] == ["jobs:read", "jobs:write", "keys:write"]
    user = first["user"]
    assert (user["email"], user["name"], user["has_password"]) == ("ada@example.com", "Ada L.", False)
    assert me(client, provider.token(key="ec-1")).json()["user"]["id"] == user["id"]
    assert me(client, provider.token(sub="eve")).json()["user"]["id"] != user["id"]
    with federated.sessions.read() as session:
        subjects = set(session.scalars(select(User.oidc_subject)))
    assert subjects == {f"{provider.issuer}|ada", f"{provider.issuer}|eve"}


def test_of_many_first_sights_at_once_one_account_comes(
    client: httpx.Client, federated: Services, provider: OpenIdProvider
) -> None:
    token = provider.token(email="ada@example.com", email_verified=True)
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: me(client, token), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1
    with federated.sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_an_email_opens_no_account_that_was_there_before(client: httpx.Client, provider: OpenIdProvider) -> None:
    ada = register(client)
    token = provider.token(sub="mallory", email=ada.email, email_verified=True)
    stranger = me(client, token).json()["user"]
    assert stranger["id"] != ada.user_id
    assert stranger["email"] is None
    unverified = me(client, provider.token(sub="eve", email="eve@example.com")).json()["user"]
    assert unverified["email"] is None


def test_keys_and_passwords_work_beside_it(client: httpx.Client, provider: OpenIdProvider) -> None:
    token = provider.token()
    key = client.post("/keys", json={"name": "x"}, headers=bearer(token)).json()["key"]
    assert me(client, key).json()["user"]["id"] == me(client, token).json()["user"]["id"]
    assert me(client, register(client).access).status_code == 200
    assert client.post("/auth/me/delete", json={}, headers=bearer(token)).status_code == 204
    assert me(client, key).status_code == 401


def test_whatever_the_provider_did_not_make_for_us_now_is_refused(client: httpx.Client, provider: OpenIdProvider) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    provider.keys["rsa-2"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)  # not published
    public = provider.keys["rsa-1"].public_key()
    as_text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "ada", "exp": int(time.time()) + 300}
    by_hand = forged(claims, {"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}, b"").rpartition(".")[0]
    signed_with_public = hmac.new(as_text, by_hand.encode(), hashlib.sha256).digest()
    tokens = {
        "wrong issuer": provider.token(iss="https://elsewhere.example"),
        "issuer with a slash": provider.token(iss=provider.issuer + "/"),
        "wrong audience": provider.token(aud="another-service"),
        "no audience": provider.token(aud=None),
        "expired": provider.token(exp=past),
        "without end": provider.token(exp=None),
        "not yet": provider.token(nbf=datetime.now(UTC) + timedelta(minutes=5)),
        "nobody": provider.token(sub=None),
        "unknown key": provider.token(key="rsa-2"),
        "another key's name": provider.token(key="rsa-2", headers={"kid": "rsa-1"}),
        "no key named": provider.token(headers={"kid": None}),
        "another algorithm": provider.token(algorithm="RS512"),
        "none": forged(claims, {"alg": "none", "kid": "rsa-1"}, b""),
        "None": forged(claims, {"alg": "None", "kid": "rsa-1"}, b""),
        "HS256 with the public key": forged(claims, {"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}, signed_with_public),
        "RS256 header, HS256 signature": forged(claims, {"alg": "RS256", "kid": "rsa-1"}, signed_with_public),
        "ES256 for an RSA key": forged(claims, {"alg": "ES256", "kid": "rsa-1"}, b"x" * 64),
        "subject too long": provider.token(sub="x" * 300),
        "subject with NUL": provider.token(sub="a\0b"),
    }
    for what, token in tokens.items():
        answer = me(client, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), what
    assert me(client, provider.token()).status_code == 200


def test_a_closed_account_stays_closed(client: httpx.Client, federated: Services, provider: OpenIdProvider) -> None:
    assert me(client, provider.token()).status_code == 200
    with federated.sessions.write() as session:
        session.execute(update(User).values(is_active=False))
    assert me(client, provider.token()).status_code == 401


def test_keys_are_fetched_once_and_again_when_they_change(
    client: httpx.Client, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        assert me(client, provider.token()).status_code == 200
    assert provider.asked == ["/realms/band/.well-known/openid-configuration", "/realms/band/keys"]
    provider.keys["rsa-2"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    provider.published = ["rsa-2"]
    for _ in range(5):  # somebody who makes up names of keys does not make us ask each time
        assert me(client, provider.token(headers={"kid": "made up"})).status_code == 401
    assert len(provider.asked) == 2
    monkeypatch.setattr(oidc.provider(provider.issuer)._keys, "cooldown_duration", 0.0)
    assert me(client, provider.token(key="rsa-2")).status_code == 200
    assert me(client, provider.token(key="rsa-1")).status_code == 401


def test_a_provider_that_is_away_is_not_taken_for_a_wrong_token(
    client: httpx.Client, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "_PAUSE_S", 60.0)
    provider.fails = True
    for _ in range(3):
        answer = me(client, provider.token())
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_provider_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert len(provider.asked) == 1  # left alone for a while
    assert me(client, register(client).access).status_code == 200  # nobody else waits for it
    provider.fails = False
    monkeypatch.setattr(oidc, "_PAUSE_S", 0.0)
    assert me(client, provider.token()).status_code == 200
    provider.fails = True
    assert me(client, provider.token()).status_code == 200  # the keys are here


def test_a_document_of_somebody_else_is_not_believed(client: httpx.Client, provider: OpenIdProvider) -> None:
    provider.claims_to_be = "https://elsewhere.example"
    assert me(client, provider.token()).status_code == 503


def test_a_provider_without_an_audience_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="OIDC_AUDIENCE"):
        Settings.model_validate(ACCOUNTS | {"OIDC_ISSUER": "https://id.example.com"})
