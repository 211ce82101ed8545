"""The scene that the avatars are rendered from: what they look like, how they move, and the pictures of both.

Geometry, hair, clothes, colours, motion and the camera are plain numpy and run anywhere; `blender/` turns them into
pictures and runs inside of Blender.
"""
