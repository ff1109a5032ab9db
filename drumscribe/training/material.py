"""What training mixes are made of: drum samples, human performances, songs, notes of other instruments, clips.

Every reader takes a folder of samples and MIDI with `manifest.csv` files and keeps rows of the wanted licence tiers
only, here and nowhere else, so that the model card can say what a model has heard.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile
import soxr

from drumscribe.features import SAMPLE_RATE
from drumscribe.types import Drum, FloatArray

ACOUSTIC = ("acoustic", "acoustic-sampled")  #: kinds of kits that are drums as records have them
TIERS = ("permissive",)  #: what a released model may hear
ALL_TIERS = ("permissive", "sharealike", "copyleft", "repo-claimed", "pd-claimed")  #: what may judge it

#: The network's outputs, in order.
OUTPUTS: tuple[Drum, ...] = tuple(Drum)

#: Sample class → what the network is asked to call it.
CLASS_TO_DRUM: dict[str, Drum] = {
    "kick": Drum.KICK,
    **dict.fromkeys(("snare", "snare_rim", "snare_off", "snare_brush"), Drum.SNARE),
    "sidestick": Drum.CROSS_STICK,
    **dict.fromkeys(("hihat_closed", "hihat_pedal"), Drum.HIHAT_CLOSED),
    **dict.fromkeys(("hihat_open", "hihat_half"), Drum.HIHAT_OPEN),
    **dict.fromkeys(("ride", "ride_bell"), Drum.RIDE),
    **dict.fromkeys(("crash", "splash", "china"), Drum.CRASH),
    "tom_high": Drum.TOM_HIGH,
    "tom_mid": Drum.TOM_MID,
    "tom_low": Drum.TOM_LOW,
    **dict.fromkeys(("clap", "cowbell", "tambourine", "shaker", "perc"), Drum.OTHER),
}

#: Pieces that are drawn together when a kit is put together.
GROUPS: dict[str, tuple[str, ...]] = {
    "kick": ("kick",),
    "snare": ("snare", "snare_rim", "snare_off", "snare_brush"),
    "stick": ("sidestick",),
    "hat": ("hihat_closed", "hihat_half", "hihat_open", "hihat_pedal"),
    "tom": ("tom_high", "tom_mid", "tom_low"),
    "ride": ("ride", "ride_bell"),
    "crash": ("crash", "splash", "china"),
    "aux": ("clap", "cowbell", "tambourine", "shaker", "perc"),
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}

#: A class that a kit lacks may be played on this one.
STAND_IN = {
    "snare_rim": "snare",
    "snare_off": "snare",
    "snare_brush": "snare",
    "hihat_pedal": "hihat_closed",
    "hihat_half": "hihat_open",
    "ride_bell": "ride",
    "splash": "crash",
    "china": "crash",
}

#: Roland TD-11 keys of the Groove MIDI Dataset (its own documentation; not General MIDI).
TD11 = {
    36: "kick", 38: "snare", 40: "snare_rim", 37: "sidestick", 48: "tom_high", 50: "tom_high", 45: "tom_mid", 47: "tom_mid",
    43: "tom_low", 58: "tom_low", 42: "hihat_closed", 22: "hihat_closed", 46: "hihat_open", 26: "hihat_open",
    44: "hihat_pedal", 49: "crash", 55: "crash", 57: "crash", 52: "crash", 51: "ride", 59: "ride", 53: "ride_bell",
    54: "tambourine", 39: "clap", 56: "cowbell",
}  # fmt: skip

#: General MIDI level 1 percussion keys.
GENERAL_MIDI = {
    35: "kick", 36: "kick", 37: "sidestick", 38: "snare", 40: "snare", 39: "clap", 41: "tom_low", 43: "tom_low", 45: "tom_mid",
    47: "tom_mid", 48: "tom_high", 50: "tom_high", 42: "hihat_closed", 44: "hihat_pedal", 46: "hihat_open", 49: "crash",
    57: "crash", 51: "ride", 59: "ride", 53: "ride_bell", 52: "china", 55: "splash", 54: "tambourine", 56: "cowbell",
    69: "shaker", 70: "shaker", 60: "perc", 61: "perc", 62: "perc", 63: "perc", 64: "perc",
}  # fmt: skip

SAMPLE_SECONDS = 2.2  #: longest tail kept of a drum sample


def read_manifest(pack: Path, part: str, tiers: tuple[str, ...] = TIERS) -> Iterator[dict[str, str]]:
    """Rows of `part/manifest.csv` whose licence tier is wanted."""
    with (pack / part / "manifest.csv").open(newline="", encoding="utf-8") as file:
        yield from (row for row in csv.DictReader(file) if row["tier"] in tiers)


def read_mono(path: Path) -> FloatArray:
    """Decode a training sample to mono at `SAMPLE_RATE`."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One recorded stroke, scaled to RMS 0.1 over its first 80 ms."""

    velocity: float  #: 0-1, rank of the recorded layer
    onset: int  #: samples from the start of the array to the attack
    samples: FloatArray


@dataclass(slots=True)
class Kits:
    """All drum samples, by kit and class."""

    strokes: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    family: dict[str, str] = field(default_factory=dict)
    kind: dict[str, str] = field(default_factory=dict)
    by_group: dict[str, dict[str, list[str]]] = field(default_factory=dict)  #: group → family → kits that have it whole
    by_class: dict[str, list[str]] = field(default_factory=dict)


#: How often a kind of kit is drawn.
_KIND_WEIGHT = {"acoustic": 1.0, "acoustic-sampled": 0.7, "mixed": 0.4}
ELECTRONIC_WEIGHT = 0.25


def load_kits(pack: Path, *, validation: bool = False, tiers: tuple[str, ...] = TIERS) -> Kits:
    """Read the drum samples to train on, or those that judge: every kit whose licence or split keeps it out of training."""
    kits = Kits()
    for row in read_manifest(pack, "drums", ALL_TIERS):
        is_training = row["tier"] in tiers and row["suggested_split"] == "train"
        if is_training == validation:
            continue
        samples = read_mono(pack / row["path"])[: int(SAMPLE_SECONDS * SAMPLE_RATE)].copy()
        onset = int(float(row["onset_ms"]) * 1e-3 * SAMPLE_RATE)
        head = samples[onset : onset + int(0.08 * SAMPLE_RATE)]
        samples *= 0.1 / (float(np.sqrt(np.mean(head**2))) + 1e-6)
        samples[-200:] *= np.linspace(1, 0, len(samples[-200:]), dtype=np.float32)
        strokes = kits.strokes.setdefault(row["kit"], defaultdict(list))
        strokes[row["class"]].append(Sample(float(row["velocity"]), onset, samples))
        kits.family[row["kit"]], kits.kind[row["kit"]] = row["family"], row["kind"]
    sort_out(kits)
    return kits


def sort_out(kits: Kits) -> None:
    """Fill in which kits have what."""
    for kit, strokes in kits.strokes.items():
        for name in strokes:
            kits.by_class.setdefault(name, []).append(kit)
        for group in GROUPS:
            if _is_whole(strokes, group):
                kits.by_group.setdefault(group, {}).setdefault(kits.family[kit], []).append(kit)


def of_kinds(kits: Kits, kinds: Collection[str]) -> Kits:
    """The kits of some kinds, such as acoustic; what none of these has is drawn from all."""
    inside = {kit: strokes for kit, strokes in kits.strokes.items() if kits.kind[kit] in kinds}
    wanted = Kits(inside, kits.family, kits.kind)
    sort_out(wanted)
    return Kits(kits.strokes, kits.family, kits.kind, {**kits.by_group, **wanted.by_group}, {**kits.by_class, **wanted.by_class})


def _is_whole(strokes: dict[str, list[Sample]], group: str) -> bool:
    if group == "hat":
        return "hihat_closed" in strokes and ("hihat_open" in strokes or "hihat_half" in strokes)
    if group == "tom":
        return all(name in strokes for name in GROUPS["tom"])
    if group in ("aux", "crash"):
        return any(name in strokes for name in GROUPS[group])
    return GROUPS[group][0] in strokes


def draw_kit(kits: Kits, group: str, rng: np.random.Generator) -> str:
    """Draw a kit that has `group`: its family first, so that large families do not dominate."""
    families = kits.by_group[group]
    names = sorted(families)
    weights = np.array([_KIND_WEIGHT.get(kits.kind[families[n][0]], ELECTRONIC_WEIGHT) * len(families[n]) ** 0.5 for n in names])
    members = families[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
    return members[int(rng.integers(len(members)))]


@dataclass(frozen=True, slots=True)
class Groove:
    """A human performance on an electronic kit: `notes` are (seconds, class, velocity 0-1)."""

    notes: tuple[tuple[float, str, float], ...]
    bpm: float
    numerator: int
    denominator: int
    duration: float
    is_fill: bool
    style: str


def load_grooves(pack: Path, split: str, tiers: tuple[str, ...] = TIERS) -> list[Groove]:
    """Read Groove MIDI performances of an official split ("train", "validation", "test")."""
    grooves: list[Groove] = []
    for row in read_manifest(pack, "midi", tiers):
        if row["split"] != split:
            continue
        midi = pretty_midi.PrettyMIDI(str(pack / row["path"]))
        keys = GENERAL_MIDI if row.get("keys") == "gm" else TD11
        notes = sorted((n.start, keys[n.pitch], n.velocity / 127) for i in midi.instruments for n in i.notes if n.pitch in keys)
        if notes:
            top, bottom = (int(part) for part in row["time_signature"].split("-"))
            end = notes[-1][0] + 0.3
            grooves.append(Groove(tuple(notes), float(row["bpm"]), top, bottom, end, row["beat_type"] == "fill", row["style"]))
    return grooves


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """One recorded note of a pitched instrument."""

    pitch: int  #: MIDI note, 0 = unpitched
    samples: FloatArray


def load_notes(pack: Path, tiers: tuple[str, ...] = TIERS) -> dict[str, list[Note]]:
    """Read single notes of guitars, basses, keyboards, voices; keyed `instrument/articulation`."""
    notes: dict[str, list[Note]] = defaultdict(list)
    for row in read_manifest(pack, "instruments", tiers):
        notes[f"{row['instrument']}/{row['articulation']}"].append(Note(int(row["midi_note"]), read_mono(pack / row["path"])))
    return dict(notes)


def load_clips(pack: Path, *, validation: bool = False, tiers: tuple[str, ...] = TIERS) -> list[FloatArray]:
    """Read drum-free recordings, scaled to RMS 0.08; every eighth is kept for validation."""
    clips: list[FloatArray] = []
    for index, row in enumerate(read_manifest(pack, "music", tiers)):
        if (index % 8 == 0) == validation:
            samples = read_mono(pack / row["path"])
            clips.append(samples / (float(np.sqrt(np.mean(samples**2))) + 1e-6) * np.float32(0.08))
    return clips
