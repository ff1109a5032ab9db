"""The score as a text drum tab: one line per drum, one column per grid step, at most 80 characters wide.

Each bar takes the coarsest grid on which all its notes fall; where that is too wide for a line, each beat takes its
own. A counting line stands under each system.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from drumscribe.kit import KIT
from drumscribe.types import Bar, Drum, Note, Score

WIDTH = 80
_LABEL = 3  #: two letters and the bar line before the first column

#: Lines from the top, and the drums each holds.
_LINES: tuple[tuple[str, tuple[Drum, ...]], ...] = tuple(
    (KIT[drums[0]].short_name, drums)
    for drums in (
        (Drum.CRASH,),
        (Drum.RIDE,),
        (Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN),
        (Drum.TOM_HIGH,),
        (Drum.TOM_MID,),
        (Drum.SNARE, Drum.CROSS_STICK),
        (Drum.TOM_LOW,),
        (Drum.KICK,),
    )
)
_CYMBALS = frozenset({Drum.CRASH, Drum.RIDE, Drum.HIHAT_CLOSED})
_LEGEND = {
    "o": "hit; on the hi-hat: open",
    "O": "accent",
    "g": "ghost note",
    "f": "flam",
    "d": "drag",
    "r": "roll",
    "x": "cymbal, closed hi-hat, cross stick",
    "X": "accent",
}


@dataclass(frozen=True, slots=True)
class _Block:
    """One bar as columns."""

    bar: Bar
    mark: str  #: printed over its first column
    rows: dict[str, str]  #: columns by line label
    count: str  #: the counting line

    @property
    def width(self) -> int:
        """Columns with the closing bar line."""
        return len(self.count) + 1


def write_tab(score: Score) -> bytes:
    """Write the score as plain text.

    Returns
    -------
    bytes
        UTF-8. Header with title, tempo and legend, then systems of as many bars as fit; every line at most 80 characters.
        Lines end with a newline; an empty score gives the header alone.
    """
    blocks: list[_Block] = []
    for index, bar in enumerate(score.bars):
        blocks.append(_block(bar, _mark(score, index)))
    used = [label for label, _ in _LINES if any(set(b.rows.get(label, "")) - {"-"} for b in blocks)]
    lines = _header(score, blocks, used)
    system: list[_Block] = []
    for block in blocks:
        if system and _LABEL + sum(b.width for b in system) + block.width > WIDTH:
            lines += _system(system, used)
            system = []
        system.append(block)
    if system:
        lines += _system(system, used)
    return ("\n".join(line.rstrip()[:WIDTH] for line in lines) + "\n").encode()


def _header(score: Score, blocks: list[_Block], used: Iterable[str]) -> list[str]:
    lines = [score.title or "Drums"]
    if score.subtitle:
        lines.append(score.subtitle)
    facts: list[str] = []
    if score.tempo_marks:
        mark = score.tempo_marks[0]
        name = {Fraction(1): "quarter", Fraction(3, 2): "dotted quarter", Fraction(1, 2): "eighth"}.get(
            mark.unit, f"{mark.unit} quarters"
        )
        facts.append(f"{name} = {mark.bpm:.0f}")
    if score.bars:
        facts.append(_signature(score.bars[0]))
    if score.swing is not None:
        facts.append("swing 8ths" if score.swing == Fraction(1, 2) else "swing 16ths")
    lines += [", ".join(facts)] if facts else []
    names = {KIT[drum].short_name: KIT[drum].name for _, drums in _LINES for drum in reversed(drums)}
    names["HH"] = "Hi-hat"
    lines += ["", *_wrap([f"{label} {names[label]}" for label in used])]
    symbols = {c for b in blocks for row in b.rows.values() for c in row} - {"-"}
    lines += _wrap([f"{c} {meaning}" for c, meaning in _LEGEND.items() if c in symbols])
    return lines


def _wrap(words: list[str]) -> list[str]:
    """Join with wide gaps, breaking between words only."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 3 + len(word) <= WIDTH:
            lines[-1] += "   " + word
        else:
            lines.append(word)
    return lines


def _signature(bar: Bar) -> str:
    return f"{bar.time_signature.numerator}/{bar.time_signature.denominator}"


def _mark(score: Score, index: int) -> str:
    """Bar number, section letter, and whatever changes here."""
    bar = score.bars[index]
    parts = [str(bar.number)]
    if bar.section:
        parts.append(f"[{bar.section}]")
    if index and bar.time_signature != score.bars[index - 1].time_signature:
        parts.append(_signature(bar))
    if index:
        parts += [f"={mark.bpm:.0f}" for mark in score.tempo_marks if mark.bar == index]
    return " ".join(parts)


def _system(blocks: list[_Block], used: list[str]) -> list[str]:
    """Marks, drum lines and counting line of bars side by side; lines silent throughout are left out but the basics."""
    marks = " " * _LABEL
    for block, start in zip(blocks, _starts(blocks), strict=True):
        # a mark longer than its bar pushes the next one right instead of being overwritten
        marks = marks.ljust(start) if len(marks) < start or not marks.strip() else marks + " "
        marks += block.mark
    lines = ["", marks]
    for label in used:
        row = [b.rows.get(label, "-" * len(b.count)) for b in blocks]
        if label in ("HH", "SD", "BD") or any(set(r) - {"-"} for r in row):
            lines.append(f"{label}|" + "".join(r + "|" for r in row))
    return [*lines, " " * _LABEL + "".join(b.count + " " for b in blocks)]


def _starts(blocks: list[_Block]) -> list[int]:
    starts = [_LABEL]
    for block in blocks[:-1]:
        starts.append(starts[-1] + block.width)
    return starts


def _block(bar: Bar, mark: str) -> _Block:
    unit = Fraction(4, bar.time_signature.denominator)
    edges: list[Fraction] = []
    while not edges or edges[-1] + unit < bar.quarters:
        edges.append(edges[-1] + unit if edges else Fraction(0))
    steps = _steps(bar, unit, len(edges))
    rows = {label: ["-"] * sum(steps) for label, drums in _LINES if any(n.drum in drums for n in bar.notes)}
    starts = [sum(steps[:i]) for i in range(len(steps))]
    for note in sorted(bar.notes, key=lambda n: n.velocity):  # of two notes in one column the louder is seen
        beat = min(int(note.onset / unit), len(edges) - 1)
        column = starts[beat] + min(steps[beat] - 1, round((note.onset - edges[beat]) / unit * steps[beat]))
        for label, drums in _LINES:
            if note.drum in drums:
                rows[label][column] = _symbol(note)
    count = "".join(_count(i, step, quarters=unit == 1) for i, step in enumerate(steps))
    return _Block(bar, mark, {label: "".join(row) for label, row in rows.items()}, count)


def _count(beat: int, columns: int, *, quarters: bool) -> str:
    """What a drummer says on this beat: 1 & 2 &, or 1 e & a; dots where there are no syllables."""
    number = str((beat + 1) % 10)
    if quarters and columns in (2, 4):
        return number + {2: "&", 4: "e&a"}[columns]
    return number.ljust(columns, ".")


def _steps(bar: Bar, unit: Fraction, beats: int) -> list[int]:
    """Columns in each beat: the same all through if the bar then fits a line, else what each beat needs."""
    least = 2 if bar.time_signature.denominator == 4 else 1
    needs = [1] * beats
    for note in bar.notes:
        beat = min(int(note.onset / unit), beats - 1)
        needs[beat] = lcm(needs[beat], (note.onset / unit - beat).denominator)
    # no beat of a quarter is narrower than two eighths; one triplet needs no sixths
    common = lcm(*needs) if max(needs) > 1 else least
    needs = [max(least, n) for n in needs]
    room = WIDTH - _LABEL - 1
    if common * beats <= room:
        return [common] * beats
    if sum(needs) <= room:
        return needs
    # even so too wide: the finest grid that fits; a note may then stand a little off its place
    return [min(n, room // beats) for n in needs]


def _symbol(note: Note) -> str:
    if note.tremolo:
        return "r"
    if note.grace:
        return "f" if note.grace == 1 else "d"
    if note.ghost:
        return "g"
    plain = "x" if note.drum in _CYMBALS or note.drum is Drum.CROSS_STICK else "o"
    return plain.upper() if note.accent else plain
