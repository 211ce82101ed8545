"""A decoder whose Fourier tables are computed when it is loaded gives what PyTorch gives, and is smaller."""

from pathlib import Path

import pytest
import torch
from torch import nn

from common.golden import check_equal, run_onnx
from voice.filter_decoder import BANDS, HOP, RATE, SourceFilter
from voice.fourier_tables import compute_tables


def exported(graph: nn.Module, inputs: tuple[torch.Tensor, ...], path: Path) -> Path:
    names = [f"x{i}" for i in range(len(inputs))]
    torch.onnx.export(graph, inputs, str(path), input_names=names, output_names=["y"], opset_version=17, dynamo=False)
    return path


@pytest.mark.filterwarnings("ignore")
def test_tables_that_the_graph_computes_give_the_same_sound(tmp_path: Path) -> None:
    torch.manual_seed(0)
    inputs = (torch.randn(1, 2 * BANDS, 8 * RATE) - 2, torch.randn(1, 2, 8 * RATE * HOP))
    path = exported(SourceFilter().eval(), inputs, tmp_path / "filter.onnx")
    before = path.stat().st_size

    compute_tables(path)

    assert path.stat().st_size < 0.1 * before
    wanted = SourceFilter()(*inputs).numpy()
    check_equal({"y": wanted}, run_onnx(path, {f"x{i}": x.numpy() for i, x in enumerate(inputs)}))


@pytest.mark.filterwarnings("ignore")
def test_a_graph_without_the_tables_is_refused(tmp_path: Path) -> None:
    path = exported(nn.Conv1d(4, 4, 3).eval(), (torch.randn(1, 4, 9),), tmp_path / "other.onnx")

    with pytest.raises(ValueError, match="expected the decoder's tables"):
        compute_tables(path)
