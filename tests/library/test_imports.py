"""Starting is cheap: nothing heavy is loaded before it is needed, and torch never by what ships."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "numpy",
    "scipy",
    "onnxruntime",
    "av",
    "soxr",
    "lxml",
    "mido",
    "PIL",
    "verovio",
    "typst",
    "mir_eval",
    "yt_dlp",
    "torch",
    "rich",
}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_package_loads_nothing_of_weight() -> None:
    assert not loaded_by("import drumscribe") & HEAVY


def test_the_command_line_can_say_what_it_does_without_loading_anything_of_weight() -> None:
    assert not loaded_by("import drumscribe.cli") & HEAVY


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("drumscribe.weights", {"onnxruntime", "urllib3"}),
        ("drumscribe.export", HEAVY),
        ("drumscribe.pipeline", {"torch", "onnxruntime", "verovio", "typst", "yt_dlp", "mir_eval"}),
    ],
)
def test_a_room_loads_its_machinery_when_it_is_used(module: str, absent: set[str]) -> None:
    assert not loaded_by(f"import {module}") & absent


def test_every_public_name_is_there() -> None:
    import drumscribe

    for name in dir(drumscribe):
        assert getattr(drumscribe, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = drumscribe.nonsense


def test_running_a_network_leaves_no_trace_of_its_machinery_on_the_machine(tmp_path: Path) -> None:
    """onnxruntime would keep an identity of the machine, and a store of what it reports to its makers."""
    environment = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    code = "from drumscribe.weights import load_models; load_models()"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
