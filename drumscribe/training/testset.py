"""Generated test sets: what the recordings cannot test, on kits that training never heard.

Two sources. *Patterns*: every metre, tempo and feel, and whatever else is wanted of a piece, one condition at a time.
*Groove*: the performances of Groove MIDI's official test split, each once alone and once in a band. Audio as FLAC,
annotations in the formats that `drumscribe evaluate` reads, and `conditions.json` that says what each item is.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from drumscribe.features import BANDS, SAMPLE_RATE
from drumscribe.training import effects
from drumscribe.training.drummer import LENGTH, SECONDS
from drumscribe.training.generator import Generator, Item, draw_ratio
from drumscribe.training.inspection import audible_strokes
from drumscribe.training.material import ACOUSTIC, OUTPUTS, Groove, load_grooves, of_kinds
from drumscribe.training.patterns import PatternSong, make_pattern_song
from drumscribe.training.sequences import Playing, Stroke
from drumscribe.types import Drum, FloatArray

DENSITY_TRIES = 400  #: pieces composed at most until one is as dense as wanted
LEAD_SECONDS = 0.4  #: of silence before a performance

_HATS = ("hihat_closed", "hihat_half", "hihat_open", "hihat_pedal")
#: Small percussion that is taken for hats, by turns: (class, strokes a beat, place of the first).
_LINES = (("tambourine", 2, 0.0), ("shaker", 4, 0.0), ("tambourine", 1, 0.0), ("clap", 1, 0.0))


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of the report."""

    name: str
    pattern: dict[str, Any]  #: what is fixed of the pattern song
    velocities: tuple[float, float] | None = None  #: every stroke's velocity is drawn evenly from here; None: as played
    ratio_db: float | None = None  #: drums against music; then every piece is a mix
    kinds: tuple[str, ...] = ()  #: kinds of kits that play; all where empty
    density: tuple[float, float] = (0.0, np.inf)  #: strokes a second
    change: str = ""  #: the metre from the middle on
    is_bait: bool = False  #: side stick for snare, a line of small percussion, and no hats from the middle on


def _plain(metre: str, bpm: float, **more: Any) -> dict[str, Any]:
    return {"metre": metre, "bpm": bpm, "tempo_curve": "constant", "pickup": 0, **more}


#: Their order seeds them: new ones go to the end.
CONDITIONS: tuple[Condition, ...] = (
    *(Condition(f"{bpm} bpm", _plain("4/4", float(bpm))) for bpm in (60, 80, 100, 120, 140, 160, 180, 200)),
    *(
        Condition(metre, _plain(metre, bpm))
        for metre, bpm in (("3/4", 130.0), ("6/8", 80.0), ("12/8", 70.0), ("5/4", 130.0), ("7/4", 140.0), ("7/8", 150.0))
    ),
    Condition("drift", _plain("4/4", 115.0, tempo_curve="drift")),
    Condition("ramp", _plain("4/4", 105.0, tempo_curve="ramp")),
    Condition("step", _plain("4/4", 110.0, tempo_curve="step")),
    Condition("pick-up", _plain("4/4", 118.0, pickup=2)),
    Condition("shuffle", _plain("4/4", 120.0, feel="shuffle")),
    Condition("swung 16ths", _plain("4/4", 92.0, feel="swung_sixteenths")),
    Condition("jazz", _plain("4/4", 150.0, feel="jazz")),
    Condition("velocity", _plain("4/4", 100.0, feel="rock"), velocities=(0.15, 1.0)),
    *(
        Condition(f"drums {text} dB", _plain("4/4", 112.0), ratio_db=ratio)
        for text, ratio in (("+6", 6.0), ("0", 0.0), ("-6", -6.0))
    ),
    Condition("acoustic kit", _plain("4/4", 112.0), kinds=ACOUSTIC),
    Condition("electronic kit", _plain("4/4", 112.0), kinds=("electronic",)),
    Condition("sparse", {"metre": "4/4", "tempo_curve": "constant", "pickup": 0}, density=(1.0, 4.0)),
    Condition("dense", {"metre": "4/4", "tempo_curve": "constant", "pickup": 0}, density=(11.0, 18.0)),
    Condition("tambourine and side stick", _plain("4/4", 104.0, feel="rock"), is_bait=True),
    *(
        Condition(f"{first} to {second}", _plain(first, bpm), change=second)
        for first, second, bpm in (("4/4", "3/4", 120.0), ("3/4", "4/4", 140.0), ("4/4", "5/4", 126.0), ("6/8", "9/8", 84.0))
    ),
)

#: What counting is measured on: every metre, changes of metre and hard levels, at the tempi, curves and pick-ups of their feels.
COUNTING: tuple[Condition, ...] = (
    *(
        Condition(metre, {"metre": metre})
        for metre in ("4/4", "3/4", "6/8", "12/8", "5/4", "7/4", "7/8", "6/4", "9/8", "2/4", "5/8")
    ),
    *(Condition(f"4/4 {feel}", {"metre": "4/4", "feel": feel}) for feel in ("shuffle", "half_time", "double_time", "ballad")),
    *(Condition(f"{bpm} bpm", {"metre": "4/4", "bpm": float(bpm)}) for bpm in (60, 200)),
    *(
        Condition(f"{first} to {second}", {"metre": first, "tempo_curve": "constant"}, change=second)
        for first, second in (("4/4", "3/4"), ("3/4", "4/4"), ("4/4", "5/4"), ("4/4", "7/4"), ("6/8", "9/8"), ("12/8", "6/8"))
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One item of a test set and what is known of it."""

    condition: str
    kind: str  #: "drums" or "mix"
    metre: str  #: "4/4"; where it changes, "4/4 to 3/4"
    ratio_db: float | None  #: drums against music; None for drums alone
    item: Item

    def facts(self, kinds: dict[str, str]) -> dict[str, Any]:
        """Its entry in `conditions.json`; `kinds` tells what kind a kit is of."""
        gaps = np.diff([t for t, _ in self.item.beats])
        return {
            "condition": self.condition,
            "kind": self.kind,
            "unit": str(self.item.unit),
            "bpm": round(60 / float(np.median(gaps)), 1) if len(gaps) else None,
            "metre": self.metre,
            "density": round(len(self.item.events) / SECONDS, 2),
            "ratio_db": None if self.ratio_db is None else round(self.ratio_db, 1),
            "kit_kinds": sorted({kinds[e.kit] for e in self.item.events}),
        }


def render_patterns(
    generator: Generator,
    *,
    pieces: int = 2,
    seed: int = 7,
    only: str = "",
    conditions: tuple[Condition, ...] = CONDITIONS,
) -> Iterator[Piece]:
    """Yield `pieces` pieces of every condition, of drums alone and in a band by turns unless the condition sets a ratio.

    `generator` should hold the validation kits; `only` names the one condition to render, else all are.
    """
    for index, condition in enumerate(conditions):
        for number in range(pieces if only in ("", condition.name) else 0):
            rng = np.random.default_rng([seed, index, number])
            playing, metre = _compose(condition, number, rng)
            is_mix = bool(number % 2) or condition.ratio_db is not None
            ratio = condition.ratio_db if condition.ratio_db is not None else draw_ratio(rng) if is_mix else None
            yield _render(_with_kinds(generator, condition.kinds), playing, rng, condition.name, metre, ratio)


def render_performances(
    generator: Generator, pack: Path, *, pieces: int | None = None, seed: int = 7, is_plain: bool = False
) -> Iterator[Piece]:
    """Yield the performances of Groove MIDI's test split, each of drums alone, then in a band; at most `pieces` of a style.

    Fills and what is shorter than two bars are left out; of a long performance 32 s from a random bar are played.
    `is_plain` leaves room, desk and band away: the bare sounds, as sets rendered from electronic kits have them.
    """
    taken: dict[str, int] = {}
    for index, groove in enumerate(load_grooves(pack, "test")):
        style = groove.style.partition("/")[0]
        bar = 60 / groove.bpm * 4 / groove.denominator * groove.numerator
        if groove.is_fill or groove.duration < 2 * bar or taken.get(style, 0) == pieces:
            continue
        taken[style] = taken.get(style, 0) + 1
        for is_mix in (False,) if is_plain else (False, True):
            rng = np.random.default_rng([seed, index, int(is_mix)])
            ratio = draw_ratio(rng) if is_mix else None
            metre = f"{groove.numerator}/{groove.denominator}"
            player = _Plain.like(generator) if is_plain else generator
            name = f"groove plain {style}" if is_plain else f"groove {style}"
            yield _render(player, _excerpt(groove, bar, rng), rng, name, metre, ratio)


def _render(
    generator: Generator, playing: Playing, rng: np.random.Generator, condition: str, metre: str, ratio: float | None
) -> Piece:
    kind = "drums" if ratio is None else "mix"
    return Piece(condition, kind, metre, ratio, generator.mix(playing, rng, kind, ratio_db=ratio))


def _with_kinds(generator: Generator, kinds: tuple[str, ...]) -> Generator:
    limited = copy.copy(generator)
    limited.kits = of_kinds(generator.kits, kinds) if kinds else generator.kits
    return limited


class _Plain(Generator):
    """Leaves the drums as the samples are, each at its level, and the mix as it is."""

    @classmethod
    def like(cls, generator: Generator) -> _Plain:
        """The same material under this sound."""
        plain = cls.__new__(cls)
        vars(plain).update(vars(generator))
        return plain

    def _desk(
        self, buses: dict[str, FloatArray], rng: np.random.Generator
    ) -> tuple[FloatArray, dict[str, FloatArray], Callable[[float], float]]:
        dry = np.add.reduce([bus[:LENGTH] for bus in buses.values() if bus.ndim])
        drums = effects.normalise(dry)
        gain = np.log((np.mean(drums**2) + 1e-9) / (np.mean(dry**2) + 1e-9))
        return drums, {group: np.full(BANDS, gain, np.float32) for group in buses}, lambda _: 0.0

    def _master(self, mix: FloatArray, rng: np.random.Generator) -> FloatArray:
        return mix


# ------------------------------------------------------------------------------------------------ what is played


def _compose(condition: Condition, number: int, rng: np.random.Generator) -> tuple[Playing, str]:
    """What is played in one piece of a condition, and its metre."""
    song = _song(condition, rng)
    playing, metre = _playing(song), song.metre
    if condition.change:
        pattern: dict[str, Any] = {**condition.pattern, "metre": condition.change, "bpm": song.bpm}
        change = make_pattern_song(rng, duration=SECONDS, **pattern)
        playing, metre = _join(playing, _playing(change)), f"{song.metre} to {change.metre}"
    if condition.velocities is not None:
        for stroke in playing.strokes:
            stroke.velocity = float(rng.uniform(*condition.velocities))
    if condition.is_bait:
        _bait(playing, number, rng)
    return playing, metre


def _song(condition: Condition, rng: np.random.Generator) -> PatternSong:
    """A song as dense as the condition wants; the nearest of many where none is."""
    low, high = condition.density
    nearest, distance = None, np.inf
    for _ in range(DENSITY_TRIES):
        song = make_pattern_song(rng, duration=SECONDS, **condition.pattern)
        density = len(song.hits) / SECONDS
        if low <= density <= high:
            return song
        if max(low - density, density - high) < distance:
            nearest, distance = song, max(low - density, density - high)
    assert nearest is not None
    return nearest


def _playing(song: PatternSong) -> Playing:
    return Playing([Stroke(t, n, v) for t, n, v in song.hits], list(song.beats), song.unit)


def _join(first: Playing, second: Playing) -> Playing:
    """The first piece up to a bar line near its middle, then the second from its first bar line on."""
    seam = next(t for t, n in first.beats if n == 1 and t >= SECONDS / 2 - 2)
    start = next(t for t, n in second.beats if n == 1)
    early = 0.04  #: hands are not exact: what belongs to a downbeat may come before it
    strokes = [s for s in first.strokes if s.time < seam - early]
    strokes += [replace(s, time=s.time - start + seam) for s in second.strokes if s.time >= start - early]
    beats = [b for b in first.beats if b[0] < seam - early] + [(t - start + seam, n) for t, n in second.beats if t >= start]
    return Playing([s for s in strokes if s.time < SECONDS], [b for b in beats if b[0] < SECONDS], first.unit)


def _bait(playing: Playing, number: int, rng: np.random.Generator) -> None:
    name, division, place = _LINES[number % len(_LINES)]
    playing.strokes = [s for s in playing.strokes if s.name not in _HATS or s.time < SECONDS / 2]
    for stroke in playing.strokes:
        if stroke.name in ("snare", "snare_rim"):
            stroke.name = "sidestick"
    for left, right in pairwise([t for t, _ in playing.beats]):
        for k in range(division):
            time = left + (right - left) * (k + place) / division + float(rng.normal(0, 0.006))
            playing.strokes.append(Stroke(time, name, float(rng.uniform(0.5, 1))))


def _excerpt(groove: Groove, bar: float, rng: np.random.Generator) -> Playing:
    """A performance from one of its bars on, after a moment of silence."""
    spare = int(max(0.0, groove.duration - SECONDS) / bar)
    start = int(rng.integers(spare + 1)) * bar - LEAD_SECONDS
    beat = bar / groove.numerator
    end = min(SECONDS, groove.duration - start)
    strokes = [Stroke(t - start, n, v) for t, n, v in groove.notes if 0 <= t - start < SECONDS]
    count = int(np.ceil((end - LEAD_SECONDS) / beat))
    beats = [(LEAD_SECONDS + k * beat, k % groove.numerator + 1) for k in range(count)]
    return Playing(strokes, beats, Fraction(4, groove.denominator))


# ------------------------------------------------------------------------------------------------ files


def write_test_set(pieces: Iterator[Piece], folder: Path, kinds: dict[str, str]) -> int:
    """Write `audio/NAME.flac`, `hits/NAME.json`, `others/NAME.txt`, `beats/NAME.beats`, `conditions.json`; return how many items.

    Hits are the strokes of the nine instruments; their key `audible` says whether the mix lets them be heard, by the
    measure of training. `others` are side sticks (which are snares among the hits) and small percussion: no hats.
    """
    for part in ("audio", "hits", "others", "beats"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    names: dict[str, dict[str, Any]] = {}
    for number, piece in enumerate(pieces):
        name = f"{number:03d}-{piece.condition.replace('/', '-').replace(' ', '-')}-{piece.kind}"
        names[name] = piece.facts(kinds)
        item = piece.item
        peak = float(np.abs(item.mix).max())
        soundfile.write(folder / "audio" / f"{name}.flac", item.mix / max(peak, 1e-6) * 0.9, SAMPLE_RATE, subtype="PCM_16")
        heard = sorted(zip(item.events, audible_strokes(item), strict=True), key=lambda pair: pair[0].time)
        strokes = [(e.time, OUTPUTS[e.output], e.velocity, is_audible) for e, is_audible in heard]
        hits = [
            {
                "time": round(time, 4),
                "instrument": str(Drum.SNARE if drum is Drum.CROSS_STICK else drum),
                "velocity": round(velocity, 3),
                "audible": is_audible,
            }
            for time, drum, velocity, is_audible in strokes
            if drum is not Drum.OTHER
        ]
        others = (f"{time:.4f} {drum}\n" for time, drum, _, _ in strokes if drum in (Drum.CROSS_STICK, Drum.OTHER))
        beats = (f"{time:.4f} {beat}\n" for time, beat in item.beats if time < SECONDS)
        (folder / "hits" / f"{name}.json").write_text(json.dumps(hits))
        (folder / "others" / f"{name}.txt").write_text("".join(others))
        (folder / "beats" / f"{name}.beats").write_text("".join(beats))
    (folder / "conditions.json").write_text(json.dumps(names, indent=1))
    return len(names)
