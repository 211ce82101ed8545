"""Discriminators: by period (HiFi-GAN, section 2.3) and by spectrogram at several resolutions (UnivNet, 2106.07889)."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

SLOPE = 0.1
PERIODS = (2, 3, 5, 7, 11)
FFTS = (512, 1024, 256)
Judgement = tuple[torch.Tensor, list[torch.Tensor]]


class PeriodDiscriminator(nn.Module):
    """Folds audio [B, 1, S] into rows of one period and convolves along time only."""

    def __init__(self, period: int, channels: tuple[int, ...]):
        super().__init__()
        self.period = period
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0))) for a, b in zip((1, *channels), channels, strict=False)
        )
        self.post = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: torch.Tensor) -> Judgement:
        audio = F.pad(audio, (0, -audio.shape[-1] % self.period), mode="reflect")
        return _judge(audio.view(len(audio), 1, -1, self.period), self.layers, self.post)


class SpectrumDiscriminator(nn.Module):
    """Convolves over the magnitude spectrogram of audio [B, 1, S]."""

    def __init__(self, fft: int, hop: int, channels: int):
        super().__init__()
        self.fft, self.hop = fft, hop
        self.register_buffer("window", torch.hann_window(fft), persistent=False)
        strides = ((2, 1), (2, 1), (2, 1), (2, 1), (1, 1))
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(1 if i == 0 else channels, channels, (9, 3), stride, (4, 1)))
            for i, stride in enumerate(strides)
        )
        self.post = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, audio: torch.Tensor) -> Judgement:
        spectrum = torch.stft(
            audio.squeeze(1).float(), self.fft, self.hop, window=self.window, return_complex=True
        ).abs()
        return _judge(spectrum[:, None], self.layers, self.post)


class Discriminators(nn.Module):
    """All of them; audio [B, 1, S] → a judgement (scores, features of every layer) of each member of the jury."""

    def __init__(self, period_channels: tuple[int, ...] = (16, 64, 128, 256), spectrum_channels: int = 16):
        super().__init__()
        self.members = nn.ModuleList(
            [
                *(PeriodDiscriminator(period, period_channels) for period in PERIODS),
                *(SpectrumDiscriminator(fft, fft // 4, spectrum_channels) for fft in FFTS),
            ]
        )

    def forward(self, audio: torch.Tensor, jury: list[int]) -> list[Judgement]:
        return [self.members[i](audio) for i in jury]

    @staticmethod
    def jury(step: int) -> list[int]:
        """The members that judge at this step: half of them, in turn, for half of the cost."""
        periods, spectra = len(PERIODS), len(FFTS)
        return [(2 * step) % periods, (2 * step + 1) % periods, (2 * step + 2) % periods, periods + step % spectra]


def _judge(x: torch.Tensor, layers: nn.ModuleList, post: nn.Module) -> Judgement:
    features = []
    for layer in layers:
        x = F.leaky_relu(layer(x), SLOPE)
        features.append(x)
    return post(x), features
