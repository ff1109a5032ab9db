"""Every number of the beat decoder, with its origin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecoderParameters:
    """Constants of `track_beats`.

    "Fitted" values were chosen on generated songs (60-200 bpm, metres of 2 to 7 beats, compound metres, ramps,
    steps, pick-ups; hits with 15 % lost, 15 % added, 5 % of the wrong class, 10 ms jitter), never on recordings.
    """

    # -- the pulse
    frame_rate: int = 100  #: Hz of the search; 10 ms is finer than the activations and coarser than hit jitter
    slowest: float = 49.0  #: bpm; a little beyond the promised 50, so that a slow song may drag
    fastest: float = 217.0  #: bpm; a little beyond the promised 215, no more: above it lie double tempi
    fastest_eighths: float = 420.0  #: bpm of the eighths that carry 7/8
    tempo_change: float = 80.0  #: nats per natural log of a change of beat length (the prototype's 80; madmom uses 100)
    tempo_jump: float = 16.0  #: nats for a change of any size: a step of the tempo or a slip of phase; fitted
    reach: int = 6  #: frames by which a beat may differ from the last one before it counts as a jump
    activation_weight: float = 1.0  #: of a beat's log-likelihood ratio; calibrated activations deserve 1
    between_width: float = 5.0  #: frames that one activation bump spans: neighbours are not independent
    hit_weight: float = 0.35  #: hits of a groove repeat each other, so that each counts for less than itself; fitted
    hit_jitter: float = 0.014  #: seconds, standard deviation of hits about their place
    hits_per_beat: float = 3.5  #: expectation in the search for the pulse (1.5-6 is usual)
    silence: float = 2.0  #: seconds without hits after which none are expected
    tempo_freedom: float = 0.06  #: share by which the beat may leave a tempo that the user gave
    fewest_hits: int = 4  #: with fewer hits and no activations there is nothing to follow
    # -- the bars
    bar_hit_weight: float = 0.15  #: as `hit_weight`, for whole bars, which repeat each other even more; fitted
    downbeat_weight: float = 1.0  #: of a downbeat's log-likelihood ratio
    odd_bar: float = 8.0  #: nats for a bar of another length: a lost or added beat; fitted
    metre_change: float = 6.0  #: nats for a change of metre; fitted, so that steady songs stay steady
    # -- the choice of a reading: weights of the terms of `readings.weigh`. With activations: fitted
    # (docs/adr/0137) on half of 138 rendered pieces of every metre with unheard kits, heard through drums@1.2.0 and
    # beats@1.0.0, rounded; the other half judged them. Evidence within a song repeats itself, so the usual tempo weighs much.
    # From hits alone: by conditional logit over the readings of 280 songs (210 generated, 70 of the Groove MIDI
    # Dataset's training part), rounded.
    reading_weights: tuple[float, ...] = (0.22, 0.92, 0.015, 0.16, 4.6, 1.7, 2.8, 1.3, 3.0, 0.45)
    reading_weights_of_hits: tuple[float, ...] = (0.15, 1.6, 0.25, 0.65, 1.3, 0.8, 1.0, 2.0, 0.0, 0.0)
    # -- the re-timing
    retime_reach: float = 0.06  #: seconds from a beat within which a hit is taken to be on it
    retime_beats: int = 4  #: beats to either side whose hits move a beat
    largest_lag: float = 0.04  #: seconds by which all beats may be moved
    largest_shift: float = 0.03  #: seconds by which one may be moved on top
    # -- the confidence: (middle, slope) of a logistic on the mean log-likelihood ratio at a hit and at a beat.
    # Generated grooves lie above 0.38 and 1.06, random hits below 0.06 and random activations below 0.7.
    hit_confidence: tuple[float, float] = (0.22, 12.0)
    activation_confidence: tuple[float, float] = (0.9, 5.0)
    reliable_from: float = 0.5  #: confidence from which a grid is called reliable
