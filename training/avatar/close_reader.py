"""The close reader: reads a descriptor in two looks, and well enough to imitate a face by it.

    python -m avatar.close_reader --data alex=DATA/alex-256 mia=DATA/mia-256 --face-model DATA/ict-face.npz \\
        --whole RUNS/joint-reader --run RUNS/reader --minutes 30

The first look is a `MotionReader` of the same avatars (`avatar/read_motion.py`), trained before and kept as it is:
where the landmarks are, and the pose. The second look, for the expression, is at three pieces of the picture at full
sharpness, cut out about those landmarks: the mouth, and each eye with its brow, the right one mirrored so that one
network reads both. Cut out so, a lid that moves by three pixels is no longer lost among all that a turning head moves.

Weights of expressions are mostly 0. The mean absolute difference would be smallest for a reader that always says so;
the mean square, over each weight's own variance, is not.

It trains on renders, and on pictures that the shipped renderers draw from random motion (`--drawn`): those are what it
will see when an avatar imitates another.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.data import SIZE, Portraits, to_float
from avatar.drawing import Drawer
from avatar.model import MOTION, motion_unit
from avatar.read_motion import LANDMARKS, Examples, MotionReader, disturb, load_reader, read_all
from avatar.scene.presets import VISEMES
from avatar.scene.sampling import random_motion
from common.checkpoint import Ema, read_checkpoint, resume, save_checkpoint

BATCH = 32
RATE = 1e-3
EXPRESSIONS = 53
MOUTH, EYE = (72, 80), (48, 48)  # pixels of 256: height, width
EYE_LIFT = 8 / SIZE  # the brow belongs to it
JITTER = 1.5 / SIZE  # how far landmarks are off for an unseen picture
LEAST_SPREAD = 0.05  # of a weight: columns that hardly vary do not count more for it


def crop(pictures: Tensor, centres: Tensor, size: tuple[int, int], mirrored: bool = False) -> Tensor:
    """Cuts (B, 3, height, width) out of (B, 3, 256, 256) about centres (B, 2), x and y in 0…1; outside is repeated."""
    height, width = size
    y = (torch.arange(height, device=pictures.device) - (height - 1) / 2) * (2 / SIZE)
    x = (torch.arange(width, device=pictures.device) - (width - 1) / 2) * (2 / SIZE)
    if mirrored:
        x = -x
    steps = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
    grid = steps + (2 * centres - 1)[:, None, None]
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def looker(channels: int, size: tuple[int, int], outputs: int) -> nn.Module:
    """A network over a piece of a picture (B, 3, *size) → (B, outputs)."""

    def conv(inputs: int, outputs: int, stride: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(4, outputs), nn.LeakyReLU(0.1))

    height, width = size[0] // 8, size[1] // 8
    return nn.Sequential(
        nn.Sequential(nn.PixelUnshuffle(2), conv(12, channels, 1)),
        conv(channels, 2 * channels, 2),
        conv(2 * channels, 2 * channels, 1),
        conv(2 * channels, 3 * channels, 2),
        conv(3 * channels, 3 * channels, 1),
        nn.Conv2d(3 * channels, channels, 1),
        nn.LeakyReLU(0.1),
        nn.Flatten(),
        nn.Linear(channels * height * width, outputs),
        nn.LeakyReLU(0.1),
    )


class CloseReader(nn.Module):
    """picture (B, 3, 256, 256) → motion (B, 59) in raw units and landmarks (B, 68, 2) in 0…1."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = MotionReader()
        self.register_buffer("unit", motion_unit(), persistent=False)
        self.mouth, self.eye = looker(24, MOUTH, 128), looker(24, EYE, 96)
        seen = 128 + 2 * 96 + MOTION + 2 * LANDMARKS
        self.out = nn.Sequential(
            nn.Linear(seen, 256), nn.LeakyReLU(0.1), nn.Linear(256, 256), nn.LeakyReLU(0.1), nn.Linear(256, EXPRESSIONS)
        )
        # What every weight is about, and by how much it varies.
        self.register_buffer("mean", torch.zeros(EXPRESSIONS))
        self.register_buffer("spread", torch.ones(EXPRESSIONS))
        self.register_buffer("shape", torch.full((LANDMARKS, 2), 0.5))

    def pieces(self, picture: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mouth, left eye and mirrored right eye, cut out about landmarks (B, 68, 2)."""
        lift = landmarks.new_tensor([0, EYE_LIFT])
        right, left = (landmarks[:, first : first + 6].mean(1) - lift for first in (36, 42))
        mouth = landmarks[:, 48:].mean(1)
        return crop(picture, mouth, MOUTH), crop(picture, left, EYE), crop(picture, right, EYE, mirrored=True)

    def look(self, pieces: tuple[Tensor, Tensor, Tensor], motion: Tensor, landmarks: Tensor) -> Tensor:
        """The weights (B, 53) by the second look; `motion` and `landmarks` are the first look's."""
        mouth, left, right = pieces
        places = (landmarks - self.shape).flatten(1) * 10
        seen = [self.mouth(mouth - 0.5), self.eye(left - 0.5), self.eye(right - 0.5), motion * self.unit, places]
        return self.mean + self.spread * self.out(torch.cat(seen, 1)).float()

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        motion, landmarks = self.whole(picture)
        weights = self.look(self.pieces(picture, landmarks), motion, landmarks)
        return torch.cat([weights, motion[:, EXPRESSIONS:]], 1), landmarks


def load_close_reader(run: Path) -> CloseReader:
    """The averaged reader of a run, frozen. Raises FileNotFoundError without a checkpoint."""
    checkpoint = read_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"no checkpoint in {run}")
    reader = CloseReader()
    reader.load_state_dict(checkpoint["parts"]["ema"]["model"])
    return reader.eval().requires_grad_(False)


@dataclass(frozen=True)
class Looked:
    """Examples with what the first look says of them: pictures uint8 (N, 3, 256, 256), motion (N, 59) as it truly is,
    first (N, 59) and landmarks (N, 68, 2) as they were read.
    """

    pictures: Tensor
    motion: Tensor
    first: Tensor
    landmarks: Tensor

    @staticmethod
    def at(whole: MotionReader, pictures: Tensor, motion: Tensor) -> "Looked":
        """Looks at pictures whose descriptor is `motion`."""
        return Looked(pictures, motion, *read_all(whole, pictures))


def draw_examples(portraits: Portraits, renderer: Path, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pictures uint8 (count, 3, 256, 256) that the exported renderer draws from random motion, and that motion."""
    drawer = Drawer(renderer, portraits)
    motion = random_motion(portraits.names[:EXPRESSIONS], count, seed, VISEMES["v1"])
    pictures = np.stack([drawer.draw(row).transpose(2, 0, 1) for row in motion])
    return torch.from_numpy(pictures), torch.from_numpy(motion)


@torch.no_grad()
def check(reader: CloseReader, held_out: Examples) -> dict[str, float]:
    """Mean errors on noise-free held-out frames, of weights and degrees, and the share of the weights' variance that is
    explained.
    """
    motion = torch.cat([reader(to_float(some))[0] for some in held_out.pictures.split(BATCH)])
    off, true = motion - held_out.motion, held_out.motion
    explained = 1 - off[:, :EXPRESSIONS].square().sum() / (true - true.mean(0))[:, :EXPRESSIONS].square().sum()
    values = {
        "expression": off[:, :EXPRESSIONS].abs().mean(),
        "degrees": off[:, EXPRESSIONS : EXPRESSIONS + 3].abs().mean(),
        "explained": explained,
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def train(whole: MotionReader, examples: Looked, held_out: Examples, run: Path, minutes: float) -> dict[str, float]:
    """Trains, or goes on training, until the run has had so many minutes of this thread's processor; returns `check` of
    the averaged weights."""
    torch.manual_seed(0)
    reader = CloseReader().to(memory_format=torch.channels_last)
    reader.whole.load_state_dict(whole.state_dict())
    reader.whole.requires_grad_(False)
    true = examples.motion[:, :EXPRESSIONS]
    reader.mean.copy_(true.mean(0))
    reader.spread.copy_(true.std(0).clamp(min=LEAST_SPREAD))
    reader.shape.copy_(examples.landmarks.mean(0))
    ema = Ema(reader, 0.998)
    optimizer = torch.optim.AdamW([p for p in reader.parameters() if p.requires_grad], RATE, weight_decay=1e-2)
    parts = {"model": reader, "ema": ema, "optimizer": optimizer}
    progress = resume(run, parts) or {"step": 0, "seconds": 0.0}
    step, random = progress["step"], np.random.default_rng(progress["step"])
    begin = time.thread_time() - progress["seconds"]
    while (share := (time.thread_time() - begin) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (0.49 * (1 + math.cos(math.pi * share)) + 0.02)
        rows = torch.from_numpy(random.integers(0, len(examples.pictures), BATCH))
        # Errors of the first look are larger for pictures that it was not trained on.
        landmarks = examples.landmarks[rows]
        landmarks = landmarks + JITTER * (torch.randn(BATCH, 1, 2) + 0.5 * torch.randn(BATCH, LANDMARKS, 2))
        first = examples.first[rows] + 0.02 * torch.randn(BATCH, MOTION) / reader.unit
        with torch.no_grad():
            pieces = reader.pieces(to_float(examples.pictures[rows]), landmarks)
        with torch.autocast("cpu", torch.bfloat16):
            weights = reader.look(tuple(disturb(piece) for piece in pieces), first, landmarks)
        loss = ((weights - true[rows]) / reader.spread).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(reader)
        step += 1
        if step % 500 == 0:
            save_checkpoint(run, parts, {"step": step, "seconds": time.thread_time() - begin})
            print(json.dumps({"step": step, "loss": round(loss.item(), 4), **check(ema.model, held_out)}), flush=True)
    save_checkpoint(run, parts, {"step": step, "seconds": time.thread_time() - begin})
    return check(ema.model, held_out)


def named_folder(text: str) -> tuple[str, Path]:
    """`alex=FOLDER` as a pair."""
    name, _, folder = text.partition("=")
    return name, Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=named_folder, nargs="+", required=True, help="AVATAR=FOLDER")
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--whole", type=Path, required=True, help="run of avatar.read_motion with the same avatars")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--drawn", type=int, default=1500, help="pictures that each avatar's renderer draws")
    parser.add_argument("--models", type=Path, default=Path("../models"), help="folder with renderers/AVATAR")
    parser.add_argument("--limit", type=int, help="use only so many frames")
    options = parser.parse_args()
    whole = load_reader(options.whole)
    looked, held_out = [], []
    for seed, (name, folder) in enumerate(options.data):
        portraits = Portraits.read(folder, options.face_model, options.limit)
        rendered = Examples.training(portraits)
        looked.append(Looked.at(whole, rendered.pictures, rendered.motion))
        if options.drawn:
            renderer = options.models / "renderers" / name
            looked.append(Looked.at(whole, *draw_examples(portraits, renderer, options.drawn, 1000 + seed)))
        held_out.append(Examples.held_out(portraits))
    names = Looked.__annotations__
    together = Looked(*(torch.cat([getattr(each, name) for each in looked]) for name in names))
    print(json.dumps(train(whole, together, Examples.together(held_out), options.run, options.minutes)))


if __name__ == "__main__":
    main()
