"""Measures a trained voice on sentences that it has never seen, beside its teacher on the same sentences.

    python -m voice.evaluate --data DATA --run RUN [--sentences 300] [--processes 2] [--previous ../models/voices/rms]

Prints the figures beside those of the previous export, as its manifest has them. Writes `evaluation.json`,
`spectrograms.png` and a few WAV files to RUN. Needs flite and Debian's `pocketsphinx` and `pocketsphinx-en-us`.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from functools import reduce
from multiprocessing import Pool
from operator import add
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import torch
from PIL import Image

from common.checkpoint import read_checkpoint
from common.flite import speak_all
from common.speech import Speech, write_wav
from common.text import END, START, Dictionary, Words, load_dictionary, normalize, pronounce, sequence, spell, to_ids
from voice.data import HOP, SAMPLE_RATE_HZ, WINDOW_PAD, teacher_lexicon
from voice.labels import Label, label, with_stress
from voice.measures import compare, harmonics_to_noise_db
from voice.model import Voice, VoiceConfig
from voice.pitch import contour
from voice.source import excite
from voice.spelling import DIGITS, held_out_lines, spelled_words

TEMPO_FILE = "tempo.json"
DRAWN = 10  # sentences on the spectrogram sheet
INSERTION = "1e-4"  # so likely is another sign: without it PocketSphinx hears vowels of letters as letters
FRAME_MS = 1000 * HOP / SAMPLE_RATE_HZ


def load_voice(run: Path) -> tuple[Voice, dict]:
    """The averaged voice of a run's checkpoint, as fast as `voice.tempo` found, and its progress.

    Raises FileNotFoundError without a checkpoint.
    """
    checkpoint = read_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"no checkpoint in {run}")
    voice = Voice(VoiceConfig())
    voice.load_state_dict(checkpoint["parts"]["ema"]["model"])
    if (run / TEMPO_FILE).exists():
        voice.duration_scale = json.loads((run / TEMPO_FILE).read_text())["durationScale"]
    return voice.eval(), checkpoint["progress"]


def server_symbols(words: Words, dictionary: Dictionary, lexicon: dict[str, list[str]]) -> list[str]:
    """What the server sends for a sentence; words outside the dictionary are said as the teacher does."""
    missing = {word: tuple(with_stress(lexicon[word], None)) for word, _ in words if word not in dictionary}
    spoken = pronounce(words, dictionary | missing)
    assert spoken is not None
    return sequence(words, spoken)


def hear(pcm: np.ndarray, options: tuple[str, ...] = ()) -> list[str]:
    """The words that PocketSphinx hears in int16 PCM at 16 kHz, by default of all that it knows."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        # it misses words that start at once
        silence = np.zeros(SAMPLE_RATE_HZ // 5, np.int16)
        write_wav(Path(file.name), np.concatenate([silence, pcm, silence]))
        command = ["pocketsphinx_continuous", "-infile", file.name, "-logfn", "/dev/null", *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def hear_spelled(pcm: np.ndarray) -> list[str]:
    """The letters ("b.") and digits ("two") that PocketSphinx hears when it expects nothing else."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsgf") as file:
        # of the names that its dictionary has, "a" is the article and "a." the letter
        signs = " | ".join(["a.", *ascii_lowercase[1:], *DIGITS])
        file.write(f"#JSGF V1.0; grammar spelled; public <spelled> = ({signs})+;")
        file.flush()
        heard = hear(pcm, ("-jsgf", file.name, "-wip", INSERTION))
    return [f"{sign[0]}." if len(sign.rstrip(".")) == 1 else sign for sign in heard]


def word_errors(said: list[str], heard: list[str]) -> int:
    """Substitutions, insertions and deletions that turn what was said into what was heard."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


def word_error_rate(
    sentences: list[Words],
    sounds: Iterable[np.ndarray],
    processes: int,
    listener: Callable[[np.ndarray], list[str]] = hear,
) -> tuple[float, list[str]]:
    """Share of misheard words over all sentences, and what was heard of each."""
    with Pool(processes) as pool:
        heard = pool.map(listener, sounds, chunksize=1)
    errors = sum(word_errors([w for w, _ in words], h) for words, h in zip(sentences, heard, strict=True))
    return errors / sum(map(len, sentences)), [" ".join(h) for h in heard]


def synthesize(symbols: list[str], voice: Voice, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Speak symbols: int16 PCM and the frames of each symbol."""
    generator = torch.Generator().manual_seed(seed)
    audio, frames = voice.speak(torch.tensor([to_ids(symbols)]), generator=generator)
    return to_pcm(audio.numpy()), frames.numpy()


def to_pcm(audio: np.ndarray) -> np.ndarray:
    """float -1…1 → int16."""
    return (audio.clip(-1, 1) * 32767).astype(np.int16)


@torch.no_grad()
def copy_synthesis(voice: Voice, pcm: np.ndarray) -> tuple[np.ndarray, float]:
    """Teacher audio through the posterior encoder and the decoder: int16 PCM and the mel L1 distance to the teacher."""
    pcm = pcm[: len(pcm) // HOP * HOP]
    context = (WINDOW_PAD, WINDOW_PAD)
    real = torch.from_numpy(np.pad(pcm.astype(np.float32) / 32768, context))[None]
    z, _ = voice.posterior(voice.spectrograms.linear(real), None)
    hertz, voiced = contour(pcm / 32768)
    source = excite(
        torch.from_numpy(np.log(hertz).astype(np.float32))[None],
        torch.from_numpy(voiced.astype(np.float32))[None],
        torch.zeros(1, dtype=torch.float64),
        torch.randn(1, len(pcm), generator=torch.Generator().manual_seed(0)),
    )
    made = voice.decoder(z, source)[:, 0]
    mel = voice.spectrograms.mel
    distance = (mel(torch.nn.functional.pad(made, context)) - mel(real)).abs().mean()
    return to_pcm(made[0].numpy()), float(distance)


def duration_error(labels: list[Label], voice: Voice) -> dict[str, float]:
    """Predicted against the teacher's durations, for the teacher's own symbols: phone by phone and whole sentences."""
    phone_errors, sentence_errors = [], []
    for found in labels:
        _, frames = synthesize(found.symbols, voice)
        # boundaries have no length in the teacher: give their frames to the symbol before
        wanted = np.rint(found.ends) - np.rint(found.starts)
        spoken = np.array([s.isalnum() for s in found.symbols])
        phone_errors.append(np.abs(frames - wanted)[spoken])
        inner = np.array([s not in (START, END) for s in found.symbols])
        sentence_errors.append(abs(frames[inner].sum() / wanted[inner].sum() - 1))
    return {
        "phoneDurationErrorMs": round(float(np.concatenate(phone_errors).mean()) * FRAME_MS, 1),
        "sentenceDurationError": round(float(np.mean(sentence_errors)), 4),
    }


def spelling_errors(voice: Voice, teacher_voice: str, processes: int) -> tuple[dict[str, float], list[str]]:
    """Share of misheard letters and digits where nothing else is said, of voice and teacher; and what was heard."""
    dictionary = load_dictionary()
    lines = [spelled_words(line) for line in held_out_lines()]
    texts = [spell(words) for words in lines]
    sounds = {
        "voice": [synthesize(server_symbols(words, dictionary, {}), voice)[0] for words in lines],
        "teacher": [speech.pcm for speech in speak_all(texts, teacher_voice, processes)],
    }
    rates, heard = {}, {}
    for who, said in sounds.items():
        rates[who], heard[who] = word_error_rate(lines, said, processes, hear_spelled)
    return (
        {
            "spellingErrorRate": round(rates["voice"], 4),
            "teacherSpellingErrorRate": round(rates["teacher"], 4),
        },
        [f"{t}\n    {h}\n    teacher: {o}" for t, h, o in zip(texts, heard["voice"], heard["teacher"], strict=True)],
    )


def picture(pcm: np.ndarray, width: int = 1400) -> np.ndarray:
    """Grey spectrogram uint8[256, width], 0 to 8 kHz upwards, 80 dB from black to white, 200 pixels a second."""
    window = np.hanning(512)
    padded = np.pad(pcm.astype(np.float64) / 32768, 256)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 512)[::80][:width]
    level = 20 * np.log10(np.abs(np.fft.rfft(frames * window))[:, :256] + 1e-5)
    grey = np.zeros((256, width))
    grey[:, : len(level)] = ((level.T[::-1] + 50) / 80).clip(0, 1) * 255
    return grey.astype(np.uint8)


def sheet(rows: list[np.ndarray], path: Path) -> None:
    """Draw spectrograms of these sounds below each other."""
    gap = np.full((6, 1400), 255, np.uint8)
    Image.fromarray(np.concatenate([part for row in rows for part in (picture(row), gap)])).save(path)


def evaluate(data: Path, run: Path, count: int, processes: int) -> dict:
    """All figures of one run; writes them and the sheet to the run's folder."""
    voice, progress = load_voice(run)
    dictionary = load_dictionary()
    teacher_voice = json.loads((data / "report.json").read_text())["voice"]
    sentences = [normalize(text) or [] for text in json.loads((data / "held-out.json").read_text())][:count]
    lexicon = teacher_lexicon(sorted({word for words in sentences for word, _ in words}), teacher_voice, processes)
    texts = [spell(words) for words in sentences]
    teacher: list[Speech] = list(speak_all(texts, teacher_voice, processes))
    labels = [
        label(words, speech.phones, lexicon, dictionary) for words, speech in zip(sentences, teacher, strict=True)
    ]

    torch.set_num_threads(1)
    made = [synthesize(server_symbols(words, dictionary, lexicon), voice)[0] for words in sentences]
    teacher_rate = _teacher_rate(data, sentences, teacher, processes)
    rate, heard = word_error_rate(sentences, made, processes)
    with Pool(processes) as pool:
        compared = pool.starmap(compare, [(a, b.pcm) for a, b in zip(made, teacher, strict=True)], chunksize=4)
        noise = pool.map(harmonics_to_noise_db, [*made, *(speech.pcm for speech in teacher)], chunksize=4)
    spelling, spelled = spelling_errors(voice, teacher_voice, processes)
    copies = [copy_synthesis(voice, speech.pcm) for speech in teacher[:20]]
    figures = {
        "step": progress["step"],
        "sentences": len(sentences),
        "wordErrorRate": round(rate, 4),
        "teacherWordErrorRate": round(teacher_rate, 4),
        **reduce(add, compared).figures(),
        **spelling,
        "harmonicsToNoiseDb": round(float(np.nanmean(noise[: len(made)])), 1),
        "teacherHarmonicsToNoiseDb": round(float(np.nanmean(noise[len(made) :])), 1),
        "copySynthesisMelL1": round(float(np.mean([distance for _, distance in copies])), 4),
        **duration_error([found for found in labels if found is not None][:20], voice),
    }
    (run / "evaluation.json").write_text(json.dumps(figures, indent=1))
    (run / "heard.txt").write_text("\n".join(f"{t}\n    {h}" for t, h in zip(texts, heard, strict=True)))
    (run / "heard-spelled.txt").write_text("\n".join(spelled))
    for i in range(DRAWN):
        write_wav(run / f"sample-{i}.wav", made[i])
    rows = [sound for i in range(DRAWN) for sound in (teacher[i].pcm, copies[i][0], made[i])]
    sheet(rows, run / "spectrograms.png")
    return figures


def comparison(figures: dict, previous: dict) -> str:
    """A line a figure: its name, now, and of the previous export where that has it."""
    width = max(map(len, figures))
    lines = [f"{'':{width}}  {'now':>8}  {'previous':>8}"] if previous else []
    for name, value in figures.items():
        before = previous.get(name, "-") if previous else ""
        lines.append(f"{name:{width}}  {value:>8}  {before:>8}".rstrip())
    return "\n".join(lines)


def _teacher_rate(data: Path, sentences: list[Words], teacher: list[Speech], processes: int) -> float:
    stored = data / f"teacher-{len(sentences)}.json"
    if not stored.exists():
        rate, _ = word_error_rate(sentences, [speech.pcm for speech in teacher], processes)
        stored.write_text(json.dumps(rate))
    return json.loads(stored.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder made by voice.data")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=300)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--previous", type=Path, help="folder of an exported voice to compare with")
    args = parser.parse_args()
    # read first: whoever exports into that folder meanwhile must not become the previous one
    previous = json.loads((args.previous / "manifest.json").read_text())["evaluation"] if args.previous else {}
    print(comparison(evaluate(args.data, args.run, args.sentences, args.processes), previous))


if __name__ == "__main__":
    main()
