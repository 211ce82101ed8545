"""Export a trained renderer to ONNX, with manifest, portrait and golden batch.

    python -m avatar.export --data DATA/alex-256 --face-model DATA/ict-face.npz --run RUNS/alex
    python -m avatar.export … --run RUNS/alex-paper --out MODELS/renderers/paper     # not into the repository
    python -m avatar.export … --avatar mia --weights weights/mia.pt                  # weights that were kept, no run

Without `--out` it writes models/renderers/alex/{source,render}.onnx and manifest.json, models/avatars/alex/ and
test/fixtures/golden/renderer-alex.{json,bin}. The real-time size is exported in 8 bits, and evaluated so. Fails when
onnxruntime and PyTorch differ.
"""

import argparse
import json
import platform
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from PIL import Image

from avatar.data import NEUTRAL, Portraits, to_float
from avatar.evaluate import against_truth, measure
from avatar.graphs import Exported, FloatInference, Inference, export_graphs
from avatar.inference import RealtimeInference
from avatar.model import RealtimeRenderer
from avatar.sizes import Renderer, load_average, load_kept
from common.golden import GoldenBatch
from common.manifest import write_manifest

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "Apache-2.0; made from renders of ICT-FaceKit (MIT, see NOTICE)"
DESCRIPTIONS = {
    "alex": "A young man with short brown hair in a blue shirt. Rendered: he is nobody.",
    "mia": "A young woman with brown hair in a red shirt. Rendered: she is nobody.",
}
VOICES = {"alex": "rms", "mia": "slt"}
CALIBRATION = 128  # frames that show the ranges of activations


def milliseconds(path: Path, inputs: dict[str, np.ndarray], runs: int) -> float:
    """CPU time of one run on one thread, in ms; CPU time, because neighbours on the machine distort the wall clock."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(max(1, runs // 20)):
        session.run(None, inputs)
    begin = time.process_time()
    for _ in range(runs):
        session.run(None, inputs)
    return (time.process_time() - begin) / runs * 1000


def write_avatar(name: str, portraits: Portraits) -> str:
    """Writes portrait and description of an avatar; returns the portrait's path, seen from the repository root."""
    home = ROOT / "models/avatars" / name
    home.mkdir(parents=True, exist_ok=True)
    pixels = portraits.pictures[NEUTRAL].permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(home / "portrait.png", optimize=True)
    description = {
        "format": "visavis-avatar/1",
        "name": name,
        "description": DESCRIPTIONS.get(name, ""),
        "portrait": "portrait.png",
        "renderer": name,
        "voice": VOICES.get(name, "rms"),
        "licence": LICENCE,
    }
    (home / "avatar.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return str((home / "portrait.png").relative_to(ROOT))


def write_golden(name: str, exported: Exported, portrait: str) -> None:
    """Writes one frame as golden batch. The features are megabytes: the reader has them from the `source` graph."""
    golden = GoldenBatch(f"models/renderers/{name}")
    inputs: dict[str, np.ndarray | dict[str, str]] = {
        "motion": exported.inputs["motion"],
        "portrait": {"file": portrait},
    }
    inputs |= {feature: {"graph": "source"} for feature in exported.features}
    golden.add("render", inputs, {"i420": exported.i420}, exported.tolerance)
    golden.write(ROOT / f"test/fixtures/golden/renderer-{name}")


def prepare(renderer: Renderer, portraits: Portraits) -> Inference:
    """The real-time size in 8 bits, with ranges from training frames; any other as it is."""
    if not isinstance(renderer, RealtimeRenderer):
        return FloatInference(renderer)
    numbers = portraits.numbers[np.linspace(0, len(portraits.numbers) - 1, CALIBRATION).astype(int)]
    return RealtimeInference(renderer, portraits.motion[numbers][:, None], to_float(portraits.pictures[NEUTRAL])[None])


@torch.no_grad()
def draw_with(inference: Inference, portraits: Portraits, frames: int) -> torch.Tensor:
    """Draws the held-out frames: float32 (K, 3, 256, 256) in 0…1."""
    portrait = to_float(portraits.pictures[NEUTRAL])[None]
    inputs = {"portrait": portrait, **inference.source(portrait)}
    rows = [portraits.motion[number].expand(1, frames, -1) for number in portraits.clean_numbers]
    return torch.cat([inference.picture(row, inputs) for row in rows])


def write_renderer(
    folder: Path,
    name: str,
    renderer: Renderer,
    exported: Exported,
    *,
    origin: dict[str, Any],
    evaluation: dict[str, float],
    layout: str | dict[str, Any] = "visavis-59",
    licence: str = LICENCE,
    description: str | None = None,
) -> None:
    """Writes the manifest beside the graphs. layout: of the descriptor; of another than ours its name, size and the
    file of `avatar/layout.py`.
    """
    frames, realtime = renderer.config.frames, isinstance(renderer, RealtimeRenderer)
    size = "real-time" if realtime else "paper"
    write_manifest(
        folder,
        kind="renderer",
        name=name,
        description=description
        or f"PIRenderer, {size} size: 256 × 256 portraits from motion. Draws the avatar it was trained on.",
        licence=licence,
        origin=origin,
        evaluation=evaluation,
        files={"source": "source.onnx", "render": "render.onnx"},
        details={
            "size": renderer.config.size,
            "layout": layout,
            "motionFrames": frames,
            "motionCentre": frames // 2,
            "features": exported.features,
        },
        limit=realtime,
    )


def export_renderer(
    name: str, renderer: Renderer, portraits: Portraits, folder: Path, origin: dict[str, Any]
) -> tuple[Exported, dict[str, float]]:
    """Writes graphs and manifest of a trained renderer; returns the evaluation that the manifest has too."""
    frames, realtime = renderer.config.frames, isinstance(renderer, RealtimeRenderer)
    inference = prepare(renderer, portraits)
    # The first held-out frame is a talking face that is turned aside: everything moves.
    motion = portraits.motion[portraits.clean_numbers[0]].expand(1, frames, -1).contiguous()
    exported = export_graphs(inference, motion, to_float(portraits.pictures[NEUTRAL])[None], folder)
    values = against_truth(draw_with(inference, portraits, frames), portraits)
    if realtime:
        values["psnr_before_rounding"] = measure(renderer, portraits)["psnr"]
    evaluation = {key: round(value, 4) for key, value in values.items()}
    evaluation["render_cpu_ms"] = round(
        milliseconds(folder / "render.onnx", exported.inputs, 100 if realtime else 2), 1
    )
    write_renderer(folder, name, renderer, exported, origin=origin, evaluation=evaluation)
    return exported, evaluation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--run", type=Path, help="folder of a training's checkpoint")
    chosen.add_argument("--weights", type=Path, help="weights that were kept (avatar/keep.py)")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--avatar", default="alex")
    parser.add_argument("--out", type=Path, help="folder for graphs and manifest, instead of the repository's models")
    parser.add_argument("--notes", default="", help="for the manifest")
    options = parser.parse_args()
    portraits = Portraits.read(options.data, options.face_model)
    renderer, progress = load_kept(options.weights) if options.weights else load_average(options.run)
    origin = {
        "data": f"Cycles renders of ICT-FaceKit, avatar {options.avatar}, {len(portraits.numbers)} frames",
        "steps": progress["step"],
        "hardware": f"{platform.machine()} CPU, {progress['seconds'] / 3600:.1f} hours",
        "date": date.today().isoformat(),
        "notes": options.notes,
    }
    folder = options.out or ROOT / "models/renderers" / options.avatar
    exported, evaluation = export_renderer(options.avatar, renderer, portraits, folder, origin)
    if options.out is None:
        write_golden(options.avatar, exported, write_avatar(options.avatar, portraits))
    print(json.dumps(evaluation, indent=2))


if __name__ == "__main__":
    main()
