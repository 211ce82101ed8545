"""Rendered portraits of one avatar, all in memory as bytes.

A data folder holds `frames/NNNNNN.jpg` (noisy renders, training), `clean/NNNNNN.jpg` (noise-free renders of frame
numbers divisible by 20, evaluation), `params.npz` (motion float32[n, 59], row = frame number) and `landmarks.npy`
(float32[n, 68, 2], Multi-PIE points, 0…1). Frames 0–11 are clean poses; 0 is the neutral portrait, unless there is a
better one in `portrait.png`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from avatar.correspondence import Surface, read_surface
from avatar.scene.folder import HELD_OUT_EVERY, SIZE, SOURCES

NEUTRAL = 0
PORTRAIT = "portrait.png"


@dataclass(frozen=True)
class Region:
    """A box about the mean of landmarks first…last−1, in pixels; `weight` is that of its pixels in the losses."""

    first: int
    last: int
    height: int
    width: int
    weight: float

    def box(self, landmarks: np.ndarray) -> tuple[slice, slice]:
        """Rows and columns of the box in a picture whose landmarks (68, 2) are given in 0…1."""
        x, y = landmarks[self.first : self.last].mean(0) * SIZE
        top = int(np.clip(y - self.height / 2, 0, SIZE - self.height))
        left = int(np.clip(x - self.width / 2, 0, SIZE - self.width))
        return slice(top, top + self.height), slice(left, left + self.width)


MOUTH = Region(48, 68, 48, 64, 7)
EYES = (Region(36, 42, 24, 36, 12), Region(42, 48, 24, 36, 12))
BROWS = (Region(17, 22, 20, 40, 2.5), Region(22, 27, 20, 40, 2.5))


def read_pictures(folder: Path, numbers: Sequence[int]) -> Tensor:
    """uint8 (len(numbers), 3, 256, 256), RGB."""
    pictures = torch.empty(len(numbers), 3, SIZE, SIZE, dtype=torch.uint8)
    for row, number in enumerate(numbers):
        pictures[row] = read_picture(folder / f"{number:06d}.jpg")
    return pictures


def read_picture(path: Path) -> Tensor:
    """uint8 (3, 256, 256), RGB."""
    with Image.open(path) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)


def to_float(pictures: Tensor) -> Tensor:
    """uint8 → float32 in 0…1."""
    return pictures.float() / 255


@dataclass(frozen=True)
class Portraits:
    """The frames of one avatar.

    names: of the descriptor's 59 columns. motion float32 (n, 59), landmarks float32 (n, 68, 2) and points float32 (n,
    P, 2) are indexed by frame number. Training frames: numbers (N,), pictures uint8 (N, 3, 256, 256), weights float16
    (N, 256, 256); the first 12 are the clean poses. Held-out noise-free frames: clean_numbers, clean_pictures uint8
    (K, 3, 256, 256).
    """

    names: list[str]
    motion: Tensor
    landmarks: np.ndarray
    surface: Surface
    points: Tensor
    numbers: np.ndarray
    pictures: Tensor
    weights: Tensor
    clean_numbers: list[int]
    clean_pictures: Tensor

    @staticmethod
    def read(folder: Path, face_model: Path, limit: int | None = None) -> "Portraits":
        """Reads a data folder, of its training frames at most `limit`. Raises FileNotFoundError when it is not one."""
        with np.load(folder / "params.npz") as parameters:
            names, motion = [str(name) for name in parameters["names"]], parameters["motion"]
        landmarks = np.load(folder / "landmarks.npy")
        present = sorted(int(path.stem) for path in (folder / "frames").glob("??????.jpg"))
        # Frame 0 is the portrait itself: it may be a target too. It is not among the held-out clean renders.
        keep = [i for i in present if i < SOURCES or (i % HELD_OUT_EVERY and np.isfinite(landmarks[i]).all())][:limit]
        clean = sorted(int(path.stem) for path in (folder / "clean").glob("??????.jpg"))
        pictures = read_pictures(folder / "frames", keep)
        if (folder / PORTRAIT).exists():
            pictures[NEUTRAL] = read_picture(folder / PORTRAIT)
        surface = read_surface(folder, face_model)
        return Portraits(
            names=names,
            motion=torch.from_numpy(motion),
            landmarks=landmarks,
            surface=surface,
            points=torch.from_numpy(surface.project(motion)),
            numbers=np.array(keep),
            pictures=pictures,
            weights=torch.stack([weight_map(landmarks[i]) for i in keep]),
            clean_numbers=clean,
            clean_pictures=read_pictures(folder / "clean", clean),
        )

    def columns(self, name: str) -> list[int]:
        """Columns of the descriptor whose name begins so."""
        return [index for index, column in enumerate(self.names) if column.startswith(name)]


def weight_map(landmarks: np.ndarray) -> Tensor:
    """float16 (256, 256): how much each pixel counts in the losses; 1 outside of mouth, eyes and brows."""
    weights = torch.ones(SIZE, SIZE, dtype=torch.float16)
    for region in (*BROWS, *EYES, MOUTH):
        box = region.box(landmarks)
        weights[box] = weights[box].clamp(min=region.weight)
    return weights
