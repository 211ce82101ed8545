"""Writes models/motion/speech: the step graph in ONNX, its manifest with the evaluation, and the golden batch.

    cd training && python -m motion.export --run ../../runs/motion --evaluation ../../runs/motion/look/evaluation.json

Fails when onnxruntime and PyTorch differ by more than 1e-4 of the peak.
"""

import argparse
import datetime
import json
import platform
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from common.golden import GoldenBatch
from common.manifest import write_manifest
from motion import space
from motion.evaluate import load_flow
from motion.model import (
    HISTORY_FRAMES,
    LIP_TEMPERATURE,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    TEMPERATURE,
    WINDOW_SAMPLES,
    Step,
)

ROOT = Path(__file__).parents[2]
NAMES = ("pcm", "history", "noise")


def golden_inputs(step: Step) -> list[dict[str, np.ndarray]]:
    """A cold start in silence, and a voiced sound after a second of the model's own motion."""
    rng = np.random.default_rng(0)
    history = np.zeros((1, HISTORY_FRAMES, space.SIZE), np.float32)
    quiet = np.zeros((1, WINDOW_SAMPLES), np.float32)
    cases = [{"pcm": quiet, "history": history, "noise": np.zeros((1, space.SIZE), np.float32)}]
    time_s = np.arange(WINDOW_SAMPLES) / SAMPLE_RATE_HZ
    voiced = sum(np.sin(2 * np.pi * 120 * k * time_s) / k for k in range(1, 30))
    voiced = (0.1 * voiced * (0.5 - 0.5 * np.cos(2 * np.pi * 3 * time_s)))[None].astype(np.float32)
    with torch.no_grad():
        for _ in range(25):
            noise = (TEMPERATURE * rng.normal(size=(1, space.SIZE))).astype(np.float32)
            motion = step(torch.tensor(quiet), torch.tensor(history), torch.tensor(noise)).numpy()
            history = np.concatenate([history[:, 1:], motion[:, None]], 1)
    noise = (TEMPERATURE * rng.normal(size=(1, space.SIZE))).astype(np.float32)
    return [*cases, {"pcm": voiced, "history": history, "noise": noise}]


def write_onnx(step: Step, path: Path) -> None:
    """Traces the step graph into `path`, opset 17, batch 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    example = golden_inputs(step)[1]
    torch.onnx.export(
        step,
        tuple(torch.tensor(example[name]) for name in NAMES),
        str(path),
        input_names=list(NAMES),
        output_names=["motion"],
        opset_version=17,
        dynamo=False,
    )


def milliseconds(path: Path, inputs: dict[str, np.ndarray], runs: int = 300) -> float:
    """Median time of one step in onnxruntime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        session.run(None, inputs)
        times.append(time.perf_counter() - began)
    return round(1000 * float(np.median(times)), 2)


def export(step: Step, folder: Path, fixture: Path, origin: dict, evaluation: dict) -> None:
    """Writes step.onnx and manifest.json into `folder` and the golden batch to `fixture`.json and .bin."""
    path = folder / "step.onnx"
    write_onnx(step, path)
    golden = GoldenBatch("models/motion/speech")
    for inputs in golden_inputs(step):
        with torch.no_grad():
            motion = step(*(torch.tensor(inputs[name]) for name in NAMES)).numpy()
        golden.check("step", path, inputs, {"motion": motion})
    golden.write(fixture)
    write_manifest(
        folder,
        kind="motion",
        name="speech",
        description="Conditional autoregressive normalizing flow from speech to facial motion at 25 Hz.",
        licence="Apache-2.0",
        origin=origin,
        evaluation=evaluation | {"millisecondsPerStep": milliseconds(path, golden_inputs(step)[1])},
        files={"step": path.name},
        details={
            "fps": space.FRAMES_PER_SECOND,
            "layout": "visavis-59",
            "sampleRateHz": SAMPLE_RATE_HZ,
            "windowSamples": WINDOW_SAMPLES,
            "lookaheadSamples": LOOKAHEAD_SAMPLES,
            "historyFrames": HISTORY_FRAMES,
            "temperature": TEMPERATURE,
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True, help="evaluation.json of motion.evaluate")
    parser.add_argument("--folder", type=Path, default=ROOT / "models/motion/speech")
    parser.add_argument("--fixture", type=Path, default=ROOT / "test/fixtures/golden/motion-speech")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    flow, progress = load_flow(arguments.run)
    origin = {
        "data": "4 hours of flite (rms, slt, awb, kal16) and, a tenth, espeak-ng; motion from its phone timing",
        "steps": progress["step"],
        "hardware": f"{platform.machine()} CPU, one thread, {progress['seconds'] / 60:.0f} minutes",
        "date": datetime.date.today().isoformat(),
        "notes": f"noise at temperature {TEMPERATURE}: inside, lips use {LIP_TEMPERATURE} and event dice 1.0",
    }
    export(Step(flow).eval(), arguments.folder, arguments.fixture, origin, json.loads(arguments.evaluation.read_text()))


if __name__ == "__main__":
    main()
