"""A job's row as its callers see it. Polled often: a row becomes a response without being validated again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from drumscribe.service.jobs.schemas import JobError, JobStatusResponse, WarningDetail
from drumscribe.service.settings import Settings
from drumscribe.service.tables import Status

#: Columns that are shown as they are.
_PLAIN = (
    "progress", "stage", "queue_position", "created_at", "updated_at", "started_at", "finished_at", "input_type",
    "youtube_url", "original_filename", "title", "bpm", "detected_bpm", "bpm_unreliable", "duration_seconds", "sample_rate",
    "hit_summary", "confidence_score", "compute_time_ms", "model", "model_version", "revision", "webhook_url", "error_message",
)  # fmt: skip


def etag_of(row: Row[Any]) -> str:
    """Changes with every event of the job, and while it waits with its place in the queue."""
    return f'"{row.version}"' if row.queue_position is None else f'"{row.version}.{row.queue_position}"'


def status_response(row: Row[Any], settings: Settings) -> JobStatusResponse:
    """What `queries.STATUS_COLUMNS` say."""
    found = row._mapping  # pyright: ignore[reportPrivateUsage]
    values: dict[str, Any] = {name: found[name] for name in _PLAIN}
    warnings = found["warnings"] or []
    job_id = UUID(row.id)
    error = None
    if found["error_code"] is not None:
        error = JobError.model_construct(
            code=found["error_code"],
            message=found["error_message"] or "",
            retryable=bool(found["error_retryable"]),
            stage=found["error_stage"],
        )
    return JobStatusResponse.model_construct(
        id=job_id,
        job_id=job_id,
        status=Status(row.status),
        expires_at=_expiry(row, settings),
        warnings=list(dict.fromkeys(warning["code"] for warning in warnings)),
        warning_details=[WarningDetail.model_construct(**warning) for warning in warnings],
        error=error,
        **values,
    )


def _expiry(row: Row[Any], settings: Settings) -> Any:
    if row.finished_at is None or row.status == Status.EXPIRED:
        return None
    is_anonymous = row.user_identifier.startswith("ip:")
    return row.finished_at + timedelta(
        hours=settings.RESULT_TTL_HOURS if is_anonymous else settings.ACCOUNT_RESULT_TTL_HOURS
    )  # fmt: skip
