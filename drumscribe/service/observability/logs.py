"""Logs: one JSON object per line, whoever speaks.

Our own events and those of the libraries (uvicorn, Celery, SQLAlchemy, Alembic, warnings) take the same way: context,
time, trace, redaction, JSON. A line is written with one call of the operating system and holds no lock, so that forked
workers cannot inherit a held one; when nobody reads any more, the work goes on without a log.

Workers write to standard output. `serve` says there where it runs, so its log goes to standard error.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, cast

import structlog
from opentelemetry import trace
from structlog.types import EventDict, Processor, WrappedLogger

from drumscribe.service.observability.tracking import report

#: Libraries that say too much at INFO.
_QUIET = (
    "botocore",
    "boto3",
    "s3transfer",
    "urllib3",
    "httpx",
    "httpcore",
    "alembic",
    "opentelemetry",
    "kombu",
    "amqp",
    "asyncio",
)

REDACTED = "[redacted]"

#: Fields whose whole value is a secret.
_SECRET_FIELD = re.compile(
    r"(?:^|[_-])(?:pass(?:word|wd)?|secrets?|(?:access|refresh|id|api|auth|session|bearer)?_?tokens?|authorization|cookies?"
    r"|api[_-]?key|x-api-key|private[_-]?key|secret[_-]?(?:access[_-]?)?key|signature|credentials?|jwt)(?:$|[_-](?:hash|value)$)",
    re.IGNORECASE,
)

#: Secrets inside text. What is named `keep` stays, the rest goes.
_SECRETS = (
    re.compile(r"(?P<keep>[a-z][a-z0-9+.-]{0,30}://)[^\s/?#@\"'<>]+(?=@)", re.IGNORECASE),  # user:password@ of an address
    re.compile(
        r"(?P<keep>[?&;](?:x-amz-(?:signature|credential|security-token)|awsaccesskeyid|signature|sig|lsig|[a-z_-]*token"
        r"|password|passwd|secret|api_?key|key|code|auth|jwt)=)[^\s&;#\"'<>]+",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(
        r"(?P<keep>\b(?:set-cookie|cookie|authorization|proxy-authorization|x-api-key)['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<keep>\b[\w-]*(?:password|passwd|secret(?:_access_key)?|api_?key|token)['\"]?\s*[:=]\s*['\"]?)[^\s,;&'\"{}\[\]()]{3,}",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>)\bwhsec_[A-Za-z0-9+/=_-]+"),
    re.compile(r"(?P<keep>)\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"),
    re.compile(r"(?P<keep>)\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(?P<keep>\bds_[a-z]+_)[A-Za-z0-9_-]{8,}"),  # our API keys and refresh tokens
    re.compile(r"(?P<keep>/shared/)[A-Za-z0-9]{8,}"),  # links that show a score
)
#: None of the patterns above can match a text without one of these.
_SUSPICIOUS = re.compile(
    r"://|[?&;=]|bearer|cookie|authorization|key|token|secret|passw|eyJ|whsec_|AKIA|ASIA|ds_|/shared/", re.IGNORECASE
)
_DEEPEST = 6


def setup_logging(level: str = "INFO", *, file_descriptor: int = 1) -> None:
    """Send all logs of this process to a file descriptor, by default standard output. May be called again.

    Parameters
    ----------
    level : str
        Least level that is logged, `LOG_LEVEL`.
    file_descriptor : int
        Where the lines go.
    """
    number = logging.getLevelNamesMapping()[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _add_elapsed,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        report,
        structlog.processors.format_exc_info,
        redact,
    ]
    render = structlog.processors.JSONRenderer(default=str)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Lines(file_descriptor),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(file_descriptor)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), _drop_colours, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            use_get_message=True,
        )
    )
    root = logging.getLogger()
    for other in root.handlers[:]:
        if isinstance(other, _Handler):
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(number)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING) if number > logging.DEBUG else number)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda gone: _log_uncaught(gone.exc_type, gone.exc_value, gone.exc_traceback)


def leave_logging_to_us() -> None:
    """Keep Celery from adding handlers and formats of its own; to be called before its worker starts."""
    from celery.signals import setup_logging as celery_sets_up_logging

    celery_sets_up_logging.connect(_nothing_to_set_up)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank what must never be logged: keys, tokens, passwords, cookies, signatures and user names in addresses."""
    for name, value in event.items():
        event[name] = REDACTED if _SECRET_FIELD.search(name) and value not in (None, "") else _redacted(value)
    return event


def redact_text(text: str) -> str:
    """`text` without the secrets that can be told by their form."""
    if _SUSPICIOUS.search(text) is None:
        return text
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<keep>{REDACTED}", text)
    return text


def _redacted(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, int | float):
        return value
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if _SECRET_FIELD.search(str(name)) and item not in (None, "") else _redacted(item, depth + 1)
            for name, item in cast("Mapping[object, object]", value).items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item, depth + 1) for item in cast("list[object]", value)]
    return redact_text(str(value))


def _add_elapsed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """`elapsed_ms` since the step began, on every line that is written while it runs."""
    started = event.pop("step_started", None)
    if started is not None:
        event.setdefault("elapsed_ms", round((time.perf_counter() - started) * 1000))
    return event


def _drop_colours(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's own, for terminals
    return event


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid and context.trace_flags.sampled:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _log_uncaught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error or kind(), where)
        return
    structlog.get_logger(__name__).critical("uncaught_error", exc_info=(kind, error, where))


def _nothing_to_set_up(**_: object) -> None:
    """Celery asks whether somebody else sets up logging; having a receiver is the answer."""


def _write(file_descriptor: int, line: str) -> None:
    rest = (line + "\n").encode("ascii", "backslashreplace")
    try:
        while rest:
            rest = rest[os.write(file_descriptor, rest) :]
    except OSError:  # nobody reads any more, or the disk is full: no reason to fail a job
        return


class _Lines:
    """What structlog writes to."""

    def __init__(self, file_descriptor: int) -> None:
        self._file_descriptor = file_descriptor

    def msg(self, line: str) -> None:
        _write(self._file_descriptor, line)

    debug = info = warning = error = critical = msg


class _Handler(logging.Handler):
    """What the standard library's loggers write to."""

    def __init__(self, file_descriptor: int) -> None:
        super().__init__()
        self._file_descriptor = file_descriptor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
        else:
            _write(self._file_descriptor, line)
