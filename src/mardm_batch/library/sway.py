"""A clip of a held pose with the small movements of a living person. Axes: t frames at 20 a second, 22 joints.

Joints move by up to 15 mm. Feet and hands that support the body stay in place, and bones keep their lengths: parts
of the body rotate rigidly or follow by inverse kinematics.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.library.kinematics import solve_two_bones
from mardm_batch.library.posing import MAX_ELBOW, MAX_KNEE
from mardm_batch.pose.skeleton import BONE_LENGTHS, FRAMES_PER_SECOND

Array = NDArray[np.float64]

_LEGS: Final = ((1, 4, 7, 10), (2, 5, 8, 11))
_ARMS: Final = ((16, 18, 20), (17, 19, 21))
_UPPER_BODY: Final = (3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
_SUPPORT_HEIGHT: Final = 0.13
"""Metres above the lowest joint up to which an ankle or a wrist supports the body."""


def sway(joints: NDArray[np.float32], frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A clip (frames, 22, 3) of a pose (22, 3), with small smooth random motion."""
    still = joints.astype(np.float64)
    height = still[:, 1] - still[:, 1].min()
    seated = height[[0, 4, 5]].min() < _SUPPORT_HEIGHT
    standing = [
        not seated and height[leg[2]] < 2 * _SUPPORT_HEIGHT and height[leg[3]] < _SUPPORT_HEIGHT for leg in _LEGS
    ]
    leaning = [height[arm[2]] < _SUPPORT_HEIGHT for arm in _ARMS]
    lying = seated and height[9] < 2 * _SUPPORT_HEIGHT
    amount = 0.15 if lying else 0.5 if seated or any(leaning) else 1.0

    waves = _waves(rng, frames, 15)
    clip = np.repeat(still[None], frames, axis=0)
    if any(standing) or (any(leaning) and not seated):
        clip += (waves[:, None, 0:3] * np.array([0.010, 0.002, 0.007])) * amount
    torso = _rotation_matrices(waves[:, 3:6] * np.array([0.7, 0.9, 0.6]) * amount)
    _rotate_about(clip, 0, _UPPER_BODY, torso)
    _rotate_about(clip, 12, (15,), _rotation_matrices(waves[:, 6:9] * 1.5))
    for side, (arm, leg) in enumerate(zip(_ARMS, _LEGS, strict=True)):
        if leaning[side] and not lying:
            _pin_end(clip, arm, still[arm[2]], MAX_ELBOW)
        else:
            _rotate_about(clip, arm[0], arm[1:], _rotation_matrices(waves[:, 9 + side : 12 + side] * 1.4 * amount))
        if standing[side]:
            _pin_end(clip, leg[:3], still[leg[2]], MAX_KNEE)
            clip[:, leg[3]] = clip[:, leg[2]] + (still[leg[3]] - still[leg[2]])
        elif not seated:
            _rotate_about(clip, leg[0], leg[1:], _rotation_matrices(waves[:, 12:15] * 0.8))
    return clip.astype(np.float32)


def _waves(rng: np.random.Generator, frames: int, count: int) -> Array:
    """Smooth random curves (frames, count) of about unit amplitude: sums of two sines of 0.1 to 0.5 Hz."""
    time = np.arange(frames)[:, None, None] / FRAMES_PER_SECOND
    frequency = rng.uniform(0.1, 0.5, (2, count))
    phase = rng.uniform(0.0, 2 * np.pi, (2, count))
    size = rng.uniform(0.3, 1.0, (2, count))
    return np.asarray((size * np.sin(2 * np.pi * frequency * time + phase)).mean(axis=1) * 1.4)


def _rotation_matrices(degrees: Array) -> Array:
    """Rotation matrices (t, 3, 3) of rotation vectors (t, 3), in degrees."""
    vector = np.radians(degrees)
    angle = np.sqrt((vector**2).sum(-1))
    axis = vector / np.maximum(angle, 1e-12)[:, None]
    cross = np.zeros((len(vector), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.asarray(np.eye(3) + s * cross + (1 - c) * (cross @ cross))


def _rotate_about(clip: Array, pivot: int, joints: tuple[int, ...], rotations: Array) -> None:
    """Rotate joints of a clip in place about the joint `pivot`, by matrices (t, 3, 3)."""
    centre = clip[:, pivot : pivot + 1]
    clip[:, joints] = centre + (clip[:, joints] - centre) @ rotations.transpose(0, 2, 1)


def _pin_end(clip: Array, limb: tuple[int, ...], target: Array, max_bend: float) -> None:
    """Move the middle joint of a limb in place so that its end is at `target` (3,) while its root moves."""
    root, middle, end = limb
    line = clip[:, end] - clip[:, root]
    pole = clip[:, middle] - clip[:, root]
    pole = pole - line * (pole * line).sum(-1, keepdims=True) / (line**2).sum(-1, keepdims=True)
    lengths = BONE_LENGTHS[middle], BONE_LENGTHS[end]
    clip[:, middle], clip[:, end] = solve_two_bones(clip[:, root], target, *lengths, pole, max_bend)
