"""Where arms and elbows are, and where they point."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.statements.rules import (
    LYING,
    OF,
    SIDE,
    Match,
    Rule,
    gap,
    limb,
    states,
    to_the_other_side,
    unless_said,
    where_said,
)

_AIMED: Final = gap(
    "hang*|hung|dangl*|cross*|fold*|clasp*|bent|wrapp*|hug*|round*|curv*|behind|to|down*|back|low*|forwards?"
    "|swing*|adduct*|half*|slight*|little|bit|angle|degrees?|diagonal*|droop*|slant*|opened|up|drop*|fall*|loose*|limp*"
)
_ARM: Final = limb("arm")


def rules() -> Iterator[Rule]:
    """Of arms and elbows."""
    straight_out = (
        r"arms (?:(?:are|both|held|kept|raised|lifted|stretched|extended|reaching|reach) )*(?:straight|directly|right) "
        r"(?:out(?: straight)? )?(?:to (?:the|both|either|each|their) sides?|sideways|out from the shoulders"
        r"|in front|ahead)\b"
        r"(?! (?:and|of (?:the )?(?:thighs|hips)))"
    )
    yield Rule("arms", "side sides sideways out front ahead", straight_out,
               unless_said(rf"{LYING}|down|low|angle\w*|diagonal\w*|degrees|lean\w*|bent|fold\w*|bow\w*|plank|forwards",
                           states("arms horizontal")))  # fmt: skip
    folded = (
        r"arms (?:(?:are|both|tightly|loosely) )*(?:folded\b(?! (?:behind|above|under))|crossed(?=$|[,.;]| and | "
        r"while )|crossed (?:in front of|over|across|on) (?:the |his |her |their )?chest\b)"
    )
    for condition in ("hands above pelvis", "elbows bent 60.."):
        yield Rule("arms", "folded crossed", folded, states(condition))
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
    at_ears = (
        rf"(?:(?:biceps|upper arms) (?:(?:are|is|held|pressed|close|both|kept) )*|{_ARM} (?:(?:is|are|both|held"
        rf"|raised|lifted|up"
        r"|straight|stretched|extended|alongside|close|pressed) )+)(?:by|beside|at|against|next to|brush\w*"
        r"|touch\w*|hug\w*|to"
        rf"|near|alongside|level with|framing) {OF}ears?\b"
    )
    yield Rule("biceps arm arms upper", "ear ears", at_ears,
               unless_said(rf"{LYING}|hinge\w*|fold\w*|bent over|lean\w*|bent|forwards?|dive|diving",
                           lambda match: None if match.groupdict().get("side") else "arms points up 35"))  # fmt: skip
    pose = r"(?:(?P<letter>t)[- ]|a-)pose\b"
    yield Rule("pose", "t a", pose, unless_said("left|right|one", _letter))
    tee = (
        r"arms (?:\w+ ){0,4}?(?:in|into|form(?:s|ing)?|mak(?:e|es|ing)) (?:a|the|the shape of a|a letter|the "
        r"letter) t(?:[- ](?:shape|pose|position))?\b"
    )
    yield Rule("arms", "t", tee, states("arms points outward 50"))
    square = rf"{_ARM} {gap()}(?:in|into|form(?:s|ing)?|mak(?:e|es|ing)) (?:an l|a right angle)(?:[- ]shape)?\b"
    yield Rule("arm arms", "l angle", square, states("{elbow} bent 62..118"))
    ring = r"arms (?:\w+ ){0,4}?(?:in|into|form(?:s|ing)?|mak(?:e|es|ing)) an? (?:\w+ )?(?:circle|ring|oval|hoop|o)\b"
    yield Rule("arms", "circle ring oval hoop o", ring, states("elbows bent 20.."))
    nowhere = (
        rf"{limb('arm', 'hand')} (?:(?:is|are|both|held|kept) )*(?:nowhere near|well (?:away|clear) (?:from|of)|far "
        rf"(?:away )?from) {OF}(?:body|sides?|trunk|torso|hips)\b"
    )
    yield Rule("arm arms hand hands", "nowhere well far", nowhere, states("{hand} far from {hip} 0.33"))
    apart = (
        r"(?:hands|arms) (?:(?:are|held|kept) )*(?:nowhere near|well away from|far from) (?:each other|one another)\b"
    )
    yield Rule("hands arms", "nowhere well far", apart, states("hands apart 0.5.."))
    for condition in ("hands apart 0.65..", "feet apart 0.35.."):
        yield Rule("angel starfish eagle eagled spreadeagled spreadeagle", "angel starfish eagle eagled spreadeagled "
                   "spreadeagle", r"(?:snow angels?|star ?fish|spread[- ]?eagled?)\b(?! (?:arms|legs|skat\w*))",
                   states(condition))  # fmt: skip
    for condition in ("hands near hips 0.3", "elbows bent 45.."):
        yield Rule("akimbo", "akimbo", r"akimbo\b(?! legs?)", unless_said("left|right|one", states(condition)))
    for condition in ("{hand} near {hip} 0.33", "{elbow} bent 40.."):
        yield Rule("arm", "akimbo", rf"{limb('arm')} (?:is )?akimbo\b", states(condition))
    tucked = (
        rf"elbows (?:(?:are|tucked|held|kept|pressed|in) )*(?:close to|at|against|to) {OF}(?:sides?|ribs|rib ?cage"
        rf"|body|waist|torso|trunk|flanks)\b"
    )
    sides = "side sides ribs ribcage cage body waist torso trunk flanks"
    yield Rule("elbows", sides, tucked, states("elbows apart ..0.55"))
    yield Rule("elbows", sides, tucked, unless_said(f"{LYING}|back|behind|floor|ground|mat|push|plank|head|bent over",
                                                    states("upper_arms points down 45")))  # fmt: skip
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
    yield Rule("arm arms", "away out", away, unless_said(LYING, states("{arm} points down 50")))
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
        rf"{SIDE} arm (?:is )?(?:(?:cross(?:es|ing|ed)|swept|swung) (?:over )?in front of|(?:slung|swung|flung|thrown"
        rf"|reaching|reaches|stretched|pulled|drawn|hugged) (?:straight |tight |tightly )?across) "
        rf"{OF}(?:torso|body|chest|trunk)\b"
    )
    yield Rule("arm", "front across", crossing, to_the_other_side)
    held_across = (
        r"(?P<other>left|right) arm (?:\w+ ){0,3}?across [^.;]{0,50}?\b(?:pulled|held|hugged|pressed|hooked|pinned"
        rf"|trapped|drawn|squeezed) (?:(?:in|close|tight|there|back|on) )*(?:by|with|in) {OF}{SIDE} "
        r"(?:hand|forearm|arm|elbow|wrist)\b"
    )
    yield Rule("arm", "by with in", held_across,
               lambda match: f"{match['side']}_hand near {match['other']}_elbow 0.38"
               if match["side"] != match["other"] else None)  # fmt: skip
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
        unless_said(LYING, states("{hand} above head")),
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
    adducted = (
        rf"{limb('arm', 'upper arm', 'shoulder')} (?:(?:is|are|both|fully|in) )*(?:adducted|adduction)(?! "
        rf"(?:across|over|in "
        r"front|horizontal\w*|past)\b)"
    )
    yield Rule("arm arms upper shoulder shoulders", "adducted adduction", adducted,
               unless_said(f"horizontal\\w*|{LYING}", states("{upper_arm} points down 40")))  # fmt: skip
    alongside = (
        rf"{_ARM} (?:(?:is|are|both|fully) )*adducted (?:alongside|against|to|at|beside|along|close to) "
        rf"{OF}(?:sides?|trunk"
    )
    alongside += "|torso|body|chest|ribs)\\b"
    yield Rule("arm arms", "adducted", alongside,
               unless_said(f"horizontal\\w*|bent|{LYING}", states("{arm} points down 35")))  # fmt: skip
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
    yield Rule("arms", "wide", wide, unless_said("bent|elbows?|overhead|up|above|behind|back\\w*|forwards?|hug\\w*|low",
                                                 states("hands apart 0.75..")))  # fmt: skip
    downward = (
        rf"{_ARM} (?:{_AIMED}(?:downwards?|down)|(?:(?:is|are|just|both|simply|they|he|she|does nothing) )*"
        r"(?:hanging|hangs?|dangling|dangles?|hung|lowered|idle|lifeless|limp|slack|floppy|inert|doing nothing)"
        r"(?: (?:down|loose(?:ly)?|limp(?:ly)?|freely|relaxed))?)\b"
        r"(?! (?:behind|from|off|over|in front|out|to the))"
    )
    yield Rule("arm arms", "down downward downwards hanging hangs hang dangling dangles dangle hung lowered "
                           "idle lifeless limp "
               "slack floppy inert nothing", downward, states("{arm} points down 45"))  # fmt: skip
    slack = (
        rf"{_ARM} (?:(?:is|are|both|just|simply|held|kept|stays?|hangs?|goes|lets?|all|completely) )*(?:limply"
        r"|loose(?:ly)?|free and hanging|drops?(?: straight| plumb)?|dropped(?: down)?|falls?)"
        r"(?=$|[,.;]| (?:and|while|with|but|at|by|like|plumb|towards?|either) )"
    )
    yield Rule("arm arms", "limply loose loosely hanging drop drops dropped fall falls",
               slack, unless_said(rf"{LYING}|over|behind|upside|knees?|lap|floor",
                                  states("{arm} points down 45")))  # fmt: skip
    by_the_ear = (
        rf"{_ARM} (?:(?:is|are|both|held|kept|close|long|tight|straight|raised|lifted|up|extended"
        rf"|stretched|reach\w*|goes|all|the|way|right|high|squeez\w*|hug\w*|press\w*|brush\w*|touch\w*|cover\w*) )*"
        rf"(?:(?:beside|by|past|next to|against|along|alongside|near|at|to|over|beyond) )?{OF}(?:(?:left|right) "
        rf")?ears?\b"
    )
    flat = (
        rf"{LYING}|forwards?|fold\w*|bent|bow\w*|hing\w*|lean\w*|plank|div\w*|swim\w*|inclin\w*|bend\w*|elbows?"
        r"|kneel\w*"
    )
    for condition in ("{arm} points up 40", "{elbow} bent ..50"):
        yield Rule("arm arms", "ear ears", by_the_ear, unless_said(flat, states(condition)))
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
        rf"{_ARM} (?:{_AIMED}|(?:(?:is|are|both) )?(?:pulled|drawn|swept|thrown|flung|swung|swings|swinging"
        rf"|reaching|driven|drives) )(?:backwards?|back"
        r"|behind)\b"
    )
    yield Rule("arm arms", "back backward backwards behind", backward, states("{hand} behind torso"))
    over_to = (
        rf"{SIDE} arm (?:(?:is|reaches|reaching|stretched|stretches|extended|drawn|brought|folded|laid|crosses"
        rf"|crossing) )+across "
        r"(?:the (?:chest|body|front|belly|torso) )?(?:to|towards?|onto) the (?P<at>left|right) "
        r"(?P<point>shoulder|hip|knee)\b"
    )
    yield Rule("arm", "across", over_to, states("{side}_hand near {at}_{point} 0.4"))
    second = r"(?<!feet and )arms (?:\w+ ){0,3}?in (?:ballet )?second(?: position)?\b"
    yield Rule("arms", "second", second, states("arms points outward 60"))
    side = rf"{_ARM} (?:is |are )?(?:(?:held|extended|placed) )*side(?:[ -](?:high|middle|low))\b"
    yield Rule("arm arms", "side", side, unless_said(LYING, states("{arm} points outward 65")))
    swings = (
        rf"{limb('arm', 'hand')} (?:is )?(?:swings|swinging|swung|swing|sweeps|swept|thrust|driven|drives) "
        rf"(?:well |far |up "
        r"|straight |out )*(?:forwards?|ahead|to the front|in front)\b(?! of the (?:chest|body|face|torso))"
    )
    yield Rule("arm arms hand hands", "swings swinging swung swing sweeps swept thrust driven drives", swings,
               states("{hand} in front of pelvis"))  # fmt: skip
    pointed_back = (
        rf"{_ARM} (?:\w+ ){{0,2}}?(?:points?|pointing|stretched|extended|extends|straight|stretches|reaching|reaches"
        r"|thrust|flung|trailing|trails) (?:(?:out|straight|directly|right|far|way) )*"
        r"(?:backwards?|back|behind)\b(?! (?:the|his|her|their) (?:back|head|neck))"
    )
    yield Rule("arm arms", "back backward backwards behind", pointed_back, states("{hand} behind {shoulder} 0.15"))
    hand_back = pointed_back.replace(_ARM, limb("hand", "fist"), 1).replace("straight|", "")
    yield Rule("hand hands fist fists", "back backward backwards behind", hand_back,
               unless_said(LYING, states("{hand} behind torso")))  # fmt: skip
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


def _letter(match: Match) -> str:
    return "arms points outward 40" if match["letter"] else "arms points outward 62"
