"""Polylines that become hair: float (N, K, 3), N strands of K points from root to tip, in cm."""

import numpy as np

CHUNK = 2000  # strands compared with all others at a time, to bound memory


def resample(strands: np.ndarray, count: int, kept: np.ndarray) -> np.ndarray:
    """(N, count, 3): `count` points evenly along the first `kept` (N,) of each strand's length, 0…1."""
    rows, points, _ = strands.shape
    step = np.linalg.norm(np.diff(strands, axis=1), axis=2)
    reached = np.concatenate([np.zeros((rows, 1)), np.cumsum(step, 1)], 1)
    length = reached[:, -1] * kept
    out, row = np.empty((rows, count, 3)), np.arange(rows)
    for index in range(count):
        at = length * index / (count - 1)
        before = np.clip((reached <= at[:, None]).sum(1) - 1, 0, points - 2)
        share = np.clip((at - reached[row, before]) / np.maximum(step[row, before], 1e-9), 0, 1)[:, None]
        out[:, index] = strands[row, before] * (1 - share) + strands[row, before + 1] * share
    return out


def length_share(strands: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(N,): how much of its length each strand has behind it at its point number index (N,)."""
    step = np.linalg.norm(np.diff(strands, axis=1), axis=2)
    reached = np.concatenate([np.zeros((len(strands), 1)), np.cumsum(step, 1)], 1)
    return reached[np.arange(len(strands)), index] / reached[:, -1]


def clump(strands: np.ndarray, random: np.random.Generator, size: int, amount: float) -> np.ndarray:
    """Draws the tips of about `size` neighbours together, by `amount` (0…1) of the way; roots stay."""
    count, points, _ = strands.shape
    leaders = random.choice(count, max(count // size, 1), replace=False)
    leader = np.empty(count, int)
    for begin in range(0, count, CHUNK):
        away = ((strands[begin : begin + CHUNK, None, 0] - strands[None, leaders, 0]) ** 2).sum(2)
        leader[begin : begin + CHUNK] = leaders[away.argmin(1)]
    pull = (np.linspace(0, 1, points) ** 1.3 * amount)[None, :, None] * random.uniform(0.5, 1.1, (count, 1, 1))
    target = strands[leader] + (strands[:, :1] - strands[leader][:, :1]) * 0.25
    return strands * (1 - pull) + target * pull
