"""Measure the shipped networks on the generated test set and write docs/model/generated_set.md.

Usage: generated_set.py FOLDER [TARGET]     FOLDER as written by `drumscribe.training.testset.write_test_set`
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from drumscribe import load_models, transcribe
from drumscribe.evaluation import Beats, read_beats, read_hits, score_beats, score_hits, score_written, velocity_correlation
from drumscribe.evaluation.written import written_notes
from drumscribe.types import BeatGrid, Hit

HEAD = """# The generated test set

Patterns of every metre and tempo, played on kits that training never heard (`drumscribe.training.testset`), randomised like
training mixes: four pieces of 32 s a condition, two of drums alone, two in a band. Real recordings decide (`docs/accuracy.md`);
this table shows what they cannot: tempo, metre, tempo changes, pick-ups, swing, velocity. Written by
`scripts/generated_set.py`.

Hits: pooled F at 50 ms. Velocity: mean over drums of Spearman's rank correlation with the played velocity. Beats: F at 70 ms,
CMLt, AMLt. Metre: share of bars whose length in beats is right. Notes: F of written notes at the right place in the metre.

| condition | hits 5 classes | hits 9 classes | velocity | beat F | CMLt | AMLt | downbeat F | metre | notes |
|---|---|---|---|---|---|---|---|---|---|
"""


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
    """Transcribe everything and write the table."""
    folder = Path(sys.argv[1])
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("docs/model/generated_set.md")
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
    lines = []
    for key in rows:
        hits = [score_hits(truth[key], found[key], vocabulary=v).pooled.f_measure for v in (5, 9)]
        values = [*hits, *(float(np.mean(rows[key][c])) if rows[key][c] else float("nan") for c in "VFCADMN")]
        lines.append(f"| {key} | " + " | ".join(f"{v:.3f}" for v in values) + " |")
    lines.sort(key=lambda line: line.startswith("| all"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(HEAD + "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
