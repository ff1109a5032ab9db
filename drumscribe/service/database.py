"""Sessions over SQLite or PostgreSQL, and the database's own clock.

Leases and waits are compared by the clock of the database, never by that of a process: workers whose clocks
disagree still agree on whose turn it is. On SQLite every transaction that may write takes the write lock at its start,
so that reading first and writing after cannot fail half-way.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, Float, create_engine, event, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

# ---------------------------------------------------------------------------------------------- time


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Aware on the Python side, `timestamptz` on PostgreSQL, UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without a time zone; SQLite gets UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class db_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The instant, by the database's clock."""

    type = UtcDateTime()
    inherit_cache = True


class db_seconds(FunctionElement[float]):  # noqa: N801
    """Seconds since 1970, by the database's clock."""

    type = Float(53)
    inherit_cache = True


@compiles(db_now, "postgresql")
def _now_postgresql(element: db_now, compiler: SQLCompiler, **_: Any) -> str:
    return "clock_timestamp()"


@compiles(db_now, "sqlite")
def _now_sqlite(element: db_now, compiler: SQLCompiler, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(db_seconds, "postgresql")
def _seconds_postgresql(element: db_seconds, compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(db_seconds, "sqlite")
def _seconds_sqlite(element: db_seconds, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


# ---------------------------------------------------------------------------------------------- sessions


#: A connection not used for so long is asked whether it still works.
_IDLE_S = 1.0

_AFTER_COMMIT = "after_commit"


class Sessions:
    """Opens sessions. One per request or step, at its rim; what runs inside never commits."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._make = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def write(self) -> Generator[Session]:
        """A transaction that is committed at the end of the block, or rolled back."""
        with self._make() as session:
            with session.begin():
                yield session
            for act in session.info.pop(_AFTER_COMMIT, ()):
                act()

    @contextmanager
    def read(self) -> Generator[Session]:
        """A transaction for looking only. On SQLite it does not wait for writers."""
        with self._make() as session:
            if self.engine.dialect.name == "sqlite":
                session.connection(execution_options={"drumscribe_read_only": True})
            yield session

    @contextmanager
    def glance(self) -> Generator[Connection]:
        """For one statement that is asked often: no transaction around it, on PostgreSQL one trip to the server and back."""
        is_sqlite = self.engine.dialect.name == "sqlite"
        with self.engine.connect() as connection:
            yield connection.execution_options(
                **{"drumscribe_read_only": True} if is_sqlite else {"isolation_level": "AUTOCOMMIT"}
            )

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def after_commit(session: Session, act: Callable[[], object]) -> None:
    """Do something once the session's transaction is committed, and not at all if it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(act)


def described(error: SQLAlchemyError) -> str:
    """What went wrong, without the statement and its values."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)


def open_database(url: str, *, pool_size: int = 10) -> Sessions:
    """Connect lazily to a database whose tables exist (`migrations.upgrade` makes them)."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(
            address,
            hide_parameters=True,  # values do not belong into logs
            connect_args={"timeout": 30.0, "check_same_thread": False},
            pool_size=pool_size,
            max_overflow=20,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        if address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    else:
        engine = create_engine(
            address,
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=10,
            pool_timeout=10,
            pool_recycle=1800,
            connect_args={
                "connect_timeout": 5,
                "options": "-c statement_timeout=30000 -c lock_timeout=15000",
                "fallback_application_name": "drumscribe",  # so that operators see whose a connection is
            },
        )
        _ping_what_was_idle(engine)
    return Sessions(engine)


def _ping_what_was_idle(engine: Engine) -> None:
    """Find out whether the server is still there, unless a connection was in use just now: asking costs as much as a query."""

    def note(_: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if time.monotonic() - record.info.get("used_at", math.inf) < _IDLE_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("The connection was lost while nobody used it.") from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", ping)


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin_sqlite` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    read_only = connection.get_execution_options().get("drumscribe_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def hold(session: Session, what: str) -> None:
    """Let one transaction at a time go on from here with this name, over all processes (to count, then insert)."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
