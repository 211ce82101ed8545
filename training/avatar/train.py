"""Train a renderer.

    python -m avatar.train --data DATA/alex-256 --face-model DATA/ict-face.npz --run RUNS/alex --minutes 120
    python -m avatar.train … --run RUNS/alex --minutes 180           # continues where the checkpoint is
    python -m avatar.train … --run RUNS/mia --init weights/alex.pt --refit-modal     # another face, from a trained one
    python -m avatar.train … --run /tmp/smoke --minutes 1 --limit 60  # smoke test

Stage 0 fits the modal flow of the real-time size, stage 1 the whole warp, both on exact correspondences; stage 2
trains everything on pictures, if `adversarial` is set in its second half also against an adversary that sees mouths.
The learning rate falls along a half cosine to the end of the time budget.
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

from avatar.correspondence import POINT_WEIGHTS
from avatar.data import NEUTRAL, Portraits, to_float
from avatar.discriminator import MouthDiscriminator, crop, deceive_loss, discriminator_loss
from avatar.evaluate import measure
from avatar.losses import flow_error, pixel_loss, roughness
from avatar.modal import fit_modal_flow
from avatar.read_motion import MotionReader, feature_loss, load_reader
from avatar.rounding import round_inside
from avatar.sizes import SIZES, load_kept
from common.checkpoint import Ema, resume, save_checkpoint


@dataclass
class TrainConfig:
    """One training run. Shares are of the running time."""

    size: str = "realtime"
    batch: int = 8
    rate: float = 3e-4
    modulation_rate: float = 2.0  # factor for what the descriptor passes through, which is slow to learn
    warmup: int = 200
    modal_share: float = 0.03
    warp_share: float = 0.10  # end of stage 1
    structure: float = 0.15
    feature: float = 0.5
    adversarial: float = 0.0  # 0.004 is a quarter of the pixel loss's gradient at the mouth, and hatches the teeth
    adversarial_from: float = 0.5  # share of the time; its adversary begins a little earlier
    adversary_lead: float = 0.05
    adversary_rate: float = 4e-4
    flow: float = 2.0
    roughness: float = 0.3
    warped: float = 0.2
    lids: float = 3.0  # how many times more often frames with closed eyes are drawn
    decay: float = 0.999
    rounded: bool = False  # with the 8 bits of what is exported; for the last steps
    evaluate_every: int = 500
    save_every: int = 250
    seed: int = 0


class Trainer:
    """Model, averaged model and optimizer of one run folder, restored from its checkpoint when there is one."""

    def __init__(
        self,
        config: TrainConfig,
        portraits: Portraits,
        run: Path,
        device: str = "cpu",
        fuse: bool = False,
        reader: MotionReader | None = None,
    ) -> None:
        self.config, self.portraits, self.run, self.device = config, portraits, run, torch.device(device)
        torch.manual_seed(config.seed)
        self.model = SIZES[config.size]().to(self.device, memory_format=torch.channels_last)
        if config.rounded:
            round_inside(self.model)
        self.ema = Ema(self.model, config.decay)
        modulation = [p for n, p in self.model.named_parameters() if "affine" in n or n.startswith("mapping")]
        chosen = {id(p) for p in modulation}
        others = [p for p in self.model.parameters() if id(p) not in chosen]
        groups = [{"params": others, "factor": 1.0}, {"params": modulation, "factor": config.modulation_rate}]
        self.optimizer = torch.optim.AdamW(groups, config.rate, betas=(0.9, 0.99), weight_decay=1e-4)
        self.adversary = MouthDiscriminator().to(self.device)
        self.adversary_optimizer = torch.optim.Adam(
            self.adversary.parameters(), config.adversary_rate, betas=(0.0, 0.9)
        )
        # Compiling fuses the many small operations between convolutions: 0.40 → 0.29 s a step on one core.
        self.draw = torch.compile(self.model.forward) if fuse else self.model
        self.compare = torch.compile(pixel_loss) if fuse else pixel_loss
        self.perceive = torch.compile(feature_loss) if fuse else feature_loss
        self.reader = reader.to(self.device, memory_format=torch.channels_last) if reader else None
        self.step, self.seconds = 0, 0.0
        self.parts = {
            "model": self.model,
            "ema": self.ema,
            "optimizer": self.optimizer,
            "adversary": self.adversary,
            "adversary_optimizer": self.adversary_optimizer,
        }
        if progress := resume(run, self.parts):
            self.step, self.seconds = progress["step"], progress["seconds"]
        self.random = np.random.default_rng([config.seed, self.step])
        blink = portraits.motion[portraits.numbers][:, portraits.columns("eyeBlink")].amax(1).clamp(0, 1)
        chances = 1 + (config.lids - 1) * blink.double().numpy()
        self.chances = chances / chances.sum()
        self.point_weights = torch.from_numpy(POINT_WEIGHTS).to(self.device)

    def save(self) -> None:
        progress = {
            "size": self.config.size,
            "frames": len(self.portraits.numbers),
            "step": self.step,
            "seconds": self.seconds,
        }
        save_checkpoint(self.run, self.parts, progress)

    def start_from(self, state: dict[str, torch.Tensor]) -> None:
        """Takes the weights of another run, of the model and of its average."""
        self.model.load_state_dict(state)
        self.ema.model.load_state_dict(state)

    def fit_modal(self, seconds: float) -> None:
        """Stage 0, of the real-time size."""
        motion = self.portraits.motion[self.portraits.numbers].numpy()
        error = fit_modal_flow(self.model.warping.modal, self.portraits.surface, motion, seconds, self.config.seed)
        self.ema.model.warping.modal.load_state_dict(self.model.warping.modal.state_dict())
        print(f"modal flow: {error * 128:.2f} px off", flush=True)

    def contend(
        self, picture: torch.Tensor, target: torch.Tensor, landmarks: torch.Tensor, share: float
    ) -> torch.Tensor:
        """One step of the adversary; returns the renderer's part of the contest, 0 while the adversary has its lead."""
        self.adversary.requires_grad_(True)
        drawn, true = crop(picture, landmarks), crop(target, landmarks)
        self.adversary_optimizer.zero_grad()
        discriminator_loss(self.adversary, true, drawn).backward()
        self.adversary_optimizer.step()
        if share < self.config.adversarial_from:
            return torch.zeros((), device=self.device)
        return self.config.adversarial * deceive_loss(self.adversary.requires_grad_(False), drawn)

    def train_step(self, share: float) -> dict[str, float]:
        """One step of stage 1 or 2 on one batch drawn from the neutral portrait; `share` of the time is over."""
        config, data = self.config, self.portraits
        for group in self.optimizer.param_groups:
            falling = 0.49 * (1 + math.cos(math.pi * min(share, 1))) + 0.02
            group["lr"] = config.rate * group["factor"] * min(1, (self.step + 1) / config.warmup) * falling
        rows = torch.from_numpy(self.random.choice(len(data.numbers), config.batch, p=self.chances))
        numbers = torch.from_numpy(data.numbers)[rows]
        target = to_float(data.pictures[rows].to(self.device))
        weights = data.weights[rows].to(self.device).float()[:, None]
        portrait = to_float(data.pictures[NEUTRAL].to(self.device))[None].contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            window = data.motion[numbers].to(self.device)[:, None].expand(-1, self.model.config.frames, -1)
            picture, warped, grid = self.draw(window, portrait)
        points = data.points[numbers].to(self.device)
        error = flow_error(grid, points, data.points[NEUTRAL].to(self.device).expand_as(points), self.point_weights)
        loss = config.flow * error + config.roughness * roughness(grid)
        if share >= config.warp_share:
            loss = loss + self.compare(picture, warped, target, weights, config.warped, config.structure)
            if self.reader:
                with torch.autocast(self.device.type, torch.bfloat16):
                    loss = loss + config.feature * self.perceive(self.reader, picture, target)
        if config.adversarial and share >= config.adversarial_from - config.adversary_lead:
            loss = loss + self.contend(picture, target, torch.from_numpy(data.landmarks[numbers.numpy()]), share)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.ema.update(self.model)
        self.step += 1
        l1 = (picture.detach() - target).abs().mean().item()
        return {"loss": loss.item(), "flow_px": error.item() * 128, "l1": l1}

    def fit(self, minutes: float) -> None:
        """Trains until the run has had so many minutes, with checkpoints and one line of `log.jsonl` per evaluation."""
        begin = time.monotonic() - self.seconds
        if self.step == 0 and self.config.size == "realtime" and self.config.modal_share > 0:
            self.fit_modal(minutes * 60 * self.config.modal_share)
        sums, count = {}, 0
        with (self.run / "log.jsonl").open("a") as log:
            while self.seconds < minutes * 60:
                for key, value in self.train_step(self.seconds / (minutes * 60)).items():
                    sums[key] = sums.get(key, 0.0) + value
                count += 1
                self.seconds = time.monotonic() - begin
                if self.step % self.config.save_every == 0:
                    self.save()
                if self.step % self.config.evaluate_every == 0:
                    row = {key: value / count for key, value in sums.items()} | measure(self.ema.model, self.portraits)
                    row = {"step": self.step, "minutes": self.seconds / 60, **row}
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
    parser.add_argument("--size", choices=SIZES, default="realtime")
    parser.add_argument("--reader", type=Path, help="run of avatar.read_motion, for the feature loss")
    parser.add_argument("--init", type=Path, help="weights (avatar/keep.py) to start stage 2 from")
    parser.add_argument("--refit-modal", action="store_true", help="of those weights, fit the modal flow anew first")
    parser.add_argument("--rounded", action="store_true", help="with the 8 bits of what is exported")
    parser.add_argument("--rate", type=float, default=TrainConfig.rate)
    parser.add_argument("--fuse", action="store_true", help="compile the network (a minute at the start; needs g++)")
    options = parser.parse_args()
    stages: dict[str, float] = {"modal_share": 0, "warp_share": 0} if options.init else {}
    if options.refit_modal:
        stages = {"warp_share": TrainConfig.modal_share + 0.02}
    config = TrainConfig(size=options.size, rate=options.rate, rounded=options.rounded, **stages)
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "config.json").write_text(json.dumps(asdict(config), indent=2))
    portraits = Portraits.read(options.data, options.face_model, options.limit)
    reader = load_reader(options.reader) if options.reader else None
    trainer = Trainer(config, portraits, options.run, options.device, options.fuse, reader)
    if options.init and trainer.step == 0:
        trainer.start_from(load_kept(options.init)[0].state_dict())
    print(f"pid {os.getpid()}, {len(portraits.numbers)} frames, step {trainer.step}", flush=True)
    trainer.fit(options.minutes)


if __name__ == "__main__":
    main()
