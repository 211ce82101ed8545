"""The surface of a mesh, searched by Blender's bounding volume tree."""

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree


class TreeSurface:
    """A `SkinSurface` of vertices (V, 3) and polygons (F, 4; −1 fourth for triangles)."""

    def __init__(self, vertices: np.ndarray, polygons: np.ndarray):
        corners = [tuple(corner for corner in polygon if corner >= 0) for polygon in polygons.tolist()]
        self.tree = BVHTree.FromPolygons([tuple(point) for point in vertices.tolist()], corners)

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = [self.tree.find_nearest(Vector(point)) for point in points.tolist()]
        return np.array([hit[0] for hit in found]), np.array([hit[1] for hit in found])

    def behind(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = [self.tree.ray_cast(Vector(point), Vector((0, 0, -1))) for point in points.tolist()]
        missed = sum(hit[0] is None for hit in found)
        if missed:
            raise ValueError(f"{missed} of {len(points)} looks meet no surface; move the points before the face")
        return tuple(np.array([hit[part] for hit in found]) for part in range(3))
