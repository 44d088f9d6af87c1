"""Which limb is higher than another, and than the head, the shoulders or the knees."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import plural
from mardm_batch.language.statements.rules import (
    OF,
    Condition,
    Match,
    Rule,
    against_other,
    gap,
    limb,
    states,
    unless_said,
    where_said,
)

_HANDS: Final = "hand hands arm arms fist fists palm palms"
_COMPARED: Final = {
    "hand": ("hand", "arm", "fist"), "foot": ("foot", "leg", "heel"), "elbow": ("elbow",), "knee": ("knee",),
    "shoulder": ("shoulder",), "hip": ("hip",),
}  # fmt: skip
"""What is compared with that of the other side, by any of its names."""
_LEAST: Final = {"shoulder": 0.03, "hip": 0.01}
_COMPARISONS: Final = (
    ("above", r"(?:(?:higher|high|up|more raised) (?:than|then)|above)"),
    ("below", r"(?:(?:lower|low) (?:than|then)|below|under|beneath)"),
    ("in front of", r"(?:(?:farther|further|more) (?:forwards?|ahead|in front) than|ahead of)"),
    ("behind", r"(?:farther|further|more) (?:back|behind|backwards?) than"),
)
_COMPARING: Final = "higher high raised above lower low below under beneath up farther further more ahead"
_POINTS: Final = {
    "shoulder": "shoulders?", "head": "head|crown", "pelvis": "hips?|bum|bottom|pelvis|waist|seat",
    "elbow": "elbows?", "knee": "knees?", "hand": "hands?", "foot": "feet|foot",
}  # fmt: skip


def rules() -> Iterator[Rule]:
    """Of one limb against the other, of both hands, of the hips."""
    other = (
        r"(?:the |their |his |her |its )?(?:other|left|right)(?: one)?\b"
        r"(?! (?:ear|eye))(?: (?P<than>hip|knee|shoulder|elbow|thigh|ankle|hand|foot|wrist|arm|leg|heel|one))?"
    )
    for part, names in _COMPARED.items():
        words = " ".join(f"{name} {plural(name)}" for name in names)
        for relation, comparison in _COMPARISONS:
            compared = rf"{limb(*names)} {gap('above|below')}{comparison} {other}"
            stated = f"{{side}}_{part} {relation} {{other}}_{part} {_LEAST.get(part, 0.05)}"
            yield Rule(words, _COMPARING, compared, _of_the_same_part(part, against_other(stated)))
        if part in ("hand", "foot", "elbow"):
            relations = "(?:higher|above|lower|below) (?:than )?(?:the |its )(?:other|fellow)"
            one = rf"one (?:{'|'.join(names)}) {gap()}{relations}\b"
            either = f"left_{part} above right_{part} 0.05 or right_{part} above left_{part} 0.05"
            yield Rule(words, "higher above lower below", one, states(either))
    for part in ("hand", "elbow", "knee", "foot"):
        words = " ".join(f"{name} {plural(name)}" for name in _COMPARED[part])
        for point, named in _POINTS.items():
            for relation, relations in (("above", "higher than|above"), ("below", "lower than|below")):
                compared = (
                    rf"{limb(*_COMPARED[part])} {gap('above|below|over')}(?:{relations}) {OF}"
                    rf"(?P<at>left |right |own )?(?:{named})\b"
                )
                whose = point if point in ("head", "pelvis") else f"{{{point}}}"
                if part != point:
                    yield Rule(words, relations.replace("|", " "), compared,
                               _unless_crossed(states(f"{{{part}}} {relation} {whose}")))  # fmt: skip
    upside = (
        r"(?:(?:head|shoulders|crown(?: of the head)?) (?:(?:is|are|hangs?|hanging|stays?|well) )*(?:lower than"
        r"|below) (?:the |his |her |their )?(?:hips?|pelvis|bum|bottom|seat|heart|waist)\b)"
    )
    yield Rule("head shoulders crown", "lower below", upside, states("head below pelvis"))
    hips = r"(?:hips|pelvis|bum|bottom|butt|seat|backside|tailbone)"
    highest = (
        rf"{hips} (?:\w+ ){{0,4}}?(?:(?:the )?highest|highest point|(?:up )?(?:to|towards?|at) the (?:sky|ceiling)"
        r"|(?:up |high )?in the air|up high|high up)\b"
    )
    yield Rule("hips pelvis bum bottom butt seat backside tailbone", "highest sky ceiling air high", highest,
               unless_said(r"legs?|feet up|side|sit\w*|still|fist|hand", states("pelvis above shoulders")))  # fmt: skip
    bridge = (
        rf"{hips} (?:(?:is|are|lifted|raised|pushed|pressed|peeled?|held|up) )+(?:up )?off (?:of )?the (?:floor|ground"
        r"|mat)\b"
    )
    on_shoulders = r"shoulders?|back|upper back|supine|bridge"
    yield Rule(
        "hips pelvis bum bottom butt seat", "off", bridge, where_said(on_shoulders, states("pelvis above shoulders"))
    )
    mentioned = r"(?:hands?|arms?|fists?)\b[^.;]{0,80}\b"
    over = rf"{mentioned}(?:both (?:are |of them )?(?:above|over)|neither (?:one |hand |of them )?(?:is )?below) {OF}"
    under = (
        rf"{mentioned}(?:both (?:are |of them )?below|(?:neither|none)(?: one| hand| of them)?(?: is)?(?: above| over| "
        rf"higher than)) {OF}"
    )
    for point, points in (("shoulder", "shoulders"), ("head", "head")):
        yield Rule(_HANDS, "both neither", rf"{over}{point}s?\b", states(f"hands above {points}"))
        yield Rule(_HANDS, "both neither none", rf"{under}{point}s?\b", states(f"hands below {points}"))
    hips = (
        r"(?:hips|bum|bottom|butt|seat|pelvis) (?:(?:is|are|sinks?|dropped|drops?|well) )*(?:lower than|below|under) "
        r"(?:the |their |his |her )?knees?\b"
    )
    yield Rule("hips bum bottom butt seat pelvis", "knees", hips, states("hips below knees"))


def _of_the_same_part(part: str, condition: Condition) -> Condition:
    """The condition, unless the limb is compared with another part of the other side."""
    same = {None, "one", part} | {"hand": {"arm", "wrist"}, "foot": {"leg", "heel", "ankle"}}.get(part, set())

    def compared(match: Match) -> str | None:
        return condition(match) if match["than"] in same else None

    return compared


def _unless_crossed(condition: Condition) -> Condition:
    """The condition, unless the limb of one side is compared with a part of the other side."""

    def compared(match: Match) -> str | None:
        at = (match["at"] or "").strip()
        return None if at in ("left", "right") and at != match["side"] else condition(match)

    return compared
