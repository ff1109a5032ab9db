"""Bars that a person counts otherwise than they were heard.

The recording is never cut: a bar is a stretch of it. So a stretch can be divided into other bars, and bars can be put to, or
taken from, either end. A bar between two others that has no time of its own cannot be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import median

from drumscribe.errors import EditError
from drumscribe.notation.ornaments import RIVALS
from drumscribe.notation.swing import sounding
from drumscribe.notation.tempo import MAX_BAR_BEATS, tempo_marks
from drumscribe.types import Anchor, Bar, Beat, BeatGrid, Drum, Layout, Performance, Placed, TempoMap, TimeSignature

FINEST = (8, 12)  #: denominators of the places, in quarter notes, to which a stroke goes that has none of its own any more
BEATS_A_MINUTE = (15.0, 500.0)  #: what can still be counted
STEPS = 4  #: beats whose median is the tempo at an end


@dataclass(frozen=True, slots=True)
class Divide:
    """The stretch of some bars is really these bars: a bar that was swallowed or made up, a passage at half the tempo."""

    first: int  #: index into `Score.bars`
    last: int  #: the same; included
    into: tuple[TimeSignature, ...]  #: the bars that it really has


@dataclass(frozen=True, slots=True)
class AddBars:
    """Empty bars before the first or after the last, as far as the recording reaches."""

    end: bool  #: after the last; else before the first
    count: int = 1


@dataclass(frozen=True, slots=True)
class CutBars:
    """Bars at the beginning or the end that are no music; what is written in them was not played."""

    end: bool  #: the last ones; else the first
    count: int = 1


BarEdit = Divide | AddBars | CutBars


def rebar(performance: Performance, edit: BarEdit) -> Performance:
    """Change the bars of a performance with a layout; strokes outside of them keep bar line, place and time.

    Raises
    ------
    EditError
        If there are no such bars, or they do not fit.
    """
    layout = performance.layout
    if layout is None or not layout.bars:
        raise EditError("The score has no bars.")
    if isinstance(edit, Divide):
        return _divide(performance, layout, edit)
    if edit.count < 1:
        raise EditError(f"{edit.count} bars are none.")
    return _extend(performance, layout, edit) if isinstance(edit, AddBars) else _cut(performance, layout, edit)


def bars_cut(edit: CutBars, bars: int) -> range:
    """Indices of the bars that go, out of so many."""
    if not 0 < edit.count < bars:
        raise EditError(f"The score has {bars} bars, and one must stay; {edit.count} cannot go.")
    return range(bars - edit.count, bars) if edit.end else range(edit.count)


# ------------------------------------------------------------------------------------------------ divide


def _divide(performance: Performance, layout: Layout, edit: Divide) -> Performance:
    bars, unit = layout.bars, performance.grid.unit
    if not 0 <= edit.first <= edit.last < len(bars):
        raise EditError(f"There are no bars {edit.first} to {edit.last}: the score has {len(bars)}.")
    if not edit.into:
        raise EditError("A stretch of the recording is at least one bar. Bars at either end can be cut off.")
    for metre in edit.into:
        _check_metre(metre, unit)
    old = _starts(bars)
    begin, end = old[edit.first], old[edit.last + 1]
    length = sum((metre.length for metre in edit.into), Fraction(0))
    stretch = length / (end - begin)
    was, beats = layout.tempo_map, int(length / unit)
    seconds = was.time_at(end) - was.time_at(begin)
    if not BEATS_A_MINUTE[0] <= 60 * beats / seconds <= BEATS_A_MINUTE[1]:
        raise EditError(f"These would be {60 * beats / seconds:.0f} beats a minute, which nobody counts.")
    inside = tuple(Anchor(begin + k * unit, was.time_at(begin + k * unit / stretch)) for k in range(beats))
    tempo_map = TempoMap(
        (
            *(a for a in was.anchors if a.position < begin),
            *inside,
            Anchor(begin + length, was.time_at(end)),
            *(Anchor(a.position + begin + length - end, a.time) for a in was.anchors if a.position > end),
        )
    )
    fresh = _numbered((*bars[: edit.first], *(Bar(1, metre) for metre in edit.into), *bars[edit.last + 1 :]))
    starts = _starts(fresh)
    more = len(fresh) - len(bars)
    finer = {(s.bar, s.onset // 1) for s in layout.strokes if not _is_eighth(s.onset)}

    def moved(stroke: Placed) -> Placed:
        if stroke.bar < edit.first:
            return stroke
        if stroke.bar > edit.last:
            return replace(stroke, bar=stroke.bar + more)
        place = old[stroke.bar] + stroke.onset
        if stretch != 1:  # what is written straight and swings is another value now: it goes where it sounds
            onset = sounding(stroke.onset, layout.swing, layout.swing_ratio, (stroke.bar, stroke.onset // 1) in finer)
            place = _writable(begin + (old[stroke.bar] + onset - begin) * stretch, begin + length)
        bar = bisect_right(starts, place) - 1
        return replace(stroke, bar=bar, onset=place - starts[bar])

    hits = {(hit.time, hit.drum): hit.velocity for hit in performance.hits}
    strokes = _alone([moved(s) for s in layout.strokes], hits)
    placed = {(s.time, s.drum): s.onset for s in strokes if edit.first <= s.bar < edit.first + len(edit.into)}
    told = tuple(
        replace(t, parts=placed[t.time, t.drum].denominator) if (t.time, t.drum) in placed else t for t in performance.told
    )
    grid = _with_beats(performance.grid, inside, was.time_at(end), [int(m.length / unit) for m in edit.into])
    return replace(performance, grid=grid, told=told, layout=_laid(layout, fresh, strokes, tempo_map, unit))


def _check_metre(metre: TimeSignature, unit: Fraction) -> None:
    beats = metre.length / unit
    if metre.denominator != (4 if unit == 1 else 8) or beats.denominator != 1:
        counted = {Fraction(1): "quarter notes", Fraction(3, 2): "dotted quarter notes"}.get(unit, "eighths")
        raise EditError(f"This song counts in {counted}: a bar of {metre.numerator}/{metre.denominator} has no place in it.")
    if not 1 <= beats <= MAX_BAR_BEATS:
        raise EditError(f"A bar has 1 to {MAX_BAR_BEATS} beats, not {beats}.")


def _is_eighth(onset: Fraction) -> bool:
    return (onset * 2).denominator == 1


def _writable(place: Fraction, end: Fraction) -> Fraction:
    """The nearest place before the end that can be written, which is this one wherever it can be."""
    if any((place * finest).denominator == 1 for finest in FINEST):
        return place
    near = [Fraction(round(place * finest), finest) for finest in FINEST]
    return min((p if p < end else p - Fraction(1, 8) for p in near), key=lambda p: abs(p - place))


def _alone(strokes: Sequence[Placed], velocities: dict[tuple[float, Drum], int]) -> tuple[Placed, ...]:
    """Strokes that can stand together: of two on one place, or of two that exclude each other, the louder stays."""
    chords: dict[tuple[int, Fraction], dict[Drum, Placed]] = {}
    for stroke in sorted(strokes, key=lambda s: (-velocities.get((s.time, s.drum), 0), s.time, s.drum)):
        chord = chords.setdefault((stroke.bar, stroke.onset), {})
        if stroke.drum not in chord and RIVALS.get(stroke.drum) not in chord:
            chord[stroke.drum] = stroke
    return tuple(sorted((s for c in chords.values() for s in c.values()), key=lambda s: (s.bar, s.onset, s.drum)))


def _with_beats(grid: BeatGrid, inside: Sequence[Anchor], end: float, numbers: Sequence[int]) -> BeatGrid:
    """The beats that were heard, with others in a stretch. Where they lay beside the written ones, the others do, too."""
    if not grid.beats:
        return grid
    begin = inside[0].time
    half = (end - begin) / len(inside) / 2
    lags = [_lag(grid, time, half) for time in (begin, end)]
    share = [(a.time - begin) / (end - begin) for a in inside]
    times = [a.time + lags[0] + s * (lags[1] - lags[0]) for a, s in zip(inside, share, strict=True)]
    counted = [number for beats in numbers for number in range(1, beats + 1)]
    before = [b for b in grid.beats if b.time < times[0] - 1e-6]
    after = [b for b in grid.beats if b.time > end + lags[1] - 1e-6]
    heard = grid.beats[0].time - half, grid.beats[-1].time + half  # beyond that the written beats are guessed
    fresh = [Beat(time, number) for time, number in zip(times, counted, strict=True) if heard[0] < time < heard[1]]
    return replace(grid, beats=(*before, *fresh, *after))


def _lag(grid: BeatGrid, time: float, reach: float) -> float:
    """How much later than it is written the beat at a time was heard; 0 where none was."""
    nearest = min(grid.beats, key=lambda b: abs(b.time - time)).time - time
    return nearest if abs(nearest) < reach else 0.0


# ------------------------------------------------------------------------------------------------ at the ends


def _extend(performance: Performance, layout: Layout, edit: AddBars) -> Performance:
    bars, unit, grid = layout.bars, performance.grid.unit, performance.grid
    total = _starts(bars)[-1]
    edge = bars[-1 if edit.end else 0]
    metre = edge.time_signature
    beats = int(metre.length / unit)
    missing = Fraction(0) if edit.end else metre.length - edge.quarters  # a pick-up first becomes the bar that it ends
    fresh = edit.count - (missing > 0)
    count = int(missing / unit) + fresh * beats
    times = [layout.tempo_map.time_at(k * unit) for k in range(int(total / unit) + 1)]
    added = _onward(times, grid, count) if edit.end else _backward(times, grid, count)
    if edit.end:
        _check_room(added[-beats], [times[-1], *added][::beats], performance.duration, end=True)
        anchors = (*layout.tempo_map.anchors, *(Anchor(total + (k + 1) * unit, t) for k, t in enumerate(added)))
        written = (*bars, *(Bar(1, metre) for _ in range(fresh)))
        beginnings = [times[-1], *added[:-1]]
        strokes = layout.strokes
    else:
        step = (added[1] if count > 1 else times[0]) - added[0]
        _check_room(added[0] + step, [times[0], *added[::-1]][::beats], performance.duration, end=False)
        longer = count * unit
        anchors = (
            *(Anchor(k * unit, t) for k, t in enumerate(added)),
            *(Anchor(a.position + longer, a.time) for a in layout.tempo_map.anchors),
        )
        first = replace(edge, length=None)
        written = (*(Bar(1, metre) for _ in range(fresh)), first, *bars[1:])
        beginnings = added
        strokes = tuple(replace(s, bar=s.bar + fresh, onset=s.onset + (missing if s.bar == 0 else 0)) for s in layout.strokes)
    grid = _with_ends(grid, beginnings, [k % beats + 1 for k in range(count)], end=edit.end)
    return replace(performance, grid=grid, layout=_laid(layout, _numbered(written), strokes, TempoMap(anchors), unit))


def _check_room(last_possible: float, lines: Sequence[float], duration: float, *, end: bool) -> None:
    """Raise unless the outermost bar begins inside the recording; the first may begin up to a beat before it."""
    fits = last_possible < duration if end else last_possible >= 0
    if not fits:
        room = sum(1 for line in lines[:-1] if line < duration) if end else sum(1 for line in lines[1:] if line >= 0)
        where = "after the last bar" if end else "before the first bar"
        raise EditError(f"The recording has room for {room} bars {where}.")


def _onward(times: Sequence[float], grid: BeatGrid, count: int) -> list[float]:
    """When the beats sound that follow: as they were heard, and beyond that at the tempo of the last ones."""
    known = list(times)
    lag = _lag(grid, times[-1], (times[-1] - times[-2]) / 2) if grid.beats else 0.0
    known += [b.time - lag for b in grid.beats if b.time > times[-1] + lag + 1e-6][:count]
    while len(known) < len(times) + count:
        known.append(known[-1] + median(b - a for a, b in pairwise(known[-STEPS - 1 :])))
    return known[len(times) :]


def _backward(times: Sequence[float], grid: BeatGrid, count: int) -> list[float]:
    """The same before the first, in the order of time."""
    turned = replace(grid, beats=tuple(Beat(-b.time, b.number) for b in reversed(grid.beats)))
    return [-time for time in reversed(_onward([-t for t in reversed(times)], turned, count))]


def _with_ends(grid: BeatGrid, times: Sequence[float], numbers: Sequence[int], *, end: bool) -> BeatGrid:
    """The beats that were heard, numbered as the new bars have it and continued where none were."""
    if not grid.beats or len(times) < 2:
        return grid
    reach = (times[1] - times[0]) / 2
    lag = _lag(grid, times[0] if end else times[-1], reach)
    fresh = [Beat(t + lag, n) for t, n in zip(times, numbers, strict=True)]
    before = [b for b in grid.beats if b.time < fresh[0].time - 1e-6]
    after = [b for b in grid.beats if b.time > fresh[-1].time + 1e-6]
    return replace(grid, beats=(*before, *fresh, *after))


def _cut(performance: Performance, layout: Layout, edit: CutBars) -> Performance:
    """Take bars away in which nothing is written any more."""
    bars = layout.bars
    gone = bars_cut(edit, len(bars))
    starts = _starts(bars)
    kept = bars[: gone.start] if edit.end else bars[gone.stop :]
    begin, end = (Fraction(0), starts[gone.start]) if edit.end else (starts[gone.stop], starts[-1])
    was = layout.tempo_map
    tempo_map = TempoMap(
        (
            Anchor(Fraction(0), was.time_at(begin)),
            *(Anchor(a.position - begin, a.time) for a in was.anchors if begin < a.position < end),
            Anchor(end - begin, was.time_at(end)),
        )
    )
    fewer = 0 if edit.end else len(gone)
    strokes = tuple(replace(s, bar=s.bar - fewer) for s in layout.strokes if s.bar not in gone)
    return replace(performance, layout=_laid(layout, _numbered(kept), strokes, tempo_map, performance.grid.unit))


# ------------------------------------------------------------------------------------------------ what both do


def _starts(bars: Iterable[Bar]) -> list[Fraction]:
    """Start of each bar in quarter notes, and the end of the last."""
    return list(accumulate((bar.quarters for bar in bars), initial=Fraction(0)))


def _numbered(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    first = 0 if bars[0].length is not None else 1
    return tuple(replace(bar, number=first + k) for k, bar in enumerate(bars))


def _laid(layout: Layout, bars: tuple[Bar, ...], strokes: tuple[Placed, ...], tempo_map: TempoMap, unit: Fraction) -> Layout:
    """The layout with other bars, and the tempo marks that these have."""
    lines = [tempo_map.time_at(start) for start in _starts(bars)]
    marks = tempo_marks([b - a for a, b in pairwise(lines)], [bar.quarters for bar in bars], unit)
    return replace(layout, bars=bars, strokes=strokes, tempo_map=tempo_map, tempo_marks=marks)
