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

disable_created_metrics()

_P = ParamSpec("_P")

#: Shown as `drumscribe_jobs_total`.
JOBS = Counter("drumscribe_jobs", "Jobs that ended, by status: completed, failed or cancelled.", ["status"])
#: Shown as `drumscribe_jobs_failed_total`.
JOBS_FAILED = Counter("drumscribe_jobs_failed", "Jobs that failed, by stage.", ["stage"])
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
#: Shown as `drumscribe_audio_duration_processed_seconds_total`.
AUDIO_DURATION = Counter("drumscribe_audio_duration_processed_seconds", "Length of the recordings that were transcribed.")
#: Shown as `drumscribe_webhook_attempts_total`.
WEBHOOK_ATTEMPTS = Counter(
    "drumscribe_webhook_attempts", "Tries to deliver a webhook, by outcome: delivered, failed or given_up.", ["outcome"]
)
#: Shown as `drumscribe_malware_scans_total`.
MALWARE_SCANS = Counter("drumscribe_malware_scans", "Files shown to the malware scanner: clean, found or failed.", ["outcome"])
#: Shown as `drumscribe_http_requests_total`.
HTTP_REQUESTS = Counter("drumscribe_http_requests", "Requests that were answered.", ["method", "route", "status"])
HTTP_DURATION = Histogram(
    "drumscribe_http_request_duration_seconds",
    "Time until the answer to a request began.",
    ["method", "route"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_STAGES = ("ingest", "separation", "prediction", "transcription")
for _status in ("completed", "failed", "cancelled"):  # a series that exists before its first event can be added up
    JOBS.labels(_status)
for _outcome in ("delivered", "failed", "given_up"):
    WEBHOOK_ATTEMPTS.labels(_outcome)
for _outcome in ("clean", "found", "failed"):
    MALWARE_SCANS.labels(_outcome)
for _stage in _STAGES:
    JOBS_FAILED.labels(_stage)
    INFERENCE_LATENCY.labels(_stage)


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
def job_ended(status: str, *, stage: str | None = None, audio_seconds: float | None = None) -> None:
    """Count a job that ended; `stage` is where it failed."""
    JOBS.labels(status).inc()
    if status == "failed":
        JOBS_FAILED.labels(stage or "ingest").inc()
    elif status == "completed":
        AUDIO_DURATION.inc(audio_seconds or 0.0)


@_counting
def revision_ended(status: str) -> None:
    """Count a re-engraving that ended."""
    REVISIONS.labels(status).inc()


@_counting
def step_took(stage: str, seconds: float) -> None:
    """Count a step that succeeded."""
    INFERENCE_LATENCY.labels(stage).observe(seconds)


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
