"""Training losses (VITS sections 2.1, 2.3)."""

import torch
from torch import nn
from torch.nn import functional as F

from voice.discriminators import Judgement
from voice.spectrum import FFT, HOP, Spectrograms, magnitude

RESOLUTIONS = ((256, 64), (512, 128), (2048, 512))  # beside the 1024 of the mel loss


class ReconstructionLoss(nn.Module):
    """Mel L1 and multi-resolution log-magnitude STFT L1 of audio float[B, S] against the teacher's."""

    def __init__(self):
        super().__init__()
        self.spectrograms = Spectrograms()
        for fft, _ in RESOLUTIONS:
            self.register_buffer(f"window{fft}", torch.hann_window(fft), persistent=False)

    def forward(self, made: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        context = (FFT - HOP) // 2
        made, real = (
            F.pad(made[:, None], (context, context), "reflect")[:, 0],
            F.pad(real[:, None], (context, context), "reflect")[:, 0],
        )
        mel = F.l1_loss(self.spectrograms.mel(made), self.spectrograms.mel(real))
        stft = made.new_zeros(())
        for fft, hop in RESOLUTIONS:
            window = getattr(self, f"window{fft}")
            a, b = magnitude(made, fft, hop, window), magnitude(real, fft, hop, window)
            convergence = torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b).clamp(min=1e-3)
            stft = stft + F.l1_loss(torch.log(a + 1e-3), torch.log(b + 1e-3)) + convergence
        return mel, stft / len(RESOLUTIONS)


def kl_loss(
    prior_z: torch.Tensor,
    posterior_log_scale: torch.Tensor,
    mean: torch.Tensor,
    log_scale: torch.Tensor,
    mask: torch.Tensor,
) -> torch.Tensor:
    """KL(q(z|x) || p(z|text)) by one sample, nats per frame: equation 4. All [B, C, T] but the mask [B, 1, T]."""
    kl = log_scale - posterior_log_scale - 0.5 + 0.5 * (prior_z - mean) ** 2 * torch.exp(-2 * log_scale)
    return (kl * mask).sum() / mask.sum()


def alignment_loss(
    prior_z: torch.Tensor, mean: torch.Tensor, log_scale: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihood of z_p under each frame's symbol, nats per frame without the constant.

    It teaches the search alone: the flow and the posterior learn from the frame prior.
    """
    nll = log_scale + 0.5 * (prior_z.detach() - mean) ** 2 * torch.exp(-2 * log_scale)
    return (nll * mask).sum() / mask.sum()


def pitch_loss(
    log_pitch: torch.Tensor, voiced: torch.Tensor, wanted: torch.Tensor, wanted_voiced: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean error of the logarithm of the pitch over voiced frames, and cross entropy of voicing. All [B, T]."""
    heard = wanted_voiced * mask
    error = ((log_pitch - wanted).abs() * heard).sum() / heard.sum().clamp(min=1)
    entropy = F.binary_cross_entropy_with_logits(voiced, wanted_voiced, mask, reduction="sum") / mask.sum()
    return error, entropy


def discriminator_loss(real: list[Judgement], made: list[Judgement]) -> torch.Tensor:
    """Least squares: real audio should score 1, made audio 0."""
    pairs = zip(real, made, strict=True)
    return sum(((1 - r.float()) ** 2).mean() + (m.float() ** 2).mean() for (r, _), (m, _) in pairs)


def adversarial_loss(made: list[Judgement]) -> torch.Tensor:
    """Least squares: made audio should score 1."""
    return sum(((1 - score.float()) ** 2).mean() for score, _ in made)


def feature_loss(real: list[Judgement], made: list[Judgement]) -> torch.Tensor:
    """L1 between the features of every layer of every discriminator."""
    total = 0.0
    for (_, real_features), (_, made_features) in zip(real, made, strict=True):
        for r, m in zip(real_features, made_features, strict=True):
            total = total + (r.detach().float() - m.float()).abs().mean()
    return total
