"""Turn the Keras file of AnNOTEator's classifier into ONNX and a description.

A Keras 2 file holds the layers as JSON and each layer's weights as HDF5 datasets. The layers are few and known, so
they are compared one by one with `LAYERS`, and the same network is written down again with the weights in it. Keras keeps
channels last: kernels are turned from (height, width, in, out) to (out, in, height, width), and what the
convolutions give is turned back before it is flattened, for the dense layers count (height, width, channel).
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from drumscribe.errors import DependencyMissing, ModelMismatch, WeightsCorrupt
from drumscribe.types import Drum, FloatArray
from drumscribe.weights import Entry, publish

#: The file that its authors publish, and the version under which it is known here.
ORIGINAL_SHA256 = "03d46bdddeb827615b7846a218f3e82b46066f95b88e256ac0007d9422fed845"
ORIGINAL_VERSION = "1.0.0"
LARGEST = 64 * 2**20  #: bytes of a file that is looked at; the original has two million

#: The drums in the order of the outputs: SD, HH, KD, RC, TT, CC.
DRUMS = (Drum.SNARE, Drum.HIHAT_CLOSED, Drum.KICK, Drum.RIDE, Drum.TOM_HIGH, Drum.CRASH)
MELS, FRAMES = 128, 18  #: what it looks at: mel bands and frames of one clip

_PLAIN = {"data_format": "channels_last", "strides": [1, 1], "dilation_rate": [1, 1], "groups": 1, "use_bias": True}
_CONV = {**_PLAIN, "kernel_size": [3, 3], "activation": "relu"}
_POOL = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}

#: The layers that have a part in the answer, in order: class, settings, shape of the kernel.
LAYERS: tuple[tuple[str, dict[str, Any], tuple[int, ...]], ...] = (
    ("Conv2D", {**_CONV, "padding": "same"}, (3, 3, 1, 32)),
    ("MaxPooling2D", _POOL, ()),
    ("Conv2D", {**_CONV, "padding": "same"}, (3, 3, 32, 64)),
    ("MaxPooling2D", _POOL, ()),
    ("Conv2D", {**_CONV, "padding": "valid"}, (3, 3, 64, 64)),
    ("MaxPooling2D", _POOL, ()),
    ("Flatten", {"data_format": "channels_last"}, ()),
    ("Dense", {"activation": "relu", "use_bias": True}, (960, 100)),
    ("Dense", {"activation": "relu", "use_bias": True}, (100, 100)),
    ("Dense", {"activation": "sigmoid", "use_bias": True}, (100, len(DRUMS))),
)
_IDLE = frozenset({"InputLayer", "Dropout"})  # nothing happens there once training is over


def convert(content: bytes, folder: Path, *, version: str = ORIGINAL_VERSION, sha256: str = "") -> Entry:
    """Convert a Keras file and add it to the list of networks in a folder.

    Parameters
    ----------
    content : bytes
        The HDF5 file (`complete_network.h5`); `drumscribe.weights.fetch` reads it from a path or an address.
    folder : Path
        Where `annoteator-<version>.onnx`, `annoteator-<version>.json` and the list `manifest.toml` go; made when missing. The name
        `annoteator` stands for what was converted last.
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


def read_weights(content: bytes) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Kernel and bias of every layer that has them, as Keras stores them.

    Raises
    ------
    WeightsCorrupt
        If this is no whole HDF5 file, or a number in it is not finite.
    ModelMismatch
        If layers, shapes or types are not those of the classifier.
    """
    h5py = _need("h5py")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            names = _check_layers(_layers(file.attrs.get("model_config")))
            shapes = [kernel for _, _, kernel in LAYERS if kernel]
            weights = tuple(_layer(h5py, file, name, shape) for name, shape in zip(names, shapes, strict=True))
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:  # what h5py makes of damaged structures
        raise WeightsCorrupt("The model file is not a whole HDF5 file with a Keras network.", cause=str(error)) from error
    if not all(np.isfinite(values).all() for pair in weights for values in pair):
        raise WeightsCorrupt("The model file holds weights that are not finite.")
    return weights


def build_network(weights: tuple[tuple[FloatArray, FloatArray], ...]) -> bytes:
    """The ONNX network: `mel` (n, MELS, FRAMES, 1) in, `probabilities` (n, len(DRUMS)) out, both float32."""
    onnx = _need("onnx")
    helper, tensor = onnx.helper, onnx.numpy_helper.from_array
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


def _need(module: str) -> Any:
    import importlib

    try:
        if module == "onnx":
            importlib.import_module("onnx.numpy_helper")
            importlib.import_module("onnx.checker")
        return importlib.import_module(module)
    except ImportError as error:
        message = "Converting AnNOTEator's network needs h5py and onnx: pip install 'drumscribe[annoteator]'."
        raise DependencyMissing(message, package=module, cause=str(error)) from error


def _layers(config: object) -> list[dict[str, Any]]:
    """The layers that a Keras file describes."""
    try:
        text = config.decode() if isinstance(config, bytes) else config
        described = json.loads(text) if isinstance(text, str) else {}
        layers = described["config"]["layers"]
        return [{"class": one["class_name"], **one["config"]} for one in layers]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelMismatch("The file does not describe a Keras network.") from error


def _check_layers(layers: list[dict[str, Any]]) -> list[str]:
    """Names of the layers with weights, in order; a network of any other build is refused."""
    active = [layer for layer in layers if layer["class"] not in _IDLE]
    kinds = [layer["class"] for layer in active]
    if kinds != [kind for kind, _, _ in LAYERS]:
        raise ModelMismatch(f"The network's layers are {', '.join(map(str, kinds)) or 'none'}: not those of AnNOTEator.")
    shape = layers[0].get("batch_input_shape")
    if shape != [None, MELS, FRAMES, 1]:
        raise ModelMismatch(f"The network reads {shape}, not (n, {MELS}, {FRAMES}, 1).")
    for layer, (kind, settings, _) in zip(active, LAYERS, strict=True):
        for setting, value in settings.items():
            if layer.get(setting) != value:
                raise ModelMismatch(f"In layer {layer.get('name')} ({kind}) {setting} is {layer.get(setting)}, not {value}.")
    return [str(layer.get("name")) for layer, (_, _, kernel) in zip(active, LAYERS, strict=True) if kernel]


def _layer(h5py: Any, file: Any, name: str, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    group = file["model_weights"][name]
    stored = [one.decode() if isinstance(one, bytes) else str(one) for one in group.attrs["weight_names"]]
    if len(stored) != 2:
        raise ModelMismatch(f"Layer {name} has {len(stored)} weights, not kernel and bias.")
    kernel, bias = (_dataset(h5py, group, path, size) for path, size in zip(stored, (shape, shape[-1:]), strict=True))
    return kernel, bias


def _dataset(h5py: Any, group: Any, path: str, shape: tuple[int, ...]) -> FloatArray:
    # A link may lead to another file of this machine, and so may a dataset's storage: neither belongs in a network
    here = group
    for part in path.split("/"):
        if not isinstance(here, h5py.Group) or not isinstance(here.get(part, getlink=True), h5py.HardLink):
            raise ModelMismatch(f"The weights {path} are not stored in the file.")
        here = here[part]
    if not isinstance(here, h5py.Dataset) or here.external or here.is_virtual:
        raise ModelMismatch(f"The weights {path} are not stored in the file.")
    if here.shape != shape or here.dtype != np.float32:
        raise ModelMismatch(f"The weights {path} are {here.shape} of {here.dtype}, not {shape} of float32.")
    return np.asarray(here[()], np.float32)
