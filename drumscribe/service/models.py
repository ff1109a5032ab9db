"""The networks of one process: each is loaded once, when it is first needed or before.

Contents: `get_models` for whoever listens, `preload` for workers at their start, `check_model` and `usable_models` for those
who only ask, which load no network.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from drumscribe.errors import DrumScribeError, ModelMismatch, WeightsNotFound

if TYPE_CHECKING:
    from drumscribe.service.settings import Settings
    from drumscribe.weights import Models

log = structlog.get_logger(__name__)

DEFAULT_MODEL = "default"

_lock = threading.Lock()
_loaded: dict[tuple[str, str], Models] = {}


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
        key = (str(settings.model_cache_dir), name)
        if key not in _loaded:
            _loaded[key] = load_models(name, threads=settings.MODEL_THREADS or None, cache=settings.model_cache_dir)
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
