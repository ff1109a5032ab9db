"""From checkpoints to published models: export, calibrate, describe, add to the manifest."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from drumscribe.beats.infer import TEMPI
from drumscribe.detection.loudness import CYMBALS
from drumscribe.features import (
    BANDS,
    FRAME_RATE,
    HIGHEST,
    HOP,
    LOW_BANDS,
    LOW_HIGHEST,
    LOW_LOWEST,
    LOW_STEP,
    LOW_WINDOW,
    LOWEST,
    SAMPLE_RATE,
    WINDOW,
)
from drumscribe.training.blend import blend
from drumscribe.training.calibrate import calibrate
from drumscribe.training.export import export_beats, export_drums, halve
from drumscribe.training.material import OUTPUTS, TIERS
from drumscribe.training.networks import DRUM_NETWORKS
from drumscribe.training.pool import Pool, open_pool
from drumscribe.training.train_beats import BEAT_WEIGHTS
from drumscribe.weights import Entry, publish

LICENCE = "MIT"

_FEATURES = {
    "sample_rate": SAMPLE_RATE,
    "hop": HOP,
    "window": WINDOW,
    "bands": BANDS,
    "lowest": LOWEST,
    "highest": HIGHEST,
    "low_window": LOW_STEP * LOW_WINDOW,
    "low_bands": LOW_BANDS,
    "low_lowest": LOW_LOWEST,
    "low_highest": LOW_HIGHEST,
    "profile": True,
}

DATA = {
    "tiers": list(TIERS),
    "sources": "drum one-shots of 37 kits, Groove MIDI train split, 107 songs, single notes and clips; see docs/credits.md",
    "rendered_by": "drumscribe.training.generator",
}

#: How much of a network's own loudness stands, with skins and cymbals (`detection/loudness.py`); docs/model/experiments.md.
_SKIN_SHARE, _CYMBAL_SHARE = 0.3, 0.6

#: What a card must not keep to itself; figures stand in docs/model.
_LIMITS = {
    "drums": [
        "Trained on rendered mixes alone: on records it is surer of kicks, snares and hats than of crashes and toms.",
        "Open and closed hats, and toms among each other, are told apart stroke by stroke.",
        "Brushes and jazz rides were never checked on recordings.",
        "Claps, tambourines, shakers and cowbells are heard and not reported.",
    ],
    "beats": [
        "The recordings it was checked on are in 4/4 and near 110 bpm; other metres were checked on generated music.",
        "Half and double tempo, and downbeats of grooves without crashes or fills, are judgements.",
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Under which version, and at which operating point, a drum network is published."""

    version: str
    judges: str = "valid-*"  #: parts of the pool that fix it, as a glob: `valid-*`, or the mixes nearer to records, `natural-*`
    shift: float = 0.3  #: logits taken off everywhere; see `calibrate`
    time_offset: float = 0.0  #: seconds added to every onset
    manifest: Path | None = None  #: the list to add to; None: the one that ships


def release_drums(members: Sequence[Path], pool: Path, point: Point) -> Entry:
    """Publish a drum network, or the mean of several (`blend`), with its operating point fixed on the validation mixes.

    A mean keeps the operating points of its members: it finds a stroke where they do in the mean. Only what its confidence
    means is fitted anew.

    Parameters
    ----------
    members : sequence of Path
        Checkpoints (.pt, the training's config.json beside them) and networks in ONNX with their descriptions beside them.

    Raises
    ------
    ValueError
        If there are no members, or they name other drums.
    """
    if not members:
        raise ValueError("nothing to publish")
    mixes = open_pool(pool, point.judges)
    with tempfile.TemporaryDirectory() as folder:
        described = [_describe(path, Path(folder) / f"member-{number}.onnx") for number, path in enumerate(members)]
        network, about = described[0]
        if len(members) > 1:
            described = [
                (path, known if "picking" in known else known | _fix(path, known["features"], mixes, point))
                for path, known in described
            ]
            network, names = Path(folder) / "drums.onnx", [known["name"] for _, known in described]
            blend(described, network)
            features = {**_FEATURES, "blend_of": names}
            about = {"features": features, "context": max(known["context"] for _, known in described)}
        halve(network)
        fixed = _fix(network, about["features"], mixes, point if len(members) == 1 else replace(point, shift=0.0))
        if len(members) > 1:
            offsets = np.array(fixed["calibration"]["offset"])
            fixed["picking"]["thresholds"] = np.round(1 / (1 + np.exp(-offsets)), 4).tolist()
        config = {
            "name": "drums",
            "version": point.version,
            "kind": "drums",
            "licence": LICENCE,
            "features": about["features"],
            "frame_rate": FRAME_RATE,
            "context": about["context"],
            "drums": [str(drum) for drum in OUTPUTS],
            "calibration": fixed["calibration"],
            "picking": fixed["picking"],
            "operating_point": {"shift": point.shift, "judges": point.judges},
            "metrics": {"validation": fixed["validation"]},
            "data": DATA,
            "limits": _LIMITS["drums"],
        }
        return publish(network, config, manifest=point.manifest)


def _describe(member: Path, target: Path) -> tuple[Path, dict[str, Any]]:
    """A member as an ONNX file at `target`, and what is known of it."""
    if member.suffix == ".onnx":
        config = json.loads(member.with_suffix(".json").read_text("utf-8"))
        return Path(shutil.copy(member, target)), config | {"name": f"{config['name']}@{config['version']}"}
    kind = json.loads(member.with_name("config.json").read_text("utf-8")).get(
        "network", "convolutions"
    )  # older trainings had one kind
    export_drums(member, target, network=kind)
    context = DRUM_NETWORKS[kind].context()
    return target, {
        "name": kind,
        "drums": [str(d) for d in OUTPUTS],
        "features": _FEATURES,
        "context": context,
    }


def _fix(network: Path, features: Mapping[str, Any], mixes: Pool, point: Point) -> dict[str, Any]:
    """Calibration, thresholds and validation figures of a network."""
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    fixed = calibrate(session, features, mixes, shift=point.shift)
    picking = {
        "thresholds": fixed.pop("thresholds"),
        "time_offset": point.time_offset,
        "loudness_shares": [_CYMBAL_SHARE if drum in CYMBALS else _SKIN_SHARE for drum in OUTPUTS],
    }
    return fixed | {"picking": picking}


def release_beats(
    checkpoint: Path, *, version: str, drums: str, metrics: Mapping[str, Any], manifest: Path | None = None
) -> Entry:
    """Publish a beat network; `drums` is the `name@version` of the network that it listens to."""
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "beats.onnx"
        export_beats(checkpoint, network)
        config = {
            "name": "beats",
            "version": version,
            "kind": "beats",
            "licence": LICENCE,
            "frame_rate": FRAME_RATE / 2,
            "listens_to": drums,
            "logit_offsets": [-log(weight) for weight in BEAT_WEIGHTS],
            "tempi": list(TEMPI),
            "metrics": dict(metrics),
            "data": DATA,
            "limits": _LIMITS["beats"],
        }
        return publish(network, config, manifest=manifest)
