"""Labels in words: names of classes and of files, tags, and the marks between them.

BabyCrawling, idle_bored_03, #squat #armsup, walk cycle / contact.
"""

import re
from collections.abc import Callable
from typing import Final

CAMEL_CASE: Final = re.compile(r"(?<![^\W_])(?:[A-Z][a-z]+|[a-z]{2,})(?:[A-Z][a-z]+)+(?![^\W\d_])")
"""A label without spaces: CleanAndJerk."""
_CAMEL_PART: Final = re.compile(r"[A-Z]?[a-z]+")
SLASH: Final = re.compile(r" +[/|] +")
"""A mark between two descriptions, unlike the one of left/right."""
TAGS: Final = re.compile(r"(?<![\w&#])#[^\W\d_]\w*(?:[ ,]+#[^\W\d_]\w*)*")
SNAKE_CASE: Final = re.compile(r"(?<![^\W_])[^\W_]+(?:_+[^\W_]+)+(?![^\W_])")
"""A label as files have it: idle_bored_03."""
_TAKE: Final = re.compile(r"(?:v|take|[a-z])?(?P<number>\d{1,4})")
_ANGLES: Final = frozenset(("30", "45", "60", "90", "120", "180"))
TAKE: Final = re.compile(r"(?i)(?<=[a-z]{3})(?:[ -]+0\d{1,2}|,? take \d{1,3})(?=\s*(?:[,;]|$))")
"""The number at the end of a label: punch 07."""
_SIDES: Final = {"L": "left", "R": "right"}


def split_camel_case(label: str, known: Callable[[str], bool], within: bool) -> str | None:
    """A label in words, or None where they are unknown, as in a name.

    Args:
        known: whether a word in lower case is known.
        within: whether the label is within a caption. There all of its words have to be known, and lose their
            capitals; at the start one known word is enough, and the first keeps its capital.
    """
    first, *others = _CAMEL_PART.findall(label)
    words = [first.lower() if within else first, *(word.lower() for word in others)]
    found = [known(word.lower()) for word in words]
    return " ".join(words) if all(found) or (any(found) and not within) else None


def split_snake_case(match: re.Match[str]) -> str:
    """A match of SNAKE_CASE in words, without the number of the take, and the v before names of videos."""
    parts = [part for part in match[0].split("_") if part]
    if parts[0] == "v":
        del parts[0]
    while len(parts) > 1 and (take := _TAKE.fullmatch(parts[-1].lower())) and take["number"] not in _ANGLES:
        del parts[-1]
    return " ".join(_SIDES.get(part, part) for part in parts)


def separate_tags(match: re.Match[str]) -> str:
    """A match of TAGS with commas between them."""
    return ", ".join(tag.strip(" ,") for tag in match[0].split("#") if tag.strip(" ,"))


def comma(match: re.Match[str]) -> str:
    """A match of SLASH as a mark that separates clauses."""
    return ", "


def drop(match: re.Match[str]) -> str:
    """A match of TAKE says nothing of the pose."""
    return ""
