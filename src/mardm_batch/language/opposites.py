"""States of parts of the body, the verbs that bring them about, and what a part does that is not in a state."""

import re
from typing import Final

from mardm_batch.language.limbs import region

OWNER: Final = "(?:the|their|his|her)"
_SIDEWAYS: Final = "to the (?:left|right|side)"
_STATES: Final = {
    "grounded": r"(?:(?:touching|flat on|resting on|placed on|planted on|on) (?:the |their )?(?:floor|ground)|grounded"
    r"|planted)",
    "placed": rf"(?:(?:placed |resting |held |put )?(?:on|behind|in|against) {OWNER} "
    r"(?:hips?|waist|head|back|pockets?|knees?|thighs?|chest|face|lap|belly|neck))",
    "straight": r"(?:fully |completely |quite |perfectly |stretched |held )?"
    r"(?:straight(?:ened)?|extended|stretched(?: out)?|outstretched|locked)",
    "bent": r"(?:slightly |even slightly |too |very )?(?:bent|flexed|bending|folded at the knees?)",
    "raised": rf"(?:raised|lifted|elevated|overhead|held up|in the air|up(?: high)?|above {OWNER} (?:head|shoulders?))"
    rf"(?: (?:up|high|overhead|in the air|to the sides?|sideways|forward|above {OWNER} (?:head|shoulders?)"
    r"|off the (?:floor|ground)))?",
    "down": r"(?:lowered|down|hanging(?: down)?)",
    "crossed": rf"(?:crossed|folded)(?: (?:in front of|over|across) {OWNER} (?:chest|body|torso))?",
    "together": r"(?:together|close together|side by side|clasped|joined|touching(?: each other)?)",
    "apart": r"(?:apart|wide apart|spread(?: (?:wide|apart|out))?)",
    "outward": r"(?:held |stretched |spread |out )?(?:out(?: to the sides?)?|to the sides?|sideways|forward|in front"
    r"|ahead)",
    "off": r"off (?:of )?the (?:floor|ground|mat)",
    "bowed": rf"(?:bowed|dropped|hanging|drooping|nodding|looking (?:down|up|away|left|right|back|sideways|{_SIDEWAYS})"
    rf"|facing (?:down|up|away|left|right|sideways|{_SIDEWAYS}))",
    "tilted": r"(?:tilted|turned|leaning|twisted|rotated|inclined|thrown back)"
    r"(?: (?:back(?:wards?)?|forwards?|down|up|left|right|sideways|over|to (?:the|one|either) (?:left|right|side)))?",
    "rounded": r"(?:hunched(?: over)?|rounded|arched|curved|slouched|slumped|stooped)",
    "upright": r"(?:upright|erect|vertical)",
}
STATE: Final = "(?P<state>" + "|".join(f"(?:{pattern})" for pattern in _STATES.values()) + r")(?![\w-])"

FIRST_STATE: Final = STATE.replace("<state>", "<first>")

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
    ("arm", "off"): "on the floor",
    ("leg", "off"): "on the floor",
    ("heel", "off"): "on the floor",
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
    "raised": "raise raises raising lift lifts lifting lift_up lifts_up lifting_up elevate elevates elevating hold_up "
    "holds_up holding_up put_up puts_up putting_up",
    "bent": "bend bends bending flex flexes flexing",
    "straight": "straighten straightens straightening extend extends extending stretch stretches stretching "
    "stretch_out stretches_out stretching_out lock locks locking",
    "crossed": "cross crosses crossing fold folds folding",
    "apart": "spread spreads spreading separate separates separating part parts parting",
    "tilted": "lean leans leaning tilt tilts tilting turn turns turning twist twists twisting rotate rotates rotating "
    "move moves moving",
    "rounded": "arch arches arching round rounds rounding hunch hunches hunching curve curves curving",
    "down": "lower lowers lowering drop drops dropping",
    "bowed": "bow bows bowing nod nods nodding hang hangs hanging",
    "outward": "swing swings swinging use uses using",
}
"""Verbs that bring about a state."""
STATES_OF_VERBS: Final = {verb.replace("_", " "): state for state, verbs in _VERBS.items() for verb in verbs.split()}
ANY_VERB: Final = f"(?:{'|'.join(STATES_OF_VERBS)})"
VERB_WORDS: Final = " ".join(dict.fromkeys(verb.split(" ")[0] for verb in STATES_OF_VERBS))
"""The words of which one is in every text that ANY_VERB matches."""


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
