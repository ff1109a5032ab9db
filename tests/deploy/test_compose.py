"""The containers as their files describe them. That they build, start and work is for `make stack-test`."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from drumscribe.service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "drumscribe-" in service["image"]]
DOCKERFILES = [ROOT / "backend" / "Dockerfile.api", ROOT / "backend" / "Dockerfile.worker", ROOT / "frontend" / "Dockerfile"]

#: Checklist 298-301: memory, reservation, seconds to end in.
PROMISED = {
    "api": ("512M", "256M", "30s"),
    "worker-default": ("1G", "512M", "120s"),
    "worker-heavy": ("4G", "2G", "300s"),
    "frontend": ("384M", "128M", "15s"),
    "celery-beat": ("256M", "128M", "10s"),
}
#: Checklist 280-286, C27: interval, start period, retries.
HEALTH = {
    "api": ("15s", "10s", 3),
    "frontend": ("15s", "15s", 3),
    "worker-default": ("30s", "60s", 3),
    "worker-heavy": ("30s", "120s", 3),
    "celery-beat": ("30s", "15s", 3),
    "postgres": ("5s", "30s", 5),
    "redis": ("5s", None, 5),
}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


def test_the_services_of_the_checklist_are_there() -> None:
    always = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert always == {*PROMISED, "migrate", "postgres", "redis"}
    assert set(COMPOSE["volumes"]) >= {"artifacts", "models", "pgdata", "redisdata"}


def _written(value: str) -> str:
    """What stands there unless a variable says otherwise."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


@pytest.mark.parametrize("name", PROMISED)
def test_limits_and_grace_are_the_promised_ones(name: str) -> None:
    resources = SERVICES[name]["deploy"]["resources"]
    found = _written(resources["limits"]["memory"]), _written(resources["reservations"]["memory"])
    assert (*found, SERVICES[name]["stop_grace_period"]) == PROMISED[name]


@pytest.mark.parametrize("name", HEALTH)
def test_health_is_asked_as_promised(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert (check["interval"], check.get("start_period"), check["retries"]) == HEALTH[name]


def test_databases_are_reached_from_inside_only() -> None:
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    open_to_all = {
        name for name, service in SERVICES.items() if any(not port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    }
    assert {name: SERVICES[name]["ports"][0].split(":$", 1)[0] for name in open_to_all} == {
        "frontend": "${BIND_ADDRESS:-127.0.0.1}",
        "api": "${BIND_ADDRESS:-127.0.0.1}",
    }


def test_every_setting_that_is_passed_on_exists() -> None:
    for name in OURS:
        if name != "frontend":
            passed = set(SERVICES[name]["environment"]) - {"WORKER_QUEUE", "BEAT_STATE_DIR"}
            assert passed - set(Settings.model_fields) == set(), name
    #: What containers decide among themselves
    ours = {"DATA_DIR", "LILYPOND_BIN", "MUSESCORE_BIN", "PROMETHEUS_PORT", "PROMETHEUS_MULTIPROC_DIR", "MODEL_THREADS"}
    assert set(Settings.model_fields) - ours <= set(SERVICES["api"]["environment"])
    assert "MODEL_THREADS" in SERVICES["worker-heavy"]["environment"]
    assert SERVICES["api"]["environment"]["ENV"] == "production"


def test_images_from_elsewhere_are_pinned_in_one_place() -> None:
    pinned = COMPOSE["x-images"]
    for name, image in pinned.items():
        variable = name.replace("-", "_").upper() + "_IMAGE"
        assert re.fullmatch(r"\$\{" + variable + r":-[^@}]+:[^@}]+@sha256:[0-9a-f]{64}\}", image), name
    assert TEXT.count("@sha256:") == len(pinned)
    assert {service["image"] for name, service in SERVICES.items() if name not in OURS} <= set(pinned.values())
    for path in DOCKERFILES:
        bases = re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)
        assert set(bases) <= {"${PYTHON_IMAGE}", "${NODE_IMAGE}", "scratch"}, path


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_is_made_in_stages_and_runs_as_nobody_in_particular(path: Path) -> None:
    text = path.read_text()
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) >= 2
    last = text[text.rindex("\nFROM ") :]
    assert "\nUSER 1001\n" in last
    assert "\nSTOPSIGNAL SIGTERM\n" in last
    assert "\nHEALTHCHECK " in last
    assert {"title", "description", "version", "revision"} <= set(re.findall(r"org\.opencontainers\.image\.(\w+)=", last))
    assert re.search(r"^COPY --from=builder --chown=", last, re.MULTILINE)


def _locked(*names: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        text = (ROOT / "backend" / f"requirements-{name}.txt").read_text()
        blocks = [block for block in re.split(r"\n(?=\S)", text) if "==" in block]
        for block in blocks:
            assert "--hash=sha256:" in block, f"{block.splitlines()[0]} of {name} has no hash"
            package, version = block.split()[0].split("==")
            found[package.lower().replace("_", "-")] = version
    return found


@pytest.mark.parametrize("torch", ["torch-cpu", "torch-cuda"])
def test_what_is_locked_is_what_the_project_asks_for(torch: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = _locked("api", "worker", torch)
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["service"], *extras["demucs"]]:
        need = Requirement(line)
        name = need.name.lower().replace("_", "-")
        assert name in locked, f"{name} is not locked: run scripts/lock.py"
        assert need.specifier.contains(locked[name].split("+")[0]), f"{name} is locked at {locked[name]}: run scripts/lock.py"


def test_the_worker_has_all_that_the_api_has() -> None:
    assert "\n-r requirements-api.txt\n" in (ROOT / "backend" / "requirements-worker.txt").read_text()
    assert not set(_locked("api")) & set(_locked("worker"))
    assert not {"onnxruntime", "lilypond", "verovio"} & set(_locked("api"))


@pytest.mark.parametrize(("env", "password", "starts"), [
    ("production", "change-me-database-password", False), ("development", "change-me-database-password", True),
    ("production", "1kPq8sYw", True),
])  # fmt: skip
def test_the_database_is_not_made_with_a_placeholder(env: str, password: str, starts: bool) -> None:
    *shell, script = SERVICES["postgres"]["entrypoint"]
    script = script.replace("$$", "$").replace("exec docker-entrypoint.sh postgres", "echo started")
    given = {"ENV": env, "POSTGRES_PASSWORD": password}
    done = subprocess.run([*shell, script], env=given, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, done.stdout == "started\n") == (starts, starts)


def test_compose_understands_its_files() -> None:
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("the Compose plugin is not installed")
    for files in (["-f", "docker-compose.yml", "--profile", "*"], []):
        command = ["docker", "compose", "--env-file", ".env.example", *files, "config", "--quiet"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
