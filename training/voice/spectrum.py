"""Spectrograms on the voice's frame grid: frame t is centred on samples t*256 … t*256+255."""

import numpy as np
import torch
from torch import nn

SAMPLE_RATE_HZ = 16_000
FFT = 1024
HOP = 256
BINS = FFT // 2 + 1
MELS = 80
FLOOR = 1e-4


def magnitude(audio: torch.Tensor, fft: int, hop: int, window: torch.Tensor) -> torch.Tensor:
    """Magnitude spectrogram without padding: audio float[B, S] → [B, fft/2+1, (S - fft)//hop + 1]."""
    spectrum = torch.stft(audio, fft, hop, window=window, center=False, return_complex=True)
    return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-9)


def mel_filters(bins: int = MELS, fft: int = FFT, rate: int = SAMPLE_RATE_HZ) -> np.ndarray:
    """Triangular filters, equally spaced on the mel scale from 0 Hz to half the rate: float32[bins, fft/2+1]."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bins + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, fft // 2 + 1)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    return (filters / filters.sum(1, keepdims=True).clip(1e-8)).astype(np.float32)


class Spectrograms(nn.Module):
    """Linear and mel spectrograms of audio that brings 384 samples of context at both ends."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filters()), persistent=False)

    def linear(self, audio: torch.Tensor) -> torch.Tensor:
        """Natural log of the magnitude: float[B, T*256 + 768] → [B, 513, T]."""
        return torch.log(magnitude(audio, FFT, HOP, self.window) + 1e-2)

    def mel(self, audio: torch.Tensor) -> torch.Tensor:
        """Natural log mel spectrogram: float[B, T*256 + 768] → [B, 80, T]."""
        return torch.log((self.filters @ magnitude(audio, FFT, HOP, self.window)).clamp(min=FLOOR))
