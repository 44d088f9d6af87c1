"""Forms of statements: a pattern of words, and the condition that it states of the limbs that it names."""

import re
from collections.abc import Callable
from typing import Final

from mardm_batch.language.limbs import other_side, plural

Match = re.Match[str]
Condition = Callable[[Match], str | None]
"""The condition that a match states; None where it states none after all."""

ALL: Final = "hands|palms|arms|elbows|legs|knees|feet|ankles|heels"
OF: Final = r"(?:the |their |his |her |its |your |my |a )?"
SIDE: Final = r"(?P<side>left|right)"
ADVERB: Final = (
    r"(?:(?:is|are|stays?|remains?|being|kept|held|dead|completely|fully|entirely|perfectly|quite|nearly|almost"
    r"|mostly|both|all|still|firmly|very|well|out|up|down|back) )*"
)
PLACED: Final = (
    r"(?:(?:is|are|stays?|remains?|being|kept|held|rests?|resting|lies?|lying|planted|placed|pressed|set|put|propped"
    r"|pushing|pressing|reaching|reaches|reach|supported|flat|firmly|both|lightly|down|up|back|grounded|braced|stacked"
    r"|clasped|folded|piled|cupped|laid|goes|go|going|comes|slides|slid|sliding|sits?|leans?|leaning|just) )*"
)
FLOOR: Final = r"(?:on|against|touching|touch|touches|to) (?:the |a )?(?:floor|ground|mat)\b"
FLOORS: Final = "floor ground mat"
ABOUT: Final = r"(?:about |around |roughly |almost |nearly |exactly )?"
MORE: Final = (
    r"(?:(?P<slight>slightly|a little(?: bit)?|a (?:tiny )?bit|gently|barely|somewhat) "
    r"|(?:(?:far|well|strongly|way|deeply|sharply|fully|very|more|super|really|out|right|round|over|off) )+)?"
)
WHERE: Final = r"(?P<where>forwards?|backwards?|back|to the left|to the right)\b"


class Rule:
    """A form of statement."""

    def __init__(self, parts: str, words: str, pattern: str, condition: Condition) -> None:
        """A text has one of the `parts` and one of the `words` where it matches the pattern; both are tried first."""
        self.parts, self.words = frozenset(parts.split()), frozenset(words.split())
        self.pattern, self.condition = re.compile(rf"\b{pattern}"), condition


def limb(*words: str) -> str:
    """The pattern of a paired part by any of its names: of one side, of both or of any one."""
    one, more = "|".join(words), "|".join(map(plural, words))
    return (
        rf"(?<!upper )(?<!lower )(?:(?:{SIDE} (?:{one})|(?P<one>one) (?:{one}))"
        rf"(?: and {OF}(?:left|right|one) \w+)?"
        rf"|(?P<both>{more})(?: and {OF}(?:{ALL}))?)"
    )


def either_of(*words: str) -> str:
    """The pattern of a limb of one side, or of both."""
    one, more = "|".join(words), "|".join(map(plural, words))
    return rf"(?:{SIDE} (?:{one})|(?P<both>{more}))(?P<one>)\b"


def subject(match: Match, part: str) -> str:
    """The part that a match of `limb` names, in the words of conditions."""
    if match["side"]:
        return f"{match['side']}_{part}"
    return f"either {part}" if match["one"] else plural(part)


def states(template: str) -> Condition:
    """A condition in which {hand} stands for the named hand or hands, and other names for groups of the match.

    Of any one limb nothing is stated against another part, of which the side would not be known.
    """
    names = re.findall(r"{(\w+)}", template)

    def condition(match: Match) -> str | None:
        groups = match.groupdict()
        if groups.get("one") and len(names) > 1:
            return None
        return template.format(**{name: groups[name] if name in groups else subject(match, name) for name in names})

    return condition


def against_other(template: str) -> Condition:
    """A condition of the limb of one side against that of the other; of any one it may be either."""

    def condition(match: Match) -> str | None:
        groups = match.groupdict()
        sides = [groups["side"]] if groups["side"] else ["left", "right"] if groups.get("one") else []
        return " or ".join(template.format(side=side, other=other_side(side)) for side in sides) or None

    return condition


def where_said(words: str, condition: Condition) -> Condition:
    """The condition, where the whole text has one of the words too."""
    pattern = re.compile(rf"\b(?:{words})\b")
    return lambda match: condition(match) if pattern.search(match.string) else None


def unless_said(words: str, condition: Condition) -> Condition:
    """The condition, where the whole text has none of the words."""
    pattern = re.compile(rf"\b(?:{words})\b")
    return lambda match: None if pattern.search(match.string) else condition(match)
