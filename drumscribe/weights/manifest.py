"""The list of networks: which exist, what their bytes must be, and where they lie."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drumscribe.errors import WeightsCorrupt, WeightsError, WeightsNotFound
from drumscribe.types import ModelRef

#: The list that comes with the package; the networks that ship lie beside it.
SHIPPED = Path(__file__).with_name("manifest.toml")

#: One network of each of these makes a set that can transcribe.
NEEDED_KINDS = ("drums", "beats")

#: What there is: a classifier may name the hits instead of the drum network, a separator isolates the drums first.
KINDS = (*NEEDED_KINDS, "classifier", "separator")

#: The alias that stands for the separator: "default" is what transcribes.
SEPARATOR = "separator"

#: The list of networks that were converted on this machine, in the folder of what was pulled.
LOCAL = "manifest.toml"

# Names become file names: no separators, no leading dot.
#: `name@version`.
REF = re.compile(r"([a-z][a-z0-9_-]*)@([0-9][0-9A-Za-z.]*)")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of a network: its name, and what its bytes must be."""

    file: str
    sha256: str
    size: int  #: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One published network."""

    ref: ModelRef
    kind: str  #: one of `KINDS`
    licence: str  #: SPDX identifier
    network: Pin
    config: Pin
    url: str = ""  #: folder (https:// or file://) that holds both files; empty for networks that ship with the package

    @property
    def pins(self) -> tuple[Pin, Pin]:
        """Both files."""
        return self.network, self.config


@dataclass(frozen=True, slots=True)
class Manifest:
    """All published networks, and the names that stand for a set of them."""

    path: Path
    entries: tuple[Entry, ...]
    aliases: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path | None = None, cache: Path | None = None) -> Manifest:
        """Read `path`, by default the list that ships with the package, and what was added on this machine.

        Parameters
        ----------
        path : Path, optional
            The list; nothing in `cache` replaces what stands in it.
        cache : Path, optional
            Folder with pulled networks, and with the list of those that were converted there, if any.

        Raises
        ------
        WeightsNotFound
            If there is no such file.
        WeightsError
            If it is not a valid manifest.
        """
        path = path or SHIPPED
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise WeightsNotFound(f"The list of models cannot be read at {path}.", path=str(path)) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WeightsError(f"The list of models at {path} is damaged: {error}.", path=str(path)) from error
        try:
            entries = tuple(_entry(ref, row) for ref, row in document.get("models", {}).items())
            aliases = {alias: tuple(refs) for alias, refs in document.get("aliases", {}).items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"The list of models at {path} is damaged: {error}.", path=str(path)) from error
        known = cls(path, entries, aliases)
        added = cache / LOCAL if cache is not None else path
        return known._with(cls.read(added)) if added != path and added.is_file() else known

    def _with(self, other: Manifest) -> Manifest:
        own = {str(entry.ref) for entry in self.entries}
        more = tuple(entry for entry in other.entries if str(entry.ref) not in own)
        return Manifest(self.path, (*self.entries, *more), {**other.aliases, **self.aliases})

    def find(self, name: str) -> tuple[Entry, ...]:
        """Return the networks that `name` stands for: an alias, one `name@version`, or several joined by commas.

        Raises
        ------
        WeightsNotFound
            If one of them is not in the list.
        """
        known = {str(entry.ref): entry for entry in self.entries}
        refs = [ref for part in name.split(",") for ref in self.aliases.get(part.strip(), (part.strip(),))]
        for ref in refs:
            if ref not in known:
                offered = ", ".join([*self.aliases, *known]) or "none"
                how = " `drumscribe models pull annoteator --from FILE` adds it." if ref.startswith("annoteator") else ""
                raise WeightsNotFound(f"There is no model {ref!r}. Known are: {offered}.{how}", name=ref)
        return tuple(known[ref] for ref in refs)

    def folder_of(self, entry: Entry, cache: Path | None = None) -> Path | None:
        """Folder that holds both files of a network: beside the manifest, else in `cache`; None if neither has them."""
        for folder in (self.path.parent, cache):
            if folder is not None and all((folder / pin.file).is_file() for pin in entry.pins):
                return folder
        return None

    def to_toml(self) -> str:
        """Return the list as it is stored, networks sorted by name and version."""
        lines = ["# The only list of networks. Written by `drumscribe.weights.publish`; a published version never changes.", ""]
        lines += ["[aliases]"]
        lines += [f"{_text(alias)} = [{', '.join(map(_text, refs))}]" for alias, refs in sorted(self.aliases.items())]
        for entry in sorted(self.entries, key=lambda e: str(e.ref)):
            lines += ["", f"[models.{_text(str(entry.ref))}]", f"kind = {_text(entry.kind)}", f"licence = {_text(entry.licence)}"]
            if entry.url:
                lines += [f"url = {_text(entry.url)}"]
            for field, pin in (("network", entry.network), ("config", entry.config)):
                lines += [f"{field} = {{ file = {_text(pin.file)}, size = {pin.size}, sha256 = {_text(pin.sha256)} }}"]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a network lies and whether its bytes are the promised ones."""

    entry: Entry
    folder: Path | None  #: None if it is not on this machine
    problem: str = ""  #: empty, "missing" (to be pulled, where it has a url) or "corrupt"


def list_models(*, manifest: Path | None = None, cache: Path | None = None) -> tuple[Found, ...]:
    """Say which networks are published and which are here; their bytes are not read.

    Parameters
    ----------
    manifest : Path, optional
        The list; by default the one that ships with the package.
    cache : Path, optional
        Folder with pulled networks.
    """
    known = Manifest.read(manifest, cache)
    folders = ((entry, known.folder_of(entry, cache)) for entry in known.entries)
    return tuple(Found(entry, folder, "" if folder else "missing") for entry, folder in folders)


def verify(*, manifest: Path | None = None, cache: Path | None = None) -> tuple[Found, ...]:
    """Say the same as `list_models`, after reading every file and comparing its hash."""
    return tuple(_checked(found) for found in list_models(manifest=manifest, cache=cache))


def _checked(found: Found) -> Found:
    if found.folder is None:
        return found
    try:
        check_pins(found.entry, found.folder)
    except WeightsCorrupt:
        return replace(found, problem="corrupt")
    return found


def check_pins(entry: Entry, folder: Path) -> tuple[bytes, bytes]:
    """Read both files of a network and return their bytes: what was checked is what will be used.

    Raises
    ------
    WeightsNotFound
        If one cannot be read.
    WeightsCorrupt
        If a hash is not the one promised.
    """
    network, config = (_read(folder / pin.file, pin) for pin in entry.pins)
    return network, config


def _read(path: Path, pin: Pin) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsNotFound(f"The model file {path} cannot be read: {error.strerror}.", path=str(path)) from error
    check_bytes(content, pin, where=str(path))
    return content


def check_bytes(content: bytes, pin: Pin, *, where: str) -> None:
    """Raise WeightsCorrupt unless `content` is what the manifest promises."""
    found = hashlib.sha256(content).hexdigest()
    if found != pin.sha256:
        raise WeightsCorrupt(
            f"The model file {where} is damaged: its sha256 is {found[:12]}… and should be {pin.sha256[:12]}….",
            path=where,
            expected=pin.sha256,
            found=found,
        )


def _entry(ref: str, row: Mapping[str, Any]) -> Entry:
    parts = REF.fullmatch(ref)
    if not parts:
        raise ValueError(f"{ref!r} does not read like name@version")
    if row["kind"] not in KINDS:
        raise ValueError(f"{ref} is of kind {row['kind']!r}, which is none of {', '.join(KINDS)}")
    network, config = (_pin(row[field]) for field in ("network", "config"))
    return Entry(
        ModelRef(parts[1], parts[2], network.sha256), row["kind"], str(row["licence"]), network, config, row.get("url", "")
    )


def _pin(row: Mapping[str, Any]) -> Pin:
    pin = Pin(str(row["file"]), str(row["sha256"]), int(row["size"]))
    if not _FILE.fullmatch(pin.file) or not _SHA256.fullmatch(pin.sha256):
        raise ValueError(f"{pin.file!r} with sha256 {pin.sha256!r} is not a file of a model")
    return pin


def _text(value: str) -> str:
    # A JSON string is a TOML basic string, but for DEL and for characters that JSON would escape as surrogates
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
