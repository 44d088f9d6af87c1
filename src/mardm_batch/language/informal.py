"""Daily speech and instructions in the words of descriptions: "in front of you" is "in front of the body"."""

import re
from functools import cache
from typing import Final

from mardm_batch.language.limbs import ARM, HEEL, LEG, plural
from mardm_batch.language.text import Replacement, Rule, compile_rules

DROPPED_G: Final = re.compile(r"(?i)\b(?P<word>[a-z]{2,}in)['’](?![\w])")
"""A gerund as it is spoken: bendin'."""
TILDE: Final = re.compile(r"(?<![\w~])~ ?(?=\d)")
"""About: ~45 degrees."""

_ADJECTIVE: Final = (
    r"(?:high(?:er)?|low(?:er)?|wide(?:r)?|far|close|deep(?:er)?|deeply|straight|bent|long|tall|hard|slow(?:ly)?|flat"
    r"|tight(?:ly)?|strong(?:ly)?|relaxed|stiff(?:ly)?|narrow|big|small|upright|apart|curved|arched|tense)\b"
)
_SLIGHT: Final = (
    r"(?:bent|bend|bending|flexed|lean(?:s|ing)?|turn(?:s|ed|ing)?|tilt(?:s|ed|ing)?|twist(?:s|ed|ing)?|rais(?:ed|ing)"
    r"|lifted|apart|hunched|rounded|bowed|crouched|crouching|curled|open|arched|forward|backwards?|sideways)\b"
)
_SELF_WORDS: Final = "you u me us yourself yourselves urself myself"
_SELF: Final = f"(?:{_SELF_WORDS.replace(' ', '|')})"
_RULES: Final[tuple[tuple[str, str, Replacement], ...]] = (
    # i.e. the left knee is bent
    ("ie i eg e", r"(?-i:(?<![\w.])(?:i\.? ?e|e\.? ?g)(?:\.[,:]?|[,:]?(?= )) *)", lambda match: ""),
    # I am sitting; you're on one knee
    ("i i'm i’m im you you're you’re youre u",
     r"(?P<lead>^\W*|[.,;:!?(] *|\b(?:and|while|as|where|when|so) )"
     r"(?:i am|i['’]m|im|you are|you['’]?re|u r|u are|you r)(?= [a-z])",
     lambda match: f"{match['lead']}a person is"),
    # in front of you
    (_SELF_WORDS,
     rf"\b(?P<where>in ?front of|behind|beside|next to|alongside|around) {_SELF}(?![\w'’])(?! (?:are|r|have)\b)",
     lambda match: f"{match['where'].replace('nf', 'n f')} the body"),
    # if u can
    ("u",
     r"\bu (?=(?:can|could|will|would|should|have|need|want|do|stand|sit|lie|kneel|squat|lean|bend|raise|hold|lift)\b)",
     lambda match: "they "),
    # arms r straight
    ("r", rf"(?P<subject>\b(?:{ARM}|{LEG}|{HEEL}|eyes|shoulders|hips|both|they)) (?-i:r)(?= [a-z])",
     lambda match: f"{match['subject']} are"),
    # head n legs
    ("n", r"(?-i:(?<=[a-z] )['’]?n['’]?(?= [a-z]))", lambda match: "and"),
    ("approx", r"\bapprox\b\.?(?= ?[\w~])", lambda match: "about"),
    # kinda bent, sort of leaning
    ("kinda sorta kind sort",
     rf"\b(?:kinda|sorta|(?<!\ba )(?<!the )(?<!some )(?<!this )(?:kind|sort) of)[ -]+(?P<slight>(?={_SLIGHT}))?",
     lambda match: "" if match["slight"] is None else "slightly "),
    ("strait straite", r"\bstraite?\b(?! of\b)", lambda match: "straight"),
    ("hight hieght", r"\b(?:hight|hieght)\b", lambda match: "height"),
    ("lieing laing", r"\b(?:lieing|laing)\b", lambda match: "lying"),
    ("ca", r"\bca\b\.? ?(?=[\d~])", lambda match: "about "),
    ("2", r"\b2 (?=the (?:sides?|left|right|front|back|floor|ground)\b)", lambda match: "to "),
    # LH behind the back
    ("lh rh", r"(?i:\b(?P<side>l|r)h\b)(?: (?=arm\b))?",
     lambda match: f"{'left' if match['side'].lower() == 'l' else 'right'} hand"),
    ("lt rt", rf"\b(?P<side>lt|rt)\.? (?=(?:{ARM}|{LEG}|{HEEL}|side|hip|shoulder|leg)\b)",
     lambda match: "left " if match["side"] == "lt" else "right "),
    ("fwd fwds", r"\bfwds?\b\.?", lambda match: "forward"),
    ("infront", r"\binfront\b", lambda match: "in front"),
    ("mitt mitts paw paws", r"\b(?:mitt|paw)(?P<plural>s?)\b", lambda match: f"hand{match['plural']}"),
    ("noggin", r"\bnoggin\b", lambda match: "head"),
    ("limb limbs", r"\b(?P<which>upper|lower) limb(?P<plural>s?)\b",
     lambda match: f"{'arm' if match['which'].lower() == 'upper' else 'leg'}{match['plural']}"),
    ("shank shanks", r"\bshank(?P<plural>s?)\b", lambda match: f"shin{match['plural']}"),
    # the heel of the right foot
    ("of",
     r"\b(?:(?P<part>fingertips|fingers|knuckles|palm|heel|elbow|wrist) of (?:the |his |her |their |its |your )?"
     r"(?P<side>left|right) (?:hand|arm)|(?P<low>heel|sole|toes|knee|ankle) of (?:the |his |her |their |its |your )?"
     r"(?P<at>left|right) (?:foot|leg))\b",
     lambda match: f"{match['side'] or match['at']} {match['low'] or match['part'].replace('heel', 'palm')}"),
    ("gonna", r"\bgonna\b", lambda match: "about to"),
    # both hand on the floor
    ("both", r"\bboth (?P<part>hand|arm|leg|knee|elbow|foot|palm|heel|shoulder)\b",
     lambda match: f"both {plural(match['part'])}"),
    ("pls plz", r",? ?\b(?:pls|plz)\b", lambda match: ""),
    # super high, way lower
    ("super really rly way",
     rf"(?<!not )(?<!all the )(?<!the )(?<!this )(?<!that )\b(?:super|really|rly|way)[ -](?={_ADJECTIVE})",
     lambda match: "very "),
    # glued to the sides
    ("glued pinned plastered clamped tight tightly",
     r"\b(?:held |kept |pressed |squeezed )?(?:(?P<fast>glued|pinned|plastered|clamped)(?: tight(?:ly)?)? "
     r"(?:to|against)|tight(?:ly)? (?:to|against|by)) (?:(?:the|their|his|her|my|your|ur) )?(?P<sides>sides?)\b(?! of)",
     lambda match: None if match["fast"] is None and match["sides"] == "side" else f"at the {match['sides']}"),
    ("glued", r"\bglued (?:to|on|onto|against) (?=(?:\w+ )?(?P<ground>floor|ground|mat)?)",
     lambda match: "on " if match["ground"] else "against "),
)  # fmt: skip


INFORMAL_WORDS: Final = frozenset(word for words, *_ in _RULES for word in words.split())
"""One of them is in every caption that a rule here changes, but for DROPPED_G and TILDE."""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, compiled when the first caption needs them."""
    return compile_rules(_RULES)
