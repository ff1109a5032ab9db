"""`drumscribe transcribe`: songs in, files out."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drumscribe.cli import interrupts
from drumscribe.cli.console import INTERNAL_ERROR, emit, progress_bar, say, start_logging
from drumscribe.cli.models import CacheDir, ManifestFile, cache_folder
from drumscribe.cli.outputs import DEFAULT_FORMATS, choose_names, save
from drumscribe.errors import DrumScribeError, OptionError
from drumscribe.options import (
    PDF_BACKENDS,
    SEPARATION_BACKENDS,
    BeatOptions,
    IngestOptions,
    NotationOptions,
    Options,
    PdfOptions,
    PickingOptions,
    SeparationOptions,
)
from drumscribe.outputs import OUTPUTS, Song, Warned, clean_title, parse_formats, render

if TYPE_CHECKING:
    from drumscribe.pipeline import Transcription
    from drumscribe.weights import Models

log = logging.getLogger(__name__)

#: What each warning of a transcription means.
_WARNINGS = {
    "bpm_unreliable": "the tempo is uncertain; --bpm sets it",
    "low_confidence": "many hits are uncertain",
    "no_hits": "no drums were heard",
}


@dataclass
class Report:
    """What became of one song."""

    song: str
    name: str
    status: str = "failed"
    files: dict[str, list[str]] = field(default_factory=dict)
    hits: int = 0
    bars: int = 0
    bpm: float | None = None
    confidence: float | None = None
    duration_seconds: float | None = None
    models: list[str] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    error: dict[str, Any] | None = None


def transcribe(
    songs: Annotated[list[str], typer.Argument(metavar="SONG...", help="Audio files, or YouTube addresses.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made when missing.")] = Path(),
    formats: Annotated[str, typer.Option(help=f"Comma-separated, of: {', '.join(OUTPUTS)}.")] = ",".join(DEFAULT_FORMATS),
    title: Annotated[str, typer.Option(help="Title of the score (one song only). [default: the file's own, else its name]")] = "",
    bpm: Annotated[float | None, typer.Option(help="The tempo, 40-300; found by itself unless given.")] = None,
    half: Annotated[bool, typer.Option("--half", help="Halve the tempo that was found.")] = False,
    double: Annotated[bool, typer.Option("--double", help="Double the tempo that was found.")] = False,
    downbeat: Annotated[int, typer.Option(help="Move every bar line this many beats later (negative: earlier).")] = 0,
    time_signature: Annotated[str, typer.Option(help="The metre, like 3/4 or 6/8; found by itself unless given.")] = "",
    voices: Annotated[int, typer.Option(help="2: hands up, feet down. 1: all on one stem.")] = 2,
    similes: Annotated[bool, typer.Option("--similes", help="Write repeated bars as repeat signs.")] = False,
    no_sections: Annotated[bool, typer.Option("--no-sections", help="Leave out the rehearsal letters.")] = False,
    sensitivity: Annotated[
        float, typer.Option(help="Above 0 finds more hits and invents more, below 0 fewer of both (-5 to 5).")
    ] = 0.0,
    separation: Annotated[str, typer.Option(help=f"Isolate the drums first: {' or '.join(SEPARATION_BACKENDS)}.")] = "none",
    separation_model: Annotated[str, typer.Option(help="Demucs model: a name, or a file of weights you trust.")] = "htdemucs",
    separation_folder: Annotated[str, typer.Option(help="Folder with its weights. [default: fetched once and kept]")] = "",
    device: Annotated[str, typer.Option(help="Where separation runs: auto, cpu or cuda.")] = "auto",
    pdf_backend: Annotated[str, typer.Option(help=f"Engraver: {', '.join(PDF_BACKENDS)}.", envvar="PDF_BACKEND")] = "lilypond",
    paper: Annotated[str, typer.Option(help="a4 or letter.")] = "a4",
    lilypond_bin: Annotated[str, typer.Option(help="LilyPond to use instead of the bundled one.", envvar="LILYPOND_BIN")] = "",
    musescore_bin: Annotated[str, typer.Option(help="MuseScore to use instead of the one on PATH.", envvar="MUSESCORE_BIN")] = "",
    pdf_timeout: Annotated[float, typer.Option(help="Seconds an engraver may take.", envvar="LILYPOND_TIMEOUT_SECONDS")] = 60.0,
    max_duration: Annotated[float, typer.Option(help="Longest song, in seconds.", envvar="MAX_DURATION_SECONDS")] = 900.0,
    model: Annotated[str, typer.Option(help="Networks to use, see `drumscribe models list`.")] = "default",
    cache_dir: CacheDir = None,
    manifest: ManifestFile = None,
    threads: Annotated[int | None, typer.Option(help="Threads for the networks. [default: one per core]")] = None,
    cookies: Annotated[Path | None, typer.Option(help="cookies.txt for sites that ask who you are.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the paths.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more, tracebacks included.")] = False,
) -> None:
    """Write drum sheet music for songs.

    Prints the path of every file to stdout. A song that fails leaves no file behind and does not stop the others.
    """
    start_logging(verbose=verbose, quiet=quiet)
    if half and double:
        raise OptionError("--half and --double exclude each other.")
    if title and len(songs) > 1:
        raise OptionError("--title is for one song; several were given.")
    if threads is not None and threads < 1:
        raise OptionError(f"--threads must be at least 1, not {threads}.")
    if not 1 <= pdf_timeout <= 3600:
        raise OptionError(f"--pdf-timeout must lie within 1 and 3600 s, not {pdf_timeout}.")
    if not 1 <= max_duration <= 86_400:
        raise OptionError(f"--max-duration must lie within 1 and 86400 s, not {max_duration}.")
    chosen = parse_formats(formats)
    options = Options(
        ingest=IngestOptions(max_duration_s=max_duration),
        separation=SeparationOptions(separation, separation_model, separation_folder, device),
        picking=PickingOptions(sensitivity=sensitivity),
        beats=BeatOptions(
            bpm=bpm, octave="half" if half else "double" if double else "", downbeat=downbeat, time_signature=time_signature
        ),
        notation=NotationOptions(voices=voices, title=title, similes=similes, sections=not no_sections),
        pdf=PdfOptions(pdf_backend, pdf_timeout, lilypond_bin, musescore_bin, paper),
    )

    from drumscribe.weights import load_models

    networks = load_models(model, threads=threads, manifest=manifest, cache=cache_folder(cache_dir))
    reports: list[Report] = []
    taken: set[str] = set()
    for song, name in zip(songs, choose_names(map(_stem, songs)), strict=True):
        report = Report(song, name)
        reports.append(report)
        if name != _stem(song) and not _is_address(song) and not quiet:
            say(f"{song}: written as {name}.*")
        try:
            _transcribe_one(report, out, taken, chosen, networks, options, cookies, shown=not quiet)
        except DrumScribeError as error:
            interrupts.check()  # a decoder cut short by a signal calls the file damaged
            log.debug("%s failed", song, exc_info=True)
            report.error = {
                "code": error.code,
                "message": error.message,
                "retryable": error.retryable,
                "exit_code": error.exit_code,
            }
        except Exception as error:  # a fault of ours in one song is no reason to lose the others
            interrupts.check()
            log.debug("%s failed", song, exc_info=True)
            message = f"Something went wrong inside DrumScribe ({type(error).__name__}: {error}). --verbose shows where."
            report.error = {"code": "internal_error", "message": message, "retryable": False, "exit_code": INTERNAL_ERROR}
        _tell(report, as_json=as_json, quiet=quiet)

    failures = [(report.song, report.error) for report in reports if report.error]
    codes = {error["exit_code"] for _, error in failures}
    status = 0 if not failures else codes.pop() if len(failures) == len(songs) and len(codes) == 1 else 1
    if as_json:
        emit(json.dumps({"schema_version": 1, "exit_code": status, "songs": [asdict(report) for report in reports]}, indent=2))
    if len(songs) > 1 and failures:
        say(f"{len(failures)} of {len(songs)} songs failed:")
        for song, error in failures:
            say(f"  {song}: {error['message']}")
    raise typer.Exit(status)


def _transcribe_one(
    report: Report,
    out: Path,
    taken: set[str],
    formats: Sequence[str],
    networks: Models,
    options: Options,
    cookies: Path | None,
    *,
    shown: bool,
) -> None:
    from drumscribe.pipeline import transcribe as transcribe_song
    from drumscribe.types import Progress

    with ExitStack() as stack:
        on_progress = stack.enter_context(progress_bar(report.name, shown=shown))
        path, title = Path(report.song), options.notation.title
        if _is_address(report.song):
            from drumscribe.youtube import download_youtube_audio

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="drumscribe-"))
            limit = options.ingest.max_duration_s
            fetched = download_youtube_audio(
                report.song, folder, max_duration_s=limit, cookies_file=cookies, on_progress=on_progress
            )
            path, title = fetched.path, title or clean_title(fetched.title)
        notation = replace(options.notation, title=title or _title(path))
        song = transcribe_song(path, models=networks, options=replace(options, notation=notation), on_progress=on_progress)
        made, warnings = render(Song.of(song), formats, lambda name: on_progress(Progress(f"writing {name}", 1.0)))
        interrupts.check()
        placed = save(out, report.name, made, taken)
    _fill(report, song, warnings, placed)


def _fill(report: Report, song: Transcription, warnings: Sequence[Warned], placed: dict[str, list[Path]]) -> None:
    report.status = "ok"
    report.files = {form: [str(path) for path in paths] for form, paths in placed.items() if paths}
    report.hits, report.bars, report.bpm = len(song.hits), len(song.score.bars), song.bpm
    report.confidence, report.duration_seconds = song.confidence, song.performance.duration
    report.models = list(song.models)
    heard = [Warned(code, _WARNINGS[code]) for code in song.warnings]
    report.warnings = [asdict(warning) for warning in (*heard, *warnings)]


def _tell(report: Report, *, as_json: bool, quiet: bool) -> None:
    if report.error:
        say(f"Error: {report.song}: {report.error['message']}")
        return
    for warning in report.warnings:
        if not quiet:
            say(f"Warning: {report.song}: {warning['message']} ({warning['code']})")
    if as_json:
        return
    for paths in report.files.values():
        for path in paths:
            emit(path)
    if not quiet:
        tempo = f", {report.bpm:.0f} bpm" if report.bpm else ""
        say(f"{report.song}: {report.bars} bars, {report.hits} hits{tempo}")


def _is_address(song: str) -> bool:
    return song.lower().startswith(("http://", "https://"))


def _stem(song: str) -> str:
    if _is_address(song):
        from urllib.parse import parse_qs, urlsplit

        parts = urlsplit(song)
        return parse_qs(parts.query).get("v", [parts.path.rpartition("/")[2]])[0] or "song"
    return Path(song).stem


def _title(path: Path) -> str:
    from drumscribe.audio import probe

    return clean_title(probe(path).title) or clean_title(path.stem)
