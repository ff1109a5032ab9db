"""Who a request comes from.

An identifier is what limits count by and jobs belong to: `user:<id>` for whatever an account does (its sessions and all
its keys), `key:<id>` for a key without an account, `ip:<address>` for everybody else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

from drumscribe.service.errors import Forbidden

JOBS_READ = "jobs:read"
JOBS_WRITE = "jobs:write"
KEYS_WRITE = "keys:write"
ADMIN = "admin"
#: Everything that a key can be allowed. `admin` allows the others too.
SCOPES = (JOBS_READ, JOBS_WRITE, KEYS_WRITE, ADMIN)
#: What somebody without credentials may do where none are asked for.
ANONYMOUS_SCOPES = frozenset({JOBS_READ, JOBS_WRITE})
#: What the owner of an account may do.
ACCOUNT_SCOPES = frozenset({JOBS_READ, JOBS_WRITE, KEYS_WRITE})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks for something."""

    identifier: str
    user_id: str | None
    scopes: frozenset[str]
    is_admin: bool
    priority: int
    anonymous: bool

    def may(self, scope: str) -> bool:
        """Whether the caller is allowed that."""
        return self.is_admin or scope in self.scopes

    def demand(self, scope: str) -> None:
        """Raise `Forbidden` unless the caller is allowed that."""
        if not self.may(scope):
            raise Forbidden(f"This needs the scope {scope}, which your credentials do not have.", scope=scope)


def logged_as(identifier: str) -> str:
    """What the log calls somebody: the random identifier of an account or key, which tells nothing by itself.

    An address is personal data, so callers without credentials are all called the same.
    """
    return "anonymous" if identifier.startswith("ip:") else identifier


def caller_address(headers: Headers, client_host: str | None, trusted: Sequence[Network]) -> str:
    """The address that a request came from, as limits count it.

    `X-Forwarded-For` is believed as far as trusted proxies wrote it: read from the right, the first address that is none of
    theirs. What stands left of it, or left of anything that is no address, may have been made up by the client.

    Parameters
    ----------
    headers : Headers
        Of the request.
    client_host : str or None
        The other end of the socket.
    trusted : sequence of network
        `Settings.trusted_networks`.

    Returns
    -------
    str
        An IPv4 address, or the /64 network of an IPv6 address: one household or server has a whole /64, and would
        otherwise have 2^64 identities. "unknown" if the socket has no address (a Unix socket).
    """
    address = _parse(client_host or "")
    if address is None:
        return "unknown"
    hops = ",".join(headers.getlist("x-forwarded-for")).split(",")
    while hops and any(address in network for network in trusted):
        named = _parse(hops.pop())
        if named is None:
            break
        address = named
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


def _parse(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:443
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
