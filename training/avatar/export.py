"""Export a trained renderer to ONNX, with manifest, portrait and golden batch.

    python -m avatar.export --data DATA/alex-256 --face-model DATA/ict-face.npz --run RUNS/alex
    python -m avatar.export … --run RUNS/alex-paper --out MODELS/renderers/paper     # not into the repository

Without `--out` it writes models/renderers/realtime/{source,render}.onnx and manifest.json, models/avatars/alex/ and
test/fixtures/golden/renderer-realtime.{json,bin}. Fails when onnxruntime and PyTorch differ.
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
from PIL import Image

from avatar.data import NEUTRAL, Portraits, to_float
from avatar.evaluate import measure
from avatar.graphs import Exported, export_graphs
from avatar.sizes import Renderer, load_average
from common.golden import GoldenBatch
from common.manifest import write_manifest

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "Apache-2.0; made from renders of ICT-FaceKit (MIT, see NOTICE)"
DESCRIPTIONS = {"alex": "A young man with short brown hair in a blue shirt. Rendered: he is nobody."}


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
        "renderer": "realtime",
        "voice": "rms",
        "licence": LICENCE,
    }
    (home / "avatar.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return str((home / "portrait.png").relative_to(ROOT))


def write_golden(exported: Exported, portrait: str) -> None:
    """Writes one frame as golden batch. The features are megabytes: the reader has them from the `source` graph."""
    golden = GoldenBatch("models/renderers/realtime")
    inputs: dict[str, np.ndarray | dict[str, str]] = {
        "motion": exported.inputs["motion"],
        "portrait": {"file": portrait},
    }
    golden.add("render", inputs | {name: {"graph": "source"} for name in exported.features}, {"i420": exported.i420})
    golden.write(ROOT / "test/fixtures/golden/renderer-realtime")


def export_renderer(
    renderer: Renderer, portraits: Portraits, size: str, folder: Path, origin: dict[str, Any]
) -> tuple[Exported, dict[str, float]]:
    """Writes graphs and manifest of a trained renderer; returns the evaluation that the manifest has too."""
    frames = renderer.config.frames
    # The first held-out frame is a talking face that is turned aside: everything moves.
    motion = portraits.motion[portraits.clean_numbers[0]].expand(1, frames, -1).contiguous()
    exported = export_graphs(renderer, motion, to_float(portraits.pictures[NEUTRAL])[None], folder)
    evaluation = {name: round(value, 4) for name, value in measure(renderer, portraits).items()}
    runs = 100 if size == "realtime" else 2
    evaluation["render_cpu_ms"] = round(milliseconds(folder / "render.onnx", exported.inputs, runs), 1)
    write_manifest(
        folder,
        kind="renderer",
        name=size,
        description=f"PIRenderer, {size} size: 256 × 256 portraits from motion. Draws the avatars it was trained on.",
        licence=LICENCE,
        origin=origin,
        evaluation=evaluation,
        files={"source": "source.onnx", "render": "render.onnx"},
        details={
            "size": renderer.config.size,
            "layout": "visavis-59",
            "motionFrames": frames,
            "motionCentre": frames // 2,
            "features": exported.features,
        },
        limit=size == "realtime",
    )
    return exported, evaluation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--avatar", default="alex")
    parser.add_argument("--out", type=Path, help="folder for graphs and manifest, instead of the repository's models")
    parser.add_argument("--notes", default="", help="for the manifest")
    options = parser.parse_args()
    renderer, progress = load_average(options.run)
    size = progress.get("size", "realtime")
    portraits = Portraits.read(options.data, options.face_model, limit=12)
    origin = {
        "data": f"Cycles renders of ICT-FaceKit, avatar {options.avatar}, {progress.get('frames', 3085)} frames",
        "steps": progress["step"],
        "hardware": f"{platform.machine()} CPU, {progress['seconds'] / 3600:.1f} hours",
        "date": date.today().isoformat(),
        "notes": options.notes,
    }
    folder = options.out or ROOT / "models/renderers" / size
    exported, evaluation = export_renderer(renderer, portraits, size, folder, origin)
    if options.out is None:
        write_golden(exported, write_avatar(options.avatar, portraits))
    print(json.dumps(evaluation, indent=2))


if __name__ == "__main__":
    main()
