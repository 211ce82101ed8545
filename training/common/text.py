"""English text to the voice's symbols, the way the server does it: CMU dictionary, word boundaries, punctuation.

A phoneme sequence reads `^ HH AH0 L OW1 , " " DH EH1 R . $`: between two words always one boundary " ", and a
punctuation mark belongs to the end of the word before it.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

PAD, START, END, BOUNDARY = "_", "^", "$", " "
PUNCTUATION = (",", ".", "?", "!")
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N"),
    *("NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH"),
)
SYMBOLS = (PAD, START, END, BOUNDARY, *PUNCTUATION, *(v + s for v in VOWELS for s in "012"), *CONSONANTS)

ABBREVIATIONS = {
    "mr.": "mister",
    "mrs.": "missus",
    "dr.": "doctor",
    "messrs.": "messers",
    "col.": "colonel",
    "gen.": "general",
}
ENTRY = re.compile(r"""^\s*["']?([a-z][a-z'.-]*)["']?:?\s+["']?([A-Z][A-Z0-9 ]*?)["']?,?\s*$""", re.MULTILINE)
NPM_DICTIONARY = "node_modules/cmu-pronouncing-dictionary/index.js"

Dictionary = dict[str, tuple[str, ...]]
Words = list[tuple[str, str]]


@cache
def load_dictionary(path: Path | None = None) -> Dictionary:
    """The CMU dictionary, lower-case word → ARPAbet of its first entry.

    Reads cmudict's own format or the npm package `cmu-pronouncing-dictionary`, by default the one that the repository
    depends on. Raises FileNotFoundError when it is not installed and no path is given.
    """
    path = path or Path(__file__).parents[2] / NPM_DICTIONARY
    text = re.sub(r"[ \t]+", " ", path.read_text(encoding="utf-8"))
    return {word: tuple(phones.split()) for word, phones in ENTRY.findall(text)}


def normalize(text: str) -> Words | None:
    """Split a text into (lower-case word, punctuation after it or ""), the last word always with a mark.

    Gives None for what it will not guess at: digits, acronyms, abbreviations beyond the commonest, foreign letters.
    """
    text = re.sub(r"[\"\[\]]", "", _plain(text))
    text = re.sub(r"[()]|--+|\s-\s", ", ", text)
    text = re.sub(r"[;:]|\.\.\.", ",", text).replace("-", " ")
    words: Words = []
    for token in text.split():
        token = ABBREVIATIONS.get(token.lower(), token)
        match = re.fullmatch(r"'?([A-Za-z]+(?:'[A-Za-z]+)*)'?([,.?!']*)", token)
        if match is None:
            if words and re.fullmatch(r"[,.?!']+", token):
                words[-1] = (words[-1][0], words[-1][1] or token[0].replace("'", ""))
                continue
            return None
        word, marks = match[1], match[2].replace("'", "")
        if (len(word) > 1 and word.isupper()) or (len(word) == 1 and word not in "aAIO"):
            return None
        words.append((word.lower(), next((m for m in "?!.," if m in marks), "")))
    if not words:
        return None
    words[-1] = (words[-1][0], words[-1][1] or ".")
    return words


def spell(words: Words) -> str:
    """The plain text of normalized words, as the teacher reads it; "b." is the name of the letter b."""
    return " ".join(_written(word) + mark for word, mark in words)


def pronounce(words: Words, dictionary: Dictionary) -> list[tuple[str, ...]] | None:
    """Each word's ARPAbet as the server says it, or None when the dictionary lacks a word."""
    spoken = [dictionary.get(word) for word, _ in words]
    for i, (word, _) in enumerate(words):
        if word == "a":
            spoken[i] = ("AH0",)
        if word == "the":
            following = spoken[i + 1] if i + 1 < len(spoken) else None
            spoken[i] = ("DH", "IY0" if following and following[0][:2] in VOWELS else "AH0")
    return None if None in spoken else [s for s in spoken if s]


def sequence(words: Words, spoken: list[tuple[str, ...]]) -> list[str]:
    """The symbols sent to the voice: `^`, phonemes with boundaries and marks, `$`."""
    symbols = [START]
    for i, ((_, mark), phones) in enumerate(zip(words, spoken, strict=True)):
        symbols += ([BOUNDARY] if i else []) + [*phones] + ([mark] if mark else [])
    return [*symbols, END]


def to_ids(symbols: list[str]) -> list[int]:
    """Symbol indices; raises KeyError for a symbol the voice does not know."""
    return [INDEX[symbol] for symbol in symbols]


def _written(word: str) -> str:
    if word == "a.":
        return "ay"  # flite takes "A" before a word for the article
    return word[0].upper() if word == "i" or word[1:] == "." else word


def _plain(text: str) -> str:
    quotes = {"’": "'", "‘": "'", "“": '"', "”": '"', "—": ", ", "–": ", ", "…": ","}
    text = "".join(quotes.get(c, c) for c in text)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


INDEX = {symbol: i for i, symbol in enumerate(SYMBOLS)}
