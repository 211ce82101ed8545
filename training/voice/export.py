"""Exports a trained voice for the server: five ONNX graphs, the manifest and the golden batch.

    python -m voice.export --run RUN --data DATA --out ../models/voices/rms --golden ../test/fixtures/golden/voice-rms

Fails when onnxruntime and PyTorch differ, or when decoding in pieces gives another result than decoding at once.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from common.golden import GoldenBatch
from common.half import round_to_half, store_as_half
from common.manifest import write_manifest
from common.text import SYMBOLS, load_dictionary, normalize, pronounce, sequence, to_ids
from voice.data import HOP, SAMPLE_RATE_HZ
from voice.evaluate import load_voice
from voice.filter_decoder import BANDS, FFT, FilterDecoder, half_tables
from voice.filter_decoder import HOP as FILTER_HOP
from voice.filter_decoder import RATE as FILTER_RATE
from voice.filter_decoder import WINDOW as FILTER_WINDOW
from voice.fourier_tables import compute_tables
from voice.frame_prior import places
from voice.model import DURATION_NOISE_SCALE, NOISE_SCALE, Voice
from voice.source import CHANNELS as SOURCE_CHANNELS
from voice.source import excite
from voice.streaming import StreamingFilters

OPSET = 17
WINDOW_TOLERANCE = 1e-5
ROUNDING = 2e-6  # of the peak, -114 dB: what float32 rounds differently
WINDOW_FRAMES = 24  # of the trial
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


class FilterGraph(nn.Module):
    """filters [1, 128, T * 4], source [1, 2, T * 256] → audio [1, 1, T * 256].

    `SourceFilter` with half the products: the inverse transform of a real signal is even in its cosines and odd in its
    sines, so the second half of each response follows from the first one.
    """

    def __init__(self, decoder: FilterDecoder):
        super().__init__()
        self.filter = decoder.filter
        cosines, sines = half_tables()
        self.register_buffer("cosines", torch.from_numpy(cosines), persistent=False)
        self.register_buffer("sines", torch.from_numpy(sines), persistent=False)

    def forward(self, filters: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        real, imaginary = self.filter.spectrum(filters, source)
        even, odd = torch.matmul(self.cosines, real), torch.matmul(self.sines, imaginary)
        late = (even - odd)[:, 1:-1].flip(1)
        responses = torch.cat([even + odd, late], dim=1)  # [1, FFT, T * 4]
        steps = FFT // FILTER_HOP
        added: torch.Tensor | float = 0.0
        for i in range(steps):
            part = responses[:, i * FILTER_HOP : (i + 1) * FILTER_HOP]
            added = added + functional.pad(part, (i, steps - 1 - i))
        early = (FILTER_WINDOW - FILTER_HOP) // 2
        return added.transpose(1, 2).reshape(1, 1, -1)[..., early : early - FFT + FILTER_HOP]


Inputs = list[tuple[torch.Tensor, int]]  # float32[1, C, T * step] and that step


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


def context_frames(graph: Callable[..., torch.Tensor], lanes: list[Lane], hop: int) -> int:
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
def window_error(graph: Callable[..., torch.Tensor], inputs: Inputs, hop: int, context: int) -> float:
    """The largest difference between a sequence computed in windows with `context` and computed whole, of its peak."""
    length = inputs[0][0].shape[2] // inputs[0][1]
    parts = []
    for start in range(0, length, WINDOW_FRAMES):
        left, right = max(0, start - context), min(length, start + WINDOW_FRAMES + context)
        cut = (x[..., left * step : right * step] for x, step in inputs)
        parts.append(graph(*cut)[..., (start - left) * hop : (min(start + WINDOW_FRAMES, length) - left) * hop])
    whole = graph(*(x for x, _ in inputs))
    return float((torch.cat(parts, -1) - whole).abs().max() / whole.abs().max())


def needed_context(graph: Callable[..., torch.Tensor], inputs: Inputs, hop: int) -> int:
    """The least context that makes no difference beyond rounding; it may be less than what the graph sees, because
    what is far away counts little. Raises ValueError when even that context is too little."""
    seen = context_frames(graph, [Lane(x.shape[1], step) for x, step in inputs], hop)
    for context in range(seen % 2, seen + 1, 2):
        if window_error(graph, inputs, hop, context) <= ROUNDING:
            return context
    raise ValueError(f"windows with {seen} frames of context differ from the whole")


@torch.no_grad()
def check_stream(graph: StreamingFilters, decoder: FilterDecoder, latent: torch.Tensor) -> int:
    """Frames that filters wait for. Raises ValueError when pieces do not join to what the whole gives."""
    lookahead, length = graph.lookahead(latent), latent.shape[2]
    state, parts = graph.nothing(latent), []
    ends = [lookahead + 1, lookahead + 2, *range(lookahead + 2 + WINDOW_FRAMES, length, WINDOW_FRAMES), length]
    for start, end in pairwise([0, *ends]):
        edges = torch.tensor([int(start == 0), int(end == length)])
        filters, *state = graph(latent[:, :, start:end], edges, *state)
        parts.append(filters)
    joined, whole = torch.cat(parts, dim=2), decoder.filters(latent)
    same_length = joined.shape == whole.shape
    difference = float((joined - whole).abs().max() / whole.abs().max()) if same_length else float("inf")
    if not difference <= WINDOW_TOLERANCE:
        raise ValueError(f"filters made in pieces differ by {difference:.2g} of the peak from the whole")
    return lookahead


def measure_contexts(voice: Voice, graphs: dict[str, nn.Module]) -> dict[str, int]:
    """How many frames to each side prior, flow and filters need, and how many the decoder waits for, found with a
    spoken sentence."""

    def prior(hidden: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        return torch.cat(graphs["prior"](hidden, place), dim=1)

    generator = torch.Generator().manual_seed(0)
    ids = phoneme_ids(LONG_TEXT)
    hidden, log_duration = graphs["encoder"](ids, torch.zeros(1, 2, ids.shape[1]))
    frames = log_duration.exp().ceil().clamp(min=1).long()[0, 0]
    path = torch.repeat_interleave(torch.arange(len(frames)), frames)[None]
    of_frames, place = hidden[:, :, path[0]], places(frames[None].float(), path)
    mean, log_scale, pitch = graphs["prior"](of_frames, place)
    drawn = mean + torch.randn(mean.shape, generator=generator) * log_scale.exp() * NOISE_SCALE
    latent = graphs["flow"](drawn)
    noise = torch.randn(1, latent.shape[2] * HOP, generator=generator)
    source = excite(pitch[:, 0], (pitch[:, 1] > 0).float(), torch.zeros(1, dtype=torch.float64), noise)
    filters = voice.decoder.filters(latent)
    return {
        "prior": needed_context(prior, [(of_frames, 1), (place, 1)], 1),
        "flow": needed_context(graphs["flow"], [(drawn, 1)], 1),
        "filter": needed_context(graphs["filter"], [(filters, FILTER_RATE), (source, HOP)], HOP),
        "decoder": check_stream(graphs["decoder"], voice.decoder, latent),
    }


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
    if not isinstance(voice.decoder, FilterDecoder):
        raise ValueError(f'the server runs voices with decoder "filter", this one has "{voice.config.decoder}"')
    remove_weight_norm(voice)
    round_to_half(voice)
    voice.requires_grad_(False)
    channels = voice.config.latent
    graphs = {
        "encoder": EncoderGraph(voice),
        "prior": PriorGraph(voice),
        "flow": FlowGraph(voice),
        "decoder": StreamingFilters(voice.decoder),
        "filter": FilterGraph(voice.decoder),
    }
    contexts = measure_contexts(voice, graphs)

    generator = torch.Generator().manual_seed(0)
    ids = phoneme_ids(SAMPLE_TEXT)
    noise = torch.randn(1, 2, ids.shape[1], generator=generator) * DURATION_NOISE_SCALE
    frames = torch.randn(1, channels, 36, generator=generator)
    path = torch.arange(6).repeat_interleave(4)[None]
    hidden = torch.randn(1, voice.config.hidden, 24, generator=generator)
    source = excite(
        torch.linspace(4.4, 5.0, 12)[None],
        (torch.arange(12)[None] % 9 > 2).float(),
        torch.zeros(1, dtype=torch.float64),
        torch.randn(1, 12 * HOP, generator=generator),
    )
    latent = graphs["flow"](frames)
    begins, ends = latent[:, :, :30], latent[:, :, 30:]
    nothing = graphs["decoder"].nothing(begins)
    _, *remembered = graphs["decoder"](begins, torch.tensor([1, 0]), *nothing)

    def piece(latent: torch.Tensor, edges: list[int], state: list[torch.Tensor]) -> dict[str, torch.Tensor]:
        named = {f"remembered_{i}": x for i, x in enumerate(state)}
        return {"latent": latent.contiguous(), "edges": torch.tensor(edges), **named}

    samples = {
        "encoder": [{"phonemes": ids, "duration_noise": noise}],
        "prior": [{"hidden": hidden, "places": places(torch.full((1, 6), 4.0), path)}],
        "flow": [{"prior": frames}],
        "decoder": [piece(ends, [0, 1], remembered), piece(begins, [1, 0], nothing)],
        "filter": [{"filters": voice.decoder.filters(latent)[:, :, : 12 * FILTER_RATE].contiguous(), "source": source}],
    }
    outputs = {
        "encoder": ["hidden", "log_duration"],
        "prior": ["mean", "log_scale", "pitch"],
        "flow": ["latent"],
        "decoder": ["filters", *(f"remember_{i}" for i in range(len(nothing)))],
        "filter": ["audio"],
    }
    out.mkdir(parents=True, exist_ok=True)
    batch = GoldenBatch(f"models/voices/{out.name}")
    for role, graph in graphs.items():
        first, *_ = samples[role]
        axes = {name: x.dim() - 1 for name, x in first.items() if x.dim() > 1} | dict.fromkeys(outputs[role], 2)
        dynamic = {name: {axis: length_of(name, role)} for name, axis in axes.items()}
        torch.onnx.export(
            graph.eval(),
            tuple(first.values()),
            str(out / f"{role}.onnx"),
            input_names=list(first),
            output_names=outputs[role],
            dynamic_axes=dynamic,
            opset_version=OPSET,
            dynamo=False,
        )
        store_as_half(out / f"{role}.onnx")
        if role == "filter":
            compute_tables(out / f"{role}.onnx")
        for inputs in samples[role]:
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
    evaluation |= speed(out, channels, nothing)
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
            "priorContextFrames": contexts["prior"],
            "flowContextFrames": contexts["flow"],
            "filterContextFrames": contexts["filter"],
            "decoderLookaheadFrames": contexts["decoder"],
            "filtersPerFrame": FILTER_RATE,
            "decoderMemory": [[x.shape[1], x.shape[2]] for x in nothing],
            "gain": GAINS[teacher],
        },
    )
    return {**evaluation, **contexts}


def length_of(name: str, role: str) -> str:
    """What the length of an input or output is called; the same name means the same length."""
    if name.startswith("remember"):
        return name
    lengths = {"latent": "T", "filters": "F", "source": "S", "audio": "S"}
    return lengths.get(name, "P" if role == "encoder" else "T")


def speed(out: Path, channels: int, nothing: list[torch.Tensor]) -> dict:
    """Milliseconds on one thread: the encoder for a long sentence, flow and decoder with its filters for a second of
    audio."""
    ids = phoneme_ids(LONG_TEXT).numpy()
    noise = np.zeros((1, 2, ids.shape[1]), np.float32)
    latent = np.zeros((1, channels, SAMPLE_RATE_HZ // HOP * 2), np.float32)
    source = np.zeros((1, SOURCE_CHANNELS, latent.shape[2] * HOP), np.float32)
    filters = np.zeros((1, 2 * BANDS, latent.shape[2] * FILTER_RATE), np.float32)
    state = {f"remembered_{i}": x.numpy() for i, x in enumerate(nothing)}
    seconds = latent.shape[2] * HOP / SAMPLE_RATE_HZ
    encoder = seconds_per_run(out / "encoder.onnx", {"phonemes": ids, "duration_noise": noise})
    flow = seconds_per_run(out / "flow.onnx", {"prior": latent})
    decoder = seconds_per_run(out / "decoder.onnx", {"latent": latent, "edges": np.ones(2, np.int64), **state})
    filtering = seconds_per_run(out / "filter.onnx", {"filters": filters, "source": source})
    return {
        "encoderSymbols": ids.shape[1],
        "encoderMs": round(1000 * encoder, 1),
        "flowMsPerSecond": round(1000 * flow / seconds, 1),
        "decoderMsPerSecond": round(1000 * (decoder + filtering) / seconds, 1),
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
