"""A bar that went wrong, as a picture: what was played above what was heard, drum by drum, over the log-mel spectrogram."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from drumscribe.audio import resample
from drumscribe.evaluation.hits import VOCABULARIES
from drumscribe.evaluation.worst import Mark, WrongBar
from drumscribe.features import FRAME_RATE, HIGHEST, LOWEST, SAMPLE_RATE, log_mel, mono, scale_to_level
from drumscribe.types import Audio

WIDTH = 960  #: pixels

_LEFT, _RIGHT, _TOP = 144, 16, 66
_LANE, _SPECTRUM, _AXIS, _LEGEND = 44, 128, 22, 30
_INK, _DIM, _FAINT = (28, 30, 38), (104, 108, 120), (214, 217, 224)
_PAPER, _PANEL, _OUTSIDE = (255, 255, 255), (247, 248, 250), (233, 235, 240)
# Blue, orange and vermilion of Okabe and Ito (2008): told apart by all kinds of sight, by shape besides
_RIGHT_INK, _MISSED_INK, _INVENTED_INK = (0, 98, 163), (214, 128, 0), (196, 62, 0)
_RANGE = 10.0  #: natural logarithms of power from black to white, 43 dB

#: Lanes from the top, in all vocabularies.
_NAMES = {
    "crash": "crash",
    "cymbals": "cymbals",
    "ride": "ride",
    "hihat_open": "open hat",
    "hihat": "hi-hat",
    "hihat_closed": "closed hat",
    "tom_high": "high tom",
    "tom_mid": "middle tom",
    "tom_low": "floor tom",
    "toms": "toms",
    "snare": "snare",
    "kick": "kick",
}
assert all(name in _NAMES for table in VOCABULARIES.values() for name in table.values())


def draw_bar(bar: WrongBar, audio: Audio, *, title: str = "") -> bytes:
    """Draw a bar and a quarter of its length to either side as a PNG of some 30 kB.

    Parameters
    ----------
    bar : WrongBar
        From `worst.worst_bars`.
    audio : Audio
        The whole recording.
    title : str
        Printed at the top; by default the piece and the number of the bar.
    """
    lanes = [name for name in _NAMES if any(m.name == name for m in bar.marks)]
    around = (bar.end - bar.start) / 4
    start, end = max(0.0, bar.start - around), bar.end + around
    rate = (WIDTH - _LEFT - _RIGHT) / (end - start)
    floor = _TOP + len(lanes) * _LANE
    image = Image.new("RGB", (WIDTH, floor + _SPECTRUM + _AXIS + _LEGEND), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((16, 12), title or f"{bar.heard.piece.name}, bar {bar.number}", font=_font(18), fill=_INK)
    counts = {v: bar.count(v) for v in ("right", "missed", "invented")}
    facts = f"{counts['right'] + counts['missed']} strokes: {counts['right']} found, {counts['missed']} missed"
    facts += f" ({bar.drowned} of them drowned)" if bar.drowned else ""
    draw.text((16, 38), f"{facts}; {counts['invented']} invented", font=_font(14), fill=_DIM)
    for i, name in enumerate(lanes):
        top = _TOP + i * _LANE
        draw.rectangle((_LEFT, top, WIDTH - _RIGHT - 1, top + _LANE - 2), fill=_PANEL)
        draw.text((_LEFT - 58, top + _LANE / 2), _NAMES[name], font=_font(14), fill=_INK, anchor="rm")
        for row, word in ((0, "played"), (1, "heard")):
            draw.text((_LEFT - 8, top + 12 + 20 * row), word, font=_font(11), fill=_DIM, anchor="rm")
    image.paste(_spectrum(audio, start, end), (_LEFT, floor))
    for hertz, word in ((100, "100 Hz"), (1000, "1 kHz"), (10_000, "10 kHz")):
        y = floor + _SPECTRUM * (1 - (_mel(hertz) - _mel(LOWEST)) / (_mel(HIGHEST) - _mel(LOWEST)))
        draw.text((_LEFT - 8, y), word, font=_font(11), fill=_DIM, anchor="rm")
    _draw_beats(image, bar, start, end, rate, floor)
    draw = ImageDraw.Draw(image)
    for mark in bar.marks:
        x = _LEFT + (mark.time - start) * rate
        if mark.name in lanes and _LEFT <= x < WIDTH - _RIGHT:
            _draw_mark(draw, mark, x, _TOP + lanes.index(mark.name) * _LANE, rate, start)
    _draw_legend(draw, floor + _SPECTRUM + _AXIS, with_drowned=any(m.drowned for m in bar.marks))
    out = io.BytesIO()
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw_beats(image: Image.Image, bar: WrongBar, start: float, end: float, rate: float, floor: int) -> None:
    """Beats as lines, bar lines as stronger ones, the surroundings of the bar dimmed; the axis below."""
    beats = bar.heard.true_beats
    bottom = floor + _SPECTRUM
    dimmed = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(dimmed)
    for left, right in ((start, bar.start), (bar.end, end)):
        if right > left:
            box = (_LEFT + (left - start) * rate, _TOP, _LEFT + (right - start) * rate - 1, bottom - 1)
            draw.rectangle(box, fill=(*_OUTSIDE, 165))
    if beats is not None:
        for time in beats.times[(beats.times >= start) & (beats.times < end)]:
            x = round(_LEFT + (float(time) - start) * rate)
            is_line = abs(float(time) - bar.start) < 1e-6 or abs(float(time) - bar.end) < 1e-6
            draw.line((x, _TOP - 4 if is_line else _TOP, x, bottom - 1), fill=(*_DIM, 255 if is_line else 110), width=1 + is_line)
    image.paste(dimmed, (0, 0), dimmed)
    axis = ImageDraw.Draw(image)
    step = 0.1 if end - start < 1.5 else 0.25 if end - start < 4 else 0.5 if end - start < 8 else 1.0
    for k in range(int(np.ceil(start / step)), int(end / step) + 1):
        x = _LEFT + (k * step - start) * rate
        axis.line((x, bottom, x, bottom + 3), fill=_DIM)
        if _LEFT + 8 < x < WIDTH - _RIGHT - 18:
            axis.text((x, bottom + 5), f"{k * step:.2f}".rstrip("0").rstrip(".") + " s", font=_font(11), fill=_DIM, anchor="ma")


def _draw_mark(draw: ImageDraw.ImageDraw, mark: Mark, x: float, top: int, rate: float, start: float) -> None:
    played, heard = top + 12, top + 32
    if mark.verdict == "right":
        other = x if mark.heard is None else _LEFT + (mark.heard - start) * rate
        draw.line((x, played, other, heard), fill=_RIGHT_INK)
        _disc(draw, x, played, _RIGHT_INK)
        draw.rectangle((other - 4, heard - 4, other + 4, heard + 4), fill=_RIGHT_INK)
    elif mark.verdict == "missed":
        _ring(draw, x, played, is_drowned=mark.drowned)
    else:
        _cross(draw, x, heard)


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, colour: tuple[int, int, int]) -> None:
    draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)


def _ring(draw: ImageDraw.ImageDraw, x: float, y: float, *, is_drowned: bool = False) -> None:
    colour, width = (_DIM, 1) if is_drowned else (_MISSED_INK, 3)
    draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=_PAPER, outline=colour, width=width)


def _cross(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    for dy in (1, -1):
        draw.line((x - 5, y - 5 * dy, x + 5, y + 5 * dy), fill=_INVENTED_INK, width=3)


def _draw_legend(draw: ImageDraw.ImageDraw, top: int, *, with_drowned: bool) -> None:
    y = top + 13
    x = _LEFT + 6.0
    shapes = [("right", "found"), ("missed", "played, not heard"), ("invented", "heard, not played")]
    for shape, words in [*shapes, *([("drowned", "played, but drowned by what sounds around it")] if with_drowned else [])]:
        if shape == "right":
            _disc(draw, x, y, _RIGHT_INK)
            draw.rectangle((x + 11, y - 4, x + 19, y + 4), fill=_RIGHT_INK)
            x += 14
        elif shape in ("missed", "drowned"):
            _ring(draw, x, y, is_drowned=shape == "drowned")
        else:
            _cross(draw, x, y)
        draw.text((x + 14, y), words, font=_font(13), fill=_INK, anchor="lm")
        x += 14 + _font(13).getlength(words) + 30


def _spectrum(audio: Audio, start: float, end: float) -> Image.Image:
    """Grey log-mel spectrogram of a stretch, dark where it is loud; what the networks see, at their scale."""
    sound = audio if audio.sample_rate == SAMPLE_RATE else resample(audio, SAMPLE_RATE)
    samples = scale_to_level(mono(sound))
    margin = 0.1
    first = max(0.0, start - margin)
    levels = log_mel(samples[int(first * SAMPLE_RATE) : int((end + margin) * SAMPLE_RATE)])
    levels = levels + np.linspace(_mel(LOWEST), _mel(HIGHEST), levels.shape[1]) / 700  # so that cymbals show beside the kick
    width = WIDTH - _LEFT - _RIGHT
    frames = (start - first + (np.arange(width) + 0.5) / width * (end - start)) * FRAME_RATE
    nearest = np.rint(frames).astype(int)
    picture: NDArray[np.float64] = np.zeros((width, levels.shape[1]))
    if len(levels):
        inside = nearest < len(levels)
        top = float(np.quantile(levels, 0.995))
        picture[inside] = np.clip((levels[nearest[inside]] - top) / _RANGE + 1, 0, 1)
    grey = np.rint((1 - picture.T[::-1] ** 1.4 * 0.92) * 24) * (255 / 24)  # few greys make a small file
    return Image.fromarray(grey.astype(np.uint8)).resize((width, _SPECTRUM), Image.Resampling.NEAREST).convert("RGB")


@lru_cache(maxsize=1)
def _palette() -> Image.Image:
    """Greys for sound, paper and text, and the colours of the marks with their shades on paper: few make a small file."""
    greys = [(round(v), round(v), round(v)) for v in np.linspace(0, 255, 40)]
    inks = [_RIGHT_INK, _MISSED_INK, _INVENTED_INK]
    shades = [tuple(round(255 + (c - 255) * share) for c in ink) for ink in inks for share in (1, 0.75, 0.5, 0.25)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in (*greys, *shades, _PANEL, _OUTSIDE, _PAPER) for channel in colour])
    return palette


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
