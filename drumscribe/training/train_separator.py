"""Train the separator on a bank of stems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from drumscribe.separation.bands import GAIN, HOP, WINDOW, band_filters, band_spread
from drumscribe.training.loop import Training, fit, halves_well
from drumscribe.training.remix import Cutter, Mixer
from drumscribe.training.separator_network import SeparatorNetwork
from drumscribe.training.stems import open_bank, reopen_bank

#: A growing bank is looked through for more every so many batches.
_LOOK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparatorTraining(Training):
    """How the separator is trained."""

    bank: Path
    parts: str = "train-*"
    songs: Path | None = None  #: folder of rendered songs, more backing
    growing: bool = False  #: parts and songs are still being written; such a run is not repeated exactly
    frames: int = 352  #: length of an example, 11.6 ms each; even
    steps: int = 3000
    batch: int = 8
    rate: float = 2e-3
    average: float = 0.998
    seed: int = 3
    precision: str = "bfloat16"  #: of the network where the device is made for it; the loss is always in float32


def train_separator(options: SeparatorTraining) -> Path:
    """Train until `steps`, or for `minutes`; return the path of the last checkpoint."""
    torch.manual_seed(options.seed)
    network = SeparatorNetwork().to(options.device)
    cast("Any", network).to(memory_format=torch.channels_last)  # a third faster; torch's stubs do not know it of modules
    cutter = Cutter(open_bank(options.bank, options.parts, options.songs), options.frames * HOP)
    mixer = Mixer(options.frames * HOP, options.device)
    spectra = Spectra(options.device)
    halves = options.precision == "bfloat16" and halves_well(options.device)

    def draw(number: int) -> tuple[Tensor, ...]:
        if options.growing and number % _LOOK == 0:
            cutter.bank = reopen_bank(cutter.bank, options.bank, options.parts, options.songs)
        return cutter.draw(np.random.default_rng([options.seed, number]), options.batch)

    def cost(batch: tuple[Tensor, ...]) -> Tensor:
        excerpts, ratios, numbers = batch
        mix, drums = (spectra.transform(part) for part in mixer.mix(excerpts, ratios, numbers))
        bands = spectra.bands(mix)
        with torch.autocast(options.device, torch.bfloat16, enabled=halves):
            logits = network(torch.log1p(GAIN * bands))
        return spectra.loss(logits.float(), mix, drums, bands)

    return fit(network, draw, cost, options)


class Spectra:
    """Short-time spectra and the loss on them."""

    def __init__(self, device: str) -> None:
        self.filters = torch.from_numpy(band_filters()).to(device)
        self.spread = torch.from_numpy(band_spread()).to(device)
        self.window = torch.hann_window(WINDOW, device=device)

    def transform(self, samples: Tensor) -> Tensor:
        """(batch, samples) → (batch, frames, BINS, 2), frames centred on multiples of `HOP`, the last one left out."""
        spectrum = torch.stft(samples, WINDOW, HOP, window=self.window, center=True, pad_mode="constant", return_complex=True)
        return torch.view_as_real(spectrum[:, :, :-1].transpose(1, 2))

    def power(self, spectrum: Tensor) -> Tensor:
        """Mean square, (batch,), of the sound that frames (batch, frames, BINS, 2) are added up to, but for its two ends.

        Like `torch.istft`, which waits for the device.
        """
        laps = WINDOW // HOP
        frames = torch.fft.irfft(torch.view_as_complex(spectrum.contiguous()), WINDOW) * self.window
        pieces, count = frames.unflatten(2, (laps, HOP)), spectrum.shape[1]
        sound = torch.stack([pieces[:, laps - 1 - lap : count - lap, lap] for lap in range(laps)]).sum(0)
        return sound.square().mean((1, 2)) / (self.window.square().sum() / HOP) ** 2

    def bands(self, spectrum: Tensor) -> Tensor:
        """Magnitude in bands, (batch, frames, BANDS)."""
        return torch.sqrt(spectrum.square().sum(-1) @ self.filters)

    def loss(self, logits: Tensor, mix: Tensor, drums: Tensor, mix_bands: Tensor) -> Tensor:
        """How far the masked mix is from the drums, phase included.

        Logarithm of the power of the error over that of the mix, both as sound: what SDR counts, down to 30 dB below the mix.
        Mean distance of the bins over their mean magnitude, the distance of magnitudes to the power 0.3 in bands (what the
        ear and the transcriber count), and a little cross entropy to the ideal share, which gives a gradient where a mask is
        saturated.
        """
        share = torch.sigmoid(logits)
        error = mix * (share @ self.spread)[..., None] - drums
        magnitude = torch.sqrt(mix.square().sum(-1)).mean((1, 2))
        linear = torch.sqrt(1e-8 + error.square().sum(-1)).mean((1, 2)) / (magnitude + 1e-4)
        energy = torch.log1p(1e3 * self.power(error) / (self.power(mix) + 1e-6))
        drum_bands, rest_bands = self.bands(drums), self.bands(mix - drums)
        loud = (mix_bands + 1e-5) ** 0.3
        ideal = drum_bands / (drum_bands + rest_bands + 1e-6)
        compressed = ((share + 1e-3) ** 0.3 * loud - (drum_bands + 1e-5) ** 0.3).abs().mean((1, 2)) / loud.mean((1, 2))
        entropy = functional.binary_cross_entropy_with_logits(logits, ideal, weight=loud / loud.mean())
        return (0.3 * energy + 0.5 * linear + 0.4 * compressed).mean() + 0.1 * entropy
