"""The joints of a posture, by forward kinematics and two-bone inverse kinematics. See `library.posture`.

Axes: (22, 3) joints in metres, Y up, left +X, front +Z. Angles are in degrees. Bone lengths are exact by construction:
every joint is its parent plus a unit direction times the length of the bone.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.library.kinematics import (
    Vector,
    bend_towards,
    body_frame,
    limb_direction,
    named_direction,
    orthogonal_unit,
    rotate,
    rotate_from_down,
    side_direction,
    solve_two_bones,
)
from mardm_batch.library.posture import ANCHORS, HAND_POSITIONS, STANDING, Posture
from mardm_batch.pose.geometry import canonical_position
from mardm_batch.pose.measures import HAND_LENGTH
from mardm_batch.pose.rest_pose import FOOT_SLOPE, TRUNK_DIRECTIONS
from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_INDEX, LOWEST_JOINT_HEIGHT, NUM_JOINTS

FOOT_LENGTH: Final = 0.146
"""Metres from the ankle to the foot joint, mean of both sides."""
FLOOR_WRIST_HEIGHT: Final = 0.05
"""Metres of a wrist above the floor when the hand is on it."""
MAX_ELBOW: Final = 148.0
MAX_KNEE: Final = 152.0

_REST: Final = {**TRUNK_DIRECTIONS, "head": (0.0, 0.932, 0.361)}
# Cumulative share of the torso's angle at each bone, from the pelvis up.
_SPINE_SHARE: Final = {"spine1": 0.40, "spine2": 0.65, "spine3": 0.85, "neck": 1.0}

# Share of the body's mass at each joint, for balance over the feet.
_MASS: Final = np.zeros(NUM_JOINTS)
for _name, _share in {
    "pelvis": 0.16, "spine1": 0.10, "spine2": 0.08, "spine3": 0.10, "neck": 0.09, "head": 0.07,
    "left_knee": 0.10, "right_knee": 0.10, "left_ankle": 0.04, "right_ankle": 0.04,
    "left_elbow": 0.035, "right_elbow": 0.035, "left_wrist": 0.025, "right_wrist": 0.025,
}.items():  # fmt: skip
    _MASS[JOINT_INDEX[_name]] = _share


def pose(posture: Posture) -> NDArray[np.float32]:
    """The joints (22, 3) of a posture of plain numbers, in canonical position; missing parts are those of STANDING.

    The lowest joint is `LOWEST_JOINT_HEIGHT` above the floor.
    """
    parts = {part: posture.get(part, default) for part, default in STANDING.items()}
    joints = _solve(parts, np.zeros(3))
    support = _feet_support(parts, joints)
    if support is not None:
        # Move the feet below the centre of mass; by more than the gap, as the legs' mass moves with them.
        gap = (_MASS @ joints) / _MASS.sum() - support
        gap[1] = 0.0
        joints = _solve(parts, 1.15 * float(parts["pelvis"].get("balance", 1.0)) * gap)
    if not _stands_on_hands(parts):
        _lift_hands(joints)
    joints[:, 1] += LOWEST_JOINT_HEIGHT - joints[:, 1].min()
    return canonical_position(joints).astype(np.float32)


def _solve(parts: Posture, shift: Vector) -> Vector:
    """Joints (22, 3) before they are moved to the floor; `shift` (3,) moves the targets of the feet."""
    joints = np.zeros((NUM_JOINTS, 3))
    pelvis = parts["pelvis"]
    pelvis_frame = body_frame(float(pelvis.get("pitch", 0.0)), float(pelvis.get("lean", 0.0)), 0.0)
    chest = _spine(parts["torso"], pelvis_frame, joints)
    nod, tilt, turn = (float(parts["head"].get(key, 0.0)) for key in ("nod", "tilt", "turn"))
    head_frame = chest @ body_frame(nod, tilt, turn)
    _place(joints, "head", "neck", head_frame @ side_direction(_REST["head"]))
    sides = (("left", 1.0), ("right", -1.0))
    for side, sign in sides:
        _place(joints, f"{side}_hip", "pelvis", pelvis_frame @ side_direction(_REST["hip"], sign))
        _place(joints, f"{side}_collar", "spine3", chest @ side_direction(_REST["collar"], sign))
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
    """Place spine1 to the neck; returns the chest's frame (3, 3), whose columns are its left, up and front."""
    bend, lean, twist = (float(torso.get(key, 0.0)) for key in ("bend", "lean", "twist"))
    frame = pelvis_frame
    parent = "pelvis"
    for name, share in _SPINE_SHARE.items():
        frame = pelvis_frame @ body_frame(share * bend, share * lean, share * twist)
        _place(joints, name, parent, frame @ side_direction(_REST[name]))
        parent = name
    return frame


def _pelvis_height(parts: Posture, joints: Vector, shift: Vector) -> float:
    """As given, or by the joints on the floor, or so that the leg with the farthest target is nearly straight."""
    pelvis = parts["pelvis"]
    if "height" in pelvis:
        return float(pelvis["height"])
    if "rests_on" in pelvis:
        return LOWEST_JOINT_HEIGHT - min(float(joints[JOINT_INDEX[name], 1]) for name in pelvis["rests_on"])
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
    up = float(foot.get("up", LOWEST_JOINT_HEIGHT + FOOT_LENGTH * np.sin(slope)))
    return np.array([sign * float(foot["out"]), up, float(foot["front"])]) + shift


def _leg_by_target(leg: Mapping[str, Any], side: str, sign: float, shift: Vector, joints: Vector) -> None:
    turnout = np.radians(float(leg.get("turnout", 9.0)))
    ahead = np.array([sign * np.sin(turnout), 0.0, np.cos(turnout)])
    pole = named_direction(leg["pole"], sign) if "pole" in leg else ahead
    hip, ankle = joints[JOINT_INDEX[f"{side}_hip"]], _ankle_target(leg, sign, shift)
    upper, lower = _length(f"{side}_knee"), _length(f"{side}_ankle")
    knee, ankle = solve_two_bones(hip, ankle, upper, lower, pole, MAX_KNEE)
    joints[JOINT_INDEX[f"{side}_knee"]] = knee
    joints[JOINT_INDEX[f"{side}_ankle"]] = ankle
    if "up" in leg["foot"]:
        shin = (ankle - knee) / lower
        toes = bend_towards(orthogonal_unit(ahead, shin), shin, float(leg.get("point", 25.0)))
    else:
        toes = bend_towards(ahead, np.array([0.0, -1.0, 0.0]), FOOT_SLOPE + float(leg.get("heel", 0.0)))
    _place(joints, f"{side}_foot", f"{side}_ankle", toes)


def _leg_by_angles(leg: Mapping[str, Any], side: str, sign: float, pelvis_frame: Vector, joints: Vector) -> None:
    frame = pelvis_frame if leg.get("frame") != "world" else np.eye(3)
    local = limb_direction(float(leg.get("raise", 0.0)), float(leg.get("plane", 90.0)), sign)
    thigh = frame @ local
    if "toward" in leg:
        behind = orthogonal_unit(frame @ named_direction(leg["toward"], sign), thigh)
    else:
        # The kneecap of a hanging leg points to the front; the shortest rotation to `local`, then `turn` outward.
        front = rotate_from_down(local, np.array([0.0, 0.0, 1.0]))
        behind = -(frame @ rotate(front, local, -sign * float(leg.get("turn", 0.0))))
    knee = float(leg.get("knee", 0.0))
    shin = bend_towards(thigh, behind, knee)
    front = bend_towards(-behind, thigh, knee)
    if leg.get("shin") == "floor":
        # Knee and toes are at the same height: the shin rises to the ankle, the foot descends to the floor.
        slope = np.radians(float(leg.get("heel", 14.0)))
        rise = FOOT_LENGTH * np.sin(slope) / _length(f"{side}_ankle")
        turnin = np.radians(float(leg.get("turnout", 0.0)))
        back = np.array([-sign * np.sin(turnin), 0.0, -np.cos(turnin)])
        shin = back * np.sqrt(1.0 - rise**2) + np.array([0.0, rise, 0.0])
        _place(joints, f"{side}_knee", f"{side}_hip", thigh)
        _place(joints, f"{side}_ankle", f"{side}_knee", shin)
        _place(
            joints, f"{side}_foot", f"{side}_ankle", bend_towards(back, np.array([0.0, -1.0, 0.0]), np.degrees(slope))
        )
        return
    _place(joints, f"{side}_knee", f"{side}_hip", thigh)
    _place(joints, f"{side}_ankle", f"{side}_knee", shin)
    front = rotate(front, shin, -sign * float(leg.get("turnout", 6.0)))
    _place(joints, f"{side}_foot", f"{side}_ankle", bend_towards(front, shin, float(leg.get("point", FOOT_SLOPE))))


def _arm_by_angles(arm: Mapping[str, Any], side: str, sign: float, chest: Vector, joints: Vector) -> None:
    frame = _arm_frame(arm, chest)
    upper = frame @ limb_direction(float(arm["raise"]), float(arm.get("plane", 0.0)), sign)
    _place_shoulder(arm, side, sign, chest, chest.T @ upper, joints)
    towards = orthogonal_unit(frame @ named_direction(arm.get("toward", "front"), sign), upper)
    _place(joints, f"{side}_elbow", f"{side}_shoulder", upper)
    forearm = bend_towards(upper, towards, min(float(arm.get("elbow", 0.0)), MAX_ELBOW))
    _place(joints, f"{side}_wrist", f"{side}_elbow", forearm)


def _arm_frame(arm: Mapping[str, Any], chest: Vector) -> Vector:
    """The chest's frame, the world's, or `level`: the chest's, without its forward pitch."""
    name = arm.get("frame", "chest")
    if name == "level":
        pitch = float(np.degrees(np.arctan2(chest[2, 1], chest[1, 1])))
        return body_frame(-max(pitch, 0.0), 0.0, 0.0) @ chest
    return np.eye(3) if name == "world" else chest


def _arm_by_target(
    arm: Mapping[str, Any], side: str, sign: float, frames: Mapping[str, Vector], joints: Vector
) -> None:
    chest = frames["chest"]
    upper, lower = _length(f"{side}_elbow"), _length(f"{side}_wrist")
    if "wrist" in arm:
        wrist, pole_words, hand = arm["wrist"], "back back out", 0.0
        target = np.array([sign * wrist["out"], wrist.get("up", FLOOR_WRIST_HEIGHT), wrist["front"]])
    else:
        target, pole_words = _hand_target(arm, side, sign, frames, joints)
        hand = HAND_LENGTH
    pole = chest @ named_direction(arm.get("pole", pole_words), sign)
    _place_shoulder(arm, side, sign, chest, np.array([0.0, -1.0, 0.0]), joints)
    shoulder = joints[JOINT_INDEX[f"{side}_shoulder"]]
    elbow, _ = solve_two_bones(shoulder, target, upper, lower + hand, pole, MAX_ELBOW)
    # The shoulder moves with the upper arm, so the elbow is solved once more from its new place.
    _place_shoulder(arm, side, sign, chest, chest.T @ (elbow - shoulder) / upper, joints)
    shoulder = joints[JOINT_INDEX[f"{side}_shoulder"]]
    elbow, end = solve_two_bones(shoulder, target, upper, lower + hand, pole, MAX_ELBOW)
    joints[JOINT_INDEX[f"{side}_elbow"]] = elbow
    joints[JOINT_INDEX[f"{side}_wrist"]] = elbow + (end - elbow) * lower / (lower + hand)


def _hand_target(
    arm: Mapping[str, Any], side: str, sign: float, frames: Mapping[str, Vector], joints: Vector
) -> tuple[Vector, str]:
    """The target (3,) of the middle of the hand, and the default direction of the elbow."""
    hand = arm["hand"]
    if isinstance(hand, str):
        anchor, frame, offset, pole = HAND_POSITIONS[hand]
        extra = arm.get("offset", (0.0, 0.0, 0.0))
        x, y, z = (a + b for a, b in zip(offset, extra, strict=True))
    else:
        x, y, z = (float(hand.get(key, 0.0)) for key in ("out", "up", "front"))
        anchor, frame, pole = ANCHORS[arm.get("from", "shoulder")]
    axes = frames.get(frame, np.eye(3)) if frame != "chest" else _arm_frame(arm, frames["chest"])
    return _anchor(anchor, side, frames["chest"], joints) + axes @ np.array([sign * x, y, z]), pole


def _anchor(anchor: str, side: str, chest: Vector, joints: Vector) -> Vector:
    """The position (3,) of an anchor: "pelvis", "own knee", "own thigh", "other shoulder", "" for the origin."""
    if not anchor:
        return np.zeros(3)
    if " " not in anchor:
        return np.array(joints[JOINT_INDEX[anchor]])
    owner, name = anchor.split()
    if owner == "other":
        side = "right" if side == "left" else "left"
    if name == "shoulder":
        # At rest: its arm may not have been placed yet.
        rest = side_direction(_REST["shoulder"], 1.0 if side == "left" else -1.0)
        return np.asarray(joints[JOINT_INDEX[f"{side}_collar"]] + _length(f"{side}_shoulder") * (chest @ rest))
    if name == "thigh":
        hip, knee = joints[JOINT_INDEX[f"{side}_hip"]], joints[JOINT_INDEX[f"{side}_knee"]]
        return np.asarray(0.4 * hip + 0.6 * knee)
    return np.array(joints[JOINT_INDEX[f"{side}_{name}"]])


def _place_shoulder(
    arm: Mapping[str, Any], side: str, sign: float, chest: Vector, upper: Vector, joints: Vector
) -> None:
    """Place a shoulder, which rises and moves forward with the upper arm (`upper`, in the chest's frame)."""
    raised = np.degrees(np.arccos(np.clip(-upper[1], -1.0, 1.0)))
    lift = 0.25 * max(raised - 45.0, 0.0) + float(arm.get("shrug", 0.0))
    forward = 14.0 * max(float(upper[2]), 0.0)
    bone = rotate(side_direction(_REST["shoulder"], sign), np.array([0.0, 0.0, 1.0]), sign * lift)
    bone = rotate(bone, np.array([0.0, 1.0, 0.0]), -sign * forward)
    _place(joints, f"{side}_shoulder", f"{side}_collar", chest @ bone)


def _lift_hands(joints: Vector) -> None:
    """Move wrists that are below the floor, beside a person who sits low, up to it."""
    if joints[JOINT_INDEX["neck"], 1] < joints[0, 1] + 0.1:
        return
    ground = float(joints[: JOINT_INDEX["left_elbow"], 1].min())
    lowest = ground + FLOOR_WRIST_HEIGHT - LOWEST_JOINT_HEIGHT
    for side in ("left", "right"):
        shoulder, elbow, wrist = (JOINT_INDEX[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        if joints[wrist, 1] < lowest:
            target = np.array([joints[wrist, 0], lowest, joints[wrist, 2]])
            lengths = _length(f"{side}_elbow"), _length(f"{side}_wrist")
            pole = joints[elbow] - joints[shoulder] + np.array([0.0, 0.6, -0.1])
            joints[elbow], joints[wrist] = solve_two_bones(joints[shoulder], target, *lengths, pole, MAX_ELBOW)


def _stands_on_hands(parts: Posture) -> bool:
    """Whether the body is held at a height by both hands on the floor, and by nothing else."""
    held = "height" in parts["pelvis"] and all("wrist" in parts[f"{side}_arm"] for side in ("left", "right"))
    return held and not any("foot" in parts[f"{side}_leg"] for side in ("left", "right"))


def _feet_support(parts: Posture, joints: Vector) -> Vector | None:
    """The middle (3,) of the standing feet, or None where hands, knees or the seat support the body as well."""
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
