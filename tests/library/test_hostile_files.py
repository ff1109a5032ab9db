"""Files that must not get through, and a few odd ones that must: each with its typed error, quickly, quietly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from media import RATE, encode, film_without_sound, float_wav, pcm16, tone, with_stated_data_size

from drumscribe.audio import load_audio
from drumscribe.errors import (
    AudioTooLong,
    AudioTooShort,
    DrumScribeError,
    FileNotReadable,
    NonFiniteAudio,
    SampleRateTooLow,
    SilentAudio,
    UnreadableAudio,
    WeightsError,
)
from drumscribe.weights import load_models

Make = Callable[[Path], Path]
Refusal = type[DrumScribeError] | None


@dataclass(frozen=True)
class Case:
    """One file: how it is made, the error it must give (None: it is good), and a word of the message."""

    make: Make
    error: Refusal
    says: str = ""


def _bytes(name: str, content: Callable[[], bytes]) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content())
        return path

    return make


def _cut(name: str, container: str, codec: str, share: float = 0.7, **options: str) -> Make:
    def make(folder: Path) -> Path:
        rate = 48_000 if codec == "libopus" else RATE
        path = encode(folder / name, tone(10.0, rate), rate=rate, container=container, codec=codec, options=options)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return make


def _encoded(name: str, seconds: float = 6.0, rate: int = RATE, layout: str = "stereo", **how: str) -> Make:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    return lambda folder: encode(folder / name, tone(seconds, rate, channels), rate=rate, layout=layout, **how)  # type: ignore[arg-type]


def _noise(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.3, 0.3, (channels, round(seconds * rate))).astype(np.float32)


def _with(value: float, dtype: str = "f4") -> bytes:
    samples = tone(6.0).astype(dtype)
    samples[1, 3 * RATE] = value
    return float_wav(samples)


def _long_wav() -> bytes:
    return pcm16(np.tile(_noise(1.0, 16_000), 901), 16_000)


def _id3_only() -> bytes:
    return b"ID3\x04\x00\x00\x00\x00\x07\x76" + b"TIT2\x00\x00\x00\x05\x00\x00\x03Song" + bytes(986)


def _linked_to_itself(folder: Path) -> Path:
    path = folder / "loop.wav"
    path.symlink_to(path)
    return path


def _fifo(folder: Path) -> Path:
    path = folder / "pipe.wav"
    os.mkfifo(path)
    return path


def _folder(folder: Path) -> Path:
    path = folder / "album.mp3"
    path.mkdir()
    return path


def _many_claims() -> bytes:
    """A WAV whose header claims ten hours of 16 kHz mono, with six seconds behind it."""
    return with_stated_data_size(pcm16(_noise(6.0, 16_000), 16_000), 16_000 * 2 * 36_000)


def _broken_mp4_box() -> bytes:
    return (24).to_bytes(4, "big") + b"ftypM4A \x00\x00\x00\x00M4A mp42" + (2**31).to_bytes(4, "big") + b"moov" + bytes(500)


CASES = {
    "0 bytes": Case(_bytes("empty.wav", lambda: b""), UnreadableAudio, "empty"),
    "1 byte": Case(_bytes("one.wav", lambda: b"R"), UnreadableAudio),
    "text named wav": Case(_bytes("text.wav", lambda: b"These are not the sounds you seek.\n" * 500), UnreadableAudio),
    "html named mp3": Case(_bytes("page.mp3", lambda: b"<!DOCTYPE html><html><body>404</body></html>" * 50), UnreadableAudio),
    "random bytes": Case(_bytes("random.mp3", lambda: np.random.default_rng(3).bytes(200_000)), UnreadableAudio),
    "zeros": Case(_bytes("zeros.flac", lambda: bytes(100_000)), UnreadableAudio),
    "wav header alone": Case(_bytes("head.wav", lambda: pcm16(np.zeros((2, 0), np.float32))), UnreadableAudio),
    "png named wav": Case(_bytes("p.wav", lambda: b"\x89PNG\r\n\x1a\n" + bytes(64)), UnreadableAudio),
    "cut mp3": Case(_cut("cut.mp3", "mp3", "libmp3lame"), UnreadableAudio, "cut off"),
    "cut flac": Case(_cut("cut.flac", "flac", "flac"), UnreadableAudio, "cut off"),
    "cut opus": Case(_cut("cut.opus", "ogg", "libopus"), UnreadableAudio, "cut off"),
    "cut m4a, index at the end": Case(_cut("cut.m4a", "ipod", "aac"), UnreadableAudio, "damaged"),
    "cut m4a, index first": Case(_cut("fast.m4a", "ipod", "aac", movflags="+faststart"), UnreadableAudio, "cut off"),
    "cut m4a in fragments": Case(
        _cut("frag.m4a", "ipod", "aac", movflags="frag_keyframe+empty_moov", frag_duration="1000000"), UnreadableAudio, "cut off"
    ),
    "cut webm": Case(_cut("cut.webm", "webm", "libopus"), UnreadableAudio, "cut off"),
    "cut aiff": Case(_cut("cut.aiff", "aiff", "pcm_s16be"), UnreadableAudio, "cut off"),
    "cut wav": Case(_bytes("cut.wav", lambda: pcm16(tone(10.0))[: 7 * RATE * 4]), UnreadableAudio, "only 7.0 of 10.0 s"),
    "cut to its first second": Case(_cut("stub.mp3", "mp3", "libmp3lame", 0.1), UnreadableAudio, "cut off"),
    "8 kHz": Case(_bytes("phone.wav", lambda: pcm16(tone(6.0, 8_000), 8_000)), SampleRateTooLow, "8000 Hz"),
    "4.9 s": Case(_bytes("short.wav", lambda: pcm16(tone(4.9))), AudioTooShort, "4.9 s"),
    "15 min 1 s": Case(_bytes("long.wav", _long_wav), AudioTooLong, "15 minutes"),
    "15 min 1 s of unstated length": Case(
        _bytes("stream.wav", lambda: with_stated_data_size(_long_wav(), 0xFFFFFFFF)), AudioTooLong, "15 minutes"
    ),
    "silence": Case(_bytes("silence.wav", lambda: pcm16(np.zeros((2, 6 * RATE), np.float32))), SilentAudio, "silent"),
    "silence at 48 kHz": Case(_bytes("s48.wav", lambda: pcm16(np.zeros((2, 288_000), np.float32), 48_000)), SilentAudio),
    "DC": Case(_bytes("dc.wav", lambda: pcm16(np.full((2, 6 * RATE), 0.5, np.float32))), SilentAudio, "silent"),
    "DC at full scale and 48 kHz": Case(_bytes("dc.wav", lambda: pcm16(np.ones((1, 288_000), np.float32), 48_000)), SilentAudio),
    "NaN": Case(_bytes("nan.wav", lambda: _with(np.nan)), NonFiniteAudio, "NaN"),
    "infinity": Case(_bytes("inf.wav", lambda: _with(np.inf)), NonFiniteAudio),
    "a double beyond the range of floats": Case(_bytes("big.wav", lambda: _with(1e300, "f8")), NonFiniteAudio),
    "video without sound": Case(lambda folder: film_without_sound(folder / "film.mp4"), UnreadableAudio, "no sound track"),
    "a claim of ten hours": Case(_bytes("claim.wav", _many_claims), UnreadableAudio, "of 36000.0 s"),
    "a claim of 2 GHz": Case(
        _bytes("ghz.wav", lambda: pcm16(_noise(6.0))[:24] + (2_000_000_000).to_bytes(4, "little") + pcm16(_noise(6.0))[28:]),
        UnreadableAudio,
    ),
    "a claim of no channels": Case(
        _bytes("none.wav", lambda: pcm16(_noise(6.0))[:22] + bytes(2) + pcm16(_noise(6.0))[24:]), UnreadableAudio
    ),
    "a box of 2 GB": Case(_bytes("box.m4a", _broken_mp4_box), UnreadableAudio),
    "tags alone": Case(_bytes("tags.mp3", _id3_only), UnreadableAudio),
    "a directory": Case(_folder, FileNotReadable, "directory"),
    "missing": Case(lambda folder: folder / "nowhere.wav", FileNotReadable, "does not exist"),
    "below a file": Case(lambda folder: _bytes("f", lambda: b"x")(folder) / "song.wav", FileNotReadable, "does not exist"),
    "a name beyond the system": Case(lambda folder: folder / ("a" * 300 + ".wav"), FileNotReadable, "too long a name"),
    "a NUL in the name": Case(lambda folder: folder / "a\0b.wav", FileNotReadable),
    "a link to itself": Case(_linked_to_itself, FileNotReadable, "link"),
    "a FIFO": Case(_fifo, FileNotReadable, "not a regular file"),
    "an endless device": Case(lambda _: Path("/dev/zero"), FileNotReadable, "not a regular file"),
    "an address": Case(lambda _: Path("http://127.0.0.1/song.mp3"), FileNotReadable, "does not exist"),
    # odd, and good
    "7.1 channels": Case(_bytes("71.wav", lambda: pcm16(_noise(6.0, 48_000, 8), 48_000)), None),
    "5.1 channels": Case(_encoded("51.m4a", layout="5.1", container="ipod", codec="aac"), None),
    "192 kHz": Case(_bytes("192.wav", lambda: pcm16(tone(6.0, 192_000), 192_000)), None),
    "16 kHz": Case(_bytes("16.wav", lambda: pcm16(tone(6.0, 16_000), 16_000)), None),
    "5.0 s": Case(_encoded("five.mp3", 5.0, container="mp3", codec="libmp3lame"), None),
    "video with sound": Case(
        lambda folder: encode(folder / "film.mp4", tone(6.0), container="mp4", codec="aac", picture=True), None
    ),
    "flac named mp3": Case(_encoded("wrong.mp3", container="flac", codec="flac"), None),
    "unicode name": Case(_encoded("Größe 🥁 \u202eドラム\n.flac", container="flac", codec="flac"), None),
    "a name of 240 characters": Case(_encoded("x" * 235 + ".flac", container="flac", codec="flac"), None),
    "a name like an option": Case(_encoded("-i.flac", container="flac", codec="flac"), None),
    "wav of unstated length": Case(_bytes("ff.wav", lambda: with_stated_data_size(pcm16(tone(6.0)), 0xFFFFFFFF)), None),
    "wav never finished": Case(_bytes("zero.wav", lambda: with_stated_data_size(pcm16(tone(6.0)), 0)), None),
}


def test_there_are_many_of_them() -> None:
    assert sum(case.error is not None for case in CASES.values()) >= 25


@pytest.mark.parametrize("name", CASES)
def test_every_odd_file_gives_its_typed_error_or_its_sound(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case = CASES[name]
    path = case.make(tmp_path)
    capfd.readouterr()
    if case.error is None:
        audio = load_audio(path)
        assert 4.95 <= audio.duration <= 6.2
        assert np.isfinite(audio.samples).all()
        assert np.abs(audio.samples).max() <= 1.5
    else:
        with pytest.raises(case.error) as caught:
            load_audio(path)
        assert type(caught.value) is case.error
        message = caught.value.message
        assert case.says in message
        assert message.endswith(".")
        assert "\n" not in message
        assert len(message) < 200
        assert caught.value.facts
    assert capfd.readouterr() == ("", "")


def test_a_file_without_permission_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "mine.wav"
        path.write_bytes(pcm16(tone(6.0)))
        path.chmod(0)
        uid = os.geteuid()
        if uid == 0:  # root may read everything: look with the eyes of nobody
            os.seteuid(65_534)
        try:
            with pytest.raises(FileNotReadable, match="may not be read"):
                load_audio(path)
        finally:
            os.seteuid(uid)


# ------------------------------------------------------------------------------------- scripts and playlists


@pytest.fixture
def listener() -> Generator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.0)
        yield server


def _playlists(folder: Path, port: int) -> dict[str, str]:
    secret = f"file://{folder}/secret.aac"
    web = f"http://127.0.0.1:{port}/secret.aac"
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\n{}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT6S"><Period>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {} RTP/AVP 0\n"
    return {
        "local.ffconcat": "ffconcat version 1.0\nfile secret.aac\n",
        "absolute.ffconcat": f"ffconcat version 1.0\nfile '{folder}/secret.aac'\n",
        "web.ffconcat": f"ffconcat version 1.0\nfile '{web}'\n",
        "local.m3u8": hls.format("secret.aac"),
        "url.m3u8": hls.format(secret),
        "web.m3u8": hls.format(web),
        "concat.m3u8": hls.format(f"concat:{folder}/secret.aac"),
        "web.mpd": dash.format(web),
        "local.mpd": dash.format(secret),
        "session.sdp": sdp.format(port),
        "list.pls": f"[playlist]\nNumberOfEntries=1\nFile1={web}\n",
    }


def test_scripts_and_playlists_open_nothing_else(tmp_path: Path, listener: socket.socket) -> None:
    encode(tmp_path / "secret.aac", tone(6.0), container="adts", codec="aac")
    playlists = _playlists(tmp_path, listener.getsockname()[1])
    for name, text in playlists.items():
        for path in (tmp_path / name, tmp_path / f"{name}.mp3"):
            path.write_text(text)
            with pytest.raises(UnreadableAudio):
                load_audio(path)
    with pytest.raises(BlockingIOError):
        listener.accept()
    # the guard has something to guard against: left alone, the decoder follows
    with av.open(str(tmp_path / "local.ffconcat")) as container:
        assert container.streams.audio
    with av.open(str(tmp_path / "local.m3u8")) as container:
        assert container.streams.audio


# ------------------------------------------------------------------------------------- at the command line


#: one for each error class
AT_THE_COMMAND_LINE = ["text named wav", "cut mp3", "8 kHz", "4.9 s", "15 min 1 s", "silence", "NaN", "a directory"]


@pytest.fixture(scope="module")
def shipped_models() -> None:
    """Skip where no networks were shipped: the command needs them before it looks at a song."""
    try:
        load_models()
    except WeightsError as error:
        pytest.skip(f"no networks here: {error}")


@pytest.mark.usefixtures("shipped_models")
@pytest.mark.parametrize("name", AT_THE_COMMAND_LINE)
def test_the_command_ends_with_the_errors_exit_code_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    assert case.error is not None
    path, out = case.make(tmp_path), tmp_path / "out"
    command = [sys.executable, "-m", "drumscribe.cli", "transcribe", str(path), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == case.error.exit_code, done.stderr
    assert "Traceback" not in done.stderr
    assert case.says in " ".join(done.stderr.split())
    assert not out.exists() or not any(out.iterdir())
