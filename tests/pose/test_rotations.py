"""Rotations from positions and back: joints return, hinges bend as hinges, the straight pose is the rest pose."""

import numpy as np
import pytest

from mardm_batch.library.library import load_library
from mardm_batch.pose.gaze import head_frames
from mardm_batch.pose.inverse_kinematics import forward_kinematics, mean_offsets, with_bones, with_own_bones
from mardm_batch.pose.rest_pose import REST_OFFSETS
from mardm_batch.pose.rotations import (
    about_axis,
    best_fit,
    from_axis_angles,
    shortest_rotation,
    to_axis_angles,
    to_euler_zxy,
    to_quaternions,
)
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, MIRROR_INDEX
from mardm_batch.render.figure import head_axes

X, Y, Z = np.eye(3)


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    """Poses (1000, 22, 3) of the whole library: standing, sitting, lying, upside down."""
    library, rng = load_library(), np.random.default_rng(0)
    return np.stack([library.compose(rng).joints(rng) for _ in range(1000)])


@pytest.fixture(scope="module")
def rotations() -> np.ndarray:
    """Of many joints (200, 22, 3, 3), small and large ones, and some about the poles of the angles."""
    vectors = np.random.default_rng(1).normal(size=(200, 22, 3))
    vectors[0] *= 1e-9
    vectors[1] *= np.pi / np.linalg.norm(vectors[1], axis=-1, keepdims=True)
    vectors[2] = np.pi / 2 * X
    return from_axis_angles(vectors)


def test_rotations_survive_every_notation(rotations: np.ndarray) -> None:
    assert np.allclose(from_axis_angles(to_axis_angles(rotations)), rotations, atol=1e-9)
    z, x, y = np.moveaxis(to_euler_zxy(rotations), -1, 0)
    assert np.allclose(about_axis(Z, z) @ about_axis(X, x) @ about_axis(Y, y), rotations, atol=1e-7)
    quaternions = to_quaternions(rotations)
    axis, cos = quaternions[..., :3], quaternions[..., 3:]
    vectors = np.random.default_rng(2).normal(size=axis.shape)
    turned = vectors + 2 * np.cross(axis, np.cross(axis, vectors) + cos * vectors)
    assert np.allclose(turned, (rotations @ vectors[..., None])[..., 0], atol=1e-9)


def test_the_shortest_rotation_points_and_has_no_twist() -> None:
    ends = np.random.default_rng(3).normal(size=(50, 3))
    ends = np.concatenate((ends / np.linalg.norm(ends, axis=-1, keepdims=True), [Y, -Y]))
    found = shortest_rotation(Y, ends)
    assert np.allclose(found @ Y, ends)
    assert np.allclose(found @ np.swapaxes(found, -1, -2), np.eye(3))
    assert np.allclose(np.linalg.norm(to_axis_angles(found), axis=-1), np.arccos(ends @ Y))


def test_the_best_fit_is_a_rotation_also_of_vectors_in_a_plane() -> None:
    start = np.array([[X, Y, (X + Y) / 2]])
    true = about_axis(Z, np.array([2.0]))
    assert np.allclose(best_fit(start, start @ np.swapaxes(true, -1, -2), np.ones(3)), true)


def test_the_rest_pose_has_no_rotations() -> None:
    rest = forward_kinematics(np.broadcast_to(np.eye(3), (1, 22, 3, 3)), REST_OFFSETS, np.zeros((1, 3)))
    angles = np.degrees(np.linalg.norm(to_axis_angles(with_bones(rest).rotations), axis=-1))[0]
    assert angles[JOINT_INDEX["neck"]] < 3  # the shoulders, by which it is turned, are not level: the sides differ
    assert np.delete(angles, JOINT_INDEX["neck"]).max() < 1e-6
    left, right = rest[0, JOINT_INDEX["left_wrist"]], rest[0, JOINT_INDEX["right_wrist"]]
    assert left[0] > 0.6
    assert right[0] < -0.6
    assert rest[0, JOINT_INDEX["left_foot"], 2] > rest[0, JOINT_INDEX["left_ankle"], 2]


def test_joints_return_from_rotations_of_their_own_bones(poses: np.ndarray) -> None:
    assert np.abs(with_own_bones(poses).positions() - poses).max() < 1e-6


def test_joints_return_from_rotations_of_the_skeleton_where_its_bones_are_theirs(rotations: np.ndarray) -> None:
    posed = forward_kinematics(rotations, REST_OFFSETS, np.zeros((len(rotations), 3)))
    assert np.abs(with_bones(posed).positions() - posed).max() < 1e-6


def test_errors_do_not_add_up_along_limbs_on_another_skeleton(poses: np.ndarray) -> None:
    distance = np.linalg.norm(with_bones(poses).positions() - poses, axis=-1)
    assert distance.mean() < 0.01
    for limb in (("left_hip", "left_knee", "left_ankle"), ("right_collar", "right_elbow", "right_wrist")):
        first, *_, last = (distance[:, JOINT_INDEX[name]].mean() for name in limb)
        assert last < first + 0.01


def test_elbows_and_knees_bend_about_their_hinges(poses: np.ndarray) -> None:
    vectors = to_axis_angles(with_own_bones(poses).rotations)
    for joint, axis in (("left_elbow", -Y), ("right_elbow", Y), ("left_knee", X), ("right_knee", X)):
        bent = vectors[:, JOINT_INDEX[joint]]
        angle = np.linalg.norm(bent, axis=-1)
        bent = bent[angle > np.radians(40)] / angle[angle > np.radians(40), None]
        assert np.quantile(bent @ axis, 0.1) > 0.99, joint


def test_mirrored_poses_have_mirrored_rotations(poses: np.ndarray) -> None:
    vectors = to_axis_angles(with_own_bones(poses).rotations)
    flipped = poses[:, MIRROR_INDEX] * (-1, 1, 1)
    mirrored = to_axis_angles(with_own_bones(flipped).rotations)[:, MIRROR_INDEX] * (1, -1, -1)
    assert np.quantile(np.abs(mirrored - vectors).max(axis=(1, 2)), 0.95) < 1e-3


def test_a_turned_trunk_twists_by_thirds() -> None:
    rotations = np.tile(np.eye(3), (1, 22, 1, 1))
    rotations[:, JOINT_INDEX["spine3"]] = about_axis(Y, np.array([0.9]))
    posed = forward_kinematics(rotations, REST_OFFSETS, np.zeros((1, 3)))
    found = to_axis_angles(with_bones(posed).rotations)[0]
    assert [round(float(found[JOINT_INDEX[name], 1]), 1) for name in ("spine1", "spine2", "spine3")] == [0.3] * 3


def test_a_clip_has_one_skeleton_with_bones_of_mean_length(poses: np.ndarray) -> None:
    clip = np.stack([poses[0] * scale for scale in (0.99, 1.0, 1.01)])
    assert np.allclose(mean_offsets(clip), with_own_bones(poses[:1]).offsets[0], atol=1e-6)
    assert np.abs(with_bones(clip, mean_offsets(clip)).positions() - clip).max() < 0.02


def test_heads_look_where_those_of_the_pictures_do(poses: np.ndarray) -> None:
    bones = poses[:, JOINT_INDEX["head"]] - poses[:, JOINT_INDEX["neck"]]
    for frame, joints in zip(head_frames(bones, poses), poses.astype(float), strict=True):
        up, front = head_axes(joints)
        assert np.allclose(frame[:, 1], up, atol=1e-6)
        assert np.allclose(frame[:, 2], front, atol=1e-6)


def test_every_joint_has_a_rotation(poses: np.ndarray) -> None:
    found = with_own_bones(poses[:1]).rotations
    assert found.shape == (1, len(JOINT_NAMES), 3, 3)
    assert np.isfinite(found).all()
