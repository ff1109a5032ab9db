"""A training pack of a few synthetic sounds: enough for the generator and the loops to run from end to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile

from drumscribe.features import SAMPLE_RATE
from drumscribe.training.material import CLASS_TO_DRUM


def _burst(hertz: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * hertz * time) + 0.3 * rng.standard_normal(len(time))
    return (tone * np.exp(-time / (seconds / 4))).astype(np.float32)


def _write_manifest(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def make_pack(folder: Path) -> Path:
    """Drum sounds of a permissive and of a copyleft kit, one groove, a few notes, one clip."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    drums: list[dict[str, object]] = []
    (folder / "drums").mkdir()
    for kit, tier in (("free", "permissive"), ("viral", "copyleft")):
        for place, name in enumerate(CLASS_TO_DRUM):
            path = f"drums/{kit}-{name}.flac"
            soundfile.write(folder / path, 0.5 * _burst(80 + 300 * place, 0.3, rng).clip(-1, 1), SAMPLE_RATE)
            drums.append(
                {
                    "path": path,
                    "kit": kit,
                    "class": name,
                    "velocity": 1.0,
                    "kind": "acoustic",
                    "tier": tier,
                    "family": kit,
                    "onset_ms": 1.0,
                    "suggested_split": "train",
                }
            )
    _write_manifest(folder / "drums/manifest.csv", drums)
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    track = pretty_midi.Instrument(0, is_drum=True)
    for beat in range(32):
        for pitch in (42, 36 if beat % 2 == 0 else 38):
            track.notes.append(pretty_midi.Note(90, pitch, beat * 0.5, beat * 0.5 + 0.1))
    midi.instruments.append(track)
    (folder / "midi").mkdir()
    midi.write(str(folder / "midi/groove.mid"))
    row = {
        "path": "midi/groove.mid",
        "bpm": 120,
        "time_signature": "4-4",
        "beat_type": "beat",
        "style": "rock",
        "tier": "permissive",
    }
    _write_manifest(folder / "midi/manifest.csv", [{**row, "split": s} for s in ("train", "validation", "test")])
    notes: list[dict[str, object]] = []
    (folder / "instruments").mkdir()
    for kind in (
        "bass_electric/finger",
        "guitar_electric/clean_pick",
        "guitar_electric/sim_palm_mute",
        "electric_piano/cp80",
        "vocal/syllable",
        "guitar_electric/noise",
    ):
        path = f"instruments/{kind.replace('/', '-')}.flac"
        soundfile.write(folder / path, 0.5 * _burst(220, 1.0, rng).clip(-1, 1), SAMPLE_RATE)
        instrument, articulation = kind.split("/")
        notes.append(
            {"path": path, "instrument": instrument, "articulation": articulation, "midi_note": 57, "tier": "permissive"}
        )
    _write_manifest(folder / "instruments/manifest.csv", notes)
    (folder / "music").mkdir()
    soundfile.write(folder / "music/a.flac", 0.1 * rng.standard_normal(SAMPLE_RATE), SAMPLE_RATE)
    _write_manifest(folder / "music/manifest.csv", [{"path": "music/a.flac", "tier": "permissive"}] * 9)
    return folder


def make_songs(folder: Path) -> Path:
    """Rendered songs of noise with a drum part."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    for title in ("aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj", "ak"):  # at least one falls to validation
        np.save(folder / f"{title}-0.npy", (3000 * rng.standard_normal(40 * SAMPLE_RATE)).astype(np.int16))
        drums = [(0.5 * k, "kick" if k % 2 == 0 else "snare", 0.8) for k in range(79)]
        marks = {"drums": drums, "beats": [0.5 * k for k in range(79)], "downbeats": [2.0 * k for k in range(19)]}
        (folder / f"{title}-0.json").write_text(json.dumps(marks))
    return folder
