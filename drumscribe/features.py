"""Log spectra: the one front end that training and inference share.

Frames are 10 ms apart and centred on `i / FRAME_RATE` seconds. The input is scaled to a fixed RMS first, so that
a recording's gain does not matter; power is floored, so that silence stays finite. Beside the mel bands of 46 ms stand
low bands of 122 ms, which tell kick, floor tom and bass apart where one window of 46 ms holds them in one band.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

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
LOW_STEP = 7  #: the low bands are read from every seventh sample, 6300 Hz
LOW_WINDOW = 768  #: of those samples, 122 ms
LOW_BANDS = 32
LOW_LOWEST, LOW_HIGHEST = 20.0, 430.0  #: Hz
SPECTRUM = BANDS + LOW_BANDS  #: columns of `log_spectrum`
FLOOR = 1e-4  #: added to the band power; the scaled input has RMS `LEVEL`
LEVEL = 0.1

_BLOCK = 128  # frames transformed at once: keeps the working set in cache and memory flat
_SLOW_BLOCK = 64  # slow samples worked out together


def _mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz, dtype=np.float64) / 700.0)


def mel_centres() -> NDArray[np.float64]:
    """Centre of each band in Hz, (BANDS,)."""
    return _mel_edges()[1:-1]


def _mel_edges() -> NDArray[np.float64]:
    return 700.0 * (10 ** (np.linspace(float(_mel(LOWEST)), float(_mel(HIGHEST)), BANDS + 2) / 2595.0) - 1)


def low_centres() -> NDArray[np.float64]:
    """Centre of each low band in Hz, (LOW_BANDS,), evenly spaced."""
    return _low_edges()[1:-1]


def _low_edges() -> NDArray[np.float64]:
    return np.linspace(LOW_LOWEST, LOW_HIGHEST, LOW_BANDS + 2)


@lru_cache(maxsize=1)
def mel_filters() -> FloatArray:
    """Triangular filters of shape (WINDOW // 2 + 1, BANDS), each summing to one (O'Shaughnessy's mel scale, 1987)."""
    return _filters(_mel_edges(), np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE))


@lru_cache(maxsize=1)
def _low_filters() -> FloatArray:
    """(LOW_WINDOW // 2 + 1, LOW_BANDS); a lone tone has as much power in them as in the mel bands."""
    bins = np.fft.rfftfreq(LOW_WINDOW, LOW_STEP / SAMPLE_RATE)
    return _filters(_low_edges(), bins) * np.float32((WINDOW / LOW_WINDOW) ** 2)


def _filters(edges: NDArray[np.float64], bins: NDArray[np.floating[Any]]) -> FloatArray:
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
    return _log_bands(samples, len(samples) // HOP, HOP, WINDOW, mel_filters())


def log_spectrum(samples: FloatArray) -> FloatArray:
    """`log_mel`, and behind it the low bands in the same form: (n // HOP, SPECTRUM) float32."""
    count = len(samples) // HOP
    low = _log_bands(_slow(samples), count, HOP // LOW_STEP, LOW_WINDOW, _low_filters())
    return np.concatenate([log_mel(samples), low], axis=1)


@lru_cache(maxsize=1)
def _slowing() -> FloatArray:
    """(samples under a block, `_SLOW_BLOCK`): a low-pass that ends at half of the slow rate, at every `LOW_STEP`th sample."""
    places = np.arange(-10 * LOW_STEP, 10 * LOW_STEP + 1)
    taps = np.sinc(places / LOW_STEP) * np.kaiser(len(places), 5.0)
    matrix = np.zeros((LOW_STEP * (_SLOW_BLOCK - 1) + len(taps), _SLOW_BLOCK), np.float32)
    for column in range(_SLOW_BLOCK):
        matrix[LOW_STEP * column : LOW_STEP * column + len(taps), column] = taps / taps.sum()
    return matrix


def _slow(samples: FloatArray) -> FloatArray:
    """Every `LOW_STEP`th sample of what is below half of that rate, as SciPy's `resample_poly` has it, in half of its time."""
    count, matrix = -(-len(samples) // LOW_STEP), _slowing()
    blocks, step = max(1, -(-count // _SLOW_BLOCK)), LOW_STEP * _SLOW_BLOCK
    padded = np.zeros(blocks * step + len(matrix) - step, np.float32)
    padded[10 * LOW_STEP : 10 * LOW_STEP + len(samples)] = samples
    result = np.empty((blocks, _SLOW_BLOCK), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(matrix))[::step][:blocks]
    for start in range(0, blocks, _BLOCK):
        result[start : start + _BLOCK] = np.ascontiguousarray(windows[start : start + _BLOCK]) @ matrix
    return result.ravel()[:count]


def _log_bands(samples: FloatArray, count: int, hop: int, window: int, filters: FloatArray) -> FloatArray:
    padded = np.pad(samples, (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][:count]
    weights = np.hanning(window + 1)[:-1].astype(np.float32)
    result = np.empty((count, filters.shape[1]), np.float32)
    for start in range(0, count, _BLOCK):
        spectrum: NDArray[np.complex64] = np.asarray(fft.rfft(frames[start : start + _BLOCK] * weights, axis=1))
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        result[start : start + _BLOCK] = power @ filters
    return np.log(result + np.float32(FLOOR))


def with_profile(spectrum: FloatArray) -> FloatArray:
    """The spectrum (n, columns), and beside it the same less its mean over the recording: (n, 2 * columns).

    The second half does not depend on the colour of the recording (cepstral mean normalisation, Atal, 1974).
    """
    return np.concatenate([spectrum, spectrum - spectrum.mean(axis=0)], axis=1)
