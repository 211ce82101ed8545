"""Renders a contact sheet: an avatar's expressions and poses, each with its name.

python -m avatar.scene.sheet --avatar alex --face-model ict-face.npz --out alex.png [--size 256] [--samples 16]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from avatar.face_model import FaceModel
from avatar.scene.looks import LOOKS
from avatar.scene.presets import PRESETS
from avatar.scene.sampling import descriptor
from avatar.scene.shots import Job, Shot
from avatar.scene.versions import LATEST, VERSIONS
from avatar.scene.workers import blender_command, render

COLUMNS = 5
POSES = {
    "yaw -25": {"yaw_deg": -25.0},
    "yaw 25": {"yaw_deg": 25.0},
    "pitch -15": {"pitch_deg": -15.0},
    "pitch 15": {"pitch_deg": 15.0},
    "roll 10": {"roll_deg": 10.0},
}


def sheet_motion(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Label → descriptor (59,): every preset, then poses with half a smile."""
    motion = {label: descriptor(names, preset) for label, preset in PRESETS.items()}
    return motion | {label: descriptor(names, PRESETS["smile"], 0.4, **pose) for label, pose in POSES.items()}


def assemble(pictures: dict[str, Path], size: int) -> Image.Image:
    """The pictures in rows, `size` pixels wide each, with their labels in the corner."""
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * size, rows * size))
    draw = ImageDraw.Draw(sheet)
    for index, (label, path) in enumerate(pictures.items()):
        place = (index % COLUMNS * size, index // COLUMNS * size)
        with Image.open(path) as picture:
            sheet.paste(picture.convert("RGB"), place)
        draw.text((place[0] + 5, place[1] + 4), label, fill="white", stroke_width=1, stroke_fill="black")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", choices=LOOKS, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256, help="of each picture, pixels")
    parser.add_argument("--samples", type=int, default=16, help="a pixel")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--scene", choices=VERSIONS, default=LATEST, help="version of the scene")
    options = parser.parse_args()
    motion = sheet_motion(FaceModel.read(options.face_model).names)
    with TemporaryDirectory() as folder:
        pictures = {label: Path(folder) / f"{index:03d}.png" for index, label in enumerate(motion)}
        shots = [Shot.of(pictures[label], row, options.size, options.samples, seed=0) for label, row in motion.items()]
        job = Job(LOOKS[options.avatar], str(options.face_model.resolve()), options.scene)
        for done, _ in enumerate(render(shots, job, blender_command(1), options.processes), 1):
            print(f"{done} of {len(shots)}", flush=True)
        assemble(pictures, options.size).save(options.out)


if __name__ == "__main__":
    main()
