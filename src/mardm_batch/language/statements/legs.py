"""Where legs, feet and knees are, how a person stands, and how far hands are apart."""

import re
from collections.abc import Iterator
from functools import partial
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
    subject,
    unless_said,
    where_said,
)

_FEET: Final = "foot feet leg legs"
_FOOT: Final = limb("foot", "leg")
_ON_ITS_TOES: Final = (
    r"(?P<up>left|right) foot (?:(?:is|up|rests?|resting|high) )*on (?:the )?(?:tip ?-?toes?|toes"
    r"|ball)\b"
)
_RESTING: Final = "sit|sits|sitting|sat|seated|lie|lies|lying|laying|supine|prone|chair|bench|recline[sd]?|reclining"


def rules() -> Iterator[Rule]:
    """Of one leg, then of both."""
    yield from _legs()
    yield from _stances()


def _legs() -> Iterator[Rule]:
    lifted = (
        r"(?:(?:is|are|up|way|just|held|kept|being|straight|bent|driven|drives|drawn|hoisted|hitched|hiked"
        r"|pumped|pulled"
        r"|brought|comes|swung|thrust|both) )*"
    )
    raised = (
        r"(?:raised|lifted|lifts|raises|hovers|hovering|kicked|kicks|kicking|swung|flung|hoisted|elevated"
        r"|thrown(?! over)|high)\b"
    )
    yield Rule(_FEET, "raised lifted lifts raises hovers hovering kicked kicks kicking swung flung hoisted elevated "
               "thrown high",
               rf"{_FOOT} {lifted}{raised}", _raised_foot)  # fmt: skip
    knee = rf"{limb('knee', 'thigh')} {lifted}(?:drawn )?(?:raised|lifted|lifts|high|up)\b(?! (?:than|to the chest))"
    yield Rule(
        "knee knees thigh thighs",
        "raised lifted lifts high up",
        knee,
        unless_said(_RESTING + "|kneel(?:s|ing)?|jump(?:s|ing)?|floor|ground|knee down|lung(?:e|es|ing)", _raised_knee),
    )
    apart = gap("cross*|behind|over|turn*|facing")
    outward = r"(?:out )?(?:to (?:the|his|her|their) (?:side|(?P=side)|(?P=side) side)|sideways|laterally)\b"
    yield Rule("leg foot", "side sideways left right", rf"{SIDE} (?:leg|foot) {apart}{outward}", _aside)
    abducted = rf"{SIDE} (?:leg|hip) (?:is )?abducted\b"
    yield Rule("leg hip", "abducted", abducted, _aside)
    level = (
        r"(?:(?:to|at|up to) (?:the )?(?:hip|waist|pelvis|chest)(?:[- ](?:height|level))?|horizontal(?:ly)?|parallel "
        r"(?:to|with) (?:the )?(?:floor|ground))\b"
    )
    raised_ahead = (
        rf"{SIDE} (?:leg|foot) {gap('back|backwards?|behind|sideways|side')}(?:forwards?|in front|ahead|to the "
        rf"front),? (?:and )?"
        rf"(?:up )?{level}"
    )
    yield Rule("leg foot", "forward forwards front ahead", raised_ahead, states("{leg} points forward 45"))
    knee_level = (
        rf"{SIDE} (?:knee|thigh) {gap('back|behind|side')}(?:to|at|up to|above|over|higher than|reaching) (?:the )?"
        r"(?:hips?|waist|navel|belly|pelvis|chest(?= (?:level|height)))(?:[- ](?:height|level))?\b"
    )
    high = "{side}_thigh horizontal or {side}_knee above {side}_hip"
    yield Rule("knee thigh", "hip hips waist navel belly pelvis chest", knee_level, unless_said(_RESTING, states(high)))
    skyward = (
        rf"{SIDE} (?:leg|foot) {gap()}(?:straight up|vertically up|(?:up )?(?:to|at|towards?) (?:the )?(?:ceiling"
        r"|sky))\b"
    )
    yield Rule("leg foot", "up ceiling sky", skyward,
               unless_said("sole|knee|shin", states("{leg} points up 50")))  # fmt: skip
    one_aside = rf"one (?:leg|foot) {apart}(?:out )?(?:to the side|sideways)\b"
    either = "left_foot left of right_foot 0.25 or right_foot right of left_foot 0.25"
    yield Rule("leg foot", "side sideways", one_aside, states(either))
    other = r"the (?:other|left|right)(?: foot| leg| one)?\b(?! (?:hip|knee|hand|arm|thigh|shin|ankle|elbow))"
    steps = (
        r"(?:(?:is|are|steps?|stepping|stepped|placed|set|planted|put|far|well|slightly|a|step|one|stands?|kept|just"
        r"|right|directly|crosses|crossing|crossed|foot-length|little|bit|half|inch|inches|couple|of|about|hand) )*"
    )
    stride = r"(?:is )?(?:a |about |half a )*(?:long |big |large |wide )?(?:stride|step|metre|meter|pace) (?:far )?"
    far_behind = rf"{_FOOT} {stride}behind {other}"
    yield Rule(_FEET, "stride step metre meter pace", far_behind, against_other("{side}_foot behind {other}_foot 0.35"))
    far_ahead = rf"{_FOOT} {stride}(?:in front of|ahead of) {other}"
    yield Rule(_FEET, "stride step metre meter pace", far_ahead,
               against_other("{side}_foot in front of {other}_foot 0.35"))  # fmt: skip
    big_step = rf"{_FOOT} {steps}behind {other},? (?:in |with )?(?:a )?(?:big|long|large|wide) (?:step|stride)"
    yield Rule(_FEET, "step stride", big_step, against_other("{side}_foot behind {other}_foot 0.3"))
    split = (
        r"(?:legs|feet) (?:\w+ ){0,3}?(?:split|apart|scissored) (?:front|forwards?|fore) (?:and|to) (?:back"
        r"|backwards?|aft)\b"
    )
    ahead_of = "left_foot in front of right_foot {0} or right_foot in front of left_foot {0}"
    yield Rule("legs feet", "split apart scissored", split, states(ahead_of.format("0.35")))
    stride = (
        r"(?:(?:very |really )?(?:long|huge|big|giant|wide|large) (?:stride|step)\b(?! (?:back|behind|to the side)))"
    )
    yield Rule("stride step", "long huge big giant wide large", stride,
               unless_said("left|right|lung\\w*", states(ahead_of.format("0.35"))))  # fmt: skip
    staggered = (
        r"(?:(?:feet|legs) (?:\w+ )?one (?:behind|in front of|before|ahead of) the other|(?:feet|legs|stance) (?:\w+ "
        r"){0,3}?(?:staggered|one ahead|tandem|heel to toe)|(?:staggered|tandem|split) "
        r"stance|one foot (?:\w+ ){0,3}?(?:in front of|ahead of|before|in front) (?:the )?other)\b"
    )
    yield Rule("feet legs stance foot", "staggered ahead tandem split front before toe behind", staggered,
               states(ahead_of.format("0.08")))  # fmt: skip
    ahead = rf"{_FOOT} {steps}(?:in front of|ahead of|before)(?: and (?:across|outside|beyond))? {other}"
    yield Rule(_FEET, "front ahead before", ahead, against_other("{side}_foot in front of {other}_foot 0.1"))
    behind = rf"{_FOOT} {steps}behind {other}"
    yield Rule(_FEET, "behind", behind, against_other("{side}_foot behind {other}_foot 0.1"))
    crossed = rf"{_FOOT} (?:is )?(?:crossed|placed|stepping|steps) behind\b"
    yield Rule(_FEET, "behind", crossed, against_other("{side}_foot behind {other}_foot 0.05"))
    far_forward = rf"{SIDE} (?:foot|leg) {apart}(?:far|well|way) (?:forwards?|ahead|in front)\b(?! of)"
    yield Rule("foot leg", "far well way", far_forward,
               unless_said(_RESTING, against_other("{side}_foot in front of {other}_foot 0.35")))  # fmt: skip
    far_back = rf"{SIDE} (?:foot|leg) {apart}(?:far|well|way|straight) (?:back|backwards?|behind)\b"
    yield Rule("foot leg", "far well way straight", far_back,
               unless_said(_RESTING, against_other("{side}_foot behind {other}_foot 0.35")))  # fmt: skip
    sole = rf"{SIDE} (?:heel|toes?|foot|sole) (?:just )?"
    lands = (
        rf"{sole}(?:lands|landing|strikes|striking|plants|steps) (?:well |far )?(?:ahead|in front|forwards?)\b(?! of)"
    )
    pushes = rf"{sole}(?:push(?:es|ing)|roll(?:s|ing)|drag(?:s|ging)) (?:off )?behind\b(?! the)"
    for how, pattern in (("in front of", lands), ("behind", pushes)):
        yield Rule("heel toe toes foot sole", "ahead front forward forwards behind", pattern,
                   against_other(f"{{side}}_foot {how} {{other}}_foot 0.15"))  # fmt: skip
    leading = rf"{SIDE} (?:foot|leg) {apart}{steps}(?:forwards?|in front|ahead|leading|leads)\b(?! of)"
    yield Rule("foot leg", "forward forwards front ahead leading leads", leading,
               unless_said(_RESTING, against_other("{side}_foot in front of {other}_foot 0.1")))  # fmt: skip
    trailing = (
        rf"{SIDE} (?:foot|leg) {apart}(?:{steps})(?:back|backwards?|behind)\b(?! (?:of\b|his\b|their\b"
        r"|(?:the|her) (?!body\b|person\b|back\b|and\b|with\b|while\b|as\b)))"
    )
    yield Rule("foot leg", "back backward backwards behind", trailing,
               unless_said(_RESTING, against_other("{side}_foot behind {other}_foot 0.1")))  # fmt: skip


def _stances() -> Iterator[Rule]:
    behind = (
        r"(?:(?:up|out|off the floor) )*(?:behind|in back|backwards?|to the rear)\b(?! (?:the )?(?:left|right|other))"
    )
    raised = (
        rf"{_FOOT} (?:(?:is|are|raised|lifted|kicked|swung|thrown|extended|stretched|up|straight|reaching|floating) )*"
    )
    for how, states_it in (
        (r"(?:(?:very|really|so|extremely|ever so) high(?: up)?|way up(?: high)?|sky[- ]high|(?:up )?(?:to|towards?"
         r"|at) the (?:sky|ceiling))", "{side}_foot above {other}_foot 0.6"),
        (r"(?:high(?: up)?|up high|up)", "{side}_foot above {other}_foot 0.25"),
    ):  # fmt: skip
        yield Rule(_FEET, "behind back backward backwards rear", rf"{raised}{how} {behind}",
                   unless_said(f"{_RESTING}|fours|plank|heels?", against_other(states_it)))  # fmt: skip
    very_high = rf"{raised}(?:(?:very|really|extremely) high|sky[- ]high)\b"
    other_low = f"{_RESTING}|fours|plank|heels?"
    yield Rule(_FEET, "high", very_high, unless_said(other_low, against_other("{side}_foot above {other}_foot 0.4")))
    up = (
        rf"{SIDE} (?:leg|foot) (?:(?:is|held|straight|bent|just|high) )*up(?=$|[,.;]| (?:in front|in the air|behind"
        r"|high|sideways|to the side|ahead|and|with|while)\b)"
    )
    low = rf"{_RESTING}|resting|shins?|wall|kneel\w*|floor|ground|jump\w*|hop\w*"
    yield Rule("leg foot", "up", up, unless_said(low, against_other("{side}_foot above {other}_foot 0.1")))
    skyward = (
        rf"{SIDE} (?:leg|foot) {gap(most=4)}(?:lifted|raised|kicked|points?|pointing|extended|straight)(?: "
        rf"straight| up)* "
        r"(?:towards?|to|at) the (?:ceiling|sky)\b"
    )
    yield Rule("leg foot", "ceiling sky", skyward, against_other("{side}_foot above {other}_foot 0.35"))
    high = (
        rf"{SIDE} (?:leg|foot) (?:(?:is|straight|being) )*(?:raised|lifted|kicked|kicks|swung|thrown) (?:very "
        rf"|straight )?"
        r"(?:high(?: up)?|upwards?|way up)\b"
    )
    yield Rule("leg foot", "high upward upwards up", high, against_other("{side}_foot above {other}_foot 0.3"))
    ahead = (
        rf"{limb('leg')} (?:(?:is|are|straight|both) )*(?:stretched|extended|straight)(?: straight| out| far)* "
        r"(?:ahead|in front|forwards?)\b(?! of the)"
    )
    yield Rule("leg legs", "ahead front forward forwards", ahead, states("{leg} points forward 55"))
    to_chest = (
        r"(?:both |the |his |her |their )*(?:knees|legs) (?:(?:are|drawn|pulled|tucked|hugged|brought|held|up"
        r"|tightly|close"
        r"|in|both|well) )+(?:to|towards?|against|into|near) (?:the |his |her |their )?chest\b"
        r"|hug(?:s|ging)? (?:both |the |his |her |their )*(?:knees|legs|shins)\b"
    )
    resting = r"side|sideways|prone|face[- ]down|fours|kneel\w*|child|heels|squat\w*"
    yield Rule("knees legs shins", "chest hug hugs hugging", to_chest,
               unless_said(resting, states("knees above pelvis")))  # fmt: skip
    for than, wide in ((r"hips?(?:[- ]width)?|pelvis", "0.2..0.75"), (r"shoulders?(?:[- ]width)?", "0.45..")):
        wider = (
            rf"(?:feet|legs|heels) {gap(most=5)}wider (?:apart )?(?:than|then) (?:the |his |her |their )?(?:{than})\b"
        )
        yield Rule("feet legs heels", "wider", wider, states(f"feet apart {wide}"))
    off_heels = (
        r"(?:not|without) (?:\w+ )?(?:sit|sitting|touching|resting|touch|rest) (?:\w+ ){0,2}?"
        r"(?:the |his |her |their )?heels\b"
    )
    yield Rule("heels", "not without", off_heels,
               where_said(r"kneel\w*|knees", states("pelvis height 0.35..")))  # fmt: skip
    upright = r"(?:standing|stands|stand|stood) (?:upright|tall|straight|erect|still|there|at attention)\b"
    lowered = r"knees?|bent|squat\w*|crouch\w*|lung\w*|leg|foot|lean\w*|hand\w*stand"
    yield Rule("standing stands stand stood", "upright tall straight erect still there attention", upright,
               unless_said(lowered, states("pelvis height 0.7..")))  # fmt: skip
    for condition in ("pelvis height ..0.4", "knees bent 60.."):
        yield Rule("legged crosslegged", "cross legged crosslegged", r"cross[- ]?legged\b",
                   unless_said(r"st(?:and|ood)\w*|chair|bench|stool|bed|sofa|couch|throne|l(?:ying|ies)|supine|air"
                               r"|stretch\w*|straighten\w*|legs? (?:is |are )?(?:straight|extended|out)",
                               states(condition)))  # fmt: skip
    squat = (
        r"(?:(?:deep|full|low) (?:squat|crouch)|(?:squat|crouch)(?:ting|ing|s|es|ed)? (?:down )?(?:very |really |real "
        r")?(?:deeply|deep|low|all the way(?: down)?)|(?:hips|bum|bottom|seat) (?:\w+ ){0,4}?(?:close to|near|just "
        r"above) (?:the |his |her |their )?heels)\b"
    )
    yield Rule("squat squats squatting crouch crouches crouching crouched hips bum bottom seat",
               "deep deeply low full all close near above", squat, states("pelvis height ..0.5"))  # fmt: skip
    deep_squat = (
        r"(?:(?:deep|full|low) (?:squat|knees? bends?)|grand pli[eé]|squat\w* (?:down )?(?:very "
        r")?(?:deeply|deep|low))\b"
    )
    for condition in ("knees bent 60..", "pelvis height ..0.42"):
        yield Rule("squat squatting squats knee knees grand", "deep deeply full low grand", deep_squat,
                   unless_said("left|right|one|side", states(condition)))  # fmt: skip
    half_squat = r"(?:half|partial|quarter|shallow|mini|tiny)[- ](?:depth )?(?:squat|crouch|knee bend)\b"
    yield Rule(
        "squat crouch knee", "half partial quarter shallow mini tiny depth", half_squat, states("knees bent 20..110")
    )
    low_postures = r"sit\w*|lying|kneel\w*|air|back|buttocks|seated"
    toes = (
        r"(?:(?:up |rise |rises |rising |risen |standing |stands |stand |balanc\w+ |high |crouch\w* |squat\w* )(?:up "
        r"|high )?(?:on|onto) "
        r"(?:the |his |her |their |both |your )*(?:tip ?-?toes|tippy ?-?toes|toes|balls of (?:the |his |her |both )*"
        r"feet|tips of (?:the |his |her |both )*toes)|(?:on|onto) (?:tip ?-?toes?|tippy ?-?toes?)|(?<!\w )(?<!\w)tippy"
        r" ?-?toes)\b"
    )
    yield Rule("toes tiptoe tiptoes tip balls", "toes tiptoe tiptoes balls tippy", toes,
               unless_said("one|left|right|single", states("ankles above feet 0.08")))  # fmt: skip
    one_heel = (
        rf"{SIDE} heel (?:(?:is|just|slightly|well|stays?|held|hovers?|hovering|comes) )*(?:lifted|raised|up|high"
        r"|(?:lifted |raised |up )?off (?:of )?(?:the )?(?:floor|ground|mat))\b(?! (?:to|behind|back|against|near"
        r"|towards?|in)\b)"
    )
    yield Rule("heel", "lifted raised up high off", one_heel,
               unless_said(r"sit\w*|seated|l(?:ie|ies|ying)|kneel\w*|air|buttocks?|chair|back",
                           states("{side}_ankle above {side}_foot 0.07")))  # fmt: skip
    ball = (
        rf"on (?:the )?(?:ball|tip|toes|tip ?-?toes?) (?:of|on) {OF}{SIDE} foot\b|{_ON_ITS_TOES}|on "
        rf"{OF}(?P<toes>left|right) (?:tip ?-?toes|toes)\b"
    )
    yield Rule("foot toes tiptoes", "ball tip toes tiptoes tiptoe", ball, _on_toes)
    off_floor = (
        r"(?:both )?heels (?:(?:are|both|lifted|raised|held|well|high) )*off (?:of )?(?:the )?(?:floor|ground|mat)\b"
    )
    yield Rule("heels", "off", off_floor, unless_said(f"{low_postures}|toes|feet", states("ankles above feet 0.07")))
    heels = (
        r"(?:both )?heels (?:(?:are|both|lifted|raised|held|well|high) )*"
        r"(?:up|high|raised|lifted|off (?:the )?(?:floor|ground|mat))\b"
    )
    low = r"sit\w*|lying|kneel\w*|squat\w*|crouch\w*|air|back|buttocks"
    raised_heels = unless_said(low, states("ankles above feet 0.07"))
    yield Rule("heels", "raised lifted off up high", heels, where_said(r"stand\w*|toes?|balls|tall|rise", raised_heels))
    tall = r"(?:(?:tall|high|upright)[- ]kneeling|kneel(?:s|ing)? (?:up|tall|upright)(?: tall)?)\b(?! on)"
    yield Rule("kneel kneels kneeling", "tall high upright up", tall, states("pelvis height 0.35.."))
    yield Rule("kneel kneels kneeling", "tall high upright up", tall,
               unless_said("half|one|left|right|lunge", states("knees on floor")))  # fmt: skip
    stance = gap("slightly|little|bit|not|together|outside|beyond|wider|more|past|over")
    ahead = r"(?<!one )legs (?:\w+ ){0,5}?(?:out )?(?:ahead|in front|forwards?)\b"
    yield Rule("legs", "ahead front forward forwards", ahead,
               where_said("sit\\w*|seated|sat|floor|ground|mat", states("feet in front of pelvis 0.25")))  # fmt: skip
    crossed_shins = r"(?:shins (?:are )?crossed|(?:legs|shins) (?:\w+ ){0,2}?crossed at the shins)\b"
    yield Rule("shins", "crossed", crossed_shins, states("ankles apart ..0.5"))
    very_wide = rf"(?:feet|legs) {gap(most=3)}(?:very|super|extra|really|extremely) wide\b"
    yield Rule("feet legs", "wide", very_wide, states("feet apart 0.45.."))
    for side in ("left", "right"):
        which = rf"(?:front|leading|forward) foot is (?:the )?{side}(?: one)?\b|{side} foot leads\b"
        yield Rule(
            "foot",
            "front leading forward leads",
            which,
            states(f"{side}_foot in front of {other_side(side)}_foot 0.05"),
        )
        which = rf"(?:back|rear) foot is (?:the )?{side}(?: one)?\b"
        yield Rule("foot", "back rear", which, states(f"{side}_foot behind {other_side(side)}_foot 0.05"))
    lowest = r"(?:hips|pelvis|bum|bottom|seat) (?:\w+ ){0,4}?(?:knee[- ](?:height|level)|level with (?:the )?knees)\b"
    yield Rule("hips pelvis bum bottom seat", "height level", lowest, states("pelvis height ..0.65"))
    hover = (
        r"(?:hips|pelvis|bum|bottom|seat|butt) (?:\w+ ){0,2}?(?:just|barely|right) (?:above|off) (?:the )?(?:floor"
        r"|ground|mat)\b"
    )
    yield Rule("hips pelvis bum bottom seat butt", "floor ground mat", hover, states("pelvis height ..0.45"))
    lowest = r"(?:hips|pelvis|bum|bottom|seat) (?:\w+ ){0,2}?(?:the )?lowest(?: point| part)?\b"
    yield Rule("hips pelvis bum bottom seat", "lowest", lowest, states("pelvis height ..0.25"))
    apart = (
        r"(?:(?P<wide>(?:very |really |far |super )?(?:wide|widely|far)) apart|(?P<very>(?:very|super|really"
        r"|extremely|extra) wide|twice shoulder[- ]width|(?:far |way |much )?wider than (?:twice )?(?:the |his |her )?"
        r"shoulders)|(?P<width>(?:a |at )?(?:shoulder|hip)(?:['’]?s['’]?)?[- ]width)(?: apart)?|apart)\b"
    )
    yield Rule(
        "feet legs",
        "apart width",
        rf"(?:feet|legs) (?:parallel,? |flat,? |straight,? )?{stance}{apart}",
        partial(_apart, "feet"),
    )
    slightly = (
        r"(?:feet|legs) (?:(?:are|placed|set|standing|kept|held) )*(?:slightly|a little|a bit) (?:apart|open|spread)\b"
    )
    yield Rule("feet legs", "slightly little bit", slightly, states("feet apart 0.12..0.55"))
    straddle = r"(?:broad|wide) straddle\b"
    yield Rule("straddle", "broad wide", straddle, states("feet apart 0.5.."))
    wide = (
        r"(?:feet|legs) (?:(?:are|is|kept|held|set|opened|open|spread) )*(?:spread|straddled|wide|astride)\b(?! apart)"
    )
    astride = (
        r"(?:stand(?:s|ing)? astride|(?:wide|straddle|wide-legged) stance|(?:straddle|wide v)[- ]?(?:sit"
        r"|sitting|position)?)\b"
    )
    wider = r"feet (?:\w+ ){0,3}?wider than (?:the |their |his |her )?(?:hips|shoulders)\b"
    yield Rule("feet", "wider", wider, states("feet apart 0.25.."))
    spread = "spread wide stance astride straddle straddled"
    yield Rule(
        "feet legs stance straddle wide stand stands standing",
        spread,
        f"(?:{wide}|{astride})",
        states("feet apart 0.3.."),
    )
    hands = (
        rf"(?:hands|fists|palms) {gap('feet|legs')}(?:(?P<wide>(?:very )?(?:wide|far|widely)) apart|apart"
        r"|(?P<width>(?:a |at )?(?:shoulder|hip)(?:['’]?s['’]?)?[- ]width))\b"
    )
    yield Rule("hands fists palms", "apart width", hands, partial(_apart, "hands"))
    aloft = (
        r"(?<!lower )(?<!upper )legs (?:(?:are|both|raised|lifted|straight|stretched|pointing|point|go|going|extended)"
        r" )*(?:straight up"
        r"|vertical|up in the air|(?:to|towards?|at) (?:the )?(?:ceiling|sky)|vertically up|up (?:against )?the wall)\b"
    )
    yield Rule("legs", "up vertical vertically ceiling sky", aloft, states("feet above pelvis 0.3"))
    yield Rule("legs", "vertical vertically ceiling sky", aloft,
               unless_said("knees?|shins?|soles?|feet", states("legs points up 50")))  # fmt: skip
    knees = (
        rf"knees {gap('feet', most=4)}(?:apart|wide|open|outwards?|splay(?:ed|s|ing)?|out to the sides?|turned out)\b"
    )
    knees_apart = rf"knees {gap('feet', most=4)}(?:hip|shoulder)[- ]width\b"
    yield Rule("knees", "width", knees_apart, states("knees apart 0.17..0.62"))
    yield Rule("knees", "apart wide open outward outwards splay splayed splays out", knees, states("knees apart 0.3.."))


def _on_toes(match: Match) -> str:
    side = match["side"] or match["toes"] or match["up"]
    return f"{side}_ankle above {side}_foot 0.08"


def _apart(pair: str, match: Match) -> str:
    wide = match["wide"] or match.groupdict().get("very")
    if match["width"]:
        return f"{pair} apart 0.17..0.62"
    return f"{pair} apart {'0.5' if wide else '0.22'}.."


def _raised_foot(match: Match) -> str:
    """Higher than the other one, where one of a side is raised."""
    side = match["side"]
    if side and not re.search(r"\b(?:both|legs|feet)\b", match[0]):
        return f"{side}_foot above {other_side(side)}_foot 0.1"
    return f"{subject(match, 'foot')} off floor"


def _aside(match: Match) -> str:
    side = match["side"]
    return f"{side}_foot {side} of {other_side(side)}_foot 0.25"


def _raised_knee(match: Match) -> str | None:
    """Of one side, or of any one."""
    if match["both"]:
        return None
    return "either foot off floor" if match["one"] is not None else f"{match['side']}_foot off floor"
