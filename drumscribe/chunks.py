"""Run a network over a long array piece by piece, with a result equal to one pass over the whole.

A network of finite context sees each piece with that much of its surroundings on both sides; what the margin
produced is thrown away. At the true ends there is no margin, so the network pads there just as it would pad the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drumscribe.types import FloatArray


def run_in_chunks(
    run: Callable[[FloatArray], FloatArray],
    frames: FloatArray,
    *,
    chunk: int,
    context: int,
    on_chunk: Callable[[float], None] | None = None,
) -> FloatArray:
    """Apply `run` to `frames` in pieces.

    Parameters
    ----------
    run : callable
        (m, features) → (m, outputs); output frame `i` may depend on input frames within `context` of `i`.
    frames : (n, features)
        The whole input.
    chunk : int
        Frames kept of each piece.
    context : int
        Frames of margin on each side.
    on_chunk : callable, optional
        Given the fraction done after each piece.

    Returns
    -------
    (n, outputs)
        Equal to `run(frames)`, up to rounding.
    """
    count = len(frames)
    if count <= chunk + context:
        result = run(frames)
        if on_chunk:
            on_chunk(1.0)
        return result
    pieces: list[FloatArray] = []
    for start in range(0, count, chunk):
        first, last = max(0, start - context), min(count, start + chunk + context)
        output = run(frames[first:last])
        pieces.append(output[start - first : start - first + min(chunk, count - start)])
        if on_chunk:
            on_chunk(min(1.0, (start + chunk) / count))
    return np.concatenate(pieces)
