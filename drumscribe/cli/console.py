"""What the commands say, and where: results to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from drumscribe.cli import interrupts

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from drumscribe.types import OnProgress, Progress

#: Exit status of a fault of ours (EX_SOFTWARE of sysexits.h).
INTERNAL_ERROR = 70

#: How each stage is called on screen.
_STAGES = {
    "ingest": "reading",
    "separate": "separating",
    "listen": "listening",
    "beats": "finding the beat",
    "engrave": "writing",
}


def say(message: str) -> None:
    """Print a line for a person, to stderr."""
    print(message, file=sys.stderr, flush=True)


def emit(result: str) -> None:
    """Print a result to stdout. A reader that has gone away is no failure: the work is done."""
    try:
        print(result, flush=True)
    except BrokenPipeError:
        # What follows, the flush at exit included, goes nowhere instead of ending in a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def start_logging(*, verbose: bool, quiet: bool) -> None:
    """Send our logs to stderr: warnings, everything with `verbose`, errors alone with `quiet`."""
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("drumscribe")
    log.handlers = [handler]
    log.setLevel(level)
    log.propagate = False


@contextmanager
def progress_bar(name: str, *, shown: bool) -> Generator[OnProgress]:
    """Give a callback that draws a bar on stderr while the block runs, and stops the work after a signal.

    It draws nothing unless `shown`, and stderr is a terminal.
    """
    with ExitStack() as stack:
        bar = stack.enter_context(_bar(name)) if shown and sys.stderr.isatty() else None

        def on_progress(progress: Progress) -> None:
            interrupts.check()
            if bar is not None:
                bar.update(bar.task_ids[0], completed=progress.fraction, description=_STAGES.get(progress.stage, progress.stage))

        yield on_progress


def _bar(name: str) -> Bar:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.fields[song]}"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("reading", total=1.0, song=escape(name))
    return bar
