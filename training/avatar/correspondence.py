"""Exact correspondence: where about 700 points of an avatar's surface are in every frame, from the face model alone.

A warp that draws frame t from source s must, at points[t, k], look up points[s, k]. That is the true optical flow, also where
pixels are ambiguous (skin) or differ (an open and a closed mouth). Trained on pixels alone, a warp learns to stretch skin
over eyes and mouth, because a missing feature costs less than a misplaced one.
"""

import json
from pathlib import Path

import numpy as np

from avatar.face_model import EXPRESSIONS, NECK_PIVOT, FaceModel, head_rotation, rotate

HAIR_LIFT_CM = 0.9  # hair stands off the scalp
FACING = -0.12  # cosine between normal and view below which a point counts as visible
CAMERA_TO_PICTURE_CM = 6.0  # the plane that `frame` measures lies so far before the origin
CHUNK = 500  # frames at a time, to bound memory


def spread(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` points, each the farthest from those before it, beginning with the first."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


def choose_points(model: FaceModel, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertex numbers (P,) and their lift along the normal in cm (P,): dense about mouth and eyes; base: vertices (V, 3)."""
    face, neck = model.part("face"), model.part("head_neck")
    front = face[base[face, 2] > 0]

    def centre(first: int, last: int) -> np.ndarray:
        return base[model.landmarks[first:last]].mean(0)

    mouth = front[np.linalg.norm((base[front] - centre(48, 68)) * [1, 1, 0.5], axis=1) < 3.2]
    to_eyes = [np.linalg.norm(base[front] - centre(*eye), axis=1) for eye in ((36, 42), (42, 48))]
    eyes = front[np.minimum(*to_eyes) < 2.6]
    head = np.concatenate([face, neck])
    x, y = base[head, 1], base[head, 2]
    scalp = head[(x > 3.2) & ((x > 8.3) | (y < 1.5))]
    groups = [(front, 260), (mouth, 120), (eyes, 80), (neck, 110)]
    groups += [(model.part("iris_l"), 10), (model.part("iris_r"), 10), (scalp, 110)]
    vertices = np.concatenate([group[spread(base[group], count)] for group, count in groups])
    lift = np.zeros(len(vertices), np.float32)
    lift[-110:] = HAIR_LIFT_CM
    return vertices, lift


def project(model: FaceModel, scene: dict, motion: np.ndarray) -> np.ndarray:
    """Positions float32 (n, P, 2) in 0…1 (origin top left) for motion float32 (n, 59); NaN where a point faces away.

    scene: the avatar's identity coefficients, `rest` expression, and camera: `cam_dist`, `cam_y` and `frame` (the width that
    the picture shows), in cm.
    """
    rest = model.weights(scene["rest"])
    base = model.identity(np.array(scene["identity"], np.float32)) + np.tensordot(rest, model.expressions, 1)
    normals = model.normals(base)
    vertices, lift = choose_points(model, base)
    still = base[vertices] + normals[vertices] * lift[:, None] - NECK_PIVOT  # (P, 3)
    shapes, turning = model.expressions[:, vertices], model.neck_weight[vertices]
    spread_per_cm = 1 / (scene["frame"] / (scene["cam_dist"] - CAMERA_TO_PICTURE_CM))
    out = np.empty((len(motion), len(vertices), 2), np.float32)
    for begin in range(0, len(motion), CHUNK):
        rows = motion[begin : begin + CHUNK]
        axes, angles = head_rotation(rows[:, EXPRESSIONS : EXPRESSIONS + 3])
        angles = angles[:, None] * turning  # (n, P)
        surface = rotate(still + np.tensordot(rows[:, :EXPRESSIONS], shapes, 1), axes, angles) + NECK_PIVOT
        facing = rotate(np.broadcast_to(normals[vertices], surface.shape), axes, angles)
        camera = np.array([0, scene["cam_y"], scene["cam_dist"]]) - rows[:, EXPRESSIONS + 3 :]  # the head stays, it moves
        view = surface - camera[:, None]  # (n, P, 3)
        x, y, z = np.moveaxis(view, -1, 0)
        position = np.stack([0.5 - x / z * spread_per_cm, 0.5 + y / z * spread_per_cm], -1)
        visible = (facing * view).sum(-1) < FACING * np.linalg.norm(view, axis=-1)
        position[~visible] = np.nan
        out[begin : begin + CHUNK] = position
    return out


def surface_points(folder: Path, face_model: Path) -> np.ndarray:
    """float32 (n, P, 2) for all frames of a data folder (see avatar/data.py): a few seconds for thousands of frames."""
    with np.load(folder / "params.npz") as parameters:
        return project(FaceModel.read(face_model), json.loads(str(parameters["config"])), parameters["motion"])
