"""Learn the bar patterns of the beat decoder: a Poisson mixture per metre, from made-up and from played bars.

    python -m drumscribe.training.bar_patterns drumscribe/beats/patterns.npz --pack PACK

Half of the 4/4 bars come from `patterns`, the other half from the training part of the Groove MIDI Dataset
(CC-BY-4.0) when the folder is given; other metres are made up. Hits are damaged as a transcriber damages them.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumscribe.beats.bars import METRES, SLOTS, Metre, slot_counts
from drumscribe.beats.evidence import GROUPS, Floats, gather_hits
from drumscribe.beats.parameters import DecoderParameters
from drumscribe.beats.timing import retime_beats
from drumscribe.training.material import CLASS_TO_DRUM, load_grooves
from drumscribe.training.patterns import make_pattern_song
from drumscribe.types import Drum, Hit

#: Patterns kept by beats in a bar. A metre with fewer than another fits everything worse, and is read too seldom.
PATTERNS = {2: 16, 3: 20, 4: 32, 5: 24, 6: 24, 7: 24}
SONG_SECONDS = 60.0
SMOOTHING = 4.0  #: bars' worth of the metre's mean that each pattern is pulled towards
FLOOR = 0.0008  #: hits per slot and group that may fall anywhere


def damage(hits: list[tuple[float, Drum, float]], duration: float, rng: np.random.Generator) -> tuple[Hit, ...]:
    """Lose 15 % of the hits, add 15 %, mistake 5 %, and move all by 10 ms (standard deviation)."""
    drums = tuple(Drum)
    kept = [
        (t + float(rng.normal(0, 0.01)), drums[int(rng.integers(len(drums)))] if rng.random() < 0.05 else d, v)
        for t, d, v in hits
        if rng.random() >= 0.15
    ]
    played = [d for _, d, _ in hits] or [Drum.KICK]
    for _ in range(int(rng.poisson(0.15 * len(hits)))):
        kept.append((float(rng.uniform(0, duration)), played[int(rng.integers(len(played)))], float(rng.uniform(0.1, 0.7))))
    return tuple(Hit(t, d, int(np.clip(v * 127, 1, 127))) for t, d, v in sorted(kept) if 0 <= t < duration)


def song_bars(times: Floats, numbers: NDArray[np.int64], hits: tuple[Hit, ...], beats: int, duration: float) -> list[Floats]:
    """Slot counts of every whole bar, each (beats, slots * groups)."""
    counts = slot_counts(times, gather_hits(hits, duration))
    return [counts[i : i + beats] for i in np.flatnonzero(numbers == 1) if i + beats <= len(counts)]


def made_up_bars(metre: Metre, songs: int, rng: np.random.Generator) -> list[Floats]:
    """Bars of generated songs in one metre."""
    name = {Fraction(1): f"{metre.beats}/4", Fraction(3, 2): f"{3 * metre.beats}/8", Fraction(1, 2): f"{metre.beats}/8"}[
        metre.unit
    ]
    bars: list[Floats] = []
    for _ in range(songs):
        song = make_pattern_song(rng, duration=SONG_SECONDS, metre=name)
        times = np.array([t for t, _ in song.beats]) + rng.normal(0, 0.004)
        numbers = np.array([n for _, n in song.beats])
        hits = damage([(t, CLASS_TO_DRUM[c], v) for t, c, v in song.hits], song.duration, rng)
        bars += song_bars(times, numbers, hits, metre.beats, song.duration)
    return bars


def played_bars(pack: Path, metre: Metre, rng: np.random.Generator) -> list[Floats]:
    """Bars of the Groove MIDI Dataset's training part: the grid is the click they were played to, moved onto the hits."""
    bars: list[Floats] = []
    for groove in load_grooves(pack, "train"):
        if Fraction(4 * groove.numerator, groove.denominator) != metre.beats * metre.unit or groove.duration < 12:
            continue
        duration = min(groove.duration, 90.0)
        times = np.arange(0.0, duration, 60.0 / groove.bpm * float(metre.unit))
        hits = damage([(t, CLASS_TO_DRUM[c], v) for t, c, v in groove.notes if t < duration], duration, rng)
        if len(times) > metre.beats and len(hits) > 20:
            times = retime_beats(times, gather_hits(hits, duration), parameters=DecoderParameters())
            bars += song_bars(times, np.arange(len(times)) % metre.beats + 1, hits, metre.beats, duration)
    return bars


def fit_mixture(bars: list[Floats], patterns: int, rng: np.random.Generator, rounds: int = 40) -> tuple[Floats, Floats]:
    """Expectation-maximisation of a Poisson mixture; returns shares (k,) and rates (k, beats, slots * groups)."""
    data = np.stack(bars)
    shape = data.shape[1:]
    flat = data.reshape(len(data), -1)
    mean = _blur(flat.mean(axis=0).reshape(shape)).ravel() + FLOOR
    seeds = flat[rng.choice(len(flat), patterns, replace=False)]
    rates = np.stack([_blur(s.reshape(shape)).ravel() * 0.5 + 0.5 * mean for s in seeds]) + FLOOR
    shares = np.full(patterns, 1 / patterns)
    for _ in range(rounds):
        scores = flat @ np.log(rates).T - rates.sum(axis=1) + np.log(shares)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        duty = scores / scores.sum(axis=1, keepdims=True)
        weight = duty.sum(axis=0)
        shares = (weight + 1) / (weight.sum() + patterns)
        raw = (duty.T @ flat + SMOOTHING * mean) / (weight[:, None] + SMOOTHING)
        rates = np.stack([_blur(r.reshape(shape)).ravel() for r in raw]) + FLOOR
    return shares, rates.reshape(patterns, *shape)


def _blur(rates: Floats) -> Floats:
    """Spread rates over neighbouring slots: a hit is never sure of its slot."""
    line = rates.reshape(-1, len(GROUPS))
    soft = 0.5 * line + 0.25 * np.roll(line, 1, axis=0) + 0.25 * np.roll(line, -1, axis=0)
    return soft.reshape(rates.shape)


def main() -> None:
    """Fit all metres and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--pack", type=Path, help="folder with midi/manifest.csv")
    parser.add_argument("--songs", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    arrays: dict[str, np.ndarray] = {}
    for metre in METRES:
        songs = arguments.songs * (4 if metre == Metre(4, Fraction(1)) else 1)
        bars = made_up_bars(metre, songs, rng)
        if arguments.pack and metre.unit == 1 and metre.beats in (3, 4):
            bars += played_bars(arguments.pack, metre, rng)
        shares, rates = fit_mixture(bars, PATTERNS[metre.beats], rng)
        arrays[f"shares_{metre.key}"] = shares.astype(np.float16)
        arrays[f"rates_{metre.key}"] = rates.astype(np.float16)
        print(f"{metre.key}: {len(bars)} bars, {rates.shape[1] * SLOTS} slots, {rates.sum(axis=(1, 2)) @ shares:.1f} hits a bar")
    np.savez_compressed(arguments.target, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
