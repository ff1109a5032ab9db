"""The pages that show how accurate the networks are, from docs/accuracy.json: no figure of ours stands anywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from accuracy_peers import BEAT_PEERS, BY_SONG, CLASS_PEERS, PEERS, PUBLISHED

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FIGURES = DOCS / "accuracy.json"
PAGE = DOCS / "accuracy.md"
GENERATED = DOCS / "model" / "generated_set.md"
README = ROOT / "README.md"
BARS = DOCS / "accuracy"  #: pictures of the worst bars


def _read_words() -> dict[str, str]:
    """The prose of the pages by the names of its parts; figures in braces."""
    text = Path(__file__).with_name("accuracy_words.md").read_text("utf-8")
    parts = re.split(r"^<!-- (\w+) -->\n", text, flags=re.MULTILINE)
    return {name: words.strip() for name, words in zip(parts[1::2], parts[2::2], strict=True)}


WORDS = _read_words()

WAYS = {"drums_alone": "drums alone", "full_mix": "full mix"}
_DRUMS = {
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
_CLASSES = ("kick", "snare", "hihat", "cymbals", "toms")
_COUNTED = ("found", "missed", "invented")
_FAMILIES = {
    "genre": "genre",
    "tempo": "tempo",
    "metre": "metre",
    "density": "density",
    "ratio": "drums against music",
    "kit": "kind of kit (a piece on several counts with each)",
}
#: Columns of the generated music, in the order of their table.
_COLUMNS = {
    "pieces": "pieces",
    "hits_5": "hits 5 classes",
    "audible_5": "audible ones",
    "hits_9": "hits 9 classes",
    "velocity": "velocity",
    "beat_f": "beat F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f": "downbeat F",
    "metre": "metre",
    "notes": "notes",
}


def pages(document: Mapping[str, Any]) -> dict[Path, str]:
    """Every page that shows figures, as it should be."""
    made = {PAGE: accuracy_page(document)}
    if "generated" in document:
        made[GENERATED] = generated_page(document)
    if "recordings" in document:
        made[README] = _readme(readme_line(document["recordings"]))
    return made


def _readme(line: str) -> str:
    place = r"(?<=<!-- accuracy -->\n).*?(?=\n<!-- end -->)"
    text, count = re.subn(place, lambda _: line, README.read_text("utf-8"), flags=re.DOTALL)
    if count != 1:
        raise SystemExit("README.md has no place for the line about accuracy.")
    return text


def readme_line(own: Mapping[str, Any]) -> str:
    """What the front page says of the recordings."""
    alone, mix = (own[way] for way in WAYS)
    return (
        f"On {own['songs']} real recordings: hits F {alone['hits_5']['f']:.2f} on drums alone "
        f"and {mix['hits_5']['f']:.2f} in full mixes "
        f"(five classes, 50 ms; nine classes {alone['hits_9']['f']:.2f} and {mix['hits_9']['f']:.2f}), "
        f"beats F {_f(mix.get('beat_f'), 2)}, downbeats F {_f(mix.get('downbeat_f'), 2)}."
    )


def accuracy_page(document: Mapping[str, Any]) -> str:
    """docs/accuracy.md."""
    blocks = [WORDS["head"].format(networks=", ".join(document["networks"]))]
    if "recordings" in document:
        blocks.append(_recordings(document))
    if "generated_set" in document:
        blocks.append(_generated(document["generated_set"]))
    if document.get("worst_bars"):
        blocks.append(_worst(document["worst_bars"]))
    if "separation" in document:
        blocks.append(_stems(document["separation"]))
    blocks.append(WORDS["others"] + "\n\n" + _table(("set, input", "classes", "F", "system", "source"), PUBLISHED, left=5))
    return "\n\n".join([*blocks, WORDS["limits"], WORDS["how"]]) + "\n"


# ------------------------------------------------------------------------------------------------ tables


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """A table whose first `left` columns are words, and the others numbers."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "|".join("---" if i < left else "---:" for i in range(len(heads))) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _f(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _precision(counts: Mapping[str, float]) -> float:
    return counts["found"] / max(counts["found"] + counts["invented"], 1)


def _recall(counts: Mapping[str, float]) -> float:
    return counts["found"] / max(counts["found"] + counts["missed"], 1)


def _strokes(counts: Mapping[str, float]) -> int:
    return int(counts["found"] + counts["missed"])


# ------------------------------------------------------------------------------------------------ recordings


def _recordings(document: Mapping[str, Any]) -> str:
    own = document["recordings"]
    spans = {way: "between {:.3f} and {:.3f}".format(*own[way]["interval_5"]) for way in WAYS}
    facts = {"songs": own["songs"], "strokes": own["strokes"], "networks": ", ".join(own["networks"])}
    blocks = [WORDS["recordings"].format(**facts, **spans)]
    for way, words in WAYS.items():
        ours = own[way]
        five = ours["hits_5"]
        figures = [five["f"], _precision(five), _recall(five), ours["mean_5"], ours["macro_5"], ours["hits_5_20ms"]["f"]]
        figures += [ours["hits_3"]["f"], ours["hits_9"]["f"], ours["macro_9"]]
        rows = [["**DrumScribe**", *(f"**{_f(v)}**" for v in figures)]]
        rows += [[name, *map(_f, theirs)] for name, theirs in PEERS[way]]
        heads = ("F", "P", "R", "mean of songs", "mean of classes", "F at 20 ms", "3 classes", "9 classes", "mean of nine")
        blocks.append(
            f"**{words.capitalize()}**, five classes at 50 ms unless the head says otherwise:\n\n" + _table(("", *heads), rows)
        )
    blocks.append(WORDS["peers"])
    blocks.append("### Class by class\nF (precision / recall), five classes at 50 ms.\n\n" + _classes_table(own))
    blocks.append(WORDS["nine"] + "\n\n" + _drums_table(own))
    blocks.append(
        "### Song by song\nF, five classes; the mix of Reggae is the published one, the others are rebuilt.\n\n"
        + _songs_table(own)
    )
    blocks.append(
        "### By condition\n" + _conditions({way: own[way]["conditions"] for way in WAYS}, ("genre", "tempo", "density"))
    )
    blocks.append("### Beats and the written score\n" + _beats_table(document) + "\n\n" + WORDS["beats"])
    blocks.append(_trust(own, "recordings"))
    return "\n\n".join(blocks)


def _classes_table(own: Mapping[str, Any]) -> str:
    rows: list[list[str]] = []
    for way, words in WAYS.items():
        cells = [own[way]["classes"][name] for name in _CLASSES]
        rows.append([f"**DrumScribe**, {words}", *(f"**{c['f']:.2f}** ({_pr(_precision(c))}/{_pr(_recall(c))})" for c in cells)])
        rows += [[f"{name}, {words}", *cells] for name, cells in CLASS_PEERS[way]]
    return _table(("", "kick", "snare", "hi-hat", "cymbals", "toms"), rows)


def _pr(share: float) -> str:
    return f"{share:.2f}".removeprefix("0") if share < 1 else "1.0"


def _drums_table(own: Mapping[str, Any]) -> str:
    ways = [own[way]["drums"] for way in WAYS]
    rows: list[list[str]] = []
    for name, shown in _DRUMS.items():
        strokes = _strokes(ways[0][name])
        cells = [c for way in ways for c in (_f(way[name]["f"], 2) if strokes else "–", *(str(way[name][n]) for n in _COUNTED))]
        rows.append([shown, str(strokes), *cells])
    heads = ("", "strokes", "drums alone: F", *_COUNTED, "full mix: F", *_COUNTED)
    return _table(heads, rows)


def _songs_table(own: Mapping[str, Any]) -> str:
    rows = [
        [
            name.partition("_")[2] or name,
            *(c for way, place in (("drums_alone", 0), ("full_mix", 1)) for c in _against(own[way], name, place)),
        ]
        for name in own["full_mix"]["by_song"]
    ]
    return _table(("", "drums alone", "ADTOF", "full mix", "ADTOF"), rows)


def _against(ours: Mapping[str, Any], name: str, place: int) -> tuple[str, str]:
    theirs = BY_SONG.get(name)
    return f"**{_f(ours['by_song'][name])}**", _f(theirs[place]) if theirs else "–"


def _conditions(ways: Mapping[str, Mapping[str, Any]], families: Sequence[str]) -> str:
    """Tables of conditions, five and nine classes for each way of hearing."""
    blocks: list[str] = []
    for family in families:
        tables = {way: own[family] for way, own in ways.items() if family in own}
        if not tables:
            continue
        first = next(iter(tables.values()))
        rows: list[list[str]] = []
        for name, row in first.items():
            cells = [_f(table[name][k]["f"]) if name in table else "–" for table in tables.values() for k in ("hits_5", "hits_9")]
            more = [_f(row["audible_5"]["f"])] if "audible_5" in row else []
            rows.append([name, str(row["pieces"]), str(row["strokes"]), *cells, *more])
        of = [f", {WAYS[way]}" if way in WAYS else "" for way in tables]
        heads = [_FAMILIES[family], "pieces", "strokes", *(f"F {v} classes{words}" for words in of for v in (5, 9))]
        blocks.append(_table([*heads, *(["F of audible ones, 5 classes"] if len(rows[0]) > len(heads) else [])], rows))
    return "\n\n".join(blocks)


def _beats_table(document: Mapping[str, Any]) -> str:
    ways = [document["recordings"][way] for way in WAYS]
    names = {"beat_f": "beats, F at 70 ms", "beat_cmlt": "beats, CMLt", "beat_amlt": "beats, AMLt", "downbeat_f": "downbeats, F"}
    rows = [[shown, *(f"**{_f(way.get(key))}**" for way in ways)] for key, shown in names.items()]
    rows += [[name, *map(_f, figures)] for name, figures in BEAT_PEERS[:2]]
    rows.append(
        ["written notes at their place in the metre, F, mean of songs", *(f"**{_f(way.get('written_f'))}**" for way in ways)]
    )
    if total := document.get("written_total"):
        of = ", ".join(total["networks"])
        rows.append([f"written score, TOTAL of another scorer ({of})", *(f"**{_f(total[way])}**" for way in WAYS)])
        rows += [[name, *map(_f, figures)] for name, figures in BEAT_PEERS[2:]]
    return _table(("", *WAYS.values()), rows)


def _trust(own: Mapping[str, Any], of: str) -> str:
    """False hats and calibration."""
    lines = [f"### False hats and confidence on {of}"]
    for way, words in WAYS.items():
        false, error = own[way]["false_hats"], own[way]["calibration_error"]
        where = f"at {false['hats']} of {false['strokes']} annotated side sticks and strokes of other percussion"
        share = (
            f"{where} ({false['hats'] / false['strokes']:.0%}) a hat was heard that nobody played"
            if false["strokes"]
            else "no side stick annotated"
        )
        lines.append(
            f"- {words.capitalize()}: {share}; expected calibration error of the confidence {_f(error)} (nine classes, ten bins)."
        )
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------ generated music


def _generated(own: Mapping[str, Any]) -> str:
    blocks = [
        WORDS["generated_intro"].format(
            pieces=own["pieces"],
            minutes=own["minutes"],
            strokes=own["strokes"],
            drowned=own["drowned"],
            networks=", ".join(own["networks"]),
        )
    ]
    ways = {way: own[way] for way in WAYS if way in own}
    rows = []
    for way, figures in ways.items():
        keys = ("hits_5", "audible_5", "hits_5_20ms", "hits_9", "audible_9")
        cells = [_f(figures[key]["f"]) for key in keys] + [
            _f(figures["macro_9"]),
            _f(figures.get("velocity")),
            _f(figures.get("velocity_error")),
        ]
        rows.append([WAYS[way], str(figures["pieces"]), *cells])
    heads = (
        "",
        "pieces",
        "5 classes",
        "audible ones",
        "5 classes at 20 ms",
        "9 classes",
        "audible ones",
        "mean of nine",
        "velocity, rank",
        "velocity, error",
    )
    blocks.append(_table(heads, rows))
    blocks.append(
        "F of each drum, nine classes:\n\n"
        + _table(("", *_DRUMS.values()), [[WAYS[way], *(_f(f["drums"][n]["f"], 2) for n in _DRUMS)] for way, f in ways.items()])
    )
    blocks.append("### By condition of the generated music\n" + _conditions({"all": own["conditions"]}, tuple(_FAMILIES)))
    if len(ways) == len(WAYS):
        blocks.append(_trust(own, "generated music"))
    return "\n\n".join(blocks)


def _stems(own: Mapping[str, Any]) -> str:
    """How good the isolated drums are, and what the drum network makes of them."""
    columns = (("mix", "si_sdr"), ("drums", "sdr"), ("drums", "sdr_median"), ("drums", "si_sdr"), ("drums", "sir"))
    columns = (*columns, ("drumless", "si_sdr"), ("best_mask", "si_sdr"))
    values = {song: [scores[part][measure] for part, measure in columns] for song, scores in own["songs"].items()}
    values["**mean**"] = [sum(column) / len(own["songs"]) for column in zip(*values.values(), strict=True)]
    heads = ("dB", "the mix itself", "SDR", "median of seconds", "SI-SDR", "SIR", "drumless: SI-SDR", "the best mask")
    rows = [[name, *(_f(value, 1) for value in row)] for name, row in values.items()]
    intro = WORDS["separation"].format(networks=", ".join(own["networks"]), cpu=f"{own['cpu_seconds_per_minute']:.1f}")
    blocks = [intro, _table(heads, rows)]
    if "hearing" in own:
        heard = own["hearing"]
        figures = {way: _f(heard[way]) for way in ("mix", "stem", "mean")}
        blocks.append(WORDS["hearing"].format(networks=", ".join(heard["networks"]), **figures))
    return "\n\n".join(blocks)


def _worst(bars: Sequence[Mapping[str, Any]]) -> str:
    lines = [WORDS["worst"]]
    for place, bar in enumerate(bars, start=1):
        condition, bpm = str(bar["condition"]), f"{bar['bpm']:.0f} bpm" if "bpm" in bar else ""
        facts = [condition, bar["kind"], *(v for v in (bpm, bar.get("metre", "")) if v and v not in condition)]
        drowned = f" ({bar['drowned']} of them drowned)" if bar.get("drowned") else ""
        words = f"{bar['right'] + bar['missed']} strokes, {bar['missed']} missed{drowned}, {bar['invented']} invented"
        picture = f"![Bar {bar['bar']}: {words}](accuracy/{bar['file']})"
        lines.append(f"**{place}.** {', '.join(facts)}: bar {bar['bar']} of `{bar['piece']}`, {words}.\n\n{picture}")
    return "\n\n".join(lines)


def generated_page(document: Mapping[str, Any]) -> str:
    """The page of the generated music, condition by condition."""
    rows: list[list[str]] = []
    columns = {c: shown for c, shown in _COLUMNS.items() if any(c in row for row in document["generated"].values())}
    for name, row in document["generated"].items():
        rows.append([name, *(f"{row[c]:.0f}" if c == "pieces" else _f(row[c]) if c in row else "–" for c in columns)])
    return WORDS["generated_head"] + "\n\n" + _table(("condition", *columns.values()), rows) + "\n"
