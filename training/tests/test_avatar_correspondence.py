"""Surface points in pictures, on a surface made by hand, and the losses built on them."""

import numpy as np
import pytest
import torch

from avatar.blocks import identity_grid
from avatar.correspondence import Surface
from avatar.face_model import NECK_PIVOT, head_rotation, rotate
from avatar.losses import flow_error, roughness

YAW, PITCH, ROLL, TX, TY = 53, 54, 55, 56, 57


@pytest.fixture
def surface() -> Surface:
    """A square of 25 points before the face, looking at the camera; the first expression lifts them by a centimetre."""
    x, y = np.meshgrid(np.linspace(-4, 4, 5), np.linspace(-4, 4, 5))
    still = np.stack([x.ravel(), y.ravel(), np.full(25, 8.0)], 1) - NECK_PIVOT
    shapes = np.zeros((53, 25, 3), np.float32)
    shapes[0, :, 1] = 1
    normals = np.tile([0.0, 0.0, 1.0], (25, 1))
    cover = np.full(25, -1)
    cover[0] = 10
    return Surface(still, normals, shapes, np.ones(25), np.zeros(25), cover, np.array([0, 1.0, 135.0]), 129 / 33)


def motion(**columns: float) -> np.ndarray:
    row = np.zeros((1, 59), np.float32)
    for name, value in columns.items():
        row[0, globals()[name] if name in globals() else int(name[1:])] = value
    return row


def test_no_motion_needs_no_warp(surface):
    points = torch.from_numpy(surface.project(np.zeros((2, 59), np.float32)))

    error = flow_error(identity_grid(64).expand(2, -1, -1, -1), points, points, torch.ones(25))

    assert error < 1e-5
    assert roughness(identity_grid(64)) == 0


def test_a_shift_of_the_head_is_the_opposite_shift_of_the_lookup(surface):
    still, moved = (torch.from_numpy(surface.project(motion(TX=x))) for x in (0, 2))
    shift = (moved - still).mean(1)[0, 0] * 2  # in units of half a picture
    grid = identity_grid(64) - torch.tensor([float(shift), 0])

    error = flow_error(grid, moved, still, torch.ones(25))

    assert shift > 0.05
    assert error < 1e-3


@pytest.mark.parametrize(
    ("column", "axis", "sign"), [("YAW", 0, 1), ("PITCH", 1, -1), ("TX", 0, 1), ("TY", 1, -1), ("_0", 1, -1)]
)
def test_motion_moves_points_the_way_the_layout_says(surface, column, axis, sign):
    still, moved = surface.project(motion()), surface.project(motion(**{column: 1}))

    assert sign * (moved - still)[0, :, axis].mean() > 1e-3


def test_roll_tips_the_head_to_image_left(surface):
    moved = surface.project(motion(ROLL=10)) - surface.project(motion())
    top = surface.still[:, 1] > surface.still[:, 1].mean()

    assert moved[0, top, 0].mean() < moved[0, ~top, 0].mean() < 0


def test_points_that_face_away_are_not_placed(surface):
    assert np.isnan(surface.project(motion(YAW=120))).all()
    assert np.isfinite(surface.project(motion(YAW=20))).all()


def test_a_closed_lid_hides_what_is_behind_it(surface):
    open_eye, closed_eye = surface.project(motion()), surface.project(motion(_10=1))

    assert np.isfinite(open_eye).all()
    assert np.isnan(closed_eye[0, 0]).all()
    assert np.isfinite(closed_eye[0, 1:]).all()


def test_rotation_agrees_with_the_axis_and_angle_of_a_pure_yaw():
    axes, angles = head_rotation(np.array([[90.0, 0, 0]]))

    turned = rotate(np.array([[[0.0, 0, 1]]]), axes, angles[:, None])

    np.testing.assert_allclose(turned[0, 0], [1, 0, 0], atol=1e-6)
