"""The training loop: batches drawn ahead, averaged weights, a warm and cooling rate, checkpoints that resume."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
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
    minutes: float | None = None  #: train for so long instead of `steps`; the rate cools by the clock
    batch: int
    rate: float  #: learning rate at its peak
    weight_decay: float = 1e-2
    average: float = 0.998  #: decay of the averaged weights that are released
    begin_with: Path | None = None  #: checkpoint whose averaged weights this run starts from, or a published network (.onnx)
    seed: int = 1
    device: str = "cpu"
    save_every: int = 250
    workers: int = 1  #: threads that draw batches ahead


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
        Batch by number, in the memory of the processor; it must depend on the number alone, so that a resumed run sees what an
        unbroken one would. Called from other threads.
    cost : callable
        Loss of a batch on the device.
    **facts
        Written to `run/config.json` beside the options; `run/log.jsonl` has the mean loss of every 50 steps. Beside the
        checkpoint lies `weights.pt`, its averaged weights alone.
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
    step, spent = load_checkpoint(checkpoint, network, averaged, optimiser)
    batches = draw_ahead(draw, step, options.workers, pinned=options.device.startswith("cuda"))
    began, losses, whole = time.monotonic() - spent, list[Tensor](), options.steps
    network.train()
    torch.backends.cudnn.benchmark = True  # all batches have one shape
    while True:
        spent = time.monotonic() - began
        if options.minutes is not None:
            whole = round(max(step, 1) * max(1.0, options.minutes * 60 / max(spent, 1e-3)))
        if step >= whole:
            break
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, whole, options.rate, min(200, whole // 5))
        loss = cost(tuple(t.to(options.device, non_blocking=True) for t in next(batches)))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        averaged.update(network)
        losses.append(loss.detach())
        step += 1
        if step % 50 == 0:
            record = {"step": step, "loss": torch.stack(losses).mean().item(), "seconds": round(time.monotonic() - began, 1)}
            with (options.run / "log.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            losses = []
        if step % options.save_every == 0:
            save_checkpoint(checkpoint, step, time.monotonic() - began, network, averaged, optimiser)
    if step % options.save_every or not checkpoint.exists():
        save_checkpoint(checkpoint, step, time.monotonic() - began, network, averaged, optimiser)
    batches.close()
    return checkpoint


def halves_well(device: str) -> bool:
    """Whether `device` has instructions for bfloat16; a processor without them takes ten times as long."""
    return device.startswith("cuda") or any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))


def draw_ahead(
    draw: Callable[[int], tuple[Tensor, ...]], first: int, workers: int, *, pinned: bool = False
) -> Generator[tuple[Tensor, ...]]:
    """Batches `first`, `first` + 1 and so on, drawn on threads of their own; `pinned` to reach a GPU while it computes."""

    def work(number: int) -> tuple[Tensor, ...]:
        batch = tuple(draw(number))
        return tuple(t.pin_memory() for t in batch) if pinned else batch

    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[tuple[Tensor, ...]]] = deque(pool.submit(work, first + k) for k in range(2 * workers + 2))
        number = first + len(ahead)
        try:
            while True:
                yield ahead.popleft().result()
                ahead.append(pool.submit(work, number))
                number += 1
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


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
        now = network.state_dict()
        moving = [key for key, value in now.items() if value.dtype.is_floating_point]
        before, after = [self.state[key] for key in moving], [now[key] for key in moving]
        torch._foreach_lerp_(before, after, 1 - decay)  # pyright: ignore  one call: a hundred are slow on a GPU
        for key in now.keys() - moving:
            self.state[key].copy_(now[key])


def learning_rate(step: int, steps: int, peak: float, warm_up: int = 200) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    share = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def save_checkpoint(
    path: Path, step: int, seconds: float, network: nn.Module, averaged: Averaged, optimiser: torch.optim.Optimizer
) -> None:
    """Write beside, then rename: a killed run leaves the last whole checkpoint."""
    facts = {"step": step, "seconds": seconds, "averaged": averaged.state}
    whole = {**facts, "network": network.state_dict(), "optimiser": optimiser.state_dict()}
    for target, state in ((path, whole), (path.with_name("weights.pt"), facts)):
        temporary = target.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(target)


def load_checkpoint(path: Path, network: nn.Module, averaged: Averaged, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
    """Restore a run in place and return the steps it has done and the seconds they took; zeros if there is no checkpoint."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    averaged.state = {key: value.to(averaged.state[key].device) for key, value in state["averaged"].items()}
    averaged.updates = state["step"]
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["seconds"])
