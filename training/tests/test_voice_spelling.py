"""Lines in which letters are spelled."""

from string import ascii_lowercase

from common.text import load_dictionary, spell
from voice.spelling import held_out_lines, spelled_lines, spelled_words

LETTERS = {f"{letter}." for letter in ascii_lowercase}


def test_a_capital_alone_is_the_name_of_a_letter_and_keeps_its_mark() -> None:
    assert spelled_words("It is Zoe: Z, O, E.") == [
        *[("it", ""), ("is", ""), ("zoe", ",")],
        *[("z.", ","), ("o.", ","), ("e.", ".")],
    ]


def test_the_teacher_never_takes_the_letter_a_for_the_article() -> None:
    assert spell(spelled_words("Gate A is a gate, not B.")) == "gate ay is a gate, not B."


def test_every_letter_is_heard_often_alone_first_last_and_between_others() -> None:
    alone, first, last, inner = set(), set(), set(), set()
    for line in spelled_lines():
        said = [word for word, _ in spelled_words(line)]
        for before, word, after in zip(["", *said], said, [*said[1:], ""], strict=False):
            if word in LETTERS:
                where = {(False, False): alone, (False, True): first, (True, False): last, (True, True): inner}
                where[before in LETTERS, after in LETTERS].add(word)

    assert alone == first == last == inner == LETTERS


def test_training_never_spells_what_is_held_out() -> None:
    def letters(line: str) -> str:
        return " " + " ".join(word for word, _ in spelled_words(line)) + " "

    trained = "".join(map(letters, spelled_lines()))

    assert len(set(held_out_lines())) == 120
    assert not [line for line in held_out_lines() if letters(line) in trained]


def test_the_dictionary_has_the_names_of_all_letters() -> None:
    dictionary = load_dictionary()

    assert set(dictionary) >= LETTERS
    assert dictionary["a."] == ("EY1",)
