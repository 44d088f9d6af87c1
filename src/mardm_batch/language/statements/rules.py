"""Forms of statements: a pattern of words, and the condition that it states of the limbs that it names."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Final

from mardm_batch.language.limbs import other_side, plural

Match = re.Match[str]
Condition = Callable[[Match], str | None]
"""The condition that a match states; None where it states none after all."""

ALL: Final = "hands|palms|arms|elbows|legs|knees|feet|ankles|heels"
OF: Final = r"(?:the |their |his |her |its |your |my |a )?"
SIDE: Final = r"(?P<side>left|right)"
_PARTS: Final = (
    r"arms?|hands?|elbows?|forearms?|wrists?|fists?|palms?|fingertips?|legs?|knees?|feet|foot|thighs?|shins?|cal(?:f"
    r"|ves)|ankles?|heels?|toes?|soles?|head|chin|face|gaze|eyes|torso|trunk|spine|chest|shoulders?|hips?|pelvis|body"
    r"|belly|neck|nose|forehead|cheeks?|jaw|ears?|seat|bottom|bum|one|left|right|both|other"
)
_TURNS_OF_SPEECH: Final = (
    r"not|no|never|without|while|whereas|but|than|until|nor|or|neither|if|as|with|who|which|instead|rather"
    r"|nearly|almost|lean\w*|look\w*|gaz\w+|glanc\w+|star(?:es?|ing)|stand\w*|sit(?:ting)?|sat|seated|walk\w*|run\w*"
    r"|jump\w*"
    r"|kneel\w*|crouch\w*|squat\w*|twist\w*"
)


def gap(stops: str = "", most: int = 6) -> str:
    """The pattern of up to so many words between a part and what is said of it: none that begins something else.

    Nor one of the `stops`, words between bars; * stands for any ending.
    """
    stops = "|".join(filter(None, (_PARTS, _TURNS_OF_SPEECH, stops.replace("*", r"\w*"))))
    return rf"(?:(?!(?:{stops})\b)[\w'’-]+ ){{0,{most}}}?"


PLACED: Final = gap(
    "point*|fac(?:e|es|ing)|turn*|close|near|off|above|over|towards?|hover*|parallel|from|clear|low|under|behind"
    "|in|between|below|beside|opposite|perpendicular|vertical*|plumb"
)
FLOOR: Final = (
    r"(?:on|onto|upon|against|in (?:full )?(?:contact with|touching)|touching|touch|touches|brush(?:es|ing)?"
    r"|graz(?:e|es|ing)"
    r"|meets?|reach(?:es)?|to|into|slap(?:s|ping)?|skim(?:s|ming)?|tap(?:s|ping)?|pat(?:s|ting)?|pound(?:s|ing)?"
    r"|thump(?:s|ing)?|punch(?:es|ing)?|hit(?:s|ting)?|smack(?:s|ing)?|sweep(?:s|ing)?|scrap(?:es|ing)"
    r"|press(?:es|ing)?|grip(?:s|ping)?) (?:the |a )?(?:floor|ground|mat|deck)\b"
)
FLOORS: Final = "floor ground mat deck"
ABOUT: Final = r"(?:about |around |roughly |almost |nearly |exactly )?"
MORE: Final = (
    r"(?:(?P<slight>slightly|a little(?: bit)?|a (?:tiny )?bit|a touch|a tad|gently|barely|somewhat) "
    r"|(?:(?:far|well|strongly|way|deeply|sharply|fully|wa{2,}y|very|more|hard|heavily|steeply|super|really|out"
    r"|right|round"
    r"|over|off) )+)?"
)
LYING: Final = (
    r"lie|lies|lying|lay|lays|laying|laid|supine|prone|sleeping|asleep|floating|carried|face[- ]down"
    r"|(?:(?<!\w )(?<!\w)|is |are |flat |down )on the (?:belly|stomach|back(?! of))"
)
"""Words of who lies or is carried, for whom up and down are others."""
TURNED: Final = (
    r"(?:(?:is|are|turned|turns|turning|rotated|rotates|twisted|twists|twisting|looking|looks|facing|faces) )+"
)
ASIDE: Final = (
    r"(?:left|right(?! (?:over|into|up|down|back|forwards?|against|out|on|onto|across|through|at|in|by|behind)\b))\b"
    r"(?! (?:arm|hand|elbow|forearm|wrist|fist|palm|shoulder|leg|knee|foot|thigh|shin|ankle|heel|hip|toes|cheek|ear"
    r"|eye|thumb|index|side of)\b)"
)
"""A direction, not the side of a limb."""
WHERE: Final = (
    r"(?P<where>(?:forwards?|ahead|backwards?|back)\b|in(?= (?:to (?:hear|see|listen|look)|close|towards?|with)\b|$"
    r"|[,.;])|(?:(?:away )?(?:to|towards?|over to|into) (?:the|his|her|their|its) )?"
    rf"{ASIDE})"
)


class Rule:
    """A form of statement."""

    def __init__(self, parts: str, words: str, pattern: str, condition: Condition) -> None:
        """A text has one of the `parts` and one of the `words` where it matches the pattern; both are tried first."""
        self.parts, self.words = frozenset(parts.split()), frozenset(words.split())
        self.form, self.condition = pattern, condition

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when the first text may match it: all of them take a third of a second."""
        return re.compile(rf"\b(?:{self.form})")


_SEVERAL: Final = ("fingertip", "finger")
"""There are several on each side."""


def limb(*words: str) -> str:
    """The pattern of a paired part by any of its names: of one side, of both or of any one."""
    one, more = "|".join(words), "|".join(map(plural, words))
    of_one_side = "|".join((one, *(plural(word) for word in words if word in _SEVERAL)))
    return (
        rf"(?<!upper )(?<!lower )(?:(?:{SIDE} (?:{of_one_side})|(?P<one>(?:one|an?|other|free|supporting|standing"
        rf"|raised"
        rf"|lifted|opposite|front|back|rear|hind|leading|trailing) |(?<!\w )(?=\w))(?:{one}))(?: and {OF}(?:left "
        rf"|right |one |both )\w+)?"
        rf"|(?P<both>{more})(?: and {OF}(?:{ALL}))?)"
    )


def either_of(*words: str) -> str:
    """The pattern of a limb of one side, or of both."""
    one, more = "|".join(words), "|".join(map(plural, words))
    return rf"(?:{SIDE} (?:{one})|(?P<both>{more}))(?P<one>(?!))?\b"


HANDS: Final = "hand hands palm palms fist fists fingertip fingertips wrist wrists finger fingers thumb thumbs"
HAND: Final = limb("hand", "palm", "fist", "fingertip", "wrist", "finger", "thumb")
"""A hand by any of its names: words, and their pattern."""


def subject(match: Match, part: str) -> str:
    """The part that a match of `limb` names, in the words of conditions."""
    if match["side"]:
        return f"{match['side']}_{part}"
    return f"either {part}" if match["one"] is not None else plural(part)


def states(template: str) -> Condition:
    """A condition in which {hand} stands for the named hand or hands, and other names for groups of the match.

    Of any one limb nothing is stated against another part, of which the side would not be known.
    """
    names = re.findall(r"{(\w+)}", template)

    def condition(match: Match) -> str | None:
        groups = match.groupdict()
        if groups.get("one") is not None and len(names) > 1:
            return None
        return template.format(**{name: groups[name] if name in groups else subject(match, name) for name in names})

    return condition


def against_other(template: str) -> Condition:
    """A condition of the limb of one side against that of the other; of any one it may be either."""

    def condition(match: Match) -> str | None:
        groups = match.groupdict()
        sides = [groups["side"]] if groups["side"] else ["left", "right"] if groups.get("one") is not None else []
        return " or ".join(template.format(side=side, other=other_side(side)) for side in sides) or None

    return condition


def to_the_other_side(match: Match) -> str:
    """Of the hand of one side on the other side of the body."""
    side = match["side"]
    return f"{side}_hand {other_side(side)} of {side}_shoulder 0.08"


def where_said(words: str, condition: Condition) -> Condition:
    """The condition, where the whole text has one of the words too."""
    pattern = re.compile(rf"\b(?:{words})\b")
    return lambda match: condition(match) if pattern.search(match.string) else None


def unless_said(words: str, condition: Condition) -> Condition:
    """The condition, where the whole text has none of the words."""
    pattern = re.compile(rf"\b(?:{words})\b")
    return lambda match: None if pattern.search(match.string) else condition(match)
