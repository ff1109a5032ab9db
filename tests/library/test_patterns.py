"""Generated drum songs: what is said about them is true of them."""

from itertools import pairwise

import numpy as np
import pytest

from drumscribe.training.grooves import FEELS
from drumscribe.training.limbs import PATTERN_CLASSES, Stroke, playable, swing_bar
from drumscribe.training.patterns import METRES, TEMPO_CURVES, make_pattern_song


@pytest.mark.parametrize("feel", FEELS)
def test_every_feel_makes_a_sound_song(feel: str) -> None:
    song = make_pattern_song(np.random.default_rng(1), duration=20.0, feel=feel)
    assert song.feel == feel
    assert len(song.hits) > 20
    times = [t for t, _, _ in song.hits]
    assert times == sorted(times)
    assert all(0 <= t < 20.0 and d in PATTERN_CLASSES and 0 < v <= 1 for t, d, v in song.hits)


@pytest.mark.parametrize("metre", METRES)
@pytest.mark.parametrize("curve", TEMPO_CURVES)
def test_beats_are_numbered_in_the_metre_and_keep_a_sane_tempo(metre: str, curve: str) -> None:
    song = make_pattern_song(np.random.default_rng(2), duration=25.0, metre=metre, tempo_curve=curve, pickup=1)
    times, numbers = np.array([t for t, _ in song.beats]), [n for _, n in song.beats]
    per_bar = {"6/8": 2, "9/8": 3, "12/8": 4}.get(metre, int(metre[0]))
    assert numbers[:3] == [per_bar, 1, 2 if per_bar > 1 else 1]
    assert all(b == a % per_bar + 1 for a, b in pairwise(numbers))
    assert np.all((60 / np.diff(times) > 45) & (60 / np.diff(times) < 225))


@pytest.mark.parametrize("bpm", [60, 90, 133, 200])
def test_a_constant_tempo_is_the_tempo_asked_for(bpm: float) -> None:
    song = make_pattern_song(np.random.default_rng(3), duration=20.0, bpm=bpm, tempo_curve="constant", human=False)
    assert np.allclose(np.diff([t for t, _ in song.beats]), 60 / bpm)


def test_the_same_seed_gives_the_same_song_and_another_seed_another() -> None:
    one, two, three = (make_pattern_song(np.random.default_rng(seed), duration=15.0) for seed in (7, 7, 8))
    assert one == two
    assert one != three


def test_a_machine_plays_on_the_grid() -> None:
    song = make_pattern_song(
        np.random.default_rng(4), duration=20.0, feel="rock_sixteenths", bpm=100, human=False, tempo_curve="constant"
    )
    start, beat = song.beats[0][0], 0.6
    off_grid = [t for t, _, _ in song.hits if abs(((t - start) / beat * 24) - round((t - start) / beat * 24)) > 0.01]
    assert len(off_grid) < 0.1 * len(song.hits)  # flams alone


def test_every_class_occurs_somewhere() -> None:
    seen = {d for seed in range(120) for _, d, _ in make_pattern_song(np.random.default_rng(seed), duration=12.0).hits}
    assert seen == set(PATTERN_CLASSES)


def test_swing_moves_the_off_beat_and_leaves_the_beat() -> None:
    bar = [Stroke(p, "ride", 0.5) for p in (0.0, 0.5, 1.0, 1.5)]
    assert [s.position for s in swing_bar(bar, 0.5, 2 / 3)] == pytest.approx([0, 2 / 3, 1, 5 / 3])


def test_nobody_plays_with_three_hands() -> None:
    bar = [
        Stroke(0.0, d, v)
        for d, v in (("snare", 0.9), ("crash", 0.8), ("ride", 0.3), ("kick", 0.7), ("tambourine", 0.4), ("snare", 0.2))
    ]
    assert sorted(s.drum for s in playable(bar)) == ["crash", "kick", "snare", "tambourine"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"feel": "polka"}, "feel must"),
        ({"feel": "waltz", "metre": "4/4"}, "does not fit"),
        ({"tempo_curve": "bumpy"}, "tempo_curve must"),
        ({"metre": "4/4", "pickup": 4}, "pickup must"),
        ({"metre": "11/8"}, "no feel suits"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_pattern_song(np.random.default_rng(0), duration=10.0, **wrong)  # type: ignore[arg-type]
