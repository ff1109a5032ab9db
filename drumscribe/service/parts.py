"""What the workers need beside the services all share: networks to listen with, a program that makes the PDF.

Without a broker the API looks at them itself. With one they are on the workers' machines, and the API asks those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from drumscribe.errors import DrumScribeError
from drumscribe.service.jobs.plan import DEFAULT, HEAVY
from drumscribe.service.settings import Settings

State = Literal["ok", "degraded", "error"]
Finding = tuple[State, str | None]  #: and one sentence for a person


def check_models(settings: Settings) -> Finding:
    """Compare the default networks with their hashes; nothing is loaded, and nothing fetched."""
    from drumscribe.service.models import check_present

    try:
        check_present(settings)
    except DrumScribeError as error:
        return "error", error.message
    return "ok", None


def check_engraver(settings: Settings) -> Finding:
    """Look for the program that makes the PDF."""
    from drumscribe.export.pages import find_engraver
    from drumscribe.options import PdfOptions

    options = PdfOptions(
        backend=settings.PDF_BACKEND, lilypond_bin=settings.LILYPOND_BIN, musescore_bin=settings.MUSESCORE_BIN
    )  # fmt: skip
    try:
        return "ok", (find_engraver(options) and settings.PDF_BACKEND) or "none"
    except DrumScribeError as error:
        return "degraded", error.message


#: By name as /health shows them: who needs it, and how to look.
PARTS: dict[str, tuple[str, Callable[[Settings], Finding]]] = {
    "model": (HEAVY, check_models),
    "pdf_engine": (DEFAULT, check_engraver),
}
