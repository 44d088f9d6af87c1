"""Where legs, feet and knees are, how a person stands, and how far hands are apart."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    SIDE,
    Match,
    Rule,
    against_other,
    limb,
    states,
    subject,
    unless_said,
)

_FEET: Final = "foot feet leg legs"
_FOOT: Final = limb("foot", "leg")
_RESTING: Final = "sit|sits|sitting|sat|seated|lie|lies|lying|laying|supine|prone|chair|bench|recline[sd]?|reclining"


def rules() -> Iterator[Rule]:
    """Of one leg, then of both."""
    yield from _legs()
    yield from _stances()


def _legs() -> Iterator[Rule]:
    lifted = r"(?:(?:is|are|up|just|held|kept|being|straight|bent) )*"
    raised = r"(?:raised|lifted|lifts|raises|hovers|hovering|kicked|kicks|kicking|swung|high)\b"
    yield Rule(_FEET, "raised lifted lifts raises hovers hovering kicked kicks kicking swung high",
               rf"{_FOOT} {lifted}{raised}", _raised_foot)  # fmt: skip
    knee = rf"{limb('knee')} {lifted}(?:raised|lifted|lifts|high|up)\b(?! (?:than|to the chest))"
    yield Rule(
        "knee knees",
        "raised lifted lifts high up",
        knee,
        unless_said(_RESTING + "|kneel(?:s|ing)?|jump(?:s|ing)?|floor|ground|knee down|lung(?:e|es|ing)", _raised_knee),
    )
    apart = (
        r"(?:(?:is|are|goes|straight|stretched|extended|extends|stretches|raised|lifted|held|kicked|put|placed"
        r"|reaching|abducted|shot|stepped|up|out|swung|long|bent|and) )*"
    )
    outward = r"(?:out )?(?:to (?:the|his|her|their) (?:side|(?P=side)|(?P=side) side)|sideways)\b"
    yield Rule("leg foot", "side sideways left right", rf"{SIDE} (?:leg|foot) {apart}{outward}", _aside)
    abducted = rf"{SIDE} (?:leg|hip) (?:is )?abducted\b"
    yield Rule("leg hip", "abducted", abducted, _aside)
    one_aside = rf"one (?:leg|foot) {apart}(?:out )?(?:to the side|sideways)\b"
    either = "left_foot left of right_foot 0.25 or right_foot right of left_foot 0.25"
    yield Rule("leg foot", "side sideways", one_aside, states(either))
    other = r"the (?:other|left|right)(?: foot| leg| one)?\b(?! (?:hip|knee|hand|arm|thigh|shin|ankle|elbow))"
    steps = (
        r"(?:(?:is|are|steps?|stepping|stepped|placed|set|planted|put|far|well|slightly|a|step|one|stands?|kept|just"
        r"|right|directly|crosses|crossing|crossed) )*"
    )
    stride = r"(?:is )?(?:a |about |half a )*(?:long |big |large |wide )?(?:stride|step|metre|meter|pace) (?:far )?"
    far_behind = rf"{_FOOT} {stride}behind {other}"
    yield Rule(_FEET, "stride step metre meter pace", far_behind, against_other("{side}_foot behind {other}_foot 0.35"))
    far_ahead = rf"{_FOOT} {stride}(?:in front of|ahead of) {other}"
    yield Rule(_FEET, "stride step metre meter pace", far_ahead,
               against_other("{side}_foot in front of {other}_foot 0.35"))  # fmt: skip
    ahead = rf"{_FOOT} {steps}(?:in front of|ahead of|before) {other}"
    yield Rule(_FEET, "front ahead before", ahead, against_other("{side}_foot in front of {other}_foot 0.1"))
    behind = rf"{_FOOT} {steps}behind {other}"
    yield Rule(_FEET, "behind", behind, against_other("{side}_foot behind {other}_foot 0.1"))
    crossed = rf"{_FOOT} (?:is )?(?:crossed|placed|stepping|steps) behind\b"
    yield Rule(_FEET, "behind", crossed, against_other("{side}_foot behind {other}_foot 0.05"))
    leading = rf"{SIDE} (?:foot|leg) {apart}{steps}(?:forwards?|in front|ahead|leading|leads)\b(?! of)"
    yield Rule("foot leg", "forward forwards front ahead leading leads", leading,
               unless_said(_RESTING, against_other("{side}_foot in front of {other}_foot 0.1")))  # fmt: skip
    trailing = rf"{SIDE} (?:foot|leg) {apart}(?:{steps})(?:back|backwards?|behind)\b(?! (?:the|of|him|her|his|their)\b)"
    yield Rule("foot leg", "back backward backwards behind", trailing,
               unless_said(_RESTING, against_other("{side}_foot behind {other}_foot 0.1")))  # fmt: skip


def _stances() -> Iterator[Rule]:
    squat = r"(?:deep squat|squat(?:ting|s)? (?:very )?(?:deeply|deep|low)|low squat)\b"
    yield Rule("squat squats squatting", "deep deeply low", squat, states("pelvis height ..0.45"))
    tall = r"(?:(?:tall|high|upright)[- ]kneeling|kneel(?:s|ing)? (?:up|tall|upright)(?: tall)?)\b(?! on)"
    yield Rule("kneel kneels kneeling", "tall high upright up", tall, states("pelvis height 0.35.."))
    stance = r"(?:(?:are|is|kept|held|spread|set|placed|planted|opened|far|about|a bit|slightly) )*"
    apart = (
        r"(?:(?P<wide>(?:very |really |far )?(?:wide|widely|far)) apart|(?:shoulder|hip)[- ]width(?: apart)?|apart)\b"
    )
    yield Rule("feet legs", "apart width", rf"(?:feet|legs) {stance}{apart}", partial(_apart, "feet"))
    wide = r"(?:feet|legs) (?:(?:are|is|kept|held|set|opened|open|spread) )*(?:spread|wide|astride)\b(?! apart)"
    astride = r"(?:(?:wide|straddle|wide-legged) stance|(?:straddle|wide v)[- ]?(?:sit|sitting|position)?)\b"
    wider = (
        r"feet (?:(?:are|slightly|a little|much|just|apart) )*wider than (?:the |their |his |her )?(?:hips|shoulders)\b"
    )
    yield Rule("feet", "wider", wider, states("feet apart 0.25.."))
    yield Rule("feet legs stance straddle wide", "spread wide stance astride straddle", f"(?:{wide}|{astride})",
               states("feet apart 0.3.."))  # fmt: skip
    hands = (
        r"hands (?:(?:are|held|kept|placed|set|planted) )*(?:(?P<wide>wide|far|widely) apart|apart|(?:shoulder|hip)[- "
        r"]width)\b"
    )
    yield Rule("hands", "apart width", hands, partial(_apart, "hands"))
    aloft = (
        r"(?<!lower )(?<!upper )legs (?:(?:are|both|raised|lifted|straight|stretched|pointing|point|go|going|extended)"
        r" )*(?:straight up"
        r"|vertical|up in the air|(?:to|towards?|at) the (?:ceiling|sky)|vertically up|up (?:against )?the wall)\b"
    )
    yield Rule("legs", "up vertical vertically ceiling sky", aloft, states("feet above pelvis 0.3"))
    knees = r"knees (?:(?:are|fall|falling|dropped|pushed|spread|opened|wide|far|well) )*(?:apart|wide|open)\b"
    yield Rule("knees", "apart wide open", knees, states("knees apart 0.3.."))


def _apart(pair: str, match: Match) -> str:
    return f"{pair} apart {'0.5' if match['wide'] else '0.22'}.."


def _raised_foot(match: Match) -> str:
    """Higher than the other one, where one of a side is raised."""
    side = match["side"]
    if side and not re.search(r"\b(?:both|legs|feet)\b", match[0]):
        return f"{side}_foot above {other_side(side)}_foot 0.1"
    return f"{subject(match, 'foot')} off floor"


def _aside(match: Match) -> str:
    side = match["side"]
    return f"{side}_foot {side} of {other_side(side)}_foot 0.25"


def _raised_knee(match: Match) -> str | None:
    """Of one side, or of any one."""
    if match["both"]:
        return None
    return "either foot off floor" if match["one"] else f"{match['side']}_foot off floor"
