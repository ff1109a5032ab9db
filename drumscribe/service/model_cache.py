"""Bring a model that the operator names to this machine: `MODEL_URI`, `MODEL_VERSION`, `MODEL_SHA256`.

A path or `file://` is used where it lies. What comes over `http(s)://` or `s3://` must have its sha256 told, is kept in
`<cache>/<name>/<version>/<file>`, and is compared with it at every start: a damaged copy is fetched anew, a good one needs no
network. Another version has another folder, so changing it fetches again.

A network of ours is two files: beside `drums-1.1.0.onnx` lies `drums-1.1.0.json`, which says how to read it. For a `.onnx` both
are brought, and `sha256` is two hashes with a comma between them, first the network's, then the description's, as the manifest
pins both. Every other model, such as a `.h5`, is one file and one hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

import structlog
from filelock import FileLock
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from drumscribe.errors import WeightsCorrupt, WeightsNotFound
from drumscribe.service.storage import BLOCK
from drumscribe.service.storage.files import fresh, purge, sentences, write_whole

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class S3Access:
    """How `s3://` is reached; by default AWS with what boto3 finds by itself."""

    region: str = "us-east-1"
    endpoint_url: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = None


def resolve_model(
    uri: str,
    *,
    version: str,
    cache_dir: Path,
    sha256: str = "",
    s3: S3Access | None = None,
    max_bytes: int = 1_000_000_000,
    attempts: int = 5,
    pause_s: float = 0.5,
    fetch: bool = True,
) -> Path:
    """Return the path of a model whose bytes are the promised ones, fetching it if need be.

    Parameters
    ----------
    uri : str
        A path, `file://…`, `http(s)://…` or `s3://bucket/key`.
    version : str
        Names the folder in the cache.
    cache_dir : Path
        Made when missing; several processes may share it, and one of them fetches.
    sha256 : str
        Hash of the file, or `network,description` for a `.onnx`. Needed for http(s) and s3.
    s3 : S3Access, optional
        Credentials and address for `s3://`.
    max_bytes : int
        A longer file is not fetched to its end.
    attempts : int
        How often a server that fails, or breaks off, is asked.
    pause_s : float
        Scale of the pauses between them, which double.
    fetch : bool
        Whether what is missing is fetched; else it counts as not found.

    Returns
    -------
    Path
        The file; of a `.onnx`, the `.json` lies beside it.

    Raises
    ------
    WeightsNotFound
        If there is no such model, or it could not be fetched, or the address or version cannot be used.
    WeightsCorrupt
        If what came, or lies there, is not what was promised.
    StorageFull, StorageUnavailable
        If the cache cannot be written to.
    """
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https", "s3"}:
        return _local(uri, parts, sha256)
    addresses = _both(parts)
    hashes = _hashes(uri, sha256, len(addresses))
    names = [PurePosixPath(unquote(address.path)).name for address in addresses]
    if not all(map(_NAME.fullmatch, [*names, version])):
        raise WeightsNotFound(f"{_shown(parts)}, version {version!r}, cannot be the name of a model.", uri=_shown(parts))
    folder = cache_dir / PurePosixPath(names[0]).stem / version
    if not _whole(folder, names, hashes):
        if not fetch:
            raise WeightsNotFound(f"{_shown(parts)} has not been fetched to this machine yet.", uri=_shown(parts))
        source = _Source(s3 or S3Access(), max_bytes, attempts, pause_s)
        with _alone(folder):
            for address, name, promised in zip(addresses, names, hashes, strict=True):
                if _hash_of(folder / name) != promised:
                    source.fetch(address, folder / name, promised)
    return folder / names[0]


def _local(uri: str, parts: SplitResult, sha256: str) -> Path:
    # One letter is the drive of a Windows path
    if parts.scheme not in {"", "file"} and len(parts.scheme) > 1:
        raise WeightsNotFound(f"Models are not fetched from {parts.scheme}:// addresses.", uri=_shown(parts))
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(uri)
    files = [path, path.with_suffix(".json")] if path.suffix == ".onnx" else [path]
    hashes = _hashes(uri, sha256, len(files)) if sha256 else [""] * len(files)
    for file, promised in zip(files, hashes, strict=True):
        if not file.is_file():
            raise WeightsNotFound(f"There is no model file {file}.", path=str(file))
        if promised:
            _compare(_hash_of(file), promised, str(file))
    return path


def _both(parts: SplitResult) -> list[SplitResult]:
    beside = PurePosixPath(parts.path)
    return [parts, parts._replace(path=str(beside.with_suffix(".json")))] if beside.suffix == ".onnx" else [parts]


def _hashes(uri: str, sha256: str, wanted: int) -> list[str]:
    hashes = [part.strip().lower() for part in sha256.split(",") if part.strip()]
    if len(hashes) != wanted or not all(map(_SHA256.fullmatch, hashes)):
        what = "the sha256 of the .onnx and of the .json beside it, with a comma between" if wanted == 2 else "its sha256"
        raise WeightsNotFound(f"The model at {_shown(urlsplit(uri))} needs {what}.", uri=_shown(urlsplit(uri)))
    return hashes


def _shown(parts: SplitResult) -> str:
    # Neither passwords nor signed queries belong in messages
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _whole(folder: Path, names: list[str], hashes: list[str]) -> bool:
    return all(_hash_of(folder / name) == promised for name, promised in zip(names, hashes, strict=True))


def _hash_of(path: Path) -> str:
    """Empty if there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise WeightsNotFound(f"The model file {path} cannot be read: {error.strerror}.", path=str(path)) from error


def _compare(found: str, promised: str, where: str) -> None:
    if found != promised:
        raise WeightsCorrupt(
            f"The model file {where} is damaged: its sha256 is {found[:12]}… and should be {promised[:12]}….",
            path=where,
            expected=promised,
            found=found,
        )


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire()
        purge(folder / ".incoming", 0)  # what others left that were killed
    except OSError as error:
        raise WeightsNotFound(f"The model cache {folder} cannot be written to: {error.strerror}.", path=str(folder)) from error
    try:
        yield
    finally:
        lock.release()


class _BrokeOff(Exception):
    """Worth another try."""


@dataclass(frozen=True, slots=True)
class _Source:
    s3: S3Access
    max_bytes: int
    attempts: int
    pause_s: float

    def fetch(self, address: SplitResult, place: Path, promised: str) -> None:
        shown = _shown(address)
        log.info("model_cache_miss", uri=shown, file=place.name)
        retrying = Retrying(
            retry=retry_if_exception_type(_BrokeOff),
            stop=stop_after_attempt(self.attempts),
            wait=wait_random_exponential(multiplier=self.pause_s, max=30),
            before_sleep=lambda state: log.warning("model_fetch_failed", uri=shown, attempt=state.attempt_number),
            reraise=True,
        )
        try:
            retrying(self._fetch_once, address, place, promised)
        except _BrokeOff as error:
            raise WeightsNotFound(f"The model could not be fetched from {shown}: {error}.", uri=shown) from error
        log.info("model_cached", uri=shown, path=str(place))

    def _fetch_once(self, address: SplitResult, place: Path, promised: str) -> None:
        # Aside in a folder of the cache, then renamed: nobody sees half a model, and a crash leaves nothing under its name
        aside = fresh(place.parent / ".incoming")
        try:
            write_whole(aside, self._bounded(address))
            _compare(_hash_of(aside), promised, _shown(address))
            with sentences():
                aside.replace(place)
        finally:
            aside.unlink(missing_ok=True)

    def _bounded(self, address: SplitResult) -> Iterator[bytes]:
        size = 0
        for block in self._s3(address) if address.scheme == "s3" else self._http(address):
            size += len(block)
            if size > self.max_bytes:
                raise WeightsCorrupt(f"{_shown(address)} is longer than {self.max_bytes} bytes.", uri=_shown(address))
            yield block

    def _http(self, address: SplitResult) -> Iterator[bytes]:
        import urllib3

        shown = _shown(address)
        timeout = urllib3.Timeout(connect=10, read=30)
        redirects = urllib3.Retry(5, connect=0, read=0, status=0, other=0, raise_on_status=False)
        try:
            with (
                urllib3.PoolManager(retries=redirects, timeout=timeout) as pool,
                pool.request("GET", urlunsplit(address), preload_content=False, decode_content=False) as answer,
            ):
                if answer.status in _BUSY:
                    raise _BrokeOff(f"the server answered {answer.status}")
                if answer.status != 200:
                    raise WeightsNotFound(f"{shown} answered {answer.status}.", uri=shown, status=answer.status)
                yield from answer.stream(BLOCK)
        except urllib3.exceptions.LocationValueError as error:
            raise WeightsNotFound(f"{shown} is not an address.", uri=shown) from error
        except urllib3.exceptions.HTTPError as error:
            raise _BrokeOff(str(error)) from error

    def _s3(self, address: SplitResult) -> Iterator[bytes]:
        import boto3.session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        shown = _shown(address)
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 0},
            connect_timeout=10,
            read_timeout=30,
            response_checksum_validation="when_required",
        )
        try:
            client: Any = boto3.session.Session().client(
                "s3",
                endpoint_url=self.s3.endpoint_url or None,
                region_name=self.s3.region,
                aws_access_key_id=self.s3.access_key_id,
                aws_secret_access_key=self.s3.secret_access_key,
                config=config,
            )
            with client.get_object(Bucket=address.netloc, Key=unquote(address.path).lstrip("/"))["Body"] as body:
                while block := body.read(BLOCK):
                    yield block
            client.close()
        except ClientError as error:
            status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status in _BUSY:
                raise _BrokeOff(f"the store answered {status}") from error
            code = error.response.get("Error", {}).get("Code", status)
            raise WeightsNotFound(f"The store refused {shown}: {code}.", uri=shown, status=status) from error
        except BotoCoreError as error:
            raise _BrokeOff(str(error)) from error
