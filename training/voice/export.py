"""Exports a trained voice for the server: four ONNX graphs, the manifest and the golden batch.

    python -m voice.export --run RUN --data DATA --out ../models/voices/rms --golden ../test/fixtures/golden/voice-rms

Fails when onnxruntime and PyTorch differ, or when decoding in windows gives another result than decoding at once.
"""

import argparse
import json
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from common.golden import GoldenBatch
from common.half import round_to_half, store_as_half
from common.manifest import write_manifest
from common.text import SYMBOLS, load_dictionary, normalize, pronounce, sequence, to_ids
from voice.data import HOP, SAMPLE_RATE_HZ
from voice.evaluate import load_voice
from voice.fourier_tables import compute_tables
from voice.frame_prior import places
from voice.model import DURATION_NOISE_SCALE, NOISE_SCALE, Voice
from voice.source import CHANNELS as SOURCE_CHANNELS
from voice.source import excite

OPSET = 17
WINDOW_TOLERANCE = 1e-5
GAINS = {"rms": 2.0, "slt": 1.0}  # teachers are not equally loud: one factor for all sentences of a voice
GENDERS = {"rms": "male", "slt": "female"}
SAMPLE_TEXT = "Hello there, I am here."
LONG_TEXT = (
    "The river walls have disappeared, and the buttresses of the bridges have been torn or washed away by the flood."
)
ORDER = 'Between two words always one " ", a mark directly after its word: ^ HH AH0 L OW1 , " " DH EH1 R . $'
LICENCE = "Apache-2.0; learned from speech of flite's voice {} (Carnegie Mellon University, BSD-like licence)"


class EncoderGraph(nn.Module):
    """phonemes int64[1, P], duration_noise [1, 2, P] → hidden [1, H, P], log_duration [1, 1, P]."""

    def __init__(self, voice: Voice):
        super().__init__()
        self.voice = voice

    def forward(self, phonemes: torch.Tensor, duration_noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hidden, _, _ = self.voice.text(phonemes, None)
        return hidden, self.voice.log_durations(hidden, duration_noise)


class PriorGraph(nn.Module):
    """hidden [1, H, T] of each frame's symbol, places [1, 3, T] → mean, log_scale [1, C, T], pitch [1, 2, T].

    The pitch is the natural logarithm of Hz and the logit of being voiced.
    """

    def __init__(self, voice: Voice):
        super().__init__()
        self.prior = voice.prior

    def forward(self, hidden: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mean, log_scale, log_pitch, voiced = self.prior(hidden, places, None)
        return mean, log_scale, torch.stack([log_pitch, voiced], dim=1)


class FlowGraph(nn.Module):
    """prior [1, C, T] → latent [1, C, T]."""

    def __init__(self, voice: Voice):
        super().__init__()
        self.flow = voice.flow

    def forward(self, prior: torch.Tensor) -> torch.Tensor:
        return self.flow.inverse(prior, None)


class DecoderGraph(nn.Module):
    """latent [1, C, T], source [1, 2, T * 256] → audio [1, 1, T * 256]."""

    def __init__(self, voice: Voice):
        super().__init__()
        self.decoder = voice.decoder

    def forward(self, latent: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        return self.decoder(latent, source)


@dataclass(frozen=True)
class Lane:
    """An input or output that runs with the frames: `channels` of `hop` values a frame."""

    channels: int
    hop: int = 1


def remove_weight_norm(module: nn.Module) -> None:
    """Bake the normalized weights in, so that the graph holds plain convolutions."""
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight")


def context_frames(graph: nn.Module, lanes: list[Lane], hop: int) -> int:
    """How many input frames on each side an output frame of `hop` values depends on, read off the gradient."""
    length, middle = 129, 64
    inputs = [torch.randn(1, lane.channels, length * lane.hop, requires_grad=True) for lane in lanes]
    graph(*inputs)[..., middle * hop : (middle + 1) * hop].square().sum().backward()
    reach = 0
    for x, lane in zip(inputs, lanes, strict=True):
        assert x.grad is not None
        touched = torch.nonzero(x.grad[0].abs().sum(0)).flatten() // lane.hop
        reach = max(reach, int(middle - touched[0]), int(touched[-1] - middle))
    return reach


@torch.no_grad()
def check_windows(graph: nn.Module, lanes: list[Lane], hop: int, context: int, window: int = 24) -> None:
    """Raises ValueError when a sequence computed in windows with `context` differs from the sequence computed whole."""
    length = 4 * window + 2 * context
    inputs = [torch.randn(1, lane.channels, length * lane.hop) for lane in lanes]
    parts = []
    for start in range(0, length, window):
        left, right = max(0, start - context), min(length, start + window + context)
        cut = (x[..., left * lane.hop : right * lane.hop] for x, lane in zip(inputs, lanes, strict=True))
        parts.append(graph(*cut)[..., (start - left) * hop : (min(start + window, length) - left) * hop])
    whole = graph(*inputs)
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
    round_to_half(voice)
    voice.requires_grad_(False)
    channels = voice.config.latent
    graphs = {
        "encoder": EncoderGraph(voice),
        "prior": PriorGraph(voice),
        "flow": FlowGraph(voice),
        "decoder": DecoderGraph(voice),
    }
    lanes = {"flow": [Lane(channels)], "decoder": [Lane(channels), Lane(SOURCE_CHANNELS, HOP)]}
    hops = {"flow": 1, "decoder": HOP}
    contexts = {role: context_frames(graphs[role], lanes[role], hop) for role, hop in hops.items()}
    for role, hop in hops.items():
        check_windows(graphs[role], lanes[role], hop, contexts[role])

    generator = torch.Generator().manual_seed(0)
    ids = phoneme_ids(SAMPLE_TEXT)
    noise = torch.randn(1, 2, ids.shape[1], generator=generator) * DURATION_NOISE_SCALE
    frames = torch.randn(1, channels, 24, generator=generator)
    path = torch.arange(6).repeat_interleave(4)[None]
    hidden = torch.randn(1, voice.config.hidden, 24, generator=generator)
    source = excite(
        torch.linspace(4.4, 5.0, 24)[None],
        (torch.arange(24)[None] % 9 > 2).float(),
        torch.zeros(1, dtype=torch.float64),
        torch.randn(1, 24 * HOP, generator=generator),
    )
    samples = {
        "encoder": {"phonemes": ids, "duration_noise": noise},
        "prior": {"hidden": hidden, "places": places(torch.full((1, 6), 4.0), path)},
        "flow": {"prior": frames},
        "decoder": {"latent": graphs["flow"](frames), "source": source},
    }
    outputs = {
        "encoder": ["hidden", "log_duration"],
        "prior": ["mean", "log_scale", "pitch"],
        "flow": ["latent"],
        "decoder": ["audio"],
    }
    out.mkdir(parents=True, exist_ok=True)
    batch = GoldenBatch(f"models/voices/{out.name}")
    for role, graph in graphs.items():
        axis = "P" if role == "encoder" else "T"
        inputs = samples[role]
        long = {"source", "audio"}
        dynamic = {name: {tensor.dim() - 1: "S" if name in long else axis} for name, tensor in inputs.items()}
        dynamic |= {name: {2: "S" if name in long else axis} for name in outputs[role]}
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
        store_as_half(out / f"{role}.onnx")
        if role == "decoder" and voice.config.decoder == "filter":
            compute_tables(out / f"{role}.onnx")
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
    teacher = report["voice"]
    gender = GENDERS[teacher]
    write_manifest(
        out,
        kind="voice",
        name=out.name,
        description=f"American English, {gender}: VITS trained on speech of flite's voice {teacher}.",
        licence=LICENCE.format(teacher),
        origin={
            "data": f"{report['hours']} h of flite 2.2 {teacher}: {report['utterances']} utterances",
            "steps": progress["step"],
            "hardware": hardware,
            "date": date.today().isoformat(),
            "notes": f"{progress['seconds'] / 60:.0f} minutes of training; averaged weights. {ORDER}",
        },
        evaluation=evaluation,
        files={role: f"{role}.onnx" for role in graphs},
        details={
            "language": "en-US",
            "gender": gender,
            "sampleRateHz": SAMPLE_RATE_HZ,
            "hopSamples": HOP,
            "latentChannels": channels,
            "hiddenChannels": voice.config.hidden,
            "symbols": list(SYMBOLS),
            "intersperse": False,
            "noiseScale": NOISE_SCALE,
            "durationNoiseScale": DURATION_NOISE_SCALE,
            "flowContextFrames": contexts["flow"],
            "decoderContextFrames": contexts["decoder"],
            "gain": GAINS[teacher],
        },
    )
    return {**evaluation, **contexts}


def speed(out: Path, channels: int) -> dict:
    """Milliseconds on one thread: the encoder for a long sentence, flow and decoder for a second of audio."""
    ids = phoneme_ids(LONG_TEXT).numpy()
    noise = np.zeros((1, 2, ids.shape[1]), np.float32)
    latent = np.zeros((1, channels, SAMPLE_RATE_HZ // HOP * 2), np.float32)
    source = np.zeros((1, SOURCE_CHANNELS, latent.shape[2] * HOP), np.float32)
    seconds = latent.shape[2] * HOP / SAMPLE_RATE_HZ
    encoder = seconds_per_run(out / "encoder.onnx", {"phonemes": ids, "duration_noise": noise})
    return {
        "encoderSymbols": ids.shape[1],
        "encoderMs": round(1000 * encoder, 1),
        "flowMsPerSecond": round(1000 * seconds_per_run(out / "flow.onnx", {"prior": latent}) / seconds, 1),
        "decoderMsPerSecond": round(
            1000 * seconds_per_run(out / "decoder.onnx", {"latent": latent, "source": source}) / seconds, 1
        ),
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
