"""Networks in memory, ready to run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drumscribe.errors import ModelMismatch, WeightsCorrupt, WeightsNotFound
from drumscribe.types import Drum, ModelRef
from drumscribe.weights.manifest import NEEDED_KINDS, SEPARATOR, Entry, Manifest, check_pins

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


#: What the stage that runs a network reads of its description.
_NEEDED = {
    "drums": ("drums", "context", "calibration", "picking"),
    "beats": ("logit_offsets",),
    "classifier": ("drums", "threshold", "resolution"),
    "separator": ("context",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One network and what one must know to use it."""

    ref: ModelRef
    config: dict[str, Any]  #: the network's JSON: features, drums, picking, frame rate, metrics, data, licence
    session: InferenceSession

    @property
    def picking(self) -> dict[str, Any]:
        """How its activations become hits: thresholds and their kin, fixed when the network was released."""
        return self.config["picking"]


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """The networks that a transcription needs."""

    drums: Network
    beats: Network
    classifier: Network | None = None  #: names the hits in place of the drum network, which the beats still listen to

    @property
    def refs(self) -> tuple[str, ...]:
        """`name@version` of each."""
        return tuple(str(network.ref) for network in (self.drums, self.beats, self.classifier) if network)

    @property
    def vocabulary(self) -> tuple[Drum, ...]:
        """The drums that these networks can report."""
        named = {Drum(name) for name in (self.classifier or self.drums).config["drums"]}
        return tuple(drum for drum in Drum if drum in named and drum is not Drum.OTHER)


def load_models(
    name: str = "default", *, threads: int | None = None, manifest: Path | None = None, cache: Path | None = None
) -> Models:
    """Load one network of each kind.

    Parameters
    ----------
    name : str
        An alias of the manifest, or `name@version` of a drum and of a beat network joined by a comma; a classifier may
        stand with them, or alone: then the default networks do the rest.
    threads : int, optional
        How many threads one operation may use; by default one per physical core.
    manifest : Path, optional
        The list of networks; by default the one that ships with the package.
    cache : Path, optional
        Folder with networks that were pulled.

    Raises
    ------
    WeightsNotFound
        If the name is unknown, or a network is not on this machine.
    WeightsCorrupt
        If a file is not the one that was published.
    ModelMismatch
        If the name does not stand for one network of each kind, or a network's own description contradicts the list.
    """
    known = Manifest.read(manifest, cache)
    found = known.find(name)
    if [entry.kind for entry in found] == ["classifier"]:
        found = (*known.find("default"), *found)
    entries = {entry.kind: entry for entry in found}
    if len(found) != len(entries) or set(entries) - {"classifier"} != set(NEEDED_KINDS):
        listed = ", ".join(str(entry.ref) for entry in found) or "nothing"
        kinds = ", ".join(NEEDED_KINDS)
        raise ModelMismatch(f"{name!r} must stand for one network of each kind ({kinds}); it is {listed}.", name=name)
    return Models(**{kind: _load(entry, known.folder_of(entry, cache), threads) for kind, entry in entries.items()})


def load_drums(*, manifest: Path | None = None) -> Network:
    """The default drum network alone: what the beat network is trained to listen to.

    Raises
    ------
    WeightsNotFound
        If none is published here.
    """
    known = Manifest.read(manifest)
    entry = next((e for e in known.find("default") if e.kind == "drums"), None)
    if entry is None:
        raise WeightsNotFound("No drum network is published here.")
    return _load(entry, known.folder_of(entry, None), None)


def load_separator(*, threads: int | None = None, manifest: Path | None = None) -> Network:
    """The network that isolates the drums.

    Raises
    ------
    WeightsNotFound
        If none is published here.
    WeightsCorrupt, ModelMismatch
        As in `load_models`.
    """
    known = Manifest.read(manifest)
    (entry,) = known.find(SEPARATOR)
    if entry.kind != "separator":
        raise ModelMismatch(f"{entry.ref} is of kind {entry.kind}, not a separator.", name=str(entry.ref))
    return _load(entry, known.folder_of(entry, None), threads)


def _load(entry: Entry, folder: Path | None, threads: int | None) -> Network:
    if folder is None:
        raise WeightsNotFound(
            f"The model {entry.ref} is not here; `drumscribe models pull {entry.ref}` fetches it.", name=str(entry.ref)
        )
    network, text = check_pins(entry, folder)
    return Network(entry.ref, _config(entry, text), _session(entry, network, threads))


def _config(entry: Entry, text: bytes) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ModelMismatch(f"The description of {entry.ref} is not JSON: {error}.", name=str(entry.ref)) from error
    promised = {"name": entry.ref.name, "version": entry.ref.version, "kind": entry.kind}
    if not isinstance(config, dict) or any(config.get(field) != value for field, value in promised.items()):
        raise ModelMismatch(f"The description of {entry.ref} is that of another model.", name=str(entry.ref))
    missing = [field for field in _NEEDED[entry.kind] if field not in config]
    if missing:
        raise ModelMismatch(f"The description of {entry.ref} lacks {', '.join(missing)}.", name=str(entry.ref), missing=missing)
    return config


def _session(entry: Entry, network: bytes, threads: int | None) -> InferenceSession:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as native  # pyright: ignore[reportAttributeAccessIssue]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    # Spinning wins nothing on a network this small and takes a whole core from whoever shares the machine
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except (native.Fail, native.InvalidProtobuf, native.InvalidGraph, native.InvalidArgument, native.NotImplemented) as error:
        raise WeightsCorrupt(f"The model {entry.ref} cannot be read as an ONNX network.", name=str(entry.ref)) from error
