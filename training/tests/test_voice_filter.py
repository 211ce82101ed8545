"""Filters of pulses and noise: what goes in comes out, shaped, and never before its time."""

import numpy as np
import pytest
import torch

from voice.export import FilterGraph
from voice.filter_decoder import BANDS, BINS, FFT, RATE, FilterDecoder, SourceFilter, minimum_phase
from voice.source import HOP


def flat(frames: int, gain: float = 1.0) -> torch.Tensor:
    return torch.full((1, 2 * BANDS, frames * RATE), float(np.log(gain)))


def test_filters_of_gain_one_give_the_sum_of_pulses_and_noise() -> None:
    source = torch.randn(1, 2, 20 * HOP, generator=torch.Generator().manual_seed(0))

    made = SourceFilter()(flat(20), source)

    assert made.shape == (1, 1, 20 * HOP)
    inner = slice(HOP, -HOP)  # the very ends lie in half a window
    assert torch.allclose(made[0, 0, inner], source[0].sum(0)[inner], atol=1e-4)


def test_a_response_does_not_begin_before_its_pulse() -> None:
    filters = flat(20, 0.01)
    filters[:, 20:24] = 0.0  # a formant
    source = torch.zeros(1, 2, 20 * HOP)
    source[0, 0, 2000] = 1.0

    made = SourceFilter()(filters, source)[0, 0]

    assert made[2000:2060].abs().max() > 10 * made[:1995].abs().max()


def test_a_gain_in_one_band_raises_only_its_neighbourhood() -> None:
    source = torch.randn(1, 2, 200 * HOP, generator=torch.Generator().manual_seed(0))
    filters = flat(200)
    filters[:, 40] = float(np.log(10))

    made = SourceFilter()(filters, source)[0, 0].numpy()

    level = np.abs(np.fft.rfft(made.reshape(-1, 512))).mean(0) / np.abs(
        np.fft.rfft(source[0].sum(0).numpy().reshape(-1, 512))
    ).mean(0)
    loud = int(level.argmax())
    # band 40 of 64 on the mel scale up to 8 kHz
    assert loud * 8000 / 256 == pytest.approx(2700, abs=300)
    assert level[: loud // 2].max() < 1.2


def test_the_phase_of_a_pole_is_found_from_its_gain() -> None:
    pole = 1 / (1 - 0.9 * np.exp(-2j * np.pi * np.arange(BINS) / FFT))

    phase = np.log(np.abs(pole)) @ minimum_phase()

    assert np.abs(phase - np.angle(pole)).max() < 1e-6


def test_half_the_products_give_the_same_sound() -> None:
    generator = torch.Generator().manual_seed(0)
    decoder = FilterDecoder(8, 24)
    filters = torch.randn(1, 2 * BANDS, 20 * RATE, generator=generator) - 2
    source = torch.randn(1, 2, 20 * HOP, generator=generator)

    whole, halves = decoder.filter(filters, source), FilterGraph(decoder)(filters, source)

    assert torch.allclose(whole, halves, atol=1e-5 * float(whole.abs().max()))
