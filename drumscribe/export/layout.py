"""Where lines break, which bars are silent together, what the drum key holds: shared by every engraved format."""

from __future__ import annotations

import unicodedata

from drumscribe.kit import KIT, KitPiece
from drumscribe.types import Bar, Score, TimeSignature

#: Printed when a score has no title: both MusicXML readers and a music stand want one.
UNTITLED = "Drum score"

#: Quiet line at the foot of the page.
TAGLINE = "Transcribed by DrumScribe"

#: Note columns that fit on one line of A4 or letter paper at our staff size: four bars of sixteenths, with some air.
_COLUMNS_PER_LINE = 68

#: Staff steps above the middle line (B4 on a treble staff) of the seven letters in octave 4.
_STEPS = {"C": -6, "D": -5, "E": -4, "F": -3, "G": -2, "A": -1, "B": 0}

_PLACE_NAMES = {
    6: "ledger line above",
    5: "above the staff",
    4: "top line",
    3: "top space",
    2: "fourth line",
    1: "third space",
    0: "middle line",
    -1: "second space",
    -2: "second line",
    -3: "bottom space",
    -4: "bottom line",
    -5: "below the staff",
}


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates, which neither XML nor an engraver accepts."""
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text if unicodedata.category(c) not in ("Cs", "Cn"))
    return " ".join("".join(kept).split())


def heading(score: Score) -> str:
    """Title to print."""
    return printable(score.title) or UNTITLED


def bars_of(score: Score) -> tuple[Bar, ...]:
    """The bars to print: a score without any still shows one empty bar."""
    return score.bars or (Bar(1, TimeSignature(4, 4)),)


def staff_position(piece: KitPiece) -> int:
    """Staff steps above the middle line: 4 is the top line, -4 the bottom line."""
    return _STEPS[piece.display_step] + 7 * (piece.display_octave - 4)


def drums_used(score: Score) -> tuple[KitPiece, ...]:
    """Kit pieces that the score uses, from the top of the staff down."""
    used = {note.drum for bar in score.bars for note in bar.notes}
    return tuple(sorted((KIT[d] for d in used), key=lambda piece: (-staff_position(piece), piece.midi_note)))


def drum_key_lines(score: Score, entries_per_line: int = 4) -> list[str]:
    """The drum key in words, for readers that draw no legend: `Snare drum: ● third space · …`; empty without notes."""
    rows: list[str] = []
    for piece in drums_used(score):
        head = "×" if piece.notehead == "x" else "●"
        circle = " with o" if piece.open_circle else ""
        rows.append(f"{piece.name}: {head}{circle} {_PLACE_NAMES[staff_position(piece)]}")
    return [" · ".join(rows[i : i + entries_per_line]) for i in range(0, len(rows), entries_per_line)]


def is_empty(bar: Bar) -> bool:
    """Whether nothing is played in a bar of full length."""
    return not bar.notes and not bar.simile and bar.length is None


def rest_runs(score: Score) -> dict[int, int]:
    """Runs of at least two silent bars that are printed as one long rest: index of the first bar → number of bars."""
    bars = bars_of(score)
    marked = {mark.bar for mark in score.tempo_marks}
    runs: dict[int, int] = {}
    first = None
    for index, bar in enumerate(bars):
        if not is_empty(bar):
            first = None
            continue
        joins = first is not None and not bar.section and index not in marked
        if first is None or not joins or bar.time_signature != bars[first].time_signature:
            first = index
        runs[first] = index - first + 1
    return {index: count for index, count in runs.items() if count > 1}


def begins_section(bars: tuple[Bar, ...], index: int) -> bool:
    """Whether a section that starts here deserves a line and a double bar line: not behind nothing but a pick-up."""
    return bool(bars[index].section) and any(bar.length is None for bar in bars[:index])


def line_starts(score: Score, bars_per_line: int) -> frozenset[int]:
    """Indices of the bars that begin a line.

    A section begins a line, a pick-up bar or a long rest takes no place of its own in the count, dense bars make a
    line shorter, and no line of one bar is left over where its neighbour can share.
    """
    bars = bars_of(score)
    hidden = {index + k for index, count in rest_runs(score).items() for k in range(1, count)}
    starts: list[int] = []
    section: list[int] = []
    for index in range(len(bars)):
        if begins_section(bars, index):
            starts += _fill(section, bars, bars_per_line)
            section = []
        if index not in hidden:
            section.append(index)
    return frozenset(starts + _fill(section, bars, bars_per_line))


def _columns(bar: Bar) -> int:
    """Stems and printed rests side by side, at least as wide as a meagre bar."""
    if bar.simile or not bar.notes:
        return 6
    return max(6, len({note.onset for note in bar.notes}) + sum(note.grace for note in bar.notes))


def _fill(section: list[int], bars: tuple[Bar, ...], bars_per_line: int) -> list[int]:
    """First bars of the lines of one section."""
    lines: list[list[int]] = [[]]
    room = _COLUMNS_PER_LINE
    for index in section:
        width = _columns(bars[index])
        places = sum(bars[i].number > 0 for i in lines[-1])
        if lines[-1] and (places >= bars_per_line or width > room):
            lines.append([])
            room = _COLUMNS_PER_LINE
        lines[-1].append(index)
        room -= width
    if len(lines) > 1 and len(lines[-1]) == 1 and len(lines[-2]) > 2:
        lines[-1].insert(0, lines[-2].pop())
    return [line[0] for line in lines]
