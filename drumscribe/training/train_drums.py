"""Train the drum network on crops of the pool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from drumscribe.features import BANDS
from drumscribe.training.crops import Crop, draw_crop
from drumscribe.training.loop import Training, fit
from drumscribe.training.material import OUTPUTS
from drumscribe.training.networks import DRUM_NETWORKS, DrumKind
from drumscribe.training.pool import open_pool

#: Weight of an onset in the loss: twice the square root of its rarity, at most 3 (kick, snare and closed hat are common).
ONSET_WEIGHT = (2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumTraining(Training):
    """How the drum network is trained."""

    pool: Path
    parts: str = "train-*"
    network: DrumKind = "convolutions"  #: which of `networks.DRUM_NETWORKS`
    frames: int = 640  #: length of a crop, 10 ms each
    loudness_weight: float = 20.0  #: of a stroke's loudness beside its onset
    mask_weight: float = 0.3  #: of the share of drums in a band, all bands together
    steps: int = 3600
    batch: int = 8
    rate: float = 2.5e-3


def train_drums(options: DrumTraining) -> Path:
    """Train until `steps`; return the path of the last checkpoint."""
    torch.manual_seed(options.seed)
    network = DRUM_NETWORKS[options.network](masks=True).to(options.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    pool = open_pool(options.pool, options.parts)
    onset_weight = torch.tensor(ONSET_WEIGHT, device=options.device)

    def draw(number: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng([options.seed, number])
        return _stack([draw_crop(pool, options.frames, rng) for _ in range(options.batch)])

    def cost(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        spectrum, onsets, weights, loudness, mask = batch
        with torch.autocast(options.device.split(":")[0], torch.bfloat16):
            outputs = network(spectrum).float()
        logits, heard, drums = torch.split(outputs, [len(OUTPUTS), len(OUTPUTS), BANDS], dim=2)
        found = functional.binary_cross_entropy_with_logits(logits, onsets, weights, pos_weight=onset_weight, reduction="sum")
        struck = ~torch.isnan(loudness)
        softness = functional.mse_loss(torch.sigmoid(heard[struck]), loudness[struck]) if struck.any() else heard.sum() * 0
        shares = functional.binary_cross_entropy_with_logits(drums, mask)
        return found / (spectrum.shape[0] * spectrum.shape[1]) + options.loudness_weight * softness + options.mask_weight * shares

    return fit(network, draw, cost, options)


def _stack(crops: list[Crop]) -> tuple[torch.Tensor, ...]:
    fields = ("spectrum", "onsets", "weights", "loudness", "mask")
    return tuple(torch.from_numpy(np.stack([getattr(c, field) for c in crops])) for field in fields)
