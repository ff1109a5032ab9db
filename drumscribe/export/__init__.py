"""Score → bytes, one module per format. Writers return bytes (or a list, one entry a page); saving is the caller's.

Each name is fetched from its module when first used (PEP 562), so writing MusicXML loads no engraver and no imaging.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drumscribe.export.documents import write_performance_json as write_performance_json
    from drumscribe.export.documents import write_score_json as write_score_json
    from drumscribe.export.jams import write_jams as write_jams
    from drumscribe.export.lilypond import write_lilypond as write_lilypond
    from drumscribe.export.midi import write_midi as write_midi
    from drumscribe.export.midi import write_score_midi as write_score_midi
    from drumscribe.export.musicxml import write_musicxml as write_musicxml
    from drumscribe.export.musicxml import write_mxl as write_mxl
    from drumscribe.export.pages import write_pdf as write_pdf
    from drumscribe.export.pages import write_pdf_with_fallback as write_pdf_with_fallback
    from drumscribe.export.pages import write_png_pages as write_png_pages
    from drumscribe.export.pages import write_svg_pages as write_svg_pages
    from drumscribe.export.picture import write_picture as write_picture
    from drumscribe.export.tab import write_tab as write_tab
    from drumscribe.export.tables import write_beats_json as write_beats_json
    from drumscribe.export.tables import write_hits_csv as write_hits_csv
    from drumscribe.export.tables import write_hits_json as write_hits_json

_HOMES = {
    "write_musicxml": "musicxml",
    "write_mxl": "musicxml",
    "write_lilypond": "lilypond",
    "write_pdf": "pages",
    "write_pdf_with_fallback": "pages",
    "write_svg_pages": "pages",
    "write_png_pages": "pages",
    "write_midi": "midi",
    "write_score_midi": "midi",
    "write_hits_json": "tables",
    "write_hits_csv": "tables",
    "write_beats_json": "tables",
    "write_performance_json": "documents",
    "write_score_json": "documents",
    "write_jams": "jams",
    "write_tab": "tab",
    "write_picture": "picture",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"drumscribe.export.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'drumscribe.export' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOMES)
