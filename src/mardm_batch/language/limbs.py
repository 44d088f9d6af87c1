"""Parts of the body in captions: patterns, and which belong together."""

import re
from typing import Final

ARM: Final = r"arms?|hands?|elbows?|forearms?|wrists?|fists?|palms?"
LEG: Final = r"legs?|knees?|feet|foot|thighs?|shins?|ankles?"
HEEL: Final = r"heels?|toes?"
HEAD: Final = r"heads?|chin|face|gaze|eyes"
TORSO: Final = r"torso|trunk|upper body|back|spine|body|waist|shoulders|chest"
LIMB: Final = rf"{ARM}|{LEG}|{HEEL}"
OWN: Final = r"the|their|his|her|its|my|your|both|either|any|a|an|one"
PART: Final = rf"(?:(?P<own>{OWN}) )?(?:(?P<side>left|right) )?(?P<part>{LIMB}|{HEAD}|{TORSO})"
"""A part of the body with what may stand before it."""

_PLURALS: Final = {"foot": "feet"}
_SINGULARS: Final = {"feet": "foot", "toes": "toes"}


def region(part: str) -> str:
    """arm, leg, heel, head or torso."""
    regions = {"arm": ARM, "leg": LEG, "heel": HEEL, "head": HEAD}
    return next((name for name, pattern in regions.items() if re.fullmatch(pattern, part.lower())), "torso")


def plural(part: str) -> str:
    """The plural of a limb."""
    part = part.lower()
    return part if part.endswith("s") or part == "feet" else _PLURALS.get(part, part + "s")


def singular(part: str) -> str:
    """The singular of a limb."""
    part = part.lower()
    return _SINGULARS.get(part, part.removesuffix("s"))


def other_side(side: str) -> str:
    """right for left, left for right."""
    return "right" if side.lower() == "left" else "left"
