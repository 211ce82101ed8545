"""The two ONNX graphs of a renderer, either size: `source` once a portrait, `render` once a frame."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.colour import BLUE, LUMA, RED
from avatar.inference import RealtimeInference
from avatar.sizes import Renderer
from common.golden import EXACT, Tolerance, check_equal, run_onnx

OPSET = 17


class FloatInference(nn.Module):
    """A renderer exactly as it was trained, with the conversion to I420; the interface is `RealtimeInference`'s."""

    tolerance = EXACT
    looks_at_portrait = True
    batches = True  # the graph takes the motion of several frames of one portrait at once

    def __init__(self, renderer: Renderer):
        super().__init__()
        self.renderer = renderer
        self.register_buffer("luma", torch.tensor(LUMA).reshape(1, 3, 1, 1))
        # Averaging 2 × 2 pixels is part of the kernel.
        self.register_buffer("chroma", torch.tensor([BLUE, RED]).reshape(2, 3, 1, 1).expand(2, 3, 2, 2) / 4)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        return self.renderer.source(portrait)

    def picture(self, motion: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        features = {name: tensor for name, tensor in inputs.items() if name != "portrait"}
        return self.renderer.render(motion, inputs["portrait"], features).picture.clamp(0, 1)

    def i420(self, motion: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        picture = self.picture(motion, inputs)
        y = F.conv2d(picture, self.luma) + 16  # (1, 1, 256, 256)
        uv = F.conv2d(picture, self.chroma, stride=2) + 128  # (1, 2, 128, 128)
        return (torch.cat([y.flatten(1), uv.flatten(1)], 1) + 0.5).to(torch.uint8)


Inference = FloatInference | RealtimeInference


class SourceGraph(nn.Module):
    """portrait float32[1, 3, 256, 256] → features."""

    def __init__(self, inference: Inference):
        super().__init__()
        self.inference = inference

    def forward(self, portrait: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.inference.source(portrait).values())


class RenderGraph(nn.Module):
    """motion float32[B, M, 59], then what `names` says, with a batch of one → i420 uint8[B, 98304]: Y 256 × 256, then
    U and V 128 × 128.
    """

    def __init__(self, inference: Inference, names: list[str]):
        super().__init__()
        self.inference, self.names = inference, names

    def forward(self, motion: Tensor, *inputs: Tensor) -> Tensor:
        return self.inference.i420(motion, dict(zip(self.names, inputs, strict=True)))


class Exported(NamedTuple):
    """features: names of the tensors between the graphs; inputs: of `render`; i420: what PyTorch gives for them;
    tolerance: how far onnxruntime may be off.
    """

    features: list[str]
    inputs: dict[str, np.ndarray]
    i420: np.ndarray
    tolerance: Tolerance


def write_graph(
    graph: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path, batched: tuple[str, ...] = ()
) -> None:
    """Writes one graph with the fixed shapes of its inputs, but for the batch of the `batched` inputs and outputs."""
    torch.onnx.export(
        graph,
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=outputs,
        opset_version=OPSET,
        dynamo=False,
        dynamic_axes={name: {0: "batch"} for name in batched},
    )


def in_bytes(tensor: np.ndarray) -> np.ndarray:
    """Packed colours as the bytes that they hold, any other tensor as it is."""
    return tensor.view(np.uint8) if tensor.dtype == np.int32 else tensor


@torch.no_grad()
def check_batch(inference: Inference, motion: Tensor, stills: dict[str, Tensor], path: Path) -> None:
    """Raises ValueError when the graph does not draw several frames as PyTorch draws each by itself."""
    frames = torch.cat([inference.i420(row, stills) for row in motion.split(1)])
    arrays = {"motion": motion.numpy(), **{name: tensor.numpy() for name, tensor in stills.items()}}
    check_equal({"i420": frames.numpy()}, run_onnx(path, arrays), inference.tolerance)


def export_graphs(inference: Inference, motion: Tensor, portrait: Tensor, folder: Path) -> Exported:
    """Writes `source.onnx` and `render.onnx` into the folder, for motion (1, M, 59) and portrait (1, 3, 256, 256).

    Raises ValueError when onnxruntime gives something else than PyTorch, graph by graph or for both in a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        features = inference.source(portrait)
        stills = {"portrait": portrait, **features} if inference.looks_at_portrait else features
        inputs = {"motion": motion, **stills}
        i420 = inference.i420(motion, stills).numpy()
    write_graph(SourceGraph(inference), {"portrait": portrait}, list(features), folder / "source.onnx")
    render = RenderGraph(inference, list(stills))
    if inference.batches:
        two = torch.cat([motion, 0.5 * motion])  # traced with a batch of one, the graph would keep to one
        write_graph(render, {**inputs, "motion": two}, ["i420"], folder / "render.onnx", ("motion", "i420"))
        check_batch(inference, two, stills, folder / "render.onnx")
    else:
        write_graph(render, inputs, ["i420"], folder / "render.onnx")

    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    found = run_onnx(folder / "source.onnx", {"portrait": portrait.numpy()})
    check_equal({name: in_bytes(arrays[name]) for name in features}, {name: in_bytes(found[name]) for name in features})
    check_equal({"i420": i420}, run_onnx(folder / "render.onnx", arrays), inference.tolerance)
    check_equal({"i420": i420}, run_onnx(folder / "render.onnx", {**arrays, **found}), inference.tolerance)
    return Exported(list(features), arrays, i420, inference.tolerance)
