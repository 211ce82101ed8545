"""The materials of an avatar. Node sockets and what their numbers mean: Blender 3.4 manual, "Shader Nodes"."""

import math
from typing import Any

import bpy
import numpy as np

from avatar.scene.blender.nodes import Nodes, new_material, opaque
from avatar.scene.looks import Colour, Look
from avatar.scene.versions import SceneVersion

CORNEA_IOR, TEAR_IOR = 1.60, 1.33
LASH_COLOUR: Colour = (0.012, 0.009, 0.008)
# Inside of the mouth a little emission stands in for the light that bounces there more often than is traced.
MOUTH_GLOW, TOOTH_GLOW, IRIS_GLOW = 0.045, 0.04, 0.10


def skin_material(look: Look, version: SceneVersion) -> bpy.types.Material:
    """Vertex colours with mottling, freckles and pores; reads the attributes colour, roughness, freckles and rest."""
    material, nodes = new_material("skin")
    place, colour = nodes.vector_of("rest"), nodes.colour_of("colour")
    patches, mottles = nodes.noise(place, 0.55, 3.0), nodes.noise(place, 5.0, 2.0)
    colour = nodes.tinted(colour, nodes.step(patches, 0.35, 0.75, 0, 0.55), (1.0, 0.86, 0.84))
    colour = nodes.tinted(colour, nodes.step(mottles, 0.50, 0.70, 0, 0.30), (0.90, 0.80, 0.78))
    if look.freckles > 0:
        cells = nodes.add("TexVoronoi", {"Vector": place, "Scale": 2.7, "Randomness": 1.0}).outputs["Distance"]
        spots = nodes.step(cells, 0.10, 0.24, 1.0, 0.0)
        spots = nodes.math("MULTIPLY", spots, nodes.step(nodes.noise(place, 1.3, 1.0), 0.46, 0.62))
        spots = nodes.math("MULTIPLY", spots, nodes.value_of("freckles"))
        spots = nodes.math("MULTIPLY", spots, look.freckles)
        colour = nodes.tinted(colour, spots, (0.52, 0.34, 0.25))
    roughness = nodes.math("ADD", nodes.value_of("roughness"), nodes.step(mottles, 0.3, 0.7, -0.05, 0.07))
    pores = nodes.noise(place, 9.0, 2.0, roughness=0.6)
    bump = nodes.add("Bump", {"Strength": 0.14, "Distance": 0.06, "Height": pores}).outputs[0]
    inputs = {"Base Color": colour, "Roughness": roughness, "Specular": 0.38, "Normal": bump}
    if version.skin:
        inputs |= _lifelike(nodes, place, colour, roughness)
    nodes.finish(nodes.add("BsdfPrincipled", inputs).outputs[0])
    return material


def _lifelike(nodes: Nodes, place: Any, colour: Any, roughness: Any) -> dict[str, Any]:
    """What takes the wax off skin: uneven blood, grain, a broken shine and a little relief.

    Light that scatters inside of the skin would do more, but takes twice the time and sprinkles red at 16 samples.
    """
    blood, grain = nodes.noise(place, 0.9, 3.0, roughness=0.55), nodes.noise(place, 8.0, 2.0, roughness=0.6)
    colour = nodes.tinted(colour, nodes.step(blood, 0.40, 0.70, 0, 0.45), (1.0, 0.82, 0.80))
    colour = nodes.tinted(colour, nodes.step(grain, 0.38, 0.66, 0, 0.6), (0.90, 0.84, 0.82))
    shine = nodes.step(nodes.noise(place, 5.0, 2.0, roughness=0.6), 0.35, 0.65, -0.10, 0.12)
    relief = nodes.noise(place, 4.5, 3.0, roughness=0.65)
    return {
        "Base Color": colour,
        "Roughness": nodes.math("ADD", roughness, shine),
        "Specular": 0.42,
        "Normal": nodes.add("Bump", {"Strength": 0.15, "Distance": 0.06, "Height": relief}).outputs[0],
    }


def mouth_material() -> bpy.types.Material:
    """Gums, tongue, throat and the inside of the lids."""
    material, nodes = new_material("mouth")
    colour = nodes.colour_of("colour")
    inputs = {"Base Color": colour, "Roughness": nodes.value_of("roughness"), "Specular": 0.35}
    nodes.finish(
        nodes.add("BsdfPrincipled", {**inputs, "Emission": colour, "Emission Strength": MOUTH_GLOW}).outputs[0]
    )
    return material


def tooth_material(version: SceneVersion) -> bpy.types.Material:
    material, nodes = new_material("teeth")
    colour = nodes.colour_of("colour")
    inputs = {"Base Color": colour, "Roughness": 0.20, "Specular": 0.45}
    if version.teeth:
        inputs |= {"Roughness": 0.36, "Specular": 0.30}  # a sharper reflection is a speckle at 16 samples
    nodes.finish(
        nodes.add("BsdfPrincipled", {**inputs, "Emission": colour, "Emission Strength": TOOTH_GLOW}).outputs[0]
    )
    return material


def _from_pupil(nodes: Nodes) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Direction and distance from the pupil on the eyeball's texture, where the cornea ends at 0.12."""
    place = nodes.add("UVMap", uv_map="uv").outputs[0]
    away = nodes.vector("SUBTRACT", place, (0.5, 0.5, 0)).outputs[0]
    return away, nodes.vector("LENGTH", away).outputs["Value"]


def sclera_material() -> bpy.types.Material:
    """The white of the eye with its veins, and before the iris the clear cornea, a thin shell that reflects."""
    material, nodes = new_material("sclera")
    away, distance = _from_pupil(nodes)
    threads = nodes.noise(away, 26.0, 3.0, distortion=1.5)
    stops = [
        (0.10, (0.56, 0.57, 0.58)),
        (0.17, (0.66, 0.65, 0.64)),
        (0.25, (0.62, 0.58, 0.56)),
        (0.36, (0.50, 0.36, 0.33)),
    ]
    veins = nodes.math("MULTIPLY", nodes.step(threads, 0.54, 0.62), nodes.step(distance, 0.15, 0.30, 0.05, 0.5))
    colour = nodes.mix(veins, nodes.ramp(distance, stops), (0.60, 0.26, 0.23, 1))
    white = nodes.add("BsdfPrincipled", {"Base Color": colour, "Roughness": 0.10, "Specular": 0.5}).outputs[0]
    behind = nodes.add("NewGeometry").outputs["Backfacing"]
    mirror = nodes.add("Fresnel", {"IOR": CORNEA_IOR}).outputs[0]
    mirror = nodes.math("MULTIPLY", mirror, nodes.math("SUBTRACT", 1.0, behind))
    clear, gloss = nodes.add("BsdfTransparent").outputs[0], nodes.add("BsdfGlossy", {"Roughness": 0.03}).outputs[0]
    cornea = nodes.mix_shaders(mirror, clear, gloss)
    lining = nodes.add("BsdfDiffuse", {0: (0.01, 0.008, 0.008, 1)}).outputs[0]
    white = nodes.mix_shaders(behind, white, lining)
    nodes.finish(nodes.mix_shaders(nodes.step(distance, 0.106, 0.134), cornea, white))
    return material


def iris_material(look: Look) -> bpy.types.Material:
    """Rings from the pupil to the dark limbus, with fibres."""
    material, nodes = new_material("iris")
    away, distance = _from_pupil(nodes)
    parts = nodes.add("SeparateXYZ", {0: away})
    angle = nodes.math("ARCTAN2", parts.outputs[1], parts.outputs[0])
    spoke = {
        0: nodes.math("COSINE", angle),
        1: nodes.math("SINE", angle),
        2: nodes.math("MULTIPLY", distance, 2.2),
    }
    fibres = nodes.noise(nodes.add("CombineXYZ", spoke).outputs[0], 9.0, 3.0, roughness=0.6)
    iris = np.array(look.iris)
    warm = iris * 0.75 + np.array([0.28, 0.17, 0.05]) * 0.45
    rings = [
        (0.235, (0, 0, 0)),
        (0.262, iris * 0.25),
        (0.33, warm * 1.25),
        (0.50, iris * 1.25),
        (0.66, iris),
        (0.755, iris * 0.40),
        (0.83, iris * 0.06),
        (0.97, (0.02, 0.02, 0.022)),
    ]
    colour = nodes.ramp(nodes.math("MULTIPLY", distance, 2.0), rings)
    contrast = nodes.step(fibres, 0.30, 0.72, 0.45, 1.45)
    grey = nodes.add("CombineRGB", {0: contrast, 1: contrast, 2: contrast}).outputs[0]
    colour = nodes.mix(1.0, colour, grey, "MULTIPLY")
    diffuse = nodes.add("BsdfDiffuse", {0: colour}).outputs[0]
    glow = nodes.add("Emission", {0: colour, 1: IRIS_GLOW}).outputs[0]
    nodes.finish(nodes.add("AddShader", {0: diffuse, 1: glow}).outputs[0])
    return material


def wet_material() -> bpy.types.Material:
    """Tears in the corner of the eye: nothing but a reflection."""
    material, nodes = new_material("wet")
    mirror = nodes.add("Fresnel", {"IOR": TEAR_IOR}).outputs[0]
    clear, gloss = nodes.add("BsdfTransparent").outputs[0], nodes.add("BsdfGlossy", {"Roughness": 0.06}).outputs[0]
    nodes.finish(nodes.mix_shaders(mirror, clear, gloss))
    return material


def cloth_material(colour: Colour, *, creased: bool) -> bpy.types.Material:
    material, nodes = new_material("cloth")
    place = nodes.add("TexCoord").outputs["Object"]
    shades = nodes.step(nodes.noise(place, 0.18, 3.0), 0.3, 0.7)
    base = nodes.mix(shades, opaque(np.array(colour) * 0.86), opaque(np.array(colour) * 1.12))
    inputs = {"Base Color": base, "Roughness": 0.92, "Specular": 0.15, "Sheen": 0.6}
    if creased:
        creases = nodes.noise(place, 0.32, 4.0, distortion=0.8)
        inputs["Normal"] = nodes.add("Bump", {"Strength": 0.5, "Distance": 0.9, "Height": creases}).outputs[0]
    nodes.finish(nodes.add("BsdfPrincipled", inputs).outputs[0])
    return material


def hair_material(name: str, colour: Colour) -> bpy.types.Material:
    """Cheap opaque strands: half diffuse, half one lobe of reflection, each strand a little darker or lighter."""
    material, nodes = new_material(name)
    base = np.array(colour)
    chance = nodes.add("HairInfo").outputs["Random"]
    shade = nodes.mix(chance, opaque(base * 0.70), opaque(base * 1.35))
    diffuse = nodes.add("BsdfDiffuse", {0: shade}).outputs[0]
    inputs = {
        "Color": opaque(np.minimum(base * 1.1 + 0.11, 1)),
        "Offset": math.radians(4),
        "RoughnessU": 0.22,
        "RoughnessV": 0.8,
    }
    gloss = nodes.add("BsdfHair", inputs, component="Reflection").outputs[0]
    nodes.finish(nodes.mix_shaders(0.50, diffuse, gloss))
    return material


def brow_colour(look: Look) -> Colour:
    """Of the hair, with a little skin showing through."""
    red, green, blue = np.array(look.hair_colour) + np.array(look.skin) * 0.045
    return float(red), float(green), float(blue)
