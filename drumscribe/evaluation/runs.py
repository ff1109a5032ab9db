"""Transcribe the pieces of a data set, and hold what was heard against their truth."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from drumscribe.audio import load_audio
from drumscribe.errors import InputError
from drumscribe.evaluation.annotations import Beats, HitList, read_beats, read_hits
from drumscribe.evaluation.layouts import Piece
from drumscribe.evaluation.report import Song
from drumscribe.evaluation.written import WrittenNotes, written_notes
from drumscribe.options import IngestOptions, Options
from drumscribe.pipeline import transcribe
from drumscribe.types import Audio, Drum, Hit, OnProgress, Performance, ignore_progress
from drumscribe.weights import Models

#: Sets hold single bars and fills, too, shorter than a song that is worth a score.
INGEST = IngestOptions(min_duration_s=0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A piece, its truth, and what was heard in it. The sound is not kept."""

    piece: Piece
    truth: HitList
    true_beats: Beats | None
    performance: Performance
    written: WrittenNotes
    drowned: frozenset[tuple[float, str]] = frozenset()  #: time and class (of nine) of true hits that nobody could hear

    @property
    def song(self) -> Song:
        """The same for `report.compare`; a pulse that was not found is an empty list of beats."""
        beats = self.performance.grid.beats
        estimate = Beats(np.array([b.time for b in beats], float), np.array([b.number for b in beats], int))
        hits = HitList(self.performance.hits, has_velocity=True)
        return Song(self.truth, hits, self.true_beats, estimate if self.true_beats else None, self.written)


def load_sound(piece: Piece) -> Audio:
    """The sound of a piece; where it is made of several files, their weighted sum, as long as the first.

    Raises
    ------
    InputError
        If a file cannot be used; the subclass says why.
    """
    sounds = [(load_audio(path, options=INGEST), weight) for path, weight in piece.sound]
    if len(sounds) == 1:
        return sounds[0][0]
    channels = max(sound.samples.shape[0] for sound, _ in sounds)
    total = np.zeros((channels, sounds[0][0].samples.shape[1]), np.float32)
    for sound, weight in sounds:  # all are at the one rate of `load_audio`; one channel counts for both
        part = sound.samples[:, : total.shape[1]]
        total[:, : part.shape[1]] += part * np.float32(weight)
    return Audio(total, sounds[0][0].sample_rate)


def read_truth(piece: Piece) -> HitList:
    """The annotated hits of a piece, put together from its files.

    A side stick that another file calls a snare at the same moment is one stroke: a side stick, as loud as that snare.

    Raises
    ------
    InputError
        If a file cannot be understood.
    """
    lists = [read_hits(path, numbers=piece.numbers) for path in piece.hits]
    if len(lists) == 1:
        return lists[0]
    hits = [hit for own in lists for hit in own.hits]
    snares = {round(h.time, 3): h for h in hits if h.drum is Drum.SNARE}
    sticks = {round(h.time, 3) for h in hits if h.drum is Drum.CROSS_STICK}
    merged: list[Hit] = []
    for hit in hits:
        at = round(hit.time, 3)
        if hit.drum is Drum.CROSS_STICK and at in snares:
            merged.append(replace(hit, velocity=snares[at].velocity))
        elif not (hit.drum is Drum.SNARE and at in sticks):
            merged.append(hit)
    return HitList(tuple(sorted(merged, key=lambda h: (h.time, h.drum))), lists[0].has_velocity)


def hear_piece(
    piece: Piece, models: Models, *, options: Options | None = None, on_progress: OnProgress = ignore_progress
) -> Heard:
    """Transcribe a piece as a user's song would be.

    Raises
    ------
    InputError
        If its sound or its annotations cannot be used.
    """
    truth = read_truth(piece)
    beats = read_beats(piece.beats) if piece.beats else None
    result = transcribe(load_sound(piece), models=models, options=options, on_progress=on_progress)
    return Heard(piece, truth, beats, result.performance, written_notes(result.score), _drowned(piece))


def _drowned(piece: Piece) -> frozenset[tuple[float, str]]:
    """Hits that a generated set marks as not audible; `read_hits` has read the same files before."""
    rows = [row for path in piece.hits if path.suffix == ".json" for row in json.loads(path.read_bytes())]
    return frozenset((float(row["time"]), str(row["instrument"])) for row in rows if row.get("audible") is False)


def songs_of(heard: Iterable[Heard]) -> dict[str, Song]:
    """Songs by name, for `report.compare`.

    Raises
    ------
    InputError
        If nothing was heard.
    """
    songs = {one.piece.name: one.song for one in heard}
    if not songs:
        raise InputError("None of the pieces could be transcribed.")
    return songs
