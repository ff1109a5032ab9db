"""Keeps the figures of accuracy in one file, `docs/accuracy.json`, and writes the tables that show them.

    drumscribe evaluate --transcribe DRUM_TRACKS ANNOTATIONS --json > alone.json
    drumscribe evaluate --transcribe FULL_MIXES ANNOTATIONS --json > mixes.json
    python scripts/accuracy.py alone.json mixes.json      # takes both reports in, and writes the pages
    python scripts/accuracy.py                            # writes the pages only
    python scripts/accuracy.py --check                    # says whether the pages are what the file says

`scripts/generated_set.py` puts the figures of generated music into the same file. The web app shows it too.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drumscribe.weights.manifest import Manifest

DOCS = Path(__file__).resolve().parents[1] / "docs"
FIGURES = DOCS / "accuracy.json"
PAGE = DOCS / "accuracy.md"
GENERATED = DOCS / "model" / "generated_set.md"

#: The two ways in which each recording was heard.
WAYS = ("drums_alone", "full_mix")
_CLASSES = {
    "kick": "kick",
    "snare": "snare",
    "hihat_closed": "closed hat",
    "hihat_open": "open hat",
    "crash": "crash",
    "ride": "ride",
    "tom_high": "high tom",
    "tom_mid": "middle tom",
    "tom_low": "floor tom",
}
_COUNTED = ("found", "missed", "invented")
_DIGITS = 6

#: Columns of the generated music, in the order of their table.
COLUMNS = {
    "hits_5": "hits 5 classes",
    "hits_9": "hits 9 classes",
    "velocity": "velocity",
    "beat_f": "beat F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f": "downbeat F",
    "metre": "metre",
    "notes": "notes",
}

_GENERATED_HEAD = """# The generated test set

Patterns of every metre and tempo, played on kits that training never heard (`drumscribe.training.testset`), randomised like
training mixes: four pieces of 32 s a condition, two of drums alone, two in a band. Real recordings decide (`docs/accuracy.md`);
this table shows what they cannot: tempo, metre, tempo changes, pick-ups, swing, velocity. Measured by
`scripts/generated_set.py`, written from `docs/accuracy.json`.

Hits: pooled F at 50 ms. Velocity: mean over drums of Spearman's rank correlation with the played velocity. Beats: F at 70 ms,
CMLt, AMLt. Metre: share of bars whose length in beats is right. Notes: F of written notes at the right place in the metre.

"""


def take_in(document: Mapping[str, Any], alone: Mapping[str, Any], mixes: Mapping[str, Any]) -> dict[str, Any]:
    """The figures with those of two reports of `drumscribe evaluate --json` in their place."""
    songs = {len(report["hits"]["9_classes"]["songs"]) for report in (alone, mixes)}
    strokes = {_strokes(report["hits"]["9_classes"]["pooled"]) for report in (alone, mixes)}
    if len(songs) != 1 or len(strokes) != 1:
        raise SystemExit("The two reports are not of the same songs.")
    recordings: dict[str, Any] = {"songs": songs.pop(), "strokes": strokes.pop(), "tolerance_s": alone["tolerance"]}
    recordings |= {way: _of_report(report) for way, report in zip(WAYS, (alone, mixes), strict=True)}
    networks = [str(entry.ref) for entry in Manifest.read().find("default")]
    return {"schema_version": 1, "networks": networks, "recordings": recordings, "generated": document.get("generated", {})}


def take_in_generated(rows: Mapping[str, Mapping[str, float]]) -> None:
    """Put the figures of generated music, by condition, in their place, and write the pages."""
    document = json.loads(FIGURES.read_text("utf-8"))
    document["generated"] = {name: {column: round(row[column], 3) for column in COLUMNS} for name, row in rows.items()}
    save(document)


def _of_report(report: Mapping[str, Any]) -> dict[str, Any]:
    hits, means = report["hits"], report["means"]
    return {
        "hits_5": _figures(hits["5_classes"]["pooled"]),
        "hits_9": _figures(hits["9_classes"]["pooled"]),
        "drums": {name: _figures(hits["9_classes"]["classes"][name]) for name in _CLASSES},
        "beat_f": round(means["beats_f_measure"], _DIGITS),
        "beat_amlt": round(means["beats_amlt"], _DIGITS),
        "downbeat_f": round(means["beats_downbeat_f"], _DIGITS),
        "written_f": round(means["written_f"], _DIGITS),
    }


def _figures(counts: Mapping[str, float]) -> dict[str, float]:
    return {"f": round(counts["f"], _DIGITS), **{name: int(counts[name]) for name in _COUNTED}}


def _strokes(counts: Mapping[str, float]) -> int:
    return int(counts["found"] + counts["missed"])


# ------------------------------------------------------------------------------------------------ pages


def recordings_table(document: Mapping[str, Any]) -> str:
    """What was measured on recordings."""
    ways = [document["recordings"][way] for way in WAYS]
    rows = {
        "hits, 5 classes, pooled F at 50 ms": [way["hits_5"]["f"] for way in ways],
        "hits, 9 classes": [way["hits_9"]["f"] for way in ways],
        "beats, F at 70 ms": [way["beat_f"] for way in ways],
        "beats, AMLt": [way["beat_amlt"] for way in ways],
        "downbeats, F": [way["downbeat_f"] for way in ways],
        "written notes at their place in the metre, F, mean of songs": [way["written_f"] for way in ways],
    }
    lines = ["| | drums alone | full mix |", "|---|---|---|"]
    lines += [f"| {name} | " + " | ".join(f"**{value:.3f}**" for value in values) + " |" for name, values in rows.items()]
    return "\n".join(lines)


def drums_table(document: Mapping[str, Any]) -> str:
    """The same for each drum, with the strokes behind it."""
    ways = [document["recordings"][way]["drums"] for way in WAYS]
    lines = ["| | strokes | drums alone: F | found | missed | invented | full mix: F | found | missed | invented |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for name, shown in _CLASSES.items():
        strokes = _strokes(ways[0][name])
        cells = [str(cell) for way in ways for cell in (_f(way[name], strokes), *(way[name][count] for count in _COUNTED))]
        lines.append(f"| {shown} | {strokes} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _f(counts: Mapping[str, float], strokes: int) -> str:
    return f"{counts['f']:.2f}" if strokes else "–"


def generated_page(document: Mapping[str, Any]) -> str:
    """The page of the generated test set."""
    lines = ["| condition | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in document["generated"].items():
        lines.append(f"| {name} | " + " | ".join(f"{row[column]:.3f}" for column in COLUMNS) + " |")
    return _GENERATED_HEAD + "\n".join(lines) + "\n"


def with_tables(page: str, document: Mapping[str, Any]) -> str:
    """A page with the tables between its marks written anew."""
    for name, table in {"recordings": recordings_table(document), "drums": drums_table(document)}.items():
        page, count = re.subn(
            rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- end -->)", lambda _, table=table: table, page, count=1, flags=re.DOTALL
        )
        if count != 1:
            raise SystemExit(f"docs/accuracy.md has no place for the table of {name}.")
    return page


def pages(document: Mapping[str, Any]) -> dict[Path, str]:
    """Every page that shows figures, as it should be."""
    return {PAGE: with_tables(PAGE.read_text("utf-8"), document), GENERATED: generated_page(document)}


def save(document: Mapping[str, Any]) -> None:
    """Write the file and the pages."""
    FIGURES.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    for path, text in pages(document).items():
        path.write_text(text, "utf-8")


def main() -> int:
    """Take reports in, or write the pages, or compare them."""
    given = sys.argv[1:]
    document: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    if given == ["--check"]:
        wrong = [path.name for path, text in pages(document).items() if path.read_text("utf-8") != text]
        if wrong:
            print(f"{', '.join(wrong)}: not what accuracy.json says; run `python scripts/accuracy.py`.", file=sys.stderr)
        return len(wrong)
    if len(given) == 2:
        document = take_in(document, *(json.loads(Path(name).read_text("utf-8")) for name in given))
    elif given:
        print(__doc__, file=sys.stderr)
        return 2
    save(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
