"""All commands together, and what happens when one fails."""

from __future__ import annotations

import io
import logging
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from drumscribe.cli import admin, evaluate, interrupts, jobs, migrate, models, queues, remote, serve, train, transcribe, worker
from drumscribe.cli.console import INTERNAL_ERROR, say
from drumscribe.errors import DrumScribeError

app = typer.Typer(
    name="drumscribe",
    help="Turns a song into drum sheet music.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("transcribe")(transcribe.transcribe)
app.command("evaluate")(evaluate.evaluate)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("beat")(worker.beat)
app.command("migrate")(migrate.migrate)
app.add_typer(jobs.app, name="jobs")
app.add_typer(queues.app, name="queues")
app.add_typer(models.app, name="models")
app.add_typer(train.app, name="train")
app.add_typer(admin.app, name="admin")
app.add_typer(remote.app, name="remote")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"drumscribe {version('drumscribe')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Turns a song into drum sheet music."""


def main() -> NoReturn:
    """Run the command that the arguments name, and exit with its status."""
    interrupts.watch()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # a path of any bytes is printed as those bytes
    try:
        typer.main.get_command(app)()
    except interrupts.Interrupted as stop:
        say("Stopped.")
        sys.exit(stop.exit_status)
    except DrumScribeError as error:
        say(f"Error: {error.message}")
        sys.exit(error.exit_code)
    except Exception as error:  # the last line of defence: a person gets a sentence, the trace is there for who asks
        say(f"Error: something went wrong inside DrumScribe ({type(error).__name__}: {error}). --verbose shows where.")
        if logging.getLogger("drumscribe").isEnabledFor(logging.DEBUG):
            traceback.print_exc()
        sys.exit(INTERNAL_ERROR)
    sys.exit(0)
