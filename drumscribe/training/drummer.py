"""One drummer on one kit: strokes of samples, added into a bus per group of pieces, and what was struck.

A kit is put together of pieces of several, tuned, worn and struck unlike any that was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from drumscribe.features import HOP, SAMPLE_RATE, WINDOW, mel_filters
from drumscribe.training import effects
from drumscribe.training.material import (
    CLASS_TO_DRUM,
    GROUP_OF,
    GROUPS,
    OUTPUTS,
    SAMPLE_SECONDS,
    STAND_IN,
    Kits,
    draw_kit,
)  # fmt: skip
from drumscribe.training.sequences import Stroke
from drumscribe.types import FloatArray

SECONDS = 32.0  #: length of an item
LENGTH = int(SECONDS * SAMPLE_RATE)

#: Usual level of each group against kick and snare, dB.
_GROUP_LEVEL = {"kick": 0, "snare": 0, "stick": -5, "hat": -11, "tom": -2, "ride": -11, "crash": -5, "aux": -8}
ATTACK_FRAMES = (-1, 0, 1, 2)  #: frames from an onset on which its attack may be heard (`crops.is_audible`)
_TURNS = 3  #: versions of a recorded stroke that a drummer takes by turns
CYMBALS = ("hat", "ride", "crash")
_TUNING = {**dict.fromkeys(CYMBALS, 0.4), "aux": 3.0, "stick": 2.5}  #: semitones by which pieces differ from the recorded ones
_CLICKING = 0.3  #: share of kits whose kicks click
#: How often the piece of a second kit sounds along: few cymbals were recorded, two together are a third.
_LAYERED = {"kick": 0.12, "snare": 0.12, "hat": 0.15, "ride": 0.35, "crash": 0.25}


@dataclass(frozen=True, slots=True)
class Event:
    """A rendered stroke as the network should find it."""

    time: float  #: seconds
    output: int  #: index into `OUTPUTS`
    velocity: float  #: 0-1 as played
    loudness: float  #: dB below the piece's full stroke, ≤ 0
    spectrum: FloatArray  #: (BANDS,) natural log of its own mel power at the attack, at the scale of `Item.drums`
    kit: str  #: whose sample was played


class Drummer:
    """One drummer on one kit: adds strokes into a bus per group and remembers what was struck."""

    def __init__(self, kits: Kits, rng: np.random.Generator) -> None:
        self.kits, self.rng = kits, rng
        self.buses: dict[str, FloatArray] = {}
        self.events: list[Event] = []
        self.struck: list[str] = []  #: the group of each event
        anchor = draw_kit(kits, "kick", rng)
        self.kit = {
            g: anchor if rng.random() < 0.45 and _has(kits, g, anchor) else draw_kit(kits, g, rng)
            for g in GROUPS
            if g in kits.by_group
        }
        self.layer = {g: draw_kit(kits, g, rng) for g, share in _LAYERED.items() if g in kits.by_group and rng.random() < share}
        self.jitter, self.limb = float(rng.uniform(0, 0.006)), {g: float(rng.normal(0, 0.004)) for g in GROUPS}
        self.level = {g: _GROUP_LEVEL[g] + float(rng.normal(0, 4)) for g in GROUPS}
        self.pitch = {n: 2 ** (float(rng.normal(0, _TUNING.get(g, 1.6))) / 12) for n, g in GROUP_OF.items()}
        spread = 0.9 if rng.random() < 0.4 else 2.2
        for group in CYMBALS:
            size = 2 ** (float(rng.normal(0, spread)) / 12)
            self.pitch |= {name: self.pitch[name] * size for name in GROUPS[group]}
        self._tune_toms()
        self.made = {n: int(rng.integers(2**31)) for n in ("shaker", "tambourine") if rng.random() < 0.6}  #: not recorded
        self.attack = {n: 10 ** float(rng.normal(0, 0.25)) if rng.random() < 0.4 else 1.0 for n in GROUP_OF}
        self.decay = {n: 10 ** float(rng.uniform(-1.1, 0.1)) if rng.random() < 0.4 else 0.0 for n in GROUP_OF}
        self.click = effects.click(rng) * np.float32(10 ** (rng.uniform(-18, -3) / 20)) if rng.random() < _CLICKING else None
        self.half_decay = float(rng.uniform(0.12, 0.5))
        self.range_db, self.curve = float(rng.uniform(14, 34)), float(rng.uniform(0.7, 1.4))
        self.is_dulled, self.ringing = bool(rng.random() < 0.6), (0, 0)
        self._cache: dict[tuple[str, str, int, str, int], tuple[int, FloatArray, FloatArray]] = {}
        self._borrowed: dict[str, str] = {}

    def perform(self, strokes: Iterable[Stroke]) -> None:
        """Play all strokes within an item, in the order of their times."""
        for stroke in sorted((s for s in strokes if 0 <= s.time < SECONDS - 0.05), key=lambda s: s.time):
            self.play(stroke)

    def play(self, stroke: Stroke) -> None:
        """Add one stroke, softer ones quieter and duller; a new hat stroke chokes a ringing one."""
        name, velocity, rng = stroke.name, stroke.velocity, self.rng
        if velocity < (0.25 if name == "hihat_pedal" else 0.1):
            return
        group = GROUP_OF[name]
        time = stroke.time + self.limb[group] + float(rng.normal(0, self.jitter))
        source = self._source(name)
        if time < 0 or source is None:
            return
        onset, sound, power = self._sound(*source, name, velocity)
        loudness = -self.range_db * (1 - velocity) ** self.curve + float(rng.normal(0, 0.8))
        gain = np.float32(10 ** ((self.level[group] + loudness) / 20))
        if group not in self.buses:
            self.buses[group] = np.zeros(LENGTH + 3 * SAMPLE_RATE, np.float32)
        bus = self.buses[group]
        start = round(time * SAMPLE_RATE) - onset
        if group == "hat":
            is_open = name in ("hihat_open", "hihat_half")
            if not is_open or name == "hihat_half":
                self._choke(bus, start, 0.0 if not is_open else 0.5)
            self.ringing = (start, start + round(SAMPLE_SECONDS * 1.5 * SAMPLE_RATE)) if is_open else (0, 0)
        if self.is_dulled and velocity < 0.6 and group in ("kick", "snare", "tom"):
            keep = 0.25 + 0.75 * velocity / 0.6
            sound, power = effects.dull(sound, keep), power * effects.dull_power(keep)
        effects.add_at(bus, sound * gain, start)
        under = self._layer(group, name)
        if under is not None:
            earlier, extra, more = self._sound(*under, name, velocity)
            effects.add_at(bus, extra * gain * np.float32(0.7), start + onset - earlier)
            power = power + more * np.float32(0.7**2)
        spectrum = np.log(power * gain**2 + 1e-12)
        output = OUTPUTS.index(CLASS_TO_DRUM[name])
        self.events.append(Event(time, output, velocity, min(0.0, loudness), spectrum, source[0]))
        self.struck.append(group)

    def _layer(self, group: str, name: str) -> tuple[str, str] | None:
        """Kit and class that sound along with `name`; None where nothing does."""
        if group not in self.layer:
            return None
        kit = self.layer[group]
        return next(((kit, n) for n in (name, STAND_IN.get(name), GROUPS[group][0]) if n in self.kits.strokes[kit]), None)

    def _tune_toms(self) -> None:
        """Give the toms one shift together and distances of their own, so that they stay in order."""
        shift, spread = float(self.rng.normal(0, 1.5)), float(self.rng.uniform(0, 3))
        for name, place in (("tom_high", 1), ("tom_mid", 0), ("tom_low", -1)):
            self.pitch[name] = 2 ** ((shift + place * spread + float(self.rng.normal(0, 0.4))) / 12)

    def _choke(self, bus: FloatArray, start: int, keep: float) -> None:
        """Damp a ringing hat to `keep` from the stroke at `start` on; struck open again, it rings on undamped."""
        begin, end = start + int(0.02 * SAMPLE_RATE), self.ringing[1]
        if 0 < begin < end:
            fade = min(int(0.03 * SAMPLE_RATE), end - begin)
            bus[begin : begin + fade] *= np.linspace(1, keep, fade, dtype=np.float32)
            bus[begin + fade : end] *= np.float32(keep)

    def _source(self, name: str) -> tuple[str, str] | None:
        """Kit and class that play `name`: its own, a stand-in, or another kit's."""
        kit = self.kit.get(GROUP_OF[name])
        if kit is None:
            return None
        if name in self.kits.strokes[kit]:
            return kit, name
        stand_in = STAND_IN.get(name)
        if stand_in in self.kits.strokes[kit] and name not in ("splash", "china"):
            return kit, stand_in
        if name in self.kits.by_class:
            options = self.kits.by_class[name]
            return self._borrowed.setdefault(name, options[int(self.rng.integers(len(options)))]), name
        return (kit, stand_in) if stand_in in self.kits.strokes[kit] else None

    def _sound(self, kit: str, source: str, name: str, velocity: float) -> tuple[int, FloatArray, FloatArray]:
        """(onset in samples, sound, mel power at the attack) of one of the two nearest velocity layers."""
        layers = self.kits.strokes[kit][source]
        distance = [abs(s.velocity - velocity) + float(self.rng.random()) * 0.12 for s in layers]
        index = int(self.rng.choice(np.argsort(distance)[:2]))
        turn = int(self.rng.integers(_TURNS))
        key = (kit, source, index, name, turn)
        if key not in self._cache and name in self.made:
            onset, sound = effects.jingles(self.made[name], turn, metal=name == "tambourine")
            self._cache[key] = (onset, sound, attack_power(sound, onset))
        if key not in self._cache:
            ratio = self.pitch[name] * 2 ** (float(self.rng.normal(0, 0.12)) / 12)  # no two strokes sound quite alike
            sound = effects.resample_by(layers[index].samples, ratio)
            decay = self.half_decay if name == "hihat_half" and source == "hihat_open" else self.decay[name]
            if decay:
                sound = sound * np.exp(-np.arange(len(sound), dtype=np.float32) / (SAMPLE_RATE * decay))
            onset = int(layers[index].onset / ratio)
            if self.attack[name] != 1:  # beaters, tips and microphones: more or less click
                after = np.maximum(np.arange(len(sound), dtype=np.float32) - onset, 0)
                sound = sound * (1 + np.float32(self.attack[name] - 1) * np.exp(after * np.float32(-1 / (0.008 * SAMPLE_RATE))))
            if name == "kick" and self.click is not None:  # one beater, one trigger: the same at every stroke
                sound = np.concatenate([sound, np.zeros(max(0, onset + len(self.click) - len(sound)), np.float32)])
                effects.add_at(sound, self.click, onset)
            power = attack_power(sound, onset)
            self._cache[key] = (onset, sound.astype(np.float32), power)
        return self._cache[key]


def attack_power(sound: FloatArray, onset: int) -> FloatArray:
    """(BANDS,) loudest mel power of the frames around an attack, the same frames in which a mix is asked for it."""
    padded = np.concatenate([np.zeros(WINDOW, np.float32), sound, np.zeros(2 * WINDOW, np.float32)])
    starts = (WINDOW + onset - WINDOW // 2 + HOP * frame for frame in ATTACK_FRAMES)
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    frames = np.stack([padded[start : start + WINDOW] * window for start in starts])
    return (np.abs(np.fft.rfft(frames)) ** 2 @ mel_filters()).max(axis=0).astype(np.float32)


def _has(kits: Kits, group: str, kit: str) -> bool:
    return any(kit in members for members in kits.by_group.get(group, {}).values())
