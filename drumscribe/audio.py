"""Files and arrays of sound: decode, resample, mix down, measure, save.

A file is decoded once, block by block, through PyAV (FFmpeg's decoders) and resampled as it arrives (soxr), so
that memory holds the result and little else, and a file of ten hours costs no more than one of fifteen minutes.
Every check looks at what was decoded; what the container claims can only make a file be refused.

Contents: `load_audio`, `probe`, `resample`, `to_mono`, `compute_rms`, `validate_audio_signal`,
`resample_clip_to_target`, `save_wav`, `save_lossless`.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import numpy as np

from drumscribe.container import Opened, label, open_container
from drumscribe.decoding import PADDING_S, QUALITY, SAMPLE_RATE, Reader, decode, too_long
from drumscribe.errors import AudioTooShort, SilentAudio, UnreadableAudio
from drumscribe.options import IngestOptions
from drumscribe.types import Audio, FloatArray

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

__all__ = [
    "SAMPLE_RATE",
    "AudioInfo",
    "SignalFacts",
    "compute_rms",
    "get_audio_metadata",
    "load_audio",
    "probe",
    "resample",
    "resample_clip_to_target",
    "save_lossless",
    "save_wav",
    "to_mono",
    "validate_audio_signal",
]


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says of itself, before anything is decoded."""

    format: str  #: container, e.g. "mp3", "flac", "ogg", "mov,mp4,…"
    codec: str
    sample_rate: int  #: Hz
    channels: int
    duration: float | None  #: seconds, as stated or estimated; None if unknown
    title: str = ""
    artist: str = ""


class SignalFacts(TypedDict):
    """What `validate_audio_signal` found."""

    sample_rate: int
    duration_seconds: float


def probe(path: str | Path) -> AudioInfo:
    """Read the headers of a file; cheap, and no promise that it can be transcribed.

    Raises
    ------
    FileNotReadable, UnreadableAudio
        As `load_audio`.
    """
    with open_container(Path(path)) as opened:
        container, stream = opened.container, opened.stream
        duration = opened.stated_duration
        if duration is None and container.duration is not None:
            duration = container.duration / 1e6
        codec = stream.codec_context
        tags = {key.lower(): value for source in (stream.metadata, container.metadata) for key, value in source.items()}
        return AudioInfo(
            opened.format, codec.name, codec.sample_rate, codec.channels, duration, tags.get("title", ""), tags.get("artist", "")
        )


#: The checklist's name for `probe`.
get_audio_metadata = probe


def load_audio(path: str | Path, *, options: IngestOptions | None = None) -> Audio:
    """Decode a sound file, or the sound of a video, once.

    Any common format is recognised by its content: wav, aiff, flac, mp3, ogg (Vorbis, Opus), m4a, aac, webm, mp4, …

    Parameters
    ----------
    path : path
        A regular file. Addresses are not followed.
    options : IngestOptions
        Limits on duration, sample rate and loudness.

    Returns
    -------
    Audio
        One or two channels at `SAMPLE_RATE`. More channels are mixed down to two (ITU-R BS.775, without LFE).

    Raises
    ------
    FileNotReadable
        If the path does not lead to a regular file that may be read.
    UnreadableAudio
        If the content cannot be decoded, or breaks off before the end that its header states.
    AudioTooShort, AudioTooLong, SampleRateTooLow, SilentAudio, NonFiniteAudio
        If the sound lies outside the limits.
    """
    path, options = Path(path), options or IngestOptions()
    with open_container(path) as opened:
        _refuse_by_header(opened, path, options)
        reader = Reader(path, options, has_time_stamps=opened.has_time_stamps)
        for frame in decode(opened, reader):
            reader.add(frame)
        reader.flush()
    _check_complete(opened, reader, path)
    audio = reader.result()
    validate_audio_signal(audio, options=options, name=label(path))
    return audio


def validate_audio_signal(audio: Audio, *, options: IngestOptions | None = None, name: str = "The recording") -> SignalFacts:
    """Check duration and loudness of decoded sound.

    Loudness is the RMS of the loudest second without its mean (a constant offset is silence) and without
    the first and last 50 ms (where an offset leaves the ripple of resampling).

    Raises
    ------
    AudioTooShort, AudioTooLong, SilentAudio
        If it lies outside the limits.
    """
    options = options or IngestOptions()
    duration, rate = audio.duration, audio.sample_rate
    if duration < options.min_duration_s - PADDING_S:
        message = f"{name} lasts {duration:.1f} s; at least {options.min_duration_s:g} s are needed."
        raise AudioTooShort(message, duration=duration, minimum=options.min_duration_s)
    if duration > options.max_duration_s + PADDING_S:
        raise too_long(name, options.max_duration_s, duration)
    edge = min(round(PADDING_S * rate), audio.samples.shape[1] // 4)
    body = audio.samples[:, edge : audio.samples.shape[1] - edge]
    loudest = max(
        (float(np.std(body[:, i : i + rate], axis=1, dtype=np.float64).max()) for i in range(0, body.shape[1], rate)), default=0.0
    )
    level = 20 * np.log10(max(loudest, 1e-12))
    if level < options.silence_dbfs:
        message = f"{name} is silent: its loudest second has {level:.0f} dBFS."
        raise SilentAudio(message, level_dbfs=float(level), minimum=options.silence_dbfs)
    return {"sample_rate": rate, "duration_seconds": duration}


def resample(audio: Audio, rate: int) -> Audio:
    """Convert to another sample rate (soxr, high quality, no delay). The same object if nothing is to do."""
    if rate == audio.sample_rate:
        return audio
    import soxr

    samples = np.stack([soxr.resample(channel, audio.sample_rate, rate, quality=QUALITY) for channel in audio.samples])
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), rate)


def to_mono(audio: Audio) -> Audio:
    """Mix to one channel: the mean, or half the difference where the channels are of opposite polarity.

    A recording with one side inverted would otherwise cancel just what both sides share, the kick and the snare.
    """
    if audio.samples.shape[0] == 1:
        return audio
    mid = audio.samples.mean(axis=0, dtype=np.float32)
    if audio.samples.shape[0] == 2:
        left, right = audio.samples
        energy = float(np.vdot(left, left)) + float(np.vdot(right, right))
        if float(np.vdot(left, right)) < -0.3 * energy:  # correlation under -0.6
            mid = (left - right) * np.float32(0.5)
    return Audio(mid[None, :], audio.sample_rate)


def compute_rms(audio: Audio) -> float:
    """Root mean square over all channels, linear (1 = full scale); 0 for no samples."""
    count = audio.samples.size
    return float(np.sqrt(sum(float(np.vdot(c, c)) for c in audio.samples) / count)) if count else 0.0


def resample_clip_to_target(clip: FloatArray, sample_rate: int, target_rate: int, length: int) -> FloatArray:
    """Resample one mono clip (n,) and cut or zero-pad it to exactly `length` samples."""
    resampled = resample(Audio(np.array(clip, dtype=np.float32)[None, :], sample_rate), target_rate).samples[0][:length]
    return np.pad(resampled, (0, length - len(resampled)))


def save_wav(audio: Audio) -> bytes:
    """Write 16-bit PCM with rounding; samples outside [-1, 1] are clipped."""
    scaled = np.clip(np.rint(audio.samples.T * 32767.0), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(audio.samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(audio.sample_rate)
        file.writeframes(scaled.tobytes())
    return buffer.getvalue()


def save_lossless(audio: Audio, path: Path, *, gain: float = 1.0) -> None:
    """Write 24-bit FLAC or WAV, as the suffix of the path says, a block at a time; the same sound gives the same bytes.

    What goes beyond full scale after `gain` is clipped.

    Raises
    ------
    OSError
        If the path cannot be written to.
    """
    import av

    codec = {".flac": "flac", ".wav": "pcm_s24le"}[path.suffix]
    layout = "mono" if audio.samples.shape[0] == 1 else "stereo"
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as file:
        added = file.add_stream(codec, rate=audio.sample_rate, layout=layout, options={"flags": "+bitexact"})
        stream = cast("AudioStream", added)
        stream.format = "s32"  # pyright: ignore[reportAttributeAccessIssue]
        for start in range(0, audio.samples.shape[1], audio.sample_rate):
            block = audio.samples[:, start : start + audio.sample_rate].T.astype(np.float64) * (gain * 2**23)
            levels = np.clip(np.rint(block), -(2**23), 2**23 - 1).astype(np.int32) << 8
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(levels).reshape(1, -1), format="s32", layout=layout)
            frame.sample_rate, frame.pts = audio.sample_rate, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _refuse_by_header(opened: Opened, path: Path, options: IngestOptions) -> None:
    """Refuse without decoding what states to be too long and, as far as its size tells, can be."""
    stated, codec = opened.stated_duration, opened.stream.codec_context
    if stated is None:
        return
    if codec.name.startswith("pcm_") and codec.bit_rate:
        stated = min(stated, opened.size * 8 / codec.bit_rate)
    if stated > options.max_duration_s + 0.5:
        raise too_long(label(path), options.max_duration_s, stated)


def _check_complete(opened: Opened, reader: Reader, path: Path) -> None:
    """Never take a part for the whole: a song cut in two would give half a score without a word."""
    got, stated = reader.seconds - reader.lost, opened.stated_duration
    if got == 0.0:
        raise UnreadableAudio(f"No sound in {label(path)} can be decoded.", path=str(path), failures=reader.failures)
    whole = max(stated or 0.0, reader.seconds)
    if whole - got > max(1.0, 0.01 * whole):
        message = f"{label(path)} is damaged or cut off: only {got:.1f} of {whole:.1f} s can be read."
        raise UnreadableAudio(message, path=str(path), readable_seconds=got, stated_seconds=whole, failures=reader.failures)
    if opened.breaks_off:
        message = f"{label(path)} is cut off: it breaks off after {got:.1f} s."
        raise UnreadableAudio(message, path=str(path), readable_seconds=got, failures=reader.failures)
