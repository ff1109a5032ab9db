"""The page about watching the service says what the code does, all of it and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Generator
from pathlib import Path

from prometheus_client import REGISTRY

from drumscribe.service.observability import metrics

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text()
_LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def words_of(section: str) -> set[str]:
    """What stands in backticks in the first column of the tables of a section."""
    text = re.split(rf"^#+ {section}$", PAGE, flags=re.MULTILINE)[1]
    text = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def logged() -> Generator[str]:
    """Every name that is logged as an event."""
    for file in [*(ROOT / "drumscribe" / "service").rglob("*.py"), *(ROOT / "drumscribe" / "cli").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and _is_log(node.func):
                event = node.args[0]
                if isinstance(event, ast.Constant) and re.fullmatch(r"[a-z_]+", str(event.value)):
                    yield str(event.value)


def _is_log(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and called.attr in _LEVELS and "log" in ast.unparse(called.value)


def test_every_metric_is_on_the_page_and_no_other() -> None:
    counted = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in REGISTRY.collect()
        if metric.name.startswith("drumscribe_")
    }
    assert metrics.JOBS is not None
    folder = ROOT / "drumscribe" / "service" / "observability"
    source = (folder / "gauges.py").read_text() + (folder / "memory.py").read_text()
    gauges = set(re.findall(r'"(drumscribe_[a-z_]+)"', source))
    gauges = {f"{name}_info" if name == "drumscribe_build" else name for name in gauges}
    assert len(counted) >= 9
    assert len(gauges) >= 11
    assert words_of("Metrics") == counted | gauges


def test_the_names_that_were_asked_for_are_there() -> None:
    assert words_of("Metrics") >= {
        "drumscribe_jobs_total",
        "drumscribe_jobs_failed_total",
        "drumscribe_active_jobs",
        "drumscribe_inference_latency_seconds",
        "drumscribe_audio_duration_processed_seconds_total",
    }
    assert words_of("Events") >= {
        "separation_start",
        "separation_failed",
        "prediction_failed",
        "model_cache_miss",
        "model_preload_failed",
    }


def test_every_log_event_is_on_the_page_and_no_other() -> None:
    chosen = {  # by what happened, where they are logged
        "steps/run.py": {"step_failed", "step_will_be_retried", "separation_failed", "prediction_failed"},
        "webhooks/delivery.py": {"webhook_delivered", "webhook_failed", "webhook_given_up"},
        "observability/requests.py": {"request"},
    }
    for file, events in chosen.items():
        source = (ROOT / "drumscribe" / "service" / file).read_text()
        assert all(f'"{event}"' in source or f'f"{event.split("_")[0]}_{{' in source for event in events)
    assert words_of("Events") == set(logged()).union(*chosen.values())


def test_every_attribute_of_a_step_is_on_the_page() -> None:
    run = (ROOT / "drumscribe" / "service" / "steps" / "run.py").read_text()
    named = set(re.findall(r'"(job\.[a-z_]+)"', run))
    described = re.search(r"traces\.describe\((.*?)\n    \)", run, re.DOTALL)
    assert described is not None
    named |= {f"job.{name}" for name in re.findall(r"^\s+([a-z_]+)=", described[1], re.MULTILINE)}
    assert len(named) >= 6
    assert all(f"`{name}`" in PAGE for name in named)
