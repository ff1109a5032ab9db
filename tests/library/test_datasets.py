"""Public data sets are recognised by their own layouts, paired, and evaluated: tiny trees of real sound in each layout."""

from __future__ import annotations

import json
import shutil
import sys
import wave
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import get_args

import mido
import numpy as np
import pytest
from PIL import Image
from test_evaluation import scorer
from tiny_networks import RATE, publish_thump_and_hiss, thump_and_hiss

from drumscribe.cli import main
from drumscribe.cli.evaluate import Kind
from drumscribe.errors import InputError, OptionError
from drumscribe.evaluation import by_condition, compare, count_false_hats, find, hear_piece, read_hits, songs_of
from drumscribe.evaluation.annotations import HitList
from drumscribe.evaluation.calibration import calibration
from drumscribe.evaluation.layouts import KINDS, Piece
from drumscribe.evaluation.pictures import draw_bar
from drumscribe.evaluation.report import Song
from drumscribe.evaluation.runs import Heard, load_sound, read_truth
from drumscribe.evaluation.worst import worst_bars
from drumscribe.types import Drum, Hit
from drumscribe.weights import Models, load_models

SECONDS = 4.0
TIMES = [round(float(t), 3) for t in np.arange(0.5, SECONDS - 0.2, 0.25)]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of kick and closed hat by turns, a tone, and networks that hear the drums."""
    folder = tmp_path_factory.mktemp("studio")
    publish_thump_and_hiss(folder)
    thump_and_hiss(folder / "song.wav", SECONDS)
    tone = 3000 * np.sin(2 * np.pi * 1000 * np.arange(round(1.5 * SECONDS * RATE)) / RATE)
    with wave.open(str(folder / "tone.wav"), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.repeat(tone.astype("<i2"), 2).tobytes())
    return folder


@pytest.fixture(scope="module")
def models(studio: Path) -> Models:
    return load_models(manifest=studio / "manifest.toml")


def text(path: Path, kick: object, hat: object, extra: str = "") -> Path:
    """Annotate the recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{t:.3f}\t{hat if n % 2 else kick}\n" for n, t in enumerate(TIMES)) + extra)
    return path


def beats(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{t:.3f}\t{n % 4 + 1}\n" for n, t in enumerate(TIMES[::2])))
    return path


def record(studio: Path, *places: Path, what: str = "song.wav") -> None:
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(studio / what, place)


def mdb(studio: Path, root: Path) -> None:
    home = root / "MDBDrums-master" / "MDB Drums"
    for name in ("80sRock", "CoolJazz"):
        text(home / "annotations" / "subclass" / f"MusicDelta_{name}_subclass.txt", "KD", "CHH")
        text(home / "annotations" / "class" / f"MusicDelta_{name}_class.txt", "SD", "SD")
        beats(home / "annotations" / "beats" / f"MusicDelta_{name}_MIX.beats")
    record(studio, home / "audio" / "full_mix" / "MusicDelta_80sRock_MIX.wav")
    record(studio, *(home / "audio" / "drum_only" / f"MusicDelta_{n}_Drum.wav" for n in ("80sRock", "CoolJazz")))


def enst(studio: Path, root: Path) -> None:
    for name in ("107_minus-one_salsa_sticks", "123_MIDI-minus-one_blues-102_brushes", "036_phrase_disco_simple_slow_sticks"):
        home = root / "ENST-drums-public" / "drummer_1"
        text(home / "annotation" / f"{name}.txt", "bd", "chh")
        record(studio, home / "audio" / "wet_mix" / f"{name}.wav")
        if "107" in name:
            record(studio, home / "audio" / "accompaniment" / f"{name}.wav", what="tone.wav")


def rbma(studio: Path, root: Path) -> None:
    text(root / "annotations" / "drums" / "RBMA-13-Track-01.txt", 0, 2)
    text(root / "annotations" / "drums_l" / "RBMA-13-Track-01.txt", 0, 7)
    text(root / "annotations" / "drums_l" / "RBMA-13-Track-30.txt", 0, 7)
    beats(root / "annotations" / "beats" / "RBMA-13-Track-01.txt")
    record(studio, root / "audio" / "Various Assets - Not For Sale Red Bull Music - 01 Sunrise.wav")


def idmt(studio: Path, root: Path) -> None:
    (root / "annotation_xml").mkdir(parents=True)
    (root / "annotation_svl").mkdir()
    names = ("HH", "KD")
    events = "".join(
        f"<event><pitch>0</pitch><onsetSec>{t}</onsetSec><instrument>{names[n % 2 == 0]}</instrument></event>"
        for n, t in enumerate(TIMES)
    )
    xml = f"<instrumentRecording><transcription>{events}</transcription></instrumentRecording>"
    (root / "annotation_xml" / "RealDrum01_00#MIX.xml").write_text(xml)
    for start, instrument in ((1, "HH"), (0, "KD")):
        points = "".join(f'<point frame="{round(t * 44100)}" label=""/>' for t in TIMES[start::2])
        svl = f'<sv><data><model id="1" sampleRate="44100"/><dataset id="0">{points}</dataset></data></sv>'
        (root / "annotation_svl" / f"WaveDrum02_60#{instrument}.svl").write_text(svl)
    stems = ("RealDrum01_00#MIX", "RealDrum01_00#KD", "RealDrum01_00#KD#train", "WaveDrum02_60#MIX")
    record(studio, *(root / "audio" / f"{stem}.wav" for stem in stems))


def egmd(studio: Path, root: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000), mido.MetaMessage("time_signature")])
    for n, _ in enumerate(TIMES):
        track.append(
            mido.Message("note_on", channel=9, note=42 if n % 2 else 36, velocity=40 + 6 * (n // 2), time=480 if n == 0 else 240)
        )
    file.tracks.append(track)
    home = root / "e-gmd-v1.0.0"
    (home / "drummer1" / "eval_session").mkdir(parents=True)
    record(studio, home / "drummer1" / "eval_session" / "1_funk_120_beat_4-4_1.wav")
    file.save(home / "drummer1" / "eval_session" / "1_funk_120_beat_4-4_1.midi")
    here = "drummer1/eval_session/1_funk_120_beat_4-4_1"
    rows = [
        "drummer,session,id,style,bpm,beat_type,time_signature,duration,split,midi_filename,audio_filename,kit_name",
        f"drummer1,s,1,funk/groove1,120,beat,4-4,4.0,test,{here}.midi,{here}.wav,Acoustic Kit",
        "drummer1,s,2,rock,120,beat,4-4,4.0,test,../../x.midi,../../x.wav,Acoustic Kit",
        "drummer1,s,3,rock,120,beat,4-4,4.0,train,a.midi,a.wav,Acoustic Kit",
    ]
    (home / "e-gmd-v1.0.0.csv").write_text("\n".join(rows) + "\n")


def mirex(studio: Path, root: Path) -> None:
    text(root / "annotations" / "RV_1.txt", 0, 3)
    text(root / "annotations" / "RV_2.txt", 0, 3, "0.600\t5\n")
    record(studio, root / "audio" / "RV_1.wav", root / "audio" / "RV_2.wav", root / "audio" / "RV_3.wav")


def generated(studio: Path, root: Path) -> None:
    about: dict[str, dict[str, object]] = {}
    for name, kind, ratio in (("000-a", "drums", None), ("001-b", "mix", -6.0)):
        rows = [{"time": t, "instrument": "hihat_closed" if n % 2 else "kick", "velocity": 0.5} for n, t in enumerate(TIMES)]
        if ratio:
            rows.append({"time": 1.6, "instrument": "snare", "velocity": 0.25, "audible": False})
        (root / "hits").mkdir(parents=True, exist_ok=True)
        (root / "hits" / f"{name}.json").write_text(json.dumps(rows))
        text(root / "others" / f"{name}.txt", "", "").write_text("1.6000 cross_stick\n1.0000 other\n" if ratio else "")
        beats(root / "beats" / f"{name}.beats")
        record(studio, root / "audio" / f"{name}.wav")
        about[name] = {"condition": name[4:], "kind": kind, "unit": "1", "bpm": 120.0, "metre": "4/4", "density": 4.0}
        about[name] |= {"ratio_db": ratio, "kit_kinds": ["acoustic"]}
    (root / "conditions.json").write_text(json.dumps(about))


#: Set → (its maker, names paired, words of what is not, vocabularies, whether it has beats).
SETS: dict[str, tuple[Callable[[Path, Path], None], list[str], list[str], tuple[int, ...], bool]] = {
    "mdb": (mdb, ["MusicDelta_80sRock"], ["MusicDelta_CoolJazz: no sound in audio/full_mix"], (3, 5, 9), True),
    "enst": (
        enst,
        ["drummer_1_107_minus-one_salsa_sticks"],
        ["drummer_1/123_MIDI-minus-one_blues-102_brushes: no accompaniment"],
        (3, 5, 9),
        False,
    ),
    "rbma13": (rbma, ["RBMA-13-Track-01"], ["RBMA-13-Track-30: no sound in audio"], (3, 5, 9), True),
    "idmt": (idmt, ["RealDrum01_00", "WaveDrum02_60"], [], (3,), False),
    "egmd": (
        egmd,
        ["drummer1_eval_session_1_funk_120_beat_4-4_1"],
        ["../../x: audio_filename leads out of the folder"],
        (3, 5, 9),
        True,
    ),
    "mirex": (mirex, ["RV_1", "RV_2"], ["RV_3: no annotation"], (3, 5), False),
    "generated": (generated, ["000-a", "001-b"], [], (3, 5, 9), True),
}


def test_every_kind_is_tried_and_can_be_asked_for() -> None:
    assert SETS.keys() == KINDS.keys()
    assert set(get_args(Kind)) == {"auto", *KINDS}


@pytest.mark.parametrize("kind", SETS)
def test_a_set_is_recognised_paired_and_heard(kind: str, studio: Path, models: Models, tmp_path: Path) -> None:
    make, names, unpaired, vocabularies, has_beats = SETS[kind]
    make(studio, tmp_path)
    dataset = find(tmp_path)
    assert (dataset.kind, [p.name for p in dataset.pieces]) == (kind, names)
    assert (list(dataset.unpaired), dataset.vocabularies) == (unpaired, vocabularies)
    assert find(tmp_path, kind) == dataset
    heard = [hear_piece(piece, models) for piece in dataset.pieces]
    report = compare(songs_of(heard), vocabularies=dataset.vocabularies)
    for size in vocabularies:
        played = {"mirex": len(TIMES) * 2 + (size > 3), "generated": len(TIMES) * 2 + 1}.get(kind, len(TIMES) * len(names))
        pooled = report.hits[size].pooled
        assert (pooled.found, pooled.invented) == (len(TIMES) * len(names), 0)
        assert pooled.found + pooled.missed == played
        assert report.tight[size].pooled.found == pooled.found
    assert set(report.hits) == set(vocabularies)
    assert bool(report.beats) == has_beats
    assert all(scores.f_measure > 0.8 for scores in report.beats.values())
    assert bool(report.velocity_error) == (kind in ("egmd", "generated"))


def test_a_choice_of_sound_and_part_is_heeded(studio: Path, tmp_path: Path) -> None:
    mdb(studio, tmp_path / "mdb")
    enst(studio, tmp_path / "enst")
    egmd(studio, tmp_path / "egmd")
    assert [p.facts["genre"] for p in find(tmp_path / "mdb", sound="drums").pieces] == ["rock", "jazz"]
    alone = find(tmp_path / "enst", sound="drums", part="all").pieces
    assert [p.facts.get("genre") for p in alone] == ["disco", "salsa", "blues"]
    assert (alone[2].facts["bpm"], alone[2].facts["kit_kinds"]) == (102.0, ("brushes",))
    assert [p.name for p in find(tmp_path / "enst", sound="drums", part="phrase").pieces] == [alone[0].name]
    weights = [weight for _, weight in find(tmp_path / "enst", drum_share=0.75).pieces[0].sound]
    assert weights == [0.75, 0.25]
    with pytest.raises(OptionError, match="egmd holds drums, not mix"):
        find(tmp_path / "egmd", sound="mix")
    with pytest.raises(OptionError, match="test, validation, train, all"):
        find(tmp_path / "egmd", part="minus-one")
    with pytest.raises(InputError, match=r"a\.wav is not there"):
        find(tmp_path / "egmd", part="train")
    with pytest.raises(InputError, match="does not look like"):
        find(studio)
    text(tmp_path / "a.txt", "rc5", "spl7")
    assert {h.drum for h in read_hits(tmp_path / "a.txt").hits} == {Drum.RIDE, Drum.CRASH}


def test_drums_and_accompaniment_are_added_up_with_their_weights(studio: Path, tmp_path: Path) -> None:
    enst(studio, tmp_path)
    mixed = load_sound(find(tmp_path).pieces[0])
    song, tone = (load_sound(Piece("", ((studio / name, 1.0),), ())) for name in ("song.wav", "tone.wav"))
    count = song.samples.shape[1]
    assert mixed.samples.shape == (2, count)
    np.testing.assert_allclose(mixed.samples, song.samples * 2 / 3 + tone.samples[:, :count] / 3, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xml", "<a><event><onsetSec>x</onsetSec><instrument>KD</instrument></event></a>"),
        ("a.xml", "<a><event><onsetSec>1</onsetSec><instrument>GONG</instrument></event></a>"),
        ("a.xml", "<a>"),
        ("x#KD.svl", "<sv/>"),
        ("x#KD.svl", '<sv><data><model sampleRate="0"/><dataset><point frame="3"/></dataset></data></sv>'),
    ],
)
def test_damaged_layers_are_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError):
        read_hits(tmp_path / name)


def test_a_stroke_just_before_zero_is_at_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<a><event><onsetSec>-1.2e-05</onsetSec><instrument>KD</instrument></event></a>")
    assert [(h.time, h.drum) for h in read_hits(path).hits] == [(0.0, Drum.KICK)]


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 3}', "\xff"])
def test_damaged_lists_are_refused(studio: Path, tmp_path: Path, content: str) -> None:
    generated(studio, tmp_path / "generated")
    (tmp_path / "generated" / "conditions.json").write_text(content, "latin-1")
    with pytest.raises(InputError, match=r"conditions.json"):
        find(tmp_path / "generated")
    egmd(studio, tmp_path / "egmd")
    (tmp_path / "egmd" / "e-gmd-v1.0.0" / "e-gmd-v1.0.0.csv").write_text(f"drummer,split\n{content},test\n", "latin-1")
    with pytest.raises(InputError, match=r"e-gmd-v1.0.0.csv"):
        find(tmp_path / "egmd")


# ------------------------------------------------------------------------------------------------ measures


def test_velocity_counts_by_rank_and_by_size() -> None:
    true = [Hit(0.5 * n, Drum.SNARE, 20 + 10 * n) for n in range(10)]
    found = [Hit(h.time + 0.01, Drum.SNARE, h.velocity + (6 if n % 2 else -5)) for n, h in enumerate(true)]
    report = compare({"a": Song(HitList(tuple(true), True), HitList(tuple(found), True))})
    assert report.means["velocity_error"] == pytest.approx(5.5 / 127)
    assert report.means["velocity_rank_correlation"] == pytest.approx(1 - 6 * 2 * 4 / 990)


def test_hats_at_side_sticks_and_tambourines_are_counted_unless_a_hat_was_played() -> None:
    true = [Hit(1, Drum.CROSS_STICK, 80), Hit(2, Drum.OTHER, 80), Hit(3, Drum.OTHER, 80), Hit(3, Drum.HIHAT_OPEN, 80)]
    heard = [Hit(1.05, Drum.HIHAT_CLOSED, 80), Hit(2.06, Drum.HIHAT_CLOSED, 80), Hit(3.01, Drum.HIHAT_CLOSED, 80)]
    false = count_false_hats(true, heard)
    assert (false.strokes, false.hats, false.share) == (3, 1, pytest.approx(1 / 3))
    assert count_false_hats([], heard).share is None


def test_calibration_is_the_distance_between_confidence_and_what_is_right() -> None:
    true = [Hit(float(n), Drum.KICK, 80) for n in range(8)]
    found = [Hit(float(n), Drum.KICK, 80, 0.9) for n in range(8)] + [Hit(n + 0.5, Drum.KICK, 80, 0.3) for n in range(2)]
    result = calibration({"a": true}, {"a": found})
    assert result is not None
    assert [(b.hits, b.right) for b in result.bins] == [(2, 0.0), (8, 1.0)]
    assert result.error == pytest.approx(0.2 * 0.3 + 0.8 * 0.1)
    assert calibration({"a": true}, {"a": true}) is None


# ------------------------------------------------------------------------------------------------ conditions and pictures


@pytest.fixture
def heard(studio: Path, models: Models, tmp_path: Path) -> list[Heard]:
    generated(studio, tmp_path)
    return [hear_piece(piece, models) for piece in find(tmp_path).pieces]


def test_a_side_stick_that_is_a_snare_elsewhere_is_one_stroke(heard: list[Heard]) -> None:
    truth = read_truth(heard[1].piece)
    assert [(h.drum, h.velocity) for h in truth.hits if h.time == 1.6] == [(Drum.CROSS_STICK, 32)]
    assert sum(h.drum is Drum.OTHER for h in truth.hits) == 1


def test_figures_are_grouped_by_what_differs(heard: list[Heard]) -> None:
    tables = by_condition(heard)
    assert tables.keys() == {"ratio", "condition"}  # tempo, metre, density and kit are the same in both
    assert {name: (row.pieces, row.strokes) for name, row in tables["ratio"].items()} == {
        "under -3 dB": (1, len(TIMES) + 1),
        "drums alone": (1, len(TIMES)),
    }
    assert tables["condition"]["b"].scores[9].missed == 1


def test_the_worst_bar_is_found_and_drawn(heard: list[Heard]) -> None:
    assert worst_bars(heard)[0].drowned == 1
    bars = worst_bars(heard)
    assert [(bar.heard.piece.name, bar.number, bar.mistakes) for bar in bars] == [("001-b", 1, 1)]
    assert worst_bars(heard[:1]) == []


def test_an_evaluation_of_a_set_is_one_command(
    studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def program(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["drumscribe", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    mdb(studio, tmp_path / "set")
    wrong = tmp_path / "set" / "MDBDrums-master" / "MDB Drums" / "annotations" / "subclass" / "MusicDelta_80sRock_subclass.txt"
    wrong.write_text(wrong.read_text() + "1.600 CRC\n")
    network = ("--manifest", studio / "manifest.toml")
    status, out, _ = program(tmp_path / "set", "--list")
    assert status == 0
    assert "MusicDelta_80sRock: " in out
    assert "not paired: MusicDelta_CoolJazz: no sound in audio/full_mix" in out
    status, out, err = program(tmp_path / "set", "--sound", "drums", "--json", "--worst", tmp_path / "worst", *network)
    document = json.loads(out)
    assert (status, document["dataset"]["pieces"]) == (0, ["MusicDelta_80sRock", "MusicDelta_CoolJazz"])
    assert document["hits"]["9_classes"]["pooled"]["missed"] == 1
    assert document["conditions"]["genre"]["jazz"]["hits_9"]["f"] == 1.0
    assert "mdb, drums, all: 2 pieces" in err
    pictures = sorted((tmp_path / "worst").iterdir())
    assert [path.name for path in pictures] == ["worst-01.png"]
    status, out, err = program(tmp_path / "set", "--limit", "1", *network)
    assert (status, "hits, 9 classes, 50 ms, 1 songs" in out) == (0, True)
    (tmp_path / "set" / "MDBDrums-master" / "MDB Drums" / "audio" / "full_mix" / "MusicDelta_CoolJazz_MIX.wav").write_text(
        "no sound"
    )
    status, out, err = program(tmp_path / "set", "-q", *network)
    assert (status, "MusicDelta_CoolJazz" in err) == (1, True)
    assert program(tmp_path / "set", tmp_path / "set", "--limit", "1")[0] == 2
    assert program(tmp_path / "set", "--transcribe")[0] == 2


def test_a_picture_shows_what_was_missed_and_what_invented(studio: Path, models: Models, tmp_path: Path) -> None:
    path = text(tmp_path / "a.txt", "kick", "hihat_closed", "1.100 crash\n")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[2:]))  # two strokes of the first bar are heard, not told
    piece = Piece("a", ((studio / "song.wav", 1.0),), (path,), beats(tmp_path / "a.beats"))
    (bar,) = worst_bars([hear_piece(piece, models)])
    assert (bar.number, bar.count("missed"), bar.count("invented")) == (1, 1, 2)
    picture = draw_bar(bar, load_sound(piece))
    assert len(picture) < 60_000
    pixels = np.asarray(Image.open(BytesIO(picture)).convert("RGB")).reshape(-1, 3)
    missed, invented = (
        int(np.all(np.abs(pixels.astype(int) - colour) < 8, axis=1).sum()) for colour in ((214, 128, 0), (196, 62, 0))
    )
    assert missed > 80  # a ring among the marks, another in the legend
    assert invented > 80


@pytest.mark.shared
@pytest.mark.parametrize("sound", ["mix", "drums"])
def test_recordings_score_as_the_independent_scorer_scores_them(shared: Path, sound: str) -> None:
    tool, folder = scorer(shared, "eval_adt"), shared / "data" / "mdb_dev"
    dataset = find(folder, sound=sound)
    assert (dataset.kind, len(dataset.pieces), len(dataset.unpaired)) == ("mdb", 5, 3)
    heard = [hear_piece(piece, load_models()) for piece in dataset.pieces]
    report = compare(songs_of(heard))
    true = {one.piece.name: tool.read_reference(folder, one.piece.name) for one in heard}
    found = {
        one.piece.name: [
            (h.time, str(Drum.SNARE if h.drum is Drum.CROSS_STICK else h.drum))
            for h in one.performance.hits
            if h.drum is not Drum.OTHER
        ]
        for one in heard
    }
    for size in (3, 5, 9):
        for ours, window in ((report.hits[size], 0.05), (report.tight[size], 0.02)):
            theirs = tool.score(true, found, tool.VOCABULARIES[str(size)], window)
            counts = (ours.pooled.found, ours.pooled.invented, ours.pooled.missed)
            assert counts == tuple(theirs["sum"][k] for k in ("tp", "fp", "fn"))
            assert (ours.mean_f, ours.macro_f) == pytest.approx((theirs["mean"]["f"], theirs["macro_f"]))
