"""The surface of a mesh, searched among many points of it: near enough where Blender's tree is not at hand."""

import numpy as np
from scipy.spatial import cKDTree

from avatar.scene.shaping import triangles, unit

STEPS = 4  # points along each edge of a triangle


class SampledSurface:
    """A `NearSurface` of vertices (V, 3) with normals (V, 3) and polygons (F, 4; −1 fourth for triangles).

    Positions are those on the plane through the nearest of its points.
    """

    def __init__(self, vertices: np.ndarray, normals: np.ndarray, polygons: np.ndarray):
        shares = np.array([(a, b, STEPS - a - b) for a in range(STEPS + 1) for b in range(STEPS + 1 - a)]) / STEPS
        corners = triangles(polygons)
        self.points = np.einsum("sk,fkc->fsc", shares, vertices[corners]).reshape(-1, 3)
        self.normals = unit(np.einsum("sk,fkc->fsc", shares, normals[corners]).reshape(-1, 3))
        self.tree = cKDTree(self.points)

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, index = self.tree.query(points)
        normal = self.normals[index]
        above = ((points - self.points[index]) * normal).sum(1, keepdims=True)
        return points - normal * above, normal
