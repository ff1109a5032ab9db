"""Turn the Keras file of AnNOTEator's classifier into ONNX and a description.

A Keras 2 file holds the layers as JSON and each layer's weights as HDF5 datasets. The layers are few and known, so
they are compared one by one with `LAYERS`, and the same network is written down again with the weights in it. Keras keeps
channels last: kernels are turned from (height, width, in, out) to (out, in, height, width), and what the
convolutions give is turned back before it is flattened, for the dense layers count (height, width, channel).
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from drumscribe.annoteator.reading import DRUMS, FRAMES, LAYERS, MELS, missing, read_weights
from drumscribe.errors import WeightsCorrupt
from drumscribe.types import FloatArray
from drumscribe.weights import Entry, publish

#: The file that its authors publish, and the version under which it is known here.
ORIGINAL_SHA256 = "03d46bdddeb827615b7846a218f3e82b46066f95b88e256ac0007d9422fed845"
ORIGINAL_VERSION = "1.0.0"
LARGEST = 64 * 2**20  #: bytes of a file that is looked at; the original has two million


def convert(content: bytes, folder: Path, *, version: str = ORIGINAL_VERSION, sha256: str = "") -> Entry:
    """Convert a Keras file and add it to the list of networks in a folder.

    Parameters
    ----------
    content : bytes
        The HDF5 file (`complete_network.h5`); `drumscribe.weights.fetch` reads it from a path or an address.
    folder : Path
        Where `annoteator-<version>.onnx`, `annoteator-<version>.json` and the list `manifest.toml` go; made when missing.
        The name `annoteator` stands for what was converted last.
    version : str
        Under which it is known.
    sha256 : str
        What the file's hash must be; empty: anything that fits the layers.

    Returns
    -------
    Entry
        What was added to the list. Converting the same file again changes nothing.

    Raises
    ------
    WeightsCorrupt
        If the hash is another one, or the file is no whole HDF5 file.
    ModelMismatch
        If the network in it is not this one, or `version` is taken by another file.
    DependencyMissing
        If the extra is not installed.
    """
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256.lower():
        raise WeightsCorrupt(
            f"The model file is damaged or another one: its sha256 is {found[:12]}… and should be {sha256[:12].lower()}….",
            expected=sha256.lower(),
            found=found,
        )
    network = build_network(read_weights(content))
    config = {
        "name": "annoteator",
        "version": version,
        "kind": "classifier",
        "licence": "MIT",
        "drums": [drum.value for drum in DRUMS],
        "threshold": 0.5,
        "resolution": 16,
        "source": {"file": "complete_network.h5", "sha256": found, "is_original": found == ORIGINAL_SHA256},
        "credits": "AnNOTEator by Stanley Hung, Christopher Brown and Severus Chang (MIT), trained by them on E-GMD (CC BY 4.0)",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drumscribe-") as scratch:
        path = Path(scratch) / "network.onnx"
        path.write_bytes(network)
        return publish(path, config, manifest=folder / "manifest.toml", alias="annoteator")


def build_network(weights: tuple[tuple[FloatArray, FloatArray], ...]) -> bytes:
    """The ONNX network: `mel` (n, MELS, FRAMES, 1) in, `probabilities` (n, len(DRUMS)) out, both float32."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise missing("onnx", error) from error
    helper: Any = onnx.helper
    tensor: Any = onnx.numpy_helper.from_array
    nodes = [helper.make_node("Transpose", ["mel"], ["x0"], perm=[0, 3, 1, 2])]
    stored: list[Any] = []
    rest = iter(weights)

    def add(kind: str, *constants: str, **settings: Any) -> None:
        nodes.append(helper.make_node(kind, [nodes[-1].output[0], *constants], [f"x{len(nodes)}"], **settings))

    for number, (kind, settings, has_kernel) in enumerate(LAYERS):
        kernel, bias = next(rest) if has_kernel else (None, None)
        names = f"kernel{number}", f"bias{number}"
        if kernel is not None and bias is not None:
            turned = kernel.transpose(3, 2, 0, 1) if kind == "Conv2D" else kernel
            stored += [tensor(np.ascontiguousarray(turned), names[0]), tensor(bias, names[1])]
        if kind == "Conv2D":
            add("Conv", *names, kernel_shape=[3, 3], pads=[1 if settings["padding"] == "same" else 0] * 4)
        elif kind == "MaxPooling2D":
            add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        elif kind == "Flatten":
            add("Transpose", perm=[0, 2, 3, 1])
            add("Flatten", axis=1)
        else:
            add("Gemm", *names)
        if "activation" in settings:
            add("Relu" if settings["activation"] == "relu" else "Sigmoid")
    nodes[-1].output[0] = "probabilities"
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "annoteator",
        [values("mel", onnx.TensorProto.FLOAT, ["n", MELS, FRAMES, 1])],
        [values("probabilities", onnx.TensorProto.FLOAT, ["n", len(DRUMS)])],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="drumscribe")
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)
