"""Knees and elbows that are straight or bent."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.numbers import SPELT, value
from mardm_batch.language.statements.rules import (
    ABOUT,
    OF,
    SIDE,
    Match,
    Rule,
    either_of,
    gap,
    limb,
    states,
    subject,
    unless_said,
)

_STRAIGHT: Final = (
    r"(?:(?P<exact>straight(?:ened)?|fully extended|rigid(?:ly)?|stiff(?:ly)?|taut|unflexed|unbent|unbending|ramrod"
    r"|ironed|locked(?! (?:a?round|together|behind|with|on|onto|over|in|to)\b))"
    r"|extended|outstretched|stretched|long)\b"
)
_STRAIGHT_BEFORE: Final = (
    r"(?:(?P<exact>straight(?:ened)?|fully extended|locked|straighten|lock|rigid|stiff"
    r"|taut|unbent|unbending)|stretched)"
)
_SLIGHT: Final = (
    r"(?:(?P<slight>slightly|a little|a bit|softly|gently|barely|somewhat|just)"
    r"|(?P<deep>(?<!more )deeply|sharply|fully|tightly|completely|acutely|strongly)|(?P<half>half(?:way)?|partly"
    r"|partially))[ -]"
)
_SOMEHOW: Final = (
    gap("up|down|forwards?|out|back|behind|over|on|in|at|to|across|against")
    + "(?:(?:is|are) )?(?:both )?(?:(?:almost|nearly) )?"
)
_ANGLE: Final = rf"{ABOUT}(?:a |an )?(?P<degrees>\d+|{SPELT})(?:[ -]degrees?(?: angles?)?\b|ish\b|(?= ?(?:$|[,.;])))"
_SQUARE: Final = rf"(?P<square>{ABOUT}(?:a )?right angles?|square)\b"
_MOST: Final = r"(?P<most>to the max|all the way|as far as (?:it|they) goe?s?|hard|tight(?:ly)?|double)\b"
_LITTLE: Final = r"(?P<little>slightly|a little|a bit|softly|gently|a touch|a tad)\b"
_SIZE: Final = rf"{ABOUT}(?:(?:at|to|in|by|like) )*{ABOUT}(?:{_ANGLE}|{_SQUARE}|{_MOST}|{_LITTLE})"
_NOT_A_WAY: Final = r"(?! (?:ahead|forwards?|up|back|down|out|behind|above|over|in front|to|at)\b)"
"""Of a joint that points straight somewhere."""
_IS_STRAIGHT: Final = (
    "straight straightened straighten extended locked lock outstretched stretched unbent long rigid rigidly stiff "
    "stiffly taut unflexed unbending ramrod ironed"
)
_IS_BENT: Final = "bent flexed folded bending flexing bend bends flex flexes crooked flexion crook fold folds folding"
_NOT_THE_TRUNK: Final = (
    r"(?! (?:over|forwards?|at the (?:hips?|waist)|double|down|from|sideways|back|towards?|in(?! front)(?! "
    r"towards?))\b)"
)
_AT_THE_ROOT: Final = re.compile(r" (?:forwards? |sideways |up )?(?:at|from|in) the (?:shoulders?|hips?)\b")
"""After an arm or a leg that is flexed in another joint than its elbow or knee."""


def rules() -> Iterator[Rule]:
    """Of legs and arms by their own names and those of their joints."""
    for word, part in (("leg", "knee"), ("knee", "knee"), ("arm", "elbow"), ("elbow", "elbow")):
        not_bent = rf"{limb(word)} {gap('is|are|does|do')}(?:and )?not bent\b"
        yield Rule(f"{word} {word}s", "not", not_bent, states(f"{{{part}}} bent ..38"))
        hardly = rf"neither {word} (?:is |being )?(?:much |very |really |too )?bent\b"
        yield Rule(word, "neither", hardly, states(f"{part}s bent ..48"))
    drawn_up = rf"{limb('knee')} (?:(?:are|is) )*(?:drawn|pulled|tucked|raised|lifted) (?:up )?{_SIZE}"
    yield Rule("knee knees", "drawn pulled tucked raised lifted", drawn_up, partial(_bent, "knee"))
    for word, part in (("leg", "knee"), ("knee", "knee"), ("arm", "elbow"), ("elbow", "elbow")):
        named = f"{word} {word}s"
        one = either_of(word)
        is_straight = (
            rf"{limb(word)},? {_SOMEHOW}(?:(?:lifted|raised|kicked) and )?{_STRAIGHT}(?! "
            rf"apart){_NOT_A_WAY if word == part else ''}"
        )
        yield Rule(named, _IS_STRAIGHT, is_straight, partial(_straight, part))
        yield Rule(named, _IS_STRAIGHT, rf"{_STRAIGHT_BEFORE} {OF}(?:both )?{one}", partial(_straight, part))
        hardly = rf"{limb(word)} {_SOMEHOW}(?:hardly|scarcely) (?:bent|flexed)\b"
        yield Rule(named, "hardly scarcely", hardly, states(f"{{{part}}} bent ..50"))
        bent = (
            rf"{limb(word)}(?:,(?= bent,))? "
            rf"{_SOMEHOW}(?:{_SLIGHT})?(?:bent|flexed|folded|crooked|cocked|bending|folds)(?: "
            rf"(?:{_SIZE}))?\b"
            rf"{_NOT_THE_TRUNK if word == 'leg' else ''}"
        )
        yield Rule(named, _IS_BENT, bent, partial(_bent, part))
        yield Rule(named, _IS_BENT, rf"(?:{_SLIGHT})?bent {one}(?: (?:{_SIZE}))?", partial(_bent, part))
        bend = rf"(?:{_SLIGHT})?(?:bend|flex) {OF}(?:both )?{one}(?: (?:{_SIZE}))?(?! (?:back|towards?|in)\b)"
        yield Rule(named, "bend flex", bend, partial(_bent, part))
        yield Rule(named, "fold", rf"fold {OF}(?:both )?{one}(?: (?:{_SIZE}))?", partial(_bent, part))
        amount = r"(?:(?P<slight>slight|soft|small|gentle|little|tiny|micro)|(?P<deep>deep|sharp|strong|full)) "
        noun = rf"(?:a |an )?(?:{amount})?(?:bend|crook|flexion) (?:in|at|of) {OF}(?:both )?{one}"
        yield Rule(named, _IS_BENT, noun, partial(_bent, part))
        having = (
            rf"{limb(word)} (?:\w+ ){{0,4}}?(?:has|have|with|in|shows?) (?:a |an )?(?:{amount})?(?:bend|crook|flexion)"
            r"\b"
        )
        yield Rule(named, _IS_BENT, having, partial(_bent, part))
        if word == "knee":
            noun = rf"{_ANGLE} of (?P<both>knee )(?P<side>(?!))?(?P<one>(?!))?(?:bend|flexion)\b"
            yield Rule(named, "degrees", noun, partial(_bent, part))
        if word == part:
            flexion = rf"{limb(word)} (?:in |at )?(?:flexion )?(?:of )?{_SIZE}(?: of flexion| bent)?"
            yield Rule(named, "degree degrees flexion bent", flexion, partial(_bent, part))
            yield Rule(named, _IS_BENT, rf"{limb(word)} (?:bends|bend|flexes|flex)\b", partial(_bent, part))
            at_angle = (
                rf"{limb(word)}(?: joints?)?,? (?:(?:is|are|both|held|kept|each|set|cocked|angled|hooked|crooked"
                rf"|fixed|forms?|makes?) )*(?:{_SIZE})"
            )
            yield Rule(
                named,
                "degree degrees angle angles 0 30 45 60 70 80 90 100 110 120 135 ninety",
                at_angle,
                partial(_bent, part),
            )
            in_joint = rf"(?:{_ANGLE}|{_SQUARE})(?: bend)? (?:in|at) {OF}(?:both )?{one}"
            yield Rule(named, "degree degrees angle angles", in_joint, partial(_bent, part))
            extension = rf"{limb(word)} (?:(?:is|are|both) )*in (?P<exact>full |complete )?extension\b"
            yield Rule(named, "extension", extension, partial(_straight, part))
            loose = (
                rf"{limb(word)} (?:(?:is|are|both|a|little|bit|slightly|quite) )*(?:soft|softened|loose|slack|unlocked)"
                r"\b"
            )
            yield Rule(named, "soft softened loose slack unlocked", loose, states(f"{{{part}}} bent 8..75"))
    heel = (
        rf"{limb('heel', 'foot', 'ankle')} {gap(most=5)}(?:to|towards?|against|at|touching|near|under|beneath|below"
        rf"|close to) {OF}"
        r"(?:own |left |right )?(?:buttocks?|(?<=under )hips|(?<=under the )hips|bum|glutes?|butt|seat|bottom|behind)\b"
    )
    seat = "hips buttock buttocks bum glute glutes butt seat bottom behind"
    yield Rule("heel heels foot feet ankle ankles", seat, heel, states("{knee} bent 90.."))
    tucked = (
        r"(?:knees|legs|heels) (?:(?:are|both|pulled|drawn) )*(?:tucked|curled)(?: up| in| under)?\b(?! (?:to|behind))"
    )
    yield Rule("knees legs heels", "tucked curled", tucked, states("knees bent 60.."))
    on_heels = (
        r"(?:sit|sits|sitting|sat|seated|rests?|resting|sinks?|back|bum|bottom|hips|buttocks|seat) (?:back |down |is "
        r"|are "
        r"|rests? )*(?:on|to|onto|towards|between) (?:the |his |her |their |both )*heels\b"
    )
    for condition in ("knees bent 100..", "pelvis height ..0.45"):
        yield Rule(
            "heels",
            "sit sits sitting sat seated rest rests resting sink sinks back bum bottom hips buttocks seat",
            on_heels,
            states(condition),
        )
    for ends, state, condition in (
        ("front|forward|leading|lead", "bent|bends|bending|flexed", "either knee bent 30.."),
        ("back|rear|trailing|hind", "straight|extended|long|locked|stretched", "either knee bent ..42"),
    ):
        one_of_two = rf"(?:{ends}) (?:leg|knee|one) {gap('forwards?|up|out')}(?:{state})\b"
        yield Rule(ends.replace("|", " "), state.replace("|", " "), one_of_two, states(condition))
    ellipsis = (
        r"(?P<first>left|right) (?:leg|knee) (?:\w+ ){0,2}?(?P<how>straight|bent|folded|extended)(?: \w+){0,4}?,? "
        r"(?:(?:and|while|whereas|with|but) )?(?:the )?(?:left|right|other)(?: one| leg| knee)? (?:is |fully "
        r"|completely |stays? |held |kept )*(?P<then>bent|straight|folded|extended)\b"
    )
    yield Rule("leg knee", "straight bent folded extended", ellipsis, _of_the_other)
    standing = r"(?:standing|stands|stand) (?:up )?(?:upright|straight|tall|erect)\b"
    yield Rule("standing stands stand", "upright straight tall erect", standing,
               unless_said(r"bent|bend\w*|knees?|legs?|foot|feet|forearms?", states("knees bent ..45")))  # fmt: skip
    for word, part in (("leg", "knee"), ("arm", "elbow")):
        then = rf"{limb(word)} {gap(most=7)}[\w'’-]+, (?:and )?(?:{_SLIGHT})?bent(?= at the (?:knee|elbow)|$|[,.;])"
        yield Rule(f"{word} {word}s", "bent", then, partial(_bent, part))
    forward_lunge = (
        rf"{SIDE} (?:leg|foot|knee) (?:lunges|lunging|lunged) (?:far |deeply )?(?:forwards?|ahead|in "
        rf"front)\b"
    )
    yield Rule("lunges lunging lunged", "forward forwards ahead front", forward_lunge, states("{side}_knee bent 40.."))
    under = rf"{limb('leg', 'foot', 'shin')} {gap()}(?:tucked|folded|curled) (?:up )?(?:under|beneath|underneath)\b"
    yield Rule("leg legs foot feet shin shins", "under beneath underneath", under, states("{knee} bent 80.."))
    for word, part in (("leg", "knee"), ("knee", "knee"), ("arm", "elbow"), ("elbow", "elbow")):
        named = f"{word} {word}s"
        also_bent = (
            rf"{limb(word)} {gap(most=7)}and (?:{_SLIGHT})?(?:bent|flexed)\b(?! (?:over|forwards?|at the (?:hips"
            rf"|waist)))"
        )
        yield Rule(named, "bent flexed", also_bent, partial(_bent, part))
        if word != part:
            at_last = (
                rf"{limb(word)} {gap('look*|gaz*', most=4)}(?:(?P<exact>straight)|extended)(?=$|[,.;]| (?:and|with"
                rf"|while) )"
            )
            yield Rule(named, "straight extended", at_last, partial(_straight, part))
            too = (
                rf"{limb(word)} {gap('look*|gaz*|bent|bend*', most=8)}and (?:(?:is|are|kept|held|stays?"
                rf"|perfectly|dead|nice"
                rf"|long|fully) )*(?:(?P<exact>straight)|locked)(?=$|[,.;]| (?:and|with|while|as) )"
            )
            yield Rule(named, "straight locked", too, partial(_straight, part))
    at_knees = (
        r"(?:bends|bending|bent|bend|flexing|flexed) (?:(?P<little>slightly|a little|a bit) )?at (?:both |the )*knees\b"
    )
    yield Rule("knees", "bends bending bent bend flexing flexed", at_knees, _at_knees)
    leads = (
        rf"lung\w+ (?:[\w,]+ ){{0,4}}?{SIDE} (?:leg|foot|knee) (?:\w+ ){{0,2}}?(?:forwards?|in front|ahead|leading)\b"
    )
    yield Rule("lunge lunging lunges", "forward forwards front ahead leading", leads, states("{side}_knee bent 40.."))
    lunge = r"(?:lunge|lunging|lunges)\b"
    named = r"(?:left|right) (?:knee|leg) (?:(?:is|deeply|well|sharply|strongly) )*bent|(?:left|right) knee bends?"
    yield Rule("lunge lunging lunges", "lunge lunging lunges", lunge,
               unless_said(named, states("either knee bent 45..")))  # fmt: skip
    flat = rf"{limb('leg')} (?:(?:is|are|lies|lying|lie|kept|stays?) )*flat\b"
    yield Rule("leg legs", "flat", flat, states("{knee} bent ..35"))
    hugging = (
        r"(?:hugging|hugs|hug|clasping|clasps|arms (?:are )?(?:wrapped|folded|locked|clasped|hooked|looped)"
        r" (?:tightly )?(?:a?round)|wrapping both arms around) "
        r"(?:of )?(?:the |their |his |her |both |its |own |two |backs? of )*(?:knees|shins|legs|calves|thighs)\b"
    )
    passive = r"(?:knees|shins|legs) (?:are )?hugged\b"
    standing = (
        r"stand\w*|stood|forward fold|folded forwards?|straight legs|(?:knees|legs) (?:straight|locked)|uttanasana"
    )
    hugs = "hugging hugs hug hugged clasping clasps wrapped folded locked wrapping clasped hooked looped"
    for stated in (unless_said(standing, states("knees bent 75..")), states("hands near knees 0.5")):
        yield Rule("knees shins legs calves thighs", hugs, f"(?:{hugging}|{passive})", stated)


def _of_the_other(match: Match) -> str | None:
    """Of "the left knee straight and the right bent" what is said of the second."""
    is_bent = match["then"] in ("bent", "folded")
    if (match["how"] in ("bent", "folded")) == is_bent:
        return None
    return f"{other_side(match['first'])}_knee bent {'40..' if is_bent else '..38'}"


def _at_knees(match: Match) -> str:
    return "knees bent 8..60" if match["little"] or "slightly bent" in match.string else "knees bent 20.."


def _straight(part: str, match: Match) -> str:
    return f"{subject(match, part)} bent ..{28 if match['exact'] else 30 if part == 'knee' else 38}"


def _bent(part: str, match: Match) -> str | None:
    if _AT_THE_ROOT.match(match.string, match.end()):
        return None
    groups = match.groupdict()
    limits = "40.."
    if groups.get("degrees"):
        degrees = int(value(groups["degrees"]))
        if degrees <= 10:
            return f"{subject(match, part)} bent ..30"
        if not 20 <= degrees <= 150:
            return None
        limits = f"{degrees - 22}..{degrees + 22}" if degrees > 30 else f"8..{degrees + 30}"
    elif groups.get("square"):
        limits = "62..118"
    elif groups.get("slight") or groups.get("little"):
        limits = "8..60"
    elif groups.get("half"):
        limits = "30..125"
    elif groups.get("deep") or groups.get("most"):
        limits = "80.."
    return f"{subject(match, part)} bent {limits}"
