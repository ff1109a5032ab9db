"""Read kernels and biases from a Keras file, in a process of its own.

HDF5 is a C library that was written for files one trusts: on a damaged one it may crash, or search for ever. So the file is
parsed by a child (`python -m drumscribe.annoteator.reading`, the file on stdin, arrays or a sentence on stdout) that
may take `TIMEOUT_S` and is then ended.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import numpy as np

from drumscribe import errors
from drumscribe.errors import DependencyMissing, DrumScribeError, ModelMismatch, WeightsCorrupt
from drumscribe.types import Drum, FloatArray

TIMEOUT_S = 20.0  #: the original takes half a second, most of it to start
_REFUSED = 3  # exit status of a child that says why
_DAMAGED = "The model file is not a whole HDF5 file with a Keras network."

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


def read_weights(content: bytes, *, timeout_s: float = TIMEOUT_S) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Kernel and bias of every layer that has them, as Keras stores them; a child does the reading.

    Raises
    ------
    WeightsCorrupt
        If this is no whole HDF5 file, or a number in it is not finite.
    ModelMismatch
        If layers, shapes or types are not those of the classifier.
    DependencyMissing
        If the extra is not installed.
    """
    command = [sys.executable, "-P", "-m", "drumscribe.annoteator.reading"]
    try:
        child = subprocess.run(command, input=content, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise WeightsCorrupt(_DAMAGED, cause=f"not read within {timeout_s:.3g} s") from error
    if child.returncode == _REFUSED:
        refusal = json.loads(child.stdout)
        raise getattr(errors, refusal["error"])(refusal["message"])
    if child.returncode:
        raise WeightsCorrupt(
            _DAMAGED, cause=f"the reader ended with {child.returncode}: {child.stderr[-500:].decode(errors='replace')}"
        )
    with np.load(io.BytesIO(child.stdout), allow_pickle=False) as arrays:
        found = [arrays[name] for name in arrays.files]
    return tuple(zip(found[::2], found[1::2], strict=True))


def missing(package: str, error: ImportError) -> DependencyMissing:
    """What to say when a part of the extra is not installed."""
    message = f"AnNOTEator's network needs {package}: pip install 'drumscribe[annoteator]'."
    return DependencyMissing(message, package=package, cause=str(error))


def parse(content: bytes) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Kernel and bias of every layer that has them, as Keras stores them.

    Raises
    ------
    WeightsCorrupt
        If this is no whole HDF5 file, or a number in it is not finite.
    ModelMismatch
        If layers, shapes or types are not those of the classifier.
    """
    if not content.startswith(b"\x89HDF\r\n\x1a\n"):
        raise WeightsCorrupt(_DAMAGED)
    try:
        import h5py
    except ImportError as error:
        raise missing("h5py", error) from error
    try:
        with h5py.File.in_memory(content) as file:
            names = _check_layers(_layers(file.attrs.get("model_config")))
            shapes = [kernel for _, _, kernel in LAYERS if kernel]
            weights = tuple(_layer(h5py, file, name, shape) for name, shape in zip(names, shapes, strict=True))
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, MemoryError) as error:
        # h5py has no error of its own for damaged structures
        raise WeightsCorrupt(_DAMAGED, cause=str(error)) from error
    if not all(np.isfinite(values).all() for pair in weights for values in pair):
        raise WeightsCorrupt("The model file holds weights that are not finite.")
    return weights


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


def _main() -> None:
    try:
        weights = parse(sys.stdin.buffer.read())
    except DrumScribeError as error:
        print(json.dumps({"error": type(error).__name__, "message": error.message}))
        raise SystemExit(_REFUSED) from error
    buffer = io.BytesIO()
    np.savez(buffer, *[values for pair in weights for values in pair])
    sys.stdout.buffer.write(buffer.getvalue())


if __name__ == "__main__":
    _main()
