"""What can go wrong between the client and the server. Part of the tree in `drumscribe.errors`.

DrumScribeError
└── ClientError                 anything below
    ├── ApiError                the server refuses; `code` is the server's
    ├── ServerUnreachable       no answer, or none of DrumScribe's
    ├── WaitTimedOut            the job has not ended in time
    └── JobFailed               the job has ended without a result; `code` is the job's
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drumscribe import errors
from drumscribe.errors import DrumScribeError

if TYPE_CHECKING:
    from drumscribe.client.types import Job


class ClientError(DrumScribeError):
    """Root of the client's own errors."""

    code = "client_error"
    exit_code = 8


class ServerUnreachable(ClientError):
    """No answer came, or one that is not DrumScribe's."""

    code = "server_unreachable"
    retryable = True


class WaitTimedOut(ClientError):
    """The job goes on, and has not ended within the time given."""

    code = "wait_timed_out"
    retryable = True


class ApiError(ClientError):
    """The server refuses, with a problem of RFC 9457. `code`, `exit_code` and `retryable` are those of the problem.

    Attributes
    ----------
    status : int
        The HTTP status.
    retry_after_s : float or None
        When to try again, if the server says so.
    errors : tuple of (str, str)
        The fields that are not valid, each with what is wrong.
    problem : mapping
        All that the server said.
    """

    code = "api_error"

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after_s: float | None = None) -> None:
        message = str(problem.get("detail") or problem.get("title") or f"The server answered with HTTP status {status}.")
        super().__init__(message, status=status, retry_after_s=retry_after_s)
        self.status = status
        self.problem = problem
        self.retry_after_s = retry_after_s
        fields: list[Any] = problem.get("errors") or []
        self.errors = tuple((str(one.get("field", "")), str(one.get("message", ""))) for one in fields)
        retryable = bool(problem.get("retryable", status in (429, 502, 503, 504)))
        _take_over(self, str(problem.get("code") or f"http_{status}"), retryable)


class JobFailed(ClientError):
    """The job failed, was cancelled, or its result has been deleted. `code` and `retryable` are those of the job."""

    code = "no_result"

    def __init__(self, job: Job) -> None:
        self.job = job
        if job.error is not None:
            super().__init__(job.error.message, job_id=job.id)
            _take_over(self, job.error.code, job.error.retryable)
            return
        what = "its result has been deleted" if job.status == "expired" else f"it was {job.status}"
        super().__init__(f"There is no result of job {job.id}: {what}.", job_id=job.id)
        _take_over(self, f"job_{job.status}", False)


def _take_over(error: ClientError, code: str, retryable: bool) -> None:
    # The class says what its errors have in common; what one problem says about itself wins
    exit_code = _EXIT_CODES.get(code, error.exit_code)
    vars(error).update(code=code, retryable=retryable, exit_code=exit_code)


def _exit_codes(kind: type[DrumScribeError]) -> dict[str, int]:
    found = {kind.code: kind.exit_code} if kind.exit_code != DrumScribeError.exit_code else {}
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            found |= _exit_codes(child)
    return found


#: What fails on a server for a reason that the library knows ends a command as it would here.
_EXIT_CODES = {code: status for code, status in _exit_codes(DrumScribeError).items() if code != errors.Cancelled.code}
