"""The text tab: a drummer reads the right stroke in the right column."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.export.tab import WIDTH, write_tab
from drumscribe.types import Bar, Drum, Note, Score, TempoMark, TimeSignature

COMMON = TimeSignature(4, 4)


def note(onset: Fraction | int, drum: Drum, **kwargs: object) -> Note:
    return Note(Fraction(onset), Fraction(1, 4), drum, 80, 1, **kwargs)  # type: ignore[arg-type]


def tab(*bars: Bar, **kwargs: object) -> list[str]:
    return write_tab(Score(bars, **kwargs)).decode().splitlines()  # type: ignore[arg-type]


def test_a_rock_bar_reads_as_one_expects() -> None:
    hats = [note(Fraction(i, 2), Drum.HIHAT_OPEN if i == 7 else Drum.HIHAT_CLOSED) for i in range(8)]
    drums = [note(0, Drum.KICK), note(1, Drum.SNARE), note(2, Drum.KICK), note(3, Drum.SNARE, accent=True)]
    lines = tab(Bar(1, COMMON, (*hats, *drums), section="A"), title="Song", tempo_marks=(TempoMark(0, 120.0),))
    assert lines == [
        "Song",
        "quarter = 120, 4/4",
        "",
        "HH Hi-hat   SD Snare drum   BD Bass drum",
        "o hit; on the hi-hat: open   O accent   x cymbal, closed hi-hat, cross stick",
        "",
        "   1 [A]",
        "HH|xxxxxxxo|",
        "SD|--o---O-|",
        "BD|o---o---|",
        "   1&2&3&4&",
    ]


@pytest.mark.parametrize(
    ("changes", "symbol"),
    [({"ghost": True}, "g"), ({"grace": 1}, "f"), ({"grace": 2}, "d"), ({"tremolo": 3}, "r"), ({"accent": True}, "O"), ({}, "o")],
)
def test_each_way_of_playing_has_its_sign_and_its_legend(changes: dict[str, object], symbol: str) -> None:
    lines = tab(Bar(1, COMMON, (note(2, Drum.SNARE, **changes),)))
    assert f"SD|----{symbol}---|" in lines
    assert any(line.startswith(f"{symbol} ") for line in lines)


def test_triplets_get_three_columns_and_both_kinds_together_twelve() -> None:
    triplets = tuple(note(Fraction(i, 3), Drum.TOM_HIGH) for i in range(3))
    assert "T1|ooo---------|" in tab(Bar(1, COMMON, triplets))
    mixed = tab(Bar(1, COMMON, (*triplets, note(Fraction(5, 4), Drum.TOM_HIGH))))
    assert "T1|o---o---o------o--------------------------------|" in mixed


def test_a_pick_up_is_a_short_bar_and_a_new_metre_is_named() -> None:
    lines = tab(Bar(0, COMMON, (note(0, Drum.SNARE),), length=Fraction(1)), Bar(1, TimeSignature(6, 8), (note(0, Drum.KICK),)))
    assert "SD|o-|------|" in lines
    assert "BD|--|o-----|" in lines
    assert "   0  1 6/8" in lines


def test_an_empty_score_is_a_header() -> None:
    assert tab()[0] == "Drums"
    assert tab(Bar(1, COMMON))[-1].strip() == "1&2&3&4&"


@st.composite
def scores(draw: st.DrawFn) -> Score:
    bars = []
    for number in range(draw(st.integers(1, 6))):
        signature = TimeSignature(*draw(st.sampled_from([(4, 4), (7, 4), (12, 8), (7, 8), (15, 8)])))
        places = st.fractions(0, signature.length - Fraction(1, 12), max_denominator=12)
        notes = draw(st.lists(st.builds(note, places, st.sampled_from(list(Drum))), max_size=12))
        bars.append(Bar(number + 1, signature, tuple(notes)))
    return Score(tuple(bars))


@given(scores())
@settings(max_examples=40)
def test_no_line_is_too_wide_and_all_lines_of_a_system_agree(score: Score) -> None:
    lines = write_tab(score).decode().splitlines()
    assert max(map(len, lines)) <= WIDTH
    systems = [[line for line in block.splitlines() if line[2:3] == "|"] for block in "\n".join(lines).split("\n\n")]
    for system in systems:
        assert len({tuple(i for i, c in enumerate(line) if c == "|") for line in system}) <= 1
