"""One avatar before the camera: built once, then posed and rendered as often as wanted."""

from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from avatar.face_model import EXPRESSIONS, FaceModel, body_motion
from avatar.scene.blender import materials
from avatar.scene.blender.objects import add_attribute, add_colours, add_mesh, add_strands, move_points, subdivide
from avatar.scene.blender.studio import add_camera, set_up_denoiser, set_up_renderer, set_up_world, to_blender
from avatar.scene.blender.tree_surface import TreeSurface
from avatar.scene.camera import Camera
from avatar.scene.clothes import tailor
from avatar.scene.facial_hair import grow_brows, grow_lashes
from avatar.scene.hair import grow_hair
from avatar.scene.head import MATERIAL_OF_PART, SKIN_PARTS, Head, head_matrix, move_body
from avatar.scene.looks import Look
from avatar.scene.paint import paint
from avatar.scene.versions import SceneVersion

FORMATS = {".jpg": "JPEG", ".png": "PNG"}
# Radii of strands, cm, from root to tip.
FINE_RADIUS_CM = 0.021
RADIUS_SEED = 9
AXES = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])  # the face model's → Blender's


def _tapered(count: int, points: int, stops: list[float], widths: list[float]) -> np.ndarray:
    """(count, points): radii of fine strands, all alike."""
    return np.tile(FINE_RADIUS_CM * np.interp(np.linspace(0, 1, points), stops, widths), (count, 1))


class Portrait:
    """Replaces whatever Blender has open by the avatar of one look."""

    def __init__(self, look: Look, model: FaceModel, camera: Camera, version: SceneVersion):
        self.head, self.camera, self.version = Head.of(model, look, version), camera, version
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        set_up_renderer(self.scene)
        set_up_world(self.scene)
        self.camera_object = add_camera(self.scene, camera)
        skin = TreeSurface(self.head.base, model.part_faces(*SKIN_PARTS))
        self._add_head(look)
        self._add_clothes(look, skin)
        self._add_hair(look, skin)
        self._add_facial_hair(look)
        set_up_denoiser(self.scene)
        self.pose(np.zeros(EXPRESSIONS + 6, np.float32))

    def _add_head(self, look: Look) -> None:
        head, model = self.head, self.head.model
        slots = {
            "skin": materials.skin_material(look, self.version),
            "mouth": materials.mouth_material(),
            "teeth": materials.tooth_material(self.version),
            "sclera": materials.sclera_material(),
            "iris": materials.iris_material(look),
            "wet": materials.wet_material(),
        }
        order = list(slots)
        faces, corners = model.part_faces(*MATERIAL_OF_PART), model.part_corners(*MATERIAL_OF_PART)
        slot = [np.full(len(model.part_faces(part)), order.index(name)) for part, name in MATERIAL_OF_PART.items()]
        vertices, uv = head.base[: head.drawn], model.uv[corners[faces >= 0]]
        self.mesh = add_mesh("head", vertices, faces, list(slots.values()), np.concatenate(slot), uv)
        painted = paint(model, look, self.version)
        add_colours(self.mesh.data, "colour", painted.colour)
        add_attribute(self.mesh.data, "roughness", painted.roughness)
        add_attribute(self.mesh.data, "freckles", painted.freckles)
        add_attribute(self.mesh.data, "rest", to_blender(model.neutral[: head.drawn]))

    def _add_clothes(self, look: Look, skin: TreeSurface) -> None:
        self.clothes = []
        for name, garment in zip(("torso", "collar"), tailor(skin), strict=True):
            cloth = materials.cloth_material(look.shirt, creased=name == "torso")
            placed = add_mesh(name, garment.points, garment.polygons, [cloth])
            subdivide(placed)
            self.clothes.append((placed, garment.points))

    def _add_hair(self, look: Look, skin: TreeSurface) -> None:
        strands = grow_hair(self.head, skin, look.hair, look.hair_strands, look.hair_seed)
        profile = np.interp(np.linspace(0, 1, strands.shape[1]), [0, 0.15, 0.7, 1], [0.8, 1, 0.9, 0.25])
        thickness = np.random.default_rng(RADIUS_SEED).uniform(0.7, 1.2, (len(strands), 1))
        material = materials.hair_material("hair", look.hair_colour)
        _, self.hair = add_strands("hair", strands, look.hair_radius * profile[None] * thickness, material)

    def _add_facial_hair(self, look: Look) -> None:
        head, face = self.head, self.head.model.part_faces("face")
        self.brows = grow_brows(head, TreeSurface(head.base, face), face, look.brow_hairs, look.brow_width)
        self.lashes = grow_lashes(head.model, look.lash_length)
        brows, lashes = self.brows.on(head.base), self.lashes.on(head.base)
        brow_radii = _tapered(*brows.shape[:2], [0, 0.3, 1], [0.9, 1, 0.15])
        lash_radii = _tapered(*lashes.shape[:2], [0, 0.3, 1], [1, 0.9, 0.15])
        brow_material = materials.hair_material("brow", materials.brow_colour(look))
        lash_material = materials.hair_material("lash", materials.LASH_COLOUR)
        self.brow_points, _ = add_strands("brow", brows, brow_radii, brow_material)
        self.lash_points, _ = add_strands("lash", lashes, lash_radii, lash_material)

    def pose(self, motion: np.ndarray) -> None:
        """Shows a descriptor (59,)."""
        vertices = self.head.posed(motion)
        move_points(self.mesh, vertices[: self.head.drawn])
        move_points(self.brow_points, self.brows.on(vertices))
        move_points(self.lash_points, self.lashes.on(vertices))
        turning, rising = body_motion(np.zeros(1), self.version.follow, self.version.breath)
        for placed, points in self.clothes:
            move_points(placed, move_body(points, motion, turning, rising))
        self.hair.matrix_world = Matrix((AXES @ head_matrix(motion) @ AXES.T).tolist())
        self.camera_object.location = to_blender(self.camera.place(motion[EXPRESSIONS + 3 :])).tolist()

    def render(self, path: Path, size: int, samples: int, seed: int) -> None:
        """Writes a square picture of `size` pixels, JPEG (quality 95) or PNG by the name's ending.

        Raises KeyError for another ending.
        """
        scene = self.scene
        scene.render.resolution_x = scene.render.resolution_y = size
        scene.cycles.samples, scene.cycles.seed = samples, seed
        scene.render.image_settings.file_format = FORMATS[path.suffix]
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
