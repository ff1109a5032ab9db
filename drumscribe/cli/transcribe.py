"""`drumscribe transcribe`: songs in, files out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from drumscribe.cli import interrupts
from drumscribe.cli.console import progress_bar, start_logging
from drumscribe.cli.models import CacheDir, ManifestFile, cache_folder
from drumscribe.cli.outputs import DEFAULT_FORMATS, save
from drumscribe.cli.reports import Report, each_song, is_address, put_down
from drumscribe.cli.stems import make_stems
from drumscribe.errors import OptionError
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

Stems = Literal["", "both", "pieces"]  #: none; drums and drumless; these and the pieces of the kit

#: What each warning of a transcription means.
_WARNINGS = {
    "bpm_unreliable": "the tempo is uncertain; --bpm sets it",
    "low_confidence": "many hits are uncertain",
    "no_hits": "no drums were heard",
}


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
    stems: Annotated[bool, typer.Option("--stems", help="Write the drums, and the song without them, as FLAC.")] = False,
    piece_stems: Annotated[
        bool, typer.Option("--piece-stems", help="The same, and kick, snare, toms and cymbals each alone.")
    ] = False,
    separation: Annotated[
        str | None,
        typer.Option(help=f"Isolates the drums: {', '.join(SEPARATION_BACKENDS)}. [default: light for stems, else none]"),
    ] = None,
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
    wanted: Stems = "pieces" if piece_stems else "both" if stems else ""
    if wanted and separation == "none":
        raise OptionError("Stems cannot be had with --separation none.")
    chosen = parse_formats(formats)
    backend = separation or ("light" if wanted else "none")
    options = Options(
        ingest=IngestOptions(max_duration_s=max_duration),
        separation=SeparationOptions(backend, separation_model, separation_folder, device, threads=threads),
        picking=PickingOptions(sensitivity=sensitivity),
        beats=BeatOptions(
            bpm=bpm, octave="half" if half else "double" if double else "", downbeat=downbeat, time_signature=time_signature
        ),
        notation=NotationOptions(voices=voices, title=title, similes=similes, sections=not no_sections),
        pdf=PdfOptions(pdf_backend, pdf_timeout, lilypond_bin, musescore_bin, paper),
    )

    from drumscribe.weights import load_models

    networks = load_models(model, threads=threads, manifest=manifest, cache=cache_folder(cache_dir))
    taken: set[str] = set()

    def work(report: Report) -> None:
        _transcribe_one(report, out, taken, chosen, wanted, networks, options, cookies, shown=not quiet)

    raise typer.Exit(each_song(songs, Report, work, as_json=as_json, quiet=quiet))


def _transcribe_one(
    report: Report,
    out: Path,
    taken: set[str],
    formats: Sequence[str],
    stems: Stems,
    networks: Models,
    options: Options,
    cookies: Path | None,
    *,
    shown: bool,
) -> None:
    from drumscribe.audio import load_audio
    from drumscribe.pipeline import transcribe as transcribe_song
    from drumscribe.types import Progress

    with ExitStack() as stack:
        on_progress = stack.enter_context(progress_bar(report.name, shown=shown))
        path, title = Path(report.song), options.notation.title
        if is_address(report.song):
            from drumscribe.youtube import download_youtube_audio

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="drumscribe-"))
            limit = options.ingest.max_duration_s
            fetched = download_youtube_audio(
                report.song, folder, max_duration_s=limit, cookies_file=cookies, on_progress=on_progress
            )
            path, title = fetched.path, title or clean_title(fetched.title)
        notation = replace(options.notation, title=title or _title(path))
        sound = load_audio(path, options=options.ingest) if stems else path
        song = transcribe_song(sound, models=networks, options=replace(options, notation=notation), on_progress=on_progress)
        made, warnings = render(Song.of(song), formats, lambda name: on_progress(Progress(f"writing {name}", 1.0)))
        if not isinstance(sound, Path):
            on_progress(Progress("writing stems", 1.0))
            made |= make_stems(sound, song.heard.stem, song.hits, pieces=stems == "pieces")
        interrupts.check()
        placed = save(out, report.name, made, taken)
    _fill(report, song, warnings, placed)


def _fill(report: Report, song: Transcription, warnings: Sequence[Warned], placed: dict[str, list[Path]]) -> None:
    report.status = "ok"
    put_down(report, placed)
    report.hits, report.bars, report.bpm = len(song.hits), len(song.score.bars), song.bpm
    report.confidence, report.duration_seconds = song.confidence, song.performance.duration
    report.models = list(song.models)
    heard = [Warned(code, _WARNINGS[code]) for code in song.warnings]
    report.warnings = [asdict(warning) for warning in (*heard, *warnings)]


def _title(path: Path) -> str:
    from drumscribe.audio import probe

    return clean_title(probe(path).title) or clean_title(path.stem)
