"""Lines in which letters are spelled: names, initials, codes, addresses, single letters; each letter at every place.

A capital letter alone is the letter's name ("I" apart, which sounds the same), so the article "a" is never a capital.
"""

import random
from string import ascii_uppercase

from common.text import Words, normalize

LINES = 1700  # a seventh of the data: letters sound like no other words, and "I" like the pronoun only in prose
HELD_OUT = 120
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NAMES = (
    "Smith Johnson Williams Jackson Quinn Zachary Xavier Yvonne Wright Hughes Vaughn Knight Phillips Fitzgerald Murphy "
    "Kowalski Nguyen Gonzalez Vasquez Schmidt Dubois Jensen Olsen Haddad Patel Singh Yamamoto Kim Chang Wolfe Bennett "
    "Abigail Benjamin Catherine Dominic Eleanor Felix Gwendolyn Humphrey Isaac Jacqueline Kevin Lydia Maxwell Naomi "
    "Oliver Penelope Quentin Rebecca Sophia Theodore Ursula Victor Winifred Zoe Ezra Hugo Max Rex Jay Ivy Kai Una "
    "Boston Quebec Jacksonville Knoxville Phoenix Zurich Oxford Warsaw Venice Kyoto Brixton Fairbanks Gdansk Lodz "
    "boxing jigsaw wizard rhythm quiz zephyr awkward vacuum pharaoh yacht knuckle fjord lynx khaki buzz gym vivid"
)
HELD_OUT_NAMES = (
    "Baker Crawford Daniels Ferguson Griffith Henderson Jimenez Kaczynski Lopez Matthews Novak Ortiz Powell Quigley "
    "Rodriguez Sullivan Thompson Underwood Velasquez Watkins Xiang Young Zimmerman Alexander Beverly Frederick Gavin "
    "Hazel Jasper Katy Leonard Nathaniel Philip Roxanne Sylvia Vincent Yusuf Denver Vilnius"
)
INITIALS = (
    "HTML USA FBI CIA BBC DVD PDF USB CPU GPU API URL FAQ CEO PhD MBA UFO VIP DIY ATM SUV NYC LAX JFK UK EU UN EKG MRI "
    "DNA RNA HIV IQ PR HR IT TV PC CD XML SQL CSS JPG ZIP QR VPN WWW IBM BMW AT KLM NHL NFL ABC XYZ"
)
OF_NAMES = (
    "That is {comma}.",
    "My name is {name}, {comma}.",
    "{name} is spelled {run}.",
    "You spell {name} with {run}, right?",
    "Is it spelled {comma}?",
    "{comma}.",
    "{run}.",
    "It is {name}. {comma}.",
    "Let me spell it for you: {comma}.",
    "Did you say {run}, or something else?",
    "The surname is {name}, {double}.",
    "No, not that one. It is {double}!",
)
OF_INITIALS = (
    "{run}.",
    "The {run} is on the phone.",
    "What does {run} stand for?",
    "She works for the {run} now, and he works for the {other}.",
    "First the {run}, then the {other}.",
    "Is this {run} or {other}?",
    "We need an answer from {run} today, please.",
)
OF_CODES = (
    "The booking code is {comma}.",
    "{comma}.",
    "{run}.",
    "Your reference is {run}, and please keep it.",
    "The licence plate says {run}.",
    "Was the plate {run}?",
    "Her postcode is {comma}, in London.",
    "Press {letter}, then {other}, and type {run}.",
    "Flight {letter} {other} {digit} {digit} leaves from gate {letter}.",
    "Seat {digit} {letter} is by the window.",
    "The serial number ends with {comma}.",
)
OF_ADDRESSES = (
    "Write to {run} at example dot com.",
    "My address is {comma}, at mail dot {letter} {other}.",
    "It is {name} dot {letter} at work dot net. I spell {name}: {comma}.",
    "Go to {letter} {other} {letter} dot org slash {run}.",
)
OF_LETTERS = (
    "The answer is {letter}.",
    "Vitamin {letter} or vitamin {other}?",
    "Not {letter}, but {other}!",
    "{letter}, as in {name}.",
    "Between {letter} and {other} there is a gap.",
    "Plan {letter} failed, so we need plan {other}.",
    "Does it start with {letter}, or with {other}?",
    "It ends in {letter} {other}.",
    "Choose {letter}, {other}, or none of them.",
)


def spelled_lines(seed: int = 0, count: int = LINES) -> list[str]:
    """Each letter alone as an answer with three marks, and `count` lines that spell something, each line once."""
    rng = random.Random(seed)
    alone = [letter + mark for letter in ascii_uppercase for mark in ".?!"]
    kinds = ((OF_NAMES, 0.32), (OF_CODES, 0.32), (OF_LETTERS, 0.18), (OF_INITIALS, 0.12), (OF_ADDRESSES, 0.06))
    drawn = rng.choices([kind for kind, _ in kinds], [share for _, share in kinds], k=count)
    return list(dict.fromkeys(alone + [_fill(rng, kind, rng.choice(kind)) for kind in drawn]))


def held_out_lines() -> list[str]:
    """Names and codes that no training line has, alone, for a listener who knows only letters and digits."""
    rng = random.Random(2)
    spelled = [list(name.upper()) for name in HELD_OUT_NAMES.split()]
    spelled += [_code(rng, 4) for _ in range(HELD_OUT - len(spelled))]
    return [rng.choice((", ", " ")).join(signs) + "." for signs in spelled]


def spelled_words(line: str) -> Words:
    """A line of this module as words; a letter is "x.", as in the dictionary. Raises ValueError for other text."""
    words: Words = []
    for token in line.replace(":", ",").split():
        letter = token.rstrip(".,?!")
        if len(letter) == 1 and letter.isupper():
            words.append((f"{letter.lower()}.", token[1:]))
            continue
        found = normalize(token + ("" if token[-1] in ".,?!" else ","))
        if found is None:
            raise ValueError(f"cannot read {token!r} of {line!r}")
        words += [(word, mark if token[-1] in ".,?!" else "") for word, mark in found]
    return words


def _code(rng: random.Random, letters: int = 2) -> list[str]:
    """Letters, at least so many, and digits as on a plate, digits as words."""
    signs = rng.choices(ascii_uppercase, k=rng.randint(letters, 4)) + rng.choices(DIGITS, k=rng.randint(0, 3))
    rng.shuffle(signs)
    return signs


def _fill(rng: random.Random, kind: tuple[str, ...], frame: str) -> str:
    name = rng.choice(NAMES.split())
    letters = list(rng.choice(INITIALS.split()).upper()) if kind is OF_INITIALS else list(name.upper())
    if kind is OF_CODES or (kind is OF_ADDRESSES and rng.random() < 0.5 and "{name}" not in frame):
        letters = _code(rng)
    letter, other = rng.sample(ascii_uppercase, 2)
    if kind is OF_LETTERS and "{name}" in frame:
        letter = letters[0]
    elif kind is OF_INITIALS:
        other = " ".join(rng.choice(INITIALS.split()).upper())
    spelled = {"comma": ", ".join(letters), "run": " ".join(letters), "double": ", ".join(_doubled(letters))}
    return frame.format(name=name, letter=letter, other=other, digit=rng.choice(DIGITS), **spelled)


def _doubled(letters: list[str]) -> list[str]:
    """ "L", "L" as "double L"."""
    told: list[str] = []
    for letter in letters:
        told[-1:] = [f"double {letter}"] if told and told[-1] == letter else [*told[-1:], letter]
    return told
