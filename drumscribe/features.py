"""Log-mel spectra: the one front end that training and inference share.

Frames are 10 ms apart and centred on `i / FRAME_RATE` seconds. The input is scaled to a fixed RMS first, so that
a recording's gain does not matter; power is floored, so that silence stays finite.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from drumscribe.types import Audio, FloatArray

SAMPLE_RATE = 44_100  #: Hz
HOP = 441  #: samples
FRAME_RATE = SAMPLE_RATE / HOP  #: Hz
WINDOW = 2048  #: samples, 46 ms
BANDS = 96
LOWEST, HIGHEST = 30.0, 17_000.0  #: Hz
FLOOR = 1e-4  #: added to the band power; the scaled input has RMS `LEVEL`
LEVEL = 0.1

_BLOCK = 512  # frames transformed at once: keeps the working set in cache and memory flat


def _mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz, dtype=np.float64) / 700.0)


def mel_centres() -> NDArray[np.float64]:
    """Centre of each band in Hz, (BANDS,)."""
    return _mel_edges()[1:-1]


def _mel_edges() -> NDArray[np.float64]:
    return 700.0 * (10 ** (np.linspace(float(_mel(LOWEST)), float(_mel(HIGHEST)), BANDS + 2) / 2595.0) - 1)


@lru_cache(maxsize=1)
def mel_filters() -> FloatArray:
    """Triangular filters of shape (WINDOW // 2 + 1, BANDS), each summing to one (O'Shaughnessy's mel scale, 1987)."""
    bins = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    edges = _mel_edges()
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    for band in np.flatnonzero(filters.sum(0) < 1e-6):  # narrower than a bin: take the nearest one
        filters[int(np.argmin(np.abs(bins - edges[band + 1]))), band] = 1.0
    return (filters / filters.sum(0)).astype(np.float32)


def mono(audio: Audio) -> FloatArray:
    """The mean of the channels, shape (n,)."""
    return audio.samples[0] if audio.samples.shape[0] == 1 else audio.samples.mean(axis=0, dtype=np.float32)


def scale_to_level(samples: FloatArray) -> FloatArray:
    """Scale `samples` (n,) to RMS `LEVEL`; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    return samples if rms < 1e-9 else samples * np.float32(LEVEL / rms)


def log_mel(samples: FloatArray) -> FloatArray:
    """Log-mel power spectrum.

    Parameters
    ----------
    samples : (n,) float32
        Mono at `SAMPLE_RATE`, scaled by the caller (`scale_to_level`).

    Returns
    -------
    (n // HOP, BANDS) float32
        Natural logarithm of band power plus `FLOOR`. Past the ends the signal counts as zero.
    """
    count = len(samples) // HOP
    padded = np.pad(samples, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    filters = mel_filters()
    result = np.empty((count, BANDS), np.float32)
    for start in range(0, count, _BLOCK):
        spectrum: NDArray[np.complex64] = np.asarray(fft.rfft(frames[start : start + _BLOCK] * window, axis=1))
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        result[start : start + _BLOCK] = power @ filters
    return np.log(result + np.float32(FLOOR))


def with_profile(spectrum: FloatArray) -> FloatArray:
    """The spectrum (n, BANDS), and beside it the same less its mean over the recording: (n, 2 * BANDS).

    The second half does not depend on the colour of the recording (cepstral mean normalisation, Atal, 1974).
    """
    return np.concatenate([spectrum, spectrum - spectrum.mean(axis=0)], axis=1)
