"""Features to joints, as the networks need it: differentiable. Axes: t frames, j joints. See `pose.features`."""

import torch
from torch import Tensor


def features_to_joints(features: Tensor) -> Tensor:
    """Recover the joints, starting over the origin with heading +Z; differentiable.

    `features` (..., t, 4 + 3 (j - 1)), not normalised → (..., t, j, 3) in the unit of the features
    (metres; millimetres for KIT-ML).
    """
    frames = features.shape[-2]
    # A frame's velocity leads to the next frame, so the last frame's velocity moves nothing.
    half_yaw = _sum_before(features[..., 0])
    local = features[..., 4:].reshape(*features.shape[:-1], -1, 3)
    joints = _turn(local, -2 * half_yaw[..., None])
    velocity = torch.stack([features[..., 1], torch.zeros_like(features[..., 1]), features[..., 2]], dim=-1)
    steps = _turn(velocity[..., : frames - 1, :], -2 * half_yaw[..., 1:])
    root = torch.nn.functional.pad(torch.cumsum(steps, dim=-2), (0, 0, 1, 0))
    offset = root[..., None, :]
    root = torch.stack([root[..., 0], features[..., 3], root[..., 2]], dim=-1)
    return torch.cat([root[..., None, :], joints + offset], dim=-2)


def _sum_before(values: Tensor) -> Tensor:
    """Of (..., t) the sum of the values before each frame."""
    return torch.nn.functional.pad(torch.cumsum(values[..., :-1], dim=-1), (1, 0))


def _turn(vectors: Tensor, angle: Tensor) -> Tensor:
    """Turn (..., 3) about Y by `angle` (...) radians."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y, z = vectors.unbind(-1)
    return torch.stack([x * cos + z * sin, y.expand_as(x * cos), z * cos - x * sin], dim=-1)
