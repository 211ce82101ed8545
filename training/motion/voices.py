"""Who speaks: the voices that training hears, and one that it never hears."""

from collections.abc import Callable

import numpy as np

from common import espeak, festival, flite
from common.speech import Speech

Speak = Callable[[str], Speech]

FLITE = ("rms", "rms", "slt", "awb", "kal16")
ESPEAK_LANGUAGES = ("en-us", "en-us", "en-gb-x-rp", "en-gb-scotland")
ESPEAK_VARIANTS = (
    "m1", "m2", "m3", "m4", "m5", "m7", "m8", "f1", "f2", "f3", "f4", "klatt", "klatt2", "klatt3", "klatt4", "Michael",
    "Annie", "Denis", "Andrea", "steph", "linda", "edward", "whisper",
)  # fmt: skip
ESPEAK_SHARE = 0.1  # formants are far from people: .4 blurred the lips of the shipped voice (see dev/LOG.md)

own: Speak = flite.speak  # rms, as the shipped voice
stranger: Speak = festival.speak  # kd, joined of recorded diphones; never in training


def formants(text: str) -> Speech:
    """espeak-ng in its plainest voice, whose variants are in training."""
    return espeak.speak(text)


def anybody(rng: np.random.Generator) -> Speak:
    """One of the voices that training hears, at a pitch and pace of its own where it has such."""
    if rng.random() >= ESPEAK_SHARE:
        voice = str(rng.choice(FLITE))
        return lambda text: flite.speak(text, voice)
    voice = f"{rng.choice(ESPEAK_LANGUAGES)}+{rng.choice(ESPEAK_VARIANTS)}"
    pitch, pace = int(rng.integers(25, 75)), int(rng.integers(130, 210))
    return lambda text: espeak.speak(text, voice, pitch, pace)
