"""Parts of the body, planes and directions by the names of anatomy and of daily speech, in the words of the rules."""

import re
from typing import Final

_BONES: Final = {
    "deltoid": "shoulder", "acromion": "shoulder", "humerus": "upper arm", "brachium": "upper arm", "ulna": "forearm",
    "antebrachium": "forearm", "olecranon": "elbow", "patella": "knee", "kneecap": "knee", "knee cap": "knee",
    "femur": "thigh", "hamstring": "thigh", "tibia": "shin", "fibula": "shin", "calcaneus": "heel",
    "malleolus": "ankle", "iliac crest": "hip", "iliac spine": "hip", "hip crest": "hip", "pelvic crest": "hip",
    "hip bone": "hip", "hipbone": "hip", "trochanter": "hip", "ilium": "hip", "clavicle": "collarbone",
    "collar bone": "collarbone", "axilla": "armpit", "knuckle": "fingertip", "digit": "finger",
    "fingerpad": "fingertip", "finger pad": "fingertip", "index finger": "finger", "forefinger": "finger",
    "middle finger": "finger", "ring finger": "finger", "little finger": "finger", "pinky": "finger",
    "pinkie": "finger", "big toe": "toe", "great toe": "toe", "little toe": "toe", "plantar surface": "sole",
    "gluteus": "buttock", "glute": "buttock", "earlobe": "ear", "eyelid": "eye", "shoulder joint": "shoulder",
    "glenohumeral joint": "shoulder", "hip joint": "hip", "knee joint": "knee", "elbow joint": "elbow",
    "wrist joint": "wrist", "ankle joint": "ankle", "upper extremity": "arm", "lower extremity": "leg",
    "upper limb": "arm", "lower limb": "leg", "lower leg": "shin", "upper leg": "thigh", "lower arm": "forearm",
    "shinbone": "shin", "thighbone": "thigh", "thigh bone": "thigh", "shin bone": "shin",
}  # fmt: skip
"""What there is one of on each side."""
_IRREGULAR: Final = {
    "humeri": "upper arms", "ulnae": "forearms", "patellae": "knees", "femora": "thighs", "tibiae": "shins",
    "fibulae": "shins", "calcanei": "heels", "malleoli": "ankles", "ilia": "hips", "axillae": "armpits",
    "gluteals": "buttocks", "glutei": "buttocks", "quads": "thighs", "quadriceps": "thighs",
    "upper extremities": "arms", "lower extremities": "legs", "pinkies": "fingers",
}  # fmt: skip
_SINGLE: Final = {
    "occiput": "head", "skull": "head", "cranium": "head", "bonce": "head", "countenance": "face", "visage": "face",
    "manubrium": "sternum", "breast bone": "sternum", "xiphoid": "sternum", "thorax": "chest", "ischia": "bottom",
    "ischium": "bottom", "ischial tuberosities": "bottom", "sit bones": "bottom", "sitz bones": "bottom",
    "sits bones": "bottom", "sitting bones": "bottom", "rump": "bottom", "derriere": "bottom", "rear end": "bottom",
    "backside": "bottom", "booty": "bottom", "arse": "bottom", "tush": "bottom", "botty": "bottom",
    "coccyx": "bottom", "mandible": "jaw", "lumbar region": "lower back", "lumbar area": "lower back",
    "lumbars": "lower back", "low back": "lower back", "loins": "lower back",
    "lumbar spine": "spine", "thoracic spine": "spine", "cervical spine": "neck",
    "cervical region": "neck", "vertebral column": "spine", "spinal column": "spine", "backbone": "spine",
    "rib cage": "ribs", "ribcage": "ribs", "abdominals": "belly", "midriff": "belly", "belly button": "navel",
    "umbilicus": "navel", "abdomen": "belly", "gluteal fold": "buttocks", "cervical": "neck",
    "leftward": "to the left", "leftwards": "to the left", "rightward": "to the right", "rightwards": "to the right",
    "rearwards": "backwards", "rearward": "backwards", "to the rear": "backwards", "posteriorly": "backwards",
    "anteriorly": "forwards", "to the fore": "forwards", "cranially": "upwards", "superiorly": "upwards",
    "cephalad": "upwards", "caudally": "downwards", "inferiorly": "downwards", "heavenward": "to the sky",
    "heavenwards": "to the sky", "skywards": "to the sky", "ceilingward": "to the ceiling",
    "ceilingwards": "to the ceiling", "floorward": "to the floor", "floorwards": "to the floor",
    "earthward": "to the floor", "earthwards": "to the floor", "groundward": "to the floor",
    "groundwards": "to the floor", "aloft": "up in the air", "on high": "up in the air", "up top": "up in the air",
    "anterior to": "in front of", "posterior to": "behind", "superior to": "above", "inferior to": "below",
    "one's own": "the own", "oneself": "themselves", "one’s own": "the own", "side flexion": "side bend",
    "side flexed": "side bent", "ipsilateral": "same side", "same side": "same side", "contralateral": "opposite",
    "left boot": "left foot", "right boot": "right foot", "left shoe": "left foot", "right shoe": "right foot",
    "makes contact with": "touches", "make contact with": "touch", "making contact with": "touching",
    "comes into contact with": "touches", "in contact with": "touching", "comes to rest on": "rests on",
    "comes to rest upon": "rests on", "comes to rest against": "rests against", "heel of the hand": "palm",
    "elevated": "raised", "elevates": "raises", "elevating": "raising", "uplifted": "lifted up",
    "upraised": "raised up", "upstretched": "stretched up", "outspread": "spread", "outflung": "flung out",
    "hoisted": "lifted", "obliquely": "diagonally", "oblique": "diagonal", "semi-flexed": "slightly bent",
    "semiflexed": "slightly bent", "part-flexed": "slightly bent", "heels of the hands": "palms",
}  # fmt: skip
_NAMES: Final = {
    **{name + end: plain + end for name, plain in _BONES.items() for end in ("", "s")},
    "patellas": "knees", "calcaneuses": "heels",
    **_IRREGULAR, **_SINGLE,
}  # fmt: skip
_NAMED: Final = re.compile(
    rf"\b(?P<side>(?:left|right) )?"
    rf"(?P<name>{'|'.join(sorted(_NAMES, key=len, reverse=True))})\b(?!['’-])".replace(" ", "[ -]")
)
_LOWER_BACK: Final = re.compile(
    r"(?P<on>\b(?:on|at|against|in|to|into|over|supporting) (?:the |his |her )?)lumbar(?: spine)?\b"
)
_PLANE: Final = re.compile(
    r"(?P<limb>\b(?:arms?|legs?))(?P<said>\b[^,.;]{0,50}?) in (?:the|a) (?:body's )?"
    r"(?:(?P<aside>frontal|coronal|scapular)|sagittal|median) plane\b"
)
_BACK: Final = re.compile(r"\b(?:back\w*|behind|forwards?|front|sideways|downwards?|down)\b")


_KIND: Final = re.compile(
    r"\b(?P<side>left|right) (?:(?:supporting|support|standing|working|gesture|gesturing|free|dominant|active|moving"
    r"|weight-bearing|weightbearing|own)|(?P<how>raised|lifted|bent|flexed|straight|extended|outstretched)) "
    r"(?P<part>legs?|foot|arm|hand|knee|elbow|forearm|thigh)\b(?! (?:bent|straight|raised|lifted|extended))"
)


def name_plainly(text: str) -> str:
    """A text in lower case with the parts of the body that it names in the words of the rules."""
    if "lumbar" in text:
        text = _LOWER_BACK.sub(r"\g<on>lower back", text)
    text = _NAMED.sub(_plain, text)
    if "left" in text or "right" in text:
        text = _KIND.sub(lambda match: " ".join(filter(None, match.group("side", "part", "how"))), text)
    return _PLANE.sub(_direction, text) if " plane" in text else text


def _plain(match: re.Match[str]) -> str:
    plain = _NAMES[match["name"].replace("-", " ")]
    side = match["side"] or ""
    return side + ("thigh" if side and match["name"] == "quadriceps" else plain)


def _direction(match: re.Match[str]) -> str:
    """Where a limb is that is raised in a plane."""
    limb, said = match["limb"], match["said"]
    if _BACK.search(said) or " side" in said:
        return limb + said
    return f"{limb} {'to the side' if match['aside'] else 'forwards'}{said}"
