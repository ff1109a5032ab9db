"""A model named by the operator arrives whole, is verified at every start, and needs the network only once."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from servers import S3Server, free_port
from structlog.testing import capture_logs

from drumscribe.errors import WeightsCorrupt, WeightsNotFound
from drumscribe.service.errors import StorageFull
from drumscribe.service.model_cache import S3Access, resolve_model

MODEL = bytes(range(256)) * 8000  # 2 MB
CONFIG = b'{"name": "drums", "version": "2.0.0"}'


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


BOTH = f"{sha256(MODEL)},{sha256(CONFIG)}"


@dataclass
class Site:
    """What the web server holds and how it behaves."""

    port: int = field(default_factory=free_port)
    files: dict[str, bytes] = field(default_factory=lambda: {"/drums.onnx": MODEL, "/drums.json": CONFIG, "/model.h5": MODEL})
    faults: list[str] = field(default_factory=list[str])  #: one for each of the next requests
    asked: Counter[str] = field(default_factory=Counter[str])

    def url(self, file: str) -> str:
        return f"http://127.0.0.1:{self.port}/{file}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            site.asked[path] += 1
            fault = site.faults.pop(0) if site.faults else ""
            if fault == "hang up":
                return self.connection.close()
            if fault == "redirect":
                self.send_response(302)
                self.send_header("Location", path)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            content = site.files.get(path)
            status = int(fault) if fault.isdigit() else 404 if content is None else 200
            content = content if content is not None and status == 200 else b"sorry"
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "truncate" else content)
            return None

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", site.port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def get(uri: str, cache: Path, hashes: str = sha256(MODEL), *, version: str = "v1.0.0", attempts: int = 3) -> Path:
    return resolve_model(uri, version=version, cache_dir=cache, sha256=hashes, attempts=attempts, pause_s=0.01)


def left_over(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_model_is_fetched_once_and_then_used_offline(site: Site, tmp_path: Path) -> None:
    with capture_logs() as logs:
        path = get(site.url("model.h5"), tmp_path)
    assert path == tmp_path / "model" / "v1.0.0" / "model.h5"
    assert path.read_bytes() == MODEL
    assert [entry["event"] for entry in logs] == ["model_cache_miss", "model_cached"]
    site.faults = ["503"] * 99  # the site is of no use any more
    with capture_logs() as logs:
        assert get(site.url("model.h5"), tmp_path) == path
    assert logs == []
    assert site.asked == {"/model.h5": 1}


def test_a_network_of_ours_comes_with_its_description(site: Site, tmp_path: Path) -> None:
    path = get(site.url("drums.onnx?signature=secret"), tmp_path, BOTH)
    assert path.read_bytes() == MODEL
    assert path.with_suffix(".json").read_bytes() == CONFIG
    path.with_suffix(".json").write_bytes(b"{}")
    assert get(site.url("drums.onnx"), tmp_path, BOTH).with_suffix(".json").read_bytes() == CONFIG
    assert site.asked == {"/drums.onnx": 1, "/drums.json": 2}


def test_another_version_is_fetched(site: Site, tmp_path: Path) -> None:
    first = get(site.url("model.h5"), tmp_path)
    site.files["/model.h5"] = MODEL[::-1]
    second = get(site.url("model.h5"), tmp_path, sha256(MODEL[::-1]), version="v1.1.0")
    assert first.read_bytes() == MODEL
    assert second.read_bytes() == MODEL[::-1]
    assert first.parent != second.parent


@pytest.mark.parametrize("damage", [MODEL[:-1] + b"x", MODEL[:1000], b""])
def test_a_damaged_copy_is_fetched_anew(site: Site, tmp_path: Path, damage: bytes) -> None:
    path = get(site.url("model.h5"), tmp_path)
    path.write_bytes(damage)
    assert get(site.url("model.h5"), tmp_path).read_bytes() == MODEL
    assert site.asked == {"/model.h5": 2}


@pytest.mark.parametrize("faults", [["503", "500"], ["truncate", "truncate"], ["hang up", "429"], ["redirect"]])
def test_a_server_that_fails_twice_is_asked_again(site: Site, tmp_path: Path, faults: list[str]) -> None:
    site.faults = list(faults)
    path = get(site.url("model.h5"), tmp_path)
    assert path.read_bytes() == MODEL
    assert left_over(tmp_path) == ["model.h5"]
    assert site.asked == {"/model.h5": len(faults) + 1}


@pytest.mark.parametrize("fault", ["503", "truncate", "hang up"])
def test_a_server_that_keeps_failing_is_given_up(site: Site, tmp_path: Path, fault: str) -> None:
    site.faults = [fault] * 99
    with pytest.raises(WeightsNotFound, match="could not be fetched from http"):
        get(site.url("model.h5"), tmp_path)
    assert left_over(tmp_path) == []
    assert site.asked == {"/model.h5": 3}


@pytest.mark.parametrize("status", ["404", "403"])
def test_a_server_that_refuses_is_not_asked_again(site: Site, tmp_path: Path, status: str) -> None:
    site.faults = [status]
    with pytest.raises(WeightsNotFound, match=f"model.h5 answered {status}") as refusal:
        get(site.url("model.h5?token=secret"), tmp_path)
    assert "secret" not in str(refusal.value)
    assert site.asked == {"/model.h5": 1}


def test_wrong_bytes_are_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    site.files["/model.h5"] = MODEL[:-1] + b"x"
    with pytest.raises(WeightsCorrupt, match="is damaged: its sha256 is"):
        get(site.url("model.h5"), tmp_path)
    assert left_over(tmp_path) == []


def test_an_endless_file_is_cut_off(site: Site, tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="longer than 1000000 bytes"):
        resolve_model(site.url("model.h5"), version="v1", cache_dir=tmp_path, sha256=sha256(MODEL), max_bytes=1_000_000)
    assert left_over(tmp_path) == []


def test_nobody_there_means_not_found(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="could not be fetched"):
        get(f"http://127.0.0.1:{free_port()}/model.h5", tmp_path)


def _resolve(arguments: tuple[str, Path]) -> bytes:
    return get(*arguments).read_bytes()


def test_processes_that_start_together_fetch_once(site: Site, tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as processes:
        got = list(processes.map(_resolve, [(site.url("model.h5"), tmp_path)] * 6))
    assert got == [MODEL] * 6
    assert site.asked == {"/model.h5": 1}


def test_what_a_killed_process_left_is_removed(site: Site, tmp_path: Path) -> None:
    left = tmp_path / "model" / "v1.0.0" / ".incoming" / "half"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    os.utime(left, (1, 1))
    get(site.url("model.h5"), tmp_path)
    assert left_over(tmp_path) == ["model.h5"]


@pytest.mark.parametrize(
    ("hashes", "file"),
    [("", "model.h5"), ("abc", "model.h5"), (sha256(MODEL), "drums.onnx"), (BOTH, "model.h5"), ("", "drums.onnx")],
)
def test_a_remote_model_needs_its_hashes(site: Site, tmp_path: Path, hashes: str, file: str) -> None:
    with pytest.raises(WeightsNotFound, match="needs"):
        get(site.url(file), tmp_path, hashes)
    assert site.asked == {}


@pytest.mark.parametrize(
    ("file", "version"), [("", "v1"), ("%2e%2e", "v1"), ("model.h5", ".."), ("model.h5", "a/b"), ("model.h5", "")]
)
def test_no_name_leads_out_of_the_cache(site: Site, tmp_path: Path, file: str, version: str) -> None:
    with pytest.raises(WeightsNotFound, match="cannot be the name of a model"):
        get(site.url(file), tmp_path, version=version)
    assert site.asked == {}


def test_separators_in_disguise_name_nothing_outside_the_cache(site: Site, tmp_path: Path) -> None:
    site.files["/..%2F..%2Fetc"] = MODEL
    assert get(site.url("..%2F..%2Fetc"), tmp_path) == tmp_path / "etc" / "v1.0.0" / "etc"


@pytest.mark.parametrize("address", [str, Path.as_uri])
def test_a_local_model_is_used_where_it_lies(tmp_path: Path, address: Callable[[Path], str]) -> None:
    path = tmp_path / "my model.onnx"
    path.write_bytes(MODEL)
    with pytest.raises(WeightsNotFound, match=r"no model file .*my model\.json"):
        get(address(path), tmp_path / "cache", "")
    path.with_suffix(".json").write_bytes(CONFIG)
    assert get(address(path), tmp_path / "cache", "") == path
    assert get(address(path), tmp_path / "cache", BOTH) == path
    with pytest.raises(WeightsCorrupt, match="damaged"):
        get(address(path), tmp_path / "cache", f"{sha256(CONFIG)},{sha256(CONFIG)}")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "uri", ["ftp://example.org/model.h5", "gs://bucket/model.h5", "/no/such/model.h5", "file:///no/such/model.h5"]
)
def test_what_cannot_be_fetched_is_said_so(tmp_path: Path, uri: str) -> None:
    with pytest.raises(WeightsNotFound, match=r"not fetched from|no model file"):
        get(uri, tmp_path)


def test_a_model_comes_from_s3(tmp_path: Path) -> None:
    with S3Server() as server:
        (server.bucket_folder / "models").mkdir()
        for name, content in (("drums.onnx", MODEL), ("drums.json", CONFIG)):
            (server.bucket_folder / "models" / name).write_bytes(content)

        def fetch(secret: str, key: str = "models/drums.onnx", cache: str = "cache") -> Path:
            access = S3Access(server.region, server.url, server.access_key_id, secret)
            uri = f"s3://{server.bucket}/{key}"
            return resolve_model(uri, version="v2", cache_dir=tmp_path / cache, sha256=BOTH, s3=access, attempts=2, pause_s=0.01)

        with pytest.raises(WeightsNotFound, match=r"refused .*: SignatureDoesNotMatch"):
            fetch("wrong")
        with pytest.raises(WeightsNotFound, match=r"refused .*: NoSuchKey"):
            fetch(server.secret_access_key, "models/other.onnx")
        path = fetch(server.secret_access_key)
        assert path.read_bytes() == MODEL
        assert path.with_suffix(".json").read_bytes() == CONFIG
        server.stop()
        assert fetch(server.secret_access_key) == path
        with pytest.raises(WeightsNotFound, match="could not be fetched"):
            fetch(server.secret_access_key, cache="other")


def test_a_cache_without_room_is_said_to_be_full(site: Site, tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(StorageFull, match="no room left"):
            get(site.url("model.h5"), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left_over(tmp_path) == []
