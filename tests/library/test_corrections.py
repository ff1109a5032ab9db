"""Corrections: what a person says is written exactly so, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from time import perf_counter
from typing import Any, NoReturn

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import etree
from performances import performances

from drumscribe.errors import EditError
from drumscribe.export import write_musicxml
from drumscribe.export.documents import read_performance_json, read_score_json, write_performance_json, write_score_json
from drumscribe.notation import correct, notate
from drumscribe.notation.corrections import GRACED, PARTS, RIVALS, Add, Change, Confirm, Delete, Edit
from drumscribe.options import NotationOptions, PdfOptions
from drumscribe.outputs import OUTPUTS, Song
from drumscribe.types import Bar, Beat, BeatGrid, Drum, Hit, Note, Performance, Score

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
    rounded = [replace(hit, time=round(hit.time, 3), confidence=0.5) for hit in performance.hits]
    named = {(hit.time, hit.drum): hit for hit in rounded}
    performance = replace(performance, hits=tuple(named[name] for name in sorted(named)))
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


@settings(deadline=None)
@given(scores(), st.data())
def test_strokes_can_change_places_all_at_once(made: tuple[Performance, Score, NotationOptions], data: st.DataObject) -> None:
    performance, score, options = made
    drum = data.draw(st.sampled_from(sorted({n.drum for bar in score.bars for n in bar.notes})))
    lane = [(k, n) for k, bar in enumerate(score.bars) for n in bar.notes if n.drum is drum]
    goals = data.draw(st.permutations(lane))
    assume(all(score.tempo_map.time_at(score.starts[k] + n.onset) > 0.1 for k, n in lane))
    edits = [
        Change(n.time or 0.0, drum, velocity=i + 1, bar=k, onset=goal.onset)
        for i, ((_, n), (k, goal)) in enumerate(zip(lane, goals, strict=True))
    ]
    after = notate(correct(performance, score, edits), options=options)
    found = {(k, n.onset): n.velocity for k, bar in enumerate(after.bars) for n in bar.notes if n.drum is drum}
    assert found == {(k, goal.onset): i + 1 for i, (k, goal) in enumerate(goals)}


def song(*, period: float = 0.5, bars: int = 8, swung: bool = False) -> tuple[Performance, Score]:
    """A plain groove: hats on the eighths, a backbeat with a flam in bar 2, a kick."""
    beats = tuple(Beat(1.0 + i * period, i % 4 + 1) for i in range(bars * 4 + 1))
    off = 2 / 3 if swung else 0.5
    hits = [Hit(1.0 + (i + share) * period, Drum.HIHAT_CLOSED, 80, 0.9) for i in range(bars * 4) for share in (0, off)]
    hits += [Hit(1.0 + i * period, Drum.SNARE if i % 2 else Drum.KICK, 100, 0.9) for i in range(bars * 4)]
    hits.append(Hit(1.0 + 9 * period - 0.03, Drum.SNARE, 50, 0.6))
    performance = Performance(tuple(sorted(hits, key=lambda h: (h.time, h.drum))), BeatGrid(beats), 1.0 + bars * 4 * period)
    return performance, notate(performance, options=NotationOptions())


def snare(score: Score, bar: int, onset: int | Fraction) -> Note:
    return at(score, bar, Fraction(onset))[Drum.SNARE]


def test_a_flam_goes_with_its_stroke() -> None:
    performance, score = song()
    flam = snare(score, 2, 1)
    assert (flam.grace, flam.time) == (1, 5.5)
    assert flam.time is not None
    gone = correct(performance, score, [Delete(flam.time, Drum.SNARE)])
    assert [h for h in gone.hits if h.drum is Drum.SNARE and 5.3 < h.time < 5.7] == []
    moved = correct(performance, score, [Change(flam.time, Drum.SNARE, bar=2, onset=Fraction(2))])
    assert [round(h.time, 6) for h in moved.hits if h.drum is Drum.SNARE and 5.3 < h.time < 6.2] == [5.97, 6.0]
    assert snare(notate(moved, options=NotationOptions()), 2, 2).grace == 1
    plain_stroke = correct(performance, score, [Change(flam.time, Drum.SNARE, flam=False)])
    assert [h.time for h in plain_stroke.hits if h.drum is Drum.SNARE and 5.3 < h.time < 5.7] == [5.5]
    kick = correct(performance, score, [Change(flam.time, Drum.SNARE, to_drum=Drum.KICK)])
    assert [(h.time, h.drum) for h in kick.hits if 5.45 < h.time < 5.55 and h.drum is not Drum.HIHAT_CLOSED] == [(5.5, Drum.KICK)]


@pytest.mark.parametrize("period", [0.25, 0.4, 0.5, 1.2])
def test_a_flam_that_was_told_is_one_whoever_reads_the_hits(period: float) -> None:
    performance, score = song(period=period)
    told = correct(performance, score, [Add(4, Fraction(5, 2), Drum.TOM_LOW, 90, flam=True)])
    heard_anew = notate(replace(told, layout=None, told=()), options=NotationOptions())
    assert at(heard_anew, 4, Fraction(5, 2))[Drum.TOM_LOW].grace == 1


def test_a_rival_on_the_same_place_gives_way() -> None:
    performance, score = song()
    opened = notate(correct(performance, score, [Add(3, Fraction(1), Drum.HIHAT_OPEN, 90)]), options=NotationOptions())
    assert set(at(opened, 3, Fraction(1))) == {Drum.HIHAT_OPEN, Drum.SNARE}


def test_in_a_swung_song_an_off_beat_sounds_late_and_a_sixteenth_does_not() -> None:
    performance, score = song(swung=True)
    assert score.swing == Fraction(1, 2)
    edits = [Add(3, Fraction(5, 2), Drum.KICK, 90), Add(4, Fraction(9, 4), Drum.KICK, 90), Add(4, Fraction(5, 2), Drum.KICK, 90)]
    corrected = correct(performance, score, edits)
    after = notate(corrected, options=NotationOptions())
    start = 1.0 + 3 * 4 * 0.5
    assert at(after, 3, Fraction(5, 2))[Drum.KICK].time == pytest.approx(start + (2 + 2 / 3) * 0.5, abs=0.01)
    assert at(after, 4, Fraction(5, 2))[Drum.KICK].time == pytest.approx(start + (4 + 2.5) * 0.5, abs=0.01)
    written = notate(corrected, options=NotationOptions(swing=False))
    assert written.swing is None
    assert Drum.KICK in at(written, 3, Fraction(8, 3))  # beats of eighths alone are written as triplets
    assert Drum.KICK in at(written, 4, Fraction(5, 2))


@pytest.mark.parametrize("factor", [Fraction(1, 2), Fraction(2)])
def test_a_place_that_was_told_outlives_another_pulse(factor: Fraction) -> None:
    """The same music counted in half or twice as many beats: what was a triplet, a 16th or a 32nd is one of its kind still."""
    performance, score = song()
    onsets = [Fraction(1, 8), Fraction(7, 12), Fraction(5, 6), Fraction(5, 4), Fraction(19, 8), Fraction(8, 3)]
    told = correct(performance, score, [Add(k, onset, Drum.TOM_HIGH, 90) for k, onset in enumerate(onsets)])
    beats = tuple(Beat(1.0 + i * 0.5 / float(factor), i % 4 + 1) for i in range(int(32 * factor) + 1))
    anew = notate(replace(told, layout=None, grid=BeatGrid(beats)), options=NotationOptions())
    found = [
        start + n.onset for start, bar in zip(anew.starts, anew.bars, strict=True) for n in bar.notes if n.drum is Drum.TOM_HIGH
    ]
    wanted = [(4 * k + onset) * factor for k, onset in enumerate(onsets)]
    writable = [place for place in wanted if place.denominator in (1, 2, 4, 8, 3, 6, 12)]
    assert set(writable) <= set(found)
    assert len(found) == len(wanted)


@pytest.mark.parametrize(
    ("edit", "about"),
    [
        (Delete(3.21, Drum.SNARE), "no snare at 3.21"),
        (Delete(5.5, Drum.RIDE), "no ride"),
        (Confirm(float("nan"), Drum.SNARE), "no time"),
        (Confirm(float("inf"), Drum.SNARE), "no time"),
        (Add(8, Fraction(0), Drum.KICK, 90), "no bar 8"),
        (Add(-1, Fraction(0), Drum.KICK, 90), "no bar -1"),
        (Add(1, Fraction(4), Drum.KICK, 90), "not inside"),
        (Add(1, Fraction(-1, 2), Drum.KICK, 90), "not inside"),
        (Add(1, Fraction(1, 5), Drum.KICK, 90), "cannot be written"),
        (Add(1, Fraction(1), Drum.KICK, 90, flam=True), "flams"),
        (Add(1, Fraction(1), Drum.OTHER, 90), "not written"),
        (Change(5.5, Drum.SNARE, bar=9, onset=Fraction(0)), "no bar 9"),
        (Change(5.5, Drum.SNARE, to_drum=Drum.RIDE, flam=True), "flams"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_number(edit: Edit, about: str) -> None:
    performance, score = song()
    with pytest.raises(EditError, match=about) as refused:
        correct(performance, score, [Confirm(5.5, Drum.SNARE), edit])
    assert refused.value.facts == {"index": 1}


def no_sound() -> NoReturn:
    raise AssertionError("the sound is not needed")


def test_every_format_can_write_the_finest_places_side_by_side(schema: etree.XMLSchema) -> None:
    performance, score = song()
    lattice = sorted({Fraction(k, n) for n in (8, 12) for k in range(4 * n)})
    drums = (Drum.SNARE, Drum.KICK, Drum.RIDE)
    edits = [Add(5, onset, drums[k % 3], 40 + k) for k, onset in enumerate(lattice)]
    edits += [Add(6, onset, Drum.TOM_MID, 90, flam=k % 5 == 0) for k, onset in enumerate(lattice[::3])]
    corrected = correct(performance, score, edits)
    after = notate(corrected, options=NotationOptions())
    assert {n.onset for n in after.bars[5].notes if n.drum in drums} == set(lattice)
    made = Song(corrected, after, PdfOptions(), no_sound)
    for form in OUTPUTS:
        if form != "picture":  # needs the sound
            output = OUTPUTS[form](made)
            assert output.warnings == (), form
            assert all(output.files.values()), form
    schema.assertValid(etree.fromstring(write_musicxml(after)))
    assert read_score_json(write_score_json(after)) == after


def test_strokes_at_both_ends_of_a_recording() -> None:
    """The last bar may go on after the sound, the first may begin before it."""
    beats = tuple(Beat(-0.2 + i * 0.5, i % 4 + 1) for i in range(13))
    hits = tuple(Hit(0.3 + i * 0.5, Drum.SNARE, 90) for i in range(11))
    performance = Performance(hits, BeatGrid(beats), 5.4)
    score = notate(performance, options=NotationOptions())
    bar, start = len(score.bars) - 1, score.starts[-1]
    late = score.tempo_map.time_at(start + Fraction(31, 8))
    assert late > performance.duration
    corrected = correct(performance, score, [Add(bar, Fraction(31, 8), Drum.CRASH, 90)])
    after = notate(corrected, options=NotationOptions())
    for form in OUTPUTS:
        if form != "picture":
            assert OUTPUTS[form](Song(corrected, after, PdfOptions(), no_sound)).warnings == (), form
    assert score.tempo_map.time_at(Fraction(0)) < 0
    with pytest.raises(EditError, match="before the recording"):
        correct(performance, score, [Add(0, Fraction(0), Drum.KICK, 90)])
    early = correct(performance, score, [Add(0, Fraction(5, 12), Drum.TOM_LOW, 90, flam=True)])
    assert at(notate(early, options=NotationOptions()), 0, Fraction(5, 12))[Drum.TOM_LOW].grace == 1


def test_a_long_song_is_corrected_in_no_time() -> None:
    """Fifteen minutes of sixteenths, and as many corrections as a request may have."""
    beats = tuple(Beat(i * 0.5, i % 4 + 1) for i in range(1801))
    hits = [Hit(i * 0.125, Drum.HIHAT_CLOSED, 80, 0.9) for i in range(7200)]
    performance = Performance(tuple(hits), BeatGrid(beats), 900.0)
    score = notate(performance, options=NotationOptions())
    edits: list[Edit] = [Change(hit.time, hit.drum, velocity=60) for hit in hits[:2500]]
    edits += [Add(k % 450, Fraction(k // 450 % 4), Drum.SNARE, 90, flam=True) for k in range(2500)]
    began = perf_counter()
    correct(performance, score, edits)
    assert perf_counter() - began < 5  # ten times as long as it takes


def test_a_stroke_that_was_deleted_cannot_be_changed() -> None:
    performance, score = song()
    with pytest.raises(EditError, match="no snare"):
        correct(performance, score, [Delete(5.5, Drum.SNARE), Confirm(5.5, Drum.SNARE)])


@pytest.mark.parametrize("half", [{"bar": 1}, {"onset": Fraction(1)}])
def test_half_a_place_is_refused(half: dict[str, Any]) -> None:
    performance, score = song()
    with pytest.raises(EditError, match="a bar and an onset"):
        correct(performance, score, [Change(5.5, Drum.SNARE, **half)])


def test_no_hits_are_legal_and_hold_nothing_to_correct() -> None:
    empty = Performance((), BeatGrid(), 10.0)
    score = notate(empty, options=NotationOptions())
    assert correct(empty, score, []).hits == ()
    with pytest.raises(EditError, match="no bar 0"):
        correct(empty, score, [Add(0, Fraction(0), Drum.KICK, 90)])
