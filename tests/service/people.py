"""What tests of accounts need: settings changed for one test, an application to ask, and somebody who has signed in."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import uvicorn
from servers import free_port, wait_until

from drumscribe.service.api.app import create_app
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
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(create_app(services), host="127.0.0.1", port=port, log_level="error", ws="none", proxy_headers=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, seconds=20, what="the API starts")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(20)


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
