"""Human ranges of motion, checked on joint positions alone. Axes: n poses, 22 joints (n, 22, 3); degrees.

`LIMITS` are the ranges of clinical range-of-motion tables, widened to the reach of gymnasts, to what recorded poses
show and to the few degrees that joint positions leave uncertain. The rotation of a bone about its own axis shows only
where the next joint is bent, so it is checked only there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.measures import chest_axes, direction, flexion, keep, measured_once, relative_position
from mardm_batch.pose.skeleton import HEAD_REST_ANGLE
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

LIMITS: Final[dict[str, tuple[float, float]]] = {
    "elbow flexion": (0.0, 158.0),
    "knee flexion": (0.0, 158.0),
    # Angle between the directions of toes and kneecap.
    "knee hinge": (0.0, 100.0),
    # -45: toes pulled up, 90: foot in line with the shin.
    "ankle point": (-45.0, 88.0),
    # Thigh against the pelvis: backward to forward, and across the midline to outward.
    "hip forward": (-75.0, 150.0),
    "hip outward": (-50.0, 105.0),
    # Outward rotation is negative; crossed legs show it together with what abduction adds.
    "hip rotation": (-138.0, 85.0),
    # Upper arm against the chest: behind its plane, and across it.
    "shoulder behind": (-90.0, 85.0),
    "shoulder across": (-90.0, 65.0),
    "shoulder rotation": (-125.0, 150.0),
    "spine bend": (-75.0, 95.0),
    "spine lean": (-60.0, 60.0),
    "spine twist": (-85.0, 85.0),
    "neck nod": (-80.0, 75.0),
    "neck side": (-60.0, 60.0),
}
_MIN_FLEXION: Final = 30.0
"""Flexion from which on the rotation of the bone above can be measured."""


def joint_angles(joints: Array) -> dict[str, Array]:
    """Each angle of `LIMITS`, (n,) degrees, its name preceded by the side where it has one.

    An angle that the joints do not determine is 0.
    """
    with measured_once(joints):
        return _measured_angles(joints)


@keep
def _measured_angles(joints: Array) -> dict[str, Array]:
    angles: dict[str, Array] = {}
    chest = np.stack(chest_axes(joints), axis=1)
    hips = unit(relative_position(joints, "left_hip", "right_hip"))
    up = unit(relative_position(joints, "spine1", "pelvis"))
    up = unit(orthogonal(up, hips))
    pelvis = np.stack((hips, up, cross(hips, up)), axis=1)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add_arm_angles(joints, side, sign, chest, angles)
        _add_leg_angles(joints, side, sign, pelvis, angles)
    spine = _in_frame(pelvis, chest[:, 1])
    angles["spine bend"] = atan2_degrees(spine[:, 2], spine[:, 1])
    angles["spine lean"] = arcsin_degrees(spine[:, 0])
    shoulders = _in_frame(pelvis, chest[:, 0])
    angles["spine twist"] = atan2_degrees(-shoulders[:, 2], shoulders[:, 0])
    skull = _in_frame(chest, unit(relative_position(joints, "head", "neck")))
    angles["neck nod"] = atan2_degrees(skull[:, 2], skull[:, 1]) - HEAD_REST_ANGLE
    angles["neck side"] = arcsin_degrees(skull[:, 0])
    return angles


def violations(joints: Array) -> dict[str, NDArray[np.bool_]]:
    """For each angle of `joint_angles` whether (n,) it is outside its limits."""
    outside = {}
    for name, values in joint_angles(joints).items():
        low, high = _limits(name)
        outside[name] = (values < low) | (values > high)
    return outside


def degrees_within(joints: Array, name: str) -> Array:
    """By how many degrees (n,) an angle of `joint_angles` is within its limits; negative where it is outside."""
    low, high = _limits(name)
    values = joint_angles(joints)[name]
    return np.asarray(np.minimum(values - low, high - values))


def within_limits(joints: Array) -> NDArray[np.bool_]:
    """Whether (n,) all joint angles of the poses (n, 22, 3) are within human limits."""
    return np.asarray(~np.any(list(violations(joints).values()), axis=0))


def _limits(name: str) -> tuple[float, float]:
    """The limits of an angle whose name may begin with its side."""
    return LIMITS[name.removeprefix("left ").removeprefix("right ")]


def _add_arm_angles(joints: Array, side: str, sign: float, chest: Array, angles: dict[str, Array]) -> None:
    elbow = flexion(joints, f"{side}_elbow")
    angles[f"{side} elbow flexion"] = elbow
    upper = _mirror(_in_frame(chest, direction(joints, f"{side}_upper_arm")), sign)
    forearm = _mirror(_in_frame(chest, direction(joints, f"{side}_forearm")), sign)
    angles[f"{side} shoulder behind"] = arcsin_degrees(-upper[:, 2])
    # Overhead the arms may cross; in front and below they meet the body or the other arm.
    across = np.where(upper[:, 1] > 0.6, 0.0, -upper[:, 0])
    angles[f"{side} shoulder across"] = arcsin_degrees(across)
    rotation = _rotation_about(upper, forearm, np.array([0.0, 0.0, 1.0]))
    # Straight up the neutral direction is undefined.
    measurable = (elbow > _MIN_FLEXION) & (upper[:, 1] < 0.8)
    angles[f"{side} shoulder rotation"] = np.where(measurable, rotation, 0.0)


def _add_leg_angles(joints: Array, side: str, sign: float, pelvis: Array, angles: dict[str, Array]) -> None:
    knee = flexion(joints, f"{side}_knee")
    angles[f"{side} knee flexion"] = knee
    thigh = _mirror(_in_frame(pelvis, direction(joints, f"{side}_thigh")), sign)
    shin = _mirror(_in_frame(pelvis, direction(joints, f"{side}_shin")), sign)
    foot = unit(relative_position(joints, f"{side}_foot", f"{side}_ankle"))
    foot = _mirror(_in_frame(pelvis, foot), sign)
    outward = arcsin_degrees(thigh[:, 0])
    angles[f"{side} hip outward"] = outward
    forward = atan2_degrees(thigh[:, 2], -thigh[:, 1])
    angles[f"{side} hip forward"] = np.where(np.abs(outward) < 60.0, forward, 0.0)
    bent = knee > _MIN_FLEXION
    rotation = _rotation_about(thigh, shin, np.array([0.0, 0.0, -1.0]))
    angles[f"{side} hip rotation"] = np.where(bent & (thigh[:, 1] < 0.8), rotation, 0.0)
    angles[f"{side} ankle point"] = 90.0 - angle_between(shin, foot)
    # The kneecap is on the side of the shin that is opposite to the fold.
    kneecap = orthogonal(thigh, shin)
    toes = orthogonal(foot, shin)
    measurable = bent & (length(toes) > 0.3)
    angles[f"{side} knee hinge"] = np.where(measurable, angle_between(unit(kneecap), unit(toes)), 0.0)


def _rotation_about(bone: Array, next_bone: Array, hanging: Array) -> Array:
    """Rotation (n,) of a bone (n, 3) about its own axis; inward is positive.

    Compares the direction in which the next bone (n, 3) folds with its neutral direction: that of a hanging limb,
    `hanging` (3,), after the shortest rotation that takes "down" to the bone's direction.
    """
    fold = unit(orthogonal(next_bone, bone))
    down = np.array([0.0, -1.0, 0.0])
    axis = cross(down, bone)
    # Rodrigues' formula with sin = |axis| and cos = down . bone, for the fixed vector `hanging`.
    cos = (bone @ down)[:, None]
    neutral = cos * hanging + cross(axis, hanging) + axis * (axis @ hanging)[:, None] / (1.0 + cos + 1e-9)
    sine = np.vecdot(cross(neutral, fold), bone)
    return atan2_degrees(sine, np.vecdot(neutral, fold))


def _in_frame(axes: Array, vectors: Array) -> Array:
    """Coordinates (n, 3) of vectors in the frames whose axes are the rows of `axes` (n, 3, 3)."""
    return np.asarray(np.einsum("nij,nj->ni", axes, vectors))


def _mirror(vectors: Array, sign: float) -> Array:
    """The vectors with x times `sign`: the right side's (-1) become those of a left side, so both share the limits."""
    return np.asarray(vectors * np.array([sign, 1.0, 1.0]))
