"""Downloads: only from public addresses, bounded in time and size, all or nothing, and refused in plain words.

No internet: an extractor plugin of yt-dlp answers for YouTube's own addresses, and the sound comes from a server on
the loopback device, which each test has to allow by name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from media import encode, tone

from drumscribe.addresses import is_public
from drumscribe.audio import load_audio
from drumscribe.errors import AudioTooLong, Cancelled, DownloadFailed, FileNotReadable, ForbiddenAddress, UnsupportedUrl
from drumscribe.types import Progress
from drumscribe.youtube import YOUTUBE_URL, check_url, download_youtube_audio
from drumscribe.youtube.child import explain

ID = "dQw4w9WgXcQ"

# ------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.youtube.com/watch?v={ID}",
        f"https://youtube.com/watch?v={ID}&t=42s",
        f"http://m.youtube.com/watch?app=desktop&v={ID}",
        f"https://music.youtube.com/watch?v={ID}&list=RDAMVM",
        f"https://youtu.be/{ID}",
        f"https://youtu.be/{ID}?si=abc",
        f"youtu.be/{ID}",
        f"https://www.youtube.com/embed/{ID}",
        f"https://www.youtube.com/shorts/{ID}?feature=share",
        f"https://www.youtube.com/live/{ID}",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"  https://www.youtube.com/watch?v={ID}\n",
    ],
)
def test_every_form_of_a_youtube_link_is_known(url: str) -> None:
    assert check_url(url) == f"https://www.youtube.com/watch?v={ID}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "song.mp3",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch?v=short",
        f"https://www.youtube.com/watch?v={ID}x",
        f"https://www.youtube.com/watch?w={ID}",
        "https://www.youtube.com/playlist?list=PL1234567890",
        f"https://evil.example/watch?v={ID}",
        f"https://www.youtube.com.evil.example/watch?v={ID}",
        f"https://www.youtube.com@evil.example/watch?v={ID}",
        f"https://evil.example/https://youtu.be/{ID}",
        f"https://notyoutu.be/{ID}",
        f"https://youtu.be:8080/{ID}",
        f"ftp://youtu.be/{ID}",
        f"https://youtu.be/{ID} --exec=true",
        f"https://youtu.be/{ID[:-1]}ｑ",
        "file:///etc/passwd",
        "--help",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    assert YOUTUBE_URL.fullmatch(url) is None
    with pytest.raises(UnsupportedUrl):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/song.mp3",
        "http://localhost:8000/song.mp3",
        "http://[::1]/song.mp3",
        "http://[::ffff:127.0.0.1]/song.mp3",
        "http://2130706433/song.mp3",
        "http://0x7f.1/song.mp3",
        "http://10.1.2.3/song.mp3",
        "http://192.168.1.1/song.mp3",
        "http://100.64.0.1/song.mp3",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://0.0.0.0:8000/",
    ],
)
def test_a_link_into_a_private_network_is_refused_even_when_any_site_may_be_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenAddress):
        check_url(url, any_site=True)
    with pytest.raises(ForbiddenAddress):
        download_youtube_audio(url, tmp_path / "new", any_site=True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/a", "http://", "http://[::1", "gopher://x", "http://a:b/"]
)
def test_what_is_no_web_page_is_refused_on_any_site(url: str) -> None:
    with pytest.raises(UnsupportedUrl):
        check_url(url, any_site=True)


def test_public_and_other_addresses_are_told_apart() -> None:
    public = ["8.8.8.8", "142.250.185.78", "2606:4700:4700::1111", "64:ff9b::808:808"]
    other = [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1%eth0", "fd00::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
            "ff02::1",
            "2002:808:808::1",
        ),
        *("", "localhost", "example.org", "/var/run/docker.sock", "8.8.8.8:80"),
    ]
    assert [a for a in public if not is_public(a)] == []
    assert [a for a in other if is_public(a)] == []


GUARDED = """
import json, socket, subprocess, sys, urllib.request
from drumscribe.errors import ForbiddenAddress
from drumscribe.youtube.child import guard_connections

port = int(sys.argv[1])
real, found = socket.getaddrinfo, {}
refused = guard_connections(["127.0.0.1:1"])
def attempt(name, act):
    try:
        act()
        found[name] = "done"
    except Exception as error:
        found[name] = type(error).__name__
loopback = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
attempt("literal", lambda: socket.create_connection(("127.0.0.1", port), 5))
attempt("connect_ex", lambda: socket.socket().connect_ex(("127.0.0.1", port)))
attempt("name", lambda: socket.socket().connect(("localhost", port)))
attempt("datagram", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)))
attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"))
attempt("program", lambda: subprocess.run(["ffmpeg", "-version"]))
attempt("shell", lambda: __import__("os").system("true"))
attempt("allowed", lambda: socket.create_connection(("127.0.0.1", 1), 5))
# the name was public when it was checked, and is private now
socket.getaddrinfo = lambda *a, **k: loopback
attempt("rebound", lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://example.org/", timeout=5))
print(json.dumps([found, sorted(set(refused))]))
"""


def test_the_guard_looks_at_the_address_that_is_connected_to() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket.settimeout(0.0)
        command = [sys.executable, "-W", "ignore", "-c", GUARDED, str(server.server_port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        found, refused = json.loads(done.stdout)
        with pytest.raises(BlockingIOError):  # nobody came
            server.socket.accept()
    assert found.pop("allowed") == "ConnectionRefusedError"
    assert found.pop("program") == "FileNotFoundError"
    assert found.pop("shell") == "PermissionError"
    assert set(found.values()) == {"ForbiddenAddress"}, found
    assert refused == ["/var/run/docker.sock", "127.0.0.1", "localhost"]


# ------------------------------------------------------------------------------------------- downloads

PLUGIN = """
import os, time
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.utils import ExtractorError

HOME, PORT = {home!r}, {port}
SAYS = {{
    "private": "Private video. Sign in if you have been granted access to this video",
    "botbot": "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication",
}}

class _StagedYoutubeIE(YoutubeIE, plugin_name="staged"):
    def _real_extract(self, url):
        video = self._match_id(url)
        with open(os.path.join(HOME, "pid"), "w") as file:
            file.write(str(os.getpid()))
        for word, text in SAYS.items():
            if video.startswith(word):
                raise ExtractorError(text, expected=True)
        if video.startswith("broken"):
            raise ExtractorError("Unable to extract yt initial data")
        if video.startswith("hang"):
            time.sleep(600)
        if video.startswith("crash"):
            os._exit(3)
        if video.startswith("cookie"):
            self._set_cookie("127.0.0.1", "seen", "1")
        found = {{"id": video, "title": "Ünïcode / title", "duration": 6}}
        if video.startswith("long"):
            found["duration"] = 901
        if video.startswith("live"):
            found["is_live"] = True
        page = video if video.startswith(("redirect", "slow", "missing", "large", "halfway")) else "song"
        base = {{"ext": "m4a", "acodec": "mp4a"}}
        film = {{**base, "format_id": "18", "url": f"http://127.0.0.1:{{PORT}}/film", "vcodec": "avc1"}}
        sound = {{**base, "format_id": "140", "url": f"http://127.0.0.1:{{PORT}}/{{page}}", "vcodec": "none", "abr": 128}}
        return {{**found, "formats": [film, sound]}}
"""


@dataclass
class Site:
    """A site on the loopback device, and what was asked of it."""

    endpoint: str
    home: Path
    asked: list[str] = field(default_factory=list)

    def child_is_gone(self) -> bool:
        """Whether the process that ran yt-dlp has ended (or was killed before it began)."""
        if not (self.home / "pid").exists():
            return True
        pid = int((self.home / "pid").read_text())
        for _ in range(100):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Site]:
    song = encode(tmp_path / "song.m4a", tone(6.0), container="ipod", codec="aac").read_bytes()
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path.startswith("/redirect"):
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{elsewhere.server_port}/secret")
                self.end_headers()
            elif self.path.startswith("/missing"):
                self.send_error(403)
            else:
                self.send_response(200)
                large = self.path.startswith("/large")
                self.send_header("Content-Type", "audio/mp4")
                if not large:
                    self.send_header("Content-Length", str(len(song)))
                self.end_headers()
                try:
                    if self.path.startswith("/slow"):
                        self.wfile.write(song[:1000])
                        self.wfile.flush()
                        release.wait(30)
                    elif self.path.startswith("/halfway"):
                        self.wfile.write(song[: len(song) // 2])
                    else:
                        self.wfile.write(song * (100 if large else 1))
                except (BrokenPipeError, ConnectionResetError):
                    pass

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Elsewhere(Handler):
        def do_GET(self) -> None:
            asked.append("elsewhere")
            super().do_GET()

    release = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as elsewhere:
        for each in (server, elsewhere):
            threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        plugins = tmp_path / "plugins" / "yt_dlp_plugins" / "extractor"
        plugins.mkdir(parents=True)
        (plugins / "staged.py").write_text(PLUGIN.format(home=str(tmp_path), port=server.server_port), encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"))
        yield Site(f"127.0.0.1:{server.server_port}", tmp_path, asked)
        release.set()
        server.shutdown()
        elsewhere.shutdown()


def _video(word: str) -> str:
    return f"https://www.youtube.com/watch?v={word:_<11}"


def test_the_sound_of_a_video_is_fetched_as_it_is(site: Site, tmp_path: Path) -> None:
    steps: list[Progress] = []
    found = download_youtube_audio(
        _video("song"), tmp_path / "out", allowed_endpoints=[site.endpoint], on_progress=steps.append, max_duration_s=900
    )
    assert found.path == tmp_path / "out" / "song_______.m4a"
    assert (found.video_id, found.title, found.duration) == ("song_______", "Ünïcode / title", 6)
    assert found.url == _video("song")
    assert site.asked == ["/song"]
    assert list((tmp_path / "out").iterdir()) == [found.path]
    assert load_audio(found.path).duration == pytest.approx(6.0, abs=0.05)
    assert steps[-1] == Progress("ingest", 1.0)
    assert all(a.fraction <= b.fraction for a, b in pairwise(steps))
    assert site.child_is_gone()


@pytest.mark.parametrize(
    ("word", "reason", "says"),
    [
        ("private", "private", "private"),
        ("botbot", "bot_check", "robot"),
        ("broken", "changed", "changed"),
        ("missing", "forbidden", "refused"),
        ("crash", "crashed", "unexpectedly"),
    ],
)
def test_a_refusal_is_put_in_plain_words_and_leaves_nothing(
    site: Site, tmp_path: Path, word: str, reason: str, says: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(DownloadFailed) as caught:
        download_youtube_audio(_video(word), out, allowed_endpoints=[site.endpoint])
    assert caught.value.facts["reason"] == reason
    assert says in caught.value.message
    assert caught.value.message.endswith(".")
    assert "ERROR" not in caught.value.message
    assert not out.exists()


def test_a_video_that_is_too_long_or_live_is_refused_before_the_download(site: Site, tmp_path: Path) -> None:
    with pytest.raises(AudioTooLong) as caught:
        download_youtube_audio(_video("long"), tmp_path / "out", allowed_endpoints=[site.endpoint])
    assert caught.value.facts == {"duration": 901, "maximum": 900.0}
    with pytest.raises(UnsupportedUrl, match="live"):
        download_youtube_audio(_video("live"), tmp_path / "out", allowed_endpoints=[site.endpoint])
    assert site.asked == []


def test_a_redirect_to_a_private_address_is_not_followed(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        download_youtube_audio(_video("redirect"), tmp_path / "out", allowed_endpoints=[site.endpoint])
    assert caught.value.facts["address"] == "127.0.0.1"
    assert set(site.asked) == {"/redirect___"}
    assert not (tmp_path / "out").exists()


def test_without_the_exemption_the_loopback_site_is_not_asked(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenAddress):
        download_youtube_audio(_video("song"), tmp_path / "out")
    assert site.asked == []


@pytest.mark.parametrize("word", ["hang", "slow"])
def test_the_timeout_is_real(site: Site, tmp_path: Path, word: str) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DownloadFailed) as caught:
        download_youtube_audio(_video(word), tmp_path / "out", timeout_s=3.0, allowed_endpoints=[site.endpoint])
    assert caught.value.facts["reason"] == "timeout"
    assert site.child_is_gone()
    assert list((tmp_path / "out").iterdir()) == []


def test_cancelling_ends_the_download(site: Site, tmp_path: Path) -> None:
    def cancel(progress: Progress) -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        download_youtube_audio(_video("song"), tmp_path / "out", allowed_endpoints=[site.endpoint], on_progress=cancel)
    assert site.child_is_gone()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["song", "large"])
def test_a_file_beyond_the_size_limit_is_refused_stated_or_not(site: Site, tmp_path: Path, word: str) -> None:
    limit = 0.01 if word == "song" else 1.0
    with pytest.raises(DownloadFailed) as caught:
        download_youtube_audio(_video(word), tmp_path / "out", allowed_endpoints=[site.endpoint], max_file_size_mb=limit)
    assert caught.value.facts["reason"] == "too_large"
    assert not (tmp_path / "out").exists()


def test_a_download_that_breaks_off_is_not_taken_for_the_song(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed):
        download_youtube_audio(_video("halfway"), tmp_path / "out", allowed_endpoints=[site.endpoint])
    assert not (tmp_path / "out").exists()


def test_the_cookies_file_is_read_and_never_written(site: Site, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tname\tvalue\n")
    before = cookies.read_bytes()
    download_youtube_audio(_video("cookie"), tmp_path / "out", allowed_endpoints=[site.endpoint], cookies_file=cookies)
    assert cookies.read_bytes() == before
    with pytest.raises(FileNotReadable, match="cookies"):
        download_youtube_audio(_video("song"), tmp_path / "out", cookies_file=tmp_path / "none.txt")


def test_other_sites_are_read_when_they_may_be(site: Site, tmp_path: Path) -> None:
    url = f"http://{site.endpoint}/song.m4a"
    with pytest.raises(UnsupportedUrl):
        download_youtube_audio(url, tmp_path / "out", allowed_endpoints=[site.endpoint])
    found = download_youtube_audio(url, tmp_path / "out", allowed_endpoints=[site.endpoint], any_site=True)
    assert load_audio(found.path).duration == pytest.approx(6.0, abs=0.05)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate for some users.", "age"),
        ("ERROR: [youtube] x: The uploader has not made this video available in your country", "region"),
        ("ERROR: [youtube] x: Video unavailable. This video has been removed by the uploader", "removed"),
        ("ERROR: [youtube] x: Join this channel to get access to members-only content like this video", "members"),
        ("ERROR: [youtube] x: Premieres in 3 hours", "upcoming"),
        (
            "ERROR: [youtube] x: Video unavailable. It contains content from UMG, who has blocked it on copyright grounds",
            "copyright",
        ),
        ("ERROR: [youtube] abc404xxxxx: Unable to download API page: [Errno -2] Name or service not known", "network"),
        ("ERROR: [youtube] x: Unable to download webpage: HTTP Error 429: Too Many Requests", "rate_limited"),
        ("ERROR: [youtube] x: Requested format is not available. Use --list-formats", "changed"),
        ("ERROR: Unsupported URL: https://example.org", "unsupported"),
        ("ERROR: something nobody has seen", "changed"),
    ],
)
def test_messages_are_sorted_by_what_they_mean(text: str, reason: str) -> None:
    assert explain(text, "u").facts["reason"] == reason
