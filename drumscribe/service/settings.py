"""Every setting of the service, in one class, by the names of its environment variables.

There is no switch between the two ways to run: addresses decide. Without `REDIS_URL` the jobs wait in the database and
`drumscribe serve` runs the worker beside the API (embedded); with it they travel through Celery (distributed).
Settings are made once per process by its entry point and passed down; nothing is read at import.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from drumscribe.options import PDF_BACKENDS, SEPARATION_BACKENDS

#: Words that stand in examples where a secret belongs, without what divides them; none may guard a deployment.
PLACEHOLDERS = frozenset(
    {"admin", "changeit", "drumscribe", "example", "minioadmin", "password", "placeholder", "postgres", "redis", "secret"}
)
#: The same, anywhere in a longer one.
PLACEHOLDER_PARTS = ("changeme", "changethis", "replaceme", "yourpassword", "yoursecret")

Names = Annotated[tuple[str, ...], NoDecode]


def is_placeholder(secret: str) -> bool:
    """Whether this stands in some example where a secret belongs."""
    plain = "".join(char for char in secret.lower() if char.isalnum())
    return plain in PLACEHOLDERS or any(part in plain for part in PLACEHOLDER_PARTS)


class Settings(BaseSettings):
    """What the operator decides. Lists are written with commas between their items."""

    model_config = SettingsConfigDict(
        env_file=None, extra="ignore", frozen=True, str_strip_whitespace=True, env_ignore_empty=True
    )

    ENV: Literal["development", "production"] = Field("development", description="`production` refuses placeholder secrets.")

    # ------------------------------------------------------------------ where things are kept
    DATA_DIR: Path = Field(Path("/data"), description="Folder of everything whose own place is not set.")
    DATABASE_URL: str = Field("", description="`postgresql+psycopg://…`; empty: an SQLite file in `DATA_DIR`.")
    DATABASE_POOL_SIZE: int = Field(10, ge=1, le=200, description="Connections that one process keeps open.")
    REDIS_URL: str = Field("", description="The broker, `redis://host:6379/0`; empty: embedded, no broker.")
    STORAGE_BACKEND: Literal["local", "s3"] = Field("local", description="Where artifacts are kept.")
    ARTIFACTS_DIR: Path | None = Field(None, description="Folder of the local storage; empty: `DATA_DIR`/artifacts.")
    S3_BUCKET: str = Field("", description="Bucket of the artifacts.")
    S3_PREFIX: str = Field("artifacts", description="What every key begins with.")
    S3_REGION: str = Field("us-east-1", description="Region of the bucket.")
    S3_ENDPOINT_URL: str = Field("", description="Address of an S3-compatible store; empty: AWS.")
    S3_PUBLIC_ENDPOINT_URL: str = Field("", description="The same store as browsers reach it; empty: `S3_ENDPOINT_URL`.")
    S3_ACCESS_KEY_ID: str = Field("", description="Empty: what boto3 finds by itself (environment, instance role).")
    S3_SECRET_ACCESS_KEY: SecretStr = Field(SecretStr(""), description="Belongs to `S3_ACCESS_KEY_ID`.")
    S3_PRESIGN: bool = Field(False, description="Answer downloads with a redirect to the store instead of passing bytes on.")

    # ------------------------------------------------------------------ models
    MODEL_URI: str = Field("", description="Drum model: http(s)://, s3://, file:// or a path; empty: the one that ships.")
    MODEL_VERSION: str = Field("v1.0.0", description="Version of `MODEL_URI`; a change fetches it again.")
    MODEL_SHA256: str = Field("", description="Hash of the file; needed for http(s) and s3.")
    MODEL_CACHE_DIR: Path | None = Field(None, description="Folder of fetched models; empty: `DATA_DIR`/models.")
    MODEL_THREADS: int = Field(0, ge=0, le=256, description="Threads of one inference; 0: one per physical core.")

    # ------------------------------------------------------------------ what is accepted
    MAX_FILE_SIZE_MB: int = Field(50, ge=1, le=10_000, description="Largest upload, in units of 1,000,000 bytes.")
    MAX_DURATION_SECONDS: float = Field(900, gt=5, le=36_000, description="Longest recording.")
    CLAMD_HOST: str = Field("", description="ClamAV's clamd, which every upload and download is shown to; empty: no scan.")
    CLAMD_PORT: int = Field(3310, ge=1, le=65535, description="Belongs to `CLAMD_HOST`.")
    CLAMD_TIMEOUT_SECONDS: float = Field(
        60, gt=0, le=600, description="One scan may take so long; without an answer the file is refused."
    )
    YOUTUBE_ENABLED: bool = Field(True, description="Whether YouTube links are accepted.")
    YOUTUBE_TIMEOUT_SECONDS: float = Field(120, gt=0, description="A download may take so long.")
    YOUTUBE_COOKIES_FILE: Path | None = Field(None, description="Cookies in Netscape format, for yt-dlp.")
    YOUTUBE_PROXY: str = Field("", description="Proxy for yt-dlp.")
    YOUTUBE_EXTRACTOR_ARGS: dict[str, dict[str, list[str]]] = Field(
        default_factory=dict,
        description='Arguments for yt-dlp\'s extractors, as JSON: `{"youtube": {"player_client": ["web"]}}`.',
    )
    YOUTUBE_ANY_SITE: bool = Field(False, description="Accept every link that yt-dlp can read.")
    YOUTUBE_ALLOWED_ENDPOINTS: Names = Field((), description="host:port that may be fetched from although not public.")
    SEPARATION_BACKEND: str = Field("none", description=f"One of {', '.join(SEPARATION_BACKENDS)}; jobs may choose.")
    SEPARATION_MODEL: str = Field("htdemucs", description="Name of the Demucs model, or a file.")

    # ------------------------------------------------------------------ pages
    PDF_BACKEND: str = Field("lilypond", description=f"One of {', '.join(PDF_BACKENDS)}.")
    LILYPOND_BIN: str = Field("", description="Empty: the LilyPond that came with the package.")
    LILYPOND_TIMEOUT_SECONDS: float = Field(60, gt=0, description="Engraving may take so long.")
    MUSESCORE_BIN: str = Field("", description="Empty: the MuseScore on PATH.")

    # ------------------------------------------------------------------ jobs
    JOB_LEASE_SECONDS: float = Field(30, gt=0.2, description="A worker not heard of for so long has lost its job.")
    JOB_MAX_ATTEMPTS: int = Field(6, ge=1, le=100, description="How often one step is tried.")
    JOB_RETRY_BASE_SECONDS: float = Field(5, ge=0, description="Wait before the second try; doubles each time, at most 5 min.")
    STEP_TIMEOUT_SECONDS: float = Field(1800, gt=1, description="A step that takes longer is ended with its process.")
    SWEEP_INTERVAL_SECONDS: float = Field(10, gt=0.1, description="How often lost work is looked for.")
    ARTIFACT_TTL_HOURS: float = Field(24, gt=0, description="Uploads and stems are kept so long after the job ends.")
    RESULT_TTL_HOURS: float = Field(24, gt=0, description="Results of anonymous users are kept so long.")
    ACCOUNT_RESULT_TTL_HOURS: float = Field(720, gt=0, description="Results of users with an account or key are kept so long.")
    WORKER_DEFAULT_MAX_MEMORY_KB: int = Field(
        512_000, ge=100_000, description="Resident set after which a worker of `default` is replaced."
    )
    WORKER_HEAVY_MAX_MEMORY_KB: int = Field(
        2_048_000, ge=100_000, description="The same for `heavy-compute`, and for the embedded worker."
    )
    WORKER_DEFAULT_CONCURRENCY: int = Field(4, ge=1, le=64, description="Processes of a worker of `default`.")

    # ------------------------------------------------------------------ who may do what
    AUTH_MODE: Literal["none", "keys", "jwt"] = Field(
        "none", description="none: by address; keys: API keys; jwt: accounts and keys."
    )
    JWT_SECRET: SecretStr = Field(SecretStr(""), description="Signs sessions; at least 32 characters; needed by `AUTH_MODE=jwt`.")
    JWT_ACCESS_MINUTES: float = Field(30, gt=0, description="Life of an access token.")
    JWT_REFRESH_DAYS: float = Field(30, gt=0, description="Life of a session that is not used.")
    OIDC_ISSUER: str = Field("", description="Accept access tokens of this OpenID provider too.")
    OIDC_AUDIENCE: str = Field("", description="The audience those tokens must name.")
    ALLOW_SIGNUP: bool = Field(True, description="Whether anyone may make an account with a password in `AUTH_MODE=jwt`.")
    MAX_CONCURRENT_JOBS_PER_USER: int = Field(3, ge=0, description="Unfinished jobs of one user; 0: no limit.")
    MAX_JOBS_PER_USER_PER_HOUR: int | None = Field(None, ge=0, description="0: no limit; empty: 10 in production, else none.")
    TRUSTED_PROXIES: Names = Field((), description="Addresses or networks whose `X-Forwarded-For` is believed.")
    CORS_ORIGINS: Names = Field(("http://localhost:3000",), description="Origins whose pages may call the API.")
    PUBLIC_URL: str = Field("", description="The API as its users reach it; empty: as the request says.")

    # ------------------------------------------------------------------ webhooks
    WEBHOOK_SECRET: SecretStr = Field(
        SecretStr(""), description="`whsec_…` for callers without one of their own; empty: made and kept."
    )
    WEBHOOK_TIMEOUT_SECONDS: float = Field(10, gt=0, le=120, description="A receiver may take so long.")
    WEBHOOK_MAX_ATTEMPTS: int = Field(10, ge=1, le=30, description="How often a message is tried, over about 30 hours.")
    WEBHOOK_RETRY_BASE_SECONDS: float = Field(5, gt=0, description="Scale of the waits between tries.")
    WEBHOOK_ALLOWED_ENDPOINTS: Names = Field((), description="host:port that may be called although not public.")

    # ------------------------------------------------------------------ watching it
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    PROMETHEUS_PORT: int = Field(0, ge=0, le=65535, description="Port on which a distributed worker shows its metrics; 0: none.")
    PROMETHEUS_MULTIPROC_DIR: Path | None = Field(
        None, description="Folder that processes of one machine share their metrics in."
    )
    SENTRY_DSN: SecretStr = Field(
        SecretStr(""),
        description="Where errors are reported, `https://key@host/project`; needs the extra `sentry`; empty: nowhere.",
    )
    OTEL_EXPORTER_OTLP_ENDPOINT: str = Field("", description="OTLP over HTTP, `http://host:4318`; empty: no traces.")

    @field_validator("YOUTUBE_ALLOWED_ENDPOINTS", "TRUSTED_PROXIES", "CORS_ORIGINS", "WEBHOOK_ALLOWED_ENDPOINTS", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator(
        "ARTIFACTS_DIR",
        "MODEL_CACHE_DIR",
        "YOUTUBE_COOKIES_FILE",
        "PROMETHEUS_MULTIPROC_DIR",
        "MAX_JOBS_PER_USER_PER_HOUR",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("TRUSTED_PROXIES")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            ipaddress.ip_network(part, strict=False)
        return value

    @field_validator("SEPARATION_BACKEND")
    @classmethod
    def _known_separation(cls, value: str) -> str:
        if value not in SEPARATION_BACKENDS:
            raise ValueError(f"must be one of {', '.join(SEPARATION_BACKENDS)}")
        return value

    @field_validator("PDF_BACKEND")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if value not in PDF_BACKENDS:
            raise ValueError(f"must be one of {', '.join(PDF_BACKENDS)}")
        return value

    @field_validator("SENTRY_DSN")
    @classmethod
    def _address_of_reports(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and not re.fullmatch(r"https?://[^@/\s]+@[^@/\s]+/(?:\S+/)?\d+", text):
            raise ValueError("must be https://key@host/project")
        return value

    @field_validator("WEBHOOK_SECRET")
    @classmethod
    def _signing_secret(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key = b""
        if text and not (text.startswith("whsec_") and 24 <= len(key) <= 64):
            raise ValueError("must be whsec_ and 24 to 64 random bytes in base64")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.REDIS_URL and self.is_sqlite:
            raise ValueError("REDIS_URL needs a DATABASE_URL of PostgreSQL: SQLite cannot be shared between machines.")
        if self.STORAGE_BACKEND == "s3" and not self.S3_BUCKET:
            raise ValueError("STORAGE_BACKEND=s3 needs S3_BUCKET.")
        if self.AUTH_MODE == "jwt" and len(self.JWT_SECRET.get_secret_value()) < 32:
            raise ValueError("AUTH_MODE=jwt needs a JWT_SECRET of at least 32 characters.")
        if self.OIDC_ISSUER and not self.OIDC_AUDIENCE:
            raise ValueError("OIDC_ISSUER needs OIDC_AUDIENCE: a token made for another service must not open this one.")
        if self.ENV == "production":
            self._refuse_placeholders()
        return self

    def _refuse_placeholders(self) -> None:
        from sqlalchemy.engine import make_url

        secrets = {
            "DATABASE_URL": make_url(self.database_url).password,
            "REDIS_URL": urlsplit(self.REDIS_URL).password,
            "JWT_SECRET": self.JWT_SECRET.get_secret_value(),
            "S3_ACCESS_KEY_ID": self.S3_ACCESS_KEY_ID,
            "S3_SECRET_ACCESS_KEY": self.S3_SECRET_ACCESS_KEY.get_secret_value(),
            "WEBHOOK_SECRET": self.WEBHOOK_SECRET.get_secret_value(),
            "SENTRY_DSN": urlsplit(self.SENTRY_DSN.get_secret_value()).username,
        }
        for name, secret in secrets.items():
            if secret and is_placeholder(str(secret)):
                raise ValueError(f"{name} holds a placeholder; set a secret of your own before going into production.")

    # ------------------------------------------------------------------ what follows from them
    @property
    def database_url(self) -> str:
        """`DATABASE_URL`, or the SQLite file in `DATA_DIR`."""
        return self.DATABASE_URL or f"sqlite:///{self.DATA_DIR / 'drumscribe.db'}"

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is one file."""
        return self.database_url.startswith("sqlite")

    @property
    def is_embedded(self) -> bool:
        """Whether jobs wait in the database instead of in a broker."""
        return not self.REDIS_URL

    @property
    def artifacts_dir(self) -> Path:
        """Folder of the local storage, and of what S3 keeps here for a while."""
        return self.ARTIFACTS_DIR or self.DATA_DIR / "artifacts"

    @property
    def model_cache_dir(self) -> Path:
        """Folder of fetched models."""
        return self.MODEL_CACHE_DIR or self.DATA_DIR / "models"

    @property
    def jobs_per_hour(self) -> int:
        """Jobs that one user may start within an hour; 0: no limit."""
        if self.MAX_JOBS_PER_USER_PER_HOUR is not None:
            return self.MAX_JOBS_PER_USER_PER_HOUR
        return 10 if self.ENV == "production" else 0

    @property
    def max_file_bytes(self) -> int:
        """Largest upload."""
        return self.MAX_FILE_SIZE_MB * 1_000_000

    @cached_property
    def trusted_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """`TRUSTED_PROXIES` as networks."""
        return tuple(ipaddress.ip_network(part, strict=False) for part in self.TRUSTED_PROXIES)
