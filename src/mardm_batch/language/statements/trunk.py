"""How the trunk and the head are held."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.numbers import SPELT, value
from mardm_batch.language.statements.rules import MORE, OF, WHERE, Match, Rule, states, unless_said

_TRUNK: Final = r"(?:torso|trunk|body|upper body|chest)"
_TRUNKS: Final = "torso trunk body chest back spine shoulders"
_LEANS: Final = (
    r"(?:lean|leans|leaning|leaned|inclined|inclines|tilted|tilts|tilting|tips|tipping|tipped|slumped|slumping|slumps"
    r"|bends|bending|pitched|hinges|hinged|folds|bows|curves|curved|arches|sways)"
)
_LEAN_WORDS: Final = _LEANS[3:-1].replace("|", " ")
_NOT_THE_HEAD: Final = "".join(
    rf"(?<!{word} )(?<!{word} is )" for word in ("head", "neck", "chin", "face", "arm", "arms")
)
_TURNED: Final = (
    r"(?:(?:is|are|turned|turns|turning|rotated|rotates|twisted|twists|twisting|looking|looks|facing|faces) )+"
)
_GAZE_WORDS: Final = "looking looks look gazing gazes gaze glancing glances peering peers peer staring stares stare"
_GAZES: Final = f"(?:{_GAZE_WORDS.replace(' ', '|')})"
_LYING: Final = r"(?:lie|lies|lying|laying|lays|laid|reclining|sprawled|flopped) (?:\w+ ){0,3}?"


def rules() -> Iterator[Rule]:
    """The trunk, then the head, then what lies."""
    yield from _leans()
    yield from _turns()
    yield from _head()
    yield from _lying()


def _leans() -> Iterator[Rule]:
    yield Rule(_TRUNKS, "forward forwards", rf"{_TRUNK} {MORE}(?P<where>forwards?)\b", _lean)
    yield Rule(_TRUNKS, _LEAN_WORDS, rf"{_TRUNK} (?:is |are )?{_LEANS} {MORE}{WHERE}", _lean)
    by = r"(?:(?:by|at|to|about|around|some|roughly) )*"
    degrees = (
        rf"{_TRUNK} (?:is |are )?{_LEANS} (?P<where>forwards?|back(?:wards?)?) {by}(?P<degrees>\d+|{SPELT}) degrees\b"
    )
    yield Rule(_TRUNKS, "degrees", degrees, _lean_by)
    person = r"(?:he|she|they|person|man|woman|someone|somebody) (?:is )?(?:leans?|leaning|tips|tipping)"
    yield Rule(
        "he she they person man woman someone somebody", "lean leans leaning tips tipping", rf"{person} {MORE}{WHERE}",
        _lean,
    )  # fmt: skip
    clause = rf"{_NOT_THE_HEAD}(?:leaning|leans|tipping|slumped|swaying|sways) {MORE}{WHERE}"
    yield Rule(
        "leaning leans tipping slumped swaying sways",
        "forward forwards backward backwards back left right",
        clause,
        _lean,
    )
    sideways = r"(?:leaning|leans|lean|tipping|tips|bending|bends|tilting|slumped) (?:over )?(?:sideways|to one side)\b"
    yield Rule("leaning leans lean tipping tips bending bends tilting slumped", "sideways side", sideways,
               states("torso leans left 7 or torso leans right 7"))  # fmt: skip
    bent = r"(?:bent|bending|bends|hinged|hinging|folded|folding)(?: forwards?)? (?:at|from) the (?:hips?|waist)\b"
    yield Rule("hip hips waist", "bent bending bends hinged hinging folded folding", bent,
               unless_said("sideways|to the (?:left|right|side)", states("torso leans forward 18")))  # fmt: skip
    over = (
        r"(?:(?<!knees )(?<!legs )(?<!elbows )(?<!not )(?<!deeply )bent (?:right |way |deeply |far |low )?over"
        r"|bending over|doubled over|stooping|stoops|stooped|hunched over)\b(?! (?:back|to the))"
    )
    leaning = unless_said("back(?:ward)?s? over", states("torso leans forward 8"))
    yield Rule("bent bending doubled stooping stoops stooped hunched", "over stooping stoops stooped", over, leaning)
    reclined = r"(?:reclining|reclined|reclines|recline)\b(?! on (?:the|his|her|their) (?:back|side|belly|stomach))"
    yield Rule("reclining reclined reclines recline", "reclining reclined reclines recline", reclined,
               states("torso leans back 10"))  # fmt: skip
    bow = r"(?:deep|low) (?:\w+ )?bow\b"
    yield Rule("bow", "deep low", bow, states("torso leans forward 40"))
    bowing = (
        r"(?<!head )(?<!head is )(?<!chin )(?<!face )(?:bowing|bowed|bows) (?:(?:very|low|lower|deeply|deep|down"
        r"|forwards?|from the (?:waist|hips)) ?)+"
    )
    yield Rule("bowing bowed bows", "low lower deeply deep down forward forwards waist hips", bowing,
               states("torso leans forward 20"))  # fmt: skip
    upright = (
        r"(?:torso|trunk|upper body|back|spine) (?:is |are )?(?:kept |held |perfectly |quite |very )?(?:upright"
        r"|vertical|erect|tall)\b"
    )
    yield Rule(_TRUNKS, "upright vertical erect tall", upright, states("torso upright"))
    seated = (
        r"(?:sits?|sitting|seated|sat|stands?|standing|kneels?|kneeling) (?:up )?(?:very |quite |perfectly )?upright\b"
    )
    yield Rule("upright", "upright", seated, states("torso upright"))
    level = (
        r"(?:torso|trunk|upper body|chest) (?:(?:is|held|lowered|tipped|bent|brought|forward) )*(?:horizontal"
        r"|parallel (?:to|with) the (?:floor|ground)|level with the (?:floor|ground))\b"
    )
    yield Rule(_TRUNKS, "horizontal parallel level", level, states("torso horizontal"))


def _turns() -> Iterator[Rule]:
    twisted = rf"(?:torso|trunk|upper body|shoulders) {_TURNED}{MORE}to (?:the )?(?P<to>left|right)\b"
    yield Rule(_TRUNKS, "left right", twisted, states("torso twists {to} 10"))
    part = rf"{OF}(?:torso|trunk|upper body|waist|shoulders) "
    to_side = rf"{MORE}(?:(?:at|from) the waist )?to (?:the )?(?P<to>left|right)\b"
    twisting = rf"(?:twisting|twists|twist|twisted|rotating|rotates|rotate) (?:{part})?{to_side}"
    yield Rule("twisting twists twist twisted rotate rotating rotates", "left right", twisting,
               states("torso twists {to} 8"))  # fmt: skip
    turning = rf"(?:turning|turns|turn) {part}{to_side}"
    yield Rule("turning turns turn", "torso trunk upper shoulders waist", turning, states("torso twists {to} 8"))


def _head() -> Iterator[Rule]:
    head, heads = r"(?:head|face|gaze)", "head face gaze chin"
    yield Rule(
        heads,
        "left right",
        rf"{head} {_TURNED}{MORE}to (?:the |his |her |their )?(?P<to>left|right)\b",
        states("head looks {to} 8"),
    )
    glance = (
        rf"{_GAZES} {MORE}(?:away )?(?:to )?{OF}(?P<to>left|right)\b(?! (?:shoulder|hand|foot|knee|arm|elbow|palm|fist"
        r"|toes|thigh|leg))"
    )
    yield Rule(_GAZE_WORDS, "left right", glance, states("head looks {to} 8"))
    turning = rf"(?:turning|turns|turn|turned) {OF}(?:head|face|gaze) {MORE}(?:to )?{OF}(?P<to>left|right)\b"
    yield Rule("head face gaze", "left right", turning, states("head looks {to} 8"))
    over = (
        rf"(?:{_GAZES}|{head} (?:is )?turned) (?:back |round |around )?(?:(?:at|to|towards) (?:\w+ ){{0,2}}?)?over "
        rf"{OF}(?P<to>left|right) shoulder\b"
    )
    yield Rule(f"{heads} {_GAZE_WORDS}", "shoulder", over, states("head looks {to} 10"))
    tilted = (
        rf"{head} (?:(?:is|has) )?(?:tilted|tilts|tilting|inclined|leaning|leans|cocked|tipped|dropped|drops|fallen"
        r"|flopped|bent|bends) "
        rf"{MORE}(?:(?:to|towards?) )?{OF}(?P<to>left|right)\b(?! (?:hand|foot|knee|palm|elbow))"
    )
    yield Rule(heads, "left right", tilted, states("head tilts {to} 8"))
    ear = (
        r"(?P<to>left|right) ear (?:\w+ ){0,3}?(?:to|towards?|near|against|approaches|on) (?:the |his |her |their )?"
        r"(?P=to) shoulder\b"
    )
    yield Rule("ear", "shoulder", ear, states("head tilts {to} 8"))
    gaze = rf"{_GAZES} (?:is )?(?:turned )?(?:straight |right )?"
    floor = r"(?:the |his |her |their )?(?:floor|ground|carpet|feet|toes|shoes)\b"
    bowed = (
        r"(?:head|chin) (?:(?:is|all) )?(?:bowed|lowered|dropped|hanging|hung|hangs|drooping|droops|tucked|down|bent "
        r"forwards?)\b(?! (?:back|to|on|onto)\b)"
    )
    down = (
        rf"(?:{bowed}|{gaze}down(?:wards?)?\b|(?:{_GAZES} at|eyes (?:fixed |cast )?on|eyes to|face (?:turned )?"
        rf"towards?) {floor}|eyes (?:cast )?down(?:cast)?\b)"
    )
    on_chest = (
        r"chin (?:(?:is|rests|resting|down|dropped|tucked) )*(?:on|onto|to|into|against) (?:the |his |her |their )?"
        r"chest\b"
    )
    yield Rule("chin", "chest", on_chest, states("head looks down 10"))
    lowered = (
        "bowed lowered dropped hanging hung hangs drooping droops tucked down downward downwards downcast bent "
        "floor ground carpet feet toes shoes"
    )
    looks_down = unless_said("lying|lies|lie|prone|handstand|upside", states("head looks down 10"))
    yield Rule(f"{heads} {_GAZE_WORDS} eyes", lowered, down, looks_down)
    lifted = (
        r"head (?:(?:is|all the way) )?(?:tilted|thrown|dropped|tipped|flopped|falls|fallen|leaning|leaned|hanging) "
        r"back|chin (?:is )?(?:lifted|raised|up|high)"
    )
    sky = r"(?:the )?(?:sky|ceiling|stars|clouds)\b"
    up = (
        rf"(?:{lifted}|{gaze}up(?:wards?)?|(?:{_GAZES} at|eyes (?:fixed )?on|face (?:turned )?(?:to|towards?)) {sky})\b"
    )
    yield Rule(f"{heads} {_GAZE_WORDS} eyes", "back lifted raised up upward upwards high sky ceiling stars clouds",
               up, unless_said("lying|lies|lie|supine", states("head looks up 8")))  # fmt: skip


def _lying() -> Iterator[Rule]:
    own = r"(?:the|his|her|their|its) "
    back = rf"(?:supine\b|{_LYING}on {own}back\b)"
    yield Rule("supine back", "supine back", back, states("chest faces up"))
    front = rf"(?:(?:lying |lies |lie |laid )?prone\b|{_LYING}(?:on {own}(?:belly|stomach|front|tummy)|face[- ]down)\b)"
    yield Rule("prone belly stomach front tummy face", "prone on down", front, states("chest faces down"))
    straight = unless_said(r"knees?|legs?|feet|foot|shins?|crawl\w*|heels?|push\w*|plank", states("knees bent ..40"))
    yield Rule("prone belly stomach front tummy face", "prone on down", front, straight)
    shoulders = (
        r"shoulders (?:(?:stay|are|kept|remain|flat|rest|resting|both) )*(?:on|against) the (?:floor|ground|mat)\b"
        r"|belly up\b"
    )
    yield Rule("shoulders belly", "floor ground mat up", shoulders, states("chest faces up"))
    side = rf"{_LYING}on {own}(?P<to>left|right) side\b"
    yield Rule("side", "left right", side, states("torso horizontal"))
    crab = (
        r"(?:belly|stomach|chest) (?:(?:is|turned|pointing|up) )*(?:(?:facing )?(?:to|towards?|at)|facing|faces) the "
        r"(?:ceiling|sky)\b"
    )
    yield Rule("belly stomach chest", "ceiling sky", crab, states("chest faces up"))
    seated = r"(?:sitting|seated|sits|sit|sat) (?:\w+ ){0,2}?on the (?:floor|ground|mat|lawn|grass|carpet|beach)\b"
    yield Rule(
        "sitting seated sits sit sat", "floor ground mat lawn grass carpet beach", seated, states("pelvis height ..0.4")
    )
    inverted = r"(?:upside down|handstand|headstand)\b"
    yield Rule("upside handstand headstand", "down handstand headstand", inverted, states("torso inverted"))
    yield Rule("handstand", "handstand", r"handstand\b", states("elbows bent ..45"))


def _lean(match: Match) -> str:
    where = {"forwards": "forward", "backward": "back", "backwards": "back"}.get(match["where"], match["where"])
    return f"torso leans {where.removeprefix('to the ')} {6 if match['slight'] else 10}"


def _lean_by(match: Match) -> str | None:
    degrees = int(value(match["degrees"]))
    where = "forward" if match["where"].startswith("forward") else "back"
    return f"torso leans {where} {degrees - 18}..{degrees + 18}" if 20 <= degrees <= 120 else None
