"""`drumscribe migrate`: the tables of the service, brought to a version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drumscribe.cli.console import emit, say


def migrate(
    to: Annotated[str, typer.Option(help="A revision; an older one takes the tables back, `base` removes them.")] = "head",
    data: Annotated[Path | None, typer.Option("--data", help="Data folder of the installation. [default: DATA_DIR]")] = None,
) -> None:
    """Bring the database to the newest version of the tables, or to another."""
    from drumscribe.cli.environment import open_sessions
    from drumscribe.service import migrations

    with open_sessions(data) as sessions:
        before = migrations.current(sessions)
        migrations.move(sessions, to)
        after = migrations.current(sessions)
    say("Nothing to do." if after == before else f"The tables were at {before or 'nothing'}.")
    emit(after or "base")
