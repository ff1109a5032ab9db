"""Claim a step, do its part of the work, close it, pass the job on. The Celery tasks and the embedded worker both call it.

While the work runs, a thread renews the lease. Once the step is not the worker's any more (cancelled, or another worker
took it over), the next progress report raises `Cancelled` and nothing of what follows is kept.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from drumscribe.errors import Cancelled, DrumScribeError
from drumscribe.service.database import described
from drumscribe.service.errors import StepCrashed
from drumscribe.service.jobs import lifecycle
from drumscribe.service.jobs.lifecycle import Claim, Ended
from drumscribe.service.jobs.plan import BY_NAME, INGEST, PREDICT, SEPARATE, TRANSCRIBE, Step
from drumscribe.service.observability import metrics, traces, tracking
from drumscribe.service.scratch import scratch_folder
from drumscribe.service.steps.work import Done, Work
from drumscribe.service.tables import Job
from drumscribe.service.users.identity import logged_as
from drumscribe.service.wiring import Services
from drumscribe.types import Progress

log = structlog.get_logger(__name__)

#: Exit status of a process that ended itself because a step took too long.
STEP_TOOK_TOO_LONG = 70

_FAILED_EVENTS = {"separation": "separation_failed", "prediction": "prediction_failed"}


def worker_name() -> str:
    """Names this process in leases, logs and health reports."""
    return f"{os.uname().nodename}:{os.getpid()}"


def run_step(
    name: str, job_id: str, services: Services, *, message_id: str | None = None, stopping: Callable[[], bool] = lambda: False
) -> bool:
    """Run one step of one job if it is due. False: there was nothing to do.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        If the database cannot be reached; the lease runs out and the step is taken up again.
    """
    step = BY_NAME[name]
    settings = services.settings
    with services.sessions.write() as session:
        held = lifecycle.claim(
            session,
            step,
            job_id,
            worker=worker_name(),
            lease_s=settings.JOB_LEASE_SECONDS,
            max_attempts=settings.JOB_MAX_ATTEMPTS,
        )
        if held is None:
            return False
        job = session.scalars(select(Job).where(Job.id == job_id)).one()
        job.celery_task_id = message_id
        session.flush()
        session.expunge(job)
    with (
        structlog.contextvars.bound_contextvars(
            job_id=job_id,
            stage=step.stage,
            attempt=held.attempt,
            user_id=logged_as(job.user_identifier),
            step_started=time.perf_counter(),
        ),
        traces.span(
            step.name,
            parent=job.trace_context,
            attributes={"job.id": job_id, "job.stage": step.stage, "job.try": held.tries, "job.model": job.model},
        ),
    ):
        ended = _run(step, held, job, services, stopping)
    if ended is not None and ended.next_step is not None:
        services.nudge(ended.next_step, job_id, priority=job.priority)
    return True


def _run(step: Step, held: Claim, job: Job, services: Services, stopping: Callable[[], bool]) -> Ended | None:
    started = time.perf_counter()
    if step is SEPARATE:
        log.info("separation_start", elapsed_ms=0)
    watch = _Watch(held, services, stopping)
    try:
        with watch, scratch_folder() as scratch:
            done = _work_of(step)(Work(job, services, scratch, watch.on_progress, watch.check))
    except Cancelled:
        if watch.is_lost:
            metrics.step_ended(step.stage, metrics.ABANDONED, _since(started) / 1000)
            log.info("step_abandoned", elapsed_ms=_since(started))
            return None
        with services.sessions.write() as session:
            lifecycle.release(session, held)
        metrics.step_ended(step.stage, metrics.GIVEN_BACK, _since(started) / 1000)
        log.info("step_released", elapsed_ms=_since(started))
        return None
    except DBAPIError:
        raise
    except Exception as raised:
        error = raised if isinstance(raised, DrumScribeError) else _crash(raised)
        return _close_failed(step, held, services, error, started)
    elapsed_ms = _since(started)
    traces.describe(
        duration_seconds=done.values.get("duration_seconds", job.duration_seconds),
        model_version=done.values.get("model_version", job.model_version),
    )
    ended = _closing(services, lambda session: lifecycle.finish(
        session, held, values=done.values, artifacts=done.artifacts, elapsed_ms=elapsed_ms
    ))  # fmt: skip
    metrics.step_ended(step.stage, metrics.ABANDONED if ended is None else metrics.COMPLETED, elapsed_ms / 1000)
    if ended is None:
        log.info("step_abandoned", elapsed_ms=elapsed_ms)
        return None
    if step is PREDICT:
        metrics.job_heard(done.values["model_version"])
    if step is TRANSCRIBE:  # it repeats those of the step before
        for warning in done.values["warnings"]:
            metrics.job_warned(warning["code"])
    log.info("step_completed", elapsed_ms=elapsed_ms, status=str(ended.status))
    return ended


def _close_failed(step: Step, held: Claim, services: Services, error: DrumScribeError, started: float) -> Ended | None:
    settings = services.settings
    traces.failed(error)
    ended = _closing(services, lambda session: lifecycle.fail(
        session, held, error, max_attempts=settings.JOB_MAX_ATTEMPTS, retry_base_s=settings.JOB_RETRY_BASE_SECONDS
    ))  # fmt: skip
    metrics.step_ended(step.stage, metrics.ABANDONED if ended is None else metrics.FAILED, _since(started) / 1000)
    if ended is None:
        return None
    what = "step_will_be_retried" if ended.retry else _FAILED_EVENTS.get(step.stage, "step_failed")
    log.warning(
        what, elapsed_ms=_since(started), status=str(ended.status), error=error.message, code=error.code, tries=held.tries
    )
    if ended.retry:
        metrics.step_retried(step.stage, error.code)
    return ended


def _crash(raised: Exception) -> StepCrashed:
    log.error("step_crashed", exc_info=raised)
    crash = StepCrashed("Something went wrong inside DrumScribe.")
    crash.__cause__ = raised
    return crash


def _work_of(step: Step) -> Callable[[Work], Done]:
    if step is INGEST:
        from drumscribe.service.steps.ingest import ingest_audio

        return ingest_audio
    if step is SEPARATE:
        from drumscribe.service.steps.separate import separate_drums

        return separate_drums
    if step is PREDICT:
        from drumscribe.service.steps.predict import predict_hits

        return predict_hits
    assert step is TRANSCRIBE
    from drumscribe.service.steps.transcribe import transcribe_and_export

    return transcribe_and_export


@retry(
    retry=retry_if_exception_type(OperationalError),
    stop=stop_after_delay(20),
    wait=wait_random_exponential(0.2, max=3),
    reraise=True,
)
def _closing(services: Services, close: Callable[[Session], Ended | None]) -> Ended | None:
    with services.sessions.write() as session:
        return close(session)


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


class _Watch:
    """Keeps the lease while a step runs, tells its progress, and knows when it should stop."""

    #: A report is written when this much time or progress has passed since the last.
    _MIN_GAP_S, _MIN_PERCENT = 0.5, 5

    def __init__(self, held: Claim, services: Services, stopping: Callable[[], bool]) -> None:
        self._held, self._services, self._stopping = held, services, stopping
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{held.job_id}", daemon=True)
        self._told_at, self._told = 0.0, (held.step.begin, "")

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def is_lost(self) -> bool:
        """Whether the step is somebody else's now, or nobody's."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the step should stop."""
        if self._lost.is_set() or self._stopping():
            raise Cancelled("The job was cancelled.")

    def on_progress(self, progress: Progress) -> None:
        """Tell the job's followers how far it is."""
        self.check()
        step = self._held.step
        percent = step.begin + round(min(1.0, max(0.0, progress.fraction)) * (step.end - step.begin) * 0.98)
        now = time.monotonic()
        told_percent, told_stage = self._told
        if progress.stage == told_stage and (
            percent <= told_percent or (now - self._told_at < self._MIN_GAP_S and percent - told_percent < self._MIN_PERCENT)
        ):
            return
        if progress.stage != told_stage:
            traces.happened(progress.stage)
        self._told, self._told_at = (max(percent, told_percent), progress.stage), now
        try:
            with self._services.sessions.write() as session:
                if not lifecycle.report(session, self._held, progress=self._told[0], stage=progress.stage):
                    self._lost.set()
        except SQLAlchemyError as error:  # not worth stopping for: the lease decides
            log.warning("progress_not_written", error=described(error))
        self.check()

    def _keep(self) -> None:
        settings = self._services.settings
        began = time.monotonic()
        while not self._over.wait(settings.JOB_LEASE_SECONDS / 3):
            if time.monotonic() - began > settings.STEP_TIMEOUT_SECONDS:
                log.error("step_took_too_long", job_id=self._held.job_id, stage=self._held.step.stage, elapsed_ms=_since(began))
                tracking.flush_reports()
                os._exit(STEP_TOOK_TOO_LONG)
            try:
                with self._services.sessions.write() as session:
                    if not lifecycle.renew(session, self._held, lease_s=settings.JOB_LEASE_SECONDS):
                        self._lost.set()
            except SQLAlchemyError as error:  # also when no connection was free: the next time may do
                log.warning("lease_not_renewed", job_id=self._held.job_id, error=described(error))
