"""The separator's network, in torch: log magnitudes in bands → the share of the drums in each band.

A U-Net over frequency whose inner half runs at half the frame rate, around temporal convolutions that reach about two
seconds to either side. It has convolutions only, so a piece of a song with its surroundings gives what the whole gives.
After the U-Nets of Jansson et al. (ISMIR 2017) and the temporal convolutions of Luo and Mesgarani (Conv-TasNet, 2019).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from drumscribe.separation.bands import BANDS


class _Step(nn.Module):
    """relu(norm(convolution)) over (time, frequency)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int] = (3, 3), stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.convolution(x)))


class _Up(nn.Module):
    """Twice the bands (and frames), joined with what the way down had there."""

    def __init__(self, inputs: int, skip: int, outputs: int, frames: int) -> None:
        super().__init__()
        self.widen = nn.ConvTranspose2d(inputs, outputs, (frames, 2), (frames, 2))
        self.step = _Step(outputs + skip, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return cast(Tensor, self.step(torch.cat([self.widen(x)[:, :, : skip.shape[2]], skip], 1)))


class _Temporal(nn.Module):
    """x + mix(relu(norm(dilated convolution))), same length."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.spread = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(functional.relu(self.norm(self.spread(x))))


class SeparatorNetwork(nn.Module):
    """(batch, frames, BANDS) log magnitudes → (batch, frames, BANDS) logits of the drums' share.

    A piece of a longer input must start on an even frame.
    """

    dilations = (1, 2, 4, 8, 16, 32, 1, 2, 4, 8)
    context = 2 * sum(dilations) + 16  #: frames on each side that an output frame depends on; even

    def __init__(self, widths: tuple[int, int, int, int] = (24, 40, 48, 64), temporal: int = 208) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.scale = nn.BatchNorm1d(BANDS)
        self.place = nn.Parameter(torch.zeros(1, 1, 1, BANDS))
        self.down1 = _Step(2, first, (3, 5), (1, 2))
        self.down2 = _Step(first, second, (3, 3), (2, 2))
        self.down3 = _Step(second, third, (3, 3), (1, 2))
        self.down4 = _Step(third, fourth, (3, 3), (1, 2))
        inner = fourth * BANDS // 16
        self.enter = nn.Sequential(nn.Conv1d(inner, temporal, 1, bias=False), nn.BatchNorm1d(temporal), nn.ReLU())
        self.time = nn.Sequential(*(_Temporal(temporal, d) for d in self.dilations))
        self.leave = nn.Sequential(nn.Conv1d(temporal, inner, 1, bias=False), nn.BatchNorm1d(inner), nn.ReLU())
        self.up4 = _Up(2 * fourth, third, third, 1)
        self.up3 = _Up(third, second, second, 1)
        self.up2 = _Up(second, first, first, 2)
        self.up1 = _Up(first, 2, 16, 1)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, log_bands: Tensor) -> Tensor:
        """Logits of every band and frame."""
        x = self.scale(log_bands.transpose(1, 2)).transpose(1, 2)[:, None]
        x = torch.cat([x, self.place.expand_as(x)], 1)
        one = self.down1(x)
        two = self.down2(one)
        three = self.down3(two)
        four = self.down4(three)
        batch, channels, frames, bands = four.shape
        flat = four.permute(0, 1, 3, 2).reshape(batch, channels * bands, frames)
        flat = self.leave(self.time(self.enter(flat)))
        back = flat.reshape(batch, channels, bands, frames).permute(0, 1, 3, 2)
        y = self.up4(torch.cat([back, four], 1), three)
        y = self.up3(y, two)
        y = self.up2(y, one)
        return cast(Tensor, self.out(self.up1(y, x))[:, 0])
