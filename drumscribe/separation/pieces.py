"""The pieces of a kit apart: kick, snare, toms and cymbals of isolated drums, by the hits that were found.

The spectrum of the drums is taken for a sum of strokes: each drum has one template (how its sound goes on, band by band, from
the stroke on) that is added wherever it was struck, as loud as it was struck. Templates are fitted to the song itself; then every
band and frame is shared among the pieces as the model has them there. Informed by the score after Ewert and Müller (*Using
score-informed constraints for NMF-based source separation*, ICASSP 2012), with templates in time after Smaragdis (*Non-negative
matrix factor deconvolution*, ICA 2004).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from scipy import sparse

from drumscribe.separation.bands import BANDS, FIRST, HOP, SAMPLE_RATE, band_centres, band_filters, frames_of, masked, transform
from drumscribe.types import Audio, Drum, FloatArray, Hit

#: The stems, and the drums in each.
PIECES: dict[str, tuple[Drum, ...]] = {
    "kick": (Drum.KICK,),
    "snare": (Drum.SNARE, Drum.CROSS_STICK),
    "toms": (Drum.TOM_HIGH, Drum.TOM_MID, Drum.TOM_LOW),
    "cymbals": (Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN, Drum.RIDE, Drum.CRASH, Drum.OTHER),
}
#: For each drum: frames (11.6 ms) for which a stroke is followed, and where its sound lies at first, Hz.
_SOUNDS = {
    Drum.KICK: (40, 0, 250),
    Drum.SNARE: (40, 150, 6000),
    Drum.CROSS_STICK: (20, 300, 6000),
    Drum.TOM_HIGH: (70, 100, 800),
    Drum.TOM_MID: (70, 80, 600),
    Drum.TOM_LOW: (70, 50, 400),
    Drum.HIHAT_CLOSED: (20, 4000, 20_000),
    Drum.HIHAT_OPEN: (70, 3000, 20_000),
    Drum.RIDE: (100, 2500, 20_000),
    Drum.CRASH: (180, 1500, 20_000),
    Drum.OTHER: (30, 500, 20_000),
}
BEFORE = 2  #: frames before a stroke whose windows hold some of it already
ROUNDS = 8  #: of fitting; more change nothing that is heard
_POWER = 2.0  #: shares are those of power
_USUAL = 1e-3  #: weight of what a piece is like in the whole song, against what it is at the moment
_BLOCK = 4096  #: frames transformed at once


def split_pieces(drums: Audio, hits: Sequence[Hit]) -> dict[str, Audio]:
    """Share isolated drums among the pieces of the kit.

    Parameters
    ----------
    drums : Audio
        Any number of channels at 44.1 kHz; the better isolated, the better the pieces.
    hits : sequence of Hit
        What was struck, and how loud.

    Returns
    -------
    dict
        A stem for each of `PIECES`, as long and as wide as `drums`, to which they add up. A piece that was never struck is
        silent, unless nothing was.
    """
    count = frames_of(drums.samples.shape[1])
    sounds = _fit(_bands(drums.samples, count), hits)
    shares = {name: np.zeros((count, BANDS), np.float32) for name in PIECES}
    for name, own in PIECES.items():
        for drum in own:
            if drum in sounds:
                shares[name] += sounds[drum]()
        shares[name] **= _POWER
        shares[name] += _USUAL * shares[name].mean(axis=0)
    total = sum(shares.values(), np.zeros((count, BANDS), np.float32))
    unknown = total <= 1e-20
    for share in shares.values():
        share[unknown] = 1.0
        share /= np.where(unknown, np.float32(len(PIECES)), total)
    channels = [masked(channel, list(shares.values())) for channel in drums.samples]
    stems = (np.stack(own) for own in zip(*channels, strict=True))
    return {name: Audio(stem, drums.sample_rate) for name, stem in zip(PIECES, stems, strict=True)}


def _bands(samples: FloatArray, count: int) -> FloatArray:
    """Magnitude in bands of all channels together, (count, BANDS), from frame `FIRST` on."""
    power = np.zeros((count, BANDS), np.float32)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        for channel in samples:
            spectrum = transform(channel, start + FIRST, stop + FIRST)
            power[start:stop] += (np.square(spectrum.real) + np.square(spectrum.imag)) @ band_filters()
    return np.sqrt(power / np.float32(max(1, len(samples))))


def _fit(bands: FloatArray, hits: Sequence[Hit]) -> dict[Drum, Callable[[], FloatArray]]:
    """What each drum sounds like throughout, (frames, BANDS) magnitudes, by the rule of Lee and Seung for the KL divergence.

    A long song has many megabytes of it for each drum, so it is made when it is asked for.
    """
    struck: dict[Drum, list[Hit]] = defaultdict(list)
    for hit in hits:
        struck[hit.drum].append(hit)
    level = float(bands.mean()) if bands.size else 0.0
    if level <= 0:
        return {}
    strokes = {drum: _strokes(drum, struck, len(bands)) for drum in struck}
    often = {drum: np.asarray(placed.sum(axis=0)).ravel()[:, None] + 1e-6 for drum, placed in strokes.items()}
    templates = {drum: _first_guess(drum) * np.float32(level) for drum in struck}

    def sound(drum: Drum) -> FloatArray:
        return np.asarray(strokes[drum] @ templates[drum], np.float32)

    for _ in range(ROUNDS):
        ratio = np.full_like(bands, 1e-4 * level)
        for drum in struck:
            ratio += sound(drum)
        np.divide(bands, ratio, out=ratio)
        for drum in struck:
            template = templates[drum] * np.asarray(strokes[drum].T @ ratio) / often[drum]
            tail = template[2 * BEFORE :]
            np.minimum.accumulate(tail, axis=0, out=tail)  # a stroke fades: what grows again is another one
            templates[drum] = template.astype(np.float32)
    return {drum: partial(sound, drum) for drum in struck}


def _strokes(drum: Drum, struck: Mapping[Drum, Sequence[Hit]], frames: int) -> sparse.csr_matrix:
    """How loud each frame of a drum's template sounds in each frame of the song, (frames, frames of the template)."""
    length = BEFORE + _SOUNDS[drum][0]
    hats = sorted(hit.time for hat in (Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN) for hit in struck.get(hat, ()))
    places: list[tuple[int, int]] = []
    values: list[float] = []
    for hit in struck[drum]:
        start, stop = _frame(hit.time) - BEFORE, length
        following = bisect_right(hats, hit.time + 0.02)
        if drum is Drum.HIHAT_OPEN and following < len(hats):  # the next stroke ends it
            stop = min(length, _frame(hats[following]) - start + BEFORE)
        inside = range(max(0, -start), min(stop, frames - start))
        places += [(start + offset, offset) for offset in inside]
        values += [(hit.velocity / 127) ** 1.5 + 0.02] * len(inside)
    rows, columns = zip(*places, strict=True) if places else ((), ())
    return sparse.csr_matrix((np.array(values, np.float32), (rows, columns)), shape=(frames, length))


def _frame(time: float) -> int:
    return round(time * SAMPLE_RATE / HOP) - FIRST


def _first_guess(drum: Drum) -> FloatArray:
    """A template to begin with: level in the drum's range, 12 dB an octave less outside, and fading."""
    length, low, high = _SOUNDS[drum]
    hertz = band_centres()
    shape = np.minimum(1, np.minimum((hertz / max(low, 1)) ** 2, (high / np.maximum(hertz, 1)) ** 2))
    fade = np.exp(-3 * np.arange(BEFORE + length) / length)
    return (fade[:, None] * (shape[None, :] + 1e-3)).astype(np.float32)
