"""Joint positions to HumanML3D's 263 features (Guo et al., CVPR 2022), which its evaluator reads.

The first 67 of a frame are those of `pose.features`. After them come, for joints 1 to 21, the rotation against the
joint before in their chain, as the first two columns of its matrix ([67:193]); the velocities of all joints in the
frame's heading, metres a frame ([193:259]); and whether left ankle, left foot, right ankle and right foot stand still
([259:263]). The heading is smoothed over time, but for the first frame. Axes: t frames, 22 joints, f features.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.features import joints_to_features
from mardm_batch.pose.geometry import left_right_axis
from mardm_batch.pose.rotations import Rotations, about_axis, shortest_rotation, transpose
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, KINEMATIC_CHAINS, NUM_JOINTS
from mardm_batch.pose.vectors import Array, rotate_about_y, unit

HUMANML3D_FEATURE_SIZE: Final = 263
CONTACT_FEATURES: Final = 4
REST_DIRECTIONS: Final = {
    **dict.fromkeys(("spine1", "spine2", "spine3", "neck"), (0, 1, 0)),
    **dict.fromkeys(("left_hip", "left_collar"), (1, 0, 0)),
    **dict.fromkeys(("right_hip", "right_collar"), (-1, 0, 0)),
    **dict.fromkeys(("left_foot", "right_foot", "head"), (0, 0, 1)),
    **dict.fromkeys(
        (f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle", "shoulder", "elbow", "wrist")),
        (0, -1, 0),
    ),
}
"""By joint: where the bone that ends there points at rest, as HumanML3D has it; arms hang."""
FEET: Final = tuple(JOINT_INDEX[name] for name in ("left_ankle", "left_foot", "right_ankle", "right_foot"))
STILL: Final = 0.002
"""Square metres: a foot stands still where the square of its way to the next frame is less."""
HEADING_SIGMA: Final = 20.0
"""Frames: the standard deviation of the Gaussian that smooths the heading."""
_SIGMAS: Final = 4.0
"""Where that Gaussian is cut off."""
_UP: Final = np.array((0.0, 1.0, 0.0))


def humanml3d_features(joints: Array) -> NDArray[np.float32]:
    """The features (t, 263) of a clip (t, 22, 3), metres, Y up; not normalised.

    Where the clip is, and which way it faces at its beginning, does not matter: its first frame is put over the origin,
    facing +Z, and the lowest joint of all frames on the floor. What leads from the last frame to the next, which the
    clip does not have, repeats that of the frame before.
    """
    joints = _placed(np.asarray(joints, dtype=np.float64))
    heading = _smooth_heading(joints)
    steps = np.diff(joints, axis=0, append=joints[-1:])
    velocities = rotate_about_y(steps, -heading[:, None])
    contacts = np.square(steps[:, FEET]).sum(axis=-1) < STILL
    if len(joints) > 1:
        velocities[-1], contacts[-1] = velocities[-2], contacts[-2]
    parts = (_rotations(joints, heading), velocities, contacts)
    return np.concatenate(
        [joints_to_features(joints, heading), *(part.reshape(len(joints), -1) for part in parts)], axis=1
    ).astype(np.float32)


def _placed(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """The clip on the floor, its first frame over the origin and facing +Z."""
    offset = joints[0, 0] * (1.0, 0.0, 1.0)
    offset[1] = joints[..., 1].min()
    axis, _ = left_right_axis(joints[0], 0.0)
    return np.asarray(rotate_about_y(joints - offset, -np.arctan2(-axis[2], axis[0])))


def _smooth_heading(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """The heading (t,) in radians about Y from +Z towards +X; 0 in the first frame."""
    axis, _ = left_right_axis(joints, 0.0)
    forward = np.cross(unit(axis), _UP)  # shorter where the axis is not level, so that it counts less
    radius = int(_SIGMAS * HEADING_SIGMA + 0.5)
    weights = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / HEADING_SIGMA))
    padded = np.pad(forward, ((radius, radius), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(padded[:, place], weights / weights.sum(), mode="valid") for place in range(3)], -1)
    heading = np.arctan2(smooth[:, 0], smooth[:, 2])
    heading[0] = 0.0
    return np.unwrap(heading)


def _rotations(joints: NDArray[np.float64], heading: NDArray[np.float64]) -> Rotations:
    """Of the joints but the first (t, 21, 2, 3): the first two columns of their rotations.

    A bone's rotation against the world is the smallest from its direction at rest, and that of a chain's first joint is
    against the turn that takes the frame to +Z, also for the arms, whose chains do not begin at the pelvis.
    """
    local = np.empty((len(joints), NUM_JOINTS, 3, 3))
    turn = about_axis(_UP, -heading)
    for names in KINEMATIC_CHAINS.values():
        parent = turn
        for start, joint in pairwise(names):
            rest = np.array(REST_DIRECTIONS[JOINT_NAMES[joint]], dtype=np.float64)
            world = shortest_rotation(rest, unit(joints[:, joint] - joints[:, start]))
            local[:, joint], parent = transpose(parent) @ world, world
    return local[:, 1:, :, :2].swapaxes(-1, -2)
