"""The close reader: crops, training on noise, export; distances of descriptors."""

import numpy as np
import pytest
import torch

from avatar.close_reader import CloseReader, Looked, crop, load_close_reader, train
from avatar.evaluate_reader import aed, apd, shape_errors
from avatar.export_reader import export_reader
from avatar.read_motion import Examples, MotionReader
from common.golden import GoldenBatch


def test_a_crop_is_the_piece_about_its_centre_and_mirrored_when_asked():
    picture = torch.arange(256.0).expand(1, 3, 256, 256)  # each pixel holds its column

    piece = crop(picture, torch.tensor([[100 / 256, 0.5]]), (4, 6))
    mirrored = crop(picture, torch.tensor([[100 / 256, 0.5]]), (4, 6), mirrored=True)
    beyond = crop(picture, torch.tensor([[0.0, 0.0]]), (4, 6))

    assert piece.shape == (1, 3, 4, 6)
    assert torch.allclose(piece[0, 0, 0], torch.arange(97.0, 103.0), atol=1e-3)
    assert torch.allclose(mirrored, piece.flip(3), atol=1e-3)
    assert torch.allclose(beyond[0, 0, 0, :3], torch.zeros(3), atol=1e-3)


@pytest.fixture
def held_out() -> Examples:
    random = np.random.default_rng(0)
    return Examples(
        torch.from_numpy(random.integers(0, 256, (8, 3, 256, 256), np.uint8)),
        torch.from_numpy(random.random((8, 59), np.float32)),
        torch.from_numpy(random.random((8, 68, 2), np.float32)),
    )


def test_training_keeps_the_first_look_and_continues_where_its_checkpoint_is(held_out, tmp_path):
    whole = MotionReader().eval()
    looked = Looked.at(whole, held_out.pictures, held_out.motion)

    train(whole, looked, held_out, tmp_path, minutes=0.005)
    values = train(whole, looked, held_out, tmp_path, minutes=0.01)

    reader = load_close_reader(tmp_path)
    assert set(values) == {"expression", "degrees", "explained"}
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, reader.whole.state_dict()[name]), name


def test_the_exported_graph_reads_as_pytorch_does(held_out, tmp_path):
    golden = GoldenBatch("models/readers/none")

    export_reader(CloseReader().eval(), held_out.pictures[:1], tmp_path / "read.onnx", golden)

    (case,) = golden.cases
    assert case["graph"] == "read"
    assert case["inputs"]["picture"]["shape"] == [1, 256, 256, 3]
    assert case["outputs"]["motion"]["shape"] == [1, 59]


def test_distances_are_means_over_weights_and_over_radians_and_decimetres():
    a, b = np.zeros((2, 59)), np.zeros((2, 59))
    b[:, 0] = 0.53  # one of 53 weights
    b[:, 53] = 180 / np.pi  # one radian of yaw
    b[:, 58] = 10  # ten centimetres

    assert aed(a, b) == pytest.approx(0.01)
    assert apd(a, b) == pytest.approx(2 / 6)


def test_errors_stand_beside_those_of_one_who_always_says_the_mean():
    true = np.zeros((4, 59))
    true[:, 0] = [0, 0, 1, 1]

    values = shape_errors(np.zeros((4, 59)), true, [f"shape{i}" for i in range(59)])

    assert values["shapes"]["shape0"] == {"error": 0.5, "spread": 0.5}
    assert values["expression"] == pytest.approx(0.5 / 53, abs=1e-4)
