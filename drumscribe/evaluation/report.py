"""Two folders, one report: every song that has a reference and an estimate, in all measures that its files allow.

Files belong together by the name of their song: what is left without endings (`.hits.json`, `.beats`, …) and without
the tails under which datasets keep their views of one song (`_subclass`, `_MIX`, …).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drumscribe.errors import FileNotReadable, InputError
from drumscribe.evaluation.annotations import HitList, read_beats, read_hits
from drumscribe.evaluation.beats import BeatScores, score_beats
from drumscribe.evaluation.hits import TOLERANCE, VOCABULARIES, Counts, HitScores, score_hits, velocity_correlation
from drumscribe.evaluation.written import read_musicxml, score_written

_TAILS = re.compile(r"(_subclass|_class|_mix|_drums?|_full|_hits|_beats)+$", re.IGNORECASE)
#: Endings in order of preference: the first that a song has is read.
_HIT_ENDINGS = (".hits.json", ".json", "_subclass.txt", ".txt", ".csv", ".tsv", ".lab", ".mid", ".midi")
_BEAT_ENDINGS = (".beats.json", ".beats", ".beat", ".mid", ".midi")
_SCORE_ENDINGS = (".musicxml", ".mxl")
#: Other documents that the command line writes next to these.
_NOT_HITS = (".beats.json", ".performance.json", ".score.json", ".tab.txt", ".score.mid")


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

    def text(self) -> str:
        """Tables for a person."""
        blocks = [_hit_table(size, scores, self.tolerance) for size, scores in self.hits.items()]
        if self.beats:
            blocks.append(_beat_table(self.beats))
        if self.written:
            rows = {song: (c.f_measure, c.precision, c.recall) for song, c in self.written.items()}
            rows["all"] = _prf(sum(self.written.values(), Counts()))
            blocks.append(_table("written notes at their place in the metre", ("F", "P", "R"), rows))
        if self.velocity:
            drums = sorted({d for scores in self.velocity.values() for d in scores})
            rows = {song: tuple(scores.get(d) for d in drums) for song, scores in self.velocity.items()}
            blocks.append(_table("velocity, rank correlation", tuple(drums), rows))
        if self.without_estimate:
            blocks.append("Without estimate, not scored: " + ", ".join(self.without_estimate))
        return "\n\n".join(blocks) + "\n"

    def to_json(self) -> bytes:
        """The same numbers as JSON, with the counts behind them."""
        document: dict[str, Any] = {
            "tolerance": self.tolerance,
            "means": dict(self.means),
            "hits": {
                f"{size}_classes": {
                    "pooled": _counts(s.pooled),
                    "mean_f": s.mean_f,
                    "macro_f": s.macro_f,
                    "classes": {k: _counts(c) for k, c in s.classes.items()},
                    "songs": {k: _counts(c) for k, c in s.songs.items()},
                }
                for size, s in self.hits.items()
            },
            "beats": {song: asdict(scores) for song, scores in self.beats.items()},
            "written": {song: _counts(c) for song, c in self.written.items()},
            "velocity": {song: dict(scores) for song, scores in self.velocity.items()},
            "without_estimate": list(self.without_estimate),
        }
        return (json.dumps(document, indent=1) + "\n").encode()


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
    true_hits = {
        song: read_hits(path) for song, path in true.of("hits").items() if song in found.of("hits") or song in found.of("score")
    }
    found_hits = {song: read_hits(path) for song, path in found.of("hits").items() if song in true_hits}
    true_beats = {song: read_beats(path) for song, path in true.of("beats").items()}
    beats = {
        song: score_beats(true_beats[song], read_beats(path)) for song, path in found.of("beats").items() if song in true_beats
    }
    scored = {song: hits.hits for song, hits in true_hits.items() if song in found_hits}
    hits: dict[int, HitScores] = {}
    if scored:
        transcribed = {song: hits.hits for song, hits in found_hits.items()}
        hits = {size: score_hits(scored, transcribed, vocabulary=size, tolerance=tolerance) for size in VOCABULARIES}
    written = {
        song: score_written(true_hits[song].hits, true_beats[song], read_musicxml(path))
        for song, path in found.of("score").items()
        if song in true_hits and song in true_beats
    }
    velocity = _velocities(true_hits, found_hits, tolerance)
    if not (hits or beats or written):
        raise InputError(f"No song has files in both {estimates} and {references}.")
    return Report(tolerance, hits, beats, velocity, written, tuple(missing), _means(hits, beats, written, velocity))


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


def _velocities(
    references: Mapping[str, HitList], estimates: Mapping[str, HitList], tolerance: float
) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    for song, true in references.items():
        if song in estimates and true.has_velocity and estimates[song].has_velocity:
            own = velocity_correlation(true.hits, estimates[song].hits, tolerance=tolerance)
            if own:
                scores[song] = own
    return scores


def _means(
    hits: Mapping[int, HitScores],
    beats: Mapping[str, BeatScores],
    written: Mapping[str, Counts],
    velocity: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    """One number per measure: hits pooled, everything else averaged over songs."""
    means = {f"hits_f_{size}": scores.pooled.f_measure for size, scores in hits.items()}
    for name in ("f_measure", "cmlt", "amlt", "downbeat_f", "tempo", "tempo_any"):
        values = [v for s in beats.values() if (v := getattr(s, name)) is not None]
        if values:
            means[f"beats_{name}"] = float(np.mean(values))
    if written:
        means["written_f"] = float(np.mean([c.f_measure for c in written.values()]))
    correlations = [r for scores in velocity.values() for r in scores.values()]
    if correlations:
        means["velocity_rank_correlation"] = float(np.mean(correlations))
    return means


# ------------------------------------------------------------------------------------------------ tables


def _prf(counts: Counts) -> tuple[float, float, float]:
    return counts.f_measure, counts.precision, counts.recall


def _counts(counts: Counts) -> dict[str, float]:
    return {"f": counts.f_measure, "p": counts.precision, "r": counts.recall} | asdict(counts)


def _hit_table(size: int, scores: HitScores, tolerance: float) -> str:
    def row(counts: Counts) -> tuple[float | int | None, ...]:
        if counts == Counts():
            return (None, None, None, 0, 0)
        return (*_prf(counts), counts.found + counts.missed, counts.found + counts.invented)

    rows: dict[str, tuple[float | int | None, ...]] = {"pooled": row(scores.pooled)}
    rows |= {name: row(counts) for name, counts in scores.classes.items()}
    rows |= {"mean of songs": (scores.mean_f,), "mean of classes": (scores.macro_f,)}
    title = f"hits, {size} classes, {tolerance * 1000:.0f} ms, {len(scores.songs)} songs"
    return _table(title, ("F", "P", "R", "reference", "estimate"), rows)


def _beat_table(beats: Mapping[str, BeatScores]) -> str:
    names = ("f_measure", "cmlt", "amlt", "downbeat_f", "tempo", "tempo_any")
    rows: dict[str, tuple[float | None, ...]] = {song: tuple(getattr(s, n) for n in names) for song, s in beats.items()}
    columns = [[v for v in column if v is not None] for column in zip(*rows.values(), strict=True)]
    rows["mean"] = tuple(float(np.mean(c)) if c else None for c in columns)
    return _table("beats", ("F", "CMLt", "AMLt", "downbeat F", "tempo", "tempo ×½×2×3"), rows)


def _table(title: str, heads: tuple[str, ...], rows: Mapping[str, tuple[float | int | None, ...]]) -> str:
    first = max(len(name) for name in rows) + 2
    widths = [max(9, len(head) + 2) for head in heads]
    lines = [title, " " * first + "".join(head.rjust(width) for head, width in zip(heads, widths, strict=True))]
    for name, values in rows.items():
        cells = ["–" if v is None else str(v) if isinstance(v, int) else f"{v:.3f}" for v in values]
        lines.append(
            name.ljust(first) + "".join(cell.rjust(width) for cell, width in zip(cells, widths[: len(cells)], strict=True))
        )
    return "\n".join(lines)
