"""Labels for what the teacher really said: its phones in the server's symbols, each with the frames it lasts.

The server sends dictionary pronunciations, the teacher says its own. Training on the dictionary would teach wrong
sounds wherever the two differ, so each spoken phone is given to a word (edit distance), named in ARPAbet, and takes its
stress from that word's dictionary entry.
"""

from dataclasses import dataclass

from common.speech import PAUSE, Phone
from common.text import BOUNDARY, END, START, VOWELS, Dictionary, Words

FRAMES_PER_SECOND = 16_000 / 256
LEAD_SECONDS = 0.064  # silence kept before the first phone
TAIL_SECONDS = 0.096  # and after the last one
MAX_EDIT_SHARE = 0.3  # above this the words and the phones do not belong together
SCHWA = "ax"


@dataclass(frozen=True)
class Label:
    """Symbols of one utterance and where each starts and ends, in frames from `begin` seconds of the teacher's audio.

    The utterance reaches to `end` seconds. A symbol that the teacher does not speak (a boundary, a mark without a
    pause) lasts zero frames.
    """

    symbols: list[str]
    starts: list[float]
    ends: list[float]
    begin: float
    end: float
    differing_words: int


def align(expected: list[str], spoken: list[str]) -> tuple[float, list[int]]:
    """Edit distance of two phone strings, and for each spoken phone the index of the expected one it stands for."""

    def cost(a: str, b: str) -> float:
        if a == b:
            return 0.0
        return 0.5 if _is_vowel(a) and _is_vowel(b) else 2.5 if _is_vowel(a) or _is_vowel(b) else 1.0

    rows, columns = len(expected) + 1, len(spoken) + 1
    best = [[float(i + j) for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            same = best[i - 1][j - 1] + cost(expected[i - 1], spoken[j - 1])
            best[i][j] = min(same, best[i - 1][j] + 1, best[i][j - 1] + 1)
    i, j, owner = rows - 1, columns - 1, [0] * len(spoken)
    while j > 0:
        if i > 0 and best[i][j] == best[i - 1][j - 1] + cost(expected[i - 1], spoken[j - 1]):
            i, j = i - 1, j - 1
            owner[j] = i
        elif best[i][j] == best[i][j - 1] + 1:
            j -= 1
            owner[j] = max(i - 1, 0)
        else:
            i -= 1
    return best[-1][-1], owner


def with_stress(spoken: list[str], entry: tuple[str, ...] | None) -> list[str]:
    """A word's spoken phones in ARPAbet, stressed as its dictionary entry; without one, on the first full vowel."""
    if entry is None:
        first = next((i for i, p in enumerate(spoken) if _is_vowel(p) and p != SCHWA), -1)
        return [_named(p, "1" if i == first else "0") for i, p in enumerate(spoken)]
    _, owner = align([_bare(p) for p in entry], spoken)
    stress = [entry[o][-1] if entry[o][-1].isdigit() else "0" for o in owner]
    return [_named(p, s) for p, s in zip(spoken, stress, strict=True)]


def label(
    words: Words, phones: tuple[Phone, ...], teacher: dict[str, list[str]], dictionary: Dictionary
) -> Label | None:
    """Label one utterance; None when its phones do not fit its words. `teacher`: word → its phones."""
    expected, expected_word = [], []
    for i, (word, _) in enumerate(words):
        expected += teacher[word]
        expected_word += [i] * len(teacher[word])
    spoken, starts, ends, pauses, before = [], [], [], {}, 0.0
    for phone in phones:
        if phone.name == PAUSE:
            pauses[len(spoken)] = phone.end - before  # pause before the spoken phone of this index
        else:
            spoken.append(phone.name)
            starts.append(before)
            ends.append(phone.end)
        before = phone.end
    if not spoken:
        return None
    distance, owner = align(expected, spoken)
    word_of = [expected_word[o] for o in owner]
    if distance > MAX_EDIT_SHARE * len(expected) or set(word_of) != set(range(len(words))):
        return None

    begin = max(0.0, starts[0] - LEAD_SECONDS)
    end = min(before, ends[-1] + TAIL_SECONDS)
    symbols, spans = [START], [(begin, starts[0])]
    differing, at = 0, 0
    for i, (word, mark) in enumerate(words):
        count = word_of.count(i)
        entry = dictionary.get(word)
        named = with_stress(spoken[at : at + count], entry)
        differing += entry is None or [_bare(p) for p in entry] != spoken[at : at + count]
        if any(k in pauses for k in range(at + 1, at + count)):
            return None
        symbols += named
        spans += zip(starts[at : at + count], ends[at : at + count], strict=True)
        at += count
        last = ends[at - 1]
        if i + 1 == len(words):
            middle = (last + end) / 2
            symbols += [mark, END]
            spans += [(last, middle), (middle, end)]
        else:
            pause_end = starts[at]
            if mark or at in pauses:
                symbols.append(mark or ",")
                spans.append((last, pause_end))
            symbols.append(BOUNDARY)
            spans.append((pause_end, pause_end))
    frames = [((s - begin) * FRAMES_PER_SECOND, (e - begin) * FRAMES_PER_SECOND) for s, e in spans]
    return Label(symbols, [s for s, _ in frames], [e for _, e in frames], begin, end, differing)


def _is_vowel(phone: str) -> bool:
    return phone == SCHWA or phone.upper() in VOWELS


def _bare(phone: str) -> str:
    return SCHWA if phone == "AH0" else phone.rstrip("012").lower()


def _named(phone: str, stress: str) -> str:
    if phone == SCHWA:
        return "AH0"
    if not _is_vowel(phone):
        return phone.upper()
    return phone.upper() + ("2" if phone == "ah" and stress == "0" else stress)
