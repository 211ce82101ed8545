"""Teacher motion: what a face does while it says given phones, or nothing.

Lips follow the phones by blended dominance (Cohen & Massaro 1993, "Modeling coarticulation in synthetic visual
speech"): each phone asks for lip targets, its demand fades exponentially to both sides, and the strongest demand wins.
Closures of /p b m/ and the lip tuck of /f v/ must be reached whatever the neighbours want, so they are laid over the
result.

The rest of the face is chance: blinks, saccades with a little head follow, sway as a noise-driven spring, brows and
nods on accents. Chance enters through four standard normal *dice* per frame. They are stored beside the motion, so that
the flow learns what an event looks like and not how to make a rare event out of a Gaussian.
"""

from dataclasses import dataclass

import numpy as np

from common.speech import PAUSE, SAMPLE_RATE_HZ
from motion.space import CHANNELS, FRAMES_PER_SECOND, GLIDE, HIGH, LIPS, LOW, PUSH_KEEPS

FINE_HZ = 100  # lips are computed on this grid, then sampled at the centre of each video frame
STEP = FINE_HZ // FRAMES_PER_SECOND
LEAD_S = 0.06  # lips are under way before the sound is heard

DICE = ("blink", "saccade", "home", "accent")
BLINK_DICE, SACCADE_DICE, HOME_DICE, ACCENT_DICE = range(len(DICE))
BLINK_ABOVE = 1.85  # 3.2 % of the frames, once the last blink is far enough in the past
BLINK_WITH_SACCADE_ABOVE = 0.6
BLINK_REST_FRAMES = 40
SACCADE_ABOVE = 2.0
SACCADE_REST_FRAMES = 12
HOME_ABOVE = -0.4  # two saccades of three return to the camera
ACCENT_ABOVE = 0.8
BLINK_SHAPE = (0.42, 0.96, 1.0, 0.62, 0.27, 0.08)
# values that rest at zero are stored a little below it, where the clamp of the descriptor hides the noise of sampling
REST_BELOW = 0.03

# phone: jaw, wide, funnel, pucker, lower lip down, upper lip up
TARGETS: dict[str, tuple[float, ...]] = {
    "aa": (0.58, 0.05, 0.00, 0.00, 0.28, 0.12), "ae": (0.50, 0.28, 0.00, 0.00, 0.32, 0.20),
    "ah": (0.42, 0.08, 0.00, 0.00, 0.25, 0.10), "ax": (0.24, 0.08, 0.04, 0.00, 0.20, 0.08),
    "ao": (0.46, 0.00, 0.42, 0.12, 0.18, 0.10), "eh": (0.38, 0.26, 0.00, 0.00, 0.32, 0.18),
    "er": (0.20, 0.00, 0.36, 0.16, 0.18, 0.12), "ih": (0.22, 0.26, 0.00, 0.00, 0.30, 0.16),
    "iy": (0.13, 0.48, 0.00, 0.00, 0.36, 0.20), "ey": (0.27, 0.38, 0.00, 0.00, 0.34, 0.18),
    "ow": (0.32, 0.00, 0.48, 0.40, 0.12, 0.06), "uh": (0.20, 0.00, 0.34, 0.30, 0.16, 0.10),
    "uw": (0.14, 0.00, 0.34, 0.76, 0.08, 0.04), "w": (0.10, 0.00, 0.30, 0.84, 0.04, 0.02),
    "r": (0.14, 0.00, 0.38, 0.28, 0.16, 0.12), "y": (0.12, 0.40, 0.00, 0.00, 0.30, 0.16),
    "l": (0.24, 0.10, 0.00, 0.00, 0.26, 0.10), "s": (0.05, 0.36, 0.02, 0.00, 0.42, 0.24),
    "z": (0.05, 0.34, 0.02, 0.00, 0.42, 0.24), "sh": (0.08, 0.00, 0.58, 0.26, 0.28, 0.22),
    "zh": (0.08, 0.00, 0.56, 0.26, 0.28, 0.22), "ch": (0.07, 0.00, 0.56, 0.26, 0.28, 0.22),
    "jh": (0.07, 0.00, 0.54, 0.24, 0.28, 0.22), "t": (0.10, 0.18, 0.00, 0.00, 0.28, 0.14),
    "d": (0.12, 0.16, 0.00, 0.00, 0.28, 0.13), "n": (0.14, 0.14, 0.00, 0.00, 0.26, 0.12),
    "th": (0.16, 0.14, 0.00, 0.00, 0.34, 0.16), "dh": (0.17, 0.12, 0.00, 0.00, 0.32, 0.14),
    "k": (0.20, 0.10, 0.00, 0.00, 0.24, 0.10), "g": (0.20, 0.10, 0.00, 0.00, 0.24, 0.10),
    "ng": (0.20, 0.10, 0.00, 0.00, 0.24, 0.10), "hh": (0.26, 0.08, 0.00, 0.00, 0.22, 0.10),
    "f": (0.10, 0.12, 0.00, 0.00, 0.00, 0.30), "v": (0.10, 0.12, 0.00, 0.00, 0.00, 0.28),
    "p": (0.08, 0.06, 0.00, 0.00, 0.00, 0.00), "b": (0.08, 0.06, 0.00, 0.00, 0.00, 0.00),
    "m": (0.07, 0.06, 0.00, 0.00, 0.00, 0.00), PAUSE: (0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
}  # fmt: skip
DIPHTHONGS = {"ay": ("aa", "ih"), "aw": ("aa", "uh"), "oy": ("ao", "ih"), "ow": ("ow", "uw"), "ey": ("ey", "iy")}
VOWELS = frozenset(["aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw"])
BILABIAL = frozenset(["p", "b", "m"])
LABIODENTAL = frozenset(["f", "v"])
SIBILANT = frozenset(["s", "z", "sh", "zh", "ch", "jh"])
ROUND = frozenset(["w", "uw", "ow", "uh", "ao", "r", "er", "sh", "zh", "ch", "jh"])
TARGET_CHANNELS = ("jaw", "wide", "funnel", "pucker", "lower", "upper")
FADE_S = np.array([0.050, 0.060, 0.075, 0.080, 0.045, 0.045])  # how far each channel's demand reaches


@dataclass(frozen=True)
class Segment:
    """A phone in flite's names from `start` to `end`, seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Performance:
    """channels float32[frames, 22] as in `space`, dice float32[frames, 4] as in `DICE`, both at 25 Hz."""

    channels: np.ndarray
    dice: np.ndarray


def _demand(name: str) -> np.ndarray:
    """How strongly a phone insists on jaw, wide, funnel, pucker, lower, upper."""
    if name in VOWELS:
        weight = np.array([1.0, 0.8, 0.5, 0.5, 1.0, 1.0])
    elif name in SIBILANT:
        weight = np.array([1.6, 0.7, 0.4, 0.4, 1.2, 1.2])
    elif name in BILABIAL or name in LABIODENTAL:
        weight = np.array([0.8, 0.3, 0.2, 0.2, 1.5, 1.5])
    elif name == PAUSE:
        weight = np.full(6, 0.5)
    else:
        weight = np.array([0.6, 0.35, 0.2, 0.2, 0.6, 0.6])
    if name in ROUND:
        weight[1:4] = 1.3
    return weight


def _elements(segments: list[Segment]) -> list[Segment]:
    """Splits diphthongs in their two halves."""
    parts = []
    for s in segments:
        if s.name in DIPHTHONGS:
            first, second = DIPHTHONGS[s.name]
            middle = s.start + 0.55 * (s.end - s.start)
            parts += [Segment(first, s.start, middle), Segment(second, middle, s.end)]
        else:
            parts.append(s)
    return parts


def _plateau(time: np.ndarray, start: float, end: float, ramp: float, shortest: float = 0.0) -> np.ndarray:
    """0 … 1 … 0: one from start to end (widened to `shortest` seconds about the middle), cosine ramps outside."""
    middle, half = (start + end) / 2, max(end - start, shortest) / 2
    outside = np.clip((np.abs(time - middle) - half) / ramp, 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * outside)


def _smooth(signal: np.ndarray, seconds: float) -> np.ndarray:
    """Gaussian smoothing of float[time, …] on the fine grid."""
    radius = max(1, round(3 * seconds * FINE_HZ))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / (seconds * FINE_HZ)) ** 2)
    padded = np.pad(signal, [(radius, radius)] + [(0, 0)] * (signal.ndim - 1), mode="edge")
    return np.apply_along_axis(np.convolve, 0, padded, kernel / kernel.sum(), mode="valid")


def loudness(pcm: np.ndarray, count: int) -> np.ndarray:
    """float[count] on the fine grid: RMS over 50 ms against the loud parts of the clip, compressed, about 0…1.2."""
    hop = SAMPLE_RATE_HZ // FINE_HZ
    power = np.zeros(count * hop)
    power[: min(len(pcm), count * hop)] = pcm[: count * hop].astype(np.float64) ** 2
    rms = np.sqrt(_smooth(power.reshape(count, hop).mean(1), 0.025))
    loud = np.percentile(rms[rms > 0.02 * rms.max()], 85) if rms.max() > 0 else 1.0
    return np.clip(rms / loud, 0, 1.5) ** 0.5


def lips(segments: list[Segment], level: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lip channels float[count, 9] on the fine grid, `level` being the loudness on it."""
    time = (np.arange(len(level)) + 0.5) / FINE_HZ
    above, below = np.zeros((len(time), 6)), np.full((len(time), 6), 1e-9)
    for s in _elements(segments):
        start, end = s.start - LEAD_S, s.end - 0.6 * LEAD_S
        near = slice(max(0, int((start - 0.7) * FINE_HZ)), max(0, int((end + 0.7) * FINE_HZ)))
        away = np.maximum(np.maximum(start - time[near], time[near] - end), 0)[:, None]
        weight = _demand(s.name) * np.exp(-away / FADE_S)
        above[near] += weight * np.array(TARGETS[s.name])
        below[near] += weight
    shape = _smooth(above / below, 0.018)

    style = rng.uniform(0.9, 1.1)
    wander = 1 + 0.06 * _smooth(rng.normal(size=(len(time), 6)), 0.25) * np.sqrt(0.25 * FINE_HZ * 2 * np.sqrt(np.pi))
    effort = np.clip(0.72 + 0.33 * _smooth(level, 0.04), 0.7, 1.12)
    shape *= style * wander * effort[:, None]

    lip, tooth = np.zeros(len(time)), np.zeros(len(time))
    for s in segments:
        length = s.end - s.start
        if s.name in BILABIAL:
            release = s.end if s.name == "m" else s.start + 0.8 * length  # the rest of a stop is its burst
            lip = np.maximum(lip, _plateau(time, s.start - 0.012, release - 0.012, 0.06, shortest=0.058))
        elif s.name in LABIODENTAL:
            tooth = np.maximum(tooth, _plateau(time, s.start - 0.01, s.end - 0.02, 0.06, shortest=0.055))
    firm = rng.uniform(0.85, 1.0)
    jaw, wide, funnel, pucker, lower, upper = shape.T
    open_lips, open_teeth = 1 - lip, 1 - tooth
    jaw = jaw * open_lips * open_teeth + 0.04 * lip + 0.09 * tooth * open_lips
    columns = {
        "jaw": jaw,
        "wide": wide * (1 - 0.5 * lip),
        "funnel": funnel * (1 - 0.85 * lip) * (1 - 0.6 * tooth),
        "pucker": pucker * (1 - 0.3 * lip) * (1 - 0.3 * tooth),
        "lower": lower * open_lips * open_teeth,
        "upper": upper * open_lips * (1 - 0.6 * tooth) + 0.16 * tooth * open_lips,
        "press": firm * lip,
        "tuck": firm * tooth * open_lips,
        "close": 0.04 * lip,
    }
    return np.stack([columns[c.name] for c in LIPS], 1)


def accents(segments: list[Segment], level: np.ndarray) -> list[int]:
    """Video frames where an accented vowel begins: long, loud, and at least 0.32 s after the one before.

    Only what can be heard within the look-ahead of the model decides, or it could not know.
    """
    found: list[int] = []
    for s in segments:
        begin = int(s.start * FINE_HZ)
        frame = begin // STEP
        loud = level[begin + 3 : begin + 12].mean() if begin + 12 <= len(level) else 0.0
        long = s.name in VOWELS and s.end - s.start > 0.1
        if long and loud > 0.88 and (not found or frame - found[-1] >= 8):
            found.append(frame)
    return found


def _bump(length: int, rise: int, hold: int, fall: int) -> np.ndarray:
    """0 … 1 … 0 over rise + hold + fall frames, padded or cut to `length`."""
    up = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, rise + 1) / rise)
    down = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    curve = np.concatenate([up, np.ones(hold), down])
    return np.pad(curve, (0, max(0, length - len(curve))))[:length]


def _spring(push: np.ndarray, target: np.ndarray, frequency: float, spread: float, start: float) -> np.ndarray:
    """Critically damped spring towards `target` under low-passed noise `push`, so smooth that velocity has no kinks.

    frequency in rad/s, spread: about the standard deviation that the noise alone gives, in the channel's unit.
    """
    dt = 1 / FRAMES_PER_SECOND
    force, position, velocity = 0.0, start, 0.0
    gain = spread * 2 * frequency**1.5 * (1 - PUSH_KEEPS) / np.sqrt(dt)
    out = np.empty(len(push))
    for i, noise in enumerate(push):
        force = PUSH_KEEPS * force + noise * gain
        velocity += dt * (frequency**2 * (target[i] - position) - 2 * frequency * velocity + force)
        position += dt * velocity
        out[i] = position
    return out


def _blinks(dice: np.ndarray, saccades: set[int], since: int) -> np.ndarray:
    """Lid closure float[frames], `since` frames after the last blink."""
    lid = np.zeros(len(dice) + len(BLINK_SHAPE))
    for i, throw in enumerate(dice[:, BLINK_DICE]):
        since += 1
        limit = BLINK_WITH_SACCADE_ABOVE if i in saccades else BLINK_ABOVE
        if since > BLINK_REST_FRAMES and throw > limit:
            lid[i : i + len(BLINK_SHAPE)] = BLINK_SHAPE
            since = 0
    return lid[: len(dice)]


def _gaze(dice: np.ndarray, start: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, set[int]]:
    """Gaze float[frames, 2] (to the person's left, up) from `start`, and the frames where a saccade starts."""
    here, there, since = start, start, SACCADE_REST_FRAMES
    out, starts = np.zeros((len(dice), 2)), set()
    for i in range(len(dice)):
        since += 1
        if since > SACCADE_REST_FRAMES and dice[i, SACCADE_DICE] > SACCADE_ABOVE:
            home = dice[i, HOME_DICE] > HOME_ABOVE
            there = rng.normal(0, [0.04, 0.03]) if home else rng.normal([0, -0.03], [0.26, 0.13])
            there = np.clip(there, [-0.6, -0.35], [0.6, 0.3])
            since = 0
            starts.add(i)
        here = here + (0.7 if since == 0 else 0.9) * (there - here)
        out[i] = here
    return out, starts


def perform(
    segments: list[Segment], pcm: np.ndarray, frames: int, rng: np.random.Generator, *, start: np.ndarray | None = None
) -> Performance:
    """Motion for `frames` video frames of a clip (pcm int16 at 16 kHz, segments on the same clock).

    start: channels float[22] before the first frame, held without motion (zeros are how a session begins); by default
    the clip begins in the middle of idle motion.
    """
    level = loudness(pcm, frames * STEP)
    mouth = lips(segments, level, rng)[STEP // 2 :: STEP][:frames]
    speaking = _smooth((level > 0.3).astype(float), 0.3)[::STEP][:frames]
    dice = rng.normal(size=(frames, len(DICE)))
    idle = start is None
    begin = {c.name: 0.0 if idle else float(start[i]) for i, c in enumerate(CHANNELS)}
    gaze, saccades = _gaze(dice, np.array([begin["gazeX"], begin["gazeY"]]), rng)
    lid = _blinks(dice, saccades, int(rng.integers(0, 60)) if idle else BLINK_REST_FRAMES)

    ease = np.zeros(frames)
    if not idle:
        ease[:10] = (0.5 + 0.5 * np.cos(np.pi * np.arange(1, 11) / 11))[:frames]
    mouth = mouth + ease[:, None] * (np.array([begin[c.name] for c in LIPS]) - mouth)
    lid = np.maximum(lid, ease * begin["blink"])
    brow_inner, brow_outer, nod = ease * begin["browInner"], ease * begin["browOuter"], np.zeros(frames)
    for frame in accents(segments, level):
        strength = min(dice[frame, ACCENT_DICE] - ACCENT_ABOVE, 1.4) if frame < frames else 0.0
        if strength <= 0:
            continue
        rest = frames - frame
        brow = (0.1 + 0.28 * strength) * _bump(rest, 6, 3, 12)
        brow_inner[frame:] = np.maximum(brow_inner[frame:], 0.8 * brow)
        brow_outer[frame:] = np.maximum(brow_outer[frame:], brow)
        nod[frame:] -= (0.4 + 0.9 * strength) * _bump(rest, 8, 0, 14)

    def sway(name: str, spread: float, target: np.ndarray | float = 0.0) -> np.ndarray:
        goal = np.broadcast_to(target, frames)
        push = rng.normal(size=frames) * (1 + 0.4 * speaking)
        return _spring(push, goal, GLIDE[name], spread, goal[0] + rng.normal() * spread if idle else begin[name])

    columns = {c.name: mouth[:, i] for i, c in enumerate(LIPS)} | {
        "smile": sway("smile", 0.035, 0.1),
        "side": sway("side", 0.02),
        "browInner": brow_inner,
        "browOuter": brow_outer,
        "blink": np.maximum(lid, np.clip(-0.35 * gaze[:, 1], 0, 0.2)),
        "gazeX": gaze[:, 0],
        "gazeY": gaze[:, 1],
        "yaw": sway("yaw", 2.2, 9 * gaze[:, 0]),
        "pitch": sway("pitch", 1.4, 5 * gaze[:, 1]) + nod,
        "roll": sway("roll", 1.4),
        "x": sway("x", 0.25),
        "y": sway("y", 0.12),
        "z": sway("z", 0.25),
    }
    motion = np.clip(np.stack([columns[c.name] for c in CHANNELS], 1), LOW, HIGH)
    hidden = [i for i, c in enumerate(CHANNELS) if c.low == 0 and c.name != "smile"]
    motion[:, hidden] -= REST_BELOW * np.exp(-motion[:, hidden] / REST_BELOW)
    return Performance(motion.astype(np.float32), dice.astype(np.float32))


def shown(channels: np.ndarray) -> np.ndarray:
    """What remains of channel values once they have been a descriptor: clamped to their ranges."""
    return np.clip(channels, LOW, HIGH)
