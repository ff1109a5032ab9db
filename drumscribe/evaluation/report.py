"""Songs and their truth, one report; from two folders, too: every song that has a reference and an
estimate, in all measures that its files allow.

Files belong together by the name of their song: what is left without endings (`.hits.json`, `.beats`, …) and without
the tails under which datasets keep their views of one song (`_subclass`, `_MIX`, …).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from drumscribe.errors import FileNotReadable, InputError
from drumscribe.evaluation.annotations import Beats, HitList, read_beats, read_hits
from drumscribe.evaluation.beats import BeatScores, score_beats
from drumscribe.evaluation.calibration import Calibration, calibration
from drumscribe.evaluation.hits import (
    TIGHT,
    TOLERANCE,
    VOCABULARIES,
    Counts,
    FalseHats,
    HitScores,
    count_false_hats,
    score_hits,
    velocity_correlation,
    velocity_error,
)
from drumscribe.evaluation.tables import write_tables
from drumscribe.evaluation.written import WrittenNotes, read_musicxml, score_written

T = TypeVar("T")

_TAILS = re.compile(r"(_subclass|_class|_mix|_drums?|_full|_hits|_beats)+$", re.IGNORECASE)
#: Endings in order of preference: the first that a song has is read.
_HIT_ENDINGS = (".hits.json", ".json", "_subclass.txt", ".txt", ".csv", ".tsv", ".lab", ".mid", ".midi")
_BEAT_ENDINGS = (".beats.json", ".beats", ".beat", ".mid", ".midi")
_SCORE_ENDINGS = (".musicxml", ".mxl")
#: Other documents that the command line writes next to these.
_NOT_HITS = (".beats.json", ".performance.json", ".score.json", ".tab.txt", ".score.mid")


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """One song, true and transcribed; None is what one side does not tell."""

    true_hits: HitList | None = None
    hits: HitList | None = None
    true_beats: Beats | None = None
    beats: Beats | None = None
    written: WrittenNotes | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of all songs compared."""

    tolerance: float  #: seconds, for hits
    hits: Mapping[int, HitScores]  #: by vocabulary; empty if no song has hits on both sides
    beats: Mapping[str, BeatScores]  #: by song
    velocity: Mapping[str, Mapping[str, float]]  #: rank correlation by song and drum
    written: Mapping[str, Counts]  #: by song
    without_estimate: tuple[str, ...] = ()  #: what has a reference and no estimate, as "song (hits)"
    means: Mapping[str, float] = field(default_factory=dict[str, float])  #: summary over songs
    tight: Mapping[int, HitScores] = field(default_factory=dict[int, HitScores])  #: as `hits`, at `TIGHT` seconds
    velocity_error: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])  #: 0-1
    false_hats: FalseHats = field(default_factory=FalseHats)
    calibration: Calibration | None = None

    def text(self) -> str:
        """Tables for a person."""
        return write_tables(self)

    def to_json(self) -> bytes:
        """The same numbers as JSON, with the counts behind them."""
        document: dict[str, Any] = {
            "tolerance": self.tolerance,
            "means": dict(self.means),
            "hits": _of_vocabularies(self.hits),
            "hits_20ms": _of_vocabularies(self.tight),
            "beats": {song: asdict(scores) for song, scores in self.beats.items()},
            "written": {song: _counts(c) for song, c in self.written.items()},
            "velocity": {song: dict(scores) for song, scores in self.velocity.items()},
            "velocity_error": {song: dict(scores) for song, scores in self.velocity_error.items()},
            "false_hats": asdict(self.false_hats) | {"share": self.false_hats.share},
            "calibration": asdict(self.calibration) if self.calibration else None,
            "without_estimate": list(self.without_estimate),
        }
        return (json.dumps(document, indent=1) + "\n").encode()


def _of_vocabularies(scores: Mapping[int, HitScores]) -> dict[str, Any]:
    return {
        f"{size}_classes": {
            "pooled": _counts(s.pooled),
            "mean_f": s.mean_f,
            "macro_f": s.macro_f,
            "classes": {k: _counts(c) for k, c in s.classes.items()},
            "songs": {k: _counts(c) for k, c in s.songs.items()},
        }
        for size, s in scores.items()
    }


def _counts(counts: Counts) -> dict[str, float]:
    return {"f": counts.f_measure, "p": counts.precision, "r": counts.recall} | asdict(counts)


def evaluate_folder(estimates: Path, references: Path, *, tolerance: float = TOLERANCE) -> Report:
    """Compare a folder of transcriptions with a folder of annotations, subfolders included.

    Parameters
    ----------
    estimates : Path
        What `drumscribe transcribe` wrote, or any of the formats of `annotations`.
    references : Path
        Annotations. Finer labels win: of `song_class.txt` and `song_subclass.txt` the second is read.
    tolerance : float
        Seconds, for hits.

    Raises
    ------
    FileNotReadable
        If one of the folders does not exist.
    InputError
        If a file cannot be understood, or no song has a file on both sides.
    """
    true, found = _Files(references), _Files(estimates)
    missing = [
        f"{song} ({kind})" for kind in ("hits", "beats") if found.of(kind) for song in true.of(kind) if song not in found.of(kind)
    ]
    names = {
        name
        for name in true.of("hits").keys() | true.of("beats").keys()
        if any(name in found.of(kind) for kind in ("hits", "beats", "score"))
    }
    songs = {
        name: Song(
            _read(read_hits, true.of("hits"), name),
            _read(read_hits, found.of("hits"), name) if name in true.of("hits") else None,
            _read(read_beats, true.of("beats"), name),
            _read(read_beats, found.of("beats"), name) if name in true.of("beats") else None,
            _read(read_musicxml, found.of("score"), name) if name in true.of("hits") and name in true.of("beats") else None,
        )
        for name in sorted(names)
    }
    report = compare(songs, tolerance=tolerance)
    if not (report.hits or report.beats or report.written):
        raise InputError(f"No song has files in both {estimates} and {references}.")
    return replace(report, without_estimate=tuple(missing))


def _read(read: Callable[[Path], T], paths: Mapping[str, Path], name: str) -> T | None:
    return read(paths[name]) if name in paths else None


def compare(
    songs: Mapping[str, Song], *, tolerance: float = TOLERANCE, vocabularies: Iterable[int] = tuple(VOCABULARIES)
) -> Report:
    """Compare songs in all measures that they allow.

    Parameters
    ----------
    songs : mapping of name to Song
        What is missing on one side is left out.
    tolerance : float
        Seconds, for hits.
    vocabularies : iterable of int
        Those that the reference can tell apart.
    """
    both = {name: (s.true_hits, s.hits) for name, s in songs.items() if s.true_hits is not None and s.hits is not None}
    true, found = ({name: pair[side].hits for name, pair in both.items()} for side in (0, 1))
    sizes = tuple(vocabularies) if both else ()
    hits = {size: score_hits(true, found, vocabulary=size, tolerance=tolerance) for size in sizes}
    tight = {size: score_hits(true, found, vocabulary=size, tolerance=TIGHT) for size in sizes}
    beats = {
        name: score_beats(s.true_beats, s.beats)
        for name, s in songs.items()
        if s.true_beats is not None and s.beats is not None and len(s.true_beats.times) > 1
    }
    written = {
        name: score_written(s.true_hits.hits, s.true_beats, s.written)
        for name, s in songs.items()
        if s.true_hits and s.true_beats and s.written and len(s.true_beats.times) > 1
    }
    played = [name for name, pair in both.items() if pair[0].has_velocity and pair[1].has_velocity]
    ranks = {n: own for n in played if (own := velocity_correlation(true[n], found[n], tolerance=tolerance))}
    errors = {n: own for n in played if (own := velocity_error(true[n], found[n], tolerance=tolerance))}
    return Report(
        tolerance,
        hits,
        beats,
        ranks,
        written,
        means=_means(hits, tight, beats, written, ranks, errors),
        tight=tight,
        velocity_error=errors,
        false_hats=sum((count_false_hats(true[n], found[n], tolerance=tolerance) for n in both), FalseHats()),
        calibration=calibration(true, found, vocabulary=max(sizes), tolerance=tolerance) if sizes else None,
    )


class _Files:
    """The files of a folder by song."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FileNotReadable(f"{folder} is not a folder.", path=str(folder))
        paths = sorted(p for p in folder.rglob("*") if p.is_file())
        self._kinds = {
            "hits": _choose([p for p in paths if not p.name.endswith(_NOT_HITS) and not _holds_beats(p)], _HIT_ENDINGS),
            "beats": _choose([p for p in paths if not p.name.endswith(".score.mid")], _BEAT_ENDINGS),
            "score": _choose(paths, _SCORE_ENDINGS),
        }

    def of(self, kind: str) -> dict[str, Path]:
        return self._kinds[kind]


def _holds_beats(path: Path) -> bool:
    """Whether a text file lies in a folder that is named for beats."""
    return path.suffix in (".txt", ".csv") and "beat" in path.parent.name.lower()


def _choose(paths: list[Path], endings: tuple[str, ...]) -> dict[str, Path]:
    """One file per song: of several, the one whose ending comes first in `endings`."""
    chosen: dict[str, tuple[int, Path]] = {}
    for path in paths:
        rank = next((i for i, ending in enumerate(endings) if path.name.endswith(ending)), None)
        if rank is not None:
            song = _TAILS.sub("", path.name[: -len(endings[rank])])
            if song not in chosen or rank < chosen[song][0]:
                chosen[song] = (rank, path)
    return {song: path for song, (_, path) in sorted(chosen.items())}


def _means(
    hits: Mapping[int, HitScores],
    tight: Mapping[int, HitScores],
    beats: Mapping[str, BeatScores],
    written: Mapping[str, Counts],
    ranks: Mapping[str, Mapping[str, float]],
    errors: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    """One number per measure: hits pooled, everything else averaged over songs."""
    means = {f"hits_f_{size}": scores.pooled.f_measure for size, scores in hits.items()}
    means |= {f"hits_20ms_f_{size}": scores.pooled.f_measure for size, scores in tight.items()}
    for name in ("f_measure", "cmlt", "amlt", "downbeat_f", "tempo", "tempo_any"):
        values = [v for s in beats.values() if (v := getattr(s, name)) is not None]
        if values:
            means[f"beats_{name}"] = float(np.mean(values))
    if written:
        means["written_f"] = float(np.mean([c.f_measure for c in written.values()]))
    for name, scores in (("velocity_rank_correlation", ranks), ("velocity_error", errors)):
        if values := [value for own in scores.values() for value in own.values()]:
            means[name] = float(np.mean(values))
    return means
