"""A connection as bad as the world's: passes bytes on to a server, and breaks when told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class FaultyProxy:
    """Listens on `port` for the server on `target`.

    A fault is a number of bytes of the server's answer after which a connection is cut; each is used once, by the next
    connection whose request has `only` in its first line.
    """

    target: int
    faults: list[int] = field(default_factory=list)
    only: str = ""
    requests: list[str] = field(default_factory=list)  #: what was asked on each connection at first, headers included
    port: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def drop(self) -> None:
        """Cut every connection that is open."""
        for one in list(self._open):
            _close(one)

    def _handle(self, client: socket.socket) -> None:
        self._open.add(client)
        server = None
        with suppress(OSError):
            head = client.recv(65536)
            self.requests.append(head.partition(b"\r\n\r\n")[0].decode("latin-1"))
            left = None
            if self.faults and self.only in self.requests[-1].partition("\r\n")[0]:
                left = self.faults.pop(0)
            server = socket.create_connection(("127.0.0.1", self.target))
            self._open.add(server)
            server.sendall(head.replace(b"Connection: keep-alive", b"Connection: close"))  # one request a connection
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            while left is None or left > 0:
                answer = server.recv(65536 if left is None else min(left, 65536))
                if not answer:
                    break
                client.sendall(answer)
                left = None if left is None else left - len(answer)
            else:
                if left == 0:
                    server.recv(1)  # the answer is on its way, and is lost
        for one in (client, server):
            if one is not None:
                _close(one)
                self._open.discard(one)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def faulty_proxy(target: int, *faults: int, only: str = "") -> Iterator[FaultyProxy]:
    """A proxy in front of a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = FaultyProxy(target, list(faults), only, port=listener.getsockname()[1])
        thread = threading.Thread(target=proxy.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            _close(listener)
            proxy.drop()
            thread.join(5)
