"""The two networks, in torch. They are trained here and exported to ONNX; inference never sees this file.

`DrumNetwork`: log-mel → four convolutions that pool over frequency only → residual temporal convolutions → heads. Two more
differ from it where the others of an ensemble should: in what they read, and in how far they look.
`BeatNetwork`: what the first one heard, with a coarse spectrum, at half the frame rate → temporal convolutions whose
dilations reach ±20 s → beat and downbeat. After Davies and Böck (EUSIPCO 2019) and Vogl et al. (DAFx 2018).
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from drumscribe.beats.infer import INPUTS as BEAT_INPUTS
from drumscribe.beats.infer import OUTPUTS as BEAT_OUTPUTS
from drumscribe.features import BANDS, LOW_BANDS
from drumscribe.training.material import OUTPUTS


class _Residual(nn.Module):
    """x + 1x1(relu(norm(dilated convolution))), same length."""

    def __init__(self, width: int, dilation: int, kernel: int = 5, dropout: float = 0.1) -> None:
        super().__init__()
        self.spread = nn.Conv1d(width, width, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.mix(functional.relu(self.norm(self.spread(x)))))


class _Frequency(nn.Module):
    """Convolutions over (time, frequency) with a pool over frequency after each; time keeps its length, 96 bands become 6.

    With `lows`, those bands go through convolutions of their own and join where frequency ends: 32 become 4.
    """

    def __init__(self, channels: int, widths: tuple[int, int, int, int], out: int, lows: tuple[int, ...] = ()) -> None:
        super().__init__()
        first, *others = widths
        self.enter = nn.Conv2d(channels, first, (3, 5), stride=(1, 2), padding=(1, 2), bias=False)
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(widths, others, strict=False))
        self.norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths)
        deep = zip((channels, *lows), lows, strict=False)
        self.low_convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in deep)
        self.low_norms = nn.ModuleList(nn.BatchNorm2d(w) for w in lows)
        self.project = nn.Conv1d(
            widths[-1] * (BANDS // 16) + (lows[-1] * (LOW_BANDS >> len(lows)) if lows else 0), out, 1, bias=False
        )
        self.norm = nn.BatchNorm1d(out)
        self.dropout = nn.Dropout(0.15)

    def forward(self, x: Tensor, low: Tensor) -> Tensor:  # (batch, channels, time, 96) and (batch, channels, time, 32)
        x = functional.relu(self.norms[0](self.enter(x)))
        for convolution, norm in zip(self.convolutions, list(self.norms)[1:], strict=True):
            x = functional.relu(norm(convolution(functional.max_pool2d(x, (1, 2)))))
        seen = [x]
        if len(self.low_convolutions):
            for convolution, norm in zip(self.low_convolutions, self.low_norms, strict=True):
                low = functional.max_pool2d(functional.relu(norm(convolution(low))), (1, 2))
            seen.append(low)
        flat = torch.cat([part.permute(0, 1, 3, 2).flatten(1, 2) for part in seen], 1)  # (batch, channels * bands, time)
        return cast(Tensor, self.dropout(functional.relu(self.norm(self.project(flat)))))


class _Attention(nn.Module):
    """Every half frame looks at those within `reach` of it (Vaswani et al., 2017, with a band instead of positions).

    A stroke is compared with its like in the seconds around it; where it stands among them, the convolutions before it tell.
    """

    def __init__(self, width: int, reach: int, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.reach, self.heads = reach, heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.ask = nn.Linear(width, 3 * width)
        self.answer = nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)
        place, offset = torch.arange(reach)[:, None], torch.arange(-reach, 2 * reach)[None, :]
        self.near: Tensor
        self.register_buffer("near", (place - offset).abs() <= reach, persistent=False)

    def forward(self, x: Tensor) -> Tensor:  # (batch, width, time)
        x = x.transpose(1, 2)
        batch, time, width = x.shape
        query, key, value = (
            self.ask(self.norms[0](x)).view(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        seen = self._look(query, key, value)
        x = x + self.dropout(self.answer(seen.transpose(1, 2).reshape(batch, time, width)))
        return (x + self.dropout(self.think(self.norms[1](x)))).transpose(1, 2)

    def _look(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention within `reach`, (batch, heads, time, …): blocks of `reach` places look at themselves and at both neighbours.

        The same as over all places with a mask of the band, at a cost that grows with the time and not with its square.
        """
        batch, heads, time, depth = query.shape
        block = self.reach
        count = (time + block - 1) // block
        pad = count * block - time
        asked = functional.pad(query, (0, 0, 0, pad)).reshape(batch, heads, count, block, depth)
        key, value = (
            torch.cat([wide[:, :, :-2], wide[:, :, 1:-1], wide[:, :, 2:]], dim=3)
            for wide in (
                functional.pad(part, (0, 0, block, pad + block)).reshape(batch, heads, count + 2, block, depth)
                for part in (key, value)
            )
        )
        offset = torch.arange(-block, 2 * block, device=query.device)
        there = torch.arange(count, device=query.device)[:, None] * block + offset[None, :]
        there = (there >= 0) & (there < time)
        likeness = asked @ key.transpose(3, 4) * depth**-0.5
        likeness = likeness.masked_fill(~(self.near & there[:, None, :]), torch.finfo(likeness.dtype).min)
        seen = torch.softmax(likeness, dim=-1) @ value
        return seen.reshape(batch, heads, count * block, depth)[:, :, :time]


class DrumNetwork(nn.Module):
    """(batch, frames, 2 * SPECTRUM), see `features.with_profile` → (batch, frames, 2 * outputs): onset, then loudness logits.

    The temporal convolutions run at half the frame rate: they give context, the fine front end gives the instant.
    A piece of a longer input must start on an even frame. In training a further head says how much of each band is drums:
    transcription and separation taught together help each other (Stoller, Ewert, Dixon: ICASSP 2018, for voice).
    """

    width = 128
    widths: tuple[int, int, int, int] = (24, 32, 64, 64)  #: channels over the mel bands
    lows: tuple[int, ...] = ()  #: channels over the low bands; none: they are not read
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    reach = 0  #: half frames on each side that attention looks at
    attentions = 0  #: layers of attention behind the convolutions

    def __init__(self, *, masks: bool = False) -> None:
        super().__init__()
        width = self.width
        self.front = _Frequency(2, self.widths, width, self.lows)
        looks = (_Attention(width, self.reach) for _ in range(self.attentions))
        self.time = nn.Sequential(*(_Residual(width, d) for d in self.dilations), *looks)
        self.heads = nn.Conv1d(2 * width, 2 * len(OUTPUTS), 1)
        assert self.heads.bias is not None
        nn.init.zeros_(self.heads.bias)
        nn.init.constant_(self.heads.bias[: len(OUTPUTS)], -3.0)
        self.mask = nn.Conv1d(2 * width, BANDS, 1) if masks else None

    @classmethod
    def context(cls) -> int:
        """Frames on each side that an output frame depends on; even."""
        return 2 * (2 * sum(cls.dilations) + cls.attentions * cls.reach) + 8

    def planes(self, spectrum: Tensor, contrast: Tensor) -> Tensor:
        """(batch, 2, frames, bands): what the front end reads of some bands, of about unit variance at RMS 0.1."""
        return torch.stack([(spectrum + 3.0) / 4.0, contrast / 2.5], dim=1)

    def encode(self, inputs: Tensor) -> Tensor:
        """(batch, 2 * width, frames): what the heads read."""
        mel, low, mel_contrast, low_contrast = torch.split(inputs, [BANDS, LOW_BANDS] * 2, dim=2)
        fine = self.front(self.planes(mel, mel_contrast), self.planes(low, low_contrast))
        coarse = self.time(functional.avg_pool1d(functional.pad(fine, (0, 1)), 2))
        coarse = coarse.repeat_interleave(2, dim=2)[:, :, : fine.shape[2]]
        return torch.cat([coarse, fine], 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of every frame; with `masks`, those of the bands' share of drums behind them."""
        seen = self.encode(inputs)
        logits = self.heads(seen)
        return (logits if self.mask is None else torch.cat([logits, self.mask(seen)], 1)).transpose(1, 2)


class AttentiveDrumNetwork(DrumNetwork):
    """Wider, with low bands, and attention over 2.6 s to each side in two layers."""

    width = 192
    widths = (32, 48, 80, 96)
    lows = (16, 24, 32)
    dilations = (1, 2, 4, 8)
    reach = 128
    attentions = 2


class RisingDrumNetwork(AttentiveDrumNetwork):
    """The same again, reading what rises instead of what sounds: power above that of the 40 ms before, beside the profile.

    Held notes leave no trace in the first plane (after SuperFlux, Böck and Widmer, DAFx 2013).
    """

    def planes(self, spectrum: Tensor, contrast: Tensor) -> Tensor:
        """(batch, 2, frames, bands): rise over the frames 2 to 4 before, with neighbouring bands; contrast with the profile."""
        before = functional.pad(spectrum, (1, 1, 4, 0), mode="replicate")[:, : spectrum.shape[1] + 2]
        before = functional.max_pool2d(before[:, None], 3, stride=1)[:, 0]
        return torch.stack([(spectrum - before) / 1.5, contrast / 2.5], dim=1)


DrumKind = Literal["convolutions", "attention", "rises"]
DRUM_NETWORKS: dict[DrumKind, type[DrumNetwork]] = {
    "convolutions": DrumNetwork,
    "attention": AttentiveDrumNetwork,
    "rises": RisingDrumNetwork,
}


class BeatNetwork(nn.Module):
    """(batch, frames, BEAT_INPUTS) → (batch, frames, BEAT_OUTPUTS): logits of beat, downbeat, and how the music is counted.

    See `beats.infer` for the order.
    """

    def __init__(self, width: int = 64, dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)) -> None:
        super().__init__()
        self.enter = nn.Conv1d(BEAT_INPUTS, width, 5, padding=2, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.time = nn.Sequential(*(_Residual(width, d, 3, 0.15) for d in dilations))
        self.heads = nn.Conv1d(width, BEAT_OUTPUTS, 1)
        assert self.heads.bias is not None
        nn.init.constant_(self.heads.bias[:2], -3.0)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of every frame."""
        x = functional.relu(self.norm(self.enter(inputs.transpose(1, 2))))
        return cast(Tensor, self.heads(self.time(x)).transpose(1, 2))
