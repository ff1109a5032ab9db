"""A secret that somebody is about to commit is found; what was looked at is not told again."""

from __future__ import annotations

import base64
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _tool() -> None:
    subprocess.run([ROOT / "scripts" / "setup_ops.sh", "lint"], check=True)


def found(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "find_secrets.py"), "--root", str(folder), name]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def letters(count: int, alphabet: str = string.ascii_uppercase + string.digits) -> str:
    return "".join(random.Random(5).choices(alphabet, k=count))


# Put together here, so that this file holds none
PLANTED = {
    "AWS Access Key": f"key = 'AKIA{letters(16)}'\n",
    "GitHub Token": f"token: ghp_{letters(36, string.ascii_letters + string.digits)}\n",
    "Private Key": f"-----BEGIN {'RSA'} PRIVATE KEY-----\n",
    "Basic Auth Credentials": f"url = 'postgresql://drums:{letters(12)}@db.example.org/drums'\n",
    "Secret Keyword": f"S3_SECRET_ACCESS_KEY: '{letters(20)}'\n",
    "Base64 High Entropy String": f"signing = '{base64.b64encode(random.Random(6).randbytes(32)).decode()}'\n",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_with_its_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / "settings.yml").write_text("name: drumscribe\n" + PLANTED[kind])
    done = found(tmp_path, "settings.yml")
    assert done.returncode == 1, done.stderr
    assert f"settings.yml:2: {kind}" in done.stdout


def test_an_ordinary_file_is_not_suspected(tmp_path: Path) -> None:
    (tmp_path / "settings.yml").write_text(
        "name: drumscribe\nqueue: heavy-compute\npassword: ${POSTGRES_PASSWORD:?set it in .env}\n"
    )
    done = found(tmp_path, "settings.yml")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_what_was_reviewed_is_not_told_again() -> None:
    done = found(ROOT, "drumscribe/annoteator/convert.py")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
