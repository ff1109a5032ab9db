"""Build every image from this repository, run the production stack with its limits, use it, break it, and measure it.

    make stack-test [ARGS="--only build,up,..."]     scripts/stack_test.py

Needs a container engine, or root on Debian or Ubuntu to start one by hand (scripts/stack/engine.sh); where no image registry can
be reached, stand-ins made of Debian's packages take the place of public images (scripts/stack/stand_ins.sh). Prints a table of
sizes, times and peak memory; docs/DEVOPS.md keeps that of a run. Ends with status 1 if anything is not as it should be, and with
3 if there is no engine.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "scripts" / "stack")]

import checks  # noqa: E402
from stack import NoEngine, Stack, say  # noqa: E402


def main() -> int:
    """Run the checks that are asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help=f"some of: {', '.join(checks.ALL)}. `limits` is long and only done if named.")
    parser.add_argument(
        "--folder", type=Path, help="where the engine and its images live; kept afterwards. [default: a fresh one]"
    )
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name] or [name for name in checks.ALL if name != "limits"]
    if unknown := set(wanted) - set(checks.ALL):
        parser.error(f"there is no check {', '.join(sorted(unknown))}")
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="drumscribe-stack-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        stack = Stack(folder.resolve(), {"POSTGRES_PASSWORD": _password(folder), **_smaller_machine()})
    except NoEngine as error:
        say(str(error))
        return 3
    done: list[str] = []
    failed: list[str] = []
    try:
        stack.prepare_images()
        for name in wanted:
            done.append(name)
            if not _run(name, checks.ALL[name], stack):
                failed.append(name)
                if name in ("build", "up"):
                    break  # nothing else can work
    finally:
        if not arguments.keep:
            stack.close()
            if arguments.folder is None:
                shutil.rmtree(folder, ignore_errors=True)
    print(stack.table())
    passed = len(done) - len(failed)
    print(
        f"{passed} passed, {len(failed)} failed, {len(wanted) - len(done)} skipped" + (f": {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


def _run(name: str, check: Callable[[Stack], None], stack: Stack) -> bool:
    say(f"--- {name}")
    try:
        check(stack)
    except (AssertionError, TimeoutError, OSError, subprocess.CalledProcessError) as error:
        say(f"FAILED {name}: {error}")
        stack.keep_logs(name)
        return False
    return True


def _password(folder: Path) -> str:
    """One for the life of the folder: the database keeps it as long as its volume."""
    path = folder / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


def _smaller_machine() -> dict[str, str]:
    """An engine refuses limits beyond the CPUs that there are."""
    cpus = os.cpu_count() or 1
    wanted = {"WORKER_HEAVY_CPUS": 4, "WORKER_DEFAULT_CPUS": 2, "API_CPUS": 2, "POSTGRES_CPUS": 2}
    return {name: str(min(count, cpus)) for name, count in wanted.items()}


if __name__ == "__main__":
    sys.exit(main())
