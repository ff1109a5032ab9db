"""The tables of a report, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from drumscribe.evaluation.beats import BeatScores
from drumscribe.evaluation.hits import TIGHT, Counts, HitScores

if TYPE_CHECKING:
    from drumscribe.evaluation.report import Report


def write_tables(report: Report) -> str:
    """All that a report holds, as text with a line break at its end."""
    blocks = [_hit_table(size, scores, report.tolerance) for size, scores in report.hits.items()]
    if report.tight:
        rows = {f"{size} classes": (*_prf(s.pooled), s.mean_f, s.macro_f) for size, s in report.tight.items()}
        heads = ("F", "P", "R", "mean of songs", "mean of classes")
        blocks.append(_table(f"hits, {TIGHT * 1000:.0f} ms, pooled", heads, rows))
    if report.beats:
        blocks.append(_beat_table(report.beats))
    if report.written:
        rows = {song: _prf(counts) for song, counts in report.written.items()}
        rows["all"] = _prf(sum(report.written.values(), Counts()))
        blocks.append(_table("written notes at their place in the metre", ("F", "P", "R"), rows))
    for title, scores in (
        ("velocity, rank correlation", report.velocity),
        ("velocity, absolute error (1 = the whole range)", report.velocity_error),
    ):
        if scores:
            drums = sorted({d for own in scores.values() for d in own})
            blocks.append(_table(title, tuple(drums), {song: tuple(own.get(d) for d in drums) for song, own in scores.items()}))
    if (share := report.false_hats.share) is not None:
        false = report.false_hats
        blocks.append(f"Hats heard at side sticks and other percussion: {false.hats} of {false.strokes} ({share:.1%})")
    if report.calibration:
        rows = {f"{b.confidence:.2f}": (b.right, b.hits) for b in report.calibration.bins}
        blocks.append(_table(f"confidence, calibration error {report.calibration.error:.3f}", ("right", "hits"), rows))
    if report.without_estimate:
        blocks.append("Without estimate, not scored: " + ", ".join(report.without_estimate))
    return "\n\n".join(blocks) + "\n"


def _prf(counts: Counts) -> tuple[float, float, float]:
    return counts.f_measure, counts.precision, counts.recall


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
