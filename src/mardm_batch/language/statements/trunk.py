"""How the trunk is held."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.language.limbs import other_side
from mardm_batch.language.numbers import SPELT, value
from mardm_batch.language.statements.rules import (
    ASIDE,
    MORE,
    OF,
    TURNED,
    WHERE,
    Match,
    Rule,
    against_other,
    gap,
    states,
    unless_said,
)

_TRUNK: Final = r"(?:torso|trunk|body|upper body|chest|spine|ribs|ribcage)"
_TRUNKS: Final = "torso trunk body chest back spine shoulders ribs ribcage"
_LEANS: Final = (
    r"(?:dives|diving|dipping|dips|pitches|pitching|rears|reared|sinks|snaps|lean|leans|leaning|leaned|inclined"
    r"|inclines"
    r"|inclining|tilted|tilts|tilting|tips|tipping|tipped|slumped|slumping|slumps|goes|reaches|crouched|droops"
    r"|bends|bending|bent|flexed|flexes|pitched|hinges|hinged|folds|bows|curves|curved|arches|sways|swayed"
    r"|swaying|slants?"
    r"|slanted|slanting|lists?|listing|veers?|veering|cants?|canted|canting|sags|sagging|lurches|lurching|angled|bowed"
    r"|bowing|topples|toppling)"
)
_LEAN_WORDS: Final = " ".join(
    word for each in _LEANS[3:-1].split("|") for word in (each.replace("?", ""), each.replace("s?", ""))
)
_WAYS: Final = {"ahead": "forward", "in": "forward", "backward": "back"}
_FAR: Final = re.compile(r"\b(?:far|way|deeply|sharply|steeply|heavily)\b")
_NOT_THE_HEAD: Final = "".join(
    rf"(?<!{word} )(?<!{word} is )" for word in ("head", "neck", "chin", "face", "arm", "arms")
)


def _folded() -> Iterator[Rule]:
    in_half = r"(?:folds?|folded|folding|bends?|bent|bending|hinged) (?:(?:right|completely|forwards?|over) )*in half\b"
    yield Rule("half", "fold folds folded folding bend bends bent bending hinged", in_half,
               unless_said(r"sit\w*|sat|seated|kneel\w*|heels", states("torso leans forward 75..")))  # fmt: skip
    on_thighs = (
        r"(?:torso|trunk|upper body|chest) (?:(?:is|folded|lowered|down|bent|rests?|resting|lies|lying|forward"
        r"|flat|right) )*"
        r"(?:over|between|on|onto|against) (?:the |his |her |their |both )*(?:thighs|knees|legs)\b"
    )
    yield Rule("torso trunk body chest", "thighs knees legs", on_thighs,
               unless_said(r"supine|on (?:the|his|her|their) back", states("torso leans forward 45..")))  # fmt: skip


def rules() -> Iterator[Rule]:
    """How it leans, then how it turns."""
    yield from _folded()
    yield from _leans()
    yield from _turns()


def _leans() -> Iterator[Rule]:
    yield Rule(_TRUNKS, "forward forwards", rf"{_TRUNK} {MORE}(?P<where>forwards?)\b", _lean)
    yield Rule(
        _TRUNKS, _LEAN_WORDS, rf"{_TRUNK} (?:is |are )?(?:(?:slightly|laterally) )?{_LEANS} {MORE}{WHERE}", _lean
    )
    noun = r"(?:(?P<slight>slight) )?(?P<where>left|right|forward|backward|back) lean\b"
    yield Rule("lean", "left right forward backward back", noun, _lean)
    by = r"(?:(?:by|at|to|about|around|some|roughly) )*"
    number = rf"{by}(?P<degrees>\d+|{SPELT}) degrees"
    for degrees in (rf"{WHERE} {number}\b", rf"{number} {WHERE}"):
        yield Rule(_TRUNKS, "degrees", rf"(?:{_TRUNK}|back|spine) (?:is |are )?{_LEANS} {degrees}", _lean_by)
    person = r"(?:he|she|they|person|man|woman|someone|somebody) (?:is )?(?:leans?|leaning|tips|tipping)"
    yield Rule(
        "he she they person man woman someone somebody", "lean leans leaning tips tipping", rf"{person} {MORE}{WHERE}",
        _lean,
    )  # fmt: skip
    pitched = (
        rf"(?:torso|trunk|upper body|back|spine) {gap('back*|straight|up*')}(?P<where>forwards?)\b(?! (?:slightly|a))"
    )
    yield Rule(_TRUNKS, "forward forwards", pitched, states("torso leans forward 8"))
    deep = (
        rf"(?:(?:torso|trunk|upper body|back) {gap('back*')}(?:bent|folded|hinged|tipped|pitched) (?:deeply|deep|far"
        r"|right|way|waa+y|well|low) "
        r"(?:forwards?|over|down)|(?:folds?|folded|bends?|bent|hinges?|hinged) (?:right |completely )?(?:in half"
        r"|double)"
        r"|(?:torso|trunk|upper body|chest|belly|tummy|stomach) (?:\w+ ){0,3}?(?:on|between|against|near|to|towards?"
        r"|over) (?:the |his "
        r"|her |their )*(?:thighs?|legs)"
        r"|(?:bent|folded|hinged|bend|bends|bending|folds|hinges) (?:forwards? )?(?:at|from) the (?:waist|hips) (?:at "
        r"|to |by |about )*90)\b"
    )
    yield Rule(f"{_TRUNKS} belly tummy stomach folds folded bends bent hinges hinged fold bend bending",
               "deeply deep far right way waaay well low half double thigh thighs legs 90", deep,
               unless_said(r"lying|lies|supine|back on|kneel\w*|knees?", states("torso leans forward 40")))  # fmt: skip
    noun = r"(?P<to>left|right) side[- ]?bend\b"
    yield Rule("side bend sidebend", "left right", noun, states("torso leans {to} 6"))
    flexed = (
        r"(?:trunk|torso|spine|upper body|body|chest|back) (?:is )?(?:\w+ )?(?:inclines|inclining|bows|flexed"
        r"|bowed|pitched|inclined|stooped|stooping"
        r"|hunched|bent|tipped over)(?=$|[,.;]| (?:and|while|with|sharply|deeply|well|over|as|so)\b)"
    )
    yield Rule(
        _TRUNKS,
        "flexed bowed bows inclines inclining pitched inclined stooped stooping hunched bent over",
        flexed,
        unless_said("laterally|side\\w*|back\\w*", states("torso leans forward 8")),
    )
    over_leg = (
        rf"(?:torso|trunk|upper body|chest) (?:is )?(?:leaning|leans|bent|folded|bends|folds|draped|hunched|slumped"
        rf"|slumps|collapsed|bowed) (?:\w+ "
        rf"){{0,2}}?over {OF}"
        r"(?:(?:left|right|front|both|extended|straight|bent) )*(?:thighs?|legs?|knees?)\b"
    )
    yield Rule(_TRUNKS, "over", over_leg, states("torso leans forward 12"))
    side_bend = (
        r"(?:(?:lateral flexion|side[- ]?bend\w*|bends?|bending|bent|flexed|curved) (?:of the )?(?:torso |trunk "
        r"|spine |upper body |body )?"
        r"(?:hard |far |over |sideways |slightly |(?:at|from) the (?:waist|hips) )*(?:to )?(?:the |his |her |their "
        r"|its )?(?P<to>left|right)(?: side)?"
        r"\b(?! (?:leg|knee|arm|elbow|foot|hip|hand|and|thumb|index|wrist|ankle)))"
    )
    yield Rule("lateral side sidebend bend bends bending bent flexed curved", "left right", side_bend,
               unless_said("head|neck|knees?|legs?|elbows?|arms?|chin|face", states("torso leans {to} 6")))  # fmt: skip
    arched = (
        r"(?:(?:arch(?:es|ing|ed)?|bend(?:s|ing)?|bent) (?:the |his |her |their )?(?:back|spine|chest|torso|trunk"
        r"|upper body|far|hard|right|over|way)? ?(?:far |way |hard |right |deeply )?(?:backwards?)"
        r"|(?:torso|trunk|upper body|spine|back) (?:\w+ ){0,3}?(?:backwards?))\b"
    )
    yield Rule("arch arches arching arched bend bends bending bent torso trunk upper spine back", "backward backwards",
               arched, unless_said("head|neck|hips|pelvis", states("torso leans back 8")))  # fmt: skip
    shoulders = (
        r"shoulders (?:are )?(?:tilted|slanted|tipped|slanting|tilt) (?:down )?(?:to|towards?) the (?P<side>left"
        r"|right)\b"
    )
    yield Rule("shoulders", "left right", shoulders, against_other("{side}_shoulder below {other}_shoulder 0.02"))
    to_side = (
        r"(?:torso|trunk|upper body|body|spine) (?:\w+ ){0,2}?(?:lean\w*|slant\w*|tilt\w*|tip\w*|bend\w*|bent|curv\w*"
        r"|inclin\w*) (?:\w+ ){0,2}?(?:to (?:one|either) side|sideways)\b"
    )
    yield Rule(_TRUNKS, "side sideways", to_side, states("torso leans left 6 or torso leans right 6"))
    leaners = (
        "leaning leans lean tipping slumped swaying sways slumping slumps listing lists keeling slouching slouched"
    )
    clause = rf"{_NOT_THE_HEAD}(?:{leaners.replace(' ', '|')}) {MORE}{WHERE}"
    yield Rule(
        leaners,
        "forward forwards ahead backward backwards back left right in",
        clause,
        _lean,
    )
    to_that_side = rf"{_NOT_THE_HEAD}(?:leaning|leans|lean|tipping|tips|bending|bends) (?:over )?sideways {MORE}{WHERE}"
    yield Rule("leaning leans lean tipping tips bending bends", "sideways", to_that_side, _lean)
    sideways = (
        rf"{_NOT_THE_HEAD}(?:leaning|leans|lean|tipping|tips|bending|bends|tilting|slumped) (?:over )?(?:sideways"
        rf"|to one side)\b"
    )
    yield Rule("leaning leans lean tipping tips bending bends tilting slumped", "sideways side", sideways,
               states("torso leans left 7 or torso leans right 7"))  # fmt: skip
    bent = r"(?:bent|bending|bends|hinged|hinging|folded|folding)(?: forwards?)? (?:at|from) the (?:hips?|waist)\b"
    yield Rule("hip hips waist", "bent bending bends hinged hinging folded folding", bent,
               unless_said("sideways|to the (?:left|right|side)", states("torso leans forward 18")))  # fmt: skip
    over = (
        r"(?:(?<!knees )(?<!legs )(?<!elbows )(?<!not )(?<!deeply )(?<!arm )(?<!arms )(?<!arm is )(?<!arms are "
        r")(?<!elbow )"
        r"(?<!elbow is )bent (?:right |way |deeply |far |low )?over"
        r"|bending over|doubl(?:ed|es|ing) over|stooping|stoops|stooped|hunched over|leans? over|leaning over"
        r"|(?:folds|folding|droops?|drooping|flopped|flops|slumped|slumps) (?:right |limply )?over)\b(?! "
        r"(?:back\w*|to|sideways|one)\b)"
    )
    leaning = unless_said("back(?:ward)?s? over", states("torso leans forward 8"))
    yield Rule(
        "bent bending doubled doubles doubling stooping stoops stooped hunched lean leans leaning folds folding droop "
        "droops drooping flopped flops slumped slumps",
        "over stooping stoops stooped",
        over,
        leaning,
    )
    reclined = r"(?:reclining|reclined|reclines|recline)\b(?! on (?:the|his|her|their) (?:back|side|belly|stomach))"
    yield Rule("reclining reclined reclines recline", "reclining reclined reclines recline", reclined,
               states("torso leans back 18"))  # fmt: skip
    bow = r"(?:deep|low) (?:\w+ )?bow\b"
    yield Rule("bow", "deep low", bow, states("torso leans forward 40"))
    bowing = (
        r"(?<!head )(?<!head is )(?<!chin )(?<!face )(?:bowing|bowed|bows) (?:(?:very|low|lower|deeply|deep|down"
        r"|forwards?|from the (?:waist|hips)) ?)+"
    )
    yield Rule("bowing bowed bows", "low lower deeply deep down forward forwards waist hips", bowing,
               states("torso leans forward 20"))  # fmt: skip
    upright = (
        rf"(?:torso|trunk|upper body|back|spine|shoulders) {gap('slightly|more|less|not')}(?:upright|vertical|erect"
        r"|tall|straight up|stacked (?:directly )?(?:over|on|above) (?:the )?(?:pelvis|hips))\b(?<!the vertical)"
    )
    yield Rule(_TRUNKS, "upright vertical erect tall up stacked", upright, states("torso upright"))
    straight_back = (
        r"(?<!reaches )(?<!reaching )(?<!points )(?<!pointing )(?<!stretched )(?<!extended )(?<!kicked )(?<!arm )"
        r"(?<!leg )(?:straight|upright|erect|tall) (?:back|spine|trunk|torso)\b|(?:back|spine|trunk) straight\b"
    )
    other_postures = (
        r"lean\w*|bent|bend\w*|hing\w*|forwards?|bow\w*|l(?:ie|ies|ying)|plank|fold\w*|squat\w*|fours|push\w*|lung\w*"
        r"|floor|inclin\w*|tilt\w*|parallel|horizontal|crouch\w*|degrees|press\w*|flat|supine|prone"
    )
    yield Rule("back spine trunk torso", "straight upright erect tall", straight_back,
               unless_said(other_postures, states("torso upright")))  # fmt: skip
    tall = (
        r"(?:stand(?:s|ing)?|stood) (?:up |there |very |perfectly |really |nice and )*(?:straight|tall"
        r"|erect)\b(?! (?:leg|arm))"
    )
    yield Rule("stand stands standing stood", "straight tall erect", tall,
               unless_said(rf"{other_postures}|reach\w*|over|hand\w*stand|split|arch\w*|slump\w*|hunch\w*",
                           states("torso upright")))  # fmt: skip
    wall = (
        r"(?<!lower )back (?:(?:is|pressed|flat|flattened|held|up|propped|pinned|glued|stuck|right|flush|resting|rests"
        r"|sliding|slides|down) )*(?:against|to) (?:a|the|an) (?:\w+ )?(?:wall|door|doorway|doorframe|tree"
        r"|lockers?|fence"
        r"|pillar|post|pole|column|lamp ?post)\b"
    )
    yield Rule("back", "against to", wall,
               unless_said(r"lean\w*|l(?:ie|ies|ying)|legs up|feet up|recline\w*|slump\w*|head (?:down|bowed)|side",
                           states("torso upright")))  # fmt: skip
    falling = (
        r"(?P<slight>(?!))?(?:fall(?:s|ing)|toppl(?:es|ing)|tumbl(?:es|ing)|tip(?:s|ping)|keel(?:s|ing)"
        r"|pitch(?:es|ing)|reel(?:s|ing)|rock(?:s|ing)|teeter(?:s|ing)) (?:over |straight |right )*"
        r"(?P<where>backwards?|forwards?)\b(?! (?:with|on|onto) (?:the )?(?:knees?|hands|head))"
    )
    yield Rule("falls falling topples toppling tumbles tumbling tips tipping keels keeling pitches pitching reels "
               "reeling rocks rocking teeters teetering", "backward backwards forward forwards", falling,
               unless_said(r"lying|jump\w*|chair|sit\w*|head|flip|somersault|roll\w*", _lean))  # fmt: skip
    seated = (
        r"(?:sits?|sitting|seated|sat|stands?|standing|kneels?|kneeling) (?:up )?(?:very |quite |perfectly |bolt )?"
        r"upright\b"
    )
    yield Rule("upright", "upright", seated, states("torso upright"))
    level = (
        rf"(?:torso|trunk|upper body|chest|back|spine) {gap('lower')}(?:horizontal|parallel (?:to|with) the (?:floor"
        r"|ground|mat)|level with (?:the )?(?:floor|ground)|flat(?: as a table)?(?= (?:and )?parallel|$))\b"
    )
    yield Rule(_TRUNKS, "horizontal parallel level flat", level, states("torso horizontal"))


def _turns() -> Iterator[Rule]:
    twisted = rf"(?:torso|trunk|upper body|shoulders) {TURNED}{MORE}(?:to|towards?) (?:the )?(?P<to>left|right)\b"
    yield Rule(_TRUNKS, "left right", twisted, states("torso twists {to} 10"))
    rotated = (
        r"(?:torso|trunk|upper body|shoulders|chest|spine|waist) "
        rf"{gap('lean*|tilt*|bend*|bent|slant*|tip*|head|rib|weight')}"
        r"(?:twist\w*|rotat\w*|turn(?:s|ed|ing)?|spirals?|swung|swing|swings|swivel\w*|wound|winds?|winding"
        r"|coil\w*|corkscrew\w*|screwed|wrung|spun) "
        rf"{MORE}(?:a?round |back |fully |a quarter |halfway |half |partly |partially )?(?:(?:to|towards?) )?(?:the "
        rf"|his |her |their )?(?P<to>left"
        rf"|right)(?:wards?)?\b(?! (?:hip|knee|hand"
        rf"|foot|arm|leg"
        r"|elbow|shoulder))"
    )
    yield Rule(
        _TRUNKS + " waist", "left right leftward rightward leftwards rightwards", rotated, states("torso twists {to} 8")
    )
    shoulder = (
        r"(?P<side>left|right) shoulder (?:(?:is|comes?|brought|pushed|turned|rotated|pulled|drawn|swung|thrust"
        r"|moves?|well|and|in) )*"
        r"(?P<way>forwards?|ahead|in front|back(?:wards?)?)(?=$|[,.;]| (?:and|while|with|but|as) )"
    )
    yield Rule("shoulder", "forward forwards ahead front back backward backwards", shoulder, _by_shoulder)
    facing = (
        r"(?:chest|torso|upper body) (?:is )?(?:facing|faces|towards?|turned towards?) (?:to )?(?:the )?(?P<to>left"
        r"|right)\b"
        r"(?! (?:leg|knee|thigh|foot|hand|arm))"
    )
    yield Rule(_TRUNKS, "left right", facing, states("torso twists {to} 8"))
    rotation = (
        r"(?:(?:thoracic|trunk|torso|spinal|upper body) rotation|(?:quarter|half|slight|big|full) (?:turn|twist) of "
        r"the (?:chest|torso|trunk|shoulders)) (?:\w+ )?to the (?P<to>left|right)\b"
    )
    yield Rule("rotation turn twist", "left right", rotation, states("torso twists {to} 8"))
    part = rf"{OF}(?:torso|trunk|upper body|waist|shoulders) "
    to_side = rf"{MORE}(?:(?:at|from) the waist )?(?:to (?:the |his |her |their )?)?(?P<to>{ASIDE})"
    twisting = rf"(?:twisting|twists|twist|twisted|rotating|rotates|rotate) (?:{part})?{to_side}"
    yield Rule("twisting twists twist twisted rotate rotating rotates", "left right", twisting,
               states("torso twists {to} 8"))  # fmt: skip
    turning = rf"(?:turning|turns|turn) {part}{to_side}"
    yield Rule("turning turns turn", "torso trunk upper shoulders waist", turning, states("torso twists {to} 8"))


def _lean(match: Match) -> str:
    is_far = _FAR.search(match[0]) is not None
    return f"torso leans {_way(match)} {6 if match['slight'] else 18 if is_far else 10}"


def _way(match: Match) -> str:
    where = match["where"].split()[-1].removesuffix("s")
    return _WAYS.get(where, where)


def _lean_by(match: Match) -> str | None:
    degrees = int(value(match["degrees"]))
    return f"torso leans {_way(match)} {degrees - 18}..{degrees + 18}" if 20 <= degrees <= 120 else None


def _by_shoulder(match: Match) -> str:
    """A shoulder that comes forward turns the trunk to the other side."""
    side = match["side"] if match["way"].startswith("back") else other_side(match["side"])
    return f"torso twists {side} 5"
