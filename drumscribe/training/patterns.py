"""Songs of drumming with known beats: seeded material for training and for the generated test set.

    form (intro, verse, chorus, breakdown ...) → bars of strokes (`grooves`) → tempo curve → human timing → hits

Conventions: times are seconds; a beat is what a drummer counts, the quarter in n/4, the dotted quarter in 6/8, 9/8
and 12/8, the eighth in 5/8 and 7/8, and `bpm` counts those. A half-time or double-time feel keeps the count of the
song. Beats go on through breaks and silences; a pick-up carries the last numbers of a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from drumscribe.training.grooves import FEELS, Feel
from drumscribe.training.limbs import (
    FEET,
    SECOND_PLAYER,
    TOMS,
    Bar,
    Metre,
    Stroke,
    chance,
    percussion,
    pick,
    playable,
    swing_bar,
    vary,
)

METRES: dict[str, float] = {
    **{"4/4": 0.5, "3/4": 0.12, "6/8": 0.1, "12/8": 0.07, "2/4": 0.04, "5/4": 0.05},
    **{"7/4": 0.025, "6/4": 0.025, "9/8": 0.02, "7/8": 0.04, "5/8": 0.01},
}  #: how often each metre is drawn

TEMPO_CURVES = ("constant", "drift", "ramp", "step")

SECTION_ENERGY = {"intro": 0.35, "verse": 0.5, "chorus": 0.9, "bridge": 0.65, "solo": 0.8, "breakdown": 0.25, "outro": 0.85}


@dataclass(frozen=True, slots=True)
class PatternSong:
    """A made-up song of drumming and all that is true of it."""

    hits: tuple[tuple[float, str, float], ...]  #: (seconds, class, velocity 0-1), sorted by time
    beats: tuple[tuple[float, int], ...]  #: (seconds, place in the bar from 1)
    unit: Fraction  #: quarter notes per beat
    metre: str  #: "4/4" and the like
    feel: str  #: key of `FEELS`
    bpm: float  #: beats of `unit` a minute at the start
    tempo_curve: str  #: one of `TEMPO_CURVES`
    pickup: int  #: beats before the first downbeat
    duration: float  #: seconds
    swing: float  #: place of the off-beat inside its pair, 0.5 = straight


# ------------------------------------------------------------------------------------------------ tempo


def beat_times(
    rng: np.random.Generator,
    *,
    bpm: float,
    curve: str,
    duration: float,
    start: float,
    first_downbeat: int,
    beats_per_bar: int,
    human: bool,
) -> list[float]:
    """Times of all beats from `start` until two bars past `duration`, in seconds.

    Parameters
    ----------
    curve : str
        "constant"; "drift" (a bounded random walk of a few per cent); "ramp" (linear, by a factor of 0.75-1.35 over
        the song); "step" (one or two changes of tempo, each on a bar line).
    first_downbeat : int
        Index of the first beat that is a downbeat: the length of the pick-up in beats.
    human : bool
        Let single beats waver by 0.3 %.
    """
    target = float(np.clip(bpm * pick(rng, (rng.uniform(0.75, 0.92), rng.uniform(1.08, 1.35))), 50, 215))
    changes = sorted(rng.uniform(0.25, 0.8, size=int(rng.integers(1, 3))) * duration) if curve == "step" else []
    drift_span, drift = float(rng.uniform(0.015, 0.06)), 0.0
    level, times, t = bpm, [], start
    tail = beats_per_bar * 2
    while tail > 0:
        times.append(t)
        if t >= duration:
            tail -= 1
        if changes and t >= changes[0] and (len(times) - 1 - first_downbeat) % beats_per_bar == 0:
            changes = changes[1:]
            level = float(np.clip(level * pick(rng, (0.67, 0.75, 0.8, 0.9, 1.12, 1.2, 1.33, 1.5)), 55, 210))
        now = level
        if curve == "ramp":
            now = bpm + (target - bpm) * float(np.clip((t - start) / max(duration - start, 1.0), 0, 1))
        elif curve == "drift":
            drift = float(np.clip(0.97 * drift + rng.normal(0, drift_span / 5), -drift_span, drift_span))
            now = level * (1 + drift)
        t += 60.0 / now * (1 + (float(rng.normal(0, 0.003)) if human else 0.0))
    return times


# ------------------------------------------------------------------------------------------------ fills


def fill(rng: np.random.Generator, metre: Metre, beats: int, *, triplets: bool, loudness: float = 0.75) -> Bar:
    """Drum over the last `beats` beats of a bar with snare, toms, flams and rolls.

    Returns
    -------
    list of Stroke
        Positions in quarter notes from the start of the whole bar.
    """
    unit, end = float(metre.unit), float(metre.quarters)
    start = end - beats * unit
    compound = metre.unit == Fraction(3, 2)
    steps = (0.5, 0.25) if compound else (1 / 3, 1 / 6) if triplets else (0.25, 0.5, 0.125) if metre.unit == 1 else (0.5, 0.25)
    step = pick(rng, steps, (0.65, 0.35) if len(steps) == 2 else (0.65, 0.27, 0.08))
    path = pick(rng, ("descend", "roll", "alternate", "random", "flams", "answer"), (0.32, 0.14, 0.14, 0.16, 0.12, 0.12))
    positions = np.arange(
        start, end - 1e-6, unit / 3 if path == "flams" and compound else max(step, 0.5) if path == "flams" else step
    )
    strokes: Bar = []
    for i, p in enumerate(positions):
        share = i / max(1, len(positions))
        velocity = float(
            np.clip(loudness - 0.15 + 0.3 * share + rng.normal(0, 0.06) + (0.1 if abs((p / unit) % 1) < 1e-6 else 0), 0.1, 1.0)
        )
        if path == "descend":
            drum = ("snare", *TOMS)[min(3, int(share * 4))]
        elif path == "roll":
            drum, velocity = "snare", float(np.clip(0.2 + 0.75 * share, 0.1, 1.0))
        elif path == "alternate":
            drum = ("snare", "kick", "tom_low", "kick")[i % 4]
        elif path == "answer":
            drum = ("kick", "tom_mid", "tom_low", "snare")[(i // 2) % 4]
        else:
            drum = pick(rng, ("snare", *TOMS), (0.35, 0.25, 0.2, 0.2))
        if path in ("random", "descend") and chance(rng, 0.15):
            continue
        strokes.append(Stroke(float(p), drum, velocity))
        if path == "flams" or (drum != "kick" and chance(rng, 0.05)):
            strokes.append(Stroke(float(p), drum, velocity * float(rng.uniform(0.3, 0.6)), -float(rng.uniform(0.022, 0.04))))
    if chance(rng, 0.5):
        strokes += [Stroke(start + b * unit, "kick", loudness) for b in range(beats)]
    return strokes


def _with_fill(rng: np.random.Generator, bar: Bar, metre: Metre, *, triplets: bool, loudness: float) -> Bar:
    beats = int(min(metre.beats, pick(rng, (1, 2, 4), (0.45, 0.35, 0.2)) * (2 if metre.unit == Fraction(1, 2) else 1)))
    start = float(metre.quarters) - beats * float(metre.unit)
    kept = [s for s in bar if s.position < start - 1e-6 or s.drum in SECOND_PLAYER or s.drum == "hihat_pedal"]
    return kept + fill(rng, metre, beats, triplets=triplets, loudness=loudness)


# ------------------------------------------------------------------------------------------------ form


@dataclass(frozen=True, slots=True)
class _Section:
    kind: str
    bars: tuple[Bar, ...]  #: the phrase that is repeated
    length: int  #: bars


def _phrase(rng: np.random.Generator, feel: Feel, metre: Metre, kind: str, extra: Bar) -> tuple[Bar, ...]:
    """One, two or four bars of one section's groove, straight."""
    energy = SECTION_ENERGY[kind]
    first = feel.compose(rng, metre, energy)
    if kind == "breakdown":
        keep = pick(
            rng, (("kick",), ("hihat_closed", "hihat_pedal", "ride"), ("kick", "hihat_closed"), ("sidestick", "kick"), ())
        )
        first = [s for s in first if s.drum in keep]
    elif kind == "intro" and chance(rng, 0.5):
        first = [s for s in first if s.drum.startswith(("hihat", "ride", "shaker"))] or first
    if kind in ("chorus", "solo", "outro") or chance(rng, 0.5):
        first = first + extra
    if chance(rng, 0.35):
        return (first,)
    return tuple([first, vary(rng, first)] * (1 if chance(rng, 0.6) else 2))


def _form(rng: np.random.Generator, total_bars: int) -> list[tuple[str, int]]:
    """Section names and lengths until `total_bars` is reached; a short piece may begin anywhere in the song."""
    order = ["verse", "chorus", "verse", "chorus", "bridge", "solo", "breakdown", "chorus", "outro"]
    order = ["intro", *order] if chance(rng, 0.5) else order[int(rng.integers(0, len(order))) :] + order
    lengths = (4, 8, 16) if total_bars > 48 else (2, 4, 8) if total_bars > 12 else (2, 4)
    form: list[tuple[str, int]] = []
    while sum(n for _, n in form) < total_bars:
        kind = order[len(form) % len(order)]
        length = lengths[0] if kind in ("intro", "breakdown") else int(pick(rng, lengths))
        form.append((kind, length))
    return form


def _bars(rng: np.random.Generator, feel: Feel, metre: Metre, total: int, swing: float) -> list[Bar]:
    """All bars of the song."""
    extra = percussion(rng, metre) if chance(rng, 0.35) else []
    grooves: dict[str, tuple[Bar, ...]] = {}
    sections: list[_Section] = []
    for kind, length in _form(rng, total):
        if kind not in grooves or chance(rng, 0.1):
            grooves[kind] = _phrase(rng, feel, metre, kind, extra)
        sections.append(_Section(kind, grooves[kind], length))
    fill_rate, crash_rate = float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.4, 1.0))
    triplets = feel.swing_step == 0.5
    bars: list[Bar] = []
    for section in sections:
        for i in range(section.length):
            bar = section.bars[i % len(section.bars)]
            bar = swing_bar(vary(rng, bar) if chance(rng, 0.3) else list(bar), feel.swing_step, swing)
            last = i == section.length - 1
            quiet = section.kind == "breakdown" and not last
            if not quiet and chance(rng, 0.85 if last else fill_rate if i % 4 == 3 else 0.02):
                bar = _with_fill(
                    rng, bar, metre, triplets=triplets and chance(rng, 0.8), loudness=0.55 + 0.35 * SECTION_ENERGY[section.kind]
                )
            elif chance(rng, 0.015):  # a stop: everyone waits for the bar to pass
                bar = [s for s in bar if s.position < float(metre.unit) / 2]
            if not quiet and chance(rng, crash_rate if i == 0 else crash_rate * 0.25 if i % 4 == 0 else 0.01):
                bar = _with_crash(rng, bar, section.kind)
            bars.append(playable(bar))
    return bars


def _with_crash(rng: np.random.Generator, bar: Bar, kind: str) -> Bar:
    cymbal = pick(rng, ("crash", "china", "splash"), (0.86, 0.06, 0.08))
    loudness = float(np.clip(0.6 + 0.35 * SECTION_ENERGY[kind] + rng.normal(0, 0.06), 0.3, 1.0))
    rest = [s for s in bar if s.position > 1e-6 or s.drum in FEET | SECOND_PLAYER | {"snare"}]
    strokes = [Stroke(0.0, cymbal, loudness), Stroke(0.0, "kick", loudness)]
    if cymbal == "crash" and chance(rng, 0.08):  # choked or answered one beat later
        strokes.append(Stroke(1.0, "crash", loudness * 0.9))
    return rest + strokes


def _opening(rng: np.random.Generator, metre: Metre, pickup: int, *, triplets: bool) -> Bar:
    """Strokes of the incomplete bar: a lead-in fill, hats alone, or one flam before the first downbeat."""
    unit = float(metre.unit)
    start = float(metre.quarters) - pickup * unit
    style = pick(rng, ("fill", "hats", "snare", "kick"), (0.5, 0.2, 0.2, 0.1))
    if style == "fill":
        return playable(fill(rng, metre, pickup, triplets=triplets))
    drum = {"hats": "hihat_closed", "snare": "snare", "kick": "kick"}[style]
    return [Stroke(start + b * unit, drum, float(rng.uniform(0.5, 0.9))) for b in range(pickup)]


# ------------------------------------------------------------------------------------------------ hands


_LIMBS: dict[str, str] = {
    **dict.fromkeys(("kick",), "foot"),
    **dict.fromkeys(("snare", "snare_rim", "snare_brush", "sidestick"), "snare"),
    **dict.fromkeys(("hihat_closed", "hihat_half", "hihat_open", "ride", "ride_bell"), "time"),
    **dict.fromkeys(("crash", "china", "splash", *TOMS), "reach"),
    "hihat_pedal": "pedal",
}


@dataclass(frozen=True, slots=True)
class _Hands:
    """How one drummer places and weighs strokes."""

    offsets: dict[str, float]  #: seconds by limb
    jitter: float  #: standard deviation in seconds
    loudness: float  #: gain on velocity
    curve: float  #: exponent on velocity: below 1 is a heavy hand
    spread: float  #: standard deviation of velocity

    @classmethod
    def draw(cls, rng: np.random.Generator, *, human: bool) -> _Hands:
        limbs = ("foot", "snare", "time", "reach", "pedal", "second")
        looseness = float(rng.uniform(0.002, 0.009)) if human else 0.0
        offsets = {limb: float(rng.normal(0, looseness * (1.5 if limb == "second" else 1.0))) for limb in limbs}
        spread = float(rng.uniform(0.02, 0.09)) if human else 0.005
        return cls(offsets, looseness, float(rng.uniform(0.75, 1.1)), float(rng.uniform(0.75, 1.35)), spread)

    def play(self, rng: np.random.Generator, time: float, stroke: Stroke) -> tuple[float, str, float]:
        limb = _LIMBS.get(stroke.drum, "second")
        late = self.offsets[limb] + float(np.clip(rng.normal(0, self.jitter) if self.jitter else 0.0, -0.03, 0.03))
        velocity = self.loudness * stroke.velocity**self.curve + float(rng.normal(0, self.spread))
        return time + late + stroke.shift, stroke.drum, float(np.clip(velocity, 0.04, 1.0))


# ------------------------------------------------------------------------------------------------ the song


def _choose(rng: np.random.Generator, metre: Metre | None, bpm: float | None, feel: str | None) -> tuple[Metre, str, float]:
    """Fill in what was not asked for so that metre, feel and tempo suit each other."""
    if feel is not None and feel not in FEELS:
        raise ValueError(f"feel must be one of {', '.join(FEELS)}, not {feel!r}")
    if metre is None:
        names = [m for m in METRES if feel is None or _suits(FEELS[feel], Metre.parse(m))]
        metre = Metre.parse(pick(rng, names, [METRES[m] for m in names]))
    if feel is None:
        names = [f for f in FEELS if _suits(FEELS[f], metre)]
        if not names:
            raise ValueError(f"no feel suits {metre.numerator}/{metre.denominator}")
        fitting = [f for f in names if bpm is None or FEELS[f].bpm[0] <= bpm <= FEELS[f].bpm[1]] or names
        feel = pick(rng, fitting, [FEELS[f].weight for f in fitting])
    elif not _suits(FEELS[feel], metre):
        raise ValueError(f"{feel} does not fit {metre.numerator}/{metre.denominator}")
    if bpm is None:
        low, high = FEELS[feel].bpm
        bpm = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return metre, feel, bpm


def _suits(feel: Feel, metre: Metre) -> bool:
    return feel.family == metre.family and metre.beats in feel.beats


def make_pattern_song(
    rng: np.random.Generator,
    *,
    duration: float,
    metre: str | None = None,
    bpm: float | None = None,
    feel: str | None = None,
    tempo_curve: str | None = None,
    pickup: int | None = None,
    human: bool | None = None,
) -> PatternSong:
    """Compose a song of drumming; everything that is not given is drawn.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of chance: the same state gives the same song.
    duration : float
        Seconds; hits and beats at or after it are cut.
    metre : str, optional
        "2/4" to "7/4", "6/8", "9/8", "12/8", "5/8" or "7/8".
    bpm : float, optional
        Tempo at the start in beats a minute (the beat of the metre, see the module).
    feel : str, optional
        Key of `grooves.FEELS`.
    tempo_curve : str, optional
        "constant", "drift", "ramp" or "step".
    pickup : int, optional
        Beats before the first downbeat, fewer than a bar.
    human : bool, optional
        False plays every stroke exactly on the grid, as a machine does.

    Returns
    -------
    PatternSong
        Hits sorted by time; beats strictly increasing and numbered in the metre.

    Raises
    ------
    ValueError
        For a feel, metre, curve or pick-up that does not exist or does not fit the others.
    """
    chosen, feel, bpm = _choose(rng, None if metre is None else Metre.parse(metre), bpm, feel)
    style = FEELS[feel]
    curve = pick(rng, TEMPO_CURVES, (0.45, 0.27, 0.13, 0.15)) if tempo_curve is None else tempo_curve
    if curve not in TEMPO_CURVES:
        raise ValueError(f"tempo_curve must be one of {', '.join(TEMPO_CURVES)}, not {curve!r}")
    n = chosen.beats
    if pickup is None:
        pickup = int(rng.integers(1, n)) if n > 1 and chance(rng, 0.15) else 0
    if not 0 <= pickup < n:
        raise ValueError(f"pickup must lie within 0 and {n - 1} beats, not {pickup}")
    human = not chance(rng, 0.2) if human is None else human
    swing = float(rng.uniform(*style.swing)) if style.swing_step else 0.5

    start = float(rng.uniform(0.0, 1.5)) if chance(rng, 0.7) else float(rng.uniform(0.0, 0.1))
    times = beat_times(
        rng, bpm=bpm, curve=curve, duration=duration, start=start, first_downbeat=pickup, beats_per_bar=n, human=human
    )
    bars = _bars(rng, style, chosen, max(1, len(times) // n), swing)
    if chance(rng, 0.15) and pickup == 0:  # sticks count the song in
        bars.insert(0, [Stroke(float(b * chosen.unit), "perc", 0.6) for b in range(n)])
    if pickup:
        bars.insert(0, _opening(rng, chosen, pickup, triplets=style.swing_step == 0.5))

    hands = _Hands.draw(rng, human=human)
    grid = np.arange(len(times), dtype=float)
    hits: list[tuple[float, str, float]] = []
    for number, bar in enumerate(bars):
        first_beat = number * n - (n - pickup if pickup else 0)
        for stroke in bar:
            beat = first_beat + stroke.position / float(chosen.unit)
            if beat > grid[-1]:
                continue
            time, drum, velocity = hands.play(rng, float(np.interp(beat, grid, times)), stroke)
            if 0 <= time < duration:
                hits.append((time, drum, velocity))
    beats = tuple((t, (i - pickup) % n + 1) for i, t in enumerate(times) if t < duration)
    return PatternSong(
        tuple(sorted(hits)),
        beats,
        chosen.unit,
        f"{chosen.numerator}/{chosen.denominator}",
        feel,
        bpm,
        curve,
        pickup,
        duration,
        swing,
    )
