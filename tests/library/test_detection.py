"""Features, pieces and picking: what the drum network is given and what becomes of its output."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drumscribe.chunks import run_in_chunks
from drumscribe.detection.picking import RIVAL_GAP, RIVALS, find_peaks, pick_hits, to_velocity
from drumscribe.features import BANDS, HOP, LEVEL, SAMPLE_RATE, log_mel, mel_filters, mono, scale_to_level
from drumscribe.options import PickingOptions
from drumscribe.types import Activations, Audio, Drum

DRUMS = tuple(Drum)
PICKING = {"thresholds": [0.5] * len(DRUMS)}


def activations(values: np.ndarray) -> Activations:
    values = values.astype(np.float32)
    return Activations(values, np.full_like(values, 0.9), DRUMS, 100.0)


def test_every_mel_filter_sums_to_one() -> None:
    np.testing.assert_allclose(mel_filters().sum(axis=0), 1, atol=1e-5)


def test_a_click_rises_at_its_frame() -> None:
    samples = np.zeros(SAMPLE_RATE, np.float32)
    samples[50 * HOP] = 1
    energy = log_mel(samples).sum(axis=1)
    assert int(np.argmax(energy)) == 50


def test_scaling_removes_gain() -> None:
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)
    quiet, loud = scale_to_level(noise * 0.01), scale_to_level(noise * 10)
    np.testing.assert_allclose(quiet, loud, rtol=1e-4)
    assert float(np.sqrt(np.mean(quiet**2))) == pytest.approx(LEVEL, rel=1e-4)


def test_silence_and_nothing_stay_finite() -> None:
    assert np.isfinite(log_mel(scale_to_level(np.zeros(SAMPLE_RATE, np.float32)))).all()
    assert log_mel(np.zeros(0, np.float32)).shape == (0, BANDS)


def test_mono_is_the_mean_of_the_channels() -> None:
    stereo = Audio(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), 44_100)
    np.testing.assert_array_equal(mono(stereo), [0.5, 0.5])


@given(st.integers(0, 400), st.integers(1, 90), st.integers(0, 12))
def test_pieces_equal_the_whole(count: int, chunk: int, context: int) -> None:
    frames = np.random.default_rng(count).standard_normal((count, 2)).astype(np.float32)

    def smooth(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, ((context, context), (0, 0)))
        return np.stack([padded[i : i + 2 * context + 1].sum(axis=0) for i in range(len(x))]) if len(x) else x

    np.testing.assert_allclose(run_in_chunks(smooth, frames, chunk=chunk, context=context), smooth(frames), atol=1e-4)


@given(hnp.arrays(np.float32, st.integers(0, 200), elements=st.floats(0, 1, width=32)), st.floats(0.05, 0.95), st.integers(0, 10))
def test_peaks_are_high_and_apart(values: np.ndarray, threshold: float, gap: int) -> None:
    peaks = find_peaks(values, threshold, gap)
    assert all(values[p] >= threshold for p in peaks)
    assert all(b - a > gap for a, b in pairwise(peaks))


def test_a_plateau_is_one_hit() -> None:
    values = np.zeros((100, len(DRUMS)))
    values[40:44, 0] = 0.8
    hits = pick_hits(activations(values), PICKING)
    assert [h.drum for h in hits] == [Drum.KICK]
    assert hits[0].time == pytest.approx(0.4, abs=0.006)


def test_nothing_above_the_threshold_is_no_hit() -> None:
    assert pick_hits(activations(np.full((50, len(DRUMS)), 0.2)), PICKING) == ()
    assert pick_hits(activations(np.zeros((0, len(DRUMS)))), PICKING) == ()


def test_other_percussion_is_never_reported() -> None:
    values = np.zeros((100, len(DRUMS)))
    values[30, DRUMS.index(Drum.OTHER)] = 0.99
    assert pick_hits(activations(values), PICKING) == ()


def test_of_two_rivals_the_more_probable_wins() -> None:
    values = np.zeros((100, len(DRUMS)))
    values[30, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.7
    values[31, DRUMS.index(Drum.HIHAT_OPEN)] = 0.9
    values[30, DRUMS.index(Drum.KICK)] = 0.8
    assert {h.drum for h in pick_hits(activations(values), PICKING)} == {Drum.HIHAT_OPEN, Drum.KICK}


@given(hnp.arrays(np.float32, (60, len(DRUMS)), elements=st.floats(0, 1, width=32)))
def test_hits_are_sorted_apart_and_free_of_rivals(values: np.ndarray) -> None:
    hits = pick_hits(activations(values), PICKING)
    assert list(hits) == sorted(hits)
    for group in RIVALS:
        times = sorted(h.time for h in hits if h.drum in group)
        assert all(b - a > RIVAL_GAP - 1e-9 for a, b in pairwise(times))


@given(hnp.arrays(np.float32, (40, len(DRUMS)), elements=st.floats(0, 1, width=32)), st.floats(0.1, 3))
def test_more_sensitivity_never_finds_less(values: np.ndarray, sensitivity: float) -> None:
    kicks = values * (np.arange(len(DRUMS)) == 0)
    usual = pick_hits(activations(kicks), PICKING)
    more = pick_hits(activations(kicks), PICKING, options=PickingOptions(sensitivity=sensitivity))
    assert len(more) >= len(usual)


def test_a_lone_ride_among_hats_is_a_hat_and_a_passage_of_rides_is_none() -> None:
    values = np.zeros((3000, len(DRUMS)))
    values[100:1000:50, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.9
    values[[525, 600], DRUMS.index(Drum.RIDE)] = 0.95  # between two hats, and with one
    values[2000:2900:50, DRUMS.index(Drum.RIDE)] = 0.9
    values[2100:2900:200, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.8  # the pedal
    hits = pick_hits(activations(values), PICKING)
    early = [h for h in hits if h.time < 15]
    assert {h.drum for h in early} == {Drum.HIHAT_CLOSED}
    assert len(early) == 19
    assert sum(h.drum is Drum.RIDE for h in hits) == 18


def test_a_lone_side_stick_among_snares_is_a_snare() -> None:
    values = np.zeros((1000, len(DRUMS)))
    values[100:500:100, DRUMS.index(Drum.SNARE)] = 0.9
    values[250, DRUMS.index(Drum.CROSS_STICK)] = 0.9
    assert {h.drum for h in pick_hits(activations(values), PICKING)} == {Drum.SNARE}
    assert len(pick_hits(activations(values), PICKING)) == 5


def test_a_passage_of_side_sticks_stays_one() -> None:
    values = np.zeros((2000, len(DRUMS)))
    values[100:900:100, DRUMS.index(Drum.CROSS_STICK)] = 0.9
    values[1500:1900:100, DRUMS.index(Drum.SNARE)] = 0.9
    found = [h.drum for h in pick_hits(activations(values), PICKING)]
    assert (found.count(Drum.CROSS_STICK), found.count(Drum.SNARE)) == (8, 4)


def shaken(surer: float) -> np.ndarray:
    """Ten seconds of what may be hats or a shaker, then ten of hats; one stroke in five of the first is surely a hat."""
    values = np.full((3200, len(DRUMS)), 0.01)
    values[100:1100:20, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.6
    values[101:1101:20, DRUMS.index(Drum.OTHER)] = 0.6 / surer
    values[100:1100:100, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.8
    values[2000:3000:20, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.6
    values[2000:3000:100, DRUMS.index(Drum.OTHER)] = 0.6
    return values


@pytest.mark.parametrize(("surer", "hats"), [(1.2, 50), (2.0, 100)])
def test_hats_yield_to_percussion_for_a_passage_where_both_are_nearly_as_likely(surer: float, hats: int) -> None:
    assert len(pick_hits(activations(shaken(surer)), PICKING)) == hats


def test_hats_that_only_sensitivity_finds_do_not_turn_a_passage_into_percussion() -> None:
    values = shaken(2.0)
    values[110:1110:20, DRUMS.index(Drum.OTHER)] = 0.3
    values[110:1110:20, DRUMS.index(Drum.HIHAT_CLOSED)] = 0.4
    usual = {round(h.time, 2) for h in pick_hits(activations(values), PICKING)}
    more = {round(h.time, 2) for h in pick_hits(activations(values), PICKING, options=PickingOptions(sensitivity=0.6))}
    assert len(usual) == 100
    assert usual < more


def test_the_wrong_number_of_thresholds_is_refused() -> None:
    with pytest.raises(ValueError, match="2 thresholds"):
        pick_hits(activations(np.zeros((5, len(DRUMS)))), {"thresholds": [0.5, 0.5]})


def test_louder_is_never_a_smaller_velocity() -> None:
    velocities = [to_velocity(x) for x in np.linspace(0, 1, 50)]
    assert velocities == sorted(velocities)
    assert (velocities[0], velocities[-1]) == (1, 127)
