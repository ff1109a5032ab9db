"""Corrections: what a person says is written exactly so, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from performances import performances

from drumscribe.errors import EditError
from drumscribe.export.documents import read_performance_json, write_performance_json
from drumscribe.notation import correct, notate
from drumscribe.notation.corrections import GRACED, PARTS, RIVALS, Add, Change, Confirm, Delete
from drumscribe.options import NotationOptions
from drumscribe.types import Bar, Drum, Note, Performance, Score

OPTIONS = st.builds(
    NotationOptions, voices=st.sampled_from([1, 2]), similes=st.booleans(), sections=st.booleans(), swing=st.booleans()
)
DRUMS = [drum for drum in Drum if drum is not Drum.OTHER]


def plain(bar: Bar) -> list[tuple[object, ...]]:
    """The notes of a bar without what is judged against the whole song."""
    return [(n.onset, n.drum, n.velocity, n.confidence, n.grace, n.tremolo, n.time, n.voice) for n in bar.notes]


def at(score: Score, bar: int, onset: Fraction) -> dict[Drum, Note]:
    return {n.drum: n for n in score.bars[bar].notes if n.onset == onset}


@st.composite
def scores(draw: st.DrawFn) -> tuple[Performance, Score, NotationOptions]:
    """A performance with at least one bar, no two hits of which have the same name."""
    performance = draw(performances())
    seen: dict[tuple[float, Drum], object] = {}
    for hit in performance.hits:
        seen.setdefault((round(hit.time, 3), hit.drum), replace(hit, time=round(hit.time, 3), confidence=0.5))
    performance = replace(performance, hits=tuple(sorted(seen.values(), key=lambda h: (h.time, h.drum))))  # type: ignore[attr-defined]
    options = draw(OPTIONS)
    score = notate(performance, options=options)
    assume(score.bars)
    return performance, score, options


@st.composite
def places(draw: st.DrawFn, score: Score) -> tuple[int, Fraction]:
    bar = draw(st.integers(0, len(score.bars) - 1))
    parts = draw(st.sampled_from(PARTS))
    return bar, Fraction(draw(st.integers(0, int(score.bars[bar].quarters * parts) - 1)), parts)


@settings(deadline=None)
@given(scores())
def test_correcting_nothing_changes_nothing(made: tuple[Performance, Score, NotationOptions]) -> None:
    performance, score, options = made
    corrected = correct(performance, score, [])
    assert corrected.hits == performance.hits
    assert notate(corrected, options=options) == score
    assert read_performance_json(write_performance_json(corrected)) == corrected


@settings(deadline=None)
@given(scores(), st.data())
def test_what_is_added_is_written_where_it_was_said(
    made: tuple[Performance, Score, NotationOptions], data: st.DataObject
) -> None:
    performance, score, options = made
    bar, onset = data.draw(places(score))
    drum = data.draw(st.sampled_from(DRUMS))
    flam = drum in GRACED and data.draw(st.booleans())
    assume(score.tempo_map.time_at(score.starts[bar] + onset) > 0.1)
    corrected = correct(performance, score, [Add(bar, onset, drum, 90, flam)])
    after = notate(corrected, options=options)
    note = at(after, bar, onset)[drum]
    assert (note.velocity, note.confidence, note.grace, note.tremolo) == (90, 1.0, int(flam), 0)
    assert note.time == pytest.approx(score.tempo_map.time_at(score.starts[bar] + onset), abs=0.3)
    assert len(after.bars) == len(score.bars)
    for k, (old, new) in enumerate(zip(score.bars, after.bars, strict=True)):
        if k != bar:
            assert plain(old) == plain(new)
    others = [n for n in plain(score.bars[bar]) if (n[0], n[1]) not in {(onset, drum), (onset, RIVALS.get(drum))}]
    assert [n for n in plain(after.bars[bar]) if (n[0], n[1]) != (onset, drum)] == others
    assert len(corrected.hits) >= len(performance.hits) - 60

    # and it goes away again without a trace, if nothing was in its place
    if not {drum, RIVALS.get(drum)} & set(at(score, bar, onset)):
        assert note.time is not None
        undone = correct(corrected, after, [Delete(note.time, drum)])
        assert undone.hits == performance.hits
        assert notate(undone, options=options) == score


@settings(deadline=None)
@given(scores(), st.data())
def test_what_is_moved_is_written_where_it_was_put(made: tuple[Performance, Score, NotationOptions], data: st.DataObject) -> None:
    performance, score, options = made
    old_bar = data.draw(st.sampled_from([k for k, bar in enumerate(score.bars) if bar.notes]))
    note = data.draw(st.sampled_from(score.bars[old_bar].notes))
    bar, onset = data.draw(places(score))
    drum = data.draw(st.sampled_from(DRUMS))
    assume(score.tempo_map.time_at(score.starts[bar] + onset) > 0.1)
    assert note.time is not None
    corrected = correct(performance, score, [Change(note.time, note.drum, to_drum=drum, velocity=77, bar=bar, onset=onset)])
    after = notate(corrected, options=options)
    found = at(after, bar, onset)[drum]
    graced = drum in GRACED
    assert (found.velocity, found.confidence) == (77, 1.0)
    assert (found.grace, found.tremolo) == (note.grace * graced, note.tremolo * graced)
    gone = {(old_bar, note.onset, note.drum), (bar, onset, drum), (bar, onset, RIVALS.get(drum))}
    for k, (old, new) in enumerate(zip(score.bars, after.bars, strict=True)):
        kept = [n for n in plain(old) if (k, n[0], n[1]) not in gone]
        assert [n for n in plain(new) if (k, n[0], n[1]) != (bar, onset, drum)] == kept


@settings(deadline=None)
@given(scores(), st.data())
def test_a_confirmation_changes_confidence_only(made: tuple[Performance, Score, NotationOptions], data: st.DataObject) -> None:
    performance, score, options = made
    note = data.draw(st.sampled_from([n for bar in score.bars for n in bar.notes]))
    assert note.time is not None
    corrected = correct(performance, score, [Confirm(note.time, note.drum)])
    assert [replace(h, confidence=0.5) for h in corrected.hits] == list(performance.hits)
    after = notate(corrected, options=options)
    for old, new in zip(score.bars, after.bars, strict=True):
        assert [replace(n, confidence=0.5) for n in new.notes] == list(old.notes)
    assert [n.confidence for bar in after.bars for n in bar.notes if (n.time, n.drum) == (note.time, note.drum)] == [1.0]


@settings(deadline=None)
@given(scores())
def test_everything_can_be_deleted_and_written_anew(made: tuple[Performance, Score, NotationOptions]) -> None:
    performance, score, options = made
    edits = [Delete(n.time or 0.0, n.drum) for bar in score.bars for n in bar.notes]
    cleared = correct(performance, score, edits)
    assert cleared.hits == ()  # also what was folded into notes is gone
    empty = notate(cleared, options=options)
    assert [len(bar.notes) for bar in empty.bars] == [0] * len(score.bars)
    last = len(score.bars) - 1
    anew = notate(correct(cleared, empty, [Add(last, Fraction(1, 3), Drum.SNARE, 64)]), options=options)
    assert list(at(anew, last, Fraction(1, 3))) == [Drum.SNARE]


def test_no_hits_are_legal_and_hold_nothing_to_correct() -> None:
    empty = Performance((), notate_grid(), 10.0)
    score = notate(empty, options=NotationOptions())
    assert correct(empty, score, []).hits == ()
    with pytest.raises(EditError, match="no bar 0") as refused:
        correct(empty, score, [Add(0, Fraction(0), Drum.KICK, 90)])
    assert refused.value.facts == {"index": 0}


def notate_grid() -> object:
    from drumscribe.types import BeatGrid

    return BeatGrid()
