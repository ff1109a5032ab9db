"""Make a pack of a plain folder: write the manifests that the readers of training material want.

    FOLDER/drums/KIT/CLASS/*.wav                    one stroke a file; classes are those of `material.CLASS_TO_DRUM`
    FOLDER/midi/**/*.mid                            drumming: General MIDI keys on any channel
    FOLDER/songs/**/*.mid                           bands with a drum channel (optional)
    FOLDER/instruments/NAME/ARTICULATION/*.wav      single notes, file names begin with the MIDI note (optional)
    FOLDER/music/**/*.wav                           anything without drums (optional)

Whoever imports says under which licence; the rows are of the tier "permissive", for what one may not train on should
not lie there. Every fifth kit, at least one, and every tenth performance are kept out of training to judge it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import soundfile

from drumscribe.errors import InputError
from drumscribe.features import SAMPLE_RATE
from drumscribe.training.material import CLASS_TO_DRUM, read_mono

_SOUNDS = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")
#: What a kit must have to be drawn as a whole; at least one such kit is needed on either side.
_NEEDED = ("kick", "snare", "hihat_closed", "hihat_open")
ONSET_SHARE = 0.1  #: the attack is where a sample first reaches this share of its peak
SILENT = 1e-4  #: a peak below this is no stroke

_FIELDS = {
    "drums": ("path", "kit", "class", "velocity", "kind", "tier", "licence", "family", "onset_ms", "suggested_split"),
    "midi": ("path", "bpm", "time_signature", "beat_type", "style", "tier", "licence", "split", "keys"),
    "midi_songs": ("path", "tier", "licence"),
    "instruments": ("path", "instrument", "articulation", "midi_note", "tier", "licence"),
    "music": ("path", "tier", "licence"),
}


def import_folder(folder: Path, *, licence: str, kind: str = "acoustic") -> dict[str, int]:
    """Write `manifest.csv` for every part of a pack; return how many rows each has.

    Parameters
    ----------
    licence : str
        SPDX identifier, or any name, of the licence of what lies in the folder.
    kind : str
        "acoustic" or "electronic": how the kits are weighed against one another.

    Raises
    ------
    InputError
        If a file cannot be read, a class or note is not known, or there are too few kits or performances; the sentence
        names what.
    """
    _check_manifests(folder)
    shared = {"tier": "permissive", "licence": licence}
    rows: dict[str, list[dict[str, Any]]] = {
        "drums": list(_drums(folder, {**shared, "kind": kind})),
        "midi": list(_performances(folder, shared)),
        "midi_songs": [{"path": _name(path, folder), **shared} for path in _files(folder / "songs", (".mid", ".midi"))],
        "instruments": list(_notes(folder, shared)),
        "music": [{"path": _name(path, folder), **shared} for path in _files(folder / "music", _SOUNDS)],
    }
    _check_kits(rows["drums"])
    for part, found in rows.items():
        target = folder / part / "manifest.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_suffix(".tmp")
        with beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _FIELDS[part])
            writer.writeheader()
            writer.writerows(found)
        beside.replace(target)
    return {part: len(found) for part, found in rows.items()}


def _check_manifests(folder: Path) -> None:
    """Refuse a pack whose manifests are somebody else's: theirs may know licences that a folder's name does not tell."""
    for part, fields in _FIELDS.items():
        path = folder / part / "manifest.csv"
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                if tuple(next(csv.reader(file), ())) != fields:
                    raise InputError(f"{path} was not written by import and is left alone.", path=str(path))


def _files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings) if folder.is_dir() else []


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


# ------------------------------------------------------------------------------------------------ drums


def _drums(folder: Path, shared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a stroke; velocity is the rank of its peak among the strokes of its kit and class."""
    groups: dict[tuple[str, str], list[tuple[float, float, Path]]] = {}
    for path in _files(folder / "drums", _SOUNDS):
        parts = path.relative_to(folder / "drums").parts
        if len(parts) != 3:
            raise InputError(f"{path} does not lie in drums/KIT/CLASS.", path=str(path))
        kit, name, _ = parts
        if name not in CLASS_TO_DRUM:
            raise InputError(f"{name!r} is no class of drum sounds; they are {', '.join(CLASS_TO_DRUM)}.", path=str(path))
        peak, onset = _attack(path)
        groups.setdefault((kit, name), []).append((peak, onset, path))
    kits = sorted({kit for kit, _ in groups})
    kept_out = set(kits[4::5] or kits[-1:])
    for (kit, name), strokes in sorted(groups.items()):
        for rank, (_, onset, path) in enumerate(sorted(strokes), start=1):
            split = "validation" if kit in kept_out else "train"
            yield {
                **shared,
                "path": _name(path, folder),
                "kit": kit,
                "class": name,
                "velocity": round(rank / len(strokes), 3),
                "family": kit,
                "onset_ms": round(onset * 1e3, 2),
                "suggested_split": split,
            }


def _attack(path: Path) -> tuple[float, float]:
    """Peak, and seconds to the attack."""
    try:
        level = np.abs(read_mono(path))
    except (soundfile.LibsndfileError, ValueError) as error:
        raise InputError(f"{path} cannot be read as sound.", path=str(path)) from error
    peak = float(level.max()) if level.size else 0.0
    if not SILENT <= peak < np.inf:
        raise InputError(f"{path} holds no stroke.", path=str(path))
    return peak, float(np.argmax(level >= ONSET_SHARE * peak)) / SAMPLE_RATE


def _check_kits(rows: Iterable[dict[str, Any]]) -> None:
    kits: dict[str, dict[str, set[str]]] = {"train": {}, "validation": {}}
    for row in rows:
        kits[row["suggested_split"]].setdefault(row["kit"], set()).add(row["class"])
    for split, found in kits.items():
        if not any(classes.issuperset(_NEEDED) for classes in found.values()):
            what = f"a kit with {', '.join(_NEEDED)}"
            raise InputError(f"Two kits at least are needed, and for {split} {what}; there are {', '.join(found) or 'none'}.")


# ------------------------------------------------------------------------------------------------ music


def _performances(folder: Path, shared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    paths = _files(folder / "midi", (".mid", ".midi"))
    if len(paths) < 2:
        raise InputError(f"{folder / 'midi'} needs two performances at least: one is kept out of training.", path=str(folder))
    for number, path in enumerate(paths):
        try:
            midi = pretty_midi.PrettyMIDI(str(path))
        except Exception as error:  # its parser raises whatever a damaged file leads to
            raise InputError(f"{path} cannot be read as MIDI.", path=str(path)) from error
        signature = midi.time_signature_changes[0] if midi.time_signature_changes else None
        bpm = float(midi.get_tempo_changes()[1][0])
        yield {
            **shared,
            "path": _name(path, folder),
            "bpm": round(bpm, 3),
            "time_signature": f"{signature.numerator}-{signature.denominator}" if signature else "4-4",
            "beat_type": "beat",
            "style": "unknown",
            "split": "validation" if number % 10 == 1 else "test" if number % 10 == 6 else "train",
            "keys": "gm",
        }


def _notes(folder: Path, shared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in _files(folder / "instruments", _SOUNDS):
        parts = path.relative_to(folder / "instruments").parts
        digits = path.stem.partition("_")[0].partition("-")[0]
        if len(parts) != 3 or not digits.isdigit() or int(digits) > 127:
            raise InputError(f"{path} is not named instruments/NAME/ARTICULATION/NOTE….", path=str(path))
        yield {**shared, "path": _name(path, folder), "instrument": parts[0], "articulation": parts[1], "midi_note": int(digits)}
