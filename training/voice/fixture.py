"""What the server's tests compare with or load: the places of frames and the pulses, for a few frames, and a tiny
voice of random weights in Piper's format.

python -m voice.fixture --out ../test/fixtures/voice-source.json --voice ../test/fixtures/voices/piper-source.onnx.gz
"""

import argparse
import gzip
import json
import tempfile
from pathlib import Path

import torch

from common.half import round_to_half
from voice.export import remove_weight_norm
from voice.frame_prior import places
from voice.model import Voice, VoiceConfig
from voice.piper import PiperGraph, write_graph
from voice.source import HOP, excite


def fixture() -> dict:
    """Six frames of two symbols: a pitch that rises, an unvoiced frame in the middle."""
    frames = torch.tensor([[2, 4]])
    path = torch.repeat_interleave(torch.arange(2), frames[0])[None]
    log_pitch = torch.tensor([[4.5, 4.7, 4.6, 5.2, 5.6, 5.5]])
    logits = torch.tensor([[3.0, 0.5, -2.0, 1.0, 4.0, 0.1]])
    source = excite(log_pitch, (logits > 0).float(), torch.zeros(1, dtype=torch.float64), torch.zeros(1, 6 * HOP))

    def numbers(x: torch.Tensor) -> list[float]:
        return [round(float(value), 6) for value in x.flatten()]

    return {
        "frames": frames[0].tolist(),
        "pitch": numbers(torch.cat([log_pitch[0], logits[0]])),
        "places": numbers(places(frames.float(), path)[0]),
        "pulses": numbers(source[0, 0]),
    }


def tiny_voice() -> bytes:
    """The ONNX file of a voice with few channels, loud enough to be heard."""
    torch.manual_seed(0)
    sizes = {"latent": 8, "hidden": 8, "filters": 8, "text_layers": 1, "prior_layers": 2, "duration_hidden": 8}
    voice = Voice(VoiceConfig(**sizes, decoder_channels=12)).eval()
    remove_weight_norm(voice)
    round_to_half(voice)
    voice.requires_grad_(False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.onnx"
        write_graph(PiperGraph(voice, gain=20.0).eval(), path)
        return path.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--voice", type=Path, required=True)
    args = parser.parse_args()
    args.out.write_text(json.dumps(fixture()) + "\n")
    args.voice.write_bytes(gzip.compress(tiny_voice(), 9, mtime=0))


if __name__ == "__main__":
    main()
