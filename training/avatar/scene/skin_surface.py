"""What growing hair and dressing need to know about a body: where its surface is."""

from typing import Protocol

import numpy as np


class NearSurface(Protocol):
    """The surface of a mesh, in the face model's centimetres. Normals have length 1 and point outwards."""

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (P, 3) on the surface nearest to points (P, 3), and the normals (P, 3) there."""
        ...


class SkinSurface(NearSurface, Protocol):
    """One that can also be looked at."""

    def behind(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a look from points (P, 3) along −z meets: positions (P, 3), normals (P, 3), polygon numbers int (P,).

        Raises ValueError when a look meets nothing.
        """
        ...


def height_above(points: np.ndarray, position: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(P,) cm of points above their nearest surface position; negative inside of the body."""
    return ((points - position) * normal).sum(1)
