"""From a checkpoint to an ONNX network, held to the same output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from drumscribe.beats.infer import INPUTS
from drumscribe.features import BANDS
from drumscribe.separation.bands import BANDS as SEPARATOR_BANDS
from drumscribe.training.networks import DRUM_NETWORKS, BeatNetwork
from drumscribe.training.separator_network import SeparatorNetwork

TOLERANCE = 1e-3  #: largest difference of any logit between torch and ONNX Runtime


def export_drums(checkpoint: Path, target: Path, *, network: str = "convolutions") -> None:
    """Write the averaged weights of a drum checkpoint (of `networks.DRUM_NETWORKS[network]`) as ONNX: `log_mel` → `logits`."""
    _export(DRUM_NETWORKS[network](), checkpoint, target, "log_mel", 2 * BANDS)


def export_beats(checkpoint: Path, target: Path) -> None:
    """Write the averaged weights of a beat checkpoint as ONNX: `inputs` → `logits`."""
    _export(BeatNetwork(), checkpoint, target, "inputs", INPUTS)


def export_separator(checkpoint: Path, target: Path) -> None:
    """Write the averaged weights of a separator's checkpoint as ONNX: `log_bands` → `logits`."""
    _export(SeparatorNetwork(), checkpoint, target, "log_bands", SEPARATOR_BANDS)


def _export(network: nn.Module, checkpoint: Path, target: Path, name: str, features: int) -> None:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["averaged"]
    network.load_state_dict({name: state[name] for name in network.state_dict()})  # heads of training are left out
    network.eval()
    example = torch.randn(1, 400, features)
    frames = torch.export.Dim("frames", min=16, max=2_000_000)
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        input_names=[name],
        output_names=["logits"],
        dynamic_shapes=({1: frames},),
        verbose=False,
    )
    assert program is not None
    program.save(str(target))
    model = onnx.load(str(target))
    forget_origin(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
    compare(network, target, name, features)


def forget_origin(model: onnx.ModelProto) -> None:
    """Take out what the exporter notes of the machine and the source lines that a network came from."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("doc_string")
        del part.metadata_props[:]


def compare(network: nn.Module, target: Path, name: str, features: int) -> None:
    """Raise ValueError unless torch and ONNX Runtime agree on inputs of odd and even length."""
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for length in (401, 1238):
        inputs = torch.randn(1, length, features)
        with torch.no_grad():
            expected = network(inputs).numpy()
        (found,) = session.run(None, {name: inputs.numpy()})
        difference = float(np.abs(expected - np.asarray(found)).max())
        if difference > TOLERANCE:
            raise ValueError(f"ONNX differs from torch by {difference} at {length} frames")
