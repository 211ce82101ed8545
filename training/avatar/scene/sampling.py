"""Random motion for training: every frame a plausible face of its own, independent of the others.

A descriptor is float32[59]: 53 expression weights, yaw, pitch, roll in degrees, x, y, z in centimetres.
"""

from collections.abc import Sequence

import numpy as np

from avatar.scene.presets import PRESETS

SIZE = 59
POSE_NAMES = ("yaw_deg", "pitch_deg", "roll_deg", "tx_cm", "ty_cm", "tz_cm")
YAW_DEG, PITCH_DEG, ROLL_DEG = 25.0, 15.0, 10.0  # the farthest that the head turns
SHIFT_CM = 2.0
STRONGEST = 1.1  # weights may exceed 1 a little: people over-articulate

# The source portraits that every set begins with: expression, its strength, yaw and pitch in degrees.
SOURCE_POSES = (
    ("neutral", 1.0, 0, 0),
    ("smile", 0.5, 0, 0),
    ("A", 1.0, 0, 0),
    ("I", 1.0, 0, 0),
    ("neutral", 1.0, 15, 0),
    ("neutral", 1.0, -15, 0),
    ("smile", 0.6, 12, 4),
    ("smile", 0.6, -12, -4),
    ("MBP", 1.0, 0, 0),
    ("O", 1.0, 0, 0),
    ("neutral", 1.0, 0, 8),
    ("neutral", 1.0, 0, -8),
)


class Weights:
    """The 53 weights of one frame, which are added up by name; a name without _L or _R adds to both sides."""

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self.values = np.zeros(len(names), np.float32)

    def add(self, preset: dict[str, float], strength: float = 1.0) -> None:
        for key, value in preset.items():
            for index, name in enumerate(self.names):
                if name in (key, key + "_L", key + "_R"):
                    self.values[index] += value * strength


def descriptor(names: Sequence[str], preset: dict[str, float], strength: float = 1.0, **pose: float) -> np.ndarray:
    """float32[59] of an expression and a pose (`yaw_deg`, `pitch_deg`, `roll_deg`, `tx_cm`, `ty_cm`, `tz_cm`).

    Raises ValueError for a name that is neither an expression nor a pose.
    """
    known = {*names, *(name[:-2] for name in names if name.endswith(("_L", "_R")))}
    if unknown := sorted({*preset} - known | {*pose} - {*POSE_NAMES}):
        raise ValueError(f"no expression or pose is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    weights = Weights(names)
    weights.add(preset, strength)
    return np.concatenate([weights.values, [pose.get(name, 0.0) for name in POSE_NAMES]]).astype(np.float32)


def _mouth(weights: Weights, visemes: dict[str, dict[str, float]], random: np.random.Generator) -> None:
    """One to three visemes blended, sometimes too strong or too weak, and a little of anything else."""
    values, index = weights.values, {name: i for i, name in enumerate(weights.names)}
    shapes = list(visemes.values())
    if random.random() > 0.12:
        count = random.integers(1, 4)
        shares = random.dirichlet(np.ones(count)) * random.choice([0.5, 0.85, 1.0, 1.15], p=[0.2, 0.3, 0.35, 0.15])
        for chosen, share in zip(random.choice(len(shapes), count, replace=False), shares, strict=True):
            weights.add(shapes[chosen], share)
    if random.random() < 0.12:
        values[index["jawOpen"]] += random.uniform(0, 0.9)
    mouth = [i for name, i in index.items() if name.startswith(("mouth", "jaw"))]
    for i in random.choice(mouth, 3, replace=False):
        values[i] += random.beta(1, 4) * 0.5
    if random.random() < 0.10:
        values[random.choice(mouth)] += random.uniform(0.4, 1.0)
    if random.random() < 0.45:
        weights.add(PRESETS["smile"], random.beta(1.5, 2) * 0.9)
    elif random.random() < 0.12:
        weights.add(PRESETS["sad"], random.uniform(0.2, 0.9))
    if random.random() < 0.08:
        weights.add({"cheekPuff": 1}, random.uniform(0.2, 0.8))


def _brows(weights: Weights, random: np.random.Generator) -> None:
    odds = random.random()
    if odds < 0.35:
        raised = {"browInnerUp": random.beta(1.5, 2), "browOuterUp": random.beta(1.5, 2)}
        weights.add(raised, random.uniform(0.3, 1))
    elif odds < 0.50:
        weights.add({"browDown": random.beta(1.5, 2)})
    if random.random() < 0.1:
        weights.add({"browOuterUp_" + random.choice(["L", "R"]): random.uniform(0.2, 0.7)})


def _eyes(weights: Weights, random: np.random.Generator) -> None:
    """Lids (one frame in ten closed, most nearly open) and gaze, both eyes the same way."""
    odds = random.random()
    if odds < 0.10:
        blink = random.uniform(0.75, 1)
    else:
        blink = random.uniform(0.2, 0.75) if odds < 0.25 else random.beta(1, 8) * 0.3
    weights.add({"eyeBlink": blink})
    if random.random() < 0.12:
        weights.add({"eyeWide": random.uniform(0.1, 0.8)}, 1 - blink)
    if random.random() < 0.2:
        weights.add({"eyeSquint": random.uniform(0.1, 0.7)})
    x, y = random.normal(0, 0.28), random.normal(0, 0.22)
    weights.add({"eyeLookOut_L": max(x, 0), "eyeLookIn_R": max(x, 0)})
    weights.add({"eyeLookOut_R": max(-x, 0), "eyeLookIn_L": max(-x, 0)})
    weights.add({"eyeLookUp": max(y, 0), "eyeLookDown": max(-y, 0)})
    if random.random() < 0.06:
        weights.add({"noseSneer": random.uniform(0.1, 0.8)})


def _angle(limit: float, random: np.random.Generator) -> float:
    """Degrees in ±limit: mostly small, sometimes anything."""
    if random.random() < 0.7:
        return float(np.clip(random.normal(0, limit * 0.42), -limit, limit))
    return float(random.uniform(-limit, limit))


def random_motion(names: Sequence[str], count: int, seed: int, visemes: dict[str, dict[str, float]]) -> np.ndarray:
    """float32 (count, 59), mouths mixed of these presets. A longer draw of the same seed begins like a shorter one."""
    random = np.random.default_rng(seed)
    jaw, close = list(names).index("jawOpen"), list(names).index("mouthClose")
    motion = np.zeros((count, SIZE), np.float32)
    for row in motion:
        weights = Weights(names)
        _mouth(weights, visemes, random)
        _brows(weights, random)
        _eyes(weights, random)
        values = np.clip(weights.values, 0, STRONGEST)
        values[jaw] = min(values[jaw], 1.0)
        values[close] = min(values[close], values[jaw])  # mouthClose undoes an open jaw and means nothing beyond it
        row[: len(names)] = values
        row[len(names) :] = [
            *(_angle(limit, random) for limit in (YAW_DEG, PITCH_DEG, ROLL_DEG)),
            *np.clip(random.normal(0, 0.8, 3), -SHIFT_CM, SHIFT_CM),
        ]
    return motion


def set_motion(names: Sequence[str], count: int, seed: int, visemes: dict[str, dict[str, float]]) -> np.ndarray:
    """float32 (count, 59): the motion of a data set, which is random but for the source portraits at its beginning."""
    motion = random_motion(names, count, seed, visemes)
    for row, (preset, strength, yaw, pitch) in zip(motion, SOURCE_POSES, strict=False):
        row[:] = descriptor(names, PRESETS[preset], strength, yaw_deg=yaw, pitch_deg=pitch)
    return motion
