"""Manifests, golden batches and the moving average, which all three trainings share."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from common.checkpoint import Ema, read_checkpoint, resume, save_checkpoint
from common.golden import GoldenBatch, check_equal
from common.manifest import write_manifest


def export(path, model, shape):
    torch.onnx.export(
        model, (torch.zeros(shape),), str(path), input_names=["x"], output_names=["y"], opset_version=17,
        dynamo=False, dynamic_axes={"x": {0: "T"}, "y": {0: "T"}},
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_manifest_reads_shapes_and_checksum_from_the_graph(tmp_path):
    export(tmp_path / "step.onnx", nn.Linear(3, 2), (1, 3))

    path = write_manifest(
        tmp_path, kind="motion", name="m", description="d", licence="l", origin={}, evaluation={},
        files={"step": "step.onnx"}, details={"fps": 25},
    )  # fmt: skip

    manifest = json.loads(path.read_text())
    step = manifest["files"]["step"]
    assert step["inputs"] == {"x": {"dtype": "float32", "shape": ["T", 3]}}
    assert step["outputs"]["y"]["shape"] == ["T", 2]
    assert len(step["sha256"]) == 64
    assert manifest["motion"] == {"fps": 25}


def test_manifest_refuses_an_unknown_kind(tmp_path):
    with pytest.raises(ValueError, match="kind"):
        write_manifest(
            tmp_path, kind="song", name="", description="", licence="", origin={}, evaluation={}, files={}, details={}
        )


@pytest.mark.filterwarnings("ignore")
def test_golden_batch_stores_what_both_runtimes_give(tmp_path):
    model, x = nn.Linear(3, 2), np.ones((1, 3), np.float32)
    export(tmp_path / "step.onnx", model, (1, 3))
    golden = GoldenBatch("models/motion/m")

    golden.check("step", tmp_path / "step.onnx", {"x": x}, {"y": model(torch.from_numpy(x)).detach().numpy()})
    golden.add("next", {"x": {"graph": "step"}}, {"y": np.zeros(1, np.int64)})
    golden.write(tmp_path / "m")

    cases = json.loads((tmp_path / "m.json").read_text())["cases"]
    content = (tmp_path / "m.bin").read_bytes()
    stored = cases[0]["inputs"]["x"]
    assert np.array_equal(np.frombuffer(content, np.float32, 3, stored["offset"]).reshape(1, 3), x)
    assert cases[1]["inputs"]["x"] == {"graph": "step"}
    assert cases[1]["outputs"]["y"]["offset"] % 8 == 0


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (np.ones(3, np.float32), np.ones(3, np.float32) * 1.001),
        (np.array([5], np.uint8), np.array([7], np.uint8)),
        (np.array([5]), np.array([6])),
        (np.ones(3, np.float32), np.ones(4, np.float32)),
        (np.ones(1, np.float32), np.full(1, np.nan, np.float32)),
    ],
)
def test_differences_are_refused(want, got):
    with pytest.raises(ValueError, match="x:"):
        check_equal({"x": want}, {"x": got})


def test_small_differences_are_not():
    check_equal({"x": np.array([5], np.uint8)}, {"x": np.array([6], np.uint8)})
    check_equal({"x": np.ones(1, np.float32)}, {"x": np.float32([1.00005])})


def test_average_follows_the_weights_and_comes_back_from_a_checkpoint(tmp_path):
    model = nn.Linear(2, 2)
    ema = Ema(model, 0.9)
    with torch.no_grad():
        model.weight.fill_(1)
    for _ in range(200):
        ema.update(model)
    save_checkpoint(tmp_path, {"model": model, "ema": ema}, {"step": 7})

    fresh = nn.Linear(2, 2)
    other = Ema(fresh, 0.9)

    assert resume(tmp_path, {"model": fresh, "ema": other}) == {"step": 7}
    assert other.updates == 200
    torch.testing.assert_close(other.model.weight, torch.ones(2, 2), atol=1e-3, rtol=0)
    assert read_checkpoint(tmp_path / "nowhere") is None
