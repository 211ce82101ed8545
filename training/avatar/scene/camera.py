"""The camera: where it stands, and where a point of the head is in the picture."""

from dataclasses import dataclass

import numpy as np

PICTURE_PLANE_CM = 6.0  # the plane on which `width_cm` is measured lies so far before the head's origin


@dataclass(frozen=True)
class Camera:
    """A camera that looks along −z at the head, in the face model's centimetres.

    distance_cm, height_cm: its place. width_cm: how much the square picture shows on the plane of the face.
    """

    distance_cm: float = 135.0
    height_cm: float = 1.0
    width_cm: float = 33.0

    @property
    def slope(self) -> float:
        """Width of the picture at a distance of 1 cm: twice the tangent of half the angle of view."""
        return self.width_cm / (self.distance_cm - PICTURE_PLANE_CM)

    def place(self, shift: np.ndarray) -> np.ndarray:
        """Where (3,) it stands for a person moved by `shift` (3,): a move of the person is one of the camera, reversed.

        So the background stays as it is.
        """
        return np.array([0.0, self.height_cm, self.distance_cm]) - shift

    def project(self, points: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """float32 (P, 2): points (P, 3) in the picture, 0…1 from the top left; outside of it below 0 or above 1."""
        x, y, z = (points - self.place(shift)).T
        return np.stack([0.5 - x / z / self.slope, 0.5 + y / z / self.slope], 1).astype(np.float32)
