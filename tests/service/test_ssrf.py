"""Nobody gets the service to call into the network it stands in: neither with a webhook nor with a link to a song.

Every address is tried on both, and on the guard inside the process that downloads. Names are answered by a resolver of the
test's own, literal addresses by the system's, which knows all the old ways to write them.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumscribe.addresses import is_public
from drumscribe.errors import DownloadFailed, ForbiddenAddress, UnsupportedUrl
from drumscribe.service.errors import InvalidWebhookUrl
from drumscribe.service.settings import Settings
from drumscribe.service.webhooks.addresses import Receiver, check_webhook_url, parse_webhook_url
from drumscribe.youtube import check_url

SETTINGS = Settings.model_validate({"WEBHOOK_ALLOWED_ENDPOINTS": "hooks.intranet:81, [::1]:9000,127.0.0.1:9000"})

#: What names lead to here.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "LOCALHOST": ["127.0.0.1"],
    "localtest.me": ["127.0.0.1"],
    "printer.local": ["192.168.1.20"],
    "metadata.google.internal": ["169.254.169.254"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "half.example": ["93.184.215.14", "10.0.0.1"],
    "six.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "fe80::1"],
    "good.example": ["93.184.215.14"],
    "hooks.intranet": ["10.1.2.3"],
}

#: Well formed, and they lead inward.
INWARD = [
    "http://127.0.0.1:{port}/",
    "http://127.8.9.10:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://127.0.0.1:{port}/#@good.example",
    "http://127.0.0.1:{port}/?@good.example/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::a9fe:a9fe]/latest/meta-data/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://10.0.0.1/",
    "http://012.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://198.18.0.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localtest.me:{port}/",
    "http://printer.local/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "https://kubernetes.default.svc/",
    "https://half.example/",
    "https://six.example/",
]

#: Written so that one program might read another address in them than the next.
MALFORMED = [
    "http://good.example@127.0.0.1:{port}/",
    "http://user:word@good.example/",
    "http://good.example:80@127.0.0.1:{port}/",
    "http://good.example%40127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@good.example/",
    "http://good.example\\@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127．0．0．1:{port}/",
    "http://ⓛocalhost:{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.\n0.1:{port}/",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nX: y",
    "http://good.example/\x00@127.0.0.1",
    "http://[fe80::1%lo]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[::1%2525lo]:{port}/",
    "http://[v1.127.0.0.1]:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://[::1:{port}/",
    "http://127.0.0.1:{port}:80/",
    "http://127.0.0.1..:{port}/",
    "http://.127.0.0.1:{port}/",
    "http://good.example:99999/",
    "http://good.example:-1/",
    "http://good.example:٨٠/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "http://",
    "",
]

GOOD = ["http://8.8.8.8/", "https://[2606:4700:4700::1111]:8443/x?y=1", "https://good.example/hook", "http://[64:ff9b::808:808]/"]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are answered from `NAMES`, literals by the system; nobody else is asked."""
    real = socket.getaddrinfo

    def answer(host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
        literals = NAMES.get(host, [host])
        return [one for each in literals for one in real(each, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("url", [url.format(port=8080) for url in INWARD])
def test_what_leads_inward_is_refused(url: str) -> None:
    with pytest.raises(InvalidWebhookUrl, match="does not lead to a public address") as refused:
        check_webhook_url(url, SETTINGS)
    assert isinstance(refused.value.__cause__, ForbiddenAddress)
    with pytest.raises(ForbiddenAddress):
        check_url(url, any_site=True)
    with pytest.raises(UnsupportedUrl):
        check_url(url)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("url", [url.format(port=8080) for url in MALFORMED])
def test_what_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InvalidWebhookUrl):
        check_webhook_url(url, SETTINGS)
    with pytest.raises((ForbiddenAddress, UnsupportedUrl, DownloadFailed)):
        check_url(url, any_site=True)
    with pytest.raises(UnsupportedUrl):
        check_url(url)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("url", GOOD)
def test_what_is_public_is_let_through(url: str) -> None:
    check_webhook_url(url, SETTINGS)
    assert check_url(url, any_site=True) == url


# ---------------------------------------------------------------------------------------------- webhooks alone


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize("port", [0, 1, 22, 25, 81, 1023, 65536, 99999])
def test_webhooks_do_not_go_to_ports_of_other_services(port: int) -> None:
    with pytest.raises(InvalidWebhookUrl, match="port"):
        check_webhook_url(f"http://good.example:{port}/", SETTINGS)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize(
    "url", ["http://hooks.intranet:81/", "http://[::1]:9000/a", "http://[0::1]:9000/", "http://127.0.0.1:9000"]
)
def test_the_operator_may_exempt_an_endpoint(url: str) -> None:
    check_webhook_url(url, SETTINGS)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize(
    "url", ["http://hooks.intranet:80/", "http://[::1]:9001/", "http://127.1:9000/", "http://localhost:9000/"]
)
def test_no_other_endpoint_is_exempt_with_it(url: str) -> None:
    with pytest.raises(InvalidWebhookUrl):
        check_webhook_url(url, SETTINGS)


def test_a_name_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(InvalidWebhookUrl, match="could not be found"):
        check_webhook_url("https://a..example/", SETTINGS)
    with pytest.raises(InvalidWebhookUrl, match="could not be found"):
        check_webhook_url(f"https://{'a' * 64}.example/", SETTINGS)


def test_an_endless_address_is_refused() -> None:
    with pytest.raises(InvalidWebhookUrl, match="2000"):
        parse_webhook_url("https://good.example/" + "a" * 2000)


@pytest.mark.parametrize(
    ("url", "parts", "authority"),
    [
        ("https://Good.Example", Receiver("https", "good.example", 443, "/"), "good.example"),
        ("http://good.example?a=b?c#d", Receiver("http", "good.example", 80, "/?a=b?c"), "good.example"),
        ("https://good.example.:8443/a/b%20c;d", Receiver("https", "good.example", 8443, "/a/b%20c;d"), "good.example:8443"),
        ("http://[2606:4700::0:1]:443/", Receiver("http", "2606:4700::1", 443, "/"), "[2606:4700::1]:443"),
        ("https://[2606:4700::1]/", Receiver("https", "2606:4700::1", 443, "/"), "[2606:4700::1]"),
        ("https://xn--mller-kva.example/", Receiver("https", "xn--mller-kva.example", 443, "/"), "xn--mller-kva.example"),
    ],
)
def test_an_address_is_taken_apart_once(url: str, parts: Receiver, authority: str) -> None:
    assert parse_webhook_url(url) == parts
    assert parts.authority == authority


@given(st.text(max_size=60).map("http://".__add__) | st.from_regex(r"https?://[ -~]{1,40}", fullmatch=True))
def test_whatever_is_accepted_fits_into_a_request_as_it_is(url: str) -> None:
    try:
        receiver = parse_webhook_url(url)
    except InvalidWebhookUrl:
        return
    text = receiver.target + receiver.authority
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set(" \\")
    assert "@" not in receiver.authority
    assert receiver.target.startswith("/")


# ---------------------------------------------------------------------------------------------- carried addresses

PRIVATE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
    *("169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
]
CARRIERS = ["::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "fe80::", "fc00::"]


@given(st.sampled_from(PRIVATE).flatmap(lambda net: st.ip_addresses(network=net)), st.sampled_from(CARRIERS))
def test_a_private_address_stays_private_inside_another(inner: ipaddress.IPv4Address, carrier: str) -> None:
    assert not is_public(str(inner))
    assert not is_public(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(carrier)) | int(inner))))
    assert not is_public(str(ipaddress.IPv6Address(0x2002 << 112 | int(inner) << 80)))


# ---------------------------------------------------------------------------------------------- the process that downloads

GUARDED = """
import json, socket, sys, urllib.request
from drumscribe.youtube.child import guard_connections

order = json.load(sys.stdin)
real = socket.getaddrinfo
def answer(host, port, *a, **k):
    literals = order["names"].get(host, [host])
    return [one for each in literals for one in real(each, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)]
socket.getaddrinfo = answer
guard_connections(order["allowed"])
opener, found = urllib.request.build_opener(urllib.request.ProxyHandler({})), {}
for url in order["urls"]:
    try:
        found[url] = str(opener.open(url, timeout=5).status)
    except Exception as error:
        found[url] = type(getattr(error, "reason", error)).__name__
print(json.dumps(found))
"""


@pytest.fixture
def insider() -> Generator[tuple[int, list[str]]]:
    """A server inside, and who came."""
    came = list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.headers["Host"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port, came
        server.shutdown()
        thread.join()


def _fetch_guarded(urls: list[str], allowed: list[str]) -> dict[str, str]:
    order = json.dumps({"urls": urls, "names": NAMES, "allowed": allowed})
    command = [sys.executable, "-W", "ignore", "-c", GUARDED]
    return json.loads(subprocess.run(command, input=order, capture_output=True, text=True, timeout=120, check=True).stdout)


def test_the_guard_of_the_download_lets_nobody_inside(insider: tuple[int, list[str]]) -> None:
    port, came = insider
    inward = [url.format(port=port) for url in INWARD if url not in ("https://half.example/", "https://six.example/")]
    web = [url.format(port=port) for url in MALFORMED if url.startswith("http") and "good.example" not in url]
    found = _fetch_guarded(inward + web, allowed=[])
    assert {url: found[url] for url in inward if found[url] != "ForbiddenAddress"} == {}
    assert [url for url in web if found[url].isdigit()] == []
    assert came == []


def test_the_server_inside_would_have_noticed(insider: tuple[int, list[str]]) -> None:
    port, came = insider
    urls = [f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", f"http://127.1:{port}/"]
    assert set(_fetch_guarded(urls, allowed=[f"127.0.0.1:{port}"]).values()) == {"200"}
    assert len(came) == 3
