"""Lock what the images install: every package with its version and the hashes of its files, in backend/requirements-*.txt.

    .venv/bin/python scripts/lock.py [--upgrade]

The API's image gets what the API imports; the worker's gets that and the rest (`-r`, checklist C16). Torch stands apart, for
the CPU build and the CUDA build differ in all but the name (C42). Needs `scripts/setup_ops.sh lint`, which brings `uv`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "backend"
UV = ROOT / ".venv" / "ops" / "bin" / "uv"
PYTHON, PLATFORM = "3.11", "x86_64-unknown-linux-gnu"
TORCH = "2.13.0"
#: PyTorch's own index holds it; the file is the same wherever it is found.
TORCH_CPU_SHA256 = "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"

#: Of the library's dependencies those that only hearing, engraving and downloading need: the API does none of it.
NOT_IN_THE_API = {"lilypond", "mido", "mir_eval", "onnxruntime", "pillow", "scipy", "soxr", "typst", "verovio", "yt-dlp"}
#: Of what yt-dlp would like: under the GPL, and needed for writing tags and pictures into files alone.
LEFT_OUT = {"mutagen"}
#: What comes with torch's CUDA build alone.
CUDA = re.compile(r"^(torch|triton|nvidia-.*|cuda-.*)$")

NOTE = "# Written by scripts/lock.py; do not edit.\n"


def compile_(wanted: list[str], out: Path, *options: str, constraints: str = "") -> dict[str, str]:
    """Let uv find versions; returns the paragraphs of its answer by package."""
    command = [
        str(UV),
        "pip",
        "compile",
        "-",
        "--quiet",
        "--generate-hashes",
        "--no-annotate",
        "--no-header",
        "--output-file",
        str(out),
    ]
    if constraints:
        held = out.with_suffix(".held")
        held.write_text(constraints)
        command += ["--constraints", str(held)]
    command += ["--python-version", PYTHON, "--python-platform", PLATFORM, *options]
    subprocess.run(command, input="\n".join(wanted), text=True, check=True, stdout=subprocess.DEVNULL)
    text = out.read_text()
    out.unlink()
    if constraints:
        held.unlink()
    return {name_of(block): block for block in re.split(r"\n(?=\S)", text.strip()) if not block.startswith("#")}


def name_of(requirement: str) -> str:
    """The package that a line is about, as registries write it."""
    return re.split(r"[\[=<>!~; ]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def read_pins(path: Path) -> str:
    """What a file has locked, without hashes."""
    text = path.read_text() if path.exists() else ""
    return "\n".join(line.split(" ")[0] for line in text.splitlines() if "==" in line)


def lines(blocks: dict[str, str]) -> str:
    """Paragraphs in their order."""
    return "\n".join(blocks[name] for name in sorted(blocks)) + "\n"


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of those that are locked")
    arguments = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    base, extras = project["project"]["dependencies"], project["project"]["optional-dependencies"]
    # YouTube's challenges need a JavaScript runtime, and an image has no other
    base = [need.replace("yt-dlp[default]", "yt-dlp[default,deno]") for need in base]
    held = (
        ""
        if arguments.upgrade
        else "\n".join(read_pins(OUT / f"requirements-{name}.txt") for name in ("api", "worker", "torch-cuda"))
    )
    scratch = OUT / "scratch"

    service = [*extras["service"], *extras.get("sentry", [])]
    everything = compile_([*base, *service, *extras["demucs"], f"torch=={TORCH}"], scratch, constraints=held)
    versions = "\n".join(block.split(" ")[0] for block in everything.values())
    names = {name.replace("_", "-") for name in NOT_IN_THE_API}
    light = [need for need in base if name_of(need) not in names]
    api = compile_([*light, *service], scratch, constraints=versions)
    cuda = {name: block for name, block in everything.items() if CUDA.match(name)}
    worker = {name: block for name, block in everything.items() if name not in {*api, *cuda, *LEFT_OUT}}
    build = compile_(
        project["build-system"]["requires"],
        scratch,
        constraints="" if arguments.upgrade else read_pins(OUT / "requirements-build.txt"),
    )

    (OUT / "requirements-api.txt").write_text(NOTE + lines(api))
    (OUT / "requirements-worker.txt").write_text(NOTE + "-r requirements-api.txt\n" + lines(worker))
    (OUT / "requirements-torch-cuda.txt").write_text(NOTE + lines(cuda))
    (OUT / "requirements-torch-cpu.txt").write_text(f"{NOTE}torch=={TORCH}+cpu --hash=sha256:{TORCH_CPU_SHA256}\n")
    (OUT / "requirements-build.txt").write_text(NOTE + lines(build))
    print(f"locked: API {len(api)}, worker {len(worker)} more, CUDA {len(cuda)}", file=sys.stderr)


if __name__ == "__main__":
    main()
