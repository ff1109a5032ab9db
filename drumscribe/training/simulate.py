"""What the drum network would hear of a piece, imagined without rendering it.

Beats need long pieces of every metre, tempo and feel, more than can be rendered. Activations are drawn from the strokes:
most are found, some are missed, confused or invented, as the drum network does on records.
"""

from __future__ import annotations

import numpy as np

from drumscribe.beats.infer import DRUMS, INPUTS, POOL
from drumscribe.features import FRAME_RATE
from drumscribe.training.material import CLASS_TO_DRUM, OUTPUTS, Groove
from drumscribe.training.sequences import Playing, from_grooves, from_patterns, restyle
from drumscribe.types import FloatArray

RATE = FRAME_RATE / POOL  #: frames a second of the beat network

#: Outputs that a network takes for one another.
_CONFUSED = {
    0: (8,), 1: (9, 7), 2: (3, 4, 10), 3: (2, 5), 4: (2, 5),
    5: (4, 3), 6: (7,), 7: (8, 6), 8: (7, 0), 9: (1, 2), 10: (2,),
}  # fmt: skip


def imagine_piece(grooves: list[Groove], frames: int, rng: np.random.Generator) -> tuple[FloatArray, Playing]:
    """Inputs of the beat network, (frames, INPUTS) with an empty spectrum, and the piece behind them."""
    duration = frames / RATE
    playing = from_grooves(grooves, duration, rng) if rng.random() < 0.35 else from_patterns(duration, rng)
    if rng.random() < 0.3:
        restyle(playing, duration, rng)
    inputs = np.zeros((frames, INPUTS), np.float32)
    missed, confused, invented = rng.uniform(0, 0.3), rng.uniform(0, 0.1), rng.uniform(0, 0.25)
    jitter, certainty = rng.uniform(0.002, 0.012), rng.uniform(1, 6)
    dead = set(rng.choice(DRUMS, int(rng.integers(0, 3)), replace=False).tolist())
    for stroke in playing.strokes:
        column = OUTPUTS.index(CLASS_TO_DRUM[stroke.name])
        if rng.random() < missed * (1.6 - stroke.velocity) or column in dead:
            continue
        if rng.random() < confused:
            column = int(rng.choice(_CONFUSED[column]))
        _mark(inputs, stroke.time + rng.normal(0, jitter), column, certainty, rng)
    for _ in range(int(invented * len(playing.strokes))):
        _mark(inputs, float(rng.uniform(0, duration)), int(rng.integers(DRUMS)), 1.0, rng)
    inputs[:, :DRUMS] = np.maximum(inputs[:, :DRUMS], np.abs(rng.normal(0, 0.01, (frames, DRUMS))))
    return inputs, playing


def _mark(inputs: FloatArray, time: float, column: int, certainty: float, rng: np.random.Generator) -> None:
    frame = int(time * RATE)
    if 0 <= frame < len(inputs):
        value = float(rng.beta(certainty, 1))
        inputs[frame, column] = max(float(inputs[frame, column]), value)
        beside = frame + int(rng.choice([-1, 1]))
        if 0 <= beside < len(inputs):
            inputs[beside, column] = max(float(inputs[beside, column]), value * float(rng.uniform(0, 0.6)))
