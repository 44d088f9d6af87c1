"""Which limb is higher than another, and than the head, the shoulders or the knees."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import plural, singular
from mardm_batch.language.statements.rules import (
    OF,
    SIDE,
    Condition,
    Match,
    Rule,
    against_other,
    gap,
    limb,
    states,
    subject,
    unless_said,
    where_said,
)

_HANDS: Final = "hand hands arm arms fist fists palm palms"
_COMPARED: Final = {
    "hand": ("hand", "arm", "fist"), "foot": ("foot", "leg", "heel"), "elbow": ("elbow",), "knee": ("knee",),
    "shoulder": ("shoulder",), "hip": ("hip",),
}  # fmt: skip
"""What is compared with that of the other side, by any of its names."""
_LYING: Final = r"l(?:ie|ies|ying|ays?|aying|aid)|supine|prone|belly|stomach|upside|handstand|floating"
_SAME_POINT: Final = {"trunk": "torso", "body": "torso", "chest": "torso", "thigh": "hip", "thighs": "hips"}
_LEAST: Final = {"shoulder": 0.03, "hip": 0.01}
_COMPARISONS: Final = (
    ("above", r"(?:(?:higher|high|up|more raised) (?:than|then)|above)"),
    ("below", r"(?:(?:lower|low) (?:than|then)|below|under|beneath)"),
    ("in front of", r"(?:(?:farther|further|more) (?:forwards?|ahead|in front) than|ahead of)"),
    ("behind", r"(?:farther|further|more) (?:back|behind|backwards?) than"),
)
_COMPARING: Final = "higher high raised above lower low below under beneath up farther further more ahead front behind"
_POINTS: Final = {
    "shoulder": "shoulders?", "head": "head|crown", "pelvis": "hips?|bum|bottom|pelvis|waist|seat",
    "elbow": "elbows?", "knee": "knees?", "hand": "hands?", "foot": "feet|foot",
}  # fmt: skip


def rules() -> Iterator[Rule]:
    """Of one limb against the other, of both hands, of the hips."""
    ends = r"$|[^\w ]| (?:and|while|with|but|in|is|are|at|as|so|by|to|on|both|behind|above|near|during|which)\b"
    other = (
        r"(?:the |their |his |her |its )?(?:other|left|right)(?: one)?\b"
        r"(?: (?P<than>hip|knee|shoulder|elbow|thigh|ankle|hand|foot|wrist|arm|leg|heel|one)\b)?"
        rf"(?={ends})"
    )
    for part, names in _COMPARED.items():
        words = " ".join(f"{name} {plural(name)}" for name in names)
        for relation, comparison in _COMPARISONS:
            if part not in ("foot", "shoulder", "hip"):
                comparison = comparison.replace("ahead of", "ahead of|in front of").replace(
                    "?) than", "?) than|(?<=is )behind|(?<=held )behind"
                )
            compared = rf"{limb(*names)} {gap('above|below')}(?:{comparison}) {other}"
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
                    plain = states(f"{{{part}}} {relation} {whose}")
                    by_side = _of_named_side(part, relation, point, plain)
                    if point == "head":  # of who lies, what is above the head is beyond it
                        by_side = unless_said(r"lie|lies|lying|supine|prone|face[- ]down", by_side)
                    yield Rule(words, relations.replace("|", " "), compared, by_side)
    yield from _beside()
    yield from _knees_aside()
    head_high = (
        rf"{limb('elbow')} (?:(?:is|are|both|raised|lifted|held|high|hitched|up|bent) )*(?:level with|at the "
        rf"(?:height|level) of) "
        rf"{OF}(?:ears?|head|chin|eyes|face|temples?)\b"
    )
    yield Rule("elbow elbows", "level height", head_high, states("{elbow} above {shoulder} 0.02"))
    upside = (
        r"(?:(?:head|shoulders|crown(?: of the head)?) (?:(?:is|are|hangs?|hanging|stays?|well) )*(?:lower than"
        r"|below) (?:the |his |her |their )?(?:hips?|pelvis|bum|bottom|seat|heart|waist)\b)"
    )
    yield Rule("head shoulders crown", "lower below", upside, states("head below pelvis"))
    for relation, states_it in (
        ("below", "dropped|drops|lowered|lower|dipped|dips|sagging|sags|droops|drooping|sunk|down"),
        ("above", "raised|lifted|hiked|hitched|hunched|shrugged|higher|elevated|up"),
    ):
        for part, least in (("shoulder", 0.02), ("hip", 0.01)):
            moved = (
                rf"{SIDE} {part} (?:(?:is|held|slightly|a|little|bit|carried) )*(?:{states_it})\b(?! (?:to|than"
                rf"|towards?|against|from|off)\b)"
            )
            yield Rule(part, states_it.replace("|", " "), moved,
                       against_other(f"{{side}}_{part} {relation} {{other}}_{part} {least}"))  # fmt: skip
    hips = r"(?:hips|pelvis|bum|bottom|butt|seat|backside|tailbone)"
    higher = (
        rf"{hips} (?:(?:is|are|lifted|raised|held|well|pushed|piked|up|high) )*(?:above|higher than) "
        rf"{OF}(?:shoulders|head)\b"
    )
    yield Rule("hips pelvis bum bottom butt seat backside tailbone", "above higher", higher,
               states("pelvis above shoulders"))  # fmt: skip
    shifted = (
        rf"(?:hips|pelvis|hip) (?:(?:is|are) )?(?:shifted|shifts|pushed|swayed|sways|swung|jutting|jutted|cocked"
        rf"|thrust|pushes)"
        rf" (?:out |over )?(?:to|towards?) {OF}(?P<to>left|right)\b"
    )
    yield Rule("hips pelvis hip", "left right", shifted, states("pelvis {to} of neck 0.02"))
    highest = (
        rf"{hips} (?:\w+ ){{0,4}}?(?:(?:the )?(?:highest|summit|apex|peak|topmost)|highest point|(?:up )?(?:to"
        rf"|towards?|at) the (?:sky|ceiling)"
        r"|(?:up |high )?in the air|up high|high up)\b"
    )
    yield Rule("hips pelvis bum bottom butt seat backside tailbone", 
               "highest summit apex peak topmost sky ceiling air high", highest,
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


def _beside() -> Iterator[Rule]:
    """Of hands, elbows, knees and feet in front of, behind and beside other parts."""
    placed = gap("behind|beside|front|left|right|over|touch*|of")
    ways = (("in front of", "(?:in front of|forward of|ahead of)"), ("behind", "behind"),
            ("left of", "to the left of"), ("right of", "to the right of"))  # fmt: skip
    for part, names in (("hand", ("hand", "fist", "wrist")), ("elbow", ("elbow",)), ("knee", ("knee",)),
                        ("foot", ("foot", "ankle"))):  # fmt: skip
        words = " ".join(f"{name} {plural(name)}" for name in names)
        for relation, said in ways:
            where = (
                rf"{limb(*names)} {placed}(?:far |well |just |slightly )?{said} {OF}(?P<at>left |right )?"
                r"(?P<point>hips?|shoulders?|head|chest|knees?|thighs?|feet|foot|pelvis|torso|trunk|body)\b(?! (?:and "
                r"(?:hip|knee"
                r"|shoulder)"
                r"|of|height|level))"
            )
            yield Rule(words, "front forward ahead" if relation == "in front of" else relation, where,
                       unless_said(_LYING, _relative(part, relation)))  # fmt: skip


def _knees_aside() -> Iterator[Rule]:
    """Of knees that drop to a side."""
    dropped = (
        r"knees (?:\w+ ){0,3}?(?:drop|drops|dropped|fall|falls|falling|rolled|roll|lowered|swing|tipped|point"
        r"|pointing|tilted|turned|swept|swung|toppled|topple|flopped|leaning|lean|both|dropping|off|over) "
        r"(?:over |off |away "
        r"|down )*(?:to|towards?) (?:the "
        r"|his |her )?(?P<to>left|right)\b"
    )
    dropped_out = (
        rf"{SIDE} knee (?:(?:is|points?|pointing|bent|dropped|drops|falls|fallen|turned|opened|opens|open|out|falling"
        rf"|rotated|wide) )+"
        rf"(?:(?:out )?to (?:the|his|her|its) (?:side|(?P=side))|outwards?|sideways|out)\b(?! (?:in front|of|to the))"
    )
    yield Rule("knee", "side left right outward outwards sideways out", dropped_out,
               states("{side}_knee {side} of {side}_hip 0.08"))  # fmt: skip
    one_dropped = (
        rf"{SIDE} knee (?:\w+ ){{0,2}}?(?:dropp?\w*|fall\w*|roll\w*|toppl\w+|sw[aeiu]\w+|lower\w*|brought|pulled"
        rf"|crosses) "
        r"(?:over |across |down )*(?:to|towards?) (?:the )?(?!(?P=side))(?P<to>left|right)(?=$|[,.;]| (?:and"
        r"|while|with|side) )"
    )
    yield Rule("knee", "left right", one_dropped, states("{side}_knee {to} of {side}_hip 0.08"))
    yield Rule("knees", "left right", dropped, states("knees {to} of pelvis"))


def _relative(part: str, relation: str) -> Condition:
    def condition(match: Match) -> str | None:
        said = _SAME_POINT.get(match["point"], match["point"])
        point = said if said == "pelvis" else singular(said)
        if point == part or (point == "head" and relation == "behind"):
            return None
        if point in ("hip", "shoulder", "knee", "foot"):
            at = (match["at"] or match["side"] or "").strip()
            if not match["side"] and (
                match["at"] or match["one"] is not None or match["point"] == singular(match["point"])
            ):
                return None
            point = f"{at}_{point}" if at else plural(point)
        return f"{subject(match, part)} {relation} {point}"

    return condition


def _of_the_same_part(part: str, condition: Condition) -> Condition:
    """The condition, unless the limb is compared with another part of the other side."""
    same = {None, "one", part} | {"hand": {"arm", "wrist"}, "foot": {"leg", "heel", "ankle"}}.get(part, set())

    def compared(match: Match) -> str | None:
        several = " and " in match[0] and match["than"] != part  # the second of "the elbow and the knee" is compared
        return condition(match) if match["than"] in same and not several else None

    return compared


def _of_named_side(part: str, relation: str, point: str, condition: Condition) -> Condition:
    """The condition, of the point of the side that is named where that is another one."""

    def compared(match: Match) -> str | None:
        at = (match["at"] or "").strip()
        if at not in ("left", "right") or at == match["side"] or point in ("head", "pelvis"):
            return condition(match)
        return f"{match['side']}_{part} {relation} {at}_{point}" if match["side"] else None

    return compared
