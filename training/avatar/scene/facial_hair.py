"""Brows and lashes: strands that are bound to the skin, so that they follow every expression. Units are cm."""

from dataclasses import dataclass

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.head import Head
from avatar.scene.shaping import unit
from avatar.scene.skin_surface import SkinSurface

BROWS = ((-1, (21, 20, 19, 18, 17)), (1, (22, 23, 24, 25, 26)))  # side, landmarks from the nose outwards
BROW_DROP_CM = (-0.30, -0.18, -0.16, -0.12, 0.02)  # the hairs sit a little below the landmarks
BROW_POINTS = 5
BEFORE_FACE_CM = 3.6  # where the look starts that finds a hair's root
BROW_SEED, LASH_SEED = 3, 5
LASHES = (("lashes_l", "sclera_l"), ("lashes_r", "sclera_r"))
LASH_STRIPS = 6  # the model's lash cards are six strips an eye, each a grid six vertices wide
LASH_POINTS = 6
UPPER_LASHES, LOWER_LASHES = 34, 15  # a strip
UPPER_LENGTH, LOWER_LENGTH = 0.62, 0.50  # of the strip's width


def triangle_frames(vertices: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(N, 3, 3): a right-handed frame on each triangle (N, 3): along its first side, across it, its normal."""
    a, b, c = (vertices[corners[:, k]] for k in range(3))
    along, normal = unit(b - a), unit(np.cross(b - a, c - a))
    return np.stack([along, np.cross(normal, along), normal], 2)


def barycentric(points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """(N, 3): weights of the corners a, b, c (N, 3 each) that give points (N, 3), also outside of their triangle."""
    u, v, w = b - a, c - a, points - a
    uu, uv, vv, wu, wv = ((x * y).sum(1) for x, y in ((u, u), (u, v), (v, v), (w, u), (w, v)))
    area = uu * vv - uv * uv
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    return np.stack([1 - second - third, second, third], 1)


@dataclass(frozen=True)
class BoundStrands:
    """Strands given in the frames of triangles of the skin: corners (N, 3), shares (N, 3), local (N, K, 3)."""

    corners: np.ndarray
    shares: np.ndarray
    local: np.ndarray

    @staticmethod
    def bind(strands: np.ndarray, corners: np.ndarray, shares: np.ndarray, vertices: np.ndarray) -> "BoundStrands":
        """Binds strands (N, K, 3), which lie on a head of these vertices, by their roots (corners and shares)."""
        root = (vertices[corners] * shares[..., None]).sum(1)
        frames = triangle_frames(vertices, corners)
        return BoundStrands(corners, shares, np.einsum("nji,nkj->nki", frames, strands - root[:, None]))

    def on(self, vertices: np.ndarray) -> np.ndarray:
        """(N, K, 3): where the strands are when the head's vertices are there."""
        root = (vertices[self.corners] * self.shares[..., None]).sum(1)
        return root[:, None] + np.einsum("nij,nkj->nki", triangle_frames(vertices, self.corners), self.local)


def grow_brows(head: Head, skin: SkinSurface, face: np.ndarray, count: int, width: float) -> BoundStrands:
    """`count` hairs on each side. skin: the surface of the polygons `face` (F, 4) of the resting head."""
    random = np.random.default_rng(BROW_SEED)
    base, strands, corners, shares = head.base, [], [], []
    for side, landmarks in BROWS:
        line = base[head.model.landmarks[list(landmarks)]].astype(float)
        line[:, 1] += BROW_DROP_CM
        along = random.random(count) ** 0.92
        place = np.stack([np.interp(along, np.linspace(0, 1, 5), line[:, k]) for k in range(3)], 1)
        place[:, 1] += 0.12 * np.sin(np.pi * along)
        band = width * np.interp(along, [0, 0.12, 0.45, 0.8, 1], [0.36, 0.66, 0.64, 0.42, 0.10])
        across = random.normal(0, 0.27, count).clip(-0.5, 0.5)
        place[:, 1] += across * band
        root, normal, polygon = skin.behind(place + np.array([0, 0, BEFORE_FACE_CM]))

        rise = np.interp(along, [0, 0.2, 0.5, 1], [1.1, 0.75, 0.18, -0.38]) - across * 1.1 * (along > 0.15)
        lean = np.stack([side * np.interp(along, [0, 0.3, 1], [0.25, 0.9, 1]), rise, 0 * along], 1)
        lean = lean - normal * (lean * normal).sum(1)[:, None]
        lean = unit(lean + random.normal(0, 0.10, (count, 3)))
        lean = unit(lean - normal * (lean * normal).sum(1)[:, None])
        length = np.interp(along, [0, 0.2, 0.7, 1], [0.55, 0.80, 0.72, 0.45]) * random.uniform(0.75, 1.1, count)
        step = np.linspace(0, 1, BROW_POINTS)[None, :, None]
        lift = 0.099 * np.sin(np.pi * step * 0.75) + 0.012
        strands.append(root[:, None] + lean[:, None] * length[:, None, None] * step + normal[:, None] * lift)
        corner = face[polygon][:, :3]
        corners.append(corner)
        shares.append(barycentric(root, *(base[corner[:, k]] for k in range(3))))
    return BoundStrands.bind(np.concatenate(strands), np.concatenate(corners), np.concatenate(shares), base)


@dataclass(frozen=True)
class Lashes:
    """Strands between vertices of the model's lash cards: vertices int (N, K, 2), shares (N, K, 2), length (N,) of the
    card's width.
    """

    vertices: np.ndarray
    shares: np.ndarray
    length: np.ndarray

    def on(self, vertices: np.ndarray) -> np.ndarray:
        """(N, K, 3): where the lashes are when the head's vertices are there."""
        points = (vertices[self.vertices] * self.shares[..., None]).sum(2)
        root = points[:, :1]
        return root + (points - root) * self.length[:, None, None]


def _card_grid(model: FaceModel, part: str, strip: int, eye: np.ndarray) -> np.ndarray:
    """int (C, 6): the vertices of one strip of lash cards, in columns along the lid, each from the lid outwards."""
    faces, corners = model.part_faces(part), model.part_corners(part)
    places = model.uv[corners]  # (F, 4, 2)
    chosen = np.floor(places[..., 1].mean(1) * LASH_STRIPS).astype(int) == strip
    vertices, first = np.unique(faces[chosen].ravel(), return_index=True)
    place = places[chosen].reshape(-1, 2)[first]
    columns = np.argsort(place[:, 0], kind="stable").reshape(-1, LASH_POINTS)
    grid = vertices[np.array([column[np.argsort(place[column, 1])] for column in columns])]
    away = np.linalg.norm(model.neutral[grid] - eye, axis=2).mean(0)
    return grid[:, ::-1] if away[0] > away[-1] else grid


def grow_lashes(model: FaceModel, length: float) -> Lashes:
    """Upper and lower lashes of both eyes, `length` times as long as usual."""
    random = np.random.default_rng(LASH_SEED)
    vertices, shares, lengths = [], [], []
    for part, eyeball in LASHES:
        eye = model.neutral[model.part(eyeball)].mean(0)
        for strip in range(LASH_STRIPS):
            grid = _card_grid(model, part, strip, eye)
            upper = model.neutral[grid[:, -1], 1].mean() > eye[1] - 0.1
            count, last = UPPER_LASHES if upper else LOWER_LASHES, len(grid) - 1.001
            column = (np.arange(count) + random.uniform(0.2, 0.8, count)) / count * last
            tilt = random.normal(0, 0.35, count)
            at = np.clip(column[:, None] + tilt[:, None] * np.linspace(0, 1, LASH_POINTS), 0, last)  # (count, 6)
            before, share = at.astype(int), at - at.astype(int)
            point = np.arange(LASH_POINTS)
            vertices.append(np.stack([grid[before, point], grid[before + 1, point]], -1))
            shares.append(np.stack([1 - share, share], -1))
            lengths.append(np.full(count, (UPPER_LENGTH if upper else LOWER_LENGTH) * length))
    return Lashes(np.concatenate(vertices), np.concatenate(shares), np.concatenate(lengths))
