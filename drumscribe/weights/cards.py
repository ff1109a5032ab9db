"""Model cards as data: what a network's own description says about it, beside what the list promises."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drumscribe.errors import ModelMismatch, WeightsNotFound
from drumscribe.weights.manifest import Entry, Manifest, check_pins

#: What of a description is for those who run the network, not for those who judge it.
_MACHINERY = {
    "name",
    "version",
    "kind",
    "licence",
    "calibration",
    "picking",
    "operating_point",
    "logit_offsets",
    "features",
    "context",
}


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """One network that lies here, whole."""

    entry: Entry
    folder: Path
    description: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """The card as plain JSON: model, kind, licence, hash, size, place, and what the description tells of it."""
        told = {key: value for key, value in self.description.items() if key not in _MACHINERY}
        return {
            "model": str(self.entry.ref),
            "kind": self.entry.kind,
            "licence": self.entry.licence,
            "sha256": self.entry.network.sha256,
            "bytes": sum(pin.size for pin in self.entry.pins),
            "folder": str(self.folder),
            **told,
        }


def read_cards(name: str, *, manifest: Path | None = None, cache: Path | None = None) -> tuple[Card, ...]:
    """Read the cards of the networks that `name` stands for.

    Parameters
    ----------
    name : str
        An alias of the manifest, or `name@version`, several joined by commas.
    manifest, cache : Path, optional
        As for `list_models`.

    Raises
    ------
    WeightsNotFound
        If the name is unknown, or a network is not on this machine.
    WeightsCorrupt
        If a file is not the one that was published.
    ModelMismatch
        If a description is not a JSON object.
    """
    known = Manifest.read(manifest, cache)
    return tuple(_card(entry, known.folder_of(entry, cache)) for entry in known.find(name))


def _card(entry: Entry, folder: Path | None) -> Card:
    if folder is None:
        raise WeightsNotFound(
            f"The model {entry.ref} is not here; `drumscribe models pull {entry.ref}` fetches it.", name=str(entry.ref)
        )
    _, text = check_pins(entry, folder)
    try:
        description = json.loads(text)
    except ValueError as error:
        raise ModelMismatch(f"The description of {entry.ref} is not JSON: {error}.", name=str(entry.ref)) from error
    if not isinstance(description, dict):
        raise ModelMismatch(f"The description of {entry.ref} is not a JSON object.", name=str(entry.ref))
    return Card(entry, folder, description)
