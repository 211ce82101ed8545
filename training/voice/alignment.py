"""Monotonic alignment search (VITS section 2.2.1; Kim et al. 2020, arXiv 2005.11129)."""

import math

import numpy as np
import torch

UNREACHABLE = -1e9


def log_likelihood(prior_z: torch.Tensor, mean: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """log N(z_p[t]; mean[n], exp(log_scale[n])) of every frame and symbol: [B, C, T], [B, C, N] → [B, T, N]."""
    precision = torch.exp(-2 * log_scale)
    constant = (-0.5 * math.log(2 * math.pi) - log_scale).sum(1)[:, None, :] - 0.5 * (mean**2 * precision).sum(1)[
        :, None, :
    ]
    return constant - 0.5 * (prior_z**2).transpose(1, 2) @ precision + prior_z.transpose(1, 2) @ (mean * precision)


def teacher_penalty(ends: torch.Tensor, frames: int) -> torch.Tensor:
    """How many frames each frame lies outside each symbol's span in the teacher's timing: float[B, N] → [B, T, N]."""
    starts = torch.nn.functional.pad(ends, (1, 0))[:, :-1]
    centre = torch.arange(frames, device=ends.device)[None, :, None] + 0.5
    return torch.maximum(starts[:, None] - centre, centre - ends[:, None]).clamp(min=0)


def search(score: np.ndarray, frames: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """The best monotonic path: float[B, T, N] scores → int64[B, T], the symbol of each frame.

    Utterance b uses its first `frames[b]` frames and `symbols[b]` symbols; the path visits every symbol, in order, at
    least one frame each. Frames beyond the utterance get its last symbol. Raises ValueError when an utterance has fewer
    frames than symbols.
    """
    if (frames < symbols).any():
        raise ValueError("every symbol needs at least one frame")
    batch, total, width = score.shape
    best = np.full((total, batch, width), UNREACHABLE, np.float32)
    best[0, :, 0] = score[:, 0, 0]
    for t in range(1, total):
        np.maximum(best[t - 1, :, 1:], best[t - 1, :, :-1], out=best[t, :, 1:])
        best[t, :, 0] = best[t - 1, :, 0]
        best[t] += score[:, t]
    rows, symbol = np.arange(batch), symbols - 1
    path = np.empty((batch, total), np.int64)
    for t in range(total - 1, -1, -1):
        path[:, t] = symbol
        if t:
            before = np.maximum(symbol - 1, 0)
            steps = (t < frames) & (symbol > 0) & (best[t - 1, rows, before] >= best[t - 1, rows, symbol])
            symbol = symbol - steps
    return path


def durations(path: torch.Tensor, frame_mask: torch.Tensor, symbols: int) -> torch.Tensor:
    """Frames of each symbol: path int64[B, T], mask float[B, T] → float[B, symbols]."""
    return torch.zeros(len(path), symbols, device=path.device).scatter_add_(1, path, frame_mask)
