"""`drumscribe evaluate`: transcriptions against annotations, in the measures of the field."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from drumscribe.cli import interrupts
from drumscribe.cli.console import emit, progress_bar, say, start_logging
from drumscribe.cli.models import CacheDir, ManifestFile, cache_folder
from drumscribe.cli.outputs import choose_names, save
from drumscribe.errors import DrumScribeError, InputError, OptionError
from drumscribe.options import SEPARATION_BACKENDS, SeparationOptions
from drumscribe.outputs import Made, Song, render

if TYPE_CHECKING:
    from drumscribe.evaluation.layouts import Dataset
    from drumscribe.evaluation.runs import Heard
    from drumscribe.evaluation.stems import Separated
    from drumscribe.weights import Models

Kind = Literal["auto", "mdb", "enst", "rbma13", "idmt", "egmd", "mirex", "generated"]

#: What a comparison reads of a transcription.
_COMPARED = ("hits", "beats", "musicxml")


def evaluate(
    estimates: Annotated[
        Path, typer.Argument(help="Folder of transcriptions; with --transcribe, of recordings; alone, of a whole data set.")
    ],
    references: Annotated[
        Path | None, typer.Argument(help="Folder of annotations; files belong together by name. Not with a data set.")
    ] = None,
    tolerance: Annotated[float, typer.Option(help="How far a hit may lie from its reference, in seconds.")] = 0.05,
    transcribe: Annotated[bool, typer.Option("--transcribe", help="Transcribe the recordings in ESTIMATES first.")] = False,
    separation: Annotated[
        str | None,
        typer.Option(
            help=f"Isolate the drums of the mixes in ESTIMATES ({', '.join(SEPARATION_BACKENDS)}), and compare them with the "
            "drum stems in REFERENCES."
        ),
    ] = None,
    dataset: Annotated[
        Kind | None, typer.Option(help="The data set in ESTIMATES, transcribed and compared. [default: auto without REFERENCES]")
    ] = None,
    sound: Annotated[
        Literal["mix", "drums"] | None, typer.Option(help="What of a data set to hear: the full mix, or drums alone.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="A part of a data set, such as test, minus-one, realdrum or all.")] = None,
    drum_share: Annotated[
        float, typer.Option(help="Weight of the drums where a mix is made of drums and accompaniment (ENST).")
    ] = 2 / 3,
    limit: Annotated[int | None, typer.Option(help="Hear so many pieces of a data set, taken evenly from all.", min=1)] = None,
    worst: Annotated[
        Path | None, typer.Option(help="Draw the ten bars of a data set with the most mistakes into this folder.")
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Say what was found of a data set, and hear nothing.")] = False,
    model: Annotated[str, typer.Option(help="Networks to transcribe with, see `drumscribe models list`.")] = "default",
    cache_dir: CacheDir = None,
    manifest: ManifestFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more, tracebacks included.")] = False,
) -> None:
    """Compare transcriptions with annotations: hits, beats and the written score.

    Given the folder of MDB Drums, ENST-Drums, RBMA13, IDMT-SMT-Drums, E-GMD, Groove MIDI, a MIREX set or our generated set alone,
    it finds sound and annotations by that set's own layout. With --separation it compares isolated drums with the stems they
    should be. Recordings that cannot be used are named on stderr and make the exit status 1.
    """
    start_logging(verbose=verbose, quiet=quiet)
    if not 0 < tolerance <= 1:
        raise OptionError(f"--tolerance must lie within 0 and 1 s, not {tolerance}.")
    if references is None:
        if transcribe:
            raise OptionError("--transcribe needs REFERENCES; a data set is transcribed anyway.")
        if separation is not None:
            raise OptionError("--separation needs REFERENCES: a folder of drum stems.")
        from drumscribe.evaluation.datasets import find

        found = find(estimates, dataset or "auto", sound=sound, part=part, drum_share=drum_share)
        if list_only:
            return _list(found, as_json=as_json)
        networks = partial(_networks, model, manifest, cache_dir)
        return _evaluate_set(found.limited(limit), networks, tolerance, worst, as_json=as_json, quiet=quiet)
    if dataset is not None or sound is not None or part is not None or limit is not None or worst is not None or list_only:
        raise OptionError("--dataset, --sound, --part, --limit, --worst and --list are for a data set, which has no REFERENCES.")
    if separation is not None:
        if transcribe:
            raise OptionError("--separation compares stems, --transcribe hits: they exclude each other.")
        return _evaluate_stems(estimates, references, SeparationOptions(separation), as_json=as_json, quiet=quiet)
    from drumscribe.evaluation import evaluate_folder

    failed = 0
    with ExitStack() as stack:
        if transcribe:
            heard = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drumscribe-")))
            failed = _transcribe_all(estimates, heard, partial(_networks, model, manifest, cache_dir), shown=not quiet)
            estimates = heard
        report = evaluate_folder(estimates, references, tolerance=tolerance)
    emit(report.to_json().decode().rstrip() if as_json else report.text().rstrip())
    if failed:
        raise typer.Exit(1)
    return None


def _evaluate_stems(mixes: Path, stems: Path, options: SeparationOptions, *, as_json: bool, quiet: bool) -> None:
    from drumscribe.evaluation.stems import find_pairs, separate_pair, to_json, write_stem_table

    separated: list[Separated] = []
    pairs = find_pairs(mixes, stems)
    for pair in pairs:
        with progress_bar(pair.name, shown=not quiet) as on_progress:
            try:
                separated.append(separate_pair(pair, options, on_progress=on_progress))
            except InputError as error:
                interrupts.check()
                say(f"Error: {pair.name}: {error.message}")
    if separated:
        emit(json.dumps(to_json(separated, options.backend), indent=1) if as_json else write_stem_table(separated).rstrip())
    if len(separated) < len(pairs):
        raise typer.Exit(1)


def _networks(model: str, manifest: Path | None, cache_dir: Path | None) -> Models:
    from drumscribe.weights import load_models

    return load_models(model, manifest=manifest, cache=cache_folder(cache_dir))


def _list(dataset: Dataset, *, as_json: bool) -> None:
    """Say what was found, and what could not be paired."""
    about = _about(dataset)
    if as_json:
        emit(json.dumps(about, indent=1))
        return
    for piece in dataset.pieces:
        files = " + ".join(str(path) if weight == 1 else f"{weight:.2f} x {path}" for path, weight in piece.sound)
        emit(f"{piece.name}: {files}; {', '.join(map(str, piece.hits))}{f'; {piece.beats}' if piece.beats else ''}")
    for line in dataset.unpaired:
        emit(f"not paired: {line}")
    emit(_summary(dataset))


def _about(dataset: Dataset) -> dict[str, Any]:
    return {
        "kind": dataset.kind,
        "sound": dataset.sound,
        "part": dataset.part,
        "vocabularies": list(dataset.vocabularies),
        "pieces": [piece.name for piece in dataset.pieces],
        "unpaired": list(dataset.unpaired),
    }


def _summary(dataset: Dataset) -> str:
    lone = f", {len(dataset.unpaired)} not paired (--list names them)" if dataset.unpaired else ""
    return f"{dataset.kind}, {dataset.sound}, {dataset.part}: {len(dataset.pieces)} pieces{lone}"


def _evaluate_set(
    dataset: Dataset, networks: Callable[[], Models], tolerance: float, worst: Path | None, *, as_json: bool, quiet: bool
) -> None:
    from drumscribe.evaluation.conditions import by_condition, row_to_json, write_condition_tables
    from drumscribe.evaluation.report import compare
    from drumscribe.evaluation.runs import hear_piece, songs_of

    if not quiet:
        say(_summary(dataset))
    models = networks()
    heard: list[Heard] = []
    failed: list[str] = []
    for piece in dataset.pieces:
        with progress_bar(piece.name, shown=not quiet) as on_progress:
            try:
                heard.append(hear_piece(piece, models, on_progress=on_progress))
            except DrumScribeError as error:
                interrupts.check()
                say(f"Error: {piece.name}: {error.message}")
                failed.append(piece.name)
    report = compare(songs_of(heard), tolerance=tolerance, vocabularies=dataset.vocabularies)
    conditions = by_condition(heard, vocabularies=dataset.vocabularies, tolerance=tolerance)
    if worst is not None:
        _draw_worst(heard, worst, max(dataset.vocabularies), tolerance)
    if as_json:
        rows = {family: {name: row_to_json(row) for name, row in table.items()} for family, table in conditions.items()}
        document = {"dataset": _about(dataset) | {"failed": failed}, **json.loads(report.to_json()), "conditions": rows}
        emit(json.dumps(document, indent=1))
    else:
        emit(report.text() + "\n" + write_condition_tables(conditions).rstrip())
    if failed:
        raise typer.Exit(1)


def _draw_worst(heard: Sequence[Heard], folder: Path, vocabulary: int, tolerance: float) -> None:
    from drumscribe.evaluation.pictures import draw_bar
    from drumscribe.evaluation.runs import load_sound
    from drumscribe.evaluation.worst import worst_bars

    bars = worst_bars(heard, vocabulary=vocabulary, tolerance=tolerance)
    pictures = {f"-{n:02d}.png": draw_bar(bar, load_sound(bar.heard.piece)) for n, bar in enumerate(bars, start=1)}
    save(folder, "worst", {"png": Made(pictures)}, set())


def _transcribe_all(recordings: Path, out: Path, networks: Callable[[], Models], *, shown: bool) -> int:
    """Transcribe every recording of a folder, and return how many failed."""
    from drumscribe.errors import FileNotReadable
    from drumscribe.pipeline import transcribe as transcribe_song

    if not recordings.is_dir():
        raise FileNotReadable(f"{recordings} is not a folder.", path=str(recordings))
    models = networks()
    songs = sorted(path for path in recordings.iterdir() if path.is_file() and not path.name.startswith("."))
    taken: set[str] = set()
    failed = 0
    for song, name in zip(songs, choose_names(path.stem for path in songs), strict=True):
        with progress_bar(name, shown=shown) as on_progress:
            try:
                heard = transcribe_song(song, models=models, on_progress=on_progress)
            except DrumScribeError as error:
                interrupts.check()
                say(f"Error: {song}: {error.message}")
                failed += 1
                continue
            save(out, name, render(Song.of(heard), _COMPARED, lambda _: None)[0], taken)
    return failed
