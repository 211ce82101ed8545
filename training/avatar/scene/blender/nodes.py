"""Short names for building Blender's shader node trees."""

from typing import Any

import bpy


def opaque(colour: Any) -> tuple[float, ...]:
    """RGB → RGBA."""
    return (*(float(channel) for channel in colour), 1.0)


class Nodes:
    """A node tree being written. Values are numbers, tuples or outputs of nodes before."""

    def __init__(self, tree: bpy.types.NodeTree):
        self.tree = tree
        tree.nodes.clear()

    def add(self, kind: str, inputs: dict[Any, Any] | None = None, **settings: Any) -> bpy.types.Node:
        """A node of `kind` without its prefix, such as `BsdfDiffuse`, with inputs by name or number."""
        node = self.tree.nodes.new("ShaderNode" + kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            self.join(value, node.inputs[name])
        return node

    def join(self, value: Any, socket: bpy.types.NodeSocket) -> None:
        """Gives an input a constant or another node's output."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, a: Any, b: Any = 0.0) -> bpy.types.NodeSocket:
        return self.add("Math", {0: a, 1: b}, operation=operation).outputs[0]

    def vector(self, operation: str, a: Any, b: Any = None) -> bpy.types.Node:
        return self.add("VectorMath", {0: a} if b is None else {0: a, 1: b}, operation=operation)

    def mix(self, share: Any, a: Any, b: Any, blend: str = "MIX") -> bpy.types.NodeSocket:
        """Colour a turned into b by `share`."""
        return self.add("MixRGB", {0: share, 1: a, 2: b}, blend_type=blend).outputs[0]

    def tinted(self, colour: Any, share: Any, tint: tuple[float, float, float]) -> bpy.types.NodeSocket:
        """A colour multiplied by `tint` where `share` is 1."""
        return self.mix(share, colour, self.mix(1.0, colour, opaque(tint), "MULTIPLY"))

    def mix_shaders(self, share: Any, a: Any, b: Any) -> bpy.types.NodeSocket:
        return self.add("MixShader", {0: share, 1: a, 2: b}).outputs[0]

    def ramp(self, value: Any, stops: list[tuple[float, Any]], ease: bool = False) -> bpy.types.NodeSocket:
        """The colour at `value` between stops (position, RGB)."""
        node = self.add("ValToRGB", {0: value})
        elements = node.color_ramp.elements
        node.color_ramp.interpolation = "EASE" if ease else "LINEAR"
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, opaque(colour)
        return node.outputs[0]

    def step(self, value: Any, start: float, end: float, low: float = 0.0, high: float = 1.0) -> bpy.types.NodeSocket:
        """`low` where value is `start`, `high` where it is `end`, smooth between."""
        inputs = {0: value, 1: start, 2: end, 3: low, 4: high}
        return self.add("MapRange", inputs, interpolation_type="SMOOTHSTEP").outputs[0]

    def noise(self, place: Any, scale: float, detail: float, **more: float) -> bpy.types.NodeSocket:
        """Perlin noise about 0.5; more: `roughness`, `distortion`."""
        extra = {name.capitalize(): value for name, value in more.items()}
        return self.add("TexNoise", {"Vector": place, "Scale": scale, "Detail": detail, **extra}).outputs["Fac"]

    def colour_of(self, attribute: str) -> bpy.types.NodeSocket:
        return self.add("Attribute", attribute_name=attribute).outputs[0]

    def vector_of(self, attribute: str) -> bpy.types.NodeSocket:
        return self.add("Attribute", attribute_name=attribute).outputs[1]

    def value_of(self, attribute: str) -> bpy.types.NodeSocket:
        return self.add("Attribute", attribute_name=attribute).outputs[2]

    def finish(self, shader: Any, kind: str = "OutputMaterial") -> None:
        self.add(kind, {0: shader})


def new_material(name: str) -> tuple[bpy.types.Material, Nodes]:
    """An empty material; what its nodes `finish` with is its surface."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    return material, Nodes(material.node_tree)
