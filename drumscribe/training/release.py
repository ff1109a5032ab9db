"""From checkpoints to published models: export, calibrate, describe, add to the manifest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

import onnxruntime

from drumscribe.beats.infer import TEMPI
from drumscribe.features import BANDS, FRAME_RATE, HIGHEST, HOP, LOWEST, SAMPLE_RATE, WINDOW
from drumscribe.training.blend import blend
from drumscribe.training.calibrate import calibrate
from drumscribe.training.export import export_beats, export_drums
from drumscribe.training.material import OUTPUTS, TIERS
from drumscribe.training.networks import DrumNetwork
from drumscribe.training.pool import open_pool
from drumscribe.training.train_beats import BEAT_WEIGHTS
from drumscribe.weights import Entry, publish

LICENCE = "MIT"

DATA = {
    "tiers": list(TIERS),
    "sources": "drum one-shots of 37 kits, Groove MIDI train split, 107 songs, single notes and clips; see docs/credits.md",
    "rendered_by": "drumscribe.training.generator",
}

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


def release_drums(
    checkpoint: Path,
    pool: Path,
    *,
    version: str,
    shift: float,
    time_offset: float,
    metrics: Mapping[str, Any],
    judges: str = "valid-*",
    manifest: Path | None = None,
) -> Entry:
    """Publish a drum network with its operating point fixed on the validation pool.

    Parameters
    ----------
    shift : float
        Logits taken off everywhere; see `calibrate`.
    time_offset : float
        Seconds added to every onset.
    judges : str
        Parts of the pool that fix the operating point, as a glob: `valid-*`, or the mixes nearer to records `natural-*`.
    """
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "drums.onnx"
        export_drums(checkpoint, network)
        return _publish_drums(
            network, (pool, judges), version, shift, time_offset, metrics, manifest, {"profile": True}, DrumNetwork.context
        )


def release_blend(
    members: Sequence[Path],
    pool: Path,
    *,
    version: str,
    shift: float,
    time_offset: float,
    metrics: Mapping[str, Any],
    judges: str = "valid-*",
    manifest: Path | None = None,
) -> Entry:
    """Publish the blend of drum networks, each an ONNX file with its description beside it; see `blend`, `release_drums`."""
    described = [(path, json.loads(path.with_suffix(".json").read_text())) for path in members]
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "drums.onnx"
        blend(described, network)
        names = [f"{config['name']}@{config['version']}" for _, config in described]
        features = {"profile": True, "blend_of": names}
        context = max(int(config["context"]) for _, config in described)
        return _publish_drums(network, (pool, judges), version, shift, time_offset, metrics, manifest, features, context)


def _publish_drums(
    network: Path,
    judges: tuple[Path, str],
    version: str,
    shift: float,
    time_offset: float,
    metrics: Mapping[str, Any],
    manifest: Path | None,
    features: Mapping[str, Any],
    context: int,
) -> Entry:
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    fixed = calibrate(session, open_pool(*judges), shift=shift)
    config = {
        "name": "drums",
        "version": version,
        "kind": "drums",
        "licence": LICENCE,
        "features": {
            "sample_rate": SAMPLE_RATE,
            "hop": HOP,
            "window": WINDOW,
            "bands": BANDS,
            "lowest": LOWEST,
            "highest": HIGHEST,
            **features,
        },
        "frame_rate": FRAME_RATE,
        "context": context,
        "drums": [str(drum) for drum in OUTPUTS],
        "calibration": fixed["calibration"],
        "picking": {"thresholds": fixed["thresholds"], "time_offset": time_offset},
        "operating_point": {"shift": shift, "judges": judges[1]},
        "metrics": {"validation": fixed["validation"], **metrics},
        "data": DATA,
        "limits": _LIMITS["drums"],
    }
    return publish(network, config, manifest=manifest)


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
