"""Train the drum network. One page, read top to bottom; resumes from its last checkpoint."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from drumscribe.training.checkpoint import Averaged, learning_rate, load_checkpoint, prefetch, save_checkpoint
from drumscribe.training.crops import Crop, draw_crop
from drumscribe.training.material import OUTPUTS
from drumscribe.training.networks import DrumNetwork
from drumscribe.training.pool import open_pool

#: Weight of an onset in the loss: twice the square root of its rarity, at most 3 (kick, snare and closed hat are common).
ONSET_WEIGHT = (2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.5)


@dataclass(frozen=True, slots=True)
class DrumTraining:
    """How the drum network is trained."""

    pool: Path
    run: Path
    parts: str = "train-*"
    steps: int = 6000
    batch: int = 12
    frames: int = 640  #: length of a crop, 10 ms each
    rate: float = 2.5e-3
    weight_decay: float = 1e-2
    average: float = 0.998  #: decay of the averaged weights that are released
    seed: int = 1
    device: str = "cpu"
    save_every: int = 250


def train_drums(options: DrumTraining) -> Path:
    """Train until `steps`, logging to `run/log.jsonl`; return the path of the last checkpoint."""
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "config.json").write_text(json.dumps(asdict(options), default=str, indent=1))
    torch.manual_seed(options.seed)
    network = DrumNetwork().to(options.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    averaged = Averaged(network, options.average)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.weight_decay)
    checkpoint = options.run / "last.pt"
    step = load_checkpoint(checkpoint, network, averaged, optimiser)
    pool = open_pool(options.pool, options.parts)

    def draw(number: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng([options.seed, number])
        return _stack([draw_crop(pool, options.frames, rng) for _ in range(options.batch)])

    batches = prefetch(draw, step, options.steps)
    onset_weight = torch.tensor(ONSET_WEIGHT, device=options.device)
    began, losses = time.monotonic(), []
    network.train()
    while step < options.steps:
        spectrum, onsets, weights, loudness = (t.to(options.device) for t in batches.get())
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, options.steps, options.rate)
        outputs = network(spectrum)
        logits, heard = outputs[..., : len(OUTPUTS)], outputs[..., len(OUTPUTS) :]
        cost = functional.binary_cross_entropy_with_logits(logits, onsets, weights, pos_weight=onset_weight, reduction="sum")
        struck = ~torch.isnan(loudness)
        softness = functional.mse_loss(torch.sigmoid(heard[struck]), loudness[struck]) if struck.any() else heard.sum() * 0
        loss = cost / (spectrum.shape[0] * spectrum.shape[1]) + 4 * softness
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        averaged.update(network)
        losses.append(loss.item())
        step += 1
        if step % 50 == 0:
            record = {"step": step, "loss": float(np.mean(losses)), "seconds": round(time.monotonic() - began, 1)}
            with (options.run / "log.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            losses = []
        if step % options.save_every == 0 or step == options.steps:
            save_checkpoint(checkpoint, step, network, averaged, optimiser)
    return checkpoint


def _stack(crops: list[Crop]) -> tuple[torch.Tensor, ...]:
    fields = ("spectrum", "onsets", "weights", "loudness")
    return tuple(torch.from_numpy(np.stack([getattr(c, field) for c in crops])) for field in fields)
