"""Train the real-time renderer.

    python -m avatar.train --data DATA/alex-256 --face-model DATA/ict-face.npz --run RUNS/alex --minutes 120
    python -m avatar.train … --run RUNS/alex --minutes 180          # continues where the checkpoint is
    python -m avatar.train … --run /tmp/smoke --minutes 1 --limit 60  # smoke test

Stage 1 (first `warp_share` of the time) trains the warp on exact correspondences, stage 2 everything. The learning rate
falls along a half cosine to the end of the time budget.
"""

import argparse
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from avatar.data import NEUTRAL, SOURCES, Portraits, to_float
from avatar.evaluate import measure
from avatar.losses import flow_loss, pixel_loss
from avatar.model import RealtimeRenderer
from common.checkpoint import Ema, resume, save_checkpoint


@dataclass
class TrainConfig:
    """One training run. Seconds and shares are of the running time of all its parts."""

    batch: int = 8
    rate: float = 5e-4
    warmup: int = 200
    warp_share: float = 0.08
    neutral_share: float = (
        0.85  # of the batches, drawn from the neutral portrait; the others from the 11 other clean poses
    )
    structure: float = 0.15
    flow: float = 2.0
    roughness: float = 0.5
    warped: float = 0.1
    decay: float = 0.999
    evaluate_every: int = 500
    save_every: int = 250
    seed: int = 0


class Trainer:
    def __init__(self, config: TrainConfig, portraits: Portraits, run: Path, device: str = "cpu", fuse: bool = False):
        self.config, self.portraits, self.run, self.device = config, portraits, run, torch.device(device)
        torch.manual_seed(config.seed)
        self.model = RealtimeRenderer().to(self.device, memory_format=torch.channels_last)
        self.ema = Ema(self.model, config.decay)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=1e-4)
        # Compiling fuses the many small operations between convolutions: 0.40 → 0.29 s a step on one core.
        self.draw = torch.compile(self.model.forward) if fuse else self.model
        self.compare = torch.compile(pixel_loss) if fuse else pixel_loss
        self.step, self.seconds = 0, 0.0
        self.parts = {"model": self.model, "ema": self.ema, "optimizer": self.optimizer}
        if progress := resume(run, self.parts):
            self.step, self.seconds = progress["step"], progress["seconds"]
        self.random = np.random.default_rng([config.seed, self.step])

    def save(self) -> None:
        save_checkpoint(self.run, self.parts, {"step": self.step, "seconds": self.seconds})

    def train_step(self, share: float) -> dict[str, float]:
        """One step on one batch that shares its source portrait; `share` of the time is over."""
        config, data = self.config, self.portraits
        for group in self.optimizer.param_groups:
            falling = 0.49 * (1 + math.cos(math.pi * min(share, 1))) + 0.02
            group["lr"] = config.rate * min(1, (self.step + 1) / config.warmup) * falling
        source = NEUTRAL if self.random.random() < config.neutral_share else int(self.random.integers(1, SOURCES))
        rows = torch.from_numpy(self.random.integers(0, len(data.numbers), config.batch))
        numbers = torch.from_numpy(data.numbers)[rows]
        target = to_float(data.pictures[rows].to(self.device))
        weights = data.weights[rows].to(self.device).float()[:, None]
        portrait = to_float(data.pictures[source].to(self.device))[None].contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            picture, warped, grid = self.draw(data.motion[numbers].to(self.device)[:, None], portrait)
        points = data.points[numbers].to(self.device)
        error, roughness = flow_loss(grid, points, data.points[source].to(self.device).expand_as(points))
        first = share < config.warp_share
        loss = (2 if first else 1) * (config.flow * error + config.roughness * roughness)
        loss = loss + (1.5 if first else 1) * config.warped * self.compare(warped, target, weights)
        if not first:
            loss = loss + self.compare(picture, target, weights, config.structure)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.ema.update(self.model)
        self.step += 1
        return {"loss": loss.item(), "flow_px": error.item() * 128, "l1": (picture - target).abs().mean().item()}

    def fit(self, minutes: float) -> None:
        begin, log = time.monotonic() - self.seconds, (self.run / "log.jsonl").open("a")
        sums: dict[str, float] = {}
        count = 0
        while self.seconds < minutes * 60:
            for key, value in self.train_step(self.seconds / (minutes * 60)).items():
                sums[key] = sums.get(key, 0) + value
            count += 1
            self.seconds = time.monotonic() - begin
            if self.step % self.config.save_every == 0:
                self.save()
            if self.step % self.config.evaluate_every == 0:
                row = {
                    "step": self.step,
                    "minutes": self.seconds / 60,
                    **{key: value / count for key, value in sums.items()},
                }
                row |= measure(self.ema.model, self.portraits)
                print(json.dumps({key: round(value, 4) for key, value in row.items()}), file=log, flush=True)
                sums, count = {}, 0
        self.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--limit", type=int, help="use only so many frames")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--init", type=Path, help="weights to start from")
    parser.add_argument("--warp-share", type=float, default=TrainConfig.warp_share)
    parser.add_argument("--fuse", action="store_true", help="compile the network (a minute at the start; needs g++)")
    options = parser.parse_args()
    config = TrainConfig(warp_share=options.warp_share)
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "config.json").write_text(json.dumps(asdict(config), indent=2))
    portraits = Portraits(options.data, options.face_model, options.limit)
    trainer = Trainer(config, portraits, options.run, options.device, options.fuse)
    if options.init and trainer.step == 0:
        state = torch.load(options.init, weights_only=True)
        trainer.model.load_state_dict(state)
        trainer.ema.model.load_state_dict(state)
    print(f"pid {os.getpid()}, {len(trainer.portraits.numbers)} frames, step {trainer.step}", flush=True)
    trainer.fit(options.minutes)


if __name__ == "__main__":
    main()
