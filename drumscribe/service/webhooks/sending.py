"""One request to one receiver: to the address that was judged, without proxies or redirects, and over when its time is up.

`http.client` is all that is needed, and less than a pool would do: nothing here looks at the environment's proxies,
follows a redirect or resolves a name a second time. TLS checks the certificate against the receiver's name.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse

from drumscribe.service.webhooks.addresses import Receiver

#: So much of an answer is read, and so much of that is kept for the log.
READ_BYTES, KEPT_CHARACTERS = 4096, 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    status_code: int | None = None
    error: str | None = None  #: a sentence; None: the receiver has taken the message
    retry_after_s: float | None = None  #: the receiver asked for such a pause


def send(receiver: Receiver, address: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
    """POST a body, and tell what came of it.

    Parameters
    ----------
    address : str
        Literal address to connect to, whatever the receiver's name says by now.
    timeout_s : float
        For the whole exchange, however slowly bytes trickle in. An answer whose first line and headers came in time
        counts, even if its body did not.
    """
    connection = _Pinned(receiver, address, timeout_s)
    alarm = threading.Timer(timeout_s, connection.cut)
    alarm.daemon = True
    alarm.start()
    try:
        connection.request("POST", receiver.target, body, {"Host": receiver.authority, **headers})
        response = connection.getresponse()
        if connection.is_cut:  # in the middle of the headers, which looks like their end
            raise TimeoutError
        return _judge(response, _beginning(response))
    except (OSError, HTTPException) as error:
        return Answer(error=f"No answer within {timeout_s:g} s." if connection.is_cut else _explain(error))
    finally:
        alarm.cancel()
        connection.close()


class _Pinned(HTTPConnection):
    """A connection to a given address that another thread can cut."""

    def __init__(self, receiver: Receiver, address: str, timeout_s: float) -> None:
        super().__init__(receiver.host, receiver.port, timeout=timeout_s)
        self._receiver, self._address = receiver, address
        self._wire: socket.socket | None = None
        self.is_cut = False

    def connect(self) -> None:
        """Connect, and shake hands if it is TLS."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self._wire = plain.dup()  # stays in reach while TLS has taken the socket over
        if self.is_cut:
            plain.close()
            raise TimeoutError
        self.sock = plain
        if self._receiver.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._receiver.host)

    def cut(self) -> None:
        """End the connection now, whatever it waits for."""
        self.is_cut = True
        if self._wire is not None:
            with contextlib.suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        super().close()
        if self._wire is not None:
            self._wire.close()


def _beginning(response: HTTPResponse) -> str:
    content = b""
    with contextlib.suppress(OSError, HTTPException):  # the answer is known; its body is for the log only
        content = response.read(READ_BYTES)
    text = content.decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:KEPT_CHARACTERS]


def _judge(response: HTTPResponse, text: str) -> Answer:
    code = response.status
    if 200 <= code < 300:
        return Answer(code)
    said = f": {text}" if text else "."
    if 300 <= code < 400:
        return Answer(code, f"The receiver answered {code}, a redirect; redirects are not followed{said}")
    pause = _seconds(response.getheader("Retry-After")) if code in (429, 503) else None
    return Answer(code, f"The receiver answered {code}{said}", pause)


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _explain(error: OSError | HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return "The receiver could not be connected to in time."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The receiver's certificate is not valid: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return f"No secure connection could be made: {error.reason or error}."
    if isinstance(error, OSError):
        return f"The connection failed: {error.strerror or error}."
    return f"The receiver did not answer in HTTP: {type(error).__name__}."
