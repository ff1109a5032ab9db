"""Loudness of strokes from the energy of their attack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_networks import publish_thump_and_hiss, thump_and_hiss

from drumscribe.audio import load_audio
from drumscribe.detection.infer import activate
from drumscribe.detection.loudness import FEWEST, LOUD_STROKES, refine_loudness
from drumscribe.detection.picking import to_velocity
from drumscribe.features import BANDS, FLOOR
from drumscribe.types import Drum, FloatArray, Stem
from drumscribe.weights.load import load_drums

DRUMS = (Drum.KICK, Drum.HIHAT_CLOSED, Drum.OTHER)
OWN_BANDS = (slice(2, 12), slice(60, 90), slice(30, 45))
LEVELS = (0.0, -11.0, -8.0)  # dB: cymbals are quieter than drums with skins


def song(seed: int = 3, frames: int = 4000) -> tuple[FloatArray, list[list[int]], list[FloatArray]]:
    """A noisy spectrum, each drum's frames, and each stroke's true decibels; every third hat falls on a kick."""
    rng = np.random.default_rng(seed)
    power = (0.002 * rng.random((frames, BANDS))).astype(np.float32)
    strokes = [list(range(50, frames - 50, 60)), list(range(50, frames - 50, 20)), list(range(57, frames - 50, 90))]
    loud = [rng.uniform(-20, 0, len(s)).astype(np.float32) for s in strokes]
    for bands, full, own, decibels in zip(OWN_BANDS, LEVELS, strokes, loud, strict=True):
        for frame, level in zip(own, decibels, strict=True):
            for after in range(12):
                power[frame + after, bands] += 10 ** ((full + float(level) - 3 * after) / 10)
    return np.log(power + np.float32(FLOOR)), strokes, loud


def heard(spectrum: FloatArray, strokes: list[list[int]]) -> FloatArray:
    """The refinement of a network that finds all strokes equally loud."""
    return refine_loudness(spectrum, np.full((len(spectrum), len(DRUMS)), 0.7, np.float32), strokes, DRUMS)


@pytest.mark.parametrize("column", [0, 1])
def test_louder_strokes_are_told_from_softer_ones_under_other_drums(column: int) -> None:
    spectrum, strokes, loud = song()
    found = heard(spectrum, strokes)[strokes[column], column]
    assert np.corrcoef(np.argsort(np.argsort(loud[column])), np.argsort(np.argsort(found)))[0, 1] > 0.8


def test_loud_strokes_land_near_the_top_and_soft_ones_far_below() -> None:
    spectrum, strokes, loud = song()
    velocity = np.array([to_velocity(float(v)) for v in heard(spectrum, strokes)[strokes[0], 0]])
    assert to_velocity(LOUD_STROKES) == 108
    assert 100 <= np.median(velocity[loud[0] > -4]) <= 118
    assert np.median(velocity[loud[0] < -16]) < 0.6 * np.median(velocity[loud[0] > -4])


def test_a_louder_recording_changes_nothing_audible() -> None:
    """The spectrum is scaled before it gets here: what is left of a gain is rounding."""
    spectrum, strokes, _ = song()
    louder = spectrum + np.float32(1e-3)
    assert np.abs(heard(louder, strokes)[strokes[0], 0] - heard(spectrum, strokes)[strokes[0], 0]).max() < 2e-3


def test_other_percussion_and_rare_drums_keep_the_loudness_of_the_network() -> None:
    spectrum, strokes, _ = song()
    strokes[1] = strokes[1][: FEWEST - 1]
    refined = heard(spectrum, strokes)
    assert np.all(refined[:, 1:] == np.float32(0.7))
    assert np.ptp(refined[:, 0]) > 0


def test_a_share_of_what_the_network_heard_stands_beside_the_attack() -> None:
    spectrum, strokes, _ = song()
    network = np.random.default_rng(5).random((len(spectrum), len(DRUMS))).astype(np.float32)
    alone = refine_loudness(spectrum, network, strokes, DRUMS)
    shared = refine_loudness(spectrum, network, strokes, DRUMS, (0.0, 0.6, 0.3))
    assert np.array_equal(shared[:, 0], alone[:, 0])
    assert np.allclose(shared[:, 1], 0.4 * alone[:, 1] + 0.6 * network[:, 1], atol=1e-6)
    assert np.array_equal(shared[:, 2], network[:, 2])


def test_shares_for_other_than_the_drums_are_refused() -> None:
    spectrum, strokes, _ = song()
    with pytest.raises(ValueError, match="shorter"):
        refine_loudness(spectrum, np.full((len(spectrum), 3), 0.7, np.float32), strokes, DRUMS, (0.5, 0.5))


def test_the_model_says_how_much_of_its_own_loudness_stands(tmp_path: Path) -> None:
    manifest = publish_thump_and_hiss(tmp_path)
    sound = Stem(load_audio(thump_and_hiss(tmp_path / "song.wav", bpm=150.0)), "mix")
    model = load_drums(manifest=manifest)
    picking = {**model.config["picking"], "loudness_shares": [1.0] * len(Drum)}
    alone, _ = activate(sound, model)
    own, _ = activate(sound, replace(model, config={**model.config, "picking": picking}))
    kick = alone.drums.index(Drum.KICK)
    assert np.allclose(own.velocities[:, kick], 1 / (1 + np.exp(-2.0)), atol=1e-6)  # a network that hears all alike
    assert np.ptp(alone.velocities[:, kick]) > 0.1


@pytest.mark.parametrize("frames", [0, 1, 3, 40])
def test_short_and_silent_recordings_are_fine(frames: int) -> None:
    spectrum = np.full((frames, BANDS), np.log(FLOOR), np.float32)
    found = heard(spectrum, [list(range(frames)), [], []])
    assert found.shape == (frames, len(DRUMS))
    assert found.dtype == np.float32
    assert np.all((found >= 0) & (found <= 1))
