"""Everything about a picture but the avatar: renderer, camera, background, light and denoising."""

import math

import bpy
import numpy as np

from avatar.scene.blender.nodes import Nodes
from avatar.scene.camera import Camera

# Materials that are smooth enough to denoise; hair, lashes and eyes keep their (unbiased) noise.
DENOISED = ("skin", "mouth", "teeth", "cloth")
DENOISED_MASK = 1
NORMAL_LENGTH = 0.86  # squared mean normal below which strands or an edge share a pixel
SPREAD_PIXELS, LIGHT_STEP = 2.6, 0.16
BACKGROUND = np.array([0.30, 0.33, 0.36])
AMBIENT = 0.42
# Soft boxes: direction, half angle and half width of the edge in degrees, radiance, colour.
LIGHTS = (
    ((-62, 52, 100), 21, 8, 11.5, (1.0, 0.92, 0.82)),  # key
    ((95, 8, 95), 34, 16, 0.95, (0.84, 0.92, 1.0)),  # fill
    ((85, 45, -78), 22, 10, 4.5, (0.95, 0.97, 1.0)),  # rim
    ((-88, 45, -85), 20, 10, 3.06, (1.0, 0.94, 0.88)),  # rim on the key's side
)


def to_blender(points: np.ndarray) -> np.ndarray:
    """The face model's axes (y up, z to the camera) → Blender's (z up, −y to the camera), float32."""
    points = np.asarray(points, np.float32)
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1)


def set_up_renderer(scene: bpy.types.Scene) -> None:
    """Cycles on the CPU with short paths; what they miss is clamped or made up for in the materials."""
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.use_denoising = False  # Debian's Blender is built without OpenImageDenoise
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 5, 1, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces, cycles.volume_bounces = 4, 8, 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.sample_clamp_direct = 2.0, 6.0
    cycles.use_adaptive_sampling = False
    cycles.filter_width = 1.3
    cycles.use_auto_tile = False
    cycles.sampling_pattern = "SOBOL"
    scene.cycles_curves.shape, scene.cycles_curves.subdivisions = "RIBBONS", 2
    scene.render.use_persistent_data = True
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = False
    scene.render.image_settings.quality = 95
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"
    scene.view_settings.exposure = -0.15


def add_camera(scene: bpy.types.Scene, camera: Camera) -> bpy.types.Object:
    data = bpy.data.cameras.new("camera")
    data.sensor_width = 36
    data.angle = 2 * math.atan(camera.slope / 2)
    data.clip_end = 1000
    placed = bpy.data.objects.new("camera", data)
    placed.rotation_euler = (math.pi / 2, 0, 0)
    scene.collection.objects.link(placed)
    scene.camera = placed
    return placed


def _studio_light(nodes: Nodes) -> bpy.types.NodeSocket:
    """One environment with soft boxes: far less noise than area lights, of which Cycles 3.4 picks one at random."""
    place = nodes.add("TexCoord").outputs["Generated"]
    direction = nodes.vector("NORMALIZE", place).outputs[0]
    up = nodes.add("SeparateXYZ", {0: direction}).outputs[2]
    sky = [(0, (0.62, 0.56, 0.52)), (0.55, (0.9, 0.95, 1.0)), (1, (1.05, 1.1, 1.2))]
    stops = [(position, np.array(colour) * AMBIENT) for position, colour in sky]
    light = nodes.ramp(nodes.math("ADD", nodes.math("MULTIPLY", up, 0.5), 0.5), stops)
    for towards, angle, edge, power, colour in LIGHTS:
        centre = to_blender(np.array(towards)).astype(float)
        centre /= np.linalg.norm(centre)
        cosine = nodes.vector("DOT_PRODUCT", direction, tuple(centre)).outputs["Value"]
        outer, inner = math.cos(math.radians(angle + edge)), math.cos(math.radians(angle - edge))
        box = nodes.add(
            "VectorMath", {0: colour, "Scale": nodes.step(cosine, outer, inner, 0.0, power)}, operation="SCALE"
        )
        light = nodes.mix(1.0, light, box.outputs[0], "ADD")
    return light


def set_up_world(scene: bpy.types.Scene) -> None:
    """The light that falls on the avatar, and the grey gradient that the camera sees instead of it."""
    world = bpy.data.worlds.new("studio")
    scene.world = world
    world.use_nodes = True
    nodes = Nodes(world.node_tree)
    window = nodes.add("TexCoord").outputs["Window"]
    away = nodes.vector("DISTANCE", window, (0.5, 0.62, 0.0)).outputs["Value"]
    stops = [(0.0, BACKGROUND * 1.25), (0.40, BACKGROUND * 0.85), (0.85, BACKGROUND * 0.42)]
    seen = nodes.add("Background", {0: nodes.ramp(away, stops, ease=True), 1: 1.0}).outputs[0]
    light = nodes.add("Background", {0: _studio_light(nodes), 1: 1.0}).outputs[0]
    from_camera = nodes.add("LightPath").outputs["Is Camera Ray"]
    nodes.finish(nodes.mix_shaders(from_camera, light, seen), "OutputWorld")
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256


def set_up_denoiser(scene: bpy.types.Scene) -> None:
    """Compositor: the light on smooth surfaces (picture ÷ albedo) is blurred along normals, then × albedo again.

    Call it when all materials are there.
    """
    layer = scene.view_layers[0]
    layer.cycles.denoising_store_passes = True
    layer.use_pass_material_index = True
    for material in bpy.data.materials:
        material.pass_index = DENOISED_MASK if material.name.split(".")[0] in DENOISED else 0
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()

    def node(kind: str, inputs: dict, **settings: object) -> bpy.types.Node:
        made = tree.nodes.new("CompositorNode" + kind)
        for name, value in settings.items():
            setattr(made, name, value)
        for name, value in inputs.items():
            if isinstance(value, bpy.types.NodeSocket):
                tree.links.new(value, made.inputs[name])
            else:
                made.inputs[name].default_value = value
        return made

    def mixed(blend: str, a: object, b: object, share: object = 1.0) -> bpy.types.NodeSocket:
        return node("MixRGB", {0: share, 1: a, 2: b}, blend_type=blend).outputs[0]

    def computed(operation: str, a: object, b: object) -> bpy.types.NodeSocket:
        return node("Math", {0: a, 1: b}, operation=operation).outputs[0]

    passes = node("RLayers", {}).outputs
    picture, normal = passes["Image"], passes["Denoising Normal"]
    albedo = mixed("ADD", passes["Denoising Albedo"], (0.05, 0.05, 0.05, 1))
    light = mixed("DIVIDE", picture, albedo)
    settings = {"iterations": 1, "sigma_color": LIGHT_STEP, "sigma_space": SPREAD_PIXELS}
    even = node("Bilateralblur", {0: light, 1: normal}, **settings).outputs[0]
    smooth = mixed("MULTIPLY", even, albedo)
    masked = node("IDMask", {0: passes["IndexMA"]}, index=DENOISED_MASK, use_antialiasing=True).outputs[0]
    x, y, z = (node("SepRGBA", {0: normal}).outputs[axis] for axis in range(3))
    square = computed(
        "ADD", computed("ADD", computed("MULTIPLY", x, x), computed("MULTIPLY", y, y)), computed("MULTIPLY", z, z)
    )
    covered = computed(
        "MULTIPLY", computed("GREATER_THAN", square, NORMAL_LENGTH), computed("GREATER_THAN", masked, 0.99)
    )
    node("Composite", {0: mixed("MIX", picture, smooth, covered)})
