"""The separator that ships: pieces equal the whole, any input gives a stem as long, and drums do come out."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumscribe.errors import Cancelled
from drumscribe.options import Options, SeparationOptions
from drumscribe.pipeline import listen
from drumscribe.separation import isolate
from drumscribe.separation.light import separate
from drumscribe.types import Audio, Progress
from drumscribe.weights import Network, load_models, load_separator

RATE = 44_100
LIGHT = SeparationOptions(backend="light", threads=1)


@pytest.fixture(scope="module")
def network() -> Network:
    return load_separator(threads=1)


def _drums(seconds: float, seed: int = 0) -> np.ndarray:
    """Bursts of noise and falling tones on a beat of 120 a minute."""
    rng, count = np.random.default_rng(seed), round(seconds * RATE)
    result = np.zeros(count)
    time = np.arange(RATE // 2) / RATE
    kick = np.sin(2 * np.pi * (55 * time + 4 * (1 - np.exp(-time * 40)))) * np.exp(-time * 18)
    for beat in range(int(seconds * 2)):
        hit = kick if beat % 2 == 0 else 0.5 * rng.standard_normal(len(time)) * np.exp(-time * 25)
        place = slice(beat * RATE // 2, (beat + 1) * RATE // 2)
        result[place] += 0.6 * hit[: len(result[place])]
    return result.astype(np.float32)


def _chords(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    tones = (np.sin(2 * np.pi * pitch * k * time) / k for pitch in (220.0, 277.2, 329.6) for k in range(1, 8))
    return (0.06 * np.sum(list(tones), axis=0)).astype(np.float32)


def _mix(seconds: float, channels: int = 1) -> Audio:
    one = _drums(seconds) + _chords(seconds)
    return Audio(np.stack([one * np.float32(1 - 0.3 * channel) for channel in range(channels)]), RATE)


def test_drums_come_out_and_chords_stay_behind() -> None:
    drums, chords = _drums(6.0), _chords(6.0)
    stem = isolate(Audio((drums + chords)[None], RATE), options=LIGHT)
    found = stem.audio.samples[0]
    assert stem.source == "drums"
    assert str(stem.model).startswith("light@")
    before, after = (float(np.sum(drums**2) / np.sum((drums - heard) ** 2)) for heard in (drums + chords, found))
    assert 10 * np.log10(after / before) > 6  # dB of SDR gained
    alone = isolate(Audio(chords[None].copy(), RATE), options=LIGHT).audio.samples
    assert float(np.sqrt(np.mean(alone**2) / np.mean(chords**2))) < 0.15


def test_pieces_give_what_the_whole_gives(network: Network) -> None:
    audio = _mix(20.0, channels=2)
    whole = separate(audio, network, chunk=10**6).samples
    for chunk in (512, 6):
        part = audio if chunk > 100 else Audio(audio.samples[:, : 2 * RATE].copy(), RATE)
        expected = whole if part is audio else separate(part, network, chunk=10**6).samples
        np.testing.assert_allclose(separate(part, network, chunk=chunk).samples, expected, atol=1e-5)


def test_a_channel_does_not_hear_the_others(network: Network) -> None:
    stereo = _mix(3.0, channels=2)
    both = separate(stereo, network).samples
    for channel in range(2):
        alone = separate(Audio(stereo.samples[channel : channel + 1].copy(), RATE), network).samples
        np.testing.assert_array_equal(both[channel], alone[0])
    twice = separate(Audio(np.repeat(stereo.samples[:1], 2, axis=0), RATE), network).samples
    np.testing.assert_array_equal(twice, np.repeat(both[:1], 2, axis=0))


@settings(max_examples=12)
@given(length=st.integers(0, 5000), channels=st.integers(1, 3), gain=st.sampled_from([0.0, 1e-12, 1e-4, 1.0, 1e4]))
def test_any_input_gives_a_stem_as_long(network: Network, length: int, channels: int, gain: float) -> None:
    samples = np.random.default_rng(length).normal(0, gain, (channels, length)).astype(np.float32)
    before = samples.copy()
    stem = separate(Audio(samples, RATE), network)
    assert stem.samples.shape == (channels, length)
    assert np.isfinite(stem.samples).all()
    assert float(np.abs(stem.samples).max(initial=0.0)) <= 3 * float(np.abs(before).max(initial=0.0))
    np.testing.assert_array_equal(samples, before)


def test_gain_and_rate_of_the_input_do_not_matter() -> None:
    audio = _mix(2.0)
    loud = isolate(audio, options=LIGHT).audio.samples
    quiet = isolate(Audio(audio.samples * np.float32(0.01), RATE), options=LIGHT).audio.samples
    np.testing.assert_allclose(quiet * 100, loud, atol=1e-4 * float(np.abs(loud).max()))
    other = isolate(Audio(audio.samples[:, :22_050].copy(), 22_050), options=LIGHT)
    assert other.audio.sample_rate == RATE
    assert other.audio.duration == pytest.approx(1.0, abs=1e-3)


def test_memory_beyond_the_stem_does_not_grow_with_the_song(network: Network) -> None:
    def beyond(seconds: float) -> int:
        audio = _mix(seconds)
        tracemalloc.start()
        stem = separate(audio, network, chunk=64)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - stem.samples.nbytes

    beyond(1.0)  # what is made once stays out of it
    assert beyond(24.0) < 1.3 * beyond(8.0)


def test_progress_rises_and_can_cancel() -> None:
    audio, steps = _mix(30.0, channels=2), list[Progress]()
    isolate(audio, options=LIGHT, on_progress=steps.append)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len(set(fractions)) >= 5

    def cancel(progress: Progress) -> None:
        if progress.fraction > 0.1:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        isolate(audio, options=LIGHT, on_progress=cancel)


def test_the_transcriber_still_hears_the_mix() -> None:
    """It finds more there than in this stem."""
    audio = Audio(np.stack([_drums(8.0)] * 2), RATE)
    models = load_models(threads=1)
    plain, split = (listen(audio, models, options=Options(separation=how)) for how in (SeparationOptions(), LIGHT))
    assert split.stem.source == "drums"
    assert split.performance.hits == plain.performance.hits
    assert split.performance.hits
