"""From a posture specification to joints, by forward kinematics and two-bone inverse kinematics.

Axes: (22, 3) joints in metres, Y up, left +X, front +Z. Angles are degrees, as they are in the library's
data files. Bone lengths are exact by construction: every joint is its parent plus a unit direction times the
bone's length. The module knows postures, not words: captions and conditions are the library's business.

A posture is a mapping of parts to named numbers (`PART_KEYS`). Limbs are given by angles or by a target:

    pelvis     pitch (forward +), lean (left +), height, rests_on (joints at the floor), slack, balance
    torso      bend (forward +), lean (left +), twist (left +), spread over the spine
    head       nod (down +), tilt (left +), turn (left +)
    arms       raise 0 hanging .. 90 horizontal .. 180 overhead; plane 0 sideways, 90 forward, -90 behind;
               elbow 0 straight; toward: where the bent forearm goes; frame: chest, level or world. Or hand: a spot of `HAND_SPOTS` or
               {out, up, front} from the shoulder (`from`: another anchor), or wrist: {out, front} on the floor
    legs       raise, plane (90 forward), knee, toward, turn (outward), point (of the toes), `shin: floor` when
               kneeling; or foot: {out, front} flat on the floor, with turnout, heel (raised by so many degrees)
               and up (the ankle's height, off the floor)

`out` is away from the midline, so the same numbers serve both sides.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.posecodes import HAND_LENGTH, face_front
from mardm_batch.skeleton import BONE_LENGTHS, JOINT_INDEX, NUM_JOINTS

Vector = NDArray[np.float64]
Posture = Mapping[str, Mapping[str, Any]]

LOWEST_JOINT: Final = 0.02
"""Metres from the floor to the lowest joint of every posture: joints lie inside the body."""
FOOT_SLOPE: Final = 18.0
"""Degrees by which the bone from ankle to foot joint falls in a flat foot."""
WRIST_ON_FLOOR: Final = 0.05
MAX_ELBOW: Final = 148.0
MAX_KNEE: Final = 152.0

# Mean bone directions of standing people in the CMU motion capture (left side, both sides averaged).
_REST: Final = {
    "hip": (0.952, 0.289, -0.097),
    "spine1": (0.0, 1.0, -0.005),
    "spine2": (0.0, 0.996, 0.094),
    "spine3": (0.0, 1.0, -0.009),
    "neck": (0.0, 1.0, -0.009),
    "collar": (0.287, 0.902, -0.323),
    "shoulder": (0.963, -0.227, 0.140),
    "head": (0.0, 0.932, 0.361),
}
# Share of the torso's angle already taken at each bone, from the pelvis up.
_SPINE_SHARE: Final = {"spine1": 0.40, "spine2": 0.65, "spine3": 0.85, "neck": 1.0}

_WORDS: Final = {
    "out": (1.0, 0.0, 0.0),
    "in": (-1.0, 0.0, 0.0),
    "up": (0.0, 1.0, 0.0),
    "down": (0.0, -1.0, 0.0),
    "front": (0.0, 0.0, 1.0),
    "back": (0.0, 0.0, -1.0),
}

HAND_SPOTS: Final[Mapping[str, tuple[str, str, tuple[float, float, float], str]]] = {
    # spot: anchor joint, frame, offset (out, up, front) of the middle of the hand, where the elbow goes
    "hip": ("own hip", "pelvis", (0.09, 0.04, 0.03), "out back"),
    "lower back": ("pelvis", "pelvis", (0.07, 0.12, -0.14), "out back"),
    "behind back": ("pelvis", "pelvis", (-0.02, 0.10, -0.17), "out back"),
    "belly": ("spine1", "chest", (-0.02, 0.02, 0.16), "out back"),
    "heart": ("spine3", "chest", (-0.04, 0.06, 0.17), "out down"),
    "chest": ("spine3", "chest", (0.06, 0.08, 0.17), "out down"),
    "prayer": ("spine3", "chest", (0.015, 0.10, 0.22), "out down"),
    "clap": ("spine3", "chest", (0.04, 0.05, 0.36), "out down"),
    "other elbow": ("spine3", "chest", (-0.14, 0.00, 0.17), "out down back"),
    "other shoulder": ("other shoulder", "chest", (-0.02, 0.02, 0.11), "down front"),
    "shoulder": ("own shoulder", "chest", (0.0, 0.04, 0.08), "out down"),
    "chin": ("head", "head", (0.02, -0.08, 0.11), "down front"),
    "mouth": ("head", "head", (0.03, -0.02, 0.13), "down out"),
    "cheek": ("head", "head", (0.09, -0.01, 0.08), "down out"),
    "face": ("head", "head", (0.05, 0.04, 0.13), "down front out"),
    "eyes": ("head", "head", (0.04, 0.06, 0.14), "out down"),
    "forehead": ("head", "head", (0.08, 0.11, 0.09), "out"),
    "ear": ("head", "head", (0.10, 0.04, 0.01), "out down front"),
    "top of head": ("head", "head", (0.04, 0.20, -0.01), "out"),
    "behind head": ("head", "head", (0.05, 0.06, -0.10), "out"),
    "knee": ("own knee", "pelvis", (0.00, 0.07, 0.04), "out back"),
    "inner knee": ("own knee", "pelvis", (-0.05, 0.05, 0.03), "out back"),
    "other knee": ("other knee", "pelvis", (-0.02, 0.07, 0.05), "out"),
    "thigh": ("own thigh", "pelvis", (0.01, 0.08, 0.03), "out back"),
    "shin": ("own shin", "pelvis", (0.0, 0.0, 0.08), "out"),
    "ankle": ("own ankle", "pelvis", (0.04, 0.07, 0.02), "out"),
    "other ankle": ("other ankle", "pelvis", (0.0, 0.07, 0.02), "out"),
    "foot": ("own foot", "pelvis", (0.0, 0.05, 0.0), "out"),
}
ANCHORS: Final = ("shoulder", "chest", "pelvis", "head", "knee", "floor")

_TARGET_KEYS: Final = ("out", "up", "front")
_ARM_KEYS: Final = (
    "raise",
    "plane",
    "elbow",
    "toward",
    "frame",
    "shrug",
    "hand",
    "from",
    "wrist",
    "pole",
    "offset",
)
_LEG_KEYS: Final = (
    "raise", "plane", "knee", "toward", "turn", "frame", "shin", "point", "foot", "turnout", "heel", "pole",
)  # fmt: skip
PART_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "pelvis": ("pitch", "lean", "height", "rests_on", "slack", "balance"),
    "torso": ("bend", "lean", "twist"),
    "head": ("nod", "tilt", "turn"),
    "left_arm": _ARM_KEYS,
    "right_arm": _ARM_KEYS,
    "left_leg": _LEG_KEYS,
    "right_leg": _LEG_KEYS,
}
STANDING: Final[Posture] = {
    "pelvis": {},
    "torso": {},
    "head": {},
    "left_arm": {"raise": 9, "plane": 5, "elbow": 18, "toward": "front"},
    "right_arm": {"raise": 9, "plane": 5, "elbow": 18, "toward": "front"},
    "left_leg": {"foot": {"out": 0.12, "front": 0.0}},
    "right_leg": {"foot": {"out": 0.12, "front": 0.0}},
}
"""The parts a posture does not mention."""

# Share of the body's mass at each joint, for balance over the feet.
_MASS: Final = np.zeros(NUM_JOINTS)
for _name, _share in {
    "pelvis": 0.16, "spine1": 0.10, "spine2": 0.08, "spine3": 0.10, "neck": 0.09, "head": 0.07,
    "left_knee": 0.10, "right_knee": 0.10, "left_ankle": 0.04, "right_ankle": 0.04,
    "left_elbow": 0.035, "right_elbow": 0.035, "left_wrist": 0.025, "right_wrist": 0.025,
}.items():  # fmt: skip
    _MASS[JOINT_INDEX[_name]] = _share


def pose(posture: Posture) -> NDArray[np.float32]:
    """The joints (22, 3) of a posture whose numbers are plain floats; missing parts are a relaxed stand.

    The person faces +Z by hips and shoulders, the pelvis is over the origin, and the lowest joint is
    `LOWEST_JOINT` above the floor.
    """
    parts = {part: posture.get(part, default) for part, default in STANDING.items()}
    joints = _solve(parts, np.zeros(3))
    support = _feet_support(parts, joints)
    if support is not None:
        # Feet go under the centre of mass; a little more than the gap, as the legs move along.
        gap = (_MASS @ joints) / _MASS.sum() - support
        gap[1] = 0.0
        joints = _solve(parts, 1.15 * float(parts["pelvis"].get("balance", 1.0)) * gap)
    _lift_hands(joints)
    joints[:, 1] += LOWEST_JOINT - joints[:, 1].min()
    return face_front(joints).astype(np.float32)


def two_bone(
    root: Vector, target: Vector, upper: float, lower: float, pole: Vector, max_bend: float
) -> tuple[Vector, Vector]:
    """Middle and end joint (..., 3) of a limb that reaches for a target, bending toward `pole`.

    A target out of reach (too far, or nearer than `max_bend` degrees of flexion allow) is approached as far
    as the limb goes.
    """
    to_target = target - root
    distance = np.sqrt((to_target**2).sum(-1, keepdims=True))
    folded = np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(np.radians(max_bend)))
    reach = np.clip(distance, folded, 0.9995 * (upper + lower))
    along = to_target / np.maximum(distance, 1e-9)
    aside = pole - (pole * along).sum(-1, keepdims=True) * along
    aside = aside / np.maximum(np.sqrt((aside**2).sum(-1, keepdims=True)), 1e-9)
    foot_of_height = (upper**2 - lower**2 + reach**2) / (2 * reach)
    height = np.sqrt(np.maximum(upper**2 - foot_of_height**2, 0.0))
    return root + along * foot_of_height + aside * height, root + along * reach


def _solve(parts: Posture, shift: Vector) -> Vector:
    """Joints (22, 3); `shift` moves the feet's targets so that the body can stand over them."""
    joints = np.zeros((NUM_JOINTS, 3))
    pelvis_frame = _rotation(*(float(parts["pelvis"].get(key, 0.0)) for key in ("pitch", "lean")), 0.0)
    chest = _spine(parts["torso"], pelvis_frame, joints)
    head_frame = chest @ _rotation(*(float(parts["head"].get(key, 0.0)) for key in ("nod", "tilt", "turn")))
    _place(joints, "head", "neck", head_frame @ _unit(_REST["head"]))
    sides = (("left", 1.0), ("right", -1.0))
    for side, sign in sides:
        _place(joints, f"{side}_hip", "pelvis", pelvis_frame @ _unit(_REST["hip"], sign))
        _place(joints, f"{side}_collar", "spine3", chest @ _unit(_REST["collar"], sign))
        if "foot" not in parts[f"{side}_leg"]:
            _leg_by_angles(parts[f"{side}_leg"], side, sign, pelvis_frame, joints)
        if not {"hand", "wrist"} & parts[f"{side}_arm"].keys():
            _arm_by_angles(parts[f"{side}_arm"], side, sign, chest, joints)
    height = _pelvis_height(parts, joints, shift)
    placed = [index for index in range(NUM_JOINTS) if index == 0 or joints[index].any()]
    joints[placed, 1] += height
    for side, sign in sides:
        if "foot" in parts[f"{side}_leg"]:
            _leg_by_target(parts[f"{side}_leg"], side, sign, shift, joints)
    frames = {"pelvis": pelvis_frame, "chest": chest, "head": head_frame}
    for side, sign in sides:
        if {"hand", "wrist"} & parts[f"{side}_arm"].keys():
            _arm_by_target(parts[f"{side}_arm"], side, sign, frames, joints)
    return joints


def _spine(torso: Mapping[str, Any], pelvis_frame: Vector, joints: Vector) -> Vector:
    """Places spine1 to the neck and returns the chest's frame (3, 3), its columns left, up and front."""
    angles = [float(torso.get(key, 0.0)) for key in ("bend", "lean", "twist")]
    frame = pelvis_frame
    parent = "pelvis"
    for name, share in _SPINE_SHARE.items():
        frame = pelvis_frame @ _rotation(*(share * angle for angle in angles))
        _place(joints, name, parent, frame @ _unit(_REST[name]))
        parent = name
    return frame


def _pelvis_height(parts: Posture, joints: Vector, shift: Vector) -> float:
    """Given, or by the joints the posture rests on, or so that the tightest standing leg is nearly straight."""
    pelvis = parts["pelvis"]
    if "height" in pelvis:
        return float(pelvis["height"])
    if "rests_on" in pelvis:
        return LOWEST_JOINT - min(joints[JOINT_INDEX[name], 1] for name in pelvis["rests_on"])
    heights = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        leg = parts[f"{side}_leg"]
        if "foot" in leg and "up" not in leg["foot"]:
            hip = joints[JOINT_INDEX[f"{side}_hip"]]
            ankle = _ankle_target(leg, sign, shift)
            upper, lower = _length(f"{side}_knee"), _length(f"{side}_ankle")
            slack = np.radians(float(pelvis.get("slack", 9.0)))
            reach = upper**2 + lower**2 + 2 * upper * lower * np.cos(slack)
            aside = (ankle[0] - hip[0]) ** 2 + (ankle[2] - hip[2]) ** 2
            heights.append(ankle[1] + np.sqrt(max(reach - aside, 0.01)) - hip[1])
    return float(min(heights)) if heights else 0.0


def _ankle_target(leg: Mapping[str, Any], sign: float, shift: Vector) -> Vector:
    foot = leg["foot"]
    slope = np.radians(FOOT_SLOPE + float(leg.get("heel", 0.0)))
    up = float(foot.get("up", LOWEST_JOINT + 0.146 * np.sin(slope)))
    return np.array([sign * float(foot["out"]), up, float(foot["front"])]) + shift


def _leg_by_target(leg: Mapping[str, Any], side: str, sign: float, shift: Vector, joints: Vector) -> None:
    turnout = np.radians(float(leg.get("turnout", 9.0)))
    ahead = np.array([sign * np.sin(turnout), 0.0, np.cos(turnout)])
    pole = _toward(leg["pole"], sign) if "pole" in leg else ahead
    hip, ankle = joints[JOINT_INDEX[f"{side}_hip"]], _ankle_target(leg, sign, shift)
    upper, lower = _length(f"{side}_knee"), _length(f"{side}_ankle")
    knee, ankle = two_bone(hip, ankle, upper, lower, pole, MAX_KNEE)
    joints[JOINT_INDEX[f"{side}_knee"]] = knee
    joints[JOINT_INDEX[f"{side}_ankle"]] = ankle
    if "up" in leg["foot"]:
        shin = (ankle - knee) / lower
        front = ahead - (ahead @ shin) * shin
        toes = _bent(front / max(float(np.linalg.norm(front)), 1e-9), shin, float(leg.get("point", 25.0)))
    else:
        toes = _bent(ahead, np.array([0.0, -1.0, 0.0]), FOOT_SLOPE + float(leg.get("heel", 0.0)))
    _place(joints, f"{side}_foot", f"{side}_ankle", toes)


def _leg_by_angles(
    leg: Mapping[str, Any], side: str, sign: float, pelvis_frame: Vector, joints: Vector
) -> None:
    frame = pelvis_frame if leg.get("frame") != "world" else np.eye(3)
    local = _direction(float(leg.get("raise", 0.0)), float(leg.get("plane", 90.0)), sign)
    thigh = frame @ local
    if "toward" in leg:
        behind = _aside(frame @ _toward(leg["toward"], sign), thigh)
    else:
        # The kneecap looks where the shortest swing from hanging carries "front", then turned outward.
        front = _swing(local, np.array([0.0, 0.0, 1.0]))
        behind = -(frame @ _spin(front, local, -sign * float(leg.get("turn", 0.0))))
    knee = float(leg.get("knee", 0.0))
    shin = _bent(thigh, behind, knee)
    front = _bent(-behind, thigh, knee)
    if leg.get("shin") == "floor":
        # Knee and toes at one height: the shin rises to the ankle, the foot falls back to the floor.
        slope = np.radians(float(leg.get("heel", 14.0)))
        rise = 0.146 * np.sin(slope) / _length(f"{side}_ankle")
        turnin = np.radians(float(leg.get("turnout", 0.0)))
        back = np.array([-sign * np.sin(turnin), 0.0, -np.cos(turnin)])
        shin = back * np.sqrt(1.0 - rise**2) + np.array([0.0, rise, 0.0])
        _place(joints, f"{side}_knee", f"{side}_hip", thigh)
        _place(joints, f"{side}_ankle", f"{side}_knee", shin)
        _place(joints, f"{side}_foot", f"{side}_ankle", _bent(back, np.array([0.0, -1.0, 0.0]), np.degrees(slope)))
        return
    _place(joints, f"{side}_knee", f"{side}_hip", thigh)
    _place(joints, f"{side}_ankle", f"{side}_knee", shin)
    front = _spin(front, shin, -sign * float(leg.get("turnout", 6.0)))
    _place(joints, f"{side}_foot", f"{side}_ankle", _bent(front, shin, float(leg.get("point", FOOT_SLOPE))))


def _arm_by_angles(arm: Mapping[str, Any], side: str, sign: float, chest: Vector, joints: Vector) -> None:
    frame = _arm_frame(arm, chest)
    upper = frame @ _direction(float(arm["raise"]), float(arm.get("plane", 0.0)), sign)
    _place_shoulder(arm, side, sign, chest, chest.T @ upper, joints)
    towards = _aside(frame @ _toward(arm.get("toward", "front"), sign), upper)
    _place(joints, f"{side}_elbow", f"{side}_shoulder", upper)
    forearm = _bent(upper, towards, min(float(arm.get("elbow", 0.0)), MAX_ELBOW))
    _place(joints, f"{side}_wrist", f"{side}_elbow", forearm)


def _arm_frame(arm: Mapping[str, Any], chest: Vector) -> Vector:
    """The chest's frame, the world's, or `level`: the chest's, set upright where the torso leans forward."""
    named = arm.get("frame", "chest")
    if named == "level":
        pitch = float(np.degrees(np.arctan2(chest[2, 1], chest[1, 1])))
        return _rotation(-max(pitch, 0.0), 0.0, 0.0) @ chest
    return np.eye(3) if named == "world" else chest


def _arm_by_target(
    arm: Mapping[str, Any], side: str, sign: float, frames: Mapping[str, Vector], joints: Vector
) -> None:
    chest = frames["chest"]
    upper, lower = _length(f"{side}_elbow"), _length(f"{side}_wrist")
    if "wrist" in arm:
        spot, pole_words, hand = arm["wrist"], "back back out", 0.0
        target = np.array([sign * spot["out"], spot.get("up", WRIST_ON_FLOOR), spot["front"]])
    else:
        target, pole_words = _hand_target(arm, side, sign, frames, joints)
        hand = HAND_LENGTH
    pole = chest @ _toward(arm.get("pole", pole_words), sign)
    _place_shoulder(arm, side, sign, chest, np.array([0.0, -1.0, 0.0]), joints)
    shoulder = joints[JOINT_INDEX[f"{side}_shoulder"]]
    elbow, _ = two_bone(shoulder, target, upper, lower + hand, pole, MAX_ELBOW)
    # The shoulder lifts and comes forward with the upper arm, so the reach is found once more from there.
    _place_shoulder(arm, side, sign, chest, chest.T @ (elbow - shoulder) / upper, joints)
    shoulder = joints[JOINT_INDEX[f"{side}_shoulder"]]
    elbow, end = two_bone(shoulder, target, upper, lower + hand, pole, MAX_ELBOW)
    joints[JOINT_INDEX[f"{side}_elbow"]] = elbow
    joints[JOINT_INDEX[f"{side}_wrist"]] = elbow + (end - elbow) * lower / (lower + hand)


def _hand_target(
    arm: Mapping[str, Any], side: str, sign: float, frames: Mapping[str, Vector], joints: Vector
) -> tuple[Vector, str]:
    """Where the middle of the hand goes, and the default side to which the elbow points."""
    hand = arm["hand"]
    if isinstance(hand, str):
        anchor, frame, offset, pole = HAND_SPOTS[hand]
        extra = arm.get("offset", (0.0, 0.0, 0.0))
        x, y, z = (a + b for a, b in zip(offset, extra, strict=True))
    else:
        x, y, z = (float(hand.get(key, 0.0)) for key in _TARGET_KEYS)
        anchor, frame, pole = {
            "shoulder": ("own shoulder", "chest", "down out back"),
            "chest": ("spine3", "chest", "down out back"),
            "pelvis": ("pelvis", "pelvis", "out back"),
            "head": ("head", "head", "out down"),
            "knee": ("own knee", "world", "out back"),
            "floor": ("", "world", "out back"),
        }[arm.get("from", "shoulder")]
    axes = frames.get(frame, np.eye(3)) if frame != "chest" else _arm_frame(arm, frames["chest"])
    return _anchor(anchor, side, frames["chest"], joints) + axes @ np.array([sign * x, y, z]), pole


def _anchor(anchor: str, side: str, chest: Vector, joints: Vector) -> Vector:
    if not anchor:
        return np.zeros(3)
    if " " not in anchor:
        return joints[JOINT_INDEX[anchor]]
    whose, name = anchor.split()
    if whose == "other":
        side = "right" if side == "left" else "left"
    if name == "thigh":
        return 0.4 * joints[JOINT_INDEX[f"{side}_hip"]] + 0.6 * joints[JOINT_INDEX[f"{side}_knee"]]
    if name == "shin":
        return 0.5 * joints[JOINT_INDEX[f"{side}_knee"]] + 0.5 * joints[JOINT_INDEX[f"{side}_ankle"]]
    if name == "shoulder":
        rest = _unit(_REST["shoulder"], 1.0 if side == "left" else -1.0)
        return joints[JOINT_INDEX[f"{side}_collar"]] + chest @ rest * _length(f"{side}_shoulder")
    return joints[JOINT_INDEX[f"{side}_{name}"]]


def _place_shoulder(
    arm: Mapping[str, Any], side: str, sign: float, chest: Vector, upper: Vector, joints: Vector
) -> None:
    """The shoulder rises as the upper arm (chest frame) is raised, and comes forward as it reaches forward."""
    raised = np.degrees(np.arccos(np.clip(-upper[1], -1.0, 1.0)))
    lift = 0.25 * max(raised - 45.0, 0.0) + float(arm.get("shrug", 0.0))
    forward = 14.0 * max(float(upper[2]), 0.0)
    bone = _spin(_unit(_REST["shoulder"], sign), np.array([0.0, 0.0, 1.0]), sign * lift)
    bone = _spin(bone, np.array([0.0, 1.0, 0.0]), -sign * forward)
    _place(joints, f"{side}_shoulder", f"{side}_collar", chest @ bone)


def _lift_hands(joints: Vector) -> None:
    """Hands that hang through the floor beside someone who sits low are laid on it."""
    if joints[JOINT_INDEX["neck"], 1] < joints[0, 1] + 0.1:
        return
    ground = np.delete(joints[:, 1], [JOINT_INDEX[f"{side}_{end}"] for side in ("left", "right") for end in ("elbow", "wrist")]).min()
    for side in ("left", "right"):
        shoulder, elbow, wrist = (JOINT_INDEX[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        least = ground + WRIST_ON_FLOOR - LOWEST_JOINT
        if joints[wrist, 1] < least:
            target = np.array([joints[wrist, 0], least, joints[wrist, 2]])
            lengths = _length(f"{side}_elbow"), _length(f"{side}_wrist")
            pole = joints[elbow] - joints[shoulder] + np.array([0.0, 0.6, -0.1])
            joints[elbow], joints[wrist] = two_bone(joints[shoulder], target, *lengths, pole, MAX_ELBOW)


def _feet_support(parts: Posture, joints: Vector) -> Vector | None:
    """Middle of the standing feet, or None where hands, knees or the seat carry weight too."""
    if "rests_on" in parts["pelvis"] or any("wrist" in parts[f"{side}_arm"] for side in ("left", "right")):
        return None
    feet = []
    for side in ("left", "right"):
        leg = parts[f"{side}_leg"]
        if "foot" in leg and "up" not in leg["foot"]:
            ankle, foot = (joints[JOINT_INDEX[f"{side}_{name}"]] for name in ("ankle", "foot"))
            feet.append(foot if leg.get("heel", 0.0) > 25.0 else 0.5 * (ankle + foot))
    return np.mean(feet, axis=0) if feet else None


def _length(joint: str) -> float:
    return BONE_LENGTHS[JOINT_INDEX[joint]]


def _place(joints: Vector, name: str, parent: str, direction: Vector) -> None:
    joints[JOINT_INDEX[name]] = joints[JOINT_INDEX[parent]] + direction * _length(name)


def _unit(values: tuple[float, float, float], sign: float = 1.0) -> Vector:
    vector = np.array(values) * np.array([sign, 1.0, 1.0])
    return vector / np.sqrt(vector @ vector)


def _toward(words: str, sign: float) -> Vector:
    total = np.sum([_WORDS[word] for word in words.split()], axis=0) * np.array([sign, 1.0, 1.0])
    return np.asarray(total / max(float(np.sqrt(total @ total)), 1e-9))


def _direction(raised: float, plane: float, sign: float) -> Vector:
    r, p = np.radians(raised), np.radians(plane)
    return np.array([sign * np.sin(r) * np.cos(p), -np.cos(r), np.sin(r) * np.sin(p)])


def _bent(straight: Vector, towards: Vector, degrees: float) -> Vector:
    angle = np.radians(degrees)
    return np.asarray(np.cos(angle) * straight + np.sin(angle) * towards)


def _aside(vector: Vector, axis: Vector) -> Vector:
    rest = vector - (vector @ axis) * axis
    return np.asarray(rest / max(float(np.sqrt(rest @ rest)), 1e-9))


def _cross(a: Vector, b: Vector) -> Vector:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _spin(vector: Vector, axis: Vector, degrees: float) -> Vector:
    """Rotates a vector about a unit axis (Rodrigues)."""
    angle = np.radians(degrees)
    return np.asarray(
        vector * np.cos(angle)
        + _cross(axis, vector) * np.sin(angle)
        + axis * (axis @ vector) * (1 - np.cos(angle))
    )


def _swing(direction: Vector, vector: Vector) -> Vector:
    """The vector after the shortest rotation that takes "down" to `direction`."""
    axis = np.array([-direction[2], 0.0, direction[0]])  # down x direction
    size = float(np.sqrt(axis @ axis))
    if size < 1e-6:
        return vector
    return _spin(vector, axis / size, float(np.degrees(np.arctan2(size, -direction[1]))))


def _rotation(pitch: float, lean: float, twist: float) -> Vector:
    """Frame (3, 3) after leaning to the left, pitching forward and twisting to the left."""
    (cp, cl, ct), (sp, sl, st) = (f(np.radians([pitch, -lean, twist])) for f in (np.cos, np.sin))
    return np.array(
        [
            [ct * cl + st * sp * sl, -ct * sl + st * sp * cl, st * cp],
            [cp * sl, cp * cl, -sp],
            [-st * cl + ct * sp * sl, st * sl + ct * sp * cl, ct * cp],
        ]
    )
