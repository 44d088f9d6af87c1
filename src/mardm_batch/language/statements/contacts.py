"""What touches another part of the body."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side, plural
from mardm_batch.language.statements.rules import (
    HAND,
    HANDS,
    OF,
    PLACED,
    SIDE,
    Condition,
    Match,
    Rule,
    gap,
    limb,
    states,
    subject,
    unless_said,
    where_said,
)

_LANDMARKS: Final = {
    "hip": ("hip", 0.25), "bum": ("hip", 0.35), "butt": ("hip", 0.35), "buttock": ("hip", 0.35),
    "waist": ("hip", 0.3), "belt": ("hip", 0.33), "thigh": ("knee", 0.45),
    "kneecap": ("knee", 0.2), "knee": ("knee", 0.2), "shin": ("knee", 0.45), "calf": ("knee", 0.45),
    "ankle": ("ankle", 0.22), "foot": ("foot", 0.34), "toes": ("foot", 0.3), "toe": ("foot", 0.3),
    "heel": ("ankle", 0.22),
    "shoulder": ("shoulder", 0.27), "collarbone": ("neck", 0.3), "forearm": ("elbow", 0.33),
    "elbow": ("elbow", 0.2), "upper arm": ("elbow", 0.33), "arm": ("elbow", 0.36), "wrist": ("wrist", 0.2),
    "head": ("head", 0.25), "skull": ("head", 0.25), "crown": ("head", 0.25), "jaw": ("head", 0.3),
    "lips": ("head", 0.25), "eyebrows": ("head", 0.25), "hair": ("head", 0.25), "face": ("head", 0.25),
    "forehead": ("head", 0.25), "mouth": ("head", 0.25),
    "brow": ("head", 0.25), "eyes": ("head", 0.25), "nose": ("head", 0.25),
    "chin": ("head", 0.25), "cheek": ("head", 0.25), "ear": ("head", 0.25), "temple": ("head", 0.25),
    "neck": ("neck", 0.25), "nape": ("neck", 0.25), "throat": ("neck", 0.25), "chest": ("spine3", 0.3),
    "heart": ("spine3", 0.3), "sternum": ("spine3", 0.3), "breastbone": ("spine3", 0.3),
    "belly": ("spine1", 0.3), "stomach": ("spine1", 0.3), "tummy": ("spine1", 0.3), "tum": ("spine1", 0.3),
    "abdomen": ("spine1", 0.3), "navel": ("spine1", 0.3), "ribs": ("spine2", 0.33), "sacrum": ("pelvis", 0.33),
    "tailbone": ("pelvis", 0.33), "crotch": ("pelvis", 0.33), "groin": ("pelvis", 0.33), "fly": ("pelvis", 0.33),
    "zipper": ("pelvis", 0.33), "privates": ("pelvis", 0.33), "belt buckle": ("pelvis", 0.33),
    "buckle": ("pelvis", 0.33), "belly button": ("spine1", 0.3), "gut": ("spine1", 0.3), "midriff": ("spine1", 0.3),
    "waistband": ("hip", 0.33), "belt loop": ("hip", 0.33), "beard": ("head", 0.25), "moustache": ("head", 0.25),
    "eyebrow": ("head", 0.25), "scalp": ("head", 0.25), "pec": ("spine3", 0.3),
    "lower back": ("spine1", 0.33), "small of the back": ("spine1", 0.33),
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
    "touching|touch|touches|(?:holding|holds|hold|propping|props)(?: up)?|gripping|grips|grip|grabbing|grabs"
    "|grab|clutching|clutches|clutch|clasping|clasps|clasp|grasping|grasps|grasp|catching|catches"
    "|catch(?: hold of)?|taking|takes|take|pulling|pulls|pull|cupping|cups|cup|cradling|cradles|cradle|scratching"
    "|scratches"
    "|rubbing|rubs|massaging|massages|stroking|strokes|patting|pats|tapping|taps|framing|frames|squeezing|squeezes"
    "|pressing|presses|pinching|pinches|grazing|grazes|graze|brushing|brushes|brush|tickling|tickles|encircling"
    "|encircles|thump(?:ing|s)|pound(?:ing|s)|beat(?:ing|s)|slap(?:ping|s)|smack(?:ing|s)|smooth(?:ing|s)"
    "|tug(?:ging|s)(?: at| on)?"
    "|wip(?:ing|es)|mop(?:ping|s)|dab(?:bing|s)|curl(?:ing|s)? a?round|steady(?:ing)?|steadies|pick(?:ing|s)(?: at)"
)
_ON: Final = (
    r"(?:on|onto|at|against|to|for|under(?! (?:the |his |her |their )?shoulders)|down to|up to|over(?! (?:the |his "
    rf"|her |their )?(?:head|hair|crown|skull|shoulders?))|(?:reaching|reaches|reach)(?: for)?|{_HOLDS}|covering|covers"
    r"|hiding|hides|cover|shielding|shields|shading|shades|supporting|supports|meets?|upon"
    r"|(?:wrap\w*|wraps|locked|clasped|closed) "
    r"around|around(?= (?:its |the |his |her )?own)|beside|by|next to|across|near|into"
    r"|a?round(?= (?:the |his |her |their |its |both )*(?:left |right |bent |raised |lifted |own )*(?:ankles?"
    r"|shins?|knees?|calf|calves|toes|foot|feet"
    r"|heels?|wrists?|forearms?|elbows?|neck|throat))"
    r"|in(?= (?:the |his |her |their )?(?:small of|waistband|beard|armpit))"
    r"|behind(?= (?:the |his |her |their )?(?:left |right )?(?:neck|nape|ear|knee))"
    r"|(?:hovers?|hovering|held|just|an? \w+) (?:just )?above|hooked (?:in|into|over|under|around)) (?:(?:the "
    r")?tops? of |the (?:top|side|front|back|inside"
    r"|outside) of )?"
)
_POINT: Final = (
    rf"{OF}(?:both |own |lifted |raised |bent |front |inner |outer |outside |inside |same (?:side "
    rf")?)*(?:(?P<at>left|right) )?"
    rf"(?P<landmark>{_LANDMARK})\b"
)
_TO_A_PART: Final = gap("weight|off|from|clear|behind|below|towards?|point*|fac(?:es|ing)")
_RAISED: Final = re.compile(r"\b(?:lifted|raised|front) (?:knee|leg|thigh|foot|ankle|shin|calf)\b")
_RAISED_LEG: Final = re.compile(
    r"\b(left|right) (?:knee|leg|thigh|foot) (?:\w+ ){0,3}?(?:raised|lifted|high|up|forwards?|in front|ahead)\b"
    r"|\b(?:raise|lift|bring|draw)\w* (?:the |your |his |her |their )?(left|right) (?:knee|leg|thigh|foot)\b"
)
_NEXT_DEED: Final = re.compile(r"(?:left|right|one) \w+ and \w+ing\b")
"""As in "patting the head with the left hand and rubbing the belly"."""
_NOT_A_POINT: Final = r"(?! (?:height|level|width|off)\b)"
_HAND_NAMES: Final = "(?:hand|palm|fist|fingertips|wrist)"


def rules() -> Iterator[Rule]:
    """Hands, then other parts on each other."""
    yield from _hands_on_parts()
    yield from _hands_together()


def _hands_on_parts() -> Iterator[Rule]:
    on_landmark = rf"{HAND} {_TO_A_PART}{_ON}{_POINT}{_NOT_A_POINT}"
    yield Rule(HANDS, _LANDMARK_WORDS, on_landmark, _hand_on)
    resting_arm = (
        rf"{limb('arm', 'forearm')} {gap()}(?:rests?|resting|lies|lying|laid|draped|propped|placed|supported|slung"
        rf"|leaning|folded|crossed) (?:\w+ )?(?:on|across|over) "
        rf"{OF}(?:top of the )?(?:(?P<at>left|right) )?(?P<landmark>thigh|knee|hip|head)\b{_NOT_A_POINT}"
    )
    on_knees = resting_arm.replace("thigh|knee|hip|head)", "thighs|knees)")
    yield Rule("arms forearms arm forearm", "thighs knees", on_knees, states("{hand} near knees 0.5"))
    yield Rule("arm forearm arms forearms", "thigh knee hip head", resting_arm, _hand_near)
    on_the_other = (
        rf"(?P<side>left|right) (?:hand|palm|fist) {gap('off|from|above|below|behind|front', most=4)}"
        r"(?:on(?: top of)?|over|hold(?:s|ing)|clasp(?:s|ing)|cover(?:s|ing)|grip(?:s|ping)|against|meets?"
        r"|touch(?:es|ing)|to|into|in) (?:the )?"
        r"(?!(?P=side))(?:left|right) (?:hand|palm|fist|one)\b"
    )
    yield Rule(HANDS, HANDS, on_the_other, lambda match: "hands close 0.25")
    same_side = rf"{SIDE} {_HAND_NAMES} {gap()}(?P<landmark>{_LANDMARK}) (?:of|on) (?:the |that )?same side\b"
    yield Rule(HANDS, "same", same_side, _on_own_side)
    width = (
        r"(?:(?:a |about |one |half a |just )*(?:(?:fist|hand|palm|finger|thumb|foot|head)(?:['’]?s)?(?:[ -](?:width"
        r"|breadth))"
        r"|inch|few (?:inches|centimeters|cm)|couple of (?:inches|centimeters)|\d+ ?(?:cm|centimeters|inches))) "
        r"(?:away )?"
    )
    near = rf"{HAND} {gap()}{width}(?:from|off|above|in front of|below|beside) {_POINT}{_NOT_A_POINT}"
    yield Rule(HANDS, _LANDMARK_WORDS, near, _hand_near)
    armpit = (
        rf"{SIDE} {_HAND_NAMES} {gap()}(?:in|into|under|inside|at|to) {OF}(?P<at>left|right|other|opposite) (?:armpit"
        rf"|arm)\b(?! \w+ed)"
    )
    yield Rule(HANDS, "armpit arm", armpit, _in_armpit)
    armpits = rf"(?:hands|fists) {gap()}(?:in|into|under|inside) {OF}(?:opposite )?(?:armpits|arms)\b"
    thumbs = r"(?:thumbs|both thumbs) (?:\w+ ){0,2}?(?:in|into|under) (?:the )?(?:own )?armpits\b"
    yield Rule("thumbs", "armpits", thumbs, states("hands near shoulders 0.35"))
    holding = (
        r"(?:holding|holds|hold|gripping|grips|grip|grabbing|grabs|grab|grasping|grasps|clutching|clutches"
        r"|clasping|clasps)"
    )
    for side in ("left", "right"):
        yield Rule("hands fists", "armpits arms", armpits,
                   states(f"{side}_hand near {other_side(side)}_shoulder 0.4"))  # fmt: skip
    ankles = (
        rf"(?<!hand ){holding} (?:on to )?{OF}(?:both |own )*(?:ankles|shins)\b(?! (?:together|apart|up|off|in|with))"
    )
    yield Rule("ankles shins", holding[3:-1].replace("|", " "), ankles, states("hands near ankles 0.35"))
    own_side = rf"{SIDE} {_HAND_NAMES} {gap()}(?:same side|own|its) (?P<landmark>{_LANDMARK})\b"
    yield Rule(HANDS, "same own its", own_side, _on_own_side)
    over_the_other = (
        rf"{SIDE} {_HAND_NAMES} {gap()}(?:opposite|other) (?P<landmark>shoulder|elbow|knee|foot|ankle|thigh)\b"
    )
    yield Rule(HANDS, "opposite other", over_the_other, _on_other_side)
    one_wrist = (
        r"one hand (?:holds?|holding|grips?|gripping|clasps?|clasping|on|around|grabs) the (?:opposite|other) "
        r"(?:wrist|forearm)\b"
    )
    yield Rule(
        "hand", "wrist forearm", one_wrist, states("left_hand near right_wrist 0.3 or right_hand near left_wrist 0.3")
    )
    one_elbow = r"one hand (?:holds?|holding|grips?|gripping|on|grabs|supports|cups) the (?:opposite|other) elbow\b"
    yield Rule("hand", "elbow", one_elbow, states("left_hand near right_elbow 0.25 or right_hand near left_elbow 0.25"))
    of_the_arm = (
        rf"{SIDE} arm (?P<both>(?!))?(?P<one>(?!))?{gap(most=4)}(?:with|and) (?:the |its |his |her )?(?:hand|palm|fist)"
        rf" {_TO_A_PART}{_ON}{_POINT}{_NOT_A_POINT}"
    )
    yield Rule("arm", _LANDMARK_WORDS, of_the_arm, _hand_on)
    holding_it = (
        r"(?P<at>left|right) (?P<held>foot|heel|ankle|leg|knee|shin)\b[^.;]{0,70}\b(?:hold|holds|holding|held|grab\w*"
        rf"|grasp\w*|catch\w*) (?:it |on )?(?:with|by|in) {OF}{SIDE} hand\b"
    )
    yield Rule(
        "hand", "hold holds holding held grab grabs grabbing grasp grasps grasped catch catches", holding_it, _holds_it
    )
    held = (
        rf"(?:{_HOLDS}|covering|covers|cover|holding on to|reach(?:ing|es)? for|reach(?:ing|es)? down to) {_POINT} "
        rf"(?:firmly )?with {OF}(?:both )?{HAND}"
    )
    yield Rule(HANDS, _LANDMARK_WORDS, held, _hand_on)
    holding = rf"with {OF}(?:both )?{HAND},? (?:{_HOLDS}) {_POINT}"
    yield Rule(HANDS, _LANDMARK_WORDS, holding, _hand_on)
    toes = r"(?:touching|touches|touch|grabbing|grabs|holding|holds) (?:the |his |her |their )?(?:own )?toes\b(?! with)"
    yield Rule("toes", "touching touches touch grabbing grabs holding holds", toes, states("hands near feet 0.3"))
    held_by = (
        r"(?P<at>left|right) (?P<landmark>foot|ankle|heel|knee|elbow|wrist)\b[^.;]{0,40}?"
        r"\b(?:(?:held|gripped|grabbed|caught|tapped|touched|supported|cupped|propped) (?:up |behind )?(?:by|in|with)"
        r"|held (?:\w+ ){1,3}?by) "
        rf"{OF}(?:both )?{HAND}"
    )
    yield Rule(HANDS, "held gripped grabbed caught tapped touched supported cupped propped", held_by, _hand_on)
    in_palm = rf"(?P<at>left|right) (?P<landmark>elbow) (?:(?:is|rests|resting|cupped|held) )*in {OF}{HAND}"
    yield Rule("elbow", HANDS, in_palm, _hand_on)
    opposite = (
        rf"(?:hands|palms|arms) {PLACED}(?:crossed )?(?:{_ON})?(?:the |their |his |her )?opposite "
        r"(?P<landmark>shoulder|elbow|upper arm|knee|wrist|hip|thigh|ankle)s?\b"
    )
    for side in ("left", "right"):
        yield Rule("hands palms arms", "opposite", opposite, _on_opposite(side))
    behind_head = rf"(?:{HAND}|fingers) {gap('floor|ground')}behind {OF}(?:head|neck|nape|skull|ears?)\b"
    yield Rule(f"{HANDS} fingers", "behind", behind_head, states("{hand} near head 0.3"))
    cradled = (
        r"(?:chin|head|face|cheek) (?:(?:is|propped|resting|rests|buried|cradled|supported|held|sunk|sinks"
        r"|nestled|dropped"
        r"|cupped|planted|lies|heavy) )*(?:up )?"
        rf"(?:in|on) {OF}(?:both )?{HAND}\b"
    )
    yield Rule("chin head face cheek", HANDS, cradled, states("{hand} near head 0.3"))
    lap = rf"{HAND} {gap()}(?:in|on) {OF}lap\b"
    yield Rule(HANDS, "lap", lap, states("{hand} near pelvis 0.4"))
    pockets = rf"{HAND} {gap()}(?:in(?:to|side)?|through|over|on) {OF}(?:\w+ )?(?:pockets?|belt ?loops?|waist ?band)\b"
    yield Rule(HANDS, "pocket pockets loop loops beltloop beltloops waistband waist", pockets,
               states("{hand} near {hip} 0.33"))  # fmt: skip
    as_far_as = (
        r"(?:gets?|reach(?:es)?|makes? it|goe?s?|stops?|comes?) (?:(?:only|just|barely) )?(?:as far as|down to) "
        rf"{OF}(?:shins|knees|calves)\b"
    )
    yield Rule("shins knees calves", "far down", as_far_as,
               where_said("floor|toes|ground|feet", states("hands near knees 0.45")))  # fmt: skip
    yield from _before_the_hips()


def _before_the_hips() -> Iterator[Rule]:
    """In front of the groin, between the thighs, down the leg."""
    private = r"(?:crotch|groin|fly|zipper|privates|private parts|belt ?buckle|genitals|pubic bone|nether regions)"
    words = "crotch groin fly zipper privates private belt buckle beltbuckle genitals pubic nether"
    before = rf"{HAND} {gap('off|behind')}(?:in front of|before) {OF}{private}\b"
    yield Rule(HANDS, words, before, states("{hand} near pelvis 0.37"))
    on_it = rf"{HAND} {gap('off|behind')}(?:{_ON}|in front of |before ){OF}{private}\b"
    yield Rule(HANDS, words, on_it, states("{hand} in front of pelvis"))
    sliding = (
        rf"{limb('hand', 'palm', 'fingertip')} (?:(?:is|are|both) )*(?:slid\w*|slip\w*|run\w*|trail\w*|glid\w*"
        rf"|creep\w*|inch\w*|reach\w*|stretch\w*|travel\w*) (?:far |way |all the way )?(?:down|along) "
        rf"{OF}(?:outside of {OF}|side of {OF}|front of {OF})?(?:(?P<at>left|right) )?(?:leg|thigh|shin|calf|knee)s?\b"
    )
    yield Rule(HANDS, "down along", sliding, _down_the_leg)


def _down_the_leg(match: Match) -> str:
    hand, at = subject(match, "hand"), match["at"]
    return f"{hand} near {at}_knee 0.5" if at else f"{hand} below hips"


def _hands_together() -> Iterator[Rule]:
    joined = (
        r"(?:clasped|joined|linked|interlaced|interlocked) behind\b|(?:clasped|joined|touching|touch"
        r"|meeting|interlaced|interlocked)\b(?! (?:the|his|her|their|both|a|an|around|on|to|behind)\b)"
    )
    joining = gap("on|around|behind(?= the)|over", most=5)
    each_other = r"(?:to|against) (?:each other|one another)\b"
    yield Rule(
        "hands palms fingers fists fingertips",
        "together clasped joined touching touch interlaced interlocked steepled other another meet meets meeting",
        rf"(?:(?:hands|palms|fists|fingertips) {joining}(?:together\b|{joined}|{each_other}|meet\b)|(?:clasped|joined) "
        r"hands\b"
        r"|fingers (?:are )?(?:interlaced|interlocked|laced)\b)",
        states("hands close 0.2"),
    )
    at_chest = (
        rf"(?:hands|palms|fists) {gap('under|behind', most=4)}(?:together|clasped|joined|pressed|folded|touching"
        rf"|interlaced)"
        rf" (?:\w+ ){{0,3}}?(?:in front of|before|at|near|against) {OF}(?:chest|sternum|heart|breastbone)\b"
    )
    yield Rule("hands palms fists", "chest sternum heart breastbone", at_chest, states("hands near spine3 0.4"))
    between = r"(?:hands|palms) (?:\w+ ){0,2}?between (?:the |his |her |their )?(?:thighs|knees|legs)\b"
    yield Rule("hands palms", "between", between, states("hands apart ..0.3"))
    yield Rule("hands palms", "between", between,
               unless_said(r"lying|lies|upside|fours|floor|ground|fold\w*", states("hands below spine1")))  # fmt: skip
    between_one = rf"{limb('hand', 'arm')} {gap()}between {OF}(?:thighs|knees|legs)\b"
    yield Rule("hand hands arm arms", "between", between_one, states("{hand} near knees 0.5"))
    upon = "(?:on top of|over|atop|upon|on)"
    stacked = (
        rf"(?:hands|palms|fists) (?:[\w']+ ){{0,5}}?(?:(?:one|the left|the right) (?:hand |palm |fist )?{upon} "
        rf"(?:the )?(?:other|right|left)|(?:stacked|overlapping|overlapped|overlap|{upon} (?:each other|one another))"
        r"(?! (?:over|above|shoulders|under)\b))\b"
        rf"|one (?:hand|palm|fist) (?:(?:is|laid|placed|resting|rests|folded|clasped|stacked|set) )*{upon} the other\b"
        r"(?! (?:arm|elbow|wrist|hip|knee|shoulder|side|forearm|thigh|leg))"
    )
    yield Rule("hands palms fists hand palm fist", "top over atop upon on stacked overlapping overlapped overlap",
               stacked, unless_said("rope|ladder|climb\\w*", states("hands close 0.25")))  # fmt: skip
    folded = r"hands (?:(?:are|both) )*folded\b(?! (?:in|on|over|across|behind|under|around))"
    yield Rule("hands", "folded", folded, states("hands close 0.25"))
    crossed = (
        r"(?:(?:wrists|hands) (?:(?:are|is) )?(?:crossed|cross|crossing)|arms (?:are )?(?:crossed|cross|crossing) at "
        r"the wrists|cross(?:es|ed|ing)? (?:the |his |her |their )?"
        r"wrists)\b"
    )
    yield Rule("wrists hands arms", "crossed cross crossing crosses", crossed, states("wrists apart ..0.22"))
    together = r"forearms (?:(?:are|pressed|held|brought|squeezed) )*(?:together|touching)\b"
    yield Rule("forearms", "together touching", together, states("wrists apart ..0.3"))
    forearms = r"forearms (?:are )?(?:crossed|crossing|cross|one over the other)\b"
    yield Rule("forearms", "crossed crossing cross over", forearms, states("wrists apart ..0.45"))


def _raised_side(text: str) -> str | None:
    """The side of the leg that a text says is raised or in front."""
    sides = {found[1] or found[2] for found in _RAISED_LEG.finditer(text)}
    return sides.pop() if len(sides) == 1 else None


def _hand_on(match: Match) -> str | None:
    if _NEXT_DEED.match(match[0]) and match.string[: match.start()].endswith(("with the ", "with ")):
        return None
    word = match["landmark"].replace("calves", "calf")
    single = next(name for name in _LANDMARKS if word in (name, plural(name)))
    point, limit = _LANDMARKS[single]
    beside = point != "head" and re.search(r" (?:beside|next to|by) ", match[0]) is not None
    limit += 0.15 * (" near " in match[0]) + 0.1 * beside + 0.1 * (" above " in match[0])
    hand = subject(match, "hand")
    if point not in _PAIRED:
        return f"{hand} near {point} {limit:g}"
    if match["both"] and "fingertip" in match[0] and match["at"]:  # of one hand
        return " or ".join(f"{side}_hand near {match['at']}_{point} {limit:g}" for side in ("left", "right"))
    at = match["at"] or (_raised_side(match.string) if _RAISED.search(match[0]) else None)
    if word == "arm" and not at:
        return None
    if at:
        if point in _OF_THE_OTHER_ARM and match["side"] in (at, None):
            return None
        return f"{hand} near {at}_{point} {max(limit, 0.33) if match['both'] else limit:g}"
    if match["one"] == "opposite " and point in _OF_EITHER_SIDE:
        return f"left_hand near right_{point} {limit:g} or right_hand near left_{point} {limit:g}"
    if match["both"]:
        points = plural(point)
        if word == "knee" and " own " not in match[0]:
            return " or ".join(f"hands near {at}_knee 0.33" for at in ("left", "right"))
        several = (
            word in ("waist", "belt", "toes", plural(single))
            or (" own " in match[0] or "same side" in match[0])
            and point not in ("shoulder", *_OF_THE_OTHER_ARM)
        )
        return f"hands near {points} {limit:g}" if several else None
    hands = [match["side"]] if match["side"] else ["left", "right"]
    if point in _OF_THE_OTHER_ARM:
        pairs = [(side, other_side(side)) for side in hands]
    else:
        # on the hip of its own side, but of "the left hand on the knee" the knee may be either
        pairs = [(side, at) for side in hands for at in ("left", "right") if side == at or point in _OF_EITHER_SIDE]
    return (
        " or ".join(f"{side}_hand near {at}_{point} {limit:g}" for side, at in pairs) if word != "shoulders" else None
    )


def _on_opposite(side: str) -> Condition:
    def condition(match: Match) -> str:
        point, limit = _LANDMARKS[match["landmark"]]
        return f"{side}_hand near {other_side(side)}_{point} {max(limit, 0.3)}"

    return condition


def _hand_near(match: Match) -> str | None:
    """Some way from what it would be on."""
    stated = _hand_on(match)
    return stated and re.sub(r"near (\w+) ([\d.]+)", lambda near: f"near {near[1]} {float(near[2]) + 0.1:g}", stated)


def _in_armpit(match: Match) -> str | None:
    at = other_side(match["side"]) if match["at"] in ("other", "opposite") else match["at"]
    return f"{match['side']}_hand near {at}_shoulder 0.38" if at != match["side"] else None


def _holds_it(match: Match) -> str:
    part = "knee" if match["held"] == "knee" else "ankle"
    return f"{match['side']}_hand near {match['at']}_{part} 0.3"


def _on_own_side(match: Match) -> str | None:
    return _on_side(match, match["side"])


def _on_other_side(match: Match) -> str | None:
    return _on_side(match, other_side(match["side"]))


def _on_side(match: Match, at: str) -> str | None:
    """Of the hand of one side on a part of the named side."""
    word = match["landmark"].replace("calves", "calf")
    point, limit = _LANDMARKS[next(name for name in _LANDMARKS if word in (name, plural(name)))]
    return f"{match['side']}_hand near {at}_{point} {limit}" if point in _PAIRED else None
