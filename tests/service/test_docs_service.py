"""The runbook says what the code does: every error code with its status, and only settings, commands and limits that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from drumscribe.cli.app import app
from drumscribe.errors import DrumScribeError
from drumscribe.service.api import problems
from drumscribe.service.jobs import lifecycle
from drumscribe.service.settings import Settings
from drumscribe.service.shares import actions as shares
from drumscribe.service.users import actions

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
CODES = PAGE.partition("## Error codes")[2]
ROWS = {code: (status, retry) for code, status, retry in re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", CODES, re.MULTILINE)}
COMMANDS = sorted(set(re.findall(r"`drumscribe ([^`]+)`", PAGE)))


def error_classes(root: type[DrumScribeError] = DrumScribeError) -> Iterator[type[DrumScribeError]]:
    if root.__module__ in ("drumscribe.errors", "drumscribe.service.errors"):
        yield root
        for child in root.__subclasses__():
            yield from error_classes(child)


def test_every_error_code_is_on_the_page_with_its_status_and_no_other() -> None:
    expected = {
        kind.code: (str(problems.row_of(kind("…"))[0]), "yes" if kind.retryable else "no") for kind in error_classes()
    }  # fmt: skip
    told_otherwise = set(problems._CODES.values()) | set(_codes_of_lifecycle())
    assert {code: row for code, row in ROWS.items() if code in expected} == expected
    assert set(ROWS) - set(expected) == told_otherwise - set(expected)


def _codes_of_lifecycle() -> list[str]:
    source = Path(lifecycle.__file__).read_text("utf-8")
    found = re.findall(r'_fail\(session, job, .*?"([a-z_]+)"', source)
    assert found
    return found


def test_what_the_framework_refuses_is_on_the_page_with_its_status() -> None:
    for status, code in problems._CODES.items():
        assert ROWS[code][0] == str(status)


def test_codes_of_library_and_service_are_distinct() -> None:
    codes = [kind.code for kind in error_classes()]
    assert len(codes) == len(set(codes))


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", PAGE))
    assert len(named) > 20
    assert named <= set(Settings.model_fields)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_that_is_named_exists_with_its_options(line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = line.split()
    while hasattr(command, "commands") and words:
        name = words.pop(0)
        assert name in command.commands, line
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_the_limits_of_signing_in_are_those_in_force() -> None:
    minutes = actions.WINDOW_S / 60
    assert (
        f"within {minutes:g} minutes at most {actions.ATTEMPTS_PER_EMAIL} failed attempts for one e-mail, "
        f"{actions.ATTEMPTS_PER_ADDRESS} from one address, and {actions.SIGNUPS_PER_ADDRESS} new accounts"
    ) in " ".join(PAGE.split())
    assert f"after {minutes:g} minutes" in PAGE
    assert f"an account has {actions.KEYS_PER_USER} keys" in PAGE
    assert f"A song has at most {shares.SHARES_PER_JOB} links" in PAGE
