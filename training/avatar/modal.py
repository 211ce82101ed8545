"""Stage 0: the modal flow, from the face model alone. Motion is mixed anew from the frames, no picture is needed."""

import math
import time

import numpy as np
import torch
from torch import Tensor

from avatar.blocks import identity_grid
from avatar.correspondence import POINT_WEIGHTS, Surface
from avatar.losses import flow_error, roughness
from avatar.model import EXPRESSIONS, ModalFlow

POOL = 20_000
BATCH = 32
RATE = 2e-3
SMOOTH = 0.02  # of the roughness: only enough to fill places without points
POSE_JITTER = np.array([2, 2, 2, 0.2, 0.2, 0.2], np.float32)  # degrees and cm


def mix_motion(motion: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """float32 (count, 59): the expression of one frame, weakened at random, with the jittered pose of another."""
    face, head = (motion[random.integers(0, len(motion), count)] for _ in range(2))
    mixed = np.concatenate([face[:, :EXPRESSIONS], head[:, EXPRESSIONS:]], 1)
    mixed[:, :EXPRESSIONS] *= random.uniform(0, 1.1, (count, 1)).clip(max=1)
    mixed[:, EXPRESSIONS:] += random.normal(size=(count, 6)) * POSE_JITTER
    return mixed.astype(np.float32)


def fit_modal_flow(
    modal: ModalFlow, surface: Surface, motion: np.ndarray, seconds: float, seed: int = 0, pool_size: int = POOL
) -> float:
    """Trains for so many seconds of this thread's processor; motion (n, 59) is what to mix from. Returns the last mean
    error in half pictures.
    """
    random = np.random.default_rng(seed)
    pool = mix_motion(motion, pool_size, random)
    points = surface.project(pool).astype(np.float16)
    source = torch.from_numpy(surface.project(np.zeros((1, motion.shape[1]), np.float32)))
    device = next(modal.parameters()).device
    weights, source = torch.from_numpy(POINT_WEIGHTS).to(device), source.to(device)
    optimizer = torch.optim.Adam(modal.parameters(), RATE, betas=(0.9, 0.99))
    begin, error = time.thread_time(), math.inf
    while (share := (time.thread_time() - begin) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * (0.5 * (1 + math.cos(math.pi * share)) + 0.01)
        rows = random.integers(0, pool_size, BATCH)
        flow = modal(torch.from_numpy(pool[rows]).to(device)[:, None])
        grid = identity_grid(flow.shape[-1], device) + flow.permute(0, 2, 3, 1)
        target = torch.from_numpy(points[rows].astype(np.float32)).to(device)
        loss: Tensor = flow_error(grid, target, source.expand_as(target), weights)
        optimizer.zero_grad()
        (loss + SMOOTH * roughness(grid)).backward()
        optimizer.step()
        error = 0.98 * error + 0.02 * loss.item() if math.isfinite(error) else loss.item()
    return error
