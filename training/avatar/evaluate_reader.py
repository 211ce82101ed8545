"""How well an exported reader reads, and how well it lets one avatar imitate another.

    python -m avatar.evaluate_reader --reader ../models/readers/alex-mia --face-model DATA/ict-face.npz \\
        --data alex=DATA/alex-256 mia=DATA/mia-256

All of it on the noise-free held-out renders (frame numbers divisible by 20), whose descriptor is known exactly:

- `shapes`: mean absolute error of each of the 53 expression weights, whose range is 0…1, and of rotation in degrees and
  translation in centimetres; `spread` beside it is the error of always saying the mean.
- `expression`, `degrees`, `centimetres`: the means of those.
- `pairs`: imitation of one avatar by another, by the exported graphs alone. Each held-out render of the first one is
  read, and the second one is drawn with what was read. AED and APD, as in PIRenderer (Ren et al. 2021, §4.1), are
  distances of the coefficients that an estimator finds in the drawn picture from those that it finds in the picture
  that is imitated: here the estimator is the reader itself; AED is the mean absolute difference of the 53 weights, APD
  the mean absolute difference of the six numbers of pose, angles in radians and translations in units of 10 cm.
  `aed_true` and `apd_true` take the known descriptor of the imitated render in place of what is read of it. The paper's
  figures come from another estimator with another scale: they are not comparable.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from avatar.data import Portraits
from avatar.drawing import Drawer, open_graph
from avatar.scene.folder import SOURCES

EXPRESSIONS = 53
DECIMETRE = 10  # centimetres


def read(reader: onnxruntime.InferenceSession, pictures: np.ndarray) -> np.ndarray:
    """RGB uint8 (N, 256, 256, 3) → motion (N, 59)."""
    return np.concatenate([reader.run(["motion"], {"picture": picture[None]})[0] for picture in pictures])


def aed(a: np.ndarray, b: np.ndarray) -> float:
    """Average expression distance of descriptors (N, 59)."""
    return float(np.abs(a - b)[:, :EXPRESSIONS].mean())


def apd(a: np.ndarray, b: np.ndarray) -> float:
    """Average pose distance of descriptors (N, 59): radians and units of 10 cm."""
    off = np.abs(a - b)[:, EXPRESSIONS:]
    return float(np.concatenate([np.deg2rad(off[:, :3]), off[:, 3:] / DECIMETRE], 1).mean())


def shape_errors(found: np.ndarray, true: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Errors of descriptors (N, 59), shape by shape and in the mean."""
    off, spread = np.abs(found - true).mean(0), np.abs(true - true.mean(0)).mean(0)
    return {
        "expression": round(float(off[:EXPRESSIONS].mean()), 4),
        "degrees": round(float(off[EXPRESSIONS : EXPRESSIONS + 3].mean()), 3),
        "centimetres": round(float(off[EXPRESSIONS + 3 :].mean()), 3),
        "shapes": {
            name: {"error": round(float(error), 4), "spread": round(float(wide), 4)}
            for name, error, wide in zip(names, off, spread, strict=True)
        },
    }


def evaluate(path: Path, sets: dict[str, Portraits], models: Path) -> dict[str, Any]:
    """Everything above, of the graph `path` on the held-out frames of `sets`, by avatar; `models` holds renderers."""
    reader = open_graph(path)
    drawers = {name: Drawer(models / "renderers" / name, portraits) for name, portraits in sets.items()}
    errors, pairs = {}, {}
    for name, portraits in sets.items():
        true = portraits.motion[portraits.clean_numbers].numpy()
        found = read(reader, portraits.clean_pictures.permute(0, 2, 3, 1).contiguous().numpy())
        errors[name] = {"frames": len(true), **shape_errors(found, true, portraits.names)}
        for other, drawer in drawers.items():
            drawn = read(reader, np.stack([drawer.draw(row) for row in found]))
            values = {"aed": aed(drawn, found), "apd": apd(drawn, found)}
            values |= {"aed_true": aed(drawn, true), "apd_true": apd(drawn, true)}
            pairs[f"{name} → {other}"] = {key: round(value, 4) for key, value in values.items()}
    return {"held_out": errors, "pairs": pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", type=Path, required=True, help="folder with read.onnx")
    parser.add_argument("--data", nargs="+", required=True, help="AVATAR=FOLDER")
    parser.add_argument("--face-model", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folders = dict(each.split("=", 1) for each in options.data)
    sets = {name: Portraits.read(Path(folder), options.face_model, SOURCES) for name, folder in folders.items()}
    models = Path(__file__).resolve().parents[2] / "models"
    print(json.dumps(evaluate(options.reader / "read.onnx", sets, models), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
