"""Add a trained network to the manifest."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drumscribe.errors import ModelMismatch
from drumscribe.types import ModelRef
from drumscribe.weights.manifest import KINDS, REF, SHIPPED, Entry, Manifest, Pin


def publish(network: Path, config: Mapping[str, Any], *, manifest: Path | None = None, alias: str = "default") -> Entry:
    """Add a new version of a network to a manifest, and let the alias stand for it.

    Parameters
    ----------
    network : Path
        The ONNX file; copied beside the manifest as `name-version.onnx`.
    config : mapping
        What one must know to use the network, as plain JSON; at least `name`, `version`, `kind` and `licence`.
        Stored beside it as `name-version.json`.
    manifest : Path, optional
        The list, made when missing; by default the one that ships with the package.
    alias : str
        This name stands for the new network from now on, in place of its forerunner of the same kind.

    Raises
    ------
    ModelMismatch
        If the configuration lacks a field, or gives an impossible name or kind, or that version is published already with
        other bytes.
    """
    missing = [field for field in ("name", "version", "kind", "licence") if not isinstance(config.get(field), str)]
    if missing:
        raise ModelMismatch(f"The configuration of a model needs {', '.join(missing)}.", missing=missing)
    if not REF.fullmatch(f"{config['name']}@{config['version']}") or config["kind"] not in KINDS:
        raise ModelMismatch(f"A model cannot be called {config['name']}@{config['version']} of the kind {config['kind']}.")
    path = manifest or SHIPPED
    known = Manifest.read(path) if path.is_file() else Manifest(path, (), {})
    stem = f"{config['name']}-{config['version']}"
    contents = {f"{stem}.onnx": network.read_bytes(), f"{stem}.json": (json.dumps(config, indent=1) + "\n").encode()}
    pins = [Pin(file, hashlib.sha256(content).hexdigest(), len(content)) for file, content in contents.items()]
    entry = Entry(
        ModelRef(config["name"], config["version"], pins[0].sha256), config["kind"], config["licence"], pins[0], pins[1]
    )

    others = tuple(old for old in known.entries if str(old.ref) != str(entry.ref))
    if any(str(old.ref) == str(entry.ref) and old.pins != entry.pins for old in known.entries):
        raise ModelMismatch(f"{entry.ref} is published already with other bytes; give it a new version.", name=str(entry.ref))
    same_kind = {str(old.ref) for old in known.entries if old.kind == entry.kind}
    named = known.aliases.get(alias, ())
    if same_kind & set(named):  # its place in the alias is that of the network it follows
        named = tuple(str(entry.ref) if ref in same_kind else ref for ref in named)
    else:
        named = (*named, str(entry.ref))
    for file, content in contents.items():
        write_atomically(path.with_name(file), content)
    updated = Manifest(path, (*others, entry), {**known.aliases, alias: named})
    write_atomically(path, updated.to_toml().encode())
    return entry


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside, then rename: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(beside).chmod(0o644)  # mkstemp gives 0600
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
