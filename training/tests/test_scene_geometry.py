"""Hair, lashes, clothes and paint on a synthetic head, whose skin is a ball where growth needs one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from avatar.face_model import FaceModel
from avatar.scene.clothes import CLEARANCE_CM, tailor
from avatar.scene.facial_hair import BoundStrands, grow_brows, grow_lashes
from avatar.scene.hair import STYLES, grow_hair, scalp_height
from avatar.scene.head import Head, ears
from avatar.scene.looks import LOOKS
from avatar.scene.paint import lip_depth, paint, tooth_colours
from avatar.scene.shaping import smooth, triangles, unit
from avatar.scene.strands import clump, length_share, resample
from avatar.scene.versions import LATEST, VERSIONS
from tests.synthetic_head import write_synthetic_head


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> FaceModel:
    return FaceModel.read(write_synthetic_head(tmp_path_factory.mktemp("head") / "face.npz"))


@dataclass(frozen=True)
class Ball:
    """A skin whose nearest places are known exactly."""

    centre: np.ndarray
    radius: float

    def nearest(self, points):
        normal = unit(points - self.centre)
        return self.centre + normal * self.radius, normal

    def behind(self, points):
        x, y = (points - self.centre)[:, :2].T
        z = np.sqrt(self.radius**2 - x**2 - y**2)
        position = self.centre + np.stack([x, y, z], 1)
        return position, (position - self.centre) / self.radius, np.zeros(len(points), int)


def test_smooth_steps_run_both_ways():
    assert smooth(0, 2, 1) == smooth(2, 0, 1) == 0.5
    assert smooth(2, 0, -1) == 1


def test_quads_are_cut_in_two_and_triangles_kept():
    assert len(triangles(np.array([[0, 1, 2, -1], [0, 1, 2, 3]]))) == 3


def test_resampled_strands_keep_their_share_of_the_length():
    zigzag = np.cumsum(np.random.default_rng(0).normal(size=(5, 40, 3)), 1)

    short = resample(zigzag, 400, np.full(5, 0.5))

    length = np.linalg.norm(np.diff(zigzag, axis=1), axis=2).sum(1)
    np.testing.assert_allclose(np.linalg.norm(np.diff(short, axis=1), axis=2).sum(1), length / 2, rtol=0.02)
    np.testing.assert_array_equal(short[:, 0], zigzag[:, 0])
    np.testing.assert_allclose(length_share(zigzag, np.full(5, 39)), 1)


def test_clumps_draw_tips_together_and_leave_roots():
    random = np.random.default_rng(1)
    strands = np.linspace(0, 1, 8)[None, :, None] * np.array([0, -4.0, 0]) + random.normal(size=(200, 1, 3))

    together = clump(strands, random, 20, 0.9)

    np.testing.assert_allclose(together[:, 0], strands[:, 0])
    nearest = [
        np.sort(np.linalg.norm(s[:, None, -1] - s[None, :, -1], axis=2), 1)[:, 1].mean() for s in (strands, together)
    ]
    assert nearest[1] < nearest[0]


@pytest.mark.parametrize("style", STYLES)
def test_hair_grows_from_the_scalp_the_same_way_every_time(model, style):
    head = Head.of(model, replace(LOOKS["alex"], hair=style), VERSIONS[LATEST])
    skin = Ball(np.array([0, 2.0, 0]), 9.0)

    first, second = (grow_hair(head, skin, style, 300, seed=1) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()
    assert 200 < len(first) <= 300
    scalp = head.base[scalp_height(model) > -1.5]
    away = np.linalg.norm(first[:, None, 0] - scalp[None], axis=2).min(1)
    assert away.max() < 1.5


def test_a_bob_ends_at_the_jaw_and_leaves_the_face_free(model):
    head = Head.of(model, LOOKS["mia"], VERSIONS[LATEST])

    strands = grow_hair(head, Ball(np.array([0, 2.0, 0]), 9.0), "bob", 400, seed=1)

    assert -10 < strands[..., 1].min() < -6
    before_face = (strands[..., 2] > 5) & (np.abs(strands[..., 0]) < 3) & (strands[..., 1] < 6)
    assert before_face.mean() < 0.01


def test_a_bob_lays_the_ears_flat(model):
    wide = replace(model, neutral=model.neutral * np.float32([1.5, 1, 1]))

    covered, free = (Head.of(wide, replace(LOOKS["alex"], hair=style), VERSIONS[LATEST]) for style in ("bob", "short"))

    hidden = ears(wide)
    assert hidden.any()
    changed = np.abs(covered.base - free.base).max(1) > 1e-6
    assert not changed[~hidden].any()


def test_bound_strands_follow_the_skin(model):
    head = Head.of(model, LOOKS["alex"], VERSIONS[LATEST])
    face = model.part_faces("face")
    corners = face[1000:1010, :3]
    root = head.base[corners].mean(1)
    strands = root[:, None] + np.linspace(0, 1, 4)[None, :, None] * np.array([0, 0, 1.0])

    bound = BoundStrands.bind(strands, corners, np.full((10, 3), 1 / 3), head.base)

    np.testing.assert_allclose(bound.on(head.base), strands, atol=1e-5)
    turned = head.base @ np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0.0]])
    np.testing.assert_allclose(bound.on(turned)[:, -1] - bound.on(turned)[:, 0], [[1, 0, 0]] * 10, atol=1e-5)


def test_brows_lie_over_the_eyes_on_both_sides(model):
    head = Head.of(model, LOOKS["alex"], VERSIONS[LATEST])
    ball = Ball(np.array([0, 2.0, 0]), 9.0)

    hairs = grow_brows(head, ball, model.part_faces("face"), 50, 1.0).on(head.base)

    assert hairs.shape == (100, 5, 3)
    assert (hairs[:50, 0, 0] < 0).all() and (hairs[50:, 0, 0] > 0).all()
    assert 3 < hairs[:, 0, 1].mean() < 6


def test_lashes_point_away_from_the_lids_and_follow_them(model):
    lashes = grow_lashes(model, 1.0)

    hairs = lashes.on(model.neutral)
    upper = hairs[:, 0, 1] > 2.5
    assert upper.sum() == 2 * 3 * 34 and (~upper).sum() == 2 * 3 * 15
    assert (hairs[upper, -1, 1] > hairs[upper, 0, 1]).all() and (hairs[~upper, -1, 1] < hairs[~upper, 0, 1]).all()
    np.testing.assert_allclose(lashes.on(model.neutral + np.float32(1)), hairs + 1, atol=1e-4)


def test_a_shirt_stays_off_the_body_and_closes_around_it():
    body = Ball(np.array([0, -13.0, -2]), 7.0)

    torso, collar = tailor(body)

    for garment in (torso, collar):
        assert garment.polygons.max() == len(garment.points) - 1
    position, normal = body.nearest(torso.points)
    assert ((torso.points - position) * normal).sum(1).min() > CLEARANCE_CM - 1e-6
    a, b, c, d = (torso.points[torso.polygons[:, k]] for k in range(4))
    outward = (a + b + c + d) / 4 - [0, 0, -2]
    outward[:, 1] = 0
    facing = (np.cross(c - a, d - b) * outward).sum(1)
    assert (facing > 0).mean() > 0.95


def test_paint_makes_lips_red_and_scalp_the_colour_of_hair(model):
    look = LOOKS["mia"]

    painted = paint(model, look, VERSIONS[LATEST])

    colour = painted.colour
    assert colour.min() > 0 and colour.max() <= 1
    lips = lip_depth(model, len(colour)) > 0.01
    cheek = np.linalg.norm(model.neutral[: len(colour)] - [4, -1, 8.5], axis=1).argmin()
    assert lips.any()
    assert (colour[lips, 0] / colour[lips, 1]).mean() > 1.5 * colour[cheek, 0] / colour[cheek, 1]
    crown = model.neutral[: len(colour), 1].argmax()
    np.testing.assert_allclose(colour[crown], np.array(look.hair_colour) * 0.8, atol=0.05)
    assert painted.freckles[lips].max() < 0.2


def test_gaps_between_teeth_are_darker_than_their_middle(model):
    """Two teeth side by side in the place of the model's own."""
    first, _ = model.parts["teeth"]
    columns = np.array([-1.0, -0.5, -0.02, 0.02, 0.5, 1.0])
    neutral = model.neutral[: first + 12].copy()
    neutral[first:] = [[x, y, 10.4] for x in columns for y in (-3.0, -2.9)]
    quads = [[first + 2 * c, first + 2 * c + 2, first + 2 * c + 3, first + 2 * c + 1] for c in (0, 1, 3, 4)]
    teeth = replace(
        model,
        neutral=neutral,
        faces=np.array(quads, np.int32),
        parts={**model.parts, "teeth": (first, first + 11)},
        polygons={**model.polygons, "teeth": (0, 3)},
    )

    light = tooth_colours(teeth).sum(1).reshape(6, 2).mean(1)

    assert light[1] == pytest.approx(light[4])
    assert light[2] < 0.8 * light[1] and light[3] < 0.8 * light[4]
