"""Vector helpers of the geometry. Axes: (..., 3); angles in degrees unless stated otherwise."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_EPSILON: Final = 1e-9


def unit(vectors: Array) -> Array:
    """The vectors (..., 3) at length 1; a zero vector stays zero."""
    return np.asarray(vectors / np.maximum(length(vectors), _EPSILON)[..., None])


def length(vectors: Array) -> Array:
    """The lengths (...) of vectors (..., 3)."""
    return np.asarray(np.sqrt(np.vecdot(vectors, vectors)))


def cross(first: Array, second: Array) -> Array:
    """The vector product (..., 3); three times as fast as NumPy's for few vectors."""
    x, y, z = first[..., 0], first[..., 1], first[..., 2]
    u, v, w = second[..., 0], second[..., 1], second[..., 2]
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


def orthogonal(vectors: Array, axis: Array) -> Array:
    """The component (..., 3) of the vectors at right angles to the unit vectors `axis` (..., 3)."""
    return np.asarray(vectors - np.vecdot(vectors, axis)[..., None] * axis)


def angle_between(first: Array, second: Array) -> Array:
    """The angle (...) between unit vectors (..., 3), from 0 to 180 degrees."""
    return np.asarray(np.degrees(np.arccos(np.clip(np.vecdot(first, second), -1.0, 1.0))))


def atan2_degrees(y: Array, x: Array) -> Array:
    """`arctan2` in degrees, from -180 to 180."""
    return np.asarray(np.degrees(np.arctan2(y, x)))


def arcsin_degrees(values: Array) -> Array:
    """`arcsin` in degrees, from -90 to 90; values beyond 1 by rounding count as 1."""
    return np.asarray(np.degrees(np.arcsin(np.clip(values, -1.0, 1.0))))


def rotate_about_y(vectors: Array, angle: Array) -> Array:
    """Vectors (..., 3) rotated about Y, from +Z towards +X, by `angle` (...) in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([x * cos + z * sin, y, z * cos - x * sin], axis=-1)
