"""Train the drum network on crops of the pool."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from drumscribe.features import BANDS
from drumscribe.training.crops import Excerpts, cut, make_examples
from drumscribe.training.loop import Training, fit, halves_well
from drumscribe.training.material import OUTPUTS
from drumscribe.training.networks import DRUM_NETWORKS, DrumKind
from drumscribe.training.pool import Pool, open_pool

#: Weight of an onset in the loss: twice the square root of its rarity, at most 3 (kick, snare and closed hat are common).
ONSET_WEIGHT = (2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.5)


REOPEN = 400  #: batches after which a growing pool is looked at again; in the beginning more often
NEIGHBOURS = 6  #: strokes of the same drum, one after another, whose order in loudness is taught
CLEAR = 0.05  #: loudness, of 0 to 1, by which two strokes must differ to have an order (2 dB)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumTraining(Training):
    """How the drum network is trained."""

    pool: Path
    parts: str = "train-*"
    growing: bool = False  #: the pool is still being rendered: what is new joins, so that no two runs are quite alike
    network: DrumKind = "convolutions"  #: which of `networks.DRUM_NETWORKS`
    frames: int = 640  #: length of a crop, 10 ms each
    loudness_weight: float = 20.0  #: of a stroke's loudness beside its onset
    order_weight: float = 1.0  #: of the order in loudness of strokes that follow one another
    mask_weight: float = 0.3  #: of the share of drums in a band, all bands together
    steps: int = 3600
    batch: int = 8
    rate: float = 2.5e-3


def train_drums(options: DrumTraining) -> Path:
    """Train until `steps`; return the path of the last checkpoint."""
    torch.manual_seed(options.seed)
    network = DRUM_NETWORKS[options.network](masks=True).to(options.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    onset_weight = torch.tensor(ONSET_WEIGHT, device=options.device)
    is_half = halves_well(options.device)
    source = _Source(options)

    def draw(number: int) -> tuple[torch.Tensor, ...]:
        return cut(source.at(number), options.batch, options.frames, np.random.default_rng([options.seed, number]))

    def cost(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        with torch.no_grad():
            examples = make_examples(Excerpts(*batch))
        onsets, loudness = examples.onsets, examples.loudness
        with torch.autocast(options.device.split(":")[0], torch.bfloat16, enabled=is_half):
            outputs = network(examples.spectrum).float()
        logits, heard, drums = torch.split(outputs, [len(OUTPUTS), len(OUTPUTS), BANDS], dim=2)
        found = functional.binary_cross_entropy_with_logits(
            logits, onsets, examples.weights, pos_weight=onset_weight, reduction="sum"
        )
        shares = functional.binary_cross_entropy_with_logits(drums, examples.mask)
        softness = options.loudness_weight * loudness_cost(heard, loudness) + options.order_weight * order_cost(heard, loudness)
        return found / (onsets.shape[0] * onsets.shape[1]) + softness + options.mask_weight * shares

    return fit(network, draw, cost, options)


class _Source:
    """The pool as it is at a batch."""

    def __init__(self, options: DrumTraining) -> None:
        self.options, self._lock, self._seen = options, threading.Lock(), 0
        self._pool = open_pool(options.pool, options.parts)

    def at(self, number: int) -> Pool:
        """The pool for batch `number`: opened again where it grows and some time has gone by."""
        age = min(number // (REOPEN // 4), 4) + number // REOPEN
        with self._lock:
            if self.options.growing and age > self._seen:
                self._seen, self._pool = age, open_pool(self.options.pool, self.options.parts)
            return self._pool


def loudness_cost(logits: torch.Tensor, loudness: torch.Tensor) -> torch.Tensor:
    """Mean squared error where there are strokes; both (batch, frames, outputs), loudness NaN elsewhere."""
    struck = ~torch.isnan(loudness)
    errors = torch.where(struck, torch.sigmoid(logits) - loudness.nan_to_num(), 0.0)
    return errors.square().sum() / struck.sum().clamp(min=1)


def order_cost(logits: torch.Tensor, loudness: torch.Tensor) -> torch.Tensor:
    """How far pairs of near strokes of one drum are from the order of their loudness (RankNet, Burges et al., ICML 2005).

    Velocity is read as a rank within a drum: what a whole song was played at nobody can hear, which stroke was harder one can.
    """
    by_drum = loudness.transpose(1, 2)
    places = torch.nonzero(~torch.isnan(by_drum))  # (strokes, 3): batch, output, frame, in this order
    given, true = logits.transpose(1, 2)[places.unbind(1)], by_drum[places.unbind(1)]
    total, count = logits.sum() * 0, torch.zeros((), device=logits.device)
    for step in range(1, NEIGHBOURS + 1):
        same = (places[step:, :2] == places[:-step, :2]).all(1)
        difference = true[step:] - true[:-step]
        clear = same & (difference.abs() > CLEAR)
        total = total + (functional.softplus(-torch.sign(difference) * (given[step:] - given[:-step])) * clear).sum()
        count = count + clear.sum()
    return total / count.clamp(min=1)
