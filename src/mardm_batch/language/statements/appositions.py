"""Sides that are named after what is said of a limb: "on one leg, the left", "raised arm: right"."""

import re
from typing import Final

from mardm_batch.language.limbs import other_side, singular
from mardm_batch.language.statements.references import ARM, LEG

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


def name_sides(text: str) -> str:
    """A text in lower case with the side of each limb before its name."""
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
