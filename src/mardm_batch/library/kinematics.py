"""Vectors, rotations and the reach of a two-bone limb. Axes: (3,) or (..., 3); metres, degrees, Y up, left +X.

`sign` is +1 for the left side and -1 for the right: what points outward on the left is mirrored on the right.
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


def unit(values: tuple[float, float, float], sign: float = 1.0) -> Vector:
    vector = np.array(values) * np.array([sign, 1.0, 1.0])
    return np.asarray(vector / np.sqrt(vector @ vector))


def toward(words: str, sign: float) -> Vector:
    total = np.sum([DIRECTIONS[word] for word in words.split()], axis=0) * np.array([sign, 1.0, 1.0])
    return np.asarray(total / max(float(np.sqrt(total @ total)), 1e-9))


def direction(raised: float, plane: float, sign: float) -> Vector:
    r, p = np.radians(raised), np.radians(plane)
    return np.array([sign * np.sin(r) * np.cos(p), -np.cos(r), np.sin(r) * np.sin(p)])


def bent(straight: Vector, towards: Vector, degrees: float) -> Vector:
    angle = np.radians(degrees)
    return np.asarray(np.cos(angle) * straight + np.sin(angle) * towards)


def aside_of(vector: Vector, axis: Vector) -> Vector:
    rest = vector - (vector @ axis) * axis
    return np.asarray(rest / max(float(np.sqrt(rest @ rest)), 1e-9))


def _cross(a: Vector, b: Vector) -> Vector:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def spin(vector: Vector, axis: Vector, degrees: float) -> Vector:
    """Rotates a vector about a unit axis (Rodrigues)."""
    angle = np.radians(degrees)
    return np.asarray(
        vector * np.cos(angle) + _cross(axis, vector) * np.sin(angle) + axis * (axis @ vector) * (1 - np.cos(angle))
    )


def swing_from_down(direction: Vector, vector: Vector) -> Vector:
    """The vector after the shortest rotation that takes "down" to `direction`."""
    axis = np.array([-direction[2], 0.0, direction[0]])  # down x direction
    size = float(np.sqrt(axis @ axis))
    if size < 1e-6:
        return vector
    return spin(vector, axis / size, float(np.degrees(np.arctan2(size, -direction[1]))))


def frame_of(pitch: float, lean: float, twist: float) -> Vector:
    """Frame (3, 3) after leaning to the left, pitching forward and twisting to the left."""
    (cp, cl, ct), (sp, sl, st) = (f(np.radians([pitch, -lean, twist])) for f in (np.cos, np.sin))
    return np.array(
        [
            [ct * cl + st * sp * sl, -ct * sl + st * sp * cl, st * cp],
            [cp * sl, cp * cl, -sp],
            [-st * cl + ct * sp * sl, st * sl + ct * sp * cl, ct * cp],
        ]
    )
