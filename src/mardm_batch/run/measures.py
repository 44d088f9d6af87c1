"""Measures of one pose, by name: lengths in centimetres, its agreement, and the share of its conditions that hold."""

from collections.abc import Mapping, Sequence

import numpy as np

from mardm_batch.dataset.records import LOW_AGREEMENT, Pose
from mardm_batch.pose.conditions import Condition
from mardm_batch.pose.geometry import bone_length_error, lowest_joint_height


def pose_measures(pose: Pose, captions: Mapping[str, Sequence[Condition]]) -> dict[str, float]:
    """`conditions_met`, a share from 0 to 1, is measured for captions that have conditions.

    `adjusted` is 1 where the pose was changed for what its caption states, else 0.
    `agreement` is there where it was measured, and `agreement_below_half` then: 1 where it is below 0.5, else 0.
    """
    joints = pose.joints[None]  # (1, 22, 3)
    measures = {
        "bone_length_error_cm": 100 * float(bone_length_error(joints)[0]),
        "lowest_joint_cm": 100 * float(lowest_joint_height(joints)[0]),
        "frame_change_cm": 100 * pose.frame_change,
        "adjusted": float(bool(pose.adjusted_for)),
    }
    if pose.agreement is not None:
        measures["agreement"] = pose.agreement
        measures["agreement_below_half"] = float(pose.agreement < LOW_AGREEMENT)
    conditions = captions.get(pose.prompt.caption)
    if conditions:
        measures["conditions_met"] = float(np.mean([condition.holds(joints)[0] for condition in conditions]))
    return measures
