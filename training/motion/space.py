"""The compact motion space: 22 channels that a face really moves by, and the fixed maps to and from the 59 descriptor
values.

Most of the 53 expression weights are silent or follow another one (left follows right, cheeks follow a smile), so a
density over all 59 would be degenerate. The teacher writes channels, the flow models channels, and only what is shown
is a descriptor. Descriptor layout: 53 weights in 0…1, yaw, pitch, roll in degrees, x, y, z in centimetres.
"""

import math
from dataclasses import dataclass

import numpy as np

EXPRESSIONS = (
    "browDown_L", "browDown_R", "browInnerUp_L", "browInnerUp_R", "browOuterUp_L", "browOuterUp_R", "cheekPuff_L",
    "cheekPuff_R", "cheekSquint_L", "cheekSquint_R", "eyeBlink_L", "eyeBlink_R", "eyeLookDown_L", "eyeLookDown_R",
    "eyeLookIn_L", "eyeLookIn_R", "eyeLookOut_L", "eyeLookOut_R", "eyeLookUp_L", "eyeLookUp_R", "eyeSquint_L",
    "eyeSquint_R", "eyeWide_L", "eyeWide_R", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimple_L", "mouthDimple_R", "mouthFrown_L", "mouthFrown_R", "mouthFunnel", "mouthLeft", "mouthLowerDown_L",
    "mouthLowerDown_R", "mouthPress_L", "mouthPress_R", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmile_L", "mouthSmile_R", "mouthStretch_L",
    "mouthStretch_R", "mouthUpperUp_L", "mouthUpperUp_R", "noseSneer_L", "noseSneer_R",
)  # fmt: skip
POSE = ("yaw", "pitch", "roll", "x", "y", "z")
DESCRIPTOR = (*EXPRESSIONS, *POSE)
SIZE = len(DESCRIPTOR)
FRAMES_PER_SECOND = 25
PUSH_KEEPS = math.exp(-1 / FRAMES_PER_SECOND / 0.25)  # noise that pushes slow channels is low-passed with 0.25 s
GLIDE = {"smile": 0.8, "side": 0.8, "yaw": 1.4, "pitch": 1.4, "roll": 1.1, "x": 0.9, "y": 0.9, "z": 0.8}  # rad/s


@dataclass(frozen=True)
class Channel:
    """One degree of freedom.

    up, down: descriptor values that a channel value of +1 and of -1 stand for; a bare name means left and right.
    low, high: valid range. persist: weights of the last, second last and third last value in what is expected next.
    grain: standard deviation of the noise that keeps the density finite while the channel rests.
    """

    name: str
    up: dict[str, float]
    down: dict[str, float] | None = None
    low: float = 0.0
    high: float = 1.0
    persist: tuple[float, float, float] = (0.0, 0.0, 0.0)
    grain: float = 0.01


STAYS = (1.0, 0.0, 0.0)
FADES = (0.9, 0.0, 0.0)


def glides(frequency: float) -> tuple[float, float, float]:
    """How a critically damped spring (rad/s) under low-passed noise goes on when the noise stops: `teacher._spring`
    exactly.

    All poles lie inside the unit circle, so a flow that adds bounded surprises to it cannot run away.
    """
    dt, keep = 1 / FRAMES_PER_SECOND, PUSH_KEEPS
    last, before = 2 - 2 * frequency * dt - (frequency * dt) ** 2, 2 * frequency * dt - 1
    return last + keep, before - keep * last, -keep * before


def _signed(
    name: str,
    up: dict[str, float],
    down: dict[str, float],
    reach: float,
    persist: tuple[float, float, float],
    grain: float,
) -> Channel:
    return Channel(name, up, down, -reach, reach, persist, grain)


def _pose(name: str, reach: float, frequency: float, grain: float) -> Channel:
    return Channel(name, {name: 1.0}, {name: -1.0}, -reach, reach, glides(frequency), grain)


LIPS = (
    Channel("jaw", {"jawOpen": 1}),
    Channel("wide", {"mouthStretch": 1, "mouthSmile": 0.3, "mouthDimple": 0.15}),
    Channel("funnel", {"mouthFunnel": 1}),
    Channel("pucker", {"mouthPucker": 1}),
    Channel("lower", {"mouthLowerDown": 1}),
    Channel("upper", {"mouthUpperUp": 1, "noseSneer": 0.08}),
    Channel(
        "press", {"mouthPress": 0.5, "mouthRollUpper": 0.3, "mouthRollLower": 0.3, "mouthShrugLower": 0.15}, high=1.1
    ),
    Channel("tuck", {"mouthRollLower": 0.6, "mouthShrugUpper": 0.1}, high=1.1),
    Channel("close", {"mouthClose": 1}, high=0.3),
)
FACE = (
    Channel(
        "smile", {"mouthSmile": 1, "cheekSquint": 0.5, "eyeSquint": 0.2}, persist=glides(GLIDE["smile"]), grain=1e-5
    ),
    _signed("side", {"mouthLeft": 1}, {"mouthRight": 1}, 0.3, glides(GLIDE["side"]), 1e-5),
    Channel("browInner", {"browInnerUp": 1}, persist=FADES, grain=0.003),
    Channel("browOuter", {"browOuterUp": 1, "eyeWide": 0.25}, persist=FADES, grain=0.003),
    Channel("blink", {"eyeBlink": 1}),
    _signed("gazeX", {"eyeLookOut_L": 1, "eyeLookIn_R": 1}, {"eyeLookIn_L": 1, "eyeLookOut_R": 1}, 0.8, STAYS, 0.003),
    _signed("gazeY", {"eyeLookUp": 1}, {"eyeLookDown": 1}, 0.7, STAYS, 0.003),
    _pose("yaw", 20, GLIDE["yaw"], 0.001),
    _pose("pitch", 14, GLIDE["pitch"], 0.001),
    _pose("roll", 10, GLIDE["roll"], 5e-4),
    _pose("x", 2, GLIDE["x"], 5e-5),
    _pose("y", 2, GLIDE["y"], 5e-5),
    _pose("z", 2, GLIDE["z"], 5e-5),
)
CHANNELS = (*LIPS, *FACE)
INDEX = {channel.name: i for i, channel in enumerate(CHANNELS)}
LOW = np.array([c.low for c in CHANNELS], np.float32)
HIGH = np.array([c.high for c in CHANNELS], np.float32)
DESCRIPTOR_LOW = np.array([0.0] * len(EXPRESSIONS) + [-25, -15, -10, -2, -2, -2], np.float32)
DESCRIPTOR_HIGH = np.array([1.0] * len(EXPRESSIONS) + [25, 15, 10, 2, 2, 2], np.float32)


def _spread(values: dict[str, float]) -> np.ndarray:
    column = np.zeros(SIZE, np.float32)
    for name, value in values.items():
        targets = [name] if name in DESCRIPTOR else [f"{name}_L", f"{name}_R"]
        for target in targets:
            column[DESCRIPTOR.index(target)] += value
    return column


# (59, channels): what positive and what negative channel values add to the descriptor
UP = np.stack([_spread(c.up) for c in CHANNELS], 1)
DOWN = np.stack([_spread(c.down) if c.down else np.zeros(SIZE, np.float32) for c in CHANNELS], 1)


def decode(channels: np.ndarray) -> np.ndarray:
    """Channels float32[…, 22] → descriptors float32[…, 59], clamped to what a renderer is trained on."""
    shown = np.maximum(channels, 0) @ UP.T + np.maximum(-channels, 0) @ DOWN.T
    return np.clip(shown, DESCRIPTOR_LOW, DESCRIPTOR_HIGH).astype(np.float32)


def _readout() -> np.ndarray:
    """The matrix that undoes `decode` exactly for channels in range (least squares over random ones)."""
    draw = np.random.default_rng(0).uniform(LOW, HIGH, (4000, len(CHANNELS)))
    draw *= 0.4  # far from the clamps, where the map is linear in each sign
    shown = np.maximum(draw, 0) @ UP.T + np.maximum(-draw, 0) @ DOWN.T
    return np.linalg.lstsq(shown, draw, rcond=1e-6)[0].T.astype(np.float32)


READ = _readout()  # (channels, 59)


def encode(descriptors: np.ndarray) -> np.ndarray:
    """Descriptors float32[…, 59] → channels float32[…, 22], clamped to their ranges; anything a channel cannot say is
    dropped.
    """
    return np.clip(descriptors @ READ.T, LOW, HIGH).astype(np.float32)
