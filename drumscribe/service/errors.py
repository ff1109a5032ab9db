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


class Unauthenticated(ServiceError):
    """Credentials are missing or not valid; `challenge` is what `WWW-Authenticate` says."""

    code = "unauthenticated"


class InvalidCredentials(Unauthenticated):
    """E-mail and password do not belong together."""

    code = "invalid_credentials"


class Forbidden(ServiceError):
    """The caller is known, and not allowed to do this."""

    code = "forbidden"


class WrongPassword(Forbidden):
    """Somebody signed in wants a change that needs the password, and does not know it."""

    code = "wrong_password"


class SignupClosed(Forbidden):
    """Accounts are made by the operator alone."""

    code = "signup_closed"


class AccountsDisabled(ServiceError):
    """There are no accounts in this `AUTH_MODE`."""

    code = "accounts_disabled"


class KeyNotFound(ServiceError):
    """The caller has no such key."""

    code = "key_not_found"


class UserNotFound(ServiceError):
    """There is no such account."""

    code = "user_not_found"


class EmailTaken(ServiceError):
    """There is an account with this e-mail."""

    code = "email_taken"


class TooManyKeys(ServiceError):
    """An account has as many keys as it may."""

    code = "too_many_keys"


class LimitReached(ServiceError):
    """More than is allowed for now; `retry_after_s` says when to try again, `headers` how much is allowed."""

    code = "limit_reached"
    retryable = True


class TooManyJobs(LimitReached):
    """The caller has as many unfinished jobs as allowed."""

    code = "too_many_jobs"


class RateLimited(LimitReached):
    """The caller has started as many jobs within an hour as allowed."""

    code = "rate_limited"


class TooManyAttempts(LimitReached):
    """Too many failed attempts to sign in, or accounts made, from one place or for one account."""

    code = "too_many_attempts"


class IdentityProviderUnavailable(Unavailable):
    """The OpenID provider's keys cannot be fetched."""

    code = "identity_provider_unavailable"


# ---------------------------------------------------------------------------------------------- requests


class MalformedRequest(ServiceError):
    """The body of a request cannot be taken apart."""

    code = "malformed_request"


class InvalidRequest(ServiceError):
    """A field of a request is missing or outside its range; `errors` lists them as {"field", "message"}."""

    code = "validation_error"


class UnsupportedMediaType(ServiceError):
    """Neither a form with a recording nor JSON, or a file that is no recording by its name or type."""

    code = "unsupported_media_type"


class FileTooLarge(ServiceError):
    """More bytes than are accepted."""

    code = "file_too_large"


class MalwareFound(ServiceError):
    """The malware scanner knows the file."""

    code = "malware_found"


class ScannerUnavailable(Unavailable):
    """The malware scanner gives no clear answer: nothing is let through meanwhile."""

    code = "scanner_unavailable"


class UploadStalled(ServiceError):
    """Nothing has arrived of an upload for too long."""

    code = "upload_stalled"
    retryable = True


class RangeNotSatisfiable(ServiceError):
    """The part of a file that is asked for lies behind its end."""

    code = "range_not_satisfiable"


class YoutubeDisabled(ServiceError):
    """This server takes no links."""

    code = "youtube_disabled"


class IdempotencyKeyReused(ServiceError):
    """The key stands for another request already."""

    code = "idempotency_key_reused"


class NotFound(ServiceError):
    """There is no such thing, or not for this caller."""

    code = "not_found"


class JobNotFound(NotFound):
    """There is no such job, or not for this caller."""

    code = "job_not_found"


class RevisionNotFound(NotFound):
    """The job has no such revision."""

    code = "revision_not_found"


class WebhookMessageNotFound(NotFound):
    """There is no such message to a receiver, or not for this caller."""

    code = "webhook_message_not_found"


class ShareNotFound(NotFound):
    """Nothing is to be seen through this link: it never existed, was revoked, or its job is gone."""

    code = "share_not_found"


class TooManyShares(ServiceError):
    """A job has as many links as it may."""

    code = "too_many_shares"


class JobNotCompleted(ServiceError):
    """There is no result yet."""

    code = "job_not_completed"


class JobHasFailed(ServiceError):
    """There will be no result."""

    code = "job_failed"


class JobCancelled(ServiceError):
    """There will be no result: the job was cancelled."""

    code = "job_cancelled"


class JobHasEnded(ServiceError):
    """There is nothing left to cancel."""

    code = "job_already_ended"


class ResultExpired(ServiceError):
    """There was a result; it has been deleted."""

    code = "result_expired"


class RevisionConflict(ServiceError):
    """The job has moved on from the revision that the change starts from."""

    code = "revision_conflict"


class UnknownFormat(ServiceError):
    """No file of that format is ever made."""

    code = "unknown_format"
