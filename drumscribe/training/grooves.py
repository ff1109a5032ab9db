"""The grammar of grooves behind `patterns`: for each feel, how to compose one bar in a metre.

A bar is a list of `Stroke` in quarter notes from its start, before tempo and human timing. Every groove is composed
of limbs: the time-keeping hand, the back-beat hand, the feet, and sometimes a second player on hand percussion. The
pieces are drawn from a seeded generator, so no two songs are alike and each can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from drumscribe.training import rare_grooves
from drumscribe.training.limbs import TOMS, Bar, Metre, Stroke, at, backbeats, chance, loud, open_some, pick, pulse


def _kicks(rng: np.random.Generator, beats: int, back: Sequence[int], step: float, density: float) -> Bar:
    """Kick on one, on most beats that the snare leaves free, and on some of the off-beats."""
    strokes = [Stroke(0.0, "kick", loud(rng, 0.88))]
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
            strokes.append(Stroke(float(p), "kick", loud(rng, 0.82 if on_beat else 0.72)))
    return strokes


def _ghosts(rng: np.random.Generator, beats: int, back: Sequence[int], density: float, drum: str = "snare") -> Bar:
    taken = {float(b) for b in back}
    grid = [float(p) for p in np.arange(0.25, beats, 0.25) if p not in taken and p != round(p)]
    return [Stroke(p, drum, loud(rng, 0.2, 0.05)) for p in grid if chance(rng, density)]


def _timekeeper(rng: np.random.Generator, energy: float) -> str:
    """Choose what the leading hand plays: the louder the section, the more metal."""
    quiet = ("hihat_closed", "ride", "hihat_half")
    heavy = ("hihat_open", "ride", "crash", "hihat_half", "ride_bell", "hihat_closed", "china")
    if energy < 0.7:
        return pick(rng, quiet, (0.75, 0.2, 0.05))
    return pick(rng, heavy, (0.24, 0.28, 0.13, 0.14, 0.05, 0.13, 0.03))


def _pedal(rng: np.random.Generator, strokes: Bar, beats: int, back: Sequence[int]) -> Bar:
    """Let the left foot keep time while the hand is away from the hat."""
    if any(s.drum.startswith("hihat") for s in strokes) or chance(rng, 0.35):
        return []
    return at(rng, pick(rng, (tuple(back), tuple(range(beats)))), "hihat_pedal", 0.4)


def _time(rng: np.random.Generator, length: float, energy: float, step: float) -> Bar:
    drum = _timekeeper(rng, energy)
    if drum in ("crash", "china"):
        step = max(step, 1.0)
    if drum == "ride_bell":
        return [
            s._replace(drum="ride_bell" if s.position % 1 == 0 else "ride") for s in pulse(rng, length, step, "ride", (0.7, 0.45))
        ]
    return pulse(rng, length, step, drum, (0.62 + 0.15 * energy, 0.42 + 0.12 * energy))


# ------------------------------------------------------------------------------------------------ grooves in n/4


def _rock(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    time = _time(rng, n, energy, pick(rng, (0.5, 1.0), (0.85, 0.15)))
    hand = "sidestick" if energy < 0.45 and chance(rng, 0.3) else pick(rng, ("snare", "snare_rim"), (0.85, 0.15))
    bar = (
        open_some(rng, time, pick(rng, (0.0, 0.05, 0.15)))
        + at(rng, back, hand, 0.86)
        + _kicks(rng, n, back, 0.5, rng.uniform(0.1, 0.45))
    )
    return bar + _pedal(rng, time, n, back)


def _rock_sixteenths(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    time = [s for s in pulse(rng, n, 0.25, "hihat_closed", (0.65, 0.35), accent=0.5) if s.position not in back]
    return time + at(rng, back, "snare", 0.86) + _kicks(rng, n, back, 0.25, 0.3)


def _ballad(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    hand = "sidestick" if energy < 0.6 else "snare"
    return _time(rng, n, energy, pick(rng, (1.0, 0.5))) + at(rng, back, hand, 0.7) + _kicks(rng, n, back, 0.5, 0.12)


def _half_time(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = (n // 2,) if n > 3 else (n - 1,)
    step = pick(rng, (0.5, 1.0, 0.25), (0.6, 0.25, 0.15))
    kicks = [k for k in _kicks(rng, n, back, 0.5, 0.3) if k.position == 0 or chance(rng, 0.55)]
    return _time(rng, n, energy, step) + at(rng, back, "snare", 0.9) + kicks + _ghosts(rng, n, back, 0.04)


def _double_time(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    offs = np.arange(0.5, n, 1.0)
    return _time(rng, n, energy, 0.5) + at(rng, tuple(offs), "snare", 0.82) + pulse(rng, n, 1.0, "kick", (0.85, 0.8))


def _punk(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    kicks = _kicks(rng, n, back, 0.5, 0.2)
    if chance(rng, 0.5):  # d-beat: the kick answers twice before the next snare
        kicks = [Stroke(p, "kick", loud(rng, 0.85)) for b in range(n) if b not in back for p in (float(b), b + 0.5)]
    return _time(rng, n, max(energy, 0.75), pick(rng, (0.5, 1.0))) + at(rng, back, "snare", 0.92) + kicks


def _funk(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    step = pick(rng, (0.25, 0.5), (0.5, 0.5))
    hats = open_some(rng, pulse(rng, n, step, "hihat_closed", (0.62, 0.36)), 0.12)
    if step == 0.25 and chance(rng, 0.4):
        hats = [h for h in hats if h.position % 0.5 == 0 or chance(rng, 0.6)]
    return (
        hats
        + at(rng, back, "snare", 0.85)
        + _ghosts(rng, n, back, rng.uniform(0.12, 0.35))
        + _kicks(rng, n, back, 0.25, rng.uniform(0.25, 0.5))
    )


def _four_on_the_floor(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    offs = tuple(np.arange(0.5, n, 1.0))
    bar = pulse(rng, n, 1.0, "kick", (0.88, 0.85))
    bar += at(rng, back, pick(rng, ("snare", "clap", "snare")), 0.8)
    bar += at(rng, offs, pick(rng, ("hihat_open", "hihat_open", "ride", "hihat_half")), 0.68)
    if chance(rng, 0.6):
        bar += [s for s in pulse(rng, n, pick(rng, (0.25, 0.5)), "hihat_closed", (0.5, 0.38)) if s.position % 1 != 0.5]
    return bar


def _hip_hop(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    hats = pulse(rng, n, pick(rng, (0.5, 0.25)), "hihat_closed", (0.6, 0.42))
    return hats + at(rng, back, pick(rng, ("snare", "clap", "snare_rim")), 0.86) + _kicks(rng, n, back, 0.25, 0.5)


def _jazz(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    drum = "ride" if energy > 0.35 or chance(rng, 0.6) else "hihat_closed"
    skips = [b for b in range(n) if b % 2 == 1]  # spang-a-lang: the skip note follows 2 and 4
    if n == 3:
        skips = [pick(rng, (1, 2))]
    ride = pulse(rng, n, 1.0, drum, (0.62, 0.62)) + [Stroke(b + 0.5, drum, loud(rng, 0.45)) for b in skips if chance(rng, 0.85)]
    feet = at(rng, [b for b in range(n) if b % 2 == 1] if n != 3 else (1,), "hihat_pedal", 0.45)
    comping = [
        Stroke(float(p), pick(rng, ("snare", "kick", "sidestick"), (0.6, 0.35, 0.05)), loud(rng, 0.35, 0.15))
        for p in np.arange(0, n, 0.5)
        if chance(rng, 0.08 + 0.14 * energy)
    ]
    feather = pulse(rng, n, 1.0, "kick", (0.22, 0.2)) if chance(rng, 0.35) else []
    return ride + feet + comping + feather


def _brushes(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    sweep = pulse(rng, n, 1.0, "snare_brush", (0.45, 0.45)) + [
        Stroke(b + 0.5, "snare_brush", loud(rng, 0.3)) for b in range(n) if chance(rng, 0.4)
    ]
    return sweep + at(rng, [b for b in range(n) if b % 2], "hihat_pedal", 0.4) + at(rng, (0,), "kick", 0.4)


def _bossa(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    time = pulse(rng, n, 0.5, pick(rng, ("hihat_closed", "ride", "shaker")), (0.5, 0.42))
    kick = [Stroke(p, "kick", loud(rng, 0.6)) for p in np.arange(0, n, 0.5) if p % 2 in (0, 1.5)]
    clave = pick(rng, ((0.0, 1.5, 3.0), (1.0, 2.5), (0.0, 1.0, 2.5), (0.5, 1.5, 3.0)))
    return (
        time
        + kick
        + at(rng, [p for p in clave if p < n], "sidestick", 0.65)
        + at(rng, [b for b in range(n) if b % 2], "hihat_pedal", 0.35)
    )


def _latin(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    bell = pick(rng, ("cowbell", "ride_bell", "cowbell", "tom_low"))
    cascara = [p for p in (0, 0.5, 1.0, 1.75, 2.25, 2.75, 3.0, 3.5, 4.0, 4.5, 5.0, 5.75, 6.25) if p < n]
    bells = at(rng, cascara, bell, 0.65) if chance(rng, 0.6) else pulse(rng, n, pick(rng, (1.0, 0.5)), bell, (0.7, 0.5))
    kick = [
        Stroke(float(p), "kick", loud(rng, 0.7))
        for p in np.arange(0, n, 0.25)
        if p % 2 in (0.0, 0.75, 1.0, 1.75) and chance(rng, 0.75)
    ]
    answer = [
        Stroke(p, pick(rng, ("tom_high", "sidestick", "tom_low")), loud(rng, 0.6))
        for p in np.arange(1.0, n, 0.5)
        if chance(rng, 0.3)
    ]
    hand = pulse(rng, n, 0.5, "perc", (0.55, 0.4)) if chance(rng, 0.5) else []
    return bells + kick + answer + hand


def _reggae(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    hats = open_some(rng, pulse(rng, n, 0.5, "hihat_closed", (0.45, 0.55)), 0.08)
    style = pick(rng, ("one_drop", "rockers", "steppers"))
    drop = [b for b in range(n) if b % 4 == 2] or [n - 1]
    if style == "steppers":
        kick = pulse(rng, n, 1.0, "kick", (0.85, 0.8))
    elif style == "rockers":
        kick = pulse(rng, n, 2.0, "kick", (0.85, 0.8))
    else:
        kick = at(rng, drop, "kick", 0.85)
    return hats + kick + at(rng, drop, pick(rng, ("sidestick", "sidestick", "snare_rim", "snare")), 0.8)


def _metal(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    style = pick(rng, ("double_kick", "blast", "gallop", "breakdown"), (0.4, 0.25, 0.2, 0.15))
    if style == "blast":
        time = pulse(rng, n, 0.5, pick(rng, ("ride", "crash", "hihat_half", "china")), (0.8, 0.7))
        return (
            time
            + pulse(rng, n, 0.5, "snare", (0.8, 0.8), start=pick(rng, (0.25, 0.0)))
            + pulse(rng, n, 0.5, "kick", (0.85, 0.82))
        )
    time = pulse(rng, n, pick(rng, (1.0, 0.5)), pick(rng, ("china", "ride_bell", "crash", "hihat_open", "ride")), (0.82, 0.65))
    if style == "double_kick":
        return time + at(rng, back, "snare", 0.92) + pulse(rng, n, 0.25, "kick", (0.8, 0.75))
    if style == "gallop":
        return (
            time
            + at(rng, back, "snare", 0.92)
            + [Stroke(b + o, "kick", loud(rng, 0.8)) for b in range(n) for o in (0.0, 0.5, 0.75)]
        )
    slow = (n // 2,) if n > 2 else (1,)
    return pulse(rng, n, 1.0, "china", (0.85, 0.8)) + at(rng, slow, "snare", 0.95) + _kicks(rng, n, slow, 0.25, 0.5)


def _tom_groove(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    back = backbeats(rng, n)
    low = pulse(rng, n, pick(rng, (0.5, 0.25, 0.5)), "tom_low", (0.7, 0.5))
    bar = [s._replace(drum=pick(rng, TOMS, (0.1, 0.2, 0.7))) for s in low if s.position not in back]
    return (
        bar
        + at(rng, back, "snare", 0.85)
        + _kicks(rng, n, back, 0.5, 0.2)
        + at(rng, back if chance(rng, 0.3) else (), "tambourine", 0.6)
    )


def _train(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    drum = pick(rng, ("snare", "snare_brush"), (0.6, 0.4))
    hands = [Stroke(float(p), drum, loud(rng, 0.75 if p % 1 == 0.5 else 0.32)) for p in np.arange(0, n, 0.25)]
    return hands + pulse(rng, n, 1.0, "kick", (0.7, 0.65)) + at(rng, tuple(np.arange(0.5, n, 1.0)), "hihat_pedal", 0.4)


def _waltz(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    n = metre.beats
    drum = pick(rng, ("hihat_closed", "ride", "snare_brush", "sidestick"))
    rest = [float(p) for p in range(1, n)]
    time = pulse(rng, n, pick(rng, (1.0, 0.5)), "ride" if drum == "ride" else "hihat_closed", (0.6, 0.4))
    return at(rng, (0.0,), "kick", 0.8) + time + at(rng, rest, drum if drum in ("snare_brush", "sidestick") else "snare", 0.55)


# ------------------------------------------------------------------------------------------------ grooves in n/8


def _compound(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """6/8, 9/8, 12/8: eighths on the hat, the snare on every second dotted quarter."""
    length, n = float(metre.quarters), metre.beats
    back = [b * 1.5 for b in range(n) if b % 2 == 1] if n % 2 == 0 else [pick(rng, (1.5, 3.0))]
    drum = _timekeeper(rng, energy)
    step = 1.5 if drum in ("crash", "china") else 0.5
    time = pulse(rng, length, step, drum.replace("ride_bell", "ride"), (0.68, 0.45), accent=1.5)
    hand = "sidestick" if energy < 0.45 and chance(rng, 0.4) else "snare"
    kicks = [Stroke(0.0, "kick", loud(rng, 0.88))]
    for p in np.arange(0.5, length - 1e-6, 0.5):
        probability = 0.05 if p in back else 0.45 if p % 1.5 == 0 else 0.25 if p % 1.5 == 1.0 else 0.07
        if chance(rng, probability):
            kicks.append(Stroke(float(p), "kick", loud(rng, 0.75)))
    ghosts = [
        Stroke(float(p), "snare", loud(rng, 0.2)) for p in np.arange(0.5, length, 0.5) if p not in back and chance(rng, 0.06)
    ]
    return time + at(rng, back, hand, 0.86) + kicks + ghosts


def _afro(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """The standard bell pattern of West African and Afro-Cuban six-eight over kick and hand drums."""
    length = float(metre.quarters)
    bell = (0, 2, 4, 5, 7, 9, 11) if metre.numerator == 12 else (0, 2, 3, 5)
    bells = at(rng, [p / 2 for p in bell if p / 2 < length], pick(rng, ("cowbell", "ride_bell", "ride")), 0.65)
    feet = at(rng, tuple(np.arange(0, length, 1.5)), "hihat_pedal", 0.45)
    kick = at(rng, [p for p in np.arange(0, length, 1.5) if p == 0 or chance(rng, 0.6)], "kick", 0.75)
    hands = [
        Stroke(float(p), pick(rng, ("perc", "tom_high", "tom_low", "sidestick")), loud(rng, 0.5))
        for p in np.arange(0.5, length, 0.5)
        if chance(rng, 0.35)
    ]
    return bells + feet + kick + hands


def _odd(rng: np.random.Generator, metre: Metre, energy: float) -> Bar:
    """5/8 and 7/8 in groups of two and three: kick on the first group, snare on one or two of the others."""
    groups = {5: ((3, 2), (2, 3)), 7: ((2, 2, 3), (3, 2, 2), (2, 3, 2))}[metre.numerator]
    starts = np.concatenate([[0], np.cumsum(pick(rng, groups))[:-1]]) / 2
    length = float(metre.quarters)
    back = [float(starts[-1])] if len(starts) == 2 or chance(rng, 0.5) else [float(starts[1])]
    time = pulse(rng, length, 0.5, _timekeeper(rng, min(energy, 0.69)), (0.5, 0.5))
    time = [s._replace(velocity=min(1.0, s.velocity + 0.2)) if s.position in starts else s for s in time]
    kicks = [Stroke(0.0, "kick", 0.88)] + [
        Stroke(float(p), "kick", loud(rng, 0.75)) for p in starts[1:] if p not in back and chance(rng, 0.6)
    ]
    kicks += [
        Stroke(float(p), "kick", loud(rng, 0.7)) for p in np.arange(0.5, length, 0.5) if p not in starts and chance(rng, 0.15)
    ]
    return time + kicks + at(rng, back, "snare", 0.86)


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
    "double_bass": Feel(rare_grooves.double_bass, (90, 210), 1.6, beats=(3, 4, 5, 6, 7)),
    "crash_riding": Feel(rare_grooves.crash_riding, (75, 190), 1.2),
    "tribal": Feel(rare_grooves.tribal, (70, 170), 2.0, beats=(3, 4, 5, 6, 7)),
    "off_beats": Feel(rare_grooves.off_beats, (60, 165), 1.2, beats=(4,)),
    "rim_clicks": Feel(rare_grooves.rim_clicks, (60, 130), 0.8, beats=(3, 4)),
    "cascara": Feel(rare_grooves.cascara, (80, 125), 0.8, beats=(4,)),
    "linear": Feel(rare_grooves.linear, (75, 120), 0.9, beats=(3, 4, 5, 7)),
    "ride_jazz": Feel(rare_grooves.ride_jazz, (100, 210), 0.9, beats=(4,), swing_step=0.5, swing=(0.55, 0.7)),
    "train": Feel(_train, (80, 130), 0.6, beats=(2, 4)),
    "waltz": Feel(_waltz, (80, 200), 1.5, beats=(3, 6)),
    "compound": Feel(_compound, (60, 150), 2.0, "compound", (2, 3, 4)),
    "afro": Feel(_afro, (60, 150), 0.8, "compound", (2, 4)),
    "odd_eighths": Feel(_odd, (120, 210), 1.0, "odd", (5, 7)),
}
