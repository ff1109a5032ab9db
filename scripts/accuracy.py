"""Measures how accurate the shipped networks are, and writes all that shows it.

    python scripts/accuracy.py measure --mdb MDB --generated PATTERNS --generated GROOVE
    python scripts/accuracy.py                    # writes the pages anew from docs/accuracy.json
    python scripts/accuracy.py --check            # says whether the pages are what the file says

`measure` takes what is at hand: MDB is a folder that holds MDB Drums (or the part of it that one has), PATTERNS and GROOVE are
written by `drumscribe train testset`. Figures of what is not given stay as they were, with the names of the networks they
are of. It writes docs/accuracy.json (the web app shows it), docs/accuracy.md, docs/model/generated_set.md, the line in
README.md, and from the generated music the ten worst bars as pictures in docs/accuracy/. `--written ALONE MIX` puts down what
another scorer says of the written scores of the recordings. `--stems MIXES DRUMS` are two folders of mixes and of the drums in
them, by which isolated drums are judged; with `--mdb`, the drum network also listens to drums that were isolated first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_page import BARS, FIGURES, pages
from numpy.typing import NDArray

from drumscribe import load_models
from drumscribe.audio import load_audio
from drumscribe.errors import DrumScribeError
from drumscribe.evaluation import VOCABULARIES, Counts, Report, by_condition, compare, find, hear_piece, songs_of
from drumscribe.evaluation.conditions import row_to_json, score_audible
from drumscribe.evaluation.pictures import draw_bar
from drumscribe.evaluation.runs import INGEST, Heard, load_sound
from drumscribe.evaluation.stems import Separated, best_mask, find_pairs, hear_ways, score_stem, separate_pair, summarise
from drumscribe.evaluation.worst import worst_bars
from drumscribe.options import SeparationOptions
from drumscribe.types import Beat
from drumscribe.weights import Models, load_separator

DIGITS = 6
LIGHT = SeparationOptions(backend="light")
#: The two ways in which each recording is heard: key of the file → sound of the set.
WAYS = {"drums_alone": "drums", "full_mix": "mix"}


def measure(
    mdb: Path | None,
    generated: Sequence[Path],
    written: Sequence[float] | None,
    stems: Sequence[Path] | None = None,
    *,
    count: int = 10,
) -> None:
    """Hear everything, then write everything."""
    document = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {"schema_version": 1}
    models = load_models()
    networks = list(models.refs)
    pictures: dict[str, bytes] = {}
    if mdb is not None:
        heard = {way: hear_all([mdb], models, sound=sound) for way, sound in WAYS.items()}
        document["recordings"] = {"networks": networks, **of_recordings(heard)}
    if generated:
        pieces = hear_all(generated, models)
        document["generated"] = by_name(pieces)
        document["generated_set"] = {"networks": networks, **of_generated(pieces)}
        document["worst_bars"] = []
        for place, bar in enumerate(worst_bars(pieces, count), start=1):
            name = f"worst-{place:02d}.png"
            title = f"{place}. {bar.heard.piece.facts['condition']}, {_in_words(bar.heard)}: bar {bar.number}"
            pictures[name] = draw_bar(bar, load_sound(bar.heard.piece), title=title)
            facts = {k: bar.heard.piece.facts[k] for k in ("condition", "kind", "bpm", "metre") if k in bar.heard.piece.facts}
            counts = {verdict: bar.count(verdict) for verdict in ("right", "missed", "invented")} | {"drowned": bar.drowned}
            document["worst_bars"].append({"file": name, "piece": bar.heard.piece.name, "bar": bar.number, **facts, **counts})
    if written:
        document["written_total"] = {"networks": networks, **dict(zip(WAYS, written, strict=True))}
    if stems:
        document["separation"] = of_stems(*stems)
        if mdb is not None:
            ways = hear_ways(find(mdb, sound="mix").pieces, models, LIGHT)
            heard_in = {way: round(scores.pooled.f_measure, DIGITS) for way, scores in ways.items()}
            document["separation"]["hearing"] = {"networks": networks, **heard_in}
    sections = [document[key]["networks"] for key in ("recordings", "generated_set") if key in document]
    document["networks"] = networks if networks in sections else document.get("networks", networks)
    save(document, pictures)


def _in_words(heard: Heard) -> str:
    ratio = heard.piece.facts.get("ratio_db")
    return "drums alone" if heard.piece.facts.get("kind") == "drums" else f"drums {ratio:+.0f} dB" if ratio is not None else "mix"


def hear_all(folders: Sequence[Path], models: Models, *, sound: str | None = None) -> list[Heard]:
    """Transcribe the pieces of several sets, one after the other; names stay apart."""
    heard: list[Heard] = []
    for folder in folders:
        dataset = find(folder, sound=sound)
        for number, piece in enumerate(dataset.pieces, start=1):
            name = f"{folder.name}/{piece.name}" if len(folders) > 1 else piece.name
            if sys.stderr.isatty():
                print(f"\r{dataset.kind} {number}/{len(dataset.pieces)} ", end="", file=sys.stderr, flush=True)
            heard.append(hear_piece(replace(piece, name=name), models))
        print(
            f"{dataset.kind}, {dataset.sound}: {len(dataset.pieces)} pieces, not paired: {len(dataset.unpaired)}", file=sys.stderr
        )
    return heard


# ------------------------------------------------------------------------------------------------ recordings


def of_recordings(heard: Mapping[str, list[Heard]]) -> dict[str, Any]:
    """Figures of the recordings, heard alone and in the mix."""
    names = {way: sorted(one.piece.name for one in pieces) for way, pieces in heard.items()}
    if len({tuple(own) for own in names.values()}) != 1:
        raise SystemExit("Some recordings have no mix, or no drums alone: the two cannot be compared.")
    reports = {way: compare(songs_of(pieces)) for way, pieces in heard.items()}
    pooled = reports["full_mix"].hits[9].pooled
    about: dict[str, Any] = {"songs": len(heard["full_mix"]), "strokes": pooled.found + pooled.missed, "tolerance_s": 0.05}
    for way, report in reports.items():
        mean = {k.removeprefix("beats_"): round(v, DIGITS) for k, v in report.means.items()}
        names = {
            "beat_f": "f_measure",
            "beat_cmlt": "cmlt",
            "beat_amlt": "amlt",
            "downbeat_f": "downbeat_f",
            "written_f": "written_f",
        }
        own = _measures(report) | {name: mean[measure] for name, measure in names.items() if measure in mean}
        own["interval_5"] = interval(list(report.hits[5].songs.values()))
        own["by_song"] = {name: round(counts.f_measure, DIGITS) for name, counts in report.hits[5].songs.items()}
        about[way] = own | {"conditions": _conditions(heard[way])}
    return about


def interval(songs: Sequence[Counts], *, draws: int = 10_000, seed: int = 0) -> list[float]:
    """Where 95 % of the pooled F lie if other songs like these had been drawn (percentile bootstrap over songs)."""
    counts = np.array([(c.found, c.invented, c.missed) for c in songs], float)
    rng = np.random.default_rng(seed)
    found, invented, missed = counts[rng.integers(len(counts), size=(draws, len(counts)))].sum(axis=1).T
    scores = 2 * found / np.maximum(2 * found + invented + missed, 1)
    return [round(float(v), 3) for v in np.quantile(scores, (0.025, 0.975))]


def _measures(report: Report) -> dict[str, Any]:
    """What is told of recordings and of generated music alike."""
    sizes = sorted(report.hits)
    return {
        **{f"hits_{size}": figures(report.hits[size].pooled) for size in sizes},
        **{f"hits_{size}_20ms": figures(report.tight[size].pooled) for size in sizes},
        **{f"mean_{size}": round(report.hits[size].mean_f, DIGITS) for size in sizes},
        **{f"macro_{size}": round(report.hits[size].macro_f, DIGITS) for size in sizes},
        "classes": {name: figures(counts) for name, counts in report.hits[5].classes.items()},
        "drums": {name: figures(counts) for name, counts in report.hits[9].classes.items()},
        "false_hats": asdict(report.false_hats),
        "calibration_error": round(report.calibration.error, DIGITS) if report.calibration else None,
    }


def figures(counts: Counts) -> dict[str, float]:
    """F with the counts behind it."""
    return {"f": round(counts.f_measure, DIGITS), **asdict(counts)}


def _conditions(heard: Iterable[Heard]) -> dict[str, Any]:
    tables = by_condition(heard)
    tables.pop("condition", None)
    return {family: {name: _rounded(row_to_json(row)) for name, row in rows.items()} for family, rows in tables.items()}


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v | {"f": round(v["f"], DIGITS)} if isinstance(v, dict) else v for k, v in row.items()}


# ------------------------------------------------------------------------------------------------ generated music


def by_name(heard: Sequence[Heard]) -> dict[str, dict[str, float]]:
    """Figures of each condition of the generated set, then of all drums and all mixes."""
    groups: dict[str, list[Heard]] = defaultdict(list)
    for one in heard:
        groups[str(one.piece.facts.get("condition", "?"))].append(one)
    for one in heard:
        groups[f"all, {one.piece.facts.get('kind', '?')}"].append(one)
    return {name: {column: round(value, 3) for column, value in _columns(own).items()} for name, own in groups.items()}


def _columns(heard: list[Heard]) -> dict[str, float]:
    report = compare(songs_of(heard))
    mean = report.means
    columns = {
        "pieces": float(len(heard)),
        "hits_5": mean["hits_f_5"],
        "hits_9": mean["hits_f_9"],
        "audible_5": score_audible(heard).f_measure,
        "velocity": mean.get("velocity_rank_correlation", float("nan")),
        "beat_f": mean["beats_f_measure"],
        "cmlt": mean["beats_cmlt"],
        "amlt": mean["beats_amlt"],
        "downbeat_f": mean.get("beats_downbeat_f", float("nan")),
        "metre": float(np.mean([metre_share(one) for one in heard])),
        "notes": mean["written_f"],
    }
    return {name: value for name, value in columns.items() if not np.isnan(value)}


def metre_share(heard: Heard) -> float:
    """Share of the estimated bars that have as many beats as the true bar in which their middle lies; 0 without bars."""
    true, found = heard.true_beats, _bars(heard.performance.grid.beats)
    if true is None or true.numbers is None or not found:
        return 0.0
    bars = _bars([Beat(float(t), int(n)) for t, n in zip(true.times, true.numbers, strict=True)])
    if not bars:
        return 0.0
    starts: NDArray[np.float64] = np.array([start for start, _, _ in bars])
    inside = [(int(np.searchsorted(starts, (a + b) / 2, side="right")) - 1, beats) for a, b, beats in found]
    judged = [bars[max(i, 0)][2] == beats for i, beats in inside]
    return float(np.mean(judged))


def _bars(beats: Sequence[Beat]) -> list[tuple[float, float, int]]:
    """Start, end and number of beats of every whole bar."""
    at = [i for i, beat in enumerate(beats) if beat.number == 1]
    return [(beats[i].time, beats[j].time, j - i) for i, j in pairwise(at)]


def of_generated(heard: Sequence[Heard]) -> dict[str, Any]:
    """Figures of the generated music as a whole, of drums alone and of mixes."""
    strokes = sum(one.drum in VOCABULARIES[9] for piece in heard for one in piece.truth.hits)
    about: dict[str, Any] = {
        "pieces": len(heard),
        "minutes": round(sum(one.performance.duration for one in heard) / 60, 1),
        "strokes": strokes,
        "drowned": round(sum(len(one.drowned) for one in heard) / max(strokes, 1), 3),
    }
    for way, kind in WAYS.items():
        own = [one for one in heard if one.piece.facts.get("kind") == kind]
        if own:
            report = compare(songs_of(own))
            about[way] = _measures(report) | {"pieces": len(own)}
            about[way] |= {f"audible_{size}": figures(score_audible(own, vocabulary=size)) for size in (5, 9)}
            about[way] |= {
                name: round(report.means[mean], DIGITS)
                for name, mean in (("velocity", "velocity_rank_correlation"), ("velocity_error", "velocity_error"))
                if mean in report.means
            }
    about["conditions"] = _conditions(heard)
    return about


# ------------------------------------------------------------------------------------------------ isolated drums


def of_stems(mixes: Path, drums: Path) -> dict[str, Any]:
    """Figures of `light` on pairs of mix and drums, beside those of the mix itself and of the best mask there is."""
    found: list[Separated] = []
    songs: dict[str, Any] = {}
    for pair in find_pairs(mixes, drums):
        mix, true = (load_audio(path, options=INGEST) for path in (pair.mix, pair.drums))
        whole = mix.samples.mean(axis=0)
        reference = np.zeros_like(whole)
        reference[: true.samples.shape[1]] = true.samples.mean(axis=0)[: len(whole)]
        best = score_stem(reference[None], best_mask(whole, reference)[None], (whole - reference)[None], mix.sample_rate)
        plain = separate_pair(pair, SeparationOptions(backend="none"))
        found.append(separate_pair(pair, LIGHT))
        scores = {"mix": plain.drums, "drums": found[-1].drums, "drumless": found[-1].drumless, "best_mask": best}
        songs[pair.name] = {part: {k: round(v, 2) for k, v in asdict(own).items()} for part, own in scores.items()}
    about = summarise(found)
    return {
        "networks": [str(load_separator().ref)],
        "songs": songs,
        "cpu_seconds_per_minute": round(about["cpu_seconds_per_minute"], 2),
    }


# ------------------------------------------------------------------------------------------------ files


def save(document: Mapping[str, Any], pictures: Mapping[str, bytes] | None = None) -> None:
    """Write the figures and the pages, and pictures in the place of those that were."""
    texts = {FIGURES: json.dumps(document, indent=1) + "\n", **pages(document)}
    if pictures:
        beside = BARS.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for name, picture in pictures.items():
            (beside / name).write_bytes(picture)
        shutil.rmtree(BARS, ignore_errors=True)
        beside.rename(BARS)
    for path, text in texts.items():
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(text, "utf-8")
        beside.replace(path)


def main() -> int:
    """Measure, or write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the pages are what the file says")
    command = parser.add_subparsers(dest="command").add_parser("measure", help="hear everything that is at hand")
    command.add_argument("--mdb", type=Path, help="folder of MDB Drums")
    command.add_argument("--generated", type=Path, action="append", default=[], help="folder of a generated set; repeatable")
    command.add_argument("--written", type=float, nargs=2, metavar=("ALONE", "MIX"), help="another scorer's word on the scores")
    command.add_argument("--stems", type=Path, nargs=2, metavar=("MIXES", "DRUMS"), help="mixes, and the drums in them")
    given = parser.parse_args()
    try:
        return _run(given, parser)
    except DrumScribeError as error:
        raise SystemExit(error.message) from error


def _run(given: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if given.command == "measure":
        if not (given.mdb or given.generated or given.written or given.stems):
            parser.error("measure needs --mdb, --generated, --written or --stems")
        measure(given.mdb, given.generated, given.written, given.stems)
        return 0
    document = json.loads(FIGURES.read_text("utf-8"))
    if given.check:
        wrong = [path.name for path, text in pages(document).items() if path.read_text("utf-8") != text]
        if wrong:
            print(f"{', '.join(wrong)}: not what accuracy.json says; run `python scripts/accuracy.py`.", file=sys.stderr)
        return len(wrong)
    save(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
