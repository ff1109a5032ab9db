"""Pages by Verovio and Typst, for machines without LilyPond: MusicXML → one SVG a system → pages.

Verovio draws the systems; Typst, whose wheel carries its fonts and needs no system library, sets them under the title
with the drum key and page numbers, and writes PDF, SVG or PNG.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from drumscribe.errors import EngraverMissing, ExportFailed
from drumscribe.export.layout import TAGLINE, drum_key_lines, heading, printable
from drumscribe.export.musicxml import write_musicxml
from drumscribe.options import PdfOptions
from drumscribe.types import Score

Form = Literal["pdf", "svg", "png"]

_SVG = "http://www.w3.org/2000/svg"
_FONT = "Bravura"
_TEXT_FONT = "New Computer Modern"
_EM = 1000  #: font units of an em in Verovio's glyph files

#: Verovio units across the 182 mm between our margins on A4: a staff of 72 units is then 6.4 mm high.
_SYSTEM_WIDTH = 2060
_A4_TEXT_WIDTH_MM, _LETTER_TEXT_WIDTH_MM = 182.0, 187.9

_DOCUMENT = r"""
#set page(
  paper: sys.inputs.paper, margin: (x: 14mm, top: 13mm, bottom: 15mm),
  footer: context align(center, text(8pt, luma(45%), sys.inputs.maker + " · " + str(counter(page).get().first()))),
)
#set document(title: sys.inputs.title, date: none)
#set text(font: sys.inputs.font)
#align(center, text(20pt, weight: "bold", sys.inputs.title))
#if sys.inputs.subtitle != "" { v(-3mm); align(center, text(11pt, style: "italic", sys.inputs.subtitle)) }
#if sys.inputs.key != "" { align(center, block(width: 92%, text(7.5pt, sys.inputs.key))) }
#v(2mm)
#for number in range(int(sys.inputs.systems)) {
  block(breakable: false, below: 5mm, image("system" + str(number) + ".svg", width: 100%))
}
"""


def engrave_with_verovio(score: Score, options: PdfOptions, form: Form, dpi: int) -> list[bytes]:
    """Engrave in this process.

    Parameters
    ----------
    form : Form
        "pdf" (one entry for the whole document), "svg" or "png" (one entry a page).
    dpi : int
        Dots per inch of PNG pages.

    Raises
    ------
    EngraverMissing
        If Verovio or Typst is not installed.
    ExportFailed
        If Verovio cannot read the score, or Typst cannot set it.
    """
    try:
        import typst
    except ImportError as error:
        raise EngraverMissing("The verovio engine needs the packages verovio and typst.", backend="verovio") from error
    systems = _systems(score, options)
    inputs = {
        "paper": "us-letter" if options.paper == "letter" else "a4",
        "title": heading(score),
        "subtitle": printable(score.subtitle),
        "key": "\n".join(drum_key_lines(score)),
        "maker": TAGLINE,
        "font": _TEXT_FONT,
        "systems": str(len(systems)),
    }
    with tempfile.TemporaryDirectory(prefix="drumscribe-") as folder:
        for number, system in enumerate(systems):
            Path(folder, f"system{number}.svg").write_bytes(system)
        source = Path(folder, "score.typ")
        source.write_text(_DOCUMENT, "utf-8")
        try:
            pages = typst.compile(str(source), format=form, ppi=float(dpi), sys_inputs=inputs, timestamp=0)
        except typst.TypstError as error:
            raise ExportFailed(f"Typst could not set the pages: {error}", backend="verovio") from error
    return pages if isinstance(pages, list) else [pages]


def _systems(score: Score, options: PdfOptions) -> list[bytes]:
    """One SVG a line of music, cut to its height."""
    try:
        import verovio
    except ImportError as error:
        raise EngraverMissing("The verovio engine needs the packages verovio and typst.", backend="verovio") from error
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    width = _SYSTEM_WIDTH * (_LETTER_TEXT_WIDTH_MM / _A4_TEXT_WIDTH_MM if options.paper == "letter" else 1)
    toolkit.setOptions(
        {
            "font": _FONT,
            "smuflTextFont": "none",
            "breaks": "line",
            "systemMaxPerPage": 1,
            "adjustPageHeight": True,
            "header": "none",
            "footer": "none",
            "pageWidth": round(width),
            "pageMarginLeft": 24,
            "pageMarginRight": 0,
            "pageMarginTop": 0,
            "pageMarginBottom": 0,
            "svgViewBox": True,
            "multiRestStyle": "block",
            "xmlIdSeed": 1,
        }
    )
    # Verovio draws neighbouring similes on top of each other: the bars they stand for are printed instead
    plain = replace(score, bars=tuple(replace(bar, simile=0, simile_count=0) for bar in score.bars))
    if not toolkit.loadData(write_musicxml(plain, bars_per_line=options.bars_per_line).decode()):
        raise ExportFailed("Verovio could not read the score.", backend="verovio")
    glyphs = _Glyphs(Path(verovio.__file__).parent / "data")
    return [glyphs.draw_in(toolkit.renderToSVG(number + 1)) for number in range(toolkit.getPageCount())]


class _Glyphs:
    """Draws the music symbols that Verovio leaves as text (the note of a tempo mark) as outlines from its own font.

    As text they need the font on the reader's machine, and show as a box without it.
    """

    def __init__(self, data: Path) -> None:
        self.folder = data / _FONT
        advances = re.findall(r'c="([0-9A-F]+)"[^>]*?h-a-x="(\d+)"', (data / f"{_FONT}.xml").read_text("utf-8"))
        self.advances = {code: int(advance) for code, advance in advances}

    def draw_in(self, svg: str) -> bytes:
        """`svg` with the symbols of each text turned into outlines and the words moved behind them."""
        # a font that Typst carries, so that pages look the same everywhere
        svg = svg.replace("Times, serif", _TEXT_FONT)
        ElementTree.register_namespace("", _SVG)
        ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
        root = ElementTree.fromstring(svg)
        for parent in root.iter(f"{{{_SVG}}}g"):
            for text in parent.findall(f"{{{_SVG}}}text"):
                spans = [span for span in text.iter(f"{{{_SVG}}}tspan") if span.get("font-size") and span.text]
                if any(span.get("font-family") == _FONT for span in spans):
                    self._replace(parent, text, spans)
        return ElementTree.tostring(root, encoding="utf-8")

    def _replace(self, parent: Element, text: Element, spans: list[Element]) -> None:
        x, y = float(text.get("x", "0")), float(text.get("y", "0"))
        words, before = "", ""
        for span in spans:
            size = span.get("font-size", "0px")
            if span.get("font-family") == _FONT:
                x = self._draw(parent, span.text or "", x, y, float(size.removesuffix("px")) / _EM)
                # how wide words are only the reader knows, so the symbol goes first and they go last
                before, words = words, ""
            else:
                words += span.text or ""
                text.set("font-size", size)
        for child in list(text):
            text.remove(child)
        text.text = f"{words}\u00a0\u00a0\u00a0{before.strip()}" if before.strip() else words
        text.set("x", f"{x:.1f}")

    def _draw(self, parent: Element, symbols: str, x: float, y: float, scale: float) -> float:
        """Outlines of `symbols` from (x, y) on; returns where the next one would stand."""
        for symbol in symbols:
            code = f"{ord(symbol):04X}"
            place = ElementTree.SubElement(parent, f"{{{_SVG}}}g", transform=f"translate({x:.1f} {y:.1f}) scale({scale:.4f})")
            for path in ElementTree.fromstring((self.folder / f"{code}.xml").read_text("utf-8")):
                ElementTree.SubElement(place, f"{{{_SVG}}}path", path.attrib)
            x += self.advances[code] * scale
        return x
