"""Takes one speaker out of a voice of several, as a run of its own that is evaluated and exported like any other.

    python -m voice.one_speaker --run RUN --speaker 1 --out RUN-OF-THAT-SPEAKER

What a chosen speaker adds is a constant, so it goes into the biases: the voice is as large and as fast as one of one
speaker. It cannot be trained on: only the averaged weights are kept.
"""

import argparse
import copy
from dataclasses import replace
from pathlib import Path

from common.checkpoint import Ema, read_checkpoint, save_checkpoint
from voice.model import Voice, VoiceConfig
from voice.speakers import SpeakerBias


def one_speaker(voice: Voice, speaker: int) -> Voice:
    """The voice of one speaker of a voice of several."""
    several = copy.deepcopy(voice)
    assert several.speakers is not None
    channels = several.speakers.weight.detach()[speaker][None, :, None]
    for module in several.modules():
        if isinstance(module, SpeakerBias):
            module.settle(channels)
    alone = Voice(replace(voice.config, speakers=1))
    weights = several.state_dict()
    alone.load_state_dict({name: weights[name] for name in alone.state_dict()})
    return alone.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--speaker", type=int, required=True, help="place of its data folder in the training, from 0")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    checkpoint = read_checkpoint(args.run)
    if checkpoint is None:
        raise FileNotFoundError(f"no checkpoint in {args.run}")
    weights = checkpoint["parts"]["ema"]["model"]
    if not 0 <= args.speaker < len(weights.get("speakers.weight", [])):
        raise ValueError(f"{args.run} has {len(weights.get('speakers.weight', [0]))} speakers, numbered from 0")
    voice = Voice(VoiceConfig(speakers=len(weights["speakers.weight"])))
    voice.load_state_dict(weights)
    save_checkpoint(args.out, {"ema": Ema(one_speaker(voice, args.speaker))}, checkpoint["progress"])


if __name__ == "__main__":
    main()
