"""Begin a training where a released network ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_FOLDED = ".weight_bias"  #: what the exporter calls the shift of a normalisation that it folded into a convolution


def adopt(network: nn.Module, released: Path, compute: Callable[[], object]) -> None:
    """Give `network` the weights of an ONNX file that an earlier one became; outputs that are new stay as they are.

    A network of another kind takes over the layers that it has as well, and keeps its own others.

    In the file, normalisation is folded into the convolutions. It is unfolded around the statistics that a batch has in
    each layer, so that the network computes the same and can be trained on. `compute` runs the network on that batch.

    Raises
    ------
    ValueError
        If none, or a layer of the same name and another shape, is found in the network.
    """
    stored = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in onnx.load(str(released)).graph.initializer}
    state = network.state_dict()
    weights = {name: value for name, value in stored.items() if name in state}
    if not weights:
        raise ValueError(f"{released} holds no layer that this network has")
    for name, value in weights.items():
        if state[name][: len(value)].shape != value.shape:
            raise ValueError(f"{released} holds {name} of shape {tuple(value.shape)}, which this network has not")
        state[name][: len(value)] = value
    network.load_state_dict(state)
    last = ""  # the convolution that a normalisation follows

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _arguments: tuple[Tensor, ...]) -> None:
            nonlocal last
            last = name

        return hook

    def unfold(norm: Any, arguments: tuple[Tensor, ...]) -> None:
        if f"{last}.weight" in weights:
            _set_statistics(norm, arguments[0], stored.get(last + _FOLDED))

    hooks = [m.register_forward_pre_hook(note(n)) for n, m in network.named_modules() if isinstance(m, _CONVOLUTIONS)]
    hooks += [
        m.register_forward_pre_hook(unfold)
        for n, m in network.named_modules()
        if isinstance(m, _NORMS) and f"{n}.running_mean" not in weights
    ]
    network.eval()
    with torch.no_grad():
        compute()
    for hook in hooks:
        hook.remove()
    network.train()


def _set_statistics(norm: Any, seen: Tensor, shift: Tensor | None) -> None:
    """Make a normalisation add `shift` (none: zero, which the exporter leaves out) to what it sees, and nothing else."""
    others = [axis for axis in range(seen.dim()) if axis != 1]
    mean, variance = seen.mean(dim=others), seen.var(dim=others, unbiased=False)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.data.copy_(torch.sqrt(variance + norm.eps))
    norm.bias.data.copy_(mean if shift is None else mean + shift.to(mean.device))
