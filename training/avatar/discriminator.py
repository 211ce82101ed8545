"""An adversary that sees only mouths: lips and teeth are where pixel losses leave a blur that people notice.

Mouths in the renders are free of noise, while hair, lashes and eyes are not: an adversary that saw those would teach
the renderer to draw noise.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from avatar.data import MOUTH, Region


def crop(pictures: Tensor, landmarks: Tensor, region: Region = MOUTH) -> Tensor:
    """The region of each picture: (B, 3, 256, 256) and landmarks (B, 68, 2) → (B, 3, region.height, region.width)."""
    boxes = [region.box(points) for points in landmarks.numpy()]
    return torch.stack([picture[:, rows, columns] for picture, (rows, columns) in zip(pictures, boxes, strict=True)])


class MouthDiscriminator(nn.Module):
    """mouths (B, 3, 48, 64) in 0…1 → scores (B, 1, 6, 8) of overlapping patches, positive for true ones."""

    def __init__(self, width: int = 32):
        super().__init__()
        widths = [3, width, 2 * width, 3 * width]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1)))

    def forward(self, mouths: Tensor) -> Tensor:
        return self.layers(2 * mouths - 1)


def discriminator_loss(discriminator: MouthDiscriminator, true: Tensor, drawn: Tensor) -> Tensor:
    """Hinge loss: true patches above 1, drawn ones below −1."""
    return F.relu(1 - discriminator(true)).mean() + F.relu(1 + discriminator(drawn.detach())).mean()


def deceive_loss(discriminator: MouthDiscriminator, drawn: Tensor) -> Tensor:
    """What the renderer minimizes."""
    return -discriminator(drawn).mean()
