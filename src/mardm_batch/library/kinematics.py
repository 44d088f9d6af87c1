"""Directions, rotations and two-bone inverse kinematics of single poses. Axes: (3,) or (..., 3); metres, degrees.

Y is up, left +X. `sign` is +1 for the left side and -1 for the right; x counts outward before it is applied. These
functions take single vectors, for speed; those of `pose.vectors` take many.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

DIRECTIONS: Final = {
    "out": (1.0, 0.0, 0.0),
    "in": (-1.0, 0.0, 0.0),
    "up": (0.0, 1.0, 0.0),
    "down": (0.0, -1.0, 0.0),
    "front": (0.0, 0.0, 1.0),
    "back": (0.0, 0.0, -1.0),
}


def solve_two_bones(
    root: Vector, target: Vector, upper: float, lower: float, pole: Vector, max_bend: float
) -> tuple[Vector, Vector]:
    """Positions (..., 3) of the middle and end joint of a limb whose end is at a target.

    Args:
        root: (..., 3), metres.
        target: (..., 3), metres; one out of reach, too far or too near, is replaced by the nearest point in reach.
        upper: length of the upper bone, metres.
        lower: length of the lower bone, metres.
        pole: direction (..., 3) in which the middle joint points.
        max_bend: largest flexion of the middle joint, degrees.
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


def side_direction(values: tuple[float, float, float], sign: float = 1.0) -> Vector:
    """The unit vector of a direction (outward, up, front) on one side."""
    vector = np.array(values) * np.array([sign, 1.0, 1.0])
    return np.asarray(vector / np.sqrt(vector @ vector))


def named_direction(words: str, sign: float) -> Vector:
    """The unit vector of words of DIRECTIONS such as "out down", on one side."""
    total = np.sum([DIRECTIONS[word] for word in words.split()], axis=0) * np.array([sign, 1.0, 1.0])
    return np.asarray(total / max(float(np.sqrt(total @ total)), 1e-9))


def limb_direction(raised: float, plane: float, sign: float) -> Vector:
    """The unit vector of a limb `raised` from hanging, in a vertical plane (0 sideways, 90 forward)."""
    r, p = np.radians(raised), np.radians(plane)
    return np.array([sign * np.sin(r) * np.cos(p), -np.cos(r), np.sin(r) * np.sin(p)])


def bend_towards(straight: Vector, towards: Vector, degrees: float) -> Vector:
    """A unit vector rotated by an angle towards another one at right angles to it."""
    angle = np.radians(degrees)
    return np.asarray(np.cos(angle) * straight + np.sin(angle) * towards)


def orthogonal_unit(vector: Vector, axis: Vector) -> Vector:
    """The unit vector of the component of a vector at right angles to a unit axis."""
    rest = vector - (vector @ axis) * axis
    return np.asarray(rest / max(float(np.sqrt(rest @ rest)), 1e-9))


def _cross(a: Vector, b: Vector) -> Vector:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def rotate(vector: Vector, axis: Vector, degrees: float) -> Vector:
    """A vector rotated about a unit axis (Rodrigues' formula)."""
    angle = np.radians(degrees)
    return np.asarray(
        vector * np.cos(angle) + _cross(axis, vector) * np.sin(angle) + axis * (axis @ vector) * (1 - np.cos(angle))
    )


def rotate_from_down(direction: Vector, vector: Vector) -> Vector:
    """A vector after the shortest rotation that takes "down" to `direction`."""
    axis = np.array([-direction[2], 0.0, direction[0]])  # down x direction
    size = float(np.sqrt(axis @ axis))
    if size < 1e-6:
        return vector
    return rotate(vector, axis / size, float(np.degrees(np.arctan2(size, -direction[1]))))


def body_frame(pitch: float, lean: float, twist: float) -> Vector:
    """Rotation matrix (3, 3) of leaning to the left, then pitching forward, then twisting to the left."""
    (cp, cl, ct), (sp, sl, st) = (f(np.radians([pitch, -lean, twist])) for f in (np.cos, np.sin))
    return np.array(
        [
            [ct * cl + st * sp * sl, -ct * sl + st * sp * cl, st * cp],
            [cp * sl, cp * cl, -sp],
            [-st * cl + ct * sp * sl, st * sl + ct * sp * cl, ct * cp],
        ]
    )
