"""From a checkpoint of the separator to a published network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drumscribe.separation.bands import BANDS, GAIN, HOP, LEVEL, SAMPLE_RATE, WINDOW
from drumscribe.training.export import export_separator, halve
from drumscribe.training.release import DATA, LICENCE
from drumscribe.training.separator_network import SeparatorNetwork
from drumscribe.weights import Entry, publish
from drumscribe.weights.manifest import SEPARATOR

#: What a card must not keep to itself; figures stand in docs/model.
_LIMITS = [
    "Trained on rendered stems alone: on records, bass notes leak where kicks are, and palm-muted guitars where snares are.",
    "The phase is that of the mix: under loud music the drums keep some of its sound.",
    "Made for playing along; the drum network reads the mix better than this stem.",
]


def release_separator(checkpoint: Path, *, version: str, metrics: Mapping[str, Any], manifest: Path | None = None) -> Entry:
    """Publish a separator as `light`; it becomes the one that the alias stands for."""
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "light.onnx"
        export_separator(checkpoint, network)
        halve(network)
        config = {
            "name": "light",
            "version": version,
            "kind": "separator",
            "licence": LICENCE,
            "features": {
                "sample_rate": SAMPLE_RATE,
                "hop": HOP,
                "window": WINDOW,
                "bands": BANDS,
                "level": LEVEL,
                "gain": GAIN,
            },
            "context": SeparatorNetwork.context,
            "metrics": dict(metrics),
            "limits": _LIMITS,
            "data": {**DATA, "remixed_by": "drumscribe.training.remix"},
        }
        return publish(network, config, manifest=manifest, alias=SEPARATOR)
