"""The training loop on a few frames of noise: losses are finite, checkpoints resume, the reader learns shapes."""

import numpy as np
import pytest
import torch

from avatar.correspondence import POINT_WEIGHTS, Surface
from avatar.data import MOUTH, Portraits, weight_map
from avatar.evaluate import compare, psnr
from avatar.losses import pixel_loss, structural_similarity
from avatar.modal import fit_modal_flow
from avatar.model import ModalFlow
from avatar.paper import PaperConfig, PaperRenderer
from avatar.read_motion import MotionReader, feature_loss, gaps
from avatar.sizes import SIZES
from avatar.train import TrainConfig, Trainer


@pytest.fixture
def portraits() -> Portraits:
    """Twelve frames of noise with random motion, and a flat surface of as many points as a face has."""
    random, points = np.random.default_rng(0), len(POINT_WEIGHTS)
    motion = random.normal(size=(24, 59)).astype(np.float32)
    motion[0] = 0
    still = np.concatenate([random.uniform(-6, 6, (points, 2)), np.full((points, 1), 9.0)], 1) - [0, -6, -1]
    front = np.tile([0.0, 0.0, 1.0], (points, 1))
    shapes = np.zeros((53, points, 3), np.float32)
    ones, uncovered = np.ones(points), np.full(points, -1)
    surface = Surface(still, front, shapes, ones, np.zeros(points), uncovered, np.array([0, 1.0, 135.0]), 3.9)
    landmarks = random.uniform(0.3, 0.7, (24, 68, 2)).astype(np.float32)
    pictures = torch.from_numpy(random.integers(0, 256, (12, 3, 256, 256), np.uint8))
    return Portraits(
        names=["eyeBlink_L", "eyeBlink_R", *(f"column{i}" for i in range(57))],
        motion=torch.from_numpy(motion),
        landmarks=landmarks,
        surface=surface,
        points=torch.from_numpy(surface.project(motion)),
        numbers=np.arange(12),
        pictures=pictures,
        weights=torch.stack([weight_map(landmarks[i]) for i in range(12)]),
        clean_numbers=[20],
        clean_pictures=pictures[:1],
    )


def test_training_continues_where_the_checkpoint_is(portraits, tmp_path):
    config = TrainConfig(batch=2)
    first = Trainer(config, portraits, tmp_path)
    losses = [first.train_step(0.5) for _ in range(2)]
    first.save()

    second = Trainer(config, portraits, tmp_path)

    assert second.step == 2
    assert all(np.isfinite(value) for row in losses for value in row.values())
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, second.model.state_dict()[name]), name
    second.train_step(0.5)
    assert second.step == 3


def test_the_paper_size_trains_with_the_same_code(portraits, tmp_path, monkeypatch):
    narrow = PaperConfig(edit_base=4, warp_base=4, most=8, z=8)
    monkeypatch.setitem(SIZES, "paper", lambda: PaperRenderer(narrow))

    losses = Trainer(TrainConfig(size="paper", batch=1), portraits, tmp_path).train_step(0.5)

    assert all(np.isfinite(value) for value in losses.values())


def test_features_of_the_reader_join_the_loss(portraits, tmp_path):
    alone = Trainer(TrainConfig(batch=2), portraits, tmp_path / "a").train_step(0.5)
    joined = Trainer(TrainConfig(batch=2), portraits, tmp_path / "b", reader=MotionReader()).train_step(0.5)

    assert joined["loss"] > alone["loss"]


def test_the_adversary_learns_first_and_then_joins_the_loss(portraits, tmp_path):
    config = TrainConfig(batch=2, adversarial=0.004, adversarial_from=0.5, adversary_lead=0.1)
    trainer = Trainer(config, portraits, tmp_path)
    weight = trainer.adversary.layers[0].parametrizations.weight.original
    before = weight.clone()

    trainer.train_step(0.3)
    assert torch.equal(weight, before)
    trainer.train_step(0.45)
    assert not torch.equal(weight, before)
    assert np.isfinite(trainer.train_step(0.6)["loss"])


def test_the_warp_stage_leaves_the_editing_network_alone(portraits, tmp_path):
    trainer = Trainer(TrainConfig(batch=2), portraits, tmp_path)
    before = trainer.model.editing.in64.conv.weight.clone()

    trainer.train_step(0.05)

    assert torch.equal(before, trainer.model.editing.in64.conv.weight)


def test_modal_flow_learns_the_exact_flow(portraits):
    torch.manual_seed(0)
    motion = portraits.motion.numpy()

    before = fit_modal_flow(ModalFlow(32, 8), portraits.surface, motion, seconds=0.01, pool_size=200)
    after = fit_modal_flow(ModalFlow(32, 8), portraits.surface, motion, seconds=6, pool_size=200)

    assert after < 0.9 * before


def test_losses_of_equal_pictures_are_nothing():
    picture, weights = torch.rand(1, 3, 256, 256), torch.ones(1, 1, 256, 256)

    assert pixel_loss(picture, picture, picture, weights, 0.2, 0.15) < 1e-4
    assert structural_similarity(picture, picture).mean() == pytest.approx(1, abs=1e-4)


def test_comparison_looks_into_the_mouth_box():
    landmarks = np.full((1, 68, 2), 0.5, np.float32)
    truth = torch.zeros(1, 3, 256, 256)
    ours = truth.clone()
    rows, columns = MOUTH.box(landmarks[0])
    ours[..., rows, columns] = 0.1

    values = compare(ours, truth, landmarks)

    assert values["mouth"] == pytest.approx(20, abs=0.01)
    assert values["psnr"] == pytest.approx(psnr(ours, truth))
    assert values["psnr"] > 30


def test_reader_gives_motion_and_landmarks_and_compares_pictures():
    reader = MotionReader()
    pictures = torch.rand(2, 3, 256, 256)

    motion, landmarks = reader(pictures)

    assert motion.shape == (2, 59)
    assert landmarks.shape == (2, 68, 2)
    assert feature_loss(reader, pictures, pictures) == 0
    assert feature_loss(reader, pictures, pictures.flip(3)) > 0


def test_gaps_are_distances_of_upper_and_lower_points():
    landmarks = torch.zeros(1, 68, 2)
    landmarks[:, 60:68, 1] = torch.tensor([0, 0, 0, 0, 0, 10, 10, 10.0]) / 256

    lids, mouth = gaps(landmarks)

    assert lids.item() == 0
    assert mouth.item() == pytest.approx(10)
