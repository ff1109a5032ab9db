"""The networks: exported to ONNX with the same output, local enough for pieces, and able to learn."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="training needs the extra [train]")
pytest.importorskip("onnxscript", reason="training needs the extra [train]")


from drumscribe.beats.infer import INPUTS, OUTPUTS  # noqa: E402
from drumscribe.chunks import run_in_chunks  # noqa: E402
from drumscribe.features import BANDS, SPECTRUM  # noqa: E402
from drumscribe.separation.bands import BANDS as SEPARATOR_BANDS  # noqa: E402
from drumscribe.training.export import export_beats, export_drums, halve  # noqa: E402
from drumscribe.training.fit_readings import Case, expected_worth, fit_weights  # noqa: E402
from drumscribe.training.loop import Averaged, Training, fit, learning_rate, load_checkpoint, save_checkpoint  # noqa: E402
from drumscribe.training.networks import DRUM_NETWORKS, BeatNetwork, DrumNetwork  # noqa: E402
from drumscribe.training.separator_network import SeparatorNetwork  # noqa: E402
from drumscribe.training.train_drums import order_cost  # noqa: E402
from drumscribe.training.warm_start import adopt  # noqa: E402
from drumscribe.weights.manifest import SHIPPED  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


LOWS = [*range(BANDS, SPECTRUM), *range(SPECTRUM + BANDS, 2 * SPECTRUM)]  #: columns that older networks do not read


def _checkpoint(network: torch.nn.Module, path: Path) -> Path:
    save_checkpoint(path, 7, 1.5, network, Averaged(network, 0.9), torch.optim.AdamW(network.parameters()))
    return path


@pytest.mark.parametrize("kind", [*DRUM_NETWORKS, "beats"])
def test_onnx_says_what_torch_says(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = BeatNetwork() if kind == "beats" else DRUM_NETWORKS[kind](masks=True)
    export = export_beats if kind == "beats" else partial(export_drums, network=kind)
    export(_checkpoint(network, tmp_path / "c.pt"), tmp_path / "n.onnx")  # raises where they differ
    assert (tmp_path / "n.onnx").stat().st_size < 12e6


@pytest.mark.parametrize("kind", DRUM_NETWORKS)
def test_a_drum_output_depends_on_its_context_only(kind: str) -> None:
    torch.manual_seed(0)
    network = DRUM_NETWORKS[kind]().eval()
    frames = np.random.default_rng(0).standard_normal((1500, 2 * SPECTRUM)).astype(np.float32)

    def run(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(np.ascontiguousarray(x))[None])[0].numpy()

    assert 0 < network.context() < 600
    np.testing.assert_allclose(run_in_chunks(run, frames, chunk=100, context=network.context()), run(frames), atol=2e-4)


def test_the_beat_network_keeps_the_length() -> None:
    assert BeatNetwork().eval()(torch.zeros(2, 77, INPUTS)).shape == (2, 77, OUTPUTS)


def test_a_run_resumes_from_its_checkpoint(tmp_path: Path) -> None:
    path = _checkpoint(DrumNetwork(), tmp_path / "c.pt")
    fresh = DrumNetwork()
    assert load_checkpoint(path, fresh, Averaged(fresh, 0.9), torch.optim.AdamW(fresh.parameters())) == (7, 1.5)
    assert load_checkpoint(tmp_path / "none.pt", fresh, Averaged(fresh, 0.9), torch.optim.AdamW(fresh.parameters())) == (0, 0.0)


def test_the_cost_of_order_falls_where_harder_strokes_are_called_harder() -> None:
    loudness = torch.full((2, 50, 3), torch.nan)
    loudness[0, ::10, 1] = torch.tensor([0.2, 0.8, 0.4, 0.6, 0.5])
    loudness[1, 5, 1] = 1.0  # of another crop: not to be compared
    right = torch.where(torch.isnan(loudness), 0.0, 8 * loudness)
    costs = [float(order_cost(logits, loudness)) for logits in (right, torch.zeros_like(right), -right)]
    assert costs[0] < costs[1] < costs[2]
    assert costs[1] == pytest.approx(np.log(2))
    assert float(order_cost(right, torch.full_like(loudness, torch.nan))) == 0


def test_a_training_ends_by_the_clock_and_leaves_its_weights(tmp_path: Path) -> None:
    network = torch.nn.Linear(1, 1)
    options = Training(run=tmp_path, steps=1, minutes=0.02, batch=1, rate=0.1, workers=2)
    fit(network, lambda number: (torch.tensor([[1.0]]),), lambda batch: (network(batch[0]) - 3).square().sum(), options)
    state = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert state["step"] > 10
    assert 1.1 < state["seconds"] < 60
    assert float(state["averaged"]["weight"] + state["averaged"]["bias"]) == pytest.approx(3, abs=0.2)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [learning_rate(step, 1000, 1.0) for step in range(1000)]
    assert rates[0] < 0.01
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.03


def test_training_goes_on_from_a_published_network(tmp_path: Path) -> None:
    """The network that takes over computes what the file does, before it learns anything."""
    inputs = torch.rand(2, 400, INPUTS)
    published = tmp_path / "beats.onnx"
    export_beats(_checkpoint(BeatNetwork(), tmp_path / "c.pt"), published)
    (expected,) = onnxruntime.InferenceSession(str(published)).run(None, {"inputs": inputs[:1].numpy()})
    network = BeatNetwork()
    adopt(network, published, lambda: network(inputs))
    with torch.no_grad():
        found = network.eval()(inputs)[:1].numpy()
    assert np.abs(found - np.asarray(expected)).max() < 1e-3


@pytest.mark.parametrize("kind", ["drums", "separator"])
def test_the_networks_that_ship_can_be_trained_on(kind: str) -> None:
    ref, network, size = {
        "drums": ("drums-1.1.0", DrumNetwork(masks=True), 2 * SPECTRUM),
        "separator": ("light-1.1.0", SeparatorNetwork(), SEPARATOR_BANDS),  # its weights are halved
    }[kind]
    published = SHIPPED.with_name(f"{ref}.onnx")
    inputs = torch.randn(2, 300, size)
    adopt(network, published, lambda: network(inputs))
    session = onnxruntime.InferenceSession(str(published))
    read = np.delete(inputs[:1].numpy(), LOWS, axis=2) if kind == "drums" else inputs[:1].numpy()
    (expected,) = session.run(None, {session.get_inputs()[0].name: read})
    with torch.no_grad():
        found = network.eval()(inputs)[:1, :, : np.asarray(expected).shape[2]].numpy()
    assert np.abs(found - np.asarray(expected)).max() < 5e-3


@pytest.mark.parametrize("ref", ["drums-1.1.0", "beats-1.0.0"])
def test_half_the_bytes_say_the_same(ref: str, tmp_path: Path) -> None:
    published, halved = SHIPPED.with_name(f"{ref}.onnx"), tmp_path / "n.onnx"
    halved.write_bytes(published.read_bytes())
    halve(halved)
    assert halved.stat().st_size < 0.65 * published.stat().st_size
    sessions = [onnxruntime.InferenceSession(str(path)) for path in (published, halved)]
    wanted = sessions[0].get_inputs()[0]
    inputs = np.random.default_rng(1).standard_normal((1, 700, wanted.shape[2])).astype(np.float32)
    before, after = (1 / (1 + np.exp(-np.asarray(s.run(None, {wanted.name: inputs})[0]))) for s in sessions)
    np.testing.assert_allclose(after, before, atol=1e-3)
    assert (after != before).any()
    again = halved.read_bytes()
    halve(halved)  # nothing is left to halve
    assert halved.read_bytes() == again


def test_what_half_precision_would_change_stays_whole(tmp_path: Path) -> None:
    """Weights beyond float16 are kept; weights whose rounding is heard are refused, and the file is left alone."""
    path = tmp_path / "n.onnx"

    def written(weights: np.ndarray) -> bytes:
        shape = [1, "frames"]
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["logits"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*shape, len(weights)])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, weights.shape[1]])],
            [numpy_helper.from_array(weights.astype(np.float32), "w")],
        )
        path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString())
        return path.read_bytes()

    rng = np.random.default_rng(0)
    before = written(rng.normal(size=(256, 64)) * 1e6)
    halve(path)
    assert len(path.read_bytes()) == pytest.approx(len(before), abs=100)
    before = written(rng.normal(size=(256, 64)) * 3e3)  # steps of 2 where logits of 0.5 decide
    with pytest.raises(ValueError, match="half precision"):
        halve(path)
    assert path.read_bytes() == before


def test_fitted_weights_choose_what_scored_best() -> None:
    """The second term tells good readings from bad ones; weights before looked at the first alone."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(20):
        worth = rng.random(6)
        cases.append(Case("4 of 1.0", np.stack([rng.normal(size=6), worth], axis=1), worth, ("4x1_1 120",) * 6))
    before = (1.0, 0.0)
    fitted = fit_weights(cases, before)
    assert expected_worth(cases, before)["all"] < 0.7
    assert expected_worth(cases, fitted)["all"] > 0.95 * expected_worth(cases, fitted)["best"]
