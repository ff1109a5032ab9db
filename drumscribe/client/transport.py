"""One request, tried again where that is safe and can help, and answers that are problems turned into errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import tenacity

from drumscribe.client.errors import ApiError, ClientError, ServerUnreachable
from drumscribe.errors import OptionError

T = TypeVar("T")

#: Answers that say: not now.
_NOT_NOW = frozenset({429, 502, 503, 504})
#: Nothing has reached the server yet: anything may be tried again.
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
#: Between two tries, unless the server says how long.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 8.0


class Transport:
    """Requests to one server.

    Parameters
    ----------
    base_url : str
        Address of the server, with or without `/api/v1`.
    api_key : str or None
        Key or access token.
    timeout_s : float
        The server may be silent for so long.
    patience_s : float
        How long a request is tried again while the server is away or has no time. A server that asks for a longer wait is
        not waited for.
    """

    def __init__(self, base_url: str, api_key: str | None, *, timeout_s: float, patience_s: float) -> None:
        root = base_url.rstrip("/").removesuffix("/api/v1")
        headers = {"User-Agent": f"drumscribe-client/{_version()}"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        try:
            url = httpx.URL(root)
        except httpx.InvalidURL as error:
            raise OptionError(f"{base_url!r} is no address of a server: {error}.") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise OptionError(f"{base_url!r} is no address of a server; it begins with http:// or https://.")
        self.address = root
        self.http = httpx.Client(base_url=f"{root}/api/v1/", headers=headers, timeout=timeout_s, follow_redirects=True)
        self._patience_s = patience_s

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def send(
        self, method: str, path: str, *, repeatable: bool | None = None, expect: frozenset[int] = frozenset(), **request: Any
    ) -> httpx.Response:
        """Send a request and return its answer.

        Parameters
        ----------
        method, path : str
            As HTTP has them; the path is relative to `/api/v1/`.
        repeatable : bool or None
            Whether it may be sent again when nobody knows if it arrived. None: if HTTP says so of the method.
        expect : set of int
            Statuses of failure that are an answer here.
        **request
            As `httpx.Client.request` takes them.
        """
        safe = method in ("GET", "HEAD", "DELETE", "PUT") if repeatable is None else repeatable

        def once() -> httpx.Response:
            with translated(self.address):
                response = self.http.request(method, path, **request)
            if response.is_success or response.status_code in expect:
                return response
            raise problem_of(response)

        return self.insist(once, safe=safe)

    def json(self, method: str, path: str, **request: Any) -> Any:
        """Send a request and return the JSON of its answer."""
        return self.read(self.send(method, path, **request))

    def read(self, response: httpx.Response) -> Any:
        """The JSON of an answer."""
        try:
            return response.json()
        except ValueError as error:
            kind = response.headers.get("content-type", "nothing")
            raise ServerUnreachable(f"{self.address} does not answer as DrumScribe does (it sent {kind}).") from error

    def insist(self, once: Callable[[], T], *, safe: bool) -> T:
        """Do it, and do it again as long as that is safe, can help, and patience lasts."""
        begun = time.monotonic()

        def worth_another(error: BaseException) -> bool:
            if isinstance(error, ApiError):
                if error.status not in _NOT_NOW or (not safe and error.status in (502, 504)):
                    return False
                return time.monotonic() - begun + (error.retry_after_s or 0.0) < self._patience_s
            return isinstance(error, ServerUnreachable) and (safe or isinstance(error.__cause__, _NOTHING_SENT))

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth_another),
            wait=_wait,
            stop=tenacity.stop_before_delay(self._patience_s),
            reraise=True,
        )(once)


class translated:  # noqa: N801 - reads as a word
    """Inside the block, failures of the connection are errors of ours."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Translate."""
        if isinstance(error, httpx.TimeoutException):
            raise ServerUnreachable(f"{self._address} does not answer in time.") from error
        if isinstance(error, httpx.ConnectError):
            raise ServerUnreachable(f"{self._address} cannot be reached: {error}.") from error
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | httpx.TooManyRedirects):
            raise ClientError(f"{self._address} leads astray: {error}.") from error
        if isinstance(error, httpx.TransportError | httpx.DecodingError | httpx.StreamError):
            raise ServerUnreachable(f"The connection to {self._address} broke: {error or type(error).__name__}.") from error


def problem_of(response: httpx.Response) -> ApiError:
    """The error that an answer stands for. Its body must have been read."""
    problem: Mapping[str, Any] = {}
    try:
        found = json.loads(response.content)
        if isinstance(found, dict):
            problem = found
    except ValueError:
        pass
    return ApiError(response.status_code, problem, retry_after_s=_retry_after(response.headers.get("retry-after", "")))


def _retry_after(text: str) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


_backoff = tenacity.wait_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S) + tenacity.wait_random(0, _FIRST_WAIT_S)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, ApiError) else None
    return _backoff(state) if asked is None else asked + 0.05


def _version() -> str:
    from importlib.metadata import version

    return version("drumscribe")
