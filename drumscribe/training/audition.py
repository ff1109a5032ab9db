"""Training examples to look at and to listen to: sound, picture and labels of items, and one page that shows them.

The picture is the log-mel spectrum that the network reads, eight seconds a row, with the labels of every drum below
it. What training calls inaudible stands out, because that is where generator and labels most easily drift apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw, ImageFont

from drumscribe.features import BANDS, FRAME_RATE, SAMPLE_RATE
from drumscribe.training.drummer import Event
from drumscribe.training.generator import Generator, Item
from drumscribe.training.inspection import heard_in
from drumscribe.training.material import OUTPUTS
from drumscribe.training.pool import pool_of
from drumscribe.types import FloatArray

ROW_SECONDS = 8.0
_FRAME, _BAND, _LANE = 2, 2, 15  #: pixels a frame is wide, a band high, a drum's lane high
_LEFT, _GAP, _TOP = 96, 22, 18  #: pixels left of a row, between rows, above the first
_RANGE = 11.0  #: nats of log power from black to white

#: From silent to loud: black, purple, red, yellow, white.
_COLOURS = np.array([(0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)], float)
_HEARD, _UNHEARD = (40, 120, 60), (200, 40, 40)
_BEAT, _DOWNBEAT, _TEXT, _LINE = (190, 190, 190), (90, 90, 90), (40, 40, 40), (225, 225, 225)


@dataclass(frozen=True, slots=True, eq=False)
class _Example:
    name: str
    item: Item
    audible: tuple[bool, ...]

    @property
    def kind(self) -> str:
        if self.item.drums is None:
            return "music"
        return "drums" if self.item.backing is None else "mix"


def write_audition(generator: Generator, folder: Path, seeds: range) -> None:
    """Write `SEED-mix.flac`, `-drums.flac`, `-backing.flac`, `.png` and `.json` of every item, and `index.html`.

    The hits of the JSON have `time`, `instrument`, `velocity` (0-1), `loudness_db` below the piece's full stroke,
    `audible` (by the measure of training) and `kit`; its `beats` are known where `beats_known` is true.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[str] = []
    for seed in seeds:
        item = generator.item(seed)
        pool = pool_of(item)
        example = _Example(f"{seed:06d}", item, heard_in(pool, 0))
        for part, samples in (("mix", item.mix), ("drums", item.drums), ("backing", item.backing)):
            if samples is not None:
                _write_sound(folder / f"{example.name}-{part}.flac", samples)
        draw_labels(pool.mel(0)[0, :, :BANDS].astype(np.float32), item, example.audible).save(folder / f"{example.name}.png")
        (folder / f"{example.name}.json").write_text(json.dumps(_facts(example), indent=1))
        entries.append(_entry(example))
    (folder / "index.html").write_text(_PAGE.replace("ENTRIES", "\n".join(entries)), "utf-8")


def _write_sound(path: Path, samples: FloatArray) -> None:
    peak = max(float(np.abs(samples).max()), 1e-6)
    soundfile.write(path, samples * np.float32(min(1.0, 0.99 / peak)), SAMPLE_RATE, subtype="PCM_16")


def _facts(example: _Example) -> dict[str, object]:
    item = example.item
    hits = [
        {
            "time": round(float(e.time), 4),
            "instrument": str(OUTPUTS[e.output]),
            "velocity": round(float(e.velocity), 3),
            "loudness_db": round(float(e.loudness), 1),
            "audible": audible,
            "kit": e.kit,
        }
        for e, audible in sorted(zip(item.events, example.audible, strict=True), key=lambda pair: pair[0].time)
    ]
    beats = [{"time": round(float(t), 4), "number": n} for t, n in item.beats]
    return {"kind": example.kind, "unit": str(item.unit), "beats_known": item.beats_known, "beats": beats, "hits": hits}


# ------------------------------------------------------------------------------------------------ picture


def draw_labels(spectrum: FloatArray, item: Item, audible: tuple[bool, ...]) -> Image.Image:
    """Draw a log-mel spectrum (frames, BANDS) with the strokes of every drum below it.

    A stroke is a green bar as high as it is strong; one that cannot be heard is a hollow red box. Lines are beats,
    darker ones downbeats.
    """
    columns = round(ROW_SECONDS * FRAME_RATE)
    rows = -(-len(spectrum) // columns)
    lanes = sorted({e.output for e in item.events})
    height = BANDS * _BAND + len(lanes) * _LANE + _GAP
    picture = Image.new("RGB", (_LEFT + columns * _FRAME + 8, _TOP + rows * height), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(11)
    spectrum = spectrum - spectrum.mean(axis=0) * np.float32(0.6)  # so that the loud bands do not drown the rest
    loudest = float(np.quantile(spectrum, 0.999))
    for row in range(rows):
        top = _TOP + row * height
        part = spectrum[row * columns : (row + 1) * columns]
        picture.paste(_image(part, loudest), (_LEFT, top))
        _draw_lanes(draw, font, lanes, row, top, columns * _FRAME)
        for time, number in item.beats:
            _draw_beat(draw, time, number if item.beats_known else 0, len(lanes), row, top)
        for event, is_audible in zip(item.events, audible, strict=True):
            _draw_stroke(draw, event, is_audible, lanes.index(event.output), row, top)
    return picture


def _image(spectrum: FloatArray, loudest: float) -> Image.Image:
    share = np.clip(1 + (spectrum.T[::-1] - loudest) / _RANGE, 0, 1) * (len(_COLOURS) - 1)
    below = np.minimum(share.astype(int), len(_COLOURS) - 2)
    mixed = _COLOURS[below] + (share - below)[..., None] * (_COLOURS[below + 1] - _COLOURS[below])
    image = Image.fromarray(mixed.astype(np.uint8), "RGB")
    return image.resize((image.width * _FRAME, image.height * _BAND), Image.Resampling.NEAREST)


def _draw_lanes(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    lanes: list[int],
    row: int,
    top: int,
    width: int,
) -> None:
    base = top + BANDS * _BAND
    for place, output in enumerate(lanes):
        y = base + (place + 1) * _LANE
        draw.line((_LEFT, y, _LEFT + width, y), fill=_LINE)
        draw.text((4, y - _LANE + 1), str(OUTPUTS[output]).replace("_", " "), fill=_TEXT, font=font)
    for second in range(int(ROW_SECONDS) + 1):
        x = _LEFT + round(second * FRAME_RATE) * _FRAME
        draw.line((x, top - 4, x, top), fill=_TEXT)
        draw.text((x + 3, top - 13), f"{row * ROW_SECONDS + second:.0f} s", fill=_TEXT, font=font)


def _place(time: float, row: int) -> int | None:
    """Pixel of a time in a row; None where it belongs to another."""
    inside = time - row * ROW_SECONDS
    return _LEFT + round(inside * FRAME_RATE * _FRAME) if 0 <= inside < ROW_SECONDS else None


def _draw_beat(draw: ImageDraw.ImageDraw, time: float, number: int, lanes: int, row: int, top: int) -> None:
    x = _place(float(time), row)
    if x is not None:
        base = top + BANDS * _BAND
        draw.line((x, base, x, base + lanes * _LANE), fill=_DOWNBEAT if number == 1 else _BEAT)


def _draw_stroke(draw: ImageDraw.ImageDraw, event: Event, is_audible: bool, lane: int, row: int, top: int) -> None:
    x = _place(float(event.time), row)
    if x is None:
        return
    bottom = top + BANDS * _BAND + (lane + 1) * _LANE - 1
    high = bottom - max(3, round(float(event.velocity) * (_LANE - 3)))
    if is_audible:
        draw.rectangle((x, high, x + 2, bottom), fill=_HEARD)
    else:
        draw.rectangle((x - 1, high, x + 3, bottom), outline=_UNHEARD)


# ------------------------------------------------------------------------------------------------ page


def _entry(example: _Example) -> str:
    item, name = example.item, example.name
    unheard = sum(not one for one in example.audible)
    bpm = 60 / float(np.median(np.diff([t for t, _ in item.beats]))) if len(item.beats) > 1 else 0.0
    about = f"{example.kind}, {len(item.events)} strokes, {unheard} inaudible, {bpm:.0f} bpm{'' if item.beats_known else ' (?)'}"
    kits: dict[str, set[str]] = {}
    for event in item.events:
        kits.setdefault(str(OUTPUTS[event.output]), set()).add(event.kit)
    played = "; ".join(f"{drum}: {', '.join(sorted(names))}" for drum, names in sorted(kits.items()))
    players = "".join(
        f'<label>{part} <audio controls preload="none" src="{name}-{part}.flac"></audio></label>'
        for part, samples in (("mix", item.mix), ("drums", item.drums), ("backing", item.backing))
        if samples is not None
    )
    picture = f'<img src="{name}.png" alt="spectrum and labels of {name}" loading="lazy">'
    head = f'<h2>{name}</h2><p>{escape(about)} · <a href="{name}.json">labels</a></p>'
    return f'<section id="{name}">{head}{players}<p class="kits">{escape(played)}</p>{picture}</section>'


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Training examples</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1rem; max-width: 1720px }
section { border-top: 1px solid #ccc; margin-top: 1.5rem }
label { display: inline-flex; align-items: center; gap: .4rem; margin-right: 1rem }
img { display: block; width: 100% }
.kits { color: #666; font-size: 12px }
</style>
<h1>Training examples</h1>
<p>Green: a stroke, as high as it is strong. Red and hollow: played, but training calls it inaudible in the mix.
Lines: beats, darker where a bar begins. Colours: the spectrum less most of its mean.</p>
ENTRIES
</html>
"""
