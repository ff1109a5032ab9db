"""A receiver of webhooks on 127.0.0.1, and messages in the outbox for it, as the end of a job puts them there."""

from __future__ import annotations

import contextlib
import dataclasses
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update

from drumscribe.service.database import db_seconds
from drumscribe.service.jobs import lifecycle
from drumscribe.service.tables import Job, WebhookAttempt, WebhookMessage
from drumscribe.service.wiring import Services

Respond = Callable[[BaseHTTPRequestHandler, int], None]


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in, and how it is answered: `respond` is given the handler and the number of the request, from 1."""

    port: int
    respond: Respond
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)  #: set when the receiver closes

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.endpoint}/hook?token=abc"


def status(code: int, body: bytes = b"", **headers: str) -> Respond:
    """Answer every request with the same status."""

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


@contextmanager
def receiving(respond: Respond | None = None, *, tls: ssl.SSLContext | None = None) -> Generator[Receiver]:
    """Run a receiver; without `respond` it takes everything."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                receiver.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                number = len(receiver.received)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):  # the sender has left
                receiver.respond(self, number)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # handshakes that the sender gave up

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        receiver = Receiver(server.server_port, respond or status(204), "https" if tls else "http")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield receiver
        receiver.release.set()
        server.shutdown()
        thread.join()


def with_settings(services: Services, **changes: Any) -> Services:
    """The same services under other settings."""
    return dataclasses.replace(services, settings=services.settings.model_copy(update=changes))


def announce(services: Services, url: str | None, *, owner: str = "ip:192.0.2.1", title: str = "Ein Lied – ü") -> str:
    """End a job, cancelled by its owner, and return its id; its message lies in the outbox."""
    job_id = str(uuid4())
    with services.sessions.write() as session:
        job = Job(id=job_id, input_type="upload", user_identifier=owner, webhook_url=url, title=title)
        lifecycle.enter(session, job, {})
        lifecycle.cancel(session, job)
    return job_id


def message_of(services: Services, job_id: str) -> WebhookMessage:
    """The one message about a job."""
    with services.sessions.read() as session:
        return session.scalars(select(WebhookMessage).where(WebhookMessage.job_id == job_id)).one()


def attempts_of(services: Services, job_id: str) -> list[WebhookAttempt]:
    """Its delivery log."""
    with services.sessions.read() as session:
        asked = select(WebhookAttempt).join(WebhookMessage).where(WebhookMessage.job_id == job_id)
        return list(session.scalars(asked.order_by(WebhookAttempt.id)))


def wait_of(services: Services, job_id: str) -> float:
    """Seconds until a message is due."""
    with services.sessions.read() as session:
        waits = session.scalar(select(WebhookMessage.next_attempt_at - db_seconds()).where(WebhookMessage.job_id == job_id))
        assert waits is not None
        return waits


def make_due(services: Services, job_id: str) -> None:
    """Let its wait be over."""
    with services.sessions.write() as session:
        session.execute(update(WebhookMessage).where(WebhookMessage.job_id == job_id).values(next_attempt_at=0.0))
