"""Joint positions to the motion features that the networks read and write; `model.features` has the inverse.

HumanML3D's representation without rotations and contacts (Guo et al., CVPR 2022). The 67 features of a frame are
[0] the root's yaw velocity (half the angle, radians a frame), [1:3] the root's x and z velocity in the heading frame
of the next frame (metres a frame), [3] the root's height, [4:67] the other 21 joints relative to the root's floor
position, in the frame's heading frame. Metres, Y up, heading 0 is +Z. The features are not normalised here.
Axes: t frames, j joints, f features.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.geometry import left_right_axis
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.pose.vectors import Array, rotate_about_y

FEATURE_SIZE: Final = 4 + 3 * (NUM_JOINTS - 1)
_MIN_LEVEL_SHARE: Final = 0.5
"""As `geometry.MIN_LEVEL_SHARE`, for clips: more, since the frames around one can tell its heading."""


def joints_to_features(joints: Array, heading: Array | None = None) -> NDArray[np.float32]:
    """The features of a clip. `model.features.features_to_joints` restores it, starting at the origin and facing +Z.

    The velocity of the last frame, which the clip does not determine, repeats that of the frame before.

    Args:
        joints: (t, j, 3), metres, Y up.
        heading: (t,) radians about Y from +Z towards +X; by default `heading_of(joints)`. Pass it where it is known
            better, as for composed clips, in which people may lie on the side.

    Returns:
        (t, f), f = 4 + 3 (j - 1).
    """
    joints = np.asarray(joints, dtype=np.float64)
    frames = len(joints)
    heading = heading_of(joints) if heading is None else np.unwrap(np.asarray(heading, dtype=np.float64))
    root = joints[:, 0]
    centred = joints[:, 1:] - root[:, None] * np.array([1.0, 0.0, 1.0])
    local = rotate_about_y(centred, -heading[:, None])
    features = np.zeros((frames, 4 + local[0].size))
    features[:-1, 0] = -np.diff(heading) / 2
    features[:-1, 1:3] = rotate_about_y(np.diff(root, axis=0), -heading[1:])[:, [0, 2]]
    if frames > 1:
        features[-1, :3] = features[-2, :3]
    features[:, 3] = root[:, 1]
    features[:, 4:] = local.reshape(frames, -1)
    return features.astype(np.float32)


def heading_of(joints: Array) -> NDArray[np.float64]:
    """The heading (t,) of a clip (t, 22, 3): radians about Y from +Z towards +X, without jumps of a full turn.

    Frames that do not determine a heading, such as those of a person lying on the side, take one interpolated from
    the frames around them; a clip without any frame that does has heading 0.
    """
    axis, has_heading = left_right_axis(joints, _MIN_LEVEL_SHARE)
    known = np.flatnonzero(has_heading)
    if not len(known):
        return np.zeros(len(joints))
    # forward = left x up
    angles = np.unwrap(np.arctan2(-axis[known, 2], axis[known, 0]))
    return np.asarray(np.interp(np.arange(len(joints)), known, angles))
