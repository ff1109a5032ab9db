"""The separator's training: a bank of stems, examples mixed from it, and the way to a network that loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

torch = pytest.importorskip("torch", reason="training needs the extra [train]")
pytest.importorskip("onnxscript", reason="training needs the extra [train]")

from tiny_pack import make_pack, make_songs  # noqa: E402

from drumscribe.separation.bands import BANDS, HOP, band_filters, band_spread  # noqa: E402
from drumscribe.separation.light import separate  # noqa: E402
from drumscribe.training.batch_effects import BLOCK, resample, smooth  # noqa: E402
from drumscribe.training.generator import Generator  # noqa: E402
from drumscribe.training.release_separator import release_separator  # noqa: E402
from drumscribe.training.remix import SLOTS, Cutter, Mixer  # noqa: E402
from drumscribe.training.separator_network import SeparatorNetwork  # noqa: E402
from drumscribe.training.stems import (  # noqa: E402
    BACKING,
    DRUMS,
    LEVEL,
    Bank,
    open_bank,
    render_stems,
    reopen_bank,
    write_clips,
    write_part,
)
from drumscribe.training.train_separator import SeparatorTraining, Spectra, train_separator  # noqa: E402
from drumscribe.types import Audio  # noqa: E402
from drumscribe.weights import load_separator  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of six items."""
    base = tmp_path_factory.mktemp("stems")
    generator = Generator(make_pack(base / "pack"), make_songs(base / "songs"))
    render_stems(generator, base / "bank", "train-0-000", range(6))
    before = (base / "bank" / "train-0-000.npy").stat().st_mtime_ns
    render_stems(generator, base / "bank", "train-0-000", range(6))  # whole already: left alone
    assert (base / "bank" / "train-0-000.npy").stat().st_mtime_ns == before
    return base / "bank"


def test_a_bank_holds_drums_and_backing_at_one_level(folder: Path) -> None:
    bank = open_bank(folder)
    for which in (DRUMS, BACKING):
        assert len(bank.having[which]) > 0
        for item in range(6):
            rms = float(np.sqrt(np.mean((bank.stem(item, which).astype(np.float32) / 32767) ** 2)))
            assert rms == pytest.approx(LEVEL if item in bank.having[which] else 0.0, rel=0.2)


def test_a_bank_may_grow_while_it_is_read(folder: Path, tmp_path: Path) -> None:
    """Parts come from items that were rendered elsewhere; a silent stem is nothing to draw from."""
    generator = Generator(folder.parent / "pack", folder.parent / "songs")
    items = [generator.item(seed) for seed in range(2)]
    write_part(tmp_path, "train-0-000", items[:1])
    write_clips(tmp_path, generator)
    bank = open_bank(tmp_path)
    write_part(tmp_path, "train-0-001", [items[1], replace(items[1], backing=None)])
    assert len(bank.parts) == 1
    grown = reopen_bank(bank, tmp_path)
    assert grown.parts[0] is bank.parts[0]
    assert 2 not in grown.having[BACKING]
    np.testing.assert_array_equal(grown.stem(1, DRUMS), open_bank(folder).stem(1, DRUMS))
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".npy"]


def _examples(bank: Bank, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    mix, drums = Mixer(64 * HOP).mix(*Cutter(bank, 64 * HOP).draw(np.random.default_rng(seed), count))
    return mix.numpy(), drums.numpy()


def test_examples_are_mixes_that_hold_their_drums(folder: Path) -> None:
    bank = open_bank(folder)
    mixes, stems = _examples(bank, 1, 80)
    np.testing.assert_array_equal(_examples(bank, 1, 80)[0], mixes)  # the seed says it all
    assert np.isfinite(mixes).all()
    silent = [not drums.any() for drums in stems]
    alone = [np.allclose(mix, drums, atol=1e-6) for mix, drums in zip(mixes, stems, strict=True)]
    assert 0 < sum(silent) < 20
    assert 0 < sum(alone) < 20
    for mix, drums, without, only in zip(mixes, stems, silent, alone, strict=True):
        if not without and not only and mix.any():  # what is left is not the drums again
            rest = mix - drums
            assert abs(float(drums @ rest)) < 0.7 * float(np.linalg.norm(drums) * np.linalg.norm(rest))


def test_songs_are_backing_as_well(folder: Path) -> None:
    """Where items have no backing of their own, all of it comes from the songs."""
    bank = open_bank(folder, songs=folder.parent / "songs")
    assert bank.songs
    drums_only = Bank(bank.parts, bank.clips, (bank.having[DRUMS], bank.having[DRUMS][:0]), bank.songs)
    excerpts, _, _ = Cutter(drums_only, 64 * HOP).draw(np.random.default_rng(0), 24)
    assert excerpts[:, SLOTS.index("other")].any()
    assert not excerpts[:, SLOTS.index("paired")].any()


def test_sound_played_faster_is_higher() -> None:
    tone = np.round(20_000 * np.sin(2 * np.pi * 1000 * np.arange(9000) / 44_100)).astype(np.int16)
    played = resample(torch.from_numpy(np.stack([tone, tone])), torch.tensor([1.0, 1.2], dtype=torch.float64), 7000).numpy()
    np.testing.assert_allclose(played[0], tone[:7000] / 32767, atol=1e-6)
    expected = np.sin(2 * np.pi * 1200 * np.arange(7000) / 44_100) * 20_000 / 32767
    np.testing.assert_allclose(played[1, 1:], expected[1:], atol=1e-3)


def test_levels_are_smoothed_as_the_recursion_does() -> None:
    levels = np.random.default_rng(0).random((2, 300)).astype(np.float32)
    seconds = np.array([[0.003], [0.2]], np.float32)
    found = smooth(torch.from_numpy(levels), torch.from_numpy(seconds)).numpy()
    for row, after, constant in zip(levels, found, seconds[:, 0], strict=True):
        keep = np.exp(-BLOCK / 44_100 / constant)
        np.testing.assert_allclose(after, lfilter([1 - keep], [1, -keep], row), rtol=1e-3, atol=1e-5)


def test_an_even_share_of_bands_is_that_share_of_bins() -> None:
    np.testing.assert_allclose(np.full(BANDS, 0.25, np.float32) @ band_spread(), 0.25, rtol=1e-5)
    np.testing.assert_allclose(band_filters().sum(0), 1, rtol=1e-5)


def test_the_loss_is_least_for_the_ideal_share() -> None:
    rng = torch.Generator().manual_seed(0)
    spectra = Spectra("cpu")
    rest, drums = (torch.randn(2, 32 * HOP, generator=rng) for _ in range(2))
    drums = drums * (torch.arange(32 * HOP) % 4096 < 512)
    mix_spectrum, drum_spectrum = spectra.transform(drums + 0.1 * rest), spectra.transform(drums)
    bands = spectra.bands(mix_spectrum)
    ideal = (spectra.bands(drum_spectrum) / (bands + 1e-6)).clamp(0.001, 0.999)
    losses = [
        float(spectra.loss(torch.logit(share), mix_spectrum, drum_spectrum, bands))
        for share in (ideal, torch.full_like(ideal, 0.5), 1 - ideal)
    ]
    assert losses[0] < 0.6 * losses[1] < 0.6 * losses[2]


def test_the_power_of_frames_is_that_of_their_sound() -> None:
    sound = torch.randn(2, 32 * HOP, generator=torch.Generator().manual_seed(0)) * torch.linspace(0, 1, 32 * HOP)
    spectra = Spectra("cpu")
    inner = sound[:, HOP : 30 * HOP].square().mean(1)
    np.testing.assert_allclose(spectra.power(spectra.transform(sound)), inner, rtol=1e-4)


def test_a_bank_becomes_a_network_that_separates_in_pieces(folder: Path, tmp_path: Path) -> None:
    """Training, export, release, inference, with steps enough to run and not to learn."""
    options = SeparatorTraining(bank=folder, run=tmp_path / "run", steps=2, batch=2, frames=32, save_every=1)
    checkpoint = train_separator(options)
    assert train_separator(options) == checkpoint  # done already: nothing more to do
    manifest = tmp_path / "models" / "manifest.toml"
    entry = release_separator(checkpoint, version="0.1.0", metrics={"steps": 2}, manifest=manifest)
    assert entry.network.size < 10_000_000
    network = load_separator(threads=1, manifest=manifest)
    assert str(network.ref) == "light@0.1.0"
    noise = Audio(np.random.default_rng(0).normal(0, 0.1, (1, 400 * HOP)).astype(np.float32), 44_100)
    whole, pieces = (separate(noise, network, chunk=chunk).samples for chunk in (1000, 40))
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


def test_an_output_depends_on_its_context_only() -> None:
    torch.manual_seed(0)
    network = SeparatorNetwork().eval()
    frames = torch.randn(1, 1000, BANDS)
    changed = frames.clone()
    changed[:, 500 + network.context + 1 :] += 1
    with torch.no_grad():
        before, after = network(frames)[0, 500], network(changed)[0, 500]
    np.testing.assert_allclose(after.numpy(), before.numpy(), atol=1e-5)
