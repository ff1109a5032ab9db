"""What both training loops share: batches drawn ahead, averaged weights, the learning rate, checkpoints that resume."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


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
    averaged.state = state["averaged"]
    averaged.updates = state["step"]
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
