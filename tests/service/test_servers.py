"""The test servers are real: they answer, survive restart and crash with their data, and never outlive the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
import redis
from botocore.config import Config
from botocore.exceptions import ClientError
from servers import PostgresServer, RedisServer, S3Server, Server, wait_until


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def test_postgres_keeps_rows_over_stop_and_crash(postgres: PostgresServer) -> None:
    address = postgres.create_database("kept").replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE songs (name text)")
        connection.execute("INSERT INTO songs VALUES ('größer')")
    for end in (postgres.stop, postgres.kill):
        end()
        assert not postgres.running
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(address, connect_timeout=2)
        postgres.start()
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT name FROM songs").fetchall() == [("größer",)]


def test_postgres_copies_a_template(postgres: PostgresServer) -> None:
    template = postgres.create_database("pattern").replace("+psycopg", "")
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE bars (number int)")
    copy = postgres.create_database("copy", template="pattern").replace("+psycopg", "")
    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM bars").fetchone() == (0,)
    postgres.drop_database("copy")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy)


def test_postgres_wants_its_password(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace("+psycopg", "").replace(postgres.password, "wrong"))


def test_redis_keeps_what_it_answered_for_over_stop_and_crash() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        client.set("tempo", "120")
        for end in (server.stop, server.kill):
            end()
            with pytest.raises(redis.ConnectionError):
                redis.Redis.from_url(server.url, retry=None).ping()
            server.start()
            assert client.get("tempo") == b"120"


def test_a_forgetful_redis_forgets() -> None:
    with RedisServer(keep=False) as server, redis.Redis.from_url(server.url) as client:
        client.set("tempo", "120")
        server.restart()
        assert client.get("tempo") is None


def _client(server: S3Server, secret: str = "") -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name=server.region,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=secret or server.secret_access_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )


def test_s3_keeps_objects_and_checks_signatures() -> None:
    with S3Server() as server:
        client = _client(server)
        client.put_object(Bucket=server.bucket, Key="a/b.txt", Body=b"drums")
        server.restart()
        assert client.get_object(Bucket=server.bucket, Key="a/b.txt")["Body"].read() == b"drums"
        server.kill()
        server.start()
        assert client.get_object(Bucket=server.bucket, Key="a/b.txt")["Body"].read() == b"drums"
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            _client(server, "wrong").get_object(Bucket=server.bucket, Key="a/b.txt")
        with pytest.raises(urllib.error.HTTPError, match=r"HTTP Error 40[03]") as refusal:
            urllib.request.urlopen(f"{server.url}/{server.bucket}/a/b.txt")
        refusal.value.close()


_ORPHAN = """
import sys, time
sys.path.insert(0, sys.argv[1])
import servers
running = getattr(servers, sys.argv[2])().start()
print(running.pid, running.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("kind", [PostgresServer, RedisServer, S3Server])
def test_a_server_dies_with_the_tests_that_were_killed(kind: type[Server]) -> None:
    command = [sys.executable, "-c", _ORPHAN, str(Path(__file__).parent), kind.__name__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        pid, _, folder = tests.stdout.readline().strip().partition(" ")
        server = psutil.Process(int(pid))
        family = [server, *server.children(recursive=True)]
        os.kill(tests.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(_lives, family)), seconds=10, what="the server and its children end")
    shutil.rmtree(folder)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
