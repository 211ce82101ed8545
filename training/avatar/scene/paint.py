"""The colour, roughness and freckles of every vertex of a head, from where it is on the generic face.

Positions and widths are centimetres on the model's neutral face, so that one set of rules paints all identities alike;
colours are linear RGB.
"""

from dataclasses import dataclass

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.hair import scalp_height
from avatar.scene.head import LAST_PART
from avatar.scene.looks import Look
from avatar.scene.shaping import distance_to, polyline, smooth
from avatar.scene.tongue import Tongue
from avatar.scene.versions import SceneVersion

EYE_LANDMARKS = (range(36, 42), range(42, 48))
BROW_LANDMARKS = (range(17, 22), range(22, 27))
OUTER_LIP_LANDMARKS = range(48, 60)
DARKEST = 0.004
BETWEEN_JAWS_Y, TOOTH_REACH_CM = -3.3, 3.0
TONGUE_COLOUR = np.array([0.52, 0.20, 0.19])
TOOTH_COLOUR = np.array([0.86, 0.82, 0.73])
ENAMEL_COLOUR = np.array([0.62, 0.57, 0.48])
GUM_COLOUR = np.array([0.46, 0.16, 0.15])
TONGUE_TIP_COLOUR = np.array([0.58, 0.20, 0.19])
THROAT_COLOUR = np.array([0.16, 0.03, 0.03])


@dataclass(frozen=True)
class Paint:
    """Of the first V vertices: colour (V, 3) and roughness (V,) in 0…1, freckles (V,) how likely there are any."""

    colour: np.ndarray
    roughness: np.ndarray
    freckles: np.ndarray


class Canvas:
    """The vertices being painted; spots on them are Gaussians, 1 at their centre."""

    def __init__(self, model: FaceModel):
        self.model = model
        self.count = model.parts[LAST_PART][1] + 1
        self.at = model.neutral[: self.count]

    def spot(self, centre: tuple[float, ...], radius: tuple[float, ...]) -> np.ndarray:
        return np.exp(-(((self.at - np.array(centre)) / np.array(radius)) ** 2).sum(1))

    def spots(self, centre: tuple[float, ...], radius: tuple[float, ...]) -> np.ndarray:
        """The same on both sides of the face."""
        mirrored = (-centre[0], *centre[1:])
        return self.spot(centre, radius) + self.spot(mirrored, radius)

    def along(self, landmarks: range, width: float, drop: float = 0.0, reach: float = 5.0) -> np.ndarray:
        """A line through landmarks, moved down by `drop`, fading over `width`; nothing farther away than `reach`."""
        path = self.model.neutral[self.model.landmarks[landmarks]] + np.array([0, -drop, 0])
        near = np.linalg.norm(self.at - path.mean(0), axis=1) < reach
        out = np.zeros(self.count)
        out[near] = np.exp(-((distance_to(self.at[near], polyline(path, 10)) / width) ** 2))
        return out


def _blush(canvas: Canvas) -> np.ndarray:
    """Where blood shows through the skin."""
    return (
        0.85 * canvas.spots((4.9, -0.3, 8.8), (2.3, 1.9, 3.0))  # cheeks
        + 0.75 * canvas.spot((0, 0.5, 12.9), (1.6, 1.3, 1.8))  # nose
        + 0.35 * canvas.spot((0, -7.0, 10.8), (1.6, 1.0, 2))  # chin
        + 0.9 * canvas.spots((8.4, 1.5, 0.0), (1.4, 3.4, 3.0))  # ears
        + 0.25 * canvas.spots((3.1, 5.0, 9.5), (2.0, 1.0, 2))  # upper lids
        + 0.25 * canvas.spot((0, -15, 5), (6, 3, 4))  # chest
    )


def _lids(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """The rim of the lids and the shade about it, which is strongest above the eye."""
    rim, shade = np.zeros(canvas.count), np.zeros(canvas.count)
    for eye in EYE_LANDMARKS:
        loop = canvas.model.neutral[canvas.model.landmarks[eye]]
        closed = np.concatenate([loop, loop[:1]])
        near = np.linalg.norm(canvas.at - loop.mean(0), axis=1) < 4
        away = distance_to(canvas.at[near], polyline(closed, 12))
        corners = loop[[0, 3]][np.argsort(loop[[0, 3], 0])]
        x, y = canvas.at[near, 0], canvas.at[near, 1]
        above = y > np.interp(x, corners[:, 0], corners[:, 1]) - 0.05
        rim[near] = np.maximum(rim[near], np.exp(-((away / 0.16) ** 2)))
        shade[near] = np.maximum(shade[near], np.exp(-((away / 0.55) ** 2)) * np.where(above, 1, 0.45))
    return rim, shade


def _catmull_rom(loop: np.ndarray, steps: int) -> np.ndarray:
    """A smooth closed curve through the points (N, 2) of a loop, `steps` points to each side."""
    curve = []
    for index in range(len(loop)):
        p0, p1, p2, p3 = (loop[(index + shift) % len(loop)] for shift in (-1, 0, 1, 2))
        for t in np.linspace(0, 1, steps, endpoint=False):
            cubic = (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            curve.append(0.5 * (2 * p1 + (p2 - p0) * t + cubic))
    return np.array(curve)


def _inside(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """bool (P,): which points (P, 2) lie inside of a closed outline (N, 2), by counting crossings."""
    x, y = points.T
    inside = np.zeros(len(points), bool)
    for a, b in zip(outline, np.roll(outline, -1, 0), strict=True):
        crosses_at = (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1] + 1e-12) + a[0]
        inside ^= ((a[1] > y) != (b[1] > y)) & (x < crosses_at)
    return inside


def lip_depth(model: FaceModel, count: int) -> np.ndarray:
    """(count,): how far inside of the lips' outline a vertex is, on the face's texture (whose width is 1); else below
    0.
    """
    places = model.vertex_uv("face")
    outline = _catmull_rom(places[model.landmarks[OUTER_LIP_LANDMARKS]], 10)
    places = places[:count]
    u, v = places.T
    with np.errstate(invalid="ignore"):
        near = (np.abs(u - 0.5) < 0.2) & (v > 0.25) & (v < 0.6)
    away = np.ones(count)
    away[near] = distance_to(places[near], outline)
    inside = np.zeros(count, bool)
    inside[near] = _inside(places[near], outline)
    return np.where(inside, away, -away)


def _blend(colour: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return colour * (1 - share[:, None]) + other * share[:, None]


def _tooth_number(model: FaceModel) -> np.ndarray:
    """int (T,): which tooth each vertex of the teeth belongs to; teeth are separate pieces of mesh."""
    first, last = model.parts["teeth"]
    number = np.arange(last - first + 1)
    edges = model.part_faces("teeth")
    corners = np.where(edges < 0, edges[:, :1], edges) - first
    while True:
        least = number[corners].min(1)
        before = number.copy()
        np.minimum.at(number, corners.ravel(), np.repeat(least, 4))
        if (number == before).all():
            return number


def tooth_colours(model: FaceModel) -> np.ndarray:
    """(T, 3): enamel, darker and warmer towards the gums, the gaps and the back of the mouth, where little light comes.

    Between two teeth of one jaw a vertex is as near to the other tooth as the gap is wide.
    """
    at, number = model.neutral[model.part("teeth")], _tooth_number(model)
    heights = {tooth: at[number == tooth, 1].mean() for tooth in np.unique(number)}
    upper = np.array([heights[tooth] > BETWEEN_JAWS_Y for tooth in number])
    gap = np.full(len(at), np.inf)
    for tooth in heights:
        own = number == tooth
        beside = ~own & (upper == upper[own][0]) & (np.linalg.norm(at - at[own].mean(0), axis=1) < TOOTH_REACH_CM)
        if beside.any():
            gap[own] = distance_to(at[own], at[beside])
    root = np.where(upper, smooth(-3.1, -2.6, at[:, 1]), smooth(-3.75, -4.2, at[:, 1]))
    light = (1 - 0.48 * smooth(0.16, 0.02, gap)) * (1 - 0.35 * root) * (1 - 0.72 * smooth(10.0, 7.4, at[:, 2]))
    return ENAMEL_COLOUR * light[:, None] ** np.array([1.0, 1.12, 1.3])


def _gum_colours(model: FaceModel) -> np.ndarray:
    """(G, 3): pink gums, a tongue that is lighter at its tip, and both dark towards the throat."""
    first, at = model.parts["gums_tongue"][0], model.neutral[model.part("gums_tongue")]
    colour = np.tile(GUM_COLOUR, (len(at), 1))
    shade = 0.75 * smooth(9.4, 5.0, at[:, 2])
    tongue = Tongue.of(model).vertices - first
    colour[tongue], shade[tongue] = TONGUE_TIP_COLOUR, 0.35 * smooth(8.0, 4.0, at[tongue, 2])
    return colour * (1 - shade)[:, None]


def paint(model: FaceModel, look: Look, version: SceneVersion) -> Paint:
    """Paints a head with an avatar's colours."""
    canvas = Canvas(model)
    at, skin = canvas.at, np.array(look.skin)
    colour = np.tile(skin, (canvas.count, 1))

    blush = np.clip(_blush(canvas) * look.blush, 0, 1.4)[:, None]
    colour = colour * (1 - blush * [0.02, 0.20, 0.20])
    forehead = 0.55 * canvas.spot((0, 8.2, 9.5), (5, 2.2, 5))[:, None]
    colour = colour * (1 + forehead * [0.03, 0.04, 0.00])
    under_eyes = canvas.spots((3.2, 1.7, 9.2), (1.7, 0.7, 2.0))[:, None]
    colour = colour * (1 - under_eyes * [0.06, 0.10, 0.04])

    rim, shade = _lids(canvas)
    rim_colour = skin * [0.80, 0.52, 0.52]
    colour = colour * (1 - shade[:, None] * look.makeup * [0.45, 0.55, 0.50])
    colour = _blend(colour, rim_colour, 0.75 * rim)

    depth = lip_depth(model, canvas.count)
    lips = smooth(-0.0035, 0.0060, depth)
    lip_colour = np.array(look.lips) * 0.85 + skin * 0.15
    colour = _blend(colour, lip_colour * (1 - 0.18 * smooth(0.012, 0.028, depth)[:, None]), lips)

    for side in (-1, 1):
        colour *= (1 - 0.55 * canvas.spot((side * 0.95, -0.55, 11.3), (0.45, 0.35, 0.8)))[:, None]  # nostrils

    beard = smooth(-1.5, -4.0, at[:, 1]) * smooth(2.5, 5, at[:, 2])
    beard *= 1 - smooth(-8.6, -10.5, at[:, 1] + 0.25 * (at[:, 2] - 8))
    beard = np.clip(beard + 0.9 * canvas.spot((0, -1.7, 11.8), (2.4, 0.55, 2)), 0, 1) * (1 - lips)
    colour *= 1 - look.stubble * beard[:, None] * [0.42, 0.38, 0.34]

    hair = np.array(look.hair_colour)
    scalp = smooth(-0.15, 0.9, scalp_height(model)[: canvas.count]) * 0.93
    colour = _blend(colour, hair * 0.8, scalp)
    brows = np.maximum(*(canvas.along(brow, 0.36, drop=0.10) for brow in BROW_LANDMARKS))
    colour = _blend(colour, hair, 0.33 * brows)

    shine = 0.10 * canvas.spot((0, 3, 12), (2.5, 6, 4)) + 0.05 * canvas.spots((5, 0, 9), (2.5, 2, 3))
    roughness = 0.50 - shine
    for share, value in ((lips, 0.36), (rim, 0.25), (scalp, 0.7)):
        roughness = roughness * (1 - share) + value * share

    inside = model.part("mouth_socket")
    throat = smooth(10.6, 5.0, at[inside, 2])
    colour[inside] = _blend(np.array(look.lips) * 0.8, THROAT_COLOUR, throat)
    sockets = np.concatenate([model.part("eye_socket_l"), model.part("eye_socket_r")])
    colour[sockets] = rim_colour
    roughness[np.concatenate([inside, sockets])] = 0.3
    tongue, teeth = model.part("gums_tongue"), model.part("teeth")
    colour[tongue], roughness[tongue] = TONGUE_COLOUR, 0.28
    colour[teeth] = TOOTH_COLOUR * (1 - 0.45 * smooth(10.2, 6.2, at[teeth, 2])[:, None])
    roughness[teeth] = 0.16
    if version.teeth:
        colour[teeth] = tooth_colours(model)
        colour[tongue] = _gum_colours(model)

    freckles = (
        canvas.spots((4.2, 0.6, 9.8), (2.6, 1.7, 3))
        + canvas.spot((0, 1.8, 12), (1.8, 2, 3))
        + 0.35 * canvas.spot((0, 8, 10), (5, 2, 4))
    )
    freckles = np.clip(freckles, 0, 1) * (1 - lips) * (1 - scalp) * (1 - shade)
    return Paint(np.clip(colour, DARKEST, 1), roughness, freckles)
