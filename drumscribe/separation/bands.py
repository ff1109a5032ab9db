"""The separator's front end: short-time spectra in bands, and from shares of bands back to bins. Without torch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from drumscribe.types import FloatArray

SAMPLE_RATE = 44_100  #: Hz
WINDOW = 2048  #: samples, 46 ms
HOP = 512  #: samples
BINS = WINDOW // 2 + 1
BANDS = 128
LEVEL = 0.1  #: RMS to which a recording is scaled before the network hears it
GAIN = 1000.0  #: magnitudes are multiplied by this before log(1 + x)


@lru_cache(maxsize=1)
def band_filters() -> FloatArray:
    """Triangular filters on O'Shaughnessy's mel scale (1987), shape (BINS, BANDS), from 0 Hz up; each sums to one.

    Where a filter is narrower than a bin it takes the nearest one.
    """
    bins = np.arange(BINS) * SAMPLE_RATE / WINDOW
    top = 2595.0 * np.log10(1.0 + SAMPLE_RATE / 2 / 700.0)
    edges = 700.0 * (10 ** (np.linspace(0.0, top, BANDS + 2) / 2595.0) - 1)
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    for band in np.flatnonzero(filters.sum(0) < 0.5):
        filters[int(np.argmin(np.abs(bins - edges[band + 1]))), band] = 1.0
    return (filters / filters.sum(0)).astype(np.float32)


@lru_cache(maxsize=1)
def band_spread() -> FloatArray:
    """How shares of bands become shares of bins: (BANDS, BINS), each bin a mean of the bands around it."""
    bins = np.arange(BINS) * SAMPLE_RATE / WINDOW
    top = 2595.0 * np.log10(1.0 + SAMPLE_RATE / 2 / 700.0)
    centres = np.linspace(0.0, top, BANDS + 2)[1:-1]
    place = np.clip(np.interp(2595.0 * np.log10(1.0 + bins / 700.0), centres, np.arange(BANDS)), 0, BANDS - 1)
    spread = np.maximum(0.0, 1 - np.abs(place[None, :] - np.arange(BANDS)[:, None]))
    return spread.astype(np.float32)


@lru_cache(maxsize=1)
def window() -> FloatArray:
    """Periodic Hann window, (WINDOW,)."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)
