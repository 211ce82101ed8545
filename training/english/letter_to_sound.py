"""Letter-to-sound rules learnt from the CMU dictionary: a joint n-gram of letters and phones (Bisani & Ney 2008).

Each letter is paired with the 0 to 2 phones it stands for (hard EM), and the pairs of a word are one sentence of an
n-gram model with interpolated Kneser-Ney smoothing, pruned by what each n-gram adds to the likelihood. The server
searches for the likeliest pairs. Half a minute on one core.

    python -m english.letter_to_sound --held-out --out /tmp/held-out.bin    # without the twentieth kept for evaluation
    node english/evaluate.mjs /tmp/held-out.bin                             # after `npm run build`
    python -m english.letter_to_sound --out ../models/english/letter-to-sound.bin
"""

import argparse
import json
import math
import re
import time
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DICTIONARY = Path(__file__).parents[2] / "node_modules/cmu-pronouncing-dictionary/index.js"
BEGIN, STOP = "<", ">"
HELD_OUT_SHARE = 20  # one word in so many
LOG_STEP = 1 / 16  # resolution of stored log probabilities (natural log)
MAX_CHUNK = 2  # phones that one letter may stand for
SPELLED = re.compile(r"[aeiouy]")

Pair = tuple[str, tuple[str, ...]]
Gram = tuple[int, ...]


@dataclass(frozen=True)
class Config:
    """`order`: longest n-gram in pairs; `keep`: n-grams that stay after pruning, about 2.5 bytes of the file each."""

    order: int = 7
    keep: int = 560_000
    iterations: int = 5
    align_words: int = 30_000


def held_out(word: str) -> bool:
    """Whether a word is kept for evaluation; the evaluation in TypeScript has the same rule."""
    return zlib.crc32(word.encode()) % HELD_OUT_SHARE == 0


def load_words() -> dict[str, list[str]]:
    """Words of plain letters with their first pronunciation; abbreviations without a vowel letter are left out."""
    entries = re.findall(r'^\s*"([a-z]+)": "([A-Z0-9 ]+)"', DICTIONARY.read_text(encoding="utf-8"), re.MULTILINE)
    return {w: p.split() for w, p in entries if SPELLED.search(w) and len(w) > 1 and len(p.split()) <= 2 * len(w)}


class Aligner:
    """Pairs letters with phones: probability of a chunk of stressless phones given its letter, by hard EM."""

    def __init__(self, words: list[tuple[str, list[str]]]) -> None:
        together: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for word, phones in words:
            for i, letter in enumerate(word):
                centre = i * len(phones) / len(word)
                for j, phone in enumerate(phones):
                    together[letter, (_bare(phone),)] += math.exp(-abs(j - centre))
        self.cost: dict[tuple[str, tuple[str, ...]], float] = {}
        self._set(together)
        for letter in "abcdefghijklmnopqrstuvwxyz":
            self.cost[letter, ()] = 3.0

    def _set(self, counts: Counter) -> None:
        totals: Counter[str] = Counter()
        for (letter, _), n in counts.items():
            totals[letter] += n
        self.cost = {key: -math.log(n / totals[key[0]]) for key, n in counts.items()}

    def fit(self, words: list[tuple[str, list[str]]], iterations: int) -> None:
        for _ in range(iterations):
            counts: Counter = Counter()
            for word, phones in words:
                for letter, chunk in self.align(word, phones) or ():
                    counts[letter, tuple(_bare(p) for p in chunk)] += 1
            self._set(counts)

    def align(self, word: str, phones: list[str]) -> list[Pair] | None:
        """The likeliest pairs, or None when the letters are too few."""
        bare = [_bare(p) for p in phones]
        best = {0: (0.0, None)}
        path = [best]
        for letter in word:
            following: dict[int, tuple[float, int | None]] = {}
            for j, (cost, _) in best.items():
                for size in range(min(MAX_CHUNK, len(bare) - j) + 1):
                    chunk = tuple(bare[j : j + size])
                    step = self.cost.get((letter, chunk), 9.0 + 4.0 * size)
                    if cost + step < following.get(j + size, (math.inf, None))[0]:
                        following[j + size] = (cost + step, j)
            best = following
            path.append(best)
        at = len(bare)
        if at not in best:
            return None
        pairs: list[Pair] = []
        for i in range(len(word), 0, -1):
            before = path[i][at][1]
            assert before is not None
            pairs.append((word[i - 1], tuple(phones[before:at])))
            at = before
        return pairs[::-1]


def count_grams(sentences: list[Gram], order: int) -> list[Counter[Gram]]:
    """Counts by length; index 0 is empty."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order + 1)]
    for sentence in sentences:
        for n in range(1, order + 1):
            counts[n].update(sentence[i : i + n] for i in range(len(sentence) - n + 1))
    return counts


def kneser_ney(counts: list[Counter[Gram]], order: int) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """Interpolated modified Kneser-Ney (Chen & Goodman 1998): natural log probabilities and log back-off weights."""
    adjusted = [counter.copy() for counter in counts]
    for n in range(1, order):
        lower: Counter[Gram] = Counter()
        for gram in counts[n + 1]:
            lower[gram[1:]] += 1
        # An n-gram at the beginning of a word has nothing before it: its own count stands.
        adjusted[n] = Counter({g: c if g[0] == 0 else lower[g] for g, c in counts[n].items()})
    probability: dict[Gram, float] = {}
    weight: dict[Gram, float] = {}
    for n in range(1, order + 1):
        counter = adjusted[n]
        of = Counter(counter.values())
        y = of[1] / (of[1] + 2 * of[2])
        discounts = (0.0, 1 - 2 * y * of[2] / of[1], 2 - 3 * y * of[3] / of[2], 3 - 4 * y * of[4] / of[3])
        total: Counter[Gram] = Counter()
        freed: defaultdict[Gram, float] = defaultdict(float)
        for gram, c in counter.items():
            if gram == (0,):
                continue
            total[gram[:-1]] += c
            freed[gram[:-1]] += discounts[min(c, 3)]
        for gram, c in counter.items():
            context = gram[:-1]
            if gram == (0,):
                probability[gram] = -99.0
                continue
            share = (c - discounts[min(c, 3)]) / total[context]
            below = math.exp(probability[gram[1:]]) if n > 1 else 1 / len(counter)
            probability[gram] = math.log(share + freed[context] / total[context] * below)
        for context, mass in freed.items():
            if context:
                weight[context] = math.log(mass / total[context])
    return probability, weight


def prune(
    counts: list[Counter[Gram]], probability: dict[Gram, float], weight: dict[Gram, float], config: Config
) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """Keep the n-grams that add most to the likelihood (Seymore & Rosenfeld 1996) and renormalize the weights."""
    gain = {}
    for gram, p in probability.items():
        if len(gram) > 1:
            c = counts[len(gram)][gram]
            gain[gram] = c * (p - (weight.get(gram[:-1], 0.0) + probability[gram[1:]]))
    threshold = sorted(gain.values(), reverse=True)[: config.keep][-1]
    kept = {gram for gram in probability if len(gram) == 1 or gain[gram] >= threshold}
    # A trie needs the beginning of each n-gram, and the search walks from short histories to long ones.
    for n in range(config.order, 1, -1):
        kept |= {part for gram in kept if len(gram) == n for part in (gram[:-1], gram[1:])}
    left = {gram: probability[gram] for gram in kept}

    def backed_off(gram: Gram) -> float:
        total = 0.0
        while gram not in left:
            total += weights.get(gram[:-1], 0.0)
            gram = gram[1:]
        return total + left[gram]

    children = defaultdict(list)
    for gram in kept:
        if len(gram) > 1:
            children[gram[:-1]].append(gram)
    weights: dict[Gram, float] = {}
    for context in sorted(children, key=len):
        seen = sum(math.exp(left[g]) for g in children[context])
        below = sum(math.exp(backed_off(g[1:])) for g in children[context])
        weights[context] = math.log(max(1 - seen, 1e-4) / max(1 - below, 1e-4))
    return left, weights


def write(path: Path, pairs: list[Pair | str], probability: dict[Gram, float], weight: dict[Gram, float]) -> None:
    """Write the trie, level by level, zlib-compressed.

    uint32 little-endian length of the JSON header {pairs, levels}; the header, padded with spaces to a multiple of 4;
    then for each level its nodes in order of their parent and pair, as four arrays: uint16 pair, uint16 number of
    children, uint8 probability, uint8 back-off weight. Log probabilities are -1/16 a step, weights (byte - 192) / 16.
    """
    levels: list[list[Gram]] = [[] for _ in range(max(map(len, probability)))]
    for gram in sorted(probability):
        levels[len(gram) - 1].append(gram)
    children = Counter(gram[:-1] for gram in probability if len(gram) > 1)
    header = json.dumps({
        "pairs": [p if isinstance(p, str) else f"{p[0]} {' '.join(p[1])}".strip() for p in pairs],
        "levels": [len(level) for level in levels],
    }).encode()
    header += b" " * (-len(header) % 4)
    parts = [np.uint32(len(header)).tobytes(), header]
    for level in levels:
        log = np.array([probability[g] for g in level])
        back = np.array([weight.get(g, 0.0) for g in level])
        parts += [
            np.array([g[-1] for g in level], "<u2").tobytes(),
            np.array([children[g] for g in level], "<u2").tobytes(),
            np.clip(np.round(-log / LOG_STEP), 0, 255).astype(np.uint8).tobytes(),
            np.clip(np.round(back / LOG_STEP) + 192, 0, 255).astype(np.uint8).tobytes(),
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zlib.compress(b"".join(parts), 9))


def pair_words(words: list[tuple[str, list[str]]], config: Config) -> tuple[list[Pair | str], list[Gram]]:
    """Names of the pairs, and each word that can be aligned as indices of them between `BEGIN` and `STOP`."""
    sample = words[:: max(1, len(words) // config.align_words)]
    aligner = Aligner(sample)
    aligner.fit(sample, config.iterations)
    aligned = [pairs for word, phones in words if (pairs := aligner.align(word, phones))]
    used = Counter(pair for pairs in aligned for pair in pairs)
    # Pairs seen once or twice are slips of the alignment or words that no rule covers.
    names: list[Pair | str] = [BEGIN, STOP, *sorted(pair for pair, n in used.items() if n > 2)]
    index = {pair: i for i, pair in enumerate(names)}
    return names, [(0, *(index[p] for p in s), 1) for s in aligned if all(p in index for p in s)]


def _bare(phone: str) -> str:
    return phone.rstrip("012")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true", help="train without the words kept for evaluation")
    parser.add_argument("--order", type=int, default=Config.order)
    parser.add_argument("--keep", type=int, default=Config.keep)
    options = parser.parse_args()
    config = Config(order=options.order, keep=options.keep)

    begun = time.monotonic()
    words = [(w, p) for w, p in load_words().items() if not (options.held_out and held_out(w))]
    names, sentences = pair_words(words, config)
    print(f"{len(words)} words, {len(sentences)} aligned, {len(names)} pairs", flush=True)

    counts = count_grams(sentences, config.order)
    probability, weight = kneser_ney(counts, config.order)
    print(f"{len(probability)} n-grams", flush=True)
    probability, weight = prune(counts, probability, weight, config)
    write(options.out, names, probability, weight)
    print(f"{len(probability)} kept, {options.out.stat().st_size} bytes, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
