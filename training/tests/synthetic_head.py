"""A face model made of an egg: every part, landmark and expression of `ict-face.npz` in a few thousand vertices.

With it the scene's rules run, and Blender renders, where the real model is not at hand. Units are cm, as there.
"""

from pathlib import Path

import numpy as np

from motion.space import EXPRESSIONS

EYES = {"l": 3.2, "r": -3.2}  # x of the eyes; left is the person's
EYE_Y, MOUTH_Y = 2.5, -3.2
AZIMUTHS, ELEVATIONS = 97, 73


def _grid(rows: int, columns: int) -> np.ndarray:
    """int (F, 4): polygons of a grid of points, counter-clockwise where columns go right and rows go up."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    here = row * columns + column
    return np.stack([here, here + 1, here + columns + 1, here + columns], -1).reshape(-1, 4)


def _egg() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    azimuth, elevation = np.linspace(-np.pi, np.pi, AZIMUTHS), np.radians(np.linspace(-60, 89, ELEVATIONS))
    a, e = np.meshgrid(azimuth, elevation)
    points = np.stack([7.5 * np.cos(e) * np.sin(a), 2 + 12 * np.sin(e), 10.5 * np.cos(e) * np.cos(a)], -1)
    uv = np.stack([0.5 + a / (2 * np.pi) * 0.82, (points[..., 1] + 12) / 28], -1)
    return points.reshape(-1, 3), _grid(ELEVATIONS, AZIMUTHS), uv.reshape(-1, 2)


def _neck() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    azimuth, y = np.linspace(-np.pi, np.pi, 33), np.linspace(-20, -6, 9)
    a, height = np.meshgrid(azimuth, y)
    radius = np.interp(height, [-20, -14, -6], [14, 6, 5])
    points = np.stack([radius * np.sin(a), height, 0.8 * radius * np.cos(a) - 1], -1)
    return points.reshape(-1, 3), _grid(9, 33), np.zeros((33 * 9, 2))


def _patch(x: float, y: float, z: float, width: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * [width, 0.6 * width, 0]
    return corners + np.array([x, y, z]), np.array([[0, 1, 2, 3]]), corners[:, :2] / width / 2 + 0.5


def _lash_cards(x: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six strips of 19 × 6 vertices: three above the eye, three below, each from the lid outwards."""
    points, uv, polygons = [], [], []
    for strip in range(6):
        side = 1 if strip < 3 else -1
        across, out = np.meshgrid(np.linspace(-1, 1, 19), np.arange(6), indexing="ij")
        y = EYE_Y + side * (0.4 + 0.15 * out)
        points.append(np.stack([x + across, y, 10.3 + 0.1 * strip + 0.05 * out], -1).reshape(-1, 3))
        uv.append(np.stack([0.5 + 0.45 * across, (strip + 0.1 + 0.16 * out) / 6], -1).reshape(-1, 2))
        polygons.append(_grid(19, 6) + 19 * 6 * strip)
    return np.concatenate(points), np.concatenate(polygons), np.concatenate(uv)


def _ring(x: float, y: float, width: float, height: float, count: int) -> list[tuple[float, float]]:
    """Points on an ellipse, from image left over the top."""
    angle = np.pi - np.arange(count) / count * 2 * np.pi
    return list(zip(x + width * np.cos(angle), y + height * np.sin(angle), strict=True))


def _landmarks() -> list[tuple[float, float]]:
    """x and y of the 68 Multi-PIE points."""
    jaw = [(x, -2 - 5 * np.cos(x / 6 * np.pi / 2)) for x in np.linspace(-6, 6, 17)]
    brows = [(x, 4.6) for x in (*np.linspace(-5, -1.2, 5), *np.linspace(1.2, 5, 5))]
    nose = [(0, y) for y in (2.5, 1.5, 0.5, -0.5)] + [(x, -1) for x in np.linspace(-1, 1, 5)]
    eyes = [point for side in "rl" for point in _ring(EYES[side], EYE_Y, 1.4, 0.6, 6)]
    mouth = _ring(0, MOUTH_Y, 2.6, 1.0, 12) + _ring(0, MOUTH_Y, 1.6, 0.4, 8)
    return jaw + brows + nose + eyes + mouth


def write_synthetic_head(path: Path) -> Path:
    """Writes the file and returns its path."""
    eyes = {side: _patch(x, EYE_Y, 10.2, 1.3) for side, x in EYES.items()}
    inside = _patch(0, MOUTH_Y, 6)
    tongue = (_patch(0, MOUTH_Y, 9)[0], inside[1], inside[2] * 0.1 + np.array([2.7, 0.2]))
    parts = {
        "face": _egg(), "head_neck": _neck(), "mouth_socket": inside, "eye_socket_l": inside, "eye_socket_r": inside,
        "gums_tongue": tongue, "teeth": inside, "sclera_l": eyes["l"], "iris_l": eyes["l"], "sclera_r": eyes["r"],
        "iris_r": eyes["r"], "lacrimal_l": inside, "lacrimal_r": inside, "lashes_l": _lash_cards(EYES["l"]),
        "lashes_r": _lash_cards(EYES["r"]),
    }  # fmt: skip
    points, polygons, uv, ranges = [], [], [], []
    vertex = polygon = 0
    for place, faces, texture in parts.values():
        ranges.append([vertex, vertex + len(place) - 1, polygon, polygon + len(faces) - 1])
        points.append(place)
        polygons.append(faces + vertex)
        uv.append(texture)
        vertex, polygon = vertex + len(place), polygon + len(faces)
    neutral, faces = np.concatenate(points).astype(np.float32), np.concatenate(polygons).astype(np.int32)

    scale = np.float32(1 / 1000)
    expressions = np.zeros((57, vertex, 3), np.int16)
    below = (neutral[:, 1] < MOUTH_Y) & (neutral[:, 1] > -9) & (neutral[:, 2] > 0)
    expressions[EXPRESSIONS.index("jawOpen"), below, 1] = -1500
    for side, x in EYES.items():
        lid = (np.abs(neutral[:, :2] - [x, EYE_Y + 0.6]) < [1.6, 0.6]).all(1) & (neutral[:, 2] > 0)
        expressions[EXPRESSIONS.index(f"eyeBlink_{side.upper()}"), lid, 1] = -300
    identities = np.zeros((40, vertex, 3), np.int16)
    identities[0, :, 0] = (neutral[:, 0] * 30).astype(np.int16)
    front = np.flatnonzero(neutral[: len(parts["face"][0]), 2] > 0)
    landmarks = [front[np.linalg.norm(neutral[front, :2] - at, axis=1).argmin()] for at in _landmarks()]
    np.savez(
        path,
        neutral=neutral,
        expr_q=expressions,
        expr_scale=np.full(57, scale),
        expr_names=np.array([*EXPRESSIONS, "cheekRaiser_L", "cheekRaiser_R", "PupilDilate_L", "PupilDilate_R"]),
        id_q=identities,
        id_scale=np.full(40, scale),
        faces=faces,
        face_uvs=faces,
        uv=np.concatenate(uv).astype(np.float32),
        part_names=np.array(list(parts)),
        part_ranges=np.array(ranges, np.int32),
        landmarks68=np.array(landmarks, np.int32),
    )
    return path
