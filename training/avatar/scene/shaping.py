"""Small numpy tools that all of the scene's geometry is made with."""

from itertools import pairwise

import numpy as np


def smooth(start: float, end: float, x: np.ndarray | float) -> np.ndarray:
    """0 at `start`, 1 at `end` (which may be the lower one), flat at both and smooth between."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) scaled to length 1; a vector of zeros stays one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def triangles(polygons: np.ndarray) -> np.ndarray:
    """int32 (T, 3): polygons (F, 4) cut into triangles; a fourth corner of −1 marks one that is a triangle already."""
    quads = polygons[polygons[:, 3] >= 0]
    return np.concatenate([polygons[:, :3], quads[:, [0, 2, 3]]])


def polyline(points: np.ndarray, steps: int) -> np.ndarray:
    """(S, 3) points on the straight lines between points (N, 3), `steps` on each, ends included."""
    share = np.linspace(0, 1, steps)[:, None]
    return np.concatenate([a + (b - a) * share for a, b in pairwise(points)])


def distance_to(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(P,): how far each of points (P, D) is from the nearest of line (S, D)."""
    return np.sqrt(((points[:, None] - line[None]) ** 2).sum(2)).min(1)


def quad_grid(rows: int, columns: int) -> np.ndarray:
    """int (Q, 4): the polygons between rows of points, each row a closed ring of `columns`."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    here, beside = row * columns + column, row * columns + (column + 1) % columns
    return np.stack([here, beside, beside + columns, here + columns], -1).reshape(-1, 4)[:, ::-1]
