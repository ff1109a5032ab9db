"""The files of deploy/ that watch the service, and the programs that read them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
GRAFANA = ROOT / "deploy" / "grafana"


def program(name: str) -> str:
    """Where a program is that `scripts/setup_ops.sh monitoring` brings; skips the test if there is none."""
    ours = ROOT / ".venv" / "monitoring" / "usr" / "bin" / name
    found = str(ours) if ours.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here: scripts/setup_ops.sh monitoring")
    return found


def said(name: str, *arguments: str | Path) -> str:
    """What a program prints; fails the test if it ends badly."""
    done = subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def read_yaml(path: Path) -> Any:
    """What a file holds."""
    return yaml.safe_load(path.read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    """Every rule, recorded or alert."""
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    assert files
    return [rule for file in files for group in read_yaml(file)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for rule in rules() if "alert" in rule]


@dataclass(frozen=True)
class Selector:
    """One choice of series that an expression makes."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]  #: label, operator, value


def selectors(expression: str) -> list[Selector]:
    """All that an expression asks for."""
    return [
        Selector(node.name, tuple((m.name, _OPERATORS[str(m.op)], m.value) for m in node.matchers.matchers))
        for node in _nodes(expression)
        if isinstance(node, promql_parser.VectorSelector)
    ]


def grouping(expression: str) -> set[str]:
    """The labels that an expression sums by."""
    sums = [node for node in _nodes(expression) if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None]
    return {label for node in sums for label in node.modifier.labels}


_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def _nodes(expression: str) -> list[promql_parser.Expr]:
    nodes: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), nodes.append)
    return nodes
