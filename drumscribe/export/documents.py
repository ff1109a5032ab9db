"""The stored form of the two values that outlive a run, `Performance` and `Score`: JSON there and back.

Each type becomes an object with its own field names. Fractions are strings ("3/2"), drums their names; a field that
holds its default is left out. `schema_version` stands at the top, and a document of another version is refused.
"""

from __future__ import annotations

import dataclasses
import json
import types as python_types
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from drumscribe.errors import InputError
from drumscribe.types import SCHEMA_VERSION, Drum, Performance, Score

_T = TypeVar("_T")


def write_performance_json(performance: Performance) -> bytes:
    """Write all of a performance: `read_performance_json` gives back an equal one."""
    return _dump("performance", _encode(performance))


def read_performance_json(data: bytes) -> Performance:
    """Read what `write_performance_json` wrote.

    Raises
    ------
    InputError
        If it is something else, or of another schema version.
    """
    return _load("performance", Performance, data)


def write_score_json(score: Score) -> bytes:
    """Write all of a score: `read_score_json` gives back an equal one.

    For whoever draws or plays it, each bar also says where it starts: `start` in quarter notes from the first bar and
    `time` in seconds of the recording, both derived and not read back.
    """
    document = _encode(score)
    for bar, start in zip(document.get("bars", ()), score.starts, strict=True):
        bar["start"] = str(start)
        bar["time"] = round(score.tempo_map.time_at(start), 6)
    return _dump("score", document)


def read_score_json(data: bytes) -> Score:
    """Read what `write_score_json` wrote.

    Raises
    ------
    InputError
        If it is something else, or of another schema version.
    """
    return _load("score", Score, data)


def _dump(kind: str, document: dict[str, Any]) -> bytes:
    return (json.dumps({"schema_version": SCHEMA_VERSION, "kind": kind} | document, separators=(",", ":")) + "\n").encode()


def _load(kind: str, target: type[_T], data: bytes) -> _T:
    try:
        document = json.loads(data)
        version, found = document["schema_version"], document["kind"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"This is not a DrumScribe {kind}.") from error
    if found != kind:
        raise InputError(f"This is a DrumScribe {found}, not a {kind}.", found=found)
    if version != SCHEMA_VERSION:
        raise InputError(f"This {kind} has schema version {version}; this DrumScribe reads {SCHEMA_VERSION}.", version=version)
    try:
        return _decode(target, document)
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise InputError(f"This {kind} is damaged: {error}.") from error


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: _encode(v) for f, v in pairs if not _is_default(f, v)}
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    if isinstance(value, Fraction | Drum):
        return str(value)
    return value


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return field.default is not dataclasses.MISSING and bool(value == field.default)


def _decode(target: Any, data: Any) -> Any:
    """Build a `target` (a type hint of `types.py`) from what `_encode` made of it."""
    return _decoder(target)(data)


@cache
def _decoder(target: Any) -> Callable[[Any], Any]:
    """What builds a `target`; looked up once for each type, as a score has tens of thousands of values."""
    if get_origin(target) is tuple:
        entry = _decoder(get_args(target)[0])

        def of_list(data: Any) -> Any:
            if not isinstance(data, list):
                raise TypeError(f"expected a list, not {data!r}")
            return tuple(map(entry, data))

        return of_list
    if isinstance(target, python_types.UnionType):
        present = _decoder(next(a for a in get_args(target) if a is not type(None)))
        return lambda data: None if data is None else present(data)
    if dataclasses.is_dataclass(target):
        hints = get_type_hints(target)
        fields = {f.name: _decoder(hints[f.name]) for f in dataclasses.fields(target)}
        make: Callable[..., Any] = target  # type: ignore[assignment]
        return lambda data: make(**{name: read(data[name]) for name, read in fields.items() if name in data})
    return target
