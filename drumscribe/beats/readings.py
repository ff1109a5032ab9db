"""Ways to count a song: the same pulse at half, double, two thirds of its tempo, in each metre, and what speaks for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from drumscribe.beats.bars import METRES, BarReading, Metre, fit_bars, read_bars, read_changing_bars
from drumscribe.beats.evidence import Floats, FrameEvidence, HitArrays
from drumscribe.beats.infer import TEMPI
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.beats.pulse import COMPOUND_PLACES, SIMPLE_PLACES, Places, best_beats, score_beats
from drumscribe.beats.timing import retime_beats

#: Usual tempi in beats of each unit: (centre, slow end, fast end). Counted in what drummers write, not fitted.
USUAL_TEMPI: dict[Fraction, tuple[float, float, float]] = {
    Fraction(1): (108.0, 70.0, 165.0),
    Fraction(3, 2): (85.0, 50.0, 140.0),
    Fraction(1, 2): (170.0, 120.0, 260.0),
}


#: Nats asked of every bar line of 2/4 on top: where 4/4 could begin on 1 or on 3, both get a share above one half.
DOUBLE_MARK = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is known of a song, on the clock of the search."""

    frames: FrameEvidence
    hits: HitArrays
    duration: float  #: seconds
    lead: int  #: frames of the search clock before the recording
    tempi: Floats | None = None  #: log-probabilities of tempi, see `BeatActivations`


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One way to count the song."""

    beats: Floats  #: seconds
    bars: BarReading
    features: Floats  #: see `weigh`
    score: float  #: nats


def find_pulses(evidence: Evidence, lengths: NDArray[np.int64], *, related: bool, parameters: DecoderParameters) -> list[Floats]:
    """Beat times of the best pulse and of its relatives.

    Parameters
    ----------
    lengths : array
        Beat lengths in frames that may be used.
    related : bool
        False gives the one pulse and the same shifted by half a beat: the tempo is known.
    """

    def search(lengths: NDArray[np.int64], places: Places) -> NDArray[np.float32]:
        return score_beats(evidence.frames, evidence.hits, lengths, places, lead=evidence.lead, parameters=parameters)

    base = _seconds(
        best_beats(search(lengths, SIMPLE_PLACES), lengths, lead=evidence.lead, parameters=parameters), evidence, parameters
    )
    pulses = [base, (base[:-1] + base[1:]) / 2]
    if not related:
        return pulses
    shortest, longest = int(lengths[0]), int(lengths[-1])
    middle = (base[:-1] + base[1:]) / 2
    frames = (np.arange(len(evidence.frames.beat)) - evidence.lead) / parameters.frame_rate
    for ratio in (1 / 3, 1 / 2, 2 / 3, 3 / 2, 2.0, 3.0):
        period = np.diff(base) * parameters.frame_rate / ratio
        if not 0.93 * shortest <= float(np.median(period)) <= 1.07 * longest:
            continue
        low, high = max(shortest - 2, int(period.min() * 0.93)), min(longest, int(np.ceil(period.max() * 1.07)))
        near = np.arange(low, max(low + 3, high + 1))
        near = near[near <= evidence.lead]
        gains = search(near, SIMPLE_PLACES if ratio in (1 / 2, 2.0) else COMPOUND_PLACES)
        local = np.interp(frames, middle, period)
        gains[np.abs(np.log(near[None, :] / local[:, None])) > 0.09] -= 30.0
        pulses.append(_seconds(best_beats(gains, near, lead=evidence.lead, parameters=parameters), evidence, parameters))
        if ratio == 1 / 2:  # which of two beats is counted, hits and activations can hardly say
            pulses.append((pulses[-1][:-1] + pulses[-1][1:]) / 2)
    return pulses


def _seconds(frames: NDArray[np.int64], evidence: Evidence, parameters: DecoderParameters) -> Floats:
    return (frames - evidence.lead) / parameters.frame_rate


def read_pulse(beats: Floats, evidence: Evidence, metres: tuple[Metre, ...], *, parameters: DecoderParameters) -> list[Reading]:
    """Draw the beats onto the hits and read them in every metre; none if fewer than three lie in the recording."""
    beats = retime_beats(beats, evidence.hits, parameters=parameters)
    beats = beats[(beats >= 0) & (beats <= evidence.duration)]
    if len(beats) < 3:
        return []
    downbeats = at_beats(evidence.frames.downbeat, beats, evidence, parameters)
    activation = _activation(beats, evidence, parameters)
    weights = parameters.reading_weights if evidence.frames.informative else parameters.reading_weights_of_hits
    readings: list[Reading] = []
    if 60 / float(np.median(np.diff(beats))) > parameters.fastest:  # only eighths go by so fast
        metres = tuple(m for m in metres if m.unit < 1)
    for bars in read_bars(beats, evidence.hits, downbeats, metres, parameters=parameters) if metres else ():
        features = weigh(beats, bars, activation, evidence)
        readings.append(Reading(beats, bars, features, float(features @ np.array(weights))))
    return readings


def allow_changes(reading: Reading, evidence: Evidence, *, parameters: DecoderParameters) -> Reading:
    """The reading, or one with the same beats whose metre changes at bar lines, where enough speaks for it.

    A song with one metre and lost beats is told from one that changes by what each costs: `odd_bar` and `metre_change`.
    """
    beats = reading.beats
    metres = tuple(m for m in METRES if m.unit == reading.bars.metre.unit and m.beats > 1)
    if reading.bars.metre not in metres or len(beats) < 8:
        return reading
    fits = fit_bars(beats, evidence.hits, at_beats(evidence.frames.downbeat, beats, evidence, parameters), metres)
    bars, total = read_changing_bars(fits, metres, parameters=parameters)
    steady = (
        parameters.bar_hit_weight * reading.bars.hits
        + parameters.downbeat_weight * reading.bars.downbeats
        - parameters.odd_bar * reading.bars.odd_bars
    )
    return replace(reading, bars=bars) if bars.changes and total > steady else reading


def weigh(beats: Floats, bars: BarReading, activation: float, evidence: Evidence) -> Floats:
    """What speaks for a reading: the terms that `DecoderParameters.reading_weights` adds up.

    Bars of a song repeat each other, so that evidence is counted as that of 20 seconds at most.
    """
    seconds = max(evidence.duration, 1.0)
    scale = min(seconds, 20.0) / seconds
    bpm = 60 / float(np.median(np.diff(beats)))
    crowd = float(evidence.hits.weights.sum()) / len(beats) / evidence.hits.found
    marks, lines = bars.downbeats, int(np.sum(bars.numbers == 1))
    if bars.metre == Metre(2, Fraction(1)):  # a network unsure which of two beats begins the bar marks them both
        marks -= DOUBLE_MARK * lines
    uncomfortable = max(0.0, np.log(0.7 / crowd), np.log(crowd / 7.0)) if crowd else 0.0
    return np.array(
        [
            scale * bars.hits,
            scale * marks,
            scale * activation,
            scale * len(beats) * bars.repetition,
            _tempo_prior(bpm, bars.metre.unit),
            METRES.get(bars.metre, -5.0),
            -scale * bars.odd_bars,
            -scale * len(beats) * uncomfortable,
            heard_tempo(beats, evidence.tempi),
            -scale * lines,
        ]
    )


#: Log-probability below which the network's word on the tempo counts no less.
LEAST = -8.0


def heard_tempo(beats: Floats, tempi: Floats | None) -> float:
    """Mean log-probability that the network gives the tempo of each second; 0 where it says nothing."""
    if tempi is None or len(tempi) == 0:
        return 0.0
    tempo = np.interp(np.arange(len(tempi)) + 0.5, (beats[:-1] + beats[1:]) / 2, 60 / np.diff(beats))
    place = np.clip(4 * np.log2(tempo / TEMPI[0]), 0, len(TEMPI) - 1.001)
    lower = place.astype(np.int64)
    rows = np.arange(len(tempi))
    heard = (1 - place + lower) * tempi[rows, lower] + (place - lower) * tempi[rows, lower + 1]
    return float(np.maximum(heard, LEAST).mean())


def _tempo_prior(bpm: float, unit: Fraction) -> float:
    centre, low, high = USUAL_TEMPI[unit]
    outside = max(0.0, float(np.log2(low / bpm)), float(np.log2(bpm / high)))
    return float(-0.5 * (np.log2(bpm / centre) / 0.8) ** 2 - 0.5 * (outside / 0.25) ** 2)


def at_beats(values: Floats, beats: Floats, evidence: Evidence, parameters: DecoderParameters) -> Floats:
    """Largest value within 20 ms of each beat."""
    index = np.round(beats * parameters.frame_rate).astype(np.int64) + evidence.lead
    index = np.clip(index, 2, len(values) - 3)
    return np.max([values[index + d] for d in range(-2, 3)], axis=0)


def _activation(beats: Floats, evidence: Evidence, parameters: DecoderParameters) -> float:
    """Log-likelihood ratio of the beat activations, at and between the beats."""
    between = np.concatenate(([0.0], np.cumsum(evidence.frames.between))) / parameters.between_width
    margin = np.maximum(0.03, 0.12 * np.diff(beats))
    first = np.round((beats[:-1] + margin) * parameters.frame_rate).astype(np.int64) + evidence.lead
    last = np.maximum(first, np.round((beats[1:] - margin) * parameters.frame_rate).astype(np.int64) + evidence.lead)
    first, last = np.minimum(first, len(between) - 1), np.minimum(last, len(between) - 1)
    return float(at_beats(evidence.frames.beat, beats, evidence, parameters).sum() + (between[last] - between[first]).sum())
