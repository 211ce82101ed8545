"""A voice so small that it trains in no time, and data for it."""

from pathlib import Path

import numpy as np

from voice.data import HOP, Corpus
from voice.model import VoiceConfig
from voice.train import TrainConfig, Trainer

TINY = VoiceConfig(
    latent=8,
    hidden=16,
    filters=32,
    text_layers=1,
    posterior_layers=2,
    duration_hidden=16,
    decoder_channels=24,
    segment=16,
)


def tiny_corpus(folder: Path) -> Corpus:
    """Three utterances of noise: two long ones and a short one."""
    rng = np.random.default_rng(0)
    counts, frames_each = [40, 50, 10], 4
    frames = np.concatenate([np.arange(n) * frames_each for n in counts]).astype(np.float32)
    np.savez(
        folder / "labels.npz",
        ids=rng.integers(1, 70, sum(counts)).astype(np.int16),
        starts=frames,
        ends=frames + frames_each,
        symbol_offsets=np.cumsum([0, *counts]),
        sample_offsets=np.cumsum([0, *counts]) * frames_each * HOP,
    )
    np.savez(
        folder / "pitch.npz",
        log_pitch=rng.uniform(4.2, 5.0, sum(counts) * frames_each).astype(np.float32),
        voiced=rng.random(sum(counts) * frames_each) < 0.7,
    )
    np.save(folder / "pcm.npy", rng.integers(-9000, 9000, sum(counts) * frames_each * HOP).astype(np.int16))
    return Corpus(folder)


def tiny_trainer(corpus: Corpus) -> Trainer:
    return Trainer(TrainConfig(steps=10, batch=2, window=48, adversarial_from=1, warmup=1), TINY, corpus)
