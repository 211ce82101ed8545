"""Pitch is found in sound, and sound with that pitch is made."""

import numpy as np
import pytest
import torch

from voice.frame_prior import places
from voice.pitch import contour
from voice.source import HOP, SAMPLE_RATE_HZ, excite


def voice_of(hertz: np.ndarray) -> np.ndarray:
    """A sum of harmonics that fall off like a voice's, with this pitch at every sample."""
    turns = np.cumsum(hertz / SAMPLE_RATE_HZ)
    return 0.2 * sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 16))


@pytest.mark.parametrize("middle", [75.0, 120.0, 210.0])
def test_a_gliding_pitch_is_followed_within_a_third_of_a_semitone(middle: float) -> None:
    samples = np.arange(60 * HOP)
    wanted = middle * 2 ** (0.3 * np.sin(2 * np.pi * samples / SAMPLE_RATE_HZ))

    hertz, voiced = contour(voice_of(wanted))

    inner = slice(4, -4)
    assert voiced[inner].all()
    assert np.abs(12 * np.log2(hertz / wanted[HOP // 2 :: HOP]))[inner].max() < 1 / 3


def test_noise_and_silence_are_unvoiced() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * HOP)

    assert contour(noise)[1].mean() < 0.1
    assert not contour(np.zeros(40 * HOP))[1].any()


def test_a_pause_is_crossed_in_a_straight_line() -> None:
    sound = np.concatenate([voice_of(np.full(20 * HOP, 100.0)), np.zeros(20 * HOP), voice_of(np.full(20 * HOP, 160.0))])

    hertz, voiced = contour(sound)

    assert not voiced[24:36].any()
    assert (np.diff(hertz[22:38]) > 0).all()


def source_of(hertz: float, frames: int = 40) -> torch.Tensor:
    return excite(
        torch.full((1, frames), float(np.log(hertz))),
        torch.ones(1, frames),
        torch.zeros(1, dtype=torch.float64),
        torch.zeros(1, frames * HOP),
    )


@pytest.mark.parametrize("hertz", [80.0, 123.4, 200.0])
def test_the_source_has_the_pitch_that_is_asked_for(hertz: float) -> None:
    source = source_of(hertz)[0].numpy()

    found, voiced = contour(source[0] * 0.1)

    assert voiced[4:-4].all()
    assert np.abs(12 * np.log2(found / hertz))[4:-4].max() < 0.2


def test_pulses_have_the_same_power_at_every_pitch() -> None:
    powers = [float((source_of(hertz)[0, 0] ** 2).mean()) for hertz in (80.0, 160.0, 320.0)]

    # a pulse that falls between two samples has less power than one that falls on a sample
    assert max(powers) / min(powers) < 1.3


def test_unvoiced_frames_have_noise_only() -> None:
    source = excite(
        torch.full((1, 10), 4.6), torch.zeros(1, 10), torch.zeros(1, dtype=torch.float64), torch.randn(1, 10 * HOP)
    )

    assert not source[0, 0].any()
    assert source[0, 1].std() == pytest.approx(1.0, abs=0.1)


def test_places_count_from_the_beginning_and_the_end_of_each_symbol() -> None:
    path = torch.tensor([[0, 0, 1, 1, 1]])

    found = places(torch.tensor([[2.0, 3.0]]), path)[0]

    assert torch.allclose(found[0], torch.tensor([0.25, 0.75, 1 / 6, 0.5, 5 / 6]))
    assert torch.allclose(found[1], torch.log1p(torch.tensor([0.5, 1.5, 0.5, 1.5, 2.5])))
    assert torch.allclose(found[2], torch.log1p(torch.tensor([1.5, 0.5, 2.5, 1.5, 0.5])))
