"""The training generator, on a tiny pack made here: seeded, labelled where the sound is, licence tiers kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_pack import make_pack, make_songs

from drumscribe.features import FRAME_RATE, log_mel
from drumscribe.training.crops import draw_crop
from drumscribe.training.generator import LENGTH, SECONDS, Generator
from drumscribe.training.material import CLASS_TO_DRUM, GROUPS, OUTPUTS, load_kits
from drumscribe.training.pool import FRAMES, open_pool, render_pool
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
