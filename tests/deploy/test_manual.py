"""What manual and runbooks say for Compose exists: services, programs, options, limits. The rest is executed elsewhere."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from drumscribe.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "docs" / "DEVOPS.md").read_text("utf-8")
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

#: Options of Compose that we use: True if a value follows.
GLOBAL = {"-f": True, "--profile": True}
OPTIONS: dict[str, dict[str, bool]] = {
    "build": {},
    "config": {"--quiet": False},
    "down": {},
    "exec": {"-T": False},
    "kill": {"-s": True},
    "logs": {"--since": True, "--tail": True, "--no-log-prefix": False},
    "ps": {"-aq": False},
    "restart": {},
    "run": {"--rm": False, "--no-deps": False, "--entrypoint": True},
    "start": {},
    "stop": {},
    "up": {"-d": False, "--build": False, "--no-recreate": False, "--scale": True},
}


def commands(page: str) -> list[str]:
    """Every command of Compose on a page: lines of blocks, and code within sentences."""
    blocks = re.findall(r"^```sh compose\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    rest = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"^    (\S.*)$", rest, re.MULTILINE)
    lines += [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", re.sub(r"^    .*$", "", rest, flags=re.MULTILINE))]
    found = [part for line in lines for part in re.findall(r"(?:docker compose|scripts/\S+\.sh) (?:'[^']*'|[^|&#'()])+", line)]
    return sorted({command.strip() for command in found})


def take_options(words: list[str], known: dict[str, bool], line: str) -> list[str]:
    """Take the options from the front; returns them, with their values taken too."""
    taken: list[str] = []
    while words and words[0].startswith("-"):
        option = words.pop(0)
        name, _, value = option.partition("=")
        assert name in known, f"{option} in: {line}"
        taken.append(name)
        if known[name] and not value:
            taken.append(words.pop(0))
    return taken


def check_inside(service: str, words: list[str], line: str) -> None:
    """What is run in a container."""
    if words[:2] == ["sh", "-c"]:
        words = shlex.split(words[2])
    if words[0] == "drumscribe":
        command: Any = typer.main.get_command(app)
        words = words[1:]
        while hasattr(command, "commands") and words:
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line
    elif words[0] == "celery":
        assert service.startswith("worker-"), f"celery asks for workers, of a worker: {line}"
        assert words[1:3] == ["-A", "drumscribe.service.worker"], line
        assert words[3] in ("inspect", "control", "call"), line
    else:
        there = {"worker-default": {"du", "kill"}, "postgres": {"psql"}, "redis": {"redis-cli"}, "alertmanager": {"amtool"}}
        assert words[0] in there[service], line


@pytest.mark.parametrize("line", sorted({*commands(MANUAL), *commands(RUNBOOKS)}))
def test_a_command_names_what_there_is(line: str) -> None:
    words = shlex.split(re.sub(r"<<<.*", "", line))
    if words[0].endswith(".sh"):
        assert (ROOT / words[0]).exists()
        return
    words = words[2:]
    take_options(words, GLOBAL, line)
    verb = words.pop(0)
    assert verb in OPTIONS, line
    options = take_options(words, OPTIONS[verb], line)
    for scale in (options[at + 1] for at, option in enumerate(options) if option == "--scale"):
        service, _, count = scale.partition("=")
        assert service in SERVICES
        assert int(count) >= 0
    if verb in ("exec", "run"):
        service = words.pop(0)
        assert service in SERVICES, line
        if verb == "exec":
            check_inside(service, words, line)
        elif "--entrypoint" not in options and words:
            check_inside(service, ["drumscribe", *words], line)
        return
    wanted = words if verb != "up" else [word for word in words if word not in ("--build", "-d")]
    assert {name for name in wanted if name != "NAME"} <= set(SERVICES), line


def test_the_manual_has_its_commands() -> None:
    assert len(commands(MANUAL)) > 40
    assert len(commands(RUNBOOKS)) > 25


@pytest.mark.parametrize("kind", re.findall(r"^```sh (.*)$", MANUAL, re.MULTILINE))
def test_every_block_is_for_compose_or_executed(kind: str) -> None:
    assert re.fullmatch(r"compose|test=[a-z0-9-]+", kind)


@pytest.mark.parametrize("block", re.findall(r"^```sh[^\n]*\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL))
def test_a_shell_understands_every_block(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_links_into_the_manual_lead_to_a_heading() -> None:
    headings = re.findall(r"^#+ (.*)$", MANUAL, re.MULTILINE)
    known = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("backend/*.md")]
    named = {anchor for page in pages for anchor in re.findall(r"DEVOPS\.md#([a-z0-9-]+)", page.read_text("utf-8"))}
    named |= set(re.findall(r"\]\(#([a-z0-9-]+)\)", MANUAL))
    assert len(named) > 8
    assert named <= known


def _written(value: object) -> str:
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value))


def test_the_table_of_resources_is_that_of_the_compose_file() -> None:
    table = MANUAL.partition("## What it takes")[2].partition("Measured")[0]
    rows = {
        row[0]: row[1:] for row in (re.split(r" *\| *", line.strip("| ")) for line in table.splitlines() if line.startswith("| "))
    }
    rows.pop("container")
    always = {name: service for name, service in SERVICES.items() if "profiles" not in service}
    assert set(rows) == set(always)
    for name, service in always.items():
        limits, reserved = service["deploy"]["resources"]["limits"], service["deploy"]["resources"]["reservations"]
        said = [_written(limits["cpus"]), _written(limits["memory"]), _written(reserved["memory"])]
        assert rows[name] == [*said, *([service["stop_grace_period"]] if "stop_grace_period" in service else [])], name


def _has_compose() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


needs_compose = pytest.mark.skipif(not _has_compose(), reason="the Compose plugin is not installed")


@needs_compose
@pytest.mark.parametrize("verb", OPTIONS)
def test_compose_knows_the_options(verb: str) -> None:
    said = subprocess.run(["docker", "compose", verb, "--help"], capture_output=True, text=True, check=True).stdout
    for option in OPTIONS[verb]:
        names = [f"-{letter}" for letter in option[1:]] if re.fullmatch(r"-[a-z]{2,}", option) else [option]
        for name in names:
            assert re.search(rf"(?<![\w-]){name}\b", said), f"{verb} {option}"


@needs_compose
def test_the_ports_of_production_behind_a_proxy_are_open_to_the_machine_alone(tmp_path: Path) -> None:
    recipe = re.search(r"^    TRUSTED_PROXIES=.*?(?=\n\n)", MANUAL, re.MULTILINE | re.DOTALL)
    assert recipe is not None
    settings = [line.strip() for line in recipe[0].splitlines()]
    env = tmp_path / ".env"
    env.write_text("\n".join(["COMPOSE_FILE=docker-compose.yml", "POSTGRES_PASSWORD=x", *settings]))
    command = ["docker", "compose", "--env-file", str(env), "config", "--format", "json"]
    made = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)["services"]
    published = {name: service["ports"][0]["host_ip"] for name, service in made.items() if service.get("ports")}
    assert published == {"frontend": "127.0.0.1", "api": "127.0.0.1"}  # and no override: that opens the databases
    assert made["api"]["environment"]["TRUSTED_PROXIES"] == "10.213.57.0/24"
