"""The compact motion space: 22 channels that a face really moves by, and the fixed maps to and from the 59 descriptor
values.

Most of the 53 expression weights are silent or follow another one (left follows right, cheeks follow a smile), so a
density over all 59 would be degenerate. The teacher writes channels, the flow models channels, and only what is shown
is a descriptor. Descriptor layout: 53 weights in 0…1, yaw, pitch, roll in degrees, x, y, z in centimetres.
"""

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


@dataclass(frozen=True)
class Channel:
    """One degree of freedom.

    up, down: descriptor values that a channel value of +1 and of -1 stand for; a bare name means its left and right
    shape. low, high: valid range. order: how many derivatives persist from frame to frame (0 the audio decides, 1 it
    stays, 2 it glides).
    grain: standard deviation of the noise that keeps the density finite while the channel rests.
    """

    name: str
    up: dict[str, float]
    down: dict[str, float] | None = None
    low: float = 0.0
    high: float = 1.0
    order: int = 0
    grain: float = 0.01


def _signed(name: str, up: dict[str, float], down: dict[str, float], reach: float, order: int, grain: float) -> Channel:
    return Channel(name, up, down, -reach, reach, order, grain)


def _pose(name: str, reach: float, grain: float) -> Channel:
    return Channel(name, {name: 1.0}, {name: -1.0}, -reach, reach, 2, grain)


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
    Channel("smile", {"mouthSmile": 1, "cheekSquint": 0.5, "eyeSquint": 0.2}, order=2, grain=0.0005),
    _signed("side", {"mouthLeft": 1}, {"mouthRight": 1}, 0.3, 2, 0.0005),
    Channel("browInner", {"browInnerUp": 1}, order=1, grain=0.003),
    Channel("browOuter", {"browOuterUp": 1, "eyeWide": 0.25}, order=1, grain=0.003),
    Channel("blink", {"eyeBlink": 1}, order=0, grain=0.01),
    _signed(
        "gazeX", {"eyeLookOut_L": 1, "eyeLookIn_R": 1}, {"eyeLookIn_L": 1, "eyeLookOut_R": 1}, 0.8, order=1, grain=0.003
    ),
    _signed("gazeY", {"eyeLookUp": 1}, {"eyeLookDown": 1}, 0.7, order=1, grain=0.003),
    _pose("yaw", 20, 0.002),
    _pose("pitch", 14, 0.002),
    _pose("roll", 10, 0.002),
    _pose("x", 2, 0.0003),
    _pose("y", 2, 0.0003),
    _pose("z", 2, 0.0003),
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
