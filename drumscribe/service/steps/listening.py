"""What is kept of listening, so that a score can be written again without the sound and without a network."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from drumscribe.export.picture import Spectrogram
from drumscribe.types import BeatActivations


@dataclass(frozen=True, slots=True, eq=False)
class Listening:
    """Where beats may be, what the sound looks like, and what listened."""

    beats: BeatActivations
    spectrogram: Spectrogram
    models: tuple[str, ...]  #: `name@version` of every network
    vocabulary: tuple[str, ...]  #: the drums that could have been heard

    def to_bytes(self) -> bytes:
        """As an archive of arrays; equal values give equal bytes."""
        out = io.BytesIO()
        np.savez_compressed(
            out,
            beats=self.beats.beats,
            downbeats=self.beats.downbeats,
            beat_rate=np.float64(self.beats.frame_rate),
            tempi=np.zeros(0, np.float32) if self.beats.tempi is None else self.beats.tempi,
            levels=self.spectrogram.levels,
            level_rate=np.float64(self.spectrogram.rate),
            duration=np.float64(self.spectrogram.duration),
            models=np.array(self.models, dtype=np.str_),
            vocabulary=np.array(self.vocabulary, dtype=np.str_),
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Listening:
        """Read what `to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(
                BeatActivations(
                    arrays["beats"],
                    arrays["downbeats"],
                    float(arrays["beat_rate"]),
                    tempi=arrays["tempi"] if "tempi" in arrays and arrays["tempi"].size else None,
                ),
                Spectrogram(arrays["levels"], float(arrays["level_rate"]), float(arrays["duration"])),
                tuple(map(str, arrays["models"])),
                tuple(map(str, arrays["vocabulary"])),
            )
