"""The other hand, each hand: limbs named by what a caption says of another one."""

import re
from typing import Final

from mardm_batch.language.limbs import ARM, LEG, LIMB, other_side, plural, region, singular

SIDE_WORDS: Final = frozenset(("other", "opposite", "each", "either", "both", "its", "contralateral"))
"""One of them is in every caption that a rule here changes."""

_PAIRED: Final = rf"{LIMB}|shoulders?|hips?|ears?|cheeks?"
_MENTION: Final = re.compile(rf"(?i)\b(?P<which>left|right|one|a|single|either) (?P<part>{_PAIRED})\b")
OTHER: Final = re.compile(
    rf"(?i)\b(?P<article>the |their |his |her |its )?(?P<word>other|opposite|contralateral|(?<=its )(?:[\w-]+ )?(?:twin"
    r"|partner|fellow|mate|counterpart|companion|neighbou?r|sibling|brother|sister)\b)"
    rf"(?: (?P<part>{_PAIRED})| one)?\b"
    r"(?! (?:side|person|people|end|direction|way|man|woman|player|dancer|things?|objects?)\b)"
)
_HOLDING: Final = (
    "holds|grips|grasps|grabs|clasps|touches|covers|cups|hugs|supports|catches"
    "|holding|gripping|grasping|grabbing|clasping|touching|covering|cupping|hugging|supporting"
)
"""Verbs that need no preposition before a part of the body."""
_RESTING: Final = (
    "is|are|has|rests|lies|stays|points|hangs|reaches|presses|goes|faces|props|sits|comes|lands|drops|settles"
    "|sitting|resting|lying|placed|pressing|pressed|pointing|hanging|reaching"
)
EACH: Final = re.compile(
    rf"(?i)(?P<of>\b(?:the )?(?:back|palm|sole|top|side) of )?\beach (?:of (?:the|their|his|her) )?"
    rf"(?P<part>{ARM}|{LEG}|heels?)(?:(?P<verb> (?:{_RESTING}|{_HOLDING}))?"
    rf"(?: (?P<where>on|at|behind|against|over|across)|(?<=ing)|(?<=s))"
    rf" (?:an?|its|one|the|their|its own) (?P<other>opposite |other )?(?P<target>{_PAIRED})"
    r"(?: (?:of|on|at) (?:the same|that|its(?: own)?|their own|the (?:corresponding|respective)) side)?"
    rf"|(?P<alone> (?:{_RESTING}|{_HOLDING})))?(?![\w-])"
)
"""Each hand on a hip; the back of each hand lies on the knee of that side."""
ON_EACH: Final = re.compile(
    r"(?i)\b(?:one|a) (?P<part>hand|fist|palm|arm|elbow)(?P<verb> (?:resting|placed|is|rests))? "
    r"(?P<where>on|at|behind|against|upon) (?:each|either) "
    r"(?P<target>hip|knee|thigh|shoulder|ear|cheek|temple|shin|ankle|foot|kneecap|buttock)\b"
)
BOTH_OF: Final = re.compile(rf"(?i)\bboth (?:of )?(?:the|their|his|her|its) (?=(?:{LIMB})\b)")
ITS: Final = re.compile(rf"(?i)\b(?P<word>its) (?P<part>{LIMB})\b")
EITHER_SIDE: Final = re.compile(r"(?i)\b(?P<where>on|at|to) (?:either|each) side\b(?! of)")


def resolve_other(match: re.Match[str], text: str) -> str | None:
    """A match of OTHER in a text with its side named: in "the left hand up, the other down" it is the right hand.

    None where no side was named before, or where "one" stands nearer, as in "one hand up and the other down".
    """
    part = match["part"]
    is_other = match["word"].lower() not in ("opposite", "contralateral")
    if not (is_other and match["article"]) and part is None:
        return None
    if not is_other and part.lower() not in ("toes", singular(part)):
        return None  # of both
    before = [each for each in _MENTION.finditer(text, 0, match.start())]
    if part and is_other:
        alike = [each for each in before if _alike(each["part"], part)]
    else:
        alike = [each for each in before if re.fullmatch(LIMB, each["part"].lower())]
    if not alike or alike[-1]["which"].lower() not in ("left", "right"):
        return "the other" if alike and match["word"].lower() not in SIDE_WORDS else None
    if text[: match.start()].rstrip().lower().endswith(("each", "one after the", "on top of each")):
        return None
    return f"the {other_side(alike[-1]['which'])} {part or singular(alike[-1]['part'])}"


def resolve_its(match: re.Match[str], text: str) -> str | None:
    """A match of ITS in a text with its side named: in "the left arm bent with its hand on the hip" the left hand.

    None where the last limb of the sentence that has a side is another one.
    """
    sentence = text[max(text.rfind(mark, 0, match.start()) for mark in ".;!?") + 1 : match.start()]
    before = [each for each in _MENTION.finditer(sentence) if each["which"].lower() in ("left", "right")]
    if not before or not _alike(before[-1]["part"], match["part"]):
        return None
    return f"the {before[-1]['which'].lower()} {match['part']}"


def both(match: re.Match[str]) -> str:
    """A match of EACH with both limbs."""
    of = f"{match['of'].removesuffix(' of ')}s of " if match["of"] else ""
    verb = _plural_verb(match["verb"] or match["alone"] or "")
    where = f" {match['where']}" if match["where"] else ""
    opposite = "opposite " if match["other"] else ""
    target = f" the {opposite}{plural(match['target'])}" if match["target"] else ""
    return f"{of}both {plural(match['part'])}{verb}{where}{target}"


def _plural_verb(verb: str) -> str:
    """A verb after a space as many do it: " touch" for " touches"."""
    known = {" is": " are", " has": " have", " goes": " go", " sits": " rest"}.get(verb.lower())
    if known or not verb.endswith("s"):
        return known or verb
    return verb.removesuffix("es") if verb.endswith(("ches", "sses")) else verb.removesuffix("s")


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
