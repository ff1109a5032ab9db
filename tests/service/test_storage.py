"""The contract of the artifact storage, held by both backends: over a folder, and over a real S3 server."""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
from servers import S3Server, Server, free_port

from drumscribe.service.errors import ArtifactMissing, StorageFull, StorageUnavailable
from drumscribe.service.storage import BLOCK, Content, StorageBackend, StoredFile
from drumscribe.service.storage.local import LocalStorageBackend
from drumscribe.service.storage.s3 import PART, S3StorageBackend

SONG = bytes(range(256)) * 4000  # 1,024,000 bytes: several blocks
MB = 1_000_000


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


def bucket(server: S3Server, folder: Path, *, cache_bytes: int = 200 * MB) -> S3StorageBackend:
    return S3StorageBackend(
        server.bucket,
        f"artifacts/{folder.name}",
        server.region,
        server.url,
        server.access_key_id,
        server.secret_access_key,
        cache_dir=folder / "cache",
        cache_bytes=cache_bytes,
    )


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageBackend:
    if request.param == "local":
        return LocalStorageBackend(tmp_path / "artifacts")
    server: S3Server = request.getfixturevalue("s3")
    return bucket(server.start(), tmp_path)


@pytest.fixture
def job() -> str:
    return str(uuid4())


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# ---------------------------------------------------------------------- saving and reading


@pytest.mark.parametrize("shape", ["bytes", "file", "path"])
def test_what_is_saved_is_read_back(storage: StorageBackend, job: str, tmp_path: Path, shape: str) -> None:
    path = tmp_path / "song.flac"
    path.write_bytes(SONG)
    content: dict[str, Content] = {"bytes": SONG, "file": io.BytesIO(SONG), "path": path}
    stored = storage.save_file(job, 1, "song.flac", content[shape], content_type="audio/flac")
    assert stored == StoredFile(job, 1, "song.flac", len(SONG), created=True)
    assert stored.key == f"{job}/1/song.flac"
    assert storage.read_file(job, 1, "song.flac") == SONG
    assert storage.file_size(job, 1, "song.flac") == len(SONG)
    assert storage.file_exists(job, 1, "song.flac")
    with storage.open_file(job, 1, "song.flac") as file:
        file.seek(1000)
        assert file.read(24) == SONG[1000:1024]
    with storage.get_file_path(job, 1, "song.flac") as place:
        assert place.read_bytes() == SONG
    assert path.exists()


def test_a_file_in_many_parts_is_read_back(storage: StorageBackend, job: str) -> None:
    content = os.urandom(2 * PART + 12345)
    assert storage.save_file(job, 1, "drums.wav", io.BytesIO(content)).size == len(content)
    assert storage.read_file(job, 1, "drums.wav") == content
    assert not storage.save_file(job, 1, "drums.wav", io.BytesIO(b"other")).created


def test_the_first_writer_wins(storage: StorageBackend, job: str) -> None:
    storage.save_file(job, 1, "hits.json", b"first")
    assert storage.save_file(job, 1, "hits.json", b"the second one") == StoredFile(job, 1, "hits.json", 5, created=False)
    assert storage.read_file(job, 1, "hits.json") == b"first"
    assert storage.save_file(job, 2, "hits.json", b"another revision").created


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 1), (7, 7), (9, 3), (1000, 700_001), (len(SONG) - 1, None), (len(SONG), None), (10, 10**9)]
)
def test_a_range_is_streamed(storage: StorageBackend, job: str, start: int, end: int | None) -> None:
    storage.save_file(job, 1, "song.flac", SONG)
    blocks = list(storage.stream_file(job, 1, "song.flac", start, end))
    assert b"".join(blocks) == SONG[start:end]
    assert all(0 < len(block) <= BLOCK for block in blocks)


def test_an_upload_is_moved(storage: StorageBackend, job: str) -> None:
    for created in (True, False):
        path = storage.incoming(job)
        path.write_bytes(SONG)
        assert storage.save_file(job, 0, "input.flac", path, move=True).created is created
        assert not path.exists()
    assert storage.read_file(job, 0, "input.flac") == SONG


def test_a_local_upload_is_moved_without_copying(tmp_path: Path, job: str) -> None:
    storage = LocalStorageBackend(tmp_path)
    path = storage.incoming(job)
    path.write_bytes(SONG)
    inode = path.stat().st_ino
    storage.save_file(job, 0, "input.flac", path, move=True)
    with storage.get_file_path(job, 0, "input.flac") as place:
        assert place.stat().st_ino == inode


def test_an_empty_file_counts_as_not_there(storage: StorageBackend, job: str) -> None:
    storage.save_file(job, 1, "hits.json", b"")
    assert not storage.file_exists(job, 1, "hits.json")
    assert storage.list_job_files(job) == []
    assert storage.save_file(job, 1, "hits.json", b"whole").created
    assert storage.read_file(job, 1, "hits.json") == b"whole"


def test_a_missing_file_is_said_to_be_missing(storage: StorageBackend, job: str) -> None:
    def streamed() -> bytes:
        return b"".join(storage.stream_file(job, 1, "score.pdf"))

    def located() -> None:
        with storage.get_file_path(job, 1, "score.pdf"):
            pass

    asked: list[Callable[[], object]] = [
        lambda: storage.read_file(job, 1, "score.pdf"),
        lambda: storage.open_file(job, 1, "score.pdf"),
        lambda: storage.file_size(job, 1, "score.pdf"),
        streamed,
        located,
    ]
    for ask in asked:
        with pytest.raises(ArtifactMissing, match=r"score\.pdf is not in the storage"):
            ask()
    assert not storage.file_exists(job, 1, "score.pdf")


@pytest.mark.parametrize(
    ("job_id", "revision", "name"),
    [
        ("..", 1, "hits.json"),
        ("../../etc", 1, "passwd"),
        ("8D6F3C2E-1B7A-4E0F-9C3D-2A1B0C9D8E7F", 1, "hits.json"),
        ("8d6f3c2e-1b7a-4e0f-9c3d-2a1b0c9d8e7f\n", 1, "hits.json"),
        ("8d6f3c2e-1b7a-4e0f-9c3d-2a1b0c9d8e7f", -1, "hits.json"),
        ("8d6f3c2e-1b7a-4e0f-9c3d-2a1b0c9d8e7f", True, "hits.json"),
        *(
            ("8d6f3c2e-1b7a-4e0f-9c3d-2a1b0c9d8e7f", 1, name)
            for name in ("", ".", "..", "../x", "a/b", "a\\b", "a\0b", ".hidden", "größe", "a b", "a\n", "x" * 201)
        ),
    ],
)
def test_hostile_names_are_refused(storage: StorageBackend, tmp_path: Path, job_id: str, revision: int, name: str) -> None:
    for ask in (
        lambda: storage.save_file(job_id, revision, name, b"x"),
        lambda: storage.read_file(job_id, revision, name),
        lambda: storage.file_exists(job_id, revision, name),
        lambda: storage.presigned_url(job_id, revision, name, expires_s=60, filename="x", content_type="text/plain"),
        lambda: list(storage.stream_file(job_id, revision, name)),
    ):
        with pytest.raises(ValueError, match="is not"):
            ask()
    assert files_of(tmp_path) == []


@pytest.mark.parametrize("job_id", ["..", "", ".incoming", "/etc"])
def test_hostile_jobs_are_refused(storage: StorageBackend, job_id: str) -> None:
    for ask in (storage.list_job_files, storage.delete_job_artifacts, storage.incoming):
        with pytest.raises(ValueError, match="is not the id of a job"):
            ask(job_id)


# ---------------------------------------------------------------------- many at once


def _save_at(arguments: tuple[StorageBackend, str, int, float]) -> bool:
    storage, job, number, moment = arguments
    time.sleep(max(0.0, moment - time.time()))
    return storage.save_file(job, 1, "score.pdf", io.BytesIO(bytes([number]) * (3 * MB))).created


def _check_one_whole_file(storage: StorageBackend, job: str, created: list[bool]) -> None:
    content = storage.read_file(job, 1, "score.pdf")
    assert len(content) == 3 * MB
    assert len(set(content)) == 1, "a mixture of two writers"
    assert any(created)
    assert [file.name for file in storage.list_job_files(job)] == ["score.pdf"]
    if isinstance(storage, LocalStorageBackend):  # rclone's server does not know conditions; the strict S3 server below does
        assert created.count(True) == 1


def test_of_many_threads_one_writes(storage: StorageBackend, job: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        created = list(threads.map(_save_at, [(storage, job, n, time.time() + 0.2) for n in range(6)]))
    _check_one_whole_file(storage, job, created)


def test_of_many_processes_one_writes(storage: StorageBackend, job: str) -> None:
    moment = time.time() + 3
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as processes:
        created = list(processes.map(_save_at, [(storage, job, n, moment) for n in range(3)]))
    _check_one_whole_file(storage, job, created)


def test_saving_and_deleting_at_once_leaves_whole_files_or_none(storage: StorageBackend, job: str) -> None:
    stop = threading.Event()

    def delete() -> None:
        while not stop.is_set():
            storage.delete_job_artifacts(job)

    with ThreadPoolExecutor(1) as threads:
        deleting = threads.submit(delete)
        try:
            for number in range(30):
                storage.save_file(job, number, "hits.json", SONG[:5000])
        finally:
            stop.set()
        deleting.result()
    assert all(file.size == 5000 for file in storage.list_job_files(job))


# ---------------------------------------------------------------------- listing and deleting


def test_files_are_listed_and_deleted_by_name_and_by_job(storage: StorageBackend, job: str) -> None:
    for revision, name in ((0, "input.flac"), (1, "hits.json"), (1, "drums.wav"), (10, "hits.json"), (2, "hits.json")):
        storage.save_file(job, revision, name, b"x" * (revision + 1))
    other = str(uuid4())
    storage.save_file(other, 1, "hits.json", b"stays")
    listed = [(file.revision, file.name, file.size) for file in storage.list_job_files(job)]
    assert listed == [(0, "input.flac", 1), (1, "drums.wav", 2), (1, "hits.json", 2), (2, "hits.json", 3), (10, "hits.json", 11)]
    assert set(storage.iter_job_ids()) == {job, other}

    assert storage.delete_job_artifacts(job, names={"input.flac", "drums.wav"}) == 2
    assert storage.delete_job_artifacts(job, names={"input.flac", "drums.wav"}) == 0
    assert [file.name for file in storage.list_job_files(job)] == ["hits.json"] * 3

    assert storage.delete_job_artifacts(job) == 3
    assert storage.delete_job_artifacts(job) == 0
    assert storage.list_job_files(job) == []
    assert set(storage.iter_job_ids()) == {other}
    assert storage.read_file(other, 1, "hits.json") == b"stays"


def test_a_reader_finishes_a_file_that_is_deleted(storage: StorageBackend, job: str) -> None:
    storage.save_file(job, 1, "song.flac", SONG)
    with storage.open_file(job, 1, "song.flac") as file:
        start = file.read(10)
        storage.delete_job_artifacts(job)
        assert start + file.read() == SONG


def test_what_interrupted_uploads_left_is_purged(storage: StorageBackend, job: str) -> None:
    left = storage.incoming(job)
    left.write_bytes(b"half an upl")
    assert storage.purge_incoming(older_than_s=60) == 0
    assert left.exists()
    os.utime(left, (time.time() - 120, time.time() - 120))
    assert storage.purge_incoming(older_than_s=60) == 1
    assert not left.exists()


def test_a_healthy_storage_passes_its_check_and_keeps_nothing_of_it(storage: StorageBackend, tmp_path: Path) -> None:
    storage.check()
    assert files_of(tmp_path) == []
    assert list(storage.iter_job_ids()) == []
    free = storage.free_bytes()
    assert free is None if isinstance(storage, S3StorageBackend) else free and free > 0


# ---------------------------------------------------------------------- failures


class _Breaks:
    """A client that goes away in the middle of its upload."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int, /) -> bytes:
        if self._left <= 0:
            raise ConnectionResetError("the client went away")
        self._left -= size
        return b"x" * size


@pytest.mark.parametrize("size", [BLOCK, PART + BLOCK, 3 * PART])
def test_a_source_that_breaks_leaves_nothing(storage: StorageBackend, job: str, tmp_path: Path, size: int) -> None:
    with pytest.raises(ConnectionResetError, match="went away"):
        storage.save_file(job, 1, "input.flac", _Breaks(size))
    assert not storage.file_exists(job, 1, "input.flac")
    assert files_of(tmp_path) == []
    assert storage.purge_incoming(older_than_s=-60) == 0, "an upload in parts was left open"
    assert storage.save_file(job, 1, "input.flac", b"again").created


def test_a_folder_that_cannot_be_written_to_is_said_so(tmp_path: Path, job: str) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    storage = LocalStorageBackend(tmp_path / "file" / "artifacts")
    for ask in (storage.check, lambda: storage.save_file(job, 1, "hits.json", b"x"), storage.free_bytes):
        with pytest.raises(StorageUnavailable, match="failed: Not a directory"):
            ask()


_FILL = """
import resource, sys
from pathlib import Path
from drumscribe.service.errors import StorageFull
from drumscribe.service.storage.local import LocalStorageBackend
job, root = "8d6f3c2e-1b7a-4e0f-9c3d-2a1b0c9d8e7f", Path(sys.argv[1])
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
storage = LocalStorageBackend(root)
try:
    storage.save_file(job, 1, "drums.wav", b"x" * 1_400_000)
except StorageFull as error:
    print(error.code, error.retryable, error.message)
print([path.name for path in root.rglob("*") if path.is_file()], storage.file_exists(job, 1, "drums.wav"))
print(storage.save_file(job, 1, "drums.wav", b"x" * 600_000).created)
"""
_FULL = ["storage_full True There is no room left to store files.", "[] False", "True"]


def test_a_file_too_large_for_the_system_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _FILL, str(tmp_path), "limit"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == _FULL


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=1m none "$1" || exit 77; shift; exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(tmp_path)]
    done = subprocess.run(
        [*inside, sys.executable, "-c", _FILL, str(tmp_path), "disk"], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"this system lets nobody mount a small disk: {done.stderr.strip()}")
    assert done.stdout.splitlines() == _FULL, done.stderr


def test_a_store_that_is_down_is_said_to_be_and_works_again_after(tmp_path: Path, job: str) -> None:
    with S3Server() as server:
        storage = bucket(server, tmp_path)
        storage.save_file(job, 1, "hits.json", b"kept")
        server.stop()
        begun = time.monotonic()
        with pytest.raises(StorageUnavailable, match="cannot be reached"):
            storage.check()
        assert time.monotonic() - begun < 3, "a health check must not hang"
        for ask in (
            lambda: storage.save_file(job, 2, "hits.json", b"x"),
            lambda: storage.read_file(job, 1, "hits.json"),
            lambda: storage.list_job_files(job),
        ):
            with pytest.raises(StorageUnavailable, match="cannot be reached"):
                ask()
        server.start()
        assert storage.read_file(job, 1, "hits.json") == b"kept"
        assert storage.save_file(job, 2, "hits.json", b"x").created


class _KillsOnTheWay:
    """Content during whose upload the store crashes."""

    def __init__(self, server: Server, content: bytes) -> None:
        self._server, self._content = server, io.BytesIO(content)

    def read(self, size: int, /) -> bytes:
        if self._content.tell() > 2 * PART:
            self._server.kill()
        return self._content.read(size)


def test_a_store_killed_during_an_upload_has_nothing_half_written(tmp_path: Path, job: str) -> None:
    content = os.urandom(4 * PART)
    with S3Server() as server:
        storage = bucket(server, tmp_path)
        with pytest.raises(StorageUnavailable, match="cannot be reached") as refusal:
            storage.save_file(job, 1, "drums.wav", _KillsOnTheWay(server, content))
        assert refusal.value.retryable
        server.start()
        assert not storage.file_exists(job, 1, "drums.wav")
        assert storage.list_job_files(job) == []
        assert storage.save_file(job, 1, "drums.wav", io.BytesIO(content)).created
        assert storage.read_file(job, 1, "drums.wav") == content


def test_uploads_in_parts_that_nobody_ended_are_purged(s3: S3Server, tmp_path: Path, job: str) -> None:
    import boto3

    storage = bucket(s3, tmp_path)
    client = boto3.client(
        "s3",
        endpoint_url=s3.url,
        region_name=s3.region,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
    )
    client.create_multipart_upload(Bucket=s3.bucket, Key=f"artifacts/{tmp_path.name}/{job}/1/drums.wav")
    assert storage.purge_incoming(older_than_s=60) == 0
    assert storage.purge_incoming(older_than_s=-60) == 1
    assert storage.purge_incoming(older_than_s=-60) == 0


@pytest.mark.parametrize(("field", "wrong"), [("bucket", "no-such-bucket"), ("secret", "no-such-secret")])
def test_a_store_that_refuses_is_unavailable(s3: S3Server, tmp_path: Path, job: str, field: str, wrong: str) -> None:
    name = wrong if field == "bucket" else s3.bucket
    secret = wrong if field == "secret" else s3.secret_access_key
    storage = S3StorageBackend(name, "", s3.region, s3.url, s3.access_key_id, secret, cache_dir=tmp_path)
    for ask in (storage.check, lambda: storage.save_file(job, 1, "hits.json", b"x")):
        with pytest.raises(StorageUnavailable, match="refused"):
            ask()


# ---------------------------------------------------------------------- memory

_STREAM = """
import os, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_storage
storage = eval(sys.argv[2], vars(test_storage))
job = "8d6f3c2e-1b7a-4e0f-9c3d-2a1b0c9d8e7f"
class Song:
    left = 60_000_000
    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return os.urandom(size)
storage.save_file(job, 0, "warm-up", b"x" * 1_000_000)
sum(map(len, storage.stream_file(job, 0, "warm-up")))
with storage.get_file_path(job, 0, "warm-up"): pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert storage.save_file(job, 1, "drums.wav", Song()).size == 60_000_000
assert sum(map(len, storage.stream_file(job, 1, "drums.wav"))) == 60_000_000
with storage.get_file_path(job, 1, "drums.wav") as path:
    assert path.stat().st_size == 60_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("kind", "bound_mb"), [("local", 8), ("s3", 55)])
def test_memory_does_not_grow_with_the_file(s3: S3Server, tmp_path: Path, kind: str, bound_mb: int) -> None:
    make = f"LocalStorageBackend(Path({str(tmp_path)!r}))"
    if kind == "s3":
        keys = f"{s3.access_key_id!r}, {s3.secret_access_key!r}, cache_dir=Path({str(tmp_path)!r})"
        make = f"S3StorageBackend({s3.bucket!r}, {tmp_path.name!r}, {s3.region!r}, {s3.url!r}, {keys})"
    command = [sys.executable, "-c", _STREAM, str(Path(__file__).parent), make]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < bound_mb * 1024, f"grew by {int(done.stdout) / 1024:.0f} MB"


# ---------------------------------------------------------------------- copies of remote files


def test_copies_are_dropped_in_order_of_use_and_never_from_under_a_reader(s3: S3Server, tmp_path: Path, job: str) -> None:
    storage = bucket(s3, tmp_path, cache_bytes=2 * MB)
    for revision in range(5):
        storage.save_file(job, revision, "song.flac", SONG[:600_000])

    def kept() -> set[int]:
        return {int(path.parent.name) for path in files_of(tmp_path / "cache" / "copies" / "files")}

    with storage.get_file_path(job, 0, "song.flac") as held:
        for revision in range(1, 5):
            with storage.get_file_path(job, revision, "song.flac"):
                pass
        assert kept() == {0, 3, 4}, "three of them fit"
        assert held.read_bytes() == SONG[:600_000]
    with storage.get_file_path(job, 3, "song.flac"), storage.get_file_path(job, 1, "song.flac"):
        pass
    assert kept() == {1, 3, 4}, "0 is not held any more and was used first"
    assert storage.purge_incoming(older_than_s=-60) == 3
    assert kept() == set()


def test_a_copy_is_fetched_once(tmp_path: Path, job: str) -> None:
    with S3Server() as server:
        storage = bucket(server, tmp_path)
        storage.save_file(job, 1, "song.flac", SONG)
        with storage.get_file_path(job, 1, "song.flac"):
            pass
        server.stop()
        with storage.get_file_path(job, 1, "song.flac") as place:
            assert place.read_bytes() == SONG
        storage._cache.forget(job)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(StorageUnavailable, match="cannot be reached"), storage.get_file_path(job, 1, "song.flac"):
            pass
        assert files_of(tmp_path) == [], "half a download was left"


def test_many_readers_share_a_copy(s3: S3Server, tmp_path: Path, job: str) -> None:
    storage = bucket(s3, tmp_path, cache_bytes=100)  # every copy is too many
    storage.save_file(job, 1, "song.flac", SONG)

    def read(_: int) -> bytes:
        with storage.get_file_path(job, 1, "song.flac") as place:
            return place.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(read, range(24))) == {SONG}


# ---------------------------------------------------------------------- links


def test_a_presigned_link_serves_the_file_until_it_expires(s3: S3Server, tmp_path: Path, job: str) -> None:
    storage = bucket(s3, tmp_path)
    storage.save_file(job, 1, "score.pdf", SONG)
    url = storage.presigned_url(job, 1, "score.pdf", expires_s=2, filename="score.pdf", content_type="application/pdf")
    assert url
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == SONG
    for wrong in (url.replace("score.pdf", "hits.json", 1), url.replace("X-Amz-Expires=2", "X-Amz-Expires=99")):
        _refused(wrong)
    time.sleep(3.2)
    _refused(url)


def _refused(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="HTTP Error 40") as refusal:
        urllib.request.urlopen(url, timeout=10)
    refusal.value.close()


def test_a_folder_gives_no_links(tmp_path: Path, job: str) -> None:
    storage = LocalStorageBackend(tmp_path)
    storage.save_file(job, 1, "score.pdf", SONG)
    assert storage.presigned_url(job, 1, "score.pdf", expires_s=60, filename="x", content_type="application/pdf") is None


def test_a_presigned_link_leads_to_the_public_address(tmp_path: Path, job: str) -> None:
    storage = S3StorageBackend(
        "b", "p", "eu-west-1", "http://store:9000", "k", "s", cache_dir=tmp_path, public_endpoint_url="https://cdn.example.org"
    )
    url = storage.presigned_url(job, 1, "score.pdf", expires_s=60, filename="x", content_type="application/pdf")
    assert url
    assert url.startswith(f"https://cdn.example.org/b/p/{job}/1/score.pdf?")


# ---------------------------------------------------------------------- stores of another kind


class _Moto(Server):
    """A store that knows conditional writes and answers as a presigned link asks; it checks no signatures."""

    name = "moto"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        return [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(self.port)]


@pytest.fixture(scope="module")
def strict() -> Iterator[_Moto]:
    import boto3

    with _Moto() as server:
        client = boto3.client(
            "s3", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
        )
        client.create_bucket(Bucket="strict")
        yield server


def _strict(server: _Moto, folder: Path) -> S3StorageBackend:
    return S3StorageBackend("strict", "", "us-east-1", server.url, "k", "s", cache_dir=folder)


def test_a_store_that_knows_conditions_lets_one_of_many_write(strict: _Moto, tmp_path: Path, job: str) -> None:
    storage = _strict(strict, tmp_path)
    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(_save_at, [(storage, job, n, time.time() + 0.2) for n in range(8)]))
    _check_one_whole_file(storage, job, created)
    assert created.count(True) == 1


def test_a_download_has_its_name_in_any_script(strict: _Moto, tmp_path: Path, job: str) -> None:
    storage = _strict(strict, tmp_path)
    storage.save_file(job, 1, "score.pdf", b"%PDF")
    name = 'Größer "als"\r\n太鼓.pdf'
    url = storage.presigned_url(job, 1, "score.pdf", expires_s=60, filename=name, content_type="application/pdf")
    assert url
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"Gr__er _als_____.pdf\"; filename*=UTF-8''"
            "Gr%C3%B6%C3%9Fer%20%22als%22%0D%0A%E5%A4%AA%E9%BC%93.pdf"
        )
        assert answer.headers["Content-Type"] == "application/pdf"


class _Unconditional(BaseHTTPRequestHandler):
    """A store that refuses conditional writes as not implemented, as some do."""

    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        there = self.files.get(self.path)
        self._answer(404 if there is None else 200, length=len(there or b""))

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["If-None-Match"]:
            return self._answer(501, b"<Error><Code>NotImplemented</Code></Error>")
        self.files[self.path] = content
        return self._answer(200)

    def _answer(self, status: int, content: bytes = b"", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_store_without_conditions_is_written_to_all_the_same(tmp_path: Path, job: str) -> None:
    _Unconditional.files = {}
    with ThreadingHTTPServer(("127.0.0.1", free_port()), _Unconditional) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        storage = S3StorageBackend("b", "", "us-east-1", f"http://127.0.0.1:{server.server_port}", "k", "s", cache_dir=tmp_path)
        assert storage.save_file(job, 1, "hits.json", b"first").created
        assert not storage.save_file(job, 1, "hits.json", b"second").created
        assert list(_Unconditional.files.values()) == [b"first"]
        server.shutdown()


def test_a_full_store_is_said_to_be_full(tmp_path: Path, job: str) -> None:
    class Full(_Unconditional):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(507, b"<Error><Code>XMinioStorageFull</Code></Error>")

    Full.files = {}
    with ThreadingHTTPServer(("127.0.0.1", free_port()), Full) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        storage = S3StorageBackend("b", "", "us-east-1", f"http://127.0.0.1:{server.server_port}", "k", "s", cache_dir=tmp_path)
        with pytest.raises(StorageFull, match="no room left"):
            storage.save_file(job, 1, "hits.json", b"x")
        server.shutdown()
