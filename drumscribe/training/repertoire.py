"""What is played in a mix: drawn from human grooves, songs with their own drum parts, and the grammar of patterns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drumscribe.training.material import Groove
from drumscribe.training.sequences import Playing, from_grooves, from_patterns, from_song, loosen, restyle
from drumscribe.training.songs import Song

Piece = tuple[Playing, Song | None, float]  #: what is played; the song it belongs to, if any, and where that begins, seconds

_SONGS_IN_MIXES, _SONGS_ALONE, _PATTERNS = 0.28, 0.12, 0.55  #: shares of training mixes, patterns together with songs
_NATURAL_SONGS = 0.4  #: share of natural mixes


@dataclass(frozen=True, slots=True)
class Repertoire:
    """All that can be played."""

    grooves: list[Groove]
    songs: list[Song]

    def draw(self, kind: str, seconds: float, rng: np.random.Generator) -> Piece:
        """What a training mix plays, restyled and with its usual company broken up; music without drums has no song."""
        song, offset = None, 0.0
        source = rng.random()
        if kind != "music" and source < (_SONGS_IN_MIXES if kind == "mix" else _SONGS_ALONE):
            song, offset = self._draw_song(seconds, rng)
        if song is not None:
            playing = from_song(song, offset, seconds, rng)
        elif source < _PATTERNS or not self.grooves:
            playing = from_patterns(seconds, rng)
        else:
            playing = from_grooves(self.grooves, seconds, rng)
        if source >= _PATTERNS or rng.random() < 0.3:
            restyle(playing, seconds, rng)
        loosen(playing, seconds, rng)
        return playing, song, offset

    def draw_natural(self, seconds: float, rng: np.random.Generator) -> Piece:
        """What somebody played, as it was played; patterns where nobody's playing is at hand."""
        song, offset = self._draw_song(seconds, rng)
        if song is not None and (rng.random() < _NATURAL_SONGS or not self.grooves):
            return from_song(song, offset, seconds, rng), song, offset
        return (from_grooves(self.grooves, seconds, rng) if self.grooves else from_patterns(seconds, rng)), None, 0.0

    def _draw_song(self, seconds: float, rng: np.random.Generator) -> tuple[Song | None, float]:
        """A song with a drum part and where to begin in it; None where there is none."""
        candidates = [s for s in self.songs if len(s.drums) > 60 and s.duration > seconds + 2]
        if not candidates:
            return None, 0.0
        song = candidates[int(rng.integers(len(candidates)))]
        return song, float(rng.uniform(0, song.duration - seconds - 1))
