"""Makes the motion data: clips of teacher speech between silences, with the motion that goes with them.

    cd training && python -m motion.data --sentences sentences.txt --out ../../data/motion --hours 4

Several voices of flite and espeak-ng (and each faster, slower, higher, lower by resampling), gains of ±10 dB, noise
from none to 35 dB below speech, speech that is cut in the middle of a word (a Stop button), minutes of plain
silence, and starts from every state: at rest, in the middle of idle motion, and in an odd pose that somebody left
behind.
"""

import argparse
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch

from common.speech import PAUSE, SAMPLE_RATE_HZ, Phone
from motion.model import FRAME_SAMPLES, HISTORY_FRAMES, LOOKAHEAD_SAMPLES, PAST_FRAMES, MelPower
from motion.space import HIGH, LOW
from motion.teacher import Segment, perform, shown
from motion.voices import Speak, anybody

HELD_OUT = 200  # the last sentences are for evaluation
CONVERSATION = (
    "Hello!", "Hi there, nice to meet you.", "How can I help you today?", "Maybe. Let me think about it.", "Hi.",
    "Please, by all means, bump my bump.", "Good morning, how are you?", "I am fine, thank you very much.", "Oh, wow!",
    "Five funny, fluffy foxes live by the river.", "Put the paper map back, please.", "Why would you want to do this?",
    "She sells sea shells by the sea shore.", "Yes.", "No, I do not believe so.", "We were away a year ago.",
    "Bob became a baby boomer by mistake.", "Mom and Pop may move to Memphis.", "Thank you, goodbye!",
)  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """Sound and motion on one clock; `pcm` int16, the rest one row a video frame. `weight` 0 marks frames not to
    learn.
    """

    pcm: np.ndarray
    segments: list[Segment]
    channels: np.ndarray
    dice: np.ndarray
    weight: np.ndarray


def segments_of(phones: tuple[Phone, ...], stretch: float = 1.0, offset: float = 0.0) -> list[Segment]:
    """Phones with start times, stretched and moved, seconds."""
    ends = [p.end * stretch + offset for p in phones]
    return [Segment(p.name, start, end) for p, start, end in zip(phones, [offset, *ends[:-1]], ends, strict=True)]


def resample(pcm: np.ndarray, stretch: float) -> np.ndarray:
    """Plays float[n] `stretch` times as long, with the pitch lower by as much."""
    at = np.arange(int(len(pcm) * stretch)) / stretch
    return np.interp(at, np.arange(len(pcm)), pcm)


def make_clip(sentences: list[str], seed: int, *, plain: Speak | None = None) -> Clip:
    """One clip that says the sentences; none gives half a minute of silence. plain: who says them as they are, for
    evaluation; otherwise anybody says them, somehow changed.
    """
    rng = np.random.default_rng(seed)
    silence = lambda low, high: np.zeros(int(rng.uniform(low, high) * SAMPLE_RATE_HZ))  # noqa: E731
    speak = plain or anybody(rng)
    stretch = 1.0 if plain else float(rng.uniform(0.9, 1.12))
    sound, segments = [silence(0.2, 4.0) if sentences else silence(20, 40)], []
    for sentence in sentences:
        speech = speak(sentence)
        offset = sum(map(len, sound)) / SAMPLE_RATE_HZ
        wave, said = resample(speech.pcm.astype(np.float64), stretch), segments_of(speech.phones, stretch, offset)
        if not plain and rng.random() < 0.15:
            cut = int(len(wave) * rng.uniform(0.2, 0.9))
            wave = wave[:cut]
            wave[-160:] *= np.linspace(1, 0, 160)
            stop = offset + cut / SAMPLE_RATE_HZ
            said = [Segment(s.name, s.start, min(s.end, stop)) for s in said if s.start < stop]
        segments += said
        gap = silence(0.05, 0.6) if rng.random() < 0.5 else silence(0.6, 3.5)
        segments.append(Segment(PAUSE, segments[-1].end, segments[-1].end + len(gap) / SAMPLE_RATE_HZ))
        sound += [wave, gap]
    pcm = np.concatenate(sound)
    frames = len(pcm) // FRAME_SAMPLES
    clean = pcm[: frames * FRAME_SAMPLES].astype(np.int16)

    start, odds = None, rng.random()
    if odds < 0.3:
        start = np.zeros(len(LOW), np.float32)
    elif odds < 0.55 and not plain:
        start = (rng.uniform(LOW, HIGH) * (rng.random(len(LOW)) < 0.4) * rng.uniform(0.2, 0.8)).astype(np.float32)
    motion = perform(segments, clean, frames, rng, start=start)
    channels, weight = motion.channels, np.ones(frames, np.float32)
    if start is None:
        weight[:HISTORY_FRAMES] = 0
    else:
        channels = np.concatenate([np.broadcast_to(start, (HISTORY_FRAMES, len(LOW))), channels]).astype(np.float32)
        weight = np.concatenate([np.zeros(HISTORY_FRAMES, np.float32), weight])
    dice = np.pad(motion.dice, ((len(channels) - frames, 0), (0, 0)))
    lead = (len(channels) - frames) * FRAME_SAMPLES
    segments = [Segment(s.name, s.start + lead / SAMPLE_RATE_HZ, s.end + lead / SAMPLE_RATE_HZ) for s in segments]
    pcm = np.pad(clean, (lead, 0)).astype(np.float64)
    if not plain:
        pcm *= 10 ** (rng.uniform(-10, 8) / 20)
        if rng.random() < 0.5:
            noise = rng.normal(size=len(pcm))
            noise = noise if rng.random() < 0.5 else np.convolve(noise, np.ones(12) / np.sqrt(12), mode="same")
            pcm += noise * 32768 * 10 ** (rng.uniform(-75, -50) / 20)
    return Clip(np.clip(pcm, -32768, 32767).astype(np.int16), segments, channels, dice, weight)


def mel_power(pcm: np.ndarray) -> np.ndarray:
    """float32[4 × frames + 42, 40]: mel power of a clip, padded so that frame i's window is rows 4 i … 4 i + 41."""
    lead, tail = PAST_FRAMES * FRAME_SAMPLES, LOOKAHEAD_SAMPLES + FRAME_SAMPLES
    padded = torch.tensor(np.pad(pcm, (lead, tail)), dtype=torch.float32)[None] / 32768
    with torch.no_grad():
        return MelPower()(padded)[0].T.numpy()


def _finished(job: tuple[list[str], int]) -> dict[str, np.ndarray]:
    torch.set_num_threads(1)
    clip = make_clip(*job)
    power = mel_power(clip.pcm)
    return {
        "mel": np.log(power + 1e-12).astype(np.float16),
        "target": clip.channels,
        "history": shown(clip.channels).astype(np.float32),
        "dice": clip.dice.astype(np.float32),
        "weight": clip.weight,
    }


def jobs(sentences: list[str], hours: float, seed: int) -> list[tuple[list[str], int]]:
    """Which sentences each clip says: one clip in seven is silence, the others say one to three."""
    rng = np.random.default_rng(seed)
    out: list[tuple[list[str], int]] = []
    while len(out) < hours * 3600 / 20:  # a clip takes about 20 s
        silent = rng.random() < 0.15
        said = [] if silent else [str(s) for s in rng.choice(sentences, rng.integers(1, 4))]
        out.append((said, int(rng.integers(1 << 31))))
    return out


def build(path: Path, todo: list[tuple[list[str], int]], processes: int) -> None:
    """Makes all clips and stores them end to end in one .npz; `first` and `frames` say where each begins and how long
    it is.
    """
    with Pool(processes) as pool:
        clips = list(pool.imap(_finished, todo, chunksize=4))
    frames = np.array([len(c["target"]) for c in clips])
    rows = np.array([len(c["mel"]) for c in clips])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        frames=frames,
        first=np.cumsum(frames) - frames,
        first_mel=np.cumsum(rows) - rows,
        **{key: np.concatenate([c[key] for c in clips]) for key in clips[0]},
    )
    print(f"{path}: {len(clips)} clips, {frames.sum() / 25 / 3600:.2f} hours")


def split(path: Path) -> tuple[list[str], list[str]]:
    """Sentences for training (with the conversational lines several times) and for evaluation, one sentence a line."""
    lines = [line.strip() for line in path.read_text().splitlines() if 20 < len(line) < 180]
    return lines[:-HELD_OUT] + list(CONVERSATION) * (len(lines) // 200), lines[-HELD_OUT:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=Path, required=True, help="text file, one sentence a line")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    training, held_out = split(arguments.sentences)
    build(arguments.out / "train.npz", jobs(training, arguments.hours, arguments.seed), arguments.processes)
    build(arguments.out / "valid.npz", jobs(held_out, 0.2, arguments.seed + 1), arguments.processes)


if __name__ == "__main__":
    main()
