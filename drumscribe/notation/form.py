"""What a player sees from afar: where a new part begins, and which bars merely go on.

A song has a handful of parts. A part is announced by change: the bars after the line differ from the bars before it,
and often a crash falls on its first beat. Lengths of four and eight bars are the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drumscribe.types import Bar, Drum

FloatArray64 = NDArray[np.float64]

REACH = 8  #: bars compared on either side of a line
MIN_PART = 8  #: bars; an opening may be half as long
NOVELTY = 0.30  #: least change at a line, 0 = the same, 1 = nothing in common
CRASH_BONUS = 0.15
FOUR_BONUS = 0.08  #: for a line that lies a multiple of four bars after the last
MAX_PARTS = 26  #: letters


def with_sections(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Put rehearsal letters where the material changes; a song with one part gets none."""
    begins = [i for i, bar in enumerate(bars) if bar.number >= 1][:1]
    if not begins:
        return tuple(bars)
    lines = _lines([_texture(b) for b in bars], [_crash_on_one(b) for b in bars], begins[0])
    if not lines:
        return tuple(bars)
    letters = {at: chr(ord("A") + k) for k, at in enumerate([begins[0], *lines][:MAX_PARTS])}
    return tuple(replace(bar, section=letters.get(i, "")) for i, bar in enumerate(bars))


def _lines(textures: list[FloatArray64], crashes: list[bool], start: int) -> list[int]:
    """Bars that open a part, in order: the clearest first, then others that leave every part long enough."""
    last = len(textures)
    distances = _distances(np.array(textures))
    candidates = range(start + MIN_PART // 2, last - MIN_PART // 2 + 1)
    novelty = {i: _change(distances, i, start) + (CRASH_BONUS if crashes[i] else 0.0) for i in candidates}
    chosen: list[int] = []
    while True:
        best, best_score = None, NOVELTY
        for i, change in novelty.items():
            before = max([start, *(c for c in chosen if c <= i)])
            after = min([last, *(c for c in chosen if c > i)])
            room = i - before >= (MIN_PART if before > start else MIN_PART // 2)
            room = room and after - i >= (MIN_PART if after < last else MIN_PART // 2)
            score = change + (FOUR_BONUS if (i - before) % 4 == 0 else 0.0)
            if room and score > best_score + 1e-9:
                best, best_score = i, score
        if best is None:
            return sorted(chosen)
        chosen.append(best)


def _change(distances: FloatArray64, i: int, start: int) -> float:
    """How far the bars after line `i` differ from those before, less how far each side differs in itself."""
    left, right = slice(max(start, i - REACH), i), slice(i, i + REACH)
    sides = [distances[side, side] for side in (left, right)]
    pairs = sum(len(s) * (len(s) - 1) for s in sides)
    within = sum(float(s.sum()) for s in sides) / pairs if pairs else 0.0
    return float(distances[left, right].mean()) - within


def _distances(textures: FloatArray64) -> FloatArray64:
    """1 - cosine similarity of every two bars; an empty bar is like another empty bar and unlike all else."""
    lengths = np.linalg.norm(textures, axis=1)
    unit = textures / np.where(lengths > 0, lengths, 1.0)[:, None]
    distances = 1.0 - unit @ unit.T
    silent = lengths == 0
    distances[np.ix_(silent, silent)] = 0.0
    np.fill_diagonal(distances, 0.0)
    return distances


def _texture(bar: Bar) -> FloatArray64:
    """What sounds in a bar, (drums x 16,): strokes of each drum in sixteen parts of the bar."""
    drums = list(Drum)
    texture = np.zeros((len(drums), 16))
    for note in bar.notes:
        texture[drums.index(note.drum), min(15, int(16 * note.onset / bar.quarters))] += 1.0
    return texture.ravel()


def _crash_on_one(bar: Bar) -> bool:
    return any(n.drum is Drum.CRASH and n.onset == 0 for n in bar.notes)


def with_similes(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Mark bars that repeat the last one or two exactly as drawn, and count how often the pattern has been played.

    A part is always written out at its start, and so is what follows a change of metre.
    """
    drawn = [_drawn(b) for b in bars]
    out = list(bars)
    i = 1
    while i < len(bars):
        if _repeats(bars, drawn, i, 1):
            count = out[i - 1].simile_count + 1 if out[i - 1].simile == 1 else 2
            out[i] = replace(bars[i], simile=1, simile_count=count)
            i += 1
        elif (
            i >= 2
            and i + 1 < len(bars)
            and _repeats(bars, drawn, i, 2)
            and _repeats(bars, drawn, i + 1, 2)
            and not bars[i - 1].section
            and out[i - 1].simile != 1
        ):
            count = out[i - 1].simile_count + 1 if out[i - 1].simile == 2 else 2
            for k in (i, i + 1):
                out[k] = replace(bars[k], simile=2, simile_count=count)
            i += 2
        else:
            i += 1
    return tuple(out)


def _repeats(bars: Sequence[Bar], drawn: Sequence[object], i: int, back: int) -> bool:
    return bool(bars[i].notes) and not bars[i].section and drawn[i] == drawn[i - back]


def _drawn(bar: Bar) -> tuple[object, ...]:
    """All of a bar that is visible on the page."""
    notes = tuple((n.onset, n.drum, n.ghost, n.accent, n.grace, n.tremolo) for n in bar.notes)
    return (bar.time_signature, bar.quarters, notes)
