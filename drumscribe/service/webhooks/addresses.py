"""Where a webhook may go: over http or https to a public address, and nowhere else.

An address is taken apart once, strictly, and the request is put together from the parts: there is no second parser that
could read it in another way. Its name is resolved once for each attempt, and the connection is made to the result, so
that a name server cannot change its mind in between.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from drumscribe.addresses import public_address, resolve
from drumscribe.errors import DownloadFailed, ForbiddenAddress
from drumscribe.service.errors import InvalidWebhookUrl
from drumscribe.service.settings import Settings

#: Longer addresses are refused.
MAX_LENGTH = 2000

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-\"$->@-\[\]-~]*)?"  # visible ASCII but ? # and the backslash
    r"(?P<query>\?[!-\"$-\[\]-~]*)?"
    r"(?:#[!-~]*)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """The parts of a webhook's address."""

    scheme: str
    host: str  #: lower case; IPv6 without brackets
    port: int
    target: str  #: path and query

    @property
    def endpoint(self) -> str:
        """`host:port`, as `WEBHOOK_ALLOWED_ENDPOINTS` lists it; IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """What the `Host` header says: the port is left out where it goes without saying."""
        return self.endpoint.rpartition(":")[0] if self.port == (443 if self.scheme == "https" else 80) else self.endpoint


def parse_webhook_url(url: str) -> Receiver:
    """Take an address apart. Nothing is resolved.

    Raises
    ------
    InvalidWebhookUrl
        If it is not http or https; if it holds credentials, or anything but visible ASCII characters (international
        names are written in their `xn--` form).
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_LENGTH else None
    if match is None:
        raise InvalidWebhookUrl(
            "A webhook needs an address such as https://example.org/hook: http or https, without user name or password, "
            f"in plain ASCII, at most {MAX_LENGTH} characters.",
        )
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else (443 if scheme == "https" else 80)
    host = (match["name"] or match["six"]).lower()
    if match["six"]:
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise InvalidWebhookUrl(f"[{host}] is not an IPv6 address.", host=host) from error
    return Receiver(scheme, host, port, (match["path"] or "/") + (match["query"] or ""))


def find_address(receiver: Receiver, settings: Settings) -> str:
    """Resolve the receiver's name once, and return the address to connect to.

    Raises
    ------
    InvalidWebhookUrl
        Unless `WEBHOOK_ALLOWED_ENDPOINTS` exempts it: if any of its addresses is not public, or the port is neither 80,
        443 nor above 1023, where services other than the web are at home. In any case if it leads nowhere.
    """
    port = receiver.port
    try:
        if receiver.endpoint in settings.WEBHOOK_ALLOWED_ENDPOINTS:
            return resolve(receiver.host, port)[0]
        if port not in (80, 443) and not 1024 <= port <= 65535:
            raise InvalidWebhookUrl(f"Webhooks are sent to port 80, 443, or one above 1023, not to port {port}.", port=port)
        return public_address(receiver.host, port)
    except ForbiddenAddress as error:  # which address it is, is nobody's business: names of inner networks resolve here
        raise InvalidWebhookUrl(f"{receiver.host} does not lead to a public address.", host=receiver.host) from error
    except DownloadFailed as error:
        raise InvalidWebhookUrl(error.message, host=receiver.host) from error


def check_webhook_url(url: str, settings: Settings) -> None:
    """Refuse an address that no webhook may be sent to.

    Raises
    ------
    InvalidWebhookUrl
        See `parse_webhook_url` and `find_address`.
    """
    find_address(parse_webhook_url(url), settings)
