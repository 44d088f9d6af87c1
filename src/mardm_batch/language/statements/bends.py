"""Knees and elbows that are straight or bent."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from mardm_batch.language.numbers import SPELT, value
from mardm_batch.language.statements.rules import (
    ABOUT,
    ADVERB,
    OF,
    Match,
    Rule,
    either_of,
    limb,
    states,
    subject,
    unless_said,
)

_STRAIGHT: Final = (
    r"(?:(?P<exact>straight(?:ened)?|fully extended|locked)|extended|outstretched|stretched|unbent|long)\b"
)
_STRAIGHT_BEFORE: Final = r"(?:(?P<exact>straight(?:ened)?|fully extended|locked|straighten|lock)|stretched)"
_SLIGHT: Final = (
    r"(?:(?P<slight>slightly|a little|a bit|softly|gently|barely|somewhat)"
    r"|(?P<deep>deeply|sharply|fully|tightly|completely)) "
)
_ANGLE: Final = rf"{ABOUT}(?:a |an )?(?P<degrees>\d+|{SPELT})[ -]degrees?(?: angles?)?\b"
_SQUARE: Final = rf"(?P<square>{ABOUT}(?:a )?right angles?)\b"
_SIZE: Final = rf"{ABOUT}(?:(?:at|to|in|by) )?(?:{_ANGLE}|{_SQUARE})"
_IS_STRAIGHT: Final = "straight straightened straighten extended locked lock outstretched stretched unbent long"
_IS_BENT: Final = "bent flexed folded bending flexing bend bends flex flexes"


def rules() -> Iterator[Rule]:
    """Of legs and arms by their own names and those of their joints."""
    for word, part in (("leg", "knee"), ("knee", "knee"), ("arm", "elbow"), ("elbow", "elbow")):
        named = f"{word} {word}s"
        one = either_of(word)
        is_straight = rf"{limb(word)},? {ADVERB}(?:(?:lifted|raised|kicked) and )?{_STRAIGHT}(?! apart)"
        yield Rule(named, _IS_STRAIGHT, is_straight, partial(_straight, part))
        yield Rule(named, _IS_STRAIGHT, rf"{_STRAIGHT_BEFORE} {OF}(?:both )?{one}", partial(_straight, part))
        hardly = rf"{limb(word)} {ADVERB}(?:hardly|scarcely) (?:bent|flexed)\b"
        yield Rule(named, "hardly scarcely", hardly, states(f"{{{part}}} bent ..50"))
        bent = rf"{limb(word)} {ADVERB}(?:{_SLIGHT})?(?:bent|flexed|folded|bending)(?: (?:{_SIZE}))?\b"
        yield Rule(named, _IS_BENT, bent, partial(_bent, part))
        yield Rule(named, _IS_BENT, rf"(?:{_SLIGHT})?bent {one}(?: (?:{_SIZE}))?", partial(_bent, part))
        bend = rf"(?:{_SLIGHT})?(?:bend|flex) {OF}(?:both )?{one}(?: (?:{_SIZE}))?(?! (?:back|towards?|in)\b)"
        yield Rule(named, "bend flex", bend, partial(_bent, part))
        if word == part:
            yield Rule(named, _IS_BENT, rf"{limb(word)} (?:bends|bend|flexes|flex)\b", partial(_bent, part))
            at_angle = rf"{limb(word)}(?: joints?)?,? (?:(?:is|are|both|held|kept|each) )*(?:{_SIZE})"
            yield Rule(named, "degree degrees angle angles", at_angle, partial(_bent, part))
            in_joint = rf"(?:{_ANGLE}|{_SQUARE})(?: bend)? (?:in|at) {OF}(?:both )?{one}"
            yield Rule(named, "degree degrees angle angles", in_joint, partial(_bent, part))
            extension = rf"{limb(word)} (?:(?:is|are|both) )*in (?P<exact>full |complete )?extension\b"
            yield Rule(named, "extension", extension, partial(_straight, part))
            loose = (
                rf"{limb(word)} (?:(?:is|are|both|a|little|bit|slightly|quite) )*(?:soft|softened|loose|slack|unlocked)"
                r"\b"
            )
            yield Rule(named, "soft softened loose slack unlocked", loose, states(f"{{{part}}} bent 8..75"))
    heel = (
        rf"{limb('heel', 'foot')} (?:\w+ ){{0,4}}?(?:to|towards?|against|at) {OF}(?:own |left |right )?(?:buttocks?"
        r"|bum|glutes?)\b"
    )
    yield Rule("heel heels foot feet", "buttock buttocks bum glute glutes", heel, states("{knee} bent 80.."))
    standing = r"(?:standing|stands|stand) (?:up )?(?:upright|straight|tall|erect)\b"
    yield Rule("standing stands stand", "upright straight tall erect", standing,
               unless_said(r"bent|bend\w*|knees?|legs?|foot|feet", states("knees bent ..45")))  # fmt: skip
    lunge = r"(?:lunge|lunging|lunges)\b"
    yield Rule("lunge lunging lunges", "lunge lunging lunges", lunge, states("either knee bent 45.."))
    flat = rf"{limb('leg')} (?:(?:is|are|lies|lying|lie|kept|stays?) )*flat\b"
    yield Rule("leg legs", "flat", flat, states("{knee} bent ..35"))
    hugging = (
        r"(?:hugging|hugs|hug|clasping|clasps|arms (?:are )?(?:wrapped|folded|locked) (?:a?round)|wrapping both arms "
        r"around)"
        r" (?:of )?(?:the |their |his |her |both |its )*(?:knees|shins|legs)\b"
    )
    passive = r"(?:knees|shins|legs) (?:are )?hugged\b"
    for condition in ("knees bent 75..", "hands near knees 0.5"):
        yield Rule("knees shins legs", "hugging hugs hug hugged clasping clasps wrapped folded locked wrapping",
                   f"(?:{hugging}|{passive})", states(condition))  # fmt: skip


def _straight(part: str, match: Match) -> str:
    return f"{subject(match, part)} bent ..{28 if match['exact'] else 38}"


def _bent(part: str, match: Match) -> str | None:
    groups = match.groupdict()
    limits = "40.."
    if groups.get("degrees"):
        degrees = int(value(groups["degrees"]))
        if not 20 <= degrees <= 150:
            return None
        limits = f"{degrees - 22}..{degrees + 22}" if degrees > 30 else f"8..{degrees + 30}"
    elif groups.get("square"):
        limits = "62..118"
    elif groups.get("slight"):
        limits = "8..60"
    elif groups.get("deep"):
        limits = "80.."
    return f"{subject(match, part)} bent {limits}"
