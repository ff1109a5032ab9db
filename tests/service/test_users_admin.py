"""`drumscribe admin` makes accounts and keys in either database, and says no more than it should."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from deployment import PROGRAM
from people import ACCOUNTS, api, bearer, changed
from starlette.datastructures import Headers

from drumscribe.service.errors import Unauthenticated
from drumscribe.service.users.authenticate import authenticate
from drumscribe.service.wiring import Services


def admin(services: Services, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    data = [] if services.settings.DATABASE_URL else ["--data", str(services.settings.DATA_DIR)]
    done = subprocess.run(
        [PROGRAM, "admin", *arguments, *data],
        env=keep | {"DATABASE_URL": services.settings.DATABASE_URL},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_key_is_printed_once_opens_the_door_and_is_revoked(services: Services) -> None:
    guarded = changed(services, AUTH_MODE="keys")
    done = admin(
        services, "create-key", "--name", "Band site", "--scopes", "jobs:read, admin", "--expires", "30d", "--priority", "7"
    )
    secret = done.stdout.strip()
    assert secret.startswith("ds_live_")
    caller = authenticate(guarded.sessions, guarded.settings, Headers(bearer(secret)), "127.0.0.1")
    assert (caller.is_admin, caller.priority, caller.may("jobs:write")) == (True, 7, True)
    listed = admin(services, "list-keys")
    assert secret not in listed.stdout
    assert f"{secret[:14]}…  in force" in listed.stdout
    assert "Band site" in listed.stdout
    [row] = json.loads(admin(services, "list-keys", "--json").stdout)["keys"]
    assert row["expires_at"] > row["created_at"]
    assert row["last_used_at"] is not None
    admin(services, "set-priority", secret[:14], "2")
    assert authenticate(guarded.sessions, guarded.settings, Headers(bearer(secret)), None).priority == 2
    admin(services, "revoke-key", row["id"])
    with pytest.raises(Unauthenticated):
        authenticate(guarded.sessions, guarded.settings, Headers(bearer(secret)), "127.0.0.1")
    assert "revoked" in admin(services, "list-keys").stdout


def test_an_account_made_here_signs_in_and_owns_its_keys(services: Services, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a good password\n")
    made = admin(
        services,
        "create-user",
        "Ada@Example.com",
        "--name",
        "Ada",
        "--password-file",
        str(tmp_path / "password"),
        "--admin",
        "--json",
    )
    user = json.loads(made.stdout)
    assert (user["email"], user["is_admin"]) == ("ada@example.com", True)
    key = json.loads(
        admin(services, "create-key", "--name", "x", "--user", "ada@example.com", "--scopes", "admin", "--json").stdout
    )
    admin(services, "set-priority", "ada@example.com", "5")
    with api(changed(services, **ACCOUNTS)) as client:
        body = {"email": "ada@example.com", "password": "a good password"}
        assert client.post("/auth/login", json=body).json()["user"]["is_admin"] is True
        me = client.get("/auth/me", headers=bearer(key["key"])).json()
        assert (me["user"]["id"], me["is_admin"]) == (user["id"], True)


def test_what_makes_no_sense_is_refused_in_one_sentence(services: Services, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("short")
    for arguments, status, sentence in (
        (["create-key", "--name", "x", "--scopes", "everything"], 2, "Scopes are"),
        (["create-key", "--name", "x", "--expires", "2001-01-01"], 2, "in the past"),
        (["create-key", "--name", "x", "--expires", "soon"], 2, "neither a period"),
        (["create-key", "--name", "x", "--user", "nobody@example.com"], 1, "no account nobody@example.com"),
        (["create-key", "--name", "x", "--priority", "10"], 2, "--priority"),
        (["revoke-key", "nothing"], 1, "no key nothing"),
        (["set-priority", "nobody@example.com", "3"], 1, "no account"),
        (["create-user", "ada", "--password-file", str(tmp_path / "password")], 2, "no e-mail address"),
        (["create-user", "ada@example.com", "--password-file", str(tmp_path / "password")], 2, "10 to 200 characters"),
    ):
        done = admin(services, *arguments, status=status)
        assert sentence in done.stderr
        assert done.stdout == ""


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    command = [PROGRAM, "admin", "list-keys", "--data", str(tmp_path / "typo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "There is no data folder" in done.stderr
    assert not (tmp_path / "typo").exists()
