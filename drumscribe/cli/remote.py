"""`drumscribe remote`: the same, done by a server."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drumscribe.cli import interrupts
from drumscribe.cli.console import emit, progress_bar, say, start_logging
from drumscribe.cli.outputs import DEFAULT_FORMATS, save
from drumscribe.cli.reports import Report, each_song, is_address, put_down
from drumscribe.errors import DrumScribeError, OptionError
from drumscribe.outputs import Made, Warned

if TYPE_CHECKING:
    from drumscribe.client import DrumScribeClient, Event, Job

app = typer.Typer(help="Let a server do the work.", no_args_is_help=True, rich_markup_mode=None)

#: Every format that a server makes, and what its file is called after the song's name.
SUFFIXES = {
    "hits": ".hits.json",
    "csv": ".hits.csv",
    "beats": ".beats.json",
    "musicxml": ".musicxml",
    "mxl": ".mxl",
    "midi": ".mid",
    "score-midi": ".score.mid",
    "pdf": ".pdf",
    "svg": ".svg",
    "png": ".png",
    "jams": ".jams",
    "tab": ".tab.txt",
    "picture": ".png",
    "performance": ".performance.json",
    "score": ".score.json",
    "audio": ".audio.flac",
    "drums": ".drums.wav",
    "drumless": ".drumless.flac",
}
_USUAL = ",".join(DEFAULT_FORMATS)
#: Work that takes long is not given up because a server restarts; a question is answered soon or not at all.
_PATIENCE_S = 60.0
#: Formats of which there is one file a page.
_PAGES = ("svg", "png")

Url = Annotated[str, typer.Option("--url", help="Address of the server.", envvar="DRUMSCRIBE_URL")]
Key = Annotated[str, typer.Option("--key", help="API key or access token.", envvar="DRUMSCRIBE_API_KEY")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Formats = Annotated[str, typer.Option(help=f"Comma-separated, of: {', '.join(SUFFIXES)}.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made when missing.")]


@dataclass
class RemoteReport(Report):
    """What became of one song, and which job it was."""

    bars: int | None = None
    job_id: str | None = None


@app.command("transcribe")
def transcribe(
    songs: Annotated[list[str], typer.Argument(metavar="SONG...", help="Audio files, or YouTube addresses.", show_default=False)],
    url: Url = "",
    key: Key = "",
    out: Out = Path(),
    formats: Formats = _USUAL,
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
    separation: Annotated[str, typer.Option(help="Isolate the drums first: none, light or demucs. [default: the server's]")] = "",
    paper: Annotated[str, typer.Option(help="a4 or letter.")] = "a4",
    model: Annotated[str, typer.Option(help="Networks to use, of those that the server has.")] = "default",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Hand the songs in, print the ids of their jobs and leave.")] = False,
    timeout: Annotated[float | None, typer.Option(help="Give up waiting for a song after so many seconds.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the paths.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more, tracebacks included.")] = False,
) -> None:
    """Have a server write drum sheet music for songs, and fetch it.

    Prints the path of every file to stdout. A song that fails leaves no file behind and does not stop the others. Ctrl-C
    cancels the job that is waited for.
    """
    start_logging(verbose=verbose, quiet=quiet)
    if half and double:
        raise OptionError("--half and --double exclude each other.")
    if title and len(songs) > 1:
        raise OptionError("--title is for one song; several were given.")
    chosen = _parse_formats(formats)
    wishes: dict[str, Any] = {
        "title": title or None,
        "bpm": bpm,
        "octave": "half" if half else "double" if double else None,
        "downbeat": downbeat or None,
        "time_signature": time_signature or None,
        "voices": voices,
        "similes": similes,
        "sections": not no_sections,
        "sensitivity": sensitivity or None,
        "separation": separation or None,
        "paper": paper,
        "model": model,
    }
    taken: set[str] = set()
    with _connect(url, key, patience_s=_PATIENCE_S) as client:

        def work(report: RemoteReport) -> None:
            is_link = is_address(report.song)
            source: dict[str, Any] = {"youtube_url": report.song} if is_link else {"file": Path(report.song)}
            report.job_id = client.create_job(**source, **wishes).id
            if no_wait:
                report.status = "submitted"
                if not as_json:
                    emit(report.job_id)
                return
            job = _wait(client, report, timeout, shown=not quiet)
            made, warnings = _fetch(client, report.job_id, chosen)
            interrupts.check()
            put_down(report, save(out, report.name, made, taken))
            _fill(report, job, warnings)

        status = each_song(songs, RemoteReport, work, as_json=as_json, quiet=quiet)
    raise typer.Exit(status)


@app.command("status")
def status(job: JobId, url: Url = "", key: Key = "", as_json: AsJson = False) -> None:
    """Show how far a job is."""
    with _connect(url, key) as client:
        found = client.job(job)
    emit(json.dumps(found.raw, indent=2) if as_json else _line(found))
    if found.error is not None:
        say(f"Error: {found.error.message} ({found.error.code})")


@app.command("list")
def list_(
    url: Url = "",
    key: Key = "",
    state: Annotated[str | None, typer.Option("--status", help="Only jobs in this state: queued, completed, …")] = None,
    search: Annotated[str | None, typer.Option(help="Only jobs whose title, file name or link contains this.")] = None,
    limit: Annotated[int, typer.Option(help="So many at most.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Show your jobs, newest first."""
    with _connect(url, key) as client:
        jobs = client.jobs(status=state, q=search, page_size=min(limit, 100))
        found = [job for job, _ in zip(jobs, range(limit), strict=False)]
    if as_json:
        emit(json.dumps({"jobs": [job.raw for job in found]}, indent=2))
    elif found:
        emit("\n".join(map(_line, found)))


@app.command("download")
def download(
    job: JobId,
    url: Url = "",
    key: Key = "",
    out: Out = Path(),
    formats: Formats = _USUAL,
    revision: Annotated[int | None, typer.Option(help="Version of the score. [default: the newest]", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the files of a completed job. They are named after its song, and appear together."""
    chosen = _parse_formats(formats)
    with _connect(url, key, patience_s=_PATIENCE_S) as client:
        found = client.job(job)
        name = Path(found.original_filename or found.title or job).stem or job
        made, warnings = _fetch(client, job, chosen, revision)
    report = RemoteReport(found.youtube_url or found.original_filename or job, _named(name), job_id=job)
    put_down(report, save(out, report.name, made, set()))
    for warning in warnings:
        say(f"Warning: {warning.message} ({warning.code})")
    if as_json:
        emit(json.dumps({"job_id": job, "files": report.files, "warnings": [asdict(one) for one in warnings]}, indent=2))
        return
    for paths in report.files.values():
        emit("\n".join(paths))


@app.command("share")
def share(
    job: JobId,
    url: Url = "",
    key: Key = "",
    with_audio: Annotated[bool, typer.Option("--with-audio", help="Let the recording be heard too.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Make none; show the links there are.")] = False,
    revoke: Annotated[str | None, typer.Option(help="Make none; let the link with this id show nothing any more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a link through which anybody who has it can read the score.

    Prints its id and where the web app shows it.
    """
    if only_list + with_audio + (revoke is not None) > 1:
        raise OptionError("--with-audio, --list and --revoke exclude each other.")
    with _connect(url, key) as client:
        if revoke is not None:
            client.revoke_share(job, revoke)
            return
        found = client.shares(job) if only_list else (client.share(job, with_audio=with_audio),)
    if as_json:
        emit(json.dumps({"shares": [link.raw for link in found]}, indent=2))
    elif found:
        emit("\n".join(f"{link.id}  {link.path}  {'score and recording' if link.with_audio else 'score'}" for link in found))


@app.command("cancel")
def cancel(job: JobId, url: Url = "", key: Key = "", as_json: AsJson = False) -> None:
    """Stop a job."""
    with _connect(url, key) as client:
        found = client.cancel(job)
    emit(json.dumps(found.raw, indent=2) if as_json else _line(found))


@app.command("delete")
def delete(
    jobs: Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids of jobs.", show_default=False)],
    url: Url = "",
    key: Key = "",
) -> None:
    """Stop jobs, and delete all that belongs to them."""
    with _connect(url, key) as client:
        for job in jobs:
            client.delete(job)


@app.command("health")
def health(url: Url = "", key: Key = "", as_json: AsJson = False) -> None:
    """Show how the server is. The exit status is 0 if it can work."""
    with _connect(url, key) as client:
        found = client.health()
    if as_json:
        emit(json.dumps(found.raw, indent=2))
    else:
        emit(f"{found.status}  DrumScribe {found.version} ({found.mode})")
        for name, check in found.checks.items():
            told: Any = check.get("status") if isinstance(check, dict) else check
            emit(f"  {name:<12} {told}")
    if found.status == "error":
        raise typer.Exit(_server_error())


# ---------------------------------------------------------------------------------------------- the parts


def _connect(url: str, key: str, *, patience_s: float = 8.0) -> DrumScribeClient:
    if not url:
        raise OptionError("Which server? Name it with --url or DRUMSCRIBE_URL.")
    try:
        from drumscribe.client import DrumScribeClient
    except ModuleNotFoundError as error:
        from drumscribe.errors import DependencyMissing

        raise DependencyMissing(f"This needs {error.name}: pip install 'drumscribe[client]'.", module=error.name) from error
    return DrumScribeClient(url, key or None, patience_s=patience_s)


def _server_error() -> int:
    from drumscribe.client import ClientError

    return ClientError.exit_code


def _parse_formats(text: str) -> tuple[str, ...]:
    chosen = [part.strip().lower() for part in text.split(",") if part.strip()]
    unknown = [name for name in chosen if name not in SUFFIXES]
    if unknown or not chosen:
        what = f"Unknown format {unknown[0]!r}." if unknown else "No format was named."
        raise OptionError(f"{what} Formats are: {', '.join(SUFFIXES)}.", formats=text)
    return tuple(name for name in SUFFIXES if name in chosen)


def _wait(client: DrumScribeClient, report: RemoteReport, timeout_s: float | None, *, shown: bool) -> Job:
    from drumscribe.types import Progress

    assert report.job_id is not None
    with ExitStack() as stack:
        bar = stack.enter_context(progress_bar(report.name, shown=shown))

        def on_event(event: Event) -> None:
            bar(Progress(event.stage or event.status.replace("_", " "), event.progress / 100))

        try:
            return client.wait(report.job_id, on_progress=on_event, timeout_s=timeout_s)
        except interrupts.Interrupted:
            # Nobody waits for it any more; that the server is away is no reason to stay either
            with suppress(DrumScribeError), client.with_patience(2.0) as hasty:
                hasty.cancel(report.job_id)
                say(f"Job {report.job_id} was cancelled.")
            raise


def _fetch(
    client: DrumScribeClient, job_id: str, formats: Sequence[str], revision: int | None = None
) -> tuple[dict[str, Made], list[Warned]]:
    from drumscribe.client import ApiError

    made: dict[str, Made] = {}
    warnings: list[Warned] = []
    with tempfile.TemporaryDirectory(prefix="drumscribe-") as folder:
        for form in formats:
            interrupts.check()
            try:
                path = client.download(job_id, form, to=Path(folder) / form, revision=revision)
            except ApiError as error:
                if error.code != "artifact_missing":
                    raise
                warnings.append(Warned(f"{form}_not_written".replace("-", "_"), f"The server has no {form} of this song."))
                continue
            made[form] = Made(_pages_of(path, form) if form in _PAGES else {SUFFIXES[form]: path.read_bytes()})
    return made, warnings


def _pages_of(path: Path, form: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as pages:
        names = sorted(pages.namelist(), key=lambda name: (len(name), name))
        return {f"-{number}.{form}": pages.read(name) for number, name in enumerate(names, start=1)}


def _fill(report: RemoteReport, job: Job, warnings: Sequence[Warned]) -> None:
    report.status = "ok"
    report.hits = sum(job.hit_summary.values())
    report.bpm = job.bpm if job.bpm is not None else job.detected_bpm
    report.confidence, report.duration_seconds = job.confidence_score, job.duration_seconds
    report.models = [job.model_version] if job.model_version else []
    report.warnings = [{"code": one.code, "message": one.message or one.code} for one in (*job.warnings, *warnings)]


def _named(name: str) -> str:
    from drumscribe.cli.outputs import choose_names

    return choose_names([name])[0]


def _line(job: Job) -> str:
    made = f"{job.created_at:%Y-%m-%d %H:%M}" if job.created_at else ""
    name = job.title or job.original_filename or job.youtube_url or ""
    return f"{job.id}  {job.status:<16} {job.progress:>3} %  {made}  {name}".rstrip()
