"""Look at one item as training sees it: its spectra, and which of its strokes can be heard in the mix."""

from __future__ import annotations

import numpy as np

from drumscribe.features import FRAME_RATE
from drumscribe.training.crops import gain_of, is_audible
from drumscribe.training.generator import Item
from drumscribe.training.pool import Pool, pool_of


def audible_strokes(item: Item) -> tuple[bool, ...]:
    """Say of each of the item's events whether the mix lets it be heard, by the measure of the training labels."""
    return heard_in(pool_of(item))


def heard_in(pool: Pool) -> tuple[bool, ...]:
    """Say the same of the first item of a pool, whose events are in the order of rows."""
    mix, drums, _ = pool.mel(0).astype(np.float32)
    shift = gain_of(mix, drums)
    frames = (round(float(row[1]) * FRAME_RATE) for row in pool.events if row[0] == 0)
    return tuple(is_audible(pool, row, mix, frame, shift) for row, frame in enumerate(frames))
