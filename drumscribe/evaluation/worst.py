"""The bars with the most mistakes: where to look first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from drumscribe.evaluation.hits import TOLERANCE, VOCABULARIES, match
from drumscribe.evaluation.runs import Heard
from drumscribe.types import Hit


@dataclass(frozen=True, slots=True)
class Mark:
    """A stroke as it is judged."""

    time: float  #: seconds
    name: str  #: class of the vocabulary
    verdict: str  #: "right", "missed" or "invented"
    heard: float | None = None  #: seconds at which a right one was heard
    drowned: bool = False  #: a missed one that the set marks as not audible


@dataclass(frozen=True, slots=True)
class WrongBar:
    """A bar of a piece with what was right and wrong in it."""

    heard: Heard
    number: int  #: from 1; what comes before the first downbeat is no bar
    start: float  #: seconds
    end: float
    marks: tuple[Mark, ...]  #: of this bar and its surroundings

    def count(self, verdict: str) -> int:
        """Strokes of the bar itself with a verdict."""
        return sum(m.verdict == verdict for m in self.marks if self.holds(m))

    def holds(self, mark: Mark) -> bool:
        """Whether a stroke belongs to the bar: one just before its bar line does."""
        return self.start - TOLERANCE <= mark.time < self.end - TOLERANCE

    @property
    def drowned(self) -> int:
        """Of those missed in the bar itself, how many could not be heard."""
        return sum(m.drowned for m in self.marks if self.holds(m))

    @property
    def mistakes(self) -> int:
        """Strokes missed or invented."""
        return self.count("missed") + self.count("invented")


def judge(heard: Heard, *, vocabulary: int = 9, tolerance: float = TOLERANCE) -> list[Mark]:
    """Every stroke, played or heard, with what became of it; sorted by time."""
    table = VOCABULARIES[vocabulary]
    marks: list[Mark] = []
    for name in dict.fromkeys(table.values()):

        def times(hits: Iterable[Hit], name: str = name) -> list[float]:
            return sorted(h.time for h in hits if table.get(h.drum) == name)

        true, found = times(heard.truth.hits), times(heard.performance.hits)
        pairs = match(true, found, tolerance)
        marks += [Mark(true[i], name, "right", found[j]) for i, j in pairs]
        missed = [true[i] for i in set(range(len(true))) - {i for i, _ in pairs}]
        marks += [Mark(time, name, "missed", drowned=(time, name) in heard.drowned) for time in missed]
        marks += [Mark(found[j], name, "invented") for j in set(range(len(found))) - {j for _, j in pairs}]
    return sorted(marks, key=lambda mark: (mark.time, mark.name, mark.verdict))


def worst_bars(pieces: Iterable[Heard], count: int = 10, *, vocabulary: int = 9, tolerance: float = TOLERANCE) -> list[WrongBar]:
    """The bars with the most missed and invented strokes, the worst first; at most one of a piece.

    Pieces whose downbeats nobody annotated have no bars.
    """
    worst: list[WrongBar] = []
    for heard in pieces:
        downbeats = heard.true_beats.downbeats if heard.true_beats else None
        if downbeats is None or len(downbeats) < 2:
            continue
        marks = judge(heard, vocabulary=vocabulary, tolerance=tolerance)
        bars: list[WrongBar] = []
        for number, (start, end) in enumerate(pairwise(float(t) for t in downbeats), start=1):
            around = (end - start) / 4
            near = tuple(m for m in marks if start - around <= m.time < end + around)
            bars.append(WrongBar(heard, number, start, end, near))
        worst.append(max(bars, key=lambda bar: bar.mistakes))
    worst.sort(key=lambda bar: (-bar.mistakes, bar.heard.piece.name))
    return [bar for bar in worst[:count] if bar.mistakes]
