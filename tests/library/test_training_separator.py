"""The separator's training: a bank of stems, examples mixed from it, and the way to a network that loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra [train]")
pytest.importorskip("onnxscript", reason="training needs the extra [train]")

from tiny_pack import make_pack, make_songs  # noqa: E402

from drumscribe.separation.bands import BANDS, HOP, band_filters, band_spread  # noqa: E402
from drumscribe.separation.light import separate  # noqa: E402
from drumscribe.training.generator import Generator  # noqa: E402
from drumscribe.training.release_separator import release_separator  # noqa: E402
from drumscribe.training.separator_network import SeparatorNetwork  # noqa: E402
from drumscribe.training.stems import BACKING, DRUMS, LEVEL, Bank, Remixer, open_bank, render_stems  # noqa: E402
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


def test_examples_are_mixes_that_hold_their_drums(folder: Path) -> None:
    remixer = Remixer(open_bank(folder), 64 * HOP)
    pairs = [remixer.draw(np.random.default_rng(seed)) for seed in range(60)]
    again = remixer.draw(np.random.default_rng(3))
    np.testing.assert_array_equal(again[0], pairs[3][0])
    silent = [bool(not drums.any()) for _, drums in pairs]
    alone = [bool(np.allclose(mix, drums, atol=1e-6)) for mix, drums in pairs]
    assert 0 < sum(silent) < 20
    assert 0 < sum(alone) < 20
    for (mix, drums), without, only in zip(pairs, silent, alone, strict=True):
        assert np.isfinite(mix).all()
        if not without and not only and mix.any():  # what is left is not the drums again
            rest = mix - drums
            assert abs(float(drums @ rest)) < 0.7 * float(np.linalg.norm(drums) * np.linalg.norm(rest))


def test_songs_are_backing_as_well(folder: Path) -> None:
    """Where items have no backing of their own, all of it comes from the songs."""
    bank = open_bank(folder, songs=folder.parent / "songs")
    assert bank.songs
    drums_only = Bank(bank.parts, bank.clips, (bank.having[DRUMS], bank.having[DRUMS][:0]), bank.songs)
    remixer = Remixer(drums_only, 64 * HOP)
    plain = Remixer(open_bank(folder), 64 * HOP)
    drawn = [other.draw(np.random.default_rng(seed)) for other in (remixer, plain) for seed in range(12)]
    assert all(np.isfinite(mix).all() for mix, _ in drawn)
    assert any(not np.array_equal(drawn[k][0], drawn[12 + k][0]) for k in range(12))


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
