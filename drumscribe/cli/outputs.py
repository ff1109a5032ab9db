"""The files of a song on disk: what they are called, and how all of them appear at once or none.

Contents: `choose_names` names the songs of one call apart, `save` puts in place what `drumscribe.outputs` made.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from drumscribe.cli import interrupts
from drumscribe.errors import ExportFailed
from drumscribe.outputs import Made

#: What is written unless `--formats` says otherwise.
DEFAULT_FORMATS = ("hits", "beats", "musicxml", "midi", "pdf")

# Leaves room for the suffix within the 255 bytes that file systems allow
_LONGEST_NAME = 200


def choose_names(stems: Iterable[str]) -> tuple[str, ...]:
    """Name the songs of one call so that no two write to the same file.

    The first song of a name keeps it, the next become `name_2`, `name_3`, … (`name-2` is how pages end). Names that differ only
    in Unicode form count as the same, as they are on some file systems.
    """
    cleaned = [_clean(stem) for stem in stems]
    plain, taken, names = {_key(stem) for stem in cleaned}, set[str](), list[str]()
    for stem in cleaned:
        name, number = stem, 1
        while _key(name) in taken or (number > 1 and _key(name) in plain):
            number += 1
            name = f"{stem}_{number}"
        taken.add(_key(name))
        names.append(name)
    return tuple(names)


def _clean(stem: str) -> str:
    text = re.sub(r"[\x00-\x1f\x7f/\\]", "_", stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    while len(text.encode()) > _LONGEST_NAME:
        text = text[:-1]
    return text.strip() or "song"


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def save(folder: Path, name: str, made: Mapping[str, Made], taken: set[str]) -> dict[str, list[Path]]:
    """Write the files of one song to `folder`: all of them, or on a failure none.

    They are written to a temporary folder beside their place and renamed when the last is whole. `taken` holds the names
    that other songs of the same call have written; those of this song are added.

    Raises
    ------
    ExportFailed
        If the folder cannot be written to, or a folder or another song's file stands where a file should.
    """
    placed: dict[str, list[Path]] = {form: [folder / f"{name}{suffix}" for suffix in one.files] for form, one in made.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (path for paths in placed.values() for path in paths):
            if path.is_dir():
                raise ExportFailed(f"{path} is a folder; the file of that name cannot be written.", path=str(path))
            if _key(path.name) in taken:  # page 2 of `take` against the picture of `take-2`
                raise ExportFailed(f"{path} was written for another song already; rename one of them.", path=str(path))
        with tempfile.TemporaryDirectory(prefix=".drumscribe-", dir=folder) as beside:
            contents = {f"{name}{suffix}": content for one in made.values() for suffix, content in one.files.items()}
            for file, content in contents.items():
                (Path(beside) / file).write_bytes(content)
            with interrupts.postponed():  # renaming takes no time, and stopping in the middle would leave half a song
                for path in sorted(Path(beside).iterdir()):
                    path.replace(folder / path.name)
    except OSError as error:
        raise ExportFailed(f"{folder} cannot be written to: {error.strerror}.", path=str(folder)) from error
    taken.update(_key(path.name) for paths in placed.values() for path in paths)
    return placed
