"""Convert between joint positions and the 67 numbers a frame that the networks read and write.

HumanML3D's representation without rotations and contacts (Guo et al., CVPR 2022): of each frame
[0] the root's yaw velocity (half angle, radians a frame), [1:3] the root's x/z velocity in the next frame's
heading frame (metres a frame), [3] the root's height, [4:67] the other 21 joints relative to the root in the
frame's heading frame, y absolute. Metres, Y up, heading 0 is +Z.
Axes: t frames, j joints. Normalisation is not done here.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from mardm_batch.pose.skeleton import JOINT_INDEX

FEATURE_SIZE: Final = 67
_LEAST_HORIZONTAL_SHARE: Final = 0.5
"""Below this share of its length in the floor plane, the line across the body says nothing about heading."""


def joints_to_features(
    joints: npt.NDArray[np.floating], heading: npt.NDArray[np.floating] | None = None
) -> npt.NDArray[np.float32]:
    """The features of a clip; `features_to_joints` gives the clip back, moved to the origin and heading +Z.

    `joints` (t, j, 3), metres, Y up; `heading` (t,) radians about Y from +Z towards +X, by default
    `heading_of(joints)`: give it for clips whose heading is known, such as a person lying on the side.
    The last frame's velocity, which nothing determines, repeats the one before it. → (t, 4 + 3 (j - 1))
    """
    joints = np.asarray(joints, dtype=np.float64)
    frames = len(joints)
    heading = heading_of(joints) if heading is None else np.unwrap(np.asarray(heading, dtype=np.float64))
    root = joints[:, 0]
    centred = joints[:, 1:] - root[:, None] * np.array([1.0, 0.0, 1.0])
    local = _turn_numpy(centred, -heading[:, None])
    features = np.zeros((frames, 4 + local[0].size))
    features[:-1, 0] = -np.diff(heading) / 2
    features[:-1, 1:3] = _turn_numpy(np.diff(root, axis=0), -heading[1:])[:, [0, 2]]
    if frames > 1:
        features[-1, :3] = features[-2, :3]
    features[:, 3] = root[:, 1]
    features[:, 4:] = local.reshape(frames, -1)
    return features.astype(np.float32)


def heading_of(joints: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Where the person faces in each frame: radians about Y from +Z towards +X, without jumps of a full turn.

    `joints` (t, 22, 3). The heading is at right angles to the hips' and shoulders' lines; frames in which
    those stand nearly upright (lying on the side) take the heading of the frames around them, and a clip of
    such frames alone faces +Z. → (t,)
    """
    index = JOINT_INDEX
    across = joints[:, index["left_hip"]] - joints[:, index["right_hip"]]
    across = across + joints[:, index["left_shoulder"]] - joints[:, index["right_shoulder"]]
    across = np.asarray(across, dtype=np.float64)
    share = np.hypot(across[:, 0], across[:, 2]) / np.maximum(np.linalg.norm(across, axis=1), 1e-9)
    clear = np.flatnonzero(share >= _LEAST_HORIZONTAL_SHARE)
    if not len(clear):
        return np.zeros(len(joints))
    # forward = across × up
    angles = np.unwrap(np.arctan2(-across[clear, 2], across[clear, 0]))
    return np.asarray(np.interp(np.arange(len(joints)), clear, angles))


def _turn_numpy(vectors: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn (..., 3) about Y by `angle` (...) radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([x * cos + z * sin, y, z * cos - x * sin], axis=-1)
