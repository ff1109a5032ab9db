"""Send tampered uploads to the running product, and count what becomes of them. `make mutate` runs it.

    scripts/mutate_uploads.py [--count 5000] [--first 0] [--seed 1]

The real product in its embedded mode, recordings of the demo song in eight formats, damage by a seeded die: `--first 1234
--count 1` sends one of them again. The exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "tests" / "service")]

from hostile_run import Findings, HostileRun  # noqa: E402


def report(found: Findings) -> None:
    """Print the counts."""
    print("\nanswers")
    for (status, code), count in sorted(found.answers.items()):
        print(f"  {status:<10} {code or '-':<26} {count:>6}")
    print(f"  slowest {found.slowest_answer_s:.1f} s")
    print("\njobs")
    for (status, code), count in sorted(found.ends.items()):
        print(f"  {status:<10} {code or '-':<26} {count:>6}")
    print(f"  slowest {found.slowest_job_s:.1f} s")
    print("\nat rest")
    for sent, family in found.resources:
        for name, resources in family.items():
            print(f"  after {sent:>5}: {name:<18} {resources}")
    print("\nthe log remarks")
    for word, count in sorted(found.remarks.items()):
        print(f"  {word:<24} {count:>6}")
    print(f"\n{sum(found.answers.values())} uploads, {len(found.accepted)} jobs, {len(found.wrong)} wrong")
    for what in found.wrong[:100]:
        print(f"  {what}")


def main() -> int:
    """Run what was asked for, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000, help="number of uploads")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started ends as well
    folder = Path(tempfile.mkdtemp(prefix="mutate-"))
    began = time.monotonic()
    numbers = range(arguments.first, arguments.first + arguments.count)
    found = HostileRun(folder / "run", arguments.seed).run(numbers, warm_up=min(len(numbers), max(50, len(numbers) // 10)))
    report(found)
    print(f"{time.monotonic() - began:.0f} s, seed {arguments.seed}")
    if found.wrong:
        print(f"logs, and the uploads in question: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
