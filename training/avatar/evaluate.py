"""Measures a renderer on the noise-free frames that it was not trained on."""

import math

import numpy as np
import torch
from torch import Tensor

from avatar.data import EYES, MOUTH, NEUTRAL, Portraits, to_float
from avatar.losses import luma, structural_similarity


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in 0…1, in dB."""
    return -10 * math.log10(max(float((a - b).square().mean()), 1e-10))


@torch.no_grad()
def measure(model, portraits: Portraits) -> dict[str, float]:
    """Mean PSNR in dB (whole, mouth box, eye boxes) and SSIM, drawing each frame from the neutral portrait."""
    portrait = to_float(portraits.pictures[NEUTRAL])[None]
    features = model.source(portrait)
    rows = []
    for number, picture in zip(*portraits.held_out(), strict=True):
        motion = portraits.motion[number][None, None]
        ours, true = model.render(motion, portrait, features).picture.clamp(0, 1), to_float(picture)[None]
        inside = [
            psnr(ours[..., r, c], true[..., r, c])
            for r, c in (x.box(portraits.landmarks[number]) for x in (MOUTH, *EYES))
        ]
        rows.append(
            (
                psnr(ours, true),
                inside[0],
                (inside[1] + inside[2]) / 2,
                float(structural_similarity(luma(ours), luma(true)).mean()),
            )
        )
    return dict(zip(("psnr", "mouth", "eyes", "ssim"), (float(x) for x in np.mean(rows, 0)), strict=True))
