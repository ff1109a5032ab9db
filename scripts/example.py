"""Draws the bars of the demo song that the web app's first page shows, as the shipped networks hear and write them.

    .venv/bin/python scripts/example.py

Run it after publishing a network: the page says that these bars are what DrumScribe wrote.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import verovio

from drumscribe import transcribe
from drumscribe.outputs import OUTPUTS, Song

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "frontend" / "public" / "example.svg"
BARS = "5-8"  #: those with ghost notes and a fill
SHAPE = 206 / 30  #: width over height, as `components/start/example.tsx` has it
OPTIONS = {
    "breaks": "none",
    "header": "none",
    "footer": "none",
    "pageWidth": 2060,
    "pageMarginLeft": 0,
    "pageMarginRight": 0,
    "pageMarginTop": 20,
    "adjustPageHeight": True,
    "svgViewBox": True,
    "xmlIdSeed": 1,
}


def main() -> None:
    """Transcribe, cut, engrave, write."""
    (written,) = OUTPUTS["musicxml"](Song.of(transcribe(ROOT / "demo" / "demo.flac"))).files.values()
    plain = re.sub(r"<(credit|part-name|part-abbreviation)\b[^>]*>.*?</\1>", "", written.decode(), flags=re.DOTALL)
    engraver = verovio.toolkit()
    engraver.setOptions(OPTIONS)
    engraver.loadData(plain)
    engraver.select({"measureRange": BARS})
    engraver.redoLayout()
    for prefix, space in (("", "http://www.w3.org/2000/svg"), ("xlink", "http://www.w3.org/1999/xlink")):
        ET.register_namespace(prefix, space)
    picture = ET.fromstring(re.sub(r"\n\s*", "", engraver.renderToSVG(1)))
    for parent in picture.iter():
        for child in list(parent):
            if "mNum" in child.get("class", "") or child.tag.endswith("desc"):
                parent.remove(child)
    *_, whole, height = picture.attrib["viewBox"].split()
    for page in picture.findall("{http://www.w3.org/2000/svg}svg"):  # which would grow with the frame around it
        page.attrib |= {"width": whole, "height": height}
    picture.set("viewBox", f"0 0 {whole} {float(whole) / SHAPE:.0f}")
    TARGET.write_text(ET.tostring(picture, encoding="unicode"), "utf-8")


if __name__ == "__main__":
    main()
