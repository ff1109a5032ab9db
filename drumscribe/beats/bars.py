"""Bars over given beats: which beats are downbeats, in which metre.

A bar's hits are a Poisson process whose rates follow one of several learnt bar patterns (`patterns.npz`, made by
`drumscribe.training.bar_patterns`): 24 slots a beat, six groups of drums, a mixture of patterns for each metre.
Rates are per second, so that the likelihoods of readings with other beats, finer or coarser, can be compared.
A Viterbi search over bars adds the downbeat activations; bars of another length are dear.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from drumscribe.beats.evidence import GROUPS, Floats, HitArrays, Ints
from drumscribe.beats.parameters import DecoderParameters

SLOTS = 24  #: slots of a beat in the patterns


@dataclass(frozen=True, slots=True)
class Metre:
    """Beats in a bar and what one is worth in quarter notes."""

    beats: int
    unit: Fraction

    @property
    def key(self) -> str:
        """Name in the file of patterns."""
        return f"{self.beats}x{self.unit.numerator}_{self.unit.denominator}"


#: Metres and the log of how often each is met in songs with drums (a rough count; evidence outweighs it).
METRES: dict[Metre, float] = {
    Metre(4, Fraction(1)): np.log(0.70),
    Metre(3, Fraction(1)): np.log(0.07),
    Metre(2, Fraction(1)): np.log(0.01),
    Metre(5, Fraction(1)): np.log(0.015),
    Metre(6, Fraction(1)): np.log(0.01),
    Metre(7, Fraction(1)): np.log(0.01),
    Metre(2, Fraction(3, 2)): np.log(0.07),
    Metre(4, Fraction(3, 2)): np.log(0.05),
    Metre(3, Fraction(3, 2)): np.log(0.005),
    Metre(7, Fraction(1, 2)): np.log(0.015),
    Metre(5, Fraction(1, 2)): np.log(0.005),
}


@dataclass(frozen=True, slots=True, eq=False)
class BarPatterns:
    """Mixture of bar patterns of one metre."""

    log_shares: Floats  #: (patterns,)
    log_rates: Floats  #: (slots * groups, patterns * beats), of hits in a slot
    totals: Floats  #: (patterns, beats) expected hits


@cache
def load_patterns() -> dict[Metre, BarPatterns]:
    """Read the learnt patterns that ship with the package."""
    found: dict[Metre, BarPatterns] = {}
    with np.load(Path(__file__).with_name("patterns.npz")) as file:
        for metre in METRES:
            rates = file[f"rates_{metre.key}"].astype(np.float64)
            log_shares = np.log(file[f"shares_{metre.key}"].astype(np.float64))
            flat = np.log(rates).reshape(-1, rates.shape[2]).T
            found[metre] = BarPatterns(log_shares, np.ascontiguousarray(flat), rates.sum(axis=2))
    return found


@cache
def patterns_of(metre: Metre) -> BarPatterns:
    """Learnt patterns, or for a metre without any, bars made of the first and the other beats of a learnt one."""
    known = load_patterns()
    if metre in known:
        return known[metre]
    model = next(p for m, p in known.items() if m.unit == metre.unit)
    shares, beats = np.exp(model.log_shares), model.totals.shape[1]
    mean = np.einsum("k,skb->bs", shares, np.exp(model.log_rates).reshape(-1, len(shares), beats))
    rates = np.stack([mean[0], *[mean[1:].mean(axis=0)] * (metre.beats - 1)])
    return BarPatterns(np.zeros(1), np.ascontiguousarray(np.log(rates).T), rates.sum(axis=1)[None])


def slot_counts(beats: Floats, hits: HitArrays) -> Floats:
    """Weighted hits per beat, slot and group, (beats - 1, slots * groups); the last beat only closes the one before."""
    intervals = len(beats) - 1
    counts = np.zeros((intervals + 1, SLOTS, len(GROUPS)))
    index = np.searchsorted(beats, hits.times, side="right") - 1
    inside = (index >= 0) & (index < intervals)
    index = index[inside]
    phase = (hits.times[inside] - beats[index]) / (beats[index + 1] - beats[index])
    slot = np.floor(phase * SLOTS + 0.5).astype(np.int64)
    late = slot == SLOTS  # the last half slot belongs to the next beat
    np.add.at(counts, (index + late, slot * ~late, hits.groups[inside]), hits.weights[inside])
    return counts[:intervals].reshape(intervals, -1)


@dataclass(frozen=True, slots=True, eq=False)
class BarReading:
    """Beats read as bars of one metre."""

    metre: Metre
    numbers: Ints  #: (beats,) place of each beat in its bar, from 1
    hits: float  #: log-likelihood of the hits
    downbeats: float  #: sum of the log-likelihood ratios at downbeats
    odd_bars: int  #: bars of another length
    repetition: float  #: how much more alike beats are one bar apart than beats at any distance
    changes: int = 0  #: of metre


def read_bars(
    beats: Floats, hits: HitArrays, downbeats: Floats, metres: tuple[Metre, ...], *, parameters: DecoderParameters
) -> list[BarReading]:
    """Best bars over given beats, for each metre by itself.

    Parameters
    ----------
    beats : array (n,)
        Beat times in seconds, n >= 2.
    downbeats : array (n,)
        Log-likelihood ratio of each beat being a downbeat.

    Returns
    -------
    list of BarReading
        One a metre, in their order.
    """
    fits = fit_bars(beats, hits, downbeats, metres)
    inside = slice(fits.pad, fits.pad + fits.n + 1)
    return [
        BarReading(
            metre,
            _number(lines, len(fits.lone))[inside],
            *_account(lines, [column] * (len(lines) - 1), fits, metres),
            fits.likeness[metre.beats],
        )
        for column, (metre, lines) in enumerate(zip(metres, _best_bars(fits, metres, parameters), strict=True))
    ]


@dataclass(frozen=True, slots=True, eq=False)
class BarFits:
    """What speaks for bars of each metre at every beat. Bars may begin `pad` beats before the first and end after the last."""

    n: int  #: intervals between the beats
    pad: int
    starts: Floats  #: (places,) log-likelihood ratio of a downbeat
    bars: Floats  #: (places, metres) log-likelihood of the hits of a whole bar that begins here; -inf where it reaches too far
    lone: Floats  #: (places - 1, metres) of the hits of one beat, whichever beat of the bar it is
    likeness: dict[int, float]  #: see `_repetition`


def fit_bars(beats: Floats, hits: HitArrays, downbeats: Floats, metres: tuple[Metre, ...]) -> BarFits:
    """Hold every bar that could be against the learnt patterns; arguments as of `read_bars`."""
    n = len(beats) - 1
    counts = slot_counts(beats, hits)
    density = counts.sum(axis=1) * np.log(SLOTS / np.diff(beats))
    heard = _near_hits(counts)
    pad = max(m.beats for m in metres) - 1
    total = n + 2 * pad
    starts = np.zeros(total + 1)
    starts[pad : pad + n + 1] = downbeats
    bars = np.full((total + 1, len(metres)), -np.inf)
    lone = np.zeros((total, len(metres)))
    for column, metre in enumerate(metres):
        p = patterns_of(metre)
        fits = (counts @ p.log_rates).reshape(n, *p.totals.shape) - hits.found * p.totals + density[:, None, None]
        fits *= heard[:, None, None]
        padded = np.zeros((total, *p.totals.shape))
        padded[pad : pad + n] = fits
        count = total - metre.beats + 1
        whole = padded[:count, :, 0].copy()
        for b in range(1, metre.beats):
            whole += padded[b : b + count, :, b]
        bars[:count, column] = logsumexp(whole + p.log_shares, axis=1)
        lone[:, column] = (logsumexp(padded + p.log_shares[:, None], axis=(1, 2)) - np.log(metre.beats)) * (
            np.concatenate((np.zeros(pad), heard, np.zeros(pad)))
        )
    return BarFits(n, pad, starts, bars, lone, _repetition(counts, heard, max(m.beats for m in metres)))


def _near_hits(counts: Floats) -> Floats:
    """1 for beats with a hit within two beats, 0 in silence: there the grid goes on, but nothing can be learnt."""
    filled = np.convolve(counts.sum(axis=1), np.ones(5), mode="same") > 0.2
    return filled[: len(counts)].astype(np.float64) if len(counts) >= 5 else np.ones(len(counts))


def _repetition(counts: Floats, heard: Floats, longest: int) -> dict[int, float]:
    """Likeness (cosine) of beats at each distance less the mean over distances, times the beats compared."""
    shape = (len(counts), SLOTS, len(GROUPS))
    soft = counts.reshape(shape)
    soft = soft + 0.6 * (np.roll(soft, 1, axis=1) + np.roll(soft, -1, axis=1))
    soft = soft.reshape(len(counts), -1) + 1e-9
    soft = soft / np.linalg.norm(soft, axis=1, keepdims=True) * heard[:, None]
    far = 2 * longest
    mean = {lag: float((soft[lag:] * soft[:-lag]).sum(axis=1).mean()) if lag < len(soft) else 0.0 for lag in range(1, far + 1)}
    usual = float(np.mean(list(mean.values())))
    return {m: 0.5 * (mean[m] + mean[2 * m]) - usual for m in range(2, longest + 1)}


def _best_bars(fits: BarFits, metres: tuple[Metre, ...], parameters: DecoderParameters) -> list[list[int]]:
    """Bar lines, from the last to the first, in each metre by itself: a Viterbi search.

    An odd bar of 1 to 7 beats says nothing of its hits.
    """
    n, pad, total = fits.n, fits.pad, len(fits.bars) - 1
    hit, down, dear = parameters.bar_hit_weight, parameters.downbeat_weight, parameters.odd_bar
    lengths = np.array([m.beats for m in metres])
    columns = np.arange(len(metres))
    gains = hit * fits.bars + down * fits.starts[:, None]
    lone_sum = np.concatenate((np.zeros((1, len(metres))), hit * np.cumsum(fits.lone, axis=0)))
    arrive = _openings(fits, lengths)
    back = np.zeros((total + 1, len(metres)), dtype=np.int64)  # length of the bar that ends here; 0: none does
    for t in range(pad + 1, total + 1):
        begin = np.maximum(t - lengths, 0)
        value = arrive[begin, columns] + gains[begin, columns]
        choice = lengths.copy()
        first = max(pad, t - 7)
        if t <= pad + n and first < t:
            odd = arrive[first:t] - lone_sum[first:t] + lone_sum[t] + down * fits.starts[first:t, None] - dear
            best = odd.argmax(axis=0)
            offer = odd[best, columns]
            better = offer > value
            value = np.where(better, offer, value)
            choice = np.where(better, t - first - best, choice)
        keep = value > arrive[t]
        arrive[t] = np.where(keep, value, arrive[t])
        back[t] = np.where(keep, choice, 0)
    out: list[list[int]] = []
    for column in columns:
        t = pad + n + int(np.argmax(arrive[pad + n :, column]))
        lines = [t]
        while back[t, column]:
            t -= int(back[t, column])
            lines.append(t)
        out.append(lines)
    return out


def _openings(fits: BarFits, lengths: Ints) -> Floats:
    """Worth of a first bar line at each place: 0 where the bar after it reaches into the recording, else -inf."""
    arrive = np.full(fits.bars.shape, -np.inf)
    arrive[: fits.pad + 1] = 0.0
    opening = np.arange(fits.pad + 1)[:, None] < fits.pad - lengths[None, :] + 1
    arrive[: fits.pad + 1][opening] = -np.inf
    return arrive


def _number(lines: list[int], total: int) -> Ints:
    """Number the beats between bar lines, which are given from the last to the first."""
    numbers = np.zeros(total + 1, dtype=np.int64)
    numbers[lines[0]] = 1
    for end, begin in pairwise(lines):
        numbers[begin:end] = np.arange(1, end - begin + 1)
    return numbers


def _account(lines: list[int], columns: list[int], fits: BarFits, metres: tuple[Metre, ...]) -> tuple[float, float, int]:
    """Parts of a path's score: hits, downbeats, odd bars. Lines run from the last to the first, as do the bars' metres."""
    fit = down = 0.0
    odd = 0
    for (end, begin), column in zip(pairwise(lines), columns, strict=True):
        if end - begin == metres[column].beats:
            fit += fits.bars[begin, column]
        else:
            fit += fits.lone[begin:end, column].sum()
            odd += 1
        down += fits.starts[begin]
    return float(fit), float(down), odd


def read_changing_bars(fits: BarFits, metres: tuple[Metre, ...], *, parameters: DecoderParameters) -> tuple[BarReading, float]:
    """Best bars where the metre may change at any bar line, and their worth in nats.

    Parameters
    ----------
    fits : BarFits
        From `fit_bars` with the same metres, all of one unit.
    """
    n, pad, total = fits.n, fits.pad, len(fits.bars) - 1
    lengths = np.array([m.beats for m in metres])
    columns = np.arange(len(metres))
    gains = parameters.bar_hit_weight * fits.bars + parameters.downbeat_weight * fits.starts[:, None]
    arrive = _openings(fits, lengths)
    enter = np.full_like(arrive, -np.inf)
    source = np.tile(columns, (total + 1, 1))
    for t in range(total + 1):
        begin = t - lengths
        inside = begin >= 0
        value = np.where(inside, enter[begin, columns] + gains[begin, columns], -np.inf)
        arrive[t] = np.maximum(arrive[t], value)
        other = int(arrive[t].argmax())
        changed = arrive[t, other] - parameters.metre_change > arrive[t]
        enter[t] = np.where(changed, arrive[t, other] - parameters.metre_change, arrive[t])
        source[t][changed] = other
    last = arrive[pad + n :]
    place, column = (int(i) for i in np.unravel_index(int(last.argmax()), last.shape))
    lines, used = [place + pad + n], list[int]()
    openings = _openings(fits, lengths)
    while True:
        begin = lines[-1] - int(lengths[column])
        lines.append(begin)
        used.append(column)
        column = int(source[begin, column])
        if arrive[begin, column] == openings[begin, column]:
            break
    numbers = _number(lines, total)[pad : pad + n + 1]
    common = max(set(used), key=used.count)
    changes = sum(a != b for a, b in pairwise(used))
    account = _account(lines, used, fits, metres)
    reading = BarReading(metres[common], numbers, *account, fits.likeness[metres[common].beats], changes)
    return reading, float(last[place, column])
