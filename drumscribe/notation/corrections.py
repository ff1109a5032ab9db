"""What a person corrects in a score, done to the performance behind it.

Nothing is found anew: every other stroke keeps its place. A corrected performance carries its layout along, so that it is
written as the person saw it, and remembers which places were named, should the pulse be counted anew one day.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from drumscribe.errors import EditError
from drumscribe.notation.barring import AddBars, CutBars, Divide, bars_cut, rebar
from drumscribe.notation.ornaments import FLAM as LEAN
from drumscribe.notation.ornaments import GRACED, RIVALS, ROLL
from drumscribe.notation.swing import sounding
from drumscribe.types import Bar, Drum, Hit, Layout, Performance, Placed, Score, Told

#: Denominators of the places, in quarter notes, that can be written side by side.
PARTS = (1, 2, 3, 4, 6, 8, 12)
FLAM = 0.025  #: s from a grace note to its stroke
FLAM_SHARE = 0.05  #: the same in quarter notes; the smaller holds. Still a flam when the tempo is doubled
GRACE = 0.6  #: velocity of a grace note, of its stroke's
NAME = 1e-4  #: s: times are told with four decimals, so a name may be off by half of this
REACH = 1.0  #: s: what is not written belongs to the note next to it, within this


@dataclass(frozen=True, slots=True)
class Add:
    """A stroke that was not heard."""

    bar: int  #: index into `Score.bars`
    onset: Fraction  #: quarter notes from the bar line
    drum: Drum
    velocity: int  #: MIDI, 1-127
    flam: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """A stroke that was not played."""

    time: float  #: seconds, as `Note.time` tells it
    drum: Drum


@dataclass(frozen=True, slots=True)
class Change:
    """A stroke that was played otherwise; what is None stays. Bar and onset go together."""

    time: float  #: seconds, as `Note.time` tells it
    drum: Drum
    to_drum: Drum | None = None
    velocity: int | None = None  #: MIDI, 1-127
    bar: int | None = None  #: index into `Score.bars`
    onset: Fraction | None = None  #: quarter notes from the bar line
    flam: bool | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """A stroke that is right."""

    time: float  #: seconds, as `Note.time` tells it
    drum: Drum


Edit = Add | Delete | Change | Confirm | Divide | AddBars | CutBars


def correct(performance: Performance, score: Score, edits: Sequence[Edit]) -> Performance:
    """Do corrections, in order.

    Parameters
    ----------
    performance : Performance
        What was played.
    score : Score
        What was written of it: bars, places and the times of strokes are those that the edits name.
    edits : sequence of Edit
        A stroke answers to its name in the score, whatever an earlier edit has made of it, and to its present one. So
        strokes can change places: one that another was put upon can still be moved away. Bars are changed last and once,
        so that all indices are those of the score.

    Returns
    -------
    Performance
        With a layout: every stroke that no edit names is written where it was, in the same bars (unless these are
        changed), even if they are empty now. What was added or changed has confidence 1, and so has what was confirmed;
        all else stays.

        An added or moved stroke sounds where the tempo map, and swing if there is any, puts its place. Where it meets a
        stroke of the same drum, or one that shares its place on the staff (open and closed hat, snare and cross stick), it
        takes that one's place. Grace notes and what else was folded into a note go, move and stay with it.

    Raises
    ------
    EditError
        If an edit names a stroke, a bar or a place that is not there, or asks for a flam where none is written; `index`
        says which.
    """
    desk = _Desk(performance, score)
    corrected: Performance | None = None
    for index, edit in enumerate(edits):
        try:
            if corrected is not None:
                raise EditError("Bars are changed last: what comes later would be counted in other bars.")
            if isinstance(edit, Divide | AddBars | CutBars):
                if isinstance(edit, CutBars):
                    desk.empty(bars_cut(edit, len(score.bars)))
                corrected = rebar(desk.performance(), edit)
            else:
                desk.do(edit)
        except EditError as error:
            raise EditError(error.message, index=index) from error
    return corrected or desk.performance()


@dataclass(slots=True, eq=False)
class _Stroke:
    """A written note, and all hits that it stands for."""

    hit: Hit
    bar: int
    onset: Fraction
    grace: int = 0
    tremolo: int = 0
    behind: list[Hit] = field(default_factory=list[Hit])  #: grace notes, the rest of a roll, echoes: not written themselves
    parts: int | None = None  #: as in `Told`
    is_written: bool = False
    is_covered: bool = False  #: not written, as another was put in its place

    @property
    def key(self) -> tuple[int, Drum]:
        """Its name, rounded."""
        return _rounded(self.hit.time), self.hit.drum


class _Desk:
    """A score that is being corrected."""

    def __init__(self, performance: Performance, score: Score) -> None:
        self._before, self._score, self._starts = performance, score, score.starts
        self._names: dict[tuple[int, Drum], list[_Stroke]] = defaultdict(list)
        self._first_names: dict[tuple[int, Drum], list[tuple[float, _Stroke]]] = defaultdict(list)
        self._places: dict[tuple[int, Fraction], dict[Drum, _Stroke]] = defaultdict(dict)
        strokes, self._others = _strokes(performance.hits, score)
        told = {(t.time, t.drum): t.parts for t in performance.told}
        for stroke in strokes:
            stroke.parts = told.get((stroke.hit.time, stroke.hit.drum))
            self._first_names[stroke.key].append((stroke.hit.time, stroke))
            self._enter(stroke)

    def performance(self) -> Performance:
        """All of it as it is now."""
        score = self._score
        strokes = sorted(
            (s for chord in self._places.values() for s in chord.values()), key=lambda s: (s.bar, s.onset, s.hit.drum)
        )
        layout = Layout(
            tuple(Bar(bar.number, bar.time_signature, length=bar.length) for bar in score.bars),
            tuple(Placed(s.hit.time, s.hit.drum, s.bar, s.onset, s.grace, s.tremolo) for s in strokes),
            score.tempo_marks,
            score.tempo_map,
            score.swing,
            score.swing_ratio,
        )
        hits = sorted([*self._others, *(hit for s in strokes for hit in (*s.behind, s.hit))], key=lambda h: (h.time, h.drum))
        told = sorted((s.hit.time, s.hit.drum, s.parts) for s in strokes if s.parts is not None)
        return replace(self._before, hits=tuple(hits), layout=layout, told=tuple(Told(*one) for one in told))

    def empty(self, bars: range) -> None:
        """Take away all that sounds in some bars, written or not."""
        for stroke in [s for chord in self._places.values() for s in chord.values() if s.bar in bars]:
            self._leave(stroke)
        ends = [*self._starts, self._starts[-1] + self._score.bars[-1].quarters]
        begin, end = (self._score.tempo_map.time_at(ends[at]) for at in (bars.start, bars.stop))
        self._others = [hit for hit in self._others if not begin <= hit.time < end]

    def do(self, edit: Add | Delete | Change | Confirm) -> None:
        """Do one correction; if it cannot be done, nothing is changed."""
        if isinstance(edit, Add):
            self._add(edit)
            return
        stroke = self._find(edit.time, edit.drum)
        if isinstance(edit, Delete):
            self._leave(stroke)
            stroke.is_covered = False
            return
        if isinstance(edit, Change):
            self._change(stroke, edit)
        stroke.hit = replace(stroke.hit, confidence=1.0)
        stroke.behind = [replace(hit, confidence=1.0) for hit in stroke.behind]

    def _add(self, edit: Add) -> None:
        _check_drum(edit.drum, flam=edit.flam)
        time = self._time(edit.bar, edit.onset)
        self._clear(edit.bar, edit.onset, edit.drum)
        hit = Hit(self._free(time, edit.drum), edit.drum, edit.velocity)
        stroke = _Stroke(hit, edit.bar, edit.onset, parts=edit.onset.denominator)
        if edit.flam:
            self._lean(stroke)
        self._enter(stroke)

    def _change(self, stroke: _Stroke, edit: Change) -> None:
        old, drum = stroke.hit, edit.to_drum or stroke.hit.drum
        _check_drum(drum, flam=bool(edit.flam), is_roll=stroke.tremolo > 0)
        bar, onset, time = stroke.bar, stroke.onset, old.time
        if (edit.bar is None) != (edit.onset is None):
            raise EditError("A place is a bar and an onset; one of them is missing.")
        if edit.bar is not None and edit.onset is not None:
            asked = self._time(edit.bar, edit.onset)
            if (edit.bar, edit.onset) != (bar, onset):
                bar, onset, time = edit.bar, edit.onset, asked
            stroke.parts = onset.denominator
        if stroke.is_covered and (bar, onset, drum) == (stroke.bar, stroke.onset, old.drum):
            return  # two strokes on one place are one, and the other was put there
        self._leave(stroke)
        self._clear(bar, onset, drum)
        velocity = edit.velocity or old.velocity
        stroke.bar, stroke.onset = bar, onset
        stroke.hit = Hit(self._free(time, drum), drum, velocity)
        later, louder = stroke.hit.time - old.time, velocity / old.velocity
        stroke.behind = [
            Hit(max(0.0, hit.time + later), drum, min(127, max(1, round(hit.velocity * louder))))
            for hit in stroke.behind
            if hit.drum is old.drum
        ]
        if drum not in GRACED or edit.flam is False:  # nothing leans on it any more
            stroke.grace = 0
            stroke.behind = stroke.behind if stroke.tremolo and drum in GRACED else []
            stroke.tremolo = stroke.tremolo if drum in GRACED else 0
        elif edit.flam and not stroke.grace:
            self._lean(stroke)
        self._enter(stroke)

    def _lean(self, stroke: _Stroke) -> None:
        """Put a grace note before a stroke."""
        position = self._starts[stroke.bar] + stroke.onset
        quarter = self._score.tempo_map.time_at(position + 1) - self._score.tempo_map.time_at(position)
        time = max(0.0, round(stroke.hit.time - min(FLAM, FLAM_SHARE * quarter), 6))
        stroke.behind = [Hit(time, stroke.hit.drum, max(1, round(GRACE * stroke.hit.velocity)))]
        stroke.grace = 1

    # -------------------------------------------------------------------------------------- names and places

    def _enter(self, stroke: _Stroke) -> None:
        stroke.is_written, stroke.is_covered = True, False
        self._names[stroke.key].append(stroke)
        self._places[stroke.bar, stroke.onset][stroke.hit.drum] = stroke

    def _leave(self, stroke: _Stroke) -> None:
        if not stroke.is_written:
            return
        stroke.is_written = False
        self._names[stroke.key].remove(stroke)
        del self._places[stroke.bar, stroke.onset][stroke.hit.drum]

    def _clear(self, bar: int, onset: Fraction, drum: Drum) -> None:
        """Take away what cannot be written beside a drum."""
        chord = self._places.get((bar, onset), {})
        for other in (chord.get(drum), chord.get(RIVALS.get(drum, drum))):
            if other is not None and other.is_written:
                self._leave(other)
                other.is_covered = True

    def _find(self, time: float, drum: Drum) -> _Stroke:
        if not math.isfinite(time):
            raise EditError(f"{time} is no time.")
        keys = _keys(time, drum)
        first = [(at, s) for key in keys for at, s in self._first_names.get(key, ()) if s.is_written or s.is_covered]
        for near in (first, [(s.hit.time, s) for key in keys for s in self._names.get(key, ())]):
            if near:
                return min(near, key=lambda one: abs(one[0] - time))[1]
        raise EditError(f"There is no {drum} at {time:g} s.")

    def _free(self, time: float, drum: Drum) -> float:
        """This time, or the next at which no other stroke of the drum has its name."""
        while any(self._names.get(key) for key in _keys(time, drum)):
            time = round(time + 2 * NAME, 6)
        return time

    def _time(self, bar: int, onset: Fraction) -> float:
        """Seconds at which a place sounds."""
        if not 0 <= bar < len(self._score.bars):
            raise EditError(f"There is no bar {bar}: the score has {len(self._score.bars)}.")
        length = self._score.bars[bar].quarters
        if not 0 <= onset < length:
            raise EditError(f"Bar {bar} has {length} quarter notes; {onset} is not inside it.")
        if onset.denominator not in PARTS:
            raise EditError(f"{onset} cannot be written: the finest places are 32nds and triplets of them.")
        time = self._score.tempo_map.time_at(self._starts[bar] + self._swung(bar, onset))
        if time < 0:
            raise EditError(f"Place {onset} of bar {bar} lies before the recording begins.")
        return round(time, 6)

    def _swung(self, bar: int, onset: Fraction) -> Fraction:
        """Where a place sounds, in quarter notes from the bar line."""
        return sounding(onset, self._score.swing, self._score.swing_ratio, self._is_finer(bar, onset // 1))

    def _is_finer(self, bar: int, beat: int) -> bool:
        places = {Fraction(k, n) for n in (8, 12) for k in range(n)} - {Fraction(0), Fraction(1, 2)}
        return any(self._places.get((bar, beat + place)) for place in places)


def _check_drum(drum: Drum, *, flam: bool, is_roll: bool = False) -> None:
    if drum is Drum.OTHER:
        raise EditError("Other percussion is not written.")
    if flam and drum not in GRACED:
        raise EditError(f"There are flams on the snare and the toms, not on {drum}.")
    if flam and is_roll:
        raise EditError("A roll has no flam.")


def _rounded(time: float) -> int:
    return round(time / NAME)


def _keys(time: float, drum: Drum) -> list[tuple[int, Drum]]:
    """Where a stroke of about this name may be entered."""
    return [(_rounded(time) + step, drum) for step in (-1, 0, 1)]


# ---------------------------------------------------------------------------------------------- what belongs together


def _strokes(hits: Sequence[Hit], score: Score) -> tuple[list[_Stroke], list[Hit]]:
    """The notes of a score with the hits that each stands for, and the hits that stand for nothing."""
    named: dict[tuple[float, Drum], list[Hit]] = defaultdict(list)
    for hit in hits:
        named[hit.time, hit.drum].append(hit)
    strokes: list[_Stroke] = []
    for k, (bar, start) in enumerate(zip(score.bars, score.starts, strict=True)):
        for note in bar.notes:
            time = score.tempo_map.time_at(start + note.onset) if note.time is None else note.time
            same = named.get((time, note.drum), [])
            hit = next((h for h in same if h.velocity == note.velocity), same[-1] if same else None)
            if hit is not None:
                same.remove(hit)
            else:
                hit = Hit(max(0.0, time), note.drum, note.velocity, note.confidence)
            strokes.append(_Stroke(hit, k, note.onset, note.grace, note.tremolo))
    lanes: dict[Drum, list[_Stroke]] = defaultdict(list)
    for stroke in sorted(strokes, key=lambda s: s.hit.time):
        lanes[stroke.hit.drum].append(stroke)
    left: dict[Drum, list[Hit]] = defaultdict(list)
    for same in named.values():
        for hit in same:
            left[hit.drum].append(hit)
    rest = [hit for drum, unwritten in left.items() for hit in _fold(unwritten, lanes[drum], lanes[RIVALS.get(drum, drum)])]
    return strokes, rest


def _fold(unwritten: list[Hit], lane: list[_Stroke], rivals: list[_Stroke]) -> list[Hit]:
    """Put unwritten hits of a drum, sorted, behind the notes that they were folded into; returns those without any."""
    rest: list[Hit] = []
    written = [s.hit.time for s in lane]
    rolls: dict[float, _Stroke] = {}
    head: _Stroke | None = None
    last = 0.0
    for hit in unwritten:
        before = bisect_right(written, hit.time) - 1
        if before >= 0 and lane[before] is not head:
            head, last = lane[before], written[before]
        if head is not None and head.tremolo and hit.time - last <= ROLL:
            rolls[hit.time] = head
        last = hit.time
    after: _Stroke | None = None
    next_time = math.inf
    for hit in reversed(unwritten):
        at = bisect_left(written, hit.time)
        if at < len(lane) and written[at] <= next_time:
            after, next_time = lane[at], written[at]
        leans = next_time - hit.time <= LEAN
        owner = rolls.get(hit.time) or (after if leans else _nearest(hit.time, lane, rivals))
        if owner is None:
            rest.append(hit)
        else:
            owner.behind.insert(0, hit)
        after, next_time = owner, hit.time
    return rest


def _nearest(time: float, *lanes: list[_Stroke]) -> _Stroke | None:
    near: list[_Stroke] = []
    for lane in lanes:
        at = bisect_left(lane, time, key=lambda s: s.hit.time)
        near += lane[max(0, at - 1) : at + 1]
    found = min(near, key=lambda s: abs(s.hit.time - time), default=None)
    return found if found is not None and abs(found.hit.time - time) <= REACH else None
