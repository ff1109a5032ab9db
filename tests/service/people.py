"""What tests of accounts need: settings changed for one test, an application to ask, and somebody who has signed in."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from api_server import running_api

from drumscribe.service.settings import Settings
from drumscribe.service.wiring import Services

PASSWORD = "correct horse battery"
ACCOUNTS = {"AUTH_MODE": "jwt", "JWT_SECRET": "a secret of forty characters, for tests.", "MAX_CONCURRENT_JOBS_PER_USER": 3}


def changed(services: Services, **changes: Any) -> Services:
    """The same installation with other settings."""
    return replace(services, settings=Settings.model_validate(services.settings.model_dump() | changes))


@contextmanager
def api(services: Services) -> Generator[httpx.Client]:
    """Serve the API on 127.0.0.1 while the block runs, and give somebody who asks it."""
    with running_api(services) as running, running.client() as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    """The header of somebody with a token or key."""
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Person:
    """Somebody with an account, signed in."""

    email: str
    user_id: str
    access: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        """What they send."""
        return bearer(self.access)


def register(client: httpx.Client, email: str = "ada@example.com") -> Person:
    """Make an account."""
    answer = client.post("/auth/register", json={"email": email, "password": PASSWORD, "name": "Ada"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Person(email, body["user"]["id"], body["access_token"], body["refresh_token"])
