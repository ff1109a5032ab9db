"""The picture of a song: an ordinary PNG for any length, with the hits where they sound."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from drumscribe.export.picture import LANES, MAX_ROWS, _palette, write_picture
from drumscribe.types import Audio, Beat, BeatGrid, Drum, Hit, Performance

KICK, SNARE = LANES[Drum.KICK][1], LANES[Drum.SNARE][1]


def noise(seconds: float, rate: int = 16_000, channels: int = 1) -> Audio:
    rng = np.random.default_rng(0)
    return Audio(rng.normal(0, 0.1, (channels, int(seconds * rate))).astype(np.float32), rate)


def draw(audio: Audio, hits: list[Hit], beats: list[Beat] | None = None, **kwargs: object) -> np.ndarray:
    performance = Performance(tuple(sorted(hits)), BeatGrid(tuple(beats or ())), audio.duration)
    data = write_picture(audio, performance, **kwargs)  # type: ignore[arg-type]
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def columns(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a colour stands inside the lanes of the first row."""
    return np.unique(np.nonzero((picture == colour).all(axis=2)[196:, 112:])[1]) + 112


def test_a_hit_stands_at_its_time_in_its_colour() -> None:
    plain = [Hit(2.5, Drum.KICK, 127), Hit(7.5, Drum.SNARE, 127)]
    picture = draw(noise(10), plain, width=1012)
    left, right = 112, 992
    assert abs(np.median(columns(picture, KICK)) - (left + (right - left) * 0.25)) <= 1
    assert abs(np.median(columns(picture, SNARE)) - (left + (right - left) * 0.75)) <= 1


def test_a_louder_hit_is_taller_and_a_doubtful_one_fainter() -> None:
    def ink(hit: Hit) -> int:
        return int((draw(noise(5), [hit])[:, 120:] == SNARE).all(axis=2).sum())

    assert ink(Hit(2.0, Drum.SNARE, 127)) > 2 * ink(Hit(2.0, Drum.SNARE, 20)) > 0
    assert ink(Hit(2.0, Drum.SNARE, 127, 0.3)) == 0


@pytest.mark.parametrize("seconds", [0.5, 5, 17, 33, 61])
def test_any_length_is_one_picture_of_bounded_height(seconds: float) -> None:
    beats = [Beat(i * 0.5, i % 4 + 1) for i in range(int(seconds * 2))]
    picture = draw(noise(seconds), [Hit(seconds / 2, Drum.KICK, 90)], beats, width=800)
    assert picture.shape[1] == 800
    assert picture.shape[0] < 400 * (seconds // 11 + 1)


def test_a_quarter_of_an_hour_fits() -> None:
    silence = Audio(np.zeros((1, 900 * 16_000), np.float32), 16_000)
    picture = draw(silence, [Hit(899.0, Drum.KICK, 127)], [Beat(i * 0.5, i % 4 + 1) for i in range(1800)], width=600)
    assert picture.shape[0] < (MAX_ROWS + 10) * 300


def test_nothing_heard_is_still_a_picture() -> None:
    assert draw(noise(5, channels=2), []).std() > 1
    with pytest.raises(ValueError, match="600"):
        draw(noise(5), [], width=100)


def test_what_a_tone_lights_up_is_its_own_band() -> None:
    time = np.arange(5 * 44_100) / 44_100
    tone = Audio(np.sin(2 * np.pi * 1000 * time).astype(np.float32)[None], 44_100)
    picture = draw(tone, [])
    column = picture[66 + 18 : 66 + 18 + 112, 800].astype(int).sum(axis=1)
    brightest = int(np.argmax(column))
    assert 40 * (16_000 / 40) ** (1 - (brightest + 0.5) / 112) == pytest.approx(1000, rel=0.06)


def test_the_palette_grows_evenly_lighter() -> None:
    linear = (_palette() / 255.0) ** 2.2
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(np.cbrt(luminance)) > -2e-3)
    assert luminance[0] < 0.02
    assert luminance[-1] > 0.7
