"""Captions in other words that mean the same, for a model that knows the words of its training captions alone."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

from mardm_batch.language import forms, informal, labels, negation, numbers, sides
from mardm_batch.language.expressions import find_expressions
from mardm_batch.language.spelling import Speller, english_words
from mardm_batch.language.text import Change, Draft
from mardm_batch.language.words import WORD, split_words, stem

LONGEST: Final = 2000
"""Characters of a caption that is rewritten; a longer one is read as it is."""
_PASSES: Final = 3
"""One rewriting may make another possible; no caption needs more passes than this."""
_SPACES: Final = re.compile(r" {2,}")
_DIGIT: Final = re.compile(r"\d")
_REMEMBERED: Final = 1 << 14


@dataclass(frozen=True)
class Rewriting:
    """A caption as a model reads it, and what was changed for that."""

    text: str
    changes: tuple[Change, ...] = ()


class CaptionReader:
    """Rewrites captions for a vocabulary of stems, the most frequent first. The same caption gives the same text."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.known = frozenset(vocabulary)
        self.known_words: set[str] = set()
        """Words in lower case that were found to be known."""
        self.speller = Speller(vocabulary)
        self.read_word = lru_cache(maxsize=_REMEMBERED)(self._read_word)
        self.rewrite = lru_cache(maxsize=_REMEMBERED)(self._rewrite)
        """The caption in known words, as far as it can be said in them; rewriting that again changes nothing."""

    def _rewrite(self, caption: str) -> Rewriting:
        if len(caption) > LONGEST:
            return Rewriting(caption)
        draft = Draft(caption)
        for _ in range(_PASSES):
            before = draft.text
            self._rewrite_once(draft)
            if draft.text == before:
                break
        return Rewriting(draft.text, tuple(draft.changes))

    def _rewrite_once(self, draft: Draft) -> None:
        for expression, meaning in tuple(find_expressions(draft.text)):
            draft.say_besides("expression", expression, meaning)
        self._read_marks(draft)
        words = set(split_words(draft.text))
        if words & informal.INFORMAL_WORDS:
            draft.apply("form", informal.rules(), words)
            words = set(split_words(draft.text))
        if self._unknown(words):
            self._correct_words(draft)
            words = set(split_words(draft.text))
        if words & forms.POSTURE_WORDS:
            draft.substitute("form", forms.POSTURE, forms.posture_gerund)
        if words & numbers.NUMBER_WORDS or _DIGIT.search(draft.text):
            if words & numbers.BOUND_WORDS:
                draft.substitute("number", numbers.BOUND, numbers.next_degrees)
            draft.substitute("number", numbers.STRAIGHT_ANGLE, numbers.straight)
            draft.substitute("number", numbers.DEGREES, numbers.taught_degrees)
            draft.substitute("number", numbers.HALFWAY, numbers.halfway)
            draft.substitute("number", numbers.COUNT, numbers.count_word)
        if words & negation.NEGATION_WORDS:
            draft.apply("negation", negation.rules(), words)
        if words & sides.SIDE_WORDS:
            self._name_sides(draft, words)
        if draft.changes:
            draft.text = _SPACES.sub(" ", draft.text)

    def _read_marks(self, draft: Draft) -> None:
        """Labels, contractions and abbreviations, which their marks betray."""
        if "_" in draft.text:
            draft.substitute("form", labels.SNAKE_CASE, labels.split_snake_case)
        if "#" in draft.text:
            draft.substitute("form", labels.TAGS, labels.separate_tags)
        if " / " in draft.text or " | " in draft.text:
            draft.substitute("form", labels.SLASH, labels.comma)
        if "0" in draft.text or " take " in draft.text:
            draft.substitute("form", labels.TAKE, labels.drop)
        if "~" in draft.text:
            draft.substitute("form", informal.TILDE, lambda match: "about ")
        if "'" in draft.text or "’" in draft.text or "nt" in draft.text:
            draft.substitute("form", forms.CONTRACTION, forms.expand_contraction)
        if "in'" in draft.text or "in’" in draft.text:
            draft.substitute("form", informal.DROPPED_G, self._restore_g)
        if "L" in draft.text or "R" in draft.text:
            draft.substitute("form", forms.SIDE_LETTER, forms.expand_side)
        if "/" in draft.text or "&" in draft.text or "w " in draft.text or "W " in draft.text:
            draft.substitute("form", forms.ABBREVIATION, forms.expand_abbreviation)

    def _restore_g(self, match: re.Match[str]) -> str | None:
        """A match of informal.DROPPED_G with its g, where that is a known word and the match is none."""
        gerund = f"{match['word']}g"
        known = stem(gerund.lower()) in self.known and match["word"].lower() not in english_words()
        return gerund if known else None

    def _unknown(self, words: set[str]) -> bool:
        """Whether one of the words in lower case is unknown."""
        new = words - self.known_words
        known = {word for word in new if stem(word) in self.known}
        if len(self.known_words) < _REMEMBERED:
            self.known_words |= known
        return len(known) < len(new)

    def _correct_words(self, draft: Draft) -> None:
        """Other forms and spellings of unknown words, and the words of labels."""
        text = draft.text
        shouted = text.isupper()
        parts, end = [], 0
        for match in WORD.finditer(text):
            word = match[0]
            if stem(word.lower()) in self.known:
                continue
            found = self._read_unknown(word, within=match.start() > 0 and not shouted)
            if found is None:
                continue
            kind, other = found
            draft.changes.append(Change(kind, word, other))
            parts += [text[end : match.start()], other]
            end = match.end()
        if parts:
            draft.text = "".join([*parts, text[end:]])

    def _read_unknown(self, word: str, within: bool) -> tuple[str, str] | None:
        """How an unknown word is read. Names, which are capitalised within a caption, stay."""
        if labels.CAMEL_CASE.fullmatch(word):
            label = labels.split_camel_case(word, lambda part: stem(part) in self.known, within)
            return None if label is None else ("form", label)
        if not word[0].isupper():
            return self.read_word(word.lower())
        if within or (found := self.read_word(word.lower())) is None:
            return None
        kind, other = found
        return kind, other[0].upper() + other[1:]

    def _read_word(self, word: str) -> tuple[str, str] | None:
        """How an unknown word in lower case is read: the kind of change, and the known word. None: as it is."""
        if word in numbers.NUMBER_WORDS:
            return None
        for other in forms.other_forms(word):
            if all(stem(part) in self.known for part in other.split()):
                return "form", other
        corrected = self.speller.correct(word)
        return None if corrected is None else ("spelling", corrected)

    def _name_sides(self, draft: Draft, words: Set[str]) -> None:
        draft.substitute("side", sides.BOTH_OF, lambda match: "both ")
        if "each" in words or "either" in words:
            draft.substitute("side", sides.ON_EACH, sides.both_on)
            draft.substitute("side", sides.EACH, sides.both)
        draft.substitute("side", sides.EITHER_SIDE, lambda match: f"{match['where']} both sides")
        while True:  # one at a time: a side that was named just now may be the one that the next refers to
            text, done = draft.text, len(draft.changes)
            for match in chain(sides.OTHER.finditer(text), sides.ITS.finditer(text)):
                named = (sides.resolve_its if match["word"].lower() == "its" else sides.resolve_other)(match, text)
                if named is not None:
                    draft.changes.append(Change("side", match[0], named))
                    draft.text = text[: match.start()] + named + text[match.end() :]
                    break
            if len(draft.changes) == done:
                return
