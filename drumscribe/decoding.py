"""From packets to one recording: decode, check, mix down and resample, a block at a time.

`load_audio` is the only user; what is here knows FFmpeg's frames, and nothing behind it does.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drumscribe.container import Opened, label
from drumscribe.errors import AudioTooLong, NonFiniteAudio, SampleRateTooLow, UnreadableAudio
from drumscribe.options import IngestOptions
from drumscribe.types import Audio, FloatArray

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler
    from soxr import ResampleStream

#: The rate at which sound travels through the library, Hz.
SAMPLE_RATE = 44_100

#: What encoders add or lose at the ends, seconds; duration limits are not meant that exactly.
PADDING_S = 0.05

#: How soxr resamples: 20 bits, pass band to 0.91 of Nyquist, linear phase.
QUALITY = "HQ"

_MAX_SOURCE_RATE = 1_000_000
_BLOCK_S = 1.0  # decoded seconds that are checked, mixed down and resampled at a time
_MAX_GAP_S = 30.0  # a longer jump of the time stamps is an error in them, not lost sound
_PLANES_WITHOUT_END = 8  # AV_NUM_DATA_POINTERS
_ABSURD_PEAK = 100.0  # 40 dB over full scale: float samples in another unit (16-bit numbers), not loud music


class Reader:
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
        self._interleave: AudioResampler | None = None
        self._clock: float | None = None  # time at which the next frame is due, by the container's time stamps

    def add(self, frame: AudioFrame) -> None:
        """Take one decoded frame."""
        form = (frame.sample_rate, tuple(channel.name for channel in frame.layout.channels))
        if form != self._form:  # at the start, and where streams were chained
            self.flush()
            self._begin(form)
        try:
            samples = _to_float(self._packed(frame))
        except (ValueError, OSError):  # a frame that contradicts itself; PyAV's errors are kinds of these two
            self.failures += 1
            return
        self._fill_gap(frame)
        self._block.append(samples)
        self._block_samples += samples.shape[1]
        if self._block_samples >= _BLOCK_S * frame.sample_rate:
            self._process(last=False)

    def _packed(self, frame: AudioFrame) -> AudioFrame:
        """Interleave the channels of a frame with eight or more planes.

        PyAV finds the end of a frame's list of planes by a null pointer, which is not there from eight on, and reads
        beyond: memory that is not the frame's, or a crash.
        """
        if not frame.format.is_planar or frame.layout.nb_channels < _PLANES_WITHOUT_END:
            return frame
        if frame.layout.nb_channels > _PLANES_WITHOUT_END:
            raise ValueError(f"{frame.layout.nb_channels} planes")
        if self._interleave is None:
            import av

            self._interleave = av.AudioResampler(format="flt", layout=frame.layout.name, rate=frame.sample_rate)
        (packed,) = self._interleave.resample(frame)
        return packed

    def _fill_gap(self, frame: AudioFrame) -> None:
        """Put silence where time stamps say that sound was lost, so that what follows stays in its place."""
        if not self.has_time_stamps or frame.pts is None or not frame.time_base:
            return
        time = float(frame.pts * frame.time_base)
        gap = time - self._clock if self._clock is not None else 0.0
        self._clock = time + frame.samples / frame.sample_rate
        if PADDING_S < gap < _MAX_GAP_S:
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
        self._form, self._interleave = form, None
        channels = self._out.shape[0]
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, channels, "float32", QUALITY)

    def _process(self, *, last: bool) -> None:
        assert self._out is not None
        rate, names = self._form
        block = np.concatenate(self._block, axis=1) if self._block else np.empty((len(names), 0), np.float32)
        self._block, self._block_samples = [], 0
        if not np.isfinite(block).all():
            message = f"{label(self.path)} holds samples that are not numbers (NaN or infinity)."
            raise NonFiniteAudio(message, path=str(self.path), near_seconds=self.seconds)
        self.seconds += block.shape[1] / rate
        if self.seconds > self.options.max_duration_s + PADDING_S:
            raise too_long(label(self.path), self.options.max_duration_s, None)
        block = _mix_down(block, names, self._out.shape[0])
        if self._resampler is not None:
            block = self._resampler.resample_chunk(np.ascontiguousarray(block.T), last=last).T
        end = min(self._filled + block.shape[1], self._capacity)
        self._out[:, self._filled : end] = block[:, : end - self._filled]
        self._filled = end


def decode(opened: Opened, reader: Reader) -> Generator[AudioFrame]:
    """Yield the frames of the audio stream; damaged packets are counted and skipped."""
    from av.error import EOFError as EndOfStream
    from av.error import FFmpegError

    packets = opened.container.demux(opened.stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (FFmpegError, IndexError):  # the container breaks off; or, at its end, had streams its beginning did not name
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


def too_long(name: str, limit: float, duration: float | None) -> AudioTooLong:
    """The error for a recording that lasts `duration` seconds, or longer than can be told."""
    lasts = f"lasts {duration / 60:.1f} minutes" if duration is not None else "lasts longer than that"
    message = f"At most {limit / 60:g} minutes can be transcribed; {name} {lasts}."
    return AudioTooLong(message, duration=duration, maximum=limit)
