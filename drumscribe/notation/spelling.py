"""Onsets in a bar become notes and rests with values, dots, tuplets and beams.

A note lasts to the next of its voice, at most to the end of its beat; what is left are rests, merged as far as the
metre stays visible; nothing is tied. The aim is the fewest signs from which the beat can still be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from drumscribe.types import Event, TimeSignature, Tuplet

VALUES: dict[Fraction, str] = {
    Fraction(4): "whole",
    Fraction(2): "half",
    Fraction(1): "quarter",
    Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th",
    Fraction(1, 8): "32nd",
    Fraction(1, 16): "64th",
}
#: All of them and the dotted ones worth reading, longest first.
LENGTHS = tuple(sorted([*VALUES, *(v * 3 / 2 for v in VALUES if v >= Fraction(1, 8))], reverse=True))
BEAMS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
FINEST = Fraction(1, 16)
TRIPLET = Tuplet(3, 2)
SEXTUPLET = Tuplet(6, 4)


@dataclass(frozen=True, slots=True)
class Group:
    """A stretch of a bar that is felt as one beat and beamed together."""

    start: Fraction  #: quarter notes from the bar line
    length: Fraction  #: quarter notes


def beat_groups(signature: TimeSignature, unit: Fraction, length: Fraction) -> tuple[Group, ...]:
    """Beats as the eye sees them; a shorter `length` keeps the end of the bar (a pick-up).

    n/4 goes by quarters, 6/8, 9/8 and 12/8 by dotted quarters, other n/8 by two eighths and a last group of three.
    """
    full = signature.length
    if unit == Fraction(1, 2):
        eighths = signature.numerator
        sizes = [2] * (eighths // 2)
        if eighths % 2:
            sizes = [*sizes[:-1], 3] if sizes else [1]
        lengths = [Fraction(s, 2) for s in sizes]
    else:
        lengths = [unit] * int(full / unit)
    groups, start = [], Fraction(0)
    skipped = full - length
    for size in lengths:
        begin, end = max(start, skipped), start + size
        if end > begin:
            groups.append(Group(begin - skipped, end - begin))
        start = end
    return tuple(groups)


def spell(onsets: list[Fraction], groups: tuple[Group, ...], signature: TimeSignature) -> list[Event]:
    """Write one voice of a bar, notes still empty.

    Parameters
    ----------
    onsets : list of Fraction
        Quarter notes from the bar line, increasing.
    groups : tuple of Group
        From `beat_groups`; together they are the bar.

    Returns
    -------
    list of Event
        They fill the bar without gap or overlap. An event is a note exactly if its onset is in `onsets`.
    """
    length = groups[-1].start + groups[-1].length
    if not onsets:
        return [whole_bar_rest(length)]
    events: list[Event] = []
    for group in groups:
        inside = [o - group.start for o in onsets if group.start <= o < group.start + group.length]
        events += _spell_group(group.start, group.length, inside)
    sounding = set(onsets)
    return _beam(_merge_rests(events, groups, signature, sounding), groups, signature, sounding)


def whole_bar_rest(length: Fraction, *, hidden: bool = False) -> Event:
    """The rest that fills a bar of any length."""
    return Event(Fraction(0), length, "whole", hidden=hidden, whole_bar=True)


def _spell_group(start: Fraction, length: Fraction, onsets: list[Fraction]) -> list[Event]:
    """Spell a beat that begins at `start`; `onsets` count from there."""
    if all(_is_binary(o) for o in onsets):
        return [_event(start + o, d) for o, d in _cut(onsets, length)]
    half = length / 2
    ternary = [o * Fraction(3, 2) for o in onsets]
    fits = length <= 1 and all((o * 6 / length).denominator == 1 for o in onsets)
    crossing = half in onsets and any(all(_is_binary(o) for o in part) for part in _parts(onsets, half, length))
    if fits and not crossing:
        whole = length * Fraction(3, 2)
        cuts = _cut(ternary, whole)
        # six notes of a beat, or three of it: the figure printed is the number of the shortest value
        fine = any((d if d in VALUES else d * 2 / 3) < length / 2 for _, d in cuts)
        label = SEXTUPLET if fine else TRIPLET
        scale = Fraction(2, 3)
        events = [replace(_event(start + o * scale, d), duration=d * scale, tuplet=label) for o, d in cuts]
        events[0] = replace(events[0], tuplet_edge="start")
        events[-1] = replace(events[-1], tuplet_edge="stop")
        return events
    pieces = 3 if length == Fraction(3, 2) else 2
    events = []
    for k in range(pieces):
        begin, end = k * length / pieces, (k + 1) * length / pieces
        events += _spell_group(start + begin, length / pieces, [o - begin for o in onsets if begin <= o < end])
    return events


def _is_binary(value: Fraction) -> bool:
    return (value / FINEST).denominator == 1


def _parts(onsets: list[Fraction], half: Fraction, length: Fraction) -> tuple[list[Fraction], list[Fraction]]:
    return [o for o in onsets if o < half], [o - half for o in onsets if half <= o < length]


def _event(onset: Fraction, duration: Fraction) -> Event:
    if duration in VALUES:
        return Event(onset, duration, VALUES[duration])
    return Event(onset, duration, VALUES[duration * 2 / 3], dots=1)


def _cut(onsets: list[Fraction], length: Fraction) -> list[tuple[Fraction, Fraction]]:
    """(onset, value) of notes and rests that fill a beat of `length`."""
    pieces: list[tuple[Fraction, Fraction]] = []
    position = Fraction(0)
    for onset, following in zip([None, *onsets], [*onsets, length], strict=True):
        if onset is not None:
            value = _longest(onset, following, length, rest=False)
            pieces.append((onset, value))
            position = onset + value
        while position < following:
            value = _longest(position, following, length, rest=True)
            pieces.append((position, value))
            position += value
    return pieces


def _longest(start: Fraction, end: Fraction, length: Fraction, *, rest: bool) -> Fraction:
    """Longest value from `start` that does not reach past `end` nor hide the division of the beat."""
    gap = end - start
    if start == 0 and gap == length and (gap in VALUES or gap * 2 / 3 in VALUES):
        return gap
    for value in LENGTHS:
        if value > gap:
            continue
        if value in VALUES:
            # off-beat notes may be syncopated by half their value; rests stand where their value belongs
            if start % (value if rest else value / 2) == 0:
                return value
            continue
        plain = value * 2 / 3
        pair = plain * 2
        ends_pair = not rest and start % (plain / 2) == 0 and (start + value) % pair == 0
        is_duplet = start % value == 0 and length % value == 0
        if start % pair == 0 or ends_pair or is_duplet:
            return value
    return gap


def _merge_rests(
    events: list[Event], groups: tuple[Group, ...], signature: TimeSignature, sounding: set[Fraction]
) -> list[Event]:
    """Join the rests of two empty beats where they fill a half of a bar in 4/4 or 12/8."""
    full = groups[-1].start + groups[-1].length
    if len(groups) != 4 or full != signature.length or len({g.length for g in groups}) > 1:
        return events
    size = groups[0].length
    merged: list[Event] = []
    for event in events:
        last = merged[-1] if merged else None
        is_beat_rest = event.duration == size and event.onset not in sounding
        if (
            is_beat_rest
            and last is not None
            and event.onset % (2 * size) == size
            and last.duration == size
            and last.onset not in sounding
            and last.onset + size == event.onset
        ):
            merged[-1] = _event(last.onset, 2 * size)
        else:
            merged.append(event)
    return merged


def _beam(events: list[Event], groups: tuple[Group, ...], signature: TimeSignature, sounding: set[Fraction]) -> list[Event]:
    """Join flags inside each beat; four plain eighths join over the two beats of a half bar in 4/4."""
    spans = [[i for i, e in enumerate(events) if g.start <= e.onset < g.start + g.length] for g in groups]
    full = groups[-1].start + groups[-1].length
    if signature == TimeSignature(4, 4) and full == 4:
        spans = [s for pair in ((0, 1), (2, 3)) for s in _joined([spans[k] for k in pair], events, sounding)]
    beamed = list(events)
    for span in spans:
        run: list[int] = []
        for i in [*span, -1]:
            if i >= 0 and events[i].onset in sounding and events[i].value in BEAMS:
                run.append(i)
                continue
            _beam_run(beamed, run)
            run = []
    return beamed


def _joined(pair: list[list[int]], events: list[Event], sounding: set[Fraction]) -> list[list[int]]:
    plain = all(
        len(span) == 2 and all(events[i].value == "eighth" and not events[i].dots and not events[i].tuplet for i in span)
        for span in pair
    )
    plain = plain and all(events[i].onset in sounding for span in pair for i in span)
    return [pair[0] + pair[1]] if plain else pair


def _beam_run(events: list[Event], run: list[int]) -> None:
    """Write the beams of neighbouring notes `run` into `events`."""
    if len(run) < 2:
        return
    levels = [BEAMS[events[i].value] for i in run]
    for k, i in enumerate(run):
        marks: list[str] = []
        for level in range(1, levels[k] + 1):
            left = k > 0 and levels[k - 1] >= level
            right = k + 1 < len(run) and levels[k + 1] >= level
            if left and right:
                marks.append("continue")
            elif left:
                marks.append("end")
            elif right:
                marks.append("begin")
            else:
                marks.append("forward hook" if _leads(events, run, k) else "backward hook")
        events[i] = replace(events[i], beams=tuple(marks))


def _leads(events: list[Event], run: list[int], k: int) -> bool:
    """Whether a lone short note belongs to the longer one after it rather than before it."""
    if k == 0 or k == len(run) - 1:
        return k == 0
    event = events[run[k]]
    return event.onset % (2 * event.duration) == 0
