"""The decoder's excitation: a pulse train that follows the pitch, and noise.

A small decoder that must invent the phase of every harmonic from a latent of 62.5 frames a second buzzes at the frame
rate until it has trained for very long. Given the harmonics it only has to shape them, as in neural source-filter
models (Wang et al. 2019, arXiv 1810.11946) and Period VITS (Shirahata et al. 2023, arXiv 2210.15964), section 3.2.
"""

from collections.abc import Callable

import torch
from torch.nn import functional as F

SAMPLE_RATE_HZ = 16_000
HOP = 256
CHANNELS = 2  # pulses, noise
PULSE_GAIN = 0.25  # of pulses of unit power, whose height is the root of the period in samples


def per_sample(frames: torch.Tensor) -> torch.Tensor:
    """Straight lines between the frames' centres, level before the first and after the last: [B, T] → [B, T*256]."""
    return F.interpolate(frames[:, None], scale_factor=HOP, mode="linear", align_corners=False)[:, 0]


def excite(
    log_pitch: torch.Tensor,
    voiced: torch.Tensor,
    phase: torch.Tensor,
    noise: torch.Tensor,
    per_sample: Callable[[torch.Tensor], torch.Tensor] = per_sample,
) -> torch.Tensor:
    """Source float32[B, 2, T*256] of a pitch contour.

    log_pitch float32[B, T]: natural logarithm of Hz. voiced float32[B, T]: 0 or 1. phase float64[B]: cycles before the
    first sample. noise float32[B, T*256] of unit variance. `per_sample` draws the lines.
    """
    step = per_sample(log_pitch).double().exp() / SAMPLE_RATE_HZ  # cycles a sample
    turns = phase[:, None] + step.cumsum(1)
    amplitude = per_sample(voiced)
    fraction = turns - turns.floor()
    begun = (turns.floor() - (turns - step).floor() > 0).double()  # a period begins within this sample
    since = (fraction / step).clamp(max=1.0) * begun  # samples since it began
    height = begun * (PULSE_GAIN * step.rsqrt())
    # a pulse between two samples is shared by both
    pulses = height * (1 - since) + F.pad((height * since)[:, 1:], (0, 1))
    return torch.stack([(pulses * amplitude).float(), noise], dim=1)
