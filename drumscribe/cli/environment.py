"""What the commands of the service read from the environment."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drumscribe.errors import OptionError

if TYPE_CHECKING:
    from drumscribe.service.database import Sessions
    from drumscribe.service.settings import Settings
    from drumscribe.service.wiring import Services


def read_settings(data: Path | None = None) -> Settings:
    """Read the settings, and pass what was chosen here on to the processes that are started.

    Without any address the data lie where the system keeps those of a user.

    Raises
    ------
    OptionError
        If a variable cannot be understood, or two do not fit together.
    """
    try:
        import pydantic

        from drumscribe.service.settings import Settings
    except ModuleNotFoundError as error:
        from drumscribe.errors import DependencyMissing

        raise DependencyMissing(
            f"The service needs {error.name}: pip install 'drumscribe[service]'.", module=error.name
        ) from error
    addresses = ("DATA_DIR", "DATABASE_URL", "REDIS_URL")
    if data is not None:
        os.environ["DATA_DIR"] = str(data.absolute())
    elif not any(os.environ.get(name) for name in addresses):
        base = os.environ.get("XDG_DATA_HOME")
        os.environ["DATA_DIR"] = str((Path(base) if base else Path.home() / ".local" / "share") / "drumscribe")
    try:
        return Settings.model_validate({})
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise OptionError(f"{name}: {message}" if name else message, setting=name) from error


@contextmanager
def open_services(data: Path | None = None) -> Generator[Services]:
    """Services for a command that looks and leaves."""
    settings = read_settings(data)
    from sqlalchemy.exc import DBAPIError

    from drumscribe.service.errors import DatabaseUnavailable
    from drumscribe.service.wiring import build

    services = build(settings)
    try:
        yield services
    except DBAPIError as error:
        raise DatabaseUnavailable(f"The database cannot be used: {error.orig}.") from error
    finally:
        services.close()


@contextmanager
def open_sessions(data: Path | None = None) -> Generator[Sessions]:
    """The database alone."""
    with open_services(data) as services:
        yield services.sessions
