"""The networks of one process: each is loaded once, when it is first needed or before.

Contents: `get_models` for whoever listens, `preload` for workers at their start, `check_model`, `check_present` and
`usable_models` for those who only ask, which load no network.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from drumscribe.errors import DrumScribeError, ModelMismatch, WeightsNotFound

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from drumscribe.service.model_cache import S3Access
    from drumscribe.service.settings import Settings
    from drumscribe.weights import Entry, Manifest, Models

log = structlog.get_logger(__name__)

DEFAULT_MODEL = "default"
#: Under which the operator's network is entered, beside its own name.
_ALIAS = "operator"

_lock = threading.Lock()
_loaded: dict[tuple[str, str, str], Models] = {}


@dataclass(frozen=True, slots=True)
class UsableModel:
    """A name that a job may give."""

    name: str
    networks: tuple[str, ...]  #: `name@version` of each
    vocabulary: tuple[str, ...]  #: the drums that it can report
    is_default: bool = False


def get_models(settings: Settings, name: str) -> Models:
    """Networks by name, ready to run. Loaded by the first who asks; the others wait.

    Raises
    ------
    WeightsError
        If there is no such model here, or it is damaged.
    """
    from drumscribe.weights import load_models

    with _lock:
        key = (str(settings.model_cache_dir), settings.MODEL_URI if name == DEFAULT_MODEL else "", name)
        if key not in _loaded:
            meant = _meant(settings, name)
            _loaded[key] = load_models(meant, threads=settings.MODEL_THREADS or None, cache=settings.model_cache_dir)
        return _loaded[key]


def preload(settings: Settings) -> bool:
    """Load the default networks before the first job comes. False, and a line in the log, if that fails."""
    try:
        models = get_models(settings, DEFAULT_MODEL)
    except DrumScribeError as error:
        log.error("model_preload_failed", error=error.message, code=error.code)
        return False
    log.info("model_preloaded", models=list(models.refs))
    return True


def check_model(settings: Settings, name: str = DEFAULT_MODEL) -> None:
    """Say whether a job may name this model: its networks are here and whole. None is loaded.

    Raises
    ------
    WeightsError
        If there is no such model, it is not on this machine, or its files are damaged.
    """
    from drumscribe.weights.manifest import Manifest, check_pins

    meant = _meant(settings, name)
    known = Manifest.read(cache=settings.model_cache_dir)
    for entry in _entries(known, meant):
        folder = known.folder_of(entry, settings.model_cache_dir)
        if folder is None:
            raise WeightsNotFound(f"The model {entry.ref} is not on this server.", name=str(entry.ref))
        check_pins(entry, folder)


def check_present(settings: Settings) -> None:
    """As `check_model` of the default, but nothing is fetched: whoever only asks must not wait for a slow server.

    Raises
    ------
    WeightsError
        As `check_model`, and if the model of `MODEL_URI` was not fetched yet.
    """
    from drumscribe.service.model_cache import resolve_model

    if uri := settings.MODEL_URI:
        version, sha256 = settings.MODEL_VERSION, settings.MODEL_SHA256
        resolve_model(uri, version=version, cache_dir=settings.model_cache_dir, sha256=sha256, fetch=False)
    check_model(settings)


def usable_models(settings: Settings) -> tuple[UsableModel, ...]:
    """Every name that stands for a whole set of networks that are here."""
    from drumscribe.weights.manifest import Manifest

    _meant(settings, DEFAULT_MODEL)
    known = Manifest.read(cache=settings.model_cache_dir)
    found: list[UsableModel] = []
    for name in known.aliases:
        try:
            check_model(settings, name)
        except DrumScribeError:
            continue
        entries = _entries(known, _meant(settings, name))
        networks = tuple(str(entry.ref) for entry in entries)
        found.append(UsableModel(name, networks, _vocabulary(settings, known, entries), name == DEFAULT_MODEL))
    return tuple(found)


def _entries(known: Manifest, name: str) -> tuple[Entry, ...]:
    """The networks behind a name, as `drumscribe.weights.load_models` puts them together."""
    from drumscribe.weights.manifest import NEEDED_KINDS

    entries = known.find(name)
    if [entry.kind for entry in entries] == ["classifier"]:
        entries = (*known.find(DEFAULT_MODEL), *entries)
    kinds = [entry.kind for entry in entries]
    if len(set(kinds)) != len(kinds) or not set(NEEDED_KINDS) <= set(kinds):
        raise ModelMismatch(f"{name!r} does not stand for one network of each kind.", name=name)
    return entries


def _vocabulary(settings: Settings, known: Manifest, entries: Sequence[Entry]) -> tuple[str, ...]:
    import json

    from drumscribe.types import Drum

    by_kind = {entry.kind: entry for entry in entries}
    names = by_kind.get("classifier", by_kind["drums"])
    folder = known.folder_of(names, settings.model_cache_dir)
    assert folder is not None, "it was checked"
    drums = {Drum(name) for name in json.loads((folder / names.config.file).read_text("utf-8"))["drums"]}
    return tuple(str(drum) for drum in Drum if drum in drums and drum is not Drum.OTHER)


# ---------------------------------------------------------------------------------------------- the operator's model


def _meant(settings: Settings, name: str) -> str:
    """What a name stands for here: `default` is the operator's model, if `MODEL_URI` names one, with ours for the rest."""
    if name != DEFAULT_MODEL or not settings.MODEL_URI:
        return name
    return _operators(
        settings.MODEL_URI, settings.MODEL_VERSION, settings.MODEL_SHA256, settings.model_cache_dir, _s3_access(settings)
    )


@lru_cache(maxsize=4)
def _operators(uri: str, version: str, sha256: str, cache: Path, s3: S3Access) -> str:
    """Bring the operator's model here and enter it in the list of this machine; its name, and those that go with it."""
    from drumscribe.service.model_cache import resolve_model
    from drumscribe.weights.manifest import Manifest

    path = resolve_model(uri, version=version, cache_dir=cache, sha256=sha256, s3=s3)
    added = _convert(path, cache, version) if path.suffix == ".h5" else _publish(path, cache)
    known = Manifest.read(cache=cache)
    if not any(entry.pins == added.pins for entry in known.entries):
        raise ModelMismatch(f"{added.ref} is the name of a network that ships; give the one at MODEL_URI a version of its own.")
    others = (entry for entry in known.find(DEFAULT_MODEL) if entry.kind != added.kind)
    return ",".join(str(entry.ref) for entry in (added, *others))


def _publish(path: Path, cache: Path) -> Entry:
    import json

    from drumscribe.weights import publish
    from drumscribe.weights.manifest import LOCAL

    if path.suffix != ".onnx":
        raise WeightsNotFound(f"{path.name} is no model: MODEL_URI must lead to an .onnx with its .json, or to a Keras .h5.")
    try:
        config = json.loads(path.with_suffix(".json").read_text("utf-8"))
    except ValueError as error:
        raise ModelMismatch(f"The description beside {path.name} is not JSON.") from error
    with _entering(cache):
        return publish(path, config, manifest=cache / LOCAL, alias=_ALIAS)


def _convert(path: Path, cache: Path, version: str) -> Entry:
    from drumscribe.annoteator import convert

    with _entering(cache):
        return convert(path.read_bytes(), cache, version=version.removeprefix("v"))


def _entering(cache: Path) -> BaseFileLock:
    from filelock import FileLock

    cache.mkdir(parents=True, exist_ok=True)
    return FileLock(cache / ".entering")


def _s3_access(settings: Settings) -> S3Access:
    from drumscribe.service.model_cache import S3Access

    secret = settings.S3_SECRET_ACCESS_KEY.get_secret_value()
    return S3Access(settings.S3_REGION, settings.S3_ENDPOINT_URL, settings.S3_ACCESS_KEY_ID or None, secret or None)
