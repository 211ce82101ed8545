"""What the evaluation says of sounds whose relation is known."""

import numpy as np
import pytest

from voice.measures import compare, harmonics_to_noise_db, trim, warp
from voice.pitch import HOP, SAMPLE_RATE_HZ


def vowel(hertz: float, seconds: float = 0.5, tilt: float = 1.0) -> np.ndarray:
    """int16 harmonics that fall off with the power `tilt`."""
    turns = np.arange(int(seconds * SAMPLE_RATE_HZ)) * hertz / SAMPLE_RATE_HZ
    sound = sum(np.sin(2 * np.pi * k * turns) / k**tilt for k in range(1, 20))
    return (3000 * sound).astype(np.int16)


def test_a_sound_does_not_differ_from_itself() -> None:
    figures = compare(vowel(110), vowel(110)).figures()

    assert figures == {"melCepstralDistortionDb": 0.0, "pitchErrorHz": 0.0, "voicingError": 0.0}


def test_the_pitch_error_is_the_difference_in_hertz() -> None:
    assert compare(vowel(110), vowel(125)).figures()["pitchErrorHz"] == pytest.approx(15, abs=1)


def test_another_timbre_is_further_away_than_a_longer_sound() -> None:
    longer = compare(vowel(110), vowel(110, 0.7)).figures()["melCepstralDistortionDb"]
    duller = compare(vowel(110), vowel(110, 0.5, 1.6)).figures()["melCepstralDistortionDb"]

    assert longer < 1 < 4 < duller


def test_noise_lowers_the_share_of_harmonics() -> None:
    clean = vowel(110)
    noise = np.random.default_rng(0).normal(0, 1, len(clean))

    levels = [harmonics_to_noise_db((clean + level * noise).astype(np.int16)) for level in (50, 400, 1500)]

    assert levels[0] > levels[1] + 5 > levels[2] + 10


def test_silence_at_the_ends_is_cut() -> None:
    sound = vowel(110)

    assert len(trim(np.concatenate([np.zeros(5 * HOP, np.int16), sound, np.zeros(900, np.int16)]))) <= len(sound) + HOP


def test_a_path_goes_from_corner_to_corner_and_repeats_what_is_longer() -> None:
    a, b = np.array([0.0, 1, 2, 3]), np.array([0.0, 1, 1, 1, 2, 3])

    rows, columns = warp(np.abs(a[:, None] - b[None]))

    assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 0, 3, 5)
    assert np.array_equal(a[rows], b[columns])
