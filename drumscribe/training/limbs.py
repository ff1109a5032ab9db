"""What a bar of drumming is made of: metres, strokes, the motions that repeat them, and what hands cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np

#: Every class a pattern may hold: finer than the transcriber's vocabulary, one per kind of sample.
PATTERN_CLASSES: tuple[str, ...] = (
    *("kick", "snare", "snare_rim", "snare_brush", "sidestick"),
    *("hihat_closed", "hihat_half", "hihat_open", "hihat_pedal"),
    *("ride", "ride_bell", "crash", "splash", "china"),
    *("tom_high", "tom_mid", "tom_low"),
    *("clap", "cowbell", "tambourine", "shaker", "perc"),
)
FEET = frozenset({"kick", "hihat_pedal"})
SECOND_PLAYER = frozenset({"clap", "cowbell", "tambourine", "shaker", "perc"})
TOMS = ("tom_high", "tom_mid", "tom_low")


class Stroke(NamedTuple):
    """One stroke of a bar."""

    position: float  #: quarter notes from the bar line
    drum: str  #: one of `PATTERN_CLASSES`
    velocity: float  #: 0-1
    shift: float = 0.0  #: seconds added after tempo: the grace note of a flam is early whatever the tempo


Bar = list[Stroke]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Metre:
    """A time signature and the beat a drummer counts in it."""

    numerator: int
    denominator: int

    @property
    def unit(self) -> Fraction:
        """Quarter notes in a beat: 1 in n/4, 3/2 in 6/8, 9/8 and 12/8, 1/2 in the other n/8."""
        if self.denominator == 4:
            return Fraction(1)
        return Fraction(3, 2) if self.numerator % 3 == 0 and self.numerator > 3 else Fraction(1, 2)

    @property
    def quarters(self) -> Fraction:
        """Length of the bar in quarter notes."""
        return Fraction(4 * self.numerator, self.denominator)

    @property
    def beats(self) -> int:
        """Beats in a bar."""
        return int(self.quarters / self.unit)

    @property
    def family(self) -> str:
        """`simple`, `compound` or `odd`: which grooves fit."""
        return {Fraction(1): "simple", Fraction(3, 2): "compound", Fraction(1, 2): "odd"}[self.unit]

    @classmethod
    def parse(cls, text: str) -> Metre:
        """Read `4/4` and the like."""
        top, _, bottom = text.partition("/")
        return cls(int(top), int(bottom))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, options: Sequence[_T], weights: Sequence[float] | None = None) -> _T:
    """Draw one of `options`, by weight if given."""
    p = None if weights is None else np.asarray(weights, float) / np.sum(weights)
    return options[int(rng.choice(len(options), p=p))]


def loud(rng: np.random.Generator, centre: float, spread: float = 0.06) -> float:
    """Draw a velocity around `centre`."""
    return float(np.clip(rng.normal(centre, spread), 0.05, 1.0))


def pulse(
    rng: np.random.Generator,
    length: float,
    step: float,
    drum: str,
    levels: tuple[float, float],
    *,
    accent: float = 1.0,
    start: float = 0.0,
) -> Bar:
    """Strokes every `step` quarters, louder where a multiple of `accent` falls."""
    positions = np.arange(start, length - 1e-6, step)
    return [
        Stroke(float(p), drum, loud(rng, levels[0 if abs(p / accent - round(p / accent)) < 1e-6 else 1], 0.05)) for p in positions
    ]


def at(rng: np.random.Generator, positions: Sequence[float], drum: str, loudness: float) -> Bar:
    """Strokes at the given quarters."""
    return [Stroke(float(p), drum, loud(rng, loudness)) for p in positions]


_BACKBEATS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((1,),),
    3: ((1, 2), (2,), (1,)),
    4: ((1, 3), (1, 3), (1, 3), (1, 3), (3,)),
    5: ((1, 3), (1, 4), (2, 4), (1, 3, 4), (3,)),
    6: ((1, 3, 5), (2, 5), (3,), (1, 4)),
    7: ((1, 3, 5), (1, 3, 6), (2, 4, 6), (1, 4, 6)),
}


def backbeats(rng: np.random.Generator, beats: int) -> tuple[int, ...]:
    """Beats, from 0, on which the snare answers the kick."""
    return pick(rng, _BACKBEATS[beats])


def open_some(rng: np.random.Generator, strokes: Bar, probability: float) -> Bar:
    """Open the hat on some off-beats."""
    return [
        s._replace(drum="hihat_open") if s.drum == "hihat_closed" and s.position % 1 == 0.5 and chance(rng, probability) else s
        for s in strokes
    ]


def swing_bar(bar: Bar, step: float, ratio: float) -> Bar:
    """Move every off-beat of value `step` to `ratio` of its pair, and what lies between along with it."""
    if not step:
        return bar
    out: Bar = []
    for s in bar:
        pair, inside = divmod(s.position / (2 * step), 1.0)
        bent = inside * 2 * ratio if inside < 0.5 else ratio + (inside - 0.5) * 2 * (1 - ratio)
        out.append(s._replace(position=(pair + bent) * 2 * step))
    return out


def vary(rng: np.random.Generator, bar: Bar) -> Bar:
    """Play a bar again as a human does: a kick more or less, a hat opened, a ghost forgotten."""
    out = [
        s
        for s in bar
        if not (s.velocity < 0.35 and chance(rng, 0.25)) and not (s.drum == "kick" and s.position % 1 and chance(rng, 0.1))
    ]
    if chance(rng, 0.25):
        free = [
            s.position
            for s in out
            if s.position % 1 == 0.5 and not any(o.drum == "kick" and o.position == s.position for o in out)
        ]
        if free:
            out.append(Stroke(pick(rng, free), "kick", loud(rng, 0.7)))
    return open_some(rng, out, 0.03)


def percussion(rng: np.random.Generator, metre: Metre) -> Bar:
    """A second player: tambourine, shaker, cowbell, claps or hand drums over the whole bar."""
    length, unit = float(metre.quarters), float(metre.unit)
    drum = pick(rng, ("tambourine", "shaker", "cowbell", "clap", "perc"), (0.3, 0.3, 0.12, 0.14, 0.14))
    if drum == "clap" or (drum == "tambourine" and chance(rng, 0.5)):
        return at(rng, [b * unit for b in range(metre.beats) if b % 2 == 1], drum, 0.7)
    if drum == "cowbell":
        return pulse(rng, length, unit, drum, (0.65, 0.65))
    if drum == "perc":
        return [Stroke(float(p), drum, loud(rng, 0.55, 0.12)) for p in np.arange(0, length, 0.5) if chance(rng, 0.45)]
    return pulse(rng, length, pick(rng, (0.5, 0.25)) if metre.unit == 1 else 0.5, drum, (0.6, 0.38), accent=unit)


def playable(bar: Bar) -> Bar:
    """Leave one drummer two hands: at one position the two loudest strokes stay, feet and second player apart.

    Of several hat strokes at one position the most open stays, and nothing is struck twice at once.
    """
    order = ("hihat_open", "hihat_half", "hihat_closed")
    out: Bar = []
    for position in sorted({round(s.position, 6) for s in bar}):
        here: dict[str, Stroke] = {}
        for s in bar:
            if round(s.position, 6) == position and s.shift == 0 and (s.drum not in here or here[s.drum].velocity < s.velocity):
                here[s.drum] = s
        hats = [d for d in order if d in here]
        for d in hats[1:]:
            del here[d]
        hands = sorted((s for s in here.values() if s.drum not in FEET | SECOND_PLAYER), key=lambda s: -s.velocity)
        out += [s for s in here.values() if s.drum in FEET | SECOND_PLAYER] + hands[:2]
        out += [s for s in bar if round(s.position, 6) == position and s.shift != 0]
    return out
