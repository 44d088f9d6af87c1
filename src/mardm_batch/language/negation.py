"""Negations turned into the posture that they mean: "without bending the knees" is "with the knees straight".

What has no certain opposite is left as it is: "not smiling", "not on a chair".
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from mardm_batch.language.limbs import HEAD, LIMB, PART, TORSO, other_side, plural, region, singular
from mardm_batch.language.opposites import (
    ANY_VERB,
    FIRST_STATE,
    OWNER,
    STATE,
    STATES_OF_VERBS,
    VERB_WORDS,
    opposite,
    state_of,
)
from mardm_batch.language.text import Replacement, Rule, compile_rules

NEGATION_WORDS: Final = frozenset(
    ("not", "no", "without", "never", "neither", "nor", "nothing", "instead", "rather", "opposed", "avoiding", "none")
    + ("nowhere",)
)
"""One of them is in every caption that a rule here changes."""

_VERB: Final = f"(?P<verb>{ANY_VERB})"
_LEANING: Final = ("lean", "bend", "tilt", "slouch", "hunch", "stoop", "bow", "slump")
_LEANING_WORDS: Final = " ".join(f"{verb} {verb}s {verb}ing" for verb in _LEANING)
_TURNING_WORDS: Final = "twist twists twisting turn turns turning rotate rotates rotating"
_LOOKING_WORDS: Final = (
    "look looks looking gaze gazes gazing stare stares staring glance glances glancing peer peers peering "
    "face faces facing"
)
_BE: Final = r"(?:is |are |was |were |stays? |remains? |kept |being )?"
_NOT: Final = r"(?:not|never)(?: (?:being|at all|actually|really|even|yet))?"
_NO_DOING: Final = (
    r"(?:(?:,? ?\b(?:while|and|but|yet)|,)? ?\b(?:is |are )?(?:(?:do|does|did|can|could|will|would) )?"
    rf"{_NOT} |\bwithout (?:to )?|\bavoiding (?:to )?|\bneither |,? ?\bnor |,? ?\bno (?=\w+ing\b))"
)
_PRONOUN: Final = rf"(?:it|them|this|that|these|those|either(?: one)?)(?! (?:{LIMB}|{HEAD}|{TORSO})\b)"
_POSTURES: Final = (
    r"(?:sitting|seated|standing|kneeling|lying|squatting|crouching|walking|running|jumping|sit|stand|kneel|lie|squat"
    r"|crouch|walk|run|jump|upright)(?: down| up| back)?"
    rf"(?: on (?:a|one|both|{OWNER}) (?:chair|stool|bench|bed|mat|floor|ground|knees?|heels|feet|legs?|back|belly))?"
)
_SAID: Final = re.compile(
    r"(?i)\b(?:(?:sit|sitt|stand|kneel|squat|squatt|crouch|bend|lean|jump|walk|runn)(?:ing|s)|seated|lying|lies|knelt"
    r"|plank|lunge|squat"
    rf"|on (?:{OWNER} |all |both )?(?:knees|feet|heels|back|belly|stomach|side|tiptoes?|fours|hands))\b"
)
"""A posture that a caption says, besides one that it denies."""
_NO_OTHER: Final = "(?!(?:the other|each other|one another|possible|usual|before)\\b)"
"""Not higher than the other may be lower, or as high."""
_UPRIGHT: Final = "with the torso upright"
_AHEAD: Final = "looking straight ahead"
_DIRECTION: Final = (
    r"(?: (?:up|down|left|right|back|backwards?|forwards?|away|sideways|over|aside|to (?:the|one|either|their) "
    r"(?:left|right|side)|at the (?:floor|ground|ceiling|sky)|either way|in any direction))"
)


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
    verb = STATES_OF_VERBS[match["verb"].lower()]
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


def _pronoun(match: re.Match[str]) -> str | None:
    """The left arm up, and do not bend it."""
    named = list(re.finditer(rf"(?i){PART}\b", match.string[: match.start()]))
    if not named:
        return None
    last = named[-1]
    verb = STATES_OF_VERBS[match["verb"].lower()]
    both = not last["side"] and plural(last["part"]) == last["part"].lower()
    other = opposite(last["part"], verb, both)
    if other is None:
        return None
    return f"{'' if match.string[: match.start()].rstrip()[-1] in ',.;:!?(' else ','} {other}"


def _only_one(match: re.Match[str]) -> str | None:
    """Not both arms up, only the left."""
    part, state, side = singular(match["part"]), match["state"], match["only"].lower()
    other = opposite(part, state_of(state), both=False)
    if other is None:
        return None
    return f"the {side} {part} {state}{match['more'] or ''}, the {other_side(side)} {part} {other}"


def _neither_part(match: re.Match[str]) -> str | None:
    """Neither the arms nor the legs are bent."""
    parts = [plural(match[name]) for name in ("part", "second")]
    found = [opposite(part, state_of(match["state"]), both=True) for part in parts]
    be = " are" if match["be"] else ""
    if None in found:
        return None
    if found[0] == found[1]:
        return f"both {parts[0]} and both {parts[1]}{be} {found[0]}"
    return f"both {parts[0]}{be} {found[0]} and both {parts[1]}{be} {found[1]}"


def _no_state(match: re.Match[str]) -> str | None:
    """No raised arms."""
    other = opposite(match["part"], state_of(match["state"]), both=True)
    return None if other is None else f"{'with ' if match['link'] else ''}the {plural(match['part'])} {other}"


def _neither_posture(match: re.Match[str]) -> str:
    """Neither sitting nor standing, he is lying."""
    subject = "" if match["again"] is not None else (match["subject"] or "") + (match["be"] or "")
    return subject + match["next"]


def _denied_posture(match: re.Match[str]) -> str | None:
    """On the knees, not sitting on the heels."""
    said = _SAID.search(match.string[: match.start()]) or _SAID.search(match.string[match.end() :])
    return "" if said else None


def _left_over_nor(match: re.Match[str]) -> str | None:
    """A nor whose negation was turned into what it means."""
    before = match.string[: match.start()]
    return None if re.search(r"(?i)\b(?:no|not|neither|never|without|cannot)\b", before) else "and"


def _gap(match: re.Match[str]) -> str:
    part = match["part"]
    return f"{'with ' if match['link'] else ''}the {plural(part)} together"


_RULES: Final[tuple[tuple[str, str, Replacement], ...]] = (
    # the left arm up, and do not bend it
    ("it them this that these those either", rf"{_NO_DOING}{_VERB} {_PRONOUN}(?: at all)?(?![\w-])", _pronoun),
    # not both arms up, only the left (one)
    ("both", rf"\bnot both (?:of )?(?:{OWNER} )?(?P<part>{LIMB})(?: are| being)? {STATE}"
     rf"[ ,;.:!?()-]{{1,5}}(?:but |and )?(?:only|just) (?:{OWNER} )?(?P<only>left|right)(?: (?:one|{LIMB}))?(?: is)?"
     r"(?P<more>, (?:straight|bent))?(?![\w-])", _only_one),
    # one arm up, not both
    ("both", rf"(?P<lead>\b(?:one|left|right)\b[^.;]{{1,60}}?),? (?:but |and )?not both"
     rf"(?: of (?:them|{OWNER} (?:{LIMB}))| (?:{LIMB}))?(?= ?(?:[,.;!?)]|$))", _contrast),
    # without bending the knees or lifting the heels
    ("or", rf"(?P<lead>(?:\bwithout (?:to )?|\b{_NOT} |\bno ){ANY_VERB} (?:{OWNER} )?(?:{LIMB}|{HEAD}|{TORSO})),? or "
     rf"(?={ANY_VERB} )", lambda match: f"{match['lead']} nor "),
    # the left hand, not the right(, is raised)
    ("not", rf"(?P<first>\b(?:left|right) (?:{LIMB})),? not (?:{OWNER} )?(?:left|right)(?: (?:one|{LIMB}))?\b"
     r",?(?P<rest> )?", _side_contrast),
    # the arms not folded but straight
    ("but", rf"(?P<subject>\b{PART},? {_BE}){_NOT} {FIRST_STATE},? but (?:rather |instead )?(?={STATE})", _but),
    # the knees are straight, not bent; the hands behind the back, not in front
    ("not", rf"(?P<subject>\b{PART} {_BE}{FIRST_STATE}),? (?:and |but )?not {STATE}", _repeated),
    # the arms neither raised nor bent
    ("neither", rf"(?P<subject>\b{PART} (?:is |are )?)neither {FIRST_STATE} nor {STATE}", _neither_nor),
    # neither leg bent; neither of the knees is bent; neither the left nor the right arm is raised
    ("neither no none",
     rf"\b(?:neither (?:of {OWNER} )?|neither (?:the )?left nor (?:the )?right |no |none of {OWNER} )"
     rf"(?P<part>{LIMB}) (?P<be>is |are |be |being )?{STATE}", _neither),
    # neither knee bends
    ("neither no", r"\b(?:neither|no) (?P<part>knee|leg|elbow|arm) bends?\b",
     lambda match: f"both {plural(match['part'])} straight"),
    # neither the arms nor the legs are bent
    ("neither", rf"\bneither (?:{OWNER} )?(?P<part>{LIMB}) nor (?:{OWNER} )?(?P<second>{LIMB}) "
     rf"(?P<be>is |are )?{STATE}", _neither_part),
    # no raised arms
    ("no without", rf"(?P<link>\b(?:with |there (?:is|are) )?(?=no )|\bwithout )(?:no )?(?:any )?"
     r"(?P<state>raised|lifted|straight|outstretched|extended|crossed|folded) "
     rf"(?P<part>{LIMB})(?![\w-])", _no_state),
    # the knees (are) not bent
    ("not never", rf"(?P<subject>\b{PART}),? (?P<be>is |are |was |were |stay |stays |remain |remains |kept )?{_NOT} "
     rf"(?:being |at all )?{STATE}(?: at all| (?:too |very )?much\b| a lot)?", _not_state),
    # without / not bending the knees (or elbows)
    (VERB_WORDS, rf"{_NO_DOING}(?:at all )?(?:{_VERB}) {PART}(?: (?:or|and|nor) (?:{OWNER} )?(?P<second>{LIMB}))?"
     rf"(?: up| at all| off the (?:floor|ground)| too (?:far|high|much)|{_DIRECTION})*(?![\w-])", _without_doing),
    # without the left foot touching the ground
    ("without", rf"\bwithout (?:{OWNER} )?(?P<part>(?:(?:left|right) )?(?:{LIMB})) (?:touching|on) the "
     r"(?P<floor>floor|ground)\b",
     lambda match: f"with the {match['part']} off the {match['floor']}"),
    # no bend in the knees, without bent knees
    ("no without", r"(?P<link>\b(?:with |there is )?(?=no )|\bwithout )(?:no )?(?:any |a |much )?"
     rf"(?:bend(?:ing)? (?:in|at|of) |bent |flexed ){PART}(?![\w-])", _without_bend),
    ("gap space distance room", r"(?P<link>\b(?:with )?(?=no )|\bwithout )(?:no )?(?:a |any )?"
     rf"(?:gap|space|distance|room) between (?:{OWNER} )?(?P<part>{LIMB})(?![\w-])", _gap),
    # not leaning, never slouching
    (_LEANING_WORDS, rf"{_NO_DOING}(?:{'|'.join(_LEANING)})(?:s|ing)?{_DIRECTION}?"
     rf"(?: at the (?:waist|hips))?(?: at all)?"
     rf"(?! (?:on|against|the|their|his|her|a|any|either|it|them|this|that|these|those|{LIMB}|{TORSO})\b)(?![\w-])",
     _with_link(_UPRIGHT)),
    (_TURNING_WORDS, rf"{_NO_DOING}(?:twist|turn|rotat)(?:e|es|s|ing){_DIRECTION}?(?: at all)?"
     rf"(?! (?:on|the|their|his|her|a|any|either|it|them|this|that|these|those|{HEAD})\b)(?![\w-])",
     _with_link("facing forward")),
    # not looking down
    (_LOOKING_WORDS, rf"{_NO_DOING}(?:look|gaz|star|glanc|peer|fac)(?:e|es|s|ing)?{_DIRECTION}(?: at all)?(?![\w-])",
     _with_link(_AHEAD)),
    ("nothing", r"\bnothing (?:is )?(?:raised|lifted|up)\b", lambda match: "both arms down at the sides"),
    # hands no higher than the chin
    ("higher high", rf"\b(?:(?:no|not(?: any)?) higher th[ae]n|not (?:quite )?as high as) {_NO_OTHER}",
     lambda match: "below "),
    ("lower low", rf"\b(?:(?:no|not(?: any)?) lower th[ae]n|not (?:quite )?as low as) {_NO_OTHER}",
     lambda match: "above "),
    # squatting, but not all the way down
    ("way", r",? ?(?:\b(?:but|and|though|just) )*\bnot (?:quite |nearly )?all the way\b", _with_link("halfway")),
    ("nowhere", r"\bnowhere (?:else )?(?:but|except) (?:for )?", _drop),
    # neither kneeling nor standing, he is lying; neither sitting nor standing but lying
    ("neither", rf"(?P<subject>\b(?:he|she|it|they|the \w+) )?(?P<be>\b(?:is|are|was|were) )?"
     rf"neither {_POSTURES} nor {_POSTURES}"
     r"(?:,? but (?:rather |instead )?|[,;.] (?=\w+ing\b|(?:he|she|it|they|(?:a|the) \w+) (?:is|are|was|were)\b))"
     r"(?P<again>(?=(?:he|she|it|they|(?:a|the) \w+) (?:is|are|was|were|lies|sits|stands|kneels|squats)\b)"
     r"|(?=(?:is|are|was|were)\b))?(?P<next>\w)", _neither_posture),
    ("neither", rf"(?<=\w),? (?:but |and )?neither {_POSTURES} nor {_POSTURES}(?= ?(?:[,.;!)]|$))", _drop),
    # not looking ahead but down
    ("not", r"\bnot (?P<lead>\w+ing )[^,;.!?:]{1,40}?,? but (?:rather |instead )?"
     r"(?=(?:down|up|back|away|sideways|over|straight|at|to|towards?)\b)", _contrast),
    # not sitting but standing; not with the left hand but with the right
    ("not", r"(?P<lead>\b(?:is |are |was )?)not (?!only\b)[^,;.!?:]{1,40}?,? but (?:rather |instead )?", _contrast),
    # standing rather than sitting
    ("instead rather opposed not",
     rf",? (?:instead of|rather than|as opposed to|and not|,? not) (?:being )?{_POSTURES}(?![\w-])", _drop),
    ("not", rf"(?<=ing)(?: up)?,? (?:and )?(?:is |are )?not {_POSTURES}(?![\w-])", _drop),
    ("not", rf",(?: but| and)? not {_POSTURES}(?= ?(?:[,.;!)]|$))", _denied_posture),
    ("nor", r"\bnor\b", _left_over_nor),
)  # fmt: skip
"""Words, patterns of negations, and what to say instead. Those with a part of the body come first."""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, compiled when the first caption needs them, which takes a tenth of a second."""
    return compile_rules(_RULES)
