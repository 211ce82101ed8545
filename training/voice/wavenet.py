"""The non-causal WaveNet stack of the posterior encoder and the flow (VITS appendix B, after WaveGlow)."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from voice.masks import masked
from voice.speakers import SpeakerBias, biases, shifted


class WaveNet(nn.Module):
    """Gated residual convolutions [B, channels, T] → the same; one side sees `layers * (kernel - 1) / 2` frames.

    With `speaker` channels, each layer's gate is conditioned on who speaks, [B, speaker, 1]."""

    def __init__(self, channels: int, kernel: int, layers: int, speaker: int = 0):
        super().__init__()
        self.gates = nn.ModuleList(
            weight_norm(nn.Conv1d(channels, 2 * channels, kernel, padding=kernel // 2)) for _ in range(layers)
        )
        outputs = [2 * channels] * (layers - 1) + [channels]  # the last layer has no residual to pass on
        self.channels = channels
        self.mixes = nn.ModuleList(weight_norm(nn.Conv1d(channels, out, 1)) for out in outputs)
        self.speaker = SpeakerBias(speaker, self.gates) if speaker else None

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None = None) -> torch.Tensor:
        *biases_before, last = biases(self.speaker, speaker, len(self.gates))
        skip: torch.Tensor | float = 0.0
        for gate, mix, bias in zip(self.gates[:-1], self.mixes[:-1], biases_before, strict=True):
            residual, out = mix(self._gated(shifted(gate(x), bias))).split(self.channels, dim=1)
            x, skip = masked(x + residual, mask), skip + out
        return masked(skip + self.mixes[-1](self._gated(shifted(self.gates[-1](x), last))), mask)

    def _gated(self, x: torch.Tensor) -> torch.Tensor:
        # A fixed size: an exported chunk would work out its size in every run.
        a, b = x.split(self.channels, dim=1)
        return torch.tanh(a) * torch.sigmoid(b)
