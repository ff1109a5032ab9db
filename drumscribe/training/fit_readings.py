"""Fit the weights by which the beat decoder chooses among readings (`DecoderParameters.reading_weights`).

Pieces with known beats pass through the released networks: mixes of a pool and imagined pieces (every metre), or generated test
sets, of which one may be kept to judge on.
Each way to count them is worth what it scores, the mean of CMLt and downbeat F; the weights are those with which a choice
by chance, in proportion to exp(score), would score highest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from drumscribe.beats import activate_beats
from drumscribe.beats.bars import METRES, BarReading
from drumscribe.beats.decode import collect_evidence
from drumscribe.beats.evidence import Floats
from drumscribe.beats.infer import POOL, activate_beat_inputs
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.beats.pulse import beat_lengths
from drumscribe.beats.readings import find_pulses, read_pulse
from drumscribe.detection import pick_hits
from drumscribe.detection.infer import probabilities, run_network, sigmoid
from drumscribe.evaluation import Beats, find, read_beats, score_beats
from drumscribe.evaluation.runs import load_sound
from drumscribe.features import BANDS, FRAME_RATE
from drumscribe.options import BeatOptions
from drumscribe.pipeline import hear
from drumscribe.training.material import OUTPUTS, load_grooves
from drumscribe.training.pool import Pool, open_pool
from drumscribe.training.simulate import imagine_piece
from drumscribe.types import Activations, BeatActivations, Hit, Stem
from drumscribe.weights import Models

SECONDS = 32.0
PULL = 0.01  #: how strongly weights are held to those before, in their own spread
STEPS = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """All readings of one piece."""

    metre: str  #: its true metre
    features: Floats  #: (readings, terms) of `readings.weigh`
    worth: Floats  #: (readings,) 0-1
    labels: tuple[str, ...]  #: metre and tempo of each reading


def gather_cases(pack: Path, pool: Path, parts: str, models: Models, *, imagined: int, seed: int) -> list[Case]:
    """Hear and read every mix of the pool whose beats are known, and as many `imagined` pieces."""
    cases: list[Case] = []
    mixes = open_pool(pool, parts)
    for item in np.flatnonzero(mixes.beats_known):
        cases += _case_of_mix(mixes, int(item), models)
    grooves = load_grooves(pack, "train")
    for number in range(imagined):
        inputs, playing = imagine_piece(grooves, int(SECONDS * FRAME_RATE / POOL), np.random.default_rng([seed, number]))
        beats = activate_beat_inputs(inputs, FRAME_RATE / POOL, models.beats)
        onsets = inputs[:, : len(OUTPUTS)]
        heard = Activations(onsets, np.full_like(onsets, 0.7), OUTPUTS, FRAME_RATE / POOL)
        truth = np.array(playing.beats)
        cases += case(beats, pick_hits(heard, models.drums.picking), truth, float(playing.unit))
    return cases


def cases_of_set(folder: Path, models: Models) -> list[Case]:
    """Hear and read every piece of a generated test set.

    Raises
    ------
    InputError
        If the folder is no such set, or a file of it cannot be used.
    """
    cases: list[Case] = []
    for piece in find(folder, kind="generated").pieces:
        if piece.beats is None:
            continue
        hearing = hear(Stem(load_sound(piece), "mix"), models)
        beats = read_beats(piece.beats)
        truth = np.column_stack((beats.times, beats.numbers if beats.numbers is not None else np.zeros(len(beats.times))))
        cases += case(hearing.beats, hearing.hits, truth.astype(np.float64), float(Fraction(str(piece.facts.get("unit", 1)))))
    return cases


def _case_of_mix(pool: Pool, item: int, models: Models) -> list[Case]:
    spectrum = pool.mel(item)[0].astype(np.float32)
    logits = run_network(spectrum, models.drums)
    values = probabilities(logits, models.drums)
    heard = Activations(values, sigmoid(logits[:, len(OUTPUTS) :]), OUTPUTS, FRAME_RATE)
    first, last = np.searchsorted(pool.beats[:, 0], [item, item + 1])
    truth = pool.beats[int(first) : int(last), 1:].astype(np.float64)
    hits = pick_hits(heard, models.drums.picking)
    return case(activate_beats(spectrum[:, :BANDS], heard, models.beats), hits, truth, float(pool.units[item]))


def case(activations: BeatActivations, hits: tuple[Hit, ...], truth: Floats, unit: float) -> list[Case]:
    """All readings of a piece, as a list of one; none where the truth has no bar or nothing was heard.

    Parameters
    ----------
    truth : array (beats, 2)
        Seconds and number in the bar.
    """
    lines = np.flatnonzero(truth[:, 1] == 1) if len(truth) else np.zeros(0)
    if len(lines) < 3:
        return []
    parameters = DecoderParameters()
    evidence = collect_evidence(activations, hits, SECONDS, BeatOptions(), parameters)
    lengths = beat_lengths(parameters.slowest, parameters.fastest, parameters.frame_rate)
    reference = Beats(truth[:, 0], truth[:, 1].astype(np.int64))
    features: list[Floats] = []
    worth: list[float] = []
    labels: list[str] = []
    for pulse in find_pulses(evidence, lengths, related=True, parameters=parameters):
        readings = read_pulse(pulse, evidence, tuple(METRES), parameters=parameters)
        if not readings:
            continue
        heard = readings[0].beats < truth[-1, 0] + 0.3
        for reading in readings:
            features.append(reading.features)
            worth.append(_worth(reference, reading.beats[heard], reading.bars, heard))
            labels.append(f"{reading.bars.metre.key} {60 / float(np.median(np.diff(reading.beats))):.0f}")
    if not features:
        return []
    metre = f"{Counter(np.diff(lines).tolist()).most_common(1)[0][0]} of {unit}"
    return [Case(metre, np.array(features), np.array(worth), tuple(labels))]


def _worth(reference: Beats, beats: Floats, bars: BarReading, heard: np.ndarray) -> float:
    scores = score_beats(reference, Beats(beats, bars.numbers[heard]))
    return 0.5 * scores.cmlt + 0.5 * (scores.downbeat_f or 0.0)


def fit_weights(cases: list[Case], before: tuple[float, ...]) -> tuple[float, ...]:
    """Weights, none below zero, that make the expected worth of a choice largest.

    Pieces count by one over the root of how many share their metre.
    """
    usual = Counter(c.metre for c in cases)
    share = torch.tensor([usual[c.metre] ** -0.5 for c in cases])
    share = share / share.sum()
    most, terms = max(len(c.worth) for c in cases), len(before)
    features, worth = torch.zeros(len(cases), most, terms), torch.zeros(len(cases), most)
    absent = torch.full((len(cases), most), -1e9)
    for row, c in enumerate(cases):
        n = len(c.worth)
        features[row, :n] = torch.tensor(c.features, dtype=torch.float32)
        worth[row, :n] = torch.tensor(c.worth, dtype=torch.float32)
        absent[row, :n] = 0
    spread = torch.cat([torch.tensor(c.features, dtype=torch.float32) for c in cases]).std(dim=0) + 1e-6
    start = torch.tensor(before)
    moved = torch.zeros(terms, requires_grad=True)
    optimiser = torch.optim.Adam([moved], lr=0.02)
    for _ in range(STEPS):
        weights = (start + moved / spread).clamp(min=0)
        chosen = (features @ weights + absent).softmax(dim=1)
        loss = -(share * (chosen * worth).sum(dim=1)).sum() + PULL * moved.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return tuple(round(float(w), 3) for w in (start + moved.detach() / spread).clamp(min=0))


def expected_worth(cases: list[Case], weights: tuple[float, ...]) -> dict[str, float]:
    """Mean worth of the chosen readings by metre, and of all cases as "all"; "best" is the mean of the best readings."""
    chosen = [float(c.worth[int(np.argmax(c.features @ np.array(weights)))]) for c in cases]
    by_metre: dict[str, list[float]] = {}
    for c, value in zip(cases, chosen, strict=True):
        by_metre.setdefault(c.metre, []).append(value)
    means = {metre: float(np.mean(values)) for metre, values in sorted(by_metre.items())}
    return {**means, "all": float(np.mean(chosen)), "best": float(np.mean([c.worth.max() for c in cases]))}
