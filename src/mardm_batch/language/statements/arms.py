"""Where hands, arms and elbows are, and where they point."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    OF,
    SIDE,
    Match,
    Rule,
    against_other,
    gap,
    limb,
    states,
    unless_said,
    where_said,
)

_AIMED: Final = gap(
    "cross*|fold*|clasp*|bent|wrapp*|hug*|round*|curv*|behind|to|down|back|low*|forwards?"
    "|swing*|half*|slight*|little|bit|angle|degrees?|diagonal*|droop*|slant*|opened|up"
)
_HANDS: Final = "hand hands arm arms fist fists palm palms"
_HAND: Final = limb("hand", "arm", "fist", "palm")
_ARM: Final = limb("arm")
_LYING: Final = "lie|lies|lying|lay|lays|laying|laid|supine|prone|sleeping|asleep|floating|belly|stomach|carried"


def rules() -> Iterator[Rule]:
    """Of the hands, then of the arms."""
    yield from _hands()
    yield from _arms()


def _hands() -> Iterator[Rule]:
    raised = (
        r"(?:(?:is|are|both|raised|lifted|stretched|extended|held|straight|reaching|reaches|reach|high|up|stays?"
        r"|rounded|curved|curves|curving|arched|arching|arcs|arc|circled"
        r"|crossed|clasped|joined|together|goes|go|far|well) )*"
    )
    above = rf"{_HAND} {raised}(?:(?:above|over) {OF}head|overhead)\b"
    yield Rule(_HANDS, "head overhead", above, states("{hand} above head 0.05"))
    for part in ("elbow", "hand"):
        higher = rf"{limb(part)} {raised}above {OF}shoulders?\b"
        yield Rule(f"{part} {part}s", "above", higher, states(f"{{{part}}} above {{shoulder}}"))
    elbows = (
        rf"{limb('elbow')} (?:(?:is|are|both|raised|lifted|held|high|well) )*(?:(?:above|over) {OF}head|overhead)\b"
    )
    yield Rule("elbow elbows", "above over overhead", elbows, states("{elbow} above {shoulder} 0.1"))
    held = r"(?:(?:is|are|both|held|kept|hanging|hangs|down|well|just|stays?) )*"
    for named, point in (("waist|belt|navel", "spine2"), ("hips?", "hips")):
        lower = rf"{_HAND} {held}(?:below|beneath) {OF}(?:{named})\b"
        yield Rule(_HANDS, "below beneath", lower, states(f"{{hand}} below {point}"))
    hanging = gap("out|away|up|raised|lifted|extended|stretched|bent|forwards?")
    beside = (
        r"(?:at|by|along|beside|against|next to) (?:the |their |his |her |its )?(?:(?:left|right|own) )?"
        r"(?:sides?|body|trunk|flanks?|thighs?)\b(?! (?:level|height))"
    )
    yield Rule(
        "arm arms",
        "side sides body trunk flank flanks thigh thighs",
        rf"{_ARM} {hanging}{beside}",
        states("{hand} near {hip} 0.4"),
    )
    levels = (
        ("shoulder", ("{hand} below head", "{hand} above spine2")),
        ("chest|breast", ("{hand} below head", "{hand} above pelvis 0.15")),
        ("waist|hip|belly", ("{hand} below {shoulder} 0.2",)),
        ("head|face|eye|ear|chin", ("{hand} above spine3",)),
    )
    moved = r"(?:(?:is|are|both|held|kept|raised|lifted|up|clasped|together) )*"
    for level, conditions in levels:
        at_level = (
            rf"{limb('hand', 'fist', 'palm')} {moved}(?:(?:at|to) (?:the )?(?:{level})[- ](?:height|level)|(?:at|to) "
            rf"the (?:height|level) of {OF}(?:{level})s?)\b"
        )
        for condition in conditions:
            yield Rule(_HANDS, "height level", at_level, states(condition))
    neutral = rf"{_ARM} (?:(?:is|are|in|kept|held|simply|relaxed) )*(?:neutral|relaxed)\b(?! (?:behind|on|in|out|over))"
    yield Rule("arm arms", "neutral relaxed", neutral,
               unless_said(_LYING, states("{hand} below {shoulder} 0.15")))  # fmt: skip
    diagonal = (
        rf"{_ARM} {gap('down')}(?:diagonal(?:ly)? (?:up\w*|out and up)|up(?:wards?)? (?:and|at an angle) (?:out|to the "
        r"side)|up at an angle|up diagonally)\b"
    )
    yield Rule(
        "arm arms", "diagonal diagonally up upward upwards angle", diagonal, states("{hand} above {shoulder} 0.1")
    )
    vee = r"arms (?:\w+ ){0,3}?(?:form|make|making|forming|in) an? (?:\w+ )?(?:v|y)\b"
    yield Rule("arms", "v y", vee, states("hands above shoulders 0.1"))
    low_diagonal = (
        rf"{_ARM} {gap('up')}(?:diagonal(?:ly)? (?:down\w*|low)|down(?:wards?)? (?:and|at an angle) (?:out|to the side"
        r"|forwards?)|down diagonally)\b"
    )
    yield Rule(
        "arm arms", "diagonal diagonally down downward downwards", low_diagonal, states("{hand} below {shoulder} 0.1")
    )
    midline = (
        rf"{SIDE} (?:hand|arm) {gap()}(?:crosses|crossing|across) (?:the |to the |over to the )?(?:midline|(?:left"
        r"|right|other) side)"
    )
    yield Rule("hand arm", "crosses crossing across", midline, _across)
    to_one_side = (
        rf"(?:arms|hands) {gap()}(?:to|on|towards?) (?:the |her |his |their |one )?(?:same side, (?:the|his|her) )?"
        r"(?P<to>left|right)\b(?=$|[,.;!]| side\b(?! of)| (?:and|while|but|as|with) | of (?:the |her |his )?(?:body"
        r"|trunk|torso))"
    )
    yield Rule(
        "arms hands",
        "left right",
        to_one_side,
        unless_said("and the other|one arm|each", states("hands {to} of torso")),
    )
    forward_of = (
        rf"{SIDE} (?:arm|hand) {gap()}(?:forwards?|ahead|fwd)\b[^.;]{{0,30}}\b(?:left|right|other|opposite)(?: one| "
        rf"arm| hand)? {gap()}(?:backwards?|back|behind)\b"
    )
    yield Rule(
        "arm hand",
        "back backward backwards behind",
        forward_of,
        against_other("{side}_hand in front of {other}_hand 0.15"),
    )
    with_arm = (
        rf"(?:reach\w*|stretch\w*|punch\w*|extend\w*) (?:far |out |straight )*(?:forwards?|ahead) with {OF}(?:both )?"
        rf"{limb('arm', 'hand', 'fist')}\b"
    )
    yield Rule(_HANDS, "forward forwards ahead", with_arm, states("{hand} in front of torso 0.15"))
    level_with = (
        rf"{limb('hand', 'fist', 'palm')} {gap('below')}(?:level|even) with {OF}(?P<what>head|face|ears?|eyes|chin"
        r"|temples?)\b"
    )
    yield Rule(_HANDS, "level even", level_with, states("{hand} above spine3"))
    air = rf"{limb('hand', 'arm', 'fist')} (?:(?:is|are|both|up|raised|pumped|held|high|thrown) )*in the air\b"
    yield Rule(_HANDS, "air", air, states("{hand} above head"))
    before_shoulder = rf"{SIDE} hand (?:is )?(?:just |right )?in front of the (?P<at>left|right) shoulder\b"
    yield Rule("hand", "shoulder", before_shoulder, states("{side}_hand near {at}_shoulder 0.33"))
    not_high = (
        r"\b(?! (?:to|in front|forward|sideways|out|at|behind|from|slightly|a bit|a little|half|off|under|against|on"
        r"|and down|the back|near|beside))"
    )
    up = (
        rf"{limb('arm', 'hand', 'fist')} (?:(?:is|are|held|straight|stretched|high|both) )*(?:up|in the air|up in the "
        rf"air|high){not_high}"
    )
    yield Rule(_HANDS, "up air high", up, states("{hand} above {shoulder}"))
    raised_one = rf"{SIDE} (?:arm|hand|fist) (?:is )?(?:raised|lifted){not_high}"
    yield Rule("arm hand fist", "raised lifted", raised_one, states("{side}_hand above {side}_shoulder"))
    down = (
        rf"{_ARM} (?:(?:is|are|both|straight|held) )*down\b(?! (?:to the floor|to the ground|on|behind|between|in "
        r"front))"
    )
    yield Rule("arm arms", "down", down, unless_said(_LYING, states("{hand} below {shoulder} 0.15")))
    forwards = (
        rf"{limb('hand', 'fist')} (?:(?:is|are|held|reaching|reaches|stretched|extended|out|pushed|both) )*"
        r"(?:forwards?|in front|out front|ahead)\b(?! of)"
    )
    yield Rule(_HANDS, "forward forwards front ahead", forwards, states("{hand} in front of torso 0.1"))
    on_floor_behind = rf"{_HAND} (?:\w+ ){{0,3}}on (?:the )?(?:floor|ground|mat) (?:far )?behind\b"
    yield Rule(_HANDS, "behind", on_floor_behind, states("{hand} behind pelvis"))
    back = (
        rf"{limb('hand', 'arm', 'fist', 'palm', 'forearm')} {gap('floor|ground|mat')}"
        rf"(?:behind {OF}(?:lower |small of {OF})?(?:back|bum|butt|bottom|buttocks|hips|tail|pelvis)|at {OF}(?:lower )?"
        rf"back|on {OF}(?:lower back|small of {OF}back))\b(?! of)"
    )
    yield Rule(f"{_HANDS} forearm forearms", "back behind", back, states("{hand} behind torso"))
    ahead = (
        r"(?:(?:is|are|held|kept|both|clasped|together|pressed|joined|crossed|raised|out|up|guarding|low) )*in front of"
    )
    chest = rf"{_HAND} {ahead} {OF}(?:chest|belly|face|body|stomach|hips|sternum|waist|trunk|torso)\b"
    yield Rule(_HANDS, "front", chest, states("{hand} in front of torso"))
    across = (
        rf"{limb('arm', 'forearm')} (?:(?:is|are|folded|held|laid|placed|drawn|pulled|bent|lies?|crossed|rests?) )*"
        rf"across {OF}(?:front of {OF})?(?:chest|body|belly|stomach|tummy|waist|midsection|trunk)\b"
    )
    yield Rule("arm arms forearm forearms", "across", across, states("{hand} near spine2 0.4"))


def _arms() -> Iterator[Rule]:
    folded = (
        r"arms (?:(?:are|both|tightly|loosely) )*(?:folded\b(?! (?:behind|above|under))|crossed(?=$|[,.;]| and | "
        r"while )|crossed (?:in front of|over|across|on) (?:the |his |her |their )?chest\b)"
    )
    yield Rule("arms", "folded crossed", folded, states("hands above pelvis"))
    for side in ("left", "right"):
        yield Rule("arms", "folded crossed", folded, states(f"{side}_hand near {other_side(side)}_elbow 0.35"))
    hugging = r"(?:hugging|hugs|hug) (?:himself|herself|themselves|myself|oneself|itself|yourself|urself|self)\b"
    for side in ("left", "right"):
        yield Rule("hugging hugs hug", "himself herself themselves myself oneself itself yourself urself self", hugging,
                   states(f"{side}_hand near {other_side(side)}_elbow 0.4"))  # fmt: skip
    for idiom, conditions in (
        ("zombie arms", ("arms points forward 45",)),
        ("(?:goal ?posts?|cactus) arms", ("elbows bent 55..125", "hands above shoulders")),
        (
            "(?:guard|hands) up (?:like )?(?:a )?(?:boxer|boxing)|guard up",
            ("elbows bent 50..", "hands above pelvis 0.2"),
        ),
        ("flex\\w* (?:the |his |her |both |them |their )*biceps", ("elbows bent 55..",)),
        (
            "arms (?:\\w+ ){0,3}?like (?:a|the letter|a capital|an) (?:t|aeroplane|airplane|plane)",
            ("arms points outward 50",),
        ),
    ):
        for condition in conditions:
            words = "zombie goalpost goalposts goal cactus guard flex flexing flexes flexed like"
            yield Rule("arms guard biceps", words, rf"(?:{idiom})\b", states(condition))
    for condition in ("hands near hips 0.3", "elbows bent 45.."):
        yield Rule("akimbo", "akimbo", r"akimbo\b(?! legs?)", unless_said("left|right|one", states(condition)))
    tucked = (
        rf"elbows (?:(?:are|tucked|held|kept|pressed|in) )*(?:close to|at|against|to) {OF}(?:sides?|ribs|body|waist)\b"
    )
    yield Rule("elbows", "side sides ribs body waist", tucked, states("elbows apart ..0.55"))
    forward = (
        rf"{_ARM} {_AIMED}(?:forwards?|(?:straight |out )*(?:in front|ahead)|to "
        r"the front|out front)\b(?! of (?:the |their |his |her )?(?:chest|belly|face|stomach|hips))"
    )
    yield Rule("arm arms", "forward forwards front ahead", forward, states("{arm} points forward 45"))
    yield Rule(
        "arm arms", "forward forwards front ahead", forward, unless_said("bent|elbows?", states("{elbow} bent ..40"))
    )
    aloft = r"(?:upwards?|up|overhead|(?:to|at|for|towards?) (?:the )?(?:ceiling|sky))\b"
    yield Rule(
        "arm arms",
        "upward upwards up overhead ceiling sky",
        rf"{_ARM} {_AIMED}{aloft}",
        unless_said(_LYING, states("{hand} above head")),
    )
    skyward = (
        rf"{_ARM} (?:(?:{_AIMED})?(?:straight up|vertically up|(?:to|at|for|towards?) (?:the )?(?:ceiling|sky))"
        r"|(?:(?:is|are) )?(?:raised|lifted|stretched|held) vertical(?:ly)?)\b"
    )
    yield Rule("arm arms", "up ceiling sky vertical vertically", skyward, states("{arm} points up 35"))
    spread = (
        r"(?:(?:are|is|both|held|raised|lifted|wide|opened|thrown|stretched|abducted) )*(?:spread|open|opened|out"
        r"|raised|lifted|wide|thrown|held)(?: wide)?"
    )
    sideways = (
        r"(?:(?:out )?to (?:the|both|either|each|their|his|her) sides?|sideways|(?:out )?(?:on|to) (?:both|either) "
        r"sides?|out wide|either side)\b"
    )
    aside = rf"{_ARM} (?:{_AIMED}|{spread} ){sideways}"
    own_side = rf"{SIDE} arm {_AIMED}(?:out )?to (?:the |its |his |her )?(?:(?P=side)|side)\b"
    yield Rule("arm", "left right side", own_side, states("{arm} points outward 45"))
    wide = r"arms (?:(?:are|held|both|stretched|spread|flung|thrown|out|opened|open) )*wide\b(?! at)"
    outward = states("{arm} points outward 45")
    part_way = r"degrees (?:from|away|below|out|to)|half\w*|at an angle|lowered|slightly (?:out|to|away)"
    yield Rule("arm arms", "side sides sideways wide", aside, unless_said(part_way, outward))
    abducted = (
        r"(?P<side>left|right) (?:shoulder|arm) (?:\w+ ){0,3}?(?:in |at |to )?(?:90|ninety) degrees (?:of )?"
        r"abduction\b"
    )
    yield Rule("shoulder arm", "abduction", abducted, states("{side}_upper_arm points outward 40"))
    both_abducted = (
        r"(?:both shoulders|bilateral shoulder|shoulders|both arms) (?:\w+ ){0,3}?(?:abduct\w+ (?:of |to |at )?(?:90"
        r"|ninety)|(?:90|ninety) degrees (?:of )?abduction)"
    )
    yield Rule("shoulder shoulders arms", "abduction abducted", both_abducted, states("upper_arms points outward 40"))
    flexed = r"(?P<side>left|right) shoulder (?:\w+ ){0,3}?flexed (?:\w+ ){0,2}?(?:90|ninety) degrees\b"
    yield Rule("shoulder", "flexed", flexed, states("{side}_upper_arm points forward 45"))
    both_out = (
        r"both (?!arms|hands|legs|feet)(?:\w+ )?(?:out|straight|stretched|extended) (?:\w+ ){0,2}?(?:to the sides?"
        r"|sideways)\b"
    )
    yield Rule(
        "both",
        "side sides sideways",
        both_out,
        where_said("arms?", unless_said(part_way, states("arms points outward 60"))),
    )
    on_floor = rf"{_ARM} {gap('off|from|above|behind')}(?:along|on|over|against|across) (?:the )?(?:floor|ground|mat)\b"
    yield Rule("arm arms", "floor ground mat", on_floor, states("{hand} on floor"))
    yield Rule("arms", "wide", wide, states("arms points outward 55"))
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
    elbow = (
        rf"{limb('elbow')} {gap('touch*|near|on|against')}(?:back|behind)\b(?! (?:the|his|her|their) (?:head|neck"
        r"|knees?))"
    )
    yield Rule("elbow elbows", "back behind", elbow, states("{elbow} behind torso"))
    backward = (
        rf"{_ARM} (?:{_AIMED}|(?:(?:is|are|both) )?(?:pulled|drawn|swept|thrown|flung|swung) )(?:backwards?|back"
        r"|behind)\b"
    )
    yield Rule("arm arms", "back backward backwards behind", backward, states("{hand} behind torso"))
    pointed_back = (
        rf"{_ARM} (?:\w+ ){{0,2}}?(?:points?|pointing|stretched|extended|extends|straight|stretches|reaching|reaches) "
        r"(?:out )?(?:backwards?|back|behind)\b(?! (?:the|his|her|their) (?:back|head|neck))"
    )
    yield Rule("arm arms", "back backward backwards behind", pointed_back, states("{hand} behind {shoulder} 0.15"))
    level = (
        r"(?:parallel (?:to|with) (?:the )?(?:floor|ground)|horizontal|level(?: with (?:the )?(?:floor|ground))?)"
        r"\b(?! with)"
    )
    for part in ("thigh", "forearm", "leg", "arm", "shin"):
        horizontal = rf"{limb(part)} (?:(?:is|are|raised|lifted|held|extended|stretched|both) )*{level}"
        yield Rule(f"{part} {part}s", "parallel horizontal level", horizontal, states(f"{{{part}}} horizontal"))
    for part in ("shin", "forearm", "thigh"):
        vertical = rf"{limb(part)} (?:(?:is|are|held|both|kept) )*(?:vertical|upright)\b"
        yield Rule(f"{part} {part}s", "vertical upright", vertical, states(f"{{{part}}} vertical"))
    level_arms = rf"{limb('upper arm')} (?:(?:is|are|both|held|raised|lifted) )*{level}"
    yield Rule("upper", "parallel horizontal level", level_arms, states("{upper_arm} horizontal"))
    level_elbows = (
        rf"{limb('elbow')} (?:(?:is|are|both|held|raised|lifted|bent|high) )*at (?:the )?shoulder[- ](?:height|level)\b"
    )
    yield Rule("elbow elbows", "shoulder", level_elbows, states("{upper_arm} horizontal"))
    pointing = rf"{limb('elbow')} (?:\w+ ){{0,4}}pointing down(?:wards?)?\b"
    yield Rule("elbow elbows", "pointing", pointing, states("{upper_arm} points down 45"))
    upward = (
        rf"{limb('forearm')} (?:(?:is|are|both|held|raised|lifted|bent|pointing|points?|straight|vertically) )*(?:up"
        r"|upwards?)\b"
    )
    yield Rule("forearm forearms", "up upward upwards", upward, states("{forearm} points up 40"))
    at_shoulders = (
        rf"{_ARM} (?:(?:is|are|held|raised|lifted|out|extended|stretched|straight|both|open|opened|to the sides?"
        r"|sideways|forwards?|in front) )+at (?:the )?shoulder[- ](?:height|level)\b"
    )
    yield Rule("arm arms", "shoulder", at_shoulders, states("{arm} horizontal"))


def _across(match: Match) -> str:
    """Of the hand of one side on the other side of the body."""
    side = match["side"]
    return f"{side}_hand {other_side(side)} of {side}_shoulder 0.08"
