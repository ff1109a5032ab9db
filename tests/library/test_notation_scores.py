"""Small pieces with a known answer: what a drummer would write down."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest

from drumscribe.notation import notate
from drumscribe.options import NotationOptions
from drumscribe.types import Bar, Beat, BeatGrid, Drum, Event, Hit, Performance, Score, TimeSignature

K, S, H, C, R = Drum.KICK, Drum.SNARE, Drum.HIHAT_CLOSED, Drum.CRASH, Drum.RIDE
QUARTER, DOTTED_QUARTER, EIGHTH = Fraction(1), Fraction(3, 2), Fraction(1, 2)
Stroke = tuple[float, Drum, int]


def play(
    strokes: Iterable[Stroke],
    *,
    bpm: float = 120,
    metre: int = 4,
    unit: Fraction = QUARTER,
    bars: int = 4,
    start: float = 1.0,
    first: int = 1,
) -> Performance:
    """Strokes at beats from the first beat of the grid, at a constant tempo; `first` is that beat's number."""
    period = 60 / bpm
    hits = sorted(
        (Hit(start + beat * period, drum, velocity) for beat, drum, velocity in strokes), key=lambda h: (h.time, h.drum)
    )
    beats = tuple(Beat(start + k * period, (k + first - 1) % metre + 1) for k in range(bars * metre))
    return Performance(tuple(hits), BeatGrid(beats, unit), start + bars * metre * period)


def repeat(pattern: list[Stroke], bars: int, beats: int = 4) -> list[Stroke]:
    return [(bar * beats + beat, drum, velocity) for bar in range(bars) for beat, drum, velocity in pattern]


def written(performance: Performance, **options: bool | int | str) -> Score:
    return notate(performance, options=NotationOptions(**options))  # type: ignore[arg-type]


NAMES = {"whole": "1", "half": "2", "quarter": "4", "eighth": "8", "16th": "16", "32nd": "32"}


def shorthand(events: tuple[Event, ...]) -> str:
    """`8` is an eighth, `8.` dotted, `r8` a rest, `8t` inside a tuplet, `R` a whole-bar rest, `h` hidden."""

    def sign(event: Event) -> str:
        if event.whole_bar:
            return "hR" if event.hidden else "R"
        value = NAMES[event.value] + "." * event.dots + (f"t{event.tuplet.actual}" if event.tuplet else "")
        return value if event.notes else "r" + value

    return " ".join(sign(e) for e in events)


def beams(events: tuple[Event, ...]) -> str:
    """First letter of each beam mark, levels joined: `b` begin, `c` continue, `e` end, `f` and `k` hooks, `-` none."""
    letters = {"begin": "b", "continue": "c", "end": "e", "forward hook": "f", "backward hook": "k"}
    return " ".join("".join(letters[m] for m in e.beams) or "-" for e in events)


def onsets(bar: Bar, drum: Drum) -> list[Fraction]:
    return [n.onset for n in bar.notes if n.drum is drum]


ROCK: list[Stroke] = [(k / 2, H, 80) for k in range(8)] + [(0, K, 100), (2, K, 100), (1, S, 100), (3, S, 100)]


def test_straight_rock_is_eighths_over_quarters() -> None:
    score = written(play(repeat(ROCK, 4)))
    assert len(score.bars) == 4
    for number, bar in enumerate(score.bars, 1):
        assert bar.number == number
        assert bar.time_signature == TimeSignature(4, 4)
        assert shorthand(bar.voices[0]) == "8 8 8 8 8 8 8 8"
        assert beams(bar.voices[0]) == "b c c e b c c e"
        assert shorthand(bar.voices[1]) == "4 r4 4 r4"
    assert score.swing is None
    assert [(m.bar, m.bpm) for m in score.tempo_marks] == [(0, 120)]


def test_one_voice_holds_hands_and_feet() -> None:
    (bar, *_) = written(play(repeat(ROCK, 4)), voices=1).bars
    assert [shorthand(v) for v in bar.voices] == ["8 8 8 8 8 8 8 8"]
    assert [n.drum for n in bar.voices[0][0].notes] == [H, K]


FUNK: list[Stroke] = [
    *[(k / 4, H, 80) for k in range(16)],
    *[(0, K, 100), (0.75, K, 90), (2.5, K, 95)],
    *[(1, S, 105), (3, S, 105), (1.75, S, 30), (2.25, S, 28)],
]


def test_funk_brackets_the_ghost_notes_and_only_those() -> None:
    bar = written(play(repeat(FUNK, 4), bpm=96)).bars[1]
    assert [(n.onset, n.ghost) for n in bar.notes if n.drum is S] == [
        (Fraction(1), False),
        (Fraction(7, 4), True),
        (Fraction(9, 4), True),
        (Fraction(3), False),
    ]
    assert not any(n.ghost for n in bar.notes if n.drum is not S)
    assert shorthand(bar.voices[0]) == " ".join(["16"] * 16)
    assert beams(bar.voices[0]) == " ".join(["bb", "cc", "cc", "ee"] * 4)
    assert shorthand(bar.voices[1]) == "8. 16 r4 r8 8 r4"
    assert beams(bar.voices[1]) == "b ek - - - -"


def test_ghost_notes_are_plain_when_not_asked_for() -> None:
    bars = written(play(repeat(FUNK, 4), bpm=96), ghost_notes=False).bars
    assert not any(n.ghost for bar in bars for n in bar.notes)


def test_a_backbeat_is_never_a_ghost_however_soft() -> None:
    soft = [(b, d, 30 if d is S and bar == 2 else v) for bar in range(4) for b, d, v in [(bar * 4 + x, d, v) for x, d, v in ROCK]]
    assert not any(n.ghost for bar in written(play(soft)).bars for n in bar.notes)


def test_accents_mark_the_exception() -> None:
    loud = [(b, d, 110 if d is H and b in (2.5, 9.5) else v) for b, d, v in repeat(ROCK, 4)]
    marked = [(bar.number, n.onset) for bar in written(play(loud)).bars for n in bar.notes if n.accent]
    assert marked == [(1, Fraction(5, 2)), (3, Fraction(3, 2))]


def test_loud_and_soft_in_turn_is_no_accent() -> None:
    pumping = [(b, d, (110 if (b * 2) % 2 == 0 else 60) if d is H else v) for b, d, v in repeat(ROCK, 4)]
    assert not any(n.accent for bar in written(play(pumping)).bars for n in bar.notes)


SHUFFLE: list[Stroke] = [(b + off, H, 80) for b in range(4) for off in (0, 2 / 3)] + [
    (0, K, 100),
    (2, K, 100),
    (1, S, 100),
    (3, S, 100),
]


@pytest.mark.parametrize("ratio", [0.60, 2 / 3])
def test_a_shuffle_is_written_straight_under_the_word_swing(ratio: float) -> None:
    score = written(play([(b if b % 1 == 0 else int(b) + ratio, d, v) for b, d, v in repeat(SHUFFLE, 8)], bars=8))
    assert score.swing == Fraction(1, 2)
    assert score.swing_ratio == pytest.approx(ratio, abs=0.02)
    assert all(shorthand(bar.voices[0]) == "8 8 8 8 8 8 8 8" for bar in score.bars)


def test_a_shuffle_is_written_as_triplets_when_swing_is_off() -> None:
    score = written(play(repeat(SHUFFLE, 8), bars=8), swing=False)
    assert score.swing is None
    assert shorthand(score.bars[0].voices[0]) == "4t3 8t3 4t3 8t3 4t3 8t3 4t3 8t3"


def test_dotted_figures_do_not_swing() -> None:
    dotted = [(b + off, H, 80) for b in range(4) for off in (0, 0.5)] + [
        (0, K, 100),
        (0.75, K, 90),
        (1, S, 100),
        (2.75, K, 90),
        (3, S, 100),
    ]
    assert written(play(repeat(dotted, 8), bars=8)).swing is None


def test_real_triplets_stay_triplets() -> None:
    triplets = [(b + k / 3, H, 80) for b in range(4) for k in range(3)] + [(0, K, 100), (1, S, 100), (2, K, 100), (3, S, 100)]
    score = written(play(repeat(triplets, 4), bpm=90))
    assert score.swing is None
    assert shorthand(score.bars[0].voices[0]) == " ".join(["8t3"] * 12)
    assert beams(score.bars[0].voices[0]) == " ".join(["b c e"] * 4)
    assert [e.tuplet_edge for e in score.bars[0].voices[0]] == ["start", "", "stop"] * 4
    assert all(e.tuplet is None for e in score.bars[0].voices[1])


def test_a_shuffled_sixteenth_groove_is_written_as_its_triplets() -> None:
    strokes = [(b + half + off, H, 80) for b in range(4) for half in (0, 0.5) for off in (0, 1 / 3)] + [
        (0, K, 100),
        (1, S, 100),
        (2, K, 100),
        (3, S, 100),
    ]
    score = written(play(repeat(strokes, 8), bpm=84, bars=8))
    assert score.swing is None
    assert onsets(score.bars[0], H)[:4] == [0, Fraction(1, 3), Fraction(1, 2), Fraction(5, 6)]


def test_six_eight_beams_by_dotted_quarters() -> None:
    pattern = [(k / 3, H, 80) for k in range(6)] + [(0, K, 100), (1, S, 100)]
    score = written(play(repeat(pattern, 4, beats=2), bpm=60, metre=2, unit=DOTTED_QUARTER))
    bar = score.bars[0]
    assert bar.time_signature == TimeSignature(6, 8)
    assert shorthand(bar.voices[0]) == "8 8 8 8 8 8"
    assert beams(bar.voices[0]) == "b c e b c e"
    assert shorthand(bar.voices[1]) == "4. r4."
    assert (score.tempo_marks[0].bpm, score.tempo_marks[0].unit) == (60, DOTTED_QUARTER)


def test_duplets_in_six_eight_are_dotted_eighths() -> None:
    plain = [(k / 3, H, 80) for k in range(6)] + [(0, K, 100), (1, K, 100)]
    bars = written(
        play(repeat(plain, 3, beats=2) + [(6 + k / 2, S, 100) for k in range(4)], bpm=50, metre=2, unit=DOTTED_QUARTER)
    ).bars
    assert shorthand(bars[3].voices[0]) == "8. 8. 8. 8."


def test_twelve_eight_merges_the_rests_of_half_a_bar() -> None:
    pattern = [(k / 3, H, 80) for k in range(12)] + [(0, K, 100)]
    bar = written(play(repeat(pattern, 4), bpm=60, unit=DOTTED_QUARTER)).bars[0]
    assert bar.time_signature == TimeSignature(12, 8)
    assert shorthand(bar.voices[1]) == "4. r4. r2."


def test_three_four_keeps_its_quarters_apart() -> None:
    pattern = [(0, K, 100), (1, H, 80), (2, H, 80)]
    bar = written(play(repeat(pattern, 4, beats=3), metre=3)).bars[0]
    assert bar.time_signature == TimeSignature(3, 4)
    assert shorthand(bar.voices[0]) == "r4 4 4"
    assert shorthand(bar.voices[1]) == "4 r4 r4"


def test_seven_eight_is_two_two_three() -> None:
    pattern = [(k, H, 80) for k in range(7)] + [(0, K, 100), (4, S, 100)]
    bar = written(play(repeat(pattern, 4, beats=7), bpm=240, metre=7, unit=EIGHTH)).bars[0]
    assert bar.time_signature == TimeSignature(7, 8)
    assert shorthand(bar.voices[0]) == "8 8 8 8 8 8 8"
    assert beams(bar.voices[0]) == "b e b e b c e"
    assert shorthand(bar.voices[1]) == "4 r4 r4."


def test_seven_eight_counts_quarters_in_its_tempo_mark() -> None:
    pattern = [(k, H, 80) for k in range(7)]
    (mark,) = written(play(repeat(pattern, 4, beats=7), bpm=240, metre=7, unit=EIGHTH)).tempo_marks
    assert (mark.bpm, mark.unit) == (120, 1)


def test_a_pick_up_is_bar_zero_and_short() -> None:
    strokes = [(0, S, 90), (0.5, S, 90), *[(b + 1, d, v) for b, d, v in repeat(ROCK, 3)]]
    score = written(play(strokes, first=4))
    pick_up, first, *_ = score.bars
    assert (pick_up.number, pick_up.length, pick_up.time_signature) == (0, Fraction(1), TimeSignature(4, 4))
    assert shorthand(pick_up.voices[0]) == "8 8"
    assert first.number == 1
    assert onsets(first, K) == [0, 2]
    assert score.starts[1] == 1


def test_hits_before_the_first_beat_find_a_place() -> None:
    strokes = [(-1, S, 90), (-0.5, S, 90), *repeat(ROCK, 3)]
    pick_up, first, *_ = written(play(strokes)).bars
    assert (pick_up.number, pick_up.length) == (0, Fraction(1))
    assert onsets(pick_up, S) == [0, Fraction(1, 2)]
    assert onsets(first, K) == [0, 2]


def test_a_late_entry_is_no_pick_up() -> None:
    score = written(play([s for s in repeat(ROCK, 4) if s[0] >= 2]))
    assert score.bars[0].number == 1
    assert score.bars[0].length is None
    assert onsets(score.bars[0], K) == [2]
    assert shorthand(score.bars[0].voices[0]) == "r2 8 8 8 8"


def test_silent_bars_at_the_ends_are_dropped_but_their_time_is_kept() -> None:
    score = written(play([(b + 8, d, v) for b, d, v in repeat(ROCK, 2)], bars=8))
    assert len(score.bars) == 2
    assert score.tempo_map.time_at(Fraction(0)) == pytest.approx(5.0, abs=0.005)


def test_silence_inside_is_one_rest_a_bar() -> None:
    score = written(play([*ROCK, *[(b + 8, d, v) for b, d, v in ROCK]]))
    assert [shorthand(v) for v in score.bars[1].voices] == ["R"]


def test_a_silent_foot_is_a_hidden_rest() -> None:
    bar = written(play([s for s in repeat(ROCK, 4) if s[1] is not K])).bars[0]
    assert shorthand(bar.voices[1]) == "hR"


def test_a_flam_is_a_grace_note_on_the_snare_and_an_echo_on_the_kick() -> None:
    strokes = [*repeat(ROCK, 4), (0.94, S, 60), (1.94, K, 60), (4.90, S, 50), (4.95, S, 55)]
    bars = written(play(strokes, bpm=90)).bars
    assert [(n.onset, n.grace) for n in bars[0].notes if n.drum is S] == [(Fraction(1), 1), (Fraction(3), 0)]
    assert [(n.onset, n.grace) for n in bars[0].notes if n.drum is K] == [(Fraction(0), 0), (Fraction(2), 0)]
    assert [(n.onset, n.grace) for n in bars[1].notes if n.drum is S] == [(Fraction(1), 2), (Fraction(3), 0)]


def test_a_roll_is_one_note_with_tremolo_strokes() -> None:
    roll = [(2 + k * 0.09, S, 70) for k in range(11)]
    bars = written(play([(0, K, 100), (1, S, 100), *roll, *[(b + 4, d, v) for b, d, v in repeat(ROCK, 3)]])).bars
    assert [(n.onset, n.tremolo) for n in bars[0].notes if n.drum is S] == [(Fraction(1), 0), (Fraction(2), 3)]


def test_an_open_and_a_closed_hat_on_one_slot_are_one_note() -> None:
    strokes = [Hit(h.time, h.drum, h.velocity, 0.9) for h in play(repeat(ROCK, 4)).hits]
    doubled = tuple(sorted([*strokes, Hit(1.0, Drum.HIHAT_OPEN, 90, 0.5)], key=lambda h: (h.time, h.drum)))
    bar = written(Performance(doubled, play([]).grid, 10.0)).bars[0]
    assert [n.drum for n in bar.notes if n.onset == 0] == [H, K]


def test_other_percussion_is_not_written() -> None:
    assert written(play([(0, Drum.OTHER, 90)])).bars == ()
    assert all(n.drum is not Drum.OTHER for b in written(play([*ROCK, (1.5, Drum.OTHER, 90)])).bars for n in b.notes)


def test_no_hits_give_an_empty_score() -> None:
    score = written(play([]), title="Silence")
    assert (score.bars, score.title, score.tempo_marks) == ((), "Silence", ())


def test_without_beats_the_grid_is_120_from_the_first_hit() -> None:
    hits = tuple(Hit(3.2 + 0.5 * k, H, 80) for k in range(8))
    score = written(Performance(hits, BeatGrid(reliable=False), 8.0))
    assert [onsets(b, H) for b in score.bars] == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert score.tempo_marks[0].bpm == 120
    assert score.tempo_map.time_at(Fraction(0)) == pytest.approx(3.2)


def test_a_late_grid_is_pulled_to_the_hits() -> None:
    performance = play(repeat(FUNK, 8), bpm=110, bars=8)
    late = BeatGrid(tuple(Beat(b.time + 0.03, b.number) for b in performance.grid.beats))
    assert [b.notes for b in written(Performance(performance.hits, late, performance.duration)).bars] == [
        b.notes for b in written(performance).bars
    ]


def test_a_ramp_is_followed_and_marked() -> None:
    times, tempo = [1.0], 100.0
    for _ in range(64):
        times.append(times[-1] + 60 / tempo)
        tempo *= 1.006
    hits = [
        Hit(times[b] + x * (times[b + 1] - times[b]), d, 90)
        for b in range(64)
        for x, d in ((0, H), (0.5, H), (0, S if b % 2 else K))
    ]
    grid = BeatGrid(tuple(Beat(t, k % 4 + 1) for k, t in enumerate(times)))
    score = written(Performance(tuple(sorted(hits, key=lambda h: (h.time, h.drum))), grid, times[-1]))
    assert all(onsets(b, H) == [Fraction(k, 2) for k in range(8)] for b in score.bars)
    marks = [m.bpm for m in score.tempo_marks]
    assert 2 <= len(marks) <= 6
    assert marks == sorted(marks)
    for anchor, time in zip(score.tempo_map.anchors, times, strict=False):
        assert anchor.time == pytest.approx(time, abs=0.003)


def test_a_steady_tempo_is_marked_once() -> None:
    assert len(written(play(repeat(ROCK, 16), bars=16)).tempo_marks) == 1


def test_a_bar_of_two_beats_gets_its_own_signature() -> None:
    numbers = [1, 2, 3, 4, 1, 2, 1, 2, 3, 4]
    grid = BeatGrid(tuple(Beat(1 + k / 2, n) for k, n in enumerate(numbers)))
    hits = tuple(Hit(1 + k / 2, H, 80) for k in range(10))
    assert [b.time_signature.numerator for b in written(Performance(hits, grid, 8.0)).bars] == [4, 2, 4]


def test_parts_begin_where_the_material_changes() -> None:
    ride = [(b, R if d is H else d, v) for b, d, v in ROCK]
    half_time = [(k, R, 80) for k in range(4)] + [(0, K, 100), (2, S, 100)]
    strokes = [
        *repeat(ROCK, 8),
        *[(b + 32, d, v) for b, d, v in repeat(ride, 8)],
        *[(b + 64, d, v) for b, d, v in repeat(half_time, 8)],
    ]
    strokes += [(32, C, 110), (64, C, 110)]
    score = written(play(strokes, bars=24))
    assert {b.number: b.section for b in score.bars if b.section} == {1: "A", 9: "B", 17: "C"}
    assert not any(b.section for b in written(play(strokes, bars=24), sections=False).bars)
    assert not any(b.section for b in written(play(repeat(ROCK, 24), bars=24)).bars)


def test_similes_count_the_bars_that_repeat() -> None:
    other = [(b, R if d is H else d, v) for b, d, v in ROCK]
    strokes = [
        *repeat(ROCK, 3),
        *[(b + 12, d, v) for b, d, v in other],
        *[(b + 16, d, v) for b, d, v in repeat(ROCK, 1)],
        *[(b + 20, d, v) for b, d, v in other],
    ]
    bars = written(play(strokes, bars=6), similes=True, sections=False).bars
    assert [(b.simile, b.simile_count) for b in bars] == [(0, 0), (1, 2), (1, 3), (0, 0), (2, 2), (2, 2)]
    assert all(b.notes for b in bars)
    assert not any(b.simile for b in written(play(strokes, bars=6)).bars)


@pytest.mark.parametrize("bpm", [60, 97, 133, 184])
def test_what_is_played_exactly_is_written_exactly(bpm: float) -> None:
    pattern: list[Stroke] = [
        (0, K, 100),
        (0.5, H, 80),
        (1, S, 100),
        (1.5, H, 80),
        (1.75, K, 90),
        (2.5, K, 90),
        (3, S, 100),
        (3.25, S, 60),
    ]
    score = written(play(repeat(pattern, 8), bpm=bpm, bars=8))
    for bar in score.bars:
        assert {(float(n.onset), n.drum) for n in bar.notes} == {(b, d) for b, d, _ in pattern}


def test_writing_a_score_that_was_played_back_changes_nothing() -> None:
    first = written(play(repeat(FUNK, 8), bpm=103.7, bars=8))
    starts = first.starts
    hits = [
        Hit(first.tempo_map.time_at(s + n.onset), n.drum, n.velocity)
        for s, b in zip(starts, first.bars, strict=True)
        for n in b.notes
    ]
    beats = tuple(Beat(a.time, int(a.position) % 4 + 1) for a in first.tempo_map.anchors)
    second = written(Performance(tuple(sorted(hits, key=lambda h: (h.time, h.drum))), BeatGrid(beats), 60.0))
    assert [[(n.onset, n.duration, n.drum, n.ghost) for n in b.notes] for b in second.bars] == [
        [(n.onset, n.duration, n.drum, n.ghost) for n in b.notes] for b in first.bars
    ]
