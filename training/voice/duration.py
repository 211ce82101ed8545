"""Stochastic duration predictor (VITS section 2.2.2, appendix B): a flow over durations, made continuous by variational
dequantization and widened by variational augmentation, so that the same text gets different rhythms."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from voice.masks import masked
from voice.speakers import SpeakerBias, biases, shifted
from voice.splines import rational_quadratic

BINS = 10


class DilatedStack(nn.Module):
    """Dilated, depth-separable residual convolutions [B, C, P] → [B, C, P]."""

    def __init__(self, channels: int, kernel: int = 3, layers: int = 3):
        super().__init__()
        dilations = [kernel**i for i in range(layers)]
        self.depthwise = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, groups=channels, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )
        self.pointwise = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in dilations)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2 * layers))

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None, condition: torch.Tensor | None = None
    ) -> torch.Tensor:
        if condition is not None:
            x = x + condition
        for i, (depthwise, pointwise) in enumerate(zip(self.depthwise, self.pointwise, strict=True)):
            # channels last, where norms and products of matrices need them
            y = F.gelu(self.norms[2 * i](depthwise(masked(x, mask)).transpose(1, 2)))
            y = F.linear(y, pointwise.weight[:, :, 0], pointwise.bias)
            x = x + F.gelu(self.norms[2 * i + 1](y)).transpose(1, 2)
        return masked(x, mask)


class Affine(nn.Module):
    """Elementwise scale and shift of [B, C, P]."""

    def __init__(self, channels: int):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels, 1))
        self.log_scale = nn.Parameter(torch.zeros(channels, 1))

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return (self.shift + self.log_scale.exp() * x) * mask, (self.log_scale * mask).sum((1, 2))

    def inverse_first(self, y: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """The first channel of x from that of y: [B, 1, P] → the same."""
        return masked((y - self.shift[:1]) * torch.exp(-self.log_scale[:1]), mask)


class SplineCoupling(nn.Module):
    """Moves the second of two channels by a spline whose shape comes from the first one and the text."""

    def __init__(self, hidden: int):
        super().__init__()
        self.pre = nn.Conv1d(1, hidden, 1)
        self.body = DilatedStack(hidden)
        self.shape = nn.Conv1d(hidden, 3 * BINS - 1, 1)
        self.scale = hidden**-0.5
        nn.init.zeros_(self.shape.weight)
        nn.init.zeros_(self.shape.bias)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        kept, moved = x.split(1, dim=1)
        y, log_slope = self._move(kept, moved, mask, condition, inverse=False)
        return torch.cat([masked(kept, mask), y], dim=1), (log_slope * mask).sum((1, 2))

    def inverse(
        self, kept: torch.Tensor, moved: torch.Tensor, mask: torch.Tensor | None, condition: torch.Tensor
    ) -> torch.Tensor:
        """The second channel moved back; each is [B, 1, P]."""
        return self._move(kept, moved, mask, condition, inverse=True)[0]

    def _move(
        self,
        kept: torch.Tensor,
        moved: torch.Tensor,
        mask: torch.Tensor | None,
        condition: torch.Tensor,
        inverse: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        shape = masked(self.shape(self.body(self.pre(kept), mask, condition)), mask).transpose(1, 2)[
            :, None
        ]  # [B, 1, P, 29]
        widths, heights, slopes = shape.split([BINS, BINS, BINS - 1], dim=-1)
        moved, log_slope = rational_quadratic(moved, widths * self.scale, heights * self.scale, slopes, inverse=inverse)
        return masked(moved, mask), log_slope


class DurationPredictor(nn.Module):
    """p(durations | text). `loss` is for training, `sample` draws log durations."""

    def __init__(self, channels: int, hidden: int, couplings: int = 4, speaker: int = 0):
        super().__init__()
        self.text = nn.Sequential(nn.Conv1d(channels, hidden, 1))
        self.text_body = DilatedStack(hidden)
        self.text_out = nn.Conv1d(hidden, hidden, 1)
        self.prior = nn.ModuleList([Affine(2), *(SplineCoupling(hidden) for _ in range(couplings))])
        self.duration = nn.Conv1d(1, hidden, 1)
        self.duration_body = DilatedStack(hidden)
        self.duration_out = nn.Conv1d(hidden, hidden, 1)
        self.posterior = nn.ModuleList([Affine(2), *(SplineCoupling(hidden) for _ in range(couplings))])
        self.speaker = SpeakerBias(speaker, self.text) if speaker else None

    def condition(
        self, hidden: torch.Tensor, mask: torch.Tensor | None, speaker: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Text encoder output [B, channels, P] → what the flows are conditioned on [B, hidden, P]."""
        (bias,) = biases(self.speaker, speaker, 1)
        return masked(self.text_out(self.text_body(shifted(self.text(hidden), bias), mask)), mask)

    def loss(
        self, hidden: torch.Tensor, mask: torch.Tensor, durations: torch.Tensor, speaker: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Upper bound of the negative log-likelihood of durations float[B, 1, P] (frames), one number per utterance."""
        text = self.condition(hidden, mask, speaker)
        known = self.duration_out(self.duration_body(self.duration(durations), mask)) * mask

        noise = torch.randn(durations.shape[0], 2, durations.shape[2], device=durations.device) * mask
        z, posterior_log_det = noise, 0.0
        for flow in self.posterior:
            z, log_det = flow(z, mask, text + known)
            z = z.flip(1) if isinstance(flow, SplineCoupling) else z
            posterior_log_det = posterior_log_det + log_det
        u, augmented = z.split(1, dim=1)
        posterior_log_det = posterior_log_det + ((F.logsigmoid(u) + F.logsigmoid(-u)) * mask).sum((1, 2))
        log_q = (-0.5 * (math.log(2 * math.pi) + noise**2) * mask).sum((1, 2)) - posterior_log_det

        continuous = ((durations - torch.sigmoid(u)) * mask).clamp(min=1e-5)  # dequantized to d - u in (d - 1, d)
        logarithm = torch.log(continuous) * mask
        prior_log_det = -logarithm.sum((1, 2))
        z = torch.cat([logarithm, augmented], dim=1)
        for flow in self.prior:
            z, log_det = flow(z, mask, text)
            z = z.flip(1) if isinstance(flow, SplineCoupling) else z
            prior_log_det = prior_log_det + log_det
        nll = (0.5 * (math.log(2 * math.pi) + z**2) * mask).sum((1, 2)) - prior_log_det
        return nll + log_q

    def sample(self, hidden: torch.Tensor, mask: torch.Tensor | None, noise: torch.Tensor) -> torch.Tensor:
        """Draw log durations [B, 1, P] (natural log of frames) from noise float[B, 2, P]."""
        text = self.condition(hidden, mask)
        affine, _, *rest = self.prior
        # The first coupling moves only the augmented channel, which synthesis throws away.
        moved, kept = noise.split(1, dim=1)
        for flow in reversed(rest):
            kept, moved = flow.inverse(kept, moved, mask, text), kept
        return affine.inverse_first(kept, mask)
