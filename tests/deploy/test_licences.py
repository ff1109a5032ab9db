"""What is shipped is listed with its licence, and nothing is shipped that the policy does not allow."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import licences  # noqa: E402

ALLOWED = frozenset({"MIT", "Apache-2.0", "LGPL-3.0-only", "Zlib"})


def test_the_page_is_what_the_locks_say_and_the_policy_holds() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "licences.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MIT AND Apache-2.0", True),
        ("(MIT OR GPL-3.0-or-later)", True),
        ("(MIT AND Zlib)", True),
        ("LGPL-3.0-only", True),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("MIT AND GPL-2.0-only", False),
        ("CC-BY-NC-4.0", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_if_one_choice_asks_for_nothing_else(licence: str, allowed: bool) -> None:
    assert licences.is_allowed(licence, ALLOWED) is allowed


def test_what_is_not_allowed_is_named_unless_it_is_excepted_with_a_reason() -> None:
    facts: dict[str, Any] = {"policy": {"allowed": list(ALLOWED)}, "exceptions": {}, "material": []}
    packages = [licences.Package("good", "1", "MIT", "worker"), licences.Package("strict", "2", "GPL-3.0-or-later", "worker")]
    assert licences.problems(packages, facts) == ["strict 2: GPL-3.0-or-later"]
    facts["exceptions"] = {"strict": "a program of its own"}
    assert licences.problems(packages, facts) == []
    facts["exceptions"]["gone"] = "was needed once"
    assert licences.problems(packages, facts) == ["gone: an exception for what is not shipped"]
    facts["material"] = [{"what": "samples", "licence": "CC-BY-NC-4.0"}]
    assert "samples: CC-BY-NC-4.0" in licences.problems(packages, facts)


def test_the_material_is_what_the_credits_thank() -> None:
    credits = " ".join((ROOT / "docs" / "credits.md").read_text("utf-8").split())
    facts = tomllib.loads((ROOT / "docs" / "licences.toml").read_text("utf-8"))
    for one in facts["material"]:
        if not one["ships"]:
            assert one["what"] in credits, one["what"]
