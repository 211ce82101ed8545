"""The part of the scene that runs inside of Blender 3.4, and the only one that imports `bpy` and `mathutils`."""
