"""The random motion of a data set, the camera and the head that it moves."""

import numpy as np
import pytest

from avatar.correspondence import GROUPS, Surface
from avatar.face_model import FaceModel
from avatar.hair_points import Hair
from avatar.scene.camera import Camera
from avatar.scene.head import Head, head_matrix
from avatar.scene.looks import LOOKS, random_identity, scene_description
from avatar.scene.presets import PRESETS, VISEMES
from avatar.scene.sampling import SOURCE_POSES, descriptor, random_motion, set_motion
from avatar.scene.tongue import tongue_pose
from avatar.scene.versions import LATEST, VERSIONS
from motion.space import EXPRESSIONS
from tests.synthetic_head import write_synthetic_head

YAW, PITCH, ROLL, TX = 53, 54, 55, 56


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> FaceModel:
    return FaceModel.read(write_synthetic_head(tmp_path_factory.mktemp("head") / "face.npz"))


def test_a_longer_set_begins_with_the_motion_of_a_shorter_one():
    long, short = set_motion(EXPRESSIONS, 60, 1, VISEMES[LATEST]), set_motion(EXPRESSIONS, 25, 1, VISEMES[LATEST])

    assert long.dtype == np.float32
    np.testing.assert_array_equal(long[:25], short)
    assert not np.array_equal(long, set_motion(EXPRESSIONS, 60, 2, VISEMES[LATEST]))


def test_random_motion_stays_in_the_ranges_of_the_descriptor():
    motion = random_motion(EXPRESSIONS, 400, 3, VISEMES[LATEST])

    weights, pose = motion[:, :53], motion[:, 53:]
    assert weights.min() >= 0 and weights.max() <= 1.1 + 1e-6
    assert (np.abs(pose) <= [25, 15, 10, 2, 2, 2]).all()
    assert 0.05 < (weights[:, EXPRESSIONS.index("eyeBlink_L")] > 0.75).mean() < 0.2
    np.testing.assert_array_equal(
        weights[:, EXPRESSIONS.index("eyeLookOut_L")], weights[:, EXPRESSIONS.index("eyeLookIn_R")]
    )


def test_a_set_begins_with_the_neutral_portrait_and_known_poses():
    motion = set_motion(EXPRESSIONS, 20, 1, VISEMES[LATEST])

    assert not motion[0].any()
    assert [row[YAW] for row in motion[:12]] == [pose[2] for pose in SOURCE_POSES]


def test_known_rows_of_the_first_version_do_not_change():
    """The pictures that exist were made with these numbers."""
    motion = set_motion(EXPRESSIONS, 14, 1, VISEMES["v1"])

    np.testing.assert_allclose(motion[12, 53:], [-25, -2.092169, -5.475043, -0.36997, -0.43768, 1.007935], atol=1e-5)
    np.testing.assert_allclose(
        motion[13, 53:], [-17.020603, -8.971715, -2.513896, -0.855884, -0.423109, -0.322933], atol=1e-5
    )


def test_a_preset_sets_both_sides_and_refuses_unknown_names():
    row = descriptor(EXPRESSIONS, {"eyeBlink": 0.5, "jawOpen": 1.0}, 0.5, yaw_deg=10.0)

    assert row[EXPRESSIONS.index("eyeBlink_L")] == row[EXPRESSIONS.index("eyeBlink_R")] == 0.25
    assert row[EXPRESSIONS.index("jawOpen")] == 0.5
    assert row[YAW] == 10
    with pytest.raises(ValueError, match="tongueOut"):
        descriptor(EXPRESSIONS, {"tongueOut": 1.0})


def test_every_preset_is_made_of_expressions_that_exist():
    for preset in PRESETS.values():
        descriptor(EXPRESSIONS, preset)


def test_identities_are_drawn_the_same_every_time_and_strength_0_is_the_mean():
    assert random_identity(109, 0.75) == LOOKS["alex"].identity
    assert not any(random_identity(5, 0))


def test_the_camera_shows_its_width_on_the_plane_of_the_face():
    camera = Camera()
    points = np.array([[0, 1, 6.0], [16.5, 1, 6], [0, 1 + 16.5, 6]])

    np.testing.assert_allclose(camera.project(points, np.zeros(3)), [[0.5, 0.5], [1, 0.5], [0.5, 0]], atol=1e-6)


def test_a_person_who_moves_left_moves_right_in_the_picture():
    there = Camera().project(np.array([[0, 1, 6.0]]), np.array([2.0, 0, 0]))

    np.testing.assert_allclose(there, [[0.5 + 2 / 33, 0.5]], atol=1e-6)


@pytest.mark.parametrize("version", VERSIONS.values(), ids=str)
def test_landmarks_are_where_the_correspondence_of_training_puts_them(model, version):
    look, camera = LOOKS["alex"], Camera()
    head, motion = Head.of(model, look, version), random_motion(EXPRESSIONS, 3, 0, VISEMES[LATEST])

    surface = Surface.of(model, scene_description(look, camera, version), Hair.of(model, look, version))
    points = surface.project(motion)
    vertices = np.array(
        [int(np.linalg.norm(head.base - point - [0, -6, -1], axis=1).argmin()) for point in surface.still]
    )
    on_skin = surface.still + np.array([0, -6, -1]) - head.base[vertices]
    exact = np.linalg.norm(on_skin, axis=1) < 1e-4
    for row, expected in zip(motion, points, strict=True):
        seen = exact & np.isfinite(expected[:, 0])
        assert seen.sum() > 100
        got = camera.project(head.posed(row)[vertices], row[TX:])
        np.testing.assert_allclose(got[seen], expected[seen], atol=1e-4)


def test_what_is_fixed_to_the_head_turns_as_its_vertices_do(model):
    head = Head.of(model, LOOKS["mia"], VERSIONS[LATEST])
    row = descriptor(EXPRESSIONS, {}, yaw_deg=20.0, pitch_deg=-8.0, roll_deg=5.0)
    crown = int(head.base[:, 1].argmax())

    moved = head_matrix(row) @ [*head.base[crown], 1]

    assert model.neck_weight[crown] == 1
    np.testing.assert_allclose(moved[:3], head.posed(row)[crown], atol=1e-4)


def test_a_look_opens_its_mouth_without_moving_its_crown(model):
    head = Head.of(model, LOOKS["alex"], VERSIONS[LATEST])

    moved = head.posed(descriptor(EXPRESSIONS, PRESETS["jawOpen"])) - head.posed(np.zeros(59, np.float32))

    assert moved[:, 1].min() == pytest.approx(-1.5, abs=1e-3)
    assert abs(moved[head.base[:, 1].argmax()]).max() < 1e-5


def test_shoulders_stand_still_in_the_first_version_and_follow_in_the_second(model):
    row = descriptor(EXPRESSIONS, {}, yaw_deg=20.0, ty_cm=2.0)
    first, second = (Head.of(model, LOOKS["alex"], VERSIONS[name]) for name in ("v1", "v2"))
    shoulder, crown = int(first.base[:, 1].argmin()), int(first.base[:, 1].argmax())

    np.testing.assert_allclose(first.posed(row)[shoulder], first.base[shoulder], atol=1e-5)
    moved = second.posed(row)[shoulder] - second.base[shoulder]
    assert np.hypot(moved[0], moved[2]) > 0.3
    assert moved[1] == pytest.approx(0.35 * 2, abs=1e-4)
    np.testing.assert_allclose(first.posed(row)[crown], second.posed(row)[crown], atol=1e-5)


@pytest.mark.parametrize(
    ("preset", "up", "out"),
    [("neutral", 0, 0), ("A", 0, 0), ("I", 0, 0), ("U", 0, 0), ("smile", 0, 0), ("L", 1, 0), ("TH", 1, 1)],
)
def test_the_tongue_rises_for_l_and_comes_out_for_th(preset, up, out):
    weights = descriptor(EXPRESSIONS, PRESETS[preset])[:53]

    assert tongue_pose(EXPRESSIONS, weights) == pytest.approx((up, out), abs=0.1)


def test_the_tongue_moves_without_the_rest_of_the_head(model):
    row = descriptor(EXPRESSIONS, PRESETS["TH"])
    still, moving = (Head.of(model, LOOKS["alex"], VERSIONS[name]) for name in ("v1", "v2"))

    moved = moving.posed(row) - still.posed(row)

    assert moving.tongue is not None and len(moving.tongue.vertices) == 4
    assert (moved[moving.tongue.vertices, 2] > 0.5).all()
    others = np.setdiff1d(np.arange(len(moved)), moving.tongue.vertices)
    assert np.abs(moved[others]).max() < 1e-5


def test_hair_turns_with_the_head_whatever_the_face_does(model):
    look, version = LOOKS["alex"], VERSIONS[LATEST]
    surface = Surface.of(model, scene_description(look, Camera(), version), Hair.of(model, look, version))
    first = sum(GROUPS[name][0] for name in ("front", "mouth", "eyes", "neck", "iris"))
    hair = slice(first, first + GROUPS["hair"][0])
    turned = descriptor(EXPRESSIONS, PRESETS["smile"], yaw_deg=12.0, roll_deg=-4.0)

    still = surface.still[hair] + np.array([0, -6, -1])
    moved = still @ head_matrix(turned)[:3, :3].T + head_matrix(turned)[:3, 3]
    got = surface.project(turned[None])[0, hair]

    seen = np.isfinite(got[:, 0])
    assert seen.mean() > 0.6
    np.testing.assert_allclose(got[seen], Camera().project(moved, np.zeros(3))[seen], atol=1e-4)
