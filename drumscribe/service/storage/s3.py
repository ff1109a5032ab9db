"""Artifacts in a bucket of S3, or of a store that speaks like it: `<prefix>/<job id>/<revision>/<name>`.

Uploads carry `If-None-Match: *`, so that the store itself lets the first writer win. A store that does not know the condition
is asked beforehand whether the file is there, which leaves two writers at the very same moment: then the last one wins, whole,
and since a step repeated makes the same file, nothing is lost. The account must be allowed to list the bucket.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from typing_extensions import override

from drumscribe.service.errors import ArtifactMissing, StorageFull, StorageUnavailable
from drumscribe.service.storage import BLOCK, Content, StorageBackend, StoredFile, is_job_id, key_of, parse_key
from drumscribe.service.storage.cache import DownloadCache
from drumscribe.service.storage.files import blocks_of, fresh, purge, sentences, write_whole

#: What is longer goes up in parts of this size; two of them are in memory at most, of a file. S3 wants 5 MiB at least.
PART = 6 * 1024 * 1024

_NO_ROOM = frozenset({"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "InsufficientCapacity"})


class S3StorageBackend(StorageBackend):
    """A bucket, and a bounded folder of copies for who needs a path.

    Parameters
    ----------
    bucket, prefix, region : str
        The bucket must exist; the prefix may be empty.
    endpoint_url : str
        Address of an S3-compatible store; empty for AWS.
    access_key_id, secret_access_key : str, optional
        Without them boto3 looks for itself: environment, instance role.
    cache_dir : Path
        Folder on this machine for copies and unfinished uploads.
    cache_bytes : int
        What the copies may take together.
    public_endpoint_url : str
        The store as browsers reach it, for presigned links; empty if that is `endpoint_url`.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        region: str,
        endpoint_url: str,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        *,
        cache_dir: Path,
        cache_bytes: int = 2_000_000_000,
        public_endpoint_url: str = "",
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._region = region
        self._endpoint_url = endpoint_url
        self._public_endpoint_url = public_endpoint_url or endpoint_url
        self._credentials = (access_key_id, secret_access_key)
        self._incoming = cache_dir / "uploads"
        self._cache = DownloadCache(cache_dir / "copies", cache_bytes)
        self._knows_conditions = True
        self._clients: dict[tuple[int, str, bool], Any] = {}

    @override
    def save_file(
        self, job_id: str, revision: int, name: str, content: Content, *, content_type: str = "", move: bool = False
    ) -> StoredFile:
        key = key_of(job_id, revision, name)
        size, created = self._size(key), False
        if size == 0:
            self._delete(key)
        if not size:
            size, created = self._upload(key, content, {"ContentType": content_type} if content_type else {})
        if move and isinstance(content, Path):
            with sentences():
                content.unlink(missing_ok=True)
        return StoredFile(job_id, revision, name, size, created)

    @override
    def open_file(self, job_id: str, revision: int, name: str) -> BinaryIO:
        key = key_of(job_id, revision, name)
        return self._cache.open(key, lambda place: write_whole(place, self._blocks(key)))

    @override
    def read_file(self, job_id: str, revision: int, name: str) -> bytes:
        return b"".join(self._blocks(key_of(job_id, revision, name)))

    @override
    def stream_file(self, job_id: str, revision: int, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return self._blocks(key_of(job_id, revision, name), start, end)

    @override
    def file_size(self, job_id: str, revision: int, name: str) -> int:
        key = key_of(job_id, revision, name)
        size = self._size(key)
        if not size:
            raise _absent(key)
        return size

    @override
    def file_exists(self, job_id: str, revision: int, name: str) -> bool:
        return bool(self._size(key_of(job_id, revision, name)))

    @override
    def list_job_files(self, job_id: str) -> list[StoredFile]:
        _check(job_id)
        found: list[StoredFile] = []
        for page in self._pages("list_objects_v2", Prefix=f"{self._prefix}{job_id}/"):
            for entry in page.get("Contents", []):
                parts = parse_key(entry["Key"].removeprefix(self._prefix))
                if parts and entry["Size"]:
                    found.append(StoredFile(*parts, entry["Size"], modified=entry["LastModified"].timestamp()))
        return sorted(found, key=lambda file: (file.revision, file.name))

    @override
    def delete_job_artifacts(self, job_id: str, *, names: Collection[str] | None = None) -> int:
        gone = [file for file in self.list_job_files(job_id) if names is None or file.name in names]
        for file in gone:
            self._delete(file.key)
        self._cache.forget(job_id)
        return len(gone)

    @override
    def get_file_path(self, job_id: str, revision: int, name: str) -> AbstractContextManager[Path]:
        key = key_of(job_id, revision, name)
        return self._cache.hold(key, lambda place: write_whole(place, self._blocks(key)))

    @override
    def presigned_url(
        self, job_id: str, revision: int, name: str, *, expires_s: int, filename: str, content_type: str
    ) -> str | None:
        where = {"Bucket": self._bucket, "Key": self._prefix + key_of(job_id, revision, name)}
        shown = {"ResponseContentDisposition": _attachment(filename), "ResponseContentType": content_type}
        client = self._client(self._public_endpoint_url)
        return str(client.generate_presigned_url("get_object", Params={**where, **shown}, ExpiresIn=expires_s))

    @override
    def incoming(self, job_id: str) -> Path:
        _check(job_id)
        with sentences():
            return fresh(self._incoming)

    @override
    def iter_job_ids(self) -> Iterator[str]:
        for page in self._pages("list_objects_v2", Prefix=self._prefix, Delimiter="/"):
            for entry in page.get("CommonPrefixes", []):
                job_id = entry["Prefix"].removeprefix(self._prefix).rstrip("/")
                if is_job_id(job_id):
                    yield job_id

    @override
    def purge_incoming(self, older_than_s: float) -> int:
        with sentences():
            count = purge(self._incoming, older_than_s)
        count += self._cache.purge(older_than_s)
        limit = datetime.now(UTC) - timedelta(seconds=older_than_s)
        where = {"Bucket": self._bucket, "Prefix": self._prefix}
        with suppress(ArtifactMissing), _sentences("uploads"):  # some stores have no list while there is none
            for page in self._client().get_paginator("list_multipart_uploads").paginate(**where):
                for upload in page.get("Uploads", []):
                    if upload["Initiated"] < limit:
                        self._abort({"Bucket": self._bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]})
                        count += 1
        return count

    @override
    def check(self) -> None:
        with _sentences(""):
            self._client(patient=False).head_bucket(Bucket=self._bucket)

    @override
    def free_bytes(self) -> int | None:
        return None

    def _client(self, endpoint_url: str | None = None, *, patient: bool = True) -> Any:
        # One for each process: connections must not be shared over a fork
        address = self._endpoint_url if endpoint_url is None else endpoint_url
        kind = (os.getpid(), address, patient)
        if kind not in self._clients:
            import boto3.session
            from botocore.config import Config

            config = Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "max_attempts": 3 if patient else 0},
                connect_timeout=3,
                read_timeout=30 if patient else 5,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            )
            key_id, secret = self._credentials
            self._clients[kind] = boto3.session.Session().client(
                "s3",
                endpoint_url=address or None,
                region_name=self._region,
                aws_access_key_id=key_id,
                aws_secret_access_key=secret,
                config=config,
            )
        return self._clients[kind]

    def _pages(self, operation: str, **where: str) -> Iterator[dict[str, Any]]:
        with _sentences(""):
            yield from self._client().get_paginator(operation).paginate(Bucket=self._bucket, **where)

    def _size(self, key: str) -> int | None:
        try:
            with _sentences(key):
                return int(self._client().head_object(Bucket=self._bucket, Key=self._prefix + key)["ContentLength"])
        except ArtifactMissing:
            return None

    def _delete(self, key: str) -> None:
        with _sentences(key):
            self._client().delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def _blocks(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            return
        part = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            with _sentences(key):
                body = self._client().get_object(Bucket=self._bucket, Key=self._prefix + key, **part)["Body"]
        except _BeyondTheEnd:
            return
        with body:
            while True:
                with _sentences(key):
                    block = body.read(BLOCK)
                if not block:
                    return
                yield block

    def _upload(self, key: str, content: Content, shown: dict[str, str]) -> tuple[int, bool]:
        """Return the size of what lies there afterwards, and whether it is this."""
        parts = _parts(content)
        begun = list(islice(parts, 2))
        where = {"Bucket": self._bucket, "Key": self._prefix + key}
        try:
            if len(begun) < 2:
                body = b"".join(begun)
                with _sentences(key):
                    self._if_absent(self._client().put_object, **where, **shown, Body=body)
                return len(body), True
            return self._upload_parts(key, where, shown, _emptying(begun, parts)), True
        except _AnotherWasFaster as error:
            size = self._size(key)
            if not size:
                raise StorageUnavailable(f"{key} is being written by another.", key=key) from error
            return size, False

    def _if_absent(self, call: Callable[..., Any], **arguments: Any) -> None:
        from botocore.exceptions import ClientError

        if self._knows_conditions:
            try:
                call(**arguments, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "NotImplemented":
                    raise
                self._knows_conditions = False
            else:
                return
        call(**arguments)

    def _upload_parts(self, key: str, where: dict[str, str], shown: dict[str, str], parts: Iterator[bytes]) -> int:
        client = self._client()
        with _sentences(key):
            upload = {**where, "UploadId": client.create_multipart_upload(**where, **shown)["UploadId"]}
        size = 0
        done: list[dict[str, Any]] = []
        try:
            for part in parts:
                number = len(done) + 1
                with _sentences(key):
                    answer = client.upload_part(**upload, PartNumber=number, Body=part)
                done.append({"PartNumber": number, "ETag": answer["ETag"]})
                size += len(part)
                del part  # before the next is read
            with _sentences(key):
                self._if_absent(client.complete_multipart_upload, **upload, MultipartUpload={"Parts": done})
        except BaseException:
            self._abort(upload)
            raise
        return size

    def _abort(self, upload: dict[str, str]) -> None:
        try:
            with _sentences(upload["Key"]):
                self._client(patient=False).abort_multipart_upload(**upload)
        except (StorageUnavailable, ArtifactMissing):
            return  # the store is away, or has forgotten it: `purge_incoming` removes what is left


class _BeyondTheEnd(Exception):
    """The first byte asked for lies behind the last."""


class _AnotherWasFaster(Exception):
    """The condition of the upload is not met."""


@contextmanager
def _sentences(key: str) -> Generator[None]:
    """Say what boto3 reports in our words."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code: str = error.response.get("Error", {}).get("Code", "")
        status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "InvalidRange":
            raise _BeyondTheEnd from error
        if status in {409, 412}:
            raise _AnotherWasFaster from error
        if code in {"404", "NoSuchKey", "NoSuchUpload"} and key:
            raise _absent(key) from error
        if status == 507 or code in _NO_ROOM:
            raise StorageFull("There is no room left in the file storage.", key=key, reason=str(error)) from error
        raise StorageUnavailable(f"The file storage refused: {code or status}.", key=key, reason=str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnavailable("The file storage cannot be reached.", key=key, reason=str(error)) from error


def _emptying(begun: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    while begun:
        yield begun.pop(0)
    yield from rest


def _parts(content: Content) -> Iterator[bytes]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= PART
                yield file.read(PART)  # kept nowhere: the next is read when whoever asked has let go of this one
        return
    part = bytearray()
    for block in blocks_of(content):
        part += block
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _attachment(filename: str) -> str:
    # RFC 6266: a plain name for old readers, the true one for all others
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _absent(key: str) -> ArtifactMissing:
    return ArtifactMissing(f"{key.rsplit('/', 1)[-1]} is not in the storage.", key=key)


def _check(job_id: str) -> None:
    if not is_job_id(job_id):
        raise ValueError(f"{job_id!r} is not the id of a job")
