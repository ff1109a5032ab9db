"""Several songs, one after the other: what became of each, told to people or as JSON, and the exit status of all."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from drumscribe.cli import interrupts
from drumscribe.cli.console import INTERNAL_ERROR, emit, say
from drumscribe.cli.outputs import choose_names
from drumscribe.errors import DrumScribeError

log = logging.getLogger(__name__)


@dataclass
class Report:
    """What became of one song."""

    song: str
    name: str
    status: str = "failed"
    files: dict[str, list[str]] = field(default_factory=dict)
    hits: int = 0
    bars: int | None = 0  #: None: not known
    bpm: float | None = None
    confidence: float | None = None
    duration_seconds: float | None = None
    models: list[str] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    error: dict[str, Any] | None = None


R = TypeVar("R", bound=Report)


def each_song(songs: Sequence[str], kind: type[R], work: Callable[[R], None], *, as_json: bool, quiet: bool) -> int:
    """Do the work for every song; one that fails does not stop the others. Returns the exit status."""
    reports: list[R] = []
    for song, name in zip(songs, choose_names(map(_stem, songs)), strict=True):
        report = kind(song, name)
        reports.append(report)
        if name != _stem(song) and not is_address(song) and not quiet:
            say(f"{song}: written as {name}.*")
        try:
            work(report)
        except DrumScribeError as error:
            interrupts.check()  # a decoder cut short by a signal calls the file damaged
            log.debug("%s failed", song, exc_info=True)
            report.error = failure(error)
        except Exception as error:  # a fault of ours in one song is no reason to lose the others
            interrupts.check()
            log.debug("%s failed", song, exc_info=True)
            message = f"Something went wrong inside DrumScribe ({type(error).__name__}: {error}). --verbose shows where."
            report.error = {"code": "internal_error", "message": message, "retryable": False, "exit_code": INTERNAL_ERROR}
        _tell(report, as_json=as_json, quiet=quiet)
    return _conclude(reports, as_json=as_json)


def failure(error: DrumScribeError) -> dict[str, Any]:
    """An error as it stands in the JSON document."""
    return {"code": error.code, "message": error.message, "retryable": error.retryable, "exit_code": error.exit_code}


def put_down(report: Report, placed: Mapping[str, Sequence[Path]]) -> None:
    """Note which files were written."""
    report.files = {form: [str(path) for path in paths] for form, paths in placed.items() if paths}


def is_address(song: str) -> bool:
    """Whether a song is a link."""
    return song.lower().startswith(("http://", "https://"))


def _conclude(reports: Sequence[Report], *, as_json: bool) -> int:
    failures = [(report.song, report.error) for report in reports if report.error]
    codes = {error["exit_code"] for _, error in failures}
    status = 0 if not failures else codes.pop() if len(failures) == len(reports) and len(codes) == 1 else 1
    if as_json:
        emit(json.dumps({"schema_version": 1, "exit_code": status, "songs": [asdict(report) for report in reports]}, indent=2))
    if len(reports) > 1 and failures:
        say(f"{len(failures)} of {len(reports)} songs failed:")
        for song, error in failures:
            say(f"  {song}: {error['message']}")
    return status


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
    if not quiet and report.status == "ok":
        bars = f"{report.bars} bars, " if report.bars is not None else ""
        tempo = f", {report.bpm:.0f} bpm" if report.bpm else ""
        say(f"{report.song}: {bars}{report.hits} hits{tempo}")


def _stem(song: str) -> str:
    if is_address(song):
        from urllib.parse import parse_qs, urlsplit

        parts = urlsplit(song)
        return parse_qs(parts.query).get("v", [parts.path.rpartition("/")[2]])[0] or "song"
    return Path(song).stem
