"""Export a trained reader to ONNX, with manifest and golden batch, and say how well it reads.

    python -m avatar.export_reader --run RUNS/reader --face-model DATA/ict-face.npz \\
        --data alex=DATA/alex-256 mia=DATA/mia-256

Writes models/readers/NAME/{read.onnx,manifest.json} and test/fixtures/golden/reader-NAME.{json,bin}; NAME is that of
its avatars, joined by hyphens. Weights are kept in half precision. The evaluation (`avatar/evaluate_reader.py`) is part
of the manifest, shape by shape. Fails when onnxruntime and PyTorch differ.
"""

import argparse
import json
import platform
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avatar.close_reader import CloseReader, load_close_reader, named_folder
from avatar.data import SIZE, Portraits
from avatar.evaluate_reader import evaluate
from avatar.export import LICENCE, ROOT, milliseconds
from avatar.graphs import write_graph
from avatar.scene.folder import SOURCES
from common.checkpoint import read_checkpoint
from common.golden import GoldenBatch
from common.half import round_to_half, store_as_half
from common.manifest import write_manifest

GOLDEN_PICTURES = 2  # of each avatar


class ReadGraph(nn.Module):
    """picture uint8[1, 256, 256, 3] → motion float32[1, 59], expression weights within 0…1, and landmarks float32[1,
    68, 2] in 0…1.
    """

    def __init__(self, reader: CloseReader):
        super().__init__()
        self.reader = reader

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        motion, landmarks = self.reader(picture.permute(0, 3, 1, 2).float() / 255)
        return torch.cat([motion[:, :53].clamp(0, 1), motion[:, 53:]], 1), landmarks


def export_reader(reader: CloseReader, pictures: Tensor, path: Path, golden: GoldenBatch) -> None:
    """Writes the graph, and the golden cases of pictures uint8 (N, 3, 256, 256).

    Raises ValueError when onnxruntime gives something else than PyTorch.
    """
    round_to_half(reader)
    graph = ReadGraph(reader).eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8)
    write_graph(graph, {"picture": example}, ["motion", "landmarks"], path)
    store_as_half(path)
    for picture in pictures.permute(0, 2, 3, 1).contiguous():
        with torch.no_grad():
            motion, landmarks = graph(picture[None])
        expected = {"motion": motion.numpy(), "landmarks": landmarks.numpy()}
        golden.check("read", path, {"picture": picture[None].numpy()}, expected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument(
        "--data", type=named_folder, nargs="+", required=True, help="AVATAR=FOLDER, those it was trained on"
    )
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--notes", default="", help="for the manifest")
    options = parser.parse_args()
    sets = {name: Portraits.read(folder, options.face_model, limit=SOURCES) for name, folder in options.data}
    reader = load_close_reader(options.run)
    progress = read_checkpoint(options.run)["progress"]
    name = "-".join(sets)
    folder = ROOT / "models/readers" / name
    golden = GoldenBatch(f"models/readers/{name}")
    pictures = torch.cat([portraits.clean_pictures[:GOLDEN_PICTURES] for portraits in sets.values()])
    export_reader(reader, pictures, folder / "read.onnx", golden)
    golden.write(ROOT / f"test/fixtures/golden/reader-{name}")
    evaluation = evaluate(folder / "read.onnx", sets, ROOT / "models")
    sample = {"picture": np.zeros((1, SIZE, SIZE, 3), np.uint8)}
    evaluation["read_cpu_ms"] = round(milliseconds(folder / "read.onnx", sample, 100), 1)
    write_manifest(
        folder,
        kind="reader",
        name=name,
        description="Reads the motion descriptor from a 256 × 256 picture of a face that it was trained on.",
        licence=LICENCE,
        origin={
            "data": f"Cycles renders of ICT-FaceKit, avatars {', '.join(sets)}",
            "steps": progress["step"],
            "hardware": f"{platform.machine()} CPU, {progress['seconds'] / 3600:.1f} hours of one core",
            "date": date.today().isoformat(),
            "notes": options.notes,
        },
        evaluation=evaluation,
        files={"read": "read.onnx"},
        details={"size": SIZE, "layout": "visavis-59", "avatars": list(sets)},
    )
    print(json.dumps(evaluation, indent=2))


if __name__ == "__main__":
    main()
