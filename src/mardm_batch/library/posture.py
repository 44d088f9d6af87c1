"""The vocabulary of postures in the pose library's data files. Metres and degrees.

A posture maps parts of the body to numbers by key (`PART_KEYS`). Limbs are given by angles or by a target:

    pelvis     pitch (forward +), lean (left +), height, rests_on (joints at the floor), slack, balance
    torso      bend (forward +), lean (left +), twist (left +), spread over the spine
    head       nod (down +), tilt (left +), turn (left +)
    arms       raise 0 hanging .. 90 horizontal .. 180 overhead; plane 0 sideways, 90 forward, -90 behind;
               elbow 0 straight; toward: direction of the bent forearm; frame: chest, world, or level (the chest's,
               upright); shrug. Or hand: one of `HAND_POSITIONS` or {out, up, front} from the shoulder (`from`:
               another of `ANCHORS`), or wrist: {out, front} on the floor; pole: direction of the elbow
    legs       raise, plane (90 forward), knee, toward, turn (outward), point (of the toes), `shin: floor` when
               kneeling; or foot: {out, front} flat on the floor, with turnout, heel (degrees by which it is raised)
               and up (height of the ankle, off the floor)

`out` is away from the midline, so the same numbers serve both sides.
"""

from collections.abc import Mapping
from typing import Any, Final

Posture = Mapping[str, Mapping[str, Any]]

HAND_POSITIONS: Final[Mapping[str, tuple[str, str, tuple[float, float, float], str]]] = {
    # name: anchor joint, frame, offset (out, up, front) of the middle of the hand, direction of the elbow
    "hip": ("own hip", "pelvis", (0.09, 0.04, 0.03), "out back"),
    "behind back": ("pelvis", "pelvis", (-0.02, 0.10, -0.17), "out back"),
    "belly": ("spine1", "chest", (-0.02, 0.02, 0.16), "out back"),
    "heart": ("spine3", "chest", (-0.04, 0.06, 0.17), "out down"),
    "chest": ("spine3", "chest", (0.06, 0.08, 0.17), "out down"),
    "prayer": ("spine3", "chest", (0.015, 0.10, 0.22), "out down"),
    "other elbow": ("spine3", "chest", (-0.12, 0.00, 0.22), "out down"),
    "other shoulder": ("other shoulder", "chest", (-0.02, 0.02, 0.11), "down front"),
    "shoulder": ("own shoulder", "chest", (0.0, 0.04, 0.08), "out down"),
    "chin": ("head", "head", (0.02, -0.08, 0.11), "down front"),
    "mouth": ("head", "head", (0.03, -0.02, 0.13), "down out"),
    "face": ("head", "head", (0.05, 0.04, 0.13), "down front out"),
    "forehead": ("head", "head", (0.08, 0.11, 0.09), "out"),
    "ear": ("head", "head", (0.10, 0.04, 0.01), "out down front"),
    "top of head": ("head", "head", (0.04, 0.20, -0.01), "out"),
    "behind head": ("head", "head", (0.05, 0.06, -0.10), "out"),
    "knee": ("own knee", "pelvis", (0.00, 0.07, 0.04), "out back"),
    "thigh": ("own thigh", "pelvis", (0.01, 0.08, 0.03), "out back"),
    "ankle": ("own ankle", "pelvis", (0.04, 0.07, 0.02), "out"),
    "other ankle": ("other ankle", "pelvis", (0.0, 0.07, 0.02), "out"),
    "foot": ("own foot", "pelvis", (0.0, 0.05, 0.0), "out"),
}
ANCHORS: Final[Mapping[str, tuple[str, str, str]]] = {
    # origin (`from`) of {out, up, front} of a hand: anchor joint, frame, direction of the elbow
    "shoulder": ("own shoulder", "chest", "down out back"),
    "pelvis": ("pelvis", "pelvis", "out back"),
    "head": ("head", "head", "out down"),
    "knee": ("own knee", "world", "out back"),
    "other knee": ("other knee", "world", "out down"),
    "floor": ("", "world", "out back"),
}

_ARM_KEYS: Final = (
    "raise", "plane", "elbow", "toward", "frame", "shrug", "hand", "from", "wrist", "pole", "offset",
)  # fmt: skip
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
"""A relaxed stand: the parts that a posture does not mention."""
