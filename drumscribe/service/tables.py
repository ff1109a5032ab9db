"""The tables. The row of a job is the truth about it; messages in a broker only say that it is worth a look.

Identifiers are UUIDs as text. Instants are `UtcDateTime`; what leases and waits are compared with are seconds by the
database's clock. Relations are written out in queries, never loaded behind one's back.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Float, ForeignKey, Index, Integer, MetaData, String, Text, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from drumscribe.service.database import UtcDateTime, db_now

#: A column of JSON: binary on PostgreSQL, text on SQLite. `None` is stored as SQL NULL.
Json = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
#: A growing number: SQLite counts only in columns that it calls INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """All tables, with constraint names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Status(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SEPARATING_DRUMS = "separating_drums"
    PREDICTING = "predicting"
    TRANSCRIBING = "transcribing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  #: it was completed, and what it made has been deleted

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in FINAL


FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
ACTIVE = tuple(status for status in Status if status not in FINAL)


class Job(Base):
    """One song to transcribe."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    status: Mapped[str] = mapped_column(String(20), default=Status.QUEUED)
    progress: Mapped[int] = mapped_column(Integer, default=0)  #: 0-100
    stage: Mapped[str | None] = mapped_column(String(40))  #: what the library says it is doing: ingest, separate, detect, …
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # what was asked
    input_type: Mapped[str] = mapped_column(String(10))  #: "upload" or "youtube"
    youtube_url: Mapped[str | None] = mapped_column(Text)
    original_filename: Mapped[str | None] = mapped_column(Text)
    input_name: Mapped[str | None] = mapped_column(String(100))  #: artifact name of the upload or download
    input_size: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text, default="")
    bpm: Mapped[float | None] = mapped_column(Float(53))
    model: Mapped[str] = mapped_column(String(100), default="default")
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  #: the rest of what was asked, as `JobOptions`
    priority: Mapped[int] = mapped_column(Integer, default=0)  #: 0-9, higher goes first
    webhook_url: Mapped[str | None] = mapped_column(Text)

    # whose it is
    user_identifier: Mapped[str] = mapped_column(String(100))  #: "ip:…", "key:…" or "user:…"
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))

    # what came out
    duration_seconds: Mapped[float | None] = mapped_column(Float(53))
    sample_rate: Mapped[int | None] = mapped_column(Integer)
    detected_bpm: Mapped[float | None] = mapped_column(Float(53))
    bpm_unreliable: Mapped[bool] = mapped_column(default=False)
    hit_summary: Mapped[dict[str, int] | None] = mapped_column(Json)
    confidence_score: Mapped[float | None] = mapped_column(Float(53))
    warnings: Mapped[list[dict[str, str]] | None] = mapped_column(Json)  #: [{"code", "message"}]
    model_version: Mapped[str | None] = mapped_column(String(200))
    compute_time_ms: Mapped[int] = mapped_column(Integer, default=0)  #: sum over the steps that succeeded
    revision: Mapped[int] = mapped_column(Integer, default=0)  #: newest finished revision; 0: none yet
    result_musicxml_path: Mapped[str | None] = mapped_column(Text)
    result_pdf_path: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_retryable: Mapped[bool | None] = mapped_column()
    error_stage: Mapped[str | None] = mapped_column(String(20))  #: ingest, separation, prediction, transcription

    # whose turn it is
    step: Mapped[str | None] = mapped_column(String(40))  #: the step that waits or runs; NULL: none
    working_on: Mapped[int] = mapped_column(Integer, default=1)  #: revision that the step works on
    attempt: Mapped[int] = mapped_column(Integer, default=0)  #: grows with every claim: the fencing token
    tries: Mapped[int] = mapped_column(Integer, default=0)  #: claims of this step
    leased_by: Mapped[str | None] = mapped_column(String(120))
    leased_until: Mapped[float | None] = mapped_column(Float(53))  #: seconds by the database's clock; NULL: nobody has it
    available_at: Mapped[float] = mapped_column(Float(53), default=0.0)  #: not before this, by the same clock
    sent_at: Mapped[float | None] = mapped_column(Float(53))  #: when its message was last sent
    celery_task_id: Mapped[str | None] = mapped_column(String(60))
    trace_context: Mapped[str | None] = mapped_column(String(200))  #: W3C traceparent of the request that made it
    version: Mapped[int] = mapped_column(Integer, default=0)  #: grows with every event: the ETag

    # how it goes away
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  #: asked to be deleted: no longer listed
    inputs_purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    results_purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_range"),
        CheckConstraint("input_type IN ('upload', 'youtube')", name="input_type_known"),
        Index(
            "ix_jobs_waiting",
            "step",
            "priority",
            "created_at",
            postgresql_where=text("step IS NOT NULL"),
            sqlite_where=text("step IS NOT NULL"),
        ),
        Index("ix_jobs_owner", "user_identifier", "created_at", "id"),
        Index("ix_jobs_status", "status", "finished_at"),
    )


class Revision(Base):
    """One version of a job's score: the transcription (1), a re-engraving or an edit (2, 3, …)."""

    __tablename__ = "revisions"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    base: Mapped[int | None] = mapped_column(Integer)  #: the revision whose performance it starts from
    status: Mapped[str] = mapped_column(String(20), default=Status.QUEUED)  #: queued, completed or failed
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  #: its whole `EngraveOptions`
    #: What a person has corrected in its base, in order; asked for by name, as there may be thousands
    edits: Mapped[list[dict[str, Any]] | None] = mapped_column(Json, deferred=True, deferred_raiseload=True)
    edit_count: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_message: Mapped[str | None] = mapped_column(Text)


class Artifact(Base):
    """A file that a step made (or the upload), entered when it lies in the storage whole. Never changed."""

    __tablename__ = "artifacts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)  #: "sheet_music.pdf"
    kind: Mapped[str] = mapped_column(String(10))  #: "input", "stem" (both short-lived), "result" or "internal"
    format: Mapped[str | None] = mapped_column(String(20))  #: what `/download/{format}` calls it
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())


class Event(Base):
    """What happened to a job, in order; polling, SSE and WebSocket all read this."""

    __tablename__ = "events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)  #: 1, 2, 3, … = `Job.version` after it
    type: Mapped[str] = mapped_column(String(20))  #: "status", "progress" or "revision"
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())


class Share(Base):
    """A link that shows a job's score to whoever has it. It is kept as it is, so that its owner can copy it again."""

    __tablename__ = "shares"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    token: Mapped[str] = mapped_column(String(22), unique=True)
    with_audio: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())


class IdempotencyKey(Base):
    """A job that was made under a key that its caller chose."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))  #: sha256 of what was asked
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())


class User(Base):
    """An account."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    email: Mapped[str | None] = mapped_column(String(320), unique=True)  #: lower case
    name: Mapped[str] = mapped_column(Text, default="")
    password_hash: Mapped[str | None] = mapped_column(Text)  #: Argon2id; NULL: signs in elsewhere
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True)  #: "issuer|sub"
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    priority: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())


class ApiKey(Base):
    """A key for programs. The key itself is shown once and not kept."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text, default="")
    prefix: Mapped[str] = mapped_column(String(20))  #: its first characters, to recognise it by
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)  #: sha256: the key is random, so no salt is needed
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    priority: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginSession(Base):
    """A signed-in device: the refresh token in force, as a hash. Using it replaces it; another that names it ends it."""

    __tablename__ = "login_sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginFailure(Base):
    """A failed attempt to sign in, kept for an hour to slow down guessing."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    subject: Mapped[str] = mapped_column(String(320), index=True)  #: e-mail or address
    at: Mapped[float] = mapped_column(Float(53))


class WebhookSecret(Base):
    """The secret that signs one owner's webhooks; the one before it goes on signing too until `previous_until`."""

    __tablename__ = "webhook_secrets"

    owner: Mapped[str] = mapped_column(String(100), primary_key=True)  #: user_identifier, or "*" for all others
    secret: Mapped[str] = mapped_column(String(100))
    previous: Mapped[str | None] = mapped_column(String(100))
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WebhookMessage(Base):
    """The outbox: a message about a job that has ended, written in the same transaction as its end."""

    __tablename__ = "webhook_messages"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  #: the `webhook-id`
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    owner: Mapped[str] = mapped_column(String(100))
    type: Mapped[str] = mapped_column(String(40))  #: "job.completed", "job.failed", "job.cancelled"
    url: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(12), default="pending")  #: pending, delivered or given_up
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[float] = mapped_column(Float(53), default=0.0)  #: by the database's clock
    leased_until: Mapped[float | None] = mapped_column(Float(53))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_webhook_messages_due", "status", "next_attempt_at"),)


class WebhookAttempt(Base):
    """One try to deliver a message: the delivery log."""

    __tablename__ = "webhook_attempts"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("webhook_messages.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, insert_default=db_now())
    status_code: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(Text)
    elapsed_ms: Mapped[int] = mapped_column(Integer)
