"""Score → pages: PDF, SVG, PNG, by one of three engravers.

    lilypond    from our own LilyPond source; the program comes with the package
    musescore   from our MusicXML, through an installed MuseScore
    verovio     from our MusicXML, inside this process (`verovio_pages`)

`write_pdf` uses the backend that was asked for or raises. Only `write_pdf_with_fallback` tries others, and it says so.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from drumscribe.errors import EngraverMissing, ExportFailed, OptionError
from drumscribe.export.lilypond import write_lilypond
from drumscribe.export.musicxml import write_musicxml
from drumscribe.export.processes import run_engraver
from drumscribe.export.verovio_pages import Form, engrave_with_verovio
from drumscribe.options import PdfOptions
from drumscribe.types import Score

#: Names under which distributions install MuseScore, newest first.
_MUSESCORE_NAMES = ("musescore4", "mscore4", "mscore4portable", "musescore3", "mscore3", "musescore", "mscore", "MuseScore")

_Engraver = Callable[[Score, PdfOptions, Form, int], list[bytes]]


def write_pdf(score: Score, options: PdfOptions | None = None) -> bytes:
    """The score as a PDF.

    Raises
    ------
    EngraverMissing
        If the backend is not installed.
    ExportFailed
        If it fails or takes longer than `options.timeout_s`, or if the backend is "none".
    """
    return _engrave(score, options or PdfOptions(), "pdf", 0)[0]


def write_svg_pages(score: Score, options: PdfOptions | None = None) -> list[bytes]:
    """The score as SVG, one document a page. Raises as `write_pdf` does."""
    return _engrave(score, options or PdfOptions(), "svg", 0)


def write_png_pages(score: Score, options: PdfOptions | None = None, *, dpi: int = 150) -> list[bytes]:
    """The score as PNG, one picture a page, at 30-600 dots per inch. Raises as `write_pdf` does."""
    if not 30 <= dpi <= 600:
        raise OptionError(f"The resolution must lie within 30 and 600 dpi, not {dpi}.", dpi=dpi)
    return _engrave(score, options or PdfOptions(), "png", dpi)


def write_pdf_with_fallback(score: Score, options: PdfOptions | None = None) -> tuple[bytes | None, str, tuple[str, ...]]:
    """The score as a PDF by the backend asked for, else by the next that works.

    Returns
    -------
    tuple of (bytes or None, str, tuple of str)
        The PDF, the backend that made it, and a sentence for each that failed. With the backend "none", or when all
        failed, there is no PDF and the backend is "none".
    """
    options = options or PdfOptions()
    if options.backend == "none":
        return None, "none", ()
    warnings: list[str] = []
    for backend in [options.backend, *(name for name in _ENGRAVERS if name != options.backend)]:
        try:
            pdf = _ENGRAVERS[backend](score, options, "pdf", 0)[0]
        except ExportFailed as error:
            warnings.append(f"No PDF from {backend}: {error.message}")
            continue
        if warnings:
            warnings.append(f"The PDF was engraved by {backend} instead of {options.backend}.")
        return pdf, backend, tuple(warnings)
    return None, "none", (*warnings, "No PDF was written.")


def _engrave(score: Score, options: PdfOptions, form: Form, dpi: int) -> list[bytes]:
    if options.backend == "none":
        raise ExportFailed("Pages are switched off (backend none).", backend="none")
    return _ENGRAVERS[options.backend](score, options, form, dpi)


def _engrave_with_lilypond(score: Score, options: PdfOptions, form: Form, dpi: int) -> list[bytes]:
    program, bundled = _find_lilypond(options)
    command = [program, f"--{form}", "--loglevel=ERROR", "--output=score"]
    if bundled:
        # a third faster than through Ghostscript; releases before 2.24 and some builds do not have it
        command.append("-dbackend=cairo")
    if form == "png":
        command.append(f"-dresolution={dpi}")
    with tempfile.TemporaryDirectory(prefix="drumscribe-") as name:
        folder = Path(name)
        (folder / "score.ly").write_bytes(write_lilypond(score, options))
        run_engraver([*command, "score.ly"], folder=folder, timeout_s=options.timeout_s, backend="lilypond")
        return _collect(folder, form, "lilypond")


def find_engraver(options: PdfOptions) -> str:
    """Program or package that the chosen backend would use, for a health check; empty for the backend "none".

    Raises
    ------
    EngraverMissing
        If there is none.
    """
    if options.backend == "lilypond":
        return _find_lilypond(options)[0]
    if options.backend == "musescore":
        return _find_musescore(options)
    if options.backend == "verovio" and not (find_spec("verovio") and find_spec("typst")):
        raise EngraverMissing("The verovio engine needs the packages verovio and typst.", backend="verovio")
    return "verovio" if options.backend == "verovio" else ""


def _find_lilypond(options: PdfOptions) -> tuple[str, bool]:
    """Path of the program and whether it is the one that came with the package."""
    if options.lilypond_bin:
        return _named(options.lilypond_bin, "lilypond"), False
    if find_spec("lilypond"):
        import lilypond

        program = Path(lilypond.executable())
        if program.is_file():
            return str(program), True
    if program := shutil.which("lilypond"):
        return program, False
    raise EngraverMissing("LilyPond is not installed: pip install lilypond.", backend="lilypond")


def _find_musescore(options: PdfOptions) -> str:
    if options.musescore_bin:
        return _named(options.musescore_bin, "musescore")
    program = next(filter(None, map(shutil.which, _MUSESCORE_NAMES)), None)
    if not program:
        raise EngraverMissing("MuseScore is not installed.", backend="musescore")
    return program


def _named(program: str, backend: str) -> str:
    """A program that the options name, if it is there."""
    found = shutil.which(program)
    if not found:
        raise EngraverMissing(f"{program} could not be started: there is no such program.", backend=backend)
    return found


def _engrave_with_musescore(score: Score, options: PdfOptions, form: Form, dpi: int) -> list[bytes]:
    program = _find_musescore(options)
    with tempfile.TemporaryDirectory(prefix="drumscribe-") as name:
        folder = Path(name)
        (folder / "score.musicxml").write_bytes(write_musicxml(score, bars_per_line=options.bars_per_line))
        command = [program, *(["-r", str(dpi)] if form == "png" else []), "-o", f"pages.{form}", "score.musicxml"]
        # no display is needed, and the user's settings are neither read nor written
        environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": name, "XDG_CONFIG_HOME": name, "XDG_RUNTIME_DIR": name}
        run_engraver(command, folder=folder, timeout_s=options.timeout_s, backend="musescore", environment=environment)
        return _collect(folder, form, "musescore")


def _collect(folder: Path, form: str, backend: str) -> list[bytes]:
    """The pages that the engraver left, in order."""
    files = sorted(folder.glob(f"*.{form}"), key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)])
    if not files:
        raise ExportFailed(f"{backend} wrote no {form} file.", backend=backend)
    return [_without_date(path.read_bytes()) if form == "pdf" else path.read_bytes() for path in files]


def _without_date(pdf: bytes) -> bytes:
    """The same PDF for the same score: dates are set to 2000, of equal length so that no offset changes."""
    return re.sub(rb"\(D:\d{14}", b"(D:20000101000000", pdf)


_ENGRAVERS: dict[str, _Engraver] = {
    "lilypond": _engrave_with_lilypond,
    "verovio": engrave_with_verovio,
    "musescore": _engrave_with_musescore,
}
