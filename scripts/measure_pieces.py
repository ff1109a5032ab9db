"""Measures how well the pieces of a kit are told apart, on rendered drums whose pieces are known.

    python scripts/measure_pieces.py PACK SONGS [--items 8] [--seed 900] [--ratio -2]

PACK and SONGS are those of `drumscribe train songs`. Items are played on kits and grooves kept out of training, each piece in
the same room. Printed is SI-SDR in dB, the mean over the items in which a piece sounds: of the drums themselves taken for the
piece, of a fixed band of them, of our stem, and of the best mask; with the strokes as played and as the shipped networks find
them, for drums alone, and for drums isolated by `light` from a mix with the band, in which they are `--ratio` dB louder than it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drumscribe import load_models
from drumscribe.evaluation.stems import best_mask, score_stem
from drumscribe.features import SAMPLE_RATE
from drumscribe.options import SeparationOptions
from drumscribe.pipeline import hear
from drumscribe.separation import isolate
from drumscribe.separation.pieces import split_pieces
from drumscribe.training import effects
from drumscribe.training.drummer import LENGTH, SECONDS, Drummer
from drumscribe.training.generator import Generator
from drumscribe.training.material import OUTPUTS
from drumscribe.training.sequences import from_grooves, from_patterns, loosen
from drumscribe.types import Audio, FloatArray, Hit, Stem

#: Groups of the generator by piece, and the band (Hz) that a fixed split would give it.
GROUPS = {"kick": ("kick",), "snare": ("snare", "stick"), "toms": ("tom",), "cymbals": ("hat", "ride", "crash")}
BANDS = {"kick": (0, 120), "snare": (120, 3000), "toms": (60, 300), "cymbals": (4000, SAMPLE_RATE // 2)}


@dataclass(frozen=True, eq=False)
class Item:
    """Drums whose pieces are known, at RMS 0.1, and a band."""

    pieces: dict[str, FloatArray]
    backing: FloatArray
    hits: tuple[Hit, ...]

    @property
    def drums(self) -> FloatArray:
        """All pieces together."""
        return np.add.reduce(list(self.pieces.values()))


def render(generator: Generator, seeds: range) -> Iterator[Item]:
    """Play grooves and patterns by turns; each piece is equalised and put into the room of the item."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        playing = from_grooves(generator.grooves, SECONDS, rng) if seed % 2 else from_patterns(SECONDS, rng)
        loosen(playing, SECONDS, rng)
        kit = Drummer(generator.kits, rng)
        kit.perform(playing.strokes)
        room, send = effects.room(rng), np.float32(10 ** (rng.uniform(-20, -8) / 20))
        count = effects.transform_size(LENGTH + 2 * SAMPLE_RATE)
        bins = effects.bins(count)
        wet = 1 + send * effects.forward(room, count)
        pieces: dict[str, FloatArray] = {}
        for name, groups in GROUPS.items():
            dry = np.add.reduce([kit.buses[g][:LENGTH] for g in groups if g in kit.buses] or [np.zeros(LENGTH, np.float32)])
            spectrum = effects.forward(dry, count) * effects.equaliser(bins, rng, 2)
            pieces[name] = effects.inverse(spectrum * wet, count, LENGTH)
        scale = np.float32(0.1 / np.sqrt(np.mean(np.square(np.add.reduce(list(pieces.values()))))))
        hits = tuple(Hit(e.time, OUTPUTS[e.output], int(np.clip(round(127 * e.velocity), 1, 127))) for e in kit.events)
        yield Item({n: p * scale for n, p in pieces.items()}, generator._backing(playing, None, 0.0, rng), hits)


def band(samples: FloatArray, low: float, high: float) -> FloatArray:
    """What lies between two frequencies."""
    spectrum, hertz = np.fft.rfft(samples), np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    spectrum[(hertz < low) | (hertz >= high)] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def main() -> None:
    """Render, transcribe, split, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--items", type=int, default=8)
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--ratio", type=float, default=-2.0, help="drums against the band, dB")
    given = parser.parse_args()
    models, light = load_models(threads=1), SeparationOptions(backend="light", threads=1)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def note(way: str, item: Item, stems: dict[str, FloatArray]) -> None:
        for name, true in item.pieces.items():
            if np.sum(true**2) > 1e-3 * np.sum(item.drums**2):
                rest = item.drums - true
                found[way][name].append(score_stem(true[None], stems[name][None], rest[None], SAMPLE_RATE).si_sdr)

    def pieces(drums: FloatArray, hits: Sequence[Hit]) -> dict[str, FloatArray]:
        return {name: stem.samples[0] for name, stem in split_pieces(Audio(drums[None], SAMPLE_RATE), hits).items()}

    for item in render(Generator(given.pack, given.songs, validation=True), range(given.seed, given.seed + given.items)):
        mix = Audio((item.drums + item.backing * np.float32(10 ** (-given.ratio / 20)))[None], SAMPLE_RATE)
        alone = Audio(item.drums[None], SAMPLE_RATE)
        for way, sound, stem in (("alone", alone, alone), ("mix", mix, isolate(mix, options=light).audio)):
            drums = stem.samples[0]
            note(f"{way}: the drums themselves", item, dict.fromkeys(GROUPS, drums))
            note(f"{way}: a fixed band", item, {name: band(drums, *BANDS[name]) for name in GROUPS})
            note(f"{way}: strokes as found", item, pieces(drums, hear(Stem(sound, "mix"), models).hits))
            note(f"{way}: strokes as played", item, pieces(drums, item.hits))
        note("alone: the best mask", item, {name: best_mask(item.drums, true) for name, true in item.pieces.items()})
    print(f"{'SI-SDR, dB':28s}" + "".join(f"{name:>9s}" for name in GROUPS))
    for way, values in sorted(found.items()):
        print(f"{way:28s}" + "".join(f"{np.mean(values[name]) if values[name] else np.nan:9.1f}" for name in GROUPS))


if __name__ == "__main__":
    main()
