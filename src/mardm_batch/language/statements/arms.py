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
    "hang*|hung|dangl*|cross*|fold*|clasp*|bent|wrapp*|hug*|round*|curv*|behind|to|down*|back|low*|forwards?"
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
        r"|crossed|clasped|joined|together|goes|go|far|well|meets?|pressed|brought|swept|thrown|spread|wide|apart"
        r"|open|kept"
        r"|shoulder[- ]width|interlaced|folded|form(?:s|ing)? an? (?:circle|ring|oval|arch|hoop)) )*"
    )
    above = rf"{limb('hand', 'arm', 'fist', 'palm', 'wrist')} {raised}(?:(?:above|over) {OF}head|overhead)\b"
    yield Rule(f"{_HANDS} wrist wrists", "head overhead", above, unless_said(_LYING, states("{hand} above head 0.05")))
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
    past_head = rf"{_HAND} {gap('above|over')}(?:(?:above|over|past|beyond) {OF}head|overhead)\b"
    yield Rule(_HANDS, "head overhead", past_head, where_said(_LYING, states("{hand} far from {hip} 0.6")))
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
    stiff = (
        rf"{_ARM} (?:(?:is|are|held|kept|both|lies?|lying|down|hanging|hangs?|resting|rests?) )*"
        rf"(?:stiff(?:ly)?|rigid(?:ly)?|straight|flat|extended|long)(?: down)? {beside}"
    )
    sides = "side sides body trunk flank flanks thigh thighs"
    yield Rule("arm arms", sides, stiff, states("{elbow} bent ..38"))
    yield Rule(
        "arm arms", sides, stiff, unless_said(f"{_LYING}|floor|ground|mat|plank", states("{arm} points down 30"))
    )
    levels = (
        ("shoulder", ("{hand} below head", "{hand} above spine2")),
        ("chest|breast|sternum|heart", ("{hand} below head", "{hand} above pelvis 0.15")),
        ("waist|hip|belly|navel|stomach|belt|pelvis|groin", ("{hand} below {shoulder} 0.2",)),
        ("head|face|eye|ear|chin|mouth|nose|neck|forehead|temple", ("{hand} above spine3",)),
    )
    moved = (
        r"(?:(?:is|are|both|held|kept|raised|lifted|up|clasped|together|brought|out|stretched|forwards?|push\w*"
        r"|pressed) )*"
    )
    for level, conditions in levels:
        at_level = (
            rf"{limb('hand', 'fist', 'palm')} {moved}(?:(?:at|to) (?:the )?(?:{level})[- ](?:height|level)|(?:(?:at"
            rf"|to) "
            rf"the (?:height|level) of|level with|in line with|as high as) {OF}(?:{level})s?)\b"
        )
        for condition in conditions:
            yield Rule(_HANDS, "height level line high", at_level, states(condition))
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
        rf"{SIDE} (?:hand|arm) {gap()}(?:crosses|crossing|across) (?:{OF}(?:body|chest|front) )?"
        rf"(?:(?:over )?(?:to|towards?) )?{OF}(?:midline|(?:left|right|other) side|(?<=to the )(?:left|right)\b(?! "
        rf"\w+))"
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
    air = rf"{limb('hand', 'arm', 'fist')} (?:(?:is|are|both|up|raised|pumped|held|high|thrown) )*in the air\b"
    yield Rule(_HANDS, "air", air, unless_said("floor|ground|mat", states("{hand} above head")))
    before_shoulder = rf"{SIDE} hand (?:is )?(?:just |right )?in front of the (?P<at>left|right) shoulder\b"
    yield Rule("hand", "shoulder", before_shoulder, states("{side}_hand near {at}_shoulder 0.33"))
    not_high = (
        r"\b(?! (?:to|in front|forward|sideways|out|at|behind|from|slightly|a bit|a little|half|off|under|against|on"
        r"|and down|the back|near|beside|about|roughly|low|\d+|thirty|forty|fifteen|twenty|sixty|as|by))"
    )
    up = (
        rf"{limb('arm', 'hand', 'fist')} (?:(?:is|are|held|kept|straight|stretched|high|both) )*(?:up|in the air|up "
        rf"in the "
        rf"air|high){not_high}"
    )
    yield Rule(_HANDS, "up air high", up, states("{hand} above {shoulder}"))
    raised_one = rf"{SIDE} (?:arm|hand|fist) (?:is )?(?:raised|lifted){not_high}"
    yield Rule("arm hand fist", "raised lifted", raised_one, states("{side}_hand above {side}_shoulder"))
    down = (
        rf"{_ARM} (?:(?:is|are|both|straight|held|kept|stays?) )*down\b(?! (?:to the floor|to the ground|on|behind"
        rf"|between|in "
        r"front))"
    )
    yield Rule("arm arms", "down", down, unless_said(_LYING, states("{hand} below {shoulder} 0.15")))
    for way, where, condition in (
        ("up", r"(?:up(?:wards?)?|(?:to|at|towards?) (?:the )?(?:ceiling|sky))", "{hand} above {shoulder}"),
        ("down", r"(?:down(?:wards?)?|(?:to|at|towards?) (?:the )?(?:floor|ground))", "{hand} below {shoulder} 0.1"),
    ):
        pointed = rf"{limb('hand')} (?:is )?(?:points?|pointing) (?:straight )?{where}\b(?! and)"
        words = f"{way} {way}ward {way}wards ceiling sky floor ground"
        yield Rule("hand hands", words, pointed, unless_said(_LYING, states(condition)))
    forwards = (
        rf"{limb('hand', 'fist', 'palm')} (?:(?:is|are|held|reaching|reaches|stretched|extended|out|pushed|both"
        rf"|push\w*|points?|pointing"
        r"|jab\w*|shoots?|shot|thrust\w*|punch\w*|straight) )*"
        r"(?:forwards?|in front|out front|ahead)\b(?! of)"
    )
    yield Rule(_HANDS, "forward forwards front ahead", forwards, states("{hand} in front of torso 0.1"))
    on_floor_behind = rf"{_HAND} (?:\w+ ){{0,3}}on (?:the )?(?:floor|ground|mat) (?:far )?behind\b"
    yield Rule(_HANDS, "behind", on_floor_behind, states("{hand} behind pelvis"))
    back = (
        rf"{limb('hand', 'arm', 'fist', 'palm', 'forearm')} {gap('floor|ground|mat')}"
        rf"(?:behind {OF}(?:lower |small of {OF})?(?:back|bum|butt|bottom|buttocks|hips|tail|pelvis)|at {OF}(?:lower )?"
        rf"back|(?:on|to|against) {OF}(?:lower back|small of {OF}back))\b(?! of)"
    )
    yield Rule(f"{_HANDS} forearm forearms", "back behind", back, states("{hand} behind torso"))
    ahead = gap("touch*|off|behind|below|above|over|on|at|under") + "(?:in front of|before)"
    before_face = rf"{limb('hand', 'fist', 'palm', 'wrist', 'forearm')} {ahead} {OF}(?:face|eyes|nose|mouth|chin)\b"
    yield Rule(f"{_HANDS} wrist wrists forearm forearms", "front before", before_face,
               unless_said(_LYING, states("{hand} above spine3")))  # fmt: skip
    chest = rf"{_HAND} {ahead} {OF}(?:chest|belly|face|body|stomach|hips|sternum|waist|trunk|torso)\b"
    yield Rule(_HANDS, "front before", chest, states("{hand} in front of torso"))
    across = (
        rf"{limb('arm', 'forearm')} (?:(?:is|are|folded|held|laid|placed|drawn|pulled|bent|lies?|crossed|rests?"
        rf"|stretched"
        rf"|brought|held|extended|resting|lying) )*across {OF}(?:front of {OF})?(?:chest|body|belly|stomach|tummy"
        rf"|waist|midsection|trunk)\b"
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
    one_over = r"one (?:arm|forearm|wrist) (?:(?:is|crossed|crosses|crossing|folded|lies) )+over the other\b"
    yield Rule("arm forearm wrist", "over", one_over, states("wrists apart ..0.5"))
    crosses = rf"{limb('arm', 'forearm')} cross(?:es|ing) {OF}(?:chest|body|belly|stomach|waist)\b"
    yield Rule("arm arms forearm forearms", "crosses crossing", crosses, states("{hand} near spine2 0.4"))
    wings = (
        r"arms (?:\w+ ){0,3}?(?:spread|outstretched|stretched|open|opened|held out) (?:\w+ ){0,2}?like (?:a |an "
        r")?(?:\w+ )?(?:wings|bird|eagle)\b"
    )
    yield Rule("arms", "wings bird eagle", wings, states("arms points outward 60"))
    tee = (
        r"arms (?:\w+ ){0,4}?(?:in|into|form(?:s|ing)?|mak(?:e|es|ing)) (?:a|the|the shape of a|a letter|the "
        r"letter) t(?:[- ](?:shape|pose|position))?\b"
    )
    yield Rule("arms", "t", tee, states("arms points outward 50"))
    square = rf"{_ARM} {gap()}(?:in|into|form(?:s|ing)?|mak(?:e|es|ing)) (?:an l|a right angle)(?:[- ]shape)?\b"
    yield Rule("arm arms", "l angle", square, states("{elbow} bent 62..118"))
    ring = r"arms (?:\w+ ){0,4}?(?:in|into|form(?:s|ing)?|mak(?:e|es|ing)) an? (?:\w+ )?(?:circle|ring|oval|hoop|o)\b"
    yield Rule("arms", "circle ring oval hoop o", ring, states("elbows bent 20.."))
    for condition in ("hands near hips 0.3", "elbows bent 45.."):
        yield Rule("akimbo", "akimbo", r"akimbo\b(?! legs?)", unless_said("left|right|one", states(condition)))
    for condition in ("{hand} near {hip} 0.33", "{elbow} bent 40.."):
        yield Rule("arm", "akimbo", rf"{limb('arm')} (?:is )?akimbo\b", states(condition))
    tucked = (
        rf"elbows (?:(?:are|tucked|held|kept|pressed|in) )*(?:close to|at|against|to) {OF}(?:sides?|ribs|rib ?cage"
        rf"|body|waist|torso|trunk|flanks)\b"
    )
    yield Rule(
        "elbows", "side sides ribs ribcage cage body waist torso trunk flanks", tucked, states("elbows apart ..0.55")
    )
    flared = (
        r"elbows (?:(?:are|both|held|kept|pointing|point|flared|flaring|bent|high) )*"
        r"(?:wide|flared|winged|splayed|out|sideways|out wide|away from the (?:body|sides))\b(?! in front)"
    )
    yield Rule("elbows", "wide flared winged splayed out sideways away", flared, states("elbows apart 0.45.."))
    over_the_other = (
        rf"{SIDE} (?:arm|forearm) (?:(?:is|crossed|crosses|crossing|folded|lies|laid) )+over {OF}(?:left|right)(?: "
        rf"arm| one| forearm)?(?=$|[,.;]| (?:and|in|at|with|while) )"
    )
    yield Rule("arm forearm", "over", over_the_other, states("wrists apart ..0.5"))
    round_waist = (
        rf"{_ARM} (?:(?:is|are|both|wrapped|folded|curled|wound|wraps|wrap) )+(?:tightly )?(?:a?round) {OF}(?:own "
        rf")?(?:waist|belly|stomach|midsection|ribs|torso|middle)\b"
    )
    yield Rule("arm arms", "around round", round_waist, states("{hand} near spine1 0.4"))
    away = (
        rf"{_ARM} (?:(?:is|are|held|kept|both|hangs?|hanging|straight) )*(?:slightly|a little|a bit|just) (?:away"
        rf"|out) from {OF}(?:body|sides?|trunk|torso)\b"
    )
    yield Rule("arm arms", "away out", away, unless_said(_LYING, states("{arm} points down 50")))
    round_leg = (
        rf"{_ARM} (?:(?:is|are|both|hooks?|hooked|wraps?|wrapped|curls?|curled|looped) )*(?:a?round|under|over) {OF}"
        r"(?P<at>left|right) (?:knee|leg|shin|thigh)\b"
    )
    yield Rule("arm arms", "around round under over", round_leg, states("{hand} near {at}_knee 0.5"))
    over_shoulder = round_leg.replace("knee|leg|shin|thigh", "shoulder")
    yield Rule("arm arms", "around round over", over_shoulder, states("{hand} near {at}_shoulder 0.4"))
    round_head = (
        rf"{_ARM} (?:(?:is|are|both) )*(?:encircl(?:e|es|ing)|fram(?:e|es|ing)|(?:wrap\w*|curl\w*|curved|folded) "
        rf"(?:a?round|over)) "
        rf"{OF}(?:head|face)\b"
    )
    yield Rule("arm arms", "head face", round_head, states("{hand} near head 0.45"))
    crossing = (
        rf"{SIDE} arm (?:is )?(?:cross(?:es|ing|ed)|swept|swung) (?:over )?in front of {OF}(?:torso|body|chest"
        rf"|trunk)\b"
    )
    yield Rule("arm", "front", crossing, _across)
    forward = (
        rf"{_ARM} {_AIMED}(?:forwards?|(?:straight |out )*(?:in front|ahead)|to "
        r"the front|out front)\b(?! (?:of (?:the )?(?:chest|belly|face|stomach|hips)|and (?:down|up|out)|rest\w*"
        r"|on (?:the )?(?:left |right )?(?:knees?|thighs?)))"
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
        rf"{_ARM} (?:(?:{_AIMED})?(?:straight up|vertically up|(?:up )?(?:to|at|for|towards?) (?:the )?(?:ceiling|sky))"
        r"|(?:(?:is|are) )?(?:raised|lifted|stretched|held) vertical(?:ly)?)\b"
    )
    yield Rule("arm arms", "up ceiling sky vertical vertically", skyward, states("{arm} points up 35"))
    spread = (
        r"(?:(?:are|is|both|held|raised|lifted|wide|opened|thrown|stretched|abducted|extended) )*(?:spread|extended"
        r"|stretched|open|opened|out"
        r"|raised|lifted|wide|thrown|held)(?: wide)?"
    )
    sideways = (
        r"(?:(?:out )?to (?:the|both|either|each|their|his|her) sides?|sideways|laterally|outwards?|(?:out )?(?:on"
        r"|to) (?:both|either) "
        r"sides?|out wide|either side)\b"
    )
    aside = rf"{_ARM} (?:{_AIMED}|{spread} ){sideways}"
    own_side = rf"{SIDE} arm {_AIMED}(?:out )?to (?:the |its |his |her )?(?:(?P=side)|side)\b"
    yield Rule("arm", "left right side", own_side, states("{arm} points outward 45"))
    wide = r"arms (?:(?:are|held|both|stretched|spread|flung|thrown|out|opened|open) )*wide\b(?! at)"
    outward = states("{arm} points outward 45")
    part_way = r"degrees (?:from|away|below|out|to)|half\w*|at an angle|lowered|slightly (?:out|to|away)"
    yield Rule("arm arms", "side sides sideways wide laterally outward outwards", aside, unless_said(part_way, outward))
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
        rf"{limb('elbow')} {gap('touch*|near|on|against')}(?:(?:points?|pointing) )?(?:straight )?(?:back(?:wards?)?"
        rf"|behind)\b(?! (?:the|his|her|their) (?:head|neck"
        r"|knees?))"
    )
    yield Rule("elbow elbows", "back backward backwards behind", elbow, states("{elbow} behind torso"))
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
    level_elbows = (
        rf"{limb('elbow')} {gap('below|above|just|under|near|slightly|not')}(?:(?:at|to) (?:the )?shoulder[- "
        rf"](?:height|level)"
        rf"|(?:level|in line) with {OF}(?:left |right )?shoulders?|as high as {OF}shoulders?)\b"
    )
    yield Rule("elbow elbows", "shoulder shoulders", level_elbows, states("{upper_arm} horizontal"))
    at_shoulders = (
        rf"{_ARM} (?:(?:is|are|held|raised|lifted|out|extended|stretched|straight|both|open|opened|to the sides?"
        r"|sideways|forwards?|in front|up|of|her|him|them|the body|abducted|straight) )+(?:(?:at|to) (?:the "
        r")?shoulder[- ](?:height|level)"
        rf"|(?:level|in line) with {OF}shoulders?)\b"
    )
    yield Rule("arm arms", "shoulder shoulders", at_shoulders, states("{arm} horizontal"))


def _across(match: Match) -> str:
    """Of the hand of one side on the other side of the body."""
    side = match["side"]
    return f"{side}_hand {other_side(side)} of {side}_shoulder 0.08"
