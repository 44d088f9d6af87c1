"""The other hand, each hand: limbs named by what a caption says of another one."""

import re
from typing import Final

from mardm_batch.language.limbs import ARM, LEG, LIMB, other_side, plural, region, singular

SIDE_WORDS: Final = frozenset(("other", "opposite", "each", "either", "both"))
"""One of them is in every caption that a rule here changes."""

_PAIRED: Final = rf"{LIMB}|shoulders?|hips?|ears?|cheeks?"
_MENTION: Final = re.compile(rf"(?i)\b(?P<which>left|right|one|a|single|either) (?P<part>{_PAIRED})\b")
OTHER: Final = re.compile(
    rf"(?i)\b(?P<article>the |their |his |her |its )?(?P<word>other|opposite)(?: (?P<part>{_PAIRED})| one)?\b"
    r"(?! (?:side|person|people|end|direction|way|man|woman|player|dancer|things?|objects?)\b)"
)
EACH: Final = re.compile(
    rf"(?i)\beach (?:of (?:the|their|his|her) )?(?P<part>{ARM}|{LEG}|heels?)(?P<verb> (?:is|rests|touches))?"
    rf"(?: (?P<where>on|at|behind|against) (?:a|its|one|the|their) (?P<target>{_PAIRED}))?(?![\w-])"
)
_EACH_VERBS: Final = {"is": "are", "rests": "rest", "touches": "touch"}
ON_EACH: Final = re.compile(
    r"(?i)\b(?:one|a) (?P<part>hand|fist|palm|arm|elbow)(?P<verb> (?:resting|placed|is|rests))? "
    r"(?P<where>on|at|behind|against) each "
    r"(?P<target>hip|knee|thigh|shoulder|ear|cheek|temple|shin|ankle|foot)\b"
)
BOTH_OF: Final = re.compile(rf"(?i)\bboth (?:of )?(?:the|their|his|her|its) (?=(?:{LIMB})\b)")
EITHER_SIDE: Final = re.compile(r"(?i)\b(?P<where>on|at|to) (?:either|each) side\b(?! of)")


def resolve_other(match: re.Match[str], text: str) -> str | None:
    """A match of OTHER in a text with its side named: in "the left hand up, the other down" it is the right hand.

    None where no side was named before, or where "one" stands nearer, as in "one hand up and the other down".
    """
    part = match["part"]
    if (match["word"].lower() == "opposite" or not match["article"]) and part is None:
        return None
    before = [each for each in _MENTION.finditer(text, 0, match.start())]
    if part and match["word"].lower() == "other":
        alike = [each for each in before if _alike(each["part"], part)]
    else:
        alike = [each for each in before if re.fullmatch(LIMB, each["part"].lower())]
    if not alike or alike[-1]["which"].lower() not in ("left", "right"):
        return None
    if text[: match.start()].rstrip().lower().endswith(("each", "one after the", "on top of each")):
        return None
    return f"the {other_side(alike[-1]['which'])} {part or singular(alike[-1]['part'])}"


def both(match: re.Match[str]) -> str:
    """A match of EACH with both limbs."""
    verb = f" {_EACH_VERBS[match['verb'].strip().lower()]}" if match["verb"] else ""
    where = f" {match['where']} the {plural(match['target'])}" if match["target"] else ""
    return f"both {plural(match['part'])}{verb}{where}"


def both_on(match: re.Match[str]) -> str:
    """A match of ON_EACH with both limbs: "one hand on each hip" is "both hands on the hips"."""
    return f"both {plural(match['part'])} {match['where']} the {plural(match['target'])}"


def _alike(one: str, other: str) -> bool:
    """Whether two parts belong to the same limb."""
    limbs = (re.fullmatch(LIMB, one.lower()), re.fullmatch(LIMB, other.lower()))
    if all(limbs):
        places = {"heel": "leg"}
        return places.get(region(one), region(one)) == places.get(region(other), region(other))
    return singular(one) == singular(other)
