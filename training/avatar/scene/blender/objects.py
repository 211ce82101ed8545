"""Numpy arrays as Blender objects: meshes, and strands that are rendered as hair curves."""

import bpy
import numpy as np

from avatar.scene.blender.studio import to_blender


def add_attribute(mesh: bpy.types.Mesh, name: str, values: np.ndarray) -> None:
    """A float (V,) or a vector (V, 3) at every vertex, which materials read by name."""
    kind, field = ("FLOAT_VECTOR", "vector") if values.ndim == 2 else ("FLOAT", "value")
    mesh.attributes.new(name, kind, "POINT").data.foreach_set(field, np.asarray(values, np.float32).ravel())


def add_colours(mesh: bpy.types.Mesh, name: str, colours: np.ndarray) -> None:
    """Linear RGB (V, 3) at every vertex."""
    opaque = np.concatenate([colours, np.ones((len(colours), 1))], 1).astype(np.float32)
    mesh.attributes.new(name, "FLOAT_COLOR", "POINT").data.foreach_set("color", opaque.ravel())


def move_points(placed: bpy.types.Object, points: np.ndarray) -> None:
    """Puts the vertices of a mesh where points (…, 3) are, in the face model's axes."""
    placed.data.vertices.foreach_set("co", to_blender(points).ravel())
    placed.data.update()


def add_mesh(
    name: str,
    points: np.ndarray,
    polygons: np.ndarray,
    materials: list[bpy.types.Material],
    slots: np.ndarray | None = None,
    uv: np.ndarray | None = None,
) -> bpy.types.Object:
    """A smooth mesh of polygons (F, 4; −1 fourth for triangles). slots (F,): which of the materials each has. uv: of
    every corner that there is, polygon by polygon.
    """
    mesh = bpy.data.meshes.new(name)
    real = polygons >= 0
    corners, counts = polygons[real].astype(np.int32), real.sum(1)
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", to_blender(points).ravel())
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", corners)
    mesh.polygons.add(len(polygons))
    mesh.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32))
    mesh.polygons.foreach_set("loop_total", counts.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(polygons), bool))
    for material in materials:
        mesh.materials.append(material)
    if slots is not None:
        mesh.polygons.foreach_set("material_index", slots.astype(np.int32))
    if uv is not None:
        mesh.uv_layers.new(name="uv").data.foreach_set("uv", uv.ravel().astype(np.float32))
    mesh.update(calc_edges=True)
    placed = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(placed)
    return placed


def subdivide(placed: bpy.types.Object) -> None:
    """Renders a mesh with each polygon cut in four and rounded."""
    modifier = placed.modifiers.new("subdivide", "SUBSURF")
    modifier.levels = modifier.render_levels = 1


def add_strands(
    name: str, strands: np.ndarray, radii: np.ndarray, material: bpy.types.Material
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Strands (N, K, 3) of radii (N, K) in cm. Returns the hidden mesh of their points, which can be moved, and the
    hair that geometry nodes make of it, which is seen.
    """
    count, points, _ = strands.shape
    mesh = bpy.data.meshes.new(name + "_points")
    mesh.vertices.add(count * points)
    mesh.vertices.foreach_set("co", to_blender(strands).ravel())
    first = (np.arange(count)[:, None] * points + np.arange(points - 1)[None]).ravel()
    mesh.edges.add(len(first))
    mesh.edges.foreach_set("vertices", np.stack([first, first + 1], 1).astype(np.int32).ravel())
    add_attribute(mesh, "radius", radii.ravel())
    mesh.update()
    source = bpy.data.objects.new(name + "_points", mesh)
    source.hide_render = True

    group = bpy.data.node_groups.new(name, "GeometryNodeTree")
    group.inputs.new("NodeSocketGeometry", "Geometry")
    group.outputs.new("NodeSocketGeometry", "Geometry")
    new, link = group.nodes.new, group.links.new
    new("NodeGroupInput")
    taken, curves, thick = (
        new("GeometryNodeObjectInfo"),
        new("GeometryNodeMeshToCurve"),
        new("GeometryNodeSetCurveRadius"),
    )
    radius, painted, output = (
        new("GeometryNodeInputNamedAttribute"),
        new("GeometryNodeSetMaterial"),
        new("NodeGroupOutput"),
    )
    taken.inputs[0].default_value = source
    radius.data_type = "FLOAT"
    radius.inputs["Name"].default_value = "radius"
    painted.inputs["Material"].default_value = material
    link(taken.outputs["Geometry"], curves.inputs[0])
    link(curves.outputs[0], thick.inputs["Curve"])
    link(next(socket for socket in radius.outputs if socket.enabled), thick.inputs["Radius"])
    link(thick.outputs[0], painted.inputs[0])
    link(painted.outputs[0], output.inputs[0])

    data = bpy.data.hair_curves.new(name)
    data.materials.append(material)
    seen = bpy.data.objects.new(name, data)
    seen.modifiers.new("strands", "NODES").node_group = group
    for placed in (source, seen):
        bpy.context.scene.collection.objects.link(placed)
    return source, seen
