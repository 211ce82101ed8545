"""Several speakers in one voice: what each adds inside, the global conditioning of VITS (section 2.4)."""

from collections.abc import Iterable

import torch
from torch import nn


class SpeakerBias(nn.Module):
    """What a speaker [B, speaker, 1] adds to the outputs of some convolutions: a tuple of [B, channels, 1]."""

    def __init__(self, speaker: int, convolutions: Iterable[nn.Conv1d]):
        super().__init__()
        self.convolutions = tuple(convolutions)  # a tuple, because they belong to another module
        self.sizes = [convolution.out_channels for convolution in self.convolutions]
        self.project = nn.Conv1d(speaker, sum(self.sizes), 1)
        nn.init.zeros_(self.project.weight)  # a voice that was trained alone begins as it is
        nn.init.zeros_(self.project.bias)

    def forward(self, speaker: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.project(speaker).split(self.sizes, dim=1)

    @torch.no_grad()
    def settle(self, speaker: torch.Tensor) -> None:
        """Move what the speaker [1, speaker, 1] adds into the biases of the convolutions."""
        for convolution, bias in zip(self.convolutions, self(speaker), strict=True):
            convolution.bias += bias[0, :, 0]


def biases(of: SpeakerBias | None, speaker: torch.Tensor | None, count: int) -> tuple[torch.Tensor | None, ...]:
    """What the speaker adds to each of `count` convolutions, or nothing when there is no speaker."""
    return (None,) * count if of is None or speaker is None else of(speaker)


def shifted(x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """x with a speaker's bias; exported graphs of one speaker have no operation for it."""
    return x if bias is None else x + bias
