"""A broker over TLS: it is believed only if its certificate is good, by Celery as by everybody else."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from servers import RedisServer

from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.queueing import CeleryQueue


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with source, target, contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    """Where Redis listens with a certificate for `localhost`, as managed ones do: what ends the TLS stands before it.

    Another for each test: Celery keeps connections for all who have the same address.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with RedisServer() as redis, socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError):
                    outside = context.wrap_socket(client, server_side=True)
                    inside = socket.create_connection(("127.0.0.1", redis.port))
                    threading.Thread(target=pass_on, args=(outside, inside), daemon=True).start()
                    threading.Thread(target=pass_on, args=(inside, outside), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This authority is one of the system's."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def test_messages_go_to_a_server_with_a_good_certificate(port: int, trusted: None) -> None:
    queue = CeleryQueue(f"rediss://localhost:{port}/0")
    assert queue.send("separate_drums", "any")
    assert queue.depth()["heavy-compute"] == 1
    assert queue.purge() == 1
    queue.redis.close()


@pytest.mark.parametrize("why", ["nobody knows who signed it", "it is another's"])
def test_nothing_goes_to_a_server_with_a_bad_one(port: int, why: str, request: pytest.FixtureRequest) -> None:
    host = "localhost"
    if why == "it is another's":
        request.getfixturevalue("trusted")
        host = "127.0.0.1"
    queue = CeleryQueue(f"rediss://{host}:{port}/0")
    for ask in (lambda: queue.send("separate_drums", "any"), queue.depth):
        with pytest.raises(BrokerUnavailable):
            ask()
    queue.redis.close()


def test_who_says_so_in_the_address_does_without(port: int) -> None:
    queue = CeleryQueue(f"rediss://localhost:{port}/0?ssl_cert_reqs=none")
    assert queue.send("separate_drums", "any")
    assert queue.purge() == 1
    queue.redis.close()
