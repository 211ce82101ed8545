"""Teacher speech: sound, and the phones that were really spoken, whoever spoke them."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SAMPLE_RATE_HZ = 16_000
PAUSE = "pau"


@dataclass(frozen=True)
class Phone:
    """A spoken phone: flite's name (lower-case ARPAbet, `ax` the schwa, `pau` a pause) and its end in seconds."""

    name: str
    end: float


@dataclass(frozen=True)
class Speech:
    """An utterance: `pcm` int16[samples] mono at 16 kHz, and its phones in order, silence at both ends included."""

    pcm: np.ndarray
    phones: tuple[Phone, ...]


def read_wav(path: str | Path) -> np.ndarray:
    """PCM int16[samples] of a WAV file. Raises ValueError when it is not at 16 kHz."""
    with wave.open(str(path), "rb") as sound:
        rate, pcm = sound.getframerate(), np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    if rate != SAMPLE_RATE_HZ:
        raise ValueError(f"{path} is at {rate} Hz, not {SAMPLE_RATE_HZ}")
    return pcm


def write_wav(path: Path, pcm: np.ndarray) -> None:
    """Write int16 mono PCM at 16 kHz as a WAV file."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes(np.ascontiguousarray(pcm, dtype="<i2").tobytes())
