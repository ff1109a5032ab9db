"""Where implementations are chosen, and the only place: settings in, services out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drumscribe.service.database import Sessions, open_database
from drumscribe.service.errors import BrokerUnavailable
from drumscribe.service.jobs.plan import Step
from drumscribe.service.queueing import CeleryQueue, JobQueue, LocalQueue
from drumscribe.service.settings import Settings

if TYPE_CHECKING:
    from drumscribe.service.storage import StorageBackend


@dataclass(frozen=True, slots=True)
class Services:
    """What the API and the workers work with."""

    settings: Settings
    sessions: Sessions
    storage: StorageBackend
    queue: JobQueue

    def nudge(self, step: Step | str, job_id: str, *, priority: int = 0) -> None:
        """Send the message about a step whose row is committed. A broker that is away is no error: the sweep sends it later."""
        import structlog

        name = step if isinstance(step, str) else step.name
        try:
            self.queue.send(name, job_id, priority=priority)
        except BrokerUnavailable as error:
            structlog.get_logger(__name__).warning("message_not_sent", job_id=job_id, step=name, error=str(error.__cause__))

    def close(self) -> None:
        """Give connections back."""
        self.sessions.close()


def build(settings: Settings) -> Services:
    """Choose by the settings' addresses. Nothing is connected to yet."""
    queue: JobQueue = LocalQueue() if settings.is_embedded else CeleryQueue(settings.REDIS_URL)
    sessions = open_database(settings.database_url, pool_size=settings.DATABASE_POOL_SIZE)
    return Services(settings, sessions, open_storage(settings), queue)


def open_storage(settings: Settings) -> StorageBackend:
    """The storage that `STORAGE_BACKEND` names."""
    if settings.STORAGE_BACKEND == "s3":
        from drumscribe.service.storage.s3 import S3StorageBackend

        return S3StorageBackend(
            bucket=settings.S3_BUCKET,
            prefix=settings.S3_PREFIX,
            region=settings.S3_REGION,
            endpoint_url=settings.S3_ENDPOINT_URL,
            public_endpoint_url=settings.S3_PUBLIC_ENDPOINT_URL,
            access_key_id=settings.S3_ACCESS_KEY_ID or None,
            secret_access_key=settings.S3_SECRET_ACCESS_KEY.get_secret_value() or None,
            cache_dir=settings.artifacts_dir / ".cache",
        )
    from drumscribe.service.storage.local import LocalStorageBackend

    return LocalStorageBackend(settings.artifacts_dir)
