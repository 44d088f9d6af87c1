"""Negations turned into the posture that they mean: "without bending the knees" is "with the knees straight".

What has no certain opposite is left as it is: "not smiling", "not on a chair".
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from mardm_batch.language.limbs import HEAD, LIMB, PART, TORSO, plural, region

Replacement = Callable[[re.Match[str]], str | None]
Rule = tuple[re.Pattern[str], Replacement]

NEGATION_WORDS: Final = frozenset(
    ("not", "no", "without", "never", "neither", "nor", "nothing", "instead", "rather", "opposed", "avoiding", "none")
)
"""One of them is in every caption that a rule here changes."""

_OWN: Final = "(?:the|their|his|her)"
_SIDEWAYS: Final = "to the (?:left|right|side)"
_STATES: Final = {
    "grounded": r"(?:(?:touching|flat on|resting on|placed on|planted on|on) (?:the |their )?(?:floor|ground)|grounded"
    r"|planted)",
    "placed": rf"(?:(?:placed |resting |held |put )?(?:on|behind|in|against) {_OWN} "
    r"(?:hips?|waist|head|back|pockets?|knees?|thighs?|chest|face|lap|belly|neck))",
    "straight": r"(?:fully |completely |quite |perfectly |stretched |held )?"
    r"(?:straight(?:ened)?|extended|stretched(?: out)?|outstretched|locked)",
    "bent": r"(?:slightly |even slightly |too |very )?(?:bent|flexed|bending|folded at the knees?)",
    "raised": rf"(?:raised|lifted|elevated|overhead|held up|in the air|up(?: high)?|above {_OWN} (?:head|shoulders?))"
    rf"(?: (?:up|high|overhead|in the air|to the sides?|sideways|forward|above {_OWN} (?:head|shoulders?)"
    r"|off the (?:floor|ground)))?",
    "down": r"(?:lowered|down|hanging(?: down)?)",
    "crossed": rf"(?:crossed|folded)(?: (?:in front of|over|across) {_OWN} (?:chest|body|torso))?",
    "together": r"(?:together|close together|side by side|clasped|joined|touching(?: each other)?)",
    "apart": r"(?:apart|wide apart|spread(?: (?:wide|apart|out))?)",
    "outward": r"(?:held |stretched |spread |out )?(?:out(?: to the sides?)?|to the sides?|sideways|forward|in front"
    r"|ahead)",
    "bowed": rf"(?:bowed|dropped|hanging|drooping|nodding|looking (?:down|up|away|left|right|back|sideways|{_SIDEWAYS})"
    rf"|facing (?:down|up|away|left|right|sideways|{_SIDEWAYS}))",
    "tilted": r"(?:tilted|turned|leaning|twisted|rotated|inclined|thrown back)"
    r"(?: (?:back(?:wards?)?|forwards?|down|up|left|right|sideways|over|to (?:the|one|either) (?:left|right|side)))?",
    "rounded": r"(?:hunched(?: over)?|rounded|arched|curved|slouched|slumped|stooped)",
    "upright": r"(?:upright|erect|vertical)",
}
_STATE: Final = "(?P<state>" + "|".join(f"(?:{pattern})" for pattern in _STATES.values()) + r")(?![\w-])"

_FIRST_STATE: Final = _STATE.replace("<state>", "<first>")

_AT_SIDES: Final = ("down at the sides", "down at the side")
"""Of both arms, of one."""
_OPPOSITES: Final[dict[tuple[str, str], str | tuple[str, str]]] = {
    ("arm", "straight"): "bent",
    ("arm", "bent"): "straight",
    ("arm", "raised"): _AT_SIDES,
    ("arm", "crossed"): _AT_SIDES,
    ("arm", "outward"): _AT_SIDES,
    ("arm", "placed"): _AT_SIDES,
    ("arm", "down"): "raised",
    ("arm", "together"): "apart",
    ("arm", "apart"): "together",
    ("arm", "grounded"): "off the floor",
    ("leg", "straight"): "bent",
    ("leg", "bent"): "straight",
    ("leg", "raised"): "on the floor",
    ("leg", "crossed"): "side by side",
    ("leg", "together"): "apart",
    ("leg", "apart"): "together",
    ("leg", "outward"): "under the body",
    ("leg", "grounded"): "off the floor",
    ("heel", "raised"): "on the floor",
    ("heel", "grounded"): "raised off the floor",
    ("heel", "together"): "apart",
    ("heel", "apart"): "together",
    ("torso", "bent"): "upright",
    ("torso", "tilted"): "upright",
    ("torso", "rounded"): "straight",
    ("torso", "bowed"): "upright",
    ("torso", "upright"): "leaning forward",
    ("torso", "straight"): "hunched",
}
"""What a part of the body does that is not in a state, by its region."""

_VERBS: Final = {
    "raised": r"rais(?:e|es|ing)|lift(?:s|ing)?(?: up)?|elevat(?:e|es|ing)|hold(?:s|ing)? up|put(?:s|ting)? up",
    "bent": r"bend(?:s|ing)?|flex(?:es|ing)?",
    "straight": r"straighten(?:s|ing)?|extend(?:s|ing)?|stretch(?:es|ing)?(?: out)?|lock(?:s|ing)?",
    "crossed": r"cross(?:es|ing)?|fold(?:s|ing)?",
    "apart": r"spread(?:s|ing)?|separat(?:e|es|ing)|part(?:s|ing)?",
    "tilted": r"lean(?:s|ing)?|tilt(?:s|ing)?|turn(?:s|ing)?|twist(?:s|ing)?|rotat(?:e|es|ing)|mov(?:e|es|ing)",
    "rounded": r"arch(?:es|ing)?|round(?:s|ing)?|hunch(?:es|ing)?|curv(?:e|es|ing)",
    "down": r"lower(?:s|ing)?|drop(?:s|ping)?",
    "bowed": r"bow(?:s|ing)?|nod(?:s|ding)?|hang(?:s|ing)?",
    "outward": r"swing(?:s|ing)?|us(?:e|es|ing)",
}
_VERB: Final = "(?P<verb>" + "|".join(_VERBS.values()) + ")"
_BE: Final = r"(?:is |are |was |were |stays? |remains? |kept |being )?"
_NOT: Final = r"(?:not|never)(?: (?:being|at all|actually|really|even|yet))?"
_NO_DOING: Final = (
    r"(?:(?:,? ?\b(?:while|and|but|yet)|,)? ?\b(?:is |are )?(?:(?:do|does|did|can|could|will|would) )?"
    rf"{_NOT} |\bwithout |\bavoiding )"
)
_POSTURES: Final = (
    r"(?:sitting|seated|standing|kneeling|lying|squatting|crouching|walking|running|jumping|sit|stand|kneel|lie|squat"
    r"|crouch|walk|run|jump|upright)(?: down| up)?(?: on (?:a|the|one) (?:chair|floor|ground|knee))?"
)
_UPRIGHT: Final = "with the torso upright"
_AHEAD: Final = "looking straight ahead"
_DIRECTION: Final = (
    r"(?: (?:up|down|left|right|back|backwards?|forwards?|away|sideways|over|aside|to (?:the|one|either|their) "
    r"(?:left|right|side)|at the (?:floor|ground|ceiling|sky)|either way|in any direction))"
)


def state_of(text: str) -> str:
    """The name of the state that a phrase describes."""
    return next(name for name, pattern in _STATES.items() if re.fullmatch(f"(?i){pattern}", text))


def opposite(part: str, state: str, both: bool) -> str | None:
    """What a part of the body does that is not in a state, or None where that is uncertain."""
    where = region(part)
    if where == "head":
        return "straight, looking straight ahead" if state in ("tilted", "bowed", "raised", "down", "bent") else None
    if re.fullmatch("elbows?", part.lower()) and state in ("raised", "placed", "outward"):
        part = "arms"
    if re.fullmatch("(?:hands?|fists?|palms?|wrists?)", part.lower()) and state in ("straight", "bent"):
        return None
    found = _OPPOSITES.get((where, state))
    return found[0 if both else 1] if isinstance(found, tuple) else found


def _named(match: re.Match[str]) -> tuple[str, bool]:
    """The part of the body as the positive names it, and whether it is both of a pair."""
    own, side, part = match["own"], match["side"], match["part"]
    if side:
        return f"the {side} {part}", False
    both = plural(part) == part.lower() if re.fullmatch(LIMB, part.lower()) else False
    if own and own.lower() in ("either", "any", "a", "an", "one", "both") and re.fullmatch(LIMB, part.lower()):
        return f"both {plural(part)}", True
    return f"the {part}" if own else part, both


def _not_state(match: re.Match[str]) -> str | None:
    """The knees (are) not bent."""
    other = opposite(match["part"], state_of(match["state"]), plural(match["part"]) == match["part"].lower())
    return None if other is None else f"{match['subject']} {match['be'] or ''}{other}"


def _but(match: re.Match[str]) -> str:
    """The arms not folded but straight."""
    return match["subject"]


def _repeated(match: re.Match[str]) -> str | None:
    """The knees are straight, not bent."""
    known = opposite(match["part"], state_of(match["state"]), both=True)
    return match["subject"] if known is not None and match["first"] != match["state"] else None


def _neither_nor(match: re.Match[str]) -> str | None:
    """The arms neither raised nor bent."""
    both = plural(match["part"]) == match["part"].lower()
    found = [opposite(match["part"], state_of(match[name]), both) for name in ("first", "state")]
    return None if None in found else match["subject"] + " and ".join(dict.fromkeys(map(str, found)))


def _neither(match: re.Match[str]) -> str | None:
    """Neither leg (is) bent; no hands on the hips."""
    part = plural(match["part"])
    other = opposite(part, state_of(match["state"]), both=True)
    if other is None:
        return None
    return f"both {part} {'are ' if match['be'] else ''}{other}"


def _without_doing(match: re.Match[str]) -> str | None:
    """Without bending the knees (or the elbows)."""
    verb = next(name for name, pattern in _VERBS.items() if re.fullmatch(f"(?i){pattern}", match["verb"]))
    if match["part"].lower() in ("body", "shoulders", "chest", "waist") and verb == "raised":
        return None
    if match["part"].lower() == "back" and not match["own"]:
        return None
    text, both = _named(match)
    other = opposite(match["part"], verb, both)
    if other is None:
        return None
    if match["second"]:
        if opposite(match["second"].split()[-1], verb, both) != other:
            return None
        text = f"{text} and {match['second'].lower()}"
    start = "" if match.start() == 0 else " "
    return f"{start}with {text} {other}"


def _without_bend(match: re.Match[str]) -> str | None:
    """No bend in the knees."""
    text, _ = _named(match)
    if region(match["part"]) in ("head", "torso"):
        return None if region(match["part"]) == "head" else f"{match['link'] or ''}{text} straight"
    link = "with " if match["link"] else ""
    return f"{link}{text} straight"


def _with_link(text: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        return f"{'' if match.start() == 0 else ' '}{text}"

    return replace


def _drop(match: re.Match[str]) -> str:
    return ""


def _contrast(match: re.Match[str]) -> str:
    """Not X but Y."""
    return match["lead"] or ""


def _side_contrast(match: re.Match[str]) -> str:
    """The left hand, not the right, is raised."""
    return match["first"] + (" " if match["rest"] else "")


def _gap(match: re.Match[str]) -> str:
    part = match["part"]
    return f"{'with ' if match['link'] else ''}the {plural(part)} together"


_RULES: Final[tuple[tuple[str, Replacement], ...]] = (
    # the left hand, not the right(, is raised)
    (rf"(?P<first>\b(?:left|right) (?:{LIMB})),? not (?:{_OWN} )?(?:left|right)(?: (?:one|{LIMB}))?\b"
     r",?(?P<rest> )?", _side_contrast),
    # the arms not folded but straight
    (rf"(?P<subject>\b{PART},? {_BE}){_NOT} {_FIRST_STATE},? but (?:rather |instead )?(?={_STATE})", _but),
    # the knees are straight, not bent; the hands behind the back, not in front
    (rf"(?P<subject>\b{PART} {_BE}{_FIRST_STATE}),? (?:and |but )?not {_STATE}", _repeated),
    # the arms neither raised nor bent
    (rf"(?P<subject>\b{PART} (?:is |are )?)neither {_FIRST_STATE} nor {_STATE}", _neither_nor),
    # neither leg bent; neither of the knees is bent; neither the left nor the right arm is raised
    (rf"\b(?:neither (?:of {_OWN} )?|neither (?:the )?left nor (?:the )?right |no |none of {_OWN} )"
     rf"(?P<part>{LIMB}) (?P<be>is |are |be |being )?{_STATE}", _neither),
    # the knees (are) not bent
    (rf"(?P<subject>\b{PART}),? (?P<be>is |are |was |were |stay |stays |remain |remains |kept )?{_NOT} "
     rf"(?:being |at all )?{_STATE}(?: at all)?", _not_state),
    # without / not bending the knees (or elbows)
    (rf"{_NO_DOING}(?:at all )?(?:{_VERB}) {PART}(?: (?:or|and|nor) (?:{_OWN} )?(?P<second>{LIMB}))?"
     rf"(?: up| at all| off the (?:floor|ground)| too (?:far|high|much)|{_DIRECTION})*(?![\w-])", _without_doing),
    # no bend in the knees, without bent knees
    (r"(?P<link>\b(?:with |there is )?(?=no )|\bwithout )(?:no )?(?:any |a |much )?"
     rf"(?:bend(?:ing)? (?:in|at|of) |bent |flexed ){PART}(?![\w-])", _without_bend),
    (r"(?P<link>\b(?:with )?(?=no )|\bwithout )(?:no )?(?:a |any )?(?:gap|space|distance|room) between "
     rf"(?:{_OWN} )?(?P<part>{LIMB})(?![\w-])", _gap),
    # not leaning, never slouching
    (rf"{_NO_DOING}(?:lean|bend|tilt|slouch|hunch|stoop|bow|slump)(?:s|ing)?{_DIRECTION}?"
     rf"(?: at the (?:waist|hips))?(?: at all)?"
     rf"(?! (?:on|against|the|their|his|her|a|any|either|{LIMB}|{TORSO})\b)(?![\w-])",
     _with_link(_UPRIGHT)),
    (rf"{_NO_DOING}(?:twist|turn|rotat)(?:e|es|s|ing){_DIRECTION}?(?: at all)?"
     rf"(?! (?:on|the|their|his|her|a|any|either|{HEAD})\b)(?![\w-])", _with_link("facing forward")),
    # not looking down
    (rf"{_NO_DOING}(?:look|gaz|star|glanc|peer|fac)(?:e|es|s|ing)?{_DIRECTION}(?: at all)?(?![\w-])",
     _with_link(_AHEAD)),
    (r"\bnothing (?:is )?(?:raised|lifted|up)\b", lambda match: "both arms down at the sides"),
    # not sitting but standing; not with the left hand but with the right
    (r"(?P<lead>\b(?:is |are |was )?)not (?!only\b)[^,;.]{1,40}?,? but (?:rather |instead )?", _contrast),
    # standing rather than sitting
    (rf",? (?:instead of|rather than|as opposed to|and not|,? not) (?:being )?{_POSTURES}(?![\w-])", _drop),
    (rf"(?<=ing)(?: up)?,? (?:and )?(?:is |are )?not {_POSTURES}(?![\w-])", _drop),
)  # fmt: skip
"""Patterns of negations, and what to say instead. Those with a part of the body come first."""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, compiled when the first caption needs them, which takes a tenth of a second."""
    return tuple((re.compile(f"(?i){pattern}"), replace) for pattern, replace in _RULES)
