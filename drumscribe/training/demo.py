"""The demo song: about half a minute of a band that does not exist, with its true hits and beats beside it.

Drums and band are rendered from the samples that training uses, in a tame room, so that anybody may pass it on.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from drumscribe.features import SAMPLE_RATE
from drumscribe.training import effects
from drumscribe.training.band import Time, play_band
from drumscribe.training.drummer import LENGTH
from drumscribe.training.generator import Generator
from drumscribe.training.material import OUTPUTS
from drumscribe.training.patterns import make_pattern_song
from drumscribe.training.sequences import Playing, Stroke
from drumscribe.types import Drum


def write_demo(
    generator: Generator, folder: Path, *, seed: int, bpm: float = 112.0, feel: str = "rock", seconds: float = 30.0
) -> None:
    """Write `demo.flac`, `demo.hits.json` and `demo.beats.json` into `folder`."""
    rng = np.random.default_rng(seed)
    song = make_pattern_song(rng, duration=seconds - 1.0, metre="4/4", bpm=bpm, feel=feel, tempo_curve="constant", pickup=False)
    shift = 0.5 - min(t for t, n, _ in song.hits if n != "perc")  # no count-in: half a second, then music
    strokes = [Stroke(t + shift, n, v) for t, n, v in song.hits if n != "perc"]
    playing = Playing(strokes, [(t + shift, n) for t, n in song.beats if t + shift > 0], song.unit)
    drums, events = generator.render_drums(playing, rng)
    if drums is None:
        raise ValueError("the pattern holds no strokes")
    beats = tuple(t for t, _ in playing.beats)
    downbeats = tuple(t for t, n in playing.beats if n == 1)
    kicks = tuple(s.time for s in playing.strokes if s.name == "kick")
    band = play_band(generator.notes, Time(beats, downbeats, kicks), LENGTH, rng)
    mix = effects.normalise((drums + 0.6 * band).astype(np.float32))[: int(seconds * SAMPLE_RATE)]
    fade = int(0.4 * SAMPLE_RATE)
    mix[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "demo.flac", np.clip(mix / np.abs(mix).max() * 0.9, -1, 1), SAMPLE_RATE, subtype="PCM_16")
    hits = [
        {"time": round(e.time, 4), "instrument": _public_name(OUTPUTS[e.output]), "velocity": round(e.velocity, 3)}
        for e in sorted(events, key=lambda e: (e.time, e.output))
        if OUTPUTS[e.output] is not Drum.OTHER and e.time < seconds
    ]
    marks = [{"time": round(t, 4), "number": n} for t, n in playing.beats if t < seconds]
    (folder / "demo.hits.json").write_text(json.dumps(hits, indent=0) + "\n")
    (folder / "demo.beats.json").write_text(json.dumps({"unit": str(song.unit), "beats": marks}, indent=0) + "\n")


def _public_name(drum: Drum) -> str:
    return str(Drum.SNARE if drum is Drum.CROSS_STICK else drum)
