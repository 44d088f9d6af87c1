"""Measures of poses, as in PoseScript's posecodes (Delmas et al., ECCV 2022).

Axes: n poses, 22 joints (n, 22, 3), metres, Y up, left +X, facing +Z (see `geometry.canonical_position`). Angles are
in degrees. Every function measures all poses at once; within `measured_once` each measure of them is taken once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

import numpy as np

from mardm_batch.pose.skeleton import HEAD_REST_ANGLE, JOINT_INDEX
from mardm_batch.pose.vectors import (
    Array,
    angle_between,
    arcsin_degrees,
    atan2_degrees,
    cross,
    length,
    orthogonal,
    unit,
)

HAND_LENGTH: Final = 0.068
"""Metres from the wrist to the middle of the hand, along the forearm."""
FLOOR_TOLERANCE: Final = 0.10
"""Metres above the lowest joint up to which a point is on the floor."""

SEGMENTS: Final = {
    "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"),
    "leg": ("hip", "ankle"),
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "arm": ("shoulder", "wrist"),
}
"""The joints at both ends of each limb segment, the one nearer to the trunk first."""
LIMBS: Final = tuple(f"{side}_{name}" for side in ("left", "right") for name in SEGMENTS)
"""The segments of both sides."""
_ENDS: Final = [
    [JOINT_INDEX[f"{side}_{end}"] for end in ends] for side in ("left", "right") for ends in SEGMENTS.values()
]
_NEAR_ENDS, _FAR_ENDS = map(list, zip(*_ENDS, strict=True))
_BENDING: Final = {
    "left_knee": ("left_thigh", "left_shin"),
    "right_knee": ("right_thigh", "right_shin"),
    "left_elbow": ("left_upper_arm", "left_forearm"),
    "right_elbow": ("right_upper_arm", "right_forearm"),
}
"""The segments on both sides of each joint that bends."""
_BENT: Final = list(_BENDING)
_BEFORE_BEND, _AFTER_BEND = ([LIMBS.index(ends[place]) for ends in _BENDING.values()] for place in (0, 1))

_P = ParamSpec("_P")
_T = TypeVar("_T")
_TAKEN: ContextVar[tuple[Array, dict[object, object]] | None] = ContextVar("measures taken", default=None)
"""The poses of `measured_once`, and their measures so far by function and arguments."""


@contextmanager
def measured_once(joints: Array) -> Iterator[None]:
    """Keep every measure of this very array of poses, which must not change meanwhile, for the next that needs it."""
    taken = _TAKEN.get()
    if taken is not None and taken[0] is joints:
        yield
        return
    token = _TAKEN.set((joints, {}))
    try:
        yield
    finally:
        _TAKEN.reset(token)


def keep(measure: Callable[Concatenate[Array, _P], _T]) -> Callable[Concatenate[Array, _P], _T]:
    """The measure, taken once within `measured_once`; its arguments beside the poses are names."""

    @wraps(measure)
    def kept(joints: Array, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        taken = _TAKEN.get()
        if taken is None or taken[0] is not joints:
            return measure(joints, *args, **kwargs)
        key = (measure, *args)
        if key not in taken[1]:
            taken[1][key] = measure(joints, *args, **kwargs)
        value: _T = taken[1][key]  # type: ignore[assignment]
        return value

    return kept


def point(joints: Array, name: str) -> Array:
    """Position (n, 3) of a joint, of `left_hand` or `right_hand`, or of the `torso`'s middle."""
    return joints[:, JOINT_INDEX[name]] if name in JOINT_INDEX else _other_point(joints, name)


@keep
def _other_point(joints: Array, name: str) -> Array:
    if name == "torso":
        return np.asarray(joints[:, [JOINT_INDEX[part] for part in ("pelvis", "neck", "spine3")]].mean(axis=1))
    side = name.removesuffix("_hand")
    return np.asarray(point(joints, f"{side}_wrist") + HAND_LENGTH * direction(joints, f"{side}_forearm"))


def flexion(joints: Array, joint: str) -> Array:
    """Flexion (n,) of a knee or an elbow; 0 is straight."""
    return np.asarray(_flexions(joints)[:, _BENT.index(joint)])


@keep
def _flexions(joints: Array) -> Array:
    """Flexions (n, 4) of the joints of `_BENDING`."""
    directions = _directions(joints)
    return angle_between(directions[:, _BEFORE_BEND], directions[:, _AFTER_BEND])


@keep
def distance(joints: Array, first: str, second: str) -> Array:
    """Distance (n,) between two points, metres."""
    return length(point(joints, first) - point(joints, second))


@keep
def relative_position(joints: Array, first: str, second: str) -> Array:
    """Vector (n, 3) from the point `second` to the point `first`, metres."""
    return np.asarray(point(joints, first) - point(joints, second))


def direction(joints: Array, segment: str) -> Array:
    """Unit vector (n, 3) along a limb segment, away from the trunk; that of `back` points from pelvis to neck."""
    return _back(joints) if segment == "back" else _directions(joints)[:, LIMBS.index(segment)]


@keep
def _back(joints: Array) -> Array:
    return unit(relative_position(joints, "neck", "pelvis"))


@keep
def _directions(joints: Array) -> Array:
    """Unit vectors (n, 12, 3) along all limb segments, away from the trunk."""
    return unit(joints[:, _FAR_ENDS] - joints[:, _NEAR_ENDS])


@keep
def angle_from_vertical(joints: Array, segment: str) -> Array:
    """Angle (n,) between a segment and the vertical, 0 to 90."""
    vertical = np.abs(direction(joints, segment)[:, 1])
    return np.asarray(np.degrees(np.arccos(np.clip(vertical, 0.0, 1.0))))


@keep
def height(joints: Array, name: str) -> Array:
    """Height (n,) of a point above the lowest joint, metres."""
    return np.asarray(point(joints, name)[:, 1] - joints[:, :, 1].min(axis=1))


@keep
def torso_pitch(joints: Array) -> Array:
    """Angle (n,) of the back from the vertical: forward positive, backward negative, beyond 90 head down."""
    back = direction(joints, "back")
    return atan2_degrees(back[:, 2], back[:, 1])


@keep
def torso_lean(joints: Array) -> Array:
    """Sideways lean (n,) of the line from the pelvis to the middle of the shoulders: left positive."""
    middle = 0.5 * (point(joints, "left_shoulder") + point(joints, "right_shoulder"))
    return arcsin_degrees(unit(middle - point(joints, "pelvis"))[:, 0])


@keep
def body_bend(joints: Array) -> Array:
    """Angle (n,) of the trunk against the legs, seen from the side: forward positive, -180 to 180."""
    shoulders = 0.5 * (point(joints, "left_shoulder") + point(joints, "right_shoulder"))
    ankles = 0.5 * (point(joints, "left_ankle") + point(joints, "right_ankle"))
    trunk, legs = shoulders - joints[:, 0], joints[:, 0] - ankles
    bend = np.arctan2(trunk[:, 2], trunk[:, 1]) - np.arctan2(legs[:, 2], legs[:, 1])
    return np.asarray(np.degrees((bend + np.pi) % (2 * np.pi) - np.pi))


@keep
def torso_twist(joints: Array) -> Array:
    """Rotation (n,) of the shoulders against the hips, about the back: to the left positive."""
    up = direction(joints, "back")
    shoulders = unit(orthogonal(relative_position(joints, "left_shoulder", "right_shoulder"), up))
    hips = unit(orthogonal(relative_position(joints, "left_hip", "right_hip"), up))
    sine = np.vecdot(cross(hips, shoulders), up)
    return atan2_degrees(sine, np.vecdot(hips, shoulders))


@keep
def chest_axes(joints: Array) -> tuple[Array, Array, Array]:
    """Unit vectors (n, 3) to the chest's left, up and front."""
    up = unit(relative_position(joints, "neck", "spine3"))
    left = unit(orthogonal(relative_position(joints, "left_shoulder", "right_shoulder"), up))
    return left, up, cross(left, up)


@keep
def head_nod(joints: Array) -> Array:
    """Angle (n,) by which the head is bent down (positive) or back (negative), against the chest."""
    _, up, front = chest_axes(joints)
    skull = relative_position(joints, "head", "neck")
    return np.asarray(atan2_degrees(np.vecdot(skull, front), np.vecdot(skull, up)) - HEAD_REST_ANGLE)


@keep
def head_side(joints: Array) -> Array:
    """Angle (n,) by which the head joint is to the left of the chest's middle plane.

    A skeleton without eyes shows a turn and a tilt alike: a turn of 60 degrees moves the joint by 18, a tilt of 18 too.
    """
    left, _, _ = chest_axes(joints)
    skull = unit(relative_position(joints, "head", "neck"))
    return arcsin_degrees(np.vecdot(skull, left))
