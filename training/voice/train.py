"""Trains the voice. Stop it at any time; started again with the same --run it goes on from the last checkpoint.

python -m voice.train --data DATA --run RUN --workers 3            # CPU: one process a core
python -m voice.train --data DATA --run RUN --batch 64 --device cuda
python -m voice.train --data DATA-OF-RMS DATA-OF-SLT --run RUN --like RUN-OF-RMS      # a voice of two speakers
python -m voice.train --data DATA --run /tmp/try --steps 20 --batch 2 --adversarial-from 10   # a minute, to see it work
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch

from common.checkpoint import Ema, read_checkpoint, resume, save_checkpoint
from voice.data import Corpus, Speakers
from voice.discriminators import Discriminators
from voice.losses import (
    ReconstructionLoss,
    adversarial_loss,
    alignment_loss,
    discriminator_loss,
    feature_loss,
    kl_loss,
    pitch_loss,
)
from voice.model import Voice, VoiceConfig
from voice.workers import average_gradients, launch

MEL_WEIGHT = 45.0
STFT_WEIGHT = 4.0
FEATURE_WEIGHT = 2.0
PITCH_WEIGHT = 10.0
ALIGNMENT_WEIGHT = 0.2
DURATION_EVERY = 2  # steps: the duration predictor is a fifth of the cost and converges early
GRADIENT_CEILING = 1000.0  # far above the usual norm: only keeps one bad batch from ruining the run


@dataclass
class TrainConfig:
    """What a run does; every field is an option of the command line."""

    steps: int = 9500
    batch: int = 5  # utterances a worker and step
    window: int = 160  # frames
    rate: float = 4e-4
    discriminator_rate: float = 3e-4
    warmup: int = 200
    decay_from: float = 0.6  # share of the steps after which the rates fall along a cosine to 5 %
    adversarial_from: int = 2500  # spectral losses alone are three times cheaper, and enough to find words and timing
    teacher_until: int = 3000  # the pull of the teacher's timing on the alignment search falls to 0 until here
    teacher_weight: float = 3.0  # nats a frame of distance
    ema: float = 0.999
    seed: int = 0
    workers: int = 1
    device: str = "cpu"
    save_every: int = 250
    log_every: int = 25


class Trainer:
    """Everything a run owns; `step` is one step of training."""

    def __init__(self, config: TrainConfig, voice: VoiceConfig, corpus: Corpus | Speakers, rank: int = 0):
        torch.manual_seed(config.seed)
        self.config, self.corpus, self.rank, self.done = config, corpus, rank, 0
        self.device = torch.device(config.device)
        self.voice = Voice(voice).to(self.device)
        self.discriminators = Discriminators().to(self.device)
        self.reconstruction = ReconstructionLoss().to(self.device)
        self.ema = Ema(self.voice, config.ema)
        self.generator_optimizer = torch.optim.AdamW(self.voice.parameters(), config.rate, (0.8, 0.99), fused=True)
        self.discriminator_optimizer = torch.optim.AdamW(
            self.discriminators.parameters(), config.discriminator_rate, (0.8, 0.99), fused=True
        )
        self.autocast = torch.autocast(self.device.type, torch.bfloat16)
        self.parts = {
            "voice": self.voice,
            "ema": self.ema,
            "discriminators": self.discriminators,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def step(self) -> dict[str, float]:
        """Train on one batch; gives the losses."""
        config = self.config
        # chance depends on the step alone, so that a resumed run goes on exactly as it would have
        seed = [config.seed, self.rank, self.done]
        batch = self.corpus.draw(np.random.default_rng(seed), config.batch, config.window).to(self.device)
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        self._set_rates()

        teacher_weight = config.teacher_weight * max(0.0, 1 - self.done / config.teacher_until)
        out = self.voice(batch, teacher_weight, self.autocast, with_durations=self.done % DURATION_EVERY == 0)
        mel, stft = self.reconstruction(out.made, out.real)
        kl = kl_loss(out.prior_z, out.posterior_log_scale, out.mean, out.log_scale, out.mask)
        alignment = alignment_loss(out.prior_z, out.symbol_mean, out.symbol_log_scale, out.mask)
        pitch, voicing = pitch_loss(out.log_pitch, out.voiced, batch.log_pitch, batch.voiced, out.mask[:, 0])
        losses = {"mel": mel, "stft": stft, "kl": kl, "alignment": alignment, "pitch": pitch, "voicing": voicing}
        total = (
            MEL_WEIGHT * mel + STFT_WEIGHT * stft + kl + ALIGNMENT_WEIGHT * alignment + PITCH_WEIGHT * pitch + voicing
        )
        if out.duration_loss is not None:
            losses["duration"] = out.duration_loss
            total = total + out.duration_loss
        if self.done >= config.adversarial_from:
            real, made = out.real[:, None], out.made[:, None]
            jury = Discriminators.jury(self.done)
            losses["discriminator"] = self._train_discriminators(real, made.detach(), jury)
            with self.autocast:
                made_judged = self.discriminators(made, jury)
                with torch.no_grad():
                    real_judged = self.discriminators(real, jury)
            losses["adversarial"] = adversarial_loss(made_judged)
            losses["features"] = feature_loss(real_judged, made_judged)
            total = total + losses["adversarial"] + FEATURE_WEIGHT * losses["features"]
        self.generator_optimizer.zero_grad()
        total.backward()
        self._update(self.generator_optimizer, self.voice)
        self.ema.update(self.voice)
        self.done += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _train_discriminators(self, real: torch.Tensor, made: torch.Tensor, jury: list[int]) -> torch.Tensor:
        with self.autocast:
            loss = discriminator_loss(self.discriminators(real, jury), self.discriminators(made, jury))
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self._update(self.discriminator_optimizer, self.discriminators)
        return loss.detach()

    def _update(self, optimizer: torch.optim.Optimizer, module: torch.nn.Module) -> None:
        average_gradients(module.parameters(), self.config.workers)
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), GRADIENT_CEILING)
        if torch.isfinite(norm):
            optimizer.step()

    def _set_rates(self) -> None:
        config = self.config
        begin = config.decay_from * config.steps
        progress = min(1.0, max(0.0, (self.done - begin) / max(1.0, config.steps - begin)))
        share = min(1.0, (self.done + 1) / config.warmup) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in self.generator_optimizer.param_groups:
            group["lr"] = config.rate * share
        for group in self.discriminator_optimizer.param_groups:
            group["lr"] = config.discriminator_rate * share


def run(rank: int, workers: int, config: TrainConfig, data: list[Path], folder: Path, like: Path | None) -> None:
    """Train until `config.steps`; worker 0 logs and saves. A new run starts with the weights of the run `like`."""
    corpora = [Corpus(path) for path in data]
    voice = VoiceConfig(speakers=len(corpora))
    trainer = Trainer(config, voice, corpora[0] if len(corpora) == 1 else Speakers(corpora), rank)
    progress = resume(folder, trainer.parts)
    if progress is None:
        if like is not None:
            inherit(like, trainer)
        progress = {"step": 0, "seconds": 0.0}
    trainer.done, before, began = progress["step"], progress["seconds"], time.monotonic()
    sums: dict[str, list[float]] = {}
    while trainer.done < config.steps:
        for name, value in trainer.step().items():
            sums.setdefault(name, []).append(value)
        seconds = before + time.monotonic() - began
        if rank == 0 and trainer.done % config.log_every == 0:
            means = {name: round(float(np.mean(values)), 4) for name, values in sums.items()}
            print(json.dumps({"step": trainer.done, "seconds": round(seconds), **means}), flush=True)
            sums = {}
        if rank == 0 and (trainer.done % config.save_every == 0 or trainer.done == config.steps):
            progress = {"step": trainer.done, "seconds": seconds, "config": asdict(config)}
            save_checkpoint(folder, trainer.parts, progress)


def inherit(like: Path, trainer: Trainer) -> None:
    """Begin with the weights of another run, of one speaker or as many; raises FileNotFoundError when it has none."""
    state = read_checkpoint(like)
    if state is None:
        raise FileNotFoundError(f"no checkpoint in {like}")
    parts = state["parts"]
    for weights, module in ((parts["voice"], trainer.voice), (parts["ema"]["model"], trainer.ema.model)):
        # a voice of one speaker knows nothing of speakers: there these keep the values they begin with
        own = {name: value for name, value in module.state_dict().items() if "speaker" in name}
        module.load_state_dict(own | weights)
    trainer.ema.updates = parts["ema"]["updates"]
    trainer.discriminators.load_state_dict(parts["discriminators"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders made by voice.data, one a speaker")
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--like", type=Path, help="run of another voice, whose weights are a good beginning")
    for field in fields(TrainConfig):
        parser.add_argument("--" + field.name.replace("_", "-"), type=type(field.default), default=field.default)
    args = vars(parser.parse_args())
    data, folder, like = args.pop("data"), args.pop("run"), args.pop("like")
    config = TrainConfig(**args)
    launch(config.workers, run, config, data, folder, like)


if __name__ == "__main__":
    main()
