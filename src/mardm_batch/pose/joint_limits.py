"""How far human joints go, measured from joint positions alone. Axes: n poses, 22 joints (n, 22, 3).

The ranges (`LIMITS`, degrees) are those of clinical range-of-motion tables, widened to what gymnasts reach and to
what the recorded poses show; a skeleton of points leaves a few degrees of doubt of its own. Rotation about a
bone is seen only where the next joint is bent, so it is judged there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.measures import Array, bend, chest_axes, direction, relative_position

LIMITS: Final[dict[str, tuple[float, float]]] = {
    "elbow flexion": (0.0, 158.0),
    "knee flexion": (0.0, 158.0),
    # Toes look where the kneecap looks; the angle between the two.
    "knee hinge": (0.0, 100.0),
    # Toes pulled up -45 .. foot in line with the shin 90.
    "ankle point": (-45.0, 88.0),
    # Thigh against the pelvis: forward, behind, outward, across the midline.
    "hip forward": (-75.0, 150.0),
    "hip outward": (-50.0, 105.0),
    # Outward rotation is negative; folded legs show it together with what abduction adds.
    "hip rotation": (-138.0, 85.0),
    # Upper arm against the chest: behind the chest's plane, and across it.
    "shoulder behind": (-90.0, 85.0),
    "shoulder across": (-90.0, 65.0),
    "shoulder rotation": (-125.0, 150.0),
    "spine bend": (-75.0, 95.0),
    "spine lean": (-60.0, 60.0),
    "spine twist": (-85.0, 85.0),
    "neck nod": (-80.0, 75.0),
    "neck side": (-60.0, 60.0),
}
_BENT_ENOUGH: Final = 30.0
"""Flexion from which the rotation about the bone above can be read."""


def joint_angles(joints: Array) -> dict[str, Array]:
    """Each measure of `LIMITS`, named with its side where it has one, as degrees (n,)."""
    angles: dict[str, Array] = {}
    chest = np.stack(chest_axes(joints), axis=1)
    hips = _unit(relative_position(joints, "left_hip", "right_hip"))
    up = _unit(relative_position(joints, "spine1", "pelvis"))
    up = _unit(up - (up * hips).sum(-1, keepdims=True) * hips)
    pelvis = np.stack((hips, up, np.cross(hips, up)), axis=1)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _arm(joints, side, sign, chest, angles)
        _leg(joints, side, sign, pelvis, angles)
    spine = _local(pelvis, chest[:, 1])
    angles["spine bend"] = _degrees(np.arctan2(spine[:, 2], spine[:, 1]))
    angles["spine lean"] = _degrees(np.arcsin(np.clip(spine[:, 0], -1.0, 1.0)))
    turned = _local(pelvis, chest[:, 0])
    angles["spine twist"] = _degrees(np.arctan2(-turned[:, 2], turned[:, 0]))
    skull = _local(chest, _unit(relative_position(joints, "head", "neck")))
    angles["neck nod"] = _degrees(np.arctan2(skull[:, 2], skull[:, 1])) - 21.2
    angles["neck side"] = _degrees(np.arcsin(np.clip(skull[:, 0], -1.0, 1.0)))
    return angles


def violations(joints: Array) -> dict[str, NDArray[np.bool_]]:
    """For each measure whether (n,) the poses (n, 22, 3) go beyond its limit; an unreadable one does not."""
    beyond = {}
    for name, values in joint_angles(joints).items():
        low, high = LIMITS[name.removeprefix("left ").removeprefix("right ")]
        beyond[name] = (values < low) | (values > high)
    return beyond


def within_limits(joints: Array) -> NDArray[np.bool_]:
    """Whether (n,) no joint of the poses (n, 22, 3) goes beyond human limits."""
    return np.asarray(~np.any(list(violations(joints).values()), axis=0))


def _arm(joints: Array, side: str, sign: float, chest: Array, angles: dict[str, Array]) -> None:
    flexion = bend(joints, f"{side}_elbow")
    angles[f"{side} elbow flexion"] = flexion
    upper = _outward(_local(chest, direction(joints, f"{side}_upper_arm")), sign)
    forearm = _outward(_local(chest, direction(joints, f"{side}_forearm")), sign)
    angles[f"{side} shoulder behind"] = _degrees(np.arcsin(np.clip(-upper[:, 2], -1.0, 1.0)))
    # Overhead the arms may cross; in front and below they meet the body or the other arm.
    across = np.where(upper[:, 1] > 0.6, 0.0, -upper[:, 0])
    angles[f"{side} shoulder across"] = _degrees(np.arcsin(np.clip(across, -1.0, 1.0)))
    turn = _turn_about(upper, forearm, np.array([0.0, 0.0, 1.0]))
    # Straight up the neutral direction is undefined.
    readable = (flexion > _BENT_ENOUGH) & (upper[:, 1] < 0.8)
    angles[f"{side} shoulder rotation"] = np.where(readable, turn, 0.0)


def _leg(joints: Array, side: str, sign: float, pelvis: Array, angles: dict[str, Array]) -> None:
    flexion = bend(joints, f"{side}_knee")
    angles[f"{side} knee flexion"] = flexion
    thigh = _outward(_local(pelvis, direction(joints, f"{side}_thigh")), sign)
    shin = _outward(_local(pelvis, direction(joints, f"{side}_shin")), sign)
    foot = _unit(relative_position(joints, f"{side}_foot", f"{side}_ankle"))
    foot = _outward(_local(pelvis, foot), sign)
    outward = _degrees(np.arcsin(np.clip(thigh[:, 0], -1.0, 1.0)))
    angles[f"{side} hip outward"] = outward
    forward = _degrees(np.arctan2(thigh[:, 2], -thigh[:, 1]))
    angles[f"{side} hip forward"] = np.where(np.abs(outward) < 60.0, forward, 0.0)
    bent = flexion > _BENT_ENOUGH
    turn = _turn_about(thigh, shin, np.array([0.0, 0.0, -1.0]))
    angles[f"{side} hip rotation"] = np.where(bent & (thigh[:, 1] < 0.8), turn, 0.0)
    angles[f"{side} ankle point"] = 90.0 - _between(shin, foot)
    # The kneecap's side of the shin: away from where it folds.
    front = thigh - (thigh * shin).sum(-1, keepdims=True) * shin
    toes = foot - (foot * shin).sum(-1, keepdims=True) * shin
    readable = bent & (np.linalg.norm(toes, axis=-1) > 0.3)
    angles[f"{side} knee hinge"] = np.where(readable, _between(_unit(front), _unit(toes)), 0.0)


def _turn_about(bone: Array, after: Array, hanging: Array) -> Array:
    """Rotation (n,) about a bone: where the next one bends to, against where it would after the shortest swing
    from hanging (where it bends to `hanging`). Inward is positive."""
    bends = _unit(after - (after * bone).sum(-1, keepdims=True) * bone)
    down = np.array([0.0, -1.0, 0.0])
    axis = np.cross(down, bone)
    # Rodrigues with sin = |axis| and cos = down . bone, for the fixed vector `hanging`.
    cos = (bone @ down)[:, None]
    neutral = cos * hanging + np.cross(axis, hanging) + axis * (axis @ hanging)[:, None] / (1.0 + cos + 1e-9)
    sine = (np.cross(neutral, bends) * bone).sum(-1)
    return _degrees(np.arctan2(sine, (neutral * bends).sum(-1)))


def _local(axes: Array, vectors: Array) -> Array:
    return np.asarray(np.einsum("nij,nj->ni", axes, vectors))


def _outward(vectors: Array, sign: float) -> Array:
    """The right side's vectors mirrored, so that one set of limits serves both."""
    return np.asarray(vectors * np.array([sign, 1.0, 1.0]))


def _between(a: Array, b: Array) -> Array:
    return _degrees(np.arccos(np.clip((a * b).sum(-1), -1.0, 1.0)))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _degrees(radians: Array) -> Array:
    return np.asarray(np.degrees(radians))
