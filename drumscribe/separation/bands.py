"""The separator's front end: short-time spectra in bands, and from shares of bands back to bins. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from drumscribe.types import FloatArray

SAMPLE_RATE = 44_100  #: Hz
WINDOW = 2048  #: samples, 46 ms
HOP = 512  #: samples
BINS = WINDOW // 2 + 1
BANDS = 128
LEVEL = 0.1  #: RMS to which a recording is scaled before the network hears it
FIRST = -1  #: the frame that `masked` begins with: from there on every sample of a song lies in as many windows
GAIN = 1000.0  #: magnitudes are multiplied by this before log(1 + x)


def _mel_edges() -> NDArray[np.float64]:
    """Edges of the bands on O'Shaughnessy's mel scale (1987), (BANDS + 2,)."""
    return np.linspace(0.0, 2595.0 * np.log10(1.0 + SAMPLE_RATE / 2 / 700.0), BANDS + 2)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (10 ** (mel / 2595.0) - 1)


@lru_cache(maxsize=1)
def band_filters() -> FloatArray:
    """Triangular filters on the mel scale, shape (BINS, BANDS), from 0 Hz up; each sums to one.

    Where a filter is narrower than a bin it takes the nearest one.
    """
    bins = np.arange(BINS) * SAMPLE_RATE / WINDOW
    edges = _hertz(_mel_edges())
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    for band in np.flatnonzero(filters.sum(0) < 0.5):
        filters[int(np.argmin(np.abs(bins - edges[band + 1]))), band] = 1.0
    return (filters / filters.sum(0)).astype(np.float32)


@lru_cache(maxsize=1)
def band_centres() -> NDArray[np.float64]:
    """Centre of each band in Hz, (BANDS,)."""
    return _hertz(_mel_edges()[1:-1])


@lru_cache(maxsize=1)
def band_spread() -> FloatArray:
    """How shares of bands become shares of bins: (BANDS, BINS), each bin a mean of the bands around it."""
    bins = np.arange(BINS) * SAMPLE_RATE / WINDOW
    place = np.clip(np.interp(2595.0 * np.log10(1.0 + bins / 700.0), _mel_edges()[1:-1], np.arange(BANDS)), 0, BANDS - 1)
    spread = np.maximum(0.0, 1 - np.abs(place[None, :] - np.arange(BANDS)[:, None]))
    return spread.astype(np.float32)


@lru_cache(maxsize=1)
def window() -> FloatArray:
    """Periodic Hann window, (WINDOW,)."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def transform(samples: FloatArray, first: int, last: int) -> NDArray[np.complex64]:
    """Spectra (last - first, BINS) of the frames from `first` to `last`, centred on multiples of `HOP`.

    Beyond its ends the song, (n,) samples, is silent; frames may lie there.
    """
    begin, end = first * HOP - WINDOW // 2, (last - 1) * HOP + WINDOW // 2
    inside = samples[max(0, begin) : max(0, min(len(samples), end))]
    padded = np.zeros(end - begin, np.float32)
    padded[max(0, -begin) : max(0, -begin) + len(inside)] = inside
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return cast("NDArray[np.complex64]", fft.rfft(frames * window(), axis=1))


def frames_of(length: int) -> int:
    """How many frames `masked` takes for so many samples."""
    return length // HOP + 4


def masked(samples: FloatArray, shares: Sequence[FloatArray], *, block: int = 1024) -> list[FloatArray]:
    """What each of several masks leaves of a song, (n,) samples: where they add up to one, the results add up to the song.

    `shares` are (`frames_of(n)`, BANDS) in [0, 1] each, from frame `FIRST` on. The phase stays that of the song.
    """
    count, shape = frames_of(len(samples)), window()
    results = [np.zeros((count + 3) * HOP, np.float32) for _ in shares]
    for start in range(0, count, block):
        stop = min(start + block, count)
        spectrum = transform(samples, start + FIRST, stop + FIRST)
        for share, result in zip(shares, results, strict=True):
            pieces = cast(FloatArray, fft.irfft(spectrum * (share[start:stop] @ band_spread()), axis=1)) * shape
            for index, piece in enumerate(pieces, start=start):
                result[index * HOP : index * HOP + WINDOW] += piece
    begin = WINDOW // 2 - FIRST * HOP
    overlap = np.float32(np.sum(shape**2) / HOP)
    return [result[begin : begin + len(samples)] / overlap for result in results]
