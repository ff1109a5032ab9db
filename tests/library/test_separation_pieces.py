"""The pieces of a kit: they add up to the drums, each holds its own strokes, and any input is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.evaluation.stems import score_stem
from drumscribe.separation.bands import BANDS, frames_of, masked
from drumscribe.separation.pieces import PIECES, split_pieces
from drumscribe.types import Audio, Drum, Hit

RATE = 44_100
RNG = np.random.default_rng(0)
TIME = np.arange(RATE // 2) / RATE
SOUNDS = {
    Drum.KICK: np.sin(2 * np.pi * (50 * TIME + 4 * (1 - np.exp(-TIME * 40)))) * np.exp(-TIME * 15),
    Drum.SNARE: (0.4 * RNG.standard_normal(len(TIME)) + np.sin(2 * np.pi * 190 * TIME)) * np.exp(-TIME * 22),
    Drum.HIHAT_CLOSED: 0.3 * np.diff(RNG.standard_normal(len(TIME) + 1)) * np.exp(-TIME * 60),
}
PIECE_OF = {drum: name for name, drums in PIECES.items() for drum in drums}


def played(seconds: float) -> tuple[dict[str, np.ndarray], list[Hit]]:
    """Kick and snare by turns at 120 a minute, a hat on every eighth; each piece alone, and what was struck."""
    count = round(seconds * RATE)
    pieces = {name: np.zeros(count, np.float32) for name in PIECES}
    hits: list[Hit] = []
    for eighth in range(int(seconds * 4)):
        time, struck = eighth / 4 + 0.05, [Drum.HIHAT_CLOSED]
        if eighth % 2 == 0:
            struck.append(Drum.KICK if eighth % 4 == 0 else Drum.SNARE)
        for drum in struck:
            velocity = 70 + (eighth * 13) % 50
            start = round(time * RATE)
            stroke = SOUNDS[drum][: count - start] * (velocity / 127) ** 1.5
            pieces[PIECE_OF[drum]][start : start + len(stroke)] += stroke.astype(np.float32)
            hits.append(Hit(time, drum, velocity))
    return pieces, hits


def test_every_piece_holds_its_own_strokes() -> None:
    pieces, hits = played(8.0)
    drums = np.add.reduce(list(pieces.values()))
    stems = split_pieces(Audio(drums[None], RATE), hits)
    assert list(stems) == list(PIECES)
    for name in ("kick", "snare", "cymbals"):
        rest = (drums - pieces[name])[None]
        before, after = (score_stem(pieces[name][None], e, rest, RATE).si_sdr for e in (drums[None], stems[name].samples))
        assert after > before + 8, name
    assert not stems["toms"].samples.any()  # never struck


def test_the_strokes_decide_and_not_the_band() -> None:
    """The same sound goes where the transcription says."""
    pieces, hits = played(4.0)
    kick = Audio(pieces["kick"][None], RATE)
    for drum in (Drum.KICK, Drum.TOM_LOW):
        own = [Hit(hit.time, drum, hit.velocity) for hit in hits if hit.drum is Drum.KICK]
        stem = split_pieces(kick, own)[PIECE_OF[drum]].samples
        np.testing.assert_allclose(stem, kick.samples, atol=2e-3)


@settings(max_examples=15)
@given(
    length=st.integers(0, 9000),
    channels=st.integers(1, 3),
    gain=st.sampled_from([0.0, 1e-6, 1.0, 1e3]),
    hits=st.lists(
        st.builds(Hit, time=st.floats(0, 0.3), drum=st.sampled_from(list(Drum)), velocity=st.integers(1, 127)), max_size=12
    ),
)
def test_pieces_add_up_to_the_drums_whatever_they_are(length: int, channels: int, gain: float, hits: list[Hit]) -> None:
    samples = np.random.default_rng(length).normal(0, gain, (channels, length)).astype(np.float32)
    stems = split_pieces(Audio(samples.copy(), RATE), hits)
    total = np.add.reduce([stem.samples for stem in stems.values()])
    assert total.shape == samples.shape
    np.testing.assert_allclose(total, samples, atol=1e-5 * max(gain, 1e-6))


def test_channels_are_shared_alike() -> None:
    pieces, hits = played(3.0)
    drums = np.add.reduce(list(pieces.values()))
    stems = split_pieces(Audio(np.stack([drums, 0.25 * drums]), RATE), hits)
    for stem in stems.values():
        np.testing.assert_allclose(stem.samples[1], 0.25 * stem.samples[0], atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, 511, 512, 44_100])
def test_masks_of_one_give_the_song_back(length: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, length).astype(np.float32)
    whole = np.ones((frames_of(length), BANDS), np.float32)
    kept, half = masked(samples, [whole, 0.5 * whole], block=16)
    np.testing.assert_allclose(kept, samples, atol=1e-6)
    np.testing.assert_allclose(half, 0.5 * samples, atol=1e-6)
