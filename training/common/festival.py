"""What `festival` says for a text, with its phones (Debian: festival, and a voice such as festvox-kdlpc16k).

A voice joined of recorded diphones: for evaluation, as somebody whom training never heard.
"""

import subprocess
import tempfile
from pathlib import Path

from common.speech import Phone, Speech, read_wav


def speak(text: str, voice: str = "ked_diphone") -> Speech:
    """Speak one text with a voice of American English at 16 kHz, whose phones have flite's names.

    Raises ValueError when nothing was spoken, CalledProcessError when festival fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        sound, segments, script = (Path(folder, name) for name in ("speech.wav", "segments", "speak.scm"))
        quoted = text.replace("\\", "").replace('"', "")
        script.write_text(
            f'(voice_{voice}) (set! said (utt.synth (Utterance Text "{quoted}")))\n'
            f'(utt.save.wave said "{sound}" \'riff) (utt.save.segs said "{segments}")\n'
        )
        subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True)
        lines = segments.read_text().partition("#")[2].split("\n")
        phones = tuple(Phone(name, float(end)) for end, _, name in (line.split() for line in lines if line.strip()))
        if not phones:
            raise ValueError(f"nothing spoken for {text!r}")
        return Speech(read_wav(sound), phones)
