"""What a caller may choose for a job, as it travels over HTTP and lies in the database, and what the library makes of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drumscribe.options import (
    BeatOptions,
    IngestOptions,
    NotationOptions,
    Options,
    PdfOptions,
    PickingOptions,
    SeparationOptions,
)
from drumscribe.service.settings import Settings

#: No control characters: neither XML nor PostgreSQL can hold all of them.
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

Title = Annotated[str, Field(max_length=200, pattern=PRINTABLE, description="Printed above the score.")]


def whole(value: object) -> object:
    """JSON makes no difference between 2 and 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole)]


class EngraveOptions(BaseModel):
    """How the score is written. All of it can be changed afterwards without listening again."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    title: Title = ""
    bpm: float | None = Field(None, ge=40, le=300, description="Tempo in beats per minute; null: as detected.")
    octave: Literal["", "half", "double"] = Field("", description="Halve or double the detected tempo.")
    downbeat: Whole = Field(0, ge=-11, le=11, description="Move every bar line by so many beats.")
    time_signature: str = Field(
        "", pattern=r"^$|^([2-9]|1[0-5])/(4|8)$", description="Such as `4/4` or `6/8`; empty: as detected.", examples=["6/8"]
    )
    voices: Whole = Field(2, ge=1, le=2, description="Hands and feet in two voices, or all in one.")
    similes: bool = Field(False, description="Print repeated bars as similes.")
    sections: bool = Field(True, description="Print rehearsal letters.")
    ghost_notes: bool = Field(True, description="Print soft strokes in parentheses.")
    accents: bool = Field(True, description="Print accents.")
    swing: bool = Field(True, description="Write swung eighths straight, under the word Swing.")
    paper: Literal["a4", "letter"] = Field("a4", description="Paper of the PDF.")
    bars_per_line: Whole = Field(4, ge=1, le=12, description="Bars per line of the PDF.")

    def changes_beats(self, other: EngraveOptions) -> bool:
        """Whether the pulse must be found anew to get from the other options to these."""
        return any(getattr(self, name) != getattr(other, name) for name in ("bpm", "octave", "downbeat", "time_signature"))


class JobOptions(EngraveOptions):
    """All that can be said about a new job."""

    model: str = Field("default", max_length=100, pattern=r"^[A-Za-z0-9@._,-]+$", description="Which networks listen.")
    separation: Literal["none", "light", "demucs"] | None = Field(
        None, description="How the drums are isolated; null: as the server is set."
    )
    sensitivity: float = Field(0.0, ge=-5, le=5, description="More finds more hits, and invents more.")

    def engraving(self) -> EngraveOptions:
        """The part that concerns the score."""
        return EngraveOptions(**{name: getattr(self, name) for name in EngraveOptions.model_fields})


def library_options(settings: Settings, listening: JobOptions, engraving: EngraveOptions) -> Options:
    """What the library is told: the server's limits, the job's wishes."""
    return Options(
        ingest=IngestOptions(max_duration_s=settings.MAX_DURATION_SECONDS),
        separation=SeparationOptions(
            backend=listening.separation or settings.SEPARATION_BACKEND,
            model=settings.SEPARATION_MODEL,
            threads=settings.MODEL_THREADS or None,
        ),
        picking=PickingOptions(sensitivity=listening.sensitivity),
        beats=BeatOptions(
            bpm=engraving.bpm, octave=engraving.octave, downbeat=engraving.downbeat, time_signature=engraving.time_signature
        ),
        notation=NotationOptions(
            voices=engraving.voices,
            title=engraving.title,
            similes=engraving.similes,
            sections=engraving.sections,
            ghost_notes=engraving.ghost_notes,
            accents=engraving.accents,
            swing=engraving.swing,
        ),
        pdf=PdfOptions(
            backend=settings.PDF_BACKEND,
            timeout_s=settings.LILYPOND_TIMEOUT_SECONDS,
            lilypond_bin=settings.LILYPOND_BIN,
            musescore_bin=settings.MUSESCORE_BIN,
            paper=engraving.paper,
            bars_per_line=engraving.bars_per_line,
        ),
    )


def stored(options: BaseModel) -> dict[str, Any]:
    """The options as they lie in the database."""
    return options.model_dump(mode="json")
