"""Train the beat network on what a released drum network hears in the pool.

Targets are widened (Böck and Davies, ISMIR 2020) and tempo is varied by resampling the inputs in time, which costs
nothing at this frame rate and gives every metre every tempo.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from drumscribe.beats.bars import METRES, Metre
from drumscribe.beats.infer import COARSE_BANDS, DRUMS, TEMPI, beat_inputs
from drumscribe.detection.infer import probabilities, run_network
from drumscribe.features import BANDS
from drumscribe.training.loop import Training, fit
from drumscribe.training.material import Groove, load_grooves
from drumscribe.training.networks import BeatNetwork
from drumscribe.training.pool import Pool, open_pool
from drumscribe.training.simulate import RATE, imagine_piece
from drumscribe.types import FloatArray
from drumscribe.weights import Network

BEAT_WEIGHTS = (2.0, 4.0)  #: of beats and downbeats in the loss; taken back at inference
COUNT_WEIGHT = 0.3  #: of metre and tempo in the loss: beats matter most
UNKNOWN = -1
WIDEN = (1.0, 0.5, 0.25)  #: target at a beat, one and two frames (20 ms each) from it


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatTraining(Training):
    """How the beat network is trained."""

    pack: Path
    pool: Path
    parts: str = "train-*"
    frames: int = 1280  #: length of a crop, 20 ms each
    imagined: float = 0.45  #: share of pieces that were never rendered
    steps: int = 1100
    batch: int = 16
    rate: float = 2e-3
    seed: int = 2


def train_beats(options: BeatTraining, drums: Network) -> Path:
    """Train until `steps` on what `drums` hears; return the path of the last checkpoint."""
    torch.manual_seed(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)
    pool = open_pool(options.pool, options.parts)
    inputs = listen_to_pool(pool, drums, options.run / "inputs.npy")
    network = BeatNetwork().to(options.device)
    known = np.flatnonzero(pool.beats_known)
    grooves = load_grooves(options.pack, "train")
    weights = torch.tensor(BEAT_WEIGHTS, device=options.device)

    def draw(number: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng([options.seed, number])
        crops = [
            _imagine(grooves, options.frames, rng)
            if rng.random() < options.imagined
            else _draw(pool, inputs, int(rng.choice(known)), options.frames, rng)
            for _ in range(options.batch)
        ]
        return tuple(torch.from_numpy(np.stack(part)) for part in zip(*crops, strict=True))

    def cost(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        features, targets, metres, tempi = batch
        logits = network(features)
        beats = functional.binary_cross_entropy_with_logits(logits[..., :2], targets, pos_weight=weights)
        return beats + COUNT_WEIGHT * count_cost(logits[..., 2:], metres, tempi)

    return fit(network, draw, cost, options, drums=str(drums.ref))


def count_cost(logits: torch.Tensor, metres: torch.Tensor, tempi: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of metre and tempo; a tempo between two classes is shared by both.

    Parameters
    ----------
    logits : (batch, frames, metres + tempi)
    metres : (batch, frames) int64
        Index into `bars.METRES`; UNKNOWN does not count.
    tempi : (batch, frames) float32
        Place in `infer.TEMPI`, fractional; UNKNOWN does not count.
    """
    metre_logits, tempo_logits = logits[..., : len(METRES)], logits[..., len(METRES) :]
    metre = functional.cross_entropy(metre_logits.flatten(0, 1), metres.flatten(), ignore_index=UNKNOWN, reduction="sum")
    lower = tempi.clamp(0, len(TEMPI) - 1.001).floor()
    share = (tempi.clamp(0, len(TEMPI) - 1) - lower)[..., None]
    logs = functional.log_softmax(tempo_logits, dim=-1)
    index = lower.long()[..., None]
    picked = (1 - share) * logs.gather(-1, index) + share * logs.gather(-1, index + 1)
    known = tempi >= 0
    tempo = -(picked[..., 0] * known).sum()
    return (metre / (metres != UNKNOWN).sum().clamp(min=1) + tempo / known.sum().clamp(min=1)) / 2


def listen_to_pool(pool: Pool, drums: Network, cache: Path) -> FloatArray:
    """Inputs of the beat network for every item, (items, frames, INPUTS) float16; computed once."""
    if cache.exists():
        return np.load(cache, mmap_mode="r")
    rows: list[NDArray[np.float16]] = []
    for item in range(len(pool)):
        spectrum = pool.mel(item)[0].astype(np.float32)
        rows.append(beat_inputs(spectrum[:, :BANDS], probabilities(run_network(spectrum, drums), drums)).astype(np.float16))
    np.save(cache, np.stack(rows))
    return np.load(cache, mmap_mode="r")


Example = tuple[FloatArray, FloatArray, NDArray[np.int64], FloatArray]
"""Inputs (frames, INPUTS); beat and downbeat (frames, 2); metre (frames,) and tempo (frames,), see `count_cost`."""


def _draw(pool: Pool, inputs: FloatArray, item: int, frames: int, rng: np.random.Generator) -> Example:
    """A crop, stretched in time by up to a third, with drums and spectrum sometimes hidden or dimmed."""
    source = inputs[item].astype(np.float32)
    stretch = float(np.exp(rng.uniform(-0.3, 0.3))) if rng.random() < 0.6 else 1.0
    wanted = min(len(source), int(frames / stretch))
    start = int(rng.integers(0, len(source) - wanted + 1))
    positions = start + np.arange(int(wanted * stretch)) / stretch
    crop = source[np.minimum(np.round(positions).astype(int), len(source) - 1)][:frames]
    features = np.zeros((frames, source.shape[1]), np.float32)
    features[: len(crop)] = crop
    colour = rng.normal(0, 0.3, COARSE_BANDS).astype(np.float32)
    features[: len(crop), DRUMS : DRUMS + COARSE_BANDS] += colour + np.float32(rng.normal(0, 0.3))
    hidden = rng.random()
    if hidden < 0.12:
        features[:, :DRUMS] = 0
    elif hidden < 0.4:
        features[:, DRUMS:] = 0
    if rng.random() < 0.3:  # some drums not found
        features[:, rng.integers(0, DRUMS, 3)] = 0
    if rng.random() < 0.5:
        odds = np.exp(np.float32(rng.normal(0, 1)))
        values = features[:, :DRUMS]
        features[:, :DRUMS] = values * odds / (1 - values + values * odds)
    first, last = np.searchsorted(pool.beats[:, 0], [item, item + 1])
    beats = [((float(t) * RATE - start) * stretch, int(n)) for _, t, n in pool.beats[int(first) : int(last)]]
    return features, _targets(beats, len(crop), frames), *_counts(beats, Fraction(float(pool.units[item])), len(crop), frames)


def _imagine(grooves: list[Groove], frames: int, rng: np.random.Generator) -> Example:
    features, playing = imagine_piece(grooves, frames, rng)
    beats = [(t * RATE, n) for t, n in playing.beats]
    return features, _targets(beats, frames, frames), *_counts(beats, playing.unit, frames, frames)


def _counts(beats: list[tuple[float, int]], unit: Fraction, used: int, frames: int) -> tuple[NDArray[np.int64], FloatArray]:
    """Metre and tempo of every frame: those of the bar it lies in, in broken bars those of the nearest whole one."""
    metres, tempi = np.full(frames, UNKNOWN, np.int64), np.full(frames, UNKNOWN, np.float32)
    if len(beats) < 2:
        return metres, tempi
    places = np.array([place for place, _ in beats])
    tempo = 60 * RATE / np.maximum(np.diff(places), 1e-3)
    centres = (places[:-1] + places[1:]) / 2
    position = 4 * np.log2(np.interp(np.arange(used), centres, tempo) / TEMPI[0])
    tempi[:used] = np.clip(position, 0, len(TEMPI) - 1)
    lines = [k for k, (_, number) in enumerate(beats) if number == 1]
    names = list(METRES)
    for k, (first, last) in enumerate(pairwise(lines)):
        metre = Metre(last - first, unit)
        begin = places[first] if k else 0.0
        end = places[last] if k < len(lines) - 2 else float(used)
        if metre in METRES:
            metres[max(0, round(begin)) : min(used, round(end))] = names.index(metre)
    return metres, tempi


def _targets(beats: list[tuple[float, int]], used: int, frames: int) -> FloatArray:
    """(frames, 2) from beats at fractional frames; nothing past `used`."""
    targets = np.zeros((frames, 2), np.float32)
    for place, number in beats:
        frame = round(place)
        for distance, value in enumerate(WIDEN):
            for near in {frame - distance, frame + distance}:
                if 0 <= near < used:
                    targets[near, 0] = max(targets[near, 0], value)
                    if number == 1:
                        targets[near, 1] = max(targets[near, 1], value)
    return targets
