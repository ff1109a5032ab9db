"""Grooves that keep other company: what each of them promises is so, and kits whose kicks click do."""

from collections.abc import Callable

import numpy as np
import pytest

from drumscribe.features import SAMPLE_RATE
from drumscribe.training import effects, rare_grooves
from drumscribe.training.limbs import Bar, Metre, playable
from drumscribe.training.sequences import Playing, Stroke, restyle

_HATS = {"hihat_closed", "hihat_half", "hihat_open", "hihat_pedal"}
_FOUR = Metre(4, 4)


def _bars(compose: Callable[[np.random.Generator, Metre, float], Bar], energy: float = 0.9) -> list[Bar]:
    return [playable(compose(np.random.default_rng(seed), _FOUR, energy)) for seed in range(60)]


def _together(bar: Bar) -> list[set[str]]:
    return [{s.drum for s in bar if s.position == place} for place in sorted({s.position for s in bar})]


@pytest.mark.parametrize("compose", [rare_grooves.double_bass, rare_grooves.off_beats, rare_grooves.rim_clicks])
def test_what_needs_no_hat_has_none(compose: Callable[[np.random.Generator, Metre, float], Bar]) -> None:
    assert not any(stroke.drum in _HATS for bar in _bars(compose) for stroke in bar)


def test_two_feet_play_many_kicks() -> None:
    counts = [sum(s.drum == "kick" for s in bar) for bar in _bars(rare_grooves.double_bass)]
    assert np.median(counts) >= 10


def test_floor_tom_snare_and_kick_are_struck_at_once() -> None:
    unisons = [sum({"tom_low", "snare", "kick"} <= names for names in _together(bar)) for bar in _bars(rare_grooves.tribal)]
    assert np.mean(np.array(unisons) > 0) > 0.3


def test_crashes_are_struck_while_they_ring() -> None:
    crashes = [sum(s.drum == "crash" for s in bar) for bar in _bars(rare_grooves.crash_riding)]
    assert np.mean(np.array(crashes) >= 4) > 0.3
    assert not any(s.drum == "crash" for bar in _bars(rare_grooves.crash_riding, 0.3) for s in bar)


def test_linear_strokes_never_meet() -> None:
    assert all(len(names) == 1 for bar in _bars(rare_grooves.linear) for names in _together(bar))


def test_some_restyled_songs_double_the_snare_on_a_floor_tom_and_lose_their_hats() -> None:
    doubled = without = 0
    for seed in range(80):
        strokes = [Stroke(0.25 * k, "snare" if k % 4 == 2 else "hihat_closed", 0.8) for k in range(120)]
        playing = Playing(strokes, [(0.5 * k, k % 4 + 1) for k in range(60)])
        restyle(playing, 30.0, np.random.default_rng(seed))
        snares, toms = ([s.time for s in playing.strokes if s.name == name] for name in ("snare", "tom_low"))
        unisons = sum(any(abs(t - s) < 0.03 for t in toms) for s in snares)
        doubled += unisons >= 8
        without += unisons >= 8 and sum(s.name in _HATS for s in playing.strokes) < 45
    assert doubled >= 5
    assert without >= 1


def test_a_click_is_short_and_bright() -> None:
    for seed in range(20):
        sound = effects.click(np.random.default_rng(seed))
        assert len(sound) <= 0.012 * SAMPLE_RATE
        power = np.abs(np.fft.rfft(sound)) ** 2
        hertz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
        assert power[hertz > 1200].sum() > 0.8 * power.sum()
        first = int(0.006 * SAMPLE_RATE)
        assert np.sum(sound[:first] ** 2) > 0.95 * np.sum(sound**2)
