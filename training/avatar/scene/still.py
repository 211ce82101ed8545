"""Renders one picture of an avatar.

python -m avatar.scene.still --avatar alex --face-model ict-face.npz --out alex.png
    [--preset smile] [--weights jawOpen=0.2,mouthSmile=0.5] [--yaw 10] [--size 512] [--samples 64]
"""

import argparse
from pathlib import Path

from avatar.face_model import FaceModel
from avatar.scene.looks import LOOKS
from avatar.scene.presets import PRESETS
from avatar.scene.sampling import POSE_NAMES, descriptor
from avatar.scene.shots import Job, Shot
from avatar.scene.versions import LATEST, VERSIONS
from avatar.scene.workers import blender_command, render


def parse_weights(text: str) -> dict[str, float]:
    """`jawOpen=0.2,mouthSmile=0.5` as a dictionary. Raises ValueError for anything else."""
    pairs = [pair.split("=") for pair in text.split(",") if pair]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"expected NAME=WEIGHT,NAME=WEIGHT and got {text!r}")
    return {name: float(value) for name, value in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", choices=LOOKS, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help=".png or .jpg")
    parser.add_argument("--preset", choices=PRESETS, default="neutral")
    parser.add_argument("--weights", type=parse_weights, default={}, help="expressions to add, NAME=WEIGHT,…")
    for name in POSE_NAMES:
        parser.add_argument(f"--{name.split('_')[0]}", dest=name, type=float, default=0.0, help=name.split("_")[1])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--samples", type=int, default=64, help="a pixel")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scene", choices=VERSIONS, default=LATEST, help="version of the scene")
    options = parser.parse_args()
    names = FaceModel.read(options.face_model).names
    pose = {name: getattr(options, name) for name in POSE_NAMES}
    weights = dict(PRESETS[options.preset])
    for name, value in options.weights.items():
        weights[name] = weights.get(name, 0.0) + value
    shot = Shot.of(options.out.resolve(), descriptor(names, weights, **pose), options.size, options.samples, seed=0)
    job = Job(LOOKS[options.avatar], str(options.face_model.resolve()), options.scene)
    for _ in render([shot], job, blender_command(options.threads), processes=1):
        print(options.out)


if __name__ == "__main__":
    main()
