"""Scalp hair: a few hundred guides grown step by step over the skin, and thousands of strands between them.

Style rules are written for the generic head (`at` below), growth happens on the avatar's own skin. Units are cm.
"""

from dataclasses import dataclass

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.head import SKIN_PARTS, Head, ears
from avatar.scene.shaping import smooth, triangles, unit
from avatar.scene.skin_surface import NearSurface, height_above
from avatar.scene.strands import clump, length_share, resample

# Height of the hairline by the angle from straight ahead, degrees: forehead, temples, above the ears, nape.
HAIRLINE_DEG = (0, 12, 25, 38, 48, 57, 64, 70, 77, 83, 90, 104, 114, 124, 140, 180)
HAIRLINE_CM = (10.3, 10.35, 10.2, 9.5, 8.3, 6.9, 5.0, 2.6, 1.2, 4.6, 5.0, 4.4, 1.0, -2.5, -4.6, -5.4)
PARTING_CM = {"short": 3.0, "bob": 1.6}  # x of the parting, on the person's left
FEWEST_GUIDES = 700
STRANDS_PER_GUIDE = 7
GUIDE_POINTS = 9
CHUNK = 1500
BOB_ENDS_CM = -7.8


def scalp_height(model: FaceModel) -> np.ndarray:
    """(V,): about how many cm inside of the hairline a vertex is; negative where no hair grows."""
    x, y, z = model.neutral.T
    around = np.degrees(np.arctan2(x, z + 0.5))
    height = y - np.interp(np.abs(around), HAIRLINE_DEG, HAIRLINE_CM)
    height[model.parts["head_neck"][1] + 1 :] = -9
    height[ears(model)] = -5
    return height


@dataclass(frozen=True)
class Roots:
    """position, normal (N, 3) on the avatar; at (N, 3) the same places on the generic head; inside (N,): cm from the
    hairline.
    """

    position: np.ndarray
    normal: np.ndarray
    at: np.ndarray
    inside: np.ndarray


def sample_roots(head: Head, count: int, random: np.random.Generator, feather: float) -> Roots:
    """At most `count` roots spread evenly over the scalp, thinning out over `feather` cm at the hairline."""
    model = head.model
    height = scalp_height(model)
    corners = triangles(model.part_faces(*SKIN_PARTS))
    corners = corners[height[corners].max(1) > 0]
    a, b, c = (head.base[corners[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = corners[random.choice(len(corners), size=int(count * 1.6), p=area / area.sum())]
    share = random.dirichlet([1, 1, 1], len(chosen))
    inside = (height[chosen] * share).sum(1)
    kept = random.random(len(chosen)) < smooth(-feather * 0.3, feather, inside)
    chosen, share, inside = chosen[kept][:count], share[kept][:count], inside[kept][:count]

    def mixed(values: np.ndarray) -> np.ndarray:
        return (values[chosen] * share[..., None]).sum(1)

    return Roots(mixed(head.base), unit(mixed(head.normals)), mixed(model.neutral), inside)


def _tangent(direction: np.ndarray, normal: np.ndarray, share: np.ndarray | float = 1.0) -> np.ndarray:
    """Directions (N, 3) without `share` of what points along the normals."""
    return direction - normal * (direction * normal).sum(1)[:, None] * share


def _short(roots: Roots, skin: NearSurface, random: np.random.Generator) -> np.ndarray:
    """A neat short cut: the top combed to both sides of the parting, the sides down and back."""
    count, at = len(roots.position), roots.at
    random.random(count)  # keeps the draws below those that the existing pictures were made with
    top = smooth(8.0, 11.0, at[:, 1])
    front = smooth(2.0, 7.0, at[:, 2]) * top
    side = np.tanh((at[:, 0] - PARTING_CM["short"]) / 0.5)
    on_top = np.stack([0.85 * side, 0.10 + 0.45 * front, -0.55 + 0.15 * front], 1)
    back = smooth(-2, -6, at[:, 2])[:, None]
    at_side = np.array([0, -0.80, -0.55]) * (1 - back) + np.array([0, -1.0, -0.1]) * back
    flow = on_top * top[:, None] + at_side * (1 - top[:, None])
    length = 5.2 * top * (1 + 0.15 * front) + (1 - top) * np.interp(at[:, 1], [-5, 0, 5, 9], [0.7, 0.9, 1.7, 3.8])
    length = length * random.uniform(0.75, 1.08, count) * np.where(roots.inside < 0.6, 0.75, 1.0)
    lift = 0.95 * top + 0.30 * (1 - top) + 0.35 * front
    high, low = random.uniform(0.15, 1.5, count), random.uniform(0.05, 0.45, count)
    volume = np.where(top > 0.5, high, low)

    steps, turn = 10, 0.32
    points = [roots.position]
    direction = unit(unit(flow) + roots.normal * lift[:, None] + random.normal(0, 0.10, (count, 3)))
    for step in range(steps):
        ahead = points[-1] + direction * (length / steps)[:, None]
        position, normal = skin.nearest(ahead)
        above = height_above(ahead, position, normal)
        wanted = np.maximum(0.06, volume * np.sin(np.pi * min((step + 1) / steps * 0.8, 0.5)))
        points.append(ahead + normal * np.maximum(wanted * 0.35 - above, 0)[:, None])
        too_high = np.clip((above - volume) / 0.6, 0, 1)[:, None]
        pull = unit(_tangent(flow, normal)) + np.array([0, -0.18, 0]) - normal * too_high * 0.8
        direction = unit(direction * (1 - turn) + pull * turn + random.normal(0, 0.035, (count, 3)))
    strands = resample(np.stack(points, 1), GUIDE_POINTS, np.ones(count))
    return clump(strands, random, 16, 0.55)


def _bob(roots: Roots, skin: NearSurface, random: np.random.Generator) -> np.ndarray:
    """Parted hair that falls beside the face and is cut at the jaw, ends turned in."""
    count, at = len(roots.position), roots.at
    random.random(count)  # as in `_short`
    back = smooth(-1.0, -5.0, at[:, 2])
    side = np.where(at[:, 0] > PARTING_CM["bob"], 1.0, -1.0)
    none = np.zeros(count)
    away = unit(np.stack([at[:, 0], none, np.minimum(at[:, 2] + 3.5, -0.5)], 1))
    volume = random.uniform(0.12, 1.15, count) * (0.75 + 0.25 * smooth(13.5, 9, at[:, 1]))
    end = BOB_ENDS_CM + random.normal(0, 0.35, count) + 0.8 * back

    step_cm, steps = 0.85, 34
    points, direction = [roots.position], None
    for step in range(steps):
        here = points[-1]
        position, normal = skin.nearest(here)
        above = height_above(here, position, normal)
        crown = smooth(0.30, 0.85, normal[:, 1])[:, None]
        parted = np.stack([side, none - 0.15, none - 0.55], 1)
        over_crown = parted * (1 - back[:, None]) + (away + np.array([0, -0.25, 0])) * back[:, None]
        front = smooth(1.0, 5.0, here[:, 2])[:, None]
        falling = np.stack([0.10 * side, none - 1.0, none], 1) + front * np.array([0, 0, -0.35])
        outward = unit(np.stack([here[:, 0], none, here[:, 2] + 1.5], 1))
        falling = falling - smooth(BOB_ENDS_CM + 4.5, BOB_ENDS_CM, here[:, 1])[:, None] * outward * 0.30
        flow = over_crown * crown + falling * (1 - crown)
        too_high = np.clip((above - volume - 0.15) / 0.8, 0, 1.2) * smooth(2, 6, here[:, 1])
        flow = flow - normal * too_high[:, None]
        clinging = smooth(1.6, 0.8, above) * smooth(-5.0, 0.0, here[:, 1])
        flow = unit(_tangent(flow, normal, clinging[:, None]))
        if direction is None:
            direction = unit(flow + roots.normal * 0.55 + random.normal(0, 0.06, (count, 3)))
        else:
            direction = unit(direction * 0.62 + flow * 0.38 + random.normal(0, 0.018, (count, 3)))
        ahead = here + direction * step_cm
        position, normal = skin.nearest(ahead)
        wanted = 0.06 + volume * min((step + 1) / 5.0, 1.0) * 0.9
        lack = np.clip(wanted - height_above(ahead, position, normal), 0, 0.55)
        ahead = ahead + normal * (lack * smooth(-13, -6, ahead[:, 1]))[:, None]
        free_heights, free_widths = [-12, -8, -4, 0, 4, 7.5, 9.5], [6.4, 6.2, 6.6, 7.0, 7.0, 6.0, 0.0]
        free = np.interp(ahead[:, 1], free_heights, free_widths) + volume * 0.25
        before_face = (ahead[:, 2] > 1.5) & (np.abs(ahead[:, 0]) < free)
        ahead[before_face, 0] += (side * free - ahead[:, 0])[before_face] * 0.6
        points.append(ahead)
    strands = np.stack(points, 1)
    below = strands[:, :, 1] < end[:, None]
    first = np.where(below.any(1), below.argmax(1), steps)
    strands = resample(strands, GUIDE_POINTS + 5, length_share(strands, first))
    return clump(strands, random, 22, 0.55)


STYLES = {"short": _short, "bob": _bob}


def grow_guides(head: Head, skin: NearSurface, style: str, count: int, seed: int) -> np.ndarray:
    """(N, K, 3): guide strands. Raises KeyError for a style that is not in `STYLES`."""
    random = np.random.default_rng(seed)
    strands = STYLES[style](sample_roots(head, count, random, feather=0.5), skin, random)
    along = np.linspace(0, 1, strands.shape[1])[None, :, None]
    return strands + random.normal(0, 1, (len(strands), 1, 3)) * 0.05 * along


def grow_hair(head: Head, skin: NearSurface, style: str, count: int, seed: int) -> np.ndarray:
    """float32 (N ≤ count, K, 3): strands, each a random mixture of the three guides nearest to its root."""
    random = np.random.default_rng(seed + 77)
    guides = grow_guides(head, skin, style, max(FEWEST_GUIDES, count // STRANDS_PER_GUIDE), seed)
    roots = sample_roots(head, count, random, feather=0.35).position
    parting, guide_roots = PARTING_CM[style], guides[:, 0]
    out = np.empty((len(roots), guides.shape[1], 3))
    along = np.linspace(0, 1, guides.shape[1])[None, :, None]
    for begin in range(0, len(roots), CHUNK):
        root = roots[begin : begin + CHUNK]
        away = ((root[:, None] - guide_roots[None]) ** 2).sum(2)
        across = (root[:, None, 0] - parting) * (guide_roots[None, :, 0] - parting) < 0
        away = away + 25.0 * (across & (root[:, None, 2] > -3))  # hair does not mix across the parting
        nearest = np.argpartition(away, 2, axis=1)[:, :3]
        weight = 1 / (np.take_along_axis(away, nearest, 1) + 0.02)
        weight = weight * random.random(weight.shape) ** 1.5
        weight /= weight.sum(1, keepdims=True)
        mixed = (guides[nearest] * weight[:, :, None, None]).sum(1)
        out[begin : begin + CHUNK] = mixed + (root - mixed[:, 0])[:, None] * (1 - 0.45 * along)
    count = len(roots)
    length = np.linalg.norm(out[:, -1] - out[:, 0], axis=1)
    bend = random.normal(0, 0.5, (count, 1, 3)) * 0.045
    bend = bend * np.sin(np.pi * along * random.uniform(0.6, 1.6, (count, 1, 1)))
    jitter = random.normal(0, 0.012, out.shape) * along
    return (out + bend * np.minimum(length / 4, 1)[:, None, None] + jitter).astype(np.float32)
