"""The prior's normalizing flow: mean-only affine couplings, volume preserving (VITS section 2.1.3, 2.5.3)."""

import torch
from torch import nn

from voice.masks import masked
from voice.wavenet import WaveNet


class Coupling(nn.Module):
    """Shifts one half of the channels by a function of the other half."""

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int, speaker: int = 0):
        super().__init__()
        self.half = channels // 2
        self.pre = nn.Conv1d(self.half, hidden, 1)
        self.body = WaveNet(hidden, kernel, layers, speaker)
        self.post = nn.Conv1d(hidden, self.half, 1)
        nn.init.zeros_(self.post.weight)  # starts as the identity
        nn.init.zeros_(self.post.bias)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None, sign: float, speaker: torch.Tensor | None = None
    ) -> torch.Tensor:
        kept, moved = x.split(self.half, dim=1)
        mean = masked(self.post(self.body(masked(self.pre(kept), mask), mask, speaker)), mask)
        return torch.cat([kept, moved + sign * mean], dim=1)


class Flow(nn.Module):
    """Latent z [B, C, T] ↔ prior space z_p [B, C, T]; its Jacobian determinant is 1."""

    def __init__(
        self, channels: int, hidden: int, kernel: int = 5, layers: int = 4, couplings: int = 4, speaker: int = 0
    ):
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(channels, hidden, kernel, layers, speaker) for _ in range(couplings))

    def forward(self, z: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None = None) -> torch.Tensor:
        for coupling in self.couplings:
            z = coupling(z, mask, 1.0, speaker).flip(1)
        return z

    def inverse(self, prior: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Prior space → latent, what synthesis uses, of a voice of one speaker."""
        for coupling in reversed(self.couplings):
            prior = coupling(prior.flip(1), mask, -1.0)
        return prior
