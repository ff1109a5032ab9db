"""The API over real sockets, in a thread of the test: what a client sees, without workers."""

from __future__ import annotations

import math
import struct
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from servers import free_port

from drumscribe.service.api.app import create_app
from drumscribe.service.wiring import Services

START_S = 30.0


@dataclass(frozen=True)
class RunningApi:
    """Where it listens, and what it works with."""

    services: Services
    port: int
    app: FastAPI

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **kwargs: Any) -> httpx.Client:
        return httpx.Client(base_url=f"{self.base_url}/api/v1/", timeout=30, **kwargs)


@contextmanager
def running_api(services: Services) -> Iterator[RunningApi]:
    """Serve until the block ends."""
    port = free_port()
    app = create_app(services)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, proxy_headers=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        deadline = time.monotonic() + START_S
        while not server.started:
            assert thread.is_alive(), "the API did not start"
            assert time.monotonic() < deadline, "the API did not start in time"
            time.sleep(0.02)
        yield RunningApi(services, port, app)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the API does not end"


def wav_bytes(seconds: float = 6.0, rate: int = 16_000, stated_seconds: float | None = None) -> bytes:
    """A tone as a WAV file; its header may state another length."""
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        count = round(seconds * rate)
        file.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(i / 7))) for i in range(count)))
    content = bytearray(buffer.getvalue())
    if stated_seconds is not None:
        size = round(stated_seconds * rate) * 2
        content[4:8], content[40:44] = struct.pack("<I", size + 36), struct.pack("<I", size)
    return bytes(content)
