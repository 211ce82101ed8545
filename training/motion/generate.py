"""Free-running motion for whole recordings, frame by frame as the server does it."""

import numpy as np
import torch

from motion import space
from motion.model import (
    FRAME_SAMPLES,
    HISTORY_FRAMES,
    LOOKAHEAD_SAMPLES,
    PAST_FRAMES,
    TEMPERATURE,
    WINDOW_SAMPLES,
    Step,
)


def windows(pcm: np.ndarray) -> np.ndarray:
    """pcm float32[frames × 640] → the step's sound window of each frame, float32[frames, 7040], silence beyond both
    ends.
    """
    padded = np.pad(pcm, (PAST_FRAMES * FRAME_SAMPLES, LOOKAHEAD_SAMPLES))
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::FRAME_SAMPLES]


@torch.no_grad()
def generate(
    step: Step, recordings: list[np.ndarray], seed: int = 0, temperature: float = TEMPERATURE
) -> list[np.ndarray]:
    """Motion float32[frames, 59] of each recording (int16 mono at 16 kHz), side by side from a zero history."""
    counts = [len(pcm) // FRAME_SAMPLES for pcm in recordings]
    sounds = [
        windows(pcm[: count * FRAME_SAMPLES].astype(np.float32) / 32768)
        for pcm, count in zip(recordings, counts, strict=True)
    ]
    generator = torch.Generator().manual_seed(seed)
    history = torch.zeros(len(recordings), HISTORY_FRAMES, space.SIZE)
    silence = np.zeros(WINDOW_SAMPLES, np.float32)
    out = np.zeros((len(recordings), max(counts), space.SIZE), np.float32)
    for i in range(max(counts)):
        pcm = np.stack([s[i] if i < len(s) else silence for s in sounds])
        noise = temperature * torch.randn(len(recordings), space.SIZE, generator=generator)
        motion = step(torch.tensor(pcm), history, noise)
        history = torch.cat([history[:, 1:], motion[:, None]], 1)
        out[:, i] = motion.numpy()
    return [motion[:count] for motion, count in zip(out, counts, strict=True)]
