"""Writes random weights of htdemucs' own size into a folder: memory and time do not depend on what they are worth.

python demucs_weights.py FOLDER     in the worker's image
"""

from __future__ import annotations

import hashlib
import io
import sys
from fractions import Fraction
from pathlib import Path

import torch
from demucs import htdemucs, states


def main() -> None:
    """Make the network as Demucs' training does (4 sources, 48 channels, 5 layers of attention, 7.8 s) and keep it."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    arguments = {
        "sources": ["drums", "bass", "other", "vocals"], "channels": 48, "bottom_channels": 512, "t_layers": 5,
        "segment": Fraction(39, 5), "samplerate": 44_100,
    }  # fmt: skip
    torch.manual_seed(0)
    model = htdemucs.HTDemucs(**arguments)
    package = {"klass": type(model), "args": (), "kwargs": arguments, "state": states.get_state(model, None, half=True)}
    buffer = io.BytesIO()
    torch.save({**package, "training_args": {}}, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    (folder / f"abcdef01-{digest}.th").write_bytes(buffer.getvalue())
    (folder / "random.yaml").write_text("models: ['abcdef01']\n")
    print(sum(weight.numel() for weight in model.parameters()))


if __name__ == "__main__":
    main()
