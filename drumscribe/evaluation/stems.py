"""How good are isolated drums: a stem against the drums that were mixed in, and what the transcriber makes of it.

All figures are in dB, channels taken together. The *reference* is the drums as they sound in the mix, at the gain and with the
effects they have there: anything else measures the desk.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from drumscribe.audio import load_audio, resample
from drumscribe.detection import activate, pick_hits
from drumscribe.errors import FileNotReadable, InputError
from drumscribe.evaluation.hits import HitScores, score_hits
from drumscribe.evaluation.layouts import Piece
from drumscribe.evaluation.runs import INGEST, load_sound, read_truth
from drumscribe.options import SeparationOptions
from drumscribe.separation import isolate
from drumscribe.separation.bands import FIRST, band_filters, frames_of, masked, transform
from drumscribe.types import Activations, FloatArray, Hit, OnProgress, Stem, ignore_progress
from drumscribe.weights import Models

#: Seconds in which the drums are softer than this, against their loudest one, are left out of the median.
FLOOR_DB = -40.0
_TINY = 1e-10


@dataclass(frozen=True, slots=True)
class StemScores:
    """What is left of the reference in an estimate, and what else is in it."""

    sdr: float  #: energy of the reference over that of the difference, whole song
    sdr_median: float  #: the same of each second in which the reference sounds, median: BSS Eval v4's SDR (Stöter et al. 2018)
    si_sdr: float  #: scale-invariant: against the multiple of the reference that fits best (Le Roux et al. 2019)
    sir: float  #: the reference against the rest of the mix in the estimate, by least squares


@dataclass(frozen=True, slots=True)
class Pair:
    """A mix and the drums in it, which belong together by name."""

    name: str
    mix: Path
    drums: Path


@dataclass(frozen=True, slots=True)
class Separated:
    """One mix, separated."""

    name: str
    drums: StemScores
    drumless: StemScores  #: the mix less the estimate
    duration: float  #: seconds of sound
    wall_seconds: float
    cpu_seconds: float  #: of all threads


def find_pairs(mixes: Path, drums: Path) -> tuple[Pair, ...]:
    """Mixes and drum stems of two folders that have the same name, whatever their format.

    Raises
    ------
    FileNotReadable
        If one is not a folder, or nothing belongs together.
    """
    named: list[dict[str, Path]] = []
    for folder in (mixes, drums):
        if not folder.is_dir():
            raise FileNotReadable(f"{folder} is not a folder.", path=str(folder))
        named.append({p.stem: p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")})
    both = sorted(named[0].keys() & named[1].keys())
    if not both:
        raise FileNotReadable(f"No recording in {mixes} has a stem of the same name in {drums}.", path=str(mixes))
    return tuple(Pair(name, named[0][name], named[1][name]) for name in both)


def separate_pair(pair: Pair, options: SeparationOptions, *, on_progress: OnProgress = ignore_progress) -> Separated:
    """Isolate the drums of a mix, and hold them against its stem. With backend `none` the mix itself is judged.

    Raises
    ------
    InputError
        If a file cannot be used, or the two differ in rate.
    DrumScribeError
        Whatever `isolate` raises.
    """
    mix, true = (load_audio(path, options=INGEST) for path in (pair.mix, pair.drums))
    if mix.sample_rate != true.sample_rate:
        raise InputError(f"{pair.name}: the stem is at {true.sample_rate} Hz, the mix at {mix.sample_rate} Hz.", name=pair.name)
    wall, cpu = time.perf_counter(), time.process_time()
    found = isolate(mix, options=options, on_progress=on_progress).audio
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    drums = _fitted(resample(found, mix.sample_rate).samples, mix.samples.shape)
    reference = _fitted(true.samples, mix.samples.shape)
    rest = mix.samples - reference
    return Separated(
        pair.name,
        score_stem(reference, drums, rest, mix.sample_rate),
        score_stem(rest, mix.samples - drums, reference, mix.sample_rate),
        mix.duration,
        wall,
        cpu,
    )


def _fitted(samples: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """As many channels and samples as `shape`; one channel counts for all, a missing end is silent."""
    result = np.zeros(shape, np.float32)
    count = min(shape[1], samples.shape[1])
    result[:, :count] = samples[:, :count] if shape[0] >= len(samples) else samples[:, :count].mean(axis=0)
    return result


def score_stem(reference: FloatArray, estimate: FloatArray, rest: FloatArray, rate: int) -> StemScores:
    """Score an estimate of `reference` in a mix that holds `rest` as well, (channels, samples) each, at `rate` Hz.

    Where the reference is silent throughout, the figures say how loud the estimate is, and the median is not a number.
    """
    true, found, other = (np.asarray(part, np.float64).ravel() for part in (reference, estimate, rest))
    scaled = float(found @ true) / (float(true @ true) + _TINY) * true
    parts, *_ = np.linalg.lstsq(np.stack([true, other], axis=1), found, rcond=None)
    return StemScores(
        _ratio(true, true - found),
        _median_of_seconds(reference, estimate, rate),
        _ratio(scaled, found - scaled),
        _ratio(parts[0] * true, parts[1] * other),
    )


def _ratio(wanted: np.ndarray[Any, Any], unwanted: np.ndarray[Any, Any]) -> float:
    return float(10 * np.log10((np.sum(wanted**2) + _TINY) / (np.sum(unwanted**2) + _TINY)))


def _median_of_seconds(reference: FloatArray, estimate: FloatArray, rate: int) -> float:
    seconds = [slice(start, start + rate) for start in range(0, reference.shape[1] - rate + 1, rate)]
    pairs = [(reference[:, s].astype(np.float64), estimate[:, s]) for s in seconds]
    least = max((float(np.sum(true**2)) for true, _ in pairs), default=0.0) * 10 ** (FLOOR_DB / 10)
    ratios = [_ratio(true, true - found) for true, found in pairs if float(np.sum(true**2)) > least]
    return float(np.median(ratios)) if ratios else float("nan")


def best_mask(mix: FloatArray, drums: FloatArray) -> FloatArray:
    """The drums (samples,) that the best mask in the bands of `light` leaves of a mix: no network of its kind does better.

    The share of each band is the one with the least squared error under the phase of the mix, kept within 0 and 1.
    """
    count = frames_of(len(mix))
    whole, own = (transform(part, FIRST, FIRST + count) for part in (mix, drums))
    inside = (whole.real * own.real + whole.imag * own.imag) @ band_filters()
    power = (np.square(whole.real) + np.square(whole.imag)) @ band_filters()
    return masked(mix, [np.clip(inside / (power + np.float32(1e-12)), 0, 1).astype(np.float32)])[0]


# ------------------------------------------------------------------------------------------------ tables


def summarise(separated: Sequence[Separated]) -> dict[str, Any]:
    """Means over songs, and how long it took: seconds of waiting for each of sound, CPU seconds for a minute of it."""
    length = sum(one.duration for one in separated)
    means = {
        part: {key: float(np.mean([asdict(getattr(one, part))[key] for one in separated])) for key in StemScores.__slots__}
        for part in ("drums", "drumless")
    }
    return means | {
        "songs": len(separated),
        "real_time_factor": sum(one.wall_seconds for one in separated) / length,
        "cpu_seconds_per_minute": 60 * sum(one.cpu_seconds for one in separated) / length,
    }


def write_stem_table(separated: Sequence[Separated]) -> str:
    """Scores of drums and drumless, song by song and on average, as text with a line break at its end."""
    about = summarise(separated)
    heads = ("SDR", "median", "SI-SDR", "SIR")
    rows = [(one.name, one.drums, one.drumless) for one in separated]
    rows.append(("mean", StemScores(**about["drums"]), StemScores(**about["drumless"])))
    width = max(len(name) for name, _, _ in rows)
    lines = [
        " " * width + "".join(f"  {part:>35s}" for part in ("drums, dB", "drumless, dB")),
        " " * width + "".join(f"{'':2}" + " ".join(f"{head:>8s}" for head in heads) for _ in range(2)),
    ]
    for name, *parts in rows:
        lines.append(name.ljust(width) + "".join("  " + " ".join(f"{v:8.2f}" for v in asdict(part).values()) for part in parts))
    waiting, working = about["real_time_factor"], about["cpu_seconds_per_minute"]
    cost = f"{waiting:.3f} s of waiting a second of sound, {working:.2f} CPU seconds a minute"
    return "\n".join([*lines, "", cost]) + "\n"


# ------------------------------------------------------------------------------------------------ what the transcriber hears


def hear_ways(pieces: Iterable[Piece], models: Models, options: SeparationOptions) -> dict[str, HitScores]:
    """What the drum network finds in the mix, in the drums isolated from it, and in the mean of both (of their logits).

    Returns
    -------
    dict
        `mix`, `stem`, `mean` → scores in five classes at 50 ms, all at the network's own thresholds.
    """
    truths: dict[str, tuple[Hit, ...]] = {}
    found: dict[str, dict[str, tuple[Hit, ...]]] = {"mix": {}, "stem": {}, "mean": {}}
    for piece in pieces:
        sound = load_sound(piece)
        truths[piece.name] = read_truth(piece).hits
        mix = activate(Stem(sound, "mix"), models.drums)[0]
        stem = activate(isolate(sound, options=options), models.drums)[0]
        for way, heard in (("mix", mix), ("stem", stem), ("mean", _mean(mix, stem))):
            found[way][piece.name] = pick_hits(heard, models.drums.picking)
    return {way: score_hits(truths, hits) for way, hits in found.items()}


def _mean(one: Activations, other: Activations) -> Activations:
    """Mean of the logits; lengths may differ by a frame where one sound was resampled."""
    count = min(len(one.values), len(other.values))
    odds = [logit(np.clip(a.values[:count].astype(np.float64), 1e-9, 1 - 1e-9)) for a in (one, other)]
    values = expit(np.mean(odds, axis=0)).astype(np.float32)
    return replace(one, values=values, velocities=(one.velocities[:count] + other.velocities[:count]) / 2)


def to_json(separated: Sequence[Separated], backend: str) -> Mapping[str, Any]:
    """All figures as plain JSON."""
    return {"separation": backend, "songs": {one.name: asdict(one) for one in separated}, "means": summarise(separated)}
