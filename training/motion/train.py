"""Trains the motion flow by exact maximum likelihood.

    cd training && OMP_NUM_THREADS=1 python -m motion.train --data ../../data/motion --run ../../runs/motion

One thread of a busy Xeon does 5 to 7 steps of 384 frames a second. A killed run goes on from its last checkpoint.

What keeps the free-running model on its feet: lip history is noisy, sometimes missing, and in the second half of the
training it is what the model itself sampled a few frames before; the face keeps the teacher's history, because chance
cannot be predicted and a sample of it would not fit the target.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common.checkpoint import Ema, resume, save_checkpoint
from motion import space
from motion.model import FACE, HISTORY_FRAMES, LIP_TEMPERATURE, LIPS, WINDOW_HOPS, Config, MotionFlow, normalise

ROLLOUT = 3  # frames that the model runs by itself before the one it learns


@dataclass(frozen=True)
class Training:
    steps: int = 20_000
    batch: int = 384
    rate: float = 1e-3
    warmup: int = 500
    seed: int = 0
    log_every: int = 100
    save_every: int = 1000


class Clips:
    """The stored clips on one device, and batches of single frames out of them."""

    def __init__(self, path: Path, device: str = "cpu"):
        stored = np.load(path)
        self.mel = torch.tensor(stored["mel"], device=device)
        self.target = torch.tensor(stored["target"], device=device)
        self.history = torch.tensor(stored["history"], device=device)
        self.dice = torch.tensor(stored["dice"], device=device)
        self.first, self.frames, self.first_mel = stored["first"], stored["frames"], stored["first_mel"]
        row = np.arange(len(self.target))
        clip = np.repeat(np.arange(len(self.frames)), self.frames)
        within = row - self.first[clip]
        usable = (stored["weight"] > 0) & (within >= HISTORY_FRAMES + ROLLOUT)
        self.usable = torch.tensor(row[usable], device=device)
        self.mel_row = torch.tensor(self.first_mel[clip] + 4 * within, device=device)

    def power(self, rows: Tensor) -> Tensor:
        """Mel power windows [batch, bands, hops] of frames."""
        at = self.mel_row[rows][:, None] + torch.arange(WINDOW_HOPS, device=rows.device)
        return torch.exp(self.mel[at].float()).transpose(1, 2)

    def past(self, rows: Tensor) -> Tensor:
        """Shown channels [batch, K, channels] before frames."""
        return self.history[rows[:, None] + torch.arange(-HISTORY_FRAMES, 0, device=rows.device)]


def measure_scales(clips: Clips, model: MotionFlow) -> None:
    """Sets the model's fixed scales from the data: spread of each channel, and of its change against `expected`."""
    rows = clips.usable[torch.randperm(len(clips.usable))[:20_000]]
    past = clips.past(rows)
    model.spread.copy_(past[:, -1].std(0).clamp(min=0.02))
    model.spread[:LIPS] = 0.25
    velocity = past.diff(dim=1)
    model.fastest.copy_(torch.stack([velocity.abs().amax((0, 1)), velocity.diff(dim=1).abs().amax((0, 1))]) + 1e-3)
    surprise = clips.target[rows] - model.expected(past[:, -3:])
    grain = torch.tensor([c.grain for c in space.CHANNELS], device=rows.device)
    model.scale.copy_((surprise**2).mean(0).sqrt() + grain)
    for some in clips.usable.split(20_000):
        surprise = clips.target[some] - model.expected(clips.past(some)[:, -3:])
        low, high = surprise.amin(0), surprise.amax(0)
        first = some[0] == clips.usable[0]
        model.surprise_low.copy_(low if first else torch.minimum(model.surprise_low, low))
        model.surprise_high.copy_(high if first else torch.maximum(model.surprise_high, high))


def augment(power: Tensor, generator: torch.Generator) -> Tensor:
    """Random gain, spectral tilt and ripple, band limits and noise floor: what another voice or line would do to the
    mel power.
    """
    batch, bands, _ = power.shape
    draw = lambda *shape: torch.randn(batch, *shape, generator=generator)  # noqa: E731
    place = torch.linspace(-1, 1, bands)
    tilt = draw(1) * place * 0.35 + draw(1) * torch.cos(3 * place + 3 * draw(1)) * 0.25 + draw(1) * 0.5
    power = power * torch.exp(tilt)[:, :, None]
    limit = torch.rand(batch, 1, generator=generator) < 0.12
    top = torch.rand(batch, 1, generator=generator) * 0.7 + 0.3
    power = power * torch.where(limit & (place > top), 0.003, 1.0)[:, :, None]
    limit = torch.rand(batch, 1, generator=generator) < 0.12
    bottom = torch.rand(batch, 1, generator=generator) * 0.4 - 1
    power = power * torch.where(limit & (place < bottom), 0.003, 1.0)[:, :, None]
    blurred = torch.rand(batch, 1, 1, generator=generator) < 0.15  # as neural voices do
    power = torch.where(blurred, torch.nn.functional.avg_pool1d(power, 3, 1, 1, count_include_pad=False), power)
    noisy = (torch.rand(batch, 1, 1, generator=generator) < 0.25).float()
    floor = torch.exp(draw(1)[:, :, None] * 1.5 - 18 - 0.4 * draw(1)[:, :, None] * place[:, None])
    return power + noisy * floor * torch.rand(power.shape, generator=generator) * 2


@torch.no_grad()
def rolled_history(model: MotionFlow, clips: Clips, rows: Tensor) -> Tensor:
    """History whose last lips are the model's own, after ROLLOUT frames on its own from the teacher's."""
    history = clips.past(rows - ROLLOUT)
    low, high = torch.tensor(space.LOW), torch.tensor(space.HIGH)
    for back in range(ROLLOUT, 0, -1):
        now = rows - back
        noise = torch.randn(len(rows), LIPS + FACE)
        drawn = model.sample(
            normalise(clips.power(now)), history, LIP_TEMPERATURE * noise[:, :LIPS], noise[:, LIPS:], clips.dice[now]
        )
        next_frame = torch.cat([drawn.clamp(low, high)[:, :LIPS], clips.history[now][:, LIPS:]], 1)
        history = torch.cat([history[:, 1:], next_frame[:, None]], 1)
    return history


def disturb(history: Tensor) -> Tensor:
    """Noise on the lips of the history; now and then lips of another moment, so that the sound is trusted more."""
    batch = len(history)
    history = history.clone()
    strength = 0.12 * torch.rand(batch, 1, 1)
    history[:, :, :LIPS] += strength * torch.randn(batch, history.shape[1], LIPS)
    other = torch.rand(batch) < 0.15
    history[other, :, :LIPS] = history.roll(1, 0)[other, :, :LIPS]
    return history


def grain(model: MotionFlow) -> Tensor:
    return torch.tensor([c.grain for c in space.CHANNELS], device=model.scale.device)


@torch.no_grad()
def validate(model: MotionFlow, clips: Clips, count: int = 4096) -> tuple[float, float]:
    """Mean log-likelihood of lips and face on fixed held-out frames, nats a frame, in scaled channels and with the
    grain.
    """
    generator = torch.Generator().manual_seed(1)
    rows = clips.usable[torch.randperm(len(clips.usable), generator=generator)[:count]]
    target = clips.target[rows] + grain(model) * torch.randn(len(rows), LIPS + FACE, generator=generator)
    lips, face = model.log_likelihood(normalise(clips.power(rows)), clips.past(rows), clips.dice[rows], target)
    return float(lips.mean()), float(face.mean())


def train(data: Path, run: Path, training: Training, config: Config) -> MotionFlow:
    """Trains to `training.steps` and gives the averaged model; resumes from `run` if it holds a checkpoint."""
    torch.manual_seed(training.seed)
    clips, held_out = Clips(data / "train.npz"), Clips(data / "valid.npz")
    model = MotionFlow(config)
    model.train()
    measure_scales(clips, model)
    first_rows = clips.usable[torch.randperm(len(clips.usable))[:2048]]
    with torch.no_grad():  # sizes the lazy layer and sets the actnorms
        target = clips.target[first_rows] + grain(model) * torch.randn(len(first_rows), LIPS + FACE)
        model.log_likelihood(normalise(clips.power(first_rows)), clips.past(first_rows), clips.dice[first_rows], target)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.rate, betas=(0.9, 0.99), weight_decay=1e-3)
    ema = Ema(model, 0.9995)
    parts = {"model": model, "optimizer": optimizer, "ema": ema}
    progress = resume(run, parts) or {"step": 0, "seconds": 0.0}
    step, spent, began = progress["step"], progress["seconds"], time.monotonic()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(clips.usable):,} frames, from step {step}")
    generator = torch.Generator().manual_seed(training.seed + step)
    lip_weights = model.lip_parameters()
    lip_ids = {id(p) for p in lip_weights}
    face_weights = [p for p in model.parameters() if id(p) not in lip_ids]
    sums = torch.zeros(4)
    while step < training.steps:
        rows = clips.usable[torch.randint(len(clips.usable), (training.batch,), generator=generator)]
        own = step > training.steps // 2 and step % 2 == 0
        if own:
            model.eval()
            history = rolled_history(model, clips, rows)
            model.train()
        else:
            history = clips.past(rows)
        target = clips.target[rows] + grain(model) * torch.randn(len(rows), LIPS + FACE)
        features = normalise(augment(clips.power(rows), generator))
        lips, face = model.log_likelihood(features, disturb(history), clips.dice[rows], target)
        loss = -(lips.clamp(min=-200) + face.clamp(min=-200)).mean()
        progressed = step / training.steps
        rate = (
            training.rate
            * min(1, (step + 1) / training.warmup)
            * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * progressed)))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        lip_norm = torch.nn.utils.clip_grad_norm_(lip_weights, 5.0)
        face_norm = torch.nn.utils.clip_grad_norm_(face_weights, 5.0)
        if torch.isfinite(lip_norm + face_norm):  # one wild batch must not end the run
            optimizer.step()
            ema.update(model)
        step += 1
        sums += torch.stack([lips.mean(), face.mean(), lip_norm, face_norm]).detach()
        if step % training.log_every == 0:
            lips_mean, face_mean, lip_size, face_size = (sums / training.log_every).tolist()
            sums.zero_()
            seconds = spent + time.monotonic() - began
            norms = f"norms {lip_size:.1f} {face_size:.1f}"
            print(f"{step} lips {lips_mean:.2f} face {face_mean:.2f} {norms} {seconds:.0f} s", flush=True)
        if step % training.save_every == 0 or step == training.steps:
            lips_valid, face_valid = validate(ema.model, held_out)
            print(f"{step} held out: lips {lips_valid:.2f} face {face_valid:.2f} nats a frame", flush=True)
            save_checkpoint(run, parts, {"step": step, "seconds": spent + time.monotonic() - began})
    return ema.model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz and valid.npz of motion.data")
    parser.add_argument("--run", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--steps", type=int, default=Training.steps)
    parser.add_argument("--batch", type=int, default=Training.batch)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train(arguments.data, arguments.run, Training(steps=arguments.steps, batch=arguments.batch), Config())


if __name__ == "__main__":
    main()
