"""The service's metrics, by the names that Prometheus shows.

Workers count, the API is asked: on one machine all processes share a folder (`PROMETHEUS_MULTIPROC_DIR`), and whoever
is scraped adds up what lies in it. That folder must be set before this module is imported; entry points see to it.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

#: Shown as `drumscribe_jobs_total`.
JOBS = Counter("drumscribe_jobs", "Jobs that ended, by status.", ["status"])
#: Shown as `drumscribe_jobs_failed_total`.
JOBS_FAILED = Counter("drumscribe_jobs_failed", "Jobs that failed, by stage.", ["stage"])
STEP_RETRIES = Counter("drumscribe_step_retries", "Steps put back to be tried again, by stage and cause.", ["stage", "code"])
INFERENCE_LATENCY = Histogram(
    "drumscribe_inference_latency_seconds",
    "Time that a step took, by stage.",
    ["stage"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600),
)
#: Shown as `drumscribe_audio_duration_processed_seconds_total`.
AUDIO_DURATION = Counter("drumscribe_audio_duration_processed_seconds", "Length of the recordings that were transcribed.")
