"""The two ONNX graphs of a renderer, either size: `source` once a portrait, `render` once a frame."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.sizes import Renderer
from common.golden import check_equal, run_onnx

OPSET = 17
# BT.601 in limited range: Y 16…235, U and V 16…240 (ITU-R BT.601-7 §2.5.3), for RGB in 0…1.
LUMA = (65.481, 128.553, 24.966)
BLUE = (-37.797, -74.203, 112.0)
RED = (112.0, -93.786, -18.214)


class SourceGraph(nn.Module):
    """portrait float32[1, 3, 256, 256] → features."""

    def __init__(self, renderer: Renderer, names: list[str]):
        super().__init__()
        self.renderer, self.names = renderer, names

    def forward(self, portrait: Tensor) -> tuple[Tensor, ...]:
        features = self.renderer.source(portrait)
        return tuple(features[name] for name in self.names)


class RenderGraph(nn.Module):
    """motion float32[1, M, 59], portrait, features → i420 uint8[1, 98304]: Y 256 × 256, then U and V 128 × 128."""

    def __init__(self, renderer: Renderer, names: list[str]):
        super().__init__()
        self.renderer, self.names = renderer, names
        self.register_buffer("luma", torch.tensor(LUMA).reshape(1, 3, 1, 1))
        # Averaging 2 × 2 pixels is part of the kernel.
        self.register_buffer("chroma", torch.tensor([BLUE, RED]).reshape(2, 3, 1, 1).expand(2, 3, 2, 2) / 4)

    def forward(self, motion: Tensor, portrait: Tensor, *features: Tensor) -> Tensor:
        named = dict(zip(self.names, features, strict=True))
        picture = self.renderer.render(motion, portrait, named).picture.clamp(0, 1)
        y = F.conv2d(picture, self.luma) + 16  # (1, 1, 256, 256)
        uv = F.conv2d(picture, self.chroma, stride=2) + 128  # (1, 2, 128, 128)
        return (torch.cat([y.flatten(1), uv.flatten(1)], 1) + 0.5).to(torch.uint8)


class Exported(NamedTuple):
    """features: names of the tensors between the graphs; inputs: of `render`; i420: what PyTorch gives for them."""

    features: list[str]
    inputs: dict[str, np.ndarray]
    i420: np.ndarray


def write_graph(graph: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    """Writes one graph with the fixed shapes of its inputs."""
    arguments = tuple(inputs.values())
    torch.onnx.export(
        graph, arguments, str(path), input_names=list(inputs), output_names=outputs, opset_version=OPSET, dynamo=False
    )


def export_graphs(renderer: Renderer, motion: Tensor, portrait: Tensor, folder: Path) -> Exported:
    """Writes `source.onnx` and `render.onnx` into the folder, for motion (1, M, 59) and portrait (1, 3, 256, 256).

    Raises ValueError when onnxruntime gives something else than PyTorch, graph by graph or for both in a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        features = renderer.source(portrait)
        names = list(features)
        inputs = {"motion": motion, "portrait": portrait, **features}
        source, render = SourceGraph(renderer, names), RenderGraph(renderer, names)
        i420 = render(*inputs.values()).numpy()
    write_graph(source, {"portrait": portrait}, names, folder / "source.onnx")
    write_graph(render, inputs, ["i420"], folder / "render.onnx")

    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    found = run_onnx(folder / "source.onnx", {"portrait": arrays["portrait"]})
    check_equal({name: arrays[name] for name in names}, found)
    check_equal({"i420": i420}, run_onnx(folder / "render.onnx", arrays))
    check_equal({"i420": i420}, run_onnx(folder / "render.onnx", {**arrays, **found}))
    return Exported(names, arrays, i420)
