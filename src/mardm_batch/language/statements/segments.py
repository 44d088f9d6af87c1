"""Where segments of limbs point, by words of direction, by the clock and by the field's names of movements."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import plural
from mardm_batch.language.statements.rules import (
    LYING,
    OF,
    SIDE,
    Match,
    Rule,
    gap,
    limb,
    states,
    unless_said,
)

_HELD: Final = (
    r"(?:(?:is|are|both|held|kept|raised|lifted|extended|stretched|bent|brought|straight|high|up|out|to|at|the|stays?"
    r"|remains?|abducted|now|sideways|forwards?) )*"
)
_LEVEL: Final = (
    r"(?:parallel (?:to|with) (?:the )?(?:floor|ground|mat)|horizontal(?:ly)?|level(?: with (?:the )?(?:floor"
    r"|ground))?|parallel(?=$|[,.;])|flat (?:like|as) an? (?:table|tabletop|table[- ]top|shelf|board|plank|tray|bench))"
    r"\b(?! with)"
)
_UPRIGHT: Final = r"(?:vertical(?:ly)?|upright|plumb|perpendicular (?:to|with) (?:the )?(?:floor|ground|mat))\b"
_WAYS: Final = {
    "up": (
        r"(?:up(?:wards?)?|skywards?|vertically up|(?:to|towards?|at) (?:the )?(?:ceiling|sky))\b(?! (?:and (?:out"
        r"|forwards?|back|to|sideways|in)|to the)\b)",
        "up upward upwards skyward ceiling sky",
    ),
    "down": (
        r"(?:down(?:wards?)?|(?:to|towards?|at) (?:the )?(?:floor|ground))\b(?! (?:and (?:out|forwards?|back|to"
        r"|sideways|in)|to the)\b)",
        "down downward downwards floor ground",
    ),
    "forward": (
        r"(?:forwards?|ahead|(?<=out )in front(?! of)|(?:to|towards?) the "
        r"front)\b(?! and (?:up|down|out|to)\w*\b)",
        "forward forwards ahead front",
    ),
    "outward": (
        r"(?:outwards?|sideways|laterally"
        r"|(?<!stick )(?<!sticks )(?<!sticking )(?<!stuck )(?<!swung )(?<!reaches )(?<!reach )out"
        r"|(?:out )?to (?:the|both|either) sides?|(?:out )?to the (?P=side)(?: "
        r"side)?)\b"
        r"(?! (?:and (?:up|down|forwards?)|in front|forwards?)\b)",
        "outward outwards sideways laterally out side sides left right",
    ),
}  # fmt: skip
"""By the direction: its pattern and words."""
_AIMS: Final = (
    r"(?:points?|pointing|pointed|directed|aimed|aiming|aims|stick(?:s|ing)?|stuck|jut(?:s|ting|ted)?"
    r"|project(?:s|ing|ed)?|pok(?:es?|ing|ed)|flar(?:es?|ing|ed)|winged|winging|thrust|angled|facing|faces"
    r"|reach(?:es|ing)?|swing(?:s|ing)?|swung) "
    r"(?:(?:straight|directly|right|out|well) )*"
)
_ANGLES: Final = {"up": 40, "down": 40, "forward": 45, "outward": 50}
_HOURS: Final = {
    "three": "outward", "nine": "outward", "3": "outward", "9": "outward", "twelve": "up", "12": "up", "six": "down",
    "6": "down", "ten": "high", "two": "high", "10": "high", "2": "high", "eleven": "high", "one": "high", "11": "high",
    "1": "high", "four": "low", "eight": "low", "4": "low", "8": "low", "five": "low", "seven": "low", "5": "low",
    "7": "low",
}  # fmt: skip
"""Where a hand of the clock points, seen from before or behind alike."""
_BY_THE_CLOCK: Final = {
    "outward": "{arm} points outward 40", "up": "{arm} points up 35", "down": "{arm} points down 40",
    "high": "{hand} above {shoulder} 0.1", "low": "{hand} below {shoulder} 0.1",
}  # fmt: skip


def rules() -> Iterator[Rule]:
    """By words of direction, then by names of movements."""
    for part in ("thigh", "forearm", "leg", "arm", "shin", "calf", "upper arm"):
        name = "shin" if part == "calf" else part.replace(" ", "_")
        words = "upper" if part == "upper arm" else f"{part} {plural(part)} calves"
        horizontal = rf"{limb(part)} {_HELD}{_LEVEL}"
        yield Rule(words, "parallel horizontal horizontally level flat", horizontal, states(f"{{{name}}} horizontal"))
        vertical = rf"{limb(part)} {_HELD}{_UPRIGHT}"
        yield Rule(words, "vertical vertically upright plumb perpendicular", vertical,
                   states(f"{{{name}}} vertical"))  # fmt: skip
        if part not in ("leg", "arm"):
            yield from _aimed(part, words, name)
    yield from _aimed("elbow", "elbow elbows", "upper_arm")
    yield from _hanging()
    yield from _movements()
    hours = "|".join(_HOURS)
    clock = (
        rf"{limb('arm', 'hand')} {gap()}(?:at|to|towards?) (?:the )?(?P<hour>{hours})"
        rf"(?: (?:and|or) (?P<second>{hours}))?(?: ?o[ '’]?clock| on (?:the|a) clock(?: face)?)\b"
    )
    yield Rule("arm arms hand hands", "clock o'clock oclock o’clock", clock, _by_the_clock)


def _aimed(part: str, words: str, name: str) -> Iterator[Rule]:
    for way, (pattern, way_words) in _WAYS.items():
        aims = _AIMS
        aims = aims if part in ("elbow", "thigh") else rf"(?:{aims}|(?:(?:is|are|straight|held|raised|lifted) )*)"
        aimed = rf"{limb(part)} (?:(?:is|are|both|bent|raised|lifted|high|held|and) )*{aims}{pattern}"
        angle = _ANGLES[way] + 15 * (part == "elbow")
        yield Rule(words, way_words, aimed, unless_said(LYING, states(f"{{{name}}} points {way} {angle}")))


def _hanging() -> Iterator[Rule]:
    hangs = (
        r"(?:(?:is|are|both) )?(?:hangs?|hanging|dangles?|dangling|hung)(?: (?:straight|vertically|loose(?:ly)?"
        r"|limp(?:ly)?"
        r"|down|freely))*\b(?! (?:over|off|behind|in front|out|back|from))"
    )
    for part, name in (("shin", "shin"), ("leg", "shin"), ("forearm", "forearm"), ("upper arm", "upper_arm")):
        words = "upper" if part == "upper arm" else f"{part} {plural(part)}"
        yield Rule(words, "hang hangs hanging dangle dangles dangling hung", rf"{limb(part)} {hangs}",
                   unless_said(LYING, states(f"{{{name}}} points down 40")))  # fmt: skip
    pressed = (
        rf"{limb('upper arm')} (?:(?:is|are|both|held|kept|pressed|close|tight|tightly|pinned|rests?) )*"
        rf"(?:against|to|along|beside|by) {OF}(?:ribs?|sides?|body|trunk|torso|chest)\b"
    )
    yield Rule("upper", "against to along beside by", pressed,
               unless_said(LYING, states("{upper_arm} points down 45")))  # fmt: skip
    hovering = (
        rf"{SIDE} knee (?:(?:is|hovers?|hovering|held|just|barely|lowered|an inch|slightly) )+(?:above|off) (?:the )?"
        r"(?:floor|ground|mat)\b"
    )
    close = "hover hovers hovering just barely inch"
    yield Rule("knee", close, hovering, states("{side}_knee height ..0.3"))
    low_knee = (
        r"(?:back|rear|trailing) knee (?:(?:is|hovers?|hovering|held|just|dropped|lowered|nearly|close) )*(?:above"
        r"|off|to|near|touching) "
        r"(?:the )?(?:floor|ground|mat)\b"
    )
    yield Rule("knee", "floor ground mat", low_knee, states("either knee height ..0.3"))
    behind = (
        rf"{limb('leg')} (?:(?:is|stretched|extended|lifted|raised|out|straight|held) )*(?:behind|back"
        rf"|backwards?),? (?:and )?{_LEVEL}"
    )
    for condition in ("{leg} points back 45", "{leg} horizontal"):
        yield Rule("leg legs", "behind back backward backwards", behind, states(condition))
    angled = rf"{limb('forearm')} (?:(?:is|are|both|held) )*(?:angled|angles|slanting|slanted|inclined) up(?:wards?)?\b"
    yield Rule("forearm forearms", "up upward upwards", angled, unless_said(LYING, states("{forearm} points up 65")))
    raised = (
        rf"{limb('forearm')} (?:(?:is|are|both|held) )*(?:upright|(?:raised|lifted) (?:up )?vertical(?:ly)?"
        rf"|vertically (?:up|raised))\b"
    )
    yield Rule(
        "forearm forearms", "upright vertical vertically", raised, unless_said(LYING, states("{forearm} points up 40"))
    )
    high = (
        rf"{limb('leg')} {gap('bent|knee|thigh|half|down|below|above')}(?:(?:and|,) )?(?:(?:at"
        rf"|to) (?:the )?(?:hip|waist|pelvis)[- ](?:level|height)"
        rf"|(?:hip|waist)[- ](?:high|level|height)|level with {OF}(?:hips?|waist)"
        r"|(?:forwards?|front|side|sideways|backwards?|back)[ -]middle)\b"
    )
    yield Rule("leg legs", "level height high middle", high,
               unless_said(f"{LYING}|bent|seated|sit\\w*|bridge|handstand", states("{leg} horizontal")))  # fmt: skip
    over_ankle = (
        r"(?:front|leading|bent) knee (?:(?:is|stacked|directly|right|just) )*(?:over|above|stacked over) "
        r"(?:the |its |his |her )?(?:front )?(?:ankle|heel)\b"
    )
    yield Rule("knee", "ankle heel", over_ankle, states("either shin vertical"))
    over_own = (
        rf"{SIDE} knee (?:(?:is|stacked|directly|right|straight|vertically) )*(?:over|above) the (?:(?P=side) "
        rf")?(?:ankle|heel)\b"
    )
    yield Rule("knee", "ankle heel", over_own, states("{side}_shin vertical"))


def _movements() -> Iterator[Rule]:
    for noun, way in (("abduction", "outward"), ("flexion", "forward")):
        bilateral = rf"(?<!left )(?<!right )shoulders? {noun} (?:(?:of|to|at|about) )*(?:90|ninety)\b"
        yield Rule("shoulder shoulders", noun, bilateral, states(f"upper_arms points {way} 40"))
    backward = (
        rf"{limb('arm')} (?:(?:is|are|both|straight) )*(?:point(?:s|ing|ed)?|stretched|extended|straight"
        rf"|reach(?:es|ing)?)"
        r"(?: straight| out)? (?:back|backwards?)\b(?! (?:and|to|on|over|under|up|down|at))"
    )
    yield Rule("arm arms", "back backward backwards", backward, unless_said(LYING, states("{arm} points back 60")))
    fully_out = rf"{limb('arm')} (?:(?:is|are) )?(?:fully|straight|right) (?:out|extended|stretched)\b"
    yield Rule("arm arms", "out extended stretched", fully_out, states("{elbow} bent ..38"))
    wide = rf"{limb('arm')} (?:(?:is|are|both) )*(?:bent and |straight and |held |spread )?wide\b(?! of)"
    yield Rule("arms", "wide", wide, unless_said("overhead|up|above", states("hands apart 0.5..")))
    square = r"(?:90|ninety)(?: degrees)?|shoulder[- ](?:height|level)|(?:the )?horizontal"
    part = limb("shoulder", "arm", "upper arm")
    words = "shoulder shoulders arm arms upper"
    for movement, noun, way in (("abducted", "abduction", "outward"), ("flexed", "flexion", "forward")):
        moved = (
            rf"{part} {gap()}(?:{movement} (?:(?:to|at|by|about|around|up) )*(?:{square})|(?:(?:in|at|to|with) "
            rf")?(?:about )?"
            rf"(?:90|ninety) degrees (?:of )?{noun}|{noun} (?:of|to) (?:90|ninety) degrees)\b"
        )
        yield Rule(words, f"{movement} {noun}", moved, states(f"{{upper_arm}} points {way} 40"))
        overhead = (
            rf"{part} {gap()}(?:fully {movement}|{movement} (?:fully|overhead|(?:(?:to|at|by) )?1[678]0(?: degrees)?)"
            rf"|in full {noun})\b"
        )
        yield Rule(words, f"{movement} {noun}", overhead, states("{upper_arm} points up 50"))
    some = (
        rf"{part} (?:(?:is|are|both|slightly|held) )*abducted(?: (?:(?:about|to|at|by) )*(?:[3-8]\d|thirty"
        rf"|forty-five|forty|sixty) degrees)?"
        r"(?=$|[,.;]| (?:and|while|with) )"
    )
    yield Rule(words, "abducted", some, states("{upper_arm} points outward 75"))
    hip = (
        rf"{limb('hip')} {gap()}(?:flexed (?:(?:to|at|by|about) )*(?:90|ninety)(?: degrees)?|(?:at |in )?(?:90|ninety) "
        r"degrees (?:of )?flexion)\b"
    )
    yield Rule("hip hips", "flexed flexion", hip,
               unless_said(f"{LYING}|torso|trunk|bent|forwards?", states("{thigh} horizontal")))  # fmt: skip
    spread = r"(?:both hips|hips) (?:(?:are|both|widely|strongly|fully) )*(?:abducted|in (?:\w+ )?abduction)\b"
    yield Rule("hips", "abducted abduction", spread, states("knees apart 0.35.."))
    from_body = (
        rf"{limb('arm', 'upper arm')} {gap('elbow')}(?:[3-8]\d|thirty|forty-five|forty|sixty) degrees (?:away |out "
        rf")?from {OF}"
        r"(?:body|sides?|trunk|torso)\b"
    )
    yield Rule(
        words, "degrees", from_body, unless_said("forwards?|front|back|behind", states("{upper_arm} points outward 75"))
    )
    crossed = rf"{limb('arm', 'shoulder')} (?:is )?(?:horizontally )?adducted across {OF}(?:chest|body|front)\b"
    yield Rule("arm shoulder", "adducted", crossed, states("{hand} near spine3 0.55"))


def _by_the_clock(match: Match) -> str | None:
    ways = {_HOURS[hour] for hour in (match["hour"], match["second"]) if hour}
    return states(_BY_THE_CLOCK[ways.pop()])(match) if len(ways) == 1 else None
