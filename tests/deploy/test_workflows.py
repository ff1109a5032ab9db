"""Workflows name only what exists, pin what they use, ask for no more rights than they need, and leave no test out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text())


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def commands() -> str:
    return "\n".join(step["run"] for _, job in jobs() for step in job["steps"] if "run" in step)


def test_every_action_is_pinned_to_a_commit_and_one_version_of_each_is_used() -> None:
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for name, rest in re.findall(r"uses: ([^@\s]+)@(.+)", path.read_text()):
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", rest), f"{path.name}: {name}"
            used.setdefault(name, set()).add(rest)
    assert len(used) >= 8
    assert {name: pins for name, pins in used.items() if len(pins) > 1} == {}


def test_every_workflow_reads_only_and_every_job_ends() -> None:
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {"contents": "read"}, path.name
        assert "concurrency" in read(path), path.name
    for name, job in jobs():
        assert 0 < job["timeout-minutes"] <= 60, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_only_the_release_gets_rights_to_write_and_deploying_waits_for_people() -> None:
    writing = {name: {right for right, level in job.get("permissions", {}).items() if level == "write"} for name, job in jobs()}
    assert {name for name, rights in writing.items() if rights} == {
        "release.yml: images", "release.yml: package", "release.yml: pypi", "release.yml: release", "deploy.yml: deploy",
    }  # fmt: skip
    for name in ("deploy.yml: deploy", "release.yml: pypi"):
        assert dict(jobs())[name]["environment"], name


def test_what_the_jobs_call_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = set(re.findall(r"\bmake ([a-z-]+)", commands()))
    assert called >= {"lint", "types", "lint-ops", "test-web"}
    assert called <= targets
    scripts = set(re.findall(r"\b(scripts/\S+\.(?:sh|py))", commands()))
    assert scripts
    for script in scripts:
        assert (ROOT / script).is_file(), script


def test_the_parts_of_the_tests_are_all_of_them() -> None:
    parts = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]["include"]
    folders = {path.name for path in (ROOT / "tests").iterdir() if list(path.glob("test_*.py"))}
    named = [Path(path).name for part in parts for path in part["paths"].split()]
    assert set(named) == folders
    service = [part["only"] for part in parts if part["paths"] == "tests/service"]
    assert sorted(service) == ["distributed", "embedded", "not embedded and not distributed"]


def test_the_images_that_are_built_scanned_and_released_are_those_of_compose() -> None:
    services = read(ROOT / "docker-compose.yml")["services"]
    ci, release = (read(ROOT / ".github" / "workflows" / name)["jobs"] for name in ("ci.yml", "release.yml"))
    built = ci["docker-build"]["strategy"]["matrix"]["include"]
    assert {one["image"]: one["limit_mb"] for one in built} == {"api": 500, "worker-cpu": 3000, "frontend": 200}
    for job in (ci["security-scan"], release["images"]):
        assert {(one["image"], one["target"]) for one in job["strategy"]["matrix"]["include"]} == {
            (one["image"], one["target"]) for one in built
        }
    for one in release["images"]["strategy"]["matrix"]["include"]:
        wanted = "${IMAGE_PREFIX:-}" + one["name"] + ":${VERSION:-dev}" + one["suffix"]
        assert services[one["target"]]["image"] == wanted
        assert "build" in services[one["target"]]


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        ("workflows", ("timeout-minutes: 20", "timeout-minutes: soon")),
        ("workflows, what attackers use", ("run: make lint", "run: make ${{ github.head_ref }}")),
        ("workflows, what attackers use", ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7")),
        ("YAML", ("    name: Lint", "    name:   Lint")),
        ("shell scripts", ("set -euo pipefail", "cd $1; rm -r $2/*")),
    ],
)
def test_each_linter_finds_a_fault(tmp_path: Path, check: str, fault: tuple[str, str]) -> None:
    subprocess.run([ROOT / "scripts" / "setup_ops.sh", "lint"], check=True)
    source = ROOT / ("scripts/smoke.sh" if check == "shell scripts" else ".github/workflows/ci.yml")
    text = source.read_text()
    assert fault[0] in text
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    broken = folder / source.name
    broken.write_text(text.replace(*fault, 1))
    program = [sys.executable, "-c", f"import lint_ops as l\nfor c in l.checks(lambda *p: [{str(broken)!r}]):\n"
               f"  if c.name == {check!r}: print(*l.run(c))"]  # fmt: skip
    done = subprocess.run(program, cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False "), done.stdout
