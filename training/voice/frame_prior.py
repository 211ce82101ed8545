"""From symbols to frames: what the flow's prior expects of every frame, and its pitch.

VITS holds the prior still within a symbol; the frame prior network of Period VITS (Shirahata et al. 2023, arXiv
2210.15964, section 3.1) lets it move, and predicts the pitch beside it.
"""

import torch
from torch import nn

from voice.masks import masked
from voice.wavenet import WaveNet

PITCH_CENTRE = 4.6  # natural logarithm of 100 Hz
PLACES = 3


def places(durations: torch.Tensor, path: torch.Tensor) -> torch.Tensor:
    """Where frames lie in their symbols: durations float[B, N] in frames, path int64[B, T] → float[B, 3, T].

    The share of the symbol that has passed at the frame's centre, and the logarithm of one and the frames since its
    beginning and until its end.
    """
    ends = durations.cumsum(1)
    length, end = durations.gather(1, path).clamp(min=1), ends.gather(1, path)
    centre = torch.arange(path.shape[1], device=path.device)[None] + 0.5
    before = (centre - (end - length)).clamp(min=0)
    after = (end - centre).clamp(min=0)
    return torch.stack([before / length, torch.log1p(before), torch.log1p(after)], dim=1)


class FramePrior(nn.Module):
    """hidden [B, hidden, T] of each frame's symbol and its places [B, 3, T] → mean and log scale of the prior, each
    [B, C, T], log pitch [B, T] (natural logarithm of Hz) and the logit of being voiced [B, T]."""

    def __init__(self, channels: int, hidden: int, kernel: int = 5, layers: int = 6, speaker: int = 0):
        super().__init__()
        self.pre = nn.Conv1d(hidden + PLACES, hidden, 1)
        self.body = WaveNet(hidden, kernel, layers, speaker)
        self.project = nn.Conv1d(hidden, 2 * channels + 2, 1)
        self.channels = channels
        nn.init.zeros_(self.project.bias)

    def forward(
        self,
        hidden: torch.Tensor,
        place: torch.Tensor,
        mask: torch.Tensor | None,
        speaker: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        x = masked(self.pre(torch.cat([hidden, place], dim=1)), mask)
        out = masked(self.project(self.body(x, mask, speaker)), mask).float()
        mean, log_scale, pitch = out.split([self.channels, self.channels, 2], dim=1)
        return mean, log_scale, PITCH_CENTRE + pitch[:, 0], pitch[:, 1]
