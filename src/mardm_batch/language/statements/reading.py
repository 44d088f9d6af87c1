"""What a caption says of parts of the body in so many words, as conditions: "the left knee is bent at 90 degrees".

Only plain statements are read, of a part that is named with its side, of both of a pair or of any one of them. What
negations, British forms and "the other hand" say, `rewriting.CaptionReader` has put plainly before.
"""

import re
from typing import Final

from mardm_batch.language.statements import arms, bends, contacts, heights, legs, trunk
from mardm_batch.language.words import split_words

_UNSURE: Final = re.compile(
    r"\b(?:not|never|without|no|neither|nor|if|until|about to|before|after|instead of|rather than|than|or|as if"
    r"|trying to"
    r"|almost|nearly|ready to)(?: \S+){0,2} $|\b(?:hugging|hugs|around)(?: \S+)? $"
)
"""Words shortly before a statement that make it none."""
_RULES: Final = (*bends.rules(), *contacts.rules(), *arms.rules(), *heights.rules(), *legs.rules(), *trunk.rules())


def stated_conditions(text: str) -> dict[str, str]:
    """The conditions that a text states, each with the words that do."""
    text = text.lower()
    words = set(split_words(text))
    found: dict[str, str] = {}
    for rule in _RULES:
        if words.isdisjoint(rule.parts) or words.isdisjoint(rule.words):
            continue
        for match in rule.pattern.finditer(text):
            if not _UNSURE.search(text[max(match.start() - 40, 0) : match.start()]) and (
                stated := rule.condition(match)
            ):
                found.setdefault(stated, match[0])
    return found
