"""Hits and beats as data: JSON and CSV for people who count.

`hits.json` is a list of `{"time", "instrument", "velocity", "confidence"}`, where `instrument` is one of the nine
`INSTRUMENTS` and nothing else. A cross stick is a snare with `"articulation": "cross_stick"`; other percussion is
never written. Times are seconds, velocity and confidence 0-1, all with four decimals.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from typing import Any

from drumscribe.errors import InputError
from drumscribe.types import INSTRUMENTS, SCHEMA_VERSION, BeatGrid, Drum, Hit, Performance

DECIMALS = 4
COLUMNS: tuple[str, ...] = ("time", "instrument", "velocity", "confidence", "articulation")


def write_hits_json(performance: Performance) -> bytes:
    """Write the hits as a JSON list, one object a line, sorted by time."""
    lines = [json.dumps(row) for row in _rows(performance)]
    return ("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n").encode()


def write_hits_csv(performance: Performance) -> bytes:
    """Write the hits as CSV with a header; `articulation` is empty or "cross_stick"."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(_rows(performance))
    return out.getvalue().encode()


def read_hits_json(data: bytes) -> tuple[Hit, ...]:
    """Read a list of hits, ours or anyone's with the same keys.

    Velocity and confidence may be missing (then 0.8 and 1); other keys are ignored.

    Returns
    -------
    tuple of Hit
        Sorted by (time, drum). What `write_hits_json` wrote comes back, times to 0.1 ms.

    Raises
    ------
    InputError
        If it is not such a list; the sentence names the first entry that is wrong.
    """
    try:
        rows = json.loads(data)
    except ValueError as error:
        raise InputError("This is not a JSON file.") from error
    if not isinstance(rows, list):
        raise InputError("Hits must be a JSON list of objects with time and instrument.")
    hits: list[Hit] = []
    for index, row in enumerate(rows):
        try:
            hits.append(_hit(row))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Entry {index} of the hits cannot be read: {error}.", entry=index) from error
    return tuple(sorted(hits, key=lambda h: (h.time, h.drum)))


def write_beats_json(performance: Performance) -> bytes:
    """Write the pulse.

    Keys: `schema_version`; `bpm` (median, beats of `unit` a minute, null without a pulse); `reliable`; `confidence`;
    `unit` (quarter notes per beat, "1", "3/2" or "1/2"); `beats` (`time`, `number`, 1 = downbeat); `downbeats`
    (seconds); `tempo_map` (`time`, `bpm`, one entry per bar whose mean tempo differs from the one before);
    `time_signatures` (`time`, `time_signature`, where it changes).
    """
    grid = performance.grid
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "bpm": None if grid.bpm is None else round(grid.bpm, 2),
        "reliable": grid.reliable,
        "confidence": round(grid.confidence, DECIMALS),
        "unit": str(grid.unit),
        "beats": [{"time": round(b.time, DECIMALS), "number": b.number} for b in grid.beats],
        "downbeats": [round(b.time, DECIMALS) for b in grid.beats if b.number == 1],
        "tempo_map": [{"time": round(time, DECIMALS), "bpm": bpm} for time, bpm in bar_tempi(grid)],
        "time_signatures": _time_signatures(grid),
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _rows(performance: Performance) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for hit in performance.hits:
        if hit.drum is Drum.OTHER:
            continue
        cross_stick = hit.drum is Drum.CROSS_STICK
        row: dict[str, Any] = {
            "time": round(hit.time, DECIMALS),
            "instrument": str(Drum.SNARE if cross_stick else hit.drum),
            "velocity": round(hit.velocity / 127, DECIMALS),
            "confidence": round(hit.confidence, DECIMALS),
        }
        if cross_stick:
            row["articulation"] = str(Drum.CROSS_STICK)
        rows.append(row)
    return rows


def _hit(row: dict[str, Any]) -> Hit:
    drum = Drum(row["instrument"])
    if drum not in INSTRUMENTS:
        raise ValueError(f"{drum} is not one of the nine instruments")
    if row.get("articulation") == Drum.CROSS_STICK:
        drum = Drum.CROSS_STICK
    velocity = float(row.get("velocity", 0.8))
    if not 0 <= velocity <= 1:
        raise ValueError(f"velocity must be 0-1, not {velocity}")
    # a hit has a velocity of at least 1 of 127, so 0 means the softest
    return Hit(float(row["time"]), drum, max(1, round(velocity * 127)), float(row.get("confidence", 1.0)))


def bar_tempi(grid: BeatGrid) -> list[tuple[float, float]]:
    """Mean tempo of each bar as (second, bpm), repeated values left out; bars cut short at the ends count too."""
    edges = [i for i, b in enumerate(grid.beats) if b.number == 1 or i in (0, len(grid.beats) - 1)]
    entries: list[tuple[float, float]] = []
    for first, last in pairwise(edges):
        span = grid.beats[last].time - grid.beats[first].time
        bpm = round(60.0 * (last - first) / span, 2)
        if not entries or entries[-1][1] != bpm:
            entries.append((grid.beats[first].time, bpm))
    return entries


def _time_signatures(grid: BeatGrid) -> list[dict[str, Any]]:
    """Length of every bar from downbeat to downbeat, as a signature, where it changes."""
    downbeats = [i for i, b in enumerate(grid.beats) if b.number == 1]
    entries: list[dict[str, Any]] = []
    for first, last in pairwise(downbeats):
        quarters = (last - first) * grid.unit
        name = f"{quarters}/4" if grid.unit == 1 else f"{quarters * 2}/8"
        if not entries or entries[-1]["time_signature"] != name:
            entries.append({"time": round(grid.beats[first].time, DECIMALS), "time_signature": name})
    return entries
