"""The networks: exported to ONNX with the same output, local enough for pieces, and able to learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra [train]")
pytest.importorskip("onnxscript", reason="training needs the extra [train]")

from tiny_pack import make_pack, make_songs  # noqa: E402

from drumscribe.beats.infer import INPUTS  # noqa: E402
from drumscribe.chunks import run_in_chunks  # noqa: E402
from drumscribe.features import BANDS  # noqa: E402
from drumscribe.training.export import export_beats, export_drums  # noqa: E402
from drumscribe.training.generator import Generator  # noqa: E402
from drumscribe.training.loop import Averaged, learning_rate, load_checkpoint, save_checkpoint  # noqa: E402
from drumscribe.training.networks import BeatNetwork, DrumNetwork  # noqa: E402
from drumscribe.training.pool import render_pool  # noqa: E402
from drumscribe.training.release import release_beats, release_drums  # noqa: E402
from drumscribe.training.train_beats import BeatTraining, train_beats  # noqa: E402
from drumscribe.training.train_drums import DrumTraining, train_drums  # noqa: E402
from drumscribe.weights import load_drums, load_models  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def _checkpoint(network: torch.nn.Module, path: Path) -> Path:
    save_checkpoint(path, 7, network, Averaged(network, 0.9), torch.optim.AdamW(network.parameters()))
    return path


@pytest.mark.parametrize("kind", ["drums", "beats"])
def test_onnx_says_what_torch_says(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, export = (DrumNetwork(), export_drums) if kind == "drums" else (BeatNetwork(), export_beats)
    export(_checkpoint(network, tmp_path / "c.pt"), tmp_path / "n.onnx")  # raises where they differ
    assert (tmp_path / "n.onnx").stat().st_size < 12e6


def test_a_drum_output_depends_on_its_context_only() -> None:
    torch.manual_seed(0)
    network = DrumNetwork().eval()
    frames = np.random.default_rng(0).standard_normal((1500, 2 * BANDS)).astype(np.float32)

    def run(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(np.ascontiguousarray(x))[None])[0].numpy()

    np.testing.assert_allclose(run_in_chunks(run, frames, chunk=400, context=network.context), run(frames), atol=2e-4)


def test_the_beat_network_keeps_the_length() -> None:
    assert BeatNetwork().eval()(torch.zeros(2, 77, INPUTS)).shape == (2, 77, 2)


def test_a_run_resumes_from_its_checkpoint(tmp_path: Path) -> None:
    path = _checkpoint(DrumNetwork(), tmp_path / "c.pt")
    fresh = DrumNetwork()
    assert load_checkpoint(path, fresh, Averaged(fresh, 0.9), torch.optim.AdamW(fresh.parameters())) == 7
    assert load_checkpoint(tmp_path / "none.pt", fresh, Averaged(fresh, 0.9), torch.optim.AdamW(fresh.parameters())) == 0


def test_the_rate_warms_up_and_falls() -> None:
    rates = [learning_rate(step, 1000, 1.0) for step in range(1000)]
    assert rates[0] < 0.01
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.03


def test_a_pack_becomes_models_that_load(tmp_path: Path) -> None:
    """Pool, training, calibration, release: the whole way, with steps enough to run and not to learn."""
    pack, songs = make_pack(tmp_path / "pack"), make_songs(tmp_path / "songs")
    for name, validation in (("train-0", False), ("valid-0", True)):
        render_pool(Generator(pack, songs, validation=validation), tmp_path / "pool", name, range(2))
    manifest = tmp_path / "models" / "manifest.toml"
    drums = DrumTraining(pool=tmp_path / "pool", run=tmp_path / "drums", steps=2, batch=2, frames=128, save_every=1)
    checkpoint = train_drums(drums)
    assert train_drums(drums) == checkpoint  # done already: nothing more to do
    release_drums(checkpoint, tmp_path / "pool", version="0.1.0", shift=0.3, time_offset=0.0, metrics={}, manifest=manifest)
    beats = BeatTraining(pack=pack, pool=tmp_path / "pool", run=tmp_path / "beats", steps=2, batch=2, frames=256)
    checkpoint = train_beats(beats, load_drums(manifest=manifest))
    release_beats(checkpoint, version="0.1.0", drums="drums@0.1.0", metrics={}, manifest=manifest)
    models = load_models(manifest=manifest)
    assert models.refs == ("drums@0.1.0", "beats@0.1.0")
    assert len(models.drums.picking["thresholds"]) == len(models.drums.config["drums"])
