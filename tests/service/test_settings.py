"""Settings that cannot work are refused at start, by name; the page names every one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from drumscribe.service.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]


def made(**values: Any) -> Settings:
    return Settings.model_validate(values)


def test_the_page_of_settings_is_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, str(CHECKOUT / "scripts" / "settings_page.py"), "--check"], check=False)
    assert done.returncode == 0


def test_without_any_address_it_runs_embedded_on_one_file() -> None:
    settings = made()
    assert settings.is_embedded
    assert settings.is_sqlite
    assert settings.database_url == "sqlite:////data/drumscribe.db"
    assert str(settings.artifacts_dir) == "/data/artifacts"
    assert str(settings.model_cache_dir) == "/data/models"
    assert settings.jobs_per_hour == 0


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"REDIS_URL": "redis://localhost"}, "REDIS_URL"),
        ({"STORAGE_BACKEND": "s3"}, "S3_BUCKET"),
        ({"STORAGE_BACKEND": "ftp"}, "STORAGE_BACKEND"),
        ({"AUTH_MODE": "jwt", "JWT_SECRET": "short"}, "JWT_SECRET"),
        ({"ENV": "production", "DATABASE_URL": "postgresql+psycopg://drumscribe:drumscribe@db/drumscribe"}, "DATABASE_URL"),
        ({"ENV": "production", "AUTH_MODE": "jwt", "JWT_SECRET": "changeme" * 5}, "JWT_SECRET"),
        ({"ENV": "production", "DATABASE_URL": "postgresql+psycopg://a:change-me-database-password@db/a"}, "DATABASE_URL"),
        ({"ENV": "production", "DATABASE_URL": "postgresql://a:Chan%67e_Me@db/a"}, "DATABASE_URL"),
        ({"ENV": "production", "DATABASE_URL": "postgresql://a:x@db/a", "REDIS_URL": "redis://:redis@q/0"}, "REDIS_URL"),
        ({"ENV": "production", "S3_SECRET_ACCESS_KEY": "minioadmin"}, "S3_SECRET_ACCESS_KEY"),
        ({"ENV": "production", "S3_ACCESS_KEY_ID": "change-me-key-id"}, "S3_ACCESS_KEY_ID"),
        ({"PDF_BACKEND": "word"}, "PDF_BACKEND"),
        ({"SEPARATION_BACKEND": "magic"}, "SEPARATION_BACKEND"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,nonsense"}, "TRUSTED_PROXIES"),
        ({"MAX_DURATION_SECONDS": "nan"}, "MAX_DURATION_SECONDS"),
        ({"MAX_FILE_SIZE_MB": "0"}, "MAX_FILE_SIZE_MB"),
        ({"JOB_LEASE_SECONDS": "-1"}, "JOB_LEASE_SECONDS"),
        ({"OIDC_ISSUER": "https://id.example.org"}, "OIDC_AUDIENCE"),
    ],
)
def test_what_cannot_work_is_refused_by_name(values: dict[str, str], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        made(**values)


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr])
def test_no_secret_may_be_a_placeholder_in_production(name: str) -> None:
    placeholder = "https://changeme@errors.example/1" if name == "SENTRY_DSN" else "whsec_" + 4 * "changeme"
    values = {"AUTH_MODE": "jwt", "JWT_SECRET": 40 * "x"} | {name: placeholder}
    assert made(**values)
    with pytest.raises(ValidationError, match=f"{name} holds a placeholder"):
        made(**values, ENV="production")


def test_lists_are_written_with_commas_and_empty_means_unset() -> None:
    settings = made(CORS_ORIGINS="https://a.example, https://b.example,", MAX_JOBS_PER_USER_PER_HOUR="", ENV="production")
    assert settings.CORS_ORIGINS == ("https://a.example", "https://b.example")
    assert settings.jobs_per_hour == 10


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(name, "")
    assert Settings() == made()


def test_secrets_are_not_shown() -> None:
    text = repr(made(AUTH_MODE="jwt", JWT_SECRET="a-secret-of-more-than-thirty-two-characters"))
    assert "a-secret" not in text
