"""The 22-joint skeleton, in SMPL order, of all poses. Metres, Y up; the person's left is +X, the front +Z."""

from typing import Final

JOINT_NAMES: Final = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
)
NUM_JOINTS: Final = len(JOINT_NAMES)
JOINT_INDEX: Final = {name: index for index, name in enumerate(JOINT_NAMES)}

KINEMATIC_CHAINS: Final = {
    "right_leg": (0, 2, 5, 8, 11),
    "left_leg": (0, 1, 4, 7, 10),
    "spine": (0, 3, 6, 9, 12, 15),
    "right_arm": (9, 14, 17, 19, 21),
    "left_arm": (9, 13, 16, 18, 20),
}

PARENTS: Final = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
"""The index of each joint's parent; -1 for the pelvis, which has none."""

BONE_LENGTHS: Final = (
    0.0,
    0.103,
    0.110,
    0.132,
    0.394,
    0.390,
    0.143,
    0.432,
    0.426,
    0.057,
    0.143,
    0.149,
    0.219,
    0.138,
    0.143,
    0.103,
    0.132,
    0.123,
    0.257,
    0.263,
    0.266,
    0.270,
)
"""Metres from each joint to its parent, as in the skeleton to which HumanML3D retargets every motion."""

MIRROR_INDEX: Final = tuple(
    JOINT_INDEX[name.replace("left", "right") if "left" in name else name.replace("right", "left")]
    for name in JOINT_NAMES
)
"""For each joint the index of the joint on the other side; those of the middle have their own."""

FRAMES_PER_SECOND: Final = 20

LOWEST_JOINT_HEIGHT: Final = 0.02
"""Metres from the floor to the lowest joint of a person who touches it: joints are inside the body."""

HEAD_REST_ANGLE: Final = 21.2
"""Degrees by which the head joint is in front of the neck's axis when a person looks straight ahead."""
