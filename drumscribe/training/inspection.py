"""Look at an item as training sees it: which of its strokes can be heard in the mix."""

from __future__ import annotations

import numpy as np
import torch

from drumscribe.features import BANDS, FRAME_RATE
from drumscribe.training.crops import audible, gain_of
from drumscribe.training.generator import Item
from drumscribe.training.pool import Pool, pool_of


def audible_strokes(item: Item) -> tuple[bool, ...]:
    """Say of each of the item's events whether the mix lets it be heard, by the measure of the training labels."""
    return heard_in(pool_of(item), 0)


def heard_in(pool: Pool, item: int) -> tuple[bool, ...]:
    """Say the same of an item of a pool, whose events are in the order of rows."""
    rows = pool.strokes(item)
    mix, drums, _ = torch.from_numpy(pool.mel(item)[..., :BANDS].astype(np.float32)).unbind(0)
    frames = torch.from_numpy(np.round(pool.events[rows, 1] * FRAME_RATE).astype(np.int64))
    attacks = torch.from_numpy(pool.spectra[rows])
    return tuple(audible(mix[None], frames[None], attacks[None], gain_of(mix[None], drums[None]))[0].tolist())
