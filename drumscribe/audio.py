"""Files and arrays of sound: decode, resample, mix down, measure, save.

A file is decoded once, block by block, through PyAV (FFmpeg's decoders) and resampled as it arrives (soxr), so
that memory holds the result and little else, and a file of ten hours costs no more than one of fifteen minutes.
Every check looks at what was decoded; what the container claims can only make a file be refused.

Contents: `load_audio`, `probe`, `resample`, `to_mono`, `compute_rms`, `validate_audio_signal`,
`resample_clip_to_target`, `save_wav`.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from drumscribe.container import Opened, label, open_container
from drumscribe.errors import AudioTooLong, AudioTooShort, NonFiniteAudio, SampleRateTooLow, SilentAudio, UnreadableAudio
from drumscribe.options import IngestOptions
from drumscribe.types import Audio, FloatArray

if TYPE_CHECKING:
    from av import AudioFrame
    from soxr import ResampleStream

#: The rate at which sound travels through the library, Hz.
SAMPLE_RATE = 44_100

_MAX_SOURCE_RATE = 1_000_000
_BLOCK_S = 1.0  # decoded seconds that are checked, mixed down and resampled at a time
_PADDING_S = 0.05  # what encoders add or lose at the ends; duration limits are not meant that exactly
_MAX_GAP_S = 30.0  # a longer jump of the time stamps is an error in them, not lost sound
_ABSURD_PEAK = 100.0  # 40 dB over full scale: float samples in another unit (16-bit numbers), not loud music
_QUALITY = "HQ"  # soxr: 20 bits, pass band to 0.91 of Nyquist, linear phase


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
        reader = _Reader(path, options, has_time_stamps=opened.has_time_stamps)
        for frame in _decode(opened, reader):
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
    if duration < options.min_duration_s - _PADDING_S:
        message = f"{name} lasts {duration:.1f} s; at least {options.min_duration_s:g} s are needed."
        raise AudioTooShort(message, duration=duration, minimum=options.min_duration_s)
    if duration > options.max_duration_s + _PADDING_S:
        raise _too_long(name, options.max_duration_s, duration)
    edge = min(round(_PADDING_S * rate), audio.samples.shape[1] // 4)
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

    samples = np.stack([soxr.resample(channel, audio.sample_rate, rate, quality=_QUALITY) for channel in audio.samples])
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


# ------------------------------------------------------------------------------------------ decoding


class _Reader:
    """Collects decoded frames into one growing recording at `SAMPLE_RATE`."""

    def __init__(self, path: Path, options: IngestOptions, *, has_time_stamps: bool) -> None:
        self.path = path
        self.has_time_stamps = has_time_stamps
        self.options = options
        self.seconds = 0.0  # decoded so far, in time of the source
        self.lost = 0.0  # seconds of it that are silence in place of sound that is missing
        self.failures = 0  # packets that could not be decoded
        self._capacity = int((options.max_duration_s + 2) * SAMPLE_RATE)
        self._out: FloatArray | None = None
        self._filled = 0
        self._block: list[FloatArray] = []
        self._block_samples = 0
        self._form: tuple[int, tuple[str, ...]] = (0, ())  # rate and channel names of the pending block
        self._resampler: ResampleStream | None = None
        self._clock: float | None = None  # time at which the next frame is due, by the container's time stamps

    def add(self, frame: AudioFrame) -> None:
        """Take one decoded frame."""
        form = (frame.sample_rate, tuple(channel.name for channel in frame.layout.channels))
        if form != self._form:  # at the start, and where streams were chained
            self.flush()
            self._begin(form)
        self._fill_gap(frame)
        self._block.append(_to_float(frame))
        self._block_samples += frame.samples
        if self._block_samples >= _BLOCK_S * frame.sample_rate:
            self._process(last=False)

    def _fill_gap(self, frame: AudioFrame) -> None:
        """Put silence where time stamps say that sound was lost, so that what follows stays in its place."""
        if not self.has_time_stamps or frame.pts is None or not frame.time_base:
            return
        time = float(frame.pts * frame.time_base)
        gap = time - self._clock if self._clock is not None else 0.0
        self._clock = time + frame.samples / frame.sample_rate
        if _PADDING_S < gap < _MAX_GAP_S:
            missing = round(gap * frame.sample_rate)
            self._block.append(np.zeros((frame.layout.nb_channels, missing), dtype=np.float32))
            self._block_samples += missing
            self.lost += gap

    def flush(self) -> None:
        """Push out what is pending."""
        if self._form[0]:
            self._process(last=True)
        self._form = (0, ())

    def result(self) -> Audio:
        """The recording; samples in some other unit than full scale are brought into [-1, 1]."""
        if self._out is None:
            raise UnreadableAudio(f"No sound in {label(self.path)} can be decoded.", path=str(self.path))
        samples = self._out[:, : self._filled]
        peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
        if peak > _ABSURD_PEAK:
            samples /= np.float32(peak)
        return Audio(samples, SAMPLE_RATE)

    def _begin(self, form: tuple[int, tuple[str, ...]]) -> None:
        import soxr

        rate = form[0]
        if rate < self.options.min_sample_rate:
            message = f"{label(self.path)} is sampled at {rate} Hz; at least {self.options.min_sample_rate} Hz are needed."
            raise SampleRateTooLow(message, sample_rate=rate, minimum=self.options.min_sample_rate)
        if rate > _MAX_SOURCE_RATE:
            message = f"{label(self.path)} claims a sample rate of {rate} Hz."
            raise UnreadableAudio(message, path=str(self.path), sample_rate=rate)
        if self._out is None:
            # one allocation for the longest allowed recording: the system hands out only the pages that are written
            self._out = np.empty((min(len(form[1]), 2), self._capacity), dtype=np.float32)
        self._form = form
        channels = self._out.shape[0]
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, channels, "float32", _QUALITY)

    def _process(self, *, last: bool) -> None:
        assert self._out is not None
        rate, names = self._form
        block = np.concatenate(self._block, axis=1) if self._block else np.empty((len(names), 0), np.float32)
        self._block, self._block_samples = [], 0
        if not np.isfinite(block).all():
            message = f"{label(self.path)} holds samples that are not numbers (NaN or infinity)."
            raise NonFiniteAudio(message, path=str(self.path), near_seconds=self.seconds)
        self.seconds += block.shape[1] / rate
        if self.seconds > self.options.max_duration_s + _PADDING_S:
            raise _too_long(label(self.path), self.options.max_duration_s, None)
        block = _mix_down(block, names, self._out.shape[0])
        if self._resampler is not None:
            block = self._resampler.resample_chunk(np.ascontiguousarray(block.T), last=last).T
        end = min(self._filled + block.shape[1], self._capacity)
        self._out[:, self._filled : end] = block[:, : end - self._filled]
        self._filled = end


def _decode(opened: Opened, reader: _Reader) -> Generator[AudioFrame]:
    """Yield the frames of the audio stream; damaged packets are counted and skipped."""
    from av.error import EOFError as EndOfStream
    from av.error import FFmpegError

    packets = opened.container.demux(opened.stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FFmpegError:  # the container breaks off: what follows cannot be found
            reader.failures += 1
            return
        try:
            frames = packet.decode()
        except EndOfStream:
            return
        except FFmpegError:
            reader.failures += 1
            continue
        yield from frames


def _to_float(frame: AudioFrame) -> FloatArray:
    """Samples of a frame as (channels, n) float32, full scale = 1."""
    samples = np.asarray(frame.to_ndarray())
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128.0) / np.float32(128.0)
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) * np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    with np.errstate(over="ignore"):  # 64-bit floats beyond the range become infinite and are refused as such
        return samples.astype(np.float32, copy=False)


def _mix_down(block: FloatArray, names: tuple[str, ...], channels: int) -> FloatArray:
    """Bring (n_in, n) to one or two channels: ITU-R BS.775 weights by channel name, scaled so that nothing clips."""
    if len(names) == channels:
        return block
    if len(names) == 1:
        return np.repeat(block, channels, axis=0)
    if channels == 1:  # a stereo part chained to a mono beginning
        return block.mean(axis=0, keepdims=True)
    weights = np.zeros((2, len(names)), dtype=np.float32)
    for i, name in enumerate(names):
        if name.startswith("LFE"):
            continue
        left, right = "L" in name, "R" in name
        front = name in ("FL", "FR")
        level = 1.0 if front else 2**-0.5
        weights[:, i] = (level * (left or not right), level * (right or not left))
    weights /= max(float(weights.sum(axis=1).max()), 1e-9)
    return weights @ block


# ------------------------------------------------------------------------------------------ checks


def _too_long(name: str, limit: float, duration: float | None) -> AudioTooLong:
    lasts = f"lasts {duration / 60:.1f} minutes" if duration is not None else "lasts longer than that"
    message = f"At most {limit / 60:g} minutes can be transcribed; {name} {lasts}."
    return AudioTooLong(message, duration=duration, maximum=limit)


def _refuse_by_header(opened: Opened, path: Path, options: IngestOptions) -> None:
    """Refuse without decoding what states to be too long and, as far as its size tells, can be."""
    stated, codec = opened.stated_duration, opened.stream.codec_context
    if stated is None:
        return
    if codec.name.startswith("pcm_") and codec.bit_rate:
        stated = min(stated, opened.size * 8 / codec.bit_rate)
    if stated > options.max_duration_s + 0.5:
        raise _too_long(label(path), options.max_duration_s, stated)


def _check_complete(opened: Opened, reader: _Reader, path: Path) -> None:
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
