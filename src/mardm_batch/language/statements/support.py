"""What is on the floor and carries the body, and what is off it."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side, plural
from mardm_batch.language.statements.rules import (
    FLOOR,
    FLOORS,
    HANDS,
    OF,
    PLACED,
    SIDE,
    Condition,
    Match,
    Rule,
    against_other,
    gap,
    limb,
    states,
    subject,
    unless_said,
    where_said,
)

_OFF: Final = (
    r"(?:(?:is|are|lifted|raised|held|hovering|hovers|kept|stays?|just|well|both|high) )*"
    r"(?:off|clear of|above) (?:the )?(?:floor|ground|mat)\b"
)


_ALL_FOURS: Final = r"(?:on|onto) (?:the |his |her |their )?(?:all fours|hands and knees)\b"
_LIFTED: Final = (
    r"(?:reach\w*|extend\w*|stretch\w*|lift\w*|rais\w*|straight|points?|pointing|kick\w*|forwards?|ahead|off)\b"
)


def rules() -> Iterator[Rule]:
    """What is on the floor, then what is off it."""
    yield from _on_the_floor()
    yield from _off_the_floor()


def _on_the_floor() -> Iterator[Rule]:
    parts = {
        "knee": ("knee", "shin"), "hand": ("hand", "palm", "fist", "fingertip"), "elbow": ("forearm", "elbow"),
        "ankle": ("heel",), "foot": ("foot", "sole"),
    }  # fmt: skip
    for part, names in parts.items():
        words = " ".join(form for name in names for form in (name, plural(name)))
        on_floor = states(f"{{{part}}} on floor")
        if part == "elbow":
            on_floor = unless_said(r"(?:straight|extended|bent) elbows|elbows (?:straight|extended)", on_floor)
        if part == "knee":
            on_floor = _knees_on_floor(on_floor)
        yield Rule(words, FLOORS, rf"{limb(*names)} {PLACED}{FLOOR}", on_floor)
    knee = rf"(?:(?:kneeling|kneels|kneel|down) |(?<!\w )(?<!\w))on {OF}{SIDE} knee\b"
    yield Rule("knee", "on", knee, states("kneeling on {side}_knee"))
    on_elbow = rf"(?:propped|resting|rests|leaning|supported|up) (?:up )?on {OF}{SIDE} (?:elbow|forearm)\b"
    one_elbow = r"(?:propped|resting|rests|leaning|leans|supported|up) (?:back |up )?on one (?:elbow|forearm)\b"
    furniture = r"table|desk|counter|bar|rail\w*|fence|knees?|thighs?|wall|window|sill|chair|sofa|couch|pillow"
    yield Rule("elbow forearm", "on", on_elbow, unless_said(furniture, states("{side}_elbow on floor")))
    yield Rule("elbow forearm", "one", one_elbow, unless_said(furniture, states("either elbow on floor")))
    one_arm_plank = rf"plank (?:\w+ ){{0,2}}?on {OF}{SIDE} (?P<on>hand|palm|forearm|elbow)\b"
    yield Rule("plank", "on", one_arm_plank, _bearing_arm)
    half = r"(?:half[- ]kneel\w*|kneel(?:s|ing)? (?:down )?on one knee\b)"
    yield Rule("half one", "half one", half, states("kneeling on left_knee or kneeling on right_knee"))
    all_fours = (
        r"(?:(?:on|onto|by) (?:the |his |her |their |both )*(?:all (?:fours|4s?)|hands and knees|knees and hands)"
        r"|(?<!\w )hands and knees)\b"
    )
    moved = (
        r"lift\w*|rais\w*|stretch\w*|extend\w*|reach\w*|float\w*|forwards?|out|off|not|up|hover\w*|kick\w*|point\w*"
        r"|bear|crab|hang\w*"
    )
    lifted_hand = (
        r"arms?|(?:left|right|one|a) (?:hand|palm)|hands (?:lift|rais|off|up)\w*|off|not|hover\w*|float\w*|bear"
        r"|crab|hang\w*"
    )
    level = rf"{moved}|arch\w*|round\w*|sit\w*|back|heels|chest|down|up|forearms|elbows"
    for condition, unless in (
        ("hands on floor", lifted_hand), ("knees on floor", moved), ("torso horizontal", level),
    ):  # fmt: skip
        yield Rule("fours 4s 4 knees", "all hands", all_fours, unless_said(unless, states(condition)))
    on_toes = (
        r"(?:on|by) (?:the |his |her |their |both )*(?:hands|palms|straight arms) and "
        r"(?:the |his |her |their |both )*(?:toes|feet|balls of (?:the |both )*feet)\b"
    )
    for condition in ("hands on floor", "feet on floor"):
        yield Rule("hands palms arms", "toes feet", on_toes, states(condition))
    on_hands = r"(?:balanc\w+|weight (?:is )?(?:all )?) ?(?:on|over) (?:both |the |his |her |two )*hands\b(?! and)"
    for condition in ("hands on floor", "feet off floor"):
        yield Rule("hands", "on over", on_hands, unless_said(r"feet|foot|knees?|toes", states(condition)))
    on_forearms = (
        r"(?:on|by) (?:the |his |her |their |both )*(?:forearms|elbows|hands|palms|(?:straight )?arms) and "
        r"(?:the |his |her |their |both )*(?:toes|balls of (?:the |both )*feet)\b"
    )
    for condition in ("feet on floor", "knees off floor", "knees bent ..35"):
        yield Rule("forearms elbows hands palms arms", "toes balls", on_forearms,
                   unless_said(r"lift\w*|rais\w*|knees? bent|bent knees?|tuck\w*|pull\w*|left|right|one",
                               states(condition)))  # fmt: skip
    in_line = r"(?:body|head to (?:the )?(?:heels?|toes?|feet))\b[^.;]{0,30}\b(?:straight|long|single|one) line\b"
    bent = r"knees? bent|bent knees?|kneel\w*|knees on|(?:left|right|one) (?:knee|leg)"
    yield Rule("body head", "line", in_line, unless_said(bent, states("knees bent ..30")))
    plank = r"plank|prone|face[- ]down|forearms|push[- ]?up"
    yield Rule(
        "body head", "line", in_line, unless_said("side|edge|upside", where_said(plank, states("torso horizontal")))
    )
    side_plank = (
        rf"(?:up|supported|propped|balanc\w+|plank|weight) (?:on|by) {OF}{SIDE} (?P<on>hand|palm|forearm|elbow) and "
        rf"{OF}(?:outer |outside )?(?:edge|side) of {OF}(?:left |right )?(?:foot|feet)\b"
    )
    for stated in (_bearing_arm, against_other("{side}_shoulder below {other}_shoulder 0.1")):
        yield Rule("foot feet", "edge side", side_plank, stated)
    planted = (
        rf"{limb('foot')} (?:(?:is|are|firmly|both|well|solidly|flat) )*planted\b(?! (?:on|against|behind|in front"
        r"|ahead|wide|apart))"
    )
    yield Rule("foot feet", "planted", planted, states("{foot} on floor"))
    propped = (
        r"(?:propped|supported|resting|rests?|leaning|up|held up|weight|balanc\w+|prone|sphinx|plank) (?:up |mostly "
        r"|is "
        r"|back |only )*on "
        r"(?:the |his |her |their |both )*(?:forearms|elbows)\b"
    )
    yield Rule("forearms elbows", "on", propped, unless_said(furniture, states("elbows on floor")))
    both_knees = r"(?:on|upright on|tall on|onto|down on) (?:both|the|his|her|their) (?:two )?knees\b"
    others = r"hands?|elbows?|forearms?|palms?|chin|(?:fore)?head|brow|face|nose|cheek|laid|resting|rests?|lean\w*"
    yield Rule("knees", "on", both_knees, unless_said(others, states("knees on floor")))
    grounded = (
        rf"{limb('foot', 'sole', 'hand', 'palm', 'knee', 'elbow', 'forearm')} (?:(?:is|are|both|well|firmly|stays?) )*"
    )
    yield Rule("foot feet sole soles hand hands palm palms knee knees elbow elbows forearm "
               "forearms", "grounded anchored rooted",
               rf"{grounded}(?:grounded|anchored|rooted)\b", _touching("on"))  # fmt: skip
    one_knee = (
        r"(?:(?:down|kneel\w*|knelt|drops?|dropped|dropping|sinks?|sunk|sinking|goes|gone|going|gets?|falls?"
        r"|lowered|upright"
        r"|genuflect\w*|propos\w+|crouch\w*|rests?|resting|is|person|man|woman|he|she|they) (?:down )?|(?<!\w )(?<!\w))"
        r"(?:on|onto|to) (?:one|(?:a |the )?bended|a bent) knee\b|one knee (?:is )?down\b"
    )
    on_it = r"(?:hands?|elbows?|forearms?|arms?|chin|cheek|head)(?: \w+){0,2} (?:on|to) one knee"
    yield Rule("knee", "one bended bent", one_knee, states("either knee on floor"))
    yield Rule("knee", "one bended bent", one_knee,
               unless_said(rf"{on_it}|sit\w*|lie|lies|lying|floating|fours|plank|lunge",
                           states("kneeling on left_knee or kneeling on right_knee")))  # fmt: skip
    knee_down = rf"{SIDE} knee (?:(?:is|that is|that's|goes|sinks|drops|comes) )?down\b"
    yield Rule("knee", "down", knee_down, states("{side}_knee on floor"))
    on_all = (
        r"both (?:knees|feet)|(?:hands|palms) (?:and|on (?:the )?(?:floor|ground|mat))|fours|plank|sit\w*|seated|lie"
        r"|lies|lying|prone"
    )
    yield Rule("knee", "down", rf"{knee_down}(?=$|[,.;]| (?:and|with|while) )",
               unless_said(on_all, states("kneeling on {side}_knee")))  # fmt: skip
    laid = rf"{limb('forearm')} {PLACED}{FLOOR}"
    propping = r"(?:chin|face|cheeks?|head|jaw) \w+ (?:the )?(?:left |right |both )?(?:hands?|palms?|fists?)"
    yield Rule("forearm forearms", FLOORS, laid, unless_said(propping, states("{hand} height ..0.4")))
    with_feet = rf"both feet and {OF}(?P<side>left|right) (?:hand|palm) (?:are |both |flat )*{FLOOR}"
    yield Rule("feet", FLOORS, with_feet, states("feet on floor"))
    touching = (
        rf"(?:touch(?:es|ing)?|reach(?:es|ing)?(?: down)?(?: to| for)?) (?:the )?(?:floor|ground) with "
        rf"{OF}(?:both )?{limb('hand', 'palm', 'fingertip', 'finger')}"
    )
    yield Rule(HANDS, FLOORS, touching, states("{hand} height ..0.3"))
    knees = r"(?:kneeling|kneels|kneel) (?:up |down )?on (?:both |the |his |her |their )+knees\b"
    yield Rule("knees", "on", knees, states("knees on floor"))
    soles = (
        rf"{limb('foot', 'sole')} (?:(?:is|are|both|planted|kept|stays?|placed) )*flat\b"
        r"(?! (?:against|behind|in the|on (?!(?:the )?(?:floor|ground|mat))))"
    )
    yield Rule("foot feet sole soles", "flat", soles, states("{foot} on floor"))
    head = rf"(?:forehead|head|nose|cheek) (?:(?:is|rests|resting|lowered|down|touching|placed|flat) )*{FLOOR}"
    yield Rule("forehead head nose cheek", FLOORS, head, states("head height ..0.35"))
    flat = (
        r"(?:belly|stomach|tummy|hips|pelvis|bum|bottom|buttocks|seat) (?:(?:is|are|flat|rests?|resting|down) )*"
        rf"{FLOOR}"
    )
    yield Rule("belly stomach tummy hips pelvis bum bottom buttocks seat", FLOORS, flat, states("pelvis height ..0.35"))
    low = (
        rf"{limb('hand', 'palm', 'fist', 'fingertip', 'wrist')} (?:(?:is|are|hanging|hangs|held|reaching|reaches"
        rf"|hovering|just) )*"
        r"(?:close to|near|nearly touching|almost touching|just above|(?:reaching |reaches |down )?(?:to|for|towards?)"
        r") (?:the )?(?:floor|ground)\b"
    )
    yield Rule(HANDS, FLOORS, low, states("{hand} height ..0.35"))
    lifting = (
        r"(?:(?:pick(?:s|ing)?|lift(?:s|ing)?|scoop(?:s|ing)?|gather(?:s|ing)?|tak(?:e|es|ing))(?: up)?|get(?:s|ting)?"
        r"|grab(?:s|bing)?|collect(?:s|ing)?|fetch(?:es|ing)?|retriev(?:e|es|ing)|pluck(?:s|ing)?|reach(?:es|ing)? for)"
    )
    thing = (
        rf"(?!{OF}(?:\w*sel(?:f|ves)|weight|step|off|from|up)\b)"
        rf"{gap('up|away|back|both|heel*|top|shelf|weight|off|from')}"
    )
    picking = rf"{lifting} {thing}(?:up )?(?:off|from) (?:of )?(?:the )?(?:floor|ground|mat)\b"
    pick_words = (
        "pick picks picking get gets getting grab grabs grabbing take takes taking lift lifts lifting collect collects "
        "collecting fetch fetches fetching retrieve retrieves retrieving scoop scoops scooping gather gathers "
        "gathering pluck plucks plucking reach reaches reaching"
    )
    yield Rule(pick_words, FLOORS, picking, _picking_hand)
    supporting = (
        r"(?:supports?|supporting|props?|propping|holds?|holding|leans?|leaning|weight|propped|supported)"
        r" (?:(?:himself|herself|themselves|itself|the body|her|him|back|up|is|far|over|mostly|the) )*"
        rf"on {OF}(?:both )?"
    )
    floors = "floor|ground|mat|grass|lawn|beach|carpet|sand|towel|blanket"
    on_hand = rf"{supporting}{limb('hand', 'palm', 'arm')}\b(?! (?:of|on) )"
    yield Rule(f"{HANDS} arm arms", "support supports supporting prop props propping hold holds holding lean leans "
               "leaning weight propped supported", on_hand, where_said(floors, _bearing_hand))  # fmt: skip
    weight = (
        rf"(?:weight (?:\w+ ){{0,4}}?(?:on|over|onto|to|into|through|upon)|(?:carried|borne|supported) by|standing "
        rf"on) {OF}{SIDE} (?:foot|leg)\b"
    )
    yield Rule("foot leg", "weight carried borne supported standing", weight,
               unless_said("chair|bench|stool|wall|sit\\w*", states("{side}_foot on floor")))  # fmt: skip
    others_bear = r"hands?|elbows?|hips?|sit\w*|seated|knees|kneel\w*"
    on_side = (
        r"weight (?:\w+ ){0,4}?(?:on|over|onto|to|into|through) the (?P<side>left|right)(?=$|[,.;]| (?:and|while"
        r"|with|side) )"
    )
    yield Rule("weight", "left right", on_side,
               unless_said(others_bear, states("{side}_foot on floor")))  # fmt: skip
    on_both = r"weight (?:\w+ ){0,4}?(?:on|over|between|through) (?:both |the |two )*(?:feet|legs)\b(?! of)"
    yield Rule("feet legs", "weight", on_both,
               unless_said("hands?|chair|bench|stool|sit\\w*|seated", states("feet on floor")))  # fmt: skip
    with_hands = (
        rf"(?:weight|body|supported|propped) (?:\w+ ){{0,4}}?(?:by|on) (?:both |the )*hands and {OF}"
        r"(?:left |right |both )?(?:foot|feet|knees?|toes)\b"
    )
    yield Rule("hands", "weight body supported propped", with_hands, states("hands on floor"))
    bears = (
        rf"{SIDE} (?:leg|foot) (?:(?:alone|is|fully|mostly|now|that) )*(?:bears?|bearing|carr(?:y|ies|ying)|supports?"
        rf"|supporting"
        r"|takes?|taking|holds?|holding) (?:up )?(?:(?:all|most|much|of|the|his|her|their|whole|full|entire|body) "
        r")*(?:weight|body)\b"
    )
    yield Rule("leg foot", "weight body", bears,
               unless_said("chair|bench|stool|wall|sit\\w*", states("{side}_foot on floor")))  # fmt: skip
    supports = rf"(?:supported by|on|by) {OF}{SIDE} hand and {OF}(?P<at>left|right) (?:foot|leg)\b"
    for condition in ("{side}_hand on floor", "{at}_foot on floor"):
        yield Rule("hand", "supported on by", supports, states(condition))


def _off_the_floor() -> Iterator[Rule]:
    extended = r"(?:(?:extended|stretched|reaching|held|out|straight|back|backwards?|forwards?|behind|in front) )*"
    leg_off = rf"{limb('leg')} {extended}{_OFF}"
    yield Rule("leg legs", "off clear above", leg_off, states("{foot} off floor"))
    for part, names in (("knee", ("knee",)), ("hand", ("hand", "palm")), ("foot", ("foot",))):
        words = " ".join(form for name in names for form in (name, plural(name)))
        yield Rule(words, "off clear above", rf"{limb(*names)} {_OFF}", states(f"{{{part}}} off floor"))
    neither = (
        r"neither (?P<part>knee|foot|hand|heel) (?:touches|is on|rests on|reaches|is touching|meets) the (?:floor"
        r"|ground|mat)\b"
    )
    yield Rule("knee foot hand heel", "neither", neither, _neither)
    left_it = (
        rf"{limb('foot', 'heel', 'hand', 'knee')} {gap(most=3)}(?:left|leaves|leave|clear of|free of|lifts? off|comes "
        r"off) (?:of )?the (?:floor|ground|mat)\b"
    )
    yield Rule(
        "foot feet heel heels hand hands knee knees", "left leaves leave clear free off", left_it, _touching("off")
    )
    only_one = (
        rf"(?:only|just) {OF}{SIDE} (?P<what>foot|leg|knee|toes) {gap(most=4)}(?:on|touching|touches|down|carries)\b"
    )
    yield Rule("foot leg knee toes", "only just", only_one, _other_off_floor)
    not_the_other = (
        rf"{SIDE} (?P<what>foot|knee) {gap(most=4)}(?:on|touches|touching) (?:the )?(?:floor|ground|mat),? "
        r"(?:(?:and|but) )?(?:not the (?:left|right|other)|the (?:left|right|other)(?: one| knee| foot)? (?:does|is) "
        r"not)\b"
    )
    yield Rule("foot knee", "not", not_the_other, _other_off_floor)
    untouching = (
        rf"{limb('foot', 'leg', 'knee', 'hand')} (?:(?:does|do|is|are) not|no longer) (?:touch(?:es)?|reach|touching"
        r"|reaching|on) the (?:floor|ground|mat)\b"
    )
    yield Rule("foot feet leg legs knee knees hand hands", "not longer", untouching, _touching("off"))
    in_the_air = rf"{gap()}in the air\b"
    yield Rule("leg legs foot feet", "air", rf"{limb('leg', 'foot')} {in_the_air}", states("{foot} off floor"))
    both_up = rf"(?:legs|feet) {gap()}in the air\b"
    yield Rule("legs feet", "air", both_up,
               where_said("back|lying|supine|lies|shoulders", states("feet above pelvis 0.2")))  # fmt: skip
    its_knee = (
        rf"{SIDE} leg [^.;]{{0,60}}\b(?:the |its )knee (?:is |held |just )*(?:off (?:the )?(?:floor|ground|mat)|lifted)"
        r"\b"
    )
    yield Rule("leg", "knee", its_knee, states("{side}_knee off floor"))
    standing = (
        r"(?:standing|stands|stand|stood|balancing|balances|balance|balanced|erect|poised|perched|teetering"
        r"|hopping|hops"
        r"|hop|upright)"
    )
    how = r"(?:(?:slightly |fully |nearly |almost )?(?:straight|extended|bent|flexed|locked|soft) )?"
    ball = rf"(?:(?:ball|toes|tip|tips|sole|heel|outer edge) of {OF})?"
    leg = rf"{standing} on {OF}{ball}{how}(?P<on>left|right|one) (?:leg|foot)\b"
    yield Rule("leg foot", "on", leg, _other_foot)
    bearing = rf"{standing.replace('|hopping|hops', '')} on {OF}{ball}{how}{SIDE} (?:leg|foot)\b"
    yield Rule("leg foot", "on", bearing, unless_said("chair|bench|stool|wall", states("{side}_foot on floor")))
    all_weight = (
        rf"{SIDE} (?:leg|foot) {gap(most=5)}(?:bears?|bearing|carr(?:y|ies|ying)|supports?|supporting|takes?|taking"
        r"|holds?|holding) (?:all|the (?:whole|full|entire))(?: of)? (?:the |his |her |their )?(?:body )?weight\b"
    )
    yield Rule("leg foot", "weight", all_weight, against_other("{other}_foot off floor"))
    down = rf"{limb('sole')} (?:is |are )?(?:flat )?down\b"
    yield Rule("sole soles", "down", down, states("{foot} on floor"))
    upward = (
        rf"{limb('sole', 'foot')} (?:(?:is|are|turned|raised|lifted|now) )*(?:fac(?:es?|ing)|point(?:s|ing)?(?: "
        rf"at| to)?"
        r"|towards?|to) (?:the )?(?:ceiling|sky)\b"
    )
    yield Rule("sole soles foot feet", "ceiling sky", upward, states("{foot} off floor"))
    for stated in (_other_than_lifted("knee", "leg|foot|knee"), _other_than_lifted("hand", "arm|hand")):
        yield Rule("fours knees", "all hands", _ALL_FOURS, stated)
    yield Rule("leg foot", "on", bearing, unless_said(r"bent|bend\w*|knees?|squat\w*", states("{side}_knee bent ..30")))
    yield Rule("leg foot", "on", bearing, states("{side}_knee bent ..48"))
    single = (
        r"(?:just|only|with) one hand (?:is |stays? |planted |placed |flat )*(?:on|touching) (?:the )?(?:floor|ground"
        r"|mat)\b"
    )
    rest = r"one hand [^.;]{0,80}\bthe other (?:one |hand )?(?:is )?(?:not|off|free|in the air|lifted)\b"
    yield Rule("hand", "just only other", rf"(?:{single}|{rest})",
               where_said(FLOORS.replace(" ", "|"), states("either hand off floor")))  # fmt: skip
    only = (
        rf"only {OF}{SIDE} hand (?:is |stays? |planted |placed |flat )*(?:on|touching) (?:the )?(?:floor|ground|mat)\b"
    )
    yield Rule("hand", "only", only, against_other("{other}_hand off floor"))


def _other_than_lifted(part: str, limbs: str) -> Condition:
    """The part of the other side is on the floor, where one of the limbs is lifted from all fours."""
    pattern = re.compile(rf"\b(left|right) (?:{limbs}) (?:\w+ ){{0,2}}?{_LIFTED}")

    def condition(match: Match) -> str | None:
        lifted = set(pattern.findall(match.string))
        return f"{other_side(lifted.pop())}_{part} on floor" if len(lifted) == 1 else None

    return condition


def _knees_on_floor(condition: Condition) -> Condition:
    """Of "hands and knees on the floor, the left leg lifted" the right knee."""
    lifted_leg = re.compile(rf"\b(left|right) (?:leg|foot|knee) (?:\w+ ){{0,2}}?{_LIFTED}")

    def stated(match: Match) -> str | None:
        lifted = set(lifted_leg.findall(match.string)) if match["both"] else set()
        return f"{other_side(lifted.pop())}_knee on floor" if len(lifted) == 1 else condition(match)

    return stated


def _bearing_hand(match: Match) -> str | None:
    """On the floor, unless it is the head that is propped on it."""
    before = match.string[max(match.start() - 25, 0) : match.start()]
    return None if re.search(r"\b(?:head|chin|face|cheek)\b[^,.;]*$", before) else f"{subject(match, 'hand')} on floor"


def _bearing_arm(match: Match) -> str:
    return f"{match['side']}_{'hand' if match['on'] in ('hand', 'palm') else 'elbow'} on floor"


_WITH_HAND: Final = re.compile(r"[\w ]{0,20}?\b(?:with|by|in) (?:the |his |her )?(left|right|both) hands?\b")


def _picking_hand(match: Match) -> str:
    """Close to the floor, or to what lies there: the hand that is named after it, if any."""
    hand = _WITH_HAND.match(match.string, match.end())
    which = "either hand" if hand is None else "hands" if hand[1] == "both" else f"{hand[1]}_hand"
    return f"{which} height ..0.5"


def _touching(how: str) -> Condition:
    """On or off the floor, by which part is named."""

    def condition(match: Match) -> str:
        named = re.search("knee|elbow|forearm|hand|palm", match[0])
        part = {"forearm": "elbow", "palm": "hand"}.get(named[0], named[0]) if named else "foot"
        return f"{subject(match, part)} {how} floor"

    return condition


def _other_off_floor(match: Match) -> str:
    """Of "only the left knee is on the floor"."""
    return f"{other_side(match['side'])}_{'knee' if match['what'] == 'knee' else 'foot'} off floor"


def _neither(match: Match) -> str | None:
    return None if match["part"] == "heel" else f"{plural(match['part'])} off floor"


def _other_foot(match: Match) -> str:
    """Off the floor, where a person stands on one leg."""
    foot = "either foot" if match["on"] == "one" else f"{other_side(match['on'])}_foot"
    return f"{foot} off floor"
