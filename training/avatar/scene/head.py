"""One avatar's head as a mesh, and where its vertices are for a descriptor."""

from dataclasses import dataclass

import numpy as np

from avatar.face_model import EXPRESSIONS, NECK_PIVOT, FaceModel, body_motion, head_rotation, rotate
from avatar.scene.camera import Camera
from avatar.scene.looks import Look
from avatar.scene.tongue import Tongue
from avatar.scene.versions import SceneVersion

# The parts that are drawn, in the order of their vertices. Lashes are strands, not the model's cards.
SKIN_PARTS = ("face", "head_neck")
MATERIAL_OF_PART = {
    "face": "skin",
    "head_neck": "skin",
    "mouth_socket": "mouth",
    "eye_socket_l": "mouth",
    "eye_socket_r": "mouth",
    "gums_tongue": "mouth",
    "teeth": "teeth",
    "sclera_l": "sclera",
    "iris_l": "iris",
    "sclera_r": "sclera",
    "iris_r": "iris",
    "lacrimal_l": "wet",
    "lacrimal_r": "wet",
}
LAST_PART = "lacrimal_r"
UP = EXPRESSIONS + 4  # the descriptor's y
FLAT_EAR_FROM_CM, FLAT_EAR_KEEPS = 7.0, 0.35  # ears under hair lie flat: what stands out farther is pressed


def ears(model: FaceModel) -> np.ndarray:
    """bool (V,): vertices of the ears, which sit at both edges of the face's texture."""
    u, v = model.vertex_uv("face").T
    with np.errstate(invalid="ignore"):
        return ((u < 0.095) | (u > 0.905)) & (v > 0.44) & (v < 0.70)


@dataclass(frozen=True)
class Head:
    """base float32 (V, 3): all vertices of the resting face, in cm. normals (V, 3) are those of `base`.

    turning (V,): how much of the head's rotation a vertex takes over. rising (V,): cm that it goes up, beside the whole
    body, for each that the body does. tongue: None where it lies still.
    """

    model: FaceModel
    base: np.ndarray
    normals: np.ndarray
    turning: np.ndarray
    rising: np.ndarray
    tongue: Tongue | None

    @staticmethod
    def of(model: FaceModel, look: Look, version: SceneVersion) -> "Head":
        base = model.identity(np.array(look.identity))
        if look.hair == "bob":
            hidden = ears(model)
            side = base[hidden, 0]
            base[hidden, 0] = np.sign(side) * (FLAT_EAR_FROM_CM + (np.abs(side) - FLAT_EAR_FROM_CM) * FLAT_EAR_KEEPS)
        base = base + model.expression(model.weights(look.rest))
        turning, rising = body_motion(model.neck_weight, version.follow, version.breath)
        return Head(model, base, model.normals(base), turning, rising, Tongue.of(model) if version.tongue else None)

    @property
    def drawn(self) -> int:
        """How many vertices, from the first, belong to parts that are drawn as a mesh."""
        return self.model.parts[LAST_PART][1] + 1

    def posed(self, motion: np.ndarray) -> np.ndarray:
        """float32 (V, 3): the vertices for one descriptor (59,), whose shift is left to the camera."""
        moved = self.base + self.model.expression(motion[:EXPRESSIONS])
        if self.tongue:
            moved[self.tongue.vertices] += self.tongue.moved(self.model.names, motion[:EXPRESSIONS])
        return move_body(moved, motion, self.turning, self.rising)

    def landmarks(self, motion: np.ndarray, camera: Camera) -> np.ndarray:
        """float32 (68, 2): the Multi-PIE points of one descriptor (59,) in the picture, 0…1 from the top left."""
        return camera.project(self.posed(motion)[self.model.landmarks], motion[EXPRESSIONS + 3 :])


def move_body(points: np.ndarray, motion: np.ndarray, turning: np.ndarray, rising: np.ndarray) -> np.ndarray:
    """float32 (P, 3): points (P, 3) turned about the neck and raised, as a descriptor (59,) says."""
    axes, angles = head_rotation(motion[None, EXPRESSIONS : EXPRESSIONS + 3])
    turned = rotate((points - NECK_PIVOT)[None], axes, angles[:, None] * turning)[0] + NECK_PIVOT
    turned[:, 1] += rising * motion[UP]
    return turned.astype(np.float32)


def head_matrix(motion: np.ndarray) -> np.ndarray:
    """float64 (4, 4): how a descriptor (59,) moves what is rigidly fixed to the head, such as hair."""
    axes, angles = head_rotation(motion[None, EXPRESSIONS : EXPRESSIONS + 3])
    turn = rotate(np.eye(3)[None], axes, np.repeat(angles[:, None], 3, 1))[0].T
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = NECK_PIVOT - turn @ NECK_PIVOT
    return matrix
