r"""A small recurrent network that looks at a whole word at once, beside the n-gram of `letter_to_sound.py`.

Two bidirectional GRU layers (Cho et al. 2014) give, for each letter of a word, the probabilities of the pairs of letter
and phones that `letter_to_sound.py` has aligned. The n-gram knows which pairs follow each other, the network sees both
ends of the word, which decide on stress and on vowels; the server's search adds their log probabilities.

    python -m english.letter_network --held-out --out /tmp/network.bin     # without the twentieth kept for evaluation
    node english/evaluate.mjs /tmp/held-out.bin /tmp/network.bin           # after `npm run build`
    python -m english.letter_network --out ../models/english/letter-network.bin
    python -m english.letter_network --out ../models/english/letter-network.bin \
        --golden ../test/fixtures/letter-network.json
"""

import argparse
import json
import math
import random
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .letter_to_sound import Config as NgramConfig
from .letter_to_sound import held_out, load_words, pair_words

LETTERS = "abcdefghijklmnopqrstuvwxyz"
Example = tuple[list[int], list[int]]  # letters and pairs of a word


@dataclass(frozen=True)
class Config:
    """`width`: units of a layer in one direction; `batch`: letters of a step, words of one length together."""

    width: int = 128
    embedding: int = 64
    dropout: float = 0.25
    epochs: int = 24
    batch: int = 1536
    rate: float = 4e-3
    seed: int = 1


class LetterNetwork(nn.Module):
    """Letters int64[B, L] to log probabilities float32[B, L, pairs]; pairs of other letters have -inf."""

    def __init__(self, config: Config, letter_of_pair: list[int]) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(LETTERS), config.embedding)
        self.lower = nn.GRU(config.embedding, config.width, batch_first=True, bidirectional=True)
        self.upper = nn.GRU(2 * config.width, config.width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(2 * config.width, len(letter_of_pair))
        mask = torch.full((len(LETTERS), len(letter_of_pair)), -math.inf)
        for pair, letter in enumerate(letter_of_pair):
            mask[letter, pair] = 0
        self.register_buffer("mask", mask)

    def forward(self, letters: Tensor) -> Tensor:
        x = self.dropout(self.embed(letters))
        x = self.dropout(self.lower(x)[0])
        x = self.dropout(self.upper(x)[0])
        return (self.out(x) + self.mask[letters]).log_softmax(-1)


def make_batches(words: list[Example], size: int, shuffle: random.Random) -> list[tuple[Tensor, Tensor]]:
    by_length = defaultdict(list)
    for letters, pairs in words:
        by_length[len(letters)].append((letters, pairs))
    batches = []
    for length, group in by_length.items():
        shuffle.shuffle(group)
        step = max(1, size // length)
        for i in range(0, len(group), step):
            part = group[i : i + step]
            batches.append((torch.tensor([w for w, _ in part]), torch.tensor([p for _, p in part])))
    shuffle.shuffle(batches)
    return batches


def exact(network: LetterNetwork, words: list[Example]) -> float:
    """Share of words whose likeliest pairs are all right."""
    network.eval()
    right = 0
    with torch.no_grad():
        for letters, pairs in make_batches(words, 8192, random.Random(0)):
            right += int((network(letters).argmax(-1) == pairs).all(-1).sum())
    return right / len(words)


def write(path: Path, network: LetterNetwork, names: list[str]) -> None:
    """Write the weights, zlib-compressed.

    uint32 little-endian length of the JSON header {pairs, tensors: [{name, shape}]}; the header, padded with spaces to
    a multiple of 4; then each tensor: float32 scale of every row, then int8 values, padded to a multiple of 4.
    """
    tensors = {name: value.detach().float().numpy() for name, value in network.named_parameters()}
    # The letters come in as rows of the first layer: its input weights times the embedding.
    for direction in ("", "_reverse"):
        weight = tensors.pop(f"lower.weight_ih_l0{direction}")
        tensors[f"lower.letters{direction}"] = tensors["embed.weight"] @ weight.T
    del tensors["embed.weight"]
    shaped = {name: np.atleast_2d(value) for name, value in sorted(tensors.items())}
    header = json.dumps({
        "pairs": names,
        "tensors": [{"name": name, "shape": list(value.shape)} for name, value in shaped.items()],
    }).encode()
    header += b" " * (-len(header) % 4)
    parts = [np.uint32(len(header)).tobytes(), header]
    for value in shaped.values():
        scale = np.maximum(np.abs(value).max(axis=1, keepdims=True), 1e-9) / 127
        whole = np.round(value / scale).astype(np.int8).tobytes()
        parts += [scale.astype("<f4").tobytes(), whole, b"\0" * (-len(whole) % 4)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zlib.compress(b"".join(parts), 9))


def restore(path: Path, network: LetterNetwork) -> None:
    """Take over weights that `write` has rounded; a factor of the letters' product becomes the embedding."""
    content = zlib.decompress(path.read_bytes())
    length = int(np.frombuffer(content, "<u4", 1)[0])
    at = 4 + length
    state = {}
    for tensor in json.loads(content[4 : 4 + length])["tensors"]:
        rows, columns = tensor["shape"]
        scale = np.frombuffer(content, "<f4", rows, at).reshape(rows, 1)
        whole = np.frombuffer(content, np.int8, rows * columns, at + 4 * rows).reshape(rows, columns)
        state[tensor["name"]] = torch.from_numpy(whole * scale)
        at += 4 * rows + rows * columns + -rows * columns % 4
    forward, backward = state.pop("lower.letters"), state.pop("lower.letters_reverse")
    u, size, v = torch.linalg.svd(torch.cat([forward, backward], dim=1), full_matrices=False)
    embedding = torch.zeros_like(network.embed.weight)
    weight = torch.zeros(len(forward.T) + len(backward.T), embedding.shape[1])
    embedding[:, : len(size)], weight[:, : len(size)] = u * size.sqrt(), v.T * size.sqrt()
    state |= {"embed.weight": embedding, "mask": network.mask}
    state["lower.weight_ih_l0"], state["lower.weight_ih_l0_reverse"] = weight.chunk(2)
    expected = network.state_dict()
    network.load_state_dict({name: value.reshape(expected[name].shape) for name, value in state.items()})


def write_golden(path: Path, network: LetterNetwork, names: list[str]) -> None:
    """Write the likeliest pair of each letter of a few words with its log probability, for the server to find."""
    network.eval()
    golden = {}
    for word in ("a", "blorging", "nguyen", "xylophonist", "pneumonoultramicroscopicsilico"):
        with torch.no_grad():
            scores, best = network(torch.tensor([[LETTERS.index(letter) for letter in word]]))[0].max(-1)
        golden[word] = [[names[int(pair)], round(float(score), 5)] for pair, score in zip(best, scores, strict=True)]
    path.write_text(json.dumps(golden, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true", help="train without the words kept for evaluation")
    parser.add_argument("--anneal", type=Path, help="go on from this file with a falling rate")
    parser.add_argument("--epochs", type=int, default=Config.epochs)
    parser.add_argument("--width", type=int, default=Config.width)
    parser.add_argument("--rate", type=float, default=Config.rate, help="the highest one")
    parser.add_argument("--golden", type=Path, help="train nothing: write what --out gives for a few words")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    config = Config(epochs=options.epochs, width=options.width, rate=options.rate)
    if options.golden:
        content = zlib.decompress(options.out.read_bytes())
        names = json.loads(content[4 : 4 + int(np.frombuffer(content, "<u4", 1)[0])])["pairs"]
        network = LetterNetwork(config, [LETTERS.index(name[0]) for name in names])
        restore(options.out, network)
        write_golden(options.golden, network, names)
        return
    torch.set_num_threads(options.threads)
    torch.manual_seed(config.seed)
    shuffle = random.Random(config.seed)

    words = [(w, p) for w, p in load_words().items() if not (options.held_out and held_out(w))]
    names, sentences = pair_words(words, NgramConfig())
    pairs = names[2:]
    letter_of_pair = [LETTERS.index(letter) for letter, _ in pairs]
    examples = [([letter_of_pair[p - 2] for p in s[1:-1]], [p - 2 for p in s[1:-1]]) for s in sentences]
    # A sliver of the training words tells how it goes; it decides nothing.
    shuffle.shuffle(examples)
    watched, examples = examples[:2000], examples[2000:]
    network = LetterNetwork(config, letter_of_pair)
    if options.anneal:
        restore(options.anneal, network)
        print(f"exact {exact(network, watched):.3f} before", flush=True)
    weights = sum(p.numel() for p in network.parameters())
    print(f"{len(examples)} words, {len(pairs)} pairs, {weights} weights", flush=True)

    steps = config.epochs * len(make_batches(examples, config.batch, shuffle))
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=0.01)
    warm_up = 0.02 if options.anneal else 0.1
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.rate, total_steps=steps, pct_start=warm_up)
    begun = time.monotonic()
    for epoch in range(config.epochs):
        network.train()
        total = 0.0
        batches = make_batches(examples, config.batch, shuffle)
        for letters, target in batches[: steps - epoch * len(batches)]:
            loss = -network(letters).gather(-1, target.unsqueeze(-1)).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        seen, unseen = exact(network, examples[:2000]), exact(network, watched)
        print(
            f"epoch {epoch + 1}: loss {total / len(batches):.4f}, exact {seen:.3f} seen, {unseen:.3f} unseen, "
            f"{time.monotonic() - begun:.0f} s",
            flush=True,
        )
        write(options.out, network, [f"{letter} {' '.join(phones)}".strip() for letter, phones in pairs])
    print(f"{options.out.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
