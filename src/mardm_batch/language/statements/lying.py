"""Who lies or sits: on the back, the belly or a side, on a chair or the floor."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    Condition,
    Match,
    Rule,
    gap,
    states,
    unless_said,
    where_said,
)

_LYING: Final = (
    r"(?:lie|lies|lying|lay|laying|lays|laid|reclining|sprawled|flopped|(?<!hand )(?<!hands )(?<!palm )(?<!palms )flat"
    r"|stretched(?: out)?|collapsed|rolled|passed out|out cold|knocked out|crashed(?: out)?|zonked(?: out)?"
    r"|spread-eagled|spreadeagled|splayed|sprawls?|sprawling|flops?|dozing|sunk|recumbent|asleep"
    r"|sunbathing|snoozing|napping) (?:(?!with\b|hands?\b|palms?\b|arms?\b)\w+ ){0,3}?"
)
_OF_A_HAND: Final = re.compile(r"\b(?:hands?|palms?|fists?|fingers?|forearms?|arms?|one|other)\b[^,.;]{0,30}$")


def rules() -> Iterator[Rule]:
    """What is on the floor, and which way the chest faces."""
    own = r"(?:(?:the|his|her|their|its) )?"
    back = (
        rf"(?:supine\b|{_LYING}(?:on {own}back|face[- ]up)\b|(?:recumbent|bench press\w*)\b(?! (?:bike|bicycle))"
        r"|(?:(?<=^)|(?<=[,;.:(] )|(?<=and )|(?<=with )|(?<=with the )|(?<=the )|(?<=his )|(?<=her ))(?<!at the "
        r")(?<!to the )"
        r"back (?:(?:is|lies|lying|rests|resting|pressed|stays|kept) )*(?:flat )?"
        r"(?:on|to|against) (?:the )?(?:floor|ground|mat)\b|(?<=[;,.] )back down(?=$|[,.;]))"
    )
    yield Rule(
        "supine back recumbent bench face",
        "supine back recumbent press pressing presses up",
        back,
        states("chest faces up"),
    )
    front = (
        rf"(?:(?:lying |lies |lie |laid )?prone\b|prostrate[sd]?\b|(?<!fours )(?<!\w )on {own}(?:tummy"
        rf"|stomach|belly)\b|{_LYING}(?:on(?:to)? {own}(?:belly|stomach|front|tummy)|face[- ]down)\b"
        r"|(?:belly|stomach|tummy)(?: side)? down\b|(?<![^:,;.] )on (?:the |his |her |their )front\b)"
    )
    yield Rule(
        "prone prostrate prostrated belly stomach front tummy face",
        "prone prostrate prostrated on onto down",
        front,
        _of_the_body(states("chest faces down")),
    )
    straight = unless_said(r"knees?|legs?|feets?|foot|shins?|crawl\w*|heels?|push\w*|plank", states("knees bent ..40"))
    yield Rule(
        "prone prostrate prostrated belly stomach front tummy face",
        "prone prostrate prostrated on onto down",
        front,
        _of_the_body(straight),
    )
    shoulders = (
        r"shoulders (?:(?:stay|are|kept|remain|flat|rest|resting|both) )*(?:on|against) (?:the )?(?:floor|ground|mat)\b"
        r"|belly up\b"
    )
    yield Rule("shoulders belly", "floor ground mat up", shoulders, states("chest faces up"))
    side = (
        rf"(?:(?:{_LYING}|resting |rests |sleeping |curled up |asleep )on (?:the |his |her |their |its )?(?P<to>left"
        r"|right) (?:side|flank)|side[- ]lying (?:posture |position )?on (?:the |his |her |their )?(?P<at>left|right)"
        r"(?: side)?)\b"
    )
    for condition in ("torso horizontal", "pelvis height ..0.4"):
        yield Rule("side flank", "left right", side, states(condition))
    yield Rule("lying lies", "sideways", r"(?:lying|lies) sideways\b", states("torso horizontal"))
    yield Rule("side flank", "left right", side, _lower_shoulder)
    low = (
        r"toes|forearms?|elbows?|weight|line|arch\w*|raised|lifted|bridge|pushed|up|off|press\w*|legs? over|feet|hips"
        r"|pelvis|reclin\w*|bed|sofa|bench|couch"
    )
    for which, words in ((back, "supine back recumbent"), (front, "prone belly stomach front tummy face prostrate")):
        low_down = _of_the_body(unless_said(low, states("pelvis height ..0.35")))
        yield Rule(words, words + " on onto down", which, low_down)
    faces_floor = (
        r"(?:chest|breastbone|sternum) (?:\w+ ){0,3}?(?:to|towards?|at|facing|faces|down to) (?:the )?(?:floor|ground"
        r"|mat)\b"
    )
    yield Rule("chest breastbone sternum", "floor ground mat", faces_floor, states("chest faces down"))
    plank = rf"(?:elbows|hands|wrists|palms) {gap('arms')}(?:under|below|beneath) (?:the |his |her )?shoulders\b"
    yield Rule("elbows hands wrists palms", "under below beneath", plank,
               where_said("floor|ground|mat|plank|push|press|fours", states("chest faces down")))  # fmt: skip
    seats = (
        "chair stool bench seat armchair throne sofa couch windowsill sill crate pew wall fence railing bed log stump "
        "rock boulder swing saddle desk toilet barrel suitcase bleachers dock pier jetty"
    )
    sits = "sit sits sitting sat seated perched perches perching perch slouches slouching slouched slumped"
    chair = (
        rf"(?:{sits.replace(' ', '|')}) (?:\w+ ){{0,3}}?(?:on|in|(?:edge|end|lip|arm|back) of) "
        rf"(?:a|an|the|his|her|their) (?:\w+ )?(?:{seats.replace(' ', '|')})\b"
    )
    yield Rule(sits, seats, chair, states("pelvis height 0.25..0.85"))
    legs = r"legs?|knees?|feet|foot|ankles?|shins?|thighs?|sideways"
    yield Rule(sits, seats, chair, unless_said(legs, states("knees bent 40..")))
    crab = (
        r"(?:belly|stomach|chest) (?:(?:is|turned|pointing|up|open|and) )*(?:(?:facing )?(?:to|towards?|at)|facing"
        r"|faces) the "
        r"(?:ceiling|sky)\b"
    )
    yield Rule("belly stomach chest", "ceiling sky", crab, states("chest faces up"))
    seated = r"(?:sitting|seated|sits|sit|sat) (?:\w+ ){0,2}?on (?:the )?(?:floor|ground|mat|lawn|grass|carpet|beach)\b"
    yield Rule(
        "sitting seated sits sit sat", "floor ground mat lawn grass carpet beach", seated, states("pelvis height ..0.4")
    )
    shoulder_stand = (
        r"(?:shoulder ?stand|(?:upright |balanced |supported |standing |up )(?:on|by) the (?:shoulders|upper back))\b"
    )
    yield Rule("shoulderstand shoulder shoulders upper", "shoulderstand stand shoulders back", shoulder_stand,
               states("feet above pelvis 0.3"))  # fmt: skip


def _of_the_body(condition: Condition) -> Condition:
    """The condition, unless it is a hand that lies flat on the belly."""

    def stated(match: Match) -> str | None:
        before = match.string[max(match.start() - 45, 0) : match.start()]
        return None if match[0].startswith(("flat", "resting")) and _OF_A_HAND.search(before) else condition(match)

    return stated


def _lower_shoulder(match: Match) -> str:
    """Of who lies on one side."""
    side = match["to"] or match["at"]
    return f"{side}_shoulder below {other_side(side)}_shoulder 0.1"
