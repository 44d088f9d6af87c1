"""A pose: one frame of a clip, put where every pose stands. Axes: n poses or frames, j joints, 3 coordinates."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_INDEX, MIRRORED, NUM_JOINTS, PARENTS

if TYPE_CHECKING:
    pass

Joints = NDArray[np.float32]
Array = NDArray[np.floating]

LEAST_LEVEL_SHARE = 0.35
"""Where less than this of the body's left-right line is level, as on its side, it tells no heading."""


def canonical_position(joints: Array) -> Array:
    """Move poses so that the pelvis is above the origin and the person faces +Z.

    The heading is that of the hips and shoulders, as in HumanML3D. A body on its side, whose left-right line is nearly
    upright, keeps the heading it has. Heights stay as they are.

    Args:
        joints: (..., 22, 3), metres, Y up.

    Returns:
        (..., 22, 3), of the same kind of floats.
    """
    index = JOINT_INDEX
    across = (
        joints[..., index["left_hip"], :]
        - joints[..., index["right_hip"], :]
        + joints[..., index["left_shoulder"], :]
        - joints[..., index["right_shoulder"], :]
    ).astype(np.float64)
    level = np.hypot(across[..., 0], across[..., 2])
    upright = level < LEAST_LEVEL_SHARE * np.linalg.norm(across, axis=-1)
    left_x = np.where(upright, 1.0, across[..., 0] / np.where(upright, 1.0, level))[..., None]
    left_z = np.where(upright, 0.0, across[..., 2] / np.where(upright, 1.0, level))[..., None]
    x, y, z = np.moveaxis(joints.astype(np.float64), -1, 0)  # (..., 22) each
    x, z = x - x[..., :1], z - z[..., :1]
    return np.stack([left_x * x + left_z * z, y, left_x * z - left_z * x], axis=-1).astype(joints.dtype)


def mirror_image(joints: Array) -> Array:
    """Left and right exchanged, (..., 22, 3): seen in a mirror at x = 0, on the same skeleton.

    Its two sides differ by millimetres, so each bone takes what the other side's has of its length in the skeleton.
    """
    flipped = joints[..., list(MIRRORED), :] * np.array([-1.0, 1.0, 1.0], joints.dtype)
    image: Array = flipped.copy()
    for joint in range(1, NUM_JOINTS):
        bone = flipped[..., joint, :] - flipped[..., PARENTS[joint], :]
        share = BONE_LENGTHS[joint] / BONE_LENGTHS[MIRRORED[joint]]
        image[..., joint, :] = image[..., PARENTS[joint], :] + share * bone
    return image


def bone_length_error(joints: Joints) -> NDArray[np.float64]:
    """Mean difference of the bones' lengths from the skeleton's, in metres. (n, 22, 3) -> (n,)."""
    children = np.arange(1, NUM_JOINTS)
    bones = joints[:, children] - joints[:, np.asarray(PARENTS)[children]]
    lengths = np.linalg.norm(bones.astype(np.float64), axis=-1)
    return np.asarray(np.abs(lengths - np.asarray(BONE_LENGTHS)[children]).mean(axis=-1))


def lowest_joint_height(joints: Joints) -> NDArray[np.float64]:
    """Height of the lowest joint over the floor, in metres. (n, 22, 3) -> (n,)."""
    return np.asarray(joints[..., 1].min(axis=-1), dtype=np.float64)


def frame_change(clips: Joints, frame: int) -> NDArray[np.float64]:
    """How far a joint moves, on average, between a frame and the frames beside it: (n, T, 22, 3) -> (n,), metres."""
    beside = [each for each in (frame - 1, frame + 1) if 0 <= each < clips.shape[1]]
    steps = np.linalg.norm(clips[:, beside] - clips[:, frame, None], axis=-1)  # (n, beside, 22)
    return np.asarray(steps.mean(axis=(1, 2)), dtype=np.float64) if beside else np.zeros(len(clips))


def diversity(joints: Joints) -> float:
    """Mean distance of a joint between two different poses (n, 22, 3), in metres; 0 for fewer than two."""
    if len(joints) < 2:
        return 0.0
    distances = [np.linalg.norm(joints - each, axis=-1).mean(axis=-1).sum() for each in joints]
    return float(np.sum(distances) / (len(joints) * (len(joints) - 1)))
