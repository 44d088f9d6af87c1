"""Where heads look, by the joints of neck, head and shoulders. Axes: n poses, 22 joints; metres.

The bone from neck to head tells how the head is bent, the shoulders which of its sides is the front, also where the
person lies or is upside down. The joints cannot tell a turned head from a tilted one.
"""

from typing import Final

import numpy as np

from mardm_batch.pose.rotations import Rotations
from mardm_batch.pose.skeleton import HEAD_REST_ANGLE, JOINT_INDEX
from mardm_batch.pose.vectors import Array, orthogonal, unit

TURN_SHARE: Final = 0.5
"""How much of a head's sideways offset is taken for a turn; a head that is tilted has the same offset."""


def head_frames(bone: Array, joints: Array) -> Rotations:
    """Rotations (n, 3, 3) of heads against the world: the columns point to the head's left, up and front.

    Args:
        bone: (n, 3), from the neck to the head.
        joints: (n, 22, 3), for the shoulders.
    """
    bone = unit(bone)
    across = unit(joints[:, JOINT_INDEX["left_shoulder"]] - joints[:, JOINT_INDEX["right_shoulder"]])
    offset = (across * bone).sum(-1, keepdims=True)
    side = unit(orthogonal(across, bone))
    ahead = np.cross(side, bone)
    rest = np.radians(HEAD_REST_ANGLE)
    turn = TURN_SHARE * np.arcsin(np.clip(offset / np.sin(rest), -1.0, 1.0))
    turned = np.cos(turn) * ahead + np.sin(turn) * side
    up = np.cos(rest) * bone - np.sin(rest) * turned
    front = np.cos(rest) * turned + np.sin(rest) * bone
    return np.stack((np.cross(up, front), up, front), axis=-1)
