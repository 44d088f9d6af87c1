"""Spelling: a word that is none of English, one or two letters from words of a vocabulary.

A word of English that a model does not know is no typing error: a sitar is not a siter.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from string import ascii_lowercase
from typing import Final

_SHORTEST: Final = 4
"""Letters of the shortest word any letter of which may be wrong; in shorter ones a letter is missing or exchanged."""
_SHORTEST_WITH_TWO: Final = 7
"""Letters of the shortest word that is corrected at a distance of two."""
_LONGEST: Final = 20
_SHORT_WORDS: Final = frozenset(("up", "on", "in", "of", "to", "at", "by", "is"))
"""Words of less than three letters that may have been written together with another."""
_ENDINGS: Final = ("", "s", "ing", "ed", "e", "es", "ly")
_DOUBLING: Final = ("", "ing", "ed", "es", "ly")
"""Endings before which the last letter of a stem may have been doubled."""


@cache
def english_words() -> frozenset[str]:
    """82,765 words of English in lower case."""
    file = resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    return frozenset(line.split(" ", 1)[0] for line in file.read_text(encoding="utf-8-sig").splitlines())


class Speller:
    """Corrects words by a vocabulary of stems, the most frequent first."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = vocabulary
        self.ranks: dict[str, tuple[int, int]] = {}
        """Of each form of a stem: the rank of the stem, and of the ending."""
        self.by_start: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        """Forms by their first letter, each with the set of its letters as bits."""

    def correct(self, word: str) -> str | None:
        """The most likely word that was meant by one in lower case; None where none is near."""
        if not (3 <= len(word) <= _LONGEST and word.isascii() and word.isalpha()) or word in english_words():
            return None
        if not self.ranks:
            self._fill()
        edits = {*_transpositions(word), *_single_letters(word), *_insertions(word)}
        if len(word) >= _SHORTEST:
            edits.update(_deletions(word), _replacements(word))
        if near := [each for each in edits if each in self.ranks]:
            return min(near, key=lambda each: self._order(word, each))
        if parts := self.split(word):
            return " ".join(parts)
        if len(word) >= _SHORTEST_WITH_TWO:
            far = [each for each in self._similar(word) if distance(word, each, 2) == 2]
            if far:
                return min(far, key=lambda each: self._order(word, each))
        return None

    def split(self, word: str) -> tuple[str, ...]:
        """The two or three known words of English that were written together; empty where they are none."""
        if not self.ranks:
            self._fill()
        for most in (2, 3):
            if parts := self._split(word, most):
                return parts
        return ()

    def _split(self, word: str, most: int) -> tuple[str, ...]:
        """The known words that a word consists of, the first as long as possible; empty where there are more of them.

        A word of two letters is one of them only after another, or before "the", for there are names such as inrun.
        """
        for end in range(len(word), 1, -1):
            part = word[:end]
            if end > 2 and part in self.ranks and part in english_words():
                if end == len(word):
                    return (part,)
                if word[end:] in _SHORT_WORDS:
                    return (part, word[end:])
                if most > 1 and (rest := self._split(word[end:], most - 1)):
                    return (part, *rest)
            elif part in _SHORT_WORDS and word[end:] == "the":
                return (part, "the")
        return ()

    def _order(self, word: str, form: str) -> tuple[bool, bool, int, int]:
        """Exchanged letters and the same first letter first, then by frequency."""
        return (sorted(word) != sorted(form), word[0] != form[0], *self.ranks[form])

    def _similar(self, word: str) -> Iterator[str]:
        """Forms with the same first letter, about as long, that differ by few letters."""
        letters = _letters(word)
        for form, bits in self.by_start[word[0]]:
            if abs(len(form) - len(word)) <= 2 and (letters ^ bits).bit_count() <= 4:
                yield form

    def _fill(self) -> None:
        """The forms of each stem that are words of English; all of them where none is, as for new words."""
        english = english_words()
        for rank, stem in enumerate(self.vocabulary):
            if not (stem.isascii() and stem.isalpha() and len(stem) > 1):
                continue
            forms = [stem + ending for ending in _ENDINGS]
            forms += [stem + stem[-1] + ending for ending in _DOUBLING]
            for place, form in enumerate([form for form in forms if form in english] or forms[: len(_ENDINGS)]):
                self.ranks.setdefault(form, (rank, place))
        for form in self.ranks:
            self.by_start[form[0]].append((form, _letters(form)))


def distance(one: str, other: str, limit: int) -> int:
    """Letters to insert, remove, replace or exchange with the next to make one word the other; limit + 1 if more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, target in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != target))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == target:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def _letters(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) - 97)
    return bits


def _transpositions(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))


def _single_letters(word: str) -> Iterator[str]:
    """One of two equal letters removed, or a letter doubled."""
    yield from (word[:i] + word[i + 1 :] for i in range(1, len(word)) if word[i] == word[i - 1])
    yield from (word[:i] + word[i] + word[i:] for i in range(len(word)))


def _deletions(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def _insertions(word: str) -> Iterator[str]:
    return (word[:i] + letter + word[i:] for i in range(len(word) + 1) for letter in ascii_lowercase)


def _replacements(word: str) -> Iterator[str]:
    return (word[:i] + letter + word[i + 1 :] for i in range(len(word)) for letter in ascii_lowercase)
