"""A shirt: rings of points about the body, pushed outside of it, and a collar along the first. Units are cm."""

from dataclasses import dataclass

import numpy as np

from avatar.scene.shaping import quad_grid, smooth, unit
from avatar.scene.skin_surface import SkinSurface, height_above

COLUMNS = 128
# Rings below the neck opening: height, half width, half depth, centre's z, exponent of the superellipse.
TORSO_RINGS = (
    (-13.6, 9.0, 6.4, -2.2, 2.0),
    (-14.5, 11.6, 7.2, -2.2, 2.1),
    (-15.6, 14.4, 8.0, -2.2, 2.2),
    (-16.8, 16.8, 8.7, -2.1, 2.3),
    (-18.4, 18.8, 9.4, -2.0, 2.3),
    (-20.8, 20.2, 10.2, -1.8, 2.3),
    (-24.0, 21.0, 11.0, -1.6, 2.3),
    (-29.0, 21.4, 11.6, -1.5, 2.3),
    (-36.0, 21.0, 11.8, -1.5, 2.3),
    (-46.0, 20.0, 11.5, -1.5, 2.3),
)
CLEARANCE_CM, REACH_CM = 0.42, 3.5  # cloth stays so far off the skin, wherever skin is so near
PUSHES = 3
# The collar's cross-section: outwards from and up along the neck opening.
COLLAR_PROFILE = (
    (-0.22, -0.55),
    (-0.24, 0.0),
    (-0.18, 0.55),
    (0.0, 0.72),
    (0.20, 0.55),
    (0.30, 0.0),
    (0.24, -0.60),
    (0.0, -0.8),
    (-0.22, -0.55),
)


@dataclass(frozen=True)
class Garment:
    """points (P, 3) and polygons int (Q, 4), their corners counter-clockwise seen from outside."""

    points: np.ndarray
    polygons: np.ndarray

    @staticmethod
    def of_rings(rings: np.ndarray) -> "Garment":
        """Of rings (R, C, 3), each a closed loop."""
        return Garment(rings.reshape(-1, 3), quad_grid(len(rings), rings.shape[1]))


def _loft(sine: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """(11, COLUMNS, 3): the neck opening and the rings below it; the front of the opening sits lower than its back."""
    front, back = np.clip(cosine, 0, 1) ** 1.5, np.clip(-cosine, 0, 1)
    rings = [np.stack([7.4 * sine, -13.1 - 2.0 * front + 1.9 * back, 5.6 * cosine - 2.3], 1)]
    for index, (height, width, depth, centre, exponent) in enumerate(TORSO_RINGS):
        radius = (np.abs(sine) ** exponent + np.abs(cosine) ** exponent) ** (-1 / exponent)
        like_opening = 1 - smooth(0, 7, index + 1.0)
        y = height + like_opening * (-1.9 * front + 1.7 * back)
        rings.append(np.stack([width * sine * radius, y, depth * cosine * radius + centre], 1))
    return np.stack(rings)


def tailor(skin: SkinSurface) -> tuple[Garment, Garment]:
    """The torso of a crew-neck shirt and its collar, for a body with this skin."""
    angle = np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)  # 0 is the front, growing to the person's left
    sine, cosine = np.sin(angle), np.cos(angle)
    rings = _loft(sine, cosine)
    for push in range(PUSHES):
        points = rings.reshape(-1, 3)
        position, normal = skin.nearest(points)
        near = np.linalg.norm(points - position, axis=1) < REACH_CM
        lack = np.maximum(CLEARANCE_CM - height_above(points, position, normal), 0) * near
        rings = (points + lack[:, None] * normal).reshape(rings.shape)
        if push < PUSHES - 1:
            relaxed = rings.copy()
            relaxed[1:-1] = 0.5 * rings[1:-1] + 0.25 * (rings[:-2] + rings[2:])
            rings = 0.5 * relaxed + 0.25 * (np.roll(relaxed, 1, 1) + np.roll(relaxed, -1, 1))
    return Garment.of_rings(rings), Garment.of_rings(_collar(rings[0], sine, cosine))


def _collar(opening: np.ndarray, sine: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """(9, COLUMNS, 3): a flat tube swept along the opening (COLUMNS, 3), leaning inwards at its top."""
    along = unit(np.roll(opening, -1, 0) - np.roll(opening, 1, 0))
    up = np.stack([-0.30 * sine, np.ones(COLUMNS), -0.30 * cosine], 1)
    outward = unit(np.cross(along, up))
    outward *= np.sign((outward * np.stack([sine, 0 * sine, cosine], 1)).sum(1))[:, None]
    return np.stack([opening + outward * out + up * rise for out, rise in COLLAR_PROFILE])
