"""What the drum network would hear of a piece, imagined without rendering it.

Beats need long pieces of every metre, tempo and feel, more than can be rendered. Activations are drawn from the strokes:
most are found, some are missed, confused or invented, as the drum network does on records.
"""

from __future__ import annotations

import numpy as np

from drumscribe.beats.infer import DRUMS, INPUTS, POOL
from drumscribe.features import FRAME_RATE
from drumscribe.training.material import CLASS_TO_DRUM, OUTPUTS, Groove
from drumscribe.training.patterns import PatternSong, make_pattern_song
from drumscribe.training.sequences import Playing, Stroke, from_grooves, restyle
from drumscribe.types import FloatArray

RATE = FRAME_RATE / POOL  #: frames a second of the beat network

#: Outputs that a network takes for one another.
_CONFUSED = {
    0: (8,), 1: (9, 7), 2: (3, 4, 10), 3: (2, 5), 4: (2, 5),
    5: (4, 3), 6: (7,), 7: (8, 6), 8: (7, 0), 9: (1, 2), 10: (2,),
}  # fmt: skip

#: How often each metre is imagined; rare ones oftener than songs have them, or they would hardly be learnt.
_METRES = {
    "4/4": 0.36, "3/4": 0.12, "2/4": 0.03, "5/4": 0.08, "6/4": 0.03, "7/4": 0.06,
    "6/8": 0.1, "12/8": 0.1, "9/8": 0.04, "7/8": 0.06, "5/8": 0.02,
}  # fmt: skip
_CHANGES = {"4/4": ("3/4", "5/4", "7/4", "6/4", "2/4"), "3/4": ("4/4", "5/4"), "6/8": ("9/8", "12/8"), "12/8": ("6/8", "9/8")}


def imagine_piece(grooves: list[Groove], frames: int, rng: np.random.Generator) -> tuple[FloatArray, Playing]:
    """Inputs of the beat network, (frames, INPUTS) with an empty spectrum, and the piece behind them."""
    duration = frames / RATE
    playing = from_grooves(grooves, duration, rng) if rng.random() < 0.3 else _compose(duration, rng)
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


def _compose(duration: float, rng: np.random.Generator) -> Playing:
    """A piece from the grammar, in one piece of eight with a change of metre."""
    metre = str(rng.choice(list(_METRES), p=list(_METRES.values())))
    song = make_pattern_song(rng, duration=duration, metre=metre)
    if metre in _CHANGES and rng.random() < 0.18:
        after = str(rng.choice(_CHANGES[metre]))
        return _join(song, make_pattern_song(rng, duration=duration, metre=after, bpm=song.bpm, tempo_curve="constant", pickup=0))
    return Playing([Stroke(t, n, v) for t, n, v in song.hits], list(song.beats), song.unit)


def _join(first: PatternSong, second: PatternSong) -> Playing:
    """The first song up to a bar line in its middle half, then the second; the first alone where it has no such bar line."""
    lines = [t for t, n in first.beats if n == 1 and 0.25 < t / first.duration < 0.75]
    seam = lines[len(lines) // 2] if lines else first.duration
    shift = seam - next(t for t, n in second.beats if n == 1)
    early = 0.04  #: hands are not exact: what belongs to a downbeat may come before it
    hits = [h for h in first.hits if h[0] < seam - early]
    hits += [(t + shift, n, v) for t, n, v in second.hits if seam - early <= t + shift < first.duration]
    beats = [b for b in first.beats if b[0] < seam - early]
    beats += [(t + shift, n) for t, n in second.beats if seam - early <= t + shift < first.duration]
    return Playing([Stroke(t, n, v) for t, n, v in hits], beats, first.unit)


def _mark(inputs: FloatArray, time: float, column: int, certainty: float, rng: np.random.Generator) -> None:
    frame = int(time * RATE)
    if 0 <= frame < len(inputs):
        value = float(rng.beta(certainty, 1))
        inputs[frame, column] = max(float(inputs[frame, column]), value)
        beside = frame + int(rng.choice([-1, 1]))
        if 0 <= beside < len(inputs):
            inputs[beside, column] = max(float(inputs[beside, column]), value * float(rng.uniform(0, 0.6)))
