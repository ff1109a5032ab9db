"""Errors told to a service that collects them, if `SENTRY_DSN` names one: Sentry, or anything that speaks its protocol.

Whatever is logged as an error or worse becomes a report, by us or by a library; there is no second list of what matters.
A report holds the trace with its lines of code, the fields of the log line, and who it happened to by a random identifier.
It never holds requests, values of variables or statements, and what the log would blank is blanked here too.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from structlog.types import EventDict, WrappedLogger

from drumscribe.errors import DependencyMissing

if TYPE_CHECKING:
    from sentry_sdk.types import Event

    from drumscribe.service.settings import Settings

_PATIENCE_S = 2.0
#: What these say would be told again and again: they are how reports travel.
_CARRIERS = ("sentry_sdk", "urllib3")

_told_by: list[int] = []  #: the process that reports; a forked child must begin for itself


def setup_error_tracking(settings: Settings) -> bool:
    """Report this process's errors from now on. False: there is no `SENTRY_DSN`, and the package is not even imported.

    In a worker that forks, to be called by each child too.

    Raises
    ------
    DependencyMissing
        If there is one, and the extra is not installed.
    """
    dsn = settings.SENTRY_DSN.get_secret_value()
    if not dsn:
        return False
    try:
        import sentry_sdk
    except ImportError as error:
        raise DependencyMissing("SENTRY_DSN needs the extra `sentry`: pip install 'drumscribe[sentry]'.") from error
    sentry_sdk.init(
        dsn=dsn,
        environment=settings.ENV,
        release=f"drumscribe@{version('drumscribe')}",
        server_name=os.uname().nodename,
        default_integrations=False,  # the log is the only source
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        send_client_reports=False,
        shutdown_timeout=_PATIENCE_S,
    )
    # a collector that is away would otherwise fill the log with its retries, three lines for each report
    logging.getLogger("urllib3.connectionpool").addFilter(_not_of_the_carrier)
    _told_by[:] = [os.getpid()]
    atexit.register(flush_reports)
    return True


def flush_reports() -> None:
    """Wait a moment for reports that are on their way; to be called before a process ends in a hurry."""
    if _told_by == [os.getpid()]:
        import sentry_sdk

        sentry_sdk.flush(_PATIENCE_S)


def report(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Report a line of the log if it is an error; the line itself goes on as it is. A processor of structlog."""
    is_error = line.get("level") in {"error", "critical"}
    if is_error and _told_by == [os.getpid()] and not str(line.get("logger", "")).startswith(_CARRIERS):
        import sentry_sdk
        from sentry_sdk.utils import capture_internal_exceptions

        with capture_internal_exceptions():  # a report that cannot be made must not cost the line
            sentry_sdk.capture_event(_event(line))
    return line


def _not_of_the_carrier(record: logging.LogRecord) -> bool:
    return not (record.threadName or "").startswith("sentry")


def _event(line: EventDict) -> Event:
    import sentry_sdk
    from sentry_sdk.utils import event_from_exception

    from drumscribe.service.observability.logs import redact

    kept = {name: value for name, value in line.items() if not name.startswith("_") and name not in {"exc_info", "step_started"}}
    fields = redact(None, "", kept)
    name = str(fields.pop("event"))
    user = fields.pop("user_id", None)
    event: dict[str, Any] = {
        "level": "fatal" if fields.pop("level") == "critical" else "error",
        "logger": fields.pop("logger", "drumscribe"),
        "logentry": {"formatted": name},
        "tags": {tag: str(fields[tag]) for tag in ("stage", "code", "route", "process") if tag in fields},
        "extra": fields,
        "fingerprint": [name, str(fields.get("code", "")), "{{ default }}"],
    }
    if user not in {None, "anonymous"}:
        event["user"] = {"id": user}
    if "trace_id" in fields and "span_id" in fields:
        event["contexts"] = {"trace": {"trace_id": fields["trace_id"], "span_id": fields["span_id"]}}
    raised = _raised(line.get("exc_info"))
    if raised is not None:
        told, _ = event_from_exception(raised, client_options=sentry_sdk.get_client().options)
        event["exception"] = _blanked(told.get("exception", {}))
    return cast("Event", event)


def _raised(told: object) -> BaseException | None:
    """The exception of a line, in any of the forms that loggers take."""
    if isinstance(told, tuple):
        told = cast("tuple[object, ...]", told)[1]
    elif told is True:
        told = sys.exc_info()[1]
    return told if isinstance(told, BaseException) else None


def _blanked(exception: Any) -> Any:
    from drumscribe.service.observability.logs import redact_text

    for one in exception.get("values", ()):
        one["value"] = redact_text(str(one.get("value") or ""))
    return exception
