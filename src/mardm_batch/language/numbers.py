"""Numbers of a caption: angles in degrees that a model was taught, and counts of limbs as words."""

import re
from typing import Final

TAUGHT_DEGREES: Final = (30, 45, 60, 90, 120)
"""Angles in degrees that the phrases of the pose library name."""
_SLIGHT: Final = 20
"""Up to so many degrees is "slightly"."""
_FULL: Final = 165
_TENS: Final = {
    "ten": 10, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_UNITS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "fifteen": 15,
}  # fmt: skip
SPELT: Final = rf"(?:(?:a |one )?hundred(?: and)?[ -]?)?(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS)}))?|fifteen"

DEGREES: Final = re.compile(
    rf"(?i)(?P<about>\b(?:at |to |by |about |roughly |around |approximately |nearly |almost |some |an? )+)?"
    rf"(?<![\w.,])(?P<number>\d{{1,3}}(?:\.\d)?|{SPELT})(?P<sign> ?(?:°|º|˚)| ?-?degs?\b\.?|[ -]degrees?\b)"
    rf"(?P<angle>[ -](?:angles?|bend)\b)?"
)
BOUND: Final = re.compile(
    rf"(?i)(?:(?<!no )(?<!not )\b(?:(?P<less>less than|under|below)|more than|past|beyond|above"
    rf"|(?<!ing )(?<!bent )(?<!bend )(?<!bends )(?<!bowed )over)|(?P<exact>\b(?:at least|at most|no more than"
    rf"|not more than|no less than|not less than)))(?P<article> an?)?(?P<angle> angle of)? "
    rf"(?P<number>\d{{1,3}}|{SPELT})(?= ?(?:°|º|˚)| ?-?degs?\b| ?-?degrees?\b)"
)
"""An angle that is not reached, or exceeded; not in "bent over 90 degrees", which is bent over by so many."""
BOUND_WORDS: Final = frozenset(("than", "under", "below", "past", "beyond", "above", "over", "least", "most"))
"""One of them is in every caption that BOUND matches."""
STRAIGHT_ANGLE: Final = re.compile(
    r"(?i)\b(?P<state>bent |flexed |straightened |extended )?(?:at|to|by) (?:180|one hundred and eighty) degrees\b"
)
HALFWAY: Final = re.compile(r"(?i)\b(?:half[ -]way|midway|half the way)\b")
COUNT: Final = re.compile(
    r"(?i)(?<![\w.,-])(?P<number>[12])(?= (?:straight |bent |raised |outstretched |open )?"
    r"(?:arms?|hands?|legs?|feet|foot|knees?|elbows?|fists?|palms?|heels?|fingers?|person|man|woman)\b)"
)


NUMBER_WORDS: Final = frozenset(("degree", "degrees", "deg", "degs", "half", "midway", "halfway"))
"""One of them, or a digit, is in every caption that a rule here changes."""


def taught_degrees(match: re.Match[str]) -> str | None:
    """A match of DEGREES with the nearest angle that was taught, or with "slightly"."""
    number = value(match["number"])
    about = re.sub(r"(?i)\b(?:roughly|around|approximately|nearly|almost|some) ", "about ", match["about"] or "")
    about = re.sub(r"(?i)(about )+", "about ", about)
    if number < 1 or number >= _FULL:
        spelt = match["number"] if match["sign"].strip().lower().startswith(("-deg", "deg")) else f"{number:g}"
        return f"{about}{spelt} degrees{match['angle'] or ''}"
    if number <= _SLIGHT and not match["angle"]:
        return "slightly"
    nearest = min(TAUGHT_DEGREES, key=lambda taught: abs(taught - number))
    if nearest == number and not re.search(r"[°º˚]|deg(?!r)", match["sign"]) and about == (match["about"] or ""):
        return None  # as the library says it
    angle = match["angle"] or ""
    if angle:
        return f"{about}{nearest}-degree{angle}"
    return f"{re.sub(r'(?i)an? $', '', about)}{nearest} degrees"


def next_degrees(match: re.Match[str]) -> str:
    """A match of BOUND with the next angle that was taught: "less than 45" is 30, "more than 90" is 120."""
    number = value(match["number"])
    if match["exact"]:
        found = match["number"]
    elif match["less"]:
        found = str(max((taught for taught in TAUGHT_DEGREES if taught < number), default=_SLIGHT))
    else:
        found = str(min((taught for taught in TAUGHT_DEGREES if taught > number), default=TAUGHT_DEGREES[-1]))
    return f"{(match['article'] or '').lstrip()}{match['angle'] or ''} {found}".lstrip()


def straight(match: re.Match[str]) -> str:
    """A match of STRAIGHT_ANGLE in words."""
    return "straight"


def halfway(match: re.Match[str]) -> str:
    """A match of HALFWAY in one word."""
    return "halfway"


def count_word(match: re.Match[str]) -> str:
    """A match of COUNT as a word."""
    return "one" if match["number"] == "1" else "two"


def value(text: str) -> float:
    """The number that digits or words (`SPELT`) write."""
    if text[0].isdigit():
        return float(text)
    words = re.split(r"[ -]", text.lower())
    return sum(100 if word == "hundred" else _TENS.get(word, 0) or _UNITS.get(word, 0) for word in words) - (
        1 if words[0] == "one" else 0
    )
