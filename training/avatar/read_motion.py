"""The reader: a network from a picture to its motion descriptor and its landmarks.

    python -m avatar.read_motion --data DATA/alex-256 --face-model DATA/ict-face.npz --run RUNS/alex-reader --minutes 8
    python -m avatar.read_motion --data DATA/alex-256 DATA/mia-256 … --run RUNS/reader --minutes 40     # reads both

It has two uses in training: its features compare pictures by what a face does (a feature loss that owes nothing to
photographs), and its landmarks measure eyelid and mouth gaps of drawn frames. The one of several avatars is what motion
imitation reads with (`avatar/export_reader.py`). It reads renders of the avatars that it has seen.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.data import SIZE, Portraits, to_float
from avatar.model import MOTION, motion_unit
from common.checkpoint import Ema, read_checkpoint, resume, save_checkpoint

LANDMARKS = 68
BATCH = 16
RATE = 1e-3
LANDMARK_UNIT = 0.1  # of the picture's width, so that both outputs have similar sizes
UPPER_LIDS, LOWER_LIDS = (37, 38, 43, 44), (41, 40, 47, 46)
UPPER_LIP, LOWER_LIP = (61, 62, 63), (67, 66, 65)


class MotionReader(nn.Module):
    """picture (B, 3, 256, 256) → motion (B, 59) in raw units and landmarks (B, 68, 2) in 0…1."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("unit", motion_unit(), persistent=False)

        def conv(inputs: int, outputs: int, stride: int) -> nn.Module:
            return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(4, outputs), nn.LeakyReLU(0.1))

        self.at64 = nn.Sequential(nn.PixelUnshuffle(4), conv(48, 24, 1))
        self.at32 = nn.Sequential(conv(24, 48, 2), conv(48, 48, 1))
        self.at16 = nn.Sequential(conv(48, 96, 2), conv(96, 96, 1))
        self.at8 = nn.Sequential(conv(96, 128, 2), nn.Conv2d(128, 32, 1), nn.LeakyReLU(0.1))
        # Places matter, so nothing is averaged over the picture.
        self.out = nn.Sequential(nn.Linear(32 * 8 * 8, 256), nn.LeakyReLU(0.1), nn.Linear(256, MOTION + 2 * LANDMARKS))
        self.register_buffer("mean", torch.full((LANDMARKS, 2), 0.5))

    def features(self, picture: Tensor) -> list[Tensor]:
        """Maps (B, 24, 64, 64), (B, 48, 32, 32) and (B, 96, 16, 16), for the feature loss."""
        f64 = self.at64(picture - 0.5)
        f32 = self.at32(f64)
        return [f64, f32, self.at16(f32)]

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        out = self.out(self.at8(self.features(picture)[-1]).flatten(1)).float()
        landmarks = self.mean + LANDMARK_UNIT * out[:, MOTION:].reshape(-1, LANDMARKS, 2)
        return out[:, :MOTION] / self.unit, landmarks


def gaps(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Eyelid and mouth gaps in pixels (B,) of landmarks (B, 68, 2) in 0…1: mean distances of upper and lower points."""

    def between(upper: tuple[int, ...], lower: tuple[int, ...]) -> Tensor:
        return (landmarks[:, upper] - landmarks[:, lower]).norm(dim=-1).mean(1) * SIZE

    return between(UPPER_LIDS, LOWER_LIDS), between(UPPER_LIP, LOWER_LIP)


def feature_loss(reader: MotionReader, picture: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the reader's features, each scale over its own spread in the target."""
    with torch.no_grad():
        wanted = reader.features(target)
    pairs = zip(reader.features(picture), wanted, strict=True)
    return torch.stack([(a - b).abs().mean() / b.float().std() for a, b in pairs]).mean()


def load_reader(run: Path) -> MotionReader:
    """The averaged reader of a run, frozen. Raises FileNotFoundError without a checkpoint."""
    checkpoint = read_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"no checkpoint in {run}")
    reader = MotionReader()
    reader.load_state_dict(checkpoint["parts"]["ema"]["model"])
    return reader.eval().requires_grad_(False)


def disturb(pictures: Tensor) -> Tensor:
    """Noise, brightness and sharpness at random, so that renders of few samples and drawn frames are read alike."""
    size = (len(pictures), 1, 1, 1)
    blurred = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    pictures = torch.lerp(pictures, blurred, torch.rand(size, device=pictures.device))
    noise = torch.randn_like(pictures) * 0.03 * torch.rand(size, device=pictures.device)
    return (pictures + noise) * (0.9 + 0.2 * torch.rand(size, device=pictures.device))


@dataclass(frozen=True)
class Examples:
    """Pictures whose motion is known: uint8 (N, 3, 256, 256), motion (N, 59), landmarks (N, 68, 2) in 0…1."""

    pictures: Tensor
    motion: Tensor
    landmarks: Tensor

    @staticmethod
    def training(portraits: Portraits) -> "Examples":
        """The frames to train on."""
        landmarks = torch.from_numpy(portraits.landmarks[portraits.numbers])
        return Examples(portraits.pictures, portraits.motion[portraits.numbers], landmarks)

    @staticmethod
    def held_out(portraits: Portraits) -> "Examples":
        """The noise-free frames."""
        landmarks = torch.from_numpy(portraits.landmarks[portraits.clean_numbers])
        return Examples(portraits.clean_pictures, portraits.motion[portraits.clean_numbers], landmarks)

    @staticmethod
    def together(sets: Sequence["Examples"]) -> "Examples":
        """Those of all sets."""
        return Examples(*(torch.cat([getattr(each, name) for each in sets]) for name in Examples.__annotations__))


@torch.no_grad()
def read_all(reader: MotionReader, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """What the reader says of uint8 pictures (N, 3, 256, 256), a few at a time."""
    parts = [reader(to_float(some)) for some in pictures.split(BATCH)]
    return torch.cat([motion for motion, _ in parts]), torch.cat([landmarks for _, landmarks in parts])


def check(reader: MotionReader, held_out: Examples) -> dict[str, float]:
    """Errors on noise-free held-out frames: expression weights, degrees, landmarks and gaps in pixels."""
    motion, landmarks = read_all(reader, held_out.pictures)
    off = (motion - held_out.motion).abs()
    lids, mouth = ((a - b).abs().mean() for a, b in zip(gaps(landmarks), gaps(held_out.landmarks), strict=True))
    values = {
        "expression": off[:, :53].mean(),
        "degrees": off[:, 53:56].mean(),
        "landmarks_px": (landmarks - held_out.landmarks).norm(dim=-1).mean() * SIZE,
        "lid_gap_px": lids,
        "mouth_gap_px": mouth,
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def train(examples: Examples, held_out: Examples, run: Path, minutes: float) -> dict[str, float]:
    """Trains, or goes on training, until the run has had so many minutes of this thread's processor; returns `check` of
    the averaged weights."""
    torch.manual_seed(0)
    reader = MotionReader().to(memory_format=torch.channels_last)
    reader.mean.copy_(examples.landmarks.mean(0))
    ema = Ema(reader, 0.998)
    optimizer = torch.optim.AdamW(reader.parameters(), RATE, weight_decay=1e-2)
    parts = {"model": reader, "ema": ema, "optimizer": optimizer}
    progress = resume(run, parts) or {"step": 0, "seconds": 0.0}
    step, random = progress["step"], np.random.default_rng(progress["step"])
    begin = time.thread_time() - progress["seconds"]
    while (share := (time.thread_time() - begin) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (0.49 * (1 + math.cos(math.pi * share)) + 0.02)
        rows = torch.from_numpy(random.integers(0, len(examples.pictures), BATCH))
        with torch.autocast("cpu", torch.bfloat16):
            motion, landmarks = reader(disturb(to_float(examples.pictures[rows])))
        loss = ((motion - examples.motion[rows]) * reader.unit).abs().mean()
        loss = loss + (landmarks - examples.landmarks[rows]).abs().mean() / LANDMARK_UNIT
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(reader)
        step += 1
        if step % 250 == 0:
            save_checkpoint(run, parts, {"step": step, "seconds": time.thread_time() - begin})
            print(json.dumps({"step": step, "loss": round(loss.item(), 4), **check(ema.model, held_out)}), flush=True)
    save_checkpoint(run, parts, {"step": step, "seconds": time.thread_time() - begin})
    return check(ema.model, held_out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="one folder for each avatar")
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--limit", type=int, help="use only so many frames")
    options = parser.parse_args()
    sets = []
    for folder in options.data:
        portraits = Portraits.read(folder, options.face_model, options.limit)
        sets.append((Examples.training(portraits), Examples.held_out(portraits)))
    examples, held_out = (Examples.together(each) for each in zip(*sets, strict=True))
    print(json.dumps(train(examples, held_out, options.run, options.minutes)))


if __name__ == "__main__":
    main()
