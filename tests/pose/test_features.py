"""Joints and features must be two ways of writing the same motion."""

import numpy as np
import pytest
import torch

from mardm_batch.model.features import features_to_joints
from mardm_batch.pose.features import FEATURE_SIZE, heading_of, joints_to_features
from mardm_batch.pose.skeleton import JOINT_INDEX


def make_walk(frames: int = 24, start_heading: float = 0.0) -> np.ndarray:
    """A rigid person who walks along a curve, (frames, 22, 3)."""
    body = np.random.default_rng(0).normal(scale=0.3, size=(22, 3)) + [0.0, 1.0, 0.0]
    body[0] = [0.0, 0.9, 0.0]
    for name, x, y in (("hip", 0.1, 0.9), ("shoulder", 0.2, 1.4)):
        body[JOINT_INDEX[f"left_{name}"]] = [x, y, 0.0]
        body[JOINT_INDEX[f"right_{name}"]] = [-x, y, 0.0]
    heading = start_heading + np.linspace(0, 4.0, frames)
    return np.stack([turn(body, angle) + [np.sin(angle), 0.02 * angle, angle] for angle in heading])


def turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Turn (..., 3) about Y, from +Z towards +X."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def test_features_give_the_clip_back_from_the_origin_facing_z():
    clip = make_walk(start_heading=0.7)
    features = joints_to_features(clip)
    assert features.shape == (24, FEATURE_SIZE)
    recovered = features_to_joints(torch.from_numpy(features)).numpy()
    expected = turn(clip - clip[0, 0] * [1.0, 0.0, 1.0], -0.7)
    np.testing.assert_allclose(recovered, expected, atol=1e-5)


def test_joints_give_the_features_back_except_the_last_velocity():
    features = joints_to_features(make_walk())
    again = joints_to_features(features_to_joints(torch.from_numpy(features)).numpy())
    np.testing.assert_allclose(again, features, atol=1e-5)


def test_heading_follows_the_person_through_full_turns():
    clip = make_walk(frames=60, start_heading=0.5)
    np.testing.assert_allclose(heading_of(clip), 0.5 + np.linspace(0, 4.0, 60), atol=1e-6)


def test_a_person_lying_on_the_side_keeps_the_heading_of_the_frames_around():
    clip = make_walk(frames=3)
    clip[:] = clip[0]
    clip[1] = clip[1] @ np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])  # across now points up
    np.testing.assert_allclose(heading_of(clip), 0.0, atol=1e-6)
    np.testing.assert_allclose(heading_of(clip[1:2]), 0.0)


def test_a_given_heading_is_used():
    clip = make_walk(frames=8)
    features = joints_to_features(clip, heading=np.zeros(8))
    assert not features[:, 0].any()
    np.testing.assert_allclose(features[:-1, 1:3], np.diff(clip[:, 0], axis=0)[:, [0, 2]], atol=1e-6)


def test_a_batch_is_recovered_row_by_row_and_passes_gradients():
    clips = [make_walk(frames=16, start_heading=angle) for angle in (0.0, 1.0)]
    features = torch.from_numpy(np.stack([joints_to_features(clip) for clip in clips])).requires_grad_()
    joints = features_to_joints(features)
    torch.testing.assert_close(joints[1], features_to_joints(features[1]))
    joints.square().sum().backward()
    assert torch.isfinite(features.grad).all()
    assert features.grad[..., :-1, :].abs().sum() > 0


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_clips_work(frames):
    clip = make_walk(frames=frames)
    recovered = features_to_joints(torch.from_numpy(joints_to_features(clip, np.zeros(frames)))).numpy()
    np.testing.assert_allclose(recovered, clip - clip[0, 0] * [1.0, 0.0, 1.0], atol=1e-5)
