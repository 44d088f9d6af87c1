"""Sides that are named apart from their limb: "on one leg, the left", "raised arm: right", "left: arm up"."""

import re
from typing import Final

from mardm_batch.language.limbs import other_side, singular
from mardm_batch.language.statements.references import ARM, LEG, OWN

_PART: Final = rf"(?:{ARM}|{LEG}|shoulder|hip)"
_NAMED_AFTER: Final = re.compile(
    rf"\b(?:(?:only |just )?(?:one|1)|an?|single)(?: of (?:the|their|his|her|your|my))? (?P<how>(?:long|straight|bent"
    rf"|single|raised|lifted) )?(?P<part>{_PART})(?P<several>s)?\b(?P<said>(?:(?!\b(?:left|right"
    rf"|other)\b)[^.;!?]){{0,70}}?)"
    r"(?:[,:(—–-]+ ?| that is | namely )(?:and )?(?:that['’]?s |that is |it['’]?s |which is |namely |i mean "
    r")?(?:the |her "
    r"|his |their |my )?(?P<side>left|right)(?: (?:one|1|side))?(?:\)|(?=$|[,.;:!?]| (?:and|while|with|but|since) ))"
)
_THE_OTHER: Final = re.compile(rf"\bthe other(?P<part> (?:one|{_PART}))?\b(?! (?:way|side|person|hip|knee)\b)")
_AFTER_LABEL: Final = re.compile(
    r"\b(?P<how>standing|supporting|support|lifted|raised|working|free|gesture|front|leading|lead|forward|back|rear"
    r"|trailing|bent|straight|extended|kneeling|planted|lower|upper|top|bottom) "
    rf"(?P<part>{_PART})(?:: ?| is the | = | )(?P<side>left|right)(?: one)?(?=$|[,.;:!?)]| (?:and|with) )"
)
_IN_PLACE: Final = re.compile(
    rf"\b(?P<how>front|back|rear|behind|ahead|up|down|raised|lifted|forward|forwards): ?(?:the "
    rf")?(?P<limb>(?:left|right) "
    rf"{_PART})(?=$|[,.;!?])"
)
_PLACES: Final = {
    "front": "in front", "leading": "in front", "lead": "in front", "forward": "in front", "back": "behind",
    "rear": "behind", "trailing": "behind",
}  # fmt: skip
_BEARING: Final = frozenset(("standing", "supporting", "support"))
_OF_BOTH: Final = re.compile(
    r"\b(?P<parts>arms|legs|hands|feet|knees|elbows): ?(?:the )?(?P<side>left|right)(?: one)?(?= (?!arm|leg|hand|foot"
    r"|knee|elbow|one)\w)"
)
_ON_OFF: Final = re.compile(r"\b(?P<limb>(?:left|right) (?:foot|hand|knee|heel)): ?(?P<how>on|off|up|down)(?=$|[,.;])")
_BARE: Final = rf"(?<!left )(?<!right )(?<!left upper )(?<!right upper )\b(?P<part>{ARM}|{LEG}|shoulder|hip)"
_ASIDE: Final = re.compile(
    rf"(?:\b(?:{OWN}|one|an?) )?(?P<before>\b(?:rear|back|front|lead|leading|sword|free|raised|lifted|bent|straight) )?"
    rf"{_BARE}(?P<said>(?: (?!left\b|right\b|and\b)[\w'’-]+){{0,6}}) ?"
    r"(?P<open>\(|, (?:that is,? |namely |just |only )?|[-–—] )(?:the |his |her |their )?(?P<side>left|right)(?: one)?"
    r"(?P<close>\)| [-–—](?= )|,(?= )|(?=[;.]|$))"
)
"""One arm (the left); one knee up, the right."""
_ON_A_SIDE: Final = re.compile(
    rf"(?:\b(?:{OWN}) )?{_BARE}(?P<said>(?: (?!left\b|right\b|and\b|to\b|towards?\b)[\w'’-]+){{0,7}}?),?"
    r" on (?:the |his |her |their )(?P<side>left|right)(?: side)?(?: only)?"
    r"(?=$|[,.;:)]| (?:is|and|while|with|raised|lifted|bent|straight|hangs|hanging)\b)"
)
"""Elbow flexed to 90 degrees on the right."""
_LABELLED: Final = re.compile(
    r"(?P<start>^|[.;,(] ?)(?:on (?:the|his|her|their) )?(?P<side>left|right|l|r)(?: side)?(?: of the body)?(?: only)?"
    r": (?P<list>[^.;:]+?)(?=$|[.;]|, (?:on the )?(?:left|right|l|r)(?: side)?:)"
)
_LISTED: Final = re.compile(rf"(?P<start>^|, (?:and |the )?| and (?:the )?)(?P<part>{ARM}|{LEG}|shoulder|hip)\b")


def _with_sides_after(text: str) -> str:
    """A text with the sides that are named after limbs before their names."""
    if ":" in text or " is the " in text or " leg left" in text or " leg right" in text:
        text = _ON_OFF.sub(lambda match: f"{match['limb']} {_on_or_off(match['how'])}", text)
        text = _OF_BOTH.sub(lambda match: f"{match['side']} {singular(match['parts'])}", text)
        text = _IN_PLACE.sub(lambda match: f"{match['limb']} {_PLACES.get(match['how'], match['how'])}", text)
        text = _AFTER_LABEL.sub(_with_label, text)
    if "left" not in text and "right" not in text:
        return text
    if match := _NAMED_AFTER.search(text):
        side, part = match["side"], match["part"]
        rest = _THE_OTHER.sub(
            lambda other: f"the {other_side(side)} {(other['part'] or ' one').replace(' one', f' {part}').strip()}",
            text[match.end() :],
        )
        said = f"{match['how'] or ''}{match['said'].strip(' ,')}"
        rest = rest if said else rest.removeprefix(",")
        text = f"{text[: match.start()]}{' '.join(filter(None, (side, part, said)))}{rest}"
    return text


def _on_or_off(how: str) -> str:
    return f"{how} the floor" if how in ("on", "off") else how


def _with_label(match: re.Match[str]) -> str:
    """Of "standing leg: right" the right leg."""
    side, part, how = match["side"], match["part"], match["how"]
    if how in _BEARING:
        return f"standing on the {side} {part}"
    return f"{side} {part} {_PLACES.get(how, how)}"


def with_sides(text: str) -> str:
    """A text in lower case with the side of each limb before its name."""
    text = _with_sides_after(text)
    if ":" in text:
        text = _LABELLED.sub(_each_of_side, text)
    if "(" in text or ", left" in text or ", right" in text or ", the " in text or " - " in text or "–" in text:
        text = _ASIDE.sub(_of_aside, text)
    if " on the " in text:
        text = _ON_A_SIDE.sub(_of_that_side, text)
    return text.replace(" that left ", " the left ").replace(" that right ", " the right ")


def _each_of_side(match: re.Match[str]) -> str:
    """Of "left: arm up, knee bent" the left arm and the left knee."""
    side = "left" if match["side"].startswith("l") else "right"
    named = _LISTED.sub(lambda part: f"{part['start']}{side} {part['part']}", match["list"])
    return f"{match['start']}{named}"


def _of_aside(match: re.Match[str]) -> str:
    said = match["said"]
    if said and match["open"] != "(" and not match[0].startswith(("one ", "a ", "an ")):
        return match[0]
    how = f" {match['before'].strip()}" if match["before"] in ("raised ", "lifted ", "bent ", "straight ") else ""
    comma = "," if said and match["close"] == "," else ""
    return f"{match['side']} {match['part']}{how}{said}{comma}"


def _of_that_side(match: re.Match[str]) -> str:
    if not match["said"] and match["part"] == "hand":
        return match[0]
    return f"{match['side']} {match['part']}{match['said']}"
