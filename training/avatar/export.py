"""Export a trained renderer to ONNX, with manifest, portrait and golden batch.

    python -m avatar.export --run RUNS/alex --data DATA/alex-256 --face-model DATA/ict-face.npz

Writes models/renderers/realtime/{source,render}.onnx and manifest.json, models/avatars/alex/{portrait.png,avatar.json}
and test/fixtures/golden/renderer-realtime.{json,bin}. Fails when onnxruntime and PyTorch differ.
"""

import argparse
import json
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from avatar.data import NEUTRAL, Portraits, to_float
from avatar.evaluate import load_average, measure
from avatar.model import MOTION, RealtimeRenderer
from common.golden import GoldenBatch, check_equal, run_onnx
from common.manifest import write_manifest

ROOT = Path(__file__).resolve().parents[2]
OPSET = 17
LICENCE = "Apache-2.0; made from renders of ICT-FaceKit (MIT, see NOTICE)"
# BT.601 in limited range: Y 16…235, U and V 16…240 (ITU-R BT.601-7 §2.5.3), for RGB in 0…1.
LUMA = (65.481, 128.553, 24.966)
BLUE = (-37.797, -74.203, 112.0)
RED = (112.0, -93.786, -18.214)


class SourceGraph(nn.Module):
    """The `source` graph: portrait float32[1, 3, 256, 256] → features."""

    def __init__(self, renderer: RealtimeRenderer, names: list[str]):
        super().__init__()
        self.renderer, self.names = renderer, names

    def forward(self, portrait: Tensor) -> tuple[Tensor, ...]:
        features = self.renderer.source(portrait)
        return tuple(features[name] for name in self.names)


class RenderGraph(nn.Module):
    """The `render` graph: motion float32[1, M, 59], portrait, features → i420 uint8[1, 98304]."""

    def __init__(self, renderer: RealtimeRenderer, names: list[str]):
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


def export_graph(graph: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    """Writes one graph with fixed shapes."""
    torch.onnx.export(
        graph,
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=outputs,
        opset_version=OPSET,
        dynamo=False,
    )


def milliseconds(path: Path, inputs: dict[str, np.ndarray], runs: int = 100) -> float:
    """CPU time of one run on one thread, in ms; CPU time, because neighbours on the machine distort the wall clock."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(5):
        session.run(None, inputs)
    begin = time.process_time()
    for _ in range(runs):
        session.run(None, inputs)
    return (time.process_time() - begin) / runs * 1000


def export_renderer(renderer: RealtimeRenderer, portraits: Portraits, avatar: str, origin: dict) -> dict[str, float]:
    """Writes models, avatar and golden batch into the repository; returns the evaluation of the manifest."""
    folder = ROOT / "models/renderers/realtime"
    home = ROOT / "models/avatars" / avatar
    folder.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    pixels = portraits.pictures[NEUTRAL]
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(home / "portrait.png", optimize=True)
    portrait = to_float(pixels)[None]
    # A talking face in three-quarter view: everything moves.
    motion = portraits.motion[portraits.clean_numbers[0]].reshape(1, 1, MOTION)
    with torch.no_grad():
        features = renderer.source(portrait)
        names = list(features)
        inputs = {"motion": motion, "portrait": portrait, **features}
        source, render = SourceGraph(renderer, names), RenderGraph(renderer, names)
        i420 = render(*inputs.values())
    export_graph(source, {"portrait": portrait}, names, folder / "source.onnx")
    export_graph(render, inputs, ["i420"], folder / "render.onnx")

    source_inputs = {"portrait": portrait.numpy()}
    check_equal(
        {name: tensor.numpy() for name, tensor in features.items()}, run_onnx(folder / "source.onnx", source_inputs)
    )
    render_inputs = {name: tensor.numpy() for name, tensor in inputs.items()}
    expected = {"i420": i420.numpy()}
    check_equal(expected, run_onnx(folder / "render.onnx", render_inputs))
    golden = GoldenBatch("models/renderers/realtime")
    # The features are megabytes: the reader makes them from the portrait with the `source` graph.
    stored = {"motion": motion.numpy(), "portrait": {"file": f"models/avatars/{avatar}/portrait.png"}}
    golden.add("render", {**stored, **{name: {"graph": "source"} for name in names}}, expected)
    golden.write(ROOT / "test/fixtures/golden/renderer-realtime")

    evaluation = {name: round(value, 4) for name, value in measure(renderer, portraits).items()}
    evaluation["render_cpu_ms"] = round(milliseconds(folder / "render.onnx", render_inputs), 1)
    write_manifest(
        folder,
        kind="renderer",
        name="realtime",
        description="PIRenderer, real-time size: 256 × 256 portraits from motion. Draws the avatars it was trained on.",
        licence=LICENCE,
        origin=origin,
        evaluation=evaluation,
        files={"source": "source.onnx", "render": "render.onnx"},
        details={"size": 256, "layout": "visavis-59", "motionFrames": 1, "motionCentre": 0, "features": names},
    )
    description = {
        "format": "visavis-avatar/1",
        "name": avatar,
        "description": "A man with short dark hair in a studio; rendered, no real person.",
        "portrait": "portrait.png",
        "renderer": "realtime",
        "voice": "rms",
        "licence": LICENCE,
    }
    (home / "avatar.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return evaluation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--avatar", default="alex")
    parser.add_argument("--notes", default="")
    options = parser.parse_args()
    renderer, progress = load_average(options.run)
    portraits = Portraits.read(options.data, options.face_model, limit=12)
    origin = {
        "data": f"3,247 Cycles renders of ICT-FaceKit, avatar {options.avatar}",
        "steps": progress["step"],
        "hardware": f"{platform.machine()} CPU, {progress['seconds'] / 3600:.1f} hours",
        "date": date.today().isoformat(),
        "notes": options.notes,
    }
    print(json.dumps(export_renderer(renderer, portraits, options.avatar, origin), indent=2))


if __name__ == "__main__":
    main()
