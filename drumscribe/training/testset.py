"""The generated test set: what the recordings cannot test.

Patterns of every metre and tempo, played on kits that training never heard, alone and in a band, with their true hits,
velocities and beats. Audio as FLAC, annotations in the formats that `drumscribe evaluate` reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from drumscribe.features import SAMPLE_RATE
from drumscribe.training.generator import SECONDS, Generator, Item
from drumscribe.training.material import OUTPUTS
from drumscribe.training.patterns import make_pattern_song
from drumscribe.training.sequences import Playing, Stroke
from drumscribe.types import Drum


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of the report."""

    name: str
    pattern: dict[str, Any]  #: what is fixed of the pattern song
    velocities: tuple[float, float] | None = None  #: every stroke's velocity is drawn evenly from here; None: as played


CONDITIONS: tuple[Condition, ...] = (
    *(
        Condition(f"{bpm} bpm", {"metre": "4/4", "bpm": float(bpm), "tempo_curve": "constant", "pickup": 0})
        for bpm in (60, 80, 100, 120, 140, 160, 180, 200)
    ),
    *(
        Condition(metre, {"metre": metre, "bpm": bpm, "tempo_curve": "constant", "pickup": 0})
        for metre, bpm in (("3/4", 130.0), ("6/8", 80.0), ("12/8", 70.0), ("5/4", 130.0), ("7/4", 140.0), ("7/8", 150.0))
    ),
    Condition("drift", {"metre": "4/4", "bpm": 115.0, "tempo_curve": "drift", "pickup": 0}),
    Condition("ramp", {"metre": "4/4", "bpm": 105.0, "tempo_curve": "ramp", "pickup": 0}),
    Condition("step", {"metre": "4/4", "bpm": 110.0, "tempo_curve": "step", "pickup": 0}),
    Condition("pick-up", {"metre": "4/4", "bpm": 118.0, "tempo_curve": "constant", "pickup": 2}),
    Condition("shuffle", {"metre": "4/4", "bpm": 120.0, "feel": "shuffle", "tempo_curve": "constant", "pickup": 0}),
    Condition("swung 16ths", {"metre": "4/4", "bpm": 92.0, "feel": "swung_sixteenths", "tempo_curve": "constant", "pickup": 0}),
    Condition("jazz", {"metre": "4/4", "bpm": 150.0, "feel": "jazz", "tempo_curve": "constant", "pickup": 0}),
    Condition(
        "velocity", {"metre": "4/4", "bpm": 100.0, "feel": "rock", "tempo_curve": "constant", "pickup": 0}, velocities=(0.15, 1.0)
    ),
)


def render_test_set(generator: Generator, *, songs: int = 2, seed: int = 7, only: str = "") -> Iterator[tuple[str, str, Item]]:
    """Yield (condition, kind, item) for `songs` pieces of every condition; kind is "drums" or "mix" by turns.

    `generator` should hold the validation kits; `only` names the one condition to render, else all are.
    """
    for index, condition in enumerate(CONDITIONS):
        for number in range(songs if only in ("", condition.name) else 0):
            rng = np.random.default_rng([seed, index, number])
            song = make_pattern_song(rng, duration=SECONDS, **condition.pattern)
            strokes = [Stroke(t, n, v) for t, n, v in song.hits]
            if condition.velocities is not None:
                for stroke in strokes:
                    stroke.velocity = float(rng.uniform(*condition.velocities))
            playing = Playing(strokes, list(song.beats), song.unit)
            kind = "mix" if number % 2 else "drums"
            yield condition.name, kind, generator.mix(playing, rng, kind)


def write_test_set(generator: Generator, folder: Path, *, songs: int = 2, seed: int = 7, only: str = "") -> None:
    """Write `audio/NAME.flac`, `hits/NAME.json`, `beats/NAME.beats` and `conditions.json`."""
    for part in ("audio", "hits", "beats"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    names: dict[str, dict[str, str]] = {}
    for number, (condition, kind, item) in enumerate(render_test_set(generator, songs=songs, seed=seed, only=only)):
        name = f"{number:03d}-{condition.replace('/', '-').replace(' ', '-')}-{kind}"
        names[name] = {"condition": condition, "kind": kind, "unit": str(item.unit)}
        peak = float(np.abs(item.mix).max())
        soundfile.write(folder / "audio" / f"{name}.flac", item.mix / max(peak, 1e-6) * 0.9, SAMPLE_RATE, subtype="PCM_16")
        hits = [
            {
                "time": round(e.time, 4),
                "instrument": str(Drum.SNARE if OUTPUTS[e.output] is Drum.CROSS_STICK else OUTPUTS[e.output]),
                "velocity": round(e.velocity, 3),
            }
            for e in sorted(item.events, key=lambda e: e.time)
            if OUTPUTS[e.output] is not Drum.OTHER
        ]
        (folder / "hits" / f"{name}.json").write_text(json.dumps(hits))
        lines = (f"{time:.4f} {beat}\n" for time, beat in item.beats if time < SECONDS)
        (folder / "beats" / f"{name}.beats").write_text("".join(lines))
    (folder / "conditions.json").write_text(json.dumps(names, indent=1))
