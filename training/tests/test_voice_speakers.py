"""Several speakers in one voice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from common.checkpoint import save_checkpoint
from tests.tiny_voice import TINY, tiny_corpus, tiny_trainer
from voice.data import Corpus, Speakers
from voice.model import Voice
from voice.one_speaker import one_speaker
from voice.speakers import SpeakerBias
from voice.train import TrainConfig, Trainer, inherit

TWO = replace(TINY, speakers=2, speaker_channels=4)
TRAINING = TrainConfig(steps=10, batch=6, window=48, adversarial_from=1, warmup=1)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return tiny_corpus(tmp_path)


def voice_of_two() -> Voice:
    torch.manual_seed(0)
    voice = Voice(TWO).eval()
    with torch.no_grad():
        for parameter in voice.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return voice.requires_grad_(False)


@torch.no_grad()
def test_one_speaker_taken_out_says_what_the_voice_of_two_says_as_that_speaker() -> None:
    voice = voice_of_two()
    speaker = voice.speakers(torch.tensor([1]))[:, :, None]
    z, source = torch.randn(1, 8, 40), torch.randn(1, 2, 40 * 256)
    hidden, place = torch.randn(1, 16, 40), torch.rand(1, 3, 40)

    alone = one_speaker(voice, 1)

    assert not any("speaker" in name for name in alone.state_dict())
    for mine, theirs in (
        (alone.flow(z, None), voice.flow(z, None, speaker)),
        (alone.decoder(z, source), voice.decoder(z, source, speaker)),
        (alone.prior(hidden, place, None)[2], voice.prior(hidden, place, None, speaker)[2]),
        (alone.duration.condition(hidden, None), voice.duration.condition(hidden, None, speaker)),
    ):
        torch.testing.assert_close(mine, theirs)
    other = one_speaker(voice, 0)
    assert (alone.flow(z, None) - other.flow(z, None)).abs().max() > 1e-3


def test_a_voice_of_two_begins_like_the_voice_of_one_and_learns_who_speaks(corpus: Corpus, tmp_path: Path) -> None:
    before = tiny_trainer(corpus)
    before.step()
    save_checkpoint(tmp_path / "one", before.parts, {"step": 1})
    trainer = Trainer(TRAINING, TWO, Speakers([corpus, corpus]))

    inherit(tmp_path / "one", trainer)
    again = one_speaker(trainer.ema.model, 1)
    trainer.step()
    trainer.step()

    for name, value in before.ema.model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    learned = [module for module in trainer.voice.modules() if isinstance(module, SpeakerBias)]
    assert len(learned) == 8  # 4 couplings, the prior, the posterior, the durations, the decoder
    assert all(module.project.weight.abs().max() > 0 for module in learned)


def test_speakers_are_equally_often_drawn(corpus: Corpus) -> None:
    batch = Speakers([corpus, corpus]).draw(np.random.default_rng(0), 60, 48)

    assert 20 < int(batch.speaker.sum()) < 40
    assert len(batch.speaker) == len(batch.lengths)
