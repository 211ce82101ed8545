"""Which hair of an avatar its neutral portrait shows, and which of its skin lies behind."""

from dataclasses import dataclass

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.camera import Camera
from avatar.scene.hair import grow_hair
from avatar.scene.head import SKIN_PARTS, Head
from avatar.scene.looks import Look
from avatar.scene.sampled_surface import SampledSurface
from avatar.scene.shaping import unit
from avatar.scene.versions import SceneVersion

CELLS = 128  # of the depth map, a side
BETWEEN = 6  # points from one of a strand's to the next
DENSE = 20  # points of hair in a cell from which on it counts, where about 140 are usual
SEEN_CM = 0.15  # hair so far behind the foremost is still seen
COVERS_CM = 0.4  # skin so far behind hair is not
CENTRE_CM = (0.0, 5.0, -1.0)  # of the skull; below it hair turns away from a vertical line
TILT = 0.35  # hair at the outline is seen, though it faces the side


@dataclass(frozen=True)
class Hair:
    """points, normals float32 (N, 3): hair that the neutral portrait shows, in cm, and about where it faces; covered
    bool (V,): vertices behind hair.
    """

    points: np.ndarray
    normals: np.ndarray
    covered: np.ndarray

    @staticmethod
    def of(model: FaceModel, look: Look, version: SceneVersion) -> "Hair":
        head, camera = Head.of(model, look, version), Camera()
        skin = SampledSurface(head.base, head.normals, model.part_faces(*SKIN_PARTS))
        strands = grow_hair(head, skin, look.hair, look.hair_strands, look.hair_seed)
        share = (np.arange(BETWEEN) / BETWEEN)[:, None]
        hair = (strands[:, :-1, None] * (1 - share) + strands[:, 1:, None] * share).reshape(-1, 3)
        of_hair, of_skin = (depths(points, camera) for points in (hair, skin.points))
        front = np.maximum(of_hair, of_skin)
        dense = np.bincount(cells(hair, camera), minlength=CELLS**2) >= DENSE
        seen = look_up(dense, hair, camera) & (hair[:, 2] > look_up(front, hair, camera) - SEEN_CM)
        points = hair[seen].astype(np.float32)
        return Hair(points, facing(points), look_up(of_hair, head.base, camera) > head.base[:, 2] + COVERS_CM)


def cells(points: np.ndarray, camera: Camera) -> np.ndarray:
    """int (P,): the cell of the depth map that each point is seen in."""
    x, y = (camera.project(points, np.zeros(3)).T * CELLS).astype(int).clip(0, CELLS - 1)
    return y * CELLS + x


def depths(points: np.ndarray, camera: Camera) -> np.ndarray:
    """float (CELLS²,): z of the foremost of the points in each cell, −inf where there is none."""
    front = np.full(CELLS**2, -np.inf)
    np.maximum.at(front, cells(points, camera), points[:, 2])
    return front


def look_up(depth: np.ndarray, points: np.ndarray, camera: Camera) -> np.ndarray:
    """(P,): the depth map in the cells of these points."""
    return depth[cells(points, camera)]


def facing(points: np.ndarray) -> np.ndarray:
    """float32 (P, 3): directions away from the skull, tilted to the camera."""
    centre = np.array(CENTRE_CM) * np.ones_like(points)
    centre[:, 1] = np.minimum(centre[:, 1], points[:, 1])
    return unit(unit(points - centre) + np.array([0, 0, TILT])).astype(np.float32)
