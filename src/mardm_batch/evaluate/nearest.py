"""Distances to the nearest training pose: a model that copies its training data is near to it."""

import numpy as np

from mardm_batch.pose.geometry import Joints

CHUNK = 256
"""Poses compared at once."""
CANDIDATES = 16
"""Poses with the smallest squared distance, among which the nearest one is searched."""


def nearest_distances(poses: Joints, others: Joints) -> Joints:
    """Mean joint distance (n,), metres, from each of the poses (n, 22, 3) to the nearest of the others (m, 22, 3).

    A matrix product finds the few with the smallest squared distance; only these are compared joint by joint.
    """
    flat = others.reshape(len(others), -1)
    squares = np.square(flat).sum(axis=1)
    candidates = min(CANDIDATES, len(others))
    nearest = []
    for chunk in np.array_split(poses, 1 + len(poses) // CHUNK):
        squared = squares - 2 * chunk.reshape(len(chunk), -1) @ flat.T  # without the term that is constant in a row
        near = others[np.argpartition(squared, candidates - 1, axis=1)[:, :candidates]]  # (n, candidates, 22, 3)
        nearest.append(np.linalg.norm(near - chunk[:, None], axis=-1).mean(axis=-1).min(axis=1))
    return np.concatenate(nearest)
