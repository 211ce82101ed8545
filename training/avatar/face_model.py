"""The ICT-FaceKit morphable face (MIT, USC-ICT 2020) in numpy: identity, expression and head pose to vertices.

Units are about centimetres; +Y up, +Z out of the face, +X the person's left. `ict-face.npz` holds: neutral float32[V,
3]; expr_q int16[57, V, 3] × expr_scale[57] (the first 53 are the descriptor's); id_q int16[100, V, 3] × id_scale[100];
faces, face_uvs int32[F, 4] (−1 fourth for triangles); uv float32[U, 2]; part_names, part_ranges (first and last vertex,
first and last polygon); landmarks68 int32[68].
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
    """neutral (V, 3), expressions (53, V, 3) float32; faces int32 (F, 4); landmarks int32 (68,). identities (100, V, 3)
    int16 are to be multiplied by identity_scales (100,).

    parts, polygons: name → (first, last) vertex or polygon, both inclusive. names: of the 53 expressions, in the
    descriptor's order. uv (U, 2) float32: places on the texture; corners int32 (F, 4): which of them a polygon's
    corners have.
    """

    neutral: np.ndarray
    expressions: np.ndarray
    identities: np.ndarray
    identity_scales: np.ndarray
    faces: np.ndarray
    landmarks: np.ndarray
    parts: dict[str, tuple[int, int]]
    names: list[str]
    polygons: dict[str, tuple[int, int]]
    uv: np.ndarray
    corners: np.ndarray

    @staticmethod
    def read(path: Path) -> "FaceModel":
        with np.load(path, allow_pickle=False) as data:

            def ranges(first: int) -> dict[str, tuple[int, int]]:
                rows = zip(data["part_names"], data["part_ranges"], strict=True)
                return {str(name): (int(row[first]), int(row[first + 1])) for name, row in rows}

            return FaceModel(
                data["neutral"].astype(np.float32),
                data["expr_q"][:EXPRESSIONS].astype(np.float32) * data["expr_scale"][:EXPRESSIONS, None, None],
                data["id_q"],
                data["id_scale"],
                data["faces"],
                data["landmarks68"],
                ranges(0),
                [str(name) for name in data["expr_names"][:EXPRESSIONS]],
                ranges(2),
                data["uv"],
                data["face_uvs"],
            )

    def part(self, name: str) -> np.ndarray:
        """Vertex numbers of a part, such as `face` or `iris_l`."""
        first, last = self.parts[name]
        return np.arange(first, last + 1)

    def part_faces(self, *names: str) -> np.ndarray:
        """The polygons int32 (F', 4) of these parts."""
        return self.faces[self._polygons(names)]

    def part_corners(self, *names: str) -> np.ndarray:
        """Texture places (F', 4) of the corners of these parts' polygons, as indices into `uv`."""
        return self.corners[self._polygons(names)]

    def _polygons(self, names: tuple[str, ...]) -> np.ndarray:
        return np.concatenate([np.arange(self.polygons[name][0], self.polygons[name][1] + 1) for name in names])

    def vertex_uv(self, part: str) -> np.ndarray:
        """float32 (V, 2): the texture place of every vertex of a part, NaN for all others."""
        places = np.full((len(self.neutral), 2), np.nan, np.float32)
        faces, corners = self.part_faces(part), self.part_corners(part)
        real = faces >= 0
        places[faces[real]] = self.uv[corners[real]]
        return places

    def identity(self, coefficients: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) of a person with these (up to 100) standard normal coefficients."""
        count = len(coefficients)
        # In this order of multiplying, because hair amplifies rounding: strands part at the ears by 1e-6 cm.
        scaled = np.asarray(coefficients, np.float32) * self.identity_scales[:count]
        return self.neutral + np.tensordot(scaled, self.identities[:count].astype(np.float32), 1)

    def expression(self, weights: np.ndarray) -> np.ndarray:
        """What 53 weights add to the vertices, float32 (V, 3)."""
        return (np.asarray(weights, np.float32) @ self.expressions.reshape(EXPRESSIONS, -1)).reshape(-1, 3)

    def weights(self, presets: dict[str, float]) -> np.ndarray:
        """float32[53] of named weights; a name without _L or _R sets both sides."""
        row = np.zeros(EXPRESSIONS, np.float32)
        for preset, value in presets.items():
            for index, name in enumerate(self.names):
                if name in (preset, preset + "_L", preset + "_R"):
                    row[index] += value
        return row

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Unit normals float64 (V, 3), area-weighted means of the adjoining polygons."""
        a, b, c, d = self.faces.T
        triangle = d < 0
        across = vertices[np.where(triangle, a, d)] - vertices[b]
        across[triangle] = vertices[c[triangle]] - vertices[a[triangle]]
        along = np.where(triangle[:, None], vertices[b] - vertices[a], vertices[c] - vertices[a])
        area = np.cross(along, across).astype(np.float64)  # (F, 3)
        sums = np.zeros(vertices.shape)
        for corner in (a, b, c, d):
            np.add.at(sums, corner[corner >= 0], area[corner >= 0])
        return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)

    @cached_property
    def neck_weight(self) -> np.ndarray:
        """(V,) 1 where a vertex turns with the head, 0 where it stays with the torso."""
        height = self.neutral[:, 1] + 0.35 * self.neutral[:, 2]
        t = np.clip((height - TORSO_END) / (HEAD_START - TORSO_END), 0, 1)
        return t * t * (3 - 2 * t)


def body_motion(neck_weight: np.ndarray, follow: float, breath: float) -> tuple[np.ndarray, np.ndarray]:
    """How vertices of this neck weight (V,) turn with the head and rise with the body, where the shoulders take over
    `follow` of the head's rotation and rise by `breath` more than the head.
    """
    return follow + (1 - follow) * neck_weight, breath * (1 - neck_weight)


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
