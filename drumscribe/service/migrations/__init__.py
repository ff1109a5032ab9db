"""Schema changes, in order. `upgrade` brings a database to the newest; `drumscribe migrate` calls it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from drumscribe.errors import OptionError
from drumscribe.service.database import Sessions

# Any number, as long as nobody else takes it: replicas that start together migrate one after the other
_LOCK = 7_367_227


def upgrade(sessions: Sessions, revision: str = "head") -> None:
    """Bring the tables up to a revision."""
    with sessions.engine.connect() as connection:
        _run(connection, command.upgrade, revision)


def downgrade(sessions: Sessions, revision: str) -> None:
    """Take the tables back to a revision; `base` removes them all."""
    with sessions.engine.connect() as connection:
        _run(connection, command.downgrade, revision)


def move(sessions: Sessions, revision: str) -> None:
    """Bring the tables up or take them back to a revision, whichever it is.

    Raises
    ------
    OptionError
        If there is no such revision.
    """
    newest_first = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    if revision not in ("head", "base", *newest_first):
        known = ", ".join(reversed(newest_first))
        raise OptionError(f"There is no revision {revision!r}. Known are: {known}.", revision=revision)
    at = current(sessions)
    if revision == "base" or (revision in newest_first and at and newest_first.index(revision) > newest_first.index(at)):
        downgrade(sessions, revision)
    else:
        upgrade(sessions, revision)


def current(sessions: Sessions) -> str | None:
    """The revision that the tables are at; None: there are none."""
    with sessions.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The revision that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def _run(connection: Connection, act: object, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        act(config, revision)  # type: ignore[operator]
