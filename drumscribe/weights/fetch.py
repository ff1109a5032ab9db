"""Fetch networks that do not ship with the package: beside, checked, renamed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from drumscribe.addresses import public_address
from drumscribe.errors import OptionError, UnsupportedUrl, WeightsCorrupt, WeightsNotFound
from drumscribe.weights.manifest import Entry, Manifest, Pin, check_bytes, check_pins
from drumscribe.weights.publish import write_atomically

_MAX_REDIRECTS = 5
_TIMEOUT_S = 30.0


def pull(name: str, *, cache: Path, manifest: Path | None = None, offline: bool = False, retries: int = 4) -> tuple[Path, ...]:
    """Bring networks to this machine.

    What is here already, and whole, is not fetched again. A file appears in `cache` only after its hash was right.

    Parameters
    ----------
    name : str
        An alias of the manifest, or `name@version`.
    cache : Path
        Folder for what is fetched; made when missing.
    manifest : Path, optional
        The list of networks; by default the one that ships with the package.
    offline : bool
        Never use the network: only say whether everything is here.
    retries : int
        How often a connection that fails, or a server that is busy, is asked again, with growing pauses.

    Returns
    -------
    tuple of Path
        The ONNX file of each network.

    Raises
    ------
    WeightsNotFound
        If the name is unknown, or the file could not be fetched.
    WeightsCorrupt
        If what came is not what was published.
    UnsupportedUrl, ForbiddenAddress
        If the manifest names anything but a file or a public https server.
    """
    known = Manifest.read(manifest, cache)
    return tuple(_pull_one(entry, known.folder_of(entry, cache), cache, offline, retries) for entry in known.find(name))


def _pull_one(entry: Entry, folder: Path | None, cache: Path, offline: bool, retries: int) -> Path:
    if folder is not None:
        try:
            check_pins(entry, folder)
        except WeightsCorrupt:
            if folder != cache:  # what ships is not ours to replace
                raise
        else:
            return folder / entry.network.file
    if offline or not entry.url:
        why = "and offline mode is on" if offline else "and the list names no place to fetch it from"
        raise WeightsNotFound(f"The model {entry.ref} is not here, {why}.", name=str(entry.ref))
    for pin in entry.pins:
        url = f"{entry.url.rstrip('/')}/{pin.file}"
        content = _read(url, pin, retries)
        check_bytes(content, pin, where=url)
        write_atomically(cache / pin.file, content)
    return cache / entry.network.file


def fetch(source: str, *, sha256: str = "", limit: int = 2**30, retries: int = 4) -> bytes:
    """Read a file that is in no list, from a path, a file:// or an https:// address.

    Parameters
    ----------
    source : str
        Where it lies.
    sha256 : str
        What its hash must be; only a file of this machine may go without.
    limit : int
        Bytes it may have.
    retries : int
        As in `pull`.

    Raises
    ------
    OptionError
        If the address is remote and no hash was given.
    WeightsNotFound, WeightsCorrupt, UnsupportedUrl, ForbiddenAddress
        As in `pull`; a file longer than `limit` is WeightsCorrupt.
    """
    url = source if "://" in source else Path(source).absolute().as_uri()
    if not sha256 and urlsplit(url).scheme != "file":
        raise OptionError("A model from another machine needs its sha256.", url=source)
    pin = Pin(Path(urlsplit(url).path).name, sha256.lower(), limit)
    content = _read(url, pin, retries)
    if sha256:
        check_bytes(content, pin, where=source)
    return content


def _read(url: str, pin: Pin, retries: int) -> bytes:
    if urlsplit(url).scheme != "file":
        return _download(url, pin, retries)
    path = Path(url2pathname(urlsplit(url).path))
    try:
        with path.open("rb") as file:
            content = file.read(pin.size + 1)
    except OSError as error:
        raise WeightsNotFound(f"The model file {path} cannot be read: {error.strerror}.", path=str(path)) from error
    return _within(content, pin, str(path))


def _within(content: bytes, pin: Pin, where: str) -> bytes:
    if len(content) > pin.size:
        raise WeightsCorrupt(f"{where} is longer than the {pin.size} bytes that were expected.", path=where)
    return content


def _download(url: str, pin: Pin, retries: int) -> bytes:
    import urllib3

    policy = urllib3.Retry(total=retries, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), redirect=False)
    timeout = urllib3.Timeout(connect=_TIMEOUT_S, read=_TIMEOUT_S)
    for _ in range(_MAX_REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise UnsupportedUrl(f"Models are fetched from https or file addresses only, not from {url}.", url=url)
        # The address that was judged is the address that is called, so that a name cannot change its mind in between
        address = public_address(parts.hostname, parts.port or 443)
        pool = urllib3.HTTPSConnectionPool(
            address,
            parts.port or 443,
            server_hostname=parts.hostname,
            assert_hostname=parts.hostname,
            retries=policy,
            timeout=timeout,
        )
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            with (
                pool,
                pool.request("GET", target, headers={"Host": parts.netloc}, preload_content=False, redirect=False) as answer,
            ):
                if answer.get_redirect_location():
                    url = urljoin(url, str(answer.get_redirect_location()))
                    continue
                if answer.status != 200:
                    raise WeightsNotFound(
                        f"{parts.hostname} answered {answer.status} when asked for {pin.file}.", url=url, status=answer.status
                    )
                content = answer.read(pin.size + 1)
        except urllib3.exceptions.HTTPError as error:
            raise WeightsNotFound(f"{pin.file} could not be fetched from {parts.hostname}: {error}.", url=url) from error
        return _within(content, pin, url)
    raise WeightsNotFound(f"{pin.file} was redirected more than {_MAX_REDIRECTS} times.", url=url)
