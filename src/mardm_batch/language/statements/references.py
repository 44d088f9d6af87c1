"""What "it", "its toes" and "the left one" refer to in a sentence."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from mardm_batch.language.limbs import other_side, singular

OWN: Final = "the|their|his|her|its|your|my"
ARM: Final = "arm|hand|elbow|forearm|wrist|fist|palm|fingertips?|fingers?|thumb|knuckles|upper arm"
LEG: Final = "leg|knee|foot|thigh|shin|ankle|heel|sole|toes|calf"
_ARMS: Final = re.compile(rf"{ARM}|shoulder")
_MENTION: Final = re.compile(
    rf"(?P<object>\b(?:on|onto|at|to|of|over|across|behind|against|near|by|under|above|below|beside|around|from|than"
    rf"|upon|towards?|touch\w*|hold\w*|grip\w*|clasp\w*|reach\w*|meets?|in front of|inside|for|graz\w+|brush\w*"
    rf"|grasp\w*"
    rf"|grab\w*)"
    rf" (?:(?:{OWN}) )?(?:\w+ of (?:{OWN}) )?)?\b"
    rf"(?:(?P<side>left|right|one|an?) (?P<part>{ARM}|{LEG}|shoulder|hip)|(?P<both>arms|hands|elbows|legs|knees"
    rf"|feet))\b"
)
_ONE: Final = re.compile(rf"(?P<own>\b(?:{OWN}) )?\b(?P<side>left|right) one\b(?!['’-])")
_BARE: Final = re.compile(rf"\b(?:{OWN}) ({ARM}|{LEG})\b")
_DONE_TO: Final = (
    r"(?:on|onto|upon|to|against|with|under|beneath|above|below|over|around|behind|beside|towards?|for|by|near"
    r"|touch\w*|meet\w*|hold\w*|grip\w*|grasp\w*|grab\w*|clasp\w*|support\w*|hug\w*|cradl\w+|cup\w*|press\w*|catch\w*"
    r"|graz\w+|brush\w*|clutch\w*|cover\w*|pull\w*|in front of)"
)
_IT: Final = re.compile(
    rf"(?P<done>\b{_DONE_TO} )(?:it|itself)\b(?! (?:is|was|with|by|in|has|can|goes|looks|points)\b)"
)
_THEM: Final = re.compile(
    r"\b(?P<done>(?:on|onto|upon|round|around|against|to|into|over|behind|between|beside|under|above|clasp\w*|hug\w*"
    r"|hold\w*|grip\w*|grasp\w*|grab\w*|clutch\w*|touch\w*|rub\w*) )(?:both of )?them\b(?! [a-z]+ing\b)"
)
_PLURAL: Final = re.compile(
    r"(?<!left )(?<!right )\b(?P<parts>knees|thighs|shins|ankles|feet|toes|heels|hips|ears|cheeks|elbows|shoulders"
    r"|forearms|calves|legs|arms|hands|\w{4,}s)\b"
)
_ITS: Final = re.compile(rf"\b(?:its (?P<own>{ARM}|{LEG})|that (?P<part>{ARM}|{LEG}|shoulder|hip))\b(?!['’-])")
_SOMETHING: Final = re.compile(
    r"\b(?:an?|another) (?!bit\b|little\b|right\b|left\b|straight\b|line\b|high\b|deep\b|step\b|fist\b|\w+ angle\b"
    r"|angle\b|t\b|v\b)\w+"
    r"|\b(?:ball|bar|chair|table|wall|box|pole|stick|rope|rail|bench|desk|door|ladder|stool|bed|floor|ground|mat)\b"
)
"""A thing that "it" may stand for."""


def refer(text: str) -> str:
    """The text with what its pronouns refer to."""
    if " one" in text:
        text = _ONE.sub(lambda match: _one_of_that_side(match, text), text)
    if " them" in text:
        text = _THEM.sub(lambda match: _several_that_were_named(match, text), text)
    if re.search(r"\b(?:it(?:s|self)?|that)\b", text):
        text = _ITS.sub(lambda match: _part_of_that_limb(match, text), text)
        text = _IT.sub(lambda match: _that_limb(match, text), text)
    return text


def subjects(text: str) -> Iterator[re.Match[str]]:
    """The mentions of limbs that something is said of; not those that are touched by others."""
    return (match for match in _MENTION.finditer(text) if match["object"] is None)


def resolved(pattern: re.Pattern[str], text: str, resolve: Callable[[re.Match[str], re.Match[str]], str]) -> str:
    """The text, each match of the pattern resolved by the last mention of a limb that does something before it."""
    mentions = subjects(text)
    mention, last = next(mentions, None), None
    parts, end = [], 0
    for match in pattern.finditer(text):
        while mention is not None and mention.end() <= match.start():
            last, mention = mention, next(mentions, None)
        if last is not None and not re.search("[.!?]", text[last.end() : match.start()]):
            parts += [text[end : match.start()], resolve(match, last)]
            end = match.end()
    return "".join((*parts, text[end:]))


def is_arm(mention: re.Match[str]) -> bool:
    """Whether a mention is of a part of an arm."""
    return _ARMS.fullmatch(mention["part"] or singular(mention["both"])) is not None


def _one_of_that_side(match: re.Match[str], text: str) -> str:
    """Of "standing on the right leg with the left one lifted" the left leg."""
    before = [
        mention
        for mention in _MENTION.finditer(text, 0, match.start())
        if mention["both"] or mention["side"] == other_side(match["side"])
    ]
    if not before:
        parts = _BARE.findall(text, 0, match.start())
        return f"{match['own'] or ''}{match['side']} {parts[-1]}" if parts else match[0]
    last = ([mention for mention in before if mention["object"] is None] or before)[-1]
    return f"{match['own'] or ''}{match['side']} {last['part'] or singular(last['both'])}"


def _part_of_that_limb(match: re.Match[str], text: str) -> str:
    """Of "the left leg is raised, the right hand gripping its toes" the left toes; of "and that hip" its hip."""
    part = match["own"] or match["part"]
    arm = _ARMS.fullmatch(part) is not None
    mentioned = _in_sentence(text, match.start())
    before = [mention for mention in mentioned if is_arm(mention) == arm] or (mentioned if match["part"] else [])
    if not before or before[-1]["side"] not in ("left", "right"):
        return match[0]
    return f"the {before[-1]['side']} {part}"


def _several_that_were_named(match: re.Match[str], text: str) -> str:
    """Of "the knees are together, the hands on them" the knees."""
    start = max(text.rfind(mark, 0, match.start()) for mark in ".!?") + 1
    before = [named["parts"] for named in _PLURAL.finditer(text, start, match.start())]
    if len(before) > 1 and before[-1] in ("hands", "elbows", "arms", "forearms", "fists", "palms", "fingers"):
        del before[-1]  # what is on them
    limbs = ("knees", "thighs", "shins", "ankles", "feet", "toes", "heels", "hips", "legs", "ears", "cheeks")
    return f"{match['done']}the {before[-1]}" if before and before[-1] in limbs else match[0]


def _that_limb(match: re.Match[str], text: str) -> str:
    """Of "the right knee is lifted and the left elbow touches it" the right knee."""
    before = _in_sentence(text, match.start())
    if len(before) < 2:
        return match[0]
    limb, toucher = before[-2:]
    if limb["side"] not in ("left", "right") or limb["part"] == toucher["part"] or toucher["object"]:
        return match[0]
    if _SOMETHING.search(text, limb.end(), match.start()):
        return match[0]
    return f"{match['done']}the {limb['side']} {limb['part']}"


def _in_sentence(text: str, end: int) -> list[re.Match[str]]:
    """The mentions of limbs in the sentence before a place in a text."""
    start = max(text.rfind(mark, 0, end) for mark in ".!?") + 1
    return list(_MENTION.finditer(text, start, end))
