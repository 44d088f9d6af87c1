"""HumanML3D's 263 features of clips, and what they must hold whatever the clip."""

import numpy as np
import pytest
import torch

from mardm_batch.library.posing import pose
from mardm_batch.model.features import features_to_joints
from mardm_batch.pose.features import heading_of
from mardm_batch.pose.humanml3d import (
    HUMANML3D_FEATURE_SIZE,
    REST_DIRECTIONS,
    STILL,
    humanml3d_features,
)
from mardm_batch.pose.skeleton import JOINT_NAMES, KINEMATIC_CHAINS, MIRROR_INDEX
from mardm_batch.pose.vectors import rotate_about_y

ROTATIONS, VELOCITIES, CONTACTS = slice(67, 193), slice(193, 259), slice(259, 263)


def make_walk(frames: int = 60, turned: float = 1.0) -> np.ndarray:
    """A person with waving arms who walks along a curve, turned by so many radians at its end, (frames, 22, 3)."""
    rng = np.random.default_rng(5)
    body = pose({}).reshape(22, 3).astype(np.float64)
    sway = 0.05 * np.sin(np.linspace(0, 9, frames)[:, None, None] + rng.uniform(0, 6, (1, 22, 3)))
    heading = np.linspace(0, turned, frames)
    clip = rotate_about_y(body + sway, heading[:, None])
    clip[..., 0] += np.linspace(0, 1.2, frames)[:, None]
    clip[..., 2] += np.linspace(0, 0.8, frames)[:, None] ** 2
    return clip


def standardised(clip: np.ndarray) -> np.ndarray:
    """The clip on the floor, its first frame over the origin and facing +Z."""
    moved = clip - clip[0, 0] * [1.0, 0.0, 1.0]
    moved[..., 1] -= clip[..., 1].min()
    return rotate_about_y(moved, -heading_of(clip[:1])[0])


@pytest.mark.parametrize("turned", [0.0, 1.0, 7.0])
def test_the_clip_comes_back_from_the_first_67(turned: float) -> None:
    clip = make_walk(turned=turned)
    features = humanml3d_features(clip)
    assert features.shape == (60, HUMANML3D_FEATURE_SIZE)
    assert features.dtype == np.float32
    restored = features_to_joints(torch.from_numpy(features[:, :67])).numpy()
    np.testing.assert_allclose(restored, standardised(clip), atol=2e-5)


def test_place_and_direction_of_a_clip_do_not_matter() -> None:
    clip = make_walk()
    moved = rotate_about_y(clip, np.array(2.3)) + [3.0, 0.7, -5.0]
    np.testing.assert_allclose(humanml3d_features(moved), humanml3d_features(clip), atol=2e-5)


def test_bones_point_where_their_rotations_turn_them() -> None:
    clip = make_walk()
    features = humanml3d_features(clip)
    columns = features[:, ROTATIONS].reshape(-1, 21, 2, 3).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(columns, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose((columns[..., 0, :] * columns[..., 1, :]).sum(-1), 0, atol=1e-5)
    local = np.stack([columns[..., 0, :], columns[..., 1, :], np.cross(columns[..., 0, :], columns[..., 1, :])], -1)
    half_yaw = np.concatenate([[0], np.cumsum(features[:-1, 0].astype(np.float64))])
    turn = rotate_about_y(np.broadcast_to(np.eye(3), (60, 3, 3)), 2 * half_yaw[:, None]).swapaxes(-1, -2)
    placed = standardised(clip)
    for chain in KINEMATIC_CHAINS.values():
        world = turn
        for start, joint in zip(chain, chain[1:], strict=False):
            world = world @ local[:, joint - 1]
            bone = placed[:, joint] - placed[:, start]
            bone /= np.linalg.norm(bone, axis=-1, keepdims=True)
            np.testing.assert_allclose(world @ np.array(REST_DIRECTIONS[JOINT_NAMES[joint]]), bone, atol=2e-5)


def test_velocities_are_the_way_to_the_next_frame_in_the_own_heading() -> None:
    clip = make_walk(turned=2.0)
    features = humanml3d_features(clip)
    velocities = features[:, VELOCITIES].reshape(60, 22, 3)
    heading = -2 * np.concatenate([[0], np.cumsum(features[:-1, 0].astype(np.float64))])
    steps = rotate_about_y(velocities.astype(np.float64), heading[:, None])
    np.testing.assert_allclose(steps[:-1], np.diff(standardised(clip), axis=0), atol=2e-5)
    np.testing.assert_array_equal(velocities[-1], velocities[-2])


def test_feet_that_stand_still_have_contact() -> None:
    clip = np.repeat(pose({}).reshape(1, 22, 3).astype(np.float64), 6, axis=0)
    assert humanml3d_features(clip)[:, CONTACTS].all()
    clip[3:, JOINT_NAMES.index("right_foot"), 2] += 1.01 * np.sqrt(STILL)
    contacts = humanml3d_features(clip)[:, CONTACTS].astype(bool)
    assert (~contacts).sum() == 1
    assert not contacts[2, 3]


def test_the_mirror_image_has_mirrored_features() -> None:
    clip = make_walk()
    own, image = humanml3d_features(clip), humanml3d_features(clip[:, list(MIRROR_INDEX)] * [-1, 1, 1])
    np.testing.assert_allclose(image[:, 0], -own[:, 0], atol=1e-5)
    velocities, mirrored = (each[:, VELOCITIES].reshape(-1, 22, 3) for each in (own, image))
    np.testing.assert_allclose(mirrored[:, list(MIRROR_INDEX)], velocities * [-1, 1, 1], atol=1e-5)
    contacts, swapped = (each[:, CONTACTS].reshape(-1, 2, 2) for each in (own, image))
    np.testing.assert_array_equal(swapped[:, ::-1], contacts)


def test_heading_is_smooth_after_the_first_frame() -> None:
    clip = make_walk(turned=0.0)
    jerked = rotate_about_y(clip, (0.3 * (np.arange(60) % 2))[:, None])  # the body turns to and fro every frame
    yaw = humanml3d_features(jerked)[:, 0]
    assert np.abs(yaw[1:]).max() < 0.01


@pytest.mark.parametrize("frames", [1, 2])
def test_shortest_clips_have_features(frames: int) -> None:
    features = humanml3d_features(make_walk(frames))
    assert features.shape == (frames, HUMANML3D_FEATURE_SIZE)
    assert np.isfinite(features).all()
