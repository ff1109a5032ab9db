"""One picture of a song: what sounded above, what was heard below.

    bar numbers      at every downbeat
    spectrogram      log frequency, loudness in a palette of even lightness steps
    lanes            one per instrument; a stroke's height is its velocity, its opacity the confidence
    time             seconds or minutes

The song is wrapped into rows that begin on bar lines, all on one time scale. A quarter of an hour still makes one
picture: rows grow longer instead of more numerous, and sound is analysed a block at a time.

The sound is needed once: `analyse` keeps of it what a picture shows, and that can be drawn again under other hits and bars.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.fft import rfft

from drumscribe.types import Audio, BeatGrid, Drum, Hit, Performance

ROW_SECONDS = 16.0  #: a row of this length shows sixteenths at 200 bpm as separate strokes
MAX_ROWS = 24  #: beyond it rows become longer instead
FFT_SIZE = 2048
LOW_HZ, HIGH_HZ = 40.0, 16_000.0
RANGE_DB = 66.0  #: from the darkest to the brightest colour
GAMMA = 1.7  #: above 1 leaves most of the palette to the loudest part, where drums stand out of a dense mix

_MARGIN, _LABELS, _HEADER = 20, 92, 66
_NUMBERS, _SPECTRUM, _LANE, _AXIS, _GAP = 18, 112, 20, 20, 16
_BACK, _PANEL, _PANEL_ALT, _INK, _DIM = (15, 16, 22), (24, 26, 34), (29, 31, 41), (236, 236, 242), (142, 146, 164)

#: Lanes from the top: cymbals, drums from high to low, as on the staff. Name and colour of each.
LANES: dict[Drum, tuple[str, tuple[int, int, int]]] = {
    Drum.CRASH: ("crash", (255, 214, 102)),
    Drum.RIDE: ("ride", (240, 178, 84)),
    Drum.HIHAT_OPEN: ("hi-hat open", (150, 222, 133)),
    Drum.HIHAT_CLOSED: ("hi-hat", (98, 196, 142)),
    Drum.TOM_HIGH: ("high tom", (112, 204, 224)),
    Drum.TOM_MID: ("mid tom", (98, 168, 230)),
    Drum.TOM_LOW: ("floor tom", (124, 140, 236)),
    Drum.CROSS_STICK: ("cross stick", (226, 150, 200)),
    Drum.SNARE: ("snare", (240, 112, 140)),
    Drum.KICK: ("kick", (236, 236, 242)),
    Drum.OTHER: ("other", (130, 132, 146)),
}

_Colour = tuple[int, int, int]
_Pixels = NDArray[np.uint8]
_SHORTEST_ROW = 0.7  # of the longest, where a downbeat ends it
_FINEST = 1600 - 2 * _MARGIN - _LABELS  # pixels of a row that a spectrogram is fine enough for


@dataclass(frozen=True, slots=True, eq=False)
class Spectrogram:
    """What a picture shows of the sound."""

    levels: _Pixels  #: (bands, columns), the highest band first: 0 is `RANGE_DB` below the loudest, 255 the loudest
    rate: float  #: columns a second; column i is centred at (i + 1/2) / rate
    duration: float  #: seconds


@dataclass(frozen=True, slots=True)
class _Row:
    """A stretch of the song on one line."""

    start: float  #: seconds
    end: float  #: seconds
    top: int  #: pixels


def analyse(audio: Audio) -> Spectrogram:
    """Keep of a recording what its picture needs: under 7 kB a second, and under 6 MB for any length."""
    duration = max(audio.duration, 1.0)
    rate = _FINEST / (_longest_row(duration) * _SHORTEST_ROW)
    levels = _spectrum(audio, int(np.ceil(duration * rate)), rate)
    # one scale for the whole song: its loudest thousandth is the brightest
    levels -= np.quantile(levels, 0.999)
    levels = np.clip(levels / RANGE_DB + 1, 0, 1, out=levels)
    return Spectrogram(np.rint(levels * 255).astype(np.uint8), rate, audio.duration)


def write_picture(sound: Audio | Spectrogram, performance: Performance, *, title: str = "", width: int = 1600) -> bytes:
    """Draw the song as a PNG.

    Parameters
    ----------
    sound : Audio or Spectrogram
        The sound that was transcribed, mixed down to one channel for the spectrogram; or what `analyse` made of it.
    performance : Performance
        Hits and beats on the same clock.
    title : str
        Printed at the top.
    width : int
        Pixels; 600 or more. The height follows from the length of the song.

    Raises
    ------
    ValueError
        If `width` is below 600.
    """
    if width < 600:
        raise ValueError(f"width must be 600 or more, not {width}")
    drums = [d for d in LANES if any(h.drum is d for h in performance.hits)] or [Drum.SNARE, Drum.KICK]
    left, right = _MARGIN + _LABELS, width - _MARGIN
    spectrogram = sound if isinstance(sound, Spectrogram) else analyse(sound)
    duration = max(spectrogram.duration, performance.duration, 1.0)
    rate, spans = _wrap(duration, performance.grid, right - left)
    height_of_row = _NUMBERS + _SPECTRUM + len(drums) * _LANE + _AXIS + _GAP
    rows = [_Row(start, end, _HEADER + i * height_of_row) for i, (start, end) in enumerate(spans)]
    spectra = [_colours(spectrogram, row.start, round((row.end - row.start) * rate), rate) for row in rows]

    image = Image.new("RGB", (width, _HEADER + len(rows) * height_of_row + _MARGIN // 2), _BACK)
    draw = ImageDraw.Draw(image, "RGBA")
    _draw_header(draw, performance, title, right, duration)
    for row, spectrum in zip(rows, spectra, strict=True):
        image.paste(Image.fromarray(spectrum), (left, row.top + _NUMBERS))
        _draw_lanes(draw, row, drums, left, left + spectrum.shape[1])
        _draw_beats(draw, row, performance.grid, len(drums), left, rate)
        _draw_axis(draw, row, len(drums), left, rate)
        lanes_top = row.top + _NUMBERS + _SPECTRUM
        for hit in performance.hits:
            if hit.drum in drums and row.start <= hit.time < row.end:
                _draw_hit(draw, hit, left + (hit.time - row.start) * rate, lanes_top + (drums.index(hit.drum) + 1) * _LANE)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------ layout


def _wrap(duration: float, grid: BeatGrid, pixels: int) -> tuple[float, list[tuple[float, float]]]:
    """Pixels a second, and the stretch of each row; rows after the first begin on a downbeat where one is in reach."""
    longest = _longest_row(duration)
    downbeats = [b.time for b in grid.beats if b.number == 1 and 0 < b.time < duration]
    spans: list[tuple[float, float]] = []
    start = 0.0
    while duration - start > 1e-6:
        end = start + longest
        if duration - end < 0.02 * longest:
            end = duration
        else:
            end = max((t for t in downbeats if start + _SHORTEST_ROW * longest < t <= end), default=end)
        spans.append((start, end))
        start = end
    return pixels / max(end - start for start, end in spans), spans


def _longest_row(duration: float) -> float:
    return min(duration, max(ROW_SECONDS, duration / MAX_ROWS))


def _draw_header(draw: ImageDraw.ImageDraw, performance: Performance, title: str, right: int, duration: float) -> None:
    grid, count = performance.grid, len(performance.hits)
    pulse = "no pulse found" if grid.bpm is None else f"{grid.bpm:.0f} bpm{'' if grid.reliable else ' (unsure)'}"
    facts = f"{_clock(duration)}  ·  {pulse}  ·  {count} hit{'' if count == 1 else 's'}"
    draw.text((_MARGIN, 14), title or "Drum transcription", font=_font(21), fill=_INK)
    draw.text((_MARGIN, 42), facts, font=_font(13), fill=_DIM)
    draw.text((right, 42), "height: velocity   opacity: confidence", font=_font(12), fill=_DIM, anchor="ra")


def _draw_lanes(draw: ImageDraw.ImageDraw, row: _Row, drums: list[Drum], left: int, right: int) -> None:
    top = row.top + _NUMBERS + _SPECTRUM
    for hertz in (100, 1000, 10_000):
        y = row.top + _NUMBERS + _SPECTRUM * (1 - np.log(hertz / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ))
        draw.text(
            (left - 8, y), f"{hertz} Hz" if hertz < 1000 else f"{hertz // 1000} kHz", font=_font(10), fill=_DIM, anchor="rm"
        )
        draw.line((left - 5, y, left - 1, y), fill=_DIM)
    for i, drum in enumerate(drums):
        name, colour = LANES[drum]
        y = top + i * _LANE
        draw.rectangle((left, y, right - 1, y + _LANE - 1), fill=_PANEL if i % 2 else _PANEL_ALT)
        draw.text((left - 8, y + _LANE / 2), name, font=_font(12), fill=colour, anchor="rm")


def _draw_beats(draw: ImageDraw.ImageDraw, row: _Row, grid: BeatGrid, lanes: int, left: int, rate: float) -> None:
    bar, numbered_to = 0, -1e9
    bottom = row.top + _NUMBERS + _SPECTRUM + lanes * _LANE
    for beat in grid.beats:
        bar += beat.number == 1
        if not row.start - 1e-6 <= beat.time < row.end:
            continue
        x = round(left + (beat.time - row.start) * rate)
        if beat.number > 1:
            draw.line((x, row.top + _NUMBERS + _SPECTRUM, x, bottom - 1), fill=(255, 255, 255, 34))
            draw.line((x, row.top + _NUMBERS - 3, x, row.top + _NUMBERS - 1), fill=_DIM)
            continue
        draw.line((x, row.top + _NUMBERS - 6, x, bottom - 1), fill=(255, 255, 255, 116))
        label = _font(12).getlength(str(bar))
        if x + 3 >= numbered_to and x + 3 + label < left + (row.end - row.start) * rate:
            draw.text((x + 4, row.top + _NUMBERS - 4), str(bar), font=_font(12), fill=_INK, anchor="ls")
            numbered_to = x + label + 14


def _draw_axis(draw: ImageDraw.ImageDraw, row: _Row, lanes: int, left: int, rate: float) -> None:
    y = row.top + _NUMBERS + _SPECTRUM + lanes * _LANE
    step = next((s for s in (1, 2, 5, 10, 30) if s * rate > 60), 60)
    for second in range(int(np.ceil(row.start)), int(np.floor(row.end)) + 1):
        x = round(left + (second - row.start) * rate)
        major = second % step == 0
        if major or rate > 20:
            draw.line((x, y, x, y + (5 if major else 2)), fill=_DIM)
        if major and second < row.end:
            draw.text((x, y + 6), _clock(second), font=_font(11), fill=_DIM, anchor="ma" if x > left + 6 else "la")


def _draw_hit(draw: ImageDraw.ImageDraw, hit: Hit, x: float, base: int) -> None:
    """A stroke standing on the floor of its lane."""
    colour = LANES[hit.drum][1]
    tall = 3 + (hit.velocity / 127) * (_LANE - 5)
    draw.rectangle(
        (round(x) - 1, base - 1 - round(tall), round(x) + 1, base - 2), fill=(*colour, round(70 + 185 * hit.confidence))
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Pillow's own outline font: no font files to find on the machine
    return ImageFont.load_default(size)


# ------------------------------------------------------------------------------------------------ spectrogram


def _spectrum(audio: Audio, columns: int, rate: float) -> NDArray[np.float32]:
    """Level in dB of (bands, columns): column i is centred at `(i + 1/2) / rate` seconds, band 0 is the highest."""
    bands = _bands(audio.sample_rate)
    window = np.hanning(FFT_SIZE).astype(np.float32)
    out = np.empty((_SPECTRUM, columns), np.float32)
    total = audio.samples.shape[1]
    for first in range(0, columns, 256):
        count = min(256, columns - first)
        centres = np.rint((first + np.arange(count) + 0.5) / rate * audio.sample_rate).astype(np.int64)
        low, high = int(centres[0]) - FFT_SIZE // 2, int(centres[-1]) + FFT_SIZE // 2
        block = np.zeros(high - low, np.float32)
        inside = audio.samples[:, max(0, low) : min(total, high)]
        if inside.shape[1]:
            block[max(0, low) - low :][: inside.shape[1]] = inside.mean(axis=0)
        frames = np.lib.stride_tricks.sliding_window_view(block, FFT_SIZE)[
            np.minimum(centres - centres[0], len(block) - FFT_SIZE)
        ]
        spectrum: NDArray[np.complex64] = np.asarray(rfft(frames * window, axis=1))
        power = np.square(np.abs(spectrum))
        out[:, first : first + count] = (10 * np.log10(power @ bands + 1e-10)).T
    return out


@lru_cache(maxsize=4)
def _bands(sample_rate: int) -> NDArray[np.float32]:
    """Triangular weights (bins, bands) on a log-frequency axis, at least one bin wide, tilted by 3 dB an octave.

    The tilt makes cymbals as visible as the kick.
    """
    bins = np.fft.rfftfreq(FFT_SIZE, 1 / sample_rate)
    centres = HIGH_HZ * (LOW_HZ / HIGH_HZ) ** ((np.arange(_SPECTRUM) + 0.5) / _SPECTRUM)
    spread = np.maximum(centres * (1 - (LOW_HZ / HIGH_HZ) ** (1 / _SPECTRUM)), bins[1])
    weights = np.maximum(0.0, 1 - np.abs(bins[:, None] - centres[None, :]) / spread[None, :])
    # a band above half the sample rate has no bins and stays dark
    return (weights / np.maximum(weights.sum(axis=0), 1e-9) * (centres / 1000)).astype(np.float32)


def _colours(spectrogram: Spectrogram, start: float, columns: int, rate: float) -> _Pixels:
    """Colours of (bands, columns, 3) from `start` on, `rate` columns a second; dark where there is no sound."""
    seconds = start + (np.arange(columns) + 0.5) / rate
    nearest = (seconds * spectrogram.rate).astype(np.int64)
    count = spectrogram.levels.shape[1]
    levels = spectrogram.levels[:, np.minimum(nearest, count - 1)]
    levels[:, nearest >= count] = 0
    return _shades()[levels]


@lru_cache(maxsize=1)
def _shades() -> _Pixels:
    """The colour of each level."""
    return _palette()[((np.arange(256) / 255) ** GAMMA * 255).astype(np.uint8)]


@lru_cache(maxsize=1)
def _palette() -> _Pixels:
    """256 colours from night blue through violet and orange to pale yellow, even in perceived lightness.

    Lightness runs linearly in OKLab (Ottosson 2020), hue turns once from blue to yellow, chroma swells in the middle.
    """
    t = np.linspace(0, 1, 256)
    lightness = 0.16 + 0.80 * t
    hue = np.deg2rad(278 + 184 * t)
    chroma = 0.035 + 0.155 * np.sin(np.pi * np.clip(t * 0.94 + 0.03, 0, 1)) ** 0.9
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    lms = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    matrix = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(matrix @ lms**3, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(srgb.T * 255).astype(np.uint8)
