"""What knees, feet, elbows and the head touch."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.statements.rules import (
    HAND,
    HANDS,
    OF,
    SIDE,
    Match,
    Rule,
    gap,
    limb,
    states,
    subject,
    unless_said,
    where_said,
)


def _beside_the_feet() -> Iterator[Rule]:
    before = (
        rf"{HAND} {gap('off')}on the (?:floor|ground|mat) (?:well |far |just |a little )?(?:in front|ahead) of "
        r"(?:the |his |her |their )?(?:feet|toes)\b"
    )
    yield Rule(HANDS, "feet toes", before, states("{hand} in front of feet 0.12"))
    by_toes = (
        rf"{HAND} {gap('off|from|toward*|reach*')}(?:in front of|beside|next to|by|near|at|ahead of|to|on"
        rf"|touch\w*) {OF}(?:own )?"
        r"(?:toes|feet|heels|ankles)\b"
    )
    yield Rule(HANDS, "toes feet heels ankles", by_toes,
               unless_said(r"sit\w*|sat|seated|kneel\w*|heels|l(?:ie|ies|ying)|supine|prone|back|air|jump\w*|leap\w*|bow|grab\w*"
                           r"|lift\w*|rais\w*|v|boat|stool|chair|floor behind|squat\w*|crouch\w*",
                           states("{hand} below {knee}")))  # fmt: skip
    around = rf"{HAND} {gap('off')}(?:on|to) (?:either|both) sides? of {OF}(?P<at>left|right) foot\b"
    yield Rule(HANDS, "foot", around, states("{hand} near {at}_foot 0.45"))
    for part, words in ((HAND, HANDS), (limb("forearm"), "forearm forearms")):
        low_back = rf"{part} {gap()}(?:behind|at|on|against) {OF}(?:small of {OF}back|lower back|buttocks|bum)\b"
        yield Rule(words, "back buttocks bum", low_back, states("{hand} behind pelvis"))
    on_table = (
        rf"(?:both |the |his |her |their )*(?:palms|hands) {gap('off')}on (?:it|(?:the |a )?(?:table|desk"
        rf"|counter|bench|bar))\b"
    )
    yield Rule("palms hands", "on", on_table,
               where_said(r"lean\w*|over|bent|bend\w*", states("hands in front of pelvis")))  # fmt: skip
    salute = r"salut\w+ with (?:the |his |her |their )?(?:wrong )?(?:hand )?\(?(?P<side>left|right)\b"
    for condition in ("{side}_hand near head 0.3", "{side}_elbow bent 55.."):
        yield Rule("hand", "left right", salute, states(condition))


def rules() -> Iterator[Rule]:
    """Of knees and feet, then of elbows."""
    yield from _beside_the_feet()
    meeting = (
        r"elbows (?:(?:are|is|brought|drawn|pulled|pressed|squeezed|forward|held|in|until|they|together|close|nearly"
        r"|almost|just) )+(?:touch(?:ing)?|meet(?:ing)?|together)\b(?! (?:the|his|her|their))"
    )
    yield Rule("elbows", "touch touching meet meeting together", meeting, states("elbows apart ..0.3"))
    stacked = (
        r"(?:one foot (?:is |rests |resting |placed |lies )*on (?:top of )?the other(?: foot)?|feet (?:are "
        r")?stacked)\b(?! (?:knee|leg|thigh|shin|ankle|side))"
    )
    yield Rule("foot feet", "other stacked", stacked, states("feet apart ..0.25"))
    on_the_other = (
        rf"{SIDE} foot (?:(?:is|rests?|resting|placed|lies|lying|crossed|set|directly|parked"
        rf"|stacked|planted|perched|standing) )*(?:on|on top of|over) (?:top of )?the "
        rf"(?!(?P=side))"
        r"(?:left|right)(?: (?:foot|one|instep)|(?=$|[,.;]))"
    )
    yield Rule("foot", "on over", on_the_other, states("feet apart ..0.28"))
    to_belly = rf"{limb('knee', 'thigh')} {gap()}(?:against|to|into) {OF}(?:belly|stomach|abdomen|torso|trunk)\b"
    yield Rule(
        "knee knees thigh thighs", "belly stomach abdomen torso trunk", to_belly, states("{knee} near spine2 0.55")
    )
    head = (
        rf"(?:forehead|head|nose|face|chin) (?:(?:is|rests|resting|down|pressed|touches|touching|lowered|pulled|bent"
        rf"|propped) )*"
        rf"(?:on|to|onto|against|near|towards?|between|tucked between|buried in|into) {OF}(?:(?P<at>left|right) "
        rf")?knees?\b"
    )
    yield Rule("forehead head nose face chin", "knee knees", head, _head_on)
    standing = where_said(r"standing|stands|stood", lambda match: "head below pelvis")
    yield Rule("forehead head nose face chin", "knee knees", head,
               unless_said(r"one|raised|lifted|foot|bent knees?|left|right", standing))  # fmt: skip
    to_head = (
        rf"{limb('knee')} {gap('floor|ground')}(?:to|towards?|against|up to|near|touch\w*|by|at) "
        rf"{OF}(?:own )?(?:chin|nose|forehead|face)\b"
    )
    yield Rule("knee knees", "chin nose forehead face", to_head, states("{knee} near head 0.5"))
    drawn = (
        rf"{limb('knee')} (?:(?:is|are|both) )*(?:pulled|drawn|tucked|hugged|brought)"
        r" (?:(?:tightly|close|right|all the way) )*(?:up|in|to|towards?)\b"
    )
    yield Rule("knee knees", "pulled drawn tucked hugged brought", drawn, states("{knee} bent 40.."))
    together = (
        r"(?P<part>feet|ankles|heels|legs|knees|thighs|toes|soles) (?:(?:are|is|both|pressed|joined|held|put|kept"
        r"|squeezed"
        r"|glued|jammed|clamped|smushed|squished|mashed|crammed|stuck|pinned"
        r"|locked|brought|drawn|turned|inwards?|knocked|placed|straight|flat|stand|hooked|linked|tucked|set|close"
        r"|tight|side by side|and) )*"
        r"(?:together|shut|closed|united|touch(?:ing)?(?: each other)?(?=$|[,.;]| and| while| with| but)"
        r"|kiss(?:ing)?)\b"
    )
    yield Rule(
        "feet ankles heels legs knees thighs toes soles",
        "together shut closed united touch touching kiss kissing",
        together,
        _together,
    )
    drawn_together = (
        r"elbows (?:(?:are|is|both) )*(?:drawn|brought|pressed|pulled|squeezed|held|tucked)? ?(?:(?:close )?together"
        r"|touch(?:ing)?(?: each other)?(?=$|[,.;]| (?:in|and|while)))\b"
    )
    yield Rule("elbows", "together touch touching", drawn_together, states("elbows apart ..0.3"))
    close = (
        r"(?P<part>feet|hands|knees|elbows|ankles) (?:(?:are|very|held|kept) )*close (?:together|to each other|to one "
        r"another)\b"
    )
    yield Rule("feet hands knees elbows ankles", "close", close, _close)
    ankles = (
        r"(?:ankles (?:are )?crossed|crossed (?:at the )?ankles|(?:left|right|one) ankle (?:is )?(?:crossed )?over "
        r"the (?:left|right|other))\b"
    )
    yield Rule("ankles ankle", "crossed over", ankles, states("ankles apart ..0.25"))
    chest = (
        rf"{limb('knee', 'thigh')} {gap('floor|ground')}(?:to|towards?|against|into|up to|near) {OF}(?:own )?"
        r"(?:chest|breastbone|sternum|ribs|chin|nose|forehead)\b"
    )
    points = "chest breastbone sternum ribs chin nose forehead"
    for condition in ("{knee} near spine3 0.5", "{knee} bent 55.."):
        yield Rule("knee knees thigh thighs", points, chest, states(condition))
    by_hands = (
        rf"{SIDE} (?:knee|shin) {gap()}(?:hugged|held|pulled|drawn|clasped|gripped)\b[^.;]{{0,40}}? (?:with|by|in) "
        r"(?:both )(?:hands|arms)\b"
    )
    yield Rule("knee shin", "hugged held pulled drawn clasped gripped", by_hands, states("hands near {side}_knee 0.45"))
    hugged = (
        rf"(?:hug|hugs|hugging|pull|pulls|pulling|draw|draws|drawing|bring|brings|bringing) {OF}(?:both )?"
        rf"{limb('knee')} {gap()}"
    )
    yield Rule("knee knees", "chest", rf"{hugged}(?:to|into|towards?) {OF}chest\b", states("{knee} near spine3 0.5"))
    guarding = (
        rf"{limb('hand', 'fist', 'forearm')} {gap()}(?:guard\w*|protect\w*|shield\w*) {OF}(?:face|chin|head|jaw"
        r"|cheeks?|eyes)\b"
    )
    yield Rule(
        f"{HANDS} forearm forearms", "face chin head jaw cheek cheeks eyes", guarding, states("{hand} near head 0.45")
    )
    same = (
        rf"{SIDE} elbow and {OF}(?P<at>left|right) knee (?:(?:is|are|drawn|brought|pulled|come|almost|nearly) )*"
        r"(?:together|to each other|touch\w*|meet)\b"
    )
    yield Rule("elbow", "knee", same, states("{side}_elbow near {at}_knee 0.35"))
    elbow = (
        rf"{limb('elbow')} (?:(?:is|are|both|leaning|leans|lean) )*{gap('behind|away|off|from')}(?:on|against|to"
        rf"|towards?|touch\w*|meets?|reach\w*|graz\w+|brush\w*|tap(?:s|ping)?|near|pressing|presses"
        r"|press|pry\w*|pries) (?:top of |the )?(?:inside of |inner )?"
        r"(?:the |their |his |her |its |that )?(?:(?P<at>left|right) )?(?P<landmark>knee|thigh)s?\b"
    )
    yield Rule("elbow elbows", "knee knees thigh thighs", elbow, _elbow_on)
    forearms = (
        r"forearms (?:(?:are|rest|resting|laid|lying|propped) )*(?:on|across) (?:top of )?(?:the |their |his |her )?"
        r"(?:thighs|knees)\b"
    )
    yield Rule("forearms", "thighs knees", forearms, states("hands near knees 0.4"))
    foot = (
        rf"{SIDE} (?:foot|ankle|sole|heel|toes?|shin|instep) (?:(?:is|lies|rests|resting|placed|laid|tucked"
        rf"|pressed|crossed"
        r"|put|flat|hooked|wrapped|propped|pressing|presses|pushes|pushed|leans|up|bent|drawn|brought|pulled|raised"
        r"|lifted|held|set|planted|balanced|stacked|perched|braced|parked|poised|pinned|glued) )*"
        r"(?:on|over|across|against|above|to|into|at|(?:behind|at the back of|in the crook of)|touches|touching"
        r"|touch|meets?|grazes) (?:top of "
        r")?(?:the )?(?:inside of "
        r"(?:the )?"
        r"|inner )?(?P<at>left|right) (?:inner )?(?P<landmark>knee|thigh|calf|shin)\b(?! (?:height|level))"
    )
    yield Rule("foot ankle sole heel toe toes shin instep", "knee thigh calf shin", foot, _foot_on)
    one_foot = (
        r"one (?:foot|ankle|shin) (?:\w+ ){0,3}?(?:on|over|across|against) (?:top of )?(?:the )?(?:other|opposite) "
        r"(?:knee|thigh)\b"
    )
    yield Rule("foot ankle shin", "other opposite", one_foot,
               states("left_ankle near right_knee 0.33 or right_ankle near left_knee 0.33"))  # fmt: skip
    drawn_to = (
        rf"{SIDE} knee {gap('off|from|behind')}(?:to|towards?|against|touch\w*|meets?|until it touches) (?:the "
        rf"|its |his |her )?"
        r"(?P<at>left|right) elbow\b"
    )
    yield Rule("knee", "elbow", drawn_to, states("{at}_elbow near {side}_knee 0.35"))
    buried = (
        r"(?:face|head|nose|eyes|forehead) (?:(?:is|are|buried|hidden|tucked|pressed|down|turned|hides|dropped"
        r"|resting) )*"
        rf"(?:in|into|inside|against) {OF}(?:(?:crook|crease|bend|fold) of {OF})?(?P<at>left|right) (?:elbow|arm"
        rf"|forearm)\b"
    )
    yield Rule("face head nose eyes forehead", "elbow arm forearm", buried, states("{at}_elbow near head 0.35"))
    soles = r"sole to sole\b"
    yield Rule("sole", "sole", soles, states("ankles apart ..0.3"))
    around = rf"{SIDE} (?:leg|thigh) (?:(?:is|wrapped|wound|hooked|twisted|wraps|coiled) )+a?round the (?:left|right)\b"
    yield Rule("leg thigh", "around round", around, states("knees apart ..0.35"))
    over = (
        rf"{SIDE} (?:leg|thigh|knee) (?:(?:is|crossed|thrown|wound|folded|draped|slung|crosses|wrapped|hooked) )+over "
        r"the (?P<at>left|right)\b(?! (?:foot|ankle|shin|arm|hand|shoulder))"
    )
    yield Rule("leg thigh knee", "over", over, states("knees apart ..0.3"))


_LEGS: Final = ("kne", "thi", "leg")
"""How the names of knees, thighs and legs begin, of which the feet need not touch where they are together."""


def _head_on(match: Match) -> str:
    if match["at"]:
        return f"head near {match['at']}_knee 0.4"
    if "knees" in match[0]:
        return "head near knees 0.45"
    return "head near left_knee 0.4 or head near right_knee 0.4"


def _together(match: Match) -> str:
    part = match["part"]
    return f"{'knees' if part in ('knees', 'thighs') else 'ankles'} apart ..{0.3 if part[:3] in _LEGS else 0.2}"


def _close(match: Match) -> str:
    return f"{match['part']} apart ..{0.35 if match['part'] in ('hands', 'knees', 'elbows') else 0.3}"


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
