"""What can go wrong around the library. Part of the tree in `drumscribe.errors`: same `code`, same sentence for a person.

HTTP statuses are not here but in `api/problems.py`.
"""

from __future__ import annotations

from drumscribe.errors import DrumScribeError


class ServiceError(DrumScribeError):
    """Root of the service's own errors."""

    code = "service_error"


class Unavailable(ServiceError):
    """Something that the service needs is away for the moment."""

    code = "unavailable"
    retryable = True


class StorageUnavailable(Unavailable):
    """The artifact storage cannot be reached."""

    code = "storage_unavailable"


class StorageFull(Unavailable):
    """The artifact storage has no room left."""

    code = "storage_full"


class BrokerUnavailable(Unavailable):
    """The message broker cannot be reached."""

    code = "broker_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached."""

    code = "database_unavailable"


class ArtifactMissing(ServiceError):
    """A file that should be in the storage is not."""

    code = "artifact_missing"


class StepCrashed(ServiceError):
    """A step failed in a way that nobody foresaw; the log has the trace."""

    code = "internal_error"
    retryable = True


class InvalidWebhookUrl(ServiceError):
    """A webhook may not, or cannot, be sent to this address."""

    code = "invalid_webhook_url"
