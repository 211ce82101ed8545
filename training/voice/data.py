"""Makes the voice's training data: hours of teacher speech with labels, and draws batches from it.

    python -m voice.data --sentences SENTENCES.txt --out DATA [--count 4000] [--processes 4]

Writes one array each of samples, symbols and frame times, so that training holds everything in memory, and
`held-out.json`: the sentences that training never sees.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch

from common.flite import speak
from common.speech import PAUSE, Speech
from common.text import INDEX, Dictionary, Words, load_dictionary, normalize, spell
from voice.labels import Label, label
from voice.pitch import contour
from voice.spelling import spelled_lines, spelled_words

HOP = 256
SAMPLE_RATE_HZ = 16_000
WINDOW_PAD = 384  # (1024 - 256) / 2: context that centres frame t on its own hop
HELD_OUT = 300
CHAT_FILE = Path(__file__).with_name("chat.txt")
WORDS_PER_CALL = 40


@dataclass
class Batch:
    """One training batch. B utterances, P symbols of the longest, N symbols and T frames of the longest window.

    phonemes int64[B, P], lengths int64[B]: the whole utterances. Of each window: first symbol int64[B], symbols
    int64[B], frames int64[B], teacher_ends float32[B, N] in frames from the window's start, and audio
    float32[B, T*256 + 768] in -1…1 with 384 samples of context at both ends, log_pitch float32[B, T] (natural logarithm
    of Hz, drawn through where nothing is voiced) and voiced float32[B, T], 0 or 1. speaker int64[B]: who speaks.
    """

    phonemes: torch.Tensor
    lengths: torch.Tensor
    first: torch.Tensor
    symbols: torch.Tensor
    frames: torch.Tensor
    teacher_ends: torch.Tensor
    audio: torch.Tensor
    log_pitch: torch.Tensor
    voiced: torch.Tensor
    speaker: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(**{name: tensor.to(device) for name, tensor in vars(self).items()})


class Corpus:
    """The data of one folder; `draw` cuts windows of whole symbols anywhere, and takes short utterances whole."""

    def __init__(self, folder: Path, short_share: float = 0.12):
        self.pcm = np.load(folder / "pcm.npy", mmap_mode="r")
        table, pitch = np.load(folder / "labels.npz"), np.load(folder / "pitch.npz")
        self.log_pitch, self.voiced = pitch["log_pitch"], pitch["voiced"]
        self.ids, self.starts, self.ends = table["ids"], table["starts"], table["ends"]
        self.symbol_offsets, self.sample_offsets = table["symbol_offsets"], table["sample_offsets"]
        frames = np.diff(self.sample_offsets) // HOP
        self.short = np.flatnonzero(frames < 100)
        self.long = np.flatnonzero(frames >= 100)
        self.short_share = short_share if len(self.short) else 0.0

    def __len__(self) -> int:
        return len(self.symbol_offsets) - 1

    def draw(self, rng: np.random.Generator, size: int, window: int) -> Batch:
        """Draw a batch of windows of at most `window` frames."""
        return collate([self.example(rng, window) for _ in range(size)])

    def utterance(self, index: int, window: int = 1 << 30) -> tuple:
        """A whole utterance (or its beginning) as an example for `collate`."""
        return self._cut(index, 0, window)

    def example(self, rng: np.random.Generator, window: int) -> tuple:
        """A window of at most `window` frames for `collate`."""
        index = int(rng.choice(self.short if rng.random() < self.short_share else self.long))
        a, b = self.symbol_offsets[index : index + 2]
        starts, last = np.rint(self.starts[a:b]), np.rint(self.ends[b - 1])
        where = rng.random()
        if last <= window or where < 0.2:
            first = 0
        elif where < 0.4:
            first = int(np.searchsorted(starts, last - window))  # the window that reaches the end
        else:
            first = int(rng.integers(0, np.searchsorted(starts, last - window) + 1))
        return self._cut(index, first, window)

    def _cut(self, index: int, first: int, window: int) -> tuple:
        a, b = self.symbol_offsets[index : index + 2]
        start = round(float(self.starts[a + first]))
        ends = np.rint(self.ends[a + first : b]) - start
        symbols = int(np.searchsorted(ends, window, side="right"))
        frames = int(ends[symbols - 1])
        begin, end = self.sample_offsets[index : index + 2]
        left = begin + start * HOP - WINDOW_PAD
        right = left + frames * HOP + 2 * WINDOW_PAD
        audio = self.pcm[max(left, begin) : min(right, end)].astype(np.float32) / 32768
        audio = np.pad(audio, (max(0, begin - left), max(0, right - end)))
        span = slice(begin // HOP + start, begin // HOP + start + frames)
        return self.ids[a:b], first, symbols, frames, ends[:symbols], audio, self.log_pitch[span], self.voiced[span]


class Speakers:
    """The data of several speakers, who are equally often heard; they are numbered as they are given."""

    def __init__(self, corpora: list[Corpus]):
        self.corpora = corpora

    def draw(self, rng: np.random.Generator, size: int, window: int) -> Batch:
        """Draw a batch of windows of at most `window` frames."""
        drawn = [int(speaker) for speaker in rng.integers(0, len(self.corpora), size)]
        return collate([self.corpora[speaker].example(rng, window) for speaker in drawn], drawn)


def collate(examples: list[tuple], speakers: list[int] | None = None) -> Batch:
    """Pad examples of a `Corpus` into one batch, by default all of speaker 0."""

    def padded(rows: list[np.ndarray], dtype: torch.dtype) -> torch.Tensor:
        out = torch.zeros(len(rows), max(map(len, rows)), dtype=dtype)
        for target, row in zip(out, rows, strict=True):
            target[: len(row)] = torch.from_numpy(np.asarray(row))
        return out

    ids, first, symbols, frames, ends, audio, log_pitch, voiced = zip(*examples, strict=True)
    return Batch(
        phonemes=padded(ids, torch.long),
        lengths=torch.tensor([len(row) for row in ids]),
        first=torch.tensor(first),
        symbols=torch.tensor(symbols),
        frames=torch.tensor(frames),
        teacher_ends=padded(ends, torch.float32),
        audio=padded(audio, torch.float32),
        log_pitch=padded(log_pitch, torch.float32),
        voiced=padded(voiced, torch.float32),
        speaker=torch.tensor(speakers or [0] * len(examples)),
    )


def teacher_lexicon(words: list[str], voice: str, processes: int) -> dict[str, list[str]]:
    """How the teacher says each word alone, in its own phone names without pauses."""
    groups = [words[i : i + WORDS_PER_CALL] for i in range(0, len(words), WORDS_PER_CALL)]
    with Pool(processes) as pool:
        parts = pool.map(partial(_say_words, voice=voice), groups)
    return {word: phones for part in parts for word, phones in part.items()}


def _say_words(words: list[str], voice: str) -> dict[str, list[str]]:
    spoken: list[list[str]] = [[]]
    for phone in speak(spell([(word, ".") for word in words]), voice).phones:
        if phone.name != PAUSE:
            spoken[-1].append(phone.name)
        elif spoken[-1]:
            spoken.append([])
    spoken = [phones for phones in spoken if phones]
    if len(spoken) == len(words):
        return dict(zip(words, spoken, strict=True))
    if len(words) == 1:
        return {words[0]: [phone for part in spoken for phone in part]}
    return {w: p for word in words for w, p in _say_words([word], voice).items()}


@dataclass(frozen=True)
class Made:
    """One utterance: its label, int16[T*256] samples and the pitch of its T frames."""

    label: Label
    pcm: np.ndarray
    log_pitch: np.ndarray
    voiced: np.ndarray


def _make(words: Words, voice: str, lexicon: dict[str, list[str]], dictionary: Dictionary) -> Made | None:
    speech: Speech = speak(spell(words), voice)
    found = label(words, speech.phones, lexicon, dictionary)
    if found is None:
        return None
    frames = max(34, round(found.ends[-1]))  # the decoder trains on segments of 32
    begin = round(found.begin * SAMPLE_RATE_HZ)
    pcm = speech.pcm[begin : begin + frames * HOP]
    found.ends[-1] = float(frames)
    pcm = np.pad(pcm, (0, frames * HOP - len(pcm)))
    hertz, voiced = contour(pcm / 32768)
    return Made(found, pcm, np.log(hertz).astype(np.float32), voiced)


def split(lines: list[str], seed: int = 0) -> tuple[list[Words], list[Words]]:
    """Shuffle the sentences that the front end understands: (training, the last 300 held out)."""
    sentences = [words for line in lines if (words := normalize(line))]
    random.Random(seed).shuffle(sentences)
    return sentences[:-HELD_OUT], sentences[-HELD_OUT:]


def make(sentences: list[str], out: Path, count: int, single_words: int, voice: str, processes: int) -> dict:
    """Speak, label and store; gives the counts that belong into the log."""
    dictionary = load_dictionary()
    training, held_out = split(sentences)
    vocabulary = Counter(word for words in training for word, _ in words)
    rng = random.Random(1)
    chat = [words for line in CHAT_FILE.read_text().splitlines() if (words := normalize(line))]
    frequent = [word for word, _ in vocabulary.most_common(single_words) if word in dictionary and len(word) > 1]
    texts = training[:count] + chat + [[(word, rng.choice(".?!.,"))] for word in frequent]
    texts += [spelled_words(line) for line in spelled_lines()]
    lexicon = teacher_lexicon(sorted({word for words in texts for word, _ in words}), voice, processes)

    out.mkdir(parents=True, exist_ok=True)
    ids, starts, ends, symbol_offsets, sample_offsets, all_made = [], [], [], [0], [0], []
    spoken_words = differing = 0
    for words, made in zip(texts, _make_all(texts, voice, lexicon, dictionary, processes), strict=True):
        if made is None:
            continue
        found = made.label
        ids += [INDEX[symbol] for symbol in found.symbols]
        starts += found.starts
        ends += found.ends
        all_made.append(made)
        symbol_offsets.append(len(ids))
        sample_offsets.append(sample_offsets[-1] + len(made.pcm))
        spoken_words += len(words)
        differing += found.differing_words
    np.save(out / "pcm.npy", np.concatenate([made.pcm for made in all_made]))
    np.savez(
        out / "pitch.npz",
        log_pitch=np.concatenate([made.log_pitch for made in all_made]),
        voiced=np.concatenate([made.voiced for made in all_made]),
    )
    np.savez(
        out / "labels.npz",
        ids=np.array(ids, np.int16),
        starts=np.array(starts, np.float32),
        ends=np.array(ends, np.float32),
        symbol_offsets=np.array(symbol_offsets),
        sample_offsets=np.array(sample_offsets),
    )
    (out / "held-out.json").write_text(json.dumps([spell(words) for words in held_out], indent=1))
    report = {
        "voice": voice,
        "utterances": len(all_made),
        "rejected": len(texts) - len(all_made),
        "hours": round(sample_offsets[-1] / SAMPLE_RATE_HZ / 3600, 2),
        "words": spoken_words,
        "words said otherwise than the dictionary": round(differing / spoken_words, 4),
    }
    (out / "report.json").write_text(json.dumps(report, indent=1))
    return report


def _make_all(
    texts: list[Words], voice: str, lexicon: dict[str, list[str]], dictionary: Dictionary, processes: int
) -> Iterator[Made | None]:
    with Pool(processes, _share, (voice, lexicon, dictionary)) as pool:
        yield from pool.imap(_make_shared, texts, chunksize=8)


_shared: tuple = ()


def _share(*values: object) -> None:
    global _shared  # sent once to each process instead of with every sentence
    _shared = values


def _make_shared(words: Words) -> Made | None:
    return _make(words, *_shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=Path, required=True, help="text file, one sentence a line")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000, help="sentences to speak")
    parser.add_argument("--single-words", type=int, default=800, help="frequent words spoken alone")
    parser.add_argument("--voice", default="rms")
    parser.add_argument("--processes", type=int, default=4)
    args = parser.parse_args()
    lines = args.sentences.read_text(encoding="utf-8").splitlines()
    print(json.dumps(make(lines, args.out, args.count, args.single_words, args.voice, args.processes), indent=1))


if __name__ == "__main__":
    main()
