"""Which addresses on a network may be fetched from: public ones only."""

from __future__ import annotations

import ipaddress
import socket

from drumscribe.errors import DownloadFailed, ForbiddenAddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


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
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DownloadFailed(f"The address of {host} could not be found.", host=host) from error
    addresses = [str(answer[4][0]).partition("%")[0] for answer in answers]
    for text in addresses:
        if not is_public(text):
            raise ForbiddenAddress(f"{host} leads to {text}, which is not a public address.", host=host, address=text)
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether a literal IPv4 or IPv6 address (a zone after `%` is ignored) belongs to the public internet.

    An IPv6 address can carry an IPv4 one (mapped, NAT64): what will be reached is judged. Tunnels that nobody runs any
    more (6to4, Teredo) are not public; Python's own opinion on them changed between releases.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address.sixtofour or address.teredo:
        return False
    inner = [address.ipv4_mapped]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return all(each is None or is_public(str(each)) for each in inner)
