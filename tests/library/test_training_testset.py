"""The generated test sets say truly what each of their pieces is."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from tiny_pack import make_pack, make_songs

from drumscribe import load_models
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.evaluation import read_beats, read_hits
from drumscribe.features import BANDS, FLOOR, FRAME_RATE, SAMPLE_RATE, log_mel
from drumscribe.training.audition import draw_labels, write_audition
from drumscribe.training.drummer import SECONDS, attack_power
from drumscribe.training.generator import Generator
from drumscribe.training.inspection import audible_strokes
from drumscribe.training.material import Kits, load_kits, of_kinds, sort_out
from drumscribe.training.testset import CONDITIONS, COUNTING, render_patterns, render_performances, write_test_set
from drumscribe.types import Drum


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def generator(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return Generator(pack, make_songs(tmp_path_factory.mktemp("songs")), validation=True)


def written(generator: Generator, folder: Path, condition: str) -> dict[str, dict[str, object]]:
    assert condition in [c.name for c in CONDITIONS]
    write_test_set(render_patterns(generator, only=condition), folder, generator.kits.kind)
    return json.loads((folder / "conditions.json").read_text())


def test_every_piece_is_described_and_annotated(generator: Generator, tmp_path: Path) -> None:
    pieces = written(generator, tmp_path, "6/8")
    assert [about["kind"] for about in pieces.values()] == ["drums", "mix"]
    for name, about in pieces.items():
        hits = read_hits(tmp_path / "hits" / f"{name}.json").hits
        beats = read_beats(tmp_path / "beats" / f"{name}.beats")
        assert (about["condition"], about["unit"], about["metre"], about["kit_kinds"]) == ("6/8", "3/2", "6/8", ["acoustic"])
        assert about["bpm"] == pytest.approx(80, rel=0.01)
        others = read_hits(tmp_path / "others" / f"{name}.txt").hits
        assert about["density"] == pytest.approx((len(hits) + sum(o.drum is Drum.OTHER for o in others)) / SECONDS, abs=0.01)
        assert (about["ratio_db"] is None) == (about["kind"] == "drums")
        assert beats.numbers is not None
        assert set(beats.numbers) == {1, 2}
        samples, rate = soundfile.read(tmp_path / "audio" / f"{name}.flac")
        assert (rate, len(samples)) == (SAMPLE_RATE, SECONDS * SAMPLE_RATE)
        marks = json.loads((tmp_path / "hits" / f"{name}.json").read_text())
        assert any(mark["audible"] for mark in marks)


def test_a_condition_of_the_ratio_holds_mixes_only(generator: Generator) -> None:
    pieces = list(render_patterns(generator, only="drums -6 dB"))
    assert [(piece.kind, piece.ratio_db) for piece in pieces] == [("mix", -6.0)] * 2


def test_the_metre_changes_on_a_bar_line(generator: Generator) -> None:
    (piece, *_) = render_patterns(generator, only="4/4 to 3/4")
    numbers = np.array([n for _, n in piece.item.beats])
    lengths = np.diff(np.flatnonzero(numbers == 1))
    change = int(np.argmax(lengths == 3))
    assert change > 0
    assert set(lengths[:change]) == {4}
    assert set(lengths[change:]) == {3}
    gaps = np.diff([t for t, _ in piece.item.beats])
    assert gaps == pytest.approx(0.5, abs=0.02)


def test_a_change_of_metre_keeps_the_pulse_whatever_its_tempo(generator: Generator) -> None:
    (piece,) = render_patterns(generator, pieces=1, only="12/8 to 6/8", conditions=COUNTING)
    assert (piece.metre, piece.kind, piece.item.unit) == ("12/8 to 6/8", "drums", Fraction(3, 2))
    numbers = np.array([n for _, n in piece.item.beats])
    lengths = np.diff(np.flatnonzero(numbers == 1)).tolist()
    change = lengths.index(2)
    assert change > 0
    assert lengths == [4] * change + [2] * (len(lengths) - change)
    gaps = np.diff([t for t, _ in piece.item.beats])
    assert gaps == pytest.approx(np.median(gaps), rel=0.05)


def test_readings_of_a_set_are_held_against_its_beats(generator: Generator, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="fitting needs the extra [train]")
    from drumscribe.training.fit_readings import cases_of_set

    written(generator, tmp_path, "6/8")
    cases = cases_of_set(tmp_path, load_models())
    assert [case.metre for case in cases] == ["2 of 1.5"] * 2
    for case in cases:
        assert case.features.shape == (len(case.worth), len(DecoderParameters().reading_weights))
        assert case.worth.max() > 0.6


def test_bait_holds_side_sticks_and_percussion_and_no_hats_after_the_middle(generator: Generator, tmp_path: Path) -> None:
    for name in written(generator, tmp_path, "tambourine and side stick"):
        hits = read_hits(tmp_path / "hits" / f"{name}.json").hits
        others = read_hits(tmp_path / "others" / f"{name}.txt").hits
        assert {hit.drum for hit in others if hit.time > SECONDS / 2 + 0.1} == {Drum.CROSS_STICK, Drum.OTHER}
        assert not {hit.drum for hit in hits if hit.time > SECONDS / 2 + 0.1} & {Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN}


def test_performances_of_the_test_split_are_played_alone_and_in_a_band(generator: Generator, pack: Path) -> None:
    pieces = list(render_performances(generator, pack, pieces=1))
    assert [(piece.condition, piece.kind, piece.metre) for piece in pieces] == [
        ("groove rock", "drums", "4/4"),
        ("groove rock", "mix", "4/4"),
    ]
    assert len(pieces[0].item.events) == 64
    assert [n for _, n in pieces[0].item.beats][:5] == [1, 2, 3, 4, 1]


@pytest.mark.parametrize("decay", [40, 4000])
def test_a_stroke_is_as_loud_by_itself_as_in_the_spectrum(decay: int) -> None:
    """Clicks too: a window that begins at their attack would hardly hear them."""
    onset, at = 25, 50
    sound = np.zeros(SAMPLE_RATE // 4, np.float32)
    sound[onset:] = np.exp(-np.arange(len(sound) - onset) / decay) * np.sin(np.arange(len(sound) - onset) / 9)
    track = np.zeros(SAMPLE_RATE, np.float32)
    start = round(at / FRAME_RATE * SAMPLE_RATE) - onset
    track[start : start + len(sound)] = sound
    shown = np.exp(log_mel(track)[at - 1 : at + 3].max(axis=0)) - FLOOR
    np.testing.assert_allclose(attack_power(sound, onset), shown, rtol=1e-3, atol=1e-3 * shown.max())


def test_plain_sound_is_that_of_the_samples(generator: Generator, pack: Path) -> None:
    (piece,) = render_performances(generator, pack, pieces=1, is_plain=True)
    item = piece.item
    assert (piece.condition, piece.kind, item.backing) == ("groove plain rock", "drums", None)
    np.testing.assert_array_equal(item.mix, item.drums)
    assert all(heard for event, heard in zip(item.events, audible_strokes(item), strict=True) if event.loudness > -3)
    gap = item.mix[: int(0.3 * SAMPLE_RATE)]
    assert np.abs(gap).max() < 1e-6  # no room, no hiss before the first stroke


def test_kits_of_one_kind_play_and_others_only_what_these_lack(pack: Path) -> None:
    viral, free = load_kits(pack, validation=True), load_kits(pack)
    del free.strokes["free"]["ride"]
    both = Kits({**viral.strokes, **free.strokes}, {**viral.family, **free.family}, {"viral": "acoustic", "free": "electronic"})
    sort_out(both)
    electronic = of_kinds(both, ("electronic",))
    assert electronic.by_group["kick"] == {"free": ["free"]}
    assert electronic.by_group["ride"] == {"viral": ["viral"]}
    assert electronic.by_class["snare"] == ["free"]


def test_an_audition_shows_and_plays_every_label(generator: Generator, tmp_path: Path) -> None:
    write_audition(generator, tmp_path, range(2, 4))
    page = (tmp_path / "index.html").read_text("utf-8")
    for file in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (tmp_path / file).is_file(), file
    for seed in (2, 3):
        labels = json.loads((tmp_path / f"{seed:06d}.json").read_text())
        assert [hit["time"] for hit in labels["hits"]] == pytest.approx(
            sorted(e.time for e in generator.item(seed).events), abs=1e-4
        )
        assert f"{seed:06d}-mix.flac" in page
        with Image.open(tmp_path / f"{seed:06d}.png") as picture:
            assert picture.width > 1600


def test_a_picture_tells_apart_what_is_heard_and_what_is_not(generator: Generator) -> None:
    item = generator.item(2)
    spectrum = np.zeros((int(SECONDS * FRAME_RATE), BANDS), np.float32)
    green, red = (40, 120, 60), (200, 40, 40)
    for is_audible, shown, hidden in ((True, green, red), (False, red, green)):
        picture = draw_labels(spectrum, item, (is_audible,) * len(item.events))
        colours = {colour for _, colour in picture.getcolors(1 << 24) or ()}
        assert shown in colours
        assert hidden not in colours
