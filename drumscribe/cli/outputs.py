"""The files of a song: what they are called, how each is made, and how all of them appear at once or none.

Contents: `OUTPUTS` is the table of formats, `choose_names` names the songs of one call apart, `render` makes the bytes,
`save` puts them in place.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drumscribe import export
from drumscribe.cli import interrupts
from drumscribe.errors import ExportFailed, OptionError

if TYPE_CHECKING:
    from drumscribe.pipeline import Transcription

#: What is written unless `--formats` says otherwise.
DEFAULT_FORMATS = ("hits", "beats", "musicxml", "midi", "pdf")

# Leaves room for the suffix within the 255 bytes that file systems allow
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that did not go as asked, and did not stop the song."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Made:
    """The files of one format: suffix after the song's name → bytes."""

    files: Mapping[str, bytes]
    warnings: tuple[Warned, ...] = ()


Writer = Callable[["Transcription"], Made]


def _one(suffix: str, write: Callable[[Transcription], bytes]) -> Writer:
    return lambda song: Made({suffix: write(song)})


def _pages(extension: str, write: Callable[[Transcription], Sequence[bytes]]) -> Writer:
    def made(song: Transcription) -> Made:
        try:
            pages = write(song)
        except ExportFailed as error:  # no reason to withhold the rest of the song
            return Made({}, (Warned("pages_not_written", f"No {extension} was written: {error.message}"),))
        return Made({f"-{number}.{extension}": page for number, page in enumerate(pages, start=1)})

    return made


def _write_pdf(song: Transcription) -> Made:
    if song.options.pdf.backend == "none":
        return Made({}, (Warned("pdf_not_written", "No PDF was written: the PDF backend is none."),))
    content, _, messages = export.write_pdf_with_fallback(song.score, song.options.pdf)
    warnings = tuple(Warned("pdf_not_written" if content is None else "pdf_fallback", message) for message in messages)
    return Made({} if content is None else {".pdf": content}, warnings)


def _performance(song: Transcription) -> bytes:
    from drumscribe.export.documents import write_performance_json

    return write_performance_json(song.performance)


def _score(song: Transcription) -> bytes:
    from drumscribe.export.documents import write_score_json

    return write_score_json(song.score)


#: Every format by the name that `--formats` knows, in the order in which they are written.
OUTPUTS: dict[str, Writer] = {
    "hits": _one(".hits.json", lambda song: export.write_hits_json(song.performance)),
    "csv": _one(".hits.csv", lambda song: export.write_hits_csv(song.performance)),
    "beats": _one(".beats.json", lambda song: export.write_beats_json(song.performance)),
    "musicxml": _one(".musicxml", lambda song: export.write_musicxml(song.score)),
    "mxl": _one(".mxl", lambda song: export.write_mxl(song.score)),
    "midi": _one(".mid", lambda song: export.write_midi(song.performance, title=song.score.title)),
    "score-midi": _one(".score.mid", lambda song: export.write_score_midi(song.score)),
    "pdf": _write_pdf,
    "svg": _pages("svg", lambda song: export.write_svg_pages(song.score, song.options.pdf)),
    "png": _pages("png", lambda song: export.write_png_pages(song.score, song.options.pdf)),
    "jams": _one(".jams", lambda song: export.write_jams(song.performance, title=song.score.title)),
    "tab": _one(".tab.txt", lambda song: export.write_tab(song.score)),
    "picture": _one(".png", lambda song: export.write_picture(song.heard.stem.audio, song.performance, title=song.score.title)),
    "performance": _one(".performance.json", _performance),
    "score": _one(".score.json", _score),
}


def parse_formats(text: str) -> tuple[str, ...]:
    """Read the value of `--formats`.

    Raises
    ------
    OptionError
        If a format is unknown, or none is named.
    """
    chosen = [part.strip().lower() for part in text.split(",") if part.strip()]
    unknown = [name for name in chosen if name not in OUTPUTS]
    if unknown or not chosen:
        what = f"Unknown format {unknown[0]!r}." if unknown else "No format was named."
        raise OptionError(f"{what} Formats are: {', '.join(OUTPUTS)}.", formats=text)
    return tuple(name for name in OUTPUTS if name in chosen)


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


def render(
    song: Transcription, formats: Iterable[str], on_format: Callable[[str], None]
) -> tuple[dict[str, Made], tuple[Warned, ...]]:
    """Make the files of every format asked for, in memory."""
    made: dict[str, Made] = {}
    for name in formats:
        on_format(name)
        made[name] = OUTPUTS[name](song)
    return made, tuple(warning for one in made.values() for warning in one.warnings)


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
