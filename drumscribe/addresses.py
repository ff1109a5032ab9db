"""Which addresses on a network may be fetched from: public ones only."""

from __future__ import annotations

import ipaddress
import socket

from drumscribe.errors import DownloadFailed, ForbiddenAddress


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
        address = ipaddress.ip_address(text)
        # An IPv6 address can carry an IPv4 one: judge what will be reached
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        if not address.is_global or address.is_multicast or (inner is not None and not inner.is_global):
            raise ForbiddenAddress(f"{host} leads to {text}, which is not a public address.", host=host, address=text)
    return addresses[0]
