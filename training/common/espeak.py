"""What `espeak-ng` says for a text, with the phones it really spoke: its library, by way of C (Debian: libespeak-ng1).

It speaks in hundreds of voices, made of formants: far from flite's, and far from people's.
"""

import ctypes
from functools import cache

import numpy as np
import scipy.signal

from common.speech import PAUSE, SAMPLE_RATE_HZ, Phone, Speech

RATE_HZ = 22_050
SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
PHONEME_EVENTS = 1  # espeakINITIALIZE_PHONEME_EVENTS
UTF8 = 1
WORDS_PER_MINUTE, PITCH = 1, 3  # espeak_PARAMETER
END, PHONEME = 0, 7  # espeak_EVENT_TYPE

# espeak-ng's names of English phonemes: flite's, several where it has one for what flite has several
PHONES: dict[str, tuple[str, ...]] = {
    "p": ("p",), "b": ("b",), "m": ("m",), "f": ("f",), "v": ("v",), "T": ("th",), "D": ("dh",), "t": ("t",),
    "d": ("d",), "t2": ("t",), "t#": ("d",), "n": ("n",), "n-": ("n",), "s": ("s",), "z": ("z",), "S": ("sh",),
    "Z": ("zh",), "tS": ("ch",), "dZ": ("jh",), "k": ("k",), "g": ("g",), "x": ("k",), "N": ("ng",), "h": ("hh",),
    "l": ("l",), "l#": ("l",), "r": ("r",), "r-": ("r",), "w": ("w",), "w#": ("w",), "j": ("y",), ";": ("y",),
    "?": (), "a": ("ae",), "aa": ("ae",), "a#": ("ax",), "A:": ("aa",), "0": ("aa",), "0#": ("aa",), "V": ("ah",),
    "E": ("eh",), "E2": ("eh",), "I": ("ih",), "I2": ("ih",), "I#": ("ih",), "i": ("iy",), "i:": ("iy",),
    "U": ("uh",), "u": ("uw",), "u:": ("uw",), "O:": ("ao",), "O": ("ao",), "O2": ("ao",), "@": ("ax",),
    "@2": ("ax",), "@5": ("ax",), "@-": ("ax",), "3": ("er",), "3:": ("er",), "VR": ("er",), "IR": ("er",),
    "@L": ("ax", "l"), "eI": ("ey",), "aI": ("ay",), "aI2": ("ay",), "OI": ("oy",), "aU": ("aw",), "oU": ("ow",),
    "A@": ("aa", "r"), "O@": ("ao", "r"), "o@": ("ao", "r"), "e@": ("eh", "r"), "i@": ("iy", "ax"),
    "i@3": ("ih", "r"), "U@": ("uh", "r"), "aI@": ("ay", "ax"), "aI3": ("ay", "er"), "aU@": ("aw", "er"),
}  # fmt: skip


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Synthesizer:
    """The library, which is one a process and remembers its voice."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        if self.library.espeak_Initialize(SYNCHRONOUS, 0, None, PHONEME_EVENTS) != RATE_HZ:
            raise OSError("espeak-ng does not start; Debian's packages are libespeak-ng1 and espeak-ng-data")
        self.callback = _Callback(self.take)  # the library keeps no reference
        self.library.espeak_SetSynthCallback(self.callback)
        self.sound: list[bytes] = []
        self.starts: list[tuple[int, str]] = []

    def take(self, wave, samples: int, events) -> int:
        if wave and samples:
            self.sound.append(ctypes.string_at(wave, 2 * samples))
        index = 0
        while events[index].type != END:
            if events[index].type == PHONEME:
                self.starts.append((events[index].sample, events[index].id.string.decode()))
            index += 1
        return 0

    def speak(
        self, text: str, voice: str, pitch: int, words_per_minute: int
    ) -> tuple[np.ndarray, list[tuple[int, str]]]:
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")
        self.library.espeak_SetParameter(PITCH, pitch, 0)
        self.library.espeak_SetParameter(WORDS_PER_MINUTE, words_per_minute, 0)
        self.sound, self.starts = [], []
        said = text.encode()
        self.library.espeak_Synth(said, len(said) + 1, 0, 1, 0, UTF8, None, None)
        return np.frombuffer(b"".join(self.sound), dtype="<i2"), self.starts


@cache
def _synthesizer() -> _Synthesizer:
    return _Synthesizer()


def speak(text: str, voice: str = "en-us", pitch: int = 50, words_per_minute: int = 170) -> Speech:
    """Speak one text. voice: language and variant, `en-us+f3`; pitch 0…99.

    Raises ValueError when there is no such voice, or a phoneme that no English voice has; OSError when the library
    is missing.
    """
    wave, starts = _synthesizer().speak(text, voice, pitch, words_per_minute)
    phones: list[Phone] = []
    ends = [sample for sample, _ in starts[1:]] + [len(wave)]
    last = starts[0][0] if starts else 0
    if last > 0:
        phones.append(Phone(PAUSE, last / RATE_HZ))
    for (_, name), end in zip(starts, ends, strict=True):
        if not name.startswith("_") and name not in PHONES:
            raise ValueError(f"{voice} says a phoneme {name!r}, which PHONES lacks, in {text!r}")
        names = (PAUSE,) if name.startswith("_") else PHONES[name]
        for index, part in enumerate(names, 1):
            phones.append(Phone(part, (last + (end - last) * index / len(names)) / RATE_HZ))
        last = end if names else last  # what has no shape of its own belongs to the next
    if not phones:
        raise ValueError(f"nothing spoken for {text!r}")
    pcm = scipy.signal.resample_poly(wave.astype(np.float64), SAMPLE_RATE_HZ // 50, RATE_HZ // 50)
    return Speech(np.clip(np.round(pcm), -32768, 32767).astype(np.int16), tuple(phones))
