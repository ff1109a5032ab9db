"""Bars that are counted otherwise: the recording stays, and so does all that is written outside of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from performances import performances

from drumscribe.errors import EditError
from drumscribe.export.documents import read_performance_json, write_performance_json
from drumscribe.notation import correct, notate
from drumscribe.notation.corrections import PARTS, Add, AddBars, CutBars, Delete, Divide
from drumscribe.options import NotationOptions, PdfOptions
from drumscribe.outputs import OUTPUTS, Song
from drumscribe.types import Bar, Beat, BeatGrid, Drum, Hit, Performance, Score, TimeSignature

#: Ghosts, accents, letters and similes are judged against the whole song, so they may change anywhere.
PLAIN = NotationOptions(sections=False, similes=False, ghost_notes=False, accents=False)


def metre(beats: int, unit: Fraction) -> TimeSignature:
    return TimeSignature(beats, 4) if unit == 1 else TimeSignature(int(beats * unit * 2), 8)


def named(performance: Performance) -> tuple[Performance, Score]:
    """With no two hits of one name, and at least one bar."""
    rounded = {(round(hit.time, 3), hit.drum): replace(hit, time=round(hit.time, 3)) for hit in performance.hits}
    performance = replace(performance, hits=tuple(rounded[name] for name in sorted(rounded)))
    score = notate(performance, options=PLAIN)
    assume(score.bars)
    return performance, score


def with_room(performance: Performance) -> Performance:
    """The same in the middle of a longer recording."""
    later = 60.0
    shifted = [replace(hit, time=hit.time + later) for hit in performance.hits]
    hits = tuple(sorted(shifted, key=lambda h: (h.time, h.drum)))  # the smallest differences are rounded away
    beats = tuple(replace(beat, time=beat.time + later) for beat in performance.grid.beats)
    return replace(performance, hits=hits, grid=replace(performance.grid, beats=beats), duration=performance.duration + 2 * later)


SCORES = performances().map(named)
ROOMY = performances().map(with_room).map(named)


def written(bar: Bar) -> list[tuple[object, ...]]:
    return [(n.onset, n.drum, n.velocity, n.grace, n.tremolo, n.time) for n in bar.notes]


def lines(score: Score) -> list[float]:
    """When every bar line sounds, the last included."""
    ends = score.starts[-1] + score.bars[-1].quarters
    return [score.tempo_map.time_at(position) for position in (*score.starts, ends)]


def check(performance: Performance, score: Score) -> None:
    """What every score with changed bars keeps."""
    first = 0 if score.bars[0].length is not None else 1
    assert [bar.number for bar in score.bars] == list(range(first, first + len(score.bars)))
    assert all(bar.length is None for bar in score.bars[1:])
    assert all(a < b for a, b in pairwise(lines(score)))
    assert all(a.position < b.position and a.time < b.time for a, b in pairwise(score.tempo_map.anchors))
    assert score.tempo_marks[0].bar == 0
    assert all(a.bar < b.bar < len(score.bars) for a, b in pairwise(score.tempo_marks))
    names = {(hit.time, hit.drum) for hit in performance.hits}
    for bar in score.bars:
        assert all((note.time, note.drum) in names for note in bar.notes)
        assert all(note.onset.denominator in PARTS for note in bar.notes)
    assert read_performance_json(write_performance_json(performance)) == performance
    assert correct(performance, score, []) == performance  # and it can be corrected on


def done(performance: Performance, score: Score, edit: Divide | AddBars | CutBars) -> tuple[Performance, Score]:
    corrected = correct(performance, score, [edit])
    after = notate(corrected, options=PLAIN)
    check(corrected, after)
    return corrected, after


@settings(deadline=None)
@given(SCORES, st.data())
def test_a_stretch_that_is_divided_anew_leaves_all_else_where_it_is(made: tuple[Performance, Score], data: st.DataObject) -> None:
    performance, score = made
    first = data.draw(st.integers(0, len(score.bars) - 1))
    last = data.draw(st.integers(first, min(len(score.bars) - 1, first + 3)))
    into = tuple(metre(n, performance.grid.unit) for n in data.draw(st.lists(st.integers(2, 7), min_size=1, max_size=8)))
    old = lines(score)
    beats = sum(m.length for m in into) / performance.grid.unit
    assume(16 < 60 * beats / (old[last + 1] - old[first]) < 490)
    corrected, after = done(performance, score, Divide(first, last, into))

    assert corrected.hits == correct(performance, score, []).hits
    assert tuple(bar.time_signature for bar in after.bars[first : first + len(into)]) == into
    assert [written(b) for b in after.bars[:first]] == [written(b) for b in score.bars[:first]]
    assert [written(b) for b in after.bars[first + len(into) :]] == [written(b) for b in score.bars[last + 1 :]]
    new = lines(after)
    assert new[: first + 1] == pytest.approx(old[: first + 1])
    assert new[first + len(into) :] == pytest.approx(old[last + 1 :])
    stretch = after.bars[first : first + len(into)]
    inside = {(n.time, n.drum) for bar in score.bars[first : last + 1] for n in bar.notes}
    assert {(n.time, n.drum) for bar in stretch for n in bar.notes} <= inside
    # each goes on a place that sounds as early or late as it did before, but for the nearest that can be written
    places = {(n.time, n.drum): (k, n.onset) for k, bar in enumerate(score.bars) for n in bar.notes}
    scale = sum(m.length for m in into) / sum(b.quarters for b in score.bars[first : last + 1])
    for k, bar in enumerate(stretch, first):
        for note in bar.notes:
            assert note.time is not None
            was_bar, was_onset = places[note.time, note.drum]
            was = score.starts[was_bar] + was_onset - score.starts[first]
            now = after.starts[k] + note.onset - after.starts[first]
            if score.swing is None:
                assert abs(now - was * scale) <= (Fraction(1, 8) if (was * scale).denominator not in PARTS else 0)


@settings(deadline=None)
@given(SCORES, st.data())
def test_twice_as_many_bars_and_back_is_where_one_began(made: tuple[Performance, Score], data: st.DataObject) -> None:
    performance, score = made
    assume(score.swing is None)
    first = data.draw(st.integers(0, len(score.bars) - 1))
    last = data.draw(st.integers(first, len(score.bars) - 1))
    assume(score.bars[0].length is None or first > 0)
    old = [bar.time_signature for bar in score.bars[first : last + 1]]
    assume(60 * 2 * sum(m.length for m in old) / performance.grid.unit / (lines(score)[last + 1] - lines(score)[first]) < 490)
    twice, between = done(performance, score, Divide(first, last, tuple(m for one in old for m in (one, one))))
    assert len(between.bars) == len(score.bars) + len(old)
    back, after = done(twice, between, Divide(first, first + 2 * len(old) - 1, tuple(old)))
    assert [written(bar) for bar in after.bars] == [written(bar) for bar in score.bars]
    assert lines(after) == pytest.approx(lines(score))
    assert back.hits == correct(performance, score, []).hits
    assert len(back.grid.beats) == len(performance.grid.beats)
    assert all(a.time < b.time for a, b in pairwise(back.grid.beats))


@settings(deadline=None)
@given(ROOMY, st.booleans(), st.integers(1, 3))
def test_bars_at_an_end_are_empty_lie_in_the_recording_and_can_be_cut_off_again(
    made: tuple[Performance, Score], end: bool, count: int
) -> None:
    performance, score = made
    corrected, after = done(performance, score, AddBars(end, count))
    pick_up = not end and score.bars[0].length is not None
    fresh = count - pick_up
    assert len(after.bars) == len(score.bars) + fresh
    assert corrected.hits == performance.hits
    bars = after.bars[:-count] if end else after.bars[fresh:]
    assert [written(b) for b in bars[pick_up:]] == [written(b) for b in score.bars[pick_up:]]
    if pick_up:  # the first of the new bars is the one that the pick-up ends
        missing = bars[0].time_signature.length - score.bars[0].quarters
        assert [(n.onset - missing, n.drum, n.time) for n in bars[0].notes] == [
            (n.onset, n.drum, n.time) for n in score.bars[0].notes
        ]
    old, new = lines(score), lines(after)
    assert (new[: len(old)] if end else new[-len(old) + pick_up :]) == pytest.approx(old[pick_up:])
    if end:
        assert new[-2] < performance.duration
        assert not any(bar.notes for bar in after.bars[-count:])
    else:
        beat = after.tempo_map.time_at(performance.grid.unit) - new[0]
        assert new[0] + beat >= -1e-9
    if not pick_up:
        _, back = done(corrected, after, CutBars(end, count))
        assert [written(bar) for bar in back.bars] == [written(bar) for bar in score.bars]
        assert lines(back) == pytest.approx(old)


@settings(deadline=None)
@given(SCORES, st.booleans(), st.data())
def test_bars_that_are_cut_off_take_their_strokes_along_and_nothing_else(
    made: tuple[Performance, Score], end: bool, data: st.DataObject
) -> None:
    performance, score = made
    assume(len(score.bars) > 1)
    count = data.draw(st.integers(1, len(score.bars) - 1))
    corrected, after = done(performance, score, CutBars(end, count))
    kept = slice(0, -count) if end else slice(count, None)
    assert [written(bar) for bar in after.bars] == [written(bar) for bar in score.bars[kept]]
    gone = {(n.time, n.drum) for bar in score.bars[-count:] + score.bars[:0] if end for n in bar.notes}
    gone |= {(n.time, n.drum) for bar in score.bars[:count] if not end for n in bar.notes}
    assert not gone & {(hit.time, hit.drum) for hit in corrected.hits}
    assert set(corrected.hits) <= set(performance.hits)
    old = lines(score)
    assert lines(after) == pytest.approx(old[: len(old) - count] if end else old[count:])


def steady(bars: int = 8, *, start: float = 4.3, beats_from: float = 0.3, seconds: float = 40.0) -> tuple[Performance, Score]:
    """Eighths on the hat over bass drum and snare at 120 bpm; beats are also heard where no drums are."""
    beats = tuple(Beat(beats_from + k * 0.5, k % 4 + 1) for k in range(int((seconds - beats_from) / 0.5)))
    hits = [Hit(round(start + k * 0.25, 4), Drum.HIHAT_CLOSED, 80) for k in range(8 * bars)]
    hits += [Hit(round(start + k * 0.5, 4), Drum.SNARE if k % 2 else Drum.KICK, 100) for k in range(4 * bars)]
    performance = Performance(tuple(sorted(hits, key=lambda h: (h.time, h.drum))), BeatGrid(beats), seconds)
    return performance, notate(performance, options=PLAIN)


def test_leading_bars_follow_the_beats_that_were_heard_before_the_drums() -> None:
    performance, score = steady()
    assert len(score.bars) == 8
    corrected, after = done(performance, score, AddBars(end=False, count=2))
    assert lines(after)[:3] == pytest.approx([0.3, 2.3, 4.3])
    assert next(b for b in corrected.grid.beats if b.number == 1).time == pytest.approx(0.3)
    with pytest.raises(EditError, match="room for 2 bars before the first bar"):
        correct(performance, score, [AddBars(end=False, count=3)])
    with pytest.raises(EditError, match="room for 10 bars after the last bar"):
        correct(performance, score, [AddBars(end=True, count=11)])


def test_a_bar_that_was_swallowed_gets_its_own_beats_back() -> None:
    performance, score = steady()
    four = TimeSignature(4, 4)
    corrected, after = done(performance, score, Divide(2, 2, (four, four)))
    assert [n.onset for n in after.bars[2].notes if n.drum is Drum.HIHAT_CLOSED] == [0, 1, 2, 3]
    assert [b.number for b in corrected.grid.beats][8 + 8 : 8 + 8 + 12] == [1, 2, 3, 4] * 3
    assert [b.time for b in corrected.grid.beats][16:24] == pytest.approx([8.3 + k * 0.25 for k in range(8)])
    both = correct(performance, score, [Add(3, Fraction(1, 3), Drum.CRASH, 90), Divide(2, 2, (four, four))])
    assert Drum.CRASH in {n.drum for n in notate(both, options=PLAIN).bars[4].notes if n.onset == Fraction(1, 3)}


def test_other_metres_of_the_same_length_move_no_note() -> None:
    performance, score = steady()
    into = (TimeSignature(3, 4), TimeSignature(5, 4))
    corrected, after = done(performance, score, Divide(4, 5, into))
    at = {(n.time, n.drum): score.starts[k] + n.onset for k, bar in enumerate(score.bars) for n in bar.notes}
    assert {(n.time, n.drum): after.starts[k] + n.onset for k, bar in enumerate(after.bars) for n in bar.notes} == at
    assert [b.number for b in corrected.grid.beats][24:33] == [1, 2, 3, 1, 2, 3, 4, 5, 1]
    song = Song(corrected, after, PdfOptions(), lambda: None)
    assert b"<beats>5</beats>" in next(iter(OUTPUTS["musicxml"](song).files.values()))
    for form in ("midi", "score-midi", "jams", "beats", "tab"):
        assert OUTPUTS[form](song).files


def test_of_strokes_that_meet_the_louder_is_written_and_the_other_comes_along() -> None:
    performance, score = steady()
    snares = [Add(0, Fraction(k, 8), Drum.SNARE, 60 + 10 * k) for k in (1, 2)]
    crowded = correct(performance, score, snares)
    before = notate(crowded, options=PLAIN)
    four = TimeSignature(4, 4)
    joined, after = done(crowded, before, Divide(0, 1, (four,)))
    quarter, _ = done(joined, after, Divide(0, 1, (four,)))  # 64ths by now
    assert joined.hits == crowded.hits
    assert quarter.hits == crowded.hits
    emptied = correct(
        quarter,
        notate(quarter, options=PLAIN),
        [Delete(n.time or 0.0, n.drum) for b in notate(quarter, options=PLAIN).bars for n in b.notes],
    )
    assert emptied.hits == ()


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([Divide(2, 1, (TimeSignature(4, 4),))], "no bars 2 to 1"),
        ([Divide(0, 99, (TimeSignature(4, 4),))], "no bars 0 to 99"),
        ([Divide(0, 0, ())], "at least one bar"),
        ([Divide(0, 0, (TimeSignature(6, 8),))], "counts in quarter notes"),
        ([Divide(0, 0, (TimeSignature(4, 4),) * 5)], "600 beats a minute"),
        ([Divide(0, 0, (TimeSignature(16, 4),))], "1 to 15 beats"),
        ([AddBars(end=True, count=0)], "are none"),
        ([CutBars(end=True, count=8)], "one must stay"),
        ([CutBars(end=False), Add(0, Fraction(0), Drum.KICK, 90)], "changed last"),
        ([CutBars(end=False), CutBars(end=False)], "changed last"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(edits: list[Divide | AddBars | CutBars | Add], message: str) -> None:
    performance, score = steady()
    with pytest.raises(EditError, match=message) as caught:
        correct(performance, score, edits)
    assert caught.value.facts["index"] == len(edits) - 1


def test_a_score_without_bars_has_none_to_change() -> None:
    empty = Performance((), BeatGrid(), 3.0)
    for edit in (AddBars(end=True), CutBars(end=True), Divide(0, 0, (TimeSignature(4, 4),))):
        with pytest.raises(EditError):
            correct(empty, notate(empty, options=PLAIN), [edit])
