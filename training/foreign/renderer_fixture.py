"""Writes the small random-weight renderer of another descriptor that the server's tests load.

    python -m foreign.renderer_fixture ../test/fixtures/renderers

Layers are those of the paper's size, narrow, with its 73 coefficients in a window of 27 frames; the matrix is random.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch

from avatar.export import write_renderer
from avatar.graphs import FloatInference, export_graphs
from avatar.layout import write_layout
from avatar.model import MOTION, motion_unit
from avatar.paper import PaperConfig, PaperRenderer

NARROW = PaperConfig(motion=73, scaled=False, edit_base=2, warp_base=2, most=4, z=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder / "narrow-73"
    torch.manual_seed(0)
    renderer = PaperRenderer(NARROW).eval()
    torch.nn.init.normal_(renderer.warping.flow[-1].weight, std=0.2)
    motion, portrait = torch.randn(1, NARROW.frames, NARROW.motion), torch.rand(1, 3, 256, 256)
    exported = export_graphs(FloatInference(renderer), motion, portrait, folder)
    random = np.random.default_rng(0)
    matrix = random.normal(size=(NARROW.motion, MOTION)) * motion_unit().numpy()
    write_layout(folder / "layout.json", matrix.round(2), random.normal(size=NARROW.motion).round(2))
    write_renderer(
        folder,
        "narrow-73",
        renderer,
        exported,
        origin={"data": "none: random weights", "steps": 0, "hardware": "", "date": "2026-11-23", "notes": ""},
        evaluation={},
        layout={"name": "random-73", "size": NARROW.motion, "file": "layout.json"},
    )
    for path in folder.glob("*.onnx"):
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


if __name__ == "__main__":
    main()
