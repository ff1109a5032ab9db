"""`.env.example` holds placeholders, nothing starts in production with one, and Compose brings no secret of its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from drumscribe.service.settings import Settings, is_placeholder

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
SECRETS = {name: value for name, value in EXAMPLE.items() if re.search(r"PASSWORD|SECRET|KEY", name)}
GRAFANA = "GRAFANA_ADMIN_PASSWORD"


def test_what_is_secret_is_empty_or_a_placeholder() -> None:
    assert len(SECRETS) >= 5
    assert [name for name, value in SECRETS.items() if value and not is_placeholder(value)] == []


@pytest.mark.parametrize("name", [name for name, value in SECRETS.items() if value and name != GRAFANA])
def test_no_placeholder_of_it_starts_the_service_in_production(name: str) -> None:
    values = {"ENV": "production", "DATABASE_URL": "postgresql+psycopg://drumscribe:1kPq8sYw@postgres/drumscribe"}
    assert Settings.model_validate(values)
    if name == "POSTGRES_PASSWORD":
        assert f"DATABASE_URL: postgresql+psycopg://${{POSTGRES_USER:-drumscribe}}:${{{name}:?" in COMPOSE
        values["DATABASE_URL"] = values["DATABASE_URL"].replace("1kPq8sYw", SECRETS[name])
    else:
        values[name] = SECRETS[name]
    with pytest.raises(ValidationError, match="holds a placeholder"):
        Settings.model_validate(values)


@pytest.mark.parametrize(("password", "starts"), [("", False), ("admin", False), (SECRETS[GRAFANA], False), ("1kPq8sYw", True)])
def test_grafana_does_not_start_with_one_either(password: str, starts: bool) -> None:
    *shell, script = yaml.safe_load(COMPOSE)["services"]["grafana"]["entrypoint"]
    script = script.replace("$$", "$").replace("exec /run.sh", "echo started")
    done = subprocess.run(
        [*shell, script], env={"GF_SECURITY_ADMIN_PASSWORD": password}, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0, done.stdout == "started\n") == (starts, starts)


def test_compose_has_no_default_for_a_secret() -> None:
    defaults = dict(re.findall(r"\$\{([A-Z0-9_]*(?:PASSWORD|SECRET|KEY)[A-Z0-9_]*):-([^}]*)\}", COMPOSE))
    assert len(defaults) >= 3
    assert [name for name, value in defaults.items() if value] == []


def test_the_file_itself_stays_out_of_the_repository_and_of_images() -> None:
    done = subprocess.run(["git", "check-ignore", ".env", ".env.local"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [".env", ".env.local"]
    assert (ROOT / ".dockerignore").read_text().split("\n").index("**/.env*") > 0
