"""What a caption says of parts of the body in so many words, as conditions: "the left knee is bent at 90 degrees".

Only plain statements are read, of a part that is named with its side, of both of a pair or of any one of them. What
negations, British forms and "the other hand" say, `rewriting.CaptionReader` has put plainly before.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mardm_batch.language.statements import (
    arms,
    bends,
    contacts,
    exercises,
    hands,
    head,
    heights,
    legs,
    lying,
    postures,
    segments,
    support,
    touching,
    trunk,
)
from mardm_batch.language.statements.anatomy import name_plainly
from mardm_batch.language.statements.everyday import in_plain_words
from mardm_batch.language.statements.named_sides import with_sides
from mardm_batch.language.statements.rules import Rule
from mardm_batch.language.statements.wording import put_plainly
from mardm_batch.language.words import split_words

_UNSURE: Final = re.compile(
    r"\b(?:not|never|without|no|neither|nor|if|about to|before|after|instead of|rather than|than|or|as if"
    r"|tr(?:y|ies|ying) to|wants? to|starts?|begins?|almost|nearly|ready to)(?: [\w'’-]+){0,2} $|\b(?:hugging|hugs"
    r"|around)(?: \S+)? $"
)
"""Words shortly before a statement that make it none."""
_FALLING: Final = re.compile(
    r"\b(?:fall(?:s|ing|en)?|fell|trip(?:s|ping|ped)?|stumbl(?:es?|ing)|slip(?:s|ping|ped)?|toppl(?:es?|ing)"
    r"|tumbl(?:es?|ing)|div(?:es?|ing)|jump(?:s|ing)?"
    r"|leap(?:s|ing)?|hop(?:s|ping)?|mid[- ]?air|airborne|fl(?:y|ies|ying)|off balance"
    r"|somersaults?|cartwheels?|float(?:s|ing)?|hanging from|swim(?:s|ming)?)\b"
)
_OBJECT: Final = re.compile(
    r"\b(?:on|onto|over|down|at|to|against|towards?|of|near|behind|beside|along|touch\w*|hold\w*|reach\w*|with)"
    r"(?: the)? $"
)
"""What is before a part to which something is done; "with" where it is a tool."""
_AND_DOING: Final = re.compile(r"\w+ \w+ and (?P<what>\w+)")
_LABEL: Final = re.compile(r"(?<=[a-z])(?<!left)(?<!right)(?<!side)(?<!only)(?<!\bl)(?<!\br): ")
"""After the name of a part, as in "arms: overhead"."""
_RULES: Final = (
    *bends.rules(),
    *support.rules(),
    *contacts.rules(),
    *touching.rules(),
    *hands.rules(),
    *arms.rules(),
    *segments.rules(),
    *heights.rules(),
    *legs.rules(),
    *trunk.rules(),
    *lying.rules(),
    *postures.rules(),
    *exercises.rules(),
    *head.rules(),
)


def _rules_by_word(words_of: Callable[[Rule], Iterable[str]]) -> dict[str, int]:
    """By word the numbers of the rules that have it, as the bits of an integer."""
    by_word: dict[str, int] = {}
    for number, rule in enumerate(_RULES):
        for word in words_of(rule):
            by_word[word] = by_word.get(word, 0) | 1 << number
    return by_word


_WITH_PART: Final = _rules_by_word(lambda rule: rule.parts)
_WITH_WORD: Final = _rules_by_word(lambda rule: rule.words)


def stated_conditions(text: str) -> dict[str, str]:
    """The conditions that a text states, each with the words that do."""
    text = put_plainly(_LABEL.sub(" ", with_sides(name_plainly(in_plain_words(text.lower())))))
    found: dict[str, str] = {}
    for rule in _rules_for(split_words(text)):
        for match in rule.pattern.finditer(text):
            before = text[max(match.start() - 40, 0) : match.start()]
            if not _UNSURE.search(before) and not _is_joined(match[0], before) and (stated := rule.condition(match)):
                found.setdefault(stated, match[0])
    return found


def _rules_for(words: Iterable[str]) -> Iterator[Rule]:
    """The rules, in their order, of which these words have a part and a word: a few of all."""
    parts = said = 0
    for word in words:
        parts |= _WITH_PART.get(word, 0)
        said |= _WITH_WORD.get(word, 0)
    left = parts & said
    while left:
        first = left & -left
        yield _RULES[first.bit_length() - 1]
        left ^= first


def _is_joined(words: str, before: str) -> bool:
    """Whether a statement begins with the object of what was said before: "down the shin and the hand points up"."""
    joined = _AND_DOING.match(words)
    preposition = _OBJECT.search(before)
    if joined is None or preposition is None:
        return False
    return not preposition[0].startswith("with") or joined["what"].endswith("ing")


def says_falling(text: str) -> bool:
    """Whether a text says that a person falls, is in the air, in water or hangs, so need not be in balance."""
    return bool(_FALLING.search(text.lower()))
