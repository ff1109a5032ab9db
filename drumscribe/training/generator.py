"""Training mixes: drums rendered from samples, in a room, through a desk, with a band around them.

Everything is drawn from one seeded generator per item, so an item is a function of its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumscribe.features import FLOOR, HOP, SAMPLE_RATE, WINDOW, mel_centres, mel_filters
from drumscribe.training import effects
from drumscribe.training.band import Time, play_band
from drumscribe.training.material import (
    ACOUSTIC,
    CLASS_TO_DRUM,
    GROUP_OF,
    GROUPS,
    OUTPUTS,
    STAND_IN,
    TIERS,
    Kits,
    draw_kit,
    load_clips,
    load_grooves,
    load_kits,
    load_notes,
    of_kinds,
)  # fmt: skip
from drumscribe.training.repertoire import Repertoire
from drumscribe.training.sequences import Playing, Stroke
from drumscribe.training.songs import Song, load_songs
from drumscribe.types import FloatArray

SECONDS = 32.0  #: length of an item
LENGTH = int(SECONDS * SAMPLE_RATE)

#: Usual level of each group against kick and snare, dB.
_GROUP_LEVEL = {"kick": 0, "snare": 0, "stick": -5, "hat": -11, "tom": -2, "ride": -11, "crash": -5, "aux": -8}
ATTACK_FRAMES = (-1, 0, 1, 2)  #: frames from an onset on which its attack may be heard (`crops.is_audible`)
_TURNS = 3  #: versions of a recorded stroke that a drummer takes by turns
_CYMBALS = ("hat", "ride", "crash")


@dataclass(frozen=True, slots=True)
class Event:
    """A rendered stroke as the network should find it."""

    time: float  #: seconds
    output: int  #: index into `OUTPUTS`
    velocity: float  #: 0-1 as played
    loudness: float  #: dB below the piece's full stroke, ≤ 0
    spectrum: FloatArray  #: (BANDS,) natural log of its own mel power at the attack, at the scale of `Item.drums`
    kit: str  #: whose sample was played


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One training mix; the three signals are mono, RMS 0.1, `LENGTH` samples."""

    mix: FloatArray
    drums: FloatArray | None  #: None: music without drums
    backing: FloatArray | None  #: None: drums alone
    events: tuple[Event, ...]
    beats: tuple[tuple[float, int], ...]
    unit: Fraction
    beats_known: bool


def draw_ratio(rng: np.random.Generator) -> float:
    """Drums against music, dB, as mixes have it."""
    return float(np.clip(rng.normal(-0.5, 5.5), -13, 13))


class Generator:
    """Holds the material; `item(seed)` makes one mix.

    Parameters
    ----------
    pack, songs : Path
        Samples and MIDI with manifests; rendered songs.
    validation : bool
        Use what is kept out of training.
    natural : bool
        Validation mixes that are nearer to records: acoustic kits, and what people played as they played it, not restyled and
        with its usual company. They fix an operating point; nobody trains on them.
    tiers : tuple of str
        Licence tiers that training may hear; validation kits are those of all other tiers and of split families.
    """

    def __init__(
        self,
        pack: Path,
        songs: Path,
        *,
        validation: bool = False,
        natural: bool = False,
        tiers: tuple[str, ...] = TIERS,
    ) -> None:
        self.validation = validation = validation or natural
        self.natural = natural
        kits = load_kits(pack, validation=validation, tiers=tiers)
        self.kits = of_kinds(kits, ACOUSTIC) if natural else kits
        self.grooves = load_grooves(pack, "validation" if validation else "train", tiers)
        self.songs = load_songs(songs, validation=validation)
        self.notes = load_notes(pack, tiers)
        self.clips = load_clips(pack, validation=validation, tiers=tiers)
        self._has_music = bool(self.songs or self.notes or self.clips)  #: a plain folder may hold drums alone
        self._count = effects.transform_size(LENGTH + 2 * SAMPLE_RATE)
        self._bins = effects.bins(self._count)
        self._bands = np.searchsorted(self._bins.hertz, mel_centres()).clip(0, len(self._bins.hertz) - 1)

    def item(self, seed: int) -> Item:
        """Render the mix of a seed."""
        rng = np.random.default_rng([int(self.validation) + int(self.natural), seed])
        kind = str(rng.choice(["music", "drums", "mix"], p=[0.08, 0.25, 0.67])) if self._has_music else "drums"
        repertoire = Repertoire(self.grooves, self.songs)
        piece = repertoire.draw_natural(SECONDS, rng) if self.natural else repertoire.draw(kind, SECONDS, rng)
        playing, song, offset = piece
        return self.mix(playing, rng, kind, song, offset)

    def mix(
        self,
        playing: Playing,
        rng: np.random.Generator,
        kind: str,
        song: Song | None = None,
        offset: float = 0.0,
        *,
        ratio_db: float | None = None,
    ) -> Item:
        """Render what is played as "drums" alone, in a "mix", or (drums left out) as "music".

        The backing is `song` from `offset` seconds on where one is given; `ratio_db` is drums against music, drawn if None.
        """
        drums, events = (None, ()) if kind == "music" else self.render_drums(playing, rng)
        backing = None if kind == "drums" else self._backing(playing, song, offset, rng)
        if drums is None:
            mix = backing if backing is not None else np.zeros(LENGTH, np.float32)
        elif backing is None:
            mix = drums
        else:
            ratio = draw_ratio(rng) if ratio_db is None else ratio_db
            mix = effects.normalise(drums * np.float32(10 ** (ratio / 20)) + backing)
        known = playing.beats_known and kind != "music"
        return Item(self._master(mix, rng), drums, backing, events, tuple(playing.beats), playing.unit, known)

    # ------------------------------------------------------------------------------------------- drums

    def render_drums(self, playing: Playing, rng: np.random.Generator) -> tuple[FloatArray | None, tuple[Event, ...]]:
        """Drums alone (RMS 0.1) with their events; None where nothing was struck."""
        renderer = _KitRenderer(self.kits, rng)
        strokes = sorted((s for s in playing.strokes if 0 <= s.time < SECONDS - 0.05), key=lambda s: s.time)
        for stroke in strokes:
            renderer.play(stroke)
        if not renderer.events:
            return None, ()
        if rng.random() < 0.3:
            renderer.buses["snare"] = renderer.buses.get("snare", np.float32(0)) + effects.rattle(renderer.buses, rng)
        drums, curves, pressed = self._desk(renderer.buses, rng)
        events = tuple(
            replace(e, spectrum=np.logaddexp(e.spectrum + curves[group] + pressed(e.time), np.log(FLOOR)).astype(np.float32))
            for e, group in zip(renderer.events, renderer.struck, strict=True)
        )
        return drums, events

    def _desk(
        self, buses: dict[str, FloatArray], rng: np.random.Generator
    ) -> tuple[FloatArray, dict[str, FloatArray], Callable[[float], float]]:
        """The finished drums; what became of each group's spectrum, (BANDS,) log power; and what dynamics did at a time.

        The last two tell how a stroke's own attack stands in the finished drums: equalised, with the first 40 ms of the
        room, and as much louder or softer as all that sounds with it.
        """
        count, bins, at = self._count, self._bins, self._bands
        dry = np.zeros(len(bins.hertz), np.complex64)
        wet = np.zeros(len(bins.hertz), np.complex64)
        direct: dict[str, FloatArray] = {}
        sends: dict[str, float] = {}
        for group, bus in buses.items():
            high = float(rng.choice([0, 0, 9000, 12000])) if group in _CYMBALS else 0.0
            shape = effects.equaliser(bins, rng, 3, high_cut=high)
            spectrum = effects.forward(bus[:count], count) * shape
            dry += spectrum
            sends[group] = 10 ** (rng.normal(0, 4) / 20)
            wet += spectrum * np.float32(sends[group])
            direct[group] = shape[at] ** 2
        early = np.zeros(len(at), np.float32)
        if rng.random() < 0.85:
            send = rng.uniform(-30, -2)
            room = effects.room(rng)
            shape = effects.equaliser(bins, rng, 3, high_cut=rng.uniform(4000, 16000))
            reflected = (wet * (effects.forward(room, count) * shape) * np.float32(10 ** (send / 20))).astype(np.complex64)
            early = shape[at] ** 2 * np.float32(10 ** (send / 10) * np.sum(room[: int(0.04 * SAMPLE_RATE)] ** 2))
            if send > -18 and rng.random() < 0.35:  # far microphones only
                away = np.float32(10 ** ((-18 - send) / 20))
                dry *= away
                direct = {group: power * away**2 for group, power in direct.items()}
            if rng.random() < 0.3:  # the room's microphones squashed by themselves
                reflected = self._squash(reflected, rng)
            dry = dry + reflected
        shape = effects.equaliser(bins, rng, 3, low_cut=rng.uniform(20, 70))
        before = effects.inverse(dry * shape, count, LENGTH)
        scale = 0.1 / (float(np.sqrt(np.mean(before**2))) + 1e-7)
        before *= np.float32(scale)
        curves = {
            group: np.log((power + early * np.float32(sends[group] ** 2)) * shape[at] ** 2 * np.float32(scale**2) + 1e-9)
            for group, power in direct.items()
        }
        drums = before
        if rng.random() < 0.55:
            drums = effects.normalise(effects.compress(drums, rng))
        if rng.random() < 0.4:
            drums = effects.normalise(effects.saturate(drums, 10 ** rng.uniform(-0.2, 0.9)))
        return drums, curves, _Pressed(before, drums)

    def _squash(self, room: NDArray[np.complex64], rng: np.random.Generator) -> NDArray[np.complex64]:
        """Compress and perhaps saturate a room's sound (a spectrum of `_count` samples), at its own level."""
        count = self._count
        squashed = effects.compress(effects.normalise(effects.inverse(room, count, count)), rng)
        if rng.random() < 0.5:
            squashed = effects.saturate(squashed, 10 ** rng.uniform(-0.2, 0.9))
        result = effects.forward(squashed, count)
        level = np.sqrt(np.mean(np.abs(room) ** 2)) / (np.sqrt(np.mean(np.abs(result) ** 2)) + 1e-9)
        return result * np.float32(level)

    # ----------------------------------------------------------------------------------------- backing

    def _backing(self, playing: Playing, song: Song | None, offset: float, rng: np.random.Generator) -> FloatArray:
        result = np.zeros(LENGTH, np.float32)
        kind = rng.random()
        if song is not None:
            start = int(offset * SAMPLE_RATE)
            result += song.samples[start : start + LENGTH].astype(np.float32) * np.float32(1 / 32767)
            if rng.random() < 0.3:
                result += self._band(playing, rng) * np.float32(10 ** (rng.uniform(-12, 0) / 20))
        else:
            if kind < 0.5:
                result += effects.normalise(self._excerpt(rng))
            if kind > 0.4:
                result += self._band(playing, rng)
            if kind > 0.93 or rng.random() < 0.4:
                result += effects.normalise(self._phrases(rng)) * np.float32(10 ** (rng.uniform(-12, 2) / 20))
        low = rng.uniform(20, 120) if rng.random() < 0.5 else 0.0
        shape = effects.equaliser(self._bins, rng, 4.5, low_cut=low, high_cut=float(rng.choice([0, 0, 7000, 12000])))
        spectrum = effects.forward(result, self._count) * shape
        if rng.random() < 0.35:
            spectrum = spectrum + spectrum * effects.forward(effects.room(rng), self._count) * np.float32(
                10 ** (rng.uniform(-20, -4) / 20)
            )
        result = effects.normalise(effects.inverse(spectrum, self._count, LENGTH))
        if rng.random() < 0.3:
            result = effects.normalise(effects.saturate(result, 10 ** rng.uniform(0, 1.1)))
        return effects.normalise(effects.compress(result, rng)) if rng.random() < 0.3 else result

    def _band(self, playing: Playing, rng: np.random.Generator) -> FloatArray:
        beats = tuple(t for t, _ in playing.beats)
        downbeats = tuple(t for t, n in playing.beats if n == 1)
        kicks = tuple(s.time for s in playing.strokes if s.name == "kick" and s.time < SECONDS)
        return play_band(self.notes, Time(beats, downbeats, kicks), LENGTH, rng)

    def _excerpt(self, rng: np.random.Generator) -> FloatArray:
        if not self.songs:
            return np.zeros(LENGTH, np.float32)
        song = self.songs[int(rng.integers(len(self.songs)))]
        ratio = 2 ** (float(rng.choice([0, 0, rng.uniform(-2.5, 2.5)])) / 12)
        wanted = int(LENGTH * ratio) + 8
        source = song.samples if len(song.samples) > wanted else np.tile(song.samples, wanted // len(song.samples) + 1)
        start = int(rng.integers(len(source) - wanted + 1))
        result = np.zeros(LENGTH, np.float32)
        effects.add_at(
            result, effects.resample_by(source[start : start + wanted].astype(np.float32) * np.float32(1 / 32767), ratio), 0
        )
        return result

    def _phrases(self, rng: np.random.Generator) -> FloatArray:
        result = np.zeros(LENGTH, np.float32)
        for _ in range(int(rng.integers(1, 7)) if self.clips else 0):
            clip = self.clips[int(rng.integers(len(self.clips)))]
            start = int(rng.integers(LENGTH))
            effects.add_at(result, clip * np.float32(10 ** (rng.uniform(-10, 3) / 20)), start)
        return result

    def _master(self, mix: FloatArray, rng: np.random.Generator) -> FloatArray:
        if rng.random() < 0.5:
            mix = effects.normalise(effects.compress(mix, rng))
        if rng.random() < 0.5:
            mix = effects.normalise(effects.saturate(mix, 10 ** rng.uniform(-0.2, 0.7)))
        if rng.random() < 0.5:
            hiss = rng.standard_normal(len(mix), dtype=np.float32)
            mix = mix + (hiss * np.float32(0.1 * 10 ** (rng.uniform(-65, -28) / 20))).astype(np.float32)
        return effects.normalise(mix)


class _Pressed:
    """By how much dynamics changed the log power of the 46 ms from a time on."""

    def __init__(self, before: FloatArray, after: FloatArray) -> None:
        self._sums = [np.concatenate([[0.0], np.cumsum(np.square(x, dtype=np.float64))]) for x in (before, after)]

    def __call__(self, time: float) -> float:
        start = min(int(time * SAMPLE_RATE), LENGTH - WINDOW)
        power = [sums[start + WINDOW] - sums[start] + 1e-9 for sums in self._sums]
        return float(np.log(power[1] / power[0]))


class _KitRenderer:
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
        self.layer = {g: draw_kit(kits, g, rng) for g in ("kick", "snare") if rng.random() < 0.12}
        self.jitter, self.limb = float(rng.uniform(0, 0.006)), {g: float(rng.normal(0, 0.004)) for g in GROUPS}
        self.level = {g: _GROUP_LEVEL[g] + float(rng.normal(0, 4)) for g in GROUPS}
        self.pitch = {n: 2 ** (float(rng.normal(0, 0.9 if g in _CYMBALS else 1.6)) / 12) for n, g in GROUP_OF.items()}
        self._tune_toms()
        self.attack = {n: 10 ** float(rng.normal(0, 0.25)) if rng.random() < 0.4 else 1.0 for n in GROUP_OF}
        self.decay = {n: 10 ** float(rng.uniform(-1.1, 0.1)) if rng.random() < 0.4 else 0.0 for n in GROUP_OF}
        self.half_decay = float(rng.uniform(0.12, 0.5))
        self.range_db, self.curve = float(rng.uniform(14, 34)), float(rng.uniform(0.7, 1.4))
        self.is_dulled, self.ringing = bool(rng.random() < 0.6), (0, 0)
        self._cache: dict[tuple[str, str, int, str, int], tuple[int, FloatArray, FloatArray]] = {}
        self._borrowed: dict[str, str] = {}

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
        bus = self.buses.setdefault(group, np.zeros(LENGTH + 3 * SAMPLE_RATE, np.float32))
        start = round(time * SAMPLE_RATE) - onset
        if group == "hat":
            is_open = name in ("hihat_open", "hihat_half")
            if not is_open or name == "hihat_half":
                self._choke(bus, start, 0.0 if not is_open else 0.5)
            self.ringing = (start, start + len(sound)) if is_open else (0, 0)
        if self.is_dulled and velocity < 0.6 and group in ("kick", "snare", "tom"):
            keep = 0.25 + 0.75 * velocity / 0.6
            sound, power = effects.dull(sound, keep), power * effects.dull_power(keep)
        effects.add_at(bus, sound * gain, start)
        if group in self.layer:
            _, extra, more = self._sound(
                self.layer[group], name if name in self.kits.strokes[self.layer[group]] else GROUPS[group][0], name, velocity
            )
            effects.add_at(bus, extra * gain * np.float32(0.7), start)
            power = power + more * np.float32(0.7**2)
        spectrum = np.log(power * gain**2 + 1e-12)
        output = OUTPUTS.index(CLASS_TO_DRUM[name])
        self.events.append(Event(time, output, velocity, min(0.0, loudness), spectrum, source[0]))
        self.struck.append(group)

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
