"""Forms as no browser would send them: names, types and fields that are odd, and bodies that are wrapped wrongly.

An oddity changes a draft before it is put together, a framing the body and the headers of the request afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from damaged_recordings import flip, spot

_FILENAMES = (
    b"../../../../etc/passwd.wav", b"..\\..\\boot.ini.mp3", b"/absolute/song.flac", b"C:\\songs\\song.wav", b".wav",
    b"..wav", b"...",
    b"song", b"song.", b"song.wav.exe", b"song.exe.wav", b"con.wav", b"nul.mp3", b" .flac", b"so\x00ng.wav", b"so\tng.wav",
    b"so\x1b[31mng.wav", b"song\xff\xfe.wav", b"\xc3\x28.ogg", "\u202egnos.wav".encode(), "\u200bsong.wav".encode(),
    "ｓｏｎｇ．ｗａｖ".encode(), "Trommel – Größe №5 🥁.flac".encode(), "\U0001f941".encode() * 80 + b".mp3",
    ("e\u0301" * 150 + ".ogg").encode(),
    b"a" * 5000 + b".wav", b"a." * 500 + b"wav", b"%2e%2e%2fsong.wav", b"song;rm -rf.wav", b"$(id).wav", b"`id`.mp3", b"-i.wav",
    b"file:song.wav", b"concat:a.wav|b.wav", b"pipe:0.wav", b"<script>alert(1)</script>.wav", b"a'b\\\"c.wav", b"song.WAV",
    b"song.wav ",
    b"{song}.wav", b"%s%n%d.wav", b"song.wav\r\nX-Evil: 1",
)  # fmt: skip
_EXTENSIONS = (
    "wav", "wave", "mp3", "flac", "ogg", "oga", "opus", "m4a", "m4b", "aac", "aif", "aiff", "aifc", "webm", "mp4", "mov",
    "mkv", "mka",
    "wv", "au", "mp2", "3gp", "ts", "avi", "flv", "txt", "exe", "svg", "m3u8", "mid", "zip", "",
)  # fmt: skip
_TYPES = (
    b"", b"audio/wav", b"audio/mpeg", b"audio/flac", b"audio/", b"audio", b"video/mp4", b"image/png", b"text/html",
    b"application/json",
    b"application/octet-stream", b"application/x-mpegURL", b"audio/wav; codecs=\"1\"; x", b"AUDIO/WAV", b"audio/\xff\xfe",
    b";;;", b"*/*",
    b"audio/" + b"x" * 3000, b"multipart/mixed; boundary=inner", b"audio/wav\x00",
)  # fmt: skip
_FIELDS: tuple[tuple[bytes, bytes], ...] = (
    (b"bpm", b"nan"), (b"bpm", b"1e309"), (b"bpm", b"-0"), (b"bpm", b"120"), (b"bpm", b"39.999"), (b"bpm", b"0x78"),
    (b"bpm", b" 90 "),
    (b"bpm", "１２０".encode()), (b"bpm", b"9" * 4000), (b"title", b""), (b"title", b"\x00"), (b"title", b"\xff\xfe"),
    (b"title", b"a" * 201),
    (b"title", "🥁é\u202e".encode()), (b"title", b"</text><script>"), (b"title", b"\\markup #(system \"id\")"),
    (b"title", b"a\r\nb"),
    (b"title", "\ufffe\uffff".encode()), (b"title", b"{{7*7}}%s"), (b"model", b"../../etc/passwd"), (b"model", b"nosuch"),
    (b"model", b"default"),
    (b"model", b"a" * 100), (b"model", b"."), (b"model", b"default,default"), (b"webhook_url", b"http://127.0.0.1/x"),
    (b"webhook_url", b"http://[::1]:1/"), (b"webhook_url", b"http://0x7f000001/"), (b"webhook_url", b"http://169.254.169.254/"),
    (b"webhook_url", b"file:///etc/passwd"), (b"webhook_url", b"javascript:alert(1)"), (b"webhook_url", b"http://[::1"),
    (b"webhook_url", b"https://"),
    (b"webhook_url", b"http://127.0.0.1:99999/"), (b"webhook_url", b"http://a\x00b/"), (b"webhook_url", b"http://127.1\xff/"),
    (b"time_signature", b"7/8"), (b"time_signature", b"0/0"), (b"time_signature", b"15/8"), (b"time_signature", b"4/4\n"),
    (b"voices", b"2.0"),
    (b"voices", b"1"), (b"voices", b"1e1"), (b"voices", b"99999999999999999999999"), (b"similes", b"true"),
    (b"similes", b"maybe"),
    (b"downbeat", b"-11"), (b"downbeat", b"--1"), (b"octave", b"double"), (b"octave", b"HALF"), (b"paper", b"letter"),
    (b"paper", b"a0"),
    (b"bars_per_line", b"12"), (b"bars_per_line", b"0"), (b"sensitivity", b"5"), (b"sensitivity", b"-5"),
    (b"sensitivity", b"5.1"),
    (b"separation", b"none"), (b"separation", b"everything"), (b"", b"x"), (b"__class__", b"x"), (b"a" * 9000, b"x"),
    (b"x", b"a" * 9000),
    (b"file", b"not a file"), (b"status", b"completed"), (b"user_identifier", b"ip:1"),
    (b"youtube_url", b"http://127.0.0.1/"), (b"options", b"{}"),
    ("größe".encode(), b"1"), (b"\xff\xfe", b"1"), (b'a"b', b"1"),
)  # fmt: skip
_KEYS = ("a", "a" * 255, "a" * 256, "", "tab\there", "key key", "{}", "\xe9", "../x")


@dataclass
class Draft:
    """A form in the making."""

    data: bytes
    filename: bytes
    kind: bytes = b""
    name: bytes = b"file"
    fields: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    boundary: bytes = b"----drumscribe"

    def assemble(self) -> bytes:
        """The body as a browser writes it."""
        parts = [_part(name, value) for name, value in self.fields]
        parts.append(_part(self.name, self.data, self.filename, self.kind))
        return b"".join(b"--" + self.boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + self.boundary + b"--\r\n"


def _part(name: bytes, value: bytes, filename: bytes | None = None, kind: bytes = b"") -> bytes:
    head = b'Content-Disposition: form-data; name="' + name + b'"'
    head += b"" if filename is None else b'; filename="' + filename + b'"'
    head += b"\r\nContent-Type: " + kind if kind else b""
    return head + b"\r\n\r\n" + value


# ------------------------------------------------------------------ what is said of them
def _wrong_extension(draft: Draft, die: random.Random) -> None:
    extension = die.choice(_EXTENSIONS)
    draft.filename = f"song.{extension}".encode() if extension else b"song"


def _odd_filename(draft: Draft, die: random.Random) -> None:
    draft.filename = die.choice(_FILENAMES)


def _lying_type(draft: Draft, die: random.Random) -> None:
    draft.kind = die.choice(_TYPES)


def _odd_fields(draft: Draft, die: random.Random) -> None:
    draft.fields += die.choices(_FIELDS, k=die.choice((1, 1, 2, 5)))


def _many_fields(draft: Draft, die: random.Random) -> None:
    draft.fields += [(f"f{number}".encode(), b"x") for number in range(die.choice((39, 41, 1000)))]


def _other_field(draft: Draft, die: random.Random) -> None:
    draft.name = die.choice((b"", b"File", b"upload", b"file ", b"file[]", b"title"))


Oddity = Callable[[Draft, random.Random], None]
ODDITIES: tuple[Oddity, ...] = (
    _wrong_extension,
    _odd_filename,
    _odd_filename,
    _lying_type,
    _odd_fields,
    _odd_fields,
    _many_fields,
    _other_field,
)


# ------------------------------------------------------------------ how they are wrapped
def _cut_form(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    return body[: die.choice((spot(len(body), die), len(body) - die.randrange(1, 30), len(body) - die.randrange(1, 3)))]


def _flip_framing(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    head = flip(body[:150], die, 150, die.choice((1, 3, 10)))
    return head + body[150:-20] + (flip(body[-20:], die, 20, 1) if die.random() < 0.5 else body[-20:])


def _wrong_boundary(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    boundary = die.choice(
        ("other", "----drumscrib", "----drumscribee", "", "a" * 300, '"', '"----drumscribe"', "-", "=;=", "\xe9")
    )
    headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    return body


def _wrong_request_type(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    headers["Content-Type"] = die.choice(
        ("application/json", "application/json; charset=utf-7", "text/plain", "multipart/form-data",
        "multipart/mixed; boundary=----drumscribe",
         "application/x-www-form-urlencoded", "", "audio/wav", "multipart/form-data; boundary",
         "MULTIPART/FORM-DATA; BOUNDARY=----drumscribe")
    )  # fmt: skip
    return die.choice(
        (body, body, b'{"youtube_url": "file:///etc/passwd"}', b"[" * 20_000, b'{"youtube_url": 1e999}', b"null", b'"\\ud800"')
    )


def _bare_newlines(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    return body.replace(b"\r\n", die.choice((b"\n", b"\r", b"\r\n\r\n", b" \r\n")), die.choice((1, 2, -1)))


def _part_headers(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    lines = die.choice(
        (b"X: y\r\n" * 100, b"X-Long: " + b"y" * 20_000 + b"\r\n", b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Length: 3\r\n",
         b": empty\r\n", b"\x00: nul\r\n", b"no colon\r\n", b"Content-Disposition: form-data; name=\"title\"\r\n",
         b"Content-Disposition: attachment\r\n", b" folded: 1\r\n", b"\xff\xfe: 1\r\n")
    )  # fmt: skip
    at = body.find(b"\r\n") + 2
    return body[:at] + lines + body[at:]


def _no_disposition(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    other = die.choice(
        (b"", b"Content-Disposition: x; a", b"Content-Disposition: form-data; filename*=UTF-8''a.wav; b", b"Content-Disposition:")
    )
    return body.replace(b"Content-Disposition: form-data; name", other, 1)


def _extended_filename(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    other = die.choice(
        (b"; filename*=UTF-8''%e2%82%ac.wav", b"; filename*=utf-99''x.wav", b"; filename*=UTF-8''%00%ff.wav",
        b"; filename*0=a; filename*1=.wav",
         b"; filename=unquoted.wav", b'; filename="unclosed.wav', b"; filename", b'; filename="a.wav"; filename="b.exe"',
         b"; filename*='x")
    )  # fmt: skip
    start, end = body.find(b"; filename="), body.find(b"\r\n", body.find(b"; filename="))
    return body[:start] + other + body[end:]


def _two_files(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    end = body.rfind(b"------drumscribe--")
    return body[:end] * die.choice((2, 3)) + body[end:]


def _wrap(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    """Text before and after the form, or another form behind it."""
    return die.choice((b"preamble\r\n" + body, body + b"epilogue" * 100, body + body, b"\r\n\r\n" + body, body + b"\x00" * 5000))


def _nested(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    return b'------drumscribe\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + body + body[-22:]


def _odd_headers(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    odd = die.choice(
        ("Content-Encoding", "Idempotency-Key", "Idempotency-Key", "X-Request-ID", "Accept", "Expect", "traceparent", "Range")
    )
    headers[odd] = {
        "Content-Encoding": "gzip",
        "Idempotency-Key": die.choice(_KEYS),
        "X-Request-ID": die.choice(("a" * 5000, "\xff", "id\ttab", "{}")),
        "Accept": die.choice(("image/png", "text/html", "*/*;q=nan")),
        "Expect": "100-continue",
        "traceparent": die.choice(("00-" + "f" * 32 + "-" + "f" * 16 + "-01", "garbage", "00-0-0-0")),
        "Range": "bytes=0-1",
    }[odd]
    return body


def _nothing(body: bytes, headers: dict[str, str], die: random.Random) -> bytes:
    return die.choice((b"", b"\r\n", b"--", b"------drumscribe--\r\n", b"------drumscribe\r\n" * 500, b"-" * 100_000))


Framing = Callable[[bytes, dict[str, str], random.Random], bytes]
FRAMINGS: tuple[Framing, ...] = (
    _cut_form, _cut_form, _flip_framing, _flip_framing, _wrong_boundary, _wrong_request_type, _bare_newlines, _part_headers,
    _no_disposition,
    _extended_filename, _two_files, _wrap, _nested, _odd_headers, _nothing,
)  # fmt: skip
