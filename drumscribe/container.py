"""Opens a media file of unknown origin, and reads what its container claims.

A file is judged by its content, never by its name, and only by the demuxers listed in `FORMATS`: playlists and
scripts (HLS, DASH, concat, SDP, …) are not among them, since they make the reader open other files and addresses.
Nothing but the one regular file is ever opened: the decoder is handed an open file, no path, and a callback that
refuses whatever else it asks for.

What a container states (its duration) is a claim: good enough to refuse a file or to notice that its end is
missing, never a reason to accept it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from drumscribe.errors import FileNotReadable, UnreadableAudio

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer

#: Demuxers that may look at a file. Each reads one self-contained file, and says how long it should be; the two
#: exceptions are bare streams (`aac`, `mpegts`) and MP3 without a header, where whatever is there is the recording.
FORMATS = "wav,aiff,au,flac,wv,mp3,aac,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,flv,mpegts"

#: Audio decoders that may run. Without it, probing a video would also start decoders for its pictures.
CODECS = (
    "mp3float,mp3,mp2float,mp2,mp1float,mp1,aac,aac_latm,alac,flac,vorbis,opus,libopus,wavpack,ac3,eac3,wmav1,wmav2,wmapro,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,"
    "pcm_alaw,pcm_mulaw,pcm_s16le_planar,pcm_bluray,pcm_dvd,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt"
)

#: Demuxers (beginnings of their names) whose files hold a time for every packet.
_TIMED = ("matroska", "mov", "ogg", "flv", "mpegts")

_READ_SIZE = 1 << 18
_OPEN_ERRORS = {
    errno.ENOENT: "does not exist",
    errno.EACCES: "may not be read",
    errno.EPERM: "may not be read",
    errno.ELOOP: "is a link that leads back to itself",
    errno.ENAMETOOLONG: "has too long a name",
    errno.ENOTDIR: "does not exist",
}


class _Bytes:
    """The file as the decoder sees it: bytes without a name, so that no name can suggest a format.

    Damaged files make the decoder seek to absurd places; it is told so by a return value, since an exception
    would cross native code.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell = file.tell

    def read(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except OSError:  # a failing disk: what follows is missing, and is missed by the check for completeness
            return b""

    def seek(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A container with its best audio stream."""

    container: InputContainer
    stream: AudioStream
    format: str  #: name of the demuxer
    size: int  #: bytes
    stated_duration: float | None  #: seconds by the container's own word; None where it gives none or only an estimate
    breaks_off: bool  #: the last unit of the file is incomplete
    has_time_stamps: bool  #: packets carry their times, and these are not merely counted


def label(path: Path) -> str:
    """How a message names a file: quoted, one line, never longer than a line."""
    name = path.name or str(path)
    return repr(name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}")


@contextmanager
def open_container(path: Path) -> Generator[Opened]:
    """Open a media file for reading.

    Raises
    ------
    FileNotReadable
        If `path` is missing, not a regular file, or may not be read.
    UnreadableAudio
        If the content is not in a known format, or holds no sound.
    """
    import av
    from av.error import FFmpegError

    def refuse(url: str, *_: object) -> object:
        raise PermissionError(f"a media file asked for {url!r}")

    with _open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise UnreadableAudio(f"{label(path)} is empty.", path=str(path))
        options = {"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "none"}
        try:
            container = cast(
                "InputContainer",
                av.open(
                    _Bytes(file), container_options=options, io_open=refuse, buffer_size=_READ_SIZE, metadata_errors="replace"
                ),
            )
        except (FFmpegError, OSError, ValueError) as error:
            message = f"{label(path)} is not a sound file that can be read, or its beginning or index is damaged."
            raise UnreadableAudio(message, path=str(path), cause=str(error)) from error
        with container:
            stream = _best_stream(container)
            if stream is None:
                raise UnreadableAudio(f"{label(path)} has no sound track.", path=str(path), format=container.format.name)
            codec = cast("AudioCodecContext | None", stream.codec_context)  # None where FFmpeg knows no decoder
            if codec is None or codec.name not in CODECS.split(",") or codec.sample_rate <= 0:
                message = f"The sound in {label(path)} is in a form that cannot be decoded."
                raise UnreadableAudio(message, path=str(path), codec=codec.name if codec else None)
            name = container.format.name
            position = file.tell()
            stated, breaks_off = _stated_duration(container, stream, file, size), _breaks_off(name, file, size)
            file.seek(position)  # the decoder goes on reading where it stood
            yield Opened(container, stream, name, size, stated, breaks_off, name.startswith(_TIMED))


def _best_stream(container: InputContainer) -> AudioStream | None:
    """FFmpeg's choice among the audio streams; of those found only while probing, PyAV knows no more than the number."""
    try:
        return cast("AudioStream | None", container.streams.best("audio"))
    except IndexError:
        return container.streams.audio[0] if container.streams.audio else None


@contextmanager
def _open_regular(path: Path) -> Generator[BinaryIO]:
    """Open without waiting (a FIFO would block) and only what is a regular file (a device may never end)."""
    try:
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        )
    except (OSError, ValueError) as error:
        reason = _OPEN_ERRORS.get(getattr(error, "errno", None) or 0, "cannot be opened")
        raise FileNotReadable(f"{label(path)} {reason}.", path=str(path), cause=str(error)) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise FileNotReadable(f"{label(path)} is {kind}.", path=str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


# ------------------------------------------------------------------------------- what headers claim


def _stated_duration(container: InputContainer, stream: AudioStream, file: BinaryIO, size: int) -> float | None:
    """Seconds that the header claims for the sound, where the format has such a claim."""
    name = container.format.name
    whole = container.duration / 1e6 if container.duration is not None else None
    if name == "mp3":
        return _xing_duration(file)
    if name == "wav":
        data_size, bit_rate = _wav_data_size(file, size), stream.codec_context.bit_rate
        return data_size * 8 / bit_rate if data_size is not None and bit_rate else None
    if name.startswith(("aiff", "au", "flac", "wv", "mov")):
        return float(stream.duration * stream.time_base) if stream.duration is not None and stream.time_base else None
    if name.startswith("matroska"):
        tag = stream.metadata.get("DURATION")
        return _clock(tag) if tag else whole if len(container.streams) == 1 else None
    return whole if name == "flv" and len(container.streams) == 1 else None


def _breaks_off(name: str, file: BinaryIO, size: int) -> bool:
    """Whether the last unit of the file is shorter than its own header says."""
    if name == "ogg":
        return not _ends_with_whole_ogg_page(file, size)
    if name.startswith("mov"):
        return not _has_whole_boxes(file, size)
    if name == "avi":
        file.seek(4)
        riff_size = int.from_bytes(file.read(4), "little")
        return not _is_placeholder(riff_size) and riff_size + 8 > size + 1
    return False


def _is_placeholder(size: int) -> bool:
    """Whether a RIFF size is what programs write when they stream and cannot know it."""
    return size == 0 or size >= 0xFFFFFF00 or 0x7FFF0000 <= size <= 0x80010000


def _wav_data_size(file: BinaryIO, size: int) -> int | None:
    """Bytes of sound by the header of a WAV; the demuxer corrects this to what is there, which hides a cut."""
    file.seek(0)
    is_rf64 = file.read(4) in (b"RF64", b"BW64")
    position, long_size = 12, None
    while position + 8 <= size:
        file.seek(position)
        head = file.read(24)
        name, chunk_size = head[:4], int.from_bytes(head[4:8], "little")
        if name == b"ds64" and is_rf64:
            long_size = int.from_bytes(head[16:24], "little")
        if name == b"data":
            if long_size is not None:
                return long_size
            return None if _is_placeholder(chunk_size) else chunk_size
        position += 8 + chunk_size + chunk_size % 2
    return None


def _has_whole_boxes(file: BinaryIO, size: int) -> bool:
    """Whether the chain of MP4 boxes reaches the end of the file, but for a little rubbish behind it."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        box_size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if box_size == 0:  # until the end of the file
            return True
        if box_size == 1:
            box_size = int.from_bytes(head[8:16], "big")
        if box_size < 8 or not name.isalnum():
            return size - position <= max(1 << 16, size // 50)
        if position + box_size > size:
            return name not in (b"mdat", b"moof")
        position += box_size
    return True


def _clock(text: str) -> float | None:
    """Seconds of `h:mm:ss.fff`."""
    try:
        hours, minutes, seconds = text.split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    except ValueError:
        return None


def _xing_duration(file: BinaryIO) -> float | None:
    """Seconds by the Xing/Info header of an MP3 (number of frames).

    The demuxer drops this count when the file is shorter than the header says, which is just when it matters.
    """
    file.seek(0)
    start = 0
    head = file.read(10)
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    file.seek(start)
    block = file.read(4096)
    sync = next((i for i in range(len(block) - 4) if block[i] == 0xFF and block[i + 1] & 0xE6 == 0xE2), None)
    if sync is None:
        return None
    version, rate_index, mono = (block[sync + 1] >> 3) & 3, (block[sync + 2] >> 2) & 3, block[sync + 3] >> 6 == 3
    if version == 1 or rate_index == 3:
        return None
    mpeg1 = version == 3
    rate = (44100, 48000, 32000)[rate_index] // {3: 1, 2: 2, 0: 4}[version]
    offset = sync + 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    tag = block[offset : offset + 12]
    if tag[:4] not in (b"Xing", b"Info") or not tag[7] & 1:
        return None
    return int.from_bytes(tag[8:12], "big") * (1152 if mpeg1 else 576) / rate


def _ends_with_whole_ogg_page(file: BinaryIO, size: int) -> bool:
    """Whether the last Ogg page is all there; its header says how long it must be."""
    start = max(0, size - (1 << 17))  # a page has at most 65307 bytes
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return True
    segments = tail[page + 26] if page + 26 < len(tail) else 255
    lacing = tail[page + 27 : page + 27 + segments]
    return len(lacing) == segments and page + 27 + segments + sum(lacing) <= len(tail)
