"""Latent and source to waveform: HiFi-GAN's generator in its small form, V3 (Kong et al. 2020, arXiv 2010.05646; VITS
section 2.5.4), with an inverse STFT in place of its last, costliest stage (iSTFTNet, Kaneko et al. 2022, arXiv
2203.02395). The source enters every stage through a strided convolution (HiFTNet, Li et al. 2023, arXiv 2309.09493)."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from voice.source import CHANNELS
from voice.speakers import SpeakerBias, biases, shifted

SLOPE = 0.1
RATES = (8, 8)
FFT, HOP = 16, 4  # of the inverse STFT: 8 * 8 * 4 = 256 samples a frame
BINS = FFT // 2 + 1
KERNELS = (3, 5, 7)
DILATIONS = ((1, 2), (2, 6), (3, 12))


class ResidualBlock(nn.Module):
    """Two dilated convolutions, each with its own shortcut: [B, C, T] → [B, C, T]."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convolutions = nn.ModuleList(
            weight_norm(nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2))
            for d in dilations
        )
        for convolution in self.convolutions:
            nn.init.normal_(convolution.parametrizations.weight.original1, 0.0, 0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions:
            x = x + convolution(F.leaky_relu(x, SLOPE))
        return x


class InverseStft(nn.Module):
    """Log magnitudes and phases (radians) [B, 2 * BINS, T] → audio [B, 1, T * HOP], overlap-added windowed sines."""

    def __init__(self):
        super().__init__()
        window = np.hanning(FFT + 1)[:FFT]
        bins = np.arange(BINS)[:, None]
        angle = 2 * np.pi * bins * np.arange(FFT)[None] / FFT
        weight = np.where((bins == 0) | (bins == FFT // 2), 1, 2) / FFT
        overlap = (window**2).sum() / HOP  # the squared windows add up to this everywhere
        basis = np.concatenate([np.cos(angle), -np.sin(angle)]) * np.concatenate([weight, weight]) * window / overlap
        self.register_buffer("basis", torch.from_numpy(basis.astype(np.float32))[:, None], persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        log_magnitude, phase = x.split(BINS, dim=1)
        magnitude = torch.exp(log_magnitude.clamp(max=5.0))
        waves = torch.cat([magnitude * torch.cos(phase), magnitude * torch.sin(phase)], dim=1)
        with torch.autocast(waves.device.type, enabled=False):
            return F.conv_transpose1d(waves, self.basis, stride=HOP, padding=(FFT - HOP) // 2)


class HifiGanDecoder(nn.Module):
    """Latent [B, C, T] and source [B, 2, S] → audio [B, 1, S], about -1…1, with S = T * product(RATES) * HOP.

    Each stage halves the channels."""

    def __init__(self, latent: int, channels: int, speaker: int = 0):
        super().__init__()
        self.pre = weight_norm(nn.Conv1d(latent, channels, 7, padding=3))
        self.speaker = SpeakerBias(speaker, [self.pre]) if speaker else None
        widths = [channels >> i for i in range(len(RATES) + 1)]
        self.ups = nn.ModuleList(
            weight_norm(nn.ConvTranspose1d(a, b, 2 * rate, rate, padding=rate // 2))
            for a, b, rate in zip(widths, widths[1:], RATES, strict=False)
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList(ResidualBlock(w, k, d) for k, d in zip(KERNELS, DILATIONS, strict=True)) for w in widths[1:]
        )
        strides = [HOP * int(np.prod(RATES[i + 1 :])) for i in range(len(RATES))]
        self.sources = nn.ModuleList(
            weight_norm(nn.Conv1d(CHANNELS, w, 4 * stride, stride, padding=stride * 3 // 2))
            for w, stride in zip(widths[1:], strides, strict=True)
        )
        self.post = weight_norm(nn.Conv1d(widths[-1], 2 * BINS, 7, padding=3))
        self.inverse_stft = InverseStft()

    def forward(self, z: torch.Tensor, source: torch.Tensor, speaker: torch.Tensor | None = None) -> torch.Tensor:
        (bias,) = biases(self.speaker, speaker, 1)
        x = shifted(self.pre(z), bias)
        for up, enter, blocks in zip(self.ups, self.sources, self.blocks, strict=True):
            x = up(F.leaky_relu(x, SLOPE)) + enter(source)
            x = sum(block(x) for block in blocks) / len(blocks)
        return self.inverse_stft(self.post(F.leaky_relu(x, SLOPE)).float())
