"""The hair that a neutral portrait shows, on a synthetic head, and the surface that it is searched on."""

from dataclasses import replace

import numpy as np
import pytest

from avatar.face_model import FaceModel
from avatar.hair_points import Hair, depths, look_up
from avatar.scene.camera import Camera
from avatar.scene.head import Head
from avatar.scene.looks import LOOKS
from avatar.scene.sampled_surface import SampledSurface
from avatar.scene.versions import LATEST, VERSIONS
from tests.synthetic_head import write_synthetic_head

LOOK = replace(LOOKS["alex"], hair_strands=2000)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> FaceModel:
    return FaceModel.read(write_synthetic_head(tmp_path_factory.mktemp("head") / "face.npz"))


@pytest.fixture(scope="module")
def hair(model) -> Hair:
    return Hair.of(model, LOOK, VERSIONS[LATEST])


def test_the_nearest_place_of_a_square_is_below_a_point_and_looks_up():
    corners = np.array([[0, 0, 0], [4, 0, 0], [4, 0, -4], [0, 0, -4.0]])
    surface = SampledSurface(corners, np.tile([0, 1.0, 0], (4, 1)), np.array([[0, 1, 2, 3]]))

    position, normal = surface.nearest(np.array([[1.3, 2.0, -2.2], [3.1, -0.5, -0.4]]))

    np.testing.assert_allclose(position, [[1.3, 0, -2.2], [3.1, 0, -0.4]], atol=1e-9)
    np.testing.assert_allclose(normal, [[0, 1, 0]] * 2)


def test_the_foremost_point_of_a_cell_hides_the_others():
    camera = Camera()
    points = np.array([[0, 1, 2.0], [0, 1, 7.0], [9, 1, 3.0]])

    depth = depths(points, camera)

    np.testing.assert_allclose(look_up(depth, points, camera), [7, 7, 3])


def test_hair_is_seen_above_the_face_and_not_at_the_back_of_the_head(model, hair):
    crown = Head.of(model, LOOK, VERSIONS[LATEST]).base[:, 1].max()

    assert len(hair.points) > 500
    assert np.isfinite(hair.points).all()
    assert hair.points[:, 1].max() > crown
    assert hair.points[:, 2].min() > -8
    np.testing.assert_allclose(np.linalg.norm(hair.normals, axis=1), 1, atol=1e-5)
    left = hair.points[:, 0] > 5
    assert (hair.normals[left, 0] > 0.3).all()


def test_hair_covers_the_scalp_and_not_the_face(model, hair):
    base = Head.of(model, LOOK, VERSIONS[LATEST]).base
    in_front = base[:, 2] > 6

    assert hair.covered[base[:, 1] > 13].mean() > 0.5
    assert not hair.covered[in_front & (base[:, 1] < 4) & (np.abs(base[:, 0]) < 4)].any()
