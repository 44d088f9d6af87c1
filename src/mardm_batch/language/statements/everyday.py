"""Everyday ways of saying things in the words of the rules: "no bendy knees" is "knees straight"."""

import re
from functools import cache
from typing import Final

from mardm_batch.language.limbs import other_side, plural
from mardm_batch.language.text import Draft, Replacement, Rule, compile_rules
from mardm_batch.language.words import split_words

_END: Final = r"(?=$|[,.;:!?)]| (?:and|while|with|as|but)\b)"
_STARTS: Final = r"(?:(?<=^)|(?<=[,;.:] )|(?<=\band )|(?<=\bwith ))"
_SOMEONE: Final = (
    r"(?:you|they|us|me|him|them|her(?= ?(?:$|[,.;:!?)]|and\b|while\b|with\b|as\b))"
    r"|(?:the|an?|his|her|their) (?:viewers?|cameras?|audience|readers?|onlookers?|crowd|lens|photographer"
    r"|partner|opponent|child|kid|toddler|baby|dog"
    r"|passer-?by|other person|person opposite))"
)
_SPOT: Final = (
    r"(?:hips?|waist|head|knees?|chest|heart|shoulders?|belly|stomach|tummy|thighs?|chin|cheeks?|ears?|face|forehead"
    r"|neck|throat|ankles?|toes|feet|floor|ground|mat|lower back|nape|sacrum|tailbone|temples?|brow|ribs|sternum"
    r"|navel|mouth"
    r"|nose|jaw|bum|buttocks?)"
)
_LIST_ON_FLOOR: Final = re.compile(
    r"\b(?:(?:(?:two|three|four|five|[2-5]) )?(?:points|limbs|contacts) (?:of contact )?)?"
    r"(?:(?:on|touching|in contact with) the (?:floor|ground|mat)(?: at once)?|of (?:contact|support))"
    r": ?(?P<list>[^.;:]{4,90})"
)
_ITEM: Final = re.compile(
    r"\b(?:both |left |right |one )?(?:hand|foot|feet|knee|elbow|palm|forearm|toe|head|bum|bottom)s?\b"
)
_TO_A_SIDE: Final = re.compile(
    r"\b(?:to|towards?) (?:the |his |her |their |its )?(?P<side>left|right)\b"
    r"(?=$|[,.;]| (?:side|and|with|while|as|but|at)\b)"
)
_THAT_SIDE: Final = re.compile(r"\b(?:to|towards?) (?:that|the same) side\b|\b(?:that|the same) way(?=$|[,.;])")
_LEG_OVER: Final = re.compile(
    r"\b(?P<side>left|right) (?:knee|leg|thigh|ankle) (?:(?:is|hooked|crossed|crosses|slung|thrown|draped|lies|resting"
    r"|rests|folded|stacked) )*(?:over|on top of|across) (?:the |his |her |their )?(?!(?P=side))(?:left|right|other)\b"
)
_BY_HEIGHT: Final = re.compile(r"\b(?:(?P<upper>upper|top)|lower|bottom|underneath) (?P<part>knee|thigh|foot|ankle)\b")
_GROUND: Final = (
    "grass turf clay ice tiles floorboards boards pavement sidewalk rug carpet sand dirt snow canvas lawn earth tarmac "
    "asphalt gravel concrete soil tatami linoleum parquet tarp cobbles flagstones lino cobblestones"
)
"""What the floor is made of."""
_RAISED: Final = "hiked hoisted hitched yanked cranked jacked hauled"


_LEG_WORD: Final = re.compile(r"\b(?:kick|step|stamp|hop|balanc|lead|leg|foot|knee|stand|trail|turn|lean|land)\w*")


def _straight(match: re.Match[str]) -> str:
    return f"{plural(match['part'])} straight"


_SAYINGS: Final[tuple[tuple[str, str, Replacement], ...]] = (
    # no bendy knees
    ("bendy bent wobbly soft floppy flexed crooked",
     r"\b(?:no|without(?: any)?|zero|none of (?:that|those)) (?:bendy|bent|wobbly|soft|floppy|flexed|crooked) "
     r"(?P<part>knee|leg|elbow|arm)s?\b", _straight),
    ("bendy bend",
     r"\b(?P<part>knee|leg|elbow|arm)s? (?:are )?(?:not (?:at all )?bendy|(?:do|will|would) not bend)\b(?: at all)?",
     _straight),
    # dead ahead
    ("dead bang smack", r"\b(?:dead|bang|smack) (?=(?:ahead|straight|level|upright|vertical|horizontal|still|in front"
     r"|in the middle)\b)", lambda match: ""),
    # the hands out to her
    ("out outstretched extended stretched offered reaching reaches reach",
     r"\b(?P<how>out|outstretched|extended|stretched|offered|reaching|reaches|reach) (?:to|towards?|at|for) "
     rf"{_SOMEONE}", lambda match: f"{match['how']} in front"),
    # L hand hip, hands knees
    ("hand hands palm palms fist fists",
     rf"{_STARTS}(?P<hand>(?:(?:left|right|both|one) )?(?:hand|palm|fist)s?) (?P<spot>(?:(?:left|right) )?{_SPOT})"
     r"(?=$|[,.;!]| (?:and )?(?:left|right) (?:hand|arm)\b)", lambda match: f"{match['hand']} on the {match['spot']},"),
    ("foot ankle sole heel",
     rf"{_STARTS}(?P<foot>(?:left|right) (?:foot|ankle|sole|heel)) "
     r"(?P<at>(?:left|right) (?:knee|thigh|shin|calf))(?=$|[,.;!])",
     lambda match: f"{match['foot']} on the {match['at']}"),
    # a one-legged stand
    ("legged leg footed foot flamingo stork heron",
     r"\b(?:(?:an?|the|in|doing|does) )*(?:(?:one|single|1)[- ]?(?:legged|leg|footed|foot)[- ]"
     r"(?:stand(?:ing)?|stance|balanc(?:e|ing))|stand(?:s|ing)? (?:one|single)-?(?:legged|footed)"
     r"|(?:flamingo|stork|heron) (?:stand|stance|balance|pose|position)"
     r"|(?:stand(?:s|ing)?|balanc\w+|posed|posing) like an? (?:flamingo|stork|heron))\b(?! on\b)"
     r"(?:,? (?:the )?(?P<side>left|right)(?: leg| side)?(?=$|[,.;]))?",
     lambda match: f"standing on {match['side'] or 'one'} leg"),
    ("leg foot", r"\b(?P<how>stand(?:s|ing)?|balanc(?:es?|ing)) on (?:just |only |but )?(?:a single|just one|only one"
     r"|one single) (?P<on>leg|foot)\b", lambda match: f"{match['how']} on one {match['on']}"),
    # to attention
    ("attention ramrod poker bolt arrow rod post soldier",
     r"\b(?:(?P<sits>sit(?:s|ting)?|sat|seated)|stand(?:s|ing)?|stood) (?:there |up )?(?:(?:smartly |stiffly )?"
     r"(?:to|at) attention|(?:ramrod|poker|bolt|arrow)[- ](?:straight|stiff|upright)|(?:as )?(?:straight|stiff|rigid"
     r"|upright) as an? (?:ramrod|poker|arrow|rod|post|soldier))\b",
     lambda match: f"{'sitting' if match['sits'] else 'standing'} upright"),
    # arms and legs every which way
    ("limbs legs arms",
     r"\b(?:(?:four )?limbs|arms and legs|legs and arms) (?:\w+ ){0,3}?(?:every which way|everywhere|splayed|spread"
     r"|sprawled|flung|thrown out|thrown wide|in (?:all|every) directions?|all over the place|like an? (?:x|star"
     r"|starfish))\b", lambda match: "spread-eagled"),
    ("double doubled jackknifed jack-knifed jackknife knifed knife",
     r"\b(?:doubled (?:up|over)|bent over double|jack-?knifed|folded like a (?:jack-?knife|pocket-?knife|penknife))\b",
     lambda match: "bent double"),
    # palms on the grass
    (_GROUND, r"\b(?P<on>on|onto|against|touch(?:es|ing)?|off|to|towards?|above|over|along|into|from|at|slap\w*|skim\w*"
     r"|graz\w+|brush\w*|study\w*|studi\w+|scan\w*|gaz\w+|press\w*|meets?|hits?|hitting|pat\w*|tap\w*) (?:the|its) "
     rf"(?:(?:cold|bare|hard|wet|soft|stone|wooden|kitchen|bathroom) )?(?:{_GROUND.replace(' ', '|')})\b",
     lambda match: f"{match['on']} the ground"),
    # scratching the head with the left
    ("left right", r"\b(?P<what>(?:\w+ing|\w+s|use|hold|grab|touch|wave|reach|point) (?:[\w'’-]+ ){0,6}?)with "
     r"(?:the|his|her|their|its) (?P<side>left|right)(?=$|[,.;!?)]| (?:and|while|as|but)\b)",
     lambda match: None if _LEG_WORD.search(match["what"]) else f"{match['what']}with the {match['side']} hand"),
    (_RAISED, rf"\b(?P<knee>knees?(?: is| are)?) (?:{_RAISED.replace(' ', '|')})\b",
     lambda match: f"{match['knee']} drawn"),
)  # fmt: skip


@cache
def _sayings() -> tuple[Rule, ...]:
    return compile_rules(_SAYINGS)


def in_plain_words(text: str) -> str:
    """A text in lower case without the everyday ways of saying things."""
    words = set(split_words(text))
    draft = Draft(text)
    draft.apply("everyday", _sayings(), words)
    text = draft.text
    if ":" in text:
        text = _LIST_ON_FLOOR.sub(_each_on_floor, text)
    if " that " in text or " same " in text:
        text = _with_named_sides(text)
    if " over " in text or " across " in text or " top " in text:
        text = _with_sides_of_heights(text)
    return text


def _each_on_floor(match: re.Match[str]) -> str:
    """Of "three points on the ground: both feet and a hand" each part."""
    parts = [part[0] for part in _ITEM.finditer(match["list"])]
    on_floor = ", ".join(f"{part} on the floor" for part in parts)
    return f"{on_floor}, {match['list']}" if parts else match[0]


def _with_named_sides(text: str) -> str:
    """A text with the side that "to that side" refers to."""
    sides = {match["side"] for match in _TO_A_SIDE.finditer(text)}
    return _THAT_SIDE.sub(f"to the {sides.pop()}", text) if len(sides) == 1 else text


def _with_sides_of_heights(text: str) -> str:
    """A text with the sides of its upper and lower knee, where it says which leg is over the other."""
    over = {match["side"] for match in _LEG_OVER.finditer(text)}
    if len(over) != 1:
        return text
    (side,) = over
    return _BY_HEIGHT.sub(lambda match: f"{side if match['upper'] else other_side(side)} {match['part']}", text)
