"""`drumscribe jobs`: what an operator may do to them by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from drumscribe.cli.console import emit, say
from drumscribe.errors import OptionError

app = typer.Typer(help="Jobs, for whoever runs the service.", no_args_is_help=True, rich_markup_mode=None)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the installation. [default: DATA_DIR]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.command("fail-stuck")
def fail_stuck(
    older_than: Annotated[str, typer.Option(help="Nothing was heard of them for so long: 90s, 30m, 2h, 1d.")] = "30m",
    message: Annotated[str, typer.Option(help="What their owners are told.")] = "Manual reset: worker lost",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """End jobs that wait although no worker takes them. Prints their ids. What a worker holds is not touched."""
    from drumscribe.cli.environment import open_sessions
    from drumscribe.service.jobs import lifecycle

    seconds = _parse_period(older_than)
    with open_sessions(data) as sessions, sessions.write() as session:
        failed = lifecycle.fail_stuck(session, older_than_s=seconds, message=message)
    if as_json:
        emit(json.dumps({"failed": failed}, indent=2))
        return
    for job_id in failed:
        emit(job_id)
    say(f"{len(failed)} {'job was' if len(failed) == 1 else 'jobs were'} ended.")


def _parse_period(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())
    if not match:
        raise OptionError(f"{text!r} is no length of time; write it like 90s, 30m, 2h or 1d.", older_than=text)
    return float(match[1]) * _SECONDS[match[2]]
