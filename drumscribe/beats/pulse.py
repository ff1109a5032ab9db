"""The pulse: one Viterbi search over the places and lengths of beats.

The efficient bar-pointer model (F. Krebs, S. Böck, G. Widmer, "An efficient state-space model for joint tempo and
meter tracking", ISMIR 2015, after N. Whiteley et al., ISMIR 2006) lets the tempo change at beats only. Its states
between beats then carry no choice, and the search can be run over beats alone: the best path with a beat at frame
t after a beat of length n ends with the best path to frame t - n. Nothing later than t - (the shortest beat) is
needed for frame t, so that whole blocks of frames are computed at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from drumscribe.beats.evidence import GROUPS, FrameEvidence, HitArrays
from drumscribe.beats.parameters import DecoderParameters

Single = NDArray[np.float32]

Places = tuple[tuple[float, tuple[float, ...]], ...]

#: Relative frequency of hits at places of a beat, per group of `evidence.GROUPS`: (place, weights).
SIMPLE_PLACES: Places = (
    (0.0, (0.56, 0.60, 0.42, 0.86, 0.36, 0.45)),
    (0.5, (0.22, 0.14, 0.32, 0.08, 0.24, 0.30)),
    (0.25, (0.05, 0.07, 0.07, 0.01, 0.15, 0.08)),
    (0.75, (0.09, 0.10, 0.07, 0.02, 0.15, 0.08)),
    (1 / 3, (0.02, 0.03, 0.04, 0.01, 0.04, 0.03)),
    (2 / 3, (0.06, 0.06, 0.08, 0.02, 0.06, 0.06)),
)
COMPOUND_PLACES: Places = (
    (0.0, (0.60, 0.60, 0.37, 0.86, 0.32, 0.37)),
    (1 / 3, (0.10, 0.12, 0.26, 0.03, 0.22, 0.26)),
    (2 / 3, (0.22, 0.18, 0.29, 0.07, 0.26, 0.29)),
    (1 / 6, (0.02, 0.03, 0.02, 0.01, 0.05, 0.02)),
    (0.5, (0.04, 0.04, 0.04, 0.02, 0.10, 0.04)),
    (5 / 6, (0.02, 0.03, 0.02, 0.01, 0.05, 0.02)),
)
_FLOOR = 0.08  #: share of hits that fall anywhere: wrong ones, flams, rolls


def kernel(length: int, places: Places, parameters: DecoderParameters) -> NDArray[np.float64]:
    """Log-density of hits, (groups, length), within a beat of `length` frames, relative to one frame."""
    phase = np.arange(length) / length
    width = parameters.hit_jitter * parameters.frame_rate / length + 0.012
    density = np.full((len(places[0][1]), length), _FLOOR)
    for place, weights in places:
        away = np.abs(phase - place)
        away = np.minimum(away, 1 - away)
        bump = np.exp(-0.5 * (away / width) ** 2) / (width * np.sqrt(2 * np.pi))
        density += (1 - _FLOOR) * np.array(weights)[:, None] * bump
    return np.log(density / length)


def beat_lengths(slowest: float, fastest: float, frame_rate: float) -> NDArray[np.int64]:
    """Beat lengths in whole frames between two tempi in bpm; never fewer than three."""
    low, high = int(np.ceil(60 * frame_rate / fastest)), int(np.floor(60 * frame_rate / slowest))
    return np.arange(low, max(high, low + 2) + 1)


def score_beats(
    evidence: FrameEvidence,
    hits: HitArrays,
    lengths: NDArray[np.int64],
    places: Places,
    *,
    lead: int,
    parameters: DecoderParameters,
) -> Single:
    """Gain of every beat: its activation, silence of the activations until the next one, hits at usual places.

    The hits are a Poisson process whose rate follows `places`; its likelihood for all frames and one length is a
    correlation with the log-rate, done by FFT in blocks (overlap and save). Where nothing is played for a while no
    hits are expected, so that silence says nothing about the tempo.

    Returns
    -------
    array (frames, lengths)
        Of a beat that begins at the frame and lasts so long.
    """
    total = len(evidence.beat)
    between = np.concatenate(([0.0], np.cumsum(evidence.between))) / parameters.between_width
    between = np.concatenate((between, np.full(int(lengths[-1]) + 1, between[-1])))
    gains = np.empty((len(lengths), total), dtype=np.float32)
    train = _impulses(hits, total, lead, parameters.frame_rate)
    blocks = _Blocks(train, int(lengths[-1])) if hits.count else None
    reach = 2 * round(parameters.silence * parameters.frame_rate) + 1
    active = maximum_filter1d(train.sum(axis=0), reach) > 0
    playing = np.concatenate(([0.0], np.cumsum(active), np.full(int(lengths[-1]), active.sum(), dtype=np.float64)))
    for column, length in enumerate(lengths):
        margin = max(3, round(0.12 * length))
        end = max(int(length) - margin, margin)
        gain = parameters.activation_weight * (evidence.beat + between[end : end + total] - between[margin : margin + total])
        if blocks is not None:
            log_rate = kernel(int(length), places, parameters) + np.log(parameters.hits_per_beat)
            expected = parameters.hits_per_beat * hits.found * (playing[length : length + total] - playing[:total]) / length
            gain += parameters.hit_weight * (blocks.correlate(log_rate) - expected)
        gains[column] = gain
    return np.ascontiguousarray(gains.T)


class _Blocks:
    """Impulse trains ready to be correlated with many short kernels."""

    def __init__(self, trains: NDArray[np.float64], longest: int) -> None:
        self.total = trains.shape[1]
        self.size = 1 << int(np.ceil(np.log2(8 * longest)))
        self.step = self.size - longest
        count = -(-self.total // self.step)
        padded = np.zeros((len(trains), count * self.step + longest), dtype=np.float32)
        padded[:, : self.total] = trains
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=1)[:, :: self.step]
        self.spectra = np.fft.rfft(windows, axis=2)

    def correlate(self, kernels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over trains of sum_j train[t + j] kernel[j], (total,)."""
        spectrum = np.conj(np.fft.rfft(kernels.astype(np.float32), self.size, axis=1))
        mixed = np.einsum("gbf,gf->bf", self.spectra, spectrum)
        return np.fft.irfft(mixed, self.size, axis=1)[:, : self.step].ravel()[: self.total]


def _impulses(hits: HitArrays, total: int, lead: int, frame_rate: int) -> NDArray[np.float64]:
    """Hits as weighted impulses, (groups, total); one between two frames is shared by both."""
    train = np.zeros((len(GROUPS), total))
    position = hits.times * frame_rate + lead
    left = np.floor(position).astype(np.int64)
    share = position - left
    np.add.at(train, (hits.groups, np.minimum(left, total - 1)), hits.weights * (1 - share))
    np.add.at(train, (hits.groups, np.minimum(left + 1, total - 1)), hits.weights * share)
    return train


def best_beats(gains: Single, lengths: NDArray[np.int64], *, lead: int, parameters: DecoderParameters) -> NDArray[np.int64]:
    """Frames of the beats on the best path, at least two.

    A path starts anywhere in the `lead` frames before the recording and ends anywhere in those after it.
    A change of length costs in proportion to its logarithm, less what the frame grid alone explains.
    """
    total, k = gains.shape
    shortest = int(lengths[0])
    arrival = np.full((total, k), -np.inf, dtype=np.float32)  # best path to a beat here whose last length was n
    departure = np.full((total, k), -np.inf, dtype=np.float32)  # ... and whose next length will be n, and its gain
    steps = _step_costs(lengths, parameters)
    offered = np.empty((shortest, k), dtype=np.float32)
    back = np.arange(shortest)[:, None] - lengths[None, :]
    flat = back * k + np.arange(k)
    longest = int(lengths[-1])
    for start in range(0, total, shortest):
        stop = min(start + shortest, total)
        rows = stop - start
        index = flat[:rows] + start * k
        if start < longest:
            here = np.where(back[:rows] + start >= 0, departure.take(np.maximum(index, 0)), np.float32(-np.inf))
        else:
            here = departure.take(index)
        arrival[start:stop] = here
        value = departure[start:stop]
        value[:] = here.max(axis=1, keepdims=True) - np.float32(parameters.tempo_jump)
        for step, cost in steps:
            low, high = max(0, step), min(k, k + step)  # the length before was `step` frames shorter
            buffer = offered[:rows, low:high]
            np.subtract(here[:, low - step : high - step], cost[low:high], out=buffer)
            np.maximum(value[:, low:high], buffer, out=value[:, low:high])
        if start < lead:
            opening = value[: max(0, min(rows, lead - start))]
            np.maximum(opening, 0.0, out=opening)
        value += gains[start:stop]
    return _trace(arrival, lengths, steps, lead, parameters)


Steps = list[tuple[int, NDArray[np.float32]]]


def _step_costs(lengths: NDArray[np.int64], parameters: DecoderParameters) -> Steps:
    steps: Steps = []
    reach = min(parameters.reach, len(lengths) - 1)
    for step in range(-reach, reach + 1):
        change = np.abs(np.log(lengths / np.maximum(lengths - step, 1)))
        cost = parameters.tempo_change * np.maximum(0.15 * change, change - 1.0 / lengths)
        steps.append((step, cost.astype(np.float32)))
    return steps


def _trace(
    arrival: NDArray[np.float32], lengths: NDArray[np.int64], steps: Steps, lead: int, parameters: DecoderParameters
) -> NDArray[np.int64]:
    """Follow the best path back, finding again what was best at each beat."""
    tail = arrival[-lead:]
    frame, column = (int(i) for i in np.unravel_index(int(tail.argmax()), tail.shape))
    frame += len(arrival) - lead
    beats = [frame]
    while True:
        frame -= int(lengths[column])
        beats.append(frame)
        here = arrival[frame]
        source = int(here.argmax())
        best = float(here[source]) - parameters.tempo_jump
        for step, cost in steps:
            before = column - step
            if 0 <= before < len(here) and here[before] - cost[column] > best:
                best, source = float(here[before] - cost[column]), before
        if frame < lead and best <= 0.0:
            return np.array(beats[::-1], dtype=np.int64)
        column = source
