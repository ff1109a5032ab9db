"""The proxy of the manual, started: events are not held back, bodies pass up to their limit, the caller's address is told."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Where scripts/setup_ops.sh unpacks it, if the system has none.
CADDY = shutil.which("caddy", path=os.pathsep.join([os.environ["PATH"], str(ROOT / ".venv" / "monitoring" / "usr" / "bin")]))
pytestmark = pytest.mark.skipif(CADDY is None, reason="Caddy is not installed (scripts/setup_ops.sh proxy)")


@pytest.fixture(scope="module")
def release() -> threading.Event:
    """Lets the second event go."""
    return threading.Event()


@pytest.fixture(scope="module")
def proxy(release: threading.Event, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Caddy with the file of the repository, before a server that streams, takes and tells."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            release.wait(30)
            self.wfile.write(b"data: second\n\n")

        def do_POST(self) -> None:
            said = json.dumps(
                {"size": len(self.rfile.read(int(self.headers["Content-Length"]))), "from": self.headers["X-Forwarded-For"]}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, socket.socket() as probe:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        home = str(tmp_path_factory.mktemp("caddy"))
        environment = {"HOME": home, "PUBLIC_HOST": address, "WEB_APP": f"127.0.0.1:{server.server_port}"}
        # Its control port is fixed: of two that run on one machine, only one may have it
        config = Path(home) / "Caddyfile"
        config.write_text("{\n\tadmin off\n}\n" + (ROOT / "deploy" / "proxy" / "Caddyfile").read_text())
        assert CADDY is not None
        command = [CADDY, "run", "--config", str(config), "--adapter", "caddyfile"]
        with (Path(home) / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(300):
                try:
                    httpx.post(address, content=b"")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, (Path(home) / "log").read_text()
                    time.sleep(0.1)
            yield address
        finally:
            release.set()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            server.shutdown()


def test_an_event_arrives_before_the_next_is_there(proxy: str, release: threading.Event) -> None:
    with httpx.stream("GET", f"{proxy}/api/v1/jobs/x/events", timeout=20) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: first"
        release.set()
        assert "data: second" in list(lines)


def test_the_largest_upload_passes_and_one_far_above_does_not(proxy: str) -> None:
    assert httpx.post(proxy, content=bytes(50_000_000), timeout=30).json()["size"] == 50_000_000
    with contextlib.suppress(httpx.TransportError):  # cut off while it was sent
        assert httpx.post(proxy, content=bytes(61_000_000), timeout=30).status_code in (413, 502)


def test_the_caller_is_told_and_nobody_can_pretend(proxy: str) -> None:
    said = httpx.post(proxy, content=b"", headers={"X-Forwarded-For": "203.0.113.9"}).json()["from"]
    assert said.split(",")[-1].strip() == "127.0.0.1"
