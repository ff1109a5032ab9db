"""The address that limits count by is never one that the client made up."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from drumscribe.service.errors import Forbidden
from drumscribe.service.settings import Settings
from drumscribe.service.users.identity import Caller, caller_address, logged_as

PROXIES = Settings(TRUSTED_PROXIES=("10.0.0.0/8", "2001:db8:aa::/48", "192.0.2.1")).trusted_networks


def address(socket: str | None, *forwarded: str, trusted: bool = True) -> str:
    headers = Headers(raw=[(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded])
    return caller_address(headers, socket, PROXIES if trusted else ())


@pytest.mark.parametrize(
    ("socket", "forwarded", "expected"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),  # nobody trusts the other end
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.1.1.1, 198.51.100.1",), "198.51.100.1"),  # the client wrote 1.1.1.1 itself
        ("10.0.0.1", ("1.1.1.1, 198.51.100.1, 10.3.3.3, 192.0.2.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.1.1.1", "198.51.100.1, 10.3.3.3"), "198.51.100.1"),  # two headers are one list
        ("10.0.0.1", ("10.0.0.2, 10.0.0.3",), "10.0.0.2"),  # all are ours: the first
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1, nonsense, 10.0.0.3",), "10.0.0.3"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", (",,,",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1:4711",), "198.51.100.1"),
        ("10.0.0.1", ("[2001:db8:1:2:3:4:5:6]:443",), "2001:db8:1:2::/64"),
        ("10.0.0.1", ("2001:DB8:1:2:ffff::1",), "2001:db8:1:2::/64"),
        ("2001:db8:aa::7", ("198.51.100.1",), "198.51.100.1"),
        ("2001:db8:1:2::7", ("198.51.100.1",), "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("::ffff:203.0.113.9", (), "203.0.113.9"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("10.0.0.1", ("\xa0\xff198.51.100.1",), "10.0.0.1"),
        ("10.0.0.1", ("010.1.1.1",), "10.0.0.1"),  # octal or decimal: nobody knows
        (None, ("198.51.100.1",), "unknown"),
        ("", ("198.51.100.1",), "unknown"),
        ("testclient", ("198.51.100.1",), "unknown"),
    ],
)
def test_a_forwarded_address_is_believed_as_far_as_trusted_proxies_wrote_it(
    socket: str | None, forwarded: tuple[str, ...], expected: str
) -> None:
    assert address(socket, *forwarded) == expected


def test_nothing_is_believed_without_trusted_proxies() -> None:
    for claim in ("1.1.1.1", "127.0.0.1", "10.0.0.1, 10.0.0.2"):
        assert address("127.0.0.1", claim, trusted=False) == "127.0.0.1"


@given(st.text(st.characters(codec="latin-1"), max_size=200))
def test_no_header_breaks_it_or_makes_an_identity_that_is_no_address(forwarded: str) -> None:
    ipaddress.ip_network(address("10.0.0.1", forwarded))
    assert address("203.0.113.9", forwarded) == "203.0.113.9"


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_whole_64_is_one_caller_and_its_neighbour_another(one: int, other: int) -> None:
    home = 0x2001_0DB8_1234_5678 << 64
    assert address(str(ipaddress.IPv6Address(home + one))) == address(str(ipaddress.IPv6Address(home + other)))
    assert address(str(ipaddress.IPv6Address(home + one))) != address(str(ipaddress.IPv6Address(home + 2**64 + other)))


def test_admin_allows_everything_and_nothing_else_more_than_it_says() -> None:
    reader = Caller("key:1", None, frozenset({"jobs:read"}), False, 0, False)
    reader.demand("jobs:read")
    with pytest.raises(Forbidden, match="jobs:write"):
        reader.demand("jobs:write")
    Caller("key:2", None, frozenset({"admin"}), True, 0, False).demand("keys:write")


def test_the_log_knows_accounts_and_keys_by_random_identifiers_and_no_address() -> None:
    assert logged_as("user:1f0c8f3e-0000-4000-8000-000000000000") == "user:1f0c8f3e-0000-4000-8000-000000000000"
    assert logged_as("key:1f0c8f3e-0000-4000-8000-000000000000") == "key:1f0c8f3e-0000-4000-8000-000000000000"
    assert logged_as("ip:203.0.113.9") == logged_as("ip:2001:db8::/64") == logged_as("ip:unknown") == "anonymous"
