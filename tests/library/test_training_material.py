"""The training generator, on a tiny pack made here: seeded, labelled where the sound is, licence tiers kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pretty_midi = pytest.importorskip("pretty_midi", reason="training needs the extra [train]")
soundfile = pytest.importorskip("soundfile", reason="training needs the extra [train]")

from drumscribe.features import FRAME_RATE, SAMPLE_RATE, log_mel  # noqa: E402
from drumscribe.training.crops import draw_crop  # noqa: E402
from drumscribe.training.generator import LENGTH, SECONDS, Generator  # noqa: E402
from drumscribe.training.material import CLASS_TO_DRUM, GROUPS, OUTPUTS, load_kits  # noqa: E402
from drumscribe.training.pool import FRAMES, open_pool, render_pool  # noqa: E402
from drumscribe.types import Drum  # noqa: E402


def _burst(hertz: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * hertz * time) + 0.3 * rng.standard_normal(len(time))
    return (tone * np.exp(-time / (seconds / 4))).astype(np.float32)


def _write_manifest(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    rng = np.random.default_rng(0)
    drums: list[dict[str, object]] = []
    (folder / "drums").mkdir()
    for kit, tier in (("free", "permissive"), ("viral", "copyleft")):
        for place, name in enumerate(CLASS_TO_DRUM):
            path = f"drums/{kit}-{name}.flac"
            soundfile.write(folder / path, 0.5 * _burst(80 + 300 * place, 0.3, rng).clip(-1, 1), SAMPLE_RATE)
            drums.append(
                {
                    "path": path,
                    "kit": kit,
                    "class": name,
                    "velocity": 1.0,
                    "kind": "acoustic",
                    "tier": tier,
                    "family": kit,
                    "onset_ms": 1.0,
                    "suggested_split": "train",
                }
            )
    _write_manifest(folder / "drums/manifest.csv", drums)
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    track = pretty_midi.Instrument(0, is_drum=True)
    for beat in range(32):
        for pitch in (42, 36 if beat % 2 == 0 else 38):
            track.notes.append(pretty_midi.Note(90, pitch, beat * 0.5, beat * 0.5 + 0.1))
    midi.instruments.append(track)
    (folder / "midi").mkdir()
    midi.write(str(folder / "midi/groove.mid"))
    row = {
        "path": "midi/groove.mid",
        "bpm": 120,
        "time_signature": "4-4",
        "beat_type": "beat",
        "style": "rock",
        "tier": "permissive",
    }
    _write_manifest(folder / "midi/manifest.csv", [{**row, "split": s} for s in ("train", "validation")])
    notes: list[dict[str, object]] = []
    (folder / "instruments").mkdir()
    for kind in (
        "bass_electric/finger",
        "guitar_electric/clean_pick",
        "guitar_electric/sim_palm_mute",
        "electric_piano/cp80",
        "vocal/syllable",
        "guitar_electric/noise",
    ):
        path = f"instruments/{kind.replace('/', '-')}.flac"
        soundfile.write(folder / path, 0.5 * _burst(220, 1.0, rng).clip(-1, 1), SAMPLE_RATE)
        instrument, articulation = kind.split("/")
        notes.append(
            {"path": path, "instrument": instrument, "articulation": articulation, "midi_note": 57, "tier": "permissive"}
        )
    _write_manifest(folder / "instruments/manifest.csv", notes)
    (folder / "music").mkdir()
    soundfile.write(folder / "music/a.flac", 0.1 * rng.standard_normal(SAMPLE_RATE), SAMPLE_RATE)
    _write_manifest(folder / "music/manifest.csv", [{"path": "music/a.flac", "tier": "permissive"}] * 9)
    return folder


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    rng = np.random.default_rng(1)
    for title in ("aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj", "ak"):  # at least one falls to validation
        np.save(folder / f"{title}-0.npy", (3000 * rng.standard_normal(40 * SAMPLE_RATE)).astype(np.int16))
        drums = [(0.5 * k, "kick" if k % 2 == 0 else "snare", 0.8) for k in range(79)]
        marks = {"drums": drums, "beats": [0.5 * k for k in range(79)], "downbeats": [2.0 * k for k in range(19)]}
        (folder / f"{title}-0.json").write_text(json.dumps(marks))
    return folder


@pytest.fixture(scope="module")
def generator(pack: Path, songs: Path) -> Generator:
    return Generator(pack, songs)


def test_every_sample_class_has_an_output_and_a_group() -> None:
    assert set(CLASS_TO_DRUM) == {name for names in GROUPS.values() for name in names}
    assert set(CLASS_TO_DRUM.values()) == set(OUTPUTS) == set(Drum)


def test_training_hears_permissive_kits_only(pack: Path) -> None:
    assert set(load_kits(pack).strokes) == {"free"}
    assert set(load_kits(pack, validation=True).strokes) == {"viral"}


def test_an_item_is_a_function_of_its_seed(generator: Generator) -> None:
    first, again, other = generator.item(3), generator.item(3), generator.item(4)
    np.testing.assert_array_equal(first.mix, again.mix)
    assert [(e.time, e.output, e.velocity) for e in first.events] == [(e.time, e.output, e.velocity) for e in again.events]
    assert not np.array_equal(first.mix, other.mix)


def test_items_are_whole_finite_and_labelled(generator: Generator) -> None:
    for seed in range(4):
        item = generator.item(seed)
        assert item.mix.shape == (LENGTH,)
        assert np.isfinite(item.mix).all()
        assert float(np.sqrt(np.mean(item.mix**2))) == pytest.approx(0.1, rel=0.01)
        assert all(0 <= e.time <= SECONDS and e.loudness <= 0 for e in item.events)
        if item.drums is None:
            assert item.events == ()
        else:
            assert len(item.events) > 10


def test_labels_lie_where_the_sound_rises(generator: Generator) -> None:
    item = next(i for i in (generator.item(s) for s in range(40)) if i.drums is not None and i.backing is None)
    rise = np.maximum(0, np.diff(log_mel(item.drums), axis=0, prepend=0)).sum(axis=1)
    near = [rise[max(0, round(e.time * FRAME_RATE) - 2) : round(e.time * FRAME_RATE) + 3].max() for e in item.events]
    assert float(np.median(near)) > 3 * float(np.median(rise))


def test_a_pool_gives_back_what_was_rendered(generator: Generator, tmp_path: Path) -> None:
    render_pool(generator, tmp_path, "train-a", range(2))
    render_pool(generator, tmp_path, "train-b", range(2, 3))
    pool = open_pool(tmp_path, "train-*")
    assert len(pool) == 3
    assert pool.mel(2).shape[1] == FRAMES
    assert len(pool.events[pool.events[:, 0] == 2]) == len(generator.item(2).events)
    with pytest.raises(FileNotFoundError):
        open_pool(tmp_path, "valid-*")
    crop = draw_crop(pool, 200, np.random.default_rng(0))
    assert crop.spectrum.shape[0] == crop.onsets.shape[0] == 200
    assert np.isfinite(crop.spectrum).all()
    assert set(np.unique(crop.weights)) <= {0.0, 1.0}
    assert float(np.nanmax(np.nan_to_num(crop.loudness))) <= 1
