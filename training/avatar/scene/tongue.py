"""Where the tongue is, which no descriptor says: it is read off the lips and the jaw.

The tip rises behind the upper teeth when the lips are parted more than the jaw (/l t d n/), and comes out between the
teeth when the lower lip gives way still more (/th/). It stays down for open vowels, for rounded and for spread lips.
These are rules of thumb: lips alone do not tell /l/ from /k/. Units are cm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.shaping import smooth

# The tongue is a patch of its own on the texture that it shares with the gums.
TEXTURE_FROM_U, TEXTURE_BELOW_V = 2.6, 0.67
ROOT_Z, TIP_Z = 5.8, 9.75  # it bends between them
RISE_CM = 1.0  # from rest to the ridge behind the upper teeth
JAW_DROP_CM = 2.7  # how far an open jaw takes the tip down, which rising makes up for
OUT_CM = 1.15
OUT_RISE_CM = 0.55
OUT_THICKNESS = 0.55  # of the tip between the teeth, as a part of what it is at rest
MIDDLE_Y = -4.0  # of the tip


def _both(names: Sequence[str], weights: np.ndarray, name: str) -> float:
    """The mean of a weight's left and right side."""
    sides = [index for index, other in enumerate(names) if other in (name, name + "_L", name + "_R")]
    return float(weights[sides].mean())


def tongue_pose(names: Sequence[str], weights: np.ndarray) -> tuple[float, float]:
    """How far the tip is up and out, 0…1 each, for 53 expression weights."""
    jaw, lower, wide, round_lips = (
        _both(names, weights, "jawOpen"),
        _both(names, weights, "mouthLowerDown"),
        _both(names, weights, "mouthStretch"),
        _both(names, weights, "mouthFunnel") + _both(names, weights, "mouthPucker"),
    )
    parted = smooth(0.05, 0.10, jaw) * smooth(0.10, 0.20, lower)
    relaxed = (1 - smooth(0.16, 0.28, wide)) * (1 - smooth(0.12, 0.30, round_lips))
    up = parted * relaxed * smooth(-0.10, 0.02, lower - jaw)
    out = up * smooth(0.28, 0.34, lower) * smooth(0.10, 0.17, lower - jaw)
    return float(up), float(out)


@dataclass(frozen=True)
class Tongue:
    """vertices int (T,): those of the tongue. share (T,): 0 at the root, 1 at the tip. rest (T, 3)."""

    vertices: np.ndarray
    share: np.ndarray
    rest: np.ndarray

    @staticmethod
    def of(model: FaceModel) -> "Tongue":
        u, v = model.vertex_uv("gums_tongue").T
        with np.errstate(invalid="ignore"):
            vertices = np.flatnonzero((u > TEXTURE_FROM_U) & (v < TEXTURE_BELOW_V))
        rest = model.neutral[vertices]
        return Tongue(vertices, smooth(ROOT_Z, TIP_Z, rest[:, 2]), rest)

    def moved(self, names: Sequence[str], weights: np.ndarray) -> np.ndarray:
        """float32 (T, 3): what its pose adds to the vertices."""
        up, out = tongue_pose(names, weights)
        jaw = _both(names, weights, "jawOpen")
        move = np.zeros(self.rest.shape, np.float32)
        move[:, 1] = self.share * (
            up * (1 - out) * RISE_CM + out * OUT_RISE_CM + up * jaw * JAW_DROP_CM * (1 - 0.6 * out)
        )
        move[:, 1] -= self.share * out * (1 - OUT_THICKNESS) * (self.rest[:, 1] - MIDDLE_Y)
        move[:, 2] = self.share * (out * OUT_CM + 0.15 * up * (1 - out))
        return move
