"""Beats, bars and metre from activations and hits.

    evidence → pulse (one search) → its relatives (half, double, two thirds, ...) → each read in every metre
    → the best reading → what the user said → BeatGrid

The pulse is found first, since it is nearly certain; its octave, its division and its bars, which are not, are
chosen together by what each reading makes of whole bars.
"""

from __future__ import annotations

import numpy as np

from drumscribe.beats.bars import METRES, Metre
from drumscribe.beats.confidence import judge
from drumscribe.beats.evidence import Floats, HitArrays, Ints, gather_hits, read_activations
from drumscribe.beats.overrides import DEFAULT_METRE, constant_grid, doubled, halved, metre_of, shift_downbeats
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.beats.pulse import beat_lengths
from drumscribe.beats.readings import Evidence, Reading, allow_changes, find_pulses, read_pulse
from drumscribe.options import BeatOptions
from drumscribe.types import Beat, BeatActivations, BeatGrid, Hit

LAST_RESORT_BPM = 120.0


def track_beats(
    activations: BeatActivations,
    hits: tuple[Hit, ...],
    *,
    duration: float,
    options: BeatOptions,
    parameters: DecoderParameters | None = None,
) -> BeatGrid:
    """Find beats, downbeats and metre.

    Either source may be empty or say nothing: with flat activations the hits alone give phase and tempo, with few
    hits the activations do. With neither, the grid is constant, at `options.bpm` or 120, from the first hit.

    Parameters
    ----------
    activations : BeatActivations
        Frame-wise probabilities from the beat network.
    hits : tuple of Hit
        What the drum transcriber heard.
    duration : float
        Seconds of the recording.
    options : BeatOptions
        Tempo, octave, downbeat or metre, where the user knows better.
    parameters : DecoderParameters, optional
        Constants of the decoder.

    Returns
    -------
    BeatGrid
        Beats over the whole recording; `reliable` is False where neither source supports them.
    """
    parameters = parameters or DecoderParameters()
    evidence = collect_evidence(activations, hits, duration, options, parameters)
    forced = metre_of(options.time_signature) if options.time_signature else None
    best = _best_reading(evidence, options, forced, parameters)
    if best is None:
        return _without_evidence(evidence.hits, duration, options, forced or DEFAULT_METRE)
    if forced is None:
        best = allow_changes(best, evidence, parameters=parameters)
    confidence, reliable = judge(best, evidence, parameters)
    metre = best.bars.metre
    numbers = shift_downbeats(best.bars.numbers, options.downbeat, metre)
    return BeatGrid(_pair(best.beats, numbers), metre.unit, confidence, reliable)


def collect_evidence(
    activations: BeatActivations, hits: tuple[Hit, ...], duration: float, options: BeatOptions, parameters: DecoderParameters
) -> Evidence:
    """Both sources on the clock of the search, whose slowest beat a slow tempo given by the user lengthens."""
    slowest = min(parameters.slowest, 0.9 * options.bpm) if options.bpm else parameters.slowest
    lead = int(beat_lengths(slowest, parameters.fastest, parameters.frame_rate)[-1])
    frames = max(1, int(np.ceil(duration * parameters.frame_rate)))
    return Evidence(
        read_activations(activations, frames=frames, frame_rate=parameters.frame_rate, lead=lead),
        gather_hits(hits, duration),
        duration,
        lead,
        None if activations.tempi is None else activations.tempi.astype(np.float64),
    )


def _best_reading(
    evidence: Evidence, options: BeatOptions, forced: Metre | None, parameters: DecoderParameters
) -> Reading | None:
    if evidence.hits.count < parameters.fewest_hits and not evidence.frames.informative:
        return None
    if options.bpm is None:
        lengths = beat_lengths(parameters.slowest, parameters.fastest, parameters.frame_rate)
    else:
        near = parameters.tempo_freedom
        lengths = beat_lengths(options.bpm * (1 - near), options.bpm * (1 + near), parameters.frame_rate)
    pulses = find_pulses(evidence, lengths, related=options.bpm is None, parameters=parameters)
    metres = (forced,) if forced else tuple(METRES)
    best = _best_of(pulses, evidence, metres, parameters)
    if best is None or not options.octave:
        return best
    pulses = halved(best.beats) if options.octave == "half" else [doubled(best.beats, evidence.duration)]
    same_unit = tuple(m for m in metres if m.unit == best.bars.metre.unit)
    return _best_of(pulses, evidence, same_unit, parameters) or best


def _best_of(
    pulses: list[Floats], evidence: Evidence, metres: tuple[Metre, ...], parameters: DecoderParameters
) -> Reading | None:
    readings = [r for beats in pulses for r in read_pulse(beats, evidence, metres, parameters=parameters)]
    return max(readings, key=lambda r: r.score) if readings else None


def _without_evidence(hits: HitArrays, duration: float, options: BeatOptions, metre: Metre) -> BeatGrid:
    first = float(hits.times[0]) if hits.count else 0.0
    factor = {"half": 0.5, "double": 2.0}.get(options.octave, 1.0)
    beats, numbers = constant_grid((options.bpm or LAST_RESORT_BPM) * factor, first, duration, metre)
    return BeatGrid(_pair(beats, shift_downbeats(numbers, options.downbeat, metre)), metre.unit, 0.0, reliable=False)


def _pair(beats: Floats, numbers: Ints) -> tuple[Beat, ...]:
    return tuple(Beat(float(t), int(n)) for t, n in zip(beats, numbers, strict=True))
