"""The networks that ship: what must not matter to them. The demo song, louder, softer, and in pieces."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from conftest import Demo

from drumscribe import Audio, Hit, load_audio, load_models, transcribe
from drumscribe.chunks import run_in_chunks
from drumscribe.detection.infer import network_inputs
from drumscribe.evaluation import match
from drumscribe.features import log_spectrum, mono, scale_to_level
from drumscribe.types import Drum
from drumscribe.weights import Models


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models()


@pytest.fixture(scope="module")
def audio(demo: Demo) -> Audio:
    return load_audio(demo.audio)


@pytest.fixture(scope="module")
def hits(audio: Audio, models: Models) -> tuple[Hit, ...]:
    return transcribe(audio, models=models).hits


@pytest.mark.parametrize("decibels", [-20, 20])
def test_gain_moves_no_hit(decibels: int, audio: Audio, models: Models, hits: tuple[Hit, ...]) -> None:
    louder = Audio(audio.samples * np.float32(10 ** (decibels / 20)), audio.sample_rate)
    changed = transcribe(louder, models=models).hits
    same = 0
    for drum in Drum:
        times, again = ([h.time for h in found if h.drum is drum] for found in (hits, changed))
        same += len(match(times, again, 0.005))
    assert same >= 0.98 * max(len(hits), len(changed))


def test_a_song_in_pieces_gives_the_logits_of_the_whole(audio: Audio, models: Models) -> None:
    inputs = network_inputs(log_spectrum(scale_to_level(mono(audio))), models.drums.config["features"])

    def run(frames: np.ndarray) -> np.ndarray:
        return np.asarray(models.drums.session.run(None, {"log_mel": frames[None]})[0])[0]

    pieces = run_in_chunks(run, inputs, chunk=500, context=int(models.drums.config["context"]))
    np.testing.assert_allclose(pieces, run(inputs), atol=2e-3)


def test_hits_come_in_order_and_some_are_sure(hits: tuple[Hit, ...]) -> None:
    assert all(a.time <= b.time for a, b in pairwise(hits))
    assert max(h.confidence for h in hits) > 0.9


def test_noise_without_drums_is_ordinary(models: Models) -> None:
    hum = 0.1 * np.sin(2 * np.pi * 220 * np.arange(8 * 44_100) / 44_100)
    result = transcribe(Audio(hum[None].astype(np.float32), 44_100), models=models)
    assert len(result.hits) < 10
    assert b"score-partwise" in result.to_musicxml()
