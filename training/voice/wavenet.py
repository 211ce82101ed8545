"""The non-causal WaveNet stack of the posterior encoder and the flow (VITS appendix B, after WaveGlow)."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from voice.masks import masked


class WaveNet(nn.Module):
    """Gated residual convolutions [B, channels, T] → the same; one side sees `layers * (kernel - 1) / 2` frames."""

    def __init__(self, channels: int, kernel: int, layers: int):
        super().__init__()
        self.gates = nn.ModuleList(
            weight_norm(nn.Conv1d(channels, 2 * channels, kernel, padding=kernel // 2)) for _ in range(layers)
        )
        outputs = [2 * channels] * (layers - 1) + [channels]  # the last layer has no residual to pass on
        self.channels = channels
        self.mixes = nn.ModuleList(weight_norm(nn.Conv1d(channels, out, 1)) for out in outputs)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        skip: torch.Tensor | float = 0.0
        for gate, mix in zip(self.gates[:-1], self.mixes[:-1], strict=True):
            residual, out = mix(self._gated(gate(x))).split(self.channels, dim=1)
            x, skip = masked(x + residual, mask), skip + out
        return masked(skip + self.mixes[-1](self._gated(self.gates[-1](x))), mask)

    def _gated(self, x: torch.Tensor) -> torch.Tensor:
        # A fixed size: an exported chunk would work out its size in every run.
        a, b = x.split(self.channels, dim=1)
        return torch.tanh(a) * torch.sigmoid(b)
