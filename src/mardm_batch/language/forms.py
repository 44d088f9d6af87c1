"""Other forms of words: British spelling, irregular plurals and pasts, contractions."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import LIMB
from mardm_batch.language.spelling import english_words

CONTRACTION: Final = re.compile(
    r"(?i)\b(is|are|was|were|do|does|did|has|have|had|ca|wo|could|should|would|must)n['’]?t\b"
)
"""Also without the apostrophe: isnt."""
_CONTRACTED: Final = {"ca": "can", "wo": "will"}
POSTURE: Final = re.compile(r"(?i)\b(is|are|was|were|be|being) (sat|stood|knelt|crouched|lain|leant)\b")
"""A posture as British speech has it: "is sat on the floor"."""
_GERUNDS: Final = {
    "sat": "sitting", "stood": "standing", "knelt": "kneeling", "crouched": "crouching", "lain": "lying",
    "leant": "leaning",
}  # fmt: skip
POSTURE_WORDS: Final = frozenset(_GERUNDS)
"""One of them is in every caption that POSTURE matches."""
ABBREVIATION: Final = re.compile(
    r"(?i)(?<!\w)(w/o|w/|&|w(?= (?:the|his|her|their|its|both|one|a|an|hands|arms|legs|feet|knees|left|right)\b))"
    r"(?=[\s\w]|$)\s?"
)
_ABBREVIATED: Final = {"w/o": "without ", "w/": "with ", "w": "with ", "&": "and "}
SIDE_LETTER: Final = re.compile(
    rf"(?<![\w'’.-])(?P<letter>[LR])\.?(?:(?= (?:side|hip|shoulder|ear|{LIMB})\b)"
    r"|(?<!\ban .)(?<!\ba .)(?<!the .)(?<!letter .)(?<!\ban ..)(?<!\ba ..)(?<!the ..)(?<!letter ..)"
    r"(?![\w'’&/-]| ?(?:and|or|shape\w*|sits?|holds?|stance|pose)\b))"
)
"""A side as notes have it: L hand, leaning R, (L)."""

_OTHER_FORMS: Final = {
    "aeroplane": "airplane", "tyre": "tire", "tyres": "tires", "kerb": "curb", "pyjamas": "pajamas",
    "plough": "plow", "ploughing": "plowing", "whilst": "while", "amongst": "among", "kneelt": "kneeling",
    "kneeled": "kneeling", "learnt": "learning", "leant": "leaning", "leaped": "leaping", "leapt": "leaping",
    "squatted": "squatting", "mum": "mother", "bloke": "man", "chap": "man", "lad": "boy", "lass": "girl",
    "foots": "feet", "feets": "feet", "mens": "men", "childs": "children", "tummy": "belly", "trousers": "pants",
    "rubbish": "trash", "bum": "bottom", "specs": "glasses", "telly": "television", "hoover": "vacuum",
    "hoovering": "vacuuming", "footie": "soccer", "footy": "soccer", "spectacles": "glasses", "pic": "picture",
    "thru": "through", "infront": "in front", "peron": "person", "noggin": "head", "upto": "up to", "flor": "floor",
    "tors": "torso", "upon": "on", "ontop": "on top", "alot": "a lot", "tho": "though", "em": "them", "lil": "little",
    "your": "their", "ur": "their", "my": "their", "our": "their", "yer": "their", "you": "they", "we": "they",
    "dude": "man", "dudes": "men", "fella": "man", "gal": "woman", "people": "persons", "ppl": "persons",
    "folks": "persons", "abt": "about", "approx": "about", "roughly": "about", "approximately": "about",
    "really": "very", "extremely": "very", "incredibly": "very", "totally": "completely",
}  # fmt: skip
"""Tried for words that a model does not know."""
_SUFFIXES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"is(e|es|ed|ing|ation)$", r"iz\1"),
        (r"iz(e|es|ed|ing|ation)$", r"is\1"),
        (r"ys(e|es|ed|ing)$", r"yz\1"),
        (r"our(s|ed|ing|ful|ite)?$", r"or\1"),
        (r"([aeiouy][a-z]+)or(s|ed|ing|ful|ite)?$", r"\1our\2"),
        (r"tre(s?)$", r"ter\1"),
        (r"ter(s?)$", r"tre\1"),
        (r"ence(s?)$", r"ense\1"),
        (r"ense(s?)$", r"ence\1"),
        (r"ice(s?)$", r"ise\1"),
        (r"ise(s?)$", r"ice\1"),
        (r"isi(ng)$", r"ici\1"),
        (r"ici(ng)$", r"isi\1"),
        (r"ogue(s?)$", r"og\1"),
        (r"ey$", "ay"),
        (r"ay$", "ey"),
        (r"ves$", "f"),
        (r"ves$", "fe"),
        (r"ies$", "y"),
        (r"ied$", "y"),
        (r"wards$", "ward"),
        (r"ward$", "wards"),
        (r"ier$", "y"),
        (r"iest$", "y"),
        (r"ily$", "y"),
        (r"men$", "man"),
    )
)
_LETTERS: Final = (("ae", "e"), ("oe", "e"), ("ll", "l"), ("ould", "old"))


def expand_contraction(match: re.Match[str]) -> str:
    """A match of CONTRACTION in full: isn't is "is not"."""
    verb = match[1].lower()
    return f"{_CONTRACTED.get(verb, verb)} not"


def expand_abbreviation(match: re.Match[str]) -> str:
    """A match of ABBREVIATION in full."""
    return _ABBREVIATED[match[1].lower()]


def expand_side(match: re.Match[str]) -> str:
    """A match of SIDE_LETTER as a word."""
    return "left" if match["letter"] == "L" else "right"


def posture_gerund(match: re.Match[str]) -> str:
    """A match of POSTURE with the gerund: "is sat" is "is sitting"."""
    return f"{match[1]} {_GERUNDS[match[2].lower()]}"


def other_forms(word: str) -> Iterator[str]:
    """Other forms of a word in lower case, some of them two words: British and American spelling, plurals, pasts,
    comparatives, words of daily speech.
    """
    if word in _OTHER_FORMS:
        yield _OTHER_FORMS[word]
    if word not in english_words():
        if word.endswith("in") and f"{word}g" in english_words():
            yield f"{word}g"
        return
    for pattern, replacement in _SUFFIXES:
        changed = pattern.sub(replacement, word)
        if changed != word and len(changed) > 2:
            yield changed
    for letters, others in _LETTERS:
        if letters in word:
            yield word.replace(letters, others)
