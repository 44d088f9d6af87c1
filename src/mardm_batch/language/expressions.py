"""Named poses and figures of speech, and what they mean in words that a model was taught.

The meaning is said besides: "army crawl" is read as "army crawl, lying face down, propped on the forearms". What the
caption itself says of a part of the body goes before: of that part the meaning is not said.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final

from mardm_batch.language.words import WORD

_DENIALS: Final = frozenset(("not", "no", "never", "without", "neither", "nor", "than", "instead", "cannot", "nothing"))
_DENIED_AT: Final = 3
"""A denial so many words before an expression at most is taken for one of it."""
_MOST: Final = 2
"""Expressions of a caption that are explained."""
_WITHIN: Final = re.compile(r"[ _\-–]+")
"""What is between two words of an expression."""
_PARTS: Final = tuple(
    re.compile(rf"\b(?:{words})\b")
    for words in (
        r"arms?|hands?|elbows?|forearms?|fists?|palms?|wrists?|fingers?|fingertips?|shoulders?",
        r"legs?|knees?|foot|feet|heels?|toes?|shins?|thighs?|ankles?|soles?|hips?|(?:lung|squat|kneel|crouch)\w*",
        r"torso|trunk|back|body|chest|(?:lean|hunch|twist)\w*|upright|(?:bent|bending) over",
        r"head|face(?! (?:down|up))|look\w*|gaze|chin",
    )
)
"""Words about the arms, the legs, the trunk and the head."""
_PLACE: Final = re.compile(
    r"\b(?:above|over|behind|past|at|near|beside|under|towards?|below|in front of|against|around|between|to|beyond|on)"
    r" (?:the |his |her |their |your |opposite |other |left |right |standing )+\w+"
)
"""Where something is, which is not said of what is there: hands on the hips, arms above the head."""

Expression = tuple[tuple[str, ...], str]
"""Its words, and its meaning."""


@cache
def expressions() -> Mapping[str, tuple[Expression, ...]]:
    """The expressions of `assets/expressions.txt` by their first word, the longest first."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    text = resources.files("mardm_batch").joinpath("assets", "expressions.txt").read_text("utf-8")
    for line in text.splitlines():
        said, _, meaning = line.partition(": ")
        for expression in said.split(" | ") if meaning else []:
            words = tuple(match[0] for match in WORD.finditer(expression))
            found.setdefault(words[0], {})[words] = meaning
    return {first: tuple(sorted(each.items(), key=lambda item: -len(item[0]))) for first, each in found.items()}


def find_expressions(text: str) -> Iterator[tuple[str, str]]:
    """Each expression in a text, as it is written there, and what of its meaning the text leaves open.

    The last word may be in the plural. Denied ones are left out.
    """
    matches = list(WORD.finditer(text))
    words = [match[0].lower() for match in matches]
    place = found = 0
    while place < len(words) and found < _MOST:
        for expression, meaning in _beginning_with(words[place]):
            end = place + len(expression)
            if not _is_said(expression, text, matches[place:end]):
                continue
            start, stop = matches[place].start(), matches[end - 1].end()
            left = _left_open(meaning, f"{text[:start]} {text[stop:]}".lower())
            if left and _DENIALS.isdisjoint(words[max(place - _DENIED_AT, 0) : place]):
                yield text[start:stop], left
                found += 1
            place = end - 1
            break
        place += 1


def _beginning_with(word: str) -> Iterator[Expression]:
    yield from expressions().get(word, ())
    if word.endswith("s"):  # an expression of one word, in the plural
        yield from (each for each in expressions().get(word[:-1], ()) if len(each[0]) == 1)


def _is_said(expression: tuple[str, ...], text: str, matches: Sequence[re.Match[str]]) -> bool:
    """Whether these words of a text are an expression, with nothing but spaces and hyphens between."""
    *first, last = (match[0].lower() for match in matches)
    if tuple(first) != expression[:-1] or expression[-1] not in (last, last.removesuffix("s")):
        return False
    return all(_WITHIN.fullmatch(text, one.end(), other.start()) for one, other in pairwise(matches))


def _left_open(meaning: str, rest: str) -> str:
    """The clauses of a meaning but for those about parts that the rest of the text speaks of.

    None where more than half of them are.
    """
    rest = _PLACE.sub("", rest)
    told = [part for part in _PARTS if part.search(rest)]
    clauses = meaning.split(", ")
    left = [clause for clause in clauses if not any(part.search(_PLACE.sub("", clause)) for part in told)]
    return ", ".join(left) if 2 * len(left) >= len(clauses) else ""
