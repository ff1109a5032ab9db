"""Backing played from recorded notes, in time with the drums: bass, guitars, keys, voices, and their noises.

Soundfont backing alone teaches a network that only drums have real transients. Here plucks, chugs, muted strums and
syllables fall on the same beats as the drums: they are what a transcriber must learn not to write down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from drumscribe.features import SAMPLE_RATE
from drumscribe.training.effects import (
    Bins,
    add_at,
    amplifier,
    bins,
    equaliser,
    forward,
    inverse,
    normalise,
    resample_by,
    saturate,
    transform_size,
)  # fmt: skip
from drumscribe.training.material import Note
from drumscribe.types import FloatArray

Notes = dict[str, list[Note]]

_BASSES = ("bass_electric/finger", "bass_electric/pick", "bass_electric/pick_staccato", "bass_upright/pizz")
_CLEAN = ("guitar_electric/clean_pick", "guitar_electric/archtop_pick", "guitar_acoustic/archtop_pick")
_CHUGS = (
    "guitar_electric/sim_palm_mute",
    "guitar_electric/sim_distorted_chug",
    "guitar_electric/muted_pick",
    "guitar_acoustic/muted_pick",
)
_KEYS = (
    "electric_piano/wurlitzer",
    "electric_piano/cp80",
    "electric_piano/pianet",
    "organ_transistor/full",
    "organ_transistor/flutes",
)
_LEADS = (
    "sax_alto/sustain",
    "guitar_electric/sim_distorted_lead",
    "vocal/syllable",
    "vocal/speech_syllable",
    "guitar_electric/clean_pick",
)
_NOISES = (
    "guitar_electric/muted_strum", "guitar_acoustic/muted_strum", "bass_electric/muted_strum", "bass_electric/muted_pluck",
    "bass_electric/muted_slap", "bass_upright/percussive", "guitar_electric/noise", "bass_electric/noise",
    "vocal/speech_syllable",
)  # fmt: skip

#: Chord roots in semitones above the key, one chord a bar.
_PROGRESSIONS = ((0, 5, 7, 0), (0, 9, 5, 7), (0, 10, 5, 0), (0, 0, 3, 5), (0, 7, 9, 5), (0, 8, 3, 10), (0,), (0, 1, 0, 10))


@dataclass(frozen=True, slots=True)
class Time:
    """Where things may fall, in seconds."""

    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    kicks: tuple[float, ...]


def play_band(notes: Notes, time: Time, length: int, rng: np.random.Generator) -> FloatArray:
    """Play one to four instruments over the beats.

    Returns
    -------
    (length,) float32
        Mono at `SAMPLE_RATE`, RMS 0.1 unless nothing was played.
    """
    key = int(rng.integers(12))
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    result = np.zeros(length, np.float32)
    parts = (
        (0.75, _bass, _BASSES),
        (0.55, _chugs, _CHUGS),
        (0.5, _strums, _CLEAN),
        (0.4, _pads, _KEYS),
        (0.4, _lead, _LEADS),
        (0.35, _noise, _NOISES),
    )
    for chance, part, needed in parts:
        if rng.random() < chance and any(name in notes for name in needed):
            result += normalise(part(notes, time, length, key, progression, rng)) * np.float32(10 ** (rng.normal(0, 4) / 20))
    return normalise(result) if result.any() else result


@lru_cache(maxsize=2)
def _transform(length: int) -> tuple[int, Bins]:
    count = transform_size(length)
    return count, bins(count)


def _grid(time: Time, division: int, rng: np.random.Generator, density: float) -> list[tuple[float, float, int]]:
    """(start, room to the next slot, bar index) of the slots that are played."""
    slots: list[tuple[float, float, int]] = []
    for left, right in zip(time.beats, time.beats[1:], strict=False):
        bar = int(np.searchsorted(time.downbeats, left + 1e-3))
        step = (right - left) / division
        slots += [(left + step * k, step, bar) for k in range(division) if rng.random() < density or k == 0]
    return slots


def _off_beats(time: Time) -> list[tuple[float, float, int]]:
    """The slots half-way between the beats, as `_grid` gives slots."""
    pairs = pairwise(time.beats)
    return [((a + b) / 2, (b - a) / 2, int(np.searchsorted(time.downbeats, a + 1e-3))) for a, b in pairs]


def _pick(notes: Notes, names: tuple[str, ...], rng: np.random.Generator) -> list[Note]:
    present = [name for name in names if name in notes]
    return notes[present[int(rng.integers(len(present)))]]


def _voice(bank: list[Note], pitch: int, seconds: float, rng: np.random.Generator) -> FloatArray:
    """The recorded note nearest to `pitch`, transposed, cut to `seconds` with a short fade."""
    distances = np.array([abs(n.pitch - pitch) if n.pitch else 3 for n in bank])
    near = np.flatnonzero(distances <= distances.min() + 1)
    note = bank[int(rng.choice(near))]
    shift = np.clip(pitch - note.pitch, -7, 7) if note.pitch else rng.normal(0, 1.5)
    ratio, wanted = 2 ** (float(shift) / 12), max(1, int(seconds * SAMPLE_RATE))
    sound = resample_by(note.samples[: int(wanted * ratio) + 3], ratio)[:wanted].copy()
    fade = min(len(sound), 600)
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return sound


def _at(seconds: float, rng: np.random.Generator, spread: float = 0.006) -> int:
    return int((seconds + rng.normal(0, spread)) * SAMPLE_RATE)


def _bass(notes: Notes, time: Time, length: int, key: int, progression: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    bank, result = _pick(notes, _BASSES, rng), np.zeros(length, np.float32)
    slots = _grid(time, int(rng.choice([1, 2, 2, 4])), rng, rng.uniform(0.3, 1))
    if rng.random() < 0.5:  # lock to the kicks
        slots = [(t, 0.25, int(np.searchsorted(time.downbeats, t + 1e-3))) for t in time.kicks] or slots
    held = rng.uniform(0.6, 2.5)
    for start, gap, bar in slots:
        pitch = 28 + (key + progression[bar % len(progression)]) % 12 + int(rng.choice([0, 0, 0, 7, 12]))
        add_at(result, _voice(bank, pitch, gap * held, rng) * np.float32(10 ** (rng.normal(0, 2) / 20)), _at(start, rng))
    return saturate(normalise(result), 10 ** rng.uniform(-0.2, 0.6)) if rng.random() < 0.4 else result


def _drive(result: FloatArray, rng: np.random.Generator, most: float) -> FloatArray:
    """Through an amplifier, twice with a few milliseconds between where the part is doubled."""
    count, at = _transform(len(result))
    shaped = saturate(normalise(result), 10 ** rng.uniform(0, most))
    sound = inverse(forward(shaped, count) * amplifier(at, rng), count, len(result))
    if rng.random() < 0.4:
        delay = int(rng.uniform(0.005, 0.025) * SAMPLE_RATE)
        sound[delay:] += 0.8 * sound[:-delay]
    return sound


def _chugs(notes: Notes, time: Time, length: int, key: int, progression: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    bank, result = _pick(notes, _CHUGS, rng), np.zeros(length, np.float32)
    slots = _grid(time, int(rng.choice([2, 2, 4])), rng, rng.uniform(0.4, 1))
    if rng.random() < 0.4 and time.kicks:
        slots = [(t, 0.2, int(np.searchsorted(time.downbeats, t + 1e-3))) for t in time.kicks]
    for start, gap, bar in slots:
        pitch = 40 + (key + progression[bar % len(progression)]) % 12
        for interval in (0, 7):
            add_at(result, _voice(bank, pitch + interval, gap * rng.uniform(0.5, 1.2), rng), _at(start, rng, 0.004))
    return _drive(result, rng, 1.3)


def _strums(
    notes: Notes, time: Time, length: int, key: int, progression: tuple[int, ...], rng: np.random.Generator
) -> FloatArray:
    bank, result = _pick(notes, _CLEAN, rng), np.zeros(length, np.float32)
    third = int(rng.choice([3, 4]))
    ring = rng.uniform(0.5, 3)
    spread = rng.uniform(0.002, 0.012)
    slots = _grid(time, int(rng.choice([1, 2, 2, 4])), rng, rng.uniform(0.2, 0.9))
    if rng.random() < 0.25:  # skanks
        slots, ring = _off_beats(time), rng.uniform(0.15, 0.7)
    for start, gap, bar in slots:
        root = 43 + (key + progression[bar % len(progression)]) % 12
        strings = [root, root + 7, root + 12, root + 12 + third]
        if rng.random() < 0.5:
            strings.reverse()
        for index, pitch in enumerate(strings):
            add_at(result, _voice(bank, pitch, gap * ring, rng), _at(start, rng, 0.003) + int(index * spread * SAMPLE_RATE))
    return _drive(result, rng, 1.1) if rng.random() < 0.55 else result


def _pads(notes: Notes, time: Time, length: int, key: int, progression: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    bank, result = _pick(notes, _KEYS, rng), np.zeros(length, np.float32)
    third = int(rng.choice([3, 4]))
    slots = _off_beats(time) if rng.random() < 0.12 else _grid(time, int(rng.choice([1, 1, 2])), rng, rng.uniform(0.1, 0.8))
    for start, gap, bar in slots:
        root = 52 + (key + progression[bar % len(progression)]) % 12
        for pitch in (root, root + third, root + 7):
            add_at(result, _voice(bank, pitch, gap * rng.uniform(0.8, 3), rng), _at(start, rng, 0.008))
    return result


def _lead(notes: Notes, time: Time, length: int, key: int, progression: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    bank, result = _pick(notes, _LEADS, rng), np.zeros(length, np.float32)
    scale = (0, 2, 3, 5, 7, 9, 10)
    for start, gap, _ in _grid(time, 2, rng, rng.uniform(0.05, 0.7)):
        if rng.random() < 0.6:
            pitch = 60 + (key + int(rng.choice(scale))) % 12
            add_at(result, _voice(bank, pitch, gap * rng.uniform(0.7, 3), rng), _at(start, rng, 0.015))
    return result


def _noise(notes: Notes, time: Time, length: int, key: int, progression: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    bank, result = _pick(notes, _NOISES, rng), np.zeros(length, np.float32)
    for start, gap, _ in _grid(time, int(rng.choice([1, 2, 4])), rng, rng.uniform(0.1, 0.8)):
        if rng.random() < 0.7:
            add_at(
                result,
                _voice(bank, 52, gap * rng.uniform(0.5, 1.5), rng) * np.float32(rng.uniform(0.3, 1)),
                _at(start, rng, 0.01),
            )
    count, at = _transform(length)
    return inverse(forward(result, count) * equaliser(at, rng, 3), count, length)
