"""Mix and hits → `BeatGrid`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drumscribe.beats.decode import track_beats as track_beats
    from drumscribe.beats.infer import activate_beats as activate_beats

_HOMES = {"track_beats": "decode", "activate_beats": "infer"}

__all__ = ["activate_beats", "track_beats"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"drumscribe.beats.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'drumscribe.beats' has no attribute {name!r}")
