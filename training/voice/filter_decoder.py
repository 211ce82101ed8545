"""Latent and source to waveform: a network in HiFi-GAN's manner (Kong et al. 2020, arXiv 2010.05646) that does not draw
the waveform but the filters of pulses and noise, as in the neural homomorphic vocoder (Liu et al. 2020, Interspeech).

What a network draws freely it draws in the rhythm of its own frames until it has trained for very long: an audible
buzz. Pulses and noise that go through filters of minimum phase, like those of a vocal tract, cannot buzz.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from voice.decoder import DILATIONS, KERNELS, SLOPE, ResidualBlock
from voice.speakers import SpeakerBias, biases, shifted
from voice.spectrum import SAMPLE_RATE_HZ

RATE = 4  # filters a frame
HOP = 64  # samples a filter: 4 ms
WINDOW = 2 * HOP  # neighbouring filters fade into each other
FFT = 512  # a filter's response has FFT - WINDOW samples, 24 ms
BINS = FFT // 2 + 1
BANDS = 64  # points of a filter, equally spaced on the mel scale, with straight lines between them
QUIET = -4.0  # natural logarithm of the gain to begin with


def band_lines() -> np.ndarray:
    """What each bin takes from each band: float64[BANDS, BINS], columns add up to 1."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700), BANDS)
    centres = 700 * (10 ** (mel / 2595) - 1)
    hertz = np.linspace(0, SAMPLE_RATE_HZ / 2, BINS)
    return np.stack([np.interp(hertz, centres, row) for row in np.eye(BANDS)])


def minimum_phase() -> np.ndarray:
    """From log magnitudes to the phases (radians) of the filter of minimum phase: float64[BINS, BINS], by folding the
    cepstrum onto positive time (Oppenheim & Schafer, Discrete-Time Signal Processing, §13.5)."""
    cepstrum = np.fft.irfft(np.eye(BINS), FFT)
    fold = np.zeros(FFT)
    fold[[0, FFT // 2]], fold[1 : FFT // 2] = 1, 2
    return np.fft.rfft(cepstrum * fold).imag


def turn() -> tuple[np.ndarray, np.ndarray]:
    """One turn in FFT steps: cosine and negative sine, each float32[FFT]."""
    angle = 2 * np.pi * np.arange(FFT) / FFT
    return np.cos(angle).astype(np.float32), -np.sin(angle).astype(np.float32)


def synthesis_weights() -> np.ndarray:
    """What each row of the inverse transform of a real signal is multiplied by: float32[2 * BINS]."""
    outer = (np.arange(BINS) == 0) | (np.arange(BINS) == FFT // 2)
    return np.tile(np.where(outer, 1, 2) / FFT, 2).astype(np.float32)


def fourier_tables() -> tuple[np.ndarray, np.ndarray]:
    """Real parts, then imaginary ones, of the windowed transform and of the inverse one: float32[2 * BINS, WINDOW] and
    [2 * BINS, FFT]. Only products of single precision, which an exported graph can repeat to the bit."""
    angle = np.arange(BINS)[:, None] * np.arange(FFT)[None] % FFT
    transform = np.concatenate([part[angle] for part in turn()])
    window = np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)
    return transform[:, :WINDOW] * window, transform * synthesis_weights()[:, None]


def half_tables() -> tuple[np.ndarray, np.ndarray]:
    """The inverse transform's cosines and its negative sines up to the middle: each float32[BINS samples, BINS]."""
    _, synthesis = fourier_tables()
    return synthesis[:BINS, :BINS].T.copy(), synthesis[BINS:, :BINS].T.copy()


class SourceFilter(nn.Module):
    """Filters float[B, 2 * BANDS, T*4] (natural logarithms of gain, of pulses and of noise), source [B, 2, T*256] →
    audio [B, 1, T*256]. Every 4 ms of the source go through their own filter, and the responses add up."""

    def __init__(self):
        super().__init__()
        lines = band_lines()
        analysis, synthesis = fourier_tables()

        def constant(name: str, values: np.ndarray) -> None:
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)), persistent=False)

        constant("lines", lines.T[:, :, None].copy())
        constant("phases", (lines @ minimum_phase()).T[:, :, None].copy())
        constant("analysis", analysis[:, None])
        constant("synthesis", synthesis[:, None])

    def spectrum(self, filters: torch.Tensor, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Real and imaginary parts of the filtered source, each [B, BINS, T*4]."""
        real = imaginary = torch.zeros(())
        for bands, channel in zip(filters.split(BANDS, dim=1), source.split(1, dim=1), strict=True):
            gain = torch.exp(F.conv1d(bands, self.lines))
            phase = F.conv1d(bands, self.phases)
            spectrum = F.conv1d(channel, self.analysis, stride=HOP, padding=(WINDOW - HOP) // 2)
            a, b = gain * torch.cos(phase), gain * torch.sin(phase)
            c, d = spectrum.split(BINS, dim=1)
            real, imaginary = real + a * c - b * d, imaginary + a * d + b * c
        return real, imaginary

    def forward(self, filters: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        spectrum = torch.cat(self.spectrum(filters, source), dim=1)
        responses = F.conv_transpose1d(spectrum, self.synthesis, stride=HOP)
        early = (WINDOW - HOP) // 2
        return responses[..., early : early - FFT + HOP]


class FilterDecoder(nn.Module):
    """Latent [B, C, T] and source [B, 2, T*256] → audio [B, 1, T*256], about -1…1."""

    def __init__(self, latent: int, channels: int, speaker: int = 0):
        super().__init__()
        self.pre = weight_norm(nn.Conv1d(latent, channels, 7, padding=3))
        self.speaker = SpeakerBias(speaker, [self.pre]) if speaker else None
        self.frames = nn.ModuleList(ResidualBlock(channels, k, (1, 3)) for k in (3, 5))
        self.up = weight_norm(nn.ConvTranspose1d(channels, channels * 2 // 3, 2 * RATE, RATE, padding=RATE // 2))
        self.blocks = nn.ModuleList(
            ResidualBlock(channels * 2 // 3, k, d) for k, d in zip(KERNELS, DILATIONS, strict=True)
        )
        self.post = nn.Conv1d(channels * 2 // 3, 2 * BANDS, 7, padding=3)
        nn.init.normal_(self.post.weight, 0.0, 0.01)
        nn.init.constant_(self.post.bias, QUIET)
        self.filter = SourceFilter()

    def filters(self, z: torch.Tensor, speaker: torch.Tensor | None = None) -> torch.Tensor:
        """Latent [B, C, T] → filters [B, 2 * BANDS, T*4], natural logarithms of gain."""
        (bias,) = biases(self.speaker, speaker, 1)
        x = shifted(self.pre(z), bias)
        x = sum(block(x) for block in self.frames) / len(self.frames)
        x = self.up(F.leaky_relu(x, SLOPE))
        x = sum(block(x) for block in self.blocks) / len(self.blocks)
        return self.post(F.leaky_relu(x, SLOPE)).float().clamp(max=5.0)

    def forward(self, z: torch.Tensor, source: torch.Tensor, speaker: torch.Tensor | None = None) -> torch.Tensor:
        filters = self.filters(z, speaker)
        with torch.autocast(filters.device.type, enabled=False):
            return self.filter(filters, source)
