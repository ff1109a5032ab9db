"""Find a public set of annotated drums by its own layout: one folder in, its pieces with their truth out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drumscribe.errors import FileNotReadable, InputError, OptionError
from drumscribe.evaluation.layouts import DRUM_SHARE, KINDS, Choice, Dataset, folders


def find(
    folder: Path, kind: str = "auto", *, sound: str | None = None, part: str | None = None, drum_share: float = DRUM_SHARE
) -> Dataset:
    """Find the pieces of a set.

    Parameters
    ----------
    folder : Path
        The set's own folder, or one that holds it at most two levels down.
    kind : str
        A key of `KINDS`, or "auto".
    sound : str, optional
        "mix" or "drums"; by default what the set is known for.
    part : str, optional
        Of ENST minus-one, phrase, solo, hits or all; of E-GMD test, validation, train or all; of IDMT realdrum, wavedrum,
        technodrum or all; of the generated set a condition.
    drum_share : float
        Weight of the drums, 0-1, where a mix is made of drums and accompaniment.

    Raises
    ------
    FileNotReadable
        If the folder does not exist, or something in it may not be read.
    InputError
        If it holds no such set, or nothing of it could be paired.
    OptionError
        If the set has no such sound or part.
    """
    if not folder.is_dir():
        raise FileNotReadable(f"{folder} is not a folder.", path=str(folder))
    if kind != "auto" and kind not in KINDS:
        raise OptionError(f"A data set must be one of auto, {', '.join(KINDS)}, not {kind}.")
    if not 0 < drum_share <= 1:
        raise OptionError(f"The share of the drums must lie within 0 and 1, not {drum_share}.")
    try:
        return _read(*_recognise(folder, kind), sound, part, drum_share)
    except OSError as error:
        raise FileNotReadable(f"{error.filename or folder} cannot be read: {error.strerror}.", path=str(folder)) from error


def _read(root: Path, kind: str, sound: str | None, part: str | None, drum_share: float) -> Dataset:
    row = KINDS[kind]
    if sound is not None and sound not in row.sounds:
        raise OptionError(f"{kind} holds {' and '.join(row.sounds)}, not {sound}.")
    if part is not None and row.parts and part not in row.parts:
        raise OptionError(f"The parts of {kind} are {', '.join(row.parts)}, not {part}.")
    choice = Choice(sound or row.sounds[0], part or (row.parts[0] if row.parts else "all"), drum_share)
    dataset = row.read(root, choice)
    if not dataset.pieces:
        reasons = f" ({'; '.join(dataset.unpaired[:3])})" if dataset.unpaired else ""
        raise InputError(f"No piece of {kind} in {root} has both sound and annotation{reasons}.", path=str(root))
    return dataset


def _recognise(folder: Path, kind: str) -> tuple[Path, str]:
    for root in _roots(folder):
        for name in KINDS if kind == "auto" else (kind,):
            if KINDS[name].is_here(root):
                return root, name
    wanted = "a set of annotated drums" if kind == "auto" else kind
    raise InputError(f"{folder} does not look like {wanted}: see `drumscribe evaluate --help`.", path=str(folder))


def _roots(folder: Path) -> Iterator[Path]:
    level = [folder]
    for _ in range(3):
        yield from level
        level = [inner for outer in level for inner in folders(outer)]
