"""Networks of a few numbers each, wired by hand: they hear a thump as a kick and a hiss as a closed hi-hat."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from drumscribe.beats.infer import INPUTS
from drumscribe.features import BANDS
from drumscribe.types import Drum
from drumscribe.weights import publish

RATE = 44_100


def linear_network(path: Path, inputs: str, weight: np.ndarray, bias: np.ndarray) -> Path:
    """Write an ONNX network that gives `inputs @ weight + bias` for (1, frames, features)."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", [inputs, "weight"], ["product"]), helper.make_node("Add", ["product", "bias"], ["logits"])],
        "linear",
        [helper.make_tensor_value_info(inputs, TensorProto.FLOAT, [1, None, weight.shape[0]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, None, weight.shape[1]])],
        [numpy_helper.from_array(weight.astype(np.float32), "weight"), numpy_helper.from_array(bias.astype(np.float32), "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def papers(kind: str, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A description with all that a network of its kind is run by."""
    count = len(Drum)
    run_by: dict[str, dict[str, Any]] = {
        "drums": {
            "drums": [drum.value for drum in Drum],
            "context": 0,
            "calibration": {"scale": [1.0] * count, "offset": [0.0] * count},
            "picking": {"thresholds": [0.5] * count, "time_offset": 0.0},
        },
        "beats": {"logit_offsets": [0.0, 0.0]},
    }
    return {"name": kind, "version": version, "kind": kind, "licence": "MIT", **run_by[kind], **more}


def publish_thump_and_hiss(folder: Path) -> Path:
    """Publish a drum and a beat network in `folder`, and return the manifest."""
    manifest = folder / "manifest.toml"
    drums, count = [drum.value for drum in Drum], len(Drum)
    weight, bias = np.zeros((BANDS, 2 * count)), np.full(2 * count, -20.0)
    for drum, bands in ((Drum.KICK, slice(0, 8)), (Drum.HIHAT_CLOSED, slice(70, 90))):
        column = drums.index(drum)
        weight[bands, column] = 8.0 / (bands.stop - bands.start)
        bias[column], bias[count + column] = 4.0, 2.0
    publish(linear_network(folder / "new.onnx", "log_mel", weight, bias), papers("drums"), manifest=manifest)
    weight = np.zeros((INPUTS, 2))
    weight[drums.index(Drum.KICK)] = 8.0
    publish(linear_network(folder / "new.onnx", "inputs", weight, np.full(2, -4.0)), papers("beats"), manifest=manifest)
    return manifest


def thump_and_hiss(path: Path, seconds: float = 8.0, bpm: float = 120.0) -> Path:
    """Write a mono wav file: a thump on every beat, a hiss between beats."""
    time = np.arange(round(0.12 * RATE)) / RATE
    thump = np.sin(2 * np.pi * 60 * time) * np.exp(-40 * time)
    hiss = np.random.default_rng(1).uniform(-1, 1, len(time)) * np.exp(-80 * time)
    hiss[1:] = np.diff(hiss)
    samples = np.zeros(round(seconds * RATE))
    for number, start in enumerate(np.arange(0.5, seconds - 0.2, 30 / bpm)):
        place = round(start * RATE)
        samples[place : place + len(time)] += 0.6 * (hiss if number % 2 else thump)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32000).astype("<i2").tobytes())
    return path
