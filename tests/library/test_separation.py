"""Separation: the mix as it is, or the drums by the real Demucs code with small random weights in its real format."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tracemalloc
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from demucs_weights import SOURCES, write_demucs_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.errors import Cancelled, OptionError, WeightsCorrupt, WeightsNotFound
from drumscribe.options import SeparationOptions
from drumscribe.separation import isolate
from drumscribe.types import Audio, Progress

RATE = 44_100


def _noise(seconds: float, channels: int = 2, seed: int = 0, gain: float = 0.2) -> Audio:
    size = (channels, round(seconds * RATE))
    return Audio(np.random.default_rng(seed).normal(0, gain, size).astype(np.float32), RATE)


@pytest.fixture(scope="session")
def demucs() -> Generator[Any]:
    found = pytest.importorskip("demucs", reason="demucs is not installed: pip install 'drumscribe[demucs]'")
    torch = importlib.import_module("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks here are so small that threads would only wait for each other
    yield found
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def weights(demucs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as Demucs publishes it: files of weights with their hash in the name, and bags of them."""
    folder = tmp_path_factory.mktemp("weights")
    write_demucs_weights(folder)
    return folder


def _options(weights: Path, model: str = "single", **more: str) -> SeparationOptions:
    return SeparationOptions(
        **{"backend": "demucs", "model": model, "model_folder": str(weights), "precision": "float32", **more}
    )


def _reference(weights: Path, name: str, samples: np.ndarray) -> np.ndarray:
    """What Demucs's own functions make of it, all segments and sources kept."""
    torch = importlib.import_module("torch")
    model = importlib.import_module("demucs.pretrained").get_model(name, repo=weights)
    mix = torch.from_numpy(samples.copy())
    mono = mix.mean(0)
    scaled = (mix - mono.mean()) / mono.std()
    whole = importlib.import_module("demucs.apply").apply_model(model, scaled[None], shifts=0, split=True, overlap=0.25)[0]
    return (whole * mono.std() + mono.mean())[SOURCES.index("drums")].numpy()


def test_without_separation_the_mix_is_passed_on() -> None:
    audio, steps = _noise(1.0), list[Progress]()
    stem = isolate(audio, on_progress=steps.append)
    assert stem.audio is audio
    assert stem.source == "mix"
    assert stem.model is None
    assert steps == [Progress("separate", 0.0), Progress("separate", 1.0)]


@pytest.mark.parametrize("model", ["single", "tuned", "mixed"])
def test_the_drums_are_those_that_demucs_finds(weights: Path, model: str) -> None:
    audio = _noise(2.3)
    stem = isolate(audio, options=_options(weights, model))
    expected = _reference(weights, model, audio.samples)
    assert stem.source == "drums"
    assert str(stem.model).startswith(f"{model}@4")
    assert stem.audio.samples.shape == audio.samples.shape
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(stem.audio.samples, expected, atol=2e-5 * np.abs(expected).max() + 1e-6)


@settings(max_examples=6)
@given(length=st.integers(1, 2 * RATE))
def test_any_length_gives_a_stem_as_long(weights: Path, length: int) -> None:
    audio = Audio(_noise(2.0).samples[:, :length].copy(), RATE)
    stem = isolate(audio, options=_options(weights))
    assert stem.audio.samples.shape == (2, length)
    assert np.isfinite(stem.audio.samples).all()


def test_a_file_of_weights_can_be_named_itself(weights: Path) -> None:
    audio = _noise(0.6)
    path = next(weights.glob("aaaaaaaa-*.th"))
    stem = isolate(audio, options=_options(weights, str(path)))
    np.testing.assert_array_equal(stem.audio.samples, isolate(audio, options=_options(weights)).audio.samples)


def test_the_same_input_gives_the_same_output_and_is_left_alone(weights: Path) -> None:
    audio = _noise(1.2)
    before = audio.samples.copy()
    first, second = (isolate(audio, options=_options(weights)).audio.samples for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(audio.samples, before)


def test_gain_goes_through_unchanged(weights: Path) -> None:
    audio = _noise(1.2)
    loud = isolate(audio, options=_options(weights)).audio.samples
    quiet = isolate(Audio(audio.samples * np.float32(0.1), RATE), options=_options(weights)).audio.samples
    np.testing.assert_allclose(quiet * 10, loud, atol=1e-4 * np.abs(loud).max())


def test_one_channel_stays_one_and_silence_stays_silent(weights: Path) -> None:
    assert isolate(_noise(0.7, channels=1), options=_options(weights)).audio.samples.shape == (1, round(0.7 * RATE))
    for seconds in (0.0, 1.0):
        assert not isolate(_noise(seconds, gain=0.0), options=_options(weights)).audio.samples.any()


def test_another_rate_is_converted(weights: Path) -> None:
    audio = Audio(_noise(1.0).samples[:, :24_000].copy(), 24_000)
    assert isolate(audio, options=_options(weights)).audio.duration == pytest.approx(1.0, abs=1e-3)


def test_half_precision_stays_close(weights: Path) -> None:
    audio = _noise(1.0)
    exact = isolate(audio, options=_options(weights)).audio.samples
    rough = isolate(audio, options=_options(weights, precision="bfloat16")).audio.samples
    error = float(np.linalg.norm(rough - exact) / np.linalg.norm(exact))
    assert 0 < error < 0.03


def test_memory_beyond_the_input_and_the_stem_does_not_grow_with_the_song(weights: Path) -> None:
    def beyond(seconds: float) -> int:
        audio = _noise(seconds)
        tracemalloc.start()
        stem = isolate(audio, options=_options(weights))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - stem.audio.samples.nbytes

    isolate(_noise(0.1), options=_options(weights))  # what is loaded once stays out of it
    assert beyond(9.0) < 1.3 * beyond(3.0)


def test_progress_rises_and_can_cancel(weights: Path) -> None:
    steps: list[Progress] = []
    isolate(_noise(1.5), options=_options(weights), on_progress=steps.append)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len(set(fractions)) >= 4

    def cancel(progress: Progress) -> None:
        if progress.fraction > 0.3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        isolate(_noise(1.5), options=_options(weights), on_progress=cancel)


def test_missing_and_damaged_weights_are_told_apart(weights: Path, tmp_path: Path) -> None:
    audio = _noise(0.1)
    with pytest.raises(WeightsNotFound):
        isolate(audio, options=_options(weights, "nothing"))
    with pytest.raises(WeightsNotFound):
        isolate(audio, options=_options(tmp_path / "nowhere"))
    with pytest.raises(WeightsNotFound):
        isolate(audio, options=_options(weights, str(tmp_path / "none.th")))
    path = next(weights.glob("aaaaaaaa-*.th"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / path.name).write_bytes(content)
    (tmp_path / "single.yaml").write_text("models: ['aaaaaaaa']\n")
    with pytest.raises(WeightsCorrupt):
        isolate(audio, options=_options(tmp_path))
    (tmp_path / "text.th").write_text("no weights")
    with pytest.raises(WeightsCorrupt):
        isolate(audio, options=_options(tmp_path, str(tmp_path / "text.th")))


def test_cuda_is_refused_where_there_is_none(weights: Path) -> None:
    if importlib.import_module("torch").cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(OptionError, match="CUDA"):
        isolate(_noise(0.1), options=_options(weights, device="cuda"))


@pytest.mark.parametrize("field", ["backend", "device", "precision"])
def test_an_option_outside_its_range_is_refused(field: str) -> None:
    with pytest.raises(OptionError):
        SeparationOptions(**{field: "nonsense"})


ISOLATE = """
import sys, numpy as np
{prelude}
from drumscribe.errors import DrumScribeError
from drumscribe.options import SeparationOptions
from drumscribe.separation import isolate
from drumscribe.types import Audio
try:
    isolate(Audio(np.zeros((2, 100), np.float32), 44100), options=SeparationOptions(backend="demucs"))
except DrumScribeError as error:
    print(type(error).__name__, error.exit_code, error.message)
print("torch" in sys.modules)
"""


def _run(prelude: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", ISOLATE.format(prelude=prelude)], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.splitlines()


def test_without_demucs_the_message_says_how_to_get_it() -> None:
    error, torch_loaded = _run("sys.modules['demucs'] = None")
    assert error == "DependencyMissing 7 Isolating the drums needs Demucs: pip install 'drumscribe[demucs]'."
    assert torch_loaded == "False"


@pytest.mark.usefixtures("demucs")
def test_weights_that_cannot_be_fetched_are_said_to_be_missing(tmp_path: Path) -> None:
    offline = f"""
import os
os.environ.update(TORCH_HOME={str(tmp_path)!r}, HF_HOME={str(tmp_path)!r}, HF_HUB_OFFLINE="1")
def offline(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError("no network")
sys.addaudithook(offline)
"""
    assert _run(offline)[0] == "WeightsNotFound 6 The weights of 'htdemucs' could not be found or fetched."
