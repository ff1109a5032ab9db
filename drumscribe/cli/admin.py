"""`drumscribe admin`: accounts and keys, straight in the database of an installation."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drumscribe.cli.console import emit, say
from drumscribe.cli.environment import read_settings
from drumscribe.errors import OptionError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from drumscribe.service.tables import ApiKey, User

app = typer.Typer(help="Make accounts and keys.", no_args_is_help=True, rich_markup_mode=None)

DataFolder = Annotated[Path | None, typer.Option("--data", help="Data folder of the installation. [default: DATA_DIR]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Priority = Annotated[int, typer.Option(min=0, max=9, help="Jobs with a higher one go first.")]

_PERIODS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@app.command("create-key")
def create_key(
    name: Annotated[str, typer.Option(help="What it is for.")],
    scopes: Annotated[str, typer.Option(help="With commas: jobs:read, jobs:write, keys:write, admin.")] = "jobs:read,jobs:write",
    user: Annotated[str, typer.Option(help="E-mail or id of the account that it belongs to; empty: to nobody.")] = "",
    expires: Annotated[str, typer.Option(help="How long it is good, as 12h, 30d or 8w, or until when (ISO 8601).")] = "",
    priority: Priority = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it. It is not kept, and cannot be shown again."""
    from drumscribe.service.users import actions

    wanted = _scopes(scopes)
    with _database(data) as session:
        owner = _user(session, user) if user else None
        if owner is not None and "admin" in wanted and not owner.is_admin:
            raise OptionError(f"{user} is no administrator, so a key of theirs cannot be one either.")
        key, secret = actions.create_key(
            session,
            user_id=None if owner is None else owner.id,
            name=name,
            scopes=wanted,
            expires_at=_until(expires),
            priority=priority,
        )
        shown = _of_key(key, None if owner is None else owner.email)
    if as_json:
        emit(json.dumps(shown | {"key": secret}, indent=2))
        return
    say("Keep it safe: it is not shown again.")
    emit(secret)


@app.command("list-keys")
def list_keys(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show all keys, without the keys themselves."""
    from drumscribe.service.users import queries

    with _database(data) as session:
        now = queries.now(session)
        rows = [_of_key(key, email) for key, email in queries.all_keys(session)]
    if as_json:
        emit(json.dumps({"keys": rows}, indent=2))
        return
    for row in rows:
        ended = row["expires_at"] is not None and datetime.fromisoformat(row["expires_at"]) <= now
        state = "revoked" if row["revoked_at"] else "expired" if ended else "in force"
        used = row["last_used_at"] or "never used"
        emit(f"{row['prefix']}…  {state:<8}  {','.join(row['scopes']):<32}  {row['user'] or '-':<24}  {used:<32}  {row['name']}")


@app.command("revoke-key")
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, or its first characters as list-keys shows them.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a key open nothing from now on."""
    from drumscribe.service.errors import KeyNotFound
    from drumscribe.service.users import actions, queries

    with _database(data) as session:
        found = queries.key_by_id(session, key.removesuffix("…"))
        if found is None:
            raise KeyNotFound(f"There is no key {key}.")
        actions.revoke_key(session, found)
        shown = _of_key(found, None)
    emit(json.dumps(shown, indent=2) if as_json else f"{found.prefix}… is revoked.")


@app.command("create-user")
def create_user(
    email: Annotated[str, typer.Argument(help="Signs in with it.")],
    name: Annotated[str, typer.Option(help="How to call them.")] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(help="File whose first line is the password. [default: asked for]", exists=True, dir_okay=False),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything.")] = False,
    priority: Priority = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make an account with a password."""
    from drumscribe.service.users import actions
    from drumscribe.service.users.passwords import LONGEST, SHORTEST, hash_password

    try:
        email = actions.normal_email(email)
    except ValueError as error:
        raise OptionError(f"{email!r} is no e-mail address: {error}") from error
    if password_file is not None:
        password = password_file.read_text("utf-8").partition("\n")[0].rstrip("\r")
    else:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if not SHORTEST <= len(password) <= LONGEST:
        raise OptionError(f"A password has {SHORTEST} to {LONGEST} characters.")
    password_hash = hash_password(password)
    with _database(data) as session:
        user = actions.create_user(
            session, email=email, name=name, password_hash=password_hash, is_admin=admin, priority=priority
        )
        shown = _of_user(user)
    emit(json.dumps(shown, indent=2) if as_json else user.id)


@app.command("set-priority")
def set_priority(
    who: Annotated[str, typer.Argument(help="E-mail or id of an account, or id or first characters of a key.")],
    priority: Annotated[int, typer.Argument(min=0, max=9, help="Jobs with a higher one go first.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let the new jobs of an account or key go before others."""
    from drumscribe.service.users import queries

    with _database(data) as session:
        found = queries.key_by_id(session, who.removesuffix("…")) or _user(session, who)
        found.priority = priority
    emit(json.dumps({"id": found.id, "priority": priority}, indent=2) if as_json else f"{who} has priority {priority}.")


@contextmanager
def _database(data: Path | None) -> Generator[Session]:
    """One transaction in the database that `DATABASE_URL` or the data folder leads to."""
    from sqlalchemy.exc import DBAPIError

    from drumscribe.service import migrations
    from drumscribe.service.database import open_database
    from drumscribe.service.errors import DatabaseUnavailable

    settings = read_settings(data)
    if settings.is_sqlite and not settings.DATABASE_URL and not settings.DATA_DIR.is_dir():
        raise OptionError(f"There is no data folder {settings.DATA_DIR}; name it with --data or set DATABASE_URL.")
    sessions = open_database(settings.database_url, pool_size=1)
    try:
        if settings.is_sqlite:
            migrations.upgrade(sessions)  # as `serve` would: a key can be made before the first start
        with sessions.write() as session:
            yield session
    except DBAPIError as error:
        raise DatabaseUnavailable(f"The database cannot be used: {error.orig}.") from error
    finally:
        sessions.close()


def _user(session: Session, who: str) -> User:
    from drumscribe.service.errors import UserNotFound
    from drumscribe.service.users import queries

    found = queries.user_by_email(session, who.strip().lower()) or queries.user_by_id(session, who)
    if found is None:
        raise UserNotFound(f"There is no account {who}.")
    return found


def _scopes(text: str) -> frozenset[str]:
    from drumscribe.service.users.identity import SCOPES

    wanted = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(wanted - set(SCOPES))
    if unknown or not wanted:
        raise OptionError(f"Scopes are {', '.join(SCOPES)}; not {', '.join(unknown) or 'none at all'}.")
    return wanted


def _until(text: str) -> datetime | None:
    if not text:
        return None
    period = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text)
    if period:
        return datetime.now(UTC) + int(period[1]) * _PERIODS[period[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OptionError(f"{text!r} is neither a period such as 30d nor a date such as 2027-01-31.") from error
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= datetime.now(UTC):
        raise OptionError(f"{text} is in the past.")
    return moment


def _of_key(key: ApiKey, email: str | None) -> dict[str, Any]:
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes,
        "user": email or key.user_id,
        "priority": key.priority,
        "created_at": _iso(key.created_at),
        "last_used_at": _iso(key.last_used_at),
        "expires_at": _iso(key.expires_at),
        "revoked_at": _iso(key.revoked_at),
    }


def _of_user(user: User) -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "name": user.name, "is_admin": user.is_admin, "priority": user.priority}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
