"""Postures by their names: handstands and others upside down, planks and press-ups, V-sits, curled up on one side."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    FLOOR,
    FLOORS,
    OF,
    SIDE,
    Match,
    Rule,
    against_other,
    states,
    unless_said,
    where_said,
)

_MOVED_LEGS: Final = (
    r"split\w*|straddle\w*|pik(?:e|ed|ing)|tuck\w*|bent|bend\w*|stag|one leg|(?:left|right) (?:leg|knee|foot)|knees?"
    r"|scorpion|kick\w*|toes|walk\w*|press\w*|push[- ]?ups?|half"
)
_ONE_ARM: Final = r"one|single|left|right|forearms?|elbows?|parallettes|bars?|rings|side|reverse|wall"
_FROM_THE_HIPS: Final = (
    r"(?<!left )(?<!right )(?<!and )hips (?:(?:are|is|both|each|about|some|to|at|by|around|roughly) )*"
)


def rules() -> Iterator[Rule]:
    """Upside down, then face down and face up, then seated and on a side."""
    yield from _inverted()
    yield from _face_down()
    yield from _face_up()
    yield from _seated()
    yield from _bent_at_the_hips()
    yield from _low()
    yield from _side_plank()


def _inverted() -> Iterator[Rule]:
    forearms = r"(?:forearm|elbow)[- ]?(?:hand)?stand\b"
    inverted = rf"(?:upside down|handstand|hand stand|headstand|head stand|{forearms})\b"
    names = "down handstand headstand stand forearmstand"
    yield Rule("upside handstand headstand hand head forearm elbow forearmstand", names, inverted,
               states("torso inverted"))  # fmt: skip
    handstand = r"(?:handstand|hand stand)\b"
    yield Rule("handstand hand", "handstand stand", handstand,
               unless_said(r"push[- ]?ups?|bent|forearms?|elbows? bent", states("elbows bent ..45")))  # fmt: skip
    on_hands = unless_said("one|single|left|right|forearms?|elbows?|parallettes|bars?|rings", states("hands on floor"))
    yield Rule("handstand hand", "handstand stand", handstand, on_hands)
    standing = rf"(?:{handstand}|headstand\b|head stand\b|{forearms})"
    yield Rule("handstand headstand hand head forearm elbow", "handstand headstand stand", standing,
               unless_said(_MOVED_LEGS, states("feet above pelvis 0.4")))  # fmt: skip
    for condition in ("elbows on floor", "elbows bent 50.."):
        yield Rule("forearm elbow forearmstand", "stand forearmstand handstand", forearms, states(condition))


def _face_down() -> Iterator[Rule]:
    stacked = (
        rf"(?:hands|wrists|palms) (?:\w+ ){{0,4}}?(?:under|below"
        rf"|beneath) {OF}shoulders\b[^.;]{{0,30}}?\bknees (?:\w+ ){{0,4}}?"
        rf"(?:under|below|beneath) {OF}hips\b|knees (?:\w+ ){{0,4}}?(?:under|below|beneath) {OF}hips\b[^.;]{{0,30}}?"
        rf"\b(?:hands|wrists|palms) (?:\w+ ){{0,4}}?(?:under|below|beneath) {OF}shoulders\b"
    )
    for condition in ("hands on floor", "knees on floor", "torso horizontal"):
        yield Rule("shoulders", "under below beneath", stacked, states(condition))
    push_up = r"(?:push|press)[- ]?ups?\b"
    others = r"handstand|pike|wall|dip|incline\w*|against|standing|bench|leg press|chair|inverted|bars?|rings|cobra"
    for condition in ("chest faces down", "pelvis height ..0.7"):
        yield Rule("push press pushup pushups pressup pressups", "up ups pushup pushups pressup pressups", push_up,
                   unless_said(others, states(condition)))  # fmt: skip
    one_hand = rf"{_ONE_ARM}|{others}|clap\w*|air|fl(?:y|ies|ying)"
    yield Rule("push press pushup pushups pressup pressups", "up ups pushup pushups pressup pressups", push_up,
               unless_said(one_hand, states("hands on floor")))  # fmt: skip
    plank = r"plank\b"
    others = r"side|reverse|sideways|bear|up(?:ward)?[- ]plank|twist\w*|turned|walk the|star|copenhagen"
    for condition in ("chest faces down", "pelvis height ..0.75"):
        yield Rule("plank", "plank", plank, unless_said(others, states(condition)))
    yield Rule(
        "plank", "plank", plank, unless_said(rf"{others}|knees?|bent|tuck\w*|spider\w*", states("knees bent ..45"))
    )
    for part, limbs, on_elbows in (
        ("hand", "hand|arm", False),
        ("elbow", "hand|arm|forearm|elbow", True),
        ("foot", "leg|foot", False),
    ):
        lifted = (
            rf"(?:plank|push[- ]?up)\b[^.;]{{0,40}}?\b(?P<side>left|right) (?:{limbs}) (?:(?:is|held|slightly"
            rf"|straight) )*"
            r"(?:lift\w*|rais\w*|reach\w*|extended|stretched|off the|in the air|hover\w*|up)\b"
        )
        stated = against_other(f"{{other}}_{part} on floor")
        forearms = "forearms?|elbows?"
        yield Rule("plank push pushup", "left right", lifted,
                   where_said(forearms, stated) if on_elbows
                   else stated if part == "foot" else unless_said(forearms, stated))  # fmt: skip
    on_forearms = r"(?:forearm|elbow|low)[- ]plank\b"
    yield Rule("plank", "forearm elbow low", on_forearms, unless_said("side|one|left|right", states("elbows on floor")))
    dog = r"down(?:wards?)?[- ](?:facing[- ])?dog\b"
    on_three = r"three|one|left|right|single|knees?|bent|forearms?|elbows?|lift\w*|rais\w*|twist\w*"
    for condition in ("hands on floor", "feet on floor", "knees bent ..60"):
        yield Rule("dog", "down downward downwards", dog, unless_said(on_three, states(condition)))
    yield Rule("dog", "down downward downwards", dog, states("pelvis above shoulders"))
    dolphin = r"dolphin (?:pose|position|stretch)\b"
    for condition in ("elbows on floor", "pelvis above shoulders"):
        yield Rule("dolphin", "pose position stretch", dolphin, states(condition))


def _face_up() -> Iterator[Rule]:
    crook = r"(?:crook|hook)[- ]?lying\b"
    for condition in ("chest faces up", "knees bent 60..", "feet on floor", "pelvis height ..0.35"):
        yield Rule("lying crooklying hooklying", "crook hook crooklying hooklying", crook,
                   unless_said("left|right|one|bridge|lifted|raised", states(condition)))  # fmt: skip
    bridge = r"(?:(?:glute|hip|buttock|bottom|shoulder) bridge|bridge (?:pose|position|posture|exercise))\b"
    one_leg = r"one|single|left|right|full|wheel|leg"
    for condition, unless in (("chest faces up", "full|wheel"), ("feet on floor", one_leg),
                              ("pelvis above shoulders", "full|wheel")):  # fmt: skip
        yield Rule("bridge", "glute hip buttock bottom shoulder pose position posture exercise", bridge,
                   unless_said(unless, states(condition)))  # fmt: skip
    crab = r"(?:crab[- ](?:walk(?:ing)?|position|pose|posture)|reverse (?:table ?top|plank))\b"
    for condition in ("hands on floor", "chest faces up"):
        yield Rule("crab reverse", "walk walking position pose posture table tabletop plank", crab,
                   unless_said("one|left|right|forearms?|elbows?", states(condition)))  # fmt: skip
    squat = r"squat(?:s|ting|ted)?\b"
    slight = (
        r"left|right|one|single|cossack|side|kick\w*|pistol|slight\w*|quarter|half|shallow|mini|jump\w*|from|bit"
        r"|little|tiny"
        r"|partial|thrust|rack"
    )
    yield Rule("squat squats squatting squatted", "squat squats squatting squatted", squat,
               unless_said(slight, states("knees bent 45..")))  # fmt: skip


def _seated() -> Iterator[Rule]:
    sits = r"sit|sits|sitting|sat|seated"
    straight = r"(?:long|straight|extended|outstretched|stretched|straightened|drawn out)"
    long = (
        rf"(?:long[- ](?:sit(?:s|ting)?|seated)|straddle (?:sit|seat)|(?:{sits}) (?:in )?(?:a )?(?:wide )?"
        r"(?:straddle|pike)"
        rf"|(?<!one )legs (?:(?:are|both|kept|held|fully|completely|thrust|wide|out) )*"
        rf"(?:{straight}|astride|out (?:in front|ahead|wide))"
        rf"|{straight} legs)\b"
    )
    off_floor = r"chair|bench|stool|seat(?! )|sofa|couch|bed|edge|swing|table|box|wall bars|bar|air|jump\w*|boat|bike"
    yield Rule("long sit sits sitting sat seated straddle", "long straight extended outstretched stretched "
               "straightened drawn astride out straddle pike", long,
               unless_said(off_floor, where_said(rf"{sits}|straddle", states("pelvis height ..0.4"))))  # fmt: skip
    vee = (
        r"(?:v[- ]sit(?:s|ting)?|(?:boat|navasana) (?:pose|position)|(?:forms?|forming|makes?|making|in|into"
        r"|shaping|like)"
        r" (?:an? |the )?(?:\w+ )?(?:letter )?v)\b(?! [- ]?(?:sign|shape with the (?:arms|fingers)))"
    )
    seat = r"sit\w*|seated|seat|bum|bottom|buttocks|butt|tail\w*|v[- ]sit\w*|boat"
    limbs = r"wide|straddle|spread|apart|arms (?:\w+ ){0,4}v|fingers|floor in front|legs? on|heels on|feet on"
    for condition in ("feet above pelvis 0.12", "feet off floor", "pelvis height ..0.4", "torso leans back 8"):
        yield Rule("v boat navasana", "v boat navasana", vee,
                   where_said(seat, unless_said(limbs, states(condition))))  # fmt: skip
    curled = (
        r"(?:(?:fetal|foetal|embryo(?:nic)?) (?:position|pose|posture|curl)|curled (?:up )?(?:\w+ ){0,5}?on "
        r"(?:the |his |her |their |its |one )?(?:left |right )?side)\b"
    )
    for condition in ("knees bent 60..", "torso bends forward 35.."):
        yield Rule("fetal foetal embryo embryonic curled", "position pose posture curl side", curled, states(condition))
    yield Rule("fetal foetal embryo embryonic curled", "position pose posture curl side", curled,
               unless_said(r"sit\w*|seated|standing|chair|air|upright", states("pelvis height ..0.45")))  # fmt: skip
    lying = (
        r"(?:lie|lies|lying|laid|asleep|sleeping|curled|resting|rolled) (?:\w+ ){0,4}?on (?:the |his |her "
        r"|their |its |one )side\b"
    )
    for condition in ("torso horizontal", "pelvis height ..0.45"):
        yield Rule("side", "lie lies lying laid asleep sleeping curled resting rolled", lying,
                   unless_said(r"elbow|forearm|propped|plank|bed|sofa|couch", states(condition)))  # fmt: skip
    hugging = (
        r"(?:self[- ](?:hug|embrace)\b|(?:embrac(?:es|ing|e)|(?:arms|hands) (?:\w+ ){0,3}?(?:wrapped|wrap|wound"
        r"|folded|thrown"
        r"|locked) (?:\w+ )?a?round) (?:himself|herself|themselves|myself|yourself|itself|themself)\b)"
    )
    shoulders = (
        rf"(?:(?:hug\w*|embrac\w+|clutch\w*|grip\w*) {OF}own shoulders|(?:arms|hands) (?:\w+ ){{0,3}}?(?:wrapped"
        rf"|wrap|wound"
        rf"|crossed) (?:\w+ )?a?round {OF}own (?:shoulders|upper arms))\b"
    )
    for side in ("left", "right"):
        yield Rule("self himself herself themselves myself yourself itself themself",
                   "hug embrace embraces embracing wrapped wrap wound folded thrown locked", hugging,
                   states(f"{side}_hand near {other_side(side)}_elbow 0.4"))  # fmt: skip
        yield Rule("shoulders upper", "own", shoulders, states(f"{side}_hand near {other_side(side)}_shoulder 0.38"))


def _bent_at_the_hips() -> Iterator[Rule]:
    """Of who stands with the hips flexed: the trunk leans forward."""
    flexed = (
        rf"{_FROM_THE_HIPS}(?:flexed|hinged|bent|folded|piked|hinge|flex) (?:(?:forwards?|about|some|to|at|by|around"
        r"|roughly|nearly|well|deeply|slightly) )*(?:(?P<degrees>\d+)\b|(?=$|[,.;]| (?:and|while|with|so|until) ))"
    )
    standing = (
        r"stand\w*|knees? (?:\w+ ){0,2}?(?:straight|soft\w*|unlocked|extended|locked|slightly)|legs (?:\w+ "
        r"){0,3}?(?:straight"
        r"|extended|vertical)|knees a (?:little|bit)"
    )
    resting = (
        r"sit\w*|seated|sat|lie|lies|lying|supine|prone|chair|bench|squat\w*|lung\w*|kneel\w*|knees? (?:\w+ "
        r")?(?:bent|flexed) "
        r"(?:to |at |by )?(?:about )?(?:[6-9]\d|1\d\d)|jump\w*|hang\w* from|handstand|upright|vertical|v"
    )
    yield Rule("hips", "flexed hinged bent folded piked hinge flex", flexed,
               where_said(standing, unless_said(resting, _lean_of_hips)))  # fmt: skip


def _side_plank() -> Iterator[Rule]:
    """Side planks and half-kneeling with the side that bears the body: "side plank, right arm"."""
    plank = (
        r"side[- ]plank(?:,? (?:on )?(?:the |his |her )?(?P<side>left|right)(?: (?:side|arm))?"
        r"(?=$|[,.;]))\b"
    )
    for stated in (against_other("{side}_shoulder below {other}_shoulder 0.1"),
                   states("{side}_hand on floor or {side}_elbow on floor")):  # fmt: skip
        yield Rule("plank", "left right", plank, stated)
    half = r"half[- ]kneel\w*,? (?:with |on )?(?:the )?(?P<side>left|right)(?: knee| leg)? down\b"
    yield Rule("half", "left right", half, states("kneeling on {side}_knee"))


def _low() -> Iterator[Rule]:
    """On the haunches, on one knee."""
    haunches = (
        r"(?:on|onto) (?:the |his |her )?(?:haunches|hunkers)\b|(?:sit\w*|squat\w*|crouch\w*|low) (?:\w+ )?hunkered\b"
    )
    for condition in ("knees bent 85..", "pelvis height ..0.5"):
        yield Rule("haunches hunkers hunkered", "haunches hunkers hunkered", haunches,
                   unless_said("kneel\\w*|knees|kick\\w*|(?:left|right) leg", states(condition)))  # fmt: skip
    one_grounded = (
        rf"(?<!and ){SIDE} knee (?:(?:is|rests?|resting|lies|lowered|placed|down|set|planted|dropped|touch\w*) )*"
        rf"(?:{FLOOR}|grounded\b)"
    )
    others_bear = (
        r"both (?:knees|feet)|(?:hands|palms) (?:and|on (?:the )?(?:floor|ground|mat))|fours|plank|sit\w*|seated"
        r"|lie|lies"
        r"|lying|prone|supine|reclin\w*|crawl\w*|not|off|(?:left|right|one|the) hand (?:\w+ ){0,3}(?:on|touch\w*) the "
        r"(?:floor|ground|mat)|knees|hands|shins|heels?|split\w*|straight (?:back|behind)|pigeon|lung\w*"
    )
    yield Rule("knee", f"{FLOORS} grounded", one_grounded,
               unless_said(others_bear, states("kneeling on {side}_knee")))  # fmt: skip


def _lean_of_hips(match: Match) -> str | None:
    if not match["degrees"]:
        return "torso leans forward 12"
    degrees = int(match["degrees"])
    return f"torso leans forward {max(degrees - 25, 8)}..{degrees + 30}" if 15 <= degrees <= 130 else None
