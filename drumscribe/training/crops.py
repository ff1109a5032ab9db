"""Training examples for the drum network: crops of the pool, mixed anew, labelled, and made unlike one another.

The processor cuts (`cut`), the device of the training does all else for a whole batch (`make_examples`): a GPU that
waits for one thread to mix would learn no faster than that thread.

A hit that cannot be heard is neither demanded nor punished: a network that is asked for inaudible strokes learns to
invent plausible ones, and over-detects on records (`docs/model/drums.md`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from drumscribe.detection.picking import LOUDNESS_RANGE_DB
from drumscribe.features import BANDS, FLOOR, FRAME_RATE, LOW_BANDS, SPECTRUM, low_centres, mel_centres
from drumscribe.training.material import OUTPUTS
from drumscribe.training.pool import FRAMES, Pool
from drumscribe.types import Drum

SHARPNESS = 0.6  #: target at a distance of d frames from an onset is exp(-0.6 d²), so the instant lies between frames …
REACH = 1.6  #: … up to this many frames away
PROFILE_STRIDE = 20  #: every twentieth frame of an item tells the mean spectrum of its "song"
AUDIBLE = -2.0  #: a stroke counts where its own power is at least exp(-2), 14 %, of what sounds there …
AUDIBLE_BANDS = 4  #: … in this many bands
FALSE_HAT = 3.0  #: what a hat invented on a side stick or small percussion costs, against any other invention
REMIXED, FOREIGN = 0.5, 0.5  #: share of crops with other levels than rendered, and of those with the backing of another song
_HATS = [OUTPUTS.index(drum) for drum in (Drum.HIHAT_CLOSED, Drum.HIHAT_OPEN)]
_NO_HATS = [OUTPUTS.index(drum) for drum in (Drum.CROSS_STICK, Drum.OTHER)]
_NEAR = torch.arange(-2, 3)  #: frames around a stroke that its label reaches
_QUIET = float(np.log(FLOOR))
_SPARSE = 4  #: every fourth frame tells by how much a mix holds the drums louder


class Excerpts(NamedTuple):
    """What is cut from the pool for a batch: all that a device needs for its examples."""

    crop: Tensor  #: (batch, 3, frames, SPECTRUM) float16: mix, drums, backing
    song: Tensor  #: (batch, 3, FRAMES / PROFILE_STRIDE, SPECTRUM) float16: sparse frames of the whole item
    foreign: (
        Tensor  #: (batch, frames + FRAMES / PROFILE_STRIDE, SPECTRUM) float16: backing of another item, and its sparse frames
    )
    strokes: Tensor  #: (batch, strokes, 3) float32: place in frames from the start of the crop, output, loudness in dB; NaN: none
    spectra: Tensor  #: (batch, strokes, BANDS) float16: power of each stroke's own attack
    seed: Tensor  #: () int64


class Examples(NamedTuple):
    """Training examples on the device."""

    spectrum: Tensor  #: (batch, frames, 2 * SPECTRUM), as `features.with_profile` gives it
    onsets: Tensor  #: (batch, frames, outputs) 0 to 1
    weights: Tensor  #: (batch, frames, outputs) 0 where a stroke cannot be heard, else 1 or more
    loudness: Tensor  #: (batch, frames, outputs) in [0, 1], NaN away from onsets
    mask: Tensor  #: (batch, frames, BANDS) share of the power that is drums, 0-1


def cut(pool: Pool, batch: int, frames: int, rng: np.random.Generator) -> Excerpts:
    """Cut `batch` crops of `frames` frames at random places of random items."""
    sparse = FRAMES // PROFILE_STRIDE
    crop = np.empty((batch, 3, frames, SPECTRUM), np.float16)
    song = np.empty((batch, 3, sparse, SPECTRUM), np.float16)
    foreign = np.empty((batch, frames + sparse, SPECTRUM), np.float16)
    rows: list[slice] = []
    places: list[np.ndarray] = []
    for k in range(batch):
        item, other = (int(n) for n in rng.integers(len(pool), size=2))
        start, elsewhere = (int(n) for n in rng.integers(0, FRAMES - frames + 1, size=2))
        mels, backing = pool.mel(item), pool.mel(other)[2]
        crop[k], song[k] = mels[:, start : start + frames], mels[:, ::PROFILE_STRIDE]
        foreign[k, :frames], foreign[k, frames:] = backing[elsewhere : elsewhere + frames], backing[::PROFILE_STRIDE]
        row = pool.strokes_between(item, (start - 0.5) / FRAME_RATE, (start + frames - 0.5) / FRAME_RATE)
        rows.append(row)
        places.append(pool.events[row, 1] * FRAME_RATE - start)
    strokes = np.full((batch, max(1, *map(len, places)), 3), np.nan, np.float32)
    spectra = np.zeros((*strokes.shape[:2], BANDS), np.float16)
    for k, (row, place) in enumerate(zip(rows, places, strict=True)):
        strokes[k, : len(place), 0] = place
        strokes[k, : len(place), 1:] = pool.events[row, 2::2]
        spectra[k, : len(place)] = pool.spectra[row]
    put, seed = torch.from_numpy, torch.tensor(int(rng.integers(2**62)))
    return Excerpts(put(crop), put(song), put(foreign), put(strokes), put(spectra), seed)


def make_examples(excerpts: Excerpts, *, augmented: bool = True) -> Examples:
    """Mix, label and change a batch on the device where it lies."""
    device = excerpts.crop.device
    random = torch.Generator(device).manual_seed(int(excerpts.seed))
    frames = excerpts.crop.shape[2]
    mix, drums, backing = torch.cat([excerpts.crop, excerpts.song], 2).float().unbind(1)
    shift = gain_of(mix[:, :frames, :BANDS], drums[:, :frames, :BANDS])
    spectrum = mix
    if augmented:
        spectrum, shift = _mix_anew(mix, drums, backing, excerpts.foreign.float(), shift, random)
    heard = spectrum[:, :frames, :BANDS]
    onsets, weights, loudness = _label(excerpts.strokes, excerpts.spectra, heard, shift)
    mask = torch.exp(torch.clamp(drums[:, :frames, :BANDS] + shift[:, None, None] - heard, max=0))
    if augmented:
        spectrum = augment(spectrum, random)
    profile = spectrum[:, frames:].mean(dim=1, keepdim=True)
    spectrum = spectrum[:, :frames]
    return Examples(torch.cat([spectrum, spectrum - profile], 2), onsets, weights, loudness, mask)


def _mix_anew(
    mix: Tensor, drums: Tensor, backing: Tensor, foreign: Tensor, shift: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Other levels, and perhaps another band, for some of the batch; the log power by which drums are louder, (batch,)."""
    batch, device = len(mix), mix.device
    anew, other = torch.rand(2, batch, device=device, generator=random)
    backing = torch.where((other < FOREIGN)[:, None, None], foreign, backing)
    decibels = (torch.randn(batch, device=device, generator=random) * 5.5).clamp(-10, 14)
    gain = decibels * float(np.log(10) / 10)
    mixed = torch.log(torch.exp(drums + gain[:, None, None]) + torch.exp(backing) + FLOOR)
    level = torch.log(mixed.exp().mean((1, 2)) + FLOOR) - torch.log(mix.exp().mean((1, 2)) + FLOOR)
    chosen = anew < REMIXED
    spectrum = torch.where(chosen[:, None, None], mixed - level[:, None, None], mix)
    return spectrum, torch.where(chosen, gain - level, shift)


def gain_of(mix: Tensor, drums: Tensor) -> Tensor:
    """Log power by which the finished mixes hold the drums louder than `drums`: low where both sound, never below.

    Parameters
    ----------
    mix, drums : (batch, frames, bands)

    Returns
    -------
    (batch,)
    """
    mix, drums = mix[:, ::_SPARSE].flatten(1), drums[:, ::_SPARSE].flatten(1)
    count = drums.shape[1]
    order = torch.argsort(drums, dim=1)[:, int(0.85 * count) :]
    louder = torch.sort(torch.gather(mix - drums, 1, order), dim=1).values
    gain = louder[:, int(0.1 * louder.shape[1])]
    return torch.where(drums.amax(1) > drums.amin(1), gain, 0.0)


def audible(spectrum: Tensor, frame: Tensor, attacks: Tensor, shift: Tensor) -> Tensor:
    """Whether strokes can be heard in mixes that hold the drums `shift` louder.

    Parameters
    ----------
    spectrum : (batch, frames, BANDS)
        Of the mixes.
    frame : (batch, strokes) int64
        Where each stroke lies.
    attacks : (batch, strokes, BANDS)
        Each stroke's own spectrum.
    shift : (batch,)

    Returns
    -------
    (batch, strokes) bool
    """
    near = (frame[..., None] + torch.arange(-1, 3, device=frame.device)).clamp(0, spectrum.shape[1] - 1)
    batch = torch.arange(len(frame), device=frame.device)[:, None, None]
    around = spectrum[batch, near].amax(2)
    share = torch.topk(attacks.float() + shift[:, None, None] - around, AUDIBLE_BANDS, dim=2).values[..., -1]
    return share >= AUDIBLE


def _label(strokes: Tensor, attacks: Tensor, spectrum: Tensor, shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Onsets, weights and loudness, each (batch, frames, outputs); strokes nobody hears are left open."""
    batch, frames, _ = spectrum.shape
    place, output, decibels = strokes.unbind(2)
    frame = torch.round(place)
    there = ~torch.isnan(place) & (frame >= 0) & (frame < frames)
    frame, output = torch.where(there, frame, 0).long(), torch.where(there, output, 0).long()
    heard = there & audible(spectrum, frame, attacks, shift)
    near = frame[..., None] + _NEAR.to(frame.device)
    inside = (near >= 0) & (near < frames)
    distance = (near - torch.where(there, place, 0)[..., None]).abs()
    target = torch.where(distance <= REACH, torch.exp(-SHARPNESS * distance**2), 0.0)
    flat = (
        (torch.arange(batch, device=frame.device)[:, None, None] * frames + near.clamp(0, frames - 1)) * len(OUTPUTS)
    ) + output[..., None]

    def spread(values: Tensor, fill: float = 0.0) -> Tensor:
        empty = torch.full((batch * frames * len(OUTPUTS),), fill, device=frame.device)
        return empty.scatter_reduce(0, flat.flatten(), values.float().flatten(), "amax").view(batch, frames, len(OUTPUTS))

    onsets = spread(target * (heard[..., None] & inside))
    covered = spread(heard[..., None] & inside)
    hidden = spread((there & ~heard)[..., None] & inside)
    weights = torch.where((hidden > 0) & (covered == 0), 0.0, 1.0)
    level = (1 + decibels / LOUDNESS_RANGE_DB).clamp(0.02, 1).nan_to_num(0.0)
    at_onset = (heard[..., None] & (near == frame[..., None])) * level[..., None]
    loudness = spread(at_onset)
    loudness = torch.where(loudness > 0, loudness, torch.nan)
    lures = functional.max_pool1d(onsets[..., _NO_HATS].amax(2)[:, None], 5, 1, 2)[:, 0] > 0
    hats = weights[..., _HATS]
    weights[..., _HATS] = torch.where(lures[..., None] & (onsets[..., _HATS] == 0), hats * FALSE_HAT, hats)
    return onsets, weights, loudness


def augment(spectrum: Tensor, random: torch.Generator) -> Tensor:
    """Change gain, colour, pitch, bandwidth and noise of log spectra (batch, frames, SPECTRUM)."""
    device, batch = spectrum.device, len(spectrum)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, 1, 1, device=device, generator=random)

    def normal(spread: float) -> Tensor:
        return spread * torch.randn(batch, 1, 1, device=device, generator=random)

    def some(share: float) -> Tensor:
        return uniform(0, 1) < share

    band = torch.from_numpy(_places()).to(device)
    curve = uniform(-1.8, 1.8) + normal(0.7) * (band - 0.5) * 2
    for k in range(1, 5):
        curve = curve + normal(0.45 / k**0.5) * torch.cos(torch.pi * (k * band + uniform(0, 2)))
    result = _transpose(spectrum + curve, torch.where(some(0.5), torch.round(uniform(-3.49, 3.49)), 0.0)[:, 0, 0])
    cut_off = torch.where(some(0.2), uniform(0.6, 1.0), 2.0)  # a low-pass, as of a poor codec
    result = result - ((band - cut_off) * BANDS * 0.8).clamp(0, 12)
    for _ in range(2):  # bands that tell nothing
        low, width = uniform(0, 1), uniform(1, 9) / BANDS
        blank = some(0.67) & (band >= low) & (band < low + width)
        mean = torch.where(blank, result, 0).sum((1, 2), keepdim=True) / (
            blank.sum((1, 2), keepdim=True) * result.shape[1]
        ).clamp(min=1)
        result = torch.where(blank, mean, result)
    result = torch.where(some(0.3), torch.logaddexp(result, uniform(-8, -3)), result)
    grain = torch.where(some(0.3), uniform(0.05, 0.3), 0.0)
    result = result + grain * torch.randn(result.shape, device=device, generator=random)
    return result.clamp(min=_QUIET)


def _places() -> np.ndarray:
    """Where each column lies among the mel bands, 0 to 1: what acts on the spectrum acts on the low bands alike."""
    mel = np.linspace(0, 1, BANDS)
    return np.concatenate([mel, np.interp(low_centres(), mel_centres(), mel)]).astype(np.float32)


def _transpose(spectrum: Tensor, step: Tensor) -> Tensor:
    """Move each spectrum of the batch up by `step` mel bands, (batch,); the low bands as far in Hz; edges are repeated."""
    columns = torch.arange(SPECTRUM, device=spectrum.device)
    mel = (columns[None, :BANDS] - step[:, None]).clamp(0, BANDS - 1)
    mels, lows = mel_centres(), low_centres()
    hertz = float((mels[8] - mels[0]) / 8 / (lows[1] - lows[0]))
    low = BANDS + (columns[None, :LOW_BANDS] - torch.round(step * hertz)[:, None]).clamp(0, LOW_BANDS - 1)
    index = torch.cat([mel, low], 1).long()
    return torch.gather(spectrum, 2, index[:, None].expand_as(spectrum))
