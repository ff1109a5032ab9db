"""Figures by condition: tempo, metre, density of strokes, drums against music, kit, genre."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drumscribe.evaluation.hits import TOLERANCE, VOCABULARIES, Counts, match, score_hits
from drumscribe.evaluation.runs import Heard

TEMPI = (80.0, 110.0, 140.0, 170.0)  #: beats a minute between bins
DENSITIES = (4.0, 7.0, 10.0)  #: strokes a second
RATIOS = (-3.0, 3.0)  #: dB, drums against music


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces under one condition."""

    pieces: int
    strokes: int  #: annotated, in the largest vocabulary
    scores: Mapping[int, Counts]  #: pooled, by vocabulary
    audible: Mapping[int, Counts]  #: the same without strokes that the set marks as drowned; empty where it marks none


def by_condition(
    heard: Iterable[Heard], *, vocabularies: Sequence[int] = (5, 9), tolerance: float = TOLERANCE
) -> dict[str, dict[str, Row]]:
    """Pooled scores of the pieces under each condition that they name.

    A piece played on several kinds of kits counts with each.

    Returns
    -------
    dict of dict of Row
        By family ("tempo", "metre", "density", "ratio", "kit", "genre", "condition"), then by condition, in their order.
        Families in which all pieces are alike are left out.
    """
    pieces = list(heard)
    tables: dict[str, dict[str, Row]] = {}
    for family, name_of in _FAMILIES.items():
        groups: dict[tuple[float, str], list[Heard]] = {}
        for one in pieces:
            for key in name_of(one):
                groups.setdefault(key, []).append(one)
        if len(groups) > 1:
            tables[family] = {name: _row(groups[rank, name], vocabularies, tolerance) for rank, name in sorted(groups)}
    return tables


def row_to_json(row: Row) -> dict[str, Any]:
    """A row as JSON, with the counts behind its figures."""
    scores = {f"hits_{v}": {"f": c.f_measure, **asdict(c)} for v, c in row.scores.items()}
    if row.audible:
        scores |= {f"audible_{v}": {"f": c.f_measure, **asdict(c)} for v, c in row.audible.items()}
    return {"pieces": row.pieces, "strokes": row.strokes, **scores}


def write_condition_tables(tables: Mapping[str, Mapping[str, Row]]) -> str:
    """The tables as text for a person at a terminal; empty without any."""
    lines: list[str] = []
    for family, rows in tables.items():
        sizes = next(iter(rows.values())).scores
        width = max(map(len, [family, *rows])) + 2
        lines.append(family.ljust(width) + "   pieces  strokes" + "".join(f"{f'F, {v} classes':>14}" for v in sizes))
        for name, row in rows.items():
            figures = "".join(f"{counts.f_measure:14.3f}" for counts in row.scores.values())
            lines.append(f"{name.ljust(width)}{row.pieces:9}{row.strokes:9}{figures}")
        lines.append("")
    return "\n".join(lines)


def _row(pieces: list[Heard], vocabularies: Sequence[int], tolerance: float) -> Row:
    true = {one.piece.name: one.truth.hits for one in pieces}
    found = {one.piece.name: one.performance.hits for one in pieces}
    scores = {v: score_hits(true, found, vocabulary=v, tolerance=tolerance).pooled for v in vocabularies}
    largest = scores[max(vocabularies)]
    is_told = any(one.drowned for one in pieces)
    audible = {v: score_audible(pieces, vocabulary=v, tolerance=tolerance) for v in (vocabularies if is_told else ())}
    return Row(len(pieces), largest.found + largest.missed, scores, audible)


def score_audible(pieces: Iterable[Heard], *, vocabulary: int = 5, tolerance: float = TOLERANCE) -> Counts:
    """Pooled counts that neither demand nor reward strokes which the set marks as drowned by others."""
    table, fine = VOCABULARIES[vocabulary], VOCABULARIES[9]
    total = Counts()
    for one in pieces:
        for name in dict.fromkeys(table.values()):
            true = sorted((h for h in one.truth.hits if table.get(h.drum) == name), key=lambda h: h.time)
            found = sorted(h.time for h in one.performance.hits if table.get(h.drum) == name)
            is_drowned = [(h.time, fine[h.drum]) in one.drowned for h in true]
            pairs = match([h.time for h in true], found, tolerance)
            right = sum(not is_drowned[i] for i, _ in pairs)
            total += Counts(right, len(found) - len(pairs), is_drowned.count(False) - right)
    return total


def _bins(value: float, edges: tuple[float, ...], unit: str) -> list[tuple[float, str]]:
    if not np.isfinite(value):
        return []
    place = int(np.searchsorted(edges, value, side="right"))
    texts = [f"{edge:g}" for edge in edges]
    if place == 0:
        return [(0, f"under {texts[0]} {unit}")]
    return [(place, f"{texts[-1]} {unit} and more" if place == len(edges) else f"{texts[place - 1]} to {texts[place]} {unit}")]


def _tempo(one: Heard) -> list[tuple[float, str]]:
    bpm = one.piece.facts.get("bpm")
    if not isinstance(bpm, float) and one.true_beats is not None and len(one.true_beats.times) > 1:
        bpm = 60 / float(np.median(np.diff(one.true_beats.times)))
    return _bins(bpm, TEMPI, "bpm") if isinstance(bpm, float) else []


def _density(one: Heard) -> list[tuple[float, str]]:
    density = one.piece.facts.get("density")
    if not isinstance(density, float):
        density = len(one.truth.hits) / max(one.performance.duration, 0.1)
    return _bins(density, DENSITIES, "strokes a second")


def _ratio(one: Heard) -> list[tuple[float, str]]:
    ratio = one.piece.facts.get("ratio_db")
    if isinstance(ratio, float):
        return _bins(ratio, RATIOS, "dB")
    return [(99, "drums alone")] if one.piece.facts.get("kind") == "drums" else []


def _metre(one: Heard) -> list[tuple[float, str]]:
    metre = one.piece.facts.get("metre")
    if not isinstance(metre, str):
        return []
    return [(1, "changing")] if " to " in metre else [(0, metre)]


def _named(fact: str) -> Callable[[Heard], list[tuple[float, str]]]:
    def names(one: Heard) -> list[tuple[float, str]]:
        value = one.piece.facts.get(fact)
        return [(0, str(v)) for v in (value if isinstance(value, tuple) else (value,))] if value else []

    return names


_FAMILIES: dict[str, Callable[[Heard], list[tuple[float, str]]]] = {
    "tempo": _tempo,
    "metre": _metre,
    "density": _density,
    "ratio": _ratio,
    "kit": _named("kit_kinds"),
    "genre": _named("genre"),
    "condition": _named("condition"),
}
