"""Every format that a song can be written in, and how each is made. The command line and the service write the same.

Contents: `OUTPUTS` is the table of formats, `parse_formats` reads a choice of them, `render` makes the bytes,
`clean_title` brings a title into form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drumscribe import export
from drumscribe.errors import ExportFailed, OptionError

if TYPE_CHECKING:
    from drumscribe.export.picture import Spectrogram
    from drumscribe.options import PdfOptions
    from drumscribe.pipeline import Transcription
    from drumscribe.types import Performance, Score

#: Tags hold anything; a title page does not.
LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that did not go as asked, and did not stop the song."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """What the writers are given."""

    performance: Performance
    score: Score
    pdf: PdfOptions
    sound: Callable[[], Spectrogram]  #: asked for only by who draws it

    @classmethod
    def of(cls, transcription: Transcription) -> Song:
        """A song that was just transcribed."""

        def sound() -> Spectrogram:
            from drumscribe.export.picture import analyse

            return analyse(transcription.heard.stem.audio)

        return cls(transcription.performance, transcription.score, transcription.options.pdf, sound)


@dataclass(frozen=True, slots=True)
class Made:
    """The files of one format: suffix after the song's name → bytes."""

    files: Mapping[str, bytes]
    warnings: tuple[Warned, ...] = ()


Writer = Callable[[Song], Made]


def _one(suffix: str, write: Callable[[Song], bytes]) -> Writer:
    return lambda song: Made({suffix: write(song)})


def _pages(extension: str, write: Callable[[Song], Sequence[bytes]]) -> Writer:
    def made(song: Song) -> Made:
        try:
            pages = write(song)
        except ExportFailed as error:  # no reason to withhold the rest of the song
            return Made({}, (Warned("pages_not_written", f"No {extension} was written: {error.message}"),))
        return Made({f"-{number}.{extension}": page for number, page in enumerate(pages, start=1)})

    return made


def _write_pdf(song: Song) -> Made:
    if song.pdf.backend == "none":
        return Made({}, (Warned("pdf_not_written", "No PDF was written: the PDF backend is none."),))
    content, _, messages = export.write_pdf_with_fallback(song.score, song.pdf)
    warnings = tuple(Warned("pdf_not_written" if content is None else "pdf_fallback", message) for message in messages)
    return Made({} if content is None else {".pdf": content}, warnings)


def _performance(song: Song) -> bytes:
    from drumscribe.export.documents import write_performance_json

    return write_performance_json(song.performance)


def _score(song: Song) -> bytes:
    from drumscribe.export.documents import write_score_json

    return write_score_json(song.score)


#: Every format by the name that `--formats` and `/download/` know, in the order in which they are written.
OUTPUTS: dict[str, Writer] = {
    "hits": _one(".hits.json", lambda song: export.write_hits_json(song.performance)),
    "csv": _one(".hits.csv", lambda song: export.write_hits_csv(song.performance)),
    "beats": _one(".beats.json", lambda song: export.write_beats_json(song.performance)),
    "musicxml": _one(".musicxml", lambda song: export.write_musicxml(song.score)),
    "mxl": _one(".mxl", lambda song: export.write_mxl(song.score)),
    "midi": _one(".mid", lambda song: export.write_midi(song.performance, title=song.score.title)),
    "score-midi": _one(".score.mid", lambda song: export.write_score_midi(song.score)),
    "pdf": _write_pdf,
    "svg": _pages("svg", lambda song: export.write_svg_pages(song.score, song.pdf)),
    "png": _pages("png", lambda song: export.write_png_pages(song.score, song.pdf)),
    "jams": _one(".jams", lambda song: export.write_jams(song.performance, title=song.score.title)),
    "tab": _one(".tab.txt", lambda song: export.write_tab(song.score)),
    "picture": _one(".png", lambda song: export.write_picture(song.sound(), song.performance, title=song.score.title)),
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


def clean_title(text: str) -> str:
    """One line that can be printed above a score, of what a tag or a site says."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_TITLE].strip()


def render(song: Song, formats: Iterable[str], on_format: Callable[[str], None]) -> tuple[dict[str, Made], tuple[Warned, ...]]:
    """Make the files of every format asked for, in memory."""
    made: dict[str, Made] = {}
    for name in formats:
        on_format(name)
        made[name] = OUTPUTS[name](song)
    return made, tuple(warning for one in made.values() for warning in one.warnings)
