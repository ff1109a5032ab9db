"""From what was played to what is written, read from top to bottom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from drumscribe.kit import HANDS, KIT
from drumscribe.notation.form import with_sections, with_similes
from drumscribe.notation.ornaments import Stroke, gather, mark_dynamics, merge, together
from drumscribe.notation.quantise import Onset, Place, grids_for, nearest_told, quantise
from drumscribe.notation.spelling import Group, beat_groups, spell, whole_bar_rest
from drumscribe.notation.swing import find_swing
from drumscribe.notation.tempo import Pulse, follow, tempo_marks
from drumscribe.options import NotationOptions
from drumscribe.types import Anchor, Bar, Event, Hit, Layout, Note, Performance, Placed, Score, TempoMap, TimeSignature


@dataclass(frozen=True, slots=True)
class Span:
    """The beats of one bar."""

    first: int  #: index of its first beat in the pulse
    beats: int
    full: int  #: beats that its time signature promises; more than `beats` in a pick-up

    def signature(self, unit: Fraction) -> TimeSignature:
        """As printed: n/4, or n/8 where a beat is worth one eighth or three."""
        return TimeSignature(self.full, 4) if unit == 1 else TimeSignature(int(self.full * unit * 2), 8)


def notate(performance: Performance, *, options: NotationOptions) -> Score:
    """Write what was played as drum notation.

    Parameters
    ----------
    performance : Performance
        Hits and beats in seconds. Either may be empty.
    options : NotationOptions
        Voices, similes, sections, ghost notes, accents, swing.

    Returns
    -------
    Score
        Bars from the first to the last that has a note; leading and trailing silence is not written, but the tempo map
        keeps the time of the recording. The events of every voice fill their bar exactly. A pick-up is written only if
        notes sound before the first downbeat of the grid. Without hits the score has no bars.

    Notes
    -----
    The same performance and options always give the same score. `Drum.OTHER` is never written.

    A performance that a person has corrected brings its `layout` along, and is written by that: all bars, also empty
    ones, and every stroke in its place. Where it has none but knows strokes that it was `told` of, they go to the place
    nearest to them, whatever the rest of the beat is.
    """
    if performance.layout is not None:
        return _laid_out(performance.hits, performance.layout, performance.grid.unit, options)
    pulse = follow(performance.grid, performance.hits)
    told = {(t.time, t.drum): t.parts for t in performance.told}
    every = gather(performance.hits, pulse, apart=told.keys())
    if not every:
        return Score(title=options.title)
    strokes = [s for s in every if (s.hit.time, s.hit.drum) not in told]
    groups = together(strokes, pulse)
    seconds = np.array([float(np.mean([strokes[j].hit.time for j in g])) for g in groups])
    places = pulse.places(seconds)
    swing = find_swing(places) if pulse.unit == 1 else None
    # strokes that agree are two witnesses, more are not independent; an unsure one counts for less
    weights = [min(2.0, sum(strokes[j].hit.confidence for j in g)) for g in groups]
    onsets = [Onset(float(p), tuple(g), w) for p, g, w in zip(places, groups, weights, strict=True)]
    kinds = [frozenset(strokes[j].hit.drum.value for j in g) for g in groups]
    grids = grids_for(pulse.unit, swing, plain=options.swing)
    written = quantise(onsets, kinds, pulse, grids)
    at = [(strokes[j], place) for onset, place in zip(onsets, written, strict=True) for j in onset.strokes]
    for stroke in every:
        if (parts := told.get((stroke.hit.time, stroke.hit.drum))) is not None:
            at.append((stroke, nearest_told(stroke.hit.time, parts, pulse, grids)))
    at.sort(key=lambda one: (one[0].hit.time, one[0].hit.drum))
    spans = bar_spans(pulse, [p.beat for _, p in at], performance.grid.beats[0].time if performance.grid.beats else None)
    bars = _bars(spans, pulse, at, options)
    named = swing if swing is not None and options.swing and not (swing.value == Fraction(1, 4) and swing.is_shuffle) else None
    return Score(
        bars=bars,
        tempo_marks=tempo_marks([_seconds(s, pulse) for s in spans], [b.quarters for b in bars], pulse.unit),
        tempo_map=_tempo_map(spans, pulse),
        title=options.title,
        swing=named.value if named else None,
        swing_ratio=named.ratio if named else 0.5,
    )


def _laid_out(hits: tuple[Hit, ...], layout: Layout, unit: Fraction, options: NotationOptions) -> Score:
    """The score of hits whose places are settled. A place without its hit is left empty."""
    by_name = {(hit.time, hit.drum): hit for hit in sorted(hits, key=lambda h: h.velocity)}
    equal = layout.swing == Fraction(1, 2) and not options.swing  # swung eighths are wanted as triplets
    placed = _as_triplets(layout, unit) if equal else layout.strokes
    notes: list[list[Note]] = [[] for _ in layout.bars]
    for place in placed:
        if (hit := by_name.get((place.time, place.drum))) is not None:
            stroke = Stroke(hit, place.grace, place.tremolo)
            notes[place.bar].append(_note(stroke, place.onset, options.voices))
    return Score(
        bars=_filled(layout.bars, [sorted(bar, key=lambda n: (n.onset, n.drum)) for bar in notes], unit, options),
        tempo_marks=layout.tempo_marks,
        tempo_map=layout.tempo_map,
        title=options.title,
        swing=layout.swing if options.swing else None,
        swing_ratio=layout.swing_ratio if options.swing else 0.5,
    )


def _as_triplets(layout: Layout, unit: Fraction) -> tuple[Placed, ...]:
    """Swung off-beats where they sound: of the beats that have nothing finer than eighths."""
    beat_of = [(p.bar, p.onset // unit) for p in layout.strokes]
    finer = {beat for p, beat in zip(layout.strokes, beat_of, strict=True) if (p.onset * 2).denominator != 1}
    return tuple(
        replace(p, onset=p.onset + Fraction(1, 6)) if p.onset.denominator == 2 and beat not in finer else p
        for p, beat in zip(layout.strokes, beat_of, strict=True)
    )


def bar_spans(pulse: Pulse, used: list[int], grid_start: float | None) -> list[Span]:
    """Cut the pulse into bars, from the one that holds the first of the beats `used` to that of the last.

    Before the first downbeat of the grid, which begins at `grid_start` seconds, bars are not known but guessed: there, a
    pick-up starts with the beat of the first note.
    """
    downbeats = [i for i, n in enumerate(pulse.numbers) if n == 1]
    lengths = dict(zip(downbeats, np.diff([*downbeats, len(pulse.numbers)]).tolist(), strict=True))
    first, last = min(used), max(used)
    heard = [i for i in downbeats if grid_start is None or pulse.times[i] >= grid_start - 0.5 * pulse.periods[i]]
    known = heard[0] if heard else downbeats[0]
    spans: list[Span] = []
    if first < known:
        upbeat = max((i for i in downbeats if i <= first), default=None)
        ahead = min(i for i in downbeats if i > first)
        if upbeat != first:
            full = lengths[upbeat] if upbeat is not None else max(pulse.numbers[ahead - 1], ahead - first)
            spans.append(Span(first, ahead - first, full))
    spans += [
        Span(i, lengths[i], lengths[i])
        for i in downbeats
        if i + lengths[i] > first and i <= last and not (spans and i < spans[0].first + spans[0].beats)
    ]
    return spans


def _bars(spans: list[Span], pulse: Pulse, strokes: Sequence[tuple[Stroke, Place]], options: NotationOptions) -> tuple[Bar, ...]:
    """Put strokes into bars and spell each voice."""
    index = {beat: k for k, span in enumerate(spans) for beat in range(span.first, span.first + span.beats)}
    notes: list[dict[Fraction, list[Note]]] = [defaultdict(list) for _ in spans]
    for stroke, place in strokes:
        bar = index[place.beat]
        onset = (place.beat - spans[bar].first + place.share) * pulse.unit
        _add(notes[bar][onset], _note(stroke, onset, options.voices))
    flat = [[n for onset in sorted(bar) for n in sorted(bar[onset], key=lambda n: n.drum)] for bar in notes]
    number = 0 if spans[0].beats < spans[0].full else 1
    return _filled([_empty(span, pulse.unit, number + k) for k, span in enumerate(spans)], flat, pulse.unit, options)


def _filled(empty: Sequence[Bar], notes: list[list[Note]], unit: Fraction, options: NotationOptions) -> tuple[Bar, ...]:
    """Bars with their notes spelled and marked; the notes of each are sorted by (onset, drum)."""
    on_beat = [[(n.onset / unit).denominator == 1 for n in bar] for bar in notes]
    marked = mark_dynamics(notes, on_beat, ghosts=options.ghost_notes, accents=options.accents)
    bars = tuple(_bar(bar, unit, written, options.voices) for bar, written in zip(empty, marked, strict=True))
    if options.sections:
        bars = with_sections(bars)
    if options.similes:
        bars = with_similes(bars)
    return bars


def _note(stroke: Stroke, onset: Fraction, voices: int) -> Note:
    hit = stroke.hit
    voice = KIT[hit.drum].voice if voices == 2 else HANDS
    return Note(
        onset,
        Fraction(0),
        hit.drum,
        hit.velocity,
        voice,
        hit.confidence,
        grace=stroke.grace,
        tremolo=stroke.tremolo,
        time=hit.time,
    )


def _add(chord: list[Note], note: Note) -> None:
    """Add a note to those on its slot, or fold it into one that leaves no room for it."""
    for k, other in enumerate(chord):
        merged = merge(other, note)
        if merged is not None:
            chord[k] = merged
            return
    chord.append(note)


def _empty(span: Span, unit: Fraction, number: int) -> Bar:
    signature = span.signature(unit)
    quarters = span.beats * unit
    return Bar(number, signature, length=None if quarters == signature.length else quarters)


def _bar(bar: Bar, unit: Fraction, notes: Sequence[Note], voices: int) -> Bar:
    if not notes:
        return replace(bar, voices=((whole_bar_rest(bar.quarters),),))
    groups = beat_groups(bar.time_signature, unit, bar.quarters)
    spelled = [_voice([n for n in notes if n.voice == v], groups, bar.time_signature) for v in range(1, voices + 1)]
    written = sorted((n for events in spelled for e in events for n in e.notes), key=lambda n: (n.onset, n.drum))
    return replace(bar, notes=tuple(written), voices=tuple(spelled))


def _voice(notes: Sequence[Note], groups: tuple[Group, ...], signature: TimeSignature) -> tuple[Event, ...]:
    """Spell one voice and put its notes into the events; a silent voice is a hidden rest."""
    if not notes:
        return (whole_bar_rest(groups[-1].start + groups[-1].length, hidden=True),)
    chords: dict[Fraction, list[Note]] = defaultdict(list)
    for note in notes:
        chords[note.onset].append(note)
    events = spell(sorted(chords), groups, signature)
    return tuple(
        replace(e, notes=tuple(replace(n, duration=e.duration) for n in chords[e.onset])) if e.onset in chords else e
        for e in events
    )


def _seconds(span: Span, pulse: Pulse) -> float:
    return float(pulse.times[span.first + span.beats] - pulse.times[span.first])


def _tempo_map(spans: list[Span], pulse: Pulse) -> TempoMap:
    """One anchor for each beat, the final bar line included."""
    first, end = spans[0].first, spans[-1].first + spans[-1].beats
    return TempoMap(tuple(Anchor((i - first) * pulse.unit, float(pulse.times[i])) for i in range(first, end + 1)))
