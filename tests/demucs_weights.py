"""Small random weights in Demucs' own format, for tests that run its real code."""

from __future__ import annotations

import hashlib
import importlib
import io
from fractions import Fraction
from pathlib import Path

SOURCES = ["drums", "bass", "other", "vocals"]
RATE = 44_100
SEGMENT = Fraction(1, 2)


def write_demucs_weights(folder: Path) -> None:
    """Fill a folder as Demucs publishes it: files of weights with their hash in the name, and bags of them."""
    torch = importlib.import_module("torch")
    states, htdemucs = importlib.import_module("demucs.states"), importlib.import_module("demucs.htdemucs")
    arguments = {"sources": SOURCES, "channels": 8, "t_layers": 1, "t_heads": 2, "segment": SEGMENT, "samplerate": RATE}
    for index, name in enumerate(("aaaaaaaa", "bbbbbbbb")):
        torch.manual_seed(index)
        model = htdemucs.HTDemucs(**arguments)
        package = {"klass": type(model), "args": (), "kwargs": arguments, "state": states.get_state(model, None, half=True)}
        buffer = io.BytesIO()
        torch.save({**package, "training_args": {}}, buffer)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
        (folder / f"{name}-{digest}.th").write_bytes(buffer.getvalue())
    (folder / "single.yaml").write_text("models: ['aaaaaaaa']\n")
    only = "[[1., 0., 0., 0.], [0., 1., 1., 1.]]"
    (folder / "tuned.yaml").write_text(f"models: ['bbbbbbbb', 'aaaaaaaa']\nweights: {only}\n")
    (folder / "mixed.yaml").write_text("models: ['aaaaaaaa', 'bbbbbbbb']\nweights: [[3., 1., 1., 1.], [1., 1., 1., 1.]]\n")
