from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from musicxml_reader import content_of, read_score
from performances import performances
from written_scores import bar, rich_score

from drumscribe.export import write_musicxml, write_mxl
from drumscribe.notation import notate
from drumscribe.options import NotationOptions
from drumscribe.types import Score, TempoMark


def _check(document: bytes, schema: etree.XMLSchema) -> etree._Element:
    root = etree.fromstring(document, etree.XMLParser(no_network=True, load_dtd=False))
    schema.assertValid(root)
    return root


def test_a_score_with_everything_in_it_is_valid(schema):
    _check(write_musicxml(rich_score()), schema)


def test_a_score_with_everything_in_it_reads_back(schema):
    score = rich_score()
    assert read_score(write_musicxml(score)) == content_of(score)


@given(performance=performances(), voices=st.sampled_from([1, 2]), similes=st.booleans())
def test_whatever_was_played_is_valid_and_reads_back(schema, performance, voices, similes):
    score = notate(performance, options=NotationOptions(voices=voices, similes=similes))
    document = write_musicxml(score)
    _check(document, schema)
    assert read_score(document) == content_of(score)


def test_an_empty_score_is_one_silent_bar(schema):
    root = _check(write_musicxml(Score()), schema)
    assert [rest.get("measure") for rest in root.iter("rest")] == ["yes"]


@given(title=st.text(), subtitle=st.text(), section=st.text())
def test_any_text_makes_a_valid_document(schema, title, subtitle, section):
    score = Score((bar(1, "h:4 h:4 h:4 h:4", section=section),), title=title, subtitle=subtitle)
    root = _check(write_musicxml(score), schema)
    assert root.findtext("work/work-title")


def test_the_bytes_depend_on_the_score_alone():
    assert write_musicxml(rich_score()) == write_musicxml(rich_score())
    assert write_mxl(rich_score()) == write_mxl(rich_score())


def test_the_compressed_form_holds_the_same_document():
    archive = zipfile.ZipFile(io.BytesIO(write_mxl(rich_score())))
    container = etree.fromstring(archive.read("META-INF/container.xml"))
    [name] = container.xpath("//rootfile/@full-path")
    assert archive.read(name) == write_musicxml(rich_score())
    assert archive.testzip() is None


def test_every_note_names_an_instrument_of_the_part():
    root = etree.fromstring(write_musicxml(rich_score()))
    declared = set(root.xpath("//score-instrument/@id"))
    assert declared == set(root.xpath("//midi-instrument/@id")) == set(root.xpath("//note/instrument/@id"))
    assert not root.xpath("//note[unpitched][not(instrument) or not(stem) or not(notehead) or not(voice)]")


def test_heads_and_signs_are_those_that_readers_agree_on():
    root = etree.fromstring(write_musicxml(rich_score()))
    assert root.xpath("//note[notations/technical/open-string[@placement='above']]/instrument/@id")[0] == "P1-I47"
    assert root.xpath("//note[notehead[@parentheses='yes']]/unpitched/display-step/text()") == ["C"] * 5
    assert len(root.xpath("//note[grace[@slash='yes']]")) == 1
    assert len(root.xpath("//note[grace[not(@slash)]][beam]")) == 2
    assert not root.xpath("//note[chord][beam or notations/articulations]")


def test_a_pick_up_bar_is_implicit_and_numbered_zero():
    root = etree.fromstring(write_musicxml(rich_score()))
    first, second = root.xpath("//measure")[:2]
    assert (first.get("number"), first.get("implicit")) == ("0", "yes")
    assert (second.get("number"), second.get("implicit")) == ("1", None)


def test_similes_start_and_stop_and_keep_their_notes():
    root = etree.fromstring(write_musicxml(rich_score()))
    signs = [(m.get("number"), r.get("type"), r.text) for m in root.iter("measure") for r in m.iter("measure-repeat")]
    assert signs == [("6", "start", "1"), ("8", "stop", None), ("11", "start", "2"), ("13", "stop", None)]
    assert root.xpath("//measure[@number='7']//unpitched")


def test_silent_bars_in_a_row_are_one_long_rest():
    root = etree.fromstring(write_musicxml(rich_score()))
    assert root.xpath("//measure[@number='13']//multiple-rest/text()") == ["3"]


def test_tempo_is_written_for_the_eye_and_in_quarters_for_playback():
    root = etree.fromstring(write_musicxml(rich_score()))
    assert root.xpath("//per-minute/text()") == ["104", "96", "112"]
    assert root.xpath("//sound/@tempo") == ["104.30", "144.00", "112.00"]
    assert root.xpath("count(//beat-unit-dot)") == 1


@pytest.mark.parametrize(("ratio", "pair"), [(2 / 3, ("2", "1")), (0.6, ("3", "2")), (0.75, ("3", "1"))])
def test_swing_is_a_word_and_a_ratio(schema, ratio, pair):
    score = replace(rich_score(), swing=Fraction(1, 4), swing_ratio=ratio)
    root = _check(write_musicxml(score), schema)
    assert (root.findtext(".//swing/first"), root.findtext(".//swing/second")) == pair
    assert root.findtext(".//swing/swing-type") == "16th"
    assert root.findtext(".//words").strip() == "Swing 16ths"


def test_lines_hold_four_bars_and_sections_begin_them():
    bars = [bar(i + 1, "h:4 h:4 h:4 h:4", section="B" if i == 6 else "") for i in range(15)]
    root = etree.fromstring(write_musicxml(Score(tuple(bars), (TempoMark(0, 100.0),))))
    starts = root.xpath("//measure[print[@new-system='yes']]/@number")
    # six bars, then nine: no line of a single bar is left over
    assert starts == ["5", "7", "11", "14"]


def test_writing_musicxml_loads_no_engraver():
    code = (
        "import sys; from drumscribe.export import write_musicxml;"
        "print(sorted({'verovio', 'typst', 'lilypond', 'PIL', 'lxml', 'numpy.testing'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
