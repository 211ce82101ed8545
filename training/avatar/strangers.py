"""How far reader and renderers go on people whom they have not seen: identities of the face model, by chance.

    python -m avatar.strangers --face-model DATA/ict-face.npz --out STRANGERS [--people 4] [--frames 6] [--processes 2]

Renders alex, mia and `people` others, each at rest and in the same random motions, with the noise of `samples` samples
a pixel (Blender has to be installed; a picture takes 5 to 20 s of a core), in the scene that the shipped avatars learnt
from, and prints for each of them, over the pictures that are not at rest:

- `expression`, `degrees`: mean absolute error of what the reader reads, and `likeness`: of what it read drawn again by
  the avatar that does that best, as `npm run imitate` measures it to tell whether it knows a face;
- for each renderer, drawing from this person's portrait at rest with the known motion: luma PSNR to the render, and
  `still`: that of the portrait itself, which does not move. A renderer that is not above it has not learnt this face.

A second run in the same folder renders only what is missing.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from avatar.colour import LUMA
from avatar.data import NEUTRAL
from avatar.drawing import Drawer, open_graph
from avatar.evaluate_reader import EXPRESSIONS, read
from avatar.face_model import FaceModel
from avatar.scene.looks import LOOKS, Look, random_identity
from avatar.scene.presets import VISEMES
from avatar.scene.sampling import random_motion
from avatar.scene.shots import Job, Shot
from avatar.scene.versions import VERSIONS
from avatar.scene.workers import blender_command, render

MODELS = Path(__file__).resolve().parents[2] / "models"
FIRST_SEED = 301  # no avatar has it
STRENGTH = 0.8


def look_of(seed: int) -> Look:
    """A person by chance: face, skin, hair, eyes and shirt."""
    random = np.random.default_rng(seed)
    base = LOOKS["mia" if seed % 2 else "alex"]
    tone, light = random.uniform(0.35, 1.1), random.uniform(0.2, 3)
    skin = tuple(float(value * tone) for value in base.skin)
    hair = tuple(float(value * light) for value in base.hair_colour)
    iris, shirt = (tuple(random.uniform(0.02, 0.3, 3).tolist()) for _ in range(2))
    identity = random_identity(seed, STRENGTH)
    return replace(base, identity=identity, skin=skin, hair_seed=seed, hair_colour=hair, iris=iris, shirt=shirt)


def make_pictures(options: argparse.Namespace) -> Iterator[tuple[str, list[np.ndarray], np.ndarray]]:
    """Name, RGB pictures (256, 256, 3), the first at rest, and motion (frames, 59) of each person."""
    names = FaceModel.read(options.face_model).names
    motion = random_motion(names, options.frames, 5, VISEMES[options.scene])
    motion[0] = 0
    people = {"alex": LOOKS["alex"], "mia": LOOKS["mia"]}
    people |= {f"stranger-{i + 1}": look_of(FIRST_SEED + i) for i in range(options.people)}
    for name, look in people.items():
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder.resolve() / f"{i}.png" for i in range(options.frames)]
        shots = [
            Shot.of(path, row, 256, options.samples, seed)
            for seed, (path, row) in enumerate(zip(paths, motion, strict=True))
            if not path.exists()
        ]
        job = Job(look, str(options.face_model.resolve()), options.scene)
        for _ in render(shots, job, blender_command(1), processes=options.processes):
            pass
        yield name, [np.asarray(Image.open(path).convert("RGB")) for path in paths], motion


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Of the luma of two RGB pictures, in dB."""
    off = (a.astype(np.float64) - b.astype(np.float64)) / 255 @ np.array(LUMA)
    return float(10 * np.log10(255**2 / max(np.mean(off**2), 1e-4)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--samples", type=int, default=32, help="a pixel")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--scene", choices=VERSIONS, default="v1")
    options = parser.parse_args()
    reader = open_graph(MODELS / "readers/alex-mia/read.onnx")
    renderers = ("alex", "mia")

    def drawer(renderer: str, portrait: np.ndarray) -> Drawer:
        picture = torch.from_numpy(portrait.copy()).permute(2, 0, 1)
        return Drawer(MODELS / "renderers" / renderer, SimpleNamespace(pictures={NEUTRAL: picture}))

    own = {
        name: drawer(name, np.asarray(Image.open(MODELS / "avatars" / name / "portrait.png").convert("RGB")))
        for name in renderers
    }
    for name, pictures, motion in make_pictures(options):
        portrait, moved = pictures[0], np.stack(pictures[1:])
        off = np.abs(read(reader, moved) - motion[1:]).mean(0)
        found = read(reader, moved)
        likeness = [
            max(psnr(own[each].draw(row), picture) for each in renderers)
            for row, picture in zip(found, moved, strict=True)
        ]
        drawn = {}
        for renderer in renderers:
            draws = drawer(renderer, portrait)
            drawn[renderer] = np.mean([psnr(draws.draw(row), p) for row, p in zip(motion[1:], moved, strict=True)])
        result = {
            "expression": off[:EXPRESSIONS].mean(),
            "degrees": off[EXPRESSIONS : EXPRESSIONS + 3].mean(),
            "likeness": np.mean(likeness),
            **drawn,
            "still": np.mean([psnr(portrait, picture) for picture in moved]),
        }
        print(name, json.dumps({key: round(float(value), 3) for key, value in result.items()}), flush=True)


if __name__ == "__main__":
    main()
