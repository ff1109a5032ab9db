"""`drumscribe evaluate`: transcriptions against annotations, in the measures of the field."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from drumscribe.cli import interrupts
from drumscribe.cli.console import emit, progress_bar, say, start_logging
from drumscribe.cli.models import CacheDir, ManifestFile, cache_folder
from drumscribe.cli.outputs import choose_names, save
from drumscribe.errors import DrumScribeError, OptionError
from drumscribe.outputs import Song, render

#: What a comparison reads of a transcription.
_COMPARED = ("hits", "beats", "musicxml")


def evaluate(
    estimates: Annotated[Path, typer.Argument(help="Folder of transcriptions; with --transcribe, of recordings.")],
    references: Annotated[Path, typer.Argument(help="Folder of annotations; files belong together by name.")],
    tolerance: Annotated[float, typer.Option(help="How far a hit may lie from its reference, in seconds.")] = 0.05,
    transcribe: Annotated[bool, typer.Option("--transcribe", help="Transcribe the recordings in ESTIMATES first.")] = False,
    model: Annotated[str, typer.Option(help="Networks to transcribe with, see `drumscribe models list`.")] = "default",
    cache_dir: CacheDir = None,
    manifest: ManifestFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more, tracebacks included.")] = False,
) -> None:
    """Compare transcriptions with annotations: hits, beats and the written score.

    Recordings that cannot be transcribed are named on stderr and make the exit status 1.
    """
    from drumscribe.evaluation import evaluate_folder

    start_logging(verbose=verbose, quiet=quiet)
    if not 0 < tolerance <= 1:
        raise OptionError(f"--tolerance must lie within 0 and 1 s, not {tolerance}.")
    failed = 0
    with ExitStack() as stack:
        if transcribe:
            heard = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drumscribe-")))
            failed = _transcribe_all(estimates, heard, model, manifest, cache_folder(cache_dir), shown=not quiet)
            estimates = heard
        report = evaluate_folder(estimates, references, tolerance=tolerance)
    emit(report.to_json().decode().rstrip() if as_json else report.text().rstrip())
    if failed:
        raise typer.Exit(1)


def _transcribe_all(recordings: Path, out: Path, model: str, manifest: Path | None, cache: Path, *, shown: bool) -> int:
    """Transcribe every recording of a folder, and return how many failed."""
    from drumscribe.errors import FileNotReadable
    from drumscribe.pipeline import transcribe as transcribe_song
    from drumscribe.weights import load_models

    if not recordings.is_dir():
        raise FileNotReadable(f"{recordings} is not a folder.", path=str(recordings))
    networks = load_models(model, manifest=manifest, cache=cache)
    songs = sorted(path for path in recordings.iterdir() if path.is_file() and not path.name.startswith("."))
    taken: set[str] = set()
    failed = 0
    for song, name in zip(songs, choose_names(path.stem for path in songs), strict=True):
        with progress_bar(name, shown=shown) as on_progress:
            try:
                heard = transcribe_song(song, models=networks, on_progress=on_progress)
            except DrumScribeError as error:
                interrupts.check()
                say(f"Error: {song}: {error.message}")
                failed += 1
                continue
            save(out, name, render(Song.of(heard), _COMPARED, lambda _: None)[0], taken)
    return failed
