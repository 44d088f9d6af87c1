"""Sentences put plainly, for the rules: each part by its own name and side, before what is said of it.

"the left arm up, the right out" is "the left arm up, the right arm out", "lifts the right heel" is "right heel lifted",
and "the right arm is bent, the hand on the hip" names the right hand.
"""

import re
from typing import Final

from mardm_batch.language.limbs import other_side, plural, singular
from mardm_batch.language.statements.references import ARM, LEG, OWN, is_arm, refer, resolved

_PREDICATE: Final = (
    "is|stays?|remains?|held|kept|straight|bent|extended|flexed|raised|lifted|lowered|stretched|pointing|points|hanging"
    "|hangs|dangling|reaching|reaches|resting|rests|placed|pulled|drawn|folded|crossed|tucked|planted|flat|pushed|swung"
    "|kicked|relaxed|lies|lying|touching|touches|touch|holding|gripping|horizontal|vertical|outstretched|slightly|fully"
    "|forwards?|backwards?|ahead|leading|down|up|out|off|soft|softened|loose|locked|cocked|curled|rotated|lightly"
    "|gently|firmly|hangs|swings|drops|dangles|lifts|rises|bends|extends|stretches|crosses|goes|aimed|raises|thrust|supports|holds|grips|grasps|covers|cups|clasps|braces|presses|leans|bears|carries"
    "|trails|leads|steps"
)
_PLACE: Final = "on|at|in|over|across|behind|back|to|by|against|above|under|below|beside|near|high|low|level"
_NEXT_CLAUSE: Final = r"(?:[,;:] |\band |\bwhile |\bwhereas |\bwith |\bbut |\bas )+"
_IS: Final = re.compile(
    rf"\b(?P<part>{ARM}|{LEG}|head|chin|face|chest|torso|trunk|back|hip|shoulder|bum|bottom|butt|seat|one|other)['’]s "
    r"(?=(?:in|on|up|down|out|off|over|under|back|behind|at|to|bent|straight|all|just|flat|high|low|above|forwards?"
    r"|by|against|\w+ing|\w+ed)\b)"
)
_ELLIPSIS: Final = re.compile(
    rf"(?P<before>{_NEXT_CLAUSE}(?:(?P<own>{OWN}) )?)(?P<side>left|right)"
    rf"(?= (?:(?P<place>{_PLACE})|{_PREDICATE})\b|[,.;]? ?$)"
)
_HAND_ALONE: Final = re.compile(
    r"\b(?:his|her|their) (?P<side>left|right)(?= (?:(?:is|rests|resting|lies|placed) )?(?:on|at|against|behind) "
    r"(?:the |his |her |their )?(?:\w+ of (?:the |his |her |their )?)?"
    r"(?:hips?|waist|head|neck|chest|face|chin|knee|thigh|shoulder|forehead|belly|back)\b)"
)
_PAIR: Final = re.compile(
    rf"\b(?:both )?(?:(?:{OWN}) )?(?P<side>left|right)(?: (?P<first>{ARM}|{LEG}))? and (?:(?:{OWN}) )?"
    rf"(?P<other>left|right) (?P<part>{ARM}|{LEG})(?P<several>s)?\b"
)
_PREPOSITION: Final = re.compile(r"\b(?:on|onto|of|to|towards?|at|over|against|than|from|behind|across)(?: \w+){0,2} $")
_ADJECTIVE: Final = re.compile(
    r"\b(?P<how>raised|lifted|lowered|outstretched|extended|stretched|crossed|folded|bowed|tilted|clasped) "
    rf"(?P<part>(?:left|right) (?:{ARM}|{LEG})|arms|hands|legs|forearms|wrists|ankles|head)\b(?! (?:hold|grip|touch))"
)
_OTHER: Final = re.compile(
    rf"\b(?P<first>one (?P<part>arm|hand|elbow|leg|knee|foot)\b[^.;]{{1,60}}?{_NEXT_CLAUSE})(?:the )?other(?: one)?"
    rf"(?= (?:{_PREDICATE}|{_PLACE})\b)(?<!knee down and the other)(?<!knee up and the other)"
)
_OF_LIMB: Final = re.compile(
    rf"\b(?:(?:{OWN}) )?(?P<part>{ARM}|{LEG}) of (?:{OWN}) (?:\w+ )?(?P<side>left|right) "
    r"(?:arm|leg|hand|foot|side|one)\b"
)
_PART: Final = re.compile(
    rf"(?P<before>(?:[,;:] |\band |\bwith |\bwhile |\bso (?:that )?|\bas )+(?:(?:the|its|his|her|their|that) )?)"
    rf"(?P<part>(?P<arm>{ARM})|{LEG})"
    rf"(?= (?:(?:{_PREDICATE})|{_PLACE}|facing|close|next|\w+ing|\w+ed|at|in|towards?|beneath|into|perpendicular"
    rf"|parallel|level|wide|upright"
    r"|overhead|fanned|akimbo)\b)"
)
_CRADLED: Final = re.compile(
    r"(?P<before>\b(?:chin|cheek|head|face|forehead|temple) (?:\w+ ){0,2}?(?:in|on|against) (?:the|its|his|her|their"
    r"|that) )"
    r"(?P<part>(?P<arm>hand|palm|fist))\b"
)
_EXCEPT: Final = re.compile(
    r"\bboth (?P<parts>arms|legs|hands|feet|knees|elbows|heels)\b(?P<said>[^.;]{1,80}?),? "
    r"(?:except|apart from|save)(?: for)? (?P<rest>(?:[\w-]+ ){0,5}?(?P<side>left|right)\b(?P<one> one)?)"
)
_PARTICIPLES: Final = {
    "rais": "raised", "lift": "lifted", "extend": "extended", "straighten": "straightened", "stretch": "stretched",
    "cross": "crossed", "fold": "folded", "turn": "turned", "tilt": "tilted", "twist": "twisted", "rotat": "rotated",
    "lower": "lowered", "drop": "dropped", "plac": "placed", "rest": "resting", "put": "put", "putt": "put",
    "press": "pressed", "tuck": "tucked", "swing": "swung", "kick": "kicked", "keep": "kept", "spread": "spread",
    "open": "opened", "bring": "brought", "draw": "drawn", "pull": "pulled", "push": "pushed", "lean": "leaning",
    "plant": "planted", "mov": "moved", "point": "pointing", "reach": "reaching", "hold": "held", "bow": "bowed",
    "tip": "tipped", "tipp": "tipped", "lay": "laid", "set": "set", "bend": "bent", "thrust": "thrust",
}  # fmt: skip
"""By the stem of a verb."""
_AIM: Final = (
    r"(?= (?:(?:straight|far|high|both|right|all) )*(?:out|up|upwards?|forwards?|back|backwards?|above|over|behind"
    r"|in front"
    r"|down|downwards?|sideways|to|towards?|overhead|across|ahead|along|beside|apart|wide|together|at|on|onto"
    r"|diagonally"
    r"|parallel|horizontal\w*|vertical\w*)\b)"
)
_ACTIVE: Final = re.compile(
    r"(?<!hand )(?<!hands )(?<!arm )(?<!arms )(?<!fingers )(?<!palms )(?<!to )(?<!ll )(?<!ould )(?<!can )"
    r"(?<!leg )(?<!knee )(?<!foot )"
    rf"(?P<and> and )?\b(?P<stem>{'|'.join(sorted(_PARTICIPLES, key=len, reverse=True))})(?:e?s|ing|e)? "
    rf"(?P<part>(?:(?:{OWN}) )?(?:(?:both )?(?:arms|hands|elbows|palms|fists|forearms|legs|knees|feet|heels|thighs"
    rf"|toes)"
    rf"|(?:left|right|one|other) (?:{ARM}|{LEG}|shoulder|hip)|(?:the|his|her|their) (?:foot|hand|knee|heel|arm|leg"
    rf"|elbow|forearm|thigh)|head|chin|face|gaze|(?:whole |entire )?(?:torso|trunk|upper body|body)|chest|hips"
    r"|shoulders))\b(?!['’-])"
)
_NEED_AIM: Final = frozenset(
    ("stretch", "reach", "hold", "keep", "swing", "bend", "point", "push", "mov", "kick", "open")
)
_POSSESSIVE: Final = re.compile(
    r"\b(?:his|her|their|its|your|my)(?= (?!and\b|with\b|while\b|on\b|in\b|to\b|up\b"
    r"|down\b|own\b)\w)"
)
_PALM_DOWN: Final = re.compile(
    r"(?<!left)(?<!right) palm[- ](?:side )?(?:down|up)(?:wards?)?(?= (?:on|against|at"
    r"|over)\b)"
)
_SIDES: Final = re.compile(r"\b(?:left|right) \w+ and (?:the |his |her |their )?(?:left|right) ")
_AIMED: Final = re.compile(_AIM)


_LEG_AHEAD: Final = re.compile(
    r"\b(?P<side>left|right) (?:leg|foot) (?:(?:is|steps?|stepped|stepping|placed|planted|set|lung\w+|well|far|a|one"
    r"|big|long|step|stride|stretched|extended|out|straight) )*"
    r"(?:(?P<ahead>forwards?|in front|ahead|leads?|leading)|(?P<behind>back|behind|backwards?|trail(?:s|ing)?|to the"
    r" rear))"
    r"\b(?! (?:of|the|in)\b)"
)
_BY_PLACE: Final = re.compile(
    rf"\b(?:(?P<ahead>front|leading|lead|forward)|back|rear|trailing|hind) (?P<part>{LEG})\b(?! (?:of|to) )"
)


def put_plainly(text: str) -> str:
    """A text in lower case in the words of the rules."""
    if "'" in text or "’" in text:
        text = _IS.sub(r"\g<part> is ", text)
    if " leg " in text or " foot " in text:
        text = _with_sides_of_places(text)
    text = refer(text)
    if " palm" in text:
        text = _PALM_DOWN.sub("", text)
    if " of " in text:
        text = _OF_LIMB.sub(lambda match: f"{match['side']} {match['part']}", text)
    if "other " in text:
        text = _OTHER.sub(lambda match: f"{match['first']}one {match['part']}", text)
    if "both " in text:
        text = _EXCEPT.sub(_but_for_one, text)
    text = _ACTIVE.sub(_put_passively, text)
    text = _ADJECTIVE.sub(_put_after, text)
    if "left and" in text or "right and" in text or _SIDES.search(text):
        text = _PAIR.sub(_both_of_pair, text)
    if "left" in text or "right" in text:
        text = resolved(_ELLIPSIS, text, _named_after_other)
        text = _HAND_ALONE.sub(lambda match: f"{match[0]} hand", text)
        text = resolved(_PART, text, _with_side)
        text = resolved(_CRADLED, text, _with_side)
    return _POSSESSIVE.sub("the", text)


def _with_sides_of_places(text: str) -> str:
    """A text with the sides of its front knee and its rear foot, where it says which leg is in front."""
    front = {match["side"] if match["ahead"] else other_side(match["side"]) for match in _LEG_AHEAD.finditer(text)}
    if len(front) != 1:
        return text
    (side,) = front
    return _BY_PLACE.sub(lambda match: f"{side if match['ahead'] else other_side(side)} {match['part']}", text)


def _named_after_other(match: re.Match[str], last: re.Match[str]) -> str:
    """Of "the left arm up, the right out" the second."""
    if last["side"] not in (None, other_side(match["side"])) or not (match["own"] or _may_lack_article(match)):
        return match[0]
    part = last["part"] or singular(last["both"])
    if part == "arm" and match["place"] in ("on", "at", "against"):
        part = "hand"
    return f"{match['before']}{match['side']} {part}"


def _may_lack_article(match: re.Match[str]) -> bool:
    """Not "right behind the left foot"."""
    return match["side"] == "left" or not match["place"]


def _with_side(match: re.Match[str], last: re.Match[str]) -> str:
    """Of "the left arm bent, the hand on the hip" the hand."""
    same_limb = last["part"] and is_arm(last) == bool(match["arm"])
    return (
        f"{match['before']}{last['side']} {match['part']}"
        if same_limb and last["side"] in ("left", "right")
        else match[0]
    )


def _but_for_one(match: re.Match[str]) -> str:
    """Of "both arms are straight except the left" the right arm."""
    part = singular(match["parts"])
    named = f" {part}" if match["one"] or match.end() == len(match.string) else ""
    rest = match["rest"].removesuffix(" one")
    return f"{other_side(match['side'])} {part}{match['said']}, {rest}{named}"


def _both_of_pair(match: re.Match[str]) -> str:
    """Of "the left hand and the right hand" both hands; not of "turned to the left and the right hand up"."""
    is_pair = match["side"] != match["other"] and match["first"] in (None, match["part"])
    if match["first"] is None and not (match["several"] or match[0].startswith("both ")):
        is_pair = False
    return f"both {plural(match['part'])}" if is_pair and not _is_object(match) else match[0]


def _put_after(match: re.Match[str]) -> str:
    """Of "a raised right knee" the knee that is raised."""
    if not match["part"].startswith(("left", "right")) and _is_object(match):
        return match[0]
    return f"{match['part']} {match['how']}"


def _is_object(match: re.Match[str]) -> bool:
    """Whether a preposition stands before it."""
    return bool(_PREPOSITION.search(match.string[max(match.start() - 30, 0) : match.start()]))


def _put_passively(match: re.Match[str]) -> str:
    """Of "lifts the right heel" the heel that is lifted."""
    stem = match["stem"]
    if stem in _NEED_AIM and not _AIMED.match(match.string, match.end()):
        return match[0]
    return f"{', ' if match['and'] else ''}{match['part']} {_PARTICIPLES[stem]}"
