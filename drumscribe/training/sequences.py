"""What the drummer of a training mix plays: human grooves, a song's own part, or the pattern grammar; then restyled.

Restyling moves whole lines to rarer pieces (hats to ride, open hat, crash, china; snare to side stick; rolls round the
toms) and adds lines of small percussion, because the human set holds few of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from drumscribe.training.material import Groove
from drumscribe.training.patterns import make_pattern_song
from drumscribe.training.songs import Song


@dataclass(slots=True)
class Stroke:
    """One stroke to render."""

    time: float  #: seconds
    name: str  #: sample class
    velocity: float  #: 0-1


@dataclass(slots=True)
class Playing:
    """Strokes with the beats they were played to."""

    strokes: list[Stroke] = field(default_factory=list)
    beats: list[tuple[float, int]] = field(default_factory=list)  #: (time, number)
    unit: Fraction = Fraction(1)
    beats_known: bool = True  #: False where the file's tempo is not a promise


#: How often a style is drawn: jazz has most of the rides that people played.
_STYLE_WEIGHT = {"afrocuban": 0.4, "latin": 0.4, "jazz": 2.0}


def from_grooves(grooves: list[Groove], duration: float, rng: np.random.Generator) -> Playing:
    """Chain human performances from random bars, fills looped, time-scaled by 0.78-1.28."""
    weights = np.array(
        [
            min(60, g.duration) * (1.6 if g.is_fill else 1) * _STYLE_WEIGHT.get(g.style.partition("/")[0].partition("-")[0], 1)
            for g in grooves
        ]
    )
    weights /= weights.sum()
    result, time, scale = Playing(), 0.0, float(rng.uniform(0.78, 1.28))
    while time < duration:
        groove = grooves[int(rng.choice(len(grooves), p=weights))]
        beat = 60 / groove.bpm * 4 / groove.denominator
        bar = beat * groove.numerator
        start, repeats = 0.0, 1
        if groove.is_fill or groove.duration < 10:
            end = max(bar, np.ceil((groove.duration - 0.3) / bar - 1e-3) * bar)
            repeats = int(rng.choice([1, 1, 2, 3])) if groove.is_fill else 2
        else:
            if groove.duration > duration * scale:
                start = int(rng.uniform(0, (groove.duration - duration * scale) / bar)) * bar
            end = min(groove.duration, start + (duration - time) * scale)
        for _ in range(repeats):
            result.strokes += [Stroke(time + (t - start) / scale, n, v) for t, n, v in groove.notes if start <= t < end]
            count = int(np.ceil((end - start) / beat - 1e-3))
            result.beats += [(time + k * beat / scale, k % groove.numerator + 1) for k in range(count)]
            time += (end - start) / scale
        if rng.random() < 0.5:
            scale *= float(rng.uniform(0.95, 1.05))
    result.beats = _increasing([b for b in result.beats if b[0] < duration])

    return result


def _increasing(beats: list[tuple[float, int]]) -> list[tuple[float, int]]:
    kept: list[tuple[float, int]] = []
    for beat in beats:
        if not kept or beat[0] > kept[-1][0] + 0.1:
            kept.append(beat)
    return kept


def from_song(song: Song, offset: float, duration: float, rng: np.random.Generator) -> Playing:
    """A song's own drum part from `offset` seconds on, loosened by a few milliseconds."""
    inside = [(t - offset, n, v) for t, n, v in song.drums if 0 <= t - offset < duration]
    strokes = [Stroke(t + rng.normal(0, 0.006), n, float(np.clip(v + rng.normal(0, 0.1), 0.12, 1))) for t, n, v in inside]
    beats = [(b - offset, 1) for b in song.beats if 0 <= b - offset < duration]
    return Playing(strokes, beats, beats_known=False)


def from_patterns(duration: float, rng: np.random.Generator) -> Playing:
    """A piece from the pattern grammar: any metre, tempo and feel."""
    song = make_pattern_song(rng, duration=duration)
    strokes = [Stroke(t, n, v) for t, n, v in song.hits if t < duration]
    return Playing(strokes, [(t, n) for t, n in song.beats if t < duration], song.unit)


_HATS = ("hihat_closed", "hihat_open", "hihat_half")
_TOMS = ("tom_high", "tom_mid", "tom_low")


def _rename(strokes: list[Stroke], source: Sequence[str], target: str, start: float = 0.0, end: float = np.inf) -> None:
    for stroke in strokes:
        if stroke.name in source and start <= stroke.time < end:
            stroke.name = target


def restyle(sequence: Playing, duration: float, rng: np.random.Generator) -> None:
    """Move lines to rarer pieces and add small percussion, in place."""
    strokes, beats = sequence.strokes, [t for t, _ in sequence.beats]
    lead = rng.random()
    start = float(rng.uniform(0, duration * 0.6))
    if lead < 0.13:
        _rename(strokes, _HATS, "ride")
    elif lead < 0.24:
        _rename(strokes, ("hihat_closed",), "hihat_open")
    elif lead < 0.31:
        _rename(strokes, ("hihat_closed",), "hihat_half")
    elif lead < 0.39:
        _rename(strokes, (*_HATS, "ride"), "crash")
    elif lead < 0.42:
        _rename(strokes, (*_HATS, "ride"), str(rng.choice(["china", "ride_bell", "splash"])))
    elif lead < 0.55:
        _rename(strokes, _HATS, str(rng.choice(["ride", "hihat_open", "crash"])), start, start + duration * 0.4)
    if rng.random() < 0.16:
        _rename(strokes, ("snare",), "sidestick", 0, duration if rng.random() < 0.6 else duration / 2)
        if rng.random() < 0.3:
            strokes[:] = [s for s in strokes if s.name not in _HATS]
    if rng.random() < 0.13:
        at = float(rng.uniform(0, duration * 0.7))
        _rename(strokes, _HATS, str(rng.choice(_TOMS)), at, at + float(rng.uniform(2, 8)))
    if rng.random() < 0.5:
        order = rng.permutation(len(_TOMS))
        for stroke in strokes:
            if stroke.name in _TOMS:
                stroke.name = _TOMS[int(order[_TOMS.index(stroke.name)])]
    if rng.random() < 0.3:
        _snares_to_toms(strokes, duration, rng)
    if rng.random() < 0.35:
        _add_crashes(strokes, beats, rng)
    if rng.random() < 0.1:
        _add_double_kicks(strokes, beats, duration, rng)
    if rng.random() < 0.36:
        _add_percussion(strokes, beats, duration, rng)
    if rng.random() < 0.3:
        _unison(strokes, duration, rng)


#: Families of classes that `loosen` treats as one piece of the kit.
_PIECES: tuple[tuple[str, ...], ...] = (
    ("kick",),
    ("snare", "snare_rim", "snare_off", "snare_brush"),
    ("hihat_closed", "hihat_half", "hihat_open", "hihat_pedal"),
    ("ride", "ride_bell"),
    ("crash", "splash", "china"),
    ("tom_high",),
    ("tom_mid",),
    ("tom_low",),
    ("sidestick",),
)
_STRUCK = ("kick", "snare", "hihat_closed", "hihat_open", "ride", "crash", "tom_low", "tom_mid", "tom_high", "sidestick")
_STRUCK_WEIGHTS = (0.16, 0.17, 0.14, 0.1, 0.08, 0.13, 0.1, 0.05, 0.04, 0.03)


def loosen(sequence: Playing, duration: float, rng: np.random.Generator) -> None:
    """Break the company that strokes usually keep, in place.

    Crashes come with kicks and every groove has hats: a network learns to hear the one where it heard the other. Some
    pieces are therefore exchanged for a passage, some fall silent, and some strokes get a partner that no groove has.
    """
    strokes = sequence.strokes
    if rng.random() < 0.1:  # exchange pieces, another way every few seconds
        start = 0.0
        while start < duration:
            end = start + float(rng.uniform(3, 14))
            order = rng.permutation(len(_PIECES))
            targets = {name: _PIECES[int(order[k])] for k, names in enumerate(_PIECES) for name in names}
            for stroke in strokes:
                if start <= stroke.time < end and stroke.name in targets:
                    options = targets[stroke.name]
                    stroke.name = options[0] if rng.random() < 0.7 else options[int(rng.integers(len(options)))]
            start = end
    if rng.random() < 0.16:
        silent = {name for k in rng.choice(3, size=int(rng.integers(1, 3)), replace=False) for name in _PIECES[int(k)]}
        start = 0.0 if rng.random() < 0.5 else float(rng.uniform(0, duration * 0.7))
        end = duration if rng.random() < 0.5 else start + float(rng.uniform(4, 16))
        kept = [s for s in strokes if s.name not in silent or not start <= s.time < end]
        sequence.strokes = strokes = kept or strokes
    if rng.random() < 0.28 and strokes:
        share = float(rng.uniform(0.03, 0.25))
        partners = rng.choice(_STRUCK, size=int(rng.integers(1, 4)), p=_STRUCK_WEIGHTS)
        added = [
            Stroke(s.time + float(rng.normal(0, 0.006)), str(rng.choice(partners)), float(rng.uniform(0.3, 1)))
            for s in strokes
            if s.velocity > 0.25 and rng.random() < share
        ]
        strokes += [a for a in added if not any(a.name == s.name and abs(a.time - s.time) < 0.04 for s in strokes)]


def _unison(strokes: list[Stroke], duration: float, rng: np.random.Generator) -> None:
    """Double the snare on the floor tom, sometimes with a kick, for a passage or throughout; hats may join it or keep silent."""
    start = float(rng.uniform(0, duration * 0.7))
    end = start + float(rng.uniform(2, 12))
    if rng.random() < 0.4:
        start, end = 0.0, duration
    partner = str(rng.choice(["tom_low", "tom_low", "tom_low", "tom_mid", "crash"]))
    with_kick = rng.random() < 0.5
    for stroke in [s for s in strokes if start <= s.time < end and s.name == "snare" and s.velocity > 0.3]:
        strokes.append(
            Stroke(stroke.time + rng.normal(0, 0.006), partner, float(np.clip(stroke.velocity + rng.normal(0, 0.1), 0.2, 1)))
        )
        if with_kick:
            strokes.append(Stroke(stroke.time + rng.normal(0, 0.006), "kick", float(rng.uniform(0.6, 1))))
    _replace_hats(strokes, start, end, ("tom_low",), rng)


def _replace_hats(strokes: list[Stroke], start: float, end: float, others: Sequence[str], rng: np.random.Generator) -> None:
    """Of three passages one loses its hats, in one another piece takes their part, one keeps them; in place."""
    way = int(rng.integers(3))
    if way == 0:
        strokes[:] = [s for s in strokes if s.name not in (*_HATS, "hihat_pedal") or not start <= s.time < end]
    elif way == 1:
        _rename(strokes, _HATS, str(rng.choice(others)), start, end)


def _snares_to_toms(strokes: list[Stroke], duration: float, rng: np.random.Generator) -> None:
    for _ in range(3):
        start, length = float(rng.uniform(0, duration - 3)), float(rng.uniform(0.8, 2))
        for stroke in strokes:
            if start <= stroke.time < start + length and stroke.name in ("snare", "snare_rim"):
                stroke.name = _TOMS[min(2, int(3 * (stroke.time - start) / length))]


def _add_crashes(strokes: list[Stroke], beats: list[float], rng: np.random.Generator) -> None:
    names = ["crash", "crash", "crash", "china", "splash"]
    for beat in beats:
        if rng.random() < 0.12:
            strokes.append(Stroke(beat + rng.normal(0, 0.004), str(rng.choice(names)), float(rng.uniform(0.5, 1))))


def _add_double_kicks(strokes: list[Stroke], beats: list[float], duration: float, rng: np.random.Generator) -> None:
    start = float(rng.uniform(0, duration * 0.5))
    end = start + float(rng.uniform(2, 14))
    _replace_hats(strokes, start, end, ("ride", "crash", "china", "ride_bell"), rng)
    inside = [b for b in beats if start <= b < end]
    for left, right in pairwise(inside):
        for k in range(4):
            strokes.append(Stroke(left + (right - left) * k / 4 + rng.normal(0, 0.003), "kick", float(rng.uniform(0.55, 0.9))))


def _add_percussion(strokes: list[Stroke], beats: list[float], duration: float, rng: np.random.Generator) -> None:
    name = str(rng.choice(["tambourine", "tambourine", "shaker", "shaker", "shaker", "clap", "cowbell", "perc"]))
    division, offbeat = int(rng.choice([1, 2, 2, 4])), float(rng.choice([0, 0, 0.5]))
    start, level = float(rng.choice([0, 0, duration / 2])), float(rng.uniform(0.4, 1))
    for left, right in pairwise(beats):
        for k in range(division):
            if left >= start and rng.random() < 0.85:
                place = (k + (offbeat if division == 1 else 0)) / division
                time = left + (right - left) * place + rng.normal(0, 0.006)
                strokes.append(Stroke(time, name, level * float(rng.uniform(0.6, 1))))
    if rng.random() < 0.4:  # in place of the hats, not beside them
        strokes[:] = [s for s in strokes if s.name not in _HATS or s.time < start]
