from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from performances import performances
from written_scores import bar, rich_score

from drumscribe.export import write_lilypond
from drumscribe.kit import KIT
from drumscribe.notation import notate
from drumscribe.options import NotationOptions, PdfOptions
from drumscribe.types import Score

lilypond = pytest.importorskip("lilypond", reason="the lilypond package is not installed")


def _complaints(source: bytes, folder: Path) -> str:
    """What LilyPond has to say about `source`, warnings included."""
    (folder / "score.ly").write_bytes(source)
    command = [lilypond.executable(), "--loglevel=WARNING", "-dbackend=cairo", "--output=score", "score.ly"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stderr


def _music(score: Score, options: PdfOptions | None = None) -> str:
    """The source after the style sheet, without comments."""
    source = write_lilypond(score, options).decode()
    return re.sub(r" *%.*", "", source[source.index("\\new DrumStaff <<\n    \\new DrumVoice") :])


def test_a_score_with_everything_in_it_compiles_without_a_warning(tmp_path):
    assert _complaints(write_lilypond(rich_score()), tmp_path) == ""


def test_an_empty_score_compiles_without_a_warning(tmp_path):
    assert _complaints(write_lilypond(Score()), tmp_path) == ""


@settings(max_examples=2)
@given(performance=performances())
def test_bars_add_up_for_whatever_was_played(tmp_path_factory, performance):
    # LilyPond itself checks each bar: `|` in the wrong place is a warning
    source = write_lilypond(notate(performance, options=NotationOptions(similes=True)))
    complaints = _complaints(source, tmp_path_factory.mktemp("score"))
    assert "barcheck" not in complaints.replace(" ", "")
    assert "bar check" not in complaints


@pytest.mark.parametrize("title", ['" } #(exit 3) { "', "\\", '\\"', '#(ly:error "no")', "%{", "日本語 ♪\x00\x1b"])
def test_a_title_is_text_and_never_a_command(tmp_path, title):
    score = Score((bar(1, "h:4 h:4 h:4 h:4", section=title),), title=title, subtitle=title)
    # a character that no installed font has is worth a warning, nothing else is
    complaints = _complaints(write_lilypond(score), tmp_path).splitlines()
    assert [line for line in complaints if "glyph" not in line and line.strip()] == []


def test_the_drum_table_is_the_kit():
    source = write_lilypond(rich_score()).decode()
    rows = re.findall(r"^  \((\w+) (\w+) (#f|open) (-?\d+)\)", source, re.MULTILINE)
    assert len(rows) == len(KIT)
    assert ("snare", "default", "#f", "1") in rows
    assert ("bassdrum", "default", "#f", "-3") in rows
    assert ("closedhihat", "cross", "#f", "5") in rows
    assert ("openhihat", "cross", "open", "5") in rows
    assert ("crashcymbal", "cross", "#f", "6") in rows


def test_the_drum_key_names_what_is_played_and_nothing_else():
    source = write_lilypond(Score((bar(1, "h:4 s:4 h:4 s:4"),))).decode()
    assert re.findall(r'\\keyName "(.*?)" "(.*?)"', source) == [("Hi-hat", "(closed)"), ("Snare", "drum")]


def test_ornaments_are_written_as_drummers_read_them():
    music = _music(rich_score())
    assert "\\slashedGrace { <sn>8( } <sn hhc>8[)" in music  # flam
    assert "\\grace { <sn>16([ <sn>16] } <sn>8[)" in music  # drag
    assert "<sn>4:32" in music  # roll of three strokes
    assert "\\tuplet 3/2 { <tommh>8[ <tommh>8 <tomfh>8] }" in music
    assert music.count("\\ghost sn") == 4  # the fifth stands behind a simile


def test_similes_carry_their_count():
    music = _music(rich_score())
    assert re.findall(r"\\percent #\(ly:make-moment 1\) #(\d)", music) == ["2", "3"]
    assert re.findall(r"\\doublePercent #\(ly:make-moment 2\) #(\d)", music) == ["2"]


def test_lines_hold_the_bars_that_were_asked_for():
    score = Score(tuple(bar(i + 1, "h:4 h:4 h:4 h:4") for i in range(8)))
    assert _music(score).count("\\break") == 1
    assert _music(score, PdfOptions(bars_per_line=2)).count("\\break") == 3


def test_swing_shows_what_to_play():
    assert "Swing" in _music(rich_score())
    assert "Swing" not in _music(replace(rich_score(), swing=None))


def test_the_source_depends_on_the_score_alone():
    assert write_lilypond(rich_score()) == write_lilypond(rich_score())
