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

from drumscribe.features import FLOOR, SAMPLE_RATE, WINDOW, mel_centres
from drumscribe.training import effects
from drumscribe.training.band import Time, play_band
from drumscribe.training.drummer import CYMBALS, LENGTH, SECONDS, Drummer, Event
from drumscribe.training.material import (
    ACOUSTIC,
    TIERS,
    load_clips,
    load_grooves,
    load_kits,
    load_notes,
    of_kinds,
)
from drumscribe.training.repertoire import Repertoire
from drumscribe.training.sequences import Playing
from drumscribe.training.songs import Song, load_songs
from drumscribe.types import FloatArray


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
        """Drums alone (RMS 0.1) with their events by time; None where nothing was struck."""
        renderer = Drummer(self.kits, rng)
        renderer.perform(playing.strokes)
        if not renderer.events:
            return None, ()
        if rng.random() < 0.3:
            renderer.buses["snare"] = renderer.buses.get("snare", np.float32(0)) + effects.rattle(renderer.buses, rng)
        drums, curves, pressed = self._desk(renderer.buses, rng)
        events = [
            replace(e, spectrum=np.logaddexp(e.spectrum + curves[group] + pressed(e.time), np.log(FLOOR)).astype(np.float32))
            for e, group in zip(renderer.events, renderer.struck, strict=True)
        ]
        return drums, tuple(sorted(events, key=lambda event: event.time))

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
            high = float(rng.choice([0, 0, 9000, 12000])) if group in CYMBALS else 0.0
            shape = effects.equaliser(bins, rng, 4.5 if group in CYMBALS else 3, high_cut=high)
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
        self._signals = (before, after)

    def __call__(self, time: float) -> float:
        start = min(int(time * SAMPLE_RATE), LENGTH - WINDOW)
        heard = [signal[start : start + WINDOW] for signal in self._signals]
        power = [float(np.dot(part, part)) + 1e-9 for part in heard]
        return float(np.log(power[1] / power[0]))
