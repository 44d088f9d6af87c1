"""Hold a pose for a few seconds as a living person does: breathing, shifting weight, hands a little restless.

Axes: T frames at 20 per second, 22 joints. Offsets are millimetres to a centimetre and a half. What stands on the
floor stays there, and every bone keeps its length, as parts only turn rigidly or reach by inverse kinematics.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.library.kinematics import two_bone
from mardm_batch.library.posing import MAX_ELBOW, MAX_KNEE
from mardm_batch.pose.skeleton import BONE_LENGTHS, FRAMES_PER_SECOND

Array = NDArray[np.float64]

_LEGS: Final = ((1, 4, 7, 10), (2, 5, 8, 11))
_ARMS: Final = ((16, 18, 20), (17, 19, 21))
_UPPER_BODY: Final = (3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
_TOUCHES: Final = 0.13
"""Metres above the lowest joint up to which an ankle or a wrist carries weight."""


def sway(joints: NDArray[np.float32], frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A clip (frames, 22, 3) of one pose (22, 3) held with small smooth motion about it."""
    still = joints.astype(np.float64)
    height = still[:, 1] - still[:, 1].min()
    seated = height[[0, 4, 5]].min() < _TOUCHES
    standing = [not seated and height[leg[2]] < 2 * _TOUCHES and height[leg[3]] < _TOUCHES for leg in _LEGS]
    leaning = [height[arm[2]] < _TOUCHES for arm in _ARMS]
    lying = seated and height[9] < 2 * _TOUCHES
    amount = 0.15 if lying else 0.5 if seated or any(leaning) else 1.0

    waves = _waves(rng, frames, 15)
    clip = np.repeat(still[None], frames, axis=0)
    if any(standing) or (any(leaning) and not seated):
        clip += (waves[:, None, 0:3] * np.array([0.010, 0.002, 0.007])) * amount
    torso = _turns(waves[:, 3:6] * np.array([0.7, 0.9, 0.6]) * amount)
    _turn_about(clip, 0, _UPPER_BODY, torso)
    _turn_about(clip, 12, (15,), _turns(waves[:, 6:9] * 1.5))
    for side, (arm, leg) in enumerate(zip(_ARMS, _LEGS, strict=True)):
        if leaning[side] and not lying:
            _hold(clip, arm, still[arm[2]], MAX_ELBOW)
        else:
            _turn_about(clip, arm[0], arm[1:], _turns(waves[:, 9 + side : 12 + side] * 1.4 * amount))
        if standing[side]:
            _hold(clip, leg[:3], still[leg[2]], MAX_KNEE)
            clip[:, leg[3]] = clip[:, leg[2]] + (still[leg[3]] - still[leg[2]])
        elif not seated:
            _turn_about(clip, leg[0], leg[1:], _turns(waves[:, 12:15] * 0.8))
    return clip.astype(np.float32)


def _waves(rng: np.random.Generator, frames: int, count: int) -> Array:
    """Smooth curves (frames, count) of about unit size: two slow sines each, 0.1 to 0.5 Hz."""
    time = np.arange(frames)[:, None, None] / FRAMES_PER_SECOND
    frequency = rng.uniform(0.1, 0.5, (2, count))
    phase = rng.uniform(0.0, 2 * np.pi, (2, count))
    size = rng.uniform(0.3, 1.0, (2, count))
    return np.asarray((size * np.sin(2 * np.pi * frequency * time + phase)).mean(axis=1) * 1.4)


def _turns(degrees: Array) -> Array:
    """Rotation matrices (T, 3, 3) of rotation vectors (T, 3)."""
    vector = np.radians(degrees)
    angle = np.sqrt((vector**2).sum(-1))
    axis = vector / np.maximum(angle, 1e-12)[:, None]
    cross = np.zeros((len(vector), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.asarray(np.eye(3) + s * cross + (1 - c) * (cross @ cross))


def _turn_about(clip: Array, pivot: int, joints: tuple[int, ...], turns: Array) -> None:
    centre = clip[:, pivot : pivot + 1]
    clip[:, joints] = centre + (clip[:, joints] - centre) @ turns.transpose(0, 2, 1)


def _hold(clip: Array, limb: tuple[int, ...], target: Array, max_bend: float) -> None:
    """Bends a limb's middle joint so that its end stays where it is while its root moves."""
    root, middle, end = limb
    line = clip[:, end] - clip[:, root]
    pole = clip[:, middle] - clip[:, root]
    pole = pole - line * (pole * line).sum(-1, keepdims=True) / (line**2).sum(-1, keepdims=True)
    lengths = BONE_LENGTHS[middle], BONE_LENGTHS[end]
    clip[:, middle], clip[:, end] = two_bone(clip[:, root], target, *lengths, pole, max_bend)
