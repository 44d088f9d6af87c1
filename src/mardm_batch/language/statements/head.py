"""Where the head is turned and tilted, and where it looks."""

from collections.abc import Iterator
from typing import Final

from mardm_batch.language.statements.rules import MORE, OF, TURNED, Rule, gap, states, unless_said, where_said

_GAZE_WORDS: Final = (
    "looking looks look gazing gazes gaze glancing glances peering peers peer staring stares stare squinting squints"
)
_STUDIES: Final = (
    r"(?:stud(?:y|ies|ying)|inspect\w*|examin\w+|contemplat\w+|watch(?:es|ing)?|scan(?:s|ning)?|search(?:es|ing)?)"
)
_CRIES: Final = r"(?:roar|grin|howl|shout|scream|yell|smil|wav|laugh|sing|gap|bellow|bay|bark|beam|squint)\w*"
_GAZES: Final = f"(?:{_GAZE_WORDS.replace(' ', '|')})"


def rules() -> Iterator[Rule]:
    """Turns, tilts, then up and down."""
    head, heads = r"(?:head|face|gaze)", "head face gaze chin"
    yield Rule(
        heads,
        "left right",
        rf"{head} (?:{TURNED}|{gap('tilt*|tip*|incline*|lean*|bent|bends?|drop*|side|ear')}(?:turn\w*(?: away)?|averted"
        rf"|rotat\w*"
        r"|swivel\w*|twist\w*|goes|looking) )"
        rf"{MORE}(?:(?:a |about )?(?:quarter|half) turn )?(?:to )?(?:the |his |her |their )?(?P<to>left|right)\b"
        r"(?! (?:shoulder|hand|ear))",
        states("head looks {to} 8"),
    )
    neck = (
        r"(?:neck (?:is )?(?:\w+ )?(?:rotated|turned|twisted|rotates|rotation) (?:\w+ )?(?:to|towards?) the"
        r"|(?:rotation|turn) of the (?:head|neck) (?:to|towards?) the|(?:head|neck) (?:is )?(?:rotated|turned)"
        r"|(?:head|neck) (?:is )?in(?= (?:left|right) rotation)) (?P<to>left|right)\b"
    )
    yield Rule("neck head", "left right", neck, states("head looks {to} 8"))
    glance = (
        rf"{_GAZES} {MORE}(?:away )?(?:to )?{OF}(?P<to>left|right)\b(?! (?:shoulder|hand|foot|knee|arm|elbow|palm|fist"
        r"|toes|thigh|leg))"
    )
    yield Rule(_GAZE_WORDS, "left right", glance, states("head looks {to} 8"))
    turning = rf"(?:turning|turns|turn|turned) {OF}(?:head|face|gaze) {MORE}(?:to )?{OF}(?P<to>left|right)\b"
    yield Rule("head face gaze", "left right", turning, states("head looks {to} 8"))
    over = (
        rf"(?:{_GAZES}|{head} (?:is )?turned|chin(?: is)?(?: turned)?) (?:back |round |around )?(?:(?:at|to|towards) "
        rf"(?:\w+ ){{0,2}}?)?over "
        rf"{OF}(?P<to>left|right) shoulder\b"
    )
    yield Rule(f"{heads} {_GAZE_WORDS}", "shoulder", over, states("head looks {to} 10"))
    both_ways = (
        rf"(?:{_GAZES}(?: kept| held| turned| lifted| lowered)?|head (?:turned|kept|held)|eyes(?: cast)?|glances) (?:up"
        rf"|down)(?:wards?)? (?:and |over )?(?:to )?(?:the |his |her )?"
        r"(?P<to>left|right)\b(?! (?:hand|foot|knee|arm|elbow|shoulder))"
    )
    yield Rule(
        _GAZE_WORDS + " head eyes glances",
        "up down upward downward upwards downwards",
        both_ways,
        states("head looks {to} 5"),
    )
    tilted = (
        rf"(?:{head}|neck) (?:(?:is|has|slightly) )*(?:tilted|tilts|tilting|inclined|leaning|leans|cocked|tipped"
        rf"|dropped|drops|fallen"
        rf"|flopped|flops|flopping|lolls|lolling|lolled|sunk|sinks|slumped|slumps|falls|sags|droops|drooping"
        rf"|canted|cants|craned|sagging"
        rf"|flung|hanging|hangs|lying|bent|bends) "
        rf"{MORE}(?:(?:to|towards?) )?{OF}(?P<to>left|right)\b(?! (?:hand|foot|knee|palm|elbow))"
    )
    yield Rule(f"{heads} neck", "left right", tilted, states("head tilts {to} 8"))
    bent_neck = (
        r"(?:(?:head|neck) (?:(?:is|in) )?(?:side|lateral)(?:ly)?[ -](?:flexion|flexed|bent|bend(?:s|ing)?|tilt\w*)"
        r"|(?:side|lateral)(?:ly)?[ -](?:flexion|bend(?:ing)?|tilt) of the (?:head|neck)|(?:head|neck) (?:is "
        r")?(?:\w+ ){0,3}?(?:inclined|tilted|tipped|bent"
        r"|leaning|cocked|crooked) (?:\w+ ){0,3}?sideways) (?:(?:to|towards?) )?(?:the )?(?P<to>left|right)\b"
    )
    yield Rule("head neck", "left right", bent_neck, states("head tilts {to} 6"))
    on_shoulder = (
        r"(?:head|cheek|temple) (?:(?:is|rests?|resting|lies|lying|laid|dropped|drops|tilted|down|leaning|leans"
        r"|sagging|sags|falls|fallen"
        r"|lolling|lolls|flopped|flops|drooping|droops|sunk|sinks|sinking|inclined|bent|hanging|hangs|tipped|over) )*"
        r"(?:on|onto|towards?|against|to) the (?P<to>left|right) shoulder\b"
    )
    yield Rule("head cheek temple", "shoulder", on_shoulder, states("head tilts {to} 8"))
    either_way = (
        r"(?:head|face|gaze) (?:is )?(?:\w+ ){0,2}?(?:turned|averted|tilted|tipped|cocked|inclined|rotated|leaning"
        r"|leans|crooked|lolling|lolls|flopped|slumped|hanging|dropped) (?:\w+ )?(?:to (?:one|the|a) side"
        r"|sideways|away|aside)\b"
    )
    yield Rule(heads, "side sideways away aside", either_way, states("head looks left 6 or head looks right 6"))
    ear_to = (
        r"(?<!left )(?<!right )ear (?:\w+ ){0,2}?(?:to|towards?|on|at|over) (?:the |his |her |their )?(?P<to>left"
        r"|right) "
        r"shoulder\b"
    )
    yield Rule("ear", "shoulder", ear_to, states("head tilts {to} 8"))
    at_hand = (
        rf"(?:{head} (?:(?:is|turned|turns|turning|facing|faces|looking|looks|towards?|directed|rotated) )+"
        rf"|{_GAZES} |eyes "
        rf"|(?:{_GAZES}|eyes) (?:(?:is|are|fixed|turned|directed|following|follows|on|locked) )*)(?:(?:out|over"
        rf"|along|down|at"
        rf"|to|towards?|on|past|beyond|after|across) )*{OF}(?:(?:outstretched|extended|front|raised) "
        rf")?(?P<to>left|right) "
        r"(?:hand|fingertips?|fingers|palm|wrist|fist|thumb|arm|hand's)\b(?! (?:and|in front))"
    )
    aside = (
        r"out(?:stretched)? to (?:the|both|either) sides?|sideways|outstretched at shoulder|at shoulder "
        r"(?:height|level)|t[- ]"
        r"(?:pose|shape|position)|spread wide|wide open|to the sides?|warrior|out wide|arms (?:out|spread|wide)"
    )
    yield Rule(f"{heads} {_GAZE_WORDS} eyes", "left right", at_hand,
               where_said(aside, unless_said(r"forwards?|in front|overhead|lying|on the (?:left|right|floor|hip)",
                                             states("head looks {to} 8"))))  # fmt: skip
    cocked = r"(?:head|neck) (?:is )?(?:cocked|tipped)(?=$|[,.;])"
    yield Rule("head neck", "cocked tipped", cocked, states("head tilts left 5 or head tilts right 5"))
    crooked = r"(?:head|neck) (?:is )?(?:\w+ ){0,2}?crooked\b"
    yield Rule("head neck", "crooked", crooked, states("head tilts left 6 or head tilts right 6"))
    ear = (
        r"(?P<to>left|right) ear (?:\w+ ){0,3}?(?:to|towards?|near|against|approaches|on|over) (?:the |his |her "
        r"|their )?"
        r"(?P=to) shoulder\b"
    )
    yield Rule("ear", "shoulder", ear, states("head tilts {to} 8"))
    gaze = rf"{_GAZES} (?:is )?(?:(?:turned|kept|held|directed|fixed|lowered|lifted) )?(?:straight |right )?"
    floor = r"(?:the |his |her |their )?(?:floor|ground|carpet|feet|toes|shoes)\b"
    bowed = (
        r"(?:head|chin|neck) (?:(?:is|all|turned|tipped|tilted|kept|held|just) )*(?:(?:loll\w*|flopp?\w*|slump\w*"
        r"|sunk|sinks?|sinking|nodd\w+|nods|fallen|falls?|falling|sagg?\w*|sags?|droop\w*|hang\w*|dangl\w*|thrown"
        r"|pitched|tucked|dropp?\w*) (?:limply |heavily |down )*(?:forwards?|down(?:wards?)?|onto the chest|(?:in "
        r")?between the (?:arms|shoulders|knees))|bowed|lowered|dropped|sunk(?:en)?|sinks|sinking|slumped|slumps|ducked"
        r"|ducks|dipped|dips|bowing|in flexion"
        r"|flexed(?: forwards?|(?! (?:sideways|laterally|to)\b))|hanging|hung|hangs|drooping|droops|tucked|down|bent "
        r"forwards?)\b(?! (?:back|to|on|onto)\b)"
    )
    down = (
        rf"(?:{bowed}|{gaze}down(?:wards?)?\b|(?:{_GAZES} at|eyes (?:fixed |cast )?on|eyes to|face (?:turned )?"
        rf"towards?|gaze (?:is )?(?:fixed |lowered |dropped )?(?:on|to)) {floor}|eyes (?:cast )?down(?:cast)?\b)"
    )
    bowing_head = r"bow(?:s|ing|ed)? (?:the |his |her |their |your )?head\b"
    yield Rule("head", "bow bows bowing bowed", bowing_head, states("head looks down 10"))
    nose = (
        r"(?:nose|chin|face) (?:\w+ ){0,3}?(?:towards?|to|at|points? (?:to|at)) (?:the )?(?:floor|ground)\b|neck "
        r"flexion"
    )
    yield Rule("nose chin face neck", "floor ground flexion", nose,
               unless_said("lying|lies|lie|prone|handstand|upside", states("head looks down 8")))  # fmt: skip
    on_chest = (
        r"(?:chin|head) (?:(?:is|lolls|lolling|lolled|nods|nodding|rests|resting|down|dropped|drops|tucked|sunk"
        r"|sinks|sinking|pressed|forwards?|hangs"
        r"|hanging|falls|fallen|flopped|slumped|all|the|way|low|lowered|bowed|drawn|almost|nearly|touching) )*"
        r"(?:on|onto|to|into|against|towards?|near) (?:the |his |her |their )?"
        r"(?:(?:upper |top of the )?chest|sternum|breastbone|collarbones?|throat)\b"
    )
    yield Rule(
        "chin head", "chest sternum breastbone collarbone collarbones throat", on_chest, states("head looks down 10")
    )
    lowered = (
        "bowed lowered dropped sunk sunken sinks sinking slumped slumps ducked ducks dipped dips bowing forward "
        "forwards flexion hanging hung hangs drooping droops tucked down downward downwards downcast bent "
        "floor ground carpet feet toes shoes"
    )
    looks_down = unless_said("lying|lies|lie|prone|handstand|upside", states("head looks down 10"))
    yield Rule(f"{heads} neck {_GAZE_WORDS} eyes", f"{lowered} flexed forward forwards between chest", down, looks_down)
    studies = rf"{_STUDIES} {floor}"
    yield Rule("floor ground carpet feet toes shoes", "the his her their", studies, looks_down)
    lifted = (
        r"head (?:(?:is|all the way) )?(?:tilted|tilts|thrown|flung|tossed|cast|sunk|lolled|flops|dropped|drops"
        r"|tipped|tips|flopped|falls|fallen|leaning"
        r"|leaned|leans"
        r"|hanging|hangs|lolls|lolling|rolled|arched|craned) "
        r"(?:(?:way|right|far|all the way|well|sharply) )*back|chin (?:is )?(?:lifted|raised|up|high|pointing up)"
        r"|head back(?=$|[,.;])|eyes (?:up )?(?:to|on) (?:the )?sky|(?:throw|throws|throwing|tip|tips|tipping|drop"
        r"|drops|tilt|tilts) (?:the |his |her |their |your )?head (?:\w+ )?back"
        r"|(?:raise|raises|raising|lift|lifts|lifting) (?:the |his |her |their |your )?chin|neck extension"
        r"|(?:neck|head) (?:is )?(?:extended|hyperextended)(?: back(?:wards?)?)?(?=$|[,.;]| and)"
        r"|head (?:is )?(?:turned|kept|held) up|(?:face|chin|gaze|nose) (?:is )?(?:lifted"
        r"|raised|upturned|(?:tilted|turned|tipped|angled|aimed|pointed|craned|lifted) up(?:wards?)?)"
        r"|(?:gaze|eyes|face|chin|nose) (?:is )?(?:lifts?|lifted|rises?|raised|goes|turned|directed|points?|pointing"
        r"|pointed|tilted|tipped) (?:up )?(?:to|towards?|at) "
        r"(?:the )?(?:ceiling|sky)"
    )
    sky = r"(?:the )?(?:sky|ceiling|stars|clouds|roof|rafters|moon|sun|heavens|treetops)\b"
    up = (
        rf"(?:{lifted}|{gaze}up(?:wards?)?|(?:{_GAZES} at|eyes (?:fixed )?on|face (?:turned )?(?:to|towards?)) {sky})\b"
    )
    raised = (
        "back lifted raised up upward upwards high sky ceiling stars clouds roof rafters moon sun heavens "
        "treetops raise raises raising lift lifts lifting "
        "extension extended hyperextended upturned"
    )
    looks_up = unless_said("lying|lies|lie|supine", states("head looks up 8"))
    yield Rule(f"{heads} neck {_GAZE_WORDS} eyes nose", raised, up, looks_up)
    cries = (
        rf"{_CRIES} (?:up )?(?:at|to) {sky}|{_CRIES} up at\b|throat (?:\w+ ){{0,2}}?(?:open|bared|exposed"
        rf"|to) (?:to )?{sky}"
    )
    yield Rule("at to", "sky ceiling stars clouds roof rafters moon sun heavens treetops up", cries, looks_up)
