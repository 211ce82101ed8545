"""Numbers that Python and TypeScript must agree on: the places of frames and the pulses, for a few frames.

python -m voice.fixture --out ../test/fixtures/voice-source.json
"""

import argparse
import json
from pathlib import Path

import torch

from voice.frame_prior import places
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.write_text(json.dumps(fixture()) + "\n")


if __name__ == "__main__":
    main()
