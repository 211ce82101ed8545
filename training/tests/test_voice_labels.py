"""English text and the labels that the teacher's phones get."""

import numpy as np
import pytest

from common.speech import Phone
from common.text import NPM_DICTIONARY, load_dictionary, normalize, pronounce, sequence, to_ids
from voice.labels import align, label, with_stress

DICTIONARY = {
    "hello": ("HH", "AH0", "L", "OW1"),
    "the": ("DH", "AH0"),
    "apple": ("AE1", "P", "AH0", "L"),
    "a": ("AH0",),
    "pear": ("P", "EH1", "R"),
}


def test_normalize_gives_words_with_their_marks() -> None:
    assert normalize('Hello -- the "apple"; a pear?') == [
        ("hello", ","),
        ("the", ""),
        ("apple", ","),
        ("a", ""),
        ("pear", "?"),
    ]


def test_normalize_ends_with_a_mark_and_refuses_what_it_would_have_to_guess() -> None:
    assert normalize("The apple") == [("the", ""), ("apple", ".")]
    assert normalize("I paid 3 dollars.") is None
    assert normalize("The FBI came.") is None
    assert normalize("  ") is None


def test_sequence_has_one_boundary_between_two_words_and_marks_before_it() -> None:
    words = normalize("Hello, the apple.")
    spoken = pronounce(words, DICTIONARY)

    symbols = sequence(words, spoken)

    assert " ".join(symbols) == "^ HH AH0 L OW1 ,   DH IY0   AE1 P AH0 L . $"
    assert len(to_ids(symbols)) == len(symbols)


def test_the_before_a_consonant_has_a_schwa() -> None:
    assert pronounce(normalize("The pear."), DICTIONARY)[0] == ("DH", "AH0")
    assert pronounce(normalize("The unknownword."), DICTIONARY) is None


def test_align_gives_each_spoken_phone_an_expected_one() -> None:
    distance, owner = align(["hh", "ax", "l", "ow"], ["hh", "eh", "l", "l", "ow"])

    assert distance == 1.5
    assert owner[:2] == [0, 1]
    assert owner[-1] == 3


def test_stress_comes_from_the_dictionary_and_the_sound_from_the_teacher() -> None:
    assert with_stress(["ae", "p", "ih", "l"], DICTIONARY["apple"]) == ["AE1", "P", "IH0", "L"]
    assert with_stress(["b", "ax", "n", "aa", "n", "ax"], None) == ["B", "AH0", "N", "AA1", "N", "AH0"]


def test_label_gives_pauses_to_marks_and_keeps_a_fixed_silence_at_the_ends() -> None:
    words = normalize("Hello, a pear.")
    names = ["pau", "hh", "ax", "l", "ow", "pau", "ax", "p", "eh", "r", "pau"]
    phones = tuple(Phone(name, 0.2 + 0.1 * i) for i, name in enumerate(names))
    teacher = {"hello": ["hh", "ax", "l", "ow"], "a": ["ey"], "pear": ["p", "eh", "r"]}

    found = label(words, phones, teacher, DICTIONARY)

    assert found is not None
    assert " ".join(found.symbols) == "^ HH AH0 L OW1 ,   AH0   P EH1 R . $"
    assert found.ends[0] == pytest.approx(4)  # 64 ms
    comma = found.symbols.index(",")
    assert found.ends[comma] - found.starts[comma] == pytest.approx(6.25)
    assert found.starts[comma + 1] == found.ends[comma + 1]
    np.testing.assert_allclose(found.starts[1:], found.ends[:-1])


def test_label_refuses_phones_of_other_words() -> None:
    words = normalize("Hello.")
    phones = tuple(Phone(name, 0.1 * (i + 1)) for i, name in enumerate(["pau", "s", "t", "r", "iy", "t", "pau"]))

    assert label(words, phones, {"hello": ["hh", "ax", "l", "ow"]}, DICTIONARY) is None


def test_the_installed_dictionary_is_read() -> None:
    try:
        dictionary = load_dictionary()
    except FileNotFoundError:
        pytest.skip(f"{NPM_DICTIONARY} is not installed")

    assert len(dictionary) > 120_000
    assert dictionary["isn't"] == ("IH1", "Z", "AH0", "N", "T")
