"""The teachers' sound and phones belong together, whoever speaks."""

import shutil

import numpy as np
import pytest

from common import espeak, festival, flite
from common.speech import PAUSE, SAMPLE_RATE_HZ, Speech
from motion.teacher import DIPHTHONGS, TARGETS
from motion.voices import ESPEAK_LANGUAGES, ESPEAK_VARIANTS, Speak, anybody

SENTENCE = "Bob's fair church was poor, but the oily little bottle near the idea is full of joy and treasure."
TEACHERS = {
    "flite": flite.speak,
    "espeak-ng": espeak.speak,
    "festival": pytest.param(
        festival.speak, marks=pytest.mark.skipif(not shutil.which("festival"), reason="festival is not installed")
    ),
}


def loudness_db(speech: Speech, *, paused: bool) -> float:
    """Mean power of what is a pause, or is not."""
    squares, start = [], 0.0
    for phone in speech.phones:
        part = speech.pcm[int(start * SAMPLE_RATE_HZ) : int(phone.end * SAMPLE_RATE_HZ)].astype(float)
        if (phone.name == PAUSE) == paused:
            squares.append(part**2)
        start = phone.end
    return 10 * np.log10(np.concatenate(squares).mean() + 1)


@pytest.mark.parametrize("speak", TEACHERS.values(), ids=TEACHERS.keys())
def test_phones_are_known_and_fill_the_sound(speak: Speak):
    speech = speak(SENTENCE)
    ends = [phone.end for phone in speech.phones]
    assert ends == sorted(ends)
    assert abs(ends[-1] - len(speech.pcm) / SAMPLE_RATE_HZ) < 0.05
    assert {phone.name for phone in speech.phones} <= {*TARGETS, *DIPHTHONGS}
    assert loudness_db(speech, paused=False) > loudness_db(speech, paused=True) + 15


def test_every_variant_speaks():
    for index, variant in enumerate(ESPEAK_VARIANTS):
        language = ESPEAK_LANGUAGES[index % len(ESPEAK_LANGUAGES)]
        assert len(espeak.speak("Hello, my friend.", f"{language}+{variant}").pcm) > SAMPLE_RATE_HZ // 2


def test_anybody_is_the_same_for_the_same_seed():
    once, again = (anybody(np.random.default_rng(3))("Hello.") for _ in range(2))
    assert [phone.name for phone in once.phones] == [phone.name for phone in again.phones]
    assert abs(len(once.pcm) - len(again.pcm)) < 0.05 * len(again.pcm)  # espeak-ng is not quite itself twice


def test_a_voice_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no voice nobody-at-all"):
        espeak.speak("Hello.", "nobody-at-all")
