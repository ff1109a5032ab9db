"""The measures are those of the field, and every format that is promised is read."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import mir_eval.util
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumscribe.errors import FileNotReadable, InputError
from drumscribe.evaluation import (
    Beats,
    Counts,
    evaluate_folder,
    match,
    read_beats,
    read_hits,
    score_beats,
    score_hits,
    score_written,
    velocity_correlation,
)
from drumscribe.evaluation.written import WrittenNotes, read_musicxml, written_notes
from drumscribe.export.midi import write_midi, write_score_midi
from drumscribe.export.tables import write_beats_json, write_hits_json
from drumscribe.types import Bar, Beat, BeatGrid, Drum, Hit, Note, Performance, Score, TimeSignature

BEATS = BeatGrid(tuple(Beat(0.5 + i * 0.5, i % 4 + 1) for i in range(32)))
HITS = tuple(Hit(0.5 + i * 0.25, Drum.SNARE if i % 4 == 2 else Drum.KICK, 20 + i) for i in range(60))
SONG = Performance(HITS, BEATS, 16.5)

# ------------------------------------------------------------------------------------------------ hits

times = st.lists(st.integers(0, 3000).map(lambda n: n * 0.011), max_size=40, unique=True).map(sorted)


@given(times, times)
def test_the_matching_is_as_large_as_that_of_mir_eval(reference: list[float], estimate: list[float]) -> None:
    pairs = match(reference, estimate)
    assert len(pairs) == len(mir_eval.util.match_events(np.array(reference), np.array(estimate), 0.05 + 1e-6))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(reference[i] - estimate[j]) <= 0.05 + 1e-6 for i, j in pairs)


def test_counts_become_precision_recall_and_f() -> None:
    counts = Counts(6, 2, 4)
    assert (counts.precision, counts.recall) == (0.75, 0.6)
    assert counts.f_measure == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert (Counts().f_measure, Counts(0, 1, 0).precision, Counts(0, 0, 1).precision) == (1.0, 0.0, 0.0)


def test_vocabularies_pool_what_belongs_together() -> None:
    reference = {
        "a": [Hit(1, Drum.HIHAT_OPEN, 90), Hit(2, Drum.RIDE, 90), Hit(3, Drum.TOM_LOW, 90), Hit(4, Drum.CROSS_STICK, 90)]
    }
    estimate = {"a": [Hit(1, Drum.HIHAT_CLOSED, 90), Hit(2, Drum.CRASH, 90), Hit(3, Drum.TOM_MID, 90), Hit(4, Drum.SNARE, 90)]}
    found = {size: score_hits(reference, estimate, vocabulary=size).pooled for size in (3, 5, 9)}
    assert found == {3: Counts(2, 0, 0), 5: Counts(4, 0, 0), 9: Counts(1, 3, 3)}


def test_a_song_without_estimate_is_silence_and_double_strokes_count_once() -> None:
    reference = {"a": [Hit(1, Drum.CRASH, 90), Hit(1.002, Drum.CRASH, 90)], "b": [Hit(1, Drum.KICK, 90)]}
    scores = score_hits(reference, {"a": [Hit(1.04, Drum.CRASH, 90)]})
    assert scores.pooled == Counts(1, 0, 1)
    assert (scores.mean_f, scores.macro_f) == (0.5, 0.5)


@given(st.lists(st.integers(1, 127), min_size=8, max_size=30, unique=True), st.booleans())
def test_velocity_compares_order_not_scale(velocities: list[int], upside_down: bool) -> None:
    reference = [Hit(i, Drum.SNARE, v) for i, v in enumerate(velocities)]
    estimate = [Hit(h.time + 0.01, h.drum, 1 + (127 - h.velocity if upside_down else h.velocity) // 2) for h in reference]
    for drum, correlation in velocity_correlation(reference, estimate).items():
        assert drum == "snare"
        assert correlation <= -0.9 if upside_down else correlation >= 0.9
    assert velocity_correlation(reference[:7], estimate[:7]) == {}


# ------------------------------------------------------------------------------------------------ beats


def beats(times: list[float], per_bar: int = 4) -> Beats:
    return Beats(np.array(times), np.array([i % per_bar + 1 for i in range(len(times))], np.int64))


def test_right_beats_are_right_and_half_time_is_allowed() -> None:
    true = [0.5 * i for i in range(1, 60)]
    perfect, half = score_beats(beats(true), beats(true)), score_beats(beats(true), beats(true[::2]))
    assert (perfect.f_measure, perfect.cmlt, perfect.amlt, perfect.downbeat_f, perfect.tempo) == (1, 1, 1, 1, 1)
    assert (half.cmlt, half.amlt, half.tempo, half.tempo_any) == (0, 1, 0, 1)
    assert half.f_measure == pytest.approx(2 / 3, abs=0.02)


def test_no_beats_score_nothing_and_places_may_be_unknown() -> None:
    true = beats([0.5 * i for i in range(1, 20)])
    assert score_beats(true, beats([])).f_measure == 0
    assert score_beats(true, Beats(true.times, None)).downbeat_f is None
    with pytest.raises(ValueError, match="two beats"):
        score_beats(beats([1.0]), true)


# ------------------------------------------------------------------------------------------------ written


def written(*onsets: Fraction, swing: Fraction | None = None) -> WrittenNotes:
    return WrittenNotes(tuple((o, Drum.SNARE) for o in onsets), Fraction(1), swing, 2 / 3)


def played(*positions: float) -> tuple[Hit, ...]:
    return tuple(Hit(1 + 0.5 * p, Drum.SNARE, 90) for p in positions)


PULSE = beats([1 + 0.5 * i for i in range(17)])


def test_notes_at_their_place_are_right_whatever_bar_the_count_starts_in() -> None:
    notes = written(Fraction(4), Fraction(9, 2), Fraction(21, 4), Fraction(7))
    assert score_written(played(0, 0.52, 1.24, 3), PULSE, notes) == Counts(4, 0, 0)
    assert score_written(played(0, 0.67, 1.24, 3), PULSE, notes) == Counts(3, 1, 1)


def test_under_the_word_swing_notes_are_compared_where_they_are_played() -> None:
    straight = (Fraction(0), Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(7, 3), Fraction(8, 3))
    hits = played(0, 0.66, 1, 1.67, 2, 2.33, 2.67)
    assert score_written(hits, PULSE, written(*straight, swing=Fraction(1, 2))) == Counts(7, 0, 0)
    assert score_written(hits, PULSE, written(*straight)).found < 7


def test_a_flam_is_one_note() -> None:
    assert score_written(played(0.95, 1, 2), PULSE, written(Fraction(1), Fraction(2))) == Counts(2, 0, 0)


MUSICXML = """<?xml version="1.0"?>
<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>D</part-name>
<score-instrument id="K"><instrument-name>K</instrument-name></score-instrument>
<midi-instrument id="K"><midi-unpitched>37</midi-unpitched></midi-instrument>
<midi-instrument id="H"><midi-unpitched>43</midi-unpitched></midi-instrument></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>2</divisions>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes>
<direction><sound tempo="90"><swing><first>2</first><second>1</second><swing-type>eighth</swing-type></swing></sound></direction>
<note><unpitched/><duration>1</duration><instrument id="H"/></note>
<note><chord/><unpitched/><duration>1</duration><instrument id="K"/></note>
<note><grace/><unpitched/><instrument id="K"/></note>
<note><unpitched/><duration>3</duration><tie type="start"/><instrument id="H"/></note>
<backup><duration>4</duration></backup><forward><duration>2</duration></forward>
<note><unpitched/><duration>2</duration><instrument id="K"/></note></measure>
<measure number="2"><note><unpitched/><duration>2</duration><tie type="stop"/><instrument id="H"/></note>
<note><rest/><duration>1</duration></note>
<note><unpitched/><duration>1</duration><instrument id="K"/></note></measure></part></score-partwise>"""


def test_musicxml_is_read_with_chords_voices_grace_notes_and_ties(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.musicxml", tmp_path / "a.mxl"
    plain.write_text(MUSICXML)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("a.musicxml", MUSICXML)
    expected = [
        (0, Drum.HIHAT_CLOSED),
        (0, Drum.KICK),
        (Fraction(1, 2), Drum.HIHAT_CLOSED),
        (1, Drum.KICK),
        (Fraction(7, 2), Drum.KICK),
    ]
    for path in (plain, packed):
        found = read_musicxml(path)
        assert sorted(found.notes) == sorted((Fraction(p), d) for p, d in expected)
        assert (found.unit, found.swing, found.swing_ratio) == (1, Fraction(1, 2), 2 / 3)
    plain.write_text("<score-timewise/>")
    with pytest.raises(InputError, match="score-timewise"):
        read_musicxml(plain)


def test_a_score_in_memory_compares_as_well() -> None:
    note = Note(Fraction(1, 2), Fraction(1, 2), Drum.KICK, 90, 2)
    score = Score((Bar(1, TimeSignature(6, 8), (note,)), Bar(2, TimeSignature(6, 8), (note,))))
    assert written_notes(score) == WrittenNotes(((Fraction(1, 2), Drum.KICK), (Fraction(7, 2), Drum.KICK)), Fraction(3, 2))


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("text", "drums"),
    [
        ("0.02 \t CRC \n0.5\tSST\n1.0 PHH", [Drum.CRASH, Drum.CROSS_STICK, Drum.HIHAT_CLOSED]),
        ("0.1 bd\n0.2 sd-\n0.3 ohh\n0.4 rc2", [Drum.KICK, Drum.SNARE, Drum.HIHAT_OPEN, Drum.RIDE]),
        ("0.1 0\n0.2 1\n0.3 2", [Drum.KICK, Drum.SNARE, Drum.HIHAT_CLOSED]),
        ("0.1,0\n0.2,2\n0.3,3\n0.4,5", [Drum.KICK, Drum.TOM_MID, Drum.HIHAT_CLOSED, Drum.RIDE]),
        ("# comment\n0.1 36\n0.2 46\n0.3 54", [Drum.KICK, Drum.HIHAT_OPEN, Drum.OTHER]),
        ("0.1 kick\n0.2 tom_low", [Drum.KICK, Drum.TOM_LOW]),
        ("", []),
    ],
)
def test_labels_of_every_dataset_are_read(tmp_path: Path, text: str, drums: list[Drum]) -> None:
    path = tmp_path / "song.txt"
    path.write_text(text)
    annotation = read_hits(path)
    assert [h.drum for h in annotation.hits] == drums
    assert not annotation.has_velocity


@pytest.mark.parametrize(
    ("text", "message"), [("0.1 KD\nx SD", "line 2"), ("0.1", "line 1"), ("nan KD", "line 1"), ("0.1 GONG", "gong")]
)
def test_a_line_that_cannot_be_understood_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "song.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_hits(path)
    with pytest.raises(FileNotReadable):
        read_beats(tmp_path / "nothing.beats")


def test_midi_tells_hits_velocities_and_beats(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(write_midi(SONG))
    annotation = read_hits(path)
    assert annotation.has_velocity
    assert [(h.drum, h.velocity) for h in annotation.hits] == [(h.drum, h.velocity) for h in HITS]
    assert [h.time for h in annotation.hits] == pytest.approx([h.time for h in HITS], abs=1e-3)
    read = read_beats(path)
    # the lead-in of one beat is a short bar of its own
    assert read.times[1:30] == pytest.approx([b.time for b in BEATS.beats[:29]], abs=1e-3)
    assert read.numbers is not None
    assert list(read.numbers[1:6]) == [1, 2, 3, 4, 1]
    path.write_bytes(
        write_score_midi(Score((Bar(1, TimeSignature(6, 8), (Note(Fraction(5, 2), Fraction(1, 2), Drum.KICK, 90, 2),)),)))
    )
    assert list(read_beats(path).times) == pytest.approx([0.0, 0.75])
    path.write_bytes(b"MThd")
    with pytest.raises(InputError, match="not a MIDI file"):
        read_hits(path)


@pytest.mark.parametrize("text", ["1.0 1\n0.5 2", "a b", "1.0 x"])
def test_beats_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "song.beats"
    path.write_text(text)
    with pytest.raises(InputError, match="does not hold beats"):
        read_beats(path)


def test_two_folders_become_one_report(tmp_path: Path) -> None:
    references, estimates = tmp_path / "references", tmp_path / "estimates"
    (references / "beats").mkdir(parents=True)
    estimates.mkdir()
    (references / "a.hits.json").write_bytes(write_hits_json(SONG))
    (references / "b_class.txt").write_text("1.0 OT\n")
    (references / "b_subclass.txt").write_text("1.0 KD\n")
    (references / "beats" / "a_MIX.beats").write_text("\n".join(f"{b.time} {b.number}" for b in BEATS.beats))
    late = Performance(tuple(Hit(h.time + 0.02, h.drum, h.velocity) for h in HITS), BEATS, SONG.duration)
    (estimates / "a.hits.json").write_bytes(write_hits_json(late))
    (estimates / "a.beats.json").write_bytes(write_beats_json(late))
    (estimates / "a.score.json").write_text("{}")
    report = evaluate_folder(estimates, references)
    assert report.hits[9].pooled == Counts(60, 0, 0)
    assert report.without_estimate == ("b (hits)",)
    assert report.means == pytest.approx(dict.fromkeys(report.means, 1.0) | {"velocity_error": 0.0})
    assert {"hits_f_5", "beats_downbeat_f", "velocity_rank_correlation"} <= set(report.means)
    assert evaluate_folder(estimates, references, tolerance=0.01).hits[5].pooled.found == 0
    assert "9 classes, 50 ms, 1 songs" in report.text()
    assert json.loads(report.to_json())["hits"]["5_classes"]["pooled"]["found"] == 60


def test_folders_that_share_no_song_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No song"):
        evaluate_folder(tmp_path, tmp_path)
    with pytest.raises(FileNotReadable):
        evaluate_folder(tmp_path / "nowhere", tmp_path)


# ------------------------------------------------------------------------------------------------ against the scorers


def scorer(shared: Path, name: str) -> ModuleType:
    """One of the independent scorers beside the checkout."""
    spec = importlib.util.spec_from_file_location(name, shared / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.shared
@pytest.mark.parametrize("tolerance", [0.05, 0.02])
@pytest.mark.parametrize("size", [3, 5, 9])
def test_hits_score_as_the_independent_scorer_scores_them(shared: Path, size: int, tolerance: float) -> None:
    tool, mdb = scorer(shared, "eval_adt"), shared / "data" / "mdb_dev"
    folder = shared / "tools" / "example" / "hits_floor"
    songs = [p.stem for p in sorted(folder.glob("*.json"))]
    references = {song: tool.read_reference(mdb, song) for song in songs}
    theirs = tool.score(
        references, {s: tool.read_prediction(folder / f"{s}.json") for s in songs}, tool.VOCABULARIES[str(size)], tolerance
    )
    ours = evaluate_folder(folder, mdb / "annotations", tolerance=tolerance).hits[size]
    assert (ours.pooled.found, ours.pooled.invented, ours.pooled.missed) == tuple(theirs["sum"][k] for k in ("tp", "fp", "fn"))
    assert ours.mean_f == pytest.approx(theirs["mean"]["f"])
    assert ours.macro_f == pytest.approx(theirs["macro_f"])
    assert sorted(c.f_measure for c in ours.classes.values()) == pytest.approx(sorted(c["f"] for c in theirs["class"].values()))


@pytest.mark.shared
def test_beats_score_as_the_independent_scorer_scores_them(shared: Path) -> None:
    tool, mdb = scorer(shared, "eval_beats"), shared / "data" / "mdb_dev"
    folder = shared / "tools" / "example" / "beats_librosa"
    ours = evaluate_folder(folder, mdb / "annotations").beats
    assert len(ours) == 5
    for song, scores in ours.items():
        theirs = tool.score(*tool.read(mdb / "annotations" / "beats" / f"{song}_MIX.beats"), *tool.read(folder / f"{song}.beats"))
        found = (scores.f_measure, scores.cmlt, scores.amlt, scores.tempo, scores.tempo_any)
        assert found == pytest.approx(tuple(theirs[k] for k in ("F", "CMLt", "AMLt", "T1", "T2")))
