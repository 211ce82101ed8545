"""A graph whose weights are stored in half precision gives what PyTorch gives."""

from pathlib import Path

import pytest
import torch
from torch import nn

from common.golden import check_equal, run_onnx
from common.half import round_to_half, store_as_half


@pytest.mark.filterwarnings("ignore")
def test_half_the_bytes_give_the_same_numbers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv1d(16, 32, 5), nn.ReLU(), nn.Conv1d(32, 16, 3)).eval().requires_grad_(False)
    round_to_half(network)
    x, path = torch.randn(1, 16, 40), tmp_path / "network.onnx"
    torch.onnx.export(network, (x,), str(path), input_names=["x"], output_names=["y"], opset_version=17, dynamo=False)
    before = path.stat().st_size

    store_as_half(path)

    assert path.stat().st_size < 0.6 * before
    check_equal({"y": network(x).numpy()}, run_onnx(path, {"x": x.numpy()}))
