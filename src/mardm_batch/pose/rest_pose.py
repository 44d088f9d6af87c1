"""The rest pose of the skeleton: a T-pose with arms out, facing +Z, left = +X. Metres, Y up; axes: 22 joints.

A rotation of a joint is measured from here: where every rotation is the identity, the person stands like this.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.measures import HAND_LENGTH
from mardm_batch.pose.skeleton import BONE_LENGTHS, HEAD_REST_ANGLE, JOINT_NAMES, PARENTS

TRUNK_DIRECTIONS: Final = {
    "hip": (0.952, 0.289, -0.097),
    "spine1": (0.0, 1.0, -0.005),
    "spine2": (0.0, 0.996, 0.094),
    "spine3": (0.0, 1.0, -0.009),
    "neck": (0.0, 1.0, -0.009),
    "collar": (0.287, 0.902, -0.323),
    "shoulder": (0.963, -0.227, 0.140),
}
"""Mean bone directions of standing people in the CMU motion capture, both sides averaged as the left one."""
FOOT_SLOPE: Final = 18.0
"""Degrees by which the bone from the ankle to the foot joint slopes down in a flat foot."""


def _rest_directions() -> NDArray[np.float64]:
    head, foot = np.radians(HEAD_REST_ANGLE), np.radians(FOOT_SLOPE)
    directions = {
        **TRUNK_DIRECTIONS,
        "head": (0.0, np.cos(head), np.sin(head)),
        "knee": (0.0, -1.0, 0.0),
        "ankle": (0.0, -1.0, 0.0),
        "foot": (0.0, -np.sin(foot), np.cos(foot)),
        "elbow": (1.0, 0.0, 0.0),
        "wrist": (1.0, 0.0, 0.0),
        "pelvis": (0.0, 0.0, 0.0),
    }
    rows = []
    for name in JOINT_NAMES:
        side, _, part = name.rpartition("_")
        rows.append(np.array(directions[part]) * (-1.0 if side == "right" else 1.0, 1.0, 1.0))
    rest = np.array(rows)
    rest[1:] /= np.linalg.norm(rest[1:], axis=-1, keepdims=True)
    return rest


REST_DIRECTIONS: Final = _rest_directions()
"""Unit vectors (22, 3) from each joint's parent to the joint; zero for the pelvis."""
REST_OFFSETS: Final = REST_DIRECTIONS * np.array(BONE_LENGTHS)[:, None]
"""Vectors (22, 3) from each joint's parent to the joint, with the lengths of `skeleton.BONE_LENGTHS`; metres."""
END_OFFSETS: Final = {
    "head": (0.0, 0.168, 0.0),
    "left_foot": (0.0, 0.0, 0.06),
    "right_foot": (0.0, 0.0, 0.06),
    "left_wrist": (2 * HAND_LENGTH, 0.0, 0.0),
    "right_wrist": (-2 * HAND_LENGTH, 0.0, 0.0),
}
"""From the last joint of each limb to its end (crown, toes, fingertips) in the rest pose; metres. The joints do not
tell where these ends are: files that need a bone there have one of this length."""
CHILDREN: Final = tuple(
    tuple(child for child, parent in enumerate(PARENTS) if parent == joint) for joint in range(len(PARENTS))
)
"""Indices of the joints that hang on each joint."""
