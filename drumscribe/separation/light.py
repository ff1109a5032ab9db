"""The drums of a mix by a small network of our own: a mask on the short-time spectrum, with the phase of the mix.

The network hears one channel at a time, so any number of channels is separated alike. The song goes through in pieces
with their surroundings: beyond input and stem nothing grows with its length, and the result is that of one pass over
the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from drumscribe.audio import resample
from drumscribe.separation.bands import GAIN, HOP, LEVEL, SAMPLE_RATE, WINDOW, band_filters, band_spread, transform, window
from drumscribe.types import Audio, FloatArray, OnProgress, Progress, Stem, ignore_progress
from drumscribe.weights import Network, load_separator

CHUNK_FRAMES = 2048  #: 23.8 s kept of each piece; even, since the network halves the frame rate inside
_SILENCE = 1e-9  #: RMS under which a channel has nothing to separate


def isolate_drums(audio: Audio, *, threads: int | None = None, on_progress: OnProgress = ignore_progress) -> Stem:
    """Isolate the drums.

    Parameters
    ----------
    audio : Audio
        Any number of channels at any rate.
    threads : int, optional
        How many threads the network may use; by default one per core.

    Returns
    -------
    Stem
        As many channels and as long as `audio`, at 44.1 kHz.

    Raises
    ------
    WeightsError
        If the network is not here, or damaged.
    """
    network = _network(threads)
    return Stem(separate(resample(audio, SAMPLE_RATE), network, on_progress=on_progress), "drums", network.ref)


@lru_cache(maxsize=1)
def _network(threads: int | None) -> Network:
    return load_separator(threads=threads)


def separate(audio: Audio, network: Network, *, chunk: int = CHUNK_FRAMES, on_progress: OnProgress = ignore_progress) -> Audio:
    """The drums in `audio`, which is at `SAMPLE_RATE`. `chunk` (frames, even) changes the result by rounding only."""
    mix = audio.samples
    drums = np.zeros_like(mix)
    same = mix.shape[0] == 2 and np.array_equal(mix[0], mix[1])
    channels = 1 if same else mix.shape[0]
    for channel in range(channels):

        def report(done: float, before: int = channel) -> None:
            on_progress(Progress("separate", (before + done) / channels))

        rms = _rms(mix[channel])
        if rms > _SILENCE:
            _separate(mix[channel], drums[channel], np.float32(LEVEL / rms), network, chunk, report)
    if same:
        drums[1] = drums[0]
    return Audio(drums, audio.sample_rate)


def _rms(samples: FloatArray) -> float:
    total, block = 0.0, 1 << 16
    for start in range(0, len(samples), block):
        part = samples[start : start + block].astype(np.float64)
        total += float(part @ part)
    return float(np.sqrt(total / max(1, len(samples))))


@dataclass(slots=True, eq=False)
class _Sum:
    """Windowed pieces, added where they overlap, with the weight that each sample has received."""

    samples: FloatArray
    weights: FloatArray

    def take(self, count: int, more: int) -> _Sum:
        """Drop `count` samples that are finished, and make room for `more`."""
        return _Sum(*(np.concatenate([part[count:], np.zeros(more, np.float32)]) for part in (self.samples, self.weights)))


def _separate(
    mix: FloatArray, drums: FloatArray, scale: np.float32, network: Network, chunk: int, report: Callable[[float], None]
) -> None:
    """Write the drums of one channel, `mix`, into `drums`; `scale` brings it to the level that the network knows."""
    frames = -(-len(mix) // HOP) + 1  # frame i is centred on sample i * HOP
    context = int(network.config["context"])
    shape = window()
    pending = _Sum(np.zeros(0, np.float32), np.zeros(0, np.float32))
    for start in range(0, frames, chunk):
        stop = min(start + chunk, frames)
        first, last = max(0, start - context), min(frames, stop + context)
        spectrum = transform(mix, first, last)
        kept = slice(start - first, stop - first)
        share = _share(spectrum, scale, network)[kept]
        pieces = cast(FloatArray, fft.irfft(spectrum[kept] * (share @ band_spread()), axis=1)) * shape
        size = (stop - start - 1) * HOP + WINDOW
        pending = pending.take(0, size - len(pending.samples))
        for index, piece in enumerate(pieces):
            place = slice(index * HOP, index * HOP + WINDOW)
            pending.samples[place] += piece
            pending.weights[place] += shape * shape
        begin = start * HOP - WINDOW // 2  # where `pending` starts in the song
        done = (stop - start) * HOP if stop < frames else size  # the next piece changes nothing before
        left, right = max(0, begin), min(len(mix), begin + done)
        ready = slice(left - begin, right - begin)
        drums[left:right] = pending.samples[ready] / pending.weights[ready]
        pending = pending.take(done, 0)
        report(stop / frames)


def _share(spectrum: NDArray[np.complex64], scale: np.float32, network: Network) -> FloatArray:
    """The share of the drums in each band, (frames, BANDS) in [0, 1]."""
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bands = np.log1p(np.float32(GAIN) * scale * np.sqrt(power @ band_filters()))
    logits = np.asarray(network.session.run(None, {"log_bands": bands[None]})[0])[0]
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * logits) + np.float32(1))
