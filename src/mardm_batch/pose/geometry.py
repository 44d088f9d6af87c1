"""The canonical position of a pose, its mirror image, and quality measures. Axes: n poses, t frames, 22 joints."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_INDEX, MIRROR_INDEX, NUM_JOINTS, PARENTS
from mardm_batch.pose.vectors import Array, unit

Joints = NDArray[np.float32]
"""Joint positions (..., 22, 3) in metres, Y up."""

MIN_LEVEL_SHARE: Final = 0.35
"""`left_right_axis` determines the heading of a single pose where at least this share of it is horizontal."""


def left_right_axis(joints: Array, min_level_share: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The axis from a person's right to the left, and whether it determines the heading.

    The sum of the vectors from right to left hip and from right to left shoulder, as in HumanML3D (Guo et al., CVPR
    2022); the person faces `axis x up`. Where it is nearly vertical, as for a person lying on the side, it does not
    determine the heading.

    Args:
        joints: (..., 22, 3), metres, Y up.
        min_level_share: share of the axis' length in the floor plane from which on it determines the heading.

    Returns:
        The axis (..., 3), metres, and whether (...) it determines the heading.
    """
    index = JOINT_INDEX
    axis = (
        joints[..., index["left_hip"], :]
        - joints[..., index["right_hip"], :]
        + joints[..., index["left_shoulder"], :]
        - joints[..., index["right_shoulder"], :]
    ).astype(np.float64)
    level = np.hypot(axis[..., 0], axis[..., 2])
    return axis, np.asarray(level > min_level_share * np.linalg.norm(axis, axis=-1))


def canonical_position(joints: Array) -> Array:
    """Move poses so that the pelvis is above the origin and the person faces +Z; heights do not change.

    The heading is that of `left_right_axis`; a pose whose axis does not determine it is not rotated.

    Args:
        joints: (..., 22, 3), metres, Y up.

    Returns:
        (..., 22, 3), of the same floating-point type.
    """
    return _moved(joints, joints)


def canonical_clip(clip: Array, frame: int) -> Array:
    """Move a clip (t, 22, 3) as `canonical_position` moves one of its frames, which is then that pose."""
    return _moved(clip, clip[frame])


def _moved(joints: Array, reference: Array) -> Array:
    """Joints (..., 22, 3) moved as poses (..., 22, 3) have to be for their canonical position."""
    axis, has_heading = left_right_axis(reference, MIN_LEVEL_SHARE)
    level = np.where(has_heading, np.hypot(axis[..., 0], axis[..., 2]), 1.0)
    left_x = np.where(has_heading, axis[..., 0] / level, 1.0)[..., None]
    left_z = np.where(has_heading, axis[..., 2] / level, 0.0)[..., None]
    x, y, z = np.moveaxis(joints.astype(np.float64), -1, 0)  # (..., 22) each
    pelvis = reference[..., 0, :].astype(np.float64)
    x, z = x - pelvis[..., 0, None], z - pelvis[..., 2, None]
    return np.stack([left_x * x + left_z * z, y, left_x * z - left_z * x], axis=-1).astype(joints.dtype)


def mirror_image(joints: Array) -> Array:
    """Poses (..., 22, 3) mirrored at x = 0: left and right exchanged, on the same skeleton.

    The skeleton's two sides differ by millimetres, so each mirrored bone is scaled to the length of its new side.
    """
    flipped = joints[..., list(MIRROR_INDEX), :] * np.array([-1.0, 1.0, 1.0], joints.dtype)
    image: Array = flipped.copy()
    for joint in range(1, NUM_JOINTS):
        bone = flipped[..., joint, :] - flipped[..., PARENTS[joint], :]
        scale = BONE_LENGTHS[joint] / BONE_LENGTHS[MIRROR_INDEX[joint]]
        image[..., joint, :] = image[..., PARENTS[joint], :] + scale * bone
    return image


def fit_bones(joints: Joints) -> Joints:
    """Poses (..., 22, 3) whose bones have the lengths of the skeleton and the directions that they had.

    The pelvis stays above the same point of the floor, and the lowest joint at its height.
    """
    fitted = joints.astype(np.float64)
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        bone = unit(joints[..., joint, :].astype(np.float64) - joints[..., parent, :])
        fitted[..., joint, :] = fitted[..., parent, :] + BONE_LENGTHS[joint] * bone
    fitted[..., 1] += (joints[..., 1].min(axis=-1) - fitted[..., 1].min(axis=-1))[..., None]
    return fitted.astype(np.float32)


def bone_length_error(joints: Joints) -> NDArray[np.float64]:
    """Mean absolute difference (n,) between the bone lengths of poses (n, 22, 3) and the skeleton's, metres."""
    children = np.arange(1, NUM_JOINTS)
    bones = joints[:, children] - joints[:, np.asarray(PARENTS)[children]]
    lengths = np.linalg.norm(bones.astype(np.float64), axis=-1)
    return np.asarray(np.abs(lengths - np.asarray(BONE_LENGTHS)[children]).mean(axis=-1))


def lowest_joint_height(joints: Joints) -> NDArray[np.float64]:
    """Height (n,) of the lowest joint of poses (n, 22, 3) above the floor, metres."""
    return np.asarray(joints[..., 1].min(axis=-1), dtype=np.float64)


def frame_change(clips: Joints, frame: int) -> NDArray[np.float64]:
    """Mean distance (n,) of a joint between a frame and its neighbours in clips (n, t, 22, 3), metres."""
    neighbours = [each for each in (frame - 1, frame + 1) if 0 <= each < clips.shape[1]]
    if not neighbours:
        return np.zeros(len(clips))
    distances = np.linalg.norm(clips[:, neighbours] - clips[:, frame, None], axis=-1)  # (n, neighbours, 22)
    return np.asarray(distances.mean(axis=(1, 2)), dtype=np.float64)


def diversity(joints: Joints) -> float | None:
    """Mean distance of a joint between two different poses of (n, 22, 3), metres; None for fewer than two poses."""
    if len(joints) < 2:
        return None
    distances = [np.linalg.norm(joints - each, axis=-1).mean(axis=-1).sum() for each in joints]
    return float(np.sum(distances) / (len(joints) * (len(joints) - 1)))
