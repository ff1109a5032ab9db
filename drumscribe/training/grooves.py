"""Bars of drumming: the grammar of grooves and fills behind `patterns`.

A bar is a list of `Stroke` in quarter notes from its start, before tempo and human timing. Every groove is composed
of limbs: the time-keeping hand, the back-beat hand, the feet, and sometimes a second player on hand percussion. The
pieces are drawn from a seeded generator, so no two songs are alike and each can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


# ------------------------------------------------------------------------------------------------ limbs


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, options: Sequence[_T], weights: Sequence[float] | None = None) -> _T:
    """Draw one of `options`, by weight if given."""
    p = None if weights is None else np.asarray(weights, float) / np.sum(weights)
    return options[int(rng.choice(len(options), p=p))]


def _loud(rng: np.random.Generator, centre: float, spread: float = 0.06) -> float:
    return float(np.clip(rng.normal(centre, spread), 0.05, 1.0))


def _pulse(
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
        Stroke(float(p), drum, _loud(rng, levels[0 if abs(p / accent - round(p / accent)) < 1e-6 else 1], 0.05))
        for p in positions
    ]


def _at(rng: np.random.Generator, positions: Sequence[float], drum: str, loudness: float) -> Bar:
    return [Stroke(float(p), drum, _loud(rng, loudness)) for p in positions]


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


def _kicks(rng: np.random.Generator, beats: int, back: Sequence[int], step: float, density: float) -> Bar:
    """Kick on one, on most beats that the snare leaves free, and on some of the off-beats."""
    strokes = [Stroke(0.0, "kick", _loud(rng, 0.88))]
    for p in np.arange(step, beats - 1e-6, step):
        on_beat = abs(p - round(p)) < 1e-6
        if on_beat and round(p) in back:
            probability = 0.06
        elif on_beat:
            probability = 0.55
        else:
            # an off-beat eighth pulls harder than a sixteenth
            probability = density * (1.0 if abs(p * 2 - round(p * 2)) < 1e-6 else 0.45)
        if chance(rng, probability):
            strokes.append(Stroke(float(p), "kick", _loud(rng, 0.82 if on_beat else 0.72)))
    return strokes


def _ghosts(rng: np.random.Generator, beats: int, back: Sequence[int], density: float, drum: str = "snare") -> Bar:
    taken = {float(b) for b in back}
    grid = [float(p) for p in np.arange(0.25, beats, 0.25) if p not in taken and p != round(p)]
    return [Stroke(p, drum, _loud(rng, 0.2, 0.05)) for p in grid if chance(rng, density)]


def _timekeeper(rng: np.random.Generator, energy: float) -> str:
    """Choose what the leading hand plays: the louder the section, the more metal."""
    quiet = ("hihat_closed", "ride", "hihat_half")
    loud = ("hihat_open", "ride", "crash", "hihat_half", "ride_bell", "hihat_closed", "china")
    if energy < 0.7:
        return pick(rng, quiet, (0.75, 0.2, 0.05))
    return pick(rng, loud, (0.24, 0.28, 0.13, 0.14, 0.05, 0.13, 0.03))


def _open_some(rng: np.random.Generator, strokes: Bar, probability: float) -> Bar:
    """Open the hat on some off-beats."""
    return [
        s._replace(drum="hihat_open") if s.drum == "hihat_closed" and s.position % 1 == 0.5 and chance(rng, probability) else s
        for s in strokes
    ]


def _pedal(rng: np.random.Generator, strokes: Bar, beats: int, back: Sequence[int]) -> Bar:
    """Let the left foot keep time while the hand is away from the hat."""
    if any(s.drum.startswith("hihat") for s in strokes) or chance(rng, 0.35):
        return []
    return _at(rng, pick(rng, (tuple(back), tuple(range(beats)))), "hihat_pedal", 0.4)


def _time(rng: np.random.Generator, length: float, energy: float, step: float) -> Bar:
    drum = _timekeeper(rng, energy)
    if drum in ("crash", "china"):
        step = max(step, 1.0)
    if drum == "ride_bell":
        return [
            s._replace(drum="ride_bell" if s.position % 1 == 0 else "ride")
            for s in _pulse(rng, length, step, "ride", (0.7, 0.45))
        ]
    return _pulse(rng, length, step, drum, (0.62 + 0.15 * energy, 0.42 + 0.12 * energy))


# ------------------------------------------------------------------------------------------------ grooves in n/4


def _rock(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    time = _time(rng, n, energy, pick(rng, (0.5, 1.0), (0.85, 0.15)))
    hand = "sidestick" if energy < 0.45 and chance(rng, 0.3) else pick(rng, ("snare", "snare_rim"), (0.85, 0.15))
    bar = (
        _open_some(rng, time, pick(rng, (0.0, 0.05, 0.15)))
        + _at(rng, back, hand, 0.86)
        + _kicks(rng, n, back, 0.5, rng.uniform(0.1, 0.45))
    )
    return bar + _pedal(rng, time, n, back)


def _rock_sixteenths(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    time = [s for s in _pulse(rng, n, 0.25, "hihat_closed", (0.65, 0.35), accent=0.5) if s.position not in back]
    return time + _at(rng, back, "snare", 0.86) + _kicks(rng, n, back, 0.25, 0.3)


def _ballad(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    hand = "sidestick" if energy < 0.6 else "snare"
    return _time(rng, n, energy, pick(rng, (1.0, 0.5))) + _at(rng, back, hand, 0.7) + _kicks(rng, n, back, 0.5, 0.12)


def _half_time(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = (n // 2,) if n > 3 else (n - 1,)
    step = pick(rng, (0.5, 1.0, 0.25), (0.6, 0.25, 0.15))
    kicks = [k for k in _kicks(rng, n, back, 0.5, 0.3) if k.position == 0 or chance(rng, 0.55)]
    return _time(rng, n, energy, step) + _at(rng, back, "snare", 0.9) + kicks + _ghosts(rng, n, back, 0.04)


def _double_time(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    offs = np.arange(0.5, n, 1.0)
    return _time(rng, n, energy, 0.5) + _at(rng, tuple(offs), "snare", 0.82) + _pulse(rng, n, 1.0, "kick", (0.85, 0.8))


def _punk(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    kicks = _kicks(rng, n, back, 0.5, 0.2)
    if chance(rng, 0.5):  # d-beat: the kick answers twice before the next snare
        kicks = [Stroke(p, "kick", _loud(rng, 0.85)) for b in range(n) if b not in back for p in (float(b), b + 0.5)]
    return _time(rng, n, max(energy, 0.75), pick(rng, (0.5, 1.0))) + _at(rng, back, "snare", 0.92) + kicks


def _funk(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    step = pick(rng, (0.25, 0.5), (0.5, 0.5))
    hats = _open_some(rng, _pulse(rng, n, step, "hihat_closed", (0.62, 0.36)), 0.12)
    if step == 0.25 and chance(rng, 0.4):
        hats = [h for h in hats if h.position % 0.5 == 0 or chance(rng, 0.6)]
    return (
        hats
        + _at(rng, back, "snare", 0.85)
        + _ghosts(rng, n, back, rng.uniform(0.12, 0.35))
        + _kicks(rng, n, back, 0.25, rng.uniform(0.25, 0.5))
    )


def _four_on_the_floor(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    offs = tuple(np.arange(0.5, n, 1.0))
    bar = _pulse(rng, n, 1.0, "kick", (0.88, 0.85))
    bar += _at(rng, back, pick(rng, ("snare", "clap", "snare")), 0.8)
    bar += _at(rng, offs, pick(rng, ("hihat_open", "hihat_open", "ride", "hihat_half")), 0.68)
    if chance(rng, 0.6):
        bar += [s for s in _pulse(rng, n, pick(rng, (0.25, 0.5)), "hihat_closed", (0.5, 0.38)) if s.position % 1 != 0.5]
    return bar


def _hip_hop(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    hats = _pulse(rng, n, pick(rng, (0.5, 0.25)), "hihat_closed", (0.6, 0.42))
    return hats + _at(rng, back, pick(rng, ("snare", "clap", "snare_rim")), 0.86) + _kicks(rng, n, back, 0.25, 0.5)


def _jazz(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    drum = "ride" if energy > 0.35 or chance(rng, 0.6) else "hihat_closed"
    skips = [b for b in range(n) if b % 2 == 1]  # spang-a-lang: the skip note follows 2 and 4
    if n == 3:
        skips = [pick(rng, (1, 2))]
    ride = _pulse(rng, n, 1.0, drum, (0.62, 0.62)) + [Stroke(b + 0.5, drum, _loud(rng, 0.45)) for b in skips if chance(rng, 0.85)]
    feet = _at(rng, [b for b in range(n) if b % 2 == 1] if n != 3 else (1,), "hihat_pedal", 0.45)
    comping = [
        Stroke(float(p), pick(rng, ("snare", "kick", "sidestick"), (0.6, 0.35, 0.05)), _loud(rng, 0.35, 0.15))
        for p in np.arange(0, n, 0.5)
        if chance(rng, 0.08 + 0.14 * energy)
    ]
    feather = _pulse(rng, n, 1.0, "kick", (0.22, 0.2)) if chance(rng, 0.35) else []
    return ride + feet + comping + feather


def _brushes(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    sweep = _pulse(rng, n, 1.0, "snare_brush", (0.45, 0.45)) + [
        Stroke(b + 0.5, "snare_brush", _loud(rng, 0.3)) for b in range(n) if chance(rng, 0.4)
    ]
    return sweep + _at(rng, [b for b in range(n) if b % 2], "hihat_pedal", 0.4) + _at(rng, (0,), "kick", 0.4)


def _bossa(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    time = _pulse(rng, n, 0.5, pick(rng, ("hihat_closed", "ride", "shaker")), (0.5, 0.42))
    kick = [Stroke(p, "kick", _loud(rng, 0.6)) for p in np.arange(0, n, 0.5) if p % 2 in (0, 1.5)]
    clave = pick(rng, ((0.0, 1.5, 3.0), (1.0, 2.5), (0.0, 1.0, 2.5), (0.5, 1.5, 3.0)))
    return (
        time
        + kick
        + _at(rng, [p for p in clave if p < n], "sidestick", 0.65)
        + _at(rng, [b for b in range(n) if b % 2], "hihat_pedal", 0.35)
    )


def _latin(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    bell = pick(rng, ("cowbell", "ride_bell", "cowbell", "tom_low"))
    cascara = [p for p in (0, 0.5, 1.0, 1.75, 2.25, 2.75, 3.0, 3.5, 4.0, 4.5, 5.0, 5.75, 6.25) if p < n]
    bells = _at(rng, cascara, bell, 0.65) if chance(rng, 0.6) else _pulse(rng, n, pick(rng, (1.0, 0.5)), bell, (0.7, 0.5))
    kick = [
        Stroke(float(p), "kick", _loud(rng, 0.7))
        for p in np.arange(0, n, 0.25)
        if p % 2 in (0.0, 0.75, 1.0, 1.75) and chance(rng, 0.75)
    ]
    answer = [
        Stroke(p, pick(rng, ("tom_high", "sidestick", "tom_low")), _loud(rng, 0.6))
        for p in np.arange(1.0, n, 0.5)
        if chance(rng, 0.3)
    ]
    hand = _pulse(rng, n, 0.5, "perc", (0.55, 0.4)) if chance(rng, 0.5) else []
    return bells + kick + answer + hand


def _reggae(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    hats = _open_some(rng, _pulse(rng, n, 0.5, "hihat_closed", (0.45, 0.55)), 0.08)
    style = pick(rng, ("one_drop", "rockers", "steppers"))
    drop = [b for b in range(n) if b % 4 == 2] or [n - 1]
    if style == "steppers":
        kick = _pulse(rng, n, 1.0, "kick", (0.85, 0.8))
    elif style == "rockers":
        kick = _pulse(rng, n, 2.0, "kick", (0.85, 0.8))
    else:
        kick = _at(rng, drop, "kick", 0.85)
    return hats + kick + _at(rng, drop, pick(rng, ("sidestick", "sidestick", "snare_rim", "snare")), 0.8)


def _metal(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    style = pick(rng, ("double_kick", "blast", "gallop", "breakdown"), (0.4, 0.25, 0.2, 0.15))
    if style == "blast":
        time = _pulse(rng, n, 0.5, pick(rng, ("ride", "crash", "hihat_half", "china")), (0.8, 0.7))
        return (
            time
            + _pulse(rng, n, 0.5, "snare", (0.8, 0.8), start=pick(rng, (0.25, 0.0)))
            + _pulse(rng, n, 0.5, "kick", (0.85, 0.82))
        )
    time = _pulse(rng, n, pick(rng, (1.0, 0.5)), pick(rng, ("china", "ride_bell", "crash", "hihat_open", "ride")), (0.82, 0.65))
    if style == "double_kick":
        return time + _at(rng, back, "snare", 0.92) + _pulse(rng, n, 0.25, "kick", (0.8, 0.75))
    if style == "gallop":
        return (
            time
            + _at(rng, back, "snare", 0.92)
            + [Stroke(b + o, "kick", _loud(rng, 0.8)) for b in range(n) for o in (0.0, 0.5, 0.75)]
        )
    slow = (n // 2,) if n > 2 else (1,)
    return _pulse(rng, n, 1.0, "china", (0.85, 0.8)) + _at(rng, slow, "snare", 0.95) + _kicks(rng, n, slow, 0.25, 0.5)


def _tom_groove(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    low = _pulse(rng, n, pick(rng, (0.5, 0.25, 0.5)), "tom_low", (0.7, 0.5))
    bar = [s._replace(drum=pick(rng, TOMS, (0.1, 0.2, 0.7))) for s in low if s.position not in back]
    return (
        bar
        + _at(rng, back, "snare", 0.85)
        + _kicks(rng, n, back, 0.5, 0.2)
        + _at(rng, back if chance(rng, 0.3) else (), "tambourine", 0.6)
    )


def _train(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    drum = pick(rng, ("snare", "snare_brush"), (0.6, 0.4))
    hands = [Stroke(float(p), drum, _loud(rng, 0.75 if p % 1 == 0.5 else 0.32)) for p in np.arange(0, n, 0.25)]
    return hands + _pulse(rng, n, 1.0, "kick", (0.7, 0.65)) + _at(rng, tuple(np.arange(0.5, n, 1.0)), "hihat_pedal", 0.4)


def _waltz(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    drum = pick(rng, ("hihat_closed", "ride", "snare_brush", "sidestick"))
    rest = [float(p) for p in range(1, n)]
    time = _pulse(rng, n, pick(rng, (1.0, 0.5)), "ride" if drum == "ride" else "hihat_closed", (0.6, 0.4))
    return _at(rng, (0.0,), "kick", 0.8) + time + _at(rng, rest, drum if drum in ("snare_brush", "sidestick") else "snare", 0.55)


# ------------------------------------------------------------------------------------------------ grooves in n/8


def _compound(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """6/8, 9/8, 12/8: eighths on the hat, the snare on every second dotted quarter."""
    length, n = float(metre.quarters), metre.beats
    back = [b * 1.5 for b in range(n) if b % 2 == 1] if n % 2 == 0 else [pick(rng, (1.5, 3.0))]
    drum = _timekeeper(rng, energy)
    step = 1.5 if drum in ("crash", "china") else 0.5
    time = _pulse(rng, length, step, drum.replace("ride_bell", "ride"), (0.68, 0.45), accent=1.5)
    hand = "sidestick" if energy < 0.45 and chance(rng, 0.4) else "snare"
    kicks = [Stroke(0.0, "kick", _loud(rng, 0.88))]
    for p in np.arange(0.5, length - 1e-6, 0.5):
        probability = 0.05 if p in back else 0.45 if p % 1.5 == 0 else 0.25 if p % 1.5 == 1.0 else 0.07
        if chance(rng, probability):
            kicks.append(Stroke(float(p), "kick", _loud(rng, 0.75)))
    ghosts = [
        Stroke(float(p), "snare", _loud(rng, 0.2)) for p in np.arange(0.5, length, 0.5) if p not in back and chance(rng, 0.06)
    ]
    return time + _at(rng, back, hand, 0.86) + kicks + ghosts


def _afro(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """The standard bell pattern of West African and Afro-Cuban six-eight over kick and hand drums."""
    length = float(metre.quarters)
    bell = (0, 2, 4, 5, 7, 9, 11) if metre.numerator == 12 else (0, 2, 3, 5)
    bells = _at(rng, [p / 2 for p in bell if p / 2 < length], pick(rng, ("cowbell", "ride_bell", "ride")), 0.65)
    pulse = _at(rng, tuple(np.arange(0, length, 1.5)), "hihat_pedal", 0.45)
    kick = _at(rng, [p for p in np.arange(0, length, 1.5) if p == 0 or chance(rng, 0.6)], "kick", 0.75)
    hands = [
        Stroke(float(p), pick(rng, ("perc", "tom_high", "tom_low", "sidestick")), _loud(rng, 0.5))
        for p in np.arange(0.5, length, 0.5)
        if chance(rng, 0.35)
    ]
    return bells + pulse + kick + hands


def _odd(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """5/8 and 7/8 in groups of two and three: kick on the first group, snare on one or two of the others."""
    groups = {5: ((3, 2), (2, 3)), 7: ((2, 2, 3), (3, 2, 2), (2, 3, 2))}[metre.numerator]
    starts = np.concatenate([[0], np.cumsum(pick(rng, groups))[:-1]]) / 2
    length = float(metre.quarters)
    back = [float(starts[-1])] if len(starts) == 2 or chance(rng, 0.5) else [float(starts[1])]
    time = _pulse(rng, length, 0.5, _timekeeper(rng, min(energy, 0.69)), (0.5, 0.5))
    time = [s._replace(velocity=min(1.0, s.velocity + 0.2)) if s.position in starts else s for s in time]
    kicks = [Stroke(0.0, "kick", 0.88)] + [
        Stroke(float(p), "kick", _loud(rng, 0.75)) for p in starts[1:] if p not in back and chance(rng, 0.6)
    ]
    kicks += [
        Stroke(float(p), "kick", _loud(rng, 0.7)) for p in np.arange(0.5, length, 0.5) if p not in starts and chance(rng, 0.15)
    ]
    return time + kicks + _at(rng, back, "snare", 0.86)


# ------------------------------------------------------------------------------------------------ feels


Compose = Callable[[np.random.Generator, Metre, float], Bar]


@dataclass(frozen=True, slots=True)
class Feel:
    """A style of drumming and where it lives."""

    compose: Compose  #: makes one bar
    bpm: tuple[float, float]  #: tempi in beats of the metre's unit at which it is natural
    weight: float = 1.0  #: how often it is drawn
    family: str = "simple"
    beats: tuple[int, ...] = (2, 3, 4, 5, 6, 7)  #: numbers of beats in a bar that it suits
    swing_step: float = 0.0  #: quarter notes of the value that swings; 0 = straight
    swing: tuple[float, float] = (0.5, 0.5)  #: range of the place of the off-beat inside the pair


FEELS: dict[str, Feel] = {
    "rock": Feel(_rock, (66, 180), 3.0),
    "rock_sixteenths": Feel(_rock_sixteenths, (60, 112), 1.0),
    "ballad": Feel(_ballad, (60, 88), 0.8),
    "half_time": Feel(_half_time, (90, 190), 1.2, beats=(3, 4, 5, 6, 7)),
    "double_time": Feel(_double_time, (60, 125), 0.8),
    "punk": Feel(_punk, (140, 200), 1.2),
    "funk": Feel(_funk, (72, 128), 1.6),
    "four_on_the_floor": Feel(_four_on_the_floor, (98, 145), 1.4, beats=(3, 4, 5, 6, 7)),
    "shuffle": Feel(_rock, (70, 185), 1.2, swing_step=0.5, swing=(0.58, 0.69)),
    "swung_sixteenths": Feel(_hip_hop, (62, 112), 1.2, swing_step=0.25, swing=(0.54, 0.68)),
    "swung_funk": Feel(_funk, (68, 112), 0.6, swing_step=0.25, swing=(0.54, 0.67)),
    "hip_hop": Feel(_hip_hop, (62, 112), 0.7),
    "jazz": Feel(_jazz, (90, 200), 1.2, beats=(3, 4, 5), swing_step=0.5, swing=(0.56, 0.69)),
    "brushes": Feel(_brushes, (60, 130), 0.5, beats=(3, 4), swing_step=0.5, swing=(0.58, 0.68)),
    "bossa": Feel(_bossa, (100, 180), 0.6, beats=(2, 4)),
    "latin": Feel(_latin, (80, 140), 0.8, beats=(2, 4, 5, 7)),
    "reggae": Feel(_reggae, (62, 165), 0.9, beats=(4,)),
    "swung_reggae": Feel(_reggae, (62, 160), 0.4, beats=(4,), swing_step=0.5, swing=(0.56, 0.66)),
    "metal": Feel(_metal, (85, 200), 1.2),
    "tom_groove": Feel(_tom_groove, (70, 160), 0.7),
    "train": Feel(_train, (80, 130), 0.6, beats=(2, 4)),
    "waltz": Feel(_waltz, (80, 200), 1.5, beats=(3, 6)),
    "compound": Feel(_compound, (60, 150), 2.0, "compound", (2, 3, 4)),
    "afro": Feel(_afro, (60, 150), 0.8, "compound", (2, 4)),
    "odd_eighths": Feel(_odd, (120, 210), 1.0, "odd", (5, 7)),
}


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
            out.append(Stroke(pick(rng, free), "kick", _loud(rng, 0.7)))
    return _open_some(rng, out, 0.03)


def percussion(rng: np.random.Generator, metre: Metre) -> Bar:
    """A second player: tambourine, shaker, cowbell, claps or hand drums over the whole bar."""
    length, unit = float(metre.quarters), float(metre.unit)
    drum = pick(rng, ("tambourine", "shaker", "cowbell", "clap", "perc"), (0.3, 0.3, 0.12, 0.14, 0.14))
    if drum == "clap" or (drum == "tambourine" and chance(rng, 0.5)):
        return _at(rng, [b * unit for b in range(metre.beats) if b % 2 == 1], drum, 0.7)
    if drum == "cowbell":
        return _pulse(rng, length, unit, drum, (0.65, 0.65))
    if drum == "perc":
        return [Stroke(float(p), drum, _loud(rng, 0.55, 0.12)) for p in np.arange(0, length, 0.5) if chance(rng, 0.45)]
    return _pulse(rng, length, pick(rng, (0.5, 0.25)) if metre.unit == 1 else 0.5, drum, (0.6, 0.38), accent=unit)


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
