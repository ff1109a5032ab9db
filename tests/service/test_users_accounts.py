"""Accounts: signing in and out, and what happens to somebody who guesses, steals or leaves."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import argon2
import httpx
import jwt
import pytest
from people import ACCOUNTS, PASSWORD, Person, api, bearer, changed, register
from sqlalchemy import func, select, update

from drumscribe.service.errors import StorageUnavailable
from drumscribe.service.jobs import lifecycle
from drumscribe.service.storage import StorageBackend
from drumscribe.service.tables import ApiKey, Job, LoginFailure, LoginSession, User
from drumscribe.service.users import actions, passwords
from drumscribe.service.wiring import Services

SECRET = str(ACCOUNTS["JWT_SECRET"])


@pytest.fixture
def accounts(services: Services) -> Services:
    return changed(services, **ACCOUNTS, TRUSTED_PROXIES=("127.0.0.1",))


@pytest.fixture
def client(accounts: Services) -> Iterator[httpx.Client]:
    with api(accounts) as asking:
        yield asking


@pytest.fixture
def ada(client: httpx.Client) -> Person:
    return register(client)


def log_in(client: httpx.Client, email: str = "ada@example.com", password: str = PASSWORD, *, at: str = "") -> httpx.Response:
    headers = {"X-Forwarded-For": at} if at else {}
    return client.post("/auth/login", json={"email": email, "password": password}, headers=headers)


def refresh(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("/auth/refresh", json={"refresh_token": token})


def is_in(client: httpx.Client, token: str) -> bool:
    status = client.get("/auth/me", headers=bearer(token)).status_code
    assert status in (200, 401)
    return status == 200


# ---------------------------------------------------------------------------------------------- making one


def test_an_account_is_made_and_signs_in(client: httpx.Client, ada: Person) -> None:
    me = client.get("/auth/me", headers=ada.headers).json()
    assert me["identifier"] == f"user:{ada.user_id}"
    assert me["scopes"] == ["jobs:read", "jobs:write", "keys:write"]
    assert not me["anonymous"]
    assert not me["is_admin"]
    assert me["user"]["email"] == ada.email
    assert me["user"]["name"] == "Ada"
    answer = log_in(client)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 1800
    assert is_in(client, answer.json()["access_token"])


def test_one_mailbox_is_one_account_however_it_is_written(client: httpx.Client) -> None:
    first = client.post("/auth/register", json={"email": " Ada@EXAMPLE.com ", "password": PASSWORD})
    assert first.json()["user"]["email"] == "ada@example.com"
    again = client.post("/auth/register", json={"email": "ada@example.COM", "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert log_in(client, "ADA@example.com").status_code == 200


def test_of_many_who_register_one_mailbox_at_once_one_gets_it(client: httpx.Client, accounts: Services) -> None:
    with ThreadPoolExecutor(8) as crowd:
        body = {"email": "ada@example.com", "password": PASSWORD}
        answers = list(crowd.map(lambda _: client.post("/auth/register", json=body).status_code, range(8)))
    assert sorted(answers) == [201] + [409] * 7


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada", PASSWORD),
        ("ada@", PASSWORD),
        ("ada@localhost", PASSWORD),
        ("a@b@example.com", PASSWORD),
        ("ada\0@example.com", PASSWORD),
        (f"{'a' * 300}@example.com", PASSWORD),
        ("", PASSWORD),
        ("ada@example.com", "nine char"),
        ("ada@example.com", "x" * 201),
        ("ada@example.com", ""),
    ],
)
def test_neither_a_bad_email_nor_a_bad_password_makes_an_account(client: httpx.Client, email: str, password: str) -> None:
    answer = client.post("/auth/register", json={"email": email, "password": password})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    if password:
        assert password not in answer.text


def test_passwords_may_hold_anything_and_mean_the_same_on_every_keyboard(client: httpx.Client) -> None:
    password = "Schlüssel\0 🥁 ﬁn"
    assert client.post("/auth/register", json={"email": "a@example.com", "password": password}).status_code == 201
    assert log_in(client, "a@example.com", "Schlu\u0308ssel\0 🥁 ﬁn").status_code == 200
    half = client.post("/auth/register", content=b'{"email":"b@example.com","password":"0123456789\\ud800"}',
                       headers={"Content-Type": "application/json"})  # fmt: skip
    assert half.status_code == 422


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own(client: httpx.Client, accounts: Services) -> None:
    register(client)
    register(client, "eve@example.com")
    with accounts.sessions.read() as session:
        one, other = session.scalars(select(User.password_hash)).all()
    assert one is not None
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other


def test_signup_can_be_closed_and_there_are_no_accounts_in_other_modes(services: Services) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    with api(changed(services, **ACCOUNTS, ALLOW_SIGNUP=False)) as client:
        answer = client.post("/auth/register", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "signup_closed")
    with api(services) as client:
        for path, given in (
            ("/auth/register", body),
            ("/auth/login", body),
            ("/auth/refresh", {"refresh_token": "x"}),
            ("/auth/logout", {"refresh_token": "x"}),
        ):
            answer = client.post(path, json=given)
            assert (answer.status_code, answer.json()["code"]) == (404, "accounts_disabled")


def test_accounts_made_from_one_address_are_limited(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "SIGNUPS_PER_ADDRESS", 2)
    register(client)
    register(client, "b@example.com")
    answer = client.post("/auth/register", json={"email": "c@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert 890 <= int(answer.headers["retry-after"]) <= 900
    elsewhere = {"X-Forwarded-For": "203.0.113.4"}
    body = {"email": "c@example.com", "password": PASSWORD}
    assert client.post("/auth/register", json=body, headers=elsewhere).status_code == 201


# ---------------------------------------------------------------------------------------------- guessing


def test_a_wrong_password_and_an_unknown_account_look_the_same(client: httpx.Client, ada: Person) -> None:
    wrong, unknown = log_in(client, password="not the password"), log_in(client, "nobody@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "invalid_credentials"
    assert wrong.headers["www-authenticate"] == "Bearer"


def test_an_unknown_account_costs_as_much_time_as_a_wrong_password() -> None:
    kept = passwords.hash_password(PASSWORD)
    passwords.matches(None, PASSWORD)  # makes the hash of nobody

    def cost(password_hash: str | None) -> float:
        times: list[float] = []
        for _ in range(15):
            begin = time.process_time()
            assert not passwords.matches(password_hash, "not the password")
            times.append(time.process_time() - begin)
        return statistics.median(times)

    assert cost(None) == pytest.approx(cost(kept), rel=0.25)
    assert not passwords.matches(None, "the password of nobody")


def test_guesses_are_counted_by_account_wherever_they_come_from(client: httpx.Client, ada: Person) -> None:
    for guess in range(actions.ATTEMPTS_PER_EMAIL):
        assert log_in(client, password=f"guess {guess}", at=f"203.0.113.{guess}").status_code == 401
    locked = log_in(client, at="203.0.113.99")  # the right one, too late
    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_attempts")
    assert locked.json()["retryable"]
    assert 880 <= int(locked.headers["retry-after"]) <= 900
    assert is_in(client, ada.access)
    assert log_in(client, "eve@example.com").status_code == 401


def test_guesses_are_counted_by_address_whichever_account_they_mean(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, ada: Person
) -> None:
    monkeypatch.setattr(actions, "ATTEMPTS_PER_ADDRESS", 3)
    for guess in range(3):
        assert log_in(client, f"user{guess}@example.com", at="203.0.113.4").status_code == 401
    assert log_in(client, at="203.0.113.4").status_code == 429
    assert log_in(client, at="203.0.113.5").status_code == 200


def test_however_many_guess_at_once_no_more_guesses_are_taken_than_allowed(client: httpx.Client, ada: Person) -> None:
    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(lambda n: log_in(client, password=f"guess number {n}").status_code, range(24)))
    assert answers.count(401) == actions.ATTEMPTS_PER_EMAIL
    assert answers.count(429) == 24 - actions.ATTEMPTS_PER_EMAIL


def test_failures_are_forgotten_after_a_while_and_when_the_owner_gets_in(
    client: httpx.Client, accounts: Services, ada: Person
) -> None:
    for _ in range(3):
        for _ in range(actions.ATTEMPTS_PER_EMAIL - 1):
            assert log_in(client, password="not the password").status_code == 401
        assert log_in(client).status_code == 200
    for _ in range(actions.ATTEMPTS_PER_EMAIL):
        log_in(client, password="not the password")
    assert log_in(client).status_code == 429
    with accounts.sessions.write() as session:
        session.execute(update(LoginFailure).values(at=LoginFailure.at - actions.WINDOW_S + 2))
    assert 1 <= int(log_in(client).headers["retry-after"]) <= 2
    time.sleep(2.1)
    assert log_in(client).status_code == 200
    with accounts.sessions.write() as session:
        actions.forget_old(session)
        assert session.scalar(select(func.count()).select_from(LoginFailure).where(LoginFailure.subject.like("ip:%"))) == 0


def test_a_hash_with_old_parameters_is_renewed_at_the_next_login(client: httpx.Client, accounts: Services, ada: Person) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with accounts.sessions.write() as session:
        session.execute(update(User).values(password_hash=old))
    assert log_in(client, password="not the password").status_code == 401
    assert log_in(client).status_code == 200
    with accounts.sessions.read() as session:
        renewed = session.scalar(select(User.password_hash))
    assert renewed is not None
    assert not passwords.is_outdated(renewed)
    assert log_in(client).status_code == 200


# ---------------------------------------------------------------------------------------------- sessions


def test_a_refresh_token_works_once_and_gives_the_next(client: httpx.Client, ada: Person) -> None:
    token = ada.refresh
    for _ in range(3):
        answer = refresh(client, token)
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != token
        token = answer.json()["refresh_token"]
        assert is_in(client, answer.json()["access_token"])


@pytest.mark.parametrize("rotations", [1, 3])
def test_a_refresh_token_used_again_ends_the_session_for_both(client: httpx.Client, ada: Person, rotations: int) -> None:
    other = log_in(client).json()
    token = ada.refresh
    for _ in range(rotations):
        answer = refresh(client, token).json()
        token = answer["refresh_token"]
    stolen = refresh(client, ada.refresh)
    assert (stolen.status_code, stolen.json()["code"]) == (401, "unauthenticated")
    assert refresh(client, token).status_code == 401
    assert not is_in(client, answer["access_token"])
    assert not is_in(client, ada.access)
    assert is_in(client, other["access_token"])  # another device is another session


def test_of_many_who_refresh_at_once_at_most_one_succeeds(client: httpx.Client, ada: Person) -> None:
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: refresh(client, ada.refresh).status_code, range(8)))
    assert sorted(answers) == [200] + [401] * 7


def test_signing_out_takes_effect_at_once(client: httpx.Client, ada: Person) -> None:
    other = log_in(client).json()
    for _ in range(2):
        assert client.post("/auth/logout", json={"refresh_token": ada.refresh}).status_code == 204
    assert not is_in(client, ada.access)
    assert refresh(client, ada.refresh).status_code == 401
    assert is_in(client, other["access_token"])


def test_a_session_that_nobody_uses_runs_out(client: httpx.Client, accounts: Services, ada: Person) -> None:
    with accounts.sessions.write() as session:
        session.execute(update(LoginSession).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert refresh(client, ada.refresh).status_code == 401
    assert not is_in(client, ada.access)
    with accounts.sessions.write() as session:
        session.execute(update(LoginSession).values(expires_at=datetime.now(UTC) - timedelta(days=8)))
        actions.forget_old(session)
        assert session.scalar(select(func.count()).select_from(LoginSession)) == 0


def test_nonsense_is_no_refresh_token_and_ends_nothing(client: httpx.Client, ada: Person) -> None:
    for nonsense in ("x", "ds_refresh_", "ds_refresh__", f"ds_refresh_{uuid4()}_x", ada.access, "\0", "é", "x" * 200):
        assert refresh(client, nonsense).status_code == 401
    half = client.post("/auth/refresh", content=b'{"refresh_token":"\\ud800"}', headers={"Content-Type": "application/json"})
    assert half.status_code in (401, 422)
    assert refresh(client, ada.refresh).status_code == 200


def test_a_closed_account_is_out_at_once(client: httpx.Client, accounts: Services, ada: Person) -> None:
    with accounts.sessions.write() as session:
        session.execute(update(User).values(is_active=False))
    assert not is_in(client, ada.access)
    assert refresh(client, ada.refresh).status_code == 401
    assert log_in(client).status_code == 401


def test_access_tokens_that_we_did_not_sign_or_that_say_something_else_are_refused(client: httpx.Client, ada: Person) -> None:
    claims = jwt.decode(ada.access, SECRET, algorithms=["HS256"], audience="drumscribe-api")
    assert claims["exp"] - claims["iat"] == 1800
    assert re.fullmatch(r"[0-9a-f]{32}", claims["jti"])
    assert is_in(client, jwt.encode(claims, SECRET, "HS256"))
    past = datetime.now(UTC) - timedelta(minutes=1)
    for changes in (
        {"exp": past},
        {"iat": datetime.now(UTC) + timedelta(minutes=1)},
        {"iss": "somebody"},
        {"aud": "something"},
        {"sub": str(uuid4())},
        {"sid": str(uuid4())},
        {"sid": "\0"},
        {"sid": None},
    ):
        assert not is_in(client, jwt.encode(claims | changes, SECRET, "HS256")), changes
    for missing in ("exp", "iss", "aud", "sub", "sid", "jti", "iat"):
        rest = {name: value for name, value in claims.items() if name != missing}
        assert not is_in(client, jwt.encode(rest, SECRET, "HS256")), missing
    assert not is_in(client, jwt.encode(claims, "another secret, as long as the real one is", "HS256"))
    assert not is_in(client, jwt.encode(claims, SECRET * 2, "HS512"))
    assert not is_in(client, jwt.encode(claims, None, "none"))
    head, body, signature = ada.access.split(".")
    for broken in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature[:-4]}AAAA", f"{body}.{head}.{signature}"):
        assert not is_in(client, broken)


# ---------------------------------------------------------------------------------------------- changing and leaving


def test_a_new_password_ends_all_other_sessions_and_needs_the_old_one(client: httpx.Client, ada: Person) -> None:
    other = log_in(client).json()
    new = "another password"

    def change(current: str) -> httpx.Response:
        body = {"current_password": current, "new_password": new}
        return client.post("/auth/password", json=body, headers=ada.headers)

    refused = change("not the password")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
    assert is_in(client, ada.access)
    answer = change(PASSWORD)
    assert answer.status_code == 200
    assert is_in(client, answer.json()["access_token"])
    for token in (ada.access, other["access_token"]):
        assert not is_in(client, token)
    assert refresh(client, other["refresh_token"]).status_code == 401
    assert log_in(client).status_code == 401
    assert log_in(client, password=new).status_code == 200


def test_a_key_for_jobs_changes_nothing_about_its_account(client: httpx.Client, ada: Person) -> None:
    key = client.post("/keys", json={"name": "x"}, headers=ada.headers).json()["key"]
    body = {"current_password": PASSWORD, "new_password": "another password"}
    assert client.post("/auth/password", json=body, headers=bearer(key)).status_code == 403
    assert client.post("/auth/me/delete", json={"password": PASSWORD}, headers=bearer(key)).status_code == 403


def enter_job(services: Services, person: Person, name: str) -> str:
    job = Job(
        id=str(uuid4()), input_type="upload", user_identifier=f"user:{person.user_id}", user_id=person.user_id,
        title=name, original_filename=f"{name}.mp3", webhook_url="https://example.com/hook",
    )  # fmt: skip
    with services.sessions.write() as session:
        lifecycle.enter(session, job, {})
    services.storage.save_file(job.id, 1, "original.mp3", name.encode())
    return job.id


def test_whoever_leaves_leaves_nothing(client: httpx.Client, accounts: Services, ada: Person) -> None:
    eve = register(client, "eve@example.com")
    running, kept = enter_job(accounts, ada, "mine"), enter_job(accounts, eve, "hers")
    key = client.post("/keys", json={"name": "x"}, headers=ada.headers).json()["key"]
    refused = client.post("/auth/me/delete", json={"password": "not the password"}, headers=ada.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
    assert client.post("/auth/me/delete", json={}, headers=ada.headers).status_code == 403
    assert client.post("/auth/me/delete", json={"password": PASSWORD}, headers=ada.headers).status_code == 204
    assert not is_in(client, ada.access)
    assert not is_in(client, key)
    assert log_in(client).status_code == 401
    assert accounts.storage.list_job_files(running) == []
    with accounts.sessions.read() as session:
        job = session.get_one(Job, running)
        assert (job.status, job.step, job.title, job.original_filename, job.user_id) == ("cancelled", None, "", None, None)
        assert job.deleted_at is not None
        assert session.get(User, ada.user_id) is None
        assert session.scalar(select(func.count()).select_from(ApiKey)) == 0
        other = session.get_one(Job, kept)
        assert (other.status, other.title) == ("queued", "hers")
    assert len(accounts.storage.list_job_files(kept)) == 1
    assert register(client).user_id != ada.user_id


def test_a_storage_that_is_away_keeps_nobody_from_leaving(
    client: httpx.Client, accounts: Services, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = enter_job(accounts, ada, "mine")

    def away(storage: StorageBackend, job_id: str) -> int:
        raise StorageUnavailable("The storage is away.")

    monkeypatch.setattr(type(accounts.storage), "delete_job_artifacts", away)
    assert client.post("/auth/me/delete", json={"password": PASSWORD}, headers=ada.headers).status_code == 204
    with accounts.sessions.read() as session:
        job = session.get_one(Job, job_id)
        assert job.deleted_at is not None  # so that the cleanup goes on
        assert job.results_purged_at is None


# ---------------------------------------------------------------------------------------------- before anybody has signed in


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"AUTH_MODE": "none"}, ("none", False, None)),
        ({"AUTH_MODE": "keys"}, ("keys", False, None)),
        (ACCOUNTS, ("jwt", True, None)),
        (ACCOUNTS | {"ALLOW_SIGNUP": False}, ("jwt", False, None)),
        (
            ACCOUNTS | {"OIDC_ISSUER": "https://id.example/band", "OIDC_AUDIENCE": "drums"},
            ("jwt", True, "https://id.example/band"),
        ),
    ],
)
def test_anybody_is_told_how_to_get_in(services: Services, chosen: dict[str, object], told: tuple[object, ...]) -> None:
    with api(changed(services, **chosen)) as client:
        answer = client.get("/auth")
    assert answer.status_code == 200
    assert (answer.json()["auth_mode"], answer.json()["allows_signup"], answer.json()["oidc_issuer"]) == told
    assert (answer.json()["shortest_password"], answer.json()["longest_password"]) == (passwords.SHORTEST, passwords.LONGEST)
    assert set(answer.json()) == {"auth_mode", "allows_signup", "oidc_issuer", "shortest_password", "longest_password"}


def test_signing_in_tells_how_long_it_holds(client: httpx.Client, ada: Person) -> None:
    answer = log_in(client, ada.email).json()
    assert (answer["expires_in"], answer["session_expires_in"]) == (30 * 60, 30 * 24 * 3600)
