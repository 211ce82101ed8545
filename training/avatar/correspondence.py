"""Exact correspondence: where about 1,200 points of an avatar's surface are in every frame, from the face model and the
hair that grows on it.

A warp that draws frame t from source s must, at points[t, k], look up points[s, k]. That is the true optical flow,
also where pixels are ambiguous (skin) or differ (an open and a closed mouth). Trained on pixels alone, a warp learns
to stretch skin over eyes and mouth, because a missing feature costs less than a misplaced one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.face_model import EXPRESSIONS, NECK_PIVOT, FaceModel, body_motion, head_rotation, rotate
from avatar.hair_points import Hair
from avatar.scene.camera import PICTURE_PLANE_CM
from avatar.scene.looks import LOOKS
from avatar.scene.versions import VERSIONS

FACING = -0.12  # cosine between normal and view below which a point counts as visible
UP = EXPRESSIONS + 4  # the descriptor's y
LIDS = ("eyeBlink_L", "eyeBlink_R")
LID_MOVES_CM = 0.15  # how far a blink moves a vertex that belongs to a lid
LID_CLOSED = 0.35  # weight of eyeBlink above which the iris counts as hidden
CHUNK = 500  # frames at a time, to bound memory


def spread(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` points, each the farthest from those before it, beginning with the first."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


# Points of each group and how much one counts: most where people look.
GROUPS = {
    "front": (260, 1.0),
    "mouth": (120, 2.0),
    "eyes": (80, 3.0),
    "neck": (110, 0.5),
    "iris": (20, 3.0),
    "hair": (500, 0.6),
    "lids": (100, 5.0),
}
POINT_WEIGHTS = np.concatenate([np.full(count, weight, np.float32) for count, weight in GROUPS.values()])


def choose_points(model: FaceModel, base: np.ndarray, hidden: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each group but hair the vertex numbers (P,), and for each the expression that covers it or −1 (P,).

    Dense about mouth and eyes; base: vertices (V, 3); hidden: bool (V,) those that the neutral portrait does not show.
    """
    face, neck = model.part("face"), model.part("head_neck")
    front = face[base[face, 2] > 0]

    def centre(first: int, last: int) -> np.ndarray:
        return base[model.landmarks[first:last]].mean(0)

    mouth = front[np.linalg.norm((base[front] - centre(48, 68)) * [1, 1, 0.5], axis=1) < 3.2]
    to_eyes = [np.linalg.norm(base[front] - centre(*eye), axis=1) for eye in ((36, 42), (42, 48))]
    eyes = front[np.minimum(*to_eyes) < 2.6]
    groups = {"front": [front[~hidden[front]]], "mouth": [mouth], "eyes": [eyes], "neck": [neck[~hidden[neck]]]}
    groups["iris"] = [model.part("iris_l"), model.part("iris_r")]
    blinks = [model.expressions[model.names.index(lid), face] for lid in LIDS]
    groups["lids"] = [face[np.linalg.norm(blink, axis=1) > LID_MOVES_CM] for blink in blinks]
    chosen = {}
    for name, parts in groups.items():
        each = GROUPS[name][0] // len(parts)
        vertices = np.concatenate([part[spread(base[part], each)] for part in parts])
        lids = [model.names.index(lid) for lid in LIDS for _ in range(each)]
        chosen[name] = vertices, np.array(lids if name == "iris" else [-1] * len(vertices))
    return chosen


@dataclass(frozen=True)
class Surface:
    """The chosen points of one avatar, to be placed in pictures. Centimetres; the head's pivot is the origin of
    `still`.

    still, normals: float32 (P, 3) at rest; shapes: float32 (53, P, 3) what each expression adds; turning: (P,) how far
    a point turns with the head, 0…1; rising: (P,) cm that it goes up, beside the body, for each that the body does;
    cover: (P,) the expression that hides a point, or −1; camera: (3,) where it stands, before the face; zoom: picture
    widths per unit of x / distance.
    """

    still: np.ndarray
    normals: np.ndarray
    shapes: np.ndarray
    turning: np.ndarray
    rising: np.ndarray
    cover: np.ndarray
    camera: np.ndarray
    zoom: float

    @staticmethod
    def of(model: FaceModel, scene: dict, hair: Hair) -> "Surface":
        """Takes from the scene the avatar's `identity` coefficients, its `rest` expression, and the camera: `cam_dist`,
        `cam_y` and `frame` (the width that the picture shows), in cm; `follow` and `breath` (`SceneVersion`), 0 where
        they are missing.
        """
        rest = model.weights(scene["rest"])
        base = model.identity(np.array(scene["identity"], np.float32)) + np.tensordot(rest, model.expressions, 1)
        all_turning, all_rising = body_motion(model.neck_weight, scene.get("follow", 0.0), scene.get("breath", 0.0))
        all_normals = model.normals(base).astype(np.float32)
        groups = {
            name: (base[v], all_normals[v], model.expressions[:, v], all_turning[v], all_rising[v], cover)
            for name, (v, cover) in choose_points(model, base, hair.covered).items()
        }
        strands, count = spread(hair.points, GROUPS["hair"][0]), GROUPS["hair"][0]
        none = np.zeros(count, np.float32)
        groups["hair"] = (
            hair.points[strands],
            hair.normals[strands],
            np.zeros((EXPRESSIONS, count, 3), np.float32),
            none + 1,
            none,
            np.full(count, -1),
        )
        still, normals, shapes, turning, rising, cover = zip(*(groups[name] for name in GROUPS), strict=True)
        return Surface(
            still=np.concatenate(still) - NECK_PIVOT,
            normals=np.concatenate(normals),
            shapes=np.concatenate(shapes, 1),
            turning=np.concatenate(turning),
            rising=np.concatenate(rising),
            cover=np.concatenate(cover),
            camera=np.array([0, scene["cam_y"], scene["cam_dist"]]),
            zoom=(scene["cam_dist"] - PICTURE_PLANE_CM) / scene["frame"],
        )

    def project(self, motion: np.ndarray) -> np.ndarray:
        """Positions float32 (n, P, 2) in 0…1 (origin top left) for motion (n, 59); NaN where a point is not visible."""
        out = np.empty((len(motion), len(self.still), 2), np.float32)
        for begin in range(0, len(motion), CHUNK):
            rows = motion[begin : begin + CHUNK]
            axes, angles = head_rotation(rows[:, EXPRESSIONS : EXPRESSIONS + 3])
            angles = angles[:, None] * self.turning  # (n, P)
            moved = self.still + np.tensordot(rows[:, :EXPRESSIONS], self.shapes, 1)
            surface = rotate(moved, axes, angles) + NECK_PIVOT
            surface[..., 1] += rows[:, UP, None] * self.rising
            facing = rotate(np.broadcast_to(self.normals, surface.shape), axes, angles)
            # Moving the head is the same as moving the camera the other way.
            view = surface - (self.camera - rows[:, EXPRESSIONS + 3 :])[:, None]  # (n, P, 3)
            x, y, z = np.moveaxis(view, -1, 0)
            position = np.stack([0.5 - x / z * self.zoom, 0.5 + y / z * self.zoom], -1)
            hidden = (facing * view).sum(-1) >= FACING * np.linalg.norm(view, axis=-1)
            hidden |= (self.cover >= 0) & (rows[:, self.cover] > LID_CLOSED)
            position[hidden] = np.nan
            out[begin : begin + CHUNK] = position
        return out


def read_surface(folder: Path, face_model: Path) -> Surface:
    """The surface of the avatar of a data folder (see avatar/data.py)."""
    model = FaceModel.read(face_model)
    with np.load(folder / "params.npz") as parameters:
        look, version = LOOKS[str(parameters["avatar"])], VERSIONS[str(parameters.get("scene", "v1"))]
        return Surface.of(model, json.loads(str(parameters["config"])), Hair.of(model, look, version))
