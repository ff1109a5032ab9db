"""What must hold of a score whatever was heard."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.notation import notate
from drumscribe.options import NotationOptions
from drumscribe.types import Beat, BeatGrid, Drum, Event, Hit, Performance, Score

VALUES = {
    "whole": 4,
    "half": 2,
    "quarter": 1,
    "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4),
    "32nd": Fraction(1, 8),
    "64th": Fraction(1, 16),
}


@st.composite
def grids(draw: st.DrawFn) -> BeatGrid:
    """Beats that increase and are otherwise at will: numbers too."""
    steps = draw(st.lists(st.floats(0.02, 2.0), max_size=24))
    start = draw(st.floats(-1.0, 5.0))
    times = [start + sum(steps[: k + 1]) for k in range(len(steps))]
    if draw(st.booleans()):
        length, shift = draw(st.integers(1, 13)), draw(st.integers(0, 12))
        numbers = [(k + shift) % length + 1 for k in range(len(times))]
    else:
        numbers = [draw(st.integers(1, 20)) for _ in times]
    unit = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(1, 2)]))
    return BeatGrid(tuple(Beat(t, n) for t, n in zip(times, numbers, strict=True)), unit)


@st.composite
def performances(draw: st.DrawFn) -> Performance:
    hits = draw(
        st.lists(st.builds(Hit, st.floats(0, 30), st.sampled_from(Drum), st.integers(1, 127), st.floats(0, 1)), max_size=40)
    )
    return Performance(tuple(sorted(hits, key=lambda h: (h.time, h.drum))), draw(grids()), 30.0)


options = st.builds(
    NotationOptions, voices=st.sampled_from([1, 2]), similes=st.booleans(), sections=st.booleans(), swing=st.booleans()
)


def assert_fills(events: tuple[Event, ...], length: Fraction) -> None:
    position = Fraction(0)
    for event in events:
        assert event.onset == position
        assert event.duration > 0
        if not event.whole_bar:
            written = VALUES[event.value] * (Fraction(3, 2) if event.dots else 1)
            scale = Fraction(event.tuplet.normal, event.tuplet.actual) if event.tuplet else 1
            assert event.duration == written * scale
        position += event.duration
    assert position == length


def assert_closed(events: tuple[Event, ...]) -> None:
    """Tuplets and beams that begin also end, in order, and rests carry no beams."""
    tuplet = False
    beams: dict[int, bool] = {}
    for event in events:
        assert (event.tuplet_edge == "start") <= (not tuplet)
        tuplet = tuplet or event.tuplet_edge == "start"
        assert tuplet == (event.tuplet is not None)
        tuplet = tuplet and event.tuplet_edge != "stop"
        assert event.notes or not event.beams
        for level, mark in enumerate(event.beams, 1):
            if mark == "begin":
                assert not beams.get(level)
                beams[level] = True
            elif mark in ("continue", "end"):
                assert beams.get(level)
                beams[level] = mark == "continue"
    assert not tuplet
    assert not any(beams.values())


def check(score: Score, performance: Performance, settings: NotationOptions) -> None:
    for bar in score.bars:
        assert 0 < bar.quarters <= bar.time_signature.length
        assert 1 <= len(bar.voices) <= settings.voices
        for number, events in enumerate(bar.voices, 1):
            assert_fills(events, bar.quarters)
            assert_closed(events)
            assert all(n.voice == number and n.onset == e.onset and n.duration == e.duration for e in events for n in e.notes)
        assert sorted((n for events in bar.voices for e in events for n in e.notes), key=lambda n: (n.onset, n.drum)) == list(
            bar.notes
        )
        assert all(n.drum is not Drum.OTHER for n in bar.notes)
        places = [(n.onset, n.drum) for n in bar.notes]
        assert len(set(places)) == len(places)
    if score.bars:
        assert score.bars[0].notes
        assert score.bars[-1].notes
    heard = {(h.time, h.drum) for h in performance.hits}
    assert all((n.time, n.drum) in heard for bar in score.bars for n in bar.notes)
    assert bool(score.bars) == any(h.drum is not Drum.OTHER for h in performance.hits)


@settings(max_examples=150, deadline=None)
@given(performances(), options)
def test_bars_add_up_for_any_hits_and_beats(performance: Performance, settings: NotationOptions) -> None:
    check(notate(performance, options=settings), performance, settings)


@settings(max_examples=50, deadline=None)
@given(performances(), options)
def test_the_same_performance_gives_the_same_score(performance: Performance, settings: NotationOptions) -> None:
    assert notate(performance, options=settings) == notate(performance, options=settings)


@settings(max_examples=50, deadline=None)
@given(performances())
def test_the_tempo_map_rises_from_the_first_bar_line_to_the_last(performance: Performance) -> None:
    score = notate(performance, options=NotationOptions())
    anchors = score.tempo_map.anchors
    assert all(a.position < b.position and a.time < b.time for a, b in pairwise(anchors))
    if score.bars:
        assert anchors[0].position == 0
        assert anchors[-1].position == sum(bar.quarters for bar in score.bars)


@settings(max_examples=50, deadline=None)
@given(performances())
def test_similes_stand_only_for_bars_that_are_drawn_alike(performance: Performance) -> None:
    bars = notate(performance, options=NotationOptions(similes=True)).bars
    for i, bar in enumerate(bars):
        if bar.simile:
            drawn, source = (
                [(n.onset, n.drum, n.ghost, n.accent, n.grace, n.tremolo) for n in b.notes] for b in (bar, bars[i - bar.simile])
            )
            assert drawn == source
            assert bar.time_signature == bars[i - bar.simile].time_signature
            assert bar.simile_count >= 2
            assert not bar.section
