"""The characters of a Piper voice are read as the symbols that the voice knows."""

import pytest
import torch

from common.text import SYMBOLS, load_dictionary
from voice.piper import CHARACTERS, PAIRS, Reader, characters_of


def read(text: str, blanks: bool) -> tuple[list[str], list[int]]:
    ids = [CHARACTERS.index(character) for character in text]
    ids = [0, *(i for c in ids for i in (c, 0))] if blanks else [1, *ids, 2]
    symbols, character, place = Reader()(torch.tensor([ids]))
    assert character.shape[0] == symbols.shape[1]
    assert sorted(set(place.tolist()) | {0}) == list(range(symbols.shape[1]))
    return [SYMBOLS[i] for i in symbols[0]], place.tolist()


@pytest.mark.parametrize("blanks", [False, True])
def test_two_characters_may_be_one_sound_and_stress_belongs_to_the_vowel(blanks: bool) -> None:
    symbols, _ = read("həlˈoʊ ðˈɛɹ, ɡˌʊd tʃˈiːz.", blanks)

    wanted = "^ HH AH0 L OW1 | DH EH1 R , | G UH2 D | CH IY1 Z . $".replace("|", " ").split()
    assert [symbol for symbol in symbols if symbol != " "] == wanted
    assert symbols.count(" ") == 3


def test_a_boundary_before_a_mark_or_the_end_is_none() -> None:
    symbols, _ = read("aɪ , aɪ . ", blanks=True)

    assert symbols == ["^", "AY0", ",", " ", "AY0", ".", "$"]


def test_each_sound_lasts_with_its_first_character() -> None:
    _, place = read("tʃˈiː", blanks=False)

    assert place == [0, 1, 0, 0, 2, 0, 3]


def test_the_second_of_a_pair_begins_no_other() -> None:
    assert not {second for _, second in PAIRS} & {first for first, _ in PAIRS}


def test_every_word_of_the_dictionary_is_read_back_as_it_was() -> None:
    words = list(load_dictionary().values())[::997]

    for phones in words:
        text = "".join(character for phone in phones for character in characters_of(phone))
        symbols, _ = read(text, blanks=True)
        assert symbols[1:-1] == list(phones)
