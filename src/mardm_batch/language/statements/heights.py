"""Which limb is higher than another, and than the head, the shoulders or the knees."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.statements.rules import OF, Rule, against_other, limb, states

_HANDS: Final = "hand hands arm arms fist fists palm palms"


def rules() -> Iterator[Rule]:
    """Of one limb against the other, of both hands, of the hips."""
    more = r"(?:(?:is|held|raised|kept|lifted|a|bit|little|much|more|way|slightly|clearly|far) )*"
    other = (
        r"(?:the |their |his |her |its )?(?:other|left|right)(?: one)?\b"
        r"(?! (?:hip|knee|ear|shoulder|eye|elbow|thigh|ankle|hand|foot|wrist))"
    )
    limbs = (
        ("hand", _HANDS, limb("hand", "arm", "fist")),
        ("foot", "foot feet leg legs", limb("foot", "leg")),
    ) + tuple((part, f"{part} {part}s", limb(part)) for part in ("elbow", "knee", "shoulder"))
    for part, words, named in limbs:
        higher = rf"{named} {more}(?:higher|high|up) (?:than|then) {other}"
        yield Rule(words, "higher high", higher, against_other(f"{{side}}_{part} above {{other}}_{part} 0.05"))
        lower = rf"{named} {more}(?:lower|low) (?:than|then) {other}"
        yield Rule(words, "lower low", lower, against_other(f"{{side}}_{part} below {{other}}_{part} 0.05"))
    mentioned = r"(?:hands?|arms?|fists?)\b[^.;]{0,80}\b"
    over = rf"{mentioned}(?:both (?:are |of them )?(?:above|over)|neither (?:one |hand |of them )?(?:is )?below) {OF}"
    under = (
        rf"{mentioned}(?:both (?:are |of them )?below|(?:neither|none)(?: one| hand| of them)?(?: is)?(?: above| over| "
        rf"higher than)) {OF}"
    )
    for point, points in (("shoulder", "shoulders"), ("head", "head")):
        yield Rule(_HANDS, "both neither", rf"{over}{point}s?\b", states(f"hands above {points}"))
        yield Rule(_HANDS, "both neither none", rf"{under}{point}s?\b", states(f"hands below {points}"))
    low = rf"{limb('hand')} (?:(?:is|are|both|hanging|hangs|reaching|well|down) )*below {OF}knees?\b"
    yield Rule("hand hands", "knee knees", low, states("{hand} below {knee}"))
    hips = (
        r"(?:hips|bum|bottom|butt|seat|pelvis) (?:(?:is|are|sinks?|dropped|drops?|well) )*(?:lower than|below|under) "
        r"(?:the |their |his |her )?knees?\b"
    )
    yield Rule("hips bum bottom butt seat pelvis", "knees", hips, states("hips below knees"))
