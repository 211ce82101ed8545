"""Exports a voice in the format of Piper's voices: one ONNX file with everything in it, and what stands beside it.

    python -m voice.piper --run RUN --data DATA --out FOLDER

Writes `NAME.onnx` and `NAME.onnx.json` (Piper), `tokens.txt` and `lexicon.txt` (sherpa-onnx, which then needs no
espeak-ng). The inputs are Piper's: `input` int64[1, P], `input_lengths` int64[1], `scales` float32[3] of noise,
length and noise of durations; the output is float32[1, 1, samples]. Noise is drawn in the graph.

Piper's symbols are the characters of the International Phonetic Alphabet that espeak-ng writes, with blanks between
them; the voice knows ARPAbet. The graph reads two characters as one sound where that is meant (`a ɪ`: AY) and leaves
out what makes no sound of its own, which lasts 0 frames.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from common.golden import run_onnx
from common.half import round_to_half, store_as_half
from common.text import BOUNDARY, END, INDEX, PUNCTUATION, START, VOWELS, load_dictionary
from voice.data import HOP, SAMPLE_RATE_HZ
from voice.evaluate import load_voice
from voice.export import GAINS, OPSET, remove_weight_norm
from voice.fourier_tables import compute_tables
from voice.frame_prior import places
from voice.model import DURATION_NOISE_SCALE, NOISE_SCALE, Voice
from voice.source import excite

BLANK, FIRST, LAST = "_", "^", "$"
PRIMARY, SECONDARY = "ˈ", "ˌ"
# one character
SOUNDS = {
    **{"æ": "AE", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "ə": "AH", "ɐ": "AH", "ʌ": "AH", "ɛ": "EH", "e": "EH", "ɜ": "ER"},
    **{"ɚ": "ER", "ɝ": "ER", "ɪ": "IH", "ᵻ": "IH", "i": "IY", "ʊ": "UH", "u": "UW", "o": "OW", "a": "AA"},
    **{"b": "B", "d": "D", "ð": "DH", "f": "F", "ɡ": "G", "g": "G", "h": "HH", "k": "K", "l": "L", "m": "M", "n": "N"},
    **{"ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "s": "S", "ʃ": "SH", "t": "T", "ɾ": "T", "ʔ": "T", "θ": "TH", "v": "V"},
    **{"w": "W", "j": "Y", "z": "Z", "ʒ": "ZH", "x": "K", "ɬ": "L"},
    **{" ": BOUNDARY, ",": ",", ".": ".", "?": "?", "!": "!", ";": ",", ":": ","},
}
# two characters; the second of a pair never begins another one
PAIRS = {
    **{"aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "tʃ": "CH", "dʒ": "JH"},
    **{"iː": "IY", "uː": "UW", "ɑː": "AA", "ɔː": "AO", "ɜː": "ER", "oː": "AO"},
}
SILENT = [PRIMARY, SECONDARY, "ː", "̩", "̃", "ˑ", "-", "'", '"', "(", ")"]
CHARACTERS = [BLANK, FIRST, LAST, *SOUNDS, *SILENT]
# from ARPAbet, for the lexicon
SPELLINGS = {
    **{"AA": "ɑː", "AE": "æ", "AH": "ʌ", "AO": "ɔː", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɜː", "EY": "eɪ"},
    **{"IH": "ɪ", "IY": "iː", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "uː", "CH": "tʃ", "DH": "ð", "G": "ɡ"},
    **{"HH": "h", "JH": "dʒ", "NG": "ŋ", "R": "ɹ", "SH": "ʃ", "TH": "θ", "Y": "j", "ZH": "ʒ"},
}


def characters_of(phone: str) -> list[str]:
    """An ARPAbet symbol in the alphabet of the file: `AY1` → ˈ a ɪ."""
    bare, stress = phone.rstrip("012"), phone[-1]
    mark = {"1": [PRIMARY], "2": [SECONDARY]}.get(stress, [])
    return [*mark, *SPELLINGS.get(bare, bare.lower())]


class Reader(nn.Module):
    """Characters int64[1, P] → symbols of the voice int64[1, N] with both ends, the character of each int64[N], and
    which symbol each character is: int64[P], 0 for those that make no sound; symbol 0 is the beginning."""

    def __init__(self):
        super().__init__()
        size = len(CHARACTERS)
        single, pair = torch.zeros(size, dtype=torch.long), torch.zeros(size * size, dtype=torch.long)
        vowel, stress = torch.zeros(len(INDEX), dtype=torch.long), torch.zeros(size, dtype=torch.long)
        mute = torch.zeros(len(INDEX), dtype=torch.long)  # a boundary before these is none
        index = {character: i for i, character in enumerate(CHARACTERS)}

        def symbol(name: str) -> int:
            return INDEX[f"{name}0" if name in VOWELS else name]

        for character, name in SOUNDS.items():
            single[index[character]] = symbol(name)
        for (first, second), name in PAIRS.items():
            pair[index[first] * size + index[second]] = symbol(name)
        for name in VOWELS:
            vowel[INDEX[f"{name}0"]] = 1
        stress[index[PRIMARY]], stress[index[SECONDARY]] = 1, 2
        for name in (*PUNCTUATION, BOUNDARY):
            mute[INDEX[name]] = 1
        mute[0] = 1  # the end
        self.size = size
        for name, table in {"single": single, "pair": pair, "vowel": vowel, "stress": stress, "mute": mute}.items():
            self.register_buffer(name, table, persistent=False)

    def forward(self, characters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        given = characters[0]
        at = torch.nonzero(given > 2)[:, 0]  # neither blank nor end
        said = given[at]
        nothing = torch.zeros_like(said[:1])
        after = torch.cat([said[1:], nothing])
        before = torch.cat([nothing, said[:-1]])
        together = self.pair[said * self.size + after]
        begins = (together > 0).long()
        follows = torch.cat([nothing, begins[:-1]])
        symbol = torch.where(together > 0, together, self.single[said]) * (1 - follows)
        symbol = symbol + self.vowel[symbol] * self.stress[before]
        next_symbol = torch.cat([self.single[said][1:], nothing])
        spare = (symbol == INDEX[BOUNDARY]).long() * self.mute[next_symbol]
        kept = torch.nonzero(symbol * (1 - spare))[:, 0]
        ends = torch.full_like(characters[:, :1], INDEX[START]), torch.full_like(characters[:, :1], INDEX[END])
        symbols = torch.cat([ends[0], symbol[kept][None], ends[1]], dim=1)
        place = torch.zeros_like(given).scatter(0, at[kept], torch.arange(1, kept.shape[0] + 1))
        # the first and the last character stand for the ends
        character = torch.cat([nothing, at[kept], nothing + given.shape[0] - 1])
        return symbols, character, torch.cat([place[:-1], place[-1:] * 0 + symbols.shape[1] - 1])


class PiperGraph(nn.Module):
    """The whole voice from characters to sound; see the module."""

    def __init__(self, voice: Voice, gain: float):
        super().__init__()
        self.voice, self.gain, self.reader, self.lines = voice, gain, Reader(), Lines()

    def forward(self, characters: torch.Tensor, lengths: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
        voice = self.voice
        given = characters[:, : lengths[0]]
        symbols, character, place = self.reader(given)
        hidden, _, _ = voice.text(symbols, None)
        # as many columns as characters, which is what programs expect that put their own noise in its place
        noise = torch.randn_like(given[:, None].expand(-1, 2, -1).float())[:, :, character] * scales[2]
        length = voice.log_durations(hidden, noise).exp() * scales[1]  # [1, 1, N]
        # the first character stands for the beginning
        spoken = torch.cat([torch.ones_like(place[:1]), (place[1:] > 0).long()]).float()
        frames = torch.ceil(length[:, :, place] * spoken)  # [1, 1, P]
        ends = frames[0, 0].cumsum(0)
        time = torch.arange(ends[-1].long(), device=ends.device)
        path = (time[:, None] >= ends[None]).long().sum(1)[None]  # [1, T], of characters
        of_frames = hidden[:, :, place[path[0]]]
        mean, log_scale, log_pitch, voiced = voice.prior(of_frames, places(frames[0], path), None)
        drawn = mean + torch.randn_like(mean) * log_scale.exp() * scales[0]
        latent = voice.flow.inverse(drawn, None)
        start = torch.zeros(1, dtype=torch.float64)
        breath = torch.randn_like(self.lines(log_pitch))
        source = excite(log_pitch, (voiced > 0).float(), start, breath, self.lines)
        return (voice.decoder(latent, source) * self.gain).clamp(-1, 1)


class Lines(nn.Module):
    """`voice.source.per_sample` as a transposed convolution, which programs that run the graph piece by piece know:
    each frame is a triangle that reaches to its neighbours' centres."""

    def __init__(self):
        super().__init__()
        distance = (torch.arange(2 * HOP) + 0.5 - HOP).abs() / HOP
        self.register_buffer("triangle", (1 - distance)[None, None], persistent=False)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        level = nn.functional.pad(frames[:, None], (1, 1), mode="replicate")
        return nn.functional.conv_transpose1d(level, self.triangle, stride=HOP, padding=HOP + HOP // 2)[:, 0]


def configuration(name: str) -> dict:
    """The `.onnx.json` of the voice."""
    return {
        "audio": {"sample_rate": SAMPLE_RATE_HZ, "quality": "low"},
        "dataset": name,
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US", "family": "en", "region": "US", "name_native": "English"},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {character: [i] for i, character in enumerate(CHARACTERS)},
        "num_symbols": len(CHARACTERS),
        "num_speakers": 1,
        "speaker_id_map": {},
        "inference": {"noise_scale": NOISE_SCALE, "length_scale": 1, "noise_w": DURATION_NOISE_SCALE},
    }


def add_metadata(path: Path) -> None:
    """What sherpa-onnx reads: a voice of Piper, whose words are in a lexicon."""
    model = onnx.load(path)
    wanted = {
        "model_type": "vits",
        "comment": "piper",
        "language": "English",
        "n_speakers": "1",
        "sample_rate": str(SAMPLE_RATE_HZ),
        "add_blank": "1",
        "blank_id": "0",
        "punctuation": " ".join(PUNCTUATION),
    }
    for key, value in wanted.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, path)


def write_lexicon(folder: Path) -> None:
    """`tokens.txt`: a character and its id a line. `lexicon.txt`: words of the CMU dictionary in these characters."""
    lines = [f"{character} {i}" for i, character in enumerate(CHARACTERS)]
    (folder / "tokens.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = [
        f"{word} {' '.join(character for phone in phones for character in characters_of(phone))}"
        for word, phones in sorted(load_dictionary().items())
    ]
    (folder / "lexicon.txt").write_text("\n".join(words) + "\n", encoding="utf-8")


def write_graph(graph: PiperGraph, path: Path) -> None:
    """Write the ONNX file. Raises ValueError when onnxruntime's sound has another length or loudness than PyTorch's."""
    index = {character: i for i, character in enumerate(CHARACTERS)}
    said = [index[c] for c in "həlˈoʊ ðˈɛɹ, aɪ æm hˈɪɹ."]
    ids = torch.tensor([[1, *(i for c in said for i in (0, c)), 0, 2]])
    inputs = (ids, torch.tensor([ids.shape[1]]), torch.tensor([0.0, 1.0, 0.0]))
    names = ["input", "input_lengths", "scales"]
    torch.onnx.export(
        graph,
        inputs,
        str(path),
        input_names=names,
        output_names=["output"],
        dynamic_axes={"input": {0: "batch", 1: "phonemes"}, "input_lengths": {0: "batch"}, "output": {2: "time"}},
        opset_version=OPSET,
        dynamo=False,
    )
    store_as_half(path)
    compute_tables(path)
    add_metadata(path)
    wanted = graph(*inputs).numpy()
    made = run_onnx(path, {name: x.numpy() for name, x in zip(names, inputs, strict=True)})["output"]
    loudness = [float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))) for sound in (wanted, made)]
    # breath is drawn anew by each
    if made.shape != wanted.shape or abs(loudness[1] / loudness[0] - 1) > 0.05:
        raise ValueError(f"expected {wanted.shape} of loudness {loudness[0]:.4f}, got {made.shape}, {loudness[1]:.4f}")


def export(run: Path, data: Path, out: Path) -> dict:
    """Write all files."""
    voice, _ = load_voice(run)
    remove_weight_norm(voice)
    round_to_half(voice)
    voice.requires_grad_(False)
    name = json.loads((data / "report.json").read_text())["voice"]
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.onnx"
    write_graph(PiperGraph(voice, GAINS[name]).eval(), path)
    (out / f"{name}.onnx.json").write_text(json.dumps(configuration(name), indent=1, ensure_ascii=False) + "\n")
    write_lexicon(out)
    return {"file": str(path), "bytes": path.stat().st_size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder made by voice.data")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    print(json.dumps(export(args.run, args.data, args.out), indent=1))


if __name__ == "__main__":
    main()
