#!/usr/bin/env python3
"""Look for secrets in what git knows, or would take in: keys, tokens, passwords in addresses, private keys, assigned passwords.

    make lint-ops                             # among other checks
    scripts/find_secrets.py --accept          # what was found just now is no secret: write .secrets.json anew, for review
    scripts/find_secrets.py --root FOLDER FILE…    # these files, by their paths in a folder

detect-secrets does the looking; `.secrets.json` lists, by their hash, the findings that somebody has looked at. Passwords that
are assigned (`password = "…"`) or stand in addresses are not looked for in tests, which make up many and guard nothing with them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / ".venv" / "ops" / "bin" / "detect-secrets"
REVIEWED = ".secrets.json"

#: Written by tools or not text: hashes and numbers in which everything looks like a secret.
_LEFT_OUT = (
    REVIEWED, "*package-lock.json", "*requirements*.txt", "*.svg", "*.flac", "*.onnx", "*.npz", "*.xsd",
    "docs/openapi.json", "frontend/src/lib/api/schema.d.ts", "tests/golden/*", "tests/schema/*",
)  # fmt: skip
_TESTS = ("tests/*", "frontend/e2e/*", "*.test.ts", "*.test.tsx", "frontend/playwright*")

#: Keys of services that nothing here has to do with: half of the time for nothing.
_ELSEWHERE = (
    "Artifactory", "Cloudant", "DiscordBotToken", "IbmCloudIam", "IbmCosHmac", "IPPublic", "Mailchimp", "SendGrid", "Softlayer",
    "SquareOAuth", "Stripe", "TelegramBotToken", "TwilioKey",
)  # fmt: skip
_IN_TESTS = ("Keyword", "BasicAuth")

Findings = dict[str, list[dict[str, Any]]]


def known_files() -> list[str]:
    """What git knows, or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()})


def find(paths: Sequence[str], root: Path = ROOT) -> Findings:
    """Everything that looks like a secret, by file."""
    wanted = [path for path in paths if not any(fnmatch(path, pattern) for pattern in _LEFT_OUT)]
    tests = [path for path in wanted if any(fnmatch(path, pattern) for pattern in _TESTS)]
    product = [path for path in wanted if path not in tests]
    found: Findings = {}
    for group, without in ((product, _ELSEWHERE), (tests, (*_ELSEWHERE, *_IN_TESTS))):
        if group:
            options = [part for name in without for part in ("--disable-plugin", f"{name}Detector")]
            command = [str(PROGRAM), "--cores", "2", "scan", "--all-files", "--no-verify", *options, *group]
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
            found |= json.loads(done.stdout)["results"]
    return found


def unreviewed(found: Findings) -> list[str]:
    """Those that nobody has looked at, as lines for a person."""
    reviewed = {(path, hashed) for path, hashes in json.loads((ROOT / REVIEWED).read_text()).items() for hashed in hashes}
    return [
        f"{path}:{one['line_number']}: {one['type']}"
        for path, findings in found.items()
        for one in findings
        if (path, one["hashed_secret"]) not in reviewed
    ]


def main() -> int:
    """Say what was found; with `--accept` write it down as reviewed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    found = find(arguments.files or known_files(), arguments.root)
    if arguments.accept:
        hashes = {path: sorted({one["hashed_secret"] for one in findings}) for path, findings in sorted(found.items())}
        (ROOT / REVIEWED).write_text(json.dumps(hashes, indent=2) + "\n")
        return 0
    lines = unreviewed(found)
    if lines:
        print("\n".join(lines))
        print("If these are no secrets: scripts/find_secrets.py --accept, and review the change of .secrets.json.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
