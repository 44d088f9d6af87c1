"""Joints to features and back."""

import numpy as np
import pytest
import torch

from mardm_batch.model.features import features_to_joints
from mardm_batch.pose.features import FEATURE_SIZE, heading_of, joints_to_features
from mardm_batch.pose.skeleton import JOINT_INDEX


def make_walk(frames: int = 24, start_heading: float = 0.0) -> np.ndarray:
    """A rigid person walking along a curve, (frames, 22, 3)."""
    body = np.random.default_rng(0).normal(scale=0.3, size=(22, 3)) + [0.0, 1.0, 0.0]
    body[0] = [0.0, 0.9, 0.0]
    for name, x, y in (("hip", 0.1, 0.9), ("shoulder", 0.2, 1.4)):
        body[JOINT_INDEX[f"left_{name}"]] = [x, y, 0.0]
        body[JOINT_INDEX[f"right_{name}"]] = [-x, y, 0.0]
    heading = start_heading + np.linspace(0, 4.0, frames)
    return np.stack([turn(body, angle) + [np.sin(angle), 0.02 * angle, angle] for angle in heading])


def turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Points (..., 3) rotated about Y, from +Z towards +X, by an angle in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def test_features_restore_the_clip_from_the_origin_facing_z():
    clip = make_walk(start_heading=0.7)
    features = joints_to_features(clip)
    assert features.shape == (24, FEATURE_SIZE)
    restored = features_to_joints(torch.from_numpy(features)).numpy()
    expected = turn(clip - clip[0, 0] * [1.0, 0.0, 1.0], -0.7)
    np.testing.assert_allclose(restored, expected, atol=1e-5)


def test_features_of_restored_joints_are_the_same():
    features = joints_to_features(make_walk())
    again = joints_to_features(features_to_joints(torch.from_numpy(features)).numpy())
    np.testing.assert_allclose(again, features, atol=1e-5)


def test_heading_is_continuous_through_full_turns():
    clip = make_walk(frames=60, start_heading=0.5)
    np.testing.assert_allclose(heading_of(clip), 0.5 + np.linspace(0, 4.0, 60), atol=1e-6)


def test_frames_without_a_heading_take_that_of_their_neighbours():
    clip = make_walk(frames=3)
    clip[:] = clip[0]
    clip[1] = clip[1] @ np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])  # the left-right axis points up
    np.testing.assert_allclose(heading_of(clip), 0.0, atol=1e-6)
    np.testing.assert_allclose(heading_of(clip[1:2]), 0.0)


def test_a_heading_that_is_passed_is_used():
    clip = make_walk(frames=8)
    features = joints_to_features(clip, heading=np.zeros(8))
    assert not features[:, 0].any()
    np.testing.assert_allclose(features[:-1, 1:3], np.diff(clip[:, 0], axis=0)[:, [0, 2]], atol=1e-6)


def test_a_batch_is_restored_row_by_row_and_passes_gradients():
    clips = [make_walk(frames=16, start_heading=angle) for angle in (0.0, 1.0)]
    features = torch.from_numpy(np.stack([joints_to_features(clip) for clip in clips])).requires_grad_()
    joints = features_to_joints(features)
    torch.testing.assert_close(joints[1], features_to_joints(features[1]))
    joints.square().sum().backward()
    assert torch.isfinite(features.grad).all()
    assert features.grad[..., :-1, :].abs().sum() > 0


@pytest.mark.parametrize("frames", [1, 2])
def test_clips_of_one_and_two_frames_are_restored(frames):
    clip = make_walk(frames=frames)
    restored = features_to_joints(torch.from_numpy(joints_to_features(clip, np.zeros(frames)))).numpy()
    np.testing.assert_allclose(restored, clip - clip[0, 0] * [1.0, 0.0, 1.0], atol=1e-5)
