"""Begin the training of a beat network where a released one ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from drumscribe.training.networks import BeatNetwork


def adopt(network: BeatNetwork, released: Path, inputs: Tensor) -> None:
    """Give `network` the weights of an ONNX file that an earlier one became; outputs that are new stay as they are.

    In the file, normalisation is folded into the convolutions. It is unfolded around the statistics that `inputs`
    (batch, frames, INPUTS) have in each layer, so that the network computes the same and can be trained on.

    Raises
    ------
    ValueError
        If the file's layers are not those of the network.
    """
    stored = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in onnx.load(str(released)).graph.initializer}
    state = network.state_dict()
    for name, value in stored.items():
        if not name.endswith(".weight_bias"):
            if name not in state or state[name][: len(value)].shape != value.shape:
                raise ValueError(f"{released} holds {name} of shape {tuple(value.shape)}, which this network has not")
            state[name][: len(value)] = value
    network.load_state_dict(state)
    pairs = [("enter", network.norm)] + [
        (f"{name}.spread", module.norm)
        for name, module in network.named_modules()
        if isinstance(getattr(module, "spread", None), nn.Conv1d)
    ]
    none = torch.zeros(network.norm.num_features)  # the exporter leaves out what is zero
    hooks = [norm.register_forward_pre_hook(_unfold(stored.get(f"{name}.weight_bias", none))) for name, norm in pairs]
    network.eval()
    with torch.no_grad():
        network(inputs)
    for hook in hooks:
        hook.remove()
    network.train()


def _unfold(shift: Tensor) -> Callable[[nn.BatchNorm1d, tuple[Tensor, ...]], None]:
    def set_statistics(norm: nn.BatchNorm1d, arguments: tuple[Tensor, ...]) -> None:
        mean, variance = arguments[0].mean(dim=(0, 2)), arguments[0].var(dim=(0, 2), unbiased=False)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.data.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.data.copy_(shift + mean)

    return set_statistics
