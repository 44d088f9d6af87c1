"""What a caption says of parts of the body in so many words, as conditions: "the left knee is bent at 90 degrees".

Only plain statements are read, of a part that is named with its side, of both of a pair or of any one of them. What
negations, British forms and "the other hand" say, `rewriting.CaptionReader` has put plainly before.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from mardm_batch.language.limbs import other_side, plural
from mardm_batch.language.words import split_words

Match = re.Match[str]
Condition = Callable[[Match], str | None]
"""The condition that a match states; None where it states none after all."""

_ALL: Final = "hands|palms|arms|elbows|legs|knees|feet|ankles|heels"
_OF: Final = r"(?:the |their |his |her |its |your |my |a )?"
_ADVERB: Final = (
    r"(?:(?:is|are|stays?|remains?|being|kept|held|dead|completely|fully|entirely|perfectly|quite|nearly|almost|mostly|both"
    r"|all|still|firmly|very|well|out|up|down|back) )*"
)
_PLACED: Final = (
    r"(?:(?:is|are|stays?|remains?|being|kept|held|rests?|resting|lies?|lying|planted|placed|pressed|set|put|propped"
    r"|pushing|pressing|reaching|reaches|reach|supported|flat|firmly|both|lightly|down|up|back|grounded|braced|stacked"
    r"|clasped|folded) )*"
)
_FLOOR: Final = r"(?:on|against|touching|touch|touches) (?:the |a )?(?:floor|ground|mat)\b"
_ABOUT: Final = r"(?:about |around |roughly |almost |nearly |exactly )?"
_APART: Final = (
    r"(?:(?P<wide>(?:very |really |far )?(?:wide|widely|far)) apart|(?:shoulder|hip)[- ]width apart|apart)\b"
)
_UNSURE: Final = re.compile(
    r"\b(?:not|never|without|no|neither|nor|if|until|about to|before|after|instead of|rather than|than|or|as if)"
    r"(?: \S+){0,2} $"
)
"""Words shortly before a statement that make it none."""
_AIMED: Final = (
    r"(?:(?:is|are|raised|lifted|held|kept|both) )*(?:extended|extends?|stretched|stretches|stretch|stretching"
    r"|outstretched|straight|reaching|reaches|reach|pointing|points?|pointed|hanging|hangs|hang|lies straight"
    r"|lying straight)"
    r" (?:(?:straight|out|horizontally|vertically|far|directly) )*"
)
_MORE: Final = (
    r"(?:(?P<slight>slightly|a little|a bit|gently|barely) |(?:far|well|strongly|way|deeply|sharply|fully) )?"
)


class Rule:
    """A form of statement."""

    def __init__(self, parts: str, words: str, pattern: str, condition: Condition) -> None:
        """A text has one of the `parts` and one of the `words` where it matches the pattern; both are tried first."""
        self.parts, self.words = frozenset(parts.split()), frozenset(words.split())
        self.pattern, self.condition = re.compile(rf"\b{pattern}"), condition


def stated_conditions(text: str) -> dict[str, str]:
    """The conditions that a text states, each with the words that do."""
    text = text.lower()
    words = set(split_words(text))
    found: dict[str, str] = {}
    for rule in _RULES:
        if words.isdisjoint(rule.parts) or words.isdisjoint(rule.words):
            continue
        for match in rule.pattern.finditer(text):
            if not _UNSURE.search(text[max(match.start() - 40, 0) : match.start()]) and (
                stated := rule.condition(match)
            ):
                found.setdefault(stated, match[0])
    return found


def _limb(*words: str) -> str:
    """The pattern of a paired part by any of its names: of one side, of both or of any one."""
    one, more = "|".join(words), "|".join(map(plural, words))
    return (
        rf"(?<!upper )(?<!lower )(?:(?:(?P<side>left|right) (?:{one})|(?P<one>one) (?:{one}))"
        rf"(?: and {_OF}(?:left|right|one) \w+)?"
        rf"|(?P<both>{more})(?: and {_OF}(?:{_ALL}))?)"
    )


def _subject(match: Match, part: str) -> str:
    """The part that a match of `_limb` names, in the words of conditions."""
    if match["side"]:
        return f"{match['side']}_{part}"
    return f"either {part}" if match["one"] else plural(part)


def _states(template: str) -> Condition:
    """A condition in which {hand} stands for the named hand or hands, and other names for groups of the match.

    Of any one limb nothing is stated against another part, of which the side would not be known.
    """
    names = re.findall(r"{(\w+)}", template)

    def condition(match: Match) -> str | None:
        groups = match.groupdict()
        if groups.get("one") and len(names) > 1:
            return None
        return template.format(**{name: groups[name] if name in groups else _subject(match, name) for name in names})

    return condition


def _against_other(template: str) -> Condition:
    """A condition of the limb of one side against that of the other."""

    def condition(match: Match) -> str | None:
        side = match["side"]
        return template.format(side=side, other=other_side(side)) if side else None

    return condition


def _straight(part: str, match: Match) -> str:
    return f"{_subject(match, part)} bent ..{28 if match['exact'] else 38}"


def _bent(part: str, match: Match) -> str | None:
    groups = match.groupdict()
    limits = "35.."
    if groups.get("degrees"):
        degrees = int(groups["degrees"])
        if not 20 <= degrees <= 150:
            return None
        limits = f"{degrees - 22}..{degrees + 22}" if degrees > 30 else f"8..{degrees + 30}"
    elif groups.get("square"):
        limits = "62..118"
    elif groups.get("slight"):
        limits = "8..60"
    elif groups.get("deep"):
        limits = "80.."
    return f"{_subject(match, part)} bent {limits}"


def _together(match: Match) -> str:
    return f"{'knees' if match['part'] == 'knees' else 'ankles'} apart ..0.3"


def _apart(match: Match) -> str:
    return f"feet apart {'0.5' if match['wide'] else '0.22'}.."


def _other_foot(match: Match) -> str:
    """Off the floor, where a person stands on one leg."""
    foot = "either foot" if match["on"] == "one" else f"{other_side(match['on'])}_foot"
    return f"{foot} off floor"


def _leans(match: Match) -> str:
    where = {"forwards": "forward", "backward": "back", "backwards": "back"}.get(match["where"], match["where"])
    return f"torso leans {where.removeprefix('to the ')} {6 if match['slight'] else 10}"


_LANDMARKS: Final = {
    "hip": ("hip", 0.25), "waist": ("hip", 0.3), "knee": ("knee", 0.2), "ankle": ("ankle", 0.22),
    "foot": ("foot", 0.35), "toes": ("foot", 0.3), "heel": ("ankle", 0.22), "shoulder": ("shoulder", 0.27),
    "elbow": ("elbow", 0.2),
    "head": ("head", 0.25), "face": ("head", 0.25), "forehead": ("head", 0.25), "mouth": ("head", 0.25),
    "chin": ("head", 0.25), "cheek": ("head", 0.25), "ear": ("head", 0.22), "temple": ("head", 0.22),
    "neck": ("neck", 0.25), "throat": ("neck", 0.25), "chest": ("spine3", 0.3), "heart": ("spine3", 0.3),
    "belly": ("spine1", 0.3), "stomach": ("spine1", 0.3),
}  # fmt: skip
"""By the word for what a hand is on: the point that it is near, and within which distance in metres."""
_PAIRED: Final = ("hip", "knee", "ankle", "foot", "shoulder", "elbow")
_LANDMARK: Final = "|".join(
    sorted((form for word in _LANDMARKS for form in (word, plural(word))), key=len, reverse=True)
)
_ON: Final = (
    r"(?:on|at|against|to|touching|touch|touches|holding|holds|hold|gripping|grips|grip|grabbing|grabs|grab|clutching"
    r"|clutches|covering|covers|beside|next to) (?:top of )?"
)


def _hand_on(match: Match) -> str | None:
    word = match["landmark"]
    single = next(name for name in _LANDMARKS if word in (name, plural(name)))
    point, limit = _LANDMARKS[single]
    hand = _subject(match, "hand")
    if point not in _PAIRED:
        return f"{hand} near {point} {limit}"
    if match["at"]:
        return f"{hand} near {match['at']}_{point} {limit}"
    if match["both"]:
        points = plural(point)
        return f"hands near {points} {limit}" if word in ("waist", "toes", points) and point != "shoulder" else None
    hands = [match["side"]] if match["side"] else ["left", "right"]
    # on the hip of its own side, but of "the left hand on the knee" the knee may be either
    pairs = [
        (side, at) for side in hands for at in ("left", "right") if side == at or point in ("knee", "ankle", "foot")
    ]
    return " or ".join(f"{side}_hand near {at}_{point} {limit}" for side, at in pairs) if word != "shoulders" else None


def _rules_of_bends() -> Iterator[Rule]:
    """Knees and elbows that are straight or bent."""
    straight = r"(?:(?P<exact>straight(?:ened)?|fully extended|locked)|extended|outstretched|stretched|long)\b"
    before = r"(?:(?P<exact>straight(?:ened)?|fully extended|locked)|stretched)"
    slight = (
        r"(?:(?P<slight>slightly|a little|a bit|softly|gently|barely|somewhat)"
        r"|(?P<deep>deeply|sharply|fully|tightly|completely)) "
    )
    degrees = rf"(?: {_ABOUT}(?:(?:at|to|by) )?{_ABOUT}(?P<degrees>\d+) degrees)"
    square = rf"(?P<square> {_ABOUT}(?:at|to|in|by) {_ABOUT}(?:a )?right angles?)"
    is_straight, is_bent = "straight straightened extended locked outstretched stretched long", "bent flexed folded"
    for word, part in (("leg", "knee"), ("knee", "knee"), ("arm", "elbow"), ("elbow", "elbow")):
        named = f"{word} {word}s"
        one = rf"(?:(?P<side>left|right) {word}|(?P<both>{word}s))(?P<one>)\b"
        yield Rule(named, is_straight, rf"{_limb(word)},? {_ADVERB}{straight}(?! apart)", partial(_straight, part))
        yield Rule(named, is_straight, rf"{before} {one}", partial(_straight, part))
        bent = rf"{_limb(word)} {_ADVERB}(?:{slight})?(?:bent|flexed|folded)(?:{degrees}|{square})?\b"
        yield Rule(named, is_bent, bent, partial(_bent, part))
        yield Rule(named, is_bent, rf"(?:{slight})?bent {one}", partial(_bent, part))


def _rules_of_contacts() -> Iterator[Rule]:
    """What touches the floor or another part."""
    hands, floor = "hand hands palm palms fist fists fingertip fingertips", "floor ground mat"
    lifted = r"(?:(?:lifted|raised|held|hovering) )?(?:off|clear of|above) the (?:floor|ground)\b"
    joined = r"(?:clasped|joined|touching|interlaced)\b(?! (?:the|his|her|their|both|a|an|around|on|to|behind)\b)"
    joining = r"(?:(?:are|is|pressed|clasped|joined|held|folded|put|kept) )*"
    hand = _limb("hand", "palm", "fist")
    yield Rule("knee knees", floor, rf"{_limb('knee')} {_PLACED}{_FLOOR}", _states("{knee} on floor"))
    yield Rule(
        hands, floor, rf"{_limb('hand', 'palm', 'fist', 'fingertip')} {_PLACED}{_FLOOR}", _states("{hand} on floor")
    )
    forearm = rf"{_limb('forearm')} {_PLACED}{_FLOOR}"
    yield Rule("forearm forearms", floor, forearm, _states("{elbow} on floor"))
    yield Rule("foot feet", floor, rf"{_limb('foot')} {_PLACED}{_FLOOR}", _states("{foot} on floor"))
    yield Rule("foot feet", floor, rf"{_limb('foot')} (?:is |are )?{lifted}", _states("{foot} off floor"))
    on_landmark = rf"{hand} {_PLACED}{_ON}{_OF}(?:(?P<at>left|right) )?(?P<landmark>{_LANDMARK})\b"
    yield Rule(hands, _LANDMARK.replace("|", " "), rf"{on_landmark}(?! (?:height|level|width))", _hand_on)
    behind_head = rf"{hand} (?:(?:is|are|clasped|joined|tucked) )*behind {_OF}(?:head|neck)\b"
    yield Rule(hands, "behind", behind_head, _states("{hand} near head 0.3"))
    drawn = rf"{_limb('knee')} (?:(?:is|are) )?(?:pulled|drawn|tucked|hugged) (?:up|in|to|towards?)\b"
    yield Rule("knee knees", "pulled drawn tucked hugged", drawn, _states("{knee} bent 45.."))
    yield Rule(
        "hands palms",
        "together clasped joined touching interlaced",
        rf"(?:(?:hands|palms) {joining}(?:together\b|{joined})|(?:clasped|joined) hands\b)",
        _states("hands close 0.2"),
    )
    together = rf"(?P<part>feet|ankles|heels|legs|knees) {joining}together\b"
    yield Rule("feet ankles heels legs knees", "together", together, _together)
    knee = r"(?:kneeling|kneels|down|resting) on (?:the |their |his |her )?(?P<side>left|right) knee\b"
    yield Rule("knee", "on", knee, _states("{side}_knee on floor"))
    standing = r"(?:standing|stands|balancing|balances|balanced)"
    leg = rf"{standing} on (?:the |their |his |her )?(?P<on>left|right|one) (?:leg|foot)\b"
    yield Rule("leg foot", "on", leg, _other_foot)
    bearing = rf"{standing} on (?:the |their |his |her )?(?P<side>left|right) (?:leg|foot)\b"
    yield Rule("leg foot", "on", bearing, _states("{side}_knee bent ..40"))


def _rules_of_places() -> Iterator[Rule]:
    """Where limbs are, against each other and the body, and where they point."""
    raised = r"(?:(?:is|are|raised|lifted|stretched|extended|held|straight|reaching|reaches|high|up|stays?) )*"
    level = r"(?:parallel (?:to|with) the (?:floor|ground)|horizontal|level)\b(?! with)"
    beside = r"(?:at|by|along|beside|against) (?:the |their |his |her )?(?:sides?|body)\b"
    steps = r"(?:(?:is|are|steps?|stepping|placed|set|planted|put|far|well|slightly|a step|one step|stands?|kept) )*"
    other = r"the (?:other|left|right)(?: foot| leg)?\b"
    stance = r"(?:(?:are|is|kept|held|spread|set|placed|planted|opened|far) )*"
    hand, arm, foot = _limb("hand", "arm", "fist", "palm"), _limb("arm"), _limb("foot", "leg")
    hands, feet = "hand hands arm arms fist fists palm palms", "foot feet leg legs"
    yield Rule(hands, "head overhead", rf"{hand} {raised}(?:above {_OF}head|overhead)\b", _states("{hand} above head"))
    for part in ("elbow", "hand"):
        higher = rf"{_limb(part)} {raised}above {_OF}shoulders?\b"
        yield Rule(f"{part} {part}s", "above", higher, _states(f"{{{part}}} above {{shoulder}}"))
    hanging = r"(?:(?:is|are|hang|hanging|hangs|held|down|straight|kept|relaxed|resting|rest) )*"
    yield Rule("arm arms", "side sides body", rf"{arm} {hanging}{beside}", _states("{hand} near {hip} 0.4"))
    back = rf"{hand} (?:(?:is|are|clasped|held|joined|tucked|folded) )*behind {_OF}(?:lower )?back\b"
    yield Rule(hands, "behind", back, _states("{hand} behind torso"))
    ahead = r"(?:(?:is|are|held|kept|both|clasped|together|pressed|joined|crossed|raised) )*in front of"
    chest = rf"{hand} {ahead} {_OF}(?:chest|belly|face|body|stomach|hips)\b"
    yield Rule(hands, "front", chest, _states("{hand} in front of torso"))
    for part in ("thigh", "forearm", "leg", "arm"):
        horizontal = rf"{_limb(part)} (?:(?:is|are|raised|lifted|held|extended|stretched) )*{level}"
        yield Rule(f"{part} {part}s", "parallel horizontal level", horizontal, _states(f"{{{part}}} horizontal"))
    crossed = rf"{foot} (?:is )?(?:crossed|placed|stepping|steps) behind\b"
    yield Rule(feet, "behind", crossed, _against_other("{side}_foot behind {other}_foot 0.05"))
    for part in ("shin", "forearm"):
        vertical = rf"{_limb(part)} (?:(?:is|are|held) )*vertical\b"
        yield Rule(f"{part} {part}s", "vertical", vertical, _states(f"{{{part}}} vertical"))
    yield Rule(feet, "front ahead before", rf"{foot} {steps}(?:in front of|ahead of|before) {other}",
               _against_other("{side}_foot in front of {other}_foot 0.1"))  # fmt: skip
    yield Rule(feet, "behind", rf"{foot} {steps}behind {other}", _against_other("{side}_foot behind {other}_foot 0.1"))
    for part, limb in (("hand", _limb("hand", "arm")), ("foot", foot)):
        above = rf"{limb} (?:is )?(?:held |raised )?higher than the (?:other|left|right)\b"
        yield Rule(f"{hands} {feet}", "higher", above, _against_other(f"{{side}}_{part} above {{other}}_{part} 0.05"))
    folded = r"arms (?:(?:are|both|tightly|loosely) )*folded\b(?! (?:behind|above|under))"
    for side in ("left", "right"):
        yield Rule("arms", "folded", folded, _states(f"{side}_hand near {other_side(side)}_elbow 0.35"))
    tucked = rf"elbows (?:(?:are|tucked|held|kept|pressed|in) )*(?:close to|at|against) {_OF}(?:sides?|ribs|body)\b"
    yield Rule("elbows", "side sides ribs body", tucked, _states("elbows apart ..0.6"))
    yield Rule("feet legs", "apart", rf"(?:feet|legs) {stance}{_APART}", _apart)
    wide = r"(?:feet|legs) (?:(?:are|is|kept|held|set) )*(?:spread|wide)\b(?! apart)"
    astride = r"(?:wide|straddle|wide-legged) stance\b"
    wider = (
        r"feet (?:(?:are|slightly|a little|much|just|apart) )*wider than (?:the |their |his |her )?(?:hips|shoulders)\b"
    )
    yield Rule("feet", "wider", wider, _states("feet apart 0.25.."))
    yield Rule("feet legs stance", "spread wide stance", f"(?:{wide}|{astride})", _states("feet apart 0.3.."))
    forward = rf"{arm} {_AIMED}(?:forwards?|in front|ahead|to the front)\b"
    yield Rule("arm arms", "forward forwards front ahead", forward, _states("{arm} points forward 45"))
    aloft = r"(?:upwards?|up|overhead|(?:to|at|for|towards?) the (?:ceiling|sky))\b"
    yield Rule(
        "arm arms", "upward upwards up overhead ceiling sky", rf"{arm} {_AIMED}{aloft}", _states("{hand} above head")
    )
    skyward = rf"{arm} (?:{_AIMED})?(?:straight up|(?:to|at|for|towards?) the (?:ceiling|sky))\b"
    yield Rule("arm arms", "up ceiling sky", skyward, _states("{arm} points up 42"))
    spread = r"(?:(?:are|is|held|raised|lifted|wide) )*(?:spread|open|out) (?:wide )?"
    aside = rf"{arm} (?:{_AIMED}|{spread})(?:(?:out )?to the sides?|sideways)\b"
    yield Rule("arm arms", "side sides sideways", aside, _states("{arm} points outward 45"))
    downward = rf"{arm} {_AIMED}(?:downwards?|down)\b(?! behind)"
    yield Rule("arm arms", "down downward downwards", downward, _states("{arm} points down 45"))
    backward = rf"{arm} {_AIMED}(?:backwards?|back|behind)\b"
    yield Rule("arm arms", "back backward backwards behind", backward, _states("{hand} behind torso"))


def _rules_of_the_trunk() -> Iterator[Rule]:
    """How the trunk and the head are held."""
    trunk, head = r"(?:torso|trunk|body|upper body|chest)", r"(?:head|face|gaze)"
    trunks, heads = "torso trunk body chest back spine shoulders", "head face gaze chin"
    where = r"(?P<where>forwards?|backwards?|back|to the left|to the right)\b"
    turned = r"(?:(?:is|are|turned|turns|turning|rotated|rotates|twisted|twists|twisting|looking|looks|facing) )+"
    leans = r"(?:is |are )?(?:leans?|leaning|leaned|inclined|inclines|tilted|tilts|tilting)"
    gazes = "looking looks gazing gazes glancing"
    yield Rule(trunks, "lean leans leaning leaned inclined inclines tilted tilts tilting",
               rf"{trunk} {leans} {_MORE}{where}", _leans)  # fmt: skip
    person = r"(?:he|she|they|person|man|woman|someone|somebody) (?:is )?(?:leans?|leaning)"
    yield Rule(
        "he she they person man woman someone somebody", "lean leans leaning", rf"{person} {_MORE}{where}", _leans
    )
    bent = r"(?:bent|bending|bends|hinged|hinging|folded|folding) forwards? (?:at|from) the (?:hips?|waist)\b"
    yield Rule("hip hips waist", "forward forwards", bent, _states("torso leans forward 20"))
    upright = r"(?:torso|trunk|upper body|back|spine) (?:is |are )?(?:kept |held |perfectly )?(?:upright|vertical)\b"
    yield Rule(trunks, "upright vertical", upright, _states("torso upright"))
    twisted = rf"(?:torso|trunk|upper body|shoulders) {turned}{_MORE}to the (?P<to>left|right)\b"
    yield Rule(trunks, "left right", twisted, _states("torso twists {to} 10"))
    yield Rule(heads, "left right", rf"{head} {turned}{_MORE}to the (?P<to>left|right)\b", _states("head looks {to} 8"))
    glance = rf"(?:{gazes.replace(' ', '|')}) {_MORE}(?:to )?{_OF}(?P<to>left|right)\b"
    yield Rule(gazes, "left right", glance, _states("head looks {to} 8"))
    over = rf"(?:gaze|{gazes.replace(' ', '|')}) (?:back )?over {_OF}(?P<to>left|right) shoulder\b"
    yield Rule(f"gaze {gazes}", "shoulder", over, _states("head looks {to} 10"))
    tilted = (
        rf"{head} (?:is )?(?:tilted|tilts|tilting|inclined|leaning) {_MORE}(?:to|towards?) {_OF}(?P<to>left|right)\b"
    )
    yield Rule(heads, "left right", tilted, _states("head tilts {to} 8"))
    turned_gaze = r"(?:looking|gazing|looks|gazes|gaze) (?:is )?(?:turned )?(?:straight )?"
    bowed = r"(?:head|chin) (?:is )?(?:bowed|lowered|dropped|hanging|tucked)\b(?! back)"
    yield Rule(f"{heads} {gazes}", "bowed lowered dropped hanging tucked down downward downwards",
               rf"(?:{bowed}|{turned_gaze}down(?:wards?)?\b)", _states("head looks down 10"))  # fmt: skip
    lifted = r"head (?:is )?(?:tilted|thrown|dropped|tipped) back|chin (?:is )?(?:lifted|raised|up)"
    yield Rule(f"{heads} {gazes}", "back lifted raised up upward upwards",
               rf"(?:{lifted}|{turned_gaze}up(?:wards?)?)\b", _states("head looks up 8"))  # fmt: skip


_RULES: Final = (*_rules_of_bends(), *_rules_of_contacts(), *_rules_of_places(), *_rules_of_the_trunk())
