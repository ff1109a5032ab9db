"""The training loop: batches drawn ahead, averaged weights, a warm and cooling rate, checkpoints that resume."""

from __future__ import annotations

import json
import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from drumscribe.training.warm_start import adopt


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How any network is trained."""

    run: Path  #: folder of the log, the configuration and the checkpoint
    steps: int
    batch: int
    rate: float  #: learning rate at its peak
    weight_decay: float = 1e-2
    average: float = 0.998  #: decay of the averaged weights that are released
    begin_with: Path | None = None  #: checkpoint whose averaged weights this run starts from, or a published network (.onnx)
    seed: int = 1
    device: str = "cpu"
    save_every: int = 250


def fit(
    network: nn.Module,
    draw: Callable[[int], tuple[Tensor, ...]],
    cost: Callable[[tuple[Tensor, ...]], Tensor],
    options: Training,
    **facts: str,
) -> Path:
    """Train until `steps`, from the last checkpoint on where there is one, and return the path of the last.

    Parameters
    ----------
    draw : callable
        Batch by number; it must depend on the number alone, so that a resumed run sees what an unbroken one would.
    cost : callable
        Loss of a batch on the device.
    **facts
        Written to `run/config.json` beside the options; `run/log.jsonl` has the mean loss of every 50 steps.
    """
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "config.json").write_text(json.dumps({**asdict(options), **facts}, default=str, indent=1))
    checkpoint = options.run / "last.pt"
    if options.begin_with is not None and not checkpoint.exists():
        if options.begin_with.suffix == ".onnx":
            batch = tuple(t.to(options.device) for t in draw(0))
            adopt(network, options.begin_with, lambda: cost(batch))
        else:
            network.load_state_dict(torch.load(options.begin_with, map_location=options.device, weights_only=True)["averaged"])
    averaged = Averaged(network, options.average)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.weight_decay)
    step = load_checkpoint(checkpoint, network, averaged, optimiser)
    batches = prefetch(draw, step, options.steps)
    began, losses = time.monotonic(), []
    network.train()
    while step < options.steps:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, options.steps, options.rate, min(200, options.steps // 5))
        loss = cost(tuple(t.to(options.device) for t in batches.get()))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        averaged.update(network)
        losses.append(loss.item())
        step += 1
        if step % 50 == 0:
            record = {"step": step, "loss": sum(losses) / len(losses), "seconds": round(time.monotonic() - began, 1)}
            with (options.run / "log.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            losses = []
        if step % options.save_every == 0 or step == options.steps:
            save_checkpoint(checkpoint, step, network, averaged, optimiser)
    return checkpoint


def prefetch(draw: Callable[[int], tuple[Tensor, ...]], first: int, last: int) -> queue.Queue[tuple[Tensor, ...]]:
    """Draw batches `first` to `last` - 1 on a thread of their own; `draw` must depend on the number alone."""
    ready: queue.Queue[tuple[Tensor, ...]] = queue.Queue(maxsize=4)

    def work() -> None:
        for number in range(first, last):
            ready.put(draw(number))

    threading.Thread(target=work, daemon=True).start()
    return ready


class Averaged:
    """Exponential moving average of a network's weights and buffers (Polyak averaging); these are released."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state: dict[str, Tensor] = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network; faster at the start, when it still changes much."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for key, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


def learning_rate(step: int, steps: int, peak: float, warm_up: int = 200) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    share = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def save_checkpoint(path: Path, step: int, network: nn.Module, averaged: Averaged, optimiser: torch.optim.Optimizer) -> None:
    """Write beside, then rename: a killed run leaves the last whole checkpoint."""
    temporary = path.with_suffix(".tmp")
    state = {"step": step, "network": network.state_dict(), "averaged": averaged.state, "optimiser": optimiser.state_dict()}
    torch.save(state, temporary)
    temporary.replace(path)


def load_checkpoint(path: Path, network: nn.Module, averaged: Averaged, optimiser: torch.optim.Optimizer) -> int:
    """Restore a run in place and return the steps it has done; 0 if there is no checkpoint."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    averaged.state = {key: value.to(averaged.state[key].device) for key, value in state["averaged"].items()}
    averaged.updates = state["step"]
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
