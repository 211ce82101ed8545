"""How good the motion is: lips against the teacher on held-out speech, life in silence, stability, diversity.

    cd training && python -m motion.evaluate --run ../../runs/motion --data ../../data/motion \\
        --sentences sentences.txt --face ict-face.npz --out ../../runs/motion/look

The face model gives the distance of the inner lips in millimetres; it is linear in the expression weights.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.signal
import torch

from common.checkpoint import read_checkpoint
from motion import space
from motion.data import Clip, make_clip, split
from motion.generate import generate
from motion.model import TEMPERATURE, Config, MotionFlow, Step
from motion.sheet import draw_curves
from motion.teacher import BILABIAL, VOWELS, perform
from motion.train import Clips, validate
from motion.voices import Speak, formants, own, stranger

CLOSED_MM = 1.0  # the generic face at rest has 0.7 mm between the landmarks of the inner lips
REACH_S = 0.04  # a closure counts when reached within its phone and one frame to both sides
JAW, BLINK, YAW = (space.DESCRIPTOR.index(name) for name in ("jawOpen", "eyeBlink_L", "yaw"))
INNER_UPPER, INNER_LOWER = (61, 62, 63), (67, 66, 65)


@dataclass(frozen=True)
class LipGap:
    """Distance of the inner lips of ICT-FaceKit's generic face, mean of three landmark pairs, negative when they
    overlap.
    """

    rest: float
    slope: np.ndarray

    @classmethod
    def load(cls, path: Path) -> "LipGap":
        """Reads ict-face.npz (ICT-FaceKit, MIT licence)."""
        face = np.load(path)
        upper, lower = (face["landmarks68"][list(ids)] for ids in (INNER_UPPER, INNER_LOWER))
        count = len(space.EXPRESSIONS)
        delta = face["expr_q"][:count].astype(np.float32) * face["expr_scale"][:count, None, None]
        between = lambda vertices: (vertices[..., upper, 1] - vertices[..., lower, 1]).mean(-1)  # noqa: E731
        return cls(10 * float(between(face["neutral"])), 10 * between(delta))

    def __call__(self, motion: np.ndarray) -> np.ndarray:
        """Millimetres [frames] for descriptors [frames, 59]."""
        return self.rest + motion[:, : len(self.slope)] @ self.slope


def load_flow(run: Path) -> tuple[MotionFlow, dict]:
    """The averaged model of a run's checkpoint, ready to sample, and the run's progress."""
    checkpoint = read_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"no checkpoint in {run}")
    flow = MotionFlow(Config())
    flow.load_state_dict(checkpoint["parts"]["ema"]["model"])
    return flow.eval().requires_grad_(False), checkpoint["progress"]


def reached(clip: Clip, gap: np.ndarray, names: frozenset[str]) -> list[bool]:
    """For each phone of these names: did the lips close during it?"""
    out = []
    for s in clip.segments:
        if s.name in names:
            low, high = (
                (s.start - REACH_S) * 25 - 0.5,
                (s.end + REACH_S) * 25 - 0.5,
            )  # frames are judged at their centre
            near = gap[max(0, int(np.ceil(low))) : max(0, int(np.floor(high))) + 1]
            if len(near):
                out.append(bool(near.min() < CLOSED_MM))
    return out


def acceleration(motion: np.ndarray) -> np.ndarray:
    """Largest absolute second difference of each descriptor value over the frames."""
    return np.abs(np.diff(motion, n=2, axis=0)).max(0)


def taught(path: Path) -> np.ndarray:
    """Largest acceleration of each descriptor value in the clips that a flow learns from (`train.npz`)."""
    stored = np.load(path)
    shown, learnt = space.decode(stored["history"]), stored["weight"] > 0
    largest = np.zeros(space.SIZE)
    for first, count in zip(stored["first"], stored["frames"], strict=True):
        change = np.abs(np.diff(shown[first : first + count], n=2, axis=0))
        known = np.convolve(learnt[first : first + count], np.ones(3), "valid") == 3
        largest = np.maximum(largest, change[known].max(0, initial=0))
    return largest


def blink_times(motion: np.ndarray) -> np.ndarray:
    """Frames at which the lids pass half closed."""
    return np.flatnonzero(np.diff((motion[:, BLINK] > 0.5).astype(int)) == 1)


def speech_figures(step: Step, clips: list[Clip], gap: LipGap) -> tuple[dict, list[np.ndarray]]:
    motions = generate(step, [c.pcm for c in clips], seed=1)
    others = generate(step, [c.pcm for c in clips], seed=2)
    truths = [space.decode(c.channels) for c in clips]
    mine, second, truth = np.concatenate(motions), np.concatenate(others), np.concatenate(truths)
    correlate = lambda a, b, i: float(np.corrcoef(a[:, i], b[:, i])[0, 1])  # noqa: E731
    shapes = (
        "jawOpen",
        "mouthFunnel",
        "mouthPucker",
        "mouthStretch_L",
        "mouthLowerDown_L",
        "mouthPress_L",
        "mouthRollLower",
    )
    closures = [r for c, m in zip(clips, motions, strict=True) for r in reached(c, gap(m), BILABIAL)]
    of_teacher = [r for c, m in zip(clips, truths, strict=True) for r in reached(c, gap(m), BILABIAL)]
    open_vowels = frozenset(VOWELS - {"ax"})
    vowels = [r for c, m in zip(clips, motions, strict=True) for r in reached_inside(c, gap(m), open_vowels)]
    vowels_of_teacher = [r for c, m in zip(clips, truths, strict=True) for r in reached_inside(c, gap(m), open_vowels)]
    return {
        "seconds": round(len(mine) / 25),
        "correlation": {name: round(correlate(mine, truth, space.DESCRIPTOR.index(name)), 3) for name in shapes},
        "jawSpreadToTeacher": round(float(mine[:, JAW].std() / truth[:, JAW].std()), 3),
        "closedMm": CLOSED_MM,
        "closures": len(closures),
        "closed": round(float(np.mean(closures)), 3),
        "closedTeacher": round(float(np.mean(of_teacher)), 3),
        "vowelsClosed": round(float(np.mean(vowels)), 3),
        "vowelsClosedTeacher": round(float(np.mean(vowels_of_teacher)), 3),
        "twoSamples": {
            "jawOpen": round(correlate(mine, second, JAW), 3),
            "yaw": round(correlate(mine, second, YAW), 3),
            "eyeBlink": round(correlate(mine, second, BLINK), 3),
        },
    }, motions


def lips(step: Step, clips: list[Clip], gap: LipGap) -> dict[str, float]:
    """Correlation of the jaw with the teacher's, and the share of /p b m/ that close the lips."""
    motions = generate(step, [c.pcm for c in clips], seed=1)
    truth = np.concatenate([space.decode(c.channels) for c in clips])
    jaw = np.corrcoef(np.concatenate(motions)[:, JAW], truth[:, JAW])[0, 1]
    closed = np.mean([r for c, m in zip(clips, motions, strict=True) for r in reached(c, gap(m), BILABIAL)])
    return {"jawOpen": round(float(jaw), 3), "closed": round(float(closed), 3)}


def robustness(step: Step, clips: list[Clip], gap: LipGap) -> dict:
    """Lips for the same speech quieter, louder, noisy and telephone-like."""
    rng = np.random.default_rng(0)
    telephone = scipy.signal.butter(4, [300, 3400], "bandpass", fs=16_000, output="sos")
    changes = {
        "-10 dB": lambda x: 0.316 * x,
        "+6 dB": lambda x: 2.0 * x,
        "noise at -50 dBFS": lambda x: x + 32768 * 10**-2.5 * rng.normal(size=len(x)),
        "300-3400 Hz": lambda x: scipy.signal.sosfilt(telephone, x),
    }
    out = {}
    for name, change in changes.items():
        sounds = [np.clip(change(c.pcm.astype(np.float64)), -32768, 32767).astype(np.int16) for c in clips]
        out[name] = lips(step, [replace(c, pcm=s) for c, s in zip(clips, sounds, strict=True)], gap)
    return out


def other_voices(step: Step, sentences: list[str], gap: LipGap) -> dict:
    """Lips for the same sentences in voices that are not the shipped one's."""
    voices: dict[str, Speak] = {
        "espeak-ng (variants of it in training)": formants,
        "festival kd (never heard)": stranger,
    }
    return {
        name: lips(step, [make_clip(sentences[i : i + 5], i, plain=speak) for i in range(0, 50, 5)], gap)
        for name, speak in voices.items()
    }


def stop_figures(step: Step, clips: list[Clip], gap: LipGap, limit: np.ndarray) -> dict:
    """What happens when speech is cut in the middle of a word, at the moment and with the look-ahead already silent."""
    sounds, cuts = [], []
    for c in clips:
        vowels = [s for s in c.segments if s.name in VOWELS and s.end - s.start > 0.08]
        middle = vowels[len(vowels) // 2]
        cut = int((middle.start + middle.end) / 2 * 25)
        pcm = c.pcm[: (cut + 50) * 640].copy()
        pcm[cut * 640 :] = 0
        sounds.append(pcm)
        cuts.append(cut)
    motions = generate(step, sounds, seed=4)
    after = [m[cut - 4 : cut + 40] for m, cut in zip(motions, cuts, strict=True)]  # 160 ms of look-ahead before the cut
    lips = [i for i, name in enumerate(space.DESCRIPTOR) if name.startswith(("mouth", "jaw"))]
    ratios = [(acceleration(m) / np.maximum(limit, 0.01))[lips].max() for m in after]
    rests = [
        int(np.flatnonzero(gap(m) > CLOSED_MM + 0.5)[-1]) - 3 if (gap(m) > CLOSED_MM + 0.5).any() else 0 for m in after
    ]
    return {
        "largestLipAccelerationOfTeachers": round(float(max(ratios)), 2),
        "framesToRest": [int(v) for v in np.percentile(rests, [50, 100])],
    }


def reached_inside(clip: Clip, gap: np.ndarray, names: frozenset[str]) -> list[bool]:
    """For each phone of these names: are the lips closed in the frame at its middle?"""
    frames = [int((s.start + s.end) / 2 * 25) for s in clip.segments if s.name in names]
    return [bool(gap[f] < CLOSED_MM) for f in frames if f < len(gap)]


def long_figures(motion: np.ndarray, gap: LipGap) -> dict:
    """Life and stability of a long recording; halves are compared to see drift."""
    blinks = blink_times(motion)
    between = np.diff(blinks) / 25
    first, last = np.array_split(motion, 2)
    pose = slice(len(space.EXPRESSIONS), None)
    return {
        "minutes": round(len(motion) / 1500, 1),
        "blinksPerMinute": round(len(blinks) / (len(motion) / 1500), 1),
        "blinkIntervalS": [round(float(v), 1) for v in np.percentile(between, [5, 50, 95])] if len(between) else [],
        "poseSpread": [round(float(v), 2) for v in motion[:, pose].std(0)],
        "poseLargest": [round(float(v), 2) for v in np.abs(motion[:, pose]).max(0)],
        "poseMeanFirstHalf": [round(float(v), 2) for v in first[:, pose].mean(0)],
        "poseMeanLastHalf": [round(float(v), 2) for v in last[:, pose].mean(0)],
        "jawMean": round(float(motion[:, JAW].mean()), 3),
        "lipGapMm": [round(float(v), 2) for v in np.percentile(gap(motion), [1, 50, 99])],
    }


def excess(motion: np.ndarray, limit: np.ndarray) -> dict[str, float]:
    """Descriptor values whose largest acceleration is above the limit, as a ratio."""
    ratio = acceleration(motion) / np.maximum(limit, 1e-3)
    return {space.DESCRIPTOR[i]: round(float(ratio[i]), 2) for i in np.flatnonzero(ratio > 1)}


def turns(step: Step, clips: list[Clip], seed: int = 6) -> np.ndarray:
    """Motion of speech that begins and ends a hundred times, at sentences' ends and in the middle of words."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(100):
        clip = clips[rng.integers(len(clips))]
        begin = int(rng.integers(0, max(1, len(clip.pcm) - 64_000)))
        parts += [
            clip.pcm[begin : begin + int(rng.integers(8_000, 64_000))],
            np.zeros(rng.integers(640, 48_000), np.int16),
        ]
    sound = np.concatenate(parts)
    return generate(step, [sound[: len(sound) // 640 * 640]], seed=seed)[0]


def look(path: Path, clip: Clip, motions: list[np.ndarray], gap: LipGap, seconds: float = 12.0) -> None:
    """Curves of the teacher (dark) and samples for the first seconds of speech in a clip."""
    begin = max(0, int((clip.segments[0].start - 1.0) * 25)) if clip.segments else 0
    part = slice(begin, begin + int(seconds * 25))
    all_motions = [m[part] for m in (space.decode(clip.channels), *motions)]
    names = (
        "jawOpen",
        "mouthPucker",
        "mouthStretch_L",
        "mouthPress_L",
        "mouthRollLower",
        "browOuterUp_L",
        "mouthSmile_L",
    )
    more = ("eyeBlink_L", "eyeLookOut_L", "yaw", "pitch", "roll", "x")
    rows = {"lip gap mm": [gap(m) for m in all_motions]}
    rows |= {name: [m[:, space.DESCRIPTOR.index(name)] for m in all_motions] for name in (*names, *more)}
    labels = [(int((s.start + s.end) / 2 * 25) - begin, s.name) for s in clip.segments if s.name != "pau"]
    draw_curves(path, rows, [(f, t) for f, t in labels if 0 <= f < part.stop - begin])


def evaluate(
    flow: MotionFlow, sentences: Path, face: Path, limit: np.ndarray, out: Path, minutes: float = 10.0
) -> dict:
    """All figures of a flow; draws two sheets of curves into `out`. `limit`: accelerations that training has shown."""
    step, gap = Step(flow).eval(), LipGap.load(face)
    held_out = split(sentences)[1]
    clips = [make_clip(held_out[i : i + 5], seed=i, plain=own) for i in range(0, 100, 5)]
    figures, motions = speech_figures(step, clips, gap)
    look(out / "speech.png", clips[0], [motions[0], generate(step, [clips[0].pcm], seed=9)[0]], gap)

    count = int(minutes * 60 * 25)
    speech = np.concatenate([c.pcm for c in clips])
    speech = np.tile(speech, int(np.ceil(count * 640 / len(speech))))[: count * 640]
    quiet, spoken = generate(step, [np.zeros(count * 640, np.int16), speech], seed=3)
    rng = np.random.default_rng(5)
    idle = perform([], np.zeros(count * 640, np.int16), count, rng)
    idle_shown = space.decode(idle.channels)
    look(out / "idle.png", Clip(np.zeros(0), [], idle.channels, idle.dice, np.ones(count)), [quiet[2000:]], gap, 20)
    return {
        "speech": figures,
        "robustness": robustness(step, clips, gap),
        "otherVoices": other_voices(step, held_out, gap),
        "stop": stop_figures(step, clips, gap, limit),
        "silence": long_figures(quiet, gap),
        "silenceTeacher": long_figures(idle_shown, gap),
        "longSpeech": long_figures(spoken, gap),
        "accelerationAboveTraining": {
            "speech": excess(spoken, limit),
            "silence": excess(quiet, limit),
            "intoAndOutOfSpeech": excess(turns(step, clips), limit),
        },
        "largestAccelerationInTraining": {
            name: round(float(most), 4) for name, most in zip(space.DESCRIPTOR, limit, strict=True)
        },
        "temperature": TEMPERATURE,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--face", type=Path, required=True, help="ict-face.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for evaluation.json and the sheets of curves")
    parser.add_argument("--data", type=Path, required=True, help="folder of motion.data: accelerations, likelihood")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the stability runs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    flow, progress = load_flow(arguments.run)
    figures = {"steps": progress["step"]} | evaluate(
        flow,
        arguments.sentences,
        arguments.face,
        taught(arguments.data / "train.npz"),
        arguments.out,
        arguments.minutes,
    )
    lips, face = validate(flow, Clips(arguments.data / "valid.npz"))
    figures["logLikelihoodNatsPerFrame"] = {"lips": round(lips, 2), "face": round(face, 2)}
    text = json.dumps(figures, indent=2)
    (arguments.out / "evaluation.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
