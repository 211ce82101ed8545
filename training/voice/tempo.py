"""Finds how much slower a voice has to speak to take as long as its teacher, and stores it for evaluation and export.

    python -m voice.tempo --data DATA --run RUN

With less noise than it was trained with, the duration predictor gives the middle of a skewed distribution, which lies
below its mean. Only training sentences are used. Writes `tempo.json` to RUN.
"""

import argparse
import json
from pathlib import Path

import torch

from voice.data import Corpus
from voice.evaluate import TEMPO_FILE, load_voice
from voice.model import DURATION_NOISE_SCALE, Voice

UTTERANCES = 60


@torch.no_grad()
def duration_scale(voice: Voice, corpus: Corpus, noise_scale: float = DURATION_NOISE_SCALE) -> float:
    """The teacher's frames over the voice's frames, summed over training utterances; the voice's scale counts as 1."""
    generator = torch.Generator().manual_seed(0)
    utterances = [corpus.utterance(int(index)) for index in corpus.long[:UTTERANCES]]
    wanted = sum(frames for _, _, _, frames, *_ in utterances)
    logarithms = []
    for ids, *_ in utterances:
        hidden, _, _ = voice.text(torch.from_numpy(ids).long()[None], None)
        noise = torch.randn(1, 2, len(ids), generator=generator) * noise_scale
        logarithms.append(voice.duration.sample(hidden, None, noise)[0, 0])
    durations = torch.cat(logarithms).exp()
    low, high = 0.5, 2.0
    while high - low > 1e-4:  # whole frames, at least one a symbol: no closed form
        middle = (low + high) / 2
        spoken = float((durations * middle).ceil().clamp(min=1).sum())
        low, high = (middle, high) if spoken < wanted else (low, middle)
    return (low + high) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    voice, progress = load_voice(args.run)
    found = {"step": progress["step"], "durationScale": round(duration_scale(voice, Corpus(args.data)), 4)}
    (args.run / TEMPO_FILE).write_text(json.dumps(found))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
