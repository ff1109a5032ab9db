"""Corrections as they travel over HTTP and lie in the database, and what the library makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from drumscribe.errors import EditError
from drumscribe.service.jobs.options import whole

if TYPE_CHECKING:
    from drumscribe.types import Performance

#: Corrections in one revision.
MAX_EDITS = 5000

DrumName = Annotated[
    Literal["kick", "snare", "hihat_closed", "hihat_open", "ride", "crash", "tom_high", "tom_mid", "tom_low", "cross_stick"],
    Field(description="As `score.json` calls it."),
]
Seconds = Annotated[
    float, Field(ge=0, le=1_000_000, description="When the hit sounds, as `score.json` or `hits.json` of the base tell it.")
]
BarIndex = Annotated[
    # in this order: limits of what a function has made are no part of the description
    int, Field(ge=0, le=100_000, description="Index into `bars` of the base's `score.json`."), BeforeValidator(whole)
]  # fmt: skip
Onset = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,4}(/[1-9][0-9]{0,3})?$",
        description="Quarter notes from the bar line. Multiples of 1/8 and of 1/12 can be written.",
        examples=["3/2"],
    ),
]
Velocity = Annotated[float, Field(ge=0, le=1, description="How hard, as in `hits.json`.")]


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class AddEdit(_Edit):
    """A stroke that was not heard. It takes the place of one that cannot be written beside it."""

    op: Literal["add"]
    bar: BarIndex
    onset: Onset
    drum: DrumName
    velocity: Velocity = 0.8
    flam: bool = Field(False, description="With a grace note; on the snare and the toms.")


class DeleteEdit(_Edit):
    """A stroke that was not played; its grace notes go with it."""

    op: Literal["delete"]
    time: Seconds
    drum: DrumName


class ChangedTo(_Edit):
    """How a stroke was played; what is left out stays. `bar` and `onset` go together."""

    drum: DrumName | None = None
    velocity: Velocity | None = None
    bar: BarIndex | None = None
    onset: Onset | None = None
    flam: bool | None = None


class ChangeEdit(_Edit):
    """A stroke that was played otherwise."""

    op: Literal["change"]
    time: Seconds
    drum: DrumName
    to: ChangedTo


class ConfirmEdit(_Edit):
    """A stroke that is right."""

    op: Literal["confirm"]
    time: Seconds
    drum: DrumName


Metre = Annotated[str, Field(pattern=r"^([1-9]|1[0-5])/(4|8)$", examples=["4/4"])]
End = Annotated[Literal["start", "end"], Field(description="Of the score.")]
Bars = Annotated[int, Field(ge=1, le=400), BeforeValidator(whole)]


class DivideBarsEdit(_Edit):
    """The stretch of some bars really is these bars; all others stay. The last correction of its request."""

    op: Literal["divide_bars"]
    first: BarIndex
    last: BarIndex
    into: list[Metre] = Field(min_length=1, max_length=400, description="The metre of every bar that it really has.")


class AddBarsEdit(_Edit):
    """Empty bars at an end, as far as the recording reaches. The last correction of its request."""

    op: Literal["add_bars"]
    at: End
    count: Bars = 1


class CutBarsEdit(_Edit):
    """Bars at an end that are no music; their strokes go with them. The last correction of its request."""

    op: Literal["cut_bars"]
    at: End
    count: Bars = 1


EditBody = Annotated[
    AddEdit | DeleteEdit | ChangeEdit | ConfirmEdit | DivideBarsEdit | AddBarsEdit | CutBarsEdit, Field(discriminator="op")
]
_STORED: TypeAdapter[list[EditBody]] = TypeAdapter(list[EditBody])


def read_stored(edits: Sequence[Any]) -> list[EditBody]:
    """Corrections as they lie in the database."""
    return _STORED.validate_python(edits)


def corrected(performance: bytes, score: bytes, edits: Sequence[EditBody]) -> Performance:
    """What was played, corrected.

    Parameters
    ----------
    performance, score : bytes
        `performance.json` and `score.json` of the revision that the corrections start from.
    edits : sequence
        At least one.

    Raises
    ------
    EditError
        If one of them does not fit; `errors` says which, as it is told over HTTP.
    """
    # numpy comes with them: who only reads scores does without
    from drumscribe.export.documents import read_performance_json, read_score_json
    from drumscribe.notation import correct
    from drumscribe.notation.corrections import Add, AddBars, Change, Confirm, CutBars, Delete, Divide, Edit
    from drumscribe.types import Drum, TimeSignature

    def meant(edit: EditBody) -> Edit:
        if isinstance(edit, DivideBarsEdit):
            return Divide(edit.first, edit.last, tuple(TimeSignature(*map(int, metre.split("/"))) for metre in edit.into))
        if isinstance(edit, AddBarsEdit):
            return AddBars(edit.at == "end", edit.count)
        if isinstance(edit, CutBarsEdit):
            return CutBars(edit.at == "end", edit.count)
        drum = Drum(edit.drum)
        if isinstance(edit, AddEdit):
            return Add(edit.bar, Fraction(edit.onset), drum, _midi(edit.velocity), edit.flam)
        if isinstance(edit, DeleteEdit):
            return Delete(edit.time, drum)
        if isinstance(edit, ConfirmEdit):
            return Confirm(edit.time, drum)
        to = edit.to
        return Change(
            edit.time,
            drum,
            to_drum=None if to.drum is None else Drum(to.drum),
            velocity=None if to.velocity is None else _midi(to.velocity),
            bar=to.bar,
            onset=None if to.onset is None else Fraction(to.onset),
            flam=to.flam,
        )

    try:
        return correct(read_performance_json(performance), read_score_json(score), [meant(edit) for edit in edits])
    except EditError as error:
        index = error.facts["index"]
        field = {"field": f"body.edits.{index}", "message": error.message}
        raise EditError(f"Correction {index} does not fit: {error.message}", index=index, errors=[field]) from error


def _midi(velocity: float) -> int:
    return max(1, round(velocity * 127))  # 0 is the softest stroke, not none
