"""The ICT-FaceKit morphable face (MIT, USC-ICT 2020) in numpy: identity, expression and head pose to vertices.

Units are about centimetres; +Y up, +Z out of the face, +X the person's left. `ict-face.npz` holds: neutral float32[V,
3]; expr_q int16[57, V, 3] × expr_scale[57] (the first 53 are the descriptor's); id_q int16[100, V, 3] × id_scale[100];
faces int32[F, 4] (−1 fourth for triangles); part_names, part_ranges (first and last vertex, …); landmarks68 int32[68].
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

EXPRESSIONS = 53
NECK_PIVOT = np.array([0.0, -6.0, -1.0], np.float32)  # the head turns about this point
TORSO_END, HEAD_START = -13.4, -5.8  # heights between which the neck takes over the head's rotation


@dataclass(frozen=True)
class FaceModel:
    """neutral (V, 3), expressions (53, V, 3), identities (100, V, 3) float32; faces int32 (F, 4); landmarks int32
    (68,).

    parts: name → (first, last) vertex, both inclusive. names: of the 53 expressions, in the descriptor's order.
    """

    neutral: np.ndarray
    expressions: np.ndarray
    identities: np.ndarray
    faces: np.ndarray
    landmarks: np.ndarray
    parts: dict[str, tuple[int, int]]
    names: list[str]

    @staticmethod
    def read(path: Path) -> "FaceModel":
        with np.load(path, allow_pickle=False) as data:

            def modes(values: str, scale: str, count: int) -> np.ndarray:
                return data[values][:count].astype(np.float32) * data[scale][:count, None, None]

            ranges = zip(data["part_names"], data["part_ranges"], strict=True)
            return FaceModel(
                data["neutral"].astype(np.float32),
                modes("expr_q", "expr_scale", EXPRESSIONS),
                modes("id_q", "id_scale", len(data["id_q"])),
                data["faces"],
                data["landmarks68"],
                {str(name): (int(row[0]), int(row[1])) for name, row in ranges},
                [str(name) for name in data["expr_names"][:EXPRESSIONS]],
            )

    def part(self, name: str) -> np.ndarray:
        """Vertex numbers of a part, such as `face` or `iris_l`."""
        first, last = self.parts[name]
        return np.arange(first, last + 1)

    def identity(self, coefficients: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) of a person with these (up to 100) standard normal coefficients."""
        return self.neutral + np.tensordot(coefficients, self.identities[: len(coefficients)], 1)

    def weights(self, presets: dict[str, float]) -> np.ndarray:
        """float32[53] of named weights; a name without _L or _R sets both sides."""
        row = np.zeros(EXPRESSIONS, np.float32)
        for preset, value in presets.items():
            for index, name in enumerate(self.names):
                if name in (preset, preset + "_L", preset + "_R"):
                    row[index] += value
        return row

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Unit normals (V, 3), area-weighted means of the adjoining polygons."""
        a, b, c, d = self.faces.T
        triangle = d < 0
        across = vertices[np.where(triangle, a, d)] - vertices[b]
        across[triangle] = vertices[c[triangle]] - vertices[a[triangle]]
        along = np.where(triangle[:, None], vertices[b] - vertices[a], vertices[c] - vertices[a])
        area = np.cross(along, across).astype(np.float64)  # (F, 3)
        sums = np.zeros(vertices.shape)
        for corner in (a, b, c, d):
            np.add.at(sums, corner[corner >= 0], area[corner >= 0])
        return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    @cached_property
    def neck_weight(self) -> np.ndarray:
        """(V,) 1 where a vertex turns with the head, 0 where it stays with the torso."""
        height = self.neutral[:, 1] + 0.35 * self.neutral[:, 2]
        t = np.clip((height - TORSO_END) / (HEAD_START - TORSO_END), 0, 1)
        return t * t * (3 - 2 * t)


def head_rotation(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes (n, 3) and angles (n,) in radians of poses (n, 3) = yaw, pitch, roll in degrees."""
    yaw, pitch, roll = np.radians(pose.astype(np.float64) * [1, -1, 1]).T
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    # Rotation about y (yaw), times about x (pitch), times about z (roll); only what axis and angle need.
    r00, r11, r22 = cy * cr + sy * sp * sr, cp * cr, cy * cp
    r21, r12 = sy * sr + cy * sp * cr, -sp
    r02, r20 = sy * cp, -sy * cr + cy * sp * sr
    r10, r01 = cp * sr, -cy * sr + sy * sp * cr
    angle = np.arccos(np.clip((r00 + r11 + r22 - 1) / 2, -1, 1))
    axis = np.stack([r21 - r12, r02 - r20, r10 - r01], 1)
    return axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-12), angle


def rotate(vectors: np.ndarray, axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Turns vectors (n, P, 3) about axes (n, 3) by angles (n, P) in radians (Rodrigues)."""
    k = axes[:, None]
    cos, sin = np.cos(angles)[..., None], np.sin(angles)[..., None]
    return vectors * cos + np.cross(k, vectors) * sin + (vectors * k).sum(-1, keepdims=True) * k * (1 - cos)
