"""Exports a trained voice for the server: three ONNX graphs, the manifest and the golden batch.

    python -m voice.export --run RUN --data DATA --out ../models/voices/rms --golden ../test/fixtures/golden/voice-rms

Fails when onnxruntime and PyTorch differ, or when decoding in windows gives another result than decoding at once.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from common.golden import GoldenBatch
from common.manifest import write_manifest
from common.text import SYMBOLS, load_dictionary, normalize, pronounce, sequence, to_ids
from voice.data import HOP, SAMPLE_RATE_HZ
from voice.evaluate import load_voice
from voice.model import DURATION_NOISE_SCALE, NOISE_SCALE, Voice

OPSET = 17
WINDOW_TOLERANCE = 1e-5
GAIN = 2.0  # flite speaks quietly: its peaks of 0.4 become 0.8, by one factor for all sentences
SAMPLE_TEXT = "Hello there, I am here."
LONG_TEXT = (
    "The river walls have disappeared, and the buttresses of the bridges have been torn or washed away by the flood."
)
ORDER = 'Between two words always one " ", a mark directly after its word: ^ HH AH0 L OW1 , " " DH EH1 R . $'
LICENCE = "Apache-2.0; learned from speech of flite's voice rms (Carnegie Mellon University, BSD-like licence)"


class EncoderGraph(nn.Module):
    """phonemes int64[1, P], duration_noise [1, 2, P] → mean, log_scale [1, C, P], log_duration [1, 1, P]."""

    def __init__(self, voice: Voice):
        super().__init__()
        self.text, self.duration = voice.text, voice.duration

    def forward(self, phonemes: torch.Tensor, duration_noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hidden, mean, log_scale = self.text(phonemes, None)
        return mean, log_scale, self.duration.sample(hidden, None, duration_noise)


class FlowGraph(nn.Module):
    """prior [1, C, T] → latent [1, C, T]."""

    def __init__(self, voice: Voice):
        super().__init__()
        self.flow = voice.flow

    def forward(self, prior: torch.Tensor) -> torch.Tensor:
        return self.flow.inverse(prior, None)


class DecoderGraph(nn.Module):
    """latent [1, C, T] → audio [1, 1, T * 256]."""

    def __init__(self, voice: Voice):
        super().__init__()
        self.decoder = voice.decoder

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return self.decoder(latent)


def remove_weight_norm(module: nn.Module) -> None:
    """Bake the normalized weights in, so that the graph holds plain convolutions."""
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight")


def context_frames(graph: nn.Module, channels: int, hop: int) -> int:
    """How many input frames on each side an output frame depends on, read off the gradient."""
    length, middle = 129, 64
    x = torch.randn(1, channels, length, requires_grad=True)
    graph(x)[..., middle * hop : (middle + 1) * hop].square().sum().backward()
    assert x.grad is not None
    touched = torch.nonzero(x.grad[0].abs().sum(0)).flatten()
    return int(max(middle - touched[0], touched[-1] - middle))


@torch.no_grad()
def check_windows(graph: nn.Module, channels: int, hop: int, context: int, window: int = 24) -> None:
    """Raises ValueError when a sequence computed in windows with `context` differs from the sequence computed whole."""
    length = 4 * window + 2 * context
    x = torch.randn(1, channels, length)
    parts = []
    for start in range(0, length, window):
        left, right = max(0, start - context), min(length, start + window + context)
        part = graph(x[..., left:right])
        parts.append(part[..., (start - left) * hop : (min(start + window, length) - left) * hop])
    whole = graph(x)
    difference = float((torch.cat(parts, -1) - whole).abs().max())
    if difference > WINDOW_TOLERANCE * max(1.0, float(whole.abs().max())):
        raise ValueError(f"windows with {context} frames of context differ by {difference:.2g} from the whole")


def phoneme_ids(text: str) -> torch.Tensor:
    """A sample text as the server sends it: int64[1, P]."""
    words = normalize(text)
    assert words is not None
    spoken = pronounce(words, load_dictionary())
    assert spoken is not None
    return torch.tensor([to_ids(sequence(words, spoken))])


def seconds_per_run(path: Path, inputs: dict[str, np.ndarray], repeats: int = 5) -> float:
    """Least wall time of one run on one thread, without loading."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        session.run(None, inputs)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def export(run: Path, data: Path, out: Path, golden: Path, hardware: str) -> dict:
    """Write all files and return the manifest's figures."""
    voice, progress = load_voice(run)
    remove_weight_norm(voice)
    voice.requires_grad_(False)
    channels = voice.config.latent
    graphs = {"encoder": EncoderGraph(voice), "flow": FlowGraph(voice), "decoder": DecoderGraph(voice)}
    contexts = {
        "flow": context_frames(graphs["flow"], channels, 1),
        "decoder": context_frames(graphs["decoder"], channels, HOP),
    }
    check_windows(graphs["flow"], channels, 1, contexts["flow"])
    check_windows(graphs["decoder"], channels, HOP, contexts["decoder"])

    generator = torch.Generator().manual_seed(0)
    ids = phoneme_ids(SAMPLE_TEXT)
    noise = torch.randn(1, 2, ids.shape[1], generator=generator) * DURATION_NOISE_SCALE
    frames = torch.randn(1, channels, 24, generator=generator)
    samples = {
        "encoder": {"phonemes": ids, "duration_noise": noise},
        "flow": {"prior": frames},
        "decoder": {"latent": graphs["flow"](frames)},
    }
    outputs = {"encoder": ["mean", "log_scale", "log_duration"], "flow": ["latent"], "decoder": ["audio"]}
    out.mkdir(parents=True, exist_ok=True)
    batch = GoldenBatch(f"models/voices/{out.name}")
    for role, graph in graphs.items():
        axis = "P" if role == "encoder" else "T"
        inputs = samples[role]
        dynamic = {name: {tensor.dim() - 1: axis} for name, tensor in inputs.items()}
        dynamic |= {name: {2: f"{axis}*{HOP}" if name == "audio" else axis} for name in outputs[role]}
        torch.onnx.export(
            graph.eval(),
            tuple(inputs.values()),
            str(out / f"{role}.onnx"),
            input_names=list(inputs),
            output_names=outputs[role],
            dynamic_axes=dynamic,
            opset_version=OPSET,
            dynamo=False,
        )
        with torch.no_grad():
            expected = graph(*inputs.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        batch.check(
            role,
            out / f"{role}.onnx",
            {name: tensor.numpy() for name, tensor in inputs.items()},
            {name: tensor.numpy() for name, tensor in zip(outputs[role], expected, strict=True)},
        )
    batch.write(golden)

    evaluation = json.loads((run / "evaluation.json").read_text()) if (run / "evaluation.json").exists() else {}
    evaluation |= speed(out, channels)
    report = json.loads((data / "report.json").read_text())
    write_manifest(
        out,
        kind="voice",
        name=out.name,
        description="American English, male: VITS trained on speech of flite's voice rms.",
        licence=LICENCE,
        origin={
            "data": f"{report['hours']} h of flite 2.2 rms: {report['utterances']} utterances",
            "steps": progress["step"],
            "hardware": hardware,
            "date": date.today().isoformat(),
            "notes": f"{progress['seconds'] / 60:.0f} minutes of training; averaged weights. {ORDER}",
        },
        evaluation=evaluation,
        files={role: f"{role}.onnx" for role in graphs},
        details={
            "language": "en-US",
            "gender": "male",
            "sampleRateHz": SAMPLE_RATE_HZ,
            "hopSamples": HOP,
            "latentChannels": channels,
            "symbols": list(SYMBOLS),
            "intersperse": False,
            "noiseScale": NOISE_SCALE,
            "durationNoiseScale": DURATION_NOISE_SCALE,
            "flowContextFrames": contexts["flow"],
            "decoderContextFrames": contexts["decoder"],
            "gain": GAIN,
        },
    )
    return {**evaluation, **contexts}


def speed(out: Path, channels: int) -> dict:
    """Milliseconds on one thread: the encoder for a long sentence, flow and decoder for a second of audio."""
    ids = phoneme_ids(LONG_TEXT).numpy()
    noise = np.zeros((1, 2, ids.shape[1]), np.float32)
    latent = np.zeros((1, channels, SAMPLE_RATE_HZ // HOP * 2), np.float32)
    seconds = latent.shape[2] * HOP / SAMPLE_RATE_HZ
    encoder = seconds_per_run(out / "encoder.onnx", {"phonemes": ids, "duration_noise": noise})
    return {
        "encoderSymbols": ids.shape[1],
        "encoderMs": round(1000 * encoder, 1),
        "flowMsPerSecond": round(1000 * seconds_per_run(out / "flow.onnx", {"prior": latent}) / seconds, 1),
        "decoderMsPerSecond": round(1000 * seconds_per_run(out / "decoder.onnx", {"latent": latent}) / seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder made by voice.data")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--golden", type=Path, required=True, help="golden batch, without suffix")
    parser.add_argument("--hardware", default="AMD EPYC (Zen 5), 3 of 4 cores")
    args = parser.parse_args()
    print(json.dumps(export(args.run, args.data, args.out, args.golden, args.hardware), indent=1))


if __name__ == "__main__":
    main()
