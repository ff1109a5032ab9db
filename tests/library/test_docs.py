"""The documents say what the code does: every code, flag, variable and path stands in both."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from drumscribe import errors
from drumscribe.cli.app import app
from drumscribe.outputs import OUTPUTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CLI = (ROOT / "docs" / "cli.md").read_text("utf-8")


def error_classes(root: type[errors.DrumScribeError] = errors.DrumScribeError) -> Iterator[type[errors.DrumScribeError]]:
    """All but those of the service, which `tests/service/test_docs_service.py` looks after."""
    yield root
    for child in root.__subclasses__():
        if not child.__module__.startswith("drumscribe.service"):
            yield from error_classes(child)


def test_every_error_code_stands_beside_its_exit_status() -> None:
    rows = {row.split("|")[1].strip(): row for row in CLI.splitlines() if re.match(r"\| \d+ \|", row)}
    for error in error_classes():
        assert f"`{error.code}`" in rows[str(error.exit_code)], f"{error.__name__}: {error.code} with status {error.exit_code}"


def test_error_codes_are_distinct() -> None:
    codes = [error.code for error in error_classes()]
    assert len(codes) == len(set(codes))


def parameters() -> Iterator[tuple[str, object]]:
    group = typer.main.get_command(app)
    assert hasattr(group, "commands")
    for name, command in group.commands.items():
        if name != "train":  # its options are those of the training functions
            for one in getattr(command, "commands", {"": command}).values():
                for parameter in one.params:
                    yield name, parameter


def test_every_option_is_explained() -> None:
    plain = {"--help", "--quiet", "--verbose"}
    for command, parameter in parameters():
        for flag in getattr(parameter, "opts", []):
            if flag.startswith("--") and flag not in plain:
                assert f"`{flag}" in CLI, f"{command} {flag}"


def test_every_environment_variable_is_explained() -> None:
    named = {parameter.envvar for _, parameter in parameters() if getattr(parameter, "envvar", None)}
    assert named == set(re.findall(r"^\| `([A-Z_]+)` \|", CLI, re.MULTILINE))


def test_every_format_is_explained() -> None:
    for name in OUTPUTS:
        assert f"`{name}`" in CLI


def test_every_warning_is_explained() -> None:
    code = "".join((ROOT / "drumscribe" / name).read_text("utf-8") for name in ("pipeline.py", "cli/transcribe.py", "outputs.py"))
    for warning in re.findall(r'"((?:bpm|low|no|pdf|pages)_[a-z_]+)"', code):
        assert f"`{warning}`" in CLI, warning


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_file_in_the_table_of_requirements_exists() -> None:
    page = (ROOT / "docs" / "requirements.md").read_text("utf-8")
    rows = [row.split("|")[1:-1] for row in page.splitlines() if row.startswith("|") and not row.startswith("|-")]
    named = [
        (base, name)
        for row in rows
        for base, cell in (("drumscribe", row[2]), ("tests/library", row[3]))
        for name in re.findall(r"`([^`]+)`", cell)
    ]
    assert len(named) > 100
    for base, name in named:
        assert (ROOT / base / name).exists() or (ROOT / name).exists(), name


def test_every_requirement_has_its_row_once() -> None:
    """361 items in groups A to P; those of parity follow."""
    page = (ROOT / "docs" / "requirements.md").read_text("utf-8").partition("## Parity")[0]
    found: list[int] = []
    for row in page.splitlines():
        head = re.match(r"\| ([\d, –]+)", row)
        for first, last in re.findall(r"(\d+)(?:–(\d+))?", head[1]) if head else []:
            found += range(int(first), int(last or first) + 1)
    assert sorted(found) == [*range(1, 362)]


def test_the_stairs_of_the_page_are_those_of_the_linter() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawn = re.findall(r"^    (.+)$", page.partition("## Stairs")[2].partition("|")[0], re.MULTILINE)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    assert [set(step.split(" │ ")) for step in drawn] == [
        {module.removeprefix("drumscribe.") for module in step.split(" | ")} for step in layers
    ]


def test_every_decision_is_in_the_list() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text("utf-8")
    for page in (ROOT / "docs" / "adr").glob("[0-9]*.md"):
        title = re.sub(r"^# \d+\. ", "", page.read_text("utf-8").splitlines()[0])
        assert f"[{page.name[:4]}]({page.name}) | {title} |" in index


def test_make_help_lists_every_target_that_the_documents_name() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for page in PAGES:
        for target in re.findall(r"(?:`|^ +)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
            assert re.search(rf"make {target}\b", listed), f"{page.name}: make {target}"


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL))
def test_the_examples_of_the_readme_name_what_exists(block: str) -> None:
    imports = "\n".join(line for line in block.splitlines() if line.startswith(("from ", "import ")))
    exec(compile(imports, "README.md", "exec"), {})
    compile(block, "README.md", "exec")


def test_the_figures_of_accuracy_stand_in_one_file_and_the_pages_say_the_same(tmp_path: Path) -> None:
    docs, scripts = tmp_path / "docs", tmp_path / "scripts"
    shutil.copytree(ROOT / "docs", docs)
    scripts.mkdir()
    for path in (*ROOT.glob("scripts/accuracy*"), ROOT / "README.md"):
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    script = scripts / "accuracy.py"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, script, *arguments], check=False, capture_output=True, text=True)

    assert run("--check").returncode == 0
    page = (docs / "accuracy.md").read_text("utf-8")
    figures = json.loads((docs / "accuracy.json").read_text("utf-8"))
    kick = figures["recordings"]["full_mix"]["drums"]["kick"]
    assert f"| kick | {kick['found'] + kick['missed']} |" in page
    kick["missed"] += 1
    figures["recordings"]["full_mix"]["hits_5"]["f"] = 0.123456
    (docs / "accuracy.json").write_text(json.dumps(figures), "utf-8")
    assert run("--check").returncode == 2
    assert run().returncode == 0
    assert (docs / "accuracy.md").read_text("utf-8") != page
    assert "0.12 in full mixes" in (tmp_path / "README.md").read_text("utf-8")
    assert run("--check").returncode == 0


def test_the_worst_bars_are_shown_by_pictures_that_are_there_and_small() -> None:
    bars = json.loads((ROOT / "docs" / "accuracy.json").read_text("utf-8"))["worst_bars"]
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "accuracy").iterdir()}
    assert sorted(pictures) == [bar["file"] for bar in bars]
    assert len(bars) == 10
    assert max(pictures.values()) <= 60_000
    page = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    assert all(f"(accuracy/{name})" in page for name in pictures)
    mistakes = [bar["missed"] + bar["invented"] for bar in bars]
    assert mistakes == sorted(mistakes, reverse=True)


def test_the_figures_of_accuracy_are_sums_that_add_up() -> None:
    figures = json.loads((ROOT / "docs" / "accuracy.json").read_text("utf-8"))
    with (ROOT / "drumscribe" / "weights" / "manifest.toml").open("rb") as file:
        assert figures["networks"] == tomllib.load(file)["aliases"]["default"]
    recordings = figures["recordings"]
    for way in ("drums_alone", "full_mix"):
        pooled, drums = recordings[way]["hits_9"], recordings[way]["drums"]
        assert pooled["found"] + pooled["missed"] == recordings["strokes"]
        for count in ("found", "missed", "invented"):
            assert sum(drum[count] for drum in drums.values()) == pooled[count]
        for counts in (pooled, *drums.values()):
            total = 2 * counts["found"] + counts["missed"] + counts["invented"]
            # silence against silence is right
            assert counts["f"] == pytest.approx(2 * counts["found"] / total if total else 1, abs=1e-6)
