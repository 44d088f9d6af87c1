"""Exercises by their names and sides, such as "donkey kick, left"; feet on steps, arms that are out, and seats."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    LYING,
    OF,
    SIDE,
    Condition,
    Match,
    Rule,
    against_other,
    limb,
    states,
    unless_said,
    where_said,
)

_SIDES: Final = re.compile(r"\b(left|right)\b")
_ON_FLOOR: Final = (
    r"chair|bench|stool|sofa|couch|bed|swing|wall|ledge|table|desk|air|jump\w*|horse|saddle|train"
    r"|car|sill"
)
_THINGS: Final = (
    "step stair stool chair bench box rock boulder log stump rail railing ledge crate block curb bumper fence "
    "stone sofa "
    "couch platform table desk stairs bucket barrel"
)


def rules() -> Iterator[Rule]:
    """On all fours and on one arm, on one leg, with one arm, then seated."""
    on_fours = r"(?:donkey kick\w*|fire hydrants?)\b"
    for condition in ("{other}_knee on floor", "{side}_knee off floor"):
        yield Rule("donkey hydrant hydrants", "left right", on_fours, _of_one_side(condition))
    for condition in ("hands on floor", "torso horizontal"):
        yield Rule("donkey hydrant hydrants", "donkey fire", on_fours,
                   unless_said(r"hands?|forearms?|elbows?|standing|stands", states(condition)))  # fmt: skip
    side_plank = (
        r"(?:(?P<side>left|right) (?:(?:arm|forearm|elbow|hand) )?side plank|side plank,? (?:on |\()?(?:the )?"
        r"(?P<at>left|right)(?: (?:arm|forearm|elbow|hand|side))?(?= (?:support|down)|$|[,.;)]))\b"
    )
    for condition in (
        "{side}_hand on floor or {side}_elbow on floor",
        "{side}_shoulder below {other}_shoulder 0.1",
    ):
        yield Rule("plank", "left right", side_plank, _of_one_side(condition))
    one_leg = (
        rf"(?:{SIDE} (?:single|one|1)[ -]leg(?:ged)? (?:balance|stance|stand|squat|deadlift)|(?:standing on one leg"
        r"|(?:single|one|1)[ -]leg(?:ged)? (?:balance|stance|squat|deadlift)),? \(?(?P<at>left|right)\b(?! "
        r"(?:arm|hand)))"
    )
    yield Rule("leg legged", "left right", one_leg, _of_one_side("{other}_foot off floor"))
    step = rf"step(?:s|ping)? {SIDE} (?P<where>forwards?|ahead|in front|back(?:wards?)?)\b"
    yield Rule("step steps stepping", "left right", step, _stepping)
    splits = r"(?:(?:in|into|doing|does|the|front|a) (?:\w+ )?splits?|splits)\b"
    others = r"air|jump\w*|leap\w*|standing|stands|handstand|half|stance|squat|not?|middle|jeté|jete|grand"
    yield Rule("splits split", "splits split", splits, unless_said(others, states("pelvis height ..0.5")))
    for which, way in (("front|leading|lead|forward", "in front of"), ("back|rear|trailing", "behind")):
        leg = (
            rf"(?:{which}) (?:leg|foot) (?:is |being )?the (?P<side>left|right)\b|splits?,? (?:with )?(?:the )?"
            rf"(?P<at>left|right) (?:leg |foot )?(?:in )?(?:{which})\b"
        )
        yield Rule("leg foot split splits", which.replace("|", " "), leg,
                   _of_one_side(f"{{side}}_foot {way} {{other}}_foot 0.2"))  # fmt: skip
    punch = (
        r"(?:(?P<side>left|right) (?:jab|cross|straight punch|straight)|jab(?:bing|s)?(?: lead)?,? "
        r"(?:with (?:the )?)?(?P<at>left|right))\b(?! (?:leg|foot|foot|knee|back|arm|elbow|ahead|up|down|line|hook))"
    )
    for condition in ("{side}_arm points forward 45", "{side}_elbow bent ..45"):
        yield Rule("jab jabs jabbing cross straight", "jab jabs jabbing punch cross", punch,
                   unless_said(r"legs?|legged|block\w*|before|after|ready|body", _of_one_side(condition)))  # fmt: skip
    genuflect = r"(?:genuflect\w*|propos(?:es|ing|al)[ ,]+(?:on )?one knee)\b"
    yield Rule("genuflect genuflects genuflecting genuflected genuflection knee",
               "genuflect genuflects genuflecting genuflected genuflection proposal proposes proposing", genuflect,
               unless_said("both|left|right", states("kneeling on left_knee or kneeling on right_knee")))  # fmt: skip
    yield Rule("scarecrow scarecrows", "scarecrow scarecrows", r"scarecrows?\b",
               unless_said(r"hands?|elbows?|forearms?|down|hang\w*|one arm|left|right|floppy|limp",
                           states("arms points outward 45")))  # fmt: skip
    yield from _raised()
    yield from _seated()


def _raised() -> Iterator[Rule]:
    """Feet on things, arms that are vertical or out."""
    on_thing = (
        rf"(?P<side>left|right) foot (?:(?:is|up|parked|rests?|resting|placed|planted|propped|stepping|stepped|steps"
        rf"|raised|lifted|set|perched|hoisted|high|put|cocked) )*(?:on|onto|on top of|atop) (?:a|an|the) (?:\w+ )?"
        rf"(?:{_THINGS.replace(' ', '|')})\b"
    )
    yield Rule("foot", _THINGS, on_thing,
               unless_said(rf"{LYING}|both|sit\w*|seated|sat|plank|push[- ]?ups?|hands? on (?:the )?floor",
                           against_other("{side}_foot above {other}_foot 0.1")))  # fmt: skip
    vertical = (
        rf"{limb('arm')} (?:(?:is|are|both|held|kept|straight|stretched|perfectly) )*(?:vertical|erect)\b"
        r"(?! (?:to|down\w*|at|beside|and down))"
    )
    bearing = (
        rf"{LYING}|floor|ground|mat|down\w*|hang\w*|plank|fours|push[- ]?ups?|press|under|wrists?|sides|forearms?"
        r"|handstand|table|bench"
    )
    yield Rule("arm arms", "vertical erect", vertical, unless_said(bearing, states("{arm} points up 40")))
    out = (
        r"arms (?:(?:are|both|held|nailed|flung|thrown|stuck|straight|right|all|go|shoot|windmilling) )*out (?:(?:wide|"
        r"straight) )*(?:for balance|to balance|like (?:a |an )?(?:scarecrow|wings|tightrope|crucifix|cross|airplane"
        rf"|plane|bird)\w*|level with {OF}shoulders|(?:at|to) shoulder[- ](?:height|level)|and slightly (?:up|down))\b"
    )
    yield Rule("arms", "balance like level shoulder slightly", out,
               unless_said(rf"{LYING}|forwards?|ahead|in front|zombie|sleepwalk\w*|one",
                           states("arms points outward 60")))  # fmt: skip


def _seated() -> Iterator[Rule]:
    """Who sits is low; on the floor where the legs lie in front."""
    sits = (
        r"(?:sits|sitting|seated|sat|(?<!\w )sit)\b(?![- ]?ups?\b)(?! (?:back|up|down)? ?(?:into|in) (?:a "
        r"|an )?(?:squat|chair pose))"
    )
    yield Rule("sits sitting seated sat sit", "sits sitting seated sat sit", sits,
               unless_said(rf"{_ON_FLOOR}|floor|ground|mat|heels?|legged|v|stools?|jump\w*|squat\w*|stand\w*"
                           rf"|stood|air|hover\w*|beside|next to|shoulders of|float\w*|not"
                           r"|invisible|imaginary", states("pelvis height ..0.85")))  # fmt: skip
    ahead = (
        r"(?:legs (?:(?:are|both|stretched|extended|straight|long|out|shot|pushed) )+(?:in front|ahead|forwards?)|legs "
        r"(?:\w+ )?(?:along|flat on) the (?:floor|ground)|staff (?:pose|position)|long[- ]sit\w*)\b"
    )
    yield Rule("legs staff long sitting", "front ahead forward forwards floor ground pose position sit sitting "
                                          "seat", ahead,
               where_said(r"sit\w*|seated|sat|bottom|seat|staff|dandasana",
                          unless_said(_ON_FLOOR, states("pelvis height ..0.4"))))  # fmt: skip


def _of_one_side(template: str) -> Condition:
    """The condition of the side that a match names."""

    def condition(match: Match) -> str | None:
        groups = match.groupdict()
        side = groups.get("side") or groups.get("at")
        if side is None:
            named = set(_SIDES.findall(match.string))
            if len(named) != 1:
                return None
            (side,) = named
        return template.format(side=side, other=other_side(side))

    return condition


def _stepping(match: Match) -> str:
    """Of "step left forward" the left foot."""
    side, way = match["side"], "behind" if match["where"].startswith("back") else "in front of"
    return f"{side}_foot {way} {other_side(side)}_foot 0.1"
