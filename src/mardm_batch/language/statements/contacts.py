"""What touches the floor or another part of the body."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side, plural
from mardm_batch.language.statements.rules import (
    FLOOR,
    FLOORS,
    OF,
    PLACED,
    SIDE,
    Condition,
    Match,
    Rule,
    against_other,
    limb,
    states,
    subject,
    unless_said,
    where_said,
)

_LANDMARKS: Final = {
    "hip": ("hip", 0.25), "waist": ("hip", 0.3), "belt": ("hip", 0.33), "thigh": ("knee", 0.45),
    "kneecap": ("knee", 0.2), "knee": ("knee", 0.2), "shin": ("knee", 0.45), "calf": ("knee", 0.45),
    "ankle": ("ankle", 0.22), "foot": ("foot", 0.34), "toes": ("foot", 0.3), "heel": ("ankle", 0.22),
    "shoulder": ("shoulder", 0.27), "elbow": ("elbow", 0.2), "upper arm": ("elbow", 0.33), "wrist": ("wrist", 0.2),
    "head": ("head", 0.25), "face": ("head", 0.25), "forehead": ("head", 0.25), "mouth": ("head", 0.25),
    "brow": ("head", 0.25), "eyes": ("head", 0.25), "nose": ("head", 0.25),
    "chin": ("head", 0.25), "cheek": ("head", 0.25), "ear": ("head", 0.25), "temple": ("head", 0.25),
    "neck": ("neck", 0.25), "nape": ("neck", 0.25), "throat": ("neck", 0.25), "chest": ("spine3", 0.3),
    "heart": ("spine3", 0.3), "sternum": ("spine3", 0.3),
    "belly": ("spine1", 0.3), "stomach": ("spine1", 0.3), "tummy": ("spine1", 0.3),
}  # fmt: skip
"""By the word for what a hand is on: the point that it is near, and within which distance in metres."""
_PAIRED: Final = ("hip", "knee", "ankle", "foot", "shoulder", "elbow", "wrist")
_OF_EITHER_SIDE: Final = ("knee", "ankle", "foot")
"""Of "the left hand on the knee" it may be either one."""
_OF_THE_OTHER_ARM: Final = ("elbow", "wrist")
_LANDMARK: Final = "|".join(
    sorted((form for word in _LANDMARKS for form in (word, plural(word))), key=len, reverse=True)
).replace("calfs", "calves")
_LANDMARK_WORDS: Final = _LANDMARK.replace("|", " ")
_HOLDS: Final = (
    "touching|touch|touches|holding|holds|hold|gripping|grips|grip|grabbing|grabs|grab|clutching|clutches|clutch"
    "|clasping|clasps|clasp|grasping|grasps|grasp|catching|catches|catch(?: hold of)?|taking|takes|take"
    "|pulling|pulls|pull|cupping|cups"
)
_ON: Final = (
    rf"(?:on|onto|at|against|to|for|under|down to|up to|(?:reaching|reaches|reach) for|{_HOLDS}|covering|covers|cover"
    r"|beside|by|next to|across) (?:top of |the (?:top|side|front|back|inside|outside) of )?"
)
_POINT: Final = rf"{OF}(?:both |own |lifted |raised |bent |front )?(?:(?P<at>left|right) )?(?P<landmark>{_LANDMARK})\b"
_NOT_A_POINT: Final = r"(?! (?:height|level|width|off)\b)"
_HANDS: Final = "hand hands palm palms fist fists fingertip fingertips wrist wrists"
_HAND: Final = limb("hand", "palm", "fist", "fingertip", "wrist")
_OFF: Final = (
    r"(?:(?:is|are|lifted|raised|held|hovering|hovers|kept|stays?|just|well|both|high) )*"
    r"(?:off|clear of|above) the (?:floor|ground|mat)\b"
)


def rules() -> Iterator[Rule]:
    """What is on the floor, then hands, then other parts on each other."""
    yield from _on_the_floor()
    yield from _off_the_floor()
    yield from _hands_on_parts()
    yield from _hands_together()
    yield from _legs_and_elbows()


def _on_the_floor() -> Iterator[Rule]:
    for part, names in (("knee", ("knee",)), ("hand", ("hand", "palm", "fist", "fingertip")), ("elbow", ("forearm",)),
                        ("foot", ("foot", "sole"))):  # fmt: skip
        words = " ".join(form for name in names for form in (name, plural(name)))
        yield Rule(words, FLOORS, rf"{limb(*names)} {PLACED}{FLOOR}", states(f"{{{part}}} on floor"))
    knee = rf"(?:kneeling|kneels|kneel|down) on {OF}{SIDE} knee\b"
    yield Rule("knee", "on", knee, states("kneeling on {side}_knee"))
    one_knee = r"(?:on|kneeling on|down on) one knee\b|one knee (?:is )?down\b"
    yield Rule("knee", "one", one_knee, states("either knee on floor"))
    yield Rule("knee", "down", rf"{SIDE} knee (?:is )?down\b", states("{side}_knee on floor"))
    knees = r"(?:kneeling|kneels|kneel) (?:up |down )?on (?:both |the |his |her |their )+knees\b"
    yield Rule("knees", "on", knees, states("knees on floor"))
    soles = r"(?:feet|soles) (?:(?:are|both|planted|kept|stay) )*flat\b"
    yield Rule("feet soles", "flat", soles, states("feet on floor"))
    head = rf"(?:forehead|head|nose|cheek) (?:(?:is|rests|resting|lowered|down|touching|placed|flat) )*{FLOOR}"
    yield Rule("forehead head nose cheek", FLOORS, head, states("head height ..0.35"))
    flat = (
        r"(?:belly|stomach|tummy|hips|pelvis|bum|bottom|buttocks|seat) (?:(?:is|are|flat|rests?|resting|down) )*"
        rf"{FLOOR}"
    )
    yield Rule("belly stomach tummy hips pelvis bum bottom buttocks seat", FLOORS, flat, states("pelvis height ..0.35"))
    low = (
        rf"{_HAND} (?:(?:is|are|hanging|hangs|held|reaching|reaches|hovering|just) )*"
        r"(?:close to|near|nearly touching|almost touching|just above|(?:reaching |reaches |down )?(?:to|for|towards?)"
        r") "
        r"the (?:floor|ground)\b"
    )
    yield Rule(_HANDS, FLOORS, low, states("{hand} height ..0.35"))
    picking = r"(?:picking|picks|pick)(?: \S+){0,4}? (?:off|from|up from) the (?:floor|ground|mat)\b"
    yield Rule("picking picks pick", FLOORS, picking, states("either hand height ..0.45"))
    supporting = (
        r"(?:supports?|supporting|props?|propping|holds?|holding|leans?|leaning|weight|propped|supported)"
        r" (?:(?:himself|herself|themselves|itself|the body|her|him|back|up|is|far|over|mostly|the) )*"
        rf"on {OF}(?:both )?"
    )
    floors = "floor|ground|mat|grass|lawn|beach|carpet|sand|towel|blanket"
    on_hand = rf"{supporting}{limb('hand', 'palm', 'arm')}\b(?! (?:of|on) )"
    yield Rule(f"{_HANDS} arm arms", "support supports supporting prop props propping hold holds holding lean leans "
               "leaning weight propped supported", on_hand, where_said(floors, _bearing_hand))  # fmt: skip


def _off_the_floor() -> Iterator[Rule]:
    for part, names in (("knee", ("knee",)), ("hand", ("hand", "palm")), ("foot", ("foot",))):
        words = " ".join(form for name in names for form in (name, plural(name)))
        yield Rule(words, "off clear above", rf"{limb(*names)} {_OFF}", states(f"{{{part}}} off floor"))
    in_the_air = r"(?:(?:up|high|kicked|raised|lifted|straight|both|are|is|held|waving) )*in the air\b"
    yield Rule("leg legs foot feet", "air", rf"{limb('leg', 'foot')} {in_the_air}", states("{foot} off floor"))
    standing = r"(?:standing|stands|stand|balancing|balances|balance|balanced)"
    leg = rf"{standing} on {OF}(?P<on>left|right|one) (?:leg|foot)\b"
    yield Rule("leg foot", "on", leg, _other_foot)
    bearing = rf"{standing} on {OF}{SIDE} (?:leg|foot)\b"
    yield Rule("leg foot", "on", bearing, unless_said(r"bent|bend\w*|knees?|squat\w*", states("{side}_knee bent ..30")))
    yield Rule("leg foot", "on", bearing, states("{side}_knee bent ..48"))
    single = (
        r"(?:just|only|with) one hand (?:is |stays? |planted |placed |flat )*(?:on|touching) the (?:floor|ground|mat)\b"
    )
    rest = r"one hand [^.;]{0,80}\bthe other (?:one |hand )?(?:is )?(?:not|off|free|in the air|lifted)\b"
    yield Rule("hand", "just only other", rf"(?:{single}|{rest})",
               where_said(FLOORS.replace(" ", "|"), states("either hand off floor")))  # fmt: skip
    only = rf"only {OF}{SIDE} hand (?:is |stays? |planted |placed |flat )*(?:on|touching) the (?:floor|ground|mat)\b"
    yield Rule("hand", "only", only, against_other("{other}_hand off floor"))


def _hands_on_parts() -> Iterator[Rule]:
    on_landmark = rf"{_HAND} {PLACED}{_ON}{_POINT}{_NOT_A_POINT}"
    yield Rule(_HANDS, _LANDMARK_WORDS, on_landmark, _hand_on)
    held = (
        rf"(?:{_HOLDS}|reach(?:ing|es)? for|reach(?:ing|es)? down to) {_POINT} (?:firmly )?with {OF}(?:both )?{_HAND}"
    )
    yield Rule(_HANDS, _LANDMARK_WORDS, held, _hand_on)
    holding = rf"with {OF}(?:both )?{_HAND},? (?:{_HOLDS}) {_POINT}"
    yield Rule(_HANDS, _LANDMARK_WORDS, holding, _hand_on)
    toes = r"(?:touching|touches|touch|grabbing|grabs|holding|holds) (?:the |his |her |their )?(?:own )?toes\b(?! with)"
    yield Rule("toes", "touching touches touch grabbing grabs holding holds", toes, states("hands near feet 0.3"))
    held_by = (
        r"(?P<at>left|right) (?P<landmark>foot|ankle|heel|knee|elbow|wrist)\b[^.;]{0,40}?"
        rf"\b(?:held|gripped|grabbed|caught|tapped|touched) (?:by|in|with) {OF}(?:both )?{_HAND}"
    )
    yield Rule(_HANDS, "held gripped grabbed caught tapped touched", held_by, _hand_on)
    opposite = (
        rf"(?:hands|palms|arms) {PLACED}(?:crossed )?(?:{_ON})?(?:the |their |his |her )?opposite "
        r"(?P<landmark>shoulder|elbow|upper arm|knee|wrist)s?\b"
    )
    for side in ("left", "right"):
        yield Rule("hands palms arms", "opposite", opposite, _on_opposite(side))
    behind_head = rf"{_HAND} (?:(?:is|are|clasped|joined|tucked|folded|linked|locked) )*behind {OF}(?:head|neck)\b"
    yield Rule(_HANDS, "behind", behind_head, states("{hand} near head 0.3"))
    cradled = (
        r"(?:chin|head|face|cheek) (?:(?:is|propped|resting|rests|buried|cradled|supported|held) )*(?:up )?"
        rf"(?:in|on) {OF}(?:both )?{_HAND}\b"
    )
    yield Rule("chin head face cheek", _HANDS, cradled, states("{hand} near head 0.3"))
    lap = rf"{_HAND} (?:(?:is|are|folded|clasped|resting|rests?|lies?|placed|joined) )*(?:in|on) {OF}lap\b"
    yield Rule(_HANDS, "lap", lap, states("{hand} near pelvis 0.4"))
    pockets = rf"{_HAND} (?:(?:is|are|stuck|shoved|thrust|deep|both|stuffed) )*in(?:to)? {OF}(?:back )?pockets?\b"
    yield Rule(_HANDS, "pocket pockets", pockets, states("{hand} near {hip} 0.3"))


def _hands_together() -> Iterator[Rule]:
    joined = r"(?:clasped|joined|touching|interlaced)\b(?! (?:the|his|her|their|both|a|an|around|on|to|behind)\b)"
    joining = r"(?:(?:are|is|pressed|clasped|joined|held|folded|put|kept|touching) )*"
    each_other = r"(?:to|against) (?:each other|one another)\b"
    yield Rule(
        "hands palms",
        "together clasped joined touching interlaced other another",
        rf"(?:(?:hands|palms) {joining}(?:together\b|{joined}|{each_other})|(?:clasped|joined) hands\b)",
        states("hands close 0.2"),
    )
    between = r"(?:hands|palms) (?:\w+ ){0,2}?between (?:the |his |her |their )?(?:thighs|knees|legs)\b"
    yield Rule("hands palms", "between", between, states("hands apart ..0.3"))
    folded = r"hands (?:(?:are|both) )*folded\b(?! (?:in|on|over|across|behind|under|around))"
    yield Rule("hands", "folded", folded, states("hands close 0.25"))
    crossed = r"(?:wrists|hands) (?:(?:are|is) )?(?:crossed|cross|crossing)\b"
    yield Rule("wrists hands", "crossed cross crossing", crossed, states("wrists apart ..0.26"))


def _legs_and_elbows() -> Iterator[Rule]:
    drawn = (
        rf"{limb('knee')} (?:(?:is|are|both) )*(?:pulled|drawn|tucked|hugged|brought)"
        r" (?:(?:tightly|close|right|all the way) )*(?:up|in|to|towards?)\b"
    )
    yield Rule("knee knees", "pulled drawn tucked hugged brought", drawn, states("{knee} bent 40.."))
    together = (
        r"(?P<part>feet|ankles|heels|legs|knees) (?:(?:are|is|pressed|joined|held|put|kept|squeezed) )*together\b"
    )
    yield Rule("feet ankles heels legs knees", "together", together, _together)
    close = (
        r"(?P<part>feet|hands|knees|elbows|ankles) (?:(?:are|very|held|kept) )*close (?:together|to each other|to one "
        r"another)\b"
    )
    yield Rule("feet hands knees elbows ankles", "close", close, _close)
    ankles = r"(?:ankles (?:are )?crossed|crossed (?:at the )?ankles)\b"
    yield Rule("ankles", "crossed", ankles, states("ankles apart ..0.3"))
    elbow = (
        rf"{limb('elbow')} (?:(?:is|are|rests?|resting|propped|placed|leaning|planted) )*(?:on|against) (?:top of )?"
        r"(?:the |their |his |her |its |that )?(?:(?P<at>left|right) )?(?P<landmark>knee|thigh)s?\b"
    )
    yield Rule("elbow elbows", "knee knees thigh thighs", elbow, _elbow_on)
    forearms = (
        r"forearms (?:(?:are|rest|resting|laid|lying|propped) )*(?:on|across) (?:top of )?(?:the |their |his |her )?"
        r"(?:thighs|knees)\b"
    )
    yield Rule("forearms", "thighs knees", forearms, states("hands near knees 0.4"))
    foot = (
        rf"{SIDE} (?:foot|ankle|sole|heel|toes|shin) (?:(?:is|lies|rests|resting|placed|laid|tucked|pressed|crossed"
        r"|put|flat) )*"
        r"(?:on|over|across|against|above|to|into|touches|touching|touch) (?:top of )?(?:the )?(?:inside of the "
        r"|inner )?"
        r"(?P<at>left|right) (?:inner )?(?P<landmark>knee|thigh|calf|shin)\b"
    )
    yield Rule("foot ankle sole heel toes shin", "knee thigh calf shin", foot, _foot_on)
    over = (
        rf"{SIDE} (?:leg|thigh|knee) (?:(?:is|crossed|thrown|wound|folded|draped|slung|crosses|wrapped|hooked) )+over "
        r"the (?P<at>left|right)\b(?! (?:foot|ankle|shin|arm|hand|shoulder))"
    )
    yield Rule("leg thigh knee", "over", over, states("knees apart ..0.3"))


def _bearing_hand(match: Match) -> str | None:
    """On the floor, unless it is the head that is propped on it."""
    before = match.string[max(match.start() - 25, 0) : match.start()]
    return None if re.search(r"\b(?:head|chin|face|cheek)\b[^,.;]*$", before) else f"{subject(match, 'hand')} on floor"


def _together(match: Match) -> str:
    return f"{'knees' if match['part'] == 'knees' else 'ankles'} apart ..0.3"


def _close(match: Match) -> str:
    return f"{match['part']} apart ..{0.35 if match['part'] in ('hands', 'knees', 'elbows') else 0.3}"


def _other_foot(match: Match) -> str:
    """Off the floor, where a person stands on one leg."""
    foot = "either foot" if match["on"] == "one" else f"{other_side(match['on'])}_foot"
    return f"{foot} off floor"


def _hand_on(match: Match) -> str | None:
    word = match["landmark"].replace("calves", "calf")
    single = next(name for name in _LANDMARKS if word in (name, plural(name)))
    point, limit = _LANDMARKS[single]
    hand = subject(match, "hand")
    if point not in _PAIRED:
        return f"{hand} near {point} {limit}"
    if match["at"]:
        if point in _OF_THE_OTHER_ARM and match["side"] in (match["at"], None):
            return None
        return f"{hand} near {match['at']}_{point} {max(limit, 0.33) if match['both'] else limit}"
    if match["both"]:
        points = plural(point)
        if word == "knee":
            return " or ".join(f"hands near {at}_knee 0.33" for at in ("left", "right"))
        several = word in ("waist", "toes", plural(single)) and point not in ("shoulder", *_OF_THE_OTHER_ARM)
        return f"hands near {points} {limit}" if several else None
    hands = [match["side"]] if match["side"] else ["left", "right"]
    if point in _OF_THE_OTHER_ARM:
        pairs = [(side, other_side(side)) for side in hands]
    else:
        # on the hip of its own side, but of "the left hand on the knee" the knee may be either
        pairs = [(side, at) for side in hands for at in ("left", "right") if side == at or point in _OF_EITHER_SIDE]
    return " or ".join(f"{side}_hand near {at}_{point} {limit}" for side, at in pairs) if word != "shoulders" else None


def _on_opposite(side: str) -> Condition:
    def condition(match: Match) -> str:
        point, limit = _LANDMARKS[match["landmark"]]
        return f"{side}_hand near {other_side(side)}_{point} {max(limit, 0.3)}"

    return condition


def _elbow_on(match: Match) -> str | None:
    limit = 0.25 if match["landmark"] == "knee" else 0.35
    if match["at"]:
        return f"{subject(match, 'elbow')} near {match['at']}_knee {limit}" if match["side"] else None
    if match["both"]:
        return f"elbows near knees {limit}"
    sides = [match["side"]] if match["side"] else ["left", "right"]
    return " or ".join(f"{side}_elbow near {at}_knee {limit}" for side in sides for at in ("left", "right"))


def _foot_on(match: Match) -> str | None:
    if match["side"] == match["at"]:
        return None
    limit = {"knee": 0.25, "thigh": 0.3}.get(match["landmark"], 0.4)
    return f"{match['side']}_ankle near {match['at']}_knee {limit}"
