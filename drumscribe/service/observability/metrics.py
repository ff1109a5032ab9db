"""What processes count, by the names that Prometheus shows; `docs/observability.md` explains each.

Workers count, the API is asked: on one machine all processes share a folder (`PROMETHEUS_MULTIPROC_DIR`), and whoever is
scraped adds up what lies in it (`exposition`). That folder must be chosen before this module is imported, which is what
`exposition.share_metrics` is for. What can be read from the rows is not counted here but looked up when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import structlog
from prometheus_client import Counter, Histogram, disable_created_metrics

from drumscribe.errors import DownloadFailed, DrumScribeError, EditError, InputError, OptionError
from drumscribe.service.errors import MalwareFound

disable_created_metrics()

_P = ParamSpec("_P")

#: Shown as `drumscribe_jobs_total`.
JOBS = Counter("drumscribe_jobs", "Jobs that ended, by status: completed, failed or cancelled.", ["status"])
#: Shown as `drumscribe_jobs_failed_total`.
JOBS_FAILED = Counter("drumscribe_jobs_failed", "Jobs that failed, by stage.", ["stage"])
#: Shown as `drumscribe_job_faults_total`. Causes are few and known, so that the first of each can be seen as an increase.
JOB_FAULTS = Counter("drumscribe_job_faults", "Jobs that failed, by whose fault: caller, download or service.", ["fault"])
#: Shown as `drumscribe_job_warnings_total`.
JOB_WARNINGS = Counter("drumscribe_job_warnings", "Warnings that finished steps left with their jobs, by code.", ["code"])
#: Shown as `drumscribe_jobs_heard_total`.
JOBS_HEARD = Counter("drumscribe_jobs_heard", "Jobs whose strokes were heard, by version of the drum network.", ["model"])
#: Shown as `drumscribe_revisions_total`.
REVISIONS = Counter("drumscribe_revisions", "Re-engravings that ended, by status: completed or failed.", ["status"])
#: Shown as `drumscribe_step_retries_total`.
STEP_RETRIES = Counter("drumscribe_step_retries", "Steps put back to be tried again, by stage and cause.", ["stage", "code"])
INFERENCE_LATENCY = Histogram(
    "drumscribe_inference_latency_seconds",
    "Time that a step took, by stage.",
    ["stage"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600),
)
#: Shown as `drumscribe_step_seconds_total`. Unlike the histogram it has the time that led to nothing too: it is paid for as well.
STEP_SECONDS = Counter("drumscribe_step_seconds", "Time that workers spent on steps, by how they ended.", ["stage", "outcome"])
#: Shown as `drumscribe_audio_duration_processed_seconds_total`.
AUDIO_DURATION = Counter("drumscribe_audio_duration_processed_seconds", "Length of the recordings that were transcribed.")
#: Shown as `drumscribe_webhook_attempts_total`.
WEBHOOK_ATTEMPTS = Counter(
    "drumscribe_webhook_attempts", "Tries to deliver a webhook, by outcome: delivered, failed or given_up.", ["outcome"]
)
#: Shown as `drumscribe_malware_scans_total`.
MALWARE_SCANS = Counter("drumscribe_malware_scans", "Files shown to the malware scanner: clean, found or failed.", ["outcome"])
#: Shown as `drumscribe_duties_total`.
DUTIES = Counter("drumscribe_duties", "What is done from time to time, by outcome: done or failed.", ["duty", "outcome"])
#: Shown as `drumscribe_http_requests_total`.
HTTP_REQUESTS = Counter("drumscribe_http_requests", "Requests that were answered.", ["method", "route", "status"])
HTTP_DURATION = Histogram(
    "drumscribe_http_request_duration_seconds",
    "Time until the answer to a request began.",
    ["method", "route"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)

CALLER, DOWNLOAD, SERVICE = "caller", "download", "service"
COMPLETED, FAILED, GIVEN_BACK, ABANDONED = "completed", "failed", "given_back", "abandoned"
_STAGES = ("ingest", "separation", "prediction", "transcription")
for _status in ("completed", "failed", "cancelled"):  # a series that exists before its first event can be added up
    JOBS.labels(_status)
for _status in ("completed", "failed"):
    REVISIONS.labels(_status)
for _outcome in ("delivered", "failed", "given_up"):
    WEBHOOK_ATTEMPTS.labels(_outcome)
for _outcome in ("clean", "found", "failed"):
    MALWARE_SCANS.labels(_outcome)
for _stage in _STAGES:
    JOBS_FAILED.labels(_stage)
    INFERENCE_LATENCY.labels(_stage)
    for _outcome in (COMPLETED, FAILED, GIVEN_BACK, ABANDONED):
        STEP_SECONDS.labels(_stage, _outcome)
for _fault in (CALLER, DOWNLOAD, SERVICE):
    JOB_FAULTS.labels(_fault)
for _code in ("pdf_not_written", "pages_not_written", "low_confidence", "bpm_unreliable", "no_hits"):
    JOB_WARNINGS.labels(_code)
for _duty in ("sweep", "deliver", "clean_up"):
    for _outcome in ("done", "failed"):
        DUTIES.labels(_duty, _outcome)


def _counting(count: Callable[_P, None]) -> Callable[_P, None]:
    """What was done stays done when it cannot be counted: a folder that is gone or full is logged, not raised."""

    @wraps(count)
    def counted(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except OSError as error:
            structlog.get_logger(__name__).warning("metrics_not_written", error=str(error))

    return counted


@_counting
def job_ended(status: str, *, stage: str | None = None, code: str | None = None, audio_seconds: float | None = None) -> None:
    """Count a job that ended; `stage` is where it failed and `code` by what error."""
    JOBS.labels(status).inc()
    if status == "failed":
        JOBS_FAILED.labels(stage or "ingest").inc()
        JOB_FAULTS.labels(_fault_of(code or "")).inc()
    elif status == "completed":
        AUDIO_DURATION.inc(audio_seconds or 0.0)


@_counting
def revision_ended(status: str) -> None:
    """Count a re-engraving that ended."""
    REVISIONS.labels(status).inc()


@_counting
def step_ended(stage: str, outcome: str, seconds: float) -> None:
    """Count the time of a step that ended, by one of the outcomes above."""
    STEP_SECONDS.labels(stage, outcome).inc(seconds)
    if outcome == COMPLETED:
        INFERENCE_LATENCY.labels(stage).observe(seconds)


@_counting
def job_heard(model: str) -> None:
    """Count a job whose strokes a network has heard."""
    JOBS_HEARD.labels(model).inc()


@_counting
def job_warned(code: str) -> None:
    """Count a warning that a finished step left with its job."""
    JOB_WARNINGS.labels(code).inc()


@_counting
def duty_done(duty: str, *, failed: bool = False) -> None:
    """Count a sweep, a delivery or a clean-up."""
    DUTIES.labels(duty, "failed" if failed else "done").inc()


@_counting
def step_retried(stage: str, code: str) -> None:
    """Count a step that was put back."""
    STEP_RETRIES.labels(stage, code).inc()


@_counting
def webhook_attempted(outcome: str) -> None:
    """Count a try to deliver a webhook: delivered, failed (to be tried again) or given_up."""
    WEBHOOK_ATTEMPTS.labels(outcome).inc()


@_counting
def malware_scanned(outcome: str) -> None:
    """Count a file that the malware scanner was asked about: clean, found, or failed where it gave no answer."""
    MALWARE_SCANS.labels(outcome).inc()


@_counting
def request_answered(method: str, route: str, status: int, seconds: float | None) -> None:
    """Count a request; `seconds` until its answer began, None for one that says nothing about speed (WebSocket)."""
    HTTP_REQUESTS.labels(method, route, status).inc()
    if seconds is not None:
        HTTP_DURATION.labels(method, route).observe(seconds)


def _fault_of(code: str) -> str:
    """Who can do something about it: a recording that cannot be used is no fault of the service."""
    if code == DownloadFailed.code:
        return DOWNLOAD
    return CALLER if code in {OptionError.code, EditError.code, MalwareFound.code, *_codes(InputError)} else SERVICE


def _codes(kind: type[DrumScribeError]) -> set[str]:
    return {kind.code}.union(*(_codes(child) for child in kind.__subclasses__()))
