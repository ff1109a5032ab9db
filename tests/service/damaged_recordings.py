"""Recordings of every common kind, and what can happen to one: each damage takes a file and a die, and gives a file."""

from __future__ import annotations

import gzip
import io
import math
import random
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from drumscribe.audio import load_audio, resample

DEMO = Path(__file__).resolve().parents[2] / "demo" / "demo.flac"
RATE = 48_000

#: Name → container, codec, what the encoder wants to hear. `bitexact` keeps random serial numbers out of the files.
FORMATS: dict[str, tuple[str, str, dict[str, str]]] = {
    "wav": ("wav", "pcm_s16le", {}),
    "flac": ("flac", "flac", {}),
    "mp3": ("mp3", "libmp3lame", {}),
    "ogg": ("ogg", "vorbis", {"strict": "experimental"}),
    "opus": ("ogg", "libopus", {}),
    "m4a": ("ipod", "aac", {}),
    "aiff": ("aiff", "pcm_s16be", {}),
    "webm": ("webm", "libopus", {}),
}
#: A song that can be transcribed, and one that is too short: decoded to its end and then refused, which is cheap.
LONG_S, SHORT_S = 6.0, 2.0
_MARKERS = (
    b"RIFF", b"fmt ", b"data", b"LIST", b"FORM", b"COMM", b"SSND", b"fLaC", b"ID3", b"Xing", b"Info", b"OggS", b"OpusHead",
    b"vorbis", b"ftyp", b"moov", b"mvhd", b"trak", b"mdhd", b"stsd", b"stsz", b"stts", b"stsc", b"stco", b"esds", b"mp4a",
    b"mdat",
    b"\x1aE\xdf\xa3", b"\x18S\x80g", b"\x16T\xaek", b"\x1fC\xb6u",
)  # fmt: skip
_NUMBERS = (0, 1, 2, 7, 8, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)

_NOT_SOUND = (
    b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n",
    b"[playlist]\nFile1=http://127.0.0.1:9/x.wav\nNumberOfEntries=1\n",
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><MPD>&e;</MPD>',
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"\x89PNG\r\n\x1a\n" + bytes(200),
    b"%PDF-1.7\n%%EOF\n",
    b"PK\x03\x04" + bytes(60),
    b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x01\xe0MTrk\x7f\xff\xff\xff",
    b"\x7fELF" + bytes(100),
    b"#!/bin/sh\nexit 0\n",
    b"\x00",
    b"",
)


def make_recordings() -> dict[tuple[str, str], bytes]:
    """The first seconds of the demo song in every format: (format, "long" or "short") → file."""
    song = load_audio(DEMO)
    samples = np.repeat(resample(song, RATE).samples[:1], 2, axis=0)
    lengths = {"long": LONG_S, "short": SHORT_S}
    return {(name, length): encode(name, samples[:, : int(s * RATE)]) for name in FORMATS for length, s in lengths.items()}


def encode(name: str, samples: np.ndarray) -> bytes:
    """Return a file of `samples` (2, n) at `RATE`."""
    container, codec, options = FORMATS[name]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options={"fflags": "+bitexact"}) as out:
        sound = out.add_stream(codec, rate=RATE, layout="stereo", options=options)
        for start in range(0, samples.shape[1], 4096):
            block = np.ascontiguousarray(samples[:, start : start + 4096], np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return buffer.getvalue()


def spot(size: int, die: random.Random) -> int:
    """A place in a file: as likely near its beginning as in all the rest."""
    return min(size - 1, int(math.exp(die.uniform(0, math.log(max(2, size))))) - 1) if size else 0


def _truncate(data: bytes, die: random.Random) -> bytes:
    return data[: die.choice((spot(len(data), die), die.randrange(len(data) + 1), max(0, len(data) - die.randrange(1, 64))))]


def flip(data: bytes, die: random.Random, within: int, count: int) -> bytes:
    changed = bytearray(data)
    for _ in range(count if changed else 0):
        changed[die.randrange(min(within, len(changed)))] ^= 1 << die.randrange(8)
    return bytes(changed)


def _flip_header(data: bytes, die: random.Random) -> bytes:
    return flip(data, die, die.choice((16, 64, 256, 1024)), die.choice((1, 2, 5, 20)))


def _flip_body(data: bytes, die: random.Random) -> bytes:
    return flip(data, die, len(data), die.choice((1, 10, 100, 1000)))


def _length_field(data: bytes, die: random.Random) -> bytes:
    """Another number where one stands: beside a marker, or anywhere in the header."""
    changed = bytearray(data)
    places = [at + len(marker) for marker in _MARKERS if (at := data.find(marker)) >= 0]
    places += [at - 4 for marker in _MARKERS if (at := data.find(marker)) >= 4]
    for _ in range(die.choice((1, 1, 2, 4))):
        place = die.choice(places) + die.choice((0, 0, 4, 8, 12, 16)) if places and die.random() < 0.8 else die.randrange(2048)
        number = die.choice((*_NUMBERS, len(data), len(data) + die.randrange(-64, 64) & 0xFFFFFFFF, die.getrandbits(32)))
        width = die.choice((2, 4, 4, 8))
        if place + width <= len(changed):
            changed[place : place + width] = (number % (1 << 8 * width)).to_bytes(width, die.choice(("little", "big")))
    return bytes(changed)


def _overwrite(data: bytes, die: random.Random) -> bytes:
    """A run of one byte, or of noise."""
    start = spot(len(data), die)
    size = min(len(data) - start, die.choice((4, 64, 1024, len(data) // 5)))
    return data[:start] + die.choice((bytes(size), b"\xff" * size, die.randbytes(size))) + data[start + size :]


def _chunk(data: bytes, die: random.Random) -> tuple[int, int]:
    start = spot(len(data), die)
    return start, min(len(data), start + (1 << die.randrange(2, 15)))


def _swap(data: bytes, die: random.Random) -> bytes:
    (a, b), (c, d) = sorted((_chunk(data, die), _chunk(data, die)))
    c = max(b, c)
    d = max(c, d)
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _repeat(data: bytes, die: random.Random) -> bytes:
    start, end = _chunk(data, die)
    return data[:start] + data[start:end] * die.choice((2, 3, 20)) + data[end:]


def _drop(data: bytes, die: random.Random) -> bytes:
    start, end = _chunk(data, die)
    return data[:start] + data[end:]


def _surround(data: bytes, die: random.Random) -> bytes:
    junk = die.randbytes(die.choice((1, 100, 5000)))
    return die.choice((junk + data, data + junk, bytes(len(junk)) + data, b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + data))


def _replace(data: bytes, die: random.Random) -> bytes:
    """Something else altogether, with the beginning of a recording or without."""
    other = die.choice((*_NOT_SOUND, die.randbytes(3000), gzip.compress(data[:20_000], mtime=0)))
    return data[: die.choice((0, 0, 4, 16, 44))] + other


Damage = Callable[[bytes, random.Random], bytes]
DAMAGES: tuple[Damage, ...] = (
    _truncate, _truncate, _flip_header, _flip_header, _flip_body, _length_field, _length_field, _length_field, _overwrite,
    _swap,
    _repeat, _drop, _surround, _replace, _replace,
)  # fmt: skip
