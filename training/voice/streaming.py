"""The network of the filter decoder, piece by piece: what its layers remember of one piece goes into the next, so that
nothing is computed twice and the pieces join to what the whole sequence gives.

A layer that sees `reach` columns to each side gives its first column when it has seen `reach` more, so the filters come
a little later than the latents that they are made of. The very ends are padded with zeros, as in training.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from voice.decoder import SLOPE, ResidualBlock
from voice.filter_decoder import RATE, FilterDecoder


class Stream:
    """One piece on its way through the layers. `edges` int64[2]: whether it is the first, and the last one. Layers take
    what they remember in order, [1, C, any length]; without it they begin, and `begun` gets what they began with."""

    def __init__(self, edges: torch.Tensor, remembered: list[torch.Tensor]):
        self.first, self.last = edges[0], edges[1]
        self.remembered: Iterator[torch.Tensor] = iter(remembered)
        self.begun: list[torch.Tensor] = []
        self.kept: list[torch.Tensor] = []

    def recall(self, channels: int, begin: int) -> torch.Tensor:
        """What a layer remembers: zeros before the first piece."""
        before = next(self.remembered, None)
        if before is not None:
            return before
        self.begun.append(torch.zeros(1, channels, begin))
        return self.begun[-1]

    def widen(self, x: torch.Tensor, convolution: nn.Conv1d) -> torch.Tensor:
        """x behind what a convolution still needs of the columns before, with zeros at the end of the sequence."""
        channels, reach = convolution.in_channels, reach_of(convolution)
        after = torch.zeros(1, channels, reach)[:, :, : reach * self.last]
        x = torch.cat([self.recall(channels, reach), x, after], dim=2)
        self.kept.append(x[:, :, -2 * reach :])
        return x

    def convolve(self, convolution: nn.Conv1d, x: torch.Tensor) -> torch.Tensor:
        return without_padding(convolution, self.widen(x, convolution))

    def pass_block(self, block: ResidualBlock, x: torch.Tensor) -> torch.Tensor:
        for convolution in block.convolutions:
            reach = reach_of(convolution)
            x = self.widen(x, convolution)
            x = x[:, :, reach:-reach] + without_padding(convolution, F.leaky_relu(x, SLOPE))
        return x

    def mean(self, blocks: nn.ModuleList, x: torch.Tensor) -> torch.Tensor:
        """Mean of blocks side by side; the last one sees furthest, and the others' columns wait for it."""
        *early, late = [self.pass_block(block, x) for block in blocks]
        total: torch.Tensor | float = 0.0
        for block, part in zip(blocks, early, strict=False):
            joined = torch.cat([self.recall(block.convolutions[-1].out_channels, 0), part], dim=2)
            self.kept.append(joined[:, :, late.shape[2] :])
            total = total + joined[:, :, : late.shape[2]]
        return (total + late) / len(blocks)

    def upsample(self, up: nn.ConvTranspose1d, x: torch.Tensor) -> torch.Tensor:
        """Columns that a further input would add to wait for it; those of the padding are cut off at the ends."""
        x = torch.cat([self.recall(up.in_channels, 0), x], dim=2)
        self.kept.append(x[:, :, -1:])
        full = F.conv_transpose1d(x, up.weight, up.bias, stride=RATE)
        spare = RATE - RATE // 2
        return full[:, :, RATE - spare * self.first : spare * self.last - RATE]


def reach_of(convolution: nn.Conv1d) -> int:
    """Columns to each side that a convolution sees."""
    return convolution.dilation[0] * (convolution.kernel_size[0] - 1) // 2


def without_padding(convolution: nn.Conv1d, x: torch.Tensor) -> torch.Tensor:
    return F.conv1d(x, convolution.weight, convolution.bias, dilation=convolution.dilation)


class StreamingFilters(nn.Module):
    """`FilterDecoder.filters` piece by piece: latent [1, C, T], edges int64[2] (first, last piece) and what the layers
    remember → filters [1, 2 * BANDS, F], and what they remember then. Over all pieces F adds up to T * 4."""

    def __init__(self, decoder: FilterDecoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, latent: torch.Tensor, edges: torch.Tensor, *remembered: torch.Tensor) -> tuple[torch.Tensor, ...]:
        stream = Stream(edges, list(remembered))
        return (self.run(stream, latent), *stream.kept)

    def run(self, stream: Stream, latent: torch.Tensor) -> torch.Tensor:
        decoder = self.decoder
        x = stream.convolve(decoder.pre, latent)
        x = stream.mean(decoder.frames, x)
        x = stream.upsample(decoder.up, F.leaky_relu(x, SLOPE))
        x = stream.mean(decoder.blocks, x)
        return stream.convolve(decoder.post, F.leaky_relu(x, SLOPE)).float().clamp(max=5.0)

    def nothing(self, latent: torch.Tensor) -> list[torch.Tensor]:
        """What the layers remember before the first piece."""
        stream = Stream(torch.ones(2, dtype=torch.long), [])
        self.run(stream, latent)
        return stream.begun

    def lookahead(self, latent: torch.Tensor) -> int:
        """Frames of latent that a frame's filters wait for; `latent` is longer than that."""
        filters, *_ = self(latent, torch.tensor([1, 0]))
        return -((filters.shape[2] - latent.shape[2] * RATE) // RATE)
