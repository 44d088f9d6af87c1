"""Rotations of many joints at once. Axes: (..., 3, 3) matrices that turn column vectors, (..., 3) vectors; radians.

All are proper rotations in a right-handed frame. Quaternions are (x, y, z, w), as glTF has them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.vectors import Array, length, unit

Rotations = NDArray[np.float64]

_SMALL: Final = 1e-9


def about_axis(axis: Array, angle: Array) -> Rotations:
    """The rotation (..., 3, 3) by an angle (...) about a unit axis (..., 3): Rodrigues' formula."""
    x, y, z = np.moveaxis(np.asarray(axis, dtype=np.float64), -1, 0)
    cos, sin = np.cos(angle), np.sin(angle)
    rest = 1.0 - cos
    rows = [
        [cos + x * x * rest, x * y * rest - z * sin, x * z * rest + y * sin],
        [y * x * rest + z * sin, cos + y * y * rest, y * z * rest - x * sin],
        [z * x * rest - y * sin, z * y * rest + x * sin, cos + z * z * rest],
    ]
    return np.stack([np.stack(np.broadcast_arrays(*row), axis=-1) for row in rows], axis=-2)


def shortest_rotation(start: Array, end: Array) -> Rotations:
    """The smallest rotation (..., 3, 3) that takes unit vectors `start` (..., 3) to `end` (..., 3); it has no twist.

    Of opposite vectors every half turn is one; the axis is then the coordinate axis farthest from `start`, made
    orthogonal to it.
    """
    start, end = np.broadcast_arrays(np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64))
    cross = np.cross(start, end)
    sin, cos = np.linalg.norm(cross, axis=-1), (start * end).sum(-1)
    spare = np.eye(3)[np.abs(start).argmin(-1)]
    spare = unit(spare - (spare * start).sum(-1, keepdims=True) * start)
    axis = np.where((sin > _SMALL)[..., None], unit(cross), spare)
    return about_axis(axis, np.arctan2(sin, cos))


def best_fit(start: Array, end: Array, weights: Array) -> Rotations:
    """The rotation (..., 3, 3) that takes vectors `start` (..., k, 3) to `end` (..., k, 3) with least squared error.

    Kabsch's method ("A solution for the best rotation to relate two sets of vectors", Acta Crystallographica A32,
    1976): by the singular value decomposition of their covariance, without reflections.

    Args:
        weights: (k,), of each vector's squared error.
    """
    covariance = np.einsum("...ki,k,...kj->...ij", end, weights, start)
    left, _, right = np.linalg.svd(covariance)
    sign = np.where(np.linalg.det(left) * np.linalg.det(right) < 0.0, -1.0, 1.0)
    left[..., -1] *= sign[..., None]
    return np.asarray(left @ right)


def transpose(rotations: Rotations) -> Rotations:
    """The inverse rotations (..., 3, 3)."""
    return np.swapaxes(rotations, -1, -2)


def rotate(rotations: Rotations, vectors: Array) -> NDArray[np.float64]:
    """Vectors (..., 3) turned by rotations (..., 3, 3)."""
    return np.asarray((rotations @ vectors[..., None])[..., 0], dtype=np.float64)


def to_quaternions(rotations: Rotations) -> NDArray[np.float64]:
    """Unit quaternions (..., 4), x y z w, with w >= 0.

    The column of the symmetric 4 x 4 matrix 4 q qᵀ with the largest diagonal is used, which is never near zero.
    """
    m = np.asarray(rotations, dtype=np.float64)
    trace = np.trace(m, axis1=-2, axis2=-1)
    products = np.empty((*m.shape[:-2], 4, 4))
    for i in range(3):
        products[..., i, i] = 1.0 + 2.0 * m[..., i, i] - trace
        for j in range(i):
            products[..., i, j] = products[..., j, i] = m[..., i, j] + m[..., j, i]
    for i, (row, column) in enumerate(((2, 1), (0, 2), (1, 0))):
        products[..., i, 3] = products[..., 3, i] = m[..., row, column] - m[..., column, row]
    products[..., 3, 3] = 1.0 + trace
    largest = np.diagonal(products, axis1=-2, axis2=-1).argmax(-1)
    quaternions = np.take_along_axis(products, largest[..., None, None], axis=-1)[..., 0]
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return np.asarray(np.where(quaternions[..., 3:] < 0.0, -quaternions, quaternions))


def to_axis_angles(rotations: Rotations) -> NDArray[np.float64]:
    """Rotation vectors (..., 3): the axis times the angle in radians, 0 to pi."""
    quaternions = to_quaternions(rotations)
    length = np.linalg.norm(quaternions[..., :3], axis=-1)
    angle = 2.0 * np.arctan2(length, quaternions[..., 3])
    scale = np.where(length > _SMALL, angle / np.maximum(length, _SMALL), 2.0)
    return np.asarray(quaternions[..., :3] * scale[..., None])


def from_axis_angles(vectors: Array) -> Rotations:
    """The rotations (..., 3, 3) of rotation vectors (..., 3)."""
    return about_axis(unit(vectors), length(vectors))


def to_euler_zxy(rotations: Rotations) -> NDArray[np.float64]:
    """Angles (..., 3) about Z, X and Y in radians, with rotation = Z X Y; at X = +-90 degrees Y is 0."""
    m = rotations
    x = np.arcsin(np.clip(m[..., 2, 1], -1.0, 1.0))
    locked = np.hypot(m[..., 2, 0], m[..., 2, 2]) < 1e-7
    z = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 0, 0]), np.arctan2(-m[..., 0, 1], m[..., 1, 1]))
    y = np.where(locked, 0.0, np.arctan2(-m[..., 2, 0], m[..., 2, 2]))
    return np.stack((z, x, y), axis=-1)
