"""The training generator, on a tiny pack made here: seeded, labelled where the sound is, licence tiers kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pack import make_pack, make_songs

from drumscribe.detection.picking import LOUDNESS_RANGE_DB
from drumscribe.features import BANDS, FLOOR, FRAME_RATE, SAMPLE_RATE, SPECTRUM, log_mel
from drumscribe.training.crops import AUDIBLE, AUDIBLE_BANDS, FALSE_HAT, SHARPNESS, Excerpts, cut, make_examples
from drumscribe.training.drummer import LENGTH, SECONDS, Drummer
from drumscribe.training.generator import Generator
from drumscribe.training.material import CLASS_TO_DRUM, GROUPS, OUTPUTS, load_kits
from drumscribe.training.pool import FRAMES, open_pool, render_parts, render_pool
from drumscribe.training.sequences import Playing, Stroke, loosen
from drumscribe.types import Drum


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_songs(tmp_path_factory.mktemp("songs"))


@pytest.fixture(scope="module")
def generator(pack: Path, songs: Path) -> Generator:
    return Generator(pack, songs)


def test_every_sample_class_has_an_output_and_a_group() -> None:
    assert set(CLASS_TO_DRUM) == {name for names in GROUPS.values() for name in names}
    assert set(CLASS_TO_DRUM.values()) == set(OUTPUTS) == set(Drum)


def test_training_hears_permissive_kits_only(pack: Path) -> None:
    assert set(load_kits(pack).strokes) == {"free"}
    assert set(load_kits(pack, validation=True).strokes) == {"viral"}


def test_natural_mixes_are_played_as_people_play_on_acoustic_kits_kept_out_of_training(songs: Path, tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    manifest = pack / "drums/manifest.csv"
    kept_out = [line for line in manifest.read_text().splitlines() if ",viral," in line]
    machine = [line.replace(",viral,", ",machine,").replace("acoustic", "electronic") for line in kept_out]
    manifest.write_text(manifest.read_text() + "\n".join(machine) + "\n")
    assert set(Generator(pack, songs, validation=True).kits.by_class["kick"]) == {"viral", "machine"}
    natural = Generator(pack, songs, natural=True)
    items = [item for item in map(natural.item, range(8)) if item.events]
    assert {event.kit for item in items for event in item.events} == {"viral"}
    played = {OUTPUTS[event.output] for item in items for event in item.events}
    assert played <= {Drum.KICK, Drum.SNARE, Drum.HIHAT_CLOSED}  # the groove's and the songs', nothing restyled or added
    assert {item.beats_known for item in items} == {True, False}  # grooves, and songs with their own part


def test_natural_mixes_are_a_part_of_their_own(pack: Path, songs: Path, tmp_path: Path) -> None:
    render_parts(Generator(pack, songs, natural=True), tmp_path, items=1, seed=4, say=lambda _: None)
    assert len(open_pool(tmp_path, "natural-4-*")) == 1
    with pytest.raises(FileNotFoundError):
        open_pool(tmp_path, "valid-*")


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
    examples = make_examples(cut(pool, 4, 200, np.random.default_rng(0)))
    assert examples.spectrum.shape == (4, 200, 2 * SPECTRUM)
    assert examples.onsets.shape == examples.weights.shape == (4, 200, len(OUTPUTS))
    assert np.isfinite(examples.spectrum.numpy()).all()
    assert set(np.unique(examples.weights.numpy())) <= {0.0, 1.0, FALSE_HAT}
    assert float(np.nan_to_num(examples.loudness.numpy()).max()) <= 1


def test_examples_are_labelled_where_and_as_loud_as_was_struck(generator: Generator, tmp_path: Path) -> None:
    """Rendered as it is, every stroke of the crop that can be heard has its peak, its instant and its loudness."""
    render_pool(generator, tmp_path, "train-a", range(6))
    pool = open_pool(tmp_path, "train-*")
    excerpts = cut(pool, 12, 300, np.random.default_rng(1))
    examples = make_examples(excerpts, augmented=False)
    np.testing.assert_array_equal(examples.spectrum[..., :SPECTRUM].numpy(), excerpts.crop[:, 0].float().numpy())
    struck = 0
    for crop, strokes in enumerate(excerpts.strokes.numpy()):
        for place, output, decibels in strokes[~np.isnan(strokes[:, 0])]:
            frame = round(float(place))
            if not 0 <= frame < 300 or examples.weights[crop, frame, int(output)] == 0:
                continue
            struck += 1
            expected = np.exp(-SHARPNESS * (frame - place) ** 2)
            assert float(examples.onsets[crop, frame, int(output)]) >= float(expected) - 1e-5
            loudness = float(examples.loudness[crop, frame, int(output)])
            assert loudness >= np.clip(1 + decibels / LOUDNESS_RANGE_DB, 0.02, 1) - 1e-5
    assert struck > 50
    assert int((~torch.isnan(examples.loudness)).sum()) <= struck  # and nowhere else


def test_a_stroke_drowned_by_the_band_is_left_open() -> None:
    """Own power far below what sounds there: no target, and no punishment for one."""
    silence, loud = np.log(FLOOR), 5.0
    crop = torch.full((1, 3, 100, SPECTRUM), silence, dtype=torch.float16)
    crop[:, 0] = crop[:, 2] = loud
    strokes = torch.tensor([[[20.0, 0.0, -3.0], [60.0, 1.0, -3.0]]])
    attacks = torch.full((1, 2, BANDS), loud - 6, dtype=torch.float16)
    attacks[0, 1] = loud
    song = crop[:, :, ::20]
    excerpts = Excerpts(crop, song, torch.cat([crop[:, 2], song[:, 2]], 1), strokes, attacks, torch.tensor(1))
    examples = make_examples(excerpts, augmented=False)
    assert float(examples.onsets[0, :, 0].max()) == 0
    assert set(examples.weights[0, 18:23, 0].tolist()) == {0.0}
    assert float(examples.onsets[0, 60, 1]) == 1.0
    assert float(examples.weights.sum()) == 100 * len(OUTPUTS) - 5


def test_the_same_batch_comes_out_alike(generator: Generator, tmp_path: Path) -> None:
    """A run that resumes sees what an unbroken one would."""
    render_pool(generator, tmp_path, "train-a", range(2))
    pool = open_pool(tmp_path, "train-*")
    first, again, other = (make_examples(cut(pool, 3, 100, np.random.default_rng(seed))).spectrum.numpy() for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_stroke_alone_is_audible_however_it_is_mixed(generator: Generator) -> None:
    """Equaliser, room and compressor move a stroke's own spectrum as they move the drums that hold it."""
    gaps: list[float] = []
    for seed in range(40, 70):
        playing = Playing([Stroke(1.0 + 2.0 * k, ("kick", "snare", "hihat_closed")[k % 3], 0.9) for k in range(12)])
        drums, events = generator.render_drums(playing, np.random.default_rng(seed))
        assert drums is not None
        heard = log_mel(drums)
        for event in events:
            frame = round(event.time * FRAME_RATE)
            gaps.append(float(np.sort(event.spectrum - heard[frame - 1 : frame + 3].max(axis=0))[-AUDIBLE_BANDS]))
    assert abs(float(np.median(gaps))) < 0.5
    assert np.mean(np.array(gaps) > AUDIBLE) > 0.95


def test_strokes_lose_their_usual_company(generator: Generator) -> None:
    """After `loosen`, crashes also come without kicks, and some passages have no hat, over many seeds."""
    alone = hats = 0
    for seed in range(60):
        names = ("kick", "crash", "hihat_closed")
        playing = Playing([Stroke(0.5 * k, name, 0.8) for k in range(60) for name in names])
        loosen(playing, SECONDS, np.random.default_rng(seed))
        at = {name: {round(s.time * 20) for s in playing.strokes if s.name == name} for name in names}
        alone += bool(at["crash"] - at["kick"])
        hats += len(at["hihat_closed"]) < 40
    assert alone > 3
    assert hats > 3


def test_an_open_hat_rings_on_when_struck_open_again(generator: Generator) -> None:
    def power(second: str) -> float:
        strokes = [Stroke(1.0, "hihat_open", 0.9), Stroke(1.06, second, 0.15)]
        powers: list[float] = []
        for seed in range(12):
            renderer = Drummer(generator.kits, np.random.default_rng(seed))
            for stroke in strokes:
                renderer.play(stroke)
            tail = renderer.buses["hat"][int(1.13 * SAMPLE_RATE) : int(1.2 * SAMPLE_RATE)]
            powers.append(float(np.mean(tail**2)))
        return float(np.mean(powers))

    assert power("hihat_open") > 5 * power("hihat_closed")
