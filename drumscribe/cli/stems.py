"""The stems of a song as files: drums, the song without them, and the pieces of the kit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drumscribe.outputs import Made

if TYPE_CHECKING:
    from drumscribe.types import Audio, Hit, Stem


def make_stems(mix: Audio, stem: Stem, hits: Sequence[Hit], *, pieces: bool) -> dict[str, Made]:
    """FLAC of 24 bits for each stem by its name, `drums` and `drumless`, with `pieces` those of the kit as well.

    One gain brings all of them into full scale, so that they add up to the song (the pieces to the drums) as they are.
    """
    from drumscribe.audio import save_lossless
    from drumscribe.separation import common_gain, take_apart
    from drumscribe.separation.pieces import split_pieces

    drums, drumless = take_apart(mix, stem)
    parts = {"drums": drums, "drumless": drumless}
    if pieces:
        parts |= split_pieces(drums, hits)
    gain = common_gain(*parts.values())
    made: dict[str, Made] = {}
    with tempfile.TemporaryDirectory(prefix="drumscribe-") as folder:
        file = Path(folder) / "stem.flac"
        for name, part in parts.items():
            save_lossless(part, file, gain=gain)
            made[name] = Made({f".{name}.flac": file.read_bytes()})
    return made
