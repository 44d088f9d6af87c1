"""Where hands are: above the head, at the height of other parts, at the sides, in the air."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.statements.rules import (
    LYING,
    OF,
    SIDE,
    Rule,
    against_other,
    gap,
    limb,
    states,
    to_the_other_side,
    unless_said,
    where_said,
)

_HANDS: Final = "hand hands arm arms fist fists palm palms"
_HAND: Final = limb("hand", "arm", "fist", "palm")
_ARM: Final = limb("arm")


def rules() -> Iterator[Rule]:
    """Of hands, and of arms by where they are held."""
    raised = (
        r"(?:(?:is|are|both|raised|lifted|stretched|extended|held|straight|reaching|reaches|reach|high|up|stays?"
        r"|rounded|curved|curves|curving|arched|arching|arcs|arc|circled"
        r"|crossed|clasped|joined|together|goes|go|far|well|meets?|pressed|brought|swept|thrown|spread|wide|apart"
        r"|open|kept"
        r"|shoulder[- ]width|interlaced|folded|form(?:s|ing)? an? (?:circle|ring|oval|arch|hoop)"
        r"|in an? (?:\w+ )?[vy]) )*"
    )
    above = rf"{limb('hand', 'arm', 'fist', 'palm', 'wrist')} {raised}(?:(?:above|over) {OF}head|overhead)\b"
    yield Rule(f"{_HANDS} wrist wrists", "head overhead", above, unless_said(LYING, states("{hand} above head 0.05")))
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
    yield Rule(_HANDS, "head overhead", past_head, where_said(LYING, states("{hand} far from {hip} 0.6")))
    hanging = gap("out|away|up|raised|lifted|extended|stretched|bent|forwards?")
    beside = (
        r"(?:at|by|along|alongside|beside|against|next to) (?:the |their |his |her |its )?(?:(?:left|right|own) )?"
        r"(?:sides?|body|trunk|torso|flanks?|thighs?)\b(?! (?:level|height|of (?:an?|the t)\b))"
    )
    yield Rule(
        "arm arms",
        "side sides body trunk torso flank flanks thigh thighs",
        rf"{_ARM} {hanging}{beside}",
        states("{hand} near {hip} 0.4"),
    )
    at_sides = rf"{_ARM} {hanging}(?:at|by|along|alongside) {OF}(?:own )?"
    at_sides += r"(?:sides?|flanks?)\b(?! (?:of|level|height))"
    yield Rule("arm arms", "side sides flank flanks", at_sides,
               unless_said(rf"{LYING}|floor|ground|mat|elbows?|fists?|lean\w*|bent|fold\w*|bow\w*|plank|bridge|jump\w*"
                           r"|run\w*|akimbo|squat\w*|hands?", states("{arm} points down 40")))  # fmt: skip
    yield Rule("hand hands", "side sides", rf"{limb('hand')} {hanging}(?:at|by) {OF}(?:own )?sides?\b(?! (?:of|level))",
               unless_said("floor|ground|mat", states("{hand} near {hip} 0.45")))  # fmt: skip
    stiff = (
        rf"{_ARM} (?:(?:is|are|held|kept|both|lies?|lying|down|hanging|hangs?|resting|rests?) )*"
        rf"(?:stiff(?:ly)?|rigid(?:ly)?|straight|flat|extended|long)(?: down)? {beside}"
    )
    sides = "side sides body trunk torso flank flanks thigh thighs"
    yield Rule("arm arms", sides, stiff, states("{elbow} bent ..38"))
    yield Rule("arm arms", sides, stiff, unless_said(f"{LYING}|floor|ground|mat|plank", states("{arm} points down 30")))
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
    limp = (
        rf"{limb('hand')} (?:is |are )?(?:hanging|hangs|dangling|dangles)(?: (?:loose(?:ly)?|limp(?:ly)?|freely"
        rf"|down|relaxed"
        r"))?(?=$|[,.;]| (?:and|while|with|at|by) )"
    )
    yield Rule("hand hands", "hanging hangs dangling dangles", limp,
               unless_said(LYING, states("{hand} below {shoulder} 0.2")))  # fmt: skip
    heights = (
        ("high", "{hand} above {shoulder} 0.1"),
        ("middle", "{arm} horizontal"),
        ("low", "{hand} below {shoulder} 0.1"),
    )
    for height, stated in heights:
        notated = (
            rf"{_ARM} (?:is |are )?(?:(?:held|to the|extended|placed) )*(?:forwards?|side|sideways|backwards?"
            rf"|back|diagonal)"
            rf"[ -]{height}\b(?! (?:above|over|and))"
        )
        yield Rule("arm arms", height, notated, unless_said(LYING, states(stated)))
    neutral = rf"{_ARM} (?:(?:is|are|in|kept|held|simply|relaxed) )*(?:neutral|relaxed)\b(?! (?:behind|on|in|out|over))"
    yield Rule("arm arms", "neutral relaxed", neutral,
               unless_said(LYING, states("{hand} below {shoulder} 0.15")))  # fmt: skip
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
    yield Rule("hand arm", "crosses crossing across", midline, to_the_other_side)
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
    sky = (
        rf"{limb('hand', 'arm', 'fist', 'fingertip')} (?:(?:is|are|both|straight|high|stretched|raised|thrown) )*"
        r"(?:punch\w*|pump\w*|reach\w*|stab\w*|claw\w*|grab\w*|shoot\w*|shot|thrust\w*|stretch\w*|grasp\w*"
        r"|strain\w*|jab\w*) "
        r"(?:(?:high|straight|right|out|up|upwards?|as high as|into|for|at|to|towards?) )*"
        r"(?:the (?:sky|ceiling|heavens?|stars?|clouds?|sun|moon|air)|skywards?|heavenwards?|upwards?(?=$|[,.;]))\b"
    )
    aloft = "sky ceiling heaven heavens star stars cloud clouds sun moon air skyward skywards heavenward upward upwards"
    yield Rule(f"{_HANDS} fingertips", aloft, sky, unless_said(LYING, states("{hand} above head")))
    yield Rule("arm arms fist fists", aloft, sky,
               unless_said(rf"{LYING}|bent|elbows?", states("{elbow} bent ..65")))  # fmt: skip
    air = rf"{limb('hand', 'arm', 'fist')} (?:(?:is|are|both|up|raised|pumped|held|high|thrown) )*in the air\b"
    yield Rule(_HANDS, "air", air, unless_said("floor|ground|mat", states("{hand} above head")))
    hidden = (
        r"hands?\b[^.;]{0,40}?\b(?:tucked|hidden|clasped|held|folded|locked|hiding|stuffed) (?:away |out of sight )?"
        r"behind (?:him|them|me|her|himself|herself|themselves|the back)(?=$|[,.;]| (?:and|while|as|with|back)\b)"
    )
    yield Rule("hand hands", "behind", hidden,
               unless_said(r"head|neck|one|other|left|right", states("hands behind torso")))  # fmt: skip
    hand = "(?:hand|arm|palm|fist|forearm)"
    ahead = r"(?:in front|forwards?|ahead|to the front|out front)\b(?! of (?:the )?(?:other|left|right))"
    rear = r"(?:behind|backwards?|back|to the back)\b(?! of)"
    between = rf"[^.;]{{0,25}}? (?:one|the other|other)(?: one)? (?:{hand} )?(?:\w+ ){{0,4}}?"
    split = rf"one {hand} (?:\w+ ){{0,4}}?(?:{ahead}{between}{rear}|{rear}{between}{ahead})"
    yield Rule("hand arm palm fist forearm", "behind back backward backwards", split,
               unless_said(r"leg|foot|head|lower back", states(
                   "left_hand in front of right_hand 0.22 or right_hand in front of left_hand 0.22")))  # fmt: skip
    front_and_back = (
        rf"one {hand} (?:\w+ ){{0,3}}?(?:across|on|over|against) {OF}(?:front of {OF})?"
        r"(?:tummy|belly|stomach|waist|front|abdomen|midriff|navel|middle)\b[^.;]{0,20}? "
        rf"one {hand} (?:(?:is|held|tucked|folded|kept|hidden|bent|resting|placed) )*(?:behind|on|at|against|across) "
        rf"{OF}(?:lower |small of {OF})?back\b"
    )
    apart = "left_hand in front of right_hand 0.12 or right_hand in front of left_hand 0.12"
    for condition in ("hands near spine1 0.42", "elbows bent 35..", apart):
        yield Rule("hand arm palm fist forearm", "back", front_and_back, states(condition))
    both_behind = (
        r"(?:hands|arms) (?:(?:are|both|held|kept|clasped|joined|folded|together|crossed|locked|hidden|tucked) )*"
        r"behind (?:him|her|them|me|himself|herself|themselves)(?=$|[,.;]| (?:and|while|as|with|like)\b)"
    )
    yield Rule("hands arms", "behind", both_behind, unless_said(LYING, states("hands behind torso")))
    bound = (
        r"(?:hands|wrists|arms) (?:(?:are|both) )*(?:bound|tied|cuffed|handcuffed|shackled|lashed|roped|clasped"
        r"|locked|linked"
        r"|joined|meet|meeting|knotted)(?: together)? behind\b(?! the (?:head|neck|knees?|thighs?|legs?))"
    )
    for condition in ("hands apart ..0.3", "hands behind pelvis"):
        yield Rule("hands wrists arms", "behind", bound, unless_said(LYING, states(condition)))
    held_behind = (
        rf"{SIDE} (?:hand|arm) (?:(?:is|wrapped|around|holding|holds|gripping|grips|clasping|clasps|grabbing|grabs"
        rf"|catching|catches|clutching|on|hooked) )+{OF}(?:left|right) (?:elbow|wrist|forearm|arm|hand) behind "
        rf"(?:{OF}back|him|her|them|the body)\b"
    )
    yield Rule("hand arm", "behind", held_behind, states("{side}_hand behind torso"))
    before_shoulder = rf"{SIDE} hand (?:is )?(?:just |right )?in front of the (?P<at>left|right) shoulder\b"
    yield Rule("hand", "shoulder", before_shoulder, states("{side}_hand near {at}_shoulder 0.33"))
    not_high = (
        r"\b(?! (?:to|in front|forward|sideways|out|at|behind|from|slightly|a bit|a little|half|off|under|against|on"
        r"|and down|the back|near|beside|about|roughly|low|\d+|thirty|forty|fifteen|twenty|sixty|as|by))"
    )
    up = (
        rf"{limb('arm', 'hand', 'fist')} (?:(?:is|are|held|kept|straight|stretched|high|both|put|stuck|stays?"
        rf"|goes|shoots|shot|thrust) )*(?:up|in the air|up "
        rf"in the "
        rf"air|high){not_high}"
    )
    yield Rule(_HANDS, "up air high", up, states("{hand} above {shoulder}"))
    put_up = (
        rf"{limb('arm', 'hand')} (?:is |are )?(?:put|stuck|shot|thrust|thrown|flung|stretched) (?:straight "
        rf"|right )?up{not_high}"
    )
    yield Rule(_HANDS, "up", put_up, unless_said(LYING, states("{hand} above head")))
    raised_one = rf"{SIDE} (?:arm|hand|fist) (?:is )?(?:raised|lifted){not_high}"
    yield Rule("arm hand fist", "raised lifted", raised_one,
               unless_said("plank|push|fours|hands and knees|bird dog",
                           states("{side}_hand above {side}_shoulder")))  # fmt: skip
    raised_both = r"(?:hands|fists) (?:are )?(?:raised|lifted)(?=$|[,.;]| (?:and(?! down)|while|with|as)\b)"
    yield Rule("hands fists", "raised lifted", raised_both,
               unless_said(LYING, states("hands above shoulders")))  # fmt: skip
    down = (
        rf"{limb('arm', 'hand')} (?:(?:is|are|both|straight|held|kept|stays?|remains?|left) )*down\b(?! (?:to the floor"
        r"|to the ground|on|behind|between|in front|at the (?:floor|ground)|onto|towards? the (?:floor|ground)))"
    )
    yield Rule("arm arms hand hands", "down", down, unless_said(LYING, states("{hand} below {shoulder} 0.15")))
    low = (
        rf"{_ARM} (?:(?:is|are|held|kept|both|stays?|diagonally|slants?|slanting) )*low(?:er)?"
        r"(?=$|[,.;]| (?:and|while|with) )"
    )
    yield Rule("arm arms", "low lower", low, unless_said(LYING, states("{hand} below {shoulder} 0.15")))
    shelf = (
        rf"{limb('arm', 'hand')} (?:(?:is|are|both|straight|stretched|high) )*(?:reach\w*|stretch\w*|strain\w*"
        rf"|grop\w*) (?:up )?"
        r"(?:to|for|at|towards?) (?:the |a )?(?:top|high|higher|highest|upper) (?:shelf|cupboard|branch|rung|bar)\b"
    )
    yield Rule(_HANDS, "top high higher highest upper", shelf, states("{hand} above head 0.1"))
    for way, where, condition in (
        ("up", r"(?:up(?:wards?)?|(?:to|at|towards?) (?:the )?(?:ceiling|sky))", "{hand} above {shoulder}"),
        ("down", r"(?:down(?:wards?)?|(?:to|at|towards?) (?:the )?(?:floor|ground))", "{hand} below {shoulder} 0.1"),
    ):
        pointed = rf"{limb('hand')} (?:is )?(?:points?|pointing) (?:straight )?{where}\b(?! and)"
        words = f"{way} {way}ward {way}wards ceiling sky floor ground"
        yield Rule("hand hands", words, pointed, unless_said(LYING, states(condition)))
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
        rf"back|(?:on|to|against|in|into) {OF}(?:lower back|small of {OF}back))\b(?! of)"
    )
    yield Rule(f"{_HANDS} forearm forearms", "back behind", back, states("{hand} behind torso"))
    ahead = gap("touch*|off|behind|below|above|over|on|at|under") + "(?:in front of|before)"
    before_face = rf"{limb('hand', 'fist', 'palm', 'wrist', 'forearm')} {ahead} {OF}(?:face|eyes|nose|mouth|chin)\b"
    yield Rule(f"{_HANDS} wrist wrists forearm forearms", "front before", before_face,
               unless_said(LYING, states("{hand} above spine3")))  # fmt: skip
    chest = rf"{_HAND} {ahead} {OF}(?:chest|belly|face|body|stomach|hips|sternum|waist|trunk|torso)\b"
    yield Rule(_HANDS, "front before", chest, states("{hand} in front of torso"))
    across = (
        rf"{limb('arm', 'forearm')} (?:(?:is|are|folded|held|laid|placed|drawn|pulled|bent|lies?|crossed|rests?"
        rf"|wrapped|wraps|wrapping"
        rf"|stretched"
        rf"|brought|held|extended|resting|lying) )*across {OF}(?:front of {OF})?(?:chest|body|belly|stomach|tummy"
        rf"|waist|midsection|trunk)\b"
    )
    yield Rule("arm arms forearm forearms", "across", across, states("{hand} near spine2 0.4"))
