"""Sampled poses are changed to what their captions state."""

import numpy as np
import pytest

from mardm_batch.judge.judge import load_judge
from mardm_batch.library.library import load_library
from mardm_batch.library.posing import pose
from mardm_batch.pose.balance import is_balanced
from mardm_batch.pose.conditions import parse
from mardm_batch.pose.geometry import canonical_position
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.rotations import from_axis_angles
from mardm_batch.sampling.adjusting import Adjustment, PoseAdjuster, _adjusted, clip_of_pose

STANDING = canonical_position(pose({})[None].astype(np.float32))[0]


@pytest.fixture(scope="module")
def adjuster() -> PoseAdjuster:
    return PoseAdjuster(load_judge())


def test_a_pose_is_changed_for_what_its_caption_states_and_says_so(adjuster: PoseAdjuster) -> None:
    captions = ["A person standing, the left elbow bent at 90 degrees", "A person standing with the arms straight"]
    changed, adjustments = adjuster.adjust(captions, np.stack([STANDING, STANDING]))
    assert adjustments == [Adjustment(("left_elbow bent 68..112",)), Adjustment()]
    assert parse("left_elbow bent 68..112").holds(changed[:1])[0]
    assert within_limits(changed[:1])[0]
    assert changed.dtype == np.float32
    assert np.array_equal(changed[1], STANDING)


def test_the_lowest_joint_stays_on_the_floor(adjuster: PoseAdjuster) -> None:
    changed, adjustments = adjuster.adjust(["standing on the left leg, both knees bent"], STANDING[None])
    assert adjustments == [Adjustment(("knees bent 40..", "right_foot off floor"))]
    assert changed[0, :, 1].min() == pytest.approx(STANDING[:, 1].min(), abs=1e-6)


def test_other_poses_stay_as_they_are(adjuster: PoseAdjuster) -> None:
    changed, _ = adjuster.adjust(["the left elbow bent", "the arms straight"], np.stack([STANDING] * 2))
    assert not np.array_equal(changed[0], STANDING)
    assert np.array_equal(changed[1], STANDING)


def test_a_caption_is_read_as_rewritten(adjuster: PoseAdjuster) -> None:
    bent = canonical_position(pose({"left_leg": {"raise": 40, "plane": 90, "knee": 50}})[None].astype(np.float32))
    _, adjustments = adjuster.adjust(["standin, the left knee isn't bent"], bent)
    assert adjustments == [Adjustment(("left_knee bent ..28",))]


def test_a_pose_is_the_same_whatever_is_beside_it(adjuster: PoseAdjuster) -> None:
    captions = ["hands on the hips", "the right arm straight up", "left knee bent at 90 degrees"]
    together, _ = adjuster.adjust(captions, np.stack([STANDING] * 3))
    alone = [adjuster.adjust([caption], STANDING[None])[0][0] for caption in captions]
    assert np.array_equal(together, np.stack(alone))


def test_what_no_body_can_do_changes_nothing(adjuster: PoseAdjuster) -> None:
    caption = "standing on the left leg, both feet off the floor, the right foot on the floor"
    changed, adjustments = adjuster.adjust(
        [caption, "the left knee bent"], np.stack([STANDING, np.full_like(STANDING, np.nan)])
    )
    assert np.isnan(changed[1]).all()
    assert adjustments[0].missed
    assert adjustments[1] == Adjustment()
    assert within_limits(changed[:1])[0]


def test_a_statement_comes_before_what_else_is_read(adjuster: PoseAdjuster) -> None:
    """Raised arms are read with elbows that the caption states to be straight."""
    caption = "Shoulder abduction of 90 degrees, elbows in full extension"
    bent = pose({side: {"raise": 60, "elbow": 100} for side in ("left_arm", "right_arm")})
    changed, (adjustment,) = adjuster.adjust([caption], canonical_position(bent[None].astype(np.float32)))
    assert adjustment.missed == ()
    assert parse("elbows bent ..28").holds(changed)[0]


def test_whoever_would_fall_is_brought_into_balance(adjuster: PoseAdjuster) -> None:
    falling = STANDING @ from_axis_angles(np.array([0.35, 0.0, 0.0])).T.astype(np.float32)
    falling = canonical_position(falling[None])
    assert not is_balanced(falling)[0]
    changed, (adjustment,) = adjuster.adjust(["A person standing"], falling)
    assert is_balanced(changed)[0]
    assert "balanced" in adjustment.adjusted_for
    assert adjustment.missed == ()
    unchanged, adjustments = adjuster.adjust(["A person falling forward"], falling)
    assert np.array_equal(unchanged, falling)
    assert adjustments == [Adjustment()]


@pytest.mark.parametrize(
    "caption",
    [
        "the left hand on the right foot, legs straight",
        "the left elbow on the right knee, legs straight",
        "the right hand touching the left heel, the left knee bent",
    ],
)
def test_a_change_beyond_human_limits_is_made_within_them(adjuster: PoseAdjuster, caption: str) -> None:
    stated = adjuster.stated(caption)
    assert not within_limits(_adjusted(stated, STANDING, adjuster._shown(caption, STANDING))[None])[0]
    changed, (adjustment,) = adjuster.adjust([caption], STANDING[None])
    assert adjustment.adjusted_for
    assert not adjustment.missed
    assert within_limits(changed)[0]


def test_a_pose_that_is_turned_to_face_forward_shows_what_it_should_all_the_same(adjuster: PoseAdjuster) -> None:
    rng = np.random.default_rng(77)
    pose = [load_library().sample(rng, 1) for _ in range(3)][-1].clip
    caption = "torso leaning far to the right, both hands on the right thigh"
    _, (adjustment,) = adjuster.adjust([caption], pose)
    assert adjustment.missed == ()
    assert "torso leans right 18" in adjustment.adjusted_for


def test_the_clip_of_a_pose_has_it_as_its_frame() -> None:
    clip = np.repeat(STANDING[None], 5, axis=0) + np.linspace(0, 0.1, 5, dtype=np.float32)[:, None, None]
    sampled = canonical_position(clip[2:3])[0]
    assert np.array_equal(clip_of_pose(clip, 2, sampled)[2], sampled)
    lifted = PoseAdjuster(load_judge()).adjust(["the left arm straight up"], sampled[None])[0][0]
    assert clip_of_pose(clip, 2, lifted)[2] == pytest.approx(lifted, abs=1e-5)
