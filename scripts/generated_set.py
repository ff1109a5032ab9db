"""Measure the shipped networks on the generated test set; writes docs/accuracy.json and docs/model/generated_set.md.

Usage: generated_set.py FOLDER [--print]    FOLDER as written by `drumscribe.training.testset.write_test_set`;
with --print the figures are only printed
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from accuracy import COLUMNS, take_in_generated

from drumscribe import load_models, transcribe
from drumscribe.evaluation import Beats, read_beats, read_hits, score_beats, score_hits, score_written, velocity_correlation
from drumscribe.evaluation.written import written_notes
from drumscribe.types import BeatGrid, Hit


def bar_lengths(numbers: np.ndarray) -> list[int]:
    """Beats of each whole bar."""
    starts = np.flatnonzero(numbers == 1)
    return np.diff(starts).tolist()


def metre_share(reference: Beats, grid: BeatGrid) -> float:
    """Share of the estimate's bars that have the commonest true length; 0 without bars."""
    assert reference.numbers is not None
    true, found = bar_lengths(reference.numbers), bar_lengths(np.array([b.number for b in grid.beats]))
    if not true or not found:
        return 0.0
    usual = max(set(true), key=true.count)
    return found.count(usual) / len(found)


def main() -> None:
    """Transcribe everything and write the figures."""
    folder = Path(sys.argv[1])
    conditions = json.loads((folder / "conditions.json").read_text())
    models = load_models()
    truth: dict[str, dict[str, tuple[Hit, ...]]] = defaultdict(dict)
    found: dict[str, dict[str, tuple[Hit, ...]]] = defaultdict(dict)
    rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, about in sorted(conditions.items()):
        result = transcribe(folder / "audio" / f"{name}.flac", models=models)
        reference = read_hits(folder / "hits" / f"{name}.json").hits
        beats = read_beats(folder / "beats" / f"{name}.beats")
        grid = result.grid
        estimate = Beats(np.array([b.time for b in grid.beats]), np.array([b.number for b in grid.beats]))
        for key in (about["condition"], f"all, {about['kind']}"):
            truth[key][name], found[key][name] = reference, result.hits
            scores, row = score_beats(beats, estimate), rows[key]
            values = (scores.f_measure, scores.cmlt, scores.amlt, scores.downbeat_f or 0.0)
            for column, value in zip("FCAD", values, strict=True):
                row[column].append(value)
            row["M"].append(metre_share(beats, grid))
            row["V"] += velocity_correlation(reference, result.hits).values()
            row["N"].append(score_written(reference, beats, written_notes(result.score)).f_measure)
    figures: dict[str, dict[str, float]] = {}
    for key in sorted(rows, key=lambda key: key.startswith("all")):
        hits = [score_hits(truth[key], found[key], vocabulary=v).pooled.f_measure for v in (5, 9)]
        values = [*hits, *(float(np.mean(rows[key][c])) if rows[key][c] else float("nan") for c in "VFCADMN")]
        figures[key] = dict(zip(COLUMNS, values, strict=True))
    if "--print" not in sys.argv[2:]:
        take_in_generated(figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
