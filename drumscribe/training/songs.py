"""Band songs rendered without their drums: backing that belongs to a drum part.

Each song is rendered by FluidSynth (Debian packages `fluidsynth`, `fluid-soundfont-gm`, `musescore-general-soundfont`;
both soundfonts are MIT-licensed) in several variants: other soundfont, other programs of the same family, other key.
A variant is cached as `NAME.npy` (int16 mono at 44.1 kHz) with `NAME.json` (its drum notes, beats and downbeats).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pretty_midi
from numpy.typing import NDArray

from drumscribe.errors import DependencyMissing
from drumscribe.features import SAMPLE_RATE
from drumscribe.training.material import GENERAL_MIDI, TIERS, read_manifest, read_mono

SOUNDFONTS = (Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), Path("/usr/share/sounds/sf3/MuseScore_General.sf3"))
VARIANT_SECONDS = 80.0
RENDER_SECONDS = 600  #: for damaged files that FluidSynth never ends with; a busy machine must not lose songs by it
_ALL_SOUND_OFF = 120  #: MIDI controller; a note without an end would make FluidSynth write for ever
FIRST_PERCUSSIVE_PROGRAM = 112  #: General MIDI percussive and sound-effect programs start here (from 0)

#: Programs that may take each other's place.
_FAMILIES = (range(6), range(16, 24), range(24, 32), range(32, 40), range(40, 52), range(56, 64), range(64, 80), range(80, 96))


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """One rendered variant; times in seconds from its start."""

    name: str
    samples: NDArray[np.int16]  #: memory-mapped
    drums: tuple[tuple[float, str, float], ...]  #: (time, class, velocity 0-1)
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / SAMPLE_RATE


def render_songs(pack: Path, cache: Path, *, variants: int = 2, part: int = 0, parts: int = 1, seed: int = 0) -> int:
    """Render every permissively licensed song that is not cached yet; return how many were written.

    `part` of `parts` lets several processes share the work. A song that FluidSynth cannot finish in `RENDER_SECONDS` is left out.

    Raises
    ------
    DependencyMissing
        If FluidSynth or one of the soundfonts is not installed.
    """
    missing = [str(font) for font in SOUNDFONTS if not font.exists()]
    if missing or shutil.which("fluidsynth") is None:
        raise DependencyMissing(
            "Rendering songs needs FluidSynth and its soundfonts: "
            "apt install fluidsynth fluid-soundfont-gm musescore-general-soundfont.",
            missing=missing,
        )
    cache.mkdir(parents=True, exist_ok=True)
    rows = list(read_manifest(pack, "midi_songs", TIERS))
    jobs = [(row["path"], variant) for variant in range(variants) for row in rows][part::parts]
    written = 0
    for path, variant in jobs:
        name = f"{Path(path).stem}-{variant}"
        if not (cache / f"{name}.json").exists():
            rng = np.random.default_rng([seed, variant, *name.encode()])
            written += _render(pack / path, cache, name, variant, rng)
    return written


def _render(path: Path, cache: Path, name: str, variant: int, rng: np.random.Generator) -> bool:
    song = pretty_midi.PrettyMIDI(str(path))
    length = min(VARIANT_SECONDS, song.get_end_time())
    start = float(rng.uniform(0, max(0.0, song.get_end_time() - length))) if variant else min(2.0, song.get_end_time() - length)
    shift = int(rng.integers(-3, 4)) if variant else 0
    drums: list[tuple[float, str, float]] = []
    band = pretty_midi.PrettyMIDI()
    for instrument in song.instruments:
        inside = [n for n in instrument.notes if n.end > start and n.start < start + length]
        if instrument.is_drum:
            drums += [
                (n.start - start, GENERAL_MIDI[n.pitch], n.velocity / 127)
                for n in inside
                if n.pitch in GENERAL_MIDI and n.start >= start
            ]
        elif instrument.program < FIRST_PERCUSSIVE_PROGRAM:
            band.instruments.append(_restyle(instrument, inside, start, length, shift, variant, rng))
    if sum(len(i.notes) for i in band.instruments) < 20:
        return False
    soundfont = SOUNDFONTS[int(rng.integers(len(SOUNDFONTS)))]
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "band.mid", Path(folder) / "band.wav"
        band.write(str(midi))
        reverb, chorus = (str(int(v)) for v in rng.integers(0, 2, 2))
        command = [
            "fluidsynth",
            "-ni",
            "-q",
            "-r",
            str(SAMPLE_RATE),
            "-g",
            "0.5",
            "-R",
            reverb,
            "-C",
            chorus,
            "-F",
            str(wav),
            str(soundfont),
            str(midi),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=RENDER_SECONDS)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return False
        samples = read_mono(wav)[: int(length * SAMPLE_RATE)]
    rms = float(np.sqrt(np.mean(samples**2)))
    if rms < 1e-4:
        return False
    np.save(cache / f"{name}.npy", (np.tanh(samples / rms * 0.08) * 32767).astype(np.int16))
    marks = {
        "drums": [(round(t, 4), c, round(v, 3)) for t, c, v in sorted(drums)],
        "beats": [round(float(t) - start, 4) for t in song.get_beats() if start <= t < start + length],
        "downbeats": [round(float(t) - start, 4) for t in song.get_downbeats() if start <= t < start + length],
    }
    (cache / f"{name}.json").write_text(json.dumps(marks))
    return True


def _restyle(
    instrument: pretty_midi.Instrument,
    notes: list[pretty_midi.Note],
    start: float,
    length: float,
    shift: int,
    variant: int,
    rng: np.random.Generator,
) -> pretty_midi.Instrument:
    program = instrument.program
    if variant and rng.random() < 0.6:
        family = next((f for f in _FAMILIES if program in f), None)
        program = int(rng.choice(list(family))) if family else program
    gain = 10 ** (rng.normal(0, 3 if variant else 0) / 20)
    result = pretty_midi.Instrument(program)
    for n in notes:
        velocity = int(np.clip(n.velocity * gain, 1, 127))
        pitch = int(np.clip(n.pitch + shift, 0, 127))
        result.notes.append(pretty_midi.Note(velocity, pitch, max(0.0, n.start - start), min(length, n.end - start)))
    result.control_changes.append(pretty_midi.ControlChange(_ALL_SOUND_OFF, 0, length + 1))
    return result


def load_songs(cache: Path, *, validation: bool = False) -> list[Song]:
    """Open the rendered songs; every tenth song (all its variants) is kept for validation."""
    songs: list[Song] = []
    for path in sorted(cache.glob("*.json")):
        title = path.stem.rpartition("-")[0]
        if (sum(title.encode()) % 10 == 0) == validation:
            marks = json.loads(path.read_text())
            samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
            drums = tuple((t, c, v) for t, c, v in marks["drums"])
            songs.append(Song(path.stem, samples, drums, tuple(marks["beats"]), tuple(marks["downbeats"])))
    return songs
