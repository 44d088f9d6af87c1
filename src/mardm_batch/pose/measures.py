"""Measures of a pose and their words (posecodes, after PoseScript, Delmas et al., ECCV 2022).

Axes: n poses, 22 joints (n, 22, 3), metres, Y up, left +X, facing +Z (`face_front` turns poses so). Angles are
degrees. Every function takes all poses at once and knows nothing of captions.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.skeleton import JOINT_INDEX

Array = NDArray[np.floating]

HAND_LENGTH: Final = 0.068
"""Metres from the wrist to the middle of the hand, along the forearm."""
ON_FLOOR: Final = 0.10
"""Metres above the lowest joint up to which a joint counts as on the ground."""

ANGLE_THRESHOLDS: Final = (45.0, 75.0, 105.0, 135.0, 160.0)
ANGLE_WORDS: Final = (
    "completely bent", "almost completely bent", "bent at a right angle", "partially bent", "slightly bent",
    "straight",
)  # fmt: skip
DISTANCE_THRESHOLDS: Final = (0.20, 0.40, 0.80)
DISTANCE_WORDS: Final = ("close together", "shoulder-width apart", "spread apart", "wide apart")
BEND_THRESHOLDS: Final = (-50.0, -20.0, 20.0, 50.0)
BEND_WORDS: Final = ("far backward", "backward", "straight", "forward", "far forward")
TWIST_WORDS: Final = ("far to the right", "to the right", "", "to the left", "far to the left")
LEAN_THRESHOLDS: Final = (-30.0, -15.0, 15.0, 30.0)
LEAN_WORDS: Final = ("far to the right", "to the right", "", "to the left", "far to the left")
POSITION_THRESHOLDS: Final = (-0.15, -0.05, 0.05, 0.15)
POSITION_WORDS: Final = (
    ("to the right of", "", "aligned with", "", "to the left of"),
    ("below", "", "level with", "", "above"),
    ("behind", "", "aligned with", "", "in front of"),
)
"""For each axis (x, y, z) the words of its five bins; an empty one says nothing."""
VERTICAL: Final = 10.0
HORIZONTAL: Final = 80.0

SEGMENTS: Final = {
    "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"),
    "leg": ("hip", "ankle"),
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "arm": ("shoulder", "wrist"),
}
_NEIGHBOURS: Final = {"knee": ("hip", "ankle"), "elbow": ("shoulder", "wrist")}
_HEAD_AT_REST: Final = 21.2
"""Degrees by which the head joint lies in front of the neck's line when one looks straight ahead."""


def point(joints: Array, name: str) -> Array:
    """Positions (n, 3) of a joint, of `left_hand` or `right_hand`, or of the `torso`."""
    if name == "torso":
        return np.asarray(joints[:, [JOINT_INDEX[part] for part in ("pelvis", "neck", "spine3")]].mean(axis=1))
    if name.endswith("_hand"):
        side = name.removesuffix("_hand")
        elbow, wrist = joints[:, JOINT_INDEX[f"{side}_elbow"]], joints[:, JOINT_INDEX[f"{side}_wrist"]]
        return np.asarray(wrist + HAND_LENGTH * _unit(wrist - elbow))
    return joints[:, JOINT_INDEX[name]]


def angle(joints: Array, joint: str) -> Array:
    """Inner angle (n,) at a knee or an elbow: 180 when straight."""
    side, name = joint.split("_")
    first, second = (point(joints, f"{side}_{end}") for end in _NEIGHBOURS[name])
    centre = point(joints, joint)
    return _angle_between(first - centre, second - centre)


def bend(joints: Array, joint: str) -> Array:
    """Flexion (n,) of a knee or an elbow: 0 when straight."""
    return np.asarray(180.0 - angle(joints, joint))


def distance(joints: Array, first: str, second: str) -> Array:
    """Distance (n,) between two points."""
    return np.asarray(np.linalg.norm(point(joints, first) - point(joints, second), axis=-1))


def relative_position(joints: Array, first: str, second: str) -> Array:
    """(n, 3): how far `first` is left of, above and in front of `second`."""
    return np.asarray(point(joints, first) - point(joints, second))


def direction(joints: Array, segment: str) -> Array:
    """Unit vectors (n, 3) along a limb's segment, away from the trunk; `back` runs from pelvis to neck."""
    if segment == "back":
        return _unit(relative_position(joints, "neck", "pelvis"))
    side, name = segment.split("_", 1)
    near, far = SEGMENTS[name]
    return _unit(relative_position(joints, f"{side}_{far}", f"{side}_{near}"))


def from_vertical(joints: Array, segment: str) -> Array:
    """Angle (n,) of a segment against the vertical, 0 to 90; `hands` and `feet` are the lines between them."""
    if segment in ("hands", "feet"):
        name = {"hands": "hand", "feet": "foot"}[segment]
        line = _unit(relative_position(joints, f"left_{name}", f"right_{name}"))
    else:
        line = direction(joints, segment)
    return np.asarray(np.degrees(np.arccos(np.clip(np.abs(line[:, 1]), 0.0, 1.0))))


def height(joints: Array, name: str) -> Array:
    """Height (n,) of a point above the pose's lowest joint."""
    return np.asarray(point(joints, name)[:, 1] - joints[:, :, 1].min(axis=1))


def on_floor(joints: Array, name: str) -> NDArray[np.bool_]:
    """Whether (n,) a point touches the ground: at most 0.10 m above the lowest joint."""
    return np.asarray(height(joints, name) <= ON_FLOOR)


def torso_pitch(joints: Array) -> Array:
    """Tilt (n,) of pelvis to neck from the vertical: forward positive, backward negative, beyond 90 head down."""
    back = direction(joints, "back")
    return np.asarray(np.degrees(np.arctan2(back[:, 2], back[:, 1])))


def torso_lean(joints: Array) -> Array:
    """Sideways lean (n,) of pelvis to mid-shoulder: left positive."""
    middle = 0.5 * (point(joints, "left_shoulder") + point(joints, "right_shoulder"))
    line = _unit(middle - point(joints, "pelvis"))
    return np.asarray(np.degrees(np.arcsin(np.clip(line[:, 0], -1.0, 1.0))))


def body_bend(joints: Array) -> Array:
    """Bend (n,) of the trunk against the legs, by shoulders, pelvis and ankles: forward positive."""
    shoulders = 0.5 * (point(joints, "left_shoulder") + point(joints, "right_shoulder"))
    ankles = 0.5 * (point(joints, "left_ankle") + point(joints, "right_ankle"))
    trunk, legs = shoulders - joints[:, 0], joints[:, 0] - ankles
    turn = np.arctan2(trunk[:, 2], trunk[:, 1]) - np.arctan2(legs[:, 2], legs[:, 1])
    return np.asarray(np.degrees((turn + np.pi) % (2 * np.pi) - np.pi))


def torso_twist(joints: Array) -> Array:
    """Turn (n,) of the shoulder line against the hip line, about the back: to the left positive."""
    up = direction(joints, "back")
    shoulders = _aside(relative_position(joints, "left_shoulder", "right_shoulder"), up)
    hips = _aside(relative_position(joints, "left_hip", "right_hip"), up)
    sine = (np.cross(hips, shoulders) * up).sum(-1)
    return np.asarray(np.degrees(np.arctan2(sine, (hips * shoulders).sum(-1))))


def chest_axes(joints: Array) -> tuple[Array, Array, Array]:
    """The chest's own left, up and front (n, 3) each."""
    up = _unit(relative_position(joints, "neck", "spine3"))
    left = _aside(relative_position(joints, "left_shoulder", "right_shoulder"), up)
    return left, up, np.cross(left, up)


def head_nod(joints: Array) -> Array:
    """How far (n,) the head is bent down (positive) or back (negative), against the chest."""
    _, up, front = chest_axes(joints)
    skull = relative_position(joints, "head", "neck")
    forward = np.arctan2((skull * front).sum(-1), (skull * up).sum(-1))
    return np.asarray(np.degrees(forward) - _HEAD_AT_REST)


def head_side(joints: Array) -> Array:
    """How far (n,) the head is turned or tilted to the left, against the chest.

    One joint shows both: a turn by 60 degrees moves it by 18, a tilt by 18 likewise.
    """
    left, _, _ = chest_axes(joints)
    skull = _unit(relative_position(joints, "head", "neck"))
    return np.asarray(np.degrees(np.arcsin(np.clip((skull * left).sum(-1), -1.0, 1.0))))


def torso_horizontal(joints: Array) -> NDArray[np.bool_]:
    """Super-code (n,): the back lies more than 80 degrees from the vertical."""
    return np.asarray(from_vertical(joints, "back") > HORIZONTAL)


def kneeling_on(joints: Array, side: str) -> NDArray[np.bool_]:
    """Super-code (n,): on one knee, which is grounded and lower than the other, whose foot is grounded."""
    other = "left" if side == "right" else "right"
    lower = height(joints, f"{side}_knee") < height(joints, f"{other}_knee") - 0.05
    return np.asarray(on_floor(joints, f"{side}_knee") & lower & on_floor(joints, f"{other}_foot"))


def kneeling(joints: Array) -> NDArray[np.bool_]:
    """Super-code (n,): both knees grounded, and the hips above them or the knees completely bent."""
    grounded = on_floor(joints, "left_knee") & on_floor(joints, "right_knee")
    above = (joints[:, [1, 2], 1] > joints[:, [4, 5], 1] + 0.15).all(axis=1)
    folded = (angle(joints, "left_knee") <= 45) & (angle(joints, "right_knee") <= 45)
    return np.asarray(grounded & (above | folded))


def bins(values: Array, thresholds: tuple[float, ...]) -> NDArray[np.int64]:
    """The bin (n,) of each value; a value at a threshold falls in the lower one."""
    return np.asarray(np.searchsorted(np.array(thresholds), values, side="left"))


def _unit(vectors: Array) -> Array:
    norm = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return np.asarray(vectors / np.maximum(norm, 1e-9))


def _aside(vectors: Array, axis: Array) -> Array:
    return _unit(vectors - (vectors * axis).sum(-1, keepdims=True) * axis)


def _angle_between(a: Array, b: Array) -> Array:
    return np.asarray(np.degrees(np.arccos(np.clip((_unit(a) * _unit(b)).sum(-1), -1.0, 1.0))))
