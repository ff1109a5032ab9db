"""Check what operations rest on: workflows, images, compose files, scripts, and that no secret was committed.

    make lint-ops

Every file that git knows, or would take in, is looked at. A tool that cannot be had here is named, not passed over in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from find_secrets import known_files

ROOT = Path(__file__).resolve().parent.parent
OPS = ROOT / ".venv" / "ops" / "bin"
CHECKOV = ROOT / ".venv" / "checkov" / "bin" / "checkov"
#: Prometheus' own tools lie where scripts/setup_ops.sh unpacks them, if the system has none.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), str(ROOT / ".venv" / "monitoring" / "usr" / "bin")])
MONITORING = ROOT / ".venv" / "monitoring" / "usr" / "bin"


@dataclass(frozen=True)
class Check:
    """One tool over the files that it is for."""

    name: str
    command: Sequence[str]
    files: Sequence[str] = ()
    missing: str = ""  #: why it cannot run
    takes_files: bool = True  #: False: it finds them by itself


def files(*patterns: str) -> list[str]:
    """Paths of the repository, by their patterns."""
    return [path for path in known_files() if any(fnmatch(path, pattern) for pattern in patterns)]


def installed(program: str) -> str:
    """Why a program of the system cannot run, or nothing."""
    return "" if shutil.which(program, path=PATH) else f"{program} is not installed"


def no_compose() -> str:
    """Why Compose cannot run, or nothing. It needs no engine for this."""
    if (why := installed("docker")) or subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    ).returncode:
        return why or "docker has no compose"
    return ""


def checks(find: Callable[..., list[str]] = files) -> Iterator[Check]:
    """What there is to do."""
    ops = str(OPS) + os.sep
    workflows = find(".github/workflows/*.yml")
    yield Check("YAML", [f"{ops}yamllint", "--strict"], find("*.yml", "*.yaml"))
    yield Check("shell scripts", [f"{ops}shellcheck", "--external-sources"], find("*.sh", ".ci/run"))
    yield Check("images", [f"{ops}hadolint"], find("*Dockerfile*"))
    schema = [f"{ops}check-jsonschema", "--builtin-schema"]
    # The override takes back what the first file says, with a tag that only Compose knows
    yield Check("compose file", [*schema, "vendor.compose-spec"], find("docker-compose.yml"))
    compose = ["docker", "compose", "--env-file", ".env.example", "--profile", "*"]
    both = [option for file in find("docker-compose.yml", "docker-compose.override.yml") for option in ("--file", file)]
    yield Check("compose files, put together", [*compose, *both, "config", "--quiet"], both, no_compose(), takes_files=False)
    yield Check("workflows", [*schema, "vendor.github-workflows"], workflows)
    yield Check("dependency updates", [*schema, "vendor.dependabot"], find(".github/dependabot.yml"))
    yield Check("workflows, what attackers use", [f"{ops}zizmor", "--offline", "--quiet", "--persona", "pedantic"], workflows)
    actionlint = "" if (OPS / "actionlint").exists() else "its package could not be had (scripts/setup_ops.sh actionlint)"
    yield Check("workflows, expressions", [f"{ops}actionlint", "-shellcheck", f"{ops}shellcheck"], workflows, actionlint)
    # Base images come by argument, with their digest, from docker-compose.yml; a deployment is told which release to verify
    checkov = [str(CHECKOV), "--quiet", "--compact", "--skip-download", "--skip-check", "CKV_DOCKER_7,CKV_GHA_7"]
    lacking = "" if CHECKOV.exists() else "checkov is not installed (scripts/setup_ops.sh checkov)"
    built = [*find("*/Dockerfile.*", "frontend/Dockerfile"), *workflows]
    yield Check(
        "images and workflows, what auditors ask",
        [*checkov, "--framework", "dockerfile", "github_actions", "--file"],
        built,
        lacking,
    )
    rules = find("deploy/prometheus/rules/*.yml")
    yield Check("alert rules", ["promtool", "check", "rules", "--lint=all", "--lint-fatal"], rules, installed("promtool"))
    routes = find("deploy/alertmanager/*.yml")
    yield Check("alert routes", ["amtool", "check-config"], routes, installed("amtool"))
    yield Check("secrets", [sys.executable, "scripts/find_secrets.py"], find("*"), takes_files=False)


def run(check: Check) -> tuple[bool, str]:
    """Whether all is well, and what the tool said."""
    command = [*check.command, *(check.files if check.takes_files else ())]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def main() -> int:
    """Run every check, go on after a failure, tell all."""
    os.environ["PATH"] = f"{MONITORING}{os.pathsep}{os.environ['PATH']}"
    failed = 0
    for check in checks():
        if not check.files:
            continue
        if check.missing:
            print(f"  skipped  {check.name}: {check.missing}")
            continue
        began = time.monotonic()
        is_well, said = run(check)
        print(f"  {'ok' if is_well else 'FAILED':8} {check.name}: {len(check.files)} files, {time.monotonic() - began:.1f} s")
        if not is_well:
            failed += 1
            print(said)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
