"""From a checkpoint to an ONNX network, held to the same output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from drumscribe.beats.infer import INPUTS
from drumscribe.features import SPECTRUM
from drumscribe.separation.bands import BANDS as SEPARATOR_BANDS
from drumscribe.training.networks import DRUM_NETWORKS, BeatNetwork, DrumKind
from drumscribe.training.separator_network import SeparatorNetwork

TOLERANCE = 1e-3  #: largest difference of any logit between torch and ONNX Runtime
HALF_TOLERANCE = 1e-3  #: largest difference of any output, as a share of 0 to 1, that half precision may make
_HALVED = 10_000  #: numbers that a constant must have to be worth halving: small ones near the output move it most


def export_drums(checkpoint: Path, target: Path, *, network: DrumKind = "convolutions") -> None:
    """Write the averaged weights of a drum checkpoint (of `networks.DRUM_NETWORKS[network]`) as ONNX: `log_mel` → `logits`."""
    _export(DRUM_NETWORKS[network](), checkpoint, target, "log_mel", 2 * SPECTRUM)


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


def halve(path: Path) -> None:
    """Store the weights of an ONNX network as float16, which halves the file; it computes in float32 as before.

    Each large constant is followed by a cast that ONNX Runtime folds when it loads the file, so nothing is slower. Names stay,
    so that `adopt` reads the file like any other. What float16 cannot hold, and what is small, stays float32.

    Raises
    ------
    ValueError
        If an output (the sigmoid of a logit) moves by more than `HALF_TOLERANCE`; the file is left as it was.
    """
    model = onnx.load(str(path))
    casts: dict[str, onnx.NodeProto] = {}
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        if constant.data_type != TensorProto.FLOAT or values.size < _HALVED or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
        casts[name] = helper.make_node("Cast", [name], [f"{name}.float"], to=TensorProto.FLOAT)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name in casts:
                node.input[place] = casts[name].output[0]
    nodes = [*casts.values(), *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    halved = model.SerializeToString()
    difference = _difference(path.read_bytes(), halved)
    if difference > HALF_TOLERANCE:
        raise ValueError(f"half precision moves an output of {path.name} by {difference}")
    path.write_bytes(halved)


def _difference(before: bytes, after: bytes) -> float:
    """Largest difference of the outputs of two networks, as shares, on noise of the spread of their inputs."""
    sessions = [onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]) for model in (before, after)]
    (wanted,) = sessions[0].get_inputs()
    noise = np.random.default_rng(0).standard_normal((1, 1000, wanted.shape[-1])).astype(np.float32)
    largest = 0.0
    for inputs in (noise, 2 * np.abs(noise)):
        one, other = (0.5 * np.tanh(0.5 * np.asarray(s.run(None, {wanted.name: inputs})[0])) for s in sessions)
        largest = max(largest, float(np.abs(one - other).max()))
    return largest
