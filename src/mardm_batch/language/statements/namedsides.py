"""Limbs whose side a caption names somewhere else: "one arm (the left)", "the knee on the right", "left: arm up"."""

import re
from typing import Final

from mardm_batch.language.statements.references import ARM, LEG, OWN

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


def with_sides(text: str) -> str:
    """A text in lower case that names a left or a right, its limbs with the sides that it names elsewhere."""
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
