"""Poses that nearly coincide. Axes: n poses, 22 joints."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEAR: Final = 0.02
"""Metres: root mean square of the distances between the joints of two poses that are near duplicates."""
ROWS_AT_ONCE: Final = 512

Indices = NDArray[np.intp]
Floats = NDArray[np.float32]


def near_duplicates(joints: Floats, near: float = NEAR) -> list[list[int]]:
    """Groups of the rows of poses (n, 22, 3) each of which is within `near` of the next one to it in its group.

    A pose is linked to its nearest one alone, so that a crowd of similar poses stays several small groups. The largest
    groups come first.
    """
    parents = np.arange(len(joints))

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = int(parents[row])
        return row

    for row, nearest in nearest_within(joints.reshape(len(joints), -1), near * np.sqrt(joints.shape[1])):
        one, other = root(row), root(nearest)
        parents[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for row in range(len(joints)):
        groups.setdefault(root(row), []).append(row)
    return sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group[0]))


def nearest_within(points: Floats, radius: float) -> Iterator[tuple[int, int]]:
    """Each row of points (n, d) that has another within the radius, with the nearest.

    The rows are sorted along the direction in which they differ most; only those within the radius along it are
    compared.
    """
    if len(points) < 2:
        return
    centred = points - points.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    along = centred @ axis
    order = np.argsort(along, kind="stable")
    sorted_points, sorted_along = centred[order], along[order]
    squares = (sorted_points**2).sum(axis=1)
    for start in range(0, len(order), ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, len(order)))
        low = np.searchsorted(sorted_along, sorted_along[rows.start] - radius)
        high = np.searchsorted(sorted_along, sorted_along[rows.stop - 1] + radius, side="right")
        gaps = squares[rows, None] + squares[None, low:high] - 2 * sorted_points[rows] @ sorted_points[low:high].T
        gaps[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop) - low] = np.inf
        nearest = gaps.argmin(axis=1)
        for row in np.nonzero(gaps.min(axis=1) <= radius**2)[0]:
            yield int(order[start + row]), int(order[low + nearest[row]])
