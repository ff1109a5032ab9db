"""Which addresses on a network may be fetched from: public ones only."""

from __future__ import annotations

import ipaddress
import socket

from drumscribe.errors import DownloadFailed, ForbiddenAddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA has given out; outside it only what carries an IPv4 address
#: Taken for global by some releases of Python: 6to4 relays (RFC 7526), documentation (RFC 9637), and the address under
#: which Azure's virtual machines find their host.
_NEVER = tuple(ipaddress.ip_network(text) for text in ("192.88.99.0/24", "3fff::/20", "168.63.129.16/32"))


def public_address(host: str, port: int = 443) -> str:
    """Resolve a host name, and return one of its addresses if all of them are public.

    Parameters
    ----------
    host : str
        A name or a literal address; `[…]` around IPv6 must be gone.

    Raises
    ------
    ForbiddenAddress
        If any of its addresses is private, loopback, link-local or otherwise reserved.
    DownloadFailed
        If the name cannot be resolved.
    """
    addresses = resolve(host, port)
    for text in addresses:
        if not is_public(text):
            raise ForbiddenAddress(f"{host} leads to {text}, which is not a public address.", host=host, address=text)
    return addresses[0]


def resolve(host: str, port: int = 443) -> list[str]:
    """All addresses of a host name or literal address, the most promising first, public or not.

    Raises
    ------
    DownloadFailed
        If there are none.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DownloadFailed(f"The address of {host} could not be found.", host=host) from error
    return [str(answer[4][0]).partition("%")[0] for answer in answers]


def is_public(text: str) -> bool:
    """Whether a literal IPv4 or IPv6 address (a zone after `%` is ignored) belongs to the public internet.

    An IPv6 address can carry an IPv4 one (mapped, NAT64): what will be reached is judged. Tunnels that nobody runs any
    more (6to4, Teredo) are not public; Python's own opinion on them changed between releases.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        if address not in _UNICAST or address.sixtofour or address.teredo:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NEVER)
