"""`drumscribe queues`: the two queues of the broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from drumscribe.cli.console import emit, say

app = typer.Typer(help="The queues, for whoever runs the service.", no_args_is_help=True, rich_markup_mode=None)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the installation. [default: DATA_DIR]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("depth")
def depth(data: Data = None, as_json: AsJson = False) -> None:
    """Say how many messages wait in the broker, and how many steps in the database."""
    from drumscribe.cli.environment import open_services
    from drumscribe.service.jobs.plan import QUEUES
    from drumscribe.service.observability.gauges import read_rows

    with open_services(data) as services:
        messages = services.queue.depth()
        waiting = read_rows(services.sessions).waiting
    if as_json:
        emit(json.dumps({queue: {"messages": messages[queue], "steps": waiting[queue]} for queue in QUEUES}, indent=2))
        return
    for queue in QUEUES:
        emit(f"{queue:<14} {messages[queue]:>6} messages {waiting[queue]:>6} steps")


@app.command("purge")
def purge(
    message: Annotated[str, typer.Option(help="What the owners of the jobs are told.")] = "Manual reset: the queue was emptied",
    keep_jobs: Annotated[
        bool, typer.Option("--keep-jobs", help="Throw the messages away only: the sweep sends new ones.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Empty both queues, and end the jobs that wait in them. Nothing else in Redis is touched, nor what a worker holds."""
    from drumscribe.cli.environment import open_services
    from drumscribe.service.jobs import lifecycle

    with open_services(data) as services:
        messages = services.queue.purge()
        failed: list[str] = []
        if not keep_jobs:
            with services.sessions.write() as session:
                failed = lifecycle.fail_waiting(session, message=message)
    if as_json:
        emit(json.dumps({"messages": messages, "failed": failed}, indent=2))
        return
    for job_id in failed:
        emit(job_id)
    say(f"{messages} messages were thrown away, {len(failed)} jobs were ended.")
