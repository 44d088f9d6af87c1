"""Poses changed so that they meet conditions."""

import numpy as np
import pytest

from mardm_batch.library.posing import pose
from mardm_batch.pose.adjustment import adjusted, follow
from mardm_batch.pose.conditions import parse
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.skeleton import PARENTS

STANDING = pose({}).astype(np.float64)
LUNGE = pose({"left_leg": {"raise": 60, "plane": 90, "knee": 70}, "right_leg": {"raise": -20, "plane": 90}}).astype(
    np.float64
)


def lengths(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[1:] - joints[list(PARENTS[1:])], axis=1)


def holds(condition: str, joints: np.ndarray) -> bool:
    return bool(parse(condition).holds(joints[None])[0])


@pytest.mark.parametrize(
    "condition",
    [
        "left_knee bent 68..112",
        "hands near hips 0.25",
        "right_hand above head",
        "right_foot off floor",
        "torso leans forward 20",
        "head looks left 8",
        "left_foot in front of right_foot 0.1",
        "feet apart 0.5..",
        "arms points outward 45",
        "hands close 0.2",
        "either hand above head or torso leans back 10",
    ],
)
def test_a_standing_person_is_changed_until_a_condition_holds(condition: str) -> None:
    assert not holds(condition, STANDING)
    changed = adjusted(STANDING, [parse(condition)], [1.0])
    assert holds(condition, changed)
    assert lengths(changed) == pytest.approx(lengths(STANDING))
    assert within_limits(changed[None])[0]


def test_little_changes_beside_what_was_asked_for() -> None:
    changed = adjusted(STANDING, [parse("left_elbow bent 68..112")], [1.0])
    assert holds("left_elbow bent 68..112", changed)
    others = [joint for joint in range(22) if joint not in (18, 20)]
    assert np.linalg.norm(changed - STANDING, axis=1)[others].max() < 0.05


def test_what_held_before_still_holds() -> None:
    kept = ["left_knee bent 50..", "left_foot in front of right_foot 0.2", "right_foot on floor"]
    assert all(holds(condition, LUNGE) for condition in kept)
    wanted = "torso leans forward 15"
    changed = adjusted(LUNGE, [parse(wanted), *map(parse, kept)], [3.0, 1.0, 1.0, 1.0])
    assert all(holds(condition, changed) for condition in (wanted, *kept))


def test_of_alternatives_the_nearest_is_pursued() -> None:
    raised = pose({"left_arm": {"raise": 150, "plane": 0}}).astype(np.float64)
    changed = adjusted(raised, [parse("either hand above head 0.3")], [1.0])
    assert holds("left_hand above head 0.3", changed)
    assert not holds("right_hand above shoulders", changed)


def test_a_pose_that_meets_its_conditions_stays_as_it_is() -> None:
    assert np.array_equal(adjusted(STANDING, [parse("knees bent ..30")], [1.0]), STANDING)


def test_a_clip_follows_its_pose() -> None:
    sway = np.linspace(-0.02, 0.02, 5)[:, None, None] * np.ones((1, 22, 1)) * (1.0, 0.0, 0.0)
    clip = STANDING + sway
    changed = adjusted(STANDING, [parse("right_hand above head")], [1.0])
    followed = follow(clip, STANDING, changed)
    assert followed[2] == pytest.approx(changed)
    assert np.diff(followed, axis=0) == pytest.approx(np.diff(clip, axis=0))
