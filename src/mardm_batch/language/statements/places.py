"""Where limbs are, against each other and the body, and where they point."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    OF,
    SIDE,
    Match,
    Rule,
    against_other,
    limb,
    states,
    subject,
    unless_said,
)

_AIMED: Final = (
    r"(?:(?:is|are|both|raised|lifted|held|kept|and) )*(?:extended|extends?|extending|stretched|stretches|stretch"
    r"|stretching"
    r"|outstretched|straight|reaching|reaches|reach|pointing|points?|pointed|hanging|hangs|hang|lies straight"
    r"|lying straight|shoots|shooting|shoot|goes|go|going|thrust|sent|flung|swept)"
    r" (?:(?:straight|out|horizontally|vertically|far|directly|right) )*"
)
_HANDS: Final = "hand hands arm arms fist fists palm palms"
_FEET: Final = "foot feet leg legs"
_HAND: Final = limb("hand", "arm", "fist", "palm")
_ARM: Final = limb("arm")
_FOOT: Final = limb("foot", "leg")
_SEATED: Final = (
    "sit|sits|sitting|sat|seated|lie|lies|lying|laying|supine|prone|chair|bench|recline[sd]?|reclining|kneel(?:s|ing)?"
)


def rules() -> Iterator[Rule]:
    """Of the hands and arms, then of the legs."""
    yield from _hands()
    yield from _arms()
    yield from _heights()
    yield from _legs()
    yield from _stances()


def _hands() -> Iterator[Rule]:
    raised = (
        r"(?:(?:is|are|both|raised|lifted|stretched|extended|held|straight|reaching|reaches|reach|high|up|stays?"
        r"|rounded"
        r"|curved|curves|curving|arched|arching|arcs|arc|circled|crossed|clasped|joined|together|goes|go|far|well) )*"
    )
    above = rf"{_HAND} {raised}(?:(?:above|over) {OF}head|overhead)\b"
    yield Rule(_HANDS, "head overhead", above, states("{hand} above head"))
    for part in ("elbow", "hand"):
        higher = rf"{limb(part)} {raised}above {OF}shoulders?\b"
        yield Rule(f"{part} {part}s", "above", higher, states(f"{{{part}}} above {{shoulder}}"))
    held = r"(?:(?:is|are|both|held|kept|hanging|hangs|down|well|just|stays?) )*"
    for named, point in (("waist|belt|navel", "spine2"), ("hips?", "hips")):
        lower = rf"{_HAND} {held}(?:below|beneath) {OF}(?:{named})\b"
        yield Rule(_HANDS, "below beneath", lower, states(f"{{hand}} below {point}"))
    hanging = (
        r"(?:(?:is|are|hang|hanging|hangs|held|down|straight|kept|relaxed|resting|rest|rests|both|flat|lies?|lying"
        r"|stiff|loose(?:ly)?) )*"
    )
    beside = r"(?:at|by|along|beside|against|next to) (?:the |their |his |her )?(?:sides?|body|trunk)\b"
    yield Rule("arm arms", "side sides body trunk", rf"{_ARM} {hanging}{beside}", states("{hand} near {hip} 0.4"))
    back = (
        rf"{_HAND} (?:(?:is|are|clasped|held|joined|tucked|folded|both|placed|resting|rests?) )*"
        rf"(?:behind {OF}(?:lower )?back|at {OF}(?:lower )?back|on {OF}(?:lower back|small of {OF}back))\b"
    )
    yield Rule(_HANDS, "back", back, states("{hand} behind torso"))
    ahead = (
        r"(?:(?:is|are|held|kept|both|clasped|together|pressed|joined|crossed|raised|out|up|guarding|low) )*in front of"
    )
    chest = rf"{_HAND} {ahead} {OF}(?:chest|belly|face|body|stomach|hips|sternum|waist|trunk|torso)\b"
    yield Rule(_HANDS, "front", chest, states("{hand} in front of torso"))
    across = (
        rf"{limb('arm', 'forearm')} (?:(?:is|are|folded|held|laid|placed|drawn|pulled|bent|lies?|crossed|rests?) )*"
        rf"across {OF}(?:front of {OF})?(?:chest|body|belly|stomach|waist)\b"
    )
    yield Rule("arm arms forearm forearms", "across", across, states("{hand} near spine2 0.4"))


def _arms() -> Iterator[Rule]:
    folded = (
        r"arms (?:(?:are|both|tightly|loosely) )*(?:folded\b(?! (?:behind|above|under))|crossed (?:in front of|over"
        r"|across|on) (?:the |his |her |their )?chest\b)"
    )
    for side in ("left", "right"):
        yield Rule("arms", "folded crossed", folded, states(f"{side}_hand near {other_side(side)}_elbow 0.35"))
    tucked = (
        rf"elbows (?:(?:are|tucked|held|kept|pressed|in) )*(?:close to|at|against|to) {OF}(?:sides?|ribs|body|waist)\b"
    )
    yield Rule("elbows", "side sides ribs body waist", tucked, states("elbows apart ..0.55"))
    forward = (
        rf"{_ARM} (?:{_AIMED}|(?:(?:is|are|out|raised|held) )*)(?:forwards?|(?:straight |out )*(?:in front|ahead)|to "
        r"the front|out front)\b(?! of (?:the |their |his |her )?(?:chest|belly|face|stomach|hips))"
    )
    yield Rule("arm arms", "forward forwards front ahead", forward, states("{arm} points forward 45"))
    aloft = r"(?:upwards?|up|overhead|(?:to|at|for|towards?) the (?:ceiling|sky))\b"
    yield Rule(
        "arm arms", "upward upwards up overhead ceiling sky", rf"{_ARM} {_AIMED}{aloft}", states("{hand} above head")
    )
    skyward = (
        rf"{_ARM} (?:(?:{_AIMED})?(?:straight up|vertically up|(?:to|at|for|towards?) the (?:ceiling|sky))"
        r"|(?:(?:is|are) )?(?:raised|lifted|stretched|held) vertical(?:ly)?)\b"
    )
    yield Rule("arm arms", "up ceiling sky vertical vertically", skyward, states("{arm} points up 42"))
    spread = (
        r"(?:(?:are|is|both|held|raised|lifted|wide|opened|thrown|stretched|abducted) )*(?:spread|open|opened|out"
        r"|raised|lifted|wide|thrown|held)(?: wide)?"
    )
    sideways = (
        r"(?:(?:out )?to (?:the|both|either|each|their|his|her) sides?|sideways|(?:out )?(?:on|to) (?:both|either) "
        r"sides?|out wide|either side)\b"
    )
    aside = rf"{_ARM} (?:{_AIMED}|{spread} ){sideways}"
    wide = r"arms (?:(?:are|held|both|stretched|spread|flung|thrown|out|opened|open) )+wide\b"
    outward = states("{arm} points outward 45")
    yield Rule("arm arms", "side sides sideways wide", aside, outward)
    yield Rule("arms", "wide", wide, states("arms points outward 75"))
    downward = (
        rf"{_ARM} (?:{_AIMED}(?:downwards?|down)|(?:(?:is|are|just|both|simply|they|he|she|does nothing) )*"
        r"(?:hanging|hangs?|dangling|dangles?|hung|lowered)(?: (?:down|loose(?:ly)?|limp(?:ly)?|freely|relaxed))?)\b"
        r"(?! (?:behind|from|off|over|in front|out|to the))"
    )
    yield Rule("arm arms", "down downward downwards hanging hangs hang dangling dangles dangle hung lowered", downward,
               states("{arm} points down 45"))  # fmt: skip
    other = (
        r"(?:left|right|one) (?:hand|arm|fist)\b[^.;]{0,80}\bthe other (?:one |arm |hand )?(?:(?:is|just|simply|does "
        r"nothing|and) )*(?:hanging|hangs?|dangling|dangles?)\b"
    )
    yield Rule("hand arm fist", "other", other, states("either arm points down 45"))
    backward = rf"{_ARM} {_AIMED}(?:backwards?|back|behind)\b"
    yield Rule("arm arms", "back backward backwards behind", backward, states("{hand} behind torso"))
    level = r"(?:parallel (?:to|with) the (?:floor|ground)|horizontal|level)\b(?! with)"
    for part in ("thigh", "forearm", "leg", "arm", "shin"):
        horizontal = rf"{limb(part)} (?:(?:is|are|raised|lifted|held|extended|stretched|both) )*{level}"
        yield Rule(f"{part} {part}s", "parallel horizontal level", horizontal, states(f"{{{part}}} horizontal"))
    for part in ("shin", "forearm", "thigh"):
        vertical = rf"{limb(part)} (?:(?:is|are|held|both|kept) )*vertical\b"
        yield Rule(f"{part} {part}s", "vertical", vertical, states(f"{{{part}}} vertical"))
    at_shoulders = (
        rf"{_ARM} (?:(?:is|are|held|raised|lifted|out|extended|stretched|straight|both|open|opened|to the sides?"
        r"|sideways|forwards?|in front) )+at (?:the )?shoulder[- ](?:height|level)\b"
    )
    yield Rule("arm arms", "shoulder", at_shoulders, states("{arm} horizontal"))


def _heights() -> Iterator[Rule]:
    more = r"(?:(?:is|held|raised|kept|lifted|a|bit|little|much|more|way|slightly|clearly|far) )*"
    other = (
        r"(?:the |their |his |her |its )?(?:other|left|right)(?: one)?\b"
        r"(?! (?:hip|knee|ear|shoulder|eye|elbow|thigh|ankle|hand|foot|wrist))"
    )
    limbs = (("hand", _HANDS, limb("hand", "arm", "fist")), ("foot", _FEET, _FOOT)) + tuple(
        (part, f"{part} {part}s", limb(part)) for part in ("elbow", "knee", "shoulder")
    )
    for part, words, named in limbs:
        higher = rf"{named} {more}(?:higher|high|up) (?:than|then) {other}"
        yield Rule(words, "higher high", higher, against_other(f"{{side}}_{part} above {{other}}_{part} 0.05"))
        lower = rf"{named} {more}(?:lower|low) (?:than|then) {other}"
        yield Rule(words, "lower low", lower, against_other(f"{{side}}_{part} below {{other}}_{part} 0.05"))
    mentioned = r"(?:hands?|arms?|fists?)\b[^.;]{0,80}\b"
    over = rf"{mentioned}(?:both (?:are |of them )?(?:above|over)|neither (?:one |hand |of them )?(?:is )?below) {OF}"
    under = (
        rf"{mentioned}(?:both (?:are |of them )?below|(?:neither|none)(?: one| hand| of them)?(?: is)?(?: above| over| "
        rf"higher than)) {OF}"
    )
    for point, points in (("shoulder", "shoulders"), ("head", "head")):
        yield Rule(_HANDS, "both neither", rf"{over}{point}s?\b", states(f"hands above {points}"))
        yield Rule(_HANDS, "both neither none", rf"{under}{point}s?\b", states(f"hands below {points}"))
    hips = (
        r"(?:hips|bum|bottom|butt|seat|pelvis) (?:(?:is|are|sinks?|dropped|drops?|well) )*(?:lower than|below|under) "
        r"(?:the |their |his |her )?knees?\b"
    )
    yield Rule("hips bum bottom butt seat pelvis", "knees", hips, states("hips below knees"))


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
        unless_said(_SEATED + "|jump(?:s|ing)?|floor|ground|knee down|lung(?:e|es|ing)", _raised_knee),
    )
    apart = (
        r"(?:(?:is|are|goes|straight|stretched|extended|extends|stretches|raised|lifted|held|kicked|put|placed"
        r"|reaching|stepped|up|out|swung|long|bent) )*"
    )
    for side in ("left", "right"):
        aside = (
            rf"(?P<side>{side}) (?:leg|foot) {apart}(?:out )?(?:to (?:the|his|her|their) (?:side|{side}|{side} side)"
            r"|sideways)\b"
        )
        yield Rule(
            "leg foot", f"side sideways {side}", aside, states(f"{side}_foot {side} of {other_side(side)}_foot 0.25")
        )
    other = r"the (?:other|left|right)(?: foot| leg| one)?\b(?! (?:hip|knee|hand|arm|thigh|shin|ankle|elbow))"
    steps = (
        r"(?:(?:is|are|steps?|stepping|stepped|placed|set|planted|put|far|well|slightly|a|step|one|stands?|kept|just"
        r"|right|directly) )*"
    )
    ahead = rf"{_FOOT} {steps}(?:in front of|ahead of|before) {other}"
    yield Rule(_FEET, "front ahead before", ahead, against_other("{side}_foot in front of {other}_foot 0.1"))
    behind = rf"{_FOOT} {steps}behind {other}"
    yield Rule(_FEET, "behind", behind, against_other("{side}_foot behind {other}_foot 0.1"))
    crossed = rf"{_FOOT} (?:is )?(?:crossed|placed|stepping|steps) behind\b"
    yield Rule(_FEET, "behind", crossed, against_other("{side}_foot behind {other}_foot 0.05"))
    leading = rf"{SIDE} (?:foot|leg) {steps}(?:forwards?|in front|ahead|leading|leads)\b(?! of)"
    upright = _SEATED.replace("|kneel(?:s|ing)?", "")
    yield Rule("foot leg", "forward forwards front ahead leading leads", leading,
               unless_said(upright, against_other("{side}_foot in front of {other}_foot 0.1")))  # fmt: skip
    trailing = rf"{SIDE} (?:foot|leg) {apart}(?:{steps})(?:back|backwards?|behind)\b(?! (?:the|of|him|her|his|their)\b)"
    yield Rule("foot leg", "back backward backwards behind", trailing,
               unless_said(upright, against_other("{side}_foot behind {other}_foot 0.1")))  # fmt: skip


def _stances() -> Iterator[Rule]:
    stance = r"(?:(?:are|is|kept|held|spread|set|placed|planted|opened|far|about|a bit|slightly) )*"
    apart = (
        r"(?:(?P<wide>(?:very |really |far )?(?:wide|widely|far)) apart|(?:shoulder|hip)[- ]width(?: apart)?|apart)\b"
    )
    yield Rule("feet legs", "apart width", rf"(?:feet|legs) {stance}{apart}", _apart)
    wide = r"(?:feet|legs) (?:(?:are|is|kept|held|set|opened|open|spread) )*(?:spread|wide|astride)\b(?! apart)"
    astride = r"(?:(?:wide|straddle|wide-legged) stance|(?:straddle|wide v)[- ]?(?:sit|sitting|position)?)\b"
    wider = (
        r"feet (?:(?:are|slightly|a little|much|just|apart) )*wider than (?:the |their |his |her )?(?:hips|shoulders)\b"
    )
    yield Rule("feet", "wider", wider, states("feet apart 0.25.."))
    yield Rule("feet legs stance straddle wide", "spread wide stance astride straddle", f"(?:{wide}|{astride})",
               states("feet apart 0.3.."))  # fmt: skip
    knees = r"knees (?:(?:are|fall|falling|dropped|pushed|spread|opened|wide|far|well) )*(?:apart|wide|open)\b"
    yield Rule("knees", "apart wide open", knees, states("knees apart 0.3.."))


def _apart(match: Match) -> str:
    return f"feet apart {'0.5' if match['wide'] else '0.22'}.."


def _raised_foot(match: Match) -> str:
    """Higher than the other one, where one of a side is raised."""
    side = match["side"]
    if side and not re.search(r"\b(?:both|legs|feet)\b", match[0]):
        return f"{side}_foot above {other_side(side)}_foot 0.1"
    return f"{subject(match, 'foot')} off floor"


def _raised_knee(match: Match) -> str | None:
    """Of one side, or of any one."""
    if match["both"]:
        return None
    return "either foot off floor" if match["one"] else f"{match['side']}_foot off floor"
