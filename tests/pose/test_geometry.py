"""Canonical position: pelvis above the origin, facing +Z, heights and shape unchanged."""

import numpy as np
import pytest

from mardm_batch.pose.geometry import bone_length_error, canonical_position, lowest_joint_height
from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_INDEX, PARENTS


def standing() -> np.ndarray:
    """A standing stick figure (22, 3) with the skeleton's bone lengths, hips and shoulders along X."""
    joints = np.zeros((22, 3))
    for joint in range(1, 22):
        name = next(name for name, index in JOINT_INDEX.items() if index == joint)
        side = 1 if name.startswith("left") else -1
        direction = {"hip": (side, 0, 0), "collar": (side, 0, 0), "shoulder": (side, 0, 0), "foot": (0, 0, 1)}.get(
            name.split("_")[-1], (0, 1, 0) if name in ("neck", "head") or "spine" in name else (0, -1, 0)
        )
        joints[joint] = joints[PARENTS[joint]] + BONE_LENGTHS[joint] * np.array(direction)
    return joints + (0, 0.9, 0)


def turned(joints: np.ndarray, degrees: float) -> np.ndarray:
    """Joints (22, 3) rotated about Y, from +Z towards +X."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return joints @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])


@pytest.mark.parametrize("degrees", [0, 30, 90, 179, -120])
def test_the_canonical_position_does_not_depend_on_heading_and_place(degrees: float) -> None:
    moved = turned(standing(), degrees) + (3, 0, -2)
    canonical = canonical_position(moved[None].astype(np.float32))[0]
    assert canonical.dtype == np.float32
    assert np.abs(canonical - standing()).max() < 1e-5
    assert np.abs(canonical[0, [0, 2]]).max() == 0


def test_a_person_in_canonical_position_faces_forward() -> None:
    canonical = canonical_position(turned(standing(), 70)[None].astype(np.float32))[0]
    foot, ankle = canonical[JOINT_INDEX["left_foot"]], canonical[JOINT_INDEX["left_ankle"]]
    assert foot[2] - ankle[2] > 0.1
    assert canonical[JOINT_INDEX["left_hip"], 0] > 0


def test_a_person_lying_on_the_side_is_not_rotated() -> None:
    lying = standing()[:, [1, 0, 2]] * (1, -1, 1) + (0, 0.3, 0)  # the left-right line is upright
    canonical = canonical_position(lying[None].astype(np.float32))[0]
    assert np.abs(canonical - (lying - lying[0] * (1, 0, 1))).max() < 1e-6


def test_bone_length_error_and_lowest_joint_height() -> None:
    longer_neck = standing()
    longer_neck[JOINT_INDEX["head"], 1] += 0.21
    assert bone_length_error(np.stack([standing(), longer_neck])) == pytest.approx([0, 0.01], abs=1e-9)
    expected = 0.9 - 0.394 - 0.432
    assert lowest_joint_height(standing()[None]) == pytest.approx([expected], abs=1e-3)


def test_joints_in_one_place_are_not_rotated() -> None:
    assert np.array_equal(canonical_position(np.full((1, 22, 3), 0.5)), np.full((1, 22, 3), 0.5) * (0, 1, 0))
