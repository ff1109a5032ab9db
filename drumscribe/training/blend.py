"""Several drum networks in one: the mean of their calibrated logits.

Networks that were taught differently err differently; what they agree on is more often right (Hansen and Salamon, IEEE
TPAMI 1990). The blend is one ONNX file with the members' graphs side by side, so nobody who runs it sees a difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from drumscribe.features import BANDS, SPECTRUM
from drumscribe.training.export import TOLERANCE
from drumscribe.training.material import OUTPUTS
from drumscribe.types import Drum

Member = tuple[Path, Mapping[str, Any]]  #: a network's ONNX file and its description
FORMER = 1 / 3  #: share in the mean of a member that reads no low bands, beside one that does; of toms and loudness it has none
_TOMS = [OUTPUTS.index(drum) for drum in (Drum.TOM_HIGH, Drum.TOM_MID, Drum.TOM_LOW)]


def blend(members: Sequence[Member], target: Path) -> None:
    """Write one network, `log_mel` (1, frames, 2 * SPECTRUM) → `logits`, that gives the members' weighted mean (`_shares`).

    Onset logits are taken less the logit of the member's own threshold, so that members of other operating points agree on zero;
    loudness logits are averaged as they are.

    Raises
    ------
    ValueError
        If a member names other drums, or ONNX Runtime does not find the mean in what was written.
    """
    if any(config["drums"] != [str(drum) for drum in OUTPUTS] for _, config in members):
        raise ValueError("the networks to blend must name the same drums in the same order")
    graphs = [compose.add_prefix(onnx.load(path), f"m{k}_") for k, (path, _) in enumerate(members)]
    first = numpy_helper.from_array
    constants: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    shares = _shares(members)
    for k, (graph, (_, config)) in enumerate(zip(graphs, members, strict=True)):
        constants.append(first(_columns(config), f"m{k}_columns"))
        nodes.append(helper.make_node("Gather", ["log_mel", f"m{k}_columns"], [f"m{k}_log_mel"], axis=2))
        nodes += list(graph.graph.node)
        line = (part * shares[k] for part in _line(config))
        constants += [*graph.graph.initializer, *(first(a, f"m{k}_{name}") for name, a in zip("ab", line, strict=True))]
        nodes.append(helper.make_node("Mul", [f"m{k}_logits", f"m{k}_a"], [f"m{k}_scaled"]))
        nodes.append(helper.make_node("Add", [f"m{k}_scaled", f"m{k}_b"], [f"m{k}_moved"]))
    nodes.append(helper.make_node("Sum", [f"m{k}_moved" for k in range(len(members))], ["logits"]))
    shape = [1, "frames"]
    graph = helper.make_graph(
        nodes,
        "blend",
        [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, [*shape, 2 * SPECTRUM])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, 2 * len(OUTPUTS)])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=graphs[0].opset_import, ir_version=graphs[0].ir_version)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
    _compare(members, target)


def _columns(config: Mapping[str, Any]) -> NDArray[np.int64]:
    """Which columns of `with_profile(log_spectrum(…))` a member reads."""
    both = np.arange(2 * SPECTRUM, dtype=np.int64).reshape(2, SPECTRUM)
    features = config.get("features", {})
    wanted = both if features.get("low_bands") else both[:, :BANDS]
    return wanted.ravel() if features.get("profile") else wanted[0]


def _shares(members: Sequence[Member]) -> NDArray[np.float32]:
    """What each member counts for in each output, (members, 2 * outputs); sums to one over the members."""
    shares = np.ones((len(members), 2 * len(OUTPUTS)), np.float32)
    former = [not config.get("features", {}).get("low_bands") for _, config in members]
    if any(former) and not all(former):
        shares[former] = FORMER
        shares[np.ix_(former, [*_TOMS, *range(len(OUTPUTS), 2 * len(OUTPUTS))])] = 0
    return shares / shares.sum(0)


def _line(config: Mapping[str, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Scale and offset of all outputs of a member: calibrated onsets less the threshold, loudness untouched."""
    count = len(OUTPUTS)
    thresholds = np.array(config["picking"]["thresholds"])
    scale, offset = np.ones(2 * count, np.float32), np.zeros(2 * count, np.float32)
    scale[:count] = config["calibration"]["scale"]
    offset[:count] = np.array(config["calibration"]["offset"]) - np.log(thresholds / (1 - thresholds))
    return scale, offset


def _compare(members: Sequence[Member], target: Path) -> None:
    inputs = np.random.default_rng(0).standard_normal((1, 501, 2 * SPECTRUM)).astype(np.float32)

    def run(path: Path, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, {"log_mel": values})[0])

    expected = np.zeros((1, 501, 2 * len(OUTPUTS)), np.float32)
    for (path, config), share in zip(members, _shares(members), strict=True):
        scale, offset = _line(config)
        expected += (run(path, inputs[..., _columns(config)]) * scale + offset) * share
    difference = float(np.abs(run(target, inputs) - expected).max())
    if difference > TOLERANCE:
        raise ValueError(f"the blend differs from the mean of its members by {difference}")
