"""Scores written by hand for the export tests, in a small language of their own.

A voice is a line of tokens `drums:value` with marks behind: `hs:8>` is hi-hat and snare as an accented eighth, `-:4` a
quarter rest, `_:4` a hidden one, `3{ … }` a triplet. Drums: k kick, s snare, S ghosted snare, x cross stick, h and o
hi-hat closed and open, r ride, c crash, t m l toms. Marks: `.` dot, `>` accent, `f` flam, `d` drag, `*3` tremolo strokes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from drumscribe.types import Anchor, Bar, Drum, Event, Note, Score, TempoMap, TempoMark, TimeSignature, Tuplet

_DRUMS = {
    "k": Drum.KICK,
    "s": Drum.SNARE,
    "S": Drum.SNARE,
    "x": Drum.CROSS_STICK,
    "h": Drum.HIHAT_CLOSED,
    "o": Drum.HIHAT_OPEN,
    "r": Drum.RIDE,
    "c": Drum.CRASH,
    "t": Drum.TOM_HIGH,
    "m": Drum.TOM_MID,
    "l": Drum.TOM_LOW,
}
_VALUES = {"1": "whole", "2": "half", "4": "quarter", "8": "eighth", "16": "16th", "32": "32nd"}
_TOKEN = re.compile(r"([a-zS]+|-|_):(\d+)(\.*)(>?)([fd]?)(?:\*(\d))?$")


def voice(line: str, number: int = 1, beat: Fraction = Fraction(1)) -> tuple[Event, ...]:
    """The events of one line."""
    events: list[Event] = []
    position, tuplet, opening = Fraction(0), None, False
    for token in line.split():
        if token == "3{":
            tuplet, opening = Tuplet(3, 2), True
            continue
        if token == "}":
            events[-1] = replace(events[-1], tuplet_edge="stop")
            tuplet = None
            continue
        match = _TOKEN.match(token)
        assert match, token
        drums, value, dots, accent, grace, strokes = match.groups()
        duration = Fraction(4, int(value)) * (2 - Fraction(1, 2 ** len(dots)))
        if tuplet:
            duration *= Fraction(tuplet.normal, tuplet.actual)
        notes = [
            Note(
                position,
                duration,
                _DRUMS[c],
                velocity=30 if c == "S" else 110 if accent else 80,
                voice=number,
                ghost=c == "S",
                accent=bool(accent) and c not in "S",
                grace=("", "f", "d").index(grace) if c == "s" else 0,
                tremolo=int(strokes or 0),
            )
            for c in drums
            if c not in "-_"
        ]
        notes.sort(key=lambda note: list(Drum).index(note.drum))
        edge = "start" if opening else ""
        events.append(Event(position, duration, _VALUES[value], len(dots), tuple(notes), tuplet, edge, hidden=drums == "_"))
        position += duration
        opening = False
    return _beamed(events, beat)


def _beamed(events: list[Event], beat: Fraction) -> tuple[Event, ...]:
    """Beams by beat."""
    flags = [{"eighth": 1, "16th": 2, "32nd": 3}.get(e.value, 0) if e.notes else 0 for e in events]
    beats = [int(e.onset / beat) for e in events]

    def joined(a: int, b: int, level: int) -> bool:
        return a >= 0 and b < len(events) and beats[a] == beats[b] and min(flags[a], flags[b]) >= level

    done: list[Event] = []
    for i, event in enumerate(events):
        beams: list[str] = []
        for level in range(1, flags[i] + 1):
            left, right = joined(i - 1, i, level), joined(i, i + 1, level)
            if left or right:
                beams.append("continue" if left and right else "end" if left else "begin")
            elif joined(i - 1, i, 1) or joined(i, i + 1, 1):
                beams.append("backward hook" if joined(i - 1, i, 1) else "forward hook")
        done.append(replace(event, beams=tuple(beams)))
    return tuple(done)


def bar(number: int, hands: str, feet: str = "", metre: tuple[int, int] = (4, 4), **rest: object) -> Bar:
    """One bar of one or two voices; an empty line for the hands is a silent bar."""
    signature = TimeSignature(*metre)
    length = rest.get("length")
    quarters = length if isinstance(length, Fraction) else signature.length
    silent = (Event(Fraction(0), quarters, "whole", whole_bar=True),)
    beat = Fraction(3, 2) if metre[1] == 8 else Fraction(1)
    voices = [voice(hands, beat=beat) if hands else silent]
    if feet:
        voices.append(voice(feet, 2, beat))
    for events in voices:
        assert sum(e.duration for e in events) == quarters, (number, hands, feet)
    notes = sorted((n for v in voices for e in v for n in e.notes), key=lambda n: (n.onset, n.drum))
    return Bar(number, signature, tuple(notes), tuple(voices), **rest)  # type: ignore[arg-type]


def rich_score() -> Score:
    """Everything a score can hold: pick-up, sections, similes, graces, ghosts, tuplets, rolls, metres, tempi, swing."""
    groove = ("h:8 h:8 hs:8> h:8 h:8 h:8 hs:8> o:8", "k:4 -:4 k:8 k:8 -:4")
    ghosts = ("h:8 h:16 S:16 hs:8> h:16 S:16 h:16 S:16 h:8 hs:8> o:8", "k:8. k:16 -:4 -:8 k:8 -:4")
    bars = [
        bar(0, "s:16 s:16 t:8", "_:4", length=Fraction(1)),
        bar(1, "ch:8> h:8 hs:8> h:8 h:8 h:8 hs:8> o:8", groove[1], section="A"),
        bar(2, *groove),
        bar(3, *ghosts),
        bar(4, "s:16> s:16 t:16 t:16 3{ m:8 m:8 l:8 } s:4*3 c:4>", "k:4 k:4 k:4 k:4"),
        bar(5, *groove),
        bar(6, *groove, simile=1, simile_count=2),
        bar(7, *groove, simile=1, simile_count=3),
        bar(8, "h:8 h:8 hs:8f h:8 h:8 h:8 s:8d o:8", groove[1]),
        bar(9, "rx:8 r:8 r:8 r:8 rx:8 r:8 r:8 r:8", "k:4 _:4 k:4 _:4", section="B"),
        bar(10, "r:8 r:16 r:16 rx:4 r:8 r:16 r:16 rx:8 r:16 S:16", "k:4 -:8 k:8 k:4 -:4"),
        bar(11, "rx:8 r:8 r:8 r:8 rx:8 r:8 r:8 r:8", "k:4 _:4 k:4 _:4", simile=2, simile_count=2),
        bar(12, "r:8 r:16 r:16 rx:4 r:8 r:16 r:16 rx:8 r:16 S:16", "k:4 -:8 k:8 k:4 -:4", simile=2, simile_count=2),
        bar(13, "", section="C"),
        bar(14, ""),
        bar(15, ""),
        bar(16, "-:4 s:8 s:8 -:2", "k:1"),
        bar(17, "h:8 h:8 h:8 s:8 h:8 h:8", "k:4. -:4.", metre=(6, 8), section="D"),
        bar(18, "h:16 h:16 h:16 h:16 hs:8 h:8 h:8 h:8", "k:4. -:8 -:8 k:8", metre=(6, 8)),
        bar(19, "s:8 s:8 -:4 l:4 c:4", "k:4 -:4 -:4 k:4"),
        bar(20, "cs:1>", "k:1"),
    ]
    return Score(
        bars=tuple(bars),
        tempo_marks=(TempoMark(0, 104.3), TempoMark(17, 96.0, Fraction(3, 2)), TempoMark(19, 112.0)),
        tempo_map=TempoMap((Anchor(Fraction(0), 0.5), Anchor(Fraction(80), 46.5))),
        title='Straße & "Söhne" <demo> \\ 100 % #1',
        subtitle="for the export tests",
        swing=Fraction(1, 2),
        swing_ratio=2 / 3,
    )


def long_score(bars: int = 90) -> Score:
    """A song of dense bars, for measuring."""
    pages: list[Bar] = []
    for i in range(bars):
        if i % 8 == 7:
            lines = ("s:16> s:16 t:16 t:16 m:16 m:16 l:16 l:16 s:16 S:16 S:16 s:16 c:4>", "k:4 k:4 k:4 k:4")
        elif i % 2:
            lines = ("h:16 h:16 h:16 S:16 hs:16> h:16 h:16 S:16 h:16 S:16 h:16 h:16 hs:16> h:16 o:8", "k:8. k:16 -:4 -:8 k:8 -:4")
        else:
            lines = ("h:16 h:16 h:16 h:16 hs:16> h:16 h:16 h:16 h:16 h:16 h:16 h:16 hs:16> h:16 o:8", "k:4 -:8 k:8 k:8 k:8 -:4")
        pages.append(bar(i + 1, *lines, section="ABCDEFGHIJKLMN"[i // 8] if i % 8 == 0 else ""))
    return Score(tuple(pages), (TempoMark(0, 120.0),), TempoMap(), "A long song", "90 dense bars")
